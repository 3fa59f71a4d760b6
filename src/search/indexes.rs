//! What is searched: a library with the indexes of its embeddings and of its words.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::index::Index;
use crate::index::lexical::{Lexical, LexicalDoubt, LexicalState};
use crate::library::{Filter, Library};
use crate::vectors::RowFile;

/// What is searched.
#[derive(Debug)]
pub struct Indexes<'a> {
    /// The papers and their embeddings.
    pub library: &'a Library,
    /// The index of the embeddings.
    pub index: &'a Index,
    /// The index of the words, or the reason why there is none.
    pub lexical: std::result::Result<&'a Lexical, LexicalDoubt>,
}

impl<'a> Indexes<'a> {
    /// A library with the index of its embeddings only.
    pub fn dense(library: &'a Library, index: &'a Index) -> Indexes<'a> {
        Indexes {
            library,
            index,
            lexical: Err(LexicalDoubt::new("it was not asked for")),
        }
    }
}

/// The number of papers of a library, and of those that are embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    /// Papers that search may find: all but the withdrawn.
    pub n_papers: u64,
    /// Of these, papers with an embedding, even if it is of an earlier text.
    pub n_embedded: u64,
}

impl Coverage {
    /// Whether all are embedded.
    pub fn is_whole(&self) -> bool {
        self.n_embedded == self.n_papers
    }
}

/// A library, opened with those of its indexes that can be trusted.
#[derive(Debug)]
pub struct OpenLibrary {
    /// The papers and their embeddings.
    pub library: Library,
    /// The index of the embeddings.
    pub index: Index,
    /// The index of the words, or why there is none.
    pub lexical: std::result::Result<Lexical, LexicalDoubt>,
}

impl OpenLibrary {
    /// Opens the library in a folder for searching. Papers that are not embedded yet are found by
    /// their words.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`] if it holds no papers; as [`Library::open`] and [`Library::rows`].
    pub fn open(root: &Path) -> Result<OpenLibrary> {
        let library = Library::open(root)?;
        let rows = library.rows()?;
        if rows.is_empty() && !library.passes_any(&Filter::default())? {
            return Err(Error::LibraryEmpty {
                path: root.to_owned(),
            });
        }
        let index = match (library.index_dir(), library.index_mark()) {
            (Some(dir), Some(mark)) => Index::open(&dir, &mark, rows),
            _ => Index::open(root, &[0; 32], Arc::new(RowFile::empty(root)?)),
        };
        let lexical = Lexical::open(&library.lexical_dir(), library.number()?);
        Ok(OpenLibrary {
            library,
            index,
            lexical,
        })
    }

    /// Whether a paper is embedded.
    pub fn has_embeddings(&self) -> bool {
        self.library.rows().is_ok_and(|rows| !rows.is_empty())
    }

    /// The number of papers that can be found by their meaning.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn coverage(&self) -> Result<Coverage> {
        let state = self.library.state()?;
        let holds_all =
            |held: LexicalState| (held.changes, held.mark) == (state.changes, state.mark);
        let n_papers = match &self.lexical {
            Ok(lexical) if holds_all(lexical.state()) => lexical.n_papers(),
            _ => self.library.n_searchable()?,
        };
        Ok(Coverage {
            n_papers,
            n_embedded: self.library.n_live_rows()?.min(n_papers),
        })
    }

    /// The indexes that a query is asked of.
    pub fn indexes(&self) -> Indexes<'_> {
        Indexes {
            library: &self.library,
            index: &self.index,
            lexical: self.lexical.as_ref().map_err(LexicalDoubt::clone),
        }
    }
}
