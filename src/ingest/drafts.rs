//! What a batch of records comes to, before anything is embedded: papers that are new, papers that
//! change, records that say nothing new, papers that are gone.
//!
//! In: the items of a dump, the [`Collection`] that they belong to, and a [`Shelf`] to look up what is
//! there already. Out: [`Drafts`], a paper each. This is where it is decided what a record *is*:
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

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

use super::draft::{Draft, Tie, is_of, says_the_same};
use super::same_work::{
    MAX_NAMESAKES, Traits, Why, is_newer_state, is_same_record, is_same_text, may_share_id,
    same_work,
};
use crate::error::Result;
use crate::library::{Batch, Ingest, Known, Lookup, PaperKey, SourceRecord};
use crate::paper::{Authority, Collection, Paper, PaperId, TextHash, title_key};

/// Works under one id that a record of that id is compared with.
const MAX_APART: usize = 32;

/// Beyond, what was kept of papers on the shelf is dropped.
const MAX_SHELVED_BYTES: usize = 64 << 20;

/// Where papers are looked up.
pub(super) trait Shelf {
    fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>>;
    fn has_seen(&self, key: PaperKey, record_hash: TextHash) -> Result<bool>;
    /// At most `n` papers of a title, the oldest first.
    fn with_title(&self, title_key: i64, n: usize) -> Result<Vec<PaperKey>>;
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

    fn with_title(&self, title_key: i64, n: usize) -> Result<Vec<PaperKey>> {
        self.with_title(title_key, n)
    }

    fn is_split(&self, one: &PaperId, other: &PaperId) -> Result<bool> {
        self.is_split(one, other)
    }

    fn known(&self, key: PaperKey) -> Result<Known> {
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
pub(super) struct Drafts {
    /// `None` where a draft became part of another.
    drafts: Vec<Option<Draft>>,
    by_id: HashMap<PaperId, usize>,
    by_key: HashMap<PaperKey, usize>,
    by_title: HashMap<i64, Vec<usize>>,
    /// What is compared of papers on the shelf that share a title with drafts.
    shelved: RefCell<Shelved>,
    /// Without changes.
    pub(super) batch: Batch,
    /// What items count as that belong to no draft.
    pub(super) counts: Ingest,
    pub(super) decisions: Vec<Decision>,
    /// An id of each paper that a record was found to be of.
    pub(super) met: Vec<PaperId>,
}

/// What is compared of papers that lie on the shelf.
#[derive(Default)]
struct Shelved {
    traits: HashMap<PaperKey, Rc<Traits>>,
    n_bytes: usize,
}

/// A paper that a record belongs to: one of the batch, or one that lies on the shelf untouched.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Home {
    Draft(usize),
    Shelf(PaperKey),
}

/// The place of a draft, and how a record belongs to it.
type Tied = (usize, Tie);

/// What the ids of a record say about where it belongs.
enum Claims {
    /// This very record has been taken in before.
    Known,
    /// The drafts that it belongs to, the surest first, and those that it does not belong to though
    /// they have one of its ids.
    Open {
        homes: Vec<Tied>,
        others: Vec<usize>,
        /// Its own id is another work's: the id that it goes by instead.
        kept_apart_as: Option<PaperId>,
    },
}

impl Drafts {
    /// The papers, to be embedded and committed.
    pub(super) fn take(&mut self) -> Vec<Draft> {
        let drafts = std::mem::take(&mut self.drafts).into_iter().flatten();
        let mut taken: Vec<Draft> = drafts.filter(|draft| draft.is_touched).collect();
        for draft in &mut taken {
            draft.change.wants_embedding = draft.needs_embedding();
            draft.counts.n_withdrawn += u64::from(draft.is_withdrawn());
        }
        taken
    }

    /// Takes in a paper's record.
    pub(super) fn add(
        &mut self,
        shelf: &dyn Shelf,
        reading: &mut Reading,
        mut record: Paper,
    ) -> Result<()> {
        let hash = record.record_hash();
        let is_again = reading.meets_again(&record.id);
        let (homes, others, kept_apart_as) =
            match self.claims(shelf, reading, &record, hash, is_again)? {
                Claims::Known => {
                    self.note_unchanged(record.id);
                    return Ok(());
                }
                Claims::Open {
                    homes,
                    others,
                    kept_apart_as,
                } => (homes, others, kept_apart_as),
            };
        // What it goes by instead finds it again, whichever paper it becomes part of.
        let apart = kept_apart_as
            .iter()
            .filter(|id| !record.aliases.contains(id));
        let apart: Vec<PaperId> = apart.cloned().collect();
        record.aliases.extend(apart);
        let at = match homes.split_first() {
            None => {
                let draft = Draft::of_new(&reading.collection, record, hash, kept_apart_as);
                self.push(draft)
            }
            Some(((first, tie), more)) => {
                for (other, tie) in more {
                    if let Tie::Also(why) = tie {
                        self.unite(*first, *other, why);
                    }
                }
                let draft = self.draft(*first);
                draft
                    .withheld
                    .extend(kept_apart_as.map(|_| record.id.clone()));
                draft.join(&reading.collection, record, hash, tie.clone());
                self.register(*first);
                *first
            }
        };
        let met = self.draft(at).change.paper.id.clone();
        self.met.push(met);
        self.join_namesakes(shelf, at, &others)
    }

    /// Takes in an abstract whose paper stands elsewhere; `false` where the paper is unknown.
    pub(super) fn add_abstract(
        &mut self,
        shelf: &dyn Shelf,
        reading: &Reading,
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
        let place = draft.place_of(&reading.collection.name, id);
        let mut record = draft.change.sources[place].paper.clone();
        record.abstract_text = text;
        draft.join(&reading.collection, record, hash, Tie::Newer(place));
        Ok(true)
    }

    /// Takes in that a source no longer has a paper.
    pub(super) fn delete(
        &mut self,
        shelf: &dyn Shelf,
        reading: &Reading,
        id: PaperId,
    ) -> Result<()> {
        let home = self.home_of(shelf, &id)?;
        let at = home.map(|home| self.draft_at(shelf, home)).transpose()?;
        if at.is_some_and(|at| self.drop_source(at, &reading.collection.name, &id)) {
            self.counts.n_read += 1;
            self.counts.n_deleted += 1;
            self.decisions.push(Decision::Deleted { id });
        } else {
            self.note_unchanged(id);
        }
        Ok(())
    }

    /// Takes a collection's record out of a draft, or the draft if it is its only one; whether it was
    /// there.
    fn drop_source(&mut self, at: usize, collection: &str, id: &PaperId) -> bool {
        let draft = self.draft(at);
        let is_gone = |source: &SourceRecord| is_of(source, collection) && source.paper.id == *id;
        let n_before = draft.change.sources.len();
        let n_gone = draft.change.sources.iter().filter(|s| is_gone(s)).count();
        if n_gone == 0 {
            return false;
        }
        if n_gone == n_before {
            let gone = self.drafts[at].take().expect("a draft that was looked at");
            self.batch.removed.extend(gone.change.key);
            self.counts = self.counts.plus(&gone.counts);
            self.decisions.extend(gone.decisions);
            self.by_id.retain(|_, place| *place != at);
            self.by_key.retain(|_, place| *place != at);
            return true;
        }
        draft.change.sources.retain(|source| !is_gone(source));
        draft.is_touched = true;
        draft.merge();
        self.by_id.retain(|_, place| *place != at);
        self.register(at);
        true
    }

    /// What the ids of a record say about where it belongs.
    fn claims(
        &mut self,
        shelf: &dyn Shelf,
        reading: &Reading,
        record: &Paper,
        hash: TextHash,
        is_again: bool,
    ) -> Result<Claims> {
        let mut homes: Vec<Tied> = Vec::new();
        let mut others = Vec::new();
        for id in std::iter::once(&record.id).chain(&record.aliases) {
            let Some(home) = self.home_of_claimed(shelf, reading, id)? else {
                continue;
            };
            if self.has_seen(shelf, home, record, hash)? {
                self.met.push(id.clone());
                return Ok(Claims::Known);
            }
            let at = self.draft_at(shelf, home)?;
            if others.contains(&at) || homes.iter().any(|(other, _)| *other == at) {
                continue;
            }
            match self.tie(shelf, reading, record, at, id, is_again)? {
                Some(tie) => homes.push((at, tie)),
                None => others.push(at),
            }
        }
        let is_taken = self
            .by_id
            .get(&record.id)
            .is_some_and(|at| others.contains(at));
        let mut kept_apart_as = None;
        if is_taken {
            let Some((home, id)) = self.apart(shelf, reading, record, hash, is_again)? else {
                return Ok(Claims::Known);
            };
            // It may have been found by another id already.
            let is_new = |(at, _): &Tied| homes.iter().all(|(met, _)| met != at);
            homes.extend(home.filter(is_new).into_iter().collect::<Vec<_>>());
            kept_apart_as = Some(id);
        }
        Ok(Claims::Open {
            homes,
            others,
            kept_apart_as,
        })
    }

    /// Where a record belongs whose id is another work's: the paper that it was kept apart as, if there
    /// is one, and the id that it goes by. `None` where this very record has been taken in before.
    fn apart(
        &mut self,
        shelf: &dyn Shelf,
        reading: &Reading,
        record: &Paper,
        hash: TextHash,
        is_again: bool,
    ) -> Result<Option<(Option<Tied>, PaperId)>> {
        let bare = record.id.bare();
        let id_of = |name: &str| PaperId::local(&reading.collection.name, name);
        let mut n = 1 + usize::from(record.id.is_local());
        // Where an id says nothing, its records are told apart by what they say.
        let mut is_hashed = false;
        loop {
            let id = match (is_hashed, n) {
                (true, 1) => id_of(&format!("{bare}~{hash}")),
                (true, n) => id_of(&format!("{bare}~{hash}~{n}")),
                (false, 1) => id_of(bare),
                (false, n) => id_of(&format!("{bare}~{n}")),
            };
            let Some(home) = self.home_of(shelf, &id)? else {
                // Older libraries have numbers beyond, which are looked at still.
                if n > MAX_APART && !is_hashed {
                    (n, is_hashed) = (1, true);
                    continue;
                }
                return Ok(Some((None, id)));
            };
            if self.has_seen(shelf, home, record, hash)? {
                self.met.push(id);
                return Ok(None);
            }
            let at = self.draft_at(shelf, home)?;
            if let Some(tie) = self.tie(shelf, reading, record, at, &id, is_again)? {
                return Ok(Some((Some((at, tie)), id)));
            }
            n += 1;
        }
    }

    /// How a record belongs to a draft that has one of its ids; `None` if it does not.
    fn tie(
        &mut self,
        shelf: &dyn Shelf,
        reading: &Reading,
        record: &Paper,
        at: usize,
        id: &PaperId,
        is_again: bool,
    ) -> Result<Option<Tie>> {
        let collection = &reading.collection;
        let draft = self.draft(at);
        let own = draft.own_places(collection, record);
        if !own.is_empty() {
            let sources = &draft.change.sources;
            let fits = |place: &usize| {
                let earlier = &sources[*place];
                match () {
                    () if collection.is_feed || says_the_same(&earlier.paper, record) => true,
                    () if reading.is_mirrored && !is_again => true,
                    () if record.id.is_made() => is_same_text(&earlier.paper, record),
                    // Whose collection is not known may be another's.
                    () if is_again || earlier.collection.is_empty() => {
                        let is_of_catalogue = collection.authority >= Authority::Catalogue;
                        is_same_record(&earlier.paper, record, is_of_catalogue)
                    }
                    () => is_newer_state(&earlier.paper, record),
                }
            };
            let title = title_key(&record.title);
            let has_title = |place: &usize| title_key(&sources[*place].paper.title) == title;
            let fitting = match own.iter().copied().find(|at| has_title(at) && fits(at)) {
                Some(place) => Some(place),
                None => own.into_iter().find(fits),
            };
            let is_newer = collection.is_feed || !is_again;
            return Ok(fitting.map(|place| match is_newer {
                true => Tie::Newer(place),
                false => Tie::Also(Why::SameRecord),
            }));
        }
        if !may_share_id(record, &draft.change.paper) {
            return Ok(None);
        }
        let name = SourceRecord::name_of(&collection.name, &record.id);
        let is_split = is_split(shelf, &name, &record.id, &draft.change.sources)?;
        Ok((!is_split).then(|| Tie::Also(Why::SharedId(id.clone()))))
    }

    /// Makes one paper of a draft and of those with its title that are the same work, but for
    /// `others`, which have been found not to be.
    fn join_namesakes(&mut self, shelf: &dyn Shelf, mut at: usize, others: &[usize]) -> Result<()> {
        while let Some((namesake, why)) = self.namesake(shelf, at, others)? {
            let other = self.draft_at(shelf, namesake)?;
            // The older paper keeps its key.
            let mut age = |at: usize| {
                let key = self.draft(at).change.key;
                (key.is_none(), key, at)
            };
            let (older, newer) = match age(at) < age(other) {
                true => (at, other),
                false => (other, at),
            };
            self.unite(older, newer, &why);
            at = older;
        }
        Ok(())
    }

    /// Another paper of a draft's title that is the same work; none where more than
    /// [`MAX_NAMESAKES`] have the title.
    fn namesake(
        &self,
        shelf: &dyn Shelf,
        at: usize,
        others: &[usize],
    ) -> Result<Option<(Home, Why)>> {
        let Some(draft) = &self.drafts[at] else {
            return Ok(None);
        };
        let (own, sources) = (draft.traits(), &draft.change.sources);
        let here = self.by_title.get(&own.title).into_iter().flatten();
        let here = here.filter_map(|place| Some((*place, self.drafts[*place].as_ref()?)));
        let is_other =
            |(place, other): &(usize, &Draft)| *place != at && other.traits().title == own.title;
        let here: Vec<(usize, &Draft)> = here.filter(is_other).take(MAX_NAMESAKES + 1).collect();
        // Some of those on the shelf are drafts by now, or gone.
        let n_passed_over = self.by_key.len() + self.batch.removed.len();
        let on_shelf = match here.len() <= MAX_NAMESAKES {
            true => shelf.with_title(own.title, MAX_NAMESAKES + 1 + n_passed_over)?,
            false => Vec::new(),
        };
        let on_shelf = on_shelf.into_iter();
        let on_shelf: Vec<PaperKey> = on_shelf
            .filter(|key| !self.by_key.contains_key(key) && !self.is_gone(*key))
            .collect();
        if here.len() + on_shelf.len() > MAX_NAMESAKES {
            return Ok(None);
        }
        for (other, draft) in here {
            if !others.contains(&other)
                && let Some(why) = same_work(own, draft.traits())
                && !are_split(shelf, sources, &draft.change.sources)?
            {
                return Ok(Some((Home::Draft(other), why)));
            }
        }
        for key in on_shelf {
            if let Some(why) = same_work(own, &*self.shelved(shelf, key)?)
                && !are_split(shelf, sources, &shelf.known(key)?.sources)?
            {
                return Ok(Some((Home::Shelf(key), why)));
            }
        }
        Ok(None)
    }

    /// What is compared of a paper on the shelf.
    fn shelved(&self, shelf: &dyn Shelf, key: PaperKey) -> Result<Rc<Traits>> {
        let mut shelved = self.shelved.borrow_mut();
        if let Some(traits) = shelved.traits.get(&key) {
            return Ok(Rc::clone(traits));
        }
        let traits = Rc::new(Traits::of(&shelf.known(key)?.paper));
        if shelved.n_bytes > MAX_SHELVED_BYTES {
            *shelved = Shelved::default();
        }
        shelved.n_bytes += traits.size();
        shelved.traits.insert(key, Rc::clone(&traits));
        Ok(traits)
    }

    /// The paper that has an id, or, in a library that an older akin made, that had it before ids
    /// belonged to collections.
    fn home_of_claimed(
        &self,
        shelf: &dyn Shelf,
        reading: &Reading,
        id: &PaperId,
    ) -> Result<Option<Home>> {
        let home = self.home_of(shelf, id)?;
        if home.is_some() || !reading.may_claim || !id.is_local() {
            return Ok(home);
        }
        for older in [id.bare().to_owned(), format!("bibtex:{}", id.bare())] {
            let home = self.home_of(shelf, &PaperId::from_stored(&older))?;
            if home.is_some() {
                return Ok(home);
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

    /// Whether a record has been taken in for a paper; its day and its votes are noted then.
    fn has_seen(
        &mut self,
        shelf: &dyn Shelf,
        home: Home,
        record: &Paper,
        hash: TextHash,
    ) -> Result<bool> {
        let key = match home {
            Home::Shelf(key) => Some(key),
            Home::Draft(at) => self.drafts[at].as_ref().and_then(|draft| draft.change.key),
        };
        let Some(key) = key else {
            return Ok(false);
        };
        if !shelf.has_seen(key, hash)? {
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
            Home::Shelf(key) => self.push(Draft::of_known(shelf.known(key)?)),
        })
    }

    /// Puts a draft to the others.
    fn push(&mut self, draft: Draft) -> usize {
        let at = self.drafts.len();
        self.by_key.extend(draft.change.key.map(|key| (key, at)));
        self.drafts.push(Some(draft));
        self.register(at);
        at
    }

    /// Makes a draft's ids and its title known.
    fn register(&mut self, at: usize) {
        let Some(draft) = &self.drafts[at] else {
            return;
        };
        let paper = &draft.change.paper;
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
        if at == other_at {
            return;
        }
        let Some(other) = self.drafts[other_at].take() else {
            return;
        };
        self.move_places(other_at, at);
        self.draft(at).absorb(other, why);
        self.register(at);
    }

    /// Makes the ids of one draft those of another.
    fn move_places(&mut self, from: usize, to: usize) {
        for place in self.by_id.values_mut().chain(self.by_key.values_mut()) {
            if *place == from {
                *place = to;
            }
        }
    }
}

/// Whether any two sources were taken apart by hand.
fn are_split(shelf: &dyn Shelf, one: &[SourceRecord], other: &[SourceRecord]) -> Result<bool> {
    for source in one {
        if is_split(shelf, &source.name(), &source.paper.id, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a record of this name and id was taken apart by hand from any of the sources.
fn is_split(
    shelf: &dyn Shelf,
    name: &PaperId,
    id: &PaperId,
    sources: &[SourceRecord],
) -> Result<bool> {
    for source in sources {
        let is_named = shelf.is_split(name, &source.name())?;
        if is_named || shelf.is_split(id, &source.paper.id)? {
            return Ok(true);
        }
    }
    Ok(false)
}
