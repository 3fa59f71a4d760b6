//! CSV and TSV, from bytes to papers and rejections.

use akin_base::error::Result;
use akin_base::paper::Paper;

use crate::format::Beginning;
use crate::frame::*;
use crate::record::*;
use crate::registry::*;
use crate::*;

fn items(bytes: &[u8], options: &ReadOptions) -> Vec<Result<Item, Rejected>> {
    let bytes = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let dump = Dump::from_reader("x", bytes, options).expect("a dump");
    assert!(matches!(dump.format(), Format::Delimited | Format::Cord19));
    dump.collect()
}

fn paper(text: &str) -> Paper {
    match items(text.as_bytes(), &ReadOptions::default()).remove(0) {
        Ok(Item::Paper(record)) => record.paper,
        other => panic!("{other:?}"),
    }
}

/// The items as `id: title`, or as rejections are shown.
fn check(text: impl AsRef<[u8]>, expected: &[&str]) {
    let read = items(text.as_ref(), &ReadOptions::default());
    let shown: Vec<String> = read
        .into_iter()
        .map(|item| match item {
            Ok(Item::Paper(record)) => format!("{}: {}", record.paper.id, record.paper.title),
            Ok(other) => format!("{other:?}"),
            Err(rejected) => rejected.to_string(),
        })
        .collect();
    let text = String::from_utf8_lossy(text.as_ref());
    assert_eq!(shown, expected, "{}", &text[..text.len().min(500)]);
}

/// Whether a text is recognised as a table by its header.
fn has_header(text: &[u8], complete: bool) -> bool {
    crate::table::delimited::has_header(&Beginning {
        text,
        complete,
        columns: &[],
    })
}

#[test]
fn every_separator_and_line_end_is_read() {
    check("id,title\n1,A\n2,\"B, b\"\n", &["1: A", "2: B, b"]);
    check("id\ttitle\r\n1\tA, a\r\n", &["1: A, a"]);
    check("\u{feff}id;title\n\n1;A\n;;\n2;B", &["1: A", "2: B"]);
    check("sep=;\nid;title\n1;A", &["1: A"]);
    check("id|title|x, y, z\n1|A|", &["1: A"]);
    check(b"id,title\n1,caf\xe9\n", &["1: caf\u{e9}"]);
    check("id,title\n", &[]);
}

#[test]
fn a_cell_in_quotes_holds_anything() {
    check(
        "id,title,abstract\n1,A,\"x\n\n\"\"y\"\", z\"\n2,B,\n",
        &["1: A", "2: B"],
    );
    check(
        "id,title,x\n1,\"The \\\"B\\\", b\",\n2,C,\n",
        &["1: The \"B\", b", "2: C"],
    );
    check("id\ttitle\n1\t\"A\" b\n2\tC", &["1: \"A\" b", "2: C"]);
}

#[test]
fn a_quote_that_nothing_closes_takes_its_own_row_only() {
    let rows: String = (2..50).map(|n| format!("{n},T{n},a\n")).collect();
    let mut expected = vec!["line 2: a quote in the row is not closed where a cell ends".into()];
    expected.extend((2..50).map(|n| format!("{n}: T{n}")));
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(
        format!("id,title,abstract\n1,\"A, b, c, d\n{rows}"),
        &expected,
    );
    check(
        "id,title,x\n1,\"A, b, c\n2,\"B\",\n3,C,\n",
        &[
            "line 2: a quote in the row is not closed where a cell ends",
            "2: B",
            "3: C",
        ],
    );
}

#[test]
fn a_row_of_other_cells_than_the_header_is_rejected() {
    check(
        "id,title,x\n1,A\n2,B,c,d\n3,C,c,,\n4,D,c\n5,,c\n",
        &[
            "1: A",
            "line 3: the row has 4 cells, and the header 3",
            "3: C",
            "4: D",
            "line 6: no title",
        ],
    );
}

#[test]
fn a_dump_that_is_cut_says_so() {
    let cut = "line 3: the dump is cut off here: everything before was read";
    check("id,title,x\n1,A,b\n2,B", &["1: A", cut]);
    check("id,title,x\n1,A,b\n2,\"B, b", &["1: A", cut]);
    check("id,title,x\n1,A,b\n2,B,\"one\ntwo\nthr", &["1: A", cut]);
}

#[test]
fn a_row_that_is_too_long_is_rejected() {
    let long = "x".repeat(MAX_LINE_BYTES + 9);
    check(
        format!("id,title\n1,{long}\n2,B\n"),
        &["line 2: longer than 8 MiB: skipped", "2: B"],
    );
}

#[test]
fn a_row_of_cord_19_is_understood_in_every_field() {
    let paper = paper(
        "cord_uid,sha,source_x,title,doi,pmcid,pubmed_id,license,abstract,publish_time,authors,\
         journal,mag_id,who_covidence_id,arxiv_id,pdf_json_files,pmc_json_files,url,s2_id\n\
         ab12cd34,,PMC,\"On X, and Y\",10.1186/X-1,PMC35282,11472636,cc,Abstract: We show.,\
         2001-07-04,\"Lovelace, Ada B\",BMC X,,,2003.01234,,,https://x/y,77490025\n",
    );
    let ids: Vec<&str> = paper.aliases.iter().map(|id| id.as_str()).collect();
    assert_eq!(paper.id.as_str(), "@cord-19#ab12cd34");
    assert_eq!(
        ids,
        [
            "2003.01234",
            "10.1186/x-1",
            "pmid:11472636",
            "PMC35282",
            "corpusid:77490025"
        ]
    );
    assert_eq!(
        (paper.title.as_str(), paper.abstract_text.as_str()),
        ("On X, and Y", "We show.")
    );
    assert_eq!(paper.authors, ["Ada B Lovelace"]);
    assert_eq!(
        paper.published.map(|day| day.to_string()).as_deref(),
        Some("2001-07-04")
    );
    assert_eq!(paper.journal.as_deref(), Some("BMC X"));
}

#[test]
fn the_exports_of_indexes_are_known() {
    let shown = |text: &str| {
        let paper = paper(text);
        let year = paper.published.map(|day| day.year());
        let (authors, journal) = (paper.authors.join(" & "), paper.journal.unwrap_or_default());
        format!(
            "{} {authors} {journal} {} {}",
            paper.id,
            year.unwrap_or(0),
            paper.abstract_text
        )
    };
    assert_eq!(
        shown(
            "PT\tAU\tAF\tTI\tSO\tAB\tPY\tUT\tPM\nJ\tDoe, J\tDoe, Jane\tT\tS\tA.\t2001\tWOS:0001\t7"
        ),
        "WOS:0001 Jane Doe S 2001 A."
    );
    assert_eq!(
        shown(
            "PMID,Title,Authors,Journal/Book,Publication Year,Create Date\n7,T,\"Doe J, Roe RA.\",S,2001,2002/01/02"
        ),
        "pmid:7 J Doe & RA Roe S 2001 "
    );
    assert_eq!(
        shown(
            "Authors,Author full names,Title,Year,Source title,Abstract,EID\n\"Doe J.\",\"Doe, Jane (57)\",T,2001,S,[No abstract available],2-s2.0-8"
        ),
        "2-s2.0-8 Jane Doe S 2001 "
    );
    assert_eq!(
        shown(
            "Key,Item Type,Publication Year,Author,Title,Publication Title,DOI,Abstract Note\nAB,article,2001,\"Doe, Jane\",T,S,10.1103/X,A."
        ),
        "10.1103/x Jane Doe S 2001 A."
    );
    assert_eq!(
        shown(
            "Title,Author Names,Source,Abstract,Medline PMID\nT,\"Doe J., Roe R.A.\",\"S (2001) 1:2. Date of Publication: January 7, 2001\",A.,7"
        ),
        "pmid:7 J. Doe & R.A. Roe S (2001) 1:2 2001 A."
    );
}

#[test]
fn columns_can_be_set() {
    let options = |columns: &[(&str, &str)]| ReadOptions {
        format: Some(Format::Delimited),
        columns: columns
            .iter()
            .map(|(a, b)| ((*a).into(), (*b).into()))
            .collect(),
        ..ReadOptions::default()
    };
    let set = options(&[("title", "headline"), ("abstract", "body")]);
    match items(b"n;headline;body\n1;A;B", &set).remove(0) {
        Ok(Item::Paper(record)) => assert_eq!(
            (
                record.paper.title.as_str(),
                record.paper.abstract_text.as_str()
            ),
            ("A", "B")
        ),
        other => panic!("{other:?}"),
    }
    let bytes = || Box::new(std::io::Cursor::new("a,b\n1,2"));
    let error = |set| {
        Dump::from_reader("x", bytes(), &options(set))
            .err()
            .map(|e| e.to_string())
    };
    assert_eq!(
        error(&[("title", "c")]).as_deref(),
        Some("x cannot be read: no column is called `c` (its columns: a, b)")
    );
    assert_eq!(
        error(&[]).as_deref(),
        Some("x cannot be read: no column is called `title` (its columns: a, b)")
    );
}

#[test]
fn texts_that_are_no_rows_are_left() {
    for text in [
        "Dear all,\nno title here.\n",
        "title\nA\n",
        "a,b\n1,2\n",
        "",
    ] {
        assert!(!has_header(text.as_bytes(), true), "{text}");
    }
    assert!(!has_header(b"id,title", false));
}
