//! Ids of many papers as they are shown, without a lookup for each.
//!
//! In: a library. Out: for a paper's id the shortest spelling that no other paper has, as
//! [`Library::spelling_of`](akin::library::Library::spelling_of) finds it for one.

use std::collections::HashMap;

use akin::library::Library;
use akin::paper::{Paper, PaperId};

use super::fault::Failure;

/// Which local ids several papers have, each in its own collection.
pub(super) struct Spellings {
    /// Number of papers that have an id, without its collection; only local ids are counted.
    n_papers: HashMap<String, u32>,
}

impl Spellings {
    pub(super) fn of(library: &Library) -> Result<Spellings, Failure> {
        let mut n_papers = HashMap::new();
        for id in library.ids()? {
            if id.is_local() {
                *n_papers.entry(id.bare().to_owned()).or_default() += 1;
            }
        }
        n_papers.retain(|_, n| *n > 1);
        Ok(Spellings { n_papers })
    }

    /// Gives a paper the id by which it is shown.
    pub(super) fn put_into(&self, paper: &mut Paper) {
        if !paper.id.is_local() {
            return;
        }
        let is_shared = self.n_papers.contains_key(paper.id.bare());
        let shown = match is_shared {
            true => paper.id.qualified().to_owned(),
            false => paper.id.to_string(),
        };
        paper.id = PaperId::from_stored(&shown);
    }
}
