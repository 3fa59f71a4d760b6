//! The lexical index: from words to the papers that have them, by BM25.
//!
//! ```text
//! papers ──► terms ──► tantivy's postings        question ──► terms ──► postings ──► scored papers
//! ```
//!
//! In: [`Document`]s, each with the *key* of its paper and a *stamp* that is another one whenever the
//! paper is. Out: [`Match`]es, best first. Built from the papers of a library and thrown away at any
//! doubt; the *state* is whatever number the caller says that it was brought up to.
//!
//! BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, 2009) over title and abstract in one; the
//! words of authors' names count where they are no words of the texts.
//!
//! Invariants: no byte is believed before it is verified (`folder`); a document is complete or not
//! there; equal scores are ordered by key.

mod folder;
mod query;
mod score;
mod terms;

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use fixedbitset::FixedBitSet;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{RawTokenizer, TextAnalyzer};
use tantivy::{
    Directory, Index, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument,
};

use self::folder::{Failure, Folder, kind_of};
use self::terms::TermTokenizer;
use crate::categories;
use crate::error::{Error, Result};

pub use self::query::WordQuery;
pub use self::score::Rarities;

/// What is stored how; an index of another one is built anew.
const FORMAT: u32 = 1;

/// Memory for what is not yet written.
const BUFFER_BYTES: usize = 128 << 20;

/// A paper as it is indexed.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// By which it is found again.
    pub key: u64,
    /// Another one whenever something else is.
    pub stamp: u32,
    /// The title.
    pub title: &'a str,
    /// The abstract.
    pub abstract_text: &'a str,
    /// The authors' names.
    pub authors: &'a [String],
    /// Category codes.
    pub categories: &'a [String],
    /// Every id that it has.
    pub ids: Vec<&'a str>,
}

/// A paper that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// The paper's.
    pub key: u64,
    /// That of the paper as it was indexed.
    pub stamp: u32,
    /// BM25, above 0; higher is better. Comparable within one question.
    pub score: f32,
}

#[derive(Debug, Clone, Copy)]
struct Fields {
    key: Field,
    stamp: Field,
    text: Field,
    title: Field,
    author: Field,
    category: Field,
    id: Field,
}

/// The lexical index of a library, open for questions.
pub struct Lexical {
    path: PathBuf,
    searcher: Searcher,
    fields: Fields,
    state: u64,
}

/// The lexical index of a library, open for changes.
pub struct LexicalWriter {
    path: PathBuf,
    failure: Failure,
    writer: IndexWriter,
    fields: Fields,
    /// Stamps by key, as they were when it was opened.
    stamps: HashMap<u64, u32>,
    state: Option<u64>,
}

/// What is kept with every state of the index.
#[derive(serde::Serialize, serde::Deserialize)]
struct Payload {
    format: u32,
    state: u64,
}

impl std::fmt::Debug for Lexical {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lexical")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for LexicalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LexicalWriter")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Lexical {
    /// Opens the index in a folder.
    ///
    /// # Errors
    /// In words, why there is none: it is not there, of another format, or damaged.
    pub fn open(path: &Path) -> std::result::Result<Lexical, String> {
        let (index, state, _) = open_index(path)?;
        let searcher = searcher_of(&index).map_err(|e| e.to_string())?;
        Ok(Lexical {
            path: path.to_owned(),
            searcher,
            fields: schema().1,
            state,
        })
    }

    /// What it was brought up to.
    pub fn state(&self) -> u64 {
        self.state
    }

    /// How many papers it holds.
    pub fn n_papers(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Bytes of its files.
    pub fn file_bytes(&self) -> u64 {
        file_bytes(&self.path)
    }

    /// The key and the stamp of every paper in it.
    ///
    /// # Errors
    /// In words, if it is damaged.
    pub fn stamps(&self) -> std::result::Result<HashMap<u64, u32>, String> {
        stamps(&self.searcher).map_err(|e| e.to_string())
    }

    /// Reads every byte.
    ///
    /// # Errors
    /// In words, which file is damaged.
    pub fn verify(&self) -> std::result::Result<(), String> {
        verify(self.searcher.index())
    }

    /// The `k` best papers for a question, among those whose keys are in `allowed` if that is given.
    ///
    /// # Errors
    /// In words, if what it comes upon is damaged.
    pub fn search(
        &self,
        query: &WordQuery,
        k: usize,
        allowed: Option<&FixedBitSet>,
    ) -> std::result::Result<Vec<Match>, String> {
        score::search(self, query, k, allowed).map_err(|e| e.to_string())
    }

    /// The scores of these papers for a question; 0 for one that has none of its words.
    ///
    /// # Errors
    /// In words, if what it comes upon is damaged.
    pub fn scores(&self, query: &WordQuery, keys: &[u64]) -> std::result::Result<Vec<f32>, String> {
        score::scores(self, query, keys).map_err(|e| e.to_string())
    }

    /// How rare each word of a question is.
    ///
    /// # Errors
    /// In words, if what it comes upon is damaged.
    pub fn rarities(&self, query: &WordQuery) -> std::result::Result<Rarities, String> {
        score::rarities(self, query).map_err(|e| e.to_string())
    }

    /// The keys of the papers that meet a question's conditions, but for those about authors;
    /// `None` where it has none.
    ///
    /// # Errors
    /// In words, if what it comes upon is damaged.
    pub fn matching(&self, query: &WordQuery) -> std::result::Result<Option<FixedBitSet>, String> {
        let matching = || match query.has_indexed_conditions() {
            true => score::matching(self, query).map(Some),
            false => Ok(None),
        };
        matching().map_err(|e: tantivy::TantivyError| e.to_string())
    }
}

impl LexicalWriter {
    /// Opens the index in a folder, or begins a new one where there is none that can be trusted.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn open_or_create(path: &Path) -> Result<LexicalWriter> {
        LexicalWriter::open_whole(path).or_else(|_| LexicalWriter::create(path))
    }

    fn open_whole(path: &Path) -> std::result::Result<LexicalWriter, String> {
        let (index, state, failure) = open_index(path)?;
        verify(&index)?;
        let begin = || LexicalWriter::of(path, &index, failure, Some(state));
        begin().map_err(|e| e.to_string())
    }

    /// Begins a new index in a folder, in place of what is there.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path) -> Result<LexicalWriter> {
        if path.exists() {
            fs::remove_dir_all(path).map_err(Error::write(path))?;
        }
        fs::create_dir_all(path).map_err(Error::write(path))?;
        let folder = Folder::open(path).map_err(|error| write_error(path, error, None))?;
        let failure = folder.failure();
        let create = || {
            let builder = Index::builder().schema(schema().0).settings(IndexSettings {
                docstore_compress_dedicated_thread: false,
                ..IndexSettings::default()
            });
            let index = builder.open_or_create(folder)?;
            register_tokenizers(&index);
            LexicalWriter::of(path, &index, failure.clone(), None)
        };
        create().map_err(|error| write_error(path, error, Some(&failure)))
    }

    fn of(
        path: &Path,
        index: &Index,
        failure: Failure,
        state: Option<u64>,
    ) -> tantivy::Result<LexicalWriter> {
        let stamps = stamps(&searcher_of(index)?)?;
        Ok(LexicalWriter {
            path: path.to_owned(),
            failure,
            writer: index.writer_with_num_threads(1, BUFFER_BYTES)?,
            fields: schema().1,
            stamps,
            state,
        })
    }

    /// The stamps of the papers in it when it was opened, by their keys.
    pub fn stamps(&self) -> &HashMap<u64, u32> {
        &self.stamps
    }

    /// What it was brought up to when it was opened.
    pub fn state(&self) -> Option<u64> {
        self.state
    }

    /// Takes a paper out.
    pub fn remove(&mut self, key: u64) {
        let term = tantivy::Term::from_field_u64(self.fields.key, key);
        self.writer.delete_term(term);
    }

    /// Puts a paper in, in place of the one with its key.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn add(&mut self, document: &Document<'_>) -> Result<()> {
        if self.stamps.contains_key(&document.key) {
            self.remove(document.key);
        }
        let fields = self.fields;
        let mut stored = TantivyDocument::default();
        stored.add_u64(fields.key, document.key);
        stored.add_u64(fields.stamp, u64::from(document.stamp));
        stored.add_text(fields.text, document.title);
        stored.add_text(fields.text, document.abstract_text);
        stored.add_text(fields.title, document.title);
        for author in document.authors {
            stored.add_text(fields.author, author);
        }
        for name in document
            .categories
            .iter()
            .flat_map(|c| categories::names(c))
        {
            stored.add_text(fields.category, name);
        }
        for id in &document.ids {
            stored.add_text(fields.id, id.to_lowercase());
        }
        let added = self.writer.add_document(stored);
        let written = added.map(drop);
        written.map_err(|error| write_error(&self.path, error, Some(&self.failure)))
    }

    /// Puts everything on the disk; what was said is found from then on.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn commit(mut self, state: u64) -> Result<()> {
        let payload = Payload {
            format: FORMAT,
            state,
        };
        let payload = serde_json::to_string(&payload).expect("plain data");
        let (path, failure) = (self.path.clone(), self.failure.clone());
        let commit = || {
            let mut prepared = self.writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()?;
            self.writer.wait_merging_threads()
        };
        commit().map_err(|error| write_error(&path, error, Some(&failure)))
    }
}

/// What went wrong, with the kind that the folder knows where tantivy does not say it.
fn write_error(path: &Path, error: tantivy::TantivyError, failure: Option<&Failure>) -> Error {
    let kind = match &error {
        tantivy::TantivyError::IoError(io) => Some(kind_of(io)),
        _ => None,
    };
    let is_said = |kind: &ErrorKind| *kind != ErrorKind::Other;
    let kind = kind.filter(is_said).or(failure.and_then(Failure::kind));
    Error::Write {
        path: path.to_owned(),
        source: io::Error::new(kind.unwrap_or(ErrorKind::Other), error),
    }
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let words = |tokenizer: &str, option| {
        let indexing = TextFieldIndexing::default();
        let indexing = indexing.set_tokenizer(tokenizer).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let fields = Fields {
        key: schema.add_u64_field("key", INDEXED | FAST),
        stamp: schema.add_u64_field("stamp", FAST),
        text: schema.add_text_field("text", words("words", positions)),
        title: schema.add_text_field("title", words("words", positions)),
        author: schema.add_text_field("author", words("names", positions)),
        category: schema.add_text_field("category", words("whole", IndexRecordOption::Basic)),
        id: schema.add_text_field("id", words("whole", IndexRecordOption::Basic)),
    };
    (schema.build(), fields)
}

fn register_tokenizers(index: &Index) {
    let analyzer = |tokenizer| TextAnalyzer::builder(TermTokenizer(tokenizer)).build();
    index.tokenizers().register("words", analyzer(terms::terms));
    index
        .tokenizers()
        .register("names", analyzer(terms::name_terms));
    index
        .tokenizers()
        .register("whole", RawTokenizer::default());
}

/// The index in a folder, and what it was brought up to.
fn open_index(path: &Path) -> std::result::Result<(Index, u64, Failure), String> {
    if !path.is_dir() {
        return Err("there is none".to_owned());
    }
    let folder = Folder::open(path).map_err(|e| e.to_string())?;
    let failure = folder.failure();
    let index = Index::open(folder).map_err(|e| e.to_string())?;
    let metas = index.load_metas().map_err(|e| e.to_string())?;
    let payload = metas.payload.unwrap_or_default();
    match serde_json::from_str::<Payload>(&payload) {
        Ok(Payload { format, state }) if format == FORMAT && index.schema() == schema().0 => {
            register_tokenizers(&index);
            Ok((index, state, failure))
        }
        _ => Err("it is of another format".to_owned()),
    }
}

fn searcher_of(index: &Index) -> tantivy::Result<Searcher> {
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
    Ok(reader.try_into()?.searcher())
}

fn stamps(searcher: &Searcher) -> tantivy::Result<HashMap<u64, u32>> {
    let mut found = HashMap::with_capacity(searcher.num_docs() as usize);
    for segment in searcher.segment_readers() {
        let keys = segment
            .fast_fields()
            .column_first_or_default::<u64>("key")?;
        let stamps = segment
            .fast_fields()
            .column_first_or_default::<u64>("stamp")?;
        for document in segment.doc_ids_alive() {
            found.insert(keys.get_val(document), stamps.get_val(document) as u32);
        }
    }
    Ok(found)
}

/// Reads every byte of the files that count.
fn verify(index: &Index) -> std::result::Result<(), String> {
    let segments = index.searchable_segment_ids().map_err(|e| e.to_string())?;
    let names: Vec<String> = segments.iter().map(|id| id.uuid_string()).collect();
    let is_of_segment = |path: &Path| {
        let name = path.to_string_lossy();
        names.iter().any(|segment| name.starts_with(segment))
    };
    let files = index.directory().list_managed_files();
    for path in files.iter().filter(|path| is_of_segment(path)) {
        // Not every segment has every file.
        if index.directory().exists(path).unwrap_or(false) {
            let file = index
                .directory()
                .open_read(path)
                .map_err(|e| e.to_string())?;
            file.read_bytes().map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

fn file_bytes(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests;
