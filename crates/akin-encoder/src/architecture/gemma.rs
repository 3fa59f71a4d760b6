//! Gemma 3 as an encoder (EmbeddingGemma, Vera et al. 2025): norms before the blocks and of
//! what they add. Most layers attend to a window of neighbours only.

use serde_json::Value;

use super::base::{BERT_KEYS, like_bert};
use super::config::ModelConfig;
use super::qwen::key_heads;
use super::rope;
use crate::packed::{Gate, LayerKind, Names, NormKind, NormNames, PositionEncoding, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["model.", "language_model."],
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
    attention_norms: NormNames {
        before: Some("input_layernorm"),
        branch: Some("post_attention_layernorm"),
        after: None,
    },
    feed_forward_norms: NormNames {
        before: Some("pre_feedforward_layernorm"),
        branch: Some("post_feedforward_layernorm"),
        after: None,
    },
    last_norm: Some("norm"),
};

/// The kinds of layers, as `layer_types` names them; places in [`Shape::kinds`].
const KINDS: [&str; 2] = ["full_attention", "sliding_attention"];

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    config.only("attention_bias", false.into())?;
    config.only("attn_logit_softcapping", Value::Null)?;
    rope::refuse_scaling(config)?;
    let shape = like_bert(config, BERT_KEYS, &NAMES)?;
    let full = rope::base(config, KINDS[0], "rope_theta", 1_000_000.0)?;
    let sliding = rope::base(config, KINDS[1], "rope_local_base_freq", 10_000.0)?;
    let is_causal = !config.flag("use_bidirectional_attention", false)?;
    let window = config.count_or("sliding_window", 4096)?;
    let kind = |base, window| LayerKind {
        frequencies: rope::frequencies(base, shape.head_dim),
        window,
    };
    let scalar = config.number_or("query_pre_attn_scalar", 256.0)?;
    Ok(Shape {
        key_heads: key_heads(config, shape.heads)?,
        places: PositionEncoding::Rotary,
        embedding_scale: (shape.hidden as f32).sqrt(),
        query_scale: scalar.powf(-0.5) as f32,
        norm: NormKind::Rms { less_one: true },
        eps: config.fraction_or("rms_norm_eps", 1e-6)? as f32,
        activation: config.activation("hidden_activation", Activation::GeluTanh)?,
        gate: Some(Gate::First),
        causal: is_causal,
        // Of a text that is read in both directions, half to either side.
        kinds: vec![
            kind(full, None),
            kind(
                sliding,
                Some(if is_causal { window - 1 } else { window / 2 }),
            ),
        ],
        kind_of: kind_of(config, shape.layers)?,
        biases: [false; 4],
        ..shape
    })
}

/// The kind of each layer: as listed, or every n-th sees everything.
fn kind_of(config: &ModelConfig<'_>, layers: usize) -> Result<Vec<usize>> {
    let Some(listed) = config.get("layer_types") else {
        let every = match config.get("sliding_window_pattern") {
            Some(_) => config.count("sliding_window_pattern")?,
            None => config.count_or("_sliding_window_pattern", 6)?,
        };
        return Ok((1..=layers)
            .map(|i| usize::from(!i.is_multiple_of(every)))
            .collect());
    };
    let listed = listed.as_array().map_or(&[][..], Vec::as_slice);
    let kind = |name: &Value| KINDS.iter().position(|kind| name == kind);
    let kinds: Option<Vec<usize>> = listed.iter().map(kind).collect();
    kinds.filter(|kinds| kinds.len() == layers).ok_or_else(|| {
        config.wrong(format!(
            "layer_types is to name one of {} for each of {layers} layers",
            KINDS.join(", ")
        ))
    })
}
