//! What a person who types may mean: ids by their beginnings, and the categories of late papers.
//!
//! Both are bounded in time, however large the library is. An index finds the ids, and only the papers that
//! were stored last are read.

use std::collections::BTreeSet;

use super::read::Library;
use akin_base::error::Result;
use akin_base::paper::PaperId;

impl Library {
    /// The first `n` ids that begin with `start`, in their order, each with its paper's title.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::error::Error::Database).
    pub fn ids_beginning(&self, start: &str, n: usize) -> Result<Vec<(PaperId, String)>> {
        let list = || {
            let sql = "SELECT id, json_extract(json, '$.title') FROM papers
                       LEFT JOIN records ON records.paper = key
                       WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3";
            let mut statement = self.db.prepare(sql)?;
            // No text is greater than one of this character, the last one that is.
            let end = format!("{start}\u{10FFFF}");
            let found = statement.query_map((start, end, n as i64), |row| {
                let id: String = row.get(0)?;
                let title: Option<String> = row.get(1)?;
                Ok((PaperId::from_stored(&id), title.unwrap_or_default()))
            })?;
            found.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// The categories of the last `n` papers stored, as they are spelt, each once.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::error::Error::Database).
    pub fn late_categories(&self, n: usize) -> Result<BTreeSet<String>> {
        let list = || {
            let sql = "SELECT json_extract(json, '$.categories') FROM records
                       ORDER BY paper DESC LIMIT ?1";
            let mut statement = self.db.prepare(sql)?;
            let found = statement.query_map([n as i64], |row| row.get::<_, Option<String>>(0))?;
            found.collect::<rusqlite::Result<Vec<_>>>()
        };
        let lists: Vec<Option<String>> = list().map_err(self.layout.database_error())?;
        let parsed = lists
            .into_iter()
            .flatten()
            .filter_map(|list| serde_json::from_str::<Vec<String>>(&list).ok());
        Ok(parsed.flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testdata::library_of;
    use super::*;

    #[test]
    fn ids_are_found_by_their_beginnings_and_no_more_than_asked() {
        let dir = tempfile::tempdir().unwrap();
        let _writer = library_of(dir.path(), 12);
        let library = Library::open(dir.path()).unwrap();
        let of = |start: &str, n: usize| {
            let found = library.ids_beginning(start, n).unwrap();
            let ids = found.iter().map(|(id, _)| id.bare().to_owned());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(of("p1", 9), ["p1", "p10", "p11"]);
        assert_eq!(of("p1", 2), ["p1", "p10"]);
        assert_eq!(of("", 99).len(), 12);
        assert_eq!(of("q", 9), [""; 0]);
        assert_eq!(library.ids_beginning("p7", 1).unwrap()[0].1, "Title of p7");
        assert!(library.late_categories(5).unwrap().is_empty());
    }
}
