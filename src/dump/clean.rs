//! Text as dumps hold it to text as people read it: the one place where text is cleaned.
//!
//! In: a title, an abstract, a name, a comment. Out: the same in one line of Unicode NFC,
//! borrowed where nothing changes. What is done:
//! - runs of white space, line ends and no-break spaces become one space; none at either end;
//! - control characters and invisible marks (soft hyphen, zero-width space, BOM) go;
//! - HTML entities are resolved once (`entities.rs`);
//! - tags of HTML, JATS and MathML go (`markup.rs`), written with brackets or with entities; those
//!   of paragraphs, headings and the like leave a space;
//! - outside maths, TeX's letters become Unicode (`tex.rs`), `\& \% \_ \#` lose the backslash,
//!   `\ ` and `\,` become a space, `\-` goes, and a tie `~` becomes a space where it ties words.
//!
//! Maths (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`) is left as it stands but for white space, entities and
//! tags. An abstract also loses its heading, and is empty where it says that there is none
//! (`heads.rs`).
//! Words that were hyphenated at a line's end stay hyphenated: nobody can tell which were.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::markup::Tag;
use super::{entities, heads, markup, tex};

/// Cleans one text.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut cleaner = Cleaner {
        text,
        at: 0,
        out: String::with_capacity(text.len()),
        space: false,
        maths: None,
        unclosed: false,
        unclosed_bracket: false,
        closings: None,
    };
    cleaner.run();
    let out = cleaner.out;
    if out.is_ascii() || is_nfc_quick(out.chars()) == IsNormalized::Yes {
        return Cow::Owned(out);
    }
    Cow::Owned(out.nfc().collect())
}

/// Cleans an abstract: without its heading, and empty where it says that there is none.
pub(super) fn clean_abstract(text: &str) -> Cow<'_, str> {
    let cleaned = clean(heads::without_head(text));
    if heads::is_placeholder(&cleaned) {
        return Cow::Borrowed("");
    }
    cleaned
}

/// Whether cleaning would change nothing; a backslash, `&`, `<` or `~` counts as a change.
fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Without early exits, so that the compiler can look at many bytes at once.
    let (special, ascii) = bytes.iter().fold((false, true), |(special, ascii), &b| {
        let is_special = matches!(b, 0..b' ' | b'~' | 0x7F | b'\\' | b'&' | b'<');
        (special | is_special, ascii & (b < 0x80))
    });
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let gaps = pairs.fold(false, |gaps, (&a, &b)| gaps | (a == b' ' && b == b' '));
    if special || gaps {
        return false;
    }
    ascii || (!text.chars().any(is_changed) && is_nfc_quick(text.chars()) == IsNormalized::Yes)
}

/// Whether a character outside ASCII does not survive cleaning as it is.
fn is_changed(c: char) -> bool {
    !c.is_ascii() && (c.is_whitespace() || is_dropped(c))
}

fn is_dropped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}')
}

/// Bytes that are copied without a look.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte <= b'}' {
        plain[byte as usize] = !matches!(byte, b'\\' | b'&' | b'<' | b'$' | b'{');
        byte += 1;
    }
    plain
};

fn is_plain(byte: u8) -> bool {
    PLAIN[byte as usize]
}

struct Cleaner<'a> {
    text: &'a str,
    at: usize,
    out: String,
    /// White space was read and not yet written.
    space: bool,
    /// What closes the maths that is being read.
    maths: Option<&'static str>,
    /// A dollar was found that nothing closes: no later one opens maths either.
    unclosed: bool,
    /// The same for `\(` and `\[`.
    unclosed_bracket: bool,
    /// See [`markup::last_closings`]; looked for once it is needed.
    closings: Option<Box<[usize; 26]>>,
}

impl<'a> Cleaner<'a> {
    fn run(&mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b if is_plain(b) => self.copy_plain(),
                b'&' => self.entity(),
                b'<' => self.bracket(),
                b'$' | b'\\' | b'{' | b'~' if self.maths.is_some() => self.inside_maths(),
                b'$' => self.dollar(),
                b'\\' => self.backslash(),
                b'{' => self.letter_or(1),
                b'~' => self.tilde(),
                _ => self.other(),
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Copies words and the single spaces between them.
    fn copy_plain(&mut self) {
        let bytes = &self.text.as_bytes()[self.at..];
        let mut run = 0;
        loop {
            run += bytes[run..].iter().take_while(|&&b| is_plain(b)).count();
            match bytes[run..] {
                [b' ', next, ..] if is_plain(next) => run += 1,
                _ => return self.copy(run),
            }
        }
    }

    /// Copies `bytes` bytes as they stand.
    fn copy(&mut self, bytes: usize) {
        self.write_space();
        let end = self.at + bytes;
        self.out.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    fn write_space(&mut self) {
        if self.space && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.space = false;
    }

    fn put(&mut self, c: char) {
        if c.is_whitespace() {
            self.space = true;
        } else if !is_dropped(c) {
            self.write_space();
            self.out.push(c);
        }
    }

    fn other(&mut self) {
        let c = self.rest().chars().next().unwrap_or(' ');
        self.put(c);
        self.at += c.len_utf8();
    }

    fn bracket(&mut self) {
        match markup::tag(self.rest()) {
            Some(tag) if self.is_meant(tag) => self.drop_tag(tag),
            _ => self.copy(1),
        }
    }

    /// Whether a tag is one, and not the mean of a variable: `<p>`.
    fn is_meant(&mut self, tag: Tag<'_>) -> bool {
        let letter = tag.name.as_bytes()[0].to_ascii_lowercase();
        if !tag.is_letter || tag.is_closing || (letter == b'p' && self.is_between_sentences()) {
            return true;
        }
        let text = self.text;
        let closings = self
            .closings
            .get_or_insert_with(|| Box::new(markup::last_closings(text)));
        closings[usize::from(letter - b'a')] > self.at
    }

    fn is_between_sentences(&self) -> bool {
        self.out.is_empty() || self.out.ends_with(['.', '!', '?', ':'])
    }

    fn drop_tag(&mut self, tag: Tag<'_>) {
        self.at += tag.bytes;
        self.space |= tag.is_block;
        if tag.is_closing && tag.name == "tex-math" {
            self.at += markup::same_in_mathml(self.rest());
        }
    }

    fn entity(&mut self) {
        if let Some(tag) = markup::escaped_tag(self.rest())
            && self.is_meant(tag)
        {
            return self.drop_tag(tag);
        }
        match entities::resolve(self.rest()) {
            Some((c, used)) => {
                self.put(c);
                self.at += used;
            }
            None => self.copy(1),
        }
    }

    fn inside_maths(&mut self) {
        let Some(close) = self.maths else { return };
        if self.rest().starts_with(close) {
            self.maths = None;
            self.copy(close.len());
        } else if self.rest().starts_with('\\') {
            self.escaped();
        } else {
            self.copy(1);
        }
    }

    /// Copies a backslash and, if it is no white space, the character it escapes.
    fn escaped(&mut self) {
        let next = self.rest()[1..].chars().next();
        let next_bytes = next
            .filter(char::is_ascii_punctuation)
            .map_or(0, char::len_utf8);
        self.copy(1 + next_bytes);
    }

    fn dollar(&mut self) {
        let fence = if self.rest().starts_with("$$") {
            "$$"
        } else {
            "$"
        };
        if !self.unclosed && closes(&self.rest()[fence.len()..], fence) {
            self.maths = Some(fence);
        } else {
            self.unclosed = true;
        }
        self.copy(fence.len());
    }

    fn backslash(&mut self) {
        let Some(next) = self.rest().as_bytes().get(1).copied() else {
            return self.copy(1);
        };
        match next {
            b'&' | b'%' | b'_' | b'#' => {
                self.at += 1;
                self.copy(1);
            }
            b' ' | b',' | b'\n' => {
                self.space = true;
                self.at += 2;
            }
            b'-' => self.at += 2,
            b'd' | b'e' if markup::document_frame(self.rest()) > 0 => {
                self.at += markup::document_frame(self.rest());
            }
            b'(' => self.open_maths("\\)"),
            b'[' => self.open_maths("\\]"),
            b'~' | b'^' if self.is_bare_accent() => self.bare_accent(),
            b'\\' | b'$' | b'{' | b'}' => self.copy(2),
            _ => self.letter_or(1),
        }
    }

    fn open_maths(&mut self, close: &'static str) {
        if !self.unclosed_bracket && self.rest().contains(close) {
            self.maths = Some(close);
        } else {
            self.unclosed_bracket = true;
        }
        self.copy(2);
    }

    /// `\~{}`, and `\~` in an address, stand for the character itself.
    fn is_bare_accent(&self) -> bool {
        self.rest()[2..].starts_with("{}")
            || (self.rest().starts_with("\\~") && self.out.ends_with('/') && !self.space)
    }

    fn bare_accent(&mut self) {
        self.at += 1;
        self.copy(1);
        if self.rest().starts_with("{}") {
            self.at += 2;
        }
    }

    /// Writes the TeX letter that stands here, or copies `bytes` bytes.
    fn letter_or(&mut self, bytes: usize) {
        match tex::letter(self.rest()) {
            Some((letter, used)) => {
                self.write_space();
                self.out.push_str(&letter);
                self.at += used;
            }
            None => self.copy(bytes),
        }
    }

    fn tilde(&mut self) {
        let next = self.rest()[1..].chars().next();
        let last = self.out.chars().next_back().filter(|_| !self.space);
        if is_tie(last, next) {
            self.space = true;
            self.at += 1;
        } else {
            self.copy(1);
        }
    }
}

/// Whether `~` between these ties two words (`5~GeV`, `Fig.~3`, `J.~Doe`) rather than says
/// "about" (`z~2`, `~10 km`) or belongs to an address (`/~doe`).
fn is_tie(last: Option<char>, next: Option<char>) -> bool {
    let (Some(last), Some(next)) = (last, next) else {
        return false;
    };
    let ends_word = last.is_alphanumeric() || ".,;:)]}'\"$".contains(last);
    let starts_word = next.is_alphabetic() || "\\$({[`".contains(next);
    (ends_word && starts_word) || (last == '.' && next.is_ascii_digit())
}

/// Whether an unescaped `fence` stands in `text`.
fn closes(text: &str, fence: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'$' if bytes[at..].starts_with(fence.as_bytes()) => return true,
            _ => at += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(clean(text), expected, "{text:?}");
    }

    #[test]
    fn clean_text_is_borrowed() {
        for text in [
            "",
            "On X.",
            "  padded ",
            "cost: 5 {x} $y$",
            "Schrödinger 方程",
        ] {
            assert!(matches!(clean(text), Cow::Borrowed(_)), "{text}");
            check(text, text.trim());
        }
    }

    #[test]
    fn white_space_is_one_space() {
        check(
            "  hard\n  wrapped\r\n\ttext\u{a0}\u{2003}here \n",
            "hard wrapped text here",
        );
        check("$a\n  +b$", "$a +b$");
    }

    #[test]
    fn control_and_invisible_characters_go() {
        check("a\0b\u{7f}c\u{85}d\u{ad}e\u{200b}f\u{feff}", "abc def");
        check("\u{feff}x\u{1b}[0m", "x[0m");
    }

    #[test]
    fn unicode_is_composed() {
        check("Schro\u{308}dinger", "Schrödinger");
        check("e\u{301} A\u{30a}", "é Å");
    }

    #[test]
    fn tex_letters_become_unicode_outside_maths_only() {
        check(
            r#"Poincar\'{e} and Schr\"odinger"#,
            "Poincaré and Schrödinger",
        );
        check(
            r"$\'e$ \'e \(\'e\) \[\'e\] $$\'e$$",
            r"$\'e$ é \(\'e\) \[\'e\] $$\'e$$",
        );
        check(r"D{\l}otko--{\L}o\'s", "Dłotko--Łoś");
        check(r"S\~{a}o Paulo", "São Paulo");
        check(r"\alpha {\it x} \cite{y}", r"\alpha {\it x} \cite{y}");
    }

    #[test]
    fn a_dollar_that_nothing_closes_is_money() {
        check(r"costs $5 at the Caf\'e", "costs $5 at the Café");
        check(r"$a\$b$ \'e \$5 \'e", r"$a\$b$ é \$5 é");
    }

    #[test]
    fn escapes_are_undone_outside_maths() {
        check(r"P\&L 10\% a\_b \#P $\%$", r"P&L 10% a_b #P $\%$");
        check(r"D\O \ are, 5\,km, ma\-nage", "DØ are, 5 km, manage");
        check(r"a \\ b \\'e", r"a \\ b \\'e");
    }

    #[test]
    fn a_tie_is_a_space_and_an_about_is_not() {
        check(
            "5~GeV, Fig.~3, J.~Doe, x~\\cite{y}",
            "5 GeV, Fig. 3, J. Doe, x \\cite{y}",
        );
        check("z~2, ~10 km, (~5), 10~20", "z~2, ~10 km, (~5), 10~20");
        check(
            r"http://x.edu/~doe and /\~doe and /\~{}doe",
            "http://x.edu/~doe and /~doe and /~doe",
        );
    }

    #[test]
    fn entities_are_resolved_once() {
        check(
            "A &amp; B &lt;i&gt; &amp;lt; &#39;x&#39; $a &lt; b$",
            "A & B <i> &lt; 'x' $a < b$",
        );
        check("a&nbsp;b & c; AT&T", "a b & c; AT&T");
    }

    #[test]
    fn tags_go_with_and_without_a_space() {
        check("The <i>E. coli</i> H<sub>2</sub>O", "The E. coli H2O");
        check(
            "<jats:title>Aim</jats:title><jats:p>We test.</jats:p><p>It works.</p>",
            "Aim We test. It works.",
        );
        check("one<br/>two<BR>three", "one two three");
        check(
            "&lt;p&gt;An &lt;I&gt;in vivo&lt;/I&gt; test&lt;/p&gt;",
            "An in vivo test",
        );
        check("<a href=\"http://x\">y</a> $a<sub>2</sub>$", "y $a2$");
        check("One.<p>Two.", "One. Two.");
    }

    #[test]
    fn what_is_less_than_something_stays() {
        for text in [
            "a < b and c > d",
            "p<0.05",
            "the mean <x> and <p> of <b>",
            "$a<b$ and $<p>$",
            "List<T>",
            "x<i and j>k",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_formula_that_is_said_twice_is_said_once() {
        check(
            "of <tex-math>$$a$$</tex-math> <mml:math><mml:mi>a</mml:mi></mml:math> only",
            "of $$a$$ only",
        );
        check(
            "is \\documentclass[12pt]{minimal} \\usepackage{x} \\begin{document}$$b$$\\end{document}.",
            "is $$b$$.",
        );
        check(r"\documentclass{x} alone", r"\documentclass{x} alone");
    }

    #[test]
    fn an_abstract_loses_its_heading_and_what_stands_for_nothing() {
        let check = |text: &str, expected: &str| assert_eq!(clean_abstract(text), expected);
        check(
            "<jats:title>Abstract</jats:title><jats:p>We show.</jats:p>",
            "We show.",
        );
        check("Abstract: We <i>show</i>.", "We show.");
        check("[No abstract available]", "");
        check("Abstract interpretation", "Abstract interpretation");
    }

    #[test]
    fn odd_ends_do_not_trip() {
        for text in [
            "\\", "a\\", "<", "a<", "</", "&lt", "$", "$$", "$$$", "{", "&", "~", "\\~", "\\(",
            "\\[ \\", "$\\", "$\\é$",
        ] {
            check(text, text);
        }
    }
}
