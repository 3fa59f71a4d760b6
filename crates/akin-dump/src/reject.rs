//! Records that are not papers: their place, and what is wrong with them.

use std::{fmt, io};

use crate::source::expansion::Bomb;

/// An excerpt holds at most this many characters.
const MAX_EXCERPT_CHARS: usize = 80;

/// Bytes of an id or of a message that are kept of a rejected record: no id is so long.
const MAX_SAID_BYTES: usize = 1024;

/// A record that could not be read as a paper; reading goes on with the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its place, counted from 1: a line, a record or a row (see `unit`).
    pub line: u64,
    /// What `line` counts.
    pub unit: Unit,
    /// The id as the record spells it, if it was read that far.
    pub id: Option<String>,
    /// What is wrong.
    pub reason: Rejection,
    /// The first printable characters of the record, at most 80.
    pub excerpt: String,
}

/// What the place of a record counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Lines of the dump after decompression, blank ones too: JSON Lines and pages of text.
    Line,
    /// Records: JSON arrays and objects that span several lines.
    Record,
    /// Rows: Arrow and Parquet.
    Row,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// A byte sequence that is not valid UTF-8.
    #[error("not UTF-8: a broken character after byte {byte}")]
    NotUtf8 {
        /// Bytes of the record that are sound.
        byte: usize,
    },
    /// Not JSON, or not the JSON that the format has.
    #[error("not readable as JSON: {message}")]
    NotJson {
        /// The message of serde_json, with its column.
        message: String,
    },
    /// Not XML, or an element that does not end.
    #[error("not readable as XML: {message}")]
    NotXml {
        /// The message of quick-xml, or where the record breaks off.
        message: String,
    },
    /// What the source answered instead of a record.
    #[error("not a record, but an error that the source reports: {message}")]
    SourceError {
        /// The source's message.
        message: String,
    },
    /// An entry that is not valid BibTeX.
    #[error("not readable as BibTeX: {message}")]
    NotBibtex {
        /// The parser's message.
        message: String,
    },
    /// JSON, but no object.
    #[error("not a record: {found} instead of a JSON object")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// The title is missing or blank.
    #[error("no title")]
    NoTitle,
    /// Neither title nor text.
    #[error("empty: neither a title nor a text")]
    Empty,
    /// The id is missing or blank.
    #[error("no id")]
    NoId,
    /// The id cannot be one.
    #[error("the id holds control characters")]
    UnusableId,
    /// A field that must be text is not.
    #[error("the {field} is {found}, not text")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// An abstract alone, of a paper that is not there.
    #[error("an abstract of a paper that is not in the library: add the dump of its papers first")]
    NoPaper,
    /// A row whose cells are not those of the header.
    #[error("the row has {found} cells, and the header {expected}")]
    Ragged {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// A row with a quote that nothing closes, or that closes inside a cell.
    #[error("a quote in the row is not closed where a cell ends")]
    Unquoted,
    /// A record that is longer than any paper.
    #[error("longer than {} MiB: skipped", limit_bytes >> 20)]
    TooLong {
        /// The longest that is read.
        limit_bytes: usize,
    },
    /// A title that no abstract follows.
    #[error("a title without an abstract, or a line that belongs to no paper")]
    TitleAlone,
    /// An abstract that no title precedes.
    #[error("a text without a title")]
    TextAlone,
    /// The dump stops inside a record or inside its compressed data.
    #[error("the dump is cut off here: everything before was read")]
    Cut,
    /// The compressed data is damaged.
    #[error("the compressed data is damaged here; everything before was read: {message}")]
    Corrupt {
        /// The decoder's message.
        message: String,
    },
    /// The compressed data grows as no honest dump does.
    #[error("the compressed data expands too far here; everything before was read: {message}")]
    Bomb {
        /// By how much.
        message: String,
    },
    /// The system could not read on.
    #[error("the dump cannot be read from here on: {message}")]
    ReadFailed {
        /// The system's message.
        message: String,
    },
}

impl Rejection {
    /// Whether nothing more can be read from the dump after this.
    pub fn ends_the_dump(&self) -> bool {
        matches!(
            self,
            Rejection::Cut
                | Rejection::Corrupt { .. }
                | Rejection::Bomb { .. }
                | Rejection::ReadFailed { .. }
        )
    }

    /// JSON that breaks off inside a character.
    pub(crate) fn cut_character() -> Rejection {
        Rejection::NotJson {
            message: "EOF while parsing a character".to_owned(),
        }
    }

    /// Whether the record breaks off, as far as its format can tell.
    pub(crate) fn is_unfinished(&self) -> bool {
        match self {
            // The wording of serde_json for a truncated record.
            Rejection::NotJson { message } => message.starts_with("EOF while parsing"),
            _ => false,
        }
    }

    /// What a failed read in the middle of a dump means; `compressed` says whose words it has.
    pub(crate) fn from_read(error: &io::Error, compressed: bool) -> Rejection {
        let message = error.to_string();
        if error.get_ref().is_some_and(|cause| cause.is::<Bomb>()) {
            return Rejection::Bomb { message };
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Rejection::Cut,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other
                if compressed =>
            {
                Rejection::Corrupt { message }
            }
            _ => Rejection::ReadFailed { message },
        }
    }
}

impl Rejected {
    /// Truncates the text that was copied from the record: all rejections are kept in memory.
    pub fn shorten(&mut self) {
        if let Some(id) = &mut self.id {
            shorten(id);
        }
        match &mut self.reason {
            Rejection::NotJson { message }
            | Rejection::NotXml { message }
            | Rejection::SourceError { message }
            | Rejection::NotBibtex { message }
            | Rejection::Corrupt { message }
            | Rejection::Bomb { message }
            | Rejection::ReadFailed { message } => shorten(message),
            _ => {}
        }
    }
}

/// Truncates a text that is longer than a message should be.
pub fn shorten(text: &mut String) {
    if text.len() > MAX_SAID_BYTES {
        text.truncate(text.floor_char_boundary(MAX_SAID_BYTES));
        text.push('…');
        text.shrink_to_fit();
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Line => "line",
            Unit::Record => "record",
            Unit::Row => "row",
        })
    }
}

impl fmt::Display for Rejected {
    /// `line 12: no title`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.unit, self.line, self.reason)
    }
}

/// The start of a record, printable and short.
pub(crate) fn excerpt(record: &[u8]) -> String {
    let head = &record[..record.len().min(MAX_EXCERPT_CHARS * 8)];
    let text = String::from_utf8_lossy(head);
    let printable: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(MAX_EXCERPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_printable() {
        let check = |bytes: &[u8], expected: &str| assert_eq!(excerpt(bytes), expected);
        check(b" {\"a\":\t1}\r\n", "{\"a\": 1}");
        check(b"\0\xff\x1b[0m", "\u{fffd} [0m");
        check("é".repeat(5000).as_bytes(), &"é".repeat(80));
        check(b"", "");
    }

    #[test]
    fn what_is_said_of_a_record_is_short() {
        let mut rejected = Rejected {
            line: 1,
            unit: Unit::Row,
            id: Some("é".repeat(1 << 20)),
            reason: Rejection::SourceError {
                message: "x".repeat(1 << 20),
            },
            excerpt: String::new(),
        };
        rejected.shorten();
        let id = rejected.id.as_deref().expect("an id");
        assert!(id.starts_with('é') && id.ends_with('…') && id.len() < 2000);
        assert!(rejected.to_string().len() < 2000);
        let mut short = "10.1000/182".to_owned();
        shorten(&mut short);
        assert_eq!(short, "10.1000/182");
    }

    #[test]
    fn a_rejection_says_where_and_what() {
        let reason = Rejection::WrongType {
            field: "title",
            found: "a number",
        };
        let rejected = Rejected {
            line: 12,
            unit: Unit::Line,
            id: None,
            reason,
            excerpt: String::new(),
        };
        assert_eq!(
            rejected.to_string(),
            "line 12: the title is a number, not text"
        );
        let reason = Rejection::TooLong {
            limit_bytes: 8 << 20,
        };
        assert_eq!(reason.to_string(), "longer than 8 MiB: skipped");
    }
}
