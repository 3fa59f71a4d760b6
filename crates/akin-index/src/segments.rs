//! The index folder: its segments, and how it is brought up to date with the rows.
//!
//! In: the folder, the mark of the rows, the rows. Out: the segments that can be trusted, and a reason for
//! each that cannot ([`OpenSegments`]); or, by [`update`], a folder that covers the rows. The folder holds
//! `manifest.json`, which lists spans of rows, and one file per span:
//!
//! ```text
//! rows   0                               n₁              n₁+n₂             n
//!        ├───────────── segment ─────────┼─── segment ───┼───── tail ──────┤
//! ```
//!
//! **The rule.** A tail of `tail_max` rows or more becomes a segment. First it takes in the last segment,
//! as long as that one is smaller than [`GROWTH`] times the rows gathered so far. The gathered rows are
//! then built once. So each segment is at least `GROWTH` times as large as the next, and there are at most
//! 1 + log₂(n / tail_max) segments. A row that is built again lands in a segment at least 1.5 times as
//! large as its last. So at most n · (1 + log₁.₅(n / tail_max)) rows are built in the life of an index.
//!
//! Invariants: one writer at a time (the library's lock). A segment's file gets its name only when it is
//! complete and on the disk. The manifest names it only after that, and files that the manifest does not
//! name are deleted only after the manifest is on the disk. So a kill at any instant leaves the old index
//! or the new one, and a reader that has mapped an old file keeps it. Segments cover rows from 0 without a
//! gap: if one cannot be trusted, those after it are dropped too.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::background::Background;
use super::build;
use super::codes::code_bytes;
use super::files::{give_name, replace, unfinished};
use super::freeze;
use super::options::{IndexOptions, IndexStats};
use super::span::Span;
use super::stored::StoredSegment;
use akin_base::error::{Error, Result};
use akin_base::hex::hex;
use akin_base::progress::Observer;
use akin_base::step::{self, Step};
use akin_base::vectors::{Row, RowFile};

const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 2;

/// A segment is at least this many times as large as the next.
const GROWTH: usize = 2;

/// Number of codes of a segment that are compared with their rows when it is opened. This detects an index
/// of other rows of the same space, such as one from a restored backup.
const SAMPLE_ROWS: u32 = 16;

/// How often the manifest is read again when files vanish while it is being followed.
const OPEN_ATTEMPTS: usize = 3;

/// What is on the disk as `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The mark of the rows in hexadecimal digits.
    space: String,
    segments: Vec<Span>,
}

/// A segment that has not shown damage so far.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) span: Span,
    pub(super) stored: StoredSegment,
    path: PathBuf,
    /// Why it is no longer trusted, if damage was found.
    doubt: OnceLock<String>,
}

/// What an index folder holds.
#[derive(Debug, Default)]
pub(super) struct OpenSegments {
    /// From row 0 on, without a gap.
    pub(super) segments: Vec<Segment>,
    /// Why the segments that are missing here are not trusted; each names its file.
    pub(super) doubts: Vec<String>,
}

impl OpenSegments {
    /// Opens the segments of these rows; a missing folder has none.
    pub(super) fn read(dir: &Path, space: &[u8; 32], rows: &RowFile) -> OpenSegments {
        let path = dir.join(MANIFEST);
        let mut standing = OpenSegments::default();
        let mut followed = None;
        for _ in 0..OPEN_ATTEMPTS {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == ErrorKind::NotFound => return OpenSegments::default(),
                Err(e) => return OpenSegments::doubtful(&path, format!("it cannot be read ({e})")),
            };
            // A writer may have replaced the manifest and deleted files since it was read.
            if followed.as_ref() == Some(&bytes) {
                break;
            }
            standing = match parse(&bytes, space) {
                Ok(spans) => OpenSegments::follow(dir, space, rows, &spans),
                Err(reason) => OpenSegments::doubtful(&path, reason),
            };
            if standing.doubts.is_empty() {
                break;
            }
            followed = Some(bytes);
        }
        standing
    }

    fn doubtful(path: &Path, reason: String) -> OpenSegments {
        OpenSegments {
            segments: Vec::new(),
            doubts: vec![format!("{}: {reason}", path.display())],
        }
    }

    /// Opens segments up to the first that cannot be trusted, or that a writer has built since the rows
    /// were counted.
    fn follow(dir: &Path, space: &[u8; 32], rows: &RowFile, spans: &[Span]) -> OpenSegments {
        let mut standing = OpenSegments::default();
        for &span in spans {
            let path = dir.join(span.file_name());
            match open_segment(&path, space, rows, span, standing.n_rows()) {
                Ok(segment) if segment.span.rows().end as usize > rows.len() => break,
                Ok(segment) => standing.segments.push(segment),
                Err(reason) => {
                    standing
                        .doubts
                        .push(format!("{}: {reason}", path.display()));
                    break;
                }
            }
        }
        standing
    }

    /// Number of rows that the segments cover.
    pub(super) fn n_rows(&self) -> u32 {
        self.segments
            .last()
            .map_or(0, |segment| segment.span.rows().end)
    }

    /// Reads every byte of the segments and keeps those before the first damaged one.
    fn verified(mut self) -> OpenSegments {
        let held = self.segments.iter().map(|segment| segment.stored.verify());
        let first_bad = held
            .enumerate()
            .find_map(|(i, held)| Some((i, held.err()?)));
        if let Some((i, reason)) = first_bad {
            let path = self.segments[i].path.display();
            self.doubts.push(format!("{path}: {reason}"));
            self.segments.truncate(i);
        }
        self
    }

    fn spans(&self) -> Vec<Span> {
        self.segments.iter().map(|segment| segment.span).collect()
    }
}

fn parse(bytes: &[u8], space: &[u8; 32]) -> Result<Vec<Span>, String> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|e| format!("it is not a manifest ({e})"))?;
    if manifest.format != FORMAT {
        return Err(format!("it has format {}, not {FORMAT}", manifest.format));
    }
    if manifest.space != hex(space) {
        return Err("it belongs to another space".to_owned());
    }
    Ok(manifest.segments)
}

fn open_segment(
    path: &Path,
    space: &[u8; 32],
    rows: &RowFile,
    span: Span,
    covered: u32,
) -> Result<Segment, String> {
    let end = span.first.checked_add(span.n_rows);
    if span.first != covered || span.n_rows == 0 || end.is_none() {
        return Err(format!(
            "rows {} and {} more do not follow on {covered} of {}",
            span.first,
            span.n_rows,
            rows.len()
        ));
    }
    let segment = Segment {
        span,
        stored: StoredSegment::open(path, space, span, rows.dim())?,
        path: path.to_owned(),
        doubt: OnceLock::new(),
    };
    let last = span.n_rows - 1;
    let place = |i: u32| (u64::from(last) * u64::from(i) / u64::from(SAMPLE_ROWS - 1)) as u32;
    let sample = (0..SAMPLE_ROWS.min(span.n_rows)).map(place);
    // Of one that was built since the rows were counted, some are not among them.
    let is_there = |node: &u32| ((span.first + node) as usize) < rows.len();
    segment.compare(rows, sample.filter(is_there))?;
    Ok(segment)
}

impl Segment {
    /// Why it is not trusted, if it is not.
    pub(super) fn doubt(&self) -> Option<String> {
        let doubt = self.doubt.get()?;
        Some(format!("{}: {doubt}", self.path.display()))
    }

    /// Notes that a search met damage.
    pub(super) fn distrust(&self) {
        self.note("it does not match its checksums".to_owned());
    }

    fn note(&self, doubt: String) {
        // The first doubt is as good as the second.
        let _ = self.doubt.set(doubt);
    }

    /// Reads every byte, and compares every code with its row.
    pub(super) fn verify(&self, rows: &RowFile) {
        let held = self.stored.verify();
        if let Err(doubt) = held.and_then(|()| self.compare(rows, 0..self.span.n_rows)) {
            self.note(doubt);
        }
    }

    /// Makes sure that the codes of some nodes are those of their rows; a row that cannot be read
    /// says nothing.
    fn compare(
        &self,
        rows: &RowFile,
        mut nodes: impl Iterator<Item = u32>,
    ) -> std::result::Result<(), String> {
        let mut geometry = *self.stored.geometry();
        let clipped = self.stored.clipped().unwrap_or_default();
        let is_clipped = |node: u32| clipped.binary_search(&node).is_ok();
        let mut code = vec![0; code_bytes(rows.dim())];
        nodes.try_for_each(|node| {
            let Ok(vector) = rows.vector(Row(self.span.first + node)) else {
                return Ok(());
            };
            let is_held = geometry.encode(&vector, &mut code);
            match self.stored.codes(node..node + 1) {
                Err(_) => Err("its codes do not match their checksums".to_owned()),
                Ok(stored) if stored != code || (!is_held && !is_clipped(node)) => {
                    Err("its codes are those of other rows".to_owned())
                }
                Ok(_) => Ok(()),
            }
        })?;
        let is_bounded = geometry == *self.stored.geometry();
        is_bounded
            .then_some(())
            .ok_or("its codes are farther off than it says".to_owned())
    }
}

/// Brings the index folder up to date with the rows: builds, merges and deletes segments.
///
/// A folder that is up to date is left alone; a missing one is created when it is first needed. Only one
/// caller at a time may update a folder; readers may open and search it meanwhile.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asked to stop: the folder is unchanged. [`Error::Write`] if the
/// folder cannot be written, [`Error::Damaged`] if a row cannot be read.
pub fn update(
    dir: &Path,
    space: &[u8; 32],
    rows: &RowFile,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<IndexStats> {
    let standing = OpenSegments::read(dir, space, rows).verified();
    let mut spans = standing.spans();
    let sizes: Vec<usize> = spans.iter().map(|span| span.n_rows as usize).collect();
    if let Some(n_kept) = segments_kept(&sizes, rows.len(), options) {
        spans.truncate(n_kept);
        let first = spans.last().map_or(0, |span| span.rows().end);
        let n_rows = u32::try_from(rows.len()).expect("rows are numbered in 32 bits") - first;
        let span = Span { first, n_rows };
        build(dir, space, rows, span, options, observer)?;
        spans.push(span);
        write_manifest(dir, space, &spans)?;
    } else if !standing.doubts.is_empty() {
        write_manifest(dir, space, &spans)?;
    }
    remove_orphans(dir, &spans);
    step::reached(Step::SegmentsRemoved);
    Background::update(dir, space, rows)?;
    Ok(stats_of(
        &OpenSegments::read(dir, space, rows).segments,
        rows.len(),
    ))
}

/// How large an index of these segments over `n_rows` rows is.
pub(super) fn stats_of(segments: &[Segment], n_rows: usize) -> IndexStats {
    let covered = segments.last().map_or(0, |segment| segment.span.rows().end);
    let graphs = segments.iter().filter(|segment| segment.stored.has_links());
    IndexStats {
        n_rows,
        n_segments: segments.len(),
        graph_rows: graphs.map(|segment| segment.span.n_rows as usize).sum(),
        tail_rows: n_rows - covered as usize,
        file_bytes: segments
            .iter()
            .map(|segment| segment.stored.file_bytes())
            .sum(),
    }
}

/// Number of segments that stay when the rest and the tail are built as one; `None` if nothing has to be
/// built.
pub(super) fn segments_kept(
    sizes: &[usize],
    n_rows: usize,
    options: &IndexOptions,
) -> Option<usize> {
    let tail = n_rows - sizes.iter().sum::<usize>();
    if tail < options.tail_max.max(1) {
        return None;
    }
    let (mut gathered, mut n_kept) = (tail, sizes.len());
    while n_kept > 0 && sizes[n_kept - 1] < GROWTH * gathered {
        n_kept -= 1;
        gathered += sizes[n_kept];
    }
    Some(n_kept)
}

/// Builds the segment of a span, and gives its file its name.
fn build(
    dir: &Path,
    space: &[u8; 32],
    rows: &RowFile,
    span: Span,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<()> {
    let built = build::build(rows, span, options, observer)?;
    fs::create_dir_all(dir).map_err(Error::write(dir))?;
    let name = span.file_name();
    let unfinished = dir.join(unfinished(&name));
    freeze::create(&unfinished, space, rows.dim(), span, &built)?;
    step::synced(&unfinished);
    step::reached(Step::SegmentWritten);
    give_name(dir, &name)?;
    step::reached(Step::SegmentNamed);
    Ok(())
}

fn write_manifest(dir: &Path, space: &[u8; 32], spans: &[Span]) -> Result<()> {
    let manifest = Manifest {
        format: FORMAT,
        space: hex(space),
        segments: spans.to_vec(),
    };
    let text = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain JSON");
    replace(dir, MANIFEST, &text, Step::ManifestWritten)?;
    step::reached(Step::ManifestNamed);
    Ok(())
}

/// Deletes the files of this room that are not in use. One that cannot be deleted now (Windows
/// keeps what is mapped) is found again by the next update.
fn remove_orphans(dir: &Path, spans: &[Span]) {
    let used: Vec<String> = spans.iter().map(|span| span.file_name()).collect();
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let is_ours = name.starts_with("segment-") && name.ends_with(".graph");
        if (is_ours && !used.contains(&name)) || name.ends_with(&unfinished("")) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
