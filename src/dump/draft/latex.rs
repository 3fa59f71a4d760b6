//! LaTeX to a title and an abstract.
//!
//! Comments go, macros without arguments that the preamble defines are put in, and of the commands in
//! what is found the text stays: `\emph{x}` is x, `\cite{…}` nothing. Letters and maths are left to
//! `clean.rs`.

use std::collections::BTreeMap;

/// How often a macro is put in for another.
const MAX_DEPTH: usize = 4;

/// Commands of which what they hold is no part of the text.
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

/// The title and the abstract; the body where there is neither.
pub(super) fn read(text: &str) -> (String, String) {
    let text = without_comments(text);
    let macros = macros(&text);
    let title = argument(&text, "title").unwrap_or_default();
    let environment = between(&text, "\\begin{abstract}", "\\end{abstract}");
    let summary = environment.or_else(|| argument(&text, "abstract"));
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

/// The text without what stands behind `%`, unless that is `\%`.
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
fn argument<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let command = format!("\\{name}");
    text.match_indices(&command).find_map(|(at, _)| {
        let mut rest = text[at + command.len()..].trim_start();
        if rest.starts_with('[') {
            rest = rest[rest.find(']')? + 1..].trim_start();
        }
        group(rest).map(|(inner, _)| inner)
    })
}

/// What stands in the braces at the start of a text, and what follows them.
fn group(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{')?;
    let mut depth = 1;
    let mut is_escaped = false;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' if !is_escaped => depth += 1,
            b'}' if !is_escaped => depth -= 1,
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped;
        if depth == 0 {
            return Some((&inner[..at], &inner[at + 1..]));
        }
    }
    None
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    Some(rest.split_once(end)?.0)
}

/// The macros without arguments that are defined: `\newcommand{\sys}{Akin}`, `\def\sys{Akin}`.
fn macros(text: &str) -> BTreeMap<&str, &str> {
    let mut macros = BTreeMap::new();
    for command in [
        "\\newcommand",
        "\\renewcommand",
        "\\providecommand",
        "\\def",
    ] {
        for (at, _) in text.match_indices(command) {
            let rest = text[at + command.len()..]
                .trim_start_matches('*')
                .trim_start();
            let named = match group(rest) {
                Some((name, rest)) => Some((name.trim(), rest)),
                None => rest.strip_prefix('\\').map(|bare| {
                    let end = 1 + bare.bytes().take_while(u8::is_ascii_alphabetic).count();
                    rest.split_at(end)
                }),
            };
            if let Some((name, rest)) = named
                && let Some(name) = name.strip_prefix('\\').filter(|name| !name.is_empty())
                && let Some((means, _)) = group(rest.trim_start())
            {
                macros.insert(name, means);
            }
        }
    }
    macros
}

/// A text with macros put in.
fn expanded(text: &str, macros: &BTreeMap<&str, &str>) -> String {
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
                Some(means) => {
                    changed = true;
                    out += means;
                    rest = after.strip_prefix("{}").unwrap_or(after);
                }
                // What is escaped is one character, and may be a backslash.
                None if name_bytes == 0 => {
                    let escaped = after.chars().next().map_or(0, char::len_utf8);
                    out += &rest[at..at + 1 + escaped];
                    rest = &after[escaped..];
                }
                None => {
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

/// The text in commands; accents and what is in dollars stay as they are.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '$']) {
        out += &rest[..at];
        rest = &rest[at..];
        if rest.starts_with('$') {
            let end = rest[1..].find('$').map_or(rest.len(), |end| end + 2);
            out += &rest[..end];
            rest = &rest[end..];
            continue;
        }
        let name_bytes = rest[1..]
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let name = &rest[1..1 + name_bytes];
        let after = &rest[1 + name_bytes..];
        if rest[1..].starts_with('\\') {
            out.push(' ');
            rest = skip_option(&rest[2..]);
        } else if name_bytes < 2 {
            // Accents, letters, and escaped characters.
            let escaped = rest[1..].chars().next().map_or(0, char::len_utf8);
            out += &rest[..1 + escaped];
            rest = &rest[1 + escaped..];
        } else if DROPPED.contains(&name) {
            // The tie to what is dropped goes with it.
            out.truncate(out.trim_end_matches('~').len());
            let mut after = skip_option(after.trim_start_matches('*'));
            while let Some((inner, behind)) = group(after) {
                // The last argument of a link is its text.
                if name == "href" && !behind.starts_with('{') {
                    out += &prose(inner);
                }
                after = behind;
            }
            rest = after;
        } else if let Some((inner, behind)) = group(skip_option(after)) {
            out += &prose(inner);
            rest = behind;
        } else {
            // What stands alone may be a letter: \alpha, \ss.
            out += &rest[..1 + name_bytes];
            rest = after;
        }
    }
    out += rest;
    out.replace("``", "\"")
        .replace("''", "\"")
        .replace("---", "—")
        .replace("--", "–")
}

fn skip_option(text: &str) -> &str {
    match text.starts_with('[').then(|| text.find(']')).flatten() {
        Some(end) => &text[end + 1..],
        None => text,
    }
}
