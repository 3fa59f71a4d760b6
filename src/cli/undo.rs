//! `akin undo`: take the last change of the library back.

use std::io::Write;

use akin::ingest;
use akin::library::{LastChange, Library, Writer};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::context::Context;
use super::fault::Failure;
use super::layout::{self, count, counted};
use super::outcome::Outcome;
use super::progress::Bar;
use super::terminal;

/// Names that are shown of a change.
const NAMES_SHOWN: usize = 3;

/// Take back the last change of the library
///
/// A change is an add, a pull, a removal, a split or a restore. New papers are removed, changed papers are as they were, and removed or merged ones are there again.
/// One change is kept, and the next one replaces it; it cannot be taken back twice. `akin compact`
/// forgets it. Embeddings are kept until then, so adding the same dump again embeds nothing.
#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// Say what would be taken back, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &UndoArgs, context: &Context) -> Result<Outcome, Failure> {
    if args.dry_run {
        let change = Library::open(&context.library)?.last_change()?;
        return match change.filter(|change| is_kept(change, context)) {
            Some(change) => show(&change, true, context),
            None => Ok(nothing(context)),
        };
    }
    let mut writer = context.writer("akin undo")?;
    let bar = Bar::stoppable(context);
    let options = context.index_options();
    let change = writer.last_change()?;
    let is_kept = change.is_none_or(|change| is_kept(&change, context));
    let undone = writer.undo()?;
    // Also where nothing was undone: one that was cut off may not be in the indexes yet.
    ingest::build_index(&writer, &options, &bar)?;
    match undone {
        Some(change) => show(&change, false, context),
        None if is_kept => Ok(nothing(context)),
        None => Ok(Outcome::Partly),
    }
}

fn nothing(context: &Context) -> Outcome {
    context.note("there is nothing to take back");
    Outcome::Partly
}

/// Whether a change can be taken back; says so if it cannot.
fn is_kept(change: &LastChange, context: &Context) -> bool {
    if !change.is_kept {
        context.note(&format!(
            "{} changed too many papers to be taken back",
            what(change)
        ));
    }
    change.is_kept
}

/// Says after a run that it cannot be taken back, if it cannot.
pub(super) fn warn_if_unkept(writer: &Writer, context: &Context) -> Result<(), Failure> {
    if !writer.is_change_kept()? {
        context.note("this changed too many papers for `akin undo` to take back");
    }
    Ok(())
}

fn show(change: &LastChange, is_dry: bool, context: &Context) -> Result<Outcome, Failure> {
    let mut out = terminal::stdout();
    if context.json {
        let json = json!({
            "command": change.command,
            "names": change.names,
            "begun": change.begun.to_string(),
            "removed": change.n_new,
            "changed_back": change.n_changed,
            "put_back": change.n_gone,
            "dry_run": is_dry,
        });
        layout::json_line(&mut out, &json)?;
    } else {
        let verb = if is_dry {
            "would take back"
        } else {
            "took back"
        };
        let (what, when) = (what(change), when(change.begun));
        writeln!(out, "{verb}: {what} {when}: {}", effects(change))?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// `add of x.jsonl`.
fn what(change: &LastChange) -> String {
    let command = change.command.strip_prefix("akin ");
    let command = command.unwrap_or(&change.command);
    let shown = change.names.len().min(NAMES_SHOWN);
    // A split and a restoration are named after what they do.
    let names: Vec<&str> = change.names[..shown]
        .iter()
        .map(|name| {
            let rest = name.strip_prefix(command).map(str::trim_start);
            rest.unwrap_or(name)
        })
        .collect();
    let command = match command {
        "remove" => "removal",
        "restore" => "restoration",
        noun => noun,
    };
    let n_more = change.names.len() - shown;
    match (names.is_empty(), n_more) {
        (true, _) => command.to_owned(),
        (_, 0) => format!("{command} of {}", names.join(", ")),
        _ => format!(
            "{command} of {} and {} more",
            names.join(", "),
            count(n_more as u64)
        ),
    }
}

/// `at 10:31` of today, else with the day.
fn when(begun: Timestamp) -> String {
    let zone = TimeZone::system();
    let (begun, now) = (
        begun.to_zoned(zone.clone()),
        Timestamp::now().to_zoned(zone),
    );
    let time = begun.strftime("%H:%M");
    if begun.date() == now.date() {
        format!("at {time}")
    } else {
        format!("of {} at {time}", begun.date())
    }
}

/// `99 papers removed, 1 changed back`.
fn effects(change: &LastChange) -> String {
    let parts = [
        (change.n_new, "removed"),
        (change.n_changed, "changed back"),
        (change.n_gone, "put back"),
    ];
    let parts = parts.into_iter().filter(|(n, _)| *n > 0);
    let parts = parts.enumerate().map(|(place, (n, what))| match place {
        0 => format!("{} {what}", counted(n, "paper")),
        _ => format!("{} {what}", count(n)),
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        "no paper was changed".to_owned()
    } else {
        parts.join(", ")
    }
}
