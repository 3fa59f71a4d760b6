//! TeX's commands and braces outside maths, as they are read in a text that is not TeX.
//!
//! `../tex_commands.rs` says what becomes of a command. Here its arguments are found, and their
//! content is cleaned like the rest. Braces are for `groups.rs`.

use super::cleaner::{AtClose, Cleaner, Maths, ScriptKind};
use crate::text::tex_commands::{self, Environment, TexCommand, command_name};
use crate::text::{markup, tex};

/// The longest argument in brackets.
const MAX_OPTION_BYTES: usize = 256;

impl Cleaner<'_> {
    pub(super) fn backslash(&mut self) {
        let rest = self.rest();
        let Some(next) = rest.as_bytes().get(1).copied() else {
            return self.copy(1);
        };
        match next {
            b'&' => {
                self.at += 1;
                self.entity();
            }
            b'%' | b'_' | b'#' | b'}' => {
                self.at += 1;
                self.copy(1);
            }
            b'{' => self.escaped_brace(),
            b' ' | b',' | b';' | b':' | b'>' | b'\n' => {
                self.space = true;
                self.at += 2;
            }
            b'-' | b'!' | b'@' => self.at += 2,
            b'/' => self.slash(),
            b'd' | b'e' if markup::document_frame(rest) > 0 => {
                self.at += markup::document_frame(rest);
            }
            b'(' => self.open_maths("\\)"),
            b'[' => self.open_maths("\\]"),
            b'~' | b'^' if self.is_bare_accent() => self.bare_accent(),
            b'\\' => self.line_end(),
            b'$' => self.copy(2),
            b'"' => self.letter_or(|cleaner| cleaner.at += 1),
            b if b.is_ascii_alphabetic() => self.letter_or(Cleaner::command),
            _ => self.letter_or(|cleaner| cleaner.copy(1)),
        }
    }

    /// A brace that is meant, or the name of a letter that was torn: `\{beta}`.
    fn escaped_brace(&mut self) {
        self.at += 1;
        let name = command_name(self.rest());
        let is_whole = self.rest()[1 + name.len()..].starts_with('}');
        match tex_commands::greek(name).filter(|_| is_whole) {
            Some(letter) => self.symbol(letter, self.at + name.len() + 2),
            None => self.copy(1),
        }
    }

    /// `\/` corrects a slant at the end of a word; before a word it is a slash that was escaped.
    fn slash(&mut self) {
        self.at += 1;
        let ends_word = |c: char| c.is_whitespace() || "}.,;:)!?".contains(c);
        match self.rest()[1..].chars().next() {
            Some(next) if !ends_word(next) => self.copy(1),
            _ => self.at += 1,
        }
    }

    /// `\\` ends a line, before white space or a length; before a word it was escaped twice.
    fn line_end(&mut self) {
        let after = &self.rest()[2..];
        let length = after.strip_prefix('*').unwrap_or(after);
        let option = option(length).map_or("", |(_, rest)| rest);
        let rest = if option.is_empty() { length } else { option };
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) && option.is_empty() {
            return self.copy(2);
        }
        self.space = true;
        self.at = self.text.len() - rest.len();
    }

    /// `\~{}`, and `\~` in an address, mean the character itself.
    fn is_bare_accent(&self) -> bool {
        self.rest()[2..].starts_with("{}")
            || (self.rest().starts_with("\\~") && self.out.ends_with('/') && !self.space)
    }

    fn bare_accent(&mut self) {
        self.at += 1;
        self.copy(1);
        self.pass("{}");
    }

    /// Writes the TeX letter at this position, or handles it otherwise.
    pub(super) fn letter_or(&mut self, other: impl FnOnce(&mut Self)) {
        // A unit does not swallow the space before the next word: `5 \AA apart`.
        if self.rest().starts_with("\\AA") && self.out.ends_with(|c: char| c.is_ascii_digit()) {
            return other(self);
        }
        match tex::letter(self.rest()) {
            Some((letter, used)) => {
                self.write(&letter);
                self.at += used;
            }
            None => other(self),
        }
    }

    fn command(&mut self) {
        let name = command_name(self.rest());
        let after = self.at + 1 + name.len();
        let Some(command) = tex_commands::command(name) else {
            return self.other_command(name, after);
        };
        match command {
            TexCommand::Symbol(symbol) => self.symbol(symbol, after),
            TexCommand::Letter(letter) => self.letter(letter, after),
            TexCommand::Function => self.function(name, after),
            TexCommand::Looks => self.argument(name, after, AtClose::Bare),
            TexCommand::Raised => self.argument(name, after, AtClose::Script(ScriptKind::Raised)),
            TexCommand::Lowered => self.argument(name, after, AtClose::Script(ScriptKind::Lowered)),
            TexCommand::Note => self.argument(name, after, AtClose::Note),
            TexCommand::Switch => {
                self.at = after;
                self.pass("{}");
                self.pass_space();
                self.open_group(AtClose::Bare);
            }
            TexCommand::Maths => self.formula(after),
            TexCommand::Pointer => self.pointer(after),
            TexCommand::Item => self.item(after),
            TexCommand::Second => match self.argument_after(after) {
                Some((_, end)) => self.argument(name, end, AtClose::Bare),
                None => self.keep(after),
            },
            TexCommand::Nothing(arguments) => self.drop_arguments(after, arguments),
            TexCommand::Space(arguments) => {
                self.drop_arguments(after, arguments);
                self.space |= self.at >= after;
            }
        }
    }

    /// Leaves a command unchanged, with its arguments.
    fn keep(&mut self, after: usize) {
        self.copy(after - self.at);
        self.argument_at = self.at;
    }

    fn other_command(&mut self, name: &str, after: usize) {
        match name {
            "begin" | "end" => self.environment(name, after),
            "char" => self.character(after),
            "AA" => self.symbol("Å", after),
            _ => self.keep(after),
        }
    }

    fn symbol(&mut self, symbol: &str, after: usize) {
        self.at = after;
        self.pass("{}");
        let pair = match symbol {
            "∘" => Some(('^', "°")),
            "‘" => Some(('‘', "“")),
            "’" => Some(('’', "”")),
            _ => None,
        };
        match pair.filter(|(before, _)| self.last() == Some(*before)) {
            Some((_, meant)) => {
                self.out.pop();
                self.out.push_str(meant);
            }
            None => self.write(symbol),
        }
    }

    /// Writes a symbol after which TeX swallows a space.
    fn letter(&mut self, letter: &str, after: usize) {
        self.symbol(letter, after);
        if self.at == after {
            self.pass(" ");
        }
    }

    fn function(&mut self, name: &str, after: usize) {
        if name == "deg" && self.out.ends_with(|c: char| c.is_ascii_digit()) {
            return self.symbol("°", after);
        }
        self.space |= self.last().is_some_and(char::is_alphanumeric);
        self.symbol(name, after);
        self.space |= self.rest().starts_with('\\');
    }

    /// Enters the argument of a command; the command stays if there is none.
    fn argument(&mut self, name: &str, after: usize, group: AtClose) {
        let kept = self.at;
        self.at = after;
        if self.rest().starts_with('[') && name != "url" {
            self.at += option(self.rest()).map_or(0, |(bytes, _)| bytes);
        }
        self.pass_space();
        if self.open_group(group) {
            return;
        }
        if self.is_bibtex {
            self.pass_space()
        } else {
            self.at = kept;
            self.keep(after);
        }
    }

    /// Maths from a command's argument: in dollars, if it is more than a symbol.
    fn formula(&mut self, after: usize) {
        let Some((open, end)) = self.argument_after(after) else {
            return self.keep(after);
        };
        let inner = self.text[open + 1..end - 1].trim();
        let is_symbol = inner.strip_prefix('\\') == Some(command_name(inner));
        let is_plain = !inner.contains(['\\', '{', '^', '_']);
        if inner.contains('$') || is_symbol || is_plain {
            self.at = open;
            self.open_group(AtClose::Bare);
            return;
        }
        let words: Vec<&str> = inner.split_whitespace().collect();
        self.write(&format!("${}$", words.join(" ")));
        self.at = end;
    }

    /// The key of a reference, in brackets: `[Doe99, Theorem 2]`.
    fn pointer(&mut self, after: usize) {
        let mut end = after;
        if self.text[end..].starts_with('*') {
            end += 1;
        }
        let mut note = "";
        while let Some((bytes, _)) = option(&self.text[end..]) {
            note = self.text[end + 1..end + bytes - 1].trim();
            end += bytes;
        }
        let Some((open, end)) = self.argument_after(end) else {
            return self.keep(after);
        };
        let keys = self.text[open + 1..end - 1].split(',');
        let named: Vec<&str> = keys
            .chain([note])
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .collect();
        let named = named.join(", ");
        self.at = end;
        let is_in_brackets =
            matches!(self.last(), Some('[' | '(')) && self.rest().starts_with([']', ')']);
        let has_space = named.contains(char::is_control) || named.contains("  ");
        let named = if has_space {
            named.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            named
        };
        if !named.is_empty() {
            self.space |= self.last().is_some_and(char::is_alphanumeric);
            if is_in_brackets {
                self.write(&named)
            } else {
                self.write(&format!("[{named}]"))
            }
        }
    }

    fn item(&mut self, after: usize) {
        self.at = after;
        self.space = true;
        self.pass_space();
        let label = option(self.rest()).map(|(bytes, _)| &self.rest()[1..bytes - 1]);
        if let Some(label) = label {
            self.at += label.len() + 2;
        }
        let label = label.map(str::trim).filter(|label| !label.is_empty());
        self.write(label.unwrap_or("•"));
        self.space = true;
    }

    /// Skips a command with its arguments; it stays if it lacks one.
    fn drop_arguments(&mut self, after: usize, arguments: usize) {
        let mut end = after;
        if arguments > 0 {
            if self.text[end..].starts_with('*') {
                end += 1;
            }
            end += option(&self.text[end..]).map_or(0, |(bytes, _)| bytes);
        }
        for _ in 0..arguments {
            match self.argument_after(end) {
                Some((_, after_argument)) => end = after_argument,
                None => return self.keep(after),
            }
        }
        self.at = end;
        self.pass("{}");
    }

    /// Reads `\begin{…}` or `\end{…}`.
    fn environment(&mut self, command: &str, after: usize) {
        let Some((open, end)) = self.argument_after(after) else {
            return self.keep(after);
        };
        let name = &self.text[open + 1..end - 1];
        match tex_commands::environment(name) {
            Some(Environment::Text) => {
                self.at = end;
                self.space = true;
                if command == "begin" && matches!(name, "enumerate" | "itemize" | "description") {
                    self.at += option(self.rest()).map_or(0, |(bytes, _)| bytes);
                }
            }
            Some(Environment::Maths) if command == "begin" && !self.unclosed_environment => {
                let close = format!("\\end{{{name}}}");
                match self.text[end..].find(&close) {
                    Some(at) => {
                        let (end, fence_bytes) = (end + at, close.len());
                        self.maths = Some(Maths { end, fence_bytes });
                    }
                    None => self.unclosed_environment = true,
                }
                self.copy(end - self.at);
            }
            _ => self.copy(end - self.at),
        }
    }

    /// A character by its place in the font: `\char21`, `\char"15`, `\char'25`, `` \char`\% ``.
    fn character(&mut self, after: usize) {
        let rest = &self.text[after..];
        let spaced = rest.trim_start_matches(' ');
        let (radix, prefix_bytes) = match spaced.as_bytes().first() {
            Some(b'"') => (16, 1),
            Some(b'\'') => (8, 1),
            Some(b'`') => return self.quoted_character(after),
            _ => (10, 0),
        };
        let digits = &spaced[prefix_bytes..];
        let count = digits.bytes().take(4);
        let count = count.take_while(|byte| char::from(*byte).is_digit(radix));
        let digits = &digits[..count.count()];
        let code = u32::from_str_radix(digits, radix).ok();
        let Some(meant) = code.and_then(tex_commands::character) else {
            return self.keep(after);
        };
        let used = rest.len() - spaced.len() + prefix_bytes + digits.len();
        self.letter(meant.encode_utf8(&mut [0; 4]), after + used);
    }

    fn quoted_character(&mut self, after: usize) {
        let spaced = self.text[after..].trim_start_matches(' ');
        let named = &spaced[1..];
        let named = named.strip_prefix('\\').unwrap_or(named);
        let Some(meant) = named.chars().next().filter(|c| !c.is_whitespace()) else {
            return self.keep(after);
        };
        let end = self.text.len() - named.len() + meant.len_utf8();
        self.letter(meant.encode_utf8(&mut [0; 4]), end);
    }

    /// Skips these characters, if they are here.
    fn pass(&mut self, characters: &str) {
        if self.rest().starts_with(characters) {
            self.at += characters.len();
        }
    }

    pub(super) fn pass_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }
}

/// The bytes of the argument in brackets at the start of a text, and the text after it.
fn option(text: &str) -> Option<(usize, &str)> {
    let head = text.strip_prefix('[')?;
    let head = &head[..head.floor_char_boundary(MAX_OPTION_BYTES)];
    let bytes = head.find(']')? + 2;
    Some((bytes, &text[bytes..]))
}
