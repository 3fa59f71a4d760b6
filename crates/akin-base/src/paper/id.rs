//! Ids of papers. A global id names a work anywhere; any other id is local to its collection.
//!
//! In: what a dump or a person writes. Out: [`PaperId`]. `spelling.rs` knows the spellings of
//! global ids.
//!
//! Invariants: all spellings of a global id parse to one [`PaperId`]. Ids of different collections
//! are never equal, so two data sets that both count from 1 stay apart.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hash::letters_of;
use super::kind::IdKind;
use super::spelling::{self, is_digits, strip_prefix_nocase};

/// First character of a stored local id.
const LOCAL: char = '@';

/// Prefix of ids made from records without one.
const MADE: &str = "title:";

/// The id of a paper in its normal form.
///
/// Global ids:
///
/// | kind | normal form | spellings that mean it |
/// |---|---|---|
/// | arXiv since 2007 | `2503.11731` | `arXiv:2503.11731v2 [cs.CL]`, addresses of abstract, PDF and HTML pages, of ar5iv and other readers, `10.48550/arXiv.2503.11731` |
/// | arXiv before | `hep-th/9901001` | `arXiv:hep-th/9901001v3`, `math.GT/0309136` (the subject class is dropped), `hep-th9901001`, addresses |
/// | DOI | `10.1103/physrevd.76.013009` | `doi:…`, `https://doi.org/…`, percent-encoded, any case, with the punctuation of a sentence |
/// | PubMed | `pmid:11472636` | `PMID: 11472636`, addresses |
/// | PubMed Central | `PMC35282` | `pmcid:PMC35282`, `PMC35282.1`, addresses |
/// | OpenAlex | `W2741809807` | `openalex:…`, addresses |
/// | Semantic Scholar | `corpusid:77490025`; 40 hex digits | `CorpusID:…`, `s2:…`, addresses |
/// | ACL Anthology | `2020.coling-main.1`, `P18-1001` | `acl:…`, addresses of pages and PDFs |
///
/// Any other id is local to a collection: stored as `@COLLECTION#ID`, and shown as `ID`, or as
/// `COLLECTION#ID` where that is ambiguous. A record without an id gets one made from its content
/// ([`PaperId::made_of`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaperId(String);

impl PaperId {
    /// Parses any spelling of an id. `None` if it is blank or contains control characters.
    ///
    /// A text that is not a global id is kept as it is, without a collection.
    pub fn parse(spelling: &str) -> Option<PaperId> {
        let text = spelling.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return None;
        }
        // What a stranger writes names no other's collection.
        if text.starts_with(LOCAL) {
            return Some(PaperId::local("", text));
        }
        let world = spelling::normal_form(text).map(|(id, _)| id);
        Some(PaperId(world.unwrap_or_else(|| text.to_owned())))
    }

    /// Takes a stored normal form.
    pub fn from_stored(id: &str) -> PaperId {
        PaperId(id.to_owned())
    }

    /// An id local to a collection.
    pub fn local(collection: &str, id: &str) -> PaperId {
        PaperId(format!("{LOCAL}{collection}#{id}"))
    }

    /// An id local to a collection that [`PaperId::within`] names later, even if it looks global.
    /// `None` if it is blank or contains control characters.
    pub fn of_own(id: &str) -> Option<PaperId> {
        let id = id.trim();
        let is_usable = !id.is_empty() && !id.chars().any(char::is_control);
        is_usable.then(|| PaperId::local("", id))
    }

    /// This id within a collection: a global id stays, any other becomes local to it.
    #[must_use]
    pub fn within(self, collection: &str) -> PaperId {
        match self.collection() {
            Some("") => PaperId::local(collection, self.bare()),
            None if self.kind().is_none() => PaperId::local(collection, &self.0),
            _ => self,
        }
    }

    /// Makes a stable id by hashing the letters and digits of a title, in lower case.
    pub fn from_title(title: &str) -> PaperId {
        PaperId::made(&letters_of(title))
    }

    /// Makes a stable id from a title and an abstract, for a text outside of any library.
    pub fn from_text(title: &str, abstract_text: &str) -> PaperId {
        PaperId::made(&letters_of(&format!("{title}\n{abstract_text}")))
    }

    /// The id that is made from a text.
    pub(super) fn made(text: &str) -> PaperId {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        PaperId(format!("{MADE}{}", &hash[..16]))
    }

    /// Whether the id was made from a record's content.
    pub fn is_made(&self) -> bool {
        self.bare().starts_with(MADE)
    }

    /// Parses an id of this kind in any of its spellings; `None` if `value` is not one.
    pub fn of_kind(kind: IdKind, value: &str) -> Option<PaperId> {
        let value = value.trim();
        let number = |prefix: &str| strip_prefix_nocase(value, prefix).unwrap_or(value).trim();
        let spelling = match kind {
            IdKind::Pmid if !value.contains('/') => Cow::Owned(format!("pmid:{}", number("pmid:"))),
            IdKind::CorpusId => Cow::Owned(format!("corpusid:{}", number("corpusid:"))),
            IdKind::Pmcid if is_digits(value) => Cow::Owned(format!("PMC{value}")),
            _ => Cow::Borrowed(value),
        };
        PaperId::parse(&spelling).filter(|id| id.kind() == Some(kind))
    }

    /// The kind of a global id; `None` for a local id.
    pub fn kind(&self) -> Option<IdKind> {
        spelling::kind(&self.0)
    }

    /// Whether this is a local id with its collection.
    pub fn is_local(&self) -> bool {
        self.0.starts_with(LOCAL)
    }

    /// The collection of a local id.
    pub fn collection(&self) -> Option<&str> {
        let (collection, _) = self.0.strip_prefix(LOCAL)?.split_once('#')?;
        Some(collection)
    }

    /// The id without its collection.
    pub fn bare(&self) -> &str {
        let local = self.0.strip_prefix(LOCAL);
        local
            .and_then(|rest| rest.split_once('#'))
            .map_or(&self.0, |(_, id)| id)
    }

    /// The id with its collection, as a person writes it: `COLLECTION#ID`.
    pub fn qualified(&self) -> &str {
        self.0.strip_prefix(LOCAL).unwrap_or(&self.0)
    }

    /// The normal form as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an arXiv id.
    pub fn is_arxiv(&self) -> bool {
        self.kind() == Some(IdKind::Arxiv)
    }

    /// The address of the paper's page, percent-encoded; `None` for a local id.
    pub fn address(&self) -> Option<String> {
        let kind = self.kind()?;
        let id = spelling::in_path(&self.0);
        let number = id.rsplit(':').next().unwrap_or(&id);
        Some(match kind {
            IdKind::Arxiv => format!("https://arxiv.org/abs/{id}"),
            IdKind::Doi => format!("https://doi.org/{id}"),
            IdKind::Pmid => format!("https://pubmed.ncbi.nlm.nih.gov/{number}/"),
            IdKind::Pmcid => format!("https://pmc.ncbi.nlm.nih.gov/articles/{id}/"),
            IdKind::OpenAlex => format!("https://openalex.org/{id}"),
            IdKind::SemanticScholar => format!("https://www.semanticscholar.org/paper/{id}"),
            IdKind::CorpusId => format!("https://api.semanticscholar.org/CorpusID:{number}"),
            IdKind::Acl => format!("https://aclanthology.org/{id}/"),
        })
    }
}

impl PaperId {
    /// The address of the paper's PDF, where a kind of ids has one that everybody may read: arXiv, PubMed
    /// Central, ACL Anthology.
    pub fn pdf_address(&self) -> Option<String> {
        let id = spelling::in_path(&self.0);
        match self.kind()? {
            IdKind::Arxiv => Some(format!("https://arxiv.org/pdf/{id}")),
            IdKind::Pmcid => Some(format!("https://pmc.ncbi.nlm.nih.gov/articles/{id}/pdf/")),
            IdKind::Acl => Some(format!("https://aclanthology.org/{id}.pdf")),
            _ => None,
        }
    }
}

impl fmt::Display for PaperId {
    /// Shows the id without its collection, unless it would then look global.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.bare();
        let is_misleading = self.is_local() && spelling::normal_form(bare).is_some();
        f.write_str(if is_misleading {
            self.qualified()
        } else {
            bare
        })
    }
}

/// Replaces stored ids by their displayed form in JSON output, under the names `id`, `ids`, `paper`
/// and `lost`.
pub fn show_ids(value: &mut Value) {
    let show = |value: &mut Value| {
        if let Value::String(id) = value
            && id.starts_with(LOCAL)
        {
            *id = PaperId::from_stored(id).to_string();
        }
    };
    match value {
        Value::Array(list) => list.iter_mut().for_each(show_ids),
        Value::Object(object) => {
            for (name, value) in object {
                match (name.as_str(), value) {
                    ("id" | "paper", id) if id.is_string() => show(id),
                    ("ids" | "lost", Value::Array(ids)) => ids.iter_mut().for_each(show),
                    (_, other) => show_ids(other),
                }
            }
        }
        _ => {}
    }
}

/// Makes the name of a collection from that of a dump, without characters that would end it in an
/// id.
pub fn collection_name(name: &str) -> String {
    let plain = name
        .trim()
        .replace(|c: char| c == '#' || c.is_control(), "_");
    if plain.is_empty() {
        return "_".to_owned();
    }
    plain
}

/// The version in a spelling of an arXiv id, as in `2503.11731v2`.
pub fn arxiv_version(spelling: &str) -> Option<u32> {
    spelling::arxiv_version(spelling.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spelling: &str, normal: &str) {
        let id = PaperId::parse(spelling).map(|id| id.0);
        assert_eq!(id.as_deref(), Some(normal), "{spelling}");
    }

    #[test]
    fn every_spelling_of_an_arxiv_id_is_one_id() {
        for spelling in [
            "2503.11731",
            " 2503.11731v2 ",
            "arXiv:2503.11731v2",
            "ARXIV: 2503.11731",
            "https://arxiv.org/abs/2503.11731",
            "http://www.arxiv.org/abs/2503.11731v12",
            "https://arxiv.org/pdf/2503.11731v2.pdf",
            "https://arxiv.org/pdf/2503.11731#page=3",
            "https://arxiv.org/html/2503.11731v1/",
            "https://export.arxiv.org/abs/2503.11731?context=cs",
            "arxiv.org/abs/2503.11731",
            "https://huggingface.co/papers/2503.11731",
            "10.48550/arXiv.2503.11731",
            "https://doi.org/10.48550/ARXIV.2503.11731",
            "doi:10.48550/arXiv.2503.11731v1",
            "oai:arXiv.org:2503.11731",
        ] {
            check(spelling, "2503.11731");
        }
    }

    #[test]
    fn every_spelling_of_an_old_arxiv_id_is_one_id() {
        for spelling in [
            "hep-th/9901001",
            "arXiv:hep-th/9901001v3",
            "HEP-TH/9901001",
            "https://arxiv.org/abs/hep-th/9901001",
            "https://arxiv.org/pdf/hep-th/9901001v1.pdf",
            "10.48550/arXiv.hep-th/9901001",
        ] {
            check(spelling, "hep-th/9901001");
        }
        check("math.GT/0309136", "math/0309136");
    }

    #[test]
    fn a_doi_is_lower_case_without_its_address() {
        for spelling in [
            "10.1103/PhysRevD.76.013009",
            "doi:10.1103/physrevd.76.013009",
            "https://doi.org/10.1103/PhysRevD.76.013009",
            "http://dx.doi.org/10.1103/PHYSREVD.76.013009",
        ] {
            check(spelling, "10.1103/physrevd.76.013009");
        }
    }

    #[test]
    fn ids_of_other_indexes_are_known_by_their_looks() {
        for spelling in [
            "pmid:11472636",
            "PMID: 11472636",
            "https://pubmed.ncbi.nlm.nih.gov/11472636/",
            "https://www.ncbi.nlm.nih.gov/pubmed/11472636",
        ] {
            check(spelling, "pmid:11472636");
        }
        for spelling in [
            "PMC35282",
            "pmc35282",
            "pmcid:PMC35282",
            "PMC35282.1",
            "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC35282/",
            "https://pmc.ncbi.nlm.nih.gov/articles/PMC35282",
        ] {
            check(spelling, "PMC35282");
        }
        for spelling in [
            "W2741809807",
            "https://openalex.org/W2741809807",
            "openalex:W2741809807",
            "https://openalex.org/works/w2741809807",
        ] {
            check(spelling, "W2741809807");
        }
        for spelling in [
            "CorpusID:77490025",
            "corpusid: 77490025",
            "https://api.semanticscholar.org/CorpusID:77490025",
        ] {
            check(spelling, "corpusid:77490025");
        }
        let sha = "0018ce3db8f9957b520d6b7e0cec84abfa230e1c";
        check(sha, sha);
        check(
            &format!("https://www.semanticscholar.org/paper/A-Title/{sha}"),
            sha,
        );
        for spelling in [
            "2020.coling-main.1",
            "https://aclanthology.org/2020.coling-main.1/",
            "https://www.aclweb.org/anthology/2020.coling-main.1.pdf",
            "acl:2020.coling-main.1",
        ] {
            check(spelling, "2020.coling-main.1");
        }
        check("https://www.aclweb.org/anthology/P18-1001", "P18-1001");
    }

    #[test]
    fn an_id_of_a_kind_is_of_that_kind() {
        let check = |kind, value: &str, expected: Option<&str>| {
            let id = PaperId::of_kind(kind, value);
            assert_eq!(
                id.as_ref().map(PaperId::as_str),
                expected,
                "{kind:?} {value}"
            );
        };
        check(IdKind::Pmid, "11472636", Some("pmid:11472636"));
        check(IdKind::Pmid, "n/a", None);
        check(IdKind::Pmcid, "35282", Some("PMC35282"));
        check(
            IdKind::Doi,
            "https://doi.org/10.1000/ABC",
            Some("10.1000/abc"),
        );
        check(IdKind::Doi, "none", None);
        check(IdKind::CorpusId, "77490025", Some("corpusid:77490025"));
        check(IdKind::Arxiv, "hep-th/9901001v2", Some("hep-th/9901001"));
        check(IdKind::Acl, "P18-1001", Some("P18-1001"));
        check(
            IdKind::OpenAlex,
            "https://openalex.org/W2741809807",
            Some("W2741809807"),
        );
    }

    #[test]
    fn what_is_no_known_id_stays_as_it_is() {
        for other in [
            "4983",
            "MED-10",
            "W2741809807",
            "test-pro02a",
            "a b/c",
            "1313.12345",
        ] {
            check(other, other);
        }
        check("704.0001", "704.0001");
        assert_eq!(PaperId::parse("  \n"), None);
        assert_eq!(PaperId::parse("a\0b"), None);
    }

    #[test]
    fn a_version_is_told_from_an_id_that_has_a_v() {
        assert_eq!(
            arxiv_version("https://arxiv.org/abs/2503.11731v12"),
            Some(12)
        );
        assert_eq!(arxiv_version("2503.11731"), None);
        assert_eq!(arxiv_version("rev/9901001"), None);
    }

    #[test]
    fn a_doi_has_one_form_however_it_was_encoded() {
        let sici = "10.1175/1520-0477(1996)077<0935:wotwsm>2.0.co;2";
        for spelling in [
            "10.1175/1520-0477(1996)077<0935:WOTWSM>2.0.CO;2",
            "https://doi.org/10.1175/1520-0477(1996)077%3C0935:WOTWSM%3E2.0.CO;2",
            "10.1175%2F1520-0477%281996%29077%3C0935%3AWOTWSM%3E2.0.CO%3B2",
            "10.1175/1520-0477(1996)077%253C0935:WOTWSM%253E2.0.CO;2",
            "http://dx.doi.org/10.1175%2F1520-0477(1996)077%3C0935:WOTWSM%3E2.0.CO;2",
            "10.1175/1520-0477(1996)077&lt;0935:WOTWSM&gt;2.0.CO;2",
        ] {
            check(spelling, sici);
        }
        for spelling in [
            "https://dx.doi.org/10.2307%2F1990888",
            "info:doi/10.2307/1990888",
            "urn:doi:10.2307/1990888",
            "DOI 10.2307/1990888",
            "DOI: 10.2307/1990888",
            "10.2307/1990888.",
            "10.2307/1990888),",
            "<https://doi.org/10.2307/1990888>",
            "(10.2307/1990888)".trim_start_matches('('),
            "https://doi.org/10.2307/1990888?utm_source=x",
            "https://doi.org/10.2307/1990888#page",
            "http://doi.org/doi:10.2307/1990888",
            "doi:https://doi.org/10.2307/1990888",
            "https://www.doi.org/10.2307/1990888",
            "https://onlinelibrary.example/doi/abs/10.2307/1990888",
        ] {
            check(spelling, "10.2307/1990888");
        }
        check("10.1000/a#b", "10.1000/a#b");
        check("https://doi.org/10.1000/a%23b%3Fc", "10.1000/a#b?c");
        check("10.1000/a(b)", "10.1000/a(b)");
    }

    #[test]
    fn an_address_is_percent_encoded() {
        let check = |id: &str, expected: &str| {
            let id = PaperId::parse(id).unwrap();
            assert_eq!(id.address().as_deref(), Some(expected));
            assert_eq!(PaperId::parse(expected), Some(id));
        };
        check(
            "10.1175/1520-0477(1996)077<0935:WOTWSM>2.0.CO;2",
            "https://doi.org/10.1175/1520-0477(1996)077%3C0935:wotwsm%3E2.0.co;2",
        );
        check("10.1000/a#b?c", "https://doi.org/10.1000/a%23b%3Fc");
        check("hep-th/9901001", "https://arxiv.org/abs/hep-th/9901001");
        check("pmid:11472636", "https://pubmed.ncbi.nlm.nih.gov/11472636/");
    }

    #[test]
    fn a_pdf_has_an_address_where_everybody_may_read_it() {
        let check = |id: &str, expected: Option<&str>| {
            let id = PaperId::parse(id).unwrap();
            assert_eq!(id.pdf_address().as_deref(), expected);
        };
        check(
            "hep-th/9901001",
            Some("https://arxiv.org/pdf/hep-th/9901001"),
        );
        check(
            "PMC35282",
            Some("https://pmc.ncbi.nlm.nih.gov/articles/PMC35282/pdf/"),
        );
        check("P18-1001", Some("https://aclanthology.org/P18-1001.pdf"));
        check("10.1000/x", None);
        check("berg2019moss", None);
    }

    #[test]
    fn arxiv_ids_are_known_from_margins_readers_and_bulk_files() {
        for spelling in [
            "arXiv:1706.03762 [cs.CL]",
            "arXiv:1706.03762v5 [cs.CL] 6 Dec 2017",
            "1706.03762v5 [cs.CL]",
            "arXiv preprint arXiv:1706.03762",
            "arXiv preprint arXiv:1706.03762v5, 2017",
            "arXiv.1706.03762",
            "arXiv 1706.03762",
            "https://ar5iv.labs.arxiv.org/html/1706.03762",
            "https://ar5iv.org/abs/1706.03762",
            "https://www.arxiv-vanity.com/papers/1706.03762/",
            "https://browse.arxiv.org/pdf/1706.03762",
            "http://xxx.lanl.gov/abs/1706.03762",
            "http://de.arxiv.org/abs/1706.03762v1",
            "https://www.semanticscholar.org/arxiv/1706.03762",
            "https://www.alphaxiv.org/abs/1706.03762",
            "http://arxiv.org/ftp/arxiv/papers/1706/1706.03762.pdf",
            "1706.03762v5.pdf",
        ] {
            check(spelling, "1706.03762");
        }
        for spelling in [
            "quant-ph0112019",
            "quant-ph0112019v2",
            "https://ar5iv.labs.arxiv.org/html/quant-ph/0112019",
            "arXiv:quant-ph/0112019v1 4 Dec 2001",
        ] {
            check(spelling, "quant-ph/0112019");
        }
        for other in ["1706.03762 and more", "report0112019", "2401.00001 extra"] {
            check(other, other);
        }
        assert_eq!(
            arxiv_version("arXiv:1706.03762v5 [cs.CL] 6 Dec 2017"),
            Some(5)
        );
    }

    #[test]
    fn ids_of_two_collections_are_two() {
        let id = |collection: &str| PaperId::parse("1").unwrap().within(collection);
        assert_ne!(id("a.csv"), id("b.csv"));
        assert_eq!(id("a.csv").to_string(), "1");
        assert_eq!(id("a.csv").qualified(), "a.csv#1");
        assert_eq!(id("a.csv").collection(), Some("a.csv"));
        assert_eq!(PaperId::from_stored(id("a.csv").as_str()), id("a.csv"));
        let forged = PaperId::parse("@a.csv#1").unwrap().within("b.csv");
        assert_eq!(forged.collection(), Some("b.csv"));
        let world = PaperId::parse("10.1000/x").unwrap();
        assert_eq!(world.clone().within("a.csv"), world);
        let kept_apart = PaperId::local("a.csv", "10.1000/x");
        assert_eq!(
            (kept_apart.kind(), kept_apart.to_string().as_str()),
            (None, "a.csv#10.1000/x")
        );
        assert_eq!(collection_name(" a#b\n"), "a_b");
    }

    #[test]
    fn a_title_id_ignores_spacing_case_and_punctuation() {
        let one = PaperId::from_title("Mean-Field  Games: A Survey");
        assert_eq!(one, PaperId::from_title("mean field games — a survey."));
        assert_ne!(one, PaperId::from_title("Mean Field Games, Another Survey"));
        assert_eq!(PaperId::from_stored(one.as_str()), one);
    }
}
