//! Dump files to papers: the only place that knows file formats.
//!
//! In: a [`Source`]. Out: a [`Dump`], an iterator that gives a [`Paper`] for every record, or a
//! [`Rejected`] that says where it stands and what is wrong.
//!
//! | format | reader |
//! |---|---|
//! | arXiv metadata snapshot, reduced or whole | `arxiv_snapshot.rs` |
//! | daily arXiv lists | `arxiv_daily.rs` |
//! | Hugging Face Daily Papers, from the API or scraped | `hf_daily.rs` |
//! | saved text of a Hugging Face papers page | `hf_page.rs` |
//! | BEIR corpus | `beir.rs` |
//! | any other JSON records with a title, or with an id and a text | `json_record.rs` |
//! | Arrow streams, Arrow files, Parquet: rows with the fields of such records | `table.rs`, `cells.rs` |
//!
//! `source.rs` opens and decompresses, `sniff.rs` tells the format, `lines.rs` and `values.rs`
//! frame the records; `clean.rs` (with `tex.rs` and `entities.rs`), `names.rs`, `dates.rs` and
//! `arxiv_number.rs` put in order what the records hold.
//!
//! Invariants: every record gives exactly one item; memory does not grow with the dump (one
//! record of at most [`MAX_LINE_BYTES`] is held, or one batch of rows as its writer made it, and
//! the decoder's window); nothing in a dump's
//! content is an [`Error`] once it is open.

mod arxiv_daily;
mod arxiv_number;
mod arxiv_snapshot;
mod beir;
#[cfg(feature = "arrow")]
mod cells;
mod clean;
mod dates;
mod entities;
mod field;
mod hf_daily;
mod hf_page;
mod json_record;
mod lines;
mod names;
mod record;
mod reject;
mod sniff;
mod source;
#[cfg(feature = "arrow")]
mod table;
#[cfg(not(feature = "arrow"))]
#[path = "no_table.rs"]
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_faults;
#[cfg(test)]
mod tests_random;
#[cfg(all(test, feature = "arrow"))]
mod tests_table;
mod tex;
mod values;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hf_page::PageReader;
use lines::{Chunk, LineReader};
use record::{Context, Fault, ReadRecord};
use sniff::Framing;
use source::{Bytes, Compression};
use table::TableReader;
use values::ValueReader;

pub use record::Record;
pub use reject::{Reason, Rejected, Unit};
pub use sniff::Format;
pub use source::Source;

use crate::error::{Error, Result};
use crate::paper::Paper;

/// The longest record that is read, in bytes; longer ones are skipped and rejected.
pub const MAX_LINE_BYTES: usize = 8 << 20;

/// How much of a dump is looked at to tell its format, after decompression.
const SNIFFED_BYTES: usize = 64 << 10;

/// A dump that is being read.
///
/// It can be sent to a reader thread. After a [`Rejected`] reading goes on with the next record,
/// unless its reason [ends the dump](Reason::ends_the_dump).
pub struct Dump {
    format: Format,
    records: Records,
    context: Context,
    compressed: bool,
    buffer: Vec<u8>,
    read_bytes: Arc<AtomicU64>,
    total_bytes: Option<u64>,
}

/// A dump whose format is known, before its records are read.
struct Opened {
    path: PathBuf,
    format: Format,
    bytes: Bytes,
    context: Context,
    /// Whether `bytes` come out of a decoder.
    compressed: bool,
    /// Counts what is read of the dump as it lies there.
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
    read_bytes: Arc<AtomicU64>,
    /// The size of a plain file.
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
    total_bytes: Option<u64>,
}

/// The records of a dump, by their framing.
enum Records {
    Lines(LineReader),
    Values(ValueReader),
    Page(Box<PageReader>),
    Table(Box<TableReader>),
}

impl Dump {
    /// Opens a dump and tells its format from its content.
    ///
    /// A day `YYYY-MM-DD` in the file's name is the day of the list for formats that are lists
    /// and do not say it themselves.
    ///
    /// # Errors
    /// [`Error::Read`] if it cannot be read, [`Error::IsFolder`] if it is a folder,
    /// [`Error::UnknownFormat`] if it is empty or no dump; of a table, [`Error::Columns`] if it
    /// lacks a column, [`Error::Damaged`] if its schema cannot be read, and [`Error::NotBuilt`] in
    /// a build that reads none.
    pub fn open(source: &Source) -> Result<Dump> {
        let (bytes, total_bytes) = source.open()?;
        Dump::read(source.name(), bytes, total_bytes)
    }

    /// Reads a dump from anything; `name` stands for it in messages and may hold a day.
    ///
    /// # Errors
    /// As [`Dump::open`]. A Parquet file is refused: it cannot be read from front to end.
    pub fn from_reader(name: impl Into<PathBuf>, bytes: Box<dyn Read + Send>) -> Result<Dump> {
        Dump::read(name.into(), bytes, None)
    }

    /// Reads from `bytes`, which are those of the plain file `path` if their number is known.
    fn read(path: PathBuf, bytes: Bytes, total_bytes: Option<u64>) -> Result<Dump> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let (bytes, compression) =
            source::decompressed(bytes, read_bytes.clone()).map_err(Error::read(&path))?;
        let peeked = source::peek(bytes, SNIFFED_BYTES).map_err(Error::read(&path))?;
        let sniffed = sniff::sniff(&peeked.start, peeked.complete);
        let context = Context {
            listed: listed(&path),
        };
        let (format, framing) = sniffed.map_err(|reason| Error::UnknownFormat {
            path: path.clone(),
            reason,
        })?;
        let compressed = compression != Compression::Plain;
        let records = Records::new(
            framing,
            Opened {
                path,
                format,
                bytes: peeked.whole,
                context,
                compressed,
                read_bytes: read_bytes.clone(),
                total_bytes,
            },
        )?;
        Ok(Dump {
            format,
            records,
            context,
            compressed,
            buffer: Vec::new(),
            read_bytes,
            total_bytes,
        })
    }

    /// Reads the next record: the next paper, with its id as the dump spells it.
    pub fn next_record(&mut self) -> Option<Result<Record, Rejected>> {
        let chunk = match &mut self.records {
            Records::Page(page) => {
                return Some(page.next_paper()?.map(|paper| Record::new(paper, None)));
            }
            Records::Table(table) => return table.next_record(),
            Records::Lines(lines) => lines.next_line(&mut self.buffer),
            Records::Values(values) => values.next_value(&mut self.buffer),
        };
        if let Records::Values(values) = &self.records {
            self.context.listed = values.date().or(self.context.listed);
        }
        let outcome = match chunk {
            Chunk::End => return None,
            Chunk::Record => read_record(self.reader(), &self.buffer, &self.context),
            Chunk::Bad(reason) => Err(reason.into()),
            Chunk::Unfinished => Err(Reason::Cut.into()),
            Chunk::Failed(error) => Err(Reason::from_read(&error, self.compressed).into()),
        };
        Some(outcome.map_err(|fault| self.rejected(fault)))
    }

    /// The format that was recognised.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes read so far, before decompression: for a progress bar against
    /// [`total_bytes`](Dump::total_bytes).
    pub fn bytes_read(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Size of the file, before decompression; `None` for pipes.
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    fn reader(&self) -> ReadRecord {
        match self.format {
            Format::ArxivSnapshot => arxiv_snapshot::read,
            Format::ArxivDaily => arxiv_daily::read,
            Format::HfDailyApi => hf_daily::read_api,
            Format::HfDailyScrape => hf_daily::read_scrape,
            Format::Beir => beir::read,
            Format::JsonRecords | Format::HfPage => json_record::read,
            Format::ArrowStream | Format::ArrowFile | Format::Parquet => json_record::read,
        }
    }

    fn rejected(&self, fault: Fault) -> Rejected {
        let (line, unit) = self.records.place();
        let excerpt = reject::excerpt(&self.buffer);
        Rejected {
            line,
            unit,
            id: fault.id,
            reason: fault.reason,
            excerpt,
        }
    }
}

impl Iterator for Dump {
    type Item = Result<Paper, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_record()?.map(|record| record.paper))
    }
}

impl Records {
    fn new(framing: Framing, opened: Opened) -> Result<Records> {
        let (bytes, context) = (opened.bytes, opened.context);
        Ok(match framing {
            Framing::Lines => Records::Lines(LineReader::new(bytes)),
            Framing::Values { wrapper } => Records::Values(ValueReader::new(bytes, wrapper)),
            Framing::Page => {
                let page = PageReader::new(bytes, context, opened.compressed);
                Records::Page(Box::new(page))
            }
            Framing::Table => {
                let table = TableReader::open(Opened { bytes, ..opened })?;
                Records::Table(Box::new(table))
            }
        })
    }

    /// Where the last record stands.
    fn place(&self) -> (u64, Unit) {
        match self {
            Records::Lines(lines) => (lines.line(), Unit::Line),
            Records::Values(values) => (values.record(), Unit::Record),
            Records::Page(_) => (0, Unit::Line),
            Records::Table(_) => (0, Unit::Row),
        }
    }
}

/// Reads one record from its bytes.
fn read_record(read: ReadRecord, bytes: &[u8], context: &Context) -> Result<Record, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| Reason::NotUtf8 {
        byte: error.valid_up_to(),
    })?;
    let text = text.trim();
    if !text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return Err(Reason::NotAnObject {
            found: kind_of(text),
        }
        .into());
    }
    read(text, context)
}

/// What a JSON value is, told from its first byte.
fn kind_of(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The day in a file's name.
fn listed(path: &Path) -> Option<jiff::civil::Date> {
    dates::day_in(&path.file_name()?.to_string_lossy())
}
