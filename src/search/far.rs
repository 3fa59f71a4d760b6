//! Whether anything in the library is close to a query.
//!
//! Nothing is close if three things hold for an answer:
//! - the nearest paper is below the percentile [`CLOSE_PERCENTILE`] of random pairs of papers;
//! - it is less similar than one in a hundred pairs of unrelated titles
//!   ([`Encoder::unrelated_similarity`]): in a library of one narrow field, all pairs are close;
//! - none of the first hits has two thirds of the query's words, weighted by their rarity: a query
//!   may be nothing but a name.
//!
//! Of 172 queries from SciFact, Cranfield and CACM in their own library, 5 % are judged far from
//! it. Of 344 queries in another one of the three, 93 % are (`scripts/bench_far.py`).

use super::answer::Answer;
use super::closeness::percentile;
use super::indexes::Indexes;
use crate::encoder::Encoder;
use crate::error::Result;

/// From here on something is close: one in a hundred pairs of papers is as close.
const CLOSE_PERCENTILE: f64 = 99.0;

/// The share of a query's words that a paper must have to count as asked for by its words.
const SHARE_OF_WORDS: f32 = 2.0 / 3.0;

/// Hits whose words are checked: a paper with the words is among the first.
const HITS_READ: usize = 10;

/// Whether nothing in the library is close to the question that an answer is to.
pub(super) fn is_far(indexes: &Indexes<'_>, encoder: &Encoder, answer: &Answer) -> Result<bool> {
    let Some(nearest) = answer.nearest else {
        return Ok(false);
    };
    let Some(background) = indexes.index.background() else {
        return Ok(false);
    };
    let percentile = percentile(background, nearest);
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
