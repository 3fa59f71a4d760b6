//! How the index grows: build time, latency, recall, memory and file size at each size.
//!
//! `AKIN_BENCH_LIBRARY` names a library; its last 1,000 rows are the queries, the rows before
//! them are indexed, as many as each of `AKIN_BENCH_SIZES` says (default "10000,30000,100000"). A
//! size beyond the library is filled with its rows again, each number moved by normal noise so
//! that the cosine to the original is about 0.93: such sizes are marked `"perturbed"`. Row files
//! and indexes are written under `AKIN_BENCH_FOLDER` (default: a temporary folder). Each size is
//! searched by a process of its own on one thread, with the default options; memory is that of
//! this process after the first 1,000 questions. Last come filters: random sets of rows of several
//! shares, with the times of the plan's choice and of the exact scan of what matches. One JSON
//! object a size; a size whose index is in the folder already is not built again.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use akin::index::{self, Index, IndexOptions, Mode, Neighbor, SearchOptions};
use akin::library::Library;
use akin::progress::Unobserved;
use akin::vectors::{Row, RowFile, RowWriter, normalize};
use akin_testing::Dice;
use common::{quantile, timed};
use fixedbitset::FixedBitSet;
use serde_json::{Value, json};

const QUERIES: usize = 1000;
const K: usize = 10;
const SPACE: [u8; 32] = [0; 32];

/// Length of the noise beside a vector of length 1.
const NOISE: f32 = 0.4;

fn main() {
    if let Ok(folder) = std::env::var("AKIN_BENCH_SEARCH") {
        return search(Path::new(&folder));
    }
    let Ok(library) = std::env::var("AKIN_BENCH_LIBRARY") else {
        println!(
            "{}",
            json!({"skipped": "AKIN_BENCH_LIBRARY names no library"})
        );
        return;
    };
    let library = Library::open(Path::new(&library)).unwrap();
    let real = library.rows().unwrap();
    let sizes = std::env::var("AKIN_BENCH_SIZES").unwrap_or("10000,30000,100000".to_owned());
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var("AKIN_BENCH_FOLDER");
    let folder = folder.map_or(temporary.path().to_owned(), PathBuf::from);
    for size in sizes
        .split(',')
        .map(|size| size.trim().parse::<usize>().unwrap())
    {
        println!("{}", grow(&folder.join(size.to_string()), &real, size));
    }
}

/// Builds one size and has it searched.
fn grow(folder: &Path, real: &RowFile, size: usize) -> Value {
    std::fs::create_dir_all(folder).unwrap();
    let n_real = real.len() - QUERIES;
    let rows = write(&folder.join("rows"), real.dim(), size, |row, dice| {
        let mut vector = real.vector(Row((row % n_real) as u32)).unwrap();
        if row >= n_real {
            let spread = NOISE / (vector.len() as f32).sqrt();
            vector.iter_mut().for_each(|x| *x += spread * dice.normal());
            normalize(&mut vector);
        }
        vector
    });
    drop(write(
        &folder.join("queries"),
        real.dim(),
        QUERIES,
        |query, _| real.vector(Row((n_real + query) as u32)).unwrap(),
    ));
    let options = IndexOptions::default();
    let mut stats = index::IndexStats::default();
    let build_s = timed(|| {
        stats = index::update(&folder.join("index"), &SPACE, &rows, &options, &Unobserved).unwrap();
    });
    let searched = Command::new(std::env::current_exe().unwrap())
        .env("AKIN_BENCH_SEARCH", folder)
        .output()
        .unwrap();
    let mut line = json!({
        "rows": size,
        "perturbed": size.saturating_sub(n_real),
        "build_s": build_s,
        "build_us_per_row": 1e6 * build_s / size as f64,
        "index_bytes_per_row": stats.file_bytes as f64 / size as f64,
        "segments": stats.n_segments,
        "tail_rows": stats.tail_rows,
    });
    let found: Value = serde_json::from_slice(&searched.stdout).unwrap();
    let line_map = line.as_object_mut().unwrap();
    line_map.extend(found.as_object().unwrap().clone());
    line
}

fn write(
    path: &Path,
    dim: usize,
    n: usize,
    vector: impl Fn(usize, &mut Dice) -> Vec<f32>,
) -> RowFile {
    let mut dice = Dice::new(17);
    let mut writer = RowWriter::create(path, dim, [0; 16]).unwrap();
    for row in 0..n {
        writer.append(&vector(row, &mut dice), [0; 8]).unwrap();
    }
    writer.sync().unwrap();
    RowFile::open(path, dim, n).unwrap()
}

/// The process that searches what another has built.
fn search(folder: &Path) {
    const DIM: usize = 384;
    let bytes = std::fs::metadata(folder.join("rows")).unwrap().len() as usize;
    let n_rows = (bytes - 64) / akin::vectors::stride_bytes(DIM);
    let queries = RowFile::open(&folder.join("queries"), DIM, QUERIES).unwrap();
    let queries: Vec<Vec<f32>> = (0..QUERIES as u32)
        .map(|query| queries.vector(Row(query)).unwrap())
        .collect();
    let rows = Arc::new(RowFile::open(&folder.join("rows"), DIM, n_rows).unwrap());
    let mut index = None;
    let open_s = timed(|| index = Some(Index::open(&folder.join("index"), &SPACE, rows)));
    let index = index.unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let line = pool.install(|| {
        let cold = times(&index, &queries, Mode::Auto);
        let cold_resident = resident_mb();
        let warm: Vec<Vec<f64>> = (0..5)
            .map(|_| times(&index, &queries, Mode::Auto))
            .collect();
        let warm: Vec<f64> = (0..QUERIES)
            .map(|query| common::median(warm.iter().map(|round| round[query]).collect()))
            .collect();
        let ms = |seconds: &[f64], share| 1e3 * quantile(seconds.to_vec(), share);
        let some = &queries[..200];
        let exact = times(&index, some, Mode::Exact);
        json!({
            "open_ms": 1e3 * open_s,
            "p50_ms": ms(&warm, 0.5),
            "p99_ms": ms(&warm, 0.99),
            "first_p50_ms": ms(&cold, 0.5),
            "exact_p50_ms": ms(&exact, 0.5),
            "recall_at_10": recall(&index, some),
            "resident_mb": cold_resident,
            "filters": filters(&index, &queries[..100]),
            "plan": index.plan(&options(Mode::Auto)).to_string(),
        })
    });
    println!("{line}");
}

fn options(mode: Mode) -> SearchOptions<'static> {
    SearchOptions {
        mode,
        ..SearchOptions::nearest(K)
    }
}

fn times(index: &Index, queries: &[Vec<f32>], mode: Mode) -> Vec<f64> {
    let search = |query: &Vec<f32>| index.search(query, &options(mode)).unwrap();
    queries
        .iter()
        .map(|query| timed(|| search(query)))
        .collect()
}

fn recall(index: &Index, queries: &[Vec<f32>]) -> f64 {
    let rows = |found: Vec<Neighbor>| -> Vec<Row> {
        found.iter().take(K).map(|neighbor| neighbor.row).collect()
    };
    let hits = queries.iter().map(|query| {
        let truth = rows(index.search(query, &options(Mode::Exact)).unwrap());
        let found = rows(index.search(query, &options(Mode::Auto)).unwrap());
        truth.iter().filter(|row| found.contains(row)).count()
    });
    hits.sum::<usize>() as f64 / (K * queries.len()) as f64
}

/// What filters cost and find, the share of rows that pass falling.
fn filters(index: &Index, queries: &[Vec<f32>]) -> Vec<Value> {
    const SHARES: [f64; 9] = [0.5, 0.25, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001];
    let n_rows = index.stats().n_rows;
    let mut dice = Dice::new(23);
    let mut measure = |share: f64| {
        let mut allowed: FixedBitSet = (0..n_rows).filter(|_| dice.uniform() < share).collect();
        allowed.grow(n_rows);
        let options = |mode| SearchOptions {
            allowed: Some(&allowed),
            ..options(mode)
        };
        let run = |mode| -> (f64, Vec<Vec<Neighbor>>) {
            let mut found = Vec::new();
            let seconds = queries
                .iter()
                .map(|query| timed(|| found.push(index.search(query, &options(mode)).unwrap())))
                .collect();
            (1e3 * quantile(seconds, 0.5), found)
        };
        let (exact_ms, truth) = run(Mode::Exact);
        let (auto_ms, found) = run(Mode::Auto);
        let n_right = |(truth, found): (&Vec<Neighbor>, &Vec<Neighbor>)| {
            truth
                .iter()
                .filter(|neighbor| found.contains(neighbor))
                .count()
        };
        let n_true = truth.iter().map(Vec::len).sum::<usize>();
        let n_found = truth.iter().zip(&found).map(n_right).sum::<usize>();
        let fewest = found.iter().map(Vec::len).min();
        json!({
            "share": share, "matches": allowed.count_ones(..), "fewest_found": fewest,
            "auto_p50_ms": auto_ms, "exact_p50_ms": exact_ms,
            "recall_at_10": n_found as f64 / n_true as f64,
        })
    };
    SHARES.into_iter().map(&mut measure).collect()
}

/// Memory of this process with the pages of mapped files that it has touched; 0 where the system
/// does not say.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1e3
}
