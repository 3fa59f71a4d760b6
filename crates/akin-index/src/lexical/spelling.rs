//! Words that no paper has, and terms that are spelt like one.
//!
//! ```text
//! word ──► Levenshtein automata of its stem and its beginnings ──► terms of the dictionary, the nearest
//! ```
//!
//! In: a query, or a word of it. Out: its unknown words; for one of these, the terms near it, each with
//! some papers that have it. The dictionary holds stems. So the beginning of a word finds it where the error
//! is in the ending. The caller looks up in the papers how a word is written ([`spellings`]).
//!
//! Invariants: only words of Latin letters are looked at. The automata, the terms and the papers are
//! bounded in number, whatever the query.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Result, TERMINATED, Term};

use super::Lexical;
use super::doubt::LexicalDoubt;
use super::query::WordQuery;
use super::score::{keys_of, n_with};
use super::terms::{stem, terms};

/// Letters of the shortest word that is looked at.
const LETTERS: usize = 4;

/// Letters from which a word may have two typing errors.
const LETTERS_OF_TWO: usize = 7;

/// Letters of the longest word that is compared with the dictionary.
const MOST_LETTERS: usize = 32;

/// Letters at the end of a word that its stem may lack: those of "izations".
const ENDING_LETTERS: usize = 8;

/// Letters of the shortest beginning of a word that may have a typing error.
const LETTERS_OF_BEGINNING: usize = 6;

/// Words of a query that are looked up.
const WORDS_READ: usize = 64;

/// Terms near a word that are returned, and as many terms near its beginnings.
const TERMS_NEAR: usize = 8;

/// Papers that are named of each term: few write it in every form.
const PAPERS_NAMED: usize = 16;

/// A term that is spelt like a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermNear {
    /// The term: a stem.
    pub term: String,
    /// Papers that have it.
    pub n_papers: u64,
    /// The keys of some of them.
    pub keys: Vec<u64>,
}

/// Typing errors that a word of its length may have.
pub fn typing_errors(word: &str) -> usize {
    match word.len() {
        n if n < LETTERS => 0,
        n if n < LETTERS_OF_TWO => 1,
        _ => 2,
    }
}

/// How a text writes a term: its words with that stem, in lower case.
pub fn spellings(text: &str, term: &str) -> BTreeSet<String> {
    let same = terms(text).filter(|found| found.text == term && !found.is_compound);
    same.map(|found| text[found.bytes].to_lowercase()).collect()
}

impl Lexical {
    /// The words of a query that no paper has, in lower case and in their order. Numbers, names with
    /// digits and names of authors are left out.
    ///
    /// # Errors
    /// Which file is damaged, if the answer needs one that is.
    pub fn unknown_words(
        &self,
        query: &WordQuery,
    ) -> std::result::Result<Vec<String>, LexicalDoubt> {
        Ok(unknown_words(self, query)?)
    }

    /// The terms that are spelt like a word, and then those that are spelt like a beginning of it. The
    /// nearest come first, and then the most frequent.
    ///
    /// # Errors
    /// Which file is damaged, if the answer needs one that is.
    pub fn terms_near(&self, word: &str) -> std::result::Result<Vec<TermNear>, LexicalDoubt> {
        Ok(terms_near(self, word)?)
    }
}

fn unknown_words(lexical: &Lexical, query: &WordQuery) -> Result<Vec<String>> {
    let fields = lexical.fields;
    let mut unknown: Vec<String> = Vec::new();
    let words = terms(query.text()).filter(|term| !term.is_compound);
    for term in words.take(WORDS_READ) {
        let word = query.text()[term.bytes].to_lowercase();
        if !is_latin(&word) || word.len() < LETTERS || unknown.contains(&word) {
            continue;
        }
        let is_known = n_with(lexical, fields.text, &term.text)? > 0
            || n_with(lexical, fields.author, &word)? > 0;
        if !is_known {
            unknown.push(word);
        }
    }
    Ok(unknown)
}

fn terms_near(lexical: &Lexical, word: &str) -> Result<Vec<TermNear>> {
    let n_errors = typing_errors(word);
    if n_errors == 0 || !is_latin(word) || word.len() > MOST_LETTERS {
        return Ok(Vec::new());
    }
    let stem = stem(word.to_owned());
    // The stem of a word on y ends with i, unless a typing error hides that it is one.
    let on_i = word.strip_suffix('y').map(|start| format!("{start}i"));
    let whole = [Some(word), Some(&*stem), on_i.as_deref()];
    let whole = whole.into_iter().flatten().map(|like| (like, n_errors));
    let shortest = word.len().saturating_sub(ENDING_LETTERS).max(LETTERS);
    let beginnings = (shortest..word.len()).map(|end| {
        let n_errors = usize::from(end >= LETTERS_OF_BEGINNING);
        (&word[..end], n_errors)
    });
    let mut near = nearest_terms(lexical, whole)?;
    for (term, n_papers) in nearest_terms(lexical, beginnings)? {
        if near.iter().all(|(known, _)| *known != term) {
            near.push((term, n_papers));
        }
    }
    let term_near = |(term, n_papers): (String, u64)| {
        let keys = keys_with(lexical, &term)?;
        Ok(TermNear {
            term,
            n_papers,
            keys,
        })
    };
    near.into_iter().map(term_near).collect()
}

/// The terms that are nearest to one of these spellings, each with the number of papers that have it. A
/// spelling comes with its typing errors.
fn nearest_terms<'a>(
    lexical: &Lexical,
    spellings: impl Iterator<Item = (&'a str, usize)>,
) -> Result<Vec<(String, u64)>> {
    let mut near: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for (like, n_errors) in spellings {
        for distance in 0..=n_errors {
            add_terms(lexical, like, distance, &mut near)?;
        }
    }
    let mut near: Vec<_> = near.into_iter().collect();
    near.sort_by_key(|(_, (distance, n_papers))| (*distance, Reverse(*n_papers)));
    near.truncate(TERMS_NEAR);
    let counted = near
        .into_iter()
        .map(|(term, (_, n_papers))| (term, n_papers));
    Ok(counted.collect())
}

/// Adds the terms within this distance of a word that are not there yet, with the number of papers that
/// have each.
fn add_terms(
    lexical: &Lexical,
    word: &str,
    distance: usize,
    near: &mut BTreeMap<String, (usize, u64)>,
) -> Result<()> {
    let term = Term::from_field_text(lexical.fields.text, word);
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for segment in lexical.searcher.segment_readers() {
        let postings = segment.inverted_index(lexical.fields.text)?;
        let automaton = FuzzyTermQuery::new(term.clone(), distance as u8, true).automaton()?;
        let mut terms = postings.terms().search(automaton).into_stream()?;
        while terms.advance() {
            if let Ok(text) = std::str::from_utf8(terms.key())
                && is_latin(text)
                && text.len() >= LETTERS - 1
            {
                *found.entry(text.to_owned()).or_default() += u64::from(terms.value().doc_freq);
            }
        }
    }
    for (text, n_papers) in found {
        let known = near.entry(text).or_insert((distance, n_papers));
        known.0 = known.0.min(distance);
    }
    Ok(())
}

/// The keys of some papers that have a term.
fn keys_with(lexical: &Lexical, term: &str) -> Result<Vec<u64>> {
    let term = Term::from_field_text(lexical.fields.text, term);
    let mut found = Vec::new();
    for segment in lexical.searcher.segment_readers() {
        let index = segment.inverted_index(lexical.fields.text)?;
        let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else {
            continue;
        };
        let keys = keys_of(segment)?;
        while postings.doc() != TERMINATED && found.len() < PAPERS_NAMED {
            if !segment.is_deleted(postings.doc()) {
                found.push(keys.get_val(postings.doc()));
            }
            postings.advance();
        }
    }
    Ok(found)
}

fn is_latin(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase())
}
