//! BibTeX and Biblatex entries.
//!
//! In: one entry, and the `@string` entries before it. Out: the paper. `fields.rs` takes the
//! entry apart. The format is described in "BibTeXing" (Patashnik, 1988) and in the manual of
//! Biblatex.
//!
//! | of a paper | field |
//! |---|---|
//! | ids | `doi`, `eprint`, `pmid`, `pmcid`, addresses in `url` and the like, arXiv ids in `journal`, `volume` and `note`. The key is an id of its file. |
//! | title, abstract | `title` and `subtitle`; `abstract` |
//! | authors | `author` (`names.rs`); editors are none |
//! | published | `date`, else `year`, `month`, `day` |
//! | journal | `journaltitle`, `journal`, `booktitle` |
//! | categories | `primaryclass`, else `keywords` |
//! | comment | `note`, `comment` |
//!
//! Field names are compared without case and the first of a name wins, as in BibTeX. Inherited
//! fields are already in the entry when it comes here (`inherited.rs`).

mod entries;
mod fields;
mod inherited;
mod names;

use std::borrow::Cow;

use akin_base::paper::{IdKind, PaperId, PartialDate};

use self::fields::{EntryFields, EntrySource, UNBALANCED, word_of};
use self::inherited::InheritingReader;
use super::fields::MAX_KEYWORDS;
use super::ids;
use crate::format::{FormatReader, Spec, TaggedSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::reject::Rejection;
use crate::text::clean::clean_bibtex;
use crate::text::dates;

/// BibTeX.
pub(crate) const SPEC: Spec = Spec {
    name: "bibtex",
    title: "BibTeX",
    feed: None,
    generic_file: None,
    reader: FormatReader::Tagged(TaggedSpec {
        looks_like,
        frame: |lines| Box::new(InheritingReader::new(lines)),
        read,
    }),
};

/// Lines of other text before the first entry that a dump may have, at most.
const MAX_LINES_BEFORE: usize = 500;

const ADDRESSES: [&str; 7] = [
    "url",
    "adsurl",
    "ee",
    "link",
    "pdf",
    "howpublished",
    "bdsk-url-1",
];

/// Reads one entry.
pub(crate) fn read(entry: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let source = EntrySource::parse(entry);
    let key = source.as_ref().and_then(|source| source.key);
    let fault = |reason| RecordError {
        id: key.map(str::to_owned),
        reason,
    };
    let unreadable = |message: String| fault(Rejection::NotBibtex { message });
    let Some(source) = &source else {
        return Err(unreadable(UNBALANCED.to_owned()));
    };
    let (fields, broken) = EntryFields::parse(source, &context.around, &context.n_added);
    match (fields.get(&["title", "booktitle"]), broken) {
        (None, Some(message)) => Err(unreadable(message)),
        _ => fields.found(key).item(),
    }
}

impl EntryFields {
    fn found(&self, key: Option<&str>) -> RawRecord<'_> {
        let mut found = RawRecord {
            given_id: key.map(str::to_owned),
            title: self.title(),
            text: self.text(&["abstract"]).unwrap_or_default(),
            categories: self.categories(),
            journal: self.text(&["journaltitle", "journal", "booktitle"]),
            volume: self.text(&["volume"]).filter(|text| !text.contains('/')),
            comment: self.text(&["note", "comment"]),
            ..RawRecord::default()
        };
        if let Some(authors) = self.get(&["author", "authors"]) {
            found.authors = names::split(authors);
        }
        found.published = self.published(&mut found);
        self.add_ids(&mut found);
        // The key has a meaning in its own file only.
        found.ids.extend(key.and_then(PaperId::of_own));
        found
    }

    /// A field without its markup.
    fn text(&self, names: &[&str]) -> Option<Cow<'_, str>> {
        self.get(names).map(clean_bibtex)
    }

    fn title(&self) -> Cow<'_, str> {
        let title = self.text(&["title", "booktitle"]).unwrap_or_default();
        match self.text(&["subtitle"]) {
            Some(rest) if !title.contains(&*rest) => Cow::Owned(format!("{title}: {rest}")),
            _ => title,
        }
    }

    fn add_ids(&self, found: &mut RawRecord<'_>) {
        let bare = |name: &str| self.get(&[name]).map(without_tex).unwrap_or_default();
        ids::add_due_dois(found, &bare("doi"));
        self.add_eprint(found, &bare("eprint"));
        found.add_id(IdKind::Arxiv, &bare("arxivid"));
        found.add_id(IdKind::Pmid, &bare("pmid"));
        found.add_id(IdKind::Pmcid, &bare("pmcid"));
        found.add_id(IdKind::Pmcid, &bare("pmc"));
        for name in ADDRESSES {
            let address = clean_bibtex(self.get(&[name]).unwrap_or_default());
            ids::add_address(found, &without_tex(&address));
        }
        let volume = bare("volume");
        if let Some(number) = volume.strip_prefix("abs/") {
            ids::add_arxiv(found, number);
        }
        for name in ["journal", "journaltitle", "howpublished", "note", "number"] {
            ids::add_noted(found, &bare(name));
        }
    }

    /// Adds the number in an archive: arXiv's, if no other archive is named.
    fn add_eprint(&self, found: &mut RawRecord<'_>, number: &str) {
        let archive = self.get(&["archiveprefix", "eprinttype"]).unwrap_or("");
        match archive.trim().to_ascii_lowercase().as_str() {
            "" | "arxiv" | "arxiv.org" => ids::add_arxiv(found, number),
            "pubmed" => found.add_id(IdKind::Pmid, number),
            _ => {}
        }
    }

    fn published(&self, found: &mut RawRecord<'_>) -> Option<PartialDate> {
        let part = |name: &str| self.get(&[name]).unwrap_or_default();
        let (date, year) = (part("date"), part("year"));
        let year_month = format!("{year} {} {}", part("month"), part("day"));
        let published = dates::most_exact([date, &year_month]);
        let written = match published {
            Some(_) => [date, year_month.trim()],
            None => [if date.is_empty() { year } else { date }, ""],
        };
        found.dated(published, written)
    }

    fn categories(&self) -> Vec<String> {
        if let Some(class) = self.get(&["primaryclass"]) {
            return vec![class.to_owned()];
        }
        let Some(words) = self.text(&["keywords", "keyword"]) else {
            return Vec::new();
        };
        let separator = if words.contains(';') { ';' } else { ',' };
        let words = words.split(separator).map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .take(MAX_KEYWORDS)
            .map(str::to_owned)
            .collect()
    }
}

/// An id or an address without the braces and backslashes that TeX needs.
fn without_tex(value: &str) -> String {
    value.replace(['\\', '{', '}'], "")
}

/// Whether a text holds an entry where one may be expected.
///
/// Anything before the first entry is comment. So an entry must show that it is one: by a word of
/// BibTeX's own, or by a field after its key.
pub(crate) fn looks_like(text: &str) -> bool {
    let mut rest = text;
    let mut n_before = 0;
    while n_before < MAX_LINES_BEFORE {
        let line = rest.trim_start();
        n_before += usize::from(!line.starts_with('%'));
        if line.starts_with('@') {
            return is_entry(line);
        }
        match line.split_once('\n') {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    false
}

fn is_entry(text: &str) -> bool {
    let word = String::from_utf8_lossy(word_of(text.as_bytes())).to_ascii_lowercase();
    let rest = text[1 + word.len()..].trim_start();
    let Some(body) = rest.strip_prefix(['{', '(']).filter(|_| !word.is_empty()) else {
        return false;
    };
    if matches!(&*word, "string" | "preamble" | "comment") {
        return true;
    }
    let (key, fields) = match body.split_once([',', '=']) {
        Some((key, _)) if body[key.len()..].starts_with('=') => ("", &body[..key.len() + 1]),
        Some((key, fields)) => (key, fields),
        None => return false,
    };
    let name_bytes = fields.trim_start().find('=').unwrap_or(0);
    let name = fields.trim_start()[..name_bytes].trim_end();
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    !key.contains(['\n', '{', '"', '(', ';']) && !name.is_empty() && name.chars().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::tagged::bibtex::fields::define;
    use crate::tests::check_fields;

    fn record_in(entry: &str, around: &str) -> Record {
        let context = DumpContext {
            around: around.to_owned(),
            ..DumpContext::default()
        };
        match read(entry, &context) {
            Ok(Item::Paper(record)) => *record,
            other => panic!("{entry}: {other:?}"),
        }
    }

    #[track_caller]
    fn check(entry: &str, expected: serde_json::Value) {
        check_fields(Ok(record_in(entry, "").into()), &expected);
    }

    fn check_unreadable(entry: &str, id: Option<&str>, expected: &str) {
        let fault = read(entry, &DumpContext::default()).expect_err("a fault");
        assert_eq!(
            (fault.id.as_deref(), &*fault.reason.to_string()),
            (id, expected),
            "{entry}"
        );
    }

    #[test]
    fn an_entry_is_a_paper() {
        check(
            r#"@Article{lovelace1843,
  Author = "Ada {L}ovelace and Menabrea, L. F.",
  TITLE = {Notes on the {Analytical Engine} of {\'E}douard},
  journal = sci # " Memoirs", year = 1843, month = sep, day = {5},
  abstract = {We weave
    algebraic patterns.},
  keywords = {engines, algebra}, note = {25 pages},
  doi = {https://doi.org/10.1000/ENGINE\_1}, eprint = {2503.11731v2}, archivePrefix = {arXiv},
  pmid = 123, url = {\url{http://www.ncbi.nlm.nih.gov/pmc/articles/PMC42/}},
  title = {second}}"#,
            serde_json::json!({
                "id": "10.1000/engine_1",
                "aliases": ["2503.11731", "pmid:123", "PMC42", "@#lovelace1843"],
                "title": "Notes on the Analytical Engine of Édouard",
                "abstract": "We weave algebraic patterns.",
                "authors": ["Ada Lovelace", "L. F. Menabrea"],
                "journal": "sci Memoirs",
                "published": "1843-09-05",
                "categories": ["engines", "algebra"],
                "comment": "25 pages",
                "version": 2,
            }),
        );
    }

    #[test]
    fn names_and_titles_keep_no_tex() {
        check(
            r#"@article{k,
  title = {Ni\ifmmode \tilde{n}\else \~{n}\fi{}o and {\ensuremath{\alpha}}-decay},
  author = {Ga\ifmmode \check{s}\else \v{s}\fi{}par, Iva and
    Fran\ifmmode \mbox{\c{c}}\else \c{c}\fi{}ois, Luc and P{\ifmmode \acute{e}\else \'{e}\fi}rez, A. and
    Bo\ifmmode \dot{z}\else \.{z}\fi{}ena K. and M\ifmmode\ddot{u}\else\"{u}\fi{}ller, B.},
  abstract = {At {\ifmmode \sim\else \textasciitilde\fi}10 K\char21{}20 K.},
  journal = {Annals {\&}amp$\mathsemicolon$ Letters}}"#,
            serde_json::json!({
                "title": "Niño and α-decay",
                "authors": ["Iva Gašpar", "Luc François", "A. Pérez", "Bożena K.", "B. Müller"],
                "abstract": "At ~10 K–20 K.",
                "journal": "Annals & Letters",
            }),
        );
        check(
            r"@article{k, title = {t}, author={O{\textquoteright}Neil, Mary and
  D{\textquotesingle}Souza, Ann and Mary O{\textquoteright}Neil and Smith{\textendash}Jones, Bob and
  {\textquoteright}t Hooft, Gerard and M\textsuperscript{c}Donald, Ian and Al{\textquoteleft}Khalil, Omar and
  M{\textdegree}x, A. and {\'E}mile C{\c C}a and {\relax Ch}ristos, N. and Erd\H{o}s, P. and {\DH}or{\dj}e, B.}}",
            serde_json::json!({
                "authors": [
                    "Mary O’Neil", "Ann D'Souza", "Mary O’Neil", "Bob Smith–Jones", "Gerard ’t Hooft",
                    "Ian McDonald", "Omar Al‘Khalil", "A. M°x", "Émile CÇa", "N. Christos", "P. Erdős",
                    "B. Ðorđe",
                ],
            }),
        );
    }

    #[test]
    fn the_key_is_an_id_of_its_file_and_an_id_is_made_where_there_is_none() {
        check(
            "@misc{a:1, title = {On X}, author = {Lovelace, Ada}, url = {https://host.org/x}}",
            serde_json::json!({"id": "@#a:1", "aliases": null}),
        );
        let made = record_in("@misc{title = {On X}}", "");
        assert!(made.paper.id.is_made());
        check(
            "@misc{title = {On X}}",
            serde_json::json!({"aliases": null}),
        );
        assert_eq!(record_in("@misc{k, title={t}}", "").given_id, "k");
    }

    #[test]
    fn archives_are_told_apart() {
        let id = |fields: &str| {
            let record = record_in(&format!("@misc{{k, title = {{t}}, {fields}}}"), "");
            record.paper.id.to_string()
        };
        assert_eq!(id("eprint = {hep-th/9901001}"), "hep-th/9901001");
        assert_eq!(id("eprint = {77}, eprinttype = {pubmed}"), "pmid:77");
        assert_eq!(
            id("journal = {CoRR}, volume = {abs/2503.11731}"),
            "2503.11731"
        );
        assert_eq!(
            id("journal = {arXiv preprint arXiv:2503.11731}"),
            "2503.11731"
        );
        assert_eq!(id("eprint = {hal-01}, eprinttype = {hal}"), "k");
        for field in [
            "url = {https://ar5iv.labs.arxiv.org/html/2503.11731}",
            "eprint = {2503.11731}, archiveprefix = {arXiv.org}",
            "number = {arXiv:2503.11731}",
            "eprint = {arXiv:2503.11731v3}",
            "note = {arXiv:2503.11731 [cs.CL]}",
        ] {
            assert_eq!(id(field), "2503.11731", "{field}");
        }
    }

    #[test]
    fn strings_are_put_in() {
        let mut around = String::new();
        define("@string{J = {Journal}}", &mut around);
        let record = record_in(
            "@misc{k, title = {t}, journal = j # {, A}, month = mar}",
            &around,
        );
        assert_eq!(record.paper.journal.as_deref(), Some("Journal, A"));
    }

    #[test]
    fn quotes_and_parentheses_are_read_as_bibtex_reads_them() {
        let title = |entry: &str| record_in(entry, "").paper.title;
        assert_eq!(
            title(r#"@misc(k, title = "The {"}Big{"} (T)hing" )"#),
            "The \"Big\" (T)hing"
        );
        assert_eq!(
            title(r#"@misc{k, title = "G{\"o}del" # " and" # { more}}"#),
            "Gödel and more"
        );
        assert_eq!(
            title(r"@misc{k, title = {x}, file = {C:\dir\}, year = 2000}"),
            "x"
        );
        assert_eq!(title(r"@misc{k, title = {[0, 1\}}}"), "[0, 1}");
    }

    #[test]
    fn what_is_sound_of_a_broken_entry_is_kept() {
        let title = |entry: &str| record_in(entry, "").paper.title;
        assert_eq!(
            title("@misc{a key, title = {x} year = 2000 pages = {1}}"),
            "x"
        );
        assert_eq!(title("@misc{k, pages = 10--20, title = {x}, 5 = , =}"), "x");
        assert_eq!(title("@misc{k, title = {x}, % {a\n year = 2000"), "x");
        check_unreadable(
            "@misc{k, title = {x, year = 2000}",
            Some("k"),
            "not readable as BibTeX: its braces do not balance",
        );
        check_unreadable(
            "@misc{k, title 5}",
            Some("k"),
            "not readable as BibTeX: expected equals",
        );
        check_unreadable("@misc{k, year = 2000}", Some("k"), "no title");
    }

    #[test]
    fn bibtex_is_told_by_its_entries() {
        for text in [
            "@article{k,\n  title = {x}}",
            "@comment{x}",
            "% Encoding: UTF-8\n\n@Misc(k, year=1)",
            "Export\nDATE: 12 May\n\n @ARTICLE{title = {x}}",
        ] {
            assert!(looks_like(text), "{text}");
        }
        for text in [
            "",
            "@media (max-width: 1px) { a = b }",
            "a,b\n@c,d",
            "@Test\nvoid f() {}",
            "mail me@x{",
        ] {
            assert!(!looks_like(text), "{text}");
        }
    }
}
