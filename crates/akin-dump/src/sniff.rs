//! What a dump is, told from its first bytes after decompression, never from its name.
//!
//! In: the start of the dump. Out: its [`Format`] and how its records are framed, or in words what
//! it looks like instead. Records of JSON are told apart by the fields of the first one that can
//! be read.

use super::sniff_json::{fields, json};
use super::{ReadOptions, delimited, hf_page, tagged, xml};
use std::fmt;

/// The format of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The arXiv metadata snapshot.
    ArxivSnapshot,
    /// A daily arXiv list.
    ArxivDaily,
    /// Responses of arXiv's OAI-PMH interface: `arXiv`, `arXivRaw`, `oai_dc`.
    ArxivOai,
    /// Feeds of the arXiv API.
    ArxivAtom,
    /// `.abs` files of arXiv.
    ArxivAbs,
    /// What the API of Hugging Face Daily Papers answers.
    HfDailyApi,
    /// A day of Hugging Face Daily Papers, scraped.
    HfDailyScrape,
    /// The saved text of a Hugging Face papers page.
    HfPage,
    /// PubMed's baseline and update files, and what its E-utilities answer.
    PubmedXml,
    /// MEDLINE text, also called `.nbib`.
    Medline,
    /// Works of OpenAlex.
    OpenAlex,
    /// Papers of Semantic Scholar: bulk data sets, API answers, S2ORC.
    SemanticScholar,
    /// Works of Crossref: answers of its API, its public data files.
    Crossref,
    /// CSL-JSON, as reference managers export it.
    CslJson,
    /// What Europe PMC answers.
    EuropePmc,
    /// A collection of the ACL Anthology.
    AclAnthology,
    /// BibTeX.
    Bibtex,
    /// RIS.
    Ris,
    /// EndNote's own export, with `%T` and the like.
    EndNote,
    /// Web of Science's field-tagged export.
    WebOfScience,
    /// `metadata.csv` of CORD-19.
    Cord19,
    /// Values separated by commas, semicolons or tabs, under a line of names.
    Delimited,
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

/// Every format: its name on the command line, and what it is called in messages.
const FORMATS: [(Format, &str, &str); 27] = [
    (
        Format::ArxivSnapshot,
        "arxiv-snapshot",
        "arXiv metadata snapshot",
    ),
    (Format::ArxivDaily, "arxiv-daily", "daily arXiv list"),
    (Format::ArxivOai, "arxiv-oai", "arXiv OAI-PMH"),
    (Format::ArxivAtom, "arxiv-atom", "arXiv API feed"),
    (Format::ArxivAbs, "arxiv-abs", "arXiv .abs"),
    (
        Format::HfDailyApi,
        "hf-daily",
        "Hugging Face Daily Papers (API)",
    ),
    (
        Format::HfDailyScrape,
        "hf-daily-scraped",
        "Hugging Face Daily Papers (scraped)",
    ),
    (
        Format::HfPage,
        "hf-page",
        "text of a Hugging Face papers page",
    ),
    (Format::PubmedXml, "pubmed", "PubMed XML"),
    (Format::Medline, "medline", "MEDLINE"),
    (Format::OpenAlex, "openalex", "OpenAlex works"),
    (
        Format::SemanticScholar,
        "semantic-scholar",
        "Semantic Scholar",
    ),
    (Format::Crossref, "crossref", "Crossref works"),
    (Format::CslJson, "csl-json", "CSL-JSON"),
    (Format::EuropePmc, "europe-pmc", "Europe PMC"),
    (Format::AclAnthology, "acl", "ACL Anthology XML"),
    (Format::Bibtex, "bibtex", "BibTeX"),
    (Format::Ris, "ris", "RIS"),
    (Format::EndNote, "endnote", "EndNote"),
    (Format::WebOfScience, "wos", "Web of Science"),
    (Format::Cord19, "cord19", "CORD-19 metadata"),
    (Format::Delimited, "csv", "CSV or TSV"),
    (Format::JsonRecords, "json", "JSON records"),
    (Format::Beir, "beir", "BEIR corpus"),
    (Format::ArrowStream, "arrow-stream", "Arrow stream"),
    (Format::ArrowFile, "arrow", "Arrow file"),
    (Format::Parquet, "parquet", "Parquet file"),
];

impl Format {
    /// The format of this name on the command line.
    pub fn from_name(name: &str) -> Option<Format> {
        let (format, ..) = FORMATS.iter().find(|(_, known, _)| *known == name)?;
        Some(*format)
    }

    /// The names that [`Format::from_name`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(_, name, _)| *name)
    }

    /// Whether its records are JSON objects.
    pub(super) fn is_json(self) -> bool {
        use Format::{ArxivDaily, ArxivSnapshot, Beir, HfDailyApi, HfDailyScrape, JsonRecords};
        use Format::{Crossref, CslJson, EuropePmc, OpenAlex, SemanticScholar};
        matches!(
            self,
            ArxivSnapshot
                | ArxivDaily
                | HfDailyApi
                | HfDailyScrape
                | OpenAlex
                | SemanticScholar
                | Crossref
                | CslJson
                | EuropePmc
                | JsonRecords
                | Beir
        )
    }

    /// Whether its records are made of lines with tags, or of entries.
    pub(super) fn is_tagged(self) -> bool {
        use Format::{ArxivAbs, Bibtex, EndNote, Medline, Ris, WebOfScience};
        matches!(
            self,
            ArxivAbs | Bibtex | EndNote | Medline | Ris | WebOfScience
        )
    }

    /// How its records are told apart, but for JSON, where it depends on the dump.
    pub(super) fn framing(self) -> Framing {
        use Format::{AclAnthology, ArxivAtom, ArxivOai, PubmedXml};
        use Format::{ArrowFile, ArrowStream, Cord19, Delimited, HfPage, Parquet};
        match self {
            ArxivOai | ArxivAtom | PubmedXml | AclAnthology => Framing::Elements,
            HfPage => Framing::Page,
            Cord19 | Delimited => Framing::Cells,
            ArrowStream | ArrowFile | Parquet => Framing::Table,
            tagged if tagged.is_tagged() => Framing::Blocks,
            _ => Framing::Lines,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = FORMATS.iter().find(|(format, ..)| format == self);
        f.write_str(known.map_or("", |(.., words)| words))
    }
}

/// How the records of a dump are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Lines,
    Values {
        wrapper: Option<&'static str>,
    },
    /// JSON objects whose fields are the records.
    Map,
    /// XML elements.
    Elements,
    /// Blocks of tagged lines, or entries.
    Blocks,
    Page,
    /// Rows of text.
    Cells,
    Table,
}

/// The formats that are told from their content, in words.
pub const KNOWN_FORMATS: &str = "arXiv's snapshot, OAI-PMH, API feeds, daily lists and .abs files, \
    PubMed XML, MEDLINE, Europe PMC, OpenAlex, Crossref, Semantic Scholar, ACL Anthology XML, \
    CORD-19, BibTeX, RIS, CSL-JSON, \
    EndNote, Web of Science, Hugging Face Daily Papers, BEIR corpora, CSV and TSV, Arrow and \
    Parquet, and JSON records with a title, or with an id and a text; plain or compressed";

/// Beginnings of files that are something else.
const MAGICS: [(&[u8], &str); 8] = [
    (b"%PDF-", "a PDF"),
    (
        b"PK\x03\x04",
        "a zip archive, which is read from a file of its own only",
    ),
    (b"BZh", "compressed with bzip2 twice"),
    (b"\xFD7zXZ\0", "compressed with xz twice"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"\x1F\x8B", "compressed with gzip twice"),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd twice"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// Beginnings of tables.
const TABLES: [(&[u8], Format); 3] = [
    (b"\xFF\xFF\xFF\xFF", Format::ArrowStream),
    (b"ARROW1\0\0", Format::ArrowFile),
    (b"PAR1", Format::Parquet),
];

/// A format with its framing, or what is said of a file that is of none.
pub(super) type Sniffed = Result<(Format, Framing), String>;

/// Tells the format from the start of a dump; `complete` if that is all of it. An insisted format
/// is taken at its word; of JSON only the framing is looked for. Of text, a header of columns is
/// one where the user has set columns.
pub(super) fn sniff(start: &[u8], complete: bool, options: &ReadOptions) -> Sniffed {
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
    if let Some(format) = options.format {
        let found = format.is_json().then(|| json(text, complete)).flatten();
        return Ok((
            format,
            found.map_or(format.framing(), |(_, framing)| framing),
        ));
    }
    let own = |format: Format| (format, format.framing());
    table(start)
        .or_else(|| json(text, complete))
        .or_else(|| xml::sniff(text).map(own))
        .or_else(|| tagged::sniff(text).map(own))
        .or_else(|| page(text, complete))
        .or_else(|| delimited::sniff(text, complete, &options.columns).map(own))
        .ok_or_else(|| match (looks_like(start, text), complete) {
            (what, true) => format!("it looks like {what}"),
            (what, false) => format!("its first {} KiB look like {what}", start.len() >> 10),
        })
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

/// What a file is that is no dump, in words.
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
