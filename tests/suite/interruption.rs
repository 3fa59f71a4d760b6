//! Kills and Ctrl-C during `add`: nothing committed is lost, and running it again ends where an
//! undisturbed run does.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use akin::ingest::BATCH_RECORDS;
use akin::library::Library;
use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, data, is_full, tiny_model};

/// How often `add` is killed.
fn n_kills() -> u32 {
    if is_full() { 200 } else { 24 }
}

/// Every paper with its text hash and the numbers of its embedding.
type State = BTreeMap<String, (String, Vec<f32>)>;

fn state(sandbox: &Sandbox) -> State {
    let library = Library::open(&sandbox.library()).unwrap();
    let rows = library.rows().unwrap();
    let paper = |id: &akin::paper::PaperId| {
        let stored = library.find(id.as_str()).unwrap();
        let vector = rows.vector(stored.row.unwrap()).unwrap();
        (
            id.to_string(),
            (format!("{:?}", stored.paper.text_hash()), vector),
        )
    };
    library.ids().unwrap().iter().map(paper).collect()
}

/// Adds the sample and kills the process after a while; whether it was killed before its end.
fn killed_after(sandbox: &Sandbox, dump: &str, pause: Duration) -> bool {
    let model = tiny_model();
    let mut command = sandbox.command(&["add", dump, "--model", &model, "--threads", "1"]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

#[test]
fn an_add_killed_at_any_instant_goes_on_and_ends_as_an_undisturbed_one() {
    let dump = data("arxiv-1000.jsonl").display().to_string();
    let undisturbed = Sandbox::new();
    let start = std::time::Instant::now();
    undisturbed.add(&[&dump]);
    let whole = start.elapsed();
    let expected = state(&undisturbed);
    assert_eq!(expected.len(), 1000);

    let mut n_killed = 0;
    for kill in 0..n_kills() {
        let sandbox = Sandbox::new();
        n_killed += u64::from(killed_after(&sandbox, &dump, whole * kill / n_kills()));
        let committed = Library::open(&sandbox.library())
            .map_or(0, |library| library.status().unwrap().n_papers);
        assert!(committed.is_multiple_of(BATCH_RECORDS as u64) || committed == 1000);
        let embedded = Library::open(&sandbox.library())
            .map_or(0, |library| library.status().unwrap().n_embedded);
        let report = sandbox.add(&[&dump]);
        assert_eq!(report["embedded"], 1000 - embedded, "kill {kill}: {report}");
        assert_eq!(state(&sandbox), expected, "kill {kill}");
    }
    println!(
        "{n_killed} of {} adds were killed before their end",
        n_kills()
    );
    assert!(n_killed > 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_done_and_says_how_to_go_on() {
    const N_PAPERS: u64 = 30_000;
    let sandbox = Sandbox::new();
    let line = |n| format!(r#"{{"id":"p{n}","title":"Paper {n}","abstract":"It is about {n}."}}"#);
    let lines: Vec<String> = (0..N_PAPERS).map(line).collect();
    let dump = sandbox.file("many.jsonl", lines.join("\n"));
    let model = tiny_model();
    let mut command = sandbox.command(&["add", &dump, "--model", &model, "--threads", "1"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let n_papers = || {
        let library = Library::open(&sandbox.library());
        library.map_or(0, |library| library.status().unwrap().n_papers)
    };
    while n_papers() == 0 {
        std::thread::yield_now();
    }
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let ran = Ran::of(output).exits(130);
    assert!(ran.stdout.contains("Run the same command again"), "{ran:?}");
    let n_papers = n_papers();
    assert!(n_papers > 0 && n_papers < N_PAPERS, "{n_papers} papers");
    let read = ran.stdout["read ".len()..]
        .split(':')
        .next()
        .unwrap()
        .replace(',', "");
    assert_eq!(read.parse::<u64>().unwrap(), n_papers, "{ran:?}");
    let embedded = Library::open(&sandbox.library()).unwrap();
    let embedded = embedded.status().unwrap().n_embedded;
    assert_eq!(sandbox.add(&[&dump])["embedded"], N_PAPERS - embedded);
}

#[test]
fn what_cannot_be_read_is_complained_of_and_the_rest_is_added() {
    let sandbox = Sandbox::new();
    let good = data("formats/generic.jsonl").display().to_string();
    let model = tiny_model();
    let ran = sandbox
        .akin(&["add", "--json", "--model", &model, "no-such-file", &good])
        .exits(2);
    let report: &Value = &ran.json()[0];
    assert_eq!(report["stored"], 5);
    assert_eq!(report["failed"][0], "no-such-file");
    assert!(ran.stderr.contains("no-such-file"), "{ran:?}");
}
