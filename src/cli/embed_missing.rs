//! `akin embed-missing`: embed the papers of the library that have no embedding yet.

use std::io::Write;
use std::time::Instant;

use akin::Error;
use akin::ingest::{self, IngestReport};
use clap::Args;
use serde_json::json;

use super::args::ModelArgs;
use super::context::Context;
use super::fault::Failure;
use super::layout::{self, count};
use super::outcome::Outcome;
use super::progress::Bar;
use super::{add, terminal};

/// Embed the papers that have no embedding yet, the newest first
///
/// These are papers of `akin add --words-only`, and of an add or a pull that was interrupted. Until
/// then they are found by their words. Every paper counts as soon as it is embedded; if this is
/// interrupted, it continues when it is run again.
#[derive(Debug, Args)]
pub(super) struct EmbedMissingArgs {
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &EmbedMissingArgs, context: &Context) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let bar = Bar::stoppable(context);
    let mut writer = context.writer("akin embed-missing")?;
    let mut report = IngestReport::default();
    let index = context.index_options();
    if !writer.unembedded()?.is_empty() {
        let (encoder, origin) = add::encoder(&writer, &args.model, context)?;
        ingest::embed_stored(&mut writer, &encoder, &origin, &index, &mut report, &bar)?;
    } else if writer.space().is_some() {
        ingest::build_index(&writer, &index, &bar)?;
    } else {
        let path = context.library.clone();
        return Err(Error::LibraryEmpty { path }.into());
    }
    add::note_truncated(report.counts.n_truncated, context);
    let n_missing = writer.unembedded()?.len() as u64;
    let seconds = start.elapsed().as_secs_f64();
    let mut out = terminal::stdout();
    if context.json {
        let summary = json!({
            "embedded": report.n_embedded,
            "unembedded": n_missing,
            "truncated": report.counts.n_truncated,
            "tokens": report.n_tokens,
            "complete": !report.stopped,
            "seconds": layout::rounded(seconds, 3),
        });
        layout::json_line(&mut out, &summary)?;
    } else {
        add::write_embedded(&mut out, report.n_embedded, seconds)?;
        if report.stopped {
            let n = count(n_missing);
            writeln!(
                out,
                "interrupted; all of this is kept, {n} are left. Run the same command again to go \
                 on"
            )?;
        }
    }
    Ok(match (report.stopped, n_missing) {
        (true, _) => Outcome::Interrupted,
        (false, 0) => Outcome::Done,
        (false, n) => {
            context.note(&format!(
                "{} cannot be read, and has no embedding; `akin check` says more",
                layout::counted(n, "paper")
            ));
            Outcome::Partly
        }
    })
}
