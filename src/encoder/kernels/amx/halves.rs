//! Floats as sums of two bf16 halves: what they are, and in which order they are stored.

use super::{TILE, TILE_BYTES, TILE_ROW_BYTES};
use crate::encoder::kernels::panels::Aligned;
use std::arch::x86_64::*;

/// Depth of one step: numbers in one row of a tile of halves.
pub(in super::super) const STEP: usize = TILE_ROW_BYTES / 2;

/// The nearest bf16 of 32 floats, and the nearest of what it leaves over: in each lane a pair of one
/// of `first` and one of `second`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn split(first: __m512, second: __m512) -> [__m512i; 2] {
    /// `(a & b) | c`
    const AND_OR: i32 = 0xEA;
    let (upper, half) = (_mm512_set1_epi32(!0xFFFF), _mm512_set1_epi32(0x8000));
    let pair = |first, second| {
        _mm512_ternarylogic_epi32::<AND_OR>(second, upper, _mm512_srli_epi32::<16>(first))
    };
    let nearest = |x: __m512| _mm512_add_epi32(_mm512_castps_si512(x), half);
    let rest = |x: __m512, nearest: __m512i| {
        _mm512_sub_ps(x, _mm512_castsi512_ps(_mm512_and_si512(nearest, upper)))
    };
    let (nearest_first, nearest_second) = (nearest(first), nearest(second));
    let (rest_first, rest_second) = (rest(first, nearest_first), rest(second, nearest_second));
    [
        pair(nearest_first, nearest_second),
        pair(nearest(rest_first), nearest(rest_second)),
    ]
}

/// Writes rows `[count, depth]` as tiles, `[count / 16][step][plane][16][32]`. What is left of the
/// last 16 rows is unspecified.
///
/// # Safety
/// `rows` are whole rows of `depth`, a multiple of [`STEP`]; `tiles` has room for them in blocks of
/// 16.
#[target_feature(enable = "avx512f")]
pub(in super::super) unsafe fn split_rows(rows: &[f32], depth: usize, tiles: *mut u8) {
    let steps = depth / STEP;
    for (i, row) in rows.chunks_exact(depth).enumerate() {
        let block = i / TILE * steps * 2 * TILE_BYTES + i % TILE * TILE_ROW_BYTES;
        for (step, numbers) in row.as_chunks::<STEP>().0.iter().enumerate() {
            let at = numbers.as_ptr();
            // SAFETY: 32 numbers of the row; the caller has made room for all tiles.
            unsafe {
                let [high, low] = split(_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(TILE)));
                let to = tiles.add(block + step * 2 * TILE_BYTES);
                _mm512_store_si512(to.cast(), high);
                _mm512_store_si512(to.add(TILE_BYTES).cast(), low);
            }
        }
    }
}

/// Weights `[columns, depth]` as tiles: `[panel][step][plane][16][16 columns][2]`, zeros for
/// missing columns. The two numbers of a pair are 16 apart in depth, as [`split`] puts them.
pub(in super::super) fn pack_weights(weights: &[f32], depth: usize) -> Aligned<u8> {
    let (columns, steps) = (weights.len() / depth, depth / STEP);
    let mut tiles = Aligned::zeroed(columns.div_ceil(TILE) * steps * 2 * TILE_BYTES);
    for (column, row) in weights.chunks_exact(depth).enumerate() {
        let panel = column / TILE * steps * 2 * TILE_BYTES;
        for (k, &w) in row.iter().enumerate() {
            let at = panel
                + k / STEP * 2 * TILE_BYTES
                + k % TILE * TILE_ROW_BYTES
                + column % TILE * 4
                + k % STEP / TILE * 2;
            let high = nearest(w);
            let low = nearest(w - f32::from_bits(u32::from(high) << 16));
            tiles[at..][..2].copy_from_slice(&high.to_ne_bytes());
            tiles[at + TILE_BYTES..][..2].copy_from_slice(&low.to_ne_bytes());
        }
    }
    tiles
}

/// The nearest bf16 of a finite number, ties to even.
fn nearest(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) as u16
}
