//! The index as a whole: searched, updated, damaged; here is what these tests share.

mod damage;
mod fuzz;
mod search;
mod updates;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use tempfile::TempDir;

use super::testdata::{Dice, clustered, row_file};
use super::*;
use akin_base::progress::Unobserved;
use akin_base::vectors::Row;

const SPACE: [u8; 32] = [7; 32];

/// Rows, an index folder for them, and the options it is built with.
struct Shelf {
    dir: TempDir,
    rows: Arc<RowFile>,
    options: IndexOptions,
}

impl Shelf {
    /// These rows, without an index.
    fn new(vectors: &[Vec<f32>]) -> Shelf {
        let dir = tempfile::tempdir().unwrap();
        let rows = Arc::new(row_file(dir.path(), vectors));
        let options = IndexOptions {
            ef_construction: 64,
            threads: 1,
            ..IndexOptions::eager()
        };
        Shelf { dir, rows, options }
    }

    /// `n` clustered rows with one segment.
    fn built(n: usize, dim: usize) -> Shelf {
        let shelf = Shelf::new(&clustered(n, dim, 11));
        assert_eq!(shelf.update().n_segments, 1);
        shelf
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("index")
    }

    /// The first `n` of the rows.
    fn first(&self, n: usize) -> RowFile {
        RowFile::open(self.rows.path(), self.rows.dim(), n).unwrap()
    }

    fn update(&self) -> IndexStats {
        self.update_to(self.rows.len())
    }

    fn update_to(&self, n: usize) -> IndexStats {
        let rows = self.first(n);
        update(&self.folder(), &SPACE, &rows, &self.options, &Unobserved).unwrap()
    }

    fn open(&self) -> Index {
        Index::open(&self.folder(), &SPACE, Arc::clone(&self.rows))
    }

    /// The one segment's file.
    fn segment(&self) -> PathBuf {
        let mut graphs = files(&self.folder())
            .into_iter()
            .filter(|f| f.ends_with(".graph"));
        self.folder().join(graphs.next().unwrap())
    }

    fn queries(&self, n: usize) -> Vec<Vec<f32>> {
        let mut dice = Dice::new(12);
        let row = |dice: &mut Dice| Row(dice.below(self.rows.len()) as u32);
        let near = |dice: &mut Dice| {
            let mut query = self.rows.vector(row(dice)).unwrap();
            let spread = 0.4 / (query.len() as f32).sqrt();
            query.iter_mut().for_each(|x| *x += spread * dice.normal());
            query
        };
        (0..n).map(|_| near(&mut dice)).collect()
    }
}

fn files(dir: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

fn by(mode: Mode, k: usize) -> SearchOptions<'static> {
    SearchOptions {
        mode,
        ..SearchOptions::nearest(k)
    }
}

/// Searches so that every walk meets every node: the answer is then the truth.
fn exhaustively(index: &Index, k: usize) -> SearchOptions<'static> {
    SearchOptions {
        ef_search: Some(index.stats().n_rows),
        ..by(Mode::Graph, k)
    }
}

/// Recall@k of `found` against `truth`.
fn recall(truth: &[Neighbor], found: &[Neighbor]) -> f64 {
    let hits = truth
        .iter()
        .filter(|neighbor| found.contains(neighbor))
        .count();
    hits as f64 / truth.len() as f64
}
