//! MPNet (Song et al. 2020): BERT without token types, with relative position embeddings that all layers
//! share.

use super::base::{BERT_KEYS, after, like_bert};
use super::config::ModelConfig;
use super::roberta::counted_from_padding;
use crate::packed::{Names, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["mpnet."],
    words: "embeddings.word_embeddings",
    positions: Some("embeddings.position_embeddings"),
    types: None,
    embedding_norm: Some("embeddings.LayerNorm"),
    buckets: Some("encoder.relative_attention_bias"),
    layer: "encoder.layer",
    fused: &["attention.attn.q", "attention.attn.k", "attention.attn.v"],
    query_norm: None,
    key_norm: None,
    attention_out: "attention.attn.o",
    widen: &["intermediate.dense"],
    narrow: "output.dense",
    attention_norms: after("attention.LayerNorm"),
    feed_forward_norms: after("output.LayerNorm"),
    last_norm: None,
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    let shape = Shape {
        eps: config.fraction_or("layer_norm_eps", 1e-12)? as f32,
        activation: config.activation("hidden_act", Activation::Gelu)?,
        ..like_bert(config, BERT_KEYS, &NAMES)?
    };
    // transformers counts from 1 here, whatever `pad_token_id` says.
    counted_from_padding(config, shape, 1)
}
