//! LaTeX to a title and an abstract.
//!
//! Comments are dropped, and macros without arguments from the preamble are expanded. Of the
//! commands in the result only the text stays: `\emph{x}` becomes x, `\cite{…}` nothing. Letters
//! and maths are left to `text/clean.rs`.
//!
//! Invariant: time is linear in the text, even if something is opened and never closed. Braces are
//! matched once ([`Braced`]), and their content is read without recursion.

use std::collections::{BTreeMap, HashMap};

/// How often a macro is put in for another.
const MAX_DEPTH: usize = 4;

/// How much longer macros may make a text, beyond twice its length.
const MAX_GROWTH_BYTES: usize = 64 << 10;

/// The longest option in brackets.
const MAX_OPTION_BYTES: usize = 2_000;

/// A text, with the closing place of each of its braces.
struct Braced<'a> {
    text: &'a str,
    ends: HashMap<usize, usize>,
}

impl<'a> Braced<'a> {
    fn new(text: &'a str) -> Braced<'a> {
        let (mut ends, mut open) = (HashMap::new(), Vec::new());
        let mut is_escaped = false;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'{' if !is_escaped => open.push(at),
                b'}' if !is_escaped => ends.extend(open.pop().map(|start| (start, at))),
                _ => {}
            }
            is_escaped = byte == b'\\' && !is_escaped;
        }
        Braced { text, ends }
    }

    /// The end of the braces' content at a place, if there are braces and they close before `end`.
    fn group(&self, at: usize, end: usize) -> Option<usize> {
        self.ends.get(&at).copied().filter(|close| *close < end)
    }

    /// The content of the braces at a place, and the place after them.
    fn inside(&self, at: usize) -> Option<(&'a str, usize)> {
        let close = self.group(at, self.text.len())?;
        Some((&self.text[at + 1..close], close + 1))
    }

    /// The first place from `at` on that is not white space.
    fn behind_space(&self, at: usize) -> usize {
        self.text.len() - self.text[at..].trim_start().len()
    }

    /// The place after an option in brackets, if there is one.
    fn behind_option(&self, at: usize, end: usize) -> usize {
        let bytes = &self.text.as_bytes()[at..end];
        let option = &bytes[..bytes.len().min(MAX_OPTION_BYTES)];
        let close = option.iter().position(|byte| *byte == b']');
        match (option.first(), close) {
            (Some(b'['), Some(close)) => at + close + 1,
            _ => at,
        }
    }
}

/// Commands whose arguments are not part of the text.
const DROPPED: &[&str] = &[
    "cite",
    "citep",
    "citet",
    "citealp",
    "parencite",
    "textcite",
    "ref",
    "eqref",
    "cref",
    "Cref",
    "autoref",
    "label",
    "footnote",
    "thanks",
    "footnotemark",
    "footnotetext",
    "vspace",
    "hspace",
    "todo",
    "index",
    "pagestyle",
    "thispagestyle",
    "includegraphics",
    "setlength",
    "fontsize",
    "begin",
    "end",
    "color",
    "href",
    "input",
];

/// Whether a text is LaTeX.
pub(super) fn is_latex(text: &str) -> bool {
    let marks = [
        "\\documentclass",
        "\\begin{document}",
        "\\begin{abstract}",
        "\\title{",
        "\\title[",
    ];
    marks.iter().any(|mark| text.contains(mark))
}

/// The title and the abstract; the body if there is neither.
pub(super) fn read(text: &str) -> (String, String) {
    let text = without_comments(text);
    let braced = Braced::new(&text);
    let macros = macros(&braced);
    let title = argument(&braced, "title").unwrap_or_default();
    let environment = between(&text, "\\begin{abstract}", "\\end{abstract}");
    let summary = environment.or_else(|| argument(&braced, "abstract"));
    let body = || match between(&text, "\\begin{document}", "\\end{document}") {
        Some(body) => body,
        None => text
            .split_once("\\begin{document}")
            .map_or(&text[..], |(_, body)| body),
    };
    let summary = match summary {
        Some(summary) => summary,
        None if title.is_empty() => body(),
        None => "",
    };
    let prose = |text: &str| prose(&expanded(text, &macros));
    (prose(title), prose(summary))
}

/// The text without what follows a `%`, unless that is `\%`.
fn without_comments(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut is_escaped = false;
        let end = line.bytes().position(|byte| {
            let is_comment = byte == b'%' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_comment
        });
        bare += &line[..end.unwrap_or(line.len())];
    }
    bare
}

/// What a command's first argument in braces holds; one in brackets before it is passed over.
fn argument<'a>(text: &Braced<'a>, name: &str) -> Option<&'a str> {
    let command = format!("\\{name}");
    text.text.match_indices(&command).find_map(|(at, _)| {
        let at = text.behind_space(at + command.len());
        let at = text.behind_space(text.behind_option(at, text.text.len()));
        text.inside(at).map(|(inner, _)| inner)
    })
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    Some(rest.split_once(end)?.0)
}

/// The macros without arguments that are defined: `\newcommand{\sys}{Akin}`, `\def\sys{Akin}`.
fn macros<'a>(braced: &Braced<'a>) -> BTreeMap<&'a str, &'a str> {
    let mut macros = BTreeMap::new();
    let text = braced.text;
    for command in [
        "\\newcommand",
        "\\renewcommand",
        "\\providecommand",
        "\\def",
    ] {
        for (at, _) in text.match_indices(command) {
            let rest = &text[at + command.len()..];
            let at = braced.behind_space(text.len() - rest.trim_start_matches('*').len());
            let named = braced.inside(at).map(|(name, at)| (name.trim(), at));
            let named = named.or_else(|| {
                let letters = text[at..].strip_prefix('\\')?.bytes();
                let end = at + 1 + letters.take_while(u8::is_ascii_alphabetic).count();
                Some((&text[at..end], end))
            });
            if let Some((name, at)) = named
                && let Some(name) = name.strip_prefix('\\').filter(|name| !name.is_empty())
                && let Some((means, _)) = braced.inside(braced.behind_space(at))
            {
                macros.insert(name, means);
            }
        }
    }
    macros
}

/// A text with macros put in.
fn expanded(text: &str, macros: &BTreeMap<&str, &str>) -> String {
    let most = 2 * text.len() + MAX_GROWTH_BYTES;
    let mut text = text.to_owned();
    for _ in 0..MAX_DEPTH {
        let mut out = String::with_capacity(text.len());
        let mut changed = false;
        let mut rest = &text[..];
        while let Some(at) = rest.find('\\') {
            out += &rest[..at];
            let name_bytes = rest[at + 1..]
                .bytes()
                .take_while(u8::is_ascii_alphabetic)
                .count();
            let (command, after) = rest[at..].split_at(1 + name_bytes);
            match macros.get(&command[1..]) {
                // A few macros that mean one another twice would fill any memory.
                Some(means) if out.len() + means.len() + after.len() <= most => {
                    changed = true;
                    out += means;
                    rest = after.strip_prefix("{}").unwrap_or(after);
                }
                // What is escaped is one character, and may be a backslash.
                _ if name_bytes == 0 => {
                    let escaped = after.chars().next().map_or(0, char::len_utf8);
                    out += &rest[at..at + 1 + escaped];
                    rest = &after[escaped..];
                }
                _ => {
                    out += command;
                    rest = after;
                }
            }
        }
        out += rest;
        text = out;
        if !changed {
            break;
        }
    }
    text
}

/// The part of a text with commands that is being read: all of it, or an argument.
struct OpenText {
    /// Its end, and where reading continues after it.
    end: usize,
    behind: usize,
    /// Where its content begins.
    out_start: usize,
}

/// The text in commands; accents and formulas in dollars stay as they are.
fn prose(text: &str) -> String {
    let braced = Braced::new(text);
    let mut out = String::with_capacity(text.len());
    let mut held = vec![OpenText {
        end: text.len(),
        behind: text.len(),
        out_start: 0,
    }];
    let mut at = 0;
    while let Some(&OpenText {
        end,
        behind,
        out_start,
    }) = held.last()
    {
        let Some(mark) = text[at..end].find(['\\', '$']) else {
            out += &text[at..end];
            at = behind;
            held.pop();
            continue;
        };
        out += &text[at..at + mark];
        at += mark;
        let rest = &text[at..end];
        if let Some(maths) = rest.strip_prefix('$') {
            let n = maths.find('$').map_or(rest.len(), |end| end + 2);
            out += &rest[..n];
            at += n;
            continue;
        }
        let letters = rest[1..].bytes();
        let name_bytes = letters.take_while(u8::is_ascii_alphabetic).count();
        let name = &rest[1..1 + name_bytes];
        let after = at + 1 + name_bytes;
        if rest[1..].starts_with('\\') {
            out.push(' ');
            at = braced.behind_option(at + 2, end);
        } else if name_bytes < 2 {
            // Accents, letters, and escaped characters.
            let escaped = rest[1..].chars().next().map_or(0, char::len_utf8);
            out += &rest[..1 + escaped];
            at += 1 + escaped;
        } else if DROPPED.contains(&name) {
            // The tie before a dropped command goes with it.
            let bare = out[out_start..].trim_end_matches('~').len();
            out.truncate(out_start + bare);
            let stars = text[after..end].trim_start_matches('*').len();
            at = braced.behind_option(end - stars, end);
            while let Some(close) = braced.group(at, end) {
                // The last argument of a link is its text.
                if name == "href" && !text[close + 1..end].starts_with('{') {
                    held.push(OpenText {
                        end: close,
                        behind: close + 1,
                        out_start: out.len(),
                    });
                    at += 1;
                    break;
                }
                at = close + 1;
            }
        } else if let start = braced.behind_option(after, end)
            && let Some(close) = braced.group(start, end)
        {
            held.push(OpenText {
                end: close,
                behind: close + 1,
                out_start: out.len(),
            });
            at = start + 1;
        } else {
            // A lone command may be a letter: \alpha, \ss.
            out += &rest[..1 + name_bytes];
            at = after;
        }
    }
    out.replace("``", "\"")
        .replace("''", "\"")
        .replace("---", "—")
        .replace("--", "–")
}
