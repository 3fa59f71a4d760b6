//! Filters of papers by date, category, author or key, as SQL over the narrow columns.

use jiff::civil::Date;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;

use super::keys::PaperKey;
use akin_base::categories;
use akin_base::name::{AskedName, words};
use akin_base::paper::Paper;

/// The SQL function that compares a paper's `authors` column with a name: `is_by(authors, name)`.
const IS_BY: &str = "is_by";

/// Which papers a search may return. All conditions must hold; within `categories` and `authors`
/// one match is enough. An empty filter passes every paper.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Dated this day or later. Papers without a date do not pass. One that is dated with a year or a
    /// month passes if any day of it does.
    pub since: Option<Date>,
    /// Dated this day or earlier, likewise.
    pub until: Option<Date>,
    /// Category codes (`cs.CL`), whole archives (`cs`), or names (`Machine Learning`), in any case.
    pub categories: Vec<String>,
    /// Names of authors, as whole words, in any case, with or without accents. `lee` and `a. lee`
    /// match `Ada Lee`, but not `Ada Leeson`. A name without letters matches nobody.
    pub authors: Vec<String>,
    /// A paper must have all of these authors.
    pub by_all: Vec<String>,
    /// A paper may have none of these authors.
    pub by_none: Vec<String>,
    /// Only papers with these keys.
    pub among: Option<Vec<PaperKey>>,
}

impl Filter {
    /// Whether every paper passes.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Whether a paper passes that need not be in a library. [`Filter::among`] is not asked.
    pub fn passes(&self, paper: &Paper) -> bool {
        let date = paper.date();
        let in_time = self
            .since
            .is_none_or(|since| date.is_some_and(|date| date.last() >= since))
            && self
                .until
                .is_none_or(|until| date.is_some_and(|date| date.first() <= until));
        let categories = categories_column(&paper.categories);
        let is_of = |category: &String| {
            categories.contains(&format!("\n{}\n", categories::asked(category)))
        };
        let authors = authors_column(&paper.authors);
        let is_by = |name: &String| AskedName::parse(name).is_among(&authors);
        in_time
            && (self.categories.is_empty() || self.categories.iter().any(is_of))
            && (self.authors.is_empty() || self.authors.iter().any(is_by))
            && self.by_all.iter().all(is_by)
            && !self.by_none.iter().any(is_by)
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
        if let Some(since) = self.since.map(|since| since.to_string()) {
            // Its year and its month alone come before it, and may still lie after it.
            all.push("(papers.date >= ? OR papers.date IN (?, ?))".to_owned());
            let parts = [&*since, &since[..4], &since[..7]];
            values.extend(parts.map(|part| Value::from(part.to_owned())));
        }
        if let Some(until) = self.until {
            all.push("papers.date <= ?".to_owned());
            values.push(Value::from(until.to_string()));
        }
        let line = |c: &String| format!("\n{}\n", categories::asked(c));
        let mut add = |condition: String, needles: Vec<String>| {
            all.push(condition);
            values.extend(needles.into_iter().map(Value::from));
        };
        let any = |one: &str, n: usize| format!("({})", vec![one; n].join(" OR "));
        let codes: Vec<String> = self.categories.iter().map(line).collect();
        if !codes.is_empty() {
            add(any("instr(papers.categories, ?) > 0", codes.len()), codes);
        }
        let is_by = format!("{IS_BY}(papers.authors, ?)");
        if !self.authors.is_empty() {
            add(any(&is_by, self.authors.len()), self.authors.clone());
        }
        for name in &self.by_all {
            add(is_by.clone(), vec![name.clone()]);
        }
        for name in &self.by_none {
            add(format!("NOT {is_by}"), vec![name.clone()]);
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

/// The `authors` column of a paper: the [words] of every name, each name in a line of its own.
pub(super) fn authors_column(authors: &[String]) -> String {
    let names = authors.iter().map(|name| words(name) + "\n");
    std::iter::once("\n".to_owned()).chain(names).collect()
}

/// Teaches a connection the conditions of filters.
pub(super) fn add_functions(db: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function(IS_BY, 2, flags, |context: &Context<'_>| {
        let parse = |value: rusqlite::types::ValueRef<'_>| value.as_str().map(AskedName::parse);
        let asked = context.get_or_create_aux(1, parse)?;
        Ok(asked.is_among(context.get_raw(0).as_str()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_filter_asks_nothing() {
        assert!(Filter::default().is_empty());
        assert_eq!(Filter::default().sql(), ("1".to_owned(), Vec::new()));
    }

    /// Which papers, by their numbers, pass.
    #[track_caller]
    fn check(filter: &Filter, expected: &[i64]) {
        let db = Connection::open_in_memory().unwrap();
        add_functions(&db).unwrap();
        db.execute_batch("CREATE TABLE papers (key INTEGER, authors TEXT)")
            .unwrap();
        let of_papers: [&[&str]; 4] = [
            &["Ada Lee", "Bo Li"],
            &["Ada Leeson", "Mary O’Neil"],
            &["A. B. Lee"],
            &[],
        ];
        for (key, authors) in of_papers.iter().enumerate() {
            let authors: Vec<String> = authors.iter().map(|&name| name.to_owned()).collect();
            let row = (key as i64, authors_column(&authors));
            db.execute("INSERT INTO papers (key, authors) VALUES (?, ?)", row)
                .unwrap();
        }
        let (condition, values) = filter.sql();
        let sql = format!("SELECT key FROM papers WHERE {condition} ORDER BY key");
        let mut statement = db.prepare(&sql).unwrap();
        let keys = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0));
        let keys: Vec<i64> = keys.unwrap().map(Result::unwrap).collect();
        assert_eq!(keys, expected, "{filter:?}");
    }

    #[test]
    fn authors_are_found_by_whole_names() {
        let by = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let any = |names: &[&str]| Filter {
            authors: by(names),
            ..Filter::default()
        };
        check(&any(&["lee"]), &[0, 2]);
        check(&any(&["ADA LEE"]), &[0, 2]);
        check(&any(&["lee", "o'neil"]), &[0, 1, 2]);
        check(&any(&["nobody"]), &[]);
        check(&any(&[" "]), &[]);
        // Words of two authors are no name.
        check(&any(&["lee li"]), &[]);
        let all = Filter {
            by_all: by(&["lee", "li"]),
            ..Filter::default()
        };
        check(&all, &[0]);
        let none = Filter {
            authors: by(&["lee"]),
            by_none: by(&["bo li"]),
            ..Filter::default()
        };
        check(&none, &[2]);
    }

    #[test]
    fn a_paper_outside_of_a_library_passes_as_one_inside() {
        let id = akin_base::paper::PaperId::from_title("x");
        let mut paper = Paper::new(id, "x", "");
        paper.authors = vec!["Ada Lee".to_owned(), "Bo Li".to_owned()];
        paper.categories = vec!["cs.CL".to_owned()];
        paper.published = Some("2024-05-17".parse().unwrap());
        let date = |text: &str| Some(text.parse().unwrap());
        let check = |change: &dyn Fn(&mut Filter), expected: bool| {
            let mut filter = Filter::default();
            change(&mut filter);
            assert_eq!(filter.passes(&paper), expected, "{filter:?}");
        };
        check(&|_| {}, true);
        check(&|f| f.since = date("2024-05-17"), true);
        check(&|f| f.since = date("2024-05-18"), false);
        check(&|f| f.until = date("2024-05-16"), false);
        check(&|f| f.categories = vec!["CS".to_owned()], true);
        check(
            &|f| f.categories = vec!["c".to_owned(), "math".to_owned()],
            false,
        );
        check(&|f| f.authors = vec!["a. lee".to_owned()], true);
        check(&|f| f.authors = vec!["lee li".to_owned()], false);
        check(&|f| f.by_none = vec!["li".to_owned()], false);
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
