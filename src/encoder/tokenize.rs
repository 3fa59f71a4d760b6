//! Text to token ids, cut to the token limit, with the cut counted.
//!
//! The truncation and padding that a `tokenizer.json` may carry are the habits of whoever saved
//! it (128 for all-MiniLM-L6-v2, whose limit is 256): both are replaced.

use tokenizers::{PostProcessor, Tokenizer, TruncationParams};

use super::source::ModelFiles;
use crate::error::{Error, Result};

/// One text as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids, specials included; at least one.
    pub ids: Vec<u32>,
    /// Whether the text was longer than the token limit.
    pub truncated: bool,
}

/// A tokenizer with the recipe's limit.
#[derive(Debug)]
pub(super) struct Tokenize {
    tokenizer: Tokenizer,
}

impl Tokenize {
    /// Loads `tokenizer.json` and sets its limit to `max_tokens`, specials included.
    pub(super) fn load(files: &ModelFiles, max_tokens: usize) -> Result<Tokenize> {
        let wrong =
            |e: tokenizers::Error| Error::model(&files.name, format!("tokenizer.json: {e}"));
        let mut tokenizer = Tokenizer::from_bytes(&files.tokenizer).map_err(wrong)?;
        let n_specials = tokenizer
            .get_post_processor()
            .map_or(0, |p| p.added_tokens(false));
        if max_tokens <= n_specials {
            let reason = format!(
                "a limit of {max_tokens} tokens leaves no room beside {n_specials} specials"
            );
            return Err(Error::model(&files.name, reason));
        }
        let truncation = TruncationParams {
            max_length: max_tokens,
            ..TruncationParams::default()
        };
        tokenizer.with_padding(None);
        tokenizer.with_truncation(Some(truncation)).map_err(wrong)?;
        Ok(Tokenize { tokenizer })
    }

    /// How many tokens it knows, added ones included.
    pub(super) fn n_tokens(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Encodes texts, each with `prompt` before it, on the threads of the current pool.
    pub(super) fn encode_all(
        &self,
        prompt: &str,
        texts: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<Encoding>> {
        let prompted: Vec<String> = texts
            .iter()
            .map(|text| [prompt, text.as_ref()].concat())
            .collect();
        let encodings = self
            .tokenizer
            .encode_batch_fast(prompted, true)
            .map_err(|source| Error::Encode { source })?;
        let plain = |e: tokenizers::Encoding| Encoding {
            ids: e.get_ids().to_vec(),
            truncated: !e.get_overflowing().is_empty(),
        };
        Ok(encodings.into_iter().map(plain).collect())
    }
}
