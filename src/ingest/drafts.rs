//! What a batch of records comes to, before anything is embedded: papers that are new, papers that
//! change, records that say nothing new, papers that are gone.
//!
//! In: the items of a dump, and a [`Shelf`] to look up what is there already. Out: [`Drafts`], a
//! paper each. A record belongs to a paper
//!
//! 1. that has its id, or one of its other ids: unless the two cannot be one work
//!    (`same_work.rs`), or were taken apart by hand;
//! 2. else, of those with its title, to the first that is the same work.
//!
//! A record under the paper's own id changes it: the newer of the two speaks first. A record under
//! another id is merged: it is kept as a *source* beside the first, which speaks first wherever it
//! says something. A record whose ids belong to several papers makes them one.
//!
//! Invariants: every item counts once; the outcome does not depend on where batches end.

use std::collections::HashMap;

use super::same_work::{Why, is_other_text, may_share_id, same_work};
use crate::error::Result;
use crate::library::{Batch, Change, Ingest, Known, Lookup, PaperKey, SourceRecord};
use crate::paper::{IdKind, Notice, Paper, PaperId, TextHash, title_key};

/// Where papers are looked up.
pub(super) trait Shelf {
    fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>>;
    fn has_seen(&self, key: PaperKey, record_hash: TextHash) -> Result<bool>;
    fn with_title(&self, title_key: i64) -> Result<Vec<PaperKey>>;
    fn is_split(&self, one: &PaperId, other: &PaperId) -> Result<bool>;
    fn known(&self, key: PaperKey) -> Result<Known>;
}

impl Shelf for Lookup<'_> {
    fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>> {
        self.key_of(id)
    }

    fn has_seen(&self, key: PaperKey, record_hash: TextHash) -> Result<bool> {
        self.has_seen(key, record_hash)
    }

    fn with_title(&self, title_key: i64) -> Result<Vec<PaperKey>> {
        self.with_title(title_key)
    }

    fn is_split(&self, one: &PaperId, other: &PaperId) -> Result<bool> {
        self.is_split(one, other)
    }

    fn known(&self, key: PaperKey) -> Result<Known> {
        self.known(key)
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
    /// It became part of a paper of another id.
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

/// One paper of a batch, as all records of the batch together make it.
pub(super) struct Draft {
    pub(super) change: Change,
    /// The text hash that the library's embedding was made at.
    embedded_at: Option<TextHash>,
    /// Whether any record changes it: it may have been looked at only.
    is_touched: bool,
    /// What its records count as, once it is committed.
    pub(super) counts: Ingest,
    pub(super) decisions: Vec<Decision>,
}

/// What a batch of records comes to.
#[derive(Default)]
pub(super) struct Drafts {
    /// `None` where a draft became part of another.
    drafts: Vec<Option<Draft>>,
    by_id: HashMap<PaperId, usize>,
    by_key: HashMap<PaperKey, usize>,
    by_title: HashMap<i64, Vec<usize>>,
    /// Without changes.
    pub(super) batch: Batch,
    /// What items count as that belong to no draft.
    pub(super) counts: Ingest,
    pub(super) decisions: Vec<Decision>,
}

/// A paper that a record belongs to: one of the batch, or one that lies on the shelf untouched.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Home {
    Draft(usize),
    Shelf(PaperKey),
}

/// A home, and why a record belongs there if it is not by its own id.
type Claim = (Home, Option<Why>);

impl Drafts {
    /// The papers, to be embedded and committed.
    pub(super) fn take(&mut self) -> Vec<Draft> {
        let drafts = std::mem::take(&mut self.drafts).into_iter().flatten();
        let mut taken: Vec<Draft> = drafts.filter(|draft| draft.is_touched).collect();
        for draft in &mut taken {
            draft.change.wants_embedding = draft.needs_embedding();
        }
        taken
    }

    /// Takes in a paper's record.
    pub(super) fn add(&mut self, shelf: &dyn Shelf, mut record: Paper) -> Result<()> {
        if record.id.is_made() {
            self.tell_apart(shelf, &mut record)?;
        }
        let hash = record.record_hash();
        let Some(mut homes) = self.homes(shelf, &record, hash)? else {
            self.note_unchanged(record.id);
            return Ok(());
        };
        if homes.is_empty() {
            let title = title_key(&record.title);
            let Some(namesake) = self.namesake(shelf, &record, title)? else {
                self.push(Draft::of_new(record, hash), title);
                return Ok(());
            };
            homes.push(namesake);
        }
        let mut homes = homes.into_iter();
        let (first, why) = homes.next().expect("a home at least");
        let at = self.draft_at(shelf, first)?;
        for (other, why) in homes {
            let other = self.draft_at(shelf, other)?;
            self.unite(at, other, &why);
        }
        self.draft(at).join(record, hash, why);
        self.register(at);
        Ok(())
    }

    /// Takes in an abstract whose paper stands elsewhere; `false` where the paper is unknown.
    pub(super) fn add_abstract(
        &mut self,
        shelf: &dyn Shelf,
        id: &PaperId,
        text: String,
    ) -> Result<bool> {
        let Some(home) = self.home_of(shelf, id)? else {
            return Ok(false);
        };
        let hash = Paper::new(id.clone(), "", text.clone()).record_hash();
        if let Home::Shelf(key) = home
            && shelf.has_seen(key, hash)?
        {
            self.note_unchanged(id.clone());
            return Ok(true);
        }
        let at = self.draft_at(shelf, home)?;
        let draft = self.draft(at);
        let mut record = draft.source_of(id).clone();
        record.abstract_text = text;
        draft.join(record, hash, None);
        Ok(true)
    }

    /// Takes in that a source no longer has a paper.
    pub(super) fn delete(&mut self, shelf: &dyn Shelf, id: PaperId) -> Result<()> {
        let home = self.home_of(shelf, &id)?;
        let at = home.map(|home| self.draft_at(shelf, home)).transpose()?;
        if at.is_some_and(|at| self.drop_source(at, &id)) {
            self.counts.n_read += 1;
            self.counts.n_deleted += 1;
            self.decisions.push(Decision::Deleted { id });
        } else {
            self.note_unchanged(id);
        }
        Ok(())
    }

    /// Takes a source out of a draft, or the draft if it is its only one; whether it was there.
    fn drop_source(&mut self, at: usize, id: &PaperId) -> bool {
        let is_only =
            |draft: &mut Draft| draft.change.sources.is_empty() && draft.change.paper.id == *id;
        if let Some(gone) = self.drafts[at].take_if(is_only) {
            self.batch.removed.extend(gone.change.key);
            self.counts = self.counts.plus(&gone.counts);
            self.decisions.extend(gone.decisions);
            self.by_id.retain(|_, place| *place != at);
            self.by_key.retain(|_, place| *place != at);
            return true;
        }
        let draft = self.draft(at);
        let change = &mut draft.change;
        let n_before = change.sources.len();
        change.sources.retain(|source| source.paper.id != *id);
        if change.sources.len() == n_before {
            return false;
        }
        draft.is_touched = true;
        change.paper = folded(&change.sources);
        if change.sources.len() == 1 {
            change.sources.clear();
        }
        self.by_id.remove(id);
        true
    }

    /// The papers that a record belongs to by its ids, the surest first, and why; `None` where
    /// this very record has been taken in before.
    fn homes(
        &mut self,
        shelf: &dyn Shelf,
        record: &Paper,
        hash: TextHash,
    ) -> Result<Option<Vec<Claim>>> {
        let mut homes: Vec<Claim> = Vec::new();
        // The key of a BibTeX entry means something in its own file only.
        let others = record
            .aliases
            .iter()
            .filter(|id| id.kind() != Some(IdKind::BibKey));
        for id in std::iter::once(&record.id).chain(others) {
            let Some(home) = self.home_of(shelf, id)? else {
                continue;
            };
            let key = match home {
                Home::Shelf(key) => Some(key),
                Home::Draft(at) => self.drafts[at].as_ref().and_then(|draft| draft.change.key),
            };
            if let Some(key) = key
                && shelf.has_seen(key, hash)?
            {
                self.batch
                    .listings
                    .extend(record.listed.map(|date| (key, date)));
                self.batch
                    .votes
                    .extend(record.votes().map(|votes| (key, votes)));
                return Ok(None);
            }
            if homes.iter().any(|(other, _)| *other == home) {
                continue;
            }
            let at = self.draft_at(shelf, home)?;
            let draft = self.draft(at);
            let paper = &draft.change.paper;
            let is_own = *id == record.id && draft.has_source(id);
            let is_one_work = is_own
                || (may_share_id(record, paper) && !shelf.is_split(&record.id, &paper.id)?);
            if is_one_work && !homes.iter().any(|(other, _)| *other == Home::Draft(at)) {
                let why = (!is_own).then(|| Why::SharedId(id.clone()));
                homes.push((Home::Draft(at), why));
            }
        }
        Ok(Some(homes))
    }

    /// The paper of the same title, whose key is `title`, that is the same work.
    fn namesake(&mut self, shelf: &dyn Shelf, record: &Paper, title: i64) -> Result<Option<Claim>> {
        let here = self.by_title.get(&title).cloned().unwrap_or_default();
        for at in here {
            if let Some(draft) = &self.drafts[at]
                && let Some(why) = same_work(record, &draft.change.paper)
                && !shelf.is_split(&record.id, &draft.change.paper.id)?
            {
                return Ok(Some((Home::Draft(at), Some(why))));
            }
        }
        for key in shelf.with_title(title)? {
            if self.by_key.contains_key(&key) || self.is_gone(key) {
                continue;
            }
            let known = shelf.known(key)?;
            if let Some(why) = same_work(record, &known.paper)
                && !shelf.is_split(&record.id, &known.paper.id)?
            {
                return Ok(Some((Home::Shelf(key), Some(why))));
            }
        }
        Ok(None)
    }

    fn home_of(&self, shelf: &dyn Shelf, id: &PaperId) -> Result<Option<Home>> {
        if let Some(&at) = self.by_id.get(id) {
            return Ok(Some(Home::Draft(at)));
        }
        let key = shelf.key_of(id)?.filter(|key| !self.is_gone(*key));
        Ok(key.map(|key| match self.by_key.get(&key) {
            Some(&at) => Home::Draft(at),
            None => Home::Shelf(key),
        }))
    }

    fn is_gone(&self, key: PaperKey) -> bool {
        self.batch.removed.contains(&key)
    }

    /// The draft at the place of a home.
    fn draft(&mut self, at: usize) -> &mut Draft {
        let draft = self.drafts[at].as_mut();
        draft.expect("homes are drafts that are there")
    }

    fn note_unchanged(&mut self, id: PaperId) {
        self.counts.n_read += 1;
        self.counts.n_unchanged += 1;
        self.decisions.push(Decision::Unchanged { id });
    }

    /// The place of a home's draft, which is made where the home is on the shelf.
    fn draft_at(&mut self, shelf: &dyn Shelf, home: Home) -> Result<usize> {
        Ok(match home {
            Home::Draft(at) => at,
            Home::Shelf(key) => {
                let draft = Draft::of_known(shelf.known(key)?);
                let title = title_key(&draft.change.paper.title);
                self.push(draft, title)
            }
        })
    }

    /// Puts a draft with this title's key to the others.
    fn push(&mut self, draft: Draft, title: i64) -> usize {
        let at = self.drafts.len();
        self.by_key.extend(draft.change.key.map(|key| (key, at)));
        self.by_title.entry(title).or_default().push(at);
        self.drafts.push(Some(draft));
        self.register(at);
        at
    }

    /// Makes a draft's ids known.
    fn register(&mut self, at: usize) {
        let Some(draft) = &self.drafts[at] else {
            return;
        };
        let paper = &draft.change.paper;
        self.by_id.insert(paper.id.clone(), at);
        for id in &paper.aliases {
            self.by_id.entry(id.clone()).or_insert(at);
        }
    }

    /// Makes one paper of two.
    fn unite(&mut self, at: usize, other_at: usize, why: &Option<Why>) {
        let Some(other) = self.drafts[other_at].take() else {
            return;
        };
        for place in self.by_id.values_mut().chain(self.by_key.values_mut()) {
            if *place == other_at {
                *place = at;
            }
        }
        if let Some(draft) = &mut self.drafts[at] {
            draft.absorb(other, why);
        }
    }

    /// Gives a record whose id was made from its title another id, if the paper of this id has
    /// another text: two editorials of one author.
    fn tell_apart(&mut self, shelf: &dyn Shelf, record: &mut Paper) -> Result<()> {
        let Some(home) = self.home_of(shelf, &record.id)? else {
            return Ok(());
        };
        let is_other = match home {
            Home::Draft(at) => {
                let draft = self.drafts[at].as_ref();
                draft.is_some_and(|draft| is_other_text(record, draft.source_of(&record.id)))
            }
            Home::Shelf(key) if shelf.has_seen(key, record.record_hash())? => false,
            Home::Shelf(key) => {
                let draft = Draft::of_known(shelf.known(key)?);
                is_other_text(record, draft.source_of(&record.id))
            }
        };
        if is_other {
            record.id = PaperId::from_text(&record.title, &record.abstract_text);
        }
        Ok(())
    }
}

impl Draft {
    fn of_new(paper: Paper, hash: TextHash) -> Draft {
        let id = paper.id.clone();
        Draft {
            counts: Ingest {
                n_read: 1,
                n_stored: 1,
                ..Ingest::default()
            },
            decisions: vec![Decision::Stored { id }],
            embedded_at: None,
            is_touched: true,
            change: Change {
                key: None,
                record_hashes: vec![hash],
                forgets_earlier_records: false,
                listed: paper.listed.into_iter().collect(),
                sources: Vec::new(),
                absorbed: Vec::new(),
                paper,
                wants_embedding: false,
            },
        }
    }

    fn of_known(known: Known) -> Draft {
        Draft {
            counts: Ingest::default(),
            decisions: Vec::new(),
            embedded_at: known.embedded_at,
            is_touched: false,
            change: Change {
                key: Some(known.key),
                record_hashes: Vec::new(),
                forgets_earlier_records: false,
                listed: Vec::new(),
                sources: known.sources,
                absorbed: Vec::new(),
                paper: known.paper,
                wants_embedding: false,
            },
        }
    }

    /// The change, what its records count as, and what became of them.
    pub(super) fn into_parts(self) -> (Change, Ingest, Vec<Decision>) {
        (self.change, self.counts, self.decisions)
    }

    fn needs_embedding(&self) -> bool {
        let paper = &self.change.paper;
        let is_embedded = || {
            self.embedded_at
                .is_some_and(|hash| hash == paper.text_hash())
        };
        paper.notice != Some(Notice::Withdrawn) && !is_embedded()
    }

    fn has_source(&self, id: &PaperId) -> bool {
        self.source_of(id).id == *id
    }

    /// The record under this id, or the whole paper where none is.
    fn source_of(&self, id: &PaperId) -> &Paper {
        let sources = self.change.sources.iter();
        let mut own = sources.filter(|source| source.paper.id == *id);
        own.next()
            .map_or(&self.change.paper, |source| &source.paper)
    }

    /// Takes in another record of the same paper; `why` it is one, if it is under another id.
    fn join(&mut self, record: Paper, hash: TextHash, why: Option<Why>) {
        self.counts.n_read += 1;
        self.change.listed.extend(record.listed);
        let id = record.id.clone();
        if self.change.record_hashes.contains(&hash) {
            self.counts.n_unchanged += 1;
            self.decisions.push(Decision::Unchanged { id });
            return;
        }
        self.is_touched = true;
        self.change.record_hashes.push(hash);
        let change = &mut self.change;
        let mut sources = change.sources.iter_mut();
        if let Some(source) = sources.find(|source| source.paper.id == id) {
            source.paper = joined(source.paper.clone(), record);
            change.paper = folded(&change.sources);
        } else if change.paper.id == id && change.sources.is_empty() {
            change.paper = joined(change.paper.clone(), record);
        } else if let Some(why) = why {
            self.add_sources(vec![SourceRecord::new(record, why.to_string())]);
            self.counts.n_merged += 1;
            let into = self.change.paper.id.clone();
            self.decisions.push(Decision::Merged { id, into, why });
            return;
        }
        self.counts.n_changed += 1;
        let id = self.change.paper.id.clone();
        self.decisions.push(Decision::Changed { id });
    }

    /// Takes in a whole paper, with all that belongs to it.
    fn absorb(&mut self, other: Draft, why: &Option<Why>) {
        self.is_touched = true;
        let reason = why.as_ref().map_or(String::new(), Why::to_string);
        let mut sources = other.change.sources;
        match sources.first_mut() {
            Some(first) => first.why = reason,
            None => sources.push(SourceRecord::new(other.change.paper, reason)),
        }
        self.add_sources(sources);
        self.change.absorbed.extend(other.change.key);
        self.change.absorbed.extend(other.change.absorbed);
        self.change.record_hashes.extend(other.change.record_hashes);
        self.change.listed.extend(other.change.listed);
        self.counts = self.counts.plus(&other.counts);
        self.decisions.extend(other.decisions);
    }

    fn add_sources(&mut self, sources: Vec<SourceRecord>) {
        let change = &mut self.change;
        if change.sources.is_empty() {
            change
                .sources
                .push(SourceRecord::new(change.paper.clone(), String::new()));
        }
        change.sources.extend(sources);
        change.paper = folded(&change.sources);
    }
}

/// A stored record with one more record under the same id: the newer of the two speaks first.
fn joined(stored: Paper, record: Paper) -> Paper {
    let id = stored.id.clone();
    let mut paper = if record.is_older_than(&stored) {
        record.superseded_by(stored)
    } else {
        stored.superseded_by(record)
    };
    paper.id = id;
    paper
}

/// The paper that its sources make: the first speaks wherever it says something, the others
/// where those before are silent. Their ids are its aliases.
pub(super) fn folded(sources: &[SourceRecord]) -> Paper {
    let mut sources = sources.iter().map(|source| source.paper.clone());
    let first = sources.next().expect("a merged paper has sources");
    sources.fold(first, |paper, source| {
        let (id, other) = (paper.id.clone(), source.id.clone());
        let is_bare = paper.abstract_text.is_empty();
        let raw = if is_bare {
            source.raw.clone()
        } else {
            paper.raw.clone()
        };
        let mut paper = source.superseded_by(paper);
        paper.raw = raw;
        paper.id = id;
        if paper.id != other && !paper.aliases.contains(&other) {
            paper.aliases.push(other);
        }
        paper.aliases.retain(|alias| *alias != paper.id);
        paper
    })
}
