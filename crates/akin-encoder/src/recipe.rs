//! A model and its settings: everything that two embeddings must share to be compared.

use serde::{Deserialize, Serialize};

use super::options::Role;
use super::pooling::Pooling;
use super::source::{ModelFiles, UNLIMITED_TOKENS};
use akin_base::error::{Error, Result};
use akin_base::paper::{PASSAGE_RECIPE, Paper};

/// Between these stands the separator, in recipes of models that were trained with one.
const TITLE: &str = "title";
const ABSTRACT: &str = "abstract";

/// A model and its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The model's name, for display.
    pub model: String,
    /// The upstream revision, if it is known.
    pub revision: Option<String>,
    /// sha256 of the weights file, in hex.
    pub weights_sha256: String,
    /// sha256 of `tokenizer.json`, in hex.
    pub tokenizer_sha256: String,
    /// How hidden states become one vector.
    pub pooling: Pooling,
    /// Whether vectors are scaled to length 1.
    pub normalize: bool,
    /// The prompt before a query.
    pub query_prompt: String,
    /// The prompt before a passage.
    pub passage_prompt: String,
    /// The parts of a paper that are embedded, such as `title. abstract`.
    pub passage: String,
    /// sha256 of the modules behind the pooling, in hex; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_sha256: Option<String>,
    /// Whether texts are put in lower case before the tokenizer sees them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lowers_case: bool,
    /// Token limit of a text, specials included.
    pub max_tokens: usize,
    /// Numbers in an embedding.
    pub dim: usize,
}

impl Recipe {
    /// Reads the recipe from a model's files; the options override the model's own token limit and
    /// dim.
    pub(super) fn from_files(
        files: &ModelFiles,
        max_tokens: Option<usize>,
        dim: Option<usize>,
    ) -> Result<Recipe> {
        let limit = max_tokens.unwrap_or(files.max_tokens);
        if limit > files.positions {
            let positions = files.positions;
            let reason = match max_tokens {
                Some(_) => format!(
                    "a limit of {limit} tokens was asked for, and it has {positions} positions"
                ),
                None => format!(
                    "it sets a limit of {limit} tokens, and has {positions} positions; it can be \
                     read with a smaller limit"
                ),
            };
            return Err(Error::model(&files.name, reason));
        }
        if let Some(dim) = dim.filter(|dim| *dim == 0 || *dim > files.dim) {
            return Err(Error::DimTooLarge {
                wanted: dim,
                dim: files.dim,
            });
        }
        let passage = match &files.separator {
            Some(separator) => [TITLE, separator, ABSTRACT].concat(),
            None => PASSAGE_RECIPE.to_owned(),
        };
        Ok(Recipe {
            model: files.name.clone(),
            revision: files.revision.clone(),
            weights_sha256: files.weights_sha256.clone(),
            tokenizer_sha256: files.tokenizer_sha256.clone(),
            pooling: files.pooling.clone(),
            normalize: files.normalize || dim.is_some(),
            query_prompt: files.prompts.query.clone(),
            passage_prompt: files.prompts.passage.clone(),
            passage,
            head_sha256: files.head.sha256(),
            lowers_case: files.lowers_case,
            max_tokens: limit,
            dim: dim.unwrap_or(files.dim),
        })
    }

    /// The text of a paper to embed.
    pub fn passage_of(&self, paper: &Paper) -> String {
        let separator = self.passage.strip_prefix(TITLE);
        match separator.and_then(|rest| rest.strip_suffix(ABSTRACT)) {
            Some(separator) if self.passage != PASSAGE_RECIPE => {
                [&paper.title, separator, &paper.abstract_text].concat()
            }
            _ => paper.passage(),
        }
    }

    /// A hash that is equal if embeddings can be compared; names do not count.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut nameless = self.clone();
        nameless.model.clear();
        nameless.revision = None;
        let bytes = serde_json::to_vec(&nameless).expect("a recipe is plain data");
        *blake3::hash(&bytes).as_bytes()
    }

    /// Describes the model and its token limit, for messages.
    pub fn describe(&self) -> String {
        let weights = &self.weights_sha256[..12.min(self.weights_sha256.len())];
        let tokens = if self.has_token_limit() {
            format!("{} tokens", self.max_tokens)
        } else {
            "all tokens".to_owned()
        };
        format!("{} ({tokens}, weights {weights})", self.model)
    }

    /// Whether long texts are cut.
    pub fn has_token_limit(&self) -> bool {
        self.max_tokens < UNLIMITED_TOKENS
    }

    /// The prompt before a text of this role.
    pub fn prompt(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.query_prompt,
            Role::Passage => &self.passage_prompt,
        }
    }
}
