//! The matrix product: a block of rows times packed panels, one register tile at a time.
//!
//! Every output is summed over the depth from first to last, in any tile. So a row's result depends neither
//! on the other rows nor on how the work was divided.

use super::math::{gelu, rough_gelu};
use super::simd::{PANEL, Simd};

/// Largest [`Simd::TILE_ROWS`].
pub(super) const MAX_ROWS: usize = 14;

/// What to do with the sums.
#[derive(Clone, Copy)]
pub(super) enum Finish {
    /// Times one factor for each row, stored.
    Scale(*const f32),
    /// Plus one bias for each column, stored.
    Bias(*const f32),
    /// Plus bias, through GELU, stored.
    Gelu(*const f32),
    /// Plus bias, through GELU to within 4e-5, stored.
    RoughGelu(*const f32),
    /// Plus bias, added to what is in the output.
    Add(*const f32),
}

/// `out[rows, columns] = finish(a[rows, depth] * panels)`.
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub(super) a: *const f32,
    pub(super) a_stride: usize,
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) panels: *const f32,
    pub(super) out: *mut f32,
    pub(super) out_stride: usize,
    pub(super) columns: usize,
    pub(super) finish: Finish,
}

/// Where a tile's results go.
#[derive(Clone, Copy)]
pub(super) struct TileTarget {
    pub(super) out: *mut f32,
    pub(super) stride: usize,
    /// Columns of the output from `out` on: at least 1, fewer than the tile has in the last panel.
    pub(super) columns: usize,
    pub(super) finish: Finish,
}

/// Calls `$run::<S, ROWS, $vectors>($args)` with the number of rows as a constant.
macro_rules! with_rows {
    ($rows:expr, $limit:expr, $run:ident::<$S:ty, $vectors:ident> $args:tt; $($n:literal)+) => {
        match $rows {
            $($n if $n <= $limit => $run::<$S, $n, $vectors> $args,)+
            _ => unreachable!("a tile has 1 to TILE_ROWS rows"),
        }
    };
}

pub(super) use with_rows;

/// Computes the product.
///
/// # Safety
/// `a` is valid for reading `rows` rows of `depth`, `a_stride` apart; `panels` for all panels that hold
/// `columns`; `out` for reading and writing `rows` rows of `columns`, `out_stride` apart, and nothing else
/// touches them meanwhile. The pointers of `finish` are valid for one float per row, or one per column up
/// to the end of the last panel.
pub(super) unsafe fn product<S: Simd>(s: S, p: &Product) {
    let (panels, vectors_of_panel) = (p.columns.div_ceil(PANEL), PANEL / S::WIDTH);
    let mut panel = 0;
    while panel < panels {
        let together = S::TILE_PANELS.min(panels - panel);
        // SAFETY: the caller's promise, for these panels.
        unsafe {
            match together * vectors_of_panel {
                1 => down_the_rows::<S, 1>(s, p, panel),
                2 => down_the_rows::<S, 2>(s, p, panel),
                3 => down_the_rows::<S, 3>(s, p, panel),
                4 => down_the_rows::<S, 4>(s, p, panel),
                _ => unreachable!("a tile has 1 to 4 vectors"),
            }
        }
        panel += together;
    }
}

/// All rows against `VECTORS` vectors of columns from `panel` on.
///
/// # Safety
/// As for [`product`]; the vectors lie in its panels.
unsafe fn down_the_rows<S: Simd, const VECTORS: usize>(s: S, p: &Product, panel: usize) {
    let tiles = p.rows.div_ceil(S::TILE_ROWS);
    let column = panel * PANEL;
    let mut row = 0;
    for tile in 0..tiles {
        // Tiles of nearly equal height: two of 5 are faster than one of 9 and one of 1.
        let rows = (p.rows - row).div_ceil(tiles - tile);
        // SAFETY: these rows and columns lie in the caller's matrices.
        unsafe {
            let a = p.a.add(row * p.a_stride);
            let b = p.panels.add(column * p.depth);
            let target = TileTarget {
                out: p.out.add(row * p.out_stride + column),
                stride: p.out_stride,
                columns: p.columns - column,
                finish: p.finish.at(row, column),
            };
            with_rows!(rows, S::TILE_ROWS, run_tile::<S, VECTORS> (s, a, p.a_stride, p.depth, b, target);
                1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        }
        row += rows;
    }
}

/// One register tile, from the first product to the stored result.
///
/// # Safety
/// `a` is valid for reading `ROWS` rows of `depth`, `b` for the panels of `VECTORS` vectors; the target as for
/// [`finish`].
unsafe fn run_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    a: *const f32,
    a_stride: usize,
    depth: usize,
    b: *const f32,
    target: TileTarget,
) {
    s.vectorize(
        #[inline(always)]
        move || {
            // SAFETY: the caller's promise.
            unsafe {
                let sums = accumulate::<S, ROWS, VECTORS>(s, a, a_stride, depth, b);
                finish(s, &sums, target);
            }
        },
    );
}

/// The sums of one tile, in registers throughout.
///
/// # Safety
/// As for [`run_tile`].
#[inline(always)]
unsafe fn accumulate<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    a: *const f32,
    a_stride: usize,
    depth: usize,
    b: *const f32,
) -> [[S::F; VECTORS]; ROWS] {
    let mut sums = [[s.splat(0.0); VECTORS]; ROWS];
    let per_panel = PANEL / S::WIDTH;
    for k in 0..depth {
        let mut weights = [s.splat(0.0); VECTORS];
        for (v, weights) in weights.iter_mut().enumerate() {
            // SAFETY: `k` is below the depth of the panel, and the vector lies in its 16 columns.
            *weights = unsafe {
                s.load(b.add((v / per_panel * depth + k) * PANEL + v % per_panel * S::WIDTH))
            };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row `r` of this tile is one of the caller's rows.
            let x = s.splat(unsafe { *a.add(r * a_stride + k) });
            for (sum, &weights) in sums.iter_mut().zip(&weights) {
                *sum = s.fma(x, weights, *sum);
            }
        }
    }
    sums
}

impl Finish {
    /// The same for the part of the output that begins at this row and column.
    ///
    /// # Safety
    /// They lie in the output.
    pub(super) unsafe fn at(self, row: usize, column: usize) -> Self {
        // SAFETY: the arrays are as long as the output is high or wide.
        unsafe {
            match self {
                Self::Scale(factors) => Self::Scale(factors.add(row)),
                Self::Bias(bias) => Self::Bias(bias.add(column)),
                Self::Gelu(bias) => Self::Gelu(bias.add(column)),
                Self::RoughGelu(bias) => Self::RoughGelu(bias.add(column)),
                Self::Add(bias) => Self::Add(bias.add(column)),
            }
        }
    }
}

/// Finishes and stores the sums of one tile.
///
/// # Safety
/// The tile's rows and columns lie in the target and in what its `finish` points to.
#[inline(always)]
pub(super) unsafe fn finish<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    sums: &[[S::F; VECTORS]; ROWS],
    t: TileTarget,
) {
    // SAFETY: `each` hands out rows and columns of this tile only.
    unsafe {
        match t.finish {
            Finish::Scale(factors) => each(
                s,
                sums,
                t,
                #[inline(always)]
                |x, row, _| s.mul(x, s.splat(*factors.add(row))),
            ),
            Finish::Bias(bias) => each(
                s,
                sums,
                t,
                #[inline(always)]
                |x, _, column| s.add(x, s.load(bias.add(column))),
            ),
            Finish::Gelu(bias) => each(
                s,
                sums,
                t,
                #[inline(always)]
                |x, _, column| gelu(s, s.add(x, s.load(bias.add(column)))),
            ),
            Finish::RoughGelu(bias) => each(
                s,
                sums,
                t,
                #[inline(always)]
                |x, _, column| rough_gelu(s, s.add(x, s.load(bias.add(column)))),
            ),
            Finish::Add(bias) => each(
                s,
                sums,
                t,
                #[inline(always)]
                |x, row, column| {
                    let at = t.out.add(row * t.stride + column);
                    let there = load_part(s, at, t.columns - column, 0.0);
                    s.add(there, s.add(x, s.load(bias.add(column))))
                },
            ),
        }
    }
}

/// Stores `f(sum, row, column)` for every vector of the tile that has a column of the output.
///
/// # Safety
/// The tile's rows and columns lie in the target.
#[inline(always)]
unsafe fn each<S: Simd, const ROWS: usize, const VECTORS: usize>(
    s: S,
    sums: &[[S::F; VECTORS]; ROWS],
    t: TileTarget,
    f: impl Fn(S::F, usize, usize) -> S::F,
) {
    for (row, sums) in sums.iter().enumerate() {
        for (v, &sum) in sums.iter().enumerate() {
            let column = v * S::WIDTH;
            if column < t.columns {
                let x = f(sum, row, column);
                // SAFETY: the caller's promise; columns past the end are left alone.
                unsafe { store_part(s, t.out.add(row * t.stride + column), x, t.columns - column) };
            }
        }
    }
}

/// Loads up to [`Simd::WIDTH`] floats, `fill` for the rest.
///
/// # Safety
/// `from` is valid for reading `count` floats, or a whole vector.
#[inline(always)]
pub(super) unsafe fn load_part<S: Simd>(s: S, from: *const f32, count: usize, fill: f32) -> S::F {
    if count >= S::WIDTH {
        // SAFETY: a whole vector is there.
        return unsafe { s.load(from) };
    }
    let mut part = [fill; PANEL];
    // SAFETY: `count` floats are there, and the array holds a vector.
    unsafe {
        std::ptr::copy_nonoverlapping(from, part.as_mut_ptr(), count);
        s.load(part.as_ptr())
    }
}

/// Stores the first `count` lanes, or all.
///
/// # Safety
/// `to` is valid for writing `count` floats, or a whole vector.
#[inline(always)]
pub(super) unsafe fn store_part<S: Simd>(s: S, to: *mut f32, x: S::F, count: usize) {
    if count >= S::WIDTH {
        // SAFETY: a whole vector is there.
        return unsafe { s.store(to, x) };
    }
    let mut part = [0.0; PANEL];
    // SAFETY: the array holds a vector, and `count` floats are there.
    unsafe {
        s.store(part.as_mut_ptr(), x);
        std::ptr::copy_nonoverlapping(part.as_ptr(), to, count);
    }
}
