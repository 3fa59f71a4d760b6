//! A second look at the first hits of an answer, by a model that reads each with the question.
//!
//! ```text
//! hits ──► the first 100 ──► question and paper, read together ──► their scores' order
//!      └─► the rest ─────────────────────────────────────────────► behind them, as they were
//! ```
//!
//! In: an [`Answer`] and a [`CrossEncoder`]. Out: the answer in another order, each hit that was read
//! with its score. A paper is read as it was embedded: title and abstract.
//!
//! Invariants: no hit comes or goes; equal scores stay in the order that they were in; a hit's `score`
//! never rises with its rank.

use super::answer::{Answer, Hit};
use super::asked::answer;
use super::indexes::Indexes;
use super::query::{Query, Target};
use crate::encoder::{CrossEncoder, Encoder};
use crate::error::Result;
use crate::library::Library;

/// Hits that are read again. Further down there is little to find, and each costs the same time.
pub const RERANK_DEPTH: usize = 100;

/// Answers a query as [`answer`] does, and reranks what it finds. The papers of the query are given
/// by their titles and abstracts; those to be away from only affect what is found.
///
/// # Errors
/// As [`answer`] and [`CrossEncoder::score`].
pub fn answer_reranked(
    indexes: &Indexes<'_>,
    encoder: Option<&Encoder>,
    reranker: &CrossEncoder,
    query: &Query,
) -> Result<Answer> {
    let deep = Query {
        k: query.k.max(RERANK_DEPTH),
        ..query.clone()
    };
    let mut found = answer(indexes, encoder, &deep)?;
    let text = match &query.target {
        Target::Text(_) | Target::Plain(_) => found.words.text().to_owned(),
        Target::Papers { like, draft, .. } => {
            let mut passages = passages(indexes.library, like)?;
            passages.extend(draft.iter().map(|draft| draft.passage()));
            passages.join("\n")
        }
    };
    rerank(reranker, &text, &mut found)?;
    found.hits.truncate(query.k);
    Ok(found)
}

/// Orders the first [`RERANK_DEPTH`] hits of an answer by a cross-encoder's scores for each hit and
/// the query.
///
/// # Errors
/// As [`CrossEncoder::score`].
pub fn rerank(reranker: &CrossEncoder, question: &str, answer: &mut Answer) -> Result<()> {
    if question.trim().is_empty() {
        let note = "nothing is reranked: the query has conditions but no text";
        answer.notes.push(note.to_owned());
        return Ok(());
    }
    let read = answer.hits.iter().take(RERANK_DEPTH);
    let passages: Vec<String> = read.map(|hit| hit.paper.passage()).collect();
    let scored = reranker.score(question, &passages)?;
    if scored.n_truncated > 0 {
        answer.notes.push(format!(
            "{} of {} papers were truncated for reranking: {} sees {} tokens, including the query's",
            scored.n_truncated,
            passages.len(),
            reranker.name(),
            reranker.max_tokens()
        ));
    }
    answer.plan += &format!(", the first {} reranked", passages.len());
    reorder(&mut answer.hits, &scored.scores);
    Ok(())
}

/// The passages of these papers.
fn passages(library: &Library, ids: &[String]) -> Result<Vec<String>> {
    let passage = |id: &String| Ok(library.find(id)?.paper.passage());
    ids.iter().map(passage).collect()
}

/// Gives the first hits these scores and their order, and the rest scores below.
fn reorder(hits: &mut [Hit], scores: &[f32]) {
    let (read, rest) = hits.split_at_mut(scores.len());
    for (hit, &score) in read.iter_mut().zip(scores) {
        hit.rerank_score = Some(score);
        hit.score = score;
    }
    read.sort_by(|a, b| b.score.total_cmp(&a.score));
    let last = read.last().map_or(0.0, |hit| hit.score);
    let first = rest.first().map_or(0.0, |hit| hit.score);
    for hit in rest {
        hit.score = last - 1.0 - (first - hit.score);
    }
    for (place, hit) in hits.iter_mut().enumerate() {
        hit.rank = place + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::{Paper, PaperId};
    use crate::search::Matching;
    use crate::vectors::Row;

    /// Hits with these scores, each by the row of its place.
    fn hits(scores: &[f32]) -> Vec<Hit> {
        let hit = |(place, &score): (usize, &f32)| Hit {
            rank: place + 1,
            score,
            rerank_score: None,
            similarity: Some(0.5),
            percentile: None,
            dense_rank: None,
            lexical_rank: None,
            word_score: Some(0.0),
            matching: Matching::Hybrid,
            row: Some(Row(place as u32)),
            paper: Paper::new(PaperId::parse("a").unwrap(), "Any", ""),
            duplicates: Vec::new(),
        };
        scores.iter().enumerate().map(hit).collect()
    }

    #[test]
    fn the_first_are_ordered_anew_and_the_rest_stay_behind_them() {
        let check = |before: &[f32], scores: &[f32], rows: &[u32]| {
            let mut hits = hits(before);
            reorder(&mut hits, scores);
            let found: Vec<u32> = hits.iter().map(|hit| hit.row.unwrap().0).collect();
            assert_eq!(found, rows, "{before:?} {scores:?}");
            assert!(hits.is_sorted_by(|a, b| a.score >= b.score), "{hits:?}");
            let ranks: Vec<usize> = hits.iter().map(|hit| hit.rank).collect();
            assert_eq!(ranks, (1..=rows.len()).collect::<Vec<_>>());
            let n_read = hits.iter().filter(|hit| hit.rerank_score.is_some()).count();
            assert_eq!(n_read, scores.len());
        };
        check(&[], &[], &[]);
        check(&[0.9, 0.8, 0.7], &[-1.0, 3.0, 2.0], &[1, 2, 0]);
        check(&[0.9, 0.8, 0.7], &[1.0, 1.0, 1.0], &[0, 1, 2]);
        check(&[0.9, 0.8, 0.7, 0.7], &[-5.0, -4.0], &[1, 0, 2, 3]);
        check(&[9.0, 8.0, 7.0], &[0.1, 0.2], &[1, 0, 2]);
    }
}
