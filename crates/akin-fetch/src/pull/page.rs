//! What a pull hands out, a page at a time.

use super::state::FeedState;

/// A page of records, as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it is called in messages; of Hugging Face with the day of its list.
    pub name: String,
    /// A dump of at least one record.
    pub bytes: Vec<u8>,
    /// Its records.
    pub n_records: u64,
    /// The records of the whole list, where the server says so.
    pub n_expected: Option<u64>,
    /// To be stored once the page is taken in.
    pub state_after: FeedState,
}

/// What asking for a page came to.
#[derive(Debug)]
pub(super) enum Pulled {
    /// Records.
    Page(Page),
    /// None, and it goes on.
    Nothing,
    /// There is nothing more to ask for.
    Done,
}
