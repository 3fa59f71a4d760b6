//! Static embeddings: one vector per token; a text is the mean of its tokens (model2vec, and
//! sentence-transformers' `StaticEmbedding`).
//!
//! In: token ids. Out: `[dim]`, zeros for a text without tokens.

use std::sync::Arc;

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device};

use super::packed::Tensor;
use super::tensors::{Reason, TensorBytes, tensors_in_place};

/// A table of one vector a token.
#[derive(Clone)]
pub(super) struct StaticTable {
    /// `[rows, dim]`
    rows: Tensor,
    dim: usize,
    /// What each token's vector is multiplied by.
    weights: Option<Vec<f32>>,
    /// Which row each token has; its own where there is no mapping.
    mapping: Option<Vec<usize>>,
    is_model2vec: bool,
}

impl StaticTable {
    /// The table of a checkpoint, as either of the two saves it.
    pub(super) fn load(bytes: &Arc<TensorBytes>) -> Result<StaticTable, Reason> {
        let whole: &[u8] = bytes;
        let file = SliceSafetensors::new(whole)?;
        let names = ["embeddings", "embedding.weight"];
        let found = names.into_iter().find(|name| file.get(name).is_ok());
        let missing = || format!("the tensor {} is missing", names.join(" or "));
        let name = found.ok_or_else(missing)?;
        let &[n_rows, dim] = file.get(name)?.shape() else {
            return Err(format!("the tensor {name} is not a table").into());
        };
        let mut tensors = tensors_in_place(bytes, &[])?;
        let rows = tensors.remove(name).ok_or_else(missing)?;
        // A table without rows may have vectors of any length.
        if n_rows == 0 || dim == 0 || n_rows.checked_mul(dim) != Some(rows.len()) {
            return Err(format!("the tensor {name} has {n_rows} vectors of {dim} numbers").into());
        }
        let table = StaticTable {
            rows,
            dim,
            weights: tensors.get("weights").map(Tensor::to_floats),
            mapping: mapping(&file)?,
            is_model2vec: name == "embeddings",
        };
        let n_tokens = table.vocab_size();
        if let Some(row) = table.mapping.iter().flatten().find(|row| **row >= n_rows) {
            return Err(format!("the mapping names row {row} of {n_rows}").into());
        }
        match &table.weights {
            Some(weights) if weights.len() != n_tokens => {
                Err(format!("there are {} weights of {n_tokens} tokens", weights.len()).into())
            }
            _ => Ok(table),
        }
    }

    /// Numbers in a vector.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Tokens that have a vector.
    pub(super) fn vocab_size(&self) -> usize {
        let mapped = self.mapping.as_ref().map(Vec::len);
        mapped.unwrap_or(self.rows.len() / self.dim)
    }

    /// Whether it is one of model2vec's, which leave tokens out that the tokenizer does not know.
    pub(super) fn is_model2vec(&self) -> bool {
        self.is_model2vec
    }

    /// The mean of the tokens' vectors.
    pub(super) fn embed(&self, ids: &[u32]) -> Vec<f32> {
        let (mut sum, mut row) = (vec![0.0; self.dim], vec![0.0; self.dim]);
        for &id in ids {
            let id = id as usize;
            let at = self.mapping.as_ref().map_or(id, |mapping| mapping[id]);
            self.rows.read(at * self.dim, &mut row);
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[id]);
            sum.iter_mut()
                .zip(&row)
                .for_each(|(sum, x)| *sum += x * weight);
        }
        let n = ids.len().max(1) as f32;
        sum.iter_mut().for_each(|x| *x /= n);
        sum
    }
}

fn mapping(file: &SliceSafetensors<'_>) -> Result<Option<Vec<usize>>, Reason> {
    if file.get("mapping").is_err() {
        return Ok(None);
    }
    let stored = file.load("mapping", &Device::Cpu)?.to_dtype(DType::I64)?;
    let rows: Vec<i64> = stored.flatten_all()?.to_vec1()?;
    let rows: Result<Vec<usize>, _> = rows.into_iter().map(usize::try_from).collect();
    Ok(Some(rows.map_err(|_| "the mapping names a row below 0")?))
}
