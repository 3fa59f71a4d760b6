//! What a format of dumps is: how it is called, recognised, cut into records and read.
//!
//! Every reader's file has its [`Spec`]; `registry.rs` has a row for each.

use akin_base::error::Result;
use akin_base::paper::Authority;

use crate::frame::{Frame, OpenDump, ReadItems};
use crate::json::object::JsonObject;
use crate::record::ReadRecord;
use crate::source::bytes::Bytes;
use crate::xml::answer::DocumentAnswer;
use crate::xml::rules::Rules;
use crate::xml::start::StartTags;
use crate::xml::tree::Element;

/// A format of dumps.
pub(crate) struct Spec {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// The name in messages and in the table of formats.
    pub(crate) title: &'static str,
    /// The feed that its records belong to; `None` if every dump is a collection of its own.
    pub(crate) feed: Option<SourceFeed>,
    /// A file of this name takes its collection's name from its folder.
    pub(crate) generic_file: Option<&'static str>,
    /// How its records are read.
    pub(crate) reader: FormatReader,
}

/// A registry or a catalogue: its records are of one collection, whatever the dump is called.
#[derive(Clone, Copy)]
pub(crate) struct SourceFeed {
    /// The collection's name.
    pub(crate) name: &'static str,
    /// How far its word counts.
    pub(crate) authority: Authority,
    /// Whether it lists a paper once; if not, namesakes in one dump may be one paper.
    pub(crate) lists_once: bool,
}

impl SourceFeed {
    /// A feed that lists every paper once.
    pub(crate) const fn new(name: &'static str, authority: Authority) -> SourceFeed {
        SourceFeed {
            name,
            authority,
            lists_once: true,
        }
    }
}

/// How the records of a format are read.
pub(crate) enum FormatReader {
    /// JSON objects.
    Json(JsonSpec),
    /// XML elements.
    Xml(XmlSpec),
    /// Blocks of tagged lines, or entries.
    Tagged(TaggedSpec),
    /// Records whose bytes are not one piece: rows, and the text of a page.
    Items(ItemsSpec),
}

/// A format of JSON objects.
pub(crate) struct JsonSpec {
    /// Whether an object is a record of this format. Formats are asked in the order of the registry.
    pub(crate) is_record: fn(&JsonObject<'_>) -> bool,
    /// An object without a title that has a list of this name holds records of this format.
    pub(crate) holder: Option<&'static str>,
    /// Reads one object.
    pub(crate) read: ReadRecord,
}

/// A format of XML elements.
pub(crate) struct XmlSpec {
    /// Whether a document with these start tags is of this format, recognised by the one at an
    /// index.
    pub(crate) is_start: fn(&StartTags<'_>, usize) -> bool,
    /// Which elements are records.
    pub(crate) rules: &'static Rules,
    /// What a whole document without records says.
    pub(crate) answer: fn(&Element) -> DocumentAnswer,
    /// Reads one element.
    pub(crate) read: ReadRecord,
}

/// A format of tagged lines or entries.
pub(crate) struct TaggedSpec {
    /// Whether a text with this beginning is of this format.
    pub(crate) looks_like: fn(&str) -> bool,
    /// Cuts lines into records.
    pub(crate) frame: fn(Bytes) -> Box<dyn Frame>,
    /// Reads one record.
    pub(crate) read: ReadRecord,
}

/// A format with a reader of its own.
pub(crate) struct ItemsSpec {
    /// What its records are.
    pub(crate) framing: Framing,
    /// The first bytes of every dump of this format, if there are any.
    pub(crate) magic: Option<&'static [u8]>,
    /// Whether a dump with this beginning is of this format, if no other is recognised.
    pub(crate) looks_like: fn(&Beginning<'_>) -> bool,
    /// Begins to read.
    pub(crate) open: fn(OpenDump) -> Result<Box<dyn ReadItems>>,
}

/// The beginning of a dump.
#[derive(Clone, Copy)]
pub(crate) struct Beginning<'a> {
    /// Its first bytes, without a byte-order mark and blank space.
    pub(crate) text: &'a [u8],
    /// Whether that is all of the dump.
    pub(crate) complete: bool,
    /// As in [`ReadOptions::columns`](crate::ReadOptions::columns).
    pub(crate) columns: &'a [(String, String)],
}

/// How the records of a dump are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// JSON values, one a line.
    Lines,
    /// JSON values, one after another, or in the list of this name.
    Values { wrapper: Option<&'static str> },
    /// JSON objects whose fields are the records.
    Map,
    /// XML elements.
    Elements,
    /// Blocks of tagged lines, or entries.
    Blocks,
    /// The text of a page.
    Page,
    /// Rows of text.
    Cells,
    /// Rows of a table in columns.
    Table,
}
