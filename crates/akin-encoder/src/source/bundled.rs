//! The model in this binary: `models/all-MiniLM-L6-v2`, described by its `model.toml`.

use std::sync::Arc;

use serde::Deserialize;

use super::files::{BodyPlan, ModelFiles};
use super::prompts::Prompts;
use crate::architecture::shape_of;
use crate::head::Head;
use crate::pooling::Pooling;
use akin_base::error::{Error, Result};

static CONFIG: &[u8] = include_bytes!("../../../../models/all-MiniLM-L6-v2/config.json");
static TOKENIZER: &[u8] = include_bytes!("../../../../models/all-MiniLM-L6-v2/tokenizer.json");
static WEIGHTS: &[u8] = include_bytes!("../../../../models/all-MiniLM-L6-v2/model.safetensors");
static CALIBRATION: &[u8] =
    include_bytes!("../../../../models/all-MiniLM-L6-v2/int8-calibration.f32");
static GOLDEN: &[u8] = include_bytes!("../../../../models/all-MiniLM-L6-v2/golden.json");
const CARD: &str = include_str!("../../../../models/all-MiniLM-L6-v2/model.toml");

/// What `model.toml` says.
#[derive(Deserialize)]
pub(super) struct Card {
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) weights_sha256: String,
    pub(super) tokenizer_sha256: String,
    dim: usize,
    pooling: Pooling,
    normalize: bool,
    max_tokens: usize,
    positions: usize,
    prompts: CardPrompts,
}

#[derive(Deserialize)]
struct CardPrompts {
    query: String,
    passage: String,
}

pub(super) fn card() -> Result<Card> {
    toml::from_str(CARD).map_err(|e| Error::model("bundled", format!("model.toml: {e}")))
}

/// The files as they lie in the binary: nothing is copied, hashes are those of the card.
pub(super) fn files() -> Result<ModelFiles> {
    let card = card()?;
    Ok(ModelFiles {
        body: BodyPlan::Transformer(Box::new(shape_of(&card.name, CONFIG)?)),
        name: card.name,
        revision: Some(card.revision),
        tokenizer: TOKENIZER.into(),
        weights: Arc::new(WEIGHTS.into()),
        int8_calibration: Some(CALIBRATION.into()),
        golden: Some(GOLDEN.into()),
        weights_sha256: card.weights_sha256,
        tokenizer_sha256: card.tokenizer_sha256,
        pooling: card.pooling,
        head: Head::default(),
        normalize: card.normalize,
        prompts: Prompts {
            query: card.prompts.query,
            passage: card.prompts.passage,
        },
        similarity: None,
        lowers_case: false,
        separator: None,
        max_tokens: card.max_tokens,
        positions: card.positions,
        dim: card.dim,
    })
}
