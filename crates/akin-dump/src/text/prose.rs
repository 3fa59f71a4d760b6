//! Texts in JSON values: fields for text that hold a list or a number.
//!
//! In: a value. Out: the text, borrowed if it was a string. Lists are joined by spaces, like an
//! abstract's separate paragraphs.

use std::borrow::Cow;

use serde_json::Value;

use super::whole_number;

/// The text or the number as text; of a list all its texts, of an object its `text`. `None` if
/// there is none of these.
pub(crate) fn of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(whole_number::spelling(number))),
        Value::Array(list) => joined(list),
        Value::Object(object) => of(object.get("text")?),
        Value::Null | Value::Bool(_) => None,
    }
}

fn joined(list: &[Value]) -> Option<Cow<'_, str>> {
    let texts: Vec<_> = list.iter().filter_map(of).collect();
    let is_empty = list.iter().all(Value::is_null);
    (is_empty || !texts.is_empty()).then(|| Cow::Owned(texts.join(" ")))
}

/// A value, verbatim, for display.
pub(crate) fn shown(value: &Value) -> Cow<'_, str> {
    of(value).unwrap_or_else(|| match value {
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_a_text_a_number_or_a_list_of_them() {
        let check = |value: Value, expected: Option<&str>| {
            assert_eq!(of(&value).as_deref(), expected, "{value}");
        };
        check(json!("a"), Some("a"));
        check(json!(1984), Some("1984"));
        check(json!(1984.0), Some("1984"));
        check(json!(["First.", null, "Second."]), Some("First. Second."));
        check(
            json!([{"section": "x", "text": "First."}, 2]),
            Some("First. 2"),
        );
        check(json!([]), Some(""));
        check(json!([null]), Some(""));
        for other in [json!(null), json!(true), json!({"a": 1}), json!([true, {}])] {
            check(other, None);
        }
    }
}
