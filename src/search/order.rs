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
use crate::library::PaperKey;
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
        let keys = keys_of(request, candidates)?;
        let dates = request.indexes.library.dates(&keys)?;
        preference::decay(&mut scores, &dates, half_life_days);
    }
    let mut order = fusion::by_score(candidates, scores);
    order.retain(|ranked| candidates[ranked.candidate].is_close);
    if request.query.is_diverse() {
        order = diverse(request, candidates, &order)?;
    }
    Ok(order)
}

/// The papers of candidates.
fn keys_of(request: &Request<'_>, candidates: &[Candidate]) -> Result<Vec<Option<PaperKey>>> {
    let rows: Vec<Row> = candidates.iter().filter_map(|found| found.row).collect();
    let mut of_rows = request.indexes.library.keys_of(&rows)?.into_iter();
    let key = |found: &Candidate| match found.row {
        Some(_) => of_rows.next().flatten(),
        None => found.key,
    };
    Ok(candidates.iter().map(key).collect())
}

/// The first k and some more by maximal marginal relevance.
fn diverse(
    request: &Request<'_>,
    candidates: &[Candidate],
    order: &[RankedCandidate],
) -> Result<Vec<RankedCandidate>> {
    let best = &order[..request.depth.min(order.len())];
    let rows = request.indexes.library.rows()?;
    let vectors = best.iter().map(|ranked| {
        // A paper that is not embedded is like no other.
        let row = candidates[ranked.candidate].row;
        row.map_or_else(|| Ok(vec![0.0; rows.dim()]), |row| rows.vector(row))
    });
    let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
    let scores: Vec<f32> = best.iter().map(|ranked| ranked.score).collect();
    let n = request.k + SPARE;
    let chosen = preference::diverse(&scores, &vectors, request.query.diversity, n);
    Ok(chosen.into_iter().map(|place| best[place]).collect())
}
