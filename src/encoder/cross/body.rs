//! The bodies of cross-encoders: pairs of token ids to one logit a pair.
//!
//! In: encoded pairs of any lengths. Out: one f32 a pair, before any activation. BERT runs on this
//! crate's packed rows; RoBERTa, XLM-RoBERTa and ModernBERT run through candle-transformers on padded
//! batches. candle's ModernBERT classifier is not used: it ends in a softmax over the labels, which is 1
//! for every pair where there is one label.

use std::collections::HashMap;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::{Activation, LayerNorm, Linear, Module, VarBuilder};
use candle_transformers::models::{bert, modernbert, xlm_roberta};
use serde::Deserialize;

use super::folder::{Architecture, CrossFolder};
use crate::encoder::batch;
use crate::encoder::body::{Reason, tensors_in_place};
use crate::encoder::kernels::Isa;
use crate::encoder::packed::{self, BertShape, PackedBert};
use crate::encoder::tokenize::PairEncoding;
use crate::error::{Error, Result};

/// Tokens computed together through candle, padding included: few enough for the temporaries to stay
/// in cache.
const CANDLE_BUDGET_TOKENS: usize = 1024;

/// A body with its head.
pub(super) struct CrossBody {
    vocab_size: usize,
    route: Route,
}

/// Which code computes.
enum Route {
    Packed(Box<PackedCross>),
    Roberta(Box<xlm_roberta::XLMRobertaForSequenceClassification>),
    ModernBert(Box<ModernBertCross>),
}

/// BERT: the first token's state, through the pooler and the classifier.
struct PackedCross {
    body: PackedBert,
    pooler: Dense,
    classifier: Dense,
    has_types: bool,
}

/// A linear map of one row.
struct Dense {
    /// `[out, in]`.
    weight: Vec<f32>,
    /// `[out]`.
    bias: Vec<f32>,
}

/// ModernBERT: the first token's state or the mean of all, through the head and the classifier.
struct ModernBertCross {
    body: modernbert::ModernBert,
    dense: Linear,
    norm: LayerNorm,
    classifier: Linear,
    pooling: ClassifierPooling,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClassifierPooling {
    #[default]
    Cls,
    Mean,
}

/// What `config.json` says of a RoBERTa.
#[derive(Deserialize)]
struct RobertaConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: Activation,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    pad_token_id: u32,
    position_embedding_type: Option<String>,
}

/// What `config.json` says of a ModernBERT.
#[derive(Deserialize)]
struct ModernBertConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    norm_eps: f64,
    pad_token_id: u32,
    global_attn_every_n_layers: usize,
    global_rope_theta: f64,
    local_attention: usize,
    local_rope_theta: f64,
    #[serde(default)]
    classifier_pooling: ClassifierPooling,
    hidden_activation: Option<String>,
    classifier_activation: Option<String>,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    classifier_bias: bool,
}

impl CrossBody {
    /// Loads the weights, on the threads of the current rayon pool.
    pub(super) fn load(files: &CrossFolder) -> Result<CrossBody> {
        let loaded = match files.architecture {
            Architecture::Bert => load_bert(files),
            Architecture::Roberta => load_roberta(files),
            Architecture::ModernBert => load_modernbert(files),
        };
        loaded.map_err(|reason| Error::model(&files.name, reason))
    }

    /// Rows of the token embedding table.
    pub(super) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Tokens of a batch.
    pub(super) fn budget_tokens(&self) -> usize {
        match self.route {
            Route::Packed(_) => batch::BUDGET_TOKENS,
            Route::Roberta(_) | Route::ModernBert(_) => CANDLE_BUDGET_TOKENS,
        }
    }

    /// One logit a pair, on the threads of the current rayon pool.
    pub(super) fn logits(&self, pairs: &[&PairEncoding]) -> Result<Vec<f32>, Reason> {
        let logits = match &self.route {
            Route::Packed(cross) => return cross.logits(pairs),
            Route::Roberta(model) => {
                let Padded { ids, mask } = Padded::of(pairs)?;
                model.forward(&ids, &mask, &ids.zeros_like()?)?
            }
            Route::ModernBert(model) => model.forward(&Padded::of(pairs)?)?,
        };
        Ok(logits.flatten_all()?.to_vec1()?)
    }
}

impl std::fmt::Debug for CrossBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CrossBody")
            .field("vocab_size", &self.vocab_size)
            .finish_non_exhaustive()
    }
}

fn load_bert(files: &CrossFolder) -> Result<CrossBody, Reason> {
    let config: bert::Config = config_of(files)?;
    if !matches!(config.hidden_act, bert::HiddenAct::Gelu) {
        return Err("config.json: its hidden_act is not gelu, which alone is known here".into());
    }
    let shape = BertShape::from(&config);
    let hidden = shape.hidden;
    let tensors = tensors_in_place(&files.weights).map_err(in_weights)?;
    let find = |name: &str| tensors.get(name).cloned();
    let dense = |name: &str, n_out: usize| {
        let get = |part: &str, n: usize| floats(&find, &format!("{name}.{part}"), n);
        Ok::<_, Reason>(Dense {
            weight: get("weight", n_out * hidden)?,
            bias: get("bias", n_out)?,
        })
    };
    floats(
        &find,
        "embeddings.word_embeddings.weight",
        config.vocab_size * hidden,
    )?;
    let body = PackedBert::new(shape, &find, packed::Precision::F32, Isa::detect());
    let body = body.map_err(|e| in_weights(e.into()))?;
    if files.has_types && body.n_types() < 2 {
        return Err("model.safetensors: it has one type of token, and a pair wants two".into());
    }
    Ok(CrossBody {
        vocab_size: config.vocab_size,
        route: Route::Packed(Box::new(PackedCross {
            body,
            pooler: dense("pooler.dense", hidden)?,
            classifier: dense("classifier", 1)?,
            has_types: files.has_types,
        })),
    })
}

/// The numbers of a tensor, which must be so many.
fn floats(tensors: &packed::Tensors<'_>, name: &str, n: usize) -> Result<Vec<f32>, Reason> {
    let missing = || in_weights(format!("the tensor {name} is missing").into());
    let tensor = tensors(name).ok_or_else(missing)?;
    match tensor.len() == n {
        true => Ok(tensor.to_floats()),
        false => {
            let found = tensor.len();
            let reason = format!("the tensor {name} has {found} numbers instead of {n}");
            Err(in_weights(reason.into()))
        }
    }
}

fn load_roberta(files: &CrossFolder) -> Result<CrossBody, Reason> {
    let config: RobertaConfig = config_of(files)?;
    if let Some(other) = config
        .position_embedding_type
        .filter(|name| name != "absolute")
    {
        let reason = format!("config.json: its positions are {other:?}; known is: absolute");
        return Err(reason.into());
    }
    let tensors = weights_of(files)?;
    // Both architectures name their tensors alike.
    let config = xlm_roberta::Config {
        hidden_size: config.hidden_size,
        layer_norm_eps: config.layer_norm_eps,
        attention_probs_dropout_prob: 0.0,
        hidden_dropout_prob: 0.0,
        num_attention_heads: config.num_attention_heads,
        position_embedding_type: "absolute".to_owned(),
        intermediate_size: config.intermediate_size,
        hidden_act: config.hidden_act,
        num_hidden_layers: config.num_hidden_layers,
        vocab_size: config.vocab_size,
        max_position_embeddings: config.max_position_embeddings,
        type_vocab_size: config.type_vocab_size,
        pad_token_id: config.pad_token_id,
    };
    let model = xlm_roberta::XLMRobertaForSequenceClassification::new(1, &config, tensors);
    Ok(CrossBody {
        vocab_size: config.vocab_size,
        route: Route::Roberta(Box::new(model.map_err(|e| in_weights(e.into()))?)),
    })
}

fn load_modernbert(files: &CrossFolder) -> Result<CrossBody, Reason> {
    let config: ModernBertConfig = config_of(files)?;
    refuse_unknown_parts(&config)?;
    let (hidden, eps) = (config.hidden_size, config.norm_eps);
    let vocab_size = config.vocab_size;
    let tensors = weights_of(files)?;
    // candle takes a norm that is missing for one that is not wanted, as in the first layer.
    for layer in 1..config.num_hidden_layers {
        let name = format!("model.layers.{layer}.attn_norm.weight");
        if !tensors.contains_tensor(&name) {
            return Err(in_weights(format!("the tensor {name} is missing").into()));
        }
    }
    let pooling = config.classifier_pooling;
    let body = modernbert::ModernBert::load(tensors.clone(), &config.into());
    let head = || -> candle_core::Result<(Linear, LayerNorm, Linear)> {
        Ok((
            candle_nn::linear_no_bias(hidden, hidden, tensors.pp("head.dense"))?,
            candle_nn::layer_norm_no_bias(hidden, eps, tensors.pp("head.norm"))?,
            candle_nn::linear(hidden, 1, tensors.pp("classifier"))?,
        ))
    };
    let body = body.map_err(|e| in_weights(e.into()))?;
    let (dense, norm, classifier) = head().map_err(|e| in_weights(e.into()))?;
    Ok(CrossBody {
        vocab_size,
        route: Route::ModernBert(Box::new(ModernBertCross {
            body,
            dense,
            norm,
            classifier,
            pooling,
        })),
    })
}

fn refuse_unknown_parts(config: &ModernBertConfig) -> Result<(), Reason> {
    let biases = [
        ("norm_bias", config.norm_bias),
        ("attention_bias", config.attention_bias),
        ("mlp_bias", config.mlp_bias),
        ("classifier_bias", config.classifier_bias),
    ];
    if let Some((name, _)) = biases.iter().find(|(_, is_set)| *is_set) {
        return Err(format!("config.json: {name} is set, which is not known here").into());
    }
    let activations = [&config.hidden_activation, &config.classifier_activation];
    match activations
        .into_iter()
        .flatten()
        .find(|name| *name != "gelu")
    {
        Some(other) => Err(format!("config.json: it wants {other:?}; known is: gelu").into()),
        None => Ok(()),
    }
}

impl From<ModernBertConfig> for modernbert::Config {
    fn from(config: ModernBertConfig) -> modernbert::Config {
        modernbert::Config {
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            intermediate_size: config.intermediate_size,
            // Rotations are made for all positions; no pair is longer than this.
            max_position_embeddings: config.max_position_embeddings.min(super::MOST_PAIR_TOKENS),
            layer_norm_eps: config.norm_eps,
            pad_token_id: config.pad_token_id,
            global_attn_every_n_layers: config.global_attn_every_n_layers,
            global_rope_theta: config.global_rope_theta,
            local_attention: config.local_attention,
            local_rope_theta: config.local_rope_theta,
            classifier_config: None,
        }
    }
}

fn config_of<T: for<'de> Deserialize<'de>>(files: &CrossFolder) -> Result<T, Reason> {
    serde_json::from_slice(&files.config).map_err(|e| format!("config.json: {e}").into())
}

/// The checkpoint's tensors as f32.
fn weights_of(files: &CrossFolder) -> Result<VarBuilder<'static>, Reason> {
    let load = || -> candle_core::Result<HashMap<String, Tensor>> {
        let tensors = candle_core::safetensors::load_buffer(&files.weights, &Device::Cpu)?;
        let floats = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?));
        tensors.into_iter().map(floats).collect()
    };
    let tensors = load().map_err(|e| in_weights(e.into()))?;
    Ok(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))
}

fn in_weights(reason: Reason) -> Reason {
    format!("model.safetensors: {reason}").into()
}

impl PackedCross {
    fn logits(&self, pairs: &[&PairEncoding]) -> Result<Vec<f32>, Reason> {
        let ids: Vec<u32> = pairs.iter().flat_map(|pair| pair.ids.clone()).collect();
        let lengths: Vec<usize> = pairs.iter().map(|pair| pair.ids.len()).collect();
        let types: Vec<u32> = match self.has_types {
            true => pairs.iter().flat_map(|pair| pair.types.clone()).collect(),
            false => Vec::new(),
        };
        if let Some(other) = types.iter().find(|t| **t as usize >= self.body.n_types()) {
            return Err(format!("the tokenizer gives a token type {other}").into());
        }
        let hidden = self.body.shape().hidden;
        let first = |rows: &[f32], out: &mut [f32]| out.copy_from_slice(&rows[..hidden]);
        let states = self.body.embed_typed(&ids, &types, &lengths, first);
        let logit = |state: &[f32]| {
            let mut pooled = self.pooler.apply(state);
            pooled.iter_mut().for_each(|x| *x = x.tanh());
            self.classifier.apply(&pooled)[0]
        };
        Ok(states.chunks_exact(hidden).map(logit).collect())
    }
}

impl Dense {
    fn apply(&self, row: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(row.len()).zip(&self.bias);
        rows.map(|(weight, bias)| crate::vectors::dot(weight, row) + bias)
            .collect()
    }
}

/// Pairs side by side, filled up to the longest.
struct Padded {
    /// Token ids `[pairs, tokens]`, u32.
    ids: Tensor,
    /// 1 where there is a token, `[pairs, tokens]`, f32.
    mask: Tensor,
}

impl Padded {
    /// Padding is token 0: the mask keeps it from being looked at, and it stands behind the tokens.
    fn of(pairs: &[&PairEncoding]) -> candle_core::Result<Padded> {
        let n_tokens = pairs.iter().map(|pair| pair.ids.len()).max().unwrap_or(0);
        let shape = (pairs.len(), n_tokens);
        let mut ids = Vec::with_capacity(pairs.len() * n_tokens);
        let mut mask = Vec::with_capacity(ids.capacity());
        for pair in pairs {
            let padding = n_tokens - pair.ids.len();
            ids.extend(pair.ids.iter().copied());
            ids.extend(std::iter::repeat_n(0u32, padding));
            mask.extend(std::iter::repeat_n(1f32, pair.ids.len()));
            mask.extend(std::iter::repeat_n(0f32, padding));
        }
        Ok(Padded {
            ids: Tensor::from_vec(ids, shape, &Device::Cpu)?,
            mask: Tensor::from_vec(mask, shape, &Device::Cpu)?,
        })
    }
}

impl ModernBertCross {
    /// Logits `[pairs, 1]`.
    fn forward(&self, pairs: &Padded) -> candle_core::Result<Tensor> {
        let states = self.body.forward(&pairs.ids, &pairs.mask)?;
        let pooled = match self.pooling {
            ClassifierPooling::Cls => states.get_on_dim(1, 0)?.contiguous()?,
            ClassifierPooling::Mean => {
                let mask = pairs.mask.unsqueeze(D::Minus1)?;
                let sum = states.broadcast_mul(&mask)?.sum(1)?;
                sum.broadcast_div(&mask.sum(1)?)?
            }
        };
        let pooled = self
            .norm
            .forward(&self.dense.forward(&pooled)?.gelu_erf()?)?;
        self.classifier.forward(&pooled)
    }
}
