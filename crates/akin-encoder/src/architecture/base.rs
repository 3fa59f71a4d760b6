//! A shape like BERT's, which each architecture changes.

use super::config::ModelConfig;
use crate::packed::{LayerKind, Names, NormKind, NormNames, PositionEncoding, Shape};
use akin_base::error::Result;
use akin_kernels::Activation;

/// Limits of a configuration, many times what any encoder has. Tensors are checked against the shape before
/// they are read; these limits bound the tables that are computed from its numbers alone.
const MAX_WIDTH: usize = 1 << 18;
const MAX_HEADS: usize = 1 << 10;
const MAX_HEAD_DIM: usize = 1 << 12;
const MAX_LAYERS: usize = 1 << 10;
const MAX_VOCABULARY: usize = 1 << 26;
const MAX_POSITIONS: usize = 1 << 24;

/// Norms of the sum alone, as the first transformers had them.
pub(super) const fn after(name: &'static str) -> NormNames {
    NormNames {
        before: None,
        branch: None,
        after: Some(name),
    }
}

/// Norms of the input alone.
pub(super) const fn before(name: &'static str) -> NormNames {
    NormNames {
        before: Some(name),
        branch: None,
        after: None,
    }
}

/// A shape like BERT's but for names: learned positions, full attention, norms with gain and shift.
pub(super) fn like_bert(
    config: &ModelConfig<'_>,
    keys: [&str; 5],
    names: &'static Names,
) -> Result<Shape> {
    let [hidden, layers, heads, intermediate, positions] = keys;
    let hidden = config.count_within(hidden, MAX_WIDTH)?;
    let heads = config.count_within(heads, MAX_HEADS)?;
    let head_dim = match config.get("head_dim") {
        Some(_) => config.count_within("head_dim", MAX_HEAD_DIM)?,
        None => config.divided(hidden, heads)?,
    };
    let layers = config.count_within(layers, MAX_LAYERS)?;
    Ok(Shape {
        vocab: config.count_within("vocab_size", MAX_VOCABULARY)?,
        hidden,
        layers,
        heads,
        key_heads: heads,
        head_dim,
        intermediate: config.count_within(intermediate, MAX_WIDTH)?,
        positions: config.count_within(positions, MAX_POSITIONS)?,
        places: PositionEncoding::Learned {
            first: 0,
            padding: None,
        },
        embedding_scale: 1.0,
        query_scale: 1.0 / (head_dim as f32).sqrt(),
        norm: NormKind::Layer { shift: true },
        eps: 1e-12,
        first_is_bare: false,
        activation: Activation::Gelu,
        gate: None,
        causal: false,
        kinds: vec![LayerKind::default()],
        kind_of: vec![0; layers],
        biases: [true; 4],
        names,
    })
}

/// BERT's own keys: hidden width, layers, heads, width inside the feed-forward block, positions.
pub(super) const BERT_KEYS: [&str; 5] = [
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
];
