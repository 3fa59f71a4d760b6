//! Dumps in XML: arXiv's OAI-PMH interface and its API, PubMed, the ACL Anthology.
//!
//! In: bytes. Out: the format, told from the first elements ([`sniff`]); the elements that are
//! records ([`elements`]); and one reader a format, which takes one of them. `frame.rs` cuts them
//! out by their tags (`scan.rs`) and notes what stands around them (`around.rs`), `recode.rs` decodes
//! what is not in UTF-8, `tree.rs` parses one element.
//!
//! Elements are told by their local names: prefixes and the place of a namespace's declaration
//! mean nothing. Several documents after one another are one dump. A DOCTYPE is passed over, and
//! with it what it declares: no entity is expanded or fetched.

pub(super) mod acl;
mod around;
pub(super) mod arxiv_atom;
mod arxiv_names;
pub(super) mod arxiv_oai;
mod frame;
mod keep;
pub(super) mod pubmed;
mod recode;
mod rules;
mod scan;
mod tree;

use jiff::civil::Date;

use super::source::Bytes;
use super::{Format, Frame, dates};

/// How many of the first elements are looked at to tell the format.
const SNIFFED_ELEMENTS: usize = 12;

/// Cuts a document into the elements that are records.
pub(super) fn elements(format: Format, bytes: Bytes) -> impl Frame {
    frame::Elements::new(format, bytes)
}

/// The format of a document, told by its start.
///
/// `None` for HTML, for feeds that are not arXiv's, and for all other XML.
pub(super) fn sniff(start: &[u8]) -> Option<Format> {
    if start.first() != Some(&b'<') {
        return None;
    }
    let tags: Vec<(String, &[u8])> = scan::start_tags(start).take(SNIFFED_ELEMENTS).collect();
    let names: Vec<&str> = tags.iter().map(|(name, _)| name.as_str()).collect();
    if names.first()?.eq_ignore_ascii_case("html") {
        return None;
    }
    let of_arxiv = || contains(start, b"arxiv.org") || contains(start, b"arXiv.org");
    (0..names.len()).find_map(|at| {
        let next = names.get(at + 1).copied();
        match names[at] {
            "OAI-PMH" | "ListRecords" | "GetRecord" => Some(Format::ArxivOai),
            "record" if next == Some("header") => Some(Format::ArxivOai),
            "feed" | "entry" if of_arxiv() => Some(Format::ArxivAtom),
            "PubmedArticleSet"
            | "PubmedArticle"
            | "PubmedBookArticleSet"
            | "PubmedBookArticle"
            | "MedlineCitationSet"
            | "MedlineCitation"
            | "BookDocumentSet"
            | "DeleteCitation" => Some(Format::PubmedXml),
            "collection" if next == Some("volume") => Some(Format::AclAnthology),
            "volume" if matches!(next, Some("meta" | "frontmatter" | "paper")) => {
                Some(Format::AclAnthology)
            }
            "paper" if next == Some("title") && contains(tags[at].1, b"id=") => {
                Some(Format::AclAnthology)
            }
            _ => None,
        }
    })
}

/// The text of one element, as [`tree::Element::text`] writes it; `None` where it cannot be read.
pub(super) fn text_of(xml: &str) -> Option<String> {
    tree::parse(xml).ok().map(|element| element.text())
}

/// What a whole document without records says.
pub(super) enum DocumentAnswer {
    /// That there are none.
    Empty,
    /// That the question was wrong, in the source's words.
    Error(String),
    /// Nothing of the kind.
    Other,
}

/// What a whole document without records says.
pub(super) fn answer(format: Format, document: &[u8]) -> DocumentAnswer {
    let Ok(root) = tree::parse(&String::from_utf8_lossy(document)) else {
        return DocumentAnswer::Other;
    };
    let error = root.child("error");
    let is_empty = match (format, error) {
        (Format::ArxivOai, Some(error)) => {
            let code = error.attribute("code").unwrap_or("error");
            if code != "noRecordsMatch" {
                return DocumentAnswer::Error(format!("{code}: {}", error.text().trim()));
            }
            true
        }
        (Format::ArxivOai, None) => root.child("ListRecords").is_some(),
        (Format::ArxivAtom, _) => root.name == "feed",
        _ => root.elements().next().is_none(),
    };
    match is_empty {
        true => DocumentAnswer::Empty,
        false => DocumentAnswer::Other,
    }
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

/// The DOIs in a text that holds several, between spaces, commas or semicolons.
fn dois(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for mut word in text.split_whitespace() {
        let next = |word: &str| {
            let mut marks = word.match_indices([';', ',']);
            marks.find_map(|(at, _)| word[at + 1..].starts_with("10.").then_some(at))
        };
        while let Some(at) = next(word) {
            found.push(&word[..at]);
            word = &word[at + 1..];
        }
        found.push(word.trim_end_matches([';', ',']));
    }
    found
}

/// A day from its parts as people write them, with as much of it as can be read: `2017`, `Mar` or
/// `03` or `July–August`, `5`.
fn day_of(year: &str, month: &str, day: &str) -> Option<Date> {
    let year = year.trim();
    let day: String = day
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let day = if day.is_empty() { "1" } else { &day };
    let month = month.trim();
    if month.len() <= 2 && month.starts_with(|c: char| c.is_ascii_digit()) {
        let with = |day: &str| dates::day(&format!("{year}-{month}-{day}"));
        return with(day).or_else(|| with("1")).or_else(|| dates::day(year));
    }
    let with = |day: &str, word: &str| dates::day(&format!("{day} {word} {year}"));
    let mut words = month.split(|c: char| !c.is_alphanumeric());
    words
        .find_map(|word| with(day, word).or_else(|| with("1", word)))
        .or_else(|| dates::day(year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(start: &str, expected: Option<Format>) {
        assert_eq!(sniff(start.as_bytes()), expected, "{start}");
    }

    #[test]
    fn formats_are_told_by_their_first_elements() {
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><link href='http://arxiv.org/api'/>";
        check(atom, Some(Format::ArxivAtom));
        check(
            "<?xml version='1.0'?><!-- x --><OAI-PMH>",
            Some(Format::ArxivOai),
        );
        check("<oai:OAI-PMH xmlns:oai='u'>", Some(Format::ArxivOai));
        check("<record>\n<header>", Some(Format::ArxivOai));
        check("<harvest><page><record><header/>", Some(Format::ArxivOai));
        check(
            "<!DOCTYPE PubmedArticleSet PUBLIC 'a' 'b'>\n<PubmedArticleSet>",
            Some(Format::PubmedXml),
        );
        check("<PubmedArticle>", Some(Format::PubmedXml));
        check("<PubmedBookArticle><BookDocument>", Some(Format::PubmedXml));
        check(
            "<collection id='C18'>\n<volume id='1'>",
            Some(Format::AclAnthology),
        );
        check(
            "<volume id='P18'><paper id='1001'>",
            Some(Format::AclAnthology),
        );
        check("<paper id='1'><title>", Some(Format::AclAnthology));
    }

    #[test]
    fn other_documents_are_unknown() {
        for other in [
            "",
            "words <OAI-PMH>",
            "<!DOCTYPE html><html><body>arxiv.org",
            "<HTML><record><header>",
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry>",
            "<rss><channel><title>",
            "<record><leader>",
            "<collection><source>",
            "<article><front>",
            "<paper><title>",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn dois_are_told_apart() {
        assert_eq!(
            dois(" 10.1/a 10.1/b, 10.1/c;10.1/d "),
            ["10.1/a", "10.1/b", "10.1/c", "10.1/d"]
        );
        let with_semicolon = "10.1/(sici)1-2(1998)17:15<1::aid-s9>3.0.co;2-2";
        assert_eq!(dois(with_semicolon), [with_semicolon]);
        assert!(dois("").is_empty());
    }

    #[test]
    fn a_day_is_made_of_what_can_be_read() {
        let check = |year, month, day, expected: Option<&str>| {
            let read = day_of(year, month, day).map(|day| day.to_string());
            assert_eq!(read.as_deref(), expected, "{year} {month} {day}");
        };
        check("2017", "Mar", "5", Some("2017-03-05"));
        check(" 2017 ", "03", "05", Some("2017-03-05"));
        check("2018", "July–August", "", Some("2018-07-01"));
        check("2018", "8-13 December", "", Some("2018-12-01"));
        check("2018", "Nov-Dec", "31-", Some("2018-11-01"));
        check("2018", "Spring", "", Some("2018-01-01"));
        check("2018", "", "", Some("2018-01-01"));
        check("", "May", "5", None);
    }
}
