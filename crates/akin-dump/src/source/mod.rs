//! Where a dump comes from, and its bytes: counted as they are read, decompressed, and converted
//! from UTF-16 to UTF-8 (`bytes.rs`, `decode.rs`, `utf16.rs`).
//!
//! Folders and zip archives are expanded into the files and members in them ([`Source::expanded`],
//! `archive.rs`). `expansion.rs` limits how far bytes may grow, `ahead.rs` decodes on a thread of
//! its own, `line_ends.rs` normalises line ends.

mod ahead;
pub(crate) mod archive;
pub(crate) mod bytes;
pub(crate) mod decode;
pub(crate) mod expansion;
pub(crate) mod line_ends;
mod utf16;

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use akin_base::error::{Error, Result};
use walkdir::WalkDir;

use self::archive::MemberPlace;
use self::bytes::{Bytes, Counted};

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
        /// Its position in the archive.
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
pub(crate) struct SourceBytes {
    pub(crate) bytes: Bytes,
    /// Number of bytes as stored, if it is known.
    pub(crate) total_bytes: Option<u64>,
    /// They come out of an archive.
    pub(crate) is_member: bool,
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
    /// their names. Anything else is returned itself.
    ///
    /// Hidden files are left out, links are followed but not in circles, and an office document,
    /// though a zip archive, is left whole. A source that is not a dump is found out when it is
    /// opened ([`Error::UnknownFormat`]); it [need not be one](Source::need_not_be_a_dump).
    ///
    /// # Errors
    /// [`Error::Read`] if an archive or the named path cannot be read. What cannot be read inside a
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

    /// Whether it was found in a folder or an archive, which may hold other files than dumps.
    pub fn need_not_be_a_dump(&self) -> bool {
        matches!(self, Source::Found(_) | Source::Member { .. })
    }

    /// The name for messages, as a path; a member's name without control characters.
    pub(crate) fn name(&self) -> PathBuf {
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

    /// Why it is in no known format, if it is a zip archive whose directory cannot be read.
    pub(crate) fn explained(&self, error: Error) -> Error {
        match (self, &error) {
            (Source::File(path), Error::UnknownFormat { .. }) => {
                let is_zip = archive::is_zip(path).unwrap_or(false);
                let members = is_zip.then(|| members_of(path));
                members.and_then(Result::err).unwrap_or(error)
            }
            _ => error,
        }
    }

    /// Opens the bytes, which are counted in `count` as stored.
    pub(crate) fn open(&self, count: Arc<AtomicU64>) -> Result<SourceBytes> {
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

/// The members of a zip archive; a file without members, or of another kind, is returned itself.
fn members_of(path: &Path) -> Result<Vec<Source>> {
    let unread = |error: io::Error| match error.raw_os_error() {
        Some(_) => Error::read(path)(error),
        None => Error::damaged(path, format!("not a whole zip archive: {error}")),
    };
    let members = if archive::is_zip(path).map_err(Error::read(path))? {
        archive::members(path).map_err(unread)?
    } else {
        Vec::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_the_standard_input() {
        assert_eq!(Source::from_arg("-"), Source::Stdin);
        assert_eq!(Source::from_arg("-").to_string(), "standard input");
        assert_eq!(Source::from_arg("a/b.jsonl").to_string(), "a/b.jsonl");
    }
}
