//! The index: from the rows of a space to the rows nearest to a query.
//!
//! In: a [`RowFile`] and a folder for what is built from it. Out: [`Neighbor`]s with exact
//! similarities, whichever way they were found. Three ways lead there, and a [`Plan`] says which
//! is taken: rows that no segment covers (the *tail*) are always scanned; a segment is walked
//! along its graph and the candidates are compared again by their stored rows; and where few rows
//! may be returned, or no graph would be faster, everything is scanned (`exact`).
//!
//! ```text
//! update:  rows ── quantize ──► hnsw ──► graph file ──► manifest        (segments)
//! search:  query ──► plan ──┬─► walk of each graph ──► rows compared ─┬─► best
//!                           └─► exact scan of the tail, or of all ────┘
//! ```
//!
//! Invariants: the folder is cheap, and any doubt about it makes rows tail and never an answer
//! wrong; a search returns at least min(k, allowed rows) and only allowed ones. What row is which
//! paper is left to the library, and the order of papers that tie to the caller.

mod best;
mod exact;
mod format;
mod freeze;
mod graph;
mod hnsw;
mod quantize;
mod segments;
mod span;
#[cfg(test)]
mod testdata;
#[cfg(test)]
mod tests;
mod walk;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::error::{Error, Result};
use crate::vectors::{Row, RowFile, dot};
use best::Best;
use exact::{Scorer, scan};
use quantize::{code_bytes, quantize};
pub use segments::update;
use segments::{Segment, Standing};

/// How a graph is built, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexOptions {
    /// Links of a node at the upper levels, and half of those at level 0; 2 to 128, and the
    /// nearest of these where it is neither.
    pub m: usize,
    /// Candidates among which a new node's links are chosen.
    pub ef_construction: usize,
    /// Rows below which a space needs no graph: scanning them all takes milliseconds.
    pub exact_below: usize,
    /// Rows that a tail may hold before it becomes a segment.
    pub tail_max: usize,
    /// Threads that build; 0 is one a core. One alone builds the same bytes every time.
    pub threads: usize,
}

impl Default for IndexOptions {
    fn default() -> IndexOptions {
        IndexOptions {
            m: 16,
            ef_construction: 200,
            exact_below: 50_000,
            tail_max: 16_384,
            threads: 0,
        }
    }
}

impl IndexOptions {
    /// The default, except that every row is put in a graph, however few there are.
    pub fn eager() -> IndexOptions {
        IndexOptions {
            exact_below: 0,
            tail_max: 1,
            ..IndexOptions::default()
        }
    }
}

/// Which way a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Whichever is expected to cost less.
    #[default]
    Auto,
    /// Every allowed row is compared: the truth.
    Exact,
    /// The graphs are walked even where a scan would cost less.
    Graph,
}

/// What is searched for, besides the query.
#[derive(Debug, Clone, Copy)]
pub struct SearchOptions<'a> {
    /// How many rows are wanted.
    pub k: usize,
    /// Which way to go.
    pub mode: Mode,
    /// Candidates kept in the walk of a graph, at least `k`; more find more and take longer.
    pub ef_search: Option<usize>,
    /// The rows that may be returned; all where there is no set.
    pub allowed: Option<&'a FixedBitSet>,
}

impl SearchOptions<'_> {
    /// The `k` nearest of all rows.
    pub fn nearest(k: usize) -> SearchOptions<'static> {
        SearchOptions {
            k,
            mode: Mode::Auto,
            ef_search: None,
            allowed: None,
        }
    }
}

/// A row and how close it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// The row.
    pub row: Row,
    /// Dot product of the query and the stored row; the cosine where both are normalised.
    pub similarity: f32,
}

/// How large an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexStats {
    /// Rows that can be found.
    pub n_rows: usize,
    /// Segments that have a graph.
    pub n_segments: usize,
    /// Rows past the last segment, scanned by every search.
    pub tail_rows: usize,
    /// Bytes of the graph files.
    pub file_bytes: u64,
}

/// Which way a search goes, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The way.
    pub route: Route,
    /// Why it is taken.
    pub reason: Reason,
    /// Rows that may be returned.
    pub n_allowed: usize,
}

/// The way of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Every allowed row is compared.
    Exact,
    /// Every segment's graph is walked, every other row compared.
    Graph {
        /// Candidates kept in each walk.
        ef: usize,
    },
}

/// Why a search goes its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The caller's [`Mode`] says so.
    Asked,
    /// No segment has been built, or none can be trusted.
    NoGraph,
    /// It is expected to cost less.
    Cheaper,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.route {
            Route::Exact => write!(f, "exact scan of {} rows", self.n_allowed)?,
            Route::Graph { ef } => write!(f, "graph with ef {ef} for {} rows", self.n_allowed)?,
        }
        match self.reason {
            Reason::Asked => write!(f, ", as asked"),
            Reason::NoGraph => write!(f, ", as no graph covers them"),
            Reason::Cheaper => write!(f, ", which costs less"),
        }
    }
}

/// Candidates that a walk keeps unless told otherwise. On 100,000 clustered vectors of 384
/// numbers recall@10 is 0.979 with 100, 0.989 with 128, and 0.997 with 200 at two thirds of the
/// speed.
const EF_SEARCH: usize = 128;

/// Rows that are scanned in the time that a walk takes for one of its `ef` candidates, where half
/// of the rows or fewer are allowed: the smaller their share, the more nodes a walk meets before
/// it has `ef` that are. Measured: scan and walk (ef 100) cost the same where 12 % of
/// 100,000 rows are allowed, or 24 % of 20,000. Only the planner's choice depends on it.
const ROWS_PER_CANDIDATE: f64 = 12.0;

/// The rows of a space, ready to be searched.
#[derive(Debug)]
pub struct Index {
    rows: Arc<RowFile>,
    segments: Vec<Segment>,
    doubts: Vec<String>,
}

impl Index {
    /// Opens what the folder `dir` holds for the rows of the space with this fingerprint.
    ///
    /// A missing folder is an index without segments. Nothing in the folder can make this fail:
    /// what cannot be trusted is left out and named in [`Index::doubts`].
    pub fn open(dir: &Path, space: &[u8; 32], rows: Arc<RowFile>) -> Index {
        let Standing { segments, doubts } = Standing::read(dir, space, &rows);
        Index {
            rows,
            segments,
            doubts,
        }
    }

    /// Finds the rows most similar to `query`, shape `[dim]`: best first, equal similarities by
    /// row, at least min(k, allowed rows), and beyond k every row found whose similarity equals
    /// the k-th exactly.
    ///
    /// # Errors
    /// [`Error::SpaceMismatch`] if the query has another dim than the rows, [`Error::Encode`] if
    /// it has no length or holds something that is no number, [`Error::Damaged`] if a row that is
    /// compared is damaged.
    pub fn search(&self, query: &[f32], options: &SearchOptions) -> Result<Vec<Neighbor>> {
        self.check(query)?;
        let plan = self.plan(options);
        let wanted = options.k.min(plan.n_allowed);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        if let Route::Graph { ef } = plan.route {
            // A node costs a walk about twice what a row costs the scan: one that a filter leads
            // astray is given up when it has cost twice what it was to spare.
            let budget = match options.mode {
                Mode::Auto => plan.n_allowed,
                Mode::Exact | Mode::Graph => usize::MAX,
            };
            let found = self.walk(query, options, ef, budget)?;
            if let Some(best) = found.filter(|best| best.len() >= wanted) {
                return Ok(best.into_sorted());
            }
        }
        let all = 0..self.n_rows();
        let best = scan(&self.rows, all, query, options.allowed, options.k)?;
        Ok(best.into_sorted())
    }

    /// Says which way [`Index::search`] goes with these options, and why.
    pub fn plan(&self, options: &SearchOptions) -> Plan {
        let n_rows = self.rows.len();
        let n_allowed = options
            .allowed
            .map_or(n_rows, |set| set.count_ones(..n_rows.min(set.len())));
        let ef = options
            .ef_search
            .unwrap_or(EF_SEARCH.max(options.k.saturating_mul(2)));
        let ef = ef.max(options.k).max(1);
        let walk = Route::Graph { ef };
        let (route, reason) = match options.mode {
            _ if self.segments.is_empty() => (Route::Exact, Reason::NoGraph),
            Mode::Exact => (Route::Exact, Reason::Asked),
            Mode::Graph => (walk, Reason::Asked),
            Mode::Auto if self.scan_is_cheaper(n_allowed, ef) => (Route::Exact, Reason::Cheaper),
            Mode::Auto => (walk, Reason::Cheaper),
        };
        Plan {
            route,
            reason,
            n_allowed,
        }
    }

    /// How large it is.
    pub fn stats(&self) -> IndexStats {
        let covered = self
            .segments
            .last()
            .map_or(0, |segment| segment.span.rows().end);
        IndexStats {
            n_rows: self.rows.len(),
            n_segments: self.segments.len(),
            tail_rows: self.rows.len() - covered as usize,
            file_bytes: self
                .segments
                .iter()
                .map(|segment| segment.graph.file_bytes())
                .sum(),
        }
    }

    /// Why segments that the folder names are not used: one sentence each, with the file. The
    /// next [`update`] mends them.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    fn n_rows(&self) -> u32 {
        u32::try_from(self.rows.len()).expect("rows are numbered in 32 bits")
    }

    fn check(&self, query: &[f32]) -> Result<()> {
        let dim = self.rows.dim();
        if query.len() != dim {
            return Err(Error::SpaceMismatch {
                stored: format!("{dim} numbers a text"),
                given: format!("{}", query.len()),
            });
        }
        let square = dot(query, query);
        if square.is_finite() && square > 0.0 {
            return Ok(());
        }
        let what = "the query's embedding has no length or holds something that is no number";
        Err(Error::Encode {
            source: what.into(),
        })
    }

    /// Whether scanning the allowed rows costs less than walking the graphs. The tail is scanned
    /// either way.
    fn scan_is_cheaper(&self, n_allowed: usize, ef: usize) -> bool {
        let share = n_allowed as f64 / self.rows.len().max(1) as f64;
        let tail = self.stats().tail_rows as f64 * share;
        let candidates = ef as f64 * self.segments.len() as f64;
        n_allowed as f64 - tail <= ROWS_PER_CANDIDATE * candidates / share
    }

    /// The best rows that the graphs and the tail have; `None` if a walk would take more than
    /// `budget` nodes.
    fn walk(
        &self,
        query: &[f32],
        options: &SearchOptions,
        ef: usize,
        budget: usize,
    ) -> Result<Option<Best>> {
        let mut code = vec![0; code_bytes(query.len())];
        quantize(query, &mut code);
        let tail = self.n_rows() - self.stats().tail_rows as u32..self.n_rows();
        let mut best = scan(&self.rows, tail, query, options.allowed, options.k)?;
        let mut scorer = Scorer::new(&self.rows, query);
        for Segment { span, graph } in &self.segments {
            let allowed = |node: u32| {
                let row = Row(span.first + node).idx();
                options.allowed.is_none_or(|set| set.contains(row))
            };
            let Some(candidates) = walk::nearest(graph, &code, ef, budget, allowed) else {
                return Ok(None);
            };
            for node in candidates {
                best.push(scorer.score(span.first + node)?);
            }
        }
        Ok(Some(best))
    }
}
