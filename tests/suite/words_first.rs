//! Answers before embeddings: papers that are found by their words until they are embedded, here or
//! elsewhere, and what every command says of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use akin::dump::Source;
use akin::encoder::{DeviceChoice, ModelSource, Precision};
use akin::ingest::{self, BATCH_RECORDS, IngestOptions};
use akin::library::{Library, Writer};
use akin::progress::{Observer, Stage, Unobserved};
use akin::space::Origin;
use serde_json::Value;

use crate::sandbox::{Sandbox, data, papers, tiny_model};

const EARLY: &[(&str, &str, &str)] = &[
    ("2401.00001", "Fish", "How they swim in schools."),
    ("2401.00002", "Dark matter", "A halo of cold particles."),
];
const LATE: &[(&str, &str, &str)] = &[
    ("2402.00001", "Sourdough", "Bread and its microbes."),
    ("2402.00002", "Shoals", "Why fish swim in schools at night."),
];

/// A library with two papers that are embedded and two that are not.
fn half_embedded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("early.jsonl", papers(EARLY))]);
    let late = sandbox.file("late.jsonl", papers(LATE));
    let report = sandbox.add(&["--words-only", &late]);
    assert_eq!(
        (&report["stored"], &report["unembedded"]),
        (&2.into(), &2.into())
    );
    sandbox
}

#[test]
fn a_library_of_words_answers_and_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("early.jsonl", papers(EARLY));
    // A model that is not there is not looked at.
    let ran = sandbox
        .akin(&["add", "--words-only", "--model", "/no/such/model", &dump])
        .exits(0);
    assert!(ran.stdout.contains("not embedded yet: 2 papers"), "{ran:?}");
    let ran = sandbox
        .akin(&["search", "--json", "fish in schools"])
        .exits(0);
    assert_eq!(ran.ids()[0], "2401.00001");
    assert!(
        ran.stderr.contains("none of 2 papers are embedded"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("akin embed-missing"), "{ran:?}");
    let ran = sandbox.akin(&["status"]).exits(0);
    assert!(
        ran.stdout
            .contains("none of 2 papers; `akin embed-missing`"),
        "{ran:?}"
    );
    sandbox.akin(&["check"]).exits(0);
    let ran = sandbox.akin(&["search", "--dense", "fish"]).exits(2);
    assert!(ran.stderr.contains("not embedded yet"), "{ran:?}");
    assert!(ran.stderr.contains("hint: `akin embed-missing`"), "{ran:?}");
    let ran = sandbox.akin(&["related", "--json", "2401.00001"]).exits(1);
    assert!(ran.stderr.contains("by their words alone"), "{ran:?}");

    let model = tiny_model();
    let ran = sandbox
        .akin(&["embed-missing", "--json", "--model", &model])
        .exits(0);
    assert_eq!(ran.json()[0]["embedded"], 2);
    let ran = sandbox.akin(&["search", "fish in schools"]).exits(0);
    assert!(!ran.stderr.contains("embedded"), "{ran:?}");
    let ran = sandbox.akin(&["embed-missing"]).exits(0);
    assert!(ran.stdout.contains("nothing new to embed"), "{ran:?}");
    let status = sandbox
        .akin(&["status", "--json"])
        .exits(0)
        .json()
        .remove(0);
    assert_eq!(
        (&status["embedded"], &status["unembedded"]),
        (&2.into(), &0.into())
    );
}

#[test]
fn papers_with_and_without_embeddings_are_found_together() {
    let sandbox = half_embedded();
    let ran = sandbox
        .akin(&["search", "--json", "fish swim in schools"])
        .exits(0);
    assert!(
        ran.stderr.contains("50 % of 4 papers are embedded"),
        "{ran:?}"
    );
    let hits = ran.json();
    let of = |id: &str| -> &Value {
        let hit = hits.iter().find(|hit| hit["id"] == id);
        hit.unwrap_or_else(|| panic!("{id} is not among {hits:?}"))
    };
    assert!(of("2401.00001")["similarity"].is_number());
    let late = of("2402.00002");
    assert!(
        late["similarity"].is_null() && late["percentile"].is_null(),
        "{late}"
    );
    assert_eq!(late["dense_rank"], Value::Null, "{late}");
    // Bread has none of the words and no embedding: nothing finds it.
    assert_eq!(hits.len(), 3, "{hits:?}");
    for args in [
        &["search", "--json", "--diverse", "fish swim"][..],
        &["search", "--json", "--half-life", "100", "fish swim"],
        &["search", "--json", "--facets", "fish swim"],
        &["search", "--json", "--explain", "fish swim"],
        &["search", "--json", "--lexical", "fish swim"],
        &["related", "--json", "2402.00002"],
    ] {
        let ran = sandbox.akin(args);
        assert!(matches!(ran.code, Some(0 | 1)), "{args:?}: {ran:?}");
        assert!(ran.stdout.contains("2401.00001"), "{args:?}: {ran:?}");
    }
    // A filter that only papers without embeddings pass is not empty.
    let ran = sandbox
        .akin(&["search", "--json", "bread", "id:2402.00001"])
        .exits(0);
    assert_eq!(ran.ids(), ["2402.00001"]);
    let ran = sandbox
        .akin(&["related", "--json", "2401.00001", "2402.00001"])
        .exits(0);
    assert!(ran.stderr.contains("1 not embedded yet"), "{ran:?}");
    sandbox.akin(&["related", "--dense", "2402.00001"]).exits(2);
    sandbox.akin(&["check"]).exits(0);
    // Any later add embeds what is missing.
    let report = sandbox.add(&[&sandbox.file("early.jsonl", papers(EARLY))]);
    assert_eq!(
        (&report["embedded"], &report["unembedded"]),
        (&2.into(), &0.into())
    );
}

#[test]
fn a_changed_paper_is_embedded_again_after_an_add_of_words() {
    let sandbox = half_embedded();
    let mut changed = EARLY.to_vec();
    changed[0].2 = "How they hide in reefs.";
    let dump = sandbox.file("early.jsonl", papers(&changed));
    let report = sandbox.add(&["--words-only", &dump]);
    assert_eq!(
        (&report["changed"], &report["unembedded"]),
        (&1.into(), &3.into())
    );
    let ran = sandbox
        .akin(&["search", "--json", "--lexical", "reefs"])
        .exits(0);
    assert_eq!(ran.ids(), ["2401.00001"]);
    sandbox.akin(&["check"]).exits(0);
    let ran = sandbox.akin(&["embed-missing", "--json"]).exits(0);
    assert_eq!(ran.json()[0]["embedded"], 3);
    let fresh = Sandbox::new();
    let dumps = [
        fresh.file("early.jsonl", papers(&changed)),
        fresh.file("late.jsonl", papers(LATE)),
    ];
    fresh.add(&[&dumps[0], &dumps[1]]);
    let similarities = |sandbox: &Sandbox| -> Vec<Value> {
        let args = ["related", "2401.00001", "--dense", "--exact", "--json"];
        let hits = sandbox.akin(&args).exits(0).json();
        hits.iter().map(|hit| hit["similarity"].clone()).collect()
    };
    assert_eq!(similarities(&sandbox), similarities(&fresh));
}

/// Asks to stop once the embedding of a batch has begun.
#[derive(Default)]
struct StopsInEmbedding(AtomicU32);

impl Observer for StopsInEmbedding {
    fn begin(&self, stage: Stage, _: Option<u64>) {
        if stage == Stage::Embed {
            self.0.store(1, Ordering::Relaxed);
        }
    }

    fn advance(&self, n: u64) {
        if self.0.load(Ordering::Relaxed) > 0 {
            self.0.fetch_add(n as u32, Ordering::Relaxed);
        }
    }

    fn stop_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) > BATCH_RECORDS as u32
    }
}

#[test]
fn the_newest_papers_are_embedded_first() {
    let sandbox = Sandbox::new();
    let n_papers = 3 * BATCH_RECORDS;
    let line = |n: usize| {
        let (year, month) = (1990 + n / 12 % 30, 1 + n % 12);
        format!(
            "{{\"id\":\"p{n}\",\"title\":\"Paper {n}\",\"abstract\":\"It is about {n}.\",\
             \"date\":\"{year}-{month:02}-01\"}}\n"
        )
    };
    let lines: String = (0..n_papers).map(line).collect();
    let dump = Source::Memory {
        name: "papers.jsonl".into(),
        bytes: lines.into_bytes().into(),
    };
    let origin = Origin {
        source: ModelSource::Folder(PathBuf::from(tiny_model())),
        max_tokens: None,
        dim: None,
        precision: Precision::F32,
    };
    let encoder = origin.load(Some(1), DeviceChoice::Cpu).unwrap();
    let root = sandbox.library();
    let mut writer = Writer::open_or_create(&root, "the test").unwrap();
    let options = IngestOptions::default();
    let observer = StopsInEmbedding::default();
    let dumps = [dump];
    let report = ingest::run(&mut writer, &encoder, &origin, &dumps, &options, &observer).unwrap();
    assert!(report.stopped);
    assert_eq!(report.counts.n_stored, n_papers as u64);
    let n_embedded = report.n_embedded as usize;
    assert!(n_embedded > 0 && n_embedded < n_papers, "{n_embedded}");
    let library = Library::open(&root).unwrap();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for id in library.ids().unwrap() {
        let stored = library.find(id.as_str()).unwrap();
        let date = stored.paper.date().unwrap();
        match stored.row {
            Some(_) => with.push(date),
            None => without.push(date),
        }
    }
    assert_eq!(with.len(), n_embedded);
    assert!(
        with.iter().min() >= without.iter().max(),
        "the newest first"
    );
    let filled = ingest::embed_missing(&mut writer, &encoder, &Unobserved).unwrap();
    assert_eq!(filled.n_embedded as usize, n_papers - n_embedded);
}

#[test]
fn vectors_that_were_computed_elsewhere_are_taken() {
    let sandbox = Sandbox::new();
    let dump = data("formats/generic.jsonl").display().to_string();
    let model = tiny_model();
    let whole = Sandbox::new();
    whole.add(&[&dump]);
    let related = |sandbox: &Sandbox| {
        let args = ["related", "lab-notes-1", "--dense", "--exact", "--json"];
        let hits = sandbox.akin(&args).exits(0).json();
        let hit = |hit: &Value| (hit["id"].clone(), hit["similarity"].clone());
        hits.iter().map(hit).collect::<Vec<_>>()
    };
    let expected = related(&whole);
    for name in ["v.npy", "v.parquet", "v.arrow", "v.jsonl"] {
        if !cfg!(feature = "arrow") && ["v.parquet", "v.arrow"].contains(&name) {
            continue;
        }
        let file = sandbox.path(name).display().to_string();
        sandbox
            .akin(&["embed", "--model", &model, &dump, "-o", &file])
            .exits(0);
        let taking = Sandbox::new();
        let report = taking.add(&["--vectors", &file, &dump]);
        assert_eq!(
            (&report["taken"], &report["embedded"]),
            (&5.into(), &0.into()),
            "{name}"
        );
        assert_eq!(related(&taking), expected, "{name}");
        taking.akin(&["check"]).exits(0);
        // Of papers that are there already, without a dump.
        let later = Sandbox::new();
        later.add(&["--words-only", &dump]);
        let report = later.add(&["--vectors", &file]);
        assert_eq!(report["taken"], 5, "{name}");
        assert_eq!(
            later.add(&["--vectors", &file])["taken"],
            0,
            "{name}: only once"
        );
        assert_eq!(related(&later), expected, "{name}");
    }
}

#[test]
fn vectors_of_another_model_or_of_nobody_are_refused_and_named() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("early.jsonl", papers(EARLY));
    let (model, other) = (
        tiny_model(),
        data("models/tiny-modernbert").display().to_string(),
    );
    let refuses = |file: &str, said: &str| {
        let sandbox = Sandbox::new();
        let ran = sandbox
            .akin(&["add", "--model", &model, "--vectors", file, &dump])
            .exits(2);
        assert!(
            ran.stderr.contains(said) && ran.stderr.contains("hint: "),
            "{file}: {ran:?}"
        );
        let status = sandbox.akin(&["status", "--json"]);
        let rows = status
            .json()
            .first()
            .map_or(0, |status| status["rows"].as_u64().unwrap());
        assert_eq!(rows, 0, "{file}: nothing of it is stored");
    };
    let file = sandbox.path("other.npy").display().to_string();
    sandbox
        .akin(&["embed", "--model", &other, &dump, "-o", &file])
        .exits(0);
    refuses(&file, "fingerprint");
    // Without the fingerprint beside it, the sample tells.
    std::fs::remove_file(sandbox.path("other.space.json")).unwrap();
    let file = sandbox.path("own.jsonl").display().to_string();
    sandbox
        .akin(&["embed", "--model", &model, &dump, "-o", &file])
        .exits(0);
    let own = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<Value> = own
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let swapped = lines[0]["embedding"].clone();
    lines[0]["embedding"] = lines[1]["embedding"].clone();
    lines[1]["embedding"] = swapped;
    let text = |lines: &[Value]| lines.iter().map(|l| format!("{l}\n")).collect::<String>();
    refuses(&sandbox.file("swapped.jsonl", text(&lines)), "cosine");
    lines[0]["embedding"] = serde_json::json!([1.0, 2.0]);
    refuses(&sandbox.file("short.jsonl", text(&lines)), "numbers");
    refuses(&sandbox.file("words.txt", "no vectors"), "neither .npy");
    refuses(&sandbox.file("empty.jsonl", ""), "it is empty");

    let mut unknown: Vec<Value> = own
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    unknown.push(serde_json::json!({
        "id": "2499.99999", "embedding": unknown[0]["embedding"],
    }));
    let file = sandbox.file("unknown.jsonl", text(&unknown));
    let ran = Sandbox::new()
        .akin(&[
            "add",
            "--json",
            "--model",
            &model,
            "--vectors",
            &file,
            &dump,
        ])
        .exits(0);
    assert_eq!(ran.json()[0]["taken"], 2);
    assert!(
        ran.stderr
            .contains("1 vector of no paper in the library: 2499.99999"),
        "{ran:?}"
    );
}

#[test]
fn a_library_remembers_its_precision() {
    let dump = data("formats/generic.jsonl").display().to_string();
    let precision = |sandbox: &Sandbox| {
        let status = sandbox.akin(&["status", "--json"]).exits(0).json();
        status[0]["precision"].as_str().unwrap().to_owned()
    };
    for asked in ["int8", "f32"] {
        let sandbox = Sandbox::new();
        let model = tiny_model();
        let args = ["add", "--model", &model, "--precision", asked, &dump];
        sandbox.akin(&args).exits(0);
        assert_eq!(precision(&sandbox), asked);
        let computes = |args: &[&str], expected: &str| {
            let ran = sandbox.akin(args).exits(0);
            let said = format!("computing with {expected}");
            assert!(ran.stderr.contains(&said), "{args:?}: {ran:?}");
        };
        computes(&["search", "-v", "fish"], asked);
        computes(&["add", "-v", &dump], asked);
        computes(&["search", "-v", "--model", &model, "fish"], asked);
        let (other, said) = if asked == "f32" {
            ("int8", "int8")
        } else {
            ("f32", "f32")
        };
        computes(&["search", "-v", "--precision", other, "fish"], said);
        assert_eq!(precision(&sandbox), asked, "a question changes nothing");
        let list = sandbox.akin(&["model", "list"]).exits(0);
        assert!(list.stdout.contains(&format!("in {asked}")), "{list:?}");
    }
}

#[test]
fn several_dumps_and_a_folder_are_searched_in() {
    let sandbox = Sandbox::new();
    let early = sandbox.file("dumps/early.jsonl", papers(EARLY));
    let late = sandbox.file("dumps/late.jsonl", papers(LATE));
    let folder = sandbox.path("dumps").display().to_string();
    let model = tiny_model();
    let search = |dumps: &[&str]| {
        let mut args = vec!["search", "--json", "--model", &model];
        dumps.iter().for_each(|dump| args.extend(["--in", dump]));
        args.push("fish and bread");
        let mut ids = sandbox.akin(&args).exits(0).ids();
        ids.sort();
        ids
    };
    let all = ["2401.00001", "2401.00002", "2402.00001", "2402.00002"];
    assert_eq!(search(&[&early, &late]), all);
    assert_eq!(search(&[&folder]), all);
    assert_eq!(search(&[&early]), all[..2]);
    // A file that comes or goes in the folder counts.
    std::fs::remove_file(&late).unwrap();
    assert_eq!(search(&[&folder]), all[..2]);
}

#[test]
fn what_holds_no_papers_is_said_by_its_own_name() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let empty = sandbox.file("empty.json", "[]");
    let ran = sandbox
        .akin(&["search", "--model", &model, "--in", &empty, "fish"])
        .exits(2);
    assert!(ran.stderr.contains("empty.json"), "{ran:?}");
    assert!(
        ran.stderr.contains("no paper") && !ran.stderr.contains("cache"),
        "{ran:?}"
    );
    let ran = sandbox.akin(&["add", "--model", &model, &empty]);
    assert!(ran.stderr.contains("no paper"), "{ran:?}");
}

#[test]
fn add_and_embed_mean_the_same_by_their_codes_and_options() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let cut = data("formats/cut.jsonl.gz");
    let cut = if cut.exists() {
        cut.display().to_string()
    } else {
        let whole = std::fs::read(data("formats/generic.jsonl")).unwrap();
        sandbox.file("cut.jsonl.gz", cut_gzip(&whole))
    };
    for command in ["add", "embed"] {
        sandbox.akin(&[command, "--model", &model, &cut]).exits(2);
    }
    let dump = data("formats/generic.jsonl").display().to_string();
    for command in ["add", "embed"] {
        let args = [command, "--model", &model, "--dump-format", "json", &dump];
        sandbox.akin(&args).exits(0);
    }
    let args = ["add", "--dry-run", "--format", "json", &dump];
    sandbox.akin(&args).exits(0);
    for name in ["--format", "--output-format"] {
        let ran = sandbox.akin(&["embed", "--model", &model, name, "jsonl", &dump]);
        assert_eq!(ran.exits(0).stdout.lines().count(), 5);
    }
}

/// The beginning of a gzip file.
fn cut_gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = std::process::Command::new("gzip")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    gzip.stdin.take().unwrap().write_all(bytes).unwrap();
    let packed = gzip.wait_with_output().unwrap().stdout;
    packed[..packed.len() - 20].to_vec()
}

#[test]
fn status_shows_moments_to_the_second() {
    let sandbox = half_embedded();
    let status = sandbox
        .akin(&["status", "--json"])
        .exits(0)
        .json()
        .remove(0);
    let last = status["last_add"].as_str().unwrap();
    assert!(last.ends_with('Z') && !last.contains('.'), "{last}");
}
