//! Recognises the format of a dump from its first bytes after decompression, never from its name.
//!
//! In: the start of the dump. Out: its [`Format`] and how its records are framed, or a description
//! of what it looks like instead. Formats of JSON are distinguished by the fields of the first
//! record that can be read.

use crate::format::{Beginning, FormatReader, Framing};
use crate::json::object::fields;
use crate::json::renamed::renamed_start;
use crate::json::sniff::{is_empty_list, json};
use crate::options::ReadOptions;
use crate::registry::Format;
use crate::{tagged, xml};

/// Beginnings of files of other kinds.
const MAGICS: [(&[u8], &str); 8] = [
    (b"%PDF-", "a PDF"),
    (
        b"PK\x03\x04",
        "a zip archive, which is only read from a file of its own",
    ),
    (b"BZh", "compressed with bzip2 twice"),
    (b"\xFD7zXZ\0", "compressed with xz twice"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"\x1F\x8B", "compressed with gzip twice"),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd twice"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// A format with its framing, or a description of a file without one.
pub(crate) type Sniffed = Result<(Format, Framing), String>;

/// Tells the format from the start of a dump; `complete` if that is all of it. A requested format
/// is taken at its word; only the framing of JSON is detected. A header of columns counts as one if
/// the user has set columns, and JSON with such a field as records. No other format has columns to
/// set.
pub(crate) fn sniff(start: &[u8], complete: bool, options: &ReadOptions) -> Sniffed {
    let text = start
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(start)
        .trim_ascii_start();
    if start.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.is_empty() && !complete && options.format.is_none() {
        let n_kib = start.len() >> 10;
        return Err(format!(
            "its first {n_kib} KiB hold nothing but blank space"
        ));
    }
    if text.is_empty() && complete {
        return Err("it holds nothing but blank space".to_owned());
    }
    if let Some(format) = options.format.filter(|format| !has_columns(*format)) {
        refuse_columns(format, options)?;
    }
    let is_json = text.starts_with(b"{") || text.starts_with(b"[");
    if is_json && !options.columns.is_empty() && options.format.is_none_or(Format::is_json) {
        return with_columns(text, complete, options);
    }
    if let Some(format) = options.format {
        let found = format.is_json().then(|| json(text, complete)).flatten();
        return Ok((
            format,
            found.map_or(format.framing(), |(_, framing)| framing),
        ));
    }
    let own = |format: Format| (format, format.framing());
    let beginning = Beginning {
        text,
        complete,
        columns: &options.columns,
    };
    let found = by_magic(start)
        .map(own)
        .or_else(|| json(text, complete))
        .or_else(|| xml::sniff::sniff(text).map(own))
        .or_else(|| tagged::sniff::sniff(text).map(own))
        .or_else(|| by_look(&beginning).map(own))
        .ok_or_else(|| match (looks_like(start, text), complete) {
            (what, true) => format!("it looks like {what}"),
            (what, false) => format!("its first {} KiB look like {what}", start.len() >> 10),
        })?;
    if !has_columns(found.0) {
        refuse_columns(found.0, options)?;
    }
    Ok(found)
}

/// Whether the names of a format's fields can be set.
fn has_columns(format: Format) -> bool {
    let framing = format.framing();
    format == Format::JsonRecords || matches!(framing, Framing::Cells | Framing::Table)
}

fn refuse_columns(format: Format, options: &ReadOptions) -> Result<(), String> {
    match &options.columns[..] {
        [] => Ok(()),
        [(field, column), ..] => Err(format!(
            "the fields of {format} have fixed names, and `{field}={column}` cannot be set"
        )),
    }
}

/// The framing of JSON whose records have fields that the user named.
fn with_columns(text: &[u8], complete: bool, options: &ReadOptions) -> Sniffed {
    let renamed = renamed_start(text, &options.columns)?;
    if let Some(renamed) = &renamed
        && let Some((_, framing)) = json(renamed, complete)
    {
        return Ok((Format::JsonRecords, framing));
    }
    let Some((format, framing)) = json(text, complete) else {
        return Err(format!("it looks like {}", json_without_titles(text)));
    };
    if format != Format::JsonRecords {
        refuse_columns(format, options)?;
    }
    let (_, column) = &options.columns[0];
    if renamed.is_none() && !is_empty_list(text) {
        let names = names_of(text);
        return Err(format!(
            "no field is called `{column}` (its fields: {names})"
        ));
    }
    Ok((format, framing))
}

/// The format whose dumps all begin with these bytes.
fn by_magic(start: &[u8]) -> Option<Format> {
    Format::all().find(|format| match &format.spec().reader {
        FormatReader::Items(items) => items.magic.is_some_and(|magic| start.starts_with(magic)),
        _ => false,
    })
}

/// The format of rows or of a page that a text looks like.
fn by_look(beginning: &Beginning<'_>) -> Option<Format> {
    Format::all().find(|format| match &format.spec().reader {
        FormatReader::Items(items) => (items.looks_like)(beginning),
        _ => false,
    })
}

/// Describes a file that is not a dump.
fn looks_like(start: &[u8], text: &[u8]) -> String {
    if let Some((_, what)) = MAGICS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return (*what).to_owned();
    }
    if start.get(257..262) == Some(b"ustar") {
        return "a tar archive, which is not read: unpack it first".to_owned();
    }
    let head = String::from_utf8_lossy(&text[..text.len().min(1024)]).to_ascii_lowercase();
    if head.starts_with("%!ps") {
        return "PostScript".to_owned();
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
    let names = names_of(text);
    if names.is_empty() {
        return "JSON, or a part of it, that holds no records".to_owned();
    }
    format!("JSON whose records have neither a title nor an id and a text (their fields: {names})")
}

/// The names of the first fields of the first object.
fn names_of(text: &[u8]) -> String {
    let object = text
        .iter()
        .position(|&byte| byte == b'{')
        .map_or(&text[..0], |at| &text[at..]);
    let names: Vec<String> = fields(object)
        .into_iter()
        .take(8)
        .map(|(name, _)| name)
        .collect();
    let shown = names.join(", ");
    let shown = shown.chars().filter(|c| !c.is_control());
    shown.take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Framing = Framing::Lines;
    const VALUES: Framing = Framing::Values { wrapper: None };

    fn check(start: &str, expected: (Format, Framing)) {
        assert_eq!(
            sniff(start.as_bytes(), true, &ReadOptions::default()),
            Ok(expected),
            "{start}"
        );
    }

    fn check_unknown(start: &[u8], words: &str) {
        let reason = sniff(start, true, &ReadOptions::default()).expect_err("no format");
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
        check("[{\"title\":\"t\"}]\n", (Format::JsonRecords, VALUES));
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
    fn pages_and_maps_are_told_by_the_records_in_them() {
        let page = |wrapper| Framing::Values {
            wrapper: Some(wrapper),
        };
        check(
            r#"{"meta":{"count":1},"results":[{"id":"https://openalex.org/W1234","display_name":"t"}]}"#,
            (Format::OpenAlex, page("results")),
        );
        check(
            "{\"total\": 1,\n\"data\": [null, {\"paperId\":\"x\",\"title\":\"t\"}]}",
            (Format::SemanticScholar, page("data")),
        );
        check(
            "{\"results\": [\n{\"title\":\"t\"},\n{\"title\":\"u\"}\n]}",
            (Format::JsonRecords, page("results")),
        );
        check(
            r#"{"records":[{"title":"t"}]}"#,
            (Format::JsonRecords, page("records")),
        );
        check(
            "{\n\"a1\": {\"title\": \"t\"},\n\"a2\": {}}",
            (Format::JsonRecords, Framing::Map),
        );
        check(
            r#"{"status":"ok","message-type":"work-list","message":{"facets":{},"items":[{"DOI":"10.5555/x","title":["t"]}]}}"#,
            (Format::Crossref, page("message.items")),
        );
        check(
            r#"{"status":"ok","message-type":"work","message":{"indexed":{},"DOI":"10.5555/x","title":["t"]}}"#,
            (Format::Crossref, page("message")),
        );
        check(
            r#"{"items":[{"DOI":"10.5555/x","title":["t"],"indexed":{}}]}"#,
            (Format::Crossref, page("items")),
        );
        check(
            r#"{"version":"6.9","resultList":{"result":[{"id":"1","source":"MED","title":"t","authorString":"Doe J."}]}}"#,
            (Format::EuropePmc, page("resultList.result")),
        );
        check_unknown(br#"{"data":[],"x":[{"title":"t"}]}"#, "neither");
        check_unknown(br#"{"data":{"x":{"title":"t"}}}"#, "neither");
    }

    #[test]
    fn records_of_the_indexes_are_told_by_their_fields() {
        check(
            r#"{"id":"x","title":"t","abstract_inverted_index":null}"#,
            (Format::OpenAlex, LINES),
        );
        check(
            r#"{"title":"t","authorships":[]}"#,
            (Format::OpenAlex, LINES),
        );
        for record in [
            r#"{"corpusid":1,"externalids":{},"title":"t"}"#,
            r#"{"corpusid":1,"abstract":"a"}"#,
            r#"{"paperId":"x","title":"t"}"#,
            r#"{"paper_id":"1","title":"t","mag_id":null}"#,
            r#"{"id":"1","title":"t","paperAbstract":"a"}"#,
            r#"{"intents":[],"citedPaper":{"title":"t"}}"#,
        ] {
            check(record, (Format::SemanticScholar, LINES));
        }
        check(
            r#"{"paper_id":"1","title":"t","abstract":"a"}"#,
            (Format::JsonRecords, LINES),
        );
    }

    #[test]
    fn records_of_bibliographies_are_told_by_their_fields() {
        for record in [
            r#"{"id":"a","type":"article-journal","title":"t"}"#,
            r#"{"id":"a","title":"t","issued":{"date-parts":[[2019]]}}"#,
            r#"{"type":"book","title":"t","author":[{"literal":"G"}]}"#,
            r#"{"DOI":"10.5555/x","title":"t","container-title":"J"}"#,
        ] {
            check(record, (Format::CslJson, LINES));
            check(&format!("[{record}]"), (Format::CslJson, VALUES));
        }
        check(
            r#"{"DOI":"10.5555/x","title":["t"]}"#,
            (Format::Crossref, LINES),
        );
        check(
            r#"{"id":"1","source":"PPR","title":"t","firstPublicationDate":"2019-01-01","journalInfo":{}}"#,
            (Format::EuropePmc, LINES),
        );
        for record in [
            r#"{"id":"a","type":"article","title":"t"}"#,
            r#"{"id":"a","title":"t","issued":"2019"}"#,
            r#"{"doi":"10.5555/x","title":"t","author":[{"name":"A"}]}"#,
            r#"{"id":"1","source":"MED","title":"t"}"#,
        ] {
            check(record, (Format::JsonRecords, LINES));
        }
    }

    #[test]
    fn the_first_record_that_can_be_read_decides() {
        check(
            "{\"id\": brok\n{\"title\":\"t\"}\n",
            (Format::JsonRecords, LINES),
        );
        check("oops\n[1]\n{\"title\":\"t\"}", (Format::JsonRecords, LINES));
        check("[1]\n{\"title\":\"t\"}", (Format::JsonRecords, LINES));
        check("[{\"title\":\"t\"}]\nx", (Format::JsonRecords, VALUES));
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
            sniff(start.as_bytes(), false, &ReadOptions::default()),
            Ok((Format::JsonRecords, LINES))
        );
    }

    #[test]
    fn what_is_no_dump_is_named() {
        check_unknown(b"", "empty");
        check_unknown(b"\n \n", "blank");
        check_unknown(b"%PDF-1.7", "a PDF");
        check_unknown(b"<!DOCTYPE html><html>", "HTML");
        check_unknown(b"<?xml version='1.0'?><rss>", "XML");
        check_unknown(b"\x01\x02\x03\x04", "binary");
        check_unknown(b"caf\xe9 au lait", "UTF-8");
        check_unknown(
            br#"{"name":"q1","text":"a query"}"#,
            "neither a title nor an id and a text (their fields: name, text)",
        );
        check_unknown(b"[5]", "no records");
        check_unknown(b"Dear all,\nno papers here.\n", "neither");
    }
}
