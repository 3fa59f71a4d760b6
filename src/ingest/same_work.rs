//! Whether two records are of one work: a preprint and its published version, one paper in two
//! catalogues, a repeated row of a file.
//!
//! The test depends on how the two were found:
//!
//! | found by | asked |
//! |---|---|
//! | the same title, no common id | [`same_work`]: texts or long titles and authors that agree |
//! | a common id, other collections | [`may_share_id`]: a common author, or a title that has words in common |
//! | the same id, one collection, a later dump | [`is_newer_state`]: anything but a plainly different work |
//! | the same id, a later dump, several works under it | [`is_same_record`], [`has_its_text`]: titles or texts that are alike |
//! | the same id twice in one dump | [`is_same_record`]: titles that are alike |
//! | the same title, author, year and volume, no id | [`is_same_text`]: texts that are alike |
//!
//! Two records that share no id need the same title (letters and digits only, which is how they were
//! found) and:
//!
//! | abstracts | asked |
//! |---|---|
//! | both of [`MIN_WORDS`] words or more | near-identical: the Jaccard similarity of their three-word shingles is at least [`NEAR`]. The threshold is [`NEAR_SHORT_TITLE`] if the title is short or one record names no authors. It also counts if one is the beginning of the other. If both name authors, they share a family name. |
//! | one or both shorter, or missing | the title is long ([`LONG_TITLE_WORDS`] words, [`LONG_TITLE_LETTERS`] letters). The first authors share their family name, and so do half of the others. The years are at most [`MAX_YEARS`] apart. |
//!
//! The similarity is computed exactly. Only records with one title are compared, at most
//! [`MAX_NAMESAKES`] with each: too few pairs for a sketch such as MinHash to pay.
//!
//! Never one work: two records with different ids of a registry that gives a work one id only
//! (arXiv, PubMed, PubMed Central, ACL Anthology). Nor two of one title in different volumes, nor
//! two of different years under a title that every volume has ([`GENERIC`]). Two DOIs may be one
//! work: a preprint server's and a journal's.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::name::family;
use crate::paper::{IdKind, Paper, PaperId, title_key};
use crate::text::fold;

/// A title that more papers than these have names no work: only ids join its papers.
pub(super) const MAX_NAMESAKES: usize = 32;

/// Of longer texts the beginnings are compared: more than any abstract has.
const COMPARED_BYTES: usize = 64 << 10;

/// Words that an abstract must have to be compared.
const MIN_WORDS: usize = 20;

/// Words of a shingle.
const SHINGLE: usize = 3;

/// Jaccard similarity from which abstracts count as near-identical.
const NEAR: f64 = 0.5;

/// The same if the title says little, or if nobody is named.
const NEAR_SHORT_TITLE: f64 = 0.8;

/// Jaccard similarity below which abstracts are of two works.
const UNLIKE: f64 = 0.1;

/// Minimum length of a long title, as a number of words and of letters.
const LONG_TITLE_WORDS: usize = 5;
const LONG_TITLE_LETTERS: usize = 30;

/// Years that a preprint may be ahead of its publication.
const MAX_YEARS: i16 = 3;

/// Share of the smaller title's words that records with a common id must share if they share no
/// author. A careless record's id for every paper of a volume then joins nothing.
const MIN_TITLE_OVERLAP: f64 = 0.3;

/// Share of the shorter text's words that are at the same place in a longer one.
const BEGINNING: f64 = 0.9;

/// Share of the smaller title's words from which two records under one id of a dump are one paper.
const ALIKE_TITLES: f64 = 0.5;

/// Share of the smaller text's words from which two texts are alike: one may be cut or corrected.
const ALIKE_TEXTS: f64 = 0.6;

/// Stop words: they say nothing about the subject of a title or a text.
const STOP_WORDS: [&str; 40] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "das", "de", "der", "des", "die", "du", "for",
    "from", "in", "into", "is", "its", "la", "le", "les", "of", "on", "or", "our", "over", "that",
    "the", "their", "this", "to", "und", "using", "via", "we", "were", "with", "what",
];

/// Titles that occur in every volume, folded: they identify no work.
const GENERIC: [&str; 44] = [
    "abstracts",
    "acknowledgements",
    "acknowledgments",
    "afterword",
    "announcement",
    "announcements",
    "appendix",
    "author reply",
    "authors reply",
    "back matter",
    "book review",
    "book reviews",
    "call for papers",
    "comment",
    "commentary",
    "conclusion",
    "conclusions",
    "contents",
    "correction",
    "corrigendum",
    "discussion",
    "editorial",
    "editors note",
    "epilogue",
    "erratum",
    "foreword",
    "from the editor",
    "front matter",
    "guest editorial",
    "in memoriam",
    "in this issue",
    "index",
    "introduction",
    "issue information",
    "letter to the editor",
    "letters to the editor",
    "news",
    "obituary",
    "overview",
    "preface",
    "prologue",
    "reply",
    "summary",
    "table of contents",
];

/// Registries that give a work one id.
const ONE_ID: [IdKind; 4] = [IdKind::Arxiv, IdKind::Pmid, IdKind::Pmcid, IdKind::Acl];

/// Why two records are taken for one work.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// They share an id.
    SharedId(PaperId),
    /// They are in one dump under one id.
    SameRecord,
    /// They share the title and authors, and their abstracts are near-identical.
    SameText {
        /// Jaccard similarity of the abstracts' shingles.
        similarity: f64,
    },
    /// They share a long title and the authors; an abstract is missing.
    SameTitle,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::SharedId(id) => write!(f, "both have the id {id}"),
            Why::SameRecord => f.write_str("the dump has it twice"),
            Why::SameText { similarity } => write!(
                f,
                "same title and authors, abstracts alike to {:.0} %",
                similarity * 100.0
            ),
            Why::SameTitle => f.write_str("same long title, same authors, no two abstracts"),
        }
    }
}

/// What is compared of papers that share a title: made once for each paper, compared many times.
pub(super) struct Traits {
    /// [`title_key`] of its title.
    pub(super) title: i64,
    text: Words,
    families: Vec<String>,
    has_long_title: bool,
    ids: Vec<PaperId>,
    issue: Issue,
}

impl Traits {
    pub(super) fn new(paper: &Paper) -> Traits {
        Traits {
            title: title_key(&paper.title),
            text: Words::new(&paper.abstract_text),
            families: families(paper),
            has_long_title: is_long(&paper.title),
            ids: single_ids(paper),
            issue: Issue::new(paper),
        }
    }

    /// Bytes in memory, nearly.
    pub(super) fn size(&self) -> usize {
        let words = self.text.in_order.len() + self.text.shingles.len();
        let names: usize = self.families.iter().map(String::len).sum();
        size_of::<Traits>() + words * size_of::<u64>() + names
    }
}

/// Where a paper was printed.
struct Issue {
    /// Whether every volume has a paper of this title.
    is_generic: bool,
    volume: Option<String>,
    journal: Option<String>,
    year: Option<i16>,
}

impl Issue {
    fn new(paper: &Paper) -> Issue {
        Issue {
            is_generic: is_generic(&paper.title),
            volume: paper.volume.as_deref().map(letters),
            journal: paper.journal.as_deref().map(letters),
            year: year(paper),
        }
    }

    /// Whether two papers of one title are from two volumes, or for a generic title, from two
    /// years.
    fn differs(&self, other: &Issue) -> bool {
        let differ = |a: &Option<String>, b: &Option<String>| Some(a.as_ref()? != b.as_ref()?);
        let is_other_volume = differ(&self.volume, &other.volume) == Some(true);
        let is_one_journal = differ(&self.journal, &other.journal) == Some(false);
        let is_other_year = years_apart(self.year, other.year).is_some_and(|years| years > 0);
        (is_other_volume && is_one_journal)
            || (self.is_generic && (is_other_volume || is_other_year))
    }
}

/// The words of a text, each as a hash of it.
struct Words {
    in_order: Vec<u64>,
    /// Hashes of [`SHINGLE`] words after one another, each once, ascending.
    shingles: Vec<u64>,
}

impl Words {
    fn new(text: &str) -> Words {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let words = words(text);
        let in_order: Vec<u64> = words.iter().map(|word| hasher.hash_one(word)).collect();
        let shingles = in_order.windows(SHINGLE);
        let mut shingles: Vec<u64> = shingles.map(|words| hasher.hash_one(words)).collect();
        shingles.sort_unstable();
        shingles.dedup();
        Words { in_order, shingles }
    }

    /// Whether there are enough to be compared.
    fn is_whole(&self) -> bool {
        self.in_order.len() >= MIN_WORDS
    }

    /// Whether one of two texts is the beginning of the other, as a catalogue cuts it.
    fn is_beginning(&self, other: &Words) -> bool {
        let (a, b) = (&self.in_order, &other.in_order);
        let n = a.len().min(b.len()).saturating_sub(1);
        let n_equal = a.iter().zip(b).take(n).filter(|(a, b)| a == b).count();
        n > 0 && n_equal as f64 >= BEGINNING * n as f64
    }

    /// Common shingles as a share of all.
    fn jaccard(&self, other: &Words) -> f64 {
        let (mut a, mut b) = (&self.shingles[..], &other.shingles[..]);
        let n_both = a.len() + b.len();
        let mut n_common = 0;
        while let ([first_a, rest_a @ ..], [first_b, rest_b @ ..]) = (a, b) {
            let order = first_a.cmp(first_b);
            n_common += usize::from(order.is_eq());
            if order.is_le() {
                a = rest_a;
            }
            if order.is_ge() {
                b = rest_b;
            }
        }
        n_common as f64 / (n_both - n_common).max(1) as f64
    }
}

/// Why two records of the same title, under different ids, are one work; `None` if they may not be.
pub(super) fn same_work(a: &Traits, b: &Traits) -> Option<Why> {
    if a.title != b.title || conflict(&a.ids, &b.ids) || a.issue.differs(&b.issue) {
        return None;
    }
    let (text_a, text_b) = (&a.text, &b.text);
    let (authors_a, authors_b) = (&a.families, &b.families);
    let is_long_title = a.has_long_title;
    if text_a.is_whole() && text_b.is_whole() {
        let is_named = !authors_a.is_empty() && !authors_b.is_empty();
        let shares_author = authors_a.iter().any(|name| authors_b.contains(name));
        let needed = if is_long_title && is_named {
            NEAR
        } else {
            NEAR_SHORT_TITLE
        };
        let similarity = if text_a.is_beginning(text_b) {
            1.0
        } else {
            text_a.jaccard(text_b)
        };
        let is_same = similarity >= needed && (shares_author || !is_named);
        return is_same.then_some(Why::SameText { similarity });
    }
    let first_is_same = authors_a
        .first()
        .is_some_and(|first| authors_b.first() == Some(first));
    let n_common = authors_a
        .iter()
        .filter(|name| authors_b.contains(name))
        .count();
    let is_same = is_long_title
        && first_is_same
        && 2 * n_common >= authors_a.len().min(authors_b.len())
        && years_apart(a.issue.year, b.issue.year).is_none_or(|years| years <= MAX_YEARS);
    is_same.then_some(Why::SameTitle)
}

/// Whether a record may be another one of a work that has one of its ids. Sloppy sources give the
/// DOI of a volume to each of its papers.
pub(super) fn may_share_id(a: &Paper, b: &Paper) -> bool {
    if conflict(&single_ids(a), &single_ids(b)) {
        return false;
    }
    // A note without a title is about the work that it names.
    if a.is_untitled() || b.is_untitled() || shares_author(a, b) {
        return true;
    }
    shared_of_smaller(&a.title, &b.title) >= MIN_TITLE_OVERLAP
}

/// Whether a record can be a newer state of the record that its collection had under its id. It
/// cannot if it is plainly of a different work.
pub(super) fn is_newer_state(earlier: &Paper, record: &Paper) -> bool {
    let title = shared_of_smaller(&earlier.title, &record.title);
    let before = Words::new(&earlier.abstract_text);
    let after = Words::new(&record.abstract_text);
    let are_whole = before.is_whole() && after.is_whole();
    let are_unlike = are_whole && before.jaccard(&after) < UNLIKE;
    let is_other_title = title < MIN_TITLE_OVERLAP;
    if shares_author(earlier, record) {
        // A file of one author's papers may number them in another way today.
        return !(record.id.is_local() && is_other_title && are_unlike);
    }
    let are_named = !earlier.authors.is_empty() && !record.authors.is_empty();
    let is_same_title = letters(&earlier.title) == letters(&record.title);
    let is_other = (are_named && is_other_title) || (are_unlike && !is_same_title);
    !is_other
}

/// Whether a record has the text of one of the works that share its id.
pub(super) fn has_its_text(earlier: &Paper, record: &Paper) -> bool {
    let (before, after) = (
        Words::new(&earlier.abstract_text),
        Words::new(&record.abstract_text),
    );
    let are_whole = before.is_whole() && after.is_whole();
    let are_alike = before.is_beginning(&after) || before.jaccard(&after) >= NEAR;
    are_whole && are_alike && !conflict(&single_ids(earlier), &single_ids(record))
}

/// Whether two records under one id in one dump are one paper. Where the dump is a catalogue's,
/// `is_of_catalogue`, its ids are of works: a common author is enough.
pub(super) fn is_same_record(a: &Paper, b: &Paper, is_of_catalogue: bool) -> bool {
    if conflict(&single_ids(a), &single_ids(b)) {
        return false;
    }
    if is_of_catalogue && shares_author(a, b) {
        return true;
    }
    let are_named = !a.authors.is_empty() && !b.authors.is_empty();
    let is_other_author = are_named && !shares_author(a, b);
    let is_alike =
        a.is_untitled() || b.is_untitled() || shared_of_smaller(&a.title, &b.title) >= ALIKE_TITLES;
    !Issue::new(a).differs(&Issue::new(b)) && !is_other_author && is_alike
}

/// Whether two records without ids, of one title, author, year and volume, are one paper.
///
/// Of a title that says little two texts are needed, or none: an editorial is not known by its title.
pub(super) fn is_same_text(a: &Paper, b: &Paper) -> bool {
    let (text_a, text_b) = (&a.abstract_text, &b.abstract_text);
    match (text_a.is_empty(), text_b.is_empty()) {
        (true, true) => true,
        (false, false) => shared_of_smaller(text_a, text_b) >= ALIKE_TEXTS,
        _ => !is_generic(&a.title),
    }
}

/// Whether a title is one that every volume has.
fn is_generic(title: &str) -> bool {
    let folded = words(title).join(" ");
    GENERIC.contains(&folded.as_str())
}

fn shares_author(a: &Paper, b: &Paper) -> bool {
    let (authors_a, authors_b) = (families(a), families(b));
    authors_a.iter().any(|name| authors_b.contains(name))
}

/// The number of words that both texts have, as a share of the words of the shorter one. Stop words
/// count only if there are no others.
fn shared_of_smaller(a: &str, b: &str) -> f64 {
    let telling = |text: &str| -> HashSet<String> {
        let all = words(text);
        let told: HashSet<String> = all
            .iter()
            .filter(|word| !STOP_WORDS.contains(&word.as_str()))
            .cloned()
            .collect();
        if told.is_empty() {
            all.into_iter().collect()
        } else {
            told
        }
    };
    let (a, b) = (telling(a), telling(b));
    let n_common = a.intersection(&b).count();
    n_common as f64 / a.len().min(b.len()).max(1) as f64
}

/// The ids of a paper that are of registries which give a work one id.
fn single_ids(paper: &Paper) -> Vec<PaperId> {
    let ids = std::iter::once(&paper.id).chain(&paper.aliases);
    let single = ids.filter(|id| id.kind().is_some_and(|kind| ONE_ID.contains(&kind)));
    single.cloned().collect()
}

/// Whether two papers have different ids of a registry that gives a work one, and none in common.
fn conflict(a: &[PaperId], b: &[PaperId]) -> bool {
    ONE_ID.into_iter().any(|kind| {
        let of_kind = |ids: &[PaperId]| -> Vec<PaperId> {
            let ids = ids.iter().filter(|id| id.kind() == Some(kind));
            ids.cloned().collect()
        };
        let (a, b) = (of_kind(a), of_kind(b));
        let is_shared = a.iter().any(|id| b.contains(id));
        !a.is_empty() && !b.is_empty() && !is_shared
    })
}

/// Words of letters and digits, lower case without accents; an apostrophe parts none.
fn words(text: &str) -> Vec<String> {
    let text = &text[..text.floor_char_boundary(COMPARED_BYTES)];
    let folded = fold(text).replace(['\'', '’', 'ʼ', '`'], "");
    let parts = folded.split(|c: char| !c.is_alphanumeric());
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Letters and digits of a text, folded.
fn letters(text: &str) -> String {
    words(text).concat()
}

/// Family names, if they can be recognised.
fn families(paper: &Paper) -> Vec<String> {
    let families = paper.authors.iter().map(|name| family(name));
    families.filter(|family| !family.is_empty()).collect()
}

fn is_long(title: &str) -> bool {
    let words = words(title);
    let n_letters: usize = words.iter().map(|word| word.chars().count()).sum();
    words.len() >= LONG_TITLE_WORDS && n_letters >= LONG_TITLE_LETTERS
}

fn year(paper: &Paper) -> Option<i16> {
    Some(paper.date()?.year())
}

fn years_apart(a: Option<i16>, b: Option<i16>) -> Option<i16> {
    Some((a? - b?).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_work(a: &Paper, b: &Paper) -> Option<Why> {
        super::same_work(&Traits::new(a), &Traits::new(b))
    }

    const TEXT: &str = "We study the propagation of light through random media and show that the \
        transmission matrix has a bimodal spectrum whose width follows from the mean free path of \
        photons alone.";

    fn paper(id: &str, title: &str, text: &str, authors: &[&str]) -> Paper {
        let id = PaperId::parse(id).expect("an id");
        let mut paper = Paper::new(id, title, text);
        paper.authors = authors.iter().map(|&name| name.to_owned()).collect();
        paper
    }

    const LONG: &str = "Bimodal spectra of light in strongly scattering random media";

    #[test]
    fn a_preprint_and_its_published_version_are_one_work() {
        let preprint = paper("2503.11731", LONG, TEXT, &["Ada Lovelace", "C. Babbage"]);
        let edited = TEXT.replace("random media", "disordered media");
        let published = paper(
            "10.1000/x",
            LONG,
            &edited,
            &["A. Lovelace", "Charles Babbage"],
        );
        let why = same_work(&preprint, &published);
        assert!(
            matches!(why, Some(Why::SameText { similarity }) if similarity > 0.6),
            "{why:?}"
        );
    }

    #[test]
    fn the_same_title_alone_is_not_enough() {
        let check = |a: &Paper, b: &Paper| assert_eq!(same_work(a, b), None, "{a:?} {b:?}");
        let other_text = "Editorial policy changed this year in many ways that readers of the \
            journal will notice at once, as we explain below in some detail for them.";
        let a = paper("10.1000/a", "Editorial", TEXT, &["Ada Lovelace"]);
        check(
            &a,
            &paper("10.1000/b", "Editorial", other_text, &["Ada Lovelace"]),
        );
        check(&a, &paper("10.1000/b", "Editorial", "", &["Ada Lovelace"]));
        check(&a, &paper("10.1000/b", "Editorial", TEXT, &["Alan Turing"]));
        let a = paper("10.1000/a", LONG, TEXT, &["Ada Lovelace"]);
        check(&a, &paper("10.1000/b", LONG, TEXT, &["Alan Turing"]));
        check(&a, &paper("10.1000/b", LONG, "", &[]));
    }

    #[test]
    fn a_missing_abstract_needs_the_authors_and_the_years() {
        let mut a = paper(
            "10.1000/a",
            LONG,
            TEXT,
            &["Ada Lovelace", "Charles Babbage"],
        );
        let mut b = paper("W2741809807", LONG, "", &["A. Lovelace", "C. Babbage"]);
        assert_eq!(same_work(&a, &b), Some(Why::SameTitle));
        a.published = Some(jiff::civil::date(2001, 1, 1).into());
        b.published = Some(jiff::civil::date(2009, 1, 1).into());
        assert_eq!(same_work(&a, &b), None);
    }

    #[test]
    fn two_ids_of_one_registry_are_two_works() {
        let a = paper("2503.11731", LONG, TEXT, &["Ada Lovelace"]);
        let b = paper("2503.11732", LONG, TEXT, &["Ada Lovelace"]);
        assert_eq!(same_work(&a, &b), None);
        assert!(!may_share_id(&a, &b));
    }

    #[test]
    fn the_doi_of_a_volume_joins_nothing() {
        let a = paper("10.1000/volume", "On engines", "", &["Ada Lovelace"]);
        let b = paper("10.1000/volume", "A theory of tides", "", &["Alan Turing"]);
        let c = paper("10.1000/volume", "Engines, revisited", "", &["Alan Turing"]);
        assert!(!may_share_id(&a, &b));
        assert!(may_share_id(&a, &c));
    }
}
