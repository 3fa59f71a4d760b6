//! A library over time: what is embedded again, what is not, and whose turn it is to write.

use akin::library::{Library, Writer};
use std::time::{Duration, Instant};

use crate::sandbox::{Sandbox, data, papers, tiny_model};

const TWO: &[(&str, &str, &str)] = &[
    ("2401.00001", "First", "The first abstract."),
    ("2401.00002", "Second", "The second abstract."),
];

#[test]
fn adding_a_dump_again_embeds_nothing_and_says_so() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", papers(TWO));
    let first = sandbox.add(&[&dump]);
    assert_eq!(
        (&first["stored"], &first["embedded"]),
        (&2.into(), &2.into())
    );
    let second = sandbox.add(&[&dump]);
    assert_eq!(second["unchanged"], 2);
    assert_eq!(second["embedded"], 0);
    let said = sandbox.akin(&["add", &dump]).exits(0).stdout;
    assert!(said.contains("nothing new to embed"), "{said}");
}

#[test]
fn a_changed_abstract_is_embedded_again_and_the_older_record_does_not_come_back() {
    let sandbox = Sandbox::new();
    let old = sandbox.file("old.jsonl", papers(TWO));
    let mut changed = TWO.to_vec();
    changed[0].2 = "Quite another abstract.";
    let new = sandbox.file("newer/old.jsonl", papers(&changed));
    sandbox.add(&[&old]);
    let report = sandbox.add(&[&new]);
    assert_eq!(
        (&report["changed"], &report["embedded"]),
        (&1.into(), &1.into())
    );
    let again = sandbox.add(&[&old, &new]);
    assert_eq!(
        (&again["unchanged"], &again["embedded"]),
        (&4.into(), &0.into())
    );
    assert!(
        sandbox
            .akin(&["show", "2401.00001"])
            .stdout
            .contains("Quite another abstract.")
    );
    let found = sandbox.akin(&["search", "first", "--json"]).exits(0).ids();
    assert_eq!(found.len(), 2, "the replaced embedding is not found");
}

#[test]
fn a_changed_title_of_the_author_list_embeds_nothing() {
    let sandbox = Sandbox::new();
    let line = |authors: &str| {
        format!(r#"{{"id":"x1","title":"T","abstract":"A b c.","authors":["{authors}"]}}"#)
    };
    let one = sandbox.file("one.jsonl", line("A. Author"));
    let two = sandbox.file("newer/one.jsonl", line("Anna Author"));
    sandbox.add(&[&one]);
    let report = sandbox.add(&[&two]);
    assert_eq!(
        (&report["changed"], &report["embedded"]),
        (&1.into(), &0.into())
    );
    assert!(sandbox.akin(&["show", "x1"]).stdout.contains("Anna Author"));
}

#[test]
fn the_daily_files_add_up_whatever_repeats_across_days() {
    let sandbox = Sandbox::new();
    let days = [
        "2026-03-13",
        "2026-03-14",
        "2026-03-15",
        "2026-04-10",
        "2026-04-11",
    ];
    let files: Vec<String> = days
        .iter()
        .map(|day| {
            data(&format!("formats/daily/{day}.jsonl"))
                .display()
                .to_string()
        })
        .collect();
    let n_lines: usize = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap().lines().count())
        .sum();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let report = sandbox.add(&files);
    let count = |name: &str| report[name].as_u64().unwrap() as usize;
    let parts = ["stored", "changed", "unchanged", "merged", "rejected"].map(count);
    assert_eq!(count("read"), n_lines);
    assert_eq!(parts.iter().sum::<usize>(), n_lines);
    assert!(count("unchanged") > 0 && count("changed") > 0, "{report}");
    let shown = sandbox.akin(&["show", "2604.07583"]).exits(0).stdout;
    assert!(
        shown.contains("forecasts. We"),
        "the newer text counts: {shown}"
    );
    assert!(
        shown.contains("2026-04-10 2026-04-11"),
        "both listings are kept: {shown}"
    );
    assert_eq!(sandbox.add(&files)["embedded"], 0);
}

#[test]
fn the_two_saved_pages_make_135_papers() {
    let sandbox = Sandbox::new();
    let page = |name: &str| data(&format!("formats/{name}")).display().to_string();
    let (daily, search) = (page("daily-2025-aug-6.txt"), page("search-mean-field.txt"));
    let report = sandbox.add(&[&daily, &search]);
    assert_eq!(report["read"], 57 + 82, "{report}");
    assert_eq!(report["stored"], 135, "{report}");
    assert_eq!(report["rejected"], 0, "{report}");
}

#[test]
fn another_model_is_refused_before_anything_is_written() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", papers(TWO));
    sandbox.add(&[&dump]);
    let legacy = data("models/tiny-bert-legacy").display().to_string();
    for args in [
        &["add", &dump, "--model", &legacy][..],
        &["search", "first", "--model", &legacy],
        &["add", &dump, "--model", &tiny_model(), "--max-tokens", "32"],
    ] {
        let ran = sandbox.akin(args).exits(2);
        assert!(
            ran.stderr.contains("tiny-bert-cls") && ran.stderr.contains("hint:"),
            "{ran:?}"
        );
    }
    let found = sandbox.akin(&["search", "first", "--json"]).exits(0);
    assert_eq!(
        found.ids().len(),
        2,
        "the library's own model is remembered"
    );
}

#[test]
fn a_second_writer_is_told_at_once_who_writes_and_readers_go_on() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", papers(TWO));
    sandbox.add(&[&dump]);
    let writer = Writer::open(&sandbox.library(), "the test that holds it").unwrap();
    let start = Instant::now();
    let ran = sandbox.akin(&["remove", "2401.00001"]).exits(2);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(ran.stderr.contains("the test that holds it"), "{ran:?}");
    sandbox.akin(&["search", "first"]).exits(0);
    drop(writer);
    sandbox.akin(&["remove", "2401.00001"]).exits(0);
}

#[test]
fn a_reader_sees_one_state_while_a_writer_changes_it() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", papers(TWO));
    sandbox.add(&[&dump]);
    let before = Library::open(&sandbox.library()).unwrap();
    assert_eq!(before.status().unwrap().n_papers, 2);
    sandbox.akin(&["remove", "2401.00001"]).exits(0);
    assert_eq!(before.status().unwrap().n_papers, 2);
    assert!(before.find("2401.00001").is_ok());
    let after = Library::open(&sandbox.library()).unwrap();
    assert_eq!(after.status().unwrap().n_papers, 1);
}

#[test]
fn a_library_of_a_newer_akin_is_refused_by_its_number() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", papers(TWO));
    sandbox.add(&[&dump]);
    let path = sandbox.library().join("papers.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // The user version of a SQLite file is the big-endian number at byte 60.
    bytes[60..64].copy_from_slice(&999u32.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    for args in [&["status"][..], &["add", &dump], &["search", "first"]] {
        let ran = sandbox.akin(args).exits(2);
        assert!(ran.stderr.contains("format 999"), "{ran:?}");
    }
}

#[test]
fn a_damaged_row_is_an_error_that_names_file_and_row() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", papers(TWO));
    sandbox.add(&[&dump]);
    let library = Library::open(&sandbox.library()).unwrap();
    let path = library.rows().unwrap().path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let ran = sandbox.akin(&["search", "first"]).exits(2);
    assert!(
        ran.stderr.contains("vectors-0.f16") && ran.stderr.contains("row 1"),
        "{ran:?}"
    );
}
