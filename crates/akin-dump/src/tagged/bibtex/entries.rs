//! A BibTeX file to entries: the bytes of one `@type{…}` or `@type(…)` each.
//!
//! Text between entries is comment, as in BibTeX, and so is a line that begins with `%`, as in
//! Biber. `@comment`, `@preamble` and the entries that styles keep for themselves give no record
//! (`@xdata` is for `inherited.rs`). `@string` entries are kept for the records after them
//! ([`DumpContext::around`]). An entry ends at its balancing brace; braces after a backslash do not
//! count. An entry that never ends is one bad record: a line that begins with `@word{` begins the
//! next one.
//!
//! At most one entry is held, and the definitions of `@string` entries, which are bounded too.
//! Places are the lines on which entries begin. What is inside an entry is for `fields.rs`.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader};
use std::mem;

use encoding_rs::WINDOWS_1252;

use super::fields::{define, word_of};
use crate::frame::{Frame, Framed, MAX_LINE_BYTES};
use crate::record::DumpContext;
use crate::reject::{Rejection, Unit};
use crate::source::bytes::Bytes;
use crate::tagged::blocks::KEPT_BYTES;

const BUFFER_BYTES: usize = 128 << 10;

/// No `@word{` is longer, white space included.
const MAX_HEAD_BYTES: usize = 64;

/// Entries that are not works.
const OTHER_ENTRIES: [&str; 5] = ["comment", "preamble", "set", "control", "ieeetranbstctl"];

/// Reads entries.
pub(crate) struct EntryReader {
    input: BufReader<Bytes>,
    /// The line of the byte that is read next.
    line: u64,
    /// The start of that line, at most [`MAX_HEAD_BYTES`].
    head: Vec<u8>,
    at_line_start: bool,
    /// The line is a comment if it is between entries.
    in_comment: bool,
    /// The start of the entry that ended the one before it, and its line.
    next: Option<(Vec<u8>, u64)>,
    /// What the `@string` entries so far define.
    strings: String,
    /// The place of the last entry, or of a failure.
    start: u64,
    ended: bool,
}

/// How an entry ended.
enum Ending {
    Closed,
    /// The next entry began before it did.
    Interrupted,
    EndOfDump,
}

impl Frame for EntryReader {
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed {
        if self.ended {
            buffer.clear();
            return Framed::End;
        }
        let chunk = self.advance(buffer).unwrap_or_else(|error| {
            self.start = self.line;
            Framed::Failed(error)
        });
        self.ended = matches!(chunk, Framed::End | Framed::Failed(_) | Framed::Unfinished);
        chunk
    }

    fn place(&self) -> (u64, Unit) {
        (self.start, Unit::Line)
    }

    fn set_context(&self, context: &mut DumpContext) {
        // They only ever grow.
        if context.around.len() != self.strings.len() {
            context.around.clone_from(&self.strings);
        }
    }
}

impl EntryReader {
    pub(crate) fn new(bytes: Bytes) -> EntryReader {
        EntryReader {
            input: BufReader::with_capacity(BUFFER_BYTES, bytes),
            line: 1,
            head: Vec::new(),
            at_line_start: true,
            in_comment: false,
            next: None,
            strings: String::new(),
            start: 0,
            ended: false,
        }
    }

    /// What the `@string` entries so far define.
    pub(crate) fn strings(&self) -> &str {
        &self.strings
    }

    /// Reads up to the end of the next entry that is a record.
    fn advance(&mut self, entry: &mut Vec<u8>) -> io::Result<Framed> {
        loop {
            if !self.find_start(entry)? {
                return Ok(Framed::End);
            }
            let word = word_of(entry).to_ascii_lowercase();
            let (ending, is_too_long) = self.read_rest(entry)?;
            let is_closed = matches!(ending, Ending::Closed) && !is_too_long;
            if word == b"string" {
                if is_closed {
                    // As records are read that are not in UTF-8.
                    let text = match std::str::from_utf8(entry) {
                        Ok(text) => Cow::Borrowed(text),
                        Err(_) => WINDOWS_1252.decode(entry).0,
                    };
                    define(&text, &mut self.strings);
                }
            } else if OTHER_ENTRIES.iter().all(|other| word != other.as_bytes()) {
                let limit_bytes = MAX_LINE_BYTES;
                return Ok(match ending {
                    _ if is_too_long => Framed::Bad(Rejection::TooLong { limit_bytes }),
                    Ending::EndOfDump => Framed::Unfinished,
                    Ending::Closed | Ending::Interrupted => Framed::Record,
                });
            }
        }
    }

    /// Reads up to the brace of the next `@word{`, and leaves that in `entry`.
    fn find_start(&mut self, entry: &mut Vec<u8>) -> io::Result<bool> {
        entry.clear();
        if let Some((start, line)) = self.next.take() {
            *entry = start;
            self.start = line;
            return Ok(true);
        }
        while let Some(byte) = self.byte()? {
            if self.in_comment {
                continue;
            }
            if byte == b'@' {
                entry.clear();
                self.start = self.line;
            } else if entry.is_empty() {
                continue;
            }
            entry.push(byte);
            match head_state(entry) {
                HeadState::Open => return Ok(true),
                HeadState::Begun => {}
                HeadState::Other => entry.clear(),
            }
        }
        Ok(false)
    }

    /// Reads up to the end of the entry whose start is in `entry`; whether it is too long.
    fn read_rest(&mut self, entry: &mut Vec<u8>) -> io::Result<(Ending, bool)> {
        let mut scan = BraceScan::new(entry.last() == Some(&b'('));
        let mut is_too_long = false;
        while let Some(byte) = self.byte()? {
            if entry.len() < MAX_LINE_BYTES && !is_too_long {
                entry.push(byte);
            } else if !is_too_long {
                is_too_long = true;
                entry.truncate(KEPT_BYTES);
                entry.shrink_to(KEPT_BYTES);
            }
            if self.begins_entry(byte, scan.in_parens) {
                let head = mem::take(&mut self.head);
                let kept = entry.len().saturating_sub(head.len());
                if !is_too_long {
                    entry.truncate(kept);
                }
                self.next = Some((head, self.line));
                return Ok((Ending::Interrupted, is_too_long));
            }
            if scan.closes(byte) {
                return Ok((Ending::Closed, is_too_long));
            }
        }
        Ok((Ending::EndOfDump, is_too_long))
    }

    /// Whether `byte`, which was read last, is the brace of an `@word{` at a line's start.
    fn begins_entry(&self, byte: u8, in_parens: bool) -> bool {
        (byte == b'{' || (byte == b'(' && in_parens))
            && self.head.first() == Some(&b'@')
            && matches!(head_state(&self.head), HeadState::Open)
    }

    /// Reads a byte and notes its place.
    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = loop {
            match self.input.fill_buf() {
                Ok([]) => return Ok(None),
                Ok(bytes) => break bytes[0],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        self.input.consume(1);
        if mem::take(&mut self.at_line_start) {
            self.head.clear();
            self.in_comment = byte == b'%';
        }
        if byte == b'\n' {
            self.line += 1;
            self.at_line_start = true;
        } else if self.head.len() < MAX_HEAD_BYTES {
            self.head.push(byte);
        }
        Ok(Some(byte))
    }
}

/// What the bytes from an `@` on are.
enum HeadState {
    /// `@word{` or `@word(`, whole.
    Open,
    /// The beginning of one.
    Begun,
    Other,
}

fn head_state(bytes: &[u8]) -> HeadState {
    if bytes.len() > MAX_HEAD_BYTES {
        return HeadState::Other;
    }
    let word = word_of(bytes);
    let rest = bytes
        .get(1 + word.len()..)
        .unwrap_or(b"")
        .trim_ascii_start();
    match rest {
        [] => HeadState::Begun,
        [b'{' | b'('] if !word.is_empty() => HeadState::Open,
        _ => HeadState::Other,
    }
}

/// Follows the braces of an entry.
struct BraceScan {
    in_parens: bool,
    depth: u32,
    in_quotes: bool,
    is_escaped: bool,
}

impl BraceScan {
    fn new(in_parens: bool) -> BraceScan {
        BraceScan {
            in_parens,
            depth: 0,
            in_quotes: false,
            is_escaped: false,
        }
    }

    /// Whether `byte` is the last one of the entry.
    fn closes(&mut self, byte: u8) -> bool {
        if mem::take(&mut self.is_escaped) {
            return false;
        }
        match byte {
            b'\\' => self.is_escaped = true,
            b'{' => self.depth += 1,
            b'}' if self.depth > 0 => self.depth -= 1,
            b'}' => return !self.in_parens,
            b'"' if self.depth == 0 => self.in_quotes = !self.in_quotes,
            b')' => return self.in_parens && self.depth == 0 && !self.in_quotes,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::tagged::blocks::tests::records;

    fn reader(text: &str) -> EntryReader {
        EntryReader::new(Box::new(Cursor::new(text.as_bytes().to_vec())))
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(records(&mut reader(text)), expected, "{text}");
    }

    #[test]
    fn entries_end_where_their_braces_do() {
        check("@a{k, t = {x {y} z}}", &["1:@a{k, t = {x {y} z}}"]);
        check(
            "words\n@a{k,\r\n t = \"{\"}\",}\n@b ( k , t = \"x)\" ) @c{k}",
            &[
                "2:@a{k,\r| t = \"{\"}\",}",
                "4:@b ( k , t = \"x)\" )",
                "4:@c{k}",
            ],
        );
        check(
            r"@a{k, t = {0 \} 1 \\}}@b{}",
            &[r"1:@a{k, t = {0 \} 1 \\}}", "1:@b{}"],
        );
    }

    #[test]
    fn what_stands_between_is_comment() {
        check(
            "mail me@host.org {x}\n%@a{k}\n @b{k}\n@comment{@c{k}}\n@Preamble{\"x\"}\n@\n@ d",
            &["3:@b{k}"],
        );
        check("", &[]);
        check("@", &[]);
    }

    #[test]
    fn strings_are_kept_for_what_follows() {
        let mut reader = reader("@string{a = {b}}\n@x{k}\n@STRING(c = \"d\")\n@y{k}");
        let mut context = DumpContext::default();
        let mut buffer = Vec::new();
        let mut around = Vec::new();
        while matches!(reader.next_chunk(&mut buffer), Framed::Record) {
            reader.set_context(&mut context);
            around.push(context.around.matches(['b', 'd']).collect::<String>());
        }
        assert_eq!(around, ["b", "bd"]);
    }

    #[test]
    fn an_entry_that_never_ends_is_one_bad_record() {
        check(
            "@a{k, t = {x,\n}\n@b{k}\n",
            &["1:@a{k, t = {x,|}", "3:@b{k}"],
        );
        check("@a{k}\n@b{k, t = {x", &["1:@a{k}", "2:?"]);
        check("@a{k, t = {mail\nx@b{k}}}", &["1:@a{k, t = {mail|x@b{k}}}"]);
        check("@comment{ x\n@b{k}\n@comment{", &["2:@b{k}"]);
        check("@a(k, t = 1\n@b(k)", &["1:@a(k, t = 1", "2:@b(k)"]);
    }

    #[test]
    fn an_entry_that_is_too_long_is_skipped() {
        let long = "x".repeat(MAX_LINE_BYTES);
        check(
            &format!("@a{{k}}\n@b{{k, t = {{{long}}}}}\n@c{{k}}"),
            &["1:@a{k}", "2:!", "3:@c{k}"],
        );
        check(
            &format!("@b{{k, t = {{{long}\n@c{{k}}"),
            &["1:!", "2:@c{k}"],
        );
    }
}
