//! Where a dump comes from, and its bytes: counted as they are read, then decompressed.
//!
//! Compression is told from the first bytes, never from the name. Several gzip members or zstd
//! frames after one another are one dump, as the tools that write them mean it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};

/// Bytes read from the system at a time.
const BUFFER_BYTES: usize = 256 << 10;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The magic of a skippable zstd frame, but for its first byte, whose lower half is free.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2A, 0x4D, 0x18];

/// Bytes that can be handed to a reader thread.
pub(super) type Bytes = Box<dyn Read + Send>;

/// Where a dump is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// The standard input.
    Stdin,
}

impl Source {
    /// Reads an argument of the command line: `-` is the standard input.
    pub fn from_arg(arg: impl AsRef<Path>) -> Source {
        match arg.as_ref() {
            path if path == Path::new("-") => Source::Stdin,
            path => Source::File(path.to_owned()),
        }
    }

    /// The name for messages, as a path.
    pub(super) fn name(&self) -> PathBuf {
        match self {
            Source::File(path) => path.clone(),
            Source::Stdin => PathBuf::from("standard input"),
        }
    }

    /// Opens the bytes, and says how many there are where that is known.
    pub(super) fn open(&self) -> Result<(Bytes, Option<u64>)> {
        let Source::File(path) = self else {
            return Ok((Box::new(io::stdin()), None));
        };
        let file = File::open(path).map_err(Error::read(path))?;
        let metadata = file.metadata().map_err(Error::read(path))?;
        if metadata.is_dir() {
            return Err(Error::IsFolder { path: path.clone() });
        }
        let total_bytes = metadata.is_file().then_some(metadata.len());
        Ok((Box::new(file), total_bytes))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().display().fmt(f)
    }
}

/// How a dump is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Plain,
    Gzip,
    Zstd,
}

/// Counts what is read through it.
struct Counted {
    inner: Bytes,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Wraps `bytes` so that they are counted and decompressed.
pub(super) fn decompressed(
    bytes: Bytes,
    count: Arc<AtomicU64>,
) -> io::Result<(Bytes, Compression)> {
    let mut counted = Counted {
        inner: bytes,
        count,
    };
    let mut magic = [0; 4];
    let n = read_up_to(&mut counted, &mut magic)?;
    let whole = Cursor::new(magic).take(n as u64).chain(counted);
    let buffered = BufReader::with_capacity(BUFFER_BYTES, whole);
    let compression = compression(&magic[..n]);
    let bytes: Bytes = match compression {
        Compression::Plain => Box::new(buffered),
        Compression::Gzip => Box::new(MultiGzDecoder::new(buffered)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
    };
    Ok((bytes, compression))
}

fn compression(magic: &[u8]) -> Compression {
    if magic.starts_with(&GZIP_MAGIC) {
        Compression::Gzip
    } else if magic == ZSTD_MAGIC
        || (magic.len() == 4 && magic[0] >> 4 == 5 && magic[1..] == ZSTD_SKIPPABLE)
    {
        Compression::Zstd
    } else {
        Compression::Plain
    }
}

/// Reads until `buf` is full or the bytes end.
fn read_up_to(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match reader.read(&mut buf[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The start of some bytes, and all of them again.
pub(super) struct Peeked {
    pub(super) start: Vec<u8>,
    /// The bytes end with `start`.
    pub(super) complete: bool,
    pub(super) whole: Bytes,
}

/// Looks at the first `limit_bytes` bytes. An error after the first of them is met again when
/// `whole` is read; one before any byte is returned.
pub(super) fn peek(mut bytes: Bytes, limit_bytes: usize) -> io::Result<Peeked> {
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

    fn check(bytes: &[u8], expected: Compression) {
        assert_eq!(compression(bytes), expected, "{bytes:?}");
    }

    #[test]
    fn compression_is_told_from_the_first_bytes() {
        check(&[0x1F, 0x8B, 8, 0], Compression::Gzip);
        check(&[0x28, 0xB5, 0x2F, 0xFD], Compression::Zstd);
        check(&[0x50, 0x2A, 0x4D, 0x18], Compression::Zstd);
        check(b"{\"id", Compression::Plain);
        check(b"", Compression::Plain);
        check(&[0x28, 0xB5], Compression::Plain);
    }

    #[test]
    fn a_dash_is_the_standard_input() {
        assert_eq!(Source::from_arg("-"), Source::Stdin);
        assert_eq!(Source::from_arg("-").to_string(), "standard input");
        assert_eq!(Source::from_arg("a/b.jsonl").to_string(), "a/b.jsonl");
    }

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
