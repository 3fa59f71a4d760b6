//! The operations between the matrix products of a body, for any implementation.

use candle_core::{Result, Tensor};

use super::load::{DeviceLayer, DeviceNorm};
use super::outlook::DevicePattern;
use super::rows::{Arrangement, Rows};
use crate::packed::Shape;
use crate::pooling::Pooling;

/// Normalisation of the rows of a branch: `norm(added + branch(rows + bias))`; each part is optional.
#[derive(Clone, Copy, Default)]
pub(super) struct Normalisation<'a> {
    /// `[width]`, f32
    pub(super) bias: Option<&'a Tensor>,
    pub(super) branch: Option<&'a DeviceNorm>,
    /// `[rows, width]`
    pub(super) added: Option<&'a Tensor>,
    pub(super) norm: Option<&'a DeviceNorm>,
}

/// The operations between the matrix products of a body.
pub(super) trait Operations: Send + Sync {
    /// How texts are to lie in rows.
    fn arrangement(&self) -> Arrangement;

    /// `[rows, width]` to the same.
    fn normalise(&self, rows: &Tensor, to: Normalisation<'_>) -> Result<Tensor>;

    /// Bias, activation and gate of the feed-forward block: `[rows, widened]` to `[rows, intermediate]`.
    fn activate(&self, shape: &Shape, wide: Tensor, bias: Option<&Tensor>) -> Result<Tensor>;

    /// Attention: queries, keys and values `[rows, (heads + 2 * key_heads) * head_dim]`, still without their
    /// bias, to `[rows, heads * head_dim]`.
    fn attend(
        &self,
        shape: &Shape,
        layer: &DeviceLayer,
        outlook: &DevicePattern,
        fused: Tensor,
        rows: &Rows,
    ) -> Result<Tensor>;

    /// One vector a text, `[texts, modes * hidden]` in f32, of hidden states `[rows, hidden]`.
    fn pool(&self, states: &Tensor, rows: &Rows, pooling: &Pooling) -> Result<Tensor>;
}
