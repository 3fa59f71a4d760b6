//! The part of a JSON object that a format is recognised by: the names of its fields and the first
//! bytes of their values.
//!
//! The object may be truncated anywhere: only the start of a dump is examined.

use super::keys::plain_key;

/// An object, perhaps cut.
pub(crate) struct JsonObject<'a> {
    bytes: &'a [u8],
    /// The fields, each with the place of its value in `bytes`.
    fields: Vec<(String, usize)>,
    /// Fields that may be a record's text if it has no title.
    texts: &'a [&'a str],
}

impl<'a> JsonObject<'a> {
    pub(crate) fn new(bytes: &'a [u8], texts: &'a [&'a str]) -> JsonObject<'a> {
        JsonObject {
            bytes,
            fields: fields(bytes),
            texts,
        }
    }

    /// The fields, each with the bytes from its value on.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &'a [u8])> {
        let fields = self.fields.iter();
        fields.map(|(name, at)| (name.as_str(), &self.bytes[*at..]))
    }

    /// The bytes from the value of a field on.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let found = self.values().find(|(field, _)| *field == name);
        found.map(|(_, value)| value)
    }

    /// The first byte of a field's value.
    pub(crate) fn kind(&self, name: &str) -> Option<u8> {
        self.value(name).map(|value| value[0])
    }

    /// Whether there is a field of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.kind(name).is_some()
    }

    /// Whether there is a field of any of these names, in any spelling.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|(field, _)| names.contains(&&*plain_key(field)))
    }

    /// Whether there is a text that can be a record's if it has no title.
    pub(crate) fn has_plain_text(&self) -> bool {
        self.has_any(self.texts)
    }
}

/// The fields of the object at the start of `bytes`, each with the position of its value. If the
/// object is truncated or broken, those that are there.
pub(crate) fn fields(bytes: &[u8]) -> Vec<(String, usize)> {
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
                    // Columns of a table whose BOM became part of the first name.
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
pub(crate) fn string_bytes(bytes: &[u8]) -> usize {
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
