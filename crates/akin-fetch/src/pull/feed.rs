//! What can be pulled: arXiv's records, and the papers of the day at Hugging Face.

use jiff::civil::Date;

use super::state::Window;

/// arXiv's address for OAI-PMH since March 2025; the older one redirects to it.
pub const ARXIV_BASE: &str = "https://oaipmh.arxiv.org/oai";

/// The address of Hugging Face's lists of daily papers.
pub const HF_DAILY_BASE: &str = "https://huggingface.co/api/daily_papers";

/// The most days of Hugging Face in one pull.
pub const HF_MAX_DAYS: u16 = 31;

/// A source of new records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// arXiv's records.
    Arxiv(ArxivFeed),
    /// Hugging Face Daily Papers.
    HfDaily(HfDailyFeed),
}

impl Feed {
    /// New records of a set of arXiv (`cs`, `physics:hep-ex`, `cs:cs:LG`), or of all sets.
    pub fn arxiv(set: Option<&str>) -> Feed {
        Feed::Arxiv(ArxivFeed {
            set: set.map(str::to_owned),
            ..ArxivFeed::default()
        })
    }

    /// Hugging Face's papers of a day, or of every day since the last pull.
    pub fn hf_daily(date: Option<Date>) -> Feed {
        Feed::HfDaily(HfDailyFeed {
            date,
            ..HfDailyFeed::default()
        })
    }

    /// The name under which its [`FeedState`](super::FeedState) is stored, without the window, which may change.
    pub fn key(&self) -> String {
        match self {
            Feed::Arxiv(feed) => {
                let set = feed.set.as_deref().unwrap_or("*");
                format!("arxiv {} {set}", feed.prefix)
            }
            Feed::HfDaily(_) => "hf-daily".to_owned(),
        }
    }

    pub(super) fn base(&self) -> &str {
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
    /// The metadata format of the records: `arXiv`, `arXivRaw` or `oai_dc`.
    pub prefix: String,
    /// The first datestamp. If both ends are `None`, the pull finishes an unfinished list, and then
    /// reads what is new since the last complete day.
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
    pub(super) fn window(&self) -> Window {
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
    /// The most days of one pull, oldest first; a first pull takes the latest ones.
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
