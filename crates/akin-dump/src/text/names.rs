//! Names of people and groups: one grammar for all readers.
//!
//! In: a field with the names of a paper's authors in any form, or one name. Out: clean names in
//! reading order: `Ada Lovelace`, `Jan van der Berg`, `Martin King Jr.`
//!
//! | written | read by |
//! |---|---|
//! | a text: of a cell, a JSON record, arXiv | [`in_text`], [`split`] |
//! | a list or objects, in JSON, Arrow, or printed into a cell | [`of_value`], [`elements`] |
//! | one tag for each name, or one element | [`indexed`] |
//! | the parts of a name | [`joined`] |
//! | a name that is in its order | [`single`] |
//!
//! What is decided, and by what ([`Order`] says how well a source is known):
//! - Semicolons, bars, slashes, line ends divide names; so do commas and "and" between names
//!   (`list.rs`, `part.rs`).
//! - `Doe, Jane` is one name: one comma in each part of a list marks the family name, and two
//!   single words are not two full names. `Adam Smyth, Karl Marks` are two. Ambiguous text is left
//!   unchanged.
//! - `Fanning E.` and `Fanning E` are turned round (`one.rs`).
//! - Text in parentheses, affiliations, degrees, years of a life, `et al.`, `others`, "for the …"
//!   and "on behalf of …" are dropped. `Jr.` stays.
//! - Groups that sign stay whole.

mod list;
mod one;
mod order;
mod part;
mod value;

use akin_base::name;
use serde_json::Value;

pub(crate) use self::one::{joined, single};
pub(crate) use self::order::Order;

use self::one::Name;
use super::clean::clean;
use super::literal;

/// The names of a text in reading order.
pub(crate) fn split(authors: &str) -> Vec<String> {
    in_text(authors, Order::Reading)
}

/// The names of a text.
pub(crate) fn in_text(authors: &str, order: Order) -> Vec<String> {
    let names = named(authors, order);
    match order {
        Order::Reading => names.into_iter().map(|name| name.text).collect(),
        _ => finished(names, false),
    }
}

/// The names of one tag of an index, with the family name first, with or without a comma: usually
/// one name.
pub(crate) fn indexed(authors: &str) -> Vec<String> {
    finished(named(authors, Order::FamilyFirst), true)
}

/// The names of the elements of a list.
pub(crate) fn elements<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names = names.into_iter().flat_map(|name| {
        if is_plain(name) {
            single(name).map(as_it_stands).into_iter().collect()
        } else {
            named(name, Order::FamilyFirst)
        }
    });
    finished(names.collect(), false)
}

/// The names of a value: a text, a list, an object.
pub(crate) fn of_value(authors: &Value, order: Order) -> Vec<String> {
    match authors {
        Value::String(text) => in_text(text, order),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            elements(list.iter().filter_map(Value::as_str))
        }
        other => finished(value::names(other, 0), false),
    }
}

/// Reads a single name that may be written family name first: `Lovelace, Ada`,
/// `King, Martin Luther, Jr.`, `King, Jr., Martin Luther`, `King, Martin Luther Jr`.
///
/// A name without a comma is in its order already.
pub(crate) fn family_first(name: &str) -> Option<String> {
    let cleaned = clean(name);
    part::single(&cleaned).map(|name| name.text)
}

/// Names that are already separate, read as a list. Those that name nobody are dropped, and
/// initials are put first if full stops leave no doubt.
pub(crate) fn known(names: Vec<String>) -> Vec<String> {
    let name = |text: String| {
        let last = text.rsplit(' ').next().unwrap_or("");
        let is_turned = one::is_initials(last) && !one::is_dotted(last);
        Name { text, is_turned }
    };
    finished(names.into_iter().map(name).collect(), false)
}

/// Whether a part of a name is a generational suffix or a degree.
pub(crate) fn is_suffix(part: &str) -> bool {
    name::is_suffix(part) || one::is_degree(part)
}

/// The names of a text, those of a list that a program printed among them.
fn named(authors: &str, order: Order) -> Vec<Name> {
    let text = authors.trim();
    let may_be_printed = text.starts_with(['[', '{', '(', '"', '\'', 'a', 'l', 't', 's', 'c'])
        && text.ends_with([']', '}', ')', '"', '\'']);
    if may_be_printed {
        let quoted = text.starts_with(['"', '\'']).then(|| format!("[{text}]"));
        if let Some(printed) = literal::parse(quoted.as_deref().unwrap_or(text)) {
            return value::names(&printed, 0);
        }
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Some(inner) = inner.filter(|inner| !inner.contains(['[', ']'])) {
            return list::names(inner, order);
        }
    }
    list::names(text, order)
}

/// Whether an element of a list contains nothing that could divide names or is not part of a name.
fn is_plain(name: &str) -> bool {
    let is_mark = |byte: u8| {
        matches!(byte, b',' | b';' | b'|' | b'/' | b'&' | b'(' | b'[' | b'{' | b'"' | b':' | b'\\'
            | b'~' | b'<' | 0..b' ' | b'0'..=b'9')
    };
    let has_wide = || name.contains(['；', '，', '、', '｜', '（', '＆', '•', '·']);
    !name.bytes().any(is_mark) && (name.is_ascii() || !has_wide()) && !part::has_words_between(name)
}

fn as_it_stands(text: String) -> Name {
    Name {
        text,
        is_turned: false,
    }
}

/// The names of a list in reading order, without those that name nobody.
fn finished(names: Vec<Name>, is_index: bool) -> Vec<String> {
    let is_somebody = |name: &Name| !one::is_nobody(&name.text) && !one::is_others(&name.text);
    let names: Vec<Name> = names.into_iter().filter(is_somebody).collect();
    one::initials_first(names, is_index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(authors: &str, expected: &[&str]) {
        assert_eq!(split(authors), expected, "{authors}");
    }

    #[test]
    fn names_are_split_at_commas_and_ands() {
        check(
            r"C. Bal\'azs, E. L. Berger, C.-P. Yuan",
            &["C. Balázs", "E. L. Berger", "C.-P. Yuan"],
        );
        check(
            "Ileana Streinu and Louis Theran",
            &["Ileana Streinu", "Louis Theran"],
        );
        check("A. B, C. D, and E. F", &["A. B", "C. D", "E. F"]);
        check("A. B & C. Anderson", &["A. B", "C. Anderson"]);
        check(
            "A. Dharani and, V. Guruviah",
            &["A. Dharani", "V. Guruviah"],
        );
        check("A. ~Viceré \\and B. C, .", &["A. Viceré", "B. C"]);
        check("F. Videbaek, ; H. Sorge", &["F. Videbaek", "H. Sorge"]);
        check("", &[]);
    }

    #[test]
    fn affiliations_are_dropped() {
        check(
            "A. B (1), C. D (1 and 2) ((1) Univ. X, (2) Univ. Y)",
            &["A. B", "C. D"],
        );
        check("A. B (Univ. X, Y), C. D", &["A. B", "C. D"]);
        check("A. B (Univ. X", &["A. B"]);
    }

    #[test]
    fn collaborations_sign_or_are_dropped() {
        check("The ATLAS Collaboration", &["The ATLAS Collaboration"]);
        check("J. Gramling, for the ATLAS Collaboration", &["J. Gramling"]);
        check(
            "Min Suk Kim on behalf of the CMS Collaboration",
            &["Min Suk Kim"],
        );
        check(
            "The X Collaboration: A. B, C. D",
            &["The X Collaboration", "A. B", "C. D"],
        );
        check(
            "CUPID-0 collaboration, :, O. Azzolini",
            &["CUPID-0 collaboration", "O. Azzolini"],
        );
        check(
            "H. Albrecht et al., D. J. Bird, et al.",
            &["H. Albrecht", "D. J. Bird"],
        );
    }

    #[test]
    fn what_a_comma_cut_off_goes_back() {
        check("John Doe, Jr., Jane Roe", &["John Doe Jr.", "Jane Roe"]);
        check("Doe, J. A., Roe, R.", &["J. A. Doe", "R. Roe"]);
        check("Doe, John; Roe, Jane", &["John Doe", "Jane Roe"]);
    }

    #[test]
    fn a_single_name_loses_the_commas_of_its_list() {
        assert_eq!(single("Jingxuan Wei,").as_deref(), Some("Jingxuan Wei"));
        assert_eq!(single(" , "), None);
        assert_eq!(
            joined(["C. -P.", "", "Yuan", ""]).as_deref(),
            Some("C.-P. Yuan")
        );
    }

    #[test]
    fn family_names_go_last() {
        let check = |name: &str, expected: &str| {
            assert_eq!(family_first(name).as_deref(), Some(expected), "{name}");
        };
        check("Lovelace, Ada", "Ada Lovelace");
        check("van der Berg, J. H.", "J. H. van der Berg");
        check("Ada Lovelace", "Ada Lovelace");
        check("King, Martin Luther, Jr.", "Martin Luther King Jr.");
        check("King, Jr., Martin Luther", "Martin Luther King Jr.");
        check("Hoffman, James C 3rd", "James C Hoffman 3rd");
        check("Lovelace,", "Lovelace");
        check(r"Erd\H{o}s, P.", "P. Erdős");
        assert_eq!(family_first(" , "), None);
    }

    #[test]
    fn initials_go_first() {
        let check = |name: &str, expected: &str| {
            assert_eq!(indexed(name), [expected], "{name}");
        };
        check("Lovelace AK", "AK Lovelace");
        check("van der Berg J", "J van der Berg");
        check("King ML Jr", "ML King Jr");
        check("Ada Lovelace", "Ada Lovelace");
        check("Plato", "Plato");
    }

    #[track_caller]
    fn check_written(text: &str, expected: &[&str]) {
        assert_eq!(in_text(text, Order::Unknown), expected, "{text}");
    }

    #[test]
    fn a_family_name_before_a_comma_is_no_author() {
        check_written("Doe, Jane", &["Jane Doe"]);
        check_written("Talla, Gerard", &["Gerard Talla"]);
        check_written("Smyth, Adam John", &["Adam John Smyth"]);
        check_written("Smyth, A.", &["A. Smyth"]);
        check_written("Smyth, AJ", &["AJ Smyth"]);
        check_written("van der Berg, Jan", &["Jan van der Berg"]);
        check_written("van der Berg, Jan Willem", &["Jan Willem van der Berg"]);
        check_written("Van der Berg, Jan Willem", &["Jan Willem Van der Berg"]);
        check_written("De Souza, Ana Maria", &["Ana Maria De Souza"]);
        check_written("Berg, Jan van der", &["Jan van der Berg"]);
        check_written("García Márquez, Gabriel", &["Gabriel García Márquez"]);
        check_written("García Márquez, Gabriel J.", &["Gabriel J. García Márquez"]);
        check_written(
            "GARCÍA MÁRQUEZ, Gabriel José",
            &["Gabriel José GARCÍA MÁRQUEZ"],
        );
        check_written("O’Neil-Smith, Mary", &["Mary O’Neil-Smith"]);
        check_written("King, Martin Luther, Jr.", &["Martin Luther King Jr."]);
        check_written("King, Jr., Martin Luther", &["Martin Luther King Jr."]);
        check_written("Doe, Jane,", &["Jane Doe"]);
        check_written("Doe, Jane;", &["Jane Doe"]);
        check_written("王, 小明", &["小明 王"]);
    }

    #[test]
    fn two_full_names_are_two_authors() {
        check_written("Adam Smyth, Karl Marks", &["Adam Smyth", "Karl Marks"]);
        check_written("A. Smyth, K. Marks", &["A. Smyth", "K. Marks"]);
        check_written("C. Babbage, Ada Lovelace", &["C. Babbage", "Ada Lovelace"]);
        check_written(
            "Ludwig van Beethoven, Goethe",
            &["Ludwig van Beethoven", "Goethe"],
        );
        check_written("Manju, Arun K. Pujari", &["Manju", "Arun K. Pujari"]);
        check_written(
            "Di Chen, Mordecai J. Golin",
            &["Di Chen", "Mordecai J. Golin"],
        );
        check_written("Van Kien Nguyen, Ann Lee", &["Van Kien Nguyen", "Ann Lee"]);
        check_written("王小明, 李四", &["王小明", "李四"]);
        check_written("王小明、李四；张三", &["王小明", "李四", "张三"]);
        check_written("Ada Lovelace", &["Ada Lovelace"]);
        check_written("Weinan Lee and Jo Han", &["Weinan Lee", "Jo Han"]);
        check_written("A and B", &["A", "B"]);
        check_written("Smith and Jones", &["Smith", "Jones"]);
        check_written("Smith, Jones and Brown", &["Smith", "Jones", "Brown"]);
        check_written(
            "Jean Dupont et Marie Curie",
            &["Jean Dupont", "Marie Curie"],
        );
    }

    #[test]
    fn one_comma_in_each_part_tells_the_family_names() {
        let both = &["Jane Doe", "Richard Roe"];
        for list in [
            "Doe, Jane and Roe, Richard",
            "Doe, Jane, and Roe, Richard",
            "Doe, Jane AND Roe, Richard",
            "Doe, Jane & Roe, Richard",
            "Doe, Jane &amp; Roe, Richard",
            "Doe, Jane; Roe, Richard",
            "Doe, Jane; Roe, Richard;",
            "Doe, Jane;Roe, Richard",
            "Doe, Jane; and Roe, Richard",
            "Doe, Jane|Roe, Richard",
            "Doe, Jane || Roe, Richard",
            "Doe, Jane / Roe, Richard",
            "Doe, Jane/Roe, Richard",
            "Doe, Jane • Roe, Richard",
            "Doe, Jane\nRoe, Richard",
            "Doe, Jane\r\nRoe, Richard",
            "Doe, Jane,\nRoe, Richard",
            "Doe, Jane\tRoe, Richard",
            "Doe, Jane, Roe, Richard",
            "Doe, Jane, and Richard Roe",
            "Doe, Jane, Richard Roe",
            "Doe, Jane und Roe, Richard",
            "['Doe, Jane', 'Roe, Richard']",
            r#"["Doe, Jane", "Roe, Richard"]"#,
            "['Doe, Jane' 'Roe, Richard']",
            r#"c("Doe, Jane", "Roe, Richard")"#,
            r#""Doe, Jane", "Roe, Richard""#,
            "[{'name': 'Doe, Jane'}, {'name': 'Roe, Richard'}]",
            "[{'given': 'Jane', 'family': 'Doe'}, {'first': 'Richard', 'last': 'Roe'}]",
            "[Doe, Jane; Roe, Richard]",
            "Jane Doe, Richard Roe",
            "Jane Doe and Richard Roe",
            "Jane Doe\nRichard Roe",
            "Jane Doe; Richard Roe",
            "Doe, Jane, PhD and Roe, Richard, M.D.",
            "Doe, Jane and Roe, Richard and others",
            "Jane Doe, Richard Roe, et al.",
            "Jane Doe, Richard Roe and 3 others",
            "Jane Doe, Richard Roe, etc.",
            "Jane Doe, PhD, Richard Roe, MD",
            "Jane Doe 1, Richard Roe 1,2",
            "Jane Doe¹, Richard Roe²",
            "Doe, Jane y Roe, Richard",
            "Jane Doe (1), Richard Roe (1,2)",
            "Jane Doe, Member, IEEE, Richard Roe, Fellow, IEEE",
            "Jane Doe*, Richard Roe†",
        ] {
            check_written(list, both);
        }
        check_written(
            "García Márquez, Gabriel José and Pérez Gómez, Ana María",
            &["Gabriel José García Márquez", "Ana María Pérez Gómez"],
        );
        check_written(
            "Wei Du, Bo Li, and Ann Lee, Jo Roe",
            &["Wei Du", "Bo Li", "Ann Lee", "Jo Roe"],
        );
        check_written(
            "Doe, J., Roe, R., & van der Berg, K.",
            &["J. Doe", "R. Roe", "K. van der Berg"],
        );
        check_written("Doe, JA, Roe, R", &["JA Doe", "R Roe"]);
        check_written(
            "Doe, Jane; WHO Ebola Team; Roe, R",
            &["Jane Doe", "WHO Ebola Team", "R Roe"],
        );
        check_written(
            "Ada Lee, Bo Roe, Cy Poe; Jo Doe, Max Moe",
            &["Ada Lee", "Bo Roe", "Cy Poe", "Jo Doe", "Max Moe"],
        );
        check_written(
            "A. Lee, B. Roe; C. Poe, D. Moe",
            &["A. Lee", "B. Roe", "C. Poe", "D. Moe"],
        );
    }

    #[test]
    fn initials_behind_a_family_name_go_first() {
        check_written("Fanning E.", &["E. Fanning"]);
        check_written("Fanning E", &["E Fanning"]);
        check_written(
            "Fanning E., van der Berg J.P.",
            &["E. Fanning", "J.P. van der Berg"],
        );
        check_written("Berg J.P. van der", &["J.P. van der Berg"]);
        check_written("Liu R., Adler D.G.", &["R. Liu", "D.G. Adler"]);
        check_written("Madani TA, Al-Ghamdi AA.", &["TA Madani", "AA Al-Ghamdi"]);
        check_written("Doe J, Roe R.", &["J Doe", "R. Roe"]);
        check_written("King ML Jr, Doe J", &["ML King Jr", "J Doe"]);
        check_written(
            "Ivanov I. I.; Petrov Yu.A.",
            &["I. I. Ivanov", "Yu.A. Petrov"],
        );
        check_written("Иванов И.И.", &["И.И. Иванов"]);
        check_written("Kim S-H, Lee J", &["S-H Kim", "J Lee"]);
        check_written("Ada Lovelace, C. Babbage", &["Ada Lovelace", "C. Babbage"]);
        check_written("John Doe II, Jane Roe", &["John Doe II", "Jane Roe"]);
        // A name in its order may end in a letter, or in capitals.
        check_written("Weinan E, Jiequn Han", &["Weinan E", "Jiequn Han"]);
        check_written("Karthik C. S., Pasin Lee", &["Karthik C. S.", "Pasin Lee"]);
        check_written(
            "Doe, Jane; Fanning E.; Roe R",
            &["Jane Doe", "E. Fanning", "R Roe"],
        );
        check_written("Haian HE", &["Haian HE"]);
        check_written("JANE DOE", &["JANE DOE"]);
        check_written("Fish Study Group UK", &["Fish Study Group UK"]);
        assert_eq!(
            elements(["Weinan E", "Jiequn Han"]),
            ["Weinan E", "Jiequn Han"]
        );
        assert_eq!(elements(["Fanning E", "Doe JP"]), ["E Fanning", "JP Doe"]);
        // arXiv writes names in their order.
        check("Karthik C. S., Pasin Lee", &["Karthik C. S.", "Pasin Lee"]);
    }

    #[test]
    fn groups_stay_whole() {
        for group in [
            "World Health Organization",
            "The ATLAS Collaboration",
            "WHO Ebola Team",
            "World Health Organization, Regional Office for Europe",
            "Centers for Disease Control and Prevention",
            "Food and Drug Administration",
            "National Institute of Standards and Technology",
            "Barnes and Noble, Inc.",
            "Department of Health, Education, and Welfare",
            "Society for the Study of Fish",
            "Institute of Electrical and Electronics Engineers",
            "UNESCO, Institute for Statistics",
        ] {
            let expected = &[group];
            check_written(group, expected);
            assert_eq!(elements([group]), expected, "{group}");
            assert_eq!(indexed(group), expected, "{group}");
        }
        check_written("Collaboration, ATLAS", &["ATLAS Collaboration"]);
        check_written(
            "LIGO Scientific Collaboration, Virgo Collaboration",
            &["LIGO Scientific Collaboration", "Virgo Collaboration"],
        );
        check_written(
            "Jane Doe and the WHO Ebola Team",
            &["Jane Doe", "the WHO Ebola Team"],
        );
        check_written("Jane Doe, for the Fish Team", &["Jane Doe"]);
        check_written(
            "The X Collaboration: A. B, C. D",
            &["The X Collaboration", "A. B", "C. D"],
        );
    }

    #[test]
    fn what_catalogues_add_goes() {
        let check = |name: &str, expected: &[&str]| assert_eq!(indexed(name), expected, "{name}");
        check("Ek, Mia, 1960-", &["Mia Ek"]);
        check("Rathbon, Mary Jane, 1860-1943", &["Mary Jane Rathbon"]);
        check("Ek, Mia 1960-", &["Mia Ek"]);
        check("Ek, Mia (1960-)", &["Mia Ek"]);
        check("Ek, Mia, b. 1960", &["Mia Ek"]);
        check("Ek, M. (Mia), 1960-, author.", &["M. Ek"]);
        check("[Ek, Mia]", &["Mia Ek"]);
        check("King, Martin, Jr., 1929-1968", &["Martin King Jr."]);
        check_written("Ek, Mia, 1960-; Roe, Jo, 1970-2000", &["Mia Ek", "Jo Roe"]);
        check("[Anonymous]", &[]);
        check("et al.", &[]);
    }

    #[test]
    fn a_tag_has_one_name_as_a_rule() {
        let check = |name: &str, expected: &[&str]| assert_eq!(indexed(name), expected, "{name}");
        check("Fanning E.", &["E. Fanning"]);
        check("van der Berg J.P.", &["J.P. van der Berg"]);
        check("Doe J", &["J Doe"]);
        check(
            "García Márquez, Gabriel José",
            &["Gabriel José García Márquez"],
        );
        check(
            "Adam Smyth, Karl Marks, Max Weeber",
            &["Adam Smyth", "Karl Marks", "Max Weeber"],
        );
        check("A. Smyth, K. Marks", &["A. Smyth", "K. Marks"]);
        check(
            "['Mizdra, Anja', 'Scarbo, Peter']",
            &["Anja Mizdra", "Peter Scarbo"],
        );
        check("Smyth, Adam and Marks, Karl", &["Adam Smyth", "Karl Marks"]);
        check("Smyth, A. & Marks, K.", &["A. Smyth", "K. Marks"]);
        check("Smyth, A.; Marks, K.", &["A. Smyth", "K. Marks"]);
        check(
            "Smyth, A., Marks, K., Roe, R.",
            &["A. Smyth", "K. Marks", "R. Roe"],
        );
        check("Smyth, Adam,", &["Adam Smyth"]);
        check("Smyth, Adam, MIT", &["Adam Smyth MIT"]);
        check("SMITH JA", &["JA SMITH"]);
        check("Eklund, Martin.", &["Martin Eklund"]);
    }

    #[test]
    fn values_of_every_shape_are_read() {
        let check = |value: serde_json::Value, expected: &[&str]| {
            assert_eq!(of_value(&value, Order::Unknown), expected, "{value}");
        };
        let both = &["Jane Doe", "Richard Roe"];
        check(json!("Doe, Jane and Roe, Richard"), both);
        check(json!(["Doe, Jane", "Roe, Richard"]), both);
        check(json!(["Doe, Jane; Roe, Richard"]), both);
        check(json!(["Doe, Jane and Roe, Richard"]), both);
        check(
            json!([{"name": "Doe, Jane"}, {"fullName": "Richard Roe"}]),
            both,
        );
        check(json!([["Doe", "Jane", ""], ["Roe", "Richard", ""]]), both);
        check(json!([["Doe", "Jane"], ["Roe", "Richard"]]), both);
        check(json!([["Jane Doe", "Richard Roe"]]), both);
        check(
            json!({"author": [{"fullName": "Doe J", "firstName": "Jane", "lastName": "Doe"},
            {"fullName": "Roe R", "firstName": "Richard", "lastName": "Roe"}]}),
            both,
        );
        check(
            json!([{"author": {"display_name": "Jane Doe"}}, {"author": {"display_name": "Roe, Richard"}}]),
            both,
        );
        check(
            json!([{"creatorType": "author", "firstName": "Jane", "lastName": "Doe"},
            {"creatorType": "editor", "firstName": "An", "lastName": "Editor"},
            {"creatorType": "author", "name": "Richard Roe"}]),
            both,
        );
        check(
            json!([{"given": "Gerard", "non-dropping-particle": "'t", "family": "Hooft"},
            {"literal": "Centers for Disease Control and Prevention"},
            {"family": "WHO Ebola Team"}, {"name": "Fish Group", "sequence": "additional"}]),
            &[
                "Gerard 't Hooft",
                "Centers for Disease Control and Prevention",
                "WHO Ebola Team",
                "Fish Group",
            ],
        );
        check(
            json!([{"first": "C", "middle": ["D."], "last": "E", "suffix": "Jr."}]),
            &["C D. E Jr."],
        );
        check(
            json!([{"first": "C", "middle": [], "last": "E", "suffix": ""}]),
            &["C E"],
        );
        check(
            json!(["WHO, Geneva Office", null, 7, {"affiliation": "x"}]),
            &["WHO, Geneva Office"],
        );
        check(json!(7), &[]);
        check(json!(null), &[]);
    }

    /// People: given names and family names.
    fn people() -> impl Strategy<Value = Vec<(String, String)>> {
        let given = prop::sample::select(vec!["Ada", "Jane Ann", "J.", "J. P.", "José-María"]);
        let family =
            prop::sample::select(vec!["Roe", "O’Neil", "van der Berg", "Smith-Jones", "Łoś"]);
        let person = (given, family).prop_map(|(a, b)| (a.to_owned(), b.to_owned()));
        prop::collection::vec(person, 1..5)
    }

    proptest! {
        #[test]
        fn people_are_the_same_however_they_are_written(people in people()) {
            let family_first: Vec<String> =
                people.iter().map(|(given, family)| format!("{family}, {given}")).collect();
            let in_order: Vec<String> =
                people.iter().map(|(given, family)| format!("{given} {family}")).collect();
            let read = |text: String| in_text(&text, Order::Unknown);
            for mark in ["; ", ";", " and ", "|", " / ", "\n", ", and ", " & "] {
                prop_assert_eq!(&read(family_first.join(mark)), &in_order, "{}", mark);
                prop_assert_eq!(&read(in_order.join(mark)), &in_order, "{}", mark);
            }
            prop_assert_eq!(&read(in_order.join(", ")), &in_order);
            prop_assert_eq!(&split(&in_order.join(", ")), &in_order);
            for list in [&family_first, &in_order] {
                prop_assert_eq!(&of_value(&json!(list), Order::Unknown), &in_order);
                prop_assert_eq!(&read(format!("{list:?}")), &in_order);
                let tags: Vec<String> = list.iter().flat_map(|tag| indexed(tag)).collect();
                prop_assert_eq!(&tags, &in_order);
            }
        }
    }
}
