//! The state of a batch while its records are taken in: the pending papers, and how to find them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

use crate::error::Result;
use crate::ingest::decision::Decision;
use crate::ingest::pending::{Pending, Tie};
use crate::ingest::same_work::Traits;
use crate::library::{Batch, IngestCounts, KnownPaper, Lookup, PaperKey, SourceRecord};
use crate::paper::{Collection, PaperId, TextHash};

/// Maximum number of records of one paper: further ones belong to no single work, and are kept
/// apart.
pub(super) const MAX_SOURCES: usize = 256;

/// Where papers are looked up.
pub(in crate::ingest) trait KnownPapers {
    fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>>;
    fn has_seen(&self, key: PaperKey, record_hash: TextHash) -> Result<bool>;
    /// At most `n` papers of a title, the oldest first.
    fn with_title(&self, title_key: i64, n: usize) -> Result<Vec<PaperKey>>;
    fn is_split(&self, one: &PaperId, other: &PaperId) -> Result<bool>;
    fn known(&self, key: PaperKey) -> Result<KnownPaper>;
}

impl KnownPapers for Lookup<'_> {
    fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>> {
        self.key_of(id)
    }

    fn has_seen(&self, key: PaperKey, record_hash: TextHash) -> Result<bool> {
        self.has_seen(key, record_hash)
    }

    fn with_title(&self, title_key: i64, n: usize) -> Result<Vec<PaperKey>> {
        self.with_title(title_key, n)
    }

    fn is_split(&self, one: &PaperId, other: &PaperId) -> Result<bool> {
        self.is_split(one, other)
    }

    fn known(&self, key: PaperKey) -> Result<KnownPaper> {
        self.known(key)
    }
}

/// The dump that records are read from: whose they are, and which ids it has brought so far.
pub(in crate::ingest) struct Reading {
    pub(in crate::ingest) collection: Collection,
    /// Whether the library has papers of no known collection, which a record here may claim.
    pub(in crate::ingest) may_claim: bool,
    /// Whether the library mirrors the dump and holds nothing else.
    pub(in crate::ingest) is_mirrored: bool,
    /// Hashes of the ids that were read, 8 bytes each.
    pub(super) ids: HashSet<u64>,
    pub(super) hasher: RandomState,
}

impl Reading {
    pub(in crate::ingest) fn new(
        collection: Collection,
        may_claim: bool,
        is_mirrored: bool,
    ) -> Reading {
        Reading {
            collection,
            may_claim,
            is_mirrored,
            ids: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Notes an id; whether the dump has had it before.
    pub(super) fn meets_again(&mut self, id: &PaperId) -> bool {
        !self.ids.insert(self.hasher.hash_one(id))
    }
}

/// The result of a batch of records.
#[derive(Default)]
pub(in crate::ingest) struct PendingBatch {
    /// `None` if a paper was merged into another.
    pub(super) pending: Vec<Option<Pending>>,
    pub(super) by_id: HashMap<PaperId, usize>,
    pub(super) by_key: HashMap<PaperKey, usize>,
    pub(super) by_title: HashMap<i64, Vec<usize>>,
    /// What is compared of stored papers that share a title with pending ones.
    pub(super) namesakes: RefCell<NamesakeCache>,
    /// Without changes.
    pub(in crate::ingest) batch: Batch,
    /// What items count as that belong to no pending paper.
    pub(in crate::ingest) counts: IngestCounts,
    pub(in crate::ingest) decisions: Vec<Decision>,
    /// An id of each paper that a record was found to be of.
    pub(in crate::ingest) met: Vec<PaperId>,
}

/// A paper that a record belongs to: one of the batch, or one that is stored untouched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Holder {
    Pending(usize),
    Stored(PaperKey),
}

/// The place of a pending paper, and how a record belongs to it.
pub(super) type Tied = (usize, Tie);

/// What a record's ids say about the paper it belongs to.
pub(super) enum Claims {
    /// This very record has been added before.
    Known,
    /// The pending papers that it belongs to, the surest first, and those that it does not belong to though
    /// they have one of its ids.
    Open {
        holders: Vec<Tied>,
        others: Vec<usize>,
        /// Its own id is another work's; this is the id it gets instead.
        kept_apart_as: Option<PaperId>,
    },
}

/// What is compared of stored papers.
#[derive(Default)]
pub(super) struct NamesakeCache {
    pub(super) traits: HashMap<PaperKey, Rc<Namesake>>,
    pub(super) n_bytes: usize,
}

/// One of them.
pub(super) struct Namesake {
    pub(super) traits: Traits,
    pub(super) n_sources: usize,
}

/// Whether a record of this name and id was split by hand from any of the sources.
pub(super) fn is_split(
    papers: &dyn KnownPapers,
    name: &PaperId,
    id: &PaperId,
    sources: &[SourceRecord],
) -> Result<bool> {
    for source in sources {
        let is_named = papers.is_split(name, &source.name())?;
        if is_named || papers.is_split(id, &source.paper.id)? {
            return Ok(true);
        }
    }
    Ok(false)
}
