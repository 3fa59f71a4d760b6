//! Seeded vectors, row files and sets for the tests of this room.

use std::path::Path;

pub(super) use akin_testing::Dice;
use fixedbitset::FixedBitSet;

use akin_base::vectors::{RowFile, RowWriter, normalize};

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
