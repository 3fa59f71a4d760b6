//! Qwen3 as an encoder (Zhang et al. 2025, Qwen3-Embedding): a decoder whose last token stands for the
//! text.

use super::base::{BERT_KEYS, before, like_bert};
use super::config::ModelConfig;
use super::rope;
use crate::packed::{Gate, LayerKind, Names, NormKind, PositionEncoding, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["model."],
    words: "embed_tokens",
    positions: None,
    types: None,
    embedding_norm: None,
    buckets: None,
    layer: "layers",
    fused: &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    query_norm: Some("self_attn.q_norm"),
    key_norm: Some("self_attn.k_norm"),
    attention_out: "self_attn.o_proj",
    // The gate first.
    widen: &["mlp.gate_proj", "mlp.up_proj"],
    narrow: "mlp.down_proj",
    attention_norms: before("input_layernorm"),
    feed_forward_norms: before("post_attention_layernorm"),
    last_norm: Some("norm"),
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    config.only("use_sliding_window", false.into())?;
    config.only("attention_bias", false.into())?;
    rope::refuse_scaling(config)?;
    let shape = like_bert(config, BERT_KEYS, &NAMES)?;
    let base = rope::base(config, "full_attention", "rope_theta", 1_000_000.0)?;
    Ok(Shape {
        key_heads: key_heads(config, shape.heads)?,
        places: PositionEncoding::Rotary,
        norm: NormKind::Rms { less_one: false },
        eps: config.fraction_or("rms_norm_eps", 1e-6)? as f32,
        activation: config.activation("hidden_act", Activation::Silu)?,
        gate: Some(Gate::First),
        causal: true,
        kinds: vec![LayerKind {
            frequencies: rope::frequencies(base, shape.head_dim),
            window: None,
        }],
        biases: [false; 4],
        ..shape
    })
}

/// Number of key and value heads; several query heads share each.
pub(super) fn key_heads(config: &ModelConfig<'_>, heads: usize) -> Result<usize> {
    let key_heads = config.count_or("num_key_value_heads", heads)?;
    if heads.is_multiple_of(key_heads) {
        Ok(key_heads)
    } else {
        Err(config.wrong(format!("{key_heads} key heads do not divide {heads} heads")))
    }
}
