//! Categories of papers: how they are compared, and how they are shown.
//!
//! A *code* is arXiv's, or looks like one (`cs.CL`, `hep-th`): it belongs to the archive before its
//! dot. Everything else is a *name* (`Machine Learning`, `Diabetes Mellitus, Type 2`), which is one
//! category as a whole. Filters and the lexical index both compare by `names` and `asked`, so
//! they agree.

/// The archives of arXiv, former ones included.
const ARCHIVES: [&str; 37] = [
    "acc-phys", "adap-org", "alg-geom", "ao-sci", "astro-ph", "atom-ph", "bayes-an", "chao-dyn",
    "chem-ph", "cmp-lg", "comp-gas", "cond-mat", "cs", "dg-ga", "econ", "eess", "funct-an",
    "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math", "math-ph", "mtrl-th", "nlin",
    "nucl-ex", "nucl-th", "patt-sol", "physics", "plasm-ph", "q-alg", "q-bio", "q-fin", "quant-ph",
    "stat", "supr-con",
];

/// The separator of names that are shown in a row; no subject's name contains it.
const BETWEEN_NAMES: &str = "; ";

/// The archive of a code with a dot; `None` for anything else.
fn archive_of(category: &str) -> Option<&str> {
    let (archive, class) = category.split_once('.')?;
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    (is_part(archive) && is_part(class)).then_some(archive)
}

/// Whether a category is a code.
pub fn is_code(category: &str) -> bool {
    archive_of(category).is_some() || ARCHIVES.contains(&&*category.to_ascii_lowercase())
}

/// The names that find a paper of this category: its own and its archive's, in lower case.
pub fn names(category: &str) -> impl Iterator<Item = String> {
    let archive = archive_of(category).map(str::to_lowercase);
    std::iter::once(asked(category)).chain(archive)
}

/// A requested category in the form of [`names`].
pub fn asked(category: &str) -> String {
    let words: Vec<&str> = category.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Categories in one line, with separators that keep them apart.
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
