//! A text of tagged lines to blocks: the lines of one record each.
//!
//! What a line means to the record that is being read is for a [`LineLayout`] to say, one a format;
//! here the lines are gathered. Lines between records are passed over, blank lines and line ends
//! are brought to one form (`\n`). At most one record is held. A record that begins where another
//! has not ended ends it. Places are the lines on which records begin.

use std::mem;

use crate::frame::{Frame, Framed, MAX_LINE_BYTES};
use crate::lines::LineReader;
use crate::reject::{Rejection, Unit};
use crate::source::bytes::Bytes;

/// What is kept of a record that is too long, to show it.
pub(super) const KEPT_BYTES: usize = 1024;

/// What a line means to the record that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It begins a record, and ends the one that is open.
    Start,
    /// It belongs to the record that is open.
    Inside,
    /// It is the last line of the record that is open.
    End,
    /// It belongs to no record.
    Outside,
}

/// A line's place.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinePlace {
    /// A record is open.
    pub(super) in_record: bool,
    /// A blank line precedes it.
    pub(super) after_blank: bool,
}

/// Recognises the lines of one format.
pub(super) trait LineLayout: Send {
    /// What the next line means; called once for every line that is not blank, in order.
    fn mark(&mut self, line: &[u8], place: LinePlace) -> Mark;

    /// Whether the open record may end with the dump.
    fn may_stop(&self) -> bool;
}

/// Reads blocks.
pub(super) struct BlockReader<L> {
    lines: LineReader,
    layout: L,
    /// The last line that was read, or its start if it is too long.
    line: Vec<u8>,
    is_long: bool,
    /// The line begins the next record.
    is_held: bool,
    /// The line before it.
    last_line: u64,
    /// The place of the record, or of a failure.
    start: u64,
}

impl<L: LineLayout> Frame for BlockReader<L> {
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed {
        let mut block = RecordLines::new(buffer);
        if mem::take(&mut self.is_held) {
            self.begin(&mut block);
        }
        loop {
            match self.next_mark(block.is_open) {
                Err(Framed::End) => return self.at_end(&block),
                Err(other) => return other,
                Ok(Mark::Start) if block.is_open => {
                    self.is_held = true;
                    return block.outcome();
                }
                Ok(Mark::Start) => self.begin(&mut block),
                Ok(Mark::Inside) if block.is_open => block.add(&self.line, self.is_long),
                Ok(Mark::End) if block.is_open => {
                    block.add(&self.line, self.is_long);
                    return block.outcome();
                }
                Ok(_) => {}
            }
        }
    }

    fn place(&self) -> (u64, Unit) {
        (self.start, Unit::Line)
    }
}

impl<L: LineLayout> BlockReader<L> {
    pub(super) fn new(bytes: Bytes, layout: L) -> BlockReader<L> {
        BlockReader {
            lines: LineReader::new(bytes),
            layout,
            line: Vec::new(),
            is_long: false,
            is_held: false,
            last_line: 0,
            start: 0,
        }
    }

    /// Reads the next line, or the end of the lines.
    fn next_mark(&mut self, in_record: bool) -> Result<Mark, Framed> {
        self.is_long = match self.lines.next_line(&mut self.line) {
            Framed::Record => false,
            Framed::Bad(_) => true,
            Framed::End => return Err(Framed::End),
            failed => {
                self.start = self.lines.line();
                return Err(failed);
            }
        };
        let after_blank = self.lines.line() > self.last_line + 1;
        self.last_line = self.lines.line();
        let place = LinePlace {
            in_record,
            after_blank,
        };
        Ok(self.layout.mark(&self.line, place))
    }

    fn begin(&mut self, block: &mut RecordLines<'_>) {
        self.start = self.lines.line();
        block.is_open = true;
        block.add(&self.line, self.is_long);
    }

    fn at_end(&self, block: &RecordLines<'_>) -> Framed {
        match block.is_open {
            false => Framed::End,
            true if self.layout.may_stop() => block.outcome(),
            true => Framed::Unfinished,
        }
    }
}

/// The lines of the record that is being read.
struct RecordLines<'a> {
    lines: &'a mut Vec<u8>,
    is_open: bool,
    is_too_long: bool,
}

impl RecordLines<'_> {
    fn new(lines: &mut Vec<u8>) -> RecordLines<'_> {
        lines.clear();
        RecordLines {
            lines,
            is_open: false,
            is_too_long: false,
        }
    }

    fn add(&mut self, line: &[u8], is_long: bool) {
        let fits = !is_long && self.lines.len() + line.len() < MAX_LINE_BYTES;
        if fits && !self.is_too_long {
            self.lines.extend_from_slice(line);
            self.lines.push(b'\n');
            return;
        }
        self.is_too_long = true;
        self.lines.truncate(KEPT_BYTES);
        self.lines.shrink_to(KEPT_BYTES);
        let room = KEPT_BYTES - self.lines.len();
        self.lines.extend_from_slice(&line[..line.len().min(room)]);
    }

    fn outcome(&self) -> Framed {
        if self.is_too_long {
            return Framed::Bad(Rejection::TooLong {
                limit_bytes: MAX_LINE_BYTES,
            });
        }
        Framed::Record
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{self, Cursor, Read};

    use super::*;

    /// The records of a frame as `line:text` with `|` for line ends; `!` for one that is too long,
    /// `?` for one that is cut.
    pub(in crate::tagged) fn records(frame: &mut dyn Frame) -> Vec<String> {
        let mut buffer = Vec::new();
        let mut read = Vec::new();
        loop {
            let chunk = frame.next_chunk(&mut buffer);
            let text = match chunk {
                Framed::End => return read,
                Framed::Record => String::from_utf8_lossy(&buffer)
                    .trim_end()
                    .replace('\n', "|"),
                Framed::Bad(_) => "!".to_owned(),
                Framed::Unfinished | Framed::Failed(_) => "?".to_owned(),
            };
            read.push(format!("{}:{text}", frame.place().0));
        }
    }

    /// A text whose records these are; see [`records`].
    #[track_caller]
    pub(in crate::tagged) fn check_records(layout: impl LineLayout, text: &str, expected: &[&str]) {
        let bytes = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let mut reader = BlockReader::new(bytes, layout);
        assert_eq!(records(&mut reader), expected, "{text}");
    }

    /// Records from `>` to `<`; `-` belongs to none.
    struct Arrows;

    impl LineLayout for Arrows {
        fn mark(&mut self, line: &[u8], _: LinePlace) -> Mark {
            match line.first() {
                Some(b'>') => Mark::Start,
                Some(b'<') => Mark::End,
                Some(b'-') => Mark::Outside,
                _ => Mark::Inside,
            }
        }

        fn may_stop(&self) -> bool {
            false
        }
    }

    fn check(text: &str, expected: &[&str]) {
        let bytes = Box::new(Cursor::new(text.as_bytes().to_vec()));
        assert_eq!(
            records(&mut BlockReader::new(bytes, Arrows)),
            expected,
            "{:?}",
            &text[..text.len().min(80)]
        );
    }

    #[test]
    fn records_stand_between_their_marks() {
        check("", &[]);
        check("x\ny", &[]);
        check(
            "x\n>a\r\nb\n\nc\n-\n<\nz\n\n>d\n<",
            &["2:>a|b|c|<", "10:>d|<"],
        );
    }

    #[test]
    fn a_record_ends_where_the_next_begins() {
        check(">a\n>b\nc\n<", &["1:>a", "2:>b|c|<"]);
        check(">a\n<\n>b\nc", &["1:>a|<", "3:?"]);
    }

    #[test]
    fn a_record_that_is_too_long_is_skipped() {
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        let lines = format!("{}\n", "x".repeat(999)).repeat(MAX_LINE_BYTES / 1000 + 1);
        for middle in [long, lines] {
            let text = format!(">a\n<\n>b\n{middle}\nc\n<\n>d\n<");
            let bytes = Box::new(Cursor::new(text.into_bytes()));
            let read = records(&mut BlockReader::new(bytes, Arrows));
            assert_eq!(read.len(), 3);
            assert_eq!((&*read[0], &*read[1]), ("1:>a|<", "3:!"));
            assert!(read[2].ends_with(":>d|<"));
        }
    }

    #[test]
    fn a_failure_says_on_which_line() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let bytes = Box::new(Cursor::new(">a\n<\n>b\nc\nd").chain(Broken));
        assert_eq!(
            records(&mut BlockReader::new(bytes, Arrows)),
            ["1:>a|<", "5:?"]
        );
    }
}
