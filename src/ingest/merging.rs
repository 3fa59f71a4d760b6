//! The paper that its sources make, field by field.
//!
//! In: the records of one paper, one a source. Out: the paper. Each field takes the best value.
//! Values are compared by how exact and how complete they are, then by the [authority](Authority)
//! of their source. Then the newer version, update or listing wins, then the source with more
//! public ids, then the value itself.
//!
//! | field | the better value |
//! |---|---|
//! | id | one of the world before one of a collection, in the order of [`IdKind`](crate::paper::IdKind) |
//! | title | a title before the beginning of a text, a whole one before one that was cut, one in mixed case before one in capitals |
//! | abstract | a whole one before one that was cut or is a few words, and that before a note without a title |
//! | authors | the word of a catalogue, then the longer list, then the fuller names |
//! | categories | the word of a registry, then codes of arXiv before keywords |
//! | published | a day before a month before a year, then the earliest; nothing if it is only the year of an update |
//! | journal | a journal before an archive of preprints |
//! | version, updated, votes | the latest, the most |
//! | listed | the first |
//! | aliases | all ids of all sources |
//!
//! Invariant: the order of the sources does not matter.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::library::SourceRecord;
use crate::paper::{Authority, Notice, Paper, PaperId, PartialDate, RawText};

/// Words from which a text says enough to be an abstract.
const MIN_WORDS: usize = 20;

/// Names of preprint archives that appear as a journal, in small letters.
const ARCHIVES: [&str; 4] = ["arxiv", "corr", "biorxiv", "medrxiv"];

/// Makes the paper of its sources; there must be at least one.
///
/// `withheld` are ids that sources have and that are those of other papers; `own` is the id of a
/// paper all of whose ids are.
pub(super) fn merged(
    sources: &[SourceRecord],
    withheld: &BTreeSet<PaperId>,
    own: &PaperId,
) -> Paper {
    if let [only] = sources
        && withheld.is_empty()
    {
        return only.paper.clone();
    }
    let title = best(sources, title_rank);
    let text = best(sources, text_rank);
    let taken = |rank: fn(&SourceRecord) -> Rank| &best(sources, rank).paper;
    let papers = || sources.iter().map(|source| &source.paper);
    let id = own_id(sources, withheld).unwrap_or(own).clone();
    Paper {
        aliases: aliases(sources, withheld, &id),
        version: version(sources),
        title: title.paper.title.clone(),
        abstract_text: text.paper.abstract_text.clone(),
        authors: taken(authors_rank).authors.clone(),
        categories: taken(categories_rank).categories.clone(),
        published: published(sources),
        updated: papers().filter_map(|paper| paper.updated).max(),
        listed: papers().filter_map(|paper| paper.listed).min(),
        comment: taken(comment_rank).comment.clone(),
        journal: taken(journal_rank).journal.clone(),
        volume: taken(volume_rank).volume.clone(),
        upvotes: papers().filter_map(|paper| paper.upvotes).max(),
        n_comments: papers().filter_map(|paper| paper.n_comments).max(),
        submitter: papers().filter_map(|paper| paper.submitter.clone()).min(),
        notice: notice(sources),
        raw: raw(&title.paper, &text.paper),
        id,
    }
}

/// The id of a paper: the best of its sources' own.
fn own_id<'a>(sources: &'a [SourceRecord], withheld: &BTreeSet<PaperId>) -> Option<&'a PaperId> {
    let own = sources.iter().map(|source| &source.paper.id);
    let free = own.filter(|id| !withheld.contains(id));
    free.min_by_key(|id| (id.kind().is_none(), id.kind(), id.is_made(), *id))
}

/// All other ids, those of the world first.
fn aliases(sources: &[SourceRecord], withheld: &BTreeSet<PaperId>, id: &PaperId) -> Vec<PaperId> {
    let ids = sources.iter().flat_map(|source| {
        let paper = &source.paper;
        std::iter::once(&paper.id).chain(&paper.aliases)
    });
    let distinct: BTreeSet<&PaperId> = ids.collect();
    let mut aliases: Vec<PaperId> = distinct
        .into_iter()
        .filter(|alias| *alias != id && !withheld.contains(alias))
        .cloned()
        .collect();
    aliases.sort_by_key(|alias| (alias.kind().is_none(), alias.kind()));
    aliases
}

/// How good a value is: numbers that are compared one after another, then the value itself.
type Rank = (Vec<i64>, String);

fn best(sources: &[SourceRecord], rank: fn(&SourceRecord) -> Rank) -> &SourceRecord {
    let best = sources.iter().max_by_key(|source| rank(source));
    best.expect("a paper has a source at least")
}

/// Breaks ties between sources with equally good values.
fn standing(source: &SourceRecord) -> [i64; 5] {
    let paper = &source.paper;
    let number = |day: Option<PartialDate>| {
        day.map_or(0, |day| {
            let part = |part: Option<i8>| part.map_or(0, i64::from);
            i64::from(day.year()) * 10_000 + part(day.month()) * 100 + part(day.day())
        })
    };
    let version = paper.version.map_or(0, i64::from);
    let ids = std::iter::once(&paper.id).chain(&paper.aliases);
    let n_of_world = ids.filter(|id| id.kind().is_some()).count();
    [
        source.authority as i64,
        version,
        number(paper.updated),
        number(paper.listed.map(PartialDate::from)),
        n_of_world as i64,
    ]
}

fn rank(source: &SourceRecord, quality: &[i64], value: String) -> Rank {
    let length = value.chars().count() as i64;
    let mut numbers = quality.to_vec();
    numbers.extend(standing(source));
    numbers.push(length);
    (numbers, value)
}

fn title_rank(source: &SourceRecord) -> Rank {
    let title = &source.paper.title;
    let has_case = title.contains(char::is_lowercase) && title.contains(char::is_uppercase);
    let quality = [
        i64::from(!source.paper.is_untitled()),
        i64::from(!is_cut(title)),
        i64::from(has_case || !title.contains(char::is_alphabetic)),
        // Indexes end every title so.
        i64::from(!title.ends_with('.')),
    ];
    rank(source, &quality, title.clone())
}

fn text_rank(source: &SourceRecord) -> Rank {
    let text = &source.paper.abstract_text;
    let quality = match () {
        () if text.is_empty() => 0,
        () if source.paper.is_untitled() => 1,
        () if is_cut(text) => 2,
        () if text.split_whitespace().count() < MIN_WORDS => 3,
        () => 4,
    };
    rank(source, &[quality], text.clone())
}

fn authors_rank(source: &SourceRecord) -> Rank {
    let authors = &source.paper.authors;
    let is_of_catalogue = source.authority >= Authority::Catalogue;
    let quality = [
        i64::from(!authors.is_empty()),
        i64::from(is_of_catalogue),
        authors.len() as i64,
        authors.iter().map(|name| name.chars().count() as i64).sum(),
    ];
    rank(source, &quality, authors.join("\n"))
}

fn categories_rank(source: &SourceRecord) -> Rank {
    let categories = &source.paper.categories;
    let has_codes = categories.iter().any(|category| is_code(category));
    let quality = [
        i64::from(!categories.is_empty()),
        i64::from(source.authority == Authority::Registry),
        i64::from(has_codes),
    ];
    rank(source, &quality, categories.join("\n"))
}

fn comment_rank(source: &SourceRecord) -> Rank {
    let comment = source.paper.comment.clone().unwrap_or_default();
    rank(source, &[i64::from(!comment.is_empty())], comment)
}

fn journal_rank(source: &SourceRecord) -> Rank {
    let journal = source.paper.journal.clone().unwrap_or_default();
    let lower = journal.to_lowercase();
    let is_archive = ARCHIVES.iter().any(|name| lower.starts_with(name));
    let quality = [i64::from(!journal.is_empty()), i64::from(!is_archive)];
    rank(source, &quality, journal)
}

fn volume_rank(source: &SourceRecord) -> Rank {
    let (quality, journal) = journal_rank(source);
    let mut ranked = vec![i64::from(source.paper.volume.is_some())];
    ranked.extend(quality);
    (ranked, journal)
}

/// The latest version, of those that arXiv counts if it is a source.
fn version(sources: &[SourceRecord]) -> Option<u32> {
    let latest = |of_arxiv: bool| {
        let papers = sources.iter().map(|source| &source.paper);
        let counted = papers.filter(|paper| paper.id.is_arxiv() || !of_arxiv);
        counted.filter_map(|paper| paper.version).max()
    };
    latest(true).or_else(|| latest(false))
}

/// The most exact date, and of those the earliest.
fn published(sources: &[SourceRecord]) -> Option<PartialDate> {
    let dates = sources.iter().filter_map(|source| source.paper.published);
    let best = dates.max_by_key(|date| (exactness(*date), Reverse(date.first()), *date))?;
    // A year says less than the day of an update in it.
    let is_exact = |date| exactness(date) > Exactness::MaybeYear;
    let mut updates = sources.iter().filter_map(|source| source.paper.updated);
    let is_known = updates.any(|day| day.year() == best.year() && is_exact(day));
    (is_exact(best) || !is_known).then_some(best)
}

/// How exact a date is. Many sources write a year as its first day, and a month likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    /// It is a year.
    Year,
    /// It is the first day of a year.
    MaybeYear,
    /// It is a month, or the first day of one.
    Month,
    /// It is another day.
    Day,
}

fn exactness(date: PartialDate) -> Exactness {
    match (date.month(), date.day()) {
        (None, _) => Exactness::Year,
        (Some(1), Some(1)) => Exactness::MaybeYear,
        (_, None | Some(1)) => Exactness::Month,
        _ => Exactness::Day,
    }
}

/// What any source says of the paper's status; a retraction is the later word.
fn notice(sources: &[SourceRecord]) -> Option<Notice> {
    let said = |notice| {
        sources
            .iter()
            .any(|source| source.paper.notice == Some(notice))
    };
    [Notice::Withdrawn, Notice::Retracted]
        .into_iter()
        .find(|notice| said(*notice))
}

/// Title and abstract as they stood in the dumps that they were taken from.
fn raw(title: &Paper, text: &Paper) -> Option<Box<RawText>> {
    if title.raw.is_none() && text.raw.is_none() {
        return None;
    }
    let raw = |paper: &Paper| match &paper.raw {
        Some(raw) => (**raw).clone(),
        None => RawText {
            title: paper.title.clone(),
            abstract_text: paper.abstract_text.clone(),
        },
    };
    Some(Box::new(RawText {
        title: raw(title).title,
        abstract_text: raw(text).abstract_text,
    }))
}

/// Whether a text ends in the marks of one that was cut.
fn is_cut(text: &str) -> bool {
    let text = text.trim_end_matches([']', ')', ' ']);
    text.ends_with("...") || text.ends_with('…') || text.ends_with("[truncated")
}

/// Whether a category is a code as arXiv has them: `cs.CL`, `hep-th`.
fn is_code(category: &str) -> bool {
    let (archive, class) = category.split_once('.').unwrap_or((category, ""));
    let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    let is_archive =
        archive.len() >= 2 && archive.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    is_archive && is_word(class) && (!class.is_empty() || archive.contains('-'))
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;

    fn source(collection: &str, authority: Authority, paper: Paper) -> SourceRecord {
        SourceRecord {
            collection: collection.to_owned(),
            authority,
            paper,
            why: String::new(),
            merged: String::new(),
        }
    }

    fn paper(title: &str, text: &str, authors: &[&str]) -> Paper {
        let id = PaperId::parse("1706.03762").unwrap();
        let mut paper = Paper::new(id, title, text);
        paper.authors = authors.iter().map(|&name| name.to_owned()).collect();
        paper
    }

    fn of(sources: &[SourceRecord]) -> Paper {
        let id = sources[0].paper.id.clone();
        let one = merged(sources, &BTreeSet::new(), &id);
        let reversed: Vec<SourceRecord> = sources.iter().rev().cloned().collect();
        assert_eq!(merged(&reversed, &BTreeSet::new(), &id), one);
        one
    }

    const TEXT: &str = "We look at signals in the fog and show that each of them is lost after a while, \
        whatever the observer may do about it on a cold day.";

    #[test]
    fn a_poorer_record_fills_in_what_is_silent_and_nothing_else() {
        let mut rich = paper(
            "Signals in the fog: a survey",
            TEXT,
            &["A. Vas", "N. Sha", "N. Parm", "J. Usz"],
        );
        rich.categories = vec!["cs.CL".into(), "cs.LG".into()];
        rich.published = Some(Date::constant(2017, 6, 12).into());
        rich.comment = Some("3 pages".into());
        let mut poor = paper("signals in the fog", "", &["A. Vas"]);
        poor.categories = vec!["to read".into(), "fog".into()];
        poor.published = Some("2017".parse().unwrap());
        poor.journal = Some("Journal of Fog".into());
        poor.comment = Some("Accessed: 2020-01-01, at a very late hour".into());
        poor.aliases = vec![PaperId::local("b.bib", "vas2017")];
        let both = of(&[
            source("arxiv", Authority::Registry, rich.clone()),
            source("b.bib", Authority::Export, poor),
        ]);
        let expected = Paper {
            journal: Some("Journal of Fog".into()),
            aliases: vec![PaperId::local("b.bib", "vas2017")],
            ..rich
        };
        assert_eq!(both, expected);
    }

    #[test]
    fn of_two_exports_the_whole_and_exact_value_wins() {
        let mut one = paper(
            "Masks on trams",
            TEXT,
            &["Jane Doe", "Richard Roe", "Mia Ek"],
        );
        one.published = Some(Date::constant(2012, 7, 19).into());
        let mut other = paper("MASKS ON TRAMS", "We look at...", &["J. Doe"]);
        other.published = Some(Date::constant(2012, 1, 1).into());
        let export = |name, paper| source(name, Authority::Export, paper);
        assert_eq!(
            of(&[export("a.bib", one.clone()), export("b.ris", other)]),
            one
        );
        let note = Paper::untitled(one.id.clone(), "My notes on this: nice.");
        assert_eq!(
            of(&[export("notes.jsonl", note), export("a.bib", one.clone())]),
            one
        );
        let cut = paper("Masks on...", "", &[]);
        assert_eq!(
            of(&[export("c.csv", cut), export("a.bib", one.clone())]),
            one
        );
    }

    #[test]
    fn an_id_of_the_world_is_the_papers_own() {
        let mut own = paper("Masks on trams", TEXT, &[]);
        own.id = PaperId::local("a.csv", "1");
        let doi = PaperId::parse("10.5555/x").unwrap();
        let mut published = paper("Masks on trams", TEXT, &[]);
        published.id = doi.clone();
        let both = [
            source("a.csv", Authority::Export, own.clone()),
            source("b.bib", Authority::Export, published),
        ];
        assert_eq!(of(&both).id, doi);
        assert_eq!(of(&both).aliases, [own.id.clone()]);
        let withheld = BTreeSet::from([doi]);
        assert_eq!(merged(&both, &withheld, &own.id).id, own.id);
    }
}
