//! One paper, one record: which records become one paper, what is kept of each, and how it is
//! undone.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, data, tiny_model};

const TITLE: &str = "Bimodal spectra of light in strongly scattering random media";
const TEXT: &str = "We study the propagation of light through random media and show that the \
    transmission matrix has a bimodal spectrum whose width follows from the mean free path of \
    photons alone.";

fn preprint() -> Value {
    json!({ "id": "2401.00001", "title": TITLE, "abstract": TEXT, "authors": ["Ada Lovelace"] })
}

fn published() -> Value {
    let text = TEXT.replace("random media and", "disordered media and");
    json!({ "id": "10.1000/light", "title": TITLE, "abstract": text,
            "authors": ["A. Lovelace", "C. Babbage"], "journal": "Journal of Light" })
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// Adds records in one dump, and then in one dump each to another library: the counts are equal.
#[track_caller]
fn check_counts(records: &[Value], expected: &[(&str, u64)]) -> Sandbox {
    let together = Sandbox::new();
    let dump = together.file("all.jsonl", lines(records));
    let dry = together
        .akin(&["add", "--dry-run", "--json", &dump])
        .json()
        .remove(0);
    let report = together.add(&[&dump]);
    let apart = Sandbox::new();
    let dumps: Vec<String> = records
        .iter()
        .enumerate()
        .map(|(i, record)| apart.file(&format!("{i}.jsonl"), lines(std::slice::from_ref(record))))
        .collect();
    let rehearsed: Vec<&str> = dumps.iter().map(String::as_str).collect();
    let mut sums = vec![0; expected.len()];
    for dump in &rehearsed {
        let dry = apart
            .akin(&["add", "--dry-run", "--json", dump])
            .json()
            .remove(0);
        let report = apart.add(&[dump]);
        for (sum, (name, _)) in sums.iter_mut().zip(expected) {
            *sum += report[name].as_u64().unwrap();
            assert_eq!(
                dry[name], report[name],
                "{name} of a dry run: {dry} {report}"
            );
        }
    }
    for ((name, n), sum) in expected.iter().zip(sums) {
        assert_eq!(report[name], *n, "{name}: {report}");
        assert_eq!(dry[name], *n, "{name} of a dry run: {dry}");
        assert_eq!(sum, *n, "{name}, one by one");
    }
    assert_eq!(together.add(&[&dump])["unchanged"], records.len());
    apart
}

/// Works under one id stay what they are, whichever of them a later dump has, and in which order.
#[test]
fn a_work_that_was_kept_apart_is_known_again_in_any_order() {
    let about = |title: &str, topic: &str| {
        let words: Vec<String> = (0..25).map(|n| format!("{topic}{n}")).collect();
        json!({ "id": "7", "title": title, "abstract": words.join(" "), "authors": ["Ada Lee"] })
    };
    let works = [
        about("Editorial", "welcome"),
        about(
            "Attention in deep networks for sequence modelling",
            "attention",
        ),
        about(
            "A survey of salt marshes in the northern provinces",
            "marsh",
        ),
    ];
    let orders: [&[usize]; 6] = [&[0, 1, 2], &[2, 1, 0], &[1], &[2, 0], &[1, 2, 0], &[2]];
    let sandbox = Sandbox::new();
    let name = "works.jsonl";
    for (n, order) in orders.into_iter().enumerate() {
        let records: Vec<Value> = order.iter().map(|work| works[*work].clone()).collect();
        let report = sandbox.add(&[&sandbox.file(name, lines(&records))]);
        let (stored, unchanged) = if n == 0 { (3, 0) } else { (0, order.len()) };
        assert_eq!(report["stored"], stored, "{order:?}: {report}");
        assert_eq!(report["unchanged"], unchanged, "{order:?}: {report}");
    }
    // A newer state is one of the work that it is a state of.
    let mut newer = works[1].clone();
    newer["journal"] = json!("Journal of Attention");
    let report = sandbox.add(&[&sandbox.file(name, lines(&[newer]))]);
    assert_eq!(
        (&report["changed"], &report["stored"]),
        (&json!(1), &json!(0)),
        "{report}"
    );
    for work in &works {
        let title = work["title"].as_str().unwrap();
        let found = sandbox
            .akin(&["search", "--lexical", title, "-k", "1"])
            .exits(0)
            .stdout;
        assert!(found.contains(title), "{found}");
    }
    let shown = sandbox.akin(&["show", "works.jsonl#7~2"]).exits(0).stdout;
    assert!(shown.contains("Journal of Attention"), "{shown}");
}

/// An id of a file's own is not of one work for ever: another work under it is another paper.
#[test]
fn another_work_under_an_id_of_a_file_takes_no_paper_away() {
    let record = |title: &str, topic: &str| {
        let words: Vec<String> = (0..25).map(|n| format!("{topic}{n}")).collect();
        json!({ "id": "7", "title": title, "abstract": words.join(" "), "authors": ["Ada Lee"] })
    };
    let sandbox = Sandbox::new();
    let name = "mine.jsonl";
    sandbox.add(&[&sandbox.file(name, lines(&[record("Peat fires", "peat")]))]);
    let report = sandbox.add(&[&sandbox.file(name, lines(&[record("Bog turtles", "bog")]))]);
    assert_eq!(report["stored"], 1, "{report}");
    // A title in other words over the same text is the same work.
    let report = sandbox.add(&[&sandbox.file(name, lines(&[record("On burning moors", "peat")]))]);
    assert_eq!(report["changed"], 1, "{report}");
}

/// A paper of more records than a work has is cut, whatever joins them, and each record is kept.
#[test]
fn records_without_end_of_one_work_are_kept_in_several_papers() {
    const N: usize = 600;
    let check = |record: &dyn Fn(usize) -> Value| {
        let records: Vec<Value> = (0..N).map(record).collect();
        let sandbox = Sandbox::new();
        let dump = sandbox.file("all.jsonl", lines(&records));
        let report = sandbox.add(&[&dump]);
        let (stored, merged) = (&report["stored"], &report["merged"]);
        let (stored, merged) = (stored.as_u64().unwrap(), merged.as_u64().unwrap());
        assert_eq!(stored + merged, N as u64, "{report}");
        assert!((3..=N as u64 / 2).contains(&stored), "{report}");
        assert_eq!(sandbox.add(&[&dump])["unchanged"], N);
    };
    check(
        &|n| json!({ "id": "a", "title": TITLE, "abstract": format!("Part {n}."), "authors": ["Ada Lovelace"] }),
    );
    check(
        &|n| json!({ "id": format!("a{n}"), "title": TITLE, "authors": ["Ada Lovelace"], "year": 2021 }),
    );
}

/// An id that every record has says nothing: each work is kept, under an id that it has the next time.
#[test]
fn many_works_under_one_id_are_kept_apart_and_found_again() {
    const N: usize = 50;
    let work = |i: usize| {
        let title: Vec<String> = (0..6).map(|word| format!("topic{i}x{word}")).collect();
        json!({ "id": "0", "title": title.join(" "), "abstract": format!("A text about {i}.") })
    };
    let records: Vec<Value> = (0..N).map(work).collect();
    let sandbox = check_counts(&records, &[("stored", N as u64), ("merged", 0)]);
    let back: Vec<Value> = records.iter().rev().cloned().collect();
    let dump = sandbox.file("back.jsonl", lines(&back));
    assert_eq!(
        sandbox.add(&[&dump])["stored"],
        N,
        "another file is another collection"
    );
    assert_eq!(sandbox.add(&[&dump])["unchanged"], N);
}

/// A title that many works have joins none, however the records come; up to there texts decide.
#[test]
fn a_title_of_many_works_joins_nothing_wherever_batches_end() {
    const MAX_NAMESAKES: usize = 32;
    let topics = ["peat fires", "bog turtles", "salt marshes", "river otters"];
    let works = |n: usize| -> Vec<Value> {
        let work = |i: usize| {
            let topic = topics[i % topics.len()];
            let words: Vec<String> = (0..25).map(|word| format!("{topic}{i}x{word}")).collect();
            json!({ "id": format!("w{i}"), "title": "From the field", "authors": ["Ada Lovelace"],
                    "abstract": words.join(" ") })
        };
        (0..n).map(work).collect()
    };
    let with_copies = |n: usize| -> Vec<Value> {
        let mut records = works(n);
        for at in [0, n / 2, n - 1] {
            let mut copy = records[at].clone();
            copy["id"] = json!(format!("copy{at}"));
            records.push(copy);
        }
        records
    };
    let n = MAX_NAMESAKES as u64;
    check_counts(&with_copies(MAX_NAMESAKES), &[("stored", n), ("merged", 3)]);
    let n = MAX_NAMESAKES + 1;
    check_counts(&with_copies(n), &[("stored", n as u64 + 3), ("merged", 0)]);
}

#[test]
fn a_preprint_and_its_published_version_are_one_paper_under_all_their_ids() {
    let sandbox = check_counts(&[preprint(), published()], &[("stored", 1), ("merged", 1)]);
    for id in [
        "2401.00001",
        "10.1000/light",
        "https://doi.org/10.1000/LIGHT",
    ] {
        let shown = sandbox.akin(&["show", "--sources", id]).exits(0).stdout;
        assert!(
            shown.contains("Journal of Light"),
            "what only one says is kept: {shown}"
        );
        assert!(
            shown.contains("disordered media and"),
            "of two whole abstracts the longer one is shown: {shown}"
        );
        assert!(shown.contains("abstracts alike to"), "{shown}");
    }
    assert_eq!(sandbox.akin(&["search", "light", "--json"]).ids().len(), 1);
}

#[test]
fn a_shared_id_joins_and_a_third_record_makes_one_of_two() {
    let alone = json!({ "id": "10.1000/other", "title": "Light, in another catalogue",
        "authors": ["Ada Lovelace"] });
    let mut bridge = preprint();
    bridge["id"] = json!("PMC123456");
    bridge["arxiv_id"] = json!("2401.00001");
    bridge["doi"] = json!("10.1000/other");
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", lines(&[preprint(), alone]));
    assert_eq!(sandbox.add(&[&dump])["stored"], 2);
    let bridge = sandbox.file("bridge.jsonl", lines(&[bridge]));
    assert_eq!(sandbox.add(&[&bridge])["merged"], 1);
    let shown = sandbox
        .akin(&["show", "--json", "PMC123456"])
        .exits(0)
        .json();
    assert_eq!(shown[0]["id"], "2401.00001");
    assert_eq!(sandbox.add(&[&dump])["unchanged"], 2);
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn the_same_title_of_different_work_is_never_merged() {
    let editorial = |id: &str, text: &str| json!({ "id": id, "title": "Editorial", "abstract": text, "authors": ["Ada Lovelace"] });
    let other = "This issue of the journal brings many papers about engines, their mathematics, \
        their history and the people who have built them over more than a hundred years.";
    check_counts(
        &[
            editorial("10.1000/a", TEXT),
            editorial("10.1000/b", other),
            editorial("10.1000/c", ""),
        ],
        &[("stored", 3), ("merged", 0)],
    );
    let no_id =
        |text: &str| json!({ "title": "Editorial", "abstract": text, "authors": ["A. Lovelace"] });
    check_counts(
        &[no_id(TEXT), no_id(other)],
        &[("stored", 2), ("merged", 0)],
    );
    let mut second = preprint();
    second["id"] = json!("2401.00002");
    check_counts(&[preprint(), second], &[("stored", 2), ("merged", 0)]);
}

#[test]
fn the_doi_of_a_whole_volume_joins_nothing() {
    let of_volume = |title: &str, author: &str| json!({ "id": title, "doi": "10.1000/volume", "title": title, "authors": [author] });
    check_counts(
        &[
            of_volume("On engines", "Ada Lovelace"),
            of_volume("A theory of tides", "Alan Turing"),
        ],
        &[("stored", 2), ("merged", 0)],
    );
}

#[test]
fn what_was_split_stays_apart() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", lines(&[preprint(), published()]));
    sandbox.add(&[&dump]);
    sandbox
        .akin(&["split", "2401.00001", "10.1000/other"])
        .exits(1);
    let said = sandbox
        .akin(&["split", "2401.00001", "10.1000/light"])
        .exits(0)
        .stdout;
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(sandbox.add(&[&dump])["merged"], 0);
    let found = sandbox.akin(&["search", "light", "--json"]).exits(0).ids();
    assert_eq!(found.len(), 2);
    let shown = sandbox.akin(&["show", "2401.00001"]).stdout;
    assert!(!shown.contains("Journal of Light"), "{shown}");
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn what_became_of_each_record_is_explained() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file(
        "three.jsonl",
        lines(&[preprint(), published(), json!({ "id": "x" })]),
    );
    let model = tiny_model();
    let ran = sandbox
        .akin(&["add", "--explain", "--model", &model, &dump])
        .exits(1);
    for words in [
        "stored     2401.00001",
        "merged     10.1000/light into 2401.00001: same title",
    ] {
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    let listed = std::fs::read_to_string(sandbox.library().join("rejected.jsonl")).unwrap();
    let rejected: Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!(
        (&rejected["line"], &rejected["id"]),
        (&json!(3), &json!("x"))
    );
    assert!(rejected["reason"].as_str().unwrap().contains("no title"));
    sandbox
        .akin(&["add", "--strict", "--model", &model, &dump])
        .exits(2);
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn a_withdrawn_paper_is_shown_and_never_found() {
    let sandbox = Sandbox::new();
    let mut gone = preprint();
    gone["abstract"] = json!("This paper has been withdrawn by the author due to an error.");
    let (before, after) = (
        sandbox.file(
            "before.jsonl",
            lines(&[preprint(), json!({ "id": "y", "title": "Another" })]),
        ),
        sandbox.file("after/before.jsonl", lines(&[gone])),
    );
    sandbox.add(&[&before]);
    assert_eq!(sandbox.akin(&["search", "light", "--json"]).ids().len(), 2);
    assert_eq!(sandbox.add(&[&after])["changed"], 1);
    assert_eq!(sandbox.akin(&["search", "light", "--json"]).ids(), ["y"]);
    let shown = sandbox.akin(&["show", "2401.00001"]).exits(0).stdout;
    assert!(shown.contains("withdrawn"), "{shown}");
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("two.jsonl", lines(&[preprint(), published()]));
    let said = sandbox.akin(&["add", "--dry-run", &dump]).exits(0).stdout;
    assert!(
        said.contains("read 2: 1 stored") && said.contains("1 merged"),
        "{said}"
    );
    assert!(!sandbox.library().exists());
}

#[test]
fn the_text_before_cleaning_is_shown_on_demand() {
    let sandbox = Sandbox::new();
    let record = json!({ "id": "x", "title": r#"Schr\"odinger's cat"#, "abstract": "A  cat." });
    let dump = sandbox.file("one.jsonl", lines(&[record]));
    sandbox.add(&[&dump]);
    assert!(
        sandbox
            .akin(&["show", "x"])
            .stdout
            .contains("Schrödinger's cat")
    );
    assert!(
        sandbox
            .akin(&["show", "--raw", "x"])
            .stdout
            .contains(r#"Schr\"odinger's cat"#)
    );
    let json = sandbox.akin(&["show", "--json", "x"]).json();
    assert!(json[0].get("raw").is_none());
}

#[test]
fn a_library_of_version_1_is_brought_up_to_date_without_embedding() {
    let sandbox = Sandbox::new();
    let golden = data("library-1");
    let folder = "spaces/tiny-bert-cls-dc7be11e";
    for file in ["papers.db", &format!("{folder}/vectors-0.f16")] {
        sandbox.file(
            &format!("library/{file}"),
            std::fs::read(golden.join(file)).unwrap(),
        );
    }
    let ran = sandbox.akin(&["show", "2401.00001"]).exits(2);
    assert!(
        ran.stderr.contains("format 1") && ran.stderr.contains("akin compact"),
        "{ran:?}"
    );
    sandbox.akin(&["compact"]).exits(0);
    sandbox.akin(&["check"]).exits(0);
    let dump = sandbox.file(
        "published.jsonl",
        lines(&[json!({
            "id": "10.1000/light", "title": TITLE.to_uppercase(), "authors": ["A. Lovelace"],
        })]),
    );
    let report = sandbox.add(&[&dump]);
    assert_eq!(
        (&report["merged"], &report["embedded"]),
        (&json!(1), &json!(0)),
        "{report}"
    );
    let model = tiny_model();
    let found = sandbox.akin(&["search", "light", "--json", "--model", &model]);
    assert_eq!(found.ids().len(), 2);
}
