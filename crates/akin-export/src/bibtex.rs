//! BibTeX entries, which Biblatex reads too.
//!
//! | of a paper | field |
//! |---|---|
//! | DOI, PMID, PMC number | `doi`, `pmid`, `pmcid` |
//! | arXiv id | `eprint` with `archiveprefix`; the first category is `eprintclass` |
//! | other ids | addresses in `url` and the fields after it |
//! | date | `year`, `month`, `day` |
//! | journal | `journal`, or `booktitle` in proceedings |
//! | categories, comment | `keywords`, `note` |
//!
//! `primaryclass` is not written: akin's reader, like arXiv's own export, takes it for the only category.
//! The biblatex crate writes no entries here: it would escape maths and commands, and how text becomes
//! TeX (`tex.rs`) is what matters.

use std::io::{self, Write};

use akin_base::paper::{Paper, PaperId};

use crate::csl_json::keywords;
use crate::ids::{IdFields, number};
use crate::kind::PublicationKind;
use crate::person::PersonName;
use crate::tex;

/// BibTeX's own names of the months.
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The fields for addresses: Biblatex's, and those of DBLP and of link lists.
const ADDRESSES: [&str; 3] = ["url", "ee", "link"];

/// Writes an entry.
pub(crate) fn write(out: &mut impl Write, paper: &Paper, key: &str) -> io::Result<()> {
    let kind = PublicationKind::of(paper);
    let entry = match kind {
        PublicationKind::Article => "article",
        PublicationKind::Proceedings => "inproceedings",
        PublicationKind::Preprint | PublicationKind::Other => "misc",
    };
    writeln!(out, "@{entry}{{{key},")?;
    field(out, "title", &tex::title(&paper.title))?;
    let names: Vec<String> = paper.authors.iter().map(|name| author(name)).collect();
    field(out, "author", &names.join(" and "))?;
    if let Some(date) = paper.date() {
        field(out, "year", &format!("{:04}", date.year()))?;
        if let Some(month) = date.month() {
            writeln!(out, "  month = {},", MONTHS[month as usize - 1])?;
        }
        field(
            out,
            "day",
            &date.day().map(|day| day.to_string()).unwrap_or_default(),
        )?;
    }
    let journal = match kind {
        PublicationKind::Proceedings => "booktitle",
        _ => "journal",
    };
    text(out, journal, paper.journal.as_deref())?;
    text(out, "volume", paper.volume.as_deref())?;
    ids(out, paper)?;
    let words = (!paper.categories.is_empty()).then(|| keywords(&paper.categories));
    text(out, "keywords", words.as_deref())?;
    text(out, "note", paper.comment.as_deref())?;
    text(out, "abstract", Some(&paper.abstract_text))?;
    writeln!(out, "}}")
}

/// Writes a field, unless it is empty. The value is TeX.
fn field(out: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    match value {
        "" => Ok(()),
        _ => writeln!(out, "  {name} = {{{value}}},"),
    }
}

/// Writes a field of plain text.
fn text(out: &mut impl Write, name: &str, value: Option<&str>) -> io::Result<()> {
    field(out, name, &tex::escaped(value.unwrap_or_default()))
}

fn ids(out: &mut impl Write, paper: &Paper) -> io::Result<()> {
    let ids = IdFields::of(paper);
    let is_bare = |id: &&PaperId| !id.as_str().contains(['{', '}', '\\']);
    let doi = ids.doi.filter(is_bare);
    field(out, "doi", doi.map(PaperId::as_str).unwrap_or_default())?;
    if let Some(id) = ids.arxiv {
        field(out, "eprint", id.as_str())?;
        field(out, "archiveprefix", "arXiv")?;
        let class = paper.categories.first().map(String::as_str);
        text(out, "eprintclass", class)?;
    }
    field(out, "pmid", ids.pmid.map(number).unwrap_or_default())?;
    field(
        out,
        "pmcid",
        ids.pmcid.map(PaperId::as_str).unwrap_or_default(),
    )?;
    let odd_doi = ids.doi.filter(|id| !is_bare(id)).and_then(PaperId::address);
    let mut addresses: Vec<String> = odd_doi.into_iter().chain(ids.other_addresses()).collect();
    if addresses.is_empty() && ids.doi.is_none() {
        addresses.extend(paper.address());
    }
    for (name, address) in ADDRESSES.iter().zip(&addresses) {
        field(out, name, address)?;
    }
    Ok(())
}

/// A name as BibTeX has it: `van Beethoven, Ludwig`, `King, Jr., Martin`, `{The Moss Group}`.
fn author(name: &str) -> String {
    let tex = |text: &str| {
        // Braces in a name would divide it.
        tex::escaped(&text.replace(['{', '}'], "")).into_owned()
    };
    match PersonName::of(name) {
        PersonName::Whole(name) => format!("{{{}}}", tex(name)),
        PersonName::Parts {
            given,
            particle,
            family,
            suffix,
        } => {
            let gap = if particle.is_empty() { "" } else { " " };
            let family = tex(family);
            // Of two words, BibTeX would take a capital particle for a given name.
            let family = match family.contains(' ') {
                true => format!("{{{family}}}"),
                false => family,
            };
            let suffix = match suffix {
                "" => String::new(),
                suffix => format!(", {}", tex(suffix)),
            };
            format!("{particle}{gap}{family}{suffix}, {}", tex(given))
        }
    }
}
