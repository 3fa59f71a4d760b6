//! Dumps in XML: arXiv's OAI-PMH interface and its API, PubMed, the ACL Anthology.
//!
//! In: bytes. Out: the format, told from the first elements ([`sniff`]); the elements that are
//! records ([`elements`]); and one reader a format, which takes one of them. `frame.rs` cuts them
//! out by their tags (`scan.rs`) and notes what stands around them (`around.rs`), `rules.rs` says which they are, `recode.rs` decodes
//! what is not in UTF-8, `tree.rs` parses one element.
//!
//! Elements are told by their local names: prefixes and the place of a namespace's declaration
//! mean nothing. Several documents after one another are one dump. A DOCTYPE is passed over, and
//! with it what it declares: no entity is expanded or fetched.

pub(crate) mod acl;
pub(crate) mod answer;
mod around;
pub(crate) mod arxiv_atom;
mod arxiv_names;
pub(crate) mod arxiv_oai;
mod frame;
mod keep;
mod parts;
pub(crate) mod pubmed;
mod recode;
pub(crate) mod rules;
mod scan;
pub(crate) mod start;
pub(crate) mod tree;

use self::answer::DocumentAnswer;
use self::rules::Rules;
use self::start::StartTags;
use crate::format::{Reader, XmlSpec};
use crate::frame::Frame;
use crate::registry::Format;
use crate::source::bytes::Bytes;

/// Cuts a document into the elements that are records.
pub(super) fn elements(rules: &'static Rules, bytes: Bytes) -> impl Frame {
    frame::Elements::new(rules, bytes)
}

/// The format of a document, told by its start.
///
/// `None` for HTML, for feeds that are not arXiv's, and for all other XML.
pub(super) fn sniff(start: &[u8]) -> Option<Format> {
    let tags = StartTags::read(start)?;
    let formats = || {
        Format::all().filter_map(|format| match &format.spec().reader {
            Reader::Xml(spec) => Some((format, spec)),
            _ => None,
        })
    };
    (0..tags.len()).find_map(|at| {
        let (format, _) = formats().find(|(_, spec)| (spec.is_start)(&tags, at))?;
        Some(format)
    })
}

/// What a whole document without records says.
pub(super) fn answer(spec: &XmlSpec, document: &[u8]) -> DocumentAnswer {
    match tree::parse(&String::from_utf8_lossy(document)) {
        Ok(root) => (spec.answer)(&root),
        Err(_) => DocumentAnswer::Other,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The rules of a format of XML.
    pub(crate) fn rules_of(format: Format) -> &'static Rules {
        match &format.spec().reader {
            Reader::Xml(spec) => spec.rules,
            _ => panic!("{format} is not XML"),
        }
    }

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
}
