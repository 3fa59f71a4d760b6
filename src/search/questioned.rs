//! What counts for a question besides its two scores: titles, distance, and the first by meaning.
//!
//! ```text
//! BM25 + 0.1 · words in the title ──► · 0.9 beyond the first 100 by meaning ──► fusion ──► first by meaning
//! ```
//!
//! A title says what a paper is about, so that its words count once more, each with a tenth of its rarity.
//! In a large library one rare word can carry a paper far. So what is not among the first hundred by
//! meaning has nine tenths of its word score. And where the best paper by meaning lacks a rare word, it stays
//! among the first three.
//!
//! The constants are round, and the measures are flat around them (`benches/runs/2026-11-29-ranking.md`).
//! Papers as queries have many words, and the embedding counts more: none of this applies to them.

use super::hybrid::Candidate;
use super::request::Request;

/// Weight of the rarity of a word in the title, beside BM25.
const TITLE_WEIGHT: f32 = 0.1;

/// Ranks by meaning up to which the word score counts whole.
const NEAR_RANK: usize = 100;

/// What the word score counts beyond them.
const FAR_SHARE: f32 = 0.9;

/// The last place of the first by meaning.
const LAST_PLACE: usize = 3;

/// The candidates with the word scores that count for a question. Where the lexical index cannot be read,
/// titles do not count.
pub(super) fn weighed(request: &Request<'_>, candidates: &[Candidate]) -> Vec<Candidate> {
    let number = |found: &Candidate| found.key.map_or(u64::MAX, |key| key.0 as u64);
    let numbers: Vec<u64> = candidates.iter().map(number).collect();
    let lexical = request.indexes.lexical.as_ref().ok();
    let titles = lexical.and_then(|lexical| lexical.title_scores(request.words, &numbers).ok());
    let titles = titles.unwrap_or_else(|| vec![0.0; candidates.len()]);
    let found = candidates.iter().zip(titles);
    found
        .map(|(found, title_score)| Candidate {
            word_score: word_score(found, title_score),
            ..found.clone()
        })
        .collect()
}

fn word_score(found: &Candidate, title_score: f32) -> f32 {
    let is_near = found.dense_rank.is_some_and(|rank| rank <= NEAR_RANK);
    let share = if is_near { 1.0 } else { FAR_SHARE };
    share * (found.word_score + TITLE_WEIGHT * title_score)
}

/// Raises the score of the first candidate by meaning just above that of the one in the [`LAST_PLACE`].
pub(super) fn raise_first(scores: &mut [f32], candidates: &[Candidate]) {
    let is_first = |found: &Candidate| found.dense_rank == Some(1);
    let Some(first) = candidates.iter().position(is_first) else {
        return;
    };
    let mut best = scores.to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    if let Some(last) = best.get(LAST_PLACE - 1)
        && scores[first] < *last
    {
        scores[first] = last.next_up();
    }
}

#[cfg(test)]
mod tests {
    use super::super::hybrid::tests::candidates;
    use super::*;

    #[test]
    fn the_first_by_meaning_is_among_the_first_three() {
        let found = candidates(&[(0.9, 0.0), (0.8, 0.0), (0.7, 0.0), (0.6, 0.0)]);
        let check = |before: [f32; 4], expected: [f32; 4]| {
            let mut scores = before;
            raise_first(&mut scores, &found);
            assert_eq!(scores, expected, "{before:?}");
        };
        check([0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6]);
        check([0.7, 0.8, 0.9, 0.6], [0.7, 0.8, 0.9, 0.6]);
        let raised = 0.6f32.next_up();
        check([0.1, 0.8, 0.9, 0.6], [raised, 0.8, 0.9, 0.6]);
        let mut one = [0.5];
        raise_first(&mut one, &found[..1]);
        assert_eq!(one, [0.5]);
        raise_first(&mut [], &[]);
    }

    #[test]
    fn words_count_more_in_a_title_and_less_far_away() {
        let mut found = candidates(&[(0.9, 10.0)]).remove(0);
        assert_eq!(word_score(&found, 0.0), 10.0);
        assert_eq!(word_score(&found, 20.0), 12.0);
        for rank in [Some(NEAR_RANK + 1), None] {
            found.dense_rank = rank;
            assert!((word_score(&found, 20.0) - 10.8).abs() < 1e-5);
        }
    }
}
