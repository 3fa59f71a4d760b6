//! Citation keys: `lee2024graph`.
//!
//! In: papers, in the order in which they are written. Out: a key for each, unique among them. A key that
//! the paper came with stays. Any other is made of the first author's family name, the year, and a word
//! of the title: the first one that means something. It has ASCII letters and digits only. A key that is
//! taken gets a letter: `lee2024grapha`.
//!
//! A key depends on the paper alone, unless another paper before it has the same.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use akin_base::name::family;
use akin_base::paper::{Paper, PaperId};
use akin_base::text::fold;

use crate::ids::own_name;

/// Words that say nothing of a title's subject.
#[rustfmt::skip]
const SMALL_WORDS: [&str; 42] = [
    "a", "about", "an", "and", "are", "as", "at", "be", "beyond", "by", "can", "das", "de", "der",
    "die", "do", "does", "for", "from", "how", "in", "into", "is", "la", "le", "new", "not", "of",
    "on", "or", "over", "some", "the", "to", "toward", "towards", "under", "via", "what", "when",
    "why", "with",
];

/// Letters of the longest part of a key.
const MAX_PART_CHARS: usize = 24;

/// Bytes of the longest key that a paper comes with.
const MAX_OWN_BYTES: usize = 80;

/// Gives keys, each once.
#[derive(Debug, Default)]
pub(crate) struct CitationKeys {
    /// Hashes of those that are taken.
    taken: HashSet<u64>,
    /// Number of times that a taken key was asked for again, by its hash.
    asked_again: HashMap<u64, u64>,
}

impl CitationKeys {
    /// The key of the next paper.
    pub(crate) fn of(&mut self, paper: &Paper) -> String {
        let first = own_key(paper).unwrap_or_else(|| made_key(paper));
        let hash = hash(&first);
        if self.taken.insert(hash) {
            return first;
        }
        loop {
            let n = self.asked_again.entry(hash).or_default();
            *n += 1;
            let key = format!("{first}{}", letters(*n));
            if self.taken.insert(self::hash(&key)) {
                return key;
            }
        }
    }
}

/// The hash of a key. BibTeX compares keys without case.
fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.to_ascii_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// `a`, `b`, … `z`, `aa`, `ab`, ….
fn letters(n: u64) -> String {
    let mut letters = Vec::new();
    let mut n = n;
    while n > 0 {
        n -= 1;
        letters.push(b'a' + (n % 26) as u8);
        n /= 26;
    }
    letters.iter().rev().map(|&byte| char::from(byte)).collect()
}

/// The key that a paper came with: an id of its own file that looks like one, or that is its only id.
fn own_key(paper: &Paper) -> Option<String> {
    if let Some(name) = own_name(paper).filter(|name| is_usable(name)) {
        return Some(name);
    }
    let ids = std::iter::once(&paper.id).chain(&paper.aliases);
    let local = ids.filter(|id| id.kind().is_none() && !id.is_made());
    let mut names = local.map(PaperId::bare);
    names
        .find(|name| is_usable(name) && looks_like_key(name))
        .map(str::to_owned)
}

/// Whether BibTeX and LaTeX take this for a key.
fn is_usable(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_:.+/-".contains(c);
    !name.is_empty() && name.len() <= MAX_OWN_BYTES && name.chars().all(is_plain)
}

/// Whether a person would have made this key: a name, a year, perhaps more words: `lovelace1843`.
fn looks_like_key(name: &str) -> bool {
    let n_letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = name[n_letters..].trim_start_matches(['_', ':', '-', '.']);
    let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = &rest[n_digits..];
    n_letters > 1 && matches!(n_digits, 2 | 4) && !after.contains(|c: char| c.is_ascii_digit())
}

fn made_key(paper: &Paper) -> String {
    let author = paper.authors.first().map(|name| ascii(&family(name)));
    let author = author.filter(|name| !name.is_empty());
    let year = paper.date().map(|date| date.year().to_string());
    let word = title_word(&paper.title);
    let name = author.or_else(|| word.is_empty().then(|| "paper".to_owned()));
    [name, year, Some(word)].into_iter().flatten().collect()
}

/// The first word of a title that means something; empty if it has none in ASCII.
fn title_word(title: &str) -> String {
    let mut outside_maths = title.split('$').step_by(2).flat_map(|part| {
        part.split(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | '/' | ':'))
    });
    let mut words = outside_maths.by_ref().map(ascii);
    let is_meant = |word: &String| word.len() > 1 && !SMALL_WORDS.contains(&word.as_str());
    words.find(is_meant).unwrap_or_default()
}

/// The ASCII letters and digits of a text, in lower case and without accents.
fn ascii(text: &str) -> String {
    let folded = fold(text);
    let letters = folded.chars().filter(char::is_ascii_alphanumeric);
    letters.take(MAX_PART_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(id: &str, title: &str, authors: &[&str], date: Option<&str>) -> Paper {
        let id = PaperId::parse(id).unwrap().within("refs.bib");
        let mut paper = Paper::new(id, title, "");
        paper.authors = authors.iter().map(|&name| name.to_owned()).collect();
        paper.published = date.map(|date| date.parse().unwrap());
        paper
    }

    #[test]
    fn a_key_is_name_year_and_word() {
        let check = |title: &str, authors: &[&str], date: Option<&str>, expected: &str| {
            let paper = paper("2503.11731", title, authors, date);
            assert_eq!(CitationKeys::default().of(&paper), expected, "{title}");
        };
        let date = Some("2024-05-17");
        check("On Graph Networks", &["Hyun Lee"], date, "lee2024graph");
        check("$k$-means at last", &["Kurt Gödel"], date, "godel2024means");
        check(
            "Mean-field games",
            &["Jan van den Berg"],
            date,
            "berg2024mean",
        );
        check(
            "The ATLAS detector",
            &["ATLAS Collaboration"],
            None,
            "atlascollaborationatlas",
        );
        check("量子", &["王 小明"], date, "paper2024");
        check("Of the", &[], None, "paper");
        check("Graphs", &[], date, "2024graphs");
    }

    #[test]
    fn a_key_is_given_once() {
        let mut keys = CitationKeys::default();
        let given: Vec<String> = (0..28)
            .map(|n| {
                let id = format!("10.1000/{n}");
                keys.of(&paper(&id, "Graphs", &["Hyun Lee"], Some("2024-01-01")))
            })
            .collect();
        assert_eq!(
            given[..3],
            ["lee2024graphs", "lee2024graphsa", "lee2024graphsb"]
        );
        assert_eq!(given[26..], ["lee2024graphsz", "lee2024graphsaa"]);
        assert_eq!(
            keys.of(&paper("LEE2024graphs", "x", &[], None)),
            "LEE2024graphsab"
        );
    }

    #[test]
    fn a_key_that_a_paper_came_with_stays() {
        let key = |id: &str, aliases: &[&str]| {
            let mut paper = paper(id, "Graphs", &["Hyun Lee"], None);
            let alias = |id: &&str| PaperId::parse(id).unwrap().within("refs.bib");
            paper.aliases = aliases.iter().map(alias).collect();
            CitationKeys::default().of(&paper)
        };
        assert_eq!(key("lovelace1843", &[]), "lovelace1843");
        assert_eq!(
            key("10.1000/x", &["lovelace_1843:notes"]),
            "lovelace_1843:notes"
        );
        assert_eq!(key("10.1000/x", &["W2741"]), "leegraphs");
        assert_eq!(key("4983", &[]), "4983");
        assert_eq!(key("a b, c", &[]), "leegraphs");
    }
}
