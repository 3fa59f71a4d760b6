//! What can be followed, and what is close enough.

use akin::library::Writer;
use std::collections::HashSet;

use akin::digest::{DigestContext, Follow, find};
use akin::index::Index;
use akin::library::Library;
use akin::paper::{Paper, PaperId};
use akin::search::Indexes;

use super::bakery;
use crate::sandbox::{Sandbox, library_of};
use akin_testing::Dice;

#[test]
fn follows_are_added_listed_shown_edited_and_removed() {
    let sandbox = bakery();
    let run = |args: &[&str]| {
        let mut all = vec!["follow"];
        all.extend(args);
        sandbox.akin(&all)
    };
    run(&["add", "Erdős", "--author", "erdos", "--category", "math"]).exits(0);
    run(&[
        "add",
        "iron",
        "--like",
        "arXiv:2603.00004v2",
        "--not",
        "2603.00003",
        "--min-percentile",
        "90",
    ])
    .exits(0);
    let listed = run(&["list"]).exits(0).stdout;
    assert_eq!(
        listed,
        "Erdős  by erdos; in math\nbread  +sourdough\niron  like arXiv:2603.00004v2; not like 2603.00003\n"
    );
    let shown = run(&["show", "iron"]).exits(0).stdout;
    assert!(shown.contains("closer than  90 %"), "{shown}");
    run(&["edit", "iron", "--rename", "steel", "alloys of iron"]).exits(0);
    let json = &run(&["show", "steel", "--json"]).exits(0).json()[0];
    assert_eq!(
        (&json["query"], &json["min-percentile"]),
        (&"alloys of iron".into(), &90.0.into())
    );
    assert!(json.get("like").is_none(), "{json}");
    assert_eq!(run(&["remove", "steel"]).exits(0).stdout, "removed steel\n");

    for (args, said) in [
        (&["add", "bread", "x"][..], "there is one of this name"),
        (&["add", "x"], "it asks for nothing"),
        (&["add", "x", ""], "its text is empty"),
        (
            &["add", "x", "--author", " "],
            "the name of an author is empty",
        ),
        (
            &["add", "x", "--not", "2603.00001"],
            "papers to be close to",
        ),
        (&["add", "x", "y", "--min-percentile", "100"], "below 100"),
        (
            &["edit", "bread", "--rename", "Erdős"],
            "there is one of this name",
        ),
    ] {
        let refused = run(args).exits(2);
        assert!(refused.stderr.contains(said), "{args:?}: {refused:?}");
    }
    let unknown = run(&["add", "x", "--like", "2699.99999"]).exits(1);
    assert!(unknown.stderr.contains("2699.99999"), "{unknown:?}");
    assert!(
        run(&["show", "iron"])
            .exits(1)
            .stderr
            .contains("there are Erdős, bread")
    );
}

#[test]
fn what_is_exported_is_read_by_another_library_all_or_nothing() {
    let sandbox = bakery();
    sandbox
        .akin(&[
            "follow",
            "add",
            "two",
            "--author",
            "Ada",
            "--min-percentile",
            "1",
        ])
        .exits(2);
    sandbox
        .akin(&["follow", "add", "two", "--author", "Ada"])
        .exits(0);
    let toml = sandbox.akin(&["follow", "export"]).exits(0).stdout;
    let file = sandbox.file("follows.toml", &toml);
    sandbox.akin(&["follow", "import", &file]).exits(0);
    let changed = sandbox.file("changed.toml", toml.replace("Ada", "Bob"));
    let taken = sandbox.akin(&["follow", "import", &changed]).exits(2);
    assert!(taken.stderr.contains("--replace"), "{taken:?}");
    sandbox
        .akin(&["follow", "import", "--replace", &file])
        .exits(0);
    assert_eq!(sandbox.akin(&["follow", "export"]).stdout, toml);

    let other = Sandbox::new();
    other.add_day("2026-03-12", &[("2603.00001", "T", "A text.", 1)]);
    let bad = other.file("bad.toml", format!("{toml}\n[[follow]]\nname = \"x\"\n"));
    let refused = other.akin(&["follow", "import", &bad]).exits(2);
    assert!(
        refused.stderr.contains("\"x\": it asks for nothing"),
        "{refused:?}"
    );
    other.akin(&["follow", "list"]).exits(1);
    let wrong = other.file("wrong.toml", "[[follow]]\nname = \"x\"\nquery = 3\n");
    let refused = other.akin(&["follow", "import", &wrong]).exits(2);
    assert!(refused.stderr.contains("wrong.toml, line 3"), "{refused:?}");
    other.akin(&["follow", "import", &file]).exits(0);
    assert_eq!(
        other.akin(&["follow", "export", "two"]).stdout,
        sandbox.akin(&["follow", "export", "two"]).stdout
    );
}

#[test]
fn a_test_shows_last_month_and_changes_nothing() {
    let sandbox = bakery();
    let test = |now: &str, args: &[&str]| {
        let mut all = vec!["follow", "test", "bread", "--json"];
        all.extend(args);
        sandbox.akin_at(now, &all)
    };
    for _ in 0..2 {
        let mut found = test("2026-03-20", &[]).exits(0).ids();
        found.sort();
        assert_eq!(found, ["2603.00001", "2603.00002", "2603.00003"]);
    }
    let since = test("2026-03-20", &["--days", "8"]).exits(0).ids();
    assert_eq!(since.len(), 2, "{since:?}");
    // Last month nothing came: it is the month before the last paper.
    let later = test("2026-05-20", &[]).exits(0);
    assert_eq!(later.ids().len(), 3);
    let told = "3 of 4 papers that came from 2026-02-12 to 2026-03-13";
    assert!(later.stderr.contains(told), "{later:?}");
    let before = test("2026-03-01", &[]).exits(1);
    assert!(before.stderr.contains("0 of 0 papers"), "{before:?}");
}

/// A paper is found if it is among the share of the library that is closest, counted over all of it,
/// whatever else is new.
#[test]
fn a_paper_is_found_if_few_of_the_library_are_as_close() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(5);
    let papers: Vec<(Paper, Vec<f32>)> = (0..2000)
        .map(|i| {
            let id = PaperId::parse(&format!("p{i}")).unwrap();
            (Paper::new(id, format!("Paper {i}"), ""), dice.direction(24))
        })
        .collect();
    let vectors: Vec<Vec<f32>> = papers.iter().map(|(_, vector)| vector.clone()).collect();
    drop(library_of(dir.path(), papers));
    let library = Library::open(dir.path()).unwrap();
    let rows = library.rows().unwrap();
    let index = Index::open(
        &library.index_dir().unwrap(),
        &library.index_mark().unwrap(),
        rows,
    );
    let indexes = Indexes::dense(&library, &index);
    let desk = DigestContext::new(&indexes, None, jiff::civil::date(2026, 3, 14)).unwrap();
    let new = library
        .stored_after(library.find("p1899").unwrap().key)
        .unwrap();
    assert_eq!(new.len(), 100);

    let mut closest: Vec<usize> = (0..2000).collect();
    let similarity = |i: usize| akin::vectors::dot(&vectors[7], &vectors[i]);
    closest.sort_by(|a, b| similarity(*b).total_cmp(&similarity(*a)));
    let mut n_found = 0;
    for (percentile, n_close) in [(99.5, 10), (99.0, 20), (90.0, 200), (0.0, 2000)] {
        let follow = Follow {
            name: "like".to_owned(),
            like: vec!["p7".to_owned()],
            min_percentile: Some(percentile),
            ..Follow::default()
        };
        let found = find(&desk, &follow, new.clone()).unwrap();
        let ids = found.matches.iter().map(|found| found.paper.id.to_string());
        let expected = closest[..n_close].iter().filter(|i| **i >= 1900);
        let expected: HashSet<String> = expected.map(|i| format!("p{i}")).collect();
        assert_eq!(ids.collect::<HashSet<String>>(), expected, "{percentile}");
        n_found += expected.len();
    }
    assert!(n_found > 100, "{n_found}");
}

#[test]
fn what_a_library_cannot_tell_is_said_when_it_is_asked() {
    let sandbox = bakery();
    let add = |args: &[&str]| {
        let args = [&["follow", "add"], args].concat();
        sandbox.akin(&args).exits(0).stderr
    };
    let told = add(&["a", "bread", "--closer-than", "99.9"]);
    let said = "99.9 % takes effect from 10000 papers on, and there are 4";
    assert!(told.contains(said), "{told}");
    assert!(!add(&["b", "bread"]).contains("papers on"));
    let told = add(&["c", "--category", "nosuch", "--author", "erdos"]);
    assert!(
        told.contains("so far no paper passes the filters: none is of the category"),
        "{told}"
    );
    let edited = sandbox
        .akin(&["follow", "edit", "b", "--closer-than", "50"])
        .exits(0);
    assert!(edited.stderr.contains("from 20 papers on"), "{edited:?}");
    let trending = sandbox.akin(&["trending", "--category", "nosuch"]).exits(1);
    assert!(
        trending
            .stderr
            .contains("none is of the category \"nosuch\""),
        "{trending:?}"
    );
}

#[test]
fn a_follow_that_cannot_be_read_keeps_no_other_from_its_reader() {
    let sandbox = bakery();
    let mut writer = Writer::open(&sandbox.library(), "the test").unwrap();
    let moment = "2026-03-12T08:00:00Z".parse().unwrap();
    writer
        .add_follow("later", "{\"name\":\"later\",\"new\":1}", moment)
        .unwrap();
    drop(writer);
    let list = sandbox.akin(&["follow", "list"]).exits(2);
    assert!(
        list.stdout.contains("bread") && list.stderr.contains("later"),
        "{list:?}"
    );
    let digest = sandbox.akin_at("2026-03-13T08:00Z", &["digest"]).exits(0);
    assert!(
        digest.stdout.contains("2603.00002") && digest.stdout.contains("later"),
        "{digest:?}"
    );
    sandbox.akin(&["follow", "remove", "later"]).exits(0);
    sandbox.akin(&["follow", "list"]).exits(0);
}
