//! TeX's `\ifmmode A\else B\fi`, as the American Physical Society writes every accented letter: A
//! inside maths, B outside. Also two spellings of Crossref's for a character.
//!
//! In: a text. Out: the text with its conditionals resolved, or nothing if there are none.

/// Conditionals inside conditionals that are decided, at most.
const MAX_DEPTH: usize = 4;

const IF: &str = "\\ifmmode";
const ELSE: &str = "\\else";
const FI: &str = "\\fi";

/// Crossref's `&amp;` in BibTeX: the ampersand in braces, the semicolon in maths.
const AMPERSAND: (&str, &str) = ("{\\&}", "\\&");
const SEMICOLON: (&str, &str) = ("$\\mathsemicolon$", ";");

/// Every conditional begins with one of these, or contains it.
const COMMANDS: [&str; 3] = [IF, "\\&}", "\\mathsemicolon"];

/// Resolves the conditionals in a text; `None` if there are none.
pub(super) fn decided(text: &str) -> Option<String> {
    let mut backslashes = text.match_indices('\\');
    let is_open = |at: usize| COMMANDS.iter().any(|name| text[at..].starts_with(name));
    if !backslashes.any(|(at, _)| is_open(at)) {
        return None;
    }
    let mut decided = None;
    for (written, meant) in [AMPERSAND, SEMICOLON] {
        let text = decided.as_deref().unwrap_or(text);
        if text.contains(written) {
            decided = Some(text.replace(written, meant));
        }
    }
    let text = decided.as_deref().unwrap_or(text);
    if text.contains(IF) {
        let mut out = String::with_capacity(text.len());
        write(text, false, MAX_DEPTH, &mut out);
        return Some(out);
    }
    decided
}

/// Writes a text, with the valid branches of its conditionals.
fn write(text: &str, mut in_maths: bool, depth: usize, out: &mut String) {
    let mut rest = text;
    while depth > 0
        && let Some(at) = rest.find(IF)
        && let Some(found) = conditional(&rest[at + IF.len()..])
    {
        let before = &rest[..at];
        out.push_str(before);
        in_maths ^= dollars(before) % 2 == 1;
        let branch = if in_maths {
            found.inside
        } else {
            found.outside
        };
        if in_maths {
            write(branch, true, depth - 1, out);
            let ends_in_name = branch.ends_with(|c: char| c.is_ascii_alphabetic());
            if ends_in_name && found.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                out.push(' ');
            }
        } else if !branch.is_empty() {
            out.push('{');
            write(branch, false, depth - 1, out);
            out.push('}');
        }
        rest = found.rest;
    }
    out.push_str(rest);
}

/// Fences of maths in a text.
fn dollars(text: &str) -> usize {
    let unescaped = text.replace("\\$", "").replace("$$", "$");
    unescaped.matches('$').count()
}

struct Conditional<'a> {
    inside: &'a str,
    outside: &'a str,
    /// What follows it.
    rest: &'a str,
}

/// Splits the text after `\ifmmode`; `None` if it never ends.
fn conditional(text: &str) -> Option<Conditional<'_>> {
    let mut depth = 1;
    let mut middle = None;
    let mut at = 0;
    while let Some(next) = text[at..].find('\\') {
        at += next;
        let name_bytes = text[at + 1..].bytes().take_while(u8::is_ascii_alphabetic);
        let end = at + 1 + name_bytes.count();
        match &text[at..end] {
            ELSE if depth == 1 && middle.is_none() => middle = Some((at, end)),
            FI if depth == 1 => {
                let (inside, outside) = match middle {
                    Some((at_else, after_else)) => (&text[..at_else], &text[after_else..at]),
                    None => (&text[..at], ""),
                };
                let rest = &text[end..];
                return Some(Conditional {
                    inside: inside.trim(),
                    outside: outside.trim(),
                    rest: rest.strip_prefix("{}").unwrap_or(rest.trim_start()),
                });
            }
            FI => depth -= 1,
            name if name.starts_with("\\if") => depth += 1,
            _ => {}
        }
        // What a backslash escapes begins no command.
        let escaped = text[end..].chars().next().filter(|_| end == at + 1);
        at = end + escaped.map_or(0, char::len_utf8);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(decided(text).as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn the_second_holds_outside_maths_and_the_first_inside() {
        check(r"Ga\ifmmode \check{s}\else \v{s}\fi{}par", r"Ga{\v{s}}par");
        check(r#"M\ifmmode\ddot{u}\else\"{u}\fi ller"#, r#"M{\"{u}}ller"#);
        check(
            r"$n$ \ifmmode a\else b\fi, $x\ifmmode \sim\else b\fi{}y$ \ifmmode a\fi{}c",
            r"$n$ {b}, $x\sim y$ c",
        );
        check(r"\ifmmode a\else \ifmmode c\else d\fi{}\fi e", r"{{d}}e");
    }

    #[test]
    fn what_never_ends_is_left() {
        check(r"\ifmmode a \else b", r"\ifmmode a \else b");
        check(r"\ifmmode \ifmmode a \fi", r"\ifmmode \ifmmode a \fi");
        assert_eq!(decided("no commands"), None);
        assert_eq!(decided(r"\alpha"), None);
    }

    #[test]
    fn an_ampersand_of_crossref_is_one() {
        check(r"A {\&}amp$\mathsemicolon$ B", r"A \&amp; B");
    }
}
