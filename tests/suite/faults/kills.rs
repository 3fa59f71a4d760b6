//! Kills at the named steps of writing.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use akin::library::Library;
use akin::step::{self, Event, Step};

use super::{check, digest, is_full, n_embedded, process_for, state};

/// Has each step written to a file as `step digest rows`, with the state that is committed by then
/// and the rows that count.
pub(super) fn log_steps(root: &Path, log: &Path) {
    let file = std::fs::File::create(log).unwrap();
    let root = root.to_owned();
    step::watch(move |event| {
        if let Event::Reached(step) = event {
            let library = Library::open(&root).ok();
            let rows = library.and_then(|library| library.rows().ok());
            let n_rows = rows.map_or(0, |rows| rows.len());
            writeln!(&file, "{step:?} {} {n_rows}", digest(&state(&root))).unwrap();
        }
    });
}

/// Has this process die at the `nth` step that it reaches, without a word to anybody.
pub(crate) fn die_at(nth: u64) {
    let reached = AtomicU64::new(0);
    step::watch(move |event| {
        if let Event::Reached(_) = event
            && reached.fetch_add(1, Ordering::SeqCst) == nth
        {
            std::process::abort();
        }
    });
}

#[test]
fn a_process_that_dies_at_any_step_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (undisturbed, log) = (folder.path().join("undisturbed"), folder.path().join("log"));
    let whole = n_embedded(&process_for(
        &undisturbed,
        &format!("log {}", log.display()),
    ));
    let expected = state(&undisturbed);
    check(&undisturbed, "undisturbed");
    let log = std::fs::read_to_string(&log).unwrap();
    let steps: Vec<Vec<&str>> = log.lines().map(|line| line.split(' ').collect()).collect();
    let last_of = |step: &Step| {
        let name = format!("{step:?}");
        let place = steps.iter().rposition(|reached| reached[0] == name);
        place.unwrap_or_else(|| panic!("the work never reaches {name}"))
    };
    let mut places: Vec<usize> = Step::ALL.iter().map(last_of).collect();
    let synced = (0..steps.len()).filter(|&place| steps[place][0] == "RowsSynced");
    places.extend(synced.take(2));
    if is_full() {
        places = (0..steps.len()).collect();
    }
    // What is removed is embedded anew when its dump is added again.
    let removal = last_of(&Step::RowsCopied) - 1;
    places.sort_unstable();
    places.dedup();
    for &place in &places {
        let [step, committed, n_rows] = steps[place][..] else {
            panic!("{:?} is no step", steps[place]);
        };
        let what = format!("killed at {place}, {step}");
        let root = folder.path().join(format!("killed-{place}"));
        let killed = process_for(&root, &format!("kill {place}"));
        assert!(!killed.status.success(), "{what}");
        assert_eq!(digest(&state(&root)), committed, "{what}: what is kept");
        check(&root, &what);
        let again = n_embedded(&process_for(&root, "none"));
        if place < removal {
            let n_rows: u64 = n_rows.parse().unwrap();
            assert_eq!(again, whole - n_rows, "{what}: embedded again");
        }
        assert!(state(&root) == expected, "{what}: the end");
        check(&root, &what);
        std::fs::remove_dir_all(&root).unwrap();
    }
    println!(
        "killed at {} of {} steps: nothing committed was lost",
        places.len(),
        steps.len()
    );
}
