//! Collections of records, and their authority.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A collection of records: a user's file, an export, a registry's feed.
///
/// Local ids belong to their collection. A newer record replaces an earlier one of the same id and
/// collection; records of several collections are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its name: that of the dump or the feed, or the user's choice.
    pub name: String,
    /// Its authority when collections disagree.
    pub authority: Authority,
    /// Whether a later record of an id is newer, even within one dump.
    pub is_feed: bool,
}

/// Decides between collections that disagree; the greater authority wins.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// Bibliographies, exports and users' files.
    #[default]
    Export,
    /// Indexes that gather records from registries.
    Catalogue,
    /// Registries and archives that issue the ids.
    Registry,
}

impl Authority {
    /// The authority of this name; the least for an unknown name.
    pub fn from_name(name: &str) -> Authority {
        match name {
            "registry" => Authority::Registry,
            "catalogue" => Authority::Catalogue,
            _ => Authority::Export,
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authority::Export => "export",
            Authority::Catalogue => "catalogue",
            Authority::Registry => "registry",
        })
    }
}
