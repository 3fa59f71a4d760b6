//! What is around the program goes wrong: no permission, files that vanish, the lock of a writer that
//! died, a clock that goes back.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use akin::library::{Library, Writer};
use akin_testing::require::missing;

use crate::sandbox::{Ran, Sandbox, data, papers, tiny_model};

const TWO: &[(&str, &str, &str)] = &[
    ("w1", "First", "The first abstract."),
    ("w2", "Second", "The second abstract."),
];

fn n_papers(sandbox: &Sandbox) -> u64 {
    let library = Library::open(&sandbox.library());
    library.map_or(0, |library| library.status().unwrap().n_papers)
}

/// Waits for something to become true, which is an error after a minute.
#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it never became so"
        );
        std::thread::yield_now();
    }
}

#[test]
fn the_lock_of_a_writer_that_was_killed_is_nobodys() {
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("two.jsonl", papers(TWO))]);
    let model = tiny_model();
    for _ in 0..3 {
        // It reads what never ends, so it holds the lock until it is killed.
        let mut child = sandbox.spawn(&["add", "-", "--model", &model]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(papers(TWO).as_bytes()).unwrap();
        let lock = sandbox.library().join("lock");
        let pid = format!("(process {})", child.id());
        wait_until(|| fs::read_to_string(&lock).is_ok_and(|who| who.contains(&pid)));
        let start = Instant::now();
        let refused = Writer::open(&sandbox.library(), "the test").unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(1));
        assert!(refused.to_string().contains(&pid), "{refused}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            fs::read_to_string(&lock).unwrap().contains(&pid),
            "it says who it was"
        );
        drop(Writer::open(&sandbox.library(), "the test").unwrap());
    }
    // Whatever else it says, by whatever program.
    for words in [&b"akin add (process 1)\n"[..], b"", b"\xff\xfe rubbish"] {
        fs::write(sandbox.library().join("lock"), words).unwrap();
        sandbox.akin(&["check"]).exits(0);
        drop(Writer::open(&sandbox.library(), "the test").unwrap());
    }
}

#[test]
fn a_dump_that_vanishes_before_its_turn_costs_only_itself() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let sample = fs::read(data("arxiv-1000.jsonl")).unwrap();
    let last = sandbox.file("last.jsonl", papers(TWO));
    let gone = sandbox.file("gone.jsonl", papers(&[("gone", "Gone", "Away.")]));
    let mut child = sandbox.spawn(&["add", "--json", "--model", &model, "-", &gone, &last]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&sample).unwrap();
    wait_until(|| n_papers(&sandbox) > 0);
    fs::remove_file(&gone).unwrap();
    drop(stdin);
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(2);
    let report = &ran.json()[0];
    assert_eq!(
        (&report["stored"], &report["read"]),
        (&1002.into(), &1002.into()),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("gone.jsonl"), "{ran:?}");
    assert_eq!(n_papers(&sandbox), 1002);
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn a_dump_that_shrinks_while_it_is_read_gives_what_was_read() {
    let sandbox = Sandbox::new();
    let sample = fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let line = |n: usize, line: &str| line.replacen("{\"", &format!("{{\"copy\":{n},\""), 1);
    let many: Vec<String> = (0..20)
        .flat_map(|n| sample.lines().map(move |l| line(n, l)))
        .collect();
    let dump = sandbox.file("shrinks.jsonl", many.join("\n"));
    let model = tiny_model();
    let child = sandbox.spawn(&["add", "--json", "--model", &model, &dump]);
    wait_until(|| n_papers(&sandbox) > 0);
    File::options()
        .write(true)
        .open(&dump)
        .unwrap()
        .set_len(100)
        .unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert!(matches!(ran.code, Some(0..=2)), "{ran:?}");
    let report = &ran.json()[0];
    let count = |name: &str| report[name].as_u64().unwrap();
    let parts = [
        "stored",
        "changed",
        "unchanged",
        "merged",
        "deleted",
        "rejected",
    ]
    .map(count);
    assert_eq!(count("read"), parts.iter().sum::<u64>(), "{report}");
    assert_eq!(n_papers(&sandbox), count("stored"));
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn a_file_of_the_library_that_vanishes_is_named_and_made_good() {
    let sandbox = Sandbox::new();
    let sample = data("arxiv-1000.jsonl").display().to_string();
    sandbox.add(&[&sample]);
    let open = Library::open(&sandbox.library()).unwrap();
    let rows = open.rows().unwrap();
    let path = rows.path().to_owned();
    let before = rows.vector(akin::vectors::Row(7)).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(
        rows.vector(akin::vectors::Row(7)).unwrap(),
        before,
        "a reader goes on"
    );
    drop((rows, open));
    let ran = sandbox.akin(&["search", "graphs"]).exits(2);
    for part in ["vectors-0.f16", "hint", "check --repair"] {
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
    sandbox.akin(&["check", "--repair"]).exits(0);
    let library = Library::open(&sandbox.library()).unwrap();
    assert_eq!(
        library
            .rows()
            .unwrap()
            .vector(akin::vectors::Row(7))
            .unwrap(),
        before
    );
    drop(library);
    // Without its database it is no library, and what is left is not overwritten.
    fs::remove_file(sandbox.library().join("papers.db")).unwrap();
    let left = fs::read_dir(sandbox.library().join("spaces"))
        .unwrap()
        .count();
    sandbox.akin(&["search", "graphs"]).exits(2);
    let ran = sandbox.akin(&["add", &sample, "--model", &tiny_model()]);
    assert!(
        ran.code == Some(2) && ran.stderr.contains("hint"),
        "{ran:?}"
    );
    assert_eq!(
        fs::read_dir(sandbox.library().join("spaces"))
            .unwrap()
            .count(),
        left
    );
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("two.jsonl", papers(TWO))]);
    let db = rusqlite::Connection::open(sandbox.library().join("papers.db")).unwrap();
    let future = "2999-01-01T00:00:00Z";
    db.execute("UPDATE ingests SET started = ?1, finished = ?1", [future])
        .unwrap();
    drop(db);
    let three = papers(&[
        TWO[0],
        ("w2", "Second", "Corrected."),
        ("w3", "Third", "New."),
    ]);
    let report = sandbox.add(&[&sandbox.file("later/two.jsonl", &three)]);
    let parts = ["stored", "changed", "unchanged"].map(|part| report[part].as_u64().unwrap());
    assert_eq!(parts, [1, 1, 1], "{report}");
    sandbox.akin(&["status"]).exits(0);
    sandbox.akin(&["check"]).exits(0);
    // A dump that was replaced by an older file is read again.
    let dump = sandbox.file("in.jsonl", papers(TWO));
    let found = || {
        let model = tiny_model();
        let args = [
            "search", "--in", &dump, "--model", &model, "--json", "first",
        ];
        let mut ids = sandbox.akin(&args).exits(0).ids();
        ids.sort();
        ids
    };
    assert_eq!(found(), ["w1", "w2"]);
    fs::write(&dump, papers(TWO).replace("w2", "x2")).unwrap();
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    File::options()
        .write(true)
        .open(&dump)
        .unwrap()
        .set_modified(past)
        .unwrap();
    assert_eq!(found(), ["w1", "x2"]);
}

#[cfg(unix)]
mod permissions {
    //! Runs as a user who owns nothing here, since permissions do not bind root.

    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::path::Path;

    use super::*;

    const NOBODY: u32 = 65534;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Runs the program as nobody, or as who runs the tests where that is not root.
    fn as_nobody(sandbox: &Sandbox, args: &[&str]) -> std::io::Result<Ran> {
        let mut command = sandbox.command(args);
        if fs::metadata(sandbox.path("")).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output().map(Ran::of)
    }

    /// Lets everybody into a folder and what is below it.
    fn open_up(path: &Path) {
        let is_folder = path.is_dir();
        set_mode(path, if is_folder { 0o777 } else { 0o666 });
        if is_folder {
            for entry in fs::read_dir(path).unwrap() {
                open_up(&entry.unwrap().path());
            }
        }
    }

    #[test]
    fn what_may_not_be_read_or_written_is_named_and_nothing_is_lost() {
        let sandbox = Sandbox::new();
        let dump = sandbox.file("two.jsonl", papers(TWO));
        let closed = sandbox.file("closed.jsonl", papers(&[("c", "Closed", "No.")]));
        let more = sandbox.file("more.jsonl", papers(&[("m", "More", "Yes.")]));
        sandbox.add(&[&dump]);
        let (library, model) = (sandbox.library(), tiny_model());
        let add = ["add", "--json", "--model", &model, &closed, &more];
        open_up(&sandbox.path(""));
        let ran = match as_nobody(&sandbox, &["search", "first", "--json"]) {
            Ok(ran) => ran,
            Err(error) => {
                let why = format!("the program cannot be run as another user ({error})");
                missing("second-user", &why);
                return;
            }
        };
        assert_eq!(ran.exits(0).ids().len(), 2);

        // A dump that may not be read: the other one is added.
        set_mode(Path::new(&closed), 0o000);
        let ran = as_nobody(&sandbox, &add).unwrap().exits(2);
        assert_eq!(ran.json()[0]["stored"], 1, "{ran:?}");
        for part in ["closed.jsonl", "ermission denied"] {
            assert!(ran.stderr.contains(part), "{ran:?}");
        }

        // A library that may be read and not written: it is searched, not changed.
        let spaces: Vec<_> = fs::read_dir(library.join("spaces")).unwrap().collect();
        let folders = [
            library.clone(),
            library.join("spaces"),
            spaces[0].as_ref().unwrap().path(),
        ];
        folders.iter().for_each(|folder| set_mode(folder, 0o555));
        for entry in fs::read_dir(&library).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                set_mode(&path, 0o444);
            }
        }
        let ran = as_nobody(&sandbox, &["search", "first", "--json"]).unwrap();
        assert_eq!(ran.exits(0).ids().len(), 3);
        for args in [
            &add[..],
            &["remove", "m"],
            &["compact"],
            &["check", "--repair"],
        ] {
            let ran = as_nobody(&sandbox, args).unwrap().exits(2);
            assert!(ran.stderr.contains("ermission denied"), "{args:?}: {ran:?}");
            assert!(ran.stderr.contains("library"), "{args:?}: {ran:?}");
        }
        as_nobody(&sandbox, &["check"]).unwrap().exits(0);
        open_up(&library);

        // Files of it that may not be read.
        let rows = Library::open(&library)
            .unwrap()
            .rows()
            .unwrap()
            .path()
            .to_owned();
        for path in [library.join("papers.db"), rows] {
            set_mode(&path, 0o000);
            let ran = as_nobody(&sandbox, &["search", "first"]).unwrap().exits(2);
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(ran.stderr.contains(&name), "{name}: {ran:?}");
            set_mode(&path, 0o666);
        }
        assert_eq!(as_nobody(&sandbox, &["check"]).unwrap().code, Some(0));
        assert_eq!(super::n_papers(&sandbox), 3);
    }
}
