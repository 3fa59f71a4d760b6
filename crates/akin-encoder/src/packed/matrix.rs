//! A linear map in one of the precisions, and the calibration that int8 needs.

use akin_kernels::{
    Balance, ByteMatrix, Epilogue, FloatMatrix, Inputs, Isas, Operand, Quantization, Split,
};
use std::sync::{Mutex, PoisonError};

/// The arithmetic of the matrix products; everything else is f32.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arithmetic<'a> {
    /// 32-bit floats: the reference.
    F32,
    /// Bytes with a scale for each output feature and each row, summed exactly.
    Int8(&'a Calibration),
}

/// Statistics of the inputs of every matrix: in each layer, the fused query, key and value, the attention's
/// output, the widening map and the narrowing map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Calibration {
    pub(super) inputs: Vec<Inputs>,
}

/// Which of a layer's matrices: it decides how it is quantised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatrixSlot {
    Fused,
    AttentionOut,
    Widen,
    Narrow,
}

impl MatrixSlot {
    /// All, in the order of a layer.
    pub(super) const ALL: [Self; 4] = [Self::Fused, Self::AttentionOut, Self::Widen, Self::Narrow];

    /// Chosen by measuring each matrix alone on real abstracts. Features of a layer norm have a few
    /// outliers, which centring and balancing remove. The outliers of GELU move from feature to feature,
    /// but the narrowing weights have outliers of their own.
    ///
    /// `n_values` of the fused columns, the last, are values.
    pub(super) fn recipe(self, n_values: usize) -> Quantization {
        match self {
            Self::Fused => Quantization {
                center: true,
                balance: Balance::Last(n_values),
                stray_above: f32::INFINITY,
            },
            Self::AttentionOut => Quantization {
                center: true,
                balance: Balance::None,
                stray_above: 6.0,
            },
            Self::Widen => Quantization {
                center: true,
                balance: Balance::All,
                stray_above: f32::INFINITY,
            },
            Self::Narrow => Quantization {
                center: false,
                balance: Balance::None,
                stray_above: 6.0,
            },
        }
    }
}

impl Calibration {
    /// Means and deviations of every matrix, one after another, as stored.
    #[cfg(test)]
    pub(crate) fn to_floats(&self) -> Vec<f32> {
        self.inputs
            .iter()
            .flat_map(|i| i.means.iter().chain(&i.deviations).copied())
            .collect()
    }

    /// The inverse of `to_floats`, for matrices with these numbers of inputs;
    /// `None` if the count is another.
    pub(super) fn from_floats(floats: &[f32], depths: impl Iterator<Item = usize>) -> Option<Self> {
        let mut rest = floats;
        let inputs = depths
            .map(|depth| {
                let (means, more) = rest.split_at_checked(depth)?;
                let (deviations, more) = more.split_at_checked(depth)?;
                rest = more;
                Some(Inputs {
                    means: means.to_vec(),
                    deviations: deviations.to_vec(),
                })
            })
            .collect::<Option<_>>()?;
        rest.is_empty().then_some(Self { inputs })
    }
}

/// The instruction sets and the threads that compute a product.
#[derive(Clone, Copy)]
pub(super) struct Exec {
    pub(super) isa: Isas,
    pub(super) split: Split,
}

/// A linear map in one of the precisions.
pub(super) enum Matrix {
    Float(FloatMatrix),
    Bytes(ByteMatrix),
    /// Floats, with an eye on the inputs.
    Watched(FloatMatrix, Mutex<Moments>),
}

/// In what a matrix is to be packed.
#[derive(Clone, Copy)]
pub(super) enum PackedKind<'a> {
    Float,
    Bytes(&'a Inputs),
    Watched,
}

impl Matrix {
    pub(super) fn pack(
        isa: Isas,
        weights: &[f32],
        bias: &[f32],
        depth: usize,
        recipe: Quantization,
        kind: PackedKind<'_>,
    ) -> Self {
        let floats = || FloatMatrix::pack(isa, weights, bias, depth);
        match kind {
            PackedKind::Float => Self::Float(floats()),
            PackedKind::Bytes(inputs) => {
                Self::Bytes(ByteMatrix::pack(isa, weights, bias, inputs, recipe))
            }
            PackedKind::Watched => Self::Watched(floats(), Mutex::new(Moments::new(depth))),
        }
    }

    /// `out = epilogue(rows * weights)`; `bytes` is for the rows as operand, where they are needed.
    pub(super) fn multiply(
        &self,
        how: Exec,
        rows: &[f32],
        operand: &mut Operand,
        epilogue: Epilogue,
        out: &mut [f32],
    ) {
        match self {
            Self::Float(matrix) => {
                matrix.multiply(how.isa, rows, operand, epilogue, out, how.split)
            }
            Self::Bytes(matrix) => {
                matrix.multiply(how.isa, rows, operand, epilogue, out, how.split)
            }
            Self::Watched(matrix, moments) => {
                moments
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .add(rows);
                matrix.multiply(how.isa, rows, operand, epilogue, out, how.split);
            }
        }
    }

    /// What a watched matrix saw.
    pub(super) fn inputs(&self) -> Option<Inputs> {
        match self {
            Self::Watched(_, moments) => Some(
                moments
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .inputs(),
            ),
            Self::Float(_) | Self::Bytes(_) => None,
        }
    }
}

/// Sums and sums of squares of each feature.
pub(super) struct Moments {
    rows: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    fn new(depth: usize) -> Self {
        Self {
            rows: 0,
            sums: vec![0.0; depth],
            squares: vec![0.0; depth],
        }
    }

    fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.sums.len()) {
            self.rows += 1;
            for ((&x, sum), square) in row.iter().zip(&mut self.sums).zip(&mut self.squares) {
                *sum += f64::from(x);
                *square += f64::from(x) * f64::from(x);
            }
        }
    }

    fn inputs(&self) -> Inputs {
        let n = self.rows.max(1) as f64;
        let means: Vec<f32> = self.sums.iter().map(|sum| (sum / n) as f32).collect();
        let deviation =
            |(square, sum): (&f64, &f64)| (square / n - (sum / n).powi(2)).max(0.0).sqrt() as f32;
        Inputs {
            means,
            deviations: self.squares.iter().zip(&self.sums).map(deviation).collect(),
        }
    }
}
