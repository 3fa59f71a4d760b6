//! Where a model comes from, and reading its folder.
//!
//! In: the model in this binary, a sentence-transformers folder, or one in the hub's cache. Out:
//! [`ModelFiles`]: the shape of the body, the bytes of tokenizer and weights with hashes, and the settings
//! of the small files. Only safetensors are read; pickled checkpoints are refused by name.

mod files;
mod folder;
mod modules;
mod prompts;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(super) use self::files::{BodyPlan, ModelFiles, UNLIMITED_TOKENS};
pub(super) use self::folder::Folder;
use self::modules::{BodyKind, Modules};
use self::prompts::Prompts;
use super::architecture::shape_of;
use super::static_table::StaticTable;
use super::tensors::TensorBytes;
use akin_base::error::{Error, Result};
use akin_base::files::sha256_of_link;
use akin_base::hex::hex;

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// all-MiniLM-L6-v2, compiled into this binary.
    Bundled,
    /// A sentence-transformers folder.
    Folder(PathBuf),
    /// A model of the Hugging Face hub, in the cache of the hub's tools.
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

/// Statistics of a model's activations, for int8: f32, little-endian, in the order of the packed body.
const CALIBRATION: &str = "int8-calibration.f32";

/// Longest separator between title and abstract.
const MAX_SEPARATOR_BYTES: usize = 256;

/// Token limit of model2vec by default.
const MODEL2VEC_TOKENS: usize = 512;

impl ModelSource {
    /// Reads the model's files and settings.
    pub(super) fn read(&self) -> Result<ModelFiles> {
        match self {
            ModelSource::Bundled => bundled::files(),
            ModelSource::Folder(folder) => read_folder(folder, None),
            ModelSource::Hub { id, commit, folder } => read_hub(id, commit, folder),
        }
    }
}

/// Texts with the embeddings that another program computed (see `verify`).
pub(super) const GOLDEN: &str = "golden.json";

/// The fields of a `config.json` that tell static embeddings from a transformer.
#[derive(Default, Deserialize)]
struct StaticConfig {
    model_type: Option<String>,
    #[serde(default)]
    normalize: bool,
}

/// Reads the folder of a commit, under the model's own name.
fn read_hub(id: &str, commit: &str, folder: &Path) -> Result<ModelFiles> {
    if !folder.is_dir() {
        return Err(Error::ModelMissing {
            id: format!("{id}@{commit}"),
            reason: format!("the folder {} is gone", folder.display()),
        });
    }
    let files = read_folder(folder, Some(id))?;
    let fetched = sha256_of_link(&folder.join("model.safetensors"));
    if let Some(fetched) = fetched.filter(|sha256| *sha256 != files.weights_sha256) {
        let found = &files.weights_sha256;
        let reason = format!(
            "its model.safetensors is damaged: the sha256 is {found}, and it was fetched as {fetched}"
        );
        return Err(Error::model(id, reason));
    }
    Ok(ModelFiles {
        revision: Some(commit.to_owned()),
        ..files
    })
}

/// Reads a model's folder; without a name, the model is called like the folder.
fn read_folder(path: &Path, name: Option<&str>) -> Result<ModelFiles> {
    let folder = Folder::open(path)?;
    let listed = Modules::read(&folder)?;
    let body_path = path.join(&listed.body);
    let folder_of_body = Folder { path: &body_path };
    let name = name.map_or_else(|| folder.name(), str::to_owned);
    let config = folder_of_body.bytes_if_there("config.json")?;
    let tells: Option<StaticConfig> = match &config {
        Some(bytes) => Some(folder_of_body.parse("config.json", bytes)?),
        None => None,
    };
    let tells = tells.unwrap_or_default();
    let is_static =
        listed.kind == BodyKind::Static || tells.model_type.as_deref() == Some("model2vec");
    let weights = folder_of_body.weights()?;
    let weights_sha256 = sha256(&weights);
    let weights: Arc<TensorBytes> = Arc::new(weights.into());
    let body = if is_static {
        let table = StaticTable::load(&weights);
        BodyPlan::Static(table.map_err(|e| folder.wrong(format!("model.safetensors: {e}")))?)
    } else {
        let config = folder_of_body.bytes("config.json")?;
        BodyPlan::Transformer(Box::new(shape_of(&name, &config)?))
    };
    let prompts = Prompts::read(&folder, &name)?;
    if !listed.pools_prompt && prompts != Prompts::default() {
        return Err(folder.wrong("its pooling excludes the prompt, which akin does not support"));
    }
    let (hidden, positions) = match &body {
        BodyPlan::Transformer(shape) => {
            (shape.hidden * listed.pooling.modes().len(), shape.positions)
        }
        BodyPlan::Static(table) => (table.dim(), UNLIMITED_TOKENS),
    };
    let tokenizer = folder_of_body.bytes("tokenizer.json")?;
    Ok(ModelFiles {
        revision: None,
        weights_sha256,
        tokenizer_sha256: sha256(&tokenizer),
        tokenizer: tokenizer.into(),
        weights,
        int8_calibration: folder_of_body.bytes_if_there(CALIBRATION)?.map(Into::into),
        golden: folder.bytes_if_there(GOLDEN)?.map(Into::into),
        pooling: listed.pooling,
        dim: listed.head.dim_out(hidden).map_err(|e| folder.wrong(e))?,
        head: listed.head,
        normalize: listed.normalize || (is_static && tells.normalize),
        prompts,
        similarity: prompts::similarity(&folder)?,
        lowers_case: folder_of_body.lowers_case()?,
        separator: separator(&folder_of_body, &name)?,
        max_tokens: match &body {
            BodyPlan::Transformer(_) => folder_of_body.token_limit(positions)?,
            BodyPlan::Static(table) if table.is_model2vec() => MODEL2VEC_TOKENS,
            BodyPlan::Static(_) => UNLIMITED_TOKENS,
        },
        positions,
        body,
        name,
    })
}

#[derive(Default, Deserialize)]
struct Separator {
    sep_token: Option<serde_json::Value>,
}

/// The separator between title and abstract for models that were trained with one: SPECTER and its
/// successors (Cohan et al. 2020).
fn separator(body: &Folder, name: &str) -> Result<Option<String>> {
    let name = name.to_lowercase();
    if !["specter", "scincl"]
        .iter()
        .any(|family| name.contains(family))
    {
        return Ok(None);
    }
    let config: Option<Separator> = body.parse_if_there("tokenizer_config.json")?;
    let token = config.and_then(|config| config.sep_token);
    let text = token
        .as_ref()
        .and_then(|token| token["content"].as_str().or(token.as_str()));
    let text = text.unwrap_or("[SEP]");
    if text.len() <= MAX_SEPARATOR_BYTES {
        Ok(Some(text.to_owned()))
    } else {
        Err(body.wrong(format!("its separator is {} bytes long", text.len())))
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

#[cfg(feature = "bundled-model")]
mod bundled;

#[cfg(not(feature = "bundled-model"))]
mod bundled {
    //! This build has no model in it.

    use super::files::ModelFiles;
    use akin_base::error::{Error, Result};

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
        let folder = akin_testing::repository().join("models/all-MiniLM-L6-v2");
        let read = ModelSource::Folder(folder).read().unwrap();
        let bundled = bundled::files().unwrap();
        let fingerprint = |files| {
            super::super::Recipe::from_files(files, None, None)
                .unwrap()
                .fingerprint()
        };
        assert_eq!(fingerprint(&read), fingerprint(&bundled));
    }
}
