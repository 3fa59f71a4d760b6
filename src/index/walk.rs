//! The search of a frozen graph: greedy through the upper levels, best-first along level 0.
//!
//! In: a graph, the code of a query, how many candidates to keep (`ef`) and which nodes may be
//! returned. Out: candidate nodes, to be compared with the query again by their stored rows. The
//! algorithms are 2 and 5 of Malkov and Yashunin, "Efficient and robust approximate nearest
//! neighbor search using hierarchical navigable small world graphs" (2016).
//!
//! Invariants: the walk ends whatever the graph says, as each node is visited once and a step
//! upwards in similarity is strict; nodes that may not be returned are walked over all the same;
//! with `ef` at least the number of nodes, and no budget, every allowed node is a candidate.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use fixedbitset::FixedBitSet;

use super::graph::Graph;
use super::quantize::similarity;

/// A node with the similarity of its code; greater is more similar, then lower by number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    similarity: f32,
    node: u32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        let by_similarity = self.similarity.total_cmp(&other.similarity);
        by_similarity.then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Up to `ef` nodes that are `allowed` and whose codes are the most similar to `query`'s that the
/// walk met, in no order; `None` if more than `budget` nodes had to be compared.
pub(super) fn nearest(
    graph: &Graph,
    query: &[i8],
    ef: usize,
    budget: usize,
    allowed: impl Fn(u32) -> bool,
) -> Option<Vec<u32>> {
    let mut pool = Pool::new(graph.n_nodes(), ef, allowed);
    let rate = |node: u32| Candidate {
        similarity: similarity(query, graph.code(node)),
        node,
    };
    let (entry, nearby) = descend(graph, rate);
    pool.visit(entry, rate);
    pool.visit(nearby, rate);
    while let Some(node) = pool.next() {
        graph
            .links(node)
            .for_each(|linked| pool.visit(linked, rate));
        if pool.n_visited > budget {
            return None;
        }
    }
    graph.strays().for_each(|stray| pool.visit(stray, rate));
    Some(pool.found.into_iter().map(|Reverse(c)| c.node).collect())
}

/// The entry point, and the node where the greedy descent from it to level 0 ends.
fn descend(graph: &Graph, rate: impl Fn(u32) -> Candidate) -> (u32, u32) {
    let mut slot = graph.entry();
    let mut entry = None;
    for level in (1..=graph.n_levels()).rev() {
        let rate_slot = |slot| rate(graph.upper_node(level, slot)).similarity;
        entry = entry.or(Some(graph.upper_node(level, slot)));
        let mut here = rate_slot(slot);
        loop {
            let stood = slot;
            for linked in graph.upper_links(level, stood) {
                let there = rate_slot(linked);
                if there > here {
                    (here, slot) = (there, linked);
                }
            }
            if slot == stood {
                break;
            }
        }
        slot = graph.slot_below(level, slot);
    }
    (entry.unwrap_or(slot), slot)
}

/// What a best-first walk keeps: where it has been, where to go on, what it found.
struct Pool<F> {
    ef: usize,
    allowed: F,
    visited: FixedBitSet,
    n_visited: usize,
    frontier: BinaryHeap<Candidate>,
    /// At most `ef`, the least similar on top.
    found: BinaryHeap<Reverse<Candidate>>,
}

impl<F: Fn(u32) -> bool> Pool<F> {
    fn new(n_nodes: usize, ef: usize, allowed: F) -> Pool<F> {
        Pool {
            ef,
            allowed,
            visited: FixedBitSet::with_capacity(n_nodes),
            n_visited: 0,
            frontier: BinaryHeap::new(),
            found: BinaryHeap::new(),
        }
    }

    /// The node to go on from, unless none can lead to anything better than what was found.
    fn next(&mut self) -> Option<u32> {
        let best = self.frontier.pop()?;
        let worst = self.found.peek().filter(|_| self.found.len() >= self.ef);
        match worst {
            Some(Reverse(worst)) if best.similarity < worst.similarity => None,
            _ => Some(best.node),
        }
    }

    fn visit(&mut self, node: u32, rate: impl Fn(u32) -> Candidate) {
        if self.visited.put(node as usize) {
            return;
        }
        self.n_visited += 1;
        let candidate = rate(node);
        let full = self.found.len() >= self.ef;
        if full
            && self
                .found
                .peek()
                .is_some_and(|Reverse(worst)| candidate <= *worst)
        {
            return;
        }
        self.frontier.push(candidate);
        if (self.allowed)(node) {
            self.found.push(Reverse(candidate));
            if full {
                self.found.pop();
            }
        }
    }
}
