//! A BibTeX entry to the names and values of its fields.
//!
//! In: one entry. Out: its key ([`EntrySource`]) and its [`EntryFields`] with `@string`s put in.
//! Quotes and parentheses become the equivalent braces, and the biblatex crate takes the fields
//! apart. If an entry cannot be read as a whole (a value lacks its braces), it is read field by
//! field; sound fields are kept. A comma that is missing is put in. Values keep their TeX.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};

use biblatex::{Pair, ParseError, ParseErrorKind, RawBibliography, RawChunk, Token};

/// The error of an entry whose end cannot be found.
pub(crate) const UNBALANCED: &str = "its braces do not balance";

/// What is wrong with an entry to which `@string`s add more than they may.
const OVERGROWN: &str = "its @strings expand to more than is read for a file of this size";

/// Bytes that `@string`s may add to one entry.
const MAX_ADDED_BYTES: usize = 1 << 20;

/// Bytes that they may add to all entries, and beyond those to each byte that an entry has.
const FREE_ADDED_BYTES: i64 = 1 << 20;
const MAX_RATIO: i64 = 32;

/// No `@string` is longer, in bytes.
const MAX_STRING_BYTES: usize = 64 << 10;

/// Maximum bytes of `@string`s that are kept of a dump: they are searched for every entry that uses
/// one.
const MAX_STRINGS_BYTES: usize = 256 << 10;

/// Separators in `strings`: between a name and its value, and between definitions.
const IS: char = '\u{1f}';
const NEXT: char = '\u{1e}';

/// Maximum number of missing commas that are inserted.
const MAX_COMMAS: usize = 32;

/// Adds the definitions of the `@string` entry `entry` to `strings`, in the form that
/// [`EntryFields::parse`] takes. Adds nothing if the entry cannot be read or is too long.
///
/// Names in it are resolved at once, so that no definition depends on another.
pub(crate) fn define(entry: &str, strings: &mut String) {
    let parsed = entry.find(['{', '(']).and_then(|open| {
        let (body, _) = in_braces(&entry[open + 1..], closing(&entry[open..]), true)?;
        parsed(&body).ok()
    });
    let parsed = parsed.unwrap_or_default();
    let named = |(_, parts): &(String, Vec<ValuePart>)| {
        parts.iter().any(|part| matches!(part, ValuePart::Name(_)))
    };
    let mut known: HashMap<String, String> = HashMap::new();
    if parsed.iter().any(named) {
        for (name, text) in definitions(strings) {
            known
                .entry(name.to_owned())
                .or_insert_with(|| text.to_owned());
        }
    }
    for (name, parts) in parsed {
        let mut budget_bytes = MAX_STRING_BYTES;
        let found = |name: &str| known.get(name).map(String::as_str);
        let (text, _) = value(&parts, found, &mut budget_bytes);
        let fits = text.len() <= MAX_STRING_BYTES
            && strings.len() + name.len() + text.len() < MAX_STRINGS_BYTES;
        if fits && !text.contains([NEXT, IS]) {
            strings.push_str(&name);
            strings.push(IS);
            strings.push_str(&text);
            strings.push(NEXT);
            known.insert(name, text);
        }
    }
}

/// The definitions in `strings`, names in lower case, the last one first.
fn definitions(strings: &str) -> impl Iterator<Item = (&str, &str)> {
    strings.rsplit(NEXT).filter_map(|text| text.split_once(IS))
}

/// An entry without its key and with all values in braces, if they balance.
pub(crate) struct EntrySource<'a> {
    pub(crate) key: Option<&'a str>,
    body: String,
    /// Its last brace is there.
    is_closed: bool,
}

impl<'a> EntrySource<'a> {
    pub(crate) fn parse(entry: &'a str) -> Option<EntrySource<'a>> {
        let open = 1 + word_of(entry.as_bytes()).len();
        let rest = entry.get(open..)?.trim_start();
        let close = closing(rest);
        let rest = rest.get(1..)?;
        let end = rest.find([',', '=', '"', '{']).unwrap_or(rest.len());
        let (key, fields) = match rest[end..].strip_prefix(',') {
            Some(fields) => (rest[..end].trim(), fields),
            None => ("", rest),
        };
        let read = in_braces(fields, close, true);
        let read = match read {
            Some((_, true)) => read,
            other => in_braces(fields, close, false)
                .filter(|(_, is_closed)| *is_closed)
                .or(other),
        };
        let (body, is_closed) = read?;
        Some(EntrySource {
            key: (!key.is_empty()).then_some(key),
            body,
            is_closed,
        })
    }
}

/// What closes an entry that begins so.
fn closing(entry: &str) -> char {
    if entry.starts_with('(') { ')' } else { '}' }
}

/// Copies the fields of an entry, up to its closing brace, with braces in place of quotes; `None`
/// if they do not balance. Braces with a backslash are text, but BibTeX counts them too: without
/// `escapes`, so do we. An entry may lack its last brace: also returns whether it is there.
fn in_braces(fields: &str, close: char, escapes: bool) -> Option<(String, bool)> {
    let mut out = String::with_capacity(fields.len());
    let (mut depth, mut in_quotes) = (0_usize, false);
    let mut chars = fields.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if escapes => {
                out.push(c);
                out.extend(chars.next());
            }
            // The parser that follows would take the brace for text.
            '\\' if matches!(chars.peek(), Some('{' | '}')) => out.push_str("\\ "),
            '%' if depth == 0 && !in_quotes => while chars.next().is_some_and(|c| c != '\n') {},
            '{' => {
                depth += 1;
                out.push(c);
            }
            '}' if depth > 0 => {
                depth -= 1;
                out.push(c);
            }
            '"' if depth == 0 => {
                in_quotes = !in_quotes;
                out.push(if in_quotes { '{' } else { '}' });
            }
            '}' | ')' if depth == 0 && !in_quotes && c == close => return Some((out, true)),
            '}' => return None,
            other => out.push(other),
        }
    }
    (depth == 0 && !in_quotes).then_some((out, false))
}

/// Whether a value has swallowed the fields after it: the brace that an entry lacks was its.
fn holds_a_field(value: &str) -> bool {
    value.split(',').skip(1).any(|piece| {
        let Some((name, value)) = piece.split_once('=') else {
            return false;
        };
        let name = name.trim();
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_value = |c: char| c.is_ascii_digit() || matches!(c, '{' | '"');
        !name.is_empty() && name.chars().all(is_word) && value.trim_start().starts_with(is_value)
    })
}

/// The fields of an entry with their names in lower case, in their order.
pub(crate) struct EntryFields(Vec<(String, String)>);

impl EntryFields {
    /// Reads the fields, all of them or those that can be read, and what is wrong with the rest.
    /// `strings` were put there by [`define`], and `n_added` counts what they add.
    pub(crate) fn parse(
        source: &EntrySource<'_>,
        strings: &str,
        n_added: &AtomicI64,
    ) -> (EntryFields, Option<String>) {
        let mut broken = None;
        let mut pairs = Vec::new();
        match parsed(&source.body) {
            Ok(read) => pairs = read,
            Err(error) => {
                broken = Some(error.kind.to_string());
                for field in fields_of(&source.body) {
                    pairs.extend(parsed(field).unwrap_or_default());
                }
            }
        }
        let parts = pairs.iter().flat_map(|(_, parts)| parts);
        let named: HashSet<&str> = parts
            .filter_map(|part| match part {
                ValuePart::Name(name) => Some(name.as_str()),
                ValuePart::Text(_) => None,
            })
            .collect();
        let mut known = HashMap::new();
        if !named.is_empty() {
            let defined = definitions(strings).filter(|(name, _)| named.contains(name));
            defined.for_each(|(name, text)| {
                known.entry(name).or_insert(text);
            });
        }
        let mut budget_bytes = MAX_ADDED_BYTES;
        let mut is_overgrown = false;
        let mut fields: Vec<(String, String)> = Vec::with_capacity(pairs.len());
        for (name, parts) in pairs {
            let (text, is_whole) =
                value(&parts, |name| known.get(name).copied(), &mut budget_bytes);
            is_overgrown |= !is_whole;
            fields.push((name, text));
        }
        let fields_added = MAX_ADDED_BYTES - budget_bytes;
        if is_overgrown || !may_add(n_added, fields_added, source.body.len()) {
            return (EntryFields(Vec::new()), Some(OVERGROWN.to_owned()));
        }
        if !source.is_closed && fields.iter().any(|(_, value)| holds_a_field(value)) {
            fields.clear();
            broken = Some(UNBALANCED.to_owned());
        }
        (EntryFields(fields), broken)
    }

    /// The names, in lower case, and the values.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter()
    }

    /// The first of the fields `names` that says something.
    pub(crate) fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let said = |(key, value): &&(String, String)| key == name && !value.trim().is_empty();
            self.0.iter().find(said).map(|(_, value)| value.trim())
        })
    }
}

/// Whether `@string`s may add `n` bytes to an entry of this size, after what they added before.
fn may_add(n_added: &AtomicI64, n: usize, n_own: usize) -> bool {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let allowed = MAX_RATIO.saturating_mul(i64::try_from(n_own).unwrap_or(i64::MAX));
    let before = n_added.fetch_sub(allowed, Ordering::Relaxed) - allowed;
    let fits = n == 0 || before + n <= FREE_ADDED_BYTES;
    if fits {
        n_added.fetch_add(n, Ordering::Relaxed);
    }
    fits
}

/// A piece of a value: text, or the name of an `@string`.
enum ValuePart {
    Text(String),
    Name(String),
}

/// Parses fields, inserting missing commas.
fn parsed(fields: &str) -> Result<Vec<(String, Vec<ValuePart>)>, ParseError> {
    const HEAD: &str = "@x{x,";
    let mut text = format!("{HEAD}{fields}\n}}");
    for _ in 0..MAX_COMMAS {
        let error = match RawBibliography::parse(&text) {
            Ok(parsed) => return Ok(pairs(&parsed)),
            Err(error) => error,
        };
        let at = error.span.start;
        if error.kind != ParseErrorKind::Expected(Token::Comma) || !text.is_char_boundary(at) {
            return Err(error);
        }
        text.insert(at, ',');
    }
    RawBibliography::parse(&text).map(|parsed| pairs(&parsed))
}

fn pairs(parsed: &RawBibliography<'_>) -> Vec<(String, Vec<ValuePart>)> {
    let fields = parsed.entries.iter().flat_map(|entry| &entry.v.fields);
    fields.map(pair).collect()
}

/// A field, or a definition, with its name in lower case.
fn pair(pair: &Pair<'_>) -> (String, Vec<ValuePart>) {
    let part = |chunk: &RawChunk<'_>| match chunk {
        RawChunk::Normal(text) => ValuePart::Text((*text).to_owned()),
        RawChunk::Abbreviation(name) => ValuePart::Name((*name).to_owned()),
    };
    let parts = pair.value.v.iter().map(|chunk| part(&chunk.v));
    (pair.key.v.to_ascii_lowercase(), parts.collect())
}

/// The fields of an entry that cannot be read as a whole: the text between commas.
fn fields_of(body: &str) -> impl Iterator<Item = &str> {
    let (mut depth, mut is_escaped) = (0_usize, false);
    body.split(move |c: char| {
        match c {
            _ if std::mem::take(&mut is_escaped) => {}
            '\\' => is_escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

/// Assembles a value; an undefined name, such as a month's, is used itself. What definitions add is
/// taken from the budget, and nothing is added when it is spent: whether all was.
fn value<'a>(
    parts: &[ValuePart],
    known: impl Fn(&str) -> Option<&'a str>,
    budget_bytes: &mut usize,
) -> (String, bool) {
    let mut value = String::new();
    let mut is_whole = true;
    for part in parts {
        match part {
            ValuePart::Text(text) => value.push_str(text),
            ValuePart::Name(name) => {
                // An undefined name adds nothing.
                let Some(text) = known(&name.to_ascii_lowercase()) else {
                    value.push_str(name);
                    continue;
                };
                match budget_bytes.checked_sub(text.len()) {
                    Some(left) => {
                        *budget_bytes = left;
                        value.push_str(text);
                    }
                    None => is_whole = false,
                }
            }
        }
    }
    (value, is_whole)
}

/// The word after the `@` at the start of `entry`.
pub(crate) fn word_of(entry: &[u8]) -> &[u8] {
    let rest = entry.get(1..).unwrap_or(b"");
    let letters = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    &rest[..letters.count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: &[&str], expected: &[(&str, &str)]) {
        let mut strings = String::new();
        for entry in entries {
            define(entry, &mut strings);
        }
        assert_eq!(
            definitions(&strings).collect::<Vec<_>>(),
            expected,
            "{entries:?}"
        );
    }

    #[test]
    fn definitions_are_kept_the_last_one_first() {
        check(
            &[
                "@string{J = {Journal}}",
                "@STRING(jj = j # \" of \" # x)",
                "@string{j = 5}",
            ],
            &[("j", "5"), ("jj", "Journal of x"), ("j", "Journal")],
        );
        check(&["@string{a = }", "@string{", "@string"], &[]);
    }

    #[test]
    fn definitions_of_definitions_do_not_grow_for_ever() {
        let mut strings = "a\u{1f}0123456789\u{1e}".to_owned();
        for _ in 0..99 {
            define("@string{a = a # a}", &mut strings);
        }
        assert!(strings.len() < MAX_STRINGS_BYTES);
        let source = EntrySource::parse("@x{k, t = a # a}").unwrap();
        let longest = EntryFields::parse(&source, &strings, &AtomicI64::new(0)).0;
        assert!(longest.get(&["t"]).unwrap().len() <= 2 * MAX_STRING_BYTES);
    }
}
