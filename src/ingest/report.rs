//! The result of taking in dumps.

use std::collections::BTreeMap;

use super::chunks::{Chunk, Omission};
use super::encoding::Effort;
use super::missing::Filled;
use crate::dump::{Part, Rejected};
use crate::error::Error;
use crate::library::{IngestCounts, IngestKey};

/// Maximum number of rejections that a report lists, besides those that end their dump; all are
/// counted.
pub const MAX_LISTED_REJECTIONS: usize = 1000;

/// What of the dumps could not be used.
#[derive(Debug, Default)]
pub struct Unused {
    /// The first [`MAX_LISTED_REJECTIONS`] rejected records, with their dump's name.
    pub rejected: Vec<(String, Rejected)>,
    /// Number of values left out of papers that were kept, by the expected kind of value.
    pub n_ignored: BTreeMap<Part, u64>,
    /// The first [`MAX_LISTED_REJECTIONS`] of these.
    pub ignored: Vec<Omission>,
    /// Dumps that could not be read at all or gave nothing, with the reason.
    pub failed: Vec<(String, Error)>,
    /// Files in folders and members of archives that are not dumps, and what they look like.
    pub skipped: Vec<(String, Error)>,
    /// Dumps whose list has a day without a year, and that day as the dump writes it.
    pub without_year: Vec<(String, String)>,
}

impl Unused {
    /// Whether a dump could not be opened, or not be read to its end.
    pub fn has_unread(&self) -> bool {
        let is_cut = |(_, record): &(String, Rejected)| record.reason.ends_the_dump();
        !self.failed.is_empty() || self.rejected.iter().any(is_cut)
    }

    /// Adds the unusable parts of a later part of the same work.
    pub fn absorb(&mut self, other: Unused) {
        self.list(other.rejected);
        for (part, n) in other.n_ignored {
            *self.n_ignored.entry(part).or_default() += n;
        }
        self.list_ignored(other.ignored);
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
        self.without_year.extend(other.without_year);
    }

    /// Moves the unusable parts out of a chunk.
    pub(super) fn take_from(&mut self, chunk: &mut Chunk) {
        self.list(std::mem::take(&mut chunk.rejected));
        for omission in &chunk.ignored {
            *self.n_ignored.entry(omission.ignored.part).or_default() += 1;
        }
        self.list_ignored(std::mem::take(&mut chunk.ignored));
        self.failed.append(&mut chunk.failed);
        self.skipped.append(&mut chunk.skipped);
        self.without_year.append(&mut chunk.without_year);
    }

    fn list_ignored(&mut self, omissions: Vec<Omission>) {
        let room = MAX_LISTED_REJECTIONS.saturating_sub(self.ignored.len());
        self.ignored.extend(omissions.into_iter().take(room));
    }

    /// Lists rejected records, up to [`MAX_LISTED_REJECTIONS`] and those that end their dump.
    fn list(&mut self, rejected: Vec<(String, Rejected)>) {
        for (name, record) in rejected {
            if self.rejected.len() < MAX_LISTED_REJECTIONS || record.reason.ends_the_dump() {
                self.rejected.push((name, record));
            }
        }
    }
}

/// The result of taking dumps into a library.
#[derive(Debug, Default)]
pub struct IngestReport {
    /// Counts of records: read = stored + changed + unchanged + merged + deleted + rejected.
    pub counts: IngestCounts,
    /// Papers that were embedded.
    pub n_embedded: u64,
    /// Papers whose embeddings were computed elsewhere.
    pub n_taken: u64,
    /// Tokens computed for those that were embedded.
    pub n_tokens: u64,
    /// How long the encoder computed, and how long it was kept waiting.
    pub encoding: Effort,
    /// Papers forgotten because a mirrored dump no longer has them.
    pub n_removed: u64,
    /// What of the dumps could not be used.
    pub unused: Unused,
    /// Whether the run ended early because a stop was requested.
    pub stopped: bool,
    /// The run, whose counts are stored again once its papers are embedded.
    pub(super) run: Option<IngestKey>,
}

impl IngestReport {
    /// Adds what was embedded after the papers were stored.
    pub(super) fn take_filled(&mut self, filled: &Filled) {
        self.counts.n_truncated += filled.n_truncated;
        self.n_embedded += filled.n_embedded;
        self.n_tokens += filled.n_tokens;
        self.encoding = self.encoding.plus(filled.encoding);
        self.stopped |= filled.stopped;
    }

    /// Adds the result of a later part of the same work.
    pub fn absorb(&mut self, other: IngestReport) {
        self.counts = self.counts.plus(&other.counts);
        self.n_embedded += other.n_embedded;
        self.n_taken += other.n_taken;
        self.n_tokens += other.n_tokens;
        self.encoding = self.encoding.plus(other.encoding);
        self.n_removed += other.n_removed;
        self.unused.absorb(other.unused);
        self.stopped |= other.stopped;
        self.run = other.run.or(self.run);
    }
}

/// The result of embedding dumps without a library.
#[derive(Debug, Default)]
pub struct EmbedReport {
    /// Records that were read: embedded, rejected, or no papers.
    pub n_read: u64,
    /// Papers whose vectors were written.
    pub n_embedded: u64,
    /// Records that were rejected.
    pub n_rejected: u64,
    /// Records that are not papers, such as deletions: they have no vector.
    pub n_without_paper: u64,
    /// Papers that are longer than the model sees.
    pub n_truncated: u64,
    /// Tokens computed.
    pub n_tokens: u64,
    /// How long the encoder computed, and how long it was kept waiting.
    pub encoding: Effort,
    /// What of the dumps could not be used.
    pub unused: Unused,
}
