//! Waiting for others: a pipe, a server, a program. Nothing here can look for a stop, so a process that is
//! asked to stop while it waits is ended.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Number of threads that wait for others.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);

/// How long somebody may wait for others once a stop is requested.
const MAX_WAIT: Duration = Duration::from_millis(400);

/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Does what may wait for others: what they read or write. Where a stop is requested, the process ends
/// with it.
pub(super) fn outside<T>(act: impl FnOnce() -> T) -> T {
    OUTSIDE.fetch_add(1, Ordering::Relaxed);
    let outcome = act();
    OUTSIDE.fetch_sub(1, Ordering::Relaxed);
    outcome
}

/// Ends the process once somebody waits for others and nothing comes of it.
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
