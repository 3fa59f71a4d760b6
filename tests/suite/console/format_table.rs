//! The README's table of formats has every format that the program knows, and no other.

use super::page;
use akin::dump::Format;
use std::collections::BTreeSet;

#[test]
fn the_readme_lists_every_format() {
    let pages = page::all();
    let (_, section) = pages[0].text.split_once("\n## Formats\n").unwrap();
    let rows = section.lines().take_while(|line| !line.starts_with("## "));
    let cells = rows.filter_map(|row| row.strip_prefix('|')?.split('|').nth(2));
    let listed: BTreeSet<&str> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| !name.starts_with('-'))
        .collect();
    let known: BTreeSet<&str> = Format::names().collect();
    assert_eq!(
        listed, known,
        "the last column of the table under `## Formats`"
    );
    let count = format!("{} formats", known.len());
    assert!(
        pages[0].text.contains(&count),
        "the README does not say {count:?}"
    );
}
