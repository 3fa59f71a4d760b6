//! Hubs and disks that fail, each in its way.

use super::*;

/// Fetches, and gives the words of the error.
#[track_caller]
fn refused(place: &Place) -> String {
    place.fetch().unwrap_err().to_string()
}

#[test]
fn servers_that_are_busy_or_broken_are_asked_again() {
    let place = Place::new();
    let server = &place.server;
    server.spoil("/api/", Fault::Status(429, "Retry-After", "0"));
    server.spoil("/api/", Fault::Status(500, "X", ""));
    server.spoil("modules.json", Fault::Status(503, "X", ""));
    server.spoil_content(WEIGHTS, Fault::Status(502, "X", ""));
    server.spoil_content("/cdn/", Fault::Status(429, "Retry-After", "0"));
    place.fetch().unwrap();
    assert_eq!(server.n_unspoilt(), 0);
}

#[test]
fn whoever_stays_busy_is_given_up() {
    let place = Place::new();
    for _ in 0..3 {
        place.server.spoil("/api/", Fault::Status(500, "X", ""));
    }
    let error = refused(&place);
    assert!(error.contains("it answered 500; attempts: 3"), "{error}");
    assert_eq!(place.server.asked().len(), 3);
}

#[test]
fn a_pause_that_is_asked_for_is_obeyed_or_said() {
    for (name, value) in [
        ("Retry-After", "86400"),
        ("RateLimit", "\"api\";r=0;t=86400"),
    ] {
        let place = Place::new();
        place.server.spoil("/api/", Fault::Status(429, name, value));
        let error = refused(&place);
        assert!(error.contains("a pause of 86400 seconds"), "{error}");
        assert_eq!(place.server.asked().len(), 1);
    }
}

#[test]
fn a_gated_model_says_who_is_wanted() {
    let mut place = Place::new();
    place.server.gate();
    let error = refused(&place);
    assert!(error.contains("gated or private"), "{error}");
    assert!(
        error.contains("no token was sent (401 GatedRepo)"),
        "{error}"
    );
    place.hub.token = Some("hf_some-other".to_owned());
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::ModelDenied { .. }));
    let shown = format!("{error} {error:?} {:?}", place.hub);
    assert!(
        shown.contains("does not open it (403 GatedRepo)"),
        "{shown}"
    );
    assert!(!shown.contains("hf_some-other"), "{shown}");
    place.hub.token = Some(TOKEN.to_owned());
    place.fetch().unwrap();
}

#[test]
fn a_token_that_is_none_is_refused_without_being_shown() {
    let mut place = Place::new();
    place.hub.token = Some("hf_a\r\nX: y".to_owned());
    let error = refused(&place);
    assert!(error.contains("characters that no token has"), "{error}");
    assert!(!error.contains("hf_a") && place.server.asked().is_empty());
}

#[test]
fn what_the_hub_does_not_have_is_said_to_be_unknown() {
    let place = Place::new();
    for other in ["tiny/other", "tiny/bert-cls@v9", "tiny/bert-cls@0123456"] {
        let error = place.hub.fetch(&id(other), &Unobserved).unwrap_err();
        assert!(matches!(error, Error::UnknownModel { .. }), "{error}");
        assert!(
            error.to_string().contains(&format!("no model {other}")),
            "{error}"
        );
    }
}

#[test]
fn a_model_that_cannot_be_used_is_refused_before_anything_is_fetched() {
    for (files, reason) in [
        (
            &["config.json", "pytorch_model.bin", "tokenizer.json"][..],
            "pickled (pytorch_model.bin)",
        ),
        (&["config.json", WEIGHTS], "it has no tokenizer.json"),
        (&["model.gguf"], "it has no model.safetensors"),
    ] {
        let place = Place::with(files);
        let error = refused(&place);
        assert!(error.contains(reason), "{error}");
        assert_eq!(place.server.asked().len(), 1);
        assert!(!place.hub.cache.exists());
    }
}

#[test]
fn a_model_that_is_not_whole_at_the_hub_is_not_to_be_fetched_again() {
    let modules = r#"[{"type": "sentence_transformers.models.Pooling", "path": "pooling"}]"#;
    let mut files = BTreeMap::new();
    for name in ["config.json", WEIGHTS, "tokenizer.json", "modules.json"] {
        files.insert(name.to_owned(), modules.as_bytes().to_vec());
    }
    let place = Place::of(HubServer::with(files));
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::Model { .. }), "{error}");
    assert!(
        error.to_string().ends_with("lacks pooling/config.json"),
        "{error}"
    );
}

#[test]
fn offline_opens_no_socket() {
    let mut place = Place::new();
    place.hub.offline = true;
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    assert!(place.server.asked().is_empty());
}

#[test]
fn bytes_that_are_not_what_the_hub_has_are_removed() {
    let place = Place::new();
    place.server.spoil_content("/cdn/", Fault::Wrong);
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::WrongBytes { .. }), "{error}");
    let (text, expected) = (error.to_string(), place.server.sha256(WEIGHTS));
    assert!(
        text.starts_with("model.safetensors of tiny/bert-cls@0123456789"),
        "{text}"
    );
    assert!(text.contains(&format!("the hub has {expected}")), "{text}");
    let blob = place.blob_of_weights();
    assert!(!blob.exists() && !blob.with_extension("part").exists());
    place.fetch().unwrap();
}

#[test]
fn answers_that_make_no_sense_are_said() {
    for (name, fault, reason) in [
        ("/api/", Fault::Status(200, "X", ""), "the list of files"),
        ("/api/", Fault::Status(418, "X", ""), "was refused: 418"),
        (
            "/api/",
            Fault::Status(302, "X", ""),
            "it redirects to no usable address",
        ),
        (
            "/api/",
            Fault::Status(302, "Location", "ftp://x/"),
            "it redirects to no usable address",
        ),
        (WEIGHTS, Fault::Status(200, "X", ""), "it has no ETag"),
        (
            WEIGHTS,
            Fault::Status(200, "ETag", "../../x"),
            "is none that the hub gives",
        ),
        (
            WEIGHTS,
            Fault::Status(200, "X-Repo-Commit", "other"),
            "of the commit other",
        ),
        (
            WEIGHTS,
            Fault::Status(404, "X-Error-Code", "EntryNotFound"),
            "404 EntryNotFound",
        ),
    ] {
        let mut place = Place::new();
        place.hub.patience = quick(1);
        place.server.spoil(name, fault);
        let error = refused(&place);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_redirect_in_circles_ends() {
    let mut place = Place::new();
    place.hub.patience = quick(1);
    for _ in 0..20 {
        place
            .server
            .spoil("/api/", Fault::Status(302, "Location", "/api/again"));
    }
    let error = refused(&place);
    assert!(error.contains("it redirects in circles"), "{error}");
}

#[test]
fn another_part_than_was_asked_for_is_not_taken() {
    let place = Place::new();
    place.server.spoil_content("/cdn/", Fault::OtherPart);
    let error = refused(&place);
    assert!(error.contains("bytes from 0 on were asked for"), "{error}");
}

#[test]
fn addresses_that_cannot_be_asked_are_said() {
    for endpoint in ["", "hub.example", "ftp://hub.example", "http://"] {
        let mut place = Place::new();
        place.hub.endpoint = endpoint.to_owned();
        let error = refused(&place);
        assert!(error.contains("begins with https://"), "{error}");
    }
    // Nobody listens there, and a trailing slash is no other address.
    let mut place = Place::new();
    place.hub.endpoint += "/";
    place.fetch().unwrap();
    place.hub.endpoint = "http://127.0.0.1:1".to_owned();
    assert!(matches!(place.fetch(), Err(Error::Unreachable { .. })));
}

#[test]
fn what_cannot_be_written_is_named() {
    let place = Place::new();
    std::fs::write(
        place.dir.path().join("hub"),
        "a file where the cache should be",
    )
    .unwrap();
    let error = place.fetch().unwrap_err();
    let Error::Write { path, .. } = error else {
        panic!("{error}");
    };
    assert!(path.starts_with(&place.hub.cache), "{path:?}");
}

/// A place whose patience ends soon.
fn impatient() -> Place {
    let mut place = Place::new();
    place.hub.patience.window = Duration::from_millis(100);
    place.hub.patience.window_bytes = 1 << 10;
    place
}

#[test]
fn an_answer_that_comes_byte_by_byte_is_given_up() {
    let pause = Duration::from_millis(5);
    for (name, is_content) in [("/api/", false), (WEIGHTS, true)] {
        let place = impatient();
        for _ in 0..3 {
            if is_content {
                place.server.spoil_content("/cdn/", Fault::Slow(pause));
            } else {
                place.server.spoil(name, Fault::Slow(pause));
            }
        }
        let error = refused(&place);
        assert!(error.contains("it is too slow"), "{error}");
        assert!(error.contains("attempts: 3"), "{error}");
        assert_eq!(place.server.n_unspoilt(), 0);
    }
}

#[test]
fn a_list_of_files_has_a_time_in_all() {
    let mut place = Place::new();
    place.hub.patience.listing = Duration::from_millis(50);
    for _ in 0..3 {
        place
            .server
            .spoil("/api/", Fault::Slow(Duration::from_millis(1)));
    }
    let error = refused(&place);
    assert!(error.contains("takes too long"), "{error}");
}

#[test]
fn a_server_that_gives_one_byte_a_request_is_not_asked_for_ever() {
    let place = Place::new();
    for _ in 0..3 {
        place.server.spoil_content("/cdn/", Fault::Cut(1));
    }
    let error = refused(&place);
    assert!(error.contains("attempts: 3"), "{error}");
    assert_eq!(place.server.n_unspoilt(), 0);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_in_the_cache() {
    for (ending, reaches) in [("lock", "link"), ("part", "link"), ("part", "second name")] {
        let place = Place::new();
        let victim = place.dir.path().join("precious");
        std::fs::write(&victim, "precious").unwrap();
        let path = place.blob_of_weights().with_extension(ending);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match reaches {
            "link" => std::os::unix::fs::symlink(&victim, &path).unwrap(),
            _ => std::fs::hard_link(&victim, &path).unwrap(),
        }
        let error = refused(&place);
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious", "{ending}");
    }
}
