//! Reads a list of arXiv's records over OAI-PMH, page by page.
//!
//! ```text
//! from, until ──► page ──► token ──► page ──► … ──► page without token: the list is complete
//!      ▲                     │
//!      └── forgotten token ──┘  again from the oldest datestamp of the last page
//! ```
//!
//! In: an [`ArxivFeed`] and the [`FeedState`] of the last pull. Out: one [`Pulled`] at a time.
//! Invariants: no record is skipped. A restarted list begins where it is known to have been read
//! to, or at its beginning if its datestamps are not in order. Days count as complete only up to
//! the day before the list's oldest answer: pages may be cached, and that day was not over. A list
//! that goes round in circles is ended.
//!
//! Repository and protocol: oaipmh.arxiv.org, OAI-PMH 2.0. arXiv's tokens stay valid for long;
//! those of other servers do not.

use std::collections::HashSet;

use jiff::civil::Date;

use super::address::address;
use super::feed::ArxivFeed;
use super::oai_page::{self, OaiError, OaiPage};
use super::page::{Page, Pulled};
use super::request::{FeedConnection, Fetched, RequestRefusal};
use super::state::{FeedState, OaiList, UnfinishedPull, Window};
use akin_base::error::{Error, Result};

/// The most attempts at a page that is broken or repeats.
const PAGE_ATTEMPTS: u32 = 2;

/// The most restarts of a list without progress.
const MAX_RESTARTS: u32 = 3;

/// A list that is being read.
#[derive(Debug)]
pub(super) struct Oai {
    feed: ArxivFeed,
    /// The list, after the last page handed out; `None` at the end.
    list: Option<OaiList>,
    /// Whether it was begun by an earlier pull.
    is_resumed: bool,
    /// The tokens and fingerprints of this list's pages.
    seen: HashSet<String>,
    /// Where it was last restarted: from the beginning or from a day.
    restarted_from: Option<Option<Date>>,
    /// Number of restarts there.
    n_restarts: u32,
}

/// A usable page, or an error of the protocol.
enum OaiOutcome {
    Page(OaiPage, Vec<u8>),
    Error(OaiError, OaiPage),
}

impl Oai {
    /// Goes on with the unfinished list if it has the requested window, and starts a new list
    /// otherwise.
    ///
    /// # Errors
    /// [`Error::BadPull`] if the window is empty.
    pub(super) fn new(feed: ArxivFeed, state: &FeedState) -> Result<Oai> {
        let asked = feed.window();
        if let (Some(from), Some(until)) = (asked.from, asked.until)
            && from > until
        {
            return Err(Error::BadPull {
                reason: format!("{from} is after {until}"),
            });
        }
        let begun = match &state.unfinished {
            Some(UnfinishedPull::List(list)) => Some(list),
            _ => None,
        };
        let begun = begun.filter(|list| asked == Window::default() || asked == list.asked);
        let mut oai = Oai {
            feed,
            list: begun.cloned(),
            is_resumed: begun.is_some(),
            seen: HashSet::new(),
            restarted_from: None,
            n_restarts: 0,
        };
        if !oai.is_resumed {
            oai.begin(state);
        }
        Ok(oai)
    }

    /// Starts a list: the requested window, or what is new.
    fn begin(&mut self, state: &FeedState) {
        let mut asked = self.feed.window();
        if asked == Window::default() {
            asked.from = state.complete_through;
        }
        self.is_resumed = false;
        self.seen.clear();
        self.restarted_from = None;
        self.list = Some(OaiList {
            asked,
            from: asked.from,
            ..OaiList::default()
        });
    }

    /// Asks for the next page.
    pub(super) fn step(
        &mut self,
        state: &mut FeedState,
        line: &FeedConnection<'_>,
    ) -> Result<Pulled> {
        let Some(mut list) = self.list.take() else {
            return Ok(Pulled::Done);
        };
        let outcome = self.ask(&list, line);
        // After a failure the same page is still the next.
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.list = Some(list);
                return Err(error);
            }
        };
        match outcome {
            OaiOutcome::Page(page, bytes) => Ok(self.take(list, page, bytes, state, line)),
            OaiOutcome::Error(error, _) if self.is_lost(&list, &error) => {
                self.restart(list, &error)
            }
            OaiOutcome::Error(error, page) if error.code == "noRecordsMatch" => {
                list.note_answer(&page, line);
                self.complete(list, state, line);
                Ok(Pulled::Nothing)
            }
            OaiOutcome::Error(error, _) => {
                let url = self.url(&list);
                self.list = Some(list);
                Err(refused(url, &error))
            }
        }
    }

    /// Asks for a page until it is usable.
    fn ask(&self, list: &OaiList, line: &FeedConnection<'_>) -> Result<OaiOutcome> {
        let url = self.url(list);
        let mut reason = String::new();
        for _ in 0..PAGE_ATTEMPTS {
            let bytes = match line.get(&url)? {
                Fetched::Content(content) => content.bytes,
                Fetched::Refused(refusal) => return self.refusal(list, refusal, &url, line),
            };
            match oai_page::parse(&bytes) {
                Ok(mut page) => match page.error.take() {
                    Some(error) => return Ok(OaiOutcome::Error(error, page)),
                    None if !self.repeats(list, &page) => return Ok(OaiOutcome::Page(page, bytes)),
                    None => {
                        reason = "it repeats a page of the same list, and so would those after it"
                            .to_owned()
                    }
                },
                Err(broken) => reason = broken,
            }
        }
        Err(Error::BadAnswer {
            page: self.page_name(list),
            url,
            reason,
        })
    }

    /// What a refusal means: an error of the protocol, or a forgotten token.
    fn refusal(
        &self,
        list: &OaiList,
        refusal: RequestRefusal,
        url: &str,
        line: &FeedConnection<'_>,
    ) -> Result<OaiOutcome> {
        if let Ok(mut page) = oai_page::parse(&refusal.bytes)
            && let Some(error) = page.error.take()
        {
            return Ok(OaiOutcome::Error(error, page));
        }
        let expires = list.token.as_ref().and_then(|token| token.expires);
        if expires.is_some_and(|moment| moment < line.clock().now()) {
            let error = OaiError {
                code: "badResumptionToken".to_owned(),
                words: refusal.into_error(url).to_string(),
            };
            return Ok(OaiOutcome::Error(error, OaiPage::default()));
        }
        Err(refusal.into_error(url))
    }

    /// Whether a page would make the list go round in circles.
    fn repeats(&self, list: &OaiList, page: &OaiPage) -> bool {
        let is_last = page.token.is_none();
        let next = page.token.as_ref().map(|token| &token.text);
        let asked = list.token.as_ref().map(|token| &token.text);
        let is_known = |text: &String| self.seen.contains(text);
        let has_records = page.n_records > 0;
        (!is_last && (next == asked || next.is_some_and(is_known)))
            || (has_records && list.last_page.as_ref() == Some(&page.fingerprint))
            || (has_records && is_known(&page.fingerprint))
    }

    /// Takes a page in: the list is one page further, or complete.
    fn take(
        &mut self,
        mut list: OaiList,
        page: OaiPage,
        bytes: Vec<u8>,
        state: &mut FeedState,
        line: &FeedConnection<'_>,
    ) -> Pulled {
        let name = self.page_name(&list);
        list.note_answer(&page, line);
        list.note_datestamps(&page);
        list.n_pages += 1;
        list.last_page = (page.n_records > 0).then(|| page.fingerprint.clone());
        self.seen.extend(list.token.take().map(|token| token.text));
        self.seen.extend(list.last_page.clone());
        match page.token {
            Some(token) => {
                list.token = Some(token);
                state.unfinished = Some(UnfinishedPull::List(list.clone()));
                self.list = Some(list);
            }
            None => self.complete(list, state, line),
        }
        if page.n_records == 0 {
            return Pulled::Nothing;
        }
        Pulled::Page(Page {
            name,
            bytes,
            n_records: page.n_records,
            n_expected: page.n_listed,
            state_after: state.clone(),
        })
    }

    /// Records that a list is complete. One begun on an earlier day is followed by what is new
    /// since.
    fn complete(&mut self, list: OaiList, state: &mut FeedState, line: &FeedConnection<'_>) {
        let answered = list.answered.unwrap_or_else(|| line.clock().today());
        let through = answered.yesterday().unwrap_or(answered);
        let through = list.asked.until.map_or(through, |until| until.min(through));
        state.complete(list.asked.from, through);
        state.unfinished = None;
        let is_old = self.is_resumed && answered < line.clock().today();
        if is_old && self.feed.window() == Window::default() {
            self.begin(state);
        }
    }

    /// Whether the server has forgotten the position in the list. A token that leads to no records
    /// is doubted once.
    fn is_lost(&self, list: &OaiList, error: &OaiError) -> bool {
        let is_doubtful = || self.restarted_from != Some(list.known_to());
        list.token.is_some()
            && (error.code == "badResumptionToken"
                || error.code == "noRecordsMatch" && is_doubtful())
    }

    /// Restarts the list from where it is known to have been read to.
    fn restart(&mut self, mut list: OaiList, error: &OaiError) -> Result<Pulled> {
        let from = list.known_to();
        if self.restarted_from != Some(from) {
            self.restarted_from = Some(from);
            self.n_restarts = 0;
        }
        self.n_restarts += 1;
        if self.n_restarts > MAX_RESTARTS {
            let url = self.url(&list);
            let page = self.page_name(&list);
            self.list = Some(list);
            return Err(Error::BadAnswer {
                page,
                url,
                reason: format!(
                    "the server forgets where the list was, again and again ({})",
                    error.words
                ),
            });
        }
        list.from = from;
        list.token = None;
        list.highest = None;
        list.last_page = None;
        self.seen.clear();
        self.list = Some(list);
        Ok(Pulled::Nothing)
    }

    /// The address of the next page.
    fn url(&self, list: &OaiList) -> String {
        let mut query = vec![("verb", "ListRecords".to_owned())];
        if let Some(token) = &list.token {
            query.push(("resumptionToken", token.text.clone()));
            return address(&self.feed.base, &query);
        }
        query.push(("metadataPrefix", self.feed.prefix.clone()));
        query.extend(self.feed.set.clone().map(|set| ("set", set)));
        query.extend(list.from.map(|from| ("from", from.to_string())));
        query.extend(list.asked.until.map(|until| ("until", until.to_string())));
        address(&self.feed.base, &query)
    }

    /// The name of the next page, without a day: readers of dumps would take that for the papers'
    /// date.
    fn page_name(&self, list: &OaiList) -> String {
        let set = self.feed.set.as_deref().unwrap_or("all");
        format!("arXiv {set}, page {}", list.n_pages + 1)
    }
}

impl OaiList {
    /// The day before which nothing is missing.
    fn known_to(&self) -> Option<Date> {
        match self.reached {
            Some(reached) if !self.is_unsorted => Some(reached),
            _ => self.asked.from,
        }
    }

    /// Records the day of an answer, by the server's clock or ours, whichever is earlier.
    fn note_answer(&mut self, page: &OaiPage, line: &FeedConnection<'_>) {
        let today = line.clock().today();
        let answered = page.answered.map_or(today, |day| day.min(today));
        self.answered = Some(self.answered.map_or(answered, |known| known.min(answered)));
    }

    /// Records how far the list has come, and whether it is in order.
    fn note_datestamps(&mut self, page: &OaiPage) {
        for day in &page.datestamps {
            self.is_unsorted |= self.highest.is_some_and(|highest| *day < highest);
            self.highest = self.highest.max(Some(*day));
        }
        self.reached = page.datestamps.iter().min().copied().or(self.reached);
    }
}

/// The error for an error of the protocol.
fn refused(url: String, error: &OaiError) -> Error {
    let OaiError { code, words } = error;
    Error::Refused {
        url,
        answer: if words.is_empty() {
            code.clone()
        } else {
            format!("{code}: {words}")
        },
    }
}
