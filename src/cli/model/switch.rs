//! `akin model use`: which model a library answers with.

use std::io::Write;
use std::path::PathBuf;

use akin::encoder::Precision;
use akin::library::Library;
use akin::space::{self, Origin};
use clap::Args;
use serde_json::json;

use crate::cli::args::at_least_one;
use crate::cli::context::Context;
use crate::cli::fault::Failure;
use crate::cli::outcome::Outcome;
use crate::cli::progress::Bar;
use crate::cli::{hub, layout, terminal};

/// Answer with another model from now on; papers that it has not embedded yet are embedded first
///
/// Until that is done the model that answered before goes on answering. Its embeddings stay: going
/// back to it costs nothing but the papers that have come or changed since. If it is stopped in
/// between, the same command continues.
#[derive(Debug, Args)]
pub(super) struct UseArgs {
    /// A folder, an id of the hub that is in the cache, or `bundled`
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Number of tokens of each text that the model reads [default: the model's own limit]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    max_tokens: Option<usize>,
    /// Keep the first N numbers of each vector, of models that were trained for it (Matryoshka)
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    dim: Option<usize>,
}

pub(super) fn run(args: &UseArgs, context: &Context) -> Result<Outcome, Failure> {
    let origin = Origin {
        source: hub::source(&args.model, &context.hub)?,
        max_tokens: args.max_tokens,
        dim: args.dim,
        precision: Precision::Auto,
    };
    // A model that cannot be used is refused before anything is written.
    let mut encoder = context.load(&origin)?;
    let mut writer = context.writer_of_any("akin model use")?;
    let fingerprint = encoder.recipe().fingerprint();
    let spaces = Library::open(&context.library)?.spaces()?;
    let mut known = spaces.iter().map(|status| &status.space);
    if let Some(known) = known.find(|space| space.fingerprint == fingerprint) {
        // What is missing in it is embedded as the rest was.
        let precision = Origin::from_space(known)?.precision;
        if context.precision.unwrap_or(precision) != encoder.precision() {
            encoder = context.load(&Origin {
                precision,
                ..origin.clone()
            })?;
        }
    }
    let bar = Bar::stoppable(context);
    let options = context.index_options();
    let switched = space::switch(&mut writer, &encoder, &origin, &options, &bar)?;
    let outcome = match switched.n_left {
        0 => Outcome::Done,
        n => {
            context.note(&format!(
                "{} cannot be read, and has no embedding; `akin check` says more",
                layout::counted(n, "paper")
            ));
            Outcome::Partly
        }
    };
    let recipe = encoder.recipe();
    let mut out = terminal::stdout();
    if context.json {
        let value = json!({
            "model": recipe.model,
            "embedded": switched.n_embedded,
            "kept": switched.n_kept,
            "without": switched.n_left,
            "was_active": switched.was_active,
        });
        layout::json_line(&mut out, &value)?;
        return Ok(outcome);
    }
    let before = if switched.was_active { "still " } else { "" };
    writeln!(
        out,
        "{} {before}answers: {} embedded now, {} before",
        recipe.describe(),
        layout::counted(switched.n_embedded, "paper"),
        layout::count(switched.n_kept),
    )?;
    Ok(outcome)
}
