//! Works of OpenAlex: lines of its snapshot, pages of its API (`{"results": […]}`), single works.
//!
//! The abstract comes as an index from words to positions, which is turned back into text. MAG's
//! older form of it (`{"IndexLength": …, "InvertedIndex": {…}}`), an index that is itself JSON in a
//! string, and a plain `abstract` are read as well. Described at
//! <https://docs.openalex.org/api-entities/works/work-object>; the genuine works at hand had no
//! abstract, so its index follows that description. `mag` is not kept: it is the number of the
//! work's own id.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use akin_base::paper::{Authority, IdKind, Notice};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::keys::TITLES;
use super::mend;
use super::object::JsonObject;
use crate::field::{Items, ObjectPart, ScalarField};
use crate::format::{FormatReader, JsonSpec, SourceFeed, Spec};
use crate::ignored::{self, Notes};
use crate::record::{DumpContext, Item, RawRecord, RecordError, day};
use crate::reject::Rejection;
use crate::text::names;

/// Works of OpenAlex.
pub(crate) const SPEC: Spec = Spec {
    name: "openalex",
    title: "OpenAlex works",
    feed: Some(SourceFeed::new("openalex", Authority::Catalogue)),
    generic_file: None,
    reader: FormatReader::Json(JsonSpec {
        is_record,
        holder: None,
        read,
    }),
};

/// Whether an object is a work of OpenAlex.
fn is_record(object: &JsonObject<'_>) -> bool {
    let is_id = |id: &[u8]| id.starts_with(b"\"https://openalex.org/W");
    object.has("abstract_inverted_index")
        || object.value("id").is_some_and(is_id)
        || (object.has_any(&TITLES) && object.has("authorships"))
}

/// No text of one record has more words.
const MAX_POSITION: u64 = 1 << 22;

/// Topics, keywords and concepts that are kept of one work.
const MAX_CATEGORIES: usize = 5;

#[derive(Deserialize)]
struct OpenAlexWork<'a> {
    #[serde(borrow, default)]
    id: ScalarField<'a>,
    #[serde(borrow, default)]
    doi: ScalarField<'a>,
    #[serde(borrow, default)]
    ids: ObjectPart<HashMap<Cow<'a, str>, ScalarField<'a>>>,
    #[serde(borrow, default)]
    title: ScalarField<'a>,
    #[serde(borrow, default)]
    display_name: ScalarField<'a>,
    #[serde(borrow, default, rename = "abstract")]
    text: ScalarField<'a>,
    #[serde(borrow, default)]
    abstract_inverted_index: InvertedAbstract<'a>,
    #[serde(borrow, default)]
    publication_date: ScalarField<'a>,
    #[serde(borrow, default)]
    publication_year: ScalarField<'a>,
    #[serde(borrow, default)]
    updated_date: ScalarField<'a>,
    #[serde(borrow, default)]
    authorships: Items<ObjectPart<Authorship<'a>>>,
    #[serde(borrow, default)]
    primary_location: ObjectPart<Location<'a>>,
    /// What there was before `primary_location`.
    #[serde(borrow, default)]
    host_venue: ObjectPart<Named<'a>>,
    #[serde(borrow, default)]
    locations: Items<ObjectPart<Location<'a>>>,
    #[serde(borrow, default)]
    topics: Items<ObjectPart<Named<'a>>>,
    #[serde(borrow, default)]
    keywords: Items<ObjectPart<Named<'a>>>,
    #[serde(borrow, default)]
    concepts: Items<ObjectPart<Named<'a>>>,
    #[serde(default)]
    is_retracted: serde_json::Value,
}

#[derive(Default, Deserialize)]
struct Authorship<'a> {
    #[serde(borrow, default)]
    author: ObjectPart<Named<'a>>,
    #[serde(borrow, default)]
    raw_author_name: ScalarField<'a>,
}

#[derive(Default, Deserialize)]
struct Location<'a> {
    #[serde(borrow, default)]
    source: ObjectPart<Named<'a>>,
    #[serde(borrow, default)]
    landing_page_url: ScalarField<'a>,
    #[serde(borrow, default)]
    pdf_url: ScalarField<'a>,
}

#[derive(Default, Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    display_name: ScalarField<'a>,
    /// What keywords had before `display_name`.
    #[serde(borrow, default)]
    keyword: ScalarField<'a>,
    #[serde(borrow, default)]
    score: ScalarField<'a>,
}

/// Reads one work.
pub(crate) fn read(json: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let mut work: OpenAlexWork<'_> = serde_json::from_str(json)?;
    let index = std::mem::take(&mut work.abstract_inverted_index);
    let given_id = work.id.spelling().map(str::to_owned);
    let fault = |reason| RecordError {
        id: given_id.clone(),
        reason,
    };
    let mut notes = Notes::default();
    let text = work.text.prose_or_note(ignored::Part::Abstract, &mut notes);
    let text = match text.unwrap_or_default().trim() {
        "" => Cow::Owned(index.text().map_err(fault)?),
        text => Cow::Borrowed(text),
    };
    let title = match work.title.required("title").map_err(fault)?.trim() {
        "" => work.display_name.required("title").map_err(fault)?,
        title => title,
    };
    let date = day(&work.publication_date, &mut notes);
    let mut found = RawRecord {
        title: title.into(),
        text,
        authors: authors(&work.authorships, &mut notes),
        categories: categories(&work),
        published: date.or_else(|| day(&work.publication_year, &mut notes)),
        updated: day(&work.updated_date, &mut notes),
        journal: journal(&work).map(Cow::Borrowed),
        notice: (work.is_retracted == true).then_some(Notice::Retracted),
        ..RawRecord::default()
    };
    found.notes = notes;
    add_ids(&mut found, &work);
    found.given_id = given_id;
    found.item()
}

fn add_ids(found: &mut RawRecord<'_>, work: &OpenAlexWork<'_>) {
    if let Some(id) = work.id.spelling() {
        found.add_id(IdKind::OpenAlex, id);
        if found.ids.is_empty() {
            found.add_spelling(id);
        }
    }
    let others = &work.ids.0;
    let of = |name: &str| others.get(name).and_then(ScalarField::spelling);
    if let Some(id) = of("openalex") {
        found.add_id(IdKind::OpenAlex, id);
    }
    for doi in [work.doi.shown(), of("doi")].into_iter().flatten() {
        found.add_due_id(IdKind::Doi, doi);
    }
    // The addresses in `ids` may lack the `PMC` of their numbers.
    let last = |address: &'_ str| {
        address
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .map(str::to_owned)
    };
    for (name, kind) in [("pmid", IdKind::Pmid), ("pmcid", IdKind::Pmcid)] {
        if let Some(number) = of(name).and_then(last) {
            found.add_due_id(kind, &number);
        }
    }
    let locations = work.locations.0.iter().chain([&work.primary_location]);
    let addresses = locations.flat_map(|place| [&place.0.landing_page_url, &place.0.pdf_url]);
    for address in addresses.filter_map(ScalarField::text) {
        if address.to_ascii_lowercase().contains("arxiv") {
            found.add_id(IdKind::Arxiv, address);
        }
    }
}

fn authors(authorships: &Items<ObjectPart<Authorship<'_>>>, notes: &mut Notes) -> Vec<String> {
    let name = |ObjectPart(authorship): &'_ ObjectPart<Authorship<'_>>| {
        let says_something = |field: &'_ &ScalarField<'_>| {
            let text = field.text().unwrap_or("");
            text.contains(char::is_alphanumeric)
        };
        let fields = [
            &authorship.author.0.display_name,
            &authorship.raw_author_name,
        ];
        let found = fields.into_iter().find(says_something);
        let name = found.and_then(|field| field.text().map(str::to_owned));
        let nameless = Some("an authorship without a name");
        notes.unless(name, ignored::Part::Author, nameless)
    };
    let written: Vec<String> = authorships.0.iter().filter_map(name).collect();
    names::elements(written.iter().map(String::as_str))
}

fn journal<'a>(work: &'a OpenAlexWork<'_>) -> Option<&'a str> {
    let source = work.primary_location.0.source.0.display_name.text();
    source.or_else(|| work.host_venue.0.display_name.text())
}

/// Topics, keywords, then concepts, the likelier of each kind first.
fn categories(work: &OpenAlexWork<'_>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for kind in [&work.topics, &work.keywords, &work.concepts] {
        let mut scored: Vec<(f64, &str)> = kind
            .0
            .iter()
            .filter_map(|ObjectPart(one)| one.scored())
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, name) in scored {
            let is_new = !kept.iter().any(|other| other.eq_ignore_ascii_case(name));
            if is_new && kept.len() < MAX_CATEGORIES {
                kept.push(name.to_owned());
            }
        }
    }
    kept
}

impl Named<'_> {
    fn scored(&self) -> Option<(f64, &str)> {
        let name = self.display_name.text().or_else(|| self.keyword.text())?;
        let score = self.score.spelling().and_then(|score| score.parse().ok());
        Some((score.unwrap_or(0.0), name))
    }
}

/// The words of an abstract, each with one of its positions, as in the dump.
#[derive(Debug, Default)]
struct InvertedAbstract<'a> {
    words: Vec<Cow<'a, str>>,
    /// The place, and which of `words`.
    places: Vec<(u32, u32)>,
    /// A place was no number, or none that a text can have.
    is_impossible: bool,
}

impl<'a> InvertedAbstract<'a> {
    /// The text; gaps are passed over.
    fn text(mut self) -> Result<String, Rejection> {
        if self.is_impossible {
            return Err(Rejection::WrongType {
                field: "abstract",
                found: "an index with impossible positions",
            });
        }
        self.places.sort_by_key(|(place, _)| *place);
        let words = self
            .places
            .iter()
            .map(|(_, word)| &*self.words[*word as usize]);
        Ok(words.collect::<Vec<_>>().join(" "))
    }

    fn into_owned(self) -> InvertedAbstract<'static> {
        let owned = |word: Cow<'_, str>| Cow::Owned(word.into_owned());
        InvertedAbstract {
            words: self.words.into_iter().map(owned).collect(),
            places: self.places,
            is_impossible: self.is_impossible,
        }
    }

    fn add(&mut self, word: Cow<'a, str>, positions: Positions<'a>) {
        let Ok(word_idx) = u32::try_from(self.words.len()) else {
            return;
        };
        match positions {
            Positions::List(list) => {
                self.words.push(word);
                for place in list {
                    match place {
                        Some(place) => self.places.push((place, word_idx)),
                        None => self.is_impossible = true,
                    }
                }
            }
            Positions::Index(nested) => *self = nested,
            // The length that MAG's form says, or null.
            Positions::Other => {}
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for InvertedAbstract<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let positions = deserializer.deserialize_any(PositionsVisitor)?;
        Ok(match positions {
            Positions::Index(index) => index,
            _ => InvertedAbstract::default(),
        })
    }
}

/// What an index holds for one word.
enum Positions<'a> {
    /// Places, `None` for those that cannot be.
    List(Vec<Option<u32>>),
    /// An index inside the index.
    Index(InvertedAbstract<'a>),
    Other,
}

impl<'de> Deserialize<'de> for Positions<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PositionsVisitor)
    }
}

struct PositionsVisitor;

impl<'de> Visitor<'de> for PositionsVisitor {
    type Value = Positions<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut index = InvertedAbstract::default();
        while let Some((IndexedWord(word), positions)) =
            map.next_entry::<IndexedWord<'de>, Positions<'de>>()?
        {
            index.add(word, positions);
        }
        Ok(Positions::Index(index))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(place) = seq.next_element::<WordPlace>()? {
            list.push(place.0);
        }
        Ok(Positions::List(list))
    }

    /// An index that was written as a string; an invalid one counts as nothing.
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let parsed = mend::read(text, |text| {
            serde_json::from_str::<InvertedAbstract<'_>>(text).map(InvertedAbstract::into_owned)
        });
        Ok(Positions::Index(parsed.unwrap_or_default()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Positions::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Positions::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Positions::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Positions::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Positions::Other)
    }
}

/// A word of an index, borrowed if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct IndexedWord<'a>(#[serde(borrow)] Cow<'a, str>);

/// One position in a text; `None` if it is impossible.
struct WordPlace(Option<u32>);

impl<'de> Deserialize<'de> for WordPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = serde_json::Value::deserialize(deserializer)?.as_u64();
        let possible = place.filter(|&place| place < MAX_POSITION);
        Ok(WordPlace(
            possible.and_then(|place| u32::try_from(place).ok()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use akin_base::paper::Paper;

    use super::*;

    fn paper(json: &str) -> Paper {
        match read(json, &DumpContext::default()) {
            Ok(Item::Paper(record)) => record.paper,
            other => panic!("{other:?}"),
        }
    }

    /// The abstract of a work with this index.
    fn check(index: &str, expected: &str) {
        let json = format!(
            r#"{{"id":"https://openalex.org/W2741809807","title":"T","abstract_inverted_index":{index}}}"#
        );
        assert_eq!(paper(&json).abstract_text, expected, "{index}");
    }

    #[test]
    fn an_index_is_turned_back_into_its_text() {
        check(
            r#"{"of":[1,4],"the":[2],"End":[0],"line.":[5],"\u00e9tude":[3]}"#,
            "End of the étude of line.",
        );
        check(r#"{"b":[900000],"a":[7]}"#, "a b");
        check(
            r#"{"IndexLength":2,"InvertedIndex":{"b":[1],"a":[0]}}"#,
            "a b",
        );
        check(r#""{\"b\":[1],\"a\":[0]}""#, "a b");
        for none in [
            "null",
            "{}",
            "[]",
            "3",
            "\"no index\"",
            r#"{"a":null,"b":2}"#,
        ] {
            check(none, "");
        }
    }

    #[test]
    fn impossible_positions_are_rejected() {
        for position in ["-1", "4000000000000", "1.5", "\"1\"", "null", "99999999"] {
            let json = format!(
                r#"{{"id":"W123456","title":"T","abstract_inverted_index":{{"a":[{position}]}}}}"#
            );
            let fault = read(&json, &DumpContext::default()).expect_err(position);
            assert_eq!(fault.id.as_deref(), Some("W123456"));
            let said = fault.reason.to_string();
            assert_eq!(
                said,
                "the abstract is an index with impossible positions, not text"
            );
        }
    }

    #[test]
    fn a_work_is_understood_in_every_field() {
        let paper = paper(
            r#"{"id":"https://openalex.org/W2741809807","doi":"https://doi.org/10.7717/PEERJ.4375",
            "title":null,"display_name":"The <i>state</i> of OA","publication_date":"2018-02-13",
            "publication_year":2018,"updated_date":"2024-05-01T10:00:00","is_retracted":true,
            "ids":{"openalex":"https://openalex.org/W2741809807","mag":2741809807,
              "pmid":"https://pubmed.ncbi.nlm.nih.gov/29456894","pmcid":"https://www.ncbi.nlm.nih.gov/pmc/articles/5815332"},
            "authorships":[{"author":{"display_name":"Ada Lovelace"},"raw_author_name":"A. Lovelace"},
              {"author":{"display_name":null},"raw_author_name":"C. Babbage"},{"author":null},7],
            "primary_location":{"source":{"display_name":"PeerJ"}},
            "locations":[{"landing_page_url":"https://arxiv.org/abs/1802.00001","pdf_url":null},null],
            "topics":[{"display_name":"Open science","score":0.5},{"display_name":"Libraries","score":0.9}],
            "keywords":[{"keyword":"Access","score":0.3}],"concepts":["Citation",{"display_name":"access"}]}"#,
        );
        let ids: Vec<&str> = paper.aliases.iter().map(|id| id.as_str()).collect();
        assert_eq!(paper.id.as_str(), "W2741809807");
        assert_eq!(
            ids,
            [
                "10.7717/peerj.4375",
                "pmid:29456894",
                "PMC5815332",
                "1802.00001"
            ]
        );
        assert_eq!(paper.title, "The state of OA");
        assert_eq!(paper.authors, ["Ada Lovelace", "C. Babbage"]);
        assert_eq!(paper.categories, ["Libraries", "Open science", "Access"]);
        assert_eq!(paper.journal.as_deref(), Some("PeerJ"));
        assert_eq!(paper.notice, Some(Notice::Retracted));
        let days = [paper.published, paper.updated].map(|day| day.map(|day| day.to_string()));
        assert_eq!(days, [Some("2018-02-13".into()), Some("2024-05-01".into())]);
    }

    #[test]
    fn a_work_without_title_is_rejected_with_its_id() {
        let json = r#"{"id":"https://openalex.org/W1234567","title":null,"display_name":null}"#;
        let fault = read(json, &DumpContext::default()).expect_err("no title");
        assert_eq!(fault.reason, Rejection::NoTitle);
        assert_eq!(fault.id.as_deref(), Some("https://openalex.org/W1234567"));
    }
}
