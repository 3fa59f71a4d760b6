//! `compact` and `check`: space is given back and nothing else changes; what is damaged is found,
//! named, and mended where it can be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use akin::index::IndexOptions;
use akin::ingest;
use akin::library::{Library, Writer};
use akin::paper::{Paper, PaperId};
use akin::progress::Unobserved;
use serde_json::Value;

use crate::sandbox::{Sandbox, copy, data, is_full, library_of, papers};
use akin_testing::Dice;

/// How often `compact` is killed.
fn n_kills() -> u32 {
    if is_full() { 200 } else { 24 }
}

/// `n` papers `p0`, `p1`, … with random embeddings.
fn some_papers(n: usize) -> Vec<(Paper, Vec<f32>)> {
    let mut dice = Dice::new(n as u64);
    let paper = |i| {
        let id = PaperId::parse(&format!("p{i}")).unwrap();
        let paper = Paper::new(id, format!("Paper {i}"), format!("It is about {i}."));
        (paper, dice.direction(32))
    };
    (0..n).map(paper).collect()
}

/// Every paper with its embedding.
fn state(root: &Path) -> BTreeMap<String, Vec<f32>> {
    let library = Library::open(root).unwrap();
    let rows = library.rows().unwrap();
    let paper = |id: &PaperId| {
        let row = library.find(id.as_str()).unwrap().row.unwrap();
        (id.to_string(), rows.vector(row).unwrap())
    };
    library.ids().unwrap().iter().map(paper).collect()
}

fn remove(writer: &mut Writer, ids: impl Iterator<Item = String>) {
    let library = Library::open(writer.path()).unwrap();
    let keys: Vec<_> = ids.map(|id| library.find(&id).unwrap().key).collect();
    drop(library);
    writer.remove(&keys).unwrap();
}

/// Names of what is in the one space's folder.
fn files(root: &Path) -> Vec<String> {
    let mut spaces = fs::read_dir(root.join("spaces")).unwrap();
    let space = spaces.next().unwrap().unwrap().path();
    let entries = fs::read_dir(space).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The report of `check` as JSON, and its exit code.
fn check(sandbox: &Sandbox, args: &[&str]) -> (Value, i32) {
    let ran = sandbox.akin(&[&["check", "--json"], args].concat());
    (ran.json().remove(0), ran.code.unwrap())
}

/// What is printed, but for percentiles: they are of a sample of the rows, taken at the last change.
fn without_percentiles(printed: &str) -> String {
    let end = |rest: &str| rest.find(',').expect("another field follows");
    let mut parts = printed.split("\"percentile\":");
    let first = parts.next().expect("a split has a first part").to_owned();
    parts.fold(first, |bare, rest| bare + &rest[end(rest)..])
}

fn kinds(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    let kinds = findings.map(|finding| finding["kind"].as_str());
    kinds.map(|kind| kind.unwrap()).collect()
}

#[test]
fn compact_gives_space_back_and_changes_no_answer() {
    let sandbox = Sandbox::new();
    let dump = data("arxiv-1000.jsonl").display().to_string();
    sandbox.add(&[&dump]);
    let ids: Vec<String> = state(&sandbox.library()).into_keys().collect();
    let gone: Vec<&str> = ids.iter().step_by(3).map(String::as_str).collect();
    sandbox.akin(&[&["remove"], &gone[..]].concat()).exits(0);
    let changed = papers(&[(&ids[1], "Quite another title", "Quite another abstract.")]);
    let changed = sandbox.file("changed.jsonl", changed);
    let report = sandbox.add(&["--collection", "arxiv", &changed]);
    assert_eq!(
        (&report["changed"], &report["embedded"]),
        (&1.into(), &1.into())
    );

    let questions: [&[&str]; 4] = [
        &[
            "search",
            "graph neural networks",
            "--json",
            "-k",
            "100",
            "--dense",
        ],
        &["related", &ids[4], "--json", "--since", "2015", "--dense"],
        &[
            "related", &ids[1], &ids[2], "--json", "-k", "2000", "--dense",
        ],
        &["show", &ids[1], &ids[2], &ids[4]],
    ];
    let answers = || {
        questions.map(|args| {
            let ran = sandbox.akin(args);
            // With a random model nothing need be close.
            assert!(ran.code < Some(2), "{ran:?}");
            without_percentiles(&ran.stdout)
        })
    };
    let status = || {
        sandbox
            .akin(&["status", "--json"])
            .exits(0)
            .json()
            .remove(0)
    };
    let (answered, before) = (answers(), status());
    assert_eq!(before["dead_rows"], gone.len() + 1);

    let done = sandbox
        .akin(&["compact", "--json"])
        .exits(0)
        .json()
        .remove(0);
    assert_eq!(done["dropped"], gone.len() + 1);
    assert_eq!(done["rows"], ids.len() - gone.len());
    assert!(
        done["bytes_after"].as_u64() < done["bytes_before"].as_u64(),
        "{done}"
    );
    assert_eq!(answers(), answered);
    let after = status();
    assert_eq!(
        (&after["dead_rows"], &after["papers"]),
        (&0.into(), &before["papers"])
    );
    assert!(
        after["rows_bytes"].as_u64() < before["rows_bytes"].as_u64(),
        "{after}"
    );
    assert!(
        after["database_bytes"].as_u64() < before["database_bytes"].as_u64(),
        "{after}"
    );
    assert_eq!(files(&sandbox.library()), ["index-1", "vectors-1.f16"]);
    assert_eq!(check(&sandbox, &["--sample", "30"]).1, 0);

    let again = sandbox.akin(&["compact"]).exits(0).stdout;
    assert!(again.contains("nothing to drop"), "{again}");
    assert_eq!(sandbox.add(&[&changed])["embedded"], 0);
}

#[test]
fn removed_papers_count_no_longer_among_words_after_compact() {
    let (sandbox, fresh) = (Sandbox::new(), Sandbox::new());
    let dump = fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let lines: Vec<&str> = dump.lines().take(300).collect();
    let file = |sandbox: &Sandbox, lines: &[&str]| sandbox.file("day.jsonl", lines.join("\n"));
    sandbox.add(&[&file(&sandbox, &lines)]);
    let id = |line: &str| {
        let paper: Value = serde_json::from_str(line).unwrap();
        paper["id"].as_str().unwrap().to_owned()
    };
    let gone: Vec<String> = lines.iter().step_by(2).map(|line| id(line)).collect();
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    sandbox.akin(&[&["remove"], &gone[..]].concat()).exits(0);
    let left: Vec<&str> = lines.iter().skip(1).step_by(2).copied().collect();
    fresh.add(&[&file(&fresh, &left)]);
    let ask = |sandbox: &Sandbox| {
        [
            "quantum field theory",
            "model of the galaxy",
            "learning with noise",
        ]
        .map(|question| {
            let args = ["search", "--lexical", "--json", "-k", "50", question];
            sandbox.akin(&args).exits(0).stdout
        })
    };
    assert_ne!(ask(&sandbox), ask(&fresh));
    sandbox.akin(&["compact"]).exits(0);
    assert_eq!(ask(&sandbox), ask(&fresh));
    let words = |sandbox: &Sandbox| fs::metadata(sandbox.library().join("lexical/meta.json"));
    let before = words(&sandbox).unwrap().modified().unwrap();
    sandbox.akin(&["compact"]).exits(0);
    assert_eq!(
        words(&sandbox).unwrap().modified().unwrap(),
        before,
        "once is enough"
    );
}

#[test]
fn a_lost_background_is_said_and_made_again() {
    let sandbox = Sandbox::new();
    let writer = library_of(&sandbox.library(), some_papers(120));
    ingest::build_index(&writer, &IndexOptions::default(), &Unobserved).unwrap();
    drop(writer);
    let dir = Library::open(&sandbox.library())
        .unwrap()
        .index_dir()
        .unwrap();
    let path = dir.join("background.json");
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let ran = sandbox.akin(&["related", "p1"]).exits(0);
    assert!(
        ran.stderr
            .contains("hits have no percentile until the next add"),
        "{ran:?}"
    );
    let ran = sandbox.akin(&["check"]).exits(0);
    assert!(
        ran.stdout
            .contains("percentiles are unavailable until the next add"),
        "{ran:?}"
    );
    let ran = sandbox.akin(&["check", "--repair"]).exits(0);
    assert!(
        ran.stdout.contains("computed the percentiles again"),
        "{ran:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), good);
}

#[test]
fn a_library_of_version_3_goes_on_as_it_is() {
    let sandbox = Sandbox::new();
    copy(&data("library-3"), &sandbox.library());
    let ran = sandbox.akin(&["show", "1"]).exits(2);
    assert!(ran.stderr.contains("format 3"), "{ran:?}");
    let dump = data("library-3.jsonl").display().to_string();
    let report = sandbox.add(&["--collection", "own", &dump]);
    assert_eq!(
        // Their dates are years, which were first days before version 5.
        (&report["changed"], &report["stored"]),
        (&69.into(), &2.into()),
        "{report}"
    );
    assert_eq!(check(&sandbox, &[]).1, 0);
    let found = || {
        sandbox
            .akin(&["search", "--lexical", "bees", "--json"])
            .exits(0)
            .json()
            .len()
    };
    let n_found = found();
    assert!(n_found > 0);
    // Rows of the old file and a new one, then all in a new file.
    sandbox.akin(&["remove", "own#13"]).exits(0);
    sandbox.akin(&["compact"]).exits(0);
    assert_eq!(check(&sandbox, &[]).1, 0);
    assert_eq!(found(), n_found);
}

#[test]
fn a_library_of_version_4_goes_on_as_it_is() {
    let sandbox = Sandbox::new();
    copy(&data("library-4"), &sandbox.library());
    let ran = sandbox.akin(&["show", "1"]).exits(2);
    assert!(ran.stderr.contains("format 4"), "{ran:?}");
    let lines = fs::read_to_string(data("library-3.jsonl")).unwrap();
    let twelve: Vec<&str> = lines.lines().take(12).collect();
    let dump = sandbox.file("first.jsonl", twelve.join("\n"));
    let report = sandbox.add(&["--collection", "own", &dump]);
    assert_eq!(
        (&report["changed"], &report["stored"], &report["embedded"]),
        (&11.into(), &1.into(), &1.into()),
        "{report}"
    );
    let shown = sandbox.akin(&["show", "own#1", "--json"]).exits(0).json();
    assert_eq!(shown[0]["published"], "2000");
    assert_eq!(check(&sandbox, &[]).1, 0);
    sandbox.akin(&["undo"]).exits(0);
    let shown = sandbox.akin(&["show", "own#1", "--json"]).exits(0).json();
    assert_eq!(shown[0]["published"], "2000-01-01");
    sandbox.akin(&["show", "own#12"]).exits(1);
    assert_eq!(check(&sandbox, &[]).1, 0);
}

#[test]
fn what_was_removed_or_replaced_never_comes_back() {
    let sandbox = Sandbox::new();
    let five = ["a1", "a2", "a3", "a4", "a5"];
    let lines: Vec<_> = five.map(|id| (id, id, "A text of its own")).into();
    let old = sandbox.file("old.jsonl", papers(&lines));
    sandbox.add(&[&old]);
    sandbox.akin(&["remove", "a2", "a4"]).exits(0);
    let new = sandbox.file(
        "later/old.jsonl",
        papers(&[("a3", "Replaced", "The new text.")]),
    );
    sandbox.add(&[&new]);
    let look = || {
        for id in ["a2", "a4"] {
            sandbox.akin(&["show", id]).exits(1);
            sandbox.akin(&["related", id]).exits(1);
        }
        let args = ["search", "a2 a4", "--json", "-k", "9"];
        let mut found = sandbox.akin(&args).exits(0).ids();
        found.sort();
        assert_eq!(found, ["a1", "a3", "a5"]);
        let related = sandbox.akin(&["related", "a1", "--json", "-k", "9"]);
        for gone in ["a2", "a4"] {
            assert!(!related.stdout.contains(gone) && !related.stderr.contains(gone));
        }
        let shown = sandbox.akin(&["show", "a3"]).exits(0).stdout;
        assert!(shown.contains("The new text."), "{shown}");
        assert_eq!(sandbox.akin(&["status", "--json"]).json()[0]["papers"], 3);
        assert_eq!(check(&sandbox, &[]).1, 0);
    };
    look();
    sandbox.akin(&["compact"]).exits(0);
    look();
    assert_eq!(sandbox.add(&[&new])["embedded"], 0);
    look();
    sandbox.akin(&["compact"]).exits(0);
    look();
}

#[test]
fn a_compact_killed_at_any_instant_loses_nothing() {
    let whole = Sandbox::new();
    let mut writer = library_of(&whole.library(), some_papers(6000));
    remove(&mut writer, (0..6000).step_by(2).map(|i| format!("p{i}")));
    drop(writer);
    let expected = state(&whole.library());
    assert_eq!(expected.len(), 3000);
    let origin = whole.path("origin");
    copy(&whole.library(), &origin);
    let start = Instant::now();
    whole.akin(&["compact"]).exits(0);
    let duration = start.elapsed();

    let mut n_killed = 0;
    for kill in 0..n_kills() {
        let sandbox = Sandbox::new();
        copy(&origin, &sandbox.library());
        let pause = duration * kill / n_kills();
        n_killed += u32::from(compact_killed_after(&sandbox, pause));
        assert_eq!(
            state(&sandbox.library()),
            expected,
            "killed after {pause:?}"
        );
        sandbox.akin(&["compact"]).exits(0);
        assert_eq!(
            state(&sandbox.library()),
            expected,
            "killed after {pause:?}"
        );
        assert_eq!(files(&sandbox.library()), ["index-1", "vectors-1.f16"]);
        let (report, code) = check(&sandbox, &["--sample", "20"]);
        assert_eq!((code, &report["dead_rows"]), (0, &0.into()), "{report}");
    }
    println!("{n_killed} of {} were killed before their end", n_kills());
    assert!(n_killed > 0);
}

/// Whether it was killed before its end.
fn compact_killed_after(sandbox: &Sandbox, pause: Duration) -> bool {
    let mut command = sandbox.command(&["compact"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

#[test]
fn a_whole_library_passes_and_says_what_was_looked_at() {
    let sandbox = Sandbox::new();
    drop(library_of(&sandbox.library(), some_papers(200)));
    let ran = sandbox.akin(&["check", "--sample", "50"]).exits(0);
    for part in [
        "200 and 200 embeddings read: whole",
        "50 of 50 papers",
        "no graph",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    let (report, code) = check(&sandbox, &[]);
    assert_eq!((code, &report["well"]), (0, &true.into()), "{report}");
    assert_eq!(
        (&report["papers"], &report["sampled"]),
        (&200.into(), &200.into())
    );
    assert_eq!(report["recall@10"], Value::Null);
    assert_eq!(check(&sandbox, &["--repair"]).1, 0);
    sandbox
        .akin(&["check", "--library", "no-such-folder"])
        .exits(2);
}

#[test]
fn a_flipped_bit_of_an_embedding_is_found_and_its_paper_named() {
    let sandbox = Sandbox::new();
    drop(library_of(&sandbox.library(), some_papers(100)));
    let path = Library::open(&sandbox.library())
        .unwrap()
        .rows()
        .unwrap()
        .path()
        .to_owned();
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    let row_bytes = akin::vectors::stride_bytes(32);
    bad[good.len() - 12 * row_bytes + 5] ^= 1;
    fs::write(&path, bad).unwrap();
    let ran = sandbox.akin(&["check"]).exits(1);
    for part in [
        "vectors-0.f16",
        "row 88",
        "p88",
        "akin check --repair",
        "99 of 99",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    // Nobody knows what embedded these papers.
    let (report, code) = check(&sandbox, &["--repair"]);
    assert_eq!((code, kinds(&report)), (1, vec!["row_damaged"]), "{report}");
    assert_eq!(report["findings"][0]["paper"], "p88");
    sandbox.akin(&["remove", "p5"]).exits(0);
    let ran = sandbox.akin(&["compact"]).exits(2);
    assert!(
        ran.stderr.contains("row 88") && ran.stderr.contains("akin check"),
        "{ran:?}"
    );
    sandbox.akin(&["remove", "p88"]).exits(0);
    sandbox.akin(&["compact"]).exits(0);
    assert_eq!(check(&sandbox, &[]).1, 0);
}

/// Harms the rows of a library of 300 papers, which a check names and a repair makes good again.
fn check_mended(harm: impl FnOnce(&Path), kind: &str, n_lost: u64) {
    let sandbox = Sandbox::new();
    let sample = fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let lines: Vec<&str> = sample.lines().take(300).collect();
    let dump = sandbox.file("some.jsonl", lines.join("\n"));
    sandbox.add(&[&dump]);
    let before = state(&sandbox.library());
    let path = Library::open(&sandbox.library())
        .unwrap()
        .rows()
        .unwrap()
        .path()
        .to_owned();
    harm(&path);
    let (report, code) = check(&sandbox, &[]);
    assert_eq!(code, 1);
    assert!(kinds(&report).contains(&kind), "{report}");
    let (report, code) = check(&sandbox, &["--repair"]);
    assert_eq!((code, &report["embedded"]), (0, &n_lost.into()), "{report}");
    assert!(state(&sandbox.library()) == before);
    assert_eq!(sandbox.add(&[&dump])["unchanged"], 300);
    assert_eq!(check(&sandbox, &[]).1, 0);
}

#[test]
fn lost_embeddings_are_made_anew_by_repair() {
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        for at in [100, 5000, 5001] {
            bytes[at] ^= 0x40;
        }
        fs::write(path, bytes).unwrap();
    };
    check_mended(flip, "row_damaged", 2);
    let cut = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        let stride = (bytes.len() - 64) / 300;
        fs::write(path, &bytes[..64 + 200 * stride + 7]).unwrap();
    };
    check_mended(cut, "row_missing", 100);
    check_mended(|path| fs::remove_file(path).unwrap(), "rows", 300);
    check_mended(|path| fs::write(path, "").unwrap(), "rows", 300);
}

#[test]
fn leftovers_are_deleted_by_repair_and_the_files_of_others_are_not() {
    let sandbox = Sandbox::new();
    drop(library_of(&sandbox.library(), some_papers(20)));
    let space = sandbox.library().join("spaces/given");
    fs::write(space.join("vectors-7.f16"), "left").unwrap();
    fs::create_dir(space.join("index-7")).unwrap();
    fs::write(sandbox.library().join("thesis.tex"), "mine").unwrap();
    let (report, code) = check(&sandbox, &[]);
    assert_eq!(
        (code, kinds(&report)),
        (1, vec!["leftover", "leftover", "stranger"]),
        "{report}"
    );
    assert!(
        space.join("vectors-7.f16").exists(),
        "a check changes nothing"
    );
    let ran = sandbox.akin(&["check", "--repair"]).exits(1);
    assert!(
        ran.stdout.contains("repaired: deleted ") && ran.stdout.contains("vectors-7.f16 ("),
        "{ran:?}"
    );
    assert_eq!(files(&sandbox.library()), ["vectors-0.f16"]);
    let (report, code) = check(&sandbox, &[]);
    assert_eq!((code, kinds(&report)), (1, vec!["stranger"]), "{report}");
    assert_eq!(
        fs::read(sandbox.library().join("thesis.tex")).unwrap(),
        b"mine"
    );
    fs::remove_file(sandbox.library().join("thesis.tex")).unwrap();
    assert_eq!(check(&sandbox, &["--repair"]).1, 0);
}

#[test]
fn columns_that_differ_from_their_records_are_restored_by_repair() {
    let sandbox = Sandbox::new();
    sandbox.add(&[&data("arxiv-1000.jsonl").display().to_string()]);
    let found = || {
        let args = [
            "search", "graphs", "--json", "--since", "2010", "-k", "2000",
        ];
        sandbox.akin(&args).exits(0).stdout
    };
    let before = found();
    let db = rusqlite::Connection::open(sandbox.library().join("papers.db")).unwrap();
    let sql = "UPDATE papers SET date = '1950-01-01' WHERE key % 9 = 1;
               UPDATE papers SET text_hash = zeroblob(16) WHERE key = 3";
    db.execute_batch(sql).unwrap();
    drop(db);
    assert_ne!(found(), before);
    let (report, code) = check(&sandbox, &[]);
    assert_eq!(code, 1);
    assert!(kinds(&report).contains(&"column"), "{report}");
    let (report, code) = check(&sandbox, &["--repair"]);
    assert_eq!((code, &report["columns"]), (0, &113.into()), "{report}");
    assert_eq!(
        (&report["embedded"], &report["not_embedded"]),
        (&0.into(), &Value::Null)
    );
    assert_eq!(found(), before);
}

#[test]
fn a_column_of_a_wrong_kind_is_a_fault_of_its_paper_and_restored_by_repair() {
    let sandbox = Sandbox::new();
    let lines: Vec<_> = ["a1", "a2", "a3"]
        .map(|id| (id, id, "A text of its own"))
        .into();
    sandbox.add(&[&sandbox.file("own.jsonl", papers(&lines))]);
    let db = rusqlite::Connection::open(sandbox.library().join("papers.db")).unwrap();
    let sql = "UPDATE papers SET authors = x'ff00' WHERE key = 2";
    db.execute_batch(sql).unwrap();
    drop(db);
    let (report, code) = check(&sandbox, &[]);
    assert_eq!((code, kinds(&report)), (1, vec!["column"]), "{report}");
    assert!(
        report["findings"][0]["paper"]
            .as_str()
            .unwrap()
            .contains("a2"),
        "{report}"
    );
    let (report, code) = check(&sandbox, &["--repair"]);
    assert_eq!((code, &report["columns"]), (0, &1.into()), "{report}");
}

#[test]
fn a_paper_whose_record_is_damaged_is_left_out_said_and_can_be_removed() {
    let sandbox = Sandbox::new();
    let lines: Vec<_> = ["a1", "a2", "a3"]
        .map(|id| (id, id, "A text of its own"))
        .into();
    let dump = sandbox.file("own.jsonl", papers(&lines));
    sandbox.add(&[&dump]);
    let db = rusqlite::Connection::open(sandbox.library().join("papers.db")).unwrap();
    db.execute_batch("UPDATE records SET sum = sum + 1 WHERE paper = 2")
        .unwrap();
    drop(db);
    let ran = sandbox.akin(&["search", "text", "--dense", "--json"]);
    assert!(ran.code < Some(2), "{ran:?}");
    let ids: Vec<Value> = ran.json().iter().map(|hit| hit["id"].clone()).collect();
    assert_eq!(ids, ["a1", "a3"], "{ran:?}");
    assert!(
        ran.stderr.contains("does not match its checksum"),
        "{ran:?}"
    );
    let model = data("models/tiny-mpnet").display().to_string();
    let ran = sandbox.akin(&["model", "use", &model]).exits(1);
    assert!(ran.stderr.contains("1 paper cannot be read"), "{ran:?}");
    let (report, code) = check(&sandbox, &[]);
    assert_eq!(code, 1);
    let said = report["findings"][0]["message"].as_str().unwrap();
    assert!(said.contains("run `akin remove "), "{said}");
    // What is said to do helps.
    let ran = sandbox.akin(&["remove", "a2"]).exits(0);
    assert!(ran.stdout.contains("removed a2"), "{ran:?}");
    assert_eq!(sandbox.akin(&["add", &dump]).exits(0).code, Some(0));
    assert_eq!(check(&sandbox, &[]).1, 0);
    assert_eq!(
        sandbox
            .akin(&["search", "text", "--dense", "--json"])
            .json()
            .len(),
        3
    );
}

/// The graph files of a library's index.
fn graphs(root: &Path) -> Vec<PathBuf> {
    let dir = Library::open(root).unwrap().index_dir().unwrap();
    let entries = fs::read_dir(dir).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "graph"))
        .collect()
}

#[test]
fn a_damaged_graph_is_doubted_never_believed_and_built_anew_by_repair() {
    let sandbox = Sandbox::new();
    let writer = library_of(&sandbox.library(), some_papers(600));
    ingest::build_index(&writer, &IndexOptions::eager(), &Unobserved).unwrap();
    drop(writer);
    let related = |mode: &str| {
        let args = ["related", "p1", "p2", "--not", "p3", "--json", mode];
        sandbox.akin(&args).exits(0).stdout
    };
    let (report, code) = check(&sandbox, &["--sample", "100"]);
    assert_eq!(
        (code, &report["index_segments"]),
        (0, &1.into()),
        "{report}"
    );
    assert!(report["recall@10"].as_f64().unwrap() > 0.95, "{report}");
    let truth = related("--exact");

    let path = graphs(&sandbox.library()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let n_bytes = bytes.len();
    for at in [n_bytes / 5, n_bytes / 2, n_bytes - 9] {
        bytes[at] ^= 0x10;
    }
    fs::write(&path, bytes).unwrap();
    assert_eq!(related("--graph"), truth);
    let (report, code) = check(&sandbox, &[]);
    assert_eq!((code, kinds(&report).len()), (1, 0), "{report}");
    assert!(
        report["index_doubts"][0]
            .as_str()
            .unwrap()
            .contains("segment-0-600.graph")
    );
    let ran = sandbox.akin(&["check", "--repair"]).exits(0);
    assert!(ran.stdout.contains("rebuilt the index"), "{ran:?}");
    assert_eq!(
        graphs(&sandbox.library()),
        [] as [PathBuf; 0],
        "600 papers need none"
    );
    assert_eq!(related("--graph"), truth);
    assert_eq!(check(&sandbox, &["--repair"]).0["rebuilt_index"], false);
}

#[test]
fn an_index_is_of_one_generation_of_rows() {
    let sandbox = Sandbox::new();
    let mut writer = library_of(&sandbox.library(), some_papers(120));
    ingest::build_index(&writer, &IndexOptions::eager(), &Unobserved).unwrap();
    remove(&mut writer, (0..10).map(|i| format!("p{i}")));
    let ask = |mode| {
        let args = ["related", "p100", "--json", "-k", "20", mode];
        without_percentiles(&sandbox.akin(&args).exits(0).stdout)
    };
    let truth = ask("--exact");
    assert_eq!(ask("--graph"), truth);
    writer.compact(&Unobserved).unwrap();
    assert_eq!(files(&sandbox.library()), ["vectors-1.f16"]);
    assert_eq!(ask("--graph"), truth);
    ingest::build_index(&writer, &IndexOptions::eager(), &Unobserved).unwrap();
    assert_eq!(files(&sandbox.library()), ["index-1", "vectors-1.f16"]);
    assert_eq!(graphs(&sandbox.library()).len(), 1);
    assert_eq!(ask("--graph"), truth);
    drop(writer);
    sandbox.akin(&["compact"]).exits(0);
    assert_eq!(files(&sandbox.library()), ["index-1", "vectors-1.f16"]);
    assert_eq!(check(&sandbox, &[]).1, 0);
}
