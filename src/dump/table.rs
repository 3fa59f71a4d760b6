//! Arrow streams, Arrow files and Parquet files: batches of columns, read row by row as the
//! records of `json_record.rs`.
//!
//! Columns are known by the names of its fields. There must be one of titles, or one of texts and one
//! of ids, which are texts or whole numbers, floats among them; what else is there is read where it can
//! be. Of an Arrow
//! file the stream inside is read, from front to end, so it can come through a pipe; a Parquet
//! file begins with its end and must be a file.
//!
//! Invariants: one batch is held at a time; every row gives one item. The first batch is read at
//! once where only its values show whether a column of floats holds ids.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_ipc::reader::StreamReader;
use arrow_schema::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use serde_json::Value;

use super::cells::Columns;
use super::json_record;
use super::record::{Context, Fault, Item};
use super::reject::excerpt;
use super::source::Bytes;
use super::{Format, MAX_LINE_BYTES, Opened, ReadItems, Reason, Rejected, Unit};
use crate::error::{Error, Result};

/// Every part of an Arrow stream or file is a multiple of this long.
const PART_BYTES: usize = 8;

/// An Arrow file is padded in front of its stream, to this at most.
const MAX_FILE_HEAD_BYTES: usize = 64;

/// Rows of a Parquet file that are decoded at a time.
const PARQUET_BATCH_ROWS: usize = 256;

/// Reads rows.
pub(super) struct TableReader {
    batches: Batches,
    columns: Columns,
    context: Context,
    compressed: bool,
    /// The batch that is being read, and the next row in it.
    batch: Option<RecordBatch>,
    next_row: usize,
    /// The first batch, or what came in its place, where it was read already.
    first: Option<Result<Option<RecordBatch>, End>>,
    /// Rows read so far, in all batches.
    row: u64,
    ended: bool,
}

enum Batches {
    Arrow {
        reader: Box<StreamReader<Watched>>,
        format: Format,
    },
    Parquet {
        reader: ParquetRecordBatchReader,
        progress: Progress,
    },
}

/// How far a Parquet file has been read.
struct Progress {
    read_bytes: Arc<AtomicU64>,
    total_bytes: u64,
    n_rows: u64,
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
    pub(super) fn open(opened: Opened) -> Result<TableReader> {
        let (context, compressed) = (opened.context.clone(), opened.compressed);
        let path = opened.path.clone();
        let (columns, mut batches) = match opened.format {
            Format::Parquet => parquet(&opened)?,
            _ => arrow(opened)?,
        };
        let first = columns.has_float_ids.then(|| batches.next(0));
        if let Some(Ok(Some(batch))) = &first {
            columns.refuse_fractions(batch).map_err(unfit(&path))?;
        }
        Ok(TableReader {
            first,
            batches,
            context: Context {
                is_untitled: columns.is_untitled,
                ..context
            },
            columns,
            compressed,
            batch: None,
            next_row: 0,
            row: 0,
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
                let fields = self.columns.row(batch, self.next_row);
                let wrong_id = self.columns.wrong_id(batch, self.next_row);
                self.next_row += 1;
                self.row += 1;
                return Some(self.read_row(fields, wrong_id));
            }
            self.next_row = 0;
            let first = self.first.take();
            match first.unwrap_or_else(|| self.batches.next(self.row)) {
                Ok(batch) => {
                    self.ended = batch.is_none();
                    self.batch = batch;
                }
                Err(end) => {
                    self.ended = true;
                    self.row += 1;
                    let reason = end.reason(self.compressed);
                    return Some(Err(self.rejected(reason.into(), "")));
                }
            }
        }
    }

    fn read_row(
        &self,
        fields: Vec<(String, Value)>,
        wrong_id: Option<Reason>,
    ) -> Result<Item, Rejected> {
        let texts = || fields.iter().filter_map(|(_, value)| value.as_str());
        let shown: String = texts().max_by_key(|text| text.len()).unwrap_or("").into();
        let outcome = if texts().any(|text| text.len() > MAX_LINE_BYTES) {
            let limit_bytes = MAX_LINE_BYTES;
            Err(Reason::TooLong { limit_bytes }.into())
        } else if let Some(reason) = wrong_id {
            Err(reason.into())
        } else {
            json_record::read_fields(fields, &self.context)
        };
        outcome.map_err(|fault| self.rejected(fault, &shown))
    }

    fn rejected(&self, fault: Fault, shown: &str) -> Rejected {
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
fn arrow(opened: Opened) -> Result<(Columns, Batches)> {
    let (path, format) = (&opened.path, opened.format);
    let bytes = match format {
        Format::ArrowFile => {
            stream_inside(opened.bytes).map_err(|error| cannot_begin(path, error.into()))?
        }
        _ => opened.bytes,
    };
    let begun = guarded(|| StreamReader::try_new(Watched::new(bytes), None));
    let reader = begun
        .map_err(|panic| Error::damaged(path, panic))?
        .map_err(|error| cannot_begin(path, error))?;
    let columns = Columns::choose(&reader.schema(), &opened.columns).map_err(unfit(path))?;
    let reader = Box::new(reader);
    Ok((columns, Batches::Arrow { reader, format }))
}

/// The bytes of an Arrow file from its stream on: without the magic and the zeros behind it.
fn stream_inside(mut file: Bytes) -> io::Result<Bytes> {
    let mut part = [0; PART_BYTES];
    file.read_exact(&mut part)?;
    for _ in 0..MAX_FILE_HEAD_BYTES / PART_BYTES {
        file.read_exact(&mut part)?;
        if part != [0; PART_BYTES] {
            break;
        }
    }
    Ok(Box::new(Cursor::new(part).chain(file)))
}

/// Runs a decoder; on damaged bytes those of Arrow and Parquet may panic.
fn guarded<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    let outcome = catch_unwind(AssertUnwindSafe(decode));
    outcome.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or(panic.downcast_ref::<&str>().copied());
        format!(
            "it cannot be decoded: {}",
            said.unwrap_or("no reason given")
        )
    })
}

/// Begins a Parquet file.
fn parquet(opened: &Opened) -> Result<(Columns, Batches)> {
    let path = &opened.path;
    let Some(total_bytes) = opened.total_bytes.filter(|_| !opened.compressed) else {
        let reason = "Parquet is read from its end: name a file that is not compressed as a whole";
        return Err(unfit(path)(reason.to_owned()));
    };
    let file = File::open(path).map_err(Error::read(path))?;
    let damaged = |error| Error::damaged(path, format!("not a whole Parquet file: {error}"));
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))
        .map_err(|panic| Error::damaged(path, panic))?
        .map_err(damaged)?;
    let columns = Columns::choose(builder.schema(), &opened.columns).map_err(unfit(path))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns.indices());
    let metadata = builder.metadata().clone();
    if let Some(reason) = undecoded(&metadata, &mask) {
        return Err(unfit(path)(reason));
    }
    let reader = builder
        .with_projection(mask)
        .with_batch_size(PARQUET_BATCH_ROWS)
        .build()
        .map_err(damaged)?;
    // The places of the columns among those that are left.
    let columns = Columns::choose(&reader.schema(), &opened.columns).map_err(unfit(path))?;
    let progress = Progress {
        read_bytes: opened.read_bytes.clone(),
        total_bytes,
        n_rows: u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0),
    };
    Ok((columns, Batches::Parquet { reader, progress }))
}

/// Why no batch follows, though one should.
enum End {
    Cut,
    Failed(io::Error),
    Unreadable(String),
}

impl End {
    fn reason(self, compressed: bool) -> Reason {
        match self {
            End::Cut => Reason::Cut,
            End::Failed(error) => Reason::from_read(&error, compressed),
            End::Unreadable(message) => Reason::ReadFailed { message },
        }
    }
}

impl Batches {
    /// The next batch, when `n_read` rows were read.
    fn next(&mut self, n_read: u64) -> Result<Option<RecordBatch>, End> {
        let unreadable = |error: ArrowError| End::Unreadable(error.to_string());
        match self {
            Batches::Arrow { reader, format } => {
                match guarded(|| reader.next()).map_err(End::Unreadable)? {
                    Some(Ok(batch)) => Ok(Some(batch)),
                    Some(Err(error)) => {
                        let blamed = reader.get_mut().blamed();
                        Err(blamed.unwrap_or_else(|| unreadable(error)))
                    }
                    None => reader.get_mut().ended(*format).map(|()| None),
                }
            }
            Batches::Parquet { reader, progress } => {
                progress.note(n_read);
                let next = guarded(|| reader.next()).map_err(End::Unreadable)?;
                next.transpose().map_err(unreadable)
            }
        }
    }
}

impl Progress {
    fn note(&self, n_read: u64) {
        let share = n_read as f64 / self.n_rows.max(1) as f64;
        let bytes = (share * self.total_bytes as f64) as u64;
        self.read_bytes.store(bytes, Ordering::Relaxed);
    }
}

/// The bytes of an Arrow stream, and how they ended: the reader itself takes a failure between two
/// batches for the end.
struct Watched {
    input: BufReader<Bytes>,
    n_bytes: u64,
    is_over: bool,
    failed: Option<io::Error>,
}

impl Watched {
    fn new(input: Bytes) -> Watched {
        Watched {
            input: BufReader::new(input),
            n_bytes: 0,
            is_over: false,
            failed: None,
        }
    }

    /// What of the bytes made reading a batch fail, if they did.
    fn blamed(&mut self) -> Option<End> {
        match self.failed.take() {
            Some(error) => Some(End::Failed(error)),
            None => self.is_over.then_some(End::Cut),
        }
    }

    /// Whether the bytes end as well, now that no batch follows. A stream may end without its end
    /// mark, an Arrow file may not; behind the mark, a file has its index.
    fn ended(&mut self, format: Format) -> Result<(), End> {
        let is_file = format == Format::ArrowFile;
        if let Some(error) = self.failed.take() {
            return Err(End::Failed(error));
        }
        if self.is_over {
            let is_whole = !is_file && self.n_bytes.is_multiple_of(PART_BYTES as u64);
            return if is_whole { Ok(()) } else { Err(End::Cut) };
        }
        let n_more = io::copy(&mut self.input, &mut io::sink()).map_err(End::Failed)?;
        if n_more == 0 || is_file {
            return Ok(());
        }
        let what = format!("{n_more} bytes follow the end of the Arrow stream");
        Err(End::Unreadable(what))
    }
}

impl Read for Watched {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buf) {
            Ok(n) => {
                self.n_bytes += n as u64;
                self.is_over |= n == 0 && !buf.is_empty();
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(io::Error::new(error.kind(), error.to_string()));
                Err(error)
            }
        }
    }
}

/// Why a stream has no schema.
fn cannot_begin(path: &Path, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Error::read(path)(error)
        }
        other => Error::damaged(path, format!("no Arrow schema at its start: {other}")),
    }
}

fn unfit(path: &Path) -> impl FnOnce(String) -> Error {
    let path = path.to_owned();
    move |reason| Error::Columns { path, reason }
}

/// The first column that is read and compressed in a way that is not decoded here, in words.
fn undecoded(metadata: &ParquetMetaData, mask: &ProjectionMask) -> Option<String> {
    let groups = metadata.row_groups().iter();
    let chunks = groups.flat_map(|group| group.columns().iter().enumerate());
    let mut read = chunks.filter(|(leaf_idx, _)| mask.leaf_included(*leaf_idx));
    let (_, chunk) = read.find(|(_, chunk)| !is_decoded(chunk.compression()))?;
    let (column, how) = (chunk.column_path().string(), chunk.compression());
    Some(format!("the column `{column}` is compressed with {how}"))
}

fn is_decoded(compression: Compression) -> bool {
    matches!(
        compression,
        Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::GZIP(_)
            | Compression::LZ4
            | Compression::LZ4_RAW
            | Compression::ZSTD(_)
    )
}
