//! Words of a question that no paper has, each with the words of the library that it may stand for.
//!
//! ```text
//! question ──► unknown words ──► terms near each ──► papers with these ──► words as people write them
//!               lexical index     its dictionary        library
//! ```
//!
//! Invariant: at most [`WORDS_CORRECTED`] words are compared with the dictionary, and a bounded number of
//! papers is read for each.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::indexes::Indexes;
use crate::index::lexical::{Lexical, WordQuery, spellings, typing_errors};
use crate::library::PaperKey;

/// Unknown words that are compared with the dictionary; others are only named.
const WORDS_CORRECTED: usize = 4;

/// Words that are proposed for one.
const WORDS_PROPOSED: usize = 3;

/// A word of a question that no paper has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// The word, in lower case.
    pub word: String,
    /// Words of the library that are spelt like it: the nearest first, then those of most papers.
    pub nearest: Vec<String>,
}

/// The words of a question that no paper has. A lexical index that cannot be read knows of none.
pub(super) fn unknown_words(indexes: &Indexes<'_>, words: &WordQuery) -> Vec<UnknownWord> {
    let Ok(lexical) = indexes.lexical else {
        return Vec::new();
    };
    let unknown = lexical.unknown_words(words).unwrap_or_default();
    let corrected = |(place, word): (usize, String)| {
        let nearest = if place < WORDS_CORRECTED {
            nearest(indexes, lexical, &word)
        } else {
            Vec::new()
        };
        UnknownWord { word, nearest }
    };
    unknown.into_iter().enumerate().map(corrected).collect()
}

/// The words of the library that are spelt like a word.
fn nearest(indexes: &Indexes<'_>, lexical: &Lexical, word: &str) -> Vec<String> {
    let mut written: BTreeMap<String, u64> = BTreeMap::new();
    for near in lexical.terms_near(word).unwrap_or_default() {
        for key in near.keys {
            // What is damaged or gone says nothing.
            let Ok(Some((paper, ..))) = indexes.library.paper(PaperKey(key as i64)) else {
                continue;
            };
            let text = format!("{}\n{}", paper.title, paper.abstract_text);
            let forms = spellings(&text, &near.term);
            let is_meant = forms
                .iter()
                .any(|form| strsim::osa_distance(word, form) == 1);
            for form in forms {
                let n_papers = written.entry(form).or_default();
                *n_papers = near.n_papers.max(*n_papers);
            }
            if is_meant {
                break;
            }
        }
    }
    in_order(word, written)
}

/// Those of the words, each with the number of papers that have it in any form, that may be meant: the
/// nearest first. Once one is near, what has another typing error is not meant; nor is what begins with
/// another letter: few err there, and "bright" is not "right".
fn in_order(word: &str, written: BTreeMap<String, u64>) -> Vec<String> {
    let initial = |word: &str| word.chars().next();
    let mut near: Vec<(usize, Reverse<u64>, String)> = written
        .into_iter()
        .filter(|(form, _)| initial(form) == initial(word))
        .map(|(form, n_papers)| {
            let distance = strsim::osa_distance(word, &form);
            (distance, Reverse(n_papers), form)
        })
        .filter(|(distance, ..)| *distance <= typing_errors(word))
        .collect();
    near.sort();
    let least = near.first().map_or(0, |(distance, ..)| *distance);
    near.retain(|(distance, ..)| *distance == least);
    near.truncate(WORDS_PROPOSED);
    near.into_iter().map(|(.., form)| form).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_then_the_most_frequent() {
        let check = |word: &str, written: &[(&str, u64)], expected: &[&str]| {
            let written = written.iter().map(|(form, n)| ((*form).to_owned(), *n));
            assert_eq!(in_order(word, written.collect()), expected, "{word}");
        };
        let neutral = [("neutralino", 3), ("neutrino", 9), ("neutron", 99)];
        check("neutrlino", &neutral, &["neutrino", "neutralino"]);
        check("nuetron", &neutral, &["neutron"]);
        check("netrno", &neutral, &[]);
        check("neutrn", &neutral, &["neutron"]);
        let many = [
            ("cats", 1),
            ("cuts", 4),
            ("cots", 3),
            ("cost", 2),
            ("citations", 9),
            ("hits", 9),
        ];
        check("cits", &many, &["cuts", "cots", "cats"]);
        let four = [("cats", 1), ("cuts", 4), ("cots", 3), ("city", 2)];
        check("cits", &four, &["cuts", "cots", "city"]);
        check("bright", &[("right", 9)], &[]);
        check("do", &[("go", 9)], &[]);
    }
}
