//! Small libraries for the tests of this room: papers `p0`, `p1`, … whose embeddings are seeded
//! noise.

use std::collections::BTreeMap;
use std::path::Path;

use super::batch::{Batch, Change, IngestCounts};
use super::read::Library;
use super::space::Space;
use super::write::Writer;
use akin_base::paper::{Paper, PaperId, TextHash};
use akin_base::vectors;

/// Numbers in an embedding of the space `test`.
pub(super) const DIM: usize = 16;

/// A library of `n` papers, in rows of their order.
pub(super) fn library_of(root: &Path, n: usize) -> Writer {
    let mut writer = Writer::open_or_create(root, "a test").unwrap();
    let space = Space {
        name: "test".to_owned(),
        fingerprint: [7; 32],
        dim: DIM,
        recipe: "{}".to_owned(),
        source: "{}".to_owned(),
    };
    writer.create_space(space).unwrap();
    for i in 0..n {
        add(&mut writer, &format!("p{i}"), 0);
    }
    writer
}

/// Stores the `version`th text of a paper with its embedding.
pub(super) fn add(writer: &mut Writer, id: &str, version: u32) {
    let library = Library::open(writer.path()).unwrap();
    let key = library.find(id).map(|stored| stored.key).ok();
    let text = format!("Text {version} of {id}.");
    let paper = Paper::new(PaperId::parse(id).unwrap(), format!("Title of {id}"), text);
    let change = Change {
        key,
        record_hashes: vec![TextHash(paper.text_hash().0)],
        wants_embedding: true,
        ..Change::new(paper, Vec::new())
    };
    let run = writer.begin_ingest(&[]).unwrap();
    let batch = Batch {
        changes: vec![change],
        ..Batch::default()
    };
    let embeddings = [vector(id, version)];
    let counts = IngestCounts::default();
    writer.commit(&batch, &embeddings, (run, &counts)).unwrap();
}

pub(super) fn remove(writer: &mut Writer, ids: &[&str]) {
    let library = Library::open(writer.path()).unwrap();
    let keys: Vec<_> = ids.iter().map(|id| library.find(id).unwrap().key).collect();
    drop(library);
    writer.remove(&keys).unwrap();
}

/// The embedding of a paper's text, as it is stored: rounded to f16.
pub(super) fn vector(id: &str, version: u32) -> Vec<f32> {
    let mut seed = crc32fast::hash(format!("{id} {version}").as_bytes());
    let mut number = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed) / f64::from(u32::MAX) - 0.5
    };
    let mut vector: Vec<f32> = (0..DIM).map(|_| number() as f32).collect();
    vectors::normalize(&mut vector);
    let stored = |x: f32| half::f16::from_f32(x).to_f32();
    vector.into_iter().map(stored).collect()
}

/// Every paper's embedding as the library has it.
pub(super) fn state(root: &Path) -> BTreeMap<String, Vec<f32>> {
    let library = Library::open(root).unwrap();
    let rows = library.rows().unwrap();
    let paper = |id: &PaperId| {
        let row = library.find(id.as_str()).unwrap().row.unwrap();
        (id.to_string(), rows.vector(row).unwrap())
    };
    library.ids().unwrap().iter().map(paper).collect()
}
