//! Two models in one library: filled beside one another, switched between, never mixed.

use std::fs;

use serde_json::Value;

use crate::sandbox::{Sandbox, data, papers, tiny_model};

const PAPERS: &[(&str, &str, &str)] = &[
    ("2401.00001", "Fish", "How they swim in schools."),
    ("2401.00002", "Dark matter", "A halo."),
    ("2401.00003", "Sourdough", "Bread and its microbes."),
];

fn other_model() -> String {
    data("models/tiny-modernbert").display().to_string()
}

/// A library with the first two papers, embedded with the tiny BERT.
fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("papers.jsonl", papers(&PAPERS[..2]));
    sandbox
        .akin(&["add", "--model", &tiny_model(), &dump])
        .exits(0);
    sandbox
}

/// Switches, and gives how many papers were embedded and how many were already.
fn switch(sandbox: &Sandbox, model: &str) -> (u64, u64) {
    let json = sandbox
        .akin(&["model", "use", model, "--json"])
        .exits(0)
        .json();
    let count = |name: &str| json[0][name].as_u64().unwrap();
    (count("embedded"), count("kept"))
}

/// Similarities of a paper to the others, by exact comparison.
fn related(sandbox: &Sandbox) -> Vec<Value> {
    let args = ["related", "2401.00001", "--dense", "--exact", "--json"];
    let hits = sandbox.akin(&args).exits(0).json();
    hits.iter().map(|hit| hit["similarity"].clone()).collect()
}

#[test]
fn another_model_answers_once_it_has_embedded_all_and_going_back_costs_nothing() {
    let sandbox = library();
    let with_first = related(&sandbox);
    assert_eq!(switch(&sandbox, &other_model()), (2, 0));
    let with_second = related(&sandbox);
    assert_ne!(with_first, with_second);
    assert_eq!(switch(&sandbox, &tiny_model()), (0, 2));
    assert_eq!(related(&sandbox), with_first);
    assert_eq!(switch(&sandbox, &other_model()), (0, 2));
    assert_eq!(related(&sandbox), with_second);
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn what_came_or_changed_since_is_embedded_on_the_way_back() {
    let sandbox = library();
    switch(&sandbox, &other_model());
    let mut changed = PAPERS.to_vec();
    changed[1].2 = "No halo at all.";
    let dump = sandbox.file("papers.jsonl", papers(&changed));
    sandbox.akin(&["add", &dump]).exits(0);
    assert_eq!(switch(&sandbox, &tiny_model()), (2, 1));
    sandbox.akin(&["check"]).exits(0);

    let fresh = Sandbox::new();
    let dump = fresh.file("papers.jsonl", papers(&changed));
    fresh
        .akin(&["add", "--model", &tiny_model(), &dump])
        .exits(0);
    assert_eq!(related(&sandbox), related(&fresh));

    sandbox.akin(&["remove", "2401.00003"]).exits(0);
    assert_eq!(switch(&sandbox, &other_model()), (0, 2));
    assert_eq!(related(&sandbox).len(), 1);
}

#[test]
fn a_query_never_meets_the_vectors_of_another_model() {
    let sandbox = library();
    let ran = sandbox
        .akin(&["search", "--model", &other_model(), "fish"])
        .exits(2);
    assert!(ran.stderr.contains("akin model use"), "{}", ran.stderr);
    switch(&sandbox, &other_model());
    sandbox
        .akin(&["search", "--model", &other_model(), "fish"])
        .exits(0);
    let dump = sandbox.file("papers.jsonl", papers(PAPERS));
    sandbox
        .akin(&["add", "--model", &tiny_model(), &dump])
        .exits(2);
    let short = sandbox.akin(&["search", "--dim", "16", "fish"]).exits(2);
    assert!(short.stderr.contains("akin model use"), "{}", short.stderr);
}

#[test]
fn spaces_are_listed_with_what_is_in_them() {
    let sandbox = library();
    let list = |args: &[&str]| sandbox.akin(args).exits(0);
    assert!(!list(&["model", "list"]).stdout.contains("embedded in"));
    switch(&sandbox, &other_model());
    let text = list(&["model", "list"]).stdout;
    assert!(text.contains("embedded in"), "{text}");
    let json = list(&["model", "list", "--json"]).json();
    let spaces: Vec<&Value> = json
        .iter()
        .filter(|line| line["space"].is_string())
        .collect();
    let of_each = |space: &&Value| (space["papers"].as_u64(), space["in_use"].as_bool());
    let all: Vec<_> = spaces.iter().map(of_each).collect();
    assert_eq!(
        all,
        [(Some(2), Some(false)), (Some(2), Some(true))],
        "{json:?}"
    );
}

#[test]
fn a_library_can_be_begun_with_a_model_and_at_a_dim() {
    let sandbox = Sandbox::new();
    let model = data("models/tiny-qwen3").display().to_string();
    let used = ["model", "use", &model, "--dim", "16"];
    sandbox.akin(&used).exits(0);
    let dump = sandbox.file("papers.jsonl", papers(PAPERS));
    sandbox.akin(&["add", &dump]).exits(0);
    let status = sandbox.akin(&["status", "--json"]).exits(0).json();
    assert_eq!(status[0]["model"]["dim"], 16, "{status:?}");
    sandbox.akin(&["search", "fish"]).exits(0);
    let ran = sandbox
        .akin(&["model", "use", &model, "--dim", "64"])
        .exits(2);
    assert!(ran.stderr.contains("--dim takes 1 to 32"), "{}", ran.stderr);
}

#[test]
fn a_model_that_cannot_be_used_leaves_the_library_as_it_is() {
    let sandbox = library();
    let broken = sandbox.path("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("config.json"), r#"{"model_type": "t5"}"#).unwrap();
    fs::write(broken.join("model.safetensors"), "x").unwrap();
    let broken = broken.display().to_string();
    let ran = sandbox.akin(&["model", "use", &broken]).exits(2);
    assert!(ran.stderr.contains("t5"), "{}", ran.stderr);
    let listed = sandbox.akin(&["model", "list", "--json"]).exits(0).json();
    assert!(
        listed.iter().all(|line| !line["space"].is_string()),
        "{listed:?}"
    );
}

#[test]
fn a_model_proves_what_it_computes() {
    let sandbox = Sandbox::new();
    for model in ["tiny-modernbert", "tiny-xlmr", "tiny-model2vec"] {
        let folder = data("models").join(model).display().to_string();
        let json = sandbox
            .akin(&["model", "verify", &folder, "--json"])
            .exits(0)
            .json();
        assert!(
            json[0]["found"]["n_texts"].as_u64().unwrap() >= 10,
            "{json:?}"
        );
    }
    let wrong = sandbox.path("wrong");
    fs::create_dir(&wrong).unwrap();
    let source = data("models/tiny-bert-cls");
    for name in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "golden.json",
    ] {
        fs::copy(source.join(name), wrong.join(name)).unwrap();
    }
    // Without its modules the mean is taken, where the golden ones are of the first token.
    let wrong = wrong.display().to_string();
    let ran = sandbox.akin(&["model", "verify", &wrong]).exits(1);
    assert!(ran.stdout.contains("WRONG"), "{}", ran.stdout);
}

#[cfg(unix)]
#[test]
fn a_switch_that_is_killed_goes_on_where_it_was() {
    use std::process::Stdio;

    let sandbox = Sandbox::new();
    let sample = data("arxiv-1000.jsonl").display().to_string();
    sandbox
        .akin(&["add", "--model", &tiny_model(), &sample])
        .exits(0);
    let with_first = related_of_sample(&sandbox);
    let model = other_model();
    let mut n_kills = 0;
    for wait_ms in [30, 80, 150, 250, 400] {
        let mut child = sandbox
            .command(&["model", "use", &model, "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            n_kills += 1;
        }
        child.wait().unwrap();
        // A folder of a space that was only begun is all that may be left over.
        sandbox.akin(&["check", "--repair", "--quiet"]).exits(0);
    }
    assert!(n_kills > 0, "nothing was killed");
    let (embedded, kept) = switch(&sandbox, &model);
    assert_eq!(embedded + kept, 1000);
    sandbox.akin(&["check"]).exits(0);
    assert_eq!(switch(&sandbox, &tiny_model()), (0, 1000));
    assert_eq!(related_of_sample(&sandbox), with_first);
}

#[cfg(unix)]
fn related_of_sample(sandbox: &Sandbox) -> Vec<String> {
    let args = ["related", "1912.02354", "--dense", "--exact", "--json"];
    sandbox.akin(&args).exits(0).ids()
}

#[test]
fn a_device_that_is_not_there_is_an_error_and_auto_is_the_cpu() {
    let sandbox = library();
    if !cfg!(feature = "cuda") {
        let ran = sandbox
            .akin(&["--device", "cuda", "search", "fish"])
            .exits(2);
        assert!(ran.stderr.contains("--features cuda"), "{}", ran.stderr);
        assert!(ran.stderr.contains("--device cpu"), "{}", ran.stderr);
        let status = sandbox
            .akin(&["--device", "auto", "status", "--json"])
            .exits(0)
            .json();
        let device = status[0]["device"].as_str().unwrap();
        assert!(
            device.starts_with("cpu") || cfg!(feature = "metal"),
            "{device}"
        );
    }
    let on_cpu = |args: &[&str]| sandbox.akin(args).exits(0).json();
    let info = [
        "--device",
        "cpu",
        "--precision",
        "f32",
        "model",
        "info",
        "--json",
    ];
    let info = on_cpu(&info);
    assert!(
        info[0]["arithmetic"].as_str().unwrap().starts_with("f32"),
        "{info:?}"
    );
}

#[test]
fn a_model_that_is_not_made_for_the_cosine_is_named() {
    let sandbox = Sandbox::new();
    let (source, copy) = (data("models/tiny-weightedmean"), sandbox.path("dotted"));
    fs::create_dir_all(copy.join("1_Pooling")).unwrap();
    for entry in fs::read_dir(&source).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    fs::copy(
        source.join("1_Pooling/config.json"),
        copy.join("1_Pooling/config.json"),
    )
    .unwrap();
    let model = copy.display().to_string();
    let info = || sandbox.akin(&["model", "info", &model]).exits(0).stderr;
    assert!(!info().contains("similarity"), "{}", info());
    let config = r#"{"similarity_fn_name": "dot"}"#;
    fs::write(copy.join("config_sentence_transformers.json"), config).unwrap();
    assert!(info().contains("made for dot similarity"), "{}", info());
}
