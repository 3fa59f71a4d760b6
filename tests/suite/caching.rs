//! `akin cache`: what is kept of dumps, and giving it back.

use crate::sandbox::{Sandbox, papers, tiny_model};

fn search(sandbox: &Sandbox, dump: &str) {
    let model = tiny_model();
    let args = ["search", "--in", dump, "bees", "--model", &model, "--json"];
    assert_eq!(sandbox.akin(&args).exits(0).ids().len(), 2);
}

#[test]
fn caches_are_listed_and_cleaned() {
    let sandbox = Sandbox::new();
    let two = [
        ("1", "Bees over cities", "We counted bees."),
        ("2", "Bees in ports", "Bees."),
    ];
    sandbox.add(&[&sandbox.file("own.jsonl", papers(&two))]);
    let no_caches = sandbox.akin(&["check"]).exits(0).stdout;
    assert!(!no_caches.contains("caches"), "{no_caches}");
    let (a, b, c) = (
        sandbox.file("a.jsonl", papers(&two)),
        sandbox.file("b.jsonl", papers(&two)),
        sandbox.file("c.jsonl", papers(&two)),
    );
    for dump in [&a, &b, &c] {
        search(&sandbox, dump);
    }
    std::fs::remove_file(&b).unwrap();
    let list = || sandbox.akin(&["cache", "list", "--json"]).exits(0).json();
    let listed = list();
    assert_eq!(listed.len(), 3);
    assert_eq!(
        (&listed[0]["dumps"][0], &listed[0]["papers"]),
        (&a.as_str().into(), &2.into())
    );
    assert_eq!(
        listed
            .iter()
            .filter(|cache| cache["is_gone"] == true)
            .count(),
        1
    );
    assert!(
        listed
            .iter()
            .all(|cache| cache["bytes"].as_u64() > Some(1000))
    );
    let said = sandbox.akin(&["check"]).exits(0).stdout;
    assert!(
        said.contains("3 of dumps (a.jsonl, b.jsonl, c.jsonl)"),
        "{said}"
    );
    assert!(said.contains("the dumps of 1 are gone"), "{said}");

    sandbox.akin(&["cache", "clean", "--dry-run"]).exits(0);
    assert_eq!(list().len(), 3);
    let ran = sandbox.akin(&["cache", "clean"]).exits(0);
    assert!(ran.stdout.contains("b.jsonl (gone)"), "{ran:?}");
    assert_eq!(list().len(), 2);
    sandbox
        .akin(&["cache", "clean", "--older-than", "30d"])
        .exits(0);
    assert_eq!(list().len(), 2, "both were used today");
    sandbox.akin(&["cache", "clean", &a]).exits(0);
    assert_eq!(list().len(), 1);
    let ran = sandbox.akin(&["cache", "clean", &a]).exits(2);
    assert!(ran.stderr.contains("no cache of"), "{ran:?}");
    // It is made again.
    search(&sandbox, &a);
    sandbox.akin(&["cache", "clean", "--all"]).exits(0);
    assert_eq!(list().len(), 0);
    let left = std::fs::read_dir(sandbox.path("cache/akin/dumps"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
    search(&sandbox, &c);
}

#[test]
fn a_cache_that_is_being_written_stays() {
    let sandbox = Sandbox::new();
    let two = [
        ("1", "Bees over cities", "We counted bees."),
        ("2", "Bees in ports", "Bees."),
    ];
    let dump = sandbox.file("a.jsonl", papers(&two));
    search(&sandbox, &dump);
    let folder = sandbox.akin(&["cache", "list", "--json"]).exits(0).json()[0]["folder"].clone();
    let root = std::path::PathBuf::from(folder.as_str().unwrap());
    let lock = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(root.with_extension("lock"))
        .unwrap();
    lock.lock().unwrap();
    let ran = sandbox.akin(&["cache", "clean", "--all"]).exits(1);
    assert!(ran.stderr.contains("another akin is writing"), "{ran:?}");
    assert!(root.is_dir());
    drop(lock);
    sandbox.akin(&["cache", "clean", "--all"]).exits(0);
    assert!(!root.is_dir());
}
