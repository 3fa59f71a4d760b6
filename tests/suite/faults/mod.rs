//! Faults: a process that dies at any instant, a disk that keeps only what was synced or that is
//! full, damaged files, and what is around the program going wrong.
//!
//! The work under test is a week of a library's life ([`work`]): daily files that overlap and
//! correct one another, removals, a compaction, and the index all along. It runs in a process of
//! its own, which is this test program again with one ignored test ([`process`]).
//!
//! By default few faults are tried; `AKIN_FAULTS=full` tries all of them.

mod damage;
#[cfg(target_os = "linux")]
mod disk_full;
mod kills;
#[cfg(unix)]
mod lost_syncs;
mod parts;
mod surroundings;
#[cfg(target_os = "linux")]
mod system_calls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use akin::encoder::{DeviceChoice, ModelSource};
use akin::index::{Index, IndexOptions};
use akin::ingest::{self, IngestOptions};
use akin::library::{Library, Writer};
use akin::progress::Unobserved;
use akin::space::Origin;
use akin::{dump::Source, encoder::Precision};
use serde_json::{Value, json};

use crate::sandbox::{data, is_full, tiny_model};

pub(crate) use self::kills::die_at;

/// Names of the variables that tell the process its library and what is to happen in it.
const ROOT: &str = "AKIN_FAULTS_ROOT";
const FAULT: &str = "AKIN_FAULTS_PROCESS";

/// Days, and papers in the file of a day: more than a batch.
const N_DAYS: usize = 4;
const A_DAY: usize = 300;

/// Papers of a day's file that were in the file of the day before, some of them corrected.
const REPEATED: usize = 70;

/// Every paper with its text hash and the bits of its embedding, if it has one.
type State = BTreeMap<String, (String, Option<Vec<u32>>)>;

fn state(root: &Path) -> State {
    let Ok(library) = Library::open(root) else {
        return State::new();
    };
    let rows = library.rows().ok();
    let paper = |id: &akin::paper::PaperId| {
        let stored = library.find(id.as_str()).unwrap();
        let vector = |row| rows.as_ref().unwrap().vector(row).unwrap();
        let vector = stored.row.map(vector);
        let bits = vector.map(|vector| vector.into_iter().map(f32::to_bits).collect());
        let hash = format!("{:?}", stored.paper.text_hash());
        (id.to_string(), (hash, bits))
    };
    library.ids().unwrap().iter().map(paper).collect()
}

/// A number that two states have in common if they are the same.
fn digest(state: &State) -> String {
    blake3::hash(format!("{state:?}").as_bytes()).to_hex()[..16].to_owned()
}

/// The day's file: of each day's papers, every fifth that was there the day before is corrected.
fn day(number: usize) -> String {
    let text = std::fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let first = number * (A_DAY - REPEATED);
    let corrected = |(place, line): (usize, &str)| {
        let mut paper: Value = serde_json::from_str(line).unwrap();
        if number > 0 && place < REPEATED && place % 5 == 0 {
            let corrected = format!("Corrected. {}", paper["abstract"].as_str().unwrap());
            paper["abstract"] = json!(corrected);
            paper["update_date"] = json!("2026-05-17");
        }
        paper.to_string() + "\n"
    };
    let lines = text.lines().skip(first).take(A_DAY).enumerate();
    lines.map(corrected).collect()
}

/// The work: it can be done again after it was cut off, and ends in the same state.
/// How many papers were embedded by then.
fn work(root: &Path) -> akin::Result<u64> {
    let origin = Origin {
        source: ModelSource::Folder(PathBuf::from(tiny_model())),
        max_tokens: None,
        dim: None,
        precision: Precision::F32,
    };
    let encoder = origin.load(Some(1), DeviceChoice::Cpu)?;
    let index = IndexOptions {
        graph_from: 400,
        tail_max: 250,
        ..IndexOptions::default()
    };
    let options = IngestOptions {
        index,
        ..IngestOptions::default()
    };
    let mut n_embedded = 0;
    for number in 0..N_DAYS {
        let dump = Source::Memory {
            name: format!("day-{number}.jsonl").into(),
            bytes: day(number).into_bytes().into(),
        };
        let mut writer = Writer::open_or_create(root, "the fault tests")?;
        let report = ingest::run(
            &mut writer,
            &encoder,
            &origin,
            &[dump],
            &options,
            &Unobserved,
        )?;
        n_embedded += report.n_embedded;
    }
    let mut writer = Writer::open(root, "the fault tests")?;
    let library = Library::open(root)?;
    let ids = library.ids()?;
    let third = ids
        .iter()
        .filter(|id| id.as_str().ends_with(['1', '4', '7']));
    let keys: Vec<_> = third
        .map(|id| library.find(id.as_str()).unwrap().key)
        .collect();
    drop(library);
    writer.remove(&keys)?;
    writer.compact(&Unobserved)?;
    ingest::build_index(&writer, &options.index, &Unobserved)?;
    Ok(n_embedded)
}

/// Holds a library against what it promises: it is whole, and so is its index.
fn check(root: &Path, context: &str) {
    let Ok(library) = Library::open(root) else {
        return;
    };
    let findings = library.check(&Unobserved).unwrap();
    let damage = findings.list.iter().filter(|finding| !finding.is_orphan());
    let damage: Vec<String> = damage.map(ToString::to_string).collect();
    assert!(damage.is_empty(), "{context}: {damage:?}");
    if let (Some(mark), Some(dir)) = (library.index_mark(), library.index_dir()) {
        let index = Index::open(&dir, &mark, library.rows().unwrap());
        assert!(index.doubts().is_empty(), "{context}: {:?}", index.doubts());
    }
}

/// Starts the process for a library with a fault.
fn process_for(root: &Path, fault: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["faults::process", "--exact", "--ignored", "--nocapture"])
        .env(ROOT, root)
        .env(FAULT, fault)
        .stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
#[ignore = "the process that other tests start"]
fn process() {
    let (Ok(root), Ok(fault)) = (std::env::var(ROOT), std::env::var(FAULT)) else {
        return;
    };
    let root = PathBuf::from(root);
    match fault.split_once(' ') {
        Some(("log", log)) => kills::log_steps(&root, Path::new(log)),
        Some(("kill", nth)) => kills::die_at(nth.parse().unwrap()),
        #[cfg(unix)]
        Some(("images", folder)) => lost_syncs::keep_images(&root, Path::new(folder)),
        _ => {}
    }
    let n_embedded = work(&root).unwrap();
    println!("embedded {n_embedded}");
}

/// How many papers a process embedded.
fn n_embedded(output: &Output) -> u64 {
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    let (_, number) = said.split_once("embedded ").unwrap();
    number.lines().next().unwrap().parse().unwrap()
}
