//! How similar questions are to the papers of a library.
//!
//! A question is shorter than an abstract. So its best papers are less similar to it than two abstracts of
//! one subject are to each other. Titles are as short as questions: titles of the library's papers are
//! embedded as queries, and each is compared with other papers.
//!
//! ```text
//! first rows ──► 256 titles, as queries ──┐
//!            └──► 16,384 rows ────────────┴──► similarities without each title's own ──► `Background`
//! ```
//!
//! In: the rows, and the embeddings of the titles of [`QuestionBackground::rows`]. Out: a [`Background`], kept
//! as `questions.json` in the index folder. It needs a model, so it is made by the first question, not
//! where the index is built. Readers may write it at the same time: all of them write the same bytes.
//!
//! Invariants: it depends on the first rows only: 64, or √2 times as many as the one before, as far as there
//! are rows. So the same rows have the same one, and it follows a library that grows. A file that
//! cannot be trusted or written is as good as none.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;

use super::background::{Background, File, LEAST_ROWS};
use super::files::unfinished;
use akin_base::vectors::{Row, RowFile, dot};

const FILE: &str = "questions.json";

/// Titles that are asked.
const TITLES: usize = 256;

/// Titles below which there is no distribution.
const LEAST_TITLES: usize = 32;

/// Rows that each title is compared with.
const ROWS: usize = 1 << 14;

/// The background of a question's similarities, or what it takes to make it.
#[derive(Debug)]
pub(super) struct QuestionBackground {
    dir: PathBuf,
    space: [u8; 32],
    n_rows: usize,
    /// The one that belongs to the rows.
    present: OnceLock<Option<Background>>,
    /// One of fewer rows: it serves until a question makes the present one.
    former: Option<Background>,
}

impl QuestionBackground {
    /// Opens what the folder holds for `n_rows` rows.
    pub(super) fn open(dir: &Path, space: &[u8; 32], n_rows: usize) -> QuestionBackground {
        let mut questions = QuestionBackground {
            dir: dir.to_owned(),
            space: *space,
            n_rows,
            present: OnceLock::new(),
            former: None,
        };
        let kept = File::read(dir, FILE, space).ok().flatten();
        if let (Some(file), Some(n_measured)) = (kept, n_measured(n_rows)) {
            let is_present = file.n_rows == n_measured;
            let background = questions.fitted(file.into_background());
            if is_present {
                questions.present = OnceLock::from(Some(background));
            } else {
                questions.former = Some(background);
            }
        }
        questions
    }

    /// The background, if one has been made.
    pub(super) fn background(&self) -> Option<&Background> {
        let present = self.present.get().and_then(Option::as_ref);
        present.or(self.former.as_ref())
    }

    /// The rows whose titles are to be asked; none if it is made, or there are too few rows.
    pub(super) fn rows(&self) -> Vec<Row> {
        match n_measured(self.n_rows) {
            Some(n) if self.present.get().is_none() => sample(n, TITLES).collect(),
            _ => Vec::new(),
        }
    }

    /// Makes the background of titles, each with its row and its embedding: shape `[dim]`, unit length. Keeps
    /// it in the folder if that can be written. Damaged rows are left out.
    pub(super) fn make(&self, titles: &[(Row, Vec<f32>)], rows: &RowFile) {
        let Some(n) = n_measured(self.n_rows) else {
            return;
        };
        let made = measured(titles, rows, n);
        if let Some(background) = &made {
            // Whoever cannot write makes it again the next time.
            let _ = self.keep(&File::of(background, &self.space, n));
        }
        let _ = self.present.set(made.map(|made| self.fitted(made)));
    }

    /// Writes the file under a name of its own first: another reader may be writing it too.
    fn keep(&self, bytes: &[u8]) -> std::io::Result<()> {
        let own = format!("{FILE}-{}", std::process::id());
        let path = self.dir.join(unfinished(&own));
        let written = fs::File::create(&path)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&path, self.dir.join(FILE)));
        if written.is_err() {
            let _ = fs::remove_file(&path);
        }
        written
    }

    /// One paper of the library is the least share of it.
    fn fitted(&self, background: Background) -> Background {
        background.with_least(1.0 / self.n_rows as f64)
    }
}

/// The similarities of titles to a sample of the first `n` rows.
fn measured(titles: &[(Row, Vec<f32>)], rows: &RowFile, n: usize) -> Option<Background> {
    if titles.len() < LEAST_TITLES {
        return None;
    }
    let rows: Vec<(Row, Vec<f32>)> = sample(n, ROWS)
        .filter_map(|row| Some((row, rows.vector(row).ok()?)))
        .collect();
    let of_title = |(own, title): &(Row, Vec<f32>)| {
        let others = rows.iter().filter(|(row, _)| row != own);
        others
            .map(|(_, vector)| dot(title, vector))
            .collect::<Vec<f32>>()
    };
    let similarities = titles.par_iter().flat_map_iter(of_title).collect();
    Background::from_similarities(similarities)
}

/// At most `most` of the first `n` rows, evenly spaced.
fn sample(n: usize, most: usize) -> impl Iterator<Item = Row> {
    let n_sampled = n.min(most);
    (0..n_sampled).map(move |i| Row((i * n / n_sampled) as u32))
}

/// The number of first rows that the background of a library of `n_rows` is of; `None` if it has too few.
fn n_measured(n_rows: usize) -> Option<usize> {
    let steps = (0..).map(|i| (LEAST_ROWS as f64 * 2f64.powf(f64::from(i) / 2.0)).round() as usize);
    steps.take_while(|n| *n <= n_rows).last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{clustered, row_file};

    const SPACE: [u8; 32] = [7; 32];

    /// The titles that a scale asks for, each embedded like its paper.
    fn titles(questions: &QuestionBackground, vectors: &[Vec<f32>]) -> Vec<(Row, Vec<f32>)> {
        let title = |row: Row| (row, vectors[row.idx()].clone());
        questions.rows().into_iter().map(title).collect()
    }

    #[test]
    fn the_grid_follows_a_library_that_grows() {
        let grid = [0, 63, 64, 90, 91, 127, 128, 100_000].map(n_measured);
        let expected = [
            None,
            None,
            Some(64),
            Some(64),
            Some(91),
            Some(91),
            Some(128),
        ];
        assert_eq!(grid[..7], expected);
        assert!(grid[7].is_some_and(|n| n <= 100_000 && n > 70_000));
        let rows: Vec<u32> = sample(10, 4).map(|row| row.0).collect();
        assert_eq!(rows, [0, 2, 5, 7]);
        assert_eq!(sample(3, 4).count(), 3);
    }

    #[test]
    fn a_share_is_that_of_papers_without_the_own_and_not_below_one_of_the_library() {
        let folder = tempfile::tempdir().unwrap();
        let vectors = clustered(130, 16, 3);
        let rows = row_file(folder.path(), &vectors);
        let questions = QuestionBackground::open(folder.path(), &SPACE, 130);
        assert!(questions.background().is_none());
        let titles = titles(&questions, &vectors);
        assert_eq!(titles.len(), 128);
        questions.make(&titles, &rows);
        assert!(questions.rows().is_empty(), "once is enough");
        let made = questions.background().unwrap();
        let n_above = |least: f32| {
            let is_above = |own: &Row, title: &[f32], row: &u32| {
                *row != own.0 && dot(title, &vectors[*row as usize]) >= least
            };
            let of_title = |(own, title): &(Row, Vec<f32>)| {
                (0..128u32).filter(|row| is_above(own, title, row)).count()
            };
            titles.iter().map(of_title).sum::<usize>()
        };
        for least in [-0.1, 0.1, 0.3, 0.5] {
            let exact = n_above(least) as f64 / (128.0 * 127.0);
            let told = made.share(least);
            assert!((told / exact - 1.0).abs() < 0.1, "{told}, not {exact}");
        }
        assert_eq!(made.share(1.1), 1.0 / 130.0);
        let again = QuestionBackground::open(folder.path(), &SPACE, 130);
        assert_eq!(again.background(), questions.background());
        assert!(again.rows().is_empty());
    }

    #[test]
    fn one_of_fewer_rows_serves_until_the_next_and_what_is_doubtful_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let vectors = clustered(200, 16, 4);
        let rows = row_file(folder.path(), &vectors);
        let open = |space: &[u8; 32], n| QuestionBackground::open(folder.path(), space, n);
        let small = open(&SPACE, 80);
        small.make(&titles(&small, &vectors), &rows);
        let path = folder.path().join(FILE);
        let of_small = std::fs::read(&path).unwrap();
        // Up to the next step it is the same.
        assert_eq!(open(&SPACE, 90).rows(), []);
        let large = open(&SPACE, 200);
        assert!(large.background().is_some() && large.rows().len() == 181);
        large.make(&titles(&large, &vectors), &rows);
        assert_ne!(std::fs::read(&path).unwrap(), of_small);
        assert!(open(&[8; 32], 200).background().is_none(), "of other rows");
        assert!(open(&SPACE, 63).background().is_none(), "too few");
        std::fs::write(&path, "rubbish").unwrap();
        let doubtful = open(&SPACE, 80);
        assert!(doubtful.background().is_none());
        doubtful.make(&titles(&doubtful, &vectors), &rows);
        assert_eq!(
            std::fs::read(&path).unwrap(),
            of_small,
            "the same rows, the same bytes"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let vectors = clustered(70, 16, 5);
        let rows = row_file(folder.path(), &vectors);
        let questions = QuestionBackground::open(&folder.path().join("none"), &SPACE, 70);
        questions.make(&titles(&questions, &vectors), &rows);
        assert!(questions.background().is_some());
        let few = QuestionBackground::open(folder.path(), &SPACE, 70);
        few.make(&titles(&few, &vectors)[..LEAST_TITLES - 1], &rows);
        assert!(few.background().is_none() && few.rows().is_empty());
    }
}
