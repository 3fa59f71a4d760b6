//! How the folder follows the rows: the rule, interruptions, leftovers, readers meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::progress::{Observer, Stage};

#[test]
fn a_small_space_needs_no_segment() {
    let mut shelf = Shelf::new(&clustered(300, 8, 11));
    shelf.options.exact_below = 200;
    shelf.options.tail_max = 50;
    assert_eq!(shelf.update_to(199).n_segments, 0);
    assert!(!shelf.folder().exists());
    assert_eq!(shelf.update_to(200).n_segments, 1);
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
fn one_thread_builds_the_same_bytes_every_time() {
    let build = || {
        let shelf = Shelf::built(1500, 24);
        fs::read(shelf.segment()).unwrap()
    };
    assert!(build() == build());
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
    assert_eq!(observer.1.into_inner(), 1100);
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
        exact_below in 0usize..20_000,
    ) {
        let options = IndexOptions { tail_max, exact_below, ..IndexOptions::default() };
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
            prop_assert!(n_rows < exact_below || tail < tail_max);
        }
    }
}
