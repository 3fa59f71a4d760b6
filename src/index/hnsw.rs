//! Builds the graph of a segment with hnsw_rs, and takes its links out.
//!
//! In: a span of rows and the options. Out: [`Links`] over nodes counted from 0. Points are
//! codes (see `quantize`), so that the graph is built over what will be walked. hnsw_rs is only a
//! builder here: its own dump is never written nor read.
//!
//! What its source (0.3.5) settles: levels are drawn from a generator with a fixed seed, in order
//! of insertion, and nothing else in an insertion is random, so that one thread makes the same
//! graph from the same rows every time, and several do not. It asserts that distances are not
//! negative and panics at one that is no number: [`CodeDistance`] gives neither. The first two
//! insertions must not race, or a point can stay without links.
//!
//! Invariant: no link leads from a node to itself or outside the span, and every node can be
//! reached from the entry point along level 0 or is listed as a stray.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use hnsw_rs::anndists::dist::distances::Distance;
use hnsw_rs::hnsw::{Hnsw, Point};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::IndexOptions;
use super::format::{LEVELS, M_MAX, NONE};
use super::freeze::{Level, Links};
use super::quantize::{code_bytes, quantize, similarity};
use super::span::Span;
use crate::error::{Error, Result};
use crate::progress::{Observer, Stage};
use crate::vectors::{Row, RowFile};

/// Rows inserted between two questions whether to stop.
const ROWS_PER_STEP: usize = 512;

/// Rows inserted by one thread before others join: a graph this small has no room for several,
/// which would not see one another's points.
const FIRST_ROWS: usize = 128;

/// One minus the similarity of two codes, never negative and always a number.
struct CodeDistance;

impl Distance<i8> for CodeDistance {
    fn eval(&self, a: &[i8], b: &[i8]) -> f32 {
        (1.0 - similarity(a, b)).max(0.0)
    }
}

type Builder = Hnsw<'static, i8, CodeDistance>;
type Points = Vec<Arc<Point<'static, i8>>>;

/// Builds the graph of the rows in `span`, of which there is at least one.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop, [`Error::Damaged`] if a row cannot be
/// read.
pub(super) fn build(
    rows: &RowFile,
    span: Span,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Links> {
    let m = options.m.clamp(2, M_MAX);
    let ef_construction = options.ef_construction.max(m);
    let n_rows = span.n_rows as usize;
    let builder = Builder::new(m, n_rows, LEVELS + 1, ef_construction, CodeDistance);
    observer.begin(Stage::Index, Some(n_rows as u64));
    let inserted = insert_all(&builder, rows, span, options.threads, observer);
    observer.end();
    inserted?;
    Ok(links_of(&points_of(&builder, n_rows), &builder, m))
}

fn insert_all(
    builder: &Builder,
    rows: &RowFile,
    span: Span,
    threads: usize,
    observer: &dyn Observer,
) -> Result<()> {
    // Where no threads can be started, this one does the work.
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().ok();
    let pool = pool.filter(|pool| pool.current_num_threads() > 1);
    let n_rows = span.n_rows as usize;
    let mut done = 0;
    while done < n_rows {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let size = if done == 0 { FIRST_ROWS } else { ROWS_PER_STEP };
        let step = done..n_rows.min(done + size);
        let codes = codes_of(rows, span, step.clone())?;
        insert(builder, &codes, step.clone(), pool.as_ref());
        observer.advance(step.len() as u64);
        done = step.end;
    }
    Ok(())
}

/// The codes of some nodes, one after the other.
fn codes_of(rows: &RowFile, span: Span, nodes: Range<usize>) -> Result<Vec<i8>> {
    let each_bytes = code_bytes(rows.dim());
    let mut codes = vec![0; nodes.len() * each_bytes];
    let mut vector = vec![0.0; rows.dim()];
    for (node, code) in nodes.zip(codes.chunks_mut(each_bytes)) {
        rows.read_into(Row(span.first + node as u32), &mut vector)?;
        quantize(&vector, code);
    }
    Ok(codes)
}

/// Inserts some nodes: in their order where there is no pool or nothing yet.
fn insert(builder: &Builder, codes: &[i8], nodes: Range<usize>, pool: Option<&ThreadPool>) {
    let each_bytes = codes.len() / nodes.len();
    match pool.filter(|_| nodes.start > 0) {
        None => {
            let points = codes.chunks(each_bytes).zip(nodes);
            points.for_each(|point| builder.insert_slice(point));
        }
        Some(pool) => {
            let points = codes.par_chunks(each_bytes).zip(nodes);
            pool.install(|| points.for_each(|point| builder.insert_slice(point)));
        }
    }
}

/// The points by node.
fn points_of(builder: &Builder, n_rows: usize) -> Points {
    let points = builder.get_point_indexation();
    let mut all: Points = (0..=LEVELS)
        .flat_map(|level| points.get_layer_iterator(level))
        .collect();
    all.sort_unstable_by_key(|point| point.get_origin_id());
    assert_eq!(all.len(), n_rows, "every inserted point is in one layer");
    all
}

/// The nodes that a node is linked with at a level, nearest first.
fn linked(points: &Points, node: u32, level: usize) -> Vec<u32> {
    let mut by_level = points[node as usize].get_neighborhood_id();
    let links = by_level.swap_remove(level).into_iter();
    let nodes = links.map(|link| link.d_id as u32);
    nodes.filter(|&other| other != node).collect()
}

/// Takes the links out of hnsw_rs's points.
///
/// A point can be linked above its own level (as entry point of its time), so the nodes of an
/// upper level are those that can be reached there, not those that were drawn for it.
fn links_of(points: &Points, builder: &Builder, m: usize) -> Links {
    let top = builder.get_max_level_observed();
    let at_top = builder
        .get_point_indexation()
        .get_layer_iterator(top.into());
    // The entry point is the first point that reached the highest level.
    let entry = at_top.map(|point| point.get_origin_id() as u32).next();
    let entry = entry.expect("the highest level observed has a point");
    let mut reached = vec![entry];
    let mut level_nodes = Vec::new();
    for level in (1..=usize::from(top)).rev() {
        reached = reachable(&reached, points.len(), |node| linked(points, node, level));
        level_nodes.push(reached.clone());
    }
    level_nodes.reverse();
    let base = base_of(points, m);
    let strays = strays_of(&base, m, entry);
    Links {
        m,
        entry: level_nodes
            .last()
            .map_or(entry, |nodes| slot_of(nodes, entry)),
        levels: levels_of(points, level_nodes, m),
        base,
        strays,
    }
}

/// The links of level 0, shape `[n, 2m]`.
fn base_of(points: &Points, m: usize) -> Vec<u32> {
    let lists = (0..points.len() as u32).into_par_iter();
    let mut base = vec![NONE; points.len() * 2 * m];
    lists
        .zip(base.par_chunks_mut(2 * m))
        .for_each(|(node, room)| fill(room, linked(points, node, 0)));
    base
}

/// The upper levels, given the nodes of each.
fn levels_of(points: &Points, level_nodes: Vec<Vec<u32>>, m: usize) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::with_capacity(level_nodes.len());
    for (below, nodes) in level_nodes.into_iter().enumerate() {
        let mut links = vec![NONE; nodes.len() * m];
        for (&node, room) in nodes.iter().zip(links.chunks_mut(m)) {
            let linked = linked(points, node, below + 1).into_iter();
            fill(room, linked.map(|other| slot_of(&nodes, other)));
        }
        levels.push(Level {
            below: match levels.last() {
                None => nodes.clone(),
                Some(level) => nodes
                    .iter()
                    .map(|&node| slot_of(&level.nodes, node))
                    .collect(),
            },
            nodes,
            links,
        });
    }
    levels
}

/// The place of `node` in the ordered `nodes` of a level that it can be reached at.
fn slot_of(nodes: &[u32], node: u32) -> u32 {
    let slot = nodes.binary_search(&node);
    slot.expect("a level holds what can be reached at it and above") as u32
}

/// Puts links in their room, as many as it holds.
fn fill(room: &mut [u32], links: impl IntoIterator<Item = u32>) {
    room.iter_mut()
        .zip(links)
        .for_each(|(place, link)| *place = link);
}

/// What can be reached from `starts` along `links`, themselves included, in order.
fn reachable(starts: &[u32], n: usize, links: impl Fn(u32) -> Vec<u32>) -> Vec<u32> {
    let mut seen = FixedBitSet::with_capacity(n);
    let mut queue: VecDeque<u32> = starts.iter().copied().collect();
    starts.iter().for_each(|&node| seen.insert(node as usize));
    while let Some(node) = queue.pop_front() {
        for other in links(node) {
            if !seen.put(other as usize) {
                queue.push_back(other);
            }
        }
    }
    seen.ones().map(|node| node as u32).collect()
}

/// The nodes that cannot be reached from the entry point along level 0.
fn strays_of(base: &[u32], m: usize, entry: u32) -> Vec<u32> {
    let lists: Vec<&[u32]> = base.chunks(2 * m).collect();
    let links = |node: u32| {
        let list = lists[node as usize].iter().copied();
        list.take_while(|&other| other != NONE).collect()
    };
    let mut is_stray = FixedBitSet::with_capacity(lists.len());
    is_stray.insert_range(..);
    for node in reachable(&[entry], lists.len(), links) {
        is_stray.remove(node as usize);
    }
    is_stray.ones().map(|node| node as u32).collect()
}
