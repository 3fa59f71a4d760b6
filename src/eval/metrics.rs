//! The field's metrics over one ranking, as trec_eval computes them, and statistics over many.
//!
//! A ranking is a list of scored papers. Like trec_eval, it is sorted by score, and equal scores by
//! descending id, whatever order it came in. Grades above 0 are relevant; a paper without a
//! judgment is not. Gains are the grades themselves and discounts `1 / log2(rank + 1)` (Järvelin
//! and Kekäläinen, 2002, as in trec_eval's `ndcg_cut`).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Judgments of one query: the grade of each document; above 0 is relevant.
pub type Judgments = BTreeMap<String, i32>;

/// A metric of a ranking; each is from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Normalised discounted cumulative gain of the top k.
    Ndcg(usize),
    /// Share of the relevant papers that are in the top k.
    Recall(usize),
    /// Reciprocal rank of the first relevant paper in the top k.
    Mrr(usize),
    /// Share of the top k that is relevant.
    Precision(usize),
    /// Average precision over the whole ranking; its mean over queries is MAP.
    Map,
}

/// The metrics that are computed by default.
pub const DEFAULT_METRICS: [Metric; 5] = [
    Metric::Ndcg(10),
    Metric::Recall(100),
    Metric::Mrr(10),
    Metric::Map,
    Metric::Precision(10),
];

impl Metric {
    /// The metric of a ranking of scored papers.
    pub fn of(self, ranking: &[(String, f32)], judgments: &Judgments) -> f64 {
        let grades = grades_in_order(ranking, judgments);
        let mut ideal: Vec<i32> = judgments.values().copied().filter(|g| *g > 0).collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let n_relevant = ideal.len() as f64;
        let first = |k: usize| &grades[..k.min(grades.len())];
        let n_found = |k| first(k).iter().filter(|grade| **grade > 0).count() as f64;
        match self {
            Metric::Ndcg(k) => ratio(dcg(first(k)), dcg(&ideal[..k.min(ideal.len())])),
            Metric::Recall(k) => ratio(n_found(k), n_relevant),
            Metric::Precision(k) => n_found(k) / k as f64,
            Metric::Mrr(k) => {
                let place = first(k).iter().position(|grade| *grade > 0);
                place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
            }
            Metric::Map => {
                let relevant = grades.iter().enumerate().filter(|(_, grade)| **grade > 0);
                let precisions = relevant
                    .enumerate()
                    .map(|(n_before, (place, _))| (n_before + 1) as f64 / (place + 1) as f64);
                ratio(precisions.sum(), n_relevant)
            }
        }
    }

    /// Number of papers at the top of a ranking that it looks at; `None` for all.
    pub fn depth(self) -> Option<usize> {
        match self {
            Metric::Ndcg(k) | Metric::Recall(k) | Metric::Mrr(k) | Metric::Precision(k) => Some(k),
            Metric::Map => None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Ndcg(k) => write!(f, "nDCG@{k}"),
            Metric::Recall(k) => write!(f, "Recall@{k}"),
            Metric::Mrr(k) => write!(f, "MRR@{k}"),
            Metric::Precision(k) => write!(f, "P@{k}"),
            Metric::Map => f.write_str("MAP"),
        }
    }
}

impl FromStr for Metric {
    type Err = String;

    /// Reads names such as `nDCG@10`, `R@100`, `RR@10`, `P@5`, `MAP`, in any case.
    fn from_str(name: &str) -> Result<Metric, String> {
        let wanted = || format!("unknown metric {name:?}: use nDCG@K, Recall@K, MRR@K, P@K or MAP");
        let lower = name.trim().to_lowercase();
        let (kind, k) = match lower.split_once('@') {
            Some((kind, k)) => (kind, k.parse().ok().filter(|k| *k > 0)),
            None => (&lower[..], None),
        };
        match (kind, k) {
            ("ndcg", Some(k)) => Ok(Metric::Ndcg(k)),
            ("recall" | "r", Some(k)) => Ok(Metric::Recall(k)),
            ("mrr" | "rr", Some(k)) => Ok(Metric::Mrr(k)),
            ("p" | "precision", Some(k)) => Ok(Metric::Precision(k)),
            ("map" | "ap", None) => Ok(Metric::Map),
            _ => Err(wanted()),
        }
    }
}

/// The grades of a ranking in its order, 0 if there is no judgment.
fn grades_in_order(ranking: &[(String, f32)], judgments: &Judgments) -> Vec<i32> {
    let mut order: Vec<&(String, f32)> = ranking.iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
    let grade = |(id, _): &(String, f32)| judgments.get(id).copied().unwrap_or(0).max(0);
    order.into_iter().map(grade).collect()
}

fn dcg(grades: &[i32]) -> f64 {
    let discounted = |(idx, grade): (usize, &i32)| f64::from(*grade) / (idx as f64 + 2.0).log2();
    grades.iter().enumerate().map(discounted).sum()
}

/// 0 of nothing; and never -0, which the sum of no numbers is.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole + 0.0 } else { 0.0 }
}

/// The mean over queries, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The 2.5th and the 97.5th percentile of the means of resampled queries (Efron and
    /// Tibshirani, 1993).
    pub interval: (f64, f64),
}

/// Number of samples for intervals and p-values.
const N_SAMPLES: usize = 10_000;

/// The mean of a metric over queries; 0 for none. The same values give the same interval.
pub fn mean(values: &[f64]) -> Mean {
    let mean = mean_of(values);
    if values.is_empty() {
        return Mean {
            mean,
            interval: (0.0, 0.0),
        };
    }
    let mut dice = Dice(1);
    let mut means: Vec<f64> = (0..N_SAMPLES)
        .map(|_| {
            let drawn = values.iter().map(|_| values[dice.below(values.len())]);
            ratio(drawn.sum(), values.len() as f64)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[(share * (N_SAMPLES - 1) as f64).round() as usize];
    Mean {
        mean,
        interval: (at(0.025), at(0.975)),
    }
}

/// Probability that two equally good settings differ by at least as much as these values of the
/// same queries. A two-sided randomisation test (Smucker, Allan and Carterette, 2007).
pub fn p_value(a: &[f64], b: &[f64]) -> f64 {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let found = differences.iter().sum::<f64>().abs();
    let mut dice = Dice(1);
    let mut swapped = || -> f64 {
        let signed = |d: &f64| if dice.below(2) == 0 { *d } else { -d };
        differences.iter().map(signed).sum()
    };
    let rounding = 1e-12 * (1.0 + found);
    let n_as_far = (0..N_SAMPLES)
        .filter(|_| swapped().abs() >= found - rounding)
        .count();
    (n_as_far + 1) as f64 / (N_SAMPLES + 1) as f64
}

fn mean_of(values: &[f64]) -> f64 {
    ratio(values.iter().sum(), values.len() as f64)
}

/// Numbers that look random and are the same every time (splitmix64, Steele et al. 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Papers in the order of falling scores.
    fn ranking(ids: &[&str]) -> Vec<(String, f32)> {
        let scored = |(place, id): (usize, &&str)| ((*id).to_owned(), -(place as f32));
        ids.iter().enumerate().map(scored).collect()
    }

    fn judgments(judged: &[(&str, i32)]) -> Judgments {
        let judged = judged.iter().copied();
        judged.map(|(id, grade)| (id.to_owned(), grade)).collect()
    }

    #[track_caller]
    fn check(found: &[&str], judged: &[(&str, i32)], expected: [f64; 5]) {
        for (metric, expected) in DEFAULT_METRICS.into_iter().zip(expected) {
            let value = metric.of(&ranking(found), &judgments(judged));
            assert!(
                (value - expected).abs() < 1e-9,
                "{metric} is {value}, not {expected}"
            );
        }
    }

    #[test]
    fn scores_are_those_worked_out_by_hand() {
        check(&["a", "b"], &[("a", 1)], [1.0, 1.0, 1.0, 1.0, 0.1]);
        check(
            &["x", "a"],
            &[("a", 1)],
            [1.0 / 3f64.log2(), 1.0, 0.5, 0.5, 0.1],
        );
        let dcg = 1.0 / 3f64.log2() + 2.0 / 2.0;
        let ideal = 2.0 + 1.0 / 3f64.log2();
        check(
            &["x", "a", "b"],
            &[("a", 1), ("b", 2), ("c", 0)],
            [dcg / ideal, 1.0, 0.5, (0.5 + 2.0 / 3.0) / 2.0, 0.2],
        );
        check(&["x"], &[("a", 1), ("b", 1)], [0.0; 5]);
        check(&[], &[("a", 0)], [0.0; 5]);
    }

    #[test]
    fn a_relevant_paper_past_the_depth_does_not_count() {
        let far: Vec<String> = (0..101)
            .map(|i| format!("x{i}"))
            .chain(["a".into()])
            .collect();
        let found: Vec<&str> = far.iter().map(String::as_str).collect();
        check(&found, &[("a", 1)], [0.0, 0.0, 0.0, 1.0 / 102.0, 0.0]);
    }

    #[test]
    fn equal_scores_are_in_descending_order_of_the_ids() {
        let tied = ["a", "c", "b"].map(|id| (id.to_owned(), 0.5));
        let place = |id| Metric::Mrr(3).of(&tied, &judgments(&[(id, 1)]));
        assert_eq!([place("c"), place("b"), place("a")], [1.0, 0.5, 1.0 / 3.0]);
    }

    #[test]
    fn nothing_is_minus_zero() {
        for metric in DEFAULT_METRICS {
            let none = metric.of(&[], &judgments(&[("a", 1)]));
            assert!(none.is_sign_positive(), "{metric} is {none:?}");
            let none = metric.of(&ranking(&["x"]), &judgments(&[("a", 1)]));
            assert!(none.is_sign_positive(), "{metric} is {none:?}");
        }
        for values in [&[0.0; 4][..], &[-0.0; 4], &[]] {
            let Mean { mean, interval } = mean(values);
            for number in [mean, interval.0, interval.1] {
                assert!(number.is_sign_positive(), "{values:?}: {number:?}");
            }
        }
    }

    #[test]
    fn an_id_is_the_text_that_stands_there() {
        let found = ranking(&["10.1000/ABC", "arXiv:2503.11731v2"]);
        for (id, expected) in [
            ("10.1000/ABC", 1.0),
            ("10.1000/abc", 0.0),
            ("arXiv:2503.11731v2", 0.5),
            ("2503.11731", 0.0),
        ] {
            assert_eq!(
                Metric::Mrr(2).of(&found, &judgments(&[(id, 1)])),
                expected,
                "{id}"
            );
        }
    }

    #[test]
    fn names_are_those_of_the_field() {
        for (name, metric) in [
            ("nDCG@10", Metric::Ndcg(10)),
            ("R@100", Metric::Recall(100)),
            ("recall@5", Metric::Recall(5)),
            ("RR@10", Metric::Mrr(10)),
            ("p@1", Metric::Precision(1)),
            ("map", Metric::Map),
        ] {
            assert_eq!(name.parse(), Ok(metric));
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        for bad in ["", "ndcg", "ndcg@0", "map@10", "f1"] {
            assert!(bad.parse::<Metric>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_interval_holds_the_mean_and_narrows_with_more_queries() {
        let values = |n: usize| -> Vec<f64> { (0..n).map(|i| f64::from(i % 2 == 0)).collect() };
        let (few, many) = (mean(&values(20)), mean(&values(2000)));
        for of in [few, many] {
            assert!(of.interval.0 < of.mean && of.mean < of.interval.1, "{of:?}");
        }
        // Normal approximation: 1.96 * 0.5 / sqrt(2000).
        assert!((many.interval.1 - 0.5 - 0.0219).abs() < 0.002, "{many:?}");
        assert!(few.interval.1 - few.interval.0 > 5.0 * (many.interval.1 - many.interval.0));
        assert_eq!(mean(&[]).mean, 0.0);
    }

    #[test]
    fn a_p_value_is_small_for_what_differs_always_and_large_for_what_does_not() {
        let a = vec![0.5; 40];
        let better: Vec<f64> = a.iter().map(|x| x + 0.1).collect();
        let other: Vec<f64> = (0..40)
            .map(|i| if i % 2 == 0 { 0.6 } else { 0.4 })
            .collect();
        assert!(p_value(&a, &better) < 0.001);
        assert!(p_value(&a, &other) > 0.5);
        assert_eq!(p_value(&a, &a), 1.0);
    }
}
