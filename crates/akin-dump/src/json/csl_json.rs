//! Items of CSL-JSON, as Zotero, Mendeley, pandoc and doi.org write them. Also works of Crossref,
//! from its API (`message.items`, `message`) or its public data files; their names are the same,
//! but a title is a list.
//!
//! | of a paper | field |
//! |---|---|
//! | ids | `DOI`, `PMID`, `PMCID`; addresses in `URL` and `custom`; arXiv's number in `number` or `archive_location`; ids at the start of lines in `note`. `id` and `citation-key` are keys, like those of BibTeX. |
//! | title, abstract | `title` and `subtitle`; `abstract` |
//! | authors | `author`: given name, particles, family name and suffix, or a group's name; editors are none |
//! | published | the most exact of `issued`, `published` and its kinds, `posted` |
//! | volume | `volume` |
//! | journal | `container-title`, else the institution that posted it, else the event |
//! | categories | `subject`, `keyword` |
//! | comment | the other lines of `note` |
//! | notice | `updated-by` a retraction, or an `update-to` the work itself that is one |
//!
//! Described at <https://docs.citationstyles.org/en/stable/specification.html> and
//! <https://api.crossref.org/swagger-ui/index.html>. No genuine sample was at hand: this follows
//! the descriptions. The notice of a retraction is one record, and the retracted paper is another.

use std::borrow::Cow;

use akin_base::paper::{Authority, IdKind, Notice, PaperId, PartialDate};
use serde_json::Value;

use super::fields::{Fields, list, spelling, text};
use super::object::{JsonObject, fields};
use crate::format::{FormatReader, JsonSpec, SourceFeed, Spec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::tagged::ids;
use crate::text::{dates, names};

/// CSL-JSON, as reference managers export it.
pub(crate) const SPEC: Spec = Spec {
    name: "csl-json",
    title: "CSL-JSON",
    feed: None,
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record: is_csl,
        holder: None,
        read,
    }),
};

/// Works of Crossref: answers of its API, its public data files.
pub(crate) const CROSSREF: Spec = Spec {
    name: "crossref",
    title: "Crossref works",
    feed: Some(SourceFeed::new("crossref", Authority::Registry)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record: is_crossref,
        holder: None,
        read,
    }),
};

/// Whether an object has the fields of a work of Crossref.
fn is_crossref(object: &JsonObject<'_>) -> bool {
    let has_list = |name: &str| object.kind(name) == Some(b'[');
    let of_crossref = ["is-referenced-by-count", "reference-count", "deposited"];
    object.has("DOI")
        && (has_list("title")
            || has_list("container-title")
            || of_crossref.iter().any(|name| object.has(name)))
}

/// Whether an object is an item of CSL-JSON: it has names that only CSL has, one of its types, or authors
/// as CSL writes them.
fn is_csl(object: &JsonObject<'_>) -> bool {
    let is_of_type = |kind: &&str| {
        let value = object
            .value("type")
            .and_then(|value| value.strip_prefix(b"\""));
        let after = value.and_then(|value| value.strip_prefix(kind.as_bytes()));
        after.is_some_and(|after| after.starts_with(b"\""))
    };
    let has_people = || {
        let first = object
            .value("author")
            .and_then(|list| list.strip_prefix(b"["));
        let first = first.map(|first| fields(first.trim_ascii_start()));
        let mut names = first.into_iter().flatten();
        object.has("type") && names.any(|(name, _)| name == "family" || name == "literal")
    };
    object.kind("title") == Some(b'"')
        && (object.has("citation-key")
            || object.kind("issued") == Some(b'{')
            || object.has("container-title")
            || CSL_TYPES.iter().any(is_of_type)
            || has_people())
}

/// Types of CSL that no other format has.
const CSL_TYPES: [&str; 7] = [
    "article-journal",
    "article-magazine",
    "article-newspaper",
    "entry-encyclopedia",
    "paper-conference",
    "post-weblog",
    "chapter",
];

/// The fields that are read, by their plain names.
const READ: [&str; 31] = [
    "abstract",
    "archive",
    "archivelocation",
    "author",
    "citationkey",
    "containertitle",
    "custom",
    "doi",
    "event",
    "eventtitle",
    "id",
    "institution",
    "issued",
    "journalabbreviation",
    "keyword",
    "note",
    "number",
    "pmcid",
    "pmid",
    "posted",
    "published",
    "publishedonline",
    "publishedprint",
    "subject",
    "subtitle",
    "title",
    "updateto",
    "updatedby",
    "url",
    "containertitleshort",
    "volume",
];

/// Dates of publication, the preferred one first.
const DATES: [&str; 5] = [
    "issued",
    "published",
    "publishedonline",
    "publishedprint",
    "posted",
];

/// What Crossref calls the updates that take a work back.
const RETRACTIONS: [&str; 3] = ["retraction", "withdrawal", "removal"];

/// Reads one record.
pub(crate) fn read(json: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let fields = Fields::parse(json, &READ)?;
    let around = Some(&*context.around).filter(|key| !key.is_empty());
    let own = fields.spelling("id").or(around.map(Cow::Borrowed));
    let own = own.as_deref().map(str::trim);
    let given_id = own.map(str::to_owned);
    let mut found = RawRecord {
        given_id: given_id.or_else(|| fields.text(&["doi"]).map(str::to_owned)),
        title: title(&fields),
        text: fields.text(&["abstract"]).unwrap_or_default().into(),
        authors: fields.list("author").iter().filter_map(person).collect(),
        categories: categories(&fields),
        journal: journal(&fields).map(Cow::Borrowed),
        volume: fields.spelling("volume"),
        notice: is_retracted(&fields).then_some(Notice::Retracted),
        ..RawRecord::default()
    };
    found.published = published(&mut found, &fields);
    add_ids(&mut found, &fields);
    found.comment = add_noted(&mut found, &fields).map(Cow::Owned);
    add_key(&mut found, fields.text(&["citationkey"]).or(own));
    found.item()
}

fn title(fields: &Fields) -> Cow<'_, str> {
    let title = fields.text(&["title"]).unwrap_or_default();
    match fields.text(&["subtitle"]) {
        Some(rest) if !title.is_empty() && !title.contains(rest) => {
            Cow::Owned(format!("{title}: {rest}"))
        }
        _ => Cow::Borrowed(title),
    }
}

/// The name of a person in reading order, or of a group.
fn person(value: &Value) -> Option<String> {
    if let Some(name) = text(value) {
        return names::family_first(name);
    }
    let part = |name: &str| value.get(name).and_then(text).unwrap_or_default();
    let whole = [part("literal"), part("name")];
    if let Some(whole) = whole.iter().find(|name| !name.is_empty()) {
        return names::single(whole);
    }
    names::joined([
        part("given"),
        part("dropping-particle"),
        part("non-dropping-particle"),
        part("family"),
        part("suffix"),
    ])
}

/// Subjects from a list; keywords too, or from a text between semicolons or commas.
fn categories(fields: &Fields) -> Vec<String> {
    let subjects = fields.list("subject").iter();
    let subjects = subjects.filter_map(|subject| text(subject).map(str::to_owned));
    let words = match fields.get("keyword") {
        Some(Value::String(words)) => {
            let mark = if words.contains(';') { ';' } else { ',' };
            words
                .split(mark)
                .map(str::trim)
                .map(str::to_owned)
                .collect()
        }
        Some(other) => list(other)
            .iter()
            .filter_map(|word| text(word).map(str::to_owned))
            .collect(),
        None => Vec::new(),
    };
    subjects.chain(words).collect()
}

fn published(found: &mut RawRecord<'_>, fields: &Fields) -> Option<PartialDate> {
    let dates = DATES.iter().filter_map(|name| date(fields.get(name)?));
    let dates: Vec<String> = dates.collect();
    let written = || dates.iter().map(String::as_str);
    found.dated(dates::most_exact(written()), written())
}

/// A date as it would be written: from its parts, or as it was found.
fn date(value: &Value) -> Option<String> {
    if let Some(written) = spelling(value).filter(|_| !value.is_array()) {
        return Some(written.into_owned());
    }
    let parts = value.get("date-parts").or_else(|| value.get("dateParts"));
    let mut ranges = parts.map(list).unwrap_or_default().iter();
    let first = ranges.find_map(|range| {
        let parts = list(range).iter().map_while(spelling);
        let parts: Vec<_> = parts.collect();
        (!parts.is_empty()).then(|| parts.join("-"))
    });
    let written = ["raw", "literal", "date-time", "edtf"];
    first.or_else(|| {
        let written = written.iter().find_map(|name| text(value.get(*name)?));
        written.map(str::to_owned)
    })
}

fn journal(fields: &Fields) -> Option<&str> {
    let named = |name: &str, of: &str| fields.list(name).iter().find_map(|one| text(one.get(of)?));
    fields
        .text(&[
            "containertitle",
            "containertitleshort",
            "journalabbreviation",
        ])
        .or_else(|| named("institution", "name"))
        .or_else(|| fields.text(&["eventtitle", "event"]))
        .or_else(|| named("event", "name"))
}

/// Whether a work was withdrawn: by another one, or in its own place.
fn is_retracted(fields: &Fields) -> bool {
    let is_retraction = |update: &&Value| {
        let kind = update.get("type").and_then(text).unwrap_or_default();
        RETRACTIONS
            .iter()
            .any(|known| kind.eq_ignore_ascii_case(known))
    };
    let own = fields.text(&["doi"]).and_then(PaperId::parse);
    let is_of_itself = |update: &Value| {
        let of = update.get("DOI").and_then(text).and_then(PaperId::parse);
        of.is_some() && of == own
    };
    let mut by = fields.list("updatedby").iter();
    let mut to = fields.list("updateto").iter();
    by.any(|update| is_retraction(&update))
        || to.any(|update| is_retraction(&update) && is_of_itself(update))
}

fn add_ids(found: &mut RawRecord<'_>, fields: &Fields) {
    if let Some(doi) = fields.text(&["doi"]) {
        ids::add_dois(found, doi);
    }
    for (name, kind) in [("pmid", IdKind::Pmid), ("pmcid", IdKind::Pmcid)] {
        if let Some(number) = fields.spelling(name) {
            found.add_id(kind, &number);
        }
    }
    if let Some(address) = fields.text(&["url"]) {
        ids::add_address(found, address);
    }
    let others = fields.get("custom").and_then(|custom| custom.get("ids"));
    for address in others.map(list).unwrap_or_default().iter().filter_map(text) {
        ids::add_address(found, address);
    }
    let numbers = ["number", "archivelocation"];
    let is_of_arxiv = fields
        .text(&["archive"])
        .is_some_and(|archive| archive.to_ascii_lowercase().contains("arxiv"));
    for number in numbers.iter().filter_map(|name| fields.spelling(name)) {
        if is_of_arxiv {
            ids::add_arxiv(found, &number);
        }
        ids::add_noted(found, &number);
    }
}

/// Adds the ids at the start of a note's lines; returns the rest of the note.
fn add_noted(found: &mut RawRecord<'_>, fields: &Fields) -> Option<String> {
    let mut lines = Vec::new();
    for line in fields.text(&["note"])?.lines() {
        let before = found.ids.len();
        let is_id = |found: &RawRecord<'_>| found.ids.len() > before;
        ids::add_noted(found, line);
        // The label of a kind of id says nothing else, if the id was recognised.
        let names_one = ["PMID:", "PMCID:", "arXiv:", "DOI:"];
        let is_named = names_one
            .iter()
            .any(|name| line.trim_start().starts_with(name));
        if !is_id(found) && !is_named {
            lines.push(line);
        }
    }
    let note = lines.join("\n");
    (!note.trim().is_empty()).then_some(note)
}

/// Adds the key of a record, which has a meaning in its own file only, or its id.
fn add_key(found: &mut RawRecord<'_>, key: Option<&str>) {
    let Some(key) = key.filter(|key| !key.is_empty()) else {
        return;
    };
    let known = PaperId::parse(key).filter(|id| id.kind().is_some());
    if known.is_some() {
        return found.add_spelling(key);
    }
    // It has a meaning in its own file only.
    found.ids.extend(PaperId::of_own(key));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::check_fields;

    #[track_caller]
    fn check(record: Value, expected: Value) {
        check_fields(
            read(&record.to_string(), &DumpContext::default()),
            &expected,
        );
    }

    #[test]
    fn an_item_is_read_in_every_field() {
        check(
            json!({
                "id": "berg2019moss", "type": "article-journal", "title": "On <i>moss</i> &amp; roofs",
                "author": [
                    {"family": "Berg", "given": "Jan", "non-dropping-particle": "van den", "suffix": "Jr."},
                    {"family": "Humboldt", "given": "Ada", "dropping-particle": "von"},
                    {"literal": "The Moss Group"}, {"family": "Plato"}, "Ek, Mia",
                ],
                "editor": [{"family": "Editor", "given": "An"}],
                "issued": {"date-parts": [["2019", 5, 6], [2019, 6]]},
                "container-title": "Journal of Moss", "volume": "12", "page": "1-9",
                "DOI": "10.5555/MOSS.1", "PMID": 95000001, "PMCID": "PMC95001",
                "URL": "https://arxiv.org/abs/2503.11731v2",
                "abstract": "We weigh moss.", "keyword": "moss, roofs",
                "note": "PMID: 95000001\nRead in May.",
            }),
            json!({
                "id": "10.5555/moss.1",
                "aliases": ["pmid:95000001", "PMC95001", "2503.11731", "@#berg2019moss"],
                "title": "On moss & roofs",
                "authors": ["Jan van den Berg Jr.", "Ada von Humboldt", "The Moss Group", "Plato", "Mia Ek"],
                "published": "2019-05-06",
                "journal": "Journal of Moss",
                "abstract": "We weigh moss.",
                "categories": ["moss", "roofs"],
                "comment": "Read in May.",
                "version": 2,
            }),
        );
    }

    #[test]
    fn a_work_of_crossref_is_read() {
        check(
            json!({
                "DOI": "10.5555/ice", "type": "journal-article", "title": ["Lake ice", "Eis"],
                "subtitle": ["A survey"],
                "author": [
                    {"given": "Ola", "family": "Frost", "sequence": "first", "affiliation": []},
                    {"name": "Ice Consortium", "sequence": "additional"},
                ],
                "issued": {"date-parts": [[2004]]}, "published-online": {"date-parts": [[2004, 6, 2]]},
                "created": {"date-parts": [[2010, 1, 1]]},
                "container-title": ["Annals of Ice", "Ann. Ice"], "subject": ["Oceanography", "Ice"],
                "abstract": "<jats:title>Abstract</jats:title><jats:p>About 10<jats:sup>3</jats:sup> lakes.</jats:p>",
                "updated-by": [{"type": "retraction", "DOI": "10.5555/notice"}],
                "reference": [{"key": "1"}], "score": 1.0,
            }),
            json!({
                "id": "10.5555/ice",
                "aliases": null,
                "title": "Lake ice: A survey",
                "authors": ["Ola Frost", "Ice Consortium"],
                "published": "2004-06-02",
                "journal": "Annals of Ice",
                "abstract": "About 10^3 lakes.",
                "categories": ["Oceanography", "Ice"],
                "notice": "retracted",
            }),
        );
    }

    #[test]
    fn the_notice_of_a_retraction_is_not_the_paper() {
        let work =
            |update: Value| json!({"DOI": "10.5555/a", "title": ["T"], "update-to": [update]});
        let of = |doi: &str, kind: &str| work(json!({"DOI": doi, "type": kind}));
        check(of("10.5555/b", "retraction"), json!({"notice": null}));
        check(
            of("10.5555/A", "retraction"),
            json!({"notice": "retracted"}),
        );
        check(of("10.5555/a", "correction"), json!({"notice": null}));
    }

    #[test]
    fn dates_are_read_in_every_form() {
        for (issued, expected) in [
            (json!({"date-parts": [[2019]]}), json!("2019")),
            (json!({"date-parts": [[2019, 12]]}), json!("2019-12")),
            (
                json!({"date-parts": [["2019", "1", "5"]]}),
                json!("2019-01-05"),
            ),
            (json!({"date-parts": [[null]]}), json!(null)),
            (json!({"raw": "5 May 2019"}), json!("2019-05-05")),
            (json!({"literal": "Spring 2019a"}), json!("2019")),
            (json!({"date-parts": [[2019]], "season": 1}), json!("2019")),
            (json!("2019-05-06"), json!("2019-05-06")),
            (json!(2019), json!("2019")),
            (json!({}), json!(null)),
        ] {
            check(
                json!({"title": "T", "issued": issued}),
                json!({"published": expected}),
            );
        }
    }

    #[test]
    fn keys_are_those_of_a_file() {
        let item = |id: Value| json!({"id": id, "title": "T", "author": [{"family": "Ek", "given": "Mia"}]});
        check(
            item(json!("ek2019")),
            json!({"id": "@#ek2019", "aliases": null}),
        );
        check(
            item(json!("https://doi.org/10.5555/X")),
            json!({"id": "10.5555/x", "aliases": null}),
        );
        check(item(json!(7)), json!({"id": "@#7", "aliases": null}));
        let zotero = "http://zotero.org/users/1/items/AB";
        check(item(json!(zotero)), json!({"id": format!("@#{zotero}")}));
    }

    #[test]
    fn preprints_name_their_archive() {
        check(
            json!({"type": "article", "title": "T", "number": "arXiv:2503.11731", "publisher": "arXiv"}),
            json!({"id": "2503.11731"}),
        );
        check(
            json!({"title": "T", "archive": "arXiv", "archive_location": "2503.11731v3"}),
            json!({"id": "2503.11731", "version": 3}),
        );
        check(
            json!({"title": ["T"], "DOI": "10.5555/p", "institution": [{"name": "Rxiv"}]}),
            json!({"journal": "Rxiv"}),
        );
    }

    #[test]
    fn a_record_without_a_title_is_rejected_with_its_id() {
        let fault = read(r#"{"DOI":"10.5555/x","title":[]}"#, &DumpContext::default());
        let fault = fault.expect_err("no title");
        assert_eq!(fault.id.as_deref(), Some("10.5555/x"));
    }
}
