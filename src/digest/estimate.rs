//! How much a follow would find, from what it would have found lately.
//!
//! In: a library as of the last day on which papers arrived in it, and a follow. Out: an
//! [`Estimate`]: what would have been found among the arrivals of the weeks before that day. In a
//! library that was filled at once, a paper arrived on its own date, so its last weeks are looked at.
//!
//! Limit: arrivals of less than a week say nothing about a week.

use jiff::civil::Date;
use jiff::{ToSpan, Unit};

use super::context::{DigestContext, RECENT_DAYS};
use super::follow::{DEFAULT_MIN_PERCENTILE, Follow};
use super::news::{self, FollowMatch};
use crate::error::Result;
use crate::library::{Day, Library, PaperKey};
use crate::paper::{Paper, PartialDate};

/// Papers a week that are many for one follow.
const MANY_A_WEEK: f64 = 30.0;

/// Percentiles that are proposed, one after the other.
const TIGHTER: [f64; 5] = [99.8, 99.9, 99.95, 99.98, 99.99];

/// What a follow would have found.
#[derive(Debug)]
pub struct Estimate {
    /// The first day whose arrivals were compared.
    pub first: Date,
    /// The last.
    pub last: Date,
    /// Number of papers that were compared.
    pub n_compared: usize,
    /// What would have been found, the last first.
    pub matches: Vec<FollowMatch>,
    /// A percentile with which there would be no more than 30 papers a week; `None` if there are not
    /// more, or if none is known.
    pub tighter: Option<f64>,
}

impl Estimate {
    /// The last day until today with arrivals; `None` if no paper has a day.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database).
    pub fn last_day(library: &Library, today: Date) -> Result<Option<Date>> {
        let tomorrow = today.tomorrow().unwrap_or(today);
        let listed = library.day_before(Day::Listed, tomorrow)?;
        Ok(listed.max(library.day_before(Day::Dated, tomorrow)?))
    }

    /// Number of papers a week; `None` if fewer than seven days were compared.
    pub fn per_week(&self) -> Option<f64> {
        let n_weeks = self.n_weeks();
        (n_weeks >= 1.0).then(|| self.matches.len() as f64 / n_weeks)
    }

    /// The compared days, in weeks.
    fn n_weeks(&self) -> f64 {
        let span = self.first.until((Unit::Day, self.last));
        f64::from(span.map_or(0, |span| span.get_days()) + 1) / 7.0
    }

    /// Whether that is so much that hardly anybody reads it.
    pub fn is_much(&self) -> bool {
        self.per_week().is_some_and(|n| n > MANY_A_WEEK)
    }
}

/// Estimates what a follow finds, from the weeks before the context's day.
///
/// # Errors
/// As [`find`](super::find).
pub fn estimate(desk: &DigestContext<'_>, follow: &Follow) -> Result<Estimate> {
    let (library, last) = (desk.library(), desk.today());
    let earliest = last.saturating_sub((RECENT_DAYS - 1).days());
    let keys = library.arrived_between(earliest, last)?;
    let before = earliest.yesterday().unwrap_or(earliest);
    // A feed's days say more than the dates of its papers, which come earlier.
    let listed = library
        .day_after(Day::Listed, before)?
        .filter(|day| *day <= last);
    let first = match listed {
        Some(day) => Some(day),
        None => library.day_after(Day::Dated, before)?,
    };
    let mut estimate = Estimate {
        first: first.unwrap_or(last).min(last),
        last,
        n_compared: keys.len(),
        matches: news::find(desk, follow, keys.clone())?.matches,
        tighter: None,
    };
    estimate.matches.sort_by(|a, b| {
        let dated = |paper: &Paper| paper.date().map(PartialDate::first);
        let day = |found: &FollowMatch| found.paper.listed.or_else(|| dated(&found.paper));
        day(b).cmp(&day(a))
    });
    if estimate.is_much() && follow.target().is_some() {
        let most = MANY_A_WEEK * estimate.n_weeks();
        estimate.tighter = tighter(desk, follow, &keys, most)?;
    }
    Ok(estimate)
}

/// The first higher percentile with which at most `n` of the papers are found.
fn tighter(
    desk: &DigestContext<'_>,
    follow: &Follow,
    keys: &[PaperKey],
    n: f64,
) -> Result<Option<f64>> {
    let present = follow.min_percentile.unwrap_or(DEFAULT_MIN_PERCENTILE);
    for percentile in TIGHTER.into_iter().filter(|p| *p > present) {
        let follow = Follow {
            min_percentile: Some(percentile),
            ..follow.clone()
        };
        if news::find(desk, &follow, keys.to_vec())?.matches.len() as f64 <= n {
            return Ok(Some(percentile));
        }
    }
    Ok(None)
}
