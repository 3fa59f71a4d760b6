//! `akin model info`: describe a model and how it is used.

use std::io::{self, Write};
use std::path::PathBuf;

use akin::encoder::{Encoder, ModelSource};
use clap::Args;
use serde_json::{Value, json};

use super::origin::{of_library, own};
use crate::cli::context::Context;
use crate::cli::fault::Failure;
use crate::cli::outcome::Outcome;
use crate::cli::terminal::{self, CYAN};
use crate::cli::{hub, layout};

/// Describe a model: its name, hashes, pooling, prompts, limits and device
#[derive(Debug, Args)]
pub(super) struct InfoArgs {
    /// A folder, an id of the hub that is in the cache, or `bundled` [default: the library's model,
    /// else the bundled one]
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
}

pub(super) fn run(args: &InfoArgs, context: &Context) -> Result<Outcome, Failure> {
    let origin = match &args.model {
        Some(model) => own(hub::source(model, &context.hub)?),
        None => of_library(context)?.unwrap_or_else(|| own(ModelSource::Bundled)),
    };
    let origin = hub::at_hand(&origin, &context.hub);
    let encoder = context.load(&origin)?;
    let mut out = terminal::stdout();
    if context.json {
        layout::json_line(&mut out, &as_json(&origin.source, &encoder))?
    } else {
        write(&mut out, &origin.source, &encoder)?
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn as_json(source: &ModelSource, encoder: &Encoder) -> Value {
    json!({
        "recipe": encoder.recipe(),
        "positions": encoder.positions(),
        "source": source.to_string(),
        "folder": folder(source),
        "arithmetic": encoder.describe_arithmetic(),
    })
}

fn folder(source: &ModelSource) -> Option<&PathBuf> {
    match source {
        ModelSource::Bundled => None,
        ModelSource::Folder(folder) | ModelSource::Hub { folder, .. } => Some(folder),
    }
}

fn write(out: &mut impl Write, source: &ModelSource, encoder: &Encoder) -> io::Result<()> {
    let recipe = encoder.recipe();
    let folder = folder(source).map(|folder| folder.display().to_string());
    let lines = [
        ("model", recipe.model.clone()),
        (
            "revision",
            recipe.revision.clone().unwrap_or("not known".to_owned()),
        ),
        ("source", folder.unwrap_or("built in".to_owned())),
        ("weights", format!("sha256 {}", recipe.weights_sha256)),
        ("tokenizer", format!("sha256 {}", recipe.tokenizer_sha256)),
        ("embedding", format!("{} numbers", recipe.dim)),
        ("pooling", recipe.pooling.to_string()),
        (
            "length",
            if recipe.normalize {
                "scaled to 1"
            } else {
                "not scaled"
            }
            .to_owned(),
        ),
        ("queries", prompt(&recipe.query_prompt)),
        ("passages", prompt(&recipe.passage_prompt)),
        (
            "tokens",
            if recipe.has_token_limit() {
                format!(
                    "limit {}; the model has {} positions",
                    recipe.max_tokens,
                    encoder.positions()
                )
            } else {
                "no limit".to_owned()
            },
        ),
        ("computed", encoder.describe_arithmetic().to_owned()),
    ];
    for (name, value) in lines {
        writeln!(out, "{CYAN}{name:<9}{CYAN:#} {value}")?;
    }
    Ok(())
}

fn prompt(prompt: &str) -> String {
    match prompt {
        "" => "no prompt".to_owned(),
        prompt => format!("after {prompt:?}"),
    }
}
