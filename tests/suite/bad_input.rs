//! Everything a user can get wrong: a clear error or a counted, located rejection, and the good
//! papers of the same file are kept.

use std::io::Write;

use crate::sandbox::{Ran, Sandbox, data, is_full, papers, tiny_model};

const GOOD: &[(&str, &str, &str)] = &[
    ("g1", "Good", "A good paper."),
    ("g2", "Fine", "A fine one."),
];

fn add(sandbox: &Sandbox, dump: &str) -> Ran {
    sandbox.akin(&["add", dump, "--json", "--model", &tiny_model()])
}

/// Adds a file with something bad between good papers: the good ones are stored, the bad one is
/// rejected with its place and reason.
#[track_caller]
fn check_rejected(bad: &[u8], line: u64, reason: &str) {
    let sandbox = Sandbox::new();
    let good = papers(GOOD);
    let (first, second) = good.split_once('\n').unwrap();
    let bytes = [first.as_bytes(), b"\n", bad, b"\n", second.as_bytes()].concat();
    let dump = sandbox.file("mixed.jsonl", bytes);
    let ran = add(&sandbox, &dump).exits(1);
    let report = &ran.json()[0];
    assert_eq!(
        (&report["stored"], &report["rejected"]),
        (&2.into(), &1.into()),
        "{ran:?}"
    );
    let place = format!("mixed.jsonl, line {line}");
    assert!(
        ran.stderr.contains(&place) && ran.stderr.contains(reason),
        "{ran:?}"
    );
}

#[test]
fn a_bad_line_is_rejected_with_its_place_and_the_good_ones_stay() {
    check_rejected(
        b"{\"id\": \"x\", \"abstract\": \"No title here.\"}",
        2,
        "no title",
    );
    check_rejected(
        b"{\"id\": \"x\", \"title\": \"Broken \xff\xfe\"}",
        2,
        "UTF-8",
    );
    check_rejected(b"{\"id\": \"x\", \"title\": ", 2, "JSON");
    check_rejected(b"\x00\x01\x02 rubbish", 2, "JSON");
    let n_bytes = if is_full() { 100_000_000 } else { 10_000_000 };
    let title = "long ".repeat(n_bytes / 5);
    let long = format!("{{\"id\": \"x\", \"title\": \"{title}\"}}");
    check_rejected(long.as_bytes(), 2, "longer than 8 MiB");
}

/// One record that is odd and no mistake, between good ones: it is stored, and shown under this id
/// with these words.
#[track_caller]
fn check_taken(odd: &str, id: &str, words: &str) {
    let sandbox = Sandbox::new();
    let good = papers(GOOD);
    let (first, second) = good.split_once('\n').unwrap();
    let dump = sandbox.file("odd.jsonl", format!("{first}\n{odd}\n{second}"));
    let ran = add(&sandbox, &dump).exits(0);
    assert_eq!(ran.json()[0]["stored"], 3, "{ran:?}");
    let shown = sandbox.akin(&["show", id]).exits(0).stdout;
    assert!(shown.contains(words), "{id}: {shown}");
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn what_is_odd_and_no_mistake_is_taken() {
    let record = |id: &str, text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!(r#"{{"id": {id}, "title": "Odd", "abstract": {text}}}"#)
    };
    check_taken(
        &record(r#""m""#, &"word ".repeat(200_000)),
        "m",
        "word word",
    );
    check_taken(&record(r#""e""#, ""), "e", "Odd");
    check_taken(&record("4983", "A number."), "4983", "A number.");
    check_taken(&record(r#""a b/c""#, "Slashes."), "a b/c", "Slashes.");
    check_taken(&record(r#""n""#, "A\0B."), "n", "AB.");
    let dates = [
        ("1991-08-14", "1991-08-14"),
        ("yesterday", "Odd"),
        ("0000-99-99", "Odd"),
    ];
    for (date, shown) in dates {
        let odd =
            format!(r#"{{"id": "d", "title": "Odd", "abstract": "x", "published": "{date}"}}"#);
        check_taken(&odd, "d", shown);
    }
}

#[test]
fn an_id_that_stands_twice_in_a_file_is_one_paper() {
    let sandbox = Sandbox::new();
    let twice = [GOOD[0], ("g1", "Good", "A better paper."), GOOD[0]];
    let dump = sandbox.file("twice.jsonl", papers(&twice));
    let report = &add(&sandbox, &dump).exits(0).json()[0];
    assert_eq!(
        (&report["read"], &report["stored"]),
        (&3.into(), &1.into()),
        "{report}"
    );
    assert_eq!(sandbox.akin(&["status", "--json"]).json()[0]["papers"], 1);
}

#[test]
fn files_in_other_encodings_and_with_other_line_ends_are_read() {
    let text = papers(GOOD);
    let utf16: Vec<u8> = std::iter::once(0xFEFF)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let files = [
        [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        text.replace('\n', "\r\n").into_bytes(),
        utf16,
    ];
    for bytes in files {
        let sandbox = Sandbox::new();
        let dump = sandbox.file("good.jsonl", bytes);
        let ran = add(&sandbox, &dump).exits(0);
        assert_eq!(ran.json()[0]["stored"], 2, "{ran:?}");
    }
}

/// A file that cannot be taken for a dump at all.
#[track_caller]
fn check_refused(args: &[&str], expected: &[&str]) {
    let sandbox = Sandbox::new();
    sandbox.file("rubbish.bin", [7u8, 0, 255, 3].repeat(5000));
    sandbox.file("empty.jsonl", "");
    sandbox.file("folder/file.txt", "");
    let mut command = sandbox.command(args);
    let output = command.current_dir(sandbox.path("")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    for part in expected {
        assert!(stderr.contains(part), "{args:?}: {stderr}");
    }
}

#[test]
fn what_is_no_dump_is_refused_by_name_with_a_hint() {
    let model = tiny_model();
    for (dump, expected) in [
        (
            "missing.jsonl",
            &["missing.jsonl", "No such file", "hint"][..],
        ),
        ("rubbish.bin", &["rubbish.bin"]),
        ("empty.jsonl", &["empty.jsonl", "empty"]),
    ] {
        check_refused(&["add", "--model", &model, dump], expected);
        check_refused(&["search", "--model", &model, "--in", dump, "x"], expected);
    }
    check_refused(
        &["add", "--model", &model, "folder"],
        &["folder/file.txt", "empty"],
    );
    let search = ["search", "--model", &model, "--in", "folder", "x"];
    check_refused(&search, &["folder", "no paper", "hint"]);
}

#[test]
fn what_lies_beside_dumps_in_a_folder_is_told_and_skipped() {
    let sandbox = Sandbox::new();
    sandbox.file("folder/papers.jsonl", papers(GOOD));
    sandbox.file("folder/README.txt", "Downloaded in spring.");
    sandbox.file("folder/figure.png", b"\x89PNG\r\n\x1a\n");
    let folder = sandbox.path("folder").display().to_string();
    let ran = add(&sandbox, &folder).exits(0);
    let report = &ran.json()[0];
    assert_eq!(report["stored"], 2, "{ran:?}");
    assert_eq!(report["skipped"].as_array().unwrap().len(), 2, "{ran:?}");
    for name in ["skipped", "README.txt", "figure.png"] {
        assert!(ran.stderr.contains(name), "{ran:?}");
    }
    // A broken archive is no such thing.
    sandbox.file("folder/more.zip", b"PK\x03\x04 no archive");
    assert!(add(&sandbox, &folder).exits(2).stderr.contains("more.zip"));
}

#[test]
fn columns_of_any_name_can_be_set() {
    let sandbox = Sandbox::new();
    let table = "Nummer;Titel der Arbeit;Inhalt\n7;Motoren;Von Dampf.\n";
    let dump = sandbox.file("tabelle.csv", table);
    add(&sandbox, &dump).exits(2);
    let model = tiny_model();
    let mut args = vec!["add", &dump, "--json", "--model", &model];
    args.extend([
        "--column",
        "id=Nummer",
        "--column",
        "title=Titel der Arbeit",
    ]);
    args.extend(["--column", "abstract=Inhalt"]);
    let ran = sandbox.akin(&args).exits(0);
    assert_eq!(ran.json()[0]["stored"], 1, "{ran:?}");
    let shown = sandbox.akin(&["show", "7"]).exits(0).stdout;
    assert!(
        shown.contains("Motoren") && shown.contains("Von Dampf."),
        "{shown}"
    );
    args.extend(["--column", "authors=Verfasser"]);
    let ran = sandbox.akin(&args).exits(2);
    assert!(
        ran.stderr.contains("no column is called `Verfasser`"),
        "{ran:?}"
    );
}

#[test]
fn a_library_without_papers_is_called_empty() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("rubbish.txt", "nothing that is a paper");
    add(&sandbox, &dump).exits(2);
    let ran = sandbox.akin(&["search", "anything"]).exits(2);
    assert!(
        ran.stderr.contains("holds no papers") && ran.stderr.contains("hint"),
        "{ran:?}"
    );
    sandbox.akin(&["status"]).exits(0);
}

#[test]
fn a_misused_command_says_what_it_wants() {
    check_refused(&["search", "anything"], &["no library", "hint: `akin add"]);
    check_refused(&["search", " "], &["query is empty", "hint"]);
    check_refused(&["status"], &["no library"]);
    check_refused(&["eval", "folder"], &["corpus.jsonl"]);
    check_refused(&["embed", "x.jsonl", "--format", "npy"], &["-o"]);
    let task = ["--corpus", "rubbish.bin", "--qrels", "rubbish.bin"];
    let eval = [&["eval", "--queries", "rubbish.bin"][..], &task].concat();
    check_refused(&eval, &["rubbish.bin, line 1: it is not UTF-8 text; save"]);
    check_refused(
        &["--library", "folder", "add", "empty.jsonl"],
        &["holds other files"],
    );
    check_refused(
        &["search", "--model", "no/model", "--in", "empty.jsonl", "x"],
        &["no/model"],
    );
}

#[test]
fn what_is_quoted_in_a_message_is_short() {
    let sandbox = Sandbox::new();
    let many = "many words ".repeat(9_000);
    let follows = format!("[[follow]]\nname = {many:?}\nquery = \"stars\"\n");
    let follows = sandbox.file("follows.toml", follows);
    sandbox.file("good.jsonl", papers(GOOD));
    add(&sandbox, &sandbox.path("good.jsonl").display().to_string()).exits(0);
    for args in [
        &["add", &many, "--model", &tiny_model()][..],
        &["search", "-k", &many, "stars"],
        &["search", &many],
        &["show", &many],
        &["follow", "import", &follows],
    ] {
        let output = sandbox.command(args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{}", &args[0]);
        assert!(
            (20..5_000).contains(&stderr.len()),
            "{}: {} bytes",
            args[0],
            stderr.len()
        );
    }
}

#[test]
fn a_draft_of_a_whole_library_is_asked_with_its_start() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("good.jsonl", papers(GOOD));
    add(&sandbox, &dump).exits(0);
    let draft = sandbox.file("draft.txt", "a fine paper ".repeat(2_000_000));
    for args in [
        &["search", "--file", &draft][..],
        &["search", "--lexical", "--file", &draft],
        &["related", "--file", &draft],
    ] {
        let ran = sandbox.akin(args);
        assert!(ran.exits(0).stdout.contains("g2"), "{args:?}");
    }
}

#[test]
fn an_unknown_id_is_said_and_exits_with_1() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("good.jsonl", papers(GOOD));
    add(&sandbox, &dump).exits(0);
    for args in [
        &["show", "nobody"][..],
        &["related", "nobody"],
        &["remove", "g1", "nobody"],
    ] {
        let ran = sandbox.akin(args).exits(1);
        assert!(
            ran.stderr.contains("nobody") && ran.stderr.contains("hint"),
            "{ran:?}"
        );
    }
    sandbox.akin(&["show", "g1"]).exits(0);
}

#[test]
fn a_compressed_dump_that_is_cut_keeps_what_came_before() {
    let sandbox = Sandbox::new();
    let sample = std::fs::read(data("arxiv-1000.jsonl")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&sample).unwrap();
    let gz = gz.finish().unwrap();
    for (name, bytes) in [
        ("cut.gz", gz),
        ("cut.zst", zstd::encode_all(&sample[..], 1).unwrap()),
    ] {
        let dump = sandbox.file(name, &bytes[..bytes.len() / 2]);
        let ran = add(&sandbox, &dump).exits(2);
        let report = &ran.json()[0];
        assert_eq!(report["rejected"], 1, "{ran:?}");
        assert!(report["read"].as_u64().unwrap() > 300, "{ran:?}");
        assert!(ran.stderr.contains("cut off"), "{ran:?}");
    }
    let whole = sandbox.file("whole.zst", zstd::encode_all(&sample[..], 1).unwrap());
    let report = &add(&sandbox, &whole).exits(0).json()[0];
    assert_eq!(report["read"], 1000);
}
