//! The names of fields in the user's own records, and how names are compared.

/// Fields that may hold the id.
pub(crate) const IDS: [&str; 19] = [
    "id",
    "paperid",
    "corduid",
    "openalexid",
    "uniquewosid",
    "eid",
    "arxivid",
    "doi",
    "corpusid",
    "docid",
    "uid",
    "pmid",
    "pubmedid",
    "medlinepmid",
    "pmcid",
    "s2id",
    "aclid",
    "accessionnumber",
    "zoterokey",
];
/// Fields that may hold the title.
pub(crate) const TITLES: [&str; 5] = [
    "title",
    "articletitle",
    "papertitle",
    "documenttitle",
    "primarytitle",
];
/// Fields that may hold the abstract.
pub(crate) const TEXTS: [&str; 8] = [
    "abstract",
    "abstracttext",
    "abstractnote",
    "paperabstract",
    "notesabstract",
    "summary",
    "text",
    "description",
];
/// The field that may occur without a title.
pub(crate) const PLAIN_TEXT: &str = "text";
/// The fields that may, if no record has a title.
pub(crate) const PLAIN_TEXTS: [&str; 5] = [
    PLAIN_TEXT,
    "abstract",
    "abstracttext",
    "paperabstract",
    "summary",
];

/// A field's name without case, separators and other marks.
pub(crate) fn plain_key(key: &str) -> String {
    let letters = key.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
