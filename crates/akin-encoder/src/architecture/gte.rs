//! The "new" architecture of GTE and Arctic Embed 2 (Zhang et al. 2024): BERT with rotary positions and gated
//! feed-forward blocks.

use super::base::{BERT_KEYS, after, like_bert};
use super::config::ModelConfig;
use super::rope;
use crate::packed::{Gate, LayerKind, Names, PositionEncoding, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["new."],
    words: "embeddings.word_embeddings",
    positions: None,
    types: Some("embeddings.token_type_embeddings"),
    embedding_norm: Some("embeddings.LayerNorm"),
    buckets: None,
    layer: "encoder.layer",
    fused: &["attention.qkv_proj"],
    query_norm: None,
    key_norm: None,
    attention_out: "attention.o_proj",
    widen: &["mlp.up_gate_proj"],
    narrow: "mlp.down_proj",
    attention_norms: after("attn_ln"),
    feed_forward_norms: after("mlp_ln"),
    last_norm: None,
};

/// The same without token types.
const NAMES_WITHOUT_TYPES: Names = Names {
    types: None,
    ..NAMES
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    config.only("position_embedding_type", "rope".into())?;
    config.only("layer_norm_type", "layer_norm".into())?;
    config.only("logn_attention_scale", false.into())?;
    let has_types = config.index_or("type_vocab_size", 1)? > 0;
    let names = if has_types {
        &NAMES
    } else {
        &NAMES_WITHOUT_TYPES
    };
    let shape = like_bert(config, BERT_KEYS, names)?;
    let frequencies = frequencies(config, shape.head_dim)?;
    Ok(Shape {
        places: PositionEncoding::Rotary,
        eps: config.fraction_or("layer_norm_eps", 1e-12)? as f32,
        activation: config.activation("hidden_act", Activation::Gelu)?,
        gate: Some(Gate::Last),
        kinds: vec![LayerKind {
            frequencies,
            window: None,
        }],
        biases: [true, true, false, true],
        ..shape
    })
}

/// Frequencies, stretched by a fixed factor if the configuration sets one. The base is multiplied by it,
/// and every frequency is divided by its `2 / dim`-th power.
fn frequencies(config: &ModelConfig<'_>, dim: usize) -> Result<Vec<f64>> {
    let base = config.number_or("rope_theta", 10_000.0)?;
    let Some(scaling) = config.part("rope_scaling") else {
        return Ok(rope::frequencies(base, dim));
    };
    scaling.only("type", "ntk".into())?;
    scaling.only("mixed_b", serde_json::Value::Null)?;
    let factor = scaling.number("factor")?;
    if factor <= 1.0 {
        return Ok(rope::frequencies(base, dim));
    }
    let divisor = factor.powf(2.0 / dim as f64);
    let stretched = rope::frequencies(base * factor, dim);
    Ok(stretched.into_iter().map(|f| f / divisor).collect())
}
