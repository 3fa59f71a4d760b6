//! From a query to hits.
//!
//! ```text
//! text ──► embedding ─┐
//!                     ├──► rows ──► papers ──► hits
//! ids  ──► centroid ──┘    index    library
//! ```
//!
//! In: a [`Library`], its [`Index`] and a [`Query`]. Out: an [`Answer`]: papers, closest first,
//! with the cosine similarity of the stored embeddings.
//!
//! Invariants: min(k, papers that pass the filter and may be returned) hits; equal similarities
//! are ordered by paper id; related papers never hold a given paper, and duplicates of one are
//! left out and counted.

mod related;

use std::fmt;

use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::index::{Index, Mode, Neighbor, SearchOptions};
use crate::library::{Filter, Library};
use crate::paper::Paper;
use crate::vectors::{self, Row};

pub use self::related::DUPLICATE_SIMILARITY;

/// What is searched for, and how.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// What hits are to be like.
    pub target: Target,
    /// How many hits are wanted.
    pub k: usize,
    /// Which papers may be found.
    pub filter: Filter,
    /// Exact scan, graph, or whichever is better.
    pub mode: Mode,
    /// Candidates that the graph's walk keeps; the index's default where `None`.
    pub ef_search: Option<usize>,
}

/// What hits are to be like.
#[derive(Debug, Clone)]
pub enum Target {
    /// A sentence or a draft.
    Text(String),
    /// Papers of the library, by any spelling of their ids.
    Papers {
        /// Papers to be close to.
        like: Vec<String>,
        /// Papers to be away from.
        unlike: Vec<String>,
        /// How much either counts.
        weights: Rocchio,
    },
}

/// How much the papers to be close to count against those to be away from, each of the two taken
/// as their mean: Rocchio's β and γ. Only their ratio matters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rocchio {
    /// Weight of the papers to be close to.
    pub like: f32,
    /// Weight of the papers to be away from.
    pub unlike: f32,
}

impl Default for Rocchio {
    fn default() -> Rocchio {
        Rocchio {
            like: 1.0,
            unlike: 0.5,
        }
    }
}

impl Default for Target {
    fn default() -> Target {
        Target::Text(String::new())
    }
}

/// One paper of an answer.
#[derive(Debug, Clone)]
pub struct Hit {
    /// 1 for the closest.
    pub rank: usize,
    /// Cosine similarity to the query, at most 1; higher is closer.
    pub similarity: f32,
    /// The row of its embedding.
    pub row: Row,
    /// The paper.
    pub paper: Paper,
}

/// What a query came to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The hits, closest first.
    pub hits: Vec<Hit>,
    /// Papers left out as duplicates of the given ones.
    pub left_out: Vec<Paper>,
    /// How the index was searched, in words.
    pub plan: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Text(text) => f.write_str(text),
            Target::Papers { like, unlike, .. } => {
                f.write_str(&like.join(" "))?;
                unlike.iter().try_for_each(|id| write!(f, " --not {id}"))
            }
        }
    }
}

/// Answers a query. Only a query by text wants an encoder.
///
/// # Errors
/// [`Error::EmptyQuery`], also for a text without an encoder; [`Error::UnknownPaper`],
/// [`Error::NoDirection`], [`Error::LibraryEmpty`], and what the encoder, the index and the library
/// fail with.
pub fn answer(
    library: &Library,
    index: &Index,
    encoder: Option<&Encoder>,
    query: &Query,
) -> Result<Answer> {
    match &query.target {
        Target::Text(text) => {
            let mut vector = encoder.ok_or(Error::EmptyQuery)?.embed_query(text)?;
            vectors::normalize(&mut vector);
            similar(library, index, &vector, query)
        }
        Target::Papers {
            like,
            unlike,
            weights,
        } => {
            let target = related::target(library, like, unlike, *weights)?;
            related::answer(library, index, &target, query)
        }
    }
}

/// The papers closest to a vector of the library's space, shape `[dim]`, normalised.
///
/// # Errors
/// As [`answer`].
pub fn similar(library: &Library, index: &Index, vector: &[f32], query: &Query) -> Result<Answer> {
    let (found, plan) = nearest(library, index, vector, query, query.k)?;
    let mut hits = found;
    hits.truncate(query.k);
    Ok(Answer {
        hits,
        left_out: Vec::new(),
        plan,
    })
}

/// At least `k` papers closest to a vector, as far as so many pass the filter, best first.
fn nearest(
    library: &Library,
    index: &Index,
    vector: &[f32],
    query: &Query,
    k: usize,
) -> Result<(Vec<Hit>, String)> {
    let allowed = library.allowed(&query.filter)?;
    let options = SearchOptions {
        k,
        mode: query.mode,
        ef_search: query.ef_search,
        allowed: allowed.as_ref(),
    };
    let plan = index.plan(&options).to_string();
    let neighbors = index.search(vector, &options)?;
    Ok((hits_of(library, &neighbors)?, plan))
}

/// Turns rows into ranked papers; ties are ordered by id.
fn hits_of(library: &Library, neighbors: &[Neighbor]) -> Result<Vec<Hit>> {
    let hit = |neighbor: &Neighbor| {
        Ok(Hit {
            rank: 0,
            similarity: neighbor.similarity.min(1.0),
            row: neighbor.row,
            paper: library.paper_at(neighbor.row)?,
        })
    };
    let mut hits: Vec<Hit> = neighbors.iter().map(hit).collect::<Result<_>>()?;
    hits.sort_by(|a, b| {
        let closer = b.similarity.total_cmp(&a.similarity);
        closer.then_with(|| a.paper.id.cmp(&b.paper.id))
    });
    rank(&mut hits);
    Ok(hits)
}

fn rank(hits: &mut [Hit]) {
    for (idx, hit) in hits.iter_mut().enumerate() {
        hit.rank = idx + 1;
    }
}
