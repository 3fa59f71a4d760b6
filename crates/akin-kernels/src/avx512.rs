//! AVX-512 (F, BW, DQ, VL): 16 floats a vector, 32 registers.

use super::simd::Simd;
use std::arch::x86_64::*;

/// Proof that this processor has AVX-512 F, BW, DQ, VL and FMA.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The proof, where it holds.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }
}

/// Methods that are one intrinsic on registers.
macro_rules! register_ops {
    ($($name:ident($($arg:ident),+) = $intrinsic:expr;)+) => {
        $(
            #[inline(always)]
            fn $name(self, $($arg: __m512),+) -> __m512 {
                // SAFETY: `self` proves that the processor has these instructions.
                unsafe { $intrinsic }
            }
        )+
    };
}

impl Simd for Avx512 {
    const WIDTH: usize = 16;
    const TILE_ROWS: usize = 9;
    const TILE_PANELS: usize = 3;
    type F = __m512;

    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn inside<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe { inside(f) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves that the processor has this instruction.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: the caller vouches for the pointer, `self` for the instruction.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: __m512) {
        // SAFETY: the caller vouches for the pointer, `self` for the instruction.
        unsafe { _mm512_storeu_ps(to, x) }
    }

    register_ops! {
        add(a, b) = _mm512_add_ps(a, b);
        sub(a, b) = _mm512_sub_ps(a, b);
        mul(a, b) = _mm512_mul_ps(a, b);
        div(a, b) = _mm512_div_ps(a, b);
        fma(a, b, c) = _mm512_fmadd_ps(a, b, c);
        min(a, b) = _mm512_min_ps(a, b);
        max(a, b) = _mm512_max_ps(a, b);
        round(x) = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
        scale_by_power_of_two(x, n) = _mm512_scalef_ps(x, n);
    }

    #[inline(always)]
    fn sum(self, x: __m512) -> f32 {
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe { _mm512_reduce_add_ps(x) }
    }

    #[inline(always)]
    fn largest(self, x: __m512) -> f32 {
        // SAFETY: `self` proves that the processor has these instructions.
        unsafe { _mm512_reduce_max_ps(x) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, x: __m512) {
        // SAFETY: the caller vouches for the pointer, `self` for the instructions.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(x))) }
    }
}
