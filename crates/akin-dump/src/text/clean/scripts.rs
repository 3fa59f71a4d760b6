//! What is raised above the line or lowered below it, in text that has but one line.
//!
//! 10 to the 3rd must not become 103. Between digits, and for a raised number after a letter, a
//! mark is written (`10^3`, `m^2`, `cm^-1`, `10_2`). What chemists and ordinals write in one word
//! stays one: `CO2`, `Ca2+`, `13C`, `1st`, `McDonald`.

use super::cleaner::{Cleaner, Script, ScriptKind};

/// What is longer is text and no exponent.
const MAX_SCRIPT_BYTES: usize = 24;

/// Maximum nesting of superscripts.
const MAX_OPEN: usize = 8;

/// Ordinal suffixes that are raised after a number: 1st, 2nd, and the French, Spanish and Italian
/// ones.
const ORDINALS: [&str; 15] = [
    "st", "nd", "rd", "th", "e", "er", "re", "ère", "ème", "o", "a", "os", "as", "º", "ª",
];

/// What parts the terms of a sum.
const SIGNS: [char; 4] = ['+', '-', '−', '/'];

impl Cleaner<'_> {
    pub(super) fn begin_script(&mut self, kind: ScriptKind) {
        if self.scripts.len() == MAX_OPEN {
            self.scripts.remove(0);
        }
        self.scripts.push(Script {
            kind,
            after: self.last(),
            start: self.out.len(),
        });
    }

    pub(super) fn end_script(&mut self, kind: ScriptKind) {
        let open = self.scripts.iter().rposition(|open| open.kind == kind);
        let Some(open) = open else { return };
        let script = self.scripts.swap_remove(open);
        self.scripts.truncate(open);
        let written = self.out.get(script.start..).unwrap_or("");
        if written.is_empty() || written.len() > MAX_SCRIPT_BYTES {
            return;
        }
        let mark = script.after.and_then(|after| mark(kind, after, written));
        let ends_in_digit = written.ends_with(|c: char| c.is_ascii_digit());
        if let Some(mark) = mark {
            let is_sum = written.trim_matches(SIGNS).contains(SIGNS);
            let is_number = is_number(written);
            if is_sum && !is_number {
                self.out.insert(script.start, '(');
                self.out.push(')');
            }
            self.out.insert(script.start, mark);
        }
        self.space |= ends_in_digit && self.rest().starts_with(|c: char| c.is_ascii_digit());
    }
}

/// The mark that must precede `script`, which follows `after`.
fn mark(kind: ScriptKind, after: char, script: &str) -> Option<char> {
    let unsigned = script.trim_start_matches(['+', '-', '−', '–']);
    let begins_in_digit = unsigned.starts_with(|c: char| c.is_ascii_digit());
    let is_marked = match kind {
        ScriptKind::Lowered => {
            after.is_ascii_digit() && script.starts_with(|c: char| c.is_ascii_digit())
        }
        ScriptKind::Raised if after.is_ascii_digit() => {
            let is_letter = unsigned.chars().count() == 1;
            let is_sum = unsigned.contains(SIGNS);
            let is_signed = unsigned.len() < script.len();
            let is_power =
                (is_letter || is_sum || is_signed) && unsigned.starts_with(char::is_alphabetic);
            begins_in_digit || (is_power && !ORDINALS.contains(&script))
        }
        ScriptKind::Raised => {
            let has_value = after.is_alphanumeric() || matches!(after, ')' | ']' | '}' | '|');
            has_value && begins_in_digit && is_number(script)
        }
    };
    is_marked.then_some(match kind {
        ScriptKind::Raised => '^',
        ScriptKind::Lowered => '_',
    })
}

/// Whether a text is a number, or several: `-1`, `0.5`, `1,3`, `1–3`, `1/2`.
fn is_number(script: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || "+-−–.,/ ".contains(c);
    script.chars().all(is_part) && script.ends_with(|c: char| c.is_ascii_digit())
}
