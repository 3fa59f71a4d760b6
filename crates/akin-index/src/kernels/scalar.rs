//! Plain Rust.

use super::loops::{ZERO, loops};

loops!();

fn dot(code: &[u8], query: &[i8]) -> i32 {
    let products = code.iter().zip(query);
    products
        .map(|(&c, &q)| i32::from(i16::from(c) * i16::from(q)))
        .sum()
}

/// Nothing is known of this processor's memory.
fn prefetch(_: &[u8]) {}

pub(super) fn pair(a: &[u8], b: &[u8]) -> i32 {
    let number = |byte: u8| i32::from(byte) - i32::from(ZERO);
    a.iter().zip(b).map(|(&a, &b)| number(a) * number(b)).sum()
}
