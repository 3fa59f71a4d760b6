//! `akin model verify`: whether a model computes the right numbers here.

use std::io::Write;
use std::path::PathBuf;

use akin::encoder::{
    self, EncoderOptions, LEAST_INT8, LEAST_INT8_OF_ANY, ModelSource, Precision, Verification,
};
use akin::progress::Unobserved;
use akin::space::Origin;
use clap::Args;
use serde_json::json;

use super::origin::{of_library, own};
use crate::cli::context::Context;
use crate::cli::fault::Failure;
use crate::cli::outcome::Outcome;
use crate::cli::terminal::{self, CYAN};
use crate::cli::{hub, layout};

/// Characters of a text that are shown.
const EXCERPT_CHARS: usize = 30;

/// The least cosine in f32 and in f16, which round nothing on purpose.
const LEAST_EXACT: f32 = 0.9999;
/// The least cosine in int8 or bf16 of any text, with models of others.
const LEAST_ROUGH: f32 = 0.99;

/// Compare what a model computes on this machine with the golden embeddings that come with it
///
/// The model's golden.json holds texts and the embeddings that sentence-transformers gave them. f32
/// and the arithmetic in use here are both compared with these. Exits with 1 if they are too far
/// apart. The least cosines are 0.9999 in f32 and 0.99 in int8. For the bundled model in int8 they
/// are 0.999 for texts as long as abstracts and 0.998 for any text.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A folder, an id of the hub that is in the cache, or `bundled` [default: the library's model,
    /// else the bundled one]
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
}

pub(super) fn run(args: &VerifyArgs, context: &Context) -> Result<Outcome, Failure> {
    let source = match &args.model {
        Some(model) => hub::source(model, &context.hub)?,
        None => of_library(context)?.map_or(ModelSource::Bundled, |origin| origin.source),
    };
    let Origin { source, .. } = hub::at_hand(&own(source), &context.hub);
    let mut verified: Vec<(Verification, bool)> = Vec::new();
    for precision in [Precision::F32, Precision::Auto] {
        let options = EncoderOptions {
            precision,
            threads: context.threads,
            device: context.device,
            ..EncoderOptions::default()
        };
        let found = encoder::verify(&source, &options, &Unobserved)?;
        let is_new = verified
            .iter()
            .all(|(v, _)| v.arithmetic != found.arithmetic);
        if is_new {
            let is_right = is_right(&found, &source);
            verified.push((found, is_right));
        }
    }
    let mut out = terminal::stdout();
    for (found, is_right) in &verified {
        if context.json {
            let value = json!({"source": source.to_string(), "right": is_right, "found": found});
            layout::json_line(&mut out, &value)?;
        } else if found.n_texts == 0 {
            writeln!(
                out,
                "{source} loads and computes ({}); it brings no golden.json to compare with",
                found.arithmetic
            )?;
        } else {
            let verdict = if *is_right { "right" } else { "WRONG" };
            writeln!(
                out,
                "{CYAN}{}{CYAN:#}: {verdict}; of {} the least cosine is {:.6}{}, the largest \
                 difference of two numbers {:.1e}",
                found.arithmetic,
                layout::counted(found.n_texts as u64, "text"),
                found.least_cosine,
                of_which(found),
                found.largest_difference
            )?;
        }
    }
    if verified.iter().all(|(_, is_right)| *is_right) {
        Ok(Outcome::Done)
    } else {
        Ok(Outcome::Partly)
    }
}

/// Whether embeddings are as near to the golden ones as promised.
fn is_right(found: &Verification, source: &ModelSource) -> bool {
    let is_rough = ["int8", "bf16"]
        .iter()
        .any(|numbers| found.arithmetic.starts_with(numbers));
    let (least, least_of_long) = match (is_rough, source) {
        (false, _) => (LEAST_EXACT, LEAST_EXACT),
        (true, ModelSource::Bundled) => (LEAST_INT8_OF_ANY, LEAST_INT8),
        (true, _) => (LEAST_ROUGH, LEAST_ROUGH),
    };
    let of_long = found.least_cosine_of_long;
    found.least_cosine >= least && of_long.is_none_or(|cosine| cosine >= least_of_long)
}

/// Which text is the worst, and how the longer ones do.
fn of_which(found: &Verification) -> String {
    let text: String = found.least_text.chars().take(EXCERPT_CHARS).collect();
    match found.least_cosine_of_long {
        Some(long) if found.least_cosine + 1e-5 < long => {
            format!(" ({text:?}; of texts as long as abstracts {long:.6})")
        }
        _ => String::new(),
    }
}
