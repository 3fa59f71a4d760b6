//! Vectors in NumPy's format, with their ids in a file beside them.
//!
//! Versions 1 to 3 of the format, `<f2`, `<f4` and `<f8`, shape `[papers, dim]`, in C order.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use half::f16;
use serde::Deserialize;

use super::taker::{Take, bad};
use crate::error::{Error, Result};
use crate::ingest::sinks::Npy;

/// The longest header that is read.
const MAX_HEADER_BYTES: usize = 1 << 16;

/// What a header says.
struct NpyHeader {
    number: Number,
    n_rows: usize,
    dim: usize,
}

#[derive(Clone, Copy)]
enum Number {
    F16,
    F32,
    F64,
}

/// What is kept beside the vectors.
#[derive(Deserialize)]
struct Beside {
    fingerprint: String,
}

/// The fingerprint in the file beside the vectors, if there is one.
pub(super) fn fingerprint(path: &Path) -> Result<Option<String>> {
    let beside = Npy::space_beside(path);
    let text = match std::fs::read_to_string(&beside) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(Error::read(&beside))?,
    };
    let beside: Beside = serde_json::from_str(&text)
        .map_err(|e| bad(path, &format!("{} cannot be read: {e}", beside.display())))?;
    Ok(Some(beside.fingerprint))
}

pub(super) fn each(path: &Path, take: Take<'_>) -> Result<()> {
    let file = File::open(path).map_err(Error::read(path))?;
    let n_bytes = file.metadata().map_err(Error::read(path))?.len();
    let mut vectors = BufReader::new(file);
    let (header, n_header_bytes) = read_header(path, &mut vectors)?;
    let width = header.number.n_bytes();
    let expected = header.n_rows.checked_mul(header.dim);
    let expected = expected.and_then(|n| n.checked_mul(width)?.checked_add(n_header_bytes));
    if expected.map(|n| n as u64) != Some(n_bytes) {
        let (n_rows, dim) = (header.n_rows, header.dim);
        let what = format!("it has {n_bytes} bytes, which are not {n_rows} vectors of {dim}");
        return Err(bad(path, &what));
    }
    let ids_path = Npy::ids_beside(path);
    let ids = File::open(&ids_path).map_err(Error::read(&ids_path))?;
    let mut ids = BufReader::new(ids).lines();
    let mut bytes = vec![0; header.dim * width];
    for row in 0..header.n_rows {
        vectors.read_exact(&mut bytes).map_err(Error::read(path))?;
        let Some(id) = ids.next() else {
            let what = format!(
                "it has {} vectors, and {} only {row} ids",
                header.n_rows,
                ids_path.display()
            );
            return Err(bad(path, &what));
        };
        let id = id.map_err(Error::read(&ids_path))?;
        let vector = bytes
            .chunks_exact(width)
            .map(|number| header.number.read(number));
        if !take(&id, vector.collect())? {
            return Ok(());
        }
    }
    if ids.next().is_some() {
        let what = format!("{} has more ids than it has vectors", ids_path.display());
        return Err(bad(path, &what));
    }
    Ok(())
}

/// Reads magic, version, length and literal; returns their number of bytes as well.
fn read_header(path: &Path, file: &mut impl Read) -> Result<(NpyHeader, usize)> {
    let mut start = [0; 8];
    file.read_exact(&mut start).map_err(Error::read(path))?;
    let n_length_bytes = if start[6] == 1 { 2 } else { 4 };
    let mut length = [0; 4];
    let read = file.read_exact(&mut length[..n_length_bytes]);
    read.map_err(Error::read(path))?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER_BYTES {
        return Err(bad(path, "its header is too long"));
    }
    let mut literal = vec![0; length];
    file.read_exact(&mut literal).map_err(Error::read(path))?;
    let literal = String::from_utf8_lossy(&literal);
    let header = parsed(&literal).ok_or_else(|| {
        let what = format!(
            "its header is {:?}; expected <f2, <f4 or <f8 in C order, of two dimensions",
            literal.trim()
        );
        bad(path, &what)
    })?;
    Ok((header, 8 + n_length_bytes + length))
}

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }`.
fn parsed(literal: &str) -> Option<NpyHeader> {
    let value = |key: &str| {
        let (_, rest) = literal.split_once(&format!("'{key}':"))?;
        Some(rest.trim_start())
    };
    let number = match value("descr")?.get(1..4)? {
        "<f2" => Number::F16,
        "<f4" => Number::F32,
        "<f8" => Number::F64,
        _ => return None,
    };
    if !value("fortran_order")?.starts_with("False") {
        return None;
    }
    let (shape, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
    let sizes = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let sizes: Vec<usize> = sizes.map(|size| size.parse().ok()).collect::<Option<_>>()?;
    let [n_rows, dim] = sizes[..] else {
        return None;
    };
    Some(NpyHeader {
        number,
        n_rows,
        dim,
    })
}

impl Number {
    fn n_bytes(self) -> usize {
        match self {
            Number::F16 => 2,
            Number::F32 => 4,
            Number::F64 => 8,
        }
    }

    /// Reads a number of [`Number::n_bytes`].
    fn read(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Number::F16, [a, b]) => f16::from_le_bytes([*a, *b]).to_f32(),
            (Number::F32, [a, b, c, d]) => f32::from_le_bytes([*a, *b, *c, *d]),
            (_, bytes) => bytes
                .try_into()
                .map_or(f32::NAN, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy_are_read() {
        let header =
            parsed("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }").unwrap();
        assert_eq!(
            (header.n_rows, header.dim, header.number.n_bytes()),
            (3, 384, 4)
        );
        for bad in [
            "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 384), }",
            "{'descr': '<i4', 'fortran_order': False, 'shape': (3, 384), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
            "",
        ] {
            assert!(parsed(bad).is_none(), "{bad}");
        }
        assert_eq!(Number::F64.read(&0.5f64.to_le_bytes()), 0.5);
    }
}
