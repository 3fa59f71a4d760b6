//! The tags that titles and abstracts hold: HTML, and the JATS and MathML of publishers.
//!
//! In: text that starts with `<`, or the text between two brackets. Out: whether it is a tag of a
//! known name, its length, and whether it separates the text on either side. Anything else is not a
//! tag (`a < b`, `p<0.05`, the mean `<x>`). The names are those of HTML, of JATS
//! (<https://jats.nlm.nih.gov/publishing/tag-library/1.3/>) and of presentation MathML that occur
//! inside text.

use super::entities;

/// The longest tag, with its attributes.
const MAX_TAG_BYTES: usize = 1024;

/// The longest MathML formula that is searched for its end.
const MAX_MATHML_BYTES: usize = 16 << 10;

/// The longest preamble of a formula that is a document of its own.
const MAX_PREAMBLE_BYTES: usize = 2 << 10;

/// Names of tags between the letters of a text: they leave nothing behind.
const INLINE: [&str; 61] = [
    "a",
    "abbr",
    "alternatives",
    "article-title",
    "b",
    "bdi",
    "big",
    "bold",
    "code",
    "em",
    "ext-link",
    "fixed-case",
    "font",
    "i",
    "inline-formula",
    "inline-graphic",
    "italic",
    "math",
    "menclose",
    "mfenced",
    "mfrac",
    "mi",
    "mmultiscripts",
    "mn",
    "mo",
    "monospace",
    "mover",
    "mpadded",
    "mphantom",
    "mprescripts",
    "mroot",
    "mrow",
    "ms",
    "mspace",
    "msqrt",
    "mstyle",
    "msub",
    "msubsup",
    "msup",
    "mtext",
    "munder",
    "munderover",
    "named-content",
    "none",
    "overline",
    "roman",
    "s",
    "sans-serif",
    "sc",
    "scp",
    "semantics",
    "small",
    "span",
    "strike",
    "strong",
    "styled-content",
    "sub",
    "sup",
    "tex-math",
    "tt",
    "u",
];

/// Names of tags that separate the text on either side.
const BLOCK: [&str; 34] = [
    "abstract",
    "blockquote",
    "br",
    "break",
    "dd",
    "disp-formula",
    "disp-quote",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "label",
    "li",
    "list",
    "list-item",
    "mtable",
    "mtd",
    "mtr",
    "ol",
    "p",
    "pre",
    "sec",
    "table",
    "tbody",
    "td",
    "title",
    "tr",
    "ul",
];

/// Prefixes of names, as publishers bind them.
const PREFIXES: [&str; 6] = ["jats", "mml", "m", "html", "xhtml", "xlink"];

/// A tag of a known name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkupTag<'a> {
    /// Its name as written, without prefix.
    pub(crate) name: &'a str,
    /// It separates the text on either side.
    pub(crate) is_block: bool,
    /// It has a slash: it needs no other tag to close it.
    pub(crate) is_closing: bool,
    /// Its name may be a variable as well, as in the mean `<p>`.
    pub(crate) is_letter: bool,
    /// Its bytes, with the brackets.
    pub(crate) bytes: usize,
}

/// Reads the tag at the start of `text`.
pub(crate) fn tag(text: &str) -> Option<MarkupTag<'_>> {
    let inner = text.strip_prefix('<')?;
    if !inner.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic()) {
        return None;
    }
    let window = &inner.as_bytes()[..inner.len().min(MAX_TAG_BYTES)];
    let end = window.iter().position(|b| matches!(b, b'<' | b'>'))?;
    if window[end] == b'<' {
        return None;
    }
    named(&inner[..end]).map(|tag| MarkupTag {
        bytes: end + 2,
        ..tag
    })
}

/// Reads the tag at the start of `text` whose brackets are entities in any spelling: `&lt;i&gt;`,
/// `&LT;i&GT;`, `&amp;lt;i&amp;gt;`.
pub(crate) fn escaped_tag(text: &str) -> Option<MarkupTag<'_>> {
    let open = bracket(text, OPENING)?;
    let inner = &text[open..];
    if !inner.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic()) {
        return None;
    }
    let window = &inner[..inner.floor_char_boundary(MAX_TAG_BYTES)];
    let mut ampersands = window.match_indices('&').map(|(at, _)| at);
    let end = ampersands.find(|at| bracket(&inner[*at..], ANY).is_some())?;
    let close = bracket(&inner[end..], CLOSING)?;
    named(&inner[..end]).map(|tag| MarkupTag {
        bytes: open + end + close,
        ..tag
    })
}

/// The characters of the entities for brackets; capitalised, `&Lt;` is the name of another one.
const OPENING: &[&str] = &["<", "≪"];
const CLOSING: &[&str] = &[">", "≫"];
const ANY: &[&str] = &["<", "≪", ">", "≫"];

/// The bytes of the entity at the start of `text`, if it is one of `brackets`.
fn bracket(text: &str, brackets: &[&str]) -> Option<usize> {
    let (meant, used) = entities::resolve(text, false)?;
    brackets.contains(&&*meant).then_some(used)
}

/// Reads the text between the brackets of a tag.
fn named(inner: &str) -> Option<MarkupTag<'_>> {
    let bare = inner.strip_prefix('/').unwrap_or(inner);
    let name_bytes = bare
        .bytes()
        .take_while(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':'))
        .count();
    let (written, rest) = bare.split_at(name_bytes);
    if !are_attributes(rest) {
        return None;
    }
    let name = match written.split_once(':') {
        Some((prefix, name)) => is_one_of(&PREFIXES, prefix).then_some(name)?,
        None => written,
    };
    let is_block = is_one_of(&BLOCK, name);
    let is_slashed = bare.len() < inner.len() || rest.ends_with('/');
    (is_block || is_one_of(&INLINE, name)).then_some(MarkupTag {
        name,
        is_block,
        is_closing: is_slashed,
        is_letter: written.len() == 1 && rest.is_empty(),
        bytes: 0,
    })
}

/// Whether this may follow a tag's name: nothing, a slash, or `name=value` and more.
fn are_attributes(rest: &str) -> bool {
    let trimmed = rest.trim_matches(|c: char| c.is_whitespace() || c == '/');
    if trimmed.is_empty() {
        return true;
    }
    let Some((name, _)) = trimmed.split_once('=') else {
        return false;
    };
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'_');
    rest.starts_with(char::is_whitespace) && name.trim_end().bytes().all(is_name)
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The position in `text` of the last closing tag for each letter of the alphabet, in either form;
/// 0 if there is none.
pub(crate) fn last_closings(text: &str) -> [usize; 26] {
    let bytes = text.as_bytes();
    let mut last = [0; 26];
    for (at, window) in bytes.windows(3).enumerate() {
        if window[0] != b'/' || !window[1].is_ascii_alphabetic() {
            continue;
        }
        let before = &bytes[..at];
        let is_closed = (before.ends_with(b"<") && window[2] == b'>')
            || (ends_in_lt(before) && bracket(&text[at + 2..], CLOSING).is_some());
        if is_closed {
            last[usize::from(window[1].to_ascii_lowercase() - b'a')] = at;
        }
    }
    last
}

fn ends_in_lt(before: &[u8]) -> bool {
    let tail = &before[before.len().saturating_sub(3)..];
    tail.eq_ignore_ascii_case(b"lt;")
}

/// The MathML at the start of `text`, as far as its last tag.
pub(crate) fn mathml(text: &str) -> Option<&str> {
    let head = &text[..text.floor_char_boundary(MAX_MATHML_BYTES)];
    let end = ["</mml:math>", "</math>", "</m:math>"]
        .iter()
        .find_map(|close| Some(head.find(close)? + close.len()))?;
    Some(&head[..end])
}

/// The bytes of the MathML at the start of `text` that repeats a formula in TeX.
pub(crate) fn same_in_mathml(text: &str) -> usize {
    let trimmed = text.trim_start();
    let opens = tag(trimmed).is_some_and(|tag| tag.name == "math" && !tag.is_closing);
    let maths = mathml(trimmed).filter(|_| opens);
    maths.map_or(0, |maths| text.len() - trimmed.len() + maths.len())
}

/// The bytes that a publisher puts around a formula, as a document of its own: from
/// `\documentclass` to `\begin{document}`, or `\end{document}`.
pub(crate) fn document_frame(text: &str) -> usize {
    const BEGIN: &str = "\\begin{document}";
    const END: &str = "\\end{document}";
    if text.starts_with(END) {
        return END.len();
    }
    let head = &text[..text.floor_char_boundary(MAX_PREAMBLE_BYTES)];
    let begin = head
        .starts_with("\\documentclass")
        .then(|| head.find(BEGIN));
    begin.flatten().map_or(0, |at| at + BEGIN.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tag at the start as `name`, with `/` for one that closes and `|` for one that parts.
    fn check(text: &str, expected: Option<&str>) {
        let shown = tag(text).or_else(|| escaped_tag(text)).map(|tag| {
            let slash = if tag.is_closing { "/" } else { "" };
            let bar = if tag.is_block { "|" } else { "" };
            format!("{slash}{}{bar}{}", tag.name, &text[tag.bytes..])
        });
        assert_eq!(shown.as_deref(), expected, "{text}");
    }

    #[test]
    fn known_tags_are_read_in_every_spelling() {
        check("<i>x", Some("ix"));
        check("</I>x", Some("/Ix"));
        check("<br/>x", Some("/br|x"));
        check("<br />x", Some("/br|x"));
        check("<jats:p>x", Some("p|x"));
        check("</jats:list-item >x", Some("/list-item|x"));
        check("<mml:math xmlns:mml=\"http://x/y\" >x", Some("mathx"));
        check("<a href='x>y", Some("ay"));
        check("<SPAN class=a>x", Some("SPANx"));
        check("&lt;sup&gt;2", Some("sup2"));
        check("&lt;/jats:title&gt; x", Some("/title| x"));
        check("&lt;font size=&quot;1&quot;&gt;x", Some("fontx"));
        check("&LT;I&GT;x", Some("Ix"));
        check("&Lt;i&Gt;x", Some("ix"));
        check("&amp;lt;/sub&amp;gt;x", Some("/subx"));
        check("&#60;i&#62;x", Some("ix"));
    }

    #[test]
    fn what_is_no_tag_is_left() {
        for text in [
            "<",
            "<>",
            "< b",
            "<0.05",
            "<x>",
            "<i",
            "<b and c> d",
            "<p_T>",
            "<sub <b>",
            "<foo:p>",
            "</>",
            "<p:q>",
            "<i/j>",
            "<é>",
            "&lt;x&gt;",
            "&lt; i&gt;",
            "&lt;i",
            "<sub,x>",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn the_last_closing_tags_are_found_in_either_form() {
        let last = |text: &str, letter: u8| last_closings(text)[usize::from(letter - b'a')];
        assert_eq!(last("x</i></I>", b'i'), 6);
        assert_eq!(last("x&lt;/b&gt;", b'b'), 5);
        assert_eq!(last("x&LT;/b&GT;", b'b'), 5);
        assert_eq!(last("x&amp;lt;/b&amp;gt;", b'b'), 9);
        for text in ["a/i>", "</ii>", "</", "&lt;/i", "<i/>"] {
            assert_eq!(last(text, b'i'), 0, "{text}");
        }
    }
}
