//! In place of `table.rs` where akin is built without the feature `arrow`: it refuses to read.

use super::record::Item;
use super::{OpenDump, ReadItems, Rejected, Unit};
use akin_base::error::{Error, Result};

/// Cannot be made in this build.
pub(super) enum TableReader {}

impl TableReader {
    pub(super) fn open(opened: OpenDump) -> Result<TableReader> {
        let what = format!("{}: {}s", opened.path.display(), opened.format);
        Err(Error::not_built(&what, "arrow"))
    }
}

impl ReadItems for TableReader {
    fn next_item(&mut self) -> Option<Result<Item, Rejected>> {
        match *self {}
    }

    fn place(&self) -> (u64, Unit) {
        match *self {}
    }
}
