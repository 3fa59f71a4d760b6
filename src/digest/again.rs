//! A digest that was sent, once more: as it was, or with more or fewer papers of each follow.
//!
//! In: the stored digests of a reader, and a day. Out: one [`Digest`] with the papers of all that were
//! made on that day. Nothing is compared, and nothing is noted.
//!
//! Invariant: with a maximum of 0 it has every paper that these digests showed or counted.

use std::collections::HashSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::entry::{Digest, Entry, Section};
use super::follow::DEFAULT_MAX;
use crate::error::Result;
use crate::library::Library;
use crate::paper::PaperId;

/// Which digest to show once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// The last one with a paper.
    Last,
    /// Those of a day, in the time zone that each was made in.
    Day(Date),
}

/// Numbers of digests in which the last one with a paper is searched, one after the other.
const LOOKED_AT: [usize; 3] = [1, 40, 1200];

/// The sent digests of a reader that have a paper, as one; `None` if there are none. Of some follows
/// only, if `follows` names any. `max` is the number of papers of each follow, 0 for all; as they were
/// sent if `None`.
///
/// # Errors
/// [`Error::Database`](crate::Error::Database), [`Error::Damaged`](crate::Error::Damaged).
pub fn again(
    library: &Library,
    reader: &str,
    which: Earlier,
    follows: &[String],
    max: Option<usize>,
) -> Result<Option<Digest>> {
    let digests = match which {
        Earlier::Last => last(library, reader)?,
        Earlier::Day(day) => of_day(library, reader, day)?,
    };
    let Some(mut digest) = digests.into_iter().reduce(followed_by) else {
        return Ok(None);
    };
    if !follows.is_empty() {
        digest.sections = sections_of(&digest.sections, follows);
    }
    for section in &mut digest.sections {
        // Of a follow by itself there may be nothing but the rest of others.
        let max = max.or_else(|| section.entries.is_empty().then_some(DEFAULT_MAX));
        if let Some(max) = max {
            section.show(max);
        }
    }
    Ok(Some(digest))
}

/// The sections of some follows, with their papers that were under others.
fn sections_of(sections: &[Section], follows: &[String]) -> Vec<Section> {
    let (named, others): (Vec<&Section>, Vec<&Section>) =
        sections.iter().partition(|s| follows.contains(&s.follow));
    let mut taken: HashSet<&PaperId> = HashSet::new();
    let mut of_follows = Vec::with_capacity(named.len());
    for section in named {
        let mut section = section.clone();
        for other in &others {
            let parts = [
                (&other.entries, &mut section.entries),
                (&other.more, &mut section.more),
            ];
            for (entries, into) in parts {
                let also = entries
                    .iter()
                    .filter(|e| e.also_in.contains(&section.follow));
                for entry in also.filter(|entry| taken.insert(&entry.brief.id)) {
                    into.push(turned(entry, &section.follow, &other.follow));
                }
            }
        }
        of_follows.push(section);
    }
    of_follows
}

/// A paper of another follow as one of this.
fn turned(entry: &Entry, here: &str, there: &str) -> Entry {
    let mut turned = entry.clone();
    turned.also_in.retain(|name| name != here);
    turned.also_in.insert(0, there.to_owned());
    turned
}

fn last(library: &Library, reader: &str) -> Result<Vec<Digest>> {
    for n in LOOKED_AT {
        for stored in library.sent(reader, n)? {
            let digest = Digest::of_stored(library, &stored)?;
            if !digest.is_empty() {
                return Ok(vec![digest]);
            }
        }
    }
    Ok(Vec::new())
}

/// The digests of a day that have a paper, the oldest first.
fn of_day(library: &Library, reader: &str, day: Date) -> Result<Vec<Digest>> {
    // A day of any time zone is within these.
    let moment = |date: Date| -> Timestamp {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC);
        midnight.map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    };
    let from = moment(day.saturating_sub(2.days()));
    let to = moment(day.saturating_add(3.days()));
    let mut digests = Vec::new();
    for stored in library.sent_of(reader, from, to)? {
        let digest = Digest::of_stored(library, &stored)?;
        if digest.made.date() == day && !digest.is_empty() {
            digests.push(digest);
        }
    }
    digests.reverse();
    Ok(digests)
}

/// Two digests as one: the later, with the papers of the earlier before its own.
fn followed_by(earlier: Digest, mut later: Digest) -> Digest {
    for old in earlier.sections.into_iter().rev() {
        match later.sections.iter_mut().find(|s| s.follow == old.follow) {
            Some(section) => {
                section.n_new += old.n_new;
                section.entries.splice(0..0, old.entries);
                section.more.splice(0..0, old.more);
            }
            None => later.sections.insert(0, old),
        }
    }
    later
}

impl Section {
    /// Shows that number of its papers, 0 for all.
    fn show(&mut self, max: usize) {
        self.entries.append(&mut self.more);
        if max > 0 && self.entries.len() > max {
            self.more = self.entries.split_off(max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_shows_more_or_fewer_and_loses_none() {
        let mut section = Section {
            follow: "a".to_owned(),
            about: String::new(),
            n_new: 5,
            entries: Vec::new(),
            more: Vec::new(),
            follow_key: 1,
            up_to: None,
        };
        let entry: Entry = serde_json::from_str(
            r#"{"id":"p0","title":"T","url":null,"date":null,"listed":null,"authors":[],
                "categories":[],"similarity":null,"closer_than":null,"sentence":null,"why":"",
                "folded":[],"related":[],"ids":["p0"]}"#,
        )
        .unwrap();
        section.entries = vec![entry.clone(), entry.clone()];
        section.more = vec![entry];
        for (max, expected) in [(1, (1, 2)), (0, (3, 0)), (2, (2, 1)), (9, (3, 0))] {
            section.show(max);
            assert_eq!(
                (section.entries.len(), section.more.len()),
                expected,
                "{max}"
            );
        }
    }
}
