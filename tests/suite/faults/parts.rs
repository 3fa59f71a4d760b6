//! Parts of a library that are gone, empty, or another library's: found by `check` and by whoever opens
//! it next, never believed, and mended where that can be done.

use std::fs;
use std::path::{Path, PathBuf};

use akin::index::lexical::{Document, Lexical, LexicalState, LexicalWriter};
use akin::library::Library;
use serde_json::Value;

use super::is_full;
use crate::sandbox::{Sandbox, copy, data, tiny_model};

/// Bits of the journal that are flipped.
fn n_flips() -> usize {
    if is_full() { 400 } else { 40 }
}

fn lines(first: usize, n: usize) -> String {
    let dump = fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let lines = dump.lines().skip(first).take(n);
    lines.map(|line| line.to_owned() + "\n").collect()
}

/// A library of `n` papers of one model, from the `first` on.
fn library(first: usize, n: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("day.jsonl", lines(first, n));
    let args = ["add", &dump, "--model", &tiny_model(), "--threads", "1"];
    sandbox.akin(&args).exits(0);
    sandbox
}

/// What `check` says, and its exit code.
fn check(sandbox: &Sandbox, args: &[&str]) -> (Value, Option<i32>) {
    let ran = sandbox.akin(&[&["check", "--json"], args].concat());
    assert!(ran.code < Some(3), "{ran:?}");
    let report = ran.json().pop().unwrap_or_default();
    (report, ran.code)
}

fn kinds(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().into_iter().flatten();
    findings
        .map(|finding| finding["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// A library of 40 papers, the dump of 30 more, and a copy of it with these, whose journal is still there.
fn with_journal() -> (Sandbox, String, PathBuf) {
    let sandbox = library(0, 40);
    // A reader keeps the journal from being emptied, as a kill of the writer would.
    let reader = Library::open(&sandbox.library()).unwrap();
    let dump = sandbox.file("later/day.jsonl", lines(40, 30));
    sandbox.akin(&["add", &dump, "--threads", "1"]).exits(0);
    let kept = sandbox.path("kept");
    copy(&sandbox.library(), &kept);
    drop(reader);
    (sandbox, dump, kept)
}

#[test]
fn commits_that_a_flipped_bit_of_the_journal_loses_are_found_and_said() {
    let (sandbox, dump, kept) = with_journal();
    let journal = fs::read(kept.join("papers.db-wal")).unwrap();
    assert!(journal.len() > 10_000, "{} bytes", journal.len());
    let mut n_lost = 0;
    for flip in 0..n_flips() {
        fs::remove_dir_all(sandbox.library()).unwrap();
        copy(&kept, &sandbox.library());
        fs::remove_file(sandbox.library().join("papers.db-shm")).ok();
        let mut bad = journal.clone();
        bad[journal.len() * flip / n_flips()] ^= 1 << (flip % 8);
        fs::write(sandbox.library().join("papers.db-wal"), bad).unwrap();
        let (report, code) = check(&sandbox, &[]);
        if code == Some(0) {
            assert_eq!(
                (&report["papers"], &report["unembedded"]),
                (&70.into(), &0.into())
            );
            continue;
        }
        n_lost += 1;
        assert_eq!(code, Some(1), "{flip}: {report}");
        assert!(
            kinds(&report).contains(&"commits_lost".to_owned()),
            "{flip}: {report}"
        );
        if report["papers"] == 70 {
            // The papers are committed before their embeddings.
            assert_eq!(report["unembedded"], 30, "{flip}: {report}");
            let report = sandbox.add(&[&dump]);
            assert_eq!(
                (&report["stored"], &report["embedded"]),
                (&0.into(), &30.into())
            );
            continue;
        }
        let ran = sandbox.akin(&["search", "galaxies"]);
        assert!(
            ran.stderr.contains("papers.db has lost the last 30 papers"),
            "{flip}: {ran:?}"
        );
        if n_lost > 3 {
            continue;
        }
        let ran = sandbox.akin(&["check", "--repair"]).exits(0);
        assert!(
            ran.stdout
                .contains("not repaired: papers.db has lost 30 papers"),
            "{ran:?}"
        );
        let report = sandbox.add(&[&dump]);
        assert_eq!(report["stored"], 30, "{report}");
        assert_eq!(check(&sandbox, &[]).1, Some(0));
    }
    assert!(
        n_lost > n_flips() / 2,
        "{n_lost} of {} flips lost something",
        n_flips()
    );
}

#[test]
fn an_add_after_lost_commits_says_so_and_takes_the_dump_again() {
    let (sandbox, dump, kept) = with_journal();
    fs::remove_dir_all(sandbox.library()).unwrap();
    fs::rename(&kept, sandbox.library()).unwrap();
    for extension in ["db-wal", "db-shm"] {
        fs::remove_file(sandbox.library().join("papers").with_extension(extension)).ok();
    }
    let ran = sandbox.akin(&["add", &dump, "--threads", "1"]).exits(0);
    assert!(
        ran.stderr.contains("papers.db has lost the last 30 papers"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("30 stored") || ran.stdout.contains("30 stored"),
        "{ran:?}"
    );
    let (report, code) = check(&sandbox, &[]);
    assert_eq!((code, &report["papers"]), (Some(0), &70.into()), "{report}");
}

/// The files of the index of words, by what their names end with.
fn word_files(root: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root.join("lexical")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .map(|path| {
            (
                path.extension()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                path,
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_file_of_words_that_is_gone_or_foreign_is_found_and_made_again() {
    let (sandbox, other) = (library(0, 60), library(60, 60));
    sandbox.akin(&["remove", "hep-ph/9302259"]).exits(0);
    other.akin(&["remove", "1405.3379"]);
    let kept = sandbox.path("kept");
    copy(&sandbox.library(), &kept);
    let questions: [&[&str]; 3] = [
        &["search", "--lexical", "model of the galaxy", "--json"],
        &["search", "--lexical", "\"in the\"", "--json"],
        &["search", "quantum field", "--json"],
    ];
    let expected = questions.map(|args| sandbox.akin(args).stdout);
    let foreign = word_files(&other.library());
    let mut n_found = 0;
    for (kind, file) in word_files(&sandbox.library()) {
        let strangers = foreign.iter().filter(|(other, _)| *other == kind);
        let strangers = strangers.map(|(_, path)| Some(fs::read(path).unwrap()));
        for harm in [None, Some(Vec::new())].into_iter().chain(strangers) {
            fs::remove_dir_all(sandbox.library()).unwrap();
            copy(&kept, &sandbox.library());
            if harm.as_ref() == Some(&fs::read(&file).unwrap()) {
                // Files that hold nothing are alike.
                continue;
            }
            match &harm {
                None => fs::remove_file(&file).unwrap(),
                Some(bytes) => fs::write(&file, bytes).unwrap(),
            }
            let context = format!(
                "{}, {:?} bytes",
                file.display(),
                harm.map(|harm| harm.len())
            );
            let (report, code) = check(&sandbox, &[]);
            if code == Some(0) {
                // What tantivy would delete one day is no part of the index.
                assert!(file.ends_with(".managed.json"), "{context}: {report}");
            } else {
                n_found += 1;
                assert!(report["lexical_doubt"].is_string(), "{context}: {report}");
                for args in questions {
                    let ran = sandbox.akin(args);
                    assert!(ran.code < Some(3), "{context}: {ran:?}");
                    assert!(ran.stderr.contains("lexical"), "{context}: {ran:?}");
                }
            }
            sandbox.akin(&["check", "--repair"]).exits(0);
            let said = questions.map(|args| sandbox.akin(args).stdout);
            let ids = |said: &[String; 3]| -> Vec<Value> {
                let hits = said.iter().flat_map(|answer| answer.lines());
                hits.map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
                    .collect()
            };
            assert_eq!(ids(&said).len(), ids(&expected).len(), "{context}");
            assert_eq!(check(&sandbox, &[]).1, Some(0), "{context}");
        }
    }
    assert!(n_found >= 18, "{n_found}");
}

#[test]
fn many_small_commits_leave_few_files_of_words() {
    let n = if is_full() { 10_000 } else { 60 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lexical");
    let (mut most_files, mut most_segments) = (0, 0);
    for key in 0..n {
        let mut writer = LexicalWriter::open_or_create(&path, 5).unwrap();
        let title = format!("Attention {key}");
        let document = Document {
            key,
            stamp: 1,
            title: &title,
            abstract_text: "Words.",
            authors: &[],
            categories: &[],
            ids: Vec::new(),
        };
        writer.add(&document).unwrap();
        let mark = key as i64;
        writer.commit(LexicalState { changes: key, mark }).unwrap();
        let files = word_files(folder.path());
        most_files = most_files.max(files.len());
        let n_segments = files.iter().filter(|(kind, _)| kind == "idx").count();
        most_segments = most_segments.max(n_segments);
    }
    assert_eq!(Lexical::open(&path, 5).unwrap().n_papers(), n);
    println!(
        "{n} commits of one paper: never more than {most_segments} segments, {most_files} files"
    );
    assert!(most_segments <= 9, "{most_segments} segments");
    assert!(most_files <= 2 + 9 * 6, "{most_files} files");
}

#[test]
fn words_that_are_behind_the_papers_are_said() {
    let sandbox = library(0, 40);
    let kept = sandbox.path("words");
    copy(&sandbox.library().join("lexical"), &kept);
    let dump = sandbox.file("later/day.jsonl", lines(40, 30));
    sandbox.akin(&["add", &dump, "--threads", "1"]).exits(0);
    let ask = || sandbox.akin(&["search", "--lexical", "model", "--json"]);
    let before = ask();
    assert!(!before.stderr.contains("by their words"), "{before:?}");
    // As a kill leaves it between the papers and their words, or a copy of before.
    fs::remove_dir_all(sandbox.library().join("lexical")).unwrap();
    copy(&kept, &sandbox.library().join("lexical"));
    let ran = ask();
    assert!(ran.stderr.contains("not found by their words"), "{ran:?}");
    sandbox.akin(&["check", "--repair"]).exits(0);
    let after = ask();
    assert_eq!(
        (after.json().len(), after.stderr),
        (before.json().len(), before.stderr)
    );
}

#[test]
fn rows_of_a_library_with_the_same_beginnings_are_found_paper_by_paper() {
    let (sandbox, sister) = (library(0, 40), Sandbox::new());
    copy(&sandbox.library(), &sister.library());
    for (sandbox, first) in [(&sandbox, 40), (&sister, 80)] {
        let dump = sandbox.file("later/day.jsonl", lines(first, 20));
        sandbox.akin(&["add", &dump, "--threads", "1"]).exits(0);
    }
    let rows = "spaces/tiny-bert-cls-dc7be11e/vectors-0.f16";
    fs::copy(sister.library().join(rows), sandbox.library().join(rows)).unwrap();
    let ran = sandbox.akin(&["search", "galaxy", "--dense", "-k", "60", "--json"]);
    assert_eq!(ran.json().len(), 40, "{ran:?}");
    assert!(ran.stderr.contains("is that of another text"), "{ran:?}");
    let (report, code) = check(&sandbox, &[]);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(kinds(&report), ["row_outdated"; 20], "{report}");
    let ran = sandbox.akin(&["check", "--repair"]).exits(0);
    assert!(ran.stdout.contains("embedded 20 papers"), "{ran:?}");
    let ran = sandbox.akin(&["search", "galaxy", "--dense", "-k", "60", "--json"]);
    assert_eq!(ran.json().len(), 60, "{ran:?}");
}

#[test]
fn words_of_another_library_are_nobodys() {
    let (sandbox, other) = (library(0, 30), library(30, 30));
    fs::remove_dir_all(sandbox.library().join("lexical")).unwrap();
    copy(
        &other.library().join("lexical"),
        &sandbox.library().join("lexical"),
    );
    let ran = sandbox.akin(&["search", "--lexical", "galaxy"]).exits(2);
    assert!(ran.stderr.contains("another library"), "{ran:?}");
    assert_eq!(check(&sandbox, &[]).1, Some(1));
    let ran = sandbox.akin(&[
        "add",
        &sandbox.file("day.jsonl", lines(0, 30)),
        "--threads",
        "1",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(check(&sandbox, &[]).1, Some(0));
}

#[test]
fn rows_and_databases_of_another_library_are_found_by_the_next_who_opens_it() {
    let (sandbox, other) = (library(0, 30), library(30, 30));
    let kept = sandbox.path("kept");
    copy(&sandbox.library(), &kept);
    let rows = "spaces/tiny-bert-cls-dc7be11e/vectors-0.f16";
    for part in [rows, "papers.db"] {
        fs::remove_dir_all(sandbox.library()).unwrap();
        copy(&kept, &sandbox.library());
        fs::copy(other.library().join(part), sandbox.library().join(part)).unwrap();
        for args in [&["search", "galaxy"][..], &["related", "hep-ph/9302259"]] {
            let ran = sandbox.akin(args);
            assert_eq!(ran.code, Some(2), "{part}: {ran:?}");
            assert!(ran.stderr.contains("vectors-0.f16"), "{part}: {ran:?}");
        }
        for args in [&["show", "hep-ph/9302259"][..], &["status"]] {
            let ran = sandbox.akin(args);
            assert!(ran.stderr.contains("vectors-0.f16"), "{part}: {ran:?}");
        }
        let (report, code) = check(&sandbox, &[]);
        assert_eq!(code, Some(1), "{part}: {report}");
        assert_eq!(kinds(&report)[0], "rows", "{part}: {report}");
        let dump = sandbox.file("more.jsonl", lines(60, 5));
        sandbox.akin(&["add", &dump, "--threads", "1"]).exits(2);
    }
    fs::write(sandbox.library().join("papers.db"), "").unwrap();
    let dump = sandbox.file("more.jsonl", lines(60, 5));
    for args in [
        &["add", &dump][..],
        &["status"],
        &["check"],
        &["search", "galaxy"],
    ] {
        let ran = sandbox.akin(args).exits(2);
        assert!(
            ran.stderr.contains("papers.db") && ran.stderr.contains("it is empty"),
            "{ran:?}"
        );
    }
}
