//! Papers of a library that have no embedding, to embeddings.

use std::thread;

use super::chunks::{batch_records, filling_bytes};
use super::encoding::{EncoderThreads, Length};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::library::{PaperKey, Writer};
use crate::paper::{Paper, TextHash};
use crate::progress::{Observer, Stage};

/// Embeds every paper that should have an embedding in the writer's space but has none of its
/// current text. Returns their number. A paper whose record is damaged is left out. The index is
/// not brought up.
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
    let n_embedded = thread::scope(|scope| {
        let encoding = EncoderThreads::start(scope, encoder, observer, Length::One);
        let mut waiting = None;
        let mut n_embedded = 0;
        let mut keys = missing.iter();
        while !keys.as_slice().is_empty() {
            let papers = next_batch(writer, &mut keys, batch_records(encoder))?;
            let recipe = encoder.recipe();
            let passages = papers.iter().map(|(_, paper)| recipe.passage_of(paper));
            encoding.send(passages.collect());
            let hash = |(key, paper): &(PaperKey, Paper)| (*key, paper.text_hash());
            let texts: Vec<(PaperKey, TextHash)> = papers.iter().map(hash).collect();
            if let Some(earlier) = waiting.replace(texts) {
                n_embedded += store(writer, &encoding, &earlier)?;
            }
        }
        if let Some(last) = waiting {
            n_embedded += store(writer, &encoding, &last)?;
        }
        Result::Ok(n_embedded)
    })?;
    observer.end();
    Ok(n_embedded)
}

/// The papers of the next `n_papers` keys, or of fewer if they are long.
fn next_batch(
    writer: &Writer,
    keys: &mut std::slice::Iter<'_, PaperKey>,
    n_papers: usize,
) -> Result<Vec<(PaperKey, Paper)>> {
    let mut papers: Vec<(PaperKey, Paper)> = Vec::new();
    let (mut n_bytes, full) = (0, filling_bytes(n_papers));
    for key in keys.by_ref() {
        if let Some((key, paper)) = readable(writer, *key)? {
            n_bytes += paper.n_bytes();
            papers.push((key, paper));
        }
        if papers.len() == n_papers || n_bytes >= full {
            break;
        }
    }
    Ok(papers)
}

/// Stores the embeddings of the earliest batch that is being embedded; returns their number.
fn store(
    writer: &mut Writer,
    encoding: &EncoderThreads,
    texts: &[(PaperKey, TextHash)],
) -> Result<u64> {
    let (embedded, _) = encoding.receive()?;
    let vectors: Option<Vec<_>> = embedded.vectors.into_iter().collect();
    let vectors = vectors.ok_or(Error::Interrupted)?;
    writer.store_embeddings(texts, &vectors)?;
    Ok(vectors.len() as u64)
}

/// A paper; `None` if its record is damaged.
fn readable(writer: &Writer, key: PaperKey) -> Result<Option<(PaperKey, Paper)>> {
    match writer.lookup().known(key) {
        Ok(known) => Ok(Some((key, known.paper))),
        Err(Error::Damaged { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
