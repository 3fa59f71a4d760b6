//! What is in a library, in an order: keys of papers, to be read one by one.
//!
//! In: a filter and an order. Out: keys, 8 bytes each. Withdrawn papers are among them. Orders by columns
//! of `papers` read no record; those by title and by votes read every record that passes.

use rusqlite::types::Value;

use super::filter::Filter;
use super::keys::PaperKey;
use super::read::Library;
use akin_base::error::Result;

/// An order of papers. Papers that are equal in it are ordered as they were added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PaperOrder {
    /// By date, earliest first; papers without a date come last.
    Date,
    /// As they were added.
    #[default]
    Added,
    /// By title, without case in ASCII.
    Title,
    /// By upvotes, fewest first; papers without any come last.
    Votes,
    /// By id.
    Id,
}

/// A part of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaperPage {
    /// Number of papers that are passed over.
    pub offset: usize,
    /// Number of papers at most; `None` for all.
    pub limit: Option<usize>,
}

impl PaperOrder {
    /// The terms of `ORDER BY`.
    fn terms(self, is_reverse: bool) -> String {
        let by = match self {
            PaperOrder::Date => "papers.date",
            PaperOrder::Added => "papers.key",
            PaperOrder::Title => "json_extract(records.json, '$.title') COLLATE NOCASE",
            PaperOrder::Votes => "json_extract(records.json, '$.upvotes')",
            PaperOrder::Id => "papers.id",
        };
        let direction = if is_reverse { "DESC" } else { "ASC" };
        match self {
            PaperOrder::Added => format!("{by} {direction}"),
            _ => format!("{by} {direction} NULLS LAST, papers.key"),
        }
    }

    fn reads_records(self) -> bool {
        matches!(self, PaperOrder::Title | PaperOrder::Votes)
    }
}

impl Library {
    /// The papers that pass a filter, in an order.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database).
    pub fn list(
        &self,
        filter: &Filter,
        order: PaperOrder,
        is_reverse: bool,
        page: PaperPage,
    ) -> Result<Vec<PaperKey>> {
        let (condition, mut values) = filter.sql();
        let records = if order.reads_records() {
            "JOIN records ON records.paper = papers.key"
        } else {
            ""
        };
        let terms = order.terms(is_reverse);
        let sql = format!(
            "SELECT papers.key FROM papers {records} WHERE {condition}
             ORDER BY {terms} LIMIT ? OFFSET ?"
        );
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        values.push(Value::from(page.limit.map_or(-1, number)));
        values.push(Value::from(number(page.offset)));
        let list = || {
            let mut statement = self.db.prepare(&sql)?;
            let keys = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?;
            keys.map(|key| key.map(PaperKey)).collect()
        };
        let keys: rusqlite::Result<_> = list();
        keys.map_err(self.layout.database_error())
    }

    /// Number of papers that pass a filter.
    ///
    /// # Errors
    /// As [`Library::list`].
    pub fn n_listed(&self, filter: &Filter) -> Result<u64> {
        let (condition, values) = filter.sql();
        let sql = format!("SELECT count(*) FROM papers WHERE {condition}");
        let values = rusqlite::params_from_iter(values);
        let n = self.db.query_row(&sql, values, |row| row.get(0));
        n.map_err(self.layout.database_error())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testdata::library_of;
    use super::*;

    #[test]
    fn papers_are_listed_in_an_order_and_by_pages() {
        let dir = tempfile::tempdir().unwrap();
        drop(library_of(dir.path(), 5));
        let library = Library::open(dir.path()).unwrap();
        let listed = |order, is_reverse, offset, limit| {
            let page = PaperPage { offset, limit };
            let keys = library.list(&Filter::default(), order, is_reverse, page);
            let keys = keys.unwrap().into_iter();
            keys.map(|key| library.paper(key).unwrap().unwrap().0.id.to_string())
                .collect::<Vec<_>>()
        };
        let all = ["p0", "p1", "p2", "p3", "p4"];
        for order in [
            PaperOrder::Date,
            PaperOrder::Added,
            PaperOrder::Title,
            PaperOrder::Votes,
            PaperOrder::Id,
        ] {
            assert_eq!(listed(order, false, 0, None), all, "{order:?}");
        }
        assert_eq!(listed(PaperOrder::Added, true, 1, Some(2)), ["p3", "p2"]);
        assert_eq!(listed(PaperOrder::Id, true, 0, Some(1)), ["p4"]);
        assert_eq!(listed(PaperOrder::Id, false, 5, None), [""; 0]);
        assert_eq!(library.n_listed(&Filter::default()).unwrap(), 5);
    }
}
