//! The order of candidates.
//!
//! ```text
//! scores ──► younger first ──► close enough ──► unlike one another ──► order
//! fusion      preference        percentile        preference
//! ```

use super::fusion::{self, RankedCandidate};
use super::hybrid::{Candidate, Candidates};
use super::preference;
use super::request::Request;
use crate::error::Result;
use crate::vectors::Row;

/// Places beyond k that are filled for diversity: some may be duplicates.
const SPARE: usize = 8;

/// Orders the candidates that are close enough, best first.
///
/// # Errors
/// What the library fails with.
pub(super) fn order(request: &Request<'_>, found: &Candidates) -> Result<Vec<RankedCandidate>> {
    let candidates = &found.list;
    let mut scores = fusion::scores(request, found)?;
    if let Some(half_life_days) = request.query.half_life_days {
        let rows: Vec<Row> = candidates.iter().map(|candidate| candidate.row).collect();
        let dates = request.indexes.library.dates(&rows)?;
        preference::decay(&mut scores, &dates, half_life_days);
    }
    let mut order = fusion::by_score(candidates, scores);
    order.retain(|ranked| candidates[ranked.candidate].is_close);
    if request.query.is_diverse() {
        order = diverse(request, candidates, &order)?;
    }
    Ok(order)
}

/// The first k and some more by maximal marginal relevance.
fn diverse(
    request: &Request<'_>,
    candidates: &[Candidate],
    order: &[RankedCandidate],
) -> Result<Vec<RankedCandidate>> {
    let best = &order[..request.depth.min(order.len())];
    let rows = request.indexes.library.rows()?;
    let vectors = best
        .iter()
        .map(|ranked| rows.vector(candidates[ranked.candidate].row));
    let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
    let scores: Vec<f32> = best.iter().map(|ranked| ranked.score).collect();
    let n = request.k + SPARE;
    let chosen = preference::diverse(&scores, &vectors, request.query.diversity, n);
    Ok(chosen.into_iter().map(|place| best[place]).collect())
}
