//! The public types of the index: options of building and searching, hits, counts.

use fixedbitset::FixedBitSet;

use akin_base::vectors::Row;

/// How and when graphs are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexOptions {
    /// Half the number of links of a node, clamped to 2..=128.
    pub m: usize,
    /// Number of candidates from which a new node's links are chosen.
    pub ef_construction: usize,
    /// Segments with fewer rows get no graph: scanning their codes takes as long as walking one.
    pub graph_from: usize,
    /// Number of rows at which the tail becomes a segment.
    pub tail_max: usize,
    /// Threads to build with; 0 means one per core. The bytes do not depend on it.
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
    /// The default, but every row is put in a graph, even if there are few.
    pub fn eager() -> IndexOptions {
        IndexOptions {
            graph_from: 1,
            tail_max: 1,
            ..IndexOptions::default()
        }
    }
}

/// How rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// By the way that is expected to cost less.
    #[default]
    Auto,
    /// By comparing every allowed row: finds every hit.
    Exact,
    /// By walking the graphs, even if a scan would cost less.
    Graph,
}

/// Options of a search.
#[derive(Debug, Clone, Copy)]
pub struct SearchOptions<'a> {
    /// Number of rows to return.
    pub k: usize,
    /// How rows are found.
    pub mode: Mode,
    /// Candidates kept in the walk of a graph, at least `k`: more of them find more and take longer. `None`
    /// means the default.
    pub ef_search: Option<usize>,
    /// The rows that may be returned; `None` allows all.
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

/// A row and its similarity to the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// The row.
    pub row: Row,
    /// Dot product of the query and the stored row: the cosine if both have length 1. Higher is closer.
    pub similarity: f32,
}

/// The size of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexStats {
    /// Rows that can be found.
    pub n_rows: usize,
    /// Segments.
    pub n_segments: usize,
    /// Rows in segments with a graph; the codes of the others are scanned.
    pub graph_rows: usize,
    /// Rows past the last segment, compared one by one by every search.
    pub tail_rows: usize,
    /// Size of the segments' files in bytes.
    pub file_bytes: u64,
}
