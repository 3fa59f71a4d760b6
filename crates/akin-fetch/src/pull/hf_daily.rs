//! Reads the lists of Hugging Face Daily Papers, day by day.
//!
//! In: an [`HfDailyFeed`] and the [`FeedState`] of the last pull. Out: one [`Pulled`] at a time. A
//! day's list can have several pages. It ends with an empty page, a repeated page, 404, or a page
//! that is not full, unless the server names a next one. Invariants: a day counts as complete only
//! if it was over when the pull began, since papers are added all day. Days are those of UTC, like
//! the lists'.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

use super::address::address;
use super::feed::HfDailyFeed;
use super::page::{Page, Pulled};
use super::request::{Content, FeedConnection, Fetched};
use super::state::{FeedState, PartOfDay, UnfinishedPull};
use akin_base::error::{Error, Result};

/// Papers per page: the most that the API gives.
const PAGE_PAPERS: usize = 100;

/// The most attempts at a broken page.
const PAGE_ATTEMPTS: u32 = 2;

/// The days of a pull.
#[derive(Debug)]
pub(super) struct HfDaily {
    feed: HfDailyFeed,
    /// The next page; `None` at the end.
    next: Option<PartOfDay>,
    last: Date,
    /// The day on which the pull began.
    today: Date,
}

/// A page of a day.
struct Papers {
    content: Content,
    n_papers: usize,
    fingerprint: String,
}

impl HfDaily {
    /// Goes on where the last pull ended.
    ///
    /// # Errors
    /// [`Error::BadPull`] if the requested day is in the future.
    pub(super) fn new(feed: HfDailyFeed, state: &FeedState, today: Date) -> Result<HfDaily> {
        let (first, last) = match feed.date {
            Some(day) if day > today => {
                return Err(Error::BadPull {
                    reason: format!("{day} is still to come; in UTC it is {today}"),
                });
            }
            Some(day) => (day, day),
            None => feed.new_days(state, today),
        };
        let begun = match &state.unfinished {
            Some(UnfinishedPull::Day(part)) if part.day == first => Some(part),
            _ => None,
        };
        let begun = begun.filter(|part| part.was_over == (first < today));
        let next = begun.cloned();
        let next = next.unwrap_or_else(|| PartOfDay::beginning(first, today));
        Ok(HfDaily {
            feed,
            next: (first <= last).then_some(next),
            last,
            today,
        })
    }

    /// Asks for the next page.
    pub(super) fn step(
        &mut self,
        state: &mut FeedState,
        line: &FeedConnection<'_>,
    ) -> Result<Pulled> {
        let Some(part) = self.next.clone() else {
            return Ok(Pulled::Done);
        };
        let papers = self.ask(&part, line)?;
        let papers = papers.filter(|papers| part.last_page.as_ref() != Some(&papers.fingerprint));
        let Some(papers) = papers.filter(|papers| papers.n_papers > 0) else {
            self.finish_day(part.day, state);
            return Ok(Pulled::Nothing);
        };
        if papers.content.has_next || papers.n_papers >= PAGE_PAPERS {
            let further = PartOfDay {
                next_page: part.next_page + 1,
                last_page: Some(papers.fingerprint),
                ..part.clone()
            };
            state.unfinished = Some(UnfinishedPull::Day(further.clone()));
            self.next = Some(further);
        } else {
            self.finish_day(part.day, state);
        }
        Ok(Pulled::Page(Page {
            name: page_name(&part),
            bytes: papers.content.bytes,
            n_records: papers.n_papers as u64,
            n_expected: None,
            state_after: state.clone(),
        }))
    }

    /// Asks for a page until it is usable; `None` if there is none.
    fn ask(&self, part: &PartOfDay, line: &FeedConnection<'_>) -> Result<Option<Papers>> {
        let url = self.url(part);
        let mut reason = String::new();
        for _ in 0..PAGE_ATTEMPTS {
            let content = match line.get(&url)? {
                Fetched::Content(content) => content,
                Fetched::Refused(refusal) if refusal.status == 404 => return Ok(None),
                Fetched::Refused(refusal) => return Err(refusal.into_error(&url)),
            };
            match serde_json::from_slice::<Vec<Value>>(&content.bytes) {
                Ok(papers) => {
                    return Ok(Some(Papers {
                        content,
                        n_papers: papers.len(),
                        fingerprint: fingerprint(&papers),
                    }));
                }
                Err(error) => reason = format!("it is no list of papers: {error}"),
            }
        }
        Err(Error::BadAnswer {
            page: page_name(part),
            url,
            reason,
        })
    }

    /// Goes on to the next day.
    fn finish_day(&mut self, day: Date, state: &mut FeedState) {
        state.unfinished = None;
        if day < self.today {
            state.complete(Some(day), day);
        }
        let next = day.tomorrow().ok().filter(|next| *next <= self.last);
        self.next = next.map(|next| PartOfDay::beginning(next, self.today));
    }

    /// The address of a page.
    fn url(&self, part: &PartOfDay) -> String {
        let query = [
            ("date", part.day.to_string()),
            ("p", part.next_page.to_string()),
            ("limit", PAGE_PAPERS.to_string()),
        ];
        address(&self.feed.base, &query)
    }
}

impl HfDailyFeed {
    /// The first and the last day of a pull without a date.
    fn new_days(&self, state: &FeedState, today: Date) -> (Date, Date) {
        let further = i64::from(self.max_days.max(1)) - 1;
        let first = match state.complete_through {
            Some(day) => day.tomorrow().unwrap_or(day),
            None => today.checked_sub(further.days()).unwrap_or(today),
        };
        let last = first.checked_add(further.days()).unwrap_or(today);
        (first, last.min(today))
    }
}

impl PartOfDay {
    fn beginning(day: Date, today: Date) -> PartOfDay {
        PartOfDay {
            day,
            was_over: day < today,
            next_page: 0,
            last_page: None,
        }
    }
}

/// The name of a page; readers of dumps take the day in it for the day of listing.
fn page_name(part: &PartOfDay) -> String {
    format!(
        "Hugging Face Daily Papers {}, page {}",
        part.day,
        part.next_page + 1
    )
}

/// A hash of a page's ids, which tells it from other pages of its day.
fn fingerprint(papers: &[Value]) -> String {
    let mut hasher = blake3::Hasher::new();
    for paper in papers {
        let id = paper.pointer("/paper/id").or_else(|| paper.get("id"));
        hasher.update(id.unwrap_or(paper).to_string().as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}
