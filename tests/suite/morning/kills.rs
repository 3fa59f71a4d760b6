//! Kills while a digest is on its way: nothing is lost, and nothing is shown twice but under the same
//! Message-ID.
//!
//! The work runs in a process of its own, which is this test program again with one ignored test; what
//! it sends goes to a file, as to a server that takes everything. It makes the library, too: a lock of
//! this process would live on for an instant in whatever other tests are starting meanwhile.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use akin::digest::{self, DigestContext, DigestRequest, Follow, Sending, Since};
use akin::index::Index;
use akin::library::{Batch, Change, IngestCounts, Library, Writer};
use akin::paper::{Paper, PaperId};
use akin::search::Indexes;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::faults;
use crate::sandbox::library_of;
use akin_testing::Dice;

const ROOT: &str = "AKIN_DIGEST_ROOT";
const FAULT: &str = "AKIN_DIGEST_FAULT";

fn paper(number: usize) -> Paper {
    let id = PaperId::parse(&format!("p{number}")).unwrap();
    let mut paper = Paper::new(id, format!("Paper {number}"), "");
    paper.authors = vec!["Ada Example".to_owned()];
    paper
}

fn moment(day: usize) -> Timestamp {
    format!("2026-03-1{day}T07:00:00Z").parse().unwrap()
}

/// A library with a follow and a paper of before.
fn prepare(root: &Path) {
    let vector = Dice::new(1).direction(8);
    let mut writer = library_of(root, vec![(paper(0), vector)]);
    let follow = Follow {
        name: "ada".to_owned(),
        authors: vec!["ada".to_owned()],
        ..Follow::default()
    };
    writer
        .add_follow("ada", &follow.definition(), moment(0))
        .unwrap();
}

/// Three mornings with two new papers each; done again after it was cut off, it goes on.
fn mornings(root: &Path) {
    for day in 1..=3 {
        let mut writer = Writer::open(root, "the test").unwrap();
        for number in [2 * day - 1, 2 * day] {
            let library = Library::open(root).unwrap();
            if library.find(&format!("p{number}")).is_err() {
                store(&mut writer, number);
            }
        }
        let sending = Sending {
            now: moment(day),
            if_empty: false,
            one_at_a_time: false,
        };
        let compose = || compose(root, day);
        let mut send = |digest: &digest::Digest| {
            let outbox = root.parent().unwrap().join("outbox");
            let mut file = std::fs::File::options()
                .create(true)
                .append(true)
                .open(outbox)
                .unwrap();
            for entry in &digest.sections[0].entries {
                writeln!(file, "{} {}", digest.message_id, entry.brief.id).unwrap();
            }
            Ok(())
        };
        digest::deliver::<akin::Error>(&mut writer, "", &sending, compose, &mut send).unwrap();
    }
}

fn store(writer: &mut Writer, number: usize) {
    let change = Change {
        wants_embedding: true,
        ..Change::new(paper(number), Vec::new())
    };
    let batch = Batch {
        changes: vec![change],
        ..Batch::default()
    };
    let run = writer.begin_ingest(&[]).unwrap();
    let vector = Dice::new(number as u64 + 1).direction(8);
    writer
        .commit(&batch, &[vector], (run, &IngestCounts::default()))
        .unwrap();
}

fn compose(root: &Path, day: usize) -> akin::Result<digest::Digest> {
    let library = Library::open(root)?;
    let index = Index::open(
        &library.index_dir().unwrap(),
        &library.index_mark().unwrap(),
        library.rows()?,
    );
    let indexes = Indexes::dense(&library, &index);
    let today = moment(day).to_zoned(TimeZone::UTC).date();
    let desk = DigestContext::new(&indexes, None, today)?;
    digest::compose(
        &desk,
        &DigestRequest {
            reader: "",
            follows: library.follows()?,
            since: Since::Last,
            n_trending: 0,
            max: None,
            command: "akin digest",
            now: moment(day),
            time_zone: TimeZone::UTC,
            domain: "example.org",
        },
    )
}

fn process_for(root: &Path, fault: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "morning::kills::process",
        "--exact",
        "--ignored",
        "--nocapture",
    ]);
    command.env(ROOT, root).env(FAULT, fault).output().unwrap()
}

#[test]
#[ignore = "the process that the other test starts"]
fn process() {
    let (Ok(root), Ok(fault)) = (std::env::var(ROOT), std::env::var(FAULT)) else {
        return;
    };
    let root = PathBuf::from(root);
    if !root.exists() {
        prepare(&root);
    }
    if let Ok(nth) = fault.parse() {
        faults::die_at(nth);
    }
    mornings(&root);
}

#[test]
fn a_digest_survives_a_kill_at_any_step() {
    let (mut n_killed, mut n_doubled) = (0, 0);
    for nth in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("library");
        let first = process_for(&root, &nth.to_string());
        // A panic, after which a test program exits with 101, is no kill.
        assert_ne!(first.status.code(), Some(101), "{first:?}");
        let is_killed = !first.status.success();
        let again = process_for(&root, "none");
        assert!(again.status.success(), "{again:?}");
        let outbox = std::fs::read_to_string(folder.path().join("outbox")).unwrap();
        let mut messages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in outbox.lines() {
            let (message, id) = line.split_once(' ').unwrap();
            messages.entry(id).or_default().push(message);
        }
        let ids: Vec<&str> = messages.keys().copied().collect();
        assert_eq!(
            ids,
            ["p1", "p2", "p3", "p4", "p5", "p6"],
            "killed at {nth}: {outbox}"
        );
        for (id, sent) in &messages {
            assert!(
                sent.iter().all(|message| message == &sent[0]),
                "killed at {nth}: {id} {sent:?}"
            );
            n_doubled += usize::from(sent.len() > 1);
        }
        if !is_killed {
            break;
        }
        n_killed += 1;
    }
    println!("killed at {n_killed} steps: nothing lost, {n_doubled} sent again under the same id");
    // Three digests of two papers, each killed once between being taken and being noted.
    assert_eq!(n_doubled, 6, "the kill that this is about did not happen");
    assert!(n_killed >= 15, "{n_killed}");
}
