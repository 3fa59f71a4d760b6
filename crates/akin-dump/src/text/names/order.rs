//! Which part of a name comes first.

/// How a source is known to write names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// In reading order, with commas between names: arXiv.
    Reading,
    /// In any way, as in a cell or a record by an unknown writer.
    Unknown,
    /// The family name first if there is a comma: one name for each tag or element, and lists
    /// between semicolons.
    FamilyFirst,
}
