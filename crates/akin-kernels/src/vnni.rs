//! VNNI: four byte products in each 32-bit lane by one instruction, over 512 or 256 bits.

use super::avx2::Avx2;
use super::avx512::Avx512;
use super::simd::Dot;
use std::arch::x86_64::*;

/// Proof that this processor has AVX-512 with VNNI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vnni512(Avx512);

impl Vnni512 {
    /// The proof, where it holds.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512vnni")
            .then(Avx512::detect)
            .flatten()
            .map(Self)
    }
}

/// Proof that this processor has AVX2 with AVX-VNNI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vnni256(Avx2);

impl Vnni256 {
    /// The proof, where it holds.
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avxvnni")
            .then(Avx2::detect)
            .flatten()
            .map(Self)
    }
}

/// The same implementation for both widths.
macro_rules! dot {
    ($name:ident, $float:ty, $features:literal, $int:ty, $f:ty, $rows:literal, $panels:literal,
     $load:ident, $splat:ident, $dot:ident, $convert:ident) => {
        impl Dot for $name {
            type Float = $float;
            const TILE_ROWS: usize = $rows;
            const TILE_PANELS: usize = $panels;
            const OFFSET: i32 = 0;
            type I = $int;

            #[inline(always)]
            fn float(self) -> $float {
                self.0
            }

            #[inline(always)]
            fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
                #[target_feature(enable = $features)]
                fn inside<R>(f: impl FnOnce() -> R) -> R {
                    f()
                }
                // SAFETY: `self` proves that the processor has these instructions.
                unsafe { inside(f) }
            }

            #[inline(always)]
            fn zero(self) -> $int {
                // SAFETY: `self` proves that the processor has this instruction.
                unsafe { $splat(0) }
            }

            #[inline(always)]
            unsafe fn load_sums(self, from: *const i32) -> $int {
                // SAFETY: the caller vouches for the pointer, `self` for the instruction.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn load_weights(self, from: *const i8) -> $int {
                // SAFETY: the caller vouches for the pointer, `self` for the instruction.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn activation(self, from: *const u8) -> $int {
                // SAFETY: the caller vouches for the pointer, `self` for the instruction.
                unsafe { $splat(from.cast::<i32>().read_unaligned()) }
            }

            #[inline(always)]
            fn dot(self, sums: $int, activation: $int, weights: $int) -> $int {
                // SAFETY: `self` proves that the processor has this instruction.
                unsafe { $dot(sums, activation, weights) }
            }

            #[inline(always)]
            fn to_float(self, x: $int) -> $f {
                // SAFETY: `self` proves that the processor has this instruction.
                unsafe { $convert(x) }
            }
        }
    };
}

dot!(
    Vnni512,
    Avx512,
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma",
    __m512i,
    __m512,
    9,
    3,
    _mm512_loadu_si512,
    _mm512_set1_epi32,
    _mm512_dpbusd_epi32,
    _mm512_cvtepi32_ps
);
dot!(
    Vnni256,
    Avx2,
    "avx2,fma,avxvnni",
    __m256i,
    __m256,
    6,
    1,
    _mm256_loadu_si256,
    _mm256_set1_epi32,
    _mm256_dpbusd_avx_epi32,
    _mm256_cvtepi32_ps
);
