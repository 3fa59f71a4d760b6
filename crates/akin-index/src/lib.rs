//! Finds the rows of a space that are nearest to a query.
//!
//!
//! In: a [`RowFile`] and a folder for what is built from it. Out: [`Neighbor`]s with exact similarities.
//!
//! A [`Plan`] says how rows are found. Rows that no segment covers (the *tail*) are always compared one by
//! one. A segment is walked along its graph. If it has no graph, or if few rows are allowed, its codes are
//! scanned instead (`exact`). Walks and scans give candidates, which are then compared by their stored
//! rows. A scan finds every hit; a walk misses one now and then.
//!
//! ```text
//! update:  rows ──► codes ──► hnsw, attach ──► file ──► manifest              (segments)
//! search:  query ──► plan ──┬─► walk of each graph ──┬─► rows compared ──► best
//!                           ├─► scan of codes ───────┤
//!                           └─► the tail ────────────┘
//! ```
//!
//! Invariants: the folder can be built again at any time. A segment that cannot be trusted is left out and
//! its rows are compared one by one, so no answer is wrong. A search returns at least min(k, allowed rows)
//! rows, all of them allowed. The library knows which paper a row belongs to; the caller orders papers that
//! tie.

mod attach;
mod background;
mod best;
mod build;
mod checked;
mod codes;
mod exact;
mod files;
mod format;
mod freeze;
mod graph;
mod hnsw;
mod kernels;
pub mod lexical;
mod memory;
mod mend;
mod options;
mod plan;
mod questions;
mod segments;
mod span;
mod stored;
#[cfg(test)]
mod testdata;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use akin_base::error::{Error, Result};
use akin_base::vectors::{Row, RowFile, dot};
pub use background::Background;
pub use background::LEAST_ROWS as LEAST_ROWS_WITH_BACKGROUND;
use best::Best;
use checked::Damage;
use exact::{RowBound, SegmentSearch, rescore, scan, scan_codes};
use kernels::Isa;
pub use options::{IndexOptions, IndexStats, Mode, Neighbor, SearchOptions};
pub use plan::{Plan, PlanReason, Route};
use questions::QuestionBackground;
pub use segments::update;
use segments::{OpenSegments, Segment, stats_of};
use walk::{Limits, WalkScratch};

/// Default number of candidates that a walk keeps. On 100,000 abstracts recall@10 is 0.988 with 40, 0.995
/// with 64 and 0.999 with 128.
const EF_SEARCH: usize = 128;

/// Cost of one candidate of a walk, in rows whose codes one thread scans in the same time. A walk pays it
/// once for each of its `ef` candidates, and once more for each node that it visits to find an allowed one.
/// Measured with 100,000 abstracts: 20 ns a row on two threads. A walk with `ef` 128 takes 0.25 ms, 0.50 ms
/// if half of the rows are allowed, 1.4 ms if a tenth is. Only the planner's choice depends on it.
const ROWS_PER_CANDIDATE: f64 = 24.0;

/// Threads up to which a scan gets faster; with more, it waits for memory.
const SCAN_THREADS: usize = 4;

/// The rows of a space, ready to be searched.
#[derive(Debug)]
pub struct Index {
    rows: Arc<RowFile>,
    segments: Vec<Segment>,
    background: Option<Background>,
    questions: QuestionBackground,
    doubts: Vec<String>,
    isa: Isa,
    /// Buffers of walks, each lent to one walk at a time.
    scratches: Mutex<Vec<WalkScratch>>,
}

impl Index {
    /// Opens the index in the folder `dir` for the rows of the space marked `space`. The cost does not
    /// depend on the number of rows.
    ///
    /// A missing folder is an index without segments. Nothing in the folder can make this fail: files that
    /// cannot be trusted are left out and named in [`Index::doubts`].
    pub fn open(dir: &Path, space: &[u8; 32], rows: Arc<RowFile>) -> Index {
        let OpenSegments {
            segments,
            mut doubts,
        } = OpenSegments::read(dir, space, &rows);
        let background = Background::read(dir, space);
        let background = background.unwrap_or_else(|doubt| {
            doubts.push(doubt);
            None
        });
        let questions = QuestionBackground::open(dir, space, rows.len());
        Index {
            rows,
            segments,
            background,
            questions,
            doubts,
            isa: Isa::detect(),
            scratches: Mutex::new(Vec::new()),
        }
    }

    /// Finds the rows most similar to `query`, shape `[dim]`: best first, ties by row number. Returns at
    /// least min(k, allowed rows) rows, and more only if they tie with the k-th.
    ///
    /// # Errors
    /// - [`Error::SpaceMismatch`] if the query has another dim than the rows.
    /// - [`Error::Encode`] if its length is 0 or one of its numbers is not finite.
    /// - [`Error::Damaged`] if a row that is compared is damaged.
    pub fn search(&self, query: &[f32], options: &SearchOptions) -> Result<Vec<Neighbor>> {
        self.check(query)?;
        let plan = self.plan(options);
        let wanted = options.k.min(plan.n_allowed);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let options = &SearchOptions {
            k: wanted,
            ..*options
        };
        let mut best = self.scan_rows(self.tail(), query, options)?;
        let mut candidates = Vec::new();
        for segment in &self.segments {
            match self.candidates(segment, query, options, &plan) {
                Ok(found) => candidates.extend(found),
                Err(Damage) => {
                    segment.distrust();
                    let rows = self.scan_rows(segment.span.rows(), query, options)?;
                    best = best.merge(rows);
                }
            }
        }
        rescore(&self.rows, query, candidates, &mut best)?;
        if best.len() < wanted {
            best = self.scan_rows(0..self.n_rows(), query, options)?;
        }
        Ok(best.into_sorted())
    }

    /// Says how [`Index::search`] finds rows with these options, and why.
    pub fn plan(&self, options: &SearchOptions) -> Plan {
        let n_rows = self.rows.len();
        let n_allowed = options
            .allowed
            .map_or(n_rows, |set| set.count_ones(..n_rows.min(set.len())));
        let ef = options
            .ef_search
            .unwrap_or(EF_SEARCH.max(options.k.saturating_mul(2)));
        let ef = ef.max(options.k).clamp(1, n_rows.max(1));
        let walk = Route::Graph { ef };
        let has_graph = self.graphs().next().is_some();
        let (route, reason) = match options.mode {
            _ if !has_graph => (Route::Exact, PlanReason::NoGraph),
            Mode::Exact => (Route::Exact, PlanReason::Asked),
            Mode::Graph => (walk, PlanReason::Asked),
            Mode::Auto if self.scan_is_cheaper(n_allowed, ef) => {
                (Route::Exact, PlanReason::Cheaper)
            }
            Mode::Auto => (walk, PlanReason::Cheaper),
        };
        Plan {
            route,
            reason,
            n_allowed,
        }
    }

    /// The distribution of similarities between random rows, if it has been computed.
    pub fn background(&self) -> Option<&Background> {
        self.background.as_ref()
    }

    /// The distribution of similarities between questions and rows, if it has been made
    /// ([`Index::make_questions_background`]).
    pub fn questions_background(&self) -> Option<&Background> {
        self.questions.background()
    }

    /// The rows whose titles [`Index::make_questions_background`] needs; none if there is nothing to make.
    pub fn rows_asked_as_questions(&self) -> Vec<Row> {
        self.questions.rows()
    }

    /// Makes [`Index::questions_background`] of titles, each with its row and its embedding as a query:
    /// shape `[dim]`, unit length. It is kept in the folder if that can be written.
    pub fn make_questions_background(&self, titles: &[(Row, Vec<f32>)]) {
        self.questions.make(titles, &self.rows);
    }

    /// Counts rows, segments and bytes.
    pub fn stats(&self) -> IndexStats {
        stats_of(&self.segments, self.rows.len())
    }

    /// Whether [`Index::background`] is missing although there are enough rows for one.
    pub fn lacks_background(&self) -> bool {
        self.background.is_none() && self.rows.len() >= LEAST_ROWS_WITH_BACKGROUND
    }

    /// Why files of the folder are not used: one sentence each, with the file's name. A search that meets
    /// damage answers from the rows and adds to this list; the next [`update`] repairs the folder.
    pub fn doubts(&self) -> Vec<String> {
        let met = self.segments.iter().filter_map(Segment::doubt);
        self.doubts.iter().cloned().chain(met).collect()
    }

    /// Reads every byte of every segment and compares its codes with its rows. Afterwards [`Index::doubts`]
    /// is complete.
    pub fn verify(&self) {
        self.segments
            .iter()
            .for_each(|segment| segment.verify(&self.rows));
    }

    fn n_rows(&self) -> u32 {
        u32::try_from(self.rows.len()).expect("rows are numbered in 32 bits")
    }

    /// The segments that have a graph.
    fn graphs(&self) -> impl Iterator<Item = &Segment> {
        self.segments
            .iter()
            .filter(|segment| segment.stored.has_links())
    }

    /// The rows past the last segment.
    fn tail(&self) -> Range<u32> {
        let covered = self.segments.last();
        covered.map_or(0, |segment| segment.span.rows().end)..self.n_rows()
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
        let what = "the query's embedding has length 0 or a number that is not finite";
        Err(Error::Encode {
            source: what.into(),
        })
    }

    /// Whether scanning the allowed rows costs less than walking the graphs. Segments without a graph are
    /// scanned either way.
    fn scan_is_cheaper(&self, n_allowed: usize, ef: usize) -> bool {
        let share = n_allowed as f64 / self.rows.len().max(1) as f64;
        let threads = rayon::current_num_threads().min(SCAN_THREADS) as f64;
        let candidate = threads * ROWS_PER_CANDIDATE * (1.0 + 1.0 / share);
        let (mut scan, mut walk) = (0.0, 0.0);
        for segment in self.graphs() {
            scan += f64::from(segment.span.n_rows) * share;
            walk += candidate * ef as f64;
        }
        scan <= walk
    }

    fn scan_rows(&self, rows: Range<u32>, query: &[f32], options: &SearchOptions) -> Result<Best> {
        scan(&self.rows, rows, query, options.allowed, options.k)
    }

    /// The rows of a segment that can be among the best, found as the plan says.
    fn candidates(
        &self,
        segment: &Segment,
        query: &[f32],
        options: &SearchOptions,
        plan: &Plan,
    ) -> std::result::Result<Vec<RowBound>, Damage> {
        if segment.doubt().is_some() {
            return Err(Damage);
        }
        let field = SegmentSearch::new(segment, query, options.allowed)?;
        if let Route::Graph { ef } = plan.route
            && segment.stored.has_links()
        {
            // A node costs a walk about three times what a row costs a scan: one that a filter
            // leads astray is given up when it has cost half as much again as it was to spare.
            let budget = match options.mode {
                Mode::Auto => plan.n_allowed / 2,
                Mode::Exact | Mode::Graph => usize::MAX,
            };
            if let Some(found) = self.walk(&field, &Limits { ef, budget })? {
                return Ok(found);
            }
        }
        scan_codes(&field, self.isa, options.k)
    }

    /// What a walk finds in a segment; `None` if it was given up.
    fn walk(
        &self,
        field: &SegmentSearch,
        limits: &Limits,
    ) -> std::result::Result<Option<Vec<RowBound>>, Damage> {
        let lent = self.scratches.lock().ok().and_then(|mut free| free.pop());
        let mut scratch = lent.unwrap_or_default();
        let graph = field.segment.stored.graph();
        let allowed = |node| field.allows(node);
        let kept = scratch.walk(&graph, &field.query, self.isa, limits, allowed)?;
        let candidate = |(node, product)| field.candidate(node, product);
        let found = kept.then(|| scratch.found().map(candidate).collect());
        if let Ok(mut free) = self.scratches.lock() {
            free.push(scratch);
        }
        Ok(found)
    }
}
