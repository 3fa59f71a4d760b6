//! Which follow each paper is shown under, and what is shown.
//!
//! ```text
//! each follow's papers, best first ──► one follow a paper ──► shown, and the rest
//! ```
//!
//! A paper that several follows match is under the one in which it ranks best. If that one shows enough
//! already, it is under the next that has room. A follow for authors or categories alone ranks by date,
//! which says nothing. If it shows all of its papers, they are under it; otherwise other follows come
//! first.
//!
//! Invariant: every paper of every follow is in exactly one place, among the shown papers of a follow
//! or among the rest of one. It names the other follows. It carries the duplicates and the ids that
//! it has under any of them.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::entry::Entry;
use crate::paper::PaperId;

/// The papers of one follow.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// The follow's name.
    pub(super) follow: String,
    /// The papers, best first.
    pub(super) entries: Vec<Entry>,
    /// Number of papers to show; 0 for all.
    pub(super) max: usize,
}

/// What is under one follow.
#[derive(Debug, Default)]
pub(super) struct Assigned {
    /// The papers that are shown, best first.
    pub(super) shown: Vec<Entry>,
    /// The rest, best first.
    pub(super) rest: Vec<Entry>,
}

/// A paper under one of the follows that match it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct FollowPlace {
    follow: usize,
    /// Its place among the follow's papers.
    at: usize,
    /// The paper, the same under all follows.
    work: usize,
}

/// Assigns each paper to one follow; the result is in the order of the follows.
pub(super) fn assign(matched: &[Matched]) -> Vec<Assigned> {
    let in_order = places(matched);
    let mut of_work: HashMap<usize, Vec<FollowPlace>> = HashMap::new();
    for place in &in_order {
        of_work.entry(place.work).or_default().push(*place);
    }
    let mut best_first = in_order.clone();
    best_first.sort_by(|a, b| better_first(matched, a, b));
    let shown = shown(matched, &best_first);
    let mut rest: HashMap<usize, FollowPlace> = HashMap::new();
    for place in best_first.iter().filter(|p| !shown.contains_key(&p.work)) {
        rest.entry(place.work).or_insert(*place);
    }
    let mut assigned: Vec<Assigned> = matched.iter().map(|_| Assigned::default()).collect();
    for place in &in_order {
        let entry = || joined(matched, &of_work[&place.work], place);
        let into = &mut assigned[place.follow];
        if shown.get(&place.work) == Some(place) {
            into.shown.push(entry());
        } else if rest.get(&place.work) == Some(place) {
            into.rest.push(entry());
        }
    }
    assigned
}

/// Where each paper is shown: the best of its places whose follow has room.
fn shown(matched: &[Matched], best_first: &[FollowPlace]) -> HashMap<usize, FollowPlace> {
    let mut shown: HashMap<usize, FollowPlace> = HashMap::new();
    let mut n_shown = vec![0; matched.len()];
    for place in best_first {
        let max = matched[place.follow].max;
        let has_room = max == 0 || n_shown[place.follow] < max;
        if has_room && !shown.contains_key(&place.work) {
            shown.insert(place.work, *place);
            n_shown[place.follow] += 1;
        }
    }
    shown
}

fn better_first(matched: &[Matched], a: &FollowPlace, b: &FollowPlace) -> Ordering {
    let entry = |place: &FollowPlace| &matched[place.follow].entries[place.at];
    let at = |place: &FollowPlace| {
        let Matched { entries, max, .. } = &matched[place.follow];
        match entry(place).similarity {
            Some(_) => place.at + 1,
            None if *max == 0 || entries.len() <= *max => 0,
            None => usize::MAX,
        }
    };
    let closer_than = |place: &FollowPlace| entry(place).closer_than.unwrap_or(0.0);
    let similarity = |place: &FollowPlace| entry(place).similarity.unwrap_or(0.0);
    at(a)
        .cmp(&at(b))
        .then_with(|| closer_than(b).total_cmp(&closer_than(a)))
        .then_with(|| similarity(b).total_cmp(&similarity(a)))
        .then_with(|| (a.follow, a.at).cmp(&(b.follow, b.at)))
}

/// Every paper of every follow. Entries that share an id are the same paper.
fn places(matched: &[Matched]) -> Vec<FollowPlace> {
    let mut places = Vec::new();
    let mut of_id: HashMap<&PaperId, usize> = HashMap::new();
    // Works that turn out to be the same: each with an earlier one, or with itself.
    let mut same: Vec<usize> = Vec::new();
    for (follow, found) in matched.iter().enumerate() {
        for (at, entry) in found.entries.iter().enumerate() {
            let work = same.len();
            same.push(work);
            for id in &entry.ids {
                let known = root(&same, *of_id.entry(id).or_insert(work));
                let here = root(&same, work);
                same[known.max(here)] = known.min(here);
            }
            places.push(FollowPlace { follow, at, work });
        }
    }
    for place in &mut places {
        place.work = root(&same, place.work);
    }
    places
}

fn root(same: &[usize], mut work: usize) -> usize {
    while same[work] != work {
        work = same[work];
    }
    work
}

/// The entry at a place, with what it has at the others of the same paper.
fn joined(matched: &[Matched], places: &[FollowPlace], place: &FollowPlace) -> Entry {
    let mut entry = matched[place.follow].entries[place.at].clone();
    for other in places.iter().filter(|other| *other != place) {
        let name = &matched[other.follow].follow;
        let twin = &matched[other.follow].entries[other.at];
        if other.follow != place.follow && !entry.also_in.contains(name) {
            entry.also_in.push(name.clone());
        }
        for brief in std::iter::once(&twin.brief).chain(&twin.folded) {
            let mut known = std::iter::once(&entry.brief).chain(&entry.folded);
            if known.all(|known| known.id != brief.id) {
                entry.folded.push(brief.clone());
            }
        }
        for id in &twin.ids {
            if !entry.ids.contains(id) {
                entry.ids.push(id.clone());
            }
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Brief;
    use crate::paper::Paper;

    /// An entry that has these ids, the first its own; `percent` is what it is closer than.
    fn entry(ids: &str, percent: Option<f64>) -> Entry {
        let ids: Vec<PaperId> = ids
            .split(' ')
            .map(|id| PaperId::parse(id).unwrap())
            .collect();
        let brief = |id: &PaperId| Brief::new(&Paper::new(id.clone(), "T", ""));
        Entry {
            brief: brief(&ids[0]),
            authors: Vec::new(),
            categories: Vec::new(),
            similarity: percent.map(|_| 0.5),
            closer_than: percent,
            closer_than_recent: None,
            also_in: Vec::new(),
            sentence: None,
            why: String::new(),
            folded: ids[1..].iter().map(brief).collect(),
            related: Vec::new(),
            ids,
        }
    }

    fn matched(follow: &str, max: usize, entries: &[&str]) -> Matched {
        Matched {
            follow: follow.to_owned(),
            entries: entries.iter().map(|ids| entry(ids, Some(99.9))).collect(),
            max,
        }
    }

    /// Each follow's papers, those after the bar folded: `a+graphs b | c`.
    fn told(assigned: &[Assigned]) -> Vec<String> {
        let told = |entries: &[Entry]| {
            let each = entries.iter().map(|entry| {
                let mut parts = vec![entry.brief.id.to_string()];
                parts.extend(entry.also_in.iter().cloned());
                parts.join("+")
            });
            each.collect::<Vec<_>>().join(" ")
        };
        let each = assigned.iter();
        each.map(|under| format!("{} | {}", told(&under.shown), told(&under.rest)))
            .collect()
    }

    #[test]
    fn a_paper_is_where_it_ranks_best_and_names_the_others() {
        let both = [
            matched("one", 10, &["a", "b", "c"]),
            matched("two", 10, &["c", "a", "d"]),
        ];
        assert_eq!(told(&assign(&both)), ["a+two b | ", "c+one d | "]);
    }

    #[test]
    fn of_equal_places_the_closer_one_counts_then_the_first_follow() {
        let mut both = [matched("one", 10, &["a"]), matched("two", 10, &["a"])];
        assert_eq!(told(&assign(&both)), ["a+two | ", " | "]);
        both[1].entries[0].closer_than = Some(99.95);
        assert_eq!(told(&assign(&both)), [" | ", "a+one | "]);
    }

    #[test]
    fn the_rest_is_counted_once_and_a_follow_with_room_shows_it() {
        let both = [
            matched("one", 2, &["a", "b", "c", "d"]),
            matched("two", 2, &["x", "d", "c", "e"]),
        ];
        assert_eq!(told(&assign(&both)), ["a b | c+two", "x d+one | e"]);
        let roomy = [
            matched("one", 1, &["a", "b"]),
            matched("two", 0, &["x", "y", "b"]),
        ];
        assert_eq!(told(&assign(&roomy)), ["a | ", "x y b+one | "]);
    }

    #[test]
    fn a_follow_for_authors_keeps_its_papers() {
        let mut by_author = matched("author", 10, &["z", "a"]);
        by_author.entries = vec![entry("z", None), entry("a", None)];
        let mut both = [matched("one", 10, &["a", "b"]), by_author];
        assert_eq!(told(&assign(&both)), ["b | ", "z a+one | "]);
        // Of a whole category, more than it shows, others come first.
        both[1].max = 1;
        assert_eq!(told(&assign(&both)), ["a+author b | ", "z | "]);
    }

    #[test]
    fn duplicates_that_one_follow_folds_are_the_same_paper_for_all() {
        let three = [
            matched("one", 10, &["d"]),
            matched("two", 10, &["p"]),
            matched("three", 10, &["p d q"]),
        ];
        let assigned = assign(&three);
        assert_eq!(told(&assigned), ["d+two+three | ", " | ", " | "]);
        let entry = &assigned[0].shown[0];
        let folded: Vec<String> = entry.folded.iter().map(|b| b.id.to_string()).collect();
        assert_eq!(folded, ["p", "q"]);
        assert_eq!(entry.ids.len(), 3);
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_there_twice() {
        let mut dice = akin_testing::Dice::new(3);
        for _ in 0..200 {
            let n_follows = 1 + dice.below(5);
            let all: Vec<Matched> = (0..n_follows)
                .map(|i| {
                    let n = dice.below(12);
                    let ids: std::collections::BTreeSet<String> =
                        (0..n).map(|_| format!("p{}", dice.below(20))).collect();
                    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                    matched(&i.to_string(), dice.below(4), &ids)
                })
                .collect();
            let ids = |entries: &[Entry]| -> Vec<String> {
                let ids = entries.iter().map(|entry| entry.brief.id.to_string());
                ids.collect()
            };
            let mut expected: Vec<String> = all.iter().flat_map(|m| ids(&m.entries)).collect();
            let n_pairs = expected.len();
            expected.sort();
            expected.dedup();
            let assigned = assign(&all);
            let entries = || assigned.iter().flat_map(|a| a.shown.iter().chain(&a.rest));
            let mut found: Vec<String> = entries().map(|e| e.brief.id.to_string()).collect();
            found.sort();
            assert_eq!(found, expected);
            let n_named: usize = entries().map(|entry| 1 + entry.also_in.len()).sum();
            assert_eq!(n_named, n_pairs);
            for (matched, assigned) in all.iter().zip(&assigned) {
                assert!(matched.max == 0 || assigned.shown.len() <= matched.max);
            }
        }
    }
}
