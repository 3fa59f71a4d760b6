//! Files that are read whole: up to a length, as some have no end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The longest draft, or file of follows.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a file, or stdin where none is given.
pub(super) fn whole(file: Option<&Path>) -> io::Result<Vec<u8>> {
    match file {
        Some(path) => whole_of(File::open(path)?),
        None => whole_of(io::stdin()),
    }
}

fn whole_of(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(io::Error::other("it is longer than 64 MiB")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_refused() {
        assert_eq!(whole_of(&b"a draft"[..]).expect("a text"), b"a draft");
        let endless = whole_of(io::repeat(b'x')).expect_err("no end");
        assert_eq!(endless.to_string(), "it is longer than 64 MiB");
    }
}
