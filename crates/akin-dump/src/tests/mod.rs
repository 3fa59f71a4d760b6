//! Whole dumps, from bytes to papers and rejections.

mod accounts;
mod delimited;
mod faults;
mod fields;
mod fuzz;
mod linear;
mod names;
mod random;
mod source;
#[cfg(feature = "arrow")]
mod table;
mod text;

use std::collections::HashSet;
use std::io::{Cursor, Write};

use akin_base::error::Result;
use akin_base::paper::Paper;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::record::{RecordError, *};
use crate::registry::*;
use crate::*;

pub(crate) const GOOD: &str = r#"{"id":"2503.11731","title":"On X","abstract":"We show X."}"#;

/// A sample that the tests bring along.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(akin_testing::data(name)).expect("a sample")
}

pub(crate) fn open(name: &str, bytes: impl Into<Vec<u8>>) -> Result<Dump> {
    Dump::from_reader(
        name,
        Box::new(Cursor::new(bytes.into())),
        &ReadOptions::default(),
    )
}

pub(crate) fn read(
    name: &str,
    bytes: impl Into<Vec<u8>>,
) -> (Format, Vec<Result<Paper, Rejected>>) {
    let dump = open(name, bytes).expect("a dump");
    let paper = |item: Item| item.into_paper().expect("a paper");
    (dump.format(), dump.map(|item| item.map(paper)).collect())
}

/// Reads a dump that holds nothing but papers.
pub(crate) fn papers(name: &str, bytes: impl Into<Vec<u8>>) -> (Format, Vec<Paper>) {
    let (format, items) = read(name, bytes);
    (
        format,
        items
            .into_iter()
            .map(|item| item.expect("a paper"))
            .collect(),
    )
}

fn papers_of(name: &str) -> (Format, Vec<Paper>) {
    papers(name, sample(name))
}

/// Reads a dump whose items are, in order, papers by their id and rejections as they are shown.
pub(crate) fn check(bytes: impl Into<Vec<u8>>, expected: &[&str]) {
    let (_, items) = read("x", bytes);
    let shown: Vec<String> = items
        .into_iter()
        .map(|item| {
            item.map_or_else(
                |rejected| rejected.to_string(),
                |paper| paper.id.to_string(),
            )
        })
        .collect();
    assert_eq!(shown, expected);
}

/// A record that is a paper with these fields and no others.
#[track_caller]
pub(crate) fn check_paper(outcome: Result<Item, RecordError>, expected: &Value) {
    assert_eq!(&json_of(outcome), expected);
}

/// A record that is a paper with these fields among others; `null` is a field that it has not.
#[track_caller]
pub(crate) fn check_fields(outcome: Result<Item, RecordError>, expected: &Value) {
    let paper = json_of(outcome);
    for (name, value) in expected.as_object().expect("fields") {
        let found = paper.get(name).unwrap_or(&Value::Null);
        assert_eq!(found, value, "{name} of {paper}");
    }
}

#[track_caller]
fn json_of(outcome: Result<Item, RecordError>) -> Value {
    let paper = outcome.expect("no fault").into_paper().expect("a paper");
    serde_json::to_value(paper).expect("plain data")
}

/// Gives a few bytes at a time.
pub(crate) struct Drip(pub(crate) std::io::Cursor<Vec<u8>>, pub(crate) usize);

impl std::io::Read for Drip {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = buf.len().min(self.1);
        self.0.read(&mut buf[..n])
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

fn partial(text: &str) -> Option<akin_base::paper::PartialDate> {
    Some(text.parse().unwrap())
}

fn date(text: &str) -> Option<jiff::civil::Date> {
    text.parse().ok()
}

/// `count` records with ids 0 to `count`.
pub(crate) fn records(count: usize) -> String {
    (0..count)
        .map(|n| format!("{{\"id\":\"r{n}\",\"title\":\"Paper {n}\"}}\n"))
        .collect()
}

#[test]
fn a_dump_can_be_sent_to_a_thread() {
    fn is_send<T: Send>() {}
    is_send::<Dump>();
}

#[test]
fn the_arxiv_snapshot_is_read_whole() {
    let (format, papers) = papers_of("formats/arxiv-snapshot.jsonl");
    assert_eq!((format, papers.len()), (Format::ArxivSnapshot, 12));
    for paper in &papers {
        assert!(paper.id.is_arxiv() && !paper.authors.is_empty() && !paper.categories.is_empty());
        assert!(paper.published.is_some() && paper.updated.is_some() && paper.version.is_some());
        assert!(!paper.title.contains('\n') && !paper.abstract_text.contains('\n'));
        assert!(
            paper.authors.iter().all(|name| !name.contains(['\\', ','])),
            "{:?}",
            paper.authors
        );
    }
}

#[test]
fn a_snapshot_record_is_understood_in_every_field() {
    let line = r#"{"id":"0704.0001","submitter":"P","authors":"C. Bal\\'azs, C.-P. Yuan","title":"Calculation of\n  prompt","comments":"37 pages","journal-ref":"Phys.Rev.D76:013009,2007","doi":"10.1103/PhysRevD.76.013009","report-no":null,"categories":"hep-ph hep-ex","license":null,"abstract":"  A fully\ndifferential.\n","versions":[{"version":"v1","created":"Mon, 2 Apr 2007 19:18:42 GMT"},{"version":"v2","created":"Tue, 24 Jul 2007 20:10:27 GMT"}],"update_date":"2008-11-26","authors_parsed":[["Bal\u00e1zs","C.",""],["Yuan","C. -P.","Jr."]]}"#;
    let (_, papers) = papers("x", line);
    let paper = &papers[0];
    assert_eq!(paper.id.as_str(), "0704.0001");
    assert_eq!(paper.aliases[0].as_str(), "10.1103/physrevd.76.013009");
    assert_eq!(paper.title, "Calculation of prompt");
    assert_eq!(paper.abstract_text, "A fully differential.");
    assert_eq!(paper.authors, ["C. Balázs", "C.-P. Yuan Jr."]);
    assert_eq!(paper.categories, ["hep-ph", "hep-ex"]);
    assert_eq!(
        (paper.version, paper.published, paper.updated),
        (Some(2), partial("2007-04-02"), partial("2008-11-26"))
    );
    assert_eq!(paper.comment.as_deref(), Some("37 pages"));
    assert_eq!(paper.journal.as_deref(), Some("Phys.Rev.D76:013009,2007"));
}

#[test]
fn a_reduced_snapshot_mends_the_ids_that_were_numbers() {
    let line = |id: &str| {
        format!(
            r#"{{"id":{id},"authors":"A and B","title":"t","doi":null,"categories":"cs.CL","abstract":"a"}}"#
        )
    };
    let ids = [
        r#""704.0001""#,
        "704.0001",
        r#""1505.0023""#,
        "1909.0896300000002",
        r#""math/0309136""#,
        r#""1234""#,
    ];
    let dump = ids.map(line).join("\n");
    check(
        dump,
        &[
            "0704.0001",
            "0704.0001",
            "1505.00230",
            "1909.08963",
            "math/0309136",
            "1234",
        ],
    );
}

#[test]
fn the_thousand_papers_are_read() {
    let (format, papers) = papers_of("arxiv-1000.jsonl");
    assert_eq!((format, papers.len()), (Format::ArxivSnapshot, 1000));
    assert!(
        papers
            .iter()
            .all(|paper| paper.id.is_arxiv() && !paper.abstract_text.is_empty())
    );
}

#[test]
fn daily_lists_take_their_day_from_the_name() {
    let (format, papers) = papers_of("formats/daily/2026-03-13.jsonl");
    assert_eq!((format, papers.len()), (Format::ArxivDaily, 30));
    for paper in &papers {
        assert_eq!(paper.listed, date("2026-03-13"));
        assert!(
            !paper.authors.is_empty() && paper.categories.iter().all(|code| !code.contains(' '))
        );
    }
    let bytes = sample("formats/daily/2026-03-13.jsonl");
    assert_eq!(self::papers("standard input", bytes).1[0].listed, None);
}

#[test]
fn the_answers_of_the_hf_api_are_read() {
    let (format, papers) = papers_of("formats/hf-daily-api.json");
    assert_eq!((format, papers.len()), (Format::HfDailyApi, 3));
    for paper in &papers {
        assert!(
            paper.id.is_arxiv() && paper.published.is_some() && !paper.abstract_text.is_empty()
        );
    }
    let one = r#"{"id":"2602.1","title":"t","summary":"s","authors":[{"name":"A"},{"name":"B","hidden":true}],"publishedAt":"2026-02-26T17:08:18.000Z","submittedOnDailyAt":"2026-03-06T03:55:12Z","upvotes":7}"#;
    for json in [
        one.to_owned(),
        format!("[{one}]"),
        format!("[\n{{\"paper\":\n{one}}}]"),
    ] {
        let (format, papers) = self::papers("x", json);
        let paper = &papers[0];
        assert_eq!(format, Format::HfDailyApi);
        assert_eq!(
            (paper.published, paper.listed),
            (partial("2026-02-26"), date("2026-03-06"))
        );
        assert_eq!(
            (paper.upvotes, paper.authors.as_slice()),
            (Some(7), &["A".to_owned()][..])
        );
    }
}

#[test]
fn comments_and_submitters_of_the_api_are_read() {
    let check = |around: &str, within: &str, comments: Option<u32>, submitter: Option<&str>| {
        let json = format!(
            r#"[{{"paper":{{"id":"2602.1","title":"t","summary":"s","publishedAt":"2026-02-26","upvotes":7{within}}}{around}}}]"#
        );
        let (_, papers) = self::papers("x", json);
        let found = (papers[0].n_comments, papers[0].submitter.as_deref());
        assert_eq!(found, (comments, submitter), "{around} {within}");
    };
    let ada = r#","submittedBy":{"name":"ada","fullname":"Ada  Example"},"numComments":2"#;
    let bob = r#","submittedOnDailyBy":{"name":"bob"}"#;
    check("", "", None, None);
    check(ada, "", Some(2), Some("Ada Example"));
    check(ada, bob, Some(2), Some("bob"));
    check(
        r#","submittedBy":"ada","numComments":"many""#,
        "",
        None,
        None,
    );
    check(r#","submittedBy":null,"numComments":null"#, "", None, None);
}

#[test]
fn scraped_days_are_read() {
    let (format, papers) = papers_of("formats/hf-daily-scrape.json");
    assert_eq!((format, papers.len()), (Format::HfDailyScrape, 2));
    for paper in &papers {
        assert_eq!((paper.listed, paper.published), (date("2026-03-13"), None));
        assert!(paper.authors.iter().all(|name| !name.ends_with(',')));
    }
}

#[test]
fn both_pages_give_their_papers_and_nothing_else() {
    let (format, daily) = papers_of("formats/daily-2025-aug-6.txt");
    let (_, search) = papers_of("formats/search-mean-field.txt");
    assert_eq!(
        (format, daily.len(), search.len()),
        (Format::HfPage, 82, 57)
    );
    let ids: HashSet<_> = daily.iter().chain(&search).map(|paper| &paper.id).collect();
    assert_eq!(ids.len(), 135);
    for paper in daily.iter().chain(&search) {
        assert!(
            paper.title.len() < 200 && paper.abstract_text.len() > 400,
            "{}",
            paper.title
        );
        assert!(!paper.title.starts_with("Subscribe"), "{}", paper.title);
    }
    assert_eq!(
        search[0].title,
        "Learning Mean Field Games on Sparse Graphs: A Hybrid Graphex Approach"
    );
    assert!(
        daily[0]
            .title
            .starts_with("Gravity-Informed Deep Learning Framework")
    );
    assert!(search[56].title.starts_with("\"Only ChatGPT gets me\""));
}

#[test]
fn a_beir_corpus_keeps_its_ids_and_its_documents_without_title() {
    assert_eq!(papers_of("formats/beir/corpus.jsonl").1.len(), 60);
    let corpus = r#"{"_id":"MED-10","title":"","text":"A text without a title.","metadata":{}}
{"_id":"471","title":"","text":""}
{"_id":12,"title":"A title","text":""}"#;
    let (format, items) = read("x", corpus);
    assert_eq!(format, Format::Beir);
    let first = items[0].as_ref().expect("a paper");
    assert_eq!(
        (first.title.as_str(), first.abstract_text.as_str()),
        ("A text without a title.", "A text without a title.")
    );
    check(
        corpus,
        &["MED-10", "line 2: empty: neither a title nor a text", "12"],
    );
}

#[test]
fn records_of_ones_own_are_read_under_the_usual_names() {
    let (format, papers) = papers_of("formats/generic.jsonl");
    assert_eq!((format, papers.len()), (Format::JsonRecords, 5));
    assert_eq!(papers[2].id.bare(), "42");
    assert!(papers.iter().all(|paper| !paper.abstract_text.is_empty()));
    let json = r#"{"paperId":"W1","Title":"t","Summary":"s","authors":[{"name":"A"},"B",{"first":"C","middle":["D."],"last":"E"}],"year":2020,"update_date":"2021-02-03","DOI":"10.1103/X","url":"https://arxiv.org/abs/2503.11731v2","categories":"cs.CL, cs.AI","venue":"V"}"#;
    let (_, papers) = self::papers("x", json);
    let paper = &papers[0];
    assert_eq!(paper.id.as_str(), "@x#W1");
    assert_eq!(
        paper
            .aliases
            .iter()
            .map(PaperIdText::text)
            .collect::<Vec<_>>(),
        ["10.1103/x", "2503.11731"]
    );
    assert_eq!(paper.authors, ["A", "B", "C D. E"]);
    assert_eq!(
        (paper.published, paper.updated),
        (partial("2020"), partial("2021-02-03"))
    );
    assert_eq!(paper.categories, ["cs.CL", "cs.AI"]);
    assert_eq!(paper.journal.as_deref(), Some("V"));
}

trait PaperIdText {
    fn text(&self) -> &str;
}

impl PaperIdText for akin_base::paper::PaperId {
    fn text(&self) -> &str {
        self.as_str()
    }
}

#[test]
fn ids_of_ones_own_are_numbers_dois_or_titles() {
    let title_id = akin_base::paper::PaperId::from_title("t");
    let dump = r#"{"id":7,"title":"t"}
{"id":704.0001,"title":"t"}
{"id":"704.0001","title":"t"}
{"title":"t","doi":"10.1103/X"}
{"title":"t","arxiv_id":"1505.0023"}
{"title":"t"}
{"id":"","title":"t"}
{"id":null,"title":"t"}"#;
    let title = title_id.as_str();
    check(
        dump,
        &[
            "7",
            "0704.0001",
            "704.0001",
            "10.1103/x",
            "1505.00230",
            title,
            title,
            title,
        ],
    );
}

#[test]
fn a_text_that_has_an_id_needs_no_title() {
    let dump = r#"{"id":"a","text":"A plain text."}
{"id":2,"text":" "}
{"id":3,"text":null}
{"text":"A text of no name."}
{"id":5,"text":{"x":1}}
{"id":6,"title":null,"text":"Another."}"#;
    check(
        dump,
        &[
            "a",
            "line 2: empty: neither a title nor a text",
            "line 3: empty: neither a title nor a text",
            "line 4: no id",
            "line 5: the text is an object, not text",
            "6",
        ],
    );
    assert_eq!(
        read("x", dump).1[0].as_ref().expect("a text").passage(),
        "A plain text."
    );
}
