//! Text to token ids, cut to the token limit, with the cut counted.
//!
//! The truncation and padding that a `tokenizer.json` may carry are the habits of whoever saved
//! it (128 for all-MiniLM-L6-v2, whose limit is 256): both are replaced.

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::{
    DecoderWrapper, NormalizerWrapper, PostProcessor, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer, TokenizerImpl, TruncationParams,
};

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
        let mut tokenizer = parse(&files.tokenizer).map_err(wrong)?;
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

/// Parses a `tokenizer.json`.
///
/// One with BERT's WordPiece, as most are, is read straight into its vocabulary, which is faster
/// than finding out the kind of model first.
fn parse(json: &[u8]) -> tokenizers::Result<Tokenizer> {
    type OfWordPiece = TokenizerImpl<
        WordPiece,
        NormalizerWrapper,
        PreTokenizerWrapper,
        PostProcessorWrapper,
        DecoderWrapper,
    >;
    match serde_json::from_slice::<OfWordPiece>(json) {
        Ok(tokenizer) => Ok(tokenizer.into()),
        Err(_) => Tokenizer::from_bytes(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_gives_the_same_tokenizer() {
        let path = "/models/all-MiniLM-L6-v2/tokenizer.json";
        let json = std::fs::read(env!("CARGO_MANIFEST_DIR").to_owned() + path).unwrap();
        let (ours, theirs) = (parse(&json).unwrap(), Tokenizer::from_bytes(&json).unwrap());
        assert_eq!(
            ours.to_string(false).unwrap(),
            theirs.to_string(false).unwrap()
        );
    }

    #[test]
    fn other_models_than_wordpiece_are_parsed_too() {
        let json = r#"{"version":"1.0","added_tokens":[],"model":{"type":"WordLevel",
            "vocab":{"a":0,"[UNK]":1},"unk_token":"[UNK]"}}"#;
        assert_eq!(parse(json.as_bytes()).unwrap().get_vocab_size(true), 2);
        assert!(parse(b"{}").is_err());
    }
}
