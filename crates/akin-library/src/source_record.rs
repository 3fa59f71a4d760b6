//! One of the records that a paper is made of.

use jiff::Timestamp;

use akin_base::paper::{Authority, Collection, Paper, PaperId};

/// A record that a paper was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRecord {
    /// Its collection; empty for records of an older library.
    pub collection: String,
    /// The authority of that collection.
    pub authority: Authority,
    /// The record, under its own id.
    pub paper: Paper,
    /// Why it was merged with the first record; empty for the first.
    pub why: String,
    /// When it was merged.
    pub merged: String,
}

impl SourceRecord {
    /// A record of a collection, merged now; `why` is empty for the first record of its paper.
    pub fn new(of: &Collection, paper: Paper, why: String) -> SourceRecord {
        SourceRecord {
            collection: of.name.clone(),
            authority: of.authority,
            paper,
            why,
            merged: Timestamp::now().to_string(),
        }
    }

    /// Its name among the records of a paper: `COLLECTION#ID`.
    pub fn name(&self) -> PaperId {
        SourceRecord::name_of(&self.collection, &self.paper.id)
    }

    /// The name of a collection's record with this id.
    pub fn name_of(collection: &str, id: &PaperId) -> PaperId {
        if id.is_local() || collection.is_empty() {
            id.clone()
        } else {
            PaperId::local(collection, id.as_str())
        }
    }
}
