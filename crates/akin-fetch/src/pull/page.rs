//! What a pull hands out, a page at a time.

use super::state::FeedState;

/// A page of records, as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its name in messages; for Hugging Face it includes the day of the list.
    pub name: String,
    /// A dump with at least one record.
    pub bytes: Vec<u8>,
    /// The number of its records.
    pub n_records: u64,
    /// The number of records of the whole list, if the server says.
    pub n_expected: Option<u64>,
    /// The state to store once the page is taken in.
    pub state_after: FeedState,
}

/// The result of asking for a page.
#[derive(Debug)]
pub(super) enum Pulled {
    /// Records.
    Page(Page),
    /// A page without records; there may be more.
    Nothing,
    /// The end.
    Done,
}
