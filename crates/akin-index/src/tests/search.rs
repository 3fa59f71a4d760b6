//! What a search returns: recall, filters, ties, segments and tail, queries that mean nothing.

use super::super::testdata::some_of;
use super::*;

#[test]
fn a_graph_finds_what_the_scan_finds() {
    let shelf = Shelf::new(&clustered(6000, 48, 11));
    let options = IndexOptions::eager();
    update(&shelf.folder(), &SPACE, &shelf.rows, &options, &Unobserved).unwrap();
    let index = shelf.open();
    let mut sum = 0.0;
    let queries = shelf.queries(100);
    for query in &queries {
        let truth = index.search(query, &by(Mode::Exact, 10)).unwrap();
        sum += recall(&truth, &index.search(query, &by(Mode::Graph, 10)).unwrap());
    }
    let mean = sum / queries.len() as f64;
    assert!(mean >= 0.98, "recall@10 is {mean}");
}

#[test]
fn every_row_is_found_by_its_own_vector_in_the_worst_of_graphs() {
    let mut shelf = Shelf::new(&clustered(4000, 12, 11));
    (shelf.options.m, shelf.options.ef_construction) = (2, 4);
    shelf.update();
    let index = shelf.open();
    let options = SearchOptions {
        ef_search: Some(64),
        ..by(Mode::Graph, 10)
    };
    for row in (0..4000).map(Row) {
        let vector = shelf.rows.vector(row).unwrap();
        let found = index.search(&vector, &options).unwrap();
        assert!(
            found.iter().any(|neighbor| neighbor.row == row),
            "row {}",
            row.0
        );
    }
}

#[test]
fn a_scan_of_codes_finds_what_a_scan_of_rows_finds() {
    let mut vectors = clustered(3000, 48, 11);
    vectors[7] = vec![0.0; 48];
    vectors[8][3] = 1.0;
    for twin in 100..120 {
        vectors[twin] = vectors[twin - 50].clone();
    }
    let mut shelf = Shelf::new(&vectors);
    shelf.options.graph_from = usize::MAX;
    shelf.update();
    let index = shelf.open();
    for share in [1.0, 0.6, 0.1, 0.003] {
        let set = some_of(3000, share, 5);
        for (i, query) in shelf.queries(20).iter().enumerate() {
            let k = [1, 10, 100, 2999][i % 4];
            let options = SearchOptions {
                allowed: Some(&set),
                ..by(Mode::Exact, k)
            };
            let of_codes = index.search(query, &options).unwrap();
            let of_rows = scan(&shelf.rows, 0..3000, query, Some(&set), k).unwrap();
            assert_eq!(of_codes, of_rows.into_sorted(), "share {share}, k {k}");
        }
    }
}

#[test]
fn every_share_of_allowed_rows_is_served_in_full() {
    let shelf = Shelf::built(3000, 24);
    let index = shelf.open();
    for share in [1.0, 0.5, 0.1, 0.01, 0.001, 0.0001] {
        let set = some_of(3000, share, 3);
        let n_allowed = set.count_ones(..);
        for (i, query) in shelf.queries(12).iter().enumerate() {
            let k = [1, 10, 4000][i % 3];
            let search = |mode| {
                let allowed = Some(&set);
                let options = SearchOptions {
                    allowed,
                    ..by(mode, k)
                };
                assert_eq!(index.plan(&options).n_allowed, n_allowed);
                index.search(query, &options).unwrap()
            };
            let truth = search(Mode::Exact);
            for found in [search(Mode::Auto), search(Mode::Graph)] {
                assert!(found.len() >= k.min(n_allowed), "share {share}, k {k}");
                assert!(
                    found.iter().all(|n| set.contains(n.row.idx())),
                    "share {share}"
                );
                assert!(recall(&truth, &found) >= 0.9, "share {share}, k {k}");
            }
        }
    }
}

#[test]
fn sets_longer_shorter_and_empty_are_taken_as_they_are() {
    let shelf = Shelf::built(300, 8);
    let index = shelf.open();
    let query = &shelf.queries(1)[0];
    for (len, n_allowed) in [(0, 0), (5, 5), (300, 300), (5000, 300)] {
        let mut set = FixedBitSet::with_capacity(len);
        set.insert_range(..);
        for mode in [Mode::Auto, Mode::Exact, Mode::Graph] {
            let options = SearchOptions {
                allowed: Some(&set),
                ..by(mode, 400)
            };
            assert_eq!(index.search(query, &options).unwrap().len(), n_allowed);
        }
    }
}

#[test]
fn a_filter_far_from_the_query_is_answered_by_the_scan() {
    let mut vectors = clustered(3000, 24, 11);
    for vector in &mut vectors[1500..] {
        vector.iter_mut().for_each(|x| *x = -x.abs());
    }
    vectors[..1500]
        .iter_mut()
        .flatten()
        .for_each(|x| *x = x.abs());
    let shelf = Shelf::new(&vectors);
    shelf.update();
    let index = shelf.open();
    let mut set = FixedBitSet::with_capacity(3000);
    set.insert_range(1500..);
    let options = |mode| SearchOptions {
        allowed: Some(&set),
        ..by(mode, 10)
    };
    for query in &vectors[..20] {
        let truth = index.search(query, &options(Mode::Exact)).unwrap();
        let found = index.search(query, &options(Mode::Auto)).unwrap();
        assert!(recall(&truth, &found) >= 0.9);
    }
}

#[test]
fn equal_and_zero_rows_are_all_found() {
    let mut vectors = clustered(900, 16, 11);
    let same = vectors[0].clone();
    vectors[300..600]
        .iter_mut()
        .for_each(|vector| vector.clone_from(&same));
    vectors[600..700]
        .iter_mut()
        .flatten()
        .for_each(|x| *x = 0.0);
    let shelf = Shelf::new(&vectors);
    shelf.update();
    let index = shelf.open();
    for query in &shelf.queries(10) {
        let all = index.search(query, &exhaustively(&index, 900)).unwrap();
        assert_eq!(all, index.search(query, &by(Mode::Exact, 900)).unwrap());
    }
    let found = index.search(&same, &by(Mode::Exact, 3)).unwrap();
    let rows: Vec<u32> = found.iter().map(|n| n.row.0).collect();
    assert_eq!(rows, [0].into_iter().chain(300..600).collect::<Vec<_>>());
}

#[test]
fn an_index_of_equal_rows_only_answers() {
    for vector in [vec![0.0; 8], vec![0.5; 8]] {
        let shelf = Shelf::new(&vec![vector; 200]);
        shelf.update();
        let index = shelf.open();
        for mode in [Mode::Auto, Mode::Exact, Mode::Graph] {
            let found = index.search(&[0.1; 8], &by(mode, 10)).unwrap();
            assert!(found.len() >= 10, "{mode:?}");
        }
    }
}

#[test]
fn the_smallest_indexes_answer() {
    let vectors = clustered(9, 5, 11);
    for n in 1..=9 {
        let shelf = Shelf::new(&vectors[..n]);
        shelf.update();
        let index = shelf.open();
        assert_eq!(index.doubts(), &[] as &[String]);
        let found = index.search(&vectors[0], &by(Mode::Graph, 20)).unwrap();
        assert_eq!((found.len(), found[0].row), (n, Row(0)));
    }
}

#[test]
fn no_rows_give_no_neighbours() {
    let shelf = Shelf::built(10, 4);
    let none = Arc::new(shelf.first(0));
    let index = Index::open(&shelf.dir.path().join("missing"), &SPACE, none);
    assert_eq!(
        index.search(&[1.0; 4], &SearchOptions::nearest(5)).unwrap(),
        []
    );
    assert_eq!(index.stats(), IndexStats::default());
    let empty = shelf.first(0);
    let folder = shelf.dir.path().join("other");
    update(&folder, &SPACE, &empty, &shelf.options, &Unobserved).unwrap();
    assert!(!folder.exists());
}

#[test]
fn queries_that_mean_nothing_are_refused() {
    let shelf = Shelf::built(50, 4);
    let index = shelf.open();
    let search = |query: &[f32]| index.search(query, &SearchOptions::nearest(3));
    let error = search(&[1.0; 5]).unwrap_err();
    assert!(matches!(error, Error::SpaceMismatch { .. }), "{error}");
    for odd in [0.0, f32::NAN, f32::INFINITY, 1e30] {
        let error = search(&[odd; 4]).unwrap_err();
        assert!(matches!(error, Error::Encode { .. }), "{odd}: {error}");
    }
    let nothing = index.search(&[1.0; 4], &SearchOptions::nearest(0)).unwrap();
    assert_eq!(nothing, []);
}

#[test]
fn a_damaged_row_is_an_error_that_names_it() {
    let shelf = Shelf::built(50, 4);
    let mut bytes = fs::read(shelf.rows.path()).unwrap();
    bytes[64 + akin_base::vectors::stride_bytes(4) * 20] ^= 1;
    fs::write(shelf.rows.path(), bytes).unwrap();
    let index = shelf.open();
    for mode in [Mode::Exact, Mode::Graph] {
        let error = index.search(&[1.0; 4], &by(mode, 50)).unwrap_err();
        assert!(error.to_string().contains("row 20 "), "{error}");
    }
}

#[test]
fn plans_say_which_way_and_why() {
    let shelf = Shelf::built(3000, 8);
    let index = shelf.open();
    let set = some_of(3000, 0.01, 3);
    let check = |options: &SearchOptions, expected: &str| {
        assert_eq!(index.plan(options).to_string(), expected);
    };
    check(
        &by(Mode::Auto, 10),
        "exact scan of 3000 rows, which costs less",
    );
    check(
        &by(Mode::Graph, 90),
        "graph with ef 180 for 3000 rows, as asked",
    );
    check(&by(Mode::Exact, 10), "exact scan of 3000 rows, as asked");
    check(
        &by(Mode::Auto, 3000),
        "exact scan of 3000 rows, which costs less",
    );
    let filtered = SearchOptions {
        allowed: Some(&set),
        ..by(Mode::Auto, 10)
    };
    let n_allowed = set.count_ones(..);
    check(
        &filtered,
        &format!("exact scan of {n_allowed} rows, which costs less"),
    );
    let empty = Index::open(Path::new("/nowhere"), &SPACE, Arc::clone(&shelf.rows));
    let plan = empty.plan(&by(Mode::Graph, 10)).to_string();
    assert_eq!(plan, "exact scan of 3000 rows, as no graph covers them");
}

#[test]
fn segments_and_tail_answer_as_one() {
    let mut shelf = Shelf::new(&clustered(2000, 16, 11));
    shelf.options.tail_max = 100;
    for n in [1000, 1300, 1420] {
        shelf.update_to(n);
    }
    let index = shelf.open();
    assert_eq!(
        (index.stats().n_segments, index.stats().tail_rows),
        (3, 580)
    );
    for query in &shelf.queries(20) {
        let found = index.search(query, &exhaustively(&index, 50)).unwrap();
        assert_eq!(found, index.search(query, &by(Mode::Exact, 50)).unwrap());
    }
}
