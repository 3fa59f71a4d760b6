//! AVX2: bytes widened to 16 bits, multiplied and added in pairs.

use std::arch::x86_64::*;

use super::loops::{BLOCK, ZERO, loops};
pub(super) use super::vnni::prefetch;

/// Bytes that fill a register once they are widened.
const HALF: usize = 16;

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
}

loops!(#[target_feature(enable = "avx2")]);

#[target_feature(enable = "avx2")]
#[inline]
fn dot(code: &[u8], query: &[i8]) -> i32 {
    debug_assert!(code.len() == query.len() && code.len().is_multiple_of(BLOCK));
    let mut sum = _mm256_setzero_si256();
    for (c, q) in code
        .as_chunks::<HALF>()
        .0
        .iter()
        .zip(query.as_chunks::<HALF>().0)
    {
        // SAFETY: both point to 16 bytes.
        let (c, q) = unsafe {
            (
                _mm_loadu_si128(c.as_ptr().cast()),
                _mm_loadu_si128(q.as_ptr().cast()),
            )
        };
        // Pairs of 255 * 127 fit 32 bits, which is what madd adds in.
        let products = _mm256_madd_epi16(_mm256_cvtepu8_epi16(c), _mm256_cvtepi8_epi16(q));
        sum = _mm256_add_epi32(sum, products);
    }
    total(sum)
}

#[target_feature(enable = "avx2")]
pub(super) fn pair(a: &[u8], b: &[u8]) -> i32 {
    let zero = _mm256_set1_epi16(i16::from(ZERO));
    let mut sum = _mm256_setzero_si256();
    for (a, b) in a.as_chunks::<HALF>().0.iter().zip(b.as_chunks::<HALF>().0) {
        let numbers = |bytes: &[u8; HALF]| {
            // SAFETY: it points to 16 bytes.
            let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
            _mm256_sub_epi16(_mm256_cvtepu8_epi16(bytes), zero)
        };
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(numbers(a), numbers(b)));
    }
    total(sum)
}

/// The sum of eight sums.
#[target_feature(enable = "avx2")]
#[inline]
fn total(sum: __m256i) -> i32 {
    let halves = _mm_add_epi32(
        _mm256_castsi256_si128(sum),
        _mm256_extracti128_si256(sum, 1),
    );
    let quarters = _mm_add_epi32(halves, _mm_shuffle_epi32(halves, 0b00_00_11_10));
    let eighths = _mm_add_epi32(quarters, _mm_shuffle_epi32(quarters, 0b01));
    _mm_cvtsi128_si32(eighths)
}
