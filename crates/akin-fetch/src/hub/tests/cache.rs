//! Finding models in a cache that other tools write, too.

use super::*;

/// Writes empty files of a commit into a cache.
fn stock(place: &Place, commit: &str, names: &[&str]) -> PathBuf {
    let folder = place.repo().join("snapshots").join(commit);
    for name in names {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    folder
}

fn set_ref(place: &Place, name: &str, content: &str) {
    let path = place.repo().join("refs").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// What is said to be missing.
#[track_caller]
fn missing(place: &Place) -> String {
    match place.hub.find(&id(NAME)) {
        Err(Error::ModelMissing { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let place = Place::new();
    for text in [NAME, "other", "tiny/bert-cls@0123456", "tiny/bert-cls@v1"] {
        assert_eq!(place.hub.find(&id(text)).unwrap(), None, "{text}");
    }
    assert!(place.hub.list().unwrap().is_empty());
    // A branch without its snapshot, as tools leave it that remove one.
    set_ref(&place, "main", COMMIT);
    assert_eq!(place.hub.find(&id(NAME)).unwrap(), None);
}

#[test]
fn a_snapshot_in_part_says_what_is_missing() {
    let place = Place::new();
    set_ref(&place, "main", &format!("{COMMIT}\n"));
    let folder = stock(&place, COMMIT, &["README.md"]);
    let reason = missing(&place);
    let all = "lacks config.json, model.safetensors, modules.json, tokenizer.json";
    assert!(reason.contains(all), "{reason}");
    stock(&place, COMMIT, &["config.json", WEIGHTS, "tokenizer.json"]);
    // As tools leave it that know nothing of modules: the pooling could be another.
    assert!(missing(&place).ends_with("lacks modules.json"));
    let modules = r#"[{"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
        {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}]"#;
    std::fs::write(folder.join("modules.json"), modules).unwrap();
    assert!(missing(&place).ends_with("lacks 1_Pooling/config.json"));
    stock(&place, COMMIT, &["1_Pooling/config.json"]);
    let found = place.hub.find(&id(NAME)).unwrap().unwrap();
    assert_eq!(found.folder, folder);
    std::fs::write(folder.join("modules.json"), "[{").unwrap();
    assert!(missing(&place).ends_with("lacks modules.json"));
}

#[test]
fn every_shard_has_to_be_there() {
    let place = Place::new();
    set_ref(&place, "main", COMMIT);
    let index = "model.safetensors.index.json";
    let shards = [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ];
    let folder = stock(
        &place,
        COMMIT,
        &["config.json", "tokenizer.json", shards[0]],
    );
    std::fs::write(folder.join("modules.json"), "[]").unwrap();
    assert!(missing(&place).ends_with("lacks model.safetensors"));
    let map =
        serde_json::json!({ "weight_map": { "a": shards[0], "b": shards[1], "c": shards[1] } });
    std::fs::write(folder.join(index), map.to_string()).unwrap();
    assert!(missing(&place).ends_with(&format!("lacks {}", shards[1])));
    stock(&place, COMMIT, &shards);
    assert!(place.hub.find(&id(NAME)).unwrap().is_some());
}

#[test]
fn a_model_that_the_hub_has_without_modules_is_whole_once_it_was_fetched() {
    let place = Place::with(&["README.md", "config.json", WEIGHTS, "tokenizer.json"]);
    place.fetch().unwrap();
    let found = place.hub.find(&id(NAME)).unwrap().unwrap();
    assert_eq!(found.files.len(), 4);
    assert!(found.missing.is_empty());
}

#[test]
fn a_link_that_leads_nowhere_is_no_file() {
    let place = Place::new();
    place.fetch().unwrap();
    std::fs::remove_file(place.blob_of_weights()).unwrap();
    assert!(missing(&place).ends_with("lacks model.safetensors"));
    place.fetch().unwrap();
    assert!(place.hub.find(&id(NAME)).unwrap().is_some());
}

#[test]
fn digits_of_a_commit_have_to_be_those_of_one() {
    let place = Place::new();
    let other = format!("0123456{}", "f".repeat(33));
    stock(&place, COMMIT, &["README.md"]);
    let error = place.hub.find(&id("tiny/bert-cls@0123456")).unwrap_err();
    assert!(matches!(error, Error::ModelMissing { .. }), "{error}");
    stock(&place, &other, &["README.md"]);
    let error = place.hub.find(&id("tiny/bert-cls@0123456")).unwrap_err();
    assert!(error.to_string().contains("several commits"), "{error}");
    let found = place.hub.find(&id("tiny/bert-cls@0123456f")).unwrap_err();
    assert!(found.to_string().contains(&other), "{found}");
    assert_eq!(place.hub.find(&id("tiny/bert-cls@012345")).unwrap(), None);
    set_ref(&place, "0123456", COMMIT);
    let error = place.hub.find(&id("tiny/bert-cls@0123456")).unwrap_err();
    assert!(
        error.to_string().contains(COMMIT),
        "a branch comes first: {error}"
    );
}

#[test]
fn a_branch_that_is_no_commit_is_damage() {
    let place = Place::new();
    set_ref(&place, "main", "nonsense");
    let error = place.hub.find(&id(NAME)).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn everything_in_the_cache_is_listed() {
    let place = Place::new();
    place.fetch().unwrap();
    let other = "f".repeat(40);
    stock(&place, &other, &["config.json"]);
    std::fs::create_dir_all(
        place
            .hub
            .cache
            .join("datasets--a--b/snapshots")
            .join(&other),
    )
    .unwrap();
    std::fs::create_dir_all(place.hub.cache.join("models--gpt2/snapshots").join(&other)).unwrap();
    std::fs::create_dir_all(
        place
            .hub
            .cache
            .join("models--a--b--c/snapshots")
            .join(&other),
    )
    .unwrap();
    let listed = place.hub.list().unwrap();
    let shown: Vec<(String, bool)> = listed
        .iter()
        .map(|snapshot| (snapshot.id.to_string(), snapshot.missing.is_empty()))
        .collect();
    let expected = [
        (format!("gpt2@{other}"), false),
        ("tiny/bert-cls@main".to_owned(), true),
        (format!("tiny/bert-cls@{other}"), false),
    ];
    assert_eq!(shown, expected);
    let weights = listed[1]
        .files
        .iter()
        .find(|file| file.name == WEIGHTS)
        .unwrap();
    assert_eq!(weights.sha256, Some(place.server.sha256(WEIGHTS)));
}
