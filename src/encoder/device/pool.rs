//! Pooling on the device: one product of hidden states with what each token counts, or the largest.

use candle_core::{DType, Device, Result, Tensor};

use crate::encoder::pooling::{Pooling, PoolingMode};

/// A number below all hidden states.
const LOW: f64 = -1e30;

/// One vector a text, `[batch, modes * hidden]` in f32, of hidden states `[batch, tokens, hidden]`, where
/// text `i` has `lengths[i]` tokens.
pub(super) fn pool(states: &Tensor, lengths: &[usize], pooling: &Pooling) -> Result<Tensor> {
    let (_, n_tokens, _) = states.dims3()?;
    let states = states.to_dtype(DType::F32)?;
    let of_mode = |mode: &PoolingMode| match mode {
        PoolingMode::Max => {
            let added = padding(lengths, n_tokens, states.device())?.unsqueeze(2)?;
            states.broadcast_add(&added)?.max(1)
        }
        mode => {
            let weights = weights(*mode, lengths, n_tokens);
            let shape = (lengths.len(), 1, n_tokens);
            let weights = Tensor::from_vec(weights, shape, states.device())?;
            weights.matmul(&states)?.squeeze(1)
        }
    };
    let pooled: Vec<Tensor> = pooling.modes().iter().map(of_mode).collect::<Result<_>>()?;
    Tensor::cat(&pooled, 1)
}

/// 0 where there is a token and [`LOW`] where there is none, `[batch, tokens]`, f32.
pub(super) fn padding(lengths: &[usize], n_tokens: usize, device: &Device) -> Result<Tensor> {
    let of_text = |length: &usize| {
        let length = *length;
        (0..n_tokens).map(move |token| if token < length { 0.0 } else { LOW as f32 })
    };
    let all: Vec<f32> = lengths.iter().flat_map(of_text).collect();
    Tensor::from_vec(all, (lengths.len(), n_tokens), device)
}

/// What each token of each text counts, `[batch, tokens]`.
fn weights(mode: PoolingMode, lengths: &[usize], n_tokens: usize) -> Vec<f32> {
    let of_token = |length: usize, token: usize| {
        let n = length.max(1) as f32;
        match mode {
            _ if token >= length => 0.0,
            PoolingMode::Mean => 1.0 / n,
            PoolingMode::MeanSqrtLen => 1.0 / n.sqrt(),
            PoolingMode::WeightedMean => (token + 1) as f32 / (n * (n + 1.0) / 2.0),
            PoolingMode::Cls => f32::from(u8::from(token == 0)),
            PoolingMode::LastToken => f32::from(u8::from(token + 1 == length)),
            PoolingMode::Max => unreachable!("the largest is no sum"),
        }
    };
    let of_text = |length: &usize| {
        let length = *length;
        (0..n_tokens).map(move |token| of_token(length, token))
    };
    lengths.iter().flat_map(of_text).collect()
}
