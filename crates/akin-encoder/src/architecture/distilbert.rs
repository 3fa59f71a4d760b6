//! DistilBERT (Sanh et al. 2019): BERT without token types, under other names.

use super::base::{after, like_bert};
use super::config::ModelConfig;
use crate::packed::{Names, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

const NAMES: Names = Names {
    prefixes: &["distilbert."],
    words: "embeddings.word_embeddings",
    positions: Some("embeddings.position_embeddings"),
    types: None,
    embedding_norm: Some("embeddings.LayerNorm"),
    buckets: None,
    layer: "transformer.layer",
    fused: &["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    query_norm: None,
    key_norm: None,
    attention_out: "attention.out_lin",
    widen: &["ffn.lin1"],
    narrow: "ffn.lin2",
    attention_norms: after("sa_layer_norm"),
    feed_forward_norms: after("output_layer_norm"),
    last_norm: None,
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    let keys = [
        "dim",
        "n_layers",
        "n_heads",
        "hidden_dim",
        "max_position_embeddings",
    ];
    Ok(Shape {
        activation: config.activation("activation", Activation::Gelu)?,
        ..like_bert(config, keys, &NAMES)?
    })
}
