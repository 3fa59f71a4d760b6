//! A digest is short, and hides nothing: ten papers a follow, the rest counted with a command that
//! lists it, a paper of several follows once.

use std::collections::BTreeSet;

use rss::Channel;
use serde_json::Value;

use super::bakery;
use crate::sandbox::{Ran, Sandbox};

/// Papers of a day: their ids, and all that a feed says of them.
struct Papers(Vec<(String, String, String)>);

impl Papers {
    /// Papers that have nothing in common but a word.
    fn of(word: &str, prefix: &str, n: usize) -> Papers {
        let series: usize = prefix.rsplit('.').next().unwrap().parse().unwrap();
        let paper = |i: usize| {
            let seed = 1000 * series + i;
            let text = format!(
                "{word} w{seed} x{} y{} z{}.",
                7 * seed,
                13 * seed,
                31 * seed
            );
            (format!("{prefix}{i:04}"), format!("Study {seed}"), text)
        };
        Papers((1..=n).map(paper).collect())
    }

    fn add(&self, sandbox: &Sandbox, day: &str) {
        let papers = self.0.iter();
        let papers =
            papers.map(|(id, title, text)| (id.as_str(), title.as_str(), text.as_str(), 0));
        sandbox.add_day(day, &papers.collect::<Vec<_>>());
    }

    fn ids(&self) -> BTreeSet<String> {
        self.0.iter().map(|(id, ..)| id.clone()).collect()
    }
}

/// A library in which everything of an author is followed, and 25 papers that came since.
fn crowded() -> (Sandbox, Papers) {
    let sandbox = bakery();
    let follow = ["follow", "add", "all of it", "--author", "erdos"];
    sandbox.akin_at("2026-03-13T08:00Z", &follow).exits(0);
    let papers = Papers::of("stone", "2603.1", 25);
    papers.add(&sandbox, "2026-03-14");
    (sandbox, papers)
}

/// The words of a command as a shell reads them, without the program; only whole words are quoted.
fn words(command: &str) -> Vec<String> {
    let command = command.strip_prefix("akin ").unwrap();
    let parts = command.split('\'').enumerate();
    let words = parts.flat_map(|(i, part)| match i % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

fn run(sandbox: &Sandbox, now: &str, command: &str) -> Ran {
    let words = words(command);
    sandbox.akin_at(now, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The ids that a text links to.
fn linked(text: &str) -> BTreeSet<String> {
    let after = text.split("https://arxiv.org/abs/").skip(1);
    after.map(|rest| rest[..10].to_owned()).collect()
}

/// The ids under a key of every section of a digest.
fn ids(digest: &Value, key: &str) -> BTreeSet<String> {
    let sections = digest["sections"].as_array().unwrap().iter();
    let entries = sections.flat_map(|section| section[key].as_array().unwrap());
    entries
        .map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The line after the one that counts the rest.
fn command_of(text: &str) -> String {
    let mut lines = text.lines().skip_while(|line| !line.contains(" more:"));
    lines.nth(1).unwrap().trim().to_owned()
}

#[test]
fn ten_papers_are_shown_and_a_command_lists_them_all_in_every_form() {
    let (sandbox, papers) = crowded();
    let args = ["digest", "--follow", "all of it", "--trending", "0"];
    let text = sandbox.akin_at("2026-03-14T07:00Z", &args).exits(0).stdout;
    assert!(text.starts_with("10 new papers, 2026-03-14\n"), "{text}");
    assert_eq!(text.matches("\n  https://arxiv.org/abs/").count(), 10);
    let command = command_of(&text);
    let expected = "akin digest --again 2026-03-14 --follow 'all of it' --max 0";
    assert!(
        text.contains("\n  and 15 more:\n") && command == expected,
        "{text}"
    );

    let again = |form: &str| {
        let args = ["digest", "--again", "--to", form];
        sandbox.akin_at("2026-03-14T08:00Z", &args).exits(0).stdout
    };
    assert_eq!(again("terminal"), text, "the same, once more");
    let html = again("html").replace("&#39;", "'");
    assert!(
        html.contains(&format!("and 15 more: <code>{command}</code>")),
        "{html}"
    );
    let md = again("md");
    assert!(
        md.contains(&format!("\nand 15 more: `{command}`\n")),
        "{md}"
    );
    let eml = again("eml").replace("=\r\n", "").replace("&#39;", "'");
    assert_eq!(eml.matches("and 15 more:").count(), 2, "{eml}");
    assert_eq!(eml.matches(&command).count(), 2, "{eml}");
    let feed: Channel = again("rss").parse().unwrap();
    assert_eq!(feed.items.len(), 11, "ten papers and the rest");
    let rest = feed.items.iter().find(|item| item.link.is_none()).unwrap();
    assert_eq!(rest.title.as_deref(), Some("all of it: and 15 more"));
    assert!(
        rest.description
            .as_ref()
            .unwrap()
            .replace("&#39;", "'")
            .contains(&command)
    );
    let atom: atom_syndication::Feed = again("atom").parse().unwrap();
    assert_eq!(atom.entries.len(), feed.items.len());
    let json: Value = serde_json::from_str(&again("json")).unwrap();
    let [shown, more] = ["entries", "more"].map(|key| ids(&json, key));
    assert_eq!((shown.len(), more.len()), (10, 15));
    assert_eq!(&shown | &more, papers.ids());

    // Whatever comes after it, and however often it is run.
    Papers::of("stone", "2603.2", 3).add(&sandbox, "2026-03-15");
    sandbox.akin_at("2026-03-15T07:00Z", &args).exits(0);
    for _ in 0..2 {
        let all = run(&sandbox, "2026-03-16T07:00Z", &command).exits(0).stdout;
        assert!(linked(&all).is_superset(&papers.ids()), "{all}");
        assert!(all.starts_with("25 new papers, 2026-03-14\n"), "{all}");
    }
}

#[test]
fn what_was_only_counted_was_not_shown() {
    let (sandbox, papers) = crowded();
    let digest = |now: &str, args: &[&str]| {
        let all = [&["digest", "--follow", "all of it", "--to", "json"], args].concat();
        sandbox.akin_at(now, &all).exits(0).json().remove(0)
    };
    let first = digest("2026-03-14T07:00Z", &[]);
    let next = digest("2026-03-14T08:00Z", &[]);
    assert!(ids(&next, "entries").is_empty() && ids(&next, "more").is_empty());
    let since = digest(
        "2026-03-14T09:00Z",
        &["--since", "2026-03-14", "--max", "0"],
    );
    assert_eq!(ids(&since, "entries"), ids(&first, "more"));
    assert_eq!(
        &ids(&first, "entries") | &ids(&since, "entries"),
        papers.ids()
    );
    let since = digest("2026-03-14T10:00Z", &["--since", "2026-03-14"]);
    assert!(ids(&since, "entries").is_empty(), "{since}");
    // Both digests of the day.
    let again = digest(
        "2026-03-15T07:00Z",
        &["--again", "2026-03-14", "--max", "0"],
    );
    assert_eq!(ids(&again, "entries"), papers.ids());
}

#[test]
fn a_dry_run_and_a_subscriber_have_a_command_of_their_own() {
    let sandbox = bakery();
    let at = |now: &str, args: &[&str]| sandbox.akin_at(now, args).exits(0).stdout;
    at(
        "2026-03-13T08:00Z",
        &["follow", "add", "all", "--author", "erdos"],
    );
    at(
        "2026-03-13T08:00Z",
        &["subscribe", "add", "bob@example.org"],
    );
    let papers = Papers::of("stone", "2603.1", 25);
    papers.add(&sandbox, "2026-03-14");
    let now = "2026-03-14T07:00Z";
    for (args, start) in [
        (&["--dry-run"][..], "akin digest --dry-run --follow all "),
        (
            &["--dry-run", "--since", "2d"],
            "akin digest --dry-run --since 2026-03-12 --follow all ",
        ),
        (
            &["--subscriber", "bob@example.org"],
            "akin digest --again 2026-03-14 --subscriber bob@example.org --follow all ",
        ),
    ] {
        let text = at(now, &[&["digest", "--follow", "all"], args].concat());
        let command = command_of(&text);
        assert!(command.starts_with(start), "{command}");
        let all = run(&sandbox, now, &command).exits(0).stdout;
        assert!(linked(&all).is_superset(&papers.ids()), "{all}");
    }
}

#[test]
fn a_follow_has_a_number_of_its_own_and_the_command_line_another() {
    let (sandbox, _) = crowded();
    let edit = ["follow", "edit", "all of it", "--max", "3"];
    sandbox.akin(&edit).exits(0);
    let shown = sandbox.akin(&["follow", "show", "all of it"]).exits(0);
    assert!(
        shown.stdout.contains("at most      3 in a digest"),
        "{shown:?}"
    );
    let exported = sandbox.akin(&["follow", "export"]).exits(0).stdout;
    assert!(exported.contains("max = 3"), "{exported}");
    let n = |args: &[&str]| {
        let all = [&["digest", "--dry-run", "--to", "json"], args].concat();
        let json = sandbox.akin_at("2026-03-14T07:00Z", &all).exits(0).json();
        let sections = json[0]["sections"].as_array().unwrap();
        let of_it = sections.iter().find(|s| s["follow"] == "all of it");
        let count = |key: &str| of_it.unwrap()[key].as_array().unwrap().len();
        (count("entries"), count("more"))
    };
    assert_eq!(n(&[]), (3, 22));
    assert_eq!(n(&["--max", "7"]), (7, 18));
    assert_eq!(n(&["--max", "0"]), (25, 0));
}

#[test]
fn a_paper_of_two_follows_is_shown_once_and_counts_for_both() {
    let sandbox = bakery();
    let follow = ["follow", "add", "Erdős", "--author", "erdos"];
    sandbox.akin_at("2026-03-13T08:00Z", &follow).exits(0);
    Papers::of("Sourdough", "2603.1", 2).add(&sandbox, "2026-03-14");
    // The two of yesterday, which are new to bread alone, are out of the way.
    let before = [
        "digest",
        "--since",
        "2026-03-13",
        "--follow",
        "bread",
        "--max",
        "0",
    ];
    sandbox.akin_at("2026-03-13T09:00Z", &before).exits(0);
    let args = ["digest", "--trending", "0"];
    let text = sandbox.akin_at("2026-03-14T07:00Z", &args).exits(0).stdout;
    assert_eq!(
        text.matches("https://arxiv.org/abs/2603.10001").count(),
        1,
        "{text}"
    );
    assert_eq!(text.matches("\n  also in: bread\n").count(), 2, "{text}");
    assert!(
        text.contains("\nUnder other follows: bread (2).\n"),
        "{text}"
    );
    assert!(!text.contains("Nothing new"), "{text}");
    let again = |form: &str| {
        let args = ["digest", "--again", "--to", form];
        sandbox.akin_at("2026-03-14T08:00Z", &args).exits(0).stdout
    };
    for (form, parts) in [
        (
            "html",
            [">also in: bread<", ">Under other follows: bread (2).<"],
        ),
        (
            "md",
            [
                "\nalso in: bread  \n",
                "\nUnder other follows: bread (2).\n",
            ],
        ),
        ("rss", ["also in: bread", "<category>bread</category>"]),
        ("json", ["\"also_in\":[\"bread\"]", "\"more\":[]"]),
    ] {
        let text = again(form);
        assert!(
            parts.iter().all(|part| text.contains(part)),
            "{form}: {text}"
        );
    }
    // By itself, bread has both.
    let args = ["digest", "--again", "--follow", "bread", "--to", "json"];
    let json = sandbox.akin_at("2026-03-14T08:00Z", &args).exits(0).json();
    assert_eq!(ids(&json[0], "entries").len(), 2, "{json:?}");
    assert_eq!(json[0]["sections"][0]["entries"][0]["also_in"][0], "Erdős");
    let since = [
        "digest",
        "--follow",
        "bread",
        "--since",
        "2026-03-14",
        "--to",
        "json",
    ];
    let json = sandbox.akin_at("2026-03-14T09:00Z", &since).exits(0).json();
    assert!(
        ids(&json[0], "entries").is_empty(),
        "shown for bread, too: {json:?}"
    );
}

#[test]
fn a_digest_that_was_never_sent_cannot_be_shown_again() {
    let (sandbox, _) = crowded();
    let again = |args: &[&str]| {
        let all = [&["digest", "--again"], args].concat();
        sandbox.akin_at("2026-03-14T09:00Z", &all)
    };
    let none = again(&[]).exits(1);
    assert!(
        none.stderr.contains("no digest with a paper was sent yet"),
        "{none:?}"
    );
    sandbox.akin_at("2026-03-14T07:00Z", &["digest"]).exits(0);
    let other = again(&["2026-03-15"]).exits(1);
    assert!(other.stderr.contains("on 2026-03-15"), "{other:?}");
    let before = again(&["yesterday"]).exits(1);
    assert!(before.stderr.contains("on 2026-03-13"), "{before:?}");
    let bad = again(&["someday"]).exits(2);
    assert!(bad.stderr.contains("or last"), "{bad:?}");
    let unknown = again(&["--follow", "iron"]).exits(2);
    assert!(
        unknown.stderr.contains("has no follow \"iron\""),
        "{unknown:?}"
    );
    again(&["--to", "smtp"]).exits(2);
    again(&["--dry-run"]).exits(2);
}

#[test]
fn what_a_follow_would_find_in_a_week_is_said() {
    let sandbox = Sandbox::new();
    for (day, prefix, n) in [
        ("2026-03-01", "2603.1", 2),
        ("2026-03-08", "2603.2", 1),
        ("2026-03-14", "2603.3", 3),
    ] {
        Papers::of("stone", prefix, n).add(&sandbox, day);
    }
    let follow = |args: &[&str]| {
        let all = [&["follow"], args].concat();
        sandbox.akin_at("2026-03-20", &all).exits(0).stderr
    };
    let told = follow(&["add", "all", "--author", "erdos"]);
    let expected = "expect about 3 papers a week: it would have found 6 of 6 papers that came from \
                    2026-03-01 to 2026-03-14";
    assert!(told.contains(expected), "{told}");
    assert!(
        told.contains("2026-03-14, the last ones:\nnote:   Study 300"),
        "{told}"
    );
    assert!(
        told.contains("(2603.3") && !told.contains("(2603.1"),
        "{told}"
    );
    let told = follow(&["test", "all"]);
    assert!(told.contains(expected) && !told.contains("much"), "{told}");
    let told = follow(&["add", "none", "--author", "nobody"]);
    assert!(told.contains("expect less than a paper a week"), "{told}");

    Papers::of("stone", "2603.4", 90).add(&sandbox, "2026-03-15");
    let told = follow(&["add", "much", "--author", "erdos"]);
    assert!(told.contains("expect about 45 papers a week"), "{told}");
    assert!(
        told.contains("that is much") && told.contains("--category"),
        "{told}"
    );
    let told = follow(&["add", "words", "+stone", "--closer-than", "0"]);
    assert!(told.contains("that is much"), "{told}");
}

#[test]
fn days_of_one_list_say_nothing_about_a_week() {
    let sandbox = Sandbox::new();
    Papers::of("stone", "2603.1", 3).add(&sandbox, "2026-03-14");
    let add = ["follow", "add", "all", "--author", "erdos"];
    let told = sandbox.akin_at("2026-03-14", &add).exits(0).stderr;
    assert!(
        told.contains("it would have found 3 of 3 papers that came on 2026-03-14"),
        "{told}"
    );
    assert!(!told.contains("a week"), "{told}");
}
