//! The k best rows seen so far, and the rows that tie with the last of them.
//!
//! In: neighbours in any order, none twice. Out: the k of highest similarity, best first, equal
//! ones by row, and after them every further one whose similarity equals the k-th exactly.
//! Invariant: the result does not depend on the order in which neighbours arrive, nor on how they
//! were spread over several [`Best`] that were merged.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::options::Neighbor;

/// The k best neighbours seen so far.
#[derive(Debug)]
pub(super) struct Best {
    k: usize,
    /// At most k, the farthest on top.
    heap: BinaryHeap<Farther>,
    /// As similar as the farthest of the heap, and no better in any other way.
    ties: Vec<Neighbor>,
}

impl Best {
    /// An empty list that keeps the `k` best.
    pub(super) fn new(k: usize) -> Best {
        Best {
            k,
            heap: BinaryHeap::new(),
            ties: Vec::new(),
        }
    }

    /// The number asked for.
    pub(super) fn wanted(&self) -> usize {
        self.k
    }

    /// Number of rows kept, including ties beyond the k-th.
    pub(super) fn len(&self) -> usize {
        self.heap.len() + self.ties.len()
    }

    /// The similarity of the k-th; `None` while there are fewer.
    pub(super) fn last(&self) -> Option<f32> {
        let last = self.heap.peek().filter(|_| self.heap.len() == self.k);
        last.map(|Farther(last)| last.similarity)
    }

    /// Considers one neighbour.
    pub(super) fn push(&mut self, neighbor: Neighbor) {
        if self.heap.len() < self.k {
            return self.heap.push(Farther(neighbor));
        }
        let Some(Farther(last)) = self.heap.peek().copied() else {
            return;
        };
        match rank(&neighbor, &last) {
            Ordering::Less => self.displace(last, neighbor),
            _ if neighbor.similarity == last.similarity => self.ties.push(neighbor),
            _ => {}
        }
    }

    /// Puts `better` in the place of `last`, which stays only as a tie.
    fn displace(&mut self, last: Neighbor, better: Neighbor) {
        self.heap.pop();
        self.heap.push(Farther(better));
        let bound = self.heap.peek().map(|Farther(n)| n.similarity);
        if bound == Some(last.similarity) {
            self.ties.push(last);
        } else {
            self.ties.clear();
        }
    }

    /// Considers everything another one has kept.
    pub(super) fn merge(self, other: Best) -> Best {
        let (mut into, from) = if self.len() < other.len() {
            (other, self)
        } else {
            (self, other)
        };
        let kept = from.heap.into_iter().map(|Farther(n)| n);
        kept.chain(from.ties).for_each(|n| into.push(n));
        into
    }

    /// The neighbours, best first, equal similarities by row.
    pub(super) fn into_sorted(self) -> Vec<Neighbor> {
        let kept = self.heap.into_iter().map(|Farther(n)| n);
        let mut all: Vec<Neighbor> = kept.chain(self.ties).collect();
        all.sort_unstable_by(rank);
        all
    }
}

/// Orders the better neighbour first: by similarity, downwards, then by row, upwards.
fn rank(a: &Neighbor, b: &Neighbor) -> Ordering {
    let by_similarity = b.similarity.total_cmp(&a.similarity);
    by_similarity.then(a.row.cmp(&b.row))
}

/// A neighbour that counts as greater the farther it is.
#[derive(Debug, Clone, Copy)]
struct Farther(Neighbor);

impl Ord for Farther {
    fn cmp(&self, other: &Farther) -> Ordering {
        rank(&self.0, &other.0)
    }
}

impl PartialOrd for Farther {
    fn partial_cmp(&self, other: &Farther) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Farther {
    fn eq(&self, other: &Farther) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Farther {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use akin_base::vectors::Row;

    fn naive(mut all: Vec<Neighbor>, k: usize) -> Vec<Neighbor> {
        all.sort_by(rank);
        let last = k.min(all.len()).checked_sub(1).map(|i| all[i].similarity);
        let wanted = |(i, n): &(usize, &Neighbor)| *i < k || Some(n.similarity) == last;
        let keep = all.iter().enumerate().take_while(wanted).count();
        all.truncate(if k == 0 { 0 } else { keep });
        all
    }

    proptest! {
        #[test]
        fn any_order_and_any_split_keep_the_k_best_and_their_ties(
            levels in prop::collection::vec(0u8..6, 0..60),
            k in 0usize..12,
            cut in 0usize..60,
        ) {
            let all: Vec<Neighbor> = levels
                .iter()
                .enumerate()
                .map(|(i, &level)| Neighbor {
                    row: Row((i as u32 * 37) % 61),
                    similarity: f32::from(level) / 5.0,
                })
                .collect();
            let (mut left, mut right) = (Best::new(k), Best::new(k));
            let (a, b) = all.split_at(cut.min(all.len()));
            a.iter().for_each(|&n| left.push(n));
            b.iter().for_each(|&n| right.push(n));
            prop_assert_eq!(left.merge(right).into_sorted(), naive(all, k));
        }
    }
}
