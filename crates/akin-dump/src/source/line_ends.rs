//! Text as its readers expect it: without a BOM before it, and in lines that end with a line feed.
//!
//! In: the bytes of a dump, with their start already known. Out: the same bytes. If a text's first
//! line ends in CR alone, as old Macs and Excel for Mac write it, each such CR becomes a line feed.
//! CR before a line feed stays: the readers of lines take it off. Binary data is left unchanged,
//! and so is XML, which handles all line ends itself.
//!
//! Invariants: the number of bytes stays the same, except for the BOM. A CR inside a JSON string
//! does not end a line, nor does one in the first quoted cell of a table.

use std::io::{self, Read};

use super::bytes::{Bytes, Peeked};

/// Bytes that are examined at a time.
const PIECE_BYTES: usize = 64 << 10;

pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A BOM that was taken for three characters and encoded as UTF-8 again.
const BOM_TWICE: &[u8] = b"\xC3\xAF\xC2\xBB\xC2\xBF";

/// A dump from its first visible character on, with line feeds at its line ends.
pub(crate) fn unified(mut peeked: Peeked) -> io::Result<Peeked> {
    while let Some(bom) = [BOM, BOM_TWICE]
        .iter()
        .find(|bom| peeked.start.starts_with(bom))
    {
        let mut passed = peeked.whole.by_ref().take(bom.len() as u64);
        io::copy(&mut passed, &mut io::sink())?;
        peeked.start.drain(..bom.len());
    }
    if !ends_in_cr(&peeked.start, peeked.complete) {
        return Ok(peeked);
    }
    let mut lines = CrLines::new(Box::new(io::Cursor::new(peeked.start)));
    let mut start = Vec::new();
    lines.read_to_end(&mut start)?;
    Ok(Peeked {
        start,
        complete: peeked.complete,
        whole: with_line_feeds(peeked.whole),
    })
}

/// Bytes in which each CR without a line feed becomes one.
pub(crate) fn with_line_feeds(bytes: Bytes) -> Bytes {
    Box::new(CrLines::new(bytes))
}

/// Whether a text that starts like this ends its first line in CR alone.
fn ends_in_cr(start: &[u8], complete: bool) -> bool {
    let text = start.trim_ascii_start();
    if !start.contains(&b'\r') || start.contains(&0) || text.starts_with(b"<") {
        return false;
    }
    let is_json = text.starts_with(b"{") || text.starts_with(b"[");
    let is_lone = |at: usize| match end_of_run(start, at) {
        Some(next) => next != b'\n',
        None => complete,
    };
    match first_line_end(start, is_json) {
        Some(at) => start[at] == b'\r' && is_lone(at),
        // All of it is in quotes, one of them possibly a sign for inches.
        None => !is_json && !start.contains(&b'\n'),
    }
}

/// The first byte from `at` on that is not CR.
fn end_of_run(bytes: &[u8], at: usize) -> Option<u8> {
    bytes[at..].iter().copied().find(|&byte| byte != b'\r')
}

/// Where the first line ends that is not blank: not inside a string of JSON, or a cell in quotes.
fn first_line_end(bytes: &[u8], is_json: bool) -> Option<usize> {
    let mut in_quotes = false;
    let mut last = b'\n';
    let mut is_blank = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if in_quotes && is_json => at += 1,
            b'"' if in_quotes => in_quotes = false,
            b'"' => {
                in_quotes = is_json || matches!(last, b'\n' | b'\r' | b',' | b';' | b'\t' | b'|')
            }
            b'\r' | b'\n' if !in_quotes && !is_blank => return Some(at),
            _ => {}
        }
        is_blank &= byte.is_ascii_whitespace();
        last = byte;
        at += 1;
    }
    None
}

/// Turns lone CRs into line feeds.
struct CrLines {
    inner: Bytes,
    piece: Vec<u8>,
    /// How much of `piece` was passed on, and how much can be.
    given: usize,
    ready: usize,
    /// An error that came after the bytes that are still to be passed on.
    failed: Option<io::Error>,
    ended: bool,
}

impl CrLines {
    fn new(inner: Bytes) -> CrLines {
        CrLines {
            inner,
            piece: Vec::new(),
            given: 0,
            ready: 0,
            failed: None,
            ended: false,
        }
    }

    /// Reads the next piece. CRs at its end wait for what follows them.
    fn advance(&mut self) {
        self.piece.drain(..self.ready);
        self.given = 0;
        let held = self.piece.len();
        self.piece.resize(held + PIECE_BYTES, 0);
        let n_read = loop {
            match self.inner.read(&mut self.piece[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        self.piece.truncate(held + *n_read.as_ref().unwrap_or(&0));
        self.ended = !matches!(n_read, Ok(1..));
        self.failed = n_read.err();
        self.ready = self.piece.len();
        if !self.ended {
            let after_cr = self.piece.iter().rposition(|&byte| byte != b'\r');
            self.ready = after_cr.map_or(0, |at| at + 1);
        }
        end_lines(&mut self.piece[..self.ready], self.ended);
    }
}

/// Writes a line feed over every CR of a run that none follows; `is_last` if nothing follows.
fn end_lines(bytes: &mut [u8], is_last: bool) {
    let mut at = 0;
    while let Some(gap) = bytes[at..].iter().position(|&byte| byte == b'\r') {
        let start = at + gap;
        let length = bytes[start..].iter().take_while(|&&byte| byte == b'\r');
        at = start + length.count();
        let is_lone = match bytes.get(at) {
            Some(next) => *next != b'\n',
            None => is_last,
        };
        if is_lone {
            bytes[start..at].fill(b'\n');
        }
    }
}

impl Read for CrLines {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.ended {
                return Ok(0);
            }
            self.advance();
        }
        let n = buf.len().min(self.ready - self.given);
        buf[..n].copy_from_slice(&self.piece[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::bytes::peek;
    use crate::tests::Drip;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        for drip in [1, 3, PIECE_BYTES] {
            let bytes = Drip(io::Cursor::new(text.as_bytes().to_vec()), drip);
            let peeked = peek(Box::new(bytes), PIECE_BYTES).expect("memory");
            let mut unified = unified(peeked).expect("memory");
            let mut read = String::new();
            unified.whole.read_to_string(&mut read).expect("UTF-8");
            assert_eq!(read, expected, "{text:?} by {drip}");
            assert!(expected.as_bytes().starts_with(&unified.start), "{text:?}");
        }
    }

    fn check_same(text: &str) {
        check(text, text);
    }

    #[test]
    fn lone_crs_become_line_feeds() {
        check("a,b\rc,d\r", "a,b\nc,d\n");
        check("TY  - JOUR\r\rER  - \r", "TY  - JOUR\n\nER  - \n");
        check("{\"a\": 1}\r{\"b\": 2}", "{\"a\": 1}\n{\"b\": 2}");
        check("\r\rtitle\rx", "\n\ntitle\nx");
        check("% \"x\r@a{k}", "% \"x\n@a{k}");
        // Excel for Mac has line feeds inside cells.
        check("\"t\na\",b\r\"x\ny\",z\r", "\"t\na\",b\n\"x\ny\",z\n");
        // Two files after one another.
        check("a\rb\r\nc\nd\r", "a\nb\r\nc\nd\n");
        check("\"a,b\rc", "\"a,b\nc");
    }

    #[test]
    fn other_line_ends_stay() {
        check_same("");
        check_same("a\nb\rc\n");
        check_same("a\r\nb\r\n");
        check_same("a\r\r\nb\r\r\n");
        check_same("<a>\r<b/>\r</a>");
        check_same("PAR1\0\r");
        check_same("{\"a\": \"x\ry\"}");
        check_same("{\"a\": \"x\ry\"}\n{\"a\": \"x\\\"\ry\"}\n");
    }

    #[test]
    fn a_bom_is_taken_off() {
        check("\u{feff}a\rb", "a\nb");
        check("\u{feff}\u{feff}a\n", "a\n");
        check("ï»¿a\n", "a\n");
        check("\u{feff}", "");
    }

    #[test]
    fn long_texts_are_unified_to_their_end() {
        let text = "x".repeat(PIECE_BYTES - 1);
        check(
            &format!("a\r{text}\r{text}\r\n\r"),
            &format!("a\n{text}\n{text}\r\n\n"),
        );
    }
}
