//! A place of its own for each test: the program with its folders in a temporary one, and the
//! small data of the repository.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use akin::library::{Batch, Change, IngestCounts, Space, Writer};
use akin::paper::Paper;
use serde_json::Value;
use tempfile::TempDir;

/// What would lead the program to models or tokens outside of the sandbox.
const OF_THE_HUB: &[&str] = &[
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
];
/// What would put others between the program and a server of a test.
const OF_PROXIES: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
];

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Copies a folder with all that is in it into another, which is made.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, target).unwrap()),
        }
    }
}

/// Whether every fault is to be tried.
pub(crate) fn is_full() -> bool {
    std::env::var("AKIN_FAULTS").is_ok_and(|wish| wish == "full")
}

/// A tiny random model: its answers mean nothing, but it embeds thousands of papers a second.
pub(crate) fn tiny_model() -> String {
    data("models/tiny-bert-cls").display().to_string()
}

/// The program, with home, cache, config and library in a temporary folder.
pub(crate) struct Sandbox {
    dir: TempDir,
}

/// What one run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        Sandbox {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.path("library")
    }

    /// Writes a file and gives its path as an argument.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_akin"));
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_CONFIG_HOME", "config"),
            ("AKIN_LIBRARY", "library"),
        ] {
            command.env(name, self.path(folder));
        }
        for name in OF_THE_HUB.iter().chain(OF_PROXIES) {
            command.env_remove(name);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    pub(crate) fn akin(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Runs with text on stdin.
    pub(crate) fn akin_with_stdin(&self, args: &[&str], stdin: &[u8]) -> Ran {
        Ran::of(self.piped(args, stdin))
    }

    /// Runs between two pipes, as bytes.
    pub(crate) fn piped(&self, args: &[&str], stdin: &[u8]) -> Output {
        use std::io::Write;
        let mut child = self.spawn(args);
        let mut pipe = child.stdin.take().unwrap();
        let stdin = stdin.to_owned();
        // The program may end before it has read everything.
        let writer = std::thread::spawn(move || pipe.write_all(&stdin));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        output
    }

    /// Starts it between three pipes.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Adds dumps with the tiny model, and gives the report.
    pub(crate) fn add(&self, dumps: &[&str]) -> Value {
        let model = tiny_model();
        let mut args = vec!["add", "--json", "--model", &model];
        args.extend(dumps);
        let ran = self.akin(&args);
        assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
        ran.json().remove(0)
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code, and goes on.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// stdout as JSON Lines.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The ids of the papers printed as JSON Lines.
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<String> {
        let id = |paper: &Value| paper["id"].as_str().unwrap().to_owned();
        self.json().iter().map(id).collect()
    }
}

/// JSON Lines of papers with an id, a title and an abstract each.
pub(crate) fn papers(papers: &[(&str, &str, &str)]) -> String {
    let line = |(id, title, text): &(&str, &str, &str)| {
        serde_json::json!({ "id": id, "title": title, "abstract": text }).to_string() + "\n"
    };
    papers.iter().map(line).collect()
}

/// A library of papers whose embeddings are given, in a space that no model made.
pub(crate) fn library_of(root: &Path, papers: Vec<(Paper, Vec<f32>)>) -> Writer {
    let mut writer = Writer::open_or_create(root, "the test").unwrap();
    let space = Space {
        name: "given".to_owned(),
        fingerprint: [7; 32],
        dim: papers[0].1.len(),
        recipe: "{}".to_owned(),
        source: "{}".to_owned(),
    };
    writer.create_space(space).unwrap();
    let change = |paper: Paper| Change {
        wants_embedding: true,
        ..Change::new(paper, Vec::new())
    };
    let (papers, embeddings): (Vec<Paper>, Vec<Vec<f32>>) = papers.into_iter().unzip();
    let run = writer.begin_ingest(&[]).unwrap();
    let batch = Batch {
        changes: papers.into_iter().map(change).collect(),
        ..Batch::default()
    };
    let counts = IngestCounts::default();
    writer.commit(&batch, &embeddings, (run, &counts)).unwrap();
    writer
}
