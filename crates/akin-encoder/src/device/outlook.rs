//! Rotations and relative biases of attention, as tensors.

use candle_core::{Device, Result, Tensor};

use crate::packed::{LayerKind, Outlooks};

/// The attention pattern of all layers of a kind.
pub(super) struct DevicePattern {
    /// The rotation of heads by position, if there is one.
    pub(super) rotation: Option<DeviceRotation>,
    /// Added to scores by the distance from query to key, masks included: `[heads or 1, 2 * reach + 1]`,
    /// f32, in units of the base-2 softmax. `None` if nothing is added or masked.
    pub(super) relative: Option<Tensor>,
    /// The farthest distance.
    pub(super) reach: usize,
    /// Whether `relative` does more than mask.
    pub(super) differs_by_head: bool,
    /// Number of tokens before it that a query sees.
    pub(super) behind: usize,
    /// Number of tokens after it that a query sees.
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
