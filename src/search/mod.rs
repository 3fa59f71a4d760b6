//! From a query to hits.
//!
//! ```text
//!        ┌──► embedding ──► nearest rows ──┐
//! text ──┤                                 ├──► one order ──► papers ──► hits
//!        └──► words ──────► BM25 ──────────┘    `ranking`     library
//! papers, draft ──► centroid and words of these ──► the same
//! ```
//!
//! What a cross-encoder makes of the first hits can order them anew ([`answer_reranked`], `rerank`).
//!
//! In: a library with its [`Indexes`] and a [`Query`]. Out: an [`Answer`]: papers, best first, with
//! the cosine similarity of the stored embeddings.
//!
//! Invariants: min(k, papers that pass the filter and may be returned) hits; equal scores are ordered
//! by paper id; related papers never hold a given paper; duplicates of one are left out and counted,
//! and those of a better hit are folded into it, unless they are asked for.

mod asked;
mod closeness;
mod explain;
mod facets;
mod fusion;
mod hybrid;
mod nothing;
mod preference;
mod ranking;
mod related;
mod rerank;
mod work;

use std::fmt;

use crate::encoder::Encoder;
use crate::error::Result;
use crate::index::lexical::{Lexical, WordQuery};
use crate::index::{Index, Mode};
use crate::library::{Filter, Library};
use crate::paper::Paper;
use crate::vectors::Row;

pub use self::asked::{Asked, Weighed, Weight};
pub use self::explain::{Explanation, explain};
pub use self::facets::Facets;
pub use self::nothing::of_filter as nothing_passes;
pub use self::rerank::{RERANK_DEPTH, answer_reranked, rerank};
pub use self::work::DUPLICATE_SIMILARITY;
pub(crate) use self::work::Work;

/// What is searched.
#[derive(Debug)]
pub struct Indexes<'a> {
    /// The papers and their embeddings.
    pub library: &'a Library,
    /// The index of the embeddings.
    pub index: &'a Index,
    /// The index of the words, or in words why there is none.
    pub lexical: std::result::Result<&'a Lexical, String>,
}

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
    /// What hits are to be like.
    pub target: Target,
    /// How many hits are wanted. More than there are papers is all of them.
    pub k: usize,
    /// Which papers may be found.
    pub filter: Filter,
    /// Which index finds papers.
    pub matching: Matching,
    /// Exact scan, graph, or whichever is better.
    pub mode: Mode,
    /// Whether duplicates of the papers that are given, and of a better hit, are hits.
    pub keeps_duplicates: bool,
    /// The least percentile of a hit ([`Hit::percentile`]). Where there are no percentiles, or words
    /// alone find papers, all pass, and a note says so.
    pub min_percentile: Option<f64>,
    /// How much hits are to be unlike one another: from 0, not at all, to 1, where nothing else counts.
    pub diversity: f32,
    /// In how many days the score of a paper halves; it does not where `None`.
    pub half_life_days: Option<f32>,
    /// Whether the best papers are counted by what they have in common.
    pub with_facets: bool,
    /// Candidates that the graph's walk keeps; the index's default where `None`.
    pub ef_search: Option<usize>,
}

/// What hits are to be like.
#[derive(Debug, Clone)]
pub enum Target {
    /// A question as a person writes it, with or without conditions ([`WordQuery::parse`]).
    Text(String),
    /// A text, every word of which is a word.
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
    /// 1 for the best.
    pub rank: usize,
    /// By what it is ranked; higher is better. Comparable within one answer.
    pub score: f32,
    /// What a cross-encoder made of it and the question, if one was asked.
    pub rerank_score: Option<f32>,
    /// Cosine similarity to the query, at most 1; higher is closer. `None` where only words were asked.
    pub similarity: Option<f32>,
    /// Of 100 pairs of papers of the library, so many are less close than this paper is to the query:
    /// 99.98 is "top 0.02 %". `None` where words alone were asked, or
    /// there are too few papers.
    pub percentile: Option<f64>,
    /// Its place among the nearest, if it is among those that were looked at.
    pub dense_rank: Option<usize>,
    /// Its place among those that have the words, if it is among those that were looked at.
    pub lexical_rank: Option<usize>,
    /// BM25 of the query's words; 0 where it has none of them. `None` where only the embeddings were
    /// asked.
    pub word_score: Option<f32>,
    /// Which indexes were asked for it.
    pub matching: Matching,
    /// The row of its embedding.
    pub row: Row,
    /// The paper.
    pub paper: Paper,
    /// Papers that are the same work, and would have been hits below it.
    pub duplicates: Vec<Paper>,
}

/// What a query came to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The hits, closest first.
    pub hits: Vec<Hit>,
    /// Where there are no hits, which filter or condition lets nothing through, in words.
    pub nothing: Option<String>,
    /// Papers left out as duplicates of the given ones.
    pub left_out: Vec<Paper>,
    /// What the best papers have in common, if that was asked for.
    pub facets: Option<Facets>,
    /// The similarity of the nearest paper, if there was something to be near to.
    pub nearest: Option<f32>,
    /// Whether nothing in the library is close to the text that was asked for: its hits are the nearest,
    /// and far.
    pub is_far: bool,
    /// How the index was searched, in words.
    pub plan: String,
    /// What could not be done as it was asked for, in words.
    pub notes: Vec<String>,
    /// The vector that was asked for, if one was; shape `[dim]`, normalised.
    pub vector: Option<Vec<f32>>,
    /// The words that were asked for.
    pub words: WordQuery,
}

impl Query {
    /// Whether hits are to be unlike one another.
    fn is_diverse(&self) -> bool {
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

impl<'a> Indexes<'a> {
    /// A library with the index of its embeddings only.
    pub fn dense(library: &'a Library, index: &'a Index) -> Indexes<'a> {
        Indexes {
            library,
            index,
            lexical: Err("it was not asked for".to_owned()),
        }
    }
}

/// Answers a query. Only a query by text wants an encoder, unless its words alone are to find papers,
/// and one with a draft.
///
/// # Errors
/// `EmptyQuery`, also for a text without an encoder; `UnknownPaper`, `NoDirection`, `LibraryEmpty`,
/// `LexicalDoubt` where the words are needed, all of [`Error`](crate::Error); and what the encoder, the
/// index and the library fail with.
pub fn answer(indexes: &Indexes<'_>, encoder: Option<&Encoder>, query: &Query) -> Result<Answer> {
    let asked = Asked::of(indexes, encoder, &query.target, query.matching)?;
    let mut answer = asked.answer(indexes, query)?;
    if let (Some(encoder), true) = (encoder, asked.is_text()) {
        answer.is_far = closeness::is_far(indexes, encoder, &answer)?;
    }
    Ok(answer)
}

/// The papers most similar to a text of which the vector in the library's space, shape `[dim]`,
/// normalised, and the words are given.
///
/// # Errors
/// As [`answer`].
pub fn similar(
    indexes: &Indexes<'_>,
    vector: Option<&[f32]>,
    words: &WordQuery,
    query: &Query,
) -> Result<Answer> {
    ranking::answer(indexes, vector, words, query, &[])
}
