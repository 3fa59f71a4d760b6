//! Papers related to one or several, and away from others.
//!
//! The query vector is Rocchio's (SMART, 1971) without the original query:
//! `normalise(mean(like) - NEGATIVE_WEIGHT * mean(unlike))` over the stored embeddings.
//! The given papers themselves are never returned; neither is a duplicate of one: a paper of the
//! same title, or one at least [`DUPLICATE_SIMILARITY`] close to it.

use std::collections::HashSet;

use super::{Answer, Hit, Query, nearest, rank};
use crate::error::{Error, Result};
use crate::index::Index;
use crate::library::{Library, PaperKey, Stored};
use crate::paper::{Paper, PaperId};
use crate::vectors;

/// How much the papers to be away from count against those to be close to.
pub const NEGATIVE_WEIGHT: f32 = 0.5;

/// From this cosine similarity to a given paper on, a paper counts as the same work: texts of
/// this closeness differ in a few words.
pub const DUPLICATE_SIMILARITY: f32 = 0.99;

/// A given paper with its embedding.
struct Given {
    key: PaperKey,
    paper: Paper,
    vector: Vec<f32>,
}

pub(super) fn answer(
    library: &Library,
    index: &Index,
    like: &[String],
    unlike: &[String],
    query: &Query,
) -> Result<Answer> {
    let like = given(library, like)?;
    let unlike = given(library, unlike)?;
    if like.is_empty() {
        return Err(Error::EmptyQuery);
    }
    let target = rocchio(&like, &unlike);
    let all: Vec<&Given> = like.iter().chain(&unlike).collect();
    let n_rows = library.rows()?.len();
    let mut wanted = query.k + all.len();
    loop {
        let (found, plan) = nearest(library, index, &target, query, wanted)?;
        let exhausted = found.len() < wanted || wanted >= n_rows;
        let mut answer = without_duplicates(library, found, &all, plan)?;
        if answer.hits.len() >= query.k || exhausted {
            answer.hits.truncate(query.k);
            return Ok(answer);
        }
        wanted = (2 * wanted).min(n_rows);
    }
}

/// The papers of these ids with their embeddings, each once.
fn given(library: &Library, ids: &[String]) -> Result<Vec<Given>> {
    let rows = library.rows()?;
    let mut met = HashSet::new();
    let mut given = Vec::with_capacity(ids.len());
    for id in ids {
        let Stored { key, paper, row } = library.find(id)?;
        let row = row.ok_or_else(|| Error::UnknownPaper { id: id.clone() })?;
        if met.insert(key) {
            let vector = rows.vector(row)?;
            given.push(Given { key, paper, vector });
        }
    }
    Ok(given)
}

fn rocchio(like: &[Given], unlike: &[Given]) -> Vec<f32> {
    let mut target = vec![0.0; like[0].vector.len()];
    for (papers, weight) in [(like, 1.0), (unlike, -NEGATIVE_WEIGHT)] {
        let share = weight / papers.len() as f32;
        for paper in papers {
            for (sum, x) in target.iter_mut().zip(&paper.vector) {
                *sum += share * x;
            }
        }
    }
    vectors::normalize(&mut target);
    target
}

fn without_duplicates(
    library: &Library,
    found: Vec<Hit>,
    given: &[&Given],
    plan: String,
) -> Result<Answer> {
    let titles: HashSet<PaperId> = given.iter().map(|g| title_of(&g.paper)).collect();
    let rows = library.rows()?;
    let mut hits = Vec::new();
    let mut left_out = Vec::new();
    for hit in found {
        let stored = library.find(hit.paper.id.as_str())?;
        if given.iter().any(|g| g.key == stored.key) {
            continue;
        }
        let vector = stored
            .row
            .map(|row| rows.vector(row))
            .transpose()?
            .unwrap_or_default();
        let near = |g: &&Given| vectors::dot(&g.vector, &vector) >= DUPLICATE_SIMILARITY;
        if titles.contains(&title_of(&hit.paper)) || given.iter().any(near) {
            left_out.push(hit.paper);
        } else {
            hits.push(hit);
        }
    }
    rank(&mut hits);
    Ok(Answer {
        hits,
        left_out,
        plan,
    })
}

fn title_of(paper: &Paper) -> PaperId {
    PaperId::from_title(&paper.title)
}
