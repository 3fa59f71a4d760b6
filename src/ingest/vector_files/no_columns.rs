//! Replaces the reading of Arrow and Parquet if akin is built without the feature `arrow`.

use std::path::Path;

use super::taker::Take;
use crate::error::{Error, Result};

pub(super) fn fingerprint_of_parquet(_: &Path) -> Result<Option<String>> {
    Err(Error::not_built("Parquet files", "arrow"))
}

pub(super) fn fingerprint_of_stream(_: &Path) -> Result<Option<String>> {
    Err(Error::not_built("Arrow streams", "arrow"))
}

pub(super) fn each_of_parquet(_: &Path, _: Take<'_>) -> Result<()> {
    Err(Error::not_built("Parquet files", "arrow"))
}

pub(super) fn each_of_stream(_: &Path, _: Take<'_>) -> Result<()> {
    Err(Error::not_built("Arrow streams", "arrow"))
}
