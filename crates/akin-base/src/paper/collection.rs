//! Where records come from: a collection has a name, and knows more or less of the papers that it
//! lists.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One body of records: a file of one's own, an export, a registry's feed.
///
/// Ids that name no work of the world belong to their collection. A newer record of a collection
/// replaces its earlier one under the same id; records of several collections are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// What it is called: the dump's name, the feed's name, or what the user says.
    pub name: String,
    /// How far its word counts against another's.
    pub authority: Authority,
    /// Whether a later record of the same id is a newer one, also within one dump.
    pub is_feed: bool,
}

/// How far the word of a collection counts where two say different things; the greater counts more.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// Bibliographies, exports and files of one's own.
    #[default]
    Export,
    /// Indexes that gather records from registries.
    Catalogue,
    /// Registries and archives that issue the ids.
    Registry,
}

impl Authority {
    /// The authority of this name; the least where there is none.
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
