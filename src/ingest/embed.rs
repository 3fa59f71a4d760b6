//! Vectors only: dumps to a file or a stream of embeddings, without a library.
//!
//! In: sources and an encoder. Out: one embedding a paper, in the order of the dumps, to a
//! [`VectorSink`]: [`Npy`] with its ids beside it, or [`JsonLines`]. Nothing is merged: a dump
//! that has a paper twice gets two vectors.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Report;
use super::chunks;
use crate::dump::Source;
use crate::encoder::{Encoder, Role};
use crate::error::{Error, Result};
use crate::paper::PaperId;
use crate::progress::{Observer, Stage};

/// What embedding without a library came to: `counts.n_stored` are the vectors written.
pub type EmbedReport = Report;

/// Where embeddings go, in order.
pub trait VectorSink {
    /// Takes one paper's embedding, shape `[dim]`.
    ///
    /// # Errors
    /// [`Error::Write`].
    fn put(&mut self, id: &PaperId, vector: &[f32]) -> Result<()>;

    /// Puts everything in its final place; without it a file sink leaves nothing.
    ///
    /// # Errors
    /// [`Error::Write`].
    fn finish(&mut self) -> Result<()>;
}

/// Embeds every paper of the dumps into a sink.
///
/// # Errors
/// What the encoder or the sink fail with. A dump that cannot be read is in the report.
pub fn embed(
    encoder: &Encoder,
    sources: &[Source],
    sink: &mut dyn VectorSink,
    observer: &dyn Observer,
) -> Result<EmbedReport> {
    let mut report = EmbedReport::default();
    observer.begin(Stage::Embed, None);
    chunks::read_beside(sources, |chunk| {
        let n_rejected = chunk.rejected.len() as u64;
        report.counts.n_rejected += n_rejected;
        report.counts.n_read += n_rejected + chunk.papers.len() as u64;
        report.list(chunk.rejected, chunk.failed);
        observer.advance(n_rejected);

        let passages: Vec<String> = chunk.papers.iter().map(|p| p.passage()).collect();
        let embedded = encoder.embed(&passages, Role::Passage, observer)?;
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        report.n_tokens += embedded.n_tokens;
        report.counts.n_truncated += embedded.truncated.iter().filter(|cut| **cut).count() as u64;
        for (paper, vector) in chunk.papers.iter().zip(embedded.vectors) {
            sink.put(&paper.id, &vector.ok_or(Error::Interrupted)?)?;
            report.counts.n_stored += 1;
            report.n_embedded += 1;
        }
        if let Some(total) = chunks::estimate(report.counts.n_read, chunk.share_read) {
            observer.estimate(total);
        }
        Ok(true)
    })?;
    observer.end();
    sink.finish()?;
    Ok(report)
}

/// A NumPy `.npy` file (format 1.0, `<f4`, shape `[papers, dim]`) and the ids, one a line, in a
/// file of the same name that ends in `.ids.txt`. Both appear under their names only when whole.
pub struct Npy {
    path: PathBuf,
    dim: usize,
    n_rows: u64,
    vectors: Part,
    ids: Part,
}

/// A file under a temporary name.
struct Part {
    temporary: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
}

impl Part {
    fn create(path: PathBuf) -> Result<Part> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let temporary = PathBuf::from(name);
        let file = File::create(&temporary).map_err(Error::write(&temporary))?;
        Ok(Part {
            temporary,
            path,
            file: BufWriter::new(file),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(Error::write(&self.temporary))
    }

    fn finish(&mut self) -> Result<()> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .and_then(|()| std::fs::rename(&self.temporary, &self.path))
            .map_err(Error::write(&self.path))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After `finish` there is nothing under the temporary name; before it, what is there
        // is of no use to anyone.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Bytes of a `.npy` header: a multiple of 64, with room for any shape.
const NPY_HEADER_BYTES: usize = 128;

impl Npy {
    /// Begins `path` for vectors of `dim` numbers.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path, dim: usize) -> Result<Npy> {
        let mut vectors = Part::create(path.to_owned())?;
        vectors.write(&[0; NPY_HEADER_BYTES])?;
        Ok(Npy {
            path: path.to_owned(),
            dim,
            n_rows: 0,
            vectors,
            ids: Part::create(path.with_extension("ids.txt"))?,
        })
    }

    /// Where the ids go.
    pub fn ids_path(&self) -> &Path {
        &self.ids.path
    }
}

impl VectorSink for Npy {
    fn put(&mut self, id: &PaperId, vector: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.vectors.write(&bytes)?;
        self.ids.write(format!("{id}\n").as_bytes())?;
        self.n_rows += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let header = npy_header(self.n_rows, self.dim);
        self.vectors
            .file
            .seek(SeekFrom::Start(0))
            .map_err(Error::write(&self.path))?;
        self.vectors.write(&header)?;
        self.ids.finish()?;
        self.vectors.finish()
    }
}

/// The header of NumPy's format 1.0: magic, version, length, and a Python literal padded with
/// spaces to a line.
fn npy_header(n_rows: u64, dim: usize) -> Vec<u8> {
    let shape = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_rows}, {dim}), }}");
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    let literal_bytes = NPY_HEADER_BYTES - header.len() - 2;
    header.extend((literal_bytes as u16).to_le_bytes());
    header.extend(format!("{shape:<width$}\n", width = literal_bytes - 1).as_bytes());
    header
}

/// One JSON object a line: `{"id": …, "embedding": […]}`.
pub struct JsonLines<W: Write> {
    out: W,
    name: PathBuf,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`, which errors call `name`.
    pub fn new(out: W, name: impl Into<PathBuf>) -> JsonLines<W> {
        JsonLines {
            out,
            name: name.into(),
        }
    }
}

/// JSON Lines in a file that appears under its name only when whole.
struct JsonLinesFile(Part);

impl JsonLines<Vec<u8>> {
    /// A sink into the file `path`, which appears under its name only when whole.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path) -> Result<impl VectorSink + use<>> {
        Part::create(path.to_owned()).map(JsonLinesFile)
    }
}

impl VectorSink for JsonLinesFile {
    fn put(&mut self, id: &PaperId, vector: &[f32]) -> Result<()> {
        self.0.write(&json_line(id, vector))
    }

    fn finish(&mut self) -> Result<()> {
        self.0.finish()
    }
}

fn json_line(id: &PaperId, vector: &[f32]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<'a> {
        id: &'a PaperId,
        embedding: &'a [f32],
    }
    let line = Line {
        id,
        embedding: vector,
    };
    let mut json = serde_json::to_vec(&line).expect("ids and numbers are plain data");
    json.push(b'\n');
    json
}

impl<W: Write> VectorSink for JsonLines<W> {
    fn put(&mut self, id: &PaperId, vector: &[f32]) -> Result<()> {
        let json = json_line(id, vector);
        self.out.write_all(&json).map_err(Error::write(&self.name))
    }

    fn finish(&mut self) -> Result<()> {
        self.out.flush().map_err(Error::write(&self.name))
    }
}
