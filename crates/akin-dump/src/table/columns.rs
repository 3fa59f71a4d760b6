//! Which columns of a table say something of a paper: of CSV, TSV, Arrow and Parquet.
//!
//! In: the names of the columns, and those that the user set. Out: the position of every column
//! that is read, under the [plain](plain_key) name of the equivalent field in a JSON record.
//! Columns are recognised by the names of `json/plain.rs`. Those of CORD-19, Web of Science, Embase
//! and Zotero that mean something else elsewhere are recognised by their neighbours.

use crate::json::keys::plain_key;
use crate::json::plain;

/// Web of Science's tags, as the header of its tab-delimited export has them.
const WEB_OF_SCIENCE: [(&str, &str); 10] = [
    ("TI", "title"),
    ("AB", "abstract"),
    ("AF", "authorfullnames"),
    ("AU", "authorfullnames"),
    ("DI", "doi"),
    ("PM", "pmid"),
    ("PY", "year"),
    ("SO", "journal"),
    ("UT", "uniquewosid"),
    ("WC", "woscategories"),
];

/// Columns that have a meaning only beside another: the other, the column, and its meaning.
const BESIDE: [(&str, &str, &str); 5] = [
    ("corduid", "authors", "authorfullnames"),
    ("itemtype", "author", "authorfullnames"),
    ("itemtype", "key", "zoterokey"),
    ("authornames", "source", "journal"),
    ("utuniquewosid", "utuniquewosid", "uniquewosid"),
];

/// The fields that a user can set, for messages.
const SETTABLE: &str = "title, abstract, id, authors, categories, date, updated, journal, comment, \
    doi, arxiv_id, pmid, pmcid, url, upvotes";

/// The columns that are read, those that the user `set` (pairs of a field and a column) first.
///
/// # Errors
/// Explains that a field or a column named by the user is not there.
pub(crate) fn choose(
    names: &[&str],
    set: &[(String, String)],
) -> Result<Vec<(usize, String)>, String> {
    let mut chosen: Vec<(usize, String)> = Vec::new();
    let mut replaced: Vec<&str> = Vec::new();
    for (field, column) in set {
        let (target, others) = meaning(field)?;
        let idx = position(names, column).ok_or_else(|| missing(column, names))?;
        chosen.push((idx, target));
        replaced.extend(others);
    }
    let guessed = known(names);
    let is_free = |(idx, name): &(usize, String)| {
        !replaced.contains(&name.as_str()) && !chosen.iter().any(|(other, _)| other == idx)
    };
    let free: Vec<_> = guessed.into_iter().filter(is_free).collect();
    chosen.extend(free);
    Ok(chosen)
}

/// The name under which a field is read that the user sets, and the names that are then not read.
///
/// # Errors
/// Explains that papers have no such field.
pub(crate) fn meaning(field: &str) -> Result<(String, Vec<&'static str>), String> {
    let plain = plain_key(field);
    let group = plain::group(&plain)
        .ok_or_else(|| format!("papers have no field `{field}` (they have {SETTABLE})"))?;
    // A field for one kind of id keeps its columns; for other fields the set column is the only one.
    let is_id = group.contains(&"id");
    // Nothing is known of how a column is written that the user names.
    let is_written_so = is_id || group.contains(&"authors");
    let of_kind = group.iter().filter(|name| !is_id || **name == plain);
    let replaced = of_kind.copied().collect();
    let target = if is_written_so {
        plain
    } else {
        group[0].to_owned()
    };
    Ok((target, replaced))
}

/// The columns that are known by their names.
pub(crate) fn known(names: &[&str]) -> Vec<(usize, String)> {
    let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
    let is_wos = names.contains(&"TI") && ["PT", "UT", "SO"].iter().any(|tag| names.contains(tag));
    let plain: Vec<String> = names.iter().map(|name| plain_key(name)).collect();
    let tag = |name: &str| WEB_OF_SCIENCE.iter().find(|(tag, _)| *tag == name);
    let beside = |name: &str| {
        let mut of_name = BESIDE.iter().filter(|(_, column, _)| *column == name);
        of_name.find(|(other, ..)| plain.iter().any(|plain| plain == other))
    };
    let meaning = |(idx, name): (usize, &String)| {
        let meant = match (tag(names[idx]), beside(name)) {
            (Some((_, meant)), _) if is_wos => meant,
            (_, Some((.., meant))) => meant,
            _ => name.as_str(),
        };
        plain::group(meant).map(|_| (idx, meant.to_owned()))
    };
    let mut known: Vec<_> = plain.iter().enumerate().filter_map(meaning).collect();
    if is_wos {
        // Full names before abbreviated ones.
        known.sort_by_key(|(idx, _)| names[*idx] == "AU");
    }
    known
}

fn position(names: &[&str], wanted: &str) -> Option<usize> {
    let is_plain = |name: &&str| plain_key(name) == plain_key(wanted);
    let exact = names.iter().position(|name| name.trim() == wanted.trim());
    exact.or_else(|| names.iter().position(is_plain))
}

fn missing(column: &str, names: &[&str]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
    format!(
        "no column is called `{column}` (its columns: {})",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns that are read as `place=name`.
    fn check(names: &str, set: &[(&str, &str)], expected: &str) {
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(a, b)| ((*a).into(), (*b).into()))
            .collect();
        let names: Vec<&str> = names.split(',').collect();
        let shown = match choose(&names, &set) {
            Ok(chosen) => chosen
                .iter()
                .map(|(idx, name)| format!("{idx}={name}"))
                .collect::<Vec<_>>()
                .join(" "),
            Err(reason) => reason,
        };
        assert_eq!(shown, expected, "{names:?}");
    }

    #[test]
    fn columns_are_known_by_their_names_and_their_company() {
        check(
            "Title, ABSTRACT ,x,Author(s)",
            &[],
            "0=title 1=abstract 3=authors",
        );
        check(
            "PT,AU,AF,TI,UT",
            &[],
            "2=authorfullnames 3=title 4=uniquewosid 1=authorfullnames",
        );
        check("AU,TI", &[], "");
        check(
            "Title,Author Names,Source",
            &[],
            "0=title 1=authornames 2=journal",
        );
        check("Title,Source", &[], "0=title");
        check(
            "Key,Item Type,Author,Title",
            &[],
            "0=zoterokey 2=authorfullnames 3=title",
        );
        check(
            "cord_uid,title,authors",
            &[],
            "0=corduid 1=title 2=authorfullnames",
        );
    }

    #[test]
    fn columns_that_are_set_win() {
        check(
            "headline,title,summary,body,doi",
            &[("title", "headline"), ("abstract", "Body")],
            "0=title 3=abstract 4=doi",
        );
        check("n,id,title", &[("id", "n")], "0=id 2=title");
        check("n,doi,title", &[("doi", "n")], "0=doi 2=title");
        check("n,title,year", &[("date", "n")], "0=published 1=title");
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        check(
            "a,b",
            &[("title", "c")],
            "no column is called `c` (its columns: a, b)",
        );
        let said = format!("papers have no field `colour` (they have {SETTABLE})");
        check("a,b", &[("colour", "a")], &said);
    }
}
