//! The matrix product over bytes: `u8` rows times `i8` panels in 32-bit sums, then floats.
//!
//! The sums are exact, so they are the same on every instruction set; what follows is the float
//! product's own [`finish`].

use super::simd::{Dot, PANEL, Simd};
use super::tile::{Finish, TileTarget, finish, with_rows};

/// `out = finish((row_scale * (a * panels) + row_low * sum) * column_scale)`.
#[derive(Clone, Copy)]
pub(super) struct ByteProduct {
    pub(super) a: *const u8,
    /// A multiple of 4 that is at least `depth`, as are the rows' bytes.
    pub(super) a_stride: usize,
    pub(super) rows: usize,
    /// A multiple of 4.
    pub(super) depth: usize,
    pub(super) panels: *const i8,
    /// What each column's sum begins with to make up for [`Dot::OFFSET`], if that is not 0.
    pub(super) starts: *const i32,
    /// Sum of each column's bytes.
    pub(super) sums: *const f32,
    pub(super) row_scales: *const f32,
    pub(super) row_lows: *const f32,
    pub(super) column_scales: *const f32,
    pub(super) out: *mut f32,
    pub(super) out_stride: usize,
    pub(super) columns: usize,
    pub(super) finish: Finish,
}

/// One tile's part of the operands.
#[derive(Clone, Copy)]
struct Operands {
    a: *const u8,
    a_stride: usize,
    depth: usize,
    b: *const i8,
    starts: *const i32,
    sums: *const f32,
    row_scales: *const f32,
    row_lows: *const f32,
    column_scales: *const f32,
}

/// Computes the product.
///
/// # Safety
/// As for [`super::tile::product`]; `row_scales` and `row_lows` hold one float a row, `starts`,
/// `sums` and `column_scales` one number a column up to the end of the last panel.
pub(super) unsafe fn byte_product<D: Dot>(d: D, p: &ByteProduct) {
    let (panels, vectors_of_panel) = (p.columns.div_ceil(PANEL), PANEL / D::Float::WIDTH);
    let mut panel = 0;
    while panel < panels {
        let together = D::TILE_PANELS.min(panels - panel);
        // SAFETY: the caller's promise, for these panels.
        unsafe {
            match together * vectors_of_panel {
                1 => down_the_rows::<D, 1>(d, p, panel),
                2 => down_the_rows::<D, 2>(d, p, panel),
                3 => down_the_rows::<D, 3>(d, p, panel),
                4 => down_the_rows::<D, 4>(d, p, panel),
                _ => unreachable!("a tile has 1 to 4 vectors"),
            }
        }
        panel += together;
    }
}

/// All rows against `VECTORS` vectors of columns from `panel` on.
///
/// # Safety
/// As for [`byte_product`]; the vectors lie in its panels.
unsafe fn down_the_rows<D: Dot, const VECTORS: usize>(d: D, p: &ByteProduct, panel: usize) {
    let tiles = p.rows.div_ceil(D::TILE_ROWS);
    let column = panel * PANEL;
    let mut row = 0;
    for tile in 0..tiles {
        let rows = (p.rows - row).div_ceil(tiles - tile);
        // SAFETY: these rows and columns lie in the caller's matrices.
        unsafe {
            let operands = Operands {
                a: p.a.add(row * p.a_stride),
                a_stride: p.a_stride,
                depth: p.depth,
                b: p.panels.add(column * p.depth),
                starts: p.starts.add(column),
                sums: p.sums.add(column),
                row_scales: p.row_scales.add(row),
                row_lows: p.row_lows.add(row),
                column_scales: p.column_scales.add(column),
            };
            let target = TileTarget {
                out: p.out.add(row * p.out_stride + column),
                stride: p.out_stride,
                columns: p.columns - column,
                finish: p.finish.at(row, column),
            };
            with_rows!(rows, D::TILE_ROWS, run_tile::<D, VECTORS> (d, operands, target);
                1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        }
        row += rows;
    }
}

/// One register tile, from the first product to the stored result.
///
/// # Safety
/// The pointers of `o` are valid for `ROWS` rows and the panels of `VECTORS` vectors; the target as for
/// [`finish`].
unsafe fn run_tile<D: Dot, const ROWS: usize, const VECTORS: usize>(
    d: D,
    o: Operands,
    t: TileTarget,
) {
    d.vectorize(
        #[inline(always)]
        move || {
            let s = d.float();
            // SAFETY: the caller's promise.
            unsafe {
                let sums = accumulate::<D, ROWS, VECTORS>(d, &o);
                let mut floats = [[s.splat(0.0); VECTORS]; ROWS];
                for v in 0..VECTORS {
                    let scale = s.load(o.column_scales.add(v * D::Float::WIDTH));
                    let low = s.mul(s.load(o.sums.add(v * D::Float::WIDTH)), scale);
                    for (r, (floats, sums)) in floats.iter_mut().zip(&sums).enumerate() {
                        let sum = s.mul(
                            s.mul(d.to_float(sums[v]), scale),
                            s.splat(*o.row_scales.add(r)),
                        );
                        floats[v] = s.fma(low, s.splat(*o.row_lows.add(r)), sum);
                    }
                }
                finish(s, &floats, t);
            }
        },
    );
}

/// The sums of one tile, in registers throughout.
///
/// # Safety
/// As for [`run_tile`].
#[inline(always)]
unsafe fn accumulate<D: Dot, const ROWS: usize, const VECTORS: usize>(
    d: D,
    o: &Operands,
) -> [[D::I; VECTORS]; ROWS] {
    let width = D::Float::WIDTH;
    let per_panel = PANEL / width;
    // SAFETY: the tile's columns have their starts and their panels, its rows their bytes.
    unsafe {
        let mut start = [d.zero(); VECTORS];
        if D::OFFSET != 0 {
            for (v, start) in start.iter_mut().enumerate() {
                *start = d.load_sums(o.starts.add(v * width));
            }
        }
        let mut sums = [start; ROWS];
        for k in (0..o.depth).step_by(4) {
            let mut weights = start;
            for (v, weights) in weights.iter_mut().enumerate() {
                let at = (v / per_panel * o.depth + k) * PANEL + v % per_panel * width * 4;
                *weights = d.load_weights(o.b.add(at));
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = d.activation(o.a.add(r * o.a_stride + k));
                for (sum, &weights) in sums.iter_mut().zip(&weights) {
                    *sum = d.dot(*sum, x, weights);
                }
            }
        }
        sums
    }
}
