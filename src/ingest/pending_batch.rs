//! What a batch of records would change, before anything is embedded: new papers, changed papers,
//! records that say nothing new, deleted papers.
//!
//! In: the items of a dump, their [`Collection`](crate::paper::Collection), and a [`KnownPapers`] to look up what is there
//! already. Out: [`PendingBatch`], a paper each. This is where akin decides what a record *is*, by
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
//! Every record stays as a *source* of its paper; the paper is merged from its sources
//! (`merging.rs`). A record whose ids belong to several papers makes them one. So does a record
//! that proves that two papers of one title are one work.
//!
//! Invariants: every item counts once; the outcome does not depend on where batches end; a record
//! replaces only an earlier one of its own collection.

mod claims;
mod namesakes;
mod state;

pub(super) use self::state::{KnownPapers, PendingBatch, Reading};

use self::state::{Claims, Holder, MAX_SOURCES};
use super::decision::Decision;
use super::pending::{Pending, Tie, is_of};
use super::same_work::Why;
use crate::error::Result;
use crate::library::{PaperKey, SourceRecord};
use crate::paper::{Paper, PaperId, TextHash, title_key};

impl PendingBatch {
    /// The papers, to be committed.
    pub(super) fn take(&mut self) -> Vec<Pending> {
        let pending = std::mem::take(&mut self.pending).into_iter().flatten();
        let mut taken: Vec<Pending> = pending.filter(|pending| pending.is_touched).collect();
        for pending in &mut taken {
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
        // The id that it gets instead finds it again, whichever paper it becomes part of.
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

    /// Adds an abstract to a paper that is elsewhere; `false` if the paper is unknown.
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

    /// Whether a record is already part of a paper; if so, its day and its votes are noted.
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
