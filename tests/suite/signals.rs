//! One signal ends whatever waits for others: a pipe that says nothing or is not read, a file without an
//! end, a server that does not answer. A limit on the size of files is an error like any other.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use akin::dump::Source;
use akin::ingest::{self, BATCH_RECORDS};
use akin::library::Library;
use akin::progress::{Observer, Unobserved};

use crate::sandbox::{Ran, Sandbox, data, papers, tiny_model};

const SIGNALS: [&str; 3] = ["TERM", "INT", "HUP"];

/// How long a process is given to come to where it waits.
const START: Duration = Duration::from_millis(900);

/// How long it may take to end; more than it needs, for machines that are busy.
const END: Duration = Duration::from_secs(4);

/// A pipe with a name that nobody closes as long as the file is held.
fn pipe(sandbox: &Sandbox, name: &str) -> (String, File) {
    let path = sandbox.path(name);
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let held = File::options().read(true).write(true).open(&path).unwrap();
    (path.display().to_string(), held)
}

fn signal(child: &Child, name: &str) {
    let to = [format!("-{name}"), child.id().to_string()];
    assert!(Command::new("kill").args(to).status().unwrap().success());
}

/// Asks to stop when it has been asked for the time that is given.
struct StopsAt(u32, AtomicU32);

impl Observer for StopsAt {
    fn stop_requested(&self) -> bool {
        self.1.fetch_add(1, Ordering::Relaxed) + 1 >= self.0
    }
}

#[test]
fn a_stop_is_obeyed_between_the_records_of_a_batch() {
    const N_ASKED: u32 = 50;
    let sandbox = Sandbox::new();
    let n_records = BATCH_RECORDS - 1;
    let records: String = (0..n_records)
        .map(|i| {
            format!("{{\"id\":\"k{i}\",\"title\":\"One title\",\"abstract\":\"Text {i}.\"}}\n")
        })
        .collect();
    let dump = sandbox.file("dump.jsonl", records);
    let sources = [Source::from_arg(Path::new(&dump))];
    let observer = StopsAt(N_ASKED, AtomicU32::new(0));
    let report = ingest::rehearse(None, &sources, &Default::default(), &observer).unwrap();
    assert!(report.stopped, "{report:?}");
    assert_eq!(report.counts.n_read, 0, "a batch is whole or not begun");
    assert!(
        observer.1.into_inner() <= N_ASKED + 2,
        "and no record after it is looked at"
    );
    let report = ingest::rehearse(None, &sources, &Default::default(), &Unobserved).unwrap();
    assert_eq!(report.counts.n_stored, n_records as u64);
}

/// Whether it ends by itself or by the signal, soon after one of these.
#[track_caller]
fn ends_at_one(mut child: Child, name: &str, what: &[&str]) {
    assert!(child.try_wait().unwrap().is_none(), "{what:?} did not wait");
    signal(&child, name);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > END {
            child.kill().unwrap();
            panic!("SIG{name} does not end {what:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(
        matches!(status.code(), None | Some(130)),
        "{what:?}: {status}"
    );
}

#[test]
fn one_signal_ends_what_waits_for_input_and_gives_the_lock_back() {
    let sandbox = Sandbox::new();
    let good = sandbox.file("good.jsonl", papers(&[("a", "Graphs", "A text.")]));
    sandbox.add(&[&good]);
    let (fifo, _held) = pipe(&sandbox, "fifo");
    let queries = sandbox.file("queries.jsonl", "{\"_id\":\"q\",\"text\":\"graphs\"}\n");
    let qrels = sandbox.file("qrels.txt", "q 0 a 1\n");
    let model = tiny_model();
    let commands: [&[&str]; 11] = [
        &["add", "-", "--model", &model],
        &["add", &fifo, "--model", &model],
        &["add", "--dry-run", "-"],
        &["add", "--format", "ris", "/dev/zero", "--model", &model],
        &["add", "--format", "ris", "--dry-run", "/dev/zero"],
        &["embed", "-", "--model", &model],
        &["search", "--in", &fifo, "graphs", "--model", &model],
        &["search", "-"],
        &["related", "--file", &fifo],
        &["follow", "import", "-"],
        &[
            "eval",
            "--corpus",
            &fifo,
            "--queries",
            &queries,
            "--qrels",
            &qrels,
            "--model",
            &model,
        ],
    ];
    for name in SIGNALS {
        let children: Vec<(Child, &[&str])> = commands
            .iter()
            .map(|args| (sandbox_of_its_own(&sandbox, args), *args))
            .collect();
        std::thread::sleep(START);
        for (child, args) in children {
            ends_at_one(child, name, args);
        }
    }
    let (second, _held) = pipe(&sandbox, "second");
    let mut child = sandbox.spawn(&["add", &second, "--model", &model]);
    std::thread::sleep(START);
    signal(&child, "TERM");
    child.wait().unwrap();
    sandbox.add(&[&good]);
}

#[test]
fn a_hangup_that_is_to_be_ignored_ends_nothing() {
    let sandbox = Sandbox::new();
    let (fifo, _held) = pipe(&sandbox, "fifo");
    let akin = sandbox.command(&["add", "--dry-run", &fifo]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    shell.arg(akin.get_program()).args(akin.get_args());
    for (name, value) in akin.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let mut child = shell.stdin(Stdio::null()).spawn().unwrap();
    std::thread::sleep(START);
    signal(&child, "HUP");
    std::thread::sleep(START);
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    ends_at_one(child, "TERM", &["add", "--dry-run"]);
}

#[test]
fn a_text_without_an_end_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("good.jsonl", papers(&[("a", "Graphs", "A text.")]))]);
    for args in [
        &["related", "--file", "/dev/zero"][..],
        &["follow", "import", "/dev/zero"],
    ] {
        let ran = sandbox.akin(args).exits(2);
        assert!(ran.stderr.contains("longer than 64 MiB"), "{ran:?}");
    }
}

/// Starts a command with a library of its own beside those of others, and an idle stdin.
fn sandbox_of_its_own(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = sandbox.command(args);
    if matches!(args[0], "add") {
        let own = tempfile::tempdir_in(sandbox.path("")).unwrap().keep();
        command.env("AKIN_LIBRARY", own.join("library"));
    }
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::null());
    pipes.stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn what_was_committed_before_a_signal_is_kept() {
    let sandbox = Sandbox::new();
    let (fifo, mut held) = pipe(&sandbox, "fifo");
    let child = sandbox.spawn(&["add", &fifo, "--model", &tiny_model()]);
    let n_papers = || {
        let library = Library::open(&sandbox.library());
        library.map_or(0, |library| library.status().unwrap().n_papers)
    };
    let line = |n| format!(r#"{{"id":"p{n}","title":"Paper {n}","abstract":"It is about {n}."}}"#);
    let n_batches = 30;
    let n_lines = n_batches * BATCH_RECORDS + 10;
    for n in 0..n_lines {
        writeln!(held, "{}", line(n)).unwrap();
    }
    let begun = Instant::now();
    while n_papers() < (n_batches as u64 - 1) * BATCH_RECORDS as u64 {
        assert!(begun.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(START);
    let before = n_papers();
    signal(&child, "TERM");
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(130);
    assert!(ran.stdout.contains("Run the same command again"), "{ran:?}");
    // The batch that was embedded and waited for the next one is stored, too.
    assert!(
        before > 0 && n_papers() >= before,
        "{before}, {}",
        n_papers()
    );
    assert_eq!(n_papers(), (n_batches * BATCH_RECORDS) as u64);
}

#[test]
fn one_signal_ends_what_waits_for_a_reader_or_a_server() {
    let sandbox = Sandbox::new();
    let dump = data("arxiv-1000.jsonl").display().to_string();
    // It takes connections, and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let good = sandbox.file("good.jsonl", papers(&[("a", "Graphs", "A text.")]));
    sandbox.add(&[&good]);
    sandbox.akin(&["follow", "add", "all", "graphs"]).exits(0);
    let add = ["subscribe", "add", "ada@example.org", "--at", "00:00"];
    sandbox.akin(&[&add[..], &["--now", "2026-03-01T08:00Z"]].concat());
    let port = silent.local_addr().unwrap().port();
    let config = format!(
        "[mail]\nfrom = \"bot@lab.example\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n"
    );
    sandbox.file("config/akin/config.toml", config);
    let model = tiny_model();
    let mail = [
        "digest",
        "--to",
        "smtp",
        "--even-if-empty",
        "--subscriber",
        "ada@example.org",
    ];
    for (args, name) in [
        (&["embed", &dump, "--model", &model][..], "TERM"),
        (&["embed", &dump, "--model", &model], "INT"),
        (
            &[
                "pull",
                "arxiv",
                "--set",
                "cs",
                "--base",
                &address,
                "--from",
                "2026-01-01",
            ],
            "TERM",
        ),
        (&["model", "fetch", "org/name"], "HUP"),
        (&mail, "TERM"),
    ] {
        let mut command = sandbox.command(args);
        command.env("HF_ENDPOINT", &address);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let _unread = child.stdout.take();
        std::thread::sleep(2 * START);
        ends_at_one(child, name, args);
    }
    sandbox.add(&[&good]);
}

#[test]
fn one_signal_ends_what_waits_for_a_pipe_that_nobody_reads() {
    let sandbox = Sandbox::new();
    let dump = data("arxiv-1000.jsonl").display().to_string();
    let bad = sandbox.file(
        "bad.jsonl",
        papers(&[("a", "Graphs", "A text.")]) + "no record\n",
    );
    let beir = data("formats/beir").display().to_string();
    let model = tiny_model();
    let pipe_named = |name: &str| {
        let path = sandbox.path(name);
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        path.display().to_string()
    };
    let pipe = pipe_named("nobody");
    let (unread, _held) = self::pipe(&sandbox, "unread");
    for (args, name) in [
        (
            &["embed", &dump, "-o", &pipe, "--model", &model][..],
            "TERM",
        ),
        (&["embed", &dump, "-o", &unread, "--model", &model], "INT"),
        (&["eval", &beir, "--run", &pipe, "--model", &model], "HUP"),
        (
            &["add", &bad, "--rejected", &pipe, "--model", &model],
            "TERM",
        ),
    ] {
        let child = sandbox.spawn(args);
        std::thread::sleep(3 * START);
        ends_at_one(child, name, args);
    }
    sandbox.add(&[&dump]);
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let sandbox = Sandbox::new();
    let dump = data("arxiv-1000.jsonl").display().to_string();
    let model = tiny_model();
    for n_blocks in [40, 200, 1000] {
        let args = ["add", &dump, "--model", &model];
        let whole = sandbox.command(&args);
        let mut command = Command::new("sh");
        let limited = format!("ulimit -f {n_blocks}; exec \"$0\" \"$@\"");
        command.args(["-c", &limited]).arg(whole.get_program());
        command.args(whole.get_args()).stdin(Stdio::null());
        for (name, value) in whole.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let ran = Ran::of(command.output().unwrap()).exits(2);
        assert!(ran.stderr.contains("error: "), "{n_blocks}: {ran:?}");
    }
    sandbox.add(&[&dump]);
    assert_eq!(sandbox.akin(&["check"]).exits(0).code, Some(0));
}
