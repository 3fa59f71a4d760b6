//! A library of several people: what new files may be read and written by is what its folder and the
//! umask say, whoever makes them.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{Ran, Sandbox, tiny_model};

/// Runs with a umask.
fn with_umask(sandbox: &Sandbox, umask: &str, args: &[&str]) -> Ran {
    let akin = sandbox.command(args);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
    shell.arg(akin.get_program()).args(akin.get_args());
    for (name, value) in akin.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Ran::of(shell.output().unwrap())
}

fn everything_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything_in(&path, found);
        }
        found.push(path);
    }
}

/// Makes a library in a folder that hands its group on, with all that akin writes into one, and asserts
/// that each file and folder has these modes.
fn check(umask: &str, file: u32, folder: u32) {
    let sandbox = Sandbox::new();
    let library = sandbox.library();
    std::fs::create_dir(&library).unwrap();
    std::fs::set_permissions(&library, PermissionsExt::from_mode(0o2000 | folder)).unwrap();
    // So many that there is a background, and an abstract each, so that there are words.
    let line = |n: usize| {
        format!(
            "{{\"id\":\"2401.{n:05}\",\"title\":\"Stars {n}\",\"abstract\":\"Of {n} stars.\"}}\n"
        )
    };
    let dump = sandbox.file("dump.jsonl", (1..=80).map(line).collect::<String>());
    let bad = sandbox.file(
        "bad.jsonl",
        "{\"title\": \"No text, no id\"}\n{\"id\": \"x\"}\n",
    );
    let page = sandbox.path("page.html").display().to_string();
    let model = tiny_model();
    for args in [
        &["add", "--model", &model, &dump][..],
        &["add", &bad],
        &["follow", "add", "stars", "stars"],
        &["digest", "--to", "html", "--even-if-empty", "-o", &page],
        &["remove", "2401.00001"],
        &["compact"],
        &["add", &dump],
    ] {
        let ran = with_umask(&sandbox, umask, args);
        assert!(matches!(ran.code, Some(0 | 1)), "{args:?}: {ran:?}");
    }
    let mut found = vec![PathBuf::from(&page)];
    everything_in(&library, &mut found);
    assert!(found.len() > 12, "{found:?}");
    let group = library.metadata().unwrap().gid();
    for path in found {
        let meta = path.metadata().unwrap();
        let expected = if meta.is_dir() { folder } else { file };
        let mode = meta.mode() & 0o777;
        assert_eq!(
            mode,
            expected,
            "{}: {mode:o}, not {expected:o}",
            path.display()
        );
        assert_eq!(meta.gid(), group, "{}", path.display());
    }
}

#[test]
fn files_of_a_library_are_as_open_as_its_folder() {
    check("002", 0o664, 0o775);
    check("022", 0o644, 0o755);
    check("077", 0o600, 0o700);
}
