//! From the user's own manuscript to a title and an abstract.
//!
//! ```text
//! text ──┬─► LaTeX     \title, \begin{abstract}       (latex.rs)
//!        ├─► Markdown  front matter, # title, ## Abstract
//!        └─► plain     first lines, "Abstract" … "Introduction"; also what pdftotext makes of a PDF
//! ```
//!
//! In: the text of a draft. Out: a [`Manuscript`], cleaned as dumps are. A manuscript without a
//! recognisable title and abstract is a text: all of it counts.

mod latex;

use std::borrow::Cow;

use akin_base::paper::{Paper, PaperId};

use crate::text::clean::{clean, clean_abstract};

/// Number of lines in which a title and the heading of an abstract are searched.
const LINES_LOOKED_AT: usize = 150;

/// Words of the longest title.
const TITLE_WORDS: usize = 40;

/// What follows on an abstract.
const ENDS: &[&str] = &[
    "introduction",
    "keywords",
    "key words",
    "index terms",
    "ccs concepts",
    "contents",
    "categories and subject descriptors",
    "general terms",
    "acm reference format",
];

/// A manuscript's title and abstract; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manuscript {
    /// The title.
    pub title: String,
    /// The abstract; all of the text if there is no way to tell.
    pub abstract_text: String,
}

/// A text whose lines end in CR alone, with line feeds.
fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if text.contains('\r') && !text.contains('\n') {
        Cow::Owned(text.replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

impl Manuscript {
    /// Finds the title and the abstract of a text in LaTeX, Markdown or without markup.
    pub fn read(text: &str) -> Manuscript {
        let text = with_line_feeds(text.trim_start_matches('\u{FEFF}'));
        let text = &*text;
        let (title, abstract_text) = if latex::is_latex(text) {
            latex::read(text)
        } else {
            markdown(text).unwrap_or_else(|| plain(text))
        };
        Manuscript {
            title: clean(&title).into_owned(),
            abstract_text: clean_abstract(&abstract_text).into_owned(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.abstract_text.is_empty()
    }

    /// The draft as a paper without an id of its own.
    pub fn into_paper(self) -> Paper {
        let id = PaperId::from_text(&self.title, &self.abstract_text);
        if self.title.is_empty() {
            Paper::untitled(id, self.abstract_text)
        } else {
            Paper::new(id, self.title, self.abstract_text)
        }
    }
}

/// The title and the abstract of Markdown; `None` for other texts.
fn markdown(text: &str) -> Option<(String, String)> {
    let (front, body) = front_matter(text);
    let mut title = front.and_then(|front| value(front, "title"));
    let mut summary = front.and_then(|front| value(front, "abstract"));
    let lines: Vec<&str> = body.lines().collect();
    let heading = |line: &str| {
        let hashes = line.bytes().take_while(|b| *b == b'#').count();
        let named = line[hashes..]
            .strip_prefix(' ')?
            .trim()
            .trim_end_matches('#')
            .trim();
        (1..=6).contains(&hashes).then_some(named.to_owned())
    };
    let first = lines.iter().position(|line| !line.trim().is_empty());
    let begins_with_one = first.is_some_and(|at| heading(lines[at]).is_some());
    if front.is_none() && !begins_with_one {
        return None;
    }
    let mut rest = &lines[..];
    if title.is_none()
        && let Some(at) = first.filter(|_| begins_with_one)
    {
        title = heading(lines[at]).filter(|heading| !is_abstract(heading));
        rest = &lines[at + usize::from(title.is_some())..];
    }
    if summary.is_none() {
        let at = rest
            .iter()
            .position(|line| heading(line).is_some_and(|h| is_abstract(&h)));
        let from = at.map_or(0, |at| at + 1);
        let section = rest[from..]
            .iter()
            .take_while(|line| heading(line).is_none());
        summary = Some(section.copied().collect::<Vec<&str>>().join("\n"));
    }
    let without_emphasis = |text: String| text.replace("**", "").replace('`', "");
    let title = title.map(without_emphasis).unwrap_or_default();
    Some((title, summary.map(without_emphasis).unwrap_or_default()))
}

/// The text between the `---` lines at the start, and the rest.
fn front_matter(text: &str) -> (Option<&str>, &str) {
    let Some(rest) = text.strip_prefix("---").and_then(|rest| {
        let end = rest.find('\n')?;
        rest[..end].trim().is_empty().then_some(&rest[end + 1..])
    }) else {
        return (None, text);
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return (Some(&rest[..at]), &rest[at + line.len()..]);
        }
        at += line.len();
    }
    (None, text)
}

/// The value of a key of YAML: a word of text, quoted or not, or the indented lines below it.
fn value(front: &str, key: &str) -> Option<String> {
    let mut lines = front.lines();
    let said = lines.by_ref().find_map(|line| {
        let (name, said) = line.split_once(':')?;
        (name.trim() == key && !line.starts_with(' ')).then(|| said.trim())
    })?;
    let is_block = matches!(said.chars().next(), None | Some('|' | '>'));
    let below = lines.take_while(|line| line.starts_with([' ', '\t']) || line.trim().is_empty());
    let below: Vec<&str> = below.map(str::trim).collect();
    let said = if is_block { "" } else { said };
    let whole = format!("{said} {}", below.join("\n"));
    let whole = whole.trim();
    let unquoted = ['"', '\''].iter().find_map(|quote| {
        let inner = whole.strip_prefix(*quote)?;
        inner.strip_suffix(*quote)
    });
    Some(unquoted.unwrap_or(whole).to_owned()).filter(|value| !value.is_empty())
}

/// The title and the abstract of a text without markup.
fn plain(text: &str) -> (String, String) {
    let lines: Vec<Cow<'_, str>> = lines_of(text);
    let looked_at = &lines[..lines.len().min(LINES_LOOKED_AT)];
    let Some((at, opening)) = looked_at
        .iter()
        .enumerate()
        .find_map(|(at, line)| Some((at, after_heading(line)?)))
    else {
        return (String::new(), joined(&lines));
    };
    let title = looked_at[..at]
        .iter()
        .skip_while(|line| line.is_empty() || is_stamp(line))
        .take_while(|line| !line.is_empty());
    let title: Vec<&str> = title.map(|line| line.as_ref()).collect();
    let title = title.join(" ");
    let is_title = title.split_whitespace().count() <= TITLE_WORDS;
    let mut summary = vec![Cow::Borrowed(opening)];
    let mut has_text = !opening.is_empty();
    let mut gaps = 0;
    for line in &lines[at + 1..] {
        if is_end(line) {
            break;
        }
        // It ends at two empty lines, or at one after some text and before the start of something
        // that is not a sentence.
        gaps = if line.is_empty() { gaps + 1 } else { 0 };
        if gaps > 1 && has_text {
            break;
        }
        has_text |= !line.is_empty();
        summary.push(line.clone());
    }
    let title = if is_title { title } else { String::new() };
    (title, joined(&summary))
}

/// The lines of a text, trimmed; pages of a PDF end in form feeds.
fn lines_of(text: &str) -> Vec<Cow<'_, str>> {
    let bare = |line: &'_ str| {
        line.trim_matches(|c: char| c.is_whitespace() || c == '\u{c}')
            .to_owned()
    };
    text.lines().map(|line| Cow::Owned(bare(line))).collect()
}

/// Lines as one text; a word that was hyphenated at a line's end is put together.
fn joined(lines: &[Cow<'_, str>]) -> String {
    let mut text = String::new();
    for line in lines {
        let continues = line.starts_with(|c: char| c.is_lowercase());
        let is_cut = text.ends_with('-') && text[..text.len() - 1].ends_with(char::is_alphabetic);
        if continues && is_cut {
            text.pop();
        } else if !text.is_empty() {
            text.push('\n');
        }
        text += line;
    }
    text
}

/// The text after the heading of an abstract on its line; `None` if the line has none.
fn after_heading(line: &str) -> Option<&str> {
    let heads = ["abstract", "summary"];
    // Some letters are spaced out: A B S T R A C T.
    if line.split(' ').all(|part| part.chars().count() == 1) {
        let letters: String = line.split(' ').collect();
        return heads
            .contains(&letters.to_lowercase().as_str())
            .then_some("");
    }
    let head = heads.iter().find_map(|head| {
        let start = line.get(..head.len())?;
        start
            .eq_ignore_ascii_case(head)
            .then(|| &line[head.len()..])
    })?;
    let rest = head.trim_start();
    let marked = rest.trim_start_matches([':', '.', '-', '–', '—', '*']);
    (rest.is_empty() || marked.len() < rest.len()).then(|| marked.trim_start())
}

fn is_abstract(heading: &str) -> bool {
    matches!(heading.to_lowercase().as_str(), "abstract" | "summary")
}

/// Whether a line begins the part after an abstract: `1 Introduction`, `Keywords: …`.
fn is_end(line: &str) -> bool {
    let numbering = |c: char| c.is_ascii_digit() || matches!(c, '.' | ' ' | 'I' | '§');
    let bare = match line.trim_start_matches(numbering) {
        "ntroduction" => "introduction",
        "NTRODUCTION" => "introduction",
        bare => bare,
    };
    let lower = bare.to_lowercase();
    ENDS.iter().any(|end| {
        let rest = lower.strip_prefix(end);
        rest.is_some_and(|rest| {
            !rest.starts_with(char::is_alphabetic) && !rest.starts_with(' ')
                || rest.starts_with(" and ")
        })
    })
}

/// Lines above the title that are not the title: arXiv's stamp, a page number, a conference's line.
fn is_stamp(line: &str) -> bool {
    let lower = line.to_lowercase();
    let heads = [
        "arxiv:",
        "published as",
        "under review",
        "preprint",
        "proceedings of",
        "draft",
    ];
    heads.iter().any(|head| lower.starts_with(head)) || line.chars().all(|c| !c.is_alphabetic())
}

#[cfg(test)]
mod tests;
