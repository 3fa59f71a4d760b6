//! What the user says about a dump that its content does not say.

use crate::registry::Format;

/// How dumps are read if their content does not say it.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format; recognised from the content if `None`.
    pub format: Option<Format>,
    /// Which columns of CSV, TSV, Arrow or Parquet to read, and which fields of JSON records. They are
    /// pairs of a paper's field (`title`, `abstract`, `id`, `authors`, `date`, …) and its name there.
    /// Formats whose fields have fixed names are refused with any.
    pub columns: Vec<(String, String)>,
    /// The year for a day that the dump gives without one (`Aug 6`); if `None`, such a day is
    /// dropped.
    pub year: Option<i16>,
    /// The name of the records' collection; if `None`, the dump's name, or its feed's.
    pub collection: Option<String>,
}
