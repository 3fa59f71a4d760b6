//! Values of JSON records, read without failing on their type and borrowed where possible.
//!
//! A record whose `doi` is a number or whose `comments` is a list is still a paper. The type is
//! checked where the field is used ([`ScalarField::prose`] against [`ScalarField::text`]).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, Deserializer, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use crate::ignored::{self, Notes};
use crate::reject::Rejection;
use crate::text::whole_number;

/// One scalar of a record; `null` is missing.
#[derive(Debug, Default)]
pub(crate) enum ScalarField<'a> {
    #[default]
    Missing,
    Text(Cow<'a, str>),
    /// A number, as it would be written.
    Number(String),
    /// The texts of a list, with spaces between, or the `text` of an object.
    Prose(String),
    /// Something else, as a description.
    Other(&'static str),
}

impl ScalarField<'_> {
    /// The text, or nothing if this is anything else.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            ScalarField::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text or the number as text.
    pub(crate) fn spelling(&self) -> Option<&str> {
        match self {
            ScalarField::Text(text) => Some(text),
            ScalarField::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The text or the number as text, of a list all its texts.
    pub(crate) fn prose(&self) -> Option<&str> {
        match self {
            ScalarField::Prose(text) => Some(text),
            other => other.spelling(),
        }
    }

    /// The same, empty if the field is missing; a [`Rejection::WrongType`] if it is anything else.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, Rejection> {
        match self {
            ScalarField::Missing => Ok(""),
            ScalarField::Other(found) => Err(Rejection::WrongType { field: name, found }),
            other => Ok(other.prose().unwrap_or("")),
        }
    }

    /// The same, or a note of what the field holds instead.
    pub(crate) fn prose_or_note(&self, part: ignored::Part, notes: &mut Notes) -> Option<&str> {
        notes.unless(self.prose(), part, self.shown())
    }

    /// What the field holds, as a description if it is not text; `None` if the field is missing.
    pub(crate) fn shown(&self) -> Option<&str> {
        match self {
            ScalarField::Other(found) => Some(found),
            other => other.prose(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ScalarField<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for FieldVisitor<'a> {
    type Value = ScalarField<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<ScalarField<'a>, E> {
        Ok(ScalarField::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<ScalarField<'a>, E> {
        Ok(ScalarField::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<ScalarField<'a>, E> {
        Ok(ScalarField::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<ScalarField<'a>, E> {
        Ok(ScalarField::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<ScalarField<'a>, E> {
        let whole = whole_number::whole(number);
        Ok(ScalarField::Number(
            whole.unwrap_or_else(|| number.to_string()),
        ))
    }

    fn visit_bool<E>(self, _: bool) -> Result<ScalarField<'a>, E> {
        Ok(ScalarField::Other("true or false"))
    }

    fn visit_unit<E>(self) -> Result<ScalarField<'a>, E> {
        Ok(ScalarField::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ScalarField<'a>, A::Error> {
        let mut texts: Vec<String> = Vec::new();
        let mut is_other = false;
        while let Some(item) = seq.next_element::<ScalarField<'_>>()? {
            texts.extend(item.prose().map(str::to_owned));
            is_other |= matches!(item, ScalarField::Other(_));
        }
        Ok(match texts.is_empty() {
            true if is_other => ScalarField::Other("a list"),
            true => ScalarField::Missing,
            false => ScalarField::Prose(texts.join(" ")),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScalarField<'a>, A::Error> {
        let mut field = ScalarField::Other("an object");
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if key != "text" {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(text) = map.next_value::<ScalarField<'_>>()?.prose() {
                field = ScalarField::Prose(text.to_owned());
            }
        }
        Ok(field)
    }
}

/// The elements of a list; anything else counts as a list of one.
#[derive(Debug)]
pub(crate) struct Items<T>(pub(crate) Vec<T>);

impl<T> Default for Items<T> {
    fn default() -> Items<T> {
        Items(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemsVisitor(PhantomData))
    }
}

struct ItemsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ItemsVisitor<T> {
    type Value = Items<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Items(items))
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Items<T>, E> {
        let text = serde::de::value::BorrowedStrDeserializer::new(text);
        T::deserialize(text).map(|item| Items(vec![item]))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Items<T>, E> {
        T::deserialize(text.into_deserializer()).map(|item| Items(vec![item]))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Items<T>, E> {
        T::deserialize(number.into_deserializer()).map(|item| Items(vec![item]))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Items<T>, E> {
        T::deserialize(number.into_deserializer()).map(|item| Items(vec![item]))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Items<T>, E> {
        T::deserialize(number.into_deserializer()).map(|item| Items(vec![item]))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Items<T>, E> {
        T::deserialize(value.into_deserializer()).map(|item| Items(vec![item]))
    }

    fn visit_unit<E>(self) -> Result<Items<T>, E> {
        Ok(Items::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Items<T>, A::Error> {
        let item = serde::de::value::MapAccessDeserializer::new(map);
        T::deserialize(item).map(|item| Items(vec![item]))
    }
}

/// An object; anything else counts as one without fields.
#[derive(Debug, Default)]
pub(crate) struct ObjectPart<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for ObjectPart<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor(PhantomData))
    }
}

struct PartVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for PartVisitor<T> {
    type Value = ObjectPart<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ObjectPart<T>, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(ObjectPart)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ObjectPart<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(ObjectPart::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<ObjectPart<T>, E> {
        Ok(ObjectPart::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<ObjectPart<T>, E> {
        Ok(ObjectPart::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<ObjectPart<T>, E> {
        Ok(ObjectPart::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<ObjectPart<T>, E> {
        Ok(ObjectPart::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<ObjectPart<T>, E> {
        Ok(ObjectPart::default())
    }

    fn visit_unit<E>(self) -> Result<ObjectPart<T>, E> {
        Ok(ObjectPart::default())
    }
}

/// One object in a list, or one text: `{"name": …}` and `"…"` both occur for authors and versions.
#[derive(Debug)]
pub(crate) struct ListEntry<'a> {
    /// The text itself, or the object's `name`, `version` or `fullname`; else a description of the
    /// value.
    pub(crate) name: ScalarField<'a>,
    /// The object's `created`.
    pub(crate) created: ScalarField<'a>,
    /// The object's `hidden` is true.
    pub(crate) hidden: bool,
}

impl ListEntry<'_> {
    /// An author's name as spelt, or a note of what is not a name.
    pub(crate) fn written(&self, notes: &mut Notes) -> Option<&str> {
        notes.unless(self.name.text(), ignored::Part::Author, self.name.shown())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ListEntry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor(PhantomData))
    }
}

struct EntryVisitor<'a>(PhantomData<&'a str>);

impl<'a> EntryVisitor<'a> {
    fn only(name: ScalarField<'a>) -> ListEntry<'a> {
        ListEntry {
            name,
            created: ScalarField::Missing,
            hidden: false,
        }
    }
}

impl<'de: 'a, 'a> Visitor<'de> for EntryVisitor<'a> {
    type Value = ListEntry<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<ListEntry<'a>, E> {
        Ok(Self::only(ScalarField::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<ListEntry<'a>, E> {
        Ok(Self::only(ScalarField::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ListEntry<'a>, A::Error> {
        let mut entry = Self::only(ScalarField::Other("an object"));
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match key.as_ref() {
                "name" | "version" | "fullname" => entry.name = map.next_value()?,
                "created" => entry.created = map.next_value()?,
                "hidden" => {
                    entry.hidden = matches!(map.next_value()?, serde_json::Value::Bool(true))
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(entry)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ListEntry<'a>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::only(ScalarField::Other("a list")))
    }

    fn visit_u64<E>(self, _: u64) -> Result<ListEntry<'a>, E> {
        Ok(Self::only(ScalarField::Other("a number")))
    }

    fn visit_i64<E>(self, _: i64) -> Result<ListEntry<'a>, E> {
        Ok(Self::only(ScalarField::Other("a number")))
    }

    fn visit_f64<E>(self, _: f64) -> Result<ListEntry<'a>, E> {
        Ok(Self::only(ScalarField::Other("a number")))
    }

    fn visit_bool<E>(self, _: bool) -> Result<ListEntry<'a>, E> {
        Ok(Self::only(ScalarField::Other("true or false")))
    }

    fn visit_unit<E>(self) -> Result<ListEntry<'a>, E> {
        Ok(Self::only(ScalarField::Missing))
    }
}

/// A text, borrowed where possible, or any other value.
#[derive(Debug)]
pub(crate) enum Written<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// Anything else; null if there is nothing.
    Other(serde_json::Value),
}

impl Default for Written<'_> {
    fn default() -> Self {
        Written::Other(serde_json::Value::Null)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Written<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor(PhantomData))
    }
}

struct WrittenVisitor<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for WrittenVisitor<'a> {
    type Value = Written<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Written<'a>, E> {
        Ok(Written::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Written<'a>, E> {
        Ok(Written::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Written<'a>, A::Error> {
        let list = serde::de::value::SeqAccessDeserializer::new(seq);
        serde_json::Value::deserialize(list).map(Written::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written<'a>, A::Error> {
        let object = serde::de::value::MapAccessDeserializer::new(map);
        serde_json::Value::deserialize(object).map(Written::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Written<'a>, E> {
        Ok(Written::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Written<'a>, E> {
        Ok(Written::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Written<'a>, E> {
        Ok(Written::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Written<'a>, E> {
        Ok(Written::default())
    }

    fn visit_unit<E>(self) -> Result<Written<'a>, E> {
        Ok(Written::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let field: ScalarField<'_> = serde_json::from_str(json).expect("JSON");
        let shown = match &field {
            ScalarField::Text(Cow::Borrowed(text)) => format!("borrowed {text}"),
            ScalarField::Text(Cow::Owned(text)) => format!("owned {text}"),
            other => format!("{other:?}"),
        };
        assert_eq!(shown, expected, "{json}");
    }

    #[test]
    fn a_field_takes_any_value() {
        check(r#""plain""#, "borrowed plain");
        check(r#""a\nb""#, "owned a\nb");
        check("704.0001", "Number(\"704.0001\")");
        check("42", "Number(\"42\")");
        check("-7", "Number(\"-7\")");
        check("null", "Missing");
        check("true", "Other(\"true or false\")");
        check("95000001.0", "Number(\"95000001\")");
        check(r#"[true, {"a": []}]"#, "Other(\"a list\")");
        check(r#"[null, []]"#, "Missing");
        check(
            r#"["a b", 7, null, {"text": ["c", {"x": 1}]}]"#,
            "Prose(\"a b 7 c\")",
        );
        check(r#"{"a": [1]}"#, "Other(\"an object\")");
    }

    #[test]
    fn a_list_takes_any_value() {
        let len = |json| {
            serde_json::from_str::<Items<ScalarField<'_>>>(json)
                .map(|items| items.0.len())
                .ok()
        };
        assert_eq!(len(r#"["a", 1, null]"#), Some(3));
        assert_eq!(len(r#""a""#), Some(1));
        assert_eq!(len(r#""a\n""#), Some(1));
        assert_eq!(len("null"), Some(0));
        for json in ["1", "-1", "1.5", "true", r#"{"a": 1}"#] {
            assert_eq!(len(json), Some(1), "{json}");
        }
    }

    #[test]
    fn an_entry_is_an_object_or_a_text() {
        let json = r#"["A", {"name": "B", "hidden": true}, {"version": "v1", "created": "2007"}, [1], 2, null]"#;
        let entries: Items<ListEntry<'_>> = serde_json::from_str(json).expect("JSON");
        let names: Vec<_> = entries.0.iter().map(|entry| entry.name.text()).collect();
        assert_eq!(names, [Some("A"), Some("B"), Some("v1"), None, None, None]);
        assert!(entries.0[1].hidden);
        assert_eq!(entries.0[2].created.text(), Some("2007"));
    }
}
