//! Papers of Semantic Scholar: the bulk data sets `papers` and `abstracts`, and answers of its API
//! (single papers, `{"data": […]}` pages, batches). Also S2ORC's metadata and the older Open
//! Research Corpus.
//!
//! Names differ by origin (`corpusid`, `corpusId`; `externalids`, `externalIds`; `pmc_id`) and are
//! compared without case and separators. A record of `abstracts`, which has no `title`, gives
//! [`Item::Abstract`]. For a citation of the API (`citingPaper`, `citedPaper`), the paper in it is
//! read. Described at <https://api.semanticscholar.org/api-docs/> (API and data sets) and
//! <https://github.com/allenai/s2orc> (2020 release). Genuine samples: S2ORC, an API page of
//! titles; the data sets and the API's other fields follow the description.

use std::borrow::Cow;

use akin_base::paper::{Authority, IdKind};
use serde_json::{Map, Value};

use super::keys::plain_key;
use super::object::JsonObject;
use crate::format::{FormatReader, JsonSpec, SourceFeed, Spec};
use crate::ignored::Part;
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::reject::Rejection;
use crate::text::clean::clean_abstract;
use crate::text::{dates, names, prose, whole_number};

/// Papers of Semantic Scholar.
pub(crate) const SPEC: Spec = Spec {
    name: "semantic-scholar",
    title: "Semantic Scholar",
    feed: Some(SourceFeed::new("semantic-scholar", Authority::Catalogue)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read,
    }),
};

/// Whether an object has the fields of Semantic Scholar's data sets, its API, S2ORC or its corpus.
fn is_record(object: &JsonObject<'_>) -> bool {
    let has = |name: &str| object.has(name);
    let has_any = |names: &[&str]| names.iter().any(|name| has(name));
    let of_s2orc = ["mag_id", "s2_url", "mag_field_of_study", "has_pdf_parse"];
    (has("corpusid") && has_any(&["title", "abstract"]))
        || (has("paperId") && has("title"))
        || (has("title") && has_any(&["paperAbstract", "externalIds", "externalids"]))
        || (has("paper_id") && has("title") && has_any(&of_s2orc))
        || ["citingPaper", "citedPaper"]
            .iter()
            .any(|name| object.kind(name) == Some(b'{'))
}

/// The kinds of ids, and their names in a record or among its external ids.
const IDS: [(&str, IdKind); 15] = [
    ("corpusid", IdKind::CorpusId),
    ("arxiv", IdKind::Arxiv),
    ("arxivid", IdKind::Arxiv),
    ("doi", IdKind::Doi),
    ("pubmed", IdKind::Pmid),
    ("pubmedid", IdKind::Pmid),
    ("pmid", IdKind::Pmid),
    ("medline", IdKind::Pmid),
    ("pubmedcentral", IdKind::Pmcid),
    ("pmcid", IdKind::Pmcid),
    ("pmc", IdKind::Pmcid),
    ("acl", IdKind::Acl),
    ("aclid", IdKind::Acl),
    ("s2url", IdKind::CorpusId),
    ("s2url", IdKind::SemanticScholar),
];

/// Where the record's own id is.
const OWN: [&str; 4] = ["paperid", "corpusid", "id", "sha"];

/// Reads one record.
pub(crate) fn read(json: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let record = S2Record::parse(serde_json::from_str(json)?);
    let mut found = RawRecord::default();
    let around = Some(context.around.as_str()).filter(|key| !key.is_empty());
    found.given_id = record.own_id().or_else(|| around.map(str::to_owned));
    record.add_ids(&mut found);
    let fault = |reason| RecordError {
        id: record.own_id(),
        reason,
    };
    let text = record.abstract_text(&mut found);
    if record.get("title").is_none() && !record.has("title") {
        return lone_abstract(found, &text);
    }
    found.title = record.title().map_err(fault)?;
    found.text = text;
    found.authors = record.authors(&mut found);
    found.categories = record.categories();
    found.published = ["publicationdate", "year"].iter().find_map(|name| {
        let written = record.get(name).map(prose::shown)?;
        found.notes.unless_dated(dates::day(&written), [&*written])
    });
    found.journal = record.journal().map(Into::into);
    found.item()
}

/// A record of the data set of abstracts.
fn lone_abstract(found: RawRecord<'_>, text: &str) -> Result<Item, RecordError> {
    let fault = |reason| RecordError {
        id: found.given_id.clone(),
        reason,
    };
    let text = clean_abstract(text).into_owned();
    if text.is_empty() {
        return Err(fault(Rejection::Empty));
    }
    let id = found.ids.first().cloned();
    let id = id.ok_or_else(|| fault(Rejection::NoId))?;
    Ok(Item::Abstract { id, text })
}

/// The fields of a record by their [plain](plain_key) names.
struct S2Record(Vec<(String, Value)>);

impl S2Record {
    fn parse(mut map: Map<String, Value>) -> S2Record {
        for name in ["citingPaper", "citedPaper"] {
            if let Some(Value::Object(paper)) = map.remove(name) {
                map = paper;
            }
        }
        let plain = |(key, value): (String, Value)| (plain_key(&key), value);
        S2Record(map.into_iter().map(plain).collect())
    }

    /// Whether the field is there, even if it is null.
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A field that is not null.
    fn get(&self, name: &str) -> Option<&Value> {
        let mut named = self.0.iter().filter(|(key, _)| key == name);
        let (_, value) = named.find(|(_, value)| !value.is_null())?;
        Some(value)
    }

    fn title(&self) -> Result<Cow<'_, str>, Rejection> {
        let wrong = Rejection::WrongType {
            field: "title",
            found: "something else",
        };
        match self.get("title") {
            None => Ok(Cow::Borrowed("")),
            Some(title) => prose::of(title).ok_or(wrong),
        }
    }

    /// The abstract, or its place in the Open Research Corpus.
    fn abstract_text(&self, found: &mut RawRecord<'_>) -> Cow<'_, str> {
        let names = ["abstract", "paperabstract"];
        let texts = names.iter().filter_map(|name| self.get(name));
        let mut texts = texts.filter_map(|value| {
            let text = prose::of(value);
            found.notes.unless_in(value, text, Part::Abstract)
        });
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    }

    fn own_id(&self) -> Option<String> {
        OWN.iter().find_map(|name| spelling(self.get(name)?))
    }

    fn add_ids(&self, found: &mut RawRecord<'_>) {
        if let Some(id) = &found.given_id.clone() {
            // A number is a corpus id; other values that are not a hash are kept verbatim.
            found.add_id(IdKind::CorpusId, id);
            found.add_id(IdKind::SemanticScholar, id);
            if found.ids.is_empty() {
                found.add_spelling(id);
            }
        }
        let external = self.get("externalids").and_then(Value::as_object);
        let external = external.into_iter().flatten();
        let external: Vec<(String, &Value)> = external
            .map(|(key, value)| (plain_key(key), value))
            .collect();
        for (name, kind) in IDS {
            let others = external.iter().filter(|(key, _)| key == name);
            for value in self
                .get(name)
                .into_iter()
                .chain(others.map(|(_, value)| *value))
            {
                match spelling(value) {
                    // An address may be of either kind.
                    Some(id) if name == "s2url" => found.add_id(kind, &id),
                    Some(id) => found.add_due_id(kind, &id),
                    None => found.notes.note(Part::of_id(kind), &prose::shown(value)),
                }
            }
        }
    }

    /// Names from `{"name": …}`, or from S2ORC's parts of names.
    fn authors(&self, found: &mut RawRecord<'_>) -> Vec<String> {
        let authors = self.get("authors");
        authors.map_or_else(Vec::new, |authors| {
            found.notes.note_nameless(authors);
            names::of_value(authors, names::Order::Unknown)
        })
    }

    /// Fields of study, each once, in any of their forms.
    fn categories(&self) -> Vec<String> {
        let lists = ["s2fieldsofstudy", "fieldsofstudy", "magfieldofstudy"];
        let found = lists.iter().filter_map(|name| self.get(name)?.as_array());
        let named = |value: &Value| {
            let text = value.as_str().or_else(|| value.get("category")?.as_str());
            text.map(str::to_owned)
        };
        found.flatten().filter_map(named).collect()
    }

    /// The journal by its name, else the venue.
    fn journal(&self) -> Option<&str> {
        let journal = self.get("journal");
        let name = |value: &'_ Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        [
            journal,
            journal.and_then(|journal| journal.get("name")),
            self.get("journalname"),
            self.get("venue"),
        ]
        .into_iter()
        .flatten()
        .find(|value| name(value))?
        .as_str()
    }
}

/// A text that is not blank, or a number as written; of a list the first of these.
fn spelling(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(whole_number::spelling(number)),
        Value::Array(list) => list.iter().find_map(spelling),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use akin_base::paper::PaperId;

    use super::*;

    /// An item as its ids, title, abstract, authors, categories, day and journal, or its fault.
    fn check(json: &str, expected: &str) {
        let shown = match read(json, &DumpContext::default()) {
            Ok(Item::Paper(record)) => {
                let paper = record.paper;
                let aliases: String = paper.aliases.iter().map(|id| format!(" {id}")).collect();
                let day = paper.published.map(|day| day.to_string());
                format!(
                    "{}{aliases} | {} | {} | {} | {} | {} | {}",
                    paper.id,
                    paper.title,
                    paper.abstract_text,
                    paper.authors.join(", "),
                    paper.categories.join(", "),
                    day.unwrap_or_default(),
                    paper.journal.unwrap_or_default(),
                )
            }
            Ok(Item::Abstract { id, text }) => format!("{id}: {text}"),
            Ok(other) => format!("{other:?}"),
            Err(fault) => format!("{}: {}", fault.id.unwrap_or_default(), fault.reason),
        };
        assert_eq!(shown, expected, "{json}");
    }

    #[test]
    fn a_paper_of_the_data_set_is_read() {
        check(
            r#"{"corpusid":77490025,"externalids":{"ArXiv":"2503.11731","DOI":"10.1103/X","PubMed":11472636,
            "PubMedCentral":"35282","ACL":"P18-1001","MAG":"2426173123","DBLP":"conf/x","CorpusId":77490025},
            "title":"On X","authors":[{"authorId":"1","name":"Ada Lovelace"},{"authorId":"2","name":"C. Babbage"}],
            "venue":"V","year":2020,"publicationdate":"2020-05-06","s2fieldsofstudy":[{"category":"Physics","source":"s2"},
            {"category":"Physics","source":"external"},{"category":"Art","source":"s2"}],"journal":{"name":"J","pages":"1"}}"#,
            "corpusid:77490025 2503.11731 10.1103/x pmid:11472636 PMC35282 P18-1001 \
             | On X |  | Ada Lovelace, C. Babbage | Physics, Art | 2020-05-06 | J",
        );
    }

    #[test]
    fn an_answer_of_the_api_is_read() {
        let sha = "0018ce3db8f9957b520d6b7e0cec84abfa230e1c";
        check(
            &format!(
                r#"{{"paperId":"{sha}","corpusId":5,"externalIds":{{"DOI":null}},"title":"T","abstract":"Abstract: We show.",
                "venue":"V","journal":null,"year":2019,"fieldsOfStudy":["Art"],"authors":[]}}"#
            ),
            &format!("{sha} corpusid:5 | T | We show. |  | Art | 2019 | V"),
        );
        check(
            &format!(r#"{{"intents":[],"citingPaper":{{"paperId":"{sha}","title":"T"}}}}"#),
            &format!("{sha} | T |  |  |  |  | "),
        );
    }

    #[test]
    fn a_line_of_s2orc_is_read() {
        check(
            r#"{"paper_id":"77490025","title":"T","authors":[{"first":"Ada","middle":["B.","C."],"last":"Lovelace","suffix":"Jr."}],
            "abstract":null,"year":1975,"arxiv_id":"math/0309136","acl_id":null,"pmc_id":"35282","pubmed_id":"11472636",
            "doi":null,"venue":null,"journal":"J","mag_id":"1","mag_field_of_study":["Medicine"],
            "s2_url":"https://api.semanticscholar.org/CorpusID:77490025"}"#,
            "corpusid:77490025 math/0309136 pmid:11472636 PMC35282 | T |  | Ada B. C. Lovelace Jr. \
             | Medicine | 1975 | J",
        );
    }

    #[test]
    fn a_record_without_title_is_an_abstract() {
        check(
            r#"{"corpusid":7,"openaccessinfo":{"externalids":{"DOI":"10.1103/X"}},"abstract":"We\nshow."}"#,
            "corpusid:7: We show.",
        );
        check(
            r#"{"corpusid":7,"abstract":null}"#,
            "7: empty: neither a title nor a text",
        );
        check(
            r#"{"corpusid":7,"title":null,"abstract":"x"}"#,
            "7: no title",
        );
        check(r#"{"abstract":"We show."}"#, ": no id");
        check(
            r#"{"corpusid":7,"title":[true]}"#,
            "7: the title is something else, not text",
        );
    }

    #[test]
    fn a_key_before_the_record_is_its_id() {
        let context = DumpContext {
            around: "corpusid:9".to_owned(),
            ..DumpContext::default()
        };
        match read(r#"{"title":"T"}"#, &context) {
            Ok(Item::Paper(record)) => assert_eq!(record.paper.id, parsed("corpusid:9")),
            other => panic!("{other:?}"),
        }
    }

    fn parsed(spelling: &str) -> PaperId {
        PaperId::parse(spelling).expect("an id")
    }
}
