//! A bound on how far compressed data may grow. A few kilobytes made to fill a disk, or to keep a
//! machine busy for days, end with an error.
//!
//! Text of papers shrinks to a third, lists of numbers to a tenth; more than 1,000-fold is a file
//! of zeros. Memory is bounded anyway: the growing data is read piece by piece.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bytes::Bytes;

/// Bytes that decompressed data may have whatever its ratio.
const FREE_BYTES: u64 = 64 << 20;

/// Number of bytes that one compressed byte may become on average, beyond [`FREE_BYTES`].
const MAX_RATIO: u64 = 1_000;

/// Bytes that one file or member may become: more than all papers that there are.
const MAX_BYTES: u64 = 4 << 40;

/// Says that compressed data grew beyond measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bomb {
    n_in: u64,
    n_out: u64,
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bomb { n_in, n_out } = self;
        write!(f, "{n_in} bytes have become {n_out}")
    }
}

impl std::error::Error for Bomb {}

/// What some bytes have become so far.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    n_out: u64,
}

impl Growth {
    /// Notes `n` more bytes, from `n_in` bytes in all.
    pub(crate) fn note(&mut self, n: u64, n_in: u64) -> Result<(), Bomb> {
        self.n_out = self.n_out.saturating_add(n);
        let n_out = self.n_out;
        if n_out > FREE_BYTES && (n_out / MAX_RATIO > n_in || n_out > MAX_BYTES) {
            Err(Bomb { n_in, n_out })
        } else {
            Ok(())
        }
    }
}

/// Decompressed bytes, no more than their source allows.
pub(crate) struct Bounded {
    inner: Bytes,
    /// Compressed bytes that were read so far.
    n_in: Arc<AtomicU64>,
    growth: Growth,
}

impl Bounded {
    pub(crate) fn new(inner: Bytes, n_in: Arc<AtomicU64>) -> Bounded {
        Bounded {
            inner,
            n_in,
            growth: Growth::default(),
        }
    }
}

impl Read for Bounded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let n_in = self.n_in.load(Ordering::Relaxed);
        let noted = self.growth.note(n as u64, n_in);
        noted.map(|()| n).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much of `n_out` zeros comes out of `n_in` compressed bytes.
    fn check(n_in: u64, n_out: u64, expected: Option<u64>) {
        let zeros = Box::new(io::repeat(0).take(n_out));
        let mut bounded = Bounded::new(zeros, Arc::new(AtomicU64::new(n_in)));
        let read = io::copy(&mut bounded, &mut io::sink());
        assert_eq!(read.ok(), expected, "{n_in} to {n_out}");
    }

    #[test]
    fn what_grows_beyond_measure_ends() {
        check(1, FREE_BYTES, Some(FREE_BYTES));
        check(1, FREE_BYTES + 1, None);
        check(1 << 20, FREE_BYTES + 1, Some(FREE_BYTES + 1));
        check(FREE_BYTES / MAX_RATIO, 2 * FREE_BYTES, None);
    }
}
