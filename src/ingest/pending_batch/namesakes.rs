//! Papers of one title that are the same work.
//!
//! In: a pending paper that a record was just added to. Out: the same, made one with each other paper of
//! its title that is the same work (`same_work.rs`).
//!
//! Invariants: at most [`MAX_NAMESAKES`] are compared with it, wherever batches end. The compared
//! traits of a stored paper are computed once a batch.

use std::rc::Rc;

use super::state::{
    Holder, KnownPapers, MAX_SOURCES, Namesake, NamesakeCache, PendingBatch, is_split,
};
use crate::error::Result;
use crate::ingest::pending::Pending;
use crate::ingest::same_work::{MAX_NAMESAKES, Traits, Why, same_work};
use crate::library::{PaperKey, SourceRecord};
use crate::paper::title_key;

/// Beyond this number the kept traits of stored papers are dropped.
const MAX_NAMESAKE_BYTES: usize = 64 << 20;

impl PendingBatch {
    /// Merges a pending paper with those of its title that are the same work. `others` are known
    /// not to be.
    pub(super) fn unite_namesakes(
        &mut self,
        papers: &dyn KnownPapers,
        mut at: usize,
        others: &[usize],
    ) -> Result<()> {
        while let Some((namesake, why)) = self.namesake(papers, at, others)? {
            let other = self.pending_at(papers, namesake)?;
            // The older paper keeps its key.
            let mut age = |at: usize| {
                let key = self.pending(at).change.key;
                (key.is_none(), key, at)
            };
            let (older, newer) = if age(at) < age(other) {
                (at, other)
            } else {
                (other, at)
            };
            self.unite(older, newer, &why);
            at = older;
        }
        Ok(())
    }

    /// Another paper of a pending one's title that is the same work; none if more than
    /// [`MAX_NAMESAKES`] have the title.
    fn namesake(
        &self,
        papers: &dyn KnownPapers,
        at: usize,
        others: &[usize],
    ) -> Result<Option<(Holder, Why)>> {
        let Some(pending) = &self.pending[at] else {
            return Ok(None);
        };
        // Most papers share their title with no other, and need not be compared.
        let (title, sources) = (title_of(pending), &pending.change.sources);
        let here = self.by_title.get(&title).into_iter().flatten();
        let here = here.filter_map(|place| Some((*place, self.pending[*place].as_ref()?)));
        let is_other =
            |(place, other): &(usize, &Pending)| *place != at && title_of(other) == title;
        let here: Vec<(usize, &Pending)> = here.filter(is_other).take(MAX_NAMESAKES + 1).collect();
        // Some of the stored ones are pending by now, or deleted.
        let n_passed_over = self.by_key.len() + self.batch.removed.len();
        let stored = if here.len() <= MAX_NAMESAKES {
            papers.with_title(title, MAX_NAMESAKES + 1 + n_passed_over)?
        } else {
            Vec::new()
        };
        let stored = stored.into_iter();
        let stored: Vec<PaperKey> = stored
            .filter(|key| !self.by_key.contains_key(key) && !self.is_gone(*key))
            .collect();
        if here.len() + stored.len() > MAX_NAMESAKES {
            return Ok(None);
        }
        let own = pending;
        for (other, pending) in here {
            let n_sources = sources.len() + pending.change.sources.len();
            if !others.contains(&other)
                && n_sources <= MAX_SOURCES
                && let Some(why) = same_work(own.traits(), pending.traits())
                && !are_split(papers, sources, &pending.change.sources)?
            {
                return Ok(Some((Holder::Pending(other), why)));
            }
        }
        for key in stored {
            let other = self.stored_namesake(papers, key)?;
            if sources.len() + other.n_sources <= MAX_SOURCES
                && let Some(why) = same_work(own.traits(), &other.traits)
                && !are_split(papers, sources, &papers.known(key)?.sources)?
            {
                return Ok(Some((Holder::Stored(key), why)));
            }
        }
        Ok(None)
    }

    /// What is compared of a stored paper.
    fn stored_namesake(&self, papers: &dyn KnownPapers, key: PaperKey) -> Result<Rc<Namesake>> {
        let mut namesakes = self.namesakes.borrow_mut();
        if let Some(traits) = namesakes.traits.get(&key) {
            return Ok(Rc::clone(traits));
        }
        let known = papers.known(key)?;
        let traits = Rc::new(Namesake {
            traits: Traits::new(&known.paper),
            n_sources: known.sources.len(),
        });
        if namesakes.n_bytes > MAX_NAMESAKE_BYTES {
            *namesakes = NamesakeCache::default();
        }
        namesakes.n_bytes += traits.traits.size();
        namesakes.traits.insert(key, Rc::clone(&traits));
        Ok(traits)
    }
}

/// The key of a pending paper's title.
fn title_of(pending: &Pending) -> i64 {
    title_key(&pending.change.paper.title)
}

/// Whether any two sources were split by hand.
fn are_split(
    papers: &dyn KnownPapers,
    one: &[SourceRecord],
    other: &[SourceRecord],
) -> Result<bool> {
    for source in one {
        if is_split(papers, &source.name(), &source.paper.id, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}
