//! The saved text of a page of papers: titles and abstracts in turn, between a page's other lines.
//!
//! Every line that is not blank is a block, so the layout with blank lines and the one without are
//! read alike. A block is recognised by its looks and its neighbours:
//!
//! - *body*: 200 characters or more, or 100 and more that end a sentence with a full stop;
//! - *title*: a shorter block followed by a body. Also one of 200 to 300 characters that ends no
//!   sentence, is first or follows a body, and is followed by a body;
//! - bodies in a row are the paragraphs of one abstract. So is a short block between papers that
//!   ends a sentence or holds an address;
//! - the page's own lines ("Daily Papers", "Subscribe", a day, a count) are not blocks, even if
//!   they are glued to the first title. Up to the first title, short lines are the page's head.
//!
//! What is left over is rejected. Such pages have no ids: they are made from the titles. The day of
//! the page is that of its list, if the year is with it or is given: it is never guessed. Places
//! are lines. One block is read ahead.

use akin_base::paper::{Authority, Paper, PaperId};
use jiff::civil::Date;

use crate::format::{Beginning, FormatReader, Framing, ItemsSpec, SourceFeed, Spec};
use crate::frame::{Framed, OpenDump, ReadItems};
use crate::ignored::Notes;
use crate::lines::LineReader;
use crate::record::{DumpContext, Item, Record};
use crate::reject::{Rejected, Rejection, Unit, excerpt};
use crate::source::bytes::Bytes;
use crate::text::clean::clean;

/// The saved text of a Hugging Face papers page.
pub(crate) const SPEC: Spec = Spec {
    name: "hf-page",
    title: "text of a Hugging Face papers page",
    feed: Some(SourceFeed::new("hf-daily", Authority::Catalogue)),
    generic_file: None,
    reader: FormatReader::Items(ItemsSpec {
        framing: Framing::Page,
        magic: None,
        looks_like,
        open: |opened| {
            let OpenDump {
                bytes,
                context,
                compressed,
                ..
            } = opened;
            Ok(Box::new(PageReader::new(bytes, context, compressed)))
        },
    }),
};

/// Whether a dump begins like a page.
fn looks_like(beginning: &Beginning<'_>) -> bool {
    let text = beginning.text;
    let is_other = text.starts_with(b"<")
        || text.starts_with(b"{")
        || text.starts_with(b"[")
        || text.contains(&0);
    let text = String::from_utf8_lossy(text);
    let whole = if beginning.complete {
        Some(&*text)
    } else {
        // A line cut by the window would be taken for a short one.
        text.rsplit_once('\n').map(|(whole, _)| whole)
    };
    !is_other && whole.is_some_and(is_page)
}

/// From here on a block is an abstract, whatever it ends with; few titles are longer.
const BODY_CHARS: usize = 200;
/// From here on a block that ends with a full stop is an abstract.
const SENTENCE_BODY_CHARS: usize = 100;
/// No title is longer.
const MAX_TITLE_CHARS: usize = 300;
/// No abstract is longer, with all its paragraphs.
const MAX_ABSTRACT_BYTES: usize = 64 << 10;
/// Lines of the page's head are at most this long.
const MAX_HEAD_CHARS: usize = 60;

/// Blocks of a page's start that need no pair, in addition to one for two pairs.
const MAX_OTHER_BLOCKS: usize = 8;

/// The page's own lines, wherever they are and whatever is glued to their end.
const PAGE_LINES: [&str; 13] = [
    "Get trending papers in your email inbox once a day!",
    "Get trending papers in your email inbox!",
    "by AK and the research community",
    "byAK and the research community",
    "Daily Papers",
    "Trending Papers",
    "Hugging Face",
    "Submitted by",
    "Subscribe",
    "Previous",
    "Next",
    "new",
    "Papers",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[derive(Debug, Clone, PartialEq)]
struct PageBlock {
    line: u64,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Looks {
    Body,
    Short,
    /// Long for a title, short for an abstract, and it ends no sentence.
    Either,
}

/// Reads papers from a page.
pub(crate) struct PageReader {
    lines: LineReader,
    buffer: Vec<u8>,
    context: DumpContext,
    compressed: bool,
    ahead: Option<Result<PageBlock, Rejected>>,
    /// The paper that is being read: its title, and the paragraphs so far.
    title: Option<PageBlock>,
    paragraphs: Vec<String>,
    /// Items that are ready: at most a paper and the rejection of the block after it.
    ready: std::collections::VecDeque<Result<Paper, Rejected>>,
    in_head: bool,
    ended: bool,
    /// The page's day as written, if no year is known for it.
    day_without_year: Option<String>,
}

impl ReadItems for PageReader {
    fn next_item(&mut self) -> Option<Result<Item, Rejected>> {
        let next = self.next_paper()?;
        Some(next.map(|paper| Record::new(paper, None, Notes::default()).into()))
    }

    fn place(&self) -> (u64, Unit) {
        (self.lines.line(), Unit::Line)
    }

    fn day_without_year(&self) -> Option<&str> {
        self.day_without_year.as_deref()
    }
}

impl PageReader {
    pub(crate) fn new(input: Bytes, context: DumpContext, compressed: bool) -> PageReader {
        let mut reader = PageReader {
            lines: LineReader::new(input),
            buffer: Vec::new(),
            context,
            compressed,
            ahead: None,
            title: None,
            paragraphs: Vec::new(),
            ready: std::collections::VecDeque::new(),
            in_head: true,
            ended: false,
            day_without_year: None,
        };
        reader.ahead = reader.read_block();
        reader
    }

    /// The next paper or rejection.
    fn next_paper(&mut self) -> Option<Result<Paper, Rejected>> {
        while self.ready.is_empty() && !self.ended {
            self.step();
        }
        self.ready.pop_front()
    }

    /// Takes one block, with the one after it in view.
    fn step(&mut self) {
        let Some(block) = self.ahead.take() else {
            self.ended = true;
            return self.finish();
        };
        self.ahead = self.read_block();
        match block {
            Err(rejected) => {
                self.finish();
                self.ready.push_back(Err(rejected));
            }
            Ok(block) => self.place(block),
        }
    }

    fn place(&mut self, block: PageBlock) {
        let body_follows =
            matches!(&self.ahead, Some(Ok(next)) if looks(&next.text) != Looks::Short);
        let at_title = self.title.is_none() || !self.paragraphs.is_empty();
        let is_title = match looks(&block.text) {
            Looks::Body => false,
            Looks::Short => body_follows,
            Looks::Either => body_follows && at_title,
        };
        let is_short = looks(&block.text) == Looks::Short;
        if is_title {
            self.finish();
            self.in_head = false;
            self.title = Some(block);
        } else if self.is_paragraph(&block, is_short) {
            self.paragraphs.push(block.text);
        } else if is_short && self.in_head && block.text.chars().count() <= MAX_HEAD_CHARS {
            // The page's head, in words that are not known here.
        } else {
            self.finish();
            let reason = if is_short {
                Rejection::TitleAlone
            } else {
                Rejection::TextAlone
            };
            self.ready.push_back(Err(rejected(&block, reason)));
        }
    }

    fn is_paragraph(&self, block: &PageBlock, is_short: bool) -> bool {
        let held: usize = self.paragraphs.iter().map(String::len).sum();
        if held + block.text.len() > MAX_ABSTRACT_BYTES {
            return false;
        }
        if is_short {
            return !self.paragraphs.is_empty() && closes_abstract(&block.text);
        }
        self.title.is_some()
    }

    /// Gives out the paper that is being read.
    fn finish(&mut self) {
        let Some(title) = self.title.take() else {
            return;
        };
        let text = std::mem::take(&mut self.paragraphs).join(" ");
        if text.is_empty() {
            return self
                .ready
                .push_back(Err(rejected(&title, Rejection::TitleAlone)));
        }
        let mut paper = Paper::new(PaperId::from_title(&title.text), title.text, text);
        paper.listed = self.context.listed;
        self.ready.push_back(Ok(paper));
    }

    /// Takes the day of the page for that of its list, if the file's name has none.
    fn note_day(&mut self, day: String) {
        if self.context.listed.is_some() {
            return;
        }
        match dated(&day, self.context.year) {
            Some(date) => self.context.listed = Some(date),
            None => self.day_without_year = Some(day),
        }
    }

    /// Reads the next block that is not one of the page's own lines.
    fn read_block(&mut self) -> Option<Result<PageBlock, Rejected>> {
        loop {
            let reason = match self.lines.next_line(&mut self.buffer) {
                Framed::End => return None,
                Framed::Bad(reason) => reason,
                Framed::Unfinished => Rejection::Cut,
                Framed::Failed(error) => Rejection::from_read(&error, self.compressed),
                Framed::Record => match std::str::from_utf8(&self.buffer) {
                    Err(error) => Rejection::NotUtf8 {
                        byte: error.valid_up_to(),
                    },
                    Ok(line) => {
                        let day = page_day(line).filter(|_| self.in_head).map(str::to_owned);
                        let text = clean(without_page_lines(line)).into_owned();
                        if let Some(day) = day {
                            self.note_day(day);
                        }
                        if text.is_empty() {
                            continue;
                        }
                        let line = self.lines.line();
                        return Some(Ok(PageBlock { line, text }));
                    }
                },
            };
            let excerpt = excerpt(&self.buffer);
            let line = self.lines.line();
            return Some(Err(Rejected {
                line,
                unit: Unit::Line,
                id: None,
                reason,
                excerpt,
            }));
        }
    }
}

fn rejected(block: &PageBlock, reason: Rejection) -> Rejected {
    let excerpt = excerpt(block.text.as_bytes());
    Rejected {
        line: block.line,
        unit: Unit::Line,
        id: None,
        reason,
        excerpt,
    }
}

fn looks(text: &str) -> Looks {
    let chars = text.chars().count();
    let stops = text.ends_with('.');
    match chars {
        MAX_TITLE_CHARS.. => Looks::Body,
        BODY_CHARS.. if !text.ends_with(['.', '!', '?']) => Looks::Either,
        BODY_CHARS.. => Looks::Body,
        SENTENCE_BODY_CHARS.. if stops => Looks::Body,
        _ => Looks::Short,
    }
}

/// Whether a short block reads like the last paragraph of an abstract.
fn closes_abstract(text: &str) -> bool {
    text.contains("://") || (text.ends_with('.') && text.contains(' '))
}

/// The rest of a line after the page's own lines at its start; empty if that is all.
fn without_page_lines(line: &str) -> &str {
    let mut rest = line.trim();
    while let Some(after) = after_page_line(rest) {
        rest = after.trim_start();
    }
    if is_count(rest) { "" } else { rest }
}

/// What follows a page's own line, if nothing follows or the text glued to it begins a new block.
fn after_page_line(text: &str) -> Option<&str> {
    let known = PAGE_LINES.iter().find_map(|line| text.strip_prefix(line));
    known.or_else(|| after_day(text)).filter(|after| {
        let glued = after
            .starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || "\"'“‘$".contains(c));
        after.is_empty() || glued || after.starts_with("by")
    })
}

/// What follows `Aug 6` or `Aug 6, 2025`.
fn after_day(text: &str) -> Option<&str> {
    let rest = MONTHS
        .iter()
        .find_map(|month| text.strip_prefix(month))?
        .strip_prefix(' ')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = (1..=2).contains(&digits).then(|| &rest[digits..])?;
    let year = after
        .strip_prefix(", 20")
        .filter(|year| year.len() >= 2 && year.is_char_boundary(2));
    Some(year.map_or(after, |year| &year[2..]))
}

/// The day among the page's own lines at the start of a line, as written.
fn page_day(line: &str) -> Option<&str> {
    let mut rest = line.trim();
    while let Some(after) = after_page_line(rest) {
        if let Some(after) = after_day(rest) {
            return Some(&rest[..rest.len() - after.len()]);
        }
        rest = after.trim_start();
    }
    None
}

/// The date of `Aug 6, 2025`, or of `Aug 6` in the year that is given.
fn dated(day: &str, year: Option<i16>) -> Option<Date> {
    let (day, own_year) = match day.split_once(", ") {
        Some((day, year)) => (day, year.parse().ok()),
        None => (day, None),
    };
    let (name, number) = day.split_once(' ')?;
    let month = MONTHS.iter().position(|month| *month == name)? + 1;
    let month = i8::try_from(month).ok()?;
    Date::new(own_year.or(year)?, month, number.parse().ok()?).ok()
}

/// Votes, numbers of comments or authors, bullets.
fn is_count(text: &str) -> bool {
    let bare = text
        .trim_start_matches(['·', '-', '•', ' '])
        .trim_end_matches(" authors");
    bare.bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'k' | b',' | b' '))
}

/// Whether the start of a text reads like a page of papers: titles and abstracts in pairs, and
/// little else. Three pairs suffice, or one if the page has a line of its own.
pub(crate) fn is_page(start: &str) -> bool {
    let blocks: Vec<&str> = start
        .lines()
        .map(without_page_lines)
        .filter(|line| !line.is_empty())
        .collect();
    let marked = start
        .lines()
        .any(|line| after_page_line(line.trim()).is_some());
    let shapes: Vec<Looks> = blocks.iter().map(|block| looks(block)).collect();
    let pairs = shapes
        .windows(2)
        .filter(|pair| pair[0] == Looks::Short && pair[1] == Looks::Body)
        .count();
    let others = shapes.len() - 2 * pairs;
    let enough = if marked { 1 } else { 3 };
    pairs >= enough && others <= MAX_OTHER_BLOCKS + pairs / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "We study a thing that is long enough to be an abstract, because an abstract \
        has several sentences. This is the second one, and it is not short either, as one can see \
        by counting its letters one by one.";

    /// Reads a page; papers as `title|abstract`, with `B` for [`BODY`], the rest as `line!`.
    fn check(page: &str, expected: &[&str]) {
        let page = page.replace("{B}", BODY);
        let bytes = Box::new(std::io::Cursor::new(page.clone().into_bytes()));
        let mut reader = PageReader::new(bytes, DumpContext::default(), false);
        let mut read = Vec::new();
        while let Some(item) = reader.next_paper() {
            read.push(match item {
                Ok(paper) => format!("{}|{}", paper.title, paper.abstract_text.replace(BODY, "B")),
                Err(rejected) => format!("{}!{}", rejected.line, rejected.excerpt),
            });
        }
        assert_eq!(read, expected, "{page}");
    }

    #[test]
    fn both_layouts_are_read() {
        check(
            "new\n\nDaily Papers\n\nAug 6\n\nOn X\n\n{B}\n\nOn Y\n\n{B}\n",
            &["On X|B", "On Y|B"],
        );
        check("SubscribeOn X\r\n{B}\r\nOn Y\r\n{B}", &["On X|B", "On Y|B"]);
        check(
            "Daily PapersbyAK and the research communityAug 6, 2025On X\n{B}",
            &["On X|B"],
        );
    }

    #[test]
    fn the_day_of_a_page_is_its_lists_where_the_year_is_known() {
        let check = |page: &str, year: Option<i16>, listed: Option<&str>, unknown: Option<&str>| {
            let bytes = Box::new(std::io::Cursor::new(page.replace("{B}", BODY).into_bytes()));
            let context = DumpContext {
                year,
                ..DumpContext::default()
            };
            let mut reader = PageReader::new(bytes, context, false);
            assert_eq!(reader.day_without_year(), unknown, "{page}");
            let paper = reader.next_paper().unwrap().unwrap();
            let found = paper.listed.map(|date| date.to_string());
            assert_eq!(found.as_deref(), listed, "{page}");
        };
        let page = "Daily Papers\nby AK and the research community\nAug 6\nOn X\n{B}";
        check(page, None, None, Some("Aug 6"));
        check(page, Some(2025), Some("2025-08-06"), None);
        let glued = "Daily PapersbyAK and the research communityAug 16, 2025On X\n{B}";
        check(glued, Some(2019), Some("2025-08-16"), None);
        check("On X\n{B}", Some(2025), None, None);
        check("Feb 30\nOn X\n{B}", Some(2025), None, Some("Feb 30"));
    }

    #[test]
    fn titles_that_begin_like_the_page_stay_whole() {
        check(
            "Subscribers of Things\n{B}\nnewton's Method\n{B}",
            &["Subscribers of Things|B", "newton's Method|B"],
        );
        check("Papers in Chess\n{B}", &["Papers in Chess|B"]);
    }

    #[test]
    fn an_abstract_of_several_paragraphs_is_one() {
        check("On X\n\n{B}\n\n{B}\n\nOn Y\n\n{B}", &["On X|B B", "On Y|B"]);
        let code = "Code: https://x.org/y";
        check(
            &format!("On X\n{{B}}\n{code}\nOn Y\n{{B}}"),
            &[&format!("On X|B {code}"), "On Y|B"],
        );
    }

    #[test]
    fn what_has_no_pair_is_rejected() {
        check(
            "On X\n{B}\nAlone\nOn Y\n{B}\nLast",
            &["On X|B", "3!Alone", "On Y|B", "6!Last"],
        );
        check("{B}\nOn Y\n{B}", &[&format!("1!{}", &BODY[..80]), "On Y|B"]);
    }

    #[test]
    fn a_very_long_title_is_one_before_its_abstract() {
        let long = "A Title ".repeat(30);
        check(
            &format!("On X\n{{B}}\n{long}\n{{B}}"),
            &["On X|B", &format!("{}|B", long.trim())],
        );
    }

    #[test]
    fn votes_and_counts_are_no_blocks() {
        check(
            "Trending Papers\n12\nOn X\n{B}\n· 5 authors\n3\nOn Y\n{B}\nNext",
            &["On X|B", "On Y|B"],
        );
    }
}
