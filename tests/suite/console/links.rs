//! Links between pages and to files lead somewhere.

use super::page;
use std::path::Path;

/// The targets of `[text](target)` and `src="target"` in a text.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let markdown = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let html = text
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    markdown.chain(html)
}

/// A heading as the part of a link behind `#`.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_to_a_file_or_a_heading() {
    let mut broken = Vec::new();
    for page in page::all() {
        let prose = page.prose();
        let path = page::root().join(&page.name);
        for target in targets(&prose).filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let named = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            if !named.exists() || !(heading.is_empty() || has_heading(&named, heading)) {
                broken.push(format!("{}: {target}", page.name));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "no file, or no heading:\n{}",
        broken.join("\n")
    );
}

fn has_heading(path: &Path, wanted: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap();
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    headings.any(|heading| anchor(heading) == wanted)
}
