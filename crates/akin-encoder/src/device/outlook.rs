//! What a token sees of the others, as tensors: rotations, and what distance adds to scores.

use candle_core::{Device, Result, Tensor};

use crate::packed::{LayerKind, Outlooks};

/// What all layers of a kind look at.
pub(super) struct DevicePattern {
    /// How heads turn by position, where they do.
    pub(super) rotation: Option<DeviceRotation>,
    /// What is added to scores for how far a key is from the query, `[heads or 1, 2 * reach + 1]`, f32, in
    /// units of the base-2 softmax; what hides included. `None` where nothing is added or hidden.
    pub(super) relative: Option<Tensor>,
    /// The farthest distance.
    pub(super) reach: usize,
    /// Whether `relative` does more than hide.
    pub(super) differs_by_head: bool,
    /// How many tokens behind it a query sees.
    pub(super) behind: usize,
    /// How many tokens ahead of it a query sees.
    pub(super) ahead: usize,
}

/// Cosines and sines of the angles that pairs of numbers of a head turn by.
pub(super) struct DeviceRotation {
    /// `[positions, half]`, f32
    pub(super) cosines: Tensor,
    /// `[positions, half]`, f32
    pub(super) sines: Tensor,
    /// Pairs that turn.
    pub(super) half: usize,
}

impl DevicePattern {
    pub(super) fn new(
        kind: &LayerKind,
        is_causal: bool,
        outlooks: &Outlooks<'_>,
        device: &Device,
    ) -> Result<DevicePattern> {
        let positions = outlooks.positions();
        let reach = positions - 1;
        let half = kind.frequencies.len();
        let rotation = || {
            let angle = |i: usize| (i / half) as f64 * kind.frequencies[i % half];
            let tensor = |f: fn(f64) -> f64| {
                let all: Vec<f32> = (0..positions * half).map(|i| f(angle(i)) as f32).collect();
                Tensor::from_vec(all, (positions, half), device)
            };
            Result::Ok(DeviceRotation {
                cosines: tensor(f64::cos)?,
                sines: tensor(f64::sin)?,
                half,
            })
        };
        let relative = |(heads, added)| Tensor::from_vec(added, (heads, 2 * reach + 1), device);
        Ok(DevicePattern {
            rotation: (half > 0).then(rotation).transpose()?,
            relative: outlooks.relative(kind).map(relative).transpose()?,
            reach,
            differs_by_head: outlooks.differ_by_head(),
            behind: kind.window.unwrap_or(reach),
            ahead: if is_causal {
                0
            } else {
                kind.window.unwrap_or(reach)
            },
        })
    }
}
