//! What is left out of a record that is kept: values that do not suit their field.
//!
//! In: the values of a record. Out: [`Ignored`], at most [`MAX_NOTED`] a record, which a
//! [`Record`](super::Record) carries; the list is empty, and costs nothing, for nearly all of them.
//! Fields that are not read do not count, nor do values that only say that there is none (`n/a`,
//! `null`, `-`).

use std::fmt;

use akin_base::paper::{IdKind, PartialDate};
use serde_json::Value;

use crate::reject::excerpt;
use crate::text::{dates, names, prose};

/// Values of one record that are noted.
const MAX_NOTED: usize = 64;

/// Values that say that there is none, or none yet, in small letters.
const NO_VALUES: [&str; 31] = [
    "-",
    "--",
    "---",
    "—",
    "–",
    "?",
    ".",
    "/",
    "n/a",
    "n.a.",
    "na",
    "<na>",
    "nan",
    "nat",
    "nil",
    "none",
    "null",
    "undefined",
    "unknown",
    "not available",
    "not applicable",
    "tbd",
    "n.d.",
    "n. d.",
    "nd",
    "s.d.",
    "undated",
    "in press",
    "forthcoming",
    "to appear",
    "accepted",
];

/// A value that was left out of a paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What it should have been.
    pub part: Part,
    /// The first printable characters of the value.
    pub value: String,
}

/// A part of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// The day of publication, of the last change, of a list.
    Date,
    /// One of the authors, or all of them.
    Author,
    /// A DOI.
    Doi,
    /// An id of another kind.
    Id,
    /// The abstract.
    Abstract,
    /// A category or subject, or all of them.
    Category,
    /// The journal.
    Journal,
    /// The comment.
    Comment,
    /// A count: of votes, of comments.
    Count,
}

impl Part {
    /// The part that an id of this kind is.
    pub(crate) fn of_id(kind: IdKind) -> Part {
        match kind {
            IdKind::Doi => Part::Doi,
            _ => Part::Id,
        }
    }

    /// The name in the plural, as a key for programs.
    pub fn key(self) -> &'static str {
        match self {
            Part::Date => "dates",
            Part::Author => "author_objects",
            Part::Doi => "dois",
            Part::Id => "ids",
            Part::Abstract => "abstracts",
            Part::Category => "categories",
            Part::Journal => "journals",
            Part::Comment => "comments",
            Part::Count => "counts",
        }
    }

    /// The name for this number of them.
    pub fn named(self, n: u64) -> &'static str {
        let (one, many) = match self {
            Part::Date => ("date", "dates"),
            Part::Author => ("author object", "author objects"),
            Part::Doi => ("DOI", "DOIs"),
            Part::Id => ("id", "ids"),
            Part::Abstract => ("abstract", "abstracts"),
            Part::Category => ("category", "categories"),
            Part::Journal => ("journal", "journals"),
            Part::Comment => ("comment", "comments"),
            Part::Count => ("count", "counts"),
        };
        if n == 1 { one } else { many }
    }
}

impl fmt::Display for Ignored {
    /// `date ignored: "Spring"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ignored: {:?}", self.part.named(1), self.value)
    }
}

/// What is left out of one record.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Notes(pub(crate) Vec<Ignored>);

impl Notes {
    /// Notes a value, unless it says that there is none.
    pub(crate) fn note(&mut self, part: Part, value: &str) {
        if self.0.len() < MAX_NOTED && !is_no_value(value) {
            let value = excerpt(value.as_bytes());
            self.0.push(Ignored { part, value });
        }
    }

    /// Notes the members of a list of names, or its single value, that are not text and name
    /// nobody.
    pub(crate) fn note_nameless(&mut self, names: &Value) {
        let list = match names {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in list {
            let is_written = matches!(value, Value::String(_) | Value::Null);
            if !is_written && names::of_value(value, names::Order::Unknown).is_empty() {
                self.note(Part::Author, &prose::shown(value));
            }
        }
    }

    /// Notes a value that nothing was made of, and returns the result.
    pub(crate) fn unless<T>(
        &mut self,
        read: Option<T>,
        part: Part,
        value: Option<&str>,
    ) -> Option<T> {
        if read.is_none() {
            self.note(part, value.unwrap_or_default());
        }
        read
    }

    /// Notes the written dates that nothing was made of, or not all: those that name a day or a month
    /// which the calendar has not. Returns the result.
    pub(crate) fn unless_dated<'a>(
        &mut self,
        read: Option<PartialDate>,
        written: impl IntoIterator<Item = &'a str>,
    ) -> Option<PartialDate> {
        if read.is_some_and(|date| date.whole().is_some()) {
            return read;
        }
        let mut written = written.into_iter();
        match read {
            None => self.note(Part::Date, written.next().unwrap_or_default()),
            Some(_) => {
                let mut impossible = written.filter(|date| dates::is_impossible(date));
                if let Some(date) = impossible.next() {
                    self.note(Part::Date, date);
                }
            }
        }
        read
    }

    /// The same for a JSON value, which is serialised only if it is noted.
    pub(crate) fn unless_in<T>(&mut self, value: &Value, read: Option<T>, part: Part) -> Option<T> {
        if read.is_none() {
            self.note(part, &prose::shown(value));
        }
        read
    }
}

/// Whether a value only says that there is none.
pub(crate) fn is_no_value(value: &str) -> bool {
    let value = value.trim();
    let is_listed = || {
        let lower = value.to_lowercase();
        let is_bare_address = lower.trim_end_matches('/').ends_with("doi.org");
        let is_said = NO_VALUES.contains(&&*lower) || lower.starts_with("no ");
        is_said || is_bare_address || is_zeros(&lower)
    };
    value.is_empty() || (value.len() <= 32 && is_listed())
}

/// Whether it is nothing but zeros, as the date `0000-00-00` is.
fn is_zeros(value: &str) -> bool {
    let is_part = |c: char| matches!(c, '0' | '-' | '/' | '.' | ':' | ' ');
    value.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_that_there_is_no_value_is_not_noted() {
        let mut notes = Notes::default();
        for value in [
            "",
            " ",
            "n/a",
            "N/A",
            "None",
            "NaN",
            "-",
            "0000-00-00",
            "0.0",
            "no doi",
            "<NA>",
        ] {
            notes.note(Part::Doi, value);
        }
        assert_eq!(notes, Notes::default());
        for value in ["xyz", "north", "1", "2019x"] {
            assert!(!is_no_value(value), "{value}");
        }
    }

    #[test]
    fn a_note_says_what_and_how_it_stands() {
        let mut notes = Notes::default();
        assert_eq!(
            notes.unless(None::<u8>, Part::Date, Some("Spring\t\"x\"")),
            None
        );
        assert_eq!(notes.unless(Some(1), Part::Date, Some("x")), Some(1));
        let shown: Vec<String> = notes.0.iter().map(Ignored::to_string).collect();
        assert_eq!(shown, [r#"date ignored: "Spring \"x\"""#]);
        (0..999).for_each(|_| notes.note(Part::Id, "x"));
        assert_eq!(notes.0.len(), MAX_NOTED);
    }
}
