//! From ordered candidates to hits: each work once.
//!
//! Invariants: equal scores are ordered by paper id. A duplicate of a better hit is folded into it.
//! A damaged paper is left out and named.

use super::answer::Hit;
use super::hybrid::{Candidate, Candidates};
use super::order::RankedCandidate;
use super::query::Matching;
use super::request::Request;
use super::work::Work;
use crate::error::{Error, Result};
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
    /// Why papers cannot be shown: they are damaged.
    damage: Vec<String>,
}

/// A duplicate of a given paper.
pub(super) struct LikeGiven {
    pub(super) row: Row,
    pub(super) paper: Paper,
}

impl Chosen {
    /// Names the papers that are left out as damaged.
    pub(super) fn damage_notes(&self) -> Vec<String> {
        let named = self.damage.iter().take(DAMAGE_NAMED);
        let mut notes: Vec<String> = named
            .map(|damage| format!("{damage}: a paper is left out; `akin check` names it"))
            .collect();
        let n_more = self.damage.len().saturating_sub(DAMAGE_NAMED);
        if n_more > 0 {
            notes.push(format!("{n_more} more papers are left out as damaged"));
        }
        notes
    }
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
    for ranked in order {
        // Hits that tie with the last are ordered by their ids.
        let is_full = chosen.hits.len() >= request.k;
        let last = chosen.hits.last();
        let ties = !query.is_diverse() && last.is_some_and(|hit| hit.score == ranked.score);
        if is_full && !ties {
            break;
        }
        let candidate = &found.list[ranked.candidate];
        let paper = match request.indexes.library.paper_at(candidate.row) {
            Ok(paper) => paper,
            Err(damage @ Error::Damaged { .. }) => {
                chosen.damage.push(damage.to_string());
                continue;
            }
            Err(other) => return Err(other),
        };
        if !query.keeps_duplicates {
            let work = Work::new(&paper, rows.vector(candidate.row)?);
            let mut given = request.given.iter();
            if given.any(|given| work.is_like_given(&given.work)) {
                let row = candidate.row;
                chosen.like_given.push(LikeGiven { row, paper });
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
            .push(hit(candidate, found.matching, ranked.score, paper));
    }
    if !query.is_diverse() {
        chosen.hits.sort_by(|a, b| {
            let better = b.score.total_cmp(&a.score);
            better.then_with(|| a.paper.id.cmp(&b.paper.id))
        });
    }
    chosen.hits.truncate(request.k);
    for (place, hit) in chosen.hits.iter_mut().enumerate() {
        hit.rank = place + 1;
    }
    Ok(chosen)
}

fn hit(candidate: &Candidate, matching: Matching, score: f32, paper: Paper) -> Hit {
    Hit {
        rank: 0,
        score,
        rerank_score: None,
        similarity: (matching != Matching::Lexical).then_some(candidate.similarity),
        percentile: candidate.percentile,
        dense_rank: candidate.dense_rank,
        lexical_rank: candidate.lexical_rank,
        word_score: (matching != Matching::Dense).then_some(candidate.word_score),
        matching,
        row: candidate.row,
        paper,
        duplicates: Vec::new(),
    }
}
