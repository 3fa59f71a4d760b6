//! Dates as people write them: in options, and in records, where a year alone stays a year.

use jiff::{ToSpan, Zoned};
use serde_json::json;

use crate::sandbox::Sandbox;

/// Papers with a date each.
fn dated(dates: &[(&str, &str)]) -> String {
    let line = |(id, date): &(&str, &str)| {
        let text = format!("We counted bees for {id}.");
        json!({ "id": id, "title": format!("Bees of {id}"), "abstract": text, "date": date })
            .to_string()
            + "\n"
    };
    dates.iter().map(line).collect()
}

/// The ids that a search with these filters finds, in order.
fn found(sandbox: &Sandbox, filters: &[&str]) -> Vec<String> {
    let mut args = vec!["search", "--lexical", "bees", "--json"];
    args.extend(filters);
    let mut ids = sandbox.akin(&args).ids();
    ids.sort();
    ids
}

#[test]
fn a_year_alone_is_shown_filtered_and_given_as_a_year() {
    let sandbox = Sandbox::new();
    let dates = [
        ("a-year", "2024"),
        ("a-month", "2024-05"),
        ("a-day", "2024-05-17"),
        ("before", "2023"),
    ];
    sandbox.add(&[&sandbox.file("d.jsonl", dated(&dates))]);
    for (id, date) in dates {
        let shown = sandbox.akin(&["show", id]).exits(0).stdout;
        let line = shown.lines().find(|line| line.starts_with("published"));
        assert!(
            line.is_some_and(|line| line.ends_with(&format!(" {date}"))),
            "{shown}"
        );
        let json = sandbox
            .akin(&["show", "--json", id])
            .exits(0)
            .json()
            .remove(0);
        assert_eq!(
            (&json["date"], &json["published"]),
            (&date.into(), &date.into())
        );
        assert!(
            sandbox
                .akin(&["search", "--lexical", "bees"])
                .stdout
                .contains(&format!(" {date:<10}  {id}\n"))
        );
    }
    // It passes wherever any day of it does.
    assert_eq!(found(&sandbox, &["--since", "2024-06"]), ["a-year"]);
    assert_eq!(
        found(&sandbox, &["--since", "2024-05-18"]),
        ["a-month", "a-year"]
    );
    assert_eq!(found(&sandbox, &["--until", "2023"]), ["before"]);
    assert_eq!(
        found(&sandbox, &["--since", "2024", "--until", "2024-05-01"]),
        ["a-month", "a-year"]
    );
    assert_eq!(found(&sandbox, &["--since", "2025"]).len(), 0);
    // No day is known of it, so it is on the list of none.
    let on = |date: &str| {
        let mut ids = sandbox
            .akin(&["daily", "--published", "--json", "--date", date])
            .ids();
        ids.sort();
        ids
    };
    assert_eq!(on("2024-01-01").len(), 0);
    assert_eq!(on("2024-05-17"), ["a-day"]);
    assert_eq!(on("2024-05"), ["a-day", "a-month"]);
    assert_eq!(on("2024"), ["a-day", "a-month", "a-year"]);
    assert_eq!(sandbox.akin(&["check"]).exits(0).code, Some(0));
}

#[test]
fn every_option_takes_the_same_dates() {
    let sandbox = Sandbox::new();
    let today = Zoned::now().date();
    let days_ago = |n: i32| (today - n.days()).to_string();
    let (new, old, older) = (days_ago(2), days_ago(20), days_ago(500));
    let dates = [("new", &*new), ("old", &*old), ("older", &*older)];
    sandbox.add(&[&sandbox.file("d.jsonl", dated(&dates))]);
    assert_eq!(found(&sandbox, &["--since", "7d"]), ["new"]);
    assert_eq!(found(&sandbox, &["--since", "3 months"]), ["new", "old"]);
    assert_eq!(found(&sandbox, &["--until", "1y"]), ["older"]);
    assert_eq!(
        found(&sandbox, &["--since", "5y", "--until", "1 week ago"]),
        ["old", "older"]
    );
    assert_eq!(found(&sandbox, &["--since", "yesterday"]).len(), 0);

    let now = ["--now", "2026-03-14", "--time-zone", "UTC"];
    for (args, is_good) in [
        (vec!["daily", "--date", "last monday"], true),
        (vec!["daily", "--week", "last week"], true),
        (vec!["daily", "--month", "last month"], true),
        (vec!["daily", "--date", "next week"], false),
        (vec!["daily", "--week", "2026-03"], false),
        (vec!["trending", "--since", "2025-06"], true),
        (vec!["trending", "--since", "sometime"], false),
    ] {
        let ran = sandbox.akin(&[&args[..], &now[..]].concat());
        assert_eq!(ran.code != Some(2), is_good, "{args:?}: {ran:?}");
    }
    let ran = sandbox
        .akin(&["search", "bees", "--since", "soon"])
        .exits(2);
    for accepted in ["2024-05-17", "7d", "3 months", "yesterday", "last monday"] {
        assert!(ran.stderr.contains(accepted), "{ran:?}");
    }
    let ran = sandbox
        .akin(&["pull", "hf-daily", "--date", "last week"])
        .exits(2);
    assert!(ran.stderr.contains("several days"), "{ran:?}");
    let ran = sandbox
        .akin(&["search", "bees", "--since", "2024", "--until", "2023"])
        .exits(2);
    assert!(ran.stderr.contains("no day lies between"), "{ran:?}");
}

#[test]
fn an_impossible_date_is_counted_and_kept_as_far_as_it_goes() {
    let sandbox = Sandbox::new();
    let report = sandbox.add(&[&sandbox.file("d.jsonl", dated(&[("x", "2026-02-30")]))]);
    assert_eq!(report["ignored"]["dates"], 1, "{report}");
    let json = sandbox
        .akin(&["show", "--json", "x"])
        .exits(0)
        .json()
        .remove(0);
    assert_eq!(json["date"], "2026-02");
}

#[test]
fn the_more_exact_of_two_dates_is_kept() {
    let sandbox = Sandbox::new();
    let entry = "@article{vas, title={Bees over cities and ports}, author={Vas, Ada}, year={2024}, \
        doi={10.5555/bees}}";
    let line = json!({ "doi": "10.5555/bees", "title": "Bees over cities and ports",
        "authors": ["Ada Vas"], "published": "2024-03-05" });
    sandbox.add(&[&sandbox.file("a.bib", entry)]);
    let date = || sandbox.akin(&["show", "--json", "10.5555/bees"]).json()[0]["date"].clone();
    assert_eq!(date(), "2024");
    sandbox.add(&[&sandbox.file("b.jsonl", line.to_string())]);
    assert_eq!(date(), "2024-03-05");
    sandbox.akin(&["undo"]).exits(0);
    assert_eq!(date(), "2024");
}

#[test]
fn fields_of_json_can_be_set_as_columns_can() {
    let sandbox = Sandbox::new();
    let line = |n: u8| json!({ "nr": n, "Name": format!("Engines {n}"), "Text": "Of steam." });
    let lines = format!("{}\n{}\n", line(1), line(2));
    let array = format!("[{}, {}]", line(3), line(4));
    let model = crate::sandbox::tiny_model();
    let set = [
        "--column",
        "title=Name",
        "--column",
        "id=nr",
        "--column",
        "abstract=text",
    ];
    for (name, dump) in [("a.jsonl", lines), ("b.json", array)] {
        let dump = sandbox.file(name, dump);
        let args = [&["add", "--json", "--model", &model, &dump][..], &set[..]].concat();
        let report = sandbox.akin(&args).exits(0).json().remove(0);
        assert_eq!(report["stored"], 2, "{report}");
    }
    let shown = sandbox
        .akin(&["show", "--json", "4"])
        .exits(0)
        .json()
        .remove(0);
    assert_eq!(
        (&shown["title"], &shown["abstract"]),
        (&"Engines 4".into(), &"Of steam.".into())
    );
    let refused = |name: &str, text: &str, set: &str| {
        let dump = sandbox.file(name, text);
        sandbox
            .akin(&["add", "--model", &model, &dump, "--column", set])
            .exits(2)
            .stderr
    };
    let said = refused(
        "c.jsonl",
        "{\"name\": \"x\", \"text\": \"y\"}\n",
        "title=headline",
    );
    assert!(said.contains("name, text"), "{said}");
    let said = refused(
        "d.bib",
        "@article{a, title={Engines}, year={2020}}",
        "title=Name",
    );
    assert!(said.contains("fixed names"), "{said}");
    let said = refused("e.jsonl", "{\"title\": \"x\"}\n", "colour=title");
    assert!(said.contains("no field `colour`"), "{said}");
}
