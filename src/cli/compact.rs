//! `akin compact`: free the space of replaced and removed papers.

use std::io::Write;

use akin::ingest;
use akin::library::Compaction;
use clap::Args;
use serde_json::json;

use super::context::Context;
use super::fault::Failure;
use super::layout::{self, bytes, count, counted};
use super::outcome::Outcome;
use super::progress::Bar;
use super::terminal;

/// Give back the space of papers that were replaced or removed
///
/// Their embeddings stay in the library's files until then, though no search finds them. Searches
/// go on meanwhile. Compaction takes as much free space as the library itself. If it is interrupted
/// or killed, nothing is lost: run it again.
#[derive(Debug, Args)]
pub(super) struct CompactArgs {}

pub(super) fn run(_: &CompactArgs, context: &Context) -> Result<Outcome, Failure> {
    let bar = Bar::stoppable(context);
    let mut writer = context.writer("akin compact")?;
    let done = writer.compact(&bar)?;
    ingest::settle_index(&writer, &context.index_options(), &bar)?;
    print(&done, context)?;
    Ok(Outcome::Done)
}

fn print(done: &Compaction, context: &Context) -> std::io::Result<()> {
    let mut out = terminal::stdout();
    if context.json {
        let summary = json!({
            "rows": done.n_rows,
            "dropped": done.n_dropped,
            "bytes_before": done.bytes_before,
            "bytes_after": done.bytes_after,
        });
        return layout::json_line(&mut out, &summary);
    }
    let kept = count(done.n_rows);
    match done.n_dropped {
        0 => writeln!(out, "nothing to drop: {kept} of {kept} embeddings in use")?,
        n => writeln!(
            out,
            "dropped {}, kept {kept}",
            counted(n, "replaced or removed embedding")
        )?,
    }
    let (before, after) = (bytes(done.bytes_before), bytes(done.bytes_after));
    writeln!(out, "{before} before, {after} after")
}
