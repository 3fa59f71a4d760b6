//! What a dump of JSON is, told from the fields of its first record that can be read, and how its
//! records are framed: lines, values, the list or the map that an object holds.
//!
//! In: the start of a dump. Out: its [`Format`] and [`Framing`]. Only names of fields and the first
//! bytes of their values are looked at, so the start may be cut anywhere.

use super::json;
use super::json_record::{IDS, PLAIN_TEXT, PLAIN_TEXTS, TITLES, plain_key};
use super::sniff::{Format, Framing};

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

/// Answers that hold their records one object deeper: the name of that object, of the list in it,
/// and both.
const ANSWERS: [(&str, &str, &str); 2] = [
    ("message", "items", "message.items"),
    ("resultList", "result", "resultList.result"),
];

/// Types of CSL that are nobody else's.
const CSL_TYPES: [&str; 7] = [
    "article-journal",
    "article-magazine",
    "article-newspaper",
    "entry-encyclopedia",
    "paper-conference",
    "post-weblog",
    "chapter",
];

/// The format of a text that is JSON, told by the fields of the first record that can be read.
pub(super) fn json(text: &[u8], complete: bool) -> Option<(Format, Framing)> {
    told(text, complete, &[PLAIN_TEXT]).or_else(|| {
        let is_json = text.starts_with(b"{") || text.starts_with(b"[");
        let is_untitled = is_json && is_untitled(text);
        is_untitled.then(|| told(text, complete, &PLAIN_TEXTS))?
    })
}

/// The same, where records without a title have one of the fields `texts`.
fn told(text: &[u8], complete: bool, texts: &[&str]) -> Option<(Format, Framing)> {
    let by_fields = |object, framing| by_fields(object, framing, texts);
    let mut lines = text.split(|&byte| byte == b'\n').peekable();
    let first = *lines.peek()?;
    let mut others = lines.clone().skip(1);
    let goes_on = others.any(|line| !line.trim_ascii().is_empty());
    // An array that is whole in its line is a line of its own, if others follow.
    let is_array = text.starts_with(b"[") && !(json::is_value(first) && goes_on);
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
        && !json::is_value(lines.peek()?)
        && let Some(found) = by_fields(text, Framing::Lines)
        && found.1 != Framing::Lines
    {
        return Some(found);
    }
    while let Some(line) = lines.next() {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let cut = lines.peek().is_none() && !complete;
        if line.starts_with(b"{")
            && (cut || json::is_value(line))
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
pub(super) fn is_empty_list(text: &[u8]) -> bool {
    let after = |bytes: &[u8]| {
        let list = bytes.strip_prefix(b"[")?.trim_ascii_start();
        list.first().copied()
    };
    if !json::is_value(text) {
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

/// Whether no record of a dump that begins so has a title.
pub(super) fn is_untitled(start: &[u8]) -> bool {
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

/// The format that an object of these fields is of, or the records that it wraps.
fn by_fields(object: &[u8], framing: Framing, texts: &[&str]) -> Option<(Format, Framing)> {
    let fields = fields(object);
    let kind = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, at)| object[*at])
    };
    if kind("papers") == Some(b'[') && kind("title").is_none() {
        let wrapper = Some("papers");
        return Some((Format::HfDailyScrape, Framing::Values { wrapper }));
    }
    let format = of_fields(object, &fields, texts, kind);
    format
        .map(|format| (format, framing))
        .or_else(|| wrapped(object, &fields, texts))
        .or_else(|| answered(object, &fields, texts))
        .or_else(|| mapped(object, &fields, texts))
}

/// The format of a record with these fields, each with its place in the object; `kind` is the
/// first byte of a field's value.
fn of_fields(
    object: &[u8],
    fields: &[(String, usize)],
    texts: &[&str],
    kind: impl Fn(&str) -> Option<u8>,
) -> Option<Format> {
    let has = |name: &str| kind(name).is_some();
    let has_any = |names: &[&str]| {
        let plain = |(field, _): &(String, usize)| names.contains(&&*plain_key(field));
        fields.iter().any(plain)
    };
    let has_title = has_any(&TITLES);
    let is_openalex = |(field, at): &(String, usize)| {
        field == "id" && object[*at..].starts_with(b"\"https://openalex.org/W")
    };
    let format = if kind("paper") == Some(b'{') {
        Format::HfDailyApi
    } else if has("abstract_inverted_index") || fields.iter().any(is_openalex) {
        Format::OpenAlex
    } else if is_semantic_scholar(&kind) {
        Format::SemanticScholar
    } else if is_crossref(&kind) {
        Format::Crossref
    } else if is_europe_pmc(&kind) {
        Format::EuropePmc
    } else if is_csl(object, fields, &kind) {
        Format::CslJson
    } else if !has_title {
        let is_plain_text = has_any(&IDS) && has_any(texts);
        return is_plain_text.then_some(Format::JsonRecords);
    } else if has("authorships") {
        Format::OpenAlex
    } else if has("summary")
        && (has("submittedOnDailyAt") || (has("publishedAt") && has("upvotes")))
    {
        Format::HfDailyApi
    } else if has("_id") && has("text") {
        Format::Beir
    } else if has("summary") && has("categories") && (has("abs") || has("pdf")) {
        Format::ArxivDaily
    } else if has("id")
        && has("abstract")
        && (kind("categories") == Some(b'"') || has("authors_parsed"))
    {
        Format::ArxivSnapshot
    } else {
        Format::JsonRecords
    };
    Some(format)
}

/// Whether these are fields of Semantic Scholar's: of its data sets, its API, S2ORC, its corpus.
fn is_semantic_scholar(kind: &impl Fn(&str) -> Option<u8>) -> bool {
    let has = |name: &str| kind(name).is_some();
    let has_any = |names: &[&str]| names.iter().any(|name| has(name));
    let of_s2orc = ["mag_id", "s2_url", "mag_field_of_study", "has_pdf_parse"];
    (has("corpusid") && has_any(&["title", "abstract"]))
        || (has("paperId") && has("title"))
        || (has("title") && has_any(&["paperAbstract", "externalIds", "externalids"]))
        || (has("paper_id") && has("title") && has_any(&of_s2orc))
        || ["citingPaper", "citedPaper"]
            .iter()
            .any(|name| kind(name) == Some(b'{'))
}

/// Whether these are fields of a work of Crossref's.
fn is_crossref(kind: &impl Fn(&str) -> Option<u8>) -> bool {
    let has_list = |name: &str| kind(name) == Some(b'[');
    let of_crossref = ["is-referenced-by-count", "reference-count", "deposited"];
    kind("DOI").is_some()
        && (has_list("title")
            || has_list("container-title")
            || of_crossref.iter().any(|name| kind(name).is_some()))
}

/// Whether these are fields of a result of Europe PMC's.
fn is_europe_pmc(kind: &impl Fn(&str) -> Option<u8>) -> bool {
    let of_europe_pmc = ["authorString", "authorList", "journalInfo", "abstractText"];
    ["id", "source", "title"]
        .iter()
        .all(|name| kind(name) == Some(b'"'))
        && of_europe_pmc.iter().any(|name| kind(name).is_some())
}

/// Whether these are fields of an item of CSL-JSON: names that only it has, one of its types, or
/// authors as it writes them.
fn is_csl(object: &[u8], found: &[(String, usize)], kind: &impl Fn(&str) -> Option<u8>) -> bool {
    let at = |name: &str| {
        let field = found.iter().find(|(field, _)| field == name);
        field.map(|(_, at)| &object[*at..])
    };
    let is_of_type = |kind: &&str| {
        let value = at("type").and_then(|value| value.strip_prefix(b"\""));
        let after = value.and_then(|value| value.strip_prefix(kind.as_bytes()));
        after.is_some_and(|after| after.starts_with(b"\""))
    };
    let has_people = || {
        let first = at("author").and_then(|list| list.strip_prefix(b"["));
        let first = first.map(|first| fields(first.trim_ascii_start()));
        let mut names = first.into_iter().flatten();
        kind("type").is_some() && names.any(|(name, _)| name == "family" || name == "literal")
    };
    kind("title") == Some(b'"')
        && (kind("issued") == Some(b'{')
            || kind("container-title").is_some()
            || CSL_TYPES.iter().any(is_of_type)
            || has_people())
}

/// The format of the records in an answer, which holds them one object deeper, or as that object.
fn answered(
    object: &[u8],
    fields: &[(String, usize)],
    texts: &[&str],
) -> Option<(Format, Framing)> {
    ANSWERS.iter().find_map(|(name, list, path)| {
        let (_, at) = fields.iter().find(|(field, _)| field == name)?;
        let answer = object[*at..].starts_with(b"{").then_some(&object[*at..])?;
        let inner = self::fields(answer);
        let listed = inner.iter().find(|(field, _)| field == list);
        if let Some((_, at)) = listed
            && let Some(first) = answer[*at..].strip_prefix(b"[")
        {
            let wrapper = Some(*path);
            return inside(first.trim_ascii_start(), Framing::Values { wrapper }, texts);
        }
        let wrapper = Some(*name);
        inside(answer, Framing::Values { wrapper }, texts)
    })
}

/// The format of the records in the list that an object has under one of the usual names.
fn wrapped(object: &[u8], fields: &[(String, usize)], texts: &[&str]) -> Option<(Format, Framing)> {
    WRAPPERS.iter().find_map(|wrapper| {
        let (_, at) = fields.iter().find(|(field, _)| field == wrapper)?;
        let list = object[*at..].strip_prefix(b"[")?;
        let is_between = |b: &u8| b.is_ascii_whitespace() || b",nul".contains(b);
        let first = list.iter().position(|b| !is_between(b))?;
        let wrapper = Some(*wrapper);
        inside(&list[first..], Framing::Values { wrapper }, texts)
    })
}

/// The format of the records that are an object's fields.
fn mapped(object: &[u8], fields: &[(String, usize)], texts: &[&str]) -> Option<(Format, Framing)> {
    let is_map = fields.iter().all(|(_, at)| object[*at] == b'{');
    let (_, at) = fields.first().filter(|_| is_map)?;
    inside(&object[*at..], Framing::Map, texts)
}

/// The format of the record at the start of `bytes`, which may not wrap others in turn.
fn inside(bytes: &[u8], framing: Framing, texts: &[&str]) -> Option<(Format, Framing)> {
    let record = bytes.starts_with(b"{").then_some(bytes)?;
    let fields = fields(record);
    let kind = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, at)| record[*at])
    };
    Some((of_fields(record, &fields, texts, kind)?, framing))
}

/// The fields of the object at the start of `bytes`, each with the place of its value; as many as
/// are there if the object is cut or broken.
pub(super) fn fields(bytes: &[u8]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut name: Option<String> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let length = string_bytes(&bytes[at..]);
                let text = String::from_utf8_lossy(&bytes[at + 1..(at + length - 1).max(at + 1)]);
                if depth == 1 && name.is_none() {
                    // Columns of a table whose BOM was taken for a part of the first name.
                    let text = text.strip_prefix("\\ufeff").unwrap_or(&text);
                    name = Some(text.trim_start_matches('\u{feff}').to_owned());
                }
                at += length;
                continue;
            }
            b':' if depth == 1 => {
                let gap = bytes[at + 1..]
                    .iter()
                    .position(|b| !b.is_ascii_whitespace());
                found.extend(name.clone().zip(gap.map(|gap| at + 1 + gap)));
            }
            b',' if depth == 1 => name = None,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return found,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    found
}

/// The bytes of the string at the start of `bytes`, with its quotes, or all if it does not end.
fn string_bytes(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}
