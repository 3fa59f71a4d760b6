//! New records over the network: arXiv over OAI-PMH, Hugging Face Daily Papers over their API.
//!
//! ```text
//! feed + state ──► address ──► answer ──► page + state after it ──► the caller takes both in
//!                  oai.rs       http.rs   oai_page.rs, state.rs
//!                  hf_daily.rs
//! ```
//!
//! In: [`PullOptions`], the [`FeedState`] that the last pull left. Out: one [`Page`] at a time, whose
//! bytes are a dump for [`Dump::from_reader`](akin_dump::Dump::from_reader). The caller takes a
//! page in and stores its state, in one transaction or in this order, and at the end stores
//! [`Pull::state`]:
//!
//! ```no_run
//! # use akin::pull::{Feed, Page, Pull, PullOptions, FeedState, SystemClock};
//! # fn take_in(_: Page) {}
//! # fn store(_: &str, _: &FeedState) {}
//! # fn main() -> akin::Result<()> {
//! # let stored = FeedState::default();
//! let options = PullOptions::new(Feed::arxiv(Some("cs")));
//! let key = options.feed.key();
//! let mut pull = Pull::new(options, stored, &SystemClock)?;
//! while let Some(page) = pull.next_page(&akin::progress::Unobserved)? {
//!     let after = page.state_after.clone();
//!     take_in(page);
//!     store(&key, &after);
//! }
//! store(&key, pull.state());
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: nothing is asked of the network before [`Pull::next_page`]; a kill at any instant
//! costs at most one page twice and loses none; after an error or a requested stop the next pull,
//! or the next call, goes on with the page that failed; time comes from a [`Clock`] alone. A pull
//! that names another window than the list that was begun leaves that list behind.

mod clock;
mod hf_daily;
mod http;
mod oai;
mod oai_page;
mod server_words;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;

use self::hf_daily::HfDaily;
use self::http::{Fetched, Http};
use self::oai::Oai;
use self::state::Window;
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;

pub use self::clock::{Clock, SystemClock};
pub use self::http::HttpOptions;
pub use self::state::FeedState;

/// Where arXiv answers OAI-PMH since March 2025; the older address leads here.
pub const ARXIV_BASE: &str = "https://oaipmh.arxiv.org/oai";

/// Where Hugging Face lists its papers of the day.
pub const HF_DAILY_BASE: &str = "https://huggingface.co/api/daily_papers";

/// The days of Hugging Face that one pull asks for at most.
pub const HF_MAX_DAYS: u16 = 31;

/// What is pulled, and how.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// What is pulled.
    pub feed: Feed,
    /// How it is asked for.
    pub http: HttpOptions,
}

impl PullOptions {
    /// As polite as the feed's server wants it.
    pub fn new(feed: Feed) -> PullOptions {
        let mut http = HttpOptions::default();
        if matches!(feed, Feed::HfDaily(_)) {
            // 500 requests in five minutes are granted.
            http.interval = Duration::from_secs(1);
        }
        PullOptions { feed, http }
    }
}

/// Where new records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// arXiv's records.
    Arxiv(ArxivFeed),
    /// The papers of the day at Hugging Face.
    HfDaily(HfDailyFeed),
}

impl Feed {
    /// What is new in a set of arXiv (`cs`, `physics:hep-ex`, `cs:cs:LG`), or in all of it.
    pub fn arxiv(set: Option<&str>) -> Feed {
        Feed::Arxiv(ArxivFeed {
            set: set.map(str::to_owned),
            ..ArxivFeed::default()
        })
    }

    /// The papers of a day at Hugging Face, or of every day since the last pull.
    pub fn hf_daily(date: Option<Date>) -> Feed {
        Feed::HfDaily(HfDailyFeed {
            date,
            ..HfDailyFeed::default()
        })
    }

    /// The name under which its [`FeedState`] is kept: without the window, which may change.
    pub fn key(&self) -> String {
        match self {
            Feed::Arxiv(feed) => {
                let set = feed.set.as_deref().unwrap_or("*");
                format!("arxiv {} {set}", feed.prefix)
            }
            Feed::HfDaily(_) => "hf-daily".to_owned(),
        }
    }

    fn base(&self) -> &str {
        match self {
            Feed::Arxiv(feed) => &feed.base,
            Feed::HfDaily(feed) => &feed.base,
        }
    }
}

/// A list of arXiv's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArxivFeed {
    /// The repository's address.
    pub base: String,
    /// The set, in the repository's own spelling; all sets if `None`.
    pub set: Option<String>,
    /// The form of the records: `arXiv`, `arXivRaw` or `oai_dc`.
    pub prefix: String,
    /// The first datestamp. Where both ends are `None`, a list that was begun is read on, and then
    /// what is new since the last complete day.
    pub from: Option<Date>,
    /// The last datestamp.
    pub until: Option<Date>,
}

impl Default for ArxivFeed {
    fn default() -> ArxivFeed {
        ArxivFeed {
            base: ARXIV_BASE.to_owned(),
            set: None,
            prefix: "arXiv".to_owned(),
            from: None,
            until: None,
        }
    }
}

impl ArxivFeed {
    fn window(&self) -> Window {
        Window {
            from: self.from,
            until: self.until,
        }
    }
}

/// Days of papers at Hugging Face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HfDailyFeed {
    /// The API's address.
    pub base: String,
    /// The day; every day since the last complete one if `None`.
    pub date: Option<Date>,
    /// How many days are asked for at most, the oldest first; at a first pull, the last ones.
    pub max_days: u16,
}

impl Default for HfDailyFeed {
    fn default() -> HfDailyFeed {
        HfDailyFeed {
            base: HF_DAILY_BASE.to_owned(),
            date: None,
            max_days: HF_MAX_DAYS,
        }
    }
}

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

/// A pull at work.
pub struct Pull<'a> {
    reader: FeedReader,
    http: Http,
    clock: &'a dyn Clock,
    state: FeedState,
}

/// Knows what to ask for next.
#[derive(Debug)]
enum FeedReader {
    Arxiv(Oai),
    HfDaily(HfDaily),
}

/// What asking for a page came to.
#[derive(Debug)]
enum Pulled {
    /// Records.
    Page(Page),
    /// None, and it goes on.
    Nothing,
    /// There is nothing more to ask for.
    Done,
}

impl<'a> Pull<'a> {
    /// Makes ready to go on from `state`.
    ///
    /// # Errors
    /// [`Error::BadPull`] if what is asked for cannot be: a day to come, an empty window, a proxy
    /// without an address.
    pub fn new(options: PullOptions, state: FeedState, clock: &'a dyn Clock) -> Result<Pull<'a>> {
        let http = Http::new(options.http, options.feed.base())?;
        let reader = match options.feed {
            Feed::Arxiv(feed) => FeedReader::Arxiv(Oai::new(feed, &state)?),
            Feed::HfDaily(feed) => FeedReader::HfDaily(HfDaily::new(feed, &state, clock.today())?),
        };
        Ok(Pull {
            reader,
            http,
            clock,
            state,
        })
    }

    /// Asks for the next page with records; `None` when there is no more.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`] and [`Error::BadAnswer`] as the server gives
    /// reason to; [`Error::Interrupted`]. Called again, it asks for the same page again.
    pub fn next_page(&mut self, observer: &dyn Observer) -> Result<Option<Page>> {
        loop {
            if observer.stop_requested() {
                return Err(Error::Interrupted);
            }
            let mut line = Connection {
                http: &mut self.http,
                clock: self.clock,
                observer,
            };
            let step = match &mut self.reader {
                FeedReader::Arxiv(oai) => oai.step(&mut self.state, &mut line)?,
                FeedReader::HfDaily(days) => days.step(&mut self.state, &mut line)?,
            };
            match step {
                Pulled::Page(page) => return Ok(Some(page)),
                Pulled::Nothing => {}
                Pulled::Done => return Ok(None),
            }
        }
    }

    /// How far it has come, the pages handed out being taken in: also where there was no record to
    /// hand out.
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

/// The line to a server, with who watches it.
struct Connection<'a> {
    http: &'a mut Http,
    clock: &'a dyn Clock,
    observer: &'a dyn Observer,
}

impl Connection<'_> {
    fn get(&mut self, url: &str) -> Result<Fetched> {
        self.http.get(url, self.clock, self.observer)
    }
}

/// Puts an address together.
fn address(base: &str, query: &[(&str, String)]) -> String {
    let mut url = base.to_owned();
    for (name, value) in query {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        url.push_str(&escaped(value));
    }
    url
}

/// Percent-encodes all but what is unreserved (RFC 3986, 2.3).
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
