//! Kernels over one row: layer normalisation, softmax, quantisation to bytes.

use super::math::exp;
use super::simd::{PANEL, Simd};
use super::tile::{load_part, store_part};

/// Normalises `row` to mean 0 and variance 1, then scales and shifts it, in place.
///
/// # Safety
/// `gain` and `shift` are as long as `row`.
#[inline(always)]
pub(super) unsafe fn layer_norm<S: Simd>(
    s: S,
    row: &mut [f32],
    gain: &[f32],
    shift: &[f32],
    eps: f32,
) {
    let (len, at) = (row.len(), row.as_mut_ptr());
    let starts = || (0..len).step_by(S::WIDTH);
    let mut sums = s.splat(0.0);
    for i in starts() {
        // SAFETY: `i` is inside the row.
        sums = s.add(sums, unsafe { load_part(s, at.add(i), len - i, 0.0) });
    }
    let mean = s.sum(sums) / len as f32;
    let means = s.splat(mean);
    let mut squares = s.splat(0.0);
    for i in starts() {
        // SAFETY: `i` is inside the row.
        let d = s.sub(unsafe { load_part(s, at.add(i), len - i, mean) }, means);
        squares = s.fma(d, d, squares);
    }
    let scale = s.splat(1.0 / (s.sum(squares) / len as f32 + eps).sqrt());
    for i in starts() {
        // SAFETY: `i` is inside the row, and so inside the two others.
        unsafe {
            let d = s.mul(s.sub(load_part(s, at.add(i), len - i, mean), means), scale);
            let gain = load_part(s, gain.as_ptr().add(i), len - i, 0.0);
            let shift = load_part(s, shift.as_ptr().add(i), len - i, 0.0);
            store_part(s, at.add(i), s.fma(d, gain, shift), len - i);
        }
    }
}

/// Replaces each `x` of `row` by `e^(x - max)` and returns one over their sum.
#[inline(always)]
pub(super) fn soften<S: Simd>(s: S, row: &mut [f32]) -> f32 {
    let (len, at) = (row.len(), row.as_mut_ptr());
    let starts = || (0..len).step_by(S::WIDTH);
    let mut largest = s.splat(f32::NEG_INFINITY);
    for i in starts() {
        // SAFETY: `i` is inside the row.
        largest = s.max(largest, unsafe {
            load_part(s, at.add(i), len - i, f32::NEG_INFINITY)
        });
    }
    let largest = s.splat(s.largest(largest));
    let mut sums = s.splat(0.0);
    for i in starts() {
        // SAFETY: `i` is inside the row. Lanes past its end add e^-87, which is nothing beside
        // the 1 of the largest.
        unsafe {
            let x = exp(
                s,
                s.sub(load_part(s, at.add(i), len - i, f32::NEG_INFINITY), largest),
            );
            sums = s.add(sums, x);
            store_part(s, at.add(i), x, len - i);
        }
    }
    1.0 / s.sum(sums)
}

/// Largest absolute value of a row.
#[inline(always)]
pub(super) fn largest_size<S: Simd>(s: S, row: &[f32]) -> f32 {
    let (len, at) = (row.len(), row.as_ptr());
    let mut largest = s.splat(0.0);
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row.
        let x = unsafe { load_part(s, at.add(i), len - i, 0.0) };
        largest = s.max(largest, s.max(x, s.sub(s.splat(0.0), x)));
    }
    s.largest(largest)
}

/// Largest value of a row, or 0 if all are below.
#[inline(always)]
pub(super) fn largest<S: Simd>(s: S, row: &[f32]) -> f32 {
    let (len, at) = (row.len(), row.as_ptr());
    let mut largest = s.splat(0.0);
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row.
        largest = s.max(largest, unsafe { load_part(s, at.add(i), len - i, 0.0) });
    }
    s.largest(largest)
}

/// Writes `round(x * factor + offset)` as bytes: multiplied and added with a rounding each, so
/// that every instruction set gives the same bytes.
///
/// # Safety
/// `bytes` is as long as `row`.
#[inline(always)]
pub(super) unsafe fn to_bytes<S: Simd>(
    s: S,
    row: &[f32],
    factor: f32,
    offset: f32,
    bytes: &mut [u8],
) {
    let (factor, offset) = (s.splat(factor), s.splat(offset));
    let (len, from, to) = (row.len(), row.as_ptr(), bytes.as_mut_ptr());
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row; a partial vector goes through an array.
        unsafe {
            let x = load_part(s, from.add(i), len - i, 0.0);
            let x = s.add(s.mul(x, factor), offset);
            let x = s.min(s.max(x, s.splat(0.0)), s.splat(255.0));
            if len - i >= S::WIDTH {
                s.store_bytes(to.add(i), x);
            } else {
                let mut part = [0; PANEL];
                s.store_bytes(part.as_mut_ptr(), x);
                std::ptr::copy_nonoverlapping(part.as_ptr(), to.add(i), len - i);
            }
        }
    }
}
