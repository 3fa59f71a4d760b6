//! The headers of the hub's answers: what they say of a file, or of a refusal.
//!
//! In: the headers of an answer and of the redirects that led to it. Out: a [`RemoteFile`], or the
//! hub's explanation.

use super::id::HubId;
use super::remote::RemoteFile;
use crate::http::Headers;

/// The headers of an answer, and of the redirects that led to it.
#[derive(Default)]
pub(super) struct HubHeaders {
    etag: Option<String>,
    linked_etag: Option<String>,
    linked_size: Option<String>,
    commit: Option<String>,
    content_length: Option<String>,
    pub(super) content_range: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
}

impl HubHeaders {
    /// Reads the headers of redirects and of the answer that they led to. What a redirect says of
    /// a file counts, since only the hub knows it.
    pub(super) fn read(all: &[Headers]) -> HubHeaders {
        let first = |name| {
            all.iter()
                .find_map(|headers| headers.get(name))
                .map(str::to_owned)
        };
        let last = |name| {
            all.last()
                .and_then(|headers| headers.get(name))
                .map(str::to_owned)
        };
        HubHeaders {
            linked_etag: first("x-linked-etag"),
            linked_size: first("x-linked-size"),
            commit: first("x-repo-commit"),
            etag: last("etag"),
            content_length: last("content-length"),
            content_range: last("content-range"),
            error_code: last("x-error-code"),
            error_message: last("x-error-message"),
        }
    }

    /// Whether a file's hash and size are known.
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

    /// The file that these headers describe.
    pub(super) fn remote(self, name: &str, id: &HubId) -> Result<RemoteFile, String> {
        if let Some(commit) = self.commit.as_ref().filter(|c| *c != id.revision()) {
            return Err(format!(
                "it is of the commit {commit}, but another was asked for"
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
        Ok(RemoteFile {
            name: name.to_owned(),
            etag: etag.to_owned(),
            n_bytes: n_bytes.ok_or("it has no size")?,
        })
    }

    /// `404 RepoNotFound: …`, with as much as the hub says.
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
}
