//! The scores of candidates, and their order.
//!
//! ```text
//! candidates ──► scores ──► younger first ──► close enough ──► unlike one another ──► order
//!                fusion      preference        percentile        preference
//! ```

use super::fusion::{self, DEPTH, DenseShare, FEEDBACK_PAPERS};
use super::hybrid::{Candidate, Candidates};
use super::preference;
use super::query::Matching;
use super::request::Request;
use crate::error::Result;
use crate::vectors::Row;

/// Places beyond k that are filled for diversity: some may be duplicates.
const SPARE: usize = 8;

/// A candidate with its final score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RankedCandidate {
    /// Index into [`Candidates::list`].
    pub(super) candidate: usize,
    /// Higher is better.
    pub(super) score: f32,
}

/// Orders the candidates that are close enough, best first.
///
/// # Errors
/// What the library fails with.
pub(super) fn order(request: &Request<'_>, found: &Candidates) -> Result<Vec<RankedCandidate>> {
    let candidates = &found.list;
    let mut scores = match (found.matching, request.vector) {
        (Matching::Hybrid, Some(vector)) => mixed(request, vector, candidates)?,
        _ => fusion::plain(candidates, found.matching),
    };
    if let Some(half_life_days) = request.query.half_life_days {
        let rows: Vec<Row> = candidates.iter().map(|candidate| candidate.row).collect();
        let dates = request.indexes.library.dates(&rows)?;
        preference::decay(&mut scores, &dates, half_life_days);
    }
    let mut order = by_score(candidates, scores);
    order.retain(|ranked| candidates[ranked.candidate].is_close(request.query.min_percentile));
    if request.query.is_diverse() {
        order = diverse(request, candidates, &order)?;
    }
    Ok(order)
}

/// Candidates by score, best first; equal scores by similarity.
fn by_score(candidates: &[Candidate], scores: Vec<f32>) -> Vec<RankedCandidate> {
    let scored = scores.into_iter().enumerate();
    let mut order: Vec<RankedCandidate> = scored
        .map(|(candidate, score)| RankedCandidate { candidate, score })
        .collect();
    let similarity = |ranked: &RankedCandidate| candidates[ranked.candidate].similarity;
    order.sort_by(|a, b| {
        let better = b.score.total_cmp(&a.score);
        better.then(similarity(b).total_cmp(&similarity(a)))
    });
    order
}

/// The fused scores, once the query vector has been moved towards the best candidates of a first pass.
fn mixed(request: &Request<'_>, vector: &[f32], candidates: &[Candidate]) -> Result<Vec<f32>> {
    let share = if request.given.is_empty() {
        DenseShare::QUESTION
    } else {
        DenseShare::PAPERS
    };
    let rows = request.indexes.library.rows()?;
    let vectors = candidates
        .iter()
        .map(|candidate| rows.vector(candidate.row));
    let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
    let similarities = fusion::plain(candidates, Matching::Dense);
    let first = by_score(candidates, fusion::mixed(&similarities, candidates, share));
    let best = first.into_iter().take(FEEDBACK_PAPERS);
    let best: Vec<(f32, Vec<f32>)> = best
        .map(|ranked| (ranked.score, vectors[ranked.candidate].clone()))
        .collect();
    let moved = fusion::moved(vector, &best);
    let similarities = fusion::similarities(&moved, &vectors);
    Ok(fusion::mixed(&similarities, candidates, share))
}

/// The first k and some more by maximal marginal relevance.
fn diverse(
    request: &Request<'_>,
    candidates: &[Candidate],
    order: &[RankedCandidate],
) -> Result<Vec<RankedCandidate>> {
    let best = &order[..DEPTH.max(request.k).min(order.len())];
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

#[cfg(test)]
mod tests {
    use super::super::hybrid::tests::candidates;
    use super::*;

    fn places(scores: &[(f32, f32)]) -> Vec<usize> {
        let candidates = candidates(scores);
        let plain = fusion::plain(&candidates, Matching::Dense);
        let mixed = fusion::mixed(&plain, &candidates, DenseShare::QUESTION);
        by_score(&candidates, mixed)
            .into_iter()
            .map(|ranked| ranked.candidate)
            .collect()
    }

    #[test]
    fn what_is_best_by_both_is_best_and_the_closer_comes_first_where_words_say_nothing() {
        assert_eq!(places(&[(0.1, 1.0), (0.9, 9.0), (0.5, 5.0)]), [1, 2, 0]);
        assert_eq!(places(&[(0.1, 0.0), (0.9, 0.0), (0.5, 0.0)]), [1, 2, 0]);
        assert_eq!(places(&[(0.4, 1.0), (0.4, 9.0), (0.4, 5.0)]), [1, 2, 0]);
        assert_eq!(places(&[(0.5, 3.0), (0.5, 3.0)]), [0, 1]);
        assert_eq!(places(&[]), [0; 0]);
    }

    #[test]
    fn scales_do_not_matter() {
        let scores = [(0.31, 2.0), (0.42, 0.5), (0.38, 7.0), (0.12, 4.0)];
        let scaled = scores.map(|(a, b)| (2.0 * a - 0.5, 100.0 * b + 3.0));
        assert_eq!(places(&scores), places(&scaled));
    }
}
