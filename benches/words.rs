//! Questions of ten words over a library: by words, by meaning, by both, explained; beside SQLite's
//! FTS5 over the same papers.
//!
//! `AKIN_BENCH_LIBRARY` names a library. The questions are the first ten words of abstracts, spread
//! over it; one thread, warm. FTS5 is asked for the best ten by its BM25 among papers with any of the
//! words, over a table with the Porter stemmer in a temporary folder. One JSON object a way of asking,
//! last the bytes that the words take a paper. Ratios come first.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

mod common;

use std::path::Path;
use std::time::Instant;

use akin::encoder::{DeviceChoice, Precision};
use akin::index::Index;
use akin::index::lexical::{Lexical, WordQuery};
use akin::library::{Library, PaperKey};
use akin::search::{self, Indexes, Matching, Query, Target};
use akin::space::{self, Origin};
use common::quantile;
use rusqlite::Connection;
use serde_json::json;

/// A way of asking, with its name.
type Way<'a> = (&'a str, &'a dyn Fn(&str));

const QUESTIONS: usize = 300;
const WORDS: usize = 10;

fn main() {
    let Ok(root) = std::env::var("AKIN_BENCH_LIBRARY") else {
        println!(
            "{}",
            json!({"skipped": "AKIN_BENCH_LIBRARY names no library"})
        );
        return;
    };
    let library = Library::open(Path::new(&root)).unwrap();
    let space = library.space().unwrap();
    let dir = library.index_dir().unwrap();
    let index = Index::open(&dir, &space.fingerprint, library.rows().unwrap());
    let lexical = Lexical::open(&library.lexical_dir(), library.number().unwrap()).unwrap();
    let keys: Vec<PaperKey> = library
        .stamps()
        .unwrap()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let fts = fts5_of(&library, &keys, &folder.path().join("fts.db"));
    let questions = questions(&library, &keys);
    let origin = Origin {
        precision: Precision::Int8,
        ..space::origin_of(&library).unwrap()
    };
    let encoder = origin.load(Some(1), DeviceChoice::Cpu).unwrap();
    let indexes = Indexes {
        library: &library,
        index: &index,
        lexical: Ok(&lexical),
    };
    let ask = |question: &str, matching, explained| {
        let query = Query {
            target: Target::Plain(question.to_owned()),
            k: 10,
            matching,
            ..Query::default()
        };
        let answer = search::answer(&indexes, Some(&encoder), &query).unwrap();
        if explained {
            search::explain(&indexes, Some(&encoder), &answer).unwrap();
        }
    };
    let words = |question: &str| {
        lexical
            .search(&WordQuery::of_text(question), 10, None)
            .unwrap();
    };
    let ways: [Way<'_>; 7] = [
        ("fts5", &|question| fts5(&fts, question)),
        ("postings", &words),
        ("lexical", &|question| {
            ask(question, Matching::Lexical, false)
        }),
        ("question to vector", &|question| {
            encoder.embed_query(question).unwrap();
        }),
        ("dense", &|question| ask(question, Matching::Dense, false)),
        ("hybrid", &|question| ask(question, Matching::Hybrid, false)),
        ("hybrid, explained", &|question| {
            ask(question, Matching::Hybrid, true)
        }),
    ];
    let mut of_fts5 = None;
    for (name, way) in ways {
        // The first round warms up.
        let mut times = Vec::new();
        for _ in 0..2 {
            times.clear();
            for question in questions
                .iter()
                .take(if name == "fts5" { 60 } else { QUESTIONS })
            {
                let start = Instant::now();
                way(question);
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        let p50 = quantile(times.clone(), 0.5);
        let fts5_p50 = *of_fts5.get_or_insert(p50);
        let line = json!({
            "times_as_fast_as_fts5": fts5_p50 / p50,
            "way": name,
            "p50_ms": p50,
            "p99_ms": quantile(times, 0.99),
            "papers": keys.len(),
        });
        println!("{line}");
    }
    let bytes_a_paper = lexical.file_bytes() as f64 / lexical.n_papers() as f64;
    println!("{}", json!({"lexical_bytes_a_paper": bytes_a_paper}));
}

/// The first words of abstracts, evenly spread.
fn questions(library: &Library, keys: &[PaperKey]) -> Vec<String> {
    let spread = keys
        .iter()
        .step_by((keys.len() / QUESTIONS).max(1))
        .take(QUESTIONS);
    spread
        .map(|key| {
            let (paper, ..) = library.paper(*key).unwrap().unwrap();
            let words = paper.abstract_text.split_whitespace().take(WORDS);
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn fts5_of(library: &Library, keys: &[PaperKey], path: &Path) -> Connection {
    let mut db = Connection::open(path).unwrap();
    let table =
        "CREATE VIRTUAL TABLE papers USING fts5(text, content='', tokenize='porter unicode61')";
    db.execute_batch(table).unwrap();
    let tx = db.transaction().unwrap();
    {
        let mut insert = tx
            .prepare("INSERT INTO papers(rowid, text) VALUES (?, ?)")
            .unwrap();
        for key in keys {
            let (paper, ..) = library.paper(*key).unwrap().unwrap();
            let text = format!("{} {}", paper.title, paper.abstract_text);
            insert.execute((key.0, text)).unwrap();
        }
    }
    tx.commit().unwrap();
    db.execute_batch("INSERT INTO papers(papers) VALUES ('optimize')")
        .unwrap();
    db
}

fn fts5(db: &Connection, question: &str) {
    let words = question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let any: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    let sql = "SELECT rowid FROM papers WHERE papers MATCH ? ORDER BY rank LIMIT 10";
    let mut statement = db.prepare_cached(sql).unwrap();
    let found = statement
        .query_map([any.join(" OR ")], |row| row.get::<_, i64>(0))
        .unwrap();
    assert!(found.map(Result::unwrap).count() <= 10);
}
