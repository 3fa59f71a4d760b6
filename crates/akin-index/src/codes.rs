//! Rows as bytes: graphs are built over them, and walks and scans read them.
//!
//! A *code* has one byte per number, `round(x / scale) + 128`, filled up with 128 to a multiple of
//! [`BLOCK`] bytes. All codes of a segment share the scale. In: vectors as f32, shape `[dim]`. Out: codes,
//! shape `[code_bytes]`; queries, whose products with codes approximate similarities; and a bound on the
//! error, which says which rows to compare again.
//!
//! Invariants: the same vectors give the same bytes on every machine. A similarity of a code that
//! is not clipped is within [`CodedQuery::slack`] of the dot product with the vector it stands for.
//! Similarities of codes rank candidates and are never shown.

use super::kernels::{BLOCK, Isa, ZERO};
use akin_base::vectors::dot;

/// The largest integer of a code, either way.
const LARGEST: f32 = 127.0;

/// The share of vectors all of whose numbers a code can hold.
const SHARE_HELD: f64 = 0.999;

/// Bytes of a code of `dim` numbers.
pub(super) fn code_bytes(dim: usize) -> usize {
    dim.next_multiple_of(BLOCK).max(BLOCK)
}

/// How far the similarities of some codes can be off, by their geometry.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Geometry {
    /// What one unit of a byte stands for; finite and not negative.
    pub(super) scale: f32,
    /// The greatest distance of a vector that is not clipped from what its code stands for.
    pub(super) error: f32,
    /// The greatest length of what a code stands for.
    pub(super) length: f32,
}

impl Geometry {
    /// The scale at which codes can hold all but a few vectors like those of a sample; errors are
    /// found out by [`Geometry::encode`].
    ///
    /// The few are clipped: one strange vector does not make the codes of all others coarse.
    pub(super) fn from_sample(sample: &[Vec<f32>]) -> Geometry {
        let largest = |vector: &Vec<f32>| vector.iter().fold(0f32, |most, x| most.max(x.abs()));
        let mut largest: Vec<f32> = sample.iter().map(largest).collect();
        largest.retain(|x| x.is_finite());
        largest.sort_unstable_by(f32::total_cmp);
        let held = (SHARE_HELD * largest.len() as f64).ceil() as usize;
        let scale = held
            .checked_sub(1)
            .map_or(0.0, |last| largest[last] / LARGEST);
        Geometry {
            scale: if scale.is_normal() { scale } else { 0.0 },
            ..Geometry::default()
        }
    }

    /// Writes the code of `vector`, shape `[dim]`, into `code`, shape `[code_bytes]`, and widens the error
    /// bounds to cover it. Returns false if the code is clipped: then its similarity says little. A vector
    /// with a number that is not finite is clipped to zero.
    pub(super) fn encode(&mut self, vector: &[f32], code: &mut [u8]) -> bool {
        code.fill(ZERO);
        if !vector.iter().all(|x| x.is_finite()) {
            return false;
        }
        if self.scale == 0.0 {
            return vector.iter().all(|&x| x == 0.0);
        }
        let (mut off, mut square, mut is_held) = (0f32, 0f32, true);
        for (byte, &x) in code.iter_mut().zip(vector) {
            let integer = integer(x, self.scale);
            *byte = (integer + f32::from(ZERO)) as u8;
            let decoded = self.scale * integer;
            off += (x - decoded) * (x - decoded);
            square += decoded * decoded;
            is_held &= (x - decoded).abs() <= self.scale;
        }
        if is_held {
            self.error = self.error.max(off.sqrt());
        }
        self.length = self.length.max(square.sqrt());
        is_held
    }
}

impl Geometry {
    /// What holds for the codes of both, which have one scale.
    pub(super) fn wider_of(self, other: &Geometry) -> Geometry {
        Geometry {
            scale: self.scale,
            error: self.error.max(other.error),
            length: self.length.max(other.length),
        }
    }
}

/// The integer that stands for a number.
fn integer(x: f32, scale: f32) -> f32 {
    (x / scale).round().clamp(-LARGEST, LARGEST)
}

/// A query in the form that codes are multiplied with.
#[derive(Debug, Clone, Default)]
pub(super) struct CodedQuery {
    integers: Vec<i8>,
    /// What the codes' 128 adds to every product.
    offset: i32,
    /// The similarity that one unit of a product stands for.
    unit: f32,
    slack: f32,
}

impl CodedQuery {
    /// The query for a vector of finite numbers, shape `[dim]`, over codes of this geometry.
    pub(super) fn new(vector: &[f32], codes: &Geometry) -> CodedQuery {
        // Rounding of the sums that similarities are computed by.
        const ROUNDING: f32 = 1e-5;
        let largest = vector.iter().fold(0f32, |most, x| most.max(x.abs()));
        let scale = largest / LARGEST;
        let scale = if scale.is_normal() { scale } else { 0.0 };
        let mut integers = vec![0; code_bytes(vector.len())];
        let mut off = 0f32;
        for (place, &x) in integers.iter_mut().zip(vector) {
            let integer = if scale > 0.0 { integer(x, scale) } else { 0.0 };
            *place = integer as i8;
            off += (x - scale * integer) * (x - scale * integer);
        }
        let length = dot(vector, vector).sqrt();
        CodedQuery {
            offset: offset_of(&integers),
            integers,
            unit: scale * codes.scale,
            slack: length * codes.error
                + off.sqrt() * codes.length
                + ROUNDING * length * (codes.length + codes.error),
        }
    }

    /// Makes this the query for a code.
    pub(super) fn set_to_code(&mut self, code: &[u8]) {
        self.integers.clear();
        self.integers.extend(signed(code));
        self.offset = offset_of(&self.integers);
    }

    /// The products with the codes of the listed nodes, a place in `sums` for each.
    pub(super) fn listed(&self, isa: Isa, codes: &[u8], nodes: &[u32], sums: &mut [i32]) {
        isa.listed(&self.integers, codes, nodes, sums);
        sums.iter_mut().for_each(|sum| *sum -= self.offset);
    }

    /// The products with codes that lie one after the other, a place in `sums` for each.
    pub(super) fn run(&self, isa: Isa, codes: &[u8], sums: &mut [i32]) {
        isa.run(&self.integers, codes, sums);
        sums.iter_mut().for_each(|sum| *sum -= self.offset);
    }

    /// The similarity that a product stands for.
    pub(super) fn similarity(&self, product: i32) -> f32 {
        product as f32 * self.unit
    }

    /// By how much two products of equally similar vectors can differ: twice the slack, rounded up.
    pub(super) fn margin(&self) -> i32 {
        // A unit of zero tells nothing apart; the cast saturates.
        (2.0 * self.slack / self.unit).ceil() as i32
    }

    /// How far that can be from the dot product of the two vectors.
    pub(super) fn slack(&self) -> f32 {
        self.slack
    }
}

/// Some codes as queries, one after the other: what a new code is compared with one by one.
#[derive(Debug, Default)]
pub(super) struct Queries {
    integers: Vec<i8>,
    offsets: Vec<i32>,
}

impl Queries {
    pub(super) fn clear(&mut self) {
        self.integers.clear();
        self.offsets.clear();
    }

    pub(super) fn push(&mut self, code: &[u8]) {
        let start = self.integers.len();
        self.integers.extend(signed(code));
        self.offsets.push(offset_of(&self.integers[start..]));
    }

    /// Whether the product of a code with any of these is at least `floor`.
    pub(super) fn any_from(&self, isa: Isa, floor: i32, code: &[u8]) -> bool {
        isa.any_from(floor, code, &self.integers, &self.offsets)
    }
}

/// The numbers of a code, -127..=127.
fn signed(code: &[u8]) -> impl Iterator<Item = i8> + '_ {
    code.iter().map(|byte| (byte ^ ZERO) as i8)
}

fn offset_of(integers: &[i8]) -> i32 {
    let sum: i32 = integers.iter().map(|&x| i32::from(x)).sum();
    i32::from(ZERO) * sum
}

#[cfg(test)]
mod tests {
    use super::super::testdata::Dice;
    use super::*;

    /// The codes of some vectors, and which of these are clipped.
    fn coded(vectors: &[Vec<f32>]) -> (Geometry, Vec<u8>, Vec<usize>) {
        let mut geometry = Geometry::from_sample(vectors);
        let each_bytes = code_bytes(vectors[0].len());
        let mut codes = vec![0; vectors.len() * each_bytes];
        let mut clipped = Vec::new();
        for (i, (vector, code)) in vectors.iter().zip(codes.chunks_mut(each_bytes)).enumerate() {
            if !geometry.encode(vector, code) {
                clipped.push(i);
            }
        }
        (geometry, codes, clipped)
    }

    fn products(query: &CodedQuery, codes: &[u8], n: usize) -> Vec<i32> {
        let mut sums = vec![0; n];
        query.run(Isa::detect(), codes, &mut sums);
        sums
    }

    #[test]
    fn a_codes_similarity_is_within_its_slack() {
        let mut dice = Dice::new(6);
        for dim in [1, 3, 17, 64, 384] {
            let vectors: Vec<Vec<f32>> = (0..50).map(|_| dice.direction(dim)).collect();
            let (geometry, codes, clipped) = coded(&vectors);
            assert!(clipped.is_empty(), "dim {dim}: {clipped:?}");
            let vector = dice.direction(dim);
            let query = CodedQuery::new(&vector, &geometry);
            assert!(query.slack() < 0.03, "dim {dim}: {}", query.slack());
            for (product, x) in products(&query, &codes, 50).into_iter().zip(&vectors) {
                let off = (query.similarity(product) - dot(x, &vector)).abs();
                assert!(off <= query.slack(), "dim {dim}: {off}");
            }
        }
    }

    #[test]
    fn one_strange_vector_makes_no_other_code_coarse() {
        let mut dice = Dice::new(7);
        let mut vectors: Vec<Vec<f32>> = (0..2000).map(|_| dice.direction(384)).collect();
        let (plain, ..) = coded(&vectors);
        vectors[9] = vec![0.0; 384];
        vectors[9][5] = 1.0;
        let (with_one, codes, clipped) = coded(&vectors);
        assert!(with_one.scale < 1.5 * plain.scale && with_one.error < 1.5 * plain.error);
        assert!(clipped.contains(&9) && clipped.len() < 5, "{clipped:?}");
        let query = CodedQuery::new(&vectors[9], &with_one);
        let product = products(&query, &codes, 2000)[9];
        assert!(
            query.similarity(product) < 0.5,
            "it is as close as its code can say"
        );
    }

    #[test]
    fn vectors_without_length_or_number_have_similarity_zero() {
        let odd = [
            vec![0.0, 0.0],
            vec![f32::NAN, 1.0],
            vec![f32::INFINITY, 0.0],
            vec![0.6, -0.8],
        ];
        let (geometry, codes, clipped) = coded(&odd);
        assert_eq!(clipped, [1, 2]);
        let query = CodedQuery::new(&[0.6, -0.8], &geometry);
        assert_eq!(products(&query, &codes, 4)[..3], [0; 3]);
        assert!((query.similarity(products(&query, &codes, 4)[3]) - 1.0).abs() < 0.02);
        let (geometry, codes, clipped) = coded(&[vec![0.0; 3], vec![1e-45; 3]]);
        assert_eq!(clipped, [1]);
        let query = CodedQuery::new(&[1.0, 0.0, 0.0], &geometry);
        assert_eq!(products(&query, &codes, 2), [0, 0]);
        assert!(query.slack().is_finite());
    }

    #[test]
    fn a_code_is_its_own_query() {
        let mut dice = Dice::new(8);
        let vectors: Vec<Vec<f32>> = (0..9).map(|_| dice.direction(70)).collect();
        let (_, codes, _) = coded(&vectors);
        let code = |i: usize| &codes[i * 128..][..128];
        let (mut query, mut queries) = (CodedQuery::default(), Queries::default());
        query.set_to_code(code(3));
        queries.push(code(3));
        let signed_product = |i: usize| -> i32 {
            let pairs = code(3).iter().zip(code(i));
            pairs
                .map(|(&a, &b)| (i32::from(a) - 128) * (i32::from(b) - 128))
                .sum()
        };
        for (i, product) in products(&query, &codes, 9).into_iter().enumerate() {
            assert_eq!(product, signed_product(i));
            assert!(queries.any_from(Isa::detect(), product, code(i)));
            assert!(!queries.any_from(Isa::detect(), product + 1, code(i)));
        }
    }
}
