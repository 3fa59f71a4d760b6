//! Which papers a record belongs to, by its ids.
//!
//! In: a record, and the papers that are pending or stored. Out: [`Claims`]: the papers that it
//! belongs to and how, and those that only share an id with it. Also the id it gets if its own id
//! is another work's.
//!
//! Invariants: a record that was added is recognised again, under whichever work it was added. The
//! number of papers that one record is compared with is bounded.

use super::state::{Claims, KnownPapers, MAX_SOURCES, PendingBatch, Reading, Tied, is_split};
use crate::error::Result;
use crate::ingest::pending::{Tie, says_the_same};
use crate::ingest::same_work::{
    Why, has_its_text, is_newer_state, is_same_record, is_same_text, may_share_id,
};
use crate::library::SourceRecord;
use crate::paper::{Authority, Paper, PaperId, TextHash, title_key};

/// Works under one id that a record of that id is compared with.
const MAX_APART: usize = 32;

/// Circumstances of a record whose id others have too.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Meeting {
    /// The dump has had the id before.
    is_again: bool,
    /// The dump's collection has several works under it.
    is_ambiguous: bool,
}

/// The works that were kept apart under the id of a record.
struct Apart {
    /// Their places and ids.
    works: Vec<(usize, PaperId)>,
    /// The record's id if it is not one of them.
    free: PaperId,
    /// Whether one of them has the record's title.
    has_title: bool,
}

impl Apart {
    fn none(record: &Paper) -> Apart {
        Apart {
            works: Vec::new(),
            free: record.id.clone(),
            has_title: false,
        }
    }

    fn meeting(&self, is_again: bool) -> Meeting {
        Meeting {
            is_again,
            is_ambiguous: !self.works.is_empty(),
        }
    }
}

impl PendingBatch {
    /// What a record's ids say about the paper it belongs to.
    pub(super) fn claims(
        &mut self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        record: &Paper,
        hash: TextHash,
        is_again: bool,
    ) -> Result<Claims> {
        let mut holders: Vec<Tied> = Vec::new();
        let mut others = Vec::new();
        let mut apart = Apart::none(record);
        for id in std::iter::once(&record.id).chain(&record.aliases) {
            let Some(holder) = self.holder_of_claimed(papers, reading, id)? else {
                continue;
            };
            if self.has_seen(papers, holder, record, hash)? {
                self.met.push(id.clone());
                return Ok(Claims::Known);
            }
            // Several works may share its id, and it may be any of them.
            if *id == record.id {
                apart = match self.apart(papers, reading, record, hash)? {
                    Some(apart) => apart,
                    None => return Ok(Claims::Known),
                };
            }
            let at = self.pending_at(papers, holder)?;
            if others.contains(&at) || holders.iter().any(|(other, _)| *other == at) {
                continue;
            }
            let is_of_another =
                apart.has_title && !self.pending(at).has_title_of(&reading.collection, record);
            let tie = if is_of_another {
                None
            } else {
                self.tie(papers, reading, record, at, id, apart.meeting(is_again))?
            };
            match tie {
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
            let meeting = apart.meeting(is_again);
            kept_apart_as = Some(apart.free);
            for (at, id) in apart.works {
                if let Some(tie) = self.tie(papers, reading, record, at, &id, meeting)? {
                    // It may have been found by another id already.
                    if holders.iter().all(|(met, _)| *met != at) {
                        holders.push((at, tie));
                    }
                    kept_apart_as = Some(id);
                    break;
                }
            }
        }
        Ok(Claims::Open {
            holders,
            others,
            kept_apart_as,
        })
    }

    /// The works that were kept apart under a record's id; `None` if it was added as one of them.
    fn apart(
        &mut self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        record: &Paper,
        hash: TextHash,
    ) -> Result<Option<Apart>> {
        let (ids, free) = self.ids_apart(papers, reading, record, hash)?;
        let mut apart = Apart {
            works: Vec::new(),
            free,
            has_title: false,
        };
        for id in ids {
            let Some(holder) = self.holder_of(papers, &id)? else {
                continue;
            };
            if self.has_seen(papers, holder, record, hash)? {
                self.met.push(id);
                return Ok(None);
            }
            let at = self.pending_at(papers, holder)?;
            apart.has_title |= self.pending(at).has_title_of(&reading.collection, record);
            apart.works.push((at, id));
        }
        Ok(Some(apart))
    }

    /// The ids of the papers that were kept apart under a record's id, and the record's own if it
    /// is not one of them.
    fn ids_apart(
        &self,
        papers: &dyn KnownPapers,
        reading: &Reading,
        record: &Paper,
        hash: TextHash,
    ) -> Result<(Vec<PaperId>, PaperId)> {
        let bare = record.id.bare();
        let id_of = |name: &str| PaperId::local(&reading.collection.name, name);
        let mut apart = Vec::new();
        // Older libraries have higher numbers, which are still checked.
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
        // If an id says nothing, its records are distinguished by their content.
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
}
