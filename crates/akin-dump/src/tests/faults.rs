//! Dumps with faults in them, cut, damaged or no dumps at all, and odd but sound ones.

use std::io::{self, Cursor, Read};
use std::path::Path;

use akin_base::error::{Error, Result};

use super::{GOOD, check, gzip, open, papers, read, records, zstd};
use crate::*;

#[test]
fn every_fault_is_located_and_reading_goes_on() {
    let dump = [
        GOOD.as_bytes(),
        b"",
        b"{\"id\":\"a\",\"title\":\"caf\xe9\"}",
        b"{\"id\":\"a\",\"title\":\"x\"",
        b"[1,2]",
        b"\"text\"",
        b"not json",
        br#"{"id":"a","title":" "}"#,
        br#"{"id":"a"}"#,
        br#"{"id":"a","title":true}"#,
        br#"{"id":"a","title":[{}],"abstract":"x"}"#,
        br#"{"id":"a\u0000b","title":"t"}"#,
        br#"{"id":{},"title":"t"}"#,
        br#"{"id":"last","title":"t"}"#,
    ];
    check(
        dump.join(&b"\n"[..]),
        &[
            "2503.11731",
            "line 3: not UTF-8: a broken character after byte 22",
            "line 4: not readable as JSON: EOF while parsing an object at column 21",
            "line 5: not a record: a list instead of a JSON object",
            "line 6: not a record: a text instead of a JSON object",
            "line 7: not readable as JSON: expected ident at column 2",
            "line 8: no title",
            "line 9: no title",
            "line 10: the title is true or false, not text",
            "line 11: the title is a list, not text",
            "line 12: the id holds control characters",
            "line 13: the id is an object, not text",
            "last",
        ],
    );
}

#[test]
fn a_rejection_has_the_id_and_an_excerpt() {
    let (_, items) = read("x", format!("{GOOD}\n{{\"id\":\"a1\",\t\"title\":\"\"}}\n"));
    let rejected = items[1].as_ref().expect_err("no title");
    assert_eq!(rejected.id.as_deref(), Some("a1"));
    assert_eq!(rejected.excerpt, r#"{"id":"a1", "title":""}"#);
    assert_eq!((rejected.line, rejected.unit), (2, Unit::Line));
}

#[test]
fn ids_are_missing_where_they_must_not_be() {
    check(r#"{"_id":"","title":"t","text":"x"}"#, &["line 1: no id"]);
    check(
        r#"{"id":null,"title":"t","abstract":"x","categories":"cs"}"#,
        &["line 1: no id"],
    );
}

#[test]
fn a_line_of_ten_megabytes_is_skipped() {
    let long = format!(r#"{{"id":"long","title":"{}"}}"#, "x".repeat(10 << 20));
    let dump = format!("{GOOD}\n{long}\n{GOOD}\n");
    check(
        dump,
        &[
            "2503.11731",
            "line 2: longer than 8 MiB: skipped",
            "2503.11731",
        ],
    );
    check(
        format!("{long}\n{GOOD}"),
        &["line 1: longer than 8 MiB: skipped", "2503.11731"],
    );
    check(
        format!("[{GOOD},{long},{GOOD}]"),
        &[
            "2503.11731",
            "record 2: longer than 8 MiB: skipped",
            "2503.11731",
        ],
    );
}

#[test]
fn bom_and_line_ends_of_every_kind_are_read() {
    check(
        format!("\u{feff}{GOOD}\r\n\r\n{GOOD}\r\n"),
        &["2503.11731"; 2],
    );
    check(format!("\u{feff}[{GOOD}]"), &["2503.11731"]);
    check(format!("{GOOD}\n{GOOD}"), &["2503.11731"; 2]);
}

#[test]
fn an_array_is_read_across_buffers() {
    let elements: Vec<String> = (0..20_000)
        .map(|n| format!(r#"{{"id":"r{n}","title":"T","abstract":"]{{\"{n}"}}"#))
        .collect();
    let (_, papers) = papers("x", format!("[{}]", elements.join(",\n ")));
    assert_eq!(papers.len(), 20_000);
    assert_eq!(papers[19_999].abstract_text, "]{\"19999");
}

#[test]
fn faults_in_an_array_are_counted_by_record() {
    let array = format!("[{GOOD}, 5, {{\"id\":\"a\"}}, {{bad}}, {GOOD}]");
    check(
        array,
        &[
            "2503.11731",
            "record 2: not a record: a number instead of a JSON object",
            "record 3: no title",
            "record 4: not readable as JSON: key must be a string at column 2",
            "2503.11731",
        ],
    );
    check(
        format!("[{GOOD}, {{\"id\""),
        &[
            "2503.11731",
            "record 2: the dump is cut off here: everything before was read",
        ],
    );
}

#[test]
fn compressed_dumps_are_read_whatever_their_name_and_their_parts() {
    let text = records(3000);
    let (head, tail) = text.split_at(text.len() / 2);
    let (_, plain) = papers("x.txt", text.as_bytes());
    for bytes in [
        gzip(text.as_bytes()),
        zstd(text.as_bytes()),
        [gzip(head.as_bytes()), gzip(tail.as_bytes())].concat(),
        [zstd(head.as_bytes()), zstd(tail.as_bytes())].concat(),
        gzip(format!("\u{feff}{}", text.replace('\n', "\r\n")).as_bytes()),
    ] {
        assert_eq!(papers("x.txt", bytes).1, plain);
    }
}

#[test]
fn a_compressed_dump_that_is_cut_keeps_what_came_before() {
    let text = records(40_000);
    for mut bytes in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        bytes.truncate(bytes.len() * 9 / 10);
        let (_, mut items) = read("x", bytes);
        let last = items.pop().expect("items").expect_err("a cut");
        assert_eq!(last.reason, Rejection::Cut);
        assert!(last.reason.ends_the_dump());
        assert_eq!(last.line, items.len() as u64 + 1);
        assert!(items.len() > 1000 && items.iter().all(Result::is_ok));
    }
}

#[test]
fn a_compressed_dump_that_is_damaged_says_so() {
    let text = records(40_000);
    let mut bytes = zstd(text.as_bytes());
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xFF);
    let (_, items) = read("x", bytes);
    let last = items.last().expect("items").as_ref().expect_err("damage");
    assert!(matches!(last.reason, Rejection::Corrupt { .. }), "{last}");

    let mut bytes = gzip(text.as_bytes());
    let checksum = bytes.len() - 8;
    bytes[checksum] ^= 1;
    let (_, items) = read("x", bytes);
    assert_eq!(items.len(), 40_001);
    let last = items[40_000].as_ref().expect_err("damage");
    assert!(matches!(last.reason, Rejection::Corrupt { .. }), "{last}");
}

#[test]
fn a_read_that_fails_in_the_middle_is_one_rejection() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::TimedOut, "no answer"))
        }
    }
    let bytes = Cursor::new(records(5000)).chain(Failing);
    let items: Vec<_> = Dump::from_reader("x", Box::new(bytes), &ReadOptions::default())
        .expect("a dump")
        .collect();
    let last = items
        .last()
        .expect("items")
        .as_ref()
        .expect_err("a failure");
    assert_eq!(
        last.to_string(),
        "line 5001: the dump cannot be read from here on: no answer"
    );
    assert_eq!(items.len(), 5001);
    assert!(matches!(
        Dump::from_reader("x", Box::new(Failing), &ReadOptions::default()),
        Err(Error::Read { .. })
    ));
}

#[test]
fn what_is_no_dump_is_an_error_that_says_what_it_is() {
    let unknown = |bytes: &[u8], words: &str| match open("x", bytes) {
        Err(error @ Error::UnknownFormat { .. }) => {
            assert!(error.to_string().contains(words), "{error}");
        }
        other => panic!("{words}: {:?}", other.map(|dump| dump.format())),
    };
    for empty in [&b""[..], &gzip(b""), b"\xEF\xBB\xBF"] {
        assert!(matches!(open("x", empty), Err(Error::EmptyDump { .. })));
    }
    unknown(b"%PDF-1.5 ...", "a PDF");
    unknown(b"<html><body>", "an HTML page");
    unknown(&gzip(&gzip(b"x")), "gzip twice");
    unknown(b"\x00\x01\x02", "binary");
    unknown(b"Dear all", "neither JSON records nor titles");
}

#[test]
fn folders_and_missing_files_are_errors() {
    let folder = akin_testing::repository().join("tests");
    let opened = |path: &Path| {
        Dump::open(&Source::from_arg(path), &ReadOptions::default()).map(|dump| dump.format())
    };
    assert!(matches!(opened(&folder), Err(Error::IsFolder { .. })));
    assert!(matches!(
        opened(&folder.join("missing")),
        Err(Error::Read { .. })
    ));
}

#[test]
fn progress_is_counted_in_bytes_of_the_file() {
    let path = akin_testing::data("arxiv-1000.jsonl");
    let mut dump = Dump::open(&Source::File(path), &ReadOptions::default()).expect("a dump");
    let total = dump.total_bytes().expect("a file");
    assert_eq!(dump.by_ref().count(), 1000);
    assert_eq!(dump.bytes_read(), total);
}
