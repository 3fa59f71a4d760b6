//! Nearest rows: queries a second with p50, p95 and p99, recall@10 beside every speed, next to
//! hnsw_rs as it comes, over the same vectors in the same run.
//!
//! `AKIN_BENCH_LIBRARY` names a library whose embeddings are searched; without it the papers of
//! the repository's sample are embedded, which says little about a graph. The last
//! `AKIN_BENCH_QUERIES` rows (default 200) are the queries and are not searched. One thread
//! answers; all cores build. One JSON object a line; the ratio first.
//!
//! For `scripts/bench_search.py`, which has akin search beside other engines:
//! `AKIN_BENCH_SERVE` names a folder with `base.f32` and `queries.f32`, shape `[n, 384]`, and
//! `AKIN_BENCH_AS` says who answers, `akin` or `hnsw_rs`; `akin exact` scans. The answer to a line
//! `build` is the seconds that took, to a number, taken as `ef`, the seconds of all queries, one
//! after the other; what they found is in the folder as `AKIN_BENCH_AS.u32`, shape `[n, 10]`.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

mod common;

use std::path::Path;
use std::sync::Arc;

use akin::dump::{Dump, Item, ReadOptions, Source};
use akin::encoder::{Encoder, EncoderOptions, ModelSource, Role};
use akin::index::{self, Index, IndexOptions, Mode, SearchOptions};
use akin::library::Library;
use akin::progress::Unobserved;
use akin::vectors::{RowFile, RowWriter};
use common::{quantile, setting, timed};
use hnsw_rs::prelude::{DistDot, Hnsw};

const K: usize = 10;
const EF: [usize; 4] = [32, 64, 128, 256];

/// What one way of searching came to.
struct Run {
    name: String,
    recall: f64,
    seconds: Vec<f64>,
}

fn main() {
    if let Ok(folder) = std::env::var("AKIN_BENCH_SERVE") {
        return serve(Path::new(&folder), &std::env::var("AKIN_BENCH_AS").unwrap());
    }
    let mut vectors = vectors();
    let queries = vectors.split_off(vectors.len() - setting("AKIN_BENCH_QUERIES", 200));
    let dir = tempfile::tempdir().unwrap();
    let rows = Arc::new(write_rows(dir.path(), &vectors));
    let options = IndexOptions::eager();
    let folder = dir.path().join("index");
    let build_seconds =
        timed(|| index::update(&folder, &[0; 32], &rows, &options, &Unobserved).unwrap());
    let (hnsw, rival_build_seconds) = build_rival(&vectors);
    println!(
        "{}",
        serde_json::json!({
            "build_times_hnsw_rs": rival_build_seconds / build_seconds,
            "rows": vectors.len(),
            "build_s": build_seconds,
            "hnsw_rs_build_s": rival_build_seconds,
        })
    );
    let index = Index::open(&folder, &[0; 32], rows);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    pool.install(|| compare(&index, &hnsw, &queries));
}

/// Builds and searches as it is told, line by line.
fn serve(folder: &Path, name: &str) {
    let base = read_f32(&folder.join("base.f32"));
    let queries = read_f32(&folder.join("queries.f32"));
    let is_rival = name == "hnsw_rs";
    let rows = (!is_rival).then(|| Arc::new(write_rows(folder, &base)));
    let (mut index, mut rival) = (None, None);
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let seconds = if line == "build" && is_rival {
            let (hnsw, seconds) = build_rival(&base);
            rival = Some(hnsw);
            seconds
        } else if let (true, Some(rows)) = (line == "build", &rows) {
            let dir = folder.join("index");
            let _ = std::fs::remove_dir_all(&dir);
            timed(|| {
                index::update(&dir, &[0; 32], rows, &IndexOptions::eager(), &Unobserved).unwrap();
                index = Some(Index::open(&dir, &[0; 32], Arc::clone(rows)));
            })
        } else {
            let ef = line.parse().unwrap();
            let mut found = Vec::with_capacity(queries.len());
            let search = |query: &Vec<f32>| match (&index, &rival) {
                (Some(index), _) if name == "akin exact" => ours(index, query, Mode::Exact, None),
                (Some(index), _) => ours(index, query, Mode::Graph, Some(ef)),
                (None, Some(rival)) => theirs(rival, query, ef),
                (None, None) => panic!("nothing is built"),
            };
            let seconds = match name {
                "akin exact" => timed(|| found.extend(queries.iter().map(search))),
                _ => one.install(|| timed(|| found.extend(queries.iter().map(search)))),
            };
            let bytes: Vec<u8> = found
                .concat()
                .iter()
                .flat_map(|row| row.to_le_bytes())
                .collect();
            std::fs::write(folder.join(format!("{name}.u32")), bytes).unwrap();
            seconds
        };
        println!("{seconds}");
    }
}

fn read_f32(path: &Path) -> Vec<Vec<f32>> {
    const DIM: usize = 384;
    let bytes = std::fs::read(path).unwrap();
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers
        .iter()
        .map(|&number| f32::from_le_bytes(number))
        .collect();
    numbers.chunks(DIM).map(<[f32]>::to_vec).collect()
}

fn theirs(hnsw: &Hnsw<f32, DistDot>, query: &[f32], ef: usize) -> Vec<u32> {
    hnsw.search(query, K, ef)
        .iter()
        .map(|n| n.d_id as u32)
        .collect()
}

fn compare(index: &Index, hnsw: &Hnsw<f32, DistDot>, queries: &[Vec<f32>]) {
    let truth: Vec<Vec<u32>> = queries
        .iter()
        .map(|query| ours(index, query, Mode::Exact, None))
        .collect();
    let mut runs = vec![run("akin exact".to_owned(), queries, &truth, |query| {
        ours(index, query, Mode::Exact, None)
    })];
    for ef in EF {
        runs.push(run(
            format!("akin graph, ef {ef}"),
            queries,
            &truth,
            |query| ours(index, query, Mode::Graph, Some(ef)),
        ));
        runs.push(run(format!("hnsw_rs, ef {ef}"), queries, &truth, |query| {
            theirs(hnsw, query, ef)
        }));
    }
    for Run {
        name,
        recall,
        seconds,
    } in &runs
    {
        let rate = |seconds: &[f64]| seconds.len() as f64 / seconds.iter().sum::<f64>();
        // The rival at the smallest ef that finds at least as much.
        let rival = runs
            .iter()
            .find(|r| r.name.starts_with("hnsw_rs") && r.recall >= *recall);
        let ms = |share| 1e3 * quantile(seconds.clone(), share);
        println!(
            "{}",
            serde_json::json!({
                "times_hnsw_rs": rival.map(|rival| rate(seconds) / rate(&rival.seconds)),
                "search": name,
                "recall_at_10": recall,
                "queries_per_s": rate(seconds).round(),
                "p50_ms": ms(0.5), "p95_ms": ms(0.95), "p99_ms": ms(0.99),
            })
        );
    }
}

/// Rounds of all queries; each query's time is its median over the rounds.
fn run(
    name: String,
    queries: &[Vec<f32>],
    truth: &[Vec<u32>],
    search: impl Fn(&[f32]) -> Vec<u32>,
) -> Run {
    const ROUNDS: usize = 5;
    let mut seconds = vec![Vec::with_capacity(ROUNDS); queries.len()];
    let mut n_found = 0;
    for round in 0..ROUNDS {
        for ((query, truth), seconds) in queries.iter().zip(truth).zip(&mut seconds) {
            let mut found = Vec::new();
            seconds.push(timed(|| found = search(query)));
            if round == 0 {
                n_found += truth.iter().filter(|row| found.contains(row)).count();
            }
        }
    }
    Run {
        name,
        recall: n_found as f64 / (K * queries.len()) as f64,
        seconds: seconds.into_iter().map(common::median).collect(),
    }
}

fn ours(index: &Index, query: &[f32], mode: Mode, ef_search: Option<usize>) -> Vec<u32> {
    let options = SearchOptions {
        mode,
        ef_search,
        ..SearchOptions::nearest(K)
    };
    let found = index.search(query, &options).unwrap();
    found
        .iter()
        .take(K)
        .map(|neighbor| neighbor.row.0)
        .collect()
}

fn build_rival(vectors: &[Vec<f32>]) -> (Hnsw<'static, f32, DistDot>, f64) {
    let IndexOptions {
        m, ef_construction, ..
    } = IndexOptions::eager();
    let hnsw = Hnsw::new(m, vectors.len(), 16, ef_construction, DistDot);
    // Slightly shorter than 1: hnsw_rs's own distance panics where rounding makes it negative.
    let shorter: Vec<Vec<f32>> = vectors
        .iter()
        .map(|v| v.iter().map(|x| x * 0.999).collect())
        .collect();
    let numbered: Vec<(&Vec<f32>, usize)> = shorter.iter().zip(0..).collect();
    let seconds = timed(|| hnsw.parallel_insert(&numbered));
    (hnsw, seconds)
}

fn vectors() -> Vec<Vec<f32>> {
    if let Ok(path) = std::env::var("AKIN_BENCH_LIBRARY") {
        let library = Library::open(Path::new(&path)).unwrap();
        let rows = library.rows().unwrap();
        let all = 0..rows.len() as u32;
        return all
            .map(|row| rows.vector(akin::vectors::Row(row)).unwrap())
            .collect();
    }
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/arxiv-1000.jsonl");
    let dump = Dump::open(&Source::from_arg(sample), &ReadOptions::default()).unwrap();
    let passages: Vec<String> = dump
        .flatten()
        .filter_map(Item::into_paper)
        .map(|paper| paper.passage())
        .collect();
    let encoder = Encoder::load(&ModelSource::Bundled, &EncoderOptions::default()).unwrap();
    let embedded = encoder
        .embed(&passages, Role::Passage, &Unobserved)
        .unwrap();
    embedded.vectors.into_iter().flatten().collect()
}

fn write_rows(dir: &Path, vectors: &[Vec<f32>]) -> RowFile {
    let path = dir.join("vectors.f16");
    let mut writer = RowWriter::create(&path, vectors[0].len(), [0; 16]).unwrap();
    for vector in vectors {
        writer.append(vector, [0; 8]).unwrap();
    }
    writer.sync().unwrap();
    RowFile::open(&path, vectors[0].len(), vectors.len()).unwrap()
}
