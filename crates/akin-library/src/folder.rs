//! The files in a library's folder, and those that nothing refers to.
//!
//! Owned files are the row file and index folder of a space's present generation, the lexical
//! index, and SQLite's files. The rest are orphans. A *leftover* is an orphan that akin made,
//! before a kill or during a compaction beside a reader. The holder of the writer's lock may delete
//! it. Other orphans are reported and left alone.

use std::fs::{self, DirEntry};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use super::layout::{Layout, REJECTED_FILE, SQLITE_FILES};
use super::write::Writer;
use akin_base::error::{Error, Result};
use akin_base::files::UNFINISHED;
use akin_base::vectors::HEADER_BYTES;

/// A file or folder in a library that nothing refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes, with its contents.
    pub bytes: u64,
    /// Whether akin made it, so that it can be deleted once no writer is at work.
    pub is_leftover: bool,
}

impl Orphan {
    fn new(entry: &DirEntry, is_leftover: bool) -> Orphan {
        let path = entry.path();
        Orphan {
            bytes: size(&path),
            path,
            is_leftover,
        }
    }
}

impl Writer {
    /// Deletes the leftovers in the library's folder, and returns them. One that cannot be deleted
    /// now stays for the next time: Windows keeps files that a reader has mapped.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Database`].
    pub fn remove_leftovers(&mut self) -> Result<Vec<Orphan>> {
        let mut leftovers = orphans(&self.layout, &self.db)?;
        leftovers.retain(|orphan| orphan.is_leftover && remove(&orphan.path).is_ok());
        Ok(leftovers)
    }
}

/// Every orphan, in the order of their paths.
pub(super) fn orphans(layout: &Layout, db: &Connection) -> Result<Vec<Orphan>> {
    // The folder first: what a compaction deletes meanwhile is then no longer there to be named.
    let in_root = entries(&layout.root)?;
    let in_spaces = entries(&layout.spaces())?;
    let spaces = generations(db).map_err(layout.database_error())?;
    let mut orphans = Vec::new();
    for entry in &in_root {
        if !is_owned_in_root(&entry.path(), layout) {
            let name = entry.file_name();
            orphans.push(Orphan::new(entry, is_unfinished(&name.to_string_lossy())));
        }
    }
    for entry in &in_spaces {
        let name = entry.file_name();
        match spaces.iter().find(|(space, _)| name == space.as_str()) {
            None => orphans.push(Orphan::new(entry, is_begun_space(&entry.path())?)),
            Some((space, generation)) => add_orphans_of(layout, space, *generation, &mut orphans)?,
        }
    }
    orphans.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(orphans)
}

/// Bytes of the database with its log, and of every row file of any generation.
pub(super) fn dear_bytes(layout: &Layout) -> Result<u64> {
    let mut bytes = 0;
    for path in [
        layout.database(),
        layout.database().with_extension("db-wal"),
    ] {
        bytes += size(&path);
    }
    for space in entries(&layout.spaces())? {
        for entry in entries(&space.path())? {
            let name = entry.file_name();
            let is_rows = generation_in(&name.to_string_lossy(), "vectors-", ".f16").is_some();
            bytes += if is_rows { size(&entry.path()) } else { 0 };
        }
    }
    Ok(bytes)
}

fn is_owned_in_root(path: &Path, layout: &Layout) -> bool {
    let database = layout.database();
    *path == database
        || SQLITE_FILES
            .iter()
            .any(|e| *path == database.with_extension(e))
        || *path == layout.lock()
        || *path == layout.spaces()
        || *path == layout.lexical()
        || *path == layout.root.join(REJECTED_FILE)
}

/// Adds what nothing refers to in the folder of a space.
fn add_orphans_of(
    layout: &Layout,
    space: &str,
    generation: i64,
    orphans: &mut Vec<Orphan>,
) -> Result<()> {
    let (rows, index) = (
        layout.rows(space, generation),
        layout.index(space, generation),
    );
    for entry in entries(&layout.space(space))? {
        if entry.path() != rows && entry.path() != index {
            let name = entry.file_name();
            orphans.push(Orphan::new(&entry, is_ours(&name.to_string_lossy())));
        }
    }
    for entry in entries(&index)? {
        if is_unfinished(&entry.file_name().to_string_lossy()) {
            orphans.push(Orphan::new(&entry, true));
        }
    }
    Ok(())
}

/// Whether a folder is all that there is of a space: its row file, without a row.
fn is_begun_space(folder: &Path) -> Result<bool> {
    let is_empty_rows = |entry: &DirEntry| {
        let name = entry.file_name();
        generation_in(&name.to_string_lossy(), "vectors-", ".f16").is_some()
            && size(&entry.path()) <= HEADER_BYTES as u64
    };
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|folder| folder.is_dir());
    Ok(is_folder && entries(folder)?.iter().all(is_empty_rows))
}

/// Whether akin gives this name in a space's folder: rows or an index of any generation, an index
/// of old format, or an incomplete file.
fn is_ours(name: &str) -> bool {
    generation_in(name, "vectors-", ".f16").is_some()
        || generation_in(name, "index-", "").is_some()
        || name == "index"
        || is_unfinished(name)
}

fn is_unfinished(name: &str) -> bool {
    name.ends_with(UNFINISHED)
}

fn generation_in(name: &str, prefix: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

fn generations(db: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = db.prepare("SELECT name, generation FROM spaces")?;
    let spaces = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    spaces.collect()
}

/// What is in a folder; nothing where there is none, or where it is a file.
fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(Error::read(folder)(e)),
    };
    let listed: std::io::Result<_> = listed.collect();
    listed.map_err(Error::read(folder))
}

/// Bytes of a file, or of all files in a folder; what cannot be read counts nothing.
fn size(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !meta.is_dir() {
        return meta.len();
    }
    let inside = entries(path).unwrap_or_default();
    inside.iter().map(|entry| size(&entry.path())).sum()
}

fn remove(path: &Path) -> std::io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testdata::library_of;
    use super::*;

    #[test]
    fn only_what_akin_leaves_behind_is_a_leftover() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        assert_eq!(orphans(&writer.layout, &writer.db).unwrap(), []);
        let space = writer.layout.space("test");
        let (leftovers, strangers) = (
            [
                "vectors-7.f16",
                "index-7/part",
                "index/part",
                "x.unfinished",
            ],
            ["vectors-7b.f16", "vectors-.f16", "index-x", "notes.txt"],
        );
        for name in leftovers.iter().chain(&strangers) {
            let path = space.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "12345").unwrap();
        }
        fs::write(dir.path().join("thesis.tex"), "12345").unwrap();
        for (name, bytes) in [("another", 64 + 1), ("begun", 64)] {
            fs::create_dir(dir.path().join("spaces").join(name)).unwrap();
            let rows = dir.path().join("spaces").join(name).join("vectors-0.f16");
            fs::write(rows, vec![1; bytes]).unwrap();
        }
        fs::create_dir_all(space.join("index-0")).unwrap();
        fs::write(space.join("index-0/a.graph.unfinished"), "12345").unwrap();

        let found = orphans(&writer.layout, &writer.db).unwrap();
        let n_leftovers = found.iter().filter(|orphan| orphan.is_leftover).count();
        assert_eq!(n_leftovers, leftovers.len() + 2, "{found:?}");
        assert_eq!(found.len() - n_leftovers, strangers.len() + 2, "{found:?}");
        let removed = writer.remove_leftovers().unwrap();
        assert_eq!(removed.len(), n_leftovers);
        let left = orphans(&writer.layout, &writer.db).unwrap();
        assert_eq!(left.len(), strangers.len() + 2);
        assert!(dir.path().join("thesis.tex").exists());
        assert!(space.join("vectors-0.f16").exists());
        assert!(dir.path().join("spaces/another/vectors-0.f16").exists());
    }
}
