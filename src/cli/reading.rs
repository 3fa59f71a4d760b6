//! Files that are read whole: up to a length, as some have no end.

use std::fs::File;
use std::io;
use std::path::Path;

use akin::files;

/// Reads a draft or a file of follows, or stdin if none is given.
pub(super) fn whole(file: Option<&Path>) -> io::Result<Vec<u8>> {
    match file {
        Some(path) => files::read_whole(File::open(path)?),
        None => files::read_whole(io::stdin()),
    }
}
