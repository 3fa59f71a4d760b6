//! A digest as Markdown (CommonMark), for notes.

use super::{also_in, byline, dates};
use crate::digest::{Brief, Digest};

/// Renders a digest.
pub fn markdown(digest: &Digest) -> String {
    let mut out = format!("# {}\n", escaped(&digest.title()));
    for section in digest.sections.iter().filter(|s| !s.entries.is_empty()) {
        out += &format!("\n## {}\n\n", escaped(&section.follow));
        out += &format!("*{}*\n", escaped(&section.about));
        for entry in &section.entries {
            out += &format!("\n### {}\n\n", linked(&entry.brief, &entry.brief.title));
            let mut lines = vec![
                escaped(&byline(&entry.authors, &entry.categories)),
                escaped(&dates(&entry.brief)),
                escaped(&entry.why),
                escaped(&also_in(entry)),
            ];
            for other in &entry.folded {
                lines.push(format!(
                    "the same work: {}",
                    linked(other, &other.id.to_string())
                ));
            }
            for other in &entry.related {
                lines.push(format!("near: {}", linked(other, &other.title)));
            }
            lines.retain(|line| !line.is_empty());
            // Two spaces end a line, not the paragraph.
            out += &lines.join("  \n");
            out.push('\n');
            if let Some(sentence) = &entry.sentence {
                out += &format!("\n> {}\n", escaped(sentence));
            }
        }
        if let Some((n_more, command)) = digest.rest(section) {
            out += &format!("\n{n_more}: {}\n", code(&command));
        }
    }
    let elsewhere = digest.elsewhere();
    if !elsewhere.is_empty() {
        out += &format!("\nUnder other follows: {}.\n", escaped(&elsewhere));
    }
    let quiet = digest.quiet();
    if !quiet.is_empty() {
        out += &format!("\nNothing new: {}.\n", escaped(&quiet));
    }
    if !digest.trending.is_empty() {
        out += "\n## Rising\n\n";
        for riser in &digest.trending {
            let title = linked(&riser.brief, &riser.brief.title);
            out += &format!("- {title}: {}\n", escaped(&riser.why));
        }
    }
    for note in &digest.notes {
        out += &format!("\nNote: {}.\n", escaped(note));
    }
    out
}

fn linked(paper: &Brief, text: &str) -> String {
    match &paper.url {
        Some(url) => format!("[{}](<{}>)", escaped(text), url.replace(['<', '>'], "")),
        None => escaped(text),
    }
}

/// Text as code, between more backticks than stand together in it.
fn code(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let runs = text.split(|c| c != '`').map(str::len);
    let ticks = "`".repeat(runs.max().unwrap_or(0) + 1);
    let space = if ticks.len() > 1 { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// Text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if "\\`*_[]<>#$~|&".contains(c) || (out.is_empty() && "+-=>".contains(c)) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        assert_eq!(escaped("a*b* [x](y) <b>"), r"a\*b\* \[x\](y) \<b\>");
        assert_eq!(escaped("- $x_1$ & `y`"), r"\- \$x\_1\$ \& \`y\`");
        assert_eq!(escaped("a\u{1b}[1m"), r"a\[1m");
    }

    #[test]
    fn a_command_stays_one_whatever_is_in_it() {
        assert_eq!(code("a 'b'"), "`a 'b'`");
        assert_eq!(code("a `b`` c"), "``` a `b`` c ```");
    }
}
