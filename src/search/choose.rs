//! From ordered candidates to hits: each work once.
//!
//! Invariants: equal scores are ordered by paper id. A duplicate of a better hit is folded into it.
//! A damaged paper is left out and named.

use super::answer::Hit;
use super::fusion::RankedCandidate;
use super::hybrid::Candidates;
use super::request::Request;
use super::work::Work;
use crate::error::{Error, Result};
use crate::library::PaperKey;
use crate::paper::Paper;
use crate::vectors::Row;

/// Damaged papers that are named; more are counted.
const DAMAGE_NAMED: usize = 3;

/// The candidates that are shown, and those that are not.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) hits: Vec<Hit>,
    /// Duplicates of the given papers.
    pub(super) like_given: Vec<LikeGiven>,
    /// Names the damaged papers, which are not shown.
    pub(super) notes: Vec<String>,
}

/// A duplicate of a given paper.
pub(super) struct LikeGiven {
    pub(super) row: Option<Row>,
    pub(super) key: Option<PaperKey>,
    pub(super) paper: Paper,
}

/// Takes the first k works, without duplicates of the given papers.
///
/// # Errors
/// What the library fails with, except for damaged papers.
pub(super) fn choose(
    request: &Request<'_>,
    found: &Candidates,
    order: &[RankedCandidate],
) -> Result<Chosen> {
    let query = request.query;
    let rows = request.indexes.library.rows()?;
    let lookup = request.indexes.library.lookup();
    let mut chosen = Chosen::default();
    let mut works: Vec<Work> = Vec::new();
    let mut n_damaged = 0;
    for ranked in order {
        // Hits that tie with the last are ordered by their ids.
        let is_full = chosen.hits.len() >= request.k;
        let last = chosen.hits.last();
        let ties = !query.is_diverse() && last.is_some_and(|hit| hit.score == ranked.score);
        if is_full && !ties {
            break;
        }
        let candidate = &found.list[ranked.candidate];
        let paper = match candidate.paper(request.indexes.library) {
            Ok(paper) => paper,
            Err(damage @ Error::Damaged { .. }) => {
                n_damaged += 1;
                if n_damaged <= DAMAGE_NAMED {
                    let note = format!("{damage}: a paper is left out; `akin check` names it");
                    chosen.notes.push(note);
                }
                continue;
            }
            Err(other) => return Err(other),
        };
        if !query.keeps_duplicates {
            let vector = candidate.row.map(|row| rows.vector(row)).transpose()?;
            let work = Work::new(&paper, vector.unwrap_or_default());
            let mut given = request.given.iter();
            if given.any(|given| work.is_like_given(&given.work)) {
                let (row, key) = (candidate.row, candidate.key);
                chosen.like_given.push(LikeGiven { row, key, paper });
                continue;
            }
            let same = works.iter().position(|other| work.is_that_of(other));
            if let Some(same) = same
                && !lookup.is_split(&chosen.hits[same].paper.id, &paper.id)?
            {
                chosen.hits[same].duplicates.push(paper);
                continue;
            }
            works.push(work);
        }
        chosen
            .hits
            .push(Hit::new(candidate, found.matching, ranked.score, paper));
    }
    if !query.is_diverse() {
        chosen.hits.sort_by(|a, b| {
            let better = b.score.total_cmp(&a.score);
            better.then_with(|| a.paper.id.cmp(&b.paper.id))
        });
    }
    if n_damaged > DAMAGE_NAMED {
        let n_more = n_damaged - DAMAGE_NAMED;
        let note = format!("{n_more} more papers are left out as damaged");
        chosen.notes.push(note);
    }
    chosen.hits.truncate(request.k);
    for (place, hit) in chosen.hits.iter_mut().enumerate() {
        hit.rank = place + 1;
    }
    Ok(chosen)
}
