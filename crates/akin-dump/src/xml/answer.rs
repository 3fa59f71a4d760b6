//! What a whole document says that holds no record.

use super::tree::Element;

/// What a whole document without records says.
pub(crate) enum DocumentAnswer {
    /// There are none.
    Empty,
    /// The question was wrong; the source's message.
    Error(String),
    /// Nothing of the kind.
    Other,
}

/// What a document says that is empty if its root holds no element.
pub(crate) fn empty_without_elements(root: &Element) -> DocumentAnswer {
    if root.elements().next().is_none() {
        DocumentAnswer::Empty
    } else {
        DocumentAnswer::Other
    }
}
