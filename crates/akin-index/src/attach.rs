//! Builds level 0 of a graph: links every node with its neighbours.
//!
//! In: codes, and a [`Skeleton`] with a part of the nodes in its level 1. Out: the lists of level 0, shape
//! `[n_nodes, 2m]`, nearest first, short lists filled up with `NONE`. It starts from the skeleton's own
//! links; the other nodes join in rounds. In each round every newcomer walks the graph of the rounds
//! before, chooses its links among the candidates it meets, and is then linked back. A round is small
//! beside the nodes already linked, so newcomers miss little by not seeing one another.
//!
//! The rounds are those of ParlayANN (Manohar et al. 2024). The choice of links is algorithm 4 of Malkov
//! and Yashunin (2016). It is relaxed by [`SPREAD`] as in DiskANN (Subramanya et al. 2019).
//!
//! Invariant: the lists depend only on the codes and the options, not on the number of threads. Within a
//! round the graph does not change.

use rayon::prelude::*;

use super::codes::{CodedQuery, Queries};
use super::format::NONE;
use super::graph::Graph;
use super::hnsw::Skeleton;
use super::kernels::Isa;
use super::memory::Large;
use super::walk::{Limits, Trail, WalkScratch};
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

/// Newcomers of a round as a share of all nodes, and of the nodes that are there already.
const SHARE_OF_ALL: usize = 50;
const SHARE_OF_PRESENT: usize = 4;

/// Pruning slack alpha: a candidate is dropped if a kept neighbour is this many times closer to it than the
/// node is. Above 1 the lists are longer, which finds more at equal `ef`. Recall@10 on 100,000 abstracts at
/// `ef` 40: 0.978 with 1, 0.988 with 1.1, 0.983 with 1.15, 0.980 with 1.2.
const SPREAD: f32 = 1.1;

/// Newcomers of a round at least.
const ROUND_MIN: usize = 64;

/// Number of candidates (`ef`) when a node is searched by its own row.
const OWN_EF: usize = 64;

/// Nodes that are searched between two reports of progress and checks for a stop.
const LOOKED_FOR: usize = 16 << 10;

/// Codes, and how to link their nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct BuildPlan<'a> {
    /// Shape `[n_nodes, code_bytes]`.
    pub(super) codes: &'a [u8],
    pub(super) code_bytes: usize,
    /// The product of two equal codes of vectors of length 1.
    pub(super) whole: f32,
    pub(super) m: usize,
    pub(super) ef_construction: usize,
    pub(super) isa: Isa,
}

impl<'a> BuildPlan<'a> {
    pub(super) fn n_nodes(&self) -> usize {
        self.codes.len() / self.code_bytes
    }

    /// What is walked: level 0, shape `[n_nodes, room]`, below the skeleton's levels.
    pub(super) fn graph(&self, base: &'a [u32], room: usize, skeleton: &'a Skeleton) -> Graph<'a> {
        Graph {
            codes: self.codes,
            n_nodes: self.n_nodes() as u32,
            base,
            room,
            levels: skeleton.as_levels(),
            upper_room: 2 + 2 * self.m,
            entry: skeleton.entry,
            strays: &[],
            stored: None,
        }
    }

    pub(super) fn code(&self, node: u32) -> &'a [u8] {
        &self.codes[node as usize * self.code_bytes..][..self.code_bytes]
    }
}

/// Links all nodes at level 0.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop.
pub(super) fn attach(
    plan: &BuildPlan,
    skeleton: &Skeleton,
    observer: &dyn Observer,
) -> Result<Large> {
    let mut lists = GrowingLists::new(plan, skeleton);
    let n_nodes = plan.n_nodes();
    let mut newcomers = newcomers(plan, skeleton, &lists);
    let mut joined = n_nodes - newcomers.len();
    let mut waiting = &mut newcomers[..];
    while !waiting.is_empty() {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let size = (n_nodes / SHARE_OF_ALL).min(joined / SHARE_OF_PRESENT);
        let (round, rest) = waiting.split_at_mut(size.max(ROUND_MIN).min(waiting.len()));
        round.sort_unstable_by_key(|newcomer| (newcomer.trail, newcomer.node));
        lists.join(plan, skeleton, round);
        observer.advance(round.len() as u64);
        joined += round.len();
        waiting = rest;
    }
    Ok(lists.finished(plan))
}

/// The nodes that a walk for their own row misses with [`OWN_EF`] candidates, because others have pushed
/// them out of all lists that lead there. `query_of` makes the query of a node's row.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop.
pub(super) fn unfound(
    plan: &BuildPlan,
    graph: &Graph,
    nodes: &[u32],
    query_of: impl Fn(u32) -> CodedQuery + Sync,
    observer: &dyn Observer,
) -> Result<Vec<u32>> {
    let is_lost = |chooser: &mut Chooser, &node: &u32| {
        (!chooser.finds(graph, node, query_of(node))).then_some(node)
    };
    let mut unfound = Vec::new();
    for nodes in nodes.chunks(LOOKED_FOR) {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        observer.advance(nodes.len() as u64);
        let looked = nodes.par_iter();
        let looked = looked.map_init(|| Chooser::new(plan), is_lost);
        unfound.par_extend(looked.flatten());
    }
    Ok(unfound)
}

/// A node that is to join.
#[derive(Debug, Clone, Copy)]
struct Newcomer {
    node: u32,
    /// Where the descent to it passes, the higher levels first.
    trail: Trail,
}

/// The nodes that are not in the skeleton, spread so that a round has some from everywhere. Dumps are often
/// sorted, and nodes of one round do not see one another. Within a round they join along their trails: one
/// walks where the last has just been, in memory that is still near.
fn newcomers(plan: &BuildPlan, skeleton: &Skeleton, lists: &GrowingLists) -> Vec<Newcomer> {
    let upper_room = 2 + 2 * plan.m;
    let mut is_there = vec![false; plan.n_nodes()];
    for record in skeleton.levels[0].chunks(upper_room) {
        is_there[record[0] as usize] = true;
    }
    let absent: Vec<u32> = (0..is_there.len() as u32)
        .filter(|&node| !is_there[node as usize])
        .collect();
    let stride = stride_through(absent.len());
    let spread = (0..absent.len()).map(|i| absent[i * stride % absent.len()]);
    let graph = lists.graph(plan, skeleton);
    let newcomer = |chooser: &mut Chooser, node| Newcomer {
        node,
        trail: chooser.trail(&graph, node),
    };
    let spread: Vec<u32> = spread.collect();
    let start = || Chooser::new(plan);
    spread.into_par_iter().map_init(start, newcomer).collect()
}

/// A step that meets each of `n` places once, about the golden section of them apart.
fn stride_through(n: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let golden = (n as f64 * 0.618_033_988_75) as usize;
    (golden.max(1)..)
        .find(|&stride| gcd(stride, n) <= 1)
        .unwrap_or(1)
}

/// The lists while nodes join. They have more room than the final ones, so that a growing list is cut back
/// only now and then.
struct GrowingLists {
    room: usize,
    links: Large,
}

impl GrowingLists {
    /// The skeleton's level 1 as level 0.
    fn new(plan: &BuildPlan, skeleton: &Skeleton) -> GrowingLists {
        let room = 3 * plan.m;
        let mut large = Large::filled(NONE, plan.n_nodes() * room);
        let links = large.numbers_mut();
        let records = || skeleton.levels[0].chunks(2 + 2 * plan.m);
        let nodes: Vec<u32> = records().map(|record| record[0]).collect();
        for record in records() {
            let list = &mut links[record[0] as usize * room..][..room];
            let slots = record[2..].iter().take_while(|&&slot| slot != NONE);
            list.iter_mut()
                .zip(slots)
                .for_each(|(place, &slot)| *place = nodes[slot as usize]);
        }
        GrowingLists { room, links: large }
    }

    fn list(&self, node: u32) -> &[u32] {
        let list = &self.links.numbers()[node as usize * self.room..][..self.room];
        let end = list.iter().position(|&link| link == NONE);
        &list[..end.unwrap_or(list.len())]
    }

    fn set(&mut self, node: u32, list: &[u32]) {
        let place = &mut self.links.numbers_mut()[node as usize * self.room..][..self.room];
        place[..list.len()].copy_from_slice(list);
        place[list.len()..].fill(NONE);
    }

    /// One round.
    fn join(&mut self, plan: &BuildPlan, skeleton: &Skeleton, round: &[Newcomer]) {
        let graph = self.graph(plan, skeleton);
        let start = || Chooser::new(plan);
        let chosen: Vec<Vec<u32>> = round
            .par_iter()
            .map_init(start, |chooser, newcomer| {
                chooser.for_newcomer(&graph, newcomer.node)
            })
            .collect();
        let mut back = Vec::new();
        for (newcomer, links) in round.iter().zip(&chosen) {
            self.set(newcomer.node, links);
            back.extend(links.iter().map(|&link| (link, newcomer.node)));
        }
        back.par_sort_unstable();
        let groups: Vec<&[(u32, u32)]> = back.chunk_by(|a, b| a.0 == b.0).collect();
        let longer: Vec<(u32, Vec<u32>)> = groups
            .into_par_iter()
            .map_init(start, |chooser, group| {
                let node = group[0].0;
                let mut list = self.list(node).to_vec();
                list.extend(group.iter().map(|&(_, newcomer)| newcomer));
                if list.len() > self.room {
                    list = chooser.among(node, &list);
                }
                (node, list)
            })
            .collect();
        longer.iter().for_each(|(node, list)| self.set(*node, list));
    }

    fn graph<'a>(&'a self, plan: &BuildPlan<'a>, skeleton: &'a Skeleton) -> Graph<'a> {
        plan.graph(self.links.numbers(), self.room, skeleton)
    }

    /// The lists in their final room, nearest first.
    fn finished(&self, plan: &BuildPlan) -> Large {
        let room = 2 * plan.m;
        let mut links = Large::filled(NONE, plan.n_nodes() * room);
        let places = links
            .numbers_mut()
            .par_chunks_mut(room)
            .zip(0..plan.n_nodes() as u32);
        places.for_each_init(
            || Chooser::new(plan),
            |chooser, (place, node)| {
                let list = chooser.among(node, self.list(node));
                place[..list.len()].copy_from_slice(&list);
            },
        );
        links
    }
}

/// Chooses the links of nodes; one a thread.
pub(super) struct Chooser<'a> {
    plan: &'a BuildPlan<'a>,
    scratch: WalkScratch,
    query: CodedQuery,
    kept: Queries,
    products: Vec<i32>,
    candidates: Vec<(u32, i32)>,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(plan: &'a BuildPlan<'a>) -> Chooser<'a> {
        Chooser {
            plan,
            scratch: WalkScratch::default(),
            query: CodedQuery::default(),
            kept: Queries::default(),
            products: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// Where the descent to a node passes.
    fn trail(&mut self, graph: &Graph, node: u32) -> Trail {
        self.query.set_to_code(self.plan.code(node));
        let trail = self.scratch.trail(graph, &self.query, self.plan.isa);
        trail.expect("what is being built is in memory")
    }

    /// What a walk for a query finds with [`OWN_EF`] candidates, nearest first.
    pub(super) fn near(&mut self, graph: &Graph, query: CodedQuery) -> Vec<u32> {
        self.query = query;
        let (isa, limits) = (self.plan.isa, Limits::new(OWN_EF));
        let walked = self
            .scratch
            .walk(graph, &self.query, isa, &limits, |_| true);
        walked.expect("what is being built is in memory");
        self.scratch.found().map(|(node, _)| node).collect()
    }

    /// Whether a walk for a node's own query finds it, or as many that are as near.
    fn finds(&mut self, graph: &Graph, node: u32, query: CodedQuery) -> bool {
        if self.near(graph, query).contains(&node) {
            return true;
        }
        let mut own = [0];
        self.query
            .listed(self.plan.isa, graph.codes, &[node], &mut own);
        self.scratch.found().all(|(_, product)| product >= own[0])
    }

    /// The links of a node that is not in the graph yet, nearest first.
    fn for_newcomer(&mut self, graph: &Graph, node: u32) -> Vec<u32> {
        self.query.set_to_code(self.plan.code(node));
        let limits = Limits::new(self.plan.ef_construction);
        let walked = self
            .scratch
            .walk(graph, &self.query, self.plan.isa, &limits, |_| true);
        walked.expect("what is being built is in memory");
        self.candidates.clear();
        self.candidates.extend(self.scratch.found());
        self.diverse()
    }

    /// At most as many of the listed nodes as a list may have, nearest to `node` first.
    pub(super) fn among(&mut self, node: u32, list: &[u32]) -> Vec<u32> {
        let BuildPlan { codes, m, isa, .. } = *self.plan;
        self.query.set_to_code(self.plan.code(node));
        self.products.resize(list.len(), 0);
        self.query.listed(isa, codes, list, &mut self.products);
        self.candidates.clear();
        let products = self.products.iter().copied();
        self.candidates.extend(list.iter().copied().zip(products));
        self.candidates
            .sort_unstable_by_key(|&(node, product)| (-product, node));
        if list.len() <= 2 * m {
            return self.candidates.iter().map(|&(node, _)| node).collect();
        }
        self.diverse()
    }

    /// Chooses links that lead in different directions: goes through the candidates, best first, and drops
    /// those that are [`SPREAD`] times nearer to a kept one than to the node.
    fn diverse(&mut self) -> Vec<u32> {
        let BuildPlan { m, isa, whole, .. } = *self.plan;
        let mut chosen = Vec::with_capacity(2 * m);
        self.kept.clear();
        for &(candidate, product) in &self.candidates {
            let code = self.plan.code(candidate);
            let as_near = (whole - (whole - product as f32) / SPREAD) as i32;
            if !self.kept.any_from(isa, as_near.max(product), code) {
                self.kept.push(code);
                chosen.push(candidate);
            }
            if chosen.len() == 2 * m {
                break;
            }
        }
        chosen
    }
}
