//! Names of authors in whole dumps: one grammar, whatever the format.

use super::papers;

/// The authors of every paper of a dump.
#[track_caller]
fn check(dump: &str, expected: &[&[&str]]) {
    let (format, papers) = papers("x", dump);
    let authors: Vec<&[String]> = papers.iter().map(|paper| &paper.authors[..]).collect();
    assert_eq!(authors, expected, "{format:?}: {dump}");
}

const DOE: &[&str] = &["Jane Doe"];
const BOTH: &[&str] = &["Jane Doe", "Richard Roe"];

#[test]
fn cells_hold_one_author_or_several() {
    check(
        "Lens ID,Title,Author/s,DOI\n1,On bees,\"Doe, Jane; Roe, Richard\",10.5555/bee.1\n\
         2,On wasps,\"Doe, Jane\",10.5555/bee.2\n",
        &[BOTH, DOE],
    );
    check(
        "\"Author\",\"Title\",\"Year\"\n\"Doe, Jane and Roe, Richard\",\"Bees on roofs\",\"2019\"\n\
         \"Doe, Jane\",\"Wasps on roofs\",\"2020\"\n",
        &[BOTH, DOE],
    );
    let cells = [
        ("Smyth, Adam John", &["Adam John Smyth"][..]),
        ("Smyth, A.", &["A. Smyth"]),
        ("van der Berg, Jan", &["Jan van der Berg"]),
        ("Doe, Jane|Roe, Richard", BOTH),
        ("Doe, Jane / Roe, Richard", BOTH),
        ("Doe, Jane\nRoe, Richard", BOTH),
        ("Doe, Jane; Roe, Richard", BOTH),
        ("Adam Smyth, Karl Marks", &["Adam Smyth", "Karl Marks"]),
        ("['Doe, Jane', 'Roe, Richard']", BOTH),
        ("[{'name': 'Jane Doe'}, {'name': 'Richard Roe'}]", BOTH),
        ("[{'given': 'Jane', 'family': 'Doe', 'orcid': None}]", DOE),
        (
            "World Health Organization, Regional Office for Europe",
            &["World Health Organization, Regional Office for Europe"],
        ),
        ("Doe J, Roe RA.", &["J Doe", "RA Roe"]),
        ("", &[]),
    ];
    for (cell, expected) in cells {
        check(
            &format!("id,title,authors,year\n1,T,\"{cell}\",2001\n"),
            &[expected],
        );
    }
    // Columns of full names have the family name first, alone or not.
    check(
        "Authors,Author full names,Title,EID\n\
         \"Doe J.\",\"García Márquez, Gabriel José (57)\",T,2-s2.0-8\n",
        &[&["Gabriel José García Márquez"]],
    );
}

#[test]
fn json_holds_texts_and_lists() {
    let records = [
        (r#""Talla, Gerard""#, &["Gerard Talla"][..]),
        (
            r#""Talla, Gerard and Menchetti, Mattia""#,
            &["Gerard Talla", "Mattia Menchetti"],
        ),
        (r#"["Doe, Jane", "Roe, Richard"]"#, BOTH),
        (r#"["Doe, Jane; Roe, Richard"]"#, BOTH),
        (
            r#"[{"name": "Doe, Jane"}, {"given": "Richard", "family": "Roe"}]"#,
            BOTH,
        ),
        (
            r#"[{"fullName": "Doe J", "firstName": "Jane", "lastName": "Doe"}]"#,
            DOE,
        ),
        (
            r#"["Fanning E", "van der Berg JP"]"#,
            &["E Fanning", "JP van der Berg"],
        ),
        (r#"["Weinan E", "Jiequn Han"]"#, &["Weinan E", "Jiequn Han"]),
        (r#""A. Vas, N. Sha and others""#, &["A. Vas", "N. Sha"]),
        (
            r#"["Centers for Disease Control and Prevention"]"#,
            &["Centers for Disease Control and Prevention"],
        ),
        ("null", &[]),
    ];
    for (authors, expected) in records {
        for other in ["", r#","abstract":"a","categories":"cs.CL""#] {
            let record = format!(r#"{{"id":"p1","title":"T","authors":{authors}{other}}}"#);
            check(&record, &[expected]);
        }
    }
}

#[test]
fn arxiv_writes_names_in_their_order() {
    let record = |authors: &str| {
        format!(
            r#"{{"id":"2401.00001","title":"T","abstract":"a","categories":"cs.CL","authors":"{authors}"}}"#
        )
    };
    check(
        &record("Badruddin, Somesh Kumar"),
        &[&["Badruddin", "Somesh Kumar"]],
    );
    check(
        &record("Karthik C. S., Jo Lee"),
        &[&["Karthik C. S.", "Jo Lee"]],
    );
    check(
        &record("Ada Lee,\\n  Bo Li and Cy Moe"),
        &[&["Ada Lee", "Bo Li", "Cy Moe"]],
    );
    check(
        &record("Doe, J. A., Roe, R. B"),
        &[&["J. A. Doe", "R. B Roe"]],
    );
}

#[test]
fn indexes_of_works_have_names_in_any_order() {
    check(
        r#"{"id":"https://openalex.org/W1234567","title":"T","authorships":[
            {"author":{"display_name":"Doe, Jane"}},
            {"author":{"display_name":null},"raw_author_name":"Roe, Richard"},
            {"author":{"display_name":"Fanning E."}}]}"#
            .replace('\n', "")
            .as_str(),
        &[&["Jane Doe", "Richard Roe", "E. Fanning"]],
    );
    check(
        r#"{"paperId":"x","title":"T","authors":[{"name":"Doe, Jane"},{"name":"Richard Roe"}]}"#,
        &[BOTH],
    );
    check(
        r#"{"paperId":"x","title":"T","authors":"Doe, Jane and Roe, Richard"}"#,
        &[BOTH],
    );
}

#[test]
fn tags_hold_one_name_in_the_forms_of_databases() {
    check(
        "TY  - JOUR\nTI  - T\nA1  - Fanning E.\nA1  - van der Berg J.P.\nAU  - Doe J\n\
         AU  - Adam Smyth, Karl Marks, Max Weeber\nAU  - Ek, Mia, 1960-\n\
         A1  - ['Mizdra, Anja', 'Scarbo, Peter']\nAU  - Smyth, A. & Moe, K.\n\
         AU  - Rathbon, Mary Jane, 1860-1943\nAU  - Anonymous\nAU  - et al.\nER  -\n",
        &[&[
            "E. Fanning",
            "J.P. van der Berg",
            "J Doe",
            "Adam Smyth",
            "Karl Marks",
            "Max Weeber",
            "Mia Ek",
            "Anja Mizdra",
            "Peter Scarbo",
            "A. Smyth",
            "K. Moe",
            "Mary Jane Rathbon",
        ]],
    );
    check(
        "TY  - JOUR\nTI  - T\nAU  - Smyth, Adam and Marks, Karl\nAU  - Doe, J.; Roe, R.\n\
         AU  - Poe, A., Moe, B., Loe, C., Joe, D.\nAU  - King, Martin, Jr.\nER  -\n",
        &[&[
            "Adam Smyth",
            "Karl Marks",
            "J. Doe",
            "R. Roe",
            "A. Poe",
            "B. Moe",
            "C. Loe",
            "D. Joe",
            "Martin King Jr.",
        ]],
    );
    check(
        "%0 Journal Article\n%T T\n%A Fanning E.\n%A Doe, Jane\n%A Ada Lovelace\n",
        &[&["E. Fanning", "Jane Doe", "Ada Lovelace"]],
    );
    check(
        "FN X\nVR 1.0\nPT J\nAU Fanning E\n   Doe, J\n   van der Berg JP\nTI T\nUT WOS:1\nER\n\nEF\n",
        &[&["E Fanning", "J Doe", "JP van der Berg"]],
    );
    check(
        "PMID- 42\nTI  - T\nAU  - Fanning E\nAU  - King ML Jr\nCN  - Fish Group UK\n",
        &[&["E Fanning", "ML King Jr", "Fish Group UK"]],
    );
}
