//! `akin status`: the contents of the library.

use std::io::Write;

use akin::encoder::Recipe;
use akin::index::Index;
use akin::library::{Library, Status};
use akin::paper::PaperId;
use akin::space::{self, Origin};
use clap::Args;
use jiff::{Timestamp, Unit};
use serde_json::json;

use super::context::Context;
use super::fault::Failure;
use super::layout::{self, bytes, count, counted};
use super::outcome::Outcome;
use super::terminal;

/// Show what the library holds: papers, dates, model, index, sizes
#[derive(Debug, Args)]
pub(super) struct StatusArgs {}

/// Withdrawn papers that are named; the rest are counted.
const WITHDRAWN_SHOWN: usize = 10;

/// The index and the model, in addition to a library's own status.
struct Details {
    recipe: Recipe,
    origin: Origin,
    n_segments: usize,
    tail_rows: usize,
    index_bytes: u64,
}

pub(super) fn run(_: &StatusArgs, context: &Context) -> Result<Outcome, Failure> {
    let library = context.library()?;
    let status = library.status()?;
    let details = details(&library, context)?;
    let withdrawn = library.withdrawn()?;
    let mut out = terminal::stdout();
    let device = context.device.describe()?;
    if context.json {
        let json = json!({
            "device": device,
            "library": context.library,
            "papers": status.n_papers,
            "embedded": status.n_embedded,
            "unembedded": status.n_searchable.saturating_sub(status.n_embedded),
            "rows": status.n_rows,
            "dead_rows": status.n_dead_rows,
            "dates": status.dates,
            "listed": status.listed,
            "last_add": status.last_ingest.as_deref().map(whole_second),
            "database_bytes": status.database_bytes,
            "rows_bytes": status.rows_bytes,
            "model": details.as_ref().map(|d| &d.recipe),
            "model_source": details.as_ref().map(|d| d.origin.source.to_string()),
            "precision": details.as_ref().map(|d| d.origin.precision),
            "index_segments": details.as_ref().map(|d| d.n_segments),
            "index_tail_rows": details.as_ref().map(|d| d.tail_rows),
            "index_bytes": details.as_ref().map(|d| d.index_bytes),
            "withdrawn": withdrawn.iter().map(|(id, _)| id.qualified()).collect::<Vec<_>>(),
        });
        layout::json_line(&mut out, &json)?;
    } else {
        write_table(&mut out, &status, details.as_ref(), context)?;
        writeln!(out, "{:<9} {device}", "device")?;
        write_withdrawn(&mut out, &withdrawn, context)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// Names the papers that no search finds because a record says that they were withdrawn.
fn write_withdrawn(
    out: &mut impl Write,
    withdrawn: &[(PaperId, String)],
    context: &Context,
) -> std::io::Result<()> {
    if withdrawn.is_empty() {
        return Ok(());
    }
    let shown = if context.verbose {
        withdrawn.len()
    } else {
        WITHDRAWN_SHOWN.min(withdrawn.len())
    };
    writeln!(
        out,
        "{:<9} {}, found by no search; `akin restore ID` undoes that",
        "withdrawn",
        count(withdrawn.len() as u64)
    )?;
    for (id, title) in &withdrawn[..shown] {
        writeln!(out, "          {}  {title}", id.qualified())?;
    }
    let n_more = withdrawn.len() - shown;
    if n_more > 0 {
        writeln!(
            out,
            "          and {} more; -v names all",
            count(n_more as u64)
        )?;
    }
    Ok(())
}

fn details(library: &Library, context: &Context) -> Result<Option<Details>, Failure> {
    let (Some(space), Some(dir)) = (library.space(), library.index_dir()) else {
        return Ok(None);
    };
    let mark = library.index_mark().unwrap_or_default();
    let index = Index::open(&dir, &mark, library.rows()?);
    for doubt in index.doubts() {
        context.note(&doubt);
    }
    let stats = index.stats();
    Ok(Some(Details {
        recipe: space::recipe_of(space)?,
        origin: Origin::from_space(space)?,
        n_segments: stats.n_segments,
        tail_rows: stats.tail_rows,
        index_bytes: stats.file_bytes,
    }))
}

/// A stored moment, to the second.
fn whole_second(moment: &str) -> String {
    let parsed = moment.parse::<Timestamp>().ok();
    let whole = parsed.and_then(|moment| moment.round(Unit::Second).ok());
    whole.map_or_else(|| moment.to_owned(), |moment| moment.to_string())
}

fn write_table(
    out: &mut impl Write,
    status: &Status,
    details: Option<&Details>,
    context: &Context,
) -> std::io::Result<()> {
    let mut line = |name: &str, value: String| writeln!(out, "{name:<9} {value}");
    line("library", context.library.display().to_string())?;
    let dead = match status.n_dead_rows {
        0 => String::new(),
        n => format!(" ({})", counted(n, "replaced or removed embedding")),
    };
    line("papers", format!("{}{dead}", count(status.n_papers)))?;
    let n_missing = status.n_searchable.saturating_sub(status.n_embedded);
    if n_missing > 0 {
        let embedded = layout::share(status.n_embedded, status.n_searchable);
        line(
            "embedded",
            format!(
                "{embedded}; `akin embed-missing` embeds {}, found by their words until then",
                count(n_missing)
            ),
        )?;
    }
    if let Some((first, last)) = &status.dates {
        line("dates", format!("{first} to {last}"))?;
    }
    if let Some((first, last)) = &status.listed {
        line("listed", format!("{first} to {last}"))?;
    }
    if let Some(last) = &status.last_ingest {
        line("last add", whole_second(last))?;
    }
    if let Some(details) = details {
        let recipe = &details.recipe;
        line(
            "model",
            format!(
                "{}, from {}, in {}",
                recipe.describe(),
                details.origin.source,
                details.origin.precision
            ),
        )?;
        let index = match details.n_segments {
            0 => "none: papers are compared one by one".to_owned(),
            n => format!(
                "{}, {}; {} compared one by one",
                counted(n as u64, "segment"),
                bytes(details.index_bytes),
                counted(details.tail_rows as u64, "paper")
            ),
        };
        line("index", index)?;
    }
    let (papers, rows) = (bytes(status.database_bytes), bytes(status.rows_bytes));
    line("on disk", format!("{papers} papers, {rows} embeddings"))
}
