//! Limits on a `tokenizer.json`: no text becomes a million times as long, no word costs hours, and
//! templates name only tokens that exist.
//!
//! In: the file. Out: the factor by which its replacements can lengthen a text, or the reason why it is
//! refused. Vocabularies are skipped.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Largest factor by which replacements may lengthen a text. In existing models it is at most four: a space
/// becomes `▁`.
const MAX_GROWTH: usize = 64;

/// Replacements and the like, one after another.
const MAX_STEPS: usize = 64;

/// What is put in place of something, or before a text; a token that stands for something.
const MAX_TOKEN_BYTES: usize = 1 << 10;

/// The longest that one character becomes by a table: `ﷺ` becomes 33 bytes.
const MAX_CHARACTER_BYTES: usize = 64;

/// Characters of a word that are looked up: in WordPiece, the time is that of their square. BERT has 100.
const MAX_WORD_CHARS: u64 = 400;

/// What of the file is looked at.
#[derive(Deserialize)]
struct TokenizerFile {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    model: Model,
}

#[derive(Deserialize)]
struct AddedToken {
    content: String,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    max_input_chars_per_word: Option<u64>,
    #[serde(default, rename = "vocab")]
    _vocab: IgnoredAny,
    #[serde(default, rename = "merges")]
    _merges: IgnoredAny,
}

/// Checks a `tokenizer.json` and returns the factor by which it can lengthen a text, not counting Unicode
/// normalisation.
///
/// # Errors
/// Why it is refused.
pub(super) fn growth(json: &[u8]) -> Result<usize, String> {
    let file: TokenizerFile = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    let model = &file.model;
    let added = file.added_tokens.iter().map(|token| &token.content);
    let parts = [
        &model.unk_token,
        &model.continuing_subword_prefix,
        &model.end_of_word_suffix,
    ];
    for token in parts.into_iter().flatten().chain(added) {
        short("a token", token)?;
    }
    if let Some(n) = model
        .max_input_chars_per_word
        .filter(|n| *n > MAX_WORD_CHARS)
    {
        let what = format!("words of {n} characters are to be looked up; {MAX_WORD_CHARS} are");
        return Err(what);
    }
    let mut found = FoundLimits {
        growth: 1,
        n_steps: 0,
        n_byte_levels: 0,
    };
    found.walk(&file.normalizer)?;
    found.walk(&file.pre_tokenizer)?;
    found.processor(&file.post_processor)?;
    Ok(found.growth)
}

fn short(what: &str, text: &str) -> Result<(), String> {
    if text.len() <= MAX_TOKEN_BYTES {
        Ok(())
    } else {
        Err(format!("{what} is {} bytes long", text.len()))
    }
}

/// What was found so far.
struct FoundLimits {
    growth: usize,
    n_steps: usize,
    n_byte_levels: usize,
}

impl FoundLimits {
    /// Looks at normalizers or pre-tokenizers, and at those in them. They are known by what they have, as
    /// some are written without their type.
    fn walk(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Array(parts) => parts.iter().try_for_each(|part| self.walk(part)),
            Value::Object(fields) => {
                self.step(value)?;
                fields.values().try_for_each(|field| self.walk(field))
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, step: &Value) -> Result<(), String> {
        self.n_steps += 1;
        if self.n_steps > MAX_STEPS {
            return Err(format!("it has more than {MAX_STEPS} steps"));
        }
        if step["type"] == "ByteLevel" {
            self.n_byte_levels += 1;
            if self.n_byte_levels > 2 {
                return Err("bytes are made characters more than twice".to_owned());
            }
        }
        if let Some(content) = step["content"].as_str() {
            short("a replacement", content)?;
            let found = step["pattern"]["String"].as_str().map_or(0, str::len);
            // A pattern may find nothing between any two characters.
            let factor = match found {
                0 => 1 + content.len(),
                n => content.len().div_ceil(n).max(1),
            };
            self.growth = self.growth.saturating_mul(factor);
        }
        if let Some(before) = step["prepend"].as_str() {
            short("what is put before a text", before)?;
        }
        if let Some(table) = step["precompiled_charsmap"].as_str() {
            check_table(table)?;
        }
        if self.growth > MAX_GROWTH {
            Err("its replacements make a text more than 64 times as long".to_owned())
        } else {
            Ok(())
        }
    }

    /// Looks at post-processors: a text stands once in what they make of it.
    fn processor(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Array(parts) => parts.iter().try_for_each(|part| self.processor(part)),
            Value::Object(fields) => {
                for (key, most) in [("single", 1), ("pair", 2)] {
                    let pieces = fields.get(key).and_then(Value::as_array);
                    let pieces = pieces.map_or(&[][..], Vec::as_slice);
                    let is_text = |piece: &&Value| piece.get("Sequence").is_some();
                    if pieces.iter().filter(is_text).count() > most {
                        return Err("its template has a text more than once".to_owned());
                    }
                    let known = &fields.get("special_tokens");
                    let mut pieces = pieces.iter();
                    pieces.try_for_each(|piece| check_piece(key, piece, known))?;
                }
                fields.values().try_for_each(|field| self.processor(field))
            }
            Value::String(token) => short("a token of its template", token),
            _ => Ok(()),
        }
    }
}

/// Checks that a piece of a template names a text or a special token that exists.
fn check_piece(key: &str, piece: &Value, known: &Option<&Value>) -> Result<(), String> {
    if key == "single" && piece["Sequence"]["id"] == "B" {
        return Err("its template for one text has a second one".to_owned());
    }
    let Some(id) = piece["SpecialToken"]["id"].as_str() else {
        return Ok(());
    };
    let token = known.and_then(|known| known.get(id)).ok_or_else(|| {
        format!("its template ({key}) has the token {id:?}, which is not among its special_tokens")
    })?;
    let length = |part: &str| token[part].as_array().map_or(0, Vec::len);
    if length("ids") == length("tokens") {
        Ok(())
    } else {
        Err(format!(
            "the special token {id:?} of its template has {} ids and {} tokens",
            length("ids"),
            length("tokens")
        ))
    }
}

/// Checks the longest replacement in a table of characters. The table is base64 of the length of a trie,
/// the trie, and texts that end with a zero.
fn check_table(table: &str) -> Result<(), String> {
    let broken = || "its table of characters is damaged".to_owned();
    let bytes = from_base64(table).ok_or_else(broken)?;
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(broken)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| broken())?;
    let texts = rest.get(length..).ok_or_else(broken)?;
    let longest = texts.split(|byte| *byte == 0).map(<[u8]>::len).max();
    match longest.unwrap_or(0) {
        0..=MAX_CHARACTER_BYTES => Ok(()),
        n => Err(format!("its table makes {n} bytes of one character")),
    }
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let sextet = |byte: u8| {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        Some(u32::from(value))
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut bits = 0;
        for byte in four {
            bits = bits << 6 | sextet(*byte)?;
        }
        let whole = (bits << (6 * (4 - four.len()))).to_be_bytes();
        bytes.extend(&whole[1..four.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a tokenizer with these parts.
    fn check(parts: &str, expected: Result<usize, &str>) {
        let json = format!(r#"{{{parts}"model":{{"type":"WordLevel","vocab":{{"a":0}}}}}}"#);
        let found = growth(json.as_bytes());
        match expected {
            Ok(n) => assert_eq!(found, Ok(n), "{parts}"),
            Err(said) => {
                let error = found.expect_err(parts);
                assert!(error.contains(said), "{parts}: {error}");
            }
        }
    }

    fn replace(pattern: &str, content: &str) -> String {
        format!(r#"{{"type":"Replace","pattern":{pattern},"content":"{content}"}}"#)
    }

    #[test]
    fn a_text_does_not_become_many_times_as_long() {
        let space = replace(r#"{"String":" "}"#, "▁");
        let spaces = replace(r#"{"Regex":" {2,}"}"#, "▁");
        check(&format!(r#""normalizer":{space},"#), Ok(3));
        let both =
            format!(r#""normalizer":{{"type":"Sequence","normalizers":[{space},{spaces}]}},"#);
        check(&both, Ok(12));
        let long = replace(r#"{"String":"a"}"#, &"a".repeat(10_000));
        check(&format!(r#""normalizer":{long},"#), Err("10000 bytes long"));
        let doubled = replace(r#"{"String":"a"}"#, "aa");
        let chain = [doubled.as_str(); 7].join(",");
        let chain = format!(r#""normalizer":{{"type":"Sequence","normalizers":[{chain}]}},"#);
        check(&chain, Err("more than 64 times"));
        // Without its type, as older files have it.
        let untyped = long.replace(r#""type":"Replace","#, "");
        check(
            &format!(r#""normalizer":{untyped},"#),
            Err("10000 bytes long"),
        );
        let before = format!(r#"{{"type":"Prepend","prepend":"{}"}}"#, "▁".repeat(1000));
        check(
            &format!(r#""normalizer":{before},"#),
            Err("put before a text"),
        );
        let levels = [r#"{"type":"ByteLevel"}"#; 20].join(",");
        let levels = format!(r#"{{"type":"Sequence","pretokenizers":[{levels}]}}"#);
        check(
            &format!(r#""pre_tokenizer":{levels},"#),
            Err("more than twice"),
        );
    }

    #[test]
    fn a_word_has_a_length() {
        let model = |n: u64| {
            format!(
                r#"{{"model":{{"type":"WordPiece","vocab":{{"a":0}},"unk_token":"a",
                "continuing_subword_prefix":"{}","max_input_chars_per_word":{n}}}}}"#,
                "#".repeat(usize::try_from(n).unwrap() * 10)
            )
        };
        assert_eq!(growth(model(100).as_bytes()), Ok(1));
        let said = growth(model(200).as_bytes()).expect_err("a long prefix");
        assert!(said.contains("a token is 2000 bytes long"), "{said}");
        let long = model(100).replace(":100}", ":1000000000}");
        let said = growth(long.as_bytes()).expect_err("long words");
        assert!(said.contains("words of 1000000000 characters"), "{said}");
    }

    #[test]
    fn a_template_has_a_text_once() {
        let text = r#"{"Sequence":{"id":"A","type_id":0}}"#;
        let template = |n: usize| {
            let texts = vec![text; n].join(",");
            format!(r#""post_processor":{{"type":"TemplateProcessing","single":[{texts}]}},"#)
        };
        check(&template(1), Ok(1));
        check(&template(2), Err("more than once"));
    }

    #[test]
    fn a_template_names_what_is_there() {
        let check = |single: &str, pair: &str, tokens: &str, expected: Result<usize, &str>| {
            let template = format!(
                r#""post_processor":{{"type":"Sequence","processors":[{{"type":"TemplateProcessing",
                "single":[{single}],"pair":[{pair}],"special_tokens":{{{tokens}}}}}]}},"#
            );
            check(&template, expected);
        };
        let first = r#"{"Sequence":{"id":"A","type_id":0}}"#;
        let second = r#"{"Sequence":{"id":"B","type_id":0}}"#;
        let start = r#"{"SpecialToken":{"id":"[CLS]","type_id":0}}"#;
        let known = r#""[CLS]":{"id":"[CLS]","ids":[0],"tokens":["[CLS]"]}"#;
        let (one, both) = (
            format!("{start},{first}"),
            format!("{start},{first},{second}"),
        );
        check(&one, &both, known, Ok(1));
        let unknown = "(single) has the token \"[CLS]\", which is not among its special_tokens";
        check(&one, first, "", Err(unknown));
        check(first, &both, "", Err("(pair) has the token"));
        check(second, &both, known, Err("has a second one"));
        let uneven = known.replace(r#"["[CLS]"]"#, "[]");
        check(&one, &both, &uneven, Err("1 ids and 0 tokens"));
    }

    #[test]
    fn a_table_of_characters_is_looked_at() {
        assert_eq!(from_base64("YWtpbg=="), Some(b"akin".to_vec()));
        assert_eq!(from_base64("YWtp"), Some(b"aki".to_vec()));
        assert_eq!(from_base64("YW!p"), None);
        // A trie of 4 bytes, and a text of 3.
        check_table("BAAAAAAAAABhYmMA").expect("a sound table");
        let said = check_table(&("BAAAAAAAAABh".to_owned() + &"YWFh".repeat(100)));
        assert!(said.expect_err("a long text").contains("301 bytes"));
        check_table("/////w==").expect_err("no trie");
    }

    #[test]
    fn the_models_here_are_let_in() {
        let folders = ["models", "tests/data/models"];
        let root = akin_testing::repository();
        let mut n = 0;
        for folder in folders.map(|folder| root.join(folder).read_dir().expect("models")) {
            for model in folder {
                let path = model.expect("a model").path().join("tokenizer.json");
                let Ok(json) = std::fs::read(&path) else {
                    continue;
                };
                let found = growth(&json).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                assert!(found <= 4, "{}: {found}", path.display());
                n += 1;
            }
        }
        assert!(n > 15, "{n} models");
    }
}
