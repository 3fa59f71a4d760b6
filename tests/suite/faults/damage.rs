//! Every file of a library cut short and hit by flipped bits: what was done is found and named, or
//! it makes no difference to any paper, embedding or answer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use akin::check::{self, CheckReport};
use akin::index::{Index, Mode, SearchOptions};
use akin::library::Library;
use akin::progress::Unobserved;

use super::{State, is_full, state, work};
use akin_testing::Dice;

/// Bits that are flipped in each file, and places at which it is cut.
fn n_faults() -> usize {
    if is_full() { 1000 } else { 24 }
}

/// What a library answers: for some of its papers the ten nearest with their similarities.
type Answers = Vec<Vec<(String, u32)>>;

fn answers(root: &Path) -> akin::Result<Answers> {
    let library = Library::open(root)?;
    let rows = library.rows()?;
    let (mark, dir) = (library.index_mark().unwrap(), library.index_dir().unwrap());
    let index = Index::open(&dir, &mark, rows.clone());
    let allowed = library.allowed(&akin::library::Filter::default())?;
    let ids = library.ids()?;
    let mut answers = Vec::new();
    for id in ids.iter().step_by(ids.len() / 6) {
        let Some(row) = library.find(id.as_str())?.row else {
            continue;
        };
        for mode in [Mode::Auto, Mode::Graph] {
            let options = SearchOptions {
                mode,
                allowed: allowed.as_ref(),
                ..SearchOptions::nearest(10)
            };
            let found = index.search(&rows.vector(row)?, &options)?;
            let answer = |n: &akin::index::Neighbor| {
                Ok((
                    library.paper_at(n.row)?.id.to_string(),
                    n.similarity.to_bits(),
                ))
            };
            answers.push(found.iter().map(answer).collect::<akin::Result<_>>()?);
        }
    }
    Ok(answers)
}

/// The files that hold what a library knows.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end != "db-wal" && end != "db-shm")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn checked(root: &Path) -> akin::Result<CheckReport> {
    check::run(&Library::open(root)?, None, Some(20), &Unobserved)
}

struct Whole {
    root: PathBuf,
    state: State,
    answers: Answers,
}

impl Whole {
    /// Harms one file; whether a check finds it. Where it does not, nothing may be different.
    fn is_found(&self, file: &Path, harmed: &[u8], what: &str) -> bool {
        let good = std::fs::read(file).unwrap();
        std::fs::write(file, harmed).unwrap();
        // Answers that were given are right, or there is an error, or a doubt and a right answer.
        let said = answers(&self.root);
        let is_found = match checked(&self.root) {
            Ok(report) => !report.is_well(),
            Err(_) => true,
        };
        if !is_found {
            assert!(state(&self.root) == self.state, "{what}: papers differ");
            assert!(
                said.is_ok_and(|said| said == self.answers),
                "{what}: answers differ"
            );
        }
        for name in ["papers.db-wal", "papers.db-shm"] {
            let _ = std::fs::remove_file(self.root.join(name));
        }
        std::fs::write(file, good).unwrap();
        is_found
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_found_or_makes_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("library");
    work(&root).unwrap();
    let whole = Whole {
        state: state(&root),
        answers: answers(&root).unwrap(),
        root,
    };
    assert!(checked(&whole.root).unwrap().is_well());
    let files = files(&whole.root);
    let kinds: BTreeSet<_> = files.iter().filter_map(|file| file.extension()).collect();
    assert!(
        kinds.len() >= 4,
        "rows, graph, manifest and database: {files:?}"
    );
    let mut dice = Dice::new(17);
    let mut below = |n: usize| {
        ((((2.0 * dice.uniform() - 1.0) as f32 + 1.0) / 2.0 * n as f32) as usize).min(n - 1)
    };
    for file in &files {
        let good = std::fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut cuts: BTreeSet<usize> = [0, 1, 63, 64, 65, good.len() / 2, good.len() - 1].into();
        while cuts.len() < (n_faults() / 4).min(good.len() / 2) {
            cuts.insert(below(good.len()));
        }
        let is_cut_found = |&length: &usize| {
            let length = length.min(good.len() - 1);
            whole.is_found(file, &good[..length], &format!("{name} cut at {length}"))
        };
        let n_cuts_found = cuts.iter().filter(|length| is_cut_found(length)).count();
        let mut n_flips_found = 0;
        for _ in 0..n_faults() {
            let (at, bit) = (below(good.len()), below(8));
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            n_flips_found +=
                usize::from(whole.is_found(file, &bad, &format!("{name}, bit {bit} of byte {at}")));
        }
        println!(
            "{name}: {n_cuts_found} of {} cuts and {n_flips_found} of {} flipped bits found, the \
             others harmless",
            cuts.len(),
            n_faults()
        );
        assert!(n_flips_found > 0, "{name}");
    }
}
