//! Which papers may be found: dates, categories, authors, or listed one by one, as SQL over the narrow
//! columns.

use jiff::civil::Date;
use rusqlite::types::Value;

use super::PaperKey;
use crate::categories;
use crate::text::fold;

/// Which papers may be found. An empty filter lets all through; every condition must hold, and
/// within `categories` and `authors` one match is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Dated this day or later. Papers without a date do not pass.
    pub since: Option<Date>,
    /// Dated this day or earlier. Papers without a date do not pass.
    pub until: Option<Date>,
    /// Category codes (`cs.CL`), whole archives (`cs`), or names (`Machine Learning`), in any case.
    pub categories: Vec<String>,
    /// Parts of authors' names, in any case, with or without accents.
    pub authors: Vec<String>,
    /// Only papers with these keys.
    pub among: Option<Vec<PaperKey>>,
}

impl Filter {
    /// Whether every paper passes.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// The condition on `papers`, and the values for its `?`.
    pub(super) fn sql(&self) -> (String, Vec<Value>) {
        let mut all = vec!["1".to_owned()];
        let mut values = Vec::new();
        if let Some(keys) = &self.among {
            // One value, however many keys there are.
            let keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
            all.push("papers.key IN (SELECT value FROM json_each(?))".to_owned());
            values.push(Value::from(
                serde_json::to_string(&keys).expect("numbers are plain data"),
            ));
        }
        for (date, comparison) in [(self.since, ">="), (self.until, "<=")] {
            if let Some(date) = date {
                all.push(format!("papers.date {comparison} ?"));
                values.push(Value::from(date.to_string()));
            }
        }
        let line = |c: &String| format!("\n{}\n", categories::asked(c));
        let categories: Vec<String> = self.categories.iter().map(line).collect();
        let authors: Vec<String> = self.authors.iter().map(|a| fold(a)).collect();
        for (column, needles) in [("categories", categories), ("authors", authors)] {
            if needles.is_empty() {
                continue;
            }
            let one = format!("instr(papers.{column}, ?) > 0");
            all.push(format!("({})", vec![one; needles.len()].join(" OR ")));
            values.extend(needles.into_iter().map(Value::from));
        }
        (all.join(" AND "), values)
    }
}

/// The `categories` column of a paper: a line for every name that one of them is found by. No name
/// holds a line end.
pub(super) fn categories_column(categories: &[String]) -> String {
    let names = categories.iter().flat_map(|c| categories::names(c));
    let lines = names.map(|name| name + "\n");
    std::iter::once("\n".to_owned()).chain(lines).collect()
}

/// The `authors` column of a paper.
pub(super) fn authors_column(authors: &[String]) -> String {
    let names = authors.iter().map(|a| fold(a) + "\n");
    std::iter::once("\n".to_owned()).chain(names).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_filter_asks_nothing() {
        assert!(Filter::default().is_empty());
        assert_eq!(Filter::default().sql(), ("1".to_owned(), Vec::new()));
    }

    #[test]
    fn a_category_is_a_whole_line() {
        let categories = ["cs.CL", "Machine Learning"].map(str::to_owned);
        assert_eq!(
            categories_column(&categories),
            "\ncs.cl\ncs\nmachine learning\n"
        );
        assert_eq!(categories_column(&[]), "\n");
        let filter = Filter {
            categories: vec![" Machine  learning".to_owned()],
            ..Filter::default()
        };
        let (_, values) = filter.sql();
        assert_eq!(values, [Value::from("\nmachine learning\n".to_owned())]);
    }
}
