//! Dump files to papers: the only place that knows file formats.
//!
//! In: a [`Source`]. Out: a [`Dump`], an iterator that gives an [`Item`] for every record, most
//! often a paper, or a [`Rejected`] that says where it stands and what is wrong.
//!
//! | format | reader |
//! |---|---|
//! | arXiv metadata snapshot, reduced or whole | `arxiv_snapshot.rs` |
//! | daily arXiv lists | `arxiv_daily.rs` |
//! | Hugging Face Daily Papers, from the API or scraped | `hf_daily.rs` |
//! | saved text of a Hugging Face papers page | `hf_page.rs` |
//! | BEIR corpus | `beir.rs` |
//! | OpenAlex works; Semantic Scholar papers, abstracts, API answers, S2ORC | `openalex.rs`, `semantic_scholar.rs` |
//! | CSL-JSON, Crossref works; Europe PMC results | `csl_json.rs`, `europe_pmc.rs` |
//! | any other JSON records with a title, or with an id and a text | `json_record.rs` |
//! | arXiv OAI-PMH and API, PubMed, ACL Anthology | `xml/` |
//! | BibTeX, RIS, MEDLINE, EndNote, Web of Science, arXiv `.abs` | `tagged/` |
//! | CSV and TSV, CORD-19 among them | `delimited.rs` |
//! | Arrow streams, Arrow files, Parquet: rows with the fields of such records | `table.rs`, `cells.rs` |
//!
//! `source.rs` (with `archive.rs`, `expansion.rs` and `utf16.rs`) opens and decompresses, `line_ends.rs`
//! brings line ends to one form, `sniff.rs` and `sniff_json.rs` tell the format, a `Frame` cuts the bytes into records (`lines.rs`,
//! `values.rs`, those of `xml/` and `tagged/`), `quoting.rs` and `columns.rs` tell rows and columns;
//! `json.rs` mends what is nearly JSON; `clean.rs` (with `clean/`, `tex.rs`, `tex_commands.rs`, `entities.rs`,
//! `markup.rs` and `heads.rs`), `names.rs`, `dates.rs`, `withdrawn.rs` and `arxiv_number.rs` put in order what
//! the records hold; `collection.rs` tells whose ids they are.
//!
//! Invariants: every record gives exactly one item, and what of a kept record is left out is noted
//! with it (`ignored.rs`); a dump that gives no record says why ([`Dump::nothing_read`]); memory does not grow with the dump (one
//! record of at most [`MAX_LINE_BYTES`] is held, or one batch of rows as its writer made it, and
//! the decoder's window); nothing in a dump's
//! content is an [`Error`] once it is open.

mod ahead;
mod archive;
mod arxiv_daily;
mod arxiv_number;
mod arxiv_snapshot;
mod beir;
#[cfg(feature = "arrow")]
mod cells;
mod clean;
mod collection;
mod columns;
mod csl_json;
mod dates;
mod delimited;
mod draft;
mod emptiness;
mod entities;
mod europe_pmc;
mod expansion;
mod field;
mod heads;
mod hf_daily;
mod hf_page;
mod ignored;
mod json;
mod json_fields;
mod json_ids;
mod json_record;
mod line_ends;
mod lines;
mod literal;
mod markup;
mod names;
mod openalex;
mod prose;
mod quoting;
mod record;
mod reject;
mod semantic_scholar;
mod sniff;
mod sniff_json;
mod source;
#[cfg(feature = "arrow")]
mod table;
#[cfg(not(feature = "arrow"))]
#[path = "no_table.rs"]
mod table;
mod tagged;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_accounts;
#[cfg(test)]
mod tests_delimited;
#[cfg(test)]
mod tests_faults;
#[cfg(test)]
mod tests_fields;
#[cfg(test)]
mod tests_fuzz;
#[cfg(test)]
mod tests_linear;
#[cfg(test)]
mod tests_names;
#[cfg(test)]
mod tests_random;
#[cfg(test)]
mod tests_source;
#[cfg(all(test, feature = "arrow"))]
mod tests_table;
#[cfg(test)]
mod tests_text;
mod tex;
mod tex_commands;
mod utf16;
mod values;
mod whole_number;
mod withdrawn;
mod xml;

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use delimited::CellReader;
use emptiness::Start;
use hf_page::PageReader;
use lines::{Framed, LineReader};
use record::{DumpContext, ReadRecord, RecordError};
use sniff::{Framing, Sniffed};
use source::{Bytes, Compression, Counted, Peeked, SourceBytes};
use table::TableReader;
use values::ValueReader;

pub use archive::MemberPlace;
pub use draft::Manuscript;
pub use ignored::{Ignored, Part};
pub use record::{Item, Record};
pub use reject::shorten;
pub use reject::{Rejected, Rejection, Unit};
pub use sniff::{Format, KNOWN_FORMATS};
pub use source::Source;

use akin_base::error::{Error, Result};
use akin_base::paper::Collection;

/// The longest record that is read, in bytes; longer ones are skipped and rejected.
pub const MAX_LINE_BYTES: usize = 8 << 20;

/// How much of a dump is looked at to tell its format, after decompression: at first, and where that
/// does not tell it.
const SNIFFED_BYTES: [usize; 2] = [64 << 10, 1 << 20];

/// A beginning that ends in a longer line may be cut before what tells the format.
const LONG_LINE_BYTES: usize = 32 << 10;

/// How dumps are read where their content does not say it.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format; told from the content where it is `None`.
    pub format: Option<Format>,
    /// Which columns of CSV, TSV, Arrow or Parquet hold what: pairs of a field of a paper (`title`,
    /// `abstract`, `id`, `authors`, `date`, …) and the column's name.
    pub columns: Vec<(String, String)>,
    /// The year of a day that stands in a dump without one (`Aug 6`); such a day is none where `None`.
    pub year: Option<i16>,
    /// What the collection is called that the records belong to; the dump's name, or its feed's, where
    /// `None`.
    pub collection: Option<String>,
}

/// A dump that is being read.
///
/// It can be sent to a reader thread. After a [`Rejected`] reading goes on with the next record,
/// unless its reason [ends the dump](Rejection::ends_the_dump).
pub struct Dump {
    format: Format,
    collection: Collection,
    records: Records,
    context: DumpContext,
    compressed: bool,
    buffer: Vec<u8>,
    read_bytes: Arc<AtomicU64>,
    total_bytes: Option<u64>,
    n_items: u64,
    n_papers: u64,
    start: Start,
}

/// A dump whose format is known, before its records are read.
struct OpenDump {
    path: PathBuf,
    format: Format,
    bytes: Bytes,
    context: DumpContext,
    /// As in [`ReadOptions::columns`].
    columns: Vec<(String, String)>,
    /// Whether `bytes` come out of a decoder.
    compressed: bool,
    /// Counts what is read of the dump as it lies there.
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
    read_bytes: Arc<AtomicU64>,
    /// The size of a plain file.
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
    total_bytes: Option<u64>,
}

/// The records of a dump.
enum Records {
    /// Bytes that [`read_record`] makes an item of.
    Framed(Box<dyn Frame>),
    /// Items as they are.
    Items(Box<dyn ReadItems>),
}

/// Cuts a stream of bytes into records.
trait Frame: Send {
    /// Reads the next record into `buffer`.
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed;

    /// Where the last record stands, or what failed.
    fn place(&self) -> (u64, Unit);

    /// Notes what stands around the last record.
    fn set_context(&self, _: &mut DumpContext) {}

    /// Whether the dump ends with the last record, and may have gone on.
    fn may_be_cut(&self) -> bool {
        false
    }
}

/// Reads records whose bytes do not stand together.
trait ReadItems: Send {
    /// The next item, or what cannot be one.
    fn next_item(&mut self) -> Option<Result<Item, Rejected>>;

    /// Where the last item stands.
    fn place(&self) -> (u64, Unit);

    /// The day of the list as it stands in the dump, if its year is not known.
    fn day_without_year(&self) -> Option<&str> {
        None
    }
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
    pub fn open(source: &Source, options: &ReadOptions) -> Result<Dump> {
        let read_bytes = Arc::new(AtomicU64::new(0));
        let input = source.open(read_bytes.clone())?;
        let read = Dump::read(source.name(), input, read_bytes, options);
        let mut dump = read.map_err(|error| source.explained(error))?;
        let path = source.collection_path();
        dump.collection = collection::of(dump.format, &path, options.collection.as_deref());
        Ok(dump)
    }

    /// Reads a dump from anything; `name` stands for it in messages and may hold a day.
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

    /// Reads from `input`, which counts its bytes in `read_bytes` as they lie there.
    fn read(
        path: PathBuf,
        input: SourceBytes,
        read_bytes: Arc<AtomicU64>,
        options: &ReadOptions,
    ) -> Result<Dump> {
        let total_bytes = input.total_bytes;
        let (bytes, compression) = source::decompressed(input.bytes).map_err(Error::read(&path))?;
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
            is_untitled: format.is_json() && sniff_json::is_untitled(&peeked.start),
        };
        let start = Start::of(&path, format, &mut peeked, options);
        let compressed = input.is_member || compression != Compression::Plain;
        let collection = collection::of(format, &path, options.collection.as_deref());
        let opened = Records::new(
            framing,
            OpenDump {
                path,
                format,
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

    /// Why a dump that was read to its end gave nothing: [`Error::NoRecords`]. `None` where it gave
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
            reason: match fault.reason.is_unfinished() && may_be_cut {
                true => Rejection::Cut,
                false => fault.reason,
            },
            excerpt: reject::excerpt(&self.buffer),
        }))
    }

    /// Where the last record stands.
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

    /// The day of the list as it stands in the dump (`Aug 6`), if no year is known for it: the papers
    /// then stand in no list.
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
    fn new(framing: Framing, opened: OpenDump) -> Result<Records> {
        let format = opened.format;
        Ok(match framing {
            Framing::Lines => Records::Framed(Box::new(LineReader::new(opened.bytes))),
            Framing::Values { wrapper } => {
                Records::Framed(Box::new(ValueReader::new(opened.bytes, wrapper)))
            }
            Framing::Map => Records::Framed(Box::new(ValueReader::of_maps(opened.bytes))),
            Framing::Elements => Records::Framed(Box::new(xml::elements(format, opened.bytes))),
            Framing::Blocks => {
                let lines = line_ends::with_line_feeds(opened.bytes);
                Records::Framed(tagged::frame(format, lines))
            }
            Framing::Page => {
                let page = PageReader::new(opened.bytes, opened.context, opened.compressed);
                Records::Items(Box::new(page))
            }
            Framing::Cells => Records::Items(Box::new(CellReader::open(opened)?)),
            Framing::Table => Records::Items(Box::new(TableReader::open(opened)?)),
        })
    }
}

/// The beginning of a dump, as much as tells its format, and what it tells.
fn beginning(mut bytes: Bytes, options: &ReadOptions) -> io::Result<(Peeked, Sniffed)> {
    let [first, most] = SNIFFED_BYTES;
    let mut limit = first;
    loop {
        let peeked = source::peek(bytes, limit).and_then(line_ends::unified)?;
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

/// The reader of a framed format.
fn reader(format: Format) -> ReadRecord {
    match format {
        Format::ArxivSnapshot => arxiv_snapshot::read,
        Format::ArxivDaily => arxiv_daily::read,
        Format::HfDailyApi => hf_daily::read_api,
        Format::HfDailyScrape => hf_daily::read_scrape,
        Format::Beir => beir::read,
        Format::OpenAlex => openalex::read,
        Format::SemanticScholar => semantic_scholar::read,
        Format::Crossref | Format::CslJson => csl_json::read,
        Format::EuropePmc => europe_pmc::read,
        Format::ArxivOai => xml::arxiv_oai::read,
        Format::ArxivAtom => xml::arxiv_atom::read,
        Format::PubmedXml => xml::pubmed::read,
        Format::AclAnthology => xml::acl::read,
        Format::ArxivAbs => tagged::arxiv_abs::read,
        Format::Bibtex => tagged::bibtex::read,
        Format::Ris => tagged::ris::read,
        Format::Medline => tagged::medline::read,
        Format::EndNote => tagged::endnote::read,
        Format::WebOfScience => tagged::web_of_science::read,
        // Those that are not framed are read by their own readers.
        Format::JsonRecords
        | Format::HfPage
        | Format::Delimited
        | Format::Cord19
        | Format::ArrowStream
        | Format::ArrowFile
        | Format::Parquet => json_record::read,
    }
}

/// Reads one record from its bytes.
fn read_record(format: Format, bytes: &[u8], context: &DumpContext) -> Result<Item, RecordError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Exports of reference managers are often in the encoding of the machine they come from.
        Err(_) if format.is_tagged() => encoding_rs::WINDOWS_1252.decode(bytes).0,
        Err(error) => {
            let text = format.is_json().then(|| json::without_surrogates(bytes));
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
        return reader(format)(text, context);
    }
    match read_json(format, text, context) {
        Err(RecordError {
            reason: Rejection::NotJson { .. },
            ..
        }) if let Some(mended) = json::mended(text) => read_json(format, &mended, context),
        outcome => outcome,
    }
}

fn read_json(format: Format, text: &str, context: &DumpContext) -> Result<Item, RecordError> {
    if !text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        let found = kind_of(text);
        return Err(Rejection::NotAnObject { found }.into());
    }
    reader(format)(text, context)
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
