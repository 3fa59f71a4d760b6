//! What a reader of vectors passes them to, and how it refuses a file.

use std::path::Path;

use crate::error::{Error, Result};

/// Takes an id and its vector; whether to go on.
pub(super) type Take<'a> = &'a mut dyn FnMut(&str, Vec<f32>) -> Result<bool>;

/// The error of vectors that cannot be taken.
pub(in crate::ingest) fn bad(path: &Path, what: &str) -> Error {
    Error::BadVectors {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}
