//! CSV and TSV: rows of text under a line of names, read as the records of `json/plain.rs`.
//!
//! In: UTF-8, or Windows-1252 for a row that is not; separated by commas, tabs, semicolons or bars,
//! as the header shows. Lines before the header may not belong to the table: an export's
//! description of itself, comments, Excel's `sep=;`. `columns.rs` says which column holds which
//! field. Exports of Scopus, Web of Science, Embase, PubMed and Zotero are read this way, and the
//! `metadata.csv` of CORD-19 (<https://github.com/allenai/cord19>). Places are lines, those on
//! which rows begin.
//!
//! A row with unbalanced quotes is taken literally if that gives the header's number of cells, and
//! rejected otherwise. Reading goes on with the next *line*. Rows may be shorter than the header,
//! and longer by empty cells; if only the last one is shorter, the dump is cut. Genuine samples:
//! CORD-19, Embase, reference lists; those of Scopus, Web of Science, PubMed and Zotero follow
//! their published headers.

use std::borrow::Cow;
use std::collections::VecDeque;

use akin_base::error::{Error, Result};
use akin_base::paper::{Authority, TABLE_COLUMNS};
use csv::ByteRecord;
use serde_json::Value;

use super::columns;
use super::quoting::{Quoting, RowState, cells, scan};
use crate::format::{Beginning, FormatReader, Framing, ItemsSpec, SourceFeed, Spec};
use crate::frame::{Framed, MAX_LINE_BYTES, OpenDump, ReadItems};
use crate::json::keys::{IDS, PLAIN_TEXTS, TITLES};
use crate::json::plain;
use crate::lines::LineReader;
use crate::record::{DumpContext, Item};
use crate::reject::{Rejected, Rejection, Unit, excerpt};
use crate::text::literal;

/// Values separated by commas, semicolons or tabs, under a line of names.
pub(crate) const SPEC: Spec = Spec {
    name: "csv",
    title: "CSV or TSV",
    feed: None,
    generic_file: None,
    reader: FormatReader::Items(ItemsSpec {
        framing: Framing::Cells,
        magic: None,
        looks_like: has_header,
        open: |opened| Ok(Box::new(CellReader::open(opened)?)),
    }),
};

/// `metadata.csv` of CORD-19, which lists a paper once for each place that it was found in.
pub(crate) const CORD_19: Spec = Spec {
    name: "cord19",
    title: "CORD-19 metadata",
    feed: Some(SourceFeed {
        lists_once: false,
        ..SourceFeed::new("cord-19", Authority::Catalogue)
    }),
    generic_file: None,
    reader: FormatReader::Items(ItemsSpec {
        framing: Framing::Cells,
        magic: None,
        looks_like: is_cord_19,
        open: |opened| Ok(Box::new(CellReader::open(opened)?)),
    }),
};

/// Separators between cells.
const SEPARATORS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// A row of more lines has a quote that nothing closes.
const MAX_ROW_LINES: usize = 10_000;

/// Number of lines allowed before the header, not counting blank ones.
const MAX_LINES_BEFORE: usize = 30;

/// Reads rows of text.
pub(crate) struct CellReader {
    lines: LineReader,
    /// Lines that were read ahead, with their numbers.
    ahead: VecDeque<(u64, Vec<u8>)>,
    /// What came after the lines that were read ahead.
    after: Option<Framed>,
    separator: u8,
    /// The columns that are read, by [`columns::choose`].
    columns: Vec<(usize, String)>,
    n_columns: usize,
    /// Whether akin wrote the table.
    is_exported: bool,
    context: DumpContext,
    compressed: bool,
    /// Where the last row begins.
    line: u64,
    /// Whether a row was shorter than the header; `None` before the first row.
    is_ragged: Option<bool>,
    ended: bool,
}

/// A row, or why it is invalid, with its first line.
type DelimitedRow = Result<ByteRecord, (Rejection, Vec<u8>)>;

impl ReadItems for CellReader {
    fn next_item(&mut self) -> Option<Result<Item, Rejected>> {
        loop {
            return match self.next_row()? {
                Ok(row) if row.iter().all(|cell| cell.trim_ascii().is_empty()) => continue,
                Ok(row) => Some(self.read_row(&row)),
                Err((reason, line)) => Some(Err(self.rejected(None, reason, &line))),
            };
        }
    }

    fn place(&self) -> (u64, Unit) {
        (self.line, Unit::Line)
    }
}

impl CellReader {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Columns`] if it lacks a column; [`Error::Read`].
    pub(crate) fn open(opened: OpenDump) -> Result<CellReader> {
        let unfit = |reason| Error::Columns {
            path: opened.path.clone(),
            reason,
        };
        let mut lines = LineReader::new(opened.bytes);
        let (mut ahead, mut after) = (VecDeque::new(), None);
        while ahead.len() <= MAX_LINES_BEFORE && after.is_none() {
            let mut line = Vec::new();
            match lines.next_line(&mut line) {
                Framed::Record => ahead.push_back((lines.line(), line)),
                Framed::Failed(error) if ahead.is_empty() => {
                    return Err(Error::read(&opened.path)(error));
                }
                chunk => after = Some(chunk),
            }
        }
        let found = header(ahead.iter().map(|(_, line)| &**line), &opened.columns);
        let at = found.or_else(|| ahead.iter().position(|(_, line)| !separator_line(line)));
        let none = || unfit("it has no line of column names".to_owned());
        let (_, header) = ahead
            .drain(..=at.ok_or_else(none)?)
            .next_back()
            .ok_or_else(none)?;
        let separator = separator(&header);
        let names = names(&header, separator);
        let shown: Vec<&str> = names.iter().map(String::as_str).collect();
        let columns = columns::choose(&shown, &opened.columns).map_err(unfit)?;
        if !has_papers(&columns) {
            let shown = shown.join(", ");
            let reason = format!("no column is called `title` (its columns: {shown})");
            return Err(unfit(reason));
        }
        let is_untitled = !has_any(&columns, &TITLES);
        Ok(CellReader {
            n_columns: names.len(),
            is_exported: names == TABLE_COLUMNS,
            lines,
            ahead,
            after,
            separator,
            columns,
            context: DumpContext {
                is_untitled,
                ..opened.context
            },
            compressed: opened.compressed,
            line: 0,
            is_ragged: None,
            ended: false,
        })
    }

    fn next_row(&mut self) -> Option<DelimitedRow> {
        let first = match self.next_line() {
            Ok((line, bytes)) => {
                self.line = line;
                bytes
            }
            Err(chunk) => return self.end(chunk).map(Err),
        };
        for quoting in [Quoting::Doubled, Quoting::Escaped] {
            if quoting == Quoting::Escaped && !first.windows(2).any(|pair| pair == b"\\\"") {
                continue;
            }
            if let Some(row) = self.quoted(&first, quoting) {
                let whole = row.and_then(|row| self.whole(row));
                return Some(whole.map_err(|reason| (reason, first)));
            }
        }
        Some(self.literal(first))
    }

    /// A row, unless it is the rest of one that was cut off with the dump.
    fn whole(&mut self, row: ByteRecord) -> Result<ByteRecord, Rejection> {
        let is_short = row.len() < self.n_columns;
        let is_first_short = is_short && self.is_ragged == Some(false);
        if is_first_short && self.line_ahead(0).is_none() && matches!(self.after, Some(Framed::End))
        {
            return Err(Rejection::Cut);
        }
        self.is_ragged = Some(is_short || self.is_ragged == Some(true));
        Ok(row)
    }

    /// The row that begins with a line, if its quotes are consistent. Otherwise `None`, and only
    /// the first line is used up.
    fn quoted(&mut self, first: &[u8], quoting: Quoting) -> Option<Result<ByteRecord, Rejection>> {
        let mut state = scan(first, self.separator, false, quoting);
        if state == RowState::Ends {
            return self.fitting(cells(first, self.separator, quoting), false);
        }
        let mut row = first.to_vec();
        let mut used = 0;
        while state == RowState::Open {
            let too_much = used == MAX_ROW_LINES || row.len() > MAX_LINE_BYTES;
            let (_, next) = self.line_ahead(used).filter(|_| !too_much)?;
            row.push(b'\n');
            row.extend_from_slice(next);
            let next = &row[row.len() - next.len()..];
            state = scan(next, self.separator, true, quoting);
            used += 1;
        }
        if state == RowState::Unsound {
            return None;
        }
        let fitting = self.fitting(cells(&row, self.separator, quoting), true)?;
        self.ahead.drain(..used);
        Some(fitting)
    }

    /// A row if it fits the header; of several lines none that does not is one.
    fn fitting(&self, row: ByteRecord, is_of_lines: bool) -> Option<Result<ByteRecord, Rejection>> {
        let expected = self.n_columns;
        let is_longer = row
            .iter()
            .skip(expected)
            .any(|cell| !cell.trim_ascii().is_empty());
        if is_longer && is_of_lines {
            return None;
        }
        let found = row.len();
        Some(if is_longer {
            Err(Rejection::Ragged { found, expected })
        } else {
            Ok(row)
        })
    }

    /// A line with unbalanced quotes as a row: its literal content, if that fits.
    fn literal(&mut self, line: Vec<u8>) -> DelimitedRow {
        let separator = self.separator;
        let fits = |line: &[u8]| cells(line, separator, Quoting::Doubled).len() == self.n_columns;
        let is_open = scan(&line, separator, false, Quoting::Doubled) == RowState::Open;
        if is_open && !self.ahead.iter().any(|(_, line)| fits(line)) {
            // Nothing is left but one cell; if that is because the dump ends, it is cut.
            let reason = match &self.after {
                Some(Framed::End) => Some(Rejection::Cut),
                Some(Framed::Failed(error)) => Some(Rejection::from_read(error, self.compressed)),
                _ => None,
            };
            if let Some(reason) = reason {
                self.ended = true;
                return Err((reason, line));
            }
        }
        let row = cells(&line, separator, Quoting::Literal);
        if row.len() == self.n_columns {
            Ok(row)
        } else {
            Err((Rejection::Unquoted, line))
        }
    }

    /// The next line, or how the lines end.
    fn next_line(&mut self) -> Result<(u64, Vec<u8>), Framed> {
        if self.ended {
            return Err(Framed::End);
        }
        if let Some(line) = self.ahead.pop_front() {
            return Ok(line);
        }
        if let Some(chunk) = self.after.take() {
            return Err(chunk);
        }
        let mut line = Vec::new();
        match self.lines.next_line(&mut line) {
            Framed::Record => Ok((self.lines.line(), line)),
            chunk => Err(chunk),
        }
    }

    /// The line after `n_lines` more, which is not consumed; `None` if the lines end.
    fn line_ahead(&mut self, n_lines: usize) -> Option<&(u64, Vec<u8>)> {
        while self.ahead.len() <= n_lines && self.after.is_none() {
            let mut line = Vec::new();
            match self.lines.next_line(&mut line) {
                Framed::Record => self.ahead.push_back((self.lines.line(), line)),
                chunk => self.after = Some(chunk),
            }
        }
        self.ahead.get(n_lines)
    }

    /// The result of the end of the lines, or of an invalid line.
    fn end(&mut self, chunk: Framed) -> Option<(Rejection, Vec<u8>)> {
        self.line = self.lines.line();
        let reason = match chunk {
            Framed::Bad(reason) => return Some((reason, Vec::new())),
            Framed::Failed(error) => Rejection::from_read(&error, self.compressed),
            _ => {
                self.ended = true;
                return None;
            }
        };
        self.ended = true;
        Some((reason, Vec::new()))
    }

    fn read_row(&self, row: &ByteRecord) -> Result<Item, Rejected> {
        let cell = |(idx, name): &(usize, String)| {
            let text = text(row.get(*idx).unwrap_or(b""));
            let text = if self.is_exported {
                armed(&text)
            } else {
                &text
            };
            (name.clone(), value(name, text))
        };
        let mut fields = self.columns.iter().map(cell).collect();
        take_embase_day(&mut fields);
        plain::read_cells(fields, &self.context).map_err(|fault| {
            let shown: Vec<&[u8]> = row.iter().collect();
            self.rejected(fault.id, fault.reason, &shown.join(&self.separator))
        })
    }

    fn rejected(&self, id: Option<String>, reason: Rejection, shown: &[u8]) -> Rejected {
        Rejected {
            line: self.line,
            unit: Unit::Line,
            id,
            reason,
            excerpt: excerpt(shown),
        }
    }
}

/// Whether a text has a header: a column of titles and another, or ids and texts. Where the user has
/// set columns, any header of several is one.
pub(crate) fn has_header(beginning: &Beginning<'_>) -> bool {
    column_names(beginning).is_some()
}

/// Whether the header of a text is that of CORD-19.
fn is_cord_19(beginning: &Beginning<'_>) -> bool {
    let names = column_names(beginning).unwrap_or_default();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let known = columns::known(&names);
    known.iter().any(|(_, name)| name == "corduid")
}

/// The names of the columns of a text that has a header.
fn column_names(beginning: &Beginning<'_>) -> Option<Vec<String>> {
    let mut lines: Vec<&[u8]> = beginning.text.split(|&b| b == b'\n').collect();
    if !beginning.complete {
        // The window cuts the last line.
        lines.pop();
    }
    let lines = lines.iter().map(|line| line.trim_ascii_end());
    let lines: Vec<&[u8]> = lines
        .filter(|line| !line.is_empty())
        .take(MAX_LINES_BEFORE + 1)
        .collect();
    let at = header(lines.iter().copied(), beginning.columns)?;
    let header = lines[at];
    if header.contains(&0) {
        return None;
    }
    Some(names(header, separator(header)))
}

/// The position of the header among the first non-blank lines of a text; `None` if no line is one.
/// A comment counts as the header if no other line does.
fn header<'a>(
    lines: impl Iterator<Item = &'a [u8]> + Clone,
    set: &[(String, String)],
) -> Option<usize> {
    let lines: Vec<&[u8]> = lines.collect();
    let is_wide = |line: &&[u8]| {
        let is_named = !set.is_empty() && !separator_line(line);
        is_named && names(line, separator(line)).len() > 1
    };
    header_among(&lines, set, |line| !is_comment(line))
        .or_else(|| header_among(&lines, set, is_comment))
        .or_else(|| lines.iter().position(is_wide).filter(|at| *at == 0))
}

/// The first of the lines that fit which names columns. The line before it is not part of the
/// table: it has fewer cells.
fn header_among(
    lines: &[&[u8]],
    set: &[(String, String)],
    fits: impl Fn(&[u8]) -> bool,
) -> Option<usize> {
    let mut widest = 0;
    let mut candidates = lines.iter().enumerate();
    candidates.find_map(|(at, line)| {
        if separator_line(line) || !fits(line) {
            return None;
        }
        let separator = separator(line);
        let names = names(line, separator);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let known = columns::known(&names);
        let next = lines.get(at + 1);
        let next = next.map(|line| cells(line, separator, Quoting::Doubled).len());
        let is_known = has_papers(&known)
            && match known.len() {
                // It may be a word of a sentence.
                1 => names.len() > 1 && next == Some(names.len()),
                _ if widest > 0 => next.is_none_or(|n| (2..=names.len()).contains(&n)),
                _ => true,
            };
        let is_set = !set.is_empty() && names.len() > 1 && columns::choose(&names, set).is_ok();
        if names.len() > widest && (is_known || is_set) {
            return Some(at);
        }
        widest = widest.max(names.iter().filter(|name| !name.is_empty()).count());
        None
    })
}

/// Whether a line is one of the comments that some programs write before a table.
fn is_comment(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.starts_with(b"#") || line.starts_with(b"\"#") || line.starts_with(b"//")
}

/// Whether papers can be read from these columns.
fn has_papers(columns: &[(usize, String)]) -> bool {
    has_any(columns, &TITLES) || (has_any(columns, &IDS) && has_any(columns, &PLAIN_TEXTS))
}

fn has_any(columns: &[(usize, String)], names: &[&str]) -> bool {
    let mut known = columns.iter();
    known.any(|(_, name)| names.contains(&name.as_str()))
}

/// The separator that makes the most known columns of a header, else the most columns.
fn separator(header: &[u8]) -> u8 {
    let rank = |separator: &u8| {
        let names = names(header, *separator);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (columns::known(&names).len(), names.len())
    };
    // Of equals, `max_by_key` takes the last.
    let best = SEPARATORS
        .iter()
        .rev()
        .max_by_key(|separator| rank(separator));
    best.copied().unwrap_or(b',')
}

fn names(header: &[u8], separator: u8) -> Vec<String> {
    let cells = cells(header, separator, Quoting::Doubled);
    cells
        .iter()
        .map(|cell| text(cell).trim().to_owned())
        .collect()
}

/// Whether a line is Excel's `sep=;`, which precedes the header.
fn separator_line(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.len() <= 5
        && line
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"sep="))
}

fn text(cell: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(cell) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode(cell).0,
    }
}

/// A cell of an exported table without the apostrophe that keeps it from being a formula.
fn armed(cell: &str) -> &str {
    let is_formula = cell
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r']);
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula => rest,
        _ => cell,
    }
}

/// A cell as the value of its field.
fn value(name: &str, text: &str) -> Value {
    let text = text.trim();
    let may_be_list = text.starts_with('[') && text.ends_with(']') && is_list(name);
    let list = may_be_list.then(|| literal::parse(text)).flatten();
    list.unwrap_or_else(|| text.into())
}

/// Takes the day off the source as Embase writes it: `J (2014) 3:3 (1-2). Date of Publication: 2014`.
fn take_embase_day(fields: &mut Vec<(String, Value)>) {
    const MARK: &str = "Date of Publication:";
    let source = fields.iter_mut().find_map(|(name, value)| {
        let written = value.as_str().filter(|_| name == "journal")?;
        let (journal, day) = written.split_once(MARK)?;
        Some((journal.trim().to_owned(), day.trim().to_owned(), value))
    });
    if let Some((journal, day, value)) = source {
        *value = journal.trim_end_matches('.').into();
        fields.push(("published".to_owned(), day.into()));
    }
}

/// Whether a field of this name may be a list.
fn is_list(name: &str) -> bool {
    plain::group(name).is_some_and(|names| names.contains(&"categories"))
        || (name != "id" && IDS.contains(&name))
}
