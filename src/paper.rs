//! One paper: its id in normal form, what is known about it, and the text that is embedded.
//!
//! In: what a dump's reader found. Out: [`Paper`], [`PaperId`], the passage text and its
//! [`TextHash`]. This is the only place that knows how ids are spelt.
//!
//! Invariants: every spelling of one id parses to one [`PaperId`]; the same title and abstract
//! give the same [`TextHash`] on every machine.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What of a paper is embedded, in words: part of what two embeddings must have in common.
pub const PASSAGE_RECIPE: &str = "title. abstract";

/// The longest title that is made from a text.
const MAX_MADE_TITLE_CHARS: usize = 80;

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

/// A number that titles have in common if they differ in nothing but case, spacing and
/// punctuation; two others have it in common once in 2^64.
pub fn title_key(title: &str) -> i64 {
    let hash = blake3::hash(letters_of(title).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(first)
}

/// Letters and digits of a text, lower case.
fn letters_of(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_month(two_digits: &str) -> bool {
    matches!(two_digits.parse(), Ok(1..=12u8))
}

/// What a source says of a paper's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Its authors or its archive took it back; what stands in place of the abstract says why.
    Withdrawn,
    /// The journal retracted it.
    Retracted,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Notice::Withdrawn => "withdrawn",
            Notice::Retracted => "retracted",
        })
    }
}

/// Title and abstract as they stood in the dump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawText {
    /// The title.
    pub title: String,
    /// The abstract, or empty.
    #[serde(rename = "abstract")]
    pub abstract_text: String,
}

/// One record: what a dump says about one paper.
///
/// Text fields are clean: Unicode NFC, one line, no hard wraps. `abstract_text` may be empty;
/// `title` never is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// Normal form of the id.
    pub id: PaperId,
    /// Other ids of the same paper, such as its DOI.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<PaperId>,
    /// The version this record describes, where the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The title, never empty.
    pub title: String,
    /// The abstract, or empty.
    #[serde(rename = "abstract")]
    pub abstract_text: String,
    /// Names in the order of the paper.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Category codes such as `cs.CL`, the primary one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// When it first appeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Date>,
    /// When this version appeared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Date>,
    /// The first day in whose list it stood: a list's date is not the paper's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Date>,
    /// The authors' comment ("12 pages, accepted at …").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Where it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// The community's votes, where the source counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upvotes: Option<u32>,
    /// Whether it was withdrawn or retracted, where the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The text before it was cleaned, where cleaning changed more than white space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Box<RawText>>,
}

impl Paper {
    /// A paper with an id, a title and an abstract, and nothing else known.
    pub fn new(id: PaperId, title: impl Into<String>, abstract_text: impl Into<String>) -> Paper {
        Paper {
            id,
            aliases: Vec::new(),
            version: None,
            title: title.into(),
            abstract_text: abstract_text.into(),
            authors: Vec::new(),
            categories: Vec::new(),
            published: None,
            updated: None,
            listed: None,
            comment: None,
            journal: None,
            upvotes: None,
            notice: None,
            raw: None,
        }
    }

    /// A text that has no title: its first words become one.
    pub fn untitled(id: PaperId, text: impl Into<String>) -> Paper {
        let text = text.into();
        let title = start_of(&text).to_owned();
        Paper::new(id, title, text)
    }

    /// The text that is embedded, as [`PASSAGE_RECIPE`] says, or the one of the two that is there.
    ///
    /// A title that already ends a sentence gets no second full stop; one that was made from the
    /// text ([`Paper::untitled`]) is not said twice.
    pub fn passage(&self) -> String {
        if self.abstract_text.is_empty() {
            return self.title.clone();
        }
        if self.title == start_of(&self.abstract_text) {
            return self.abstract_text.clone();
        }
        let stop = if self.title.ends_with(['.', '?', '!']) {
            " "
        } else {
            ". "
        };
        [&self.title, stop, &self.abstract_text].concat()
    }

    /// The fingerprint of title and abstract: an embedding is reused as long as it is the same.
    pub fn text_hash(&self) -> TextHash {
        TextHash::of(&[self.title.as_bytes(), self.abstract_text.as_bytes()])
    }

    /// The fingerprint of the whole record but for the list it stood in and its votes, which
    /// change from day to day.
    pub fn record_hash(&self) -> TextHash {
        let mut steady = self.clone();
        steady.listed = None;
        steady.upvotes = None;
        let bytes = serde_json::to_vec(&steady).expect("a paper is plain data");
        TextHash::of(&[&bytes])
    }

    /// The date that filters and lists go by: publication, else update, else listing.
    pub fn date(&self) -> Option<Date> {
        self.published.or(self.updated).or(self.listed)
    }

    /// Whether this record is of an earlier state of the paper than `other`, as far as the
    /// versions or the dates of the two tell.
    pub fn is_older_than(&self, other: &Paper) -> bool {
        match (self.version, other.version) {
            (Some(ours), Some(theirs)) if ours != theirs => ours < theirs,
            _ => match (self.updated, other.updated) {
                (Some(ours), Some(theirs)) => ours < theirs,
                _ => false,
            },
        }
    }

    /// Joins two records of this paper: `newer` speaks where it says something, this one where
    /// `newer` is silent; the listing is the earlier of the two.
    #[must_use]
    pub fn superseded_by(self, newer: Paper) -> Paper {
        let mut aliases = newer.aliases;
        for alias in self.aliases {
            if !aliases.contains(&alias) {
                aliases.push(alias);
            }
        }
        Paper {
            id: newer.id,
            aliases,
            version: newer.version.or(self.version),
            title: newer.title,
            abstract_text: or_if_empty(newer.abstract_text, self.abstract_text),
            authors: or_if_empty(newer.authors, self.authors),
            categories: or_if_empty(newer.categories, self.categories),
            published: newer.published.or(self.published),
            updated: newer.updated.or(self.updated),
            listed: self.listed.into_iter().chain(newer.listed).min(),
            comment: newer.comment.or(self.comment),
            journal: newer.journal.or(self.journal),
            upvotes: newer.upvotes.or(self.upvotes),
            notice: newer.notice.or(self.notice),
            raw: newer.raw,
        }
    }
}

/// The first words of a text.
fn start_of(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(MAX_MADE_TITLE_CHARS) else {
        return text;
    };
    let cut = &text[..end];
    let at_word = text[end..].starts_with(' ');
    match cut.rfind(' ') {
        Some(space) if !at_word => &cut[..space],
        _ => cut,
    }
}

fn or_if_empty<T: Default + PartialEq>(first: T, second: T) -> T {
    if first == T::default() { second } else { first }
}

/// 16 bytes of blake3 over text: equal for equal text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextHash(pub [u8; 16]);

impl TextHash {
    /// Hashes parts with their lengths, so that moving text from one part to the next shows.
    fn of(parts: &[&[u8]]) -> TextHash {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        TextHash(short)
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
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

    #[test]
    fn a_passage_has_one_full_stop_after_the_title() {
        let id = PaperId::from_title("x");
        let passage = |title, text| Paper::new(id.clone(), title, text).passage();
        assert_eq!(passage("On X", "We show."), "On X. We show.");
        assert_eq!(passage("What is X?", "We ask."), "What is X? We ask.");
        assert_eq!(passage("On X", ""), "On X");
    }

    #[test]
    fn a_text_without_a_title_is_a_passage_as_it_stands() {
        let text = "We show. ".repeat(20);
        for text in ["We show.", text.trim_end()] {
            let paper = Paper::untitled(PaperId::from_title("x"), text);
            assert_eq!(paper.passage(), text);
            assert!(!paper.title.is_empty() && paper.title.len() <= MAX_MADE_TITLE_CHARS);
        }
    }

    #[test]
    fn a_made_title_ends_with_a_word() {
        let check = |text: &str, expected: &str| assert_eq!(start_of(text), expected);
        check("short", "short");
        check(&"word ".repeat(30), "word ".repeat(16).trim_end());
        check(&"words ".repeat(30), "words ".repeat(13).trim_end());
        check(&"é".repeat(100), &"é".repeat(80));
    }

    #[test]
    fn the_text_hash_tells_title_from_abstract() {
        let id = PaperId::from_title("x");
        let hash = |title, text| Paper::new(id.clone(), title, text).text_hash();
        assert_eq!(hash("a", "b"), hash("a", "b"));
        assert_ne!(hash("a b", "c"), hash("a", "b c"));
    }

    #[test]
    fn a_newer_record_keeps_what_only_the_older_one_says() {
        let mut older = Paper::new(PaperId::from_title("x"), "Old title", "Old abstract");
        older.authors = vec!["A. Author".into()];
        older.upvotes = Some(3);
        let newer = Paper::new(older.id.clone(), "New title", "");
        let joined = older.superseded_by(newer);
        assert_eq!(joined.title, "New title");
        assert_eq!(joined.abstract_text, "Old abstract");
        assert_eq!(joined.authors, ["A. Author"]);
        assert_eq!(joined.upvotes, Some(3));
    }
}
