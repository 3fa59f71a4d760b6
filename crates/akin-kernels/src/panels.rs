//! Matrices in the order in which the kernels read them.
//!
//! Both layouts cut the columns (output features) into panels of [`PANEL`], padded with zeros:
//! floats as `[panel][depth][16]`, bytes as `[panel][depth / 4][16][4]`. They are the same for
//! every instruction set, so a packed matrix may be stored.

use std::sync::{Mutex, PoisonError};

use super::aligned::Aligned;
use super::isas::Isas;
use super::simd::PANEL;

/// A pool of buffers: holds the largest number of buffers that were ever lent at once.
pub struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T: Default> ScratchPool<T> {
    /// Lends a buffer to `f`, a new one if all are lent.
    pub fn lend<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = spare.unwrap_or_default();
        let result = f(&mut buffer);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(buffer);
        result
    }
}

impl<T> Default for ScratchPool<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

/// A weight matrix `[columns, depth]` with its bias, packed for floats.
pub struct FloatMatrix {
    pub(super) weights: FloatWeights,
    /// One for each column, padded with zeros to whole panels.
    pub(super) bias: Aligned<f32>,
    /// Output features.
    pub(super) columns: usize,
    /// Input features.
    pub(super) depth: usize,
}

/// Packed weights that are multiplied in f32.
pub(super) enum FloatWeights {
    /// Panels of floats.
    Panels(Aligned<f32>),
    /// Tiles of bf16 halves.
    #[cfg(target_arch = "x86_64")]
    Tiles(super::amx::Amx, Aligned<u8>),
}

impl FloatMatrix {
    /// Packs row-major `[columns, depth]` weights, as checkpoints store them.
    ///
    /// # Panics
    /// If the length of `weights` is not that of `bias` times `depth`.
    pub fn pack(isa: Isas, weights: &[f32], bias: &[f32], depth: usize) -> Self {
        let columns = bias.len();
        assert_eq!(weights.len(), columns * depth, "weights [columns, depth]");
        let mut padded = Aligned::zeroed(columns.next_multiple_of(PANEL));
        padded[..columns].copy_from_slice(bias);
        Self {
            weights: FloatWeights::pack(isa, weights, depth),
            bias: padded,
            columns,
            depth,
        }
    }
}

impl FloatWeights {
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(unused_variables, reason = "no tiles")
    )]
    fn pack(isa: Isas, weights: &[f32], depth: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(amx) = isa.tiles
            && depth > 0
            && depth.is_multiple_of(super::amx::STEP)
        {
            return Self::Tiles(amx, super::amx::pack_weights(amx, weights, depth));
        }
        let columns = weights.len().checked_div(depth).unwrap_or(0);
        let mut panels = Aligned::zeroed(columns.next_multiple_of(PANEL) * depth);
        if depth > 0 {
            for (panel, rows) in panels
                .chunks_exact_mut(PANEL * depth)
                .zip(weights.chunks(PANEL * depth))
            {
                interleave(rows, depth, panel);
            }
        }
        Self::Panels(panels)
    }
}

/// Writes up to [`PANEL`] rows of `depth` as `[depth][16]`, in blocks that stay in the cache.
pub(super) fn interleave(rows: &[f32], depth: usize, panel: &mut [f32]) {
    const BLOCK: usize = 16;
    for start in (0..depth).step_by(BLOCK) {
        let end = (start + BLOCK).min(depth);
        for (column, row) in rows.chunks_exact(depth).enumerate() {
            for (at, &x) in (start..end).zip(&row[start..end]) {
                panel[at * PANEL + column] = x;
            }
        }
    }
}
