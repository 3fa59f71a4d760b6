//! What a batch of records comes to, before anything is embedded: papers that are new, papers that
//! change, records that say nothing new, papers that are gone.
//!
//! In: the items of a dump, the [`Collection`] that they belong to, and a [`KnownPapers`] to look up what is
//! there already. Out: [`PendingBatch`], a paper each. This is where it is decided what a record *is*:
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

use super::pending::{Pending, Tie, is_of, says_the_same};
use super::same_work::{
    MAX_NAMESAKES, Traits, Why, has_its_text, is_newer_state, is_same_record, is_same_text,
    may_share_id, same_work,
};
use crate::error::Result;
use crate::library::{Batch, IngestCounts, KnownPaper, Lookup, PaperKey, SourceRecord};
use crate::paper::{Authority, Collection, Paper, PaperId, TextHash, title_key};

/// Works under one id that a record of that id is compared with.
const MAX_APART: usize = 32;

/// Records that one paper is made of: more are of no one work, and are kept apart.
const MAX_SOURCES: usize = 256;

/// Beyond, what was kept of stored papers is dropped.
const MAX_NAMESAKE_BYTES: usize = 64 << 20;

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

/// What is compared of papers that is stored.
#[derive(Default)]
struct NamesakeCache {
    traits: HashMap<PaperKey, Rc<Namesake>>,
    n_bytes: usize,
}

/// One of them.
struct Namesake {
    traits: Traits,
    n_sources: usize,
}

/// A paper that a record belongs to: one of the batch, or one that is stored untouched.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Holder {
    Pending(usize),
    Stored(PaperKey),
}

/// The place of a pending paper, and how a record belongs to it.
type Tied = (usize, Tie);

/// How a record comes to an id that others have.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Meeting {
    /// The dump has had the id before.
    is_again: bool,
    /// The dump's collection has several works under it.
    is_ambiguous: bool,
}

/// What the ids of a record say about where it belongs.
enum Claims {
    /// This very record has been taken in before.
    Known,
    /// The pending papers that it belongs to, the surest first, and those that it does not belong to though
    /// they have one of its ids.
    Open {
        holders: Vec<Tied>,
        others: Vec<usize>,
        /// Its own id is another work's: the id that it goes by instead.
        kept_apart_as: Option<PaperId>,
    },
}

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

    /// What the ids of a record say about where it belongs.
    fn claims(
        &mut self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        record: &Paper,
        hash: TextHash,
        is_again: bool,
    ) -> Result<Claims> {
        let mut holders: Vec<Tied> = Vec::new();
        let mut others = Vec::new();
        // Its id may be that of several works, and it may be any of them.
        let (apart, free) = match self.holder_of(papers, &record.id)? {
            Some(holder) if self.has_seen(papers, holder, record, hash)? => {
                self.met.push(record.id.clone());
                return Ok(Claims::Known);
            }
            Some(_) => self.kept_apart(papers, reading, record, hash)?,
            None => (Vec::new(), record.id.clone()),
        };
        let mut places_apart = Vec::new();
        let mut is_apart = false;
        for id in apart {
            let Some(holder) = self.holder_of(papers, &id)? else {
                continue;
            };
            if self.has_seen(papers, holder, record, hash)? {
                self.met.push(id);
                return Ok(Claims::Known);
            }
            let at = self.pending_at(papers, holder)?;
            is_apart |= self.pending(at).has_title_of(&reading.collection, record);
            places_apart.push((at, id));
        }
        let meeting = Meeting {
            is_again,
            is_ambiguous: !places_apart.is_empty(),
        };
        for id in std::iter::once(&record.id).chain(&record.aliases) {
            let Some(holder) = self.holder_of_claimed(papers, reading, id)? else {
                continue;
            };
            if self.has_seen(papers, holder, record, hash)? {
                self.met.push(id.clone());
                return Ok(Claims::Known);
            }
            let at = self.pending_at(papers, holder)?;
            if others.contains(&at) || holders.iter().any(|(other, _)| *other == at) {
                continue;
            }
            if is_apart && !self.pending(at).has_title_of(&reading.collection, record) {
                others.push(at);
                continue;
            }
            match self.tie(papers, reading, record, at, id, meeting)? {
                Some(tie) => holders.push((at, tie)),
                None => others.push(at),
            }
        }
        let is_taken = self
            .by_id
            .get(&record.id)
            .is_some_and(|at| others.contains(at));
        let mut kept_apart_as = None;
        if is_taken {
            let mut fitting = None;
            for (at, id) in places_apart {
                if let Some(tie) = self.tie(papers, reading, record, at, &id, meeting)? {
                    fitting = Some((at, tie, id));
                    break;
                }
            }
            kept_apart_as = Some(match fitting {
                Some((at, tie, id)) => {
                    // It may have been found by another id already.
                    if holders.iter().all(|(met, _)| *met != at) {
                        holders.push((at, tie));
                    }
                    id
                }
                None => free,
            });
        }
        Ok(Claims::Open {
            holders,
            others,
            kept_apart_as,
        })
    }

    /// The ids of the papers that were kept apart under a record's id, and the one that the record
    /// goes by if it is none of them.
    fn kept_apart(
        &self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        record: &Paper,
        hash: TextHash,
    ) -> Result<(Vec<PaperId>, PaperId)> {
        let bare = record.id.bare();
        let id_of = |name: &str| PaperId::local(&reading.collection.name, name);
        let mut apart = Vec::new();
        // Older libraries have numbers beyond, which are looked at still.
        for n in 1 + usize::from(record.id.is_local()).. {
            let id = match n {
                1 => id_of(bare),
                n => id_of(&format!("{bare}~{n}")),
            };
            if self.holder_of(papers, &id)?.is_some() {
                apart.push(id);
            } else if n <= MAX_APART {
                return Ok((apart, id));
            } else {
                break;
            }
        }
        // Where an id says nothing, its records are told apart by what they say.
        let own = id_of(&format!("{bare}~{hash}"));
        if self.holder_of(papers, &own)?.is_some() {
            apart.push(own.clone());
        }
        Ok((apart, own))
    }

    /// How a record belongs to a pending paper that has one of its ids; `None` if it does not.
    fn tie(
        &mut self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        record: &Paper,
        at: usize,
        id: &PaperId,
        meeting: Meeting,
    ) -> Result<Option<Tie>> {
        let Meeting { is_again, .. } = meeting;
        let collection = &reading.collection;
        let pending = self.pending(at);
        let own = pending.own_places(collection, record);
        if !own.is_empty() {
            let sources = &pending.change.sources;
            let fits = |place: &usize| {
                let earlier = &sources[*place];
                match () {
                    () if collection.is_feed || says_the_same(&earlier.paper, record) => true,
                    () if reading.is_mirrored && meeting == Meeting::default() => true,
                    () if record.id.is_made() => is_same_text(&earlier.paper, record),
                    // Whose collection is not known may be another's.
                    () if meeting != Meeting::default() || earlier.collection.is_empty() => {
                        let is_of_catalogue = collection.authority >= Authority::Catalogue;
                        is_same_record(&earlier.paper, record, is_of_catalogue)
                            || (!is_again && has_its_text(&earlier.paper, record))
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
            let Some(place) = fitting else {
                return Ok(None);
            };
            if collection.is_feed || !is_again {
                return Ok(Some(Tie::Newer(place)));
            }
            let is_one_more = !says_the_same(&sources[place].paper, record);
            let has_room = !is_one_more || sources.len() < MAX_SOURCES;
            return Ok(has_room.then_some(Tie::Also(Why::SameRecord)));
        }
        let is_full = pending.change.sources.len() >= MAX_SOURCES;
        if is_full || !may_share_id(record, &pending.change.paper) {
            return Ok(None);
        }
        let name = SourceRecord::name_of(&collection.name, &record.id);
        let is_split = is_split(papers, &name, &record.id, &pending.change.sources)?;
        Ok((!is_split).then(|| Tie::Also(Why::SharedId(id.clone()))))
    }

    /// Makes one paper of a pending one and of those with its title that are the same work, but for
    /// `others`, which have been found not to be.
    fn unite_namesakes(
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
            let (older, newer) = match age(at) < age(other) {
                true => (at, other),
                false => (other, at),
            };
            self.unite(older, newer, &why);
            at = older;
        }
        Ok(())
    }

    /// Another paper of a pending one's title that is the same work; none where more than
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
        let (own, sources) = (pending.traits(), &pending.change.sources);
        let here = self.by_title.get(&own.title).into_iter().flatten();
        let here = here.filter_map(|place| Some((*place, self.pending[*place].as_ref()?)));
        let is_other =
            |(place, other): &(usize, &Pending)| *place != at && other.traits().title == own.title;
        let here: Vec<(usize, &Pending)> = here.filter(is_other).take(MAX_NAMESAKES + 1).collect();
        // Some of those that are stored are pending by now, or gone.
        let n_passed_over = self.by_key.len() + self.batch.removed.len();
        let stored = match here.len() <= MAX_NAMESAKES {
            true => papers.with_title(own.title, MAX_NAMESAKES + 1 + n_passed_over)?,
            false => Vec::new(),
        };
        let stored = stored.into_iter();
        let stored: Vec<PaperKey> = stored
            .filter(|key| !self.by_key.contains_key(key) && !self.is_gone(*key))
            .collect();
        if here.len() + stored.len() > MAX_NAMESAKES {
            return Ok(None);
        }
        for (other, pending) in here {
            let n_sources = sources.len() + pending.change.sources.len();
            if !others.contains(&other)
                && n_sources <= MAX_SOURCES
                && let Some(why) = same_work(own, pending.traits())
                && !are_split(papers, sources, &pending.change.sources)?
            {
                return Ok(Some((Holder::Pending(other), why)));
            }
        }
        for key in stored {
            let other = self.stored_namesake(papers, key)?;
            if sources.len() + other.n_sources <= MAX_SOURCES
                && let Some(why) = same_work(own, &other.traits)
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
            traits: Traits::of(&known.paper),
            n_sources: known.sources.len(),
        });
        if namesakes.n_bytes > MAX_NAMESAKE_BYTES {
            *namesakes = NamesakeCache::default();
        }
        namesakes.n_bytes += traits.traits.size();
        namesakes.traits.insert(key, Rc::clone(&traits));
        Ok(traits)
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

    /// The place of an holder; a stored one becomes pending.
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

/// Whether any two sources were taken apart by hand.
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
