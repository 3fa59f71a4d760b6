//! The products as the encoder calls them: checks shapes and divides columns among threads.

#[cfg(target_arch = "x86_64")]
use super::amx;
use super::attention::{AttentionScratch, attend};
use super::head::{AttentionHead, Numbers, Relative};
use super::isas::{Isas, with_float};
use super::operand::Operand;
use super::panels::{FloatMatrix, FloatWeights, ScratchPool};
use super::simd::PANEL;
use super::tile::{Finish, Product, product};
use rayon::prelude::*;

/// What to do with `rows * weights`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// Plus bias.
    Bias,
    /// Plus bias, then the exact GELU.
    Gelu,
    /// Plus bias, added to the output: a residual connection.
    Add,
}

impl Epilogue {
    /// The same for the kernel.
    pub(super) fn finish(self, bias: &[f32]) -> Finish {
        match self {
            Self::Bias => Finish::Bias(bias.as_ptr()),
            Self::Gelu => Finish::Gelu(bias.as_ptr()),
            Self::Add => Finish::Add(bias.as_ptr()),
        }
    }
}

/// How one product or attention is divided among threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// All of it by the calling thread.
    Whole,
    /// By columns or heads, among this many threads of the current rayon pool.
    Among(usize),
}

/// A pointer whose parts are written by one thread each.
#[derive(Clone, Copy)]
pub(super) struct Shared<T>(pub(super) *mut T);

// SAFETY: whoever makes one hands disjoint parts of it to the threads.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer; a method, so that a closure captures the whole value.
    pub(super) fn get(self) -> *mut T {
        self.0
    }
}

impl Split {
    /// Calls `part(start, end)` for ranges that cover `0..count` once, each a multiple of `step`
    /// but the last.
    pub(super) fn run(self, count: usize, step: usize, part: impl Fn(usize, usize) + Sync) {
        let steps = count.div_ceil(step);
        match self {
            Self::Among(threads) if threads > 1 && steps > 1 => {
                let parts = threads.min(steps);
                (0..parts).into_par_iter().with_max_len(1).for_each(|i| {
                    let at = |i: usize| (steps * i / parts * step).min(count);
                    part(at(i), at(i + 1));
                });
            }
            _ => part(0, count),
        }
    }
}

impl FloatMatrix {
    /// `out[rows, columns] = epilogue(rows[rows, depth] * weights)`; `operand` is a buffer for the rows in
    /// the form that the product reads.
    ///
    /// # Panics
    /// If `rows` and `out` do not hold the same number of whole rows.
    pub fn multiply(
        &self,
        isa: Isas,
        rows: &[f32],
        operand: &mut Operand,
        epilogue: Epilogue,
        out: &mut [f32],
        split: Split,
    ) {
        let count = rows.len() / self.depth;
        assert_eq!(rows.len(), count * self.depth, "rows [count, depth]");
        assert_eq!(out.len(), count * self.columns, "out [count, columns]");
        let out = Shared(out.as_mut_ptr());
        match &self.weights {
            FloatWeights::Panels(panels) => split.run(self.columns, 3 * PANEL, |start, end| {
                let finish = epilogue.finish(&self.bias[start..]);
                let panels = panels[start * self.depth..].as_ptr();
                with_float!(isa, s => {
                    // SAFETY: the shapes were checked above; `start` begins a panel, and each range
                    // of columns is written by one thread.
                    unsafe {
                        product(s, &Product {
                            a: rows.as_ptr(),
                            a_stride: self.depth,
                            rows: count,
                            depth: self.depth,
                            panels,
                            out: out.get().add(start),
                            out_stride: self.columns,
                            columns: end - start,
                            finish,
                        });
                    }
                });
            }),
            #[cfg(target_arch = "x86_64")]
            FloatWeights::Tiles(amx, tiles) => {
                operand.split(*amx, rows, self.depth);
                split.run(self.columns, 2 * PANEL, |start, end| {
                    // SAFETY: as above; both operands are whole tiles.
                    unsafe {
                        amx::tile_product(
                            *amx,
                            &amx::TileProduct {
                                arithmetic: amx::HalfTiles,
                                a: operand.bytes.as_ptr(),
                                rows: count,
                                steps: self.depth / amx::STEP,
                                weights: tiles[start * self.depth * 4..].as_ptr(),
                                out: out.get().add(start),
                                out_stride: self.columns,
                                columns: end - start,
                                finish: epilogue.finish(&self.bias[start..]),
                            },
                        );
                    }
                });
            }
        }
    }
}

/// Attention over fused rows `[query | key | value]`: `heads * dim`, `key_heads * dim` and `key_heads *
/// dim` wide.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Number of query heads.
    pub heads: usize,
    /// Number of key and value heads. Divides `heads`; each is shared by `heads / key_heads` query heads.
    pub key_heads: usize,
    /// Width of one head.
    pub dim: usize,
    /// Precision of the products.
    pub numbers: Numbers,
}

impl Attention {
    /// Width of a fused row in numbers.
    pub fn fused_width(&self) -> usize {
        (self.heads + 2 * self.key_heads) * self.dim
    }

    /// Attends within one sequence: `fused` is `[tokens, fused_width]`, `out` is `[tokens, heads * dim]`.
    /// Queries come scaled; the softmax has base 2, so the scale includes `log2(e)`. `scratch` lends
    /// buffers to each thread.
    ///
    /// # Panics
    /// If `fused` and `out` do not hold the same number of whole rows, `heads` or `dim` is 0, or
    /// `key_heads` does not divide `heads`.
    pub fn attend(
        &self,
        isa: Isas,
        fused: &[f32],
        relative: Option<&Relative>,
        out: &mut [f32],
        split: Split,
        scratch: &ScratchPool<AttentionScratch>,
    ) {
        assert!(self.heads > 0 && self.dim > 0, "heads with a width");
        let shares = self.heads.is_multiple_of(self.key_heads);
        assert!(shares, "key_heads divides heads");
        let width = self.heads * self.dim;
        let tokens = out.len() / width;
        assert_eq!(out.len(), tokens * width, "out [tokens, heads * dim]");
        let stride = self.fused_width();
        assert_eq!(fused.len(), tokens * stride, "fused [tokens, fused_width]");
        let (sharing, keys) = (self.heads / self.key_heads, self.key_heads * self.dim);
        let out = Shared(out.as_mut_ptr());
        split.run(self.heads, 1, |start, end| {
            scratch.lend(|scratch| {
                for head in start..end {
                    // SAFETY: the shapes were checked above; each head's columns are written once.
                    unsafe {
                        let key = fused.as_ptr().add(width + head / sharing * self.dim);
                        let head = AttentionHead {
                            number: head,
                            relative,
                            query: fused.as_ptr().add(head * self.dim),
                            key,
                            value: key.add(keys),
                            stride,
                            tokens,
                            dim: self.dim,
                            out: out.get().add(head * self.dim),
                            out_stride: width,
                        };
                        #[cfg(target_arch = "x86_64")]
                        if let Some(amx) = isa.tiles
                            && amx::attention::suits(self.dim)
                        {
                            amx::attention::attend(amx, &head, self.numbers, &mut scratch.tiles);
                            continue;
                        }
                        with_float!(isa, s => attend(s, &head, scratch));
                    }
                }
            });
        });
    }
}
