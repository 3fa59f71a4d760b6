//! What is rising: by votes that fade, or by topics that grow.
//!
//! **Votes**, if the community's are known. A vote of a paper that was listed `a` days ago counts
//!
//! ```text
//! score = upvotes · 2^(−a / h),   h = HALF_LIFE_DAYS
//! ```
//!
//! so a paper of today with 10 votes ranks with one of `h` days ago with 20. Limit: a dump gives
//! the number of votes, not when they were given; they all decay from the day of the list. Among
//! equal scores the later paper comes first.
//!
//! **Topics**, if there are no votes. Of the `m` = [`NEIGHBOURS`] papers nearest to a recent paper,
//! `r` are recent themselves. The expected number is `e = m · R / N`, if `R` of the `N` other
//! papers are recent. The score is the log-likelihood ratio of the two (Dunning, 1993), 0 if `r` is
//! at most `e`:
//!
//! ```text
//! score = 2 · (r · ln(r / e) + (m − r) · ln((m − r) / (m − e)))
//! ```
//!
//! It grows with how much denser in recent papers the neighbourhood is than the library, and with
//! how sure that is. A paper in the neighbourhood of a better one is the same topic, and left out.
//! Limits: growth of the library counts as growth of a topic: after a dump of one category
//! everything in it is rising. A library that is recent as a whole has no background, and nothing
//! rises. Duplicates of a paper are neighbours and are not counted. If there are more than
//! [`MOST_RECENT`] recent papers, an evenly spaced sample of that size is used.

use fixedbitset::FixedBitSet;
use jiff::civil::Date;
use jiff::{ToSpan, Unit};
use rayon::prelude::*;

use super::context::DigestContext;
use super::entry::{Brief, Riser};
use crate::error::Result;
use crate::index::{Index, SearchOptions};
use crate::library::{Filter, Library, PaperKey};
use crate::paper::{Paper, PartialDate};
use crate::search::DUPLICATE_SIMILARITY;
use crate::vectors::{Row, RowFile};

/// Half-life of a vote, in days.
pub const HALF_LIFE_DAYS: f64 = 3.0;

/// Days that are recent in a digest.
const DIGEST_DAYS: i32 = 7;
/// Number of neighbours.
const NEIGHBOURS: usize = 32;
/// Recent papers whose neighbours are examined.
const MOST_RECENT: usize = 512;
/// From this score on a topic grows by more than chance: 1 in 10,000 for one degree of freedom (χ²).
/// Of papers drawn at random 1 of 20,000 reached it (`benches/runs/2026-11-29-digest.md`).
const LEAST_SCORE: f64 = 15.14;

/// How papers are ranked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrendBy {
    /// By votes if there are any, else by topics.
    #[default]
    Either,
    /// By votes.
    Votes,
    /// By topics.
    Topics,
}

/// The options of a ranking of rising papers.
#[derive(Debug, Clone)]
pub struct TrendOptions {
    /// The last day that is recent.
    pub today: Date,
    /// Number of recent days, today included.
    pub days: i32,
    /// Categories or archives; the background is of these as well. Empty for all.
    pub categories: Vec<String>,
    /// How papers are ranked.
    pub by: TrendBy,
    /// Number of papers to return.
    pub k: usize,
}

/// A paper that is rising.
#[derive(Debug, Clone)]
pub struct Rising {
    /// The paper.
    pub paper: Paper,
    /// The score that ranks it; higher is better. Comparable within one answer.
    pub score: f64,
    /// Its votes, or its topic's growth.
    pub trend: Trend,
}

/// Why a paper is rising.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trend {
    /// It was voted for.
    Votes {
        /// How often.
        upvotes: u32,
        /// Days since it was listed.
        age_days: i32,
    },
    /// Papers like it are many of late.
    Topic {
        /// Recent papers among its neighbours.
        n_recent: usize,
        /// Its neighbours.
        n_neighbours: usize,
        /// Recent papers that there would be if the topic grew as the library does.
        expected: f64,
    },
}

impl Trend {
    /// Describes it as a sentence.
    pub fn words(&self) -> String {
        match self {
            Trend::Votes {
                upvotes, age_days, ..
            } => {
                let votes = if *upvotes == 1 { "upvote" } else { "upvotes" };
                match age_days {
                    0 => format!("{upvotes} {votes} today"),
                    1 => format!("{upvotes} {votes} in a day"),
                    n => format!("{upvotes} {votes} in {n} days"),
                }
            }
            Trend::Topic {
                n_recent,
                n_neighbours,
                expected,
            } => format!(
                "{n_recent} of the {n_neighbours} papers nearest to it are as recent; \
                 {expected:.1} would be usual"
            ),
        }
    }
}

/// What is rising, best first.
///
/// # Errors
/// What the index and the library fail with.
pub fn trending(desk: &DigestContext<'_>, options: &TrendOptions) -> Result<Vec<Rising>> {
    let library = desk.library();
    let before = options.days.max(1) - 1;
    let first = options.today.saturating_sub(before.days());
    let mut recent = library.arrived_between(first, options.today)?;
    if !options.categories.is_empty() {
        let filter = Filter {
            categories: options.categories.clone(),
            among: Some(recent),
            ..Filter::default()
        };
        recent = library.passing(&filter)?;
    }
    let voted = match options.by {
        TrendBy::Topics => Vec::new(),
        _ => by_votes(library, &recent, options.today)?,
    };
    let mut rising = match (options.by, voted.is_empty()) {
        (TrendBy::Votes, _) | (_, false) => voted,
        _ => by_topics(desk, &recent, options)?,
    };
    rising.truncate(options.k);
    Ok(rising)
}

/// The rising papers of a digest.
pub(super) fn risers(desk: &DigestContext<'_>, today: Date, k: usize) -> Result<Vec<Riser>> {
    let options = TrendOptions {
        today,
        days: DIGEST_DAYS,
        categories: Vec::new(),
        by: TrendBy::Either,
        k,
    };
    let riser = |rising: Rising| Riser {
        why: rising.trend.words(),
        brief: Brief::new(&rising.paper),
        authors: rising.paper.authors,
        categories: rising.paper.categories,
    };
    Ok(trending(desk, &options)?.into_iter().map(riser).collect())
}

fn by_votes(library: &Library, recent: &[PaperKey], today: Date) -> Result<Vec<Rising>> {
    let mut rising = Vec::new();
    for key in recent {
        let Some((paper, ..)) = library.paper(*key)? else {
            continue;
        };
        let day = day_of(&paper);
        let (Some(upvotes @ 1..), Some(day)) = (paper.upvotes, day) else {
            continue;
        };
        let age_days = age_days(day, today);
        rising.push(Rising {
            score: faded(upvotes, age_days),
            paper,
            trend: Trend::Votes { upvotes, age_days },
        });
    }
    sort(&mut rising);
    Ok(rising)
}

/// The day that it was listed, else the first that its date may be.
fn day_of(paper: &Paper) -> Option<Date> {
    let dated = || paper.date().map(PartialDate::first);
    paper.listed.or_else(dated)
}

/// Days from one day to another, at least 0.
fn age_days(day: Date, today: Date) -> i32 {
    let span = day.until((Unit::Day, today));
    span.map_or(0, |span| span.get_days().max(0))
}

/// What votes of that age count.
fn faded(upvotes: u32, age_days: i32) -> f64 {
    f64::from(upvotes) * 0.5f64.powf(f64::from(age_days) / HALF_LIFE_DAYS)
}

/// Best first; of equal ones the later paper first.
fn sort(rising: &mut [Rising]) {
    rising.sort_by(|a, b| {
        let later = |rising: &Rising| day_of(&rising.paper);
        let better = b.score.total_cmp(&a.score);
        better
            .then_with(|| later(b).cmp(&later(a)))
            .then_with(|| a.paper.id.cmp(&b.paper.id))
    });
}

/// A recent paper with those near to it.
struct Neighbourhood {
    row: Row,
    near: Vec<Row>,
    n_recent: usize,
    expected: f64,
    score: f64,
}

fn by_topics(
    desk: &DigestContext<'_>,
    recent: &[PaperKey],
    options: &TrendOptions,
) -> Result<Vec<Rising>> {
    let library = desk.library();
    let background = library.allowed(&Filter {
        categories: options.categories.clone(),
        ..Filter::default()
    })?;
    let rows = library.rows()?;
    let found = library.rows_of_keys(recent)?;
    let recent: Vec<Row> = found.into_iter().flatten().map(|(row, _)| row).collect();
    let n_papers = background
        .as_ref()
        .map_or(rows.len(), |living| living.count_ones(..));
    let background = TopicBackground {
        rows: &rows,
        index: desk.indexes().index,
        allowed: background.as_ref(),
        recent: recent.iter().map(|row| row.idx()).collect(),
        share: recent.len().saturating_sub(1) as f64 / n_papers.saturating_sub(1).max(1) as f64,
    };
    let step = recent.len().div_ceil(MOST_RECENT).max(1);
    let looked_at: Vec<Row> = recent.into_iter().step_by(step).collect();
    let around = looked_at.par_iter().map(|row| background.around(*row));
    let mut around: Vec<Neighbourhood> = around.collect::<Result<_>>()?;
    around.retain(|neighbourhood| neighbourhood.score >= LEAST_SCORE);
    around.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    let mut rising = Vec::new();
    for neighbourhood in one_a_topic(around).into_iter().take(options.k) {
        rising.push(Rising {
            paper: library.paper_at(neighbourhood.row)?,
            score: neighbourhood.score,
            trend: Trend::Topic {
                n_recent: neighbourhood.n_recent,
                n_neighbours: neighbourhood.near.len(),
                expected: neighbourhood.expected,
            },
        });
    }
    sort(&mut rising);
    Ok(rising)
}

/// What topics are compared with.
struct TopicBackground<'a> {
    rows: &'a RowFile,
    index: &'a Index,
    allowed: Option<&'a FixedBitSet>,
    /// Rows of recent papers.
    recent: FixedBitSet,
    /// Of the other papers, those that are recent.
    share: f64,
}

impl TopicBackground<'_> {
    fn around(&self, row: Row) -> Result<Neighbourhood> {
        let vector = self.rows.vector(row)?;
        let options = SearchOptions {
            allowed: self.allowed,
            // A few of them are the paper itself and its duplicates.
            ..SearchOptions::nearest(NEIGHBOURS + 8)
        };
        let near = self.index.search(&vector, &options)?.into_iter();
        let others = near.filter(|near| near.row != row && near.similarity < DUPLICATE_SIMILARITY);
        let near: Vec<Row> = others.map(|near| near.row).take(NEIGHBOURS).collect();
        let is_recent = |row: &&Row| self.recent.contains(row.idx());
        let n_recent = near.iter().filter(is_recent).count();
        let expected = near.len() as f64 * self.share;
        Ok(Neighbourhood {
            row,
            score: growth(n_recent, near.len(), expected),
            near,
            n_recent,
            expected,
        })
    }
}

/// The log-likelihood ratio of `r` of `m` against `e` expected; 0 if `r` is at most `e`.
fn growth(r: usize, m: usize, e: f64) -> f64 {
    let (r, m) = (r as f64, m as f64);
    if r <= e || e <= 0.0 || e >= m {
        return 0.0;
    }
    let rest = if r < m {
        (m - r) * ((m - r) / (m - e)).ln()
    } else {
        0.0
    };
    2.0 * (r * (r / e).ln() + rest)
}

/// Leaves out a paper in the neighbourhood of a better one, or with a better one in its own.
fn one_a_topic(around: Vec<Neighbourhood>) -> Vec<Neighbourhood> {
    let mut kept: Vec<Neighbourhood> = Vec::new();
    for neighbourhood in around {
        let is_known = |better: &Neighbourhood| {
            better.near.contains(&neighbourhood.row) || neighbourhood.near.contains(&better.row)
        };
        if !kept.iter().any(is_known) {
            kept.push(neighbourhood);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_counts_half_after_three_days() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(age_days(date("2026-02-27"), date("2026-03-02")), 3);
        assert_eq!(age_days(date("2026-03-03"), date("2026-03-02")), 0);
        for (upvotes, age, expected) in [(10, 0, 10.0), (20, 3, 10.0), (40, 6, 10.0), (0, 1, 0.0)] {
            assert!(
                (faded(upvotes, age) - expected).abs() < 1e-9,
                "{upvotes} {age}"
            );
        }
        assert!(faded(10, 1) > 7.9 && faded(10, 1) < 8.0);
    }

    #[test]
    fn growth_is_how_much_denser_and_how_sure() {
        // 2 · 32 · ln 10, by hand.
        assert!((growth(32, 32, 3.2) - 147.365).abs() < 1e-3);
        // 2 · (16 · ln 5 + 16 · ln (16 / 28.8)), by hand.
        assert!((growth(16, 32, 3.2) - 32.693).abs() < 1e-3);
        assert!(growth(16, 32, 3.2) < growth(17, 32, 3.2));
        assert!(growth(16, 32, 3.2) > growth(8, 16, 1.6));
        for (r, m, e) in [
            (3, 32, 3.2),
            (0, 32, 3.2),
            (0, 0, 0.0),
            (32, 32, 32.0),
            (5, 32, 0.0),
        ] {
            assert_eq!(growth(r, m, e), 0.0, "{r} of {m}, {e} expected");
        }
        assert!(growth(5, 32, 3.2) < LEAST_SCORE);
    }

    #[test]
    fn a_topic_is_named_once() {
        let around = |row: u32, near: &[u32]| Neighbourhood {
            row: Row(row),
            near: near.iter().map(|row| Row(*row)).collect(),
            n_recent: 1,
            expected: 0.1,
            score: 20.0,
        };
        let kept = one_a_topic(vec![
            around(1, &[2, 3]),
            around(2, &[9]),
            around(4, &[1]),
            around(5, &[6, 2]),
        ]);
        let rows: Vec<u32> = kept.iter().map(|kept| kept.row.0).collect();
        assert_eq!(rows, [1, 5]);
    }
}
