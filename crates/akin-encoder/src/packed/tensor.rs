//! A checkpoint's numbers where they lie: in the binary, in a mapped file, in memory. Rows are
//! turned into f32 when they are asked for.

use half::f16;
use half::slice::HalfFloatSliceExt;
use std::ops::Range;
use std::sync::Arc;

/// How a checkpoint stores a number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TensorType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
}

impl TensorType {
    /// Bytes of one number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// One tensor of a checkpoint, sharing the checkpoint's memory.
#[derive(Clone)]
pub(crate) struct Tensor {
    owner: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
    dtype: TensorType,
}

impl Tensor {
    /// The tensor at these bytes of `owner`.
    ///
    /// # Panics
    /// If they are not inside it, or no whole numbers.
    pub(crate) fn new(
        owner: Arc<dyn AsRef<[u8]> + Send + Sync>,
        range: Range<usize>,
        dtype: TensorType,
    ) -> Self {
        assert!(
            range.end <= (*owner).as_ref().len(),
            "inside the checkpoint"
        );
        assert_eq!(range.len() % dtype.size(), 0, "whole numbers");
        Self {
            owner,
            range,
            dtype,
        }
    }

    /// A tensor of its own.
    pub(crate) fn from_floats(numbers: &[f32]) -> Self {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let range = 0..bytes.len();
        Self {
            owner: Arc::new(bytes),
            range,
            dtype: TensorType::F32,
        }
    }

    /// Numbers in it.
    pub(crate) fn len(&self) -> usize {
        self.range.len() / self.dtype.size()
    }

    /// Reads the numbers from the `start`-th on into all of `out`.
    ///
    /// # Panics
    /// If there are not as many.
    pub(crate) fn read(&self, start: usize, out: &mut [f32]) {
        let size = self.dtype.size();
        let bytes = &(*self.owner).as_ref()[self.range.clone()][start * size..][..out.len() * size];
        match self.dtype {
            TensorType::F32 => {
                for (x, b) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *x = f32::from_le_bytes(*b);
                }
            }
            TensorType::F16 => match bytemuck::try_cast_slice::<u8, f16>(bytes) {
                Ok(halves) if cfg!(target_endian = "little") => halves.convert_to_f32_slice(out),
                _ => {
                    for (x, b) in out.iter_mut().zip(bytes.as_chunks().0) {
                        *x = f16::from_le_bytes(*b).to_f32();
                    }
                }
            },
        }
    }

    /// All its numbers.
    pub(crate) fn to_floats(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        self.read(0, &mut out);
        out
    }
}
