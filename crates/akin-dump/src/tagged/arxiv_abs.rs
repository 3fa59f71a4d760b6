//! `.abs` files of arXiv, and the mails that announce papers, which have the same form.
//!
//! In: the lines of one record. Out: the paper. A line `\\` comes before the head, between head and
//! abstract, and after the abstract. In mails the last one holds the paper's address, and
//! replacements have no abstract. Lines of dashes part records. The head is described in arXiv's
//! "Metadata for Required and Optional Fields", its parser in `arxiv-base`.
//!
//! | of a paper | line of the head |
//! |---|---|
//! | id | `arXiv:`, in old mails `Paper:` |
//! | published, updated, version | `Date:`, `Date (revised v2):`, `replaced with revised version …` |
//! | title, authors | `Title:`, `Authors:` |
//! | categories | `Categories:`, else `Subj-class:` |
//! | comment, journal | `Comments:`, `Journal-ref:` |
//! | aliases | `DOI:` |
//! | notice | withdrawn, if the last version has the flag `I` |

use std::borrow::Cow;

use akin_base::paper::{Authority, IdKind, Notice, PartialDate, arxiv_version};

use super::blocks::{BlockReader, LineLayout, LinePlace, Mark};
use super::fields::MAX_KEYWORDS;
use super::ids;
use crate::format::{FormatReader, SourceFeed, Spec, TaggedSpec};
use crate::record::{DumpContext, Item, RawRecord, RecordError};
use crate::text::{dates, names};

/// arXiv .abs.
pub(crate) const SPEC: Spec = Spec {
    name: "arxiv-abs",
    title: "arXiv .abs",
    feed: Some(SourceFeed::new("arxiv", Authority::Registry)),
    generic_file: None,
    reader: FormatReader::Tagged(TaggedSpec {
        looks_like,
        frame: |lines| Box::new(BlockReader::new(lines, AbsLines::default())),
        read,
    }),
};

/// Lines of dashes that part records are at least this long.
const MIN_RULE_BYTES: usize = 20;

/// The text before the day on which a paper was replaced.
const REPLACED: &str = "replaced with ";

/// Reads one record.
pub(crate) fn read(record: &str, _: &DumpContext) -> Result<Item, RecordError> {
    let (head, text) = parts(record);
    let head = AbsHead::parse(&head);
    let versions = Versions::new(&head);
    let given_id = head.first(&["arxiv", "paper"]);
    let id = given_id
        .as_deref()
        .and_then(|id| id.split_whitespace().next());
    let mut found = RawRecord {
        given_id: id.map(str::to_owned),
        title: head.first(&["title"]).unwrap_or_default(),
        text: text.into(),
        authors: names::split(&head.first(&["authors", "author"]).unwrap_or_default()),
        categories: categories(&head),
        journal: head.first(&["journal-ref"]),
        comment: head.first(&["comments", "comment"]),
        version: versions.number,
        notice: versions.is_withdrawn.then_some(Notice::Withdrawn),
        ..RawRecord::default()
    };
    if let Some(id) = id {
        found.add_id(IdKind::Arxiv, id);
        found.version = arxiv_version(id).or(found.version);
    }
    for value in head.values("doi") {
        ids::add_due_dois(&mut found, &value);
    }
    let first = head.first(&["date"]);
    found.published = found.dated(versions.first, first.as_deref());
    found.updated = versions.last;
    found.item()
}

/// The lines of the head, and the abstract.
fn parts(record: &str) -> (Vec<&str>, String) {
    let lines: Vec<&str> = record
        .lines()
        .filter(|line| !is_rule(line.as_bytes()))
        .collect();
    let start = lines.iter().position(|line| line.starts_with("\\\\"));
    let lines = &lines[start.map_or(0, |start| start + 1)..];
    let end = lines.iter().position(|line| line.starts_with("\\\\"));
    let (head, text) = lines.split_at(end.unwrap_or(lines.len()));
    let text = match text {
        [_, text @ .., last] if last.starts_with("\\\\") => text,
        [_, text @ ..] => text,
        [] => &[],
    };
    (head.to_vec(), text.join("\n"))
}

/// The lines of a head: names in lower case, and values over one line or several.
struct AbsHead<'a>(Vec<(String, Vec<&'a str>)>);

impl<'a> AbsHead<'a> {
    fn parse(lines: &[&'a str]) -> AbsHead<'a> {
        let mut fields: Vec<(String, Vec<&'a str>)> = Vec::new();
        for line in lines {
            let goes_on = line.starts_with([' ', '\t']);
            match (line.split_once(':'), fields.last_mut()) {
                (_, Some((_, value))) if goes_on => value.push(line.trim()),
                (_, _) if line.to_ascii_lowercase().starts_with(REPLACED) => {
                    fields.push((REPLACED.to_owned(), vec![line]));
                }
                (Some((name, value)), _) if is_name(name) => {
                    fields.push((name.trim().to_ascii_lowercase(), vec![value.trim()]));
                }
                (_, Some((_, value))) => value.push(line.trim()),
                _ => {}
            }
        }
        AbsHead(fields)
    }

    /// The values of a field, whose name may have more behind it: `Paper (*cross-listing*)`.
    fn values(&self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        let is_named = move |key: &str| key.split(" (").next() == Some(name);
        let fields = self.0.iter().filter(move |(key, _)| is_named(key));
        fields.map(|(_, value)| match value[..] {
            [line] => Cow::Borrowed(line),
            _ => Cow::Owned(value.join("\n")),
        })
    }

    /// The first of the fields `names` that says something.
    fn first(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        let mut values = names.iter().flat_map(|name| self.values(name));
        values.find(|value| !value.trim().is_empty())
    }
}

/// Whether a line's words before its colon name a field, not the middle of a value.
fn is_name(words: &str) -> bool {
    let name = words.split(" (").next().unwrap_or("").trim();
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '-';
    !name.is_empty() && name.chars().all(is_letter) && words.len() < 40
}

/// What the dates of a head say.
#[derive(Default)]
struct Versions {
    first: Option<PartialDate>,
    /// The day of the last version, if there are several.
    last: Option<PartialDate>,
    number: Option<u32>,
    is_withdrawn: bool,
}

impl Versions {
    fn new(head: &AbsHead<'_>) -> Versions {
        let mut versions = Versions::default();
        for (name, value) in &head.0 {
            let value = value.first().copied().unwrap_or("");
            if name == "date" {
                versions.first = dates::day(value);
                versions.number = Some(1);
            } else if name.starts_with("date (") {
                versions.last = dates::day(value);
                versions.number = number_in(name).or(versions.number);
            } else if name == REPLACED {
                // `replaced with revised version Mon, 4 Jan 2021 18:00:00 GMT   (10kb)`
                versions.last = value
                    .split_once("version")
                    .and_then(|(_, day)| dates::day(day));
                versions.number = None;
            } else {
                continue;
            }
            versions.is_withdrawn = flags_of(value).contains('I');
        }
        versions
    }
}

/// The version in `date (revised v2)`.
fn number_in(name: &str) -> Option<u32> {
    let (_, number) = name.trim_end_matches(')').rsplit_once('v')?;
    number.parse().ok()
}

/// The flags behind a version's size: `D` of `(377kb,D)`.
fn flags_of(date: &str) -> &str {
    let size = date.rsplit_once('(').map_or("", |(_, size)| size);
    size.split_once(',').map_or("", |(_, flags)| flags)
}

fn categories(head: &AbsHead<'_>) -> Vec<String> {
    if let Some(codes) = head.first(&["categories"]) {
        let codes = codes.split_whitespace().take(MAX_KEYWORDS);
        return codes.map(str::to_owned).collect();
    }
    let classes = head.first(&["subj-class"]).unwrap_or_default();
    let classes = classes.split(';').map(str::trim);
    classes
        .filter(|class| !class.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a line is made of dashes, or of dashes and percent signs.
fn is_rule(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.len() >= MIN_RULE_BYTES && line.iter().all(|byte| matches!(byte, b'-' | b'%'))
}

/// A line's place in a record.
#[derive(Clone, Copy, Default, PartialEq)]
enum AbsPart {
    #[default]
    Outside,
    Head,
    Text,
    /// After a line `\\` in or after the abstract: the next line tells.
    Over,
}

/// Recognises the lines of `.abs` files.
#[derive(Default)]
pub(super) struct AbsLines {
    part: AbsPart,
}

impl LineLayout for AbsLines {
    fn mark(&mut self, line: &[u8], _: LinePlace) -> Mark {
        let is_fence = line.starts_with(b"\\\\");
        let is_bare = line.trim_ascii() == b"\\\\";
        let is_address = is_fence && line[2..].trim_ascii_start().starts_with(b"(");
        let (part, mark) = match self.part {
            AbsPart::Outside | AbsPart::Over if is_bare => (AbsPart::Head, Mark::Start),
            AbsPart::Outside => (AbsPart::Outside, Mark::Outside),
            AbsPart::Head | AbsPart::Text | AbsPart::Over if is_rule(line) => {
                (AbsPart::Outside, Mark::End)
            }
            AbsPart::Head | AbsPart::Text if is_address => (AbsPart::Outside, Mark::End),
            AbsPart::Head if is_bare => (AbsPart::Text, Mark::Inside),
            AbsPart::Text if is_bare => (AbsPart::Over, Mark::Inside),
            // It was a line of the abstract.
            AbsPart::Over => (AbsPart::Text, Mark::Inside),
            same => (same, Mark::Inside),
        };
        self.part = part;
        mark
    }

    fn may_stop(&self) -> bool {
        self.part == AbsPart::Over
    }
}

/// Whether a text holds the beginning of a record, at any place.
pub(super) fn looks_like(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    let mut after_fence = false;
    lines.any(|line| {
        let start: String = line
            .chars()
            .take(6)
            .collect::<String>()
            .to_ascii_lowercase();
        let is_id = start == "arxiv:" || start.starts_with("paper");
        let is_record = after_fence && is_id;
        after_fence = line == "\\\\";
        is_record
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tagged::blocks::tests::check_records;
    use crate::tests::check_fields;

    const RULE: &str = "------------------------------------------------------------------------";

    #[track_caller]
    fn check(record: &str, expected: serde_json::Value) {
        check_fields(read(record, &DumpContext::default()), &expected);
    }

    #[test]
    fn a_record_is_a_paper() {
        check(
            "\\\\\narXiv:hep-th/9901001\nFrom: Ada <a@b>\n\
             Date: Tue, 5 Jan 1999 18:57:48 GMT   (199kb)\n\
             Date (revised v2): Wed, 6 Jan 1999 16:00:54 GMT   (37kb,D)\n\n\
             Title: Notes: on the\n  engine\nAuthors: Ada Lovelace,\n  Charles Babbage\n\
             Categories: hep-th math.MP\nComments: 5 pages\nJournal-ref: Mem. 3: 1\n\
             DOI: 10.1000/x 10.1000/y\nLicense: http://x.org/\n\\\\\n  We weave\nDate: now.\n\\\\\n",
            serde_json::json!({
                "id": "hep-th/9901001",
                "aliases": ["10.1000/x", "10.1000/y"],
                "version": 2,
                "title": "Notes: on the engine",
                "abstract": "We weave Date: now.",
                "authors": ["Ada Lovelace", "Charles Babbage"],
                "categories": ["hep-th", "math.MP"],
                "published": "1999-01-05",
                "updated": "1999-01-06",
                "comment": "5 pages",
                "journal": "Mem. 3: 1",
                "notice": null,
            }),
        );
    }

    #[test]
    fn announcements_are_read() {
        check(
            "\\\\\narXiv:2503.11731 (*cross-listing*)\nDate: Mon, 3 Mar 2025 10:00:00 GMT   (0kb,I)\n\n\
             Title: X\nAuthors: A. Roe\nSubj-class: Optics; Atoms\n\\\\\n  Text.\n\
             \\\\ ( https://arxiv.org/abs/2503.11731 ,  0kb)",
            serde_json::json!({
                "id": "2503.11731",
                "version": 1,
                "abstract": "Text.",
                "categories": ["Optics", "Atoms"],
                "notice": "withdrawn",
            }),
        );
        check(
            "\\\\\nPaper (*cross-listing*): hep-th/9901001\n\
             replaced with revised version Mon, 4 Jan 2021 18:00:00 GMT   (10kb)\n\nTitle: X\n\
             \\\\ ( https://arxiv.org/abs/hep-th/9901001 ,  10kb)",
            serde_json::json!({
                "id": "hep-th/9901001",
                "version": null,
                "published": null,
                "updated": "2021-01-04",
                "abstract": "",
            }),
        );
    }

    #[test]
    fn records_stand_between_fences() {
        let check = |text: &str, expected: &[&str]| {
            check_records(AbsLines::default(), text, expected);
        };
        check(
            &format!("{RULE}\n\\\\\nh\n\\\\\nt\n\\\\\nu\n\\\\\n"),
            &["2:\\\\|h|\\\\|t|\\\\|u|\\\\"],
        );
        check(
            "mail\n\\\\\nh\n\\\\ ( http://x , 1kb)\nx\n\\\\\ng\n\\\\\nt\n\\\\\n\\\\\nf\n\\\\\nu\n\\\\",
            &[
                "2:\\\\|h|\\\\ ( http://x , 1kb)",
                "6:\\\\|g|\\\\|t|\\\\",
                "11:\\\\|f|\\\\|u|\\\\",
            ],
        );
        check(
            &format!("\\\\\nh\n{RULE}\n\\\\\ng\n\\\\\nt"),
            &[&*format!("1:\\\\|h|{RULE}"), "4:?"],
        );
    }

    #[test]
    fn a_dump_holds_a_record_somewhere() {
        assert!(looks_like("Send any comments\n\\\\\narXiv:2503.11731\n"));
        assert!(looks_like("\\\\\nPaper: hep-th/9901001"));
        assert!(!looks_like("\\\\\nx\narXiv:2503.11731"));
    }
}
