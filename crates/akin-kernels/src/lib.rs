//! The arithmetic of an encoder on a CPU: matrix products over packed weights, attention, layer
//! normalisation. Every kernel is written once, over the few operations of `simd`, and compiled for each
//! instruction set. [`Isas`] is detected once and passed to every call.
//!
//! Invariant: a row's result does not depend on its neighbours, on the order of the work or on the number
//! of threads, bit for bit. Between instruction sets, f32 results differ by rounding.

#![expect(
    unsafe_code,
    reason = "SIMD intrinsics, and matrices shared between threads by column"
)]

mod aligned;
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
mod head;
mod isas;
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

pub use aligned::Aligned;
pub use attention::AttentionScratch;
pub use between::{Activation, Rotation};
pub use bytes::{Balance, ByteMatrix, Inputs, Quantization};
pub use head::{NOTHING, Numbers, Relative};
pub use isas::Isas;
pub use matmul::{Attention, Epilogue, Split};
pub use operand::Operand;
pub use panels::{FloatMatrix, ScratchPool};
