//! The models that the commands of `akin model` accept.

use akin::Error;
use akin::encoder::{ModelSource, Precision};
use akin::library::Library;
use akin::space::{self, Origin};

use crate::cli::context::Context;
use crate::cli::fault::Failure;

/// A model with its own token limit and dim.
pub(super) fn own(source: ModelSource) -> Origin {
    Origin {
        source,
        max_tokens: None,
        dim: None,
        precision: Precision::Auto,
    }
}

/// The library's model, if there is a library with one.
pub(super) fn of_library(context: &Context) -> Result<Option<Origin>, Failure> {
    let library = match Library::open(&context.library) {
        Err(Error::LibraryMissing { .. } | Error::NotALibrary { .. }) => return Ok(None),
        opened => opened?,
    };
    match space::origin_of(&library) {
        Err(Error::LibraryEmpty { .. } | Error::NotEmbedded { .. }) => Ok(None),
        origin => Ok(Some(origin?)),
    }
}
