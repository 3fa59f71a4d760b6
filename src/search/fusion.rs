//! One order of candidates that have two scores.
//!
//! ```text
//! mixed = share · unit(similarity) + (1 − share) · unit(BM25)
//! ```
//!
//! where `unit` maps a score's range among the first [`DEPTH`] candidates of each index to 0..1 (a convex
//! combination after min-max normalisation: Bruch, Gai and Ingber, 2023); it is the same range however many
//! more are asked for, so that what comes first does not depend on how much comes after it. The similarity is that to the question moved towards
//! the best candidates of a first mix, as far as [`FEEDBACK_WEIGHT`] says (pseudo-relevance feedback
//! in the space of the embeddings, after Rocchio).
//!
//! The constants are those that do best on the mean of SciFact's training questions, Cranfield and
//! CACM; around them the measures are flat. They are one setting for every library. Whole papers as
//! questions (`related`) have many words, each of which says less: there the embedding counts more, as
//! it does best for what CACM cites together.

use super::Matching;
use super::hybrid::Candidate;
use crate::vectors::{dot, normalize};

/// Candidates of each index, at least.
pub(super) const DEPTH: usize = 200;

/// What the dense score counts; the lexical one counts the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct DenseShare(f32);

impl DenseShare {
    /// For a question.
    pub(super) const QUESTION: DenseShare = DenseShare(0.55);
    /// For whole papers that others are to be like.
    pub(super) const PAPERS: DenseShare = DenseShare(0.65);
}

/// The best candidates of the first mix, towards which the question is moved.
pub(super) const FEEDBACK_PAPERS: usize = 3;

/// How far: their mean, weighed by their scores, counts so much against the question's 1.
const FEEDBACK_WEIGHT: f32 = 0.25;

/// The candidates' places with their scores, best first; equal scores by their similarity.
pub(super) fn order(candidates: &[Candidate], scores: Vec<f32>) -> Vec<(usize, f32)> {
    let mut order: Vec<(usize, f32)> = scores.into_iter().enumerate().collect();
    order.sort_by(|a, b| {
        let better = b.1.total_cmp(&a.1);
        let closer = candidates[b.0]
            .similarity
            .total_cmp(&candidates[a.0].similarity);
        better.then(closer)
    });
    order
}

/// The scores of candidates by one index.
pub(super) fn plain(candidates: &[Candidate], matching: Matching) -> Vec<f32> {
    let score = |candidate: &Candidate| match matching {
        Matching::Lexical => candidate.word_score,
        Matching::Dense | Matching::Hybrid => candidate.similarity,
    };
    candidates.iter().map(score).collect()
}

/// The mixed scores of candidates of which the similarities are given.
pub(super) fn mixed(
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
pub(super) fn moved(question: &[f32], papers: &[(f32, Vec<f32>)]) -> Vec<f32> {
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

/// The similarities of vectors to a question.
pub(super) fn similarities(question: &[f32], vectors: &[Vec<f32>]) -> Vec<f32> {
    vectors.iter().map(|vector| dot(question, vector)).collect()
}

/// Scores from 0, the least of those that count, to 1, the greatest of these; all 0 where these are the
/// same. Others may lie outside.
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
    use super::*;
    use crate::vectors::Row;

    fn candidates(scores: &[(f32, f32)]) -> Vec<Candidate> {
        let candidate = |(row, &(similarity, word_score)): (usize, &(f32, f32))| Candidate {
            row: Row(row as u32),
            key: None,
            similarity,
            word_score,
            dense_rank: Some(row + 1),
            lexical_rank: None,
        };
        scores.iter().enumerate().map(candidate).collect()
    }

    fn places(scores: &[(f32, f32)]) -> Vec<usize> {
        let candidates = candidates(scores);
        let plain = plain(&candidates, Matching::Dense);
        let mixed = mixed(&plain, &candidates, DenseShare::QUESTION);
        order(&candidates, mixed)
            .into_iter()
            .map(|(place, _)| place)
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
}
