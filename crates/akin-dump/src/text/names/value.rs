//! Authors as JSON has them: a text, a list of texts, of objects or of the pieces of names, an
//! object that holds a list.
//!
//! The objects are those of CSL-JSON, Crossref, Europe PMC, OpenAlex, Semantic Scholar, Zotero,
//! schema.org and of the user's own files. Their fields are compared by their plain names. An
//! editor or a translator does not count as an author if there is another.

use serde_json::{Map, Value};

use super::one::{self, Name, joined, single};
use super::order::Order;
use super::{list, part};
use crate::json::keys::plain_key;
use crate::text::clean::clean;

/// Fields that hold a whole name.
const WHOLE: [&str; 12] = [
    "name",
    "fullname",
    "displayname",
    "literal",
    "collectivename",
    "organization",
    "collaboration",
    "authorname",
    "rawauthorname",
    "text",
    "value",
    "label",
];
/// Fields that hold an author, or a list of authors.
const INNER: [&str; 5] = ["author", "authors", "authorlist", "person", "creator"];
const GIVEN: [&str; 9] = [
    "first",
    "given",
    "firstname",
    "givenname",
    "givennames",
    "forename",
    "forenames",
    "firstnames",
    "initials",
];
const MIDDLE: [&str; 3] = ["middle", "middlename", "middlenames"];
const PARTICLES: [&str; 2] = ["droppingparticle", "nondroppingparticle"];
const FAMILY: [&str; 6] = [
    "last",
    "family",
    "lastname",
    "familyname",
    "surname",
    "keyname",
];
const SUFFIX: [&str; 2] = ["suffix", "generation"];
/// Fields for a person's role.
const ROLE: [&str; 4] = ["creatortype", "contributortype", "contributorrole", "role"];
/// Parts that authors have no share in.
const NO_AUTHOR: [&str; 8] = [
    "bookauthor",
    "compiler",
    "editor",
    "illustrator",
    "revieweditor",
    "seriesauthor",
    "serieseditor",
    "translator",
];

/// Lists in lists that are followed.
const MAX_DEPTH: usize = 4;

/// The names of a list or an object.
pub(super) fn names(value: &Value, depth: usize) -> Vec<Name> {
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    match value {
        Value::String(text) => list::names(text, Order::FamilyFirst),
        Value::Array(list) if is_in_pieces(list, depth) => {
            let pieces: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            part::single(&pieces.join(",")).into_iter().collect()
        }
        Value::Array(list) => {
            let has_author = list.iter().any(is_author);
            let authors = list.iter().filter(|one| !has_author || is_author(one));
            authors.flat_map(|one| names(one, depth + 1)).collect()
        }
        Value::Object(object) => of_object(object, depth),
        _ => Vec::new(),
    }
}

/// Whether a list in a list is one name: `["Lovelace", "Ada", ""]`, as arXiv's snapshot has it.
fn is_in_pieces(list: &[Value], depth: usize) -> bool {
    let is_piece = |piece: &Value| {
        piece
            .as_str()
            .is_some_and(|text| !text.contains([',', ';']))
    };
    let is_whole = |piece: &Value| piece.as_str().is_some_and(|text| text.trim().contains(' '));
    depth > 0
        && (2..=4).contains(&list.len())
        && list.iter().all(is_piece)
        && (list.len() > 2 || !list.iter().all(is_whole))
}

/// Whether an element of a list is an author, if it gives a role.
fn is_author(element: &Value) -> bool {
    let Value::Object(object) = element else {
        return true;
    };
    let object = plain(object);
    let role = field(&object, &ROLE).and_then(Value::as_str);
    role.is_none_or(|role| !NO_AUTHOR.contains(&plain_key(role).as_str()))
}

fn of_object(object: &Map<String, Value>, depth: usize) -> Vec<Name> {
    let object = plain(object);
    let text = |names: &[&str]| {
        let value = field(&object, names);
        value.map(in_one).unwrap_or_default()
    };
    let (given, family) = (text(&GIVEN), text(&FAMILY));
    let whole = field(&object, &WHOLE);
    if !(family.is_empty() || given.is_empty() && whole.is_some()) {
        let particles: Vec<String> = PARTICLES.iter().map(|name| text(&[name])).collect();
        let parts = [
            &given,
            &text(&MIDDLE),
            &particles[0],
            &particles[1],
            &family,
            &text(&SUFFIX),
        ];
        let parts: Vec<&str> = parts.into_iter().map(|part| part.trim()).collect();
        return joined(parts).map(known).into_iter().collect();
    }
    match whole.or_else(|| field(&object, &INNER)) {
        Some(Value::String(name)) => match field(&object, &["literal", "collectivename"]) {
            Some(_) => single(name).map(known).into_iter().collect(),
            None => list::names(name, Order::FamilyFirst),
        },
        Some(inner) => names(inner, depth + 1),
        None => single(&given).map(known).into_iter().collect(),
    }
}

/// A name that is in reading order already.
fn known(text: String) -> Name {
    Name {
        text,
        is_turned: true,
    }
}

/// The fields of an object by their plain names.
fn plain(object: &Map<String, Value>) -> Vec<(String, &Value)> {
    let fields = object.iter().map(|(name, value)| (plain_key(name), value));
    fields.collect()
}

/// The first of the fields `names` that says something.
fn field<'a>(object: &[(String, &'a Value)], names: &[&str]) -> Option<&'a Value> {
    let says_something = |value: &&'a Value| match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(_) => true,
        _ => false,
    };
    names.iter().find_map(|name| {
        let named = object.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| *value).find(says_something)
    })
}

/// A text, or the texts of a list with spaces between.
fn in_one(value: &Value) -> String {
    match value {
        Value::String(text) => clean(one::trim(text)).into_owned(),
        Value::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            clean(&texts.join(" ")).into_owned()
        }
        _ => String::new(),
    }
}
