//! Seeded vectors, row files and sets for the tests of this room.

use std::path::Path;

use fixedbitset::FixedBitSet;

use akin_base::vectors::{RowFile, RowWriter, normalize};

/// A small seeded generator (splitmix64, Steele et al. 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Near enough to normal: the sum of four uniform numbers, variance 1.
    pub(super) fn normal(&mut self) -> f32 {
        let sum: f32 = (0..4)
            .map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32)
            .sum();
        (sum - 2.0) * 3f32.sqrt()
    }

    pub(super) fn direction(&mut self, dim: usize) -> Vec<f32> {
        let mut vector: Vec<f32> = (0..dim).map(|_| self.normal()).collect();
        normalize(&mut vector);
        vector
    }
}

/// `n` directions around `n / 50` centres.
pub(super) fn clustered(n: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut dice = Dice::new(seed);
    let centres: Vec<Vec<f32>> = (0..n / 50 + 1).map(|_| dice.direction(dim)).collect();
    let spread = 0.7 / (dim as f32).sqrt();
    let around = |dice: &mut Dice| {
        let centre = &centres[dice.below(centres.len())];
        let mut vector: Vec<f32> = centre.iter().map(|x| x + spread * dice.normal()).collect();
        normalize(&mut vector);
        vector
    };
    (0..n).map(|_| around(&mut dice)).collect()
}

/// A row file of these vectors in `dir`, opened.
pub(super) fn row_file(dir: &Path, vectors: &[Vec<f32>]) -> RowFile {
    let path = dir.join("vectors-0.f16");
    let dim = vectors[0].len();
    let mut writer = RowWriter::create(&path, dim, [0; 16]).unwrap();
    for vector in vectors {
        writer.append(vector, [0; 8]).unwrap();
    }
    writer.sync().unwrap();
    RowFile::open(&path, dim, vectors.len()).unwrap()
}

/// A set that holds about this share of `n` rows, and at least one.
pub(super) fn some_of(n: usize, share: f64, seed: u64) -> FixedBitSet {
    let mut dice = Dice::new(seed);
    let mut set = FixedBitSet::with_capacity(n);
    let bound = (share * 1e9) as usize;
    (0..n)
        .filter(|_| dice.below(1_000_000_000) < bound)
        .for_each(|row| set.insert(row));
    if set.is_clear() {
        set.insert(dice.below(n));
    }
    set
}
