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
//! `<g>` is the *generation* of a space's rows. Compaction writes the live rows under the next
//! generation, where they have other numbers. Files of any other generation are leftovers.
//!
//! In: papers with their embeddings, from [`Writer::commit`]. Out: consistent snapshots of them,
//! from [`Library`]; faults, from [`Library::check`]. Only this crate knows SQLite, locks and
//! syncs. It does not know which model made the vectors, nor how they are searched.
//!
//! Invariants:
//! - A batch is committed in this order: records stored in an open transaction, rows appended, rows
//!   synced, the row count stored, the transaction committed. A kill before the end leaves the
//!   state before the batch. The next writer cuts off leftover rows.
//! - A compaction is committed in this order: rows written under the next generation, rows synced,
//!   one transaction that renumbers them, the old file deleted.
//! - One writer holds the lock. A reader holds a transaction and sees one state throughout.
//! - Embeddings of different spaces are never in one row file.
//! - A paper has at most one live row in a space. The row of a replaced or removed paper is dead
//!   and is never returned. It lives again if its text comes back before a compaction.

mod batch;
mod check;
mod columns;
mod compact;
mod filter;
mod finding;
mod folder;
mod follows;
mod ingests;
mod journal;
mod keys;
mod layout;
mod listing;
mod lists;
mod lock;
mod lookup;
mod lost_commits;
mod offers;
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
mod undo;
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
pub use self::listing::{PaperOrder, PaperPage};
pub use self::lists::Day;
pub use self::lookup::{KnownPaper, Lookup};
pub use self::lost_commits::LostCommits;
pub use self::papers::StoredPaper;
pub use self::read::Library;
pub use self::schema::FORMAT_VERSION;
pub use self::source_record::SourceRecord;
pub use self::space::Space;
pub use self::spaces::{SpaceRows, SpaceStatus};
pub use self::stamps::{PaperPlace, PapersState};
pub use self::status::Status;
pub use self::undo::LastChange;
pub use self::write::Writer;
