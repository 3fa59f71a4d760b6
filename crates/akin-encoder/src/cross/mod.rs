//! Cross-encoders: a query and a passage, read together, to one score.
//!
//! ```text
//! query ───┐
//!          ├──► pair ──► batch ──► logit ──► score
//! passage ─┘    tokenize          body      activation
//! ```
//!
//! In: the folder of a sentence-transformers `CrossEncoder` with one label, and texts. Out: one score a
//! passage; higher is better. `folder` reads what the folder says, `body` computes.
//!
//! Invariants: scores are those of `CrossEncoder.predict` (to 1e-4 of their size plus one), whatever else is in the batch; what
//! is cut off is counted.

mod body;
mod folder;

#[cfg(test)]
mod tests;

use self::body::CrossBody;
use self::folder::{CrossFolder, ScoreActivation};
use super::batch;
use super::source::ModelSource;
use super::tokenize::{ModelInput, PairEncoding, Tokenize, ensure_embedded, ensure_known};
use akin_base::error::{Error, Result};

/// Tokens of a pair that are read at most, whatever the model says: there are models that take
/// thousands, and the time grows with the square.
pub const MOST_PAIR_TOKENS: usize = 1024;

/// A model that reads a query and a passage together, ready to score.
#[derive(Debug)]
pub struct CrossEncoder {
    name: String,
    tokenizer: Tokenize,
    body: CrossBody,
    activation: ScoreActivation,
    max_tokens: usize,
    pool: rayon::ThreadPool,
}

/// The outcome of [`CrossEncoder::score`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairScores {
    /// One score a passage, in their order; higher is better.
    pub scores: Vec<f32>,
    /// Pairs that were longer than the token limit and cut.
    pub n_truncated: usize,
}

impl CrossEncoder {
    /// Loads a model from the folder of a sentence-transformers `CrossEncoder`, its own or in the hub's
    /// cache, to compute in f32 on so many threads; on one a core where `None`.
    ///
    /// # Errors
    /// [`Error::Model`] with what is missing, wrong or of an unknown kind; [`Error::Read`] for files that
    /// cannot be read.
    pub fn load(source: &ModelSource, threads: Option<usize>) -> Result<CrossEncoder> {
        let files = match source {
            ModelSource::Bundled => {
                let reason = "it embeds texts and scores no pairs; a cross-encoder is wanted";
                return Err(Error::model(source, reason));
            }
            ModelSource::Folder(folder) => CrossFolder::read(folder)?,
            ModelSource::Hub { id, folder, .. } => CrossFolder {
                name: id.clone(),
                ..CrossFolder::read(folder)?
            },
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(0))
            .thread_name(|n| format!("cross-encoder-{n}"))
            .build()
            .map_err(|e| Error::Encode { source: e.into() })?;
        let max_tokens = files.max_tokens.min(MOST_PAIR_TOKENS);
        let tokenizer =
            || Tokenize::load(&files.name, &files.tokenizer, ModelInput::Pairs, max_tokens);
        let (body, tokenizer) =
            pool.install(|| rayon::join(|| CrossBody::load(&files, max_tokens), tokenizer));
        let (body, tokenizer) = (body?, tokenizer?);
        ensure_known(&files.name, &tokenizer, body.vocab_size())?;
        Ok(CrossEncoder {
            name: files.name,
            tokenizer,
            body,
            activation: files.activation,
            max_tokens,
            pool,
        })
    }

    /// The model's name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tokens of a pair that are seen, specials included.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Scores passages against a query, in batches of like length.
    ///
    /// # Errors
    /// [`Error::Encode`] if the arithmetic fails or gives numbers that are not finite.
    pub fn score(&self, query: &str, passages: &[impl AsRef<str>]) -> Result<PairScores> {
        let passages: Vec<&str> = passages.iter().map(AsRef::as_ref).collect();
        let encode = || self.tokenizer.encode_pairs(query, &passages);
        let encodings = self.pool.install(encode)?;
        let ids = encodings.iter().map(|pair| &pair.ids[..]);
        ensure_embedded(ids, self.body.vocab_size())?;
        let lengths: Vec<usize> = encodings.iter().map(|pair| pair.ids.len()).collect();
        let mut scores = vec![0.0; encodings.len()];
        for batch in batch::plan(&lengths, batch::BUDGET_TOKENS) {
            let pairs: Vec<&PairEncoding> = batch.iter().map(|&i| &encodings[i]).collect();
            let logits = self.pool.install(|| self.body.logits(&pairs));
            let logits = logits.map_err(|source| Error::Encode { source })?;
            for (i, logit) in batch.into_iter().zip(logits) {
                scores[i] = self.activation.score(logit);
            }
        }
        if !scores.iter().all(|score| score.is_finite()) {
            let source = "a score is no finite number".into();
            return Err(Error::Encode { source });
        }
        Ok(PairScores {
            scores,
            n_truncated: encodings.iter().filter(|pair| pair.truncated).count(),
        })
    }
}
