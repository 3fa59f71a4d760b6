//! Long answers through a pager, as `git` and `gh` show them.
//!
//! ```text
//! answer ──► held, while it fits the screen ──► the terminal, at the end
//!                        └─ longer ──► the pager: AKIN_PAGER, config.toml, PAGER, else `less -FRX`
//! ```
//!
//! In: what a command writes to stdout on a terminal; its styles are escape sequences already. Out:
//! the same, on the screen or in the pager. Programs get no pager: nothing is paged into a pipe, and
//! nothing with `--json`.
//!
//! Invariants:
//! - Nothing is lost where the pager cannot be started: the terminal gets all of it.
//! - A pager that is left early ends the command quietly.
//! - While the pager runs, Ctrl-C is the pager's, and akin waits until it is left: no pager outlives
//!   the command on the same terminal.

use std::io::{self, ErrorKind, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use textwrap::core::display_width;

/// What shows long answers if nothing else was set. It ends by itself where a screen is enough, and
/// leaves the text on the screen.
const DEFAULT: &str = "less -FRX";

/// The setting for no pager.
pub(super) const NONE: &str = "cat";

/// What `less` does if the user has not set it: as [`DEFAULT`].
const LESS: &str = "FRX";

/// The answer, once it may be paged.
static ANSWER: Mutex<Option<PagedAnswer>> = Mutex::new(None);

/// The terminal on stdout, and how it is reached.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    /// Its rows and columns.
    pub(super) size: (usize, usize),
    /// Opens it, for text whose styles are escape sequences already.
    pub(super) open: fn() -> Box<dyn Write>,
    /// Says something beside the answer.
    pub(super) note: fn(&str),
}

/// An answer on its way to the screen.
struct PagedAnswer {
    command: String,
    screen: Screen,
    /// All that was written, for a screen that is enough, or a pager that cannot be started.
    held: Vec<u8>,
    /// Where the last line begins in `held`.
    line: usize,
    /// Rows that the lines before it take.
    n_rows: usize,
    way: Way,
}

/// Where text goes.
enum Way {
    /// Nowhere yet.
    Held,
    Pager(Child),
    /// To the terminal: the pager could not be started.
    Terminal,
}

/// The command that shows long answers, if any does: of the setting, and of the environment that all
/// programs share.
pub(super) fn command(set_for_akin: Option<&str>) -> Option<String> {
    let set = |name| std::env::var(name).ok();
    let is_dumb = set("TERM").is_some_and(|terminal| terminal == "dumb");
    if is_dumb {
        return None;
    }
    let usual = || cfg!(unix).then(|| DEFAULT.to_owned());
    let command = set_for_akin.map(str::to_owned);
    let command = command.or_else(|| set("PAGER")).or_else(usual)?;
    let command = command.trim();
    (!matches!(command, "" | NONE)).then(|| command.to_owned())
}

/// Pages what is written to stdout from now on, if it is longer than the screen.
pub(super) fn begin(command: String, screen: Screen) {
    *answer() = Some(PagedAnswer {
        command,
        screen,
        held: Vec::new(),
        line: 0,
        n_rows: 0,
        way: Way::Held,
    });
}

/// Whether stdout is paged.
pub(super) fn is_begun() -> bool {
    answer().is_some()
}

/// Shows what is held, or waits until the pager is left.
pub(super) fn finish() {
    let Some(mut answer) = answer().take() else {
        return;
    };
    // If the terminal is gone, nobody can be informed.
    let _ = match std::mem::replace(&mut answer.way, Way::Terminal) {
        Way::Held => answer.show(0),
        Way::Terminal => Ok(()),
        Way::Pager(child) => match left(child) {
            Ok(status) if is_unstarted(status) => answer.give_up(),
            _ => Ok(()),
        },
    };
}

/// The writer that stands for stdout while it is paged.
pub(super) struct PagedStdout;

impl Write for PagedStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *answer() {
            Some(answer) => answer.take(bytes)?,
            // Nothing is written once the answer is finished.
            None => return Err(ErrorKind::BrokenPipe.into()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut *answer() {
            Some(PagedAnswer {
                way: Way::Pager(child),
                ..
            }) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
            _ => Ok(()),
        }
    }
}

impl PagedAnswer {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let from = self.held.len();
        self.held.extend(bytes);
        match &mut self.way {
            Way::Held => {
                self.count_rows();
                if self.n_rows < self.screen.size.0 {
                    return Ok(());
                }
                match started(&self.command) {
                    Ok(child) => self.way = Way::Pager(child),
                    Err(_) => return self.give_up(),
                }
                self.send(0)
            }
            Way::Pager(_) => self.send(from),
            Way::Terminal => self.show(from),
        }
    }

    /// Counts the rows of the lines that have ended.
    fn count_rows(&mut self) {
        while let Some(length) = self.held[self.line..].iter().position(|b| *b == b'\n') {
            let end = self.line + length;
            let line = String::from_utf8_lossy(&self.held[self.line..end]);
            self.n_rows += display_width(&line)
                .div_ceil(self.screen.size.1.max(1))
                .max(1);
            self.line = end + 1;
        }
    }

    /// Sends what is held from there on to the pager.
    fn send(&mut self, from: usize) -> io::Result<()> {
        let Way::Pager(child) = &mut self.way else {
            return Ok(());
        };
        let stdin = child.stdin.as_mut();
        let sent = stdin.map_or(Ok(()), |stdin| stdin.write_all(&self.held[from..]));
        match sent {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => match child.wait() {
                Ok(status) if is_unstarted(status) => self.give_up(),
                _ => Err(error),
            },
            sent => sent,
        }
    }

    /// Shows all of it without the pager, and what comes after it.
    fn give_up(&mut self) -> io::Result<()> {
        self.way = Way::Terminal;
        (self.screen.note)(&format!(
            "the pager {:?} cannot be started; AKIN_PAGER names another one, and --no-pager uses none",
            self.command
        ));
        self.show(0)
    }

    /// Shows what is held from there on.
    fn show(&self, from: usize) -> io::Result<()> {
        let mut screen = (self.screen.open)();
        screen.write_all(&self.held[from..])?;
        screen.flush()
    }
}

fn started(command: &str) -> io::Result<Child> {
    let mut pager = shell(command);
    if std::env::var_os("LESS").is_none() {
        pager.env("LESS", LESS);
    }
    let child = pager.stdin(Stdio::piped()).spawn()?;
    // After it is started: what is ignored would be ignored by the pager too.
    #[cfg(unix)]
    super::signal::ignore(libc::SIGINT);
    Ok(child)
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut words = command.split_whitespace();
    let mut pager = Command::new(words.next().unwrap_or_default());
    pager.args(words);
    pager
}

/// Waits until the pager, which has all of it, is left.
fn left(mut child: Child) -> io::Result<ExitStatus> {
    drop(child.stdin.take());
    child.wait()
}

/// Whether a shell says that it found no such program, or could not start it.
fn is_unstarted(status: ExitStatus) -> bool {
    matches!(status.code(), Some(126 | 127))
}

fn answer() -> MutexGuard<'static, Option<PagedAnswer>> {
    ANSWER.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_the_screen_wraps_them() {
        let mut answer = PagedAnswer {
            command: String::new(),
            screen: Screen {
                size: (100, 10),
                open: || Box::new(io::sink()),
                note: |_| {},
            },
            held: Vec::new(),
            line: 0,
            n_rows: 0,
            way: Way::Held,
        };
        for (text, expected) in [
            ("one\n", 1),
            ("\n", 2),
            ("0123456789\n", 3),
            ("0123456789a\n", 5),
            ("\u{1b}[1m\u{1b}[31m01234\u{1b}[0m\n", 6),
            ("not ended", 6),
            (" yet\n", 8),
        ] {
            answer.take(text.as_bytes()).unwrap();
            assert_eq!(answer.n_rows, expected, "{text:?}");
        }
    }
}
