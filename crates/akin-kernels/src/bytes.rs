//! Int8: weights in bytes with a scale for each output feature, rows in bytes with a scale and an
//! offset each, made on the fly. Between them, sums are exact integers.
//!
//! A few input features of a transformer are far larger than the rest and would cost all others their
//! resolution. So each feature is first centred on its mean, and the mean's share of the result moves into
//! the bias. Then the feature is divided by a spread, and its weights are multiplied by it (SmoothQuant,
//! Xiao et al. 2023, section 4). The means come from a calibration run. A few weights far larger than the
//! rest of their output feature stay floats, beside the product.

use super::aligned::Aligned;
#[cfg(target_arch = "x86_64")]
use super::amx::{self, Amx};
use super::byte_tile::{ByteProduct, byte_product};
use super::isas::{Isas, with_bytes, with_float};
use super::matmul::{Epilogue, Shared, Split};
use super::operand::Operand;
use super::rows;
use super::simd::{Dot, PANEL, Simd};
use super::tile::Finish;

/// Statistics of the input features of one matrix, from a calibration run.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Mean of each feature.
    pub means: Vec<f32>,
    /// Standard deviation of each feature.
    pub deviations: Vec<f32>,
}

/// The outputs for which the features' spreads are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// No spreads.
    None,
    /// All outputs.
    All,
    /// This many of the last outputs: the values of a fused query, key and value, where errors do most
    /// harm.
    Last(usize),
}

/// How one matrix is quantised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantization {
    /// Whether features are centred on their mean before they are quantised.
    pub center: bool,
    /// Whether each feature is divided by a spread of its own, and for which outputs it is chosen.
    pub balance: Balance,
    /// Weights beyond this many standard deviations of their row stay floats. Only for products with
    /// [`Epilogue::Add`].
    pub stray_above: f32,
}

/// A weight that stayed a float.
struct Outlier {
    input: usize,
    output: usize,
    weight: f32,
}

/// A weight matrix `[columns, depth]` with its bias, packed as bytes.
pub struct ByteMatrix {
    panels: Aligned<i8>,
    /// Sum of each column's bytes.
    sums: Aligned<f32>,
    /// 128 times as much: where the sums of a column begin if [`Dot::OFFSET`] is 128.
    starts: Aligned<i32>,
    scales: Aligned<f32>,
    bias: Aligned<f32>,
    centers: Vec<f32>,
    /// One over the spread of each feature.
    factors: Vec<f32>,
    /// Whether there are any centres or factors.
    centred: bool,
    strays: Vec<Outlier>,
    /// Output features.
    columns: usize,
    /// Input features.
    depth: usize,
}

impl ByteMatrix {
    /// Quantises and packs row-major `[columns, depth]` weights.
    ///
    /// # Panics
    /// If the length of `weights` is not that of `bias` times the number of input features.
    pub fn pack(
        isa: Isas,
        weights: &[f32],
        bias: &[f32],
        inputs: &Inputs,
        recipe: Quantization,
    ) -> Self {
        let (columns, depth) = (bias.len(), inputs.means.len());
        assert_eq!(weights.len(), columns * depth, "weights [columns, depth]");
        assert_eq!(inputs.deviations.len(), depth, "one deviation a feature");
        let (padded, deep) = (columns.next_multiple_of(PANEL), depth.next_multiple_of(4));
        let spreads = match recipe.balance {
            Balance::None => vec![1.0; depth],
            Balance::All => spreads(weights, inputs),
            Balance::Last(n) => spreads(&weights[(columns - n) * depth..], inputs),
        };
        let mut matrix = Self {
            panels: Aligned::zeroed(padded * deep),
            sums: Aligned::zeroed(padded),
            starts: Aligned::zeroed(padded),
            scales: Aligned::zeroed(padded),
            bias: Aligned::zeroed(padded),
            centers: if recipe.center {
                inputs.means.clone()
            } else {
                vec![0.0; depth]
            },
            factors: spreads.iter().map(|spread| 1.0 / spread).collect(),
            centred: recipe.center || recipe.balance != Balance::None,
            strays: Vec::new(),
            columns,
            depth,
        };
        with_float!(isa, s => Simd::vectorize(s, #[inline(always)] || {
            matrix.pack_columns(weights, bias, &spreads, &inputs.means, recipe.stray_above);
        }));
        matrix
    }

    #[inline(always)]
    fn pack_columns(
        &mut self,
        weights: &[f32],
        bias: &[f32],
        spreads: &[f32],
        means: &[f32],
        stray_above: f32,
    ) {
        let deep = self.depth.next_multiple_of(4);
        // Padded with zeros to whole chunks, which then cost nothing and count for nothing.
        let padded = self.depth.next_multiple_of(PANEL);
        let (mut row, mut remains) = (vec![0.0; padded], vec![0.0; padded]);
        let mut bytes = vec![0; padded];
        // What is left of the mean input after centring, as the product sees it.
        let left = means.iter().zip(&self.centers).zip(&self.factors);
        for (remain, ((mean, center), factor)) in remains.iter_mut().zip(left) {
            *remain = (mean - center) * factor;
        }
        for (column, (weights, &bias)) in weights.chunks_exact(self.depth).zip(bias).enumerate() {
            for ((x, w), spread) in row.iter_mut().zip(weights).zip(spreads) {
                *x = w * spread;
            }
            if stray_above.is_finite() {
                self.clip_strays(column, &mut row[..weights.len()], stray_above);
            }
            let error = self.quantize_column(column, &row, &mut bytes, &remains);
            self.bias[column] = bias + dot(weights, &self.centers) + error;
            let panel = &mut self.panels[column / PANEL * PANEL * deep..][..PANEL * deep];
            let (fours, _) = bytes.as_chunks::<4>();
            for (to, four) in panel
                .as_chunks_mut::<{ 4 * PANEL }>()
                .0
                .iter_mut()
                .zip(fours)
            {
                to[column % PANEL * 4..][..4].copy_from_slice(four);
            }
        }
    }

    /// Cuts the weights of one column down to the limit and remembers what was cut.
    #[inline(always)]
    fn clip_strays(&mut self, column: usize, row: &mut [f32], above: f32) {
        let n = row.len() as f32;
        let mean = sum_of(row, |w| w) / n;
        let limit = above * (sum_of(row, |w| (w - mean) * (w - mean)) / n).sqrt();
        if largest_of(row) <= limit {
            return;
        }
        for (input, w) in row.iter_mut().enumerate().filter(|(_, w)| w.abs() > limit) {
            let clipped = w.clamp(-limit, limit);
            let weight = (*w - clipped) * self.factors[input];
            self.strays.push(Outlier {
                input,
                output: column,
                weight,
            });
            *w = clipped;
        }
    }

    /// Makes the bytes of one column, notes their scale and sum, and returns what rounding them
    /// costs the mean input. All rows are whole chunks.
    #[inline(always)]
    fn quantize_column(
        &mut self,
        column: usize,
        row: &[f32],
        bytes: &mut [i8],
        remains: &[f32],
    ) -> f32 {
        /// Added to a number below 2^22, it rounds it to the nearest integer, ties to even, and
        /// leaves that integer in the lowest bits.
        const ROUNDER: f32 = 12_582_912.0;
        let scale = largest_of(row) / 127.0;
        let factor = 1.0 / scale;
        let (mut sums, mut errors) = ([0i32; PANEL], [0.0; PANEL]);
        let chunks = row
            .as_chunks::<PANEL>()
            .0
            .iter()
            .zip(bytes.as_chunks_mut::<PANEL>().0);
        for ((row, bytes), remains) in chunks.zip(remains.as_chunks::<PANEL>().0) {
            for i in 0..PANEL {
                let rounded = row[i] * factor + ROUNDER;
                bytes[i] = rounded.to_bits() as i8;
                sums[i] += rounded.to_bits() as i32 - ROUNDER.to_bits() as i32;
                errors[i] += (row[i] - scale * (rounded - ROUNDER)) * remains[i];
            }
        }
        let sum: i32 = sums.iter().sum();
        self.scales[column] = scale;
        self.sums[column] = sum as f32;
        self.starts[column] = 128 * sum;
        errors.iter().sum()
    }

    /// `out[rows, columns] = epilogue(rows[rows, depth] * weights)`; `operand` holds the rows as
    /// bytes meanwhile.
    ///
    /// # Panics
    /// If `rows` or `out` has another shape.
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
        self.quantize(isa, rows, operand, self.in_tiles(isa));
        if epilogue == Epilogue::Add {
            self.add_strays(rows, out);
        }
        let out = Shared(out.as_mut_ptr());
        #[cfg(target_arch = "x86_64")]
        if let (Some(amx), true) = (isa.tiles, self.in_tiles(isa)) {
            return self.multiply_tiles(amx, count, operand, epilogue, out, split);
        }
        with_bytes!(isa, d => self.multiply_by(d, count, operand, epilogue, out, split));
    }

    /// The rows, centred and balanced, as bytes: one after another, or as tiles.
    fn quantize(&self, isa: Isas, rows: &[f32], to: &mut Operand, tiled: bool) {
        let stride = self.depth.next_multiple_of(4);
        let count = rows.len() / self.depth;
        let padded = if tiled {
            count.next_multiple_of(PANEL)
        } else {
            count
        };
        to.bytes.reserve(padded * stride);
        to.scales.reserve(count);
        to.lows.reserve(count);
        to.row.reserve(self.depth);
        let of_rows = to.scales.iter_mut().zip(to.lows.iter_mut()).enumerate();
        with_float!(isa, s => Simd::vectorize(s, #[inline(always)] || {
            for (row, (i, (scale, low))) in rows.chunks_exact(self.depth).zip(of_rows) {
                let (start, part_stride) = if tiled {
                    (i / PANEL * PANEL * stride + i % PANEL * 64, 64 * PANEL)
                } else {
                    to.bytes[i * stride..][..stride][self.depth..].fill(0);
                    (i * stride, 64)
                };
                // SAFETY: centres and factors are one for each feature; the bytes of every row have
                // their place, in tiles if the depth is a multiple of 64.
                (*scale, *low) = unsafe {
                    let row = if self.centred {
                        rows::centre(s, row, &self.centers, &self.factors, &mut to.row);
                        &to.row
                    } else {
                        row
                    };
                    rows::to_bytes(s, row, to.bytes.as_mut_ptr().add(start), part_stride)
                };
            }
        }));
    }

    /// Adds what the weights that stayed floats contribute.
    fn add_strays(&self, rows: &[f32], out: &mut [f32]) {
        for (row, out) in rows
            .chunks_exact(self.depth)
            .zip(out.chunks_exact_mut(self.columns))
        {
            for &Outlier {
                input,
                output,
                weight,
            } in &self.strays
            {
                out[output] += weight * (row[input] - self.centers[input]);
            }
        }
    }

    /// What becomes of the columns from `start` on. Errors far below a byte's step are allowed.
    fn finish(&self, epilogue: Epilogue, start: usize) -> Finish {
        let bias = &self.bias[start..];
        match epilogue {
            Epilogue::Gelu => Finish::RoughGelu(bias.as_ptr()),
            _ => epilogue.finish(bias),
        }
    }

    /// Whether the product is made with tiles.
    fn in_tiles(&self, isa: Isas) -> bool {
        #[cfg(target_arch = "x86_64")]
        return isa.tiles.is_some() && self.depth.is_multiple_of(amx::TILE_ROW_BYTES);
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    #[cfg(target_arch = "x86_64")]
    fn multiply_tiles(
        &self,
        amx: Amx,
        count: usize,
        rows: &Operand,
        epilogue: Epilogue,
        out: Shared<f32>,
        split: Split,
    ) {
        split.run(self.columns, 2 * PANEL, |start, end| {
            let arithmetic = amx::ByteTiles {
                sums: self.sums[start..].as_ptr(),
                row_scales: rows.scales.as_ptr(),
                row_lows: rows.lows.as_ptr(),
                column_scales: self.scales[start..].as_ptr(),
            };
            // SAFETY: `multiply` checked the shapes; `start` begins a panel, and each range of
            // columns is written by one thread.
            unsafe {
                amx::tile_product(
                    amx,
                    &amx::TileProduct {
                        arithmetic,
                        a: rows.bytes.as_ptr(),
                        rows: count,
                        steps: self.depth / amx::TILE_ROW_BYTES,
                        weights: self.panels[start * self.depth..].as_ptr().cast(),
                        out: out.get().add(start),
                        out_stride: self.columns,
                        columns: end - start,
                        finish: self.finish(epilogue, start),
                    },
                );
            }
        });
    }

    fn multiply_by<D: Dot>(
        &self,
        d: D,
        count: usize,
        rows: &Operand,
        epilogue: Epilogue,
        out: Shared<f32>,
        split: Split,
    ) {
        let deep = self.depth.next_multiple_of(4);
        split.run(self.columns, 3 * PANEL, |start, end| {
            // SAFETY: `multiply` checked the shapes; `start` begins a panel, and each range of
            // columns is written by one thread.
            unsafe {
                byte_product(
                    d,
                    &ByteProduct {
                        a: rows.bytes.as_ptr(),
                        a_stride: deep,
                        rows: count,
                        depth: deep,
                        panels: self.panels[start * deep..].as_ptr(),
                        starts: self.starts[start..].as_ptr(),
                        sums: self.sums[start..].as_ptr(),
                        row_scales: rows.scales.as_ptr(),
                        row_lows: rows.lows.as_ptr(),
                        column_scales: self.scales[start..].as_ptr(),
                        out: out.get().add(start),
                        out_stride: self.columns,
                        columns: end - start,
                        finish: self.finish(epilogue, start),
                    },
                );
            }
        });
    }
}

/// Sum of `f` over a row, in sixteen sums at a time that the compiler keeps in one register.
#[inline(always)]
fn sum_of(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<PANEL>();
    let mut sums = [0.0; PANEL];
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += f(x);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|&x| f(x)).sum::<f32>()
}

/// The largest absolute value of a row, at least the smallest normal number.
#[inline(always)]
fn largest_of(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<PANEL>();
    let mut largest = [f32::MIN_POSITIVE; PANEL];
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    for chunk in chunks {
        for (largest, x) in largest.iter_mut().zip(chunk) {
            *largest = larger(*largest, x.abs());
        }
    }
    largest
        .iter()
        .chain(rest)
        .fold(f32::MIN_POSITIVE, |m, x| larger(m, x.abs()))
}

/// The sum of the products of two rows, as [`sum_of`].
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<PANEL>(), b.as_chunks::<PANEL>());
    let mut sums = [0.0; PANEL];
    for (a, b) in a.iter().zip(b) {
        for i in 0..PANEL {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// The spread of each feature: the root of its deviation over its largest weight, scaled to 1 for the
/// median feature. It divides the range between the feature and its weights.
#[inline(always)]
fn spreads(weights: &[f32], inputs: &Inputs) -> Vec<f32> {
    let mut largest = vec![1e-4f32; inputs.means.len()];
    for row in weights.chunks_exact(largest.len()) {
        for (largest, w) in largest.iter_mut().zip(row) {
            *largest = if w.abs() > *largest {
                w.abs()
            } else {
                *largest
            };
        }
    }
    let mut spreads: Vec<f32> = inputs
        .deviations
        .iter()
        .zip(&largest)
        .map(|(d, w)| (d.max(1e-4) / w).sqrt())
        .collect();
    let mut sorted = spreads.clone();
    sorted.sort_by(f32::total_cmp);
    let median = sorted[sorted.len() / 2];
    spreads.iter_mut().for_each(|s| *s /= median);
    spreads
}
