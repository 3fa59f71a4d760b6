//! Papers of a library that have no embedding, to embeddings.

use super::BATCH_RECORDS;
use super::encoding::embed_passages;
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::library::{PaperKey, Writer};
use crate::paper::Paper;
use crate::progress::{Observer, Stage};

/// Embeds every paper that wants an embedding in the writer's space and has none of its text as it is
/// now; how many those are. A paper whose record is damaged is left out. The index is not brought up.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop: what is embedded by then stays; as
/// [`Encoder::embed`] and [`Writer::store_embeddings`].
pub fn embed_missing(
    writer: &mut Writer,
    encoder: &Encoder,
    observer: &dyn Observer,
) -> Result<u64> {
    let missing = writer.unembedded()?;
    observer.begin(Stage::Embed, Some(missing.len() as u64));
    let mut n_embedded = 0;
    for keys in missing.chunks(BATCH_RECORDS) {
        let papers = keys
            .iter()
            .filter_map(|key| readable(writer, *key).transpose());
        let papers: Vec<(PaperKey, Paper)> = papers.collect::<Result<_>>()?;
        let passages = papers
            .iter()
            .map(|(_, paper)| encoder.recipe().passage_of(paper));
        let passages: Vec<String> = passages.collect();
        let vectors = embed_passages(encoder, &passages, observer)?;
        let hash = |(key, paper): &(PaperKey, Paper)| (*key, paper.text_hash());
        let stored: Vec<_> = papers.iter().map(hash).collect();
        writer.store_embeddings(&stored, &vectors)?;
        n_embedded += vectors.len() as u64;
    }
    observer.end();
    Ok(n_embedded)
}

/// A paper as it is; `None` where its record is damaged.
fn readable(writer: &Writer, key: PaperKey) -> Result<Option<(PaperKey, Paper)>> {
    match writer.lookup().known(key) {
        Ok(known) => Ok(Some((key, known.paper))),
        Err(Error::Damaged { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
