//! Segments, manifests and rows spoilt in random ways, half of them with checksums that hold: an
//! index over them neither panics nor answers with rows that are not there.

use super::super::format::Header;
use super::*;
use akin_testing::fuzz::fuzz;

const N_ROWS: usize = 60;

/// Makes the checksums of a segment hold, as far as its header is one.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() < 256 {
        return bytes;
    }
    let sum = crc32fast::hash(&bytes[..252]).to_le_bytes();
    bytes[252..256].copy_from_slice(&sum);
    let Some(layout) = Header::parse(&bytes)
        .ok()
        .and_then(|header| header.layout())
    else {
        return bytes;
    };
    // Bytes of a file as long as the header wants it, unless that is past all reason.
    if layout.file_bytes() > 1 << 20 {
        return bytes;
    }
    bytes.resize(layout.file_bytes(), 0);
    let block_sums = layout.sections().into_iter().flat_map(|section| {
        let blocks = bytes[section.bytes.clone()].chunks(section.block_bytes);
        blocks.map(crc32fast::hash).collect::<Vec<_>>()
    });
    let table: Vec<u8> = block_sums.flat_map(u32::to_le_bytes).collect();
    let end = layout.table.end;
    bytes[end..end + 4].copy_from_slice(&crc32fast::hash(&table).to_le_bytes());
    bytes[layout.table].copy_from_slice(&table);
    bytes
}

/// Searches every way there is; what is found is there, once, and as close as is said.
fn check_answers(index: &Index, rows: &RowFile, query: &[f32]) -> std::result::Result<(), String> {
    let allowed: FixedBitSet = (0..N_ROWS).filter(|row| row % 3 > 0).collect();
    for mode in [Mode::Auto, Mode::Exact, Mode::Graph] {
        for allowed in [None, Some(&allowed)] {
            let options = SearchOptions {
                mode,
                allowed,
                ..SearchOptions::nearest(10)
            };
            // A damaged row is an error.
            let Ok(found) = index.search(query, &options) else {
                continue;
            };
            let rows_found: BTreeSet<u32> = found.iter().map(|neighbor| neighbor.row.0).collect();
            if rows_found.len() < found.len() {
                return Err(format!("{mode:?}: a row is found twice: {found:?}"));
            }
            for neighbor in found {
                let row = rows.vector(neighbor.row).map_err(|e| e.to_string())?;
                let similarity = akin_base::vectors::dot(query, &row);
                if (similarity - neighbor.similarity).abs() > 1e-5 {
                    return Err(format!(
                        "{mode:?}: {neighbor:?} has similarity {similarity}"
                    ));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn fuzz_segments() {
    let shelves = [1, 1000].map(|graph_from| {
        let mut shelf = Shelf::new(&clustered(N_ROWS, 8, 11));
        shelf.options.graph_from = graph_from;
        shelf.update();
        shelf
    });
    let seeds = shelves
        .each_ref()
        .map(|shelf| fs::read(shelf.segment()).unwrap());
    let query = &shelves[0].queries(1)[0];
    let name = shelves[0].segment();
    let manifest = fs::read(shelves[0].folder().join("manifest.json")).unwrap();
    let rows = &shelves[0].rows;
    fuzz("segments", &seeds, &[], |_, bytes| {
        for bytes in [bytes.to_vec(), sealed(bytes.to_vec())] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("manifest.json"), &manifest).unwrap();
            fs::write(dir.path().join(name.file_name().unwrap()), bytes).unwrap();
            let index = Index::open(dir.path(), &SPACE, Arc::clone(rows));
            check_answers(&index, rows, query)?;
            index.verify();
            let _ = (index.doubts(), index.stats());
            check_answers(&index, rows, query)?;
        }
        Ok(())
    });
}

#[test]
fn fuzz_manifests_and_rows() {
    let shelf = Shelf::built(N_ROWS, 8);
    let query = &shelf.queries(1)[0];
    let names = ["manifest.json", "vectors-0.f16"];
    let seeds = [
        shelf.folder().join("manifest.json"),
        shelf.rows.path().to_owned(),
    ];
    let seeds = seeds.map(|path| fs::read(path).unwrap());
    let segment = shelf.segment();
    let tokens = [
        "segment-0-60.graph",
        "..",
        "/",
        "\n",
        "\"",
        "0",
        "-1",
        "60",
        "4294967295",
    ];
    fuzz("manifests and rows", &seeds, &tokens, |which, bytes| {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, seed) in names.iter().zip(&seeds) {
            fs::write(path(name), seed).unwrap();
        }
        fs::copy(
            &segment,
            path(&segment.file_name().unwrap().to_string_lossy()),
        )
        .unwrap();
        fs::write(path(names[which]), bytes).unwrap();
        let Ok(rows) = RowFile::open(&path("vectors-0.f16"), 8, N_ROWS) else {
            return Ok(());
        };
        let rows = Arc::new(rows);
        let index = Index::open(dir.path(), &SPACE, Arc::clone(&rows));
        check_answers(&index, &rows, query)?;
        index.verify();
        check_answers(&index, &rows, query)
    });
}
