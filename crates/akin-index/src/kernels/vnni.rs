//! AVX-512 with VNNI: 64 products added to 16 sums by one instruction.

use std::arch::x86_64::*;

use super::loops::{BLOCK, ZERO, loops};

pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

loops!(#[target_feature(enable = "avx512f,avx512vnni")]);

#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn dot(code: &[u8], query: &[i8]) -> i32 {
    debug_assert!(code.len() == query.len() && code.len().is_multiple_of(BLOCK));
    let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    let (codes, last_code) = code.as_chunks::<{ 2 * BLOCK }>();
    let (queries, last_query) = query.as_chunks::<{ 2 * BLOCK }>();
    for (c, q) in codes.iter().zip(queries) {
        // SAFETY: both point to 128 bytes.
        unsafe {
            even = add_products(even, c.as_ptr(), q.as_ptr());
            odd = add_products(odd, c.as_ptr().add(BLOCK), q.as_ptr().add(BLOCK));
        }
    }
    if last_code.len() == BLOCK && last_query.len() == BLOCK {
        // SAFETY: both point to 64 bytes.
        even = unsafe { add_products(even, last_code.as_ptr(), last_query.as_ptr()) };
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd))
}

/// Adds 64 products.
///
/// # Safety
/// Both pointers are to 64 bytes.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
unsafe fn add_products(sums: __m512i, code: *const u8, query: *const i8) -> __m512i {
    // SAFETY: the caller vouches for the pointers.
    let (code, query) = unsafe {
        (
            _mm512_loadu_si512(code.cast()),
            _mm512_loadu_si512(query.cast()),
        )
    };
    _mm512_dpbusd_epi32(sums, code, query)
}

#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn pair(a: &[u8], b: &[u8]) -> i32 {
    let zero = _mm512_set1_epi8(ZERO as i8);
    let (mut sum, mut offset) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for (a, b) in a
        .as_chunks::<BLOCK>()
        .0
        .iter()
        .zip(b.as_chunks::<BLOCK>().0)
    {
        // SAFETY: both point to 64 bytes.
        let (a, b) = unsafe {
            (
                _mm512_loadu_si512(a.as_ptr().cast()),
                _mm512_loadu_si512(b.as_ptr().cast()),
            )
        };
        let signed = _mm512_xor_si512(b, zero);
        sum = _mm512_dpbusd_epi32(sum, a, signed);
        offset = _mm512_dpbusd_epi32(offset, zero, signed);
    }
    _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, offset))
}

/// Asks for the memory of a code.
#[inline]
pub(super) fn prefetch(code: &[u8]) {
    for line in code.as_chunks::<BLOCK>().0 {
        // SAFETY: a hint about memory that is ours; every x86-64 has it.
        unsafe { _mm_prefetch(line.as_ptr().cast(), _MM_HINT_T0) };
    }
}
