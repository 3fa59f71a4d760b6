//! Replaces `reader.rs` if akin is built without the feature `arrow`: it refuses to read.

use akin_base::error::{Error, Result};

use crate::frame::{OpenDump, ReadItems};
use crate::record::Item;
use crate::reject::{Rejected, Unit};

/// Cannot be made in this build.
pub(crate) enum TableReader {}

impl TableReader {
    pub(crate) fn open_stream(opened: OpenDump) -> Result<TableReader> {
        refused(&opened, "Arrow streams")
    }

    pub(crate) fn open_file(opened: OpenDump) -> Result<TableReader> {
        refused(&opened, "Arrow files")
    }

    pub(crate) fn open_parquet(opened: OpenDump) -> Result<TableReader> {
        refused(&opened, "Parquet files")
    }
}

fn refused(opened: &OpenDump, what: &str) -> Result<TableReader> {
    let what = format!("{}: {what}", opened.path.display());
    Err(Error::not_built(&what, "arrow"))
}

impl ReadItems for TableReader {
    fn next_item(&mut self) -> Option<Result<Item, Rejected>> {
        match *self {}
    }

    fn place(&self) -> (u64, Unit) {
        match *self {}
    }
}
