//! `akin embed` as a filter between two pipes: what goes in comes out, row for row, and the exit
//! code says whether all of it did.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use half::f16;
use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, papers, tiny_model};

const DIM: usize = 32;

/// Runs `akin embed` with the tiny model.
fn embed(sandbox: &Sandbox, args: &[&str], stdin: &str) -> Ran {
    let model = tiny_model();
    let args = [&["embed", "--model", &model], args].concat();
    sandbox.akin_with_stdin(&args, stdin.as_bytes())
}

/// Lines of an id and a text each.
fn texts(n: usize) -> String {
    let line = |i| json!({"id": format!("t{i}"), "text": format!("Text number {i}.")}).to_string();
    (0..n).map(|i| line(i) + "\n").collect()
}

fn vectors(ran: &Ran) -> Vec<Vec<f32>> {
    let number = |x: &Value| x.as_f64().unwrap() as f32;
    let vector = |line: &Value| {
        let numbers = line["embedding"].as_array().unwrap();
        numbers.iter().map(number).collect()
    };
    ran.json().iter().map(vector).collect()
}

#[test]
fn ids_come_back_as_they_were_given_and_in_order() {
    let sandbox = Sandbox::new();
    let ids = [
        "arXiv:2503.11731v2",
        "2503.11731",
        "https://arxiv.org/abs/2503.11731v1",
        "10.1103/PhysRevD.76.013009",
        " spaces around ",
        "math.GT/0309136",
        "twice",
        "twice",
        "ünï/\"quoted\"",
    ];
    let title = |id: &&str| json!({"id": id, "title": "A title", "abstract": "Words."});
    let text = |id: &&str| json!({"id": id, "text": "A plain text."});
    let number = json!({"id": 42, "text": "A number is an id as well."});
    let records: Vec<Value> = ids.iter().map(title).chain(ids.iter().map(text)).collect();
    let lines: Vec<String> = records
        .iter()
        .chain([&number])
        .map(Value::to_string)
        .collect();
    let ran = embed(&sandbox, &["-"], &lines.join("\n")).exits(0);
    assert_eq!(ran.ids(), [&ids[..], &ids, &["42"]].concat());
    for line in ran.json() {
        let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["embedding", "id"]);
        assert_eq!(line["embedding"].as_array().unwrap().len(), DIM);
    }
}

#[test]
fn every_format_of_a_dump_keeps_the_spelling_of_its_ids() {
    let sandbox = Sandbox::new();
    for record in [
        r#"{"id":"arXiv:2503.11731v2","title":"t","abstract":"a","categories":"cs.CL"}"#,
        r#"{"id":"arXiv:2503.11731v2","title":"t","summary":"a","categories":["cs.CL"],"abs":"u"}"#,
        r#"{"_id":"arXiv:2503.11731v2","title":"t","text":"a","metadata":{}}"#,
        r#"[{"paper":{"id":"arXiv:2503.11731v2","title":"t","summary":"s"}}]"#,
        r#"{"date":"2026-03-01","papers":[{"id":"arXiv:2503.11731v2","title":"t","abstract":"s"}]}"#,
        r#"{"arxiv_id":"arXiv:2503.11731v2","title":"t"}"#,
    ] {
        let ran = embed(&sandbox, &["-"], record).exits(0);
        assert_eq!(ran.ids(), ["arXiv:2503.11731v2"], "{record}");
    }
}

#[test]
fn rows_keep_their_order_over_many_batches() {
    let sandbox = Sandbox::new();
    let ran = embed(&sandbox, &["-"], &texts(600)).exits(0);
    let expected: Vec<String> = (0..600).map(|i| format!("t{i}")).collect();
    assert_eq!(ran.ids(), expected);
}

#[test]
fn a_plain_text_is_embedded_as_it_stands() {
    let sandbox = Sandbox::new();
    let long = "All of it counts, not only the first words that become a title. ".repeat(3);
    let long = long.trim();
    let lines = format!(
        "{}\n{}",
        json!({"id": 1, "text": long}),
        json!({"id": 2, "title": long})
    );
    let both = vectors(&embed(&sandbox, &["-"], &lines).exits(0));
    assert_eq!(both[0], both[1]);
}

#[test]
fn f16_are_the_f32_rounded() {
    let sandbox = Sandbox::new();
    let whole = vectors(&embed(&sandbox, &["-"], &texts(20)).exits(0));
    let half = vectors(&embed(&sandbox, &["-", "--dtype", "f16"], &texts(20)).exits(0));
    let rounded = |vectors: &[Vec<f32>]| -> Vec<f16> {
        vectors
            .iter()
            .flatten()
            .map(|x| f16::from_f32(*x))
            .collect()
    };
    assert_eq!(rounded(&half), rounded(&whole));
    assert_ne!(half, whole);

    let npy = sandbox.path("v.npy").display().to_string();
    embed(&sandbox, &["-", "--dtype", "f16", "-o", &npy], &texts(20)).exits(0);
    let bytes = std::fs::read(&npy).unwrap();
    assert!(String::from_utf8_lossy(&bytes[10..128]).contains("'descr': '<f2'"));
    let stored = bytes[128..].as_chunks::<2>().0.iter();
    let stored: Vec<f16> = stored.map(|b| f16::from_le_bytes(*b)).collect();
    assert_eq!(stored, rounded(&whole));
}

#[test]
fn dim_keeps_the_first_numbers_at_length_one() {
    let sandbox = Sandbox::new();
    let whole = vectors(&embed(&sandbox, &["-"], &texts(3)).exits(0));
    let short = vectors(&embed(&sandbox, &["-", "--dim", "8"], &texts(3)).exits(0));
    for (whole, short) in whole.iter().zip(&short) {
        let length = whole[..8].iter().map(|x| x * x).sum::<f32>().sqrt();
        assert_eq!(short.len(), 8);
        assert!(
            short
                .iter()
                .zip(whole)
                .all(|(s, w)| (s - w / length).abs() < 1e-6)
        );
    }
    let to = sandbox.path("v.npy").display().to_string();
    let ran = embed(&sandbox, &["-", "--dim", "33", "-o", &to], "no dump").exits(2);
    assert!(
        ran.stderr.contains("33") && ran.stderr.contains("32"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("standard input"), "{ran:?}");
    embed(&sandbox, &["-", "--dim", "0"], "").exits(2);
}

/// A dump with something bad in it: which ids come out, how the run ends, what it says.
#[track_caller]
fn check_end(args: &[&str], stdin: &str, ids: &[&str], code: i32, says: &str) {
    let ran = embed(&Sandbox::new(), args, stdin).exits(code);
    assert_eq!(ran.ids(), ids, "{ran:?}");
    assert!(ran.stderr.contains(says), "{ran:?}");
}

#[test]
fn the_exit_code_says_whether_all_of_it_was_embedded() {
    let good = r#"{"id":"a","text":"One."}"#;
    let null = r#"{"id":"b","text":null}"#;
    let mixed = [good, null, good].join("\n");
    check_end(&["-"], good, &["a"], 0, "");
    check_end(
        &["-"],
        &mixed,
        &["a", "a"],
        1,
        "standard input, line 2: empty",
    );
    check_end(&["-", "no-such-file"], good, &["a"], 2, "no-such-file");
    check_end(&["-"], "no dump at all", &[], 2, "standard input");
    check_end(&["-", "--strict"], good, &["a"], 0, "");
    check_end(
        &["-", "--strict"],
        &mixed,
        &[],
        2,
        "standard input, line 2 (id \"b\"): empty",
    );
    check_end(
        &["-", "no-such-file", "--strict"],
        good,
        &["a"],
        2,
        "no-such-file",
    );
    check_end(&["-q"], "", &[], 2, "DUMP");
    check_end(
        &["-", "--format", "parquet"],
        good,
        &[],
        2,
        "-o NAME.parquet",
    );
}

#[test]
fn every_rejected_row_is_listed() {
    let bad: String = (0..40)
        .map(|i| format!("{{\"id\":{i},\"text\":\"\"}}\n"))
        .collect();
    let ran = embed(&Sandbox::new(), &["-"], &(bad + &texts(1))).exits(1);
    for line in 1..=40 {
        assert!(
            ran.stderr.contains(&format!("line {line}: empty")),
            "{ran:?}"
        );
    }
}

#[test]
fn a_dump_that_is_cut_gives_what_came_before_and_fails() {
    let sandbox = Sandbox::new();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(texts(1000).as_bytes()).unwrap();
    let whole = gz.finish().unwrap();
    let model = tiny_model();
    let args = ["embed", "-q", "--model", &model, "-"];
    let ran = sandbox
        .akin_with_stdin(&args, &whole[..whole.len() / 2])
        .exits(2);
    let expected = (0..ran.ids().len()).map(|i| format!("t{i}"));
    assert!(ran.ids().len() > 100 && ran.ids().into_iter().eq(expected));
    let says = ["error: standard input, line", "cut off"];
    assert!(says.iter().all(|part| ran.stderr.contains(part)), "{ran:?}");
}

#[test]
fn nothing_but_data_is_on_stdout() {
    let long = json!({"id": "long", "text": "word ".repeat(500)}).to_string();
    let stdin = format!("{long}\nrubbish\n{}", texts(3));
    let args = ["-", "--verbose", "--color", "always", "--json"];
    let ran = embed(&Sandbox::new(), &args, &stdin).exits(1);
    assert_eq!(ran.ids(), ["long", "t0", "t1", "t2"]);
    assert!(
        ran.stderr.contains("line 2") && ran.stderr.contains("longer"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains('\u{1b}'));
}

#[test]
fn a_run_that_fails_leaves_no_file() {
    let sandbox = Sandbox::new();
    let stdin = texts(300) + "rubbish\n";
    for name in ["v.jsonl", "v.npy", "v.arrow", "v.parquet"] {
        let to = sandbox.path("out").join(name).display().to_string();
        sandbox.file("out/other", "");
        embed(&sandbox, &["-", "--strict", "-o", &to], &stdin).exits(2);
        embed(&sandbox, &["no-such-file", "-o", &to], "").exits(2);
        let left: Vec<_> = std::fs::read_dir(sandbox.path("out")).unwrap().collect();
        assert_eq!(left.len(), 1, "{name}: {left:?}");
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_file_under_its_name() {
    let sandbox = Sandbox::new();
    let to = sandbox.path("v.npy");
    let (model, name) = (tiny_model(), to.display().to_string());
    let mut command = sandbox.command(&["embed", "-", "--model", &model, "-o", &name]);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(texts(2000).as_bytes()).unwrap();
    let part = sandbox.path("v.npy.part");
    while !part.metadata().is_ok_and(|metadata| metadata.len() > 0) {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    assert!(part.exists() && !to.exists());
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let sandbox = Sandbox::new();
    let model = tiny_model();
    let mut child = sandbox.spawn(&["embed", "-", "--model", &model]);
    // The writing end stays open: the program must not wait for more.
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(texts(2000).as_bytes()).unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"id\":\"t0\""), "{first}");
    drop(out);
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert!(
        matches!(ran.code, Some(0)) && ran.stderr.is_empty(),
        "{ran:?}"
    );
    drop(pipe);
}

#[test]
fn an_output_that_is_no_file_is_written_in_place() {
    let sandbox = Sandbox::new();
    let dump = sandbox.file("d.jsonl", papers(&[("a", "Title", "Words.")]));
    let ran = embed(&sandbox, &[&dump, "-o", "/dev/stdout"], "").exits(0);
    assert_eq!(ran.ids(), ["a"]);
    embed(
        &sandbox,
        &[&dump, "--format", "npy", "-o", "/dev/stdout"],
        "",
    )
    .exits(2);
}

#[cfg(not(feature = "arrow"))]
#[test]
fn tables_are_refused_by_a_build_without_them() {
    let good = r#"{"id":"a","text":"One."}"#;
    check_end(
        &["-", "--format", "arrow"],
        good,
        &[],
        2,
        "the feature `arrow`",
    );
    let sandbox = Sandbox::new();
    let dump = sandbox.file("t.parquet", "PAR1 and more");
    let ran = embed(&sandbox, &[&dump], "").exits(2);
    assert!(ran.stderr.contains("the feature `arrow`"), "{ran:?}");
}
