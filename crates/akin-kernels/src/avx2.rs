//! AVX2 with FMA: 8 floats a vector, 16 registers.
//!
//! Byte products without VNNI go through `maddubs`, whose 16-bit sums would saturate on `255 * 127 * 2`. So
//! the activation's offset is subtracted first and its sign moved to the weight. The largest sum is then
//! `128 * 127 * 2 = 32512`, and the result is exact. It costs four instructions where VNNI needs one, and
//! is about as fast as f32.

use super::simd::{Dot, Simd};
use std::arch::x86_64::*;

/// Proof that this processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The proof, where it holds.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// Methods that are one intrinsic on registers.
macro_rules! register_ops {
    ($($name:ident($($arg:ident),+) = $intrinsic:expr;)+) => {
        $(
            #[inline(always)]
            fn $name(self, $($arg: __m256),+) -> __m256 {
                // SAFETY: `self` proves that the processor has these instructions.
                unsafe { $intrinsic }
            }
        )+
    };
}

impl Simd for Avx2 {
    const WIDTH: usize = 8;
    const TILE_ROWS: usize = 6;
    const TILE_PANELS: usize = 1;
    type F = __m256;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx2,fma")]
        fn inside<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe { inside(f) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves that the processor has this instruction.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: the caller vouches for the pointer, `self` for the instruction.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: __m256) {
        // SAFETY: the caller vouches for the pointer, `self` for the instruction.
        unsafe { _mm256_storeu_ps(to, x) }
    }

    register_ops! {
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        div(a, b) = _mm256_div_ps(a, b);
        fma(a, b, c) = _mm256_fmadd_ps(a, b, c);
        min(a, b) = _mm256_min_ps(a, b);
        max(a, b) = _mm256_max_ps(a, b);
        round(x) = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, x: __m256, n: __m256) -> __m256 {
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        }
    }

    #[inline(always)]
    fn sum(self, x: __m256) -> f32 {
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn largest(self, x: __m256) -> f32 {
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe {
            let four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, x: __m256) {
        // SAFETY: the caller vouches for the pointer, `self` for the instructions.
        unsafe {
            let wide = _mm256_cvtps_epi32(x);
            let words = _mm_packus_epi32(
                _mm256_castsi256_si128(wide),
                _mm256_extracti128_si256::<1>(wide),
            );
            _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
        }
    }
}

impl Dot for Avx2 {
    type Float = Self;
    const TILE_ROWS: usize = 4;
    const TILE_PANELS: usize = 1;
    const OFFSET: i32 = 128;
    type I = __m256i;

    #[inline(always)]
    fn float(self) -> Self {
        self
    }

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        <Self as Simd>::vectorize(self, f)
    }

    #[inline(always)]
    fn zero(self) -> __m256i {
        // SAFETY: `self` proves that the processor has this instruction.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn load_sums(self, from: *const i32) -> __m256i {
        // SAFETY: the caller vouches for the pointer, `self` for the instruction.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn load_weights(self, from: *const i8) -> __m256i {
        // SAFETY: the caller vouches for the pointer, `self` for the instruction.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn activation(self, from: *const u8) -> __m256i {
        // SAFETY: the caller vouches for the pointer, `self` for the instructions.
        unsafe {
            let four = _mm256_set1_epi32(from.cast::<i32>().read_unaligned());
            _mm256_xor_si256(four, _mm256_set1_epi8(-128))
        }
    }

    #[inline(always)]
    fn dot(self, sums: __m256i, activation: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe {
            let signed = _mm256_sign_epi8(weights, activation);
            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(activation), signed);
            _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }

    #[inline(always)]
    fn to_float(self, x: __m256i) -> __m256 {
        // SAFETY: `self` proves that the processor has this instruction.
        unsafe { _mm256_cvtepi32_ps(x) }
    }
}
