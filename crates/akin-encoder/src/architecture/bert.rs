//! BERT (Devlin et al. 2018), as transformers has it.

use super::base::{BERT_KEYS, after, like_bert};
use super::config::ModelConfig;
use crate::packed::{Names, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

/// The names of BERT, RoBERTa and XLM-RoBERTa.
pub(super) const NAMES: Names = Names {
    prefixes: &["bert.", "roberta.", "camembert."],
    words: "embeddings.word_embeddings",
    positions: Some("embeddings.position_embeddings"),
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
    widen: &["intermediate.dense"],
    narrow: "output.dense",
    attention_norms: after("attention.output.LayerNorm"),
    feed_forward_norms: after("output.LayerNorm"),
    last_norm: None,
};

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    config.only("position_embedding_type", "absolute".into())?;
    config.only("is_decoder", false.into())?;
    Ok(Shape {
        eps: config.fraction_or("layer_norm_eps", 1e-12)? as f32,
        activation: config.activation("hidden_act", Activation::Gelu)?,
        ..like_bert(config, BERT_KEYS, &NAMES)?
    })
}
