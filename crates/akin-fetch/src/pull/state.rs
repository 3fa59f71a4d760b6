//! The state of a feed between two pulls.
//!
//! There is one [`FeedState`] per [`Feed::key`](super::Feed::key), stored in serde's form.
//! Invariants: a day counts as complete only after every page up to it was handed out. The state
//! stored with a page claims nothing about later pages.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// How far a feed has been pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedState {
    /// The last complete day: a datestamp of arXiv, or the day of a list of Hugging Face.
    pub complete_through: Option<Date>,
    /// The list or day that was begun and not finished.
    pub(super) unfinished: Option<UnfinishedPull>,
}

impl FeedState {
    /// Whether the next pull resumes an unfinished list or day.
    pub fn is_unfinished(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Forgets the unfinished list or day: the next pull starts after the last complete day.
    pub fn forget_unfinished(&mut self) {
        self.unfinished = None;
    }

    /// Records that the days from `first` (`None`: the beginning) to `last` are complete, unless
    /// there is a gap between the complete days and `first`.
    pub(super) fn complete(&mut self, first: Option<Date>, last: Date) {
        let Some(known) = self.complete_through else {
            self.complete_through = Some(last);
            return;
        };
        let is_joined = first.is_none_or(|first| known.tomorrow().is_ok_and(|next| first <= next));
        if is_joined {
            self.complete_through = Some(known.max(last));
        }
    }
}

/// The list or day that was begun and not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnfinishedPull {
    /// A list of records.
    List(OaiList),
    /// A day of papers.
    Day(PartOfDay),
}

/// A list of OAI-PMH between its first and its last page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OaiList {
    /// The window that was asked for.
    pub(super) asked: Window,
    /// Where the list starts that `token` belongs to: later than `asked.from` after a new start.
    pub(super) from: Option<Date>,
    /// Asks for the next page; `None` before the first.
    pub(super) token: Option<ResumptionToken>,
    /// The oldest datestamp on the last page.
    pub(super) reached: Option<Date>,
    /// The newest datestamp since the list was last started.
    pub(super) highest: Option<Date>,
    /// Whether datestamps have gone down anywhere, so that `reached` says nothing.
    pub(super) is_unsorted: bool,
    /// The day of the oldest answer in it: pages may come from a cache.
    pub(super) answered: Option<Date>,
    /// Pages read.
    pub(super) n_pages: u64,
    /// Identifies the content of the last page.
    pub(super) last_page: Option<String>,
}

/// Datestamps from and until, both inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
}

/// A resumption token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResumptionToken {
    pub(super) text: String,
    /// When the server may have forgotten it.
    pub(super) expires: Option<Timestamp>,
}

/// A day of papers between its first and its last page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartOfDay {
    pub(super) day: Date,
    /// Whether the day was over when its first page was asked for: if not, papers may have come to
    /// pages already read.
    pub(super) was_over: bool,
    /// The next page, counted from 0.
    pub(super) next_page: u32,
    /// Identifies the content of the last page.
    pub(super) last_page: Option<String>,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_gap_is_never_claimed() {
        let check = |known: Option<i8>, first: Option<i8>, last: i8, expected: i8| {
            let day = |day| date(2026, 11, day);
            let mut state = FeedState {
                complete_through: known.map(day),
                unfinished: None,
            };
            state.complete(first.map(day), day(last));
            assert_eq!(state.complete_through, Some(day(expected)));
        };
        check(None, Some(5), 9, 9);
        check(Some(9), Some(9), 12, 12);
        check(Some(9), Some(10), 12, 12);
        check(Some(9), Some(11), 12, 9);
        check(Some(9), Some(1), 3, 9);
        check(Some(9), None, 12, 12);
    }

    #[test]
    fn a_state_survives_json() {
        let state = FeedState {
            complete_through: Some(date(2026, 11, 19)),
            unfinished: Some(UnfinishedPull::List(OaiList {
                token: Some(ResumptionToken {
                    text: "6460044|1001".into(),
                    expires: "2026-11-22T00:00:00Z".parse().ok(),
                }),
                ..OaiList::default()
            })),
        };
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<FeedState>(&json).unwrap(), state);
        assert_eq!(
            serde_json::from_str::<FeedState>("{}").unwrap(),
            FeedState::default()
        );
    }
}
