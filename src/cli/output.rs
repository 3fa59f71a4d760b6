//! What a person or a program reads on stdout, and notes on stderr.

use std::borrow::Cow;
use std::io::{self, Write};

use akin::categories;
use akin::digest::{self, DayPaper, Days, Emphasis, Entry, Rising, Trend, full_byline};
use akin::library::{Library, SourceRecord};
use akin::paper::{Paper, PaperId, PartialDate};
use akin::search::{Answer, Explanation, FoundBy, Hit, Matching, UnknownWord};
use serde::Serialize;

use super::facets;
use super::layout::{counted, json_line, width, wrapped};
use super::terminal::{self, BOLD, CYAN, DIM, END, GREEN};

/// Lines of the abstract under each hit.
const ABSTRACT_LINES: usize = 2;
/// The styles that mark parts of a digest.
pub(super) const MARKS: Emphasis = Emphasis {
    bold: BOLD.mark(),
    dim: DIM.mark(),
    end: END.mark(),
};

/// A hit as programs get it.
#[derive(Serialize)]
struct JsonHit<'a> {
    rank: usize,
    found_by: Option<&'static str>,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rerank_score: Option<f32>,
    similarity: Option<f32>,
    percentile: Option<f64>,
    dense_rank: Option<usize>,
    lexical_rank: Option<usize>,
    word_score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_words: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    duplicates: Vec<&'a str>,
    #[serde(flatten)]
    unknown: JsonUnknown<'a>,
    #[serde(flatten)]
    paper: JsonPaper<'a>,
}

/// Words that no paper has, as programs get them with each hit.
#[derive(Serialize, Clone, Copy)]
struct JsonUnknown<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unknown_words: &'a [JsonUnknownWord<'a>],
}

#[derive(Serialize)]
struct JsonUnknownWord<'a> {
    word: &'a str,
    nearest: &'a [String],
}

impl<'a> From<&'a UnknownWord> for JsonUnknownWord<'a> {
    fn from(unknown: &'a UnknownWord) -> JsonUnknownWord<'a> {
        JsonUnknownWord {
            word: &unknown.word,
            nearest: &unknown.nearest,
        }
    }
}

/// The id of a paper as it is shown: the shortest spelling that finds it in this library.
pub(super) fn spelt(library: &Library, id: &PaperId) -> akin::Result<PaperId> {
    Ok(PaperId::from_stored(&library.spelling_of(id)?))
}

/// A paper as programs get it.
#[derive(Serialize)]
pub(super) struct JsonPaper<'a> {
    #[serde(flatten)]
    paper: Cow<'a, Paper>,
    date: Option<String>,
    url: Option<String>,
}

impl<'a> From<&'a Paper> for JsonPaper<'a> {
    fn from(paper: &'a Paper) -> JsonPaper<'a> {
        let (date, url) = (paper.date(), paper.address());
        let ids = std::iter::once(&paper.id).chain(&paper.aliases);
        let has_local = ids.clone().any(PaperId::is_local);
        // The text before it was cleaned is shown by `akin show --raw` only.
        let paper = if paper.raw.is_some() || has_local {
            Cow::Owned(Paper {
                id: PaperId::from_stored(&paper.id.to_string()),
                aliases: paper
                    .aliases
                    .iter()
                    .map(|id| PaperId::from_stored(id.qualified()))
                    .collect(),
                raw: None,
                ..paper.clone()
            })
        } else {
            Cow::Borrowed(paper)
        };
        JsonPaper {
            date: date.map(|date| date.to_string()),
            url,
            paper,
        }
    }
}

/// One of the records that a paper was merged from, as programs get it.
#[derive(Serialize)]
pub(super) struct JsonSource<'a> {
    source: JsonPaper<'a>,
    collection: &'a str,
    why: Option<&'a str>,
    merged: &'a str,
}

impl<'a> From<&'a SourceRecord> for JsonSource<'a> {
    fn from(source: &'a SourceRecord) -> JsonSource<'a> {
        JsonSource {
            source: JsonPaper::from(&source.paper),
            collection: &source.collection,
            why: Some(source.why.as_str()).filter(|why| !why.is_empty()),
            merged: &source.merged,
        }
    }
}

/// A paper of a day as programs get it.
#[derive(Serialize)]
pub(super) struct JsonDayPaper<'a> {
    rank: usize,
    day: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity: Option<f32>,
    #[serde(flatten)]
    paper: JsonPaper<'a>,
}

impl<'a> JsonDayPaper<'a> {
    pub(super) fn new(rank: usize, paper: &'a DayPaper) -> JsonDayPaper<'a> {
        JsonDayPaper {
            rank,
            day: paper.day.to_string(),
            similarity: paper.similarity,
            paper: JsonPaper::from(&paper.paper),
        }
    }
}

/// A rising paper as programs get it.
#[derive(Serialize)]
pub(super) struct JsonRising<'a> {
    rank: usize,
    score: f64,
    by: &'static str,
    why: String,
    #[serde(flatten)]
    paper: JsonPaper<'a>,
}

impl<'a> JsonRising<'a> {
    pub(super) fn new(rank: usize, rising: &'a Rising) -> JsonRising<'a> {
        JsonRising {
            rank,
            score: rising.score,
            by: match rising.trend {
                Trend::Votes { .. } => "votes",
                Trend::Topic { .. } => "topics",
            },
            why: rising.trend.words(),
            paper: JsonPaper::from(&rising.paper),
        }
    }
}

/// Numbers that are shown of each hit, besides its rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HitColumns {
    similarity: bool,
    percentile: bool,
}

impl HitColumns {
    /// The numbers to show of these hits: closeness where it is the order, or on demand.
    fn of(hits: &[Hit], is_verbose: bool) -> HitColumns {
        let by_meaning = hits.iter().all(|hit| hit.matching == Matching::Dense)
            && hits.is_sorted_by(|a, b| a.similarity >= b.similarity);
        let has_percentile = hits.iter().any(|hit| hit.percentile.is_some());
        HitColumns {
            similarity: is_verbose,
            percentile: (by_meaning || is_verbose) && has_percentile,
        }
    }
}

/// Prints an answer, fitted to the terminal, or as JSON; with as many explanations as hits, or none.
/// A verbose one shows how close each hit is.
pub(super) fn answer(
    answer: &Answer,
    explanations: &[Explanation],
    is_json: bool,
    is_verbose: bool,
) -> io::Result<()> {
    let mut out = terminal::stdout();
    let columns = HitColumns::of(&answer.hits, is_verbose);
    let unknown: Vec<JsonUnknownWord<'_>> = answer.unknown_words.iter().map(Into::into).collect();
    let unknown = JsonUnknown {
        unknown_words: &unknown,
    };
    for (place, hit) in answer.hits.iter().enumerate() {
        let explanation = explanations.get(place);
        if is_json {
            let paper = JsonPaper::from(&hit.paper);
            let shown = JsonHit {
                rank: hit.rank,
                found_by: hit.found_by().map(|by| match by {
                    FoundBy::Meaning => "meaning",
                    FoundBy::Words => "words",
                    FoundBy::Both => "both",
                }),
                score: hit.score,
                rerank_score: hit.rerank_score,
                similarity: hit.similarity,
                percentile: hit.percentile,
                dense_rank: hit.dense_rank,
                lexical_rank: hit.lexical_rank,
                word_score: hit.word_score,
                sentence: explanation.and_then(|explanation| sentence(hit, explanation)),
                shared_words: explanation.map(|explanation| &explanation.words[..]),
                duplicates: hit
                    .duplicates
                    .iter()
                    .map(|paper| paper.id.qualified())
                    .collect(),
                unknown,
                paper,
            };
            json_line(&mut out, &shown)?;
        } else {
            write_hit(&mut out, hit, explanation, columns, width())?;
        }
    }
    if let Some(facets) = &answer.facets {
        facets::write(&mut out, facets, is_json)?;
    }
    out.flush()
}

/// Words of a question that no paper has, as sentences: `no paper has "neutrlino"; did you mean neutrino
/// or neutralino?` Those that are like no other share one.
pub(super) fn unknown_words(unknown: &[UnknownWord]) -> Vec<String> {
    let (like_others, others): (Vec<&UnknownWord>, Vec<&UnknownWord>) = unknown
        .iter()
        .partition(|unknown| !unknown.nearest.is_empty());
    let meant = |unknown: &&UnknownWord| {
        let nearest = either(&unknown.nearest);
        format!("no paper has {:?}; did you mean {nearest}?", unknown.word)
    };
    let mut said: Vec<String> = like_others.iter().map(meant).collect();
    if !others.is_empty() {
        let quoted = |unknown: &&UnknownWord| format!("{:?}", unknown.word);
        let quoted: Vec<String> = others.iter().map(quoted).collect();
        said.push(format!("no paper has {}", either(&quoted)));
    }
    said
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// How few are as close: "top 0.02 %".
pub(super) fn top(percentile: f64) -> String {
    let share = 100.0 - percentile;
    let digits = match share {
        _ if share >= 10.0 => 0,
        _ if share >= 1.0 => 1,
        // Two digits that say something.
        _ => (1.0 - share.max(1e-9).log10().floor()) as usize,
    };
    let number = format!("{share:.digits$}");
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        &number
    };
    format!("top {number} %")
}

/// The sentence of a hit's abstract that explains it.
fn sentence<'a>(hit: &'a Hit, explanation: &Explanation) -> Option<&'a str> {
    let sentence = explanation.sentence.clone()?;
    hit.paper.abstract_text.get(sentence)
}

fn write_hit(
    out: &mut impl Write,
    hit: &Hit,
    explanation: Option<&Explanation>,
    columns: HitColumns,
    width: usize,
) -> io::Result<()> {
    let Hit { rank, paper, .. } = hit;
    let date = paper
        .date()
        .map_or_else(String::new, |date| date.to_string());
    if *rank > 1 {
        writeln!(out)?;
    }
    let found_by = match hit.found_by() {
        Some(FoundBy::Meaning) => "m ",
        Some(FoundBy::Words) => "w ",
        Some(FoundBy::Both) => "mw",
        None => "  ",
    };
    write!(out, "{rank:>3}  {GREEN}{found_by}{GREEN:#}  ")?;
    if let (true, Some(similarity)) = (columns.similarity, hit.similarity) {
        write!(out, "{similarity:.3}  ")?;
    }
    if columns.percentile {
        let top = hit.percentile.map(top).unwrap_or_default();
        write!(out, "{DIM}{top:<12}{DIM:#}  ")?;
    }
    writeln!(out, "{date:<10}  {CYAN}{}{CYAN:#}", paper.id)?;
    let indent = "     ";
    for line in wrapped(&paper.title, width, indent, 3) {
        writeln!(out, "{BOLD}{line}{BOLD:#}")?;
    }
    let byline = byline(paper);
    if !byline.is_empty() {
        for line in wrapped(&byline, width, indent, 1) {
            writeln!(out, "{DIM}{line}{DIM:#}")?;
        }
    }
    if !hit.duplicates.is_empty() {
        let ids: Vec<&str> = hit
            .duplicates
            .iter()
            .map(|paper| paper.id.qualified())
            .collect();
        for line in wrapped(&format!("also {}", ids.join(", ")), width, indent, 2) {
            writeln!(out, "{DIM}{line}{DIM:#}")?;
        }
    }
    let Some(explanation) = explanation else {
        for line in wrapped(&paper.abstract_text, width, indent, ABSTRACT_LINES) {
            writeln!(out, "{line}")?;
        }
        return Ok(());
    };
    if let Some(sentence) = sentence(hit, explanation) {
        for line in wrapped(sentence, width, indent, usize::MAX) {
            writeln!(out, "{line}")?;
        }
    }
    for line in wrapped(&why(hit, explanation), width, indent, 2) {
        writeln!(out, "{DIM}{line}{DIM:#}")?;
    }
    Ok(())
}

/// Prints the heading of a list of days.
pub(super) fn days(out: &mut impl Write, days: &Days) -> io::Result<()> {
    let span = if days.first == days.last {
        days.first.to_string()
    } else {
        format!("{} to {}", days.first, days.last)
    };
    let papers = counted(days.papers.len() as u64, "paper");
    write!(out, "{BOLD}{span}{BOLD:#}  {papers}{DIM}")?;
    if let Some(day) = days.previous {
        write!(out, "  previous {day}")?;
    }
    if let Some(day) = days.next {
        write!(out, "  next {day}")?;
    }
    writeln!(out, "{DIM:#}")
}

/// Prints a paper of a day in a few lines.
pub(super) fn day_paper(out: &mut impl Write, rank: usize, shown: &DayPaper) -> io::Result<()> {
    let paper = &shown.paper;
    let mut facts = Vec::new();
    facts.extend(
        shown
            .similarity
            .map(|similarity| format!("{similarity:.3}")),
    );
    facts.extend(paper.upvotes.map(|n| counted(n.into(), "upvote")));
    facts.extend(paper.n_comments.map(|n| counted(n.into(), "comment")));
    let submitter = paper.submitter.as_ref();
    facts.extend(submitter.map(|name| format!("submitted by {name}")));
    let published = paper.published.filter(|date| *date != shown.day.into());
    facts.extend(published.map(|date| format!("published {date}")));
    short(out, rank, paper, &facts.join(" · "))
}

/// Prints an entry of a digest.
pub(super) fn entry(out: &mut impl Write, rank: usize, entry: &Entry) -> io::Result<()> {
    let text = digest::entry_text(entry, width(), MARKS);
    let gap = if rank > 1 { "\n" } else { "" };
    write!(out, "{gap}{text}")
}

/// Prints a rising paper in a few lines.
pub(super) fn rising(out: &mut impl Write, rank: usize, rising: &Rising) -> io::Result<()> {
    short(out, rank, &rising.paper, &rising.trend.words())
}

/// Prints a paper and a line of facts about it.
fn short(out: &mut impl Write, rank: usize, paper: &Paper, facts: &str) -> io::Result<()> {
    let (indent, width) = ("     ", width());
    writeln!(out)?;
    writeln!(out, "{rank:>3}  {CYAN}{}{CYAN:#}", paper.id)?;
    for line in wrapped(&paper.title, width, indent, 3) {
        writeln!(out, "{BOLD}{line}{BOLD:#}")?;
    }
    for text in [&byline(paper), facts] {
        for line in wrapped(text, width, indent, 2) {
            writeln!(out, "{DIM}{line}{DIM:#}")?;
        }
    }
    Ok(())
}

/// A hit's places in both lists, and the words that it shares.
fn why(hit: &Hit, explanation: &Explanation) -> String {
    let place = |rank: Option<usize>, of: &str| match rank {
        Some(rank) => format!("#{rank} by {of}"),
        // Both indexes give at least 200 candidates.
        None => format!("not in the top 200 by {of}"),
    };
    // What was not asked says nothing, not even that a paper is far.
    let mut places = Vec::new();
    if hit.matching != Matching::Lexical {
        let close = hit
            .percentile
            .map(|percentile| format!(" ({})", top(percentile)));
        places.push(place(hit.dense_rank, "meaning") + &close.unwrap_or_default());
    }
    if hit.matching != Matching::Dense {
        places.push(place(hit.lexical_rank, "words"));
    }
    let mut why = places.join(", ");
    if let Some(score) = hit.rerank_score {
        why += &format!(", {score:.2} by the reranker");
    }
    if !explanation.words.is_empty() {
        why += ": ";
        why += &explanation.words.join(", ");
    }
    why
}

/// Prints everything about one paper.
pub(super) fn paper(out: &mut impl Write, paper: &Paper, listings: &[String]) -> io::Result<()> {
    let width = width();
    for line in wrapped(&paper.title, width, "", usize::MAX) {
        writeln!(out, "{BOLD}{line}{BOLD:#}")?;
    }
    if !paper.authors.is_empty() {
        for line in wrapped(&paper.authors.join(", "), width, "", usize::MAX) {
            writeln!(out, "{DIM}{line}{DIM:#}")?;
        }
    }
    writeln!(out)?;
    for line in wrapped(&paper.abstract_text, width, "", usize::MAX) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    let date = |date: Option<PartialDate>| date.map(|date| date.to_string());
    let aliases: Vec<&str> = paper.aliases.iter().map(|id| id.qualified()).collect();
    let fields = [
        ("id", Some(paper.id.to_string())),
        ("notice", paper.notice.map(|notice| notice.to_string())),
        ("also", non_empty(aliases.join(", "))),
        ("version", paper.version.map(|version| version.to_string())),
        (
            "categories",
            non_empty(categories::joined(&paper.categories)),
        ),
        ("published", date(paper.published)),
        ("updated", date(paper.updated)),
        ("listed", non_empty(listings.join(" "))),
        ("journal", paper.journal.clone()),
        ("volume", paper.volume.clone()),
        ("comment", paper.comment.clone()),
        ("upvotes", paper.upvotes.map(|n| n.to_string())),
        ("comments", paper.n_comments.map(|n| n.to_string())),
        ("submitter", paper.submitter.clone()),
        ("address", paper.address()),
    ];
    for (name, value) in fields {
        let Some(value) = value else { continue };
        match name {
            // These are links.
            "id" | "address" => writeln!(out, "{CYAN}{name:<11}{CYAN:#} {CYAN}{value}{CYAN:#}")?,
            _ => writeln!(out, "{CYAN}{name:<11}{CYAN:#} {value}")?,
        }
    }
    Ok(())
}

/// Prints the records that a paper was made of, numbered.
pub(super) fn sources(out: &mut impl Write, sources: &[SourceRecord]) -> io::Result<()> {
    writeln!(out)?;
    let heading = match sources.len() {
        1 => "one record, merged with no other",
        _ => "merged from",
    };
    writeln!(out, "{DIM}{heading}{DIM:#}")?;
    for (place, source) in sources.iter().enumerate() {
        let collection = match &*source.collection {
            "" => "unknown collection",
            name => name,
        };
        let (number, paper) = (place + 1, &source.paper);
        writeln!(
            out,
            "{number:>3}  {DIM}{collection}{DIM:#}  {}  {}",
            paper.id, paper.title
        )?;
        if !source.why.is_empty() {
            let day = source.merged.split('T').next().unwrap_or_default();
            writeln!(out, "    {DIM}{day}: {}{DIM:#}", source.why)?;
        }
    }
    Ok(())
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn byline(paper: &Paper) -> String {
    full_byline(&paper.authors, paper.journal.as_deref(), &paper.categories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_like_no_other_share_a_sentence() {
        let unknown = |word: &str, nearest: &[&str]| UnknownWord {
            word: word.to_owned(),
            nearest: nearest.iter().map(|near| (*near).to_owned()).collect(),
        };
        assert_eq!(unknown_words(&[]), [""; 0]);
        let words = [
            unknown("wug", &[]),
            unknown("dats", &["hats", "bats", "rats"]),
            unknown("blick", &[]),
        ];
        assert_eq!(
            unknown_words(&words),
            [
                "no paper has \"dats\"; did you mean hats, bats or rats?",
                "no paper has \"wug\" or \"blick\"",
            ]
        );
    }

    #[test]
    fn a_percentile_is_said_in_two_digits() {
        let said = |percentile| top(percentile);
        assert_eq!(said(0.0), "top 100 %");
        assert_eq!(said(58.7), "top 41 %");
        assert_eq!(said(97.25), "top 2.8 %");
        assert_eq!(said(99.5), "top 0.5 %");
        assert_eq!(said(99.9823), "top 0.018 %");
        assert_eq!(said(99.99981), "top 0.00019 %");
    }
}
