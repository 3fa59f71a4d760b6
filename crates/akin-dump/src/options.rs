//! What the user says about a dump that its content does not say.

use crate::registry::Format;

/// How dumps are read where their content does not say it.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format; told from the content where it is `None`.
    pub format: Option<Format>,
    /// Which columns of CSV, TSV, Arrow or Parquet to read: pairs of a paper's field (`title`,
    /// `abstract`, `id`, `authors`, `date`, …) and the column's name.
    pub columns: Vec<(String, String)>,
    /// The year of a day that stands in a dump without one (`Aug 6`); such a day is none where `None`.
    pub year: Option<i16>,
    /// What the collection is called that the records belong to; the dump's name, or its feed's, where
    /// `None`.
    pub collection: Option<String>,
}
