//! Asking the hub: one request after another, again where it is worth it.
//!
//! Redirects are followed here, so that the token never leaves the hub's origin and what the hub
//! says of a file is read before another host is asked for its bytes. Nothing that is said of a
//! failure names the addresses that redirects lead to: they can be signed.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use hf_hub::api::RepoInfo;
use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use jiff::Timestamp;

use super::address;
use super::headers::HubHeaders;
use super::id::COMMIT_DIGITS;
use super::pace::Paced;
use super::transfer::Remote;
use super::{Hub, HubId};
use akin_base::error::{Error, Result};
use akin_base::hex::is_hex;
use akin_base::progress::Observer;

/// Redirects that are followed for one file.
const MAX_REDIRECTS: usize = 10;
/// The longest listing that is read.
const MAX_LISTING_BYTES: u64 = 32 << 20;
/// The share of a file, as a divisor, that an answer is to bring at least to count as one.
const LEAST_SHARE: u64 = 200;
/// Bytes of a listing that are read at once.
const LISTING_CHUNK_BYTES: usize = 16 << 10;
/// How often a waiting client looks whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Asks for the least that there is of a file, to learn about it.
const FIRST_BYTE: &str = "bytes=0-0";

/// Questions about one model at one revision.
pub(super) struct Client<'a> {
    hub: &'a Hub,
    id: HubId,
    api: Api,
    repo: ApiRepo,
    pub(super) observer: &'a dyn Observer,
}

/// What a model's repository holds at a revision.
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) names: Vec<String>,
}

/// An answer, with its body still to be read.
pub(super) struct HubReply {
    pub(super) status: u16,
    pub(super) headers: HubHeaders,
    pub(super) body: Box<dyn Read + Send>,
}

/// Why a request came to nothing.
pub(super) enum RequestFailure {
    /// It would come to nothing again.
    Final(Error),
    /// Another attempt may fare better.
    Again {
        reason: String,
        /// How long the server wants to be left alone.
        wish: Option<Duration>,
        /// Whether something was gained all the same.
        has_gained: bool,
    },
}

impl From<Error> for RequestFailure {
    fn from(error: Error) -> RequestFailure {
        RequestFailure::Final(error)
    }
}

impl RequestFailure {
    /// The connection failed.
    pub(super) fn cut(reason: impl ToString, has_gained: bool) -> RequestFailure {
        RequestFailure::Again {
            reason: reason.to_string(),
            wish: None,
            has_gained,
        }
    }
}

impl<'a> Client<'a> {
    /// Makes ready to ask; nothing is asked yet.
    pub(super) fn open(hub: &'a Hub, id: &HubId, observer: &'a dyn Observer) -> Result<Client<'a>> {
        let endpoint = hub.endpoint.trim_end_matches('/');
        if !address::is_http(endpoint) {
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
        let api = ApiBuilder::from_cache(Cache::new(hub.cache.clone()))
            .with_endpoint(endpoint.to_owned())
            .with_token(hub.token.clone())
            .with_progress(false)
            .with_user_agent("akin", env!("CARGO_PKG_VERSION"))
            .build()
            .map_err(|e| Error::Unreachable {
                url: endpoint.to_owned(),
                reason: e.to_string(),
            })?;
        Ok(Client {
            repo: repo(&api, id),
            hub,
            id: id.clone(),
            api,
            observer,
        })
    }

    /// The same at another revision.
    pub(super) fn at(&self, commit: &str) -> Result<Client<'a>> {
        let id = HubId::new(self.id.name(), Some(commit))?;
        Ok(Client {
            hub: self.hub,
            repo: repo(&self.api, &id),
            id,
            api: self.api.clone(),
            observer: self.observer,
        })
    }

    /// The commit that the revision is at, and the names of its files.
    pub(super) fn listing(&self) -> Result<Listing> {
        let url = self.listing_url();
        let bytes = self.persist(&url, || {
            let reply = self.follow(&url, None, |_| false)?;
            let body = self.succeeded(&url, reply)?.body;
            self.read_listing(body.take(MAX_LISTING_BYTES))
        })?;
        let bad = |reason: String| Error::BadAnswer {
            page: "the list of files".to_owned(),
            url: url.clone(),
            reason,
        };
        let info: RepoInfo = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        if !is_hex(&info.sha, COMMIT_DIGITS) {
            return Err(bad(format!("{:?} is no commit", info.sha)));
        }
        // What would lead out of the folder is never asked for.
        let mut names: Vec<String> = info.siblings.into_iter().map(|s| s.rfilename).collect();
        names.retain(|name| is_inside(name));
        Ok(Listing {
            commit: info.sha,
            names,
        })
    }

    /// Reads the list of files, which is to come within a time.
    fn read_listing(&self, mut body: impl Read) -> Result<Vec<u8>, RequestFailure> {
        let begun = Instant::now();
        let (mut bytes, mut chunk) = (Vec::new(), vec![0; LISTING_CHUNK_BYTES]);
        loop {
            self.go_on()?;
            match body.read(&mut chunk) {
                Ok(0) => return Ok(bytes),
                Ok(n) => bytes.extend_from_slice(&chunk[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RequestFailure::cut(error, false)),
            }
            if begun.elapsed() > self.hub.patience.listing {
                return Err(RequestFailure::cut(
                    "the list of files takes too long",
                    false,
                ));
            }
        }
    }

    /// What the hub says of a file, without its bytes.
    pub(super) fn remote(&self, name: &str) -> Result<Remote> {
        let url = self.repo.url(name);
        self.persist(&url, || {
            let reply = self.follow(&url, Some(FIRST_BYTE), HubHeaders::say_enough)?;
            let is_empty = reply.status == 416 && reply.headers.total() == Some(0);
            let is_redirect = (300..400).contains(&reply.status);
            let headers = match is_empty || is_redirect {
                true => reply.headers,
                false => self.succeeded(&url, reply)?.headers,
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

    /// Asks for a file's bytes from `start` on; the answer can be of any status.
    pub(super) fn content(&self, name: &str, start: u64) -> Result<HubReply, RequestFailure> {
        let range = format!("bytes={start}-");
        self.follow(&self.repo.url(name), Some(&range), |_| false)
    }

    /// Whether so many bytes of a file are something: a server that gives one byte a request is not asked
    /// for ever.
    pub(super) fn is_gain(&self, n_bytes: u64, n_file_bytes: u64) -> bool {
        n_bytes > (n_file_bytes / LEAST_SHARE).min(self.hub.patience.window_bytes)
    }

    /// The address of a file.
    pub(super) fn url(&self, name: &str) -> String {
        self.repo.url(name)
    }

    /// The model at the revision that is asked about.
    pub(super) fn id(&self) -> &HubId {
        &self.id
    }

    fn listing_url(&self) -> String {
        let request = self.repo.info_request();
        let uri = request.uri_ref().map(ToString::to_string);
        uri.unwrap_or_else(|| self.hub.endpoint.clone())
    }

    /// Asks and follows redirects until one is answered otherwise, or `is_enough` of it is known.
    fn follow(
        &self,
        url: &str,
        range: Option<&str>,
        is_enough: impl Fn(&HubHeaders) -> bool,
    ) -> Result<HubReply, RequestFailure> {
        let mut at = url.to_owned();
        let mut before = HubHeaders::default();
        for _ in 0..=MAX_REDIRECTS {
            let mut reply = self.ask(&at, range, address::same_origin(&at, url))?;
            reply.headers.add(before);
            let location = reply.headers.location.take();
            let is_redirect = matches!(reply.status, 301 | 302 | 303 | 307 | 308);
            if !is_redirect || is_enough(&reply.headers) {
                return Ok(reply);
            }
            at = location
                .and_then(|location| address::resolve(&at, &location))
                .ok_or_else(|| RequestFailure::cut("it redirects to no usable address", false))?;
            before = reply.headers;
        }
        Err(RequestFailure::cut("it redirects in circles", false))
    }

    /// Asks once, and follows nothing.
    fn ask(
        &self,
        url: &str,
        range: Option<&str>,
        with_token: bool,
    ) -> Result<HubReply, RequestFailure> {
        let silence = Some(self.hub.patience.silence);
        let mut request = self.repo.info_request().uri(url);
        request = request.header("Accept-Encoding", "identity");
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        if let (false, Some(headers)) = (with_token, request.headers_mut()) {
            headers.remove("authorization");
        }
        let config = request
            .config()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_resolve(silence)
            .timeout_connect(silence)
            .timeout_send_request(silence)
            .timeout_recv_response(silence)
            .timeout_per_read(silence);
        let config = match self.hub.obeys_proxy_settings {
            true => config,
            false => config.proxy(None),
        };
        let response = match config.build().call() {
            Ok(response) => response,
            Err(error) => return Err(self.unanswered(&error.to_string())),
        };
        let (parts, body) = response.into_parts();
        let text = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
        Ok(HubReply {
            status: parts.status.as_u16(),
            headers: HubHeaders::read(text),
            body: Box::new(Paced::new(body.into_reader(), self.hub.patience)),
        })
    }

    /// A request without an answer. Whoever is offline is told at once.
    fn unanswered(&self, reason: &str) -> RequestFailure {
        if !is_unknown_host(reason) {
            return RequestFailure::cut(reason, false);
        }
        RequestFailure::Final(Error::Unreachable {
            url: self.hub.endpoint.clone(),
            reason: "the host is not known; is this machine online?".to_owned(),
        })
    }

    /// An answer that is a success, or what it means that it is none.
    pub(super) fn succeeded(&self, url: &str, reply: HubReply) -> Result<HubReply, RequestFailure> {
        let headers = &reply.headers;
        let id = self.id.to_string();
        let words = headers.words(reply.status);
        Err(match reply.status {
            200..=299 => return Ok(reply),
            401 | 403 => RequestFailure::Final(Error::ModelDenied {
                id,
                reason: self.denied(reply.status, &words),
            }),
            404 => RequestFailure::Final(Error::UnknownModel { id, answer: words }),
            408 | 425 | 429 | 500..=599 => RequestFailure::Again {
                reason: format!("it answered {words}"),
                wish: headers.wish(Timestamp::now()),
                has_gained: false,
            },
            _ => RequestFailure::Final(Error::Refused {
                url: url.to_owned(),
                answer: words,
            }),
        })
    }

    /// Why a model is not given.
    fn denied(&self, status: u16, words: &str) -> String {
        let token = match (&self.hub.token, status) {
            (None, _) => "no token was sent",
            (Some(_), 401) => "the token that was sent is not taken",
            (Some(_), _) => "the token that was sent does not open it",
        };
        format!("it is gated or private, or there is no such model, and {token} ({words})")
    }

    /// Tries until it works, is not worth another attempt, or is to stop.
    pub(super) fn persist<T>(
        &self,
        url: &str,
        mut attempt: impl FnMut() -> Result<T, RequestFailure>,
    ) -> Result<T> {
        let patience = &self.hub.patience;
        let mut n_failed = 0;
        loop {
            self.go_on()?;
            let (reason, wish, has_gained) = match attempt() {
                Ok(done) => return Ok(done),
                Err(RequestFailure::Final(error)) => return Err(error),
                Err(RequestFailure::Again {
                    reason,
                    wish,
                    has_gained,
                }) => (reason, wish, has_gained),
            };
            n_failed = if has_gained { 1 } else { n_failed + 1 };
            let wish = wish.unwrap_or_default();
            let url = url.to_owned();
            if wish > patience.longest_wish {
                let reason = format!(
                    "{reason}; it asks for a pause of {} seconds, more than is waited here",
                    wish.as_secs()
                );
                return Err(Error::Unreachable { url, reason });
            }
            if n_failed >= patience.max_attempts {
                let reason = format!("{reason}; attempts in a row: {n_failed}");
                return Err(Error::Unreachable { url, reason });
            }
            self.pause(wish.max(patience.pause(n_failed)))?;
        }
    }

    /// Waits; a stop ends it.
    pub(super) fn pause(&self, wait: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.go_on()?;
            match wait.checked_sub(begun.elapsed()) {
                Some(rest) if !rest.is_zero() => std::thread::sleep(rest.min(LOOK_EVERY)),
                _ => return Ok(()),
            }
        }
    }

    /// Fails if the work is to stop.
    pub(super) fn go_on(&self) -> Result<()> {
        match self.observer.stop_requested() {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }
}

impl super::Patience {
    /// The pause after so many attempts in a row that came to nothing.
    fn pause(&self, n_failed: u32) -> Duration {
        let doubled = 1_u32 << n_failed.saturating_sub(1).min(16);
        let pause = self.first_pause.saturating_mul(doubled);
        pause.min(self.longest_pause)
    }
}

fn repo(api: &Api, id: &HubId) -> ApiRepo {
    let (name, revision) = (id.name().to_owned(), id.revision().to_owned());
    api.repo(Repo::with_revision(name, RepoType::Model, revision))
}

/// Whether a file's name stays in its folder, and needs no escapes in an address.
fn is_inside(name: &str) -> bool {
    let is_known = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    name.chars().all(is_known) && name.split('/').all(is_part)
}

/// Whether the host has no address. Systems say so in an error that has no kind of its own.
fn is_unknown_host(reason: &str) -> bool {
    reason.contains("host not found") || reason.contains("failed to lookup address")
}

#[cfg(test)]
mod tests {
    use super::super::Patience;
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let patience = Patience::default();
        let seconds: Vec<u64> = (1..9).map(|n| patience.pause(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(patience.pause(u32::MAX).as_secs(), 60);
    }

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
