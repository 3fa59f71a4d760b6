//! The columns of a table of papers that akin exports, and knows again when it reads one.

/// The columns, in their order. A cell that a spreadsheet would take for a formula has an apostrophe
/// before it, in tables with exactly these columns.
pub const TABLE_COLUMNS: [&str; 21] = [
    "id",
    "title",
    "authors",
    "published",
    "updated",
    "journal",
    "volume",
    "doi",
    "arxiv_id",
    "pmid",
    "pmcid",
    "acl_id",
    "openalex_id",
    "corpus_id",
    "s2_id",
    "categories",
    "comment",
    "notice",
    "upvotes",
    "url",
    "abstract",
];
