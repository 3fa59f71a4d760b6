//! Text to token ids, cut to the token limit, with the cut counted.
//!
//! The truncation and padding in a `tokenizer.json` are those of the person who saved it (128 for
//! all-MiniLM-L6-v2, whose limit is 256). Both are replaced.
//!
//! The tokenizer holds a text several times over, so a text of many megabytes is cut before
//! ([`start_within`]). `bounds.rs` limits what a `tokenizer.json` may ask for.

mod bounds;

use rayon::prelude::*;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::{
    DecoderWrapper, ModelWrapper, NormalizerWrapper, PostProcessor, PostProcessorWrapper,
    PreTokenizerWrapper, Tokenizer, TokenizerImpl, TruncationParams, truncate_encodings,
};

use akin_base::caught;
use akin_base::error::{Error, Result};

/// One text as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids, specials included; never empty, unless the model has no special tokens.
    pub ids: Vec<u32>,
    /// Whether the text was cut to the token limit.
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
pub(super) enum ModelInput {
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
    input: ModelInput,
    /// What is left out.
    unknown: Option<u32>,
    /// Characters of a text that are read, in models that are cut by them.
    n_chars: usize,
    /// Bytes of a text that are given to the tokenizer at a time: all that there are, in all but a few.
    n_bytes: usize,
}

/// The tokenizer sees at least this many bytes of a text.
///
/// Tokens are parts of words, so a cut between two words changes no token before it. It changes no
/// embedding if the bytes before it hold all the tokens that are seen. A word of a paper has seven bytes on
/// average, with the space, and [`BYTES_PER_TOKEN`] allows many more.
const LEAST_BYTES: usize = 64 << 10;

/// Bytes a token that the tokenizer sees, beyond those.
const BYTES_PER_TOKEN: usize = 128;

/// By how much replacements make a text longer in models that there are.
const USUAL_GROWTH: usize = 4;

/// The longest prompt.
const MAX_PROMPT_BYTES: usize = 16 << 10;

impl Tokenize {
    /// Loads the `tokenizer.json` of `model` and sets its limit to `max_tokens`, specials included.
    pub(super) fn load(
        model: &str,
        json: &[u8],
        input: ModelInput,
        max_tokens: usize,
    ) -> Result<Tokenize> {
        let wrong = |e: tokenizers::Error| Error::model(model, format!("tokenizer.json: {e}"));
        let refused = |reason: String| wrong(reason.into());
        let growth = bounds::growth(json).map_err(refused)?;
        let parsed = caught::run(|| parse(json)).map_err(refused)?;
        let mut tokenizer = parsed.map_err(wrong)?;
        let n_specials = match input {
            ModelInput::Bags { .. } => 0,
            ModelInput::Texts | ModelInput::Pairs => tokenizer
                .get_post_processor()
                .map_or(0, |p| p.added_tokens(input == ModelInput::Pairs)),
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
        let truncation = (input == ModelInput::Texts).then_some(truncation);
        tokenizer.with_truncation(truncation).map_err(wrong)?;
        let unknown = match input {
            ModelInput::Bags {
                drops_unknown: true,
            } => unknown_token(&tokenizer),
            _ => None,
        };
        Ok(Tokenize {
            n_content_tokens: max_tokens - n_specials,
            input,
            unknown,
            n_chars: match input {
                ModelInput::Bags {
                    drops_unknown: true,
                } => max_tokens.saturating_mul(median_token_chars(&tokenizer)),
                _ => usize::MAX,
            },
            n_bytes: match input {
                // What is in pieces is put together again.
                ModelInput::Bags { .. } => LEAST_BYTES,
                ModelInput::Texts | ModelInput::Pairs => {
                    max_tokens.saturating_mul(BYTES_PER_TOKEN).max(LEAST_BYTES)
                }
            } / growth.div_ceil(USUAL_GROWTH),
            tokenizer,
        })
    }

    /// Number of tokens that it knows, added ones included.
    pub(super) fn n_tokens(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Encodes texts, each with `prompt` before it, on the threads of the current pool.
    pub(super) fn encode_all(
        &self,
        prompt: &str,
        texts: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<Encoding>> {
        if prompt.len() > MAX_PROMPT_BYTES {
            let what = format!("the model's prompt is {} bytes long", prompt.len());
            return Err(Error::Encode {
                source: what.into(),
            });
        }
        // Each thread also takes apart what the tokenizer gives it: a string a token.
        let encode = |text: &str| match self.input {
            ModelInput::Bags { .. } => self.bag(prompt, text),
            ModelInput::Texts | ModelInput::Pairs => {
                let start = start_within(text, self.n_bytes);
                let encoding = self.tokens([prompt, start].concat(), true)?;
                Ok(Encoding {
                    ids: encoding.get_ids().to_vec(),
                    truncated: start.len() < text.len() || !encoding.get_overflowing().is_empty(),
                })
            }
        };
        let encodings = texts.par_iter().map(|text| encode(text.as_ref()));
        encodings.collect()
    }

    fn tokens(&self, text: String, with_specials: bool) -> Result<tokenizers::Encoding> {
        let encode = || self.tokenizer.encode_fast(text, with_specials);
        let encoding = caught::run(encode).unwrap_or_else(|said| Err(said.into()));
        encoding.map_err(|source| Error::Encode { source })
    }

    /// A text as a bag of tokens, read in pieces until there are enough.
    fn bag(&self, prompt: &str, text: &str) -> Result<Encoding> {
        let read = start_of(text, self.n_chars);
        let (mut ids, mut rest, mut before) = (Vec::new(), read, prompt);
        loop {
            let piece = start_within(rest, self.n_bytes);
            rest = &rest[piece.len()..];
            let encoding = self.tokens([before, piece].concat(), false)?;
            let known = encoding.get_ids().iter();
            ids.extend(known.filter(|id| Some(**id) != self.unknown));
            before = "";
            if rest.is_empty() || ids.len() > self.n_content_tokens {
                break;
            }
        }
        let truncated = read.len() < text.len() || ids.len() > self.n_content_tokens;
        ids.truncate(self.n_content_tokens);
        Ok(Encoding { ids, truncated })
    }

    /// Encodes one text with each of others, the longer of the two cut first, on the threads of the
    /// current pool.
    ///
    /// The texts are cut here: since version 0.23 the tokenizer stops reading a text at the limit and does
    /// not know which of two was longer.
    pub(super) fn encode_pairs(&self, first: &str, others: &[&str]) -> Result<Vec<PairEncoding>> {
        let cut = |text: &&str| {
            let start = start_within(text, self.n_bytes);
            let tokens = self.tokens(start.to_owned(), false)?;
            Ok((tokens, start.len() < text.len()))
        };
        let (first, first_is_cut) = cut(&first)?;
        let others: Result<Vec<_>> = others.par_iter().map(cut).collect();
        let pair = |(other, is_cut)| {
            let mut pair = self.pair(first.clone(), other)?;
            pair.truncated |= first_is_cut || is_cut;
            Ok(pair)
        };
        let pairs: tokenizers::Result<_> = others?.into_iter().map(pair).collect();
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
        let pair = caught::run(|| self.tokenizer.post_process(first, second, true));
        let pair = pair.unwrap_or_else(|said| Err(said.into()))?;
        Ok(PairEncoding {
            ids: pair.get_ids().to_vec(),
            types: pair.get_type_ids().to_vec(),
            truncated,
        })
    }
}

/// The start of a text, at most `n_bytes` long, up to its last space if it has one.
fn start_within(text: &str, n_bytes: usize) -> &str {
    if text.len() <= n_bytes {
        return text;
    }
    let start = &text[..text.floor_char_boundary(n_bytes.max(4))];
    let space = start.rfind(char::is_whitespace).filter(|at| *at > 0);
    &start[..space.unwrap_or(start.len())]
}

/// The first `n_chars` characters.
fn start_of(text: &str, n_chars: usize) -> &str {
    let end = text.char_indices().nth(n_chars).map(|(at, _)| at);
    &text[..end.unwrap_or(text.len())]
}

/// The median length of tokens in characters, rounded down. model2vec cuts a text to this many characters
/// per token before it reads it.
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

/// Checks that every token of a model's tokenizer has an embedding.
pub(super) fn ensure_known(model: &str, tokenizer: &Tokenize, n_known: usize) -> Result<()> {
    if tokenizer.n_tokens() <= n_known {
        return Ok(());
    }
    let reason = format!(
        "its tokenizer knows {} tokens and its embedding table {n_known}",
        tokenizer.n_tokens()
    );
    Err(Error::model(model, reason))
}

/// Checks that every token of these texts has an embedding.
pub(super) fn ensure_embedded<'a>(
    texts: impl Iterator<Item = &'a [u32]>,
    n_known: usize,
) -> Result<()> {
    match texts.flatten().find(|id| **id as usize >= n_known) {
        None => Ok(()),
        Some(id) => {
            let source = format!("token {id} has no embedding among {n_known}").into();
            Err(Error::Encode { source })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_gives_the_same_tokenizer() {
        let path = "models/all-MiniLM-L6-v2/tokenizer.json";
        let json = std::fs::read(akin_testing::repository().join(path)).unwrap();
        let (ours, theirs) = (parse(&json).unwrap(), Tokenizer::from_bytes(&json).unwrap());
        assert_eq!(
            ours.to_string(false).unwrap(),
            theirs.to_string(false).unwrap()
        );
    }

    fn bundled(input: ModelInput, max_tokens: usize) -> Tokenize {
        let path = "models/all-MiniLM-L6-v2/tokenizer.json";
        let json = std::fs::read(akin_testing::repository().join(path)).unwrap();
        Tokenize::load("x", &json, input, max_tokens).unwrap()
    }

    /// The abstracts of the sample, one after another.
    fn abstracts() -> String {
        let lines = std::fs::read_to_string(akin_testing::data("arxiv-1000.jsonl")).unwrap();
        let texts = lines.lines().map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["abstract"].as_str().unwrap().to_owned()
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_cut_changes_nothing_of_what_is_seen() {
        let text = abstracts();
        assert!(text.len() > 10 * LEAST_BYTES);
        for max_tokens in [3, 256, 2048] {
            let cut = bundled(ModelInput::Texts, max_tokens);
            let whole = Tokenize {
                n_bytes: usize::MAX,
                ..bundled(ModelInput::Texts, max_tokens)
            };
            for at in (0..text.len() - 4 * LEAST_BYTES).step_by(99_991) {
                let part = [&text[text.ceil_char_boundary(at)..]];
                let expected = whole.encode_all("say: ", &part).unwrap();
                assert_eq!(cut.encode_all("say: ", &part).unwrap(), expected);
                assert_eq!(expected[0].ids.len(), max_tokens);
            }
        }
    }

    #[test]
    fn pieces_of_a_bag_are_those_of_the_whole() {
        let text = abstracts();
        let drops_unknown = false;
        let input = ModelInput::Bags { drops_unknown };
        let in_pieces = bundled(input, 1 << 20);
        let whole = Tokenize {
            n_bytes: usize::MAX,
            ..bundled(input, 1 << 20)
        };
        let expected = whole.encode_all("", &[&text]).unwrap();
        assert!(expected[0].ids.len() > 100_000 && !expected[0].truncated);
        assert!(in_pieces.encode_all("", &[&text]).unwrap() == expected);
    }

    #[test]
    fn a_text_is_cut_between_words() {
        assert_eq!(start_within("one two", 7), "one two");
        assert_eq!(start_within("one two three", 7), "one");
        assert_eq!(start_within("one two three", 8), "one two");
        assert_eq!(start_within("ééééé", 5), "éé");
        assert_eq!(start_within(" ééé", 6), " éé");
        assert_eq!(start_within("👩👩", 1), "👩");
    }

    #[test]
    fn a_long_text_counts_as_cut_though_it_has_few_tokens() {
        let tokenize = bundled(ModelInput::Texts, 256);
        let letters = "x".repeat(1 << 20);
        let encoding = &tokenize.encode_all("", &[&letters]).unwrap()[0];
        assert!(encoding.truncated && encoding.ids.len() == 3);
        let pairs = bundled(ModelInput::Pairs, 256);
        let pair = &pairs.encode_pairs("a", &[&letters]).unwrap()[0];
        assert!(pair.truncated && pair.ids.len() == 5);
    }

    #[test]
    fn a_prompt_has_a_limit() {
        let prompt = "x ".repeat(MAX_PROMPT_BYTES);
        let error = bundled(ModelInput::Texts, 256).encode_all(&prompt, &["a"]);
        assert!(matches!(error, Err(Error::Encode { .. })));
    }

    #[test]
    fn other_models_than_wordpiece_are_parsed_too() {
        let json = r#"{"version":"1.0","added_tokens":[],"model":{"type":"WordLevel",
            "vocab":{"a":0,"[UNK]":1},"unk_token":"[UNK]"}}"#;
        assert_eq!(parse(json.as_bytes()).unwrap().get_vocab_size(true), 2);
        assert!(parse(b"{}").is_err());
    }
}
