//! Where the hub and the cache are, and how patiently the hub is asked.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::http::{Pace, Policy, Proxy, Retries, TimeLimits};

/// Where the hub is.
pub const HUB_ENDPOINT: &str = "https://huggingface.co";

/// Where the hub is, and the cache of what was fetched from it.
#[derive(Clone)]
pub struct Hub {
    /// The cache's folder, which other tools of the hub share.
    pub cache: PathBuf,
    /// The address of the hub or of a mirror.
    pub endpoint: String,
    /// Says who asks, for models that are gated or private.
    pub token: Option<String>,
    /// Whether no socket may be opened.
    pub offline: bool,
    /// Whether the system's settings for proxies are obeyed (`HTTPS_PROXY` and its like).
    pub obeys_proxy_settings: bool,
    /// How long answers are waited for.
    pub patience: Patience,
}

/// How long a server is waited for that does not answer, or not for now.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts in a row that may come to nothing.
    pub max_attempts: u32,
    /// The pause after the first of them; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause that is made unasked.
    pub longest_pause: Duration,
    /// The longest pause that is made because the server asks for it.
    pub longest_wish: Duration,
    /// How long nothing at all may come from an open connection.
    pub silence: Duration,
    /// A stretch of time in which at least `window_bytes` of an answer are to come.
    pub window: Duration,
    /// See `window`.
    pub window_bytes: u64,
    /// How long the list of a model's files may take in all.
    pub listing: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            max_attempts: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            longest_wish: Duration::from_secs(10 * 60),
            silence: Duration::from_secs(60),
            window: Duration::from_secs(60),
            window_bytes: 60 << 10,
            listing: Duration::from_secs(5 * 60),
        }
    }
}

impl Hub {
    /// The hub with a cache in this folder, asked by nobody in particular.
    pub fn new(cache: PathBuf) -> Hub {
        Hub {
            cache,
            endpoint: HUB_ENDPOINT.to_owned(),
            token: None,
            offline: false,
            obeys_proxy_settings: false,
            patience: Patience::default(),
        }
    }

    /// The address of the hub, without a slash at its end.
    pub(super) fn endpoint(&self) -> &str {
        self.endpoint.trim_end_matches('/')
    }

    /// How the HTTP client asks the hub.
    pub(super) fn policy(&self) -> Policy {
        let patience = &self.patience;
        Policy {
            limits: TimeLimits {
                connect: patience.silence,
                answer: patience.silence,
                read: patience.silence,
                pace: Some(Pace {
                    window: patience.window,
                    window_bytes: patience.window_bytes,
                }),
            },
            proxy: if self.obeys_proxy_settings {
                Proxy::System
            } else {
                Proxy::Direct
            },
            interval: Duration::ZERO,
            retries: Retries {
                max_attempts: patience.max_attempts,
                first_pause: patience.first_pause,
                longest_pause: patience.longest_pause,
                max_wait: patience.longest_wish,
            },
        }
    }
}

impl fmt::Debug for Hub {
    /// All but the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("has_token", &self.token.is_some())
            .field("offline", &self.offline)
            .field("obeys_proxy_settings", &self.obeys_proxy_settings)
            .field("patience", &self.patience)
            .finish()
    }
}
