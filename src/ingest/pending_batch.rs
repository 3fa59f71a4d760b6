//! What a batch of records comes to, before anything is embedded: papers that are new, papers that
//! change, records that say nothing new, papers that are gone.
//!
//! In: the items of a dump, the [`Collection`] that they belong to, and a [`KnownPapers`] to look up what is
//! there already. Out: [`PendingBatch`], a paper each. This is where it is decided what a record *is*, by
//! its ids (`claims.rs`) and by its title (`namesakes.rs`):
//!
//! ```text
//! record ──► the paper that has its id, or one of its other ids
//!              ├─ from the same collection: the record changes its earlier one, if it is a newer state of it
//!              ├─ from another: the record is merged, unless the two are plainly different works
//!              └─ plainly different, or split by hand: the record is kept apart, under its collection's id
//!        ──► else, of those with its title, the first that is the same work (`same_work.rs`): merged
//!        ──► else, a new paper
//! ```
//!
//! Every record stays as a *source* of its paper; the paper is what its sources make together
//! (`merging.rs`). A record whose ids belong to several papers makes them one, and so does a record
//! that brings what shows that two papers of one title are one work.
//!
//! Invariants: every item counts once; the outcome does not depend on where batches end; a record
//! replaces only an earlier one of its own collection.

mod claims;
mod namesakes;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use self::claims::Claims;
use self::namesakes::NamesakeCache;
use super::pending::{Pending, Tie, is_of};
use super::same_work::Why;
use crate::error::Result;
use crate::library::{Batch, IngestCounts, KnownPaper, Lookup, PaperKey, SourceRecord};
use crate::paper::{Collection, Paper, PaperId, TextHash, title_key};

/// Records that one paper is made of: more are of no one work, and are kept apart.
const MAX_SOURCES: usize = 256;

/// Where papers are looked up.
pub(super) trait KnownPapers {
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
pub(super) struct Reading {
    pub(super) collection: Collection,
    /// Whether the library has papers of no known collection, which a record here may claim.
    pub(super) may_claim: bool,
    /// Whether the library holds what the dump says now and nothing else.
    pub(super) is_mirrored: bool,
    /// Hashes of the ids that were read, 8 bytes each.
    ids: HashSet<u64>,
    hasher: RandomState,
}

impl Reading {
    pub(super) fn of(collection: Collection, may_claim: bool, is_mirrored: bool) -> Reading {
        Reading {
            collection,
            may_claim,
            is_mirrored,
            ids: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Notes an id; whether the dump has had it before.
    fn meets_again(&mut self, id: &PaperId) -> bool {
        !self.ids.insert(self.hasher.hash_one(id))
    }
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// It is a new paper.
    Stored {
        /// The paper's id.
        id: PaperId,
    },
    /// It is a new paper that has the id of another work, and is kept apart from it.
    KeptApart {
        /// The id that it is stored under.
        id: PaperId,
        /// The id that it came with, which is another work's.
        given: PaperId,
    },
    /// It changed the paper.
    Changed {
        /// The paper's id.
        id: PaperId,
    },
    /// It said nothing new.
    Unchanged {
        /// The record's id.
        id: PaperId,
    },
    /// It became part of a paper that another record had brought.
    Merged {
        /// The record's id.
        id: PaperId,
        /// The paper's id.
        into: PaperId,
        /// Why.
        why: Why,
    },
    /// It said that a paper is gone.
    Deleted {
        /// Whose id it names.
        id: PaperId,
    },
}

/// What a batch of records comes to.
#[derive(Default)]
pub(super) struct PendingBatch {
    /// `None` where a paper became part of another.
    pending: Vec<Option<Pending>>,
    by_id: HashMap<PaperId, usize>,
    by_key: HashMap<PaperKey, usize>,
    by_title: HashMap<i64, Vec<usize>>,
    /// What is compared of stored papers that share a title with pending ones.
    namesakes: RefCell<NamesakeCache>,
    /// Without changes.
    pub(super) batch: Batch,
    /// What items count as that belong to no pending paper.
    pub(super) counts: IngestCounts,
    pub(super) decisions: Vec<Decision>,
    /// An id of each paper that a record was found to be of.
    pub(super) met: Vec<PaperId>,
}

/// A paper that a record belongs to: one of the batch, or one that is stored untouched.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Holder {
    Pending(usize),
    Stored(PaperKey),
}

/// The place of a pending paper, and how a record belongs to it.
type Tied = (usize, Tie);

impl PendingBatch {
    /// The papers, to be embedded and committed.
    pub(super) fn take(&mut self) -> Vec<Pending> {
        let pending = std::mem::take(&mut self.pending).into_iter().flatten();
        let mut taken: Vec<Pending> = pending.filter(|pending| pending.is_touched).collect();
        for pending in &mut taken {
            pending.change.wants_embedding = pending.needs_embedding();
            pending.counts.n_withdrawn += u64::from(pending.is_withdrawn());
        }
        taken
    }

    /// Takes in a paper's record.
    pub(super) fn add(
        &mut self,
        papers: &dyn KnownPapers,
        reading: &mut Reading,
        mut record: Paper,
    ) -> Result<()> {
        let hash = record.record_hash();
        let is_again = reading.meets_again(&record.id);
        let (holders, others, kept_apart_as) =
            match self.claims(papers, reading, &record, hash, is_again)? {
                Claims::Known => {
                    self.note_unchanged(record.id);
                    return Ok(());
                }
                Claims::Open {
                    holders,
                    others,
                    kept_apart_as,
                } => (holders, others, kept_apart_as),
            };
        // What it goes by instead finds it again, whichever paper it becomes part of.
        let apart = kept_apart_as
            .iter()
            .filter(|id| !record.aliases.contains(id));
        let apart: Vec<PaperId> = apart.cloned().collect();
        record.aliases.extend(apart);
        let at = match holders.split_first() {
            None => {
                let pending = Pending::of_new(&reading.collection, record, hash, kept_apart_as);
                self.push(pending)
            }
            Some(((first, tie), more)) => {
                for (other, tie) in more {
                    if let Tie::Also(why) = tie {
                        self.unite(*first, *other, why);
                    }
                }
                let pending = self.pending(*first);
                pending
                    .withheld
                    .extend(kept_apart_as.map(|_| record.id.clone()));
                pending.add_record(&reading.collection, record, hash, tie.clone());
                self.register(*first);
                *first
            }
        };
        let met = self.pending(at).change.paper.id.clone();
        self.met.push(met);
        self.unite_namesakes(papers, at, &others)
    }

    /// Takes in an abstract whose paper stands elsewhere; `false` where the paper is unknown.
    pub(super) fn add_abstract(
        &mut self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        id: &PaperId,
        text: String,
    ) -> Result<bool> {
        let Some(holder) = self.holder_of(papers, id)? else {
            return Ok(false);
        };
        let hash = Paper::new(id.clone(), "", text.clone()).record_hash();
        if let Holder::Stored(key) = holder
            && papers.has_seen(key, hash)?
        {
            self.note_unchanged(id.clone());
            return Ok(true);
        }
        let at = self.pending_at(papers, holder)?;
        let pending = self.pending(at);
        let place = pending.place_of(&reading.collection.name, id);
        let mut record = pending.change.sources[place].paper.clone();
        record.abstract_text = text;
        pending.add_record(&reading.collection, record, hash, Tie::Newer(place));
        Ok(true)
    }

    /// Takes in that a source no longer has a paper.
    pub(super) fn delete(
        &mut self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        id: PaperId,
    ) -> Result<()> {
        let holder = self.holder_of(papers, &id)?;
        let at = holder
            .map(|holder| self.pending_at(papers, holder))
            .transpose()?;
        if at.is_some_and(|at| self.drop_source(at, &reading.collection.name, &id)) {
            self.counts.n_read += 1;
            self.counts.n_deleted += 1;
            self.decisions.push(Decision::Deleted { id });
        } else {
            self.note_unchanged(id);
        }
        Ok(())
    }

    /// Takes a collection's record out of a pending paper, or the paper if it is its only one; whether it was
    /// there.
    fn drop_source(&mut self, at: usize, collection: &str, id: &PaperId) -> bool {
        let pending = self.pending(at);
        let is_gone = |source: &SourceRecord| is_of(source, collection) && source.paper.id == *id;
        let n_before = pending.change.sources.len();
        let n_gone = pending.change.sources.iter().filter(|s| is_gone(s)).count();
        if n_gone == 0 {
            return false;
        }
        if n_gone == n_before {
            let gone = self.pending[at]
                .take()
                .expect("a pending that was looked at");
            self.batch.removed.extend(gone.change.key);
            self.counts = self.counts.plus(&gone.counts);
            self.decisions.extend(gone.decisions);
            self.by_id.retain(|_, place| *place != at);
            self.by_key.retain(|_, place| *place != at);
            return true;
        }
        pending.change.sources.retain(|source| !is_gone(source));
        pending.is_touched = true;
        pending.recompute();
        self.by_id.retain(|_, place| *place != at);
        self.register(at);
        true
    }

    /// The paper that has an id, or, in a library that an older akin made, that had it before ids
    /// belonged to collections.
    fn holder_of_claimed(
        &self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        id: &PaperId,
    ) -> Result<Option<Holder>> {
        let holder = self.holder_of(papers, id)?;
        if holder.is_some() || !reading.may_claim || !id.is_local() {
            return Ok(holder);
        }
        for older in [id.bare().to_owned(), format!("bibtex:{}", id.bare())] {
            let holder = self.holder_of(papers, &PaperId::from_stored(&older))?;
            if holder.is_some() {
                return Ok(holder);
            }
        }
        Ok(None)
    }

    fn holder_of(&self, papers: &dyn KnownPapers, id: &PaperId) -> Result<Option<Holder>> {
        if let Some(&at) = self.by_id.get(id) {
            return Ok(Some(Holder::Pending(at)));
        }
        let key = papers.key_of(id)?.filter(|key| !self.is_gone(*key));
        Ok(key.map(|key| match self.by_key.get(&key) {
            Some(&at) => Holder::Pending(at),
            None => Holder::Stored(key),
        }))
    }

    /// Whether a record has been taken in for a paper; its day and its votes are noted then.
    fn has_seen(
        &mut self,
        papers: &dyn KnownPapers,
        holder: Holder,
        record: &Paper,
        hash: TextHash,
    ) -> Result<bool> {
        let key = match holder {
            Holder::Stored(key) => Some(key),
            Holder::Pending(at) => self.pending[at]
                .as_ref()
                .and_then(|pending| pending.change.key),
        };
        let Some(key) = key else {
            return Ok(false);
        };
        if !papers.has_seen(key, hash)? {
            return Ok(false);
        }
        let batch = &mut self.batch;
        batch.listings.extend(record.listed.map(|date| (key, date)));
        batch.votes.extend(record.votes().map(|votes| (key, votes)));
        Ok(true)
    }

    fn is_gone(&self, key: PaperKey) -> bool {
        self.batch.removed.contains(&key)
    }

    /// The pending paper at a place.
    fn pending(&mut self, at: usize) -> &mut Pending {
        let pending = self.pending[at].as_mut();
        pending.expect("it is pending")
    }

    fn note_unchanged(&mut self, id: PaperId) {
        self.counts.n_read += 1;
        self.counts.n_unchanged += 1;
        self.decisions.push(Decision::Unchanged { id });
    }

    /// The place of a holder; a stored one becomes pending.
    fn pending_at(&mut self, papers: &dyn KnownPapers, holder: Holder) -> Result<usize> {
        Ok(match holder {
            Holder::Pending(at) => at,
            Holder::Stored(key) => self.push(Pending::of_known(papers.known(key)?)),
        })
    }

    /// Adds a pending paper.
    fn push(&mut self, pending: Pending) -> usize {
        let at = self.pending.len();
        self.by_key.extend(pending.change.key.map(|key| (key, at)));
        self.pending.push(Some(pending));
        self.register(at);
        at
    }

    /// Makes a pending paper's ids and its title known.
    fn register(&mut self, at: usize) {
        let Some(pending) = &self.pending[at] else {
            return;
        };
        let paper = &pending.change.paper;
        self.by_id.insert(paper.id.clone(), at);
        for id in &paper.aliases {
            self.by_id.entry(id.clone()).or_insert(at);
        }
        let namesakes = self.by_title.entry(title_key(&paper.title)).or_default();
        if !namesakes.contains(&at) {
            namesakes.push(at);
        }
    }

    /// Makes one paper of two.
    fn unite(&mut self, at: usize, other_at: usize, why: &Why) {
        let n_sources = |at: usize| {
            let pending = self.pending[at].as_ref();
            pending.map_or(0, |pending| pending.change.sources.len())
        };
        if at == other_at || n_sources(at) + n_sources(other_at) > MAX_SOURCES {
            return;
        }
        let Some(other) = self.pending[other_at].take() else {
            return;
        };
        self.move_places(other_at, at);
        self.pending(at).absorb(other, why);
        self.register(at);
    }

    /// Makes the ids of one pending paper those of another.
    fn move_places(&mut self, from: usize, to: usize) {
        for place in self.by_id.values_mut().chain(self.by_key.values_mut()) {
            if *place == from {
                *place = to;
            }
        }
    }
}

/// Whether a record of this name and id was taken apart by hand from any of the sources.
fn is_split(
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
