//! Cross-encoders: read a query and a passage together and give one score.
//!
//! ```text
//! query ───┐
//!          ├──► pair ──► batch ──► logit ──► score
//! passage ─┘    tokenize          body      activation
//! ```
//!
//! In: the folder of a sentence-transformers `CrossEncoder` with one label, and texts. Out: one score per
//! passage; higher is better. `folder` reads the folder, `body` computes.
//!
//! Invariants: scores equal those of `CrossEncoder.predict` (to 1e-4 of their size plus one) and do not
//! depend on the batch. Cut pairs are counted.

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

/// Upper bound on the tokens of a pair. Some models take thousands, and time grows with the square.
pub const MOST_PAIR_TOKENS: usize = 1024;

/// A loaded cross-encoder, ready to score pairs.
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
    /// One score per passage, in the order of the passages; higher is better.
    pub scores: Vec<f32>,
    /// Number of pairs that were cut to the token limit.
    pub n_truncated: usize,
}

impl CrossEncoder {
    /// Loads a sentence-transformers `CrossEncoder` from a folder or the hub's cache. Computes in f32 on
    /// `threads` threads; `None` means one per core.
    ///
    /// # Errors
    /// [`Error::Model`] names what is missing, wrong or of an unknown kind; [`Error::Read`] if a file
    /// cannot be read.
    pub fn load(source: &ModelSource, threads: Option<usize>) -> Result<CrossEncoder> {
        let files = match source {
            ModelSource::Bundled => {
                let reason = "it embeds texts and does not score pairs; expected a cross-encoder";
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

    /// The model's name, for display.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Token limit of a pair, specials included.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Scores passages against a query, in batches of similar length.
    ///
    /// # Errors
    /// [`Error::Encode`] if the arithmetic fails or its result is not finite.
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
            let source = "a score is not finite".into();
            return Err(Error::Encode { source });
        }
        Ok(PairScores {
            scores,
            n_truncated: encodings.iter().filter(|pair| pair.truncated).count(),
        })
    }
}
