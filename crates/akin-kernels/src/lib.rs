//! The arithmetic of an encoder on a CPU: matrix products over packed weights, attention, layer
//! normalisation. Every kernel is written once, over `simd`'s few operations, and compiled for
//! each instruction set; [`Isas`] is chosen once, at detection, and handed to every call.
//!
//! Invariant: a row's result does not depend on the rows beside it, on the order of the work, or
//! on the number of threads, bit for bit. Between instruction sets f32 results differ by rounding.

#![expect(
    unsafe_code,
    reason = "SIMD intrinsics, and matrices shared between threads by column"
)]

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod between;
mod byte_tile;
mod bytes;
mod math;
mod matmul;
mod operand;
mod panels;
mod rows;
mod scalar;
mod simd;
mod tile;
#[cfg(target_arch = "x86_64")]
mod vnni;

#[cfg(test)]
mod tests;

pub use attention::{AttentionScratch, NOTHING, Relative};
pub use between::{Activation, Rotation};
pub use bytes::{Balance, ByteMatrix, Inputs, Quantization};
pub use matmul::{Attention, Epilogue, Numbers, Split};
pub use operand::Operand;
pub use panels::{Aligned, FloatMatrix, ScratchPool};

use scalar::Scalar;

/// The instruction set of the float kernels, known to be there.
#[derive(Clone, Copy, Debug)]
enum FloatIsa {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Scalar(Scalar),
}

/// The instruction set of the byte products, known to be there.
#[derive(Clone, Copy, Debug)]
enum ByteIsa {
    #[cfg(target_arch = "x86_64")]
    Vnni512(vnni::Vnni512),
    #[cfg(target_arch = "x86_64")]
    Vnni256(vnni::Vnni256),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    Scalar(Scalar),
}

/// The instruction sets the kernels use on this processor.
#[derive(Clone, Copy, Debug)]
pub struct Isas {
    float: FloatIsa,
    bytes: ByteIsa,
    /// Where there are tiles, products of suitable depth are made with them instead.
    #[cfg(target_arch = "x86_64")]
    tiles: Option<amx::Amx>,
    name: &'static str,
}

/// Runs `$body` with `$s` as the proof of the float instruction set.
macro_rules! with_float {
    ($isa:expr, $s:ident => $body:expr) => {
        match $isa.float {
            #[cfg(target_arch = "x86_64")]
            $crate::FloatIsa::Avx512($s) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::FloatIsa::Avx2($s) => $body,
            $crate::FloatIsa::Scalar($s) => $body,
        }
    };
}
use with_float;

/// Runs `$body` with `$d` as the proof of the instruction set of the byte products.
macro_rules! with_bytes {
    ($isa:expr, $d:ident => $body:expr) => {
        match $isa.bytes {
            #[cfg(target_arch = "x86_64")]
            $crate::ByteIsa::Vnni512($d) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::ByteIsa::Vnni256($d) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::ByteIsa::Avx2($d) => $body,
            $crate::ByteIsa::Scalar($d) => $body,
        }
    };
}
use with_bytes;

impl Isas {
    /// The best this processor has.
    pub fn detect() -> Self {
        Self::available().swap_remove(0)
    }

    /// Plain Rust, on every processor.
    pub fn scalar() -> Self {
        Self {
            float: FloatIsa::Scalar(Scalar),
            bytes: ByteIsa::Scalar(Scalar),
            #[cfg(target_arch = "x86_64")]
            tiles: None,
            name: "scalar",
        }
    }

    /// All that this processor has, the best first.
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if let Some(s) = avx2::Avx2::detect() {
            let mut add = |name, float, bytes, tiles| {
                all.push(Self {
                    float,
                    bytes,
                    tiles,
                    name,
                });
            };
            if let Some(wide) = avx512::Avx512::detect() {
                let float = FloatIsa::Avx512(wide);
                if let Some(d) = vnni::Vnni512::detect() {
                    if let Some(tiles) = amx::Amx::detect() {
                        add("amx", float, ByteIsa::Vnni512(d), Some(tiles));
                    }
                    add("avx512+vnni", float, ByteIsa::Vnni512(d), None);
                }
                add("avx512", float, ByteIsa::Avx2(s), None);
            }
            if let Some(d) = vnni::Vnni256::detect() {
                add("avx2+vnni", FloatIsa::Avx2(s), ByteIsa::Vnni256(d), None);
            }
            add("avx2", FloatIsa::Avx2(s), ByteIsa::Avx2(s), None);
        }
        all.push(Self::scalar());
        all
    }

    /// Such as `avx512+vnni`, `avx2` or `scalar`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether byte products are faster here than float ones, not only smaller.
    pub fn bytes_are_fast(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return matches!(self.bytes, ByteIsa::Vnni512(_) | ByteIsa::Vnni256(_));
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Normalises each row of `rows` to mean 0 and variance 1, then scales and shifts it.
    ///
    /// # Panics
    /// If `gain` and `shift` differ in length, or `rows` is no whole number of rows of that length.
    pub fn layer_norm(self, rows: &mut [f32], gain: &[f32], shift: &[f32], eps: f32) {
        assert_eq!(gain.len(), shift.len(), "one gain and one shift a column");
        if rows.is_empty() {
            return;
        }
        assert_eq!(rows.len() % gain.len(), 0, "whole rows");
        with_float!(self, s => simd::Simd::vectorize(s, #[inline(always)] || {
            for row in rows.chunks_exact_mut(gain.len()) {
                // SAFETY: the lengths were compared above.
                unsafe { rows::layer_norm(s, row, gain, shift, eps) };
            }
        }));
    }
}
