//! A digest as it is stored and rendered.

use jiff::Zoned;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::library::{FollowKey, Library, PaperKey, Shown, StoredDigest};
use crate::paper::{Paper, PaperId, PartialDate};

/// What is new, as it is stored and rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// Whose it is.
    pub reader: String,
    /// When it was prepared, with the reader's time zone; stored as UTC with the zone's name.
    pub made: Zoned,
    /// Tells it from any other digest; without angle brackets.
    pub message_id: String,
    /// One section per follow, even if there is nothing new.
    pub sections: Vec<Section>,
    /// What is rising.
    pub trending: Vec<Riser>,
    /// What could not be done as requested, as sentences.
    pub notes: Vec<String>,
}

/// What is new under one follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// The follow's name.
    pub follow: String,
    /// Describes what it asks.
    pub about: String,
    /// Papers that were compared.
    pub n_new: usize,
    /// What was found, best first.
    pub entries: Vec<Entry>,
    pub(super) follow_key: i64,
    pub(super) up_to: Option<i64>,
}

/// A paper that is new under a follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The paper, in short.
    #[serde(flatten)]
    pub brief: Brief,
    /// Its names.
    pub authors: Vec<String>,
    /// Its categories.
    pub categories: Vec<String>,
    /// The cosine similarity to the followed subject, if that has an embedding.
    pub similarity: Option<f32>,
    /// The share of the library, in percent, that it is closer than.
    pub closer_than: Option<f64>,
    /// The sentence of its abstract that is nearest to the followed subject.
    pub sentence: Option<String>,
    /// Explains why it is here.
    pub why: String,
    /// Duplicates of it, which are not shown separately.
    pub folded: Vec<Brief>,
    /// Papers near to it that were in the library before.
    pub related: Vec<Brief>,
    /// Every id of it and of its duplicates.
    pub(super) ids: Vec<PaperId>,
}

/// A paper in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    /// Its id.
    pub id: PaperId,
    /// Its title.
    pub title: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// When it was published, as far as that is known.
    pub date: Option<PartialDate>,
    /// When it was first listed.
    pub listed: Option<Date>,
}

/// A paper that is rising.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Riser {
    /// The paper, in short.
    #[serde(flatten)]
    pub brief: Brief,
    /// Its names.
    pub authors: Vec<String>,
    /// Its categories.
    pub categories: Vec<String>,
    /// Explains why it is here.
    pub why: String,
}

impl Brief {
    /// A paper in short.
    pub fn new(paper: &Paper) -> Brief {
        Brief {
            id: paper.id.clone(),
            title: paper.title.clone(),
            url: paper.address(),
            date: paper.date(),
            listed: paper.listed,
        }
    }
}

impl Digest {
    /// Number of papers that are new under some follow; a paper under two follows counts twice.
    pub fn n_entries(&self) -> usize {
        self.sections
            .iter()
            .map(|section| section.entries.len())
            .sum()
    }

    /// Whether no follow has anything new.
    pub fn is_empty(&self) -> bool {
        self.n_entries() == 0
    }

    /// The follows that have nothing new, each with the number of papers that were compared.
    pub(super) fn quiet(&self) -> String {
        let quiet = self
            .sections
            .iter()
            .filter(|section| section.entries.is_empty());
        let quiet = quiet.map(|section| match section.n_new {
            0 => section.follow.clone(),
            n => format!("{} (of {n})", section.follow),
        });
        quiet.collect::<Vec<_>>().join(", ")
    }

    /// The digest's heading.
    pub fn title(&self) -> String {
        let papers = match self.n_entries() {
            0 => "nothing new".to_owned(),
            1 => "1 new paper".to_owned(),
            n => format!("{n} new papers"),
        };
        format!("{papers}, {}", self.made.date())
    }

    /// A digest as the library has it.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be read.
    pub fn of_stored(library: &Library, stored: &StoredDigest) -> Result<Digest> {
        let bad = |e| Error::damaged(library.path(), format!("a stored digest: {e}"));
        serde_json::from_str(&stored.body).map_err(bad)
    }

    /// The same without any content.
    pub(super) fn without_papers(&self) -> Digest {
        Digest {
            sections: Vec::new(),
            trending: Vec::new(),
            ..self.clone()
        }
    }

    /// What the library keeps.
    pub fn body(&self) -> String {
        serde_json::to_string(self).expect("a digest is plain data")
    }

    /// What is noted once it is sent.
    pub fn shown(&self) -> Vec<Shown<'_>> {
        let shown = |section: &'_ Section| -> (FollowKey, Option<PaperKey>) {
            (FollowKey(section.follow_key), section.up_to.map(PaperKey))
        };
        let of_section = |section| {
            let (follow, up_to) = shown(section);
            Shown {
                follow,
                up_to,
                ids: section
                    .entries
                    .iter()
                    .flat_map(|entry| &entry.ids)
                    .collect(),
            }
        };
        self.sections.iter().map(of_section).collect()
    }
}
