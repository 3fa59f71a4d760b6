//! The first start tags of a document, by which formats are recognised.

use super::scan;

/// Number of start tags that are examined.
const SNIFFED_ELEMENTS: usize = 12;

/// The first start tags of a document.
pub(crate) struct StartTags<'a> {
    document: &'a [u8],
    /// Local names with the tags as they are written.
    tags: Vec<(String, &'a [u8])>,
}

impl<'a> StartTags<'a> {
    /// Reads the start of a document; `None` if it is not XML, or is HTML.
    pub(crate) fn read(document: &'a [u8]) -> Option<StartTags<'a>> {
        if document.first() != Some(&b'<') {
            return None;
        }
        let tags: Vec<_> = scan::start_tags(document).take(SNIFFED_ELEMENTS).collect();
        let (first, _) = tags.first()?;
        (!first.eq_ignore_ascii_case("html")).then_some(StartTags { document, tags })
    }

    /// Number of tags.
    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }

    /// The local name of the tag at an index; empty behind the last.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.tags.get(at).map_or("", |(name, _)| name)
    }

    /// Whether the tag at an index holds these bytes.
    pub(crate) fn tag_has(&self, at: usize, words: &[u8]) -> bool {
        contains(self.tags[at].1, words)
    }

    /// Whether the start of the document holds these bytes.
    pub(crate) fn document_has(&self, words: &[u8]) -> bool {
        contains(self.document, words)
    }
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}
