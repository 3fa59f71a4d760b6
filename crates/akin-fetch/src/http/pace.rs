//! How slowly an answer may come: what never ends is no answer.
//!
//! In: an answer's bytes. Out: the same, or an error once too few came for too long.

use std::io::{self, Read};
use std::time::Instant;

use super::Patience;

/// The bytes of an answer, held against the clock.
pub(super) struct Paced<R> {
    inner: R,
    patience: Patience,
    /// When the window began that is looked at, and what came in it.
    begun: Instant,
    n_bytes: u64,
}

impl<R> Paced<R> {
    pub(super) fn new(inner: R, patience: Patience) -> Paced<R> {
        Paced {
            inner,
            patience,
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
        if n == 0 || passed < self.patience.window {
            return Ok(n);
        }
        let (n_bytes, least) = (self.n_bytes, self.patience.window_bytes);
        if n_bytes < least {
            let seconds = passed.as_secs_f64();
            let what = format!("it is too slow: {n_bytes} bytes came in {seconds:.1} seconds");
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        (self.begun, self.n_bytes) = (Instant::now(), 0);
        Ok(n)
    }
}
