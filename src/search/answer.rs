//! What a query came to: hits, and what could not be done as it was asked for.

use super::facets::Facets;
use super::query::Matching;
use crate::index::lexical::WordQuery;
use crate::paper::Paper;
use crate::vectors::Row;

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
    /// Percentile of this similarity among random pairs of papers of the library, 0 to 100; 99.98 is
    /// shown as "top 0.02 %". `None` where words alone found the paper, or the library has too few.
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
    /// If there are no hits, which filter or condition excludes every paper, as a sentence.
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
    /// How the index was searched, as a sentence.
    pub plan: String,
    /// What could not be done as requested, as sentences.
    pub notes: Vec<String>,
    /// The vector that was asked for, if one was; shape `[dim]`, normalised.
    pub vector: Option<Vec<f32>>,
    /// The words that were asked for.
    pub words: WordQuery,
}
