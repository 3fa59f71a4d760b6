//! Hits as citations or as a table, and every paper above a percentile: `akin search` and `related` for
//! other programs.
//!
//! In: an answer, or a query that asks for all. Out: papers in a format of `akin export`, lines, or JSON.
//! A listing of all begins with what makes it repeatable.

use std::io::Write;

use akin::encoder::Encoder;
use akin::export::ExportFormat;
use akin::library::Filter;
use akin::paper::Paper;
use akin::search::{Above, Asked, Close, Hit, Indexes, Query};
use serde::Serialize;
use serde_json::json;

use super::args::CitationArgs;
use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::output::{self, JsonPaper};
use super::sink::PaperSink;
use super::spelling::Spellings;
use super::terminal::{self, CYAN, DIM, GREEN};
use super::{layout, moment};

/// The format that is asked for, if one is.
pub(super) fn format(
    args: &CitationArgs,
    context: &Context,
) -> Result<Option<ExportFormat>, Failure> {
    let format = if args.bibtex {
        Some(ExportFormat::Bibtex)
    } else {
        args.format
    };
    if format.is_some() && context.json {
        return Err(Failure::usage(
            "--json prints hits as JSON; leave it out, or use --format json for the papers alone",
        ));
    }
    Ok(format)
}

/// Prints hits in a format. Their ids are those that are shown.
pub(super) fn hits(hits: &[Hit], format: ExportFormat, context: &Context) -> Result<(), Failure> {
    let mut sink = PaperSink::stdout(format, &[], context)?;
    for hit in hits {
        sink.write(&hit.paper)?;
    }
    sink.finish(context)
}

/// A paper above a percentile, as programs get it.
#[derive(Serialize)]
struct JsonClose<'a> {
    rank: usize,
    similarity: f32,
    percentile: Option<f64>,
    #[serde(flatten)]
    paper: JsonPaper<'a>,
}

/// Prints every paper that is close enough.
pub(super) fn all(
    indexes: &Indexes<'_>,
    encoder: Option<&Encoder>,
    query: &Query,
    format: Option<ExportFormat>,
    context: &Context,
) -> Result<Outcome, Failure> {
    let asked = Asked::new(indexes, encoder, &query.target, query.matching)?;
    if asked.vector().is_none() {
        return Err(Failure::usage(
            "--all-above needs something to be close to; these are conditions alone",
        ));
    }
    let found = asked.above(indexes, query)?;
    found.notes.iter().for_each(|note| context.note(note));
    let about = Provenance::new(indexes, encoder, query, &found)?;
    match format {
        Some(format) => {
            let mut sink = PaperSink::stdout(format, &about.lines(), context)?;
            each(indexes, &found, |_, _, paper| sink.write(paper))?;
            sink.finish(context)?;
        }
        None => print(indexes, &found, &about, context)?,
    }
    if found.papers.is_empty() {
        context.note("no paper is that close");
        return Ok(Outcome::Partly);
    }
    Ok(Outcome::Done)
}

/// Reads the papers one by one; a damaged one ends the listing, which would not be whole.
fn each(
    indexes: &Indexes<'_>,
    found: &Above,
    mut act: impl FnMut(usize, &Close, &Paper) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let spellings = Spellings::of(indexes.library)?;
    for (place, close) in found.papers.iter().enumerate() {
        let mut paper = indexes.library.paper_at(close.row)?;
        spellings.put_into(&mut paper);
        act(place + 1, close, &paper)?;
    }
    Ok(())
}

fn print(
    indexes: &Indexes<'_>,
    found: &Above,
    about: &Provenance,
    context: &Context,
) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(terminal::stdout());
    if context.json {
        layout::json_line(&mut out, &about.json())?;
    } else {
        for line in about.lines() {
            writeln!(out, "{DIM}# {line}{DIM:#}")?;
        }
    }
    each(indexes, found, |rank, close, paper| {
        let Close {
            similarity,
            percentile,
            ..
        } = *close;
        if context.json {
            let line = JsonClose {
                rank,
                similarity,
                percentile,
                paper: JsonPaper::from(paper),
            };
            return Ok(layout::json_line(&mut out, &line)?);
        }
        let top = percentile.map(output::top).unwrap_or_default();
        let date = paper
            .date()
            .map(|date| date.to_string())
            .unwrap_or_default();
        let id = paper.id.to_string();
        let gap = " ".repeat(layout::ID_COLUMNS.saturating_sub(id.len()));
        let before = 5 + 2 + 12 + 2 + 10 + 2 + id.len() + gap.len() + 2;
        let title = layout::fitted(&paper.title, before);
        writeln!(
            out,
            "{GREEN}{similarity:.3}{GREEN:#}  {DIM}{top:<12}{DIM:#}  {date:<10}  \
             {CYAN}{id}{CYAN:#}{gap}  {title}"
        )?;
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

/// What makes a listing repeatable.
struct Provenance {
    library: String,
    n_papers: u64,
    /// Differs after every change of a record.
    state: String,
    model: String,
    computed_on: Option<String>,
    date: String,
    query: String,
    filters: String,
    percentile: f64,
    n_found: usize,
    n_passing: usize,
}

impl Provenance {
    fn new(
        indexes: &Indexes<'_>,
        encoder: Option<&Encoder>,
        query: &Query,
        found: &Above,
    ) -> Result<Provenance, Failure> {
        let library = indexes.library;
        let state = library.state()?;
        let library_path = library.path();
        let library_path = std::path::absolute(library_path).unwrap_or(library_path.to_owned());
        let space = library.space().map(|space| space.name.clone());
        Ok(Provenance {
            library: library_path.display().to_string(),
            n_papers: library.status()?.n_papers,
            state: format!("{}-{:016x}", state.changes, state.mark),
            model: space.unwrap_or_default(),
            computed_on: encoder.map(|encoder| encoder.describe_arithmetic().to_owned()),
            date: moment::timestamp(),
            query: query.target.to_string(),
            filters: described(&query.filter),
            percentile: query.min_percentile.unwrap_or_default(),
            n_found: found.papers.len(),
            n_passing: found.n_passing,
        })
    }

    fn lines(&self) -> Vec<String> {
        let computed_on = self.computed_on.as_ref();
        let computed_on = computed_on
            .map(|how| format!(" ({how})"))
            .unwrap_or_default();
        let papers = layout::counted(self.n_papers, "paper");
        [
            format!("akin {}", env!("CARGO_PKG_VERSION")),
            format!("library: {}, {papers}, state {}", self.library, self.state),
            format!("model: {}{computed_on}", self.model),
            format!("date: {}", self.date),
            format!("query: {}", self.query),
            format!("filters: {}", self.filters),
            format!("threshold: percentile {} or more", self.percentile),
            format!(
                "found: {} of {}",
                layout::count(self.n_found as u64),
                layout::counted(self.n_passing as u64, "paper")
            ),
        ]
        .map(|line| terminal::shown(&line))
        .into()
    }

    fn json(&self) -> serde_json::Value {
        json!({"search": {
            "akin": env!("CARGO_PKG_VERSION"),
            "library": self.library,
            "n_papers": self.n_papers,
            "state": self.state,
            "model": self.model,
            "computed_on": self.computed_on,
            "date": self.date,
            "query": self.query,
            "filters": self.filters,
            "min_percentile": self.percentile,
            "n_found": self.n_found,
            "n_passing": self.n_passing,
        }})
    }
}

/// Filters as their options are typed.
fn described(filter: &Filter) -> String {
    let mut parts = Vec::new();
    for (name, date) in [("since", filter.since), ("until", filter.until)] {
        parts.extend(date.map(|date| format!("--{name} {date}")));
    }
    for (name, values) in [
        ("category", &filter.categories),
        ("author", &filter.authors),
    ] {
        parts.extend(values.iter().map(|value| format!("--{name} {value:?}")));
    }
    match parts.is_empty() {
        true => "none".to_owned(),
        false => parts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_described_as_they_are_typed() {
        assert_eq!(described(&Filter::default()), "none");
        let filter = Filter {
            since: Some("2024-01-01".parse().unwrap()),
            categories: vec!["cs.LG".to_owned()],
            authors: vec!["Ada Lee".to_owned()],
            ..Filter::default()
        };
        let expected = "--since 2024-01-01 --category \"cs.LG\" --author \"Ada Lee\"";
        assert_eq!(described(&filter), expected);
    }
}
