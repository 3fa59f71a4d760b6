//! `akin related`: papers related to one or several.

use std::path::PathBuf;

use akin::search::{Query, Target};
use clap::Args;

use super::args::{FilterArgs, ModeArgs, ModelArgs};
use super::context::Context;
use super::fault::Fault;
use super::{Outcome, cache, search};

/// Find papers related to one or several papers
///
/// Ids can be written in any way: 2503.11731, arXiv:2503.11731v2, an address of the abstract or
/// the PDF, hep-th/9901001, a DOI. The papers themselves and their duplicates are left out.
#[derive(Debug, Args)]
pub(super) struct RelatedArgs {
    /// Papers to be close to
    #[arg(required = true, value_name = "ID")]
    like: Vec<String>,
    /// Papers to be away from; can be repeated
    #[arg(long = "not", value_name = "ID")]
    unlike: Vec<String>,
    /// Look among the papers of this dump instead of the library
    #[arg(long = "in", value_name = "DUMP")]
    dump: Option<PathBuf>,
    /// How many papers to show
    #[arg(short, value_name = "N", default_value_t = 10)]
    k: usize,
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    mode: ModeArgs,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &RelatedArgs, context: &Context) -> Result<Outcome, Fault> {
    let query = Query {
        target: Target::Papers {
            like: args.like.clone(),
            unlike: args.unlike.clone(),
        },
        k: args.k,
        filter: args.filters.filter(),
        mode: args.mode.mode(),
        ef_search: None,
    };
    let root = match &args.dump {
        Some(dump) => cache::library_of(dump, &args.model, context)?.root,
        None => context.library.clone(),
    };
    let (library, index) = context.open(&root)?;
    search::show(&library, &index, None, &query, context)
}
