//! What is searched: a library with the indexes of its embeddings and of its words.

use std::path::Path;

use crate::error::{Error, Result};
use crate::index::Index;
use crate::index::lexical::{Lexical, LexicalDoubt};
use crate::library::Library;

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
    /// Opens the library in a folder for searching.
    ///
    /// # Errors
    /// [`Error::LibraryEmpty`] if it holds no embedding; as [`Library::open`] and [`Library::rows`].
    pub fn open(root: &Path) -> Result<OpenLibrary> {
        let library = Library::open(root)?;
        let empty = || Error::LibraryEmpty {
            path: root.to_owned(),
        };
        let mark = library.index_mark().ok_or_else(empty)?;
        let dir = library.index_dir().ok_or_else(empty)?;
        let rows = library.rows()?;
        if rows.is_empty() {
            return Err(empty());
        }
        let index = Index::open(&dir, &mark, rows);
        let lexical = Lexical::open(&library.lexical_dir(), library.number()?);
        Ok(OpenLibrary {
            library,
            index,
            lexical,
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
