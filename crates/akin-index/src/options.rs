//! What callers say about an index and what it says about itself: how it is built and searched, what a
//! search finds, how large it is.

use fixedbitset::FixedBitSet;

use akin_base::vectors::Row;

/// How a graph is built, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexOptions {
    /// Half of the links of a node; 2 to 128, and the nearest of these where it is neither.
    pub m: usize,
    /// Candidates among which a new node's links are chosen.
    pub ef_construction: usize,
    /// Rows from which a segment gets a graph: scanning the codes of fewer takes as long.
    pub graph_from: usize,
    /// Rows that a tail may hold before it becomes a segment.
    pub tail_max: usize,
    /// Threads that build; 0 is one a core. Any number of them builds the same bytes.
    pub threads: usize,
}

impl Default for IndexOptions {
    fn default() -> IndexOptions {
        IndexOptions {
            m: 16,
            ef_construction: 200,
            graph_from: 16_384,
            tail_max: 2_048,
            threads: 0,
        }
    }
}

impl IndexOptions {
    /// The default, except that every row is put in a graph, however few there are.
    pub fn eager() -> IndexOptions {
        IndexOptions {
            graph_from: 1,
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
    /// Segments.
    pub n_segments: usize,
    /// Rows of the segments that have a graph; the others' codes are scanned.
    pub graph_rows: usize,
    /// Rows past the last segment, compared one by one by every search.
    pub tail_rows: usize,
    /// Bytes of the segments' files.
    pub file_bytes: u64,
}
