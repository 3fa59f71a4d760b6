//! Bars or lines with rate and ETA on stderr, and Ctrl-C, SIGTERM and SIGHUP as requests to stop.
//!
//! Code that works checks for the request by itself. Code that waits for others, such as a pipe
//! that nobody reads, cannot: it announces its wait (`outside.rs`), and is ended from here.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use akin::progress::{Observer, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::context::Context;
use super::layout::{self, count};
#[cfg(unix)]
use super::signal;
use super::{outside, terminal};

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// The unit of sizes.
const BYTES: &str = "bytes";

/// How often a line says how far long work is, where no bar can be drawn.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// Watches long work: a bar if stderr is a terminal, otherwise a line now and then.
pub(super) struct Bar {
    work: Mutex<Option<StageBar>>,
    shown: BarStyle,
    /// When a line was last printed, or the work began.
    said: Mutex<Instant>,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BarStyle {
    Nothing,
    Drawn,
    Lines,
}

/// A stage under way.
struct StageBar {
    bar: ProgressBar,
    verb: &'static str,
    unit: &'static str,
    begun: Instant,
}

impl Bar {
    /// A bar for a command that can be stopped: from now on the first Ctrl-C requests a stop, and a
    /// second one ends the process.
    pub(super) fn stoppable(context: &Context) -> Bar {
        set_handler();
        let can_be_drawn = terminal::is_stderr_read() && !terminal::is_json();
        let shown = match (context.quiet, can_be_drawn) {
            (true, _) => BarStyle::Nothing,
            (false, true) => BarStyle::Drawn,
            (false, false) => BarStyle::Lines,
        };
        Bar {
            work: Mutex::new(None),
            shown,
            said: Mutex::new(Instant::now()),
        }
    }

    fn with(&self, act: impl FnOnce(&StageBar)) {
        if let Ok(work) = self.work.lock()
            && let Some(work) = work.as_ref()
        {
            act(work);
        }
    }

    /// Prints a line, if the last one is long ago.
    fn say(&self, work: &StageBar) {
        let Ok(mut said) = self.said.lock() else {
            return;
        };
        if self.shown == BarStyle::Lines && said.elapsed() >= SAY_EVERY {
            *said = Instant::now();
            // If stderr cannot be written, nobody can be informed.
            let _ = writeln!(terminal::stderr(), "{}", work.line());
        }
    }
}

impl StageBar {
    /// How far it is: `Embedding 12,345 of 100,000 papers, 61/s, 24 min left`.
    fn line(&self) -> String {
        let (done, total) = (self.bar.position(), self.bar.length());
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = done as f64 / seconds.max(f64::MIN_POSITIVE);
        let of_total = total.map_or(String::new(), |total| format!(" of {}", count(total)));
        let left = total.filter(|_| done > 0).map(|total| {
            let seconds = total.saturating_sub(done) as f64 / rate;
            format!(", {} left", layout::duration(seconds))
        });
        format!(
            "{} {}{of_total} {}, {}/s{}",
            self.verb,
            count(done),
            self.unit,
            layout::rate(rate),
            left.unwrap_or_default()
        )
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
        let target = match self.shown {
            BarStyle::Drawn => ProgressDrawTarget::stderr(),
            BarStyle::Lines | BarStyle::Nothing => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(total, target);
        bar.set_style(style(unit, total.is_some()));
        bar.set_message(verb);
        if let Ok(mut slot) = self.work.lock() {
            *slot = Some(StageBar {
                bar,
                verb,
                unit,
                begun: Instant::now(),
            });
        }
    }

    fn estimate(&self, total: u64) {
        self.with(|StageBar { bar, unit, .. }| {
            if bar.length().is_none() {
                bar.set_style(style(unit, true));
            }
            bar.set_length(total.max(bar.position()));
        });
    }

    fn advance(&self, n: u64) {
        self.with(|work| {
            work.bar.inc(n);
            self.say(work);
        });
    }

    fn end(&self) {
        self.with(|work| work.bar.finish_and_clear());
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
        format!("{{msg}} {{bar:30}} {{human_pos}}/{{human_len}} {unit}, {{rate}}/s, {{eta}} left")
    } else {
        format!("{{msg}} {{spinner}} {{human_pos}} {unit}, {{rate}}/s, {{elapsed}}")
    };
    let style = ProgressStyle::with_template(&template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
        // What cannot be drawn is drawn the next time.
        let _ = out.write_str(&layout::rate(state.per_sec()));
    })
}
