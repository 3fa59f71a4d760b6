//! What holds for every source file: its head, the libraries it may name, types that are named once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Libraries that only these rooms of the package may name.
const KEPT_APART: &[(&str, &[&str])] = &[
    ("lettre", &["digest"]),
    ("rss", &["digest"]),
    ("atom_syndication", &["digest"]),
    ("askama", &["digest"]),
    ("arrow_array", &["ingest"]),
    ("arrow_ipc", &["ingest"]),
    ("arrow_schema", &["ingest"]),
    ("parquet", &["ingest"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("toml_edit", &["cli"]),
    ("indicatif", &["cli"]),
    ("anstream", &["cli"]),
    ("terminal_size", &["cli"]),
];

/// Rooms that are crates of their own, and the folders of their sources.
const CRATES: &[(&str, &str)] = &[
    ("base", "crates/akin-base/src"),
    ("dump", "crates/akin-dump/src"),
    ("encoder", "crates/akin-encoder/src"),
    ("fetch", "crates/akin-fetch/src"),
    ("index", "crates/akin-index/src"),
    ("kernels", "crates/akin-kernels/src"),
    ("library", "crates/akin-library/src"),
];

/// Every source file with the room it is in: `encoder/batch.rs` is in `encoder`, and a file of a
/// crate is in its room. The ground is a crate of several rooms.
fn sources() -> BTreeMap<PathBuf, (String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = sources_in(&root.join("src"), None);
    for (room, folder) in CRATES {
        let is_ground = *room == "base";
        let of_crate = sources_in(&root.join(folder), (!is_ground).then_some(room));
        let of_crate = of_crate.into_iter();
        files.extend(of_crate.map(|(path, source)| (Path::new(room).join(path), source)));
    }
    assert!(files.len() > 300, "the sources were not found");
    files
}

fn sources_in(root: &Path, room: Option<&str>) -> BTreeMap<PathBuf, (String, String)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let inside = path.strip_prefix(root).unwrap().to_owned();
                let first = inside.iter().next().unwrap().to_str().unwrap();
                let room = room.unwrap_or(first.trim_end_matches(".rs")).to_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                files.insert(inside, (room, text));
            }
        }
    }
    files
}

#[test]
fn a_crate_that_is_kept_apart_is_named_in_its_rooms_only() {
    for (path, (room, text)) in sources() {
        let is_of_crate = CRATES.iter().any(|(own, _)| *own == room) || path.starts_with("base");
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        for (name, homes) in KEPT_APART {
            let named = code.contains(&format!("{name}::"));
            assert!(
                is_of_crate || !named || homes.contains(&room.as_str()),
                "{} names {name}",
                path.display()
            );
        }
        if !["main", "cli"].contains(&room.as_str()) {
            assert!(
                !code.contains("std::env"),
                "{} reads the environment",
                path.display()
            );
        }
    }
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    for (path, (_, text)) in sources() {
        assert!(
            text.starts_with("//! "),
            "{} has no `//!` head",
            path.display()
        );
    }
}

/// Types that are made twice, once for each build: with a feature and without it.
const TWINS: [&str; 3] = ["ArrowStream", "ParquetFile", "TableReader"];

/// The names of the types that a file defines at its top, but for its tests.
fn types_of(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    let kinds = ["struct ", "enum ", "trait ", "union ", "type "];
    let name_of = |line: &str| {
        let line = line.trim_start_matches("pub ");
        let line = match line.strip_prefix("pub(") {
            Some(rest) => rest.split_once(") ")?.1,
            None => line,
        };
        let start = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
        let end = start.find(|c: char| !c.is_alphanumeric())?;
        Some(start[..end].len())
    };
    let names = code.lines().filter_map(|line| {
        let n = name_of(line)?;
        let at = kinds
            .iter()
            .find_map(|kind| Some(line.find(kind)? + kind.len()))?;
        Some(&line[at..at + n])
    });
    names.collect()
}

#[test]
fn no_name_of_a_type_stands_for_two() {
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (path, (_, text)) in sources() {
        let is_of_tests = path.iter().any(|part| {
            let part = part.to_string_lossy();
            part.starts_with("test")
        });
        if is_of_tests {
            continue;
        }
        for name in types_of(&text) {
            found.entry(name.to_owned()).or_default().push(path.clone());
        }
    }
    assert!(found.len() > 300, "the types were not found");
    let twice: Vec<_> = found
        .iter()
        .filter(|(name, paths)| paths.len() > 1 && !TWINS.contains(&name.as_str()))
        .collect();
    assert!(twice.is_empty(), "{twice:#?}");
}
