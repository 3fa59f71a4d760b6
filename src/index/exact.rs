//! The full scan: every row that may be returned, compared with the query.
//!
//! In: rows as f16 with their checksums, a query, perhaps a set of allowed rows. Out: the k best
//! rows and their ties. It is the truth that a graph is measured against, and what answers
//! wherever no graph covers the rows.
//!
//! Invariant: a similarity is the same number whichever way a row was found: always [`Scorer`].

use std::ops::Range;

use fixedbitset::FixedBitSet;
use rayon::prelude::*;

use super::Neighbor;
use super::best::Best;
use crate::error::{Error, Result};
use crate::vectors::{Row, RowFile, dot};

/// Rows below which a scan is not split further between threads.
const ROWS_PER_TASK: usize = 1024;

/// Compares stored rows with one query.
pub(super) struct Scorer<'a> {
    rows: &'a RowFile,
    query: &'a [f32],
    vector: Vec<f32>,
}

impl<'a> Scorer<'a> {
    /// A scorer for `query`, shape `[dim]`.
    pub(super) fn new(rows: &'a RowFile, query: &'a [f32]) -> Scorer<'a> {
        Scorer {
            rows,
            query,
            vector: vec![0.0; rows.dim()],
        }
    }

    /// The row with its exact similarity: the dot product with the stored f16 numbers.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the row's checksum does not hold or its numbers are no numbers.
    pub(super) fn score(&mut self, row: u32) -> Result<Neighbor> {
        let row = Row(row);
        self.rows.read_into(row, &mut self.vector)?;
        // Adding zero turns -0 into 0: they are equal, and have to tie.
        let similarity = dot(self.query, &self.vector) + 0.0;
        if similarity.is_nan() {
            let what = format!("row {} holds something that is no number", row.0);
            return Err(Error::damaged(self.rows.path(), what));
        }
        Ok(Neighbor { row, similarity })
    }
}

/// The `k` best of the rows in `range` that are `allowed`, with ties, in parallel.
///
/// # Errors
/// As [`Scorer::score`], for any row that is read.
pub(super) fn scan(
    rows: &RowFile,
    range: Range<u32>,
    query: &[f32],
    allowed: Option<&FixedBitSet>,
    k: usize,
) -> Result<Best> {
    match allowed {
        None => best_of(range.into_par_iter(), rows, query, k),
        Some(set) => best_of(members(set, range).into_par_iter(), rows, query, k),
    }
}

/// The `k` best of the listed rows, with ties, in parallel.
///
/// # Errors
/// As [`Scorer::score`], for any row that is read.
fn best_of(
    listed: impl IndexedParallelIterator<Item = u32>,
    rows: &RowFile,
    query: &[f32],
    k: usize,
) -> Result<Best> {
    let start = || (Scorer::new(rows, query), Best::new(k));
    listed
        .with_min_len(ROWS_PER_TASK)
        .try_fold(start, |(mut scorer, mut best), row| {
            best.push(scorer.score(row)?);
            Ok((scorer, best))
        })
        .map(|part| part.map(|(_, best)| best))
        .try_reduce(|| Best::new(k), |a, b| Ok(a.merge(b)))
}

/// The rows of `range` that are in `set`, in order.
fn members(set: &FixedBitSet, range: Range<u32>) -> Vec<u32> {
    let ones = set.ones().map_while(|row| u32::try_from(row).ok());
    ones.skip_while(|&row| row < range.start)
        .take_while(|&row| row < range.end)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testdata::{Dice, clustered, row_file, some_of};
    use super::*;

    /// Sorts everything, the plain way.
    fn naive(rows: &RowFile, query: &[f32], allowed: &FixedBitSet, k: usize) -> Vec<Neighbor> {
        let mut all: Vec<Neighbor> = (0..rows.len() as u32)
            .filter(|&row| allowed.contains(row as usize))
            .map(|row| Neighbor {
                row: Row(row),
                similarity: dot(query, &rows.vector(Row(row)).unwrap()),
            })
            .collect();
        all.sort_by(|a, b| {
            b.similarity
                .total_cmp(&a.similarity)
                .then(a.row.cmp(&b.row))
        });
        all.truncate(k);
        all
    }

    #[test]
    fn the_scan_is_the_sorted_list() {
        let dir = tempfile::tempdir().unwrap();
        let vectors = clustered(3000, 24, 7);
        let rows = row_file(dir.path(), &vectors);
        let everything = some_of(3000, 1.0, 0);
        let half = some_of(3000, 0.5, 1);
        let mut dice = Dice::new(8);
        for k in [1, 10, 2999, 3000, 9000] {
            let query = dice.direction(24);
            let all = scan(&rows, 0..3000, &query, None, k).unwrap().into_sorted();
            assert_eq!(all, naive(&rows, &query, &everything, k), "k {k}");
            let some = scan(&rows, 0..3000, &query, Some(&half), k).unwrap();
            assert_eq!(some.into_sorted(), naive(&rows, &query, &half, k), "k {k}");
        }
    }

    #[test]
    fn a_range_bounds_the_scan() {
        let dir = tempfile::tempdir().unwrap();
        let rows = row_file(dir.path(), &clustered(300, 8, 7));
        let query = Dice::new(9).direction(8);
        let best = scan(&rows, 100..120, &query, None, 300).unwrap();
        let mut found: Vec<u32> = best.into_sorted().iter().map(|n| n.row.0).collect();
        found.sort_unstable();
        assert_eq!(found, (100..120).collect::<Vec<_>>());
        assert_eq!(members(&some_of(300, 1.0, 0), 290..310).len(), 10);
    }

    #[test]
    fn rows_that_are_no_numbers_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let vectors = vec![vec![1.0, 0.0], vec![f32::NAN, 0.0]];
        let rows = row_file(dir.path(), &vectors);
        let error = scan(&rows, 0..2, &[1.0, 0.0], None, 1).unwrap_err();
        assert!(error.to_string().contains("row 1 "), "{error}");
    }
}
