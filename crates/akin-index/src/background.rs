//! How similar random pairs of papers of a library are: the scale that gives a similarity its meaning.
//!
//! In: the rows of a space. Out: a [`Background`], the distribution of the similarities of pairs of rows.
//! [`Background::share`] gives the share of pairs that reach a similarity.
//!
//! ```text
//! rows ──► sample of 1,024 ──► 523,776 pairs ──► similarities at shares 1, 10^(−1/16), 10^(−2/16), …
//! ```
//!
//! It is kept as `background.json` in the index folder, with a checksum, and is computed again if the file
//! cannot be trusted. `questions` keeps another one in the same form: the similarities of questions.
//!
//! Invariants: the same rows have the same background, whatever happened to the folder in between. A share
//! is at most 1, at least that of one pair of the sample, and never grows with similarity.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::replace;
use akin_base::error::{Error, Result};
use akin_base::hex::hex;
use akin_base::step::{self, Step};
use akin_base::vectors::{Row, RowFile, dot};

const FILE: &str = "background.json";
const FORMAT: u32 = 1;

/// Rows whose pairs are compared.
const SAMPLE_ROWS: usize = 1024;

/// Number of rows below which there is no distribution.
pub const LEAST_ROWS: usize = 64;

/// Knots of the distribution in a decade of shares.
const KNOTS: usize = 16;

/// The distribution of the similarities of pairs of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    n_pairs: u64,
    /// The similarity that a share of 10^(−i / [`KNOTS`]) of the pairs reaches; ascending.
    tail: Vec<f32>,
    /// The least share that it tells.
    least: f64,
}

/// What is on the disk.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct File {
    format: u32,
    /// The mark of the rows in hexadecimal digits.
    space: String,
    /// The rows that it is of: the first ones.
    pub(super) n_rows: usize,
    n_pairs: u64,
    tail: Vec<f32>,
    /// CRC-32 of the three before it, little-endian.
    checksum: u32,
}

impl Background {
    /// The distribution of these rows; `None` if there are too few.
    pub(super) fn from_rows(rows: &RowFile) -> Option<Background> {
        let n = rows.len().min(SAMPLE_ROWS);
        let place = |i: usize| Row((i * rows.len() / n) as u32);
        let sample: Vec<Vec<f32>> = (0..n).filter_map(|i| rows.vector(place(i)).ok()).collect();
        if sample.len() < LEAST_ROWS {
            return None;
        }
        let mut similarities = Vec::with_capacity(n * (n - 1) / 2);
        for (i, a) in sample.iter().enumerate() {
            similarities.extend(sample[..i].iter().map(|b| dot(a, b)));
        }
        Background::from_similarities(similarities)
    }

    pub(super) fn from_similarities(mut similarities: Vec<f32>) -> Option<Background> {
        if similarities.is_empty() {
            return None;
        }
        similarities.sort_unstable_by(|a, b| b.total_cmp(a));
        let n_pairs = similarities.len();
        let n_knots = (KNOTS as f64 * (n_pairs as f64).log10()).floor() as usize + 1;
        let tail = (0..n_knots).map(|i| {
            let n_as_close = (share_at(i) * n_pairs as f64).ceil() as usize;
            similarities[n_as_close.clamp(1, n_pairs) - 1]
        });
        Some(Background {
            n_pairs: n_pairs as u64,
            tail: tail.collect(),
            least: 1.0 / n_pairs as f64,
        })
    }

    /// The same, which tells no share below this one.
    pub(super) fn with_least(mut self, least: f64) -> Background {
        self.least = least;
        self
    }

    /// Share of random pairs whose similarity is at least this one, up to 1. The least share is that of one
    /// compared pair; for questions, that of one paper of the library.
    pub fn share(&self, similarity: f32) -> f64 {
        let above = self.tail.partition_point(|knot| *knot < similarity);
        if above == 0 {
            return 1.0;
        }
        let Some(next) = self.tail.get(above) else {
            return self.least;
        };
        let knot = self.tail[above - 1];
        let way = f64::from((similarity - knot) / (next - knot));
        let share = share_at(above - 1) * (share_at(above) / share_at(above - 1)).powf(way);
        share.max(self.least)
    }

    /// The distribution that an index folder holds for the rows with this mark, even if a writer has added
    /// rows since. `None` if the folder holds none.
    ///
    /// # Errors
    /// Why the file cannot be trusted, with its path.
    pub(super) fn read(
        dir: &Path,
        space: &[u8; 32],
    ) -> std::result::Result<Option<Background>, String> {
        Ok(File::read(dir, FILE, space)?.map(File::into_background))
    }

    /// Computes and writes the distribution of the rows if the folder does not hold it.
    pub(super) fn update(dir: &Path, space: &[u8; 32], rows: &RowFile) -> Result<()> {
        let kept = File::read(dir, FILE, space);
        if matches!(kept, Ok(Some(file)) if file.n_rows == rows.len()) {
            return Ok(());
        }
        let Some(background) = Background::from_rows(rows) else {
            let path = dir.join(FILE);
            return match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::write(&path)(e)),
                _ => Ok(()),
            };
        };
        let text = File::of(&background, space, rows.len());
        fs::create_dir_all(dir).map_err(Error::write(dir))?;
        replace(dir, FILE, &text, Step::BackgroundWritten)?;
        step::reached(Step::BackgroundNamed);
        Ok(())
    }
}

impl File {
    /// The bytes of the file of a distribution.
    pub(super) fn of(background: &Background, space: &[u8; 32], n_rows: usize) -> Vec<u8> {
        let mut file = File {
            format: FORMAT,
            space: hex(space),
            n_rows,
            n_pairs: background.n_pairs,
            tail: background.tail.clone(),
            checksum: 0,
        };
        file.checksum = file.sum();
        serde_json::to_vec(&file).expect("numbers are plain JSON")
    }

    pub(super) fn into_background(self) -> Background {
        Background {
            n_pairs: self.n_pairs,
            tail: self.tail,
            least: 1.0 / self.n_pairs as f64,
        }
    }

    /// Reads the file of this name; `None` if there is none.
    ///
    /// # Errors
    /// Why it cannot be trusted, with its path.
    pub(super) fn read(
        dir: &Path,
        name: &str,
        space: &[u8; 32],
    ) -> std::result::Result<Option<File>, String> {
        let path = dir.join(name);
        let doubt = |what: String| format!("{}: {what}", path.display());
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(doubt(format!("it cannot be read ({e})"))),
        };
        let file: File =
            serde_json::from_slice(&bytes).map_err(|e| doubt(format!("it is damaged ({e})")))?;
        if file.format != FORMAT {
            return Err(doubt(format!(
                "it has format {}, not {FORMAT}",
                file.format
            )));
        }
        if file.space != hex(space) {
            return Err(doubt("it belongs to other rows".to_owned()));
        }
        let is_sound = file.n_pairs > 0 && !file.tail.is_empty() && file.tail.is_sorted();
        if file.checksum != file.sum() || !is_sound {
            return Err(doubt("it does not match its checksum".to_owned()));
        }
        Ok(Some(file))
    }

    fn sum(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&(self.n_rows as u64).to_le_bytes());
        hasher.update(&self.n_pairs.to_le_bytes());
        for knot in &self.tail {
            hasher.update(&knot.to_le_bytes());
        }
        hasher.finalize()
    }
}

/// The share of the pairs that a knot stands for.
fn share_at(knot: usize) -> f64 {
    10f64.powf(-(knot as f64) / KNOTS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_that_of_the_pairs() {
        let n = 100_000;
        let similarities: Vec<f32> = (0..n).map(|i| i as f32 / n as f32).collect();
        let background = Background::from_similarities(similarities).unwrap();
        for share in [1.0, 0.5, 0.1, 0.02, 0.001, 0.0002] {
            let found = background.share(1.0 - share as f32);
            assert!((found / share - 1.0).abs() < 0.03, "{found}, not {share}");
        }
        assert_eq!(background.share(-1.0), 1.0);
        assert_eq!(background.share(2.0), 1e-5);
        let mut last = 1.0;
        for i in 0..=2000 {
            let share = background.share(i as f32 / 2000.0);
            assert!(share <= last && share >= 1e-5, "{share} after {last}");
            last = share;
        }
    }

    #[test]
    fn few_pairs_and_equal_ones_have_shares_too() {
        assert_eq!(Background::from_similarities(Vec::new()), None);
        let one = Background::from_similarities(vec![0.5]).unwrap();
        assert_eq!(
            (one.share(0.4), one.share(0.5), one.share(0.6)),
            (1.0, 1.0, 1.0)
        );
        let two = Background::from_similarities(vec![0.5, 0.7]).unwrap();
        assert_eq!((two.share(0.5), two.share(0.9)), (1.0, 0.5));
        let same = Background::from_similarities(vec![0.5; 1000]).unwrap();
        assert_eq!((same.share(0.49), same.share(0.5)), (1.0, 1.0));
        assert_eq!(same.share(0.51), 0.001);
    }
}
