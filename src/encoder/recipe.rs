//! A model and how it is used: everything that two embeddings must have in common to be compared.

use serde::{Deserialize, Serialize};

use super::source::ModelFiles;
use super::{Pooling, Role};
use crate::error::{Error, Result};
use crate::paper::PASSAGE_RECIPE;

/// A model and how it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The model's name, for people.
    pub model: String,
    /// The upstream revision, where it is known.
    pub revision: Option<String>,
    /// sha256 of the weights file, in hex.
    pub weights_sha256: String,
    /// sha256 of `tokenizer.json`, in hex.
    pub tokenizer_sha256: String,
    /// From hidden states to one vector.
    pub pooling: Pooling,
    /// Whether vectors are scaled to length 1.
    pub normalize: bool,
    /// What is put before a query.
    pub query_prompt: String,
    /// What is put before a passage.
    pub passage_prompt: String,
    /// What of a paper is embedded.
    pub passage: String,
    /// Tokens of a text that are seen, specials included.
    pub max_tokens: usize,
    /// Numbers in an embedding.
    pub dim: usize,
}

impl Recipe {
    /// Reads the recipe from a model's files; `max_tokens` overrides the model's own limit.
    pub(super) fn of(files: &ModelFiles, max_tokens: Option<usize>) -> Result<Recipe> {
        let max_tokens = max_tokens.unwrap_or(files.max_tokens);
        if max_tokens > files.positions {
            let reason = format!(
                "a limit of {max_tokens} tokens was asked for, and it has {} positions",
                files.positions
            );
            return Err(Error::model(&files.name, reason));
        }
        Ok(Recipe {
            model: files.name.clone(),
            revision: files.revision.clone(),
            weights_sha256: files.weights_sha256.clone(),
            tokenizer_sha256: files.tokenizer_sha256.clone(),
            pooling: files.pooling,
            normalize: files.normalize,
            query_prompt: files.query_prompt.clone(),
            passage_prompt: files.passage_prompt.clone(),
            passage: PASSAGE_RECIPE.to_owned(),
            max_tokens,
            dim: files.dim,
        })
    }

    /// 32 bytes that are equal where embeddings can be compared: names do not count.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut nameless = self.clone();
        nameless.model.clear();
        nameless.revision = None;
        let bytes = serde_json::to_vec(&nameless).expect("a recipe is plain data");
        *blake3::hash(&bytes).as_bytes()
    }

    /// The model and its limit in words, for messages.
    pub fn describe(&self) -> String {
        let weights = &self.weights_sha256[..12.min(self.weights_sha256.len())];
        format!(
            "{} ({} tokens, weights {weights})",
            self.model, self.max_tokens
        )
    }

    /// What is put before a text of this role.
    pub fn prompt(&self, role: Role) -> &str {
        match role {
            Role::Query => &self.query_prompt,
            Role::Passage => &self.passage_prompt,
        }
    }
}
