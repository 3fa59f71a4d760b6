//! Spellings of global ids, and the normal form of each.
//!
//! In: an id, an address, or a line copied from a PDF's margin. Out: its normal form and its kind,
//! or `None` if it names no registry's id. All other texts are local ids, which `id.rs` handles.
//!
//! Invariants: a normal form is its own normal form; a spelling has only one.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::kind::IdKind;

/// The most times that a DOI may have been percent-encoded.
const MAX_DECODINGS: usize = 3;

/// Characters that stay as they are in the path of an address.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'(')
    .remove(b')')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b'@');

/// Hosts whose pages are about one paper, in lower case without `www.`, with the paths before the
/// id. A host includes its subdomains; the first match wins.
const PAGES: [(&str, &[&str]); 21] = [
    ("ar5iv.labs.arxiv.org", &ARXIV_PATHS),
    ("arxiv.org", &ARXIV_PATHS),
    ("ar5iv.org", &ARXIV_PATHS),
    ("xxx.lanl.gov", &ARXIV_PATHS),
    ("arxiv-vanity.com", &["papers/"]),
    ("alphaxiv.org", &ARXIV_PATHS),
    ("scirate.com", &["arxiv/"]),
    ("huggingface.co", &["papers/"]),
    ("hf.co", &["papers/"]),
    ("doi.org", &[""]),
    ("crossref.org", &["works/"]),
    ("pubmed.ncbi.nlm.nih.gov", &[""]),
    ("pmc.ncbi.nlm.nih.gov", &["articles/"]),
    ("ncbi.nlm.nih.gov", &["pubmed/", "pmc/articles/"]),
    (
        "europepmc.org",
        &[
            "abstract/med/",
            "article/med/",
            "article/pmc/",
            "abstract/pmc/",
            "articles/",
        ],
    ),
    ("openalex.org", &["works/", ""]),
    ("api.semanticscholar.org", &["graph/v1/paper/", ""]),
    ("semanticscholar.org", &["arxiv/", "paper/"]),
    ("aclanthology.org", &["anthology/", ""]),
    ("aclweb.org", &["anthology/"]),
    ("doi.acm.org", &[""]),
];

const ARXIV_PATHS: [&str; 10] = [
    "abs/",
    "pdf/",
    "html/",
    "ps/",
    "e-print/",
    "format/",
    "src/",
    "overview/",
    "ftp/arxiv/papers/",
    "",
];

/// Words before an arXiv id, in lower case.
const ARXIV_WORDS: [&str; 7] = [
    "arxiv preprint ",
    "arxiv e-print ",
    "oai:arxiv.org:",
    "arxiv:",
    "arxiv.",
    "arxiv-",
    "arxiv ",
];

/// Words before a DOI, in lower case.
const DOI_WORDS: [&str; 7] = [
    "info:doi/",
    "urn:doi:",
    "doi:",
    "doi.org/",
    "doi=",
    "doi ",
    "hdl:",
];

/// A text without the address or the words that often surround an id.
struct Bare<'a> {
    text: Cow<'a, str>,
    /// It was cut from a page about one paper.
    is_of_page: bool,
    /// That page was one of PubMed's, where a number is an id.
    is_of_pubmed: bool,
}

/// The normal form of a global id, and its kind.
pub(super) fn normal_form(text: &str) -> Option<(String, IdKind)> {
    if let Some((id, _)) = arxiv_id(text) {
        return Some((id, IdKind::Arxiv));
    }
    // Most ids of collections are short words and numbers.
    if text.len() < 4 || text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let text = text.trim_matches(['<', '>', '"', '“', '”', '\'', '`']);
    let bare = bare(text);
    if let Some((id, _)) = arxiv_spelling(&bare.text) {
        return Some((id, IdKind::Arxiv));
    }
    if let Some(doi) = doi(&bare.text) {
        let arxiv = doi.strip_prefix("10.48550/arxiv.").and_then(arxiv_id);
        return Some(arxiv.map_or((doi, IdKind::Doi), |(id, _)| (id, IdKind::Arxiv)));
    }
    let id = prefixed_id(text).or_else(|| named_id(&bare))?;
    let kind = kind(&id)?;
    Some((id, kind))
}

/// The kind of a normal form; `None` if it is not one.
pub(super) fn kind(id: &str) -> Option<IdKind> {
    let rest = |prefix: &str| id.strip_prefix(prefix);
    if is_arxiv(id) {
        Some(IdKind::Arxiv)
    } else if is_doi(id) {
        Some(IdKind::Doi)
    } else if rest("pmid:").is_some_and(is_digits) {
        Some(IdKind::Pmid)
    } else if rest("PMC").is_some_and(is_digits) {
        Some(IdKind::Pmcid)
    } else if rest("W").is_some_and(|digits| is_digits(digits) && digits.len() > 3) {
        Some(IdKind::OpenAlex)
    } else if rest("corpusid:").is_some_and(is_digits) {
        Some(IdKind::CorpusId)
    } else if is_sha(id) {
        Some(IdKind::SemanticScholar)
    } else if is_acl(id) {
        Some(IdKind::Acl)
    } else {
        None
    }
}

/// The version in a spelling of an arXiv id, as in `2503.11731v2`.
pub(super) fn arxiv_version(text: &str) -> Option<u32> {
    match arxiv_id(text) {
        Some((_, version)) => version,
        None => arxiv_spelling(&bare(text).text)?.1,
    }
}

/// An id as it stands in the path of an address.
pub(super) fn in_path(id: &str) -> String {
    utf8_percent_encode(id, IN_PATH).to_string()
}

/// What is left of an id after the address that it is often written with.
fn bare(text: &str) -> Bare<'_> {
    let mut rest = text;
    let mut is_address = false;
    for scheme in ["https://", "http://", "https:/", "http:/", "//"] {
        if let Some(after) = strip_prefix_nocase(rest, scheme) {
            (rest, is_address) = (after, true);
        }
    }
    let www = strip_prefix_nocase(rest, "www.");
    let (host, path) = www.unwrap_or(rest).split_once('/').unwrap_or((rest, ""));
    let page = page_path(host, path);
    if page.is_none() && !is_address {
        return Bare {
            text: Cow::Borrowed(text),
            is_of_page: false,
            is_of_pubmed: false,
        };
    }
    let path = page.or_else(|| doi_in_path(path)).unwrap_or(rest);
    // Whatever belongs to the id is percent-encoded in an address.
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = path.trim_end_matches('/');
    let path = ["/full", "/abstract", "/pdf", "/html", ".pdf", ".html"]
        .iter()
        .find_map(|end| strip_suffix_nocase(path, end))
        .unwrap_or(path);
    let host = host.to_ascii_lowercase();
    Bare {
        text: decoded(path),
        is_of_page: page.is_some(),
        is_of_pubmed: host.ends_with("nlm.nih.gov") || host.ends_with("europepmc.org"),
    }
}

/// The path of a page about one paper from its id on.
fn page_path<'a>(host: &str, path: &'a str) -> Option<&'a str> {
    let is_host = |name: &str| {
        strip_suffix_nocase(host, name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let (_, starts) = PAGES.iter().find(|(name, _)| is_host(name))?;
    let path = path.trim_start_matches('/');
    let rest = starts
        .iter()
        .find_map(|start| strip_prefix_nocase(path, start))?;
    // The bulk folders of arXiv are by month: `1706/1706.03762.pdf`.
    let is_bulk = path.starts_with("ftp/");
    Some(match rest.rsplit_once('/') {
        Some((_, last)) if is_bulk => last,
        _ => rest,
    })
}

/// The DOI in a publisher's address, where it stands after `doi/`.
fn doi_in_path(path: &str) -> Option<&str> {
    let at = path.find("doi/")?;
    let after = &path[at..];
    let start = after.find("/10.").or_else(|| after.find("/10%2"))?;
    let between = &after["doi/".len() - 1..start];
    let is_page =
        between.bytes().all(|b| b.is_ascii_lowercase() || b == b'/') && between.len() < 20;
    is_page.then(|| &after[start + 1..])
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_owned();
    for _ in 0..MAX_DECODINGS {
        match percent_decode_str(&text).decode_utf8() {
            Ok(plain) if *plain != *text => text = plain.into_owned(),
            _ => break,
        }
    }
    Cow::Owned(text)
}

/// Parses a spelling of an arXiv id, with its version. `arXiv:1706.03762v5 [cs.CL] 6 Dec 2017` is a
/// PDF's margin, `quant-ph0112019` the name of a bulk file.
fn arxiv_spelling(text: &str) -> Option<(String, Option<u32>)> {
    let mut rest = text;
    while let Some(after) = ARXIV_WORDS
        .iter()
        .find_map(|word| strip_prefix_nocase(rest, word))
    {
        rest = after.trim_start();
    }
    for page in ["abs/", "pdf/"] {
        rest = rest.strip_prefix(page).unwrap_or(rest);
    }
    let is_named = rest.len() < text.len();
    let rest = rest.trim_end_matches(['.', ',', ';', '/']);
    let rest = strip_suffix_nocase(rest, ".pdf").unwrap_or(rest);
    let (first, after) = rest.split_once([' ', '[']).unwrap_or((rest, ""));
    let after = after.trim_start().trim_start_matches('[');
    // After the number only its class may follow, or what its margin says.
    if !after.is_empty() && !is_named && !is_class(after.split(']').next().unwrap_or(after)) {
        return None;
    }
    let first = first.trim_end_matches(['.', ',', ';']);
    arxiv_id(first).or_else(|| bulk_id(first))
}

/// Whether a text is a class of arXiv: `cs.CL`, `hep-th`.
fn is_class(text: &str) -> bool {
    let Some((archive, class)) = text.split_once('.') else {
        return OLD_ARCHIVES.contains(&text);
    };
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    is_word(archive) && is_word(class) && archive.len() <= 8 && class.len() <= 8
}

/// An id of before 2007 without its slash.
fn bulk_id(text: &str) -> Option<(String, Option<u32>)> {
    let digits_at = text.find(|c: char| c.is_ascii_digit())?;
    let (archive, number) = text.split_at(digits_at);
    let is_archive =
        archive.len() >= 2 && archive.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let is_known = is_archive && OLD_ARCHIVES.contains(&archive);
    is_known
        .then(|| arxiv_id(&format!("{archive}/{number}")))
        .flatten()
}

/// The archives that arXiv had before 2007.
const OLD_ARCHIVES: [&str; 37] = [
    "acc-phys", "adap-org", "alg-geom", "ao-sci", "astro-ph", "atom-ph", "bayes-an", "chao-dyn",
    "chem-ph", "cmp-lg", "comp-gas", "cond-mat", "cs", "dg-ga", "funct-an", "gr-qc", "hep-ex",
    "hep-lat", "hep-ph", "hep-th", "math", "math-ph", "mtrl-th", "nlin", "nucl-ex", "nucl-th",
    "patt-sol", "physics", "plasm-ph", "q-alg", "q-bio", "quant-ph", "solv-int", "stat",
    "supr-con", "test", "econ",
];

/// Whether a text is the normal form of an arXiv id.
fn is_arxiv(id: &str) -> bool {
    match id.split_once(['.', '/']) {
        Some((head, number)) if id.as_bytes()[head.len()] == b'.' => is_new(head, number),
        Some((archive, number)) => {
            let is_archive = |b: u8| b.is_ascii_lowercase() || b == b'-';
            !archive.is_empty() && archive.bytes().all(is_archive) && is_old_number(number)
        }
        None => false,
    }
}

/// Whether a month and a number are those of an id since 2007.
fn is_new(month: &str, number: &str) -> bool {
    month.len() == 4
        && is_digits(month)
        && (4..=5).contains(&number.len())
        && is_digits(number)
        && is_month(&month[2..])
}

/// Whether a number is one of an id of before 2007.
fn is_old_number(number: &str) -> bool {
    number.len() == 7 && is_digits(number) && is_month(&number[2..4])
}

/// Splits an arXiv id without address into its normal form and its version.
pub(super) fn arxiv_id(text: &str) -> Option<(String, Option<u32>)> {
    let (body, version) = match text.rfind(['v', 'V']) {
        Some(at) if at > 0 && is_digits(&text[at + 1..]) && at + 5 > text.len() => {
            (&text[..at], text[at + 1..].parse().ok())
        }
        _ => (text, None),
    };
    if let Some((month, number)) = body.split_once('.')
        && is_new(month, number)
    {
        return Some((body.to_owned(), version));
    }
    let (archive, number) = body.split_once('/')?;
    let archive = archive.split('.').next()?;
    let named = !archive.is_empty()
        && archive
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b == b'-');
    (named && is_old_number(number)).then(|| {
        (
            format!("{}/{number}", archive.to_ascii_lowercase()),
            version,
        )
    })
}

/// The normal form of a DOI: not percent-encoded, in lower case (DOIs are case-insensitive), without
/// the punctuation of the sentence that it ends.
fn doi(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(after) = DOI_WORDS
        .iter()
        .find_map(|word| strip_prefix_nocase(rest, word))
    {
        rest = after.trim_start();
        // An address after a prefix, as in `doi:https://doi.org/10.1000/x`.
        for scheme in ["https://", "http://"] {
            rest = strip_prefix_nocase(rest, scheme).unwrap_or(rest);
        }
        rest = strip_prefix_nocase(rest, "dx.").unwrap_or(rest);
    }
    if !rest.starts_with("10.") {
        return None;
    }
    // `%` is in no DOI otherwise.
    let plain = decoded(rest);
    let plain = plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let visible = plain.replace(
        ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{feff}'],
        "",
    );
    let tracked = visible.split("?utm_").next().unwrap_or(&visible);
    let doi = without_end(tracked).to_lowercase();
    is_doi(&doi).then_some(doi)
}

/// Whether a text in lower case is a DOI.
fn is_doi(text: &str) -> bool {
    let parts = text
        .strip_prefix("10.")
        .and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(registrant, suffix)| {
        registrant.len() >= 4
            && registrant.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && !suffix.is_empty()
            && !suffix.contains('%')
    })
}

/// Strips the punctuation of the surrounding sentence or list from an id: full stops and the like,
/// and unmatched closing brackets.
pub fn without_end(id: &str) -> &str {
    let mut id = id.trim_matches(['"', '\'', ' ']);
    loop {
        let shorter = id.trim_end_matches(['.', ',', ';', ':', '"', '\'', '”', '’']);
        let shorter = match (
            shorter.strip_suffix([')', ']', '>', '}']),
            shorter.chars().last(),
        ) {
            (Some(rest), Some(close)) if !is_opened(rest, close) => rest,
            _ => shorter,
        };
        if shorter.len() == id.len() {
            return id;
        }
        id = shorter;
    }
}

/// Whether `text` holds a bracket that `close` closes.
fn is_opened(text: &str, close: char) -> bool {
    let open = match close {
        ')' => '(',
        ']' => '[',
        '}' => '{',
        _ => '<',
    };
    text.matches(open).count() > text.matches(close).count()
}

/// The normal form of an id that says itself what it is.
fn prefixed_id(text: &str) -> Option<String> {
    let after = |prefix| strip_prefix_nocase(text, prefix).map(str::trim);
    let numbered = [
        ("pmid:", "pmid:"),
        ("pmid ", "pmid:"),
        ("pubmed:", "pmid:"),
        ("pubmed id ", "pmid:"),
        ("medline:", "pmid:"),
        ("info:pmid/", "pmid:"),
        ("corpusid:", "corpusid:"),
    ];
    for (spelt, prefix) in numbered {
        if let Some(number) = after(spelt) {
            let number = number
                .trim_start_matches(':')
                .trim()
                .trim_end_matches(['.', ';', ',']);
            return is_digits(number).then(|| format!("{prefix}{number}"));
        }
    }
    let named = ["pmcid:", "pmc:", "openalex:", "s2:", "acl:"]
        .iter()
        .find_map(|prefix| after(prefix))?;
    named_id(&Bare {
        text: Cow::Borrowed(named),
        is_of_page: false,
        is_of_pubmed: false,
    })
}

/// The normal form of an id, told by its looks.
fn named_id(bare: &Bare<'_>) -> Option<String> {
    let id = &*bare.text;
    let last = id.rsplit('/').next().unwrap_or(id);
    if let Some(digits) = strip_prefix_nocase(last, "PMC").filter(|_| bare.is_of_page || last == id)
    {
        let digits = digits.split('.').next().unwrap_or(digits);
        return is_digits(digits).then(|| format!("PMC{digits}"));
    }
    if let Some(digits) = strip_prefix_nocase(id, "corpusid:") {
        return is_digits(digits).then(|| format!("corpusid:{digits}"));
    }
    if bare.is_of_pubmed && is_digits(id) {
        return Some(format!("pmid:{id}"));
    }
    if is_sha(last) && (bare.is_of_page || last == id) {
        return Some(last.to_ascii_lowercase());
    }
    if is_acl(id) {
        return Some(id.to_owned());
    }
    let digits = match id.strip_prefix('w') {
        Some(digits) if bare.is_of_page => Some(digits),
        _ => id.strip_prefix('W'),
    };
    digits
        .filter(|digits| is_digits(digits) && digits.len() > 3)
        .map(|digits| format!("W{digits}"))
}

/// Whether this is the hash of a paper of Semantic Scholar.
fn is_sha(id: &str) -> bool {
    id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit())
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

pub(super) fn strip_prefix_nocase<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn strip_suffix_nocase<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let cut = text.len().checked_sub(suffix.len())?;
    let tail = text.get(cut..)?;
    tail.eq_ignore_ascii_case(suffix).then(|| &text[..cut])
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_month(two_digits: &str) -> bool {
    matches!(two_digits.parse(), Ok(1..=12u8))
}
