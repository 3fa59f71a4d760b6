//! Bytes of a dump on their way from storage to their reader.

use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read from the system at a time.
pub(crate) const BUFFER_BYTES: usize = 256 << 10;

/// Bytes that can be sent to a reader thread.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// Counts the bytes that are read through it.
pub(crate) struct Counted {
    inner: Bytes,
    count: Arc<AtomicU64>,
}

impl Counted {
    pub(crate) fn new(inner: Bytes, count: Arc<AtomicU64>) -> Counted {
        Counted { inner, count }
    }
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The start of some bytes, and all of them again.
pub(crate) struct Peeked {
    pub(crate) start: Vec<u8>,
    /// The bytes end with `start`.
    pub(crate) complete: bool,
    pub(crate) whole: Bytes,
}

/// Looks at the first `limit_bytes` bytes. An error after the first of them comes again when
/// `whole` is read; an error before any byte is returned.
pub(crate) fn peek(mut bytes: Bytes, limit_bytes: usize) -> io::Result<Peeked> {
    let mut start = Vec::with_capacity(limit_bytes);
    let outcome = bytes
        .by_ref()
        .take(limit_bytes as u64)
        .read_to_end(&mut start);
    let complete = outcome.is_ok() && start.len() < limit_bytes;
    let again = Cursor::new(start.clone());
    let whole: Bytes = match outcome {
        Err(error) if start.is_empty() => return Err(error),
        Err(error) => Box::new(again.chain(Failing(Some(error)))),
        Ok(_) => Box::new(again.chain(bytes)),
    };
    Ok(Peeked {
        start,
        complete,
        whole,
    })
}

/// Bytes that are an error.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_after_the_start_is_met_again() {
        let broken = || Box::new(Failing(Some(io::ErrorKind::UnexpectedEof.into())));
        assert!(peek(broken(), 16).is_err());
        let mut peeked = peek(Box::new(Cursor::new("abc").chain(broken())), 16).expect("a start");
        assert_eq!(
            (peeked.start.as_slice(), peeked.complete),
            (&b"abc"[..], false)
        );
        let mut read = Vec::new();
        assert!(peeked.whole.read_to_end(&mut read).is_err());
        assert_eq!(read, b"abc");
    }
}
