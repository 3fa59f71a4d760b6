//! From candidates to hits.
//!
//! ```text
//! candidates ──► scores, in order ──► hits, duplicates folded ──► answer
//!   hybrid         order               choose
//! ```
//!
//! Invariant: min(k, papers that may be returned) hits. Where duplicates and papers that are not close
//! enough leave too few, the search goes deeper.

use tracing::debug;

use super::answer::Answer;
use super::choose::choose;
use super::facets::Facets;
use super::hybrid::Finder;
use super::indexes::Indexes;
use super::order::order;
use super::query::{Matching, Query};
use super::request::Request;
use super::{closeness, nothing};
use crate::error::Result;
use crate::index::lexical::WordQuery;

/// Candidates beyond k if the nearest papers are the answer: some may be duplicates.
const SPARE: usize = 8;

/// Ranks papers for a query vector (shape `[dim]`, unit length) and its words.
///
/// # Errors
/// As [`answer`](fn@super::answer).
pub fn similar(
    indexes: &Indexes<'_>,
    vector: Option<&[f32]>,
    words: &WordQuery,
    query: &Query,
) -> Result<Answer> {
    answer(&Request::new(indexes, vector, words, query, &[])?)
}

/// Ranks papers for a request; the given papers and their duplicates are not hits.
pub(super) fn answer(request: &Request<'_>) -> Result<Answer> {
    let mut finder = Finder::new(request)?;
    finder.exclude(request.given.iter().map(|given| (given.row, given.key)));
    let mut depth = first_depth(request, finder.matching());
    let mut left_out = Vec::new();
    let (found, ranked, chosen) = loop {
        let found = finder.find(depth)?;
        let ranked = order(request, &found)?;
        let mut chosen = choose(request, &found, &ranked)?;
        if !chosen.like_given.is_empty() {
            // The scores of the others must not depend on them either.
            finder.exclude(chosen.like_given.iter().map(|found| (found.row, found.key)));
            left_out.extend(chosen.like_given.drain(..).map(|found| found.paper));
        } else if chosen.hits.len() < request.k && depth < request.n_papers && found.may_hold_more {
            depth = (2 * depth).min(request.n_papers);
        } else {
            break (found, ranked, chosen);
        }
    };
    let facets = request
        .query
        .with_facets
        .then(|| Facets::of_best(request, &found, &ranked));
    let nothing = chosen
        .hits
        .is_empty()
        .then(|| nothing::why(request, found.matching));
    let mut notes = finder.notes;
    notes.extend(chosen.notes);
    notes.extend(why_unmeasured(request, found.matching));
    debug!(
        plan = found.plan,
        depth,
        n_candidates = found.list.len(),
        n_hits = chosen.hits.len(),
        "ranked papers"
    );
    let measured = found
        .list
        .iter()
        .filter(|candidate| candidate.row.is_some());
    let similarities = measured.map(|candidate| candidate.similarity);
    Ok(Answer {
        nearest: request.vector.and_then(|_| similarities.reduce(f32::max)),
        hits: chosen.hits,
        nothing: nothing.transpose()?,
        left_out,
        facets: facets.transpose()?,
        is_far: false,
        plan: found.plan,
        unknown_words: Vec::new(),
        notes,
        vector: request.vector.map(<[f32]>::to_vec),
        words: request.words.clone(),
    })
}

fn first_depth(request: &Request<'_>, matching: Matching) -> usize {
    let query = request.query;
    let chooses = query.is_diverse() || query.half_life_days.is_some() || query.with_facets;
    match matching {
        Matching::Dense if query.keeps_duplicates && !chooses => request.k,
        Matching::Dense if !chooses => request.k + SPARE,
        _ => request.depth,
    }
}

/// Why all papers pass the least percentile, if one is requested but there are no percentiles.
pub(super) fn why_unmeasured(request: &Request<'_>, matching: Matching) -> Option<String> {
    request.query.min_percentile?;
    let why = closeness::why_none(request, matching)?;
    Some(format!("no paper is left out by its percentile: {why}"))
}
