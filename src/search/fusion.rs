//! One order of candidates that have two scores.
//!
//! ```text
//! mixed = share · unit(similarity) + (1 − share) · unit(BM25)
//! ```
//!
//! `unit` maps the scores of the first [`DEPTH`] candidates of each index to 0..1. This is a convex
//! combination after min-max normalisation (Bruch, Gai and Ingber, 2023). The range does not depend
//! on the number of further candidates, so the first hits do not change with the depth.
//!
//! The similarity is to a moved query: the query vector plus [`FEEDBACK_WEIGHT`] times the mean of
//! a first pass's best candidates (pseudo-relevance feedback after Rocchio).
//!
//! For a question three things come to that (`questioned`). Words in a title count more. Words of a paper
//! that is far by its meaning count less. The first by meaning is among the first three.
//!
//! The constants do best on the mean of SciFact's training queries, Cranfield and CACM; around them the
//! measures are flat. They are one setting for every library. Whole papers as queries (`related`) have
//! many words, and each word says less. The embedding counts more there: that does best for papers that
//! CACM cites together.

use super::hybrid::{Candidate, Candidates};
use super::imputed;
use super::query::Matching;
use super::questioned;
use super::request::{DEPTH, Request};
use crate::error::Result;
use crate::vectors::{dot, normalize};

/// What the dense score counts; the lexical one counts the rest.
#[derive(Debug, Clone, Copy)]
struct DenseShare(f32);

impl DenseShare {
    /// For a question.
    const QUESTION: DenseShare = DenseShare(0.55);
    /// For whole papers as queries.
    const PAPERS: DenseShare = DenseShare(0.65);
}

/// Candidates of the first pass that the query is moved towards.
const FEEDBACK_PAPERS: usize = 3;

/// Weight of the feedback papers' score-weighted mean; the query itself has weight 1.
const FEEDBACK_WEIGHT: f32 = 0.25;

/// A candidate with its final score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RankedCandidate {
    /// Index into [`Candidates::list`].
    pub(super) candidate: usize,
    /// Higher is better.
    pub(super) score: f32,
}

/// The scores of candidates: fused, or those of the one index that was asked.
///
/// # Errors
/// What the library fails with.
pub(super) fn scores(request: &Request<'_>, found: &Candidates) -> Result<Vec<f32>> {
    match (found.matching, request.vector) {
        (Matching::Hybrid, Some(vector)) if request.given.is_empty() => {
            let candidates = questioned::weighed(request, &found.list);
            let mut scores = with_feedback(request, vector, &candidates)?;
            questioned::raise_first(&mut scores, &candidates);
            Ok(scores)
        }
        (Matching::Hybrid, Some(vector)) => with_feedback(request, vector, &found.list),
        _ => Ok(plain(&found.list, found.matching)),
    }
}

/// Candidates by score, best first; equal scores by similarity.
pub(super) fn by_score(candidates: &[Candidate], scores: Vec<f32>) -> Vec<RankedCandidate> {
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

/// The fused scores after the query vector moved towards the best candidates of a first pass.
fn with_feedback(
    request: &Request<'_>,
    vector: &[f32],
    candidates: &[Candidate],
) -> Result<Vec<f32>> {
    let share = if request.given.is_empty() {
        DenseShare::QUESTION
    } else {
        DenseShare::PAPERS
    };
    let rows = request.indexes.library.rows()?;
    let vectors = candidates
        .iter()
        .map(|candidate| candidate.row.map_or(Ok(Vec::new()), |row| rows.vector(row)));
    let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
    let first_similarities = imputed::filled_in(plain(candidates, Matching::Dense), candidates);
    let first = by_score(candidates, mixed(&first_similarities, candidates, share));
    let best = first.into_iter();
    let best = best.filter(|ranked| candidates[ranked.candidate].row.is_some());
    let best = best.take(FEEDBACK_PAPERS);
    let best: Vec<(f32, Vec<f32>)> = best
        .map(|ranked| (ranked.score, vectors[ranked.candidate].clone()))
        .collect();
    let moved = moved(vector, &best);
    let moved_similarities = imputed::filled_in(similarities(&moved, &vectors), candidates);
    Ok(mixed(&moved_similarities, candidates, share))
}

/// The scores of candidates by one index.
fn plain(candidates: &[Candidate], matching: Matching) -> Vec<f32> {
    let score = |candidate: &Candidate| match matching {
        Matching::Lexical => candidate.word_score,
        Matching::Dense | Matching::Hybrid => candidate.similarity,
    };
    candidates.iter().map(score).collect()
}

/// The fused scores of candidates with these similarities.
fn mixed(
    similarities: &[f32],
    candidates: &[Candidate],
    DenseShare(share): DenseShare,
) -> Vec<f32> {
    let is_first = |rank: Option<usize>| rank.is_some_and(|rank| rank <= DEPTH);
    let is_first = |place: usize| {
        let candidate = &candidates[place];
        is_first(candidate.dense_rank) || is_first(candidate.lexical_rank)
    };
    let dense = to_unit(similarities.iter().copied(), is_first);
    let word_scores = candidates.iter().map(|candidate| candidate.word_score);
    let lexical = to_unit(word_scores, is_first);
    let mix = |(dense, lexical)| share * dense + (1.0 - share) * lexical;
    dense.into_iter().zip(lexical).map(mix).collect()
}

/// A question moved towards papers, each with its score; shape `[dim]`, normalised.
fn moved(question: &[f32], papers: &[(f32, Vec<f32>)]) -> Vec<f32> {
    let mut moved = question.to_vec();
    let weight: f32 = papers.iter().map(|(score, _)| score).sum();
    if weight > 0.0 {
        for (score, paper) in papers {
            let share = FEEDBACK_WEIGHT * score / weight;
            moved
                .iter_mut()
                .zip(paper)
                .for_each(|(x, y)| *x += share * y);
        }
    }
    normalize(&mut moved);
    moved
}

/// The similarities of vectors to a question; 0 of an empty one.
fn similarities(question: &[f32], vectors: &[Vec<f32>]) -> Vec<f32> {
    vectors.iter().map(|vector| dot(question, vector)).collect()
}

/// Min-max normalisation over the scores that count: 0 for the least of these, 1 for the greatest; all 0
/// if they are equal. Scores that do not count may lie outside.
pub(super) fn to_unit(
    scores: impl Iterator<Item = f32> + Clone,
    counts: impl Fn(usize) -> bool,
) -> Vec<f32> {
    let counted = scores.clone().enumerate();
    let counted = counted.filter(|(place, _)| counts(*place)).map(|(_, s)| s);
    let least = counted.clone().fold(f32::INFINITY, f32::min);
    let width = counted.fold(f32::NEG_INFINITY, f32::max) - least;
    let unit = |score| {
        if width > 0.0 {
            (score - least) / width
        } else {
            0.0
        }
    };
    scores.map(unit).collect()
}

#[cfg(test)]
mod tests {
    use super::super::hybrid::tests::candidates;
    use super::*;

    #[test]
    fn what_comes_far_behind_does_not_change_what_comes_first() {
        let mut some = candidates(&[(0.9, 1.0), (0.5, 5.0), (0.4, 3.0)]);
        let mixed =
            |some: &[Candidate]| mixed(&plain(some, Matching::Dense), some, DenseShare::QUESTION);
        let before = mixed(&some);
        let mut far = candidates(&[(0.1, 0.0)]);
        far[0].dense_rank = Some(DEPTH + 1);
        some.extend(far);
        let after = mixed(&some);
        assert_eq!(after[..3], before);
        assert!(after[3] < before[2], "{after:?}");
    }

    #[test]
    fn a_question_moves_towards_the_papers_by_their_scores() {
        let question = [1.0, 0.0, 0.0];
        assert_eq!(moved(&question, &[]), question);
        let papers = [(3.0, vec![0.0, 1.0, 0.0]), (1.0, vec![0.0, 0.0, 1.0])];
        let moved = moved(&question, &papers);
        assert!((moved[1] / moved[0] - 0.75 * FEEDBACK_WEIGHT).abs() < 1e-6);
        assert!((moved[2] / moved[0] - 0.25 * FEEDBACK_WEIGHT).abs() < 1e-6);
    }

    fn places(scores: &[(f32, f32)]) -> Vec<usize> {
        let candidates = candidates(scores);
        let plain = plain(&candidates, Matching::Dense);
        let mixed = mixed(&plain, &candidates, DenseShare::QUESTION);
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
