//! What a similarity means: the share of paper pairs in the library that are as close. Also whether
//! anything is close to a query at all.
//!
//! The *percentile* of a similarity is its rank among random pairs of library papers, from 0 to 100
//! ([`Background`](crate::index::Background)). 99.98 is "top 0.02 %".
//!
//! Nothing is close if three things hold for an answer:
//! - the nearest paper is below the percentile [`CLOSE_PERCENTILE`];
//! - it is less similar than one in a hundred pairs of unrelated titles
//!   ([`Encoder::unrelated_similarity`]): in a library of one narrow field, all pairs are close;
//! - none of the first hits has two thirds of the query's words, weighted by their rarity: a query
//!   may be nothing but a name.
//!
//! Of 172 queries from SciFact, Cranfield and CACM in their own library, 5 % are judged far from
//! it. Of 344 queries in another one of the three, 93 % are (`scripts/bench_far.py`).

use super::answer::Answer;
use super::indexes::Indexes;
use super::query::Matching;
use crate::encoder::Encoder;
use crate::error::Result;
use crate::index::{Index, LEAST_ROWS_WITH_BACKGROUND};

/// From here on something is close: one in a hundred pairs of papers is as close.
const CLOSE_PERCENTILE: f64 = 99.0;

/// The share of a query's words that a paper must have to count as asked for by its words.
const SHARE_OF_WORDS: f32 = 2.0 / 3.0;

/// Hits whose words are checked: a paper with the words is among the first.
const HITS_READ: usize = 10;

/// The percentile of a similarity; `None` if the library has too few papers, or its background is
/// unknown.
pub(super) fn percentile(index: &Index, similarity: f32) -> Option<f64> {
    let background = index.background()?;
    Some(100.0 * (1.0 - background.share(similarity)))
}

/// Explains why there are no percentiles; `None` if there are.
pub(super) fn why_none(indexes: &Indexes<'_>, matching: Matching) -> Option<String> {
    if matching == Matching::Lexical {
        return Some("papers are found by their words alone".to_owned());
    }
    if indexes.index.background().is_some() {
        return None;
    }
    let n_rows = indexes.library.rows().map_or(0, |rows| rows.len());
    Some(match n_rows < LEAST_ROWS_WITH_BACKGROUND {
        true => format!(
            "percentiles need at least {LEAST_ROWS_WITH_BACKGROUND} papers, and there are {n_rows}"
        ),
        false => "percentiles are unavailable until the next add".to_owned(),
    })
}

/// Whether nothing in the library is close to the question that an answer is to.
pub(super) fn is_far(indexes: &Indexes<'_>, encoder: &Encoder, answer: &Answer) -> Result<bool> {
    let Some(nearest) = answer.nearest else {
        return Ok(false);
    };
    let Some(percentile) = percentile(indexes.index, nearest) else {
        return Ok(false);
    };
    if answer.words.has_conditions() || percentile >= CLOSE_PERCENTILE {
        return Ok(false);
    }
    if let Ok(Ok(rarities)) = indexes.lexical.as_ref().map(|l| l.rarities(&answer.words)) {
        let share = |text: &str| rarities.share(text);
        let has_the_words = answer.hits.iter().take(HITS_READ).any(|hit| {
            let paper = &hit.paper;
            let names = paper.authors.join(" ");
            share(&format!(
                "{}\n{}\n{names}",
                paper.title, paper.abstract_text
            )) >= SHARE_OF_WORDS
        });
        if has_the_words {
            return Ok(false);
        }
    }
    Ok(nearest < encoder.unrelated_similarity()?)
}
