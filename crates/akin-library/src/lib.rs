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

mod batch;
mod check;
mod columns;
mod compact;
mod filter;
mod finding;
mod folder;
mod follows;
mod ingests;
mod keys;
mod layout;
mod lists;
mod lock;
mod lookup;
mod lost_commits;
mod papers;
mod read;
mod record;
mod salvage;
mod schema;
mod source_record;
mod space;
mod spaces;
mod stamps;
mod status;
mod store;
#[cfg(test)]
mod testdata;
mod write;

pub use self::batch::{Batch, Change, IngestCounts};
pub use self::check::Findings;
pub use self::compact::Compaction;
pub use self::filter::Filter;
pub use self::finding::{Fault, Finding};
pub use self::folder::Orphan;
pub use self::follows::{
    DigestKey, FollowKey, Shown, StoredDigest, StoredFollow, StoredSubscriber,
};
pub use self::keys::{IngestKey, PaperKey};
pub use self::layout::REJECTED_FILE;
pub use self::lists::Day;
pub use self::lookup::{KnownPaper, Lookup};
pub use self::lost_commits::LostCommits;
pub use self::papers::StoredPaper;
pub use self::read::Library;
pub use self::schema::FORMAT_VERSION;
pub use self::source_record::SourceRecord;
pub use self::space::Space;
pub use self::spaces::{SpaceRows, SpaceStatus};
pub use self::stamps::PapersState;
pub use self::status::Status;
pub use self::write::Writer;
