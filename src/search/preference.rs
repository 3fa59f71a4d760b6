//! Preferences besides similarity to the query: recent papers, and papers that differ from one
//! another.
//!
//! ```text
//! decay     score · 2^(−age / half-life)
//! diverse   next = argmax  (1 − d) · unit(score) − d · max similarity to those chosen
//! ```
//!
//! `diverse` is maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).

use jiff::civil::Date;

use super::fusion::to_unit;
use crate::vectors::dot;

/// Halves scores for every half-life that a paper is older than the youngest; one without a date
/// counts as the oldest.
pub(super) fn decay(scores: &mut [f32], dates: &[Option<Date>], half_life_days: f32) {
    let known = || dates.iter().flatten();
    let (Some(youngest), Some(oldest)) = (known().max(), known().min()) else {
        return;
    };
    for (score, date) in scores.iter_mut().zip(dates) {
        let age = *youngest - date.unwrap_or(*oldest);
        // What is unlike the question does not become better with age.
        if *score > 0.0 {
            *score *= (-(age.get_days() as f32) / half_life_days).exp2();
        }
    }
}

/// Picks `n` items by maximal marginal relevance, from their scores and unit-length vectors;
/// returns their indices in order of choice. `diversity` is from 0, where only scores count, to 1,
/// where only dissimilarity counts.
pub(super) fn diverse(
    scores: &[f32],
    vectors: &[Vec<f32>],
    diversity: f32,
    n: usize,
) -> Vec<usize> {
    let units = to_unit(scores.iter().copied(), |_| true);
    let mut likeness = vec![0f32; scores.len()];
    let mut left: Vec<usize> = (0..scores.len()).collect();
    let mut chosen = Vec::with_capacity(n.min(scores.len()));
    while chosen.len() < n && !left.is_empty() {
        let worth = |place: usize| (1.0 - diversity) * units[place] - diversity * likeness[place];
        // Of equals the first.
        let best = (0..left.len())
            .rev()
            .max_by(|a, b| worth(left[*a]).total_cmp(&worth(left[*b])));
        let place = left.remove(best.expect("something is left"));
        for &other in &left {
            let similarity = dot(&vectors[place], &vectors[other]);
            likeness[other] = likeness[other].max(similarity);
        }
        chosen.push(place);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_of_twice_the_half_life_counts_a_quarter() {
        let date = |text: &str| Some(text.parse::<Date>().unwrap());
        let dates = [
            date("2024-01-11"),
            date("2024-01-01"),
            None,
            date("2023-12-22"),
        ];
        let mut scores = [0.5, 1.0, 1.0, 1.0];
        decay(&mut scores, &dates, 10.0);
        assert_eq!(scores, [0.5, 0.5, 0.25, 0.25]);
        let mut scores = [0.3, 0.4];
        decay(&mut scores, &[None, None], 10.0);
        assert_eq!(scores, [0.3, 0.4]);
    }

    #[test]
    fn what_is_like_a_chosen_one_comes_later() {
        let vectors = [
            vec![1.0, 0.0],
            vec![1.0, 0.0],
            vec![0.0, 1.0],
            vec![0.6, 0.8],
        ];
        let scores = [1.0, 0.9, 0.5, 0.4];
        assert_eq!(diverse(&scores, &vectors, 0.0, 4), [0, 1, 2, 3]);
        assert_eq!(diverse(&scores, &vectors, 0.5, 4), [0, 2, 1, 3]);
        assert_eq!(diverse(&scores, &vectors, 1.0, 2), [0, 2]);
        assert_eq!(diverse(&[0.5, 0.5], &vectors[..2], 0.0, 9), [0, 1]);
        assert_eq!(diverse(&[], &[], 0.5, 3), [0; 0]);
    }
}
