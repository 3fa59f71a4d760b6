//! What is fetched, from where, and that it goes on where it was cut off.

use super::*;
use akin_encoder::{Encoder, EncoderOptions, ModelSource};

#[test]
fn a_model_is_fetched_found_again_and_loaded() {
    let place = Place::new();
    let counter = Counter::new(u64::MAX);
    let fetched = place.hub.fetch(&id(NAME), &counter).unwrap();
    let names: Vec<&str> = fetched
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    let expected = [
        "1_Pooling/config.json",
        "config.json",
        "config_sentence_transformers.json",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(names, expected);
    for file in &fetched.files {
        assert_eq!(file.sha256, Some(place.server.sha256(&file.name)));
        assert_eq!(file.n_bytes, place.server.n_bytes(&file.name));
    }
    assert_eq!(fetched.commit, COMMIT);
    assert_eq!(counter.total.load(Ordering::Relaxed), fetched.n_bytes());
    assert_eq!(counter.n_done.load(Ordering::Relaxed), fetched.n_bytes());

    let asked = place.server.asked().len();
    for again in [NAME, "tiny/bert-cls@0123456", &format!("{NAME}@{COMMIT}")] {
        let found = place.hub.find(&id(again)).unwrap().unwrap();
        assert_eq!(
            (&found.commit, &found.folder),
            (&fetched.commit, &fetched.folder)
        );
    }
    assert_eq!(place.server.asked().len(), asked, "finding asks nobody");
    let source = ModelSource::Hub {
        id: NAME.to_owned(),
        commit: COMMIT.to_owned(),
        folder: fetched.folder,
    };
    let encoder = Encoder::load(&source, &EncoderOptions::default()).unwrap();
    assert_eq!(encoder.recipe().model, NAME);
    assert_eq!(encoder.recipe().revision.as_deref(), Some(COMMIT));
    assert_eq!(
        encoder.recipe().weights_sha256,
        place.server.sha256(WEIGHTS)
    );
    assert_eq!(source.to_string(), "tiny/bert-cls@0123456789ab");
}

#[test]
fn branches_with_a_slash_and_commits_are_fetched_too() {
    let place = Place::new();
    let branch = id("tiny/bert-cls@refs/pr/1");
    let fetched = place.hub.fetch(&branch, &Unobserved).unwrap();
    assert_eq!(fetched.commit, COMMIT);
    assert_eq!(place.hub.find(&branch).unwrap().unwrap().commit, COMMIT);
    assert_eq!(
        place.hub.find(&id(NAME)).unwrap(),
        None,
        "main is not known"
    );
    let pinned = id(&format!("{NAME}@{COMMIT}"));
    place.hub.fetch(&pinned, &Unobserved).unwrap();
    assert!(!place.repo().join("refs").join(COMMIT).exists());
}

#[test]
fn redirects_are_followed_and_the_token_stays_with_the_hub() {
    for elsewhere in [false, true] {
        let mut place = Place::new();
        let cdn = Place::new().server;
        place.server.gate();
        place.server.redirect_to(if elsewhere {
            &cdn.address
        } else {
            &place.server.address
        });
        place.hub.token = Some(TOKEN.to_owned());
        place.fetch().unwrap();
        let has_token = |asked: &akin_testing::server::Asked| asked.authorization.is_some();
        assert!(place.server.asked().iter().all(has_token));
        assert!(!cdn.asked().iter().any(has_token), "{:?}", cdn.asked());
        assert_eq!(cdn.asked().len(), usize::from(elsewhere));
    }
}

#[test]
fn what_is_there_is_verified_and_not_fetched_again() {
    let place = Place::new();
    place.fetch().unwrap();
    let counter = Counter::new(u64::MAX);
    let again = place.hub.fetch(&id(NAME), &counter).unwrap();
    let asked = place.server.asked();
    let n_content = asked.iter().filter(|asked| asked.wants_content()).count();
    // Each file once, with the redirects of the weights and of the tokenizer.
    assert_eq!(n_content, again.files.len() + 2);
    assert_eq!(counter.n_done.load(Ordering::Relaxed), again.n_bytes());

    // A blob that is not what its name says is fetched anew, and a link that is gone is made.
    let blob = place.blob_of_weights();
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    std::fs::remove_file(again.folder.join("config.json")).unwrap();
    let mended = place.fetch().unwrap();
    assert_eq!(place.server.parts_of_weights(), ["bytes=0-", "bytes=0-"]);
    assert_eq!(mended, again);
}

#[test]
fn a_fetch_that_was_cut_off_goes_on_where_it_was() {
    let mut place = Place::new();
    place.hub.patience = quick(1);
    place.server.spoil_content("/cdn/", Fault::Cut(5000));
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let part = place.blob_of_weights().with_extension("part");
    assert_eq!(part.metadata().unwrap().len(), 5000);
    let error = place.hub.find(&id(NAME)).unwrap();
    assert_eq!(error, None, "no branch leads to what is not whole");

    let counter = Counter::new(u64::MAX);
    let fetched = place.hub.fetch(&id(NAME), &counter).unwrap();
    assert_eq!(place.server.parts_of_weights(), ["bytes=0-", "bytes=5000-"]);
    assert!(!part.exists());
    assert_eq!(counter.n_done.load(Ordering::Relaxed), fetched.n_bytes());
}

#[test]
fn as_long_as_something_comes_a_connection_may_be_cut_any_number_of_times() {
    let mut place = Place::new();
    place.hub.patience = quick(2);
    for _ in 0..5 {
        place.server.spoil_content("/cdn/", Fault::Cut(1000));
    }
    let counter = Counter::new(u64::MAX);
    let fetched = place.hub.fetch(&id(NAME), &counter).unwrap();
    let starts = [0, 1000, 2000, 3000, 4000, 5000].map(|start| format!("bytes={start}-"));
    assert_eq!(place.server.parts_of_weights(), starts);
    assert_eq!(counter.n_done.load(Ordering::Relaxed), fetched.n_bytes());
}

#[test]
fn a_part_file_is_gone_on_with_whatever_its_length() {
    let n = Place::new().server.n_bytes(WEIGHTS);
    for (length, asked) in [(0, "bytes=0-"), (n - 1, ""), (n, ""), (n + 1, "bytes=0-")] {
        let place = Place::new();
        let part = place.blob_of_weights().with_extension("part");
        std::fs::create_dir_all(part.parent().unwrap()).unwrap();
        let tiny = akin_testing::data("models/tiny-bert-cls");
        let mut bytes = std::fs::read(tiny.join(WEIGHTS)).unwrap();
        bytes.resize(length as usize, 7);
        std::fs::write(&part, bytes).unwrap();
        place.fetch().unwrap();
        let expected: Vec<String> = match asked {
            "" if length == n => Vec::new(),
            "" => vec![format!("bytes={length}-")],
            asked => vec![asked.to_owned()],
        };
        assert_eq!(place.server.parts_of_weights(), expected, "{length}");
    }
}

#[test]
fn a_server_that_knows_no_parts_sends_the_whole_file_again() {
    let mut place = Place::new();
    place.hub.patience = quick(2);
    place.server.spoil_content("/cdn/", Fault::Cut(1000));
    place.server.spoil_content("/cdn/", Fault::Whole);
    let counter = Counter::new(u64::MAX);
    let fetched = place.hub.fetch(&id(NAME), &counter).unwrap();
    assert_eq!(counter.n_done.load(Ordering::Relaxed), fetched.n_bytes());
}

#[test]
fn a_stop_ends_it_and_keeps_what_was_fetched() {
    let place = Place::new();
    let counter = Counter::new(1);
    let error = place.hub.fetch(&id(NAME), &counter).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    let n_asked = place.server.asked().len();
    let error = place.hub.fetch(&id(NAME), &Counter::new(0)).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_eq!(place.server.asked().len(), n_asked);
    place.fetch().unwrap();
}

#[test]
fn two_fetches_at_once_do_no_harm() {
    let place = Place::new();
    std::thread::scope(|scope| {
        let fetches: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| place.fetch().unwrap()))
            .collect();
        for fetch in fetches {
            assert_eq!(fetch.join().unwrap().files.len(), 9);
        }
    });
    assert_eq!(place.server.parts_of_weights(), ["bytes=0-"]);
}
