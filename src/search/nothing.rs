//! Why an answer is empty: which filter or which condition lets nothing through.
//!
//! In: a question that found nothing. Out: one sentence. The filters are tested first, each by
//! itself and then together. Then come the conditions in the query, in the same way; then
//! closeness, then the words. Only conditions that the query really had are named.

use fixedbitset::FixedBitSet;

use super::hybrid::with_authors;
use super::query::Matching;
use super::request::Request;
use crate::error::Result;
use crate::index::lexical::{Lexical, WordQuery};
use crate::library::{Filter, Library};

/// Says why nothing was found.
///
/// # Errors
/// What the library fails with.
pub(super) fn why(request: &Request<'_>, matching: Matching) -> Result<String> {
    let Request {
        indexes,
        words,
        query,
        ..
    } = *request;
    if let Some(reason) = of_filter(indexes.library, &query.filter)? {
        return Ok(reason);
    }
    let among = if query.filter.is_empty() {
        ""
    } else {
        " among the papers that pass the filters"
    };
    if let (Ok(lexical), true) = (&indexes.lexical, words.has_conditions()) {
        let keys = indexes.library.allowed_keys(&query.filter)?;
        if let Some(reason) = of_conditions((indexes.library, lexical), words, keys.as_ref()) {
            return Ok(reason + among);
        }
    }
    Ok(match (query.min_percentile, matching) {
        (Some(least), Matching::Dense | Matching::Hybrid) => {
            format!("no paper is that close: none is above the percentile {least}{among}")
        }
        (_, Matching::Lexical) if !words.text().trim().is_empty() => {
            let unless = without(words.conditions());
            format!("nothing has a word of {:?}{unless}{among}", words.text())
        }
        _ if !request.given.is_empty() => format!("there is no other paper{among}"),
        _ => format!("there is no such paper{among}"),
    })
}

/// Names the filters that no paper of a library passes, or says that none passes all of them;
/// `None` if some do.
///
/// # Errors
/// As [`Library::passes_any`].
pub fn of_filter(library: &Library, filter: &Filter) -> Result<Option<String>> {
    let passes = |filter: &Filter| library.passes_any(filter);
    if passes(filter)? {
        return Ok(None);
    }
    let mut named = Vec::new();
    for (part, name) in parts(filter) {
        if !passes(&part)? {
            return Ok(Some(format!("no paper passes the filters: none {name}")));
        }
        named.push(name);
    }
    Ok(Some(match named.len() {
        0 => "there are no papers".to_owned(),
        _ => format!(
            "no paper passes all of the filters: none {}",
            named.join(" and ")
        ),
    }))
}

/// The filters one by one, phrased to follow "paper".
fn parts(filter: &Filter) -> Vec<(Filter, String)> {
    let mut parts = Vec::new();
    let days = match (filter.since, filter.until) {
        (Some(since), None) => Some(format!("is dated {since} or later")),
        (None, Some(until)) => Some(format!("is dated {until} or earlier")),
        (Some(since), Some(until)) => Some(format!("is dated from {since} to {until}")),
        (None, None) => None,
    };
    parts.extend(days.map(|name| {
        let part = Filter {
            since: filter.since,
            until: filter.until,
            ..Filter::default()
        };
        (part, name)
    }));
    let either = |values: &[String]| {
        let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        quoted.join(" or ")
    };
    if !filter.categories.is_empty() {
        let part = Filter {
            categories: filter.categories.clone(),
            ..Filter::default()
        };
        let name = format!("is of the category {}", either(&filter.categories));
        parts.push((part, name));
    }
    if !filter.authors.is_empty() {
        let part = Filter {
            authors: filter.authors.clone(),
            ..Filter::default()
        };
        let name = format!("has an author named {}", either(&filter.authors));
        parts.push((part, name));
    }
    parts
}

/// Names the conditions that no paper with these keys meets, or says that none meets all of them.
/// `None` if some do, or if the lexical index cannot say.
fn of_conditions(
    (library, lexical): (&Library, &Lexical),
    words: &WordQuery,
    keys: Option<&FixedBitSet>,
) -> Option<String> {
    let is_met = |question: &WordQuery| {
        let by_words = if question.has_indexed_conditions() {
            Some(lexical.matching(question).ok()??)
        } else {
            None
        };
        let by_authors = Filter::default();
        let by_authors = with_authors(&by_authors, question);
        let by_authors = library.allowed_keys(&by_authors).ok()?;
        let sets = [by_words, by_authors, keys.cloned()];
        let all = sets.into_iter().flatten().reduce(|mut all, set| {
            all.intersect_with(&set);
            all
        });
        Some(all.is_none_or(|all| !all.is_clear()))
    };
    if is_met(words)? {
        return None;
    }
    let all = words.conditions();
    let alone = all
        .iter()
        .position(|one| is_met(&WordQuery::parse(one)) == Some(false));
    Some(match alone {
        Some(place) => said(&all[place..=place]),
        None => said(all),
    })
}

/// Conditions that nothing meets, as a sentence: `nothing has lead and gold without tin`.
fn said(conditions: &[String]) -> String {
    let wanted = conditions.iter().filter(|one| forbidden(one).is_none());
    let wanted: Vec<String> = wanted
        .map(|one| named(one.trim_start_matches('+')))
        .collect();
    let unless = without(conditions);
    if wanted.is_empty() {
        format!("nothing is{unless}")
    } else {
        format!("nothing has {}{unless}", wanted.join(" and "))
    }
}

/// What conditions forbid, as a phrase after a space; empty if they forbid nothing.
fn without(conditions: &[String]) -> String {
    let forbidden = conditions.iter().filter_map(|one| forbidden(one));
    let names: Vec<String> = forbidden.map(named).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" without {}", names.join(" or "))
    }
}

/// What a condition forbids, if it forbids.
fn forbidden(condition: &str) -> Option<&str> {
    condition.strip_prefix('-')
}

/// Alternatives of one field, as they were written: `cat:cs or cat:math`.
fn named(condition: &str) -> String {
    if condition.contains('"') {
        condition.to_owned()
    } else {
        condition.replace(' ', " or ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_said_as_they_were_meant() {
        let check = |question: &str, expected: &str| {
            let words = WordQuery::parse(question);
            assert_eq!(said(words.conditions()), expected);
        };
        check("grease +pumps", "nothing has pumps");
        check("grease -pumps", "nothing is without pumps");
        check(
            "+lead a +\"white gold\" -tin -cat:math title:ore",
            "nothing has lead and \"white gold\" and title:ore without tin or cat:math",
        );
        check("cat:cs x cat:math", "nothing has cat:cs or cat:math");
    }
}
