//! What a dump is, told from its first bytes after decompression, never from its name.
//!
//! In: the start of the dump. Out: its [`Format`] and how its records are framed, or in words what
//! it looks like instead. Records of JSON are told apart by the fields of the first one that can
//! be read.

use serde::de::IgnoredAny;

use super::hf_page;
use super::json_record::{IDS, PLAIN_TEXT, plain_key};
use std::fmt;

/// The format of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The arXiv metadata snapshot.
    ArxivSnapshot,
    /// A daily arXiv list.
    ArxivDaily,
    /// What the API of Hugging Face Daily Papers answers.
    HfDailyApi,
    /// A day of Hugging Face Daily Papers, scraped.
    HfDailyScrape,
    /// The saved text of a Hugging Face papers page.
    HfPage,
    /// Records with a title, or with an id and a text, one a line or in an array.
    JsonRecords,
    /// `corpus.jsonl` of a BEIR folder.
    Beir,
    /// Arrow IPC stream.
    ArrowStream,
    /// Arrow IPC file, also called Feather.
    ArrowFile,
    /// Parquet file.
    Parquet,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::ArxivSnapshot => "arXiv metadata snapshot",
            Format::ArxivDaily => "daily arXiv list",
            Format::HfDailyApi => "Hugging Face Daily Papers (API)",
            Format::HfDailyScrape => "Hugging Face Daily Papers (scraped)",
            Format::HfPage => "text of a Hugging Face papers page",
            Format::JsonRecords => "JSON records",
            Format::Beir => "BEIR corpus",
            Format::ArrowStream => "Arrow stream",
            Format::ArrowFile => "Arrow file",
            Format::Parquet => "Parquet file",
        })
    }
}

/// How the records of a dump are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Lines,
    Values { wrapper: Option<&'static str> },
    Page,
    Table,
}

/// What is known, for messages.
const KNOWN: &str = "known are JSON Lines and JSON arrays of records with a title, or with an id \
    and a text, the arXiv metadata snapshot, daily arXiv lists, Hugging Face Daily Papers (API, \
    scraped, or a page's text), BEIR corpora, Arrow streams and files and Parquet files, plain or \
    (but for Parquet) compressed with gzip or zstd";

/// Beginnings of files that are something else.
const MAGICS: [(&[u8], &str); 10] = [
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "compressed with bzip2"),
    (b"\xFD7zXZ\0", "compressed with xz"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"\x1F\x8B", "compressed with gzip twice"),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd twice"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xFF\xFE", "text in UTF-16, not UTF-8"),
    (b"\xFE\xFF", "text in UTF-16, not UTF-8"),
];

/// Beginnings of tables.
const TABLES: [(&[u8], Format); 3] = [
    (b"\xFF\xFF\xFF\xFF", Format::ArrowStream),
    (b"ARROW1\0\0", Format::ArrowFile),
    (b"PAR1", Format::Parquet),
];

/// Beginnings of texts that are something else, in lower case.
const TAGS: [(&str, &str); 5] = [
    ("ty  - ", "RIS"),
    ("pmid- ", "MEDLINE"),
    ("%!ps", "PostScript"),
    ("@", "BibTeX"),
    ("%0 ", "EndNote"),
];

/// Tells the format from the start of a dump; `complete` if that is all of it.
pub(super) fn sniff(start: &[u8], complete: bool) -> Result<(Format, Framing), String> {
    let text = start
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(start)
        .trim_ascii_start();
    if start.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.is_empty() {
        return Err("it holds nothing but blank space".to_owned());
    }
    table(start)
        .or_else(|| json(text, complete))
        .or_else(|| page(text, complete))
        .ok_or_else(|| format!("it looks like {}; {KNOWN}", looks_like(start, text)))
}

fn table(start: &[u8]) -> Option<(Format, Framing)> {
    let (_, format) = TABLES.iter().find(|(magic, _)| start.starts_with(magic))?;
    Some((*format, Framing::Table))
}

fn page(text: &[u8], complete: bool) -> Option<(Format, Framing)> {
    if text.starts_with(b"<")
        || text.starts_with(b"{")
        || text.starts_with(b"[")
        || text.contains(&0)
    {
        return None;
    }
    let text = String::from_utf8_lossy(text);
    // A line that the window cuts would be taken for a short one.
    let whole = if complete {
        &text
    } else {
        text.rsplit_once('\n')?.0
    };
    hf_page::is_page(whole).then_some((Format::HfPage, Framing::Page))
}

fn json(text: &[u8], complete: bool) -> Option<(Format, Framing)> {
    let mut lines = text.split(|&byte| byte == b'\n').peekable();
    let array =
        text.starts_with(b"[") && !(is_json(lines.peek()?) && lines.clone().nth(1).is_some());
    if array {
        let first = text[1..].iter().position(|&byte| byte == b'{')?;
        return by_fields(&text[1 + first..], Framing::Values { wrapper: None });
    }
    while let Some(line) = lines.next() {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let cut = lines.peek().is_none() && !complete;
        if line.starts_with(b"{")
            && (cut || is_json(line))
            && let Some(found) = by_fields(line, Framing::Lines)
        {
            return Some(found);
        }
    }
    let first = text
        .iter()
        .position(|&byte| byte == b'{')
        .filter(|&at| at == 0)?;
    by_fields(&text[first..], Framing::Values { wrapper: None })
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// The format that an object of these fields is of.
fn by_fields(object: &[u8], framing: Framing) -> Option<(Format, Framing)> {
    let fields = fields(object);
    let kind = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, first)| *first)
    };
    let has = |name: &str| kind(name).is_some();
    let has_any = |names: &[&str]| {
        let plain = |(field, _): &(String, u8)| names.contains(&&*plain_key(field));
        fields.iter().any(plain)
    };
    if kind("papers") == Some(b'[') && !has("title") {
        return Some((
            Format::HfDailyScrape,
            Framing::Values {
                wrapper: Some("papers"),
            },
        ));
    }
    let format = if kind("paper") == Some(b'{') {
        Format::HfDailyApi
    } else if !has_any(&["title"]) {
        let is_plain_text = has_any(&IDS) && has_any(&[PLAIN_TEXT]);
        return is_plain_text.then_some((Format::JsonRecords, framing));
    } else if has("summary")
        && (has("submittedOnDailyAt") || (has("publishedAt") && has("upvotes")))
    {
        Format::HfDailyApi
    } else if has("_id") && has("text") {
        Format::Beir
    } else if has("summary") && has("categories") && (has("abs") || has("pdf")) {
        Format::ArxivDaily
    } else if has("id")
        && has("abstract")
        && (kind("categories") == Some(b'"') || has("authors_parsed"))
    {
        Format::ArxivSnapshot
    } else {
        Format::JsonRecords
    };
    Some((format, framing))
}

/// The fields of the object at the start of `bytes`, each with the first byte of its value; as
/// many as are there if the object is cut or broken.
fn fields(bytes: &[u8]) -> Vec<(String, u8)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut name: Option<String> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let length = string_bytes(&bytes[at..]);
                let text = String::from_utf8_lossy(&bytes[at + 1..(at + length - 1).max(at + 1)]);
                if depth == 1 && name.is_none() {
                    name = Some(text.into_owned());
                }
                at += length;
                continue;
            }
            b':' if depth == 1 => {
                let value = bytes[at + 1..]
                    .iter()
                    .find(|byte| !byte.is_ascii_whitespace());
                found.extend(name.clone().zip(value.copied()));
            }
            b',' if depth == 1 => name = None,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return found,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    found
}

/// The bytes of the string at the start of `bytes`, with its quotes, or all if it does not end.
fn string_bytes(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// What a file is that is no dump, in words.
fn looks_like(start: &[u8], text: &[u8]) -> String {
    if let Some((_, what)) = MAGICS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return (*what).to_owned();
    }
    if start.get(257..262) == Some(b"ustar") {
        return "a tar archive".to_owned();
    }
    let head = String::from_utf8_lossy(&text[..text.len().min(1024)]).to_ascii_lowercase();
    if let Some((_, what)) = TAGS.iter().find(|(tag, _)| head.starts_with(tag)) {
        return (*what).to_owned();
    }
    if head.starts_with('<') {
        let html = ["<!doctype html", "<html", "<head", "<body"]
            .iter()
            .any(|tag| head.contains(tag));
        return if html { "an HTML page" } else { "XML" }.to_owned();
    }
    if start.iter().take(1024).any(|&byte| byte < 9) {
        return "binary data".to_owned();
    }
    if head.starts_with(['{', '[']) {
        return json_without_titles(text);
    }
    if std::str::from_utf8(&text[..text.len().min(1024)])
        .is_err_and(|error| error.error_len().is_some())
    {
        return "text that is not in UTF-8, or binary data".to_owned();
    }
    "text that holds neither JSON records nor titles followed by abstracts".to_owned()
}

fn json_without_titles(text: &[u8]) -> String {
    let object = text
        .iter()
        .position(|&byte| byte == b'{')
        .map_or(&text[..0], |at| &text[at..]);
    let names: Vec<String> = fields(object)
        .into_iter()
        .take(8)
        .map(|(name, _)| name)
        .collect();
    if names.is_empty() {
        return "JSON, or a part of it, that holds no records".to_owned();
    }
    let names = names
        .join(", ")
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect::<String>();
    format!("JSON whose records have neither a title nor an id and a text (their fields: {names})")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Framing = Framing::Lines;
    const VALUES: Framing = Framing::Values { wrapper: None };

    fn check(start: &str, expected: (Format, Framing)) {
        assert_eq!(sniff(start.as_bytes(), true), Ok(expected), "{start}");
    }

    fn check_unknown(start: &[u8], words: &str) {
        let reason = sniff(start, true).expect_err("no format");
        assert!(reason.contains(words), "{reason:?} does not say {words:?}");
    }

    #[test]
    fn formats_are_told_by_fields() {
        check(
            r#"{"id":"1","title":"t","abstract":"a","categories":"cs.CL"}"#,
            (Format::ArxivSnapshot, LINES),
        );
        check(
            r#"{"id":"1","title":"t","summary":"a","categories":["cs.CL"],"abs":"u"}"#,
            (Format::ArxivDaily, LINES),
        );
        check(
            r#"{"_id":"1","title":"t","text":"a","metadata":{}}"#,
            (Format::Beir, LINES),
        );
        check(r#"[{"paper":{"id":"1"}}]"#, (Format::HfDailyApi, VALUES));
        check(
            "{\n\"paper\": {\"id\":\"1\"}}",
            (Format::HfDailyApi, VALUES),
        );
        check(
            r#"[{"id":"1","title":"t","summary":"s","publishedAt":"x","upvotes":1}]"#,
            (Format::HfDailyApi, VALUES),
        );
        check(r#"{"Title":"t"}"#, (Format::JsonRecords, LINES));
        check(
            r#"{"_id":"q1","text":"a query"}"#,
            (Format::JsonRecords, LINES),
        );
        let scrape = Framing::Values {
            wrapper: Some("papers"),
        };
        check(
            r#"{"date":"2026-03-01","papers":[{"title":"t"}]}"#,
            (Format::HfDailyScrape, scrape),
        );
    }

    #[test]
    fn the_first_record_that_can_be_read_decides() {
        check(
            "{\"id\": brok\n{\"title\":\"t\"}\n",
            (Format::JsonRecords, LINES),
        );
        check("oops\n[1]\n{\"title\":\"t\"}", (Format::JsonRecords, LINES));
        check("[1]\n{\"title\":\"t\"}", (Format::JsonRecords, LINES));
        check(
            "\u{feff}\n{\"title\":\"t\"}\r\n",
            (Format::JsonRecords, LINES),
        );
        check(
            "[\n{\"title\":\"t\"},\n{\"title\":\"u\"}\n]",
            (Format::JsonRecords, VALUES),
        );
        check(
            "{\n \"authors\": [{\"name\":\"x\"}],\n \"title\": \"t\"\n}",
            (Format::JsonRecords, VALUES),
        );
    }

    #[test]
    fn a_record_longer_than_the_window_is_known_by_its_start() {
        let start = format!(r#"{{"id":"1","title":"t","abstract":"{}"#, "x".repeat(99));
        assert_eq!(
            sniff(start.as_bytes(), false),
            Ok((Format::JsonRecords, LINES))
        );
    }

    #[test]
    fn what_is_no_dump_is_named() {
        check_unknown(b"", "empty");
        check_unknown(b"\n \n", "blank");
        check_unknown(b"%PDF-1.7", "a PDF");
        check_unknown(b"<!DOCTYPE html><html>", "HTML");
        check_unknown(b"<?xml version='1.0'?><OAI-PMH>", "XML");
        check_unknown(b"\x01\x02\x03\x04", "binary");
        check_unknown(b"\xff\xfe{\0", "UTF-16");
        check_unknown(b"caf\xe9 au lait", "UTF-8");
        check_unknown(
            br#"{"name":"q1","text":"a query"}"#,
            "neither a title nor an id and a text (their fields: name, text)",
        );
        check_unknown(b"TY  - JOUR\nTI  - A title\n", "RIS");
        check_unknown(b"@article{x,\n", "BibTeX");
        check_unknown(b"[]", "no records");
        check_unknown(b"Dear all,\nno papers here.\n", "neither");
    }
}
