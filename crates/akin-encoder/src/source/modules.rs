//! Reads `modules.json`: the body, the pooling, and the modules behind it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::folder::Folder;
use crate::head::{Head, Module};
use crate::packed;
use crate::pooling::{Pooling, PoolingMode};
use crate::tensors::tensors_in_place;
use akin_base::error::{Error, Result};

#[derive(Deserialize)]
struct ListedModule {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    class: String,
}

/// The kind of a model's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// A transformer.
    Transformer,
    /// A table of one vector per token.
    Static,
}

/// The modules of a folder.
pub(super) struct Modules {
    pub(super) kind: BodyKind,
    /// The folder of the body, inside the model's.
    pub(super) body: String,
    pub(super) pooling: Pooling,
    /// Whether the prompt's tokens count in the pooling.
    pub(super) pools_prompt: bool,
    /// The modules between pooling and scaling to length 1.
    pub(super) head: Head,
    /// Whether the last module scales vectors to length 1.
    pub(super) normalize: bool,
}

/// Modules that a folder may name: each has weights of its own.
const MAX_MODULES: usize = 32;

const KNOWN: &str = "Transformer, StaticEmbedding, Pooling, Dense, LayerNorm, Normalize, Dropout";

impl Modules {
    /// Reads `modules.json`; without one, sentence-transformers takes the mean and does not
    /// normalise, and so does this.
    pub(super) fn read(folder: &Folder) -> Result<Modules> {
        let listed: Option<Vec<ListedModule>> = folder.parse_if_there("modules.json")?;
        let mut modules = Modules {
            kind: BodyKind::Transformer,
            body: String::new(),
            pooling: Pooling::new(PoolingMode::Mean),
            pools_prompt: true,
            head: Head::default(),
            normalize: false,
        };
        let listed = listed.unwrap_or_default();
        if listed.len() > MAX_MODULES {
            let reason = format!("modules.json names {} modules", listed.len());
            return Err(folder.wrong(reason));
        }
        for (i, ListedModule { class, path }) in listed.into_iter().enumerate() {
            let class = class.rsplit('.').next().unwrap_or_default();
            let is_body = matches!(class, "Transformer" | "StaticEmbedding");
            if is_body != (i == 0) {
                let reason = format!("modules.json names {class:?} as number {}", i + 1);
                return Err(folder.wrong(reason));
            }
            // What follows is no longer of length 1.
            if std::mem::take(&mut modules.normalize) {
                modules.head.push(Module::Normalize);
            }
            modules.add(folder, class, path)?;
        }
        Ok(modules)
    }

    fn add(&mut self, folder: &Folder, class: &str, path: String) -> Result<()> {
        match class {
            "Transformer" => self.body = path,
            "StaticEmbedding" => {
                self.kind = BodyKind::Static;
                self.body = path;
            }
            "Pooling" => {
                let name = format!("{path}/config.json");
                let config: BTreeMap<String, Value> = folder.parse(&name, &folder.bytes(&name)?)?;
                self.pooling = pooling_of(folder, &name, &config)?;
                self.pools_prompt = config.get("include_prompt") != Some(&Value::Bool(false));
            }
            "Dense" => self.head.push(dense(folder, &path)?),
            "LayerNorm" => self.head.push(layer_norm(folder, &path)?),
            "Normalize" => self.normalize = true,
            // Only where a model learns.
            "Dropout" => {}
            other => {
                let reason = format!("modules.json names {other:?}; known are: {KNOWN}");
                return Err(folder.wrong(reason));
            }
        }
        Ok(())
    }
}

/// The modes that `1_Pooling/config.json` sets, in either of the two ways it has been written.
fn pooling_of(folder: &Folder, name: &str, config: &BTreeMap<String, Value>) -> Result<Pooling> {
    let modes = match config.get("pooling_mode") {
        Some(Value::String(mode)) => vec![mode.clone()],
        Some(Value::Array(modes)) => {
            let modes = modes.iter().filter_map(Value::as_str);
            modes.map(str::to_owned).collect()
        }
        _ => PoolingMode::FLAGS
            .iter()
            .filter(|(flag, _)| config.get(*flag) == Some(&Value::Bool(true)))
            .map(|(_, mode)| mode.name().to_owned())
            .collect(),
    };
    modes
        .join("+")
        .try_into()
        .map_err(|reason: String| folder.wrong(format!("{name}: {reason}")))
}

#[derive(Deserialize)]
struct DenseConfig {
    in_features: usize,
    out_features: usize,
    bias: Option<bool>,
    activation_function: Option<String>,
}

fn dense(folder: &Folder, path: &str) -> Result<Module> {
    let name = format!("{path}/config.json");
    let config: DenseConfig = folder.parse(&name, &folder.bytes(&name)?)?;
    let (n_in, n_out) = (config.in_features, config.out_features);
    let class = config.activation_function.unwrap_or_default();
    let is_tanh = match class.rsplit('.').next().unwrap_or_default() {
        "Tanh" | "" => true,
        "Identity" => false,
        other => {
            let reason = format!("{name}: its activation is {other:?}; known are: Tanh, Identity");
            return Err(folder.wrong(reason));
        }
    };
    let tensors = ModuleWeights::read(folder, path)?;
    let n_weights = n_in.checked_mul(n_out).filter(|n| *n > 0);
    let n_weights = n_weights
        .ok_or_else(|| folder.wrong(format!("{name}: a map from {n_in} numbers to {n_out}")))?;
    let weight = tensors.get("linear.weight", n_weights)?;
    let bias = if config.bias.unwrap_or(true) {
        tensors.get("linear.bias", n_out)?
    } else {
        vec![0.0; n_out]
    };
    Ok(Module::Dense {
        weight,
        bias,
        is_tanh,
    })
}

#[derive(Deserialize)]
struct LayerNormConfig {
    dimension: usize,
}

fn layer_norm(folder: &Folder, path: &str) -> Result<Module> {
    let name = format!("{path}/config.json");
    let config: LayerNormConfig = folder.parse(&name, &folder.bytes(&name)?)?;
    let tensors = ModuleWeights::read(folder, path)?;
    Ok(Module::LayerNorm {
        gain: tensors.get("norm.weight", config.dimension)?,
        shift: tensors.get("norm.bias", config.dimension)?,
    })
}

/// The tensors of a module's folder.
struct ModuleWeights<'a> {
    folder: &'a Folder<'a>,
    file: String,
    tensors: std::collections::HashMap<String, packed::Tensor>,
}

impl<'a> ModuleWeights<'a> {
    fn read(folder: &'a Folder<'a>, path: &str) -> Result<ModuleWeights<'a>> {
        let inside = folder.path.join(path);
        let bytes = Folder { path: &inside }.weights()?;
        let file = format!("{path}/model.safetensors");
        let tensors = tensors_in_place(&std::sync::Arc::new(bytes.into()), &[])
            .map_err(|e| folder.wrong(format!("{file}: {e}")))?;
        Ok(ModuleWeights {
            folder,
            file,
            tensors,
        })
    }

    fn get(&self, name: &str, expected: usize) -> Result<Vec<f32>> {
        let wrong =
            |reason: String| -> Error { self.folder.wrong(format!("{}: {reason}", self.file)) };
        let tensor = self.tensors.get(name);
        let tensor = tensor.ok_or_else(|| wrong(format!("the tensor {name} is missing")))?;
        if tensor.len() == expected {
            Ok(tensor.to_floats())
        } else {
            Err(wrong(format!(
                "the tensor {name} has {} numbers instead of {expected}",
                tensor.len()
            )))
        }
    }
}
