//! Round trips: what is written, akin reads back.
//!
//! In: the samples of every format of dumps, and papers of arbitrary text. Out: that each format gives the
//! same records again, as far as it has fields for them.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use akin_base::paper::{Paper, PaperId, PartialDate};
use akin_dump::{Dump, Format, Item, ReadOptions, Source};
use proptest::prelude::*;

use crate::{ExportFormat, PaperWriter};

/// What must be the same after a round trip.
#[derive(Debug, PartialEq)]
struct Kept {
    /// Ids that name a work anywhere.
    ids: BTreeSet<String>,
    /// The id, if there is no such one; its file is another one.
    own_id: Option<String>,
    title: String,
    abstract_text: String,
    authors: Vec<String>,
    date: Option<String>,
    journal: Option<String>,
    volume: Option<String>,
    categories: Vec<String>,
}

impl Kept {
    fn of(paper: &Paper) -> Kept {
        let ids = || std::iter::once(&paper.id).chain(&paper.aliases);
        let known: BTreeSet<String> = ids()
            .filter(|id| id.kind().is_some())
            .map(|id| id.as_str().to_owned())
            .collect();
        let has_own = known.is_empty();
        Kept {
            own_id: has_own.then(|| paper.id.to_string()),
            ids: known,
            title: paper.title.clone(),
            abstract_text: paper.abstract_text.clone(),
            authors: paper.authors.clone(),
            date: paper.date().map(|date| date.to_string()),
            journal: paper.journal.clone(),
            volume: paper.volume.clone(),
            categories: paper.categories.clone(),
        }
    }
}

impl Kept {
    /// The same without an id that the format cannot keep, or that the file gave to a paper without one.
    fn in_format(mut self, format: ExportFormat, paper: &Paper) -> Kept {
        let has_own = !paper.id.is_made() && (format != ExportFormat::Bibtex || is_key(&paper.id));
        self.own_id = self.own_id.filter(|_| has_own);
        self
    }
}

/// Whether an id can be a citation key.
fn is_key(id: &PaperId) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_:.+/-".contains(c);
    id.to_string().chars().all(is_plain)
}

fn written(format: ExportFormat, papers: &[Paper]) -> Vec<u8> {
    let mut writer = PaperWriter::new(format, Vec::new(), &[]).unwrap();
    for paper in papers {
        writer.write(paper).unwrap();
    }
    writer.finish().unwrap()
}

fn read(format: ExportFormat, bytes: Vec<u8>) -> Vec<Paper> {
    let name = format!("out.{}", format.name());
    let dump = Dump::from_reader(&name, Box::new(Cursor::new(bytes)), &ReadOptions::default());
    let dump = dump.unwrap_or_else(|error| panic!("{format:?}: {error}"));
    assert_eq!(dump.format().name(), format.name());
    dump.map(|item| item.unwrap().into_paper().unwrap())
        .collect()
}

/// The papers of a dump, each once by its id.
fn papers_of(path: &Path) -> Vec<Paper> {
    let mut met = BTreeSet::new();
    let sources = Source::from_arg(path).expanded().unwrap();
    let mut papers = Vec::new();
    for source in sources {
        let Ok(dump) = Dump::open(&source, &ReadOptions::default()) else {
            continue;
        };
        let items = dump.filter_map(Result::ok).filter_map(Item::into_paper);
        papers.extend(items.filter(|paper| met.insert(paper.id.to_string())));
    }
    papers
}

#[track_caller]
fn check(format: ExportFormat, papers: &[Paper]) {
    let bytes = written(format, papers);
    let text = String::from_utf8(bytes.clone()).unwrap();
    let back = read(format, bytes);
    assert_eq!(back.len(), papers.len(), "{format:?}\n{text}");
    let mut differences = Vec::new();
    for (paper, again) in papers.iter().zip(&back) {
        let kept = |one: &Paper| Kept::of(one).in_format(format, paper);
        let (paper, again) = (kept(paper), kept(again));
        if paper != again {
            differences.push(difference(&paper, &again));
        }
    }
    assert!(
        differences.is_empty(),
        "{format:?}: {} differ\n{}",
        differences.len(),
        differences[..differences.len().min(9)].join("\n")
    );
    if format == ExportFormat::Json {
        for (paper, again) in papers.iter().zip(back) {
            assert_eq!(
                without_collections(again),
                without_collections(paper.clone())
            );
        }
    }
}

/// The first lines in which two differ.
fn difference(one: &Kept, other: &Kept) -> String {
    let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
    let mut lines = one.lines().zip(other.lines());
    let found = lines.find(|(one, other)| one != other);
    let (one, other) = found.unwrap_or_default();
    format!("{one}\n{other}")
}

/// A paper with its local ids as they are shown: their collection is that of the file.
fn without_collections(mut paper: Paper) -> Paper {
    for id in std::iter::once(&mut paper.id).chain(&mut paper.aliases) {
        let shown = id.qualified().rsplit('#').next().unwrap_or_default();
        *id = PaperId::from_stored(shown);
    }
    paper
}

fn samples() -> Vec<PathBuf> {
    ["arxiv-1000.jsonl", "formats"]
        .map(akin_testing::data)
        .into()
}

#[test]
fn every_format_gives_the_samples_back() {
    let papers: Vec<Paper> = samples().iter().flat_map(|path| papers_of(path)).collect();
    assert!(papers.len() > 1000, "{} papers", papers.len());
    for format in ExportFormat::ALL {
        check(format, &papers);
    }
}

/// A paper with something hard in every field.
fn hard() -> Paper {
    let id = PaperId::parse("10.1002/(SICI)1097<1::AID-X>3.0.CO;2-#").unwrap();
    let mut paper = Paper::new(
        id,
        "=GPU \"quotes\" & {braces} of $E_0 = \\hbar$: 50% of a_b, z~2, 10^3 <= $5; naïve Erdős 語",
        "We show that x < y & y > z. Costs #1: {a} and [0, 1} in \\mathbb{R}; \u{1F44D}",
    );
    let alias = |id: &str| PaperId::parse(id).unwrap();
    paper.aliases = [
        "2503.11731",
        "pmid:11472636",
        "PMC35282",
        "W2741809807",
        "corpusid:77490025",
        "2020.coling-main.1",
    ]
    .map(alias)
    .into();
    paper.authors = [
        "Ludwig van Beethoven",
        "Martin Luther King Jr.",
        "Plato",
        "World Health Organization",
        "J.-P. O'Neil",
        "王 小明",
        "Ana De Souza",
        "Kurt Gödel",
    ]
    .map(str::to_owned)
    .into();
    paper.categories = ["Physics, Multidisciplinary", "cs.LG"]
        .map(str::to_owned)
        .into();
    paper.published = Some("2024-05-17".parse().unwrap());
    paper.journal = Some("Annals of R&D".to_owned());
    paper.volume = Some("12_3".to_owned());
    paper.comment = Some("12 pages, 3 figures".to_owned());
    paper
}

#[test]
fn every_format_gives_hard_papers_back() {
    let mut alone = hard();
    alone.authors = vec!["Ada Lovelace".to_owned()];
    alone.categories = vec!["Physics, General".to_owned()];
    alone.published = Some("2024".parse().unwrap());
    alone.title = "-omics".to_owned();
    alone.id = PaperId::parse("10.1000/other").unwrap();
    alone.aliases.clear();
    let mut bare = Paper::new(PaperId::local("x.csv", "lovelace1843"), "@home < 'tis", "");
    bare.authors = vec!["Barnes and Noble Inc".to_owned()];
    for format in ExportFormat::ALL {
        check(format, &[hard(), alone.clone(), bare.clone()]);
    }
}

#[test]
fn nothing_is_a_file_that_is_read() {
    for format in ExportFormat::ALL {
        let text = String::from_utf8(written(format, &[])).unwrap();
        let expected = match format {
            ExportFormat::CslJson => "[\n]\n",
            ExportFormat::Csv => "id,title,",
            ExportFormat::Bibtex => "% written by akin",
            ExportFormat::Ris | ExportFormat::Json => "",
        };
        assert!(text.starts_with(expected), "{format:?}: {text}");
    }
}

#[test]
fn a_file_shows_that_akin_wrote_it() {
    for format in ExportFormat::ALL {
        for papers in [&[hard()][..], &[hard(), hard()]] {
            let text = String::from_utf8(written(format, papers)).unwrap();
            assert!(format.is_own(&text), "{text}");
            let others = ExportFormat::ALL
                .into_iter()
                .filter(|other| *other != format);
            assert!(
                others.into_iter().all(|other| !other.is_own(&text)),
                "{text}"
            );
        }
        assert!(!format.is_own("@article{k,\n  title = {x}}\n"));
        assert!(!format.is_own("id,title\n"));
    }
}

#[test]
fn a_header_is_comment_in_bibtex() {
    let header = ["akin 0.1.0".to_owned(), "query: mail@x{ 100 %".to_owned()];
    let mut writer = PaperWriter::new(ExportFormat::Bibtex, Vec::new(), &header).unwrap();
    writer.write(&hard()).unwrap();
    let bytes = writer.finish().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let expected = "% written by akin 0.1.0\n% akin 0.1.0\n% query: mail(at)x{ 100 %\n\n@article{";
    assert!(text.starts_with(expected), "{text}");
    let back = read(ExportFormat::Bibtex, bytes);
    assert_eq!(Kept::of(&back[0]), Kept::of(&hard()));
}

/// A text as a library holds it: cleaned until nothing changes. `None` if nothing is left.
fn settled(paper: &Paper) -> Option<Paper> {
    let mut paper = paper.clone();
    for _ in 0..4 {
        let line = serde_json::json!({
            "id": paper.id.to_string(),
            "title": paper.title,
            "abstract": paper.abstract_text,
            "authors": paper.authors.iter().map(|name| serde_json::json!({"literal": name})).collect::<Vec<_>>(),
            "categories": paper.categories,
            "journal": paper.journal,
            "published": paper.published.map(|date| date.to_string()),
        });
        let bytes = Cursor::new(line.to_string().into_bytes());
        let options = ReadOptions {
            format: Format::from_name("json"),
            ..ReadOptions::default()
        };
        let mut dump = Dump::from_reader("in.jsonl", Box::new(bytes), &options).ok()?;
        let again = dump.next()?.ok()?.into_paper()?;
        let is_same = Kept::of(&again) == Kept::of(&paper);
        paper = again;
        if is_same {
            paper.raw = None;
            return Some(paper);
        }
    }
    None
}

/// Words with what means something to a format.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-zA-Z0-9]{1,8}",
        "[=+@'\"-][a-z]{1,4}",
        Just("AT&T".to_owned()),
        Just("&".to_owned()),
        Just("50%".to_owned()),
        Just("a_b".to_owned()),
        Just("#1".to_owned()),
        Just("10^3".to_owned()),
        Just("z~2".to_owned()),
        Just("$x_1^2$".to_owned()),
        Just("$5".to_owned()),
        Just("{GPU}".to_owned()),
        Just("[0,".to_owned()),
        Just("1}".to_owned()),
        Just("x<y".to_owned()),
        Just("\\mathbb{R}".to_owned()),
        Just("O'Neil".to_owned()),
        Just("\"so\"".to_owned()),
        Just("a;b,".to_owned()),
        Just("x/y".to_owned()),
        "\\PC{1,6}",
    ];
    prop::collection::vec(word, 1..8).prop_map(|words| words.join(" "))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-z]{2,8} [A-Z][a-z]{2,8}",
        "[A-Z]\\. [A-Z]\\. [A-Z][a-zéüø]{2,8}",
        "[A-Z][a-z]{2,8} (van|de|von der) [A-Z][a-z]{3,8}",
        "[A-Z][a-z]{2,8} [A-Z][a-z]{2,8} (Jr\\.|III)",
        "[A-Z][a-z]{2,8} [A-Z][a-z]{2,6}-[A-Z][a-z]{2,6}",
        "The [A-Z][a-z]{2,8} Collaboration",
    ]
}

prop_compose! {
    fn any_paper()(
        title in text(), abstract_text in text(), authors in prop::collection::vec(name(), 0..4),
        categories in prop::collection::vec("[a-z]{2,6}\\.[A-Z]{2}|[A-Z][a-z]{3,9} [a-z]{3,9}", 0..3),
        journal in prop::option::of("[A-Z][a-z]{3,9} of [A-Z][a-z]{3,9} & [A-Z]{2}"),
        day in prop::option::of((1900i16..2030, prop::option::of(1i8..13), prop::option::of(1i8..29))), n in 0u32..1_000_000,
    ) -> Paper {
        let mut paper = Paper::new(PaperId::parse(&format!("10.1000/{n}")).unwrap(), title, abstract_text);
        paper.authors = authors;
        paper.categories = categories;
        paper.journal = journal;
        paper.published = day.map(|(year, month, day)| PartialDate::new(year, month, day).unwrap());
        paper
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_format_gives_any_paper_back(paper in any_paper()) {
        let settled = settled(&paper);
        prop_assume!(settled.is_some());
        let paper = settled.unwrap();
        for format in ExportFormat::ALL {
            let back = read(format, written(format, std::slice::from_ref(&paper)));
            prop_assert_eq!(back.len(), 1);
            prop_assert_eq!(Kept::of(&back[0]), Kept::of(&paper), "{:?}", format);
        }
    }

    #[test]
    fn no_cell_is_a_formula(paper in any_paper()) {
        let bytes = written(ExportFormat::Csv, &[paper]);
        let mut rows = csv::Reader::from_reader(&bytes[..]);
        for cell in rows.records().next().unwrap().unwrap().iter() {
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
        }
    }
}
