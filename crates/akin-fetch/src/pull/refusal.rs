//! Why a server refuses, in its own words.
//!
//! In: the body of an answer. Out: a line of text.

/// The most characters of a refusal that are shown.
const MAX_WORDS: usize = 300;

/// The text of a refusal: the message in a JSON object, or the body without its tags.
pub(super) fn words(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| {
        let fields = ["error", "message", "detail"];
        fields.iter().find_map(|field| json.get(field)?.as_str())
    });
    let text = match message {
        Some(message) => message.to_owned(),
        None => without_tags(&String::from_utf8_lossy(body)),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    match words.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// Replaces each tag by a space.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_tag = false;
    for c in text.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                out.push(' ');
            }
            _ if !is_tag => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_speak() {
        let check = |body: &str, expected: &str| assert_eq!(words(body.as_bytes()), expected);
        check("{\"error\": \"Invalid  date\"}", "Invalid date");
        check(
            "<html><h1>Not\nFound</h1>no such page</html>",
            "Not Found no such page",
        );
        check("", "");
        check(&"x".repeat(400), &format!("{}…", "x".repeat(300)));
    }
}
