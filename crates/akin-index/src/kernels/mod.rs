//! Products of byte codes with a query: the innermost loop of every walk and every scan.
//!
//! In: codes of unsigned bytes, `code_bytes` each (a multiple of [`BLOCK`]), and one query of the same
//! number of signed bytes. Out: 32-bit sums of products. Each instruction set has its file. `scalar` is
//! compiled everywhere, and the others are tested against it. [`Isa::detect`] chooses one once.
//!
//! Invariant: every instruction set gives the same integers, for codes below 2^15 bytes.

#![expect(unsafe_code, reason = "SIMD intrinsics")]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod loops;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub(super) use loops::{BLOCK, ZERO};

/// An instruction set, known to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Isa(IsaKind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsaKind {
    #[cfg(target_arch = "x86_64")]
    Vnni,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Scalar,
}

impl Isa {
    /// The best that this processor has.
    pub(super) fn detect() -> Isa {
        Isa::available().swap_remove(0)
    }

    /// All that this processor has, the best first.
    pub(super) fn available() -> Vec<Isa> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if vnni::is_there() {
                found.push(Isa(IsaKind::Vnni));
            }
            if avx2::is_there() {
                found.push(Isa(IsaKind::Avx2));
            }
        }
        found.push(Isa(IsaKind::Scalar));
        found
    }

    /// The products of `query` with the codes of the listed nodes.
    ///
    /// `sums` has a place for each; memory of the next nodes is asked for ahead of time.
    pub(super) fn listed(self, query: &[i8], codes: &[u8], nodes: &[u32], sums: &mut [i32]) {
        match self.0 {
            // SAFETY: the value proves that the processor has the instructions.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Vnni => unsafe { vnni::listed(query, codes, nodes, sums) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx2 => unsafe { avx2::listed(query, codes, nodes, sums) },
            IsaKind::Scalar => scalar::listed(query, codes, nodes, sums),
        }
    }

    /// The products of `query` with codes that lie one after the other, a place in `sums` for
    /// each.
    pub(super) fn run(self, query: &[i8], codes: &[u8], sums: &mut [i32]) {
        match self.0 {
            // SAFETY: the value proves that the processor has the instructions.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Vnni => unsafe { vnni::run(query, codes, sums) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx2 => unsafe { avx2::run(query, codes, sums) },
            IsaKind::Scalar => scalar::run(query, codes, sums),
        }
    }

    /// Asks for the memory of some numbers.
    #[inline]
    pub(super) fn prefetch(self, numbers: &[u32]) {
        #[cfg(target_arch = "x86_64")]
        vnni::prefetch(bytemuck::cast_slice(numbers));
        #[cfg(not(target_arch = "x86_64"))]
        let _ = numbers;
    }

    /// The product of two codes.
    pub(super) fn pair(self, a: &[u8], b: &[u8]) -> i32 {
        match self.0 {
            // SAFETY: the value proves that the processor has the instructions.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Vnni => unsafe { vnni::pair(a, b) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx2 => unsafe { avx2::pair(a, b) },
            IsaKind::Scalar => scalar::pair(a, b),
        }
    }

    /// Whether the product of `code` with any of the queries, which lie one after the other, is
    /// at least `floor` above that query's own offset.
    pub(super) fn any_from(self, floor: i32, code: &[u8], queries: &[i8], offsets: &[i32]) -> bool {
        match self.0 {
            // SAFETY: the value proves that the processor has the instructions.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Vnni => unsafe { vnni::any_from(floor, code, queries, offsets) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            IsaKind::Avx2 => unsafe { avx2::any_from(floor, code, queries, offsets) },
            IsaKind::Scalar => scalar::any_from(floor, code, queries, offsets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testdata::Dice;
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_plain_sums() {
        let mut dice = Dice::new(5);
        for blocks in [1, 2, 3, 5, 6, 12, 16] {
            let each_bytes = blocks * BLOCK;
            let codes: Vec<u8> = (0..20 * each_bytes)
                .map(|_| dice.below(256) as u8)
                .collect();
            let query: Vec<i8> = (0..each_bytes)
                .map(|_| (dice.below(255) as i32 - 127) as i8)
                .collect();
            let plain: Vec<i32> = codes
                .chunks(each_bytes)
                .map(|code| {
                    let products = code.iter().zip(&query);
                    products.map(|(&c, &q)| i32::from(c) * i32::from(q)).sum()
                })
                .collect();
            let nodes = [3, 19, 0, 7, 7, 1, 18, 2];
            for isa in Isa::available() {
                let mut sums = [0; 20];
                isa.run(&query, &codes, &mut sums);
                assert_eq!(sums[..], plain, "{isa:?}, {blocks} blocks");
                let mut sums = [0; 8];
                isa.listed(&query, &codes, &nodes, &mut sums);
                assert_eq!(sums, nodes.map(|node| plain[node as usize]), "{isa:?}");
                let number = |i: usize| i32::from(codes[i]) - i32::from(ZERO);
                let products = (0..each_bytes).map(|i| number(i) * number(each_bytes + i));
                let pair: i32 = products.sum();
                let (first, second) = codes[..2 * each_bytes].split_at(each_bytes);
                assert_eq!(isa.pair(first, second), pair, "{isa:?}, {blocks} blocks");
                let both = [query.clone(), vec![0; each_bytes]].concat();
                let any = |floor, offset| isa.any_from(floor, first, &both, &[offset, i32::MAX]);
                assert!(any(plain[0] - 5, 5) && !any(plain[0] - 4, 5), "{isa:?}");
            }
        }
    }

    #[test]
    fn the_largest_products_do_not_overflow() {
        let codes = vec![255; 4096];
        for isa in Isa::available() {
            let mut sums = [0];
            isa.run(&vec![127; 4096], &codes, &mut sums);
            assert_eq!(sums, [4096 * 255 * 127], "{isa:?}");
            isa.run(&vec![-127; 4096], &codes, &mut sums);
            assert_eq!(sums, [-4096 * 255 * 127], "{isa:?}");
        }
    }
}
