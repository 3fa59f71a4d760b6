//! Tables: rows of text (`delimited.rs`), and rows of columns in Arrow and Parquet (`reader.rs`).
//!
//! `columns.rs` recognises a column by its name, `quoting.rs` splits a line into cells, `cells.rs`
//! turns a batch's values into JSON.

#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "arrow")]
mod batch;
#[cfg(feature = "arrow")]
mod cells;
pub(crate) mod columns;
pub(crate) mod delimited;
#[cfg(feature = "arrow")]
mod delta;
#[cfg(feature = "arrow")]
mod footer;
#[cfg(feature = "arrow")]
mod pages;
#[cfg(feature = "arrow")]
mod parquet;
mod quoting;
#[cfg(feature = "arrow")]
mod reader;
#[cfg(not(feature = "arrow"))]
#[path = "no_reader.rs"]
mod reader;
#[cfg(feature = "arrow")]
mod thrift;

use self::reader::TableReader;
use crate::format::{FormatReader, Framing, ItemsSpec, Spec};

/// Arrow IPC streams.
pub(crate) const ARROW_STREAM: Spec = Spec {
    name: "arrow-stream",
    title: "Arrow stream",
    feed: None,
    generic_file: None,
    reader: FormatReader::Items(ItemsSpec {
        framing: Framing::Table,
        magic: Some(b"\xFF\xFF\xFF\xFF"),
        looks_like: |_| false,
        open: |opened| Ok(Box::new(TableReader::open_stream(opened)?)),
    }),
};

/// Arrow IPC files, also called Feather.
pub(crate) const ARROW_FILE: Spec = Spec {
    name: "arrow",
    title: "Arrow file",
    feed: None,
    generic_file: None,
    reader: FormatReader::Items(ItemsSpec {
        framing: Framing::Table,
        magic: Some(b"ARROW1\0\0"),
        looks_like: |_| false,
        open: |opened| Ok(Box::new(TableReader::open_file(opened)?)),
    }),
};

/// Parquet files.
pub(crate) const PARQUET: Spec = Spec {
    name: "parquet",
    title: "Parquet file",
    feed: None,
    generic_file: None,
    reader: FormatReader::Items(ItemsSpec {
        framing: Framing::Table,
        magic: Some(b"PAR1"),
        looks_like: |_| false,
        open: |opened| Ok(Box::new(TableReader::open_parquet(opened)?)),
    }),
};
