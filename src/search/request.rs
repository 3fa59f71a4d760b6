//! A query that is understood: what every stage of a ranking works with.

use super::indexes::Indexes;
use super::query::Query;
use super::work::Given;
use crate::error::Result;
use crate::index::lexical::WordQuery;

/// Candidates of each index that are looked at, at least.
pub(super) const DEPTH: usize = 200;

/// A query with its vector and its words.
pub(super) struct Request<'a> {
    pub(super) indexes: &'a Indexes<'a>,
    /// The query vector, shape `[dim]`, unit length; `None` if only words or conditions are asked.
    pub(super) vector: Option<&'a [f32]>,
    pub(super) words: &'a WordQuery,
    pub(super) query: &'a Query,
    /// Papers that the query gives, which are not hits.
    pub(super) given: &'a [Given],
    /// Hits to return: the query's number, at most one a paper.
    pub(super) k: usize,
    /// Candidates that are looked at to choose from: [`DEPTH`], or k if that is more.
    pub(super) depth: usize,
    /// At least the number of papers that can be found.
    pub(super) n_papers: usize,
}

impl<'a> Request<'a> {
    /// # Errors
    /// As [`Library::rows`](crate::library::Library::rows).
    pub(super) fn new(
        indexes: &'a Indexes<'a>,
        vector: Option<&'a [f32]>,
        words: &'a WordQuery,
        query: &'a Query,
        given: &'a [Given],
    ) -> Result<Request<'a>> {
        let n_rows = indexes.library.rows()?.len();
        let lexical = indexes.lexical.as_ref();
        let n_papers = n_rows + lexical.map_or(0, |lexical| lexical.n_papers() as usize);
        Ok(Request {
            indexes,
            vector,
            words,
            query,
            given,
            k: query.k.min(n_papers),
            depth: query.k.clamp(DEPTH, n_papers.max(DEPTH)),
            n_papers,
        })
    }
}
