//! Where the parts of a library are on disk, and what SQLite's errors mean there.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use akin_base::error::{Cause, Error, Result};
use akin_base::step;

/// The file in a library's folder that lists the records that the last `add` rejected.
pub const REJECTED_FILE: &str = "rejected.jsonl";

/// The extensions of the files that SQLite keeps beside a database.
pub(super) const SQLITE_FILES: [&str; 3] = ["db-wal", "db-shm", "db-journal"];

/// How long SQLite waits for another process's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the parts of a library lie.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: &Path) -> Layout {
        Layout {
            root: root.to_owned(),
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.root.join("papers.db")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn spaces(&self) -> PathBuf {
        self.root.join("spaces")
    }

    pub(super) fn lexical(&self) -> PathBuf {
        self.root.join("lexical")
    }

    pub(super) fn space(&self, name: &str) -> PathBuf {
        self.spaces().join(name)
    }

    pub(super) fn rows(&self, name: &str, generation: i64) -> PathBuf {
        self.space(name).join(format!("vectors-{generation}.f16"))
    }

    pub(super) fn index(&self, name: &str, generation: i64) -> PathBuf {
        self.space(name).join(format!("index-{generation}"))
    }

    /// Whether the folder holds files other than those that an interrupted creation leaves.
    pub(super) fn holds_other_files(&self) -> Result<bool> {
        let entries = match std::fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(Error::read(&self.root)(e)),
        };
        let database = self.database();
        let of_sqlite = SQLITE_FILES.map(|extension| database.with_extension(extension));
        for entry in entries {
            let path = entry.map_err(Error::read(&self.root))?.path();
            if path != self.lock() && path != database && !of_sqlite.contains(&path) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The error for an empty database beside a library's files.
    pub(super) fn emptied(&self) -> Error {
        let what = "it is empty, and files beside it are of a library: restore it from a backup, or begin a new library in another folder";
        Error::damaged(self.database(), what)
    }

    /// Turns SQLite's errors about this library's database into ours.
    pub(super) fn database_error(&self) -> impl Fn(rusqlite::Error) -> Error + use<> {
        let path = self.database();
        move |source| {
            let full = source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
            let rotten = matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            ) || is_of_another_kind(&source);
            let path = path.clone();
            if full {
                let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
                Error::Write { path, source }
            } else if rotten {
                Error::damaged(path, source.to_string())
            } else {
                let source: Cause = Box::new(source);
                Error::Database { path, source }
            }
        }
    }
}

/// Whether a value is of another type than its column: akin never writes such a value.
fn is_of_another_kind(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
    };
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..)
    )
}

/// Syncs a folder's entries to the disk, on systems that can.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|dir| dir.sync_all())
            .map_err(Error::write(path))?;
        step::synced(path);
    }
    Ok(())
}
