//! The forms that a digest takes: what stands in a paper is text in all of them.

use akin_testing::require::missing;
use atom_syndication::Feed;
use rss::Channel;

use super::bakery;
use crate::sandbox::Sandbox;

fn form(sandbox: &Sandbox, now: &str, form: &str, args: &[&str]) -> String {
    let mut all = vec!["digest", "--to", form];
    all.extend(args);
    sandbox.akin_at(now, &all).stdout
}

#[test]
fn a_page_has_no_markup_of_papers_and_nothing_from_elsewhere() {
    let page = form(&bakery(), "2026-03-13T07:00Z", "html", &[]);
    assert!(
        page.contains("Sourdough &#60;cultures&#62; &#38; yeast"),
        "{page}"
    );
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("width=device-width"));
    for part in ["<img", "<script", "<link", "@import", "url(", "src="] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    let links = page.split("href=\"").skip(1);
    assert!(links.clone().count() >= 2);
    for link in links {
        assert!(link.starts_with("https://arxiv.org/abs/"), "{link}");
    }
}

#[test]
fn text_for_a_terminal_is_plain_where_there_is_none() {
    let sandbox = bakery();
    let text = form(&sandbox, "2026-03-13T07:00Z", "terminal", &[]);
    assert!(
        text.starts_with("2 new papers, 2026-03-13\n\nbread\n+sourdough\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  https://arxiv.org/abs/2603.00002\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  2603.00002 · 2026-03-01 · listed 2026-03-13\n"),
        "{text}"
    );
    assert!(
        text.contains("\nRising\n") && text.contains("9 upvotes today"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
    let again = form(&sandbox, "2026-03-14T07:00Z", "terminal", &[]);
    assert!(
        again.starts_with("nothing new, 2026-03-14\n\nNothing new: bread.\n"),
        "{again}"
    );
}

#[test]
fn markdown_is_not_confused_by_titles() {
    let text = form(&bakery(), "2026-03-13T07:00Z", "md", &[]);
    let title = r"### [Sourdough \<cultures\> \& yeast](<https://arxiv.org/abs/2603.00002>)";
    assert!(text.contains(title), "{text}");
}

#[test]
fn feeds_keep_what_was_new_and_its_ids() {
    let sandbox = bakery();
    let url = ["--feed-url", "https://example.org/akin.xml"];
    let first: Channel = form(&sandbox, "2026-03-13T07:00Z", "rss", &url)
        .parse()
        .unwrap();
    assert_eq!((first.items.len(), first.link.as_str()), (2, url[1]));
    let item = first
        .items
        .iter()
        .find(|item| item.title.as_deref() == Some("Sourdough <cultures> & yeast"));
    let item = item.unwrap();
    assert_eq!(
        item.pub_date.as_deref(),
        Some("Fri, 13 Mar 2026 07:00:00 +0000")
    );
    assert!(!item.guid.as_ref().unwrap().permalink);
    assert!(
        item.description
            .as_ref()
            .unwrap()
            .contains("Sourdough &#60;cultures&#62; &#38; yeast")
    );
    sandbox.add_day(
        "2026-03-14",
        &[("2603.00005", "Dough", "Sourdough again.", 0)],
    );
    let second: Channel = form(&sandbox, "2026-03-14T07:00Z", "rss", &url)
        .parse()
        .unwrap();
    assert_eq!(second.items.len(), 3);
    let ids = |channel: &Channel| -> Vec<String> {
        channel
            .items
            .iter()
            .map(|item| item.guid.as_ref().unwrap().value.clone())
            .collect()
    };
    assert_eq!(ids(&second)[1..], ids(&first));
    // A feed reader that comes twice finds the same.
    let third: Channel = form(&sandbox, "2026-03-14T07:30Z", "rss", &url)
        .parse()
        .unwrap();
    assert_eq!(ids(&third), ids(&second));

    let atom: Feed = form(&sandbox, "2026-03-14T08:00Z", "atom", &url)
        .parse()
        .unwrap();
    let atom_ids: Vec<String> = atom.entries.iter().map(|entry| entry.id.clone()).collect();
    assert_eq!(atom_ids, ids(&second));
    assert_eq!(
        atom.entries[1].updated.to_rfc3339(),
        "2026-03-13T07:00:00+00:00"
    );
    assert_eq!(atom.entries[0].authors[1].name, "Pál Erdős");
    assert_eq!(atom.links[0].rel, "self");
}

/// The rules of both formats, by a reader of feeds that somebody else wrote, if there is one here.
#[test]
fn feeds_are_read_without_complaint_by_another_program() {
    let sandbox = bakery();
    let script = "import sys, feedparser\nfor path in sys.argv[1:]:\n d = feedparser.parse(path)\n \
                  print(d.version, int(d.bozo), len(d.entries), all(e.id and e.title and e.link and e.updated_parsed if d.version=='atom10' else e.id and e.title and e.link and e.published_parsed for e in d.entries))\n";
    let probe = std::process::Command::new("python3")
        .args(["-c", "import feedparser"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        missing("feedparser", "there is no Python with feedparser here");
        return;
    }
    let rss = sandbox.file("rss.xml", form(&sandbox, "2026-03-13T07:00Z", "rss", &[]));
    let atom = sandbox.file("atom.xml", form(&sandbox, "2026-03-13T07:10Z", "atom", &[]));
    let read = std::process::Command::new("python3")
        .args(["-c", script, &rss, &atom])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&read.stdout).into_owned();
    assert_eq!(said, "rss20 0 2 True\natom10 0 2 True\n", "{read:?}");
}

#[test]
fn a_feed_has_every_entry_of_its_digests_however_often_it_is_written() {
    let sandbox = bakery();
    let follow = ["follow", "add", "all", "--author", "erdos"];
    sandbox.akin_at("2026-03-13T08:00Z", &follow).exits(0);
    let texts: Vec<(String, String, String)> = (0..260)
        .map(|n| {
            let text = format!("w{n} x{} y{} z{}.", 7 * n, 13 * n, 31 * n);
            (format!("2603.1{n:04}"), format!("Study {n}"), text)
        })
        .collect();
    let papers: Vec<(&str, &str, &str, u32)> = texts
        .iter()
        .map(|(id, title, text)| (id.as_str(), title.as_str(), text.as_str(), 0))
        .collect();
    sandbox.add_day("2026-03-14", &papers);
    let everything = ["digest", "--follow", "all", "--max", "0"];
    let args = [&everything[..], &["--to", "json", "--dry-run"]].concat();
    let json = sandbox.akin_at("2026-03-14T07:00Z", &args).exits(0).json();
    let n_entries = json[0]["sections"][0]["entries"].as_array().unwrap().len();
    assert!(n_entries > 200, "{n_entries}");
    let n_items = |hour: u32| {
        let args = [&everything[..], &["--to", "rss"]].concat();
        let ran = sandbox.akin_at(&format!("2026-03-14T{hour:02}:00Z"), &args);
        ran.exits(0).stdout.matches("<item>").count()
    };
    for hour in [7, 8, 9] {
        assert_eq!(n_items(hour), n_entries);
    }
}
