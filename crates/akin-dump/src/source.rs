//! Where a dump comes from, and its bytes: counted as they are read, decompressed, and turned into
//! UTF-8 where they are text in UTF-16.
//!
//! Compression is told from the first bytes, never from the name. Several gzip members, zstd
//! frames, bzip2 or xz streams after one another are one dump, as the tools that write them mean
//! it. Folders and zip archives are expanded into the files and members in them
//! ([`Source::expanded`], `archive.rs`); how far bytes may grow is told in `expansion.rs`.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::bufread::MultiBzDecoder;
use encoding_rs::{UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use walkdir::WalkDir;

use super::ahead::Ahead;
use super::archive::{self, MemberPlace};
use super::expansion::Bounded;
use super::utf16::Utf16;
use akin_base::error::{Error, Result};

/// Bytes read from the system at a time.
pub(super) const BUFFER_BYTES: usize = 256 << 10;

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

/// Bytes that can be handed to a reader thread.
pub(super) type Bytes = Box<dyn Read + Send>;

/// Where a dump is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A file that was found in a folder: it need not be a dump.
    Found(PathBuf),
    /// A member of a zip archive.
    Member {
        /// The archive.
        archive: PathBuf,
        /// The member's name as the archive has it, which is never used as a path.
        name: String,
        /// Where it lies in the archive.
        place: MemberPlace,
    },
    /// The standard input.
    Stdin,
    /// Bytes that are there already.
    Memory {
        /// What they are called in messages; may hold a day, as a file's name.
        name: PathBuf,
        /// The dump.
        bytes: Arc<[u8]>,
    },
}

/// The bytes of a source before they are decompressed as a dump.
pub(super) struct SourceBytes {
    pub(super) bytes: Bytes,
    /// How many there are as they lie there, where that is known.
    pub(super) total_bytes: Option<u64>,
    /// They come out of an archive.
    pub(super) is_member: bool,
}

impl Source {
    /// Reads an argument of the command line: `-` is the standard input.
    pub fn from_arg(arg: impl AsRef<Path>) -> Source {
        match arg.as_ref() {
            path if path == Path::new("-") => Source::Stdin,
            path => Source::File(path.to_owned()),
        }
    }

    /// The files in a folder and below it, and the members of zip archives, each in the order of
    /// their names; anything else is itself.
    ///
    /// Hidden files are left out, links are followed but not in circles, and an office document,
    /// though a zip archive, is left whole. What is no dump shows when it is opened
    /// ([`Error::UnknownFormat`]); it [need not be one](Source::need_not_be_a_dump).
    ///
    /// # Errors
    /// [`Error::Read`] if an archive or what was named cannot be read. What cannot be read inside a
    /// folder stays in the list and shows when it is opened.
    pub fn expanded(self) -> Result<Vec<Source>> {
        let Source::File(path) = self else {
            return Ok(vec![self]);
        };
        let metadata = path.metadata().map_err(Error::read(&path))?;
        if metadata.is_dir() {
            return Ok(files_below(&path));
        }
        if !metadata.is_file() {
            return Ok(vec![Source::File(path)]);
        }
        members_of(&path)
    }

    /// Whether it was found in a folder or an archive, where other things lie beside dumps.
    pub fn need_not_be_a_dump(&self) -> bool {
        matches!(self, Source::Found(_) | Source::Member { .. })
    }

    /// The name for messages, as a path; of a member without what only a terminal understands.
    pub(super) fn name(&self) -> PathBuf {
        match self {
            Source::File(path) | Source::Found(path) => path.clone(),
            Source::Member { archive, name, .. } => {
                let parts = name.split(['/', '\\']);
                let named = |part: &&str| !part.is_empty() && !part.trim_matches('.').is_empty();
                let parts: Vec<&str> = parts.filter(named).collect();
                let shown: String = parts
                    .join("/")
                    .chars()
                    .filter(|c| !c.is_control())
                    .collect();
                archive.join(shown)
            }
            Source::Stdin => PathBuf::from("standard input"),
            Source::Memory { name, .. } => name.clone(),
        }
    }

    /// Why it is in no known format, where it is a zip archive whose directory cannot be read.
    pub(super) fn explained(&self, error: Error) -> Error {
        match (self, &error) {
            (Source::File(path), Error::UnknownFormat { .. }) => {
                let is_zip = archive::is_zip(path).unwrap_or(false);
                let members = is_zip.then(|| members_of(path));
                members.and_then(Result::err).unwrap_or(error)
            }
            _ => error,
        }
    }

    /// Opens the bytes, which are counted in `count` as they lie there.
    pub(super) fn open(&self, count: Arc<AtomicU64>) -> Result<SourceBytes> {
        let (bytes, total_bytes): (Bytes, _) = match self {
            Source::Stdin => (Box::new(Counted::new(Box::new(io::stdin()), count)), None),
            Source::Memory { bytes, .. } => {
                let bytes = Cursor::new(Arc::clone(bytes));
                (Box::new(Counted::new(Box::new(bytes), count)), None)
            }
            Source::Member { archive, place, .. } => {
                let opened = archive::open(archive, place, count);
                let (bytes, n_bytes) = opened.map_err(Error::read(self.name()))?;
                (bytes, Some(n_bytes))
            }
            Source::File(path) | Source::Found(path) => {
                let file = File::open(path).map_err(Error::read(path))?;
                let metadata = file.metadata().map_err(Error::read(path))?;
                if metadata.is_dir() {
                    return Err(Error::IsFolder { path: path.clone() });
                }
                let n_bytes = metadata.is_file().then_some(metadata.len());
                (Box::new(Counted::new(Box::new(file), count)), n_bytes)
            }
        };
        Ok(SourceBytes {
            bytes,
            total_bytes,
            is_member: matches!(self, Source::Member { .. }),
        })
    }
}

/// The files below a folder, with the members of archives among them.
fn files_below(folder: &Path) -> Vec<Source> {
    let walk = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()));
    let mut sources = Vec::new();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.into_path();
                match members_of(&path) {
                    // An archive that cannot be read says so when it is opened.
                    Err(_) => sources.push(Source::File(path)),
                    Ok(members) if members == [Source::File(path.clone())] => {
                        sources.push(Source::Found(path));
                    }
                    Ok(members) => sources.extend(members),
                }
            }
            Ok(_) => {}
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => sources.extend(error.path().map(|path| Source::File(path.to_owned()))),
        }
    }
    sources
}

/// The members of a zip archive; a file that is none, or has none, is itself.
fn members_of(path: &Path) -> Result<Vec<Source>> {
    let unread = |error: io::Error| match error.raw_os_error() {
        Some(_) => Error::read(path)(error),
        None => Error::damaged(path, format!("not a whole zip archive: {error}")),
    };
    let members = match archive::is_zip(path).map_err(Error::read(path))? {
        true => archive::members(path).map_err(unread)?,
        false => Vec::new(),
    };
    if members.is_empty() {
        return Ok(vec![Source::File(path.to_owned())]);
    }
    let member = |(name, place)| Source::Member {
        archive: path.to_owned(),
        name,
        place,
    };
    Ok(members.into_iter().map(member).collect())
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
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
    Bzip2,
    Gzip,
    Xz,
    Zstd,
}

/// Counts what is read through it.
pub(super) struct Counted {
    inner: Bytes,
    count: Arc<AtomicU64>,
}

impl Counted {
    pub(super) fn new(inner: Bytes, count: Arc<AtomicU64>) -> Counted {
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

/// Wraps `bytes` so that they are decompressed, and text in UTF-16 becomes UTF-8.
pub(super) fn decompressed(bytes: Bytes) -> io::Result<(Bytes, Compression)> {
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
    let bounded = Ahead::of(Bounded::new(decoder, n_in));
    Ok((in_utf8(Box::new(bounded))?, compression))
}

/// A decoder of xz streams that allocates no more than it should.
pub(super) fn xz(stored: impl io::BufRead + Send + 'static) -> io::Result<Bytes> {
    let stream = Stream::new_stream_decoder(MAX_XZ_BYTES, CONCATENATED)?;
    Ok(Box::new(XzDecoder::new_stream(stored, stream)))
}

/// Text in UTF-16 with a BOM as UTF-8, anything else as it is.
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
        check(b"BZh91AY&SY", Compression::Bzip2);
        check(b"BZh9\x17\x72\x45\x38\x50\x90", Compression::Bzip2);
        check(b"BZh91 is a", Compression::Plain);
        check(b"\xFD7zXZ\0\0\x04", Compression::Xz);
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
