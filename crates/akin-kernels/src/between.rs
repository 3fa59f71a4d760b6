//! The steps between the products: normalisation, activation and gates of rows, normalisation and rotation
//! of heads. Shapes are checked here.

use std::ops::Range;

use super::isas::{Isas, with_float};
use super::simd::Simd;
use super::{math, rows};

/// The activation of a feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x Φ(x)`.
    Gelu,
    /// GELU with tanh instead of Φ.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `x / (1 + e^-x)`, also called swish.
    Silu,
}

/// Runs `$body` with `$A` as the activation, compiled for each.
macro_rules! with_activation {
    ($activation:expr, $A:ident => $body:expr) => {
        match $activation {
            Activation::Gelu => {
                type $A = math::Gelu;
                $body
            }
            Activation::GeluTanh => {
                type $A = math::GeluTanh;
                $body
            }
            Activation::Relu => {
                type $A = math::Relu;
                $body
            }
            Activation::Silu => {
                type $A = math::Silu;
                $body
            }
        }
    };
}

/// Rotary position embeddings: cosines and sines of each position's angles.
#[derive(Debug)]
pub struct Rotation {
    /// `[positions, half]`
    cosines: Vec<f32>,
    /// `[positions, half]`
    sines: Vec<f32>,
    half: usize,
}

impl Rotation {
    /// The rotation that turns the `i`-th pair by `frequencies[i]` radians from one position to the next.
    pub fn new(frequencies: &[f64], positions: usize) -> Self {
        let angles =
            || (0..positions).flat_map(|place| frequencies.iter().map(move |f| place as f64 * f));
        Self {
            cosines: angles().map(|angle| angle.cos() as f32).collect(),
            sines: angles().map(|angle| angle.sin() as f32).collect(),
            half: frequencies.len(),
        }
    }

    fn at(&self, place: usize) -> (&[f32], &[f32]) {
        let range = place * self.half..(place + 1) * self.half;
        (&self.cosines[range.clone()], &self.sines[range])
    }
}

impl Isas {
    /// Normalises each row of `rows` to mean 0 and variance 1, then scales and shifts it.
    ///
    /// # Panics
    /// If `gain` and `shift` differ in length, or the length of `rows` is not a multiple of it.
    pub fn layer_norm(self, rows: &mut [f32], gain: &[f32], shift: &[f32], eps: f32) {
        assert_eq!(gain.len(), shift.len(), "one gain and one shift a column");
        if rows.is_empty() {
            return;
        }
        assert_eq!(rows.len() % gain.len(), 0, "whole rows");
        with_float!(self, s => s.vectorize(#[inline(always)] || {
            for row in rows.chunks_exact_mut(gain.len()) {
                // SAFETY: the lengths were compared above.
                unsafe { rows::layer_norm(s, row, gain, shift, eps) };
            }
        }));
    }

    /// Divides each row by its root mean square, then scales it.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of that of `gain`.
    pub fn rms_norm(self, rows: &mut [f32], gain: &[f32], eps: f32) {
        if rows.is_empty() {
            return;
        }
        assert_eq!(rows.len() % gain.len(), 0, "whole rows");
        with_float!(self, s => s.vectorize(#[inline(always)] || {
            for row in rows.chunks_exact_mut(gain.len()) {
                // SAFETY: the row is as long as the gain.
                unsafe { rows::rms_norm(s, row, gain, eps) };
            }
        }));
    }

    /// Adds `more` to `rows`.
    ///
    /// # Panics
    /// If they differ in length.
    pub fn add(self, rows: &mut [f32], more: &[f32]) {
        assert_eq!(rows.len(), more.len(), "as many numbers");
        with_float!(self, s => s.vectorize(#[inline(always)] || {
            // SAFETY: the lengths were compared above.
            unsafe { rows::add(s, rows, more) }
        }));
    }

    /// Replaces each `x` by its activation.
    pub fn activate(self, activation: Activation, rows: &mut [f32]) {
        with_float!(self, s => s.vectorize(#[inline(always)] || {
            with_activation!(activation, A => rows::activate::<_, A>(s, rows));
        }));
    }

    /// Multiplies one half of each row by the activation of the other half, the gate. `rows` is `[rows, 2 *
    /// width]`, `out` is `[rows, width]`.
    ///
    /// # Panics
    /// If `rows` and `out` do not hold the same number of whole rows.
    pub fn gate(
        self,
        activation: Activation,
        gate_is_first: bool,
        rows: &[f32],
        width: usize,
        out: &mut [f32],
    ) {
        assert_eq!(rows.len(), 2 * out.len(), "rows of both halves");
        assert_eq!(out.len() % width, 0, "whole rows");
        with_float!(self, s => s.vectorize(#[inline(always)] || {
            for (row, out) in rows.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
                let (first, last) = row.split_at(width);
                let (gates, row) = if gate_is_first { (first, last) } else { (last, first) };
                // SAFETY: all three are of this width.
                with_activation!(activation, A => unsafe { rows::gate::<_, A>(s, gates, row, out) });
            }
        }));
    }

    /// Normalises each head of each row by its root mean square. `rows` is `[rows, width]`; the heads, as
    /// wide as `gain`, fill `columns`.
    ///
    /// # Panics
    /// If the heads are not whole.
    pub fn norm_heads(
        self,
        rows: &mut [f32],
        width: usize,
        columns: Range<usize>,
        gain: &[f32],
        eps: f32,
    ) {
        assert_eq!(columns.len() % gain.len(), 0, "whole heads");
        with_float!(self, s => s.vectorize(#[inline(always)] || {
            for row in rows.chunks_exact_mut(width) {
                for head in row[columns.clone()].chunks_exact_mut(gain.len()) {
                    // SAFETY: the head is as wide as the gain.
                    unsafe { rows::rms_norm(s, head, gain, eps) };
                }
            }
        }));
    }

    /// Rotates each head of the rows of one sequence by its position. `rows` is `[tokens, width]`; the
    /// heads, `dim` wide, fill the first `to` columns. If the rotation covers fewer numbers than a head
    /// has, the first ones turn.
    ///
    /// # Panics
    /// If the heads are not whole, or there are more tokens than positions.
    pub fn rotate_heads(
        self,
        rows: &mut [f32],
        width: usize,
        to: usize,
        dim: usize,
        rotation: &Rotation,
    ) {
        assert_eq!(to % dim, 0, "whole heads");
        let turned = 2 * rotation.half;
        with_float!(self, s => s.vectorize(#[inline(always)] || {
            for (place, row) in rows.chunks_exact_mut(width).enumerate() {
                let (cosines, sines) = rotation.at(place);
                for head in row[..to].chunks_exact_mut(dim) {
                    // SAFETY: twice as many numbers as angles.
                    unsafe { rows::rotate(s, &mut head[..turned], cosines, sines) };
                }
            }
        }));
    }
}
