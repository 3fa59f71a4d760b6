//! What a writer is given to store at once, and the counts of a run.

use jiff::civil::Date;

use super::keys::PaperKey;
use super::source_record::SourceRecord;
use akin_base::paper::{Paper, PaperId, TextHash, Votes};

/// A paper to store or to change.
#[derive(Debug)]
pub struct Change {
    /// The paper's key; `None` for a new paper.
    pub key: Option<PaperKey>,
    /// The paper in its new state.
    pub paper: Paper,
    /// Hashes of the records that it was made from.
    pub record_hashes: Vec<TextHash>,
    /// Whether earlier records are forgotten, so that the same record is taken in again.
    pub forgets_earlier_records: bool,
    /// The days whose lists contained it.
    pub listed: Vec<Date>,
    /// The records that it was made from; never empty.
    pub sources: Vec<SourceRecord>,
    /// Whether the user has overruled a record that says it was withdrawn.
    pub is_restored: bool,
    /// Papers that this one replaces; it takes over their ids, days and records.
    pub absorbed: Vec<PaperKey>,
    /// Whether it gets a new embedding. If not, it keeps the one it has, unless it is
    /// [withdrawn](akin_base::paper::Notice::Withdrawn).
    pub wants_embedding: bool,
}

impl Change {
    /// A new paper, made from these records, without an embedding.
    pub fn new(paper: Paper, sources: Vec<SourceRecord>) -> Change {
        Change {
            key: None,
            paper,
            record_hashes: Vec::new(),
            forgets_earlier_records: false,
            listed: Vec::new(),
            sources,
            is_restored: false,
            absorbed: Vec::new(),
            wants_embedding: false,
        }
    }
}

/// The changes of one [commit](crate::Writer::commit).
#[derive(Debug, Default)]
pub struct Batch {
    /// Papers to store or to change.
    pub changes: Vec<Change>,
    /// Days of listing of papers that are otherwise unchanged.
    pub listings: Vec<(PaperKey, Date)>,
    /// Votes of papers that are otherwise unchanged.
    pub votes: Vec<(PaperKey, Votes)>,
    /// Papers to remove.
    pub removed: Vec<PaperKey>,
    /// Pairs of ids that must never be merged again.
    pub splits: Vec<(PaperId, PaperId)>,
}

impl Batch {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.listings.is_empty()
            && self.votes.is_empty()
            && self.removed.is_empty()
            && self.splits.is_empty()
    }

    /// The passages of the papers that get an embedding, in order, as `passage_of` makes them.
    pub fn passages(&self, passage_of: impl Fn(&Paper) -> String) -> Vec<String> {
        let wanting = self.changes.iter().filter(|change| change.wants_embedding);
        wanting.map(|change| passage_of(&change.paper)).collect()
    }
}

/// Counts of one run of `add` so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestCounts {
    /// Records read.
    pub n_read: u64,
    /// New papers stored.
    pub n_stored: u64,
    /// Papers changed.
    pub n_changed: u64,
    /// Records without anything new.
    pub n_unchanged: u64,
    /// Records merged into a paper from another source.
    pub n_merged: u64,
    /// Papers removed because a record said so.
    pub n_deleted: u64,
    /// Records rejected.
    pub n_rejected: u64,
    /// Passages truncated to the token limit.
    pub n_truncated: u64,
    /// New papers kept apart from another work with the same id.
    pub n_kept_apart: u64,
    /// Stored or changed papers that are withdrawn.
    pub n_withdrawn: u64,
}

impl IngestCounts {
    /// The sum of two counts.
    #[must_use]
    pub fn plus(&self, other: &IngestCounts) -> IngestCounts {
        IngestCounts {
            n_read: self.n_read + other.n_read,
            n_stored: self.n_stored + other.n_stored,
            n_changed: self.n_changed + other.n_changed,
            n_unchanged: self.n_unchanged + other.n_unchanged,
            n_merged: self.n_merged + other.n_merged,
            n_deleted: self.n_deleted + other.n_deleted,
            n_rejected: self.n_rejected + other.n_rejected,
            n_truncated: self.n_truncated + other.n_truncated,
            n_kept_apart: self.n_kept_apart + other.n_kept_apart,
            n_withdrawn: self.n_withdrawn + other.n_withdrawn,
        }
    }
}
