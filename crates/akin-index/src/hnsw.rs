//! The upper levels of a graph, built with hnsw_rs.
//!
//! In: codes, and the nodes of the levels above level 0. Out: [`Skeleton`]: the graph that hnsw_rs makes of
//! these nodes, as plain lists. Its level 0 becomes level 1 of the segment, its level 1 becomes level 2,
//! and so on; the nodes below are attached by `attach`. hnsw_rs is only a builder here: its own dump is
//! never written nor read.
//!
//! Facts from its source (0.3.5): levels are drawn from a generator with a fixed seed, in order of
//! insertion, and nothing else is random. So one thread makes the same graph from the same codes every
//! time, and several threads do not: a single thread inserts here. It asserts that distances are not
//! negative, and panics at NaN; [`CodeDistance`] gives neither.
//!
//! Invariant: no link leads from a slot to itself or outside its level.

use std::collections::VecDeque;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::{Hnsw, Point};

use super::codes::Geometry;
use super::format::{LEVELS, NONE};
use super::kernels::Isa;
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

/// Points inserted between two questions whether to stop.
const POINTS_PER_STEP: usize = 512;

/// The levels above level 0.
#[derive(Debug, Default)]
pub(super) struct Skeleton {
    /// Level 1 first: (node, slot below, links) a slot, shape `[slots, 2 + room]`.
    pub(super) levels: Vec<Vec<u32>>,
    /// A slot of the highest level.
    pub(super) entry: u32,
}

/// One minus the similarity of two codes, never negative and always a number.
struct CodeDistance {
    isa: Isa,
    /// The similarity that one unit of a product of two codes stands for.
    unit: f32,
}

impl Distance<u8> for CodeDistance {
    fn eval(&self, a: &[u8], b: &[u8]) -> f32 {
        (1.0 - self.isa.pair(a, b) as f32 * self.unit).max(0.0)
    }
}

/// How large hnsw_rs makes the graph.
#[derive(Debug, Clone, Copy)]
pub(super) struct HnswSizes {
    /// Half of the links of a node.
    pub(super) m: usize,
    /// Candidates among which a new node's links are chosen.
    pub(super) ef_construction: usize,
}

type Points = Vec<Arc<Point<'static, u8>>>;

/// Builds the levels over `nodes`, at least one, in ascending order; `code` is the code of a node. Lists
/// have room for twice `m` links.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop.
pub(super) fn build<'a>(
    nodes: &[u32],
    code: impl Fn(u32) -> &'a [u8],
    geometry: &Geometry,
    sizes: HnswSizes,
    isa: Isa,
    observer: &dyn Observer,
) -> Result<Skeleton> {
    let HnswSizes { m, ef_construction } = sizes;
    let distance = CodeDistance {
        isa,
        unit: geometry.scale * geometry.scale,
    };
    // Its list of levels must have one for the highest that it can draw.
    let builder = Hnsw::<u8, CodeDistance>::new(m, nodes.len(), LEVELS, ef_construction, distance);
    for (step, some) in nodes.chunks(POINTS_PER_STEP).enumerate() {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let first = step * POINTS_PER_STEP;
        let slots = first..first + some.len();
        slots
            .zip(some)
            .for_each(|(slot, &node)| builder.insert_slice((code(node), slot)));
        observer.advance(some.len() as u64);
    }
    let points = points_of(&builder, nodes.len());
    let top = builder.get_max_level_observed();
    let mut at_top = builder
        .get_point_indexation()
        .get_layer_iterator(top.into());
    // The entry point is the first point that reached the highest level.
    let entry = at_top
        .next()
        .expect("the highest level observed has a point");
    let entry = entry.get_origin_id() as u32;
    Ok(skeleton_of(&points, nodes, entry, top.into(), 2 * m))
}

/// The points by slot.
fn points_of(builder: &Hnsw<'static, u8, CodeDistance>, n_points: usize) -> Points {
    let points = builder.get_point_indexation();
    let mut all: Points = (0..LEVELS)
        .flat_map(|level| points.get_layer_iterator(level))
        .collect();
    all.sort_unstable_by_key(|point| point.get_origin_id());
    assert_eq!(all.len(), n_points, "every inserted point is in one layer");
    all
}

/// The points that a point is linked with at one of hnsw_rs's levels, nearest first.
fn linked(points: &Points, slot: u32, level: usize) -> Vec<u32> {
    let mut by_level = points[slot as usize].get_neighborhood_id();
    let links = by_level.swap_remove(level).into_iter();
    let slots = links.map(|link| link.d_id as u32);
    slots.filter(|&other| other != slot).collect()
}

/// Takes the links out of hnsw_rs's points.
///
/// A point that was once the entry point can be linked above its own level. So the points of a level are
/// those that can be reached there, not those that were drawn for it.
fn skeleton_of(points: &Points, nodes: &[u32], entry: u32, top: usize, room: usize) -> Skeleton {
    let mut reached = vec![entry];
    let mut members = vec![(0..nodes.len() as u32).collect::<Vec<u32>>()];
    let mut above = Vec::new();
    for level in (1..=top).rev() {
        reached = reachable(&reached, points.len(), |slot| linked(points, slot, level));
        above.push(reached.clone());
    }
    members.extend(above.into_iter().rev());
    let mut levels = Vec::with_capacity(members.len());
    for (level, slots) in members.iter().enumerate() {
        let mut records = vec![NONE; slots.len() * (2 + room)];
        for (&point, record) in slots.iter().zip(records.chunks_mut(2 + room)) {
            record[0] = nodes[point as usize];
            record[1] = match level {
                0 => nodes[point as usize],
                _ => slot_of(&members[level - 1], point),
            };
            let links = linked(points, point, level).into_iter();
            let links = links.map(|other| slot_of(slots, other));
            record[2..]
                .iter_mut()
                .zip(links)
                .for_each(|(place, link)| *place = link);
        }
        levels.push(records);
    }
    let highest = members.last().expect("level 1 is there");
    Skeleton {
        levels,
        entry: slot_of(highest, entry),
    }
}

/// The place of a point in the ordered points of a level that it can be reached at.
fn slot_of(level: &[u32], point: u32) -> u32 {
    let slot = level.binary_search(&point);
    slot.expect("a level holds what can be reached at it and above") as u32
}

/// What can be reached from `starts` along `links`, themselves included, in order.
pub(super) fn reachable<L: AsRef<[u32]>>(
    starts: &[u32],
    n: usize,
    links: impl Fn(u32) -> L,
) -> Vec<u32> {
    let mut seen = FixedBitSet::with_capacity(n);
    let mut queue: VecDeque<u32> = starts.iter().copied().collect();
    starts.iter().for_each(|&node| seen.insert(node as usize));
    while let Some(node) = queue.pop_front() {
        for &other in links(node).as_ref() {
            if !seen.put(other as usize) {
                queue.push_back(other);
            }
        }
    }
    seen.ones().map(|node| node as u32).collect()
}
