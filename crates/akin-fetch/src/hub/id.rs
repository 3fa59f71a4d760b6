//! The name of a model at the hub: `org/name`, or `name` alone, and a revision behind an `@`.
//!
//! In: an id as a user types it. Out: a [`HubId`]. Names become addresses and folders, so names
//! that the hub's rules forbid are refused here, among them all that would lead out of the cache.

use std::fmt;
use std::str::FromStr;

use akin_base::error::{Error, Result};

/// The default revision.
const DEFAULT_REVISION: &str = "main";
/// The longest name by the hub's own rule, in bytes.
const LONGEST_NAME: usize = 96;
/// The fewest digits that identify a commit.
pub(super) const FEWEST_COMMIT_DIGITS: usize = 7;
/// The number of digits of a whole commit.
pub(super) const COMMIT_DIGITS: usize = 40;

/// A model at the hub, as `org/name`, `name`, `org/name@revision` or `name@revision`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HubId {
    name: String,
    revision: Option<String>,
}

impl HubId {
    /// A model by its name, at a revision or at its branch `main`.
    ///
    /// # Errors
    /// [`Error::Model`] if the name or the revision is invalid.
    pub fn new(name: &str, revision: Option<&str>) -> Result<HubId> {
        let wrong = |reason: &str| {
            let whole = revision.map_or(name.to_owned(), |r| format!("{name}@{r}"));
            Error::model(format!("{whole:?}"), reason)
        };
        if !is_name(name) {
            return Err(wrong(
                "an id of the hub is org/name or org/name@revision, of letters, digits and .-_",
            ));
        }
        if !revision.is_none_or(is_revision) {
            return Err(wrong("expected a branch, tag or commit after the @"));
        }
        Ok(HubId {
            name: name.to_owned(),
            revision: revision.map(str::to_owned),
        })
    }

    /// `org/name`, or `name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The branch, tag or commit; `main` if none was given.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or(DEFAULT_REVISION)
    }
}

impl FromStr for HubId {
    type Err = Error;

    fn from_str(text: &str) -> Result<HubId> {
        match text.split_once('@') {
            Some((name, revision)) => HubId::new(name, Some(revision)),
            None => HubId::new(text, None),
        }
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.revision {
            Some(revision) => write!(f, "@{revision}"),
            None => Ok(()),
        }
    }
}

fn is_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    name.len() <= LONGEST_NAME && parts.len() <= 2 && parts.iter().all(|part| is_name_part(part))
}

fn is_name_part(part: &str) -> bool {
    let is_known = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let is_edge = |c: char| ".-".contains(c);
    let is_odd = part.contains("--") || part.contains("..") || part.ends_with(".git");
    !part.is_empty()
        && part.chars().all(is_known)
        && !part.starts_with(is_edge)
        && !part.ends_with(is_edge)
        && !is_odd
}

/// Whether this is a valid name of a branch or tag in git, and needs no escapes in an address.
fn is_revision(revision: &str) -> bool {
    let is_known = |c: char| c.is_ascii_alphanumeric() || ".-_/+".contains(c);
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && !part.ends_with(".lock")
            && !part.contains("..")
    };
    revision.len() <= 200 && revision.chars().all(is_known) && revision.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_revisions_are_read_and_shown_alike() {
        for (text, name, revision) in [
            ("BAAI/bge-small-en-v1.5", "BAAI/bge-small-en-v1.5", "main"),
            ("gpt2", "gpt2", "main"),
            ("gpt2@v1.0", "gpt2", "v1.0"),
            ("org/name@refs/pr/1", "org/name", "refs/pr/1"),
            ("org/name@5c38ec7", "org/name", "5c38ec7"),
            ("o_r.g/n_a.m-e", "o_r.g/n_a.m-e", "main"),
        ] {
            let id: HubId = text.parse().unwrap();
            assert_eq!((id.name(), id.revision()), (name, revision));
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_a_model_is_refused() {
        let long = "x".repeat(97);
        for text in [
            "", "/", "a/", "/b", "a/b/c", "..", "../b", "a/..", "a b", "a/b@", "a@../x", "a@/x",
            "a@x//y", "a@x y", "a@.x", "a@x.lock", "a@-x", "a--b/c", "-a/b", "a/b.", "a/b.git",
            "ä/b", "a\\b", "a@b@c", "a@b?c", "a@b%2F", &long,
        ] {
            let error = text.parse::<HubId>().unwrap_err().to_string();
            assert!(error.contains("cannot be used"), "{text}: {error}");
        }
    }
}
