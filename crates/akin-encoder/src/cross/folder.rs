//! Reads the folder of a cross-encoder.
//!
//! In: a folder as sentence-transformers or transformers saves one. Out: [`CrossFolder`]: the bytes of
//! config, tokenizer and weights, the architecture, the activation and the token limit. Anything that
//! `CrossEncoder.predict` would compute otherwise is refused by name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::source::Folder;
use crate::tensors::TensorBytes;
use akin_base::error::Result;

/// How a model's layers are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    /// BERT with its pooler, and a linear map.
    Bert,
    /// RoBERTa or XLM-RoBERTa with a head of two linear maps.
    Roberta,
    /// ModernBERT with its head.
    ModernBert,
}

const ARCHITECTURES: [(&str, Architecture); 4] = [
    ("BertForSequenceClassification", Architecture::Bert),
    ("RobertaForSequenceClassification", Architecture::Roberta),
    ("XLMRobertaForSequenceClassification", Architecture::Roberta),
    (
        "ModernBertForSequenceClassification",
        Architecture::ModernBert,
    ),
];

/// The function from logit to score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreActivation {
    /// The logit is the score.
    Identity,
    /// The logistic function: scores from 0 to 1.
    Sigmoid,
}

impl ScoreActivation {
    pub(super) fn score(self, logit: f32) -> f32 {
        match self {
            ScoreActivation::Identity => logit,
            ScoreActivation::Sigmoid => 1.0 / (1.0 + (-logit).exp()),
        }
    }
}

/// What a cross-encoder's folder holds.
pub(super) struct CrossFolder {
    pub(super) name: String,
    pub(super) config: Vec<u8>,
    pub(super) tokenizer: Vec<u8>,
    pub(super) weights: Arc<TensorBytes>,
    pub(super) architecture: Architecture,
    pub(super) activation: ScoreActivation,
    pub(super) max_tokens: usize,
    /// Whether the model gets token types: which of the two texts a token belongs to.
    pub(super) has_types: bool,
}

/// What of `config.json` does not depend on the architecture.
#[derive(Deserialize)]
struct CrossConfig {
    #[serde(default)]
    architectures: Vec<String>,
    id2label: Option<BTreeMap<String, serde_json::Value>>,
    num_labels: Option<usize>,
    max_position_embeddings: usize,
    #[serde(default)]
    pad_token_id: Option<usize>,
    #[serde(default)]
    sentence_transformers: OfSentenceTransformers,
    sbert_ce_default_activation_function: Option<String>,
}

/// What sentence-transformers says, in `config.json` since its version 4, and in
/// `config_sentence_transformers.json` since 5.
#[derive(Default, Deserialize)]
struct OfSentenceTransformers {
    activation_fn: Option<String>,
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

#[derive(Deserialize)]
struct CrossModule {
    #[serde(rename = "type")]
    class: String,
    #[serde(default)]
    path: String,
}

#[derive(Default, Deserialize)]
struct CrossTokenizerConfig {
    model_input_names: Option<Vec<String>>,
}

impl CrossFolder {
    /// Reads a folder.
    pub(super) fn read(path: &Path) -> Result<CrossFolder> {
        let folder = Folder::open(path)?;
        refuse_other_modules(&folder)?;
        let config_bytes = folder.bytes("config.json")?;
        let config: CrossConfig = folder.parse("config.json", &config_bytes)?;
        let architecture = architecture(&folder, &config)?;
        refuse_other_labels(&folder, &config)?;
        let activation = activation(&folder, &config)?;
        let positions = positions(&config, architecture);
        let limit = folder.token_limit(positions)?;
        let names: Option<CrossTokenizerConfig> = folder.parse_if_there("tokenizer_config.json")?;
        let names = names.and_then(|names| names.model_input_names);
        let is_given = |names: Vec<String>| names.iter().any(|name| name == "token_type_ids");
        Ok(CrossFolder {
            name: folder.name(),
            weights: Arc::new(folder.weights()?.into()),
            tokenizer: folder.bytes("tokenizer.json")?,
            config: config_bytes,
            architecture,
            activation,
            max_tokens: limit.min(positions),
            has_types: architecture == Architecture::Bert && names.is_none_or(is_given),
        })
    }
}

/// Newer folders list their modules: one, the transformer.
fn refuse_other_modules(folder: &Folder) -> Result<()> {
    let modules: Option<Vec<CrossModule>> = folder.parse_if_there("modules.json")?;
    for CrossModule { class, path } in modules.unwrap_or_default() {
        if class.rsplit('.').next() != Some("Transformer") || !path.is_empty() {
            let reason = format!(
                "modules.json names {class:?}; a cross-encoder of one Transformer is wanted"
            );
            return Err(folder.wrong(reason));
        }
    }
    Ok(())
}

fn architecture(folder: &Folder, config: &CrossConfig) -> Result<Architecture> {
    let known = ARCHITECTURES.map(|(name, _)| name).join(", ");
    let [named] = &config.architectures[..] else {
        let reason = format!("config.json names no architecture; known are: {known}");
        return Err(folder.wrong(reason));
    };
    let found = ARCHITECTURES.iter().find(|(name, _)| name == named);
    found.map(|(_, architecture)| *architecture).ok_or_else(|| {
        let no_classifier = if named.ends_with("ForSequenceClassification") {
            ""
        } else {
            ", which scores no pairs"
        };
        let reason = format!("its architecture is {named}{no_classifier}; known are: {known}");
        folder.wrong(reason)
    })
}

/// transformers takes two labels where nothing is said.
fn refuse_other_labels(folder: &Folder, config: &CrossConfig) -> Result<()> {
    let listed = config.id2label.as_ref().map(BTreeMap::len);
    match listed.or(config.num_labels).unwrap_or(2) {
        1 => Ok(()),
        n => Err(folder.wrong(format!(
            "it gives a pair {n} labels; expected a model that gives one score"
        ))),
    }
}

/// The activation that the folder names, in any of the three places that there have been; the logistic
/// function where it names none.
fn activation(folder: &Folder, config: &CrossConfig) -> Result<ScoreActivation> {
    let of_folder: Option<OfSentenceTransformers> =
        folder.parse_if_there("config_sentence_transformers.json")?;
    let of_folder = of_folder.unwrap_or_default();
    let prompt = of_folder.default_prompt_name.as_ref();
    let prompt = prompt.and_then(|name| of_folder.prompts.get(name));
    if let Some(prompt) = prompt.filter(|prompt| !prompt.is_empty()) {
        let reason = format!("it asks for {prompt:?} before a pair, which akin does not support");
        return Err(folder.wrong(reason));
    }
    let named = of_folder
        .activation_fn
        .as_ref()
        .or(config.sentence_transformers.activation_fn.as_ref())
        .or(config.sbert_ce_default_activation_function.as_ref());
    match named.map(|name| name.rsplit('.').next().unwrap_or_default()) {
        Some("Identity") => Ok(ScoreActivation::Identity),
        Some("Sigmoid") | None => Ok(ScoreActivation::Sigmoid),
        Some(other) => Err(folder.wrong(format!(
            "its activation is {other:?}; known are: Identity, Sigmoid"
        ))),
    }
}

/// Tokens that have a position. RoBERTa counts them from behind the padding's id.
fn positions(config: &CrossConfig, architecture: Architecture) -> usize {
    let taken = match architecture {
        Architecture::Roberta => config.pad_token_id.unwrap_or(1).saturating_add(1),
        Architecture::Bert | Architecture::ModernBert => 0,
    };
    config.max_position_embeddings.saturating_sub(taken)
}
