//! What a writer is given to store at once, and the counts of a run.

use jiff::civil::Date;

use super::keys::PaperKey;
use super::source_record::SourceRecord;
use akin_base::paper::{Paper, PaperId, TextHash, Votes};

/// One paper to store or to change.
#[derive(Debug)]
pub struct Change {
    /// The paper's key; `None` for a new paper.
    pub key: Option<PaperKey>,
    /// The paper as it is to be.
    pub paper: Paper,
    /// Fingerprints of the records that it was made from.
    pub record_hashes: Vec<TextHash>,
    /// Whether records taken in earlier count as unknown from now on, so that one of them that
    /// comes again is taken in again.
    pub forgets_earlier_records: bool,
    /// The days in whose lists it stood.
    pub listed: Vec<Date>,
    /// The records that it was made of, at least one.
    pub sources: Vec<SourceRecord>,
    /// Whether the user says that it was not withdrawn, whatever a record says.
    pub is_restored: bool,
    /// Papers that this one takes the place of: their ids, days and records become its own.
    pub absorbed: Vec<PaperKey>,
    /// Whether it gets a new embedding; where not, the one that is there stays, unless the paper is
    /// [withdrawn](akin_base::paper::Notice::Withdrawn): then it goes.
    pub wants_embedding: bool,
}

impl Change {
    /// A new paper, made of these records, that gets no embedding yet.
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

/// What happens to papers and records in one [commit](crate::Writer::commit).
#[derive(Debug, Default)]
pub struct Batch {
    /// Papers to store or to change.
    pub changes: Vec<Change>,
    /// Days of papers that are otherwise unchanged.
    pub listings: Vec<(PaperKey, Date)>,
    /// Votes of papers that are otherwise unchanged.
    pub votes: Vec<(PaperKey, Votes)>,
    /// Papers to forget.
    pub removed: Vec<PaperKey>,
    /// Ids that are never to be merged again.
    pub splits: Vec<(PaperId, PaperId)>,
}

impl Batch {
    /// The passages, by `passage_of`, of the papers that want an embedding.
    pub fn passages(&self, passage_of: impl Fn(&Paper) -> String) -> Vec<String> {
        let wanting = self.changes.iter().filter(|change| change.wants_embedding);
        wanting.map(|change| passage_of(&change.paper)).collect()
    }
}

/// What one run of `add` has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestCounts {
    /// Records read.
    pub n_read: u64,
    /// Papers stored that were not there.
    pub n_stored: u64,
    /// Papers changed.
    pub n_changed: u64,
    /// Records that said nothing new.
    pub n_unchanged: u64,
    /// Records that became part of a paper that another source had brought.
    pub n_merged: u64,
    /// Records that said a paper is gone, which it now is.
    pub n_deleted: u64,
    /// Records rejected.
    pub n_rejected: u64,
    /// Passages cut to the token limit.
    pub n_truncated: u64,
    /// Of the papers stored, those kept apart from another work that has their id.
    pub n_kept_apart: u64,
    /// Of the papers stored or changed, those that say that they were withdrawn.
    pub n_withdrawn: u64,
}

impl IngestCounts {
    /// The counts of two parts together.
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
