//! What a token sees of the others, as tensors: rotations, and what distance adds to scores.

use candle_core::{DType, Device, Result, Tensor};

use crate::encoder::packed::{LayerKind, Outlooks};

/// What all layers of a kind look at.
pub(super) struct Outlook {
    /// Cosines and sines, `[positions, half]`.
    pub(super) rotation: Option<(Tensor, Tensor)>,
    /// What is added to scores for how far a key is from the query, `[heads or 1, 2 * reach + 1]`, f32.
    relative: Option<Tensor>,
    reach: usize,
}

impl Outlook {
    pub(super) fn new(
        kind: &LayerKind,
        outlooks: &Outlooks<'_>,
        dtype: DType,
        device: &Device,
    ) -> Result<Outlook> {
        let positions = outlooks.positions();
        let rotation = match kind.frequencies.is_empty() {
            true => None,
            false => {
                let half = kind.frequencies.len();
                let angle = |i: usize| (i / half) as f64 * kind.frequencies[i % half];
                let tensor = |f: fn(f64) -> f64| {
                    let all: Vec<f32> = (0..positions * half).map(|i| f(angle(i)) as f32).collect();
                    Tensor::from_vec(all, (positions, half), device)?.to_dtype(dtype)
                };
                Some((tensor(f64::cos)?, tensor(f64::sin)?))
            }
        };
        let relative = match outlooks.relative(kind) {
            None => None,
            Some((heads, added)) => {
                let width = 2 * positions - 1;
                // In units of the softmax to base e.
                let natural = added.into_iter().map(|x| x * std::f32::consts::LN_2);
                let natural: Vec<f32> = natural.collect();
                Some(Tensor::from_vec(natural, (heads, width), device)?)
            }
        };
        Ok(Outlook {
            rotation,
            relative,
            reach: positions - 1,
        })
    }

    /// What is added to the scores of texts of so many tokens, `[1, heads or 1, tokens, tokens]`, f32.
    pub(super) fn added(&self, n_tokens: usize) -> Result<Option<Tensor>> {
        let Some(table) = &self.relative else {
            return Ok(None);
        };
        let place = |query: usize, key: usize| (self.reach + key - query) as u32;
        let of_query = |query: usize| (0..n_tokens).map(move |key| place(query, key));
        let places: Vec<u32> = (0..n_tokens).flat_map(of_query).collect();
        let places = Tensor::from_vec(places, n_tokens * n_tokens, table.device())?;
        let heads = table.dim(0)?;
        let added = table.index_select(&places, 1)?;
        Ok(Some(added.reshape((1, heads, n_tokens, n_tokens))?))
    }
}
