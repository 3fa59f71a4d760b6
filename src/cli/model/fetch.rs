//! `akin model fetch`: a model from the Hugging Face hub into the cache.

use std::io::{self, Write};
use std::path::PathBuf;

use akin::encoder::hub::{Hub, HubId, Snapshot, SnapshotFile};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::fault::Failure;
use crate::cli::layout;
use crate::cli::outcome::Outcome;
use crate::cli::outside::outside;
use crate::cli::progress::Bar;
use crate::cli::terminal::{self, CYAN};

/// Fetch a model from the Hugging Face hub
///
/// Only the files of a sentence-transformers model are fetched, at one commit, as safetensors,
/// never pickled. A fetch that was cut off continues when it is run again; a file that is there
/// already is verified.
#[derive(Debug, Args)]
pub(super) struct FetchArgs {
    /// The model: org/name, or org/name@revision for a branch, a tag or a commit
    #[arg(value_name = "ID")]
    id: HubId,
    /// File with the token for a model that is gated or private [default: HF_TOKEN, else where the
    /// hub's tools keep it]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

pub(super) fn run(args: &FetchArgs, context: &Context) -> Result<Outcome, Failure> {
    let hub = if context.hub.offline {
        context.hub.clone()
    } else {
        Hub {
            token: context.hub_token(args.token_file.as_deref())?,
            ..context.hub.clone()
        }
    };
    let bar = Bar::stoppable(context);
    // A server may stop answering; the received part of a file is kept.
    let snapshot = outside(|| hub.fetch(&args.id, &bar))?;
    let mut out = terminal::stdout();
    if context.json {
        layout::json_line(&mut out, &as_json(&snapshot))?
    } else {
        write(&mut out, &snapshot)?
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn as_json(snapshot: &Snapshot) -> Value {
    let file = |file: &SnapshotFile| json!({ "name": file.name, "bytes": file.n_bytes, "sha256": file.sha256 });
    json!({
        "id": snapshot.id.name(),
        "revision": snapshot.id.revision(),
        "commit": snapshot.commit,
        "folder": snapshot.folder,
        "bytes": snapshot.n_bytes(),
        "files": snapshot.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn write(out: &mut impl Write, snapshot: &Snapshot) -> io::Result<()> {
    writeln!(out, "{CYAN}model{CYAN:#}   {}", snapshot.id)?;
    writeln!(out, "{CYAN}commit{CYAN:#}  {}", snapshot.commit)?;
    writeln!(out, "{CYAN}folder{CYAN:#}  {}", snapshot.folder.display())?;
    let names = snapshot.files.iter().map(|file| file.name.len());
    let width = names.max().unwrap_or_default();
    for file in &snapshot.files {
        writeln!(
            out,
            "{:<width$}  {:>9}  {}",
            file.name,
            layout::bytes(file.n_bytes),
            file.sha256.as_deref().unwrap_or_default()
        )?;
    }
    Ok(())
}
