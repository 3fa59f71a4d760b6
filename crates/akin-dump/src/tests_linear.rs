//! What is opened and never closed, in records of every format: the time is linear.

use std::time::{Duration, Instant};

use super::tests::open;

/// Reads a dump in which something stands many times behind its start, and eight times as often: the
/// time is no more than about eight times as long.
fn check(start: &str, once: &str) {
    let time = |n: usize| {
        let text = [start, &once.repeat(n)].concat();
        let of_one = || {
            let begun = Instant::now();
            if let Ok(dump) = open("x", text.as_bytes()) {
                dump.for_each(drop);
            }
            begun.elapsed()
        };
        (0..3).map(|_| of_one()).min().expect("three times")
    };
    let n = 30_000 / once.len();
    let (some, many) = (time(n), time(8 * n));
    let limit = 24 * some + Duration::from_millis(150);
    assert!(
        many < limit,
        "{start:?} {once:?}: {some:?}, eightfold {many:?}"
    );
}

#[test]
fn json_records() {
    let record = r#"{"id":"a","title":"On fish","abstract":"x"}"#;
    for once in [
        "{\"a\":", "[", "\"", "\\u0000", "NaN,", "}", "{}", "/*", "[1,",
    ] {
        check(&format!("[{record},"), once);
        check(&format!("{record}\n{{\"id\":\"b\",\"title\":"), once);
    }
    for once in [
        "{",
        "$",
        r"\\emph{",
        "<b>",
        "&",
        "&amp;",
        r"\\ifx",
        "^{",
        "`",
        r"\\def\\a{",
        "<!--",
        "http://a ",
        "et al. ",
    ] {
        for key in ["abstract", "title", "authors"] {
            check(
                &format!("{record}\n{{\"id\":\"b\",\"title\":\"x\",\"{key}\":\""),
                once,
            );
        }
    }
}

#[test]
fn rows() {
    for once in ["\"", "\"\"", "a,", "\n", "\"a\"b,", "\r", "\"a,\n"] {
        check("id,title,abstract\n1,On fish,x\n2,\"", once);
        check("id,title,abstract\n1,On fish,x\n2,", once);
    }
}

#[test]
fn bibtex() {
    let entry = "@article{a, title={On fish}, author={A B}, year=2000}\n";
    for once in [
        "{",
        "}",
        "\"",
        "@",
        "@article{",
        "@string{a=\"",
        "#",
        "a = \"b\" # ",
        "author={A and ",
        "and ",
        "(",
        "\n",
    ] {
        check(entry, once);
        check(&format!("{entry}@article{{b, title={{"), once);
        check(&format!("{entry}@article{{b, "), once);
    }
}

#[test]
fn tagged_records() {
    let ris = "TY  - JOUR\nTI  - On fish\nER  - \nTY  - JOUR\nTI  - b\n";
    for once in [
        "TY  - JOUR\n",
        "AU  - A, B\n",
        "ER  - \n",
        "x\n",
        "AB  - x\n",
    ] {
        check(ris, once);
    }
    let wos = "FN Clarivate\nVR 1.0\nPT J\nTI On fish\nER\n\nPT J\nTI b\n";
    for once in ["PT J\n", "   a\n", "ER\n", "AU A\n"] {
        check(wos, once);
    }
    let medline = "PMID- 1\nTI  - On fish\n\nPMID- 2\nTI  - b\n";
    for once in ["PMID- 1\n", "      a\n", "AU  - A\n"] {
        check(medline, once);
    }
}

#[test]
fn xml() {
    let oai = "<OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\"><ListRecords><record>";
    let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>";
    let pubmed = "<PubmedArticleSet><PubmedArticle><MedlineCitation>";
    for start in [oai, feed, pubmed] {
        for once in [
            "<a>",
            "</a>",
            "<",
            "&",
            "&amp;",
            "<!--",
            "<![CDATA[",
            "<a b=\"",
            "<?x",
            "<a ",
            "a=\"b\" ",
            "<record>",
            "<entry>",
            "<PubmedArticle>",
            "<!DOCTYPE ",
        ] {
            check(start, once);
        }
    }
}
