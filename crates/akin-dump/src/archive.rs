//! Zip archives: their members as dumps.
//!
//! In: a path. Out: the names of the members with their places, and the bytes of one. Only the directory
//! is read by the `zip` crate, once; a member is streamed from its place in the file, so it can be sent
//! to a reader thread, and its length and checksum are compared when it ends.
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
use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use super::expansion::Bounded;
use super::source::{BUFFER_BYTES, Bytes, Counted, xz};

/// How every zip archive begins; one without members has the second.
const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// What only the documents of office programs hold.
const OFFICE: [&str; 2] = ["[Content_Types].xml", "mimetype"];

/// The end of a directory, with its magic and the comment behind it.
const TAIL_BYTES: u64 = (64 << 10) + 200;

/// What ends the directory of a large archive, where that is told, and how long it is.
const LARGE_END: &[u8] = b"PK\x06\x06";
const LARGE_END_PLACE: &[u8] = b"PK\x06\x07";
const LARGE_END_BYTES: u64 = 56;

/// Bytes that the directory has of a member at least.
const LEAST_ENTRY_BYTES: u64 = 46;

/// Whether a file is a zip archive, told from its first bytes.
pub(super) fn is_zip(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(MAGICS.contains(&start.as_slice()))
}

/// Where a member lies in its archive, and what the archive says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPlace {
    /// `None` where what stands before its bytes is damaged.
    start: Option<u64>,
    compressed_bytes: u64,
    method: CompressionMethod,
    end: MemberEnd,
    is_encrypted: bool,
}

impl MemberPlace {
    const DAMAGED: MemberPlace = MemberPlace {
        start: None,
        compressed_bytes: 0,
        method: CompressionMethod::STORE,
        end: MemberEnd {
            n_left: 0,
            checksum: 0,
        },
        is_encrypted: false,
    };

    fn of<R: Read>(member: &ZipFile<'_, R>) -> MemberPlace {
        MemberPlace {
            start: member.data_start(),
            compressed_bytes: member.compressed_size(),
            method: member.compression(),
            end: MemberEnd {
                n_left: member.size(),
                checksum: member.crc32(),
            },
            is_encrypted: member.encrypted(),
        }
    }
}

/// The members of an archive in the order of their names, without folders and hidden files; none where
/// it is the document of an office program. The archive's directory is read once, here.
pub(super) fn members(path: &Path) -> io::Result<Vec<(String, MemberPlace)>> {
    let mut file = File::open(path)?;
    refuse_false_count(&mut file)?;
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    let mut members = Vec::new();
    for idx in 0..archive.len() {
        let found = match archive.by_index_raw(idx) {
            Ok(member) if !member.is_file() => continue,
            Ok(member) => Some((member.name()?.into_owned(), MemberPlace::of(&member))),
            // One that cannot be read says so when it is opened.
            Err(_) => None,
        };
        let damaged = || {
            Some((
                archive.name_for_index(idx)?.ok()?.into_owned(),
                MemberPlace::DAMAGED,
            ))
        };
        members.extend(found.or_else(damaged));
    }
    if members
        .iter()
        .any(|(name, _)| OFFICE.contains(&name.as_str()))
    {
        return Ok(Vec::new());
    }
    members.retain(|(name, _)| !is_hidden(name));
    members.sort_by(|(name, _), (other, _)| name.cmp(other));
    Ok(members)
}

/// Refuses an archive that claims more members than its bytes can hold: the `zip` crate makes room for all
/// of them at first. Only what ends a large archive can claim many (APPNOTE.TXT, section 4.3.14).
fn refuse_false_count(file: &mut File) -> io::Result<()> {
    let n_bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(n_bytes.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let number =
        |bytes: &[u8], at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let at_all = |magic: &'static [u8]| {
        let windows = tail.windows(magic.len()).enumerate();
        windows.filter_map(move |(at, bytes)| (bytes == magic).then_some(at))
    };
    let mut ends: Vec<Vec<u8>> = at_all(LARGE_END).map(|at| tail[at..].to_vec()).collect();
    for at in at_all(LARGE_END_PLACE) {
        let Some(at) = number(&tail[at..], 8) else {
            continue;
        };
        let mut end = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.take(LARGE_END_BYTES).read_to_end(&mut end)?;
        ends.push(end);
    }
    let most = n_bytes / LEAST_ENTRY_BYTES;
    let claimed = ends.iter().filter_map(|end| number(end, 32)).max();
    file.rewind()?;
    match claimed.filter(|claimed| *claimed > most) {
        Some(claimed) => {
            let what = format!("it claims {claimed} members in {n_bytes} bytes");
            Err(io::Error::new(io::ErrorKind::InvalidData, what))
        }
        None => Ok(()),
    }
}

/// The bytes of a member, those of it that were read counted in `count`.
pub(super) fn open(
    path: &Path,
    place: &MemberPlace,
    count: Arc<AtomicU64>,
) -> io::Result<(Bytes, u64)> {
    if place.is_encrypted {
        return Err(unsupported("the member is encrypted".to_owned()));
    }
    let start = place.start.ok_or_else(|| {
        let what = "what stands before the member's bytes is damaged";
        io::Error::new(io::ErrorKind::InvalidData, what)
    })?;
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let stored: Bytes = Box::new(file.take(place.compressed_bytes));
    let counted = Counted::new(stored, count.clone());
    let n_buffered = usize::try_from(place.compressed_bytes).unwrap_or(BUFFER_BYTES);
    let buffered = BufReader::with_capacity(n_buffered.clamp(1, BUFFER_BYTES), counted);
    let plain = decoded(place.method, buffered)?;
    let bounded = Bounded::new(plain, count);
    let checked = CheckedMember {
        inner: bounded,
        crc: Crc::new(),
        end: place.end.clone(),
    };
    Ok((Box::new(checked), place.compressed_bytes))
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
#[derive(Debug, Clone, PartialEq, Eq)]
struct MemberEnd {
    n_left: u64,
    checksum: u32,
}

/// The bytes of a member, which must be as many as its directory says, with its checksum.
struct CheckedMember {
    inner: Bounded,
    crc: Crc,
    end: MemberEnd,
}

impl Read for CheckedMember {
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
