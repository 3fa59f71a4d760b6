//! Bars with rate and ETA on stderr, and Ctrl-C, SIGTERM and SIGHUP as requests to stop.
//!
//! Code that works checks for the request by itself. Code that waits for others, such as a pipe
//! that nobody reads, cannot: it announces its wait (`outside.rs`), and is ended from here.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use akin::progress::{Observer, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::context::Context;
use super::outside;
#[cfg(unix)]
use super::signal;

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// The unit of sizes.
const BYTES: &str = "bytes";

/// Watches long work: a bar if stderr is a terminal, nothing otherwise.
pub(super) struct Bar {
    bar: Mutex<Option<ProgressBar>>,
    hidden: bool,
}

impl Bar {
    /// A bar for a command that can be stopped: from now on the first Ctrl-C requests a stop, and a
    /// second one ends the process.
    pub(super) fn stoppable(context: &Context) -> Bar {
        set_handler();
        Bar {
            bar: Mutex::new(None),
            hidden: context.quiet,
        }
    }

    fn with(&self, act: impl FnOnce(&ProgressBar)) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = bar.as_ref()
        {
            act(bar);
        }
    }
}

/// Has signals that end a process ask to stop. A signal that was ignored when the process started
/// stays ignored: `nohup` does so with SIGHUP.
fn set_handler() {
    #[cfg(unix)]
    let is_ignored = is_hangup_ignored();
    // Fails only if a handler is already installed, which does the same.
    let _ = ctrlc::set_handler(on_interrupt);
    #[cfg(unix)]
    if is_ignored {
        signal::ignore(libc::SIGHUP);
    }
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "no crate at hand asks how a signal is handled")]
fn is_hangup_ignored() -> bool {
    // SAFETY: only the second pointer is written to, and it is to a value of the right type, for which
    // zeros are one of its values.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut current) == 0
            && current.sa_sigaction == libc::SIG_IGN
    }
}

#[expect(clippy::exit, reason = "a second Ctrl-C does not wait for anything")]
fn on_interrupt() {
    if STOP.swap(true, Ordering::Relaxed)
        || thread::Builder::new().spawn(outside::end_waiting).is_err()
    {
        std::process::exit(130);
    }
}

/// Makes a file that grows past its limit an error for its writer, not the end of the process.
pub(super) fn make_limits_errors() {
    #[cfg(unix)]
    signal::ignore(libc::SIGXFSZ);
}

impl Observer for Bar {
    fn begin(&self, stage: Stage, total: Option<u64>) {
        let (verb, unit) = match stage {
            Stage::Read => ("Reading", "records"),
            Stage::Embed => ("Embedding", "papers"),
            Stage::Index | Stage::Words => ("Indexing", "papers"),
            Stage::Check => ("Checking", "papers"),
            Stage::Compact => ("Compacting", "papers"),
            Stage::Evaluate => ("Searching", "queries"),
            Stage::Fetch => ("Fetching", BYTES),
        };
        let target = if self.hidden {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style(unit, total.is_some()));
        bar.set_message(verb);
        bar.set_prefix(unit);
        if let Ok(mut slot) = self.bar.lock() {
            *slot = Some(bar);
        }
    }

    fn estimate(&self, total: u64) {
        self.with(|bar| {
            if bar.length().is_none() {
                bar.set_style(style(&bar.prefix(), true));
            }
            bar.set_length(total.max(bar.position()));
        });
    }

    fn advance(&self, n: u64) {
        self.with(|bar| bar.inc(n));
    }

    fn end(&self) {
        self.with(ProgressBar::finish_and_clear);
    }

    fn stop_requested(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}

fn style(unit: &str, is_sized: bool) -> ProgressStyle {
    let template = if unit == BYTES {
        "{msg} {bar:30} {decimal_bytes}/{decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left"
            .to_owned()
    } else if is_sized {
        format!("{{msg}} {{bar:30}} {{human_pos}}/{{human_len}} {unit}, {{per_sec}}, {{eta}} left")
    } else {
        format!("{{msg}} {{spinner}} {{human_pos}} {unit}, {{per_sec}}, {{elapsed}}")
    };
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
