//! Finding a paper again that a record says was withdrawn: the user knows better.

use super::encoding::commit_whole;
use super::merging::merged;
use super::pending::{restored, withheld};
use crate::encoder::Encoder;
use crate::error::Result;
use crate::index::IndexOptions;
use crate::library::{Batch, Change, PaperKey, Writer};
use crate::paper::Paper;
use crate::progress::Observer;
use crate::space::{self, Origin};

/// Marks papers as not withdrawn, permanently: they are embedded and found, whatever their records
/// say from now on. Without a model they are left for a later run to embed. Returns the papers.
///
/// # Errors
/// What [`Encoder::embed`], [`Writer::commit`] and [`index::update`](crate::index::update) fail with.
pub fn restore(
    writer: &mut Writer,
    model: Option<(&Encoder, &Origin)>,
    keys: &[PaperKey],
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Vec<Paper>> {
    if let Some((encoder, origin)) = model {
        space::adopt(writer, encoder, origin)?;
    }
    let encoder = model.map(|(encoder, _)| encoder);
    let mut batch = Batch::default();
    for key in keys {
        let known = writer.lookup().known(*key)?;
        let paper = merged(&known.sources, &withheld(&known), &known.paper.id);
        let paper = restored(paper, true);
        batch.changes.push(Change {
            key: Some(*key),
            is_restored: true,
            wants_embedding: known.embedded_at != Some(paper.text_hash()),
            ..Change::new(paper, known.sources)
        });
    }
    let names: Vec<String> = batch
        .changes
        .iter()
        .map(|change| format!("restore {}", change.paper.id))
        .collect();
    commit_whole(writer, encoder, batch, &names, options, observer)
}
