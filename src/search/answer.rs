//! The result of a query: hits, and what could not be done as requested.

use super::facets::Facets;
use super::hybrid::Candidate;
use super::query::Matching;
use super::spelling::UnknownWord;
use crate::index::lexical::WordQuery;
use crate::paper::Paper;
use crate::vectors::Row;

/// One paper of an answer.
#[derive(Debug, Clone)]
pub struct Hit {
    /// 1 for the best.
    pub rank: usize,
    /// The score that ranks it; higher is better. Comparable within one answer.
    pub score: f32,
    /// The score of a cross-encoder for it and the query, if one was asked.
    pub rerank_score: Option<f32>,
    /// Cosine similarity to the query, at most 1; higher is closer. `None` if only words were
    /// asked, or the paper is not embedded yet.
    pub similarity: Option<f32>,
    /// Percentile of this similarity, 0 to 100; 99.98 is shown as "top 0.02 %". For a question it is
    /// among the similarities that questions have to papers of the library. For papers and long
    /// texts it is among random pairs of papers. `None` if words alone found the paper, or the library
    /// has too few papers.
    pub percentile: Option<f64>,
    /// Its rank by embedding, if it is among the candidates.
    pub dense_rank: Option<usize>,
    /// Its rank by words, if it is among the candidates.
    pub lexical_rank: Option<usize>,
    /// BM25 of the query's words; 0 if it has none of them. `None` if only the embeddings were
    /// asked.
    pub word_score: Option<f32>,
    /// Which indexes were asked for it.
    pub matching: Matching,
    /// The row of its embedding; `None` if it is not embedded yet.
    pub row: Option<Row>,
    /// The paper.
    pub paper: Paper,
    /// Papers that are the same work, and would have been hits below it.
    pub duplicates: Vec<Paper>,
}

/// The result of a query.
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
    /// Words of the question that no paper has, unless its meaning alone was asked for.
    pub unknown_words: Vec<UnknownWord>,
    /// What could not be done as requested, as sentences.
    pub notes: Vec<String>,
    /// The vector that was asked for, if one was; shape `[dim]`, normalised.
    pub vector: Option<Vec<f32>>,
    /// The words that were asked for.
    pub words: WordQuery,
}

/// What found a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// Its meaning.
    Meaning,
    /// Its words.
    Words,
    /// Its meaning and its words.
    Both,
}

/// Ranks that count as among the first, even for the best hits.
const FIRST_RANKS: usize = 10;

impl Hit {
    /// What found the paper: its meaning or its words, if these alone would have put it as high or
    /// among the first ten. If neither would, both have. `None` if only conditions were asked.
    pub fn found_by(&self) -> Option<FoundBy> {
        let is_first =
            |rank: Option<usize>| rank.is_some_and(|rank| rank <= self.rank.max(FIRST_RANKS));
        match self.matching {
            Matching::Dense => Some(FoundBy::Meaning),
            Matching::Lexical => {
                let has_words = self.word_score.is_some_and(|score| score > 0.0);
                has_words.then_some(FoundBy::Words)
            }
            // What is not embedded has no meaning yet.
            Matching::Hybrid if self.similarity.is_none() => Some(FoundBy::Words),
            Matching::Hybrid => Some(
                match (is_first(self.dense_rank), is_first(self.lexical_rank)) {
                    (true, false) => FoundBy::Meaning,
                    (false, true) => FoundBy::Words,
                    _ => FoundBy::Both,
                },
            ),
        }
    }

    /// A candidate as a hit, whose rank is still to be given.
    pub(super) fn new(candidate: &Candidate, matching: Matching, score: f32, paper: Paper) -> Hit {
        Hit {
            rank: 0,
            score,
            rerank_score: None,
            similarity: (matching != Matching::Lexical && candidate.row.is_some())
                .then_some(candidate.similarity),
            percentile: candidate.percentile,
            dense_rank: candidate.dense_rank,
            lexical_rank: candidate.lexical_rank,
            word_score: (matching != Matching::Dense).then_some(candidate.word_score),
            matching,
            row: candidate.row,
            paper,
            duplicates: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::PaperId;

    #[test]
    fn what_would_be_as_high_alone_has_found_it() {
        let paper = Paper::new(PaperId::from_title("Any"), "Any", "");
        let check = |matching, rank, dense_rank, lexical_rank, expected| {
            let candidate = Candidate {
                dense_rank,
                lexical_rank,
                ..super::super::hybrid::tests::candidates(&[(0.5, 1.0)]).remove(0)
            };
            let mut hit = Hit::new(&candidate, matching, 1.0, paper.clone());
            hit.rank = rank;
            assert_eq!(hit.found_by(), expected, "{hit:?}");
        };
        use FoundBy::{Both, Meaning, Words};
        let hybrid = Matching::Hybrid;
        check(hybrid, 1, Some(1), Some(1), Some(Both));
        check(hybrid, 1, Some(10), Some(11), Some(Meaning));
        check(hybrid, 9, None, Some(3), Some(Words));
        check(hybrid, 4, Some(40), Some(50), Some(Both));
        check(hybrid, 45, Some(40), Some(50), Some(Meaning));
        check(Matching::Dense, 1, Some(1), None, Some(Meaning));
        check(Matching::Lexical, 1, None, Some(1), Some(Words));
    }
}
