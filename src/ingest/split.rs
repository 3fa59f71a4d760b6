//! Taking apart what was merged: a source becomes a paper of its own again, for good.

use super::drafts::folded;
use super::encoding::embed_whole;
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::index::IndexOptions;
use crate::library::{Batch, Change, Ingest, SourceRecord, Writer};
use crate::paper::{Notice, Paper, PaperId};
use crate::progress::Observer;
use crate::space::{self, Origin};

/// Takes the sources `ids` out of the paper `id`, each to be a paper of its own; the ids are never
/// merged with it again. Returns the papers that this makes, the remaining one first.
///
/// # Errors
/// [`Error::UnknownPaper`]; [`Error::NotASource`] if one of `ids` is none of its sources, or all
/// of them are; what [`Encoder::embed`], [`Writer::commit`] and
/// [`index::update`](crate::index::update) fail with.
pub fn split(
    writer: &mut Writer,
    (encoder, origin): (&Encoder, &Origin),
    id: &PaperId,
    ids: &[PaperId],
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Vec<Paper>> {
    space::adopt(writer, encoder, origin)?;
    let unknown = || Error::UnknownPaper { id: id.to_string() };
    let key = writer.lookup().key_of(id)?.ok_or_else(unknown)?;
    let known = writer.lookup().known(key)?;
    let is_taken = |source: &SourceRecord| ids.contains(&source.paper.id);
    let (taken, mut left): (Vec<_>, Vec<_>) = known.sources.into_iter().partition(is_taken);
    if taken.len() < ids.len() || left.is_empty() {
        let sources = taken
            .iter()
            .chain(&left)
            .map(|source| source.paper.id.to_string());
        return Err(Error::NotASource {
            id: known.paper.id.to_string(),
            sources: sources.collect(),
        });
    }
    let rest = folded(&left);
    if left.len() == 1 {
        left.clear();
    }
    let splits = taken
        .iter()
        .map(|source| (source.paper.id.clone(), rest.id.clone()));
    let mut batch = Batch {
        splits: splits.collect(),
        ..Batch::default()
    };
    let mut remaining = change_of(rest, left);
    remaining.key = Some(key);
    batch.changes.push(remaining);
    let own = taken
        .into_iter()
        .map(|source| change_of(source.paper, Vec::new()));
    batch.changes.extend(own);
    for change in &mut batch.changes {
        let is_stored = change.key.is_some() && known.embedded_at == Some(change.paper.text_hash());
        change.wants_embedding = !is_stored && change.paper.notice != Some(Notice::Withdrawn);
    }
    let vectors = embed_whole(encoder, &batch, observer)?;
    let run = writer.begin_ingest(&[format!("split {id}")])?;
    writer.commit(&batch, &vectors, (run, &Ingest::default()))?;
    writer.finish_ingest(run, &Ingest::default())?;
    super::build_index(writer, options, observer)?;
    Ok(batch
        .changes
        .into_iter()
        .map(|change| change.paper)
        .collect())
}

fn change_of(paper: Paper, sources: Vec<SourceRecord>) -> Change {
    Change {
        key: None,
        record_hashes: vec![paper.record_hash()],
        forgets_earlier_records: false,
        listed: Vec::new(),
        sources,
        absorbed: Vec::new(),
        paper,
        wants_embedding: false,
    }
}
