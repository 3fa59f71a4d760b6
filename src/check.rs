//! From a library to what is wrong with it, and to its mending.
//!
//! ```text
//! library ──► truth and rows ──► indexes, every byte ──► found by itself? recall@10 ──► report
//! report ──► leftovers deleted; columns, lost embeddings, the index made anew ──► repairs
//! ```
//!
//! In: an open [`Library`]; to repair it, its [`Writer`]. Out: a [`CheckReport`], as data.
//!
//! Invariants: [`run`] changes nothing. [`repair`] deletes only what akin made and can make again,
//! and only embeddings that are unusable. Rows that are damaged are named once and left out of all
//! that is measured.

use std::collections::HashMap;
use std::fs;

use fixedbitset::FixedBitSet;
use rayon::prelude::*;

use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::index::lexical::Lexical;
use crate::index::{Index, IndexOptions, IndexStats, Mode, Neighbor, SearchOptions};
use crate::library::{
    Fault, Filter, Finding, Findings, Library, LostCommits, Orphan, PaperKey, Writer,
};
use crate::paper::PaperId;
use crate::progress::{Observer, Stage};
use crate::vectors::{self, Row};
use crate::{ingest, space};

/// Papers by which recall is measured.
const RECALL_SAMPLE: usize = 1000;

/// Papers that are searched for between two questions whether to stop.
const STEP_PAPERS: usize = 4096;

/// Number of neighbours that are compared.
const K: usize = 10;

/// Tolerance below a row's own similarity for the rows found in its place. The codes of a graph
/// cannot tell rows apart that are this near, and of thousands of them a walk visits only some.
const TWIN_SIMILARITY: f32 = 2e-3;

/// How far two similarities of the same pair may be apart: they are summed in another order.
const SAME_SIMILARITY: f32 = 1e-5;

/// What a check came to.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// What is wrong with the library's truth and rows.
    pub library: Findings,
    /// Why parts of the index are not to be trusted: one sentence each, with the file.
    pub doubts: Vec<String>,
    /// Whether it is not known how close papers are by chance, though there are enough of them.
    pub lacks_background: bool,
    /// Why the lexical index is not to be trusted.
    pub lexical_doubt: Option<String>,
    /// Papers in the lexical index, and papers that are not in it as they are now: they have not been
    /// put in yet.
    pub n_words: (u64, u64),
    /// How large the index is.
    pub index: IndexStats,
    /// Papers that were searched for by their own vectors.
    pub n_sampled: usize,
    /// Those of them that were not found.
    pub lost: Vec<PaperId>,
    /// The share of the ten nearest papers that the graph finds; `None` if there is no graph.
    pub recall_at_10: Option<f64>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.library.list.is_empty() && !self.needs_index() && self.lexical_doubt.is_none()
    }

    /// Whether papers have lost their embeddings, or never had one.
    fn lacks_embeddings(&self) -> bool {
        self.library.n_unembedded > 0 || self.library.list.iter().any(Finding::wants_embedding)
    }

    /// Whether columns differ from their records.
    fn has_wrong_columns(&self) -> bool {
        let is_column = |finding: &Finding| matches!(finding.fault, Fault::Column { .. });
        self.library.list.iter().any(is_column)
    }

    /// Whether the index is in doubt.
    fn needs_index(&self) -> bool {
        !self.doubts.is_empty() || !self.lost.is_empty()
    }
}

/// What was done to a library.
#[derive(Debug, Default)]
pub struct Repairs {
    /// What akin had left behind, now deleted.
    pub removed: Vec<Orphan>,
    /// Papers whose columns differed from their records and were rebuilt from them.
    pub n_columns: u64,
    /// Commits that were lost for good; now the library is accepted as it is.
    pub lost_commits: Option<LostCommits>,
    /// Whether it was found out how close papers are by chance.
    pub made_background: bool,
    /// Papers whose embeddings were lost and computed again.
    pub n_embedded: u64,
    /// Why they were not, if the model could not be loaded.
    pub not_embedded: Option<Error>,
    /// Whether the index was rebuilt.
    pub rebuilt_index: bool,
    /// Papers whose words were indexed, or taken out of the index.
    pub n_words: u64,
}

impl Repairs {
    /// Whether there was anything to do.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty()
            && self.n_columns == 0
            && self.lost_commits.is_none()
            && !self.made_background
            && self.n_embedded == 0
            && !self.rebuilt_index
            && self.n_words == 0
    }
}

/// Proves a library whole, as far as reading can. Every paper is searched for by its own vector, or
/// only `sample` of them. `writer` is the caller's own, if it has one: files that others are
/// writing at this moment are not leftovers.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop; as [`Library::check`] and
/// [`Index::search`].
pub fn run(
    library: &Library,
    writer: Option<&Writer>,
    sample: Option<usize>,
    observer: &dyn Observer,
) -> Result<CheckReport> {
    let checked = match writer {
        Some(writer) => writer.check(observer)?,
        None => library.check(observer)?,
    };
    let mut report = CheckReport {
        library: checked,
        ..CheckReport::default()
    };
    let (Some(mark), Some(dir)) = (library.index_mark(), library.index_dir()) else {
        if report.library.list.is_empty() {
            check_lexical(library, &mut report)?;
        }
        return Ok(report);
    };
    // What is named by now cannot be searched.
    let is_of_database = |finding: &Finding| matches!(finding.fault, Fault::Database { .. });
    let Ok(rows) = library.rows() else {
        return Ok(report);
    };
    if report.library.list.iter().any(is_of_database) {
        return Ok(report);
    }
    let index = Index::open(&dir, &mark, rows);
    index.verify();
    report.doubts = index.doubts();
    report.lacks_background = index.lacks_background();
    report.index = index.stats();
    check_lexical(library, &mut report)?;
    measure(library, &index, sample, &mut report, observer)?;
    Ok(report)
}

/// Repairs what a report names, where it can. Deletes leftovers, rebuilds columns from their
/// records, embeds papers whose embeddings are lost, and rebuilds a doubtful index. `load` is asked
/// for the encoder of the library's space if one is needed.
///
/// # Errors
/// [`Error::Write`] if something cannot be deleted; as [`Writer::remove_leftovers`],
/// [`Writer::renew_columns`], [`Writer::salvage`], [`ingest::embed_missing`],
/// [`ingest::build_index`] and [`ingest::update_lexical`]. Where the encoder cannot be loaded, the
/// rest is mended and the reason is in the repairs.
pub fn repair(
    writer: &mut Writer,
    report: &CheckReport,
    options: &IndexOptions,
    load: impl FnOnce() -> Result<Encoder>,
    observer: &dyn Observer,
) -> Result<Repairs> {
    let mut repairs = Repairs {
        removed: writer.remove_leftovers()?,
        ..Repairs::default()
    };
    if report.has_wrong_columns() {
        repairs.n_columns = writer.renew_columns()?;
    }
    repairs.lost_commits = writer.forget_lost_commits().unwrap_or_default();
    let mut n_dropped = 0;
    if writer.space().is_some() && report.lacks_embeddings() {
        match load() {
            Ok(encoder) => {
                space::ensure_same(&Library::open(writer.path())?, &encoder)?;
                n_dropped = writer.salvage(observer)?;
                let filled = ingest::embed_missing(writer, &encoder, observer)?;
                if filled.stopped {
                    return Err(Error::Interrupted);
                }
                repairs.n_embedded = filled.n_embedded;
            }
            Err(error) => repairs.not_embedded = Some(error),
        }
    }
    repairs.rebuilt_index = report.needs_index() || repairs.n_embedded > 0 || n_dropped > 0;
    if report.needs_index()
        && let Some(dir) = Library::open(writer.path())?.index_dir()
        && dir.exists()
    {
        fs::remove_dir_all(&dir).map_err(Error::write(&dir))?;
    }
    repairs.made_background = report.lacks_background && !repairs.rebuilt_index;
    repairs.n_words = if repairs.rebuilt_index || repairs.made_background {
        ingest::build_index(writer, options, observer)?
    } else {
        ingest::update_lexical(writer, observer)?
    };
    Ok(repairs)
}

/// Reads every byte of the lexical index, and holds it against the papers.
fn check_lexical(library: &Library, report: &mut CheckReport) -> Result<()> {
    let path = library.lexical_dir();
    let stamps = library.stamps()?;
    let held = if path.exists() {
        Lexical::open(&path, library.number()?).and_then(|lexical| {
            lexical.verify()?;
            Ok((lexical.state().changes, lexical.stamps()?))
        })
    } else {
        Ok((0, HashMap::new()))
    };
    match held {
        Ok((state, held)) => {
            // What a writer has committed meanwhile is in a later state as well.
            let is_ahead = state > library.state()?.changes;
            if is_ahead && state > Library::open(library.path())?.state()?.changes {
                report.library.list.push(library.finding_of_lost_changes());
            }
            let is_held =
                |(key, stamp): &&(PaperKey, u32)| held.get(&(key.0 as u64)) == Some(stamp);
            let n_held = stamps.iter().filter(is_held).count();
            report.n_words = (n_held as u64, (stamps.len() - n_held) as u64);
        }
        Err(what) => report.lexical_doubt = Some(format!("{}: {what}", path.display())),
    }
    Ok(())
}

/// Searches for papers by their own vectors, and measures recall by a sample of them.
fn measure(
    library: &Library,
    index: &Index,
    sample: Option<usize>,
    report: &mut CheckReport,
    observer: &dyn Observer,
) -> Result<()> {
    let rows = library.rows()?;
    let usable = usable_rows(library, &report.library.list, rows.len())?;
    let are_all = usable.count_ones(..) == rows.len();
    let search = |row: Row, mode| {
        let options = SearchOptions {
            mode,
            allowed: (!are_all).then_some(&usable),
            ..SearchOptions::nearest(K)
        };
        let vector = rows.vector(row)?;
        Ok((
            vectors::dot(&vector, &vector),
            index.search(&vector, &options)?,
        ))
    };
    let is_lost = |&row: &Row| -> Result<Option<Row>> {
        let (own_similarity, found) = search(row, Mode::Auto)?;
        Ok((!is_among(row, own_similarity, &found)).then_some(row))
    };
    let n_sampled = match report.index.graph_rows {
        // Every search compares every row, and a few say that it does.
        0 => sample.map_or(RECALL_SAMPLE, |n| n.min(RECALL_SAMPLE)),
        _ => sample.unwrap_or(usize::MAX),
    };
    let sampled = evenly(&usable, n_sampled);
    observer.begin(Stage::Evaluate, Some(sampled.len() as u64));
    let mut lost = Vec::new();
    for step in sampled.chunks(STEP_PAPERS) {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let looked: Vec<Option<Row>> = step.par_iter().map(is_lost).collect::<Result<_>>()?;
        lost.extend(looked.into_iter().flatten());
        observer.advance(step.len() as u64);
    }
    observer.end();
    report.n_sampled = sampled.len();
    for row in lost {
        match library.paper_at(row) {
            Ok(paper) => report.lost.push(paper.id),
            // Its record has been named already.
            Err(Error::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    if report.index.graph_rows > 0 {
        let recall_of = |&row: &Row| -> Result<f64> {
            let (_, truth) = search(row, Mode::Exact)?;
            let (_, found) = search(row, Mode::Graph)?;
            Ok(recall(&truth, &found))
        };
        let judged = evenly(&usable, RECALL_SAMPLE.min(sampled.len()));
        let recalls: Vec<f64> = judged.iter().map(recall_of).collect::<Result<_>>()?;
        let mean = recalls.iter().sum::<f64>() / recalls.len() as f64;
        report.recall_at_10 = (!recalls.is_empty()).then_some(mean);
    }
    Ok(())
}

/// The rows that live and that can be searched: a search that meets a damaged one fails.
fn usable_rows(library: &Library, found: &[Finding], n_rows: usize) -> Result<FixedBitSet> {
    let mut usable = match library.allowed(&Filter::default())? {
        Some(allowed) => allowed,
        None => {
            let mut all = FixedBitSet::with_capacity(n_rows);
            all.insert_range(..);
            all
        }
    };
    for row in found.iter().filter_map(Finding::unusable_row) {
        usable.set(row.idx(), false);
    }
    Ok(usable)
}

/// `n` of the rows, or all of them, evenly spaced.
fn evenly(rows: &FixedBitSet, n: usize) -> Vec<Row> {
    let n_rows = rows.count_ones(..);
    let n = n.min(n_rows);
    let is_taken = |&(i, _): &(usize, usize)| i * n / n_rows < (i + 1) * n / n_rows;
    let number = |row| Row(u32::try_from(row).expect("rows are numbered in 32 bits"));
    let taken = rows.ones().enumerate().filter(is_taken);
    taken.map(|(_, row)| number(row)).collect()
}

/// Whether a row is found by its own vector. A row that is as close counts too, and so do [`K`]
/// rows that are almost as close.
fn is_among(row: Row, own_similarity: f32, found: &[Neighbor]) -> bool {
    let is_it = |n: &Neighbor| n.row == row || n.similarity >= own_similarity - SAME_SIMILARITY;
    let is_twin = |n: &Neighbor| n.similarity >= own_similarity - TWIN_SIMILARITY;
    found.iter().any(is_it) || (found.len() >= K && found.iter().all(is_twin))
}

/// Recall@[`K`] of `found`; one that is as close as the last of the truth is as good.
fn recall(truth: &[Neighbor], found: &[Neighbor]) -> f64 {
    let truth = &truth[..truth.len().min(K)];
    let Some(last) = truth.last() else {
        return 1.0;
    };
    let is_right = |n: &&Neighbor| n.similarity >= last.similarity - SAME_SIMILARITY;
    let n_right = found.iter().filter(is_right).count().min(truth.len());
    n_right as f64 / truth.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all_rows() {
        let rows: FixedBitSet = (0..100).filter(|row| row % 2 == 1).collect();
        let taken = |n| evenly(&rows, n).iter().map(|row| row.0).collect::<Vec<_>>();
        assert_eq!(taken(0), [0u32; 0]);
        assert_eq!(taken(1), [99]);
        assert_eq!(taken(5), [19, 39, 59, 79, 99]);
        assert_eq!(taken(50).len(), 50);
        assert_eq!(taken(51), taken(50));
        assert_eq!(evenly(&FixedBitSet::new(), 5), []);
    }

    fn neighbors(similarities: &[(u32, f32)]) -> Vec<Neighbor> {
        let neighbor = |&(row, similarity): &(u32, f32)| Neighbor {
            row: Row(row),
            similarity,
        };
        similarities.iter().map(neighbor).collect()
    }

    #[test]
    fn a_twin_is_as_good_as_the_row_itself() {
        let found = neighbors(&[(3, 1.0), (8, 0.5)]);
        assert!(is_among(Row(3), 1.0, &found));
        assert!(is_among(Row(8), 1.0, &found));
        assert!(is_among(Row(4), 1.0, &found), "row 3 is its twin");
        assert!(!is_among(Row(4), 1.1, &found));
        let twins: Vec<(u32, f32)> = (0..K as u32).map(|row| (row, 0.9985)).collect();
        assert!(is_among(Row(99), 1.0, &neighbors(&twins)));
        assert!(!is_among(Row(99), 1.0, &neighbors(&twins[1..])));
        let apart = [&twins[1..], &[(77, 0.99)]].concat();
        assert!(!is_among(Row(99), 1.0, &neighbors(&apart)));
    }

    #[test]
    fn recall_counts_what_is_as_close_as_the_truth() {
        let truth = neighbors(&[(0, 0.9), (1, 0.8), (2, 0.7), (3, 0.6)]);
        let check = |found: &[(u32, f32)], expected: f64| {
            assert_eq!(recall(&truth, &neighbors(found)), expected);
        };
        check(&[(0, 0.9), (1, 0.8), (2, 0.7), (3, 0.6)], 1.0);
        check(&[(0, 0.9), (1, 0.8), (2, 0.7), (9, 0.6), (10, 0.6)], 1.0);
        check(&[(0, 0.9), (2, 0.7), (8, 0.5), (9, 0.4)], 0.5);
        check(&[], 0.0);
        assert_eq!(recall(&[], &[]), 1.0);
    }
}
