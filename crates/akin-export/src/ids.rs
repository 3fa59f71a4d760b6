//! The ids of a paper, each for the field that a format has for it.

use akin_base::paper::{IdKind, Paper, PaperId};

/// The first id of each kind that has a field of its own, and the rest.
#[derive(Debug, Default)]
pub(crate) struct IdFields<'a> {
    pub(crate) doi: Option<&'a PaperId>,
    pub(crate) arxiv: Option<&'a PaperId>,
    pub(crate) pmid: Option<&'a PaperId>,
    pub(crate) pmcid: Option<&'a PaperId>,
    /// Other ids that name a work anywhere.
    pub(crate) others: Vec<&'a PaperId>,
}

impl<'a> IdFields<'a> {
    pub(crate) fn of(paper: &'a Paper) -> IdFields<'a> {
        let mut fields = IdFields::default();
        for id in std::iter::once(&paper.id).chain(&paper.aliases) {
            let place = match id.kind() {
                None => continue,
                Some(IdKind::Doi) => &mut fields.doi,
                Some(IdKind::Arxiv) => &mut fields.arxiv,
                Some(IdKind::Pmid) => &mut fields.pmid,
                Some(IdKind::Pmcid) => &mut fields.pmcid,
                Some(_) => {
                    fields.others.push(id);
                    continue;
                }
            };
            match place {
                None => *place = Some(id),
                Some(_) => fields.others.push(id),
            }
        }
        fields
    }

    /// The addresses of the ids that have no field of their own.
    pub(crate) fn other_addresses(&self) -> impl Iterator<Item = String> {
        self.others.iter().filter_map(|id| id.address())
    }
}

/// The number of an id, without what its kind puts before it.
pub(crate) fn number(id: &PaperId) -> &str {
    id.as_str().rsplit(':').next().unwrap_or_default()
}

/// The id of a paper in its own collection, if it has no other: what a file is to call it by.
pub(crate) fn own_name(paper: &Paper) -> Option<String> {
    let mut ids = std::iter::once(&paper.id).chain(&paper.aliases);
    let is_of_own = ids.all(|id| id.kind().is_none()) && !paper.id.is_made();
    is_of_own.then(|| paper.id.to_string())
}
