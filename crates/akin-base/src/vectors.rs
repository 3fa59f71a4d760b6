//! Rows of numbers: dot product, normalisation, and the file that keeps embeddings as f16 rows.
//!
//! A row file is expensive to make, and only ever appended to. After a header of 64 bytes come rows
//! of `2 * dim + 12` bytes:
//!
//! ```text
//! 0        8         12     16          32             40       44        64
//! ┌────────┬─────────┬──────┬───────────┬──────────────┬────────┬─ … ─────┐
//! │AKINROWS│version 2│dim   │identity   │rows committed│its crc │ zeros   │
//! └────────┴─────────┴──────┴───────────┴─────u64──────┴────────┴─────────┘
//! ┌──────────┬─────────────┬─────────────┬── …
//! │dim × f16 │owner, 8 byte│crc32 of row │ next row
//! └──────────┴─────────────┴─────────────┴── …
//! ```
//!
//! All numbers are little-endian. The checksum of a row covers its bytes and its number, so it
//! detects flipped bits and misplaced rows. The *owner* is the beginning of the hash of the
//! embedded text. The *identity* is a random number that references to the file include, so that no
//! other file is mistaken for it. Version 1 has no owner, identity or count of committed rows; its
//! rows end with 4 bytes of checksum.
//!
//! The number of rows that count is stored in the library's database. Rows past that count are left
//! over from an interrupted write: they are never read, and the next writer cuts them off. *Rows
//! committed* is written after each transaction, so it never exceeds what was once committed. If
//! the database counts fewer, it has lost commits.
//!
//! Invariants: bytes of rows that count never change. A row is read only once its checksum has been
//! verified, by the same [`RowFile`].

#![expect(unsafe_code, reason = "row files are mapped into memory")]

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use half::f16;
use half::slice::HalfFloatSliceExt;
use memmap2::Mmap;

use crate::error::{Error, Result};
use crate::step;

const MAGIC: &[u8; 8] = b"AKINROWS";
/// Size of the header in bytes.
pub const HEADER_BYTES: usize = 64;
const CHECKSUM_BYTES: usize = 4;
const OWNER_BYTES: usize = 8;

/// Where the file's identity stands in the header.
const IDENTITY: Range<usize> = 16..32;

/// Where the count of committed rows stands, and the checksum of all before it.
const COMMITTED: Range<usize> = 32..40;
const COMMITTED_SUM: Range<usize> = 40..44;

/// Identifies a row file, whatever its name: a random number drawn when it is created.
pub type Identity = [u8; 16];

/// The beginning of the hash of the text that a row embeds.
pub type Owner = [u8; OWNER_BYTES];

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Rows name no owner, the file has no identity.
    One = 1,
    Two = 2,
}

impl Version {
    /// Bytes of a row after its numbers.
    fn tail_bytes(self) -> usize {
        match self {
            Version::One => CHECKSUM_BYTES,
            Version::Two => OWNER_BYTES + CHECKSUM_BYTES,
        }
    }
}

/// The number of a row in a space, from 0, in the order of storing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row(pub u32);

impl Row {
    /// The number as an offset into a slice of rows.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

/// Dot product of two vectors of equal length: the cosine similarity if both have unit length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}

/// Scales a vector to unit length; a zero vector stays.
pub fn normalize(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}

/// A set of numbers that any thread can add to.
#[derive(Debug)]
pub struct MarkSet(Box<[AtomicU64]>);

impl MarkSet {
    /// An empty set of numbers below `n`.
    pub fn none(n: usize) -> MarkSet {
        MarkSet((0..n.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether the number is in the set.
    #[inline]
    pub fn has(&self, i: usize) -> bool {
        self.0[i / 64].load(Ordering::Relaxed) >> (i % 64) & 1 == 1
    }

    /// Adds a number.
    pub fn set(&self, i: usize) {
        self.0[i / 64].fetch_or(1 << (i % 64), Ordering::Relaxed);
    }
}

/// The committed rows of a space, mapped for reading.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    map: Mmap,
    version: Version,
    dim: usize,
    n_rows: usize,
    /// The rows whose checksums have been found to hold.
    verified: MarkSet,
}

impl RowFile {
    /// Opens the first `n_rows` rows of the file at `path`.
    ///
    /// # Errors
    /// [`Error::Read`] if it cannot be mapped, [`Error::Damaged`] if it is not a row file of
    /// dimension `dim` or holds fewer rows.
    pub fn open(path: &Path, dim: usize, n_rows: usize) -> Result<RowFile> {
        let file = File::open(path).map_err(Error::read(path))?;
        // SAFETY: bytes below the committed row count are never changed nor cut off once they
        // are committed (module invariant), and no row above it is read.
        let map = unsafe { Mmap::map(&file) }.map_err(Error::read(path))?;
        let version = check_header(path, &map, dim)?;
        let wanted_bytes = HEADER_BYTES + n_rows * stride_of(version, dim);
        if map.len() < wanted_bytes {
            let what = format!(
                "it has {} bytes where {n_rows} rows need {wanted_bytes}",
                map.len()
            );
            return Err(Error::damaged(path, what));
        }
        Ok(RowFile {
            path: path.to_owned(),
            map,
            version,
            dim,
            n_rows,
            verified: MarkSet::none(n_rows),
        })
    }

    /// No rows, of no file; messages name `path`.
    ///
    /// # Errors
    /// [`Error::Read`] if the system has no page of memory left.
    pub fn empty(path: &Path) -> Result<RowFile> {
        let map =
            memmap2::MmapMut::map_anon(HEADER_BYTES).and_then(memmap2::MmapMut::make_read_only);
        Ok(RowFile {
            path: path.to_owned(),
            map: map.map_err(Error::read(path))?,
            version: Version::One,
            dim: 1,
            n_rows: 0,
            verified: MarkSet::none(0),
        })
    }

    /// Opens those of the first `n_rows` rows that the file still holds completely.
    ///
    /// # Errors
    /// As [`RowFile::open`], but for a file that is too short.
    pub fn open_left(path: &Path, dim: usize, n_rows: usize) -> Result<RowFile> {
        let mut rows = RowFile::open(path, dim, 0)?;
        let n_left = (rows.map.len() - HEADER_BYTES) / rows.stride();
        rows.n_rows = n_left.min(n_rows);
        rows.verified = MarkSet::none(rows.n_rows);
        Ok(rows)
    }

    /// Checks the file's identity; a file of version 1 has none.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is another file.
    pub fn ensure_is(&self, identity: Option<Identity>) -> Result<()> {
        if self.identity() == identity {
            return Ok(());
        }
        let what = "it is not the file that papers.db speaks of: one of the two was put in another's place";
        Err(Error::damaged(&self.path, what))
    }

    /// The file's identity; `None` in version 1.
    pub fn identity(&self) -> Option<Identity> {
        let bytes = Identity::try_from(&self.map[IDENTITY]).ok();
        bytes.filter(|_| self.version == Version::Two)
    }

    /// The least number of rows ever committed; 0 in a file of version 1. `None` if the stored
    /// count does not match its checksum.
    pub fn n_committed(&self) -> Option<usize> {
        if self.version == Version::One {
            return Some(0);
        }
        let sum = crc32fast::hash(&self.map[..COMMITTED.end]).to_le_bytes();
        let count = self.map[COMMITTED].try_into().ok()?;
        let count = usize::try_from(u64::from_le_bytes(count)).ok();
        count.filter(|_| self.map[COMMITTED_SUM] == sum)
    }

    /// The owner of a row; `None` in a file of version 1.
    ///
    /// # Errors
    /// As [`RowFile::row`].
    pub fn owner(&self, row: Row) -> Result<Option<Owner>> {
        self.row(row)?;
        if self.version == Version::One {
            return Ok(None);
        }
        let start = HEADER_BYTES + row.idx() * self.stride() + 2 * self.dim;
        Ok(Owner::try_from(&self.map[start..start + OWNER_BYTES]).ok())
    }

    /// Bytes of a row.
    pub fn stride(&self) -> usize {
        stride_of(self.version, self.dim)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.n_rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// The number of dimensions.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One row, shape `[dim]`.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is no such row, or it does not match its checksum.
    pub fn row(&self, row: Row) -> Result<&[f16]> {
        if row.idx() >= self.n_rows {
            let what = format!("row {} of {} was asked for", row.0, self.n_rows);
            return Err(Error::damaged(&self.path, what));
        }
        let start = HEADER_BYTES + row.idx() * self.stride();
        let bytes = &self.map[start..start + self.stride()];
        let numbers = &bytes[..2 * self.dim];
        if !self.verified.has(row.idx()) {
            let (covered, stored) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
            if checksum(covered, row).to_le_bytes() != stored {
                let what = format!("row {} does not match its checksum", row.0);
                return Err(Error::damaged(&self.path, what));
            }
            self.verified.set(row.idx());
        }
        Ok(bytemuck::cast_slice(numbers))
    }

    /// Copies one row into `out`, shape `[dim]`, as f32.
    ///
    /// # Errors
    /// As [`RowFile::row`].
    pub fn read_into(&self, row: Row, out: &mut [f32]) -> Result<()> {
        self.row(row)?.convert_to_f32_slice(out);
        Ok(())
    }

    /// One row as f32, shape `[dim]`.
    ///
    /// # Errors
    /// As [`RowFile::row`].
    pub fn vector(&self, row: Row) -> Result<Vec<f32>> {
        Ok(self.row(row)?.to_f32_vec())
    }
}

/// Appends rows to a row file.
///
/// Rows count only once the library's transaction says so, and [`RowWriter::sync`] comes before
/// that.
#[derive(Debug)]
pub struct RowWriter {
    path: PathBuf,
    file: BufWriter<File>,
    header: [u8; HEADER_BYTES],
    version: Version,
    dim: usize,
    n_rows: usize,
    bytes: Vec<u8>,
}

impl RowWriter {
    /// Creates an empty row file, in place of any leftover of that name, and syncs it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path, dim: usize, identity: Identity) -> Result<RowWriter> {
        let mut file = File::create(path).map_err(Error::write(path))?;
        let header = header(dim, identity, 0);
        file.write_all(&header)
            .and_then(|()| file.sync_all())
            .map_err(Error::write(path))?;
        step::synced(path);
        Ok(RowWriter::over(
            path,
            file,
            (header, Version::Two),
            (dim, 0),
        ))
    }

    /// Opens a row file with `n_rows` committed rows, and cuts off the rest.
    ///
    /// # Errors
    /// As [`RowFile::open`] and [`RowFile::ensure_is`], and [`Error::Write`].
    pub fn open(
        path: &Path,
        dim: usize,
        n_rows: usize,
        identity: Option<Identity>,
    ) -> Result<RowWriter> {
        let rows = RowFile::open(path, dim, n_rows)?;
        rows.ensure_is(identity)?;
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&rows.map[..HEADER_BYTES]);
        let (version, end) = (rows.version, (HEADER_BYTES + n_rows * rows.stride()) as u64);
        drop(rows);
        let mut file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(Error::write(path))?;
        file.set_len(end)
            .and_then(|()| file.seek(SeekFrom::Start(end)))
            .map_err(Error::write(path))?;
        Ok(RowWriter::over(
            path,
            file,
            (header, version),
            (dim, n_rows),
        ))
    }

    fn over(
        path: &Path,
        file: File,
        (header, version): ([u8; HEADER_BYTES], Version),
        (dim, n_rows): (usize, usize),
    ) -> RowWriter {
        RowWriter {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 18, file),
            header,
            version,
            dim,
            n_rows,
            bytes: Vec::new(),
        }
    }

    /// The number of rows after the next sync.
    pub fn len(&self) -> usize {
        self.n_rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// Appends a vector, shape `[dim]`, rounded to f16, with its owner. Returns its row.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn append(&mut self, vector: &[f32], owner: Owner) -> Result<Row> {
        assert_eq!(vector.len(), self.dim, "a row has the file's dim");
        let row = Row(u32::try_from(self.n_rows).expect("fewer than 2^32 rows"));
        self.bytes.clear();
        for &x in vector {
            self.bytes.extend(f16::from_f32(x).to_le_bytes());
        }
        if self.version == Version::Two {
            self.bytes.extend(owner);
        }
        let sum = checksum(&self.bytes, row);
        self.bytes.extend(sum.to_le_bytes());
        self.file
            .write_all(&self.bytes)
            .map_err(Error::write(&self.path))?;
        self.n_rows += 1;
        Ok(row)
    }

    /// Syncs every appended row to the disk.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn sync(&mut self) -> Result<()> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_data())
            .map_err(Error::write(&self.path))?;
        step::synced(&self.path);
        Ok(())
    }

    /// Records that every row is committed. The record survives a kill at once, and a crash of the
    /// machine after the next sync.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn note_committed(&mut self) -> Result<()> {
        if self.version == Version::One {
            return Ok(());
        }
        let identity = Identity::try_from(&self.header[IDENTITY]).expect("16 bytes");
        self.header = header(self.dim, identity, self.n_rows);
        let noted = write_at_start(self.file.get_mut(), &self.header[..COMMITTED_SUM.end]);
        noted.map_err(Error::write(&self.path))
    }
}

/// Writes the first bytes of a file, and leaves its cursor where it was.
fn write_at_start(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let end = file.stream_position()?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(())
}

/// Bytes of one row with its owner and its checksum, in a file that is made now.
pub fn stride_bytes(dim: usize) -> usize {
    stride_of(Version::Two, dim)
}

fn stride_of(version: Version, dim: usize) -> usize {
    2 * dim + version.tail_bytes()
}

fn checksum(bytes: &[u8], row: Row) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(row.0);
    hasher.update(bytes);
    hasher.finalize()
}

fn header(dim: usize, identity: Identity, n_committed: usize) -> [u8; HEADER_BYTES] {
    let mut bytes = beginning(Version::Two, dim);
    bytes[IDENTITY].copy_from_slice(&identity);
    bytes[COMMITTED].copy_from_slice(&(n_committed as u64).to_le_bytes());
    let sum = crc32fast::hash(&bytes[..COMMITTED.end]).to_le_bytes();
    bytes[COMMITTED_SUM].copy_from_slice(&sum);
    bytes
}

/// What every header of a version begins with; zeros follow.
fn beginning(version: Version, dim: usize) -> [u8; HEADER_BYTES] {
    let dim = u32::try_from(dim).expect("a dim fits 32 bits");
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&(version as u32).to_le_bytes());
    bytes[12..16].copy_from_slice(&dim.to_le_bytes());
    bytes
}

fn check_header(path: &Path, bytes: &[u8], dim: usize) -> Result<Version> {
    let is_of = |version, free: Range<usize>| {
        let expected = beginning(version, dim);
        bytes.len() >= HEADER_BYTES
            && bytes[..free.start] == expected[..free.start]
            && bytes[free.end..HEADER_BYTES] == expected[free.end..]
    };
    if is_of(Version::One, 16..16) {
        return Ok(Version::One);
    }
    if is_of(Version::Two, IDENTITY.start..COMMITTED_SUM.end) {
        return Ok(Version::Two);
    }
    let what = format!("its first {HEADER_BYTES} bytes are not those of rows of {dim} numbers");
    Err(Error::damaged(path, what))
}

#[cfg(test)]
mod tests;
