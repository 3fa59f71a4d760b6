//! The lexical index as a whole: built, asked, changed, damaged.

use fixedbitset::FixedBitSet;
use tempfile::TempDir;

use super::*;

const PAPERS: &[(u64, &str, &str, &str, &str)] = &[
    (
        1,
        "Attention is all you need",
        "Transformers without recurrence.",
        "Ashish Vaswani",
        "cs.CL",
    ),
    (
        2,
        "GPT-4 technical report",
        "A large transformer. Attention everywhere.",
        "Open AI",
        "cs.CL",
    ),
    (
        4,
        "TiO2 surfaces",
        "Photocatalysis on TiO2 and its attention.",
        "Jürgen Young",
        "cond-mat.mtrl-sci",
    ),
    (
        9,
        "NF-κB signalling",
        "The p53 pathway in cells.",
        "Ada Vaswani Young",
        "q-bio.MN",
    ),
    (
        30,
        "Residual streams",
        "In-context learning of residual streams, young and old.",
        "C. Olsson",
        "cs.LG",
    ),
];

fn document<'a>(
    (key, title, text): (u64, &'a str, &'a str),
    (authors, categories): (&'a [String], &'a [String]),
    id: &'a str,
) -> Document<'a> {
    Document {
        key,
        stamp: key as u32 + 100,
        title,
        abstract_text: text,
        authors,
        categories,
        ids: vec![id],
    }
}

fn add_all(writer: &mut LexicalWriter) {
    for (key, title, text, author, category) in PAPERS {
        let (authors, categories) = ([(*author).to_owned()], [(*category).to_owned()]);
        let id = format!("2401.0000{key}");
        let document = document((*key, title, text), (&authors, &categories), &id);
        writer.add(&document).unwrap();
    }
}

fn at(changes: u64) -> LexicalState {
    LexicalState { changes, mark: -3 }
}

fn shelf() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = LexicalWriter::create(&dir.path().join("lexical"), 5).unwrap();
    add_all(&mut writer);
    writer.commit(at(7)).unwrap();
    dir
}

fn open(dir: &TempDir) -> Lexical {
    Lexical::open(&dir.path().join("lexical"), 5).unwrap()
}

fn found(lexical: &Lexical, question: &str) -> Vec<u64> {
    let query = WordQuery::parse(question);
    let matches = lexical.search(&query, 10, None).unwrap();
    matches.iter().map(|found| found.key).collect()
}

#[track_caller]
fn check(question: &str, expected: &[u64]) {
    let dir = shelf();
    let mut keys = found(&open(&dir), question);
    keys.sort_unstable();
    assert_eq!(keys, expected, "{question}");
}

#[test]
fn words_find_the_papers_that_have_them() {
    check("transformer", &[1, 2]);
    check("TIO2", &[4]);
    check("gpt4", &[2]);
    check("gpt 4", &[2]);
    check("NF-kappaB or p53", &[9]);
    check("nothing of the kind", &[]);
    check("the", &[]);
    check("", &[]);
}

#[test]
fn names_find_authors_unless_they_are_words_of_texts() {
    check("vaswani", &[1, 9]);
    check("jurgen", &[4]);
    let dir = shelf();
    assert_eq!(found(&open(&dir), "young")[0], 30, "its text has the word");
}

#[test]
fn conditions_are_held() {
    check("attention -gpt", &[1, 4]);
    check("attention +transformers", &[1, 2]);
    check("attention cat:cs", &[1, 2]);
    check("cat:cs", &[1, 2, 30]);
    check("attention cat:cond-mat.mtrl-sci", &[4]);
    check("attention -cat:cs.CL", &[4]);
    check("-cat:cs.CL", &[4, 9, 30]);
    check("title:attention", &[1]);
    // Authors are for the library to hold.
    check("author:vaswani attention", &[1, 2, 4]);
    check("author:vaswani", &[1, 2, 4, 9, 30]);
    check("id:2401.00004", &[4]);
    check("id:arXiv:2401.00004v3 id:2401.00009", &[4, 9]);
    check("\"residual streams\"", &[30]);
    check("+\"streams residual\"", &[]);
    check("+in-context", &[30]);
    check("+\"attention is all you need\"", &[1]);
    check("+\"need is all you attention\"", &[]);
}

#[test]
fn scores_are_those_of_bm25_and_the_same_however_asked() {
    let dir = shelf();
    let lexical = open(&dir);
    let query = WordQuery::parse("attention transformers");
    let matches = lexical.search(&query, 10, None).unwrap();
    assert!(matches.is_sorted_by(|a, b| a.score >= b.score));
    assert!(
        matches
            .iter()
            .all(|found| u64::from(found.stamp) == found.key + 100)
    );
    let keys: Vec<u64> = matches
        .iter()
        .map(|found| found.key)
        .chain([9, 77])
        .collect();
    let scores = lexical.scores(&query, &keys).unwrap();
    let expected: Vec<f32> = matches
        .iter()
        .map(|found| found.score)
        .chain([0.0, 0.0])
        .collect();
    assert_eq!(scores, expected);
    // "photocatalysis" is in one of five papers: 7 terms where 8 are the mean.
    let one = lexical
        .search(&WordQuery::parse("photocatalysis"), 10, None)
        .unwrap()[0];
    let n_terms = |text: &str| terms::terms(text).count() as f32;
    let lengths: Vec<f32> = PAPERS.iter().map(|p| n_terms(p.1) + n_terms(p.2)).collect();
    let mean = lengths.iter().sum::<f32>() / 5.0;
    let idf = (1.0f32 + (5.0 - 1.0 + 0.5) / (1.0 + 0.5)).ln();
    let bm25 = idf * 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * lengths[2] / mean));
    assert!(
        (one.score - bm25).abs() < 1e-4,
        "{} is not {bm25}",
        one.score
    );
}

#[test]
fn filters_and_k_are_exact() {
    let dir = shelf();
    let lexical = open(&dir);
    let query = WordQuery::parse("attention");
    let all = lexical.search(&query, 10, None).unwrap();
    for k in 0..4 {
        assert_eq!(lexical.search(&query, k, None).unwrap(), all[..k.min(3)]);
    }
    let allowed: FixedBitSet = [2usize, 4].into_iter().collect();
    let some = lexical.search(&query, 10, Some(&allowed)).unwrap();
    let expected: Vec<LexicalMatch> = all.into_iter().filter(|found| found.key != 1).collect();
    assert_eq!(some, expected);
}

#[test]
fn changes_are_found_after_a_commit_and_not_before() {
    let dir = shelf();
    let before = open(&dir);
    let mut writer = LexicalWriter::open_or_create(&dir.path().join("lexical"), 5).unwrap();
    assert_eq!((writer.state(), writer.stamps()[&9]), (Some(at(7)), 109));
    writer.remove(1);
    let changed = document((2, "Cats", "No more."), (&[], &[]), "x");
    writer.add(&changed).unwrap();
    assert_eq!(found(&open(&dir), "attention").len(), 3);
    writer.commit(at(8)).unwrap();
    let after = open(&dir);
    assert_eq!((after.state(), after.n_papers()), (at(8), 4));
    assert_eq!(found(&after, "attention"), [4]);
    assert_eq!(found(&after, "cats"), [2]);
    assert_eq!(
        found(&before, "attention").len(),
        3,
        "a reader sees one state"
    );
    // What is not committed is not there.
    let mut writer = LexicalWriter::open_or_create(&dir.path().join("lexical"), 5).unwrap();
    writer.remove(2);
    drop(writer);
    assert_eq!(found(&open(&dir), "cats"), [2]);
    after.verify().unwrap();
}

#[test]
fn damage_is_never_believed_and_an_index_in_doubt_is_begun_anew() {
    let dir = shelf();
    let path = dir.path().join("lexical");
    let truth = open(&dir);
    let questions = [
        "attention",
        "vaswani",
        "\"residual streams\"",
        "cat:cs",
        "-gpt transformer",
    ];
    let answers = |lexical: &Lexical| -> Vec<std::result::Result<Vec<LexicalMatch>, LexicalDoubt>> {
        questions
            .iter()
            .map(|q| lexical.search(&WordQuery::parse(q), 10, None))
            .collect()
    };
    let expected = answers(&truth);
    let mut n_found = 0;
    for entry in fs::read_dir(&path).unwrap() {
        let file = entry.unwrap().path();
        let good = fs::read(&file).unwrap();
        let steps = (good.len() / 60).max(1);
        for at in (0..good.len()).step_by(steps) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            for bad in [&bad[..], &good[..at]] {
                fs::write(&file, bad).unwrap();
                let Ok(lexical) = Lexical::open(&path, 5) else {
                    n_found += 1;
                    continue;
                };
                for (said, right) in answers(&lexical).iter().zip(&expected) {
                    assert!(
                        said.is_err() || said == right,
                        "{}, byte {at}",
                        file.display()
                    );
                }
                n_found += usize::from(lexical.verify().is_err());
            }
        }
        fs::write(&file, good).unwrap();
    }
    assert!(n_found > 200, "{n_found} were found");
    let meta = fs::read(path.join("meta.json")).unwrap();
    fs::write(path.join("meta.json"), &meta[..meta.len() - 1]).unwrap();
    let writer = LexicalWriter::open_or_create(&path, 5).unwrap();
    assert_eq!((writer.state(), writer.stamps().len()), (None, 0));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_file_that_is_missing_or_of_another_index_is_never_believed() {
    let (dir, other) = (shelf(), tempfile::tempdir().unwrap());
    let path = dir.path().join("lexical");
    // The same lengths, in another order.
    let mut writer = LexicalWriter::create(other.path(), 5).unwrap();
    for (place, (key, ..)) in PAPERS.iter().enumerate() {
        let (_, title, text, author, category) = PAPERS[PAPERS.len() - 1 - place];
        let (authors, categories) = ([author.to_owned()], [category.to_owned()]);
        let id = format!("2401.0000{key}");
        writer
            .add(&document((*key, title, text), (&authors, &categories), &id))
            .unwrap();
    }
    writer.commit(at(7)).unwrap();
    let of_kind = |folder: &Path, extension: &str| {
        let mut files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files.find(|file| file.extension().is_some_and(|e| e == extension))
    };
    let mut n_tried = 0;
    for extension in ["idx", "pos", "term", "fast", "fieldnorm", "store"] {
        let Some(file) = of_kind(&path, extension) else {
            continue;
        };
        let foreign = fs::read(of_kind(other.path(), extension).unwrap()).unwrap();
        let good = fs::read(&file).unwrap();
        for harm in [None, Some(&foreign), Some(&Vec::new())] {
            match harm {
                None => fs::remove_file(&file).unwrap(),
                Some(bytes) if *bytes == good => continue,
                Some(bytes) => fs::write(&file, bytes).unwrap(),
            }
            let said = Lexical::open(&path, 5).unwrap_err().to_string();
            assert!(said.contains(extension), "{extension}: {said}");
            let copied = tempfile::tempdir().unwrap();
            copy(&path, copied.path());
            let writer = LexicalWriter::open_or_create(copied.path(), 5).unwrap();
            assert_eq!(writer.state(), None, "{extension} is begun again");
            fs::write(&file, &good).unwrap();
            n_tried += 1;
        }
    }
    assert!(n_tried >= 15, "{n_tried}");
    assert!(open(&dir).verify().is_ok());
    assert!(
        Lexical::open(&path, 6)
            .unwrap_err()
            .to_string()
            .contains("another library")
    );
    assert_eq!(
        LexicalWriter::open_or_create(&path, 6).unwrap().state(),
        None
    );
}

#[test]
fn what_a_cut_off_commit_leaves_is_in_nobodys_way() {
    // A commit that only deletes writes `….del`; killed before `meta.json` is replaced, it leaves it.
    let dir = shelf();
    let path = dir.path().join("lexical");
    let before = tempfile::tempdir().unwrap();
    copy(&path, before.path());
    let change = |folder: &Path| {
        let mut writer = LexicalWriter::open_or_create(folder, 5).unwrap();
        assert_eq!(writer.state(), Some(at(7)), "nothing speaks against it");
        writer.remove(1);
        writer.remove(4);
        writer.commit(at(8)).unwrap();
    };
    change(&path);
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let after = names(&path);
    assert!(after.iter().any(|name| name.ends_with(".del")), "{after:?}");
    for name in after
        .iter()
        .filter(|name| !before.path().join(name).exists())
    {
        for bytes in [
            fs::read(path.join(name)).unwrap(),
            b"torn".to_vec(),
            Vec::new(),
        ] {
            let cut = tempfile::tempdir().unwrap();
            copy(before.path(), cut.path());
            fs::write(cut.path().join(name), bytes).unwrap();
            fs::write(cut.path().join(".abc.unfinished"), "x").unwrap();
            Lexical::open(cut.path(), 5).unwrap().verify().unwrap();
            change(cut.path());
            assert_eq!(names(cut.path()), after, "{name}");
            assert_eq!(
                found(&Lexical::open(cut.path(), 5).unwrap(), "attention"),
                [2]
            );
        }
    }
}

#[test]
fn an_index_from_before_files_were_sealed_is_read_and_built_again_by_a_writer() {
    let dir = shelf();
    let path = dir.path().join("lexical");
    let bytes = fs::read(path.join("meta.json")).unwrap();
    let (_, text) = manifest::SealManifest::and_text(&bytes[4..]).unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let old = r#"{\"format\":1,\"state\":7}"#;
    let start = text.find(r#"{\"format\""#).unwrap();
    let end = start + text[start..].find('}').unwrap() + 1;
    let text = [&text[..start], old, &text[end..]].concat();
    let sum = crc32fast::hash(text.as_bytes()).to_le_bytes();
    fs::write(path.join("meta.json"), [&sum, text.as_bytes()].concat()).unwrap();
    assert_eq!(found(&open(&dir), "photocatalysis"), [4]);
    assert_eq!(
        LexicalWriter::open_or_create(&path, 5).unwrap().state(),
        None
    );
}

#[test]
fn shared_words_stand_as_in_the_text_and_the_rarest_comes_first() {
    let dir = shelf();
    let rarities = open(&dir)
        .rarities(&WordQuery::parse("attention of GPT-4 photocatalysis"))
        .unwrap();
    let text = "Attention! Photocatalysis by GPT-4 and attention";
    assert_eq!(
        rarities.shared(text, 9),
        ["Photocatalysis", "GPT-4", "Attention"]
    );
    assert_eq!(rarities.shared(text, 1), ["Photocatalysis"]);
    assert!(rarities.overlap(text) > rarities.overlap("attention"));
    assert_eq!(rarities.overlap("nothing"), 0.0);
}

#[test]
fn words_that_no_paper_has_are_near_to_terms_that_some_have() {
    let dir = shelf();
    let lexical = open(&dir);
    let unknown = |question: &str| lexical.unknown_words(&WordQuery::parse(question)).unwrap();
    let question = "Atention to Transformers vaswani GPT-5 2026 p54 wth xylophones, atention";
    assert_eq!(unknown(question), ["atention", "xylophones"]);
    assert_eq!(unknown("+atention -xylophones author:nobody"), ["atention"]);
    assert_eq!(unknown(""), [""; 0]);
    let check = |word: &str, term: &str, n_papers: u64| {
        let near = lexical.terms_near(word).unwrap();
        let found = near.iter().find(|near| near.term == term);
        let found = found.unwrap_or_else(|| panic!("{word}: {near:?}"));
        assert_eq!(found.n_papers, n_papers, "{word}");
        assert_eq!(found.keys.len(), n_papers as usize, "{word}");
    };
    check("atention", "attent", 3);
    check("attentoin", "attent", 3);
    check("transfomers", "transform", 2);
    check("recurrances", "recurr", 1);
    for nothing in ["dog", "p53", "xylophones", "", "ünlike"] {
        assert_eq!(lexical.terms_near(nothing).unwrap(), [], "{nothing}");
    }
    let forms = spellings("Attention! Attending to attentions, attention.", "attent");
    assert_eq!(
        forms.into_iter().collect::<Vec<_>>(),
        ["attention", "attentions"]
    );
}

#[test]
fn titles_are_scored_by_the_rarity_of_the_words_that_they_have() {
    let dir = shelf();
    let lexical = open(&dir);
    let score = |question: &str| {
        let query = WordQuery::of_text(question);
        lexical.title_scores(&query, &[1, 2, 4, 30, 77]).unwrap()
    };
    // Of five papers three have "attention", one has "residual".
    let (attention, residual) = ((1.0f32 + 5.0 / 3.0).ln(), 6.0f32.ln());
    assert_eq!(score("attention"), [attention, 0.0, 0.0, 0.0, 0.0]);
    let both = score("attention residual attention");
    assert_eq!(both, [2.0 * attention, 0.0, 0.0, residual, 0.0]);
    assert_eq!(score("of nothing"), [0.0; 5]);
}
