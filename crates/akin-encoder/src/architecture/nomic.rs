//! NomicBERT (Nussbaum et al. 2024): BERT with rotary positions, gated feed-forward blocks and GPT-2's names
//! in its configuration.

use serde_json::Value;

use super::base::{after, like_bert};
use super::config::ModelConfig;
use super::rope;
use crate::packed::{Gate, LayerKind, Names, PositionEncoding, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["bert."],
    words: "embeddings.word_embeddings",
    positions: None,
    types: Some("embeddings.token_type_embeddings"),
    embedding_norm: Some("emb_ln"),
    buckets: None,
    layer: "encoder.layers",
    fused: &["attn.Wqkv"],
    query_norm: None,
    key_norm: None,
    attention_out: "attn.out_proj",
    // The gate first.
    widen: &["mlp.fc12", "mlp.fc11"],
    narrow: "mlp.fc2",
    attention_norms: after("norm1"),
    feed_forward_norms: after("norm2"),
    last_norm: None,
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    config.only("prenorm", false.into())?;
    config.only("use_rms_norm", false.into())?;
    config.only("rotary_emb_interleaved", false.into())?;
    config.only("rotary_emb_scale_base", Value::Null)?;
    config.only("parallel_block", false.into())?;
    let activation = match config.text("activation_function")? {
        Some("swiglu") => Activation::Silu,
        Some("geglu") => Activation::Gelu,
        other => {
            let other = other.unwrap_or("nothing");
            let reason = format!("activation_function is {other:?}; known are: swiglu, geglu");
            return Err(config.wrong(reason));
        }
    };
    let keys = ["n_embd", "n_layer", "n_head", "n_inner", "n_positions"];
    let shape = like_bert(config, keys, &NAMES)?;
    let fraction = config.fraction_or("rotary_emb_fraction", 1.0)?;
    let turned = (shape.head_dim as f64 * fraction) as usize;
    if turned < 2 {
        let of = shape.head_dim;
        let reason =
            format!("rotary_emb_fraction is {fraction}: of {of} numbers of a head none turn");
        return Err(config.wrong(reason));
    }
    let base = config.number_or("rotary_emb_base", 10_000.0)?;
    let qkv = config.flag("qkv_proj_bias", true)?;
    let trained = config.count_or("max_trained_positions", shape.positions)?;
    // Past those that it was trained on, scaled positions depend on the length of the text.
    let is_scaled = config.get("rotary_scaling_factor").is_some();
    let multiple = config.count_or("pad_vocab_size_multiple", 1)?;
    Ok(Shape {
        vocab: shape.vocab.next_multiple_of(multiple),
        positions: if is_scaled {
            shape.positions.min(trained)
        } else {
            shape.positions
        },
        places: PositionEncoding::Rotary,
        eps: config.fraction_or("layer_norm_epsilon", 1e-12)? as f32,
        activation,
        gate: Some(Gate::First),
        kinds: vec![LayerKind {
            frequencies: rope::frequencies(base, turned),
            window: None,
        }],
        biases: [
            qkv,
            qkv,
            config.flag("mlp_fc1_bias", true)?,
            config.flag("mlp_fc2_bias", true)?,
        ],
        ..shape
    })
}
