//! Reads a model's folder: its small JSON files and its weights, with the folder's name in every error.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;

use akin_base::error::{Error, Result};

/// The longest file but the weights: vocabularies of 250,000 tokens have 35 MB.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Default, Deserialize)]
struct SentenceBertConfig {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

#[derive(Default, Deserialize)]
struct TokenizerConfig {
    /// A whole number, or a very large float where there is no limit.
    model_max_length: Option<f64>,
}

/// A model's folder; every error has its name.
pub(crate) struct Folder<'a> {
    pub(crate) path: &'a Path,
}

impl<'a> Folder<'a> {
    /// Opens a folder that must exist.
    pub(crate) fn open(path: &'a Path) -> Result<Folder<'a>> {
        let folder = Folder { path };
        if path.is_dir() {
            Ok(folder)
        } else {
            Err(folder.wrong("there is no such folder"))
        }
    }

    /// An error about the folder.
    pub(crate) fn wrong(&self, reason: impl fmt::Display) -> Error {
        Error::model(self.path.display(), reason)
    }

    /// Reads a file of settings or a vocabulary that must exist.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let bytes = self.bytes_within(name, MAX_BYTES)?;
        if bytes.len() as u64 > MAX_BYTES {
            Err(self.wrong(format!("{name} is longer than {} MiB", MAX_BYTES >> 20)))
        } else {
            Ok(bytes)
        }
    }

    /// The first bytes of a file that must be there, with one more where it is longer.
    fn bytes_within(&self, name: &str, most: u64) -> Result<Vec<u8>> {
        let path = self.path.join(name);
        let read = || {
            let mut bytes = Vec::new();
            let file = File::open(&path)?;
            if !file.metadata()?.is_file() {
                return Err(io::Error::other("it is not a file"));
            }
            let n_bytes = file.metadata()?.len().min(most.saturating_add(1));
            bytes.try_reserve_exact(usize::try_from(n_bytes).unwrap_or(usize::MAX))?;
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => self.wrong(format!("it has no {name}")),
            _ => Error::Read {
                path: path.clone(),
                source,
            },
        })
    }

    /// Parses the bytes of a JSON file.
    pub(crate) fn parse<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|e| self.wrong(format!("{name}: {e}")))
    }

    /// Reads a file that may be missing.
    pub(crate) fn bytes_if_there(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.path
            .join(name)
            .exists()
            .then(|| self.bytes(name))
            .transpose()
    }

    /// Parses a JSON file that may be missing.
    pub(crate) fn parse_if_there<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<Option<T>> {
        let bytes = self.bytes_if_there(name)?;
        bytes.map(|bytes| self.parse(name, &bytes)).transpose()
    }

    /// The name of the folder, for display.
    pub(crate) fn name(&self) -> String {
        let whole = self.path.canonicalize();
        let whole = whole.unwrap_or_else(|_| self.path.to_owned());
        whole.file_name().map_or_else(
            || self.path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// The token limit of the folder, from `sentence_bert_config.json`, or from `tokenizer_config.json`,
    /// where newer versions of sentence-transformers save it. There, a limit above the positions means
    /// none.
    pub(crate) fn token_limit(&self, positions: usize) -> Result<usize> {
        let limits: Option<SentenceBertConfig> =
            self.parse_if_there("sentence_bert_config.json")?;
        if let Some(limit) = limits.and_then(|limits| limits.max_seq_length) {
            return Ok(limit);
        }
        let limits: Option<TokenizerConfig> = self.parse_if_there("tokenizer_config.json")?;
        let limit = limits.and_then(|limits| limits.model_max_length);
        let limit = limit.filter(|limit| *limit >= 1.0);
        Ok(limit.map_or(positions, |limit| positions.min(limit as usize)))
    }

    /// Whether texts are put in lower case before the tokenizer sees them.
    pub(super) fn lowers_case(&self) -> Result<bool> {
        let config: Option<SentenceBertConfig> =
            self.parse_if_there("sentence_bert_config.json")?;
        Ok(config.is_some_and(|config| config.do_lower_case))
    }

    /// The bytes of `model.safetensors`; pickled weights are refused by name.
    pub(crate) fn weights(&self) -> Result<Vec<u8>> {
        const SAFE: &str = "model.safetensors";
        let has = |name: &str| self.path.join(name).exists();
        if has(SAFE) {
            return self.bytes_within(SAFE, u64::MAX - 1);
        }
        let pickled = ["pytorch_model.bin", "model.pt", "pytorch_model.pt"];
        if let Some(name) = pickled.into_iter().find(|name| has(name)) {
            return Err(self.wrong(format!(
                "its weights are pickled ({name}), which can run any code when they are read; akin \
                 reads {SAFE} only"
            )));
        }
        if has("model.safetensors.index.json") {
            return Err(self.wrong(
                "its weights are in several files, and akin reads one model.safetensors; load it and save \
                 it again with sentence-transformers in one file (max_shard_size=\"100GB\")",
            ));
        }
        self.bytes(SAFE)
    }
}
