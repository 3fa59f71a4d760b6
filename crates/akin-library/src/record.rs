//! A paper's record as it is stored: JSON with a checksum.
//!
//! SQLite has no checksums, so a flipped bit in a record would go unnoticed. The record has its own.

use super::layout::Layout;
use akin_base::error::{Error, Result};
use akin_base::paper::{Paper, TextHash};
use akin_base::vectors::Owner;

/// The owner that the row of a text's embedding names.
pub(super) fn owner(text: TextHash) -> Owner {
    *text.0.first_chunk().expect("a text's hash has 16 bytes")
}

/// A record's stored form: JSON, and the CRC-32 of its bytes.
pub(super) fn to_stored(paper: &Paper) -> (String, u32) {
    let json = serde_json::to_string(paper).expect("a paper is plain data");
    let sum = crc32fast::hash(json.as_bytes());
    (json, sum)
}

/// The paper of a stored record.
///
/// # Errors
/// [`Error::Damaged`] if it does not match its checksum, or is not a record.
pub(super) fn from_stored(layout: &Layout, json: &str, sum: u32) -> Result<Paper> {
    parse(json, sum)
        .map_err(|what| Error::damaged(layout.database(), format!("a paper's record: {what}")))
}

/// The same, with the reason as text if it fails.
pub(super) fn parse(json: &str, sum: u32) -> Result<Paper, String> {
    if crc32fast::hash(json.as_bytes()) != sum {
        return Err("it does not match its checksum".to_owned());
    }
    serde_json::from_str(json).map_err(|e| e.to_string())
}
