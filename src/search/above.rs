//! Every paper above a percentile, for systematic reviews: not the first k, and not each work once.
//!
//! In: a query that is understood. Out: the rows of the papers, closest first; no record is read.
//!
//! Invariant: the papers are those that a search with the same
//! [`min_percentile`](super::Query::min_percentile) lets pass, duplicates among them.

use super::asked::Asked;
use super::hybrid::{Candidate, Finder};
use super::indexes::Indexes;
use super::query::{Matching, Query};
use super::ranking;
use super::request::Request;
use crate::error::Result;
use crate::index::Mode;
use crate::vectors::Row;

/// Every paper above a percentile.
#[derive(Debug)]
pub struct Above {
    /// The papers, closest first; equal ones in the order of their rows.
    pub papers: Vec<Close>,
    /// Number of papers that pass the filters and the conditions of the query.
    pub n_passing: usize,
    /// The indexes that were asked.
    pub matching: Matching,
    /// What could not be done as requested, as sentences.
    pub notes: Vec<String>,
}

/// A paper above a percentile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Close {
    /// The row of its embedding.
    pub row: Row,
    /// The cosine similarity.
    pub similarity: f32,
    /// As [`Hit::percentile`](super::Hit::percentile).
    pub percentile: Option<f64>,
}

impl Asked {
    /// Every paper that is at least as close as the query's least percentile asks, except the given
    /// ones. The query's target and `k` are ignored. Without percentiles all papers pass, and a note says
    /// so.
    ///
    /// # Errors
    /// As [`answer`](fn@super::answer).
    pub fn above(&self, indexes: &Indexes<'_>, query: &Query) -> Result<Above> {
        let query = Query {
            mode: Mode::Exact,
            ..query.clone()
        };
        let request = Request::new(indexes, self.vector(), self.words(), &query, self.given())?;
        let mut finder = Finder::new(&request)?;
        finder.exclude(self.given().iter().map(|given| (given.row, given.key)));
        let found = finder.find(request.n_papers.max(1))?;
        let n_passing = found.list.len();
        let n_unembedded = found.list.iter().filter(|c| c.row.is_none()).count();
        let close = |candidate: &Candidate| {
            Some(Close {
                row: candidate.row?,
                similarity: candidate.similarity,
                percentile: candidate.percentile,
            })
        };
        let is_close = |candidate: &&Candidate| candidate.is_close;
        let mut papers: Vec<Close> = found
            .list
            .iter()
            .filter(is_close)
            .filter_map(close)
            .collect();
        papers.sort_by(|a, b| {
            let closer = b.similarity.total_cmp(&a.similarity);
            closer.then(a.row.0.cmp(&b.row.0))
        });
        let mut notes = finder.notes;
        if n_unembedded > 0 {
            notes.push(format!(
                "{n_unembedded} papers with these words are not embedded yet, so they are left out; \
                 `akin embed-missing` embeds them"
            ));
        }
        notes.extend(ranking::why_unmeasured(&request, found.matching));
        Ok(Above {
            papers,
            n_passing,
            matching: found.matching,
            notes,
        })
    }
}
