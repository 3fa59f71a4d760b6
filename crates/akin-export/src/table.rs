//! CSV (RFC 4180): a row a paper, under a line of names.
//!
//! Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula.
//! Such a cell gets an apostrophe before it. akin takes it off again in files with exactly these
//! [`TABLE_COLUMNS`]. A list is separated by semicolons, or is a JSON list where semicolons would not do.

use std::borrow::Cow;
use std::io::{self, Write};

use akin_base::categories;
use akin_base::paper::{IdKind, Paper, PaperId, PartialDate, TABLE_COLUMNS};

use crate::ids::number;

/// Writes rows.
pub(crate) type TableWriter<W> = csv::Writer<W>;

/// Writes the line of names.
pub(crate) fn begin<W: Write>(out: W) -> io::Result<TableWriter<W>> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(TABLE_COLUMNS)?;
    Ok(rows)
}

/// Writes a row.
pub(crate) fn write<W: Write>(rows: &mut TableWriter<W>, paper: &Paper) -> io::Result<()> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let ids = |kind| {
        let ids = std::iter::once(&paper.id).chain(&paper.aliases);
        let of_kind = ids.filter(|id| id.kind() == Some(kind)).map(number_of);
        list(of_kind.collect(), false)
    };
    let date = |date: Option<PartialDate>| date.map(|date| date.to_string()).unwrap_or_default();
    // Of a paper that was only listed, the day of the list is its date.
    let published = paper.published.or(match paper.updated {
        None => paper.listed.map(PartialDate::from),
        Some(_) => None,
    });
    let id = match paper.id.is_made() {
        true => String::new(),
        false => paper.id.to_string(),
    };
    let cells: [String; TABLE_COLUMNS.len()] = [
        id,
        paper.title.clone(),
        names(&paper.authors),
        date(published),
        date(paper.updated),
        text(&paper.journal),
        text(&paper.volume),
        ids(IdKind::Doi),
        ids(IdKind::Arxiv),
        ids(IdKind::Pmid),
        ids(IdKind::Pmcid),
        ids(IdKind::Acl),
        ids(IdKind::OpenAlex),
        ids(IdKind::CorpusId),
        ids(IdKind::SemanticScholar),
        list(paper.categories.iter().map(String::as_str).collect(), true),
        text(&paper.comment),
        paper
            .notice
            .map(|notice| notice.to_string())
            .unwrap_or_default(),
        paper.upvotes.map(|n| n.to_string()).unwrap_or_default(),
        paper.address().unwrap_or_default(),
        paper.abstract_text.clone(),
    ];
    for cell in &cells {
        rows.write_field(defused(cell).as_bytes())?;
    }
    rows.write_record(None::<&[u8]>)?;
    Ok(())
}

/// Ends the table.
pub(crate) fn end<W: Write>(rows: TableWriter<W>) -> io::Result<W> {
    rows.into_inner().map_err(|error| {
        let kind = error.error().kind();
        io::Error::new(kind, error.to_string())
    })
}

/// A cell that is no formula: with an apostrophe before what would begin one, apostrophes included.
fn defused(cell: &str) -> Cow<'_, str> {
    let bare = cell.trim_start_matches('\'');
    if bare.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// An id as its column has it.
fn number_of(id: &PaperId) -> &str {
    match id.kind() {
        Some(IdKind::Pmid | IdKind::CorpusId) => number(id),
        _ => id.as_str(),
    }
}

/// Names between semicolons; a JSON list if that would be read differently.
fn names(names: &[String]) -> String {
    let is_plain = |name: &String| {
        let is_of_name = |c: char| c.is_alphanumeric() || " .-'’".contains(c);
        let last = name.rsplit(' ').next().unwrap_or_default();
        let ends_in_word = last.contains(char::is_lowercase) && !last.contains('.');
        // What follows such words is not read as a part of the name.
        let has_words = [" and ", " for ", " on behalf of "];
        let is_divided = has_words.iter().any(|words| name.contains(words));
        name.chars().all(is_of_name) && !is_divided && ends_in_word
    };
    if names.iter().all(is_plain) {
        names.join("; ")
    } else {
        let literal = |name: &String| serde_json::json!({"literal": name});
        json_list(&names.iter().map(literal).collect::<Vec<_>>())
    }
}

/// A list between semicolons. One that is alone may hold commas, and then gets a semicolon after it.
fn list(items: Vec<&str>, is_of_words: bool) -> String {
    match items[..] {
        [] => String::new(),
        [one] if !is_of_words || !is_divided(one) => one.to_owned(),
        _ if items.iter().any(|one| one.contains([';', '[', '(', ')'])) => json_list(&items),
        [one] => format!("{one};"),
        // Ids are a list of their own.
        _ if !is_of_words => json_list(&items),
        _ => items.join("; "),
    }
}

/// Whether a single category would be read as several.
fn is_divided(category: &str) -> bool {
    let are_codes = || category.split_whitespace().all(categories::is_code);
    category.contains([',', ';', '[']) || (category.contains(' ') && are_codes())
}

fn json_list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_apostrophes() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("-omics", "'-omics"),
            ("'=x'", "''=x'"),
            ("'tis", "'tis"),
            ("@home", "'@home"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(defused(cell), expected);
        }
    }

    #[test]
    fn a_list_is_read_as_it_was() {
        assert_eq!(list(vec!["cs.LG", "math.ST"], true), "cs.LG; math.ST");
        assert_eq!(list(vec!["Physics, General"], true), "Physics, General;");
        assert_eq!(list(vec!["a;b", "c"], true), r#"["a;b","c"]"#);
        assert_eq!(list(vec!["10.1000/a;b"], false), "10.1000/a;b");
        assert_eq!(
            names(&["Ada Lovelace".into(), "Bo Li".into()]),
            "Ada Lovelace; Bo Li"
        );
        assert_eq!(names(&["Weinan E".into()]), r#"[{"literal":"Weinan E"}]"#);
    }
}
