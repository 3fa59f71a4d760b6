//! What is written under a name that a person gives replaces nothing but what akin wrote there.

use std::path::Path;

use crate::sandbox::{Ran, Sandbox, papers, tiny_model};

const THESIS: &str = "\\documentclass{book}\nFour years of work.\n";

fn dump(sandbox: &Sandbox, name: &str, n: usize) -> String {
    let ids: Vec<String> = (0..n).map(|i| format!("p{i}")).collect();
    let titles: Vec<String> = (0..n).map(|i| format!("Study {i} of graphs")).collect();
    let lines: Vec<(&str, &str, &str)> = ids
        .iter()
        .zip(&titles)
        .map(|(id, title)| (id.as_str(), title.as_str(), "A text."))
        .collect();
    sandbox.file(name, papers(&lines))
}

/// Runs a command with the tiny model.
fn akin(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let model = tiny_model();
    sandbox.akin(&[args, &["--model", &model]].concat())
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// The names in the sandbox's folder that are none of those given.
fn beside(sandbox: &Sandbox, known: &[&str]) -> Vec<String> {
    let names = std::fs::read_dir(sandbox.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let others = ["library", "cache", "config", "data", "home"];
    names
        .filter(|name| !known.contains(&name.as_str()) && !others.contains(&name.as_str()))
        .collect()
}

#[test]
fn rejections_replace_an_earlier_list_and_nothing_else() {
    let sandbox = Sandbox::new();
    let good = dump(&sandbox, "good.jsonl", 3);
    let bad = sandbox.file(
        "bad.jsonl",
        "{\"id\":\"x\",\"title\":\"\"}\n{\"id\":\"y\",\"title\":\"T\"}\n",
    );
    let thesis = sandbox.file("thesis.tex", THESIS);
    let json = sandbox.file("mine.jsonl", "{\"id\":\"a\",\"reason\":\"mine\"}\n");
    for foreign in [&thesis, &json] {
        let before = read(foreign);
        for dump in [&good, &bad] {
            for more in [&[][..], &["--dry-run"]] {
                let args = ["add", dump, "--rejected", foreign];
                let ran = akin(&sandbox, &[&args[..], more].concat()).exits(2);
                assert!(ran.stderr.contains("--force"), "{ran:?}");
                assert_eq!(read(foreign), before);
            }
        }
    }
    // The dump itself, by any name, with --force or without.
    let before = read(&good);
    let link = sandbox.path("link.jsonl").display().to_string();
    let hard = sandbox.path("hard.jsonl").display().to_string();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&good, &link).unwrap();
    std::fs::hard_link(&good, &hard).unwrap();
    for name in [&good, &link, &hard] {
        for force in [&[][..], &["--force"]] {
            let args = ["add", &good, "--rejected", name];
            let ran = akin(&sandbox, &[&args[..], force].concat()).exits(2);
            assert!(ran.stderr.contains("is read by this command"), "{ran:?}");
            assert_eq!(read(&good), before);
        }
    }
    // A list that is not there, is made; is replaced; and goes where there is nothing to list.
    let list = sandbox.path("list.jsonl").display().to_string();
    for _ in 0..2 {
        akin(&sandbox, &["add", &bad, "--rejected", &list]).exits(1);
        assert!(
            String::from_utf8(read(&list))
                .unwrap()
                .contains("bad.jsonl")
        );
    }
    akin(&sandbox, &["add", &good, "--rejected", &list]).exits(0);
    assert!(!Path::new(&list).exists());
    let empty = sandbox.file("empty", "");
    akin(&sandbox, &["add", &good, "--rejected", &empty]).exits(0);
    assert!(Path::new(&empty).exists());
    akin(&sandbox, &["add", &bad, "--rejected", &empty]).exits(1);
    akin(&sandbox, &["add", &bad, "--rejected", &thesis, "--force"]).exits(1);
    assert!(
        String::from_utf8(read(&thesis))
            .unwrap()
            .contains("bad.jsonl")
    );
    // The library is never an output.
    let database = sandbox.library().join("papers.db").display().to_string();
    let args = ["add", &bad, "--rejected", &database, "--force"];
    let ran = akin(&sandbox, &args).exits(2);
    assert!(ran.stderr.contains("a part of the library"), "{ran:?}");
    akin(&sandbox, &["add", &good]).exits(0);
}

#[test]
fn vectors_replace_earlier_ones_and_nothing_else() {
    let sandbox = Sandbox::new();
    let few = dump(&sandbox, "few.jsonl", 2);
    let many = dump(&sandbox, "many.jsonl", 5);
    let formats = match cfg!(feature = "arrow") {
        true => &["v.npy", "v.jsonl", "v.arrows", "v.parquet"][..],
        false => &["v.npy", "v.jsonl"],
    };
    for name in formats {
        let path = sandbox.file(name, THESIS);
        let ran = akin(&sandbox, &["embed", &few, "-o", &path]).exits(2);
        assert!(
            ran.stderr.contains("not a file of vectors that akin wrote"),
            "{ran:?}"
        );
        assert_eq!(read(&path), THESIS.as_bytes(), "{name}");
        akin(&sandbox, &["embed", &few, "-o", &path, "--force"]).exits(0);
        let first = read(&path);
        akin(&sandbox, &["embed", &many, "-o", &path]).exits(0);
        let second = read(&path);
        assert_ne!(first, second);
        for dtype in ["f16", "f32"] {
            let args = ["embed", &many, "-o", &path, "--dtype", dtype];
            akin(&sandbox, &args).exits(0);
        }
        assert_eq!(read(&path), second, "{name}");
    }
    let known = ["few.jsonl", "many.jsonl", "v.ids.txt", "v.space.json"];
    assert_eq!(beside(&sandbox, &[&known[..], formats].concat()), [""; 0]);

    // Another program's vectors.
    let numpy =
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }";
    let mut numpy = numpy.to_vec();
    numpy.resize(127, b' ');
    numpy.extend(b"\n\0\0\0\0");
    let other = sandbox.file("other.npy", &numpy);
    akin(&sandbox, &["embed", &few, "-o", &other]).exits(2);
    assert_eq!(read(&other), numpy);
    let other = sandbox.file("other.jsonl", "{\"id\": \"a\", \"embedding\": [1.0]}\n");
    akin(&sandbox, &["embed", &few, "-o", &other]).exits(2);

    // By whatever name.
    let path = sandbox.path("vectors").display().to_string();
    for dump in [&few, &many, &few] {
        let args = ["embed", dump, "-o", &path, "--format", "npy"];
        akin(&sandbox, &args).exits(0);
    }
    // The ids beside them are looked at before anything is written.
    for with_vectors in [false, true] {
        let path = sandbox
            .path(&format!("w{with_vectors}.npy"))
            .display()
            .to_string();
        if with_vectors {
            akin(&sandbox, &["embed", &few, "-o", &path]).exits(0);
        }
        let before = std::fs::read(&path).ok();
        let ids = sandbox.file(&format!("w{with_vectors}.ids.txt"), THESIS.repeat(3));
        let ran = akin(&sandbox, &["embed", &many, "-o", &path]).exits(2);
        assert!(ran.stderr.contains("--force"), "{ran:?}");
        assert_eq!(read(&ids), THESIS.repeat(3).as_bytes());
        assert_eq!(std::fs::read(&path).ok(), before);
    }
}

#[test]
fn what_is_read_is_never_what_is_written() {
    let sandbox = Sandbox::new();
    let dump = dump(&sandbox, "d.jsonl", 3);
    let bytes = read(&dump);
    for force in [&[][..], &["--force"]] {
        let args = ["embed", &dump, "-o", &dump];
        let ran = akin(&sandbox, &[&args[..], force].concat()).exits(2);
        assert!(ran.stderr.contains("is read by this command"), "{ran:?}");
        let folder = sandbox.path("").display().to_string();
        let args = ["embed", &folder, "-o", &dump];
        akin(&sandbox, &[&args[..], force].concat()).exits(2);
        let model = tiny_model();
        let args = ["embed", "-", "-o", &dump, "--model", &model];
        let mut command = sandbox.command(&[&args[..], force].concat());
        command.stdin(std::fs::File::open(&dump).unwrap());
        let ran = Ran::of(command.output().unwrap()).exits(2);
        assert!(ran.stderr.contains("is read by this command"), "{ran:?}");
        assert_eq!(read(&dump), bytes);
    }
    // Nor a part of a model, whoever reads it.
    let model = sandbox.path("model");
    std::fs::create_dir(&model).unwrap();
    for file in std::fs::read_dir(tiny_model()).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            std::fs::copy(&file, model.join(file.file_name().unwrap())).unwrap();
        }
    }
    for name in ["tokenizer.json", "config.json"] {
        let part = model.join(name).display().to_string();
        let bytes = read(&part);
        let ran = akin(&sandbox, &["embed", &dump, "-o", &part, "--force"]).exits(2);
        assert!(ran.stderr.contains("part of a model"), "{ran:?}");
        assert_eq!(read(&part), bytes);
    }
    // Vectors are a dump, too, to nobody but a command that reads them.
    let vectors = sandbox.path("v.jsonl").display().to_string();
    akin(&sandbox, &["embed", &dump, "-o", &vectors]).exits(0);
    akin(&sandbox, &["embed", &vectors, "-o", &vectors]).exits(2);
}

#[test]
fn a_digest_replaces_an_earlier_one_in_whatever_form_and_nothing_else() {
    let sandbox = Sandbox::new();
    let dump = dump(&sandbox, "d.jsonl", 3);
    akin(&sandbox, &["add", &dump]).exits(0);
    sandbox
        .akin(&["follow", "add", "graphs", "graphs"])
        .exits(0);
    let forms = ["terminal", "html", "md", "json", "rss", "atom", "eml"];
    for form in forms {
        let path = sandbox.file(form, THESIS);
        let args = [
            "digest",
            "--since",
            "3650d",
            "--dry-run",
            "-o",
            &path,
            "--to",
        ];
        let to = |form| [&args[..], &[form]].concat();
        let ran = sandbox.akin(&to(form)).exits(2);
        assert!(
            ran.stderr.contains("not a digest that akin wrote"),
            "{ran:?}"
        );
        assert_eq!(read(&path), THESIS.as_bytes());
        let forced = [&to(form)[..], &["--force"]].concat();
        sandbox.akin(&forced).exits(0);
        assert_ne!(read(&path), THESIS.as_bytes());
        for again in forms {
            sandbox.akin(&to(again)).exits(0);
        }
    }
}

#[test]
fn a_run_replaces_an_earlier_one_and_nothing_else() {
    let sandbox = Sandbox::new();
    let corpus = dump(&sandbox, "corpus.jsonl", 3);
    let queries = sandbox.file("queries.jsonl", "{\"_id\":\"q\",\"text\":\"graphs\"}\n");
    let qrels = sandbox.file("qrels.txt", "q 0 p1 1\n");
    let other = sandbox.file("other.run", "q Q0 p1 1 0.5 bm25\n");
    let run = sandbox.path("a.run").display().to_string();
    let eval = |args: &[&str]| {
        let files = [
            "eval",
            "--corpus",
            &corpus,
            "--queries",
            &queries,
            "--qrels",
            &qrels,
        ];
        akin(&sandbox, &[&files[..], args].concat())
    };
    for _ in 0..2 {
        eval(&["--run", &run]).exits(0);
    }
    for foreign in [&other, &qrels] {
        let before = read(foreign);
        eval(&["--run", foreign]).exits(2);
        assert_eq!(read(foreign), before);
    }
    for read_too in [&corpus, &queries, &qrels] {
        let ran = eval(&["--run", read_too, "--force"]).exits(2);
        assert!(ran.stderr.contains("is read by this command"), "{ran:?}");
    }
    eval(&["--run", &run, "--against", &run]).exits(2);
    eval(&["--run", &other, "--force"]).exits(0);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_left_alone_and_a_device_is_written_to() {
    let sandbox = Sandbox::new();
    let dump = dump(&sandbox, "d.jsonl", 2);
    let link = sandbox.path("link").display().to_string();
    std::os::unix::fs::symlink(sandbox.path("gone"), &link).unwrap();
    akin(&sandbox, &["embed", &dump, "-o", &link, "--force"]).exits(2);
    assert!(!sandbox.path("gone").exists() && Path::new(&link).is_symlink());
    akin(&sandbox, &["embed", &dump, "-o", "/dev/null"]).exits(0);
    // A pipe is written to, not replaced.
    let bad = sandbox.file("bad.jsonl", "{\"id\":\"x\",\"title\":\"\"}\n");
    let pipe = sandbox.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let held = std::fs::File::options().read(true).write(true).open(&pipe);
    let mut lines = std::io::BufReader::new(held.unwrap());
    let name = pipe.display().to_string();
    akin(&sandbox, &["add", &dump, &bad, "--rejected", &name]).exits(1);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
    assert!(line.contains("bad.jsonl") && !pipe.is_file(), "{line}");
    akin(&sandbox, &["add", &dump, "--rejected", &name]).exits(0);
    let folder = sandbox.path("").display().to_string();
    akin(&sandbox, &["add", &dump, "--rejected", &folder]).exits(2);
}
