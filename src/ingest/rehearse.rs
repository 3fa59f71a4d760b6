//! A dry run: takes in dumps without embedding and without writing to the library.
//!
//! The counts are those of the real run, because the same pending papers are made. Papers from the
//! dumps are remembered by their ids and titles and spilled to a temporary file, so that later
//! records find them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::pending_batch::{KnownPapers, PendingBatch};
use super::{IngestOptions, IngestReport, Readings, chunks, pending_of};
use crate::dump::Source;
use crate::error::{Error, Result};
use crate::library::{Change, KnownPaper, Library, PaperKey, SourceRecord};
use crate::paper::{Authority, Paper, PaperId, TextHash, title_key};
use crate::progress::{Observer, Stage};

/// What the spill is called in messages.
const SPILL: &str = "a temporary file";

/// Bytes that are written to it at a time.
const SPILL_BUFFER_BYTES: usize = 256 << 10;

/// Takes in dumps, in their order, as [`run`](super::run) would into this library, or into a new
/// one; nothing is embedded and nothing is written.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop, [`Error::Database`]; of a strict run as
/// [`run`](super::run); [`Error::Write`] if there is no room for temporary files.
pub fn rehearse(
    library: Option<&Library>,
    sources: &[Source],
    options: &IngestOptions<'_>,
    observer: &dyn Observer,
) -> Result<IngestReport> {
    let mut overlay = Overlay::over(library)?;
    let mut report = IngestReport::default();
    let mut readings = Readings {
        may_claim: match library {
            Some(library) => library.lookup().has_unclaimed()?,
            None => false,
        },
        ..Readings::default()
    };
    observer.begin(Stage::Read, None);
    let ended = chunks::read_beside(
        sources,
        &options.read,
        chunks::BATCH_RECORDS,
        observer,
        |mut chunk| {
            if chunk.is_empty() {
                return Ok(true);
            }
            let share_read = chunk.share_read;
            let pending = pending_of(&overlay, &mut chunk, &mut readings, options, observer)?;
            let Some(pending) = pending else {
                return Ok(false);
            };
            observer.advance(pending.counts.n_read);
            report.unused.take_from(&mut chunk);
            let n_before = report.counts.n_read;
            overlay.take_in(pending, &mut report, options)?;
            observer.advance(report.counts.n_read - n_before);
            if let Some(total) = chunks::estimate(report.counts.n_read, share_read) {
                observer.estimate(total);
            }
            Ok(!observer.stop_requested())
        },
    )?;
    report.stopped = ended == chunks::Ended::Early;
    observer.end();
    Ok(report)
}

/// A library together with the changes from the dumps.
struct Overlay<'a> {
    library: Option<&'a Library>,
    keys: HashMap<PaperId, PaperKey>,
    titles: HashMap<i64, Vec<PaperKey>>,
    seen: HashSet<(PaperKey, TextHash)>,
    /// Papers of the library that are deleted or merged into others.
    gone: HashSet<PaperKey>,
    /// Places of the new and changed papers in the spill.
    spilled: HashMap<PaperKey, u64>,
    spill: RefCell<BufWriter<File>>,
    spilled_bytes: u64,
    /// The last of the spill.
    json: Vec<u8>,
    /// New papers have keys below zero, which no library has.
    last_key: i64,
}

/// One paper in the spill.
#[derive(Serialize, Deserialize)]
struct Spilled {
    paper: Paper,
    sources: Vec<SpilledSource>,
    is_restored: bool,
}

#[derive(Serialize, Deserialize)]
struct SpilledSource {
    collection: String,
    authority: Authority,
    paper: Paper,
}

impl<'a> Overlay<'a> {
    fn over(library: Option<&'a Library>) -> Result<Overlay<'a>> {
        let file = tempfile::tempfile().map_err(Error::write(Path::new(SPILL)))?;
        Ok(Overlay {
            library,
            keys: HashMap::new(),
            titles: HashMap::new(),
            seen: HashSet::new(),
            gone: HashSet::new(),
            spilled: HashMap::new(),
            spill: RefCell::new(BufWriter::with_capacity(SPILL_BUFFER_BYTES, file)),
            spilled_bytes: 0,
            json: Vec::new(),
            last_key: 0,
        })
    }

    fn take_in(
        &mut self,
        mut pending: PendingBatch,
        report: &mut IngestReport,
        options: &IngestOptions<'_>,
    ) -> Result<()> {
        report.counts = report.counts.plus(&pending.counts);
        options.tell(&pending.decisions);
        for key in std::mem::take(&mut pending.batch.removed) {
            self.forget(key);
        }
        for pending in pending.take() {
            report.counts = report.counts.plus(&pending.counts);
            options.tell(&pending.decisions);
            self.store(pending.change)?;
        }
        Ok(())
    }

    fn store(&mut self, change: Change) -> Result<()> {
        let key = change.key.unwrap_or_else(|| {
            self.last_key -= 1;
            PaperKey(self.last_key)
        });
        for absorbed in change.absorbed {
            self.forget(absorbed);
        }
        let paper = &change.paper;
        self.keys.insert(paper.id.clone(), key);
        for alias in &paper.aliases {
            self.keys.entry(alias.clone()).or_insert(key);
        }
        let namesakes = self.titles.entry(title_key(&paper.title)).or_default();
        if !namesakes.contains(&key) {
            namesakes.push(key);
        }
        self.seen
            .extend(change.record_hashes.iter().map(|hash| (key, *hash)));
        let source = |source: SourceRecord| SpilledSource {
            collection: source.collection,
            authority: source.authority,
            paper: source.paper,
        };
        let spilled = Spilled {
            paper: change.paper,
            sources: change.sources.into_iter().map(source).collect(),
            is_restored: change.is_restored,
        };
        self.json.clear();
        serde_json::to_writer(&mut self.json, &spilled).expect("a paper is plain data");
        self.spilled.insert(key, self.spilled_bytes);
        self.spilled_bytes += 8 + self.json.len() as u64;
        let spill = self.spill.get_mut();
        let length = (self.json.len() as u64).to_le_bytes();
        let written = spill
            .write_all(&length)
            .and_then(|()| spill.write_all(&self.json));
        written.map_err(Error::write(Path::new(SPILL)))
    }

    fn forget(&mut self, key: PaperKey) {
        self.gone.insert(key);
        self.keys.retain(|_, of| *of != key);
        self.titles
            .values_mut()
            .for_each(|keys| keys.retain(|of| *of != key));
    }

    fn read(&self, at: u64) -> std::io::Result<Spilled> {
        let mut spill = self.spill.borrow_mut();
        // A seek first writes the buffered bytes.
        spill.seek(SeekFrom::Start(at))?;
        let file = spill.get_mut();
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let mut json = vec![0; u64::from_le_bytes(length) as usize];
        file.read_exact(&mut json)?;
        spill.seek(SeekFrom::Start(self.spilled_bytes))?;
        Ok(serde_json::from_slice(&json)?)
    }
}

impl KnownPapers for Overlay<'_> {
    fn key_of(&self, id: &PaperId) -> Result<Option<PaperKey>> {
        if let Some(&key) = self.keys.get(id) {
            return Ok(Some(key));
        }
        let Some(library) = self.library else {
            return Ok(None);
        };
        let key = library.lookup().key_of(id)?;
        Ok(key.filter(|key| !self.gone.contains(key)))
    }

    fn has_seen(&self, key: PaperKey, record_hash: TextHash) -> Result<bool> {
        match self.library {
            _ if self.seen.contains(&(key, record_hash)) => Ok(true),
            Some(library) if key.0 > 0 => library.lookup().has_seen(key, record_hash),
            _ => Ok(false),
        }
    }

    fn with_title(&self, title_key: i64, n: usize) -> Result<Vec<PaperKey>> {
        let mut keys = match self.library {
            Some(library) => library
                .lookup()
                .with_title(title_key, n + self.gone.len())?,
            None => Vec::new(),
        };
        keys.retain(|key| !self.gone.contains(key));
        keys.truncate(n);
        let spilled = self.titles.get(&title_key).into_iter().flatten();
        let stored: HashSet<PaperKey> = keys.iter().copied().collect();
        let spilled = spilled.filter(|key| !stored.contains(key));
        keys.extend(spilled.take(n - keys.len()));
        Ok(keys)
    }

    fn is_split(&self, one: &PaperId, other: &PaperId) -> Result<bool> {
        match self.library {
            Some(library) => library.lookup().is_split(one, other),
            None => Ok(false),
        }
    }

    fn known(&self, key: PaperKey) -> Result<KnownPaper> {
        let Some(&at) = self.spilled.get(&key) else {
            let library = self
                .library
                .expect("a key is of the overlay or of the library");
            return library.lookup().known(key);
        };
        let spilled = self.read(at).map_err(Error::read(Path::new(SPILL)))?;
        let source = |source: SpilledSource| SourceRecord {
            collection: source.collection,
            authority: source.authority,
            paper: source.paper,
            why: String::new(),
            merged: String::new(),
        };
        Ok(KnownPaper {
            key,
            paper: spilled.paper,
            sources: spilled.sources.into_iter().map(source).collect(),
            is_restored: spilled.is_restored,
            embedded_at: None,
        })
    }
}
