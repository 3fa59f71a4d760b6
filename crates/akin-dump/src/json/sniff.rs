//! Recognises a JSON dump from the fields of its first readable record. Also finds how its records
//! are framed: as lines, as values, or as the list or map that an object holds.
//!
//! In: the start of a dump. Out: its [`Format`] and [`Framing`]. Only names of fields and the first
//! bytes of their values are examined, so the start may be cut anywhere.

use super::keys::{PLAIN_TEXT, PLAIN_TEXTS, TITLES, plain_key};
use super::mend;
use super::object::{JsonObject, fields, string_bytes};
use crate::format::{FormatReader, Framing, JsonSpec};
use crate::registry::Format;

/// Fields under which pages and exports hold their records.
const WRAPPERS: [&str; 7] = [
    "results",
    "data",
    "records",
    "works",
    "items",
    "articles",
    "recommendedPapers",
];

/// Answers that nest their records one object deeper: the name of that object, of the list in it,
/// and both.
const ANSWERS: [(&str, &str, &str); 2] = [
    ("message", "items", "message.items"),
    ("resultList", "result", "resultList.result"),
];

/// The format of a JSON text, recognised by the fields of the first record that can be read.
pub(crate) fn json(text: &[u8], complete: bool) -> Option<(Format, Framing)> {
    told(text, complete, &[PLAIN_TEXT]).or_else(|| {
        let is_json = text.starts_with(b"{") || text.starts_with(b"[");
        let is_untitled = is_json && is_untitled(text);
        is_untitled.then(|| told(text, complete, &PLAIN_TEXTS))?
    })
}

/// The same, if records without a title have one of the fields `texts`.
fn told(text: &[u8], complete: bool, texts: &[&str]) -> Option<(Format, Framing)> {
    let by_fields = |object, framing| by_fields(object, framing, texts);
    let mut lines = text.split(|&byte| byte == b'\n').peekable();
    let first = *lines.peek()?;
    let mut others = lines.clone().skip(1);
    let goes_on = others.any(|line| !line.trim_ascii().is_empty());
    // An array that is complete on its line is a line of its own, if others follow.
    let is_array = text.starts_with(b"[") && !(mend::is_value(first) && goes_on);
    if complete && is_empty_list(text) {
        let wrapper = fields(text)
            .into_iter()
            .find_map(|(name, _)| wrapper(&name));
        return Some((Format::JsonRecords, Framing::Values { wrapper }));
    }
    if is_array {
        return array(text, texts);
    }
    // A page with a record on each line is not taken for lines.
    if text.starts_with(b"{")
        && !mend::is_value(lines.peek()?)
        && let Some(found) = by_fields(text, Framing::Lines)
        && found.1 != Framing::Lines
    {
        return Some(found);
    }
    while let Some(line) = lines.next() {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let cut = lines.peek().is_none() && !complete;
        if line.starts_with(b"{")
            && (cut || mend::is_value(line))
            && let Some(found) = by_fields(line, Framing::Lines)
        {
            return Some(found);
        }
    }
    match text.first()? {
        b'[' => array(text, texts),
        b'{' => by_fields(text, Framing::Values { wrapper: None }),
        _ => None,
    }
}

/// The format of the first object in an array.
fn array(text: &[u8], texts: &[&str]) -> Option<(Format, Framing)> {
    let first = text.iter().position(|&byte| byte == b'{')?;
    by_fields(&text[first..], Framing::Values { wrapper: None }, texts)
}

/// The name under which an object may hold records.
fn wrapper(name: &str) -> Option<&'static str> {
    let known = WRAPPERS.iter().chain([&"papers"]);
    known.copied().find(|known| *known == name)
}

/// Whether this is a list of nothing, or an answer that holds one and no other records.
pub(crate) fn is_empty_list(text: &[u8]) -> bool {
    let after = |bytes: &[u8]| {
        let list = bytes.strip_prefix(b"[")?.trim_ascii_start();
        list.first().copied()
    };
    if !mend::is_value(text) {
        return false;
    }
    if text.starts_with(b"[") {
        return after(text) == Some(b']');
    }
    let fields = fields(text);
    let is_empty =
        |(name, at): &(String, usize)| wrapper(name).is_some() && after(&text[*at..]) == Some(b']');
    let holds_others = |(_, at): &(String, usize)| after(&text[*at..]) == Some(b'{');
    fields.iter().any(is_empty) && !fields.iter().any(holds_others)
}

/// The format that an object is of, or the records that it wraps.
fn by_fields(object: &[u8], framing: Framing, texts: &[&str]) -> Option<(Format, Framing)> {
    let object = JsonObject::new(object, texts);
    let held = json_formats().find_map(|(format, spec)| {
        let wrapper = spec.holder.filter(|name| object.kind(name) == Some(b'['))?;
        let wrapper = Some(wrapper);
        (!object.has("title")).then_some((format, Framing::Values { wrapper }))
    });
    held.or_else(|| Some((of_record(&object)?, framing)))
        .or_else(|| wrapped(&object, texts))
        .or_else(|| answered(&object, texts))
        .or_else(|| mapped(&object, texts))
}

/// The formats whose records are JSON objects.
fn json_formats() -> impl Iterator<Item = (Format, &'static JsonSpec)> {
    Format::all().filter_map(|format| match &format.spec().reader {
        FormatReader::Json(spec) => Some((format, spec)),
        _ => None,
    })
}

/// The first format that an object is a record of.
fn of_record(object: &JsonObject<'_>) -> Option<Format> {
    let (format, _) = json_formats().find(|(_, spec)| (spec.is_record)(object))?;
    Some(format)
}

/// The format of the records in an answer, which holds them one object deeper, or as that object.
fn answered(object: &JsonObject<'_>, texts: &[&str]) -> Option<(Format, Framing)> {
    ANSWERS.iter().find_map(|(name, list, path)| {
        let answer = object.value(name).filter(|value| value.starts_with(b"{"))?;
        let inner = JsonObject::new(answer, texts);
        if let Some(first) = inner.value(list).and_then(|list| list.strip_prefix(b"[")) {
            let wrapper = Some(*path);
            return inside(first.trim_ascii_start(), Framing::Values { wrapper }, texts);
        }
        let wrapper = Some(*name);
        inside(answer, Framing::Values { wrapper }, texts)
    })
}

/// The format of the records in the list that an object has under one of the usual names.
fn wrapped(object: &JsonObject<'_>, texts: &[&str]) -> Option<(Format, Framing)> {
    WRAPPERS.iter().find_map(|wrapper| {
        let list = object.value(wrapper)?.strip_prefix(b"[")?;
        let is_between = |b: &u8| b.is_ascii_whitespace() || b",nul".contains(b);
        let first = list.iter().position(|b| !is_between(b))?;
        let wrapper = Some(*wrapper);
        inside(&list[first..], Framing::Values { wrapper }, texts)
    })
}

/// The format of the records that are an object's fields.
fn mapped(object: &JsonObject<'_>, texts: &[&str]) -> Option<(Format, Framing)> {
    let is_map = object.values().all(|(_, value)| value[0] == b'{');
    let (_, first) = object.values().next().filter(|_| is_map)?;
    inside(first, Framing::Map, texts)
}

/// The format of the record at the start of `bytes`, which may not wrap others in turn.
fn inside(bytes: &[u8], framing: Framing, texts: &[&str]) -> Option<(Format, Framing)> {
    let record = bytes.starts_with(b"{").then_some(bytes)?;
    Some((of_record(&JsonObject::new(record, texts))?, framing))
}

/// Whether no record of a dump that begins so has a title.
pub(crate) fn is_untitled(start: &[u8]) -> bool {
    let mut at = 0;
    while let Some(gap) = start[at..].iter().position(|&byte| byte == b'"') {
        let from = at + gap;
        at = from + string_bytes(&start[from..]);
        let is_name = start[at..].trim_ascii_start().starts_with(b":");
        let name = start.get(from + 1..at - 1).unwrap_or(b"");
        if is_name && TITLES.contains(&&*plain_key(&String::from_utf8_lossy(name))) {
            return false;
        }
    }
    true
}
