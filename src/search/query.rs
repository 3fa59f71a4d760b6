//! What is searched for, and how.

use std::fmt;

use crate::index::Mode;
use crate::library::Filter;
use crate::paper::Paper;

/// Which index finds papers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Matching {
    /// Both, their scores joined.
    #[default]
    Hybrid,
    /// That of the embeddings.
    Dense,
    /// That of the words.
    Lexical,
}

/// What is searched for, and how.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// What hits should be like.
    pub target: Target,
    /// Number of hits to return. A number above the library's size means all papers.
    pub k: usize,
    /// Which papers may be found.
    pub filter: Filter,
    /// Which index finds papers.
    pub matching: Matching,
    /// Exact scan, graph, or whichever is better.
    pub mode: Mode,
    /// Whether duplicates of the papers that are given, and of a better hit, are hits.
    pub keeps_duplicates: bool,
    /// The least percentile of a hit ([`Hit::percentile`](super::Hit::percentile)). Without
    /// percentiles, or if words alone find papers, all pass, and a note says so.
    pub min_percentile: Option<f64>,
    /// How different hits should be from one another: from 0, not at all, to 1, where nothing else
    /// counts.
    pub diversity: f32,
    /// Half-life of a paper's score, in days; `None` for no decay.
    pub half_life_days: Option<f32>,
    /// Whether to count what the best papers have in common.
    pub with_facets: bool,
    /// Candidates that the graph search keeps (`ef_search`); `None` for the index's default.
    pub ef_search: Option<usize>,
}

/// What hits should be like.
#[derive(Debug, Clone)]
pub enum Target {
    /// A question as a person writes it, with or without conditions ([`WordQuery::parse`](crate::index::lexical::WordQuery::parse)).
    Text(String),
    /// A text in which every word is just a word: no conditions are parsed.
    Plain(String),
    /// Papers.
    Papers {
        /// Papers of the library to be close to, by any spelling of their ids.
        like: Vec<String>,
        /// A paper to be close to that need not be in the library, such as a draft.
        draft: Option<Box<Paper>>,
        /// Papers to be away from.
        unlike: Vec<String>,
        /// How much either counts.
        weights: Rocchio,
    },
}

/// Weights of the papers to be close to and of those to be away from, each group taken as its mean:
/// Rocchio's β and γ. Only their ratio matters.
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

impl Query {
    /// Whether hits should differ from one another.
    pub(super) fn is_diverse(&self) -> bool {
        self.diversity > 0.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Text(text) | Target::Plain(text) => f.write_str(text),
            Target::Papers {
                like,
                draft,
                unlike,
                ..
            } => {
                let titles = draft.iter().map(|draft| &draft.title);
                let like: Vec<&str> = like.iter().chain(titles).map(String::as_str).collect();
                f.write_str(&like.join(" "))?;
                unlike.iter().try_for_each(|id| write!(f, " --not {id}"))
            }
        }
    }
}
