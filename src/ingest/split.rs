//! Taking merged records apart: a source becomes a paper of its own again, permanently.

use std::collections::BTreeSet;

use super::encoding::commit_whole;
use super::merging::merged;
use super::pending::{restored, withheld};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::index::IndexOptions;
use crate::library::{Batch, Change, KnownPaper, PaperKey, SourceRecord, Writer};
use crate::paper::{Notice, Paper, PaperId};
use crate::progress::Observer;
use crate::space::{self, Origin};

/// Takes the sources `names` out of a paper, so that each becomes a paper of its own; they are
/// never merged with it again. Returns the papers that this makes, the remaining one first.
/// Without a model they are left for a later run to embed.
///
/// A source is named by its place in [`Lookup::known`](crate::library::Lookup::known), from 1 on.
/// It can also be named by its collection, as `COLLECTION#ID`, or by its id if no other source has
/// it.
///
/// # Errors
/// [`Error::UnknownPaper`]; [`Error::NotASource`] if one of `names` is not a source, or all of them
/// are named; what [`Encoder::embed`], [`Writer::commit`] and
/// [`index::update`](crate::index::update) fail with.
pub fn split(
    writer: &mut Writer,
    model: Option<(&Encoder, &Origin)>,
    key: PaperKey,
    names: &[String],
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Vec<Paper>> {
    if let Some((encoder, origin)) = model {
        space::adopt(writer, encoder, origin)?;
    }
    let encoder = model.map(|(encoder, _)| encoder);
    let known = writer.lookup().known(key)?;
    let taken = places_of(&known, names)?;
    let id = known.paper.id.clone();
    let withheld = withheld(&known);
    let embedded_at = known.embedded_at;
    let (taken, left): (Vec<_>, Vec<_>) = known
        .sources
        .into_iter()
        .enumerate()
        .partition(|(place, _)| taken.contains(place));
    let (mut taken, mut left): (Vec<_>, Vec<_>) = (sources(taken), sources(left));
    // What begins a paper was merged with nothing.
    taken
        .iter_mut()
        .chain(left.first_mut())
        .for_each(|source| source.why.clear());
    let mut batch = Batch::default();
    for source in &taken {
        let apart = left.iter().map(|other| (source.name(), other.name()));
        batch.splits.extend(apart);
    }
    let rest = restored(
        merged(&left, &withheld, &left[0].paper.id),
        known.is_restored,
    );
    let rest_id = rest.id.clone();
    let mut used: BTreeSet<PaperId> = ids_of(&rest).cloned().collect();
    let mut remaining = change_of(rest, left);
    remaining.key = Some(key);
    remaining.is_restored = known.is_restored;
    batch.changes.push(remaining);
    for source in taken {
        let paper = of_its_own(writer, &source, &used, &id)?;
        // Answers fold papers of one title, unless they were split.
        batch.splits.push((paper.id.clone(), rest_id.clone()));
        used.extend(ids_of(&paper).cloned());
        batch.changes.push(change_of(paper, vec![source]));
    }
    for change in &mut batch.changes {
        let is_stored = change.key.is_some() && embedded_at == Some(change.paper.text_hash());
        change.wants_embedding = !is_stored && change.paper.notice != Some(Notice::Withdrawn);
    }
    let name = format!("split {id}");
    commit_whole(writer, encoder, batch, &[name], options, observer)
}

fn sources(placed: Vec<(usize, SourceRecord)>) -> Vec<SourceRecord> {
    placed.into_iter().map(|(_, source)| source).collect()
}

fn ids_of(paper: &Paper) -> impl Iterator<Item = &PaperId> {
    std::iter::once(&paper.id).chain(&paper.aliases)
}

/// The places of the sources that are named.
fn places_of(known: &KnownPaper, names: &[String]) -> Result<BTreeSet<usize>> {
    let mut places = BTreeSet::new();
    for name in names {
        let spelt = PaperId::parse(name);
        let named = |source: &SourceRecord| {
            let id = &source.paper.id;
            *name == source.collection
                || *name == source.name().qualified()
                || *name == id.bare()
                || spelt.as_ref() == Some(id)
        };
        let sources = known.sources.iter().enumerate();
        let found: Vec<usize> = sources
            .filter(|(_, source)| named(source))
            .map(|(place, _)| place)
            .collect();
        let by_number = name
            .parse()
            .ok()
            .filter(|n| (1..=known.sources.len()).contains(n));
        match (&found[..], by_number) {
            ([place], _) => places.insert(*place),
            ([], Some(number)) => places.insert(number - 1),
            _ => return Err(not_a_source(known)),
        };
    }
    if places.len() < known.sources.len() {
        Ok(places)
    } else {
        Err(not_a_source(known))
    }
}

fn not_a_source(known: &KnownPaper) -> Error {
    let sources = known.sources.iter();
    Error::NotASource {
        id: known.paper.id.to_string(),
        sources: sources
            .map(|source| source.name().qualified().to_owned())
            .collect(),
    }
}

/// The paper that a source makes alone, next to those that have the ids `used`.
fn of_its_own(
    writer: &Writer,
    source: &SourceRecord,
    used: &BTreeSet<PaperId>,
    from: &PaperId,
) -> Result<Paper> {
    let mut paper = source.paper.clone();
    let is_other = |id: &PaperId| -> Result<bool> {
        let before = writer.lookup().key_of(from)?;
        let holder = writer.lookup().key_of(id)?;
        Ok(used.contains(id) || (holder.is_some() && holder != before))
    };
    let bare = paper.id.bare().to_owned();
    let mut n = 1;
    while is_other(&paper.id)? {
        let local = match n {
            1 => bare.clone(),
            _ => format!("{bare}~{n}"),
        };
        paper.id = PaperId::local(&source.collection, &local);
        n += 1;
    }
    let id = paper.id.clone();
    paper
        .aliases
        .retain(|alias| !used.contains(alias) && *alias != id);
    Ok(paper)
}

fn change_of(paper: Paper, sources: Vec<SourceRecord>) -> Change {
    let records = sources.iter().map(|source| source.paper.record_hash());
    Change {
        record_hashes: records.collect(),
        ..Change::new(paper, sources)
    }
}
