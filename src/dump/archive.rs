//! Zip archives: their members as dumps.
//!
//! In: a path. Out: the names of the members, and the bytes of one. Only the directory is read by
//! the `zip` crate; a member is streamed from its place in the file, so it can be sent to a reader
//! thread, and its length and checksum are compared when it ends.
//!
//! Invariants: names are never used as paths; nothing is written; a member that is encrypted, or
//! compressed in a way that is not decoded here, is an error that says so.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bzip2::bufread::BzDecoder;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::expansion::Bounded;
use super::source::{BUFFER_BYTES, Bytes, Counted, xz};

/// How every zip archive begins; one without members has the second.
const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// What only the documents of office programs hold.
const OFFICE: [&str; 2] = ["[Content_Types].xml", "mimetype"];

/// Whether a file is a zip archive, told from its first bytes.
pub(super) fn is_zip(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(MAGICS.contains(&start.as_slice()))
}

/// The names of the members of an archive in order, without folders and hidden files; none where
/// it is the document of an office program.
pub(super) fn members(path: &Path) -> io::Result<Vec<String>> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
    let mut names = Vec::new();
    for idx in 0..archive.len() {
        let member = archive.by_index_raw(idx)?;
        if member.is_file() {
            names.push(member.name()?.into_owned());
        }
    }
    if OFFICE
        .iter()
        .any(|name| names.iter().any(|other| other == name))
    {
        return Ok(Vec::new());
    }
    names.retain(|name| !is_hidden(name));
    names.sort();
    Ok(names)
}

/// The bytes of a member, those of it that were read counted in `count`.
pub(super) fn open(path: &Path, name: &str, count: Arc<AtomicU64>) -> io::Result<(Bytes, u64)> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
    let idx = archive.index_for_name(name);
    let member = archive.by_index_raw(idx.ok_or(io::ErrorKind::NotFound)?)?;
    if member.encrypted() {
        return Err(unsupported("the member is encrypted".to_owned()));
    }
    let start = member.data_start();
    let start = start.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    let compressed_bytes = member.compressed_size();
    let method = member.compression();
    let end = End {
        n_left: member.size(),
        checksum: member.crc32(),
    };
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let stored: Bytes = Box::new(file.take(compressed_bytes));
    let counted = Counted::new(stored, count.clone());
    let plain = decoded(method, BufReader::with_capacity(BUFFER_BYTES, counted))?;
    let bounded = Bounded::new(plain, count);
    let checked = Checked {
        inner: bounded,
        crc: Crc::new(),
        end,
    };
    Ok((Box::new(checked), compressed_bytes))
}

fn decoded(method: CompressionMethod, stored: BufReader<Counted>) -> io::Result<Bytes> {
    Ok(match method {
        CompressionMethod::STORE => Box::new(stored),
        method if method == CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(stored)),
        method if method == CompressionMethod::BZIP2 => Box::new(BzDecoder::new(stored)),
        method if method == CompressionMethod::XZ => xz(stored)?,
        method if method == CompressionMethod::ZSTD => {
            Box::new(zstd::stream::read::Decoder::with_buffer(stored)?)
        }
        method => return Err(unsupported(format!("the member is compressed by {method}"))),
    })
}

fn unsupported(what: String) -> io::Error {
    let what = format!("{what}, which is not read here: unpack the archive first");
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// Whether a member is hidden, or what macOS adds to archives.
fn is_hidden(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    parts.any(|part| {
        part == "__MACOSX" || (part.starts_with('.') && !part.trim_matches('.').is_empty())
    })
}

/// What the directory says of a member's end.
struct End {
    n_left: u64,
    checksum: u32,
}

/// The bytes of a member, which must be as many as its directory says, with its checksum.
struct Checked {
    inner: Bounded,
    crc: Crc,
    end: End,
}

impl Read for Checked {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.crc.update(&buf[..n]);
        let left = self.end.n_left.checked_sub(n as u64);
        let damaged = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        match left {
            None => return damaged("the member is longer than the archive says"),
            Some(left) => self.end.n_left = left,
        }
        if n > 0 || buf.is_empty() {
            return Ok(n);
        }
        match self.end.n_left {
            0 if self.crc.sum() == self.end.checksum => Ok(0),
            0 => damaged("the member's checksum is not the archive's"),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
