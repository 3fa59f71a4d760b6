//! Compression and UTF-16, recognised from the first bytes and undone.
//!
//! Several gzip members, zstd frames, bzip2 or xz streams after one another are one dump, as the tools
//! that write them mean it.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bzip2::bufread::MultiBzDecoder;
use encoding_rs::{UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::ahead::Ahead;
use super::bytes::{BUFFER_BYTES, Bytes, Counted, peek};
use super::expansion::Bounded;
use super::utf16::Utf16;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const XZ_MAGIC: &[u8] = b"\xFD7zXZ\0";
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The magic of a skippable zstd frame, but for its first byte, whose lower half is free.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2A, 0x4D, 0x18];
/// What begins the first block of bzip2, or ends a stream without any, behind `BZh` and a digit.
const BZIP2_BLOCKS: [&[u8]; 2] = [b"1AY&SY", &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];

/// The longest of these.
const MAX_MAGIC_BYTES: usize = 10;

/// What an xz decoder may allocate; `xz -9` needs 65 MiB.
const MAX_XZ_BYTES: u64 = 256 << 20;

/// How a dump is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Plain,
    Bzip2,
    Gzip,
    Xz,
    Zstd,
}

/// Wraps `bytes` so that they are decompressed, and text in UTF-16 becomes UTF-8.
pub(crate) fn decompressed(bytes: Bytes) -> io::Result<(Bytes, Compression)> {
    let n_in = Arc::new(AtomicU64::new(0));
    let mut counted = Counted::new(bytes, n_in.clone());
    let mut magic = [0; MAX_MAGIC_BYTES];
    let n = read_up_to(&mut counted, &mut magic)?;
    let whole = Cursor::new(magic).take(n as u64).chain(counted);
    let buffered = BufReader::with_capacity(BUFFER_BYTES, whole);
    let compression = compression(&magic[..n]);
    let decoder: Bytes = match compression {
        Compression::Plain => return Ok((in_utf8(Box::new(buffered))?, compression)),
        Compression::Bzip2 => Box::new(MultiBzDecoder::new(buffered)),
        Compression::Gzip => Box::new(MultiGzDecoder::new(buffered)),
        Compression::Xz => xz(buffered)?,
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
    };
    let bounded = Ahead::new(Bounded::new(decoder, n_in));
    Ok((in_utf8(Box::new(bounded))?, compression))
}

/// A decoder of xz streams that allocates no more than it should.
pub(crate) fn xz(stored: impl io::BufRead + Send + 'static) -> io::Result<Bytes> {
    let stream = Stream::new_stream_decoder(MAX_XZ_BYTES, CONCATENATED)?;
    Ok(Box::new(XzDecoder::new_stream(stored, stream)))
}

/// Text in UTF-16 with a BOM as UTF-8, anything else unchanged.
fn in_utf8(bytes: Bytes) -> io::Result<Bytes> {
    let peeked = peek(bytes, 4)?;
    let encoding = match peeked.start.as_slice() {
        // The BOM of UTF-32 begins like that of UTF-16.
        [0xFF, 0xFE, 0, 0] => None,
        [0xFF, 0xFE, ..] => Some(UTF_16LE),
        [0xFE, 0xFF, ..] => Some(UTF_16BE),
        _ => None,
    };
    Ok(match encoding {
        Some(encoding) => Box::new(Utf16::new(peeked.whole, encoding)),
        None => peeked.whole,
    })
}

fn compression(magic: &[u8]) -> Compression {
    let is_bzip2 = |rest: &[u8]| BZIP2_BLOCKS.iter().any(|block| rest.starts_with(block));
    match magic {
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] if is_bzip2(rest) => Compression::Bzip2,
        _ if magic.starts_with(&GZIP_MAGIC) => Compression::Gzip,
        _ if magic.starts_with(XZ_MAGIC) => Compression::Xz,
        _ if magic.starts_with(&ZSTD_MAGIC) => Compression::Zstd,
        [first, rest @ ..] if first >> 4 == 5 && rest.starts_with(&ZSTD_SKIPPABLE) => {
            Compression::Zstd
        }
        _ => Compression::Plain,
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
        check(b"BZh91AY&SY", Compression::Bzip2);
        check(b"BZh9\x17\x72\x45\x38\x50\x90", Compression::Bzip2);
        check(b"BZh91 is a", Compression::Plain);
        check(b"\xFD7zXZ\0\0\x04", Compression::Xz);
        check(b"{\"id", Compression::Plain);
        check(b"", Compression::Plain);
        check(&[0x28, 0xB5], Compression::Plain);
    }
}
