//! Related papers against their definition, computed plainly over every row of a library.

use std::collections::{BTreeMap, BTreeSet};

use akin::Error;
use akin::index::{Index, Mode};
use akin::library::Library;
use akin::paper::{Paper, PaperId};
use akin::search::{self, Answer, DUPLICATE_SIMILARITY, Indexes, Query, Rocchio, Target};

use serde_json::Value;

use crate::sandbox::{Sandbox, data, library_of};
use akin_testing::Dice;

const N_PAPERS: usize = 300;
const DIM: usize = 24;
const SEED: u64 = 20_261_122;

/// How far two sums of the same products may be apart.
const SAME: f64 = 1e-5;

/// Papers about eight subjects; every tenth has one that is close to it, and every eleventh one of
/// its title.
fn papers() -> Vec<(Paper, Vec<f32>)> {
    let mut dice = Dice::new(SEED);
    let subjects: Vec<Vec<f32>> = (0..8).map(|_| dice.direction(DIM)).collect();
    let near = |dice: &mut Dice, center: &[f32], spread: f32| {
        let noise = dice.direction(DIM);
        let mut vector: Vec<f32> = center
            .iter()
            .zip(noise)
            .map(|(x, y)| x + spread * y)
            .collect();
        akin::vectors::normalize(&mut vector);
        vector
    };
    let mut papers = Vec::new();
    for i in 0..N_PAPERS {
        let vector = near(&mut dice, &subjects[i % 8], 0.8);
        let mut store = |id: String, title: String, vector: Vec<f32>| {
            let paper = Paper::new(PaperId::parse(&id).unwrap(), title, "Its abstract.");
            papers.push((paper, vector));
        };
        if i % 10 == 0 {
            let vector = near(&mut dice, &vector, 0.05);
            store(format!("close{i}"), format!("Paper {i} again"), vector);
        }
        if i % 11 == 0 {
            let vector = dice.direction(DIM);
            store(format!("copy{i}"), format!("PAPER, {i}!"), vector);
        }
        store(format!("p{i}"), format!("Paper {i}"), vector);
    }
    papers
}

/// A library, as a plain table.
struct Table(BTreeMap<String, (String, Vec<f64>)>);

impl Table {
    fn of(library: &Library) -> Table {
        let rows = library.rows().unwrap();
        let line = |id: &PaperId| {
            let stored = library.find(id.as_str()).unwrap();
            let vector = rows.vector(stored.row.unwrap()).unwrap();
            let vector = vector.into_iter().map(f64::from).collect();
            (id.to_string(), (stored.paper.title, vector))
        };
        Table(library.ids().unwrap().iter().map(line).collect())
    }

    fn vector(&self, id: &str) -> &[f64] {
        &self.0[id].1
    }

    fn mean(&self, ids: &[String]) -> Vec<f64> {
        let mut mean = vec![0.0; DIM];
        for id in ids {
            for (sum, x) in mean.iter_mut().zip(self.vector(id)) {
                *sum += x / ids.len() as f64;
            }
        }
        mean
    }

    /// Whether two papers are so alike that one stands for the other where it is given.
    fn is_like(&self, one: &str, other: &str) -> bool {
        let closeness = dot(self.vector(one), self.vector(other));
        let limit = f64::from(DUPLICATE_SIMILARITY);
        assert!((closeness - limit).abs() > SAME, "the test is to be clear");
        closeness > limit || letters(&self.0[one].0) == letters(&self.0[other].0)
    }

    /// Whether two papers are one work: `Paper 7` and `Paper 7 again`, where they are close, and those
    /// of one title, where they are somewhat close.
    fn is_same(&self, one: &str, other: &str) -> bool {
        let closeness = dot(self.vector(one), self.vector(other));
        let [one, other] = [one, other].map(|id| letters(&self.0[id].0));
        let bare = |title: &str| title.trim_end_matches("again").to_owned();
        match one == other {
            true => closeness > 0.8,
            false => bare(&one) == bare(&other) && closeness > f64::from(DUPLICATE_SIMILARITY),
        }
    }

    /// The similarity of every paper that may be returned, and of every duplicate.
    fn answer(&self, like: &[String], unlike: &[String], weights: Rocchio) -> [Ranked; 2] {
        let (away, mut target) = (self.mean(unlike), self.mean(like));
        for (x, y) in target.iter_mut().zip(away) {
            *x = f64::from(weights.like) * *x - f64::from(weights.unlike) * y;
        }
        let length = dot(&target, &target).sqrt();
        let mut answer = [Ranked::new(), Ranked::new()];
        let given: Vec<&String> = like.iter().chain(unlike).collect();
        let others = self.0.iter().filter(|(id, _)| !given.contains(id));
        for (id, (_, vector)) in others {
            let is_duplicate = given.iter().any(|given| self.is_like(given, id));
            let similarity = dot(&target, vector) / length;
            answer[usize::from(is_duplicate)].insert(id.clone(), similarity);
        }
        answer
    }
}

type Ranked = BTreeMap<String, f64>;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn letters(title: &str) -> String {
    let letters = title.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Equal up to the order of ties: the hits are the most similar papers, in their order, but for those
/// that are one work with a better one, which are found folded into that.
fn assert_same(
    found: &Answer,
    table: &Table,
    [others, duplicates]: &[Ranked; 2],
    k: usize,
    what: &str,
) {
    let mut met = BTreeSet::<&str>::new();
    let mut last = f64::INFINITY;
    for hit in &found.hits {
        let id = hit.paper.id.as_str();
        let similarity = others.get(id);
        let similarity = *similarity.unwrap_or_else(|| panic!("{what}: {id} may not be returned"));
        assert!(similarity < last + SAME, "{what}: {id} is out of place");
        last = similarity;
        assert!(
            (similarity - f64::from(hit.similarity.unwrap())).abs() < SAME,
            "{what}: {id}"
        );
        for other in &met {
            assert!(!table.is_same(other, id), "{what}: {id} is {other}");
        }
        assert!(met.insert(id), "{what}: {id} twice");
    }
    let mut folded = BTreeSet::new();
    for hit in &found.hits {
        for same in &hit.duplicates {
            let (id, same) = (hit.paper.id.as_str(), same.id.as_str());
            assert!(table.is_same(id, same), "{what}: {same} is not {id}");
            assert!(
                others[same] < others[id] + SAME,
                "{what}: {same} is better than {id}"
            );
            assert!(folded.insert(same), "{what}: {same} twice");
        }
    }
    let is_full = found.hits.len() == k;
    for (id, similarity) in others {
        let is_due = !is_full || *similarity > last + SAME;
        let is_there = met.contains(id.as_str()) || folded.contains(id.as_str());
        assert!(is_there || !is_due, "{what}: {id} is missing");
    }
    let left_out: BTreeSet<&str> = found.left_out.iter().map(|p| p.id.as_str()).collect();
    for (id, similarity) in duplicates {
        let is_reported = left_out.contains(id.as_str());
        assert!(
            is_reported || (is_full && *similarity < last + SAME),
            "{what}: {id} is not reported"
        );
    }
    assert!(
        left_out.iter().all(|id| duplicates.contains_key(*id)),
        "{what}"
    );
}

#[test]
fn related_papers_are_those_of_the_definition() {
    let sandbox = Sandbox::new();
    drop(library_of(&sandbox.library(), papers()));
    let library = Library::open(&sandbox.library()).unwrap();
    let dir = library.index_dir().unwrap();
    let index = Index::open(&dir, &[7; 32], library.rows().unwrap());
    let table = Table::of(&library);
    let ids: Vec<String> = table.0.keys().cloned().collect();
    let weights = [(1.0, 0.5), (1.0, 0.0), (1.0, 1.0), (2.0, 0.3), (1.0, 3.0)];
    let mut dice = Dice::new(SEED + 1);
    let (mut n_left_out, mut n_folded) = (0, 0);
    for trial in 0..60 {
        let mut some = |n: usize| -> Vec<String> {
            let picked: BTreeSet<usize> = (0..n).map(|_| dice.below(ids.len())).collect();
            picked.into_iter().map(|i| ids[i].clone()).collect()
        };
        let (like, mut unlike) = (some(1 + trial % 4), some(trial % 3));
        unlike.retain(|id| !like.contains(id));
        let (beta, gamma) = weights[trial % weights.len()];
        let weights = Rocchio {
            like: beta,
            unlike: gamma,
        };
        let k = [1, 10, 50, 1000][trial % 4];
        let query = Query {
            target: Target::Papers {
                like: like.clone(),
                draft: None,
                unlike: unlike.clone(),
                weights,
            },
            k,
            mode: Mode::Exact,
            ..Query::default()
        };
        let found = search::answer(&Indexes::dense(&library, &index), None, &query).unwrap();
        let what = format!("seed {SEED}, trial {trial}: {like:?} not {unlike:?}, {weights:?}");
        let due = table.answer(&like, &unlike, weights);
        assert_same(&found, &table, &due, k, &what);
        n_left_out += found.left_out.len();
        n_folded += found
            .hits
            .iter()
            .map(|hit| hit.duplicates.len())
            .sum::<usize>();
    }
    assert!(n_left_out > 20 && n_folded > 20, "{n_left_out}, {n_folded}");
}

#[test]
fn the_weight_of_what_to_be_away_from_can_be_set_and_must_leave_something() {
    let sandbox = Sandbox::new();
    drop(library_of(&sandbox.library(), papers()));
    let related = |weight: &[&str]| {
        let args = ["related", "p1", "--not", "p2", "--json"];
        sandbox.akin(&[&args[..], weight].concat())
    };
    let default = related(&[]).exits(0).stdout;
    assert_eq!(related(&["--not-weight", "0.5"]).exits(0).stdout, default);
    assert_ne!(related(&["--not-weight", "2"]).exits(0).stdout, default);
    let alone = sandbox.akin(&["related", "p1", "--json"]).exits(0).json();
    let weightless = related(&["--not-weight", "0"]).exits(0).json();
    let similarity = |hits: &[serde_json::Value]| hits[0]["similarity"].as_f64().unwrap();
    assert!((similarity(&alone) - similarity(&weightless)).abs() < SAME);
    for bad in ["-1", "NaN", "inf", "much"] {
        let ran = related(&[&format!("--not-weight={bad}")]).exits(2);
        assert!(
            ran.stderr.contains("expected a number of at least 0"),
            "{ran:?}"
        );
    }
    sandbox
        .akin(&["related", "p1", "--not-weight", "1"])
        .exits(2);
    let args = ["related", "p1", "p2", "--not", "p2", "--not", "p1"];
    let ran = sandbox.akin(&[&args[..], &["--not-weight", "1"]].concat());
    let ran = ran.exits(2);
    assert!(ran.stderr.contains("cancel one another out"), "{ran:?}");
    assert!(ran.stderr.contains("hint: "), "{ran:?}");

    let library = Library::open(&sandbox.library()).unwrap();
    let index = Index::open(&sandbox.path("none"), &[7; 32], library.rows().unwrap());
    let target = Target::Papers {
        like: vec!["p1".to_owned()],
        draft: None,
        unlike: Vec::new(),
        weights: Rocchio {
            like: 0.0,
            unlike: 0.5,
        },
    };
    let query = Query {
        target,
        k: 3,
        ..Query::default()
    };
    let answer = search::answer(&Indexes::dense(&library, &index), None, &query);
    assert!(matches!(answer, Err(Error::NoDirection)), "{answer:?}");
}

#[test]
fn a_draft_is_a_paper_to_be_close_to() {
    let sandbox = Sandbox::new();
    let dump = data("arxiv-1000.jsonl");
    sandbox.add(&[dump.to_str().unwrap()]);
    let shown = sandbox.akin(&["search", "--json", "-k", "100", "the mass of a galaxy"]);
    let is_plain = |paper: &&Value| {
        let text = format!("{}{}", paper["title"], paper["abstract"]);
        let plain = |c: char| c.is_ascii_alphanumeric() || " ,.\"".contains(c);
        text.chars().all(plain)
    };
    let shown = shown.json();
    let paper = shown.iter().find(is_plain).unwrap();
    let field = |name: &str| paper[name].as_str().unwrap().to_owned();
    let (id, title, text) = (field("id"), field("title"), field("abstract"));

    // The draft of what is in the library already: its relatives are those of the paper, and the paper
    // is the same work.
    let tex = format!(
        "\\documentclass{{article}}\\title{{{title}}}\n\\begin{{abstract}}\n{text}\n\\end{{abstract}}"
    );
    let file = sandbox.file("draft.tex", &tex);
    let by_id = sandbox.akin(&["related", "--json", &id]).exits(0);
    let by_file = sandbox
        .akin(&["related", "--json", "--file", &file])
        .exits(0);
    assert_eq!(by_file.ids(), by_id.ids());
    assert!(by_file.stderr.contains(&id), "{by_file:?}");
    let markdown = format!("# {title}\n\n## Abstract\n\n{text}\n\n## Introduction\n\nNo.\n");
    let piped = sandbox.akin_with_stdin(&["related", "--json", "-"], markdown.as_bytes());
    assert_eq!(piped.exits(0).ids(), by_id.ids());
    let with = ["related", "--json", "--file", &file, &by_id.ids()[0]];
    let with = sandbox.akin(&with).exits(0).ids();
    assert!(
        !with.contains(&by_id.ids()[0]) && !with.contains(&id),
        "{with:?}"
    );

    let check = |args: &[&str], stdin: &[u8], expected: &str| {
        let ran = sandbox
            .akin_with_stdin(&[&["related"], args].concat(), stdin)
            .exits(2);
        assert!(ran.stderr.contains(expected), "{ran:?}");
    };
    check(&["-"], b"%PDF-1.7 \xFF", "pdftotext");
    check(&["-"], b"caf\xE9", "byte 3");
    check(&["-"], b" \n", "error: ");
    check(&["--file", "missing.tex"], b"", "missing.tex");
    check(&["-", "--file", &file], b"x", "one draft");
    let said = sandbox.akin_with_stdin(&["search", "--json", "-"], tex.as_bytes());
    assert_eq!(said.exits(0).ids()[0], id);
}
