//! What is opened and never closed, in records of every format: the time is linear.

use std::time::{Duration, Instant};

use super::open;

/// Reads a dump that repeats something many times after its start, and one that repeats it eight
/// times as often. The time is at most about eight times as long.
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

/// Reads a record that holds a list, and one whose list is eight times as long. Both are papers,
/// and the time is at most about eight times as long.
fn check_list(start: &str, of_one: impl Fn(usize) -> String, end: &str) {
    let time = |n: usize| {
        let list: String = (0..n).map(&of_one).collect();
        let text = [start, &list, end].concat();
        let once = || {
            let begun = Instant::now();
            let dump = open("x", text.as_bytes()).expect("a dump");
            assert_eq!(dump.filter(Result::is_ok).count(), 1, "{start}");
            begun.elapsed()
        };
        (0..3).map(|_| once()).min().expect("three times")
    };
    let (some, many) = (time(5_000), time(40_000));
    let limit = 24 * some + Duration::from_millis(150);
    assert!(many < limit, "{start:?}: {some:?}, eightfold {many:?}");
}

#[test]
fn what_one_record_holds() {
    let csl = r#"[{"id":"x","type":"article-journal","title":"On fish","keyword":""#;
    check_list(csl, |i| format!("k{i}, "), "z\"}]");
    let crossref = r#"{"DOI":"10.1000/x","title":["On fish"],"deposited":{},"subject":["a""#;
    check_list(crossref, |i| format!(",\"s{i}\""), "]}\n");
    let json = r#"{"id":"a","title":"On fish","categories":["a""#;
    check_list(json, |i| format!(",\"s{i}\""), "]}\n");
    let pubmed = "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article>\
        <ArticleTitle>On fish</ArticleTitle></Article></MedlineCitation><PubmedData><ArticleIdList>";
    let end = "</ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>";
    let id = |i: usize| format!("<ArticleId IdType=\"doi\">10.1000/{i}</ArticleId>");
    check_list(pubmed, id, end);
    let ris = "TY  - JOUR\nTI  - On fish\n";
    let ids = |i: usize| format!("DO  - 10.1000/{i}\nKW  - k{i}\n");
    check_list(ris, ids, "ER  - \n");
    let bibtex = "@article{a, title={On fish}";
    check_list(bibtex, |i| format!(", f{i}={{x}}"), "}\n");
}

#[test]
fn strings_of_bibtex_do_not_multiply_a_file() {
    let mut text = format!(
        "@string{{s={{{}}}}}\n@string{{j={{Journal}}}}\n",
        "On fish ".repeat(6_000)
    );
    for i in 0..1_000 {
        text.push_str(&format!("@article{{a{i},title=s}}\n"));
    }
    text.push_str("@article{b,title={On fish},journal=j}\n");
    let items: Vec<_> = open("x", text.as_bytes()).expect("a dump").collect();
    let n_kept = items.iter().filter(|item| item.is_ok()).count();
    assert!((2..200).contains(&n_kept), "{n_kept}");
    assert!(items.last().expect("items").is_ok());
    let said = items.iter().filter_map(|item| item.as_ref().err());
    let said = said
        .map(ToString::to_string)
        .next_back()
        .unwrap_or_default();
    assert!(said.contains("its @strings expand to more"), "{said}");
}
