//! What is read of unusual dumps: other line ends, other writers' JSON, numbers that became floats,
//! lines before a header, records of two fields.

use std::io;

use akin_base::error::Result;
use akin_base::paper::Paper;

use super::accounts::nothing;
use super::{gzip, open, papers, read};
use crate::registry::*;
use crate::*;

/// The ids and titles of the papers of a dump that holds nothing else.
#[track_caller]
fn check(bytes: impl Into<Vec<u8>>, format: Format, expected: &[&str]) {
    let (found, papers) = papers("x", bytes);
    let shown: Vec<String> = papers
        .iter()
        .map(|paper| {
            if paper.id.is_made() {
                paper.title.clone()
            } else {
                format!("{}: {}", paper.id, paper.title)
            }
        })
        .collect();
    assert_eq!(
        (found, shown),
        (format, expected.iter().map(|s| (*s).to_owned()).collect())
    );
}

#[track_caller]
fn only(bytes: impl Into<Vec<u8>>) -> Paper {
    let (_, mut papers) = papers("x", bytes);
    assert_eq!(papers.len(), 1);
    papers.remove(0)
}

/// A text of every format of text, with the papers in it.
const TEXTS: [(Format, &str, &[&str]); 10] = [
    (
        Format::Delimited,
        "title,abstract,authors,year,doi\nTides in inlets,Tides were measured.,\"Moreau, C.\",2011,10.5555/tides.1\n\
         \"Currents, \"\"wide\"\"\",x,y,2012,10.5555/tides.2\n",
        &[
            "10.5555/tides.1: Tides in inlets",
            "10.5555/tides.2: Currents, \"wide\"",
        ],
    ),
    (
        Format::Delimited,
        "Title\tAbstract\nTides\tMeasured.\nCurrents\tSwift.\n",
        &["Tides", "Currents"],
    ),
    (
        Format::Ris,
        "TY  - JOUR\nTI  - Tides in\n  inlets\nDO  - 10.5555/tides.1\nER  - \n\nTY  - JOUR\nTI  - Currents\nDO  - 10.5555/tides.2\nER  - \n",
        &[
            "10.5555/tides.1: Tides in inlets",
            "10.5555/tides.2: Currents",
        ],
    ),
    (
        Format::Medline,
        "PMID- 1\nTI  - Tides in\n      inlets\n\nPMID- 2\nTI  - Currents\n",
        &["pmid:1: Tides in inlets", "pmid:2: Currents"],
    ),
    (
        Format::WebOfScience,
        "FN Clarivate\nVR 1.0\nPT J\nTI Tides in\n   inlets\nUT WOS:1\nER\n\nPT J\nTI Currents\nUT WOS:2\nER\n\nEF\n",
        &["WOS:1: Tides in inlets", "WOS:2: Currents"],
    ),
    (
        Format::EndNote,
        "%0 Journal Article\n%T Tides\n%R 10.5555/tides.1\n\n%0 Journal Article\n%T Currents\n%R 10.5555/tides.2\n",
        &["10.5555/tides.1: Tides", "10.5555/tides.2: Currents"],
    ),
    (
        Format::EndNote,
        "%T Tides\n%X Measured.\n\n%T Currents\n%X Swift.\n",
        &["Tides", "Currents"],
    ),
    (
        Format::Bibtex,
        "% exported by @hand{of,\n@article{a,\n title = {Tides in\n  inlets}, doi = {10.5555/tides.1}}\n% and\n@article{b, title = {Currents}, doi = {10.5555/tides.2}}\n",
        &[
            "10.5555/tides.1: Tides in inlets",
            "10.5555/tides.2: Currents",
        ],
    ),
    (
        Format::ArxivAbs,
        "------------------------------------------------------------------------------\n\\\\\nPaper: hep-th/9901001\n\
         From: J. Roe\nDate: Fri, 1 Jan 1999 00:00:00 GMT   (9kb)\n\nTitle: Strings\nAuthors: J. Roe\n\\\\\n  We pull strings.\n\\\\\n",
        &["hep-th/9901001: Strings"],
    ),
    (
        Format::JsonRecords,
        "{\"id\": \"t1\", \"title\": \"Tides\"}\n{\"id\": \"t2\", \"title\": \"Currents\"}\n",
        &["t1: Tides", "t2: Currents"],
    ),
];

#[test]
fn lines_of_every_text_may_end_in_every_way() {
    for (format, text, expected) in TEXTS {
        for end in ["\n", "\r\n", "\r", "\r\r\n"] {
            let text = text.replace('\n', end);
            check(text.as_str(), format, expected);
            check(format!("\u{feff}{text}"), format, expected);
            check(gzip(text.as_bytes()), format, expected);
            check(text.trim_end(), format, expected);
            let utf16 = format!("\u{feff}{text}");
            let utf16: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_le_bytes).collect();
            check(utf16, format, expected);
        }
    }
}

#[test]
fn bibliographies_of_two_line_ends_are_read_whole() {
    for (format, text, expected) in TEXTS {
        if format.is_tagged() && format != Format::Bibtex {
            let twice = [expected, expected].concat();
            check(
                format!("{}\r{text}", text.replace('\n', "\r")),
                format,
                &twice,
            );
            check(
                format!("{text}\n{}", text.replace('\n', "\r")),
                format,
                &twice,
            );
        }
    }
}

#[test]
fn a_last_line_that_breaks_off_is_a_cut() {
    let whole =
        "{\"id\":\"a\",\"title\":\"Tides\"}\n{\"id\":\"b\",\"title\":\"Currénts\"}".as_bytes();
    let first = whole.iter().position(|&b| b == b'\n').expect("a line end") + 2;
    for end in first..whole.len() {
        let (_, items) = read("x", &whole[..end]);
        let last = items[1].as_ref().expect_err("a cut");
        assert_eq!((&last.reason, last.line), (&Rejection::Cut, 2), "{end}");
        let (_, items) = read("x", [&whole[..end], b"\n"].concat());
        let last = items[1].as_ref().expect_err("a broken line");
        assert!(matches!(last.reason, Rejection::NotJson { .. }), "{end}");
    }
    assert_eq!(papers("x", whole).1.len(), 2);
}

#[test]
fn a_long_dump_whose_lines_end_in_cr_is_read() {
    let line = |n: usize| format!("{{\"id\": \"r{n}\", \"title\": \"Paper {n}\"}}\r");
    let json: String = (0..5000).map(line).collect();
    assert_eq!(papers("x", json).1.len(), 5000);
    let row = |n: usize| format!("{n},\"Paper, {n}\n(one)\"\r");
    let table: String = (0..5000).map(row).collect();
    assert_eq!(papers("x", format!("id,title\r{table}")).1.len(), 5000);
}

#[test]
fn a_bom_is_no_part_of_a_name() {
    for text in [
        "\u{feff}title,abstract\nTides,x\n",
        "\u{feff}\"title\",abstract\nTides,x\n",
        "\"\u{feff}title\",abstract\nTides,x\n",
        "ï»¿title,abstract\nTides,x\n",
        "\u{feff}sep=,\ntitle,abstract\nTides,x\n",
        "sep=,\n\u{feff}title,abstract\nTides,x\n",
    ] {
        check(text, Format::Delimited, &["Tides"]);
    }
    for text in [
        "\u{feff}{\"title\":\"Tides\"}",
        "{\"\u{feff}title\":\"Tides\",\"x\":1}",
        "{\"\\ufefftitle\":\"Tides\",\"x\":1}",
        "\u{feff}[\u{feff}{\"title\":\"Tides\"}]",
    ] {
        check(text, Format::JsonRecords, &["Tides"]);
    }
    let xml = "\u{feff}<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article>\
               <ArticleTitle>Tides</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>";
    check(xml, Format::PubmedXml, &["pmid:1: Tides"]);
}

#[test]
fn a_cr_in_a_cell_cuts_no_row() {
    let paper = only("title,abstract,doi\nTides,one\rtwo,10.5555/tides.1\n");
    assert_eq!(paper.abstract_text, "one two");
    assert_eq!(paper.id.as_str(), "10.5555/tides.1");
    let paper = only("title,abstract,doi\r\r\nTides,\"one\rtwo\",\"10.5555/tides.1\"\r\r\n");
    assert_eq!(paper.abstract_text, "one two");
    assert_eq!(paper.id.as_str(), "10.5555/tides.1");
}

/// A record of every kind of JSON, with `$` where any value may stand.
const RECORDS: [(Format, &str); 8] = [
    (
        Format::ArxivSnapshot,
        r#"{"id":"2503.11731","title":"On X","abstract":"a","categories":"cs.CL","doi":$,"x":[$]}"#,
    ),
    (
        Format::ArxivDaily,
        r#"{"id":"2503.11731","title":"On X","summary":"a","categories":["cs.CL"],"abs":"u","comment":$}"#,
    ),
    (
        Format::HfDailyApi,
        r#"{"paper":{"id":"2503.11731","title":"On X","summary":"a","upvotes":$},"numComments":$}"#,
    ),
    (
        Format::OpenAlex,
        r#"{"id":"https://openalex.org/W2741809807","title":"On X","doi":$,"topics":[{"score":$}],"abstract_inverted_index":$}"#,
    ),
    (
        Format::SemanticScholar,
        r#"{"corpusid":77490025,"externalids":{"DOI":$},"title":"On X","year":$}"#,
    ),
    (
        Format::Beir,
        r#"{"_id":"b1","title":"On X","text":"a","metadata":{"x":$}}"#,
    ),
    (
        Format::JsonRecords,
        r#"{"id":"p1","title":"On X","abstract":$,"year":$,"doi":$}"#,
    ),
    (
        Format::JsonRecords,
        r#"{"id":"p1","text":"On X","abstract":$}"#,
    ),
];

#[test]
fn json_as_python_writes_it_is_read_in_every_format() {
    for (format, record) in RECORDS {
        for value in ["NaN", "Infinity", "-Infinity", "null", "None"] {
            let record = record.replace('$', value);
            let mut shapes = vec![record.clone(), format!("{record}\n{record}\n")];
            shapes.push(format!("[{record},\n{record}]"));
            if format != Format::HfDailyApi {
                shapes.push(record.replace(',', ",\n"));
            }
            for shape in shapes {
                let (found, papers) = papers("x", shape.as_str());
                assert_eq!(found, format, "{shape}");
                assert!(papers.iter().all(|paper| paper.title == "On X"), "{shape}");
            }
        }
    }
}

#[test]
fn a_gap_in_a_record_leaves_the_rest_of_it() {
    let line = r#"{"id": "p1", "title": "Salt in spring water", "abstract": NaN, "year": 2014.0, "doi": NaN, "authors": [NaN, "Ada Roe"]}"#;
    let paper = only(line);
    assert_eq!(
        (&*paper.title, &*paper.abstract_text),
        ("Salt in spring water", "")
    );
    assert_eq!(paper.published.map(|day| day.year()), Some(2014));
    assert_eq!((paper.authors.len(), paper.aliases.len()), (1, 0));
}

#[test]
fn strings_that_no_json_may_hold_are_read() {
    let paper =
        only("{\"id\":\"p1\",\"title\":\"The \\ud835 of\tX\",\"abstract\":\"\\udc00 a\u{1}b\"}");
    assert_eq!(
        (&*paper.title, &*paper.abstract_text),
        ("The \u{fffd} of X", "\u{fffd} a b")
    );
    assert_eq!(
        only(b"{\"id\":\"p1\",\"title\":\"The \xED\xA0\xB5 of X\"}").title,
        "The \u{fffd} of X"
    );
    let paper = only("[{\"id\":\"p1\",\"title\":\"On X\",\"abstract\":\"One.\nTwo {.\"}]");
    assert_eq!(paper.abstract_text, "One. Two {.");
    // What is sound stays: a pair is one character.
    assert_eq!(
        only(r#"{"id":"p1","title":"The \ud835\udc00 of X"}"#).title,
        "The \u{1d400} of X"
    );
}

#[test]
fn a_text_may_be_a_list_or_a_number() {
    for record in [
        r#"{"id":"p1","title":1984,"abstract":["First.","Second."]}"#,
        r#"{"id":"p1","title":["1984"],"abstract":[{"section":"x","text":"First."},"Second."]}"#,
        r#"{"id":"2503.11731","title":1984,"abstract":["First.",null,"Second."],"categories":"cs.CL"}"#,
        r#"{"id":"2503.11731","title":1984,"summary":["First.","Second."],"categories":["cs.CL"],"abs":"u"}"#,
        r#"{"paper":{"id":"2503.11731","title":1984,"summary":["First.","Second."]}}"#,
        r#"{"id":"https://openalex.org/W2741809807","title":1984.0,"abstract":["First.","Second."]}"#,
        r#"{"corpusid":7,"title":1984,"abstract":["First.","Second."]}"#,
        r#"{"_id":"b1","title":1984,"text":["First.","Second."]}"#,
        "title,abstract\n1984,First. Second.\n",
    ] {
        let paper = only(record);
        assert_eq!(
            (&*paper.title, &*paper.abstract_text),
            ("1984", "First. Second."),
            "{record}"
        );
    }
}

/// The ids of the only paper of a dump, its own first.
#[track_caller]
fn check_ids(bytes: impl Into<Vec<u8>>, expected: &[&str]) {
    let paper = only(bytes);
    let ids = std::iter::once(&paper.id).chain(&paper.aliases);
    let ids: Vec<&str> = ids.map(|id| id.bare()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn ids_that_became_floats_are_ids() {
    check_ids("id,title,pmid\nx1,T,95000001.0\n", &["x1", "pmid:95000001"]);
    check_ids(
        "id,title,pmid\nx1,T,9.5000001e7\n",
        &["x1", "pmid:95000001"],
    );
    check_ids("pmid,title\n95000001.0,T\n", &["pmid:95000001"]);
    check_ids("id,title\n17.0,T\n", &["17"]);
    check_ids(
        "cord_uid,title,pmcid,pubmed_id,s2_id\nab12,T,PMC35282,95000001.0,77490025.0\n",
        &["ab12", "pmid:95000001", "PMC35282", "corpusid:77490025"],
    );
    check_ids(
        r#"{"id":"x1","title":"T","pmid":95000001.0}"#,
        &["x1", "pmid:95000001"],
    );
    check_ids(
        r#"{"id":"x1","title":"T","pmid":"95000001.0"}"#,
        &["x1", "pmid:95000001"],
    );
    check_ids(
        r#"{"id":17.0,"title":"T","pmcid":35282.0}"#,
        &["17", "PMC35282"],
    );
    check_ids(
        r#"{"title":"T","corpus_id":7.7490025e7}"#,
        &["corpusid:77490025"],
    );
    check_ids(
        r#"{"paperId":"x","corpusId":77490025.0,"title":"T","externalIds":{"PubMed":95000001.0}}"#,
        &["x", "corpusid:77490025", "pmid:95000001"],
    );
    // What is no whole number stays, and so does a text that only looks like one.
    check_ids(r#"{"id":704.0001,"title":"T"}"#, &["0704.0001"]);
    check_ids(r#"{"id":"1.0","title":"T"}"#, &["1.0"]);
    check_ids("id,title\n1.5,T\n", &["1.5"]);
    check_ids("id,title\n2503.11731,T\n", &["2503.11731"]);
}

#[test]
fn lines_before_the_header_are_passed_over() {
    let rows = "Rank,Publication ID,DOI,PMID,Title,Abstract,PubYear,Authors\n\
                500,pub.1,10.5555/dim.1,,Bees over cities,Bees were filmed.,2019,\"Doe, Jane; Roe, Richard\"\n\
                501,pub.2,10.5555/dim.2,,Wasps,,2020,\n";
    let expected = ["10.5555/dim.1: Bees over cities", "10.5555/dim.2: Wasps"];
    let about = "About the data: Exported on Mar 01, 2021. Criteria: bees; wasps, ants. © 2021";
    for before in [
        String::new(),
        format!("\"{about}\"\n"),
        format!("{about}\n"),
        format!("\"{about}\",,,,,,,\n\n"),
        "# a comment\n# title, authors, abstract\n\n".to_owned(),
        "\"# a comment\"\n".to_owned(),
        "sep=,\n# a comment\n".to_owned(),
        "Search: bees\nDate: today\n \nHits: 2\n".to_owned(),
    ] {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("{before}{rows}").replace('\n', end);
            check(text.as_str(), Format::Delimited, &expected);
            check(format!("\u{feff}{text}"), Format::Delimited, &expected);
            assert_eq!(
                nothing(text.as_bytes(), Some(Format::Delimited)),
                None,
                "{text}"
            );
        }
    }
    let set = ReadOptions {
        columns: vec![("title".into(), "headline".into())],
        ..ReadOptions::default()
    };
    let text = "# made by hand\nn;headline;body\n1;Tides;x\n";
    let dump = Dump::from_reader("x", Box::new(io::Cursor::new(text)), &set).expect("a dump");
    assert_eq!(dump.filter(Result::is_ok).count(), 1);
}

#[test]
fn a_header_that_is_a_comment_is_the_header_where_there_is_no_other() {
    check("#id\ttitle\n1\tTides\n", Format::Delimited, &["1: Tides"]);
    check(
        "# x\n#id,title\n1,Tides\n",
        Format::Delimited,
        &["1: Tides"],
    );
}

#[test]
fn records_of_two_fields_are_records() {
    check("title,link\nTides,x\n", Format::Delimited, &["Tides"]);
    check("link;title\nx;Tides\n", Format::Delimited, &["Tides"]);
    check(
        "id,abstract\n7,Tides rise.\n",
        Format::Delimited,
        &["7: Tides rise."],
    );
    check(
        "doi\tabstract\n10.5555/a\tTides rise.\n",
        Format::Delimited,
        &["10.5555/a: Tides rise."],
    );
    check(
        r#"{"title":"Tides","link":"x"}"#,
        Format::JsonRecords,
        &["Tides"],
    );
    check(
        r#"{"id":7,"abstract":"Tides rise."}"#,
        Format::JsonRecords,
        &["7: Tides rise."],
    );
    check(
        "{\"doi\":\"10.5555/a\",\"summary\":\"Tides rise.\"}\n{\"doi\":\"10.5555/b\",\"summary\":\"They fall.\"}",
        Format::JsonRecords,
        &["10.5555/a: Tides rise.", "10.5555/b: They fall."],
    );
    check(
        r#"[{"id":7,"abstract":"Tides rise."}]"#,
        Format::JsonRecords,
        &["7: Tides rise."],
    );
    // Beside records with titles, one without is not whole.
    let mixed = "{\"id\":\"a\",\"title\":\"Tides\"}\n{\"id\":\"b\",\"abstract\":\"x\"}";
    assert_eq!(
        read("x", mixed).1[1].as_ref().expect_err("no title").reason,
        Rejection::NoTitle
    );
    for other in [
        "Title, something\nand more\n",
        "a,b\n1,2\n",
        "Dear title,\nyours\n",
    ] {
        assert!(open("x", other).is_err(), "{other}");
    }
}
