//! The operations of a body as kernels of our own, for NVIDIA GPUs. Texts lie one after another without
//! padding, and attention keeps no scores in memory. Bias, sum and norm are one pass over the rows; so are
//! bias, activation and gate.
//!
//! `kernels.cu` is compiled by nvcc when akin is built with the feature `cuda` (`build.rs`). On machines
//! without a GPU, tests compile the same file for the CPU and compare it with the packed body
//! (`emulator.rs`).

mod arguments;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(test)]
#[cfg(unix)]
pub(super) mod emulator;
#[cfg_attr(
    not(any(feature = "cuda", all(test, unix))),
    expect(dead_code, reason = "nothing runs kernels in such a build")
)]
mod grid;
#[cfg_attr(
    not(any(feature = "cuda", all(test, unix))),
    expect(dead_code, reason = "nothing runs kernels in such a build")
)]
mod launch;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use candle_core::{DType, Result, Tensor};

use self::arguments::{ActivateLaunch, Attend, Normalise, PoolLaunch, Turn};
#[cfg(feature = "cuda")]
pub(super) use self::cuda::{LaunchOrder, Returning, Returns, free_bytes, keep_memory, runs_on};
use self::grid::Grid;
use self::launch::Launch;
use super::load::{DeviceLayer, DeviceNorm};
use super::operations::{Normalisation, Operations};
use super::outlook::DevicePattern;
use super::rows::{Arrangement, Rows};
use crate::packed::{Gate, Shape};
use crate::pooling::{Pooling, PoolingMode};
use akin_kernels::Activation;

/// Threads of a warp.
const WARP: u32 = 32;

/// Rows, or heads of rows, of a block.
const ROWS_A_BLOCK: u32 = 4;

/// Threads of a block that does the same to all numbers.
const THREADS: u32 = 256;

/// Threads of a block that pools.
const POOL_THREADS: u32 = 128;

/// Queries of a block of attention, and keys that it looks at together.
const TILE: usize = 64;

/// Shared memory of a block of rows.
const ROW_SHARED_BYTES: usize = 48 << 10;

/// Widths of heads that attention is compiled for; others are rounded up.
const HEAD_DIMS: [usize; 4] = [32, 64, 128, 256];

/// Our own kernels.
pub(super) struct Kernels {
    dtype: DType,
    /// How the names of those for these numbers end.
    suffix: &'static str,
    /// The width that a head's is rounded up to.
    head_dim: usize,
}

impl Kernels {
    /// The kernels for a body of this shape; `None` where they cannot compute it.
    pub(super) fn for_shape(shape: &Shape, dtype: DType) -> Option<Kernels> {
        let suffix = match dtype {
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            _ => return None,
        };
        let head_dim = HEAD_DIMS.into_iter().find(|dim| *dim >= shape.head_dim)?;
        // What is read at once: 4 numbers of a row, 8 of a head.
        let is_aligned = shape.hidden.is_multiple_of(4)
            && shape.intermediate.is_multiple_of(4)
            && shape.head_dim.is_multiple_of(8);
        (is_aligned && 4 * shape.hidden <= ROW_SHARED_BYTES).then_some(Kernels {
            dtype,
            suffix,
            head_dim,
        })
    }

    /// Bias, norm and rotation of queries and keys in place; bias of values.
    fn turn(
        &self,
        shape: &Shape,
        layer: &DeviceLayer,
        outlook: &DevicePattern,
        fused: &Tensor,
        rows: &Rows,
    ) -> Result<()> {
        let (query_gain, query_shift) = parts(layer.query_norm.as_ref());
        let (key_gain, key_shift) = parts(layer.key_norm.as_ref());
        let rotation = outlook.rotation.as_ref();
        let (n_rows, _) = fused.dims2()?;
        let n_heads = n_rows * (shape.heads + 2 * shape.key_heads);
        let launch = Launch {
            variant: self.suffix.to_owned(),
            grid: Grid {
                blocks: [(n_heads as u32).div_ceil(ROWS_A_BLOCK), 1, 1],
                threads: [WARP, ROWS_A_BLOCK, 1],
                shared_bytes: ROWS_A_BLOCK * 4 * shape.head_dim as u32,
            },
            read: [
                layer.fused.bias.as_ref(),
                query_gain,
                query_shift,
                key_gain,
                key_shift,
                rotation.map(|rotation| &rotation.cosines),
                rotation.map(|rotation| &rotation.sines),
                Some(&rows.places),
            ],
            arguments: |rows, read: [u64; 8]| Turn {
                rows,
                bias: read[0],
                query_gain: read[1],
                query_shift: read[2],
                key_gain: read[3],
                key_shift: read[4],
                cosines: read[5],
                sines: read[6],
                places: read[7],
                n_rows: n_rows as u32,
                heads: shape.heads as u32,
                key_heads: shape.key_heads as u32,
                head_dim: shape.head_dim as u32,
                half: rotation.map_or(0, |rotation| rotation.half as u32),
                eps: shape.eps,
                is_rms: u32::from(key_shift.is_none()),
            },
        };
        launch.change(fused)
    }
}

impl Operations for Kernels {
    fn arrangement(&self) -> Arrangement {
        Arrangement::Packed
    }

    fn normalise(&self, rows: &Tensor, to: Normalisation<'_>) -> Result<Tensor> {
        let (n_rows, width) = rows.dims2()?;
        let rows_a_block = (ROW_SHARED_BYTES / (4 * width)).clamp(1, ROWS_A_BLOCK as usize) as u32;
        let either = to.norm.or(to.branch);
        let (branch_gain, branch_shift) = parts(to.branch);
        let (gain, shift) = parts(to.norm);
        let launch = Launch {
            variant: self.suffix.to_owned(),
            grid: Grid {
                blocks: [(n_rows as u32).div_ceil(rows_a_block), 1, 1],
                threads: [WARP, rows_a_block, 1],
                shared_bytes: rows_a_block * 4 * width as u32,
            },
            read: [
                Some(rows),
                to.added,
                to.bias,
                branch_gain,
                branch_shift,
                gain,
                shift,
            ],
            arguments: |out, read: [u64; 7]| Normalise {
                out,
                rows: read[0],
                added: read[1],
                bias: read[2],
                branch_gain: read[3],
                branch_shift: read[4],
                gain: read[5],
                shift: read[6],
                n_rows: n_rows as u32,
                width: width as u32,
                eps: either.map_or(0.0, |norm| norm.eps),
                is_rms: u32::from(either.is_some_and(|norm| norm.shift.is_none())),
            },
        };
        launch.make((n_rows, width), self.dtype)
    }

    fn activate(&self, shape: &Shape, wide: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let (n_rows, _) = wide.dims2()?;
        let width = shape.intermediate;
        let n_fours = (n_rows * width / 4) as u32;
        let launch = Launch {
            variant: self.suffix.to_owned(),
            grid: Grid {
                blocks: [n_fours.div_ceil(THREADS), 1, 1],
                threads: [THREADS, 1, 1],
                shared_bytes: 0,
            },
            read: [Some(&wide), bias],
            arguments: |out, [rows, bias]: [u64; 2]| ActivateLaunch {
                out,
                rows,
                bias,
                n_rows: n_rows as u32,
                width: width as u32,
                activation: match shape.activation {
                    Activation::Gelu => 0,
                    Activation::GeluTanh => 1,
                    Activation::Relu => 2,
                    Activation::Silu => 3,
                },
                gate: match shape.gate {
                    None => 0,
                    Some(Gate::First) => 1,
                    Some(Gate::Last) => 2,
                },
            },
        };
        launch.make((n_rows, width), self.dtype)
    }

    fn attend(
        &self,
        shape: &Shape,
        layer: &DeviceLayer,
        outlook: &DevicePattern,
        fused: Tensor,
        rows: &Rows,
    ) -> Result<Tensor> {
        let (n_rows, _) = fused.dims2()?;
        let is_turned =
            outlook.rotation.is_some() || layer.query_norm.is_some() || layer.key_norm.is_some();
        if is_turned {
            self.turn(shape, layer, outlook, &fused, rows)?;
        }
        let bias = layer.fused.bias.as_ref().filter(|_| !is_turned);
        let relative = outlook.relative.as_ref();
        let relative = relative.filter(|_| outlook.differs_by_head);
        let relative_heads = relative.map_or(Ok(1), |table| table.dim(0))?;
        let stride = self.head_dim + 8;
        let n_tiles = rows.longest.div_ceil(TILE);
        let launch = Launch {
            variant: format!("{}_{}", self.suffix, self.head_dim),
            grid: Grid {
                blocks: [
                    rows.lengths.len() as u32,
                    shape.heads as u32,
                    n_tiles as u32,
                ],
                threads: [4 * WARP, 1, 1],
                shared_bytes: (2 * TILE * stride * self.dtype.size_in_bytes()) as u32,
            },
            read: [Some(&fused), bias, relative, Some(&rows.starts)],
            arguments: |out, [rows, bias, relative, starts]: [u64; 4]| Attend {
                out,
                rows,
                bias,
                relative,
                starts,
                heads: shape.heads as u32,
                key_heads: shape.key_heads as u32,
                head_dim: shape.head_dim as u32,
                relative_heads: relative_heads as u32,
                reach: outlook.reach as u32,
                behind: outlook.behind as i32,
                ahead: outlook.ahead as i32,
                scale: shape.query_scale * std::f32::consts::LOG2_E,
            },
        };
        launch.make((n_rows, shape.heads * shape.head_dim), self.dtype)
    }

    fn pool(&self, states: &Tensor, rows: &Rows, pooling: &Pooling) -> Result<Tensor> {
        let (_, width) = states.dims2()?;
        let n_texts = rows.lengths.len();
        let of_mode = |mode: &PoolingMode| {
            let launch = Launch {
                variant: self.suffix.to_owned(),
                grid: Grid {
                    blocks: [n_texts as u32, (width as u32).div_ceil(POOL_THREADS), 1],
                    threads: [POOL_THREADS, 1, 1],
                    shared_bytes: 0,
                },
                read: [Some(states), Some(&rows.starts)],
                arguments: |out, [rows, starts]: [u64; 2]| PoolLaunch {
                    out,
                    rows,
                    starts,
                    width: width as u32,
                    mode: match mode {
                        PoolingMode::Cls => 0,
                        PoolingMode::Mean => 1,
                        PoolingMode::Max => 2,
                        PoolingMode::MeanSqrtLen => 3,
                        PoolingMode::WeightedMean => 4,
                        PoolingMode::LastToken => 5,
                    },
                },
            };
            launch.make((n_texts, width), DType::F32)
        };
        let pooled: Vec<Tensor> = pooling.modes().iter().map(of_mode).collect::<Result<_>>()?;
        match &pooled[..] {
            [one] => Ok(one.clone()),
            all => Tensor::cat(all, 1),
        }
    }
}

/// A norm's gain and shift, where there are such.
fn parts(norm: Option<&DeviceNorm>) -> (Option<&Tensor>, Option<&Tensor>) {
    (
        norm.map(|norm| &norm.gain),
        norm.and_then(|norm| norm.shift.as_ref()),
    )
}
