//! The full scan: compares every allowed row with the query.
//!
//! In: rows as f16 with their checksums, or the codes of a segment; a query; perhaps a set of allowed rows.
//! Out: the k best rows and their ties. Walks are measured against it, and it answers where no graph covers
//! the rows.
//!
//! Codes are half as many bytes to read, and their similarities are off by at most a known slack. A row
//! whose code is more than twice the slack below the k-th best code cannot be among the k best. So a scan
//! of codes leaves few [`RowBound`]s; clipped rows are always among them. Comparing these by their stored
//! rows until none can be better ([`rescore`]) gives the same result as comparing all rows.
//!
//! Invariant: a similarity is the same number however a row was found, because [`Scorer`] always computes
//! it.

use std::ops::Range;

use fixedbitset::FixedBitSet;
use rayon::prelude::*;

use super::best::Best;
use super::checked::Damage;
use super::codes::CodedQuery;
use super::kernels::Isa;
use super::options::Neighbor;
use super::segments::Segment;
use akin_base::error::{Error, Result};
use akin_base::vectors::{Row, RowFile, dot};

/// Rows below which a scan is not split further between threads.
const ROWS_PER_TASK: usize = 1024;

/// Rows that are compared by one thread before the best are looked at again.
const ROWS_PER_PART: usize = 256;

/// Codes that are scanned as one piece of work.
const CODES_PER_TASK: usize = 8192;

/// Nodes that a scan keeps at least before it looks which of them are too far.
const TOP_ROOM: usize = 1024;

/// Up to this share of allowed rows, their codes are looked up one by one. With prefetching, they come as
/// fast as codes that lie one after the other.
const LOOKED_UP_TO: f64 = 0.75;

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
    /// [`Error::Damaged`] if the row's checksum does not match or it holds NaN.
    pub(super) fn score(&mut self, row: u32) -> Result<Neighbor> {
        let row = Row(row);
        self.rows.read_into(row, &mut self.vector)?;
        // Adding zero turns -0 into 0: they are equal, and have to tie.
        let similarity = dot(self.query, &self.vector) + 0.0;
        if similarity.is_nan() {
            let what = format!("row {} holds something that is not a number", row.0);
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
    const WORD: u32 = usize::BITS;
    let mut found = Vec::new();
    let (first, end) = (range.start / WORD, range.end.div_ceil(WORD));
    let words = set.as_slice().iter().enumerate();
    for (i, &word) in words.take(end as usize).skip(first as usize) {
        let mut rest = word;
        while rest != 0 {
            found.push(i as u32 * WORD + rest.trailing_zeros());
            rest &= rest - 1;
        }
    }
    found.retain(|row| range.contains(row));
    found
}

/// A row that may be among the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RowBound {
    pub(super) row: u32,
    /// What its similarity is at most.
    pub(super) most: f32,
}

/// Compares candidates by their stored rows, as far as they can be among the best.
///
/// # Errors
/// As [`Scorer::score`], for any row that is read.
pub(super) fn rescore(
    rows: &RowFile,
    query: &[f32],
    mut candidates: Vec<RowBound>,
    best: &mut Best,
) -> Result<()> {
    candidates.sort_unstable_by(|a, b| b.most.total_cmp(&a.most));
    // As many as are wanted are compared in any case; the rest in parts, until none can be better.
    let mut rest = &candidates[..];
    let mut part = best.wanted().max(ROWS_PER_PART);
    while let Some(candidate) = rest.first() {
        if best.last().is_some_and(|last| candidate.most < last) {
            break;
        }
        let (these, more) = rest.split_at(part.min(rest.len()));
        if these.len() > ROWS_PER_PART {
            score_in_parallel(rows, query, these, best)?
        } else {
            score_in_turn(rows, query, these, best)?
        }
        (rest, part) = (more, ROWS_PER_TASK);
    }
    Ok(())
}

/// Compares candidates one after another, until none can be better.
fn score_in_turn(
    rows: &RowFile,
    query: &[f32],
    candidates: &[RowBound],
    best: &mut Best,
) -> Result<()> {
    let mut scorer = Scorer::new(rows, query);
    for candidate in candidates {
        if best.last().is_some_and(|last| candidate.most < last) {
            break;
        }
        best.push(scorer.score(candidate.row)?);
    }
    Ok(())
}

fn score_in_parallel(
    rows: &RowFile,
    query: &[f32],
    candidates: &[RowBound],
    best: &mut Best,
) -> Result<()> {
    let scored = candidates.par_chunks(ROWS_PER_PART).map(|part| {
        let mut scorer = Scorer::new(rows, query);
        let scored = part.iter().map(|candidate| scorer.score(candidate.row));
        scored.collect::<Result<Vec<Neighbor>>>()
    });
    for part in scored.collect::<Result<Vec<_>>>()? {
        part.into_iter().for_each(|neighbor| best.push(neighbor));
    }
    Ok(())
}

/// A segment as candidates are found in it.
pub(super) struct SegmentSearch<'a> {
    pub(super) segment: &'a Segment,
    pub(super) query: CodedQuery,
    pub(super) allowed: Option<&'a FixedBitSet>,
    clipped: &'a [u32],
}

impl<'a> SegmentSearch<'a> {
    /// The segment for a query of finite numbers, shape `[dim]`.
    ///
    /// # Errors
    /// [`Damage`] if what it needs of the file is not what was written.
    pub(super) fn new(
        segment: &'a Segment,
        query: &[f32],
        allowed: Option<&'a FixedBitSet>,
    ) -> std::result::Result<SegmentSearch<'a>, Damage> {
        Ok(SegmentSearch {
            segment,
            query: CodedQuery::new(query, segment.stored.geometry()),
            allowed,
            clipped: segment.stored.clipped()?,
        })
    }

    /// Whether the row of a node may be returned.
    pub(super) fn allows(&self, node: u32) -> bool {
        let row = (self.segment.span.first + node) as usize;
        self.allowed.is_none_or(|set| set.contains(row))
    }

    /// What a node's product makes of its row.
    pub(super) fn candidate(&self, node: u32, product: i32) -> RowBound {
        let is_clipped = self.clipped.binary_search(&node).is_ok();
        let most = self.query.similarity(product) + self.query.slack();
        RowBound {
            row: self.segment.span.first + node,
            most: if is_clipped { f32::INFINITY } else { most },
        }
    }
}

/// The rows of a segment that may be returned and can be among its `k` best, by their codes.
///
/// # Errors
/// [`Damage`] if a code is not what was written.
pub(super) fn scan_codes(
    field: &SegmentSearch,
    isa: Isa,
    k: usize,
) -> std::result::Result<Vec<RowBound>, Damage> {
    let span = field.segment.span;
    // The products of clipped nodes can be too large, and must not displace others.
    let k = k.saturating_add(field.clipped.len());
    let rows = span.rows().start as usize..span.rows().end as usize;
    let narrow = field.allowed.filter(|set| {
        let n_allowed = set.count_ones(rows.start.min(set.len())..rows.end.min(set.len()));
        n_allowed as f64 <= LOOKED_UP_TO * f64::from(span.n_rows)
    });
    let top = match narrow {
        Some(set) => scan_listed(field, isa, &members(set, span.rows()), k)?,
        None => scan_all(field, isa, k)?,
    };
    let mut found: Vec<RowBound> = top
        .into_candidates()
        .map(|(product, node)| field.candidate(node, product))
        .filter(|candidate| candidate.most.is_finite())
        .collect();
    let clipped = field.clipped.iter().filter(|&&node| field.allows(node));
    found.extend(clipped.map(|&node| field.candidate(node, 0)));
    Ok(found)
}

fn scan_all(field: &SegmentSearch, isa: Isa, k: usize) -> std::result::Result<Top, Damage> {
    let n_rows = field.segment.span.n_rows;
    let starts = (0..n_rows).into_par_iter().step_by(CODES_PER_TASK);
    let part = |start: u32| {
        let nodes = start..n_rows.min(start + CODES_PER_TASK as u32);
        let mut products = vec![0; nodes.len()];
        let codes = field.segment.stored.codes(nodes.clone())?;
        field.query.run(isa, codes, &mut products);
        let mut top = Top::new(k, &field.query);
        for (node, product) in nodes.zip(products) {
            top.push(product, node, || field.allows(node));
        }
        Ok(top)
    };
    let start = || Top::new(k, &field.query);
    starts.map(part).try_reduce(start, |a, b| Ok(a.merge(b)))
}

fn scan_listed(
    field: &SegmentSearch,
    isa: Isa,
    rows: &[u32],
    k: usize,
) -> std::result::Result<Top, Damage> {
    let graph = field.segment.stored.graph();
    let part = |rows: &[u32]| {
        let first = field.segment.span.first;
        let nodes: Vec<u32> = rows.iter().map(|row| row - first).collect();
        nodes.iter().try_for_each(|&node| graph.check_code(node))?;
        let mut products = vec![0; nodes.len()];
        field.query.listed(isa, graph.codes, &nodes, &mut products);
        let mut top = Top::new(k, &field.query);
        for (node, product) in nodes.into_iter().zip(products) {
            top.push(product, node, || true);
        }
        Ok(top)
    };
    let start = || Top::new(k, &field.query);
    let parts = rows.par_chunks(CODES_PER_TASK).map(part);
    parts.try_reduce(start, |a, b| Ok(a.merge(b)))
}

/// The nodes that can be among the k best, given that products are off by a known margin.
struct Top {
    k: usize,
    /// Products that are this much smaller can stand for equal similarities.
    margin: i32,
    /// Below this no node is among the k best.
    floor: i32,
    nodes: Vec<(i32, u32)>,
    /// As many nodes are kept before those below the k-th are looked for again.
    room: usize,
}

impl Top {
    fn new(k: usize, query: &CodedQuery) -> Top {
        Top {
            k,
            margin: query.margin(),
            floor: i32::MIN,
            nodes: Vec::new(),
            room: TOP_ROOM.max(2 * k),
        }
    }

    #[inline]
    fn push(&mut self, product: i32, node: u32, allowed: impl Fn() -> bool) {
        if product >= self.floor && allowed() {
            self.nodes.push((product, node));
            if self.nodes.len() >= self.room {
                self.shrink();
            }
        }
    }

    /// Drops nodes that are below the k-th largest product by more than the margin. Each node is examined a
    /// bounded number of times, for any k.
    fn shrink(&mut self) {
        if self.k == 0 || self.nodes.len() <= self.k {
            return;
        }
        let largest_first = |a: &(i32, u32), b: &(i32, u32)| b.0.cmp(&a.0);
        let (_, kth, _) = self.nodes.select_nth_unstable_by(self.k - 1, largest_first);
        self.floor = self.floor.max(kth.0.saturating_sub(self.margin));
        let floor = self.floor;
        self.nodes.retain(|(product, _)| *product >= floor);
        self.room = TOP_ROOM.max(2 * self.nodes.len());
    }

    fn merge(self, other: Top) -> Top {
        let (mut into, from) = if self.nodes.len() < other.nodes.len() {
            (other, self)
        } else {
            (self, other)
        };
        into.floor = into.floor.max(from.floor);
        for (product, node) in from.nodes {
            into.push(product, node, || true);
        }
        into
    }

    fn into_candidates(mut self) -> impl Iterator<Item = (i32, u32)> {
        self.shrink();
        let floor = self.floor;
        self.nodes
            .into_iter()
            .filter(move |(product, _)| *product >= floor)
    }
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
