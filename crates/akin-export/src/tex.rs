//! Text as TeX, for BibTeX.
//!
//! In: clean text in Unicode, with maths between dollars and with commands that akin does not know. Out:
//! TeX that sets the same text, with balanced braces. Maths and such commands stay as they are, and
//! everything that TeX would obey is written as a character. Unicode stays: BibTeX passes it on,
//! and Biber and LaTeX have read UTF-8 for years.

use std::borrow::Cow;

/// A text as TeX.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    let is_special = |c: char| "\\{}$&%#_^~".contains(c);
    if text.contains(is_special) {
        Cow::Owned(written(text, false))
    } else {
        Cow::Borrowed(text)
    }
}

/// A title as TeX, with braces around words that styles must not put into lower case: `{GPU}`, `{X}`-ray.
pub(crate) fn title(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_uppercase) {
        Cow::Owned(written(text, true))
    } else {
        escaped(text)
    }
}

fn written(text: &str, is_title: bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    // Braces after a command would be its argument.
    let mut protects = is_title;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let kept = match c {
            '$' => maths(rest),
            '\\' => {
                protects = false;
                bracketed_maths(rest)
                    .or_else(|| environment(rest))
                    .or_else(|| command(rest))
            }
            _ if c.is_alphanumeric() => Some(word(rest)),
            _ => None,
        };
        if let Some(n_bytes) = kept {
            let (kept, after) = rest.split_at(n_bytes);
            if protects && c.is_alphanumeric() && is_protected(kept, after.starts_with('-')) {
                out.extend(["{", kept, "}"]);
            } else {
                out.push_str(kept);
            }
            at += n_bytes;
            continue;
        }
        match c {
            '&' | '%' | '#' | '_' => out.extend(['\\', c]),
            '$' => out.push_str("\\char36{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            '{' => out.push_str("\\textbraceleft{}"),
            '}' => out.push_str("\\textbraceright{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            other => out.push(other),
        }
        at += c.len_utf8();
    }
    out
}

/// Bytes of the word at the start of a text.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric())
        .unwrap_or(text.len())
}

/// Whether a word has capitals that mean something.
fn is_protected(word: &str, is_hyphenated: bool) -> bool {
    let mut characters = word.chars();
    let is_capital = characters.next().is_some_and(char::is_uppercase);
    let rest = characters.as_str();
    rest.contains(char::is_uppercase) || (is_capital && rest.is_empty() && is_hyphenated)
}

/// Bytes of the maths between dollars at the start of a text, if braces balance in it.
fn maths(text: &str) -> Option<usize> {
    let fence = if text.starts_with("$$") { "$$" } else { "$" };
    let inner = &text[fence.len()..];
    let end = closing(inner, fence)?;
    is_balanced(&inner[..end]).then_some(end + 2 * fence.len())
}

/// The position of the first unescaped fence.
fn closing(text: &str, fence: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'$' if bytes[at..].starts_with(fence.as_bytes()) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// Bytes of the maths between `\(` and `\)`, or `\[` and `\]`, at the start of a text.
fn bracketed_maths(text: &str) -> Option<usize> {
    let close = match text.get(..2)? {
        "\\(" => "\\)",
        "\\[" => "\\]",
        _ => return None,
    };
    let end = text.find(close)?;
    is_balanced(&text[..end]).then_some(end + close.len())
}

/// Bytes of the environment at the start of a text, such as `align*`.
fn environment(text: &str) -> Option<usize> {
    let named = text.strip_prefix("\\begin{")?;
    let (name, _) = named.split_once('}')?;
    let end = format!("\\end{{{name}}}");
    let n_bytes = text.find(&end)? + end.len();
    is_balanced(&text[..n_bytes]).then_some(n_bytes)
}

/// Bytes of the command at the start of a text, with its arguments in braces; `\$` is one.
fn command(text: &str) -> Option<usize> {
    if text.starts_with("\\$") {
        return Some(2);
    }
    let name = text[1..].bytes().take_while(u8::is_ascii_alphabetic);
    let mut end = 1 + name.count();
    if end == 1 {
        return None;
    }
    while text[end..].starts_with('{') {
        end += group(&text[end..])?;
    }
    // A reader takes a group after a space for one that keeps capitals.
    (!text[..end].contains("} {")).then_some(end)
}

/// Bytes of the group in braces at the start of a text.
fn group(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at + 1),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether braces balance as BibTeX counts them: those after a backslash too.
fn is_balanced(text: &str) -> bool {
    let mut depth = 0_i64;
    for byte in text.bytes() {
        depth += i64::from(byte == b'{') - i64::from(byte == b'}');
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !text.ends_with('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tex_obeys_is_a_character() {
        let check = |text: &str, expected: &str| assert_eq!(escaped(text), expected);
        check("plain", "plain");
        check("R&D: 50% of #1, a_b", r"R\&D: 50\% of \#1, a\_b");
        check(
            "z~2 and 10^3",
            r"z\textasciitilde{}2 and 10\textasciicircum{}3",
        );
        check(
            "{a} [0, 1}",
            r"\textbraceleft{}a\textbraceright{} [0, 1\textbraceright{}",
        );
        check("costs $5", r"costs \char36{}5");
        check(r"C:\9", r"C:\textbackslash{}9");
        check("ends in \\", r"ends in \textbackslash{}");
    }

    #[test]
    fn maths_and_unknown_commands_stay() {
        for text in [
            r"$x_1^2 & \%$",
            r"$$\frac{a}{b}$$",
            r"\(a_b\)",
            r"\mathbb{R}^".trim_end_matches('^'),
            r"\frac{a_1}{b}",
            r"\$5",
            r"$\{x\}$",
            r"\begin{align*} a_1 &= {\rm b}^2, \\ c \end{align*}",
        ] {
            assert_eq!(escaped(text), text);
        }
        assert_eq!(
            escaped(r"$\{x$"),
            r"\char36{}\textbackslash{}\textbraceleft{}x\char36{}"
        );
    }

    #[test]
    fn capitals_of_a_title_are_kept() {
        let check = |text: &str, expected: &str| assert_eq!(title(text), expected);
        check(
            "A BERT for GPUs & X-rays",
            r"A {BERT} for {GPUs} \& {X}-rays",
        );
        check("On graphs", "On graphs");
        check("Über DNA_1", r"Über {DNA}\_1");
        check(r"$k$-means of DNA in $R^n$", r"$k$-means of {DNA} in $R^n$");
        check(r"\foo{DNA} of DNA", r"\foo{DNA} of DNA");
    }
}
