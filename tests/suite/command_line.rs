//! The program as a user meets it: what each command prints, and how it exits.

use akin::encoder::{Encoder, EncoderOptions, ModelSource, Role};
use akin::progress::Unobserved;
use serde_json::Value;

use crate::sandbox::{Sandbox, data, papers, tiny_model};

const FIELDS: &[(&str, &str, &str)] = &[
    (
        "2503.11731",
        "Deep learning for protein folding",
        "We predict the structure of proteins.",
    ),
    (
        "hep-th/9901001",
        "Strings on a torus",
        "We study string theory on compact spaces.",
    ),
    (
        "2401.00001",
        "Transit photometry of exoplanets",
        "Planets dim the light of their stars.",
    ),
];

fn sandbox_with_fields() -> Sandbox {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("fields.jsonl", papers(FIELDS));
    sandbox.akin(&["add", &dump]).exits(0);
    sandbox
}

#[test]
fn search_in_a_dump_finds_what_it_is_about_and_keeps_its_embeddings() {
    let sandbox = Sandbox::new();
    let dump = data("formats/beir/corpus.jsonl").display().to_string();
    let ask = |query: &str| {
        sandbox
            .akin(&["search", "--in", &dump, query, "-k", "3", "--json"])
            .exits(0)
    };
    let qrels = std::fs::read_to_string(data("formats/beir/qrels/test.tsv")).unwrap();
    let relevant: Vec<&str> = qrels
        .lines()
        .filter_map(|line| line.strip_prefix("q2\t")?.split('\t').next())
        .collect();
    let query = "ground shaking from far away earthquakes disturbs the detectors of gravitational \
                 waves";
    let found = ask(query).ids();
    assert!(relevant.contains(&found[0].as_str()), "{found:?}");
    let libraries: Vec<_> = walk(&sandbox.path("cache"), "f16");
    assert_eq!(libraries.len(), 1);
    let before = std::fs::metadata(&libraries[0])
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(ask(query).ids(), found);
    assert_eq!(
        std::fs::metadata(&libraries[0])
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
}

#[test]
fn a_dump_that_changed_is_mirrored() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let ask = |dump: &str| {
        let args = [
            "search", "--in", dump, "--model", &model, "-k", "9", "--json", "light",
        ];
        let mut ids = sandbox.akin(&args).exits(0).ids();
        ids.sort();
        ids
    };
    let dump = sandbox.file("d.jsonl", papers(FIELDS));
    assert_eq!(ask(&dump), ["2401.00001", "2503.11731", "hep-th/9901001"]);
    let changed = [FIELDS[0], ("2401.00002", "Another", "One more paper.")];
    sandbox.file("d.jsonl", papers(&changed));
    assert_eq!(ask(&dump), ["2401.00002", "2503.11731"]);
}

#[test]
fn a_dump_that_was_changed_and_changed_back_is_searched_as_it_is() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let abstract_of = |text: &str| {
        let dump = sandbox.file("d.jsonl", papers(&[("x1", "Title", text)]));
        let args = [
            "search", "--in", &dump, "--model", &model, "--json", "title",
        ];
        let found = sandbox.akin(&args).exits(0).json();
        found[0]["abstract"].as_str().unwrap().to_owned()
    };
    for text in ["The first.", "The second one.", "The first."] {
        assert_eq!(abstract_of(text), text);
    }
}

#[test]
fn every_spelling_of_an_id_gives_the_same_related_papers_and_never_the_paper_itself() {
    let sandbox = sandbox_with_fields();
    let related = |id: &str| sandbox.akin(&["related", id, "--json"]).exits(0);
    for (normal, spellings) in [
        (
            "2503.11731",
            &[
                "arXiv:2503.11731v2",
                "https://arxiv.org/abs/2503.11731",
                "https://arxiv.org/pdf/2503.11731v1.pdf",
                "10.48550/arXiv.2503.11731",
            ][..],
        ),
        (
            "hep-th/9901001",
            &[
                "arXiv:hep-th/9901001v1",
                "https://arxiv.org/abs/hep-th/9901001",
            ][..],
        ),
    ] {
        let expected = related(normal);
        let ids = expected.ids();
        assert_eq!(ids.len(), 2);
        assert!(!ids.contains(&normal.to_owned()));
        for spelling in spellings {
            assert_eq!(related(spelling).stdout, expected.stdout, "{spelling}");
        }
    }
}

#[test]
fn related_to_several_is_away_from_the_papers_named_by_not() {
    let sandbox = Sandbox::new();
    let dump = data("formats/beir/corpus.jsonl").display().to_string();
    sandbox.akin(&["add", &dump]).exits(0);
    let all = sandbox
        .akin(&["search", "neural networks", "-k", "60", "--json"])
        .exits(0)
        .ids();
    let (a, b, away) = (&all[0], &all[1], &all[2]);
    let near = sandbox
        .akin(&["related", a, b, "-k", "57", "--json"])
        .exits(0)
        .ids();
    assert!(!near.contains(a) && !near.contains(b) && near.contains(away));
    let apart = sandbox
        .akin(&["related", a, b, "--not", away, "-k", "57", "--json"])
        .exits(0)
        .ids();
    assert!(!apart.contains(a) && !apart.contains(b) && !apart.contains(away));
    let next = |ids: &[String]| ids.iter().find(|id| *id != away).unwrap().clone();
    assert_ne!(near, apart);
    assert!(near.contains(&next(&apart)));
}

#[test]
fn a_paper_of_the_same_title_is_left_out_of_the_related_ones_and_said() {
    let sandbox = Sandbox::new();
    let mut with_copy = FIELDS.to_vec();
    with_copy.push((
        "10.1000/journal.7",
        "Deep Learning for Protein Folding.",
        "Other words.",
    ));
    let dump = sandbox.file("fields.jsonl", papers(&with_copy));
    sandbox.add(&[&dump]);
    let ran = sandbox.akin(&["related", "2503.11731", "--json"]).exits(0);
    assert_eq!(ran.ids().len(), 2);
    assert!(ran.stderr.contains("10.1000/journal.7"), "{ran:?}");
}

#[test]
fn filters_let_through_what_they_say_and_never_starve() {
    let sandbox = Sandbox::new();
    let dump = data("arxiv-1000.jsonl").display().to_string();
    let report = sandbox.add(&[&dump]);
    assert_eq!(report["stored"], 1000);
    let search = |filters: &[&str]| {
        let args = [&["search", "stars", "--json", "-k", "1000"], filters].concat();
        sandbox.akin(&args).json()
    };
    assert_eq!(search(&[]).len(), 1000);
    let since = search(&["--since", "2015"]);
    let until = search(&["--until", "2014-12"]);
    assert_eq!(since.len() + until.len(), 1000);
    assert!(
        since
            .iter()
            .all(|paper| paper["date"].as_str().unwrap() >= "2015")
    );
    let in_cs = search(&["--category", "cs"]);
    let has_cs = |paper: &Value| {
        let codes = paper["categories"].as_array().unwrap();
        codes
            .iter()
            .any(|code| code.as_str().unwrap().starts_with("cs."))
    };
    assert!(in_cs.len() > 50 && in_cs.iter().all(has_cs));
    let either = search(&["--category", "cs.LG", "--category", "math.CO"]);
    assert!(!either.is_empty() && either.len() < in_cs.len() + 100);
    let name = in_cs[0]["authors"][0].as_str().unwrap().to_uppercase();
    assert!(!search(&["--author", &name]).is_empty());
    let nobody = ["search", "stars", "--author", "Nobody Of That Name"];
    let ran = sandbox.akin(&nobody).exits(1);
    assert!(
        ran.stdout.is_empty() && ran.stderr.contains("filters"),
        "{ran:?}"
    );
}

#[test]
fn show_status_and_remove_agree_on_what_is_there() {
    let sandbox = sandbox_with_fields();
    let shown = sandbox
        .akin(&["show", "arXiv:2503.11731v3"])
        .exits(0)
        .stdout;
    assert!(
        shown.contains("Deep learning for protein folding"),
        "{shown}"
    );
    assert!(
        shown.contains("https://arxiv.org/abs/2503.11731"),
        "{shown}"
    );
    let status = sandbox.akin(&["status"]).exits(0).stdout;
    assert!(status.contains("all-MiniLM-L6-v2"), "{status}");
    assert_eq!(sandbox.akin(&["status", "--json"]).json()[0]["papers"], 3);
    sandbox
        .akin(&["remove", "10.48550/arXiv.2503.11731"])
        .exits(0);
    sandbox.akin(&["show", "2503.11731"]).exits(1);
    let left = sandbox
        .akin(&["search", "proteins", "--json"])
        .exits(0)
        .ids();
    assert_eq!(left.len(), 2);
    assert_eq!(
        sandbox.akin(&["status", "--json"]).json()[0]["dead_rows"],
        1
    );
}

#[test]
fn a_draft_comes_from_a_file_or_from_stdin() {
    let sandbox = sandbox_with_fields();
    let draft = "Light curves of planets in front of stars.\nWe look at how stars dim.";
    let path = sandbox.file("draft.txt", draft);
    let from_file = sandbox
        .akin(&["search", "--file", &path, "--json"])
        .exits(0);
    let from_stdin = sandbox
        .akin_with_stdin(&["search", "-", "--json"], draft.as_bytes())
        .exits(0);
    assert_eq!(from_file.stdout, from_stdin.stdout);
    assert_eq!(from_file.ids()[0], "2401.00001");
}

#[test]
fn a_dump_can_come_from_stdin() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let args = ["add", "-", "--model", &model, "--json"];
    let ran = sandbox
        .akin_with_stdin(&args, papers(FIELDS).as_bytes())
        .exits(0);
    assert_eq!(ran.json()[0]["stored"], 3);
}

#[test]
fn embed_writes_what_the_encoder_computes_in_the_order_of_the_dump() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let dump = sandbox.file("fields.jsonl", papers(FIELDS));
    let embed = ["embed", &dump, "--model", &model, "--precision", "f32"];
    let lines = sandbox.akin(&embed).exits(0);
    let npy = sandbox.path("vectors.npy");
    let to = npy.display().to_string();
    let told = sandbox
        .akin(&[&embed[..], &["-o", &to, "--json"]].concat())
        .exits(0)
        .json();
    assert_eq!(told[0]["embedded"], 3, "{told:?}");
    assert!(told[0]["tokens"].as_u64() > Some(3), "{told:?}");
    assert!(told[0]["encoder_seconds"].is_number(), "{told:?}");

    let source = ModelSource::Folder(data("models/tiny-bert-cls"));
    let encoder = Encoder::load(&source, &EncoderOptions::default()).unwrap();
    let passages: Vec<String> = FIELDS.iter().map(|(_, t, a)| format!("{t}. {a}")).collect();
    let expected = encoder
        .embed(&passages, Role::Passage, &Unobserved)
        .unwrap()
        .vectors;
    let bytes = std::fs::read(&npy).unwrap();
    assert_eq!(bytes.len(), 128 + 3 * 32 * 4);
    let header = String::from_utf8_lossy(&bytes[10..128]);
    assert!(
        header.contains("'shape': (3, 32)") && header.ends_with('\n'),
        "{header}"
    );
    let stored = bytes[128..]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b));
    let flat: Vec<f32> = expected.into_iter().flatten().flatten().collect();
    assert!(stored.zip(&flat).all(|(a, b)| (a - b).abs() < 1e-5));
    let ids = std::fs::read_to_string(sandbox.path("vectors.ids.txt")).unwrap();
    assert_eq!(ids, "2503.11731\nhep-th/9901001\n2401.00001\n");
    assert_eq!(lines.ids(), ids.lines().collect::<Vec<_>>());
    assert_eq!(lines.json()[0]["embedding"].as_array().unwrap().len(), 32);
    assert!(walk(&sandbox.path(""), "part").is_empty());
}

#[test]
fn eval_finds_the_judged_papers_and_the_graph_finds_the_same() {
    let sandbox = Sandbox::new();
    let folder = data("formats/beir").display().to_string();
    let run = sandbox.path("run.txt").display().to_string();
    let exact = sandbox
        .akin(&["eval", &folder, "--json", "--exact", "--run", &run])
        .exits(0);
    let scores = &exact.json()[0];
    assert_eq!(scores["queries"], 12);
    let ndcg = scores["ndcg@10"].as_f64().unwrap();
    assert!(ndcg > 0.8 && ndcg <= 1.0, "{scores}");
    let graph = sandbox
        .akin(&["eval", &folder, "--json", "--graph"])
        .exits(0);
    assert_eq!(&graph.json()[0], scores);
    let run = std::fs::read_to_string(run).unwrap();
    let fields: Vec<&str> = run.lines().next().unwrap().split(' ').collect();
    assert_eq!(
        (fields[0], fields[1], fields[3], fields[5]),
        ("q1", "Q0", "1", "akin")
    );
    assert_eq!(run.lines().count(), 12 * 60);
}

#[test]
fn completions_and_manual_name_every_command() {
    let sandbox = Sandbox::new();
    let man = sandbox.akin(&["man"]).exits(0).stdout;
    for command in [
        "add", "search", "related", "show", "remove", "status", "check", "compact", "embed", "eval",
    ] {
        assert!(man.contains(command), "{command}");
        let page = sandbox.akin(&["man", command]).exits(0).stdout;
        assert!(page.contains(&format!("akin\\-{command}")), "{page}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            sandbox
                .akin(&["completions", shell])
                .exits(0)
                .stdout
                .contains("related")
        );
    }
}

#[test]
fn the_config_file_is_read_and_gives_way_to_flags() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.path("elsewhere").display().to_string();
    sandbox.file(
        "config/akin/config.toml",
        format!("library = {elsewhere:?}\n"),
    );
    let dump = sandbox.file("fields.jsonl", papers(FIELDS));
    let model = tiny_model();
    let mut add = sandbox.command(&["add", &dump, "--model", &model]);
    assert!(
        add.env_remove("AKIN_LIBRARY")
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(sandbox.path("elsewhere/papers.db").exists());
    sandbox.file("config/akin/config.toml", "libary = 3\n");
    let ran = sandbox.akin(&["status"]).exits(2);
    assert!(
        ran.stderr.contains("config.toml") && ran.stderr.contains("libary"),
        "{ran:?}"
    );
}

/// Files under a folder with this extension.
fn walk(folder: &std::path::Path, extension: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found
}
