//! Which elements are records, in each format.
//!
//! In: names of elements without prefixes. Out: what they are.
//!
//! | format | records |
//! |---|---|
//! | arXiv OAI-PMH | `record` |
//! | arXiv API | `entry` |
//! | PubMed | `PubmedArticle`, `PubmedBookArticle`; `MedlineCitation`, `BookDocument` of older files; `PMID` in `DeleteCitation` and `DeleteDocument` |
//! | ACL Anthology | `paper` |
//!
//! The front matter of an ACL volume is no record: its title and its editors are the volume's.

use crate::Format;

/// Whether an element directly inside `parent` is a record.
pub(super) fn is_record(format: Format, name: &[u8], parent: &[u8]) -> bool {
    let in_pubmed = format == Format::PubmedXml;
    match name {
        b"MedlineCitation" | b"BookDocument" => in_pubmed,
        b"PMID" => in_pubmed && [&b"DeleteCitation"[..], b"DeleteDocument"].contains(&parent),
        _ => is_whole_record(format, name),
    }
}

/// Whether an element is a record wherever it stands, and no part of one.
pub(super) fn is_whole_record(format: Format, name: &[u8]) -> bool {
    match format {
        Format::ArxivOai => name == b"record",
        Format::ArxivAtom => name == b"entry",
        Format::PubmedXml => name == b"PubmedArticle" || name == b"PubmedBookArticle",
        Format::AclAnthology => name == b"paper",
        _ => false,
    }
}

/// Whether a start tag is that of a `record` of another language than OAI-PMH, such as MARC
/// inside it.
pub(super) fn is_foreign(format: Format, tag: &[u8]) -> bool {
    let has = |words: &[u8]| tag.windows(words.len()).any(|window| window == words);
    format == Format::ArxivOai && has(b"xmlns=") && !has(b"openarchives.org/OAI/2.0")
}

/// Whether an element is a whole document, which nothing holds.
pub(super) fn is_root(name: &[u8]) -> bool {
    let roots: [&[u8]; 4] = [b"OAI-PMH", b"feed", b"PubmedArticleSet", b"collection"];
    roots.contains(&name)
}

/// Whether an element directly inside `parent` is the `meta` of an ACL volume.
pub(super) fn is_meta(format: Format, name: &[u8], parent: &[u8]) -> bool {
    format == Format::AclAnthology && name == b"meta" && parent == b"volume"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_by_name_and_place() {
        let check = |format, name: &str, parent: &str, expected| {
            let is_record = is_record(format, name.as_bytes(), parent.as_bytes());
            assert_eq!(is_record, expected, "{format:?} {name} in {parent}");
        };
        check(Format::ArxivOai, "record", "ListRecords", true);
        check(Format::ArxivOai, "entry", "", false);
        check(
            Format::PubmedXml,
            "MedlineCitation",
            "MedlineCitationSet",
            true,
        );
        check(Format::PubmedXml, "PMID", "DeleteCitation", true);
        check(Format::PubmedXml, "PMID", "PubmedArticleSet", false);
        check(Format::AclAnthology, "paper", "volume", true);
        check(Format::AclAnthology, "frontmatter", "volume", false);
    }

    #[test]
    fn a_record_of_marc_is_foreign() {
        let check = |tag: &str, expected| {
            assert_eq!(
                is_foreign(Format::ArxivOai, tag.as_bytes()),
                expected,
                "{tag}"
            );
        };
        check("<record>", false);
        check(
            "<record xmlns='http://www.openarchives.org/OAI/2.0/'>",
            false,
        );
        check("<record xmlns='http://www.loc.gov/MARC21/slim'>", true);
    }
}
