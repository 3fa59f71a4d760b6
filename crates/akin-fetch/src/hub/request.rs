//! Asking the hub about one model: the list of its files, what each is, and their bytes.
//!
//! In: a [`Hub`] and a [`HubId`]. Out: a [`Listing`], a [`RemoteFile`] or a [`HubReply`], or what a
//! refusal means. Where the hub redirects to another host, its own word on a file counts.

use hf_hub::api::RepoInfo;
use hf_hub::{Repo, RepoType};

use super::headers::HubHeaders;
use super::id::{COMMIT_DIGITS, HubId};
use super::remote::RemoteFile;
use super::settings::Hub;
use crate::clock::SystemClock;
use crate::http::{BodyLimits, Connection, Http, HttpAnswer, HttpRequest, RequestFailure, is_http};
use akin_base::error::{Error, Result};
use akin_base::hex::is_hex;
use akin_base::progress::Observer;

/// The longest listing that is read, in bytes.
const MAX_LISTING_BYTES: u64 = 32 << 20;
/// A cut attempt counts as progress if it brought one part in this many of the file.
const LEAST_SHARE: u64 = 200;
/// The name of a listing in error messages.
const LISTING: &str = "the list of files";
/// Asks for the smallest part of a file, to learn about it.
const FIRST_BYTE: &str = "bytes=0-0";

/// Asks about one model at one revision.
pub(super) struct Client<'a> {
    hub: &'a Hub,
    id: HubId,
    http: Http,
    pub(super) observer: &'a dyn Observer,
}

/// The files of a model's repository at a revision.
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) names: Vec<String>,
}

/// An answer of the hub, or of a host that it redirects to; its body is still to be read.
pub(super) struct HubReply {
    pub(super) answer: HttpAnswer,
    pub(super) headers: HubHeaders,
}

impl<'a> Client<'a> {
    /// Prepares to ask; nothing is asked yet.
    pub(super) fn open(hub: &'a Hub, id: &HubId, observer: &'a dyn Observer) -> Result<Client<'a>> {
        if !is_http(hub.endpoint()) {
            let reason = "the hub's address begins with https:// or http://".to_owned();
            let url = hub.endpoint.clone();
            return Err(Error::Unreachable { url, reason });
        }
        let is_token = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
        if !hub.token.as_ref().is_none_or(is_token) {
            let reason = "the token holds characters that no token has".to_owned();
            let id = id.to_string();
            return Err(Error::ModelDenied { id, reason });
        }
        Ok(Client {
            http: Http::new(&hub.policy(), hub.endpoint())?,
            hub,
            id: id.clone(),
            observer,
        })
    }

    /// The same at another revision.
    pub(super) fn at(self, commit: &str) -> Result<Client<'a>> {
        let id = HubId::new(self.id.name(), Some(commit))?;
        Ok(Client { id, ..self })
    }

    /// The connection to the hub.
    pub(super) fn connection(&self) -> Connection<'_> {
        Connection {
            http: &self.http,
            clock: &SystemClock,
            observer: self.observer,
        }
    }

    /// The revision's commit, and the names of its files.
    pub(super) fn listing(&self) -> Result<Listing> {
        let url = self.listing_url();
        let limits = BodyLimits {
            page: LISTING,
            url: &url,
            max_bytes: MAX_LISTING_BYTES,
            time: self.hub.patience.listing,
        };
        let bytes = self.connection().persist(&url, || {
            let reply = self.ask(&url, None, |_| false)?;
            let body = self.succeeded(&url, reply)?.answer.body;
            let mut bytes = Vec::new();
            body.read_to_end(&mut bytes, &limits, self.observer)?;
            Ok(bytes)
        })?;
        let bad = |reason: String| Error::BadAnswer {
            page: LISTING.to_owned(),
            url: url.clone(),
            reason,
        };
        let info: RepoInfo = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        if !is_hex(&info.sha, COMMIT_DIGITS) {
            return Err(bad(format!("{:?} is not a commit", info.sha)));
        }
        // What would lead out of the folder is never asked for.
        let mut names: Vec<String> = info.siblings.into_iter().map(|s| s.rfilename).collect();
        names.retain(|name| is_inside(name));
        Ok(Listing {
            commit: info.sha,
            names,
        })
    }

    /// The hub's description of a file, without its bytes.
    pub(super) fn remote(&self, name: &str) -> Result<RemoteFile> {
        let url = self.url(name);
        self.connection().persist(&url, || {
            let reply = self.ask(&url, Some(FIRST_BYTE), HubHeaders::say_enough)?;
            let status = reply.answer.status;
            let is_empty = status == 416 && reply.headers.total() == Some(0);
            let is_redirect = (300..400).contains(&status);
            let headers = if is_empty || is_redirect {
                reply.headers
            } else {
                self.succeeded(&url, reply)?.headers
            };
            headers.remote(name, &self.id).map_err(|reason| {
                RequestFailure::Final(Error::BadAnswer {
                    page: name.to_owned(),
                    url: url.clone(),
                    reason,
                })
            })
        })
    }

    /// Asks for a file's bytes from `start` on; the answer may have any status.
    pub(super) fn content(&self, name: &str, start: u64) -> Result<HubReply, RequestFailure> {
        let range = format!("bytes={start}-");
        self.ask(&self.url(name), Some(&range), |_| false)
    }

    /// Whether this number of bytes counts as progress, so that a server that sends one byte per
    /// request is given up.
    pub(super) fn is_gain(&self, n_bytes: u64, n_file_bytes: u64) -> bool {
        n_bytes > (n_file_bytes / LEAST_SHARE).min(self.hub.patience.window_bytes)
    }

    /// The address of a file.
    pub(super) fn url(&self, name: &str) -> String {
        let repo = self.repo();
        let (model, revision) = (repo.url(), repo.url_revision());
        format!("{}/{model}/resolve/{revision}/{name}", self.hub.endpoint())
    }

    /// The address of the list of files.
    fn listing_url(&self) -> String {
        format!("{}/api/{}", self.hub.endpoint(), self.repo().api_url())
    }

    /// The model as the hub's own library names it in addresses.
    fn repo(&self) -> Repo {
        let (name, revision) = (self.id.name(), self.id.revision());
        Repo::with_revision(name.to_owned(), RepoType::Model, revision.to_owned())
    }

    /// The model, with the revision in question.
    pub(super) fn id(&self) -> &HubId {
        &self.id
    }

    /// Asks, and follows redirects until the answer is none, or `is_enough` is known.
    fn ask(
        &self,
        url: &str,
        range: Option<&str>,
        is_enough: impl Fn(&HubHeaders) -> bool,
    ) -> Result<HubReply, RequestFailure> {
        let request = HttpRequest {
            url,
            range,
            token: self.hub.token.as_deref(),
            accepts_gzip: false,
        };
        let is_enough = |headers: &[_]| is_enough(&HubHeaders::read(headers));
        let answer = self.connection().ask(&request, is_enough)?;
        Ok(HubReply {
            headers: HubHeaders::read(&answer.headers),
            answer,
        })
    }

    /// The answer, if it is a success.
    ///
    /// # Errors
    /// What its status means.
    pub(super) fn succeeded(&self, url: &str, reply: HubReply) -> Result<HubReply, RequestFailure> {
        let status = reply.answer.status;
        if matches!(status, 200..=299) {
            return Ok(reply);
        }
        let words = reply.headers.words(status);
        if let Some(failure) = self.connection().passing_failure(&reply.answer, &words) {
            return Err(failure);
        }
        let id = self.id.to_string();
        Err(RequestFailure::Final(match status {
            401 | 403 => Error::ModelDenied {
                id,
                reason: self.denied(status, &words),
            },
            404 => Error::UnknownModel { id, answer: words },
            _ => Error::Refused {
                url: url.to_owned(),
                answer: words,
            },
        }))
    }

    /// Why the hub refuses a model.
    fn denied(&self, status: u16, words: &str) -> String {
        let token = match (&self.hub.token, status) {
            (None, _) => "no token was sent",
            (Some(_), 401) => "the token that was sent is not taken",
            (Some(_), _) => "the token that was sent does not open it",
        };
        format!("it is gated or private, or there is no such model, and {token} ({words})")
    }
}

/// Whether a file's name stays inside its folder, and needs no escapes in an address.
fn is_inside(name: &str) -> bool {
    let is_known = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    name.chars().all(is_known) && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_no_names() {
        for name in ["config.json", "1_Pooling/config.json", "a-b_c+d.json"] {
            assert!(is_inside(name), "{name}");
        }
        for name in [
            "../x",
            "/etc/passwd",
            "a//b",
            "a/./b",
            "a\\b",
            "a b",
            "a?b",
            "",
            "a%2e",
        ] {
            assert!(!is_inside(name), "{name}");
        }
    }
}
