//! The field's metrics over one ranking, as trec_eval computes them.
//!
//! Gains are the grades themselves and discounts `1 / log2(rank + 1)` (Järvelin and Kekäläinen,
//! 2002, as in trec_eval's `ndcg_cut`); a paper without a judgment is not relevant.

use super::Judgments;
use crate::paper::PaperId;

/// Depth of nDCG.
const NDCG_DEPTH: usize = 10;
/// Depth of recall.
const RECALL_DEPTH: usize = 100;
/// Depth of the reciprocal rank.
const MRR_DEPTH: usize = 10;

/// How well one ranking, or the mean of many, matches judgments. All from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores {
    /// Normalised discounted cumulative gain of the first 10.
    pub ndcg_at_10: f64,
    /// Share of the relevant papers among the first 100.
    pub recall_at_100: f64,
    /// Reciprocal rank of the first relevant paper among the first 10.
    pub mrr_at_10: f64,
}

impl Scores {
    /// Scores a ranking, best first.
    pub fn of(ranking: &[&PaperId], judgments: &Judgments) -> Scores {
        let grade = |id: &&PaperId| judgments.get(*id).copied().unwrap_or(0).max(0);
        let grades: Vec<i32> = ranking.iter().map(grade).collect();
        let mut ideal: Vec<i32> = judgments.values().copied().filter(|g| *g > 0).collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let n_relevant = ideal.len();
        let found = grades.iter().take(RECALL_DEPTH).filter(|g| **g > 0).count();
        let first = grades.iter().take(MRR_DEPTH).position(|g| *g > 0);
        Scores {
            ndcg_at_10: ratio(dcg(&grades), dcg(&ideal)),
            recall_at_100: ratio(found as f64, n_relevant as f64),
            mrr_at_10: first.map_or(0.0, |idx| 1.0 / (idx + 1) as f64),
        }
    }
}

/// The mean of each metric; zeros for none.
pub fn mean(scores: &[Scores]) -> Scores {
    let n = scores.len() as f64;
    let of = |metric: fn(&Scores) -> f64| ratio(scores.iter().map(metric).sum(), n);
    Scores {
        ndcg_at_10: of(|s| s.ndcg_at_10),
        recall_at_100: of(|s| s.recall_at_100),
        mrr_at_10: of(|s| s.mrr_at_10),
    }
}

fn dcg(grades: &[i32]) -> f64 {
    let discounted = |(idx, grade): (usize, &i32)| f64::from(*grade) / (idx as f64 + 2.0).log2();
    grades
        .iter()
        .take(NDCG_DEPTH)
        .enumerate()
        .map(discounted)
        .sum()
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ranking: &[&str], judgments: &[(&str, i32)], expected: [f64; 3]) {
        let id = |s: &str| PaperId::parse(s).unwrap();
        let ranking: Vec<PaperId> = ranking.iter().map(|s| id(s)).collect();
        let judgments = judgments.iter().map(|(s, grade)| (id(s), *grade)).collect();
        let scores = Scores::of(&ranking.iter().collect::<Vec<_>>(), &judgments);
        let got = [scores.ndcg_at_10, scores.recall_at_100, scores.mrr_at_10];
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-9, "{scores:?}");
        }
    }

    #[test]
    fn scores_are_those_worked_out_by_hand() {
        check(&["a", "b"], &[("a", 1)], [1.0, 1.0, 1.0]);
        check(&["x", "a"], &[("a", 1)], [1.0 / 3f64.log2(), 1.0, 0.5]);
        let dcg = 1.0 / 3f64.log2() + 2.0 / 2.0;
        let ideal = 2.0 + 1.0 / 3f64.log2();
        check(
            &["x", "a", "b"],
            &[("a", 1), ("b", 2), ("c", 0)],
            [dcg / ideal, 1.0, 0.5],
        );
        check(&["x"], &[("a", 1), ("b", 1)], [0.0, 0.0, 0.0]);
        check(&[], &[("a", 0)], [0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_relevant_paper_past_the_depth_does_not_count() {
        let far: Vec<String> = (0..101)
            .map(|i| format!("x{i}"))
            .chain(["a".into()])
            .collect();
        let ranking: Vec<&str> = far.iter().map(String::as_str).collect();
        check(&ranking, &[("a", 1)], [0.0, 0.0, 0.0]);
    }
}
