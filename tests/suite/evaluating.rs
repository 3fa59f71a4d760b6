//! Evaluations speak of documents by the ids that stand there, and count nothing twice.

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, tiny_model};

const TEXT: &str = "We study the propagation of light through random media and show that the \
    transmission matrix has a bimodal spectrum whose width follows from the mean free path.";

/// Documents that elsewhere would be fewer papers: ids of one paper, texts that are the same, a notice.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    (
        "2401.00001",
        "Light in random media that scatter strongly",
        TEXT,
    ),
    (
        "arXiv:2401.00001v2",
        "Light in random media that scatter strongly",
        TEXT,
    ),
    (
        "10.5555/ABC",
        "Light in random media that scatter strongly",
        TEXT,
    ),
    (
        "10.5555/abc",
        "Light in random media that scatter strongly",
        TEXT,
    ),
    ("1", "Editorial", "Nothing."),
    ("01", "Editorial", "Nothing."),
    (
        "https://example.org/a b?c#d",
        "Zebras",
        "Zebras and okapis.",
    ),
    (
        "w",
        "Okapis",
        "This paper has been withdrawn by the author.",
    ),
];

fn folder(sandbox: &Sandbox, documents: &[(&str, &str, &str)], qrels: &str) -> String {
    let line = |(id, title, text): &(&str, &str, &str)| {
        json!({ "_id": id, "title": title, "text": text }).to_string() + "\n"
    };
    let corpus: String = documents.iter().map(line).collect();
    sandbox.file("t/corpus.jsonl", corpus);
    let queries = [
        ("q1", "light in media"),
        ("1", "editorial"),
        ("q3", "zebras okapis"),
    ];
    let line = |(id, text): &(&str, &str)| json!({ "_id": id, "text": text }).to_string() + "\n";
    sandbox.file(
        "t/queries.jsonl",
        queries.iter().map(line).collect::<String>(),
    );
    sandbox.file("t/qrels/test.tsv", qrels);
    sandbox.path("t").display().to_string()
}

const QRELS: &str = "query-id\tcorpus-id\tscore\nq1\t10.5555/ABC\t1\n1\t01\t1\nq3\tw\t1\nq3\thttps://example.org/a b?c#d\t1\n";

fn eval(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let model = tiny_model();
    sandbox.akin(&[&["eval", "--model", &model], args].concat())
}

#[test]
fn every_record_is_a_document_under_the_id_that_stands_there() {
    let sandbox = Sandbox::new();
    let folder = folder(
        &sandbox,
        DOCUMENTS,
        &format!("\u{feff}{QRELS}q3\tgone\t1\n"),
    );
    let run = sandbox.path("run.txt").display().to_string();
    let args = [&folder, "--run", &run, "--json", "--metric", "Recall@8"];
    let first = eval(&sandbox, &args).exits(0);
    assert!(
        first
            .stderr
            .contains("not in the corpus: 1 judged document"),
        "{first:?}"
    );
    assert_eq!(first.json()[0]["queries"], 3);
    let written = std::fs::read_to_string(&run).unwrap();
    for query in ["q1", "1", "q3"] {
        let mut found: Vec<&str> = written
            .lines()
            .filter_map(|line| line.strip_prefix(query)?.strip_prefix("\tQ0\t"))
            .map(|rest| rest.split('\t').next().unwrap())
            .collect();
        found.sort_unstable();
        let mut all: Vec<&str> = DOCUMENTS.iter().map(|(id, _, _)| *id).collect();
        all.sort_unstable();
        assert_eq!(found, all, "{query}");
    }
    // What is in the cache gives the same, and so does the run that was written.
    assert_eq!(eval(&sandbox, &args).stdout, first.stdout);
    let scored = eval(
        &sandbox,
        &[&folder, "--score", &run, "--json", "--metric", "Recall@8"],
    );
    assert_eq!(scored.exits(0).stdout, first.stdout);
    // q3 has two of three.
    let recall = first.json()[0]["recall@8"].as_f64().unwrap();
    assert!(
        (recall - (1.0 + 1.0 + 2.0 / 3.0) / 3.0).abs() < 1e-9,
        "{recall}"
    );
}

#[test]
fn a_corpus_that_changes_is_read_anew() {
    let sandbox = Sandbox::new();
    let lexical = |documents| {
        let folder = folder(&sandbox, documents, QRELS);
        eval(
            &sandbox,
            &[&folder, "--lexical", "--json", "--metric", "Recall@8"],
        )
        .exits(0)
    };
    let whole = lexical(DOCUMENTS);
    let fewer = lexical(&DOCUMENTS[..5]);
    assert_ne!(whole.stdout, fewer.stdout);
    assert_eq!(lexical(DOCUMENTS).stdout, whole.stdout);
    let kept = std::fs::read_dir(sandbox.path("cache/akin/corpora")).unwrap();
    assert_eq!(
        kept.count(),
        3,
        "a library, its ids and the name of its dump"
    );
}

#[test]
fn two_documents_of_one_id_are_refused() {
    let sandbox = Sandbox::new();
    let twice = [DOCUMENTS[0], DOCUMENTS[4], DOCUMENTS[0]];
    let folder = folder(&sandbox, &twice, QRELS);
    let ran = eval(&sandbox, &[&folder]).exits(2);
    assert!(
        ran.stderr.contains("line 3") && ran.stderr.contains("line 1 has the same id"),
        "{ran:?}"
    );
}

#[test]
fn the_document_of_a_query_is_left_out_where_that_is_asked() {
    let sandbox = Sandbox::new();
    let qrels = "query-id\tcorpus-id\tscore\n1\t01\t1\n";
    let folder = folder(&sandbox, DOCUMENTS, qrels);
    let run = sandbox.path("run.txt").display().to_string();
    let args = [&folder, "--lexical", "--metric", "MRR@10", "--json"];
    let with = eval(&sandbox, &[&args[..], &["--run", &run]].concat()).exits(0);
    let without = eval(&sandbox, &[&args[..], &["--exclude-self"]].concat()).exits(0);
    let mrr = |ran: &Ran| ran.json()[0]["mrr@10"].as_f64().unwrap();
    // The two have the same words.
    assert_eq!((mrr(&with), mrr(&without)), (0.5, 1.0));
    let score = [&folder, "--score", &run, "--metric", "MRR@10", "--json"];
    assert_eq!(mrr(&eval(&sandbox, &score)), 0.5);
    let score = [&score[..], &["--exclude-self", "--against", &run]].concat();
    let ran = eval(&sandbox, &score).exits(0);
    assert_eq!(
        (mrr(&ran), &ran.json()[0]["mrr@10_against"]),
        (1.0, &json!(1.0))
    );
}

#[test]
fn related_documents_are_asked_for_by_the_ids_that_stand_there() {
    let sandbox = Sandbox::new();
    let folder = folder(&sandbox, DOCUMENTS, QRELS);
    sandbox.file(
        "t/queries.jsonl",
        "{\"_id\": \"10.5555/abc\"}\n{\"_id\": \"1\"}\n",
    );
    sandbox.file(
        "t/qrels/test.tsv",
        "10.5555/abc\t10.5555/ABC\t1\n1\t01\t1\n",
    );
    let run = sandbox.path("run.txt").display().to_string();
    let args = [
        &folder, "--by-id", "--run", &run, "--json", "--metric", "Recall@7",
    ];
    let ran = eval(&sandbox, &args).exits(0);
    assert_eq!(ran.json()[0]["recall@7"], 1.0);
    let written = std::fs::read_to_string(&run).unwrap();
    assert!(
        !written.contains("10.5555/abc\tQ0\t10.5555/abc\t"),
        "{written}"
    );
    sandbox.file("t/qrels/test.tsv", "10.5555/abc\t1\t1\n");
    sandbox.file(
        "t/queries.jsonl",
        "{\"_id\": \"10.5555/abc\"}\n{\"_id\": \"10.5555/Abc\"}\n",
    );
    sandbox.file("t/qrels/test.tsv", "10.5555/Abc\t1\t1\n");
    let ran = eval(&sandbox, &args).exits(1);
    assert!(ran.stderr.contains("10.5555/Abc"), "{ran:?}");
}

#[test]
fn a_run_counts_nothing_twice() {
    let sandbox = Sandbox::new();
    let qrels = "query-id\tcorpus-id\tscore\nq1\t1\t1\nq3\tw\t1\nq3\t01\t1\n";
    let folder = folder(&sandbox, DOCUMENTS, qrels);
    let twice = "q1 Q0 1 1 3.0 t\nq1 Q0 1 2 2.5 t\nq3 Q0 w 1 3.0 t\n";
    let nan = "q1 Q0 01 1 nan t\nq1 Q0 1 2 2.5 t\n";
    let good = "q1 Q0 01 1 3 t\nq3 Q0 01 1 3.0 t\n";
    let [twice, nan, good] = [("twice", twice), ("nan", nan), ("good", good)]
        .map(|(name, text)| sandbox.file(&format!("{name}.run"), text));
    for (run, line) in [(&twice, "line 2"), (&nan, "line 1")] {
        for args in [&["--score", run][..], &["--score", &good, "--against", run]] {
            let ran = eval(&sandbox, &[&[&*folder], args].concat()).exits(2);
            assert!(
                ran.stderr.contains(run.as_str()) && ran.stderr.contains(line),
                "{ran:?}"
            );
        }
    }
    let measured = [&folder, "--score", &good, "--against", &good];
    let ran = eval(&sandbox, &measured).exits(0);
    assert!(!ran.stdout.contains("-0"), "{ran:?}");
    let ran = eval(&sandbox, &[&measured[..], &["--json"]].concat()).exits(0);
    assert!(!ran.stdout.contains("-0"), "{ran:?}");
    let is_share = |value: &Value| value.as_f64().is_none_or(|n| (0.0..=3.0).contains(&n));
    assert!(
        ran.json()[0].as_object().unwrap().values().all(is_share),
        "{ran:?}"
    );
}
