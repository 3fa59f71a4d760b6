//! Zip archives: their members as dumps.
//!
//! In: a path. Out: the names of the members with their places, and the bytes of one. The `zip`
//! crate reads only the directory, once. A member is streamed from its place in the file, so a
//! reader thread can take it. Its length and checksum are compared at the end.
//!
//! Invariants: every member of the directory is given, members of the same name in the directory's
//! order. Names are never used as paths, and nothing is written. A member that is encrypted, or
//! compressed by an unsupported method, is an error that says so.

use std::collections::{HashMap, HashSet};
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

use super::bytes::{BUFFER_BYTES, Bytes, Counted};
use super::decode::xz;
use super::expansion::Bounded;

/// How every zip archive begins; one without members has the second.
const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// What only the documents of office programs hold.
const OFFICE: [&str; 2] = ["[Content_Types].xml", "mimetype"];

/// The end of a directory, with its magic and the comment behind it.
const TAIL_BYTES: u64 = (64 << 10) + 200;

/// The end record of a large archive's directory, if there is one, and its length.
const LARGE_END: &[u8] = b"PK\x06\x06";
const LARGE_END_PLACE: &[u8] = b"PK\x06\x07";
const LARGE_END_BYTES: u64 = 56;

/// Bytes that the directory has of a member at least.
const LEAST_ENTRY_BYTES: u64 = 46;

/// How an entry of the directory begins.
const ENTRY: &[u8] = b"PK\x01\x02";

/// Bytes of the head before a member's bytes, without its name.
const HEAD_BYTES: u64 = 30;

/// Whether a file is a zip archive, recognised from its first bytes.
pub(crate) fn is_zip(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(MAGICS.contains(&start.as_slice()))
}

/// A member's position in its archive, and its entry in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPlace {
    /// `None` if the header before its bytes is damaged.
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

/// The members of an archive in the order of their names, without folders and hidden files. There
/// are none if it is the document of an office program. The archive's directory is read once, here.
pub(crate) fn members(path: &Path) -> io::Result<Vec<(String, MemberPlace)>> {
    let mut file = File::open(path)?;
    refuse_false_count(&mut file)?;
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    let mut members = Vec::new();
    let mut namesakes = Namesakes::default();
    for idx in 0..archive.len() {
        let found = match archive.by_index_raw(idx) {
            Ok(member) if !member.is_file() => continue,
            Ok(member) => {
                namesakes.note(&member)?;
                Some((member.name()?.into_owned(), MemberPlace::of(&member)))
            }
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
    let (directory_at, before) = (archive.central_directory_start(), archive.offset());
    let mut earlier = namesakes.among(&mut archive.into_inner(), directory_at, before)?;
    // Sorting leaves those of one name in this order.
    earlier.append(&mut members);
    members = earlier;
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

/// Finds the members whose names later ones have too: the `zip` crate knows the last of a name only.
#[derive(Default)]
struct Namesakes {
    /// Where the directory has the members that the crate knows.
    known: HashSet<u64>,
    /// Their names, as they are written there.
    names: HashMap<Vec<u8>, String>,
}

impl Namesakes {
    fn note<R: Read>(&mut self, member: &ZipFile<'_, R>) -> io::Result<()> {
        self.known.insert(member.central_header_start());
        let written = member.name_raw().to_owned();
        self.names.insert(written, member.name()?.into_owned());
        Ok(())
    }

    /// The earlier members of these names, in the order of a directory that begins `at`; `before`
    /// bytes precede the archive.
    fn among(
        &self,
        file: &mut (impl Read + Seek),
        mut at: u64,
        before: u64,
    ) -> io::Result<Vec<(String, MemberPlace)>> {
        let mut found = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; LEAST_ENTRY_BYTES as usize];
        while file.read_exact(&mut head).is_ok() && head.starts_with(ENTRY) {
            let [n_name, n_extra, n_comment] =
                [28, 30, 32].map(|at| usize::from(u16::from_le_bytes([head[at], head[at + 1]])));
            let mut rest = vec![0; n_name + n_extra + n_comment];
            if file.read_exact(&mut rest).is_err() {
                break;
            }
            let name = self.names.get(&rest[..n_name]);
            if let Some(name) = name.filter(|_| !self.known.contains(&at)) {
                let extra = &rest[n_name..n_name + n_extra];
                found.push((name.clone(), DirectoryEntry::parse(&head, extra)));
            }
            at += LEAST_ENTRY_BYTES + rest.len() as u64;
        }
        let mut placed = Vec::new();
        for (name, entry) in found {
            let place = entry.and_then(|entry| entry.place(file, before));
            placed.push((name, place.unwrap_or(MemberPlace::DAMAGED)));
        }
        Ok(placed)
    }
}

/// A directory's entry for a member, and where its header is (APPNOTE.TXT, section 4.3.12).
struct DirectoryEntry {
    place: MemberPlace,
    head_at: u64,
}

impl DirectoryEntry {
    fn parse(head: &[u8; LEAST_ENTRY_BYTES as usize], extra: &[u8]) -> Option<DirectoryEntry> {
        let short = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let long = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
        let mut large = large_numbers(extra);
        let mut number = |at: usize| match long(at)? {
            u32::MAX => large.next(),
            number => Some(u64::from(number)),
        };
        let (n_left, compressed_bytes, head_at) = (number(24)?, number(20)?, number(42)?);
        Some(DirectoryEntry {
            place: MemberPlace {
                start: None,
                compressed_bytes,
                method: method_of(short(10)),
                end: MemberEnd {
                    n_left,
                    checksum: long(16)?,
                },
                is_encrypted: short(8) & 1 == 1,
            },
            head_at,
        })
    }

    /// Its place, once the head before its bytes was read.
    fn place(self, file: &mut (impl Read + Seek), before: u64) -> Option<MemberPlace> {
        let head_at = self.head_at.checked_add(before)?;
        let mut head = [0; HEAD_BYTES as usize];
        file.seek(SeekFrom::Start(head_at)).ok()?;
        file.read_exact(&mut head).ok()?;
        let short = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let start = head_at.checked_add(HEAD_BYTES + short(26) + short(28))?;
        head.starts_with(MAGICS[0]).then_some(MemberPlace {
            start: Some(start),
            ..self.place
        })
    }
}

/// How members of a number are compressed (APPNOTE.TXT, section 4.4.5): those that are decoded here.
#[expect(deprecated, reason = "no constant says that a method is unknown")]
fn method_of(number: u16) -> CompressionMethod {
    match number {
        0 => CompressionMethod::STORE,
        8 => CompressionMethod::DEFLATE,
        12 => CompressionMethod::BZIP2,
        93 => CompressionMethod::ZSTD,
        95 => CompressionMethod::XZ,
        other => CompressionMethod::Unsupported(other),
    }
}

/// The numbers that are too large for their places in a directory (APPNOTE.TXT, section 4.5.3).
fn large_numbers(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut numbers: &[u8] = &[];
    while let Some(([kind, kind_high, n, n_high], rest)) = extra.split_first_chunk::<4>() {
        let n = usize::from(u16::from_le_bytes([*n, *n_high])).min(rest.len());
        if [*kind, *kind_high] == [1, 0] {
            numbers = &rest[..n];
        }
        extra = &rest[n..];
    }
    let (numbers, _) = numbers.as_chunks::<8>();
    numbers.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Refuses an archive that claims more members than its bytes can hold: the `zip` crate allocates
/// for all of them first. Only the end record of a large archive can claim many (APPNOTE.TXT,
/// section 4.3.14).
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
pub(crate) fn open(
    path: &Path,
    place: &MemberPlace,
    count: Arc<AtomicU64>,
) -> io::Result<(Bytes, u64)> {
    if place.is_encrypted {
        return Err(unsupported("the member is encrypted".to_owned()));
    }
    let start = place.start.ok_or_else(|| {
        let what = "the header before the member's bytes is damaged";
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
    let what = format!("{what}, which is not supported: unpack the archive first");
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// Whether a member is hidden, or added to archives by macOS.
fn is_hidden(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    parts.any(|part| {
        part == "__MACOSX" || (part.starts_with('.') && !part.trim_matches('.').is_empty())
    })
}

/// The directory's data about a member's end.
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
