//! BibTeX entries with inherited fields: by `crossref` from their volume, and by Biblatex's `xdata`
//! from entries that only hold data.
//!
//! In: the entries of a dump, one by one. Out: the same entries in the same order, with their
//! parents' fields after their own, so that a reader need not know about inheritance. By `crossref`
//! a child inherits what says where and when it appeared, as in BibTeX and Biblatex. It never
//! inherits ids, abstracts or keywords, which are the parent's. A parent is also a record of its
//! own; an `@xdata` is not.
//!
//! A parent comes before its child or, as BibTeX requires, after it. The last volumes that were
//! read are kept. If a child's volume is not among them, entries are read ahead. Both have a limit;
//! beyond it a child stays as it is.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::AtomicI64;

use encoding_rs::WINDOWS_1252;

use super::entries::EntryReader;
use super::fields::{EntryFields, EntrySource, word_of};
use crate::frame::{Frame, Framed};
use crate::record::DumpContext;
use crate::reject::Unit;
use crate::source::bytes::Bytes;

/// Entries that are held to look for parents, at most, in bytes.
const MAX_AHEAD_BYTES: usize = 32 << 20;

/// Parents that are kept for the entries after them, at most, in bytes.
const MAX_KEPT_BYTES: usize = 16 << 20;

/// Maximum depth of parents.
const MAX_DEPTH: usize = 4;

/// Maximum number of parents of one entry.
const MAX_PARENTS: usize = 16;

/// The kind of entries that only others inherit from.
const DATA: &str = "xdata";

/// Kinds of entries that nothing else appeared in.
const LEAVES: [&str; 16] = [
    "article",
    "conference",
    "dataset",
    "inbook",
    "incollection",
    "inproceedings",
    "mastersthesis",
    "misc",
    "online",
    "phdthesis",
    "report",
    "software",
    "techreport",
    "thesis",
    "unpublished",
    "www",
];

/// Kinds of entries that are whole volumes: no other volume is their book.
const VOLUMES: [&str; 9] = [
    "book",
    "collection",
    "mvbook",
    "mvcollection",
    "mvproceedings",
    "mvreference",
    "periodical",
    "proceedings",
    "reference",
];

/// Fields that a child inherits as they are.
const INHERITED: [&str; 8] = [
    "booktitle",
    "journal",
    "journaltitle",
    "number",
    "organization",
    "publisher",
    "series",
    "volume",
];

/// The fields of a day, which belong together.
const DAY: [&str; 4] = ["date", "year", "month", "day"];

/// Reads entries with their inherited fields.
pub(crate) struct InheritingReader {
    entries: EntryReader,
    /// Entries that were read to look for parents, in their order.
    ahead: VecDeque<HeldEntry>,
    ahead_bytes: usize,
    /// Which of all entries the first of `ahead` is.
    first_idx: usize,
    /// Which of all entries has a key, of those ahead.
    idx_of: HashMap<String, usize>,
    /// Nothing follows those ahead.
    is_at_end: bool,
    kept: KeptParents,
    /// The place of the last entry, and the bytes of the `@string`s before it.
    line: u64,
    strings_bytes: usize,
}

/// An entry, or what takes its place.
struct HeldEntry {
    chunk: Framed,
    bytes: Vec<u8>,
    line: u64,
    strings_bytes: usize,
}

/// Parents that were read already.
#[derive(Default)]
struct KeptParents {
    entries: HashMap<String, KnownEntry>,
    /// Their keys, the oldest first.
    keys: VecDeque<String>,
    bytes: usize,
}

/// An entry whose fields are known.
#[derive(Clone)]
struct KnownEntry {
    kind: String,
    fields: Vec<(String, String)>,
}

impl Frame for InheritingReader {
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed {
        loop {
            let mut held = match self.ahead.pop_front() {
                Some(held) => {
                    self.first_idx += 1;
                    self.ahead_bytes -= held.bytes.len();
                    held
                }
                None => self.read(std::mem::take(buffer)),
            };
            (self.line, self.strings_bytes) = (held.line, held.strings_bytes);
            if matches!(held.chunk, Framed::Record) {
                self.keep(&held);
                if kind_of(&held.bytes) == DATA {
                    *buffer = held.bytes;
                    continue;
                }
                self.inherit(&mut held);
            }
            *buffer = held.bytes;
            return held.chunk;
        }
    }

    fn place(&self) -> (u64, Unit) {
        (self.line, Unit::Line)
    }

    fn set_context(&self, context: &mut DumpContext) {
        // They only ever grow.
        if context.around.len() != self.strings_bytes {
            context.around.clear();
            context.around.push_str(self.strings(self.strings_bytes));
        }
    }
}

impl InheritingReader {
    pub(crate) fn new(bytes: Bytes) -> InheritingReader {
        InheritingReader {
            entries: EntryReader::new(bytes),
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            first_idx: 0,
            idx_of: HashMap::new(),
            is_at_end: false,
            kept: KeptParents::default(),
            line: 0,
            strings_bytes: 0,
        }
    }

    /// The definitions of the `@string`s with these bytes.
    fn strings(&self, bytes: usize) -> &str {
        self.entries.strings().get(..bytes).unwrap_or("")
    }

    /// Reads the next entry of the dump.
    fn read(&mut self, mut bytes: Vec<u8>) -> HeldEntry {
        let chunk = self.entries.next_chunk(&mut bytes);
        HeldEntry {
            chunk,
            bytes,
            line: self.entries.place().0,
            strings_bytes: self.entries.strings().len(),
        }
    }

    /// Keeps an entry that others may inherit from.
    fn keep(&mut self, held: &HeldEntry) {
        if LEAVES.contains(&&*kind_of(&held.bytes)) {
            return;
        }
        let text = decoded(&held.bytes);
        if let Some(key) = key_of(&text)
            && let Some(entry) = KnownEntry::parse(&text, self.strings(held.strings_bytes))
        {
            self.idx_of.remove(&key);
            self.kept.add(key, entry);
        }
    }

    /// Adds its inherited fields to an entry.
    fn inherit(&mut self, held: &mut HeldEntry) {
        if !names_parents(&held.bytes) {
            return;
        }
        let text = decoded(&held.bytes).into_owned();
        let close = text.trim_end();
        let Some(body) = close.strip_suffix(['}', ')']) else {
            return;
        };
        let Some(entry) = KnownEntry::parse(&text, self.strings(held.strings_bytes)) else {
            return;
        };
        let inherited = self.inherited(&entry, MAX_DEPTH);
        let mut whole = body.trim_end().to_owned();
        for (name, value) in inherited {
            let comma = if whole.ends_with(',') { "" } else { "," };
            whole.push_str(&format!("{comma}\n{name} = {{{value}}}"));
        }
        whole.push_str(&close[body.len()..]);
        held.bytes = whole.into_bytes();
    }

    /// The fields that an entry inherits.
    fn inherited(&mut self, entry: &KnownEntry, depth: usize) -> Vec<(String, String)> {
        let mut whole = entry.clone();
        let own = whole.fields.len();
        for key in keys(entry.get(DATA)) {
            if let Some(data) = self.parent(&key, depth) {
                whole.add(data.fields);
            }
        }
        if let Some(key) = keys(entry.get("crossref")).next()
            && let Some(parent) = self.parent(&key, depth)
        {
            let inherited = whole.inherits(&parent);
            whole.add(inherited);
        }
        whole.fields.split_off(own)
    }

    /// The entry of this key, with its own inherited fields.
    fn parent(&mut self, key: &str, depth: usize) -> Option<KnownEntry> {
        let depth = depth.checked_sub(1)?;
        let mut parent = match self.kept.entries.get(key) {
            Some(kept) => kept.clone(),
            None => self.parent_ahead(key)?,
        };
        let inherited = self.inherited(&parent, depth);
        parent.add(inherited);
        Some(parent)
    }

    /// The entry of this key among those that follow.
    fn parent_ahead(&mut self, key: &str) -> Option<KnownEntry> {
        while !self.idx_of.contains_key(key)
            && !self.is_at_end
            && self.ahead_bytes < MAX_AHEAD_BYTES
        {
            self.read_ahead();
        }
        let idx = self.idx_of.get(key)?.checked_sub(self.first_idx)?;
        let held = self.ahead.get(idx)?;
        KnownEntry::parse(&decoded(&held.bytes), self.strings(held.strings_bytes))
    }

    fn read_ahead(&mut self) {
        let held = self.read(Vec::new());
        match held.chunk {
            Framed::Record => {
                if let Some(key) = key_of(&decoded(&held.bytes)) {
                    let idx = self.first_idx + self.ahead.len();
                    self.idx_of.entry(key).or_insert(idx);
                }
            }
            Framed::Bad(_) => {}
            Framed::End | Framed::Failed(_) | Framed::Unfinished => self.is_at_end = true,
        }
        self.ahead_bytes += held.bytes.len();
        self.ahead.push_back(held);
    }
}

impl KeptParents {
    fn add(&mut self, key: String, entry: KnownEntry) {
        self.bytes += entry.bytes();
        if let Some(before) = self.entries.insert(key.clone(), entry) {
            self.bytes -= before.bytes();
        } else {
            self.keys.push_back(key);
        }
        while self.bytes > MAX_KEPT_BYTES
            && let Some(oldest) = self.keys.pop_front()
        {
            let dropped = self.entries.remove(&oldest);
            self.bytes -= dropped.map_or(0, |entry| entry.bytes());
        }
    }
}

impl KnownEntry {
    /// An entry without the fields that are never inherited.
    fn parse(text: &str, strings: &str) -> Option<KnownEntry> {
        let source = EntrySource::parse(text)?;
        let (fields, _) = EntryFields::parse(&source, strings, &AtomicI64::new(0));
        let fields = fields.into_iter();
        let is_useful = |(_, value): &(String, String)| !value.trim().is_empty();
        Some(KnownEntry {
            kind: kind_of(text.as_bytes()),
            fields: fields.filter(is_useful).collect(),
        })
    }

    fn bytes(&self) -> usize {
        let fields = self.fields.iter();
        fields.map(|(name, value)| name.len() + value.len()).sum()
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    /// Adds fields that are not there yet, in which the braces balance.
    fn add(&mut self, fields: Vec<(String, String)>) {
        let mut names: HashSet<String> = self.fields.iter().map(|(name, _)| name.clone()).collect();
        for (name, value) in fields {
            if is_balanced(&value) && names.insert(name.clone()) {
                self.fields.push((name, value));
            }
        }
    }

    /// What of a parent's fields is this entry's too.
    fn inherits(&self, parent: &KnownEntry) -> Vec<(String, String)> {
        let taken = |name: &str| Some((name.to_owned(), parent.get(name)?.to_owned()));
        let mut inherited: Vec<_> = INHERITED.iter().filter_map(|name| taken(name)).collect();
        let is_in_journal = matches!(&*self.kind, "article" | "suppperiodical");
        if is_in_journal {
            if self.has(&["journal"]) {
                inherited.retain(|(name, _)| name != "journaltitle");
            }
            if !parent.has(&["journal", "journaltitle"]) {
                inherited.extend(
                    parent
                        .whole_title()
                        .map(|title| ("journaltitle".to_owned(), title)),
                );
            }
        } else if !VOLUMES.contains(&&*self.kind) && !parent.has(&["booktitle"]) {
            inherited.extend(
                parent
                    .whole_title()
                    .map(|title| ("booktitle".to_owned(), title)),
            );
        }
        if !self.has(&["title"]) {
            // It would be taken for the title.
            inherited.retain(|(name, _)| name != "booktitle");
        }
        if VOLUMES.contains(&&*parent.kind) && !self.has(&["author", "authors", "editor"]) {
            inherited.extend(taken("author"));
        }
        inherited.extend(self.inherits_day(parent));
        inherited
    }

    /// A parent's day if this entry has none, or the rest of it if it has the year.
    fn inherits_day(&self, parent: &KnownEntry) -> Vec<(String, String)> {
        let same_year = self.get("year").is_some_and(|year| {
            let date = parent.get("date").unwrap_or_default();
            parent
                .get("year")
                .unwrap_or(date)
                .trim()
                .starts_with(year.trim())
        });
        if self.has(&["date"]) || (self.has(&["year"]) && !same_year) {
            return Vec::new();
        }
        let taken = |name: &str| Some((name.to_owned(), parent.get(name)?.to_owned()));
        if self.has(&["month"]) {
            let date = parent.get("date").and_then(|date| date.get(..4));
            let year = || Some(("year".to_owned(), date?.to_owned()));
            return taken("year").or_else(year).into_iter().collect();
        }
        DAY.iter().filter_map(|name| taken(name)).collect()
    }

    fn whole_title(&self) -> Option<String> {
        let title = self.get("title")?;
        Some(match self.get("subtitle") {
            Some(rest) => format!("{title}: {rest}"),
            None => title.to_owned(),
        })
    }
}

/// As records are read that are not in UTF-8.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode(bytes).0,
    }
}

/// The kind of an entry, in lower case.
fn kind_of(entry: &[u8]) -> String {
    String::from_utf8_lossy(word_of(entry)).to_ascii_lowercase()
}

/// The key of an entry; BibTeX compares them without case.
fn key_of(entry: &str) -> Option<String> {
    let open = entry.find(['{', '('])?;
    let end = entry.find(',')?;
    let key = entry.get(open + 1..end)?.trim();
    (!key.is_empty()).then(|| key.to_lowercase())
}

/// The keys in the value of a field.
fn keys(value: Option<&str>) -> impl Iterator<Item = String> + use<> {
    let keys = value.unwrap_or_default().split(',');
    let bare = keys.map(|key| key.trim().trim_matches(['{', '}']).to_lowercase());
    let keys: Vec<String> = bare
        .filter(|key| !key.is_empty())
        .take(MAX_PARENTS)
        .collect();
    keys.into_iter()
}

/// Whether the fields of an entry may name a parent.
fn names_parents(entry: &[u8]) -> bool {
    let holds = |name: &[u8]| {
        let mut windows = entry.windows(name.len());
        windows.any(|window| window.eq_ignore_ascii_case(name))
    };
    holds(b"crossref") || holds(DATA.as_bytes())
}

/// Whether braces balance, those that a backslash escapes among them or not.
fn is_balanced(value: &str) -> bool {
    let depth = |skips_escapes: bool| {
        let (mut depth, mut is_escaped) = (0_i32, false);
        for c in value.chars() {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = skips_escapes,
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                return depth;
            }
        }
        // A backslash at the end would escape the brace that closes the value.
        depth + i32::from(is_escaped)
    };
    depth(true) == 0 && depth(false) == 0
}

#[cfg(test)]
mod tests;
