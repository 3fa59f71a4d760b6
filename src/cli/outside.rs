//! Waiting for others: a pipe, a server, a program. Code that waits here cannot check for a stop,
//! so a process that is asked to stop while it waits is ended.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Number of threads that wait for others.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);

/// How long a wait for others may last once a stop is requested.
const MAX_WAIT: Duration = Duration::from_millis(400);

/// How often that is checked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs code that may wait for others: for what they read or write. Where a stop is requested, the
/// process ends with it.
pub(super) fn outside<T>(act: impl FnOnce() -> T) -> T {
    OUTSIDE.fetch_add(1, Ordering::Relaxed);
    let outcome = act();
    OUTSIDE.fetch_sub(1, Ordering::Relaxed);
    outcome
}

/// Ends the process if a wait for others brings nothing.
#[expect(clippy::exit, reason = "nothing else ends a wait for others")]
pub(super) fn end_waiting() {
    let mut since = None;
    loop {
        thread::sleep(LOOK_EVERY);
        if OUTSIDE.load(Ordering::Relaxed) == 0 {
            since = None;
        } else if since.get_or_insert_with(Instant::now).elapsed() >= MAX_WAIT {
            std::process::exit(130);
        }
    }
}
