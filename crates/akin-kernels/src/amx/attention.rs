//! Attention of one head over one sequence with tiles: queries, keys, values and attention weights as bf16
//! halves, everything else in f32.
//!
//! `q` comes scaled, as in [`attention`](crate::attention).

use super::halves::{STEP, load_step, split, transpose};
use super::product::{HalfTiles, HighTiles, TileArithmetic, clear_sums};
use super::tiles::{Amx, Configured, TILE, TILE_BYTES, TILE_ROW_BYTES};
use crate::aligned::Aligned;
use crate::avx512::Avx512;
use crate::head::{AttentionHead, NOTHING, Numbers};
use crate::math::horner;
use crate::rows::add;
use crate::simd::Simd;
use std::arch::asm;
use std::arch::x86_64::*;

/// Tokens whose scores are worked out together.
const ROWS: usize = 2 * TILE;

/// Bytes of one step: a tile of high halves, and one of low ones if they count.
const fn step_bytes<A: TileArithmetic>() -> usize {
    A::PLANES * TILE_BYTES
}

/// Buffers of one worker's attention.
#[derive(Default)]
pub(in super::super) struct TileScratch {
    /// `[tokens / 16][dim / 32][plane]` tiles.
    queries: Aligned<u8>,
    /// The same, each tile transposed by pairs of numbers.
    keys: Aligned<u8>,
    /// `[dim / 16][tokens / 32][plane]` tiles of pairs of tokens.
    values: Aligned<u8>,
    /// `[32][tokens]`.
    scores: Aligned<f32>,
    /// `[2][tokens / 32][plane]` tiles.
    weights: Aligned<u8>,
    /// `[2][2]` tiles of sums.
    sums: Aligned<f32>,
}

/// Whether heads of this width can be done with tiles.
pub(in super::super) fn suits(dim: usize) -> bool {
    dim > 0 && dim.is_multiple_of(STEP)
}

/// Attends from every token of the sequence to every token of it.
///
/// # Safety
/// As for [`attend`](crate::attention::attend), for heads that
/// [suit](suits).
pub(in super::super) unsafe fn attend(
    amx: Amx,
    head: &AttentionHead<'_>,
    numbers: Numbers,
    scratch: &mut TileScratch,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match numbers {
            Numbers::Floats => attend_with::<HalfTiles>(amx, head, scratch),
            Numbers::Rough => attend_with::<HighTiles>(amx, head, scratch),
        }
    }
}

/// The same with the halves that `A` multiplies.
///
/// # Safety
/// As for [`attend`].
unsafe fn attend_with<A: TileArithmetic>(
    amx: Amx,
    head: &AttentionHead<'_>,
    scratch: &mut TileScratch,
) {
    let (padded, dim) = (head.tokens.next_multiple_of(ROWS), head.dim);
    scratch.queries.reserve(padded * dim * 4);
    scratch.keys.reserve(padded * dim * 4);
    scratch.values.reserve(padded * dim * 4);
    scratch.scores.reserve(ROWS * padded);
    scratch.weights.reserve(ROWS * padded * 4);
    scratch.sums.reserve(4 * TILE * TILE);
    let _tiles = Configured::new(amx);
    let s = amx.float();
    // SAFETY: the proof stands for the instructions; the buffers are as large as described.
    unsafe {
        split_queries_and_keys::<A>(head, scratch);
        split_values::<A>(head, scratch);
        s.vectorize(
            #[inline(always)]
            || {
                for row in (0..head.tokens).step_by(ROWS) {
                    let rows = ROWS.min(head.tokens - row);
                    if rows > TILE {
                        attend_from::<A, 2>(s, head, row, rows, padded, scratch);
                    } else {
                        attend_from::<A, 1>(s, head, row, rows, padded, scratch);
                    }
                }
            },
        );
    }
}

/// The same from `rows` tokens from `row` on, in `BLOCKS` blocks of 16.
///
/// # Safety
/// As for [`attend`]; tiles are configured, the rows are tokens of the sequence, and `scratch` holds its
/// queries, keys and values for `padded` tokens.
#[inline(always)]
unsafe fn attend_from<A: TileArithmetic, const BLOCKS: usize>(
    s: Avx512,
    head: &AttentionHead<'_>,
    row: usize,
    rows: usize,
    padded: usize,
    scratch: &mut TileScratch,
) {
    let (dim_steps, token_steps) = (head.dim / STEP, padded / STEP);
    let mut factors = [0.0; ROWS];
    // SAFETY: all of it inside the caller's rows and the scratch.
    unsafe {
        let queries = scratch
            .queries
            .as_ptr()
            .add(row / TILE * dim_steps * step_bytes::<A>());
        let scores = scratch.scores.as_mut_ptr();
        for first in (0..padded).step_by(2 * TILE) {
            let keys = scratch
                .keys
                .as_ptr()
                .add(first / TILE * dim_steps * step_bytes::<A>());
            let to = scores.add(first);
            multiply::<A, BLOCKS>(queries, keys, dim_steps, to, padded, TILE * padded);
        }
        let weights = scratch.weights.as_mut_ptr();
        for (r, factor) in factors.iter_mut().enumerate().take(rows) {
            let to =
                weights.add(r / TILE * token_steps * step_bytes::<A>() + r % TILE * TILE_ROW_BYTES);
            let scores = std::slice::from_raw_parts_mut(scores.add(r * padded), padded);
            if let Some(relative) = head.relative {
                let more = relative.biases(head.number, row + r, head.tokens);
                add(s, &mut scores[..head.tokens], more);
            }
            *factor = soften::<A>(s, scores, head.tokens, to);
        }
        for column in (0..head.dim).step_by(2 * TILE) {
            let values = scratch
                .values
                .as_ptr()
                .add(column / TILE * token_steps * step_bytes::<A>());
            let sums = scratch.sums.as_mut_ptr();
            multiply::<A, BLOCKS>(
                weights,
                values,
                token_steps,
                sums,
                2 * TILE,
                2 * TILE * TILE,
            );
            for (r, &factor) in factors.iter().enumerate().take(rows) {
                let to = head.out.add((row + r) * head.out_stride + column);
                for part in [0, TILE] {
                    let sum = _mm512_load_ps(sums.add(r * 2 * TILE + part));
                    _mm512_storeu_ps(to.add(part), _mm512_mul_ps(sum, _mm512_set1_ps(factor)));
                }
            }
        }
    }
}

/// Multiplies one or two blocks of rows by two panels over `steps` steps. The sums are stored as floats:
/// rows `stride` apart, blocks `block` apart.
///
/// # Safety
/// Tiles are configured. `a` is valid for reading `BLOCKS` blocks of `steps` steps, `b` for two panels of as
/// many, `to` for writing the sums.
#[inline(always)]
unsafe fn multiply<A: TileArithmetic, const BLOCKS: usize>(
    a: *const u8,
    b: *const u8,
    steps: usize,
    to: *mut f32,
    stride: usize,
    block: usize,
) {
    let band = steps * step_bytes::<A>();
    // SAFETY: the caller's promise.
    unsafe {
        clear_sums();
        for step in 0..steps {
            let at = step * step_bytes::<A>();
            let second = if BLOCKS == 2 { band } else { 0 };
            A::step::<BLOCKS, 2>(
                [a.add(at), a.add(second + at)],
                [b.add(at), b.add(band + at)],
            );
        }
        asm!(
            "tilestored [{to} + {s}], tmm0",
            "tilestored [{to} + {s} + 64], tmm1",
            to = in(reg) to, s = in(reg) 4 * stride, options(nostack),
        );
        if BLOCKS == 2 {
            asm!(
                "tilestored [{to} + {s}], tmm2",
                "tilestored [{to} + {s} + 64], tmm3",
                to = in(reg) to.add(block), s = in(reg) 4 * stride, options(nostack),
            );
        }
    }
}

/// Writes `2^(x - max)` of the first `tokens` scores as halves, zeros for the rest, and returns one
/// over their sum.
///
/// # Safety
/// `scores` are aligned to 64 bytes and whole steps; `weights` is valid for writing one row of a tile for
/// each step and plane.
#[inline(always)]
unsafe fn soften<A: TileArithmetic>(
    s: Avx512,
    scores: &mut [f32],
    tokens: usize,
    weights: *mut u8,
) -> f32 {
    scores[tokens..].fill(NOTHING);
    let at = scores.as_ptr();
    // SAFETY: scores are whole pairs of vectors, and there is a step of weights for each.
    unsafe {
        let mut largest = [_mm512_load_ps(at), _mm512_load_ps(at.add(TILE))];
        for i in (STEP..scores.len()).step_by(STEP) {
            largest[0] = _mm512_max_ps(largest[0], _mm512_load_ps(at.add(i)));
            largest[1] = _mm512_max_ps(largest[1], _mm512_load_ps(at.add(i + TILE)));
        }
        let largest = s.splat(s.largest(_mm512_max_ps(largest[0], largest[1])));
        let mut sums = [s.splat(0.0); 2];
        for i in (0..scores.len()).step_by(STEP) {
            let first = exp2(s, s.sub(_mm512_load_ps(at.add(i)), largest));
            let second = exp2(s, s.sub(_mm512_load_ps(at.add(i + TILE)), largest));
            sums = [s.add(sums[0], first), s.add(sums[1], second)];
            store_split::<A>(first, second, weights.add(i / STEP * step_bytes::<A>()));
        }
        1.0 / s.sum(s.add(sums[0], sums[1]))
    }
}

/// `2^x` within 2e-7 of its value, by the instructions that split a float and scale it; 0 on underflow.
#[inline(always)]
fn exp2(s: Avx512, x: __m512) -> __m512 {
    /// `2^x` between 0 and 1, highest power first.
    const POLYNOMIAL: [f32; 6] = [
        0.001_877_573_8,
        0.008_989_347,
        0.055_826_314,
        0.240_153_63,
        0.693_153_1,
        0.999_999_94,
    ];
    const DOWN: i32 = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
    // SAFETY: `s` proves that the processor has these instructions.
    unsafe { _mm512_scalef_ps(horner(s, _mm512_reduce_ps::<DOWN>(x), &POLYNOMIAL), x) }
}

/// Stores one row of the tiles of one step: the high halves, and the low ones if they count.
///
/// # Safety
/// `to` is aligned to 64 bytes and valid for writing a row of each plane's tile.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store_split<A: TileArithmetic>(first: __m512, second: __m512, to: *mut u8) {
    let planes = split(first, second);
    for (plane, pairs) in planes.into_iter().take(A::PLANES).enumerate() {
        // SAFETY: the caller's promise.
        unsafe { _mm512_store_si512(to.add(plane * TILE_BYTES).cast(), pairs) };
    }
}

/// Queries as tiles of rows, keys as tiles of columns.
///
/// # Safety
/// As for [`attend`]; `scratch` has room for them.
#[target_feature(enable = "avx512f")]
unsafe fn split_queries_and_keys<A: TileArithmetic>(
    head: &AttentionHead<'_>,
    scratch: &mut TileScratch,
) {
    let dim_steps = head.dim / STEP;
    for first in (0..head.tokens.next_multiple_of(ROWS)).step_by(TILE) {
        let count = TILE.min(head.tokens.saturating_sub(first));
        for step in 0..dim_steps {
            let to = (first / TILE * dim_steps + step) * step_bytes::<A>();
            let mut keys = [[_mm512_setzero_si512(); TILE]; 2];
            let [high_keys, low_keys] = &mut keys;
            for (r, (high, low)) in high_keys.iter_mut().zip(low_keys).enumerate().take(count) {
                let at = (first + r) * head.stride + step * STEP;
                // SAFETY: a token of the sequence, a step of its head, a place in the scratch.
                unsafe {
                    let to = scratch.queries.as_mut_ptr().add(to + r * TILE_ROW_BYTES);
                    let [first, second] = load_step(head.query.add(at));
                    store_split::<A>(first, second, to);
                    let [first, second] = load_step(head.key.add(at));
                    [*high, *low] = split(first, second);
                }
            }
            for (plane, rows) in keys.into_iter().take(A::PLANES).enumerate() {
                for (r, row) in transpose(rows).into_iter().enumerate() {
                    let to = to + plane * TILE_BYTES + r * TILE_ROW_BYTES;
                    // SAFETY: a row of a tile in the scratch.
                    unsafe { _mm512_store_si512(scratch.keys.as_mut_ptr().add(to).cast(), row) };
                }
            }
        }
    }
}

/// Values as tiles, tokens 16 apart side by side, zeros for missing tokens.
///
/// # Safety
/// As for [`attend`]; `scratch` has room for them.
#[target_feature(enable = "avx512f")]
unsafe fn split_values<A: TileArithmetic>(head: &AttentionHead<'_>, scratch: &mut TileScratch) {
    let padded = head.tokens.next_multiple_of(ROWS);
    let load = |token: usize, column: usize| {
        if token < head.tokens {
            // SAFETY: a token of the sequence, 16 columns of its head.
            unsafe { _mm512_loadu_ps(head.value.add(token * head.stride + column)) }
        } else {
            _mm512_setzero_ps()
        }
    };
    for token in (0..padded).filter(|token| token % STEP < TILE) {
        for column in (0..head.dim).step_by(TILE) {
            let step = column / TILE * (padded / STEP) + token / STEP;
            let at = step * step_bytes::<A>() + token % STEP * TILE_ROW_BYTES;
            // SAFETY: a row of a tile in the scratch.
            unsafe {
                let to = scratch.values.as_mut_ptr().add(at);
                store_split::<A>(load(token, column), load(token + TILE, column), to);
            }
        }
    }
}
