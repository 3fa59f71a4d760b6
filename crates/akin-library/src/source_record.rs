//! One of the records that a paper is made of.

use jiff::Timestamp;

use akin_base::paper::{Authority, Collection, Paper, PaperId};

/// One of the records that a paper was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRecord {
    /// The collection that it is of; empty in a paper that an older library took in.
    pub collection: String,
    /// How far that collection's word counts.
    pub authority: Authority,
    /// The record, under its own id.
    pub paper: Paper,
    /// Why it was taken for the same work as the first; empty for the first.
    pub why: String,
    /// When it was merged.
    pub merged: String,
}

impl SourceRecord {
    /// A record of a collection that is taken in now; `why` is empty for the first of its paper.
    pub fn new(of: &Collection, paper: Paper, why: String) -> SourceRecord {
        SourceRecord {
            collection: of.name.clone(),
            authority: of.authority,
            paper,
            why,
            merged: Timestamp::now().to_string(),
        }
    }

    /// What the record is called among those of a paper: `COLLECTION#ID`.
    pub fn name(&self) -> PaperId {
        SourceRecord::name_of(&self.collection, &self.paper.id)
    }

    /// What a collection's record under this id is called.
    pub fn name_of(collection: &str, id: &PaperId) -> PaperId {
        if id.is_local() || collection.is_empty() {
            id.clone()
        } else {
            PaperId::local(collection, id.as_str())
        }
    }
}
