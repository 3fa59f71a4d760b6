//! What a digest shows, against a plain reading of the rule: every new paper is held against the whole
//! library and against everything that arrived lately, one by one.
//!
//! The libraries, what arrives and what is followed are random; embeddings are given, and lie near to
//! what is followed or not, whatever words the papers have.

use std::collections::BTreeSet;
use std::path::Path;

use akin::digest::{
    self, Delivery, Digest, DigestContext, DigestRequest, Earlier, Follow, Sending, Since,
};
use akin::encoder::{Encoder, EncoderOptions, ModelSource};
use akin::index::lexical::{Lexical, WordQuery};
use akin::index::{Index, IndexOptions};
use akin::ingest;
use akin::library::{Batch, Change, IngestCounts, Library, Writer};
use akin::paper::{Paper, PaperId};
use akin::progress::Unobserved;
use akin::search::Indexes;
use akin::vectors::{dot, normalize};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::sandbox::{is_full, library_of, tiny_model};
use akin_testing::Dice;

const WORDS: &[&str] = &[
    "quark", "lattice", "galaxy", "neuron", "protein", "graph", "plasma", "enzyme", "tensor",
    "virus", "magnet", "glacier",
];
const AUTHORS: &[&str] = &["Ada Lovelace", "Paul Dirac", "Emmy Noether"];
const CATEGORIES: &[&str] = &["cs.CL", "hep-ph", "math.NT"];
const OLD_DAY: Date = date(2026, 1, 1);
const NEW_DAY: Date = date(2026, 3, 14);

fn some<'a>(dice: &mut Dice, of: &[&'a str]) -> &'a str {
    of[dice.below(of.len())]
}

/// A paper with an embedding that is as near to `centre` as chance has it.
fn paper(dice: &mut Dice, number: usize, day: Date, centre: &[f32]) -> (Paper, Vec<f32>) {
    let text: Vec<&str> = (0..3 + dice.below(8)).map(|_| some(dice, WORDS)).collect();
    let id = PaperId::parse(&format!("p{number}")).unwrap();
    let title = format!("Study {number} of a {}", some(dice, WORDS));
    let mut paper = Paper::new(id, title, text.join(" "));
    paper.authors = vec![some(dice, AUTHORS).to_owned()];
    paper.categories = vec![some(dice, CATEGORIES).to_owned()];
    paper.listed = Some(day);
    paper.published = Some(day.into());
    let pull = [0.0, 0.0, 0.3, 1.0, 4.0][dice.below(5)];
    let mut vector = dice.direction(centre.len());
    vector
        .iter_mut()
        .zip(centre)
        .for_each(|(x, y)| *x += pull * y);
    normalize(&mut vector);
    (paper, vector)
}

fn random_follow(dice: &mut Dice, n_old: usize) -> Follow {
    let mut follow = Follow {
        name: "it".to_owned(),
        ..Follow::default()
    };
    match dice.below(5) {
        0 => follow.authors = vec![some(dice, AUTHORS).to_owned()],
        1 => {
            follow.like = vec![format!("p{}", dice.below(n_old))];
            if dice.below(2) == 0 {
                let not = format!("p{}", dice.below(n_old));
                follow.not.extend((not != follow.like[0]).then_some(not));
            }
        }
        2 => follow.query = Some(format!("+{}", some(dice, WORDS))),
        n => {
            let words: Vec<&str> = (0..1 + dice.below(3)).map(|_| some(dice, WORDS)).collect();
            let condition = match n {
                3 => String::new(),
                _ => format!(" -{}", some(dice, WORDS)),
            };
            follow.query = Some(words.join(" ") + &condition);
        }
    }
    if dice.below(3) == 0 {
        follow.categories = vec![some(dice, CATEGORIES).to_owned()];
    }
    if follow.target().is_some() {
        follow.min_percentile = [None, Some(90.0), Some(0.0), Some(99.0)][dice.below(4)];
    }
    follow.max = [None, Some(0), Some(3)][dice.below(3)];
    follow
}

/// What is asked for: shape `[dim]`, normalised; `None` where there are only conditions.
fn vector_of(follow: &Follow, encoder: &Encoder, library: &Library) -> Option<Vec<f32>> {
    let mut vector = match &follow.query {
        Some(query) => {
            let words = WordQuery::parse(query);
            (!words.text().trim().is_empty()).then(|| encoder.embed_query(words.text()).unwrap())?
        }
        None if follow.like.is_empty() => return None,
        None => {
            let of = |id: &String| embedding(library, id);
            let mut vector = of(&follow.like[0]);
            for away in follow.not.iter().map(of) {
                vector.iter_mut().zip(away).for_each(|(x, y)| *x -= 0.5 * y);
            }
            vector
        }
    };
    normalize(&mut vector);
    Some(vector)
}

fn embedding(library: &Library, id: &str) -> Vec<f32> {
    let row = library.find(id).unwrap().row.unwrap();
    library.rows().unwrap().vector(row).unwrap()
}

/// How many papers a share of the library is; never fewer than the ten closest.
fn rank_of(share: f64, n_papers: usize) -> usize {
    ((share * n_papers as f64).ceil() as usize)
        .max(10)
        .min(n_papers)
}

/// The score of the paper at a place, best first; of the last where there are fewer.
fn score_at(scores: &[f32], rank: usize) -> f32 {
    let mut scores = scores.to_vec();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores
        .get(rank - 1)
        .or(scores.last())
        .copied()
        .unwrap_or(f32::INFINITY)
}

/// A paper as the rule sees it.
struct Seen {
    paper: Paper,
    similarity: f32,
    word_score: f32,
}

/// The new papers that the rule admits, read plainly.
fn admitted(follow: &Follow, encoder: &Encoder, root: &Path) -> BTreeSet<String> {
    let library = Library::open(root).unwrap();
    let lexical = Lexical::open(&library.lexical_dir(), library.number().unwrap()).unwrap();
    let vector = vector_of(follow, encoder, &library);
    let words = WordQuery::parse(follow.query.as_deref().unwrap_or_default());
    let found = lexical
        .search(&words, library.ids().unwrap().len(), None)
        .unwrap();
    let of_id = |id: &PaperId| {
        let stored = library.find(id.as_str()).unwrap();
        let found = found.iter().find(|found| found.key == stored.key.0 as u64);
        let vector = vector.as_ref();
        Seen {
            similarity: vector.map_or(0.0, |v| dot(v, &embedding(&library, id.as_str())).min(1.0)),
            word_score: found.map_or(0.0, |found| found.score),
            paper: stored.paper,
        }
    };
    let all: Vec<Seen> = library.ids().unwrap().iter().map(of_id).collect();
    let percentile = follow.min_percentile.unwrap_or(99.5);
    let share = 1.0 - percentile / 100.0;
    let similarities: Vec<f32> = all.iter().map(|seen| seen.similarity).collect();
    let close = score_at(&similarities, rank_of(share, all.len()));
    let not_far = score_at(&similarities, rank_of(5.0 * share, all.len()));
    let word_scores: Vec<f32> = found.iter().map(|found| found.score).collect();
    let wordy = match follow.query {
        Some(_) => score_at(&word_scores, rank_of(share, all.len())),
        None => f32::INFINITY,
    };
    let is_recent = |seen: &&Seen| seen.paper.listed == Some(NEW_DAY);
    let recent: Vec<&Seen> = all.iter().filter(is_recent).collect();
    let is_close_lately = close_lately(share, &recent, follow.query.is_some());
    let is_admitted = |seen: &&Seen| {
        let has_words = seen.word_score > 0.0 && seen.word_score >= wordy;
        let is_close = seen.similarity >= close || (has_words && seen.similarity >= not_far);
        is_recent(seen)
            && passes(follow, &seen.paper)
            && (vector.is_none() || (is_close && is_close_lately(seen)))
    };
    let admitted = all.iter().filter(is_admitted);
    admitted.map(|seen| seen.paper.id.to_string()).collect()
}

/// Whether a paper is close among the recent ones: closer than the mirror image of their lower half,
/// or one of the closest, or by its words.
fn close_lately(share: f64, recent: &[&Seen], has_words: bool) -> impl Fn(&Seen) -> bool + use<> {
    let n = recent.len();
    let mut similarities: Vec<f32> = recent.iter().map(|seen| seen.similarity).collect();
    similarities.sort_by(f32::total_cmp);
    let lower = ((share * n as f64).ceil() as usize).max(1);
    // Of an even number of papers the lower of the middle two.
    let null = 2.0 * similarities[(n - 1) / 2] - similarities[lower - 1];
    let rank_of = |share| rank_of(share, n).max(n.min(50));
    let rank = rank_of(5.0 * share);
    let close = score_at(&similarities, rank);
    let not_far = score_at(&similarities, rank_of(25.0 * share));
    let word_scores: Vec<f32> = recent.iter().map(|seen| seen.word_score).collect();
    let mut word_scores: Vec<f32> = word_scores.into_iter().filter(|s| *s > 0.0).collect();
    word_scores.retain(|_| has_words);
    let wordy = score_at(&word_scores, rank);
    move |seen| {
        let by_words = seen.word_score > 0.0 && seen.word_score >= wordy;
        seen.similarity >= close.min(null) || (by_words && seen.similarity >= not_far)
    }
}

/// Whether a paper meets every condition.
fn passes(follow: &Follow, paper: &Paper) -> bool {
    let text = format!("{} {}", paper.title, paper.abstract_text);
    let query = follow.query.as_deref().unwrap_or_default();
    let has = |word: &str| text.split(' ').any(|other| other == word);
    query.split(' ').all(|part| match part.split_at_checked(1) {
        Some(("+", word)) => has(word),
        Some(("-", word)) => !has(word),
        _ => true,
    }) && (follow.authors.is_empty() || follow.authors.contains(&paper.authors[0]))
        && (follow.categories.is_empty() || follow.categories.contains(&paper.categories[0]))
}

fn store(root: &Path, writer: &mut Writer, papers: Vec<(Paper, Vec<f32>)>) {
    let change = |paper: Paper| Change {
        wants_embedding: true,
        ..Change::new(paper, Vec::new())
    };
    let (papers, embeddings): (Vec<Paper>, Vec<Vec<f32>>) = papers.into_iter().unzip();
    let batch = Batch {
        changes: papers.into_iter().map(change).collect(),
        ..Batch::default()
    };
    let run = writer.begin_ingest(&[]).unwrap();
    let counts = IngestCounts::default();
    writer.commit(&batch, &embeddings, (run, &counts)).unwrap();
    assert_eq!(writer.path(), root);
}

fn index(writer: &Writer) {
    ingest::build_index(writer, &IndexOptions::default(), &Unobserved).unwrap();
}

fn now() -> Timestamp {
    "2026-03-14T07:00:00Z".parse().unwrap()
}

fn compose(root: &Path, encoder: &Encoder, since: Since) -> Digest {
    let library = Library::open(root).unwrap();
    let index = Index::open(
        &library.index_dir().unwrap(),
        &library.index_mark().unwrap(),
        library.rows().unwrap(),
    );
    let lexical = Lexical::open(&library.lexical_dir(), library.number().unwrap()).unwrap();
    let indexes = Indexes {
        library: &library,
        index: &index,
        lexical: Ok(&lexical),
    };
    let desk = DigestContext::new(&indexes, Some(encoder), NEW_DAY).unwrap();
    let wanted = DigestRequest {
        reader: "",
        follows: library.follows().unwrap(),
        since,
        n_trending: 0,
        max: None,
        command: "akin digest",
        now: now(),
        time_zone: TimeZone::UTC,
        domain: "example.org",
    };
    digest::compose(&desk, &wanted).unwrap()
}

/// The papers that a digest tells of: shown, counted, folded into one of these, or named as not
/// shown.
fn told(digest: &Digest) -> BTreeSet<String> {
    let sections = digest.sections.iter();
    let entries = sections.flat_map(|section| section.entries.iter().chain(&section.more));
    let shown = entries.flat_map(|entry| {
        let folded = entry.folded.iter().map(|brief| brief.id.to_string());
        std::iter::once(entry.brief.id.to_string()).chain(folded)
    });
    let named = digest
        .notes
        .iter()
        .filter(|note| note.contains("not shown"));
    let named = named.flat_map(|note| note.rsplit(": ").next().unwrap().split(", "));
    shown.chain(named.map(str::to_owned)).collect()
}

fn check(dice: &mut Dice, encoder: &Encoder) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("library");
    let n_old = [3, 40, 200, 1200][dice.below(4)];
    let n_new = [1, 12, 60, 150][dice.below(4)];
    let follow = random_follow(dice, n_old);
    let text = follow
        .query
        .as_ref()
        .map(|query| WordQuery::parse(query).text().to_owned());
    let text = text.filter(|text| !text.trim().is_empty());
    let mut centre = encoder
        .embed_query(text.as_deref().unwrap_or("quark"))
        .unwrap();
    normalize(&mut centre);
    let mut papers = |range: std::ops::Range<usize>, day| -> Vec<(Paper, Vec<f32>)> {
        range
            .map(|number| paper(dice, number, day, &centre))
            .collect()
    };
    let old = papers(0..n_old, OLD_DAY);
    let mut new = papers(n_old..n_old + n_new, NEW_DAY);
    if n_new > 10 {
        // The same work twice, and one that is the work that may be followed.
        new[1].0.abstract_text = format!("{} {}", new[0].0.abstract_text, WORDS[0]);
        new[1].0.title = new[0].0.title.clone();
        new[1].1 = new[0].1.clone();
        new[2].0.title.clone_from(&old[0].0.title);
    }
    let mut writer = library_of(&root, old);
    writer
        .add_follow("it", &follow.definition(), now())
        .unwrap();
    store(&root, &mut writer, new);
    index(&writer);

    let expected = admitted(&follow, encoder, &root);
    let first = compose(&root, encoder, Since::Last);
    assert_eq!(
        told(&first),
        expected,
        "{follow:?}: {n_new} new beside {n_old}"
    );
    assert_eq!(first.body(), compose(&root, encoder, Since::Last).body());
    let by_day = compose(&root, encoder, Since::Day(NEW_DAY));
    assert_eq!(told(&by_day), expected, "{follow:?}, by day");
    assert_eq!(by_day.n_entries(), first.n_entries());
    let at_most = follow.max.unwrap_or(10);
    let n_entries = |digest: &Digest| digest.sections[0].entries.len();
    assert!(at_most == 0 || n_entries(&first) <= at_most);
    let n_more = first.sections[0].more.len();
    assert!(n_more == 0 || n_entries(&first) == at_most);

    // Shown once, by whichever way it is asked. What was only counted is not shown.
    let sending = Sending {
        now: now(),
        if_empty: false,
        one_at_a_time: false,
    };
    let since = || compose(&root, encoder, Since::Day(NEW_DAY));
    let mut send = |_: &Digest| Ok(());
    let sent = digest::deliver::<akin::Error>(&mut writer, "", &sending, || Ok(since()), &mut send);
    assert_eq!(sent.unwrap() == Delivery::Sent, !first.is_empty());
    let again = compose(&root, encoder, Since::Day(NEW_DAY))
        .sections
        .remove(0);
    let again = again.entries.iter().chain(&again.more);
    let again: BTreeSet<&PaperId> = again.map(|entry| &entry.brief.id).collect();
    let rest = by_day.sections[0].more.iter().map(|entry| &entry.brief.id);
    assert_eq!(again, rest.collect(), "{follow:?}");
    let library = Library::open(&root).unwrap();
    let all = digest::again(&library, "", Earlier::Last, &[], Some(0)).unwrap();
    assert_eq!(all.is_some(), !by_day.is_empty());
    if let Some(all) = all {
        assert_eq!(told(&all), told(&by_day));
        assert!(all.sections[0].more.is_empty());
    }
    expected.len()
}

fn tiny_encoder() -> Encoder {
    let model = ModelSource::Folder(tiny_model().into());
    Encoder::load(&model, &EncoderOptions::default()).unwrap()
}

#[test]
fn what_cannot_be_asked_for_yet_is_looked_at_again() {
    let encoder = tiny_encoder();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("library");
    let mut dice = Dice::new(1);
    let centre = encoder.embed_query("quark").unwrap();
    let old = (0..30)
        .map(|n| paper(&mut dice, n, OLD_DAY, &centre))
        .collect();
    let mut new: Vec<(Paper, Vec<f32>)> = (30..40)
        .map(|n| paper(&mut dice, n, NEW_DAY, &centre))
        .collect();
    "a quark".clone_into(&mut new[0].0.abstract_text);
    let mut writer = library_of(&root, old);
    index(&writer);
    let follow = Follow {
        name: "it".to_owned(),
        query: Some("+quark".to_owned()),
        min_percentile: Some(0.0),
        ..Follow::default()
    };
    writer
        .add_follow("it", &follow.definition(), now())
        .unwrap();
    // An `add` that was cut off before it came to the words.
    store(&root, &mut writer, new);
    let sending = Sending {
        now: now(),
        if_empty: true,
        one_at_a_time: false,
    };
    let mut shown = BTreeSet::new();
    for is_indexed in [false, true] {
        if is_indexed {
            index(&writer);
        }
        let compose = || Ok(compose(&root, &encoder, Since::Last));
        let mut send = |digest: &Digest| {
            let is_said = digest
                .notes
                .iter()
                .any(|note| note.contains("not indexed yet"));
            assert_eq!(is_said, !is_indexed, "{:?}", digest.notes);
            shown.extend(told(digest));
            Ok(())
        };
        digest::deliver::<akin::Error>(&mut writer, "", &sending, compose, &mut send).unwrap();
    }
    assert!(shown.contains("p30"));
    assert_eq!(shown, admitted(&follow, &encoder, &root));
}

#[test]
fn every_paper_that_the_rule_admits_is_shown_and_no_other() {
    let encoder = tiny_encoder();
    let n_libraries = if is_full() { 600 } else { 60 };
    let mut n_admitted = 0;
    for seed in 0..n_libraries {
        n_admitted += check(&mut Dice::new(seed), &encoder);
    }
    println!("{n_admitted} papers of {n_libraries} libraries are shown as the rule has it");
    assert!(n_admitted > 5 * n_libraries as usize, "{n_admitted}");
}
