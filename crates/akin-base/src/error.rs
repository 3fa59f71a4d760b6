//! The error type, with one variant per kind of failure that a caller can act on.
//!
//! Every variant carries the path, line or id concerned, and its source if there is one. Nothing
//! here prints: the binary turns an error into message, cause and hint (`cli/fault.rs`). A bad
//! record of a dump is not an error here: the dump reports it as rejected.

use std::io;
use std::path::{Path, PathBuf};

/// An error of a library that only one crate of akin knows (SQLite, candle, hnsw_rs).
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The result type of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether a mail server may take a refused message later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It may; at present it takes no messages at all.
    Server,
    /// It may; at present it does not take this message.
    ForNow,
    /// It never takes this message.
    Message,
    /// It never takes messages to this address.
    Address,
}

/// A failure.
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
    /// A dump has no known format.
    #[error("{} has no known format: {reason}", path.display())]
    UnknownFormat {
        /// The dump.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A dump is empty, or holds only a byte order mark.
    #[error("{} is empty", path.display())]
    EmptyDump {
        /// The dump.
        path: PathBuf,
    },
    /// A dump that is not empty was read to its end and gave no record.
    #[error("{} gives no paper: {reason}", path.display())]
    NoRecords {
        /// The dump.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A dump lacks columns that papers can be read from.
    #[error("{} cannot be read: {reason}", path.display())]
    Columns {
        /// The dump.
        path: PathBuf,
        /// Which column is missing, or its wrong type.
        reason: String,
    },
    /// A record was rejected, and the caller allows none.
    #[error("{}, {what}", path.display())]
    Rejected {
        /// The dump.
        path: PathBuf,
        /// The record's place, its id if it has one, and the fault.
        what: String,
    },
    /// This build lacks a feature.
    #[error("{what} need a build of akin with the feature `{feature}`")]
    NotBuilt {
        /// What needs the feature, in the plural.
        what: String,
        /// The cargo feature.
        feature: &'static str,
    },
    /// More dimensions were requested than the model has.
    #[error("cannot embed in {wanted} dimensions: the model has {dim}")]
    DimTooLarge {
        /// What was asked for.
        wanted: usize,
        /// The model's number of dimensions.
        dim: usize,
    },
    /// A folder was given instead of a dump file.
    #[error("{} is a folder, not a dump", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// There is no library at this path.
    #[error("no library at {}", path.display())]
    LibraryMissing {
        /// The path.
        path: PathBuf,
    },
    /// A folder is not empty and holds no library.
    #[error("{} holds other files and no library: not touched", path.display())]
    NotALibrary {
        /// The folder.
        path: PathBuf,
    },
    /// A library was written by a newer akin.
    #[error("the library {} has format {found}; this akin knows formats up to {supported}", path.display())]
    LibraryNewer {
        /// The library.
        path: PathBuf,
        /// Its format version.
        found: i64,
        /// The newest version that this build reads.
        supported: i64,
    },
    /// A library was written by an older akin, and not opened for writing since.
    #[error("the library {} has the older format {found}, which must be updated first", path.display())]
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
        /// The holder of the lock, for messages.
        holder: String,
    },
    /// Nothing has been added to the library yet.
    #[error("the library {} holds no papers", path.display())]
    LibraryEmpty {
        /// The library.
        path: PathBuf,
    },
    /// Papers have no embedding yet, and the command needs them.
    #[error("{what} not embedded yet")]
    NotEmbedded {
        /// The papers and the verb, such as `2503.11731 is`.
        what: String,
    },
    /// A file is damaged.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The fault.
        what: String,
    },
    /// A search needs the lexical index, which is missing or not trusted.
    #[error("the words of the papers are not indexed in {}: {what}", path.display())]
    LexicalDoubt {
        /// The folder of the lexical index.
        path: PathBuf,
        /// What is missing or wrong.
        what: String,
    },
    /// SQLite failed.
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
    /// A device is not supported by this build, or not on this machine.
    #[error("cannot compute on {device}")]
    Device {
        /// What was asked for.
        device: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A model of the hub is not in the cache, or not complete.
    #[error("the model {id} is not on this machine: {reason}")]
    ModelMissing {
        /// Its id at the hub.
        id: String,
        /// Where it was searched, or what is missing.
        reason: String,
    },
    /// The hub has no such model.
    #[error("the hub has no model {id}, or not at this revision: it answered {answer}")]
    UnknownModel {
        /// The requested id.
        id: String,
        /// The hub's answer.
        answer: String,
    },
    /// The hub refuses access to a model.
    #[error("the hub does not give {id}: {reason}")]
    ModelDenied {
        /// Its id.
        id: String,
        /// The hub's answer, and whether a token was sent.
        reason: String,
    },
    /// A downloaded file of a model has another sha256 than at the hub. It was removed.
    #[error("{file} of {of} arrived damaged: its sha256 is {found}, but the hub has {expected}")]
    WrongBytes {
        /// The file.
        file: String,
        /// The model.
        of: String,
        /// The sha256 of the downloaded file, in hex.
        found: String,
        /// The sha256 at the hub, in hex.
        expected: String,
    },
    /// The network is needed, but akin is offline.
    #[error("{what} would have to be fetched, but akin is offline")]
    Offline {
        /// What would have to be fetched.
        what: String,
    },
    /// The model's arithmetic failed.
    #[error("the model could not be evaluated")]
    Encode {
        /// What the tensor library said.
        source: Cause,
    },
    /// The library's vectors were made by another model or recipe.
    #[error("the library was embedded with {stored}, not with {given}")]
    SpaceMismatch {
        /// The library's model and recipe, for messages.
        stored: String,
        /// The one that was asked for.
        given: String,
    },
    /// A paper was not merged from the record that is to be split off.
    #[error("{id} was not merged from all of these; its records are: {}", if sources.is_empty() { "only itself".to_owned() } else { sources.join(", ") })]
    NotASource {
        /// The paper.
        id: String,
        /// The ids of the records that it was merged from.
        sources: Vec<String>,
    },
    /// No paper has this id.
    #[error("no paper {id:?} in the library")]
    UnknownPaper {
        /// The id as it was typed.
        id: String,
    },
    /// Several papers have this id, each in its own collection.
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
        /// The existing names.
        known: Vec<String>,
    },
    /// A follow is invalid.
    #[error("the follow {name:?}: {reason}")]
    BadFollow {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A subscriber, or the mail settings, are invalid.
    #[error("no mail can be sent like this: {reason}")]
    BadMail {
        /// What is wrong.
        reason: String,
    },
    /// The mail server did not take a message; it is kept and sent again.
    #[error("the digest for {to} was not sent through {server}: {reason}")]
    NotSent {
        /// The subscriber's address.
        to: String,
        /// The mail server.
        server: String,
        /// The reason, in the server's words if it gave any.
        reason: String,
        /// Whether the server may take it later.
        refusal: Refusal,
    },
    /// The papers to search near and the papers to search away from cancel out.
    #[error("the papers to be close to and the papers to be away from cancel one another out")]
    NoDirection,
    /// The query is empty.
    #[error("the query is empty")]
    EmptyQuery,
    /// A query is too long.
    #[error("the query is longer than {} KiB", limit_bytes >> 10)]
    LongQuery {
        /// The largest size in bytes.
        limit_bytes: usize,
    },
    /// A file of queries, judgments or settings is malformed.
    #[error("{}, line {line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// Vectors that were computed elsewhere cannot be used.
    #[error("the vectors of {} cannot be taken: {what}", path.display())]
    BadVectors {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        what: String,
    },
    /// A pull is invalid.
    #[error("cannot pull: {reason}")]
    BadPull {
        /// What is wrong with it.
        reason: String,
    },
    /// A subscription cannot be used here.
    #[error("the subscription of {address}: {reason}")]
    BadSubscription {
        /// The subscriber's address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A server gives no answer. What was already taken in stays.
    #[error("no answer from {url}: {reason}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// The result of the last attempt.
        reason: String,
    },
    /// A server refused a request.
    #[error("{url} was refused: {answer}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The server's answer.
        answer: String,
    },
    /// A server's answer is unusable, even after another attempt.
    #[error("{page} of {url} cannot be used: {reason}")]
    BadAnswer {
        /// The page, and its list.
        page: String,
        /// Its address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The caller stopped the work; what was committed stays.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Wraps the system's error from reading `path`.
    pub fn read(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Read { path, source }
    }

    /// Wraps the system's error from writing `path`.
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
