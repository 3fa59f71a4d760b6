//! What the meaning of a paper counts that has no embedding yet.
//!
//! A paper without an embedding is found by its words, and is ranked among papers that have a
//! similarity as well. Its similarity is taken to be what embedded papers with as good words have. A
//! line of least squares over BM25, through the embedded candidates that the words found, says that.
//! It never falls with BM25, and never leaves the range of those similarities. So such a paper is
//! neither put behind all others nor before a paper that is better by words and meaning.

use super::hybrid::Candidate;

/// Similarities of candidates, in their order; those of candidates without a row are replaced by
/// the expected ones, or left alone if no candidate has a row.
pub(super) fn filled_in(mut similarities: Vec<f32>, candidates: &[Candidate]) -> Vec<f32> {
    if candidates.iter().all(|candidate| candidate.row.is_some()) {
        return similarities;
    }
    let expected = Expected::new(&similarities, candidates);
    for (similarity, candidate) in similarities.iter_mut().zip(candidates) {
        if candidate.row.is_none() {
            *similarity = expected.at(candidate.word_score);
        }
    }
    similarities
}

/// A line through points (BM25, similarity).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Expected {
    mean: (f32, f32),
    slope: f32,
    least: f32,
    greatest: f32,
}

impl Expected {
    fn new(similarities: &[f32], candidates: &[Candidate]) -> Expected {
        let embedded = candidates.iter().zip(similarities);
        let embedded = embedded.filter(|(candidate, _)| candidate.row.is_some());
        let point =
            |(candidate, similarity): (&Candidate, &f32)| (candidate.word_score, *similarity);
        let by_words: Vec<(f32, f32)> = embedded
            .clone()
            .filter(|(candidate, _)| candidate.lexical_rank.is_some())
            .map(point)
            .collect();
        if by_words.is_empty() {
            // The words found none of them: what has the words is at least as close.
            Expected::line(&embedded.map(point).collect::<Vec<_>>())
        } else {
            Expected::line(&by_words)
        }
    }

    fn line(points: &[(f32, f32)]) -> Expected {
        let n = points.len().max(1) as f32;
        let sum = points
            .iter()
            .fold((0.0, 0.0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
        let mean = (sum.0 / n, sum.1 / n);
        let (mut covariance, mut variance) = (0.0, 0.0);
        for (x, y) in points {
            covariance += (x - mean.0) * (y - mean.1);
            variance += (x - mean.0).powi(2);
        }
        let slope = if variance > 0.0 {
            (covariance / variance).max(0.0)
        } else {
            0.0
        };
        let ys = points.iter().map(|(_, y)| *y);
        Expected {
            mean,
            slope,
            least: ys.clone().reduce(f32::min).unwrap_or(0.0),
            greatest: ys.reduce(f32::max).unwrap_or(0.0),
        }
    }

    fn at(&self, word_score: f32) -> f32 {
        let expected = self.mean.1 + self.slope * (word_score - self.mean.0);
        expected.clamp(self.least, self.greatest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hybrid::tests::candidates;
    use super::*;

    /// The similarities of candidates with these scores, the last one of which has no embedding.
    fn last(scores: &[(f32, f32)]) -> f32 {
        let mut candidates = candidates(scores);
        for (place, candidate) in candidates.iter_mut().enumerate() {
            candidate.lexical_rank = (candidate.word_score > 0.0).then_some(place + 1);
        }
        candidates.last_mut().unwrap().row = None;
        let similarities = candidates.iter().map(|c| c.similarity).collect();
        *filled_in(similarities, &candidates).last().unwrap()
    }

    #[test]
    fn a_paper_is_taken_to_be_as_close_as_papers_with_such_words() {
        let near = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-5, "{found}");
        near(last(&[(0.2, 1.0), (0.4, 3.0), (0.0, 2.0)]), 0.3);
        near(last(&[(0.2, 1.0), (0.4, 3.0), (0.0, 9.0)]), 0.4);
        // Better words never count less.
        near(last(&[(0.4, 1.0), (0.2, 3.0), (0.0, 9.0)]), 0.3);
        near(last(&[(0.5, 2.0), (0.0, 9.0)]), 0.5);
        // What has none of the words says nothing, unless there is nothing else.
        near(last(&[(0.9, 0.0), (0.2, 2.0), (0.0, 9.0)]), 0.2);
        near(last(&[(0.6, 0.0), (0.4, 0.0), (0.0, 9.0)]), 0.5);
        near(last(&[(0.0, 9.0)]), 0.0);
    }
}
