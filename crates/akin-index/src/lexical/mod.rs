//! The lexical index: finds papers by their words and ranks them by BM25.
//!
//! ```text
//! papers ──► terms ──► tantivy's postings        question ──► terms ──► postings ──► scored papers
//! ```
//!
//! In: [`Document`]s, each with the *key* of its paper and a *stamp* that changes with the paper. Out:
//! [`LexicalMatch`]es, best first. The index is built from the papers of a library and rebuilt if it cannot
//! be trusted. It records the number of that library and the [`LexicalState`] that it was last brought up
//! to.
//!
//! Scores are BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, 2009) over title and abstract
//! together. A word that is rather an author's name than a word of the texts is looked up among authors
//! too.
//!
//! Tantivy merges eight segments of one size into one, so that 10,000 commits of one paper leave fewer than
//! ten segments. Removed papers that no merge has dropped still count in the statistics until compaction
//! builds the index again.
//!
//! Invariants: no byte is used before it is verified (`folder`), and no file that belongs to another state
//! (`manifest`). A document is complete or absent. Equal scores are ordered by key.

mod doubt;
mod folder;
mod manifest;
mod query;
mod score;
mod spelling;
mod terms;

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{RawTokenizer, TextAnalyzer};
use tantivy::{Index, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyDocument};

use self::folder::{IndexFolder, WriteFailure, kind_of};
use self::terms::TermTokenizer;
use akin_base::categories;
use akin_base::error::{Error, Result};
use akin_base::files::UNFINISHED;

pub use self::doubt::LexicalDoubt;
pub use self::query::{MAX_QUESTION_BYTES, MAX_TEXT_BYTES, WordQuery};
pub use self::score::Rarities;
pub use self::spelling::{TermNear, spellings, typing_errors};

/// Version of the stored form; an index of another version is built again.
const FORMAT: u32 = 2;

/// The version before files were sealed: it is read, and built again by the next writer.
const UNSEALED_FORMAT: u32 = 1;

/// Added to the name of a folder that another one replaces.
const REPLACED: &str = "-replaced";

/// Attempts to open a folder whose files vanish meanwhile.
const OPEN_ATTEMPTS: usize = 3;

/// Memory for documents that are not yet written.
const BUFFER_BYTES: usize = 128 << 20;

/// Threads that index many papers; one more reads them.
const BULK_THREADS: usize = 2;

/// A paper to be indexed.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// Identifies the paper.
    pub key: u64,
    /// Changes whenever anything else does.
    pub stamp: u32,
    /// The title.
    pub title: &'a str,
    /// The abstract.
    pub abstract_text: &'a str,
    /// The authors' names.
    pub authors: &'a [String],
    /// Category codes.
    pub categories: &'a [String],
    /// All ids of the paper.
    pub ids: Vec<&'a str>,
}

/// A paper that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LexicalMatch {
    /// The paper's key.
    pub key: u64,
    /// The stamp that the paper was indexed with.
    pub stamp: u32,
    /// BM25, above 0; higher is better. Comparable only between matches of one query.
    pub score: f32,
}

#[derive(Debug, Clone, Copy)]
struct SchemaFields {
    key: Field,
    stamp: Field,
    text: Field,
    title: Field,
    author: Field,
    category: Field,
    id: Field,
}

/// The state of a library that an index was brought up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LexicalState {
    /// Grows with every change of a paper.
    #[serde(rename = "state")]
    pub changes: u64,
    /// Changes with every change of a paper, even if the counter is set back.
    #[serde(default)]
    pub mark: i64,
}

/// The lexical index of a library, open for queries.
pub struct Lexical {
    path: PathBuf,
    folder: IndexFolder,
    searcher: Searcher,
    fields: SchemaFields,
    state: LexicalState,
}

/// The lexical index of a library, open for changes.
pub struct LexicalWriter {
    path: PathBuf,
    failure: WriteFailure,
    index: Index,
    writer: IndexWriter,
    fields: SchemaFields,
    /// Stamps by key, as they were when it was opened.
    stamps: HashMap<u64, u32>,
    library: i64,
    state: Option<LexicalState>,
    /// Whether papers were removed since it was created: they still count in its statistics.
    has_removed: bool,
    /// The folder that a new index is built in until its first commit.
    building: Option<Building>,
}

/// A folder that is deleted with this value, unless it is put in place first.
struct Building(PathBuf);

impl Drop for Building {
    fn drop(&mut self) {
        // What stays is a left-over folder by its name.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Kept with every commit of the index.
#[derive(serde::Serialize, serde::Deserialize)]
struct Payload {
    format: u32,
    /// The number of the library whose papers it holds.
    #[serde(default)]
    library: i64,
    #[serde(flatten)]
    state: LexicalState,
    #[serde(default)]
    has_removed: bool,
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
    /// Opens the index of the library with this number.
    ///
    /// # Errors
    /// Why there is none to use: it is missing, damaged, or of another format or library.
    pub fn open(path: &Path, library: i64) -> std::result::Result<Lexical, LexicalDoubt> {
        // A writer may delete files while they are opened; then the folder says which there are now.
        let open = || {
            let (index, held, folder) = open_index(path, library)?;
            let searcher = searcher_of(&index).map_err(|e| e.to_string())?;
            Ok::<_, String>((folder, searcher, held.state))
        };
        let mut opened = open();
        for _ in 1..OPEN_ATTEMPTS {
            if opened.is_err() && path.is_dir() {
                opened = open();
            }
        }
        let (folder, searcher, state) = opened?;
        Ok(Lexical {
            path: path.to_owned(),
            folder,
            searcher,
            fields: schema().1,
            state,
        })
    }

    /// The state that it was brought up to.
    pub fn state(&self) -> LexicalState {
        self.state
    }

    /// Number of papers in it.
    pub fn n_papers(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Size of its files in bytes.
    pub fn file_bytes(&self) -> u64 {
        file_bytes(&self.path)
    }

    /// The stamps of all its papers, by key.
    ///
    /// # Errors
    /// What is damaged.
    pub fn stamps(&self) -> std::result::Result<HashMap<u64, u32>, LexicalDoubt> {
        Ok(stamps(&self.searcher)?)
    }

    /// Reads and verifies every byte.
    ///
    /// # Errors
    /// Which file is damaged.
    pub fn verify(&self) -> std::result::Result<(), LexicalDoubt> {
        Ok(self.folder.verify()?)
    }
}

impl LexicalWriter {
    /// Opens the index of the library with this number, or creates one if there is none that can be
    /// trusted.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn open_or_create(path: &Path, library: i64) -> Result<LexicalWriter> {
        // Left by a kill while another index was to take its place.
        for role in ["", REPLACED] {
            remove_folder(&unfinished(path, role))?;
        }
        LexicalWriter::open_whole(path, library).or_else(|_| LexicalWriter::create(path, library))
    }

    fn open_whole(path: &Path, library: i64) -> std::result::Result<LexicalWriter, String> {
        let (index, held, folder) = open_index(path, library)?;
        if !folder.is_sealed() {
            return Err("it is of an older format".to_owned());
        }
        folder.verify()?;
        folder.remove_leftovers().map_err(|e| e.to_string())?;
        let begin = || LexicalWriter::new(path, &index, folder.failure(), library, Some(held));
        begin().map_err(|e| e.to_string())
    }

    /// Creates an empty index. It takes the place of the one in the folder with its first commit.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path, library: i64) -> Result<LexicalWriter> {
        let building = Building(unfinished(path, ""));
        remove_folder(&building.0)?;
        fs::create_dir_all(&building.0).map_err(Error::write(&building.0))?;
        let folder = IndexFolder::open(&building.0);
        let folder = folder.map_err(|error| write_error(&building.0, error, None))?;
        let failure = folder.failure();
        let create = || {
            let builder = Index::builder().schema(schema().0).settings(IndexSettings {
                docstore_compress_dedicated_thread: false,
                ..IndexSettings::default()
            });
            let index = builder.open_or_create(folder)?;
            register_tokenizers(&index);
            LexicalWriter::new(path, &index, failure.clone(), library, None)
        };
        let created = create().map_err(|error| write_error(path, error, Some(&failure)));
        Ok(LexicalWriter {
            building: Some(building),
            ..created?
        })
    }

    fn new(
        path: &Path,
        index: &Index,
        failure: WriteFailure,
        library: i64,
        held: Option<Payload>,
    ) -> tantivy::Result<LexicalWriter> {
        let stamps = stamps(&searcher_of(index)?)?;
        Ok(LexicalWriter {
            path: path.to_owned(),
            failure,
            index: index.clone(),
            writer: index.writer_with_num_threads(1, BUFFER_BYTES)?,
            fields: schema().1,
            stamps,
            library,
            state: held.as_ref().map(|held| held.state),
            has_removed: held.is_some_and(|held| held.has_removed),
            building: None,
        })
    }

    /// The stamps of its papers when it was opened, by key.
    pub fn stamps(&self) -> &HashMap<u64, u32> {
        &self.stamps
    }

    /// The state it was brought up to when it was opened; `None` for a new index.
    pub fn state(&self) -> Option<LexicalState> {
        self.state
    }

    /// Whether papers were removed since it was created: they still count in how rare words are.
    pub fn has_removed(&self) -> bool {
        self.has_removed
    }

    /// Indexes with several threads, for many papers; before anything is added or removed.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn use_many_threads(&mut self) -> Result<()> {
        let bytes = BULK_THREADS * BUFFER_BYTES;
        let writer = self.index.writer_with_num_threads(BULK_THREADS, bytes);
        self.writer =
            writer.map_err(|error| write_error(&self.path, error, Some(&self.failure)))?;
        Ok(())
    }

    /// Removes a paper.
    pub fn remove(&mut self, key: u64) {
        let term = tantivy::Term::from_field_u64(self.fields.key, key);
        self.writer.delete_term(term);
        self.has_removed = true;
    }

    /// Adds a paper, in the place of any with its key.
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

    /// Writes all changes to the disk; readers that open it from now on see them.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn commit(mut self, state: LexicalState) -> Result<()> {
        let payload = Payload {
            format: FORMAT,
            library: self.library,
            state,
            has_removed: self.has_removed,
        };
        let payload = serde_json::to_string(&payload).expect("plain data");
        let (path, failure) = (self.path.clone(), self.failure.clone());
        let commit = || {
            let mut prepared = self.writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()?;
            self.writer.wait_merging_threads()
        };
        commit().map_err(|error| write_error(&path, error, Some(&failure)))?;
        match self.building {
            Some(building) => put_in_place(&building.0, &path),
            None => Ok(()),
        }
    }
}

/// The name of a folder that is not yet, or no longer, the one at `path`. A kill may leave it behind.
fn unfinished(path: &Path, role: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(role);
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// Puts a folder in the place of another. A kill leaves the one, the other, or neither.
fn put_in_place(building: &Path, path: &Path) -> Result<()> {
    let replaced = unfinished(path, REPLACED);
    remove_folder(&replaced)?;
    if path.exists() {
        fs::rename(path, &replaced).map_err(Error::write(path))?;
    }
    fs::rename(building, path).map_err(Error::write(path))?;
    if let Some(parent) = path.parent().filter(|_| cfg!(unix)) {
        let synced = fs::File::open(parent).and_then(|parent| parent.sync_all());
        synced.map_err(Error::write(parent))?;
    }
    remove_folder(&replaced)
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::write(path)(e)),
        _ => Ok(()),
    }
}

/// What went wrong, with the kind that the folder knows where tantivy does not say it.
fn write_error(path: &Path, error: tantivy::TantivyError, failure: Option<&WriteFailure>) -> Error {
    let kind = match &error {
        tantivy::TantivyError::IoError(io) => Some(kind_of(io)),
        _ => None,
    };
    let is_said = |kind: &ErrorKind| *kind != ErrorKind::Other;
    let kind = kind
        .filter(is_said)
        .or(failure.and_then(WriteFailure::kind));
    Error::Write {
        path: path.to_owned(),
        source: io::Error::new(kind.unwrap_or(ErrorKind::Other), error),
    }
}

fn schema() -> (Schema, SchemaFields) {
    let mut schema = Schema::builder();
    let words = |tokenizer: &str, option| {
        let indexing = TextFieldIndexing::default();
        let indexing = indexing.set_tokenizer(tokenizer).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let fields = SchemaFields {
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
fn open_index(
    path: &Path,
    library: i64,
) -> std::result::Result<(Index, Payload, IndexFolder), String> {
    if !path.is_dir() {
        return Err("there is none".to_owned());
    }
    let folder = IndexFolder::open(path).map_err(|e| e.to_string())?;
    let index = Index::open(folder.clone()).map_err(|e| e.to_string())?;
    let metas = index.load_metas().map_err(|e| e.to_string())?;
    let payload = metas.payload.unwrap_or_default();
    let payload: Option<Payload> = serde_json::from_str(&payload).ok();
    let expected = if folder.is_sealed() {
        (FORMAT, library)
    } else {
        (UNSEALED_FORMAT, 0)
    };
    match payload.filter(|_| index.schema() == schema().0) {
        Some(payload) if (payload.format, payload.library) == expected => {
            folder.check_seals()?;
            register_tokenizers(&index);
            Ok((index, payload, folder))
        }
        Some(payload) if payload.format == expected.0 => Err("it is of another library".to_owned()),
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

fn file_bytes(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests;
