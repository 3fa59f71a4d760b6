//! `akin check`: verify that a library is whole, and repair it where possible.

use std::io::{self, Write};

use akin::Error;
use akin::check::{self, CheckReport, Repairs};
use akin::library::{Finding, Library, LostCommits, Writer};
use akin::{paper, space};
use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::fault::Failure;
use super::layout::{self, bytes, count, counted};
use super::outcome::Outcome;
use super::progress::Bar;
use super::{caches, terminal};

/// Findings shown; the rest are counted.
const FINDINGS_SHOWN: usize = 20;

/// Check that the library is whole, and repair it
///
/// Reads every paper's record and embedding and compares them, and every byte of the index.
/// Searches for every paper by its own embedding. If there is a graph, its recall@10 is measured
/// against the comparison with every paper. Exits with 1 if something is wrong.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Delete what interrupted work left behind, rebuild columns from their records, embed papers
    /// again whose embeddings are damaged or lost, and rebuild a doubtful index
    #[arg(long)]
    repair: bool,
    /// Search for only N papers, evenly spread over the library
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
}

pub(super) fn run(args: &CheckArgs, context: &Context) -> Result<Outcome, Failure> {
    let bar = Bar::stoppable(context);
    let mut writer = if args.repair {
        let writer = context.writer("akin check --repair");
        Some(writer.map_err(|failure| match failure {
            Failure::Akin(error) => advised(error),
            other => other,
        })?)
    } else {
        None
    };
    let look = |writer: Option<&Writer>| {
        let library = Library::open(&context.library).map_err(advised)?;
        check::run(&library, writer, args.sample, &bar).map_err(advised)
    };
    let found = look(writer.as_ref())?;
    let mut repairs = Repairs::default();
    if let Some(writer) = &mut writer {
        let load = || {
            let origin = space::origin_of(&Library::open(&context.library)?)?;
            context
                .as_set(&origin)
                .load(context.threads, context.device)
        };
        repairs = check::repair(writer, &found, &context.index_options(), load, &bar)?;
    }
    let mut out = terminal::stdout();
    if !context.json {
        write_report(&mut out, &found)?;
        // What cannot be listed is no fault of the library.
        if let Some(caches) = caches::summary().ok().flatten() {
            writeln!(out, "{:<10} {caches}", "caches")?;
        }
        write_faults(&mut out, &found, context)?;
        write_repairs(&mut out, &repairs)?;
    }
    // The current state is checked again, not guessed.
    let left = if repairs.is_empty() {
        found
    } else {
        look(writer.as_ref())?
    };
    if context.json {
        let mut summary = summary(&left, &repairs);
        paper::show_ids(&mut summary);
        layout::json_line(&mut out, &summary)?;
    } else if !repairs.is_empty() {
        writeln!(out)?;
        write_report(&mut out, &left)?;
        write_faults(&mut out, &left, context)?;
        if repairs.rebuilt_index && !left.lost.is_empty() {
            let papers = counted(left.lost.len() as u64, "paper");
            writeln!(
                out,
                "not repaired: the graph does not find {papers}; a search with --exact does"
            )?;
        }
    }
    out.flush()?;
    Ok(if left.is_well() {
        Outcome::Done
    } else {
        Outcome::Partly
    })
}

/// What to do about a database that cannot be read at all: a check can say no more.
fn advised(error: Error) -> Failure {
    match &error {
        Error::Database { path, .. } | Error::Damaged { path, .. }
            if path.ends_with("papers.db") =>
        {
            let advice = "restore papers.db from a backup, or add the dumps again to a new library \
                          with --library DIR";
            Failure::Advised(error, advice.to_owned())
        }
        _ => error.into(),
    }
}

/// A line for each part that was checked.
fn write_report(out: &mut impl Write, report: &CheckReport) -> io::Result<()> {
    let library = &report.library;
    let (orphans, faults): (Vec<&Finding>, Vec<&Finding>) =
        library.list.iter().partition(|finding| finding.is_orphan());
    let verdict = |n: usize| match n {
        0 => "whole".to_owned(),
        n => counted(n as u64, "fault"),
    };
    let mut line = |name: &str, value: String| writeln!(out, "{name:<10} {value}");
    let n_papers = count(library.n_papers);
    let rows = counted(library.n_rows_read, "embedding");
    let verdict_of_papers = verdict(faults.len());
    line(
        "papers",
        format!("{n_papers} and {rows} read: {verdict_of_papers}"),
    )?;
    if library.n_unembedded > 0 {
        let papers = counted(library.n_unembedded, "paper");
        line(
            "missing",
            format!("{papers} not embedded yet; `akin embed-missing` embeds them"),
        )?;
    }
    if library.reclaimable_bytes > 0 {
        let size = bytes(library.reclaimable_bytes);
        line(
            "space",
            format!("`akin compact` frees {size} of embeddings"),
        )?;
    }
    let folder = match (&library.writer, orphans.len()) {
        (Some(writer), _) => format!("{writer} is running: leftovers were not checked"),
        (None, 0) => "no leftovers".to_owned(),
        (None, n) => format!("{} unreferenced", count(n as u64)),
    };
    line("files", folder)?;
    let index = match (report.index.n_segments, report.doubts.len()) {
        (0, 0) => "none: papers are compared one by one".to_owned(),
        (n, doubts) => format!("{}: {}", counted(n as u64, "segment"), verdict(doubts)),
    };
    line("index", index)?;
    if report.lacks_background {
        line(
            "closeness",
            "percentiles are unavailable until the next add".to_owned(),
        )?;
    }
    let (n_held, n_behind) = report.n_words;
    let words = match (&report.lexical_doubt, n_behind) {
        (Some(_), _) => "1 fault".to_owned(),
        (None, 0) => format!("of {}: whole", counted(n_held, "paper")),
        (None, n) => format!(
            "of {}: whole; missing until the next add: {}",
            counted(n_held, "paper"),
            count(n)
        ),
    };
    line("words", words)?;
    let n_found = report.n_sampled - report.lost.len();
    let sampled = counted(report.n_sampled as u64, "paper");
    let found = match report.n_sampled {
        0 => "nothing was searched for".to_owned(),
        _ => format!(
            "{} of {sampled} by their own embeddings",
            count(n_found as u64)
        ),
    };
    line("found", found)?;
    let recall = match report.recall_at_10 {
        Some(recall) => format!("{recall:.4} at 10, of the graph over the same papers"),
        None => "not measured, as there is no graph".to_owned(),
    };
    line("recall", recall)
}

/// The faults, each as a sentence.
fn write_faults(out: &mut impl Write, report: &CheckReport, context: &Context) -> io::Result<()> {
    let (orphans, faults): (Vec<&Finding>, Vec<&Finding>) = report
        .library
        .list
        .iter()
        .partition(|finding| finding.is_orphan());
    let faults = faults
        .iter()
        .chain(&orphans)
        .map(|finding| finding.to_string());
    let lost = report.lost.iter().map(|id| {
        format!(
            "paper {id} is not found by its own embedding; `akin check --repair` rebuilds the \
             index"
        )
    });
    let doubts = report
        .doubts
        .iter()
        .map(|doubt| format!("{doubt}; it is not used until `akin check --repair` rebuilds it"));
    let words = report.lexical_doubt.iter().map(|doubt| {
        format!(
            "{doubt}; papers are not found by their words until `akin check --repair` indexes \
             them again"
        )
    });
    let said: Vec<String> = faults.chain(doubts).chain(words).chain(lost).collect();
    let shown = if context.verbose {
        usize::MAX
    } else {
        FINDINGS_SHOWN
    };
    for sentence in said.iter().take(shown) {
        writeln!(out, "fault: {sentence}")?;
    }
    match said.len().saturating_sub(shown) {
        0 => Ok(()),
        n => writeln!(out, "and {} more; -v shows them all", count(n as u64)),
    }
}

fn write_repairs(out: &mut impl Write, repairs: &Repairs) -> io::Result<()> {
    for orphan in &repairs.removed {
        let size = bytes(orphan.bytes);
        writeln!(out, "repaired: deleted {} ({size})", orphan.path.display())?;
    }
    if repairs.n_columns > 0 {
        let papers = counted(repairs.n_columns, "paper");
        writeln!(out, "repaired: rebuilt the columns of {papers}")?;
    }
    match repairs.lost_commits {
        Some(LostCommits::Rows(n)) => writeln!(
            out,
            "not repaired: papers.db has lost {}; add their dumps again",
            counted(n, "paper")
        )?,
        Some(LostCommits::Unknown) => {
            writeln!(out, "repaired: restored the count of committed rows")?;
        }
        None => {}
    }
    if repairs.made_background {
        writeln!(out, "repaired: computed the percentiles again")?;
    }
    if repairs.n_embedded > 0 {
        let papers = counted(repairs.n_embedded, "paper");
        writeln!(out, "repaired: embedded {papers} again")?;
    }
    if let Some(error) = &repairs.not_embedded {
        writeln!(out, "not repaired: embeddings, because {error}")?;
    }
    if repairs.rebuilt_index {
        writeln!(out, "repaired: rebuilt the index")?;
    }
    if repairs.n_words > 0 {
        let papers = counted(repairs.n_words, "paper");
        writeln!(out, "repaired: indexed the words of {papers}")?;
    }
    Ok(())
}

fn summary(report: &CheckReport, repairs: &Repairs) -> Value {
    let library = &report.library;
    let finding = |finding: &Finding| {
        let mut object = serde_json::to_value(finding).expect("a finding is plain data");
        object["message"] = finding.to_string().into();
        object
    };
    json!({
        "well": report.is_well(),
        "papers": library.n_papers,
        "rows_read": library.n_rows_read,
        "dead_rows": library.n_dead_rows,
        "unembedded": library.n_unembedded,
        "reclaimable_bytes": library.reclaimable_bytes,
        "writer": library.writer,
        "findings": library.list.iter().map(finding).collect::<Vec<_>>(),
        "index_segments": report.index.n_segments,
        "graph_rows": report.index.graph_rows,
        "index_doubts": report.doubts,
        "lacks_background": report.lacks_background,
        "lexical_papers": report.n_words.0,
        "lexical_behind": report.n_words.1,
        "lexical_doubt": report.lexical_doubt,
        "sampled": report.n_sampled,
        "lost": report.lost,
        "recall@10": report.recall_at_10,
        "removed": repairs.removed,
        "columns": repairs.n_columns,
        "embedded": repairs.n_embedded,
        "not_embedded": repairs.not_embedded.as_ref().map(ToString::to_string),
        "lost_papers": match repairs.lost_commits {
            Some(LostCommits::Rows(n)) => n,
            _ => 0,
        },
        "made_background": repairs.made_background,
        "rebuilt_index": repairs.rebuilt_index,
        "indexed_words": repairs.n_words,
    })
}
