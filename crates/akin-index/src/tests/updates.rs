//! How the folder follows the rows: the rule, interruptions, leftovers, readers meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use akin_base::progress::{Observer, Stage};

#[test]
fn a_small_segment_has_codes_only_and_a_smaller_tail_is_none() {
    let mut shelf = Shelf::new(&clustered(300, 8, 11));
    shelf.options.graph_from = 200;
    shelf.options.tail_max = 50;
    assert_eq!(shelf.update_to(49).n_segments, 0);
    assert!(!shelf.folder().exists());
    assert_eq!(shelf.update_to(50).n_segments, 1);
    let plan = |n: usize| {
        let index = Index::open(&shelf.folder(), &SPACE, Arc::new(shelf.first(n)));
        index.plan(&by(Mode::Graph, 10)).route
    };
    assert_eq!(plan(50), Route::Exact);
    assert_eq!(shelf.update_to(200).n_segments, 1);
    assert_eq!(plan(200), Route::Graph { ef: EF_SEARCH });
    assert_eq!(shelf.update_to(249).tail_rows, 49);
    assert_eq!(shelf.update_to(250).tail_rows, 0);
}

#[test]
fn an_update_with_nothing_to_do_does_nothing() {
    struct Surprised;
    impl Observer for Surprised {
        fn begin(&self, _: Stage, _: Option<u64>) {
            panic!("nothing was to be built");
        }
    }
    let shelf = Shelf::built(300, 8);
    let before = shelf.segment().metadata().unwrap().modified().unwrap();
    let stats = update(
        &shelf.folder(),
        &SPACE,
        &shelf.rows,
        &shelf.options,
        &Surprised,
    )
    .unwrap();
    assert_eq!(stats, shelf.open().stats());
    assert_eq!(
        shelf.segment().metadata().unwrap().modified().unwrap(),
        before
    );
}

#[test]
fn any_number_of_threads_builds_the_same_bytes() {
    let build = |threads| {
        let mut shelf = Shelf::new(&clustered(3000, 24, 11));
        shelf.options.threads = threads;
        shelf.update();
        fs::read(shelf.segment()).unwrap()
    };
    let alone = build(1);
    assert!(alone == build(1) && alone == build(2) && alone == build(5));
}

#[test]
fn leftovers_are_removed_and_nothing_else() {
    let shelf = Shelf::built(60, 8);
    let before = files(&shelf.folder());
    let leftovers = [
        "segment-9-9.graph",
        "segment-0-99.graph.unfinished",
        "manifest.json.unfinished",
    ];
    for name in leftovers.iter().chain(&["notes.txt"]) {
        fs::write(shelf.folder().join(name), "x").unwrap();
    }
    shelf.update();
    let mut after = files(&shelf.folder());
    assert!(after.remove("notes.txt"));
    assert_eq!(after, before);
}

/// Asks to stop once this many rows have been inserted.
struct StopsAfter(u64, AtomicU64);

impl Observer for StopsAfter {
    fn advance(&self, n: u64) {
        self.1.fetch_add(n, Ordering::Relaxed);
    }
    fn stop_requested(&self) -> bool {
        self.1.load(Ordering::Relaxed) >= self.0
    }
}

#[test]
fn an_interrupted_build_leaves_what_was() {
    let shelf = Shelf::new(&clustered(3000, 8, 11));
    shelf.update_to(1000);
    let (names, manifest) = (files(&shelf.folder()), shelf.folder().join("manifest.json"));
    let before = fs::read(&manifest).unwrap();
    for n in [0, 1, 600, 2000] {
        let observer = StopsAfter(n, AtomicU64::new(0));
        let result = update(
            &shelf.folder(),
            &SPACE,
            &shelf.rows,
            &shelf.options,
            &observer,
        );
        assert!(matches!(result, Err(Error::Interrupted)), "after {n} rows");
        assert_eq!(files(&shelf.folder()), names);
        assert_eq!(fs::read(&manifest).unwrap(), before);
    }
    assert_eq!(shelf.open().stats().tail_rows, 2000);
    assert_eq!(shelf.update().tail_rows, 0);
}

#[test]
fn a_build_is_told_in_rows() {
    let shelf = Shelf::new(&clustered(1100, 8, 11));
    let observer = StopsAfter(u64::MAX, AtomicU64::new(0));
    update(
        &shelf.folder(),
        &SPACE,
        &shelf.rows,
        &shelf.options,
        &observer,
    )
    .unwrap();
    // Every row is linked, and then looked for.
    assert_eq!(observer.1.into_inner(), 2 * 1100);
}

#[test]
fn readers_answer_while_segments_merge() {
    let mut shelf = Shelf::new(&clustered(1500, 8, 11));
    shelf.options.tail_max = 50;
    shelf.update_to(100);
    let early = Index::open(&shelf.folder(), &SPACE, Arc::new(shelf.first(100)));
    let query = &shelf.queries(1)[0];
    let truth = early.search(query, &by(Mode::Exact, 10)).unwrap();
    let done = AtomicBool::new(false);
    let read = || {
        let mut opened = 0;
        while !done.load(Ordering::Relaxed) || opened == 0 {
            let index = shelf.open();
            assert_eq!(index.doubts(), &[] as &[String]);
            let found = index.search(query, &exhaustively(&index, 10)).unwrap();
            assert_eq!(found, index.search(query, &by(Mode::Exact, 10)).unwrap());
            opened += 1;
        }
    };
    std::thread::scope(|scope| {
        let reader = scope.spawn(read);
        for n in (100..=1500).step_by(50) {
            shelf.update_to(n);
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert!(!files(&shelf.folder()).contains("segment-0-100.graph"));
    let found = early.search(query, &exhaustively(&early, 10)).unwrap();
    assert_eq!(found, truth, "a mapped file outlives its name");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn segments_stay_few_and_the_work_n_log_n(
        batches in prop::collection::vec(1usize..5000, 1..120),
        tail_max in 1usize..3000,
    ) {
        let options = IndexOptions { tail_max, ..IndexOptions::default() };
        let (mut sizes, mut n_rows, mut n_built) = (Vec::new(), 0, 0);
        for batch in batches {
            n_rows += batch;
            if let Some(n_kept) = segments::segments_kept(&sizes, n_rows, &options) {
                sizes.truncate(n_kept);
                let size = n_rows - sizes.iter().sum::<usize>();
                n_built += size;
                sizes.push(size);
            }
            let ratio = n_rows as f64 / tail_max as f64;
            prop_assert!(sizes.windows(2).all(|pair| pair[0] >= 2 * pair[1]));
            prop_assert!(sizes.is_empty() || sizes.len() as f64 <= 1.0 + ratio.log2());
            let bound = n_rows as f64 * (1.0 + ratio.max(1.0).log(1.5));
            prop_assert!(n_built as f64 <= bound, "{n_built} rows were built for {n_rows}");
            let tail = n_rows - sizes.iter().sum::<usize>();
            prop_assert!(tail < tail_max);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn rows_that_come_and_go_are_found_as_in_a_plain_list(
        steps in prop::collection::vec((0usize..120, 0usize..40, any::<bool>()), 1..12),
        tail_max in 1usize..60,
        graph_from in 1usize..200,
        seed: u64,
    ) {
        let mut shelf = Shelf::new(&clustered(1500, 12, 11));
        (shelf.options.tail_max, shelf.options.graph_from) = (tail_max, graph_from);
        let mut dice = Dice::new(seed);
        let mut live = FixedBitSet::with_capacity(1500);
        let mut n_rows = 0;
        for (n_added, n_removed, is_updated) in steps {
            live.insert_range(n_rows..n_rows + n_added);
            n_rows += n_added;
            for _ in 0..n_removed.min(n_rows) {
                live.set(dice.below(n_rows), false);
            }
            if is_updated {
                shelf.update_to(n_rows);
            }
            let rows = Arc::new(shelf.first(n_rows));
            let index = Index::open(&shelf.folder(), &SPACE, Arc::clone(&rows));
            prop_assert_eq!(index.doubts(), Vec::<String>::new());
            let query = dice.direction(12);
            let mut plain: Vec<(f32, u32)> = live
                .ones()
                .map(|row| (dot(&query, &rows.vector(Row(row as u32)).unwrap()), row as u32))
                .collect();
            plain.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let k = 1 + dice.below(20);
            for mode in [Mode::Auto, Mode::Exact, Mode::Graph] {
                let options = SearchOptions {
                    allowed: Some(&live),
                    ef_search: Some(n_rows.max(1)),
                    ..by(mode, k)
                };
                let found = index.search(&query, &options).unwrap();
                let rows: Vec<u32> = found.iter().take(k).map(|n| n.row.0).collect();
                let wanted: Vec<u32> = plain.iter().take(k).map(|(_, row)| *row).collect();
                prop_assert_eq!(rows, wanted, "{:?}", mode);
            }
        }
    }
}
