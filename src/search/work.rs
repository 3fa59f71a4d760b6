//! Whether two papers are one work, so that nobody needs to see both.
//!
//! In: papers with their embeddings. Many papers are called "Editorial", and to some models all papers
//! are close: so a title is not enough, nor is closeness.

use crate::library::PaperKey;
use crate::paper::{Paper, PaperId};
use crate::text;
use crate::vectors::{Row, dot};

/// From this cosine similarity on, two papers are one work if most of their words are the same, or
/// if one of them is given.
pub const DUPLICATE_SIMILARITY: f32 = 0.99;

/// From this cosine similarity on two papers of one title are one work.
const NAMESAKE_SIMILARITY: f32 = 0.8;

/// The share of their words that two papers have in common which differ in their titles, or have no
/// embedding, and are one work.
const DUPLICATE_WORDS: f32 = 0.8;

/// What tells whether two papers are one work.
#[derive(Debug)]
pub(crate) struct Work {
    title: PaperId,
    text: String,
    /// Shape `[dim]`, unit length; empty without an embedding.
    vector: Vec<f32>,
}

impl Work {
    /// A paper with its embedding, which is empty if it has none.
    pub(crate) fn new(paper: &Paper, vector: Vec<f32>) -> Work {
        Work {
            title: PaperId::from_title(&paper.title),
            text: format!("{}\n{}", paper.title, paper.abstract_text),
            vector,
        }
    }

    pub(super) fn vector(&self) -> &[f32] {
        &self.vector
    }

    /// The title and the abstract.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The cosine similarity, if both have an embedding.
    fn similarity(&self, other: &Work) -> Option<f32> {
        let have_both = !self.vector.is_empty() && !other.vector.is_empty();
        have_both.then(|| dot(&self.vector, &other.vector))
    }

    /// Whether it is as good as given: of the same title, or as close as a duplicate is.
    pub(super) fn is_like_given(&self, given: &Work) -> bool {
        let similarity = self.similarity(given);
        self.title == given.title || similarity.is_some_and(|s| s >= DUPLICATE_SIMILARITY)
    }

    /// Whether showing one of them is enough.
    pub(crate) fn is_that_of(&self, other: &Work) -> bool {
        let has_its_words = || text::shared_words(&self.text, &other.text) >= DUPLICATE_WORDS;
        match (self.title == other.title, self.similarity(other)) {
            (true, Some(similarity)) => similarity >= NAMESAKE_SIMILARITY,
            (false, Some(similarity)) => similarity >= DUPLICATE_SIMILARITY && has_its_words(),
            (same_title, None) => same_title && has_its_words(),
        }
    }
}

/// A paper that the query gives.
#[derive(Debug)]
pub(super) struct Given {
    /// Its row, if the library holds its embedding.
    pub(super) row: Option<Row>,
    /// Its key, if the library holds it.
    pub(super) key: Option<PaperKey>,
    pub(super) work: Work,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FISH: &str = "Fish swim in schools because the wake of one carries the next";

    fn work(title: &str, text: &str, vector: &[f32]) -> Work {
        let id = PaperId::parse("2603.00001").unwrap();
        Work::new(&Paper::new(id, title, text), vector.to_vec())
    }

    fn check(one: &Work, other: &Work, expected: bool) {
        assert_eq!(one.is_that_of(other), expected, "{one:?} {other:?}");
        assert_eq!(other.is_that_of(one), expected, "{other:?} {one:?}");
    }

    #[test]
    fn a_title_and_closeness_make_one_work_and_neither_alone_does() {
        let editorial = work("Editorial", FISH, &[1.0, 0.0]);
        check(&editorial, &work("Editorial", "Bread", &[0.6, 0.8]), false);
        check(&editorial, &work("EDITORIAL.", "Bread", &[0.8, 0.6]), true);
        check(&editorial, &work("Preface", "Bread", &[1.0, 0.0]), false);
        let renamed = work("Preface", FISH, &[1.0, 0.0]);
        check(&editorial, &renamed, true);
        check(&editorial, &work("Preface", FISH, &[0.9, 0.1]), false);
    }

    #[test]
    fn without_an_embedding_a_title_and_its_words_make_one_work() {
        let fish = work("Schools of fish", FISH, &[]);
        check(&fish, &work("Schools of Fish", FISH, &[1.0, 0.0]), true);
        check(&fish, &work("Schools of fish", "Bread", &[]), false);
        check(&fish, &work("Preface", FISH, &[]), false);
    }
}
