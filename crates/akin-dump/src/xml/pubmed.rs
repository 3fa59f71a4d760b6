//! Records of PubMed: journal articles, chapters and books, and deletions.
//!
//! In: one `PubmedArticle`, `PubmedBookArticle`, bare `MedlineCitation` or `BookDocument`, or a
//! `PMID` in `DeleteCitation`. Out: a paper, or a deletion. The elements are described at
//! <https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html> and in the DTD
//! `https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd`.
//!
//! | of a paper | element |
//! |---|---|
//! | id, version | `PMID`, its `Version` |
//! | aliases | `ArticleId` doi and pmc, `ELocationID` doi, `OtherID` of PubMed Central |
//! | title | `ArticleTitle`, in brackets if it is translated; `VernacularTitle` if there is none; `BookTitle` of a whole book |
//! | abstract | `Abstract`, else `OtherAbstract`; parts under their labels |
//! | authors | `AuthorList`, groups too; editors of a book are none |
//! | categories | MeSH `DescriptorName`s, else `Keyword`s |
//! | published | the earliest whole day of `ArticleDate` and `PubDate`; else as much as they say |
//! | updated | `DateRevised` |
//! | journal | `Journal/Title`; the `BookTitle` of a chapter |
//! | volume | `JournalIssue/Volume` |
//! | notice | `PublicationType` "Retracted Publication", or a `RetractionIn` |
//!
//! There was no genuine sample of books and of `DeleteCitation`.

use akin_base::paper::{Authority, IdKind, Notice, PaperId, PartialDate};

use super::answer::empty_without_elements;
use super::parts::{day_of, written_of};
use super::rules::Rules;
use super::start::StartTags;
use super::tree::{self, Element};
use crate::format::{FormatReader, SourceFeed, Spec, XmlSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::reject::Rejection;
use crate::text::names;

/// PubMed XML.
pub(crate) const SPEC: Spec = Spec {
    name: "pubmed",
    title: "PubMed XML",
    feed: Some(SourceFeed::new("pubmed", Authority::Registry)),
    generic_file: None,
    reader: FormatReader::Xml(XmlSpec {
        is_start,
        rules: &RULES,
        answer: empty_without_elements,
        read,
    }),
};

pub(super) static RULES: Rules = Rules {
    is_whole_record: |name| name == b"PubmedArticle" || name == b"PubmedBookArticle",
    is_inner_record: |name, parent| match name {
        b"MedlineCitation" | b"BookDocument" => true,
        b"PMID" => [&b"DeleteCitation"[..], b"DeleteDocument"].contains(&parent),
        _ => false,
    },
    ..Rules::NONE
};

/// Whether the start tag at an index shows that a document is from PubMed.
fn is_start(tags: &StartTags<'_>, at: usize) -> bool {
    matches!(
        tags.name(at),
        "PubmedArticleSet"
            | "PubmedArticle"
            | "PubmedBookArticleSet"
            | "PubmedBookArticle"
            | "MedlineCitationSet"
            | "MedlineCitation"
            | "BookDocumentSet"
            | "DeleteCitation"
    )
}

/// Placeholders for a title that was not given, or not yet.
const NO_TITLES: [&str; 2] = ["not available", "in process citation"];

/// The label of an abstract without parts.
const NO_LABEL: &str = "UNLABELLED";

/// The elements of a record that say something; the same one twice for a book.
struct Parts<'a> {
    /// `MedlineCitation` or `BookDocument`.
    citation: &'a Element,
    /// `Article` or `BookDocument`.
    article: &'a Element,
    /// `Book`, of a book.
    book: Option<&'a Element>,
    /// `PubmedData` or `PubmedBookData`.
    data: Option<&'a Element>,
}

/// Reads one record.
pub(crate) fn read(xml: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let root = tree::parse(xml)?;
    if root.name == "PMID" {
        let id = PaperId::of_kind(IdKind::Pmid, &root.text());
        return Ok(Item::Deletion(id.ok_or(Rejection::NoId)?));
    }
    let citation = ["MedlineCitation", "BookDocument"]
        .iter()
        .find_map(|name| root.child(name))
        .unwrap_or(&root);
    let parts = Parts {
        citation,
        article: citation.child("Article").unwrap_or(citation),
        book: citation.child("Book"),
        data: root
            .child("PubmedData")
            .or_else(|| root.child("PubmedBookData")),
    };
    parts.found().item()
}

impl Parts<'_> {
    fn found(&self) -> RawRecord<'static> {
        let (title, journal) = self.title_and_journal();
        let mut found = RawRecord {
            given_id: self.citation.text_at(&["PMID"]),
            title: title.into(),
            text: self.abstract_text().into(),
            authors: self.authors(),
            categories: self.categories(),
            journal: journal.map(Into::into),
            volume: self.volume().map(Into::into),
            version: self.version(),
            notice: self.is_retracted().then_some(Notice::Retracted),
            ..RawRecord::default()
        };
        found.published = self.published(&mut found);
        if let Some(revised) = self.citation.child("DateRevised") {
            found.updated = found.dated(day(revised), [&*written(revised)]);
        }
        self.add_ids(&mut found);
        found
    }

    fn volume(&self) -> Option<String> {
        self.article.text_at(&["Journal", "JournalIssue", "Volume"])
    }

    fn version(&self) -> Option<u32> {
        self.citation
            .child("PMID")?
            .attribute("Version")?
            .trim()
            .parse()
            .ok()
    }

    fn title_and_journal(&self) -> (String, Option<String>) {
        let given = ["ArticleTitle", "VernacularTitle"]
            .iter()
            .filter_map(|name| self.article.text_at(&[name]))
            .find(|title| !is_no_title(title));
        let book = |name: &str| self.book?.text_at(&[name]);
        let journal = self
            .article
            .text_at(&["Journal", "Title"])
            .or_else(|| self.article.text_at(&["Journal", "ISOAbbreviation"]))
            .or_else(|| self.citation.text_at(&["MedlineJournalInfo", "MedlineTA"]));
        match given {
            Some(title) => (title, journal.or_else(|| book("BookTitle"))),
            None => (
                book("BookTitle").unwrap_or_default(),
                book("CollectionTitle"),
            ),
        }
    }

    fn add_ids(&self, found: &mut RawRecord<'_>) {
        for pmid in self.citation.children("PMID") {
            found.add_id(IdKind::Pmid, &pmid.text());
        }
        let lists = [self.data, Some(self.citation)].into_iter().flatten();
        let listed = lists.filter_map(|list| list.child("ArticleIdList"));
        for id in listed.flat_map(|list| list.children("ArticleId")) {
            match id.attribute("IdType") {
                Some("doi") => found.add_due_id(IdKind::Doi, &id.text()),
                Some("pmc" | "pmcid") => found.add_due_id(IdKind::Pmcid, &id.text()),
                _ => {}
            }
        }
        let holders = [Some(self.article), self.book].into_iter().flatten();
        for id in holders.flat_map(|holder| holder.children("ELocationID")) {
            if id.attribute("EIdType") == Some("doi") && is_valid(id) {
                found.add_due_id(IdKind::Doi, &id.text());
            }
        }
        for id in self.citation.children("OtherID") {
            // "PMC35282 [Available on 01/01/13]".
            if let Some(word) = id.text().split_whitespace().next() {
                found.add_id(IdKind::Pmcid, word);
            }
        }
    }

    fn abstract_text(&self) -> String {
        let given = self.article.child("Abstract").map(parts_of_abstract);
        if let Some(text) = given.filter(|text| !text.is_empty()) {
            return text;
        }
        let is_english = |other: &&Element| {
            let language = other.attribute("Language");
            language.is_none_or(|language| language.eq_ignore_ascii_case("eng"))
        };
        let is_abstract =
            |other: &&Element| other.attribute("Type") != Some("plain-language-summary");
        let others = || self.citation.children("OtherAbstract").filter(is_abstract);
        others()
            .filter(is_english)
            .chain(others())
            .map(parts_of_abstract)
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    fn authors(&self) -> Vec<String> {
        let holders = [Some(self.article), self.book].into_iter().flatten();
        holders
            .flat_map(|holder| holder.children("AuthorList"))
            .filter(|list| list.attribute("Type") != Some("editors"))
            .flat_map(|list| list.children("Author"))
            .filter(|author| is_valid(author))
            .filter_map(author)
            .collect()
    }

    fn categories(&self) -> Vec<String> {
        let headings: Vec<String> = self
            .citation
            .children("MeshHeadingList")
            .flat_map(|list| list.children("MeshHeading"))
            .filter_map(|heading| heading.text_at(&["DescriptorName"]))
            .collect();
        if !headings.is_empty() {
            return headings;
        }
        let lists = self.citation.children("KeywordList");
        lists
            .flat_map(|list| list.children("Keyword"))
            .filter_map(Element::some_text)
            .collect()
    }

    /// The date in print.
    fn printed(&self) -> Option<&Element> {
        self.article
            .path(&["Journal", "JournalIssue", "PubDate"])
            .or_else(|| self.book?.child("PubDate"))
    }

    /// The earliest whole day, else what is known of the date in print.
    fn published(&self, found: &mut RawRecord<'_>) -> Option<PartialDate> {
        let printed = self.printed();
        let whole = printed.filter(|date| date.child("Day").is_some());
        let electronic = self.article.children("ArticleDate");
        let contributed = self.citation.children("ContributionDate");
        let dates: Vec<&Element> = electronic.chain(contributed).chain(whole).collect();
        let read = dates.iter().filter_map(|date| day(date));
        let published = read
            .min_by_key(|date| (date.whole().is_none(), *date))
            .or_else(|| day(printed?));
        if published.is_some_and(|date| date.whole().is_some()) {
            return published;
        }
        let texts: Vec<String> = printed.into_iter().chain(dates).map(written).collect();
        found.dated(published, texts.iter().map(String::as_str))
    }

    fn is_retracted(&self) -> bool {
        let in_list = self.article.children("PublicationTypeList");
        let mut types = in_list
            .flat_map(|list| list.children("PublicationType"))
            .chain(self.article.children("PublicationType"));
        let mut corrections = self
            .citation
            .children("CommentsCorrectionsList")
            .flat_map(|list| list.children("CommentsCorrections"));
        types.any(|kind| {
            kind.text()
                .trim()
                .eq_ignore_ascii_case("Retracted Publication")
        }) || corrections.any(|other| other.attribute("RefType") == Some("RetractionIn"))
    }
}

/// Whether an element is not marked as wrong.
fn is_valid(element: &Element) -> bool {
    element.attribute("ValidYN") != Some("N")
}

/// The parts of an abstract, each after its label.
fn parts_of_abstract(element: &Element) -> String {
    let part = |part: &Element| {
        let text = part.some_text()?;
        let label = part.attribute("Label").map(str::trim).unwrap_or_default();
        let is_label = !label.is_empty() && !label.eq_ignore_ascii_case(NO_LABEL);
        Some(if is_label {
            format!("{}: {text}", label.trim_end_matches(':'))
        } else {
            text
        })
    };
    let parts: Vec<String> = element.children("AbstractText").filter_map(part).collect();
    parts.join("\n")
}

/// A person's name, or a group's.
fn author(author: &Element) -> Option<String> {
    let part = |name: &str| author.text_at(&[name]);
    if let Some(group) = part("CollectiveName") {
        return names::single(&group);
    }
    let given = part("ForeName")
        .or_else(|| part("FirstName"))
        .or_else(|| part("Initials"));
    let parts = [given, part("MiddleName"), part("LastName"), part("Suffix")];
    names::joined(parts.iter().flatten().map(String::as_str))
}

fn is_no_title(title: &str) -> bool {
    let bare = title.trim_matches(['[', ']', '.', ' ']);
    bare.is_empty() || NO_TITLES.iter().any(|none| bare.eq_ignore_ascii_case(none))
}

/// The date of an element as one text.
fn written(date: &Element) -> String {
    let part = |name: &str| date.text_at(&[name]).unwrap_or_default();
    match date.text_at(&["Year"]) {
        Some(year) => written_of(&year, &part("Month"), &part("Day")),
        None => date.some_text().unwrap_or_default(),
    }
}

/// A day given by `Year`, `Month` and `Day`, or by a `MedlineDate` such as `1998 Dec-1999 Jan`.
fn day(date: &Element) -> Option<PartialDate> {
    let part = |name: &str| date.text_at(&[name]).unwrap_or_default();
    if let Some(year) = date.text_at(&["Year"]) {
        return day_of(&year, &part("Month"), &part("Day"));
    }
    let written = part("MedlineDate");
    let is_year = |word: &&str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    let year = written
        .split(|c: char| !c.is_alphanumeric())
        .find(is_year)?;
    let (before, after) = written.split_once(year)?;
    let month = if after.contains(char::is_alphabetic) {
        after
    } else {
        before
    };
    let words = month.split(|c: char| !c.is_alphabetic());
    let word = words
        .clone()
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    day_of(year, word, "")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tests::check_paper;

    #[track_caller]
    fn check(xml: &str, expected: Value) {
        check_paper(read(xml, &DumpContext::default()), &expected);
    }

    #[test]
    fn an_article_is_read() {
        check(
            "<PubmedArticle><MedlineCitation><PMID Version='2'>77</PMID>\
             <DateRevised><Year>2020</Year><Month>05</Month><Day>06</Day></DateRevised>\
             <Article><Journal><JournalIssue><PubDate><Year>2019</Year><Month>Mar</Month></PubDate>\
             </JournalIssue><Title>Journal of fish</Title></Journal>\
             <ArticleTitle>CO<sub>2</sub> in <i>Danio</i>.</ArticleTitle>\
             <ELocationID EIdType='doi' ValidYN='N'>10.1000/wrong</ELocationID>\
             <Abstract><AbstractText Label='AIMS' NlmCategory='OBJECTIVE'>Why.</AbstractText>\
             <AbstractText Label='UNLABELLED'>How &lt; why.</AbstractText>\
             <CopyrightInformation>(c)</CopyrightInformation></Abstract>\
             <AuthorList><Author ValidYN='Y'><LastName>Fischer</LastName><ForeName>Ada B</ForeName>\
             <Suffix>Jr</Suffix></Author><Author><CollectiveName>Fish Group</CollectiveName></Author>\
             </AuthorList><ArticleDate><Year>2018</Year><Month>11</Month><Day>02</Day></ArticleDate>\
             </Article><CommentsCorrectionsList><CommentsCorrections RefType='Cites'><PMID>5</PMID>\
             </CommentsCorrections><CommentsCorrections RefType='RetractionIn'/>\
             </CommentsCorrectionsList><MeshHeadingList><MeshHeading><DescriptorName>Zebrafish\
             </DescriptorName><QualifierName>growth</QualifierName></MeshHeading></MeshHeadingList>\
             <KeywordList><Keyword>fish</Keyword></KeywordList></MedlineCitation>\
             <PubmedData><ArticleIdList><ArticleId IdType='pubmed'>77</ArticleId>\
             <ArticleId IdType='doi'>10.1000/F</ArticleId><ArticleId IdType='pii'>S1</ArticleId>\
             <ArticleId IdType='pmc'>PMC9</ArticleId></ArticleIdList><ReferenceList><Reference>\
             <ArticleIdList><ArticleId IdType='doi'>10.1000/other</ArticleId></ArticleIdList>\
             </Reference></ReferenceList></PubmedData></PubmedArticle>",
            json!({
                "id": "pmid:77",
                "aliases": ["10.1000/f", "PMC9"],
                "version": 2,
                "title": "CO2 in Danio.",
                "abstract": "AIMS: Why. How < why.",
                "authors": ["Ada B Fischer Jr", "Fish Group"],
                "categories": ["Zebrafish"],
                "published": "2018-11-02",
                "updated": "2020-05-06",
                "journal": "Journal of fish",
                "notice": "retracted",
                "raw": {"title": "CO<sub>2</sub> in Danio.", "abstract": "AIMS: Why.\nHow < why."},
            }),
        );
    }

    #[test]
    fn an_article_in_another_language_is_read() {
        let article = |title: &str, rest: &str| {
            format!(
                "<MedlineCitation><PMID>7</PMID><Article><ArticleTitle>{title}</ArticleTitle>\
                 <VernacularTitle>Des poissons.</VernacularTitle></Article>\
                 <OtherAbstract Type='plain-language-summary'><AbstractText>Fish.</AbstractText>\
                 </OtherAbstract>{rest}</MedlineCitation>"
            )
        };
        let french =
            "<OtherAbstract Language='fre'><AbstractText>Nous.</AbstractText></OtherAbstract>";
        let both = format!(
            "{french}<OtherAbstract Type='Publisher'><AbstractText>We.</AbstractText></OtherAbstract>"
        );
        let paper =
            |title: &str, text: &str| json!({"id": "pmid:7", "title": title, "abstract": text});
        check(&article("[On fish].", ""), paper("[On fish].", ""));
        check(&article("[A] or [B].", &both), paper("[A] or [B].", "We."));
        check(&article("[Not Available].", ""), paper("Des poissons.", ""));
        check(&article("", french), paper("Des poissons.", "Nous."));
    }

    #[test]
    fn dates_are_read_as_far_as_they_go() {
        let check = |date: &str, expected: Option<&str>| {
            let xml = format!(
                "<MedlineCitation><Article><Journal><JournalIssue><PubDate>{date}</PubDate>\
                 </JournalIssue></Journal><ArticleTitle>t</ArticleTitle></Article></MedlineCitation>"
            );
            let Ok(Item::Paper(record)) = read(&xml, &DumpContext::default()) else {
                panic!("no paper: {xml}");
            };
            let published = record.paper.published.map(|day| day.to_string());
            assert_eq!(published.as_deref(), expected, "{date}");
        };
        check("<Year>1999</Year><Season>Spring</Season>", Some("1999"));
        check(
            "<Year>1999</Year><Month>Feb</Month><Day>30</Day>",
            Some("1999-02"),
        );
        check(
            "<MedlineDate>1998 Dec-1999 Jan</MedlineDate>",
            Some("1998-12"),
        );
        check("<MedlineDate>Nov-Dec 1999</MedlineDate>", Some("1999-11"));
        check("<MedlineDate>2000 Spring</MedlineDate>", Some("2000"));
        check("<MedlineDate>1975-1976</MedlineDate>", Some("1975"));
        check("<MedlineDate>unknown</MedlineDate>", None);
    }

    #[test]
    fn books_and_their_chapters_are_read() {
        let book = |title: &str| {
            format!(
                "<PubmedBookArticle><BookDocument><PMID>8</PMID><ArticleIdList>\
                 <ArticleId IdType='bookaccession'>NBK1</ArticleId></ArticleIdList>\
                 <Book><BookTitle>All Fish</BookTitle><PubDate><Year>2001</Year></PubDate>\
                 <AuthorList Type='editors'><Author><LastName>Ed</LastName></Author></AuthorList></Book>\
                 {title}<AuthorList Type='authors'><Author><LastName>Fischer</LastName>\
                 <Initials>A</Initials></Author></AuthorList><Abstract><AbstractText>We.</AbstractText>\
                 </Abstract><KeywordList><Keyword>fish</Keyword></KeywordList></BookDocument>\
                 </PubmedBookArticle>"
            )
        };
        let mut expected = json!({
            "id": "pmid:8",
            "title": "All Fish",
            "abstract": "We.",
            "authors": ["A Fischer"],
            "categories": ["fish"],
            "published": "2001",
        });
        check(&book(""), expected.clone());
        expected["title"] = "Eels".into();
        expected["journal"] = "All Fish".into();
        check(&book("<ArticleTitle>Eels</ArticleTitle>"), expected);
    }

    #[test]
    fn a_deletion_is_one_of_an_id() {
        let read = |xml: &str| read(xml, &DumpContext::default());
        let id = PaperId::parse("pmid:12").expect("an id");
        assert_eq!(read("<PMID Version='1'>12</PMID>"), Ok(Item::Deletion(id)));
        assert_eq!(read("<PMID>x</PMID>"), Err(Rejection::NoId.into()));
    }
}
