//! `akin pull`: add what is new at arXiv or Hugging Face.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use akin::Error;
use akin::dump::Source;
use akin::ingest::{self, IngestOptions, IngestReport};
use akin::library::Writer;
use akin::pull::{
    ARXIV_BASE, ArxivFeed, Feed, FeedState, HF_DAILY_BASE, HF_MAX_DAYS, HfDailyFeed, Page, Pull,
    PullOptions, SystemClock,
};
use akin::space;
use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::args::{ModelArgs, whole_day};
use super::context::Context;
use super::fault::Failure;
use super::layout::{count, counted};
use super::outcome::Outcome;
use super::progress::Bar;
use super::{add, terminal};

/// Add what is new at arXiv or Hugging Face, over the network
///
/// Each page is stored as it arrives, and found by its words; its papers are embedded once all pages
/// are there. An interrupted pull continues when it is run again. A pull without dates fetches what
/// is new since the last one.
#[derive(Debug, Args)]
pub(super) struct PullArgs {
    #[command(subcommand)]
    feed: FeedArgs,
    /// Discard a list that was begun and not finished, and begin again
    #[arg(long, global = true)]
    restart: bool,
    /// Number of tries for a server that does not answer
    #[arg(long, value_name = "N", default_value_t = 6, global = true,
          value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
    /// The proxy to go through
    #[arg(long, value_name = "URL", env = "HTTPS_PROXY", global = true)]
    proxy: Option<String>,
    /// Embed nothing: papers are found by their words until `akin embed-missing` or an add embeds
    /// them
    #[arg(long, global = true)]
    words_only: bool,
    #[command(flatten)]
    model: ModelArgs,
}

/// Where from.
#[derive(Debug, Subcommand)]
enum FeedArgs {
    /// arXiv's records, over OAI-PMH
    Arxiv {
        /// A set, such as cs or physics:hep-ex [default: all of arXiv]
        #[arg(long)]
        set: Option<String>,
        /// The first day of changes [default: since the last pull]
        #[arg(long, value_name = "DATE", value_parser = whole_day)]
        from: Option<Date>,
        /// The last day of changes [default: today]
        #[arg(long, value_name = "DATE", value_parser = whole_day)]
        until: Option<Date>,
        /// The form of the records: arXiv, arXivRaw, oai_dc
        #[arg(long, value_name = "NAME", default_value = "arXiv")]
        prefix: String,
        /// The repository's address
        #[arg(long, value_name = "URL", default_value = ARXIV_BASE)]
        base: String,
    },
    /// The papers of the day at Hugging Face
    HfDaily {
        /// A day [default: every day since the last pull]
        #[arg(long, value_name = "DATE", value_parser = whole_day)]
        date: Option<Date>,
        /// Number of days at most
        #[arg(long, value_name = "N", default_value_t = HF_MAX_DAYS)]
        days: u16,
        /// The API's address
        #[arg(long, value_name = "URL", default_value = HF_DAILY_BASE)]
        base: String,
    },
}

impl FeedArgs {
    fn asks_for_all_of_arxiv(&self) -> bool {
        let FeedArgs::Arxiv { set, from, .. } = self else {
            return false;
        };
        set.is_none() && from.is_none()
    }

    fn feed(&self) -> Feed {
        match self {
            FeedArgs::Arxiv {
                set,
                from,
                until,
                prefix,
                base,
            } => Feed::Arxiv(ArxivFeed {
                base: base.clone(),
                set: set.clone(),
                prefix: prefix.clone(),
                from: *from,
                until: *until,
            }),
            FeedArgs::HfDaily { date, days, base } => Feed::HfDaily(HfDailyFeed {
                base: base.clone(),
                date: *date,
                max_days: *days,
            }),
        }
    }
}

pub(super) fn run(args: &PullArgs, context: &Context) -> Result<Outcome, Failure> {
    context.ensure_online("akin pull")?;
    let start = Instant::now();
    let bar = Bar::stoppable(context);
    let mut writer = context.writer_of_any("akin pull")?;
    let model = (!args.words_only)
        .then(|| add::encoder(&writer, &args.model, context))
        .transpose()?;
    if let Some((encoder, origin)) = &model {
        space::adopt(&mut writer, encoder, origin)?;
    }
    let mut options = PullOptions::new(args.feed.feed());
    options.http.max_attempts = args.attempts;
    options.http.proxy = args.proxy.clone().filter(|proxy| !proxy.is_empty());
    let key = options.feed.key();
    let mut state = stored_state(&writer, &key)?;
    if args.restart {
        state.forget_unfinished();
    }
    if args.feed.asks_for_all_of_arxiv() && state == FeedState::default() {
        context.note(
            "this asks for all of arXiv, millions of records, which takes days; \
             --set and --from ask for a part",
        );
    }
    let mut pull = Pull::new(options, state, &SystemClock)?;
    let mut whole = IngestReport::default();
    let ended = loop {
        let page = match pull.next_page(&bar) {
            Ok(Some(page)) => page,
            Ok(None) => break Ok(()),
            Err(error) => {
                whole.stopped |= matches!(error, Error::Interrupted);
                break Err(error);
            }
        };
        let after = page.state_after.clone();
        let expected = page.n_expected;
        let report = take_in(page, &mut writer, &bar, context)?;
        let stopped = report.stopped;
        whole.absorb(report);
        if stopped {
            break Err(Error::Interrupted);
        }
        writer.set_pull_state(&key, &as_json(&after))?;
        if let Some(expected) = expected {
            let n_read = whole.counts.n_read;
            let expected = counted(expected, "record");
            context.note(&format!("{} of {expected}", count(n_read)));
        }
    };
    if ended.is_ok() {
        writer.set_pull_state(&key, &as_json(pull.state()))?;
    }
    // What has come is embedded even if the server does not give the rest.
    if let Some((encoder, origin)) = &model {
        let index = context.index_options();
        ingest::embed_stored(&mut writer, encoder, origin, &index, &mut whole, &bar)?;
    }
    let n_missing = writer.unembedded()?.len() as u64;
    add::complain(&whole, add::n_shown(context), context);
    add::summarise(&whole, n_missing, start, false, context)?;
    match ended {
        _ if whole.stopped => Ok(Outcome::Interrupted),
        Err(Error::Interrupted) => Ok(Outcome::Interrupted),
        Err(error) => Err(error.into()),
        Ok(()) => {
            if let (false, Some(day)) = (context.json, pull.state().complete_through) {
                writeln!(terminal::stdout(), "complete through {day}")?;
            }
            Ok(add::outcome(&whole))
        }
    }
}

/// Takes one page into the library.
fn take_in(
    page: Page,
    writer: &mut Writer,
    bar: &Bar,
    context: &Context,
) -> Result<IngestReport, Error> {
    let source = Source::Memory {
        name: page.name.into(),
        bytes: Arc::from(page.bytes),
    };
    let options = IngestOptions {
        index: context.index_options(),
        ..IngestOptions::default()
    };
    ingest::store(writer, &[source], &options, bar)
}

fn stored_state(writer: &Writer, key: &str) -> Result<FeedState, Error> {
    let json = writer.pull_state(key)?;
    // A state that cannot be read costs a longer pull, nothing else.
    let state = json.and_then(|json| serde_json::from_str(&json).ok());
    Ok(state.unwrap_or_default())
}

fn as_json(state: &FeedState) -> String {
    serde_json::to_string(state).expect("a state is plain data")
}
