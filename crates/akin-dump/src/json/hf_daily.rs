//! Hugging Face Daily Papers: the API's answers, and days scraped from the site.
//!
//! The API's array wraps each paper (`{"paper": {…}, …}`); bare papers are read as well. In the
//! scraped days, `{"date": …, "papers": […]}`, `publishedAt` is the hour of scraping and is not
//! used. Names there keep the comma of their list, and the links in abstracts left spaces before
//! punctuation; both are repaired.

use akin_base::paper::{Authority, Paper, PartialDate, arxiv_version};
use serde::Deserialize;

use super::keys::TITLES;
use super::object::JsonObject;
use crate::field::{Items, ListEntry, ObjectPart, ScalarField};
use crate::format::{FormatReader, JsonSpec, SourceFeed, Spec};
use crate::ignored::{self, Notes};
use crate::record::{DumpContext, Item, RecordError, arxiv_id, day, paper, with_id};
use crate::reject::Rejection;
use crate::text::names;

/// Answers of the API of Hugging Face Daily Papers.
pub(crate) const API: Spec = Spec {
    name: "hf-daily",
    title: "Hugging Face Daily Papers (API)",
    feed: Some(SourceFeed::new("hf-daily", Authority::Catalogue)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read: read_api,
    }),
};

/// A day of Hugging Face Daily Papers, scraped.
pub(crate) const SCRAPE: Spec = Spec {
    name: "hf-daily-scraped",
    title: "Hugging Face Daily Papers (scraped)",
    feed: Some(SourceFeed::new("hf-daily", Authority::Catalogue)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        // Its records are recognised by the object that holds them.
        is_record: |_| false,
        holder: Some("papers"),
        read: read_scrape,
    }),
};

/// Whether an object is a paper of an answer, in its wrapper or bare.
fn is_record(object: &JsonObject<'_>) -> bool {
    let is_bare =
        || object.has("submittedOnDailyAt") || (object.has("publishedAt") && object.has("upvotes"));
    object.kind("paper") == Some(b'{')
        || (object.has_any(&TITLES) && object.has("summary") && is_bare())
}

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow, default)]
    paper: Option<HfFields<'a>>,
    #[serde(borrow, default, rename = "numComments")]
    comments: ScalarField<'a>,
    #[serde(borrow, default, rename = "submittedBy")]
    submitter: ObjectPart<Person<'a>>,
}

/// Somebody with an account at the site.
#[derive(Debug, Deserialize, Default)]
struct Person<'a> {
    #[serde(borrow, default)]
    fullname: ScalarField<'a>,
    #[serde(borrow, default)]
    name: ScalarField<'a>,
}

#[derive(Deserialize)]
struct HfFields<'a> {
    #[serde(borrow, default)]
    id: ScalarField<'a>,
    #[serde(borrow, default)]
    title: ScalarField<'a>,
    #[serde(borrow, default)]
    summary: ScalarField<'a>,
    #[serde(borrow, default, rename = "abstract")]
    text: ScalarField<'a>,
    #[serde(borrow, default)]
    authors: Items<ListEntry<'a>>,
    #[serde(borrow, default, rename = "publishedAt")]
    published: ScalarField<'a>,
    #[serde(borrow, default, rename = "submittedOnDailyAt")]
    listed: ScalarField<'a>,
    #[serde(borrow, default)]
    upvotes: ScalarField<'a>,
    #[serde(borrow, default, rename = "submittedOnDailyBy")]
    submitter: ObjectPart<Person<'a>>,
}

/// Reads one element of the API's answer.
pub(crate) fn read_api(json: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let wrapped: Wrapped<'_> = serde_json::from_str(json)?;
    let (comments, around) = (wrapped.comments, wrapped.submitter);
    let record = match wrapped.paper {
        Some(record) => record,
        None => serde_json::from_str(json)?,
    };
    let mut notes = Notes::default();
    let mut api = |record: &HfFields<'_>| {
        let mut paper = convert(record, &record.summary, &mut notes)?;
        paper.n_comments = count(&comments, &mut notes);
        let submitter = record.submitter.0.called();
        paper.submitter = submitter.or_else(|| around.0.called());
        paper.published = day(&record.published, &mut notes);
        let listed = day(&record.listed, &mut notes).and_then(PartialDate::whole);
        paper.listed = listed.or(context.listed);
        Ok(paper)
    };
    let outcome = api(&record);
    with_id(&record.id, notes, outcome)
}

/// Reads one paper of a scraped day.
pub(crate) fn read_scrape(json: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let record: HfFields<'_> = serde_json::from_str(json)?;
    let mut notes = Notes::default();
    let mut scraped = |record: &HfFields<'_>| {
        let has_abstract = record
            .text
            .prose()
            .is_some_and(|text| !text.trim().is_empty());
        let text = if has_abstract {
            &record.text
        } else {
            &record.summary
        };
        let mut paper = convert(record, text, &mut notes)?;
        paper.abstract_text = without_gaps(paper.abstract_text);
        paper.listed = context.listed;
        Ok(paper)
    };
    let outcome = scraped(&record);
    with_id(&record.id, notes, outcome)
}

fn convert(
    record: &HfFields<'_>,
    text: &ScalarField<'_>,
    notes: &mut Notes,
) -> Result<Paper, Rejection> {
    let id = arxiv_id(&record.id)?;
    let mut paper = paper(id, &record.title, text, notes)?;
    let shown = record.authors.0.iter().filter(|author| !author.hidden);
    paper.authors = names::elements(shown.filter_map(|author| author.written(notes)));
    paper.version = record.id.text().and_then(arxiv_version);
    paper.upvotes = count(&record.upvotes, notes);
    Ok(paper)
}

fn count(field: &ScalarField<'_>, notes: &mut Notes) -> Option<u32> {
    let count = field.spelling().and_then(|count| count.parse().ok());
    notes.unless(count, ignored::Part::Count, field.shown())
}

impl Person<'_> {
    /// The full name, else the name of the account.
    fn called(&self) -> Option<String> {
        let names = [self.fullname.text(), self.name.text()]
            .into_iter()
            .flatten();
        let mut names = names.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
        names.find(|name| !name.is_empty())
    }
}

/// Closes the gap that a link left before punctuation: `self-forcing , or` to `self-forcing, or`.
fn without_gaps(text: String) -> String {
    if !text.contains(" ,") && !text.contains(" .") && !text.contains(" ;") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if matches!(c, ',' | '.' | ';')
            && out.ends_with(' ')
            && rest.peek().is_none_or(|next| *next == ' ')
        {
            out.pop();
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_before_punctuation_are_closed() {
        let check = |text: &str, expected: &str| assert_eq!(without_gaps(text.into()), expected);
        check(
            "self-forcing , error-banks , or so .",
            "self-forcing, error-banks, or so.",
        );
        check("for .NET and .5 ; done", "for .NET and .5; done");
    }
}
