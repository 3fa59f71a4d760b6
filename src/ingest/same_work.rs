//! Whether two records under different ids are one work: a preprint and its published version,
//! one paper in two catalogues.
//!
//! Two records that share an id are one work unless [`conflict`] says otherwise; two that share no
//! id need the same title (letters and digits only, which is how they were found) and pass
//! [`same_work`]. What it asks:
//!
//! | abstracts | asked |
//! |---|---|
//! | both of [`MIN_WORDS`] words or more | near-identical: the three-word shingles of the two have a Jaccard similarity of [`NEAR`] or more, [`NEAR_SHORT_TITLE`] where the title is short or one record names no authors; and where both name authors, a family name in common |
//! | one or both shorter, or missing | the title is long ([`LONG_TITLE_WORDS`] words, [`LONG_TITLE_LETTERS`] letters), the first authors share their family name, and so do half of the others; the years are at most [`MAX_YEARS`] apart |
//!
//! The similarity is computed exactly: only records with one title are ever compared, so there are
//! too few pairs for a sketch such as MinHash to pay.
//!
//! Never one work: two records with different ids of one registry that gives a work one id only
//! (arXiv, PubMed, PubMed Central, ACL Anthology). Two DOIs may be one work: a preprint server's
//! and a journal's.

use std::collections::HashSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::paper::{IdKind, Paper, PaperId};

/// Words that an abstract must have to be compared.
const MIN_WORDS: usize = 20;

/// Words of a shingle.
const SHINGLE: usize = 3;

/// Jaccard similarity from which abstracts count as near-identical.
const NEAR: f64 = 0.5;

/// The same where the title says little, or where nobody is named.
const NEAR_SHORT_TITLE: f64 = 0.8;

/// Jaccard similarity below which abstracts are of two works.
const UNLIKE: f64 = 0.1;

/// A title is long from here on, in words and in letters.
const LONG_TITLE_WORDS: usize = 5;
const LONG_TITLE_LETTERS: usize = 30;

/// Years that a preprint may be ahead of its publication.
const MAX_YEARS: i16 = 3;

/// Share of the smaller title's words that records with a common id must share, if they share no
/// author: an id that a careless record gives to every paper of a volume joins nothing.
const MIN_TITLE_OVERLAP: f64 = 0.3;

/// Registries that give a work one id.
const ONE_ID: [IdKind; 4] = [IdKind::Arxiv, IdKind::Pmid, IdKind::Pmcid, IdKind::Acl];

/// Why two records are taken for one work.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// They share an id.
    SharedId(PaperId),
    /// They share the title and authors, and their abstracts are near-identical.
    SameText {
        /// Jaccard similarity of the abstracts' shingles.
        similarity: f64,
    },
    /// They share a long title and the authors; an abstract is missing.
    SameTitle,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::SharedId(id) => write!(f, "both have the id {id}"),
            Why::SameText { similarity } => write!(
                f,
                "same title and authors, abstracts alike to {:.0} %",
                similarity * 100.0
            ),
            Why::SameTitle => f.write_str("same long title, same authors, no two abstracts"),
        }
    }
}

/// Why two records of the same title, under different ids, are one work; `None` if they may not be.
pub(super) fn same_work(a: &Paper, b: &Paper) -> Option<Why> {
    if conflict(a, b).is_some() {
        return None;
    }
    let (words_a, words_b) = (words(&a.abstract_text), words(&b.abstract_text));
    let (authors_a, authors_b) = (families(a), families(b));
    let is_long_title = is_long(&a.title);
    if words_a.len() >= MIN_WORDS && words_b.len() >= MIN_WORDS {
        let is_named = !authors_a.is_empty() && !authors_b.is_empty();
        let shares_author = authors_a.iter().any(|name| authors_b.contains(name));
        let needed = if is_long_title && is_named {
            NEAR
        } else {
            NEAR_SHORT_TITLE
        };
        let similarity = jaccard(&words_a, &words_b);
        let is_same = similarity >= needed && (shares_author || !is_named);
        return is_same.then_some(Why::SameText { similarity });
    }
    let first_is_same = authors_a
        .first()
        .is_some_and(|first| authors_b.first() == Some(first));
    let n_common = authors_a
        .iter()
        .filter(|name| authors_b.contains(name))
        .count();
    let is_same = is_long_title
        && first_is_same
        && 2 * n_common >= authors_a.len().min(authors_b.len())
        && years_apart(a, b).is_none_or(|years| years <= MAX_YEARS);
    is_same.then_some(Why::SameTitle)
}

/// Whether two records of one title and one author are two works all the same: their abstracts
/// have next to nothing in common.
pub(super) fn is_other_text(a: &Paper, b: &Paper) -> bool {
    let (words_a, words_b) = (words(&a.abstract_text), words(&b.abstract_text));
    words_a.len() >= MIN_WORDS && words_b.len() >= MIN_WORDS && jaccard(&words_a, &words_b) < UNLIKE
}

/// Whether two records that share an id can be one work at all: sloppy sources give the DOI of a
/// volume to each of its papers.
pub(super) fn may_share_id(a: &Paper, b: &Paper) -> bool {
    if conflict(a, b).is_some() {
        return false;
    }
    let (authors_a, authors_b) = (families(a), families(b));
    if authors_a.iter().any(|name| authors_b.contains(name)) {
        return true;
    }
    let (title_a, title_b) = (words(&a.title), words(&b.title));
    let set: HashSet<&String> = title_a.iter().collect();
    let n_common = title_b.iter().filter(|word| set.contains(word)).count();
    let smaller = title_a.len().min(title_b.len()).max(1);
    n_common as f64 / smaller as f64 >= MIN_TITLE_OVERLAP
}

/// The two ids that show that two records are two works: different ones of a registry that gives
/// a work one.
fn conflict<'a>(a: &'a Paper, b: &'a Paper) -> Option<(&'a PaperId, &'a PaperId)> {
    ONE_ID.into_iter().find_map(|kind| {
        let of_kind = |paper: &'a Paper| {
            let ids = std::iter::once(&paper.id).chain(&paper.aliases);
            ids.filter(move |id| id.kind() == Some(kind))
        };
        let (id_a, id_b) = (of_kind(a).next()?, of_kind(b).next()?);
        let is_shared = of_kind(a).any(|id| of_kind(b).any(|other| other == id));
        (!is_shared).then_some((id_a, id_b))
    })
}

/// Words of letters and digits, lower case without accents.
fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(folded).collect()
}

fn folded(word: &str) -> String {
    let letters = word.nfd().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Family names as far as they can be told: the last word of a name that is more than an initial.
fn families(paper: &Paper) -> Vec<String> {
    let family = |name: &String| {
        let words = name.split_whitespace().map(folded);
        words
            .rev()
            .find(|word| word.chars().count() > 2 && word != "jr")
    };
    paper.authors.iter().filter_map(family).collect()
}

fn is_long(title: &str) -> bool {
    let words = words(title);
    let n_letters: usize = words.iter().map(|word| word.chars().count()).sum();
    words.len() >= LONG_TITLE_WORDS && n_letters >= LONG_TITLE_LETTERS
}

fn years_apart(a: &Paper, b: &Paper) -> Option<i16> {
    Some((a.date()?.year() - b.date()?.year()).abs())
}

/// Common shingles as a share of all.
fn jaccard(a: &[String], b: &[String]) -> f64 {
    let a: HashSet<&[String]> = a.windows(SHINGLE).collect();
    let b: HashSet<&[String]> = b.windows(SHINGLE).collect();
    let n_common = a.intersection(&b).count();
    n_common as f64 / (a.len() + b.len() - n_common).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "We study the propagation of light through random media and show that the \
        transmission matrix has a bimodal spectrum whose width follows from the mean free path of \
        photons alone.";

    fn paper(id: &str, title: &str, text: &str, authors: &[&str]) -> Paper {
        let id = PaperId::parse(id).expect("an id");
        let mut paper = Paper::new(id, title, text);
        paper.authors = authors.iter().map(|&name| name.to_owned()).collect();
        paper
    }

    const LONG: &str = "Bimodal spectra of light in strongly scattering random media";

    #[test]
    fn a_preprint_and_its_published_version_are_one_work() {
        let preprint = paper("2503.11731", LONG, TEXT, &["Ada Lovelace", "C. Babbage"]);
        let edited = TEXT.replace("random media", "disordered media");
        let published = paper(
            "10.1000/x",
            LONG,
            &edited,
            &["A. Lovelace", "Charles Babbage"],
        );
        let why = same_work(&preprint, &published);
        assert!(
            matches!(why, Some(Why::SameText { similarity }) if similarity > 0.6),
            "{why:?}"
        );
    }

    #[test]
    fn the_same_title_alone_is_not_enough() {
        let check = |a: &Paper, b: &Paper| assert_eq!(same_work(a, b), None, "{a:?} {b:?}");
        let other_text = "Editorial policy changed this year in many ways that readers of the \
            journal will notice at once, as we explain below in some detail for them.";
        let a = paper("10.1000/a", "Editorial", TEXT, &["Ada Lovelace"]);
        check(
            &a,
            &paper("10.1000/b", "Editorial", other_text, &["Ada Lovelace"]),
        );
        check(&a, &paper("10.1000/b", "Editorial", "", &["Ada Lovelace"]));
        check(&a, &paper("10.1000/b", "Editorial", TEXT, &["Alan Turing"]));
        let a = paper("10.1000/a", LONG, TEXT, &["Ada Lovelace"]);
        check(&a, &paper("10.1000/b", LONG, TEXT, &["Alan Turing"]));
        check(&a, &paper("10.1000/b", LONG, "", &[]));
    }

    #[test]
    fn a_missing_abstract_needs_the_authors_and_the_years() {
        let mut a = paper(
            "10.1000/a",
            LONG,
            TEXT,
            &["Ada Lovelace", "Charles Babbage"],
        );
        let mut b = paper("W2741809807", LONG, "", &["A. Lovelace", "C. Babbage"]);
        assert_eq!(same_work(&a, &b), Some(Why::SameTitle));
        a.published = Some(jiff::civil::date(2001, 1, 1));
        b.published = Some(jiff::civil::date(2009, 1, 1));
        assert_eq!(same_work(&a, &b), None);
    }

    #[test]
    fn two_ids_of_one_registry_are_two_works() {
        let a = paper("2503.11731", LONG, TEXT, &["Ada Lovelace"]);
        let b = paper("2503.11732", LONG, TEXT, &["Ada Lovelace"]);
        assert_eq!(same_work(&a, &b), None);
        assert!(!may_share_id(&a, &b));
    }

    #[test]
    fn the_doi_of_a_volume_joins_nothing() {
        let a = paper("10.1000/volume", "On engines", "", &["Ada Lovelace"]);
        let b = paper("10.1000/volume", "A theory of tides", "", &["Alan Turing"]);
        let c = paper("10.1000/volume", "Engines, revisited", "", &["Alan Turing"]);
        assert!(!may_share_id(&a, &b));
        assert!(may_share_id(&a, &c));
    }
}
