//! The kinds of ids that name a work anywhere.

/// A registry or index whose ids name a work anywhere; ordered by preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum IdKind {
    /// arXiv.
    Arxiv,
    /// A digital object identifier.
    Doi,
    /// PubMed.
    Pmid,
    /// PubMed Central.
    Pmcid,
    /// ACL Anthology.
    Acl,
    /// A work of OpenAlex.
    OpenAlex,
    /// A paper of Semantic Scholar, by its number.
    CorpusId,
    /// A paper of Semantic Scholar, by its hash.
    SemanticScholar,
}
