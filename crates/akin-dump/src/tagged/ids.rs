//! Ids as bibliographies write them: in fields of their own, in addresses, in notes.
//!
//! In: the value of a field. Out: the ids in it, added to a [`RawRecord`]. Only ids of kinds that
//! [`PaperId`] knows are taken. Numbers and keys of somebody's own library mean nothing outside it,
//! and two libraries that count from 1 would be taken for one.

use akin_base::paper::{IdKind, PaperId, arxiv_version, without_end};

use crate::ignored::Part;
use crate::record::RawRecord;
use crate::text::clean::clean;

/// Ids of one record that are kept, at most.
const MAX_IDS: usize = 64;

/// Adds the DOIs in a field for them: bare, with a prefix, as addresses, or several.
pub(crate) fn add_dois(found: &mut RawRecord<'_>, value: &str) {
    let cleaned = clean(value);
    for word in cleaned.split_whitespace() {
        let Some(at) = word.find("10.") else { continue };
        add_known(found, without_end(&word[at..]));
    }
}

/// The same for the field for DOIs alone; an invalid value is noted.
pub(super) fn add_due_dois(found: &mut RawRecord<'_>, value: &str) {
    let is_doi = |word: &str| {
        let at = word.find("10.");
        let id = at.and_then(|at| PaperId::parse(without_end(&word[at..])));
        id.is_some_and(|id| id.kind().is_some())
    };
    if !clean(value).split_whitespace().any(is_doi) {
        found.notes.note(Part::Doi, value);
    }
    add_dois(found, value);
}

/// Adds the id in an address, if it is one of a known kind.
pub(crate) fn add_address(found: &mut RawRecord<'_>, address: &str) {
    for word in address.split_whitespace() {
        let lower = word.to_ascii_lowercase();
        if lower.contains("://") || lower.starts_with("doi:") || lower.starts_with("arxiv:") {
            add_known(found, without_end(word));
            add_central(found, word);
        }
    }
}

/// Adds the ids that a note begins with: `PMID: 12345678`, `arXiv:2503.11731 [cs]`,
/// `arXiv preprint arXiv:2503.11731`, one after another.
///
/// Ids inside a sentence are more often those of other papers ("Comment on arXiv:2503.11731").
pub(crate) fn add_noted(found: &mut RawRecord<'_>, note: &str) {
    let mut words = note.split_whitespace();
    while let Some(word) = words.next() {
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        let name = name.to_ascii_lowercase();
        let kind = match &*name {
            "pmid" => IdKind::Pmid,
            "pmcid" => IdKind::Pmcid,
            "arxiv" => IdKind::Arxiv,
            "doi" => IdKind::Doi,
            "preprint" | "e-prints" => continue,
            _ if name.starts_with('[') => continue,
            _ => return,
        };
        if word.contains(':') {
            let value = if value.is_empty() {
                words.next().unwrap_or("")
            } else {
                value
            };
            if let Some(id) = PaperId::of_kind(kind, without_end(value)) {
                add_known(
                    found,
                    if kind == IdKind::Arxiv {
                        without_end(value)
                    } else {
                        id.as_str()
                    },
                );
            }
        }
    }
}

/// Adds an arXiv id and notes its version.
pub(crate) fn add_arxiv(found: &mut RawRecord<'_>, spelling: &str) {
    if PaperId::of_kind(IdKind::Arxiv, spelling).is_some() {
        add_known(found, spelling);
    }
}

/// Adds an id whose kind its spelling shows.
fn add_known(found: &mut RawRecord<'_>, spelling: &str) {
    let Some(id) = PaperId::parse(spelling).filter(|_| found.ids.len() < MAX_IDS) else {
        return;
    };
    if id.kind().is_some() {
        found.add_spelling(spelling);
    }
    if id.is_arxiv() {
        found.version = found.version.or_else(|| arxiv_version(spelling));
    }
}

/// Adds the id of PubMed Central that an address of one of its partners ends with.
fn add_central(found: &mut RawRecord<'_>, address: &str) {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let last = path.trim_end_matches('/').rsplit('/').next();
    if let Some(last) = last.filter(|last| last.starts_with("PMC")) {
        found.add_id(IdKind::Pmcid, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(add: impl Fn(&mut RawRecord<'_>, &str), value: &str, expected: &[&str]) {
        let mut found = RawRecord::default();
        add(&mut found, value);
        // Duplicates are dropped when the record is made.
        let mut ids: Vec<&str> = found.ids.iter().map(PaperId::as_str).collect();
        ids.dedup();
        assert_eq!(ids, expected, "{value}");
    }

    #[test]
    fn dois_are_found_in_their_field() {
        for value in [
            "10.1000/AbC",
            "https://doi.org/10.1000/abc",
            "http://dx.doi.org/10.1000/ABC.",
            "doi: 10.1000/abc",
            "DOI 10.1000/abc [doi]",
            "10.1000/abc; 10.1000/abc",
        ] {
            check(add_dois, value, &["10.1000/abc"]);
        }
        check(
            add_dois,
            "10.1175/1520-0469(1996)053&lt;0946:ASTFHH&gt;2.0.CO;2",
            &["10.1175/1520-0469(1996)053<0946:astfhh>2.0.co;2"],
        );
        check(add_dois, r"10.1007/978-3-030\_7", &["10.1007/978-3-030_7"]);
        check(add_dois, "10.48550/arXiv.2503.11731", &["2503.11731"]);
        check(add_dois, "https://doi.org/S1532-0464(18)30051-0", &[]);
        check(add_dois, "none", &[]);
    }

    #[test]
    fn addresses_are_ids_where_the_host_is_known() {
        check(
            add_address,
            "http://arxiv.org/pdf/2111.09920v2.pdf https://doi.org/10.1000/x",
            &["2111.09920", "10.1000/x"],
        );
        check(
            add_address,
            "http://www.ncbi.nlm.nih.gov/pubmed/22752652",
            &["pmid:22752652"],
        );
        check(
            add_address,
            "http://europepmc.org/articles/PMC3553406?pdf=render",
            &["PMC3553406"],
        );
        for other in ["https://lens.org/000-463", "W2741809807", "see below", ""] {
            check(add_address, other, &[]);
        }
    }

    #[test]
    fn notes_name_ids() {
        check(
            add_noted,
            "PMID: 31234567; PMCID: PMC42, arXiv:2503.11731v2 [cs] doi:10.1000/x. see doi:10.1000/y",
            &["pmid:31234567", "PMC42", "2503.11731", "10.1000/x"],
        );
        check(
            add_noted,
            "arXiv preprint arXiv:2503.11731",
            &["2503.11731"],
        );
        check(add_noted, "Comment on arXiv:2503.11731", &[]);
        check(add_noted, "PMID: n/a", &[]);
    }

    #[test]
    fn the_version_of_an_arxiv_id_is_kept() {
        let mut found = RawRecord::default();
        add_arxiv(&mut found, "2503.11731v3");
        add_arxiv(&mut found, "not one");
        assert_eq!((found.ids.len(), found.version), (1, Some(3)));
    }
}
