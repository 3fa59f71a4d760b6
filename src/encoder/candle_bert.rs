//! BERT through candle-transformers: any activation it knows, padded batches.
//!
//! In: token ids of texts of different lengths. Out: `[texts, hidden_size]` f32, pooled. Padding
//! is masked and cut off again: it never reaches the pooling.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use super::Pooling;
use super::batch;

/// Tokens computed together, padding included: few enough for the temporaries to stay in cache.
const BUDGET_TOKENS: usize = 1024;

/// A BERT body as candle-transformers computes it, f32.
pub(super) struct CandleBert {
    model: BertModel,
}

impl CandleBert {
    /// Takes the checkpoint's tensors under their modern names.
    pub(super) fn load(tensors: HashMap<String, Tensor>, config: &Config) -> Result<CandleBert> {
        let floats = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?));
        let tensors = tensors.into_iter().map(floats).collect::<Result<_>>()?;
        let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let model = BertModel::load(weights, config)?;
        Ok(CandleBert { model })
    }

    /// One pooled vector a text.
    pub(super) fn embed(&self, texts: &[&[u32]], pooling: Pooling) -> Result<Vec<Vec<f32>>> {
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in batch::plan(&lengths, BUDGET_TOKENS) {
            let ids: Vec<&[u32]> = batch.iter().map(|&i| texts[i]).collect();
            for (i, vector) in batch.into_iter().zip(self.embed_padded(&ids, pooling)?) {
                vectors[i] = vector;
            }
        }
        Ok(vectors)
    }

    fn embed_padded(&self, texts: &[&[u32]], pooling: Pooling) -> Result<Vec<Vec<f32>>> {
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
        let dim = hidden.dim(2)?;
        let pooled = |(i, text): (usize, &&[u32])| {
            let rows: Vec<f32> = hidden
                .get(i)?
                .narrow(0, 0, text.len())?
                .flatten_all()?
                .to_vec1()?;
            Ok(pooling.pool(&rows, dim))
        };
        texts.iter().enumerate().map(pooled).collect()
    }
}
