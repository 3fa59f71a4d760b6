//! What servers say besides papers: how long to leave them alone, and why they refuse.
//!
//! In: the value of a header, the body of an answer. Out: a time, a line of text.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;

/// The most characters of a refusal that are shown.
const MAX_WORDS: usize = 300;

/// How long a `Retry-After` header asks for: seconds, or a date.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = http_date(value)?;
    // A moment that has passed asks for nothing.
    Some(Duration::try_from(moment.duration_since(now)).unwrap_or_default())
}

/// Reads a date of HTTP, in the form of today or in the two older ones (RFC 9110, 5.6.7).
pub(super) fn http_date(value: &str) -> Option<Timestamp> {
    let value = value.trim();
    if let Ok(moment) = DateTimeParser::new().parse_timestamp(value) {
        return Some(moment);
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| DateTime::strptime(form, value).ok())
        .and_then(|moment| TimeZone::UTC.to_timestamp(moment).ok())
}

/// What the body of a refusal says: the message of a JSON object, or text without its tags.
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

/// Puts a space in the place of each tag.
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
    fn every_form_of_retry_after_is_read() {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let check = |value: &str, expected: Option<u64>| {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value}");
        };
        check("7", Some(7));
        check(" 120 ", Some(120));
        check("Fri, 20 Nov 2026 10:00:30 GMT", Some(30));
        check("Friday, 20-Nov-26 10:00:30 GMT", Some(30));
        check("Fri Nov 20 10:00:30 2026", Some(30));
        check("Fri, 20 Nov 2026 09:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }

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
