//! What is new, once.

use serde_json::Value;

use super::bakery;
use crate::sandbox::{Ran, Sandbox};

/// The digest as JSON, at a moment.
fn digest(sandbox: &Sandbox, now: &str, args: &[&str]) -> Ran {
    let mut all = vec!["digest", "--to", "json"];
    all.extend(args);
    sandbox.akin_at(now, &all)
}

/// The ids under a follow.
fn ids(ran: &Ran, follow: &str) -> Vec<String> {
    let digests = ran.json();
    let sections = digests
        .iter()
        .flat_map(|digest| digest["sections"].as_array().unwrap().clone());
    let named = sections.filter(|section| section["follow"] == follow);
    let entries = named.flat_map(|section| section["entries"].as_array().unwrap().clone());
    let mut ids: Vec<String> = entries
        .map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

/// A bakery with a digest that could not be written, and a paper that came since.
fn bakery_with_a_digest_that_waits() -> Sandbox {
    let sandbox = bakery();
    let nowhere = sandbox.path("no/such/folder/digest.md");
    let args = ["digest", "--to", "md", "-o", nowhere.to_str().unwrap()];
    sandbox.akin_at("2026-03-13T07:00Z", &args).exits(2);
    sandbox.add_day(
        "2026-03-14",
        &[("2603.00005", "Dough", "Sourdough again.", 0)],
    );
    sandbox
}

#[test]
fn what_is_new_is_shown_once_and_what_was_there_before_never() {
    let sandbox = bakery();
    let first = digest(&sandbox, "2026-03-13T07:00Z", &[]).exits(0);
    assert_eq!(ids(&first, "bread"), ["2603.00002", "2603.00003"]);
    let json = &first.json()[0];
    assert_eq!(json["title"], "2 new papers, 2026-03-13");
    let entries = json["sections"][0]["entries"].as_array().unwrap();
    let entry = entries
        .iter()
        .find(|entry| entry["id"] == "2603.00002")
        .unwrap();
    assert_eq!(entry["authors"][1], "Pál Erdős");
    assert_eq!(
        (&entry["date"], &entry["listed"]),
        (&"2026-03-01".into(), &"2026-03-13".into())
    );
    assert_eq!(entry["url"], "https://arxiv.org/abs/2603.00002");
    assert!(json["trending"].as_array().unwrap().len() >= 3, "{json}");

    let again = digest(&sandbox, "2026-03-13T08:00Z", &[]).exits(0);
    assert!(ids(&again, "bread").is_empty());
    // Not for being asked otherwise, either.
    let since = digest(&sandbox, "2026-03-13T09:00Z", &["--since", "7d"]).exits(0);
    assert_eq!(
        ids(&since, "bread"),
        ["2603.00001"],
        "older than the follow, and not yet shown"
    );
    digest(&sandbox, "2026-03-13T09:00Z", &["--since", "2026-03-01"]).exits(0);

    sandbox.add_day(
        "2026-03-14",
        &[("2603.00005", "Dough", "Sourdough again.", 0)],
    );
    assert_eq!(
        ids(&digest(&sandbox, "2026-03-14T07:00Z", &[]), "bread"),
        ["2603.00005"]
    );
}

#[test]
fn the_same_library_and_moment_give_the_same_bytes_and_a_dry_run_notes_nothing() {
    let sandbox = bakery();
    for form in ["json", "html", "md", "rss", "atom", "terminal"] {
        let run = || sandbox.akin_at("2026-03-13T07:00Z", &["digest", "--dry-run", "--to", form]);
        assert_eq!(run().exits(0).stdout, run().exits(0).stdout, "{form}");
    }
    digest(&sandbox, "2026-03-13T07:00Z", &[]).exits(0);
}

#[test]
fn a_paper_that_is_merged_or_gets_another_id_is_not_shown_again() {
    let sandbox = bakery();
    digest(&sandbox, "2026-03-13T07:00Z", &[]).exits(0);
    // The published version of the same work, under a DOI of its own that knows the preprint.
    let bib = "@article{rye, title={Rye, revised}, author={Example, Ada}, abstract={Sourdough with \
               rye, now published.}, doi={10.1000/rye}, eprint={2603.00003}, archiveprefix={arXiv}}";
    let file = sandbox.file("published.bib", bib);
    let report = sandbox.add(&[&file]);
    assert_eq!(report["stored"], 0, "{report}");
    digest(&sandbox, "2026-03-14T07:00Z", &[]).exits(0);
    // Gone, and added again under its other id.
    sandbox.akin(&["remove", "2603.00003"]).exits(0);
    sandbox.add(&[&file]);
    let again = digest(&sandbox, "2026-03-15T07:00Z", &[]);
    assert!(ids(&again, "bread").is_empty(), "{again:?}");
}

#[test]
fn near_duplicates_are_one_entry_and_each_follow_has_its_own() {
    let sandbox = bakery();
    sandbox
        .akin_at(
            "2026-03-13",
            &["follow", "add", "Erdős", "--author", "erdos"],
        )
        .exits(0);
    let text = "Sourdough in space is a matter of pressure.";
    sandbox.add_day(
        "2026-03-14",
        &[
            ("2603.00005", "Bread in orbit", text, 0),
            (
                "2603.00006",
                "Bread in Orbit",
                &format!("{text} Indeed."),
                0,
            ),
        ],
    );
    let ran = digest(&sandbox, "2026-03-14T07:00Z", &[]).exits(0);
    let json = &ran.json()[0];
    let bread = &json["sections"][1];
    assert_eq!(bread["follow"], "bread");
    let in_orbit: Vec<&Value> = bread["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["title"].as_str().unwrap().to_lowercase() == "bread in orbit")
        .collect();
    assert_eq!(in_orbit.len(), 1, "{bread}");
    assert_eq!(
        in_orbit[0]["folded"].as_array().unwrap().len(),
        1,
        "{bread}"
    );
    assert_eq!(
        ids(&ran, "Erdős").len(),
        1,
        "papers from before it was followed are not new"
    );
    let only = digest(
        &sandbox,
        "2026-03-15T07:00Z",
        &["--follow", "bread", "--since", "30d"],
    );
    assert_eq!(
        ids(&only, "bread"),
        ["2603.00001"],
        "folded ones were shown, too"
    );
}

#[test]
fn days_are_those_of_the_time_zone() {
    let sandbox = bakery();
    let title = |zone: &str| {
        let args = [
            "digest",
            "--dry-run",
            "--to",
            "json",
            "--now",
            "2026-03-13T23:30Z",
            "--time-zone",
            zone,
        ];
        sandbox.akin(&args).exits(0).json()[0]["title"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(title("UTC"), "2 new papers, 2026-03-13");
    assert_eq!(title("Asia/Tokyo"), "2 new papers, 2026-03-14");
    let unknown = sandbox
        .akin(&["digest", "--time-zone", "Mars/Base"])
        .exits(2);
    assert!(unknown.stderr.contains("Mars/Base"), "{unknown:?}");
}

#[test]
fn a_file_of_this_morning_is_not_replaced_by_nothing() {
    let sandbox = bakery();
    let path = sandbox.path("digest.html");
    let args = ["digest", "--to", "html", "-o", path.to_str().unwrap()];
    sandbox.akin_at("2026-03-13T07:00Z", &args).exits(0);
    let page = std::fs::read_to_string(&path).unwrap();
    let again = sandbox.akin_at("2026-03-13T08:00Z", &args).exits(0);
    assert!(again.stderr.contains("left as it is"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
}

#[test]
fn what_cannot_be_written_is_shown_the_next_time() {
    let sandbox = bakery_with_a_digest_that_waits();
    // What waited, as it stood, and then what came since.
    let ran = digest(&sandbox, "2026-03-14T07:00Z", &[]).exits(0);
    let titles: Vec<Value> = ran
        .json()
        .iter()
        .map(|digest| digest["title"].clone())
        .collect();
    assert_eq!(
        titles,
        ["2 new papers, 2026-03-13", "1 new paper, 2026-03-14"]
    );
    assert_eq!(
        ids(&ran, "bread"),
        ["2603.00002", "2603.00003", "2603.00005"]
    );
    digest(&sandbox, "2026-03-14T08:00Z", &[]).exits(0);
}

#[test]
fn moments_in_json_are_those_of_the_standard() {
    let sandbox = bakery();
    let made = |zone: &str| {
        let args = ["digest", "--to", "json", "--dry-run", "--time-zone", zone];
        let args = [&args[..], &["--now", "2026-03-13T07:00:00Z"]].concat();
        let digest = sandbox.akin(&args).exits(0).json().remove(0);
        [&digest["made"], &digest["time_zone"]].map(|value| value.as_str().unwrap().to_owned())
    };
    assert_eq!(made("Etc/UTC"), ["2026-03-13T07:00:00+00:00", "Etc/UTC"]);
    assert_eq!(
        made("Asia/Tokyo"),
        ["2026-03-13T16:00:00+09:00", "Asia/Tokyo"]
    );
}

#[test]
fn nothing_is_followed_is_said_so() {
    let sandbox = Sandbox::new();
    sandbox.add_day("2026-03-12", &[("2603.00001", "T", "A text.", 1)]);
    let ran = sandbox.akin(&["digest"]).exits(1);
    assert!(ran.stderr.contains("akin follow add"), "{ran:?}");
}

#[test]
fn what_has_it_done_every_morning_is_printed_and_nothing_is_touched() {
    let sandbox = bakery();
    let ran = sandbox
        .akin(&[
            "digest",
            "--install=cron",
            "--to",
            "smtp",
            "--at",
            "06:30",
            "--pull",
            "hf-daily",
        ])
        .exits(0);
    let line = ran.stdout.lines().nth(1).unwrap();
    let library = sandbox.library().display().to_string();
    assert!(line.starts_with("30 6 * * * /"), "{line}");
    assert!(
        line.contains("akin pull hf-daily --quiet --library ") && line.contains(&library),
        "{line}"
    );
    assert!(
        line.contains("; /") && line.contains(" digest --to smtp "),
        "{line}"
    );
    for (form, part) in [
        ("systemd", "OnCalendar=*-*-* 07:00:00"),
        ("launchd", "<key>Hour</key>"),
    ] {
        let ran = sandbox
            .akin(&["digest", &format!("--install={form}")])
            .exits(0);
        assert!(ran.stdout.contains(part), "{ran:?}");
    }
    let unit = ["digest", "--install=systemd", "--pull", "hf-daily"];
    let unit = sandbox.akin(&unit).exits(0).stdout;
    let commands: Vec<&str> = unit
        .lines()
        .filter(|line| line.starts_with("ExecStart="))
        .collect();
    assert!(
        commands.len() == 2
            && commands[0].starts_with("ExecStart=-/")
            && commands[1].starts_with("ExecStart=/"),
        "{unit}"
    );
}

#[test]
fn a_page_that_waited_is_written_by_itself_and_what_came_since_the_next_time() {
    let sandbox = bakery_with_a_digest_that_waits();
    let page = |now: &str| sandbox.akin_at(now, &["digest", "--to", "md"]).exits(0);
    let waited = page("2026-03-14T07:00Z");
    assert!(
        waited.stdout.starts_with("# 2 new papers, 2026-03-13\n"),
        "{waited:?}"
    );
    assert!(waited.stderr.contains("had been waiting"), "{waited:?}");
    let next = page("2026-03-14T07:01Z");
    assert!(
        next.stdout.starts_with("# 1 new paper, 2026-03-14\n"),
        "{next:?}"
    );
}

#[test]
fn a_follow_that_cannot_be_asked_keeps_nothing_from_the_others_and_loses_nothing() {
    let sandbox = bakery();
    let steel = ("2603.00004", "Steel", "Alloys of iron.", 5);
    sandbox
        .akin_at("2026-03-13", &["follow", "add", "iron", "--like", steel.0])
        .exits(0);
    sandbox.akin(&["remove", steel.0]).exits(0);
    sandbox.add_day(
        "2026-03-14",
        &[("2603.00005", "Iron", "Iron and sourdough.", 0)],
    );
    let ran = digest(&sandbox, "2026-03-14T07:00Z", &[]).exits(0);
    assert!(ids(&ran, "iron").is_empty());
    assert!(
        ids(&ran, "bread").contains(&"2603.00005".to_owned()),
        "{ran:?}"
    );
    let notes = ran.json()[0]["notes"].to_string();
    assert!(
        notes.contains("iron: no paper") && notes.contains(steel.0),
        "{notes}"
    );
    sandbox.add_day("2026-03-15", &[steel]);
    let ran = digest(&sandbox, "2026-03-15T07:00Z", &[]).exits(0);
    assert!(
        ids(&ran, "iron").contains(&"2603.00005".to_owned()),
        "{ran:?}"
    );
}

#[test]
fn a_file_holds_what_waited_until_it_is_asked_for_what_came_since() {
    for form in ["json", "terminal", "md", "html", "eml", "rss", "atom"] {
        let sandbox = bakery_with_a_digest_that_waits();
        let path = sandbox.path("digest.txt").display().to_string();
        let args = ["digest", "--to", form, "-o", &path];
        let text = |now: &str| {
            sandbox.akin_at(now, &args).exits(0);
            std::fs::read_to_string(&path).unwrap()
        };
        let waited = text("2026-03-14T07:00Z");
        assert!(waited.contains("Sourdough with rye"), "{form}: {waited}");
        assert!(!waited.contains("Dough"), "{form}: {waited}");
        let since = text("2026-03-14T07:01Z");
        assert!(since.contains("Dough"), "{form}: {since}");
    }
}
