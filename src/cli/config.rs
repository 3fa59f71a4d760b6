//! The user's `config.toml`.

use std::path::{Path, PathBuf};

use akin::Error;
use serde::Deserialize;

use super::fault::Failure;

/// What `config.toml` may set.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) library: Option<PathBuf>,
    pub(super) threads: Option<usize>,
    /// What shows long answers; empty for nothing.
    pub(super) pager: Option<String>,
    pub(super) mail: Option<MailConfig>,
}

/// The mail settings of `config.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MailConfig {
    pub(super) from: String,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) security: SecurityConfig,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) password_env: Option<String>,
    pub(super) password_command: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SecurityConfig {
    #[default]
    Starttls,
    Tls,
    None,
}

/// Reads it; a file that is not there sets nothing.
pub(super) fn read(path: &Path) -> Result<Config, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text)
            .map_err(|e| Failure::usage(format!("{}: {}", path.display(), e.message()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
        Err(e) => Err(Error::read(path)(e).into()),
    }
}
