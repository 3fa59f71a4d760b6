//! What kind of publication a paper is, as far as its record shows.

use akin_base::paper::{IdKind, Paper};

/// A kind of publication, for formats that want one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublicationKind {
    /// In a journal.
    Article,
    /// In the proceedings of a conference.
    Proceedings,
    /// On a preprint server only.
    Preprint,
    /// Unknown.
    Other,
}

/// Words of the names of proceedings, in lower case.
const PROCEEDINGS: [&str; 5] = [
    "proceedings",
    "proc.",
    "conference",
    "workshop",
    "symposium",
];

impl PublicationKind {
    pub(crate) fn of(paper: &Paper) -> PublicationKind {
        let ids = || std::iter::once(&paper.id).chain(&paper.aliases);
        let has = |kind| ids().any(|id| id.kind() == Some(kind));
        match paper.journal.as_deref().map(str::to_lowercase) {
            Some(name) if names_proceedings(&name) => PublicationKind::Proceedings,
            Some(_) => PublicationKind::Article,
            None if has(IdKind::Acl) => PublicationKind::Proceedings,
            None if has(IdKind::Arxiv) => PublicationKind::Preprint,
            None => PublicationKind::Other,
        }
    }
}

/// Whether a name in lower case is that of proceedings. Journals are called so too (PNAS), but
/// they are of an academy or a society.
fn names_proceedings(name: &str) -> bool {
    PROCEEDINGS.iter().any(|word| name.contains(word))
        && !["academy", "society"]
            .iter()
            .any(|word| name.contains(word))
}
