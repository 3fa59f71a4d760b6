//! A digest as it is stored and rendered.
//!
//! Invariant: a paper is in one section, shown or as one of the rest, and names the other follows
//! that match it. Shown papers are noted for all of these, the rest for none.

use jiff::Zoned;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::schedule::shell_word;
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
    /// The command that shows this digest again, without its options that choose a part of it.
    #[serde(default)]
    pub command: String,
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
    /// What is shown, best first.
    pub entries: Vec<Entry>,
    /// What was found beyond those, best first; only counted in what people read.
    #[serde(default)]
    pub more: Vec<Entry>,
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
    /// The share of the recent arrivals, in percent, that it is closer than.
    #[serde(default)]
    pub closer_than_recent: Option<f64>,
    /// The other follows that match it.
    #[serde(default)]
    pub also_in: Vec<String>,
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
    /// Number of papers that are shown.
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
        let quiet = self.without_entries().filter(|(_, n)| *n == 0);
        let quiet = quiet.map(|(section, _)| match section.n_new {
            0 => section.follow.clone(),
            n => format!("{} (of {n})", section.follow),
        });
        quiet.collect::<Vec<_>>().join(", ")
    }

    /// The follows whose new papers are all under other follows, each with their number.
    pub(super) fn elsewhere(&self) -> String {
        let elsewhere = self.without_entries().filter(|(_, n)| *n > 0);
        let elsewhere = elsewhere.map(|(section, n)| format!("{} ({n})", section.follow));
        elsewhere.collect::<Vec<_>>().join(", ")
    }

    /// The sections that show nothing, each with the number of papers under other follows.
    fn without_entries(&self) -> impl Iterator<Item = (&Section, usize)> {
        let empty = self.sections.iter().filter(|s| s.entries.is_empty());
        empty.map(|section| (section, self.also_in(&section.follow).count()))
    }

    /// The papers shown under other follows that a follow matches, too.
    pub(super) fn also_in<'a>(&'a self, follow: &'a str) -> impl Iterator<Item = &'a Entry> {
        let entries = self.sections.iter().flat_map(|section| &section.entries);
        entries.filter(move |entry| entry.also_in.iter().any(|other| other == follow))
    }

    /// The size of the rest of a section, `and 3 more`, and the command that lists it; `None` without
    /// a rest.
    pub(super) fn rest(&self, section: &Section) -> Option<(String, String)> {
        let n = section.more.len();
        // A name that begins like an option is none after an equals sign.
        let before = if section.follow.starts_with('-') {
            '='
        } else {
            ' '
        };
        let follow = shell_word(&section.follow);
        let command = format!("{} --follow{before}{follow} --max 0", self.command);
        (n > 0).then(|| (format!("and {n} more"), command))
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
                ids: self.shown_under(section).collect(),
            }
        };
        self.sections.iter().map(of_section).collect()
    }

    /// Every id that counts as shown for a follow, also under another one.
    fn shown_under<'a>(&'a self, section: &'a Section) -> impl Iterator<Item = &'a PaperId> {
        let entries = section.entries.iter().chain(self.also_in(&section.follow));
        entries.flat_map(|entry| &entry.ids)
    }
}
