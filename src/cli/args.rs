//! Arguments that every command takes, or that several share.

use std::path::PathBuf;

use akin::Result;
use akin::dump::{Format, ReadOptions, Source};
use akin::encoder::hub::Hub;
use akin::encoder::{DeviceChoice, ModelSource, Precision};
use akin::export::ExportFormat;
use akin::index::Mode;
use akin::library::Filter;
use akin::paper::collection_name;
use akin::search::{Matching, Query, Target};
use akin::space::Origin;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, ValueEnum};
use jiff::civil::Date;

use super::dates::{self, DateArg};
use super::fault::Failure;
use super::{hub, layout, moment};

/// The heading of what every command takes.
pub(super) const GLOBAL: &str = "Global options";

/// What every command takes, as it is given: what is not given may be set elsewhere (`settings.rs`).
#[derive(Debug, Default, Args)]
#[command(next_help_heading = GLOBAL)]
pub(super) struct Common {
    /// Folder of the library [default: akin/library in the user's data folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) library: Option<PathBuf>,
    /// Threads to compute with [default: one a core]
    #[arg(short = 'j', long, alias = "jobs", value_name = "N", global = true, value_parser = threads)]
    pub(super) threads: Option<usize>,
    /// Numbers to compute the model with [default: those that the library was embedded with, auto
    /// for a new one]
    #[arg(long, value_name = "WHICH", global = true)]
    pub(super) precision: Option<PrecisionArg>,
    /// What to compute the model on [default: auto]
    #[arg(long, value_name = "DEVICE", global = true)]
    pub(super) device: Option<DeviceArg>,
    /// Print JSON, one object a line, for programs; --no-json undoes it
    #[arg(long, global = true, overrides_with = "no_json")]
    pub(super) json: bool,
    #[arg(long, global = true, hide = true, overrides_with = "json")]
    pub(super) no_json: bool,
    /// Use no network: what would have to be fetched or sent is an error; --no-offline undoes it
    #[arg(long, global = true, overrides_with = "no_offline")]
    pub(super) offline: bool,
    #[arg(long, global = true, hide = true, overrides_with = "offline")]
    pub(super) no_offline: bool,
    /// When to use colours [default: auto]
    #[arg(long, alias = "colour", value_name = "WHEN", global = true)]
    pub(super) color: Option<Color>,
    /// Show long answers on a terminal through this command [default: PAGER, else less -FRX];
    /// --no-pager shows them as they are
    #[arg(
        long,
        value_name = "COMMAND",
        global = true,
        overrides_with = "no_pager"
    )]
    pub(super) pager: Option<String>,
    #[arg(long, global = true, hide = true, overrides_with = "pager")]
    pub(super) no_pager: bool,
    /// Print no progress and no notes; --no-quiet undoes it
    #[arg(
        short,
        long,
        alias = "silent",
        global = true,
        overrides_with = "no_quiet",
        conflicts_with = "verbose"
    )]
    pub(super) quiet: bool,
    #[arg(long, global = true, hide = true, overrides_with = "quiet")]
    pub(super) no_quiet: bool,
    /// Say more about what is done and why; -vv logs every step
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Log every step on stderr, as text or as JSON; with json, all of stderr is JSON
    #[arg(long, value_name = "FORMAT", global = true)]
    pub(super) log: Option<LogFormat>,
}

/// How steps are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line a step
    Text,
    /// A JSON object a step
    Json,
}

/// Numbers to compute the model with.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum PrecisionArg {
    /// 32-bit floats: the reference, the same numbers on every processor but for rounding
    F32,
    /// 8-bit integers: several times faster. With the bundled model, vectors keep a cosine of 0.999
    /// for abstracts and 0.998 for any text; for other models see `akin model verify`
    Int8,
    /// int8 for the bundled model if the processor is faster with it, else f32: other models would
    /// be calibrated at every start
    Auto,
}

impl From<PrecisionArg> for Precision {
    fn from(arg: PrecisionArg) -> Precision {
        match arg {
            PrecisionArg::F32 => Precision::F32,
            PrecisionArg::Int8 => Precision::Int8,
            PrecisionArg::Auto => Precision::Auto,
        }
    }
}

/// The device to compute the model on.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DeviceArg {
    /// A GPU that this build can use and this machine has, else the CPU
    Auto,
    /// The CPU
    Cpu,
    /// An NVIDIA GPU, with a build that has the feature cuda
    Cuda,
    /// An Apple GPU, with a build that has the feature metal
    Metal,
}

impl From<DeviceArg> for DeviceChoice {
    fn from(arg: DeviceArg) -> DeviceChoice {
        match arg {
            DeviceArg::Auto => DeviceChoice::Auto,
            DeviceArg::Cpu => DeviceChoice::Cpu,
            DeviceArg::Cuda => DeviceChoice::Cuda,
            DeviceArg::Metal => DeviceChoice::Metal,
        }
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    pub(super) fn write_global(self) {
        match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Where to search, how, and the number of papers to show.
#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// Search the papers of this dump, or folder of dumps, instead of the library; repeat for
    /// several. The cache folder keeps the embeddings, so the next query is answered at once
    #[arg(long = "in", value_name = "DUMP")]
    pub(super) dumps: Vec<PathBuf>,
    /// Number of papers to show
    #[arg(short, long = "limit", visible_short_alias = 'n', visible_alias = "top", value_name = "N",
          default_value_t = 10, value_parser = hits)]
    k: usize,
    /// Say why each paper was found: the nearest sentence of its abstract, the rare words it
    /// shares, its ranks by meaning and by words
    #[arg(long)]
    pub(super) explain: bool,
    /// Count the years, the categories and the authors of the 200 best papers
    #[arg(long)]
    facets: bool,
    #[command(flatten)]
    pub(super) rerank: RerankArgs,
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    pub(super) citations: CitationArgs,
    #[command(flatten)]
    preferences: PreferenceArgs,
    #[command(flatten)]
    matching: MatchingArgs,
    #[command(flatten)]
    mode: ModeArgs,
    #[command(flatten)]
    pub(super) model: ModelArgs,
}

impl LookupArgs {
    /// The query for a target.
    pub(super) fn query(&self, target: Target) -> Result<Query, Failure> {
        Ok(Query {
            target,
            k: self.k,
            filter: self.filters.filter(moment::today_here())?,
            matching: self.matching.matching(),
            mode: self.mode.mode(),
            keeps_duplicates: false,
            min_percentile: self.citations.all_above.or(self.preferences.min_percentile),
            diversity: self.preferences.diverse.unwrap_or(0.0),
            half_life_days: self.preferences.half_life,
            with_facets: self.facets,
            ef_search: None,
        })
    }
}

/// Which papers may be found.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct FilterArgs {
    /// Only papers of this day or later: 2024, 2024-05, 2024-05-17, 7d, 2w, "3 months", 1y, today,
    /// yesterday, "last monday", "last week", "last month"
    #[arg(long, value_name = "DATE", value_parser = dates::date)]
    since: Option<DateArg>,
    /// Only papers of this day or earlier
    #[arg(long, value_name = "DATE", value_parser = dates::date)]
    until: Option<DateArg>,
    /// Only papers of this category (cs.CL, "Machine Learning") or archive (cs); repeat for any of
    /// several
    #[arg(long, value_name = "CODE")]
    category: Vec<String>,
    /// Only papers by an author of this name, by whole words: lee, "Ada Lee" or "A. Lee", which both
    /// find Ada Lee and A. Lee, and not Ada Leeson; repeat for any of several
    #[arg(long, value_name = "NAME")]
    author: Vec<String>,
}

impl FilterArgs {
    pub(super) fn filter(&self, today: Date) -> Result<Filter, Failure> {
        let days = |date: &Option<DateArg>| date.as_ref().map(|date| date.days(today));
        let since = days(&self.since).map(|days| days.first);
        let until = days(&self.until).map(|days| days.last);
        if let (Some(since), Some(until)) = (since, until)
            && since > until
        {
            return Err(Failure::usage(format!(
                "no day lies between --since {since} and --until {until}"
            )));
        }
        for (flag, values) in [("--category", &self.category), ("--author", &self.author)] {
            if values.iter().any(|value| value.trim().is_empty()) {
                return Err(Failure::usage(format!("{flag} is empty")));
            }
        }
        Ok(Filter {
            since,
            until,
            categories: self.category.clone(),
            authors: self.author.clone(),
            ..Filter::default()
        })
    }
}

/// Which of the papers that may be found to prefer.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preferences")]
pub(super) struct PreferenceArgs {
    /// Only papers of this percentile or above; 99.9 is "top 0.1 %". For a question it is among the
    /// similarities that questions have to papers of the library, for papers among those of pairs
    #[arg(long, value_name = "P", value_parser = percentile, conflicts_with = "lexical")]
    min_percentile: Option<f64>,
    /// Papers that are unlike one another, chosen among the 200 best: the more so the nearer to 1
    /// [default if given: 0.6]
    #[arg(long, value_name = "0..1", value_parser = share, num_args = 0..=1,
          require_equals = true, default_missing_value = "0.6",
          conflicts_with = "reranker")]
    diverse: Option<f32>,
    /// Let newer papers come first: the score of a paper halves for every DAYS that it is older
    /// than the newest
    #[arg(long, value_name = "DAYS", value_parser = days, conflicts_with = "reranker")]
    half_life: Option<f32>,
}

/// How papers are printed for other programs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Citations")]
pub(super) struct CitationArgs {
    /// Print the papers as BibTeX
    #[arg(long, conflicts_with = "format")]
    pub(super) bibtex: bool,
    /// Print the papers in a format of `akin export`
    #[arg(long, value_name = "FORMAT", value_parser = export_format())]
    pub(super) format: Option<ExportFormat>,
    /// Print every paper above the percentile P, closest first, and what makes the list repeatable:
    /// for systematic reviews. The same work can occur twice
    #[arg(long, value_name = "P", value_parser = percentile,
          conflicts_with_all = ["k", "explain", "facets", "diverse", "half_life",
                                "min_percentile", "lexical", "reranker"])]
    pub(super) all_above: Option<f64>,
}

/// Which index finds papers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ways to search")]
pub(super) struct MatchingArgs {
    /// Find papers by their meaning only, not by their words
    #[arg(long, conflicts_with = "lexical")]
    dense: bool,
    /// Find papers by their words only
    #[arg(long)]
    lexical: bool,
}

impl MatchingArgs {
    pub(super) fn matching(&self) -> Matching {
        match (self.dense, self.lexical) {
            (true, _) => Matching::Dense,
            (_, true) => Matching::Lexical,
            _ => Matching::Hybrid,
        }
    }
}

/// Which model reads the first papers again.
#[derive(Debug, Args)]
pub(super) struct RerankArgs {
    /// A sentence-transformers cross-encoder with one label, by its folder or its id at the hub,
    /// such as a BERT, RoBERTa, XLM-RoBERTa or ModernBERT reranker. It reads the query together
    /// with each of the first 100 papers found, and the papers are shown in its order. Takes
    /// seconds a question
    #[arg(long = "rerank", value_name = "MODEL")]
    pub(super) reranker: Option<PathBuf>,
}

/// How the index is searched.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ways to search")]
pub(super) struct ModeArgs {
    /// Compare with every paper, never through the graph
    #[arg(long, conflicts_with = "graph")]
    exact: bool,
    /// Search through the graph if there is one, also in small libraries
    #[arg(long)]
    graph: bool,
}

impl ModeArgs {
    pub(super) fn mode(&self) -> Mode {
        match (self.exact, self.graph) {
            (true, _) => Mode::Exact,
            (_, true) => Mode::Graph,
            _ => Mode::Auto,
        }
    }
}

/// Which model embeds.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct ModelArgs {
    /// A sentence-transformers or model2vec model: its folder, or the id of one that `akin model fetch`
    /// fetched, such as BAAI/bge-small-en-v1.5 [default: the bundled all-MiniLM-L6-v2]
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<PathBuf>,
    /// Number of tokens of each text that the model reads [default: the model's own limit, 256 for
    /// the bundled one]. More sees the end of long abstracts, at more time a paper
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(super) max_tokens: Option<usize>,
    /// Keep the first N numbers of each vector and normalise it again. Only models that were
    /// trained for it (Matryoshka) keep their quality; the bundled one was not
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(super) dim: Option<usize>,
}

impl ModelArgs {
    /// The requested model; `None` if none was named.
    pub(super) fn asked(&self, hub: &Hub) -> Result<Option<Origin>, Failure> {
        let is_asked = self.model.is_some() || self.max_tokens.is_some() || self.dim.is_some();
        is_asked.then(|| self.origin(hub)).transpose()
    }

    /// The requested model, or the bundled one.
    pub(super) fn origin(&self, hub: &Hub) -> Result<Origin, Failure> {
        let source = self.model.as_deref().map(|model| hub::source(model, hub));
        Ok(Origin {
            source: source.transpose()?.unwrap_or(ModelSource::Bundled),
            max_tokens: self.max_tokens,
            dim: self.dim,
            precision: Precision::Auto,
        })
    }
}

/// Which columns of tables hold which fields.
#[derive(Debug, Args)]
pub(super) struct ColumnArgs {
    /// Which column of CSV, TSV, Arrow or Parquet, or which field of JSON records, holds what:
    /// title=Name, abstract=Text, id=…
    #[arg(long = "column", value_name = "FIELD=COLUMN", value_parser = column)]
    columns: Vec<(String, String)>,
}

impl ColumnArgs {
    /// How dumps are read, of the format of this name if one is given.
    pub(super) fn read_options(&self, format: Option<&str>) -> ReadOptions {
        ReadOptions {
            format: format.and_then(Format::from_name),
            columns: self.columns.clone(),
            ..ReadOptions::default()
        }
    }
}

/// The names of the formats of dumps.
pub(super) fn dump_format() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::names())
}

/// The names of the formats of papers.
pub(super) fn export_format() -> impl TypedValueParser<Value = ExportFormat> {
    PossibleValuesParser::new(ExportFormat::ALL.map(ExportFormat::name))
        .map(|name| ExportFormat::from_name(&name).expect("a possible value"))
}

/// Parses the name of a collection.
pub(super) fn collection(text: &str) -> Result<String, String> {
    if collection_name(text) == text {
        Ok(text.to_owned())
    } else {
        Err("expected a name without # and without spaces around it".to_owned())
    }
}

fn column(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if !field.is_empty() && !column.is_empty() => {
            Ok((field.to_owned(), column.to_owned()))
        }
        _ => Err("expected FIELD=COLUMN, such as title=Name".to_owned()),
    }
}

/// Dumps as sources; folders and archives as their contents. An unreadable one fails when it is
/// opened, so that the others are still read.
pub(super) fn sources(dumps: &[PathBuf]) -> Vec<Source> {
    let expanded = |dump: &PathBuf| {
        let source = Source::from_arg(dump);
        source.clone().expanded().unwrap_or_else(|_| vec![source])
    };
    dumps.iter().flat_map(expanded).collect()
}

/// The most papers that one answer shows.
const MOST_HITS: usize = 10_000;

/// The most threads; more only wait for each other.
const MOST_THREADS: usize = 1024;

/// Parses the number of papers to show.
fn hits(text: &str) -> Result<usize, String> {
    up_to(MOST_HITS, text)
}

/// Parses a number of threads.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    up_to(MOST_THREADS, text)
}

fn up_to(most: usize, text: &str) -> Result<usize, String> {
    match at_least_one(text) {
        Ok(n) if n <= most => Ok(n),
        Err(reason) if !text.bytes().all(|b| b.is_ascii_digit()) || text.is_empty() => Err(reason),
        _ => Err(format!(
            "expected a whole number from 1 to {}",
            layout::count(most as u64)
        )),
    }
}

/// Parses a whole number from 1 on.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("expected at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("expected a whole number".to_owned()),
    }
}

fn percentile(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..=100.0).contains(&p) => Ok(p),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn days(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(days) if days > 0.0 && days.is_finite() => Ok(days),
        _ => Err("expected a number of days above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_is_a_number_within_limits() {
        assert_eq!(hits("1"), Ok(1));
        assert_eq!(hits("10000"), Ok(10_000));
        assert_eq!(threads("1024"), Ok(1024));
        let too_much = [
            "0",
            "10001",
            "1000000000",
            "9223372036854775807",
            "99999999999999999999999",
        ];
        for bad in too_much {
            assert!(hits(bad).unwrap_err().contains("from 1 to 10,000"), "{bad}");
        }
        assert!(threads("100000").unwrap_err().contains("from 1 to 1,024"));
        for bad in ["", "many", "-1", "1.5"] {
            assert!(hits(bad).unwrap_err().contains("a whole number"), "{bad}");
        }
    }
}
