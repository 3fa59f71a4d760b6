//! JinaBERT, the second version (Günther et al. 2023): BERT with slopes for positions (ALiBi) and gated
//! feed-forward blocks.

use super::base::{BERT_KEYS, after, like_bert};
use super::config::ModelConfig;
use crate::packed::{Gate, Names, PositionEncoding, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["bert."],
    words: "embeddings.word_embeddings",
    positions: None,
    types: Some("embeddings.token_type_embeddings"),
    embedding_norm: Some("embeddings.LayerNorm"),
    buckets: None,
    layer: "encoder.layer",
    fused: &[
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ],
    query_norm: None,
    key_norm: None,
    attention_out: "attention.output.dense",
    widen: &["mlp.gated_layers"],
    narrow: "mlp.wo",
    attention_norms: after("attention.output.LayerNorm"),
    feed_forward_norms: after("mlp.layernorm"),
    last_norm: None,
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    let code = config.part("auto_map");
    let code = code.and_then(|code| Some(code.text("AutoModel").ok()??.to_owned()));
    if let Some(other) = code.filter(|code| code.contains("qk-post-norm")) {
        return Err(config.wrong(format!("it is computed by {other:?}, which is not known")));
    }
    let activation = match config.text("feed_forward_type")? {
        Some("geglu") => Activation::Gelu,
        Some("reglu") => Activation::Relu,
        other => {
            let other = other.unwrap_or("nothing");
            let reason = format!("feed_forward_type is {other:?}; known are: geglu, reglu");
            return Err(config.wrong(reason));
        }
    };
    Ok(Shape {
        places: PositionEncoding::Slopes,
        eps: config.fraction_or("layer_norm_eps", 1e-12)? as f32,
        activation,
        gate: Some(Gate::First),
        biases: [true, true, false, true],
        ..like_bert(config, BERT_KEYS, &NAMES)?
    })
}
