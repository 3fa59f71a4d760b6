//! What the headers of the hub's answers say: of a file, of a refusal, of a pause.

use std::time::Duration;

use jiff::Timestamp;

use super::HubId;
use super::transfer::Remote;

/// The headers that matter, of an answer and of the redirects that led to it.
#[derive(Default)]
pub(super) struct HubHeaders {
    pub(super) location: Option<String>,
    etag: Option<String>,
    linked_etag: Option<String>,
    linked_size: Option<String>,
    commit: Option<String>,
    content_length: Option<String>,
    pub(super) content_range: Option<String>,
    retry_after: Option<String>,
    rate_limit: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
}

impl HubHeaders {
    pub(super) fn read(text: impl Fn(&str) -> Option<String>) -> HubHeaders {
        HubHeaders {
            location: text("location"),
            etag: text("etag"),
            linked_etag: text("x-linked-etag"),
            linked_size: text("x-linked-size"),
            commit: text("x-repo-commit"),
            content_length: text("content-length"),
            content_range: text("content-range"),
            retry_after: text("retry-after"),
            rate_limit: text("ratelimit"),
            error_code: text("x-error-code"),
            error_message: text("x-error-message"),
        }
    }

    /// Adds what the redirects said that led here.
    pub(super) fn add(&mut self, before: HubHeaders) {
        self.linked_etag = before.linked_etag.or(self.linked_etag.take());
        self.linked_size = before.linked_size.or(self.linked_size.take());
        self.commit = before.commit.or(self.commit.take());
    }

    /// Whether a file's hash and size are known without asking on.
    pub(super) fn say_enough(&self) -> bool {
        self.linked_etag.is_some() && self.linked_size.is_some()
    }

    /// The size in `bytes 0-0/SIZE`.
    pub(super) fn total(&self) -> Option<u64> {
        self.content_range
            .as_ref()?
            .rsplit('/')
            .next()?
            .parse()
            .ok()
    }

    /// The file of which these are the headers.
    pub(super) fn remote(self, name: &str, id: &HubId) -> Result<Remote, String> {
        if let Some(commit) = self.commit.as_ref().filter(|c| *c != id.revision()) {
            return Err(format!(
                "it is of the commit {commit}, and another was asked for"
            ));
        }
        let linked = self.linked_size.as_ref().and_then(|size| size.parse().ok());
        let length = || self.content_length.as_ref()?.parse().ok();
        let n_bytes = linked.or_else(|| self.total()).or_else(length);
        let etag = self.linked_etag.or(self.etag);
        let etag = etag.ok_or("it has no ETag")?;
        let etag = etag.trim_start_matches("W/").trim_matches('"');
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if etag.is_empty() || etag.len() > 128 || !etag.chars().all(is_plain) {
            return Err(format!("its ETag {etag:?} is none that the hub gives"));
        }
        Ok(Remote {
            name: name.to_owned(),
            etag: etag.to_owned(),
            n_bytes: n_bytes.ok_or("its size is not said")?,
        })
    }

    /// `404 RepoNotFound: …`, as far as it is said.
    pub(super) fn words(&self, status: u16) -> String {
        let mut words = status.to_string();
        for (mark, said) in [(" ", &self.error_code), (": ", &self.error_message)] {
            if let Some(said) = said.as_ref().filter(|said| !said.is_empty()) {
                words += mark;
                words.extend(said.chars().take(300));
            }
        }
        words
    }

    /// How long the server wants to be left alone.
    pub(super) fn wish(&self, now: Timestamp) -> Option<Duration> {
        let asked = self
            .retry_after
            .as_deref()
            .and_then(|v| retry_after(v, now));
        asked.or_else(|| rate_limit(self.rate_limit.as_deref()?))
    }
}

/// A pause in seconds, or until a moment.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// The pause in `"api";r=0;t=42`, where nothing is left (`r=0`).
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

    #[test]
    fn the_pause_that_a_server_wants_is_read_in_every_form() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let seconds = |value| retry_after(value, now).map(|wish| wish.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Fri, 20 Nov 2026 10:01:30 GMT"), Some(90));
        assert_eq!(seconds("Fri, 20 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
        assert_eq!(
            rate_limit("\"api\";r=0;t=42"),
            Some(Duration::from_secs(42))
        );
        assert_eq!(rate_limit("\"api\";r=12;t=42"), None);
        assert_eq!(rate_limit(""), None);
    }
}
