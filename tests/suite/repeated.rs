//! A command that was cut off after it had done its work is run again: it says that it is done.

use akin::library::Writer;

use crate::sandbox::{Ran, Sandbox, papers, tiny_model};

fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines = [
        ("2401.00001", "Graphs", "A text of graphs."),
        ("2401.00002", "Trees", "A text of trees."),
    ];
    let dump = sandbox.file("d.jsonl", papers(&lines));
    sandbox.add(&[&dump]);
    sandbox
}

/// Runs it, and once more; what the second run says.
#[track_caller]
fn twice(sandbox: &Sandbox, args: &[&str]) -> String {
    sandbox.akin(args).exits(0);
    let Ran { stderr, .. } = sandbox.akin(args).exits(0);
    stderr
}

/// Runs what finds nothing, or not all, to remove; what it says.
#[track_caller]
fn gone(sandbox: &Sandbox, args: &[&str]) -> String {
    sandbox.akin(args).exits(1).stderr
}

#[test]
fn what_is_done_already_is_said_and_no_failure() {
    let sandbox = library();
    let add = ["follow", "add", "graphs", "graphs", "--category", "cs"];
    assert!(twice(&sandbox, &add).contains("is already followed"));
    // Another content under the name is another matter.
    let other = sandbox.akin(&["follow", "add", "graphs", "trees"]).exits(2);
    assert!(
        other.stderr.contains("there is one of this name"),
        "{other:?}"
    );
    let edit = [
        "follow", "edit", "graphs", "--rename", "nets", "neural", "nets",
    ];
    assert!(twice(&sandbox, &edit).contains("is already its name"));
    sandbox
        .akin(&["follow", "edit", "nobody", "--rename", "nets", "trees"])
        .exits(1);
    let file = sandbox.file(
        "follows.toml",
        "[[follow]]\nname = \"a\"\nquery = \"a\"\n[[follow]]\nname = \"b\"\nquery = \"b\"\n",
    );
    // Cut off after the first of them.
    sandbox.akin(&["follow", "add", "a", "a"]).exits(0);
    twice(&sandbox, &["follow", "import", &file]);
    let listed = sandbox.akin(&["follow", "list"]).exits(0).stdout;
    assert_eq!(listed, "a  a\nb  b\nnets  neural nets; in cs\n");
    // Cut off after the first of them, too.
    sandbox.akin(&["follow", "remove", "a"]).exits(0);
    let remove = ["follow", "remove", "a", "b"];
    assert!(gone(&sandbox, &remove).contains("nothing is followed as"));
    assert_eq!(
        sandbox
            .akin(&["follow", "list"])
            .exits(0)
            .stdout
            .lines()
            .count(),
        1
    );
    twice(
        &sandbox,
        &["subscribe", "add", "ada@example.org", "--follow", "nets"],
    );
    let remove = ["subscribe", "remove", "ada@example.org"];
    sandbox.akin(&remove).exits(0);
    assert!(gone(&sandbox, &remove).contains("nobody is subscribed"));
    twice(&sandbox, &["model", "use", &tiny_model(), "--dim", "16"]);
}

#[test]
fn records_that_are_apart_already_and_papers_that_are_restored_are_said_to_be() {
    let sandbox = library();
    let bib = "@article{graphs, title={Graphs}, author={Ada Lee}, abstract={A text of graphs.}, \
               doi={10.1000/graphs}, eprint={2401.00001}, archiveprefix={arXiv}}";
    let bib = sandbox.file("published.bib", bib);
    let gone = "{\"id\":\"2401.00003\",\"title\":\"Loops\",\"abstract\":\"This paper has been withdrawn \
                by the authors.\"}";
    let gone = sandbox.file("gone.jsonl", gone);
    sandbox.add(&[&bib, &gone]);
    let split = ["split", "2401.00001", "10.1000/graphs"];
    assert!(twice(&sandbox, &split).contains("already without them"));
    sandbox
        .akin(&["split", "2401.00001", "2401.00002"])
        .exits(1);
    assert!(twice(&sandbox, &["restore", "2401.00003"]).contains("is already restored"));
    sandbox.akin(&["restore", "2401.00002"]).exits(1);
}

#[test]
fn a_removal_that_was_cut_off_before_the_words_is_finished_by_the_next() {
    let sandbox = library();
    let library = akin::library::Library::open(&sandbox.library()).unwrap();
    let key = library.find("2401.00001").unwrap().key;
    drop(library);
    let mut writer = Writer::open(&sandbox.library(), "the test").unwrap();
    writer.remove(&[key]).unwrap();
    drop(writer);
    sandbox.akin(&["remove", "2401.00001"]).exits(1);
    let checked = sandbox.akin(&["check"]).exits(0).stdout;
    assert!(
        checked.contains("words      of 1 paper: whole"),
        "{checked}"
    );
}
