//! The papers of a day, a week and a month.

use super::bakery;
use crate::sandbox::{Sandbox, data};

#[test]
fn a_day_is_that_of_the_list_in_the_communitys_order_with_its_neighbours() {
    let sandbox = bakery();
    let day = |args: &[&str]| {
        let mut all = vec!["daily", "--json"];
        all.extend(args);
        sandbox.akin_at("2026-03-20", &all)
    };
    let last = day(&[]).exits(0);
    assert_eq!(last.ids(), ["2603.00003", "2603.00004", "2603.00002"]);
    let first = &last.json()[0];
    assert_eq!(first["day"], "2026-03-13");
    assert_eq!(first["published"], "2026-03-01");
    assert_eq!(
        (&first["upvotes"], &first["n_comments"]),
        (&9.into(), &4.into())
    );
    assert_eq!(first["submitter"], "Bob Sender");
    assert_eq!(day(&["--date", "2026-03-12"]).ids(), ["2603.00001"]);
    assert_eq!(day(&["2026-03-12"]).ids(), ["2603.00001"]);
    day(&["2026-03-12", "--date", "2026-03-13"]).exits(2);
    assert_eq!(day(&["--week", "2026-W11"]).exits(0).ids().len(), 4);
    assert_eq!(
        day(&["--month", "2026-03", "-k", "1"]).ids(),
        ["2603.00003"]
    );
    // Published on the first, listed later: the two are not mixed up.
    assert_eq!(day(&["--published", "--date", "2026-03-01"]).ids().len(), 4);
    assert_eq!(day(&["--date", "2026-03-01"]).exits(1).ids().len(), 0);

    let shown = sandbox
        .akin(&["daily", "--date", "2026-03-13"])
        .exits(0)
        .stdout;
    let heading = shown.lines().next().unwrap();
    assert_eq!(heading, "2026-03-13  3 papers  previous 2026-03-12");
    let empty = sandbox.akin(&["daily", "--date", "2026-03-14"]).exits(1);
    assert!(empty.stderr.contains("before is 2026-03-13"), "{empty:?}");
}

#[test]
fn without_votes_the_newest_come_first_and_days_come_from_the_dumps_names() {
    let sandbox = Sandbox::new();
    let dumps = ["2026-03-13", "2026-03-14"];
    let dumps = dumps.map(|day| {
        data(&format!("formats/daily/{day}.jsonl"))
            .display()
            .to_string()
    });
    sandbox.add(&[&dumps[0], &dumps[1]]);
    let days = |args: &[&str]| sandbox.akin_at("2026-03-20", args).exits(0).ids();
    // 22 papers each, 13 of them in both lists.
    assert_eq!(days(&["daily", "--json", "--date", "2026-03-13"]).len(), 22);
    assert_eq!(days(&["daily", "--json"]).len(), 22);
    assert_eq!(days(&["daily", "--json", "--week", "2026-03-14"]).len(), 31);
    let before = sandbox
        .akin_at("2026-03-13T23:59", &["daily", "--json"])
        .exits(0);
    assert_eq!(before.ids().len(), 22, "tomorrow's list is not yet there");
}

#[test]
fn a_day_can_be_ranked_by_what_is_followed() {
    let sandbox = bakery();
    sandbox
        .akin_at(
            "2026-03-13",
            &["follow", "add", "old", "--like", "2603.00003"],
        )
        .exits(0);
    let ran = sandbox
        .akin_at("2026-03-20", &["daily", "--json", "--like", "old"])
        .exits(0);
    let similarities: Vec<f64> = ran
        .json()
        .iter()
        .map(|p| p["similarity"].as_f64().unwrap())
        .collect();
    assert_eq!(ran.ids()[0], "2603.00003");
    assert!(
        similarities.is_sorted_by(|a, b| a >= b) && similarities[0] > 0.99,
        "{similarities:?}"
    );
    sandbox
        .akin(&["follow", "add", "codes", "cat:cs.LG"])
        .exits(0);
    let conditions = sandbox.akin(&["daily", "--like", "codes"]).exits(2);
    assert!(conditions.stderr.contains("conditions"), "{conditions:?}");
    let unknown = sandbox.akin(&["daily", "--like", "wine"]).exits(1);
    assert!(
        unknown
            .stderr
            .contains("no follow \"wine\"; there are bread, codes, old"),
        "{unknown:?}"
    );
}

#[test]
fn votes_are_those_of_the_last_time_that_the_day_was_read() {
    let sandbox = bakery();
    let later = [
        (
            "2603.00002",
            "Sourdough <cultures> & yeast",
            "We bake. Sourdough rises slowly here.",
            40,
        ),
        ("2603.00003", "Rye", "Sourdough with rye.", 10),
    ];
    let file = sandbox.file("later.json", super::day("2026-03-13", &later));
    let report = sandbox.add(&[&file]);
    assert_eq!(
        (&report["unchanged"], &report["embedded"]),
        (&2.into(), &0.into()),
        "{report}"
    );
    let day = sandbox
        .akin(&["daily", "--json", "--date", "2026-03-13"])
        .exits(0);
    let votes: Vec<u64> = day
        .json()
        .iter()
        .map(|p| p["upvotes"].as_u64().unwrap())
        .collect();
    assert_eq!(votes, [40, 10, 5]);
    assert_eq!(day.ids()[0], "2603.00002");
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn a_saved_page_wants_to_know_its_year() {
    let page = data("formats/daily-2025-aug-6.txt").display().to_string();
    let sandbox = Sandbox::new();
    let model = crate::sandbox::tiny_model();
    let asked = sandbox.akin(&["add", "--model", &model, &page]);
    assert!(
        asked.stderr.contains("gives Aug 6 without a year"),
        "{asked:?}"
    );
    sandbox.akin(&["daily"]).exits(1);
    let told = sandbox.akin(&["add", "--year", "2025", "--model", &model, &page]);
    assert!(!told.stderr.contains("without a year"), "{told:?}");
    let day = sandbox
        .akin(&["daily", "--json", "-k", "100"])
        .exits(0)
        .json();
    assert_eq!((day.len(), &day[0]["day"]), (82, &"2025-08-06".into()));
}
