//! Rows of CSV in lines of text: which lines belong to one row, and its cells.
//!
//! In: lines without their ends. Out: cells. A cell in quotes may hold separators, line ends and
//! doubled quotes (RFC 4180), or quotes behind a backslash, as Spark and MySQL write them. The
//! `csv` crate parses a row. This module only finds where a row ends, so that an unclosed quote
//! takes no more than its own line.

use csv::{ByteRecord, ReaderBuilder, Terminator};

/// How quotes inside cells are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Doubled.
    Doubled,
    /// Behind a backslash.
    Escaped,
    /// There are no quotes: anything that looks like one is text.
    Literal,
}

/// The state of a row after one of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowState {
    /// It ends with the line.
    Ends,
    /// The line ends inside a cell in quotes.
    Open,
    /// A quote closes and no cell ends there.
    Unsound,
}

/// Reads on through one line; `open` if it begins inside a cell in quotes.
pub(crate) fn scan(line: &[u8], separator: u8, mut open: bool, quoting: Quoting) -> RowState {
    let mut at = 0;
    loop {
        if open {
            match line.get(at) {
                None => return RowState::Open,
                Some(b'\\') if quoting == Quoting::Escaped => at += 2,
                Some(b'"') if quoting == Quoting::Doubled && line.get(at + 1) == Some(&b'"') => {
                    at += 2;
                }
                Some(b'"') => {
                    open = false;
                    at += 1;
                    if line.get(at).is_some_and(|&next| next != separator) {
                        return RowState::Unsound;
                    }
                }
                Some(_) => at += 1,
            }
        } else if at == 0 && line.first() == Some(&b'"') {
            open = true;
            at = 1;
        } else {
            let Some(gap) = line[at.min(line.len())..]
                .iter()
                .position(|&b| b == separator)
            else {
                return RowState::Ends;
            };
            at += gap + 1;
            open = line.get(at) == Some(&b'"');
            at += usize::from(open);
        }
    }
}

/// The cells of a row.
pub(crate) fn cells(row: &[u8], separator: u8, quoting: Quoting) -> ByteRecord {
    let mut builder = ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        // A CR in a cell does not end the row: it would take the following text with it.
        .terminator(Terminator::Any(b'\n'))
        .quoting(quoting != Quoting::Literal)
        .buffer_capacity(row.len().max(64));
    if quoting == Quoting::Escaped {
        builder.double_quote(false).escape(Some(b'\\'));
    }
    let mut record = ByteRecord::new();
    // Bytes in memory cannot fail to be read, and a flexible row of bytes is never wrong.
    let _ = builder.from_reader(row).read_byte_record(&mut record);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a line ends, and its cells.
    fn check(line: &str, quoting: Quoting, expected: RowState, expected_cells: &[&str]) {
        assert_eq!(
            scan(line.as_bytes(), b',', false, quoting),
            expected,
            "{line}"
        );
        let read = cells(line.as_bytes(), b',', quoting);
        let read: Vec<_> = read.iter().map(String::from_utf8_lossy).collect();
        if expected == RowState::Ends {
            assert_eq!(read, expected_cells, "{line}");
        }
    }

    #[test]
    fn quotes_are_closed_where_a_cell_ends() {
        use Quoting::{Doubled, Escaped, Literal};
        check(
            r#"a,"b,c","d""e",f"g"#,
            Doubled,
            RowState::Ends,
            &["a", "b,c", r#"d"e"#, r#"f"g"#],
        );
        check("\"\" a,b", Doubled, RowState::Unsound, &[]);
        check(r#""","",a""#, Doubled, RowState::Ends, &["", "", "a\""]);
        check(r#"a,"b"#, Doubled, RowState::Open, &[]);
        check(r#"a,"b" c,d"#, Doubled, RowState::Unsound, &[]);
        check(
            r#"a,"b \"c\", d",e"#,
            Escaped,
            RowState::Ends,
            &["a", r#"b "c", d"#, "e"],
        );
        check(r#"a,"b"#, Literal, RowState::Open, &[]);
        check("", Doubled, RowState::Ends, &[]);
        check("a,,", Doubled, RowState::Ends, &["a", "", ""]);
        check("a\rb,c", Doubled, RowState::Ends, &["a\rb", "c"]);
        assert_eq!(
            cells(br#"a,"b" c"#, b',', Literal).get(1),
            Some(&br#""b" c"#[..])
        );
    }

    #[test]
    fn a_line_can_begin_inside_quotes() {
        let check = |line: &str, expected| {
            assert_eq!(
                scan(line.as_bytes(), b',', true, Quoting::Doubled),
                expected
            );
        };
        check("more of it", RowState::Open);
        check("the end\",b", RowState::Ends);
        check("the end\", \"b", RowState::Ends);
        check("he \"said\"", RowState::Unsound);
    }
}
