//! How slowly an answer may arrive: one that trickles in for ever is given up.
//!
//! In: an answer's bytes. Out: the same bytes, or an error once too few arrive for too long.

use std::io::{self, Read};
use std::time::{Duration, Instant};

/// The slowest pace that an answer may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The time in which at least `window_bytes` have to arrive.
    pub(crate) window: Duration,
    /// The fewest bytes of a window.
    pub(crate) window_bytes: u64,
}

/// A reader that fails once it is slower than its pace.
pub(super) struct Paced<R> {
    inner: R,
    pace: Pace,
    /// When the present window began, and the bytes that arrived in it.
    begun: Instant,
    n_bytes: u64,
}

impl<R> Paced<R> {
    pub(super) fn new(inner: R, pace: Pace) -> Paced<R> {
        Paced {
            inner,
            pace,
            begun: Instant::now(),
            n_bytes: 0,
        }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.n_bytes += n as u64;
        let passed = self.begun.elapsed();
        if n == 0 || passed < self.pace.window {
            return Ok(n);
        }
        if self.n_bytes < self.pace.window_bytes {
            let (n_bytes, seconds) = (self.n_bytes, passed.as_secs_f64());
            let what = format!("it is too slow: {n_bytes} bytes came in {seconds:.1} seconds");
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        (self.begun, self.n_bytes) = (Instant::now(), 0);
        Ok(n)
    }
}
