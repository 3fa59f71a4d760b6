//! akin's own JSON Lines: a paper a line, with every field.
//!
//! The first field, `akin`, tells a reader that the texts are clean: they are taken as they are. An id
//! of a collection is written without `@`, and becomes one of the collection that reads it.

use std::io::{self, Write};

use akin_base::paper::{Paper, PaperId};
use serde::Serialize;

/// The version of the format.
const VERSION: u32 = 1;

/// A line.
#[derive(Serialize)]
struct OwnLine<'a> {
    akin: u32,
    #[serde(flatten)]
    paper: &'a Paper,
}

/// Writes a line.
pub(crate) fn write(out: &mut impl Write, paper: &Paper) -> io::Result<()> {
    let ids = || std::iter::once(&paper.id).chain(&paper.aliases);
    let shown = ids().any(PaperId::is_local).then(|| Paper {
        id: PaperId::from_stored(&paper.id.to_string()),
        aliases: paper
            .aliases
            .iter()
            .map(|id| PaperId::from_stored(id.qualified()))
            .collect(),
        ..paper.clone()
    });
    let line = OwnLine {
        akin: VERSION,
        paper: shown.as_ref().unwrap_or(paper),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
