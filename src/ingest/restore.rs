//! Finding a paper again that a record says was withdrawn: the user knows better.

use super::drafts::{restored, withheld};
use super::encoding::embed_whole;
use super::merging::merged;
use crate::encoder::Encoder;
use crate::error::Result;
use crate::index::IndexOptions;
use crate::library::{Batch, Change, Ingest, PaperKey, Writer};
use crate::paper::Paper;
use crate::progress::Observer;
use crate::space::{self, Origin};

/// Takes papers for not withdrawn, for good: they are embedded and found, whatever their records say
/// from now on. Returns the papers.
///
/// # Errors
/// What [`Encoder::embed`], [`Writer::commit`] and [`index::update`](crate::index::update) fail with.
pub fn restore(
    writer: &mut Writer,
    (encoder, origin): (&Encoder, &Origin),
    keys: &[PaperKey],
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Vec<Paper>> {
    space::adopt(writer, encoder, origin)?;
    let mut batch = Batch::default();
    for key in keys {
        let known = writer.lookup().known(*key)?;
        let paper = merged(&known.sources, &withheld(&known), &known.paper.id);
        let paper = restored(paper, true);
        batch.changes.push(Change {
            key: Some(*key),
            record_hashes: Vec::new(),
            forgets_earlier_records: false,
            listed: Vec::new(),
            sources: known.sources,
            is_restored: true,
            absorbed: Vec::new(),
            wants_embedding: known.embedded_at != Some(paper.text_hash()),
            paper,
        });
    }
    let vectors = embed_whole(encoder, &batch, observer)?;
    let names: Vec<String> = batch
        .changes
        .iter()
        .map(|change| format!("restore {}", change.paper.id))
        .collect();
    let run = writer.begin_ingest(&names)?;
    writer.commit(&batch, &vectors, (run, &Ingest::default()))?;
    writer.finish_ingest(run, &Ingest::default())?;
    super::build_index(writer, options, observer)?;
    let changes = batch.changes.into_iter();
    Ok(changes.map(|change| change.paper).collect())
}
