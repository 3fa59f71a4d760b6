//! RIS, as "RIS Format Specifications" (Research Information Systems, 2011) describes it.
//!
//! RIS has no field for an arXiv id or a PMID: both are addresses (`UR`), which reference managers show.
//! A PMC number is in `C2`, where EndNote has it. A value is one line.

use std::io::{self, Write};

use akin_base::paper::{Notice, Paper, PaperId};

use crate::ids::{IdFields, own_name};
use crate::kind::PublicationKind;
use crate::person::{PersonName, is_initials};

/// Writes a record and the blank line after it.
pub(crate) fn write(out: &mut impl Write, paper: &Paper, key: &str) -> io::Result<()> {
    let kind = match PublicationKind::of(paper) {
        PublicationKind::Article => "JOUR",
        PublicationKind::Proceedings => "CPAPER",
        PublicationKind::Preprint => "UNPB",
        PublicationKind::Other => "GEN",
    };
    let mut tag = |name: &str, value: &str| match value {
        "" => Ok(()),
        _ => writeln!(out, "{name}  - {value}"),
    };
    tag("TY", kind)?;
    tag("ID", own_name(paper).as_deref().unwrap_or(key))?;
    tag("TI", &paper.title)?;
    for author in &paper.authors {
        tag("AU", &name(author))?;
    }
    if let Some(date) = paper.date() {
        let part = |part: Option<i8>| part.map(|n| format!("{n:02}")).unwrap_or_default();
        tag("PY", &format!("{:04}", date.year()))?;
        if date.month().is_some() {
            let (month, day) = (part(date.month()), part(date.day()));
            tag("DA", &format!("{:04}/{month}/{day}", date.year()))?;
        }
    }
    tag("T2", paper.journal.as_deref().unwrap_or_default())?;
    tag("VL", paper.volume.as_deref().unwrap_or_default())?;
    let ids = IdFields::of(paper);
    tag("DO", ids.doi.map(PaperId::as_str).unwrap_or_default())?;
    tag("C2", ids.pmcid.map(PaperId::as_str).unwrap_or_default())?;
    for id in [ids.arxiv, ids.pmid].into_iter().flatten() {
        tag("UR", &id.address().unwrap_or_default())?;
    }
    for address in ids.other_addresses() {
        tag("UR", &address)?;
    }
    for category in &paper.categories {
        tag("KW", category)?;
    }
    if paper.notice == Some(Notice::Retracted) {
        tag("M3", "Retracted Publication")?;
    }
    tag("N1", paper.comment.as_deref().unwrap_or_default())?;
    tag("AB", &paper.abstract_text)?;
    tag("DP", "akin")?;
    writeln!(out, "ER  - \n")
}

/// `Family, Given, Suffix`, or a name as it is.
fn name(name: &str) -> String {
    match PersonName::of(name) {
        PersonName::Whole(name) => match name.rsplit_once(' ') {
            // RIS has the family name first, so a reader would turn it round.
            Some((rest, last)) if is_initials(last) => format!("{last}, {rest}"),
            _ => name.to_owned(),
        },
        PersonName::Parts {
            given,
            particle,
            family,
            suffix,
        } => {
            let gap = if particle.is_empty() { "" } else { " " };
            // A reader would take initials after a comma and before one for two names.
            if family.contains('.') {
                return name.to_owned();
            }
            let mut name = format!("{particle}{gap}{family}, {given}");
            if !suffix.is_empty() {
                name += &format!(", {suffix}");
            }
            name
        }
    }
}
