//! Keys of rows in the database.

/// A paper's key in the database: it stays the same when the paper changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PaperKey(pub i64);

/// The key of one run of `add`, from [`Writer::begin_ingest`](crate::Writer::begin_ingest).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IngestKey(pub i64);
