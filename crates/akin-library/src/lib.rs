//! A library: one folder on disk that holds papers and their embeddings.
//!
//! ```text
//! LIBRARY/
//!   papers.db                       truth: papers, ids, spaces, which row is whose, follows (SQLite, WAL)
//!   lock                            held by the one writer; says who
//!   rejected.jsonl                  what the last ingest could not use, for the user
//!   spaces/<name>/vectors-<g>.f16   dear: one row an embedding, append-only (`vectors`)
//!   spaces/<name>/index-<g>/        cheap: built from the two above, thrown away at any doubt
//!   lexical/                        cheap: built from the papers, thrown away at any doubt
//! ```
//!
//! `<g>` is the *generation* of a space's rows: compaction writes the rows that live under the
//! next one, where they have other numbers. Files of any generation but the space's own are
//! leftovers.
//!
//! In: papers with their embeddings, from [`Writer::commit`]. Out: consistent snapshots of them,
//! from [`Library`]; what is wrong with them, from [`Library::check`]. This room alone knows SQLite,
//! locks and syncs; it does not know what made the vectors, nor how they are searched.
//!
//! Invariants:
//! - A batch is committed in this order: records stored in a transaction that stays open, rows
//!   appended, rows synced, the transaction, which counts them, committed. A kill before its end
//!   leaves the state before the batch; leftover rows are cut off by the next writer.
//! - A compaction is committed in this order: rows written under the next generation, synced,
//!   one transaction that renumbers them, the old file deleted.
//! - One writer holds the lock; readers hold a transaction and see one state throughout.
//! - Embeddings of different spaces are never in one row file.
//! - Every paper has at most one live row a space; a replaced or removed paper's row is dead and
//!   is never returned again.

mod check;
mod compact;
mod filter;
mod finding;
mod folder;
mod follows;
mod lists;
mod lock;
mod lookup;
mod lost_commits;
mod read;
mod record;
mod salvage;
mod schema;
mod spaces;
mod stamps;
#[cfg(test)]
mod testdata;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::check::Findings;
pub use self::compact::Compaction;
pub use self::filter::Filter;
pub use self::finding::{Fault, Finding};
pub use self::folder::Orphan;
pub use self::follows::{
    DigestKey, FollowKey, Shown, StoredDigest, StoredFollow, StoredSubscriber,
};
pub use self::lists::Day;
pub use self::lookup::{KnownPaper, Lookup, SourceRecord};
pub use self::lost_commits::LostCommits;
pub use self::read::{Library, Status, StoredPaper};
pub use self::schema::FORMAT_VERSION;
pub use self::spaces::{SpaceRows, SpaceStatus};
pub use self::stamps::PapersState;
pub use self::write::{Batch, Change, IngestCounts, Writer};

use akin_base::error::{Cause, Error, Result};

/// The file in a library's folder that lists what its last ingest could not use.
pub const REJECTED_FILE: &str = "rejected.jsonl";

/// The extensions of the files that SQLite keeps beside a database.
const SQLITE_FILES: [&str; 3] = ["db-wal", "db-shm", "db-journal"];

/// How long SQLite waits for another process that is in the way for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What identifies one model with one recipe, as the library stores it.
///
/// `recipe` and `source` are whatever JSON the caller wants back; the library only keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Folder name under `spaces/`.
    pub name: String,
    /// 32 bytes that are equal where embeddings can be compared.
    pub fingerprint: [u8; 32],
    /// Numbers in an embedding.
    pub dim: usize,
    /// The recipe, for the caller.
    pub recipe: String,
    /// Where the model came from, for the caller.
    pub source: String,
}

/// A paper's key in the database: it outlives changes of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaperKey(pub i64);

/// Where the parts of a library lie.
#[derive(Debug, Clone)]
struct Layout {
    root: PathBuf,
}

impl Layout {
    fn of(root: &Path) -> Layout {
        Layout {
            root: root.to_owned(),
        }
    }

    fn database(&self) -> PathBuf {
        self.root.join("papers.db")
    }

    fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    fn spaces(&self) -> PathBuf {
        self.root.join("spaces")
    }

    fn lexical(&self) -> PathBuf {
        self.root.join("lexical")
    }

    fn space(&self, name: &str) -> PathBuf {
        self.spaces().join(name)
    }

    fn rows(&self, name: &str, generation: i64) -> PathBuf {
        self.space(name).join(format!("vectors-{generation}.f16"))
    }

    fn index(&self, name: &str, generation: i64) -> PathBuf {
        self.space(name).join(format!("index-{generation}"))
    }

    /// Whether the folder holds anything but what creating a library may have left.
    fn holds_other_files(&self) -> Result<bool> {
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

    /// Says that the database holds nothing while the folder holds a library's files.
    fn emptied(&self) -> Error {
        let what = "it is empty, and files beside it are of a library: restore it from a backup, or begin a new library in another folder";
        Error::damaged(self.database(), what)
    }

    /// What SQLite says about this library's database.
    fn database_error(&self) -> impl Fn(rusqlite::Error) -> Error + use<> {
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

/// Whether a value is not what its column holds: that is never written.
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
