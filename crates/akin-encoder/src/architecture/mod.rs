//! Turns a `config.json` into the [`Shape`] of a body; one file per architecture.
//!
//! In: the `config.json` of a transformers checkpoint. Out: the shape, with the names of the tensors, that
//! the packed body is computed by. Settings that the packed body does not compute are refused by name.

mod base;
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

use self::config::ModelConfig;
use super::packed::{PositionEncoding, Shape};
use akin_base::error::{Error, Result};

/// What transformers calls the architectures that are known, and who reads their configuration.
type Reader = fn(&ModelConfig<'_>) -> Result<Shape>;

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

/// Limit on the numbers of a table with entries for every position: rotations, or biases by distance and
/// head.
const MAX_TABLE_LEN: usize = 1 << 28;

/// Reads the `config.json` of a model of this name.
///
/// # Errors
/// [`Error::Model`] for an architecture or a setting that is not known, naming it.
pub(super) fn shape_of(model: &str, config: &[u8]) -> Result<Shape> {
    let config = ModelConfig::parse(model, config)?;
    // Old checkpoints do not say that they are BERT.
    let named = config.text("model_type")?.unwrap_or("bert");
    let is_slanted = config.text("position_embedding_type")? == Some("alibi");
    if named == "bert" && is_slanted {
        return bounded(&config, jina::shape(&config)?);
    }
    match KNOWN.iter().find(|(name, _)| *name == named) {
        Some((_, read)) => bounded(&config, read(&config)?),
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

/// Refuses a shape whose tables would be too long.
fn bounded(config: &ModelConfig<'_>, shape: Shape) -> Result<Shape> {
    let of_position = match shape.places {
        PositionEncoding::Learned { .. } if shape.names.buckets.is_none() => 0,
        PositionEncoding::Rotary => shape.head_dim,
        PositionEncoding::Learned { .. } | PositionEncoding::Slopes => 2 * shape.heads,
    };
    if shape.positions.saturating_mul(of_position) <= MAX_TABLE_LEN {
        Ok(shape)
    } else {
        Err(config.wrong(format!("{} positions are too many", shape.positions)))
    }
}

#[cfg(test)]
mod tests {
    use super::base::BERT_KEYS;
    use super::*;

    /// What is said of a model with these settings instead of its own.
    fn refused<T: Copy + Into<serde_json::Value>>(
        model: &str,
        settings: &[(&str, T)],
    ) -> Option<String> {
        let root = akin_testing::data("models");
        let config = std::fs::read(root.join(model).join("config.json")).expect("a configuration");
        let mut config: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
        for (key, number) in settings {
            config[*key] = (*number).into();
        }
        let shape = shape_of(model, config.to_string().as_bytes());
        shape.err().map(|error| error.to_string())
    }

    #[test]
    fn counts_have_limits_in_every_architecture() {
        let models = [
            ("tiny-bert-cls", BERT_KEYS),
            ("tiny-roberta", BERT_KEYS),
            ("tiny-xlmr", BERT_KEYS),
            ("tiny-mpnet", BERT_KEYS),
            ("tiny-modernbert", BERT_KEYS),
            ("tiny-gte", BERT_KEYS),
            ("tiny-jinabert", BERT_KEYS),
            ("tiny-qwen3", BERT_KEYS),
            ("tiny-embeddinggemma", BERT_KEYS),
            (
                "tiny-distilbert",
                [
                    "dim",
                    "n_layers",
                    "n_heads",
                    "hidden_dim",
                    "max_position_embeddings",
                ],
            ),
            (
                "tiny-nomicbert",
                ["n_embd", "n_layer", "n_head", "n_inner", "n_positions"],
            ),
        ];
        for (model, keys) in models {
            assert_eq!(refused::<u64>(model, &[]), None, "{model}");
            for key in keys.into_iter().chain(["vocab_size"]) {
                for number in [0, 1 << 30, 1_000_000_000, 1 << 62, u64::MAX] {
                    let said = refused(model, &[(key, number)]);
                    let said = said.unwrap_or_else(|| panic!("{model}: {key} {number}"));
                    assert!(said.contains(key) && said.contains("wanted"), "{said}");
                }
            }
        }
        let said = refused(
            "tiny-jinabert",
            &[
                ("max_position_embeddings", 1 << 24),
                ("hidden_size", 1024),
                ("num_attention_heads", 1024),
            ],
        );
        assert!(
            said.expect("a long table")
                .contains("positions are too many")
        );
        let said = refused("tiny-nomicbert", &[("pad_vocab_size_multiple", u64::MAX)]);
        assert!(
            said.expect("no multiple")
                .contains("pad_vocab_size_multiple")
        );
    }

    #[test]
    fn fractions_have_limits_in_every_architecture() {
        let no_fractions = [0.0, -1.0, 1.5, 3.5, 1e-300, 1e308, 100_000.0, -1e308];
        let no_numbers = [0.0, -1.0, 1e-300, 1e308, -1e308];
        let check = |model: &str, key: &str, numbers: &[f64]| {
            for number in numbers {
                let said = refused(model, &[(key, *number)]);
                let said = said.unwrap_or_else(|| panic!("{model}: {key} {number}"));
                let is_named = said.contains("config.json") && said.contains(key);
                assert!(is_named && said.contains("is wanted"), "{said}");
            }
            let said = refused(model, &[(key, "x")]).expect("no number");
            assert!(said.contains(key) && said.contains("is wanted"), "{said}");
        };
        for (model, eps) in [
            ("tiny-bert-cls", "layer_norm_eps"),
            ("tiny-roberta", "layer_norm_eps"),
            ("tiny-mpnet", "layer_norm_eps"),
            ("tiny-modernbert", "norm_eps"),
            ("tiny-gte", "layer_norm_eps"),
            ("tiny-jinabert", "layer_norm_eps"),
            ("tiny-qwen3", "rms_norm_eps"),
            ("tiny-embeddinggemma", "rms_norm_eps"),
            ("tiny-nomicbert", "layer_norm_epsilon"),
            ("tiny-nomicbert", "rotary_emb_fraction"),
        ] {
            check(model, eps, &no_fractions);
        }
        check("tiny-nomicbert", "rotary_emb_base", &no_numbers);
        check("tiny-embeddinggemma", "query_pre_attn_scalar", &no_numbers);
        check("tiny-gte", "rope_theta", &no_numbers);
        assert_eq!(
            refused("tiny-nomicbert", &[("rotary_emb_fraction", 0.5)]),
            None
        );
        let said = refused("tiny-nomicbert", &[("rotary_emb_fraction", 0.01)]);
        assert!(said.expect("too few").contains("none turn"));
        for padding in [-1.0, 0.5, 1e308] {
            let said = refused("tiny-roberta", &[("pad_token_id", padding)]).expect("no token");
            assert!(said.contains("pad_token_id is "), "{said}");
        }
    }
}
