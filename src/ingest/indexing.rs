//! A library's indexes, brought up to its rows and its papers.

use std::time::Instant;

use tracing::debug;

use super::lexical;
use crate::error::Result;
use crate::index::{self, IndexOptions};
use crate::library::{Library, Writer};
use crate::progress::Observer;

/// Brings a library's indexes up to its rows and its papers. Returns the number of papers whose
/// words were indexed or removed.
///
/// # Errors
/// As [`index::update`] and [`update_lexical`](super::update_lexical).
pub fn build_index(
    writer: &Writer,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<u64> {
    build_dense_index(writer, options, observer)?;
    lexical::update_lexical(writer, observer)
}

/// The same after a compaction: words of removed papers no longer count.
///
/// # Errors
/// As [`build_index`].
pub fn settle_index(
    writer: &Writer,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<u64> {
    build_dense_index(writer, options, observer)?;
    lexical::settle(writer, observer)
}

/// Brings the index of a library's embeddings up to its rows, if it has any.
fn build_dense_index(
    writer: &Writer,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<()> {
    let library = Library::open(writer.path())?;
    let (Some(mark), Some(dir)) = (library.index_mark(), library.index_dir()) else {
        return Ok(());
    };
    let start = Instant::now();
    let rows = library.rows()?;
    index::update(&dir, &mark, &rows, options, observer)?;
    let seconds = start.elapsed().as_secs_f64();
    debug!(
        n_rows = rows.len(),
        seconds, "updated the index of the embeddings"
    );
    Ok(())
}
