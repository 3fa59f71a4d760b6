//! docs/promises.md names tests that exist.

use super::page;
use std::path::{Path, PathBuf};

/// A source file: its text, and the modules that its path names, as `cargo test` shows them.
struct Source {
    text: String,
    modules: Vec<String>,
}

impl Source {
    fn read(path: &Path) -> Source {
        let inside = path.strip_prefix(page::root()).unwrap().with_extension("");
        let parts = inside.iter().map(|part| part.display().to_string());
        let is_root = |part: &String| part == "src" || part == "suite";
        Source {
            text: std::fs::read_to_string(path).unwrap(),
            modules: parts.skip_while(|part| !is_root(part)).skip(1).collect(),
        }
    }

    /// Whether a test, or a module of tests, of this path is here.
    fn has(&self, path: &str) -> bool {
        let (modules, name) = path.rsplit_once("::").unwrap_or(("", path));
        let is_within = |module: &str| {
            self.modules.iter().any(|part| part == module)
                || self.text.contains(&format!("mod {module} {{"))
        };
        let modules = modules.split("::").filter(|module| !module.is_empty());
        let is_test = self.text.contains(&format!("fn {name}("));
        (is_test || self.modules.iter().any(|part| part == name))
            && modules.into_iter().all(is_within)
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_promise_names_a_test() {
    let mut paths = Vec::new();
    for folder in ["src", "crates", "tests/suite"] {
        sources(&page::root().join(folder), &mut paths);
    }
    let sources: Vec<Source> = paths.iter().map(|path| Source::read(path)).collect();
    let text = std::fs::read_to_string(page::root().join("docs/promises.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.rsplit('|').nth(1));
    let named = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let is_missing = |test: &&str| !sources.iter().any(|source| source.has(test));
    let missing: Vec<&str> = named.filter(is_missing).collect();
    assert!(missing.is_empty(), "no such tests:\n{}", missing.join("\n"));
}
