//! Floats as sums of two bf16 halves: what they are, and in which order they are stored.

use super::tiles::{Amx, TILE, TILE_BYTES, TILE_ROW_BYTES};
use crate::aligned::Aligned;
use std::arch::x86_64::*;

/// Depth of one step: numbers in one row of a tile of halves.
pub(in super::super) const STEP: usize = TILE_ROW_BYTES / 2;

/// Splits 32 floats into their nearest bf16 and the nearest bf16 of the remainder. Each lane pairs a number
/// of `first` with one of `second`.
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
pub(in super::super) fn pack_weights(_: Amx, weights: &[f32], depth: usize) -> Aligned<u8> {
    let (columns, steps) = (weights.len() / depth, depth / STEP);
    let mut tiles = Aligned::zeroed(columns.div_ceil(TILE) * steps * 2 * TILE_BYTES);
    let panels = tiles.chunks_exact_mut(steps * 2 * TILE_BYTES);
    for (rows, panel) in weights.chunks(TILE * depth).zip(panels) {
        // SAFETY: the proof says that the processor has the instructions.
        unsafe { pack_panel(rows, depth, panel) };
    }
    tiles
}

/// At most 16 rows of weights as the columns of one panel.
#[target_feature(enable = "avx512f")]
fn pack_panel(rows: &[f32], depth: usize, panel: &mut [u8]) {
    for (step, tiles) in panel.chunks_exact_mut(2 * TILE_BYTES).enumerate() {
        let mut planes = [[_mm512_setzero_si512(); TILE]; 2];
        let [high, low] = &mut planes;
        for ((row, high), low) in rows.chunks_exact(depth).zip(high).zip(low) {
            let numbers = &row[step * STEP..][..STEP];
            // SAFETY: 32 numbers.
            let [first, second] = unsafe { load_step(numbers.as_ptr()) };
            [*high, *low] = split(first, second);
        }
        for (rows, tile) in planes.into_iter().zip(tiles.chunks_exact_mut(TILE_BYTES)) {
            for (row, to) in transpose(rows)
                .into_iter()
                .zip(tile.as_chunks_mut::<64>().0)
            {
                // SAFETY: 64 bytes.
                unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), row) };
            }
        }
    }
}

/// Loads 32 floats.
///
/// # Safety
/// `from` is valid for reading them.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn load_step(from: *const f32) -> [__m512; 2] {
    // SAFETY: the caller's promise.
    unsafe { [_mm512_loadu_ps(from), _mm512_loadu_ps(from.add(TILE))] }
}

/// Rows of 16 pairs of halves as columns.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(rows: [__m512i; TILE]) -> [__m512i; TILE] {
    let mut pairs = rows;
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
    }
    // Each of four rows: in its k-th quarter, what four rows have at place 4 k + its number.
    let mut fours = pairs;
    for i in 0..4 {
        let [a, b, c, d] = [
            pairs[4 * i],
            pairs[4 * i + 1],
            pairs[4 * i + 2],
            pairs[4 * i + 3],
        ];
        fours[4 * i] = _mm512_unpacklo_epi64(a, c);
        fours[4 * i + 1] = _mm512_unpackhi_epi64(a, c);
        fours[4 * i + 2] = _mm512_unpacklo_epi64(b, d);
        fours[4 * i + 3] = _mm512_unpackhi_epi64(b, d);
    }
    let mut columns = rows;
    for i in 0..4 {
        let [a, b, c, d] = [fours[i], fours[4 + i], fours[8 + i], fours[12 + i]];
        let (even_low, odd_low) = (
            _mm512_shuffle_i32x4::<0b10_00_10_00>(a, b),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b),
        );
        let (even_high, odd_high) = (
            _mm512_shuffle_i32x4::<0b10_00_10_00>(c, d),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(c, d),
        );
        columns[i] = _mm512_shuffle_i32x4::<0b10_00_10_00>(even_low, even_high);
        columns[8 + i] = _mm512_shuffle_i32x4::<0b11_01_11_01>(even_low, even_high);
        columns[4 + i] = _mm512_shuffle_i32x4::<0b10_00_10_00>(odd_low, odd_high);
        columns[12 + i] = _mm512_shuffle_i32x4::<0b11_01_11_01>(odd_low, odd_high);
    }
    columns
}
