//! A stream of JSON values that are not one per line: arrays, objects over several lines.
//!
//! The elements of an array are records, and so is every object outside an array. With a `wrapper`,
//! the records are the elements of the array under that name in an object, or the object under it.
//! The name may be a path (`message.items`). If an object is a map, its fields are the records, and
//! their names are passed on in [`DumpContext::around`]. One value is held at a time, and only its
//! brackets and strings are examined here.
//!
//! JSON forbids a line end inside a string. Such a line end closes the string if the next line
//! begins with a JSON delimiter; a `{` there begins a record. So a missing quote spoils one record,
//! not all that follow. If the next line begins with anything else, the text goes on.

use akin_base::paper::PartialDate;
use std::io::{self, BufRead, BufReader};

use jiff::civil::Date;

use crate::frame::{Frame, Framed, MAX_LINE_BYTES};
use crate::record::DumpContext;
use crate::reject::{Rejection, Unit};
use crate::source::bytes::Bytes;
use crate::text::dates;

const BUFFER_BYTES: usize = 128 << 10;

/// What is kept of a value that is too long, to show it.
const KEPT_BYTES: usize = 1024;

/// The longest name of a field in a wrapper that is compared.
const MAX_KEY_BYTES: usize = 256;

/// Reads values.
pub(crate) struct ValueReader {
    input: BufReader<Bytes>,
    /// The names of the fields that lead to the records, if they are wrapped.
    path: Vec<&'static str>,
    /// The objects of the path that are open inside the outermost.
    level: usize,
    /// Objects outside arrays are maps of records.
    is_map: bool,
    /// The name of the last record in its map.
    key: String,
    place: ValuePlace,
    record: u64,
    /// The `date` that stood in the wrapper.
    date: Option<Date>,
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ValuePlace {
    Top,
    Array,
    Wrapper,
    Map,
}

/// How the bytes of one value ended.
enum Captured {
    Whole,
    TooLong,
    Unfinished,
}

impl Frame for ValueReader {
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed {
        self.next_value(buffer)
    }

    fn place(&self) -> (u64, Unit) {
        (self.record, Unit::Record)
    }

    fn set_context(&self, context: &mut DumpContext) {
        context.listed = self.date.or(context.listed);
        context.around.clone_from(&self.key);
    }
}

impl ValueReader {
    /// The names in `wrapper`, between dots, lead to the records.
    pub(crate) fn new(input: Bytes, wrapper: Option<&'static str>) -> ValueReader {
        ValueReader {
            input: BufReader::with_capacity(BUFFER_BYTES, input),
            path: wrapper.iter().flat_map(|names| names.split('.')).collect(),
            level: 0,
            is_map: false,
            key: String::new(),
            place: ValuePlace::Top,
            record: 0,
            date: None,
            ended: false,
        }
    }

    /// Reads the fields of objects as records.
    pub(crate) fn of_maps(input: Bytes) -> ValueReader {
        ValueReader {
            is_map: true,
            ..ValueReader::new(input, None)
        }
    }

    /// Reads the next value into `value`.
    pub(crate) fn next_value(&mut self, value: &mut Vec<u8>) -> Framed {
        value.clear();
        if self.ended {
            return Framed::End;
        }
        let chunk = self.advance(value).unwrap_or_else(Framed::Failed);
        match chunk {
            Framed::End => self.ended = true,
            Framed::Failed(_) | Framed::Unfinished => {
                self.ended = true;
                self.record += 1;
            }
            Framed::Record | Framed::Bad(_) => self.record += 1,
        }
        chunk
    }

    fn advance(&mut self, value: &mut Vec<u8>) -> io::Result<Framed> {
        loop {
            let Some(byte) = self.peek_past(b" \t\r\n,\xEF\xBB\xBF")? else {
                let whole = self.place == ValuePlace::Top;
                return Ok(if whole {
                    Framed::End
                } else {
                    Framed::Unfinished
                });
            };
            match (self.place, byte) {
                (ValuePlace::Top, b'[' | b']') if self.is_map || self.is_wrapped() => {
                    // A list of pages is read like pages after one another.
                    self.input.consume(1);
                }
                (ValuePlace::Top, b'[') => self.enter(ValuePlace::Array),
                (ValuePlace::Top, b'{') if self.is_wrapped() => self.enter(ValuePlace::Wrapper),
                (ValuePlace::Top, b'{') if self.is_map => self.enter(ValuePlace::Map),
                (ValuePlace::Array, b']') => self.leave_array(),
                (ValuePlace::Wrapper, b'}') if self.level > 0 => {
                    self.level -= 1;
                    self.input.consume(1);
                }
                (ValuePlace::Wrapper | ValuePlace::Map, b'}') => self.enter(ValuePlace::Top),
                (ValuePlace::Map, b'"') => {
                    if let Some(ended) = self.map_key(value)? {
                        return Ok(ended);
                    }
                    return self.record_at(value);
                }
                (ValuePlace::Wrapper, b'"') => {
                    if self.field(value)? {
                        value.clear();
                        return self.record_at(value);
                    }
                }
                (ValuePlace::Wrapper, _) => self.input.consume(1),
                _ => return self.record_at(value),
            }
            value.clear();
        }
    }

    /// Reads the name of a record in a map, up to its value; returns how the map ends if there is
    /// none.
    fn map_key(&mut self, scratch: &mut Vec<u8>) -> io::Result<Option<Framed>> {
        self.capture(scratch, MAX_KEY_BYTES)?;
        self.key = serde_json::from_slice(scratch).unwrap_or_default();
        scratch.clear();
        let next = self.peek_past(b" \t\r\n:")?;
        Ok(next.is_none().then_some(Framed::Unfinished))
    }

    fn enter(&mut self, place: ValuePlace) {
        self.input.consume(1);
        self.place = place;
    }

    fn leave_array(&mut self) {
        self.enter(if self.is_wrapped() {
            ValuePlace::Wrapper
        } else {
            ValuePlace::Top
        });
    }

    fn record_at(&mut self, value: &mut Vec<u8>) -> io::Result<Framed> {
        Ok(match self.capture(value, MAX_LINE_BYTES)? {
            Captured::Whole => Framed::Record,
            Captured::TooLong => {
                value.truncate(KEPT_BYTES);
                value.shrink_to(KEPT_BYTES);
                Framed::Bad(Rejection::TooLong {
                    limit_bytes: MAX_LINE_BYTES,
                })
            }
            Captured::Unfinished => Framed::Unfinished,
        })
    }

    fn is_wrapped(&self) -> bool {
        !self.path.is_empty()
    }

    /// Reads one field of a wrapper, up to the array if it is the one with the records; whether it
    /// is a record itself.
    fn field(&mut self, scratch: &mut Vec<u8>) -> io::Result<bool> {
        self.capture(scratch, MAX_KEY_BYTES)?;
        let is_date = scratch.as_slice() == b"\"date\"";
        let next = self.path.get(self.level);
        let is_next =
            next.is_some_and(|name| scratch.trim_ascii() == format!("{name:?}").as_bytes());
        let is_last = self.level + 1 == self.path.len();
        match self.peek_past(b" \t\r\n:")? {
            Some(b'[') if is_next && is_last => self.enter(ValuePlace::Array),
            Some(b'{') if is_next && is_last => return Ok(true),
            Some(b'{') if is_next => {
                self.level += 1;
                self.input.consume(1);
            }
            None | Some(b'}') => {}
            Some(_) => {
                scratch.clear();
                self.capture(scratch, KEPT_BYTES)?;
                if is_date {
                    let text: Option<&str> = serde_json::from_slice(scratch).ok();
                    self.date = text.and_then(dates::day).and_then(PartialDate::whole);
                }
            }
        }
        Ok(false)
    }

    /// The next byte outside `passed`, whose bytes are consumed.
    fn peek_past(&mut self, passed: &[u8]) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let skipped = bytes
                .iter()
                .take_while(|byte| passed.contains(byte))
                .count();
            let found = bytes.get(skipped).copied();
            self.input.consume(skipped);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Reads one value into `value`, no more than `limit_bytes` and a buffer of it.
    fn capture(&mut self, value: &mut Vec<u8>, limit_bytes: usize) -> io::Result<Captured> {
        let mut scan = ValueScan::default();
        let mut too_long = false;
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                let whole = scan.depth == 0 && !scan.in_string;
                return Ok(if whole {
                    Captured::Whole
                } else {
                    Captured::Unfinished
                });
            }
            let (used, ended) = scan.feed(bytes);
            if !too_long {
                value.extend_from_slice(&bytes[..used]);
                too_long = value.len() > limit_bytes;
            }
            self.input.consume(used);
            if ended {
                return Ok(if too_long {
                    Captured::TooLong
                } else {
                    Captured::Whole
                });
            }
        }
    }
}

/// Where in a value the scan is, across buffers.
#[derive(Default)]
struct ValueScan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The value began and is neither a string nor in brackets.
    bare: bool,
    /// A line end is in a string, and only white space has followed.
    after_break: bool,
}

impl ValueScan {
    /// Scans on; returns the bytes that belong to the value, and whether it ends with them.
    fn feed(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.after_break && !byte.is_ascii_whitespace() {
                self.after_break = false;
                self.in_string = !b"{}[]\",:".contains(&byte);
                if byte == b'{' || (self.depth == 0 && !self.in_string) {
                    return (at, true);
                }
            }
            if self.in_string {
                self.in_string(byte);
                if !self.in_string && self.depth == 0 {
                    return (at + 1, true);
                }
                continue;
            }
            match byte {
                b'"' if !self.bare => self.in_string = true,
                b'{' | b'[' if !self.bare => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ if self.depth > 0 => {}
                b',' | b']' | b'}' | b'{' | b'\n' if self.bare => return (at, true),
                b'}' | b']' | b',' => return (at + 1, true),
                _ => self.bare = true,
            }
        }
        (bytes.len(), false)
    }

    fn in_string(&mut self, byte: u8) {
        match byte {
            b'\n' => self.after_break = true,
            _ if self.escaped => {}
            b'"' => self.in_string = false,
            _ => {}
        }
        self.escaped = byte == b'\\' && !self.escaped;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Gives one byte at a time: every buffer boundary there can be.
    struct Drip(io::Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = buf.len().min(1);
            self.0.read(&mut buf[..n])
        }
    }

    fn read_all(bytes: Bytes, wrapper: Option<&'static str>) -> Vec<String> {
        let mut reader = ValueReader::new(bytes, wrapper);
        let mut buffer = Vec::new();
        let mut read = Vec::new();
        loop {
            let chunk = reader.next_value(&mut buffer);
            let text = match chunk {
                Framed::End => return read,
                Framed::Record => String::from_utf8_lossy(&buffer).into_owned(),
                Framed::Bad(_) => "!".to_owned(),
                Framed::Failed(_) | Framed::Unfinished => "?".to_owned(),
            };
            let date = reader
                .date
                .map(|date| format!("@{date}"))
                .unwrap_or_default();
            read.push(format!("{}{date}:{text}", reader.place().0));
        }
    }

    fn check(text: &str, wrapper: Option<&'static str>, expected: &[&str]) {
        let cursor = || io::Cursor::new(text.as_bytes().to_vec());
        assert_eq!(read_all(Box::new(cursor()), wrapper), expected, "{text}");
        assert_eq!(
            read_all(Box::new(Drip(cursor())), wrapper),
            expected,
            "drip: {text}"
        );
    }

    #[test]
    fn elements_and_objects_are_records() {
        check(
            r#"[{"a": "]}\"["}, {"b": [1, {}]}]"#,
            None,
            &[r#"1:{"a": "]}\"["}"#, r#"2:{"b": [1, {}]}"#],
        );
        check(
            "{\n\"a\": 1\n}\n{\"b\": 2}",
            None,
            &["1:{\n\"a\": 1\n}", "2:{\"b\": 2}"],
        );
        check("[]", None, &[]);
        check(
            "[1, \"x\", null,\n true]",
            None,
            &["1:1", "2:\"x\"", "3:null", "4:true"],
        );
        check("[{}][{}]", None, &["1:{}", "2:{}"]);
    }

    #[test]
    fn what_is_cut_says_so() {
        check(r#"[{"a": 1}, {"b"#, None, &[r#"1:{"a": 1}"#, "2:?"]);
        check(r#"[{"a": 1}"#, None, &[r#"1:{"a": 1}"#, "2:?"]);
        check(r#"{"a": "#, None, &["1:?"]);
    }

    #[test]
    fn what_is_broken_spoils_one_record() {
        check(
            "[{\"a\": \"x},\n{\"b\": 1},\n{}]",
            None,
            &["1:{\"a\": \"x},\n", "2:{\"b\": 1}", "3:{}"],
        );
        check(
            "[{\"a\": \"x\n}, {\"b\": 1}]",
            None,
            &["1:{\"a\": \"x\n}", "2:{\"b\": 1}"],
        );
        check(
            "[{\"a\": \"x\n  y {\n\nz\\\" }\"}, {\"b\": 1}]",
            None,
            &["1:{\"a\": \"x\n  y {\n\nz\\\" }\"}", "2:{\"b\": 1}"],
        );
        check(
            "[\"x\ny\", \"z\n, 1]",
            None,
            &["1:\"x\ny\"", "2:\"z\n", "3:1"],
        );
        check("[{}, oops, {}]", None, &["1:{}", "2:oops", "3:{}"]);
        check("[{}}, {}]", None, &["1:{}", "2:}", "3:{}"]);
    }

    #[test]
    fn wrapped_records_know_their_date() {
        let day =
            r#"{"x": {"papers": [0]}, "date": "2026-03-01", "papers": [{"a": 1}, {}], "n": "2"}"#;
        check(
            day,
            Some("papers"),
            &["1@2026-03-01:{\"a\": 1}", "2@2026-03-01:{}"],
        );
        check(
            r#"{"papers": [{}], "date": "2026-03-01"}"#,
            Some("papers"),
            &["1:{}"],
        );
        check(r#"{"papers": null}"#, Some("papers"), &[]);
        check(r#"{"papers": [{}"#, Some("papers"), &["1:{}", "2:?"]);
    }

    #[test]
    fn records_may_be_wrapped_twice() {
        let answer =
            r#"{"status":"ok","message":{"n":{"items":[0]},"items":[{"a":1},{}],"m":[]},"x":{}}"#;
        check(
            &format!("{answer}\n{answer}"),
            Some("message.items"),
            &[r#"1:{"a":1}"#, "2:{}", r#"3:{"a":1}"#, "4:{}"],
        );
        check(
            r#"{"items":[{}],"message":{"items":null}}"#,
            Some("message.items"),
            &[],
        );
        check(r#"{"message":{"items":[{"#, Some("message.items"), &["1:?"]);
        check(
            r#"{"status":"ok","message":{"a":{}},"x":1}[{"message":{}}]"#,
            Some("message"),
            &[r#"1:{"a":{}}"#, "2:{}"],
        );
    }

    #[test]
    fn the_fields_of_a_map_are_records_and_know_their_names() {
        let read = |text: &str| {
            let bytes = io::Cursor::new(text.as_bytes().to_vec());
            let mut reader = ValueReader::of_maps(Box::new(Drip(bytes)));
            let (mut buffer, mut read) = (Vec::new(), Vec::new());
            loop {
                let shown = match reader.next_value(&mut buffer) {
                    Framed::End => return read,
                    Framed::Record => String::from_utf8_lossy(&buffer).into_owned(),
                    _ => "?".to_owned(),
                };
                let mut context = DumpContext::default();
                reader.set_context(&mut context);
                read.push(format!("{}={shown}", context.around));
            }
        };
        assert_eq!(
            read("{\n\"a\\u00e9\": {\"x\": {}},\n\"b\" : {}, \"c\": 1}"),
            ["aé={\"x\": {}}", "b={}", "c=1"]
        );
        assert_eq!(read("{}{\"a\": {}}"), ["a={}"]);
        assert_eq!(read("{\"a\": {}, \"b\""), ["a={}", "b=?"]);
        assert_eq!(read("{\"a\": {}, \"b\": {\"x\""), ["a={}", "b=?"]);
    }

    #[test]
    fn a_list_of_pages_is_read_like_pages_after_one_another() {
        check(
            r#"[{"papers": [{"a": 1}]}, {"papers": [{}]}]"#,
            Some("papers"),
            &[r#"1:{"a": 1}"#, "2:{}"],
        );
    }

    #[test]
    fn a_value_that_is_too_long_is_skipped() {
        let long = "x".repeat(MAX_LINE_BYTES + (1 << 20));
        let text = format!(r#"[{{"a": 1}}, {{"b": "{long}"}}, {{"c": 2}}]"#);
        let read = read_all(Box::new(io::Cursor::new(text.into_bytes())), None);
        assert_eq!(read, [r#"1:{"a": 1}"#, "2:!", r#"3:{"c": 2}"#]);
    }
}
