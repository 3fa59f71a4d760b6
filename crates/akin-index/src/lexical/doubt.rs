//! Why the index of the words cannot be used.

use std::fmt;

use tantivy::TantivyError;

/// Why the index of the words cannot be used: what is damaged, or missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexicalDoubt(String);

impl LexicalDoubt {
    /// A doubt for this reason.
    pub fn new(reason: impl Into<String>) -> LexicalDoubt {
        LexicalDoubt(reason.into())
    }
}

impl fmt::Display for LexicalDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LexicalDoubt {}

impl From<TantivyError> for LexicalDoubt {
    fn from(error: TantivyError) -> LexicalDoubt {
        LexicalDoubt(error.to_string())
    }
}

impl From<String> for LexicalDoubt {
    fn from(reason: String) -> LexicalDoubt {
        LexicalDoubt(reason)
    }
}
