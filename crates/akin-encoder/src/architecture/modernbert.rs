//! ModernBERT (Warner et al. 2024): norms before the blocks, rotary positions, gated feed-forward blocks,
//! and most layers look at their surroundings only.

use super::base::{BERT_KEYS, before, like_bert};
use super::config::ModelConfig;
use super::rope;
use crate::packed::{Gate, LayerKind, Names, NormKind, PositionEncoding, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["model."],
    words: "embeddings.tok_embeddings",
    positions: None,
    types: None,
    embedding_norm: Some("embeddings.norm"),
    buckets: None,
    layer: "layers",
    fused: &["attn.Wqkv"],
    query_norm: None,
    key_norm: None,
    attention_out: "attn.Wo",
    widen: &["mlp.Wi"],
    narrow: "mlp.Wo",
    attention_norms: before("attn_norm"),
    feed_forward_norms: before("mlp_norm"),
    last_norm: Some("final_norm"),
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    let shape = like_bert(config, BERT_KEYS, &NAMES)?;
    let kind = |name, key, default, window| -> Result<LayerKind> {
        let base = rope::base(config, name, key, default)?;
        Ok(LayerKind {
            frequencies: rope::frequencies(base, shape.head_dim),
            window,
        })
    };
    // Half to either side.
    let window = config.count_or("local_attention", 128)? / 2;
    let global = kind("full_attention", "global_rope_theta", 160_000.0, None)?;
    let local = kind(
        "sliding_attention",
        "local_rope_theta",
        10_000.0,
        Some(window),
    )?;
    let every = config.count_or("global_attn_every_n_layers", 3)?;
    let kind_of = |i: usize| usize::from(!i.is_multiple_of(every));
    let (attention, feed_forward) = (
        config.flag("attention_bias", false)?,
        config.flag("mlp_bias", false)?,
    );
    Ok(Shape {
        places: PositionEncoding::Rotary,
        norm: NormKind::Layer {
            shift: config.flag("norm_bias", false)?,
        },
        eps: config.fraction_or("norm_eps", 1e-5)? as f32,
        first_is_bare: true,
        activation: config.activation("hidden_activation", Activation::Gelu)?,
        gate: Some(Gate::First),
        kind_of: (0..shape.layers).map(kind_of).collect(),
        kinds: vec![global, local],
        biases: [attention, attention, feed_forward, feed_forward],
        ..shape
    })
}
