//! Arrow streams, Arrow files and Parquet files: batches of columns, read row by row as the
//! records of `json/plain.rs`.
//!
//! `arrow.rs` and `parquet.rs` read batches; here their rows become records.
//!
//! Columns are known by the names of its fields. There must be a column of titles, or one of texts
//! and one of ids. Ids are texts or whole numbers, also stored as floats. Other columns are read if
//! possible. Of an Arrow file the stream inside is read, from front to end, so it can come through
//! a pipe. A Parquet file is read from its end and must be a file.
//!
//! Invariants: what a file claims is checked against the available bytes before anything is
//! allocated. A table that grows beyond measure ends with an error ([`Growth`]), and so does one
//! that cannot be decoded. A decoder's panic does not escape. One batch is held at a time; every
//! row gives one item. The first batch is read at once if only its values show whether a column of
//! floats holds ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use akin_base::error::{Error, Result};
use arrow_array::RecordBatch;

use super::arrow::ArrowBatches;
use super::batch::{BatchEnd, unfit};
use super::cells::{ReadColumns, TableRow};
use super::parquet::ParquetBatches;
use crate::frame::{MAX_LINE_BYTES, OpenDump, ReadItems};
use crate::json::plain;
use crate::record::{DumpContext, Item, RecordError};
use crate::reject::{Rejected, Rejection, Unit, excerpt};
use crate::source::expansion::Growth;

/// Bytes of a row's longest text that are kept until it is known whether the row is a paper.
const SHOWN_BYTES: usize = 640;

/// Size of a row besides its texts, for the check of how far a table grows.
const ROW_BYTES: u64 = 64;

/// Reads rows.
pub(crate) struct TableReader {
    batches: Batches,
    columns: ReadColumns,
    context: DumpContext,
    compressed: bool,
    /// The batch that is being read, and its next row.
    batch: Option<RecordBatch>,
    next_row: usize,
    /// The first batch or its error, if it was read already.
    first: Option<Result<Option<RecordBatch>, BatchEnd>>,
    /// Rows read so far, in all batches.
    row: u64,
    growth: Growth,
    ended: bool,
}

enum Batches {
    Arrow(Box<ArrowBatches>),
    Parquet {
        batches: Box<ParquetBatches>,
        read_bytes: Arc<AtomicU64>,
    },
}

impl ReadItems for TableReader {
    fn next_item(&mut self) -> Option<Result<Item, Rejected>> {
        self.next_record()
    }

    fn place(&self) -> (u64, Unit) {
        (self.row, Unit::Row)
    }
}

impl TableReader {
    /// Reads the schema of an Arrow stream.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Damaged`], [`Error::Columns`].
    pub(crate) fn open_stream(opened: OpenDump) -> Result<TableReader> {
        TableReader::open(opened, |opened| begin_arrow(opened, false))
    }

    /// Reads the schema of the stream in an Arrow file.
    ///
    /// # Errors
    /// As [`TableReader::open_stream`].
    pub(crate) fn open_file(opened: OpenDump) -> Result<TableReader> {
        TableReader::open(opened, |opened| begin_arrow(opened, true))
    }

    /// Reads the schema of a Parquet file.
    ///
    /// # Errors
    /// As [`TableReader::open_stream`].
    pub(crate) fn open_parquet(opened: OpenDump) -> Result<TableReader> {
        TableReader::open(opened, |opened| begin_parquet(&opened))
    }

    fn open(
        opened: OpenDump,
        begin: impl FnOnce(OpenDump) -> Result<(ReadColumns, Batches)>,
    ) -> Result<TableReader> {
        let (context, compressed) = (opened.context.clone(), opened.compressed);
        let path = opened.path.clone();
        let (columns, mut batches) = begin(opened)?;
        let first = columns.has_float_ids.then(|| batches.next(0));
        if let Some(Ok(Some(batch))) = &first {
            columns.refuse_fractions(batch).map_err(unfit(&path))?;
        }
        Ok(TableReader {
            first,
            batches,
            context: DumpContext {
                is_untitled: columns.is_untitled,
                ..context
            },
            columns,
            compressed,
            batch: None,
            next_row: 0,
            row: 0,
            growth: Growth::default(),
            ended: false,
        })
    }

    fn next_record(&mut self) -> Option<Result<Item, Rejected>> {
        loop {
            if self.ended {
                return None;
            }
            if let Some(batch) = &self.batch
                && self.next_row < batch.num_rows()
            {
                let row = self.columns.row(batch, self.next_row);
                let wrong_id = self.columns.wrong_id(batch, self.next_row);
                self.next_row += 1;
                self.row += 1;
                let n_in = self.batches.n_read();
                if let Err(bomb) = self.growth.note(ROW_BYTES + row.n_bytes as u64, n_in) {
                    return Some(Err(self.end(bomb.into())));
                }
                return Some(self.read_row(row, wrong_id));
            }
            self.next_row = 0;
            let first = self.first.take();
            match first.unwrap_or_else(|| self.batches.next(self.row)) {
                Ok(batch) => {
                    self.ended = batch.is_none();
                    self.batch = batch;
                }
                Err(end) => {
                    self.row += 1;
                    return Some(Err(self.end(end)));
                }
            }
        }
    }

    /// Ends the table with a reason.
    fn end(&mut self, end: BatchEnd) -> Rejected {
        self.ended = true;
        let reason = end.reason(self.compressed);
        self.rejected(reason.into(), "")
    }

    fn read_row(&self, row: TableRow, wrong_id: Option<Rejection>) -> Result<Item, Rejected> {
        let TableRow {
            fields, is_whole, ..
        } = row;
        let texts = || fields.iter().filter_map(|(_, value)| value.as_str());
        let shown = texts().max_by_key(|text| text.len()).unwrap_or("");
        let shown = shown[..shown.floor_char_boundary(SHOWN_BYTES)].to_owned();
        let outcome = if !is_whole {
            let limit_bytes = MAX_LINE_BYTES;
            Err(Rejection::TooLong { limit_bytes }.into())
        } else if let Some(reason) = wrong_id {
            Err(reason.into())
        } else {
            plain::read_fields(fields, &self.context)
        };
        outcome.map_err(|fault| self.rejected(fault, &shown))
    }

    fn rejected(&self, fault: RecordError, shown: &str) -> Rejected {
        Rejected {
            line: self.row,
            unit: Unit::Row,
            id: fault.id,
            reason: fault.reason,
            excerpt: excerpt(shown.as_bytes()),
        }
    }
}

/// Begins an Arrow stream, or the one in an Arrow file.
fn begin_arrow(opened: OpenDump, is_in_file: bool) -> Result<(ReadColumns, Batches)> {
    let path = &opened.path;
    let batches = ArrowBatches::begin(opened.bytes, is_in_file);
    let batches = batches.map_err(|end| match end {
        BatchEnd::Failed(error) => Error::read(path)(error),
        other => Error::damaged(path, format!("no Arrow schema at its start: {other}")),
    })?;
    let columns = ReadColumns::choose(batches.schema(), &opened.columns).map_err(unfit(path))?;
    Ok((columns, Batches::Arrow(Box::new(batches))))
}

/// Begins a Parquet file.
fn begin_parquet(opened: &OpenDump) -> Result<(ReadColumns, Batches)> {
    let path = &opened.path;
    if opened.total_bytes.is_none() || opened.compressed {
        let reason = "Parquet is read from its end: name a file that is not compressed as a whole";
        return Err(unfit(path)(reason.to_owned()));
    }
    let (columns, batches) = ParquetBatches::begin(path, &opened.columns)?;
    let (batches, read_bytes) = (Box::new(batches), opened.read_bytes.clone());
    Ok((
        columns,
        Batches::Parquet {
            batches,
            read_bytes,
        },
    ))
}

impl Batches {
    /// The next batch, when `n_rows` rows were read.
    fn next(&mut self, n_rows: u64) -> Result<Option<RecordBatch>, BatchEnd> {
        match self {
            Batches::Arrow(batches) => batches.next(),
            Batches::Parquet {
                batches,
                read_bytes,
            } => {
                let share = n_rows as f64 / batches.n_rows().max(1) as f64;
                let n_bytes = (share * batches.n_bytes() as f64) as u64;
                read_bytes.store(n_bytes, Ordering::Relaxed);
                batches.next()
            }
        }
    }

    /// Bytes that the rows so far can have come from.
    fn n_read(&self) -> u64 {
        match self {
            Batches::Arrow(batches) => batches.n_read(),
            Batches::Parquet { batches, .. } => batches.n_bytes(),
        }
    }
}
