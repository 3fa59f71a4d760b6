//! Lists and objects as programs print them into a cell: Python's `['a', "b's"]` and
//! `[{'name': 'a'}]`, numpy's lists without commas, R's `c("a", "b")`, the sets of PostgreSQL, JSON.
//!
//! In: a text. Out: the same as JSON, or nothing if it is neither a list nor an object. An
//! unescaped apostrophe is text if no quote could close there.

use serde_json::{Map, Value};

/// Lists in lists that are followed.
const MAX_DEPTH: usize = 16;

/// What R, numpy and Python write before a list.
const CALLS: [&str; 5] = ["array(", "list(", "tuple(", "set(", "c("];

/// Reads a list or an object; `None` if a text is neither.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut reader = LiteralReader { text, at: 0 };
    reader.skip_spaces();
    let is_begun = reader.rest().starts_with(['[', '(', '{']) || reader.call().is_some();
    let value = is_begun.then(|| reader.value(0)).flatten()?;
    reader.skip_spaces();
    reader.rest().is_empty().then_some(value)
}

struct LiteralReader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> LiteralReader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn takes(&mut self, wanted: char) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.at += wanted.len_utf8();
        }
        is_there
    }

    fn call(&self) -> Option<&'static str> {
        CALLS.into_iter().find(|call| self.rest().starts_with(call))
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip_spaces();
        if let Some(call) = self.call() {
            self.at += call.len();
            let list = self.list(')', depth)?;
            // `array([…], dtype=object)`, and `list([…])`.
            let inner = list.iter().find(|value| value.is_array()).cloned();
            return Some(inner.unwrap_or(Value::Array(list)));
        }
        let first = self.rest().chars().next()?;
        let closing = match first {
            '[' => ']',
            '(' => ')',
            '{' => return self.braced(depth),
            '\'' | '"' => return self.string().map(Value::String),
            _ => return self.bare(),
        };
        self.at += 1;
        self.list(closing, depth).map(Value::Array)
    }

    /// The values up to a closing bracket, separated by commas or, as in numpy, by spaces.
    fn list(&mut self, closing: char, depth: usize) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            if self.takes(closing) {
                return Some(values);
            }
            values.push(self.value(depth + 1)?);
            self.skip_spaces();
            let is_apart = self.takes(',');
            if !is_apart && !self.rest().starts_with([closing, '\'', '"', '[', '(', '{']) {
                return None;
            }
        }
    }

    /// An object, or a set, which is a list.
    fn braced(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let begin = self.at;
        self.skip_spaces();
        if self.takes('}') {
            return Some(Value::Object(Map::new()));
        }
        let mut object = Map::new();
        loop {
            self.skip_spaces();
            if !object.is_empty() && self.takes('}') {
                return Some(Value::Object(object));
            }
            let name = self.value(depth + 1)?;
            self.skip_spaces();
            if !self.takes(':') {
                self.at = begin;
                let is_set = object.is_empty();
                return is_set
                    .then(|| self.list('}', depth))
                    .flatten()
                    .map(Value::Array);
            }
            let value = self.value(depth + 1)?;
            if let Value::String(name) = name {
                object.insert(name, value);
            }
            self.skip_spaces();
            if !self.takes(',') && !self.rest().starts_with('}') {
                return None;
            }
        }
    }

    /// A number, `None`, `true`, `nan`, `dtype=object`, or a string with a letter before its quote.
    fn bare(&mut self) -> Option<Value> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "+-._=".contains(c)))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if matches!(word, "u" | "b" | "r") && rest[end..].starts_with(['\'', '"']) {
            self.at += end;
            return self.string().map(Value::String);
        }
        let is_known = matches!(
            word,
            "None" | "null" | "NULL" | "nan" | "NaN" | "NA" | "NA_character_" | "dtype=object"
        );
        let value = match word {
            "True" | "true" | "TRUE" => Value::Bool(true),
            "False" | "false" | "FALSE" => Value::Bool(false),
            _ if is_known => Value::Null,
            _ => serde_json::from_str(word).ok()?,
        };
        self.at += end;
        Some(value)
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<String> {
        let quote = self.rest().chars().next()?;
        self.at += 1;
        let mut string = String::new();
        loop {
            let c = self.rest().chars().next()?;
            self.at += c.len_utf8();
            if c == '\\' {
                self.escape(&mut string)?;
            } else if c == quote && self.is_closed() {
                return Some(string);
            } else {
                string.push(c);
            }
        }
    }

    /// Whether the text after a quote can follow a string.
    fn is_closed(&self) -> bool {
        let rest = self.rest();
        let next = rest.trim_start().chars().next();
        let is_spaced = rest.starts_with(char::is_whitespace);
        match next {
            None | Some(',' | ']' | ')' | '}' | ':') => true,
            Some('\'' | '"') => is_spaced,
            _ => false,
        }
    }

    /// The character after a backslash.
    fn escape(&mut self, string: &mut String) -> Option<()> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        let n_digits = match c {
            'n' | 't' | 'r' => {
                string.push(' ');
                return Some(());
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            other => {
                string.push(other);
                return Some(());
            }
        };
        let code = self.rest().get(..n_digits);
        let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            Some(named) => {
                string.push(named);
                self.at += n_digits;
            }
            None => string.push(c),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_every_maker_are_read() {
        let check = |text: &str, expected: Value| assert_eq!(parse(text), Some(expected), "{text}");
        check(r#"['a', "b's", u'c']"#, json!(["a", "b's", "c"]));
        check(
            r#" ["a", "b\u00e9", "\"c\""] "#,
            json!(["a", "bé", "\"c\""]),
        );
        check(r"['O\'Neil, A',]", json!(["O'Neil, A"]));
        check("['O'Neil, A', 'B']", json!(["O'Neil, A", "B"]));
        check("['a' 'b'\n 'c']", json!(["a", "b", "c"]));
        check("('a',)", json!(["a"]));
        check("{'b', 'a'}", json!(["b", "a"]));
        check(r#"{"Doe, J","Roe"}"#, json!(["Doe, J", "Roe"]));
        check(r#"c("a", "b")"#, json!(["a", "b"]));
        check("array(['a', 'b'], dtype=object)", json!(["a", "b"]));
        check(
            "[{'name': 'a', 'n': 1, 'x': None}, {'name': nan}]",
            json!([{"name": "a", "n": 1, "x": null}, {"name": null}]),
        );
        check("[['a', 'b'], []]", json!([["a", "b"], []]));
        check("[]", json!([]));
        check("{}", json!({}));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for text in [
            "",
            "a",
            "'a'",
            "[a, b]",
            "['a'",
            "['a' b]",
            "(1) A. B",
            "{'a': 1, 'b'}",
            "['a'] x",
            "1",
            "c",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
        assert_eq!(parse(&"{".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[({'\"\\\\,: a-cux0é\\])}]{0,40}") {
            let _ = parse(&text);
        }
    }
}
