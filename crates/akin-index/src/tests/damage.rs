//! What stands in the folder is not what was written: it is doubted, and never believed.

use super::*;

/// Opens the folder as it is now and checks that it answers with the truth, and that it is
/// doubted once all of it has been read, where it must be.
fn check_damaged(shelf: &Shelf, truth: &[Neighbor], query: &[f32], must_doubt: bool, what: &str) {
    let index = shelf.open();
    for options in [exhaustively(&index, 10), by(Mode::Exact, 10)] {
        assert_eq!(index.search(query, &options).unwrap(), truth, "{what}");
    }
    index.verify();
    let doubts = index.doubts();
    assert!(!must_doubt || !doubts.is_empty(), "{what} passed unnoticed");
    assert!(
        doubts.iter().all(|doubt| doubt.contains("index")),
        "{doubts:?}"
    );
    assert_eq!(
        index.search(query, &exhaustively(&index, 10)).unwrap(),
        truth,
        "{what}"
    );
}

#[test]
fn a_segment_cut_short_or_with_flipped_bits_is_doubted() {
    for graph_from in [1, 1000] {
        let mut shelf = Shelf::new(&clustered(60, 8, 11));
        shelf.options.graph_from = graph_from;
        shelf.update();
        let query = &shelf.queries(1)[0];
        let truth = shelf.open().search(query, &by(Mode::Exact, 10)).unwrap();
        let check = |must_doubt, what: &str| {
            check_damaged(&shelf, &truth, query, must_doubt, what);
        };
        let (path, good) = (shelf.segment(), fs::read(shelf.segment()).unwrap());
        for len in (0..good.len()).step_by(89).chain([good.len() - 1]) {
            fs::write(&path, &good[..len]).unwrap();
            check(true, &format!("a file cut to {len} bytes"));
        }
        fs::write(&path, [&good[..], &[0]].concat()).unwrap();
        check(true, "a file with a byte more");
        for bit in (0..8 * good.len()).step_by(41) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bad).unwrap();
            // That every bit that matters is found is tested beside the file.
            check(false, &format!("bit {bit} flipped"));
        }
        let codes_at = 256;
        let mut bad = good.clone();
        bad[codes_at] ^= 1;
        fs::write(&path, bad).unwrap();
        check(true, "a code");
        shelf.update();
        assert!(
            fs::read(&path).unwrap() == good,
            "a code that was damaged is mended"
        );
        fs::remove_file(&path).unwrap();
        check(true, "a missing file");
        shelf.update();
        check(false, "mended");
        assert_eq!(shelf.open().doubts(), &[] as &[String]);
        assert!(
            fs::read(&path).unwrap() == good,
            "what is mended is what was"
        );
    }
}

#[test]
fn a_search_that_meets_damage_answers_from_the_rows_and_says_so() {
    let shelf = Shelf::built(600, 8);
    let mut bytes = fs::read(shelf.segment()).unwrap();
    let middle = bytes.len() / 2;
    bytes[256..middle].iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::write(shelf.segment(), bytes).unwrap();
    // The sample that is compared at opening finds such damage; smaller damage is met later.
    assert!(shelf.open().doubts()[0].contains("checksums"));
    let shelf = Shelf::built(6000, 8);
    let mut bytes = fs::read(shelf.segment()).unwrap();
    bytes[256 + 64 * 77] ^= 1;
    fs::write(shelf.segment(), bytes).unwrap();
    let index = shelf.open();
    assert_eq!(index.doubts(), &[] as &[String]);
    let query = shelf.rows.vector(Row(77)).unwrap();
    let found = index.search(&query, &by(Mode::Graph, 1)).unwrap();
    assert_eq!(found[0].row, Row(77));
    assert!(
        index.doubts()[0].contains("checksums"),
        "{:?}",
        index.doubts()
    );
}

#[test]
fn a_manifest_of_rubbish_is_doubted() {
    let shelf = Shelf::built(60, 8);
    let query = &shelf.queries(1)[0];
    let truth = shelf.open().search(query, &by(Mode::Exact, 10)).unwrap();
    let path = shelf.folder().join("manifest.json");
    let good = fs::read_to_string(&path).unwrap();
    let rubbish = [
        String::new(),
        "{}".to_owned(),
        "\u{0}\u{1}".to_owned(),
        "[[[[".repeat(1000),
        good.replace("\"format\": 2", "\"format\": 3"),
        good.replace("0707", "0708"),
        good.replace("\"first\": 0", "\"first\": 1"),
        good.replace("\"first\": 0", "\"first\": -1"),
        good.replace("\"first\": 0", "\"first\": 4294967295"),
        good.replace("\"n_rows\": 60", "\"n_rows\": 61"),
        good.replace("\"n_rows\": 60", "\"n_rows\": 0"),
        good.replace("\"n_rows\": 60", "\"n_rows\": 4294967295"),
    ];
    for text in rubbish {
        assert_ne!(text, good);
        fs::write(&path, &text).unwrap();
        check_damaged(&shelf, &truth, query, true, &text);
    }
    for bit in 0..8 * good.len() {
        let mut bad = good.clone().into_bytes();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bad).unwrap();
        check_damaged(&shelf, &truth, query, false, &String::from_utf8_lossy(&bad));
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    check_damaged(&shelf, &truth, query, true, "a folder for a manifest");
}

#[test]
fn a_segment_in_doubt_takes_those_after_it_along() {
    let mut shelf = Shelf::new(&clustered(700, 8, 11));
    shelf.options.tail_max = 50;
    for n in [400, 600, 700] {
        shelf.update_to(n);
    }
    assert_eq!(shelf.open().stats().n_segments, 3);
    let middle = shelf.folder().join("segment-400-200.graph");
    fs::write(&middle, "rubbish").unwrap();
    let index = shelf.open();
    assert_eq!(
        (index.stats().n_segments, index.stats().tail_rows),
        (1, 300)
    );
    assert!(
        index.doubts()[0].contains("segment-400-200.graph"),
        "{:?}",
        index.doubts()
    );
    shelf.options.tail_max = 1000;
    shelf.update();
    assert_eq!(shelf.open().doubts(), &[] as &[String]);
    let left = ["background.json", "manifest.json", "segment-0-400.graph"].map(str::to_owned);
    assert_eq!(files(&shelf.folder()), BTreeSet::from(left));
}

#[test]
fn an_index_of_other_rows_is_doubted() {
    let shelf = Shelf::built(300, 8);
    let check = |space: &[u8; 32], rows: RowFile, reason: &str| {
        let index = Index::open(&shelf.folder(), space, Arc::new(rows));
        assert!(index.doubts()[0].contains(reason), "{:?}", index.doubts());
        assert_eq!(index.stats().tail_rows, index.stats().n_rows);
    };
    let other = tempfile::tempdir().unwrap();
    check(&[8; 32], shelf.first(300), "another space");
    // One that was built since the rows were counted is no damage; it is of no use to them.
    let later = Index::open(&shelf.folder(), &SPACE, Arc::new(shelf.first(299)));
    assert_eq!(later.doubts(), &[] as &[String]);
    assert_eq!(later.stats().tail_rows, 299);
    check(
        &SPACE,
        row_file(other.path(), &clustered(300, 8, 99)),
        "of other rows",
    );
    check(
        &SPACE,
        row_file(other.path(), &clustered(300, 9, 11)),
        "of other rows",
    );
    let stats = update(
        &shelf.folder(),
        &[8; 32],
        &shelf.rows,
        &shelf.options,
        &Unobserved,
    );
    assert_eq!(stats.unwrap().n_segments, 1);
    assert!(!shelf.open().doubts().is_empty());
}
