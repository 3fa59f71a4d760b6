//! Entries with what they inherit, from the dump to the paper.

use std::fmt::Write;

use super::*;
use crate::record::Item;
use crate::tagged::bibtex;

/// The records of a dump as `line:title|day|journal|authors`.
fn shown(dump: &str) -> Vec<String> {
    let bytes = Box::new(std::io::Cursor::new(dump.as_bytes().to_vec()));
    let mut reader = InheritingReader::new(bytes);
    let (mut context, mut buffer) = (DumpContext::default(), Vec::new());
    let mut shown = Vec::new();
    while matches!(reader.next_chunk(&mut buffer), Framed::Record) {
        reader.set_context(&mut context);
        let text = String::from_utf8_lossy(&buffer);
        let Ok(Item::Paper(record)) = bibtex::read(&text, &context) else {
            panic!("{text}");
        };
        let paper = record.paper;
        let day = paper.published.map(|day| day.to_string());
        shown.push(format!(
            "{}:{}|{}|{}|{}",
            reader.place().0,
            paper.title,
            day.unwrap_or_default(),
            paper.journal.unwrap_or_default(),
            paper.authors.join(", ")
        ));
    }
    shown
}

#[track_caller]
fn check(dump: &str, expected: &[&str]) {
    assert_eq!(shown(dump), expected, "{dump}");
}

const CHILD: &str = "@inproceedings{ola04:lake, author={Ola Frost}, title={Lake ice thickness from sonar}, \
    crossref={coldconf:2004}, pages={12--19}}\n";
const VOLUME: &str = "@proceedings{coldconf:2004, title={Proceedings of the Fourth Workshop}, \
    booktitle={The Fourth Workshop on Cold Waters}, month=jun, year={2004}, doi={10.5555/all}, keywords={ice}}\n";
const WITH_VOLUME: &str =
    "Lake ice thickness from sonar|2004-06|The Fourth Workshop on Cold Waters|Ola Frost";
const VOLUME_ALONE: &str =
    "Proceedings of the Fourth Workshop|2004-06|The Fourth Workshop on Cold Waters|";

#[test]
fn a_volume_stands_before_or_after_what_it_holds() {
    check(
        &format!("{CHILD}{VOLUME}"),
        &[&format!("1:{WITH_VOLUME}"), &format!("2:{VOLUME_ALONE}")],
    );
    check(
        &format!("{VOLUME}@misc{{x, title={{t}}}}\n{CHILD}"),
        &[
            &format!("1:{VOLUME_ALONE}"),
            "2:t|||",
            &format!("3:{WITH_VOLUME}"),
        ],
    );
    check(
        &format!("{CHILD}@misc{{x, title={{t}}}}\n{CHILD}{VOLUME}"),
        &[
            &format!("1:{WITH_VOLUME}"),
            "2:t|||",
            &format!("3:{WITH_VOLUME}"),
            &format!("4:{VOLUME_ALONE}"),
        ],
    );
    check(CHILD, &["1:Lake ice thickness from sonar|||Ola Frost"]);
}

#[test]
fn the_title_of_a_book_is_where_its_parts_appeared() {
    check(
        "@InBook{a, title={Moss}, CrossRef=\"BOOK\",}\n@incollection{b, title = {Fern}, \
         author={Ek, M.}, year=2002, crossref = book}\n\
         @book{book, title={Plants}, subtitle={An account}, author={Berg, A.}, date={2001-05-02}}",
        &[
            "1:Moss|2001-05-02|Plants: An account|A. Berg",
            "2:Fern|2002|Plants: An account|M. Ek",
            "3:Plants: An account|2001-05-02||A. Berg",
        ],
    );
    check(
        "@inbook{a, title={Moss}, month=mar, crossref={b}}\n@book{b, title={B}, date={2001-05-02}}",
        &["1:Moss|2001-03|B|", "2:B|2001-05-02||"],
    );
    check(
        "@article(a, title={Moss}, crossref={p})\n@periodical{p, title={J of Moss}, year={2003}}",
        &["1:Moss|2003|J of Moss|", "2:J of Moss|2003||"],
    );
    check(
        "@book{v1, title={Volume 1}, crossref={all}}\n@mvbook{all, title={All}, year=1999}",
        &["1:Volume 1|1999||", "2:All|1999||"],
    );
}

#[test]
fn data_that_is_no_work_is_inherited_whole() {
    check(
        "@xdata{when, date={2010-03-04}, xdata={where}}\n@xdata{where, journaltitle={J}}\n\
         @article{a, title={Moss}, xdata={when, nowhere}}",
        &["3:Moss|2010-03-04|J|"],
    );
    check(
        "@article{a, title={Moss}, xdata={when}, date={2011}}\n@xdata{when, date={2010-03-04}, journal={J}}",
        &["1:Moss|2011|J|"],
    );
}

#[test]
fn what_goes_round_in_circles_ends() {
    check(
        "@inbook{a, title={A}, crossref={b}}\n@inbook{b, title={B}, crossref={a}, year=2000}",
        &["1:A|2000|B|", "2:B|2000||"],
    );
}

#[test]
fn names_of_strings_are_those_at_the_entry() {
    let around = "@string{s = {Old}}\n@inproceedings{a, title={A}, note={x}, journal = s, crossref={v}}\n\
         @string{s = {New}}\n@proceedings{v, title = s # { volume}, year=2000}\n\
         @article{b, title={B}, journal = s}";
    check(
        around,
        &["2:A|2000|Old|", "4:New volume|2000||", "5:B||New|"],
    );
}

#[test]
fn a_child_is_not_lost_with_its_parent() {
    check(
        "@inproceedings{a, title={A}, crossref={v}}\n@proceedings{v, title={V {x}",
        &["1:A|||"],
    );
    let mut dump = String::new();
    for n in 0..300 {
        let _ = writeln!(
            dump,
            "@inproceedings{{c{n}, title={{C{n}}}, crossref={{v{n}}}}}"
        );
    }
    for n in 0..300 {
        let _ = writeln!(dump, "@proceedings{{v{n}, title={{V{n}}}, year=2000}}");
    }
    let shown = shown(&dump);
    assert_eq!((shown.len(), &*shown[299]), (600, "300:C299|2000|V299|"));
}
