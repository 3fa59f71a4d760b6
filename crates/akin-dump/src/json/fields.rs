//! The fields of a JSON object that a reader asks for, by their plain names; all others are passed
//! over without being kept.
//!
//! Names are compared without case and separators ([`plain_key`]). Values are taken in any readable
//! form: a text alone, or in a list.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::keys::plain_key;

/// The fields of an object.
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Reads the fields of these plain names.
    pub(crate) fn parse(json: &str, names: &[&str]) -> serde_json::Result<Fields> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let fields = WantedFields(names).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(fields)
    }

    /// The first field of this name that is not null.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let mut named = self.0.iter().filter(|(known, _)| known == name);
        let (_, value) = named.find(|(_, value)| !value.is_null())?;
        Some(value)
    }

    /// The first text of the first of the fields `names` that has one.
    pub(crate) fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| text(self.get(name)?))
    }

    /// A text or a number, as it would be written.
    pub(crate) fn spelling(&self, name: &str) -> Option<Cow<'_, str>> {
        spelling(self.get(name)?)
    }

    /// The elements of a list; of anything else, itself.
    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.get(name).map(list).unwrap_or_default()
    }
}

/// The elements of a list; of anything else, itself.
pub(crate) fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        Value::Null => &[],
        other => std::slice::from_ref(other),
    }
}

/// A text that is not blank, or the first one of a list.
pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
        Value::Array(list) => list.iter().find_map(text),
        _ => None,
    }
}

/// A text or a number, as it would be written.
pub(crate) fn spelling(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        other => text(other).map(Cow::Borrowed),
    }
}

struct WantedFields<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for WantedFields<'_> {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WantedFields<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            let name = plain_key(&key);
            if self.0.contains(&&*name) {
                fields.push((name, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_any_form() {
        let json =
            r#"{"DOI":" 10.1/x","container-title":["","J"],"n":5,"title":null,"Title":"t","x":{}}"#;
        let names = ["doi", "containertitle", "n", "title"];
        let fields = Fields::parse(json, &names).expect("an object");
        assert_eq!(fields.text(&["y", "containertitle"]), Some("J"));
        assert_eq!(fields.spelling("n").as_deref(), Some("5"));
        assert_eq!(fields.text(&["title"]), Some("t"));
        assert_eq!(fields.list("containertitle").len(), 2);
        assert_eq!(fields.list("n").len(), 1);
        assert!(fields.get("x").is_none());
        assert!(Fields::parse("[]", &names).is_err());
        assert!(Fields::parse("{} x", &names).is_err());
    }
}
