//! The bodies of cross-encoders: from pairs of token ids to one logit per pair.
//!
//! In: encoded pairs of any lengths. Out: one f32 a pair, before any activation. The bodies are those of
//! the encoders, on packed rows; pooling and scoring are here.

use serde::Deserialize;

use super::folder::{Architecture, CrossFolder};
use crate::architecture::shape_of;
use crate::packed::{self, PackedBody};
use crate::pooling::{Pooling, PoolingMode};
use crate::tensors::{Reason, tensors_in_place};
use crate::tokenize::PairEncoding;
use akin_base::error::{Error, Result};
use akin_kernels::{Activation, Isas};

/// A body with what scores a pair.
pub(super) struct CrossBody {
    body: PackedBody,
    isa: Isas,
    pooling: Pooling,
    has_types: bool,
    dense: Dense,
    between: Between,
    classifier: Dense,
}

/// The step between the two linear maps of the head.
enum Between {
    Tanh,
    /// GELU, then layer normalisation with these gains.
    GeluNorm {
        gain: Vec<f32>,
        eps: f32,
    },
}

/// A linear map of one row.
struct Dense {
    /// `[out, in]`.
    weight: Vec<f32>,
    /// `[out]`.
    bias: Vec<f32>,
}

/// What `config.json` says of the head of a ModernBERT.
#[derive(Default, Deserialize)]
struct HeadConfig {
    classifier_pooling: Option<String>,
    classifier_activation: Option<String>,
    norm_eps: Option<f32>,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    classifier_bias: bool,
}

impl CrossBody {
    /// Loads the weights, on the threads of the current rayon pool, for pairs of up to `max_tokens`.
    pub(super) fn load(files: &CrossFolder, max_tokens: usize) -> Result<CrossBody> {
        let wrong = |reason: String| Error::model(&files.name, reason);
        let shape = shape_of(&files.name, &files.config)?.shortened(max_tokens);
        let config: HeadConfig = serde_json::from_slice(&files.config)
            .map_err(|e| wrong(format!("config.json: {e}")))?;
        let pooling = pooling(&config, files.architecture).map_err(wrong)?;
        load(files, shape, pooling, &config)
            .map_err(|reason| wrong(format!("model.safetensors: {reason}")))
    }

    /// Rows of the token embedding table.
    pub(super) fn vocab_size(&self) -> usize {
        self.body.shape().vocab
    }

    /// One logit a pair, on the threads of the current rayon pool.
    pub(super) fn logits(&self, pairs: &[&PairEncoding]) -> Result<Vec<f32>, Reason> {
        let ids: Vec<u32> = pairs.iter().flat_map(|pair| pair.ids.clone()).collect();
        let lengths: Vec<usize> = pairs.iter().map(|pair| pair.ids.len()).collect();
        let types: Vec<u32> = if self.has_types {
            pairs.iter().flat_map(|pair| pair.types.clone()).collect()
        } else {
            Vec::new()
        };
        if let Some(other) = types.iter().find(|t| **t as usize >= self.body.n_types()) {
            return Err(format!("the tokenizer gives a token type {other}").into());
        }
        let pool = |rows: &[f32], out: &mut [f32]| self.pooling.pool(rows, out);
        let pooled = self.body.embed_typed(&ids, &types, &lengths, 1, pool);
        let hidden = self.body.shape().hidden;
        Ok(pooled
            .chunks_exact(hidden)
            .map(|row| self.logit(row))
            .collect())
    }

    fn logit(&self, pooled: &[f32]) -> f32 {
        let mut row = self.dense.apply(pooled);
        match &self.between {
            Between::Tanh => row.iter_mut().for_each(|x| *x = x.tanh()),
            Between::GeluNorm { gain, eps } => {
                self.isa.activate(Activation::Gelu, &mut row);
                self.isa
                    .layer_norm(&mut row, gain, &vec![0.0; gain.len()], *eps);
            }
        }
        self.classifier.apply(&row)[0]
    }
}

impl std::fmt::Debug for CrossBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CrossBody")
            .field("pooling", &self.pooling)
            .finish_non_exhaustive()
    }
}

/// The pooling that the configuration sets; the error names a setting that is not supported.
fn pooling(config: &HeadConfig, architecture: Architecture) -> Result<Pooling, String> {
    if architecture != Architecture::ModernBert {
        return Ok(Pooling::new(PoolingMode::Cls));
    }
    let flags = [
        ("norm_bias", config.norm_bias),
        ("classifier_bias", config.classifier_bias),
    ];
    if let Some((name, _)) = flags.iter().find(|(_, is_set)| *is_set) {
        return Err(format!(
            "config.json: {name} is set, which is not known here"
        ));
    }
    match config.classifier_activation.as_deref() {
        None | Some("gelu") => {}
        Some(other) => return Err(format!("config.json: it wants {other:?}; known is: gelu")),
    }
    match config.classifier_pooling.as_deref() {
        None | Some("cls") => Ok(Pooling::new(PoolingMode::Cls)),
        Some("mean") => Ok(Pooling::new(PoolingMode::Mean)),
        Some(other) => Err(format!(
            "config.json: classifier_pooling is {other:?}; known are: cls, mean"
        )),
    }
}

fn load(
    files: &CrossFolder,
    shape: packed::Shape,
    pooling: Pooling,
    config: &HeadConfig,
) -> Result<CrossBody, Reason> {
    let hidden = shape.hidden;
    let tensors = tensors_in_place(&files.weights, shape.names.prefixes)?;
    let find = |name: &str| tensors.get(name).cloned();
    let dense = |name: &str, n_out: usize, has_bias: bool| {
        let get = |part: &str, n: usize| floats(&find, &format!("{name}.{part}"), n);
        Ok::<_, Reason>(Dense {
            weight: get("weight", n_out * hidden)?,
            bias: if has_bias {
                get("bias", n_out)?
            } else {
                vec![0.0; n_out]
            },
        })
    };
    let (between, dense_layer, classifier) = match files.architecture {
        Architecture::Bert => (
            Between::Tanh,
            dense("pooler.dense", hidden, true)?,
            "classifier",
        ),
        Architecture::Roberta => (
            Between::Tanh,
            dense("classifier.dense", hidden, true)?,
            "classifier.out_proj",
        ),
        Architecture::ModernBert => (
            Between::GeluNorm {
                gain: floats(&find, "head.norm.weight", hidden)?,
                eps: config.norm_eps.unwrap_or(1e-5),
            },
            dense("head.dense", hidden, false)?,
            "classifier",
        ),
    };
    let isa = Isas::detect();
    let body = PackedBody::new(shape, &find, packed::Arithmetic::F32, isa)?;
    if files.has_types && body.n_types() < 2 {
        return Err("it has one type of token, and a pair wants two".into());
    }
    Ok(CrossBody {
        body,
        isa,
        pooling,
        has_types: files.has_types,
        dense: dense_layer,
        between,
        classifier: dense(classifier, 1, true)?,
    })
}

/// The numbers of a tensor, which must have exactly `n`.
fn floats(tensors: &packed::Tensors<'_>, name: &str, n: usize) -> Result<Vec<f32>, Reason> {
    let tensor = tensors(name).ok_or_else(|| format!("the tensor {name} is missing"))?;
    if tensor.len() == n {
        Ok(tensor.to_floats())
    } else {
        let found = tensor.len();
        Err(format!("the tensor {name} has {found} numbers instead of {n}").into())
    }
}

impl Dense {
    fn apply(&self, row: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(row.len()).zip(&self.bias);
        rows.map(|(weight, bias)| akin_base::vectors::dot(weight, row) + bias)
            .collect()
    }
}
