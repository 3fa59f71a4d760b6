//! What can go wrong, as one enum whose variants are what a caller can do something about.
//!
//! Every variant carries the path, line or id it speaks of, and its source where there is one.
//! Nothing here prints: the binary turns an error into message, cause and hint (`cli/fault.rs`).
//! A single bad record of a dump is no error but a `Rejected` of the dump.

use std::io;
use std::path::{Path, PathBuf};

/// A failure whose type belongs to a library that only one room knows (SQLite, candle, hnsw_rs).
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything in this library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether a mail server that refuses a message takes it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It may, but now it takes nothing from anybody: it did not let akin come as far as a message.
    Server,
    /// It may.
    ForNow,
    /// It never takes this message.
    Message,
    /// It takes no message to this address.
    Address,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A dump is of no known format.
    #[error("{} is in no format that akin knows: {reason}", path.display())]
    UnknownFormat {
        /// The dump.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A dump of no bytes, or none but a BOM.
    #[error("{} is empty", path.display())]
    EmptyDump {
        /// The dump.
        path: PathBuf,
    },
    /// A dump that holds something was read to its end and gave no record.
    #[error("{} gives no paper: {reason}", path.display())]
    NoRecords {
        /// The dump.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A dump of columns has none that papers can be read from.
    #[error("{} cannot be read: {reason}", path.display())]
    Columns {
        /// The dump.
        path: PathBuf,
        /// Which column is missing or of what type it is.
        reason: String,
    },
    /// A record was rejected where none may be.
    #[error("{}, {what}", path.display())]
    Rejected {
        /// The dump.
        path: PathBuf,
        /// The record's place, its id where it has one, and what is wrong.
        what: String,
    },
    /// This build lacks what was asked for.
    #[error("{what} need akin built with the feature `{feature}`; this one is built without")]
    NotBuilt {
        /// What was asked for, in the plural.
        what: String,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
    /// Embeddings were wanted longer than the model makes them.
    #[error("embeddings of {wanted} numbers are wanted, and the model makes {dim}")]
    DimTooLarge {
        /// What was asked for.
        wanted: usize,
        /// What the model gives.
        dim: usize,
    },
    /// A folder was given where a dump file is wanted.
    #[error("{} is a folder, not a dump", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// No library at this place.
    #[error("no library at {}", path.display())]
    LibraryMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A folder that is not empty and holds no library.
    #[error("{} holds other files and no library: not touched", path.display())]
    NotALibrary {
        /// The folder.
        path: PathBuf,
    },
    /// A library written by a newer akin.
    #[error("the library {} has format {found}; this akin knows formats up to {supported}", path.display())]
    LibraryNewer {
        /// The library.
        path: PathBuf,
        /// Its format version.
        found: i64,
        /// The newest version that this build reads.
        supported: i64,
    },
    /// A library written by an older akin, and not opened for writing since.
    #[error("the library {} has format {found}, which has to be brought up to date first", path.display())]
    LibraryOlder {
        /// The library.
        path: PathBuf,
        /// Its format version.
        found: i64,
    },
    /// Another process writes to the library.
    #[error("the library {} is being written by {holder}", path.display())]
    LibraryBusy {
        /// The library.
        path: PathBuf,
        /// Who holds the lock, in words.
        holder: String,
    },
    /// Nothing has been added to the library yet.
    #[error("the library {} holds no papers", path.display())]
    LibraryEmpty {
        /// The library.
        path: PathBuf,
    },
    /// A file is not what was written.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
    /// There is no lexical index that can be trusted, and the words are needed.
    #[error("the words of the papers are not indexed in {}: {what}", path.display())]
    LexicalDoubt {
        /// The folder of the lexical index.
        path: PathBuf,
        /// What is missing or does not hold.
        what: String,
    },
    /// SQLite refused something.
    #[error("the database {} failed", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: Cause,
    },
    /// A model folder cannot be used.
    #[error("the model {model} cannot be used: {reason}")]
    Model {
        /// Its name or folder.
        model: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// A device to compute on is not in this build or not on this machine.
    #[error("nothing can be computed on {device}")]
    Device {
        /// What was asked for.
        device: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A model of the hub is not in the cache, or not whole.
    #[error("the model {id} is not on this machine: {reason}")]
    ModelMissing {
        /// Its id at the hub.
        id: String,
        /// Where it was looked for, or what is missing.
        reason: String,
    },
    /// The hub has no such model.
    #[error("the hub has no model {id}, or not at this revision: it answered {answer}")]
    UnknownModel {
        /// Its id, as it was asked for.
        id: String,
        /// The hub's words.
        answer: String,
    },
    /// The hub gives a model to some only.
    #[error("the hub does not give {id}: {reason}")]
    ModelDenied {
        /// Its id.
        id: String,
        /// What the hub said, and whether it was told who asks.
        reason: String,
    },
    /// A file of a model did not arrive as the hub has it. It was removed.
    #[error("{file} of {of} arrived damaged: its sha256 is {found}, and the hub has {expected}")]
    WrongBytes {
        /// The file.
        file: String,
        /// The model.
        of: String,
        /// The sha256 of what arrived, in hex.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// The network is needed, and not to be used.
    #[error("{what} would have to be fetched, and akin is to stay offline")]
    Offline {
        /// What is not here.
        what: String,
    },
    /// The model's arithmetic failed.
    #[error("the model could not be evaluated")]
    Encode {
        /// What the tensor library said.
        source: Cause,
    },
    /// The library's vectors were made by another model or recipe than the one at hand.
    #[error("the library was embedded with {stored}, not with {given}")]
    SpaceMismatch {
        /// The library's model and recipe, in words.
        stored: String,
        /// The one that was asked for.
        given: String,
    },
    /// A paper was not merged from the record that is to be taken out of it.
    #[error("{id} was not merged from all of these; its records are: {}", if sources.is_empty() { "only itself".to_owned() } else { sources.join(", ") })]
    NotASource {
        /// The paper.
        id: String,
        /// The ids of the records that it was merged from.
        sources: Vec<String>,
    },
    /// No paper answers to this id.
    #[error("no paper {id:?} in the library")]
    UnknownPaper {
        /// The id as it was typed.
        id: String,
    },
    /// Several papers answer to an id: each has it in its own collection.
    #[error("{} papers have the id {id:?}, each in its own collection: {}", ids.len(), ids.join(", "))]
    AmbiguousId {
        /// The id as it was typed.
        id: String,
        /// The spellings that name one paper each.
        ids: Vec<String>,
    },
    /// There is no follow of this name.
    #[error("no follow {name:?}{}", if known.is_empty() { "; there are none yet".to_owned() } else { format!("; there are {}", known.join(", ")) })]
    UnknownFollow {
        /// The name as it was typed.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A follow cannot be as it is wanted.
    #[error("the follow {name:?}: {reason}")]
    BadFollow {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A subscriber, or how mail is to be sent, cannot be as it is wanted.
    #[error("no mail can be sent like this: {reason}")]
    BadMail {
        /// What is wrong.
        reason: String,
    },
    /// A message was not taken by the mail server; it is kept and sent again.
    #[error("the digest for {to} was not sent through {server}: {reason}")]
    NotSent {
        /// The subscriber's address.
        to: String,
        /// The mail server.
        server: String,
        /// What went wrong, in the server's words where it said any.
        reason: String,
        /// Whether it will be taken later.
        refusal: Refusal,
    },
    /// The papers to be close to and to be away from have nothing left in common to search for.
    #[error("the papers to be close to and the papers to be away from cancel one another out")]
    NoDirection,
    /// There is nothing to search for.
    #[error("the query is empty")]
    EmptyQuery,
    /// A question is longer than any question.
    #[error("the question is longer than {} KiB", limit_bytes >> 10)]
    LongQuery {
        /// The longest that is asked.
        limit_bytes: usize,
    },
    /// A file of queries, judgments or settings is not what it should be.
    #[error("{}, line {line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// What is to be pulled makes no sense.
    #[error("nothing can be pulled like this: {reason}")]
    BadPull {
        /// What is wrong with it.
        reason: String,
    },
    /// A subscription cannot be used here.
    #[error("the subscription of {address}: {reason}")]
    BadSubscription {
        /// Whose it is.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server did not answer, or not for now. What was taken in stays.
    #[error("no answer from {url}: {reason}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the last attempt came to.
        reason: String,
    },
    /// A server answered that it will not give what was asked for.
    #[error("{url} was refused: {answer}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The server's words.
        answer: String,
    },
    /// A server's answer cannot be used, also when asked for again.
    #[error("{page} of {url} cannot be used: {reason}")]
    BadAnswer {
        /// Which page of which list.
        page: String,
        /// Where it was asked for.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The work was stopped by the caller; what was committed stays.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Wraps what the system said when reading `path`.
    pub fn read(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Read { path, source }
    }

    /// Wraps what the system said when writing `path`.
    pub fn write(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Write { path, source }
    }

    /// A [`Error::Damaged`] for `path`.
    pub fn damaged(path: impl AsRef<Path>, what: impl Into<String>) -> Error {
        Error::Damaged {
            path: path.as_ref().to_owned(),
            what: what.into(),
        }
    }

    /// A [`Error::NotBuilt`] for `what`.
    pub fn not_built(what: &str, feature: &'static str) -> Error {
        Error::NotBuilt {
            what: what.to_owned(),
            feature,
        }
    }

    /// A [`Error::Model`] for `model`.
    pub fn model(model: impl ToString, reason: impl ToString) -> Error {
        Error::Model {
            model: model.to_string(),
            reason: reason.to_string(),
        }
    }
}
