//! What the best papers of an answer have in common, as people and programs read it on stdout.

use std::collections::BTreeMap;
use std::io::{self, Write};

use akin::search::Facets;
use serde::Serialize;

use super::layout::{counted, json_line, width, wrapped};
use super::terminal::{CYAN, DIM};

/// Prints the counts, fitted to the terminal, or as one object.
pub(super) fn write(out: &mut impl Write, facets: &Facets, is_json: bool) -> io::Result<()> {
    if is_json {
        return json_line(out, &JsonFacets::from(facets));
    }
    writeln!(
        out,
        "\n{DIM}among the {}{DIM:#}",
        counted(facets.n_papers as u64, "best paper")
    )?;
    for (name, counts) in named(facets) {
        let counts: Vec<String> = counts
            .iter()
            .map(|(value, n)| {
                format!("{value}\u{a0}{n}")
                    .replace(' ', "\u{a0}")
                    .replace('-', "\u{2011}")
            })
            .collect();
        let indent = " ".repeat(12);
        let lines = wrapped(&counts.join(" · "), width(), &indent, usize::MAX);
        for (place, line) in lines.iter().enumerate() {
            let line = line
                .trim_start()
                .replace('\u{a0}', " ")
                .replace('\u{2011}', "-");
            let name = if place == 0 { name } else { "" };
            writeln!(out, "{CYAN}{name:<11}{CYAN:#} {line}")?;
        }
    }
    Ok(())
}

/// What the best papers have in common, as programs get it.
#[derive(Serialize)]
struct JsonFacets<'a> {
    facets: BTreeMap<&'a str, Vec<JsonCount<'a>>>,
    n_papers: usize,
}

/// A value, and the number of papers that have it.
#[derive(Serialize)]
struct JsonCount<'a> {
    value: &'a str,
    n_papers: usize,
}

impl<'a> From<&'a Facets> for JsonFacets<'a> {
    fn from(facets: &'a Facets) -> JsonFacets<'a> {
        let count = |(value, n): &'a (String, usize)| JsonCount {
            value,
            n_papers: *n,
        };
        let named = named(facets);
        JsonFacets {
            facets: named
                .map(|(name, counts)| (name, counts.iter().map(count).collect()))
                .into(),
            n_papers: facets.n_papers,
        }
    }
}

fn named(facets: &Facets) -> [(&'static str, &[(String, usize)]); 3] {
    [
        ("years", &facets.years),
        ("categories", &facets.categories),
        ("authors", &facets.authors),
    ]
}
