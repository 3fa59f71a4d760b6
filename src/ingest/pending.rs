//! One paper of a batch: the records that are its sources, and the paper that they make.
//!
//! In: a paper of the library, or a new record; records that were found to be of it
//! (`pending_batch.rs` decides which). Out: a [`Change`], with how each record counts and what
//! became of it.
//!
//! Invariants: only a source's own collection can drop it. The paper is always what `merging.rs`
//! makes of the sources.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::decision::Decision;
use super::merging::merged;
use super::same_work::{Traits, Why};
use crate::library::{Change, IngestCounts, KnownPaper, SourceRecord};
use crate::paper::{Collection, Notice, Paper, PaperId, TextHash, title_key};

/// One paper of a batch, as all records of the batch together make it.
pub(super) struct Pending {
    pub(super) change: Change,
    /// Ids that its sources have and that are those of other papers.
    pub(super) withheld: BTreeSet<PaperId>,
    /// Whether any record changes it: it may have been compared only.
    pub(super) is_touched: bool,
    /// What its records count as, once it is committed.
    pub(super) counts: IngestCounts,
    pub(super) decisions: Vec<Decision>,
    /// Made when it is first asked for.
    traits: OnceCell<Traits>,
}

/// How a record belongs to a paper.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tie {
    /// It is a newer state of the paper's source at this place.
    Newer(usize),
    /// It is another record of the same work.
    Also(Why),
}

impl Pending {
    pub(super) fn of_new(
        collection: &Collection,
        record: Paper,
        hash: TextHash,
        kept_apart_as: Option<PaperId>,
    ) -> Pending {
        let given = record.id.clone();
        let is_apart = kept_apart_as.is_some();
        let mut paper = record.clone();
        let decision = match kept_apart_as {
            Some(id) => {
                paper.id = id.clone();
                paper.aliases.retain(|alias| *alias != id);
                Decision::KeptApart {
                    id,
                    given: given.clone(),
                }
            }
            None => Decision::Stored { id: given.clone() },
        };
        Pending {
            counts: IngestCounts {
                n_read: 1,
                n_stored: 1,
                n_kept_apart: u64::from(is_apart),
                ..IngestCounts::default()
            },
            decisions: vec![decision],
            withheld: is_apart.then_some(given).into_iter().collect(),
            is_touched: true,
            traits: OnceCell::new(),
            change: Change {
                record_hashes: vec![hash],
                listed: record.listed.into_iter().collect(),
                ..Change::new(
                    paper,
                    vec![SourceRecord::new(collection, record, String::new())],
                )
            },
        }
    }

    pub(super) fn of_known(known: KnownPaper) -> Pending {
        Pending {
            counts: IngestCounts::default(),
            decisions: Vec::new(),
            withheld: withheld(&known),
            is_touched: false,
            traits: OnceCell::new(),
            change: Change {
                key: Some(known.key),
                is_restored: known.is_restored,
                ..Change::new(known.paper, known.sources)
            },
        }
    }

    /// The compared traits of the paper in its present state.
    pub(super) fn traits(&self) -> &Traits {
        self.traits.get_or_init(|| Traits::new(&self.change.paper))
    }

    /// The change, how its records count, and what became of them.
    pub(super) fn into_parts(self) -> (Change, IngestCounts, Vec<Decision>) {
        (self.change, self.counts, self.decisions)
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.change.paper.notice == Some(Notice::Withdrawn)
    }

    /// The places of the sources that are a collection's record under the id of `record`.
    pub(super) fn own_places(&self, collection: &Collection, record: &Paper) -> Vec<usize> {
        let is_own = |source: &SourceRecord| match source.collection.is_empty() {
            // Older libraries had ids without collections; for a public id only a feed counts.
            true if source.paper.id.as_str() == record.id.bare() && record.id.is_local() => true,
            true if source.paper.id == record.id && collection.is_feed => true,
            true => says_the_same(&source.paper, record),
            false => source.collection == collection.name && source.paper.id == record.id,
        };
        let sources = self.change.sources.iter().enumerate();
        let own = sources.filter(|(_, source)| is_own(source));
        own.map(|(place, _)| place).collect()
    }

    /// Whether a collection's record under the id of `record` has its title.
    pub(super) fn has_title_of(&self, collection: &Collection, record: &Paper) -> bool {
        let title = title_key(&record.title);
        let own = self.own_places(collection, record).into_iter();
        let mut titles = own.map(|place| title_key(&self.change.sources[place].paper.title));
        titles.any(|other| other == title)
    }

    /// The place of a collection's record under an id, or the first place if there is none.
    pub(super) fn place_of(&self, collection: &str, id: &PaperId) -> usize {
        let mut sources = self.change.sources.iter();
        let own = sources.position(|source| is_of(source, collection) && source.paper.id == *id);
        own.unwrap_or(0)
    }

    /// Takes in another record of the same paper, and how it belongs there.
    pub(super) fn add_record(
        &mut self,
        collection: &Collection,
        record: Paper,
        hash: TextHash,
        tie: Tie,
    ) {
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
        match tie {
            Tie::Newer(place) => {
                let source = &mut self.change.sources[place];
                let earlier = source.paper.clone();
                source.paper = superseded(earlier, record);
                source.collection.clone_from(&collection.name);
                source.authority = collection.authority;
                self.recompute();
                self.counts.n_changed += 1;
                let id = self.change.paper.id.clone();
                self.decisions.push(Decision::Changed { id });
            }
            Tie::Also(why) => {
                let source = SourceRecord::new(collection, record, why.to_string());
                let into = self.change.paper.id.clone();
                // Under one id the two are told apart by their collections.
                let id = if id == into { source.name() } else { id };
                self.change.sources.push(source);
                self.recompute();
                self.counts.n_merged += 1;
                self.decisions.push(Decision::Merged { id, into, why });
            }
        }
    }

    /// Takes in a whole paper, with all that belongs to it. What was to be stored is merged then.
    pub(super) fn absorb(&mut self, other: Pending, why: &Why) {
        self.is_touched = true;
        let mut counts = other.counts;
        if other.change.key.is_none() {
            counts.n_merged += counts.n_stored;
            (counts.n_stored, counts.n_kept_apart) = (0, 0);
        }
        let mut sources = other.change.sources;
        if let Some(first) = sources.first_mut() {
            first.why = why.to_string();
        }
        let is_new = |source: &SourceRecord| {
            let mut known = self.change.sources.iter();
            !known.any(|known| known.collection == source.collection && known.paper == source.paper)
        };
        let sources: Vec<SourceRecord> = sources.into_iter().filter(is_new).collect();
        self.change.sources.extend(sources);
        self.withheld.extend(other.withheld);
        for paper in [&self.change.paper, &other.change.paper] {
            self.withheld.remove(&paper.id);
            paper.aliases.iter().for_each(|id| {
                self.withheld.remove(id);
            });
        }
        self.change.absorbed.extend(other.change.key);
        self.change.absorbed.extend(other.change.absorbed);
        self.change.record_hashes.extend(other.change.record_hashes);
        self.change.listed.extend(other.change.listed);
        self.change.is_restored |= other.change.is_restored;
        let into = &self.change.paper.id.clone();
        self.recompute();
        self.counts = self.counts.plus(&counts);
        let decided = other.decisions.into_iter().map(|decision| match decision {
            Decision::Stored { id } | Decision::KeptApart { id, .. } => Decision::Merged {
                id,
                into: into.clone(),
                why: why.clone(),
            },
            other => other,
        });
        self.decisions.extend(decided);
    }

    /// Makes the paper of its sources.
    pub(super) fn recompute(&mut self) {
        let change = &mut self.change;
        let before = &change.paper;
        let mut paper = merged(&change.sources, &self.withheld, &before.id);
        // Votes are updated even if the record is otherwise unchanged.
        paper.upvotes = paper.upvotes.max(before.upvotes);
        paper.n_comments = paper.n_comments.max(before.n_comments);
        change.paper = restored(paper, change.is_restored);
        self.traits = OnceCell::new();
    }
}

/// The paper as the user sees it: one that was restored is not withdrawn.
pub(super) fn restored(mut paper: Paper, is_restored: bool) -> Paper {
    if is_restored && paper.notice == Some(Notice::Withdrawn) {
        paper.notice = None;
    }
    paper
}

/// The ids that a paper's sources have and the paper has not: they are those of other papers.
pub(super) fn withheld(known: &KnownPaper) -> BTreeSet<PaperId> {
    let paper = &known.paper;
    let ids = known.sources.iter().flat_map(|source| {
        let record = &source.paper;
        std::iter::once(&record.id).chain(&record.aliases)
    });
    let others = ids.filter(|id| **id != paper.id && !paper.aliases.contains(id));
    others.cloned().collect()
}

/// Merges a source's record with another one under the same id: the newer one takes precedence.
fn superseded(earlier: Paper, record: Paper) -> Paper {
    if record.is_older_than(&earlier) {
        let id = record.id.clone();
        let mut paper = record.superseded_by(earlier);
        paper.id = id;
        paper
    } else {
        earlier.superseded_by(record)
    }
}

/// Whether a source is of a collection, or of none that is known.
pub(super) fn is_of(source: &SourceRecord, collection: &str) -> bool {
    source.collection == collection || source.collection.is_empty()
}

/// Whether two records differ in their ids at most.
pub(super) fn says_the_same(a: &Paper, b: &Paper) -> bool {
    let said = |paper: &Paper| Paper {
        id: PaperId::local("", ""),
        aliases: Vec::new(),
        ..paper.clone()
    };
    a.title == b.title && said(a) == said(b)
}
