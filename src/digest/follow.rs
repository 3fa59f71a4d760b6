//! Follows: saved queries, each with a name.
//!
//! In: what a person wants to follow, as typed or as read from TOML. Out: a valid [`Follow`], and
//! its query and conditions. A follow is for papers like a text, or like papers and unlike others,
//! or for all papers of some authors or categories.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::index::lexical::MAX_QUESTION_BYTES;
use crate::library::{Filter, Library, PaperKey, StoredFollow};
use crate::search::{Rocchio, Target};

/// The closest papers of a library are close enough, whatever its size.
pub(super) const LEAST_RANK: usize = 10;

/// Default share of the library, in percent, that a paper has to be closer than. At 99.5, one in
/// two hundred papers is at least as close.
pub const DEFAULT_MIN_PERCENTILE: f64 = 99.5;

/// Default number of papers that a digest shows of a follow.
pub const DEFAULT_MAX: usize = 10;

/// The longest name.
const MAX_NAME_CHARS: usize = 60;

/// A saved query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Follow {
    /// Its name, which heads its part of a digest.
    pub name: String,
    /// A text that papers should be like, as a person writes it, with or without conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Ids of papers to be close to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
    /// Ids of papers to be away from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    /// Names of authors, matched by whole words as in [`Filter`]; a paper must be by one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Categories or archives; a paper must have one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The share of the library, in percent, that a paper has to be closer than;
    /// [`DEFAULT_MIN_PERCENTILE`] if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_percentile: Option<f64>,
    /// Number of papers that a digest shows of it, 0 for all; [`DEFAULT_MAX`] if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
}

impl Follow {
    /// A follow as the library has it.
    ///
    /// # Errors
    /// [`Error::BadFollow`] if a newer akin wrote something that this one cannot read.
    pub fn of_stored(stored: &StoredFollow) -> Result<Follow> {
        let bad = |e: serde_json::Error| Error::BadFollow {
            name: stored.name.clone(),
            reason: format!("it cannot be read: {e}"),
        };
        let mut follow: Follow = serde_json::from_str(&stored.definition).map_err(bad)?;
        follow.name.clone_from(&stored.name);
        Ok(follow)
    }

    /// What the library keeps.
    pub fn definition(&self) -> String {
        serde_json::to_string(self).expect("a follow is plain data")
    }

    /// Makes sure that the follow can be asked of any library.
    ///
    /// # Errors
    /// [`Error::BadFollow`] with the reason.
    pub fn check(&self) -> Result<()> {
        match self.fault() {
            None => Ok(()),
            Some(reason) => Err(Error::BadFollow {
                name: self.name.clone(),
                reason: reason.to_owned(),
            }),
        }
    }

    /// Makes sure that the papers it is about are in this library.
    ///
    /// # Errors
    /// [`Error::UnknownPaper`].
    pub fn check_papers(&self, library: &Library) -> Result<()> {
        let mut ids = self.like.iter().chain(&self.not);
        ids.try_for_each(|id| library.find(id).map(drop))
    }

    /// What papers should be like; `None` if only authors or categories count.
    pub fn target(&self) -> Option<Target> {
        if let Some(query) = &self.query {
            return Some(Target::Text(query.clone()));
        }
        (!self.like.is_empty()).then(|| Target::Papers {
            like: self.like.clone(),
            draft: None,
            unlike: self.not.clone(),
            weights: Rocchio::default(),
        })
    }

    /// The papers that may be found at all, of those with the given keys.
    pub fn filter(&self, among: Vec<PaperKey>) -> Filter {
        Filter {
            authors: self.authors.clone(),
            categories: self.categories.clone(),
            among: Some(among),
            ..Filter::default()
        }
    }

    /// The share of the library, from 0 to 1, that may be as close as a paper that is found.
    pub fn share(&self) -> f64 {
        let percentile = self.min_percentile.unwrap_or(DEFAULT_MIN_PERCENTILE);
        (1.0 - percentile / 100.0).clamp(0.0, 1.0)
    }

    /// Explains, for a small library, that its share of papers says nothing, because the closest
    /// few are always close enough. Also says from what number of papers on it does.
    pub fn share_is_too_small_for(&self, n_papers: u64) -> Option<String> {
        let percentile = self.min_percentile?;
        let share = self.share();
        if share * n_papers as f64 >= LEAST_RANK as f64 {
            return None;
        }
        let wanted = if share > 0.0 {
            format!(
                "from {:.0} papers on",
                (LEAST_RANK as f64 / share - 1e-6).ceil()
            )
        } else {
            "never".to_owned()
        };
        Some(format!(
            "the {LEAST_RANK} closest papers of a library are always close enough: {percentile} % \
             takes effect {wanted}, and there are {n_papers}"
        ))
    }

    /// Describes what it asks.
    pub fn about(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.query.clone());
        if !self.like.is_empty() {
            parts.push(format!("like {}", self.like.join(", ")));
        }
        if !self.not.is_empty() {
            parts.push(format!("not like {}", self.not.join(", ")));
        }
        if !self.authors.is_empty() {
            parts.push(format!("by {}", self.authors.join(" or ")));
        }
        if !self.categories.is_empty() {
            parts.push(format!("in {}", self.categories.join(" or ")));
        }
        parts.join("; ")
    }

    fn fault(&self) -> Option<&'static str> {
        let is_blank = |text: &String| text.trim().is_empty();
        let is_long = |text: &String| text.len() > MAX_QUESTION_BYTES;
        let percentile = self.min_percentile.unwrap_or(DEFAULT_MIN_PERCENTILE);
        if is_blank(&self.name) || self.name.trim() != self.name {
            Some("expected a name without spaces around it")
        } else if self.name.chars().any(char::is_control) {
            Some("a name is one line of plain text")
        } else if self.name.chars().count() > MAX_NAME_CHARS {
            Some("a name has at most 60 characters")
        } else if self.query.as_ref().is_some_and(is_blank) {
            Some("its text is empty: expected what papers are to be about")
        } else if self.like.iter().chain(&self.not).any(is_blank) {
            Some("the id of a paper is empty")
        } else if self.authors.iter().any(is_blank) {
            Some("the name of an author is empty")
        } else if self.categories.iter().any(is_blank) {
            Some("the code of a category is empty")
        } else if self.query.as_ref().is_some_and(is_long) {
            Some("its text is longer than 64 KiB")
        } else if self.query.is_some() && !self.like.is_empty() {
            Some("it asks for a text and for papers; follow each under a name of its own")
        } else if !self.not.is_empty() && self.like.is_empty() {
            Some("papers to be away from need papers to be close to")
        } else if self.target().is_none() && self.authors.is_empty() && self.categories.is_empty() {
            Some("it asks for nothing: expected a text, papers, authors or categories")
        } else if self.target().is_none() && self.min_percentile.is_some() {
            Some("without a text or papers there is nothing to be close to")
        } else if !(0.0..100.0).contains(&percentile) {
            Some("the percentile is a number from 0 to below 100")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut Follow), fault: Option<&str>) {
        let mut follow = Follow {
            name: "graphs".to_owned(),
            query: Some("graph neural networks".to_owned()),
            ..Follow::default()
        };
        change(&mut follow);
        match (follow.check(), fault) {
            (Ok(()), None) => {}
            (Err(error), Some(part)) if error.to_string().contains(part) => {}
            (outcome, _) => panic!("{follow:?}: {outcome:?}, not {fault:?}"),
        }
    }

    #[test]
    fn a_follow_that_makes_no_sense_is_refused_with_what_is_wrong() {
        let some = || vec!["x".to_owned()];
        check(|_| {}, None);
        check(|f| f.min_percentile = Some(0.0), None);
        check(|f| f.categories = some(), None);
        check(|f| f.name.clear(), Some("expected a name without spaces"));
        check(|f| f.name.push('\n'), Some("without spaces"));
        check(|f| f.name = "a\u{1b}b".to_owned(), Some("one line"));
        check(|f| f.name = "x".repeat(61), Some("60"));
        check(|f| f.query = Some(" ".to_owned()), Some("text is empty"));
        let blank = || vec![" ".to_owned()];
        check(|f| f.authors = blank(), Some("an author is empty"));
        check(|f| f.categories = blank(), Some("a category is empty"));
        let like_nothing = |f: &mut Follow| {
            f.query = None;
            f.like = blank();
        };
        check(like_nothing, Some("a paper is empty"));
        check(|f| f.query = None, Some("nothing"));
        check(|f| f.like = some(), Some("of its own"));
        check(|f| f.not = some(), Some("close to"));
        for bad in [100.0, -1.0, f64::NAN] {
            check(|f| f.min_percentile = Some(bad), Some("below 100"));
        }
        let by_author = |f: &mut Follow| {
            f.query = None;
            f.authors = some();
        };
        check(by_author, None);
        check(
            |f| {
                by_author(f);
                f.min_percentile = Some(99.0);
            },
            Some("nothing to be close to"),
        );
    }

    #[test]
    fn what_is_kept_is_what_was_said() {
        let follow = Follow {
            name: "a".to_owned(),
            like: vec!["2401.00001".to_owned()],
            not: vec!["2401.00002".to_owned()],
            min_percentile: Some(98.5),
            ..Follow::default()
        };
        let stored = StoredFollow {
            key: crate::library::FollowKey(1),
            name: "b".to_owned(),
            definition: follow.definition(),
            created: String::new(),
        };
        let again = Follow::of_stored(&stored).unwrap();
        assert_eq!(
            again,
            Follow {
                name: "b".to_owned(),
                ..follow
            }
        );
        assert_eq!(again.about(), "like 2401.00001; not like 2401.00002");
        assert!((again.share() - 0.015).abs() < 1e-9);
        assert_eq!(again.share_is_too_small_for(700), None);
        let said = again.share_is_too_small_for(600).unwrap();
        assert!(
            said.contains("98.5 % takes effect from 667 papers on, and there are 600"),
            "{said}"
        );
        assert_eq!(Follow::default().share_is_too_small_for(3), None);
    }
}
