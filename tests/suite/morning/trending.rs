//! What is rising.

use akin::digest::{DigestContext, Trend, TrendBy, TrendOptions, trending};
use akin::index::Index;
use akin::library::Library;
use akin::paper::{Paper, PaperId};
use akin::search::Indexes;
use akin::vectors::normalize;
use jiff::ToSpan;
use jiff::civil::Date;

use super::bakery;
use crate::sandbox::library_of;
use akin_testing::Dice;

#[test]
fn votes_fade_with_the_days_since_the_list() {
    let sandbox = bakery();
    // 8 votes three days later than 9 votes.
    sandbox.add_day("2026-03-16", &[("2603.00009", "Late", "A later paper.", 8)]);
    let rising = |args: &[&str]| {
        let mut all = vec!["trending", "--json"];
        all.extend(args);
        sandbox.akin_at("2026-03-16", &all).exits(0)
    };
    let ran = rising(&[]);
    let scores: Vec<f64> = ran
        .json()
        .iter()
        .map(|p| p["score"].as_f64().unwrap())
        .collect();
    assert_eq!(
        ran.ids(),
        [
            "2603.00009",
            "2603.00003",
            "2603.00004",
            "2603.00002",
            "2603.00001"
        ]
    );
    for (score, expected) in scores
        .iter()
        .zip([8.0, 4.5, 2.5, 1.5, 0.5f64.powf(4.0 / 3.0)])
    {
        assert!((score - expected).abs() < 1e-9, "{scores:?}");
    }
    assert_eq!(rising(&["--days", "1"]).ids(), ["2603.00009"]);
    let later = sandbox
        .akin_at("2026-06-01", &["trending", "--json", "-k", "1"])
        .exits(0);
    assert!(
        later
            .stderr
            .contains("the latest papers are from 2026-03-16"),
        "{later:?}"
    );
}

/// Three topics of 300 papers; in the last week only one of them has more than its usual share.
#[test]
fn a_topic_that_grows_faster_than_the_library_rises() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(11);
    let centres: Vec<Vec<f32>> = (0..4).map(|_| dice.direction(16)).collect();
    let today: Date = "2026-03-16".parse().unwrap();
    let mut papers = Vec::new();
    for i in 0..900usize {
        let topic = i % 3;
        // What grows is a part of the second topic.
        let is_growing = topic == 1 && i >= 780;
        let centre = &centres[if is_growing { 3 } else { topic }];
        let mut vector = dice.direction(16);
        let noise = vector.iter_mut().zip(centre);
        noise.for_each(|(x, centre)| *x = centre + 0.5 * *x);
        normalize(&mut vector);
        let id = PaperId::parse(&format!("p{i}")).unwrap();
        let mut paper = Paper::new(id, format!("Paper {i} of {topic}"), "");
        paper.categories = vec![format!("c.{topic}")];
        let is_recent = i >= 870 || is_growing;
        let days_ago = if is_recent {
            i as i32 % 5
        } else {
            100 + i as i32 % 50
        };
        paper.published = Some((today - days_ago.days()).into());
        papers.push((paper, vector));
    }
    drop(library_of(dir.path(), papers));
    let library = Library::open(dir.path()).unwrap();
    let rows = library.rows().unwrap();
    let index = Index::open(
        &library.index_dir().unwrap(),
        &library.index_mark().unwrap(),
        rows,
    );
    let indexes = Indexes::dense(&library, &index);
    let desk = DigestContext::new(&indexes, None, today).unwrap();
    let rising = |categories: &[&str]| {
        let options = TrendOptions {
            today,
            days: 7,
            categories: categories.iter().map(|c| (*c).to_owned()).collect(),
            by: TrendBy::Either,
            k: 5,
        };
        trending(&desk, &options).unwrap()
    };
    let all = rising(&[]);
    assert!(!all.is_empty());
    for found in &all {
        assert!(found.paper.title.ends_with(" of 1"), "{found:?}");
        let Trend::Topic {
            n_recent,
            n_neighbours,
            expected,
        } = found.trend
        else {
            panic!("nobody voted: {found:?}");
        };
        assert_eq!(n_neighbours, 32);
        assert!((expected - 32.0 * 59.0 / 899.0).abs() < 1e-9, "{expected}");
        assert!(n_recent as f64 > 2.0 * expected);
    }
    // Held against its own past the topic has nothing that grows within it.
    assert!(rising(&["c.2"]).is_empty());
}
