//! From the rows of a span to a segment in memory.
//!
//! ```text
//! rows ─► codes ─┬─► hnsw (every 16th node: the upper levels) ─► attach (level 0) ─► mend ─┬─► segment
//!                └─► (few rows: no graph) ─────────────────────────────────────────────────┘
//! ```
//!
//! In: rows, a span of them, the options. Out: [`Built`], ready to be written (`freeze`). The
//! same rows and options give the same segment, byte for byte, whatever the number of threads.
//!
//! hnsw_rs does not build level 0 as well: over the same codes and distances it takes several times longer.
//! Every node that an insertion meets costs an allocation, a hash and an atomic count. Its graph also
//! depends on the threads.

use fixedbitset::FixedBitSet;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::attach::{BuildPlan, attach, unfound};
use super::codes::{CodedQuery, Geometry, code_bytes};
use super::format::{LEVELS, M_MAX, NONE};
use super::graph::Graph;
use super::hnsw::{self, HnswSizes, Skeleton, reachable};
use super::kernels::Isa;
use super::memory::Large;
use super::mend::mend;
use super::options::IndexOptions;
use super::span::Span;
use akin_base::error::Result;
use akin_base::progress::{Observer, Stage};
use akin_base::vectors::{Row, RowFile};

/// One node in this many is in level 1: the share that HNSW draws with `m` 16.
const LEVEL_1_EVERY: usize = 16;

/// Rows that the codes' scale is fitted to.
const SAMPLE_ROWS: usize = 2048;

/// Up to this many strays are compared with every query instead of linked, which would mean searching every
/// node a second time. They take less than a tenth of a walk.
const STRAYS_BORNE: usize = 64;

/// How often lost nodes are linked and looked for again.
const MENDINGS: usize = 3;

/// Rows that are turned into codes as one piece of work.
const ROWS_PER_TASK: usize = 1024;

/// A segment in memory.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) geometry: Geometry,
    /// Shape `[n_rows, code_bytes]`.
    pub(super) codes: Large,
    pub(super) code_bytes: usize,
    /// Nodes whose codes do not hold their rows, in order.
    pub(super) clipped: Vec<u32>,
    /// Half of the links of a node; 0 where there are codes only.
    pub(super) m: usize,
    /// Level 0, shape `[n_rows, 2m]`, nearest first, short lists filled up with `NONE`.
    pub(super) base: Large,
    pub(super) skeleton: Skeleton,
    /// Nodes that cannot be reached along level 0 from the entry point, or are not found.
    pub(super) strays: Vec<u32>,
}

/// Builds the segment of the rows in `span`, at least one.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted) if the observer asks to stop,
/// [`Error::Damaged`](crate::Error::Damaged) if a row cannot be read.
pub(super) fn build(
    rows: &RowFile,
    span: Span,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Built> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build();
    let build = || build_here(rows, span, options, observer);
    match pool {
        Ok(pool) => pool.install(build),
        // Where no threads can be started, this one does the work.
        Err(_) => build(),
    }
}

fn build_here(
    rows: &RowFile,
    span: Span,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Built> {
    let n_rows = span.n_rows as usize;
    let mut built = encode(rows, span)?;
    if n_rows < options.graph_from {
        return Ok(built);
    }
    link(&mut built, rows, span, options, observer)?;
    Ok(built)
}

/// Reports the begin and the end of a stage on `n_papers` papers around its work.
fn observed<T>(
    observer: &dyn Observer,
    stage: Stage,
    n_papers: usize,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    observer.begin(stage, Some(n_papers as u64));
    let outcome = work();
    observer.end();
    outcome
}

/// Makes the graph over the codes.
fn link(
    built: &mut Built,
    rows: &RowFile,
    span: Span,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<()> {
    let m = options.m.clamp(2, M_MAX);
    let Geometry { scale, .. } = built.geometry;
    let plan = BuildPlan {
        codes: built.codes.bytes(),
        code_bytes: built.code_bytes,
        whole: 1.0 / (scale * scale),
        m,
        ef_construction: options.ef_construction.max(m),
        isa: Isa::detect(),
    };
    let above = (0..plan.n_nodes() as u32).step_by(LEVEL_1_EVERY);
    let above: Vec<u32> = above.collect();
    let code = |node: u32| plan.code(node);
    let sizes = HnswSizes {
        m,
        ef_construction: plan.ef_construction,
    };
    let (skeleton, mut base) = observed(observer, Stage::Index, plan.n_nodes(), || {
        let skeleton = hnsw::build(&above, code, &built.geometry, sizes, plan.isa, observer)?;
        let base = attach(&plan, &skeleton, observer)?;
        Ok((skeleton, base))
    })?;
    let query_of = |node: u32| {
        // What cannot be read was named when its code was made.
        let vector = rows.vector(Row(span.first + node));
        let vector = vector.unwrap_or_else(|_| vec![0.0; rows.dim()]);
        CodedQuery::new(&vector, &built.geometry)
    };
    let strays = make_findable(&plan, &skeleton, &mut base, &query_of, observer)?;
    (built.m, built.skeleton, built.base) = (m, skeleton, base);
    built.strays = strays;
    Ok(())
}

/// Links the nodes that walks miss, unless there are few. Returns those that walks still miss.
fn make_findable(
    plan: &BuildPlan,
    skeleton: &Skeleton,
    base: &mut Large,
    query_of: &(impl Fn(u32) -> CodedQuery + Sync),
    observer: &dyn Observer,
) -> Result<Vec<u32>> {
    let lost_of = |base: &Large, nodes: &[u32]| {
        let graph = plan.graph(base.numbers(), 2 * plan.m, skeleton);
        let look = || unfound(plan, &graph, nodes, query_of, observer);
        let unfound = observed(observer, Stage::Check, nodes.len(), look)?;
        Result::Ok(united(unfound, unreached(&graph)))
    };
    let all: Vec<u32> = (0..plan.n_nodes() as u32).collect();
    let mut lost = lost_of(base, &all)?;
    if lost.len() <= STRAYS_BORNE {
        return Ok(lost);
    }
    for _ in 0..MENDINGS {
        let given_up = mend(plan, skeleton, base, &lost, query_of);
        lost = lost_of(base, &united(lost, given_up))?;
        if lost.is_empty() {
            break;
        }
    }
    // What was linked may lead walks for other nodes astray.
    lost_of(base, &all)
}

/// The nodes of both lists, in order.
fn united(one: Vec<u32>, other: Vec<u32>) -> Vec<u32> {
    let mut both = [one, other].concat();
    both.sort_unstable();
    both.dedup();
    both
}

/// The segment without links.
fn encode(rows: &RowFile, span: Span) -> Result<Built> {
    let every = (span.n_rows as usize).div_ceil(SAMPLE_ROWS);
    let sample = span.rows().step_by(every).map(|row| rows.vector(Row(row)));
    let fitted = Geometry::from_sample(&sample.collect::<Result<Vec<_>>>()?);
    let code_bytes = code_bytes(rows.dim());
    let mut codes = Large::filled(0, span.n_rows as usize * code_bytes / 4);
    let tasks = codes
        .bytes_mut()
        .par_chunks_mut(ROWS_PER_TASK * code_bytes)
        .enumerate();
    let encoded = tasks.map(|(task, codes)| {
        let mut geometry = fitted;
        let mut clipped = Vec::new();
        let mut vector = vec![0.0; rows.dim()];
        let first = (task * ROWS_PER_TASK) as u32;
        for (node, code) in (first..).zip(codes.chunks_mut(code_bytes)) {
            rows.read_into(Row(span.first + node), &mut vector)?;
            if !geometry.encode(&vector, code) {
                clipped.push(node);
            }
        }
        Ok((geometry, clipped))
    });
    let encoded: Vec<(Geometry, Vec<u32>)> = encoded.collect::<Result<_>>()?;
    let widest = |wide: Geometry, (geometry, _): &(Geometry, Vec<u32>)| wide.wider_of(geometry);
    Ok(Built {
        geometry: encoded.iter().fold(fitted, widest),
        clipped: encoded
            .into_iter()
            .flat_map(|(_, clipped)| clipped)
            .collect(),
        codes,
        code_bytes,
        m: 0,
        base: Large::filled(0, 0),
        skeleton: Skeleton::default(),
        strays: Vec::new(),
    })
}

/// The nodes that cannot be reached from the entry point along level 0.
fn unreached(graph: &Graph) -> Vec<u32> {
    let mut entry = graph.entry;
    for level in (1..=graph.n_levels()).rev() {
        (_, entry, _) = graph
            .upper(level, entry)
            .expect("what is being built is in memory");
    }
    let n_nodes = graph.n_nodes as usize;
    let links = |node| -> Vec<u32> {
        let room = graph.links(node).expect("what is being built is in memory");
        room.iter()
            .copied()
            .take_while(|&link| link != NONE)
            .collect()
    };
    let mut is_stray = FixedBitSet::with_capacity(n_nodes);
    is_stray.insert_range(..);
    for node in reachable(&[entry], n_nodes, links) {
        is_stray.remove(node as usize);
    }
    is_stray.ones().map(|node| node as u32).collect()
}

impl Built {
    /// The graph as it is walked.
    pub(super) fn graph(&self) -> Graph<'_> {
        Graph {
            codes: self.codes.bytes(),
            n_nodes: (self.codes.bytes().len() / self.code_bytes) as u32,
            base: self.base.numbers(),
            room: 2 * self.m,
            levels: self.skeleton.as_levels(),
            upper_room: 2 + 2 * self.m,
            entry: self.skeleton.entry,
            strays: &self.strays,
            stored: None,
        }
    }
}

impl Skeleton {
    /// The levels as a [`Graph`] has them.
    pub(super) fn as_levels(&self) -> [&[u32]; LEVELS] {
        std::array::from_fn(|level| self.levels.get(level).map_or(&[][..], Vec::as_slice))
    }
}
