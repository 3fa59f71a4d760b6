//! From the papers of a library to its lexical index: adds what is new or changed, removes what is
//! gone.
//!
//! The papers' stamps say what there is to do, not what was done last. After any interruption,
//! restore or copy, the index is that of these papers.

use std::collections::HashMap;
use std::io::ErrorKind;

use crate::error::{Error, Result};
use crate::index::lexical::{Document, Lexical, LexicalState, LexicalWriter};
use crate::library::{Library, PaperKey, Writer};
use crate::paper::{Paper, PaperId};
use crate::progress::{Observer, Stage};

/// Number of papers after which progress is reported and a stop request is looked for.
const STEP_PAPERS: usize = 256;

/// From this number of papers on, several threads index them.
const MANY_PAPERS: usize = 4096;

/// Brings a library's lexical index up to its papers. One that is damaged, of another format or of
/// another library is built again. Returns the number of papers that were added or removed.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop: the index stays as it was. [`Error::Write`],
/// [`Error::Database`]. A paper whose record is damaged is left out.
pub fn update_lexical(writer: &Writer, observer: &dyn Observer) -> Result<u64> {
    bring_up(writer, observer, |_| false)
}

/// The same, but builds an index again that papers were taken out of: they go on counting in how rare
/// words are.
///
/// # Errors
/// As [`update_lexical`].
pub(super) fn settle(writer: &Writer, observer: &dyn Observer) -> Result<u64> {
    bring_up(writer, observer, LexicalWriter::has_removed)
}

fn bring_up(
    writer: &Writer,
    observer: &dyn Observer,
    is_worn: impl Fn(&LexicalWriter) -> bool,
) -> Result<u64> {
    let library = Library::open(writer.path())?;
    let (path, number) = (library.lexical_dir(), library.number()?);
    let mut index = LexicalWriter::open_or_create(&path, number)?;
    if is_worn(&index) {
        drop(index);
        index = LexicalWriter::create(&path, number)?;
    }
    match update(&library, index, observer) {
        // The fault is in the folder, which is cheap to rebuild.
        Err(Error::Write { source, .. }) if !is_of_the_disk(source.kind()) => {
            update(&library, LexicalWriter::create(&path, number)?, observer)
        }
        done => done,
    }
}

/// Whether the words of every paper of a library are in an index of it, as they are now.
///
/// # Errors
/// [`Error::Database`].
pub fn has_all_words(library: &Library, lexical: &Lexical) -> Result<bool> {
    Ok(lexical.state() == state_of(library)?)
}

/// The state of a library as an index of words keeps it.
fn state_of(library: &Library) -> Result<LexicalState> {
    let state = library.state()?;
    Ok(LexicalState {
        changes: state.changes,
        mark: state.mark,
    })
}

/// Whether an error says that nothing can be written here, so that trying again is of no use.
fn is_of_the_disk(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
    )
}

fn update(library: &Library, mut index: LexicalWriter, observer: &dyn Observer) -> Result<u64> {
    let state = state_of(library)?;
    if index.state() == Some(state) {
        return Ok(0);
    }
    let wanted: HashMap<u64, u32> = library
        .stamps()?
        .into_iter()
        .map(|(key, stamp)| (key.0 as u64, stamp))
        .collect();
    let held = index.stamps();
    let gone: Vec<u64> = held
        .keys()
        .filter(|key| !wanted.contains_key(key))
        .copied()
        .collect();
    let differs = |(key, stamp): &(&u64, &u32)| held.get(key) != Some(stamp);
    let mut new: Vec<u64> = wanted.iter().filter(differs).map(|(key, _)| *key).collect();
    new.sort_unstable();
    let n_changes = (gone.len() + new.len()) as u64;
    if new.len() >= MANY_PAPERS {
        index.use_many_threads()?;
    }
    for key in gone {
        index.remove(key);
    }
    observer.begin(Stage::Words, Some(new.len() as u64));
    for keys in new.chunks(STEP_PAPERS) {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        for &key in keys {
            match library.paper(PaperKey(key as i64)) {
                Ok(Some((paper, stamp, _))) => index.add(&document(key, stamp, &paper))?,
                // A check names it.
                Ok(None) | Err(Error::Damaged { .. }) => index.remove(key),
                Err(other) => return Err(other),
            }
        }
        observer.advance(keys.len() as u64);
    }
    index.commit(state)?;
    observer.end();
    Ok(n_changes)
}

fn document(key: u64, stamp: u32, paper: &Paper) -> Document<'_> {
    let ids = std::iter::once(&paper.id).chain(&paper.aliases);
    Document {
        key,
        stamp,
        title: &paper.title,
        abstract_text: &paper.abstract_text,
        authors: &paper.authors,
        categories: &paper.categories,
        ids: ids.map(PaperId::bare).collect(),
    }
}
