//! Kills before every call to the system that writes: not where the program thinks that it can be cut
//! off, but wherever it can be.
//!
//! `strace` counts the calls of each kind and kills the program before the nth of them. Where there is
//! none, or it may not trace, the test says that it was skipped.
//!
//! After each kill the library must be whole but for left-over files, the same command must go on to
//! the state that it would have come to, and a repair must find nothing to complain of, before it or after.

use std::fs;
use std::path::Path;
use std::process::Command;

use akin::index::lexical::Lexical;
use akin::library::Library;
use akin_testing::require::missing;
use serde_json::Value;

use super::{State, is_full, state};
use crate::sandbox::{Ran, Sandbox, copy, data, tiny_model};

/// The calls that put something on the disk.
const CALLS: [&str; 13] = [
    "write",
    "pwrite64",
    "writev",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "mkdir",
];

/// Of how many calls of a kind one is tried by default.
const TRIED: usize = 9;

/// What a library comes to: its papers with their embeddings, and what its words are of.
#[derive(Debug, PartialEq)]
struct Whole {
    papers: State,
    words: Vec<(String, u32)>,
}

fn whole(root: &Path) -> Whole {
    let library = Library::open(root).unwrap();
    let lexical = Lexical::open(&library.lexical_dir(), library.number().unwrap()).unwrap();
    lexical.verify().unwrap();
    let held = lexical.stamps().unwrap();
    let id_of = |key: u64| {
        let paper = library.paper(akin::library::PaperKey(key as i64)).unwrap();
        paper.unwrap().0.id.to_string()
    };
    let mut words: Vec<_> = held
        .iter()
        .map(|(key, stamp)| (id_of(*key), *stamp))
        .collect();
    words.sort();
    Whole {
        papers: state(root),
        words,
    }
}

/// A command on a library, and the library before it.
struct Work<'a> {
    sandbox: &'a Sandbox,
    before: std::path::PathBuf,
    args: Vec<&'a str>,
    expected: Whole,
}

impl Work<'_> {
    /// Runs the command until its `nth` call of a kind; whether it came to that.
    fn dies_before(&self, call: &str, nth: usize) -> bool {
        self.reset();
        let traced = self.sandbox.command(&self.args);
        let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
        let trace = format!("trace={call}");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject]);
        strace.arg(traced.get_program()).args(traced.get_args());
        for (name, value) in traced.get_envs() {
            match value {
                Some(value) => strace.env(name, value),
                None => strace.env_remove(name),
            };
        }
        Ran::of(strace.output().unwrap()).code != Some(0)
    }

    fn reset(&self) {
        fs::remove_dir_all(self.sandbox.library()).ok();
        if self.before.exists() {
            copy(&self.before, &self.sandbox.library());
        }
    }

    /// What a check finds, but for left-over files and for what is not there yet.
    fn faults(&self) -> Vec<String> {
        let ran = self.sandbox.akin(&["check", "--json"]);
        let [report] = &ran.json()[..] else {
            return Vec::new();
        };
        let findings = report["findings"].as_array().unwrap().iter();
        let is_fault = |finding: &&Value| finding["kind"] != "leftover";
        let findings = findings
            .filter(is_fault)
            .map(|finding| finding["message"].to_string());
        let doubts = report["index_doubts"]
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string);
        let words = Some(&report["lexical_doubt"]).filter(|doubt| !doubt.is_null());
        findings
            .chain(doubts)
            .chain(words.map(Value::to_string))
            .collect()
    }

    /// Whether a command that was killed has been completed: one that removes papers says that there
    /// are none where it had come so far.
    fn is_done(&self, ran: &Ran) -> bool {
        let has_removed = self.args[0] == "remove" && ran.stderr.contains("no paper");
        ran.code == Some(0) || has_removed
    }

    /// Holds what a kill left against what was promised.
    fn hold(&self, context: &str) {
        let root = self.sandbox.library();
        let is_there = Library::open(&root).is_ok();
        if is_there {
            assert_eq!(self.faults(), [""; 0], "{context}: check");
        }
        let killed = self.sandbox.path("killed");
        fs::remove_dir_all(&killed).ok();
        if root.exists() {
            copy(&root, &killed);
        }
        let again = self.sandbox.akin(&self.args);
        assert!(self.is_done(&again), "{context}: again: {again:?}");
        assert_eq!(whole(&root), self.expected, "{context}: again");
        let repair = self.sandbox.akin(&["check", "--repair"]);
        assert_eq!(repair.code, Some(0), "{context}: repair after: {repair:?}");
        assert_eq!(whole(&root), self.expected, "{context}: repair after");
        if !is_there {
            return;
        }
        fs::remove_dir_all(&root).unwrap();
        copy(&killed, &root);
        let repair = self.sandbox.akin(&["check", "--repair"]);
        assert_eq!(repair.code, Some(0), "{context}: repair before: {repair:?}");
        let again = self.sandbox.akin(&self.args);
        assert!(
            self.is_done(&again),
            "{context}: again after a repair: {again:?}"
        );
        assert_eq!(
            whole(&root),
            self.expected,
            "{context}: again after a repair"
        );
    }

    /// Kills the command before its calls, all of them or some; how often.
    fn kill_everywhere(&self, name: &str) -> usize {
        let mut n_kills = 0;
        for (place, call) in CALLS.iter().enumerate() {
            // By default other calls in every run of the tests' life would be hard to come back to.
            let step = if is_full() { 1 } else { TRIED };
            let first = if is_full() { 1 } else { 1 + place % TRIED };
            for nth in (first..).step_by(step) {
                if !self.dies_before(call, nth) {
                    break;
                }
                self.hold(&format!("{name}, killed before {call} {nth}"));
                n_kills += 1;
            }
        }
        n_kills
    }
}

fn can_trace() -> bool {
    let probe = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .output();
    probe.is_ok_and(|output| output.status.success())
}

#[test]
fn a_command_that_is_killed_before_any_call_that_writes_goes_on_when_it_is_run_again() {
    if !can_trace() {
        missing("strace", "strace is not there, or may not trace");
        return;
    }
    let sandbox = Sandbox::new();
    let dump = fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let lines = |range: std::ops::Range<usize>| -> Vec<Value> {
        let taken = dump.lines().skip(range.start).take(range.len());
        taken
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let file = |name: &str, papers: &[Value]| {
        let text: String = papers
            .iter()
            .map(|paper| paper.to_string() + "\n")
            .collect();
        sandbox.file(name, text)
    };
    let first = file("day.jsonl", &lines(0..80));
    let mut next = lines(70..90);
    for paper in &mut next[..5] {
        paper["abstract"] = "Quite another abstract, of other words.".into();
        paper["update_date"] = "2026-05-17".into();
    }
    let second = file("later/day.jsonl", &next);
    let gone: Vec<String> = lines(3..8)
        .iter()
        .map(|p| p["id"].as_str().unwrap().to_owned())
        .collect();
    let tiny = tiny_model();
    let other = data("models/tiny-mpnet").display().to_string();
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    let works: [(&str, Vec<&str>); 5] = [
        (
            "a first add",
            vec!["add", &first, "--model", &tiny, "--threads", "1"],
        ),
        ("an add of changes", vec!["add", &second, "--threads", "1"]),
        ("a removal", [&["remove"], &gone[..]].concat()),
        ("a compaction", vec!["compact"]),
        (
            "another model",
            vec!["model", "use", &other, "--threads", "1"],
        ),
    ];
    let mut n_kills = 0;
    for (place, (name, args)) in works.into_iter().enumerate() {
        let before = sandbox.path(&format!("before-{place}"));
        if sandbox.library().exists() {
            copy(&sandbox.library(), &before);
        }
        let ran = sandbox.akin(&args);
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
        let after = sandbox.path("after");
        fs::remove_dir_all(&after).ok();
        copy(&sandbox.library(), &after);
        let work = Work {
            sandbox: &sandbox,
            before,
            args,
            expected: whole(&sandbox.library()),
        };
        n_kills += work.kill_everywhere(name);
        fs::remove_dir_all(sandbox.library()).unwrap();
        copy(&after, &sandbox.library());
    }
    eprintln!("{n_kills} kills");
    assert!(n_kills > 20, "{n_kills} kills");
}
