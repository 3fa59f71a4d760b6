//! From candidates to hits.
//!
//! ```text
//! candidates ──► scores ──► close enough ──► younger first ──► unlike one another ──► hits
//!                fusion     percentile       half-life         diversity             duplicates folded
//! ```
//!
//! Invariants: min(k, papers that may be returned) hits: where duplicates and what is not close enough
//! leave too few, candidates are looked for deeper; equal scores are ordered by paper id.

use super::facets::Facets;
use super::fusion::{self, DEPTH, DenseShare, FEEDBACK_PAPERS};
use super::hybrid::{Candidate, Candidates, Finder};
use super::related::Given;
use super::work::Work;
use super::{Answer, Hit, Indexes, Matching, Query, closeness, nothing, preference};
use crate::error::{Error, Result};
use crate::index::lexical::WordQuery;
use crate::paper::Paper;
use crate::vectors::Row;

/// Candidates more than hits, where the nearest are all that is wanted: some may be duplicates.
const SPARE: usize = 8;

/// What was chosen of the candidates.
#[derive(Default)]
struct Chosen {
    hits: Vec<Hit>,
    /// Duplicates of the given papers.
    left_out: Vec<(Row, Paper)>,
    /// Why papers cannot be shown: they are damaged.
    damage: Vec<String>,
}

/// Damaged papers that are named, of those that cannot be shown.
const DAMAGE_NAMED: usize = 3;

/// Answers a question of which the vector, shape `[dim]`, normalised, and the words are given; the
/// given papers and their duplicates are not found.
pub(super) fn answer(
    indexes: &Indexes<'_>,
    vector: Option<&[f32]>,
    words: &WordQuery,
    query: &Query,
    given: &[Given],
) -> Result<Answer> {
    let n_rows = indexes.library.rows()?.len();
    // No caller's number is memory that is asked for.
    let query = &Query {
        k: query.k.min(n_rows),
        ..query.clone()
    };
    let mut finder = Finder::of(indexes, vector, words, query)?;
    finder.exclude(given.iter().filter_map(|given| given.row));
    let mut depth = first_depth(query, finder.matching());
    let mut left_out = Vec::new();
    let share = match given.is_empty() {
        true => DenseShare::QUESTION,
        false => DenseShare::PAPERS,
    };
    loop {
        let found = finder.find(depth)?;
        let order = ordered(indexes, vector, query, &found, share)?;
        let chosen = choose(indexes, query, given, &found, &order)?;
        if !chosen.left_out.is_empty() {
            // What they are like does not count either.
            for (row, paper) in chosen.left_out {
                finder.exclude([row]);
                left_out.push(paper);
            }
            continue;
        }
        if chosen.hits.len() < query.k && may_hold_more(indexes, query, &found) && depth < n_rows {
            depth = (2 * depth).min(n_rows);
            continue;
        }
        let n_more = chosen.damage.len().saturating_sub(DAMAGE_NAMED);
        let named = chosen.damage.iter().take(DAMAGE_NAMED);
        let named =
            named.map(|damage| format!("{damage}: a paper is left out; `akin check` names it"));
        finder.notes.extend(named);
        if n_more > 0 {
            finder
                .notes
                .push(format!("{n_more} more papers are left out as damaged"));
        }
        let facets = match query.with_facets {
            true => Some(facets(indexes, &found, &order)?),
            false => None,
        };
        let nearest = found.list.iter().map(|candidate| candidate.similarity);
        let nothing = match chosen.hits.is_empty() {
            true => {
                let why = nothing::why(indexes, words, query, found.matching, !given.is_empty());
                Some(why?)
            }
            false => None,
        };
        finder
            .notes
            .extend(unmeasured(indexes, query, found.matching));
        return Ok(Answer {
            hits: chosen.hits,
            nothing,
            left_out,
            facets,
            nearest: vector.and_then(|_| nearest.reduce(f32::max)),
            is_far: false,
            plan: found.plan,
            notes: finder.notes,
            vector: vector.map(<[f32]>::to_vec),
            words: words.clone(),
        });
    }
}

fn first_depth(query: &Query, matching: Matching) -> usize {
    let chooses = query.is_diverse() || query.half_life_days.is_some() || query.with_facets;
    match matching {
        Matching::Dense if query.keeps_duplicates && !chooses => query.k,
        Matching::Dense if !chooses => query.k + SPARE,
        _ => DEPTH.max(query.k),
    }
}

/// Whether looking deeper can find a paper that is wanted: not past all papers, nor past the last that
/// is close enough.
fn may_hold_more(indexes: &Indexes<'_>, query: &Query, found: &Candidates) -> bool {
    let last = found.list.iter().rev().find(|c| c.dense_rank.is_some());
    let is_past = last.is_some_and(|last| !is_close(indexes, query, found, last));
    !found.is_all && !is_past
}

/// Says why a least percentile that is asked for lets all papers through, if it does.
fn unmeasured(indexes: &Indexes<'_>, query: &Query, matching: Matching) -> Option<String> {
    query.min_percentile?;
    let why = closeness::why_none(indexes, matching)?;
    Some(format!("no paper is left out by its percentile: {why}"))
}

fn is_close(
    indexes: &Indexes<'_>,
    query: &Query,
    found: &Candidates,
    candidate: &Candidate,
) -> bool {
    let (Some(wanted), true) = (query.min_percentile, found.matching != Matching::Lexical) else {
        return true;
    };
    let percentile = closeness::percentile(indexes.index, candidate.similarity);
    percentile.is_none_or(|percentile| percentile >= wanted)
}

/// The places of the candidates that are close enough, with their scores, in the order of the answer.
fn ordered(
    indexes: &Indexes<'_>,
    vector: Option<&[f32]>,
    query: &Query,
    found: &Candidates,
    share: DenseShare,
) -> Result<Vec<(usize, f32)>> {
    let candidates = &found.list;
    let mut scores = match (found.matching, vector) {
        (Matching::Hybrid, Some(vector)) => mixed(indexes, vector, candidates, share)?,
        _ => fusion::plain(candidates, found.matching),
    };
    if let Some(half_life_days) = query.half_life_days {
        let rows: Vec<Row> = candidates.iter().map(|candidate| candidate.row).collect();
        let dates = indexes.library.dates(&rows)?;
        preference::decay(&mut scores, &dates, half_life_days);
    }
    let mut order = fusion::order(candidates, scores);
    order.retain(|(place, _)| is_close(indexes, query, found, &candidates[*place]));
    if query.is_diverse() {
        let depth = DEPTH.max(query.k).min(order.len());
        let rows = indexes.library.rows()?;
        let vectors = order[..depth]
            .iter()
            .map(|(place, _)| rows.vector(candidates[*place].row));
        let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
        let scores: Vec<f32> = order[..depth].iter().map(|(_, score)| *score).collect();
        let chosen = preference::diverse(&scores, &vectors, query.diversity, query.k + SPARE);
        order = chosen.into_iter().map(|place| order[place]).collect();
    }
    Ok(order)
}

/// The mixed scores of candidates, after the question was moved towards the best of them.
fn mixed(
    indexes: &Indexes<'_>,
    vector: &[f32],
    candidates: &[Candidate],
    share: DenseShare,
) -> Result<Vec<f32>> {
    let rows = indexes.library.rows()?;
    let vectors = candidates
        .iter()
        .map(|candidate| rows.vector(candidate.row));
    let vectors: Vec<Vec<f32>> = vectors.collect::<Result<_>>()?;
    let first = fusion::mixed(
        &fusion::plain(candidates, Matching::Dense),
        candidates,
        share,
    );
    let best = fusion::order(candidates, first)
        .into_iter()
        .take(FEEDBACK_PAPERS);
    let best: Vec<(f32, Vec<f32>)> = best
        .map(|(place, score)| (score, vectors[place].clone()))
        .collect();
    let moved = fusion::moved(vector, &best);
    let similarities = fusion::similarities(&moved, &vectors);
    Ok(fusion::mixed(&similarities, candidates, share))
}

/// The first k, duplicates of the given papers left out, and those of a better hit folded into it.
fn choose(
    indexes: &Indexes<'_>,
    query: &Query,
    given: &[Given],
    found: &Candidates,
    order: &[(usize, f32)],
) -> Result<Chosen> {
    let rows = indexes.library.rows()?;
    let lookup = indexes.library.lookup();
    let mut chosen = Chosen::default();
    let mut works: Vec<Work> = Vec::new();
    for &(place, score) in order {
        // Those that tie with the last are ordered by their ids.
        let is_full = chosen.hits.len() >= query.k;
        let ties = !query.is_diverse() && chosen.hits.last().is_some_and(|h| h.score == score);
        if is_full && !ties {
            break;
        }
        let candidate = &found.list[place];
        let paper = match indexes.library.paper_at(candidate.row) {
            Ok(paper) => paper,
            Err(damage @ Error::Damaged { .. }) => {
                chosen.damage.push(damage.to_string());
                continue;
            }
            Err(other) => return Err(other),
        };
        if !query.keeps_duplicates {
            let work = Work::of(&paper, rows.vector(candidate.row)?);
            if given.iter().any(|given| work.is_like_given(&given.work)) {
                chosen.left_out.push((candidate.row, paper));
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
        let percentile = match found.matching {
            Matching::Lexical => None,
            _ => closeness::percentile(indexes.index, candidate.similarity),
        };
        chosen.hits.push(Hit {
            rank: 0,
            score,
            rerank_score: None,
            similarity: (found.matching != Matching::Lexical).then_some(candidate.similarity),
            percentile,
            dense_rank: candidate.dense_rank,
            lexical_rank: candidate.lexical_rank,
            word_score: (found.matching != Matching::Dense).then_some(candidate.word_score),
            matching: found.matching,
            row: candidate.row,
            paper,
            duplicates: Vec::new(),
        });
    }
    if !query.is_diverse() {
        chosen.hits.sort_by(|a, b| {
            let better = b.score.total_cmp(&a.score);
            better.then_with(|| a.paper.id.cmp(&b.paper.id))
        });
    }
    chosen.hits.truncate(query.k);
    for (place, hit) in chosen.hits.iter_mut().enumerate() {
        hit.rank = place + 1;
    }
    Ok(chosen)
}

fn facets(indexes: &Indexes<'_>, found: &Candidates, order: &[(usize, f32)]) -> Result<Facets> {
    let papers = order.iter().take(DEPTH);
    let papers = papers.map(|(place, _)| indexes.library.paper_at(found.list[*place].row));
    let papers = papers.filter(|paper| !matches!(paper, Err(Error::Damaged { .. })));
    Ok(Facets::of(&papers.collect::<Result<Vec<Paper>>>()?))
}
