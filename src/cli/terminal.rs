//! The one way to stdout and stderr.
//!
//! In: text, with [`Style`]s in it. Out: on a terminal, text in which nothing is hidden or obeyed
//! by the terminal. Control characters, line and paragraph separators, bidirectional marks,
//! invisible characters and tags are made visible, or dropped. Dumps, file names, servers and other
//! people's follows can hold any of these. Into a pipe the text goes unchanged.
//!
//! Where the terminal takes hyperlinks, a paper's id in [`CYAN`] links to its page. The link is made
//! from the id that is shown: a text cannot link to anything else.
//!
//! Invariants:
//! - Bold and green are not escape sequences in the text but one of [`STYLES`]; only this file
//!   turns them into escape sequences. So no byte of a text is ever taken for an escape sequence.
//! - No other file of the program writes to stdout or stderr: `clippy.toml` forbids the functions
//!   for it. Only bars are drawn elsewhere (`progress.rs`), and they show only akin's own words.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use akin::paper::PaperId;
use anstream::{AutoStream, ColorChoice};

use super::log_lines::LogLines;
use super::outside::outside;
use super::pager::{self, PagedStdout, Screen};

/// Whether all of stderr is JSON.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// How text looks, until `{:#}` ends it: `{BOLD}text{BOLD:#}`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style(&'static str);

/// What matters most.
pub(super) const BOLD: Style = Style("\u{FDD0}");
/// What matters less.
pub(super) const DIM: Style = Style("\u{FDD1}");
/// Numbers.
pub(super) const GREEN: Style = Style("\u{FDD2}");
/// Names and ids.
pub(super) const CYAN: Style = Style("\u{FDD3}");
/// Failures.
pub(super) const RED: Style = Style("\u{FDD4}");
/// The end of any style.
pub(super) const END: Style = Style("\u{FDD5}");

/// Styles, as characters that no text contains (Unicode reserves them for use inside programs),
/// with their escape sequences.
const STYLES: [(char, &str); 6] = [
    ('\u{FDD0}', "\u{1b}[1m"),
    ('\u{FDD1}', "\u{1b}[2m"),
    ('\u{FDD2}', "\u{1b}[32m"),
    ('\u{FDD3}', "\u{1b}[36m"),
    ('\u{FDD4}', "\u{1b}[1m\u{1b}[31m"),
    ('\u{FDD5}', "\u{1b}[0m"),
];

/// The first byte of every style.
const STYLE_BYTE: u8 = 0xEF;

/// Characters of the longest word of a message; the rest is cut.
const WORD_CHARS: usize = 300;

/// Bytes that are shown of the start and the end of a long one-line message. The start says what it
/// is about, the end what is wrong.
const LINE_BYTES: [usize; 2] = [2000, 1000];

/// Bytes of the longest id that is a link.
const MAX_LINKED_BYTES: usize = 300;

/// Bytes of the longest part of one character that a write can end with.
const MAX_PART: usize = 3;

impl Style {
    /// The mark for it in a text.
    pub(super) const fn mark(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { END.0 } else { self.0 })
    }
}

/// Text for people, on stdout.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn stdout() -> Door {
    if pager::is_begun() {
        return Door {
            passage: Passage {
                is_shown: true,
                has_colors: has_colors(),
                has_links: has_colors() && supports_hyperlinks::supports_hyperlinks(),
            },
            inner: Box::new(PagedStdout),
            part: Vec::new(),
            name: None,
        };
    }
    Door::of(io::stdout())
}

/// Whether text on stdout has colours.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn has_colors() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Pages what is written to stdout from now on, if there is a pager, and a terminal of a known size.
pub(super) fn page(pager: Option<String>) {
    if let (Some(pager), Some(size)) = (pager, size()) {
        let screen = Screen {
            size,
            open: screen,
            note,
        };
        pager::begin(pager, screen);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn screen() -> Box<dyn Write> {
    Box::new(Outside(AutoStream::auto(io::stdout())))
}

/// Text for people, on stderr; as lines of the log where that is JSON.
pub(super) fn stderr() -> Door {
    let door = log();
    if !is_json() {
        return door;
    }
    Door {
        inner: Box::new(LogLines::new(door)),
        passage: Passage {
            is_shown: false,
            has_colors: false,
            has_links: false,
        },
        part: Vec::new(),
        name: None,
    }
}

/// Lines of the log, on stderr.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn log() -> Door {
    Door::of(io::stderr())
}

/// From now on, messages on stderr are JSON.
pub(super) fn make_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// Whether messages on stderr are JSON.
pub(super) fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// Whether a person reads stderr at a terminal.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn is_stderr_read() -> bool {
    io::stderr().is_terminal()
}

/// Data for programs, on stdout: bytes as they are, unless a terminal is there to take them.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn data() -> Box<dyn Write + Send> {
    let stdout = io::stdout();
    if stdout.is_terminal() {
        Box::new(Door::of(stdout))
    } else {
        Box::new(Outside(stdout))
    }
}

/// Columns of the terminal on stdout, if there is one.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn columns() -> Option<usize> {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(width, _)| usize::from(width.0))
}

/// Rows and columns of the terminal on stdout, if there is one.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn size() -> Option<(usize, usize)> {
    let (width, height) = terminal_size::terminal_size_of(io::stdout())?;
    let size = (usize::from(height.0), usize::from(width.0));
    (size.0 > 0 && size.1 > 0).then_some(size)
}

/// A writer that may wait for its reader.
pub(super) struct Outside<W>(W);

impl Outside<File> {
    /// Opens a pipe or a device for writing; this may wait for its reader.
    pub(super) fn open(path: &Path) -> io::Result<Outside<File>> {
        outside(|| File::options().write(true).open(path)).map(Outside)
    }
}

impl<W: Write> Write for Outside<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        outside(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        outside(|| self.0.flush())
    }
}

/// A writer that only lets visible text through.
pub(super) struct Door {
    inner: Box<dyn Write + Send>,
    passage: Passage,
    /// The beginning of a character whose end has not been written yet.
    part: Vec<u8>,
    /// The beginning of a name in [`CYAN`] whose end has not been written yet.
    name: Option<String>,
}

/// What becomes of text on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Passage {
    /// Whether harmful characters are made visible.
    is_shown: bool,
    /// Whether styles become escape sequences.
    has_colors: bool,
    /// Whether ids become hyperlinks.
    has_links: bool,
}

impl Door {
    fn of<S>(stream: S) -> Door
    where
        S: anstream::stream::RawStream + anstream::stream::AsLockedWrite + Send + 'static,
    {
        let has_colors = AutoStream::choice(&stream) != ColorChoice::Never;
        let is_terminal = stream.is_terminal();
        Door {
            passage: Passage {
                // Colours that are insisted on reach a terminal in the end.
                is_shown: is_terminal || has_colors,
                has_colors,
                has_links: is_terminal && has_colors && supports_hyperlinks::supports_hyperlinks(),
            },
            inner: if is_terminal {
                Box::new(AutoStream::auto(stream))
            } else {
                Box::new(stream)
            },
            part: Vec::new(),
            name: None,
        }
    }
}

impl Write for Door {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_bytes = bytes.len();
        let bytes = if self.part.is_empty() {
            Cow::Borrowed(bytes)
        } else {
            Cow::Owned([&std::mem::take(&mut self.part)[..], bytes].concat())
        };
        let n_whole = bytes.len() - unfinished(&bytes);
        self.part = bytes[n_whole..].to_vec();
        let text = self.passage.of(&bytes[..n_whole], &mut self.name);
        outside(|| self.inner.write_all(&text))?;
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let part = std::mem::take(&mut self.part);
        let name = self.name.take().unwrap_or_default();
        let text = self.passage.of(&part, &mut None);
        outside(|| {
            self.inner.write_all(name.as_bytes())?;
            self.inner.write_all(&text)?;
            self.inner.flush()
        })
    }

    /// In one piece, so that the lines of two threads do not mix.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        match text.as_str() {
            Some(text) => self.write_all(text.as_bytes()),
            None => self.write_all(text.to_string().as_bytes()),
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // Callers that need to know of errors flush.
        let _ = self.flush();
    }
}

/// Bytes at the end that are the beginning of a character, or a CR whose LF may follow.
fn unfinished(bytes: &[u8]) -> usize {
    if bytes.last() == Some(&b'\r') {
        return 1;
    }
    let longest = bytes.len().min(MAX_PART);
    let starts = |n: &usize| {
        let part = &bytes[bytes.len() - n..];
        matches!(std::str::from_utf8(part), Err(e) if e.valid_up_to() == 0 && e.error_len().is_none())
    };
    (1..=longest).rev().find(starts).unwrap_or(0)
}

impl Passage {
    fn of<'a>(self, bytes: &'a [u8], name: &mut Option<String>) -> Cow<'a, [u8]> {
        let is_plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_control() || byte == b'\n';
        let passes = if name.is_some() {
            false
        } else if self.is_shown {
            bytes.iter().all(|byte| is_plain(*byte))
        } else {
            !bytes.contains(&STYLE_BYTE)
        };
        if passes {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
        for chunk in bytes.utf8_chunks() {
            let mut characters = chunk.valid().chars().peekable();
            while let Some(c) = characters.next() {
                let is_line_end = c == '\r' && characters.peek() == Some(&'\n');
                if !is_line_end || !self.is_shown {
                    self.push_named(c, name, &mut out);
                }
            }
            if self.is_shown && !chunk.invalid().is_empty() {
                out.extend("\u{FFFD}".as_bytes())
            } else {
                out.extend(chunk.invalid())
            }
        }
        Cow::Owned(out)
    }

    /// Appends a character; those of a name wait for its end, and become a link.
    fn push_named(self, c: char, name: &mut Option<String>, out: &mut Vec<u8>) {
        let is_style = STYLES.iter().any(|(style, _)| *style == c);
        if let Some(text) = name {
            if !is_style && c != '\n' && text.len() < MAX_LINKED_BYTES {
                let mut shown = Vec::new();
                self.push(c, &mut shown);
                text.push_str(&String::from_utf8_lossy(&shown));
                return;
            }
            push_link(text, is_style, out);
            *name = None;
        }
        self.push(c, out);
        if self.has_links && CYAN.0.starts_with(c) {
            *name = Some(String::new());
        }
    }

    fn push(self, c: char, out: &mut Vec<u8>) {
        if let Some((_, sequence)) = STYLES.iter().find(|(style, _)| *style == c) {
            if self.has_colors {
                out.extend(sequence.as_bytes());
            }
            return;
        }
        let mut buffer = [0; 4];
        match look(c) {
            _ if !self.is_shown => out.extend(c.encode_utf8(&mut buffer).as_bytes()),
            Look::Plain => out.extend(c.encode_utf8(&mut buffer).as_bytes()),
            Look::Picture(picture) => out.extend(picture.encode_utf8(&mut buffer).as_bytes()),
            Look::Number => out.extend(format!("<U+{:04X}>", u32::from(c)).as_bytes()),
            Look::Nothing => {}
        }
    }
}

/// Appends a name, as a hyperlink (OSC 8) if it is whole and the id of a paper that has a page.
fn push_link(name: &str, is_whole: bool, out: &mut Vec<u8>) {
    let id = is_whole.then(|| PaperId::parse(name)).flatten();
    let address = id.and_then(|id| id.address());
    match address.filter(|address| address.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some(address) => {
            let link = format!("\u{1b}]8;;{address}\u{1b}\\{name}\u{1b}]8;;\u{1b}\\");
            out.extend(link.as_bytes());
        }
        None => out.extend(name.as_bytes()),
    }
}

/// How a character is shown on a terminal.
enum Look {
    Plain,
    /// By another one that is a picture of it.
    Picture(char),
    /// By its number.
    Number,
    Nothing,
}

/// How a character is shown on a terminal.
fn look(c: char) -> Look {
    match c {
        '\n' | '\t' => Look::Plain,
        '\0'..='\u{1F}' => {
            char::from_u32(0x2400 + u32::from(c)).map_or(Look::Number, Look::Picture)
        }
        '\u{7F}' => Look::Picture('\u{2421}'),
        // Joiners and marks of direction that ordinary text in some scripts has.
        '\u{200C}'..='\u{200F}' | '\u{61C}' | '\u{34F}' => Look::Nothing,
        // Variants of one character.
        '\u{E0100}'..='\u{E01EF}' => Look::Nothing,
        _ if is_hidden(c) => Look::Number,
        _ => Look::Plain,
    }
}

/// Whether a character is obeyed instead of shown, or matters but cannot be seen: control
/// characters, line separators, bidirectional marks, zero-width characters, tags, noncharacters.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FDD0}'..='\u{FDEF}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// A message of one line: line ends and control characters in it are shown. A word without an end
/// is cut, such as an address with a long token. So is the middle of a long message: it quotes
/// other people's text.
pub(super) fn one_line(text: &str) -> String {
    let line = words(text);
    let [start, end] = LINE_BYTES;
    if line.len() <= start + end {
        return line;
    }
    let start = &line[..line.floor_char_boundary(start)];
    let end = &line[line.ceil_char_boundary(line.len() - end)..];
    let n_left = line.len() - start.len() - end.len();
    format!("{start}… ({n_left} bytes more) …{end}")
}

/// The words of a message, each cut.
fn words(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (place, word) in text.split(' ').enumerate() {
        if place > 0 {
            line.push(' ');
        }
        push_cut(word, &mut line);
    }
    line
}

fn push_cut(word: &str, line: &mut String) {
    let mut characters = word.chars();
    for c in characters.by_ref().take(WORD_CHARS) {
        match look(c) {
            Look::Picture(picture) => line.push(picture),
            _ if c == '\n' => line.push('\u{240A}'),
            _ => line.push(c),
        }
    }
    let n_left = characters.count();
    if n_left > 0 {
        line.push_str(&format!("… ({n_left} characters more)"));
    }
}

/// A text of one line, as files have it too: what a terminal would obey is shown.
pub(super) fn shown(text: &str) -> String {
    words(text)
}

/// Says something on stderr.
pub(super) fn note(text: &str) {
    // If stderr cannot be written, nobody can be informed.
    let _ = writeln!(stderr(), "{DIM}note:{DIM:#} {}", one_line(text));
}

#[cfg(test)]
mod tests;
