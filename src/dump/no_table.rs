//! In place of `table.rs` where akin is built without the feature `arrow`: it refuses to read.

use super::record::Record;
use super::{Opened, Rejected};
use crate::error::{Error, Result};

/// Cannot be made in this build.
pub(super) enum TableReader {}

impl TableReader {
    pub(super) fn open(opened: Opened) -> Result<TableReader> {
        let what = format!("{}: {}s", opened.path.display(), opened.format);
        Err(Error::not_built(&what, "arrow"))
    }

    pub(super) fn next_record(&mut self) -> Option<Result<Record, Rejected>> {
        match *self {}
    }
}
