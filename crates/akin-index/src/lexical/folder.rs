//! The folder of the lexical index; its bytes are verified when they are first read.
//!
//! A tantivy [`Directory`] over files that end with the checksums of their blocks:
//!
//! ```text
//! ┌─ … ─────────────┬───────────────────────────┬──────────────┬──────────────────┐
//! │data             │crc32 of each block, u32   │bytes of data │crc32 of the table│
//! └─ … ─────────────┴───────────────────────────┴──────u64─────┴──────and that────┘
//! ```
//!
//! A block is [`BLOCK_BYTES`] of data. Small files are replaced as a whole and begin with the crc32 of the
//! rest. They get the permissions of the other files, unlike tantivy's own. All numbers are little-endian.
//! The [`SealManifest`] lists the files that count.
//!
//! Invariants: this process verifies a block before it hands out a byte of it. Files that the manifest does
//! not name are never read and do no harm. There are no locks: a writer holds the library's lock, and a
//! reader whose files vanish opens the folder again.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tantivy::HasLen;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, OwnedBytes,
    TerminatingWrite, WatchCallback, WatchHandle, WritePtr,
};

use super::manifest::{Seal, SealManifest};
use akin_base::files;
use akin_base::vectors::MarkSet;

/// The file that says which segments there are.
const META: &str = "meta.json";

/// The file in which tantivy lists what it has written, to delete it one day.
const MANAGED: &str = ".managed.json";

/// Bytes that share a checksum.
const BLOCK_BYTES: usize = 4096;

/// Bytes after the table.
const TRAILER_BYTES: usize = 12;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct IndexFolder {
    path: PathBuf,
    inner: MmapDirectory,
    failure: WriteFailure,
    known: Arc<Mutex<WholeFiles>>,
}

/// The files that are known to be whole.
#[derive(Debug, Default)]
struct WholeFiles {
    /// Those of the manifest and those written since.
    files: BTreeMap<String, Seal>,
    /// Whether the folder was written without a manifest: then every file is believed.
    is_open: bool,
}

/// Why writing failed, if it did: tantivy's threads do not pass the reason on.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteFailure(Arc<OnceLock<io::ErrorKind>>);

impl WriteFailure {
    pub(super) fn kind(&self) -> Option<io::ErrorKind> {
        self.0.get().copied()
    }

    /// Notes an error that goes by; the first one counts.
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let _ = self.0.set(kind_of(error));
        })
    }
}

impl IndexFolder {
    /// The folder at `path`, which is there.
    pub(super) fn open(path: &Path) -> tantivy::Result<IndexFolder> {
        let inner = MmapDirectory::open(path)?;
        let failure = WriteFailure::default();
        Ok(IndexFolder {
            path: path.to_owned(),
            inner,
            failure,
            known: Arc::default(),
        })
    }

    /// Whether what was read of it is tied to a manifest.
    pub(super) fn is_sealed(&self) -> bool {
        !self.known().is_open
    }

    /// Deletes every file that the manifest does not name: an interrupted write left it, and a new file of
    /// that name could not be written.
    pub(super) fn remove_leftovers(&self) -> io::Result<()> {
        let known = self.known();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_owned = name.to_str().is_some_and(|name| {
                [META, MANAGED].contains(&name) || known.files.contains_key(name)
            });
            if !is_owned && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Checks that every file of the manifest is there with its seal: tantivy does without some files that
    /// it cannot open.
    pub(super) fn check_seals(&self) -> Result<(), String> {
        self.each_file(|_| Ok(()))
    }

    /// Reads every byte of the files of the manifest.
    pub(super) fn verify(&self) -> Result<(), String> {
        self.each_file(|file| file.read_bytes(0..file.len()).map(drop))
    }

    fn each_file(&self, look: impl Fn(&dyn FileHandle) -> io::Result<()>) -> Result<(), String> {
        let names: Vec<String> = self.known().files.keys().cloned().collect();
        for name in names {
            let file = self.get_file_handle(Path::new(&name));
            let file = file.map_err(|e| match e {
                OpenReadError::FileDoesNotExist(_) => format!("{name} is missing"),
                other => other.to_string(),
            })?;
            look(&*file).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, WholeFiles> {
        locked(&self.known)
    }

    /// The seal that the manifest has for a file.
    fn seal_of(&self, path: &Path) -> io::Result<Option<Seal>> {
        let known = self.known();
        let seal = path
            .to_str()
            .and_then(|name| known.files.get(name))
            .copied();
        match seal {
            None if !known.is_open => Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("{} is not a file of this index", path.display()),
            )),
            seal => Ok(seal),
        }
    }

    /// Records why writing failed.
    pub(super) fn failure(&self) -> WriteFailure {
        self.failure.clone()
    }
}

impl Directory for IndexFolder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let inner = self.inner.get_file_handle(path)?;
        let sealed = self.seal_of(path);
        let file = sealed.and_then(|seal| Verified::open(inner, path, seal));
        let file = file.map_err(|e| OpenReadError::wrap_io_error(e, path.to_owned()))?;
        Ok(Arc::new(file))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        if let Some(name) = path.to_str() {
            self.known().files.remove(name);
        }
        self.inner.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.inner.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let inner = self.inner.open_write(path).inspect_err(|error| {
            if let OpenWriteError::IoError { io_error, .. } = error {
                let _ = self.failure.0.set(kind_of(io_error));
            }
        })?;
        let summing = Summing::new(inner, path, self);
        Ok(BufWriter::new(Box::new(summing)))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let bytes = self.inner.atomic_read(path)?;
        let wrong = || OpenReadError::wrap_io_error(damaged(path), path.to_owned());
        let data = match bytes.split_first_chunk() {
            Some((sum, data)) if crc32fast::hash(data).to_le_bytes() == *sum => data,
            _ => return Err(wrong()),
        };
        if path != Path::new(META) {
            return Ok(data.to_vec());
        }
        let (manifest, text) = SealManifest::and_text(data).ok_or_else(wrong)?;
        let mut known = self.known();
        known.is_open = manifest.is_none();
        known.files.extend(manifest.unwrap_or_default().files);
        Ok(text.to_vec())
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let bound;
        let data = if path == Path::new(META) {
            let manifest =
                SealManifest::from_text(data, &self.known().files).map_err(io::Error::other)?;
            bound = manifest.bound_to(data);
            &bound[..]
        } else {
            data
        };
        let sum = crc32fast::hash(data).to_le_bytes();
        let written = files::replace(&self.path.join(path), &[&sum, data].concat());
        self.failure.note(written)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.failure.note(self.inner.sync_directory())
    }

    fn acquire_lock(&self, _: &Lock) -> Result<DirectoryLock, LockError> {
        Ok(DirectoryLock::from(Box::new(())))
    }

    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}

fn locked(known: &Mutex<WholeFiles>) -> MutexGuard<'_, WholeFiles> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kind of an error, which may be wrapped in others of no kind.
pub(super) fn kind_of(error: &io::Error) -> io::ErrorKind {
    let mut inner: Option<&(dyn Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(error) = inner {
        let shared = || error.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref);
        if let Some(error) = error.downcast_ref::<io::Error>().or_else(shared) {
            return kind_of(error);
        }
        inner = error.source();
    }
    error.kind()
}

fn damaged(path: &Path) -> io::Error {
    let what = format!("{} does not match its checksums", path.display());
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A file that is being written, with the checksums of its blocks so far.
struct Summing {
    inner: WritePtr,
    name: Option<String>,
    known: Arc<Mutex<WholeFiles>>,
    failure: WriteFailure,
    n_bytes: u64,
    block: crc32fast::Hasher,
    table: Vec<u8>,
}

impl Summing {
    fn new(inner: WritePtr, path: &Path, folder: &IndexFolder) -> Summing {
        Summing {
            inner,
            name: path.to_str().map(str::to_owned),
            known: Arc::clone(&folder.known),
            failure: folder.failure(),
            n_bytes: 0,
            block: crc32fast::Hasher::new(),
            table: Vec::new(),
        }
    }

    /// Bytes that the block has room for.
    fn room(&self) -> usize {
        BLOCK_BYTES - (self.n_bytes % BLOCK_BYTES as u64) as usize
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.table.extend(block.finalize().to_le_bytes());
    }
}

impl Write for Summing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(&bytes[..bytes.len().min(self.room())]);
        let n_written = self.failure.note(written)?;
        self.block.update(&bytes[..n_written]);
        let fills_block = n_written == self.room();
        self.n_bytes += n_written as u64;
        if n_written > 0 && fills_block {
            self.end_block();
        }
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.failure.note(flushed)
    }
}

impl TerminatingWrite for Summing {
    fn terminate_ref(&mut self, token: AntiCallToken) -> io::Result<()> {
        if self.room() < BLOCK_BYTES {
            self.end_block();
        }
        self.table.extend(self.n_bytes.to_le_bytes());
        let sum = crc32fast::hash(&self.table);
        self.table.extend(sum.to_le_bytes());
        let ended = self.inner.write_all(&self.table);
        let ended = ended.and_then(|()| self.inner.terminate_ref(token));
        if let (Ok(()), Some(name)) = (&ended, self.name.take()) {
            let n_bytes = self.n_bytes + self.table.len() as u64;
            locked(&self.known)
                .files
                .insert(name, Seal { n_bytes, sum });
        }
        self.failure.note(ended)
    }
}

/// A file whose blocks are verified as they are read.
#[derive(Debug)]
struct Verified {
    inner: Arc<dyn FileHandle>,
    path: PathBuf,
    n_bytes: usize,
    table: OwnedBytes,
    verified: MarkSet,
}

impl Verified {
    fn open(inner: Arc<dyn FileHandle>, path: &Path, seal: Option<Seal>) -> io::Result<Verified> {
        let wrong = || damaged(path);
        let end = inner.len();
        if seal.is_some_and(|seal| seal.n_bytes != end as u64) {
            return Err(wrong());
        }
        let trailer_at = end.checked_sub(TRAILER_BYTES).ok_or_else(wrong)?;
        let trailer = inner.read_bytes(trailer_at..end)?;
        let (n_bytes, sum) = trailer.split_first_chunk().ok_or_else(wrong)?;
        if seal.is_some_and(|seal| seal.sum.to_le_bytes() != sum) {
            return Err(wrong());
        }
        let n_bytes = usize::try_from(u64::from_le_bytes(*n_bytes)).map_err(|_| wrong())?;
        let n_blocks = n_bytes.div_ceil(BLOCK_BYTES);
        let is_of_size = n_blocks
            .checked_mul(4)
            .and_then(|table_bytes| n_bytes.checked_add(table_bytes))
            .is_some_and(|data_and_table| data_and_table == trailer_at);
        if !is_of_size {
            return Err(wrong());
        }
        let table = inner.read_bytes(n_bytes..trailer_at + 8)?;
        if crc32fast::hash(&table).to_le_bytes() != sum {
            return Err(wrong());
        }
        Ok(Verified {
            inner,
            path: path.to_owned(),
            n_bytes,
            table,
            verified: MarkSet::none(n_blocks),
        })
    }

    fn verify(&self, blocks: Range<usize>) -> io::Result<()> {
        for block in blocks.filter(|block| !self.verified.has(*block)) {
            let start = block * BLOCK_BYTES;
            let bytes = self
                .inner
                .read_bytes(start..self.n_bytes.min(start + BLOCK_BYTES))?;
            if crc32fast::hash(&bytes).to_le_bytes() != self.table[4 * block..4 * block + 4] {
                return Err(damaged(&self.path));
            }
            self.verified.set(block);
        }
        Ok(())
    }
}

impl HasLen for Verified {
    fn len(&self) -> usize {
        self.n_bytes
    }
}

impl FileHandle for Verified {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.end > self.n_bytes {
            return Err(damaged(&self.path));
        }
        if !range.is_empty() {
            self.verify(range.start / BLOCK_BYTES..range.end.div_ceil(BLOCK_BYTES))?;
        }
        self.inner.read_bytes(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_wrapped_error_is_that_of_what_is_wrapped() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let kind = io::ErrorKind::StorageFull;
        assert_eq!(kind_of(&full()), kind);
        assert_eq!(kind_of(&io::Error::other(full())), kind);
        assert_eq!(kind_of(&io::Error::other(Arc::new(full()))), kind);
        assert_eq!(kind_of(&io::Error::other("words")), io::ErrorKind::Other);
    }
}
