//! Papers of a library that have no embedding, to embeddings.

use std::thread;

use tracing::debug;

use super::chunks::{batch_records, filling_bytes};
use super::encoding::{Effort, EncoderThreads, Length};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::library::{PaperKey, Writer};
use crate::paper::{Paper, TextHash};
use crate::progress::{Observer, Stage};

/// The result of embedding papers that had no embedding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filled {
    /// Papers that were embedded.
    pub n_embedded: u64,
    /// Tokens computed for them.
    pub n_tokens: u64,
    /// Passages truncated to the token limit.
    pub n_truncated: u64,
    /// How long the encoder computed, and how long it was kept waiting.
    pub encoding: Effort,
    /// Whether it ended early because a stop was requested.
    pub stopped: bool,
}

/// Embeds every paper that should have an embedding in the writer's space but has none of its
/// current text, the newest first. Each batch counts as soon as it is embedded. A paper whose
/// record is damaged is left out. The index is not brought up.
///
/// # Errors
/// As [`Encoder::embed`] and [`Writer::store_embeddings`].
pub fn embed_missing(
    writer: &mut Writer,
    encoder: &Encoder,
    observer: &dyn Observer,
) -> Result<Filled> {
    let missing = writer.unembedded()?;
    if missing.is_empty() {
        return Ok(Filled::default());
    }
    observer.begin(Stage::Embed, Some(missing.len() as u64));
    let filled = thread::scope(|scope| {
        let mut filling = Filling {
            encoding: EncoderThreads::start(scope, encoder, observer, Length::One),
            writer,
            waiting: None,
            filled: Filled::default(),
        };
        let mut keys = missing.iter();
        while !keys.as_slice().is_empty() && !filling.filled.stopped {
            let papers = next_batch(filling.writer, &mut keys, batch_records(encoder))?;
            let recipe = encoder.recipe();
            let passages = papers.iter().map(|(_, paper)| recipe.passage_of(paper));
            filling.encoding.send(passages.collect());
            let hash = |(key, paper): &(PaperKey, Paper)| (*key, paper.text_hash());
            filling.store_earlier(Some(papers.iter().map(hash).collect()))?;
            filling.filled.stopped |= observer.stop_requested();
        }
        filling.store_earlier(None)?;
        Result::Ok(filling.filled)
    });
    observer.end();
    filled
}

/// Papers on their way to embeddings: while one batch is embedded, the one before it is stored and
/// the one after it is read.
struct Filling<'a> {
    encoding: EncoderThreads,
    writer: &'a mut Writer,
    /// The batch that is being embedded.
    waiting: Option<Vec<(PaperKey, TextHash)>>,
    filled: Filled,
}

impl Filling<'_> {
    /// Stores the embeddings of the batch before `next`. Those that a requested stop kept from
    /// being embedded are left out.
    fn store_earlier(&mut self, next: Option<Vec<(PaperKey, TextHash)>>) -> Result<()> {
        let Some(texts) = std::mem::replace(&mut self.waiting, next) else {
            return Ok(());
        };
        let (embedded, effort) = self.encoding.receive()?;
        let (mut kept, mut vectors) = (Vec::new(), Vec::new());
        for ((text, vector), is_cut) in texts
            .into_iter()
            .zip(embedded.vectors)
            .zip(embedded.truncated)
        {
            let Some(vector) = vector else {
                self.filled.stopped = true;
                continue;
            };
            kept.push(text);
            vectors.push(vector);
            self.filled.n_truncated += u64::from(is_cut);
        }
        self.writer.store_embeddings(&kept, &vectors)?;
        debug!(
            n_embedded = kept.len(),
            encoder_seconds = effort.busy.as_secs_f64(),
            "committed a batch of embeddings"
        );
        self.filled.n_embedded += kept.len() as u64;
        self.filled.n_tokens += embedded.n_tokens;
        self.filled.encoding = self.filled.encoding.plus(effort);
        Ok(())
    }
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

/// A paper; `None` if its record is damaged.
fn readable(writer: &Writer, key: PaperKey) -> Result<Option<(PaperKey, Paper)>> {
    match writer.lookup().known(key) {
        Ok(known) => Ok(Some((key, known.paper))),
        Err(Error::Damaged { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
