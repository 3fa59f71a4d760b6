//! Searches a graph: greedy through the upper levels, best-first along level 0.
//!
//! In: a graph, a query, the number of candidates to keep (`ef`), and the allowed nodes. Out: candidate
//! nodes, best first, to be compared again by their stored rows. The algorithms are 2 and 5 of Malkov and
//! Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
//! world graphs" (2016). Frontier and result are one sorted list, as in Fu et al., "Fast approximate
//! nearest neighbor search with the navigating spreading-out graph" (2019).
//!
//! Invariants: the walk ends on any graph, because each node is visited once and each step of the descent
//! raises the similarity. Nodes that may not be returned are walked over too. With `ef` at least the number
//! of nodes, and no budget, every allowed node is a candidate. The same graph, query and limits give the
//! same candidates.

use super::checked::Damage;
use super::codes::CodedQuery;
use super::format::ROWS_MAX;
use super::graph::Graph;
use super::kernels::Isa;

/// How far a walk goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Candidates that are kept.
    pub(super) ef: usize,
    /// Nodes that may be compared; a walk that would compare more is given up.
    pub(super) budget: usize,
}

impl Limits {
    /// As far as `ef` candidates lead.
    pub(super) fn new(ef: usize) -> Limits {
        Limits {
            ef,
            budget: usize::MAX,
        }
    }
}

/// The nodes where a descent ends at its lowest levels above level 0, the highest first.
pub(super) type Trail = [u32; 3];

/// Buffers of a walk, kept for the next one.
#[derive(Debug, Default)]
pub(super) struct WalkScratch {
    visited: Visited,
    pool: CandidatePool,
    /// Nodes of one list that have not been visited, and their products with the query.
    fresh: Vec<u32>,
    products: Vec<i32>,
}

impl WalkScratch {
    /// Walks the graph; returns false if the budget ran out. [`WalkScratch::found`] has the result.
    ///
    /// # Errors
    /// [`Damage`] if a node on the way is not what was written.
    pub(super) fn walk(
        &mut self,
        graph: &Graph,
        query: &CodedQuery,
        isa: Isa,
        limits: &Limits,
        allowed: impl Fn(u32) -> bool,
    ) -> Result<bool, Damage> {
        self.visited.begin(graph.n_nodes);
        self.pool.begin(limits.ef);
        let (entry, nearby, _) = self.descend(graph, query, isa)?;
        self.visit(graph, query, isa, &[entry, nearby], &allowed)?;
        while let Some(node) = self.pool.next() {
            if let Some(next) = self.pool.peek() {
                isa.prefetch(graph.room_of(next));
            }
            let links = graph.links(node)?;
            self.visit(graph, query, isa, links, &allowed)?;
            if self.visited.len() > limits.budget {
                return Ok(false);
            }
        }
        self.visit(graph, query, isa, graph.strays()?, &allowed)?;
        Ok(true)
    }

    /// What the last walk found, best first: nodes that were allowed, with their products.
    pub(super) fn found(&self) -> impl Iterator<Item = (u32, i32)> + '_ {
        let allowed = self.pool.entries.iter().filter(|entry| entry.is_allowed());
        allowed.map(|entry| (entry.node(), entry.product()))
    }

    /// Where the descent to a query passes.
    ///
    /// # Errors
    /// [`Damage`] if a node on the way is not what was written.
    pub(super) fn trail(
        &mut self,
        graph: &Graph,
        query: &CodedQuery,
        isa: Isa,
    ) -> Result<Trail, Damage> {
        let (_, _, trail) = self.descend(graph, query, isa)?;
        Ok(trail)
    }

    /// The entry point, the node where the greedy descent from it to level 0 ends, and where it
    /// passed.
    fn descend(
        &mut self,
        graph: &Graph,
        query: &CodedQuery,
        isa: Isa,
    ) -> Result<(u32, u32, Trail), Damage> {
        let mut slot = graph.entry;
        let n_levels = graph.n_levels();
        if n_levels == 0 {
            return Ok((slot, slot, Trail::default()));
        }
        let (entry, ..) = graph.upper(n_levels, slot)?;
        graph.check_code(entry)?;
        let mut here = [0];
        let mut trail = Trail::default();
        query.listed(isa, graph.codes, &[entry], &mut here);
        for level in (1..=n_levels).rev() {
            loop {
                let stood = slot;
                let (_, _, links) = graph.upper(level, stood)?;
                self.fresh.clear();
                for &linked in links {
                    let (node, ..) = graph.upper(level, linked)?;
                    graph.check_code(node)?;
                    self.fresh.push(node);
                }
                self.products.resize(links.len(), 0);
                query.listed(isa, graph.codes, &self.fresh, &mut self.products);
                for (&linked, &there) in links.iter().zip(&self.products) {
                    if there > here[0] {
                        (here[0], slot) = (there, linked);
                    }
                }
                if slot == stood {
                    break;
                }
            }
            let (node, below, _) = graph.upper(level, slot)?;
            if let Some(place) = trail.len().checked_sub(level) {
                trail[place] = node;
            }
            slot = below;
        }
        Ok((entry, slot, trail))
    }

    /// Compares the nodes of a list that have not been visited yet, up to the list's end.
    fn visit(
        &mut self,
        graph: &Graph,
        query: &CodedQuery,
        isa: Isa,
        nodes: &[u32],
        allowed: &impl Fn(u32) -> bool,
    ) -> Result<(), Damage> {
        self.fresh.clear();
        let n_nodes = graph.n_nodes;
        for &node in nodes {
            if node >= n_nodes {
                break;
            }
            if self.visited.put(node) {
                graph.check_code(node)?;
                self.fresh.push(node);
            }
        }
        self.products.resize(self.fresh.len(), 0);
        query.listed(isa, graph.codes, &self.fresh, &mut self.products);
        for (&node, &product) in self.fresh.iter().zip(&self.products) {
            self.pool.consider(product, node, allowed);
        }
        Ok(())
    }
}

/// The nodes that a walk has been at.
#[derive(Debug, Default)]
struct Visited {
    /// A bit a node.
    words: Vec<u64>,
    /// The words that are not zero, some of them more than once.
    touched: Vec<u32>,
}

impl Visited {
    /// Forgets everything; the cost is that of the last walk, not of the graph.
    fn begin(&mut self, n_nodes: u32) {
        for word in self.touched.drain(..) {
            self.words[word as usize] = 0;
        }
        let n_words = n_nodes.div_ceil(64) as usize;
        if self.words.len() < n_words {
            self.words.resize(n_words, 0);
        }
    }

    fn len(&self) -> usize {
        self.touched.len()
    }

    /// Notes a node; whether it is new.
    #[inline]
    fn put(&mut self, node: u32) -> bool {
        let (word, bit) = (node / 64, 1 << (node % 64));
        let marks = &mut self.words[word as usize];
        let is_new = *marks & bit == 0;
        if is_new {
            *marks |= bit;
            self.touched.push(word);
        }
        is_new
    }
}

/// A node with its product, in one number that is greater for a better node: the product, then
/// the node backwards, then two marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct WalkEntry(u64);

impl WalkEntry {
    const EXPANDED: u64 = 1;
    const ALLOWED: u64 = 2;
    const SIGN: u32 = 1 << 31;

    fn new(product: i32, node: u32) -> WalkEntry {
        debug_assert!(node < ROWS_MAX, "a segment is no larger");
        WalkEntry(u64::from(product as u32 ^ WalkEntry::SIGN) << 32 | u64::from(!node << 2))
    }

    fn node(self) -> u32 {
        (!self.0 as u32) >> 2
    }

    fn product(self) -> i32 {
        ((self.0 >> 32) as u32 ^ WalkEntry::SIGN) as i32
    }

    fn is_allowed(self) -> bool {
        self.0 & WalkEntry::ALLOWED != 0
    }
}

/// The best nodes of a walk so far, best first, up to the `ef`-th that is allowed.
#[derive(Debug, Default)]
struct CandidatePool {
    ef: usize,
    entries: Vec<WalkEntry>,
    n_allowed: usize,
    /// All before this place have been expanded.
    cursor: usize,
}

impl CandidatePool {
    fn begin(&mut self, ef: usize) {
        *self = CandidatePool {
            ef: ef.max(1),
            entries: std::mem::take(&mut self.entries),
            n_allowed: 0,
            cursor: 0,
        };
        self.entries.clear();
    }

    /// The best node that has not been expanded; expanding it is the caller's.
    fn next(&mut self) -> Option<u32> {
        let rest = self.entries.get_mut(self.cursor..)?;
        let ahead = rest
            .iter()
            .position(|entry| entry.0 & WalkEntry::EXPANDED == 0)?;
        let entry = &mut rest[ahead];
        self.cursor += ahead + 1;
        entry.0 |= WalkEntry::EXPANDED;
        Some(entry.node())
    }

    /// The node that comes next, unless a better one is found before.
    fn peek(&self) -> Option<u32> {
        let rest = self.entries.get(self.cursor..)?;
        let next = rest
            .iter()
            .find(|entry| entry.0 & WalkEntry::EXPANDED == 0)?;
        Some(next.node())
    }

    #[inline]
    fn consider(&mut self, product: i32, node: u32, allowed: &impl Fn(u32) -> bool) {
        let mut entry = WalkEntry::new(product, node);
        let is_full = self.n_allowed == self.ef;
        if is_full && self.entries.last().is_some_and(|last| entry < *last) {
            return;
        }
        if allowed(node) {
            entry.0 |= WalkEntry::ALLOWED;
            self.n_allowed += 1;
            if is_full {
                self.drop_last();
            }
        }
        let at = self.entries.partition_point(|other| *other > entry);
        self.entries.insert(at, entry);
        self.cursor = self.cursor.min(at);
        if self.n_allowed == self.ef {
            self.drop_after_last_allowed();
        }
    }

    /// Drops the last node, which is the `ef`-th that is allowed.
    fn drop_last(&mut self) {
        self.entries.pop();
        self.n_allowed -= 1;
        // What is now past the last allowed one is dropped once the better one is in.
    }

    fn drop_after_last_allowed(&mut self) {
        while self.entries.last().is_some_and(|last| !last.is_allowed()) {
            self.entries.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_keeps_its_node_and_product_in_order() {
        let products = [i32::MIN, -7, 0, 1, i32::MAX];
        for (i, &product) in products.iter().enumerate() {
            for node in [0, 1, ROWS_MAX - 1] {
                let entry = WalkEntry::new(product, node);
                assert_eq!((entry.product(), entry.node()), (product, node));
                assert!(i == 0 || entry > WalkEntry::new(products[i - 1], 0));
                assert!(node == 0 || entry < WalkEntry::new(product, node - 1));
            }
        }
    }

    proptest! {
        #[test]
        fn a_pool_is_the_sorted_list_up_to_the_last_allowed(
            products in prop::collection::vec(-20i32..20, 0..80),
            ef in 1usize..12,
            stride in 1u32..4,
        ) {
            let allowed = |node: u32| node.is_multiple_of(stride);
            let mut pool = CandidatePool::default();
            pool.begin(ef);
            let mut plain: Vec<(i32, u32)> = Vec::new();
            for (&product, node) in products.iter().zip(0..) {
                pool.consider(product, node, &allowed);
                plain.push((product, node));
            }
            plain.sort_by_key(|&(product, node)| (-product, node));
            let last = plain.iter().enumerate().filter(|(_, (_, node))| allowed(*node)).nth(ef - 1);
            let keep = last.map_or(plain.len(), |(i, _)| i + 1);
            let kept: Vec<_> = pool.entries.iter().map(|e| (e.product(), e.node())).collect();
            prop_assert_eq!(kept, &plain[..keep]);
            let mut expanded = Vec::new();
            expanded.extend(std::iter::from_fn(|| pool.next()));
            let nodes: Vec<u32> = plain[..keep].iter().map(|&(_, node)| node).collect();
            prop_assert_eq!(expanded, nodes);
        }
    }
}
