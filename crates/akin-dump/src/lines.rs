//! A stream of bytes, line by line, with bounded memory.
//!
//! Lines end with `\n`, which any number of `\r` may precede, the last one with or without
//! (`line_ends.rs` knows those that end in `\r` alone). A BOM at a line's start and blank lines are
//! skipped, but still counted.

use std::io::{self, BufRead, BufReader, Read};

use crate::frame::{Frame, Framed, MAX_LINE_BYTES};
use crate::reject::{Rejection, Unit};
use crate::source::bytes::Bytes;
use crate::source::line_ends::BOM;

/// Bytes buffered between the decoder and the lines.
const BUFFER_BYTES: usize = 128 << 10;

/// What is kept of a line that is too long, to show it.
const KEPT_BYTES: usize = 1024;

/// Reads lines.
pub(crate) struct LineReader {
    input: BufReader<Bytes>,
    /// The 1-based line that was read last.
    line: u64,
    failed: Option<io::Error>,
    ended: bool,
    /// The line that was read last is the last one, and nothing ends it.
    is_open: bool,
}

impl Frame for LineReader {
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed {
        self.next_line(buffer)
    }

    fn place(&self) -> (u64, Unit) {
        (self.line, Unit::Line)
    }

    fn may_be_cut(&self) -> bool {
        self.is_open
    }
}

impl LineReader {
    pub(crate) fn new(input: Bytes) -> LineReader {
        LineReader {
            input: BufReader::with_capacity(BUFFER_BYTES, input),
            line: 0,
            failed: None,
            ended: false,
            is_open: false,
        }
    }

    /// The 1-based line that was read last; after [`Framed::Failed`], the one that failed.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next line that is not blank into `line`, without its end.
    pub(crate) fn next_line(&mut self, line: &mut Vec<u8>) -> Framed {
        loop {
            line.clear();
            if self.ended {
                return Framed::End;
            }
            self.line += 1;
            match self.read_line(line) {
                Ok(false) => {
                    self.ended = true;
                    return Framed::End;
                }
                Ok(true) if line.len() > MAX_LINE_BYTES => return self.too_long(line),
                Ok(true) if line.trim_ascii().is_empty() => {}
                Ok(true) => return Framed::Record,
                Err(error) => {
                    self.ended = true;
                    return Framed::Failed(error);
                }
            }
        }
    }

    /// Reads one line, or as much of it as shows that it is too long; `false` at the end.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let limit = MAX_LINE_BYTES as u64 + 2;
        let n = self.input.by_ref().take(limit).read_until(b'\n', line)?;
        let is_ended = line.last() == Some(&b'\n');
        self.is_open = !is_ended;
        if !is_ended && line.len() > MAX_LINE_BYTES {
            self.skip_line();
            return Ok(true);
        }
        line.truncate(line.len() - usize::from(is_ended));
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        while line.starts_with(BOM) {
            line.drain(..BOM.len());
        }
        Ok(n > 0)
    }

    /// Reads past the end of the line; an error waits for the next call.
    fn skip_line(&mut self) {
        loop {
            let (used, ended) = match self.input.fill_buf() {
                Ok([]) => return,
                Ok(bytes) => match bytes.iter().position(|&b| b == b'\n') {
                    Some(at) => (at + 1, true),
                    None => (bytes.len(), false),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.failed = Some(error);
                    return;
                }
            };
            self.input.consume(used);
            if ended {
                return;
            }
        }
    }

    fn too_long(&mut self, line: &mut Vec<u8>) -> Framed {
        line.truncate(KEPT_BYTES);
        line.shrink_to(KEPT_BYTES);
        Framed::Bad(Rejection::TooLong {
            limit_bytes: MAX_LINE_BYTES,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as `number:text`, with `!` for one that is too long and `?` for a failure.
    fn check(bytes: Bytes, expected: &[&str]) {
        let mut reader = LineReader::new(bytes);
        let mut buffer = Vec::new();
        let mut read = Vec::new();
        loop {
            let chunk = reader.next_line(&mut buffer);
            let text = match chunk {
                Framed::End => break,
                Framed::Record => String::from_utf8_lossy(&buffer).into_owned(),
                Framed::Bad(_) => "!".to_owned(),
                Framed::Failed(_) | Framed::Unfinished => "?".to_owned(),
            };
            read.push(format!("{}:{text}", reader.line()));
        }
        assert_eq!(read, expected);
    }

    fn bytes(text: impl Into<Vec<u8>>) -> Bytes {
        Box::new(io::Cursor::new(text.into()))
    }

    #[test]
    fn lines_end_in_every_way() {
        check(bytes("a\nb\r\n\n  \r\nc"), &["1:a", "2:b", "5:c"]);
        check(bytes("a\r\r\n\r\r\nb\rc"), &["1:a", "3:b\rc"]);
        check(bytes("a\r"), &["1:a"]);
        check(bytes("\u{feff}a\n\u{feff}b\n"), &["1:a", "2:b"]);
        check(bytes(""), &[]);
        check(bytes("\n\n"), &[]);
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_one_beyond_is_not() {
        let at = "x".repeat(MAX_LINE_BYTES);
        check(
            bytes(format!("a\n{at}\nb")),
            &["1:a", &format!("2:{at}"), "3:b"],
        );
        check(
            bytes(format!("a\n{at}\r\nb")),
            &["1:a", &format!("2:{at}"), "3:b"],
        );
        check(bytes(format!("a\n{at}x\nb")), &["1:a", "2:!", "3:b"]);
        check(bytes(format!("a\n{at}xyz{at}\nb")), &["1:a", "2:!", "3:b"]);
        check(bytes(format!("a\n{at}xyz")), &["1:a", "2:!"]);
    }

    #[test]
    fn a_failure_ends_the_lines() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        check(
            Box::new(io::Cursor::new("a\nb").chain(Broken)),
            &["1:a", "2:?"],
        );
        let long = "x".repeat(MAX_LINE_BYTES + 9);
        check(
            Box::new(io::Cursor::new(long).chain(Broken)),
            &["1:!", "2:?"],
        );
    }
}
