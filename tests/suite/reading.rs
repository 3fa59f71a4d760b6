//! What reading accounts for, by whole commands: dumps that give nothing, values that are left out,
//! and dumps that are cut off, of which a cache remembers the half.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, tiny_model};

/// Lines of an id, a title and an abstract each.
fn records(range: std::ops::Range<usize>) -> String {
    let line = |n| json!({"id": format!("r{n}"), "title": format!("Paper {n}"), "abstract": format!("On {n}.")});
    range.map(|n| line(n).to_string() + "\n").collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn add(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let model = tiny_model();
    sandbox.akin(&[&["add", "--model", &model][..], args].concat())
}

fn search_in(sandbox: &Sandbox, dump: &str, query: &str) -> Ran {
    let model = tiny_model();
    let args = [
        "search", "--in", dump, "--model", &model, "-k", "999", "--json", query,
    ];
    sandbox.akin(&args)
}

/// What a dump of this name comes to.
#[track_caller]
fn check_nothing(name: &str, text: &str, args: &[&str], says: &[&str]) {
    let sandbox = Sandbox::new();
    let dump = sandbox.file(name, text);
    let ran = add(&sandbox, &[&[&*dump, "--json"][..], args].concat());
    let code = if says.is_empty() { 0 } else { 2 };
    let ran = ran.exits(code);
    assert_eq!(ran.json()[0]["stored"], 0, "{ran:?}");
    for part in says {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    add(&sandbox, &[&[&*dump, "--dry-run"][..], args].concat()).exits(code);
    let strict = add(&sandbox, &[&[&*dump, "--strict"][..], args].concat());
    assert_eq!(strict.code == Some(0), says.is_empty(), "{strict:?}");
}

#[test]
fn a_dump_that_gives_nothing_is_no_success() {
    check_nothing(
        "a.csv",
        "id,title\n",
        &[],
        &["a.csv gives no paper", "no row"],
    );
    check_nothing(
        "a.bib",
        "@string{a = {b}}\n",
        &[],
        &["a.bib gives no paper", "BibTeX"],
    );
    let csv = "id,title\n1,Tides\n";
    check_nothing("a.csv", csv, &["--format", "ris"], &["RIS", "CSV or TSV"]);
    let ris = "TY  - JOUR\nTI  - Tides\nER  - \n";
    check_nothing("a.ris", ris, &["--format", "csv"], &["CSV or TSV", "RIS"]);
    for empty in [
        "[]",
        "{\"results\": []}",
        "<PubmedArticleSet></PubmedArticleSet>",
    ] {
        check_nothing("empty", empty, &[], &[]);
    }
}

#[test]
fn what_gives_nothing_beside_dumps_is_skipped() {
    let sandbox = Sandbox::new();
    sandbox.file("folder/papers.jsonl", records(0..2));
    sandbox.file("folder/names.bib", "@string{a = {b}}\n");
    sandbox.file("folder/nothing.jsonl", "");
    let folder = sandbox.path("folder").display().to_string();
    let ran = add(&sandbox, &[&folder, "--json"]).exits(0);
    let report = &ran.json()[0];
    assert_eq!(report["stored"], 2, "{ran:?}");
    assert_eq!(report["skipped"].as_array().unwrap().len(), 2, "{ran:?}");
}

#[test]
fn a_filter_that_is_given_nothing_has_nothing_to_do() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let embed = |args: &[&str], stdin: &[u8]| {
        let args = [&["embed", "--model", &model, "-"], args].concat();
        sandbox.akin_with_stdin(&args, stdin)
    };
    for stdin in [&b""[..], &gzip("")] {
        assert_eq!(embed(&[], stdin).exits(0).stdout, "");
        assert_eq!(embed(&["--format", "jsonl"], stdin).exits(0).stdout, "");
        assert_eq!(embed(&["--strict"], stdin).exits(0).stdout, "");
        assert_eq!(embed(&["--dump-format", "json"], stdin).exits(0).stdout, "");
    }
    let to = sandbox.path("v.npy").display().to_string();
    embed(&["-o", &to], b"").exits(0);
    let header = fs::read(&to).unwrap();
    assert!(String::from_utf8_lossy(&header).contains("(0, 32)"));
    // What is no file of nothing is no such thing.
    embed(&["no-such-file"], b"").exits(2);
    let empty = sandbox.file("empty.jsonl", "");
    sandbox.akin(&["embed", "--model", &model, &empty]).exits(2);
}

#[test]
fn every_row_that_python_writes_comes_out_of_the_filter() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let lines = "{\"id\": \"a\", \"text\": \"One.\", \"year\": NaN}\n\
                 {\"id\": \"b\", \"text\": \"Two \\ud835.\", \"x\": [-Infinity]}\n\
                 {\"id\": 3.0, \"text\": [\"Three.\", \"And more.\"]}\n";
    let args = ["embed", "--model", &model, "-"];
    let ran = sandbox.akin_with_stdin(&args, lines.as_bytes()).exits(0);
    assert_eq!(ran.ids(), ["a", "b", "3"]);
}

#[test]
fn lines_that_end_in_cr_are_rows() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file(
        "tides.csv",
        "title,abstract,year\rTides,Measured.,2011\rCurrents,,2012\r",
    );
    assert_eq!(sandbox.add(&[&dump])["stored"], 2);
}

#[test]
fn ids_that_became_floats_merge() {
    let sandbox = Sandbox::new();
    let xml = "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>95000001</PMID><Article>\
               <ArticleTitle>Masks on trams</ArticleTitle></Article></MedlineCitation></PubmedArticle>\
               </PubmedArticleSet>";
    let pubmed = sandbox.file("a.xml", xml);
    let table = "id,title,authors,year,pmid\nx1,Masks on trams,\"Doe, Jane; Roe, R.\",2020.0,95000001.0\n\
                 x2,Masks on boats,\"Roe, Jo; Doe, J.\",2021.0,\n";
    let csv = sandbox.file("b.csv", table);
    sandbox.add(&[&pubmed]);
    let report = sandbox.add(&[&csv]);
    assert_eq!(
        (&report["merged"], &report["stored"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!(report["ignored"], json!({}), "{report}");
}

#[test]
fn what_is_left_out_of_kept_records_is_counted() {
    let sandbox = Sandbox::new();
    let line =
        |n: usize, rest: &str| format!("{{\"id\": \"r{n}\", \"title\": \"Paper {n}\", {rest}}}\n");
    let text = [
        line(1, r#""date": "soon", "doi": "n/a""#),
        line(
            2,
            r#""date": "Spring", "doi": "xyz", "authors": [{"orcid": "0"}, "Ada Roe"]"#,
        ),
    ];
    let dump = sandbox.file("own.jsonl", text.concat());
    let words = "ignored inside kept records: 2 dates, 1 author object, 1 DOI";
    let ran = add(&sandbox, &[&dump, "--verbose"]).exits(0);
    assert!(ran.stdout.contains(words), "{ran:?}");
    for detail in [
        "own.jsonl, line 1 (id \"r1\"): date ignored: \"soon\"",
        "own.jsonl, line 2 (id \"r2\"): DOI ignored: \"xyz\"",
    ] {
        assert!(ran.stderr.contains(detail), "{ran:?}");
    }
    let expected = json!({"author_objects": 1, "dates": 2, "dois": 1});
    for args in [&["--json"][..], &["--json", "--dry-run"]] {
        let report = &add(&sandbox, &[&[&*dump][..], args].concat()).json()[0];
        assert_eq!(report["ignored"], expected, "{report}");
    }
    let model = tiny_model();
    let ran = sandbox.akin(&["embed", "--model", &model, &dump]).exits(0);
    assert!(ran.stderr.contains(words), "{ran:?}");
}

/// The ids that a search of a dump finds, in their order.
fn found(ran: &Ran) -> Vec<String> {
    let mut ids = ran.ids();
    ids.sort_by_key(|id| id[1..].parse::<usize>().unwrap());
    ids
}

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("r{n}")).collect()
}

/// The files below the cache folder that end so.
fn cached(sandbox: &Sandbox, end: &str) -> Vec<PathBuf> {
    let mut folders = vec![sandbox.path("cache")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn a_dump_that_is_cut_off_is_a_failure_every_time() {
    let sandbox = Sandbox::new();
    let whole = gzip(&records(0..600));
    let dump = sandbox.file("z.jsonl.gz", &whole);
    assert_eq!(
        found(&search_in(&sandbox, &dump, "paper").exits(0)),
        numbered(0..600)
    );
    fs::write(&dump, &whole[..whole.len() / 3]).unwrap();
    for _ in 0..3 {
        let ran = search_in(&sandbox, &dump, "paper").exits(2);
        assert!(
            ran.stderr.contains("z.jsonl.gz") && ran.stderr.contains("cut off"),
            "{ran:?}"
        );
        // What stood behind the cut before is found, and nothing is embedded twice.
        assert_eq!(found(&ran), numbered(0..600));
    }
    fs::write(&dump, &whole).unwrap();
    assert_eq!(
        found(&search_in(&sandbox, &dump, "paper").exits(0)),
        numbered(0..600)
    );
}

#[test]
fn a_dump_that_was_never_whole_is_a_failure_every_time() {
    let sandbox = Sandbox::new();
    let whole = gzip(&records(0..600));
    let dump = sandbox.file("cut.jsonl.gz", &whole[..whole.len() / 2]);
    let first = search_in(&sandbox, &dump, "paper").exits(2);
    let again = search_in(&sandbox, &dump, "paper").exits(2);
    assert!(!first.ids().is_empty());
    assert_eq!((first.ids(), first.stderr), (again.ids(), again.stderr));
    let model = tiny_model();
    let related = ["related", "--in", &dump, "--model", &model, "r1"];
    assert!(sandbox.akin(&related).exits(2).stderr.contains("cut off"));
}

#[test]
fn a_dump_that_is_mended_after_a_cut_forgets_what_is_gone() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file(
        "d.json",
        format!("[{}", records(0..3).trim().replace('\n', ",")),
    );
    assert_eq!(
        found(&search_in(&sandbox, &dump, "paper").exits(2)),
        numbered(0..3)
    );
    sandbox.file("d.json", format!("[{}]", records(1..2).trim()));
    assert_eq!(
        found(&search_in(&sandbox, &dump, "paper").exits(0)),
        numbered(1..2)
    );
}

/// Spoils a file.
type Spoil = fn(&PathBuf);

#[test]
fn a_damaged_cache_is_made_again() {
    let damage: [(&str, Spoil); 7] = [
        ("papers.db", |path| fs::write(path, "no database").unwrap()),
        ("papers.db", |path| {
            let mut bytes = fs::read(path).unwrap();
            let n = bytes.len();
            bytes[n / 2..].fill(7);
            fs::write(path, bytes).unwrap();
        }),
        ("papers.db", |path| fs::write(path, "").unwrap()),
        ("papers.db", |path| fs::remove_file(path).unwrap()),
        ("papers.db", |path| {
            let root = path.parent().unwrap();
            fs::remove_dir_all(root).unwrap();
            fs::write(root, "a file").unwrap();
        }),
        (".f16", |path| fs::remove_file(path).unwrap()),
        (".f16", |path| fs::write(path, "short").unwrap()),
    ];
    for (at, (end, spoil)) in damage.into_iter().enumerate() {
        let sandbox = Sandbox::new();
        let dump = sandbox.file("d.jsonl", records(0..20));
        assert_eq!(
            found(&search_in(&sandbox, &dump, "paper").exits(0)),
            numbered(0..20)
        );
        for log in cached(&sandbox, "-wal")
            .iter()
            .chain(&cached(&sandbox, "-shm"))
        {
            fs::remove_file(log).unwrap();
        }
        let files = cached(&sandbox, end);
        assert_eq!(files.len(), 1, "{end}");
        spoil(&files[0]);
        for _ in 0..2 {
            let ran = search_in(&sandbox, &dump, "paper").exits(0);
            assert_eq!(found(&ran), numbered(0..20), "{at} {end}: {ran:?}");
        }
    }
}

#[test]
fn a_cache_without_its_words_has_them_made_again() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("d.jsonl", records(0..20));
    search_in(&sandbox, &dump, "paper").exits(0);
    let words = cached(&sandbox, "meta.json");
    fs::remove_dir_all(words[0].parent().unwrap()).unwrap();
    let model = tiny_model();
    let args = [
        "search",
        "--in",
        &dump,
        "--model",
        &model,
        "--lexical",
        "--json",
        "paper",
    ];
    assert!(!sandbox.akin(&args).exits(0).ids().is_empty());
}

#[test]
fn two_searches_of_a_new_dump_at_once_both_answer() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("d.jsonl", records(0..2000));
    let model = tiny_model();
    let args = [
        "search", "--in", &dump, "--model", &model, "--json", "-k", "3", "paper",
    ];
    let spawned: Vec<_> = (0..4)
        .map(|_| {
            let mut command = sandbox.command(&args);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let answers: Vec<Vec<Value>> = spawned
        .into_iter()
        .map(|child| Ran::of(child.wait_with_output().unwrap()).exits(0).json())
        .collect();
    assert!(
        answers
            .iter()
            .all(|answer| answer.len() == 3 && answer == &answers[0])
    );
}
