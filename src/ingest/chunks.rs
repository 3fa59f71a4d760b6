//! Dumps, read ahead on a thread of their own, in chunks of one batch each ([`batch_records`]).
//!
//! In: sources. Out: [`Chunk`]s in the order of the dumps; the first of each is empty and says its
//! format. A dump that cannot be opened is reported in its chunk; the others continue. So is a file
//! in a folder or an archive that is not a dump. At most [`READ_AHEAD`] chunks are held.
//!
//! Invariants: a chunk ends at its number of records or with the record that fills it
//! ([`filling_bytes`]). So memory is bounded in bytes, however long records are and however often a
//! table repeats a text. For rejected or omitted values, only short ids and messages are kept.

use std::panic::resume_unwind;
use std::time::Duration;
use std::{fmt, thread};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use tracing::debug;

use crate::dump::{Dump, Format, Ignored, Item, ReadOptions, Rejected, Source, Unit, shorten};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::paper::Collection;
use crate::progress::Observer;

/// Records that are embedded and committed together on a CPU.
pub const BATCH_RECORDS: usize = 256;

/// The same on a GPU, which is faster and needs more at once.
const GPU_BATCH_RECORDS: usize = 4096;

/// Bytes a record, on average, that a batch has room for; papers have a tenth of it.
const BYTES_PER_RECORD: usize = 16 << 10;

/// Bytes of the texts of the largest batch, its last record aside.
const MAX_BATCH_BYTES: usize = 16 << 20;

/// Chunks that are read ahead.
const READ_AHEAD: usize = 2;

/// How often a stop request is checked while nothing arrives.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All was read.
    Whole,
    /// Something may be left.
    Early,
}

/// Records on their way from the reading thread.
pub(crate) struct Chunk {
    /// In the first chunk of a dump, its format.
    pub(crate) format: Option<Format>,
    /// The dump that it is a part of.
    pub(crate) name: String,
    /// Items with their places.
    pub(crate) items: Vec<(Item, (u64, Unit))>,
    pub(crate) rejected: Vec<(String, Rejected)>,
    /// What is left out of its papers.
    pub(crate) ignored: Vec<Omission>,
    pub(crate) failed: Vec<(String, Error)>,
    /// Files in a folder or an archive that are not dumps.
    pub(crate) skipped: Vec<(String, Error)>,
    /// The dump, and the day of its list that has no year.
    pub(crate) without_year: Vec<(String, String)>,
    /// The share of all dumps that has been read, 0 to 1, if their sizes are known.
    pub(crate) share_read: Option<f64>,
    /// Whose records they are, and the place of their dump among the dumps.
    pub(crate) collection: Option<(Collection, usize)>,
}

/// A value that was left out of a paper, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omission {
    /// The dump.
    pub dump: String,
    /// The record's place, and the unit of that number.
    pub place: (u64, Unit),
    /// The record's id as the dump spells it.
    pub id: String,
    /// What was left out.
    pub ignored: Ignored,
}

impl fmt::Display for Omission {
    /// `papers.csv, line 3 (id "x1"): date ignored: "Spring"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, unit) = self.place;
        let (dump, id, ignored) = (&self.dump, &self.id, &self.ignored);
        write!(f, "{dump}, {unit} {line} (id {id:?}): {ignored}")
    }
}

/// Number of records that are embedded and committed together.
pub(super) fn batch_records(encoder: &Encoder) -> usize {
    if encoder.is_on_gpu() {
        GPU_BATCH_RECORDS
    } else {
        BATCH_RECORDS
    }
}

/// Number of text bytes that fill a batch of this size: the record that reaches it is the last.
pub(super) fn filling_bytes(n_records: usize) -> usize {
    n_records
        .saturating_mul(BYTES_PER_RECORD)
        .min(MAX_BATCH_BYTES)
}

/// Reads dumps on a thread of their own and passes their chunks, of at most `n_records` each, to
/// `take` in order. It stops when the dumps are over, when `take` answers `false` or fails, or when
/// the observer requests a stop while no chunk is ready. Then the thread is left behind: it may be
/// waiting for a silent pipe, or reading an endless one.
pub(crate) fn read_beside(
    sources: &[Source],
    options: &ReadOptions,
    n_records: usize,
    observer: &dyn Observer,
    mut take: impl FnMut(Chunk) -> Result<bool>,
) -> Result<Ended> {
    read_and_wait(sources, options, n_records, observer, |chunk| {
        chunk.map_or(Ok(true), &mut take)
    })
}

/// The same; `take` gets `None` whenever no chunk has been ready for a while.
pub(super) fn read_and_wait(
    sources: &[Source],
    options: &ReadOptions,
    n_records: usize,
    observer: &dyn Observer,
    mut take: impl FnMut(Option<Chunk>) -> Result<bool>,
) -> Result<Ended> {
    let (to_taker, from_reader) = bounded(READ_AHEAD);
    let (sources, options) = (sources.to_vec(), options.clone());
    let reader = thread::spawn(move || read_all(&sources, &options, n_records, &to_taker));
    loop {
        let goes_on = match from_reader.recv_timeout(LOOK_EVERY) {
            Ok(chunk) => take(Some(chunk))?,
            Err(RecvTimeoutError::Timeout) => take(None)? && !observer.stop_requested(),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if !goes_on {
            return Ok(Ended::Early);
        }
    }
    reader.join().unwrap_or_else(|panic| resume_unwind(panic));
    Ok(Ended::Whole)
}

/// Estimates the total number of records, when `n_read` of them are the given share of the bytes.
pub(super) fn estimate(n_read: u64, share_read: Option<f64>) -> Option<u64> {
    let share = share_read.filter(|share| *share > 0.0)?;
    Some((n_read as f64 / share).round() as u64)
}

/// Reads every dump into chunks; ends early if the receiver is gone.
fn read_all(sources: &[Source], options: &ReadOptions, n_records: usize, to_run: &Sender<Chunk>) {
    let total_bytes: Option<u64> = sources.iter().map(size_bytes).sum();
    let mut bytes_before = 0;
    for (place, source) in sources.iter().enumerate() {
        let name = source.to_string();
        let mut dump = match Dump::open(source, options) {
            Ok(dump) => dump,
            Err(error) => {
                debug!(dump = name, %error, "a dump cannot be read");
                let is_none =
                    matches!(error, Error::UnknownFormat { .. } | Error::EmptyDump { .. });
                if to_run.send(Chunk::unread(source, error, is_none)).is_err() {
                    return;
                }
                continue;
            }
        };
        debug!(
            dump = name,
            format = dump.format().name(),
            collection = dump.collection().name,
            "opened a dump"
        );
        let mut opened = Chunk::opened(dump.format());
        let day = dump.day_without_year().map(str::to_owned);
        opened
            .without_year
            .extend(day.map(|day| (name.clone(), day)));
        if to_run.send(opened).is_err() {
            return;
        }
        loop {
            let mut chunk = Chunk::read(&mut dump, &name, n_records);
            if chunk.is_empty() {
                break;
            }
            chunk.collection = Some((dump.collection().clone(), place));
            let read_bytes = bytes_before + dump.bytes_read();
            chunk.share_read = total_bytes.map(|total| read_bytes as f64 / total.max(1) as f64);
            if to_run.send(chunk).is_err() {
                return;
            }
        }
        if let Some(error) = dump.nothing_read()
            && to_run.send(Chunk::unread(source, error, true)).is_err()
        {
            return;
        }
        bytes_before += size_bytes(source).unwrap_or(0);
    }
}

/// The size of a dump as stored, compressed or not.
fn size_bytes(source: &Source) -> Option<u64> {
    match source {
        Source::File(path) | Source::Found(path) => path.metadata().ok().map(|meta| meta.len()),
        Source::Member { .. } | Source::Stdin => None,
        Source::Memory { bytes, .. } => Some(bytes.len() as u64),
    }
}

impl Chunk {
    fn empty() -> Chunk {
        Chunk {
            format: None,
            name: String::new(),
            items: Vec::new(),
            rejected: Vec::new(),
            ignored: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            without_year: Vec::new(),
            share_read: None,
            collection: None,
        }
    }

    /// The chunk of a source that cannot be read; `is_none` says that it is not a dump.
    fn unread(source: &Source, error: Error, is_none: bool) -> Chunk {
        let unread = vec![(source.to_string(), error)];
        if is_none && source.need_not_be_a_dump() {
            Chunk {
                skipped: unread,
                ..Chunk::empty()
            }
        } else {
            Chunk {
                failed: unread,
                ..Chunk::empty()
            }
        }
    }

    fn opened(format: Format) -> Chunk {
        Chunk {
            format: Some(format),
            ..Chunk::empty()
        }
    }

    /// The next `n_records` records of a dump, or fewer if they are long.
    fn read(dump: &mut Dump, name: &str, n_records: usize) -> Chunk {
        let mut chunk = Chunk {
            name: name.to_owned(),
            ..Chunk::empty()
        };
        let (mut n_bytes, full) = (0, filling_bytes(n_records));
        while chunk.items.len() + chunk.rejected.len() < n_records && n_bytes < full {
            match dump.next_item() {
                Some(Ok(mut item)) => {
                    n_bytes += item.n_bytes();
                    chunk.note_ignored(&mut item, dump.place());
                    chunk.items.push((item, dump.place()));
                }
                Some(Err(mut rejected)) => {
                    rejected.shorten();
                    chunk.rejected.push((name.to_owned(), rejected));
                }
                None => break,
            }
        }
        chunk
    }

    /// Notes what was left out of a paper.
    fn note_ignored(&mut self, item: &mut Item, place: (u64, Unit)) {
        let Item::Paper(record) = item else { return };
        let ignored = std::mem::take(&mut record.ignored);
        if ignored.is_empty() {
            return;
        }
        let mut id = record.given_id.clone();
        shorten(&mut id);
        for ignored in ignored {
            self.ignored.push(Omission {
                dump: self.name.clone(),
                place,
                id: id.clone(),
                ignored,
            });
        }
    }

    /// Whether it brings neither items nor rejections.
    pub(super) fn has_no_record(&self) -> bool {
        self.items.is_empty() && self.rejected.is_empty()
    }

    /// Whether it brings nothing but a format.
    pub(super) fn is_empty(&self) -> bool {
        self.has_no_record() && self.failed.is_empty() && self.skipped.is_empty()
    }
}

/// Fails with the first thing in a chunk that is not a paper.
pub(super) fn refuse(chunk: &mut Chunk) -> Result<()> {
    if let Some((_, error)) = chunk.failed.pop() {
        return Err(error);
    }
    let Some((name, rejected)) = chunk.rejected.first() else {
        return Ok(());
    };
    Err(Error::Rejected {
        path: name.into(),
        what: describe(rejected),
    })
}

/// A rejected record by its place, its id and its fault.
fn describe(rejected: &Rejected) -> String {
    let Rejected {
        line, unit, reason, ..
    } = rejected;
    match &rejected.id {
        Some(id) => format!("{unit} {line} (id {id:?}): {reason}"),
        None => rejected.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunks of a dump: their numbers of records, and the most bytes that one has.
    fn chunks(bytes: Vec<u8>, n_records: usize) -> (Vec<usize>, usize) {
        let source = Source::Memory {
            name: "x".into(),
            bytes: bytes.into(),
        };
        let mut dump = Dump::open(&source, &ReadOptions::default()).expect("a dump");
        let (mut numbers, mut most) = (Vec::new(), 0);
        loop {
            let chunk = Chunk::read(&mut dump, "x", n_records);
            if chunk.is_empty() {
                return (numbers, most);
            }
            numbers.push(chunk.items.len() + chunk.rejected.len());
            most = most.max(chunk.items.iter().map(|(item, _)| item.n_bytes()).sum());
        }
    }

    fn lines(n: usize, title: &str) -> Vec<u8> {
        let line = |i| format!("{{\"id\":\"p{i}\",\"title\":\"{title}\"}}\n");
        (0..n).map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn a_chunk_ends_where_its_records_are_long() {
        let (numbers, _) = chunks(lines(600, "On dark matter"), BATCH_RECORDS);
        assert_eq!(numbers, [256, 256, 88]);
        let full = filling_bytes(BATCH_RECORDS);
        let (numbers, most) = chunks(lines(20, &"word ".repeat(full / 15)), BATCH_RECORDS);
        assert_eq!(numbers, [3, 3, 3, 3, 3, 3, 2]);
        assert!(most < 2 * full, "{most}");
        assert_eq!(filling_bytes(usize::MAX), MAX_BATCH_BYTES);
    }

    #[cfg(feature = "arrow")]
    #[test]
    fn a_text_that_many_rows_of_a_table_have_fills_chunks() {
        use std::sync::Arc;

        use arrow_array::{DictionaryArray, Int32Array, RecordBatch, StringArray};

        let title = "word ".repeat(1 << 20);
        let (n, keys) = (40, Int32Array::from(vec![0; 40]));
        let titles = Arc::new(StringArray::from(vec![title.as_str()]));
        let titles = DictionaryArray::try_new(keys, titles).expect("a dictionary");
        let ids: Vec<String> = (0..n).map(|i| format!("p{i}")).collect();
        let table = RecordBatch::try_from_iter([
            ("id", Arc::new(StringArray::from(ids)) as _),
            ("title", Arc::new(titles) as _),
        ])
        .expect("a table");
        let mut writer =
            arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &table.schema()).expect("memory");
        writer.write(&table).expect("memory");
        let (numbers, most) = chunks(writer.into_inner().expect("memory"), BATCH_RECORDS);
        assert_eq!(numbers, [1; 40]);
        assert!(most < 2 * title.len(), "{most}");
    }
}
