//! Int8: weights in bytes with a scale for each output feature, rows in bytes with a scale each,
//! made on the fly. Between them, sums are exact integers.

use super::byte_tile::{ByteProduct, byte_product};
use super::matmul::{Epilogue, Shared, Split};
use super::panels::Aligned;
use super::simd::{Dot, PANEL, Simd};
use super::{Isa, rows, with_bytes, with_float};

/// Below every value of GELU, whose minimum is -0.16997.
const GELU_FLOOR: f32 = -0.17;

/// Which numbers the bytes of a row stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// Both signs: byte 128 is zero.
    Signed,
    /// What comes out of GELU: byte 0 is its minimum.
    Gelu,
}

/// Rows as bytes: `x = scale * (byte - zero)`, or `scale * byte - 0.17` for [`Range::Gelu`].
#[derive(Default)]
pub(crate) struct ByteRows {
    bytes: Aligned<u8>,
    scales: Aligned<f32>,
    rows: usize,
}

impl ByteRows {
    /// Takes over `rows` of `width` numbers.
    ///
    /// # Panics
    /// If they are no whole rows.
    pub(crate) fn quantize(&mut self, isa: Isa, rows: &[f32], width: usize, range: Range) {
        let stride = width.next_multiple_of(4);
        self.rows = rows.len() / width;
        assert_eq!(rows.len(), self.rows * width, "rows [count, width]");
        self.bytes.reserve(self.rows * stride);
        self.scales.reserve(self.rows);
        let to = self
            .bytes
            .chunks_exact_mut(stride)
            .zip(self.scales.iter_mut());
        with_float!(isa, s => Simd::vectorize(s, #[inline(always)] || {
            for (row, (bytes, scale)) in rows.chunks_exact(width).zip(to) {
                let offset;
                (*scale, offset) = match range {
                    Range::Signed => (rows::largest_size(s, row).max(f32::MIN_POSITIVE) / 127.0, 128.0),
                    Range::Gelu => {
                        let scale = (rows::largest(s, row) - GELU_FLOOR) / 255.0;
                        (scale, -GELU_FLOOR / scale)
                    }
                };
                // SAFETY: the two are of one width.
                unsafe { rows::to_bytes(s, row, 1.0 / *scale, offset, &mut bytes[..width]) };
                bytes[width..].fill(0);
            }
        }));
    }
}

/// A weight matrix `[columns, depth]` with its bias, packed as bytes.
pub(crate) struct ByteMatrix {
    panels: Aligned<i8>,
    /// Where the sums of a column begin, for an [`Dot::OFFSET`] of 0 and of 128.
    starts: [Aligned<i32>; 2],
    scales: Aligned<f32>,
    bias: Aligned<f32>,
    /// Output features.
    pub(crate) columns: usize,
    /// Input features.
    pub(crate) depth: usize,
    /// What the rows it is multiplied by are quantised as.
    pub(crate) range: Range,
}

impl ByteMatrix {
    /// Quantises and packs row-major `[columns, depth]` weights.
    ///
    /// # Panics
    /// If `weights` is not one row of `depth` for each of `bias`.
    pub(crate) fn pack(weights: &[f32], bias: &[f32], depth: usize, range: Range) -> Self {
        let columns = bias.len();
        assert_eq!(weights.len(), columns * depth, "weights [columns, depth]");
        let (padded, deep) = (columns.next_multiple_of(PANEL), depth.next_multiple_of(4));
        let mut matrix = Self {
            panels: Aligned::zeroed(padded * deep),
            starts: [Aligned::zeroed(padded), Aligned::zeroed(padded)],
            scales: Aligned::zeroed(padded),
            bias: Aligned::zeroed(padded),
            columns,
            depth,
            range,
        };
        for (column, (row, &bias)) in weights.chunks_exact(depth).zip(bias).enumerate() {
            matrix.pack_column(column, row, bias);
        }
        matrix
    }

    fn pack_column(&mut self, column: usize, row: &[f32], bias: f32) {
        let deep = self.depth.next_multiple_of(4);
        let scale = row.iter().fold(f32::MIN_POSITIVE, |m, x| m.max(x.abs())) / 127.0;
        let panel = &mut self.panels[column / PANEL * PANEL * deep..][..PANEL * deep];
        let mut sum = 0;
        for (fours, to) in row.chunks(4).zip(panel.chunks_exact_mut(4 * PANEL)) {
            for (&w, to) in fours.iter().zip(&mut to[column % PANEL * 4..][..4]) {
                *to = (w / scale).round_ties_even() as i8;
                sum += i32::from(*to);
            }
        }
        self.scales[column] = scale;
        let zero = match self.range {
            Range::Signed => 128,
            Range::Gelu => 0,
        };
        for (starts, offset) in self.starts.iter_mut().zip([0, 128]) {
            starts[column] = (offset - zero) * sum;
        }
        let floor = if self.range == Range::Gelu {
            GELU_FLOOR * scale * sum as f32
        } else {
            0.0
        };
        self.bias[column] = bias + floor;
    }

    /// `out[rows, columns] = epilogue(rows[rows, depth] * weights)`.
    ///
    /// # Panics
    /// If the rows or the output are of another shape.
    pub(crate) fn multiply(
        &self,
        isa: Isa,
        rows: &ByteRows,
        epilogue: Epilogue,
        out: &mut [f32],
        split: Split,
    ) {
        let deep = self.depth.next_multiple_of(4);
        assert_eq!(rows.bytes.len(), rows.rows * deep, "rows [count, depth]");
        assert_eq!(out.len(), rows.rows * self.columns, "out [count, columns]");
        let out = Shared(out.as_mut_ptr());
        with_bytes!(isa, d => self.multiply_by(d, rows, epilogue, out, split));
    }

    fn multiply_by<D: Dot>(
        &self,
        d: D,
        rows: &ByteRows,
        epilogue: Epilogue,
        out: Shared<f32>,
        split: Split,
    ) {
        let deep = self.depth.next_multiple_of(4);
        let starts = &self.starts[usize::from(D::OFFSET != 0)];
        split.run(self.columns, 3 * PANEL, |start, end| {
            // SAFETY: `multiply` checked the shapes; `start` begins a panel, and each range of
            // columns is written by one thread.
            unsafe {
                byte_product(
                    d,
                    &ByteProduct {
                        a: rows.bytes.as_ptr(),
                        a_stride: deep,
                        rows: rows.rows,
                        depth: deep,
                        panels: self.panels[start * deep..].as_ptr(),
                        start: starts[start..].as_ptr(),
                        row_scales: rows.scales.as_ptr(),
                        column_scales: self.scales[start..].as_ptr(),
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
