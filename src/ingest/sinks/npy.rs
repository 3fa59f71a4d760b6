//! NumPy files: the vectors as `.npy`, the ids in a text file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use akin_base::hex::hex;
use half::f16;

use super::{Dtype, PartFile, VectorSink, VectorType, WRITER};
use crate::error::{Error, Result};

/// A NumPy `.npy` file (format 1.0, `<f4` or `<f2`, shape `[papers, dim]`). The ids are in a file
/// of the same name that ends in `.ids.txt`, one per line. A third one ends in `.space.json` and has
/// the fingerprint of their space. All appear under their names only when whole.
pub struct Npy {
    path: PathBuf,
    vector_type: VectorType,
    n_rows: u64,
    vectors: PartFile,
    ids: PartFile,
    space: PartFile,
}

/// Bytes of a `.npy` header: a multiple of 64, with room for any shape.
const NPY_HEADER_BYTES: usize = 128;

impl Npy {
    /// Begins `path`.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path, vector_type: VectorType) -> Result<Npy> {
        let mut vectors = PartFile::create(path)?;
        vectors.put(&[0; NPY_HEADER_BYTES])?;
        Ok(Npy {
            path: path.to_owned(),
            vector_type,
            n_rows: 0,
            vectors,
            ids: PartFile::create(&Npy::ids_beside(path))?,
            space: PartFile::create(&Npy::space_beside(path))?,
        })
    }

    /// The path of such a file's ids.
    pub fn ids_beside(path: &Path) -> PathBuf {
        path.with_extension("ids.txt")
    }

    /// The path of the file that says which space such vectors are in.
    pub fn space_beside(path: &Path) -> PathBuf {
        path.with_extension("space.json")
    }

    /// Whether a file and its ids are as written here: the same number of ids and vectors, and
    /// nothing else.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_whole(path: &Path) -> io::Result<bool> {
        let mut header = [0; NPY_HEADER_BYTES];
        let mut file = File::open(path)?;
        let n_bytes = file.metadata()?.len();
        if n_bytes < NPY_HEADER_BYTES as u64 || !Npy::ids_beside(path).is_file() {
            return Ok(false);
        }
        file.read_exact(&mut header)?;
        let ids = BufReader::new(File::open(Npy::ids_beside(path))?);
        let n_rows = ids.split(b'\n').try_fold(0, |n, id| id.map(|_| n + 1))?;
        let types = [(Dtype::F32, 4), (Dtype::F16, 2)];
        Ok(types.into_iter().any(|(dtype, n_number_bytes)| {
            let n_numbers = (n_bytes - NPY_HEADER_BYTES as u64) / n_number_bytes;
            let dim = n_numbers.checked_div(n_rows).unwrap_or_default() as usize;
            let is_full = dim as u64 * n_rows * n_number_bytes + NPY_HEADER_BYTES as u64 == n_bytes;
            // If there are no vectors, their length is unknown.
            let start = npy_header(n_rows, dim, dtype);
            is_full && (header == start[..] || n_rows == 0)
        }))
    }
}

impl VectorSink for Npy {
    fn put(&mut self, ids: &[String], vectors: &[Vec<f32>]) -> Result<()> {
        for (id, vector) in ids.iter().zip(vectors) {
            let numbers = vector.iter();
            let bytes: Vec<u8> = match self.vector_type.dtype {
                Dtype::F32 => numbers.flat_map(|x| x.to_le_bytes()).collect(),
                Dtype::F16 => numbers
                    .flat_map(|x| f16::from_f32(*x).to_le_bytes())
                    .collect(),
            };
            self.vectors.put(&bytes)?;
            self.ids.put(format!("{}\n", one_line(id)).as_bytes())?;
            self.n_rows += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let header = npy_header(self.n_rows, self.vector_type.dim, self.vector_type.dtype);
        self.vectors
            .seek(SeekFrom::Start(0))
            .map_err(Error::write(&self.path))?;
        self.vectors.put(&header)?;
        let fingerprint = hex(self.vector_type.fingerprint);
        let space = format!("{{\"fingerprint\":\"{fingerprint}\",\"writer\":\"{WRITER}\"}}\n");
        self.space.put(space.as_bytes())?;
        self.space.finish()?;
        self.ids.finish()?;
        self.vectors.finish()
    }
}

/// An id without surrounding line ends, which would shift all that follow.
fn one_line(id: &str) -> &str {
    if id.contains(char::is_control) {
        id.trim()
    } else {
        id
    }
}

/// The header of NumPy's format 1.0: magic, version, length, and a Python literal padded with
/// spaces to a line.
fn npy_header(n_rows: u64, dim: usize, dtype: Dtype) -> Vec<u8> {
    let descr = match dtype {
        Dtype::F32 => "<f4",
        Dtype::F16 => "<f2",
    };
    let shape =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({n_rows}, {dim}), }}");
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    let literal_bytes = NPY_HEADER_BYTES - header.len() - 2;
    header.extend((literal_bytes as u16).to_le_bytes());
    header.extend(format!("{shape:<width$}\n", width = literal_bytes - 1).as_bytes());
    header
}
