//! `akin add`: read, embed, store and index what is new or changed.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use akin::ingest::{self, IngestOptions, Report};
use akin::library::Writer;
use akin::space::Origin;
use clap::Args;
use serde_json::json;

use super::args::ModelArgs;
use super::context::Context;
use super::fault::{self, Fault};
use super::output::{self, count};
use super::progress::Bar;
use super::{Outcome, args};

/// Rejections shown; the rest are counted.
const REJECTIONS_SHOWN: usize = 10;

/// Add the papers of dumps to the library: read, embed, store and index what is new or changed
///
/// Formats are recognised from content: arXiv metadata snapshot and daily JSON Lines, Hugging
/// Face Daily Papers (API JSON, or the saved text of a page), JSON Lines, Arrow or Parquet with id,
/// title and abstract, BEIR corpora; plain, .gz or .zst. What is already there is not embedded
/// again, so an interrupted run goes on when it is run again.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Dump files; - is stdin
    #[arg(required = true, value_name = "DUMP")]
    dumps: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &AddArgs, context: &Context) -> Result<Outcome, Fault> {
    let start = Instant::now();
    let bar = Bar::stoppable(context);
    let mut writer = Writer::open_or_create(&context.library, "akin add")?;
    let remembered = writer.space().map(Origin::of).transpose()?;
    let origin = match (args.model.asked(), remembered) {
        (Some(asked), _) => asked,
        (None, Some(remembered)) => remembered,
        (None, None) => args.model.origin(),
    };
    let encoder = context.load(&origin)?;
    let sources = args::sources(&args.dumps);
    let options = IngestOptions {
        index: context.index_options(),
        ..IngestOptions::default()
    };
    let report = ingest::run(&mut writer, &encoder, &origin, &sources, &options, &bar)?;
    complain(&report, n_shown(context), context);
    summarise(&report, start, context)?;
    Ok(outcome(&report))
}

/// What a report means for the exit code.
pub(super) fn outcome(report: &Report) -> Outcome {
    if report.stopped {
        Outcome::Interrupted
    } else if !report.failed.is_empty() {
        Outcome::Failed
    } else if report.counts.n_rejected > 0 {
        Outcome::Partly
    } else {
        Outcome::Done
    }
}

/// How many rejections are shown where a person reads them.
pub(super) fn n_shown(context: &Context) -> usize {
    if context.verbose {
        usize::MAX
    } else {
        REJECTIONS_SHOWN
    }
}

/// Says on stderr what was rejected, where and why, `shown` records of it at most, and what could
/// not be read, or not to its end.
pub(super) fn complain(report: &Report, shown: usize, context: &Context) {
    let (cut, rejected): (Vec<_>, Vec<_>) = report
        .rejected
        .iter()
        .partition(|(_, record)| record.reason.ends_the_dump());
    let n_shown = shown.min(rejected.len());
    for (name, rejected) in &rejected[..n_shown] {
        context.note(&format!("{name}, {rejected}"));
    }
    let n_more = report.counts.n_rejected - (n_shown + cut.len()) as u64;
    if n_more > 0 {
        context.note(&format!("{} more records rejected", count(n_more)));
    }
    let mut err = anstream::stderr().lock();
    // Where stderr cannot be written there is nobody to tell.
    for (name, cut) in cut {
        let _ = writeln!(err, "error: {name}, {cut}");
    }
    for (_, error) in &report.failed {
        let _ = writeln!(err, "error: {error}").and_then(|()| fault::write_causes(error, &mut err));
        if let Some(hint) = fault::hint(error) {
            let _ = writeln!(err, "hint: {hint}");
        }
    }
    if report.counts.n_truncated > 0 {
        context.note(&format!(
            "{} abstracts are longer than the model sees; --max-tokens sees more of them",
            count(report.counts.n_truncated)
        ));
    }
}

fn summarise(report: &Report, start: Instant, context: &Context) -> Result<(), Fault> {
    let counts = &report.counts;
    let seconds = start.elapsed().as_secs_f64();
    let mut out = anstream::stdout().lock();
    if context.json {
        let summary = json!({
            "read": counts.n_read,
            "stored": counts.n_stored,
            "changed": counts.n_changed,
            "unchanged": counts.n_unchanged,
            "rejected": counts.n_rejected,
            "embedded": report.n_embedded,
            "truncated": counts.n_truncated,
            "tokens": report.n_tokens,
            "failed": report.failed.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "complete": !report.stopped,
            "seconds": (seconds * 1000.0).round() / 1000.0,
        });
        output::json_line(&mut out, &summary)?;
        return Ok(());
    }
    writeln!(
        out,
        "read {}: {} stored, {} changed, {} unchanged, {} rejected",
        count(counts.n_read),
        count(counts.n_stored),
        count(counts.n_changed),
        count(counts.n_unchanged),
        count(counts.n_rejected),
    )?;
    if report.n_embedded == 0 {
        writeln!(out, "nothing new to embed")?;
    } else {
        let rate = report.n_embedded as f64 / seconds;
        let n = count(report.n_embedded);
        writeln!(out, "embedded {n} in {seconds:.1} s ({rate:.0} papers/s)")?;
    }
    if report.stopped {
        writeln!(
            out,
            "interrupted; all of this is kept. Run the same command again to go on"
        )?;
    }
    Ok(())
}
