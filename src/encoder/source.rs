//! Where a model comes from, and reading what its folder says about it.
//!
//! In: the model in this binary, a sentence-transformers folder, or one in the hub's cache. Out:
//! [`ModelFiles`]: the bytes of config, tokenizer and weights, and the settings that the folder's
//! small files give (pooling, normalisation, prompts, limits), with hashes. safetensors only: a
//! pickled checkpoint is named and refused.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Pooling;
use crate::error::{Error, Result};

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// all-MiniLM-L6-v2, compiled into this binary.
    Bundled,
    /// A sentence-transformers folder.
    Folder(PathBuf),
    /// A model of the Hugging Face hub, in the cache of its tools.
    Hub {
        /// `org/name`.
        id: String,
        /// The commit, 40 hex digits.
        commit: String,
        /// The folder of the commit in the cache.
        folder: PathBuf,
    },
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelSource::Bundled => f.write_str("the bundled model"),
            ModelSource::Folder(path) => path.display().fmt(f),
            ModelSource::Hub { id, commit, .. } => {
                write!(f, "{id}@{}", &commit[..12.min(commit.len())])
            }
        }
    }
}

/// What the activations of a model are like, for int8: f32, little-endian, in the order that
/// the packed body gives them.
const CALIBRATION: &str = "int8-calibration.f32";

/// The bytes of a model file: part of the binary, or read.
pub(super) type Bytes = Cow<'static, [u8]>;

/// What a model's folder holds.
pub(super) struct ModelFiles {
    pub(super) name: String,
    pub(super) revision: Option<String>,
    pub(super) config: Bytes,
    pub(super) tokenizer: Bytes,
    pub(super) weights: Arc<Bytes>,
    pub(super) int8_calibration: Option<Bytes>,
    pub(super) weights_sha256: String,
    pub(super) tokenizer_sha256: String,
    pub(super) pooling: Pooling,
    pub(super) normalize: bool,
    pub(super) query_prompt: String,
    pub(super) passage_prompt: String,
    pub(super) max_tokens: usize,
    pub(super) positions: usize,
    pub(super) dim: usize,
}

impl ModelSource {
    /// Reads the model's files and settings.
    pub(super) fn read(&self) -> Result<ModelFiles> {
        match self {
            ModelSource::Bundled => bundled::files(),
            ModelSource::Folder(folder) => read_folder(folder),
            ModelSource::Hub { id, commit, folder } => read_hub(id, commit, folder),
        }
    }
}

/// Reads the folder of a commit, under the model's own name.
fn read_hub(id: &str, commit: &str, folder: &Path) -> Result<ModelFiles> {
    if !folder.is_dir() {
        return Err(Error::ModelMissing {
            id: format!("{id}@{commit}"),
            reason: format!("there is no {} any more", folder.display()),
        });
    }
    Ok(ModelFiles {
        name: id.to_owned(),
        revision: Some(commit.to_owned()),
        ..read_folder(folder)?
    })
}

/// What of `config.json` does not depend on the architecture.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    model_type: Option<String>,
    hidden_size: usize,
    max_position_embeddings: usize,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    class: String,
}

#[derive(Default, Deserialize)]
struct SentenceBertConfig {
    max_seq_length: Option<usize>,
}

#[derive(Default, Deserialize)]
struct TokenizerConfig {
    /// A whole number, or a very large float where there is no limit.
    model_max_length: Option<f64>,
}

#[derive(Default, Deserialize)]
struct SentenceTransformersConfig {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

impl SentenceTransformersConfig {
    /// The first of these prompts that there is, else the default one, else none.
    fn prompt(&self, names: &[&str]) -> String {
        let named = names.iter().find_map(|name| self.prompts.get(*name));
        let default = || self.prompts.get(self.default_prompt_name.as_ref()?);
        named.or_else(default).cloned().unwrap_or_default()
    }
}

/// A folder whose small JSON files are read with the folder's name in every complaint.
pub(super) struct Folder<'a> {
    pub(super) path: &'a Path,
}

impl<'a> Folder<'a> {
    /// A folder that there is.
    pub(super) fn open(path: &'a Path) -> Result<Folder<'a>> {
        let folder = Folder { path };
        match path.is_dir() {
            true => Ok(folder),
            false => Err(folder.wrong("there is no such folder")),
        }
    }

    /// A complaint about the folder.
    pub(super) fn wrong(&self, reason: impl fmt::Display) -> Error {
        Error::model(self.path.display(), reason)
    }

    /// A file that must be there.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path.join(name);
        std::fs::read(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => self.wrong(format!("it has no {name}")),
            _ => Error::Read { path, source },
        })
    }

    /// What a JSON file of these bytes says.
    pub(super) fn parse<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<T> {
        serde_json::from_slice(bytes).map_err(|e| self.wrong(format!("{name}: {e}")))
    }

    /// A file that may be missing.
    pub(super) fn bytes_if_there(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.path
            .join(name)
            .exists()
            .then(|| self.bytes(name))
            .transpose()
    }

    /// What a JSON file says that may be missing.
    pub(super) fn parse_if_there<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<Option<T>> {
        let bytes = self.bytes_if_there(name)?;
        bytes.map(|bytes| self.parse(name, &bytes)).transpose()
    }
}

fn read_folder(path: &Path) -> Result<ModelFiles> {
    let folder = Folder::open(path)?;
    let modules = Modules::read(&folder)?;
    let body_path = path.join(&modules.body);
    let body = Folder { path: &body_path };
    let config_bytes = body.bytes("config.json")?;
    let config: Config = body.parse("config.json", &config_bytes)?;
    if let Some(other) = config.model_type.filter(|name| name != "bert") {
        return Err(folder.wrong(format!("its architecture is {other:?}; known is: bert")));
    }
    let weights = read_weights(&body)?;
    let tokenizer = body.bytes("tokenizer.json")?;
    let prompts: SentenceTransformersConfig = folder
        .parse_if_there("config_sentence_transformers.json")?
        .unwrap_or_default();
    let positions = config.max_position_embeddings;
    Ok(ModelFiles {
        name: folder_name(path),
        revision: None,
        config: config_bytes.into(),
        weights_sha256: sha256(&weights),
        tokenizer_sha256: sha256(&tokenizer),
        tokenizer: tokenizer.into(),
        weights: Arc::new(weights.into()),
        int8_calibration: body.bytes_if_there(CALIBRATION)?.map(Into::into),
        pooling: modules.pooling,
        normalize: modules.normalize,
        query_prompt: prompts.prompt(&["query"]),
        passage_prompt: prompts.prompt(&["document", "passage", "corpus"]),
        max_tokens: token_limit(&body)?.unwrap_or(positions).min(positions),
        positions,
        dim: config.hidden_size,
    })
}

/// The token limit that the folder sets: in `sentence_bert_config.json`, or as newer versions of
/// sentence-transformers save it, in `tokenizer_config.json`.
pub(super) fn token_limit(body: &Folder) -> Result<Option<usize>> {
    let limits: Option<SentenceBertConfig> = body.parse_if_there("sentence_bert_config.json")?;
    if let Some(limit) = limits.and_then(|limits| limits.max_seq_length) {
        return Ok(Some(limit));
    }
    let limits: Option<TokenizerConfig> = body.parse_if_there("tokenizer_config.json")?;
    let limit = limits.and_then(|limits| limits.model_max_length);
    Ok(limit
        .filter(|limit| *limit >= 1.0)
        .map(|limit| limit as usize))
}

/// The name of a model's folder, for people.
pub(super) fn folder_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The bytes of `model.safetensors`; pickled weights are refused by name.
pub(super) fn read_weights(body: &Folder) -> Result<Vec<u8>> {
    let pickled = ["pytorch_model.bin", "model.pt", "pytorch_model.pt"];
    let safe = body.path.join("model.safetensors").exists();
    if let Some(name) = pickled
        .iter()
        .find(|name| !safe && body.path.join(name).exists())
    {
        let reason = format!(
            "its weights are pickled ({name}), which can run any code when they are read; \
             akin reads model.safetensors only"
        );
        return Err(body.wrong(reason));
    }
    body.bytes("model.safetensors")
}

/// What `modules.json` puts after one another.
struct Modules {
    body: String,
    pooling: Pooling,
    normalize: bool,
}

impl Modules {
    /// Reads `modules.json`; without one, sentence-transformers takes the mean and does not
    /// normalise, and so does this.
    fn read(folder: &Folder) -> Result<Modules> {
        let listed: Option<Vec<Module>> = folder.parse_if_there("modules.json")?;
        let mut modules = Modules {
            body: String::new(),
            pooling: Pooling::Mean,
            normalize: false,
        };
        for module in listed.unwrap_or_default() {
            match module.class.rsplit('.').next().unwrap_or_default() {
                "Transformer" => modules.body = module.path,
                "Pooling" => {
                    let name = format!("{}/config.json", module.path);
                    modules.pooling = pooling_of(folder, &name)?;
                }
                "Normalize" => modules.normalize = true,
                other => {
                    let known = "Transformer, Pooling, Normalize";
                    let reason = format!("modules.json names {other:?}; known are: {known}");
                    return Err(folder.wrong(reason));
                }
            }
        }
        Ok(modules)
    }
}

/// The mode that `1_Pooling/config.json` sets, in either of the two ways it has been written.
fn pooling_of(folder: &Folder, name: &str) -> Result<Pooling> {
    let config: BTreeMap<String, serde_json::Value> = folder.parse(name, &folder.bytes(name)?)?;
    let flags = [
        ("pooling_mode_cls_token", "cls", Pooling::Cls),
        ("pooling_mode_mean_tokens", "mean", Pooling::Mean),
        ("pooling_mode_max_tokens", "max", Pooling::Max),
        (
            "pooling_mode_mean_sqrt_len_tokens",
            "mean_sqrt_len_tokens",
            Pooling::MeanSqrtLen,
        ),
        ("pooling_mode_lasttoken", "lasttoken", Pooling::LastToken),
    ];
    let named = config.get("pooling_mode").and_then(|mode| mode.as_str());
    let is_set = |flag: &str, mode: &str| {
        named.map_or_else(
            || config.get(flag) == Some(&serde_json::Value::Bool(true)),
            |name| name == mode,
        )
    };
    let set: Vec<Pooling> = flags
        .into_iter()
        .filter(|(flag, mode, _)| is_set(flag, mode))
        .map(|(_, _, pooling)| pooling)
        .collect();
    match set[..] {
        [pooling] => Ok(pooling),
        [] => Err(folder.wrong(format!("{name} sets no pooling mode that akin knows"))),
        _ => Err(folder.wrong(format!("{name} sets several pooling modes; akin takes one"))),
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(feature = "bundled-model")]
mod bundled {
    //! The model in this binary: `models/all-MiniLM-L6-v2`, described by its `model.toml`.

    use super::{Arc, Deserialize, Error, ModelFiles, Pooling, Result};

    static CONFIG: &[u8] = include_bytes!("../../models/all-MiniLM-L6-v2/config.json");
    static TOKENIZER: &[u8] = include_bytes!("../../models/all-MiniLM-L6-v2/tokenizer.json");
    static WEIGHTS: &[u8] = include_bytes!("../../models/all-MiniLM-L6-v2/model.safetensors");
    static CALIBRATION: &[u8] =
        include_bytes!("../../models/all-MiniLM-L6-v2/int8-calibration.f32");
    const CARD: &str = include_str!("../../models/all-MiniLM-L6-v2/model.toml");

    /// What `model.toml` says.
    #[derive(Deserialize)]
    pub(super) struct Card {
        pub(super) name: String,
        pub(super) revision: String,
        pub(super) weights_sha256: String,
        pub(super) tokenizer_sha256: String,
        dim: usize,
        pooling: Pooling,
        normalize: bool,
        max_tokens: usize,
        positions: usize,
        prompts: Prompts,
    }

    #[derive(Deserialize)]
    struct Prompts {
        query: String,
        passage: String,
    }

    pub(super) fn card() -> Result<Card> {
        toml::from_str(CARD).map_err(|e| Error::model("bundled", format!("model.toml: {e}")))
    }

    /// The files as they lie in the binary: nothing is copied, hashes are those of the card.
    pub(super) fn files() -> Result<ModelFiles> {
        let card = card()?;
        Ok(ModelFiles {
            name: card.name,
            revision: Some(card.revision),
            config: CONFIG.into(),
            tokenizer: TOKENIZER.into(),
            weights: Arc::new(WEIGHTS.into()),
            int8_calibration: Some(CALIBRATION.into()),
            weights_sha256: card.weights_sha256,
            tokenizer_sha256: card.tokenizer_sha256,
            pooling: card.pooling,
            normalize: card.normalize,
            query_prompt: card.prompts.query,
            passage_prompt: card.prompts.passage,
            max_tokens: card.max_tokens,
            positions: card.positions,
            dim: card.dim,
        })
    }
}

#[cfg(not(feature = "bundled-model"))]
mod bundled {
    //! This build has no model in it.

    use super::{Error, ModelFiles, Result};

    pub(super) fn files() -> Result<ModelFiles> {
        let reason = "this build has none; name a folder with --model, or build with the \
                      feature bundled-model";
        Err(Error::model("bundled", reason))
    }
}

#[cfg(test)]
#[cfg(feature = "bundled-model")]
mod tests {
    use super::*;

    #[test]
    fn the_card_of_the_bundled_model_speaks_of_these_very_bytes() {
        let card = bundled::card().unwrap();
        let files = bundled::files().unwrap();
        assert_eq!(sha256(&files.weights), card.weights_sha256);
        assert_eq!(sha256(&files.tokenizer), card.tokenizer_sha256);
    }

    #[test]
    fn the_bundled_model_and_its_folder_are_one_space() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/all-MiniLM-L6-v2");
        let read = ModelSource::Folder(folder).read().unwrap();
        let bundled = bundled::files().unwrap();
        let fingerprint = |files| super::super::Recipe::of(files, None).unwrap().fingerprint();
        assert_eq!(fingerprint(&read), fingerprint(&bundled));
    }
}
