//! Text to token ids, cut to the token limit, with the cut counted.
//!
//! The truncation and padding that a `tokenizer.json` may carry are the habits of whoever saved
//! it (128 for all-MiniLM-L6-v2, whose limit is 256): both are replaced.

use rayon::prelude::*;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::{
    DecoderWrapper, EncodeInput, ModelWrapper, NormalizerWrapper, PostProcessor,
    PostProcessorWrapper, PreTokenizerWrapper, Tokenizer, TokenizerImpl, TruncationParams,
    truncate_encodings,
};

use crate::error::{Error, Result};

/// One text as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids, specials included; at least one, but in models that know none.
    pub ids: Vec<u32>,
    /// Whether the text was longer than the token limit.
    pub truncated: bool,
}

/// A pair of texts as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PairEncoding {
    /// Token ids, specials included; at least one.
    pub(super) ids: Vec<u32>,
    /// The type of each token: which of the two texts it belongs to, where the tokenizer says so.
    pub(super) types: Vec<u32>,
    /// Whether the two were longer than the token limit.
    pub(super) truncated: bool,
}

/// What a model is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// One text at a time.
    Texts,
    /// One text at a time, as a bag of tokens without specials.
    Bags {
        /// Whether tokens are left out that the tokenizer does not know.
        drops_unknown: bool,
    },
    /// Two texts at a time.
    Pairs,
}

/// A tokenizer with the recipe's limit.
#[derive(Debug)]
pub(super) struct Tokenize {
    tokenizer: Tokenizer,
    /// The limit without specials.
    n_content_tokens: usize,
    input: Input,
    /// What is left out.
    unknown: Option<u32>,
    /// Characters of a text that are read, in models that are cut by them.
    n_chars: usize,
}

impl Tokenize {
    /// Loads the `tokenizer.json` of `model` and sets its limit to `max_tokens`, specials included.
    pub(super) fn load(
        model: &str,
        json: &[u8],
        input: Input,
        max_tokens: usize,
    ) -> Result<Tokenize> {
        let wrong = |e: tokenizers::Error| Error::model(model, format!("tokenizer.json: {e}"));
        let mut tokenizer = parse(json).map_err(wrong)?;
        let n_specials = match input {
            Input::Bags { .. } => 0,
            Input::Texts | Input::Pairs => tokenizer
                .get_post_processor()
                .map_or(0, |p| p.added_tokens(input == Input::Pairs)),
        };
        if max_tokens <= n_specials {
            let reason = format!(
                "a limit of {max_tokens} tokens leaves no room beside {n_specials} specials"
            );
            return Err(Error::model(model, reason));
        }
        let truncation = TruncationParams {
            max_length: max_tokens,
            ..TruncationParams::default()
        };
        tokenizer.with_padding(None);
        let truncation = (input == Input::Texts).then_some(truncation);
        tokenizer.with_truncation(truncation).map_err(wrong)?;
        let unknown = match input {
            Input::Bags {
                drops_unknown: true,
            } => unknown_token(&tokenizer),
            _ => None,
        };
        Ok(Tokenize {
            n_content_tokens: max_tokens - n_specials,
            input,
            unknown,
            n_chars: match input {
                Input::Bags {
                    drops_unknown: true,
                } => max_tokens.saturating_mul(median_token_chars(&tokenizer)),
                _ => usize::MAX,
            },
            tokenizer,
        })
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
        let is_bag = matches!(self.input, Input::Bags { .. });
        // Each thread also takes apart what the tokenizer gives it: a string a token.
        let encode = |text: &str| {
            let prompted = [prompt, start_of(text, self.n_chars)].concat();
            let encoding = self.tokenizer.encode_fast(prompted, !is_bag);
            let encoding = encoding.map_err(|source| Error::Encode { source })?;
            Ok(match is_bag {
                true => self.bag(&encoding, text),
                false => Encoding {
                    ids: encoding.get_ids().to_vec(),
                    truncated: !encoding.get_overflowing().is_empty(),
                },
            })
        };
        let encodings = texts.par_iter().map(|text| encode(text.as_ref()));
        encodings.collect()
    }

    fn bag(&self, encoding: &tokenizers::Encoding, text: &str) -> Encoding {
        let mut ids = encoding.get_ids().to_vec();
        ids.retain(|id| Some(*id) != self.unknown);
        let is_cut = start_of(text, self.n_chars).len() < text.len();
        let truncated = is_cut || ids.len() > self.n_content_tokens;
        ids.truncate(self.n_content_tokens);
        Encoding { ids, truncated }
    }

    /// Encodes one text with each of others, the longer of the two cut first, on the threads of the
    /// current pool.
    ///
    /// The texts are cut here: since its version 0.23 the tokenizer stops reading a text at the limit,
    /// and no longer knows which of two was the longer.
    pub(super) fn encode_pairs(&self, first: &str, others: &[&str]) -> Result<Vec<PairEncoding>> {
        let first = self.encodings(vec![first], false)?.swap_remove(0);
        let others = self.encodings(others.to_vec(), false)?;
        let pair = |other| self.pair(first.clone(), other);
        let pairs: tokenizers::Result<_> = others.into_iter().map(pair).collect();
        pairs.map_err(|source| Error::Encode { source })
    }

    fn pair(
        &self,
        first: tokenizers::Encoding,
        mut second: tokenizers::Encoding,
    ) -> tokenizers::Result<PairEncoding> {
        second.set_type_ids(vec![1; second.len()]);
        let truncated = first.len() + second.len() > self.n_content_tokens;
        let truncation = TruncationParams {
            max_length: self.n_content_tokens,
            ..TruncationParams::default()
        };
        let (mut first, mut second) = truncate_encodings(first, Some(second), &truncation)?;
        // What was cut off, or every piece of one text would be paired with every piece of the other.
        first.take_overflowing();
        second.as_mut().map(tokenizers::Encoding::take_overflowing);
        let pair = self.tokenizer.post_process(first, second, true)?;
        Ok(PairEncoding {
            ids: pair.get_ids().to_vec(),
            types: pair.get_type_ids().to_vec(),
            truncated,
        })
    }

    fn encodings<'s>(
        &self,
        inputs: Vec<impl Into<EncodeInput<'s>> + Send>,
        with_specials: bool,
    ) -> Result<Vec<tokenizers::Encoding>> {
        self.tokenizer
            .encode_batch_fast(inputs, with_specials)
            .map_err(|source| Error::Encode { source })
    }
}

/// The first so many characters.
fn start_of(text: &str, n_chars: usize) -> &str {
    let end = text.char_indices().nth(n_chars).map(|(at, _)| at);
    &text[..end.unwrap_or(text.len())]
}

/// The median of the tokens' lengths in characters, rounded down: by how many characters a token
/// model2vec cuts a text before it is read.
fn median_token_chars(tokenizer: &Tokenizer) -> usize {
    let vocabulary = tokenizer.get_vocab(true);
    let mut lengths: Vec<usize> = vocabulary
        .keys()
        .map(|token| token.chars().count())
        .collect();
    lengths.sort_unstable();
    match lengths.len() {
        0 => 1,
        n => (lengths[(n - 1) / 2] + lengths[n / 2]) / 2,
    }
}

/// The token that stands for what a tokenizer does not know, where it has one.
fn unknown_token(tokenizer: &Tokenizer) -> Option<u32> {
    let name = match tokenizer.get_model() {
        ModelWrapper::WordPiece(model) => Some(model.unk_token.clone()),
        ModelWrapper::WordLevel(model) => Some(model.unk_token.clone()),
        ModelWrapper::BPE(model) => model.unk_token.clone(),
        ModelWrapper::Unigram(_) => None,
    };
    tokenizer.token_to_id(&name?)
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
