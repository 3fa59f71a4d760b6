//! New records over the network: arXiv over OAI-PMH, Hugging Face Daily Papers over their API.
//!
//! ```text
//! feed + state ──► address ──► answer ──► page + state after it ──► the caller takes both in
//!                  oai.rs       request.rs oai_page.rs, state.rs
//!                  hf_daily.rs
//! ```
//!
//! In: [`PullOptions`], and the [`FeedState`] of the last pull. Out: one [`Page`] at a time, whose
//! bytes are a dump for `akin::dump::Dump::from_reader`. The caller takes a page in and then stores
//! its state, or does both in one transaction. At the end it stores [`Pull::state`]:
//!
//! ```no_run
//! # use akin_fetch::pull::{Feed, Page, Pull, PullOptions, FeedState, SystemClock};
//! # fn take_in(_: Page) {}
//! # fn store(_: &str, _: &FeedState) {}
//! # fn main() -> akin_base::Result<()> {
//! # let stored = FeedState::default();
//! let options = PullOptions::new(Feed::arxiv(Some("cs")));
//! let key = options.feed.key();
//! let mut pull = Pull::new(options, stored, &SystemClock)?;
//! while let Some(page) = pull.next_page(&akin_base::progress::Unobserved)? {
//!     let after = page.state_after.clone();
//!     take_in(page);
//!     store(&key, &after);
//! }
//! store(&key, pull.state());
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: only [`Pull::next_page`] uses the network. After a kill at most one page is asked
//! for again, and none is lost. After an error or a requested stop the next call, or the next pull,
//! goes on with the page that failed. Time comes only from a [`Clock`]. A pull with another window
//! than the unfinished list abandons that list.

mod address;
mod feed;
mod hf_daily;
mod oai;
mod oai_page;
mod page;
mod refusal;
mod request;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use self::hf_daily::HfDaily;
use self::oai::Oai;
use self::page::Pulled;
use self::request::FeedConnection;
use crate::http::Http;
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

pub use self::feed::{ARXIV_BASE, ArxivFeed, Feed, HF_DAILY_BASE, HF_MAX_DAYS, HfDailyFeed};
pub use self::page::Page;
pub use self::request::HttpOptions;
pub use self::state::FeedState;
pub use crate::clock::{Clock, SystemClock};

/// The feed to pull, and how to ask for it.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// The feed.
    pub feed: Feed,
    /// The settings of requests.
    pub http: HttpOptions,
}

impl PullOptions {
    /// Options with the pauses that the feed's server asks for.
    pub fn new(feed: Feed) -> PullOptions {
        let mut http = HttpOptions::default();
        if matches!(feed, Feed::HfDaily(_)) {
            // 500 requests in five minutes are granted.
            http.interval = Duration::from_secs(1);
        }
        PullOptions { feed, http }
    }
}

/// A pull in progress.
pub struct Pull<'a> {
    reader: FeedReader,
    http: Http,
    options: HttpOptions,
    clock: &'a dyn Clock,
    state: FeedState,
}

/// Reads the feed, page by page.
#[derive(Debug)]
enum FeedReader {
    Arxiv(Oai),
    HfDaily(HfDaily),
}

impl<'a> Pull<'a> {
    /// Prepares to go on from `state`.
    ///
    /// # Errors
    /// [`Error::BadPull`] for a day in the future, an empty window, or an invalid proxy.
    pub fn new(options: PullOptions, state: FeedState, clock: &'a dyn Clock) -> Result<Pull<'a>> {
        let http = Http::new(&options.http.policy(), options.feed.base())?;
        let reader = match options.feed {
            Feed::Arxiv(feed) => FeedReader::Arxiv(Oai::new(feed, &state)?),
            Feed::HfDaily(feed) => FeedReader::HfDaily(HfDaily::new(feed, &state, clock.today())?),
        };
        Ok(Pull {
            reader,
            http,
            options: options.http,
            clock,
            state,
        })
    }

    /// Asks for the next page with records; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`] or [`Error::BadAnswer`] if the server gives no
    /// usable answer; [`Error::Interrupted`]. The next call asks for the same page again.
    pub fn next_page(&mut self, observer: &dyn Observer) -> Result<Option<Page>> {
        loop {
            if observer.stop_requested() {
                return Err(Error::Interrupted);
            }
            let line = FeedConnection::new(&self.http, &self.options, self.clock, observer);
            let step = match &mut self.reader {
                FeedReader::Arxiv(oai) => oai.step(&mut self.state, &line)?,
                FeedReader::HfDaily(days) => days.step(&mut self.state, &line)?,
            };
            match step {
                Pulled::Page(page) => return Ok(Some(page)),
                Pulled::Nothing => {}
                Pulled::Done => return Ok(None),
            }
        }
    }

    /// The state after the pages so far, including pages without records, which are not handed out.
    pub fn state(&self) -> &FeedState {
        &self.state
    }
}

impl fmt::Debug for Pull<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Pull");
        shown.field("reader", &self.reader);
        shown.field("state", &self.state);
        shown.finish_non_exhaustive()
    }
}
