//! Which elements are records. Each XML format has its own [`Rules`].
//!
//! In: names of elements without prefixes. Out: their roles.

/// Which elements of a format are records.
pub(crate) struct Rules {
    /// Whether an element is a record at any place, and not a part of one.
    pub(crate) is_whole_record: fn(&[u8]) -> bool,
    /// Whether an element directly inside a parent is a record too.
    pub(crate) is_inner_record: fn(&[u8], &[u8]) -> bool,
    /// Whether a start tag only looks like that of a record: it is of another language.
    pub(crate) is_foreign: fn(&[u8]) -> bool,
    /// Whether an element directly inside a parent says something of all records around it.
    pub(crate) is_meta: fn(&[u8], &[u8]) -> bool,
}

impl Rules {
    /// Nothing is a record.
    pub(crate) const NONE: Rules = Rules {
        is_whole_record: |_| false,
        is_inner_record: |_, _| false,
        is_foreign: |_| false,
        is_meta: |_, _| false,
    };

    /// Whether an element directly inside `parent` is a record.
    pub(crate) fn is_record(&self, name: &[u8], parent: &[u8]) -> bool {
        (self.is_whole_record)(name) || (self.is_inner_record)(name, parent)
    }
}

/// Whether an element is a whole document, which nothing holds.
pub(super) fn is_root(name: &[u8]) -> bool {
    let roots: [&[u8]; 4] = [b"OAI-PMH", b"feed", b"PubmedArticleSet", b"collection"];
    roots.contains(&name)
}

#[cfg(test)]
mod tests {

    use crate::registry::Format;
    use crate::xml::sniff::tests::rules_of;

    #[test]
    fn records_are_told_by_name_and_place() {
        let check = |format, name: &str, parent: &str, expected| {
            let rules = rules_of(format);
            let is_record = rules.is_record(name.as_bytes(), parent.as_bytes());
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
                (rules_of(Format::ArxivOai).is_foreign)(tag.as_bytes()),
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
