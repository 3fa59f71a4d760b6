//! Text that a person hands over as a whole: a draft, a list of follows.
//!
//! In: a file's name, or `-` for stdin. Out: its bytes, at most [`MOST_BYTES`]: what has no end is an error,
//! not all of the memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use akin::Error;

use super::fault::Fault;

/// More than any draft has: a book is a tenth of it.
const MOST_BYTES: u64 = 32 << 20;

/// Reads a file, or stdin where it is called `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    match path.as_os_str() == "-" {
        true => read_from(&mut std::io::stdin(), Path::new("stdin")),
        false => read_from(&mut File::open(path).map_err(Error::read(path))?, path),
    }
}

fn read_from(input: &mut impl Read, name: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = input.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(Error::read(name))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Fault::usage(format!(
            "{} has more than {} MiB, and is no text to be read as a whole; `akin add` reads dumps",
            name.display(),
            MOST_BYTES >> 20
        )));
    }
    Ok(bytes)
}
