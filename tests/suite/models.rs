//! Models by name: fetched from a hub on this machine, used without it, and what is said of them.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, data, papers, tiny_model};
use akin_testing::hub_server::{COMMIT, Fault, HubServer, NAME, TOKEN};

const PAPERS: &[(&str, &str, &str)] = &[
    ("2401.00001", "Fish", "How they swim in schools."),
    ("2401.00002", "Dark matter", "A halo."),
];

/// A sandbox and a hub with the tiny model.
struct Place {
    sandbox: Sandbox,
    server: HubServer,
}

impl Place {
    fn new() -> Place {
        Place {
            sandbox: Sandbox::new(),
            server: HubServer::start(&data("models/tiny-bert-cls")),
        }
    }

    /// The program, with this hub.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command(args);
        command.env("HF_ENDPOINT", &self.server.address);
        command
    }

    fn akin(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// With one more variable.
    fn akin_with(&self, name: &str, value: &str, args: &[&str]) -> Ran {
        Ran::of(self.command(args).env(name, value).output().unwrap())
    }

    fn dump(&self) -> String {
        self.sandbox.file("papers.jsonl", papers(PAPERS))
    }
}

#[track_caller]
fn assert_says(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.stderr.contains(word), "{word}: {ran:?}");
    }
}

#[test]
fn a_model_is_fetched_once_and_used_by_its_name_without_a_network() {
    let place = Place::new();
    let fetched = place
        .akin(&["model", "fetch", NAME, "--json"])
        .exits(0)
        .json();
    let (fetched, sandbox) = (&fetched[0], &place.sandbox);
    let folder = sandbox.path("cache/huggingface/hub/models--tiny--bert-cls/snapshots");
    assert_eq!(fetched["id"], NAME);
    assert_eq!(fetched["commit"], COMMIT);
    assert_eq!(fetched["folder"], folder.join(COMMIT).display().to_string());
    let files = fetched["files"].as_array().unwrap();
    let weights = files
        .iter()
        .find(|f| f["name"] == "model.safetensors")
        .unwrap();
    assert_eq!(weights["sha256"], place.server.sha256("model.safetensors"));
    let n_asked = place.server.asked().len();

    place
        .akin(&["--offline", "add", "--model", NAME, &place.dump()])
        .exits(0);
    let found = place
        .akin(&["--offline", "search", "fish", "--json"])
        .exits(0);
    assert_eq!(found.ids().len(), 2);
    let args = [
        "search",
        "--model",
        "tiny/bert-cls@0123456",
        "fish",
        "--json",
    ];
    assert_eq!(place.akin(&args).exits(0).ids(), found.ids());
    // The same model in a folder has another name and the same embeddings.
    let args = ["search", "--model", &tiny_model(), "fish", "--json"];
    assert_eq!(place.akin(&args).exits(0).ids(), found.ids());
    let status = place.akin(&["status", "--json"]).exits(0).json().remove(0);
    assert_eq!(status["model"]["model"], NAME);
    assert_eq!(status["model"]["revision"], COMMIT);
    assert_eq!(status["model_source"], "tiny/bert-cls@0123456789ab");
    assert_eq!(place.server.asked().len(), n_asked, "nobody was asked");
}

#[test]
fn what_is_fetched_is_told_to_a_person() {
    let place = Place::new();
    let ran = place
        .akin(&["model", "fetch", "tiny/bert-cls@main"])
        .exits(0);
    for words in [
        "tiny/bert-cls@main",
        COMMIT,
        "165.8 KB",
        "1_Pooling/config.json",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {ran:?}");
    }
    let sha256 = place.server.sha256("model.safetensors");
    assert!(
        ran.stdout.contains(&sha256) && ran.stderr.is_empty(),
        "{ran:?}"
    );
}

#[test]
fn a_connection_that_is_cut_is_taken_up_again() {
    let place = Place::new();
    place.server.spoil_content("/cdn/", Fault::Cut(70_000));
    place
        .server
        .spoil_content("/cdn/", Fault::Status(404, "X", ""));
    let ran = place.akin(&["model", "fetch", NAME]).exits(2);
    assert_says(
        &ran,
        &["error: the hub has no model", "hint: check the name"],
    );
    place.akin(&["model", "fetch", NAME]).exits(0);
    let parts = ["bytes=0-", "bytes=70000-", "bytes=70000-"];
    assert_eq!(place.server.parts_of_weights(), parts);
}

#[test]
fn offline_no_socket_is_opened() {
    let place = Place::new();
    let fetch = ["model", "fetch", NAME];
    let said = [
        "would have to be fetched",
        "hint: leave out --offline and unset HF_HUB_OFFLINE",
    ];
    assert_says(
        &place.akin(&[&["--offline"], &fetch[..]].concat()).exits(2),
        &said,
    );
    for yes in ["1", "true", "YES", "on"] {
        assert_says(
            &place.akin_with("HF_HUB_OFFLINE", yes, &fetch).exits(2),
            &said,
        );
    }
    let base = ["--base", &place.server.address];
    for feed in ["arxiv", "hf-daily"] {
        let ran = place
            .akin(&[&["pull", "--offline", feed], &base[..]].concat())
            .exits(2);
        assert_says(
            &ran,
            &["akin pull uses the network, and --offline forbids that"],
        );
    }
    assert!(place.server.asked().is_empty());
    place.akin_with("HF_HUB_OFFLINE", "0", &fetch).exits(0);
}

#[test]
fn a_model_that_is_not_here_is_not_fetched_unasked() {
    let place = Place::new();
    let dump = place.dump();
    for model in [NAME, "gpt2", "tiny/bert-cls@v1"] {
        let hint = format!("hint: akin model fetch {model}");
        for args in [
            &["add", "--model", model, &dump][..],
            &["search", "--in", &dump, "--model", model, "fish"],
            &["embed", "--model", model, &dump],
            &["model", "info", model],
        ] {
            let ran = place.akin(args).exits(2);
            assert_says(
                &ran,
                &["is not on this machine", "cache/huggingface/hub", &hint],
            );
        }
    }
    for (model, reason) in [
        ("./tiny/bert-cls", "there is no such folder"),
        ("/tiny/bert-cls", "there is no such folder"),
        ("a/b/c", "it is not an id of the hub"),
    ] {
        let ran = place.akin(&["add", "--model", model, &dump]).exits(2);
        assert_says(&ran, &[reason]);
    }
    assert!(place.server.asked().is_empty());
}

#[test]
fn a_folder_goes_before_a_model_of_the_same_name() {
    let place = Place::new();
    place.akin(&["model", "fetch", NAME]).exits(0);
    let copy = place.sandbox.path("tiny/bert-cls");
    fs::create_dir_all(copy.join("1_Pooling")).unwrap();
    for name in [
        "config.json",
        "model.safetensors",
        "modules.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "1_Pooling/config.json",
    ] {
        fs::copy(data("models/tiny-bert-cls").join(name), copy.join(name)).unwrap();
    }
    let mut command = place.command(&["model", "info", NAME, "--json"]);
    let inside = Ran::of(
        command
            .current_dir(place.sandbox.path(""))
            .output()
            .unwrap(),
    );
    let inside = inside.exits(0).json().remove(0);
    assert_eq!(
        inside["folder"],
        copy.canonicalize().unwrap().display().to_string()
    );
    let outside = place
        .akin(&["model", "info", NAME, "--json"])
        .exits(0)
        .json()
        .remove(0);
    assert_eq!(outside["source"], "tiny/bert-cls@0123456789ab");
}

#[test]
fn a_library_says_what_it_needs_when_its_model_is_gone() {
    let place = Place::new();
    place.akin(&["model", "fetch", NAME]).exits(0);
    place
        .akin(&["add", "--model", NAME, &place.dump()])
        .exits(0);
    let cache = place.sandbox.path("cache/huggingface/hub");
    let moved = place.sandbox.path("moved");
    fs::rename(&cache, &moved).unwrap();
    let ran = place.akin(&["search", "fish"]).exits(2);
    let hint = format!("hint: akin model fetch {NAME}@{COMMIT}");
    assert_says(&ran, &["is not on this machine", &hint]);
    // Where the cache has moved to it is found.
    let moved = moved.display().to_string();
    place
        .akin_with("HF_HUB_CACHE", &moved, &["search", "fish"])
        .exits(0);
    place
        .akin(&["model", "fetch", &format!("{NAME}@{COMMIT}")])
        .exits(0);
    place.akin(&["search", "fish"]).exits(0);
}

#[test]
fn a_token_comes_from_where_it_is_said_and_is_never_shown() {
    let place = Place::new();
    place.server.gate();
    let fetch = ["model", "fetch", NAME, "-v"];
    let ran = place.akin(&fetch).exits(2);
    assert_says(
        &ran,
        &["no token was sent", "HF_TOKEN or --token-file FILE"],
    );
    let ran = place.akin_with("HF_TOKEN", "hf_wrong", &fetch).exits(2);
    assert_says(&ran, &["the token that was sent does not open it"]);
    assert!(!ran.stderr.contains("hf_wrong"), "{ran:?}");
    let file = place.sandbox.file("token", format!("{TOKEN}\n"));
    let home = place.sandbox.path("hf");
    place.sandbox.file("hf/token", format!(" {TOKEN} \n"));
    let with_file = [&fetch[..], &["--token-file", &file]].concat();
    for ran in [
        place.akin_with("HF_TOKEN", "hf_wrong", &with_file),
        place.akin_with("HF_TOKEN", TOKEN, &fetch),
        place.akin_with("HF_TOKEN_PATH", &file, &fetch),
        place.akin_with("HF_HOME", &home.display().to_string(), &fetch),
    ] {
        let ran = ran.exits(0);
        assert!(!format!("{ran:?}").contains(TOKEN), "{ran:?}");
    }
    assert!(home.join("hub/models--tiny--bert-cls").is_dir());
    let empty = place.sandbox.file("empty", " \n");
    let ran = place
        .akin(&["model", "fetch", NAME, "--token-file", &empty])
        .exits(2);
    assert_says(&ran, &["there is no token in"]);
}

#[test]
fn the_list_says_what_is_whole_and_what_is_in_use() {
    let place = Place::new();
    let list = || place.akin(&["model", "list", "--json"]).exits(0).json();
    assert_eq!(list().len(), 1);
    assert_eq!(list()[0]["model"], "bundled");
    assert_eq!(list()[0]["in_use"], false);
    place.akin(&["model", "fetch", NAME]).exits(0);
    place
        .akin(&["add", "--model", NAME, &place.dump()])
        .exits(0);
    let other = "f".repeat(40);
    let half =
        format!("cache/huggingface/hub/models--tiny--bert-cls/snapshots/{other}/config.json");
    place.sandbox.file(&half, "{}");
    let listed = list();
    let row = |row: &Value| {
        let flags = (
            row["complete"].as_bool().unwrap(),
            row["in_use"].as_bool().unwrap(),
        );
        (row["model"].as_str().unwrap().to_owned(), flags)
    };
    let rows: Vec<_> = listed[1..].iter().map(row).collect();
    let expected = [
        (format!("{NAME}@main"), (true, true)),
        (format!("{NAME}@{other}"), (false, false)),
    ];
    assert_eq!(rows, expected);
    let shown = place.akin(&["model", "list"]).exits(0).stdout;
    assert!(
        shown.contains("* tiny/bert-cls@main  0123456789ab  "),
        "{shown}"
    );
    assert!(
        shown.contains("lacks model.safetensors, modules.json, tokenizer.json"),
        "{shown}"
    );

    // A folder that is in use is listed, too.
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("papers.jsonl", papers(PAPERS))]);
    let listed = sandbox.akin(&["model", "list", "--json"]).exits(0).json();
    assert_eq!(row(&listed[1]).1, (true, true));
    assert_eq!(listed[1]["source"], "folder");
}

#[test]
fn a_model_says_what_it_is() {
    let place = Place::new();
    let info = |args: &[&str]| {
        let args = [&["model", "info", "--json"], args].concat();
        place.akin(&args).exits(0).json().remove(0)
    };
    place.akin(&["model", "fetch", NAME]).exits(0);
    let tiny = info(&[NAME]);
    assert_eq!(tiny["recipe"]["model"], NAME);
    assert_eq!(tiny["recipe"]["revision"], COMMIT);
    let weights = place.server.sha256("model.safetensors");
    assert_eq!(tiny["recipe"]["weights_sha256"], weights);
    assert_eq!(tiny["recipe"]["max_tokens"], 64);
    assert!(tiny["positions"].as_u64().unwrap() >= 64, "{tiny}");
    let shown = place.akin(&["model", "info", NAME]).exits(0).stdout;
    for words in [NAME, COMMIT, &weights, "pooling   cls", "computed  "] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // What is meant without a name is the library's.
    place
        .akin(&["add", "--model", &tiny_model(), &place.dump()])
        .exits(0);
    assert_eq!(info(&[])["recipe"]["model"], "tiny-bert-cls");
}

#[test]
#[cfg(feature = "bundled-model")]
fn without_a_library_the_bundled_model_is_meant() {
    let place = Place::new();
    for args in [
        &["model", "info", "--json"][..],
        &["model", "info", "bundled", "--json"],
    ] {
        let info = place.akin(args).exits(0).json().remove(0);
        assert_eq!(info["recipe"]["model"], "all-MiniLM-L6-v2");
        assert_eq!(info["recipe"]["dim"], 384);
        assert_eq!(info["folder"], Value::Null);
    }
}

#[cfg(unix)]
#[test]
fn weights_that_are_spoilt_in_the_cache_are_refused_and_fetched_again() {
    let place = Place::new();
    let fetched = place
        .akin(&["model", "fetch", NAME, "--json"])
        .exits(0)
        .json();
    let folder = std::path::PathBuf::from(fetched[0]["folder"].as_str().unwrap());
    let weights = folder.join("model.safetensors").canonicalize().unwrap();
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 4;
    fs::write(&weights, bytes).unwrap();
    let ran = place
        .akin(&["add", "--model", NAME, &place.dump()])
        .exits(2);
    assert_says(&ran, &["model.safetensors is damaged", "sha256"]);
    place.akin(&["model", "fetch", NAME]).exits(0);
    place
        .akin(&["add", "--model", NAME, &place.dump()])
        .exits(0);
}
