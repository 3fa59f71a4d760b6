//! The operations of a body as candle has them, for devices that `kernels` does not support. These are
//! Metal, older NVIDIA GPUs, and widths that the kernels cannot compute.
//!
//! Texts are padded to the longest of their batch; padding is masked and never reaches the pooling. Softmax,
//! norms and pooling are computed in f32.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::rotary_emb::rope;

use super::load::{DeviceLayer, DeviceNorm};
use super::operations::{Normalisation, Operations};
use super::outlook::{DevicePattern, DeviceRotation};
use super::rows::{Arrangement, Rows};
use crate::packed::{Gate, Shape};
use crate::pooling::{Pooling, PoolingMode};
use akin_kernels::Activation;

/// A number below all scores and hidden states.
const LOW: f64 = -1e30;

/// Candle's operations.
pub(super) struct Composed;

impl Operations for Composed {
    fn arrangement(&self) -> Arrangement {
        Arrangement::Padded
    }

    fn normalise(&self, rows: &Tensor, to: Normalisation<'_>) -> Result<Tensor> {
        let mut rows = with_bias(rows.clone(), to.bias)?;
        if let Some(norm) = to.branch {
            rows = norm.apply(&rows)?;
        }
        if let Some(added) = to.added {
            rows = (rows + added)?;
        }
        match to.norm {
            Some(norm) => norm.apply(&rows),
            None => Ok(rows),
        }
    }

    fn activate(&self, shape: &Shape, wide: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let activate = |x: &Tensor| match shape.activation {
            Activation::Gelu => x.gelu_erf(),
            Activation::GeluTanh => x.gelu(),
            Activation::Relu => x.relu(),
            Activation::Silu => x.silu(),
        };
        let wide = with_bias(wide, bias)?;
        let half = |from| {
            wide.narrow(D::Minus1, from, shape.intermediate)?
                .contiguous()
        };
        match shape.gate {
            None => activate(&wide),
            Some(Gate::First) => activate(&half(0)?)? * half(shape.intermediate)?,
            Some(Gate::Last) => half(0)? * activate(&half(shape.intermediate)?)?,
        }
    }

    fn attend(
        &self,
        shape: &Shape,
        layer: &DeviceLayer,
        outlook: &DevicePattern,
        fused: Tensor,
        rows: &Rows,
    ) -> Result<Tensor> {
        let fused = with_bias(fused, layer.fused.bias.as_ref())?;
        let (n_texts, n_tokens) = (rows.lengths.len(), rows.longest);
        let heads = |from: usize, n: usize| {
            let part = fused.narrow(D::Minus1, from * shape.head_dim, n * shape.head_dim)?;
            let split = part.reshape((n_texts, n_tokens, n, shape.head_dim))?;
            split.transpose(1, 2)?.contiguous()
        };
        let turned = |from: usize, n: usize, norm: &Option<DeviceNorm>| {
            let mut part = heads(from, n)?;
            if let Some(norm) = norm {
                part = norm.apply(&part)?;
            }
            match &outlook.rotation {
                Some(rotation) => rotate(&part, rotation),
                None => Ok(part),
            }
        };
        let query = turned(0, shape.heads, &layer.query_norm)?;
        let key = turned(shape.heads, shape.key_heads, &layer.key_norm)?;
        let value = heads(shape.heads + shape.key_heads, shape.key_heads)?;
        let sharing = shape.heads / shape.key_heads;
        let (key, value) = (repeat(&key, sharing)?, repeat(&value, sharing)?);
        let query = (query * f64::from(shape.query_scale))?;
        // bf16 would leave two digits of a score.
        let (query, key) = match query.dtype() {
            DType::BF16 => (query.to_dtype(DType::F32)?, key.to_dtype(DType::F32)?),
            _ => (query, key),
        };
        let scores = query.matmul(&key.t()?)?.to_dtype(DType::F32)?;
        let scores = match added(outlook, rows)? {
            Some(added) => scores.broadcast_add(&added)?,
            None => scores,
        };
        let weights = softmax_last_dim(&scores)?.to_dtype(value.dtype())?;
        let context = weights.matmul(&value)?.transpose(1, 2)?;
        context.reshape((n_texts * n_tokens, shape.heads * shape.head_dim))
    }

    fn pool(&self, states: &Tensor, rows: &Rows, pooling: &Pooling) -> Result<Tensor> {
        let (n_texts, n_tokens) = (rows.lengths.len(), rows.longest);
        let states = states
            .to_dtype(DType::F32)?
            .reshape((n_texts, n_tokens, ()))?;
        let of_mode = |mode: &PoolingMode| match mode {
            PoolingMode::Max => {
                let added = padding(rows, states.device())?.unsqueeze(2)?;
                states.broadcast_add(&added)?.max(1)
            }
            mode => {
                let weights = weights(*mode, &rows.lengths, n_tokens);
                let weights = Tensor::from_vec(weights, (n_texts, 1, n_tokens), states.device())?;
                weights.matmul(&states)?.squeeze(1)
            }
        };
        let pooled: Vec<Tensor> = pooling.modes().iter().map(of_mode).collect::<Result<_>>()?;
        Tensor::cat(&pooled, 1)
    }
}

fn with_bias(rows: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => rows.broadcast_add(&bias.to_dtype(rows.dtype())?),
        None => Ok(rows),
    }
}

impl DeviceNorm {
    fn apply(&self, rows: &Tensor) -> Result<Tensor> {
        let dtype = rows.dtype();
        let rows = rows.to_dtype(DType::F32)?.contiguous()?;
        let normed = match &self.shift {
            Some(shift) => candle_nn::ops::layer_norm(&rows, &self.gain, shift, self.eps)?,
            None => candle_nn::ops::rms_norm(&rows, &self.gain, self.eps)?,
        };
        normed.to_dtype(dtype)
    }
}

/// What is added to scores, `[texts or 1, heads or 1, tokens or 1, tokens]`, f32.
fn added(outlook: &DevicePattern, rows: &Rows) -> Result<Option<Tensor>> {
    let n_tokens = rows.longest;
    let is_filled = rows.lengths.iter().any(|length| *length < n_tokens);
    let mask = || {
        let mask = padding(rows, rows.ids.device())?;
        mask.reshape((rows.lengths.len(), 1, 1, n_tokens))
    };
    let Some(table) = &outlook.relative else {
        return is_filled.then(mask).transpose();
    };
    let place = |query: usize, key: usize| (outlook.reach + key - query) as u32;
    let of_query = |query: usize| (0..n_tokens).map(move |key| place(query, key));
    let places: Vec<u32> = (0..n_tokens).flat_map(of_query).collect();
    let places = Tensor::from_vec(places, n_tokens * n_tokens, table.device())?;
    // To units of the softmax to base e.
    let added = (table.index_select(&places, 1)? * std::f64::consts::LN_2)?;
    let added = added.reshape((1, table.dim(0)?, n_tokens, n_tokens))?;
    added.broadcast_add(&mask()?).map(Some)
}

/// 0 where there is a token and [`LOW`] where there is none, `[texts, tokens]`, f32.
fn padding(rows: &Rows, device: &Device) -> Result<Tensor> {
    let n_tokens = rows.longest;
    let of_text = |length: &usize| {
        let length = *length;
        (0..n_tokens).map(move |token| if token < length { 0.0 } else { LOW as f32 })
    };
    let all: Vec<f32> = rows.lengths.iter().flat_map(of_text).collect();
    Tensor::from_vec(all, (rows.lengths.len(), n_tokens), device)
}

/// Turns the heads `[texts, heads, tokens, dim]` by their positions; where fewer numbers turn than a head
/// has, the first.
fn rotate(heads: &Tensor, rotation: &DeviceRotation) -> Result<Tensor> {
    let (_, _, n_tokens, dim) = heads.dims4()?;
    let of_tokens = |all: &Tensor| all.narrow(0, 0, n_tokens)?.to_dtype(heads.dtype());
    let (cosines, sines) = (of_tokens(&rotation.cosines)?, of_tokens(&rotation.sines)?);
    let turned = 2 * rotation.half;
    if turned == dim {
        return rope(heads, &cosines, &sines);
    }
    let first = heads.narrow(D::Minus1, 0, turned)?.contiguous()?;
    let rest = heads.narrow(D::Minus1, turned, dim - turned)?;
    Tensor::cat(&[&rope(&first, &cosines, &sines)?, &rest], D::Minus1)
}

/// Repeats each head `times` times: `[texts, heads * times, tokens, dim]`.
fn repeat(heads: &Tensor, times: usize) -> Result<Tensor> {
    if times == 1 {
        return Ok(heads.clone());
    }
    let (n_texts, n, n_tokens, dim) = heads.dims4()?;
    heads
        .unsqueeze(2)?
        .expand((n_texts, n, times, n_tokens, dim))?
        .reshape((n_texts, n * times, n_tokens, dim))
}

/// What each token of each text counts, `[texts, tokens]`.
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
