//! The matrix product over tiles, in blocks of 32 rows and 32 columns. While one block is multiplied, the
//! sums of the one before become results.

use super::tiles::{Amx, Configured, TILE, TILE_BYTES, TILE_ROW_BYTES};
use crate::avx512::Avx512;
use crate::simd::Simd;
use crate::tile::{Finish, TileTarget, finish};
use std::arch::asm;
use std::arch::x86_64::*;

/// Rows that are finished together: enough for their operations to overlap.
const TOGETHER: usize = 4;

/// Rows that stay in the first-level cache while the weights pass by.
const CHUNK_BLOCKS: usize = 2;

/// Bytes times bytes, and how their sums become floats: as in
/// [`byte_tile`](crate::byte_tile).
#[derive(Clone, Copy)]
pub(in super::super) struct ByteTiles {
    pub(in super::super) sums: *const f32,
    pub(in super::super) row_scales: *const f32,
    pub(in super::super) row_lows: *const f32,
    pub(in super::super) column_scales: *const f32,
}

/// Floats as halves times floats as halves: their sums are the result.
#[derive(Clone, Copy)]
pub(in super::super) struct HalfTiles;

/// What tiles are multiplied, and how their sums become floats.
pub(in super::super) trait TileArithmetic: Copy {
    /// Tiles of one operand in one step.
    const PLANES: usize;

    /// Adds the products of one step to the tiles 0 to 3, `[rows][panels]`.
    ///
    /// # Safety
    /// Tiles are configured; the pointers are at one step's tiles.
    unsafe fn step<const ROWS: usize, const PANELS: usize>(a: [*const u8; 2], b: [*const u8; 2]);

    /// Converts 16 sums to floats. The default is for sums that are floats already.
    ///
    /// # Safety
    /// `sums` points to 16 of them; `row` and `column` lie in the product.
    #[inline(always)]
    unsafe fn to_float(self, sums: *const u8, _row: usize, _column: usize) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_load_ps(sums.cast()) }
    }
}

/// One step of one plane: multiplies one or two tiles of rows by one or two of weights into the tiles 0 to
/// 3.
macro_rules! single_step {
    ($product:literal, $rows:expr, $panels:expr, $a:ident, $b:ident) => {
        match ($rows, $panels) {
            (1, 1) => asm!(
                "tileloadd tmm4, [{a} + {s}]",
                "tileloadd tmm6, [{b} + {s}]",
                concat!($product, " tmm0, tmm4, tmm6"),
                a = in(reg) $a[0], b = in(reg) $b[0], s = in(reg) TILE_ROW_BYTES,
                out("tmm0") _, out("tmm4") _, out("tmm6") _,
                options(nostack, readonly),
            ),
            (1, _) => asm!(
                "tileloadd tmm4, [{a} + {s}]",
                "tileloadd tmm6, [{b0} + {s}]",
                concat!($product, " tmm0, tmm4, tmm6"),
                "tileloadd tmm7, [{b1} + {s}]",
                concat!($product, " tmm1, tmm4, tmm7"),
                a = in(reg) $a[0], b0 = in(reg) $b[0], b1 = in(reg) $b[1],
                s = in(reg) TILE_ROW_BYTES,
                out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _,
                out("tmm7") _,
                options(nostack, readonly),
            ),
            (_, 1) => asm!(
                "tileloadd tmm6, [{b} + {s}]",
                "tileloadd tmm4, [{a0} + {s}]",
                concat!($product, " tmm0, tmm4, tmm6"),
                "tileloadd tmm5, [{a1} + {s}]",
                concat!($product, " tmm2, tmm5, tmm6"),
                a0 = in(reg) $a[0], a1 = in(reg) $a[1], b = in(reg) $b[0],
                s = in(reg) TILE_ROW_BYTES,
                out("tmm0") _, out("tmm2") _, out("tmm4") _, out("tmm5") _,
                out("tmm6") _,
                options(nostack, readonly),
            ),
            _ => asm!(
                "tileloadd tmm4, [{a0} + {s}]",
                "tileloadd tmm6, [{b0} + {s}]",
                concat!($product, " tmm0, tmm4, tmm6"),
                "tileloadd tmm7, [{b1} + {s}]",
                concat!($product, " tmm1, tmm4, tmm7"),
                "tileloadd tmm5, [{a1} + {s}]",
                concat!($product, " tmm2, tmm5, tmm6"),
                concat!($product, " tmm3, tmm5, tmm7"),
                a0 = in(reg) $a[0], a1 = in(reg) $a[1], b0 = in(reg) $b[0], b1 = in(reg) $b[1],
                s = in(reg) TILE_ROW_BYTES,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly),
            ),
        }
    };
}

impl TileArithmetic for ByteTiles {
    const PLANES: usize = 1;

    #[inline(always)]
    unsafe fn step<const ROWS: usize, const PANELS: usize>(a: [*const u8; 2], b: [*const u8; 2]) {
        // SAFETY: the caller's promise.
        unsafe { single_step!("tdpbusd", ROWS, PANELS, a, b) }
    }

    #[inline(always)]
    unsafe fn to_float(self, sums: *const u8, row: usize, column: usize) -> __m512 {
        // SAFETY: the caller's promise. The same operations in the same order as the other byte
        // product's, so that the bits are the same.
        unsafe {
            let scale = _mm512_loadu_ps(self.column_scales.add(column));
            let low = _mm512_mul_ps(_mm512_loadu_ps(self.sums.add(column)), scale);
            let sums = _mm512_cvtepi32_ps(_mm512_load_si512(sums.cast()));
            let row_scale = _mm512_set1_ps(*self.row_scales.add(row));
            let scaled = _mm512_mul_ps(_mm512_mul_ps(sums, scale), row_scale);
            _mm512_fmadd_ps(low, _mm512_set1_ps(*self.row_lows.add(row)), scaled)
        }
    }
}

impl TileArithmetic for HalfTiles {
    const PLANES: usize = 2;

    /// High times high, high times low, low times high: the order is the same for every element.
    #[inline(always)]
    unsafe fn step<const ROWS: usize, const PANELS: usize>(a: [*const u8; 2], b: [*const u8; 2]) {
        // SAFETY: the caller's promise.
        unsafe {
            match (ROWS, PANELS) {
                (1, 1) => asm!(
                    "tileloadd tmm4, [{a} + {s}]",
                    "tileloadd tmm6, [{b} + {s}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{b} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm7",
                    "tileloadd tmm5, [{a} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm5, tmm6",
                    a = in(reg) a[0], b = in(reg) b[0], s = in(reg) TILE_ROW_BYTES,
                    out("tmm0") _, out("tmm4") _, out("tmm5") _, out("tmm6") _,
                    out("tmm7") _,
                    options(nostack, readonly),
                ),
                (1, _) => asm!(
                    "tileloadd tmm4, [{a} + {s}]",
                    "tileloadd tmm6, [{b0} + {s}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{b1} + {s}]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{b0} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm5",
                    "tileloadd tmm5, [{b1} + {s} + 1024]",
                    "tdpbf16ps tmm1, tmm4, tmm5",
                    "tileloadd tmm4, [{a} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    a = in(reg) a[0], b0 = in(reg) b[0], b1 = in(reg) b[1],
                    s = in(reg) TILE_ROW_BYTES,
                    out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm5") _,
                    out("tmm6") _, out("tmm7") _,
                    options(nostack, readonly),
                ),
                (_, 1) => asm!(
                    "tileloadd tmm6, [{b} + {s}]",
                    "tileloadd tmm4, [{a0} + {s}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm5, [{a1} + {s}]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tileloadd tmm7, [{b} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm7",
                    "tdpbf16ps tmm2, tmm5, tmm7",
                    "tileloadd tmm4, [{a0} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm5, [{a1} + {s} + 1024]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    a0 = in(reg) a[0], a1 = in(reg) a[1], b = in(reg) b[0],
                    s = in(reg) TILE_ROW_BYTES,
                    out("tmm0") _, out("tmm2") _, out("tmm4") _, out("tmm5") _,
                    out("tmm6") _, out("tmm7") _,
                    options(nostack, readonly),
                ),
                _ => asm!(
                    "tileloadd tmm4, [{a0} + {s}]",
                    "tileloadd tmm6, [{b0} + {s}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{b1} + {s}]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{a1} + {s}]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "tileloadd tmm6, [{b0} + {s} + 1024]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tileloadd tmm6, [{b1} + {s} + 1024]",
                    "tdpbf16ps tmm1, tmm4, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm6",
                    "tileloadd tmm4, [{a0} + {s} + 1024]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{a1} + {s} + 1024]",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "tileloadd tmm6, [{b0} + {s}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    a0 = in(reg) a[0], a1 = in(reg) a[1], b0 = in(reg) b[0], b1 = in(reg) b[1],
                    s = in(reg) TILE_ROW_BYTES,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack, readonly),
                ),
            }
        }
    }
}

/// Floats as their high halves only, times the same: their sums are the result, to 8 bits.
#[derive(Clone, Copy)]
pub(super) struct HighTiles;

impl TileArithmetic for HighTiles {
    const PLANES: usize = 1;

    #[inline(always)]
    unsafe fn step<const ROWS: usize, const PANELS: usize>(a: [*const u8; 2], b: [*const u8; 2]) {
        // SAFETY: the caller's promise.
        unsafe { single_step!("tdpbf16ps", ROWS, PANELS, a, b) }
    }
}

/// Clears the tiles 0 to 3.
///
/// # Safety
/// Tiles are configured.
#[inline(always)]
pub(super) unsafe fn clear_sums() {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack, nomem)
        );
    }
}

/// `out = finish(a * weights)`, both operands as tiles.
#[derive(Clone, Copy)]
pub(in super::super) struct TileProduct<A> {
    pub(in super::super) arithmetic: A,
    /// `[rows / 16][step][plane]` tiles.
    pub(in super::super) a: *const u8,
    pub(in super::super) rows: usize,
    pub(in super::super) steps: usize,
    /// `[columns / 16][step][plane]` tiles.
    pub(in super::super) weights: *const u8,
    pub(in super::super) out: *mut f32,
    pub(in super::super) out_stride: usize,
    pub(in super::super) columns: usize,
    pub(in super::super) finish: Finish,
}

/// A block of at most 2 by 2 tiles: its first row and column, and its size.
#[derive(Clone, Copy, Default)]
struct TileBlock {
    row: usize,
    column: usize,
    rows: usize,
    panels: usize,
}

/// Sums of one block, tile after tile.
#[repr(C, align(64))]
struct Sums([u8; 4 * TILE_BYTES]);

/// Computes the product.
///
/// # Safety
/// The operands are there as described, in whole tiles; `out` and the pointers of `finish` and of
/// the arithmetic are valid as for [`product`](crate::tile::product).
pub(in super::super) unsafe fn tile_product<A: TileArithmetic>(amx: Amx, p: &TileProduct<A>) {
    let _tiles = Configured::new(amx);
    let s = amx.float();
    s.vectorize(
        #[inline(always)]
        || {
            let mut sums = [const { Sums([0; 4 * TILE_BYTES]) }; 2];
            let (mut before, mut turn) = (TileBlock::default(), 0);
            let chunk = CHUNK_BLOCKS * 2 * TILE;
            for first in (0..p.rows).step_by(chunk) {
                for column in (0..p.columns).step_by(2 * TILE) {
                    for row in (first..p.rows.min(first + chunk)).step_by(2 * TILE) {
                        let block = TileBlock {
                            row,
                            column,
                            rows: (p.rows - row).min(2 * TILE),
                            panels: (p.columns - column).div_ceil(TILE).min(2),
                        };
                        let [even, odd] = &mut sums;
                        let (now, then) = if turn == 0 { (even, odd) } else { (odd, even) };
                        // SAFETY: the block lies in the product.
                        unsafe {
                            match (block.rows > TILE, block.panels) {
                                (false, 1) => multiply::<A, 1, 1>(s, p, block, now, before, then),
                                (false, _) => multiply::<A, 1, 2>(s, p, block, now, before, then),
                                (true, 1) => multiply::<A, 2, 1>(s, p, block, now, before, then),
                                (true, _) => multiply::<A, 2, 2>(s, p, block, now, before, then),
                            }
                        }
                        (before, turn) = (block, 1 - turn);
                    }
                }
            }
            // SAFETY: the last block's sums are there.
            unsafe { finish_rows(s, p, before, &sums[1 - turn], 0..before.rows) };
        },
    );
}

/// Multiplies one block into `sums`, and finishes the one before from `sums_before` meanwhile.
///
/// # Safety
/// As for [`tile_product`]; tiles are configured, both blocks lie in the product, and `sums_before` are those
/// of the block `before`.
#[inline(always)]
unsafe fn multiply<A: TileArithmetic, const ROWS: usize, const PANELS: usize>(
    s: Avx512,
    p: &TileProduct<A>,
    block: TileBlock,
    sums: &mut Sums,
    before: TileBlock,
    sums_before: &Sums,
) {
    let (step_bytes, band) = (A::PLANES * TILE_BYTES, p.steps * A::PLANES * TILE_BYTES);
    let each_step = before.rows.div_ceil(p.steps).next_multiple_of(TOGETHER);
    // SAFETY: the caller's promise: all tiles of the block are there.
    unsafe {
        let mut a = [p.a.add(block.row / TILE * band); 2];
        let mut b = [p.weights.add(block.column / TILE * band); 2];
        if ROWS == 2 {
            a[1] = a[0].add(band);
        }
        if PANELS == 2 {
            b[1] = b[0].add(band);
        }
        clear_sums();
        for step in 0..p.steps {
            A::step::<ROWS, PANELS>(a, b);
            a = a.map(|tile| tile.wrapping_add(step_bytes));
            b = b.map(|tile| tile.wrapping_add(step_bytes));
            let from = (step * each_step).min(before.rows);
            finish_rows(
                s,
                p,
                before,
                sums_before,
                from..(from + each_step).min(before.rows),
            );
        }
        asm!(
            "tilestored [{to} + {s}], tmm0",
            "tilestored [{to} + {s} + 1024], tmm1",
            "tilestored [{to} + {s} + 2048], tmm2",
            "tilestored [{to} + {s} + 3072], tmm3",
            to = in(reg) sums.0.as_mut_ptr(), s = in(reg) TILE_ROW_BYTES, options(nostack),
        );
    }
}

/// Turns the sums of some rows of a block into results.
///
/// # Safety
/// As for [`tile_product`]; the block lies in the product, the rows in the block, and `sums` are the block's.
#[inline(always)]
unsafe fn finish_rows<A: TileArithmetic>(
    s: Avx512,
    p: &TileProduct<A>,
    block: TileBlock,
    sums: &Sums,
    rows: std::ops::Range<usize>,
) {
    let mut r = rows.start;
    // SAFETY: the rows and the columns of the block lie in the product and in its sums.
    unsafe {
        while r + TOGETHER <= rows.end {
            if block.panels == 1 {
                finish_some::<A, TOGETHER, 1>(s, p, block, sums, r);
            } else {
                finish_some::<A, TOGETHER, 2>(s, p, block, sums, r);
            }
            r += TOGETHER;
        }
        for r in r..rows.end {
            if block.panels == 1 {
                finish_some::<A, 1, 1>(s, p, block, sums, r);
            } else {
                finish_some::<A, 1, 2>(s, p, block, sums, r);
            }
        }
    }
}

/// The same for `ROWS` rows from `first` on and all `PANELS` of the block.
///
/// # Safety
/// As for [`finish_rows`].
#[inline(always)]
unsafe fn finish_some<A: TileArithmetic, const ROWS: usize, const PANELS: usize>(
    s: Avx512,
    p: &TileProduct<A>,
    block: TileBlock,
    sums: &Sums,
    first: usize,
) {
    let (row, column) = (block.row + first, block.column);
    let mut floats = [[s.splat(0.0); PANELS]; ROWS];
    // SAFETY: the caller's promise.
    unsafe {
        for (r, floats) in floats.iter_mut().enumerate() {
            let at = (first + r) / TILE * 2 * TILE_BYTES + (first + r) % TILE * TILE_ROW_BYTES;
            for (panel, x) in floats.iter_mut().enumerate() {
                let from = sums.0.as_ptr().add(at + panel * TILE_BYTES);
                *x = p.arithmetic.to_float(from, row + r, column + panel * TILE);
            }
        }
        let target = TileTarget {
            out: p.out.add(row * p.out_stride + column),
            stride: p.out_stride,
            columns: p.columns - column,
            finish: p.finish.at(row, column),
        };
        finish(s, &floats, target);
    }
}
