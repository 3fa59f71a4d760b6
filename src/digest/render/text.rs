//! A digest as plain text, for a terminal or a mail.

use textwrap::Options;

use super::{also_in, byline, dates};
use crate::digest::{Digest, Entry, Riser};

/// Marks around parts of a text to make them stand out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Emphasis {
    /// Before a title.
    pub bold: &'static str,
    /// Before less important text.
    pub dim: &'static str,
    /// After either.
    pub end: &'static str,
}

impl Emphasis {
    /// Those of a terminal.
    pub const ANSI: Emphasis = Emphasis {
        bold: "\u{1b}[1m",
        dim: "\u{1b}[2m",
        end: "\u{1b}[0m",
    };
}

/// A text in the making.
struct TextLines {
    out: String,
    width: usize,
    marks: Emphasis,
}

/// Renders a digest in lines of at most `width` columns, except for addresses, which stay whole.
pub fn text(digest: &Digest, width: usize, marks: Emphasis) -> String {
    let mut lines = TextLines {
        out: String::new(),
        width,
        marks,
    };
    lines.bold("", &digest.title());
    for section in digest.sections.iter().filter(|s| !s.entries.is_empty()) {
        lines.blank();
        lines.bold("", &section.follow);
        lines.dim("", &section.about);
        for entry in &section.entries {
            lines.blank();
            lines.entry(entry);
        }
        if let Some((n_more, command)) = digest.rest(section) {
            lines.blank();
            lines.dim("  ", &format!("{n_more}:"));
            lines.address(Some(&command));
        }
    }
    let elsewhere = digest.elsewhere();
    if !elsewhere.is_empty() {
        lines.blank();
        lines.dim("", &format!("Under other follows: {elsewhere}."));
    }
    let quiet = digest.quiet();
    if !quiet.is_empty() {
        lines.blank();
        lines.dim("", &format!("Nothing new: {quiet}."));
    }
    if !digest.trending.is_empty() {
        lines.blank();
        lines.bold("", "Rising");
        for riser in &digest.trending {
            lines.blank();
            lines.riser(riser);
        }
    }
    for note in &digest.notes {
        lines.blank();
        lines.dim("", &format!("Note: {note}."));
    }
    lines.out
}

/// Renders one entry, as in a digest.
pub fn entry_text(entry: &Entry, width: usize, marks: Emphasis) -> String {
    let mut lines = TextLines {
        out: String::new(),
        width,
        marks,
    };
    lines.entry(entry);
    lines.out
}

impl TextLines {
    fn entry(&mut self, entry: &Entry) {
        self.bold("  ", &entry.brief.title);
        self.dim("  ", &byline(&entry.authors, &entry.categories));
        self.dim("  ", &dates(&entry.brief));
        if let Some(sentence) = &entry.sentence {
            self.wrapped("  > ", "  > ", sentence, "");
        }
        self.dim("  ", &entry.why);
        self.dim("  ", &also_in(entry));
        self.address(entry.brief.url.as_deref());
        for other in &entry.folded {
            self.dim("  ", &format!("the same work: {}", other.id));
        }
        for other in &entry.related {
            self.wrapped(
                "  near: ",
                "        ",
                &format!("{} ({})", other.title, other.id),
                self.marks.dim,
            );
        }
    }

    fn riser(&mut self, riser: &Riser) {
        self.bold("  ", &riser.brief.title);
        self.dim("  ", &byline(&riser.authors, &riser.categories));
        self.dim("  ", &riser.why);
        self.address(riser.brief.url.as_deref());
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn bold(&mut self, indent: &str, text: &str) {
        self.wrapped(indent, indent, text, self.marks.bold);
    }

    fn dim(&mut self, indent: &str, text: &str) {
        self.wrapped(indent, indent, text, self.marks.dim);
    }

    /// An address or a command on a line of its own, so that it can be clicked or copied.
    fn address(&mut self, url: Option<&str>) {
        if let Some(url) = url {
            self.out.push_str("  ");
            self.out.extend(url.chars().filter(|c| !c.is_control()));
            self.out.push('\n');
        }
    }

    fn wrapped(&mut self, first: &str, rest: &str, text: &str, mark: &str) {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        if text.is_empty() {
            return;
        }
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(rest);
        let end = if mark.is_empty() { "" } else { self.marks.end };
        for line in textwrap::wrap(&text, options) {
            self.out.push_str(mark);
            self.out.push_str(&line);
            self.out.push_str(end);
            self.out.push('\n');
        }
    }
}
