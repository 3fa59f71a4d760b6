//! How numbers, texts and JSON are laid out.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use textwrap::Options;

use super::terminal;

/// Width if stdout is not a terminal.
const DEFAULT_WIDTH: usize = 100;

/// Prints one value as a line of JSON. Characters that a terminal obeys or hides are escaped.
pub(super) fn json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Escaping);
    value.serialize(&mut serializer)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// JSON that means the same on a terminal.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(terminal::is_hidden) {
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            let mut characters = rest[at..].chars();
            for unit in characters.by_ref().take(1) {
                for unit in unit.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

/// Wraps text to at most `max_lines` lines; the last ends in an ellipsis if there was more.
pub(super) fn wrapped(text: &str, width: usize, indent: &str, max_lines: usize) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let options = Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(indent);
    let all = textwrap::wrap(text, options);
    let n_lines = all.len();
    let mut lines: Vec<String> = all.into_iter().take(max_lines).map(Into::into).collect();
    if n_lines > max_lines
        && let Some(last) = lines.last_mut()
    {
        while textwrap::core::display_width(last) >= width {
            match last.trim_end().rfind(' ').filter(|at| *at > indent.len()) {
                Some(at) => last.truncate(at),
                None => last.truncate(last.char_indices().last().map_or(0, |(at, _)| at)),
            }
        }
        last.truncate(last.trim_end().len());
        last.push('…');
    }
    lines
}

/// Columns of the terminal, limited to a readable width.
pub(super) fn width() -> usize {
    terminal::columns().unwrap_or(DEFAULT_WIDTH).clamp(40, 120)
}

/// A number with this many decimals, for programs.
pub(super) fn rounded(number: f64, decimals: i32) -> f64 {
    let unit = 10f64.powi(decimals);
    (number * unit).round() / unit
}

/// A count with thousands separators: `12,345`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things: `1 paper`, `12,345 papers`.
pub(super) fn counted(n: u64, what: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{} {what}{ending}", count(n))
}

/// A rate with two digits: `0.53`, `6.1`, `61`, `1,200`.
pub(super) fn rate(per_second: f64) -> String {
    if !per_second.is_finite() || per_second <= 0.0 {
        return "0".to_owned();
    }
    let digits = 1 - per_second.log10().floor() as i32;
    if digits > 0 {
        let shown = format!("{per_second:.0$}", digits as usize);
        // 9.96 has one digit less once it is rounded.
        return if shown == "10.0" {
            "10".to_owned()
        } else {
            shown
        };
    }
    let unit = 10f64.powi(-digits);
    count(((per_second / unit).round() * unit) as u64)
}

/// A time as a person says it: `45 s`, `24 min`, `3.2 h`.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 100.0 * 60.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A share of papers: `62 % of 100,000 papers`, `none of 2 papers`.
pub(super) fn share(n: u64, of: u64) -> String {
    let papers = counted(of, "paper");
    match 100 * n / of.max(1) {
        _ if n == 0 => format!("none of {papers}"),
        0 => format!("less than 1 % of {papers}"),
        percent => format!("{percent} % of {papers}"),
    }
}

/// A size in the unit that reads well.
pub(super) fn bytes(n: u64) -> String {
    let mut size = n as f64;
    for unit in ["B", "KB", "MB", "GB"] {
        if size < 1000.0 {
            let precision = if unit == "B" { 0 } else { 1 };
            return format!("{size:.precision$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1234), "1,234");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(0, "paper"), "0 papers");
        assert_eq!(counted(1, "paper"), "1 paper");
        assert_eq!(counted(1000, "paper"), "1,000 papers");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(45_141_904), "45.1 MB");
    }

    #[test]
    fn what_is_left_out_of_a_text_is_marked() {
        let text = "one two three four five six seven";
        assert_eq!(wrapped(text, 12, "  ", 2), ["  one two", "  three…"]);
        assert_eq!(wrapped("short", 12, "", 2), ["short"]);
        assert_eq!(wrapped("", 12, "", 2), [""; 0]);
        for line in wrapped("語語語語語語語語語語 語語語", 11, "", 1) {
            assert!(textwrap::core::display_width(&line) <= 11, "{line}");
        }
    }

    #[test]
    fn rates_have_two_digits_and_times_one_unit() {
        for (n, expected) in [
            (0.0, "0"),
            (0.534, "0.53"),
            (6.13, "6.1"),
            (9.96, "10"),
            (61.4, "61"),
            (1234.0, "1,200"),
        ] {
            assert_eq!(rate(n), expected);
        }
        for (seconds, expected) in [(45.2, "45 s"), (1440.0, "24 min"), (11520.0, "3.2 h")] {
            assert_eq!(duration(seconds), expected);
        }
        assert_eq!(share(62, 100), "62 % of 100 papers");
        assert_eq!(share(1, 1000), "less than 1 % of 1,000 papers");
        assert_eq!(share(0, 1), "none of 1 paper");
    }
}
