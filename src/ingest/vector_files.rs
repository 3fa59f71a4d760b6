//! Files of vectors that were computed elsewhere, as the sinks write them.
//!
//! In: a file's name. Out: its ids and vectors, in order, and the fingerprint of the space that
//! they are in, if the file carries one.
//!
//! | format | told by | the fingerprint is in |
//! |---|---|---|
//! | NumPy, with its ids in another file | its magic bytes | a file beside it |
//! | Parquet | its magic bytes | its metadata |
//! | Arrow IPC stream | its continuation mark | its metadata |
//! | JSON Lines | its first brace | — |
//!
//! Invariants: memory does not grow with the number of vectors. All vectors of a file have one dim,
//! and finite numbers.

#[cfg(feature = "arrow")]
mod columns;
#[cfg(not(feature = "arrow"))]
#[path = "vector_files/no_columns.rs"]
mod columns;
mod json_lines;
mod npy;
mod taker;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use akin_base::hex::hex;

pub(super) use self::taker::bad;

use crate::encoder::Encoder;
use crate::error::{Error, Result};

/// Bytes that tell the format.
const MAGIC_BYTES: usize = 6;

/// A file of vectors.
#[derive(Debug)]
pub struct VectorFile {
    path: PathBuf,
    format: FileFormat,
    /// As hexadecimal digits.
    fingerprint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileFormat {
    Npy,
    Parquet,
    ArrowStream,
    JsonLines,
}

impl VectorFile {
    /// Opens a file; its vectors are read later.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::BadVectors`] for a file of another kind; [`Error::NotBuilt`].
    pub fn open(path: &Path) -> Result<VectorFile> {
        let mut file = File::open(path).map_err(Error::read(path))?;
        let is_file = file.metadata().is_ok_and(|meta| meta.is_file());
        if !is_file {
            return Err(bad(
                path,
                "it is not a plain file, and is read more than once",
            ));
        }
        let mut magic = Vec::new();
        let start = file.by_ref().take(MAGIC_BYTES as u64);
        let mut start = std::io::BufReader::new(start);
        start.read_to_end(&mut magic).map_err(Error::read(path))?;
        let format = match magic.as_slice() {
            m if m.starts_with(b"\x93NUMPY") => FileFormat::Npy,
            m if m.starts_with(b"PAR1") => FileFormat::Parquet,
            m if m.starts_with(&[0xFF; 4]) => FileFormat::ArrowStream,
            m if m.trim_ascii_start().starts_with(b"{") => FileFormat::JsonLines,
            [] => return Err(bad(path, "it is empty")),
            _ => {
                return Err(bad(
                    path,
                    "it is neither .npy, Parquet, an Arrow stream nor JSON Lines with id and \
                     embedding",
                ));
            }
        };
        let fingerprint = match format {
            FileFormat::Npy => npy::fingerprint(path)?,
            FileFormat::Parquet => columns::fingerprint_of_parquet(path)?,
            FileFormat::ArrowStream => columns::fingerprint_of_stream(path)?,
            FileFormat::JsonLines => None,
        };
        Ok(VectorFile {
            path: path.to_owned(),
            format,
            fingerprint,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that the file does not say that its vectors are another model's.
    ///
    /// # Errors
    /// [`Error::BadVectors`].
    pub fn ensure_is_of(&self, encoder: &Encoder) -> Result<()> {
        let own = hex(encoder.recipe().fingerprint());
        match &self.fingerprint {
            Some(other) if *other != own => Err(bad(
                &self.path,
                &format!(
                    "they were computed with another model or recipe (fingerprint {other}, not {own})"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Passes every id with its vector to `take`, until it answers `false`.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::BadVectors`]; what `take` fails with.
    pub(super) fn each(&self, mut take: impl FnMut(&str, Vec<f32>) -> Result<bool>) -> Result<()> {
        let (mut dim, mut place) = (None, 0u64);
        let mut checked = |id: &str, vector: Vec<f32>| {
            place += 1;
            let expected = *dim.get_or_insert(vector.len());
            if vector.len() != expected || vector.is_empty() {
                let what = format!(
                    "vector {place} (id {id:?}) has {} numbers, the first one {expected}",
                    vector.len()
                );
                return Err(bad(&self.path, &what));
            }
            if !vector.iter().all(|x| x.is_finite()) {
                let what = format!("vector {place} (id {id:?}) has a number that is not finite");
                return Err(bad(&self.path, &what));
            }
            take(id, vector)
        };
        match self.format {
            FileFormat::Npy => npy::each(&self.path, &mut checked),
            FileFormat::Parquet => columns::each_of_parquet(&self.path, &mut checked),
            FileFormat::ArrowStream => columns::each_of_stream(&self.path, &mut checked),
            FileFormat::JsonLines => json_lines::each(&self.path, &mut checked),
        }
    }
}
