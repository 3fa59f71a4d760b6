//! The surroundings of a document's records: the elements that are open there.
//!
//! In: start tags and end tags outside records. Out: the elements that hold the next record. For
//! the ACL Anthology, whose papers say little alone, also the tags of `collection` and `volume`
//! with the volume's `meta`, as one small document.

use super::scan::local;

/// Elements that are kept track of.
const MAX_OPEN: usize = 64;

/// The elements whose tags are kept.
const KEPT: [&[u8]; 2] = [b"collection", b"volume"];

/// The elements that hold the next record.
#[derive(Default)]
pub(super) struct Enclosing {
    open: Vec<Open>,
    /// The `meta` of the volume, verbatim.
    meta: Vec<u8>,
    /// Tags and `meta` as a document.
    text: String,
}

struct Open {
    /// With its prefix.
    name: Vec<u8>,
    /// Empty for elements of no interest.
    tag: Vec<u8>,
}

impl Enclosing {
    /// Whether no element is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether an element of this name, with its prefix, is open.
    pub(super) fn holds(&self, name: &[u8]) -> bool {
        self.open.iter().any(|open| open.name == name)
    }

    /// The local name of the innermost element.
    pub(super) fn parent(&self) -> &[u8] {
        self.open.last().map_or(b"", |open| local(&open.name))
    }

    /// Tags and `meta` as a document, or empty.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Enters an element.
    pub(super) fn enter(&mut self, name: &[u8], tag: &[u8]) {
        if self.open.len() >= MAX_OPEN {
            return;
        }
        let is_kept = KEPT.contains(&local(name));
        if is_kept {
            self.meta.clear();
        }
        self.open.push(Open {
            name: name.to_vec(),
            tag: if is_kept { tag.to_vec() } else { Vec::new() },
        });
        if is_kept {
            self.write();
        }
    }

    /// Leaves the innermost element of this name, and all that is not ended inside it.
    pub(super) fn leave(&mut self, name: &[u8]) {
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else {
            return;
        };
        self.leave_from(at);
    }

    /// Leaves all elements.
    pub(super) fn leave_all(&mut self) {
        self.leave_from(0);
    }

    fn leave_from(&mut self, at: usize) {
        let left = self.open.split_off(at);
        if left.iter().any(|open| !open.tag.is_empty()) {
            self.meta.clear();
            self.write();
        }
    }

    /// Keeps the `meta` of the volume that is open.
    pub(super) fn set_meta(&mut self, meta: Vec<u8>) {
        self.meta = meta;
        self.write();
    }

    fn write(&mut self) {
        let kept: Vec<&Open> = self
            .open
            .iter()
            .filter(|open| !open.tag.is_empty())
            .collect();
        let mut xml: Vec<u8> = kept.iter().flat_map(|open| open.tag.clone()).collect();
        xml.extend_from_slice(&self.meta);
        for open in kept.iter().rev() {
            xml.extend([b"</", &open.name[..], b">"].concat());
        }
        self.text = String::from_utf8_lossy(&xml).into_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(around: &Enclosing, expected: &str) {
        assert_eq!(around.text(), expected);
    }

    #[test]
    fn the_volume_is_written_with_its_meta() {
        let mut around = Enclosing::default();
        around.enter(b"a:collection", b"<a:collection id='C18'>");
        around.enter(b"volume", b"<volume id='1'>");
        around.set_meta(b"<meta/>".to_vec());
        around.enter(b"frontmatter", b"<frontmatter>");
        assert_eq!(around.parent(), b"frontmatter");
        around.leave(b"frontmatter");
        check(
            &around,
            "<a:collection id='C18'><volume id='1'><meta/></volume></a:collection>",
        );
        around.leave(b"volume");
        check(&around, "<a:collection id='C18'></a:collection>");
        around.leave(b"unheard-of");
        around.leave_all();
        assert!(around.is_empty());
        check(&around, "");
    }

    #[test]
    fn an_element_that_does_not_end_ends_with_its_parent() {
        let mut around = Enclosing::default();
        for name in ["feed", "link", "link"] {
            around.enter(name.as_bytes(), b"<x>");
        }
        assert!(around.holds(b"link") && !around.holds(b"entry"));
        around.leave(b"feed");
        assert!(around.is_empty());
        for _ in 0..2 * MAX_OPEN {
            around.enter(b"deep", b"<deep>");
        }
        assert_eq!(around.open.len(), MAX_OPEN);
    }
}
