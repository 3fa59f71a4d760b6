//! The places of the hub and its cache, and the patience of requests.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::http::{Pace, Policy, Proxy, Retries, TimeLimits};

/// The address of the hub.
pub const HUB_ENDPOINT: &str = "https://huggingface.co";

/// The hub, and the cache of its models on this machine.
#[derive(Clone)]
pub struct Hub {
    /// The cache's folder, shared with the hub's other tools.
    pub cache: PathBuf,
    /// The address of the hub or of a mirror.
    pub endpoint: String,
    /// An access token, for gated or private models.
    pub token: Option<String>,
    /// Whether to open no socket.
    pub offline: bool,
    /// Whether to use the proxy in the environment (`HTTPS_PROXY` and its like).
    pub obeys_proxy_settings: bool,
    /// How long to wait for answers.
    pub patience: Patience,
}

/// How long to wait for a server that is silent or busy.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The most failed attempts in a row.
    pub max_attempts: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause that the server has not asked for.
    pub longest_pause: Duration,
    /// The longest wait for an answer, over all pauses. A longer pause that the server asks for is
    /// an error.
    pub longest_wish: Duration,
    /// The longest silence of an open connection.
    pub silence: Duration,
    /// The time in which at least `window_bytes` of an answer must arrive.
    pub window: Duration,
    /// See `window`.
    pub window_bytes: u64,
    /// The longest that the list of a model's files may take.
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
    /// The hub with a cache in this folder, without an access token.
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
