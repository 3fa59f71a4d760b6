//! Faults of a library, as data. Each is displayed as a sentence that ends with a remedy.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::folder::Orphan;
use akin_base::paper::PaperId;
use akin_base::vectors::Row;

/// A fault of a library, with its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The file that has it.
    pub path: PathBuf,
    /// The row of the active space concerned.
    #[serde(serialize_with = "number")]
    pub row: Option<Row>,
    /// The paper concerned.
    pub paper: Option<PaperId>,
    /// What is wrong.
    #[serde(flatten)]
    pub fault: Fault,
}

/// A kind of fault.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// SQLite found its file damaged.
    Database {
        /// What SQLite said.
        what: String,
    },
    /// A row of a table refers to one that does not exist.
    Dangling {
        /// The table with the reference.
        table: String,
        /// The table that it refers to.
        parent: String,
    },
    /// A paper's record is missing or cannot be read.
    Record {
        /// Which of the two, and the reason.
        what: String,
    },
    /// A column differs from the paper's record.
    Column {
        /// Its name.
        column: &'static str,
    },
    /// The database has lost papers whose rows were committed.
    CommitsLost {
        /// The least number of such rows.
        n_rows: u64,
    },
    /// The count of committed rows is damaged.
    CommittedUnknown,
    /// The database has lost changes of papers.
    ChangesLost,
    /// No row can be read.
    Rows {
        /// Why.
        what: String,
    },
    /// The file ends before a committed row.
    RowMissing,
    /// A row does not match its checksum.
    RowDamaged,
    /// A row holds a number that is not finite.
    RowNotFinite,
    /// A row is not of length 1.
    RowLength {
        /// Its length.
        length: f32,
    },
    /// A paper or a dead row refers to a row past the count.
    RowPastEnd {
        /// The number of rows.
        n_rows: usize,
    },
    /// A row is the embedding of an earlier text.
    RowOutdated,
    /// Two papers claim the same row.
    RowClaimedTwice,
    /// A row is claimed by a paper but marked dead.
    RowLiveAndDead,
    /// A row is neither claimed by a paper nor marked dead.
    RowUnclaimed,
    /// A file left behind by interrupted work; nothing refers to it.
    Leftover {
        /// Its bytes.
        bytes: u64,
    },
    /// A file that is not akin's.
    Stranger {
        /// Its bytes.
        bytes: u64,
    },
}

impl Finding {
    pub(super) fn of_file(path: &Path, fault: Fault) -> Finding {
        Finding {
            path: path.to_owned(),
            row: None,
            paper: None,
            fault,
        }
    }

    pub(super) fn of_orphan(orphan: Orphan) -> Finding {
        let bytes = orphan.bytes;
        let fault = if orphan.is_leftover {
            Fault::Leftover { bytes }
        } else {
            Fault::Stranger { bytes }
        };
        Finding::of_file(&orphan.path, fault)
    }

    /// The committed row that must not be searched, if the fault concerns one.
    pub fn unusable_row(&self) -> Option<Row> {
        match self.fault {
            Fault::RowPastEnd { .. } => None,
            _ => self.row,
        }
    }

    /// Whether it is a file that nothing refers to, and no damage.
    pub fn is_orphan(&self) -> bool {
        matches!(self.fault, Fault::Leftover { .. } | Fault::Stranger { .. })
    }

    /// Whether a paper, or all of them, must be embedded again.
    pub fn wants_embedding(&self) -> bool {
        match self.fault {
            Fault::RowMissing
            | Fault::RowDamaged
            | Fault::RowNotFinite
            | Fault::RowLength { .. }
            | Fault::RowPastEnd { .. }
            | Fault::RowOutdated
            | Fault::RowClaimedTwice => self.paper.is_some(),
            Fault::Rows { .. } => true,
            _ => false,
        }
    }

    /// What the user can do about it.
    fn remedy(&self) -> String {
        match (&self.fault, &self.paper) {
            (Fault::Leftover { .. }, _) => "`akin check --repair` deletes it".to_owned(),
            (Fault::Stranger { .. }, _) => {
                "it is left alone, and can be moved elsewhere".to_owned()
            }
            (Fault::RowLiveAndDead | Fault::RowUnclaimed, _) | (Fault::RowPastEnd { .. }, None) => {
                "`akin compact` removes it".to_owned()
            }
            (Fault::CommitsLost { .. } | Fault::ChangesLost, _) => {
                "add the dumps of that time again, or pull; then `akin check --repair` accepts the present state"
                    .to_owned()
            }
            (Fault::CommittedUnknown, _) => "`akin check --repair` corrects it".to_owned(),
            (Fault::Column { .. }, _) => {
                "`akin check --repair` rebuilds it from the record".to_owned()
            }
            (Fault::Rows { .. }, _) => {
                "`akin check --repair` embeds the papers of lost rows again".to_owned()
            }
            (_, Some(_)) if self.wants_embedding() => {
                "`akin check --repair` embeds it again".to_owned()
            }
            (_, Some(paper)) => {
                format!("run `akin remove {paper}`, then `akin add` with the dump that has it")
            }
            (_, None) => "restore it from a backup, or add the dumps to a new library".to_owned(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match (self.row, &self.paper) {
            (Some(row), Some(paper)) => write!(f, "row {}, of paper {paper}, ", row.0)?,
            (Some(row), None) => write!(f, "row {} ", row.0)?,
            (None, Some(paper)) => write!(f, "paper {paper} ")?,
            (None, None) => {}
        }
        write!(f, "{}; {}", self.fault, self.remedy())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Database { what } | Fault::Rows { what } => f.write_str(what),
            Fault::Dangling { table, parent } => write!(
                f,
                "a row of the table {table} refers to one of {parent} that does not exist"
            ),
            Fault::Record { what } => write!(f, "has no readable record ({what})"),
            Fault::Column { column } => {
                write!(f, "has a column `{column}` that differs from its record")
            }
            Fault::CommitsLost { n_rows } => write!(
                f,
                "it has lost commits: {n_rows} stored embeddings, or their papers, are not in it"
            ),
            Fault::CommittedUnknown => {
                f.write_str("its count of committed rows does not match its checksum")
            }
            Fault::ChangesLost => f.write_str(
                "it has lost commits: the index of words knows of later changes to papers",
            ),
            Fault::RowMissing => f.write_str("is past the end of the file"),
            Fault::RowDamaged => f.write_str("does not match its checksum"),
            Fault::RowNotFinite => f.write_str("holds a number that is not finite"),
            Fault::RowLength { length } => write!(f, "has length {length}, not 1"),
            Fault::RowPastEnd { n_rows } => {
                write!(f, "is referred to, but there are only {n_rows} rows")
            }
            Fault::RowOutdated => f.write_str("is that of another text"),
            Fault::RowClaimedTwice => f.write_str("is also another paper's"),
            Fault::RowLiveAndDead => f.write_str("counts as removed, so the paper is not found"),
            Fault::RowUnclaimed => {
                f.write_str("belongs to no paper, and does not count as removed")
            }
            Fault::Leftover { .. } => f.write_str("it was left behind by interrupted work"),
            Fault::Stranger { .. } => f.write_str("it is not akin's"),
        }
    }
}

fn number<S: Serializer>(row: &Option<Row>, serializer: S) -> Result<S::Ok, S::Error> {
    row.map(|row| row.0).serialize(serializer)
}
