//! Arrow streams, Arrow files and Parquet files: batches of columns, read row by row as the
//! records of `json_record.rs`.
//!
//! `table/arrow.rs` and `table/parquet.rs` read batches; here their rows become records.
//!
//! Columns are known by the names of its fields. There must be one of titles, or one of texts and one
//! of ids, which are texts or whole numbers, floats among them; what else is there is read where it can
//! be. Of an Arrow
//! file the stream inside is read, from front to end, so it can come through a pipe; a Parquet
//! file begins with its end and must be a file.
//!
//! Invariants: nothing that a file claims is allocated before it is held against the bytes that there
//! are; a table that grows beyond measure ends with a reason ([`Growth`]), one that cannot be decoded
//! with what is wrong, and no panic of a decoder gets out. One batch is held at a time; every row gives
//! one item. The first batch is read at
//! once where only its values show whether a column of floats holds ids.

mod arrow;
mod delta;
mod footer;
mod pages;
mod parquet;
mod thrift;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;

use self::arrow::ArrowBatches;
use self::parquet::ParquetBatches;
use super::cells::{ReadColumns, TableRow};
use super::expansion::{Bomb, Growth};
use super::json_record;
use super::record::{DumpContext, Item, RecordError};
use super::reject::excerpt;
use super::{Format, MAX_LINE_BYTES, OpenDump, ReadItems, Rejected, Rejection, Unit};
use akin_base::caught;
use akin_base::error::{Error, Result};

/// What a batch or the pages of a column may become, however few bytes they are read from.
const FREE_BYTES: usize = 64 << 20;

/// How many bytes one byte of a batch or a page may become, beyond those. Text of papers shrinks to a
/// third.
const MAX_RATIO: usize = 32;

/// Memory that is given without a question.
const SMALL_BYTES: usize = 16 << 20;

/// Bytes of a row's longest text that are kept until it is known whether the row is a paper.
const SHOWN_BYTES: usize = 640;

/// What a row comes to beside its texts, when it is counted how far a table grows.
const ROW_BYTES: u64 = 64;

/// Reads rows.
pub(super) struct TableReader {
    batches: Batches,
    columns: ReadColumns,
    context: DumpContext,
    compressed: bool,
    /// The batch that is being read, and the next row in it.
    batch: Option<RecordBatch>,
    next_row: usize,
    /// The first batch, or what came in its place, where it was read already.
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
    /// Reads the schema of a table.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Damaged`], [`Error::Columns`].
    pub(super) fn open(opened: OpenDump) -> Result<TableReader> {
        let (context, compressed) = (opened.context.clone(), opened.compressed);
        let path = opened.path.clone();
        let (columns, mut batches) = match opened.format {
            Format::Parquet => begin_parquet(&opened)?,
            _ => begin_arrow(opened)?,
        };
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
            json_record::read_fields(fields, &self.context)
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
fn begin_arrow(opened: OpenDump) -> Result<(ReadColumns, Batches)> {
    let path = &opened.path;
    let is_in_file = opened.format == Format::ArrowFile;
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

/// Why no batch follows, though one should.
enum BatchEnd {
    Cut,
    Failed(io::Error),
    Unreadable(String),
    Bomb(Bomb),
}

impl BatchEnd {
    fn unreadable(what: &str) -> BatchEnd {
        BatchEnd::Unreadable(what.to_owned())
    }

    fn no_memory(n_bytes: usize) -> BatchEnd {
        let n_mb = n_bytes.div_ceil(1_000_000);
        BatchEnd::Unreadable(format!("{n_mb} MB of memory are not there to decode it"))
    }

    fn from_read(error: io::Error) -> BatchEnd {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => BatchEnd::Cut,
            _ => BatchEnd::Failed(error),
        }
    }

    fn reason(self, compressed: bool) -> Rejection {
        match self {
            BatchEnd::Cut => Rejection::Cut,
            BatchEnd::Failed(error) => Rejection::from_read(&error, compressed),
            BatchEnd::Unreadable(message) => Rejection::ReadFailed { message },
            BatchEnd::Bomb(bomb) => Rejection::Bomb {
                message: bomb.to_string(),
            },
        }
    }
}

impl From<Bomb> for BatchEnd {
    fn from(bomb: Bomb) -> BatchEnd {
        BatchEnd::Bomb(bomb)
    }
}

impl fmt::Display for BatchEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchEnd::Cut => f.write_str("it breaks off"),
            BatchEnd::Failed(error) => error.fmt(f),
            BatchEnd::Unreadable(message) => f.write_str(message),
            BatchEnd::Bomb(bomb) => bomb.fmt(f),
        }
    }
}

/// Runs a decoder; on damaged bytes those of Arrow and Parquet may panic.
fn decoded<T, E: fmt::Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, BatchEnd> {
    match caught::run(decode) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(BatchEnd::Unreadable(error.to_string())),
        Err(said) => Err(BatchEnd::Unreadable(format!(
            "it cannot be decoded: {said}"
        ))),
    }
}

/// What so many bytes may become when they are decoded.
fn grown_limit(n_bytes: usize) -> usize {
    n_bytes.saturating_mul(MAX_RATIO).saturating_add(FREE_BYTES)
}

/// Whether so much memory can be had, as far as that is known beforehand: a decoder that gets none
/// would end the process.
fn is_available(n_bytes: usize) -> bool {
    n_bytes <= SMALL_BYTES || Vec::<u8>::new().try_reserve_exact(n_bytes).is_ok()
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

fn unfit(path: &Path) -> impl FnOnce(String) -> Error {
    let path = path.to_owned();
    move |reason| Error::Columns { path, reason }
}
