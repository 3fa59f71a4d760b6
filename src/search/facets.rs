//! What the papers of an answer have in common: the number of papers per year, per category and per
//! author.
//!
//! In: the best papers, more than are shown. Out: counts, greatest first.

use std::collections::{BTreeMap, BTreeSet};

use super::fusion::RankedCandidate;
use super::hybrid::Candidates;
use super::request::{DEPTH, Request};
use crate::error::{Error, Result};
use crate::name;
use crate::paper::Paper;
use crate::text::fold;

/// Values that are named of categories and authors; years are all named.
const NAMED: usize = 10;

/// Counts of the values that the best papers have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// The papers that were counted.
    pub n_papers: usize,
    /// Years, the latest first.
    pub years: Vec<(String, usize)>,
    /// Categories, the most frequent first.
    pub categories: Vec<(String, usize)>,
    /// Authors, the most frequent first; those of one paper only are left out.
    pub authors: Vec<(String, usize)>,
}

impl Facets {
    /// Counts what the best candidates have in common; damaged papers are left out.
    ///
    /// # Errors
    /// What the library fails with.
    pub(super) fn of_best(
        request: &Request<'_>,
        found: &Candidates,
        ranked: &[RankedCandidate],
    ) -> Result<Facets> {
        let best = ranked.iter().take(DEPTH);
        let papers = best.map(|ranked| found.list[ranked.candidate].paper(request.indexes.library));
        let papers = papers.filter(|paper| !matches!(paper, Err(Error::Damaged { .. })));
        Ok(Facets::new(&papers.collect::<Result<Vec<Paper>>>()?))
    }

    /// Counts papers.
    fn new(papers: &[Paper]) -> Facets {
        let year = |paper: &Paper| paper.date().map(|date| date.year().to_string());
        let mut years = counted(papers.iter().flat_map(year), fold);
        years.sort_by(|a, b| b.0.cmp(&a.0));
        let each = |of: fn(&Paper) -> &[String], key: Key| {
            let once = move |paper| -> Vec<String> {
                let mut met = BTreeSet::new();
                let values = of(paper).iter();
                values.filter(|v| met.insert(key(v))).cloned().collect()
            };
            counted(papers.iter().flat_map(once), key)
        };
        let mut categories = each(|paper| &paper.categories, fold);
        categories.truncate(NAMED);
        let mut authors = each(|paper| &paper.authors, name::words);
        authors.retain(|(_, n)| *n > 1);
        authors.truncate(NAMED);
        Facets {
            n_papers: papers.len(),
            years,
            categories,
            authors,
        }
    }
}

/// What two spellings of one value have in common.
type Key = fn(&str) -> String;

/// Values with how often they are met, whatever their case and accents; spelt as they first are.
fn counted(values: impl Iterator<Item = String>, key: Key) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for value in values {
        counts.entry(key(&value)).or_insert((value, 0)).1 += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_values().collect();
    // Stable: equal counts stay in the order of the alphabet.
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_are_counted_once_by_each_of_what_they_have() {
        let paper = |n: usize, year: &str, categories: &[&str], authors: &[&str]| {
            let id = PaperId::parse(&format!("2401.0000{n}")).unwrap();
            let mut paper = Paper::new(id, "Title", "Abstract");
            paper.published = format!("{year}-01-01").parse().ok();
            paper.categories = categories.iter().map(|c| (*c).to_owned()).collect();
            paper.authors = authors.iter().map(|a| (*a).to_owned()).collect();
            paper
        };
        let facets = Facets::new(&[
            paper(1, "2020", &["cs.CL", "cs.LG"], &["José Pérez", "Ann Lee"]),
            paper(2, "2024", &["cs.LG"], &["Jose Perez", "Jose Perez"]),
            paper(3, "no", &["cs.LG"], &["Bo Li"]),
        ]);
        let of = |pairs: &[(&str, usize)]| -> Vec<(String, usize)> {
            pairs.iter().map(|(v, n)| ((*v).to_owned(), *n)).collect()
        };
        assert_eq!(facets.n_papers, 3);
        assert_eq!(facets.years, of(&[("2024", 1), ("2020", 1)]));
        assert_eq!(facets.categories, of(&[("cs.LG", 3), ("cs.CL", 1)]));
        assert_eq!(facets.authors, of(&[("José Pérez", 2)]));
        assert_eq!(Facets::new(&[]), Facets::default());
    }

    use crate::paper::PaperId;
}
