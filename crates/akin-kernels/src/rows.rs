//! Kernels over one row: layer normalisation, softmax, quantisation to bytes.

use super::math::{Activate, exp2};
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

/// Divides `row` by its root mean square, then scales it, in place.
///
/// # Safety
/// `gain` is as long as `row`.
#[inline(always)]
pub(super) unsafe fn rms_norm<S: Simd>(s: S, row: &mut [f32], gain: &[f32], eps: f32) {
    let (len, at) = (row.len(), row.as_mut_ptr());
    let mut squares = s.splat(0.0);
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row.
        let x = unsafe { load_part(s, at.add(i), len - i, 0.0) };
        squares = s.fma(x, x, squares);
    }
    let scale = s.splat(1.0 / (s.sum(squares) / len as f32 + eps).sqrt());
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row, and so inside the gains.
        unsafe {
            let x = s.mul(load_part(s, at.add(i), len - i, 0.0), scale);
            let gain = load_part(s, gain.as_ptr().add(i), len - i, 0.0);
            store_part(s, at.add(i), s.mul(x, gain), len - i);
        }
    }
}

/// Replaces each `x` of `row` by its activation.
#[inline(always)]
pub(super) fn activate<S: Simd, A: Activate>(s: S, row: &mut [f32]) {
    let (len, at) = (row.len(), row.as_mut_ptr());
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row.
        unsafe {
            let x = load_part(s, at.add(i), len - i, 0.0);
            store_part(s, at.add(i), A::apply(s, x), len - i);
        }
    }
}

/// Writes the activation of each gate times `x` to `out`.
///
/// # Safety
/// The three are of one length.
#[inline(always)]
pub(super) unsafe fn gate<S: Simd, A: Activate>(s: S, gates: &[f32], row: &[f32], out: &mut [f32]) {
    let len = row.len();
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside all three.
        unsafe {
            let gate = A::apply(s, load_part(s, gates.as_ptr().add(i), len - i, 0.0));
            let x = load_part(s, row.as_ptr().add(i), len - i, 0.0);
            store_part(s, out.as_mut_ptr().add(i), s.mul(gate, x), len - i);
        }
    }
}

/// Adds `more` to `row`.
///
/// # Safety
/// Both are of one length.
#[inline(always)]
pub(super) unsafe fn add<S: Simd>(s: S, row: &mut [f32], more: &[f32]) {
    let (len, at) = (row.len(), row.as_mut_ptr());
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside both.
        unsafe {
            let x = load_part(s, at.add(i), len - i, 0.0);
            let y = load_part(s, more.as_ptr().add(i), len - i, 0.0);
            store_part(s, at.add(i), s.add(x, y), len - i);
        }
    }
}

/// Rotates each pair of a number of the first half and its counterpart in the second half by an angle,
/// given as cosine and sine (RoPE as GPT-NeoX pairs them).
///
/// # Safety
/// The row is twice as long as the others.
#[inline(always)]
pub(super) unsafe fn rotate<S: Simd>(s: S, row: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let half = row.len() / 2;
    let (low, high) = row.split_at_mut(half);
    for i in (0..half).step_by(S::WIDTH) {
        let count = half - i;
        // SAFETY: `i` is inside both halves, and inside the angles.
        unsafe {
            let (a, b) = (
                load_part(s, low.as_ptr().add(i), count, 0.0),
                load_part(s, high.as_ptr().add(i), count, 0.0),
            );
            let cosine = load_part(s, cosines.as_ptr().add(i), count, 0.0);
            let sine = load_part(s, sines.as_ptr().add(i), count, 0.0);
            let first = s.sub(s.mul(a, cosine), s.mul(b, sine));
            let second = s.add(s.mul(b, cosine), s.mul(a, sine));
            store_part(s, low.as_mut_ptr().add(i), first, count);
            store_part(s, high.as_mut_ptr().add(i), second, count);
        }
    }
}

/// Replaces each `x` of `row` by `2^(x - max)` and returns one over their sum.
///
/// # Safety
/// The row is a whole number of vectors, at least one.
#[inline(always)]
pub(super) unsafe fn soften<S: Simd>(s: S, row: &mut [f32]) -> f32 {
    let (len, at) = (row.len(), row.as_mut_ptr());
    // SAFETY: whole vectors of the row, throughout.
    unsafe {
        let mut largest = s.load(at);
        for i in (S::WIDTH..len).step_by(S::WIDTH) {
            largest = s.max(largest, s.load(at.add(i)));
        }
        let largest = s.splat(s.largest(largest));
        let mut sums = s.splat(0.0);
        for i in (0..len).step_by(S::WIDTH) {
            let x = exp2(s, s.sub(s.load(at.add(i)), largest));
            sums = s.add(sums, x);
            s.store(at.add(i), x);
        }
        1.0 / s.sum(sums)
    }
}

/// Writes `(x - center) * factor` of each feature of `row` to `out`.
///
/// # Safety
/// `centers`, `factors` and `out` are as long as `row`.
#[inline(always)]
pub(super) unsafe fn centre<S: Simd>(
    s: S,
    row: &[f32],
    centers: &[f32],
    factors: &[f32],
    out: &mut [f32],
) {
    for i in (0..row.len()).step_by(S::WIDTH) {
        let count = row.len() - i;
        // SAFETY: `i` is inside the row, and so inside the others.
        unsafe {
            let x = load_part(s, row.as_ptr().add(i), count, 0.0);
            let center = load_part(s, centers.as_ptr().add(i), count, 0.0);
            let factor = load_part(s, factors.as_ptr().add(i), count, 1.0);
            let x = s.mul(s.sub(x, center), factor);
            store_part(s, out.as_mut_ptr().add(i), x, count);
        }
    }
}

/// Writes a row as bytes that span its range, and returns `(scale, low)`: the value of a byte is
/// `scale * byte + low`. Parts of 64 bytes are written `part_stride` apart.
///
/// Multiplied and added with a rounding each, so that every instruction set gives the same bytes.
///
/// # Safety
/// `to` is valid for writing the row's length in such parts.
#[inline(always)]
pub(super) unsafe fn to_bytes<S: Simd>(
    s: S,
    row: &[f32],
    to: *mut u8,
    part_stride: usize,
) -> (f32, f32) {
    let (len, at) = (row.len(), row.as_ptr());
    let (mut low, mut high) = (s.splat(f32::INFINITY), s.splat(f32::NEG_INFINITY));
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row.
        unsafe {
            low = s.min(low, load_part(s, at.add(i), len - i, f32::INFINITY));
            high = s.max(high, load_part(s, at.add(i), len - i, f32::NEG_INFINITY));
        }
    }
    let low = -s.largest(s.sub(s.splat(0.0), low));
    let scale = ((s.largest(high) - low) / 255.0).max(f32::MIN_POSITIVE);
    let (factor, offset) = (s.splat(1.0 / scale), s.splat(-low * (1.0 / scale)));
    for i in (0..len).step_by(S::WIDTH) {
        // SAFETY: `i` is inside the row; a partial vector goes through an array.
        unsafe {
            let x = load_part(s, at.add(i), len - i, 0.0);
            // From 0 to 255 but for a rounding, so that its nearest integer is a byte.
            let x = s.add(s.mul(x, factor), offset);
            let to = to.add(i / 64 * part_stride + i % 64);
            if len - i >= S::WIDTH {
                s.store_bytes(to, x);
            } else {
                let mut part = [0; PANEL];
                s.store_bytes(part.as_mut_ptr(), x);
                std::ptr::copy_nonoverlapping(part.as_ptr(), to, len - i);
            }
        }
    }
    (scale, low)
}
