//! What becomes of a record.

use super::same_work::Why;
use crate::paper::PaperId;

/// What became of one record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// It is a new paper.
    Stored {
        /// The paper's id.
        id: PaperId,
    },
    /// It is a new paper with the id of another work, and is kept apart from that one.
    KeptApart {
        /// The id that it is stored under.
        id: PaperId,
        /// The id that it came with, which is another work's.
        given: PaperId,
    },
    /// It changed the paper.
    Changed {
        /// The paper's id.
        id: PaperId,
    },
    /// It said nothing new.
    Unchanged {
        /// The record's id.
        id: PaperId,
    },
    /// It became part of a paper that another record had brought.
    Merged {
        /// The record's id.
        id: PaperId,
        /// The paper's id.
        into: PaperId,
        /// Why.
        why: Why,
    },
    /// It said that a paper was deleted.
    Deleted {
        /// Whose id it names.
        id: PaperId,
    },
}
