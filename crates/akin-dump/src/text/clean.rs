//! From text in dumps to text for people: the one place where text is cleaned.
//!
//! In: a title, an abstract, a name, a comment. Out: the same in one line of Unicode NFC, borrowed
//! if nothing changes. What is done:
//! - runs of white space, line ends and no-break spaces become one space; none at either end;
//! - control characters and invisible marks (soft hyphen, zero-width space, BOM) go;
//! - HTML entities are resolved in every spelling (`entities.rs`);
//! - tags of HTML, JATS and MathML are dropped (`markup.rs`), written with brackets or with
//!   entities. Those of paragraphs, headings and the like leave a space. Superscripts and
//!   subscripts are not glued to a number (`clean/scripts.rs`): 10<sup>3</sup> is 10^3;
//! - outside maths, TeX's letters become Unicode (`tex.rs`) and its commands their meaning
//!   (`tex_commands.rs`, `clean/commands.rs`, `clean/groups.rs`). ``TeX's quotes'' become quotes,
//!   and `\& \% \_ \#` lose the backslash. `\ ` and `\,` become a space, `\-` goes, and a tie `~`
//!   between words becomes a space. `\ifmmode` is decided (`clean/conditionals.rs`).
//!
//! Maths (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`, `equation` and the like) is left unchanged except for
//! white space, entities and tags. Commands that are not known stay with their arguments. An
//! abstract also loses its heading, and becomes empty if it says that there is none (`heads.rs`).
//! Words that were hyphenated at a line's end stay hyphenated: there is no way to tell which were.

mod cleaner;
mod commands;
mod conditionals;
mod groups;
mod scripts;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use self::cleaner::{Cleaner, Maths, ScriptKind};
use super::markup::{self, MarkupTag};
use super::{entities, heads};
use crate::xml::tree;

/// Cleans one text.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(cleaned(text, false))
}

/// Cleans a field of BibTeX: there, braces that no command asks for keep capitals or groups
/// together, and go.
pub(crate) fn clean_bibtex(text: &str) -> Cow<'_, str> {
    if !text.contains(['{', '}']) {
        return clean(text);
    }
    Cow::Owned(cleaned(text.trim(), true))
}

fn cleaned(text: &str, is_bibtex: bool) -> String {
    let decided = conditionals::decided(text);
    let mut cleaner = Cleaner {
        text: decided.as_deref().unwrap_or(text),
        at: 0,
        out: String::with_capacity(text.len()),
        space: false,
        maths: None,
        unclosed: false,
        unclosed_bracket: false,
        unclosed_environment: false,
        closings: None,
        braces: None,
        groups: Vec::new(),
        argument_at: usize::MAX,
        scripts: Vec::new(),
        unread_formulas: 0,
        in_quotes: false,
        is_bibtex,
    };
    cleaner.run();
    let out = cleaner.out;
    if out.is_ascii() || is_nfc_quick(out.chars()) == IsNormalized::Yes {
        return out;
    }
    out.nfc().collect()
}

/// Cleans an abstract: removes its heading, and makes it empty if it says that there is none.
pub(crate) fn clean_abstract(text: &str) -> Cow<'_, str> {
    let cleaned = clean(heads::without_head(text));
    if heads::is_placeholder(&cleaned) {
        return Cow::Borrowed("");
    }
    cleaned
}

/// Whether cleaning would change nothing; a backslash, `&`, `<`, `~` or a backquote counts as a
/// change.
fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Without early exits, so that the compiler can look at many bytes at once.
    let (special, ascii) = bytes.iter().fold((false, true), |(special, ascii), &b| {
        let is_special = matches!(b, 0..b' ' | b'~' | 0x7F | b'\\' | b'&' | b'<' | b'`');
        (special | is_special, ascii & (b < 0x80))
    });
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let twice = pairs.fold(false, |twice, (&a, &b)| {
        twice | ((a == b) & ((a == b' ') | (a == b'\'')))
    });
    if special || twice {
        return false;
    }
    ascii || (!text.chars().any(is_changed) && is_nfc_quick(text.chars()) == IsNormalized::Yes)
}

/// Whether a character outside ASCII changes in cleaning.
fn is_changed(c: char) -> bool {
    !c.is_ascii() && (c.is_whitespace() || is_dropped(c))
}

fn is_dropped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}')
}

/// Formulas in MathML that cannot be read, of one text, before no other is tried.
const MAX_UNREAD_FORMULAS: u8 = 32;

/// Bytes that are copied without a look.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte < b'}' {
        plain[byte as usize] = !matches!(byte, b'\\' | b'&' | b'<' | b'$' | b'{' | b'`' | b'\'');
        byte += 1;
    }
    plain
};

fn is_plain(byte: u8) -> bool {
    PLAIN[byte as usize]
}

impl<'a> Cleaner<'a> {
    fn run(&mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b if is_plain(b) => self.copy_plain(),
                b'&' => self.entity(),
                b'<' => self.bracket(),
                b'}' => self.close_brace(),
                b'$' | b'\\' | b'{' | b'~' | b'`' | b'\'' if self.maths.is_some() => {
                    self.inside_maths();
                }
                b'$' => self.dollar(),
                b'\\' => self.backslash(),
                b'{' => self.open_brace(),
                b'~' => self.tilde(),
                b'`' | b'\'' => self.quote(),
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
        let closes_nothing = self.groups.is_empty() && !self.is_bibtex;
        let mut run = 0;
        loop {
            run += bytes[run..].iter().take_while(|&&b| is_plain(b)).count();
            match bytes[run..] {
                [b' ', next, ..] if is_plain(next) => run += 1,
                [b'\'', next, ..] if next != b'\'' => run += 1,
                [b'}', ..] if closes_nothing => run += 1,
                _ => return self.copy(run),
            }
        }
    }

    /// Copies `bytes` bytes unchanged.
    fn copy(&mut self, bytes: usize) {
        let end = self.at + bytes;
        self.write(&self.text[self.at..end]);
        self.at = end;
    }

    /// Writes clean text.
    fn write(&mut self, text: &str) {
        self.write_space();
        self.out.push_str(text);
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

    /// The character that was written last, if no space is to follow it.
    fn last(&self) -> Option<char> {
        self.out.chars().next_back().filter(|_| !self.space)
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
    fn is_meant(&mut self, tag: MarkupTag<'_>) -> bool {
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

    fn drop_tag(&mut self, tag: MarkupTag<'_>) {
        if tag.name == "math" && !tag.is_closing && self.mathml() {
            return;
        }
        self.at += tag.bytes;
        self.space |= tag.is_block;
        if tag.is_closing && tag.name == "tex-math" {
            self.at += markup::same_in_mathml(self.rest());
        }
        if let Some(script) = ScriptKind::of_tag(tag.name) {
            if tag.is_closing {
                self.end_script(script)
            } else {
                self.begin_script(script)
            }
        }
    }

    /// Writes a formula in MathML in one piece, if it can be read.
    fn mathml(&mut self) -> bool {
        if self.unread_formulas == MAX_UNREAD_FORMULAS {
            return false;
        }
        let maths = markup::mathml(self.rest());
        let read = maths.and_then(|maths| Some((maths.len(), tree::text_of(maths)?)));
        let Some((bytes, text)) = read else {
            self.unread_formulas += 1;
            return false;
        };
        self.at += bytes;
        self.write(&clean(&text));
        true
    }

    fn entity(&mut self) {
        if let Some(tag) = markup::escaped_tag(self.rest())
            && self.is_meant(tag)
        {
            return self.drop_tag(tag);
        }
        let after_space = self.last().is_none();
        match entities::resolve(self.rest(), after_space) {
            Some((meant, used)) => {
                meant.chars().for_each(|c| self.put(c));
                self.at += used;
            }
            None => self.copy(1),
        }
    }

    fn inside_maths(&mut self) {
        match self.maths {
            Some(maths) if self.at < maths.end => {
                if self.rest().starts_with('\\') {
                    self.escaped();
                } else {
                    self.copy(1);
                }
            }
            Some(maths) if self.at == maths.end => {
                self.maths = None;
                self.copy(maths.fence_bytes);
            }
            _ => self.maths = None,
        }
    }

    /// Copies a backslash and the character that it escapes, unless that is white space.
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
        let end = (!self.unclosed).then(|| closing(&self.rest()[fence.len()..], fence));
        match end.flatten() {
            Some(end) => {
                let end = self.at + fence.len() + end;
                let fence_bytes = fence.len();
                self.maths = Some(Maths { end, fence_bytes });
            }
            None => self.unclosed = true,
        }
        self.copy(fence.len());
    }

    fn open_maths(&mut self, close: &'static str) {
        let end = (!self.unclosed_bracket).then(|| self.rest().find(close));
        match end.flatten() {
            Some(end) => {
                let (end, fence_bytes) = (self.at + end, close.len());
                self.maths = Some(Maths { end, fence_bytes });
            }
            None => self.unclosed_bracket = true,
        }
        self.copy(2);
    }

    fn tilde(&mut self) {
        let next = self.rest()[1..].chars().next();
        if is_tie(self.last(), next) {
            self.space = true;
            self.at += 1;
        } else {
            self.copy(1);
        }
    }

    /// Two quotes in a row are TeX's, except in the second derivative of a function: `f''`.
    fn quote(&mut self) {
        let rest = self.rest();
        let is_opening = rest.starts_with("``");
        if !is_opening && !rest.starts_with("''") {
            return self.copy(1);
        }
        let is_before_word = rest[2..].starts_with(|c: char| !c.is_whitespace());
        let is_after_word = self.last().is_some_and(|c| !matches!(c, '(' | '['));
        if self.in_quotes && is_after_word {
            self.in_quotes = false;
            self.write("”");
        } else if is_opening || (is_before_word && !is_after_word) {
            self.in_quotes = true;
            self.write("“");
        } else {
            return self.copy(2);
        }
        self.at += 2;
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

/// The position of the first unescaped `fence` in `text`.
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
