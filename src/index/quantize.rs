//! Rows as small integers: what a graph is built over and walked by.
//!
//! A *code* is `dim` integers of -127..=127 and then their scale, a little-endian f32 in four
//! more places of the same slice, so that one slice is all a distance needs. In: vectors as f32,
//! shape `[dim]`. Out: codes, shape `[dim + 4]`, and their similarity.
//!
//! Invariants: a code's scale is finite and not negative, so the similarity of two codes is a
//! finite number; the same vector gives the same bytes on every machine. Similarities of codes
//! rank candidates and are never shown.

/// Places that the scale takes at the end of a code.
const SCALE_BYTES: usize = 4;

/// The largest integer of a code.
const LARGEST: f32 = 127.0;

/// Bytes of one code of `dim` integers.
pub(super) fn code_bytes(dim: usize) -> usize {
    dim + SCALE_BYTES
}

/// Writes the code of `vector`, shape `[dim]`, into `code`, shape `[dim + 4]`.
///
/// Symmetric and by row: the scale is the largest magnitude over 127. A vector that holds
/// anything but finite numbers gets the code of the zero vector.
pub(super) fn quantize(vector: &[f32], code: &mut [i8]) {
    let (integers, scale_place) = code.split_at_mut(vector.len());
    let finite = vector.iter().all(|x| x.is_finite());
    let largest = vector.iter().fold(0f32, |most, x| most.max(x.abs()));
    let scale = if finite { largest / LARGEST } else { 0.0 };
    if scale > 0.0 {
        for (integer, x) in integers.iter_mut().zip(vector) {
            *integer = (x / scale).round().clamp(-LARGEST, LARGEST) as i8;
        }
    } else {
        integers.fill(0);
    }
    scale_place.copy_from_slice(&scale.to_le_bytes().map(|byte| byte as i8));
}

/// The similarity of two codes of one dim: the dot product of the vectors they stand for.
pub(super) fn similarity(a: &[i8], b: &[i8]) -> f32 {
    let ((a_integers, a_scale), (b_integers, b_scale)) = (parts(a), parts(b));
    dot(a_integers, b_integers) as f32 * (a_scale * b_scale)
}

/// The integers of a code and their scale.
fn parts(code: &[i8]) -> (&[i8], f32) {
    let (integers, scale) = code
        .split_last_chunk::<SCALE_BYTES>()
        .expect("a code ends with its scale");
    (integers, f32::from_le_bytes(scale.map(|byte| byte as u8)))
}

/// Dot product of two slices of one length below 2^17.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    const LANES: usize = 32;
    let product = |x: i8, y: i8| i32::from(i16::from(x) * i16::from(y));
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sum = 0i32;
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        sum += (0..LANES)
            .map(|lane| product(x[lane], y[lane]))
            .sum::<i32>();
    }
    let rest: i32 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(&x, &y)| product(x, y))
        .sum();
    sum + rest
}

#[cfg(test)]
mod tests {
    use super::super::testdata::Dice;
    use super::*;
    use crate::vectors;

    fn code_of(vector: &[f32]) -> Vec<i8> {
        let mut code = vec![99; code_bytes(vector.len())];
        quantize(vector, &mut code);
        code
    }

    #[test]
    fn dot_is_the_sum_of_products_at_every_length() {
        let mut dice = Dice::new(5);
        for len in 0..=130 {
            let a: Vec<i8> = (0..len).map(|_| dice.below(255) as i8).collect();
            let b: Vec<i8> = (0..len).map(|_| dice.below(255) as i8).collect();
            let plain: i32 = a.iter().zip(&b).map(|(&x, &y)| x as i32 * y as i32).sum();
            assert_eq!(dot(&a, &b), plain, "length {len}");
        }
        let least = vec![-128i8; 4096];
        assert_eq!(dot(&least, &least), 4096 * 128 * 128);
    }

    #[test]
    fn codes_are_as_similar_as_their_vectors_to_a_hundredth() {
        let mut dice = Dice::new(6);
        for dim in [1, 3, 17, 64, 384] {
            let (a, b) = (dice.direction(dim), dice.direction(dim));
            let of_codes = similarity(&code_of(&a), &code_of(&b));
            assert!((of_codes - vectors::dot(&a, &b)).abs() < 0.01, "dim {dim}");
            let of_itself = similarity(&code_of(&a), &code_of(&a));
            assert!((of_itself - 1.0).abs() < 0.01, "dim {dim}");
        }
    }

    #[test]
    fn vectors_without_length_or_number_have_similarity_zero() {
        let good = code_of(&[0.6, -0.8]);
        for odd in [
            [0.0, 0.0],
            [f32::NAN, 1.0],
            [f32::INFINITY, 0.0],
            [1e-45, 0.0],
        ] {
            assert_eq!(similarity(&code_of(&odd), &good), 0.0, "{odd:?}");
        }
    }

    #[test]
    fn the_largest_numbers_stay_in_range() {
        let code = code_of(&[65504.0, -65504.0, 1.0]);
        assert_eq!(code[..3], [127, -127, 0]);
        assert!(similarity(&code, &code).is_finite());
    }
}
