//! Writes papers one after another, in any format.

use std::io::{self, Write};

use akin_base::paper::Paper;

use crate::format::ExportFormat;
use crate::key::CitationKeys;
use crate::table::{self, TableWriter};
use crate::{bibtex, csl_json, json, ris};

/// What wrote a file.
const WRITER: &str = concat!("written by akin ", env!("CARGO_PKG_VERSION"));

/// Writes papers.
///
/// Without [`PaperWriter::finish`] a file is not whole: CSL-JSON lacks its last bracket.
#[derive(Debug)]
pub struct PaperWriter<W: Write> {
    body: FormatBody<W>,
    keys: CitationKeys,
    n_papers: u64,
}

/// Where papers go.
#[derive(Debug)]
enum FormatBody<W: Write> {
    Bibtex(W),
    Ris(W),
    CslJson(W),
    Csv(Box<TableWriter<W>>),
    Json(W),
}

impl<W: Write> PaperWriter<W> {
    /// Begins a file. `header` is written as lines of comment, if the format has comments. Such a format
    /// begins with a line that names akin.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn new(format: ExportFormat, mut out: W, header: &[String]) -> io::Result<PaperWriter<W>> {
        if let Some(mark) = format.comment() {
            writeln!(out, "{mark} {WRITER}")?;
            for line in header {
                // Outside of an entry only `@` means something.
                writeln!(out, "{mark} {}", line.replace('@', "(at)"))?;
            }
            writeln!(out)?;
        }
        Ok(PaperWriter {
            body: match format {
                ExportFormat::Bibtex => FormatBody::Bibtex(out),
                ExportFormat::Ris => FormatBody::Ris(out),
                ExportFormat::CslJson => {
                    out.write_all(b"[")?;
                    FormatBody::CslJson(out)
                }
                ExportFormat::Csv => FormatBody::Csv(Box::new(table::begin(out)?)),
                ExportFormat::Json => FormatBody::Json(out),
            },
            keys: CitationKeys::default(),
            n_papers: 0,
        })
    }

    /// Writes the next paper.
    ///
    /// # Errors
    /// What the output fails with.
    pub fn write(&mut self, paper: &Paper) -> io::Result<()> {
        let is_first = self.n_papers == 0;
        self.n_papers += 1;
        let keys = &mut self.keys;
        match &mut self.body {
            FormatBody::Bibtex(out) => {
                if !is_first {
                    out.write_all(b"\n")?;
                }
                bibtex::write(out, paper, &keys.of(paper))
            }
            FormatBody::Ris(out) => ris::write(out, paper, &keys.of(paper)),
            FormatBody::CslJson(out) => {
                out.write_all(if is_first { b"\n" } else { b",\n" })?;
                csl_json::write(out, paper, &keys.of(paper))
            }
            FormatBody::Csv(out) => table::write(out, paper),
            FormatBody::Json(out) => json::write(out, paper),
        }
    }

    /// Number of papers so far.
    pub fn n_papers(&self) -> u64 {
        self.n_papers
    }

    /// Ends the file; returns what it was written to.
    ///
    /// # Errors
    /// What the output fails with.
    pub fn finish(self) -> io::Result<W> {
        let mut out = match self.body {
            FormatBody::Bibtex(out) | FormatBody::Ris(out) | FormatBody::Json(out) => out,
            FormatBody::CslJson(mut out) => {
                out.write_all(b"\n]\n")?;
                out
            }
            FormatBody::Csv(out) => table::end(*out)?,
        };
        out.flush()?;
        Ok(out)
    }
}
