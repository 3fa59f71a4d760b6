//! One dump, from its first bytes to its last item.
//!
//! In: bytes. Out: the format that they are of, then one item a record.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use akin_base::error::{Error, Result};
use akin_base::paper::Collection;

use crate::emptiness::Start;
use crate::format::{FormatReader, Framing};
use crate::frame::{Frame, Framed, OpenDump, ReadItems};
use crate::json::mend;
use crate::json::renamed::{self, renamed_start};
use crate::json::sniff::is_untitled;
use crate::json::values::ValueReader;
use crate::lines::LineReader;
use crate::options::ReadOptions;
use crate::record::{DumpContext, Item, ReadRecord, RecordError};
use crate::registry::Format;
use crate::reject::{Rejected, Rejection, Unit, excerpt};
use crate::sniff::{self, Sniffed};
use crate::source::bytes::{Bytes, Counted, Peeked, peek};
use crate::source::decode::{self, Compression};
use crate::source::{Source, SourceBytes, line_ends};
use crate::text::dates;
use crate::{collection, xml};

/// Bytes of a dump that are examined to recognise its format, after decompression: at first, and if
/// those are not enough.
const SNIFFED_BYTES: [usize; 2] = [64 << 10, 1 << 20];

/// A beginning that ends in a longer line may be cut before the text that shows the format.
const LONG_LINE_BYTES: usize = 32 << 10;

/// A dump that is being read.
///
/// It can be sent to a reader thread. After a [`Rejected`] reading goes on with the next record,
/// unless its reason [ends the dump](Rejection::ends_the_dump).
pub struct Dump {
    format: Format,
    collection: Collection,
    records: Records,
    pub(crate) context: DumpContext,
    compressed: bool,
    buffer: Vec<u8>,
    read_bytes: Arc<AtomicU64>,
    total_bytes: Option<u64>,
    n_items: u64,
    n_papers: u64,
    start: Start,
}

/// The records of a dump.
enum Records {
    /// Bytes that [`read_record`] makes an item of.
    Framed(Box<dyn Frame>),
    /// Items as they are.
    Items(Box<dyn ReadItems>),
}

impl Dump {
    /// Opens a dump and tells its format from its content.
    ///
    /// A day `YYYY-MM-DD` in the file's name is the day of the list for formats that are lists
    /// and do not say it themselves.
    ///
    /// # Errors
    /// [`Error::Read`] if it cannot be read, [`Error::IsFolder`] if it is a folder,
    /// [`Error::UnknownFormat`] if it is empty or not a dump. For a table: [`Error::Columns`] if it
    /// lacks a column, [`Error::Damaged`] if its schema cannot be read, [`Error::NotBuilt`] in a
    /// build that reads no tables.
    pub fn open(source: &Source, options: &ReadOptions) -> Result<Dump> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let input = source.open(read_bytes.clone())?;
        let read = Dump::read(source.name(), input, read_bytes, options);
        let mut dump = read.map_err(|error| source.explained(error))?;
        let path = source.collection_path();
        dump.collection = collection::of(dump.format, &path, options.collection.as_deref());
        Ok(dump)
    }

    /// Reads a dump from anything; `name` is its name in messages and may hold a day.
    ///
    /// # Errors
    /// As [`Dump::open`]. A Parquet file is refused: it cannot be read from front to end.
    pub fn from_reader(
        name: impl Into<PathBuf>,
        bytes: Box<dyn Read + Send>,
        options: &ReadOptions,
    ) -> Result<Dump> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let input = SourceBytes {
            bytes: Box::new(Counted::new(bytes, read_bytes.clone())),
            total_bytes: None,
            is_member: false,
        };
        Dump::read(name.into(), input, read_bytes, options)
    }

    /// Reads from `input`, which counts its bytes in `read_bytes` as stored.
    fn read(
        path: PathBuf,
        input: SourceBytes,
        read_bytes: Arc<AtomicU64>,
        options: &ReadOptions,
    ) -> Result<Dump> {
        let total_bytes = input.total_bytes;
        let (bytes, compression) = decode::decompressed(input.bytes).map_err(Error::read(&path))?;
        let (mut peeked, sniffed) = beginning(bytes, options).map_err(Error::read(&path))?;
        if peeked.start.is_empty() {
            return Err(Error::EmptyDump { path });
        }
        let (format, framing) = sniffed.map_err(|reason| Error::UnknownFormat {
            path: path.clone(),
            reason,
        })?;
        let context = DumpContext {
            listed: listed(&path),
            year: options.year,
            around: String::new(),
            n_added: Arc::default(),
            is_untitled: format.is_json() && is_untitled_as_set(&peeked.start, options),
            renamed: options.columns.clone().into(),
        };
        let start = Start::new(&path, format, &mut peeked, options);
        let compressed = input.is_member || compression != Compression::Plain;
        let collection = collection::of(format, &path, options.collection.as_deref());
        let opened = Records::open(
            format,
            framing,
            OpenDump {
                path,
                bytes: peeked.whole,
                context: context.clone(),
                columns: options.columns.clone(),
                compressed,
                read_bytes: read_bytes.clone(),
                total_bytes,
            },
        );
        let records = opened.map_err(|error| start.explained(error))?;
        Ok(Dump {
            format,
            collection,
            records,
            context,
            compressed,
            buffer: Vec::new(),
            read_bytes,
            total_bytes,
            n_items: 0,
            n_papers: 0,
            start,
        })
    }

    /// Reads the next record. Ids that name no work of the world are those of the dump's
    /// [collection](Dump::collection).
    pub fn next_item(&mut self) -> Option<Result<Item, Rejected>> {
        let item = self.next_given_item()?;
        self.n_items += 1;
        self.n_papers += u64::from(item.is_ok());
        Some(item.map(|item| item.within(&self.collection.name)))
    }

    /// Why a dump that was read to its end gave nothing: [`Error::NoRecords`]. `None` if it gave
    /// something, or says itself that it is empty, as `[]` does.
    pub fn nothing_read(&self) -> Option<Error> {
        match self.n_papers {
            0 => self.start.nothing_read(self.n_items),
            _ => None,
        }
    }

    /// Reads the next record, whose ids are as they are given.
    fn next_given_item(&mut self) -> Option<Result<Item, Rejected>> {
        let frame = match &mut self.records {
            Records::Items(items) => return items.next_item(),
            Records::Framed(frame) => frame,
        };
        let chunk = frame.next_chunk(&mut self.buffer);
        frame.set_context(&mut self.context);
        let outcome = match chunk {
            Framed::End => return None,
            Framed::Record => read_record(self.format, &self.buffer, &self.context),
            Framed::Bad(reason) => Err(reason.into()),
            Framed::Unfinished => Err(Rejection::Cut.into()),
            Framed::Failed(error) => Err(Rejection::from_read(&error, self.compressed).into()),
        };
        let (line, unit) = frame.place();
        let may_be_cut = frame.may_be_cut();
        Some(outcome.map_err(|fault| Rejected {
            line,
            unit,
            id: fault.id,
            reason: if fault.reason.is_unfinished() && may_be_cut {
                Rejection::Cut
            } else {
                fault.reason
            },
            excerpt: excerpt(&self.buffer),
        }))
    }

    /// The place of the last record.
    pub fn place(&self) -> (u64, Unit) {
        match &self.records {
            Records::Framed(frame) => frame.place(),
            Records::Items(items) => items.place(),
        }
    }

    /// The collection that its records belong to.
    pub fn collection(&self) -> &Collection {
        &self.collection
    }

    /// The format that was recognised.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The day of the list as the dump writes it (`Aug 6`), if its year is unknown: then the papers
    /// belong to no list.
    pub fn day_without_year(&self) -> Option<&str> {
        match &self.records {
            Records::Items(items) => items.day_without_year(),
            Records::Framed(_) => None,
        }
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
}

impl Iterator for Dump {
    type Item = Result<Item, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_item()
    }
}

impl Records {
    fn open(format: Format, framing: Framing, opened: OpenDump) -> Result<Records> {
        let bytes = opened.bytes;
        let framed: Box<dyn Frame> = match (&format.spec().reader, framing) {
            (FormatReader::Items(spec), _) => {
                let opened = OpenDump { bytes, ..opened };
                return Ok(Records::Items((spec.open)(opened)?));
            }
            (FormatReader::Json(_), Framing::Values { wrapper }) => {
                Box::new(ValueReader::new(bytes, wrapper))
            }
            (FormatReader::Json(_), Framing::Map) => Box::new(ValueReader::of_maps(bytes)),
            (FormatReader::Json(_), _) => Box::new(LineReader::new(bytes)),
            (FormatReader::Xml(spec), _) => Box::new(xml::elements(spec.rules, bytes)),
            (FormatReader::Tagged(spec), _) => (spec.frame)(line_ends::with_line_feeds(bytes)),
        };
        Ok(Records::Framed(framed))
    }
}

/// The beginning of a dump, long enough to show its format, and the format.
fn beginning(mut bytes: Bytes, options: &ReadOptions) -> io::Result<(Peeked, Sniffed)> {
    let [first, most] = SNIFFED_BYTES;
    let mut limit = first;
    loop {
        let peeked = peek(bytes, limit).and_then(line_ends::unified)?;
        let start = &peeked.start;
        let ends_in_long_line = || {
            let tail = &start[start.len().saturating_sub(LONG_LINE_BYTES)..];
            !tail.contains(&b'\n')
        };
        let is_last = peeked.complete || limit == most;
        if is_last || !ends_in_long_line() {
            let sniffed = sniff::sniff(start, peeked.complete, options);
            if is_last || sniffed.is_ok() {
                return Ok((peeked, sniffed));
            }
        }
        (bytes, limit) = (peeked.whole, most);
    }
}

/// Whether no record of a dump of JSON that begins so has a title, or a field that was set to be one.
fn is_untitled_as_set(start: &[u8], options: &ReadOptions) -> bool {
    let renamed = renamed_start(start, &options.columns).ok().flatten();
    is_untitled(renamed.as_deref().unwrap_or(start))
}

/// Reads one record from its bytes.
fn read_record(format: Format, bytes: &[u8], context: &DumpContext) -> Result<Item, RecordError> {
    let read = match &format.spec().reader {
        // No other format of JSON has names that can be set.
        FormatReader::Json(_) if !context.renamed.is_empty() => renamed::read,
        FormatReader::Json(spec) => spec.read,
        FormatReader::Xml(spec) => spec.read,
        FormatReader::Tagged(spec) => spec.read,
        FormatReader::Items(_) => unreachable!("rows and pages have readers of their own"),
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Exports of reference managers are often in the encoding of the machine they come from.
        Err(_) if format.is_tagged() => encoding_rs::WINDOWS_1252.decode(bytes).0,
        Err(error) => {
            let text = format.is_json().then(|| mend::without_surrogates(bytes));
            let reason = match error.error_len() {
                None if format.is_json() => Rejection::cut_character(),
                _ => Rejection::NotUtf8 {
                    byte: error.valid_up_to(),
                },
            };
            Cow::Owned(text.flatten().ok_or(reason)?)
        }
    };
    let text = text.trim();
    if !format.is_json() {
        return read(text, context);
    }
    match read_json(read, text, context) {
        Err(RecordError {
            reason: Rejection::NotJson { .. },
            ..
        }) if let Some(mended) = mend::mended(text) => read_json(read, &mended, context),
        outcome => outcome,
    }
}

fn read_json(read: ReadRecord, text: &str, context: &DumpContext) -> Result<Item, RecordError> {
    if !text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        let found = kind_of(text);
        return Err(Rejection::NotAnObject { found }.into());
    }
    read(text, context)
}

/// The type of a JSON value, recognised from its first byte.
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
