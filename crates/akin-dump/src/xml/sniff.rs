//! The format of a document, recognised by its first elements.

use super::start::StartTags;
use crate::format::FormatReader;
use crate::registry::Format;

/// The format of a document, recognised by its start.
///
/// `None` for HTML, for feeds that are not arXiv's, and for all other XML.
pub(crate) fn sniff(start: &[u8]) -> Option<Format> {
    let tags = StartTags::read(start)?;
    let formats = || {
        Format::all().filter_map(|format| match &format.spec().reader {
            FormatReader::Xml(spec) => Some((format, spec)),
            _ => None,
        })
    };
    (0..tags.len()).find_map(|at| {
        let (format, _) = formats().find(|(_, spec)| (spec.is_start)(&tags, at))?;
        Some(format)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::xml::rules::Rules;

    /// The rules of a format of XML.
    pub(crate) fn rules_of(format: Format) -> &'static Rules {
        match &format.spec().reader {
            FormatReader::Xml(spec) => spec.rules,
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
