//! Papers related to one or several, and away from others.
//!
//! The query vector is Rocchio's (SMART, 1971) without the original query: over the stored
//! embeddings, with the weights β and γ of [`Rocchio`],
//!
//! ```text
//! target = normalise(β · mean(like) − γ · mean(unlike))
//! ```
//!
//! Their words are those of the papers to be close to: the rarest, by their frequency there ("more
//! like this"). Vector and words are then asked like a question's.
//!
//! The given papers themselves are never returned, nor is a duplicate of one. A duplicate has the
//! same title, or is at least [`DUPLICATE_SIMILARITY`](super::DUPLICATE_SIMILARITY) close.

use std::collections::HashSet;

use super::query::Rocchio;
use super::work::{Given, Work};
use crate::encoder::{Encoder, Role};
use crate::error::{Error, Result};
use crate::index::lexical::WordQuery;
use crate::library::{Library, StoredPaper};
use crate::paper::{Notice, Paper};
use crate::progress::Unobserved;
use crate::vectors::normalize;

/// If so little is left of the weights, the rest is rounding and has no direction: stored numbers
/// have 11 bits.
const LEAST_LENGTH: f64 = 1e-5;

/// What related papers should be like.
pub(super) struct RelatedTarget {
    pub(super) given: Vec<Given>,
    /// `None` if none of the papers to be close to is embedded.
    pub(super) vector: Option<Vec<f32>>,
    pub(super) words: WordQuery,
    /// What is not embedded yet, as sentences.
    pub(super) notes: Vec<String>,
}

/// The target between papers to be close to, and away from others.
pub(super) fn target(
    like: Vec<Given>,
    unlike: Vec<Given>,
    weights: Rocchio,
) -> Result<RelatedTarget> {
    if like.is_empty() {
        return Err(Error::EmptyQuery);
    }
    let mut notes = Vec::new();
    let (like_vectors, unlike_vectors) = (vectors_of(&like), vectors_of(&unlike));
    let vector = if like_vectors.is_empty() {
        notes.push(
            "the given papers are not embedded yet: papers are found by their words alone, until \
             `akin embed-missing` embeds them"
                .to_owned(),
        );
        None
    } else {
        let n_missing = like.len() + unlike.len() - like_vectors.len() - unlike_vectors.len();
        if n_missing > 0 {
            notes.push(format!(
                "of the given papers, {n_missing} not embedded yet: their meaning counts once \
                 `akin embed-missing` has embedded them"
            ));
        }
        Some(rocchio(&like_vectors, &unlike_vectors, weights)?)
    };
    let texts: Vec<&str> = like.iter().map(|paper| paper.work.text()).collect();
    let words = WordQuery::of_text(&texts.join("\n"));
    let given = like.into_iter().chain(unlike).collect();
    Ok(RelatedTarget {
        given,
        vector,
        words,
        notes,
    })
}

/// The papers of these ids with their embeddings, each once.
pub(super) fn given(library: &Library, ids: &[String]) -> Result<Vec<Given>> {
    let rows = library.rows()?;
    let mut met = HashSet::new();
    let mut given = Vec::with_capacity(ids.len());
    for id in ids {
        let StoredPaper { key, paper, row } = library.find(id)?;
        if row.is_none() && paper.notice == Some(Notice::Withdrawn) {
            return Err(Error::UnknownPaper { id: id.clone() });
        }
        if met.insert(key) {
            let vector = row.map(|row| rows.vector(row)).transpose()?;
            given.push(Given {
                row,
                key: Some(key),
                work: Work::new(&paper, vector.unwrap_or_default()),
            });
        }
    }
    Ok(given)
}

/// A paper that need not be in the library; a note says so if the model does not see all of it.
/// Without an encoder it has no embedding.
pub(super) fn drafted(
    encoder: Option<&Encoder>,
    draft: &Paper,
    notes: &mut Vec<String>,
) -> Result<Given> {
    let passage = encoder.map_or(draft.passage(), |encoder| {
        encoder.recipe().passage_of(draft)
    });
    if passage.trim().is_empty() {
        return Err(Error::EmptyQuery);
    }
    let Some(encoder) = encoder else {
        return Ok(Given {
            row: None,
            key: None,
            work: Work::new(draft, Vec::new()),
        });
    };
    let embedded = encoder.embed(&[&passage], Role::Passage, &Unobserved)?;
    if embedded.truncated == [true] {
        notes.push(format!(
            "the draft is longer than the model sees: only its first {} tokens are embedded",
            encoder.recipe().max_tokens
        ));
    }
    let vector = embedded.vectors.into_iter().next().flatten();
    let mut vector = vector.expect("an unobserved embedding is never stopped");
    normalize(&mut vector);
    Ok(Given {
        row: None,
        key: None,
        work: Work::new(draft, vector),
    })
}

/// The vectors of those papers that have one.
fn vectors_of(papers: &[Given]) -> Vec<&[f32]> {
    let vectors = papers.iter().map(|paper| paper.work.vector());
    vectors.filter(|vector| !vector.is_empty()).collect()
}

/// The query vector, of length 1.
fn rocchio(like: &[&[f32]], unlike: &[&[f32]], weights: Rocchio) -> Result<Vec<f32>> {
    let (beta, gamma) = (f64::from(weights.like), f64::from(weights.unlike));
    let mut target = vec![0f64; like[0].len()];
    for (papers, weight) in [(like, beta), (unlike, -gamma)] {
        let share = weight / papers.len() as f64;
        for paper in papers {
            for (sum, x) in target.iter_mut().zip(*paper) {
                *sum += share * f64::from(*x);
            }
        }
    }
    let weight = beta.abs() + if unlike.is_empty() { 0.0 } else { gamma.abs() };
    let length = target.iter().map(|x| x * x).sum::<f64>().sqrt();
    // Neither holds for NaN.
    if length > LEAST_LENGTH * weight && length.is_finite() {
        return Ok(target.iter().map(|x| (x / length) as f32).collect());
    }
    Err(Error::NoDirection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(vectors: &[[f32; 2]]) -> Vec<&[f32]> {
        vectors.iter().map(<[f32; 2]>::as_slice).collect()
    }

    fn weights(like: f32, unlike: f32) -> Rocchio {
        Rocchio { like, unlike }
    }

    #[test]
    fn the_target_is_the_mean_less_the_weighted_mean() {
        let (x, y) = ([1.0, 0.0], [0.0, 1.0]);
        let check = |like: &[[f32; 2]], unlike: &[[f32; 2]], weights, expected: [f32; 2]| {
            let found = rocchio(&given(like), &given(unlike), weights).unwrap();
            assert!(
                (found[0] - expected[0]).abs() < 1e-6 && (found[1] - expected[1]).abs() < 1e-6,
                "{found:?}, not {expected:?}"
            );
        };
        check(&[x], &[], Rocchio::default(), x);
        check(
            &[x, y],
            &[],
            weights(1.0, 9e9),
            [0.5f32.sqrt(), 0.5f32.sqrt()],
        );
        check(&[x], &[y], weights(1.0, 0.0), x);
        check(&[x], &[y], weights(1.0, 0.75), [0.8, -0.6]);
        check(&[x], &[y], weights(4.0, 3.0), [0.8, -0.6]);
        check(&[x], &[y, y, y], weights(1.0, 0.75), [0.8, -0.6]);
        check(&[x], &[x], weights(1.0, 0.5), x);
        check(&[x], &[x], weights(1.0, 2.0), [-1.0, 0.0]);
        check(&[x], &[y], weights(1e30, 0.75e30), [0.8, -0.6]);
    }

    #[test]
    fn papers_that_cancel_out_are_no_direction() {
        let (x, y) = ([0.6, 0.8], [-0.8, 0.6]);
        let check = |like: &[[f32; 2]], unlike: &[[f32; 2]], weights| {
            let error = rocchio(&given(like), &given(unlike), weights);
            assert!(matches!(error, Err(Error::NoDirection)), "{error:?}");
        };
        check(&[x], &[x], weights(1.0, 1.0));
        check(&[x, y], &[y, x], weights(1.0, 1.0));
        check(&[x, y], &[x, y, y, x], weights(0.3, 0.3));
        check(&[x, [-0.6, -0.8]], &[], weights(1.0, 0.5));
        check(&[x], &[y], weights(0.0, 0.0));
        check(&[x], &[y], weights(f32::NAN, 0.5));
        check(&[x], &[y], weights(1.0, f32::INFINITY));
    }
}
