//! What a similarity means: how rare it is in this library.
//!
//! ```text
//! a question            share of the papers that are as similar to titles, asked as questions
//! papers, a long text   share of random pairs of papers that are as similar
//! ```
//!
//! The *percentile* of a similarity is 100 less that share in percent, from 0 to 100
//! ([`Background`]). 99.98 is "top 0.02 %". A question is shorter than an abstract:
//! its first hit is less similar to it than many abstracts are to each other. So it
//! has a background of its own. The first question makes it ([`make_background`]); until then that of pairs serves.

use super::indexes::Indexes;
use super::query::Matching;
use super::request::Request;
use crate::encoder::{Encoder, Role};
use crate::error::Result;
use crate::index::lexical::WordQuery;
use crate::index::{Background, Index, LEAST_ROWS_WITH_BACKGROUND};
use crate::progress::Unobserved;
use crate::vectors::{self, Row};

/// Words of the longest text that counts as a question; longer ones are like abstracts.
const QUESTION_WORDS: usize = 40;

/// Whether a text is as short as a question.
pub(super) fn is_question(words: &WordQuery) -> bool {
    words
        .text()
        .split_whitespace()
        .nth(QUESTION_WORDS)
        .is_none()
}

/// The background of the similarities to what is requested; `None` if the library has too few papers, or
/// its background is unknown.
pub(super) fn background<'a>(request: &Request<'a>) -> Option<&'a Background> {
    let index = request.indexes.index;
    let is_question = request.given.is_empty() && is_question(request.words);
    let of_questions = index.questions_background().filter(|_| is_question);
    of_questions.or(index.background())
}

/// The percentile of a similarity.
pub(super) fn percentile(background: &Background, similarity: f32) -> f64 {
    100.0 * (1.0 - background.share(similarity))
}

/// Makes the background of questions, if the library has outgrown the one that it has.
///
/// # Errors
/// As [`Encoder::embed`].
pub(super) fn make_background(indexes: &Indexes<'_>, encoder: &Encoder) -> Result<()> {
    let index: &Index = indexes.index;
    let titled = |row: Row| {
        // A damaged paper, or a removed one, is not asked.
        let title = indexes.library.paper_at(row).ok()?.title;
        (!title.trim().is_empty()).then_some((row, title))
    };
    let asked = index.rows_asked_as_questions().into_iter();
    let (rows, titles): (Vec<Row>, Vec<String>) = asked.filter_map(titled).unzip();
    if rows.is_empty() {
        return Ok(());
    }
    let embedded = encoder.embed(&titles, Role::Query, &Unobserved)?;
    let embedded = rows.into_iter().zip(embedded.vectors);
    let asked: Vec<(Row, Vec<f32>)> = embedded
        .filter_map(|(row, vector)| {
            let mut vector = vector?;
            vectors::normalize(&mut vector);
            Some((row, vector))
        })
        .collect();
    index.make_questions_background(&asked);
    Ok(())
}

/// Explains why there are no percentiles; `None` if there are.
pub(super) fn why_none(request: &Request<'_>, matching: Matching) -> Option<String> {
    if matching == Matching::Lexical {
        return Some("papers are found by their words alone".to_owned());
    }
    if background(request).is_some() {
        return None;
    }
    let n_rows = request.indexes.library.rows().map_or(0, |rows| rows.len());
    Some(if n_rows < LEAST_ROWS_WITH_BACKGROUND {
        format!(
            "percentiles need at least {LEAST_ROWS_WITH_BACKGROUND} papers, and there are {n_rows}"
        )
    } else {
        "percentiles are unavailable until the next add".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_as_long_as_an_abstract_is_no_question() {
        let of = |n: usize| is_question(&WordQuery::of_text(&"word ".repeat(n)));
        assert!(of(0) && of(QUESTION_WORDS) && !of(QUESTION_WORDS + 1));
    }
}
