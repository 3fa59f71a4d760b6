//! From what `config.json` says to the [`Shape`] of a body: one file an architecture.
//!
//! In: the `config.json` of a transformers checkpoint. Out: the shape, with the names of the tensors, that
//! the packed body is computed by. Settings that would make it another computation than the packed one are
//! refused by name.

mod bert;
mod config;
mod distilbert;
mod gemma;
mod gte;
mod jina;
mod modernbert;
mod mpnet;
mod nomic;
mod qwen;
mod roberta;
mod rope;

use self::config::Config;
use super::kernels::Activation;
use super::packed::{LayerKind, NormKind, NormNames, Places, Shape};
use crate::error::{Error, Result};

/// What transformers calls the architectures that are known, and who reads their configuration.
type Reader = fn(&Config<'_>) -> Result<Shape>;

const KNOWN: [(&str, Reader); 12] = [
    ("bert", bert::shape),
    ("roberta", roberta::shape),
    ("xlm-roberta", roberta::shape),
    ("camembert", roberta::shape),
    ("distilbert", distilbert::shape),
    ("mpnet", mpnet::shape),
    ("modernbert", modernbert::shape),
    ("nomic_bert", nomic::shape),
    ("new", gte::shape),
    ("qwen3", qwen::shape),
    ("gemma3_text", gemma::shape),
    ("gemma3", gemma::shape),
];

/// Reads the `config.json` of a model of this name.
///
/// # Errors
/// [`Error::Model`] for an architecture or a setting that is not known, naming it.
pub(super) fn shape_of(model: &str, config: &[u8]) -> Result<Shape> {
    let config = Config::parse(model, config)?;
    // Old checkpoints do not say that they are BERT.
    let named = config.text("model_type")?.unwrap_or("bert");
    let is_slanted = config.text("position_embedding_type")? == Some("alibi");
    if named == "bert" && is_slanted {
        return jina::shape(&config);
    }
    match KNOWN.iter().find(|(name, _)| *name == named) {
        Some((_, read)) => read(&config),
        None => {
            let known: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
            let known = known.join(", ");
            Err(Error::model(
                model,
                format!("its architecture is {named:?}; known are: {known}, and static embeddings"),
            ))
        }
    }
}

/// Norms of the sum alone, as the first transformers had them.
const fn after(name: &'static str) -> NormNames {
    NormNames {
        before: None,
        branch: None,
        after: Some(name),
    }
}

/// Norms of the input alone.
const fn before(name: &'static str) -> NormNames {
    NormNames {
        before: Some(name),
        branch: None,
        after: None,
    }
}

/// A shape like BERT's but for names: learned positions, full attention, norms with gain and shift.
fn like_bert(
    config: &Config<'_>,
    keys: [&str; 5],
    names: &'static super::packed::Names,
) -> Result<Shape> {
    let [hidden, layers, heads, intermediate, positions] = keys;
    let (hidden, heads) = (config.count(hidden)?, config.count(heads)?);
    let head_dim = match config.get("head_dim") {
        Some(_) => config.count("head_dim")?,
        None => config.divided(hidden, heads)?,
    };
    let layers = config.count(layers)?;
    Ok(Shape {
        vocab: config.count("vocab_size")?,
        hidden,
        layers,
        heads,
        key_heads: heads,
        head_dim,
        intermediate: config.count(intermediate)?,
        positions: config.count(positions)?,
        places: Places::Learned {
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
const BERT_KEYS: [&str; 5] = [
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
];
