//! The papers of a day, a week or a month, in an order.
//!
//! ```text
//! days ──► papers of these days ──► order: votes, or closeness to a vector, or newest ──► `Days`
//! ```
//!
//! The day of a list and the day of publication are separate. The community's order is: more
//! upvotes, then more comments, then the later paper; without votes that is newest first.

use std::cmp::Reverse;

use jiff::civil::Date;

use crate::error::Result;
use crate::library::{Day, Library};
use crate::paper::{Paper, PartialDate};
use crate::vectors::{self, Row};

/// The papers of some days.
#[derive(Debug, Clone)]
pub struct Days {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// The day before the first that has papers.
    pub previous: Option<Date>,
    /// The day after the last that has papers.
    pub next: Option<Date>,
    /// The papers, in the order that was asked for.
    pub papers: Vec<DayPaper>,
}

/// A paper of a day.
#[derive(Debug, Clone)]
pub struct DayPaper {
    /// The paper.
    pub paper: Paper,
    /// Its first day among those that were asked for.
    pub day: Date,
    /// Its similarity to the ranking vector, if there is one; higher is closer.
    pub similarity: Option<f32>,
}

/// The papers of the days from `first` to `last`; closest to `near` first, shape `[dim]`, normalised,
/// if that is given.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database), [`Error::Damaged`](crate::Error::Damaged).
pub fn days(
    library: &Library,
    by: Day,
    (first, last): (Date, Date),
    near: Option<&[f32]>,
) -> Result<Days> {
    let mut papers = Vec::new();
    for (key, day) in library.papers_of_days(by, first, last)? {
        let Some((paper, _, row)) = library.paper(key)? else {
            continue;
        };
        let similarity = match (near, row) {
            (Some(near), Some(row)) => Some(closeness(library, near, row)?),
            _ => None,
        };
        papers.push(DayPaper {
            paper,
            day,
            similarity,
        });
    }
    match near {
        Some(_) => papers.sort_by(|a, b| {
            let closer = |paper: &DayPaper| paper.similarity.unwrap_or(f32::MIN);
            let by_closeness = closer(b).total_cmp(&closer(a));
            by_closeness.then_with(|| a.paper.id.cmp(&b.paper.id))
        }),
        None => papers.sort_by_cached_key(|paper| by_votes(&paper.paper)),
    }
    Ok(Days {
        first,
        last,
        previous: library.day_before(by, first)?,
        next: library.day_after(by, last)?,
        papers,
    })
}

/// The last day that has papers, of those up to `today`.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn last_day(library: &Library, by: Day, today: Date) -> Result<Option<Date>> {
    let tomorrow = today.tomorrow().unwrap_or(today);
    library.day_before(by, tomorrow)
}

fn closeness(library: &Library, near: &[f32], row: Row) -> Result<f32> {
    Ok(vectors::dot(near, &library.rows()?.vector(row)?).min(1.0))
}

/// The sort key of a community's papers: smaller keys come first.
type ByVotes = (
    Reverse<u32>,
    Reverse<u32>,
    Reverse<Option<PartialDate>>,
    String,
);

fn by_votes(paper: &Paper) -> ByVotes {
    (
        Reverse(paper.upvotes.unwrap_or(0)),
        Reverse(paper.n_comments.unwrap_or(0)),
        Reverse(paper.date()),
        paper.id.to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::PaperId;

    #[test]
    fn votes_come_before_comments_and_comments_before_dates() {
        let paper = |id: &str, upvotes, n_comments, date: &str| {
            let mut paper = Paper::new(PaperId::parse(id).unwrap(), "T", "");
            paper.upvotes = upvotes;
            paper.n_comments = n_comments;
            paper.published = date.parse().ok();
            paper
        };
        let mut papers = [
            paper("e", None, None, ""),
            paper("d", None, None, "2026-01-01"),
            paper("c", None, None, "2026-01-02"),
            paper("b", Some(3), Some(1), "2026-01-01"),
            paper("a", Some(3), Some(2), "2025-01-01"),
            paper("f", Some(10), None, "2024-01-01"),
        ];
        papers.sort_by_cached_key(by_votes);
        let order: Vec<&str> = papers.iter().map(|paper| paper.id.as_str()).collect();
        assert_eq!(order, ["f", "a", "b", "c", "d", "e"]);
    }
}
