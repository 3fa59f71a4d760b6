//! BERT through candle: token ids to hidden states, f32, on the CPU.
//!
//! In: batches of token ids of different lengths. Out: for each text its rows
//! `[tokens, hidden_size]`. Padding is masked and cut off again: it never reaches the pooling.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use super::source::ModelFiles;
use crate::error::{Error, Result};

/// A BERT body with its weights.
pub(super) struct Bert {
    model: BertModel,
    config: Config,
}

impl Bert {
    /// Loads the weights of a BERT-shaped checkpoint, whichever of the usual names they carry.
    pub(super) fn load(files: &ModelFiles) -> Result<Bert> {
        let wrong = |reason: String| Error::model(&files.name, reason);
        let config: Config = serde_json::from_slice(&files.config)
            .map_err(|e| wrong(format!("config.json is not that of a BERT: {e}")))?;
        let tensors = candle_core::safetensors::load_buffer(&files.weights, &Device::Cpu)
            .map_err(|e| wrong(format!("model.safetensors: {e}")))?;
        let mut renamed = HashMap::with_capacity(tensors.len());
        for (name, tensor) in tensors {
            let tensor = tensor
                .to_dtype(DType::F32)
                .map_err(|e| wrong(format!("tensor {name}: {e}")))?;
            renamed.insert(modern_name(&name), tensor);
        }
        let weights = VarBuilder::from_tensors(renamed, DType::F32, &Device::Cpu);
        let model = BertModel::load(weights, &config)
            .map_err(|e| wrong(format!("model.safetensors: {e}")))?;
        Ok(Bert { model, config })
    }

    /// Rows of the token embedding table.
    pub(super) fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    /// Hidden states of the last layer: for each text its rows `[tokens, hidden_size]`.
    pub(super) fn hidden_states(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        self.forward(texts).map_err(|e| Error::Encode { source: e.into() })
    }

    fn forward(&self, texts: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let n_tokens = texts.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let shape = (texts.len(), n_tokens);
        let mut ids = Vec::with_capacity(texts.len() * n_tokens);
        let mut mask = Vec::with_capacity(ids.capacity());
        for text in texts {
            let padding = n_tokens - text.len();
            ids.extend(text.iter().copied());
            ids.extend(std::iter::repeat_n(0u32, padding));
            mask.extend(std::iter::repeat_n(1f32, text.len()));
            mask.extend(std::iter::repeat_n(0f32, padding));
        }
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        let hidden = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let rows = |(i, text): (usize, &&[u32])| {
            hidden.get(i)?.narrow(0, 0, text.len())?.flatten_all()?.to_vec1()
        };
        texts.iter().enumerate().map(rows).collect()
    }
}

impl std::fmt::Debug for Bert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bert").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A tensor's name without the `bert.` of checkpoints with a head, and with the parameters of
/// LayerNorm as they have been called since TensorFlow's names were dropped.
fn modern_name(name: &str) -> String {
    let bare = name.strip_prefix("bert.").unwrap_or(name);
    bare.replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias")
}
