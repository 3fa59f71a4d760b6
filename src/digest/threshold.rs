//! How close a paper has to be to a follow.
//!
//! ```text
//! the library ──► closest papers, best words ──┐
//!                                              ├──► close enough to both?
//! recent arrivals ──► the same ────────────────┘
//! ```
//!
//! A similarity alone does not say whether a paper is about something: 0.4 is close for one
//! question and far for another. So a paper is compared with others, twice.
//!
//! **The library.** A paper is close if no more than a [share](Follow::share) of all papers there is
//! as close. The share is counted exactly, over every embedding. Words that a model does not know
//! count too. A paper is also close if at most that share matches the words as well and at most
//! [`LOOSER`] times it is as close. In a small library that share is less than one paper, so the
//! [`LEAST_RANK`] closest papers of the library are always close.
//!
//! **Recent arrivals.** A feed about a field that the library lacks is closer to many follows than
//! the library is, with every paper. So a paper also has to be close among the papers that arrived in
//! [`RECENT_DAYS`](super::context::RECENT_DAYS) days and those that are compared. Arrivals differ from the library in one respect:
//! a large part of them may be about the follow. So their share is not simply the closest. Papers
//! that have nothing to do with a follow lie as far above the median as below it, and those about it
//! lie only above. The lower half, mirrored at the median, so shows how close the unrelated ones
//! come: an empirical null (Efron, 2004). A paper is close if no more than the share of this null is
//! as close. On a day when many papers are about a follow, all these pass. If most are, the median is
//! one of them, and the null says nothing. So the closest arrivals pass in any case: [`LOOSER`] times
//! the share, and at least [`LEAST_RECENT`]. A first digest has only its own papers to compare with.
//! Words count as in the library.
//!
//! Limit: the shares are those of *this* library and of its feeds. In a library about a single
//! subject, the closest two hundredth is closer than in one about everything.

use fixedbitset::FixedBitSet;

use super::context::{DigestContext, KeyAndRow, sample};
use super::follow::{Follow, LEAST_RANK};
use crate::error::Result;
use crate::index::{Mode, SearchOptions};
use crate::search::{Asked, Weight};

/// Factor on the share by meaning for papers that are found by words, and for recent arrivals.
const LOOSER: f64 = 5.0;
/// The closest recent arrivals are close among them, whatever their number.
const LEAST_RECENT: usize = 50;

/// How close the best papers are, and how well they match the words.
pub(super) struct Threshold {
    /// Similarities of the closest papers, closest first: those that are close enough, or if words
    /// may make up for meaning, those that may be. Empty if nothing is asked by meaning.
    similarities: Vec<f32>,
    /// BM25 of the papers that have most of the words, best first.
    word_scores: Vec<f32>,
    /// Whether the words could not be asked.
    pub(super) lacks_words: bool,
    n_papers: usize,
    /// Papers that are close enough.
    rank: usize,
    recent: Recent,
}

/// How close the papers are that arrived lately.
#[derive(Debug, Default)]
struct Recent {
    /// Of all, closest first. Empty if nothing is asked by meaning.
    similarities: Vec<f32>,
    /// BM25 of those that have most of the words, best first.
    word_scores: Vec<f32>,
    /// Those that are close enough in any case.
    rank: usize,
    share: f64,
}

impl Threshold {
    /// Compares with the library, and with `new` and what else arrived lately. `weighed` are the
    /// papers that are to be judged.
    pub(super) fn new(
        desk: &DigestContext<'_>,
        asked: &Asked,
        follow: &Follow,
        new: Vec<KeyAndRow>,
        weighed: &[Weight],
    ) -> Result<Threshold> {
        let rank = rank_of(follow.share(), desk.n_living());
        let mut bar = Threshold {
            similarities: Vec::new(),
            word_scores: Vec::new(),
            lacks_words: false,
            n_papers: desk.n_living(),
            rank,
            recent: Recent::default(),
        };
        let Some(vector) = asked.vector() else {
            return Ok(bar);
        };
        // The words of whole papers are too many to tell one subject from another.
        let words = follow.query.as_ref().map(|_| asked.words());
        if let (Ok(lexical), Some(words)) = (&desk.indexes().lexical, words) {
            match lexical.search(words, rank, None) {
                Ok(best) => bar.word_scores = best.iter().map(|m| m.score).collect(),
                Err(_) => bar.lacks_words = true,
            }
        }
        let looser = rank_of(follow.share() * LOOSER, desk.n_living());
        let n_closest = if weighed.iter().any(|paper| bar.is_found_by_words(paper)) {
            looser
        } else {
            rank
        };
        bar.similarities = closest(desk, vector, n_closest, desk.living())?;
        bar.recent = Recent::new(desk, asked, follow, new)?;
        Ok(bar)
    }

    /// Whether a paper is close enough to a follow.
    pub(super) fn is_close_enough(&self, paper: &Weight) -> bool {
        self.is_close_in_library(paper) && self.recent.is_close(paper)
    }

    fn is_close_in_library(&self, paper: &Weight) -> bool {
        // Only conditions, and all of them hold.
        if self.similarities.is_empty() {
            return true;
        }
        let similarity = paper.similarity;
        is_among(&self.similarities, self.rank, similarity)
            || (self.is_found_by_words(paper)
                && is_among(&self.similarities, usize::MAX, similarity))
    }

    /// Whether few papers have the words as much.
    fn is_found_by_words(&self, paper: &Weight) -> bool {
        paper.word_score > 0.0 && is_among(&self.word_scores, self.rank, paper.word_score)
    }

    /// The share of the library, in percent, that is less close than this.
    pub(super) fn closer_than(&self, similarity: f32) -> Option<f64> {
        let n_as_close = n_as_close(&self.similarities, similarity);
        let is_known = n_as_close < self.similarities.len() || n_as_close == self.n_papers;
        is_known.then(|| percent_less(n_as_close, self.n_papers))
    }

    /// The share of the recent arrivals, in percent, that is less close than this.
    pub(super) fn closer_than_recent(&self, similarity: f32) -> Option<f64> {
        let all = &self.recent.similarities;
        (!all.is_empty()).then(|| percent_less(n_as_close(all, similarity), all.len()))
    }
}

impl Recent {
    fn new(
        desk: &DigestContext<'_>,
        asked: &Asked,
        follow: &Follow,
        new: Vec<KeyAndRow>,
    ) -> Result<Recent> {
        let mut papers = desk.recent()?.to_vec();
        papers.extend(new);
        papers.sort_unstable();
        papers.dedup();
        let papers = sample(papers);
        let share = follow.share();
        let rank = recent_rank_of(share * LOOSER, papers.len());
        let mut recent = Recent {
            rank,
            share,
            ..Recent::default()
        };
        let Some(vector) = asked.vector().filter(|_| !papers.is_empty()) else {
            return Ok(recent);
        };
        let rows: FixedBitSet = papers.iter().map(|(_, row)| row.idx()).collect();
        recent.similarities = closest(desk, vector, papers.len(), Some(&rows))?;
        if let (Ok(lexical), Some(_)) = (&desk.indexes().lexical, &follow.query) {
            let keys: FixedBitSet = papers.iter().map(|(key, _)| key.0 as usize).collect();
            // Where they could not be asked, the library's could not, either: it is told of there.
            if let Ok(best) = lexical.search(asked.words(), rank, Some(&keys)) {
                recent.word_scores = best.iter().map(|m| m.score).collect();
            }
        }
        Ok(recent)
    }

    /// Whether a paper is closer than unrelated arrivals are, or one of the closest.
    fn is_close(&self, paper: &Weight) -> bool {
        let similarity = paper.similarity;
        let Some(null) = self.null() else {
            return true;
        };
        let not_far = recent_rank_of(self.share * LOOSER * LOOSER, self.similarities.len());
        let has_words =
            paper.word_score > 0.0 && is_among(&self.word_scores, self.rank, paper.word_score);
        similarity >= null
            || is_among(&self.similarities, self.rank, similarity)
            || (has_words && is_among(&self.similarities, not_far, similarity))
    }

    /// The similarity that a share of the unrelated arrivals reaches: the lower half's, mirrored at
    /// the median. `None` if there are no arrivals.
    fn null(&self) -> Option<f32> {
        let n = self.similarities.len();
        let n_lower = ((self.share * n as f64).ceil() as usize).max(1);
        let lower = self.similarities.get(n.checked_sub(n_lower)?)?;
        Some(2.0 * self.similarities[n / 2] - lower)
    }
}

/// The similarities of the `k` closest papers among the allowed rows, closest first.
fn closest(
    desk: &DigestContext<'_>,
    vector: &[f32],
    k: usize,
    allowed: Option<&FixedBitSet>,
) -> Result<Vec<f32>> {
    let options = SearchOptions {
        k,
        mode: Mode::Exact,
        ef_search: None,
        allowed,
    };
    let found = desk.indexes().index.search(vector, &options)?;
    // As for hits: no similarity is above that of the same text.
    Ok(found
        .iter()
        .map(|found| found.similarity.min(1.0))
        .collect())
}

/// Number of similarities, closest first, that are at least this one.
fn n_as_close(similarities: &[f32], similarity: f32) -> usize {
    similarities.partition_point(|other| *other >= similarity)
}

fn percent_less(n_as_close: usize, n_papers: usize) -> f64 {
    100.0 * n_papers.saturating_sub(n_as_close) as f64 / n_papers.max(1) as f64
}

/// Whether a score is at least the `n`th of scores, best first, or their last; of none it is not.
fn is_among(scores: &[f32], n: usize, score: f32) -> bool {
    let least = scores.get(n.min(scores.len()).wrapping_sub(1));
    least.is_some_and(|least| score >= *least)
}

/// Number of papers in a share of the library.
fn rank_of(share: f64, n_papers: usize) -> usize {
    let rank = (share * n_papers as f64).ceil() as usize;
    rank.max(LEAST_RANK).min(n_papers.max(1))
}

/// Number of papers in a share of the recent arrivals.
fn recent_rank_of(share: f64, n_papers: usize) -> usize {
    rank_of(share, n_papers).max(LEAST_RECENT.min(n_papers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::PaperKey;
    use crate::vectors::Row;

    fn paper(similarity: f32, word_score: f32) -> Weight {
        Weight {
            row: Row(0),
            key: PaperKey(1),
            similarity,
            word_score,
        }
    }

    /// A threshold of a library of 200 of which two may be as close, without recent arrivals.
    fn of_library(similarities: &[f32], word_scores: &[f32]) -> Threshold {
        Threshold {
            similarities: similarities.to_vec(),
            word_scores: word_scores.to_vec(),
            lacks_words: false,
            n_papers: 200,
            rank: 2,
            recent: Recent::default(),
        }
    }

    #[test]
    fn a_paper_is_close_enough_by_meaning_or_by_words_with_some_meaning() {
        let bar = of_library(&[0.9, 0.8, 0.7, 0.6, 0.5], &[9.0, 8.0]);
        let check = |similarity, words, expected: bool| {
            let found = bar.is_close_enough(&paper(similarity, words));
            assert_eq!(found, expected, "{similarity} {words}");
        };
        check(0.9, 0.0, true);
        check(0.8, 0.0, true);
        check(0.79, 0.0, false);
        check(0.79, 7.9, false);
        check(0.79, 8.0, true);
        check(0.5, 8.0, true);
        check(0.49, 99.0, false);
        let conditions = of_library(&[], &[9.0, 8.0]);
        assert!(conditions.is_close_enough(&paper(0.0, 0.0)));
    }

    #[test]
    fn words_that_no_paper_has_let_none_through() {
        let bar = Threshold {
            n_papers: 2,
            rank: 1,
            ..of_library(&[0.9, 0.8], &[])
        };
        assert!(!bar.is_close_enough(&paper(0.85, 0.0)));
        assert!(bar.is_close_enough(&paper(0.9, 0.0)));
    }

    #[test]
    fn what_is_said_to_be_less_close_is() {
        let mut bar = of_library(&[0.9, 0.8, 0.8, 0.6], &[]);
        assert_eq!(bar.closer_than(0.95), Some(100.0));
        assert_eq!(bar.closer_than(0.9), Some(99.5));
        assert_eq!(bar.closer_than(0.8), Some(98.5));
        // The papers closer than this were not counted.
        assert_eq!(bar.closer_than(0.6), None);
        assert_eq!(bar.closer_than(0.1), None);
        assert_eq!(bar.closer_than_recent(0.8), None, "nothing arrived");
        bar.recent.similarities = vec![0.9, 0.5, 0.4, 0.3];
        assert_eq!(bar.closer_than_recent(0.9), Some(75.0));
        assert_eq!(bar.closer_than_recent(0.2), Some(0.0));
    }

    #[test]
    fn a_share_is_at_least_a_few_papers() {
        assert_eq!(rank_of(0.005, 300_000), 1500);
        assert_eq!(rank_of(0.005, 1000), LEAST_RANK);
        assert_eq!(rank_of(0.005, 3), 3);
        assert_eq!(rank_of(1.0, 1000), 1000);
    }

    /// Arrivals with these similarities, of which a share of 1 in 100 may be as close.
    fn arrivals(similarities: impl IntoIterator<Item = f32>) -> Recent {
        let mut similarities: Vec<f32> = similarities.into_iter().collect();
        similarities.sort_by(|a, b| b.total_cmp(a));
        Recent {
            rank: recent_rank_of(0.01 * LOOSER, similarities.len()),
            share: 0.01,
            similarities,
            ..Recent::default()
        }
    }

    fn n_close(recent: &Recent) -> usize {
        let all = recent.similarities.iter();
        all.filter(|similarity| recent.is_close(&paper(**similarity, 0.0)))
            .count()
    }

    #[test]
    fn however_large_a_part_of_what_arrived_is_about_it_it_passes() {
        // Unrelated papers lie between 0 and 0.2, the others near 0.6.
        let unrelated = |n: usize| (0..n).map(move |i| 0.2 * i as f32 / n as f32);
        for n_about in [0, 20, 200, 450] {
            let about = (0..n_about).map(|i| 0.6 + 0.0001 * i as f32);
            let recent = arrivals(unrelated(1000 - n_about).chain(about));
            // The closest of all pass in any case, even if they are not about it.
            assert_eq!(n_close(&recent), n_about.max(50), "{n_about}");
        }
    }

    #[test]
    fn a_feed_that_is_closer_as_a_whole_is_not_about_it() {
        let shifted = arrivals((0..1000).map(|i| 0.4 + 0.0001 * i as f32));
        assert_eq!(n_close(&shifted), 50);
        let few = arrivals((0..LEAST_RECENT).map(|i| 0.01 * i as f32));
        assert_eq!(n_close(&few), LEAST_RECENT, "too few to tell");
    }

    #[test]
    fn words_count_among_arrivals_too() {
        let mut recent = arrivals((0..1000).map(|i| 0.0001 * i as f32));
        recent.word_scores = vec![9.0, 8.0];
        assert!(!recent.is_close(&paper(0.08, 7.0)));
        assert!(recent.is_close(&paper(0.08, 8.0)));
        assert!(!recent.is_close(&paper(0.07, 8.0)), "far in meaning");
        assert!(Recent::default().is_close(&paper(0.0, 0.0)), "none came");
    }
}
