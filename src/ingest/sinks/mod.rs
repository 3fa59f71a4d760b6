//! Where embeddings go that no library keeps: one file a format.
//!
//! In: ids and vectors, a batch at a time, in order. Out: bytes, to a stream or to a file.
//!
//! | format | sink |
//! |---|---|
//! | JSON Lines | [`JsonLines`] |
//! | Arrow IPC stream | [`ArrowStream`] |
//! | Parquet | [`ParquetFile`] |
//! | NumPy, with its ids in another file | [`Npy`] |
//!
//! Invariants: a stream carries every batch as soon as it is put. A file appears under its name
//! only when it is complete. Memory does not grow with the number of embeddings.

#[cfg(feature = "arrow")]
mod columns;
#[cfg(not(feature = "arrow"))]
#[path = "no_columns.rs"]
mod columns;
mod json_lines;
mod npy;

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use self::columns::{ArrowStream, ParquetFile};
pub use self::json_lines::JsonLines;
pub use self::npy::Npy;

use crate::error::{Error, Result};
use crate::files::{Unfinished, is_special};

/// The writing program, for formats with a place for it.
pub const WRITER: &str = concat!("akin ", env!("CARGO_PKG_VERSION"));

/// Metadata key for the fingerprint of the space that vectors are in.
#[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
pub(super) const SPACE_KEY: &str = "akin.space";

/// Takes embeddings, in order.
pub trait VectorSink {
    /// Takes a batch: one vector an id, each of the sink's dim.
    ///
    /// # Errors
    /// [`Error::Write`].
    fn put(&mut self, ids: &[String], vectors: &[Vec<f32>]) -> Result<()>;

    /// Puts everything in its final place; without it a file sink leaves nothing.
    ///
    /// # Errors
    /// [`Error::Write`].
    fn finish(&mut self) -> Result<()>;
}

/// Space, precision and length of a sink's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorType {
    /// The fingerprint of their space ([`Recipe::fingerprint`](crate::encoder::Recipe::fingerprint)).
    pub fingerprint: [u8; 32],
    /// Numbers in a vector.
    pub dim: usize,
    /// What a number is written as.
    pub dtype: Dtype,
}

/// What a number is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dtype {
    /// 32-bit float.
    #[default]
    F32,
    /// 16-bit float: half the bytes, three digits.
    F16,
}

/// Where the bytes of a sink go.
pub struct Output(To);

enum To {
    Stream {
        name: PathBuf,
        out: BufWriter<Box<dyn Write + Send>>,
    },
    File(PartFile),
}

impl Output {
    /// A stream, which messages call `name`.
    pub fn stream(name: impl Into<PathBuf>, out: Box<dyn Write + Send>) -> Output {
        Output(To::Stream {
            name: name.into(),
            out: BufWriter::new(out),
        })
    }

    /// A file that appears under its name only when complete; for a pipe or a device, a stream into
    /// it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path) -> Result<Output> {
        if !is_special(path) {
            return Output::file(path);
        }
        let file = File::options().write(true).open(path);
        let file = file.map_err(Error::write(path))?;
        Ok(Output::stream(path, Box::new(file)))
    }

    fn file(path: &Path) -> Result<Output> {
        Ok(Output(To::File(PartFile::create(path)?)))
    }

    /// Writes a batch, and flushes it if somebody may be waiting for it.
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.write_all(bytes).and_then(|()| self.flush_stream());
        written.map_err(Error::write(self.name()))
    }

    fn flush_stream(&mut self) -> io::Result<()> {
        match &mut self.0 {
            To::Stream { out, .. } => out.flush(),
            To::File(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<()> {
        match &mut self.0 {
            To::Stream { name, out } => out.flush().map_err(Error::write(name)),
            To::File(part) => part.finish(),
        }
    }

    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "for tables"))]
    fn is_file(&self) -> bool {
        matches!(self.0, To::File(_))
    }

    fn name(&self) -> &Path {
        match &self.0 {
            To::Stream { name, .. } => name,
            To::File(part) => &part.path,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            To::Stream { out, .. } => out.write(bytes),
            To::File(part) => part.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            To::Stream { out, .. } => out.flush(),
            To::File(part) => part.flush(),
        }
    }
}

/// A file under a temporary name.
struct PartFile {
    path: PathBuf,
    /// Until it is finished.
    file: Option<Unfinished>,
}

impl PartFile {
    fn create(path: &Path) -> Result<PartFile> {
        if is_special(path) {
            let no_file = io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file");
            return Err(Error::write(path)(no_file));
        }
        let file = Unfinished::begin(path).map_err(Error::write(path))?;
        Ok(PartFile {
            path: path.to_owned(),
            file: Some(file),
        })
    }

    fn file(&mut self) -> io::Result<&mut Unfinished> {
        self.file
            .as_mut()
            .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(Error::write(&self.path))
    }

    fn finish(&mut self) -> Result<()> {
        let finished = self.file.take().map_or(Ok(()), Unfinished::finish);
        finished.map_err(Error::write(&self.path))
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Seek for PartFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}
