//! Categories of papers, as they are compared and as they are shown.
//!
//! A *code* is arXiv's, or written like it (`cs.CL`, `hep-th`): it belongs to the archive before its
//! dot. Everything else is a *name* (`Machine Learning`, `Diabetes Mellitus, Type 2`), which is one
//! whole: no part of it is another category. Filters and the index of words compare by
//! `names` and `asked`, so that both give the same answer.

/// The archives of arXiv, those that it no longer has among them.
const ARCHIVES: [&str; 37] = [
    "acc-phys", "adap-org", "alg-geom", "ao-sci", "astro-ph", "atom-ph", "bayes-an", "chao-dyn",
    "chem-ph", "cmp-lg", "comp-gas", "cond-mat", "cs", "dg-ga", "econ", "eess", "funct-an",
    "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math", "math-ph", "mtrl-th", "nlin",
    "nucl-ex", "nucl-th", "patt-sol", "physics", "plasm-ph", "q-alg", "q-bio", "q-fin", "quant-ph",
    "stat", "supr-con",
];

/// What stands between names that are shown in a row: no name of a subject holds it.
const BETWEEN_NAMES: &str = "; ";

/// The archive of a code with a dot; `None` of anything else.
fn archive_of(category: &str) -> Option<&str> {
    let (archive, class) = category.split_once('.')?;
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    (is_part(archive) && is_part(class)).then_some(archive)
}

/// Whether a category is a code.
pub fn is_code(category: &str) -> bool {
    archive_of(category).is_some() || ARCHIVES.contains(&&*category.to_ascii_lowercase())
}

/// What a paper of this category is found by: its name and its archive, in lower case.
pub fn names(category: &str) -> impl Iterator<Item = String> {
    let archive = archive_of(category).map(str::to_lowercase);
    std::iter::once(asked(category)).chain(archive)
}

/// The name of a category that somebody asks for, as [`names`] writes it.
pub fn asked(category: &str) -> String {
    let words: Vec<&str> = category.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Categories in a row, so that one ends where the next begins.
pub fn joined(categories: &[String]) -> String {
    let are_codes = categories.iter().all(|category| is_code(category));
    categories.join(if are_codes { " " } else { BETWEEN_NAMES })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_an_archive_and_a_name_has_none() {
        let check = |category: &str, expected: &[&str]| {
            assert_eq!(names(category).collect::<Vec<_>>(), expected, "{category}");
        };
        check("cs.CL", &["cs.cl", "cs"]);
        check("cond-mat.mtrl-sci", &["cond-mat.mtrl-sci", "cond-mat"]);
        check("hep-th", &["hep-th"]);
        check("Machine  Learning", &["machine learning"]);
        check("St. Louis encephalitis", &["st. louis encephalitis"]);
        check("Diabetes Mellitus, Type 2", &["diabetes mellitus, type 2"]);
    }

    #[test]
    fn one_ends_where_the_next_begins() {
        let check = |categories: &[&str], expected: &str| {
            let owned: Vec<String> = categories.iter().map(|c| (*c).to_owned()).collect();
            assert_eq!(joined(&owned), expected);
        };
        check(&["cs.CL", "math", "cs.LG"], "cs.CL math cs.LG");
        check(
            &["Humans", "Diabetes Mellitus, Type 2"],
            "Humans; Diabetes Mellitus, Type 2",
        );
        check(&["engines", "looms"], "engines; looms");
        check(&[], "");
    }
}
