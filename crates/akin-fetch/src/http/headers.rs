//! The headers of an answer, and the pause that they ask for.
//!
//! In: names and values as the server sent them. Out: values by name; the pause in `Retry-After`,
//! or in the Hugging Face hub's `RateLimit`.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

/// The headers of one answer.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    /// By name in lower case; of several values the first.
    values: HashMap<String, String>,
}

impl Headers {
    /// Collects headers, whose names are in lower case.
    pub(super) fn new<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Headers {
        let mut values = HashMap::new();
        for (name, value) in pairs {
            let known = values.entry(name.to_owned());
            known.or_insert_with(|| value.to_owned());
        }
        Headers { values }
    }

    /// The value of a header, named in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The pause that the server asks for.
    pub(super) fn pause(&self, now: Timestamp) -> Option<Duration> {
        // The server's own clock, if it sends it: ours may be wrong.
        let now = self.get("date").and_then(http_date).unwrap_or(now);
        let asked = self.get("retry-after").and_then(|v| retry_after(v, now));
        asked.or_else(|| rate_limit(self.get("ratelimit")?))
    }
}

/// The pause in a `Retry-After` header: seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(value)?;
    // A date in the past asks for no pause.
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// Parses a date of HTTP in any of its three forms (RFC 9110, 5.6.7).
fn http_date(value: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(value.trim()).ok()?;
    Timestamp::try_from(date).ok()
}

/// The pause in `"api";r=0;t=42`, if nothing is left (`r=0`).
fn rate_limit(value: &str) -> Option<Duration> {
    let field = |name: &str| value.split(';').find_map(|f| f.trim().strip_prefix(name));
    if field("r=")? != "0" {
        return None;
    }
    field("t=")?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        let check = |value: &str, expected: Option<u64>| {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(value, now()), expected, "{value}");
        };
        check("7", Some(7));
        check(" 0 ", Some(0));
        check(" 120 ", Some(120));
        check("Fri, 20 Nov 2026 10:00:30 GMT", Some(30));
        check("Fri, 20 Nov 2026 10:01:30 GMT", Some(90));
        check("Friday, 20-Nov-26 10:00:30 GMT", Some(30));
        check("Fri Nov 20 10:00:30 2026", Some(30));
        check("Fri, 20 Nov 2026 09:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
    }

    #[test]
    fn a_rate_limit_counts_once_nothing_is_left() {
        let seconds = Duration::from_secs;
        assert_eq!(rate_limit("\"api\";r=0;t=42"), Some(seconds(42)));
        assert_eq!(rate_limit("\"api\";r=12;t=42"), None);
        assert_eq!(rate_limit(""), None);
        let both = [("ratelimit", "r=0;t=42"), ("retry-after", "7")];
        let headers = |n: usize| Headers::new(both.into_iter().take(n));
        assert_eq!(headers(1).pause(now()), Some(seconds(42)));
        assert_eq!(headers(2).pause(now()), Some(seconds(7)));
    }
}
