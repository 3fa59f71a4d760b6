//! Ids of papers, and the one normal form that every spelling of an id has. This is the only place
//! that knows how ids are spelt.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::letters_of;

/// The id of a paper in its normal form.
///
/// | kind | normal form | spellings that mean it |
/// |---|---|---|
/// | arXiv since 2007 | `2503.11731` | `arXiv:2503.11731v2`, addresses of abstract, PDF and HTML pages, `10.48550/arXiv.2503.11731` |
/// | arXiv before | `hep-th/9901001` | `arXiv:hep-th/9901001v3`, `math.GT/0309136` (the subject class is dropped), addresses |
/// | DOI | `10.1103/physrevd.76.013009` | `doi:…`, `https://doi.org/…`, any case |
/// | PubMed | `pmid:11472636` | `PMID: 11472636`, addresses |
/// | PubMed Central | `PMC35282` | `pmcid:PMC35282`, `PMC35282.1`, addresses |
/// | OpenAlex | `W2741809807` | `openalex:…`, addresses |
/// | Semantic Scholar | `corpusid:77490025`; 40 hex digits | `CorpusID:…`, `s2:…`, addresses |
/// | ACL Anthology | `2020.coling-main.1`, `P18-1001` | `acl:…`, addresses of pages and PDFs |
/// | BibTeX key | `bibtex:lovelace1843` | — |
/// | title | `title:` and 16 hex digits | made by [`PaperId::from_work`] where a dump has no ids |
/// | other | as it stands, trimmed | — |
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaperId(String);

impl PaperId {
    /// Reads any spelling of an id; `None` where nothing but space or control characters is left.
    pub fn parse(spelling: &str) -> Option<PaperId> {
        let text = spelling.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return None;
        }
        let bare = strip_address(text);
        if let Some((id, _)) = arxiv_id(bare) {
            return Some(PaperId(id));
        }
        if let Some(doi) = doi(bare) {
            let arxiv = doi.strip_prefix("10.48550/arxiv.").and_then(arxiv_id);
            return Some(PaperId(arxiv.map_or(doi, |(id, _)| id)));
        }
        let other = indexed_id(text).or_else(|| named_id(bare, bare.len() < text.len()));
        Some(PaperId(other.unwrap_or_else(|| text.to_owned())))
    }

    /// Makes a stable id from a title, for dumps that have no ids: letters and digits only,
    /// lower case, hashed.
    pub fn from_title(title: &str) -> PaperId {
        PaperId::from_work(title, None)
    }

    /// Makes a stable id from a title and, where one is known, the first author's family name, so
    /// that the editorials of two people are two papers.
    pub fn from_work(title: &str, first_author: Option<&str>) -> PaperId {
        let mut letters = letters_of(title);
        if let Some(family) = first_author.and_then(|name| name.split_whitespace().last()) {
            letters.push('\n');
            letters.push_str(&letters_of(family));
        }
        let hash = blake3::hash(letters.as_bytes()).to_hex();
        PaperId(format!("title:{}", &hash[..16]))
    }

    /// Makes an id from a title and an abstract, for a second paper under one title.
    pub fn from_text(title: &str, abstract_text: &str) -> PaperId {
        PaperId::from_work(&format!("{title}\n{abstract_text}"), None)
    }

    /// Whether the id was made from a title.
    pub fn is_made(&self) -> bool {
        self.0.starts_with("title:")
    }

    /// The id of a known kind that `value` is, in any of its spellings; `None` if it is none.
    pub fn of_kind(kind: IdKind, value: &str) -> Option<PaperId> {
        let value = value.trim();
        let prefixed = match kind {
            IdKind::Pmid => Cow::Owned(format!(
                "pmid:{}",
                strip_prefix_nocase(value, "pmid:").unwrap_or(value).trim()
            )),
            IdKind::CorpusId => Cow::Owned(format!(
                "corpusid:{}",
                strip_prefix_nocase(value, "corpusid:")
                    .unwrap_or(value)
                    .trim()
            )),
            IdKind::BibKey => Cow::Owned(format!("bibtex:{value}")),
            IdKind::Pmcid if is_digits(value) => Cow::Owned(format!("PMC{value}")),
            _ => Cow::Borrowed(value),
        };
        PaperId::parse(&prefixed).filter(|id| id.kind() == Some(kind))
    }

    /// What kind of id this is; `None` for ids of one's own.
    pub fn kind(&self) -> Option<IdKind> {
        let id = &*self.0;
        let rest = |prefix: &str| id.strip_prefix(prefix);
        if arxiv_id(id).is_some() {
            Some(IdKind::Arxiv)
        } else if doi(id).is_some() {
            Some(IdKind::Doi)
        } else if rest("pmid:").is_some_and(is_digits) {
            Some(IdKind::Pmid)
        } else if rest("PMC").is_some_and(is_digits) {
            Some(IdKind::Pmcid)
        } else if rest("W").is_some_and(|digits| is_digits(digits) && digits.len() > 3) {
            Some(IdKind::OpenAlex)
        } else if rest("corpusid:").is_some_and(is_digits) {
            Some(IdKind::CorpusId)
        } else if rest("bibtex:").is_some() {
            Some(IdKind::BibKey)
        } else if id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit()) {
            Some(IdKind::SemanticScholar)
        } else if is_acl(id) {
            Some(IdKind::Acl)
        } else {
            None
        }
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an arXiv id.
    pub fn is_arxiv(&self) -> bool {
        arxiv_id(&self.0).is_some()
    }

    /// The page to read the paper at, for ids of a known kind.
    pub fn address(&self) -> Option<String> {
        let id = &*self.0;
        let number = id.rsplit(':').next().unwrap_or(id);
        Some(match self.kind()? {
            IdKind::Arxiv => format!("https://arxiv.org/abs/{id}"),
            IdKind::Doi => format!("https://doi.org/{id}"),
            IdKind::Pmid => format!("https://pubmed.ncbi.nlm.nih.gov/{number}/"),
            IdKind::Pmcid => format!("https://pmc.ncbi.nlm.nih.gov/articles/{id}/"),
            IdKind::OpenAlex => format!("https://openalex.org/{id}"),
            IdKind::SemanticScholar => format!("https://www.semanticscholar.org/paper/{id}"),
            IdKind::CorpusId => format!("https://api.semanticscholar.org/CorpusID:{number}"),
            IdKind::Acl => format!("https://aclanthology.org/{id}/"),
            IdKind::BibKey => return None,
        })
    }
}

/// The registries and indexes whose ids are told by their looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdKind {
    /// arXiv.
    Arxiv,
    /// A digital object identifier.
    Doi,
    /// PubMed.
    Pmid,
    /// PubMed Central.
    Pmcid,
    /// A work of OpenAlex.
    OpenAlex,
    /// A paper of Semantic Scholar, by its hash.
    SemanticScholar,
    /// A paper of Semantic Scholar, by its number.
    CorpusId,
    /// ACL Anthology.
    Acl,
    /// The key of a BibTeX entry: it means something in its own file only.
    BibKey,
}

impl fmt::Display for PaperId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version in a spelling of an arXiv id, as in `2503.11731v2`.
pub fn arxiv_version(spelling: &str) -> Option<u32> {
    arxiv_id(strip_address(spelling.trim())).and_then(|(_, version)| version)
}

/// What is left of an id after the address or prefix it is often written with.
fn strip_address(text: &str) -> &str {
    let mut rest = text;
    for scheme in ["https://", "http://"] {
        rest = strip_prefix_nocase(rest, scheme).unwrap_or(rest);
    }
    rest = strip_prefix_nocase(rest, "www.").unwrap_or(rest);
    if rest.len() < text.len() {
        rest = rest.split(['?', '#']).next().unwrap_or(rest);
    }
    for host in [
        "export.arxiv.org/",
        "arxiv.org/",
        "alphaxiv.org/",
        "huggingface.co/papers/",
        "hf.co/papers/",
        "dx.doi.org/",
        "doi.org/",
        "pubmed.ncbi.nlm.nih.gov/",
        "ncbi.nlm.nih.gov/pubmed/",
        "pmc.ncbi.nlm.nih.gov/articles/",
        "ncbi.nlm.nih.gov/pmc/articles/",
        "europepmc.org/abstract/med/",
        "openalex.org/works/",
        "openalex.org/",
        "api.semanticscholar.org/",
        "semanticscholar.org/paper/",
        "aclanthology.org/",
        "aclweb.org/anthology/",
    ] {
        if let Some(path) = strip_prefix_nocase(rest, host) {
            rest = path;
            for page in [
                "abs/", "pdf/", "html/", "ps/", "e-print/", "format/", "src/",
            ] {
                rest = rest.strip_prefix(page).unwrap_or(rest);
            }
        }
    }
    for prefix in ["oai:arxiv.org:", "arxiv:", "doi:"] {
        rest = strip_prefix_nocase(rest, prefix).map_or(rest, str::trim_start);
    }
    let rest = rest.trim_end_matches('/');
    strip_suffix_nocase(rest, ".pdf").unwrap_or(rest)
}

fn strip_prefix_nocase<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn strip_suffix_nocase<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let cut = text.len().checked_sub(suffix.len())?;
    let tail = text.get(cut..)?;
    tail.eq_ignore_ascii_case(suffix).then(|| &text[..cut])
}

/// The normal form of an id that says itself what it is, or that only one index makes.
fn indexed_id(text: &str) -> Option<String> {
    let after = |prefix| strip_prefix_nocase(text, prefix).map(str::trim);
    if let Some(number) = after("pmid:").or_else(|| after("pmid ")) {
        return is_digits(number).then(|| format!("pmid:{number}"));
    }
    if let Some(number) = after("corpusid:") {
        return is_digits(number).then(|| format!("corpusid:{number}"));
    }
    if let Some(id) = after("pmcid:")
        .or_else(|| after("openalex:"))
        .or_else(|| after("s2:"))
        .or_else(|| after("acl:"))
    {
        return named_id(id, false);
    }
    named_id(text, false)
}

/// The normal form of an id, told by its looks; `from_page` says that it was cut from an address.
fn named_id(id: &str, from_page: bool) -> Option<String> {
    let last = id.rsplit('/').next().unwrap_or(id);
    if let Some(digits) = strip_prefix_nocase(id, "PMC") {
        let digits = digits.split('.').next().unwrap_or(digits);
        return is_digits(digits).then(|| format!("PMC{digits}"));
    }
    if let Some(digits) = strip_prefix_nocase(id, "corpusid:") {
        return is_digits(digits).then(|| format!("corpusid:{digits}"));
    }
    if from_page && is_digits(id) {
        return Some(format!("pmid:{id}"));
    }
    if last.len() == 40 && last.bytes().all(|b| b.is_ascii_hexdigit()) && (from_page || last == id)
    {
        return Some(last.to_ascii_lowercase());
    }
    let is_named = is_acl(id)
        || id
            .strip_prefix(['W', 'w'])
            .is_some_and(|digits| is_digits(digits) && digits.len() > 3);
    (from_page && is_named || is_acl(id) || id.starts_with('W') && is_named).then(|| {
        match id.strip_prefix('w') {
            Some(digits) if is_digits(digits) => format!("W{digits}"),
            _ => id.to_owned(),
        }
    })
}

/// Whether this is an id of the ACL Anthology: `2020.coling-main.1` or `P18-1001`.
fn is_acl(id: &str) -> bool {
    let old = id.len() == 8
        && id.as_bytes()[0].is_ascii_uppercase()
        && id.get(1..3).is_some_and(is_digits)
        && id.get(3..4) == Some("-")
        && id.get(4..).is_some_and(is_digits);
    let mut parts = id.splitn(3, '.');
    let (year, venue, number) = (parts.next(), parts.next(), parts.next());
    let new = year.is_some_and(|year| year.len() == 4 && is_digits(year))
        && venue.is_some_and(|venue| {
            venue.split_once('-').is_some_and(|(name, volume)| {
                let is_word = |word: &str| {
                    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                };
                is_word(name) && is_word(volume)
            })
        })
        && number.is_some_and(is_digits);
    old || new
}

/// Splits an arXiv id without address into its normal form and its version.
fn arxiv_id(text: &str) -> Option<(String, Option<u32>)> {
    let (body, version) = match text.rfind(['v', 'V']) {
        Some(at) if at > 0 && is_digits(&text[at + 1..]) && at + 5 > text.len() => {
            (&text[..at], text[at + 1..].parse().ok())
        }
        _ => (text, None),
    };
    if let Some((month, number)) = body.split_once('.')
        && month.len() == 4
        && is_digits(month)
        && (4..=5).contains(&number.len())
        && is_digits(number)
        && is_month(&month[2..])
    {
        return Some((body.to_owned(), version));
    }
    let (archive, number) = body.split_once('/')?;
    let archive = archive.split('.').next()?;
    let named = !archive.is_empty()
        && archive
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b == b'-');
    let numbered = number.len() == 7 && is_digits(number) && is_month(&number[2..4]);
    (named && numbered).then(|| {
        (
            format!("{}/{number}", archive.to_ascii_lowercase()),
            version,
        )
    })
}

/// The DOI in lower case (DOIs are case-insensitive), if this is one.
fn doi(text: &str) -> Option<String> {
    let (registrant, suffix) = text.strip_prefix("10.")?.split_once('/')?;
    let registered = registrant.len() >= 4
        && registrant.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && !suffix.is_empty();
    registered.then(|| text.to_lowercase())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_month(two_digits: &str) -> bool {
    matches!(two_digits.parse(), Ok(1..=12u8))
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
        check(
            IdKind::BibKey,
            "lovelace 1843",
            Some("bibtex:lovelace 1843"),
        );
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
    fn a_title_id_ignores_spacing_case_and_punctuation() {
        let one = PaperId::from_title("Mean-Field  Games: A Survey");
        assert_eq!(one, PaperId::from_title("mean field games — a survey."));
        assert_ne!(one, PaperId::from_title("Mean Field Games, Another Survey"));
        assert_eq!(PaperId::parse(one.as_str()).as_ref(), Some(&one));
    }
}
