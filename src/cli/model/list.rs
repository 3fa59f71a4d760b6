//! `akin model list`: the bundled model, the library's, and those in the hub's cache.

use std::io::{self, Write};

use akin::encoder::hub::Snapshot;
use akin::encoder::{ModelSource, Precision};
use akin::library::{Library, SpaceStatus};
use akin::space::Origin;
use akin::{Error, space};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::origin::of_library;
use crate::cli::context::Context;
use crate::cli::fault::Failure;
use crate::cli::layout;
use crate::cli::outcome::Outcome;
use crate::cli::terminal::{self, CYAN, DIM};

/// List the models on this machine; the library's own is marked with *
#[derive(Debug, Args)]
pub(super) struct ListArgs {}

/// A model on this machine.
#[derive(Serialize)]
struct ListedModel {
    /// What `--model` takes.
    model: String,
    /// `bundled`, `folder` or `hub`.
    source: &'static str,
    commit: Option<String>,
    bytes: Option<u64>,
    complete: bool,
    missing: Vec<String>,
    in_use: bool,
    /// Of the model in use, what the library was embedded with.
    precision: Option<Precision>,
}

pub(super) fn run(_: &ListArgs, context: &Context) -> Result<Outcome, Failure> {
    let origin = of_library(context)?;
    let precision = origin.as_ref().map(|origin| origin.precision);
    let used = origin.map(|origin| origin.source);
    let mut listed = vec![bundled(used.as_ref())];
    let snapshots = context.hub.list()?;
    listed.extend(snapshots.iter().map(|s| of_hub(s, used.as_ref())));
    if let Some(used) = used
        && !listed.iter().any(|model| model.in_use)
    {
        listed.push(elsewhere(&used));
    }
    for model in listed.iter_mut().filter(|model| model.in_use) {
        model.precision = precision;
    }
    let mut out = terminal::stdout();
    for model in &listed {
        if context.json {
            layout::json_line(&mut out, model)?
        } else {
            write(&mut out, model)?
        }
    }
    let spaces = spaces(context)?;
    // One alone is that of the model that is in use.
    if spaces.len() > 1 {
        write_spaces(&mut out, &spaces, context)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// What the library has embedded, model by model.
fn spaces(context: &Context) -> Result<Vec<SpaceStatus>, Failure> {
    match Library::open(&context.library) {
        Err(Error::LibraryMissing { .. } | Error::NotALibrary { .. }) => Ok(Vec::new()),
        opened => Ok(opened?.spaces()?),
    }
}

fn write_spaces(
    out: &mut impl Write,
    spaces: &[SpaceStatus],
    context: &Context,
) -> Result<(), Failure> {
    if !context.json {
        writeln!(out, "\nembedded in {}:", context.library.display())?;
    }
    for status in spaces {
        let recipe = space::recipe_of(&status.space)?;
        let precision = Origin::from_space(&status.space)?.precision;
        if context.json {
            let value = json!({
                "space": status.space.name,
                "model": recipe.model,
                "papers": status.n_papers,
                "precision": precision,
                "in_use": status.is_active,
            });
            layout::json_line(out, &value)?;
            continue;
        }
        let mark = if status.is_active { '*' } else { ' ' };
        let papers = layout::counted(status.n_papers, "paper");
        writeln!(
            out,
            "{mark} {}, in {precision}  {papers}",
            recipe.describe()
        )?;
    }
    Ok(())
}

fn bundled(used: Option<&ModelSource>) -> ListedModel {
    ListedModel {
        model: "bundled".to_owned(),
        source: "bundled",
        commit: None,
        bytes: None,
        complete: cfg!(feature = "bundled-model"),
        missing: Vec::new(),
        in_use: used == Some(&ModelSource::Bundled),
        precision: None,
    }
}

fn of_hub(snapshot: &Snapshot, used: Option<&ModelSource>) -> ListedModel {
    let is_used = |source: &ModelSource| match source {
        ModelSource::Hub { id, commit, .. } => {
            id == snapshot.id.name() && *commit == snapshot.commit
        }
        ModelSource::Folder(folder) => Some(folder) == snapshot.folder.canonicalize().ok().as_ref(),
        ModelSource::Bundled => false,
    };
    ListedModel {
        model: snapshot.id.to_string(),
        source: "hub",
        commit: Some(snapshot.commit.clone()),
        bytes: Some(snapshot.n_bytes()),
        complete: snapshot.missing.is_empty(),
        missing: snapshot.missing.clone(),
        in_use: used.is_some_and(is_used),
        precision: None,
    }
}

/// The library's model, if it is neither bundled nor in the cache.
fn elsewhere(used: &ModelSource) -> ListedModel {
    let (model, source, commit, folder) = match used {
        ModelSource::Bundled => ("bundled".to_owned(), "bundled", None, None),
        ModelSource::Folder(folder) => (folder.display().to_string(), "folder", None, Some(folder)),
        ModelSource::Hub { id, commit, folder } => (
            format!("{id}@{commit}"),
            "hub",
            Some(commit.clone()),
            Some(folder),
        ),
    };
    let is_there = folder.is_none_or(|folder| folder.is_dir());
    ListedModel {
        model,
        source,
        commit,
        bytes: None,
        complete: is_there,
        missing: match (is_there, folder) {
            (false, Some(folder)) => vec![folder.display().to_string()],
            _ => Vec::new(),
        },
        in_use: true,
        precision: None,
    }
}

fn write(out: &mut impl Write, model: &ListedModel) -> io::Result<()> {
    let mark = if model.in_use { '*' } else { ' ' };
    write!(out, "{mark} {CYAN}{}{CYAN:#}", model.model)?;
    if let Some(commit) = &model.commit
        && !model.model.contains(commit.as_str())
    {
        write!(out, "  {DIM}{}{DIM:#}", &commit[..12.min(commit.len())])?;
    }
    match (model.source, model.bytes) {
        ("bundled", _) if model.complete => write!(out, "  all-MiniLM-L6-v2, built in")?,
        ("bundled", _) => write!(out, "  not in this build")?,
        (_, Some(n)) => write!(out, "  {}", layout::bytes(n))?,
        _ => {}
    }
    if let Some(precision) = model.precision {
        write!(out, ", in {precision}")?;
    }
    if !model.missing.is_empty() {
        write!(out, "  lacks {}", model.missing.join(", "))?;
    }
    writeln!(out)
}
