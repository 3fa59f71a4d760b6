//! How much of a record is held while it is read.
//!
//! In: the bytes of a record, or of the text between records. Out: the part that is kept:
//! everything up to [`MAX_LINE_BYTES`]. Of more, a piece from the start to show, and the last tag,
//! which may be the next record's.

use crate::frame::{Framed, MAX_LINE_BYTES};
use crate::reject::Rejection;

/// What is kept of an element that is too long, to show it.
const KEPT_BYTES: usize = 1024;

/// What of the bytes that are read goes into the buffer.
pub(super) struct Keep {
    /// Only the last tag, after this number of bytes; everything if `None`.
    tags_behind: Option<usize>,
    too_long: bool,
}

impl Keep {
    /// Keeps the last tag only.
    pub(super) fn tags() -> Keep {
        Keep {
            tags_behind: Some(0),
            too_long: false,
        }
    }

    /// Keeps all, while it is not too long.
    pub(super) fn all() -> Keep {
        Keep {
            tags_behind: None,
            too_long: false,
        }
    }

    /// Makes room for a tag.
    pub(super) fn begin(&self, buffer: &mut Vec<u8>) {
        if let Some(kept_bytes) = self.tags_behind {
            buffer.truncate(kept_bytes);
        }
    }

    /// Adds the bytes that were read.
    pub(super) fn add(&mut self, bytes: &[u8], is_text: bool, buffer: &mut Vec<u8>) {
        let is_kept = self.tags_behind.is_none() || !is_text;
        if is_kept && buffer.len() <= MAX_LINE_BYTES {
            buffer.extend_from_slice(bytes);
        }
        if self.tags_behind.is_none() && buffer.len() > MAX_LINE_BYTES {
            self.too_long = true;
            self.tags_behind = Some(KEPT_BYTES);
        }
    }

    /// What a record is that has ended.
    pub(super) fn whole(&self, buffer: &mut Vec<u8>) -> Framed {
        if !self.too_long {
            return Framed::Record;
        }
        buffer.truncate(KEPT_BYTES);
        buffer.shrink_to(KEPT_BYTES);
        too_long()
    }

    /// What a record is that has not.
    pub(super) fn broken(&self) -> Framed {
        if self.too_long {
            return too_long();
        }
        bad("the record does not end before the next begins")
    }
}

fn too_long() -> Framed {
    Framed::Bad(Rejection::TooLong {
        limit_bytes: MAX_LINE_BYTES,
    })
}

/// What cannot be a record, and why.
pub(super) fn bad(message: &str) -> Framed {
    let message = message.to_owned();
    Framed::Bad(Rejection::NotXml { message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut keep: Keep, pieces: &[(&str, bool)], expected: &str) {
        let mut buffer = Vec::new();
        for (piece, is_text) in pieces {
            if !is_text {
                keep.begin(&mut buffer);
            }
            keep.add(piece.as_bytes(), *is_text, &mut buffer);
        }
        assert_eq!(String::from_utf8_lossy(&buffer), expected);
    }

    #[test]
    fn all_is_kept_or_the_last_tag() {
        let pieces = [("<a>", false), ("b", true), ("</a>", false), ("c", true)];
        check(Keep::all(), &pieces, "<a>b</a>c");
        check(Keep::tags(), &pieces, "</a>");
    }

    #[test]
    fn of_what_is_too_long_the_start_is_kept() {
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        let pieces = [(&*long, true), ("<a>", false), ("b", true), ("</a>", false)];
        check(
            Keep::all(),
            &pieces,
            &format!("{}</a>", &long[..KEPT_BYTES]),
        );
    }
}
