//! Attention of one head over one sequence: `softmax(q kᵀ + relative) v`. The scores stay in the cache.
//!
//! The softmax has base 2, and `q` comes scaled: a factor of `log2(e) / sqrt(dim)` is folded into the
//! packed query weights.

use super::aligned::Aligned;
use super::head::AttentionHead;
use super::rows::{add, soften};
use super::simd::{PANEL, Simd};
use super::tile::{Finish, MAX_ROWS, Product, product};

/// Buffers for the attention of one worker.
#[derive(Default)]
pub struct AttentionScratch {
    keys: Aligned<f32>,
    values: Aligned<f32>,
    scores: Aligned<f32>,
    /// Added to the scores: 0 for a token, minus infinity past the last.
    mask: Aligned<f32>,
    #[cfg(target_arch = "x86_64")]
    pub(super) tiles: super::amx::attention::TileScratch,
}

/// Attends from every token of the sequence to every token of it.
///
/// # Safety
/// The pointers of `head` are valid for `tokens` rows of `dim` floats; nobody else touches `out`.
pub(super) unsafe fn attend<S: Simd>(
    s: S,
    head: &AttentionHead<'_>,
    scratch: &mut AttentionScratch,
) {
    let (tokens, dim) = (head.tokens, head.dim);
    if tokens == 0 {
        return;
    }
    let width = tokens.next_multiple_of(PANEL);
    scratch.keys.reserve(width * dim);
    scratch.values.reserve(dim.next_multiple_of(PANEL) * tokens);
    scratch.scores.reserve(MAX_ROWS * width);
    scratch.mask.reserve(width);
    scratch.mask[..tokens].fill(0.0);
    scratch.mask[tokens..].fill(f32::NEG_INFINITY);
    // SAFETY: the caller's promise.
    unsafe {
        pack_keys(head, &mut scratch.keys);
        pack_values(head, &mut scratch.values);
    }
    let mut row = 0;
    let tiles = tokens.div_ceil(S::TILE_ROWS);
    for tile in 0..tiles {
        let rows = (tokens - row).div_ceil(tiles - tile);
        // SAFETY: rows `row..row + rows` are the caller's; the scratch was sized above.
        unsafe { attend_from(s, head, row, rows, scratch) };
        row += rows;
    }
}

/// The same from the tokens `row..row + rows` only, at most one tile of them.
///
/// # Safety
/// As for [`attend`]; the rows are tokens of the sequence, and `scratch` holds its packed keys and values.
unsafe fn attend_from<S: Simd>(
    s: S,
    head: &AttentionHead<'_>,
    row: usize,
    rows: usize,
    scratch: &mut AttentionScratch,
) {
    let (tokens, dim) = (head.tokens, head.dim);
    let width = tokens.next_multiple_of(PANEL);
    let mut factors = [0.0; MAX_ROWS];
    // SAFETY: all of it inside the caller's rows and the scratch.
    unsafe {
        product(
            s,
            &Product {
                a: head.query.add(row * head.stride),
                a_stride: head.stride,
                rows,
                depth: dim,
                panels: scratch.keys.as_ptr(),
                out: scratch.scores.as_mut_ptr(),
                out_stride: width,
                columns: width,
                finish: Finish::Bias(scratch.mask.as_ptr()),
            },
        );
        let scores = &mut scratch.scores[..rows * width];
        s.vectorize(
            #[inline(always)]
            || {
                let scores = scores.chunks_exact_mut(width);
                for (r, (factor, scores)) in factors.iter_mut().zip(scores).enumerate() {
                    if let Some(relative) = head.relative {
                        let more = relative.biases(head.number, row + r, tokens);
                        add(s, &mut scores[..tokens], more);
                    }
                    *factor = soften(s, scores);
                }
            },
        );
        product(
            s,
            &Product {
                a: scratch.scores.as_ptr(),
                a_stride: width,
                rows,
                depth: tokens,
                panels: scratch.values.as_ptr(),
                out: head.out.add(row * head.out_stride),
                out_stride: head.out_stride,
                columns: dim,
                finish: Finish::Scale(factors.as_ptr()),
            },
        );
    }
}

/// Keys as panels of 16 tokens: `[tokens / 16][dim][16]`, zeros for missing tokens.
///
/// # Safety
/// `head.key` is valid for `tokens` rows of `dim` floats.
unsafe fn pack_keys(head: &AttentionHead<'_>, panels: &mut [f32]) {
    for (p, panel) in panels.chunks_exact_mut(PANEL * head.dim).enumerate() {
        let there = PANEL.min(head.tokens - p * PANEL);
        if there < PANEL {
            panel.fill(0.0);
        }
        for token in 0..there {
            // SAFETY: this token is one of the sequence.
            let key = unsafe {
                std::slice::from_raw_parts(
                    head.key.add((p * PANEL + token) * head.stride),
                    head.dim,
                )
            };
            for (to, &x) in panel.chunks_exact_mut(PANEL).zip(key) {
                to[token] = x;
            }
        }
    }
}

/// Values as panels of 16 columns: `[dim / 16][tokens][16]`, zeros for missing columns.
///
/// # Safety
/// `head.value` is valid for `tokens` rows of `dim` floats.
unsafe fn pack_values(head: &AttentionHead<'_>, panels: &mut [f32]) {
    for (p, panel) in panels.chunks_exact_mut(PANEL * head.tokens).enumerate() {
        let there = PANEL.min(head.dim - p * PANEL);
        for (token, to) in panel.chunks_exact_mut(PANEL).enumerate() {
            // SAFETY: this token is one of the sequence, and these columns are below `dim`.
            let value = unsafe {
                std::slice::from_raw_parts(head.value.add(token * head.stride + p * PANEL), there)
            };
            if let Some(whole) = value.first_chunk::<PANEL>() {
                to.copy_from_slice(whole);
            } else {
                to[..there].copy_from_slice(value);
                to[there..].fill(0.0);
            }
        }
    }
}
