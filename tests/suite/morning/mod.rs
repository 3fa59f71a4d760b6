//! Every morning: the papers of a day, what is followed, what is new in it, and how it is sent.
//!
//! Papers come from the small data of the repository, through the tiny model whose answers mean
//! nothing; so what is followed is followed by words and by authors, and what closeness does is shown
//! with embeddings that are given.

mod daily;
mod digests;
mod follows;
mod forms;
#[cfg(debug_assertions)]
mod kills;
mod mail;
mod mail_hostile;
mod mail_server;
mod rule;
mod short;
mod trending;

use crate::sandbox::{Ran, Sandbox};

/// A day's dump in the form of the community's feed: ids, titles, abstracts, upvotes.
fn day(date: &str, papers: &[(&str, &str, &str, u32)]) -> String {
    let paper = |(id, title, text, upvotes): &(&str, &str, &str, u32)| {
        serde_json::json!({
            "paper": {
                "id": id, "title": title, "summary": text, "upvotes": upvotes,
                "authors": [{"name": "Ada Example"}, {"name": "Pál Erdős"}],
                "publishedAt": "2026-03-01T00:00:00.000Z",
                "submittedOnDailyAt": format!("{date}T00:00:00.000Z"),
            },
            "numComments": upvotes / 2,
            "submittedBy": {"fullname": "Bob Sender"},
        })
    };
    serde_json::Value::from_iter(papers.iter().map(paper)).to_string()
}

impl Sandbox {
    /// Adds a day of the feed.
    fn add_day(&self, date: &str, papers: &[(&str, &str, &str, u32)]) {
        let file = self.file(&format!("{date}.json"), day(date, papers));
        self.add(&[&file]);
    }

    /// Runs at a moment, in UTC.
    fn akin_at(&self, now: &str, args: &[&str]) -> Ran {
        let mut all = args.to_vec();
        all.extend(["--now", now, "--time-zone", "UTC"]);
        self.akin(&all)
    }
}

/// A library with a day before anything is followed, a follow of bread, and a day after.
fn bakery() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add_day(
        "2026-03-12",
        &[(
            "2603.00001",
            "Sourdough of old",
            "About sourdough of the past.",
            1,
        )],
    );
    sandbox
        .akin_at(
            "2026-03-12T08:00Z",
            &["follow", "add", "bread", "+sourdough"],
        )
        .exits(0);
    sandbox.add_day(
        "2026-03-13",
        &[
            (
                "2603.00002",
                "Sourdough <cultures> & yeast",
                "We bake. Sourdough rises slowly here.",
                3,
            ),
            ("2603.00003", "Rye", "Sourdough with rye.", 9),
            ("2603.00004", "Steel", "Alloys of iron.", 5),
        ],
    );
    sandbox
}
