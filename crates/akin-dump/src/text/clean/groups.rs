//! Braces outside maths: what becomes of a group, and where it closes.
//!
//! A group that holds only one command (`{\textendash}`, `{\emph{x}}`), or begins with one that
//! changes its looks (`{\it x}`), loses its braces. All others keep them, except BibTeX's.

use super::cleaner::{AtClose, Cleaner};
use crate::text::tex_commands::{self, TexCommand, command_name};

/// Maximum nesting of groups around one command.
const MAX_DEPTH: usize = 4;

impl Cleaner<'_> {
    /// Goes into the group that begins here, if one does.
    pub(super) fn open_group(&mut self, group: AtClose) -> bool {
        let Some(close) = self.closing_brace(self.at) else {
            return false;
        };
        self.at += 1;
        match group {
            AtClose::Note => {
                self.pass_space();
                self.space = true;
                self.write("(");
            }
            AtClose::Script(kind) => self.begin_script(kind),
            AtClose::Bare | AtClose::Argument => {}
        }
        self.groups.push((close, group));
        true
    }

    pub(super) fn open_brace(&mut self) {
        if self.at == self.argument_at
            && let Some(close) = self.closing_brace(self.at)
        {
            self.groups.push((close, AtClose::Argument));
            return self.copy(1);
        }
        let (at, is_bibtex) = (self.at, self.is_bibtex);
        self.letter_or(|cleaner| {
            let holds_one = cleaner.holds_one_command(at, MAX_DEPTH);
            if (holds_one || is_bibtex) && cleaner.open_group(AtClose::Bare) {
                return;
            }
            if is_bibtex {
                cleaner.at += 1
            } else {
                cleaner.copy(1)
            }
        });
    }

    pub(super) fn close_brace(&mut self) {
        while self
            .groups
            .last()
            .is_some_and(|(close, _)| *close < self.at)
        {
            self.groups.pop();
        }
        let closed = self.groups.pop_if(|(close, _)| *close == self.at);
        match closed.map(|(_, group)| group) {
            Some(AtClose::Bare) => self.at += 1,
            Some(AtClose::Note) => {
                self.at += 1;
                self.space = false;
                self.write(")");
            }
            Some(AtClose::Script(kind)) => {
                self.at += 1;
                self.end_script(kind);
            }
            Some(AtClose::Argument) => {
                self.copy(1);
                self.argument_at = self.at;
            }
            None if self.is_bibtex && self.maths.is_none() => self.at += 1,
            None => self.copy(1),
        }
    }

    /// Whether the group that opens at `at` holds one command, or begins with a switch.
    fn holds_one_command(&mut self, at: usize, depth: usize) -> bool {
        let Some(close) = self.closing_brace(at).filter(|_| depth > 0) else {
            return false;
        };
        let inner = &self.text[at + 1..close];
        let start = close - inner.trim_start().len();
        let inner = inner.trim();
        let end = start + inner.len();
        if inner.starts_with('{') {
            let is_all = self.closing_brace(start) == Some(end.saturating_sub(1));
            return is_all && self.holds_one_command(start, depth - 1);
        }
        let Some(rest) = inner.strip_prefix('\\') else {
            return false;
        };
        let name = command_name(inner);
        let rest = &rest[name.len()..];
        let ends = |end_of_argument: Option<(usize, usize)>| {
            end_of_argument.is_some_and(|(_, argument_end)| argument_end == end)
        };
        let after = start + 1 + name.len();
        match tex_commands::command(name) {
            Some(TexCommand::Switch) => true,
            Some(TexCommand::Second) => {
                let first = self.argument_after(after);
                let second = first.and_then(|(_, end)| self.argument_after(end));
                ends(second)
            }
            Some(
                TexCommand::Symbol(_)
                | TexCommand::Letter(_)
                | TexCommand::Function
                | TexCommand::Nothing(0),
            ) => matches!(rest, "" | "{}"),
            Some(TexCommand::Nothing(_) | TexCommand::Space(_) | TexCommand::Item) => false,
            Some(_) => ends(self.argument_after(after)),
            None if name == "char" => !rest.contains(['\\', ' ']),
            None => matches!(inner, "\\&" | "\\%" | "\\_" | "\\#" | "\\\""),
        }
    }

    /// Where the argument at `at` opens, and where the text after it begins; white space may
    /// precede it.
    pub(super) fn argument_after(&mut self, at: usize) -> Option<(usize, usize)> {
        let rest = &self.text[at..];
        let open = self.text.len() - rest.trim_start().len();
        Some((open, self.closing_brace(open)? + 1))
    }

    /// Where the brace closes that opens at `at`.
    pub(super) fn closing_brace(&mut self, at: usize) -> Option<usize> {
        if !self.text[at..].starts_with('{') {
            return None;
        }
        let text = self.text;
        let braces = self.braces.get_or_insert_with(|| braces(text));
        let at = u32::try_from(at).ok()?;
        let found = braces.binary_search_by_key(&at, |(open, _)| *open).ok()?;
        usize::try_from(braces[found].1).ok()
    }
}

/// Where braces open and close, in order of the former; those that a backslash escapes are text.
fn braces(text: &str) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let mut open = Vec::new();
    let mut is_escaped = false;
    for (at, byte) in (0_u32..).zip(text.bytes()) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'{' => open.push(at),
            b'}' => pairs.extend(open.pop().map(|opened| (opened, at))),
            _ => {}
        }
    }
    pairs.sort_unstable();
    pairs
}
