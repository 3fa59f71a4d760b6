//! The lines of one record to fields: a tag and the lines of its value.
//!
//! In: a record and how its format writes tags ([`TagOf`]). Out: [`TaggedFields`] in the order of the
//! record; a line without a tag goes on with the value before it. Tags are compared without case.
//! What a tag means is for the readers to say.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// Maximum number of a record's keywords that are kept: the rest are not keywords.
pub(super) const MAX_KEYWORDS: usize = 1000;

/// The position of a tag in its line, and where its value begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TagPlace {
    /// Bytes of the tag, all of them ASCII.
    pub(super) name: Range<usize>,
    /// The first byte of the value, which follows an ASCII one.
    pub(super) value: usize,
}

/// Finds the tag of a line; `None` if it continues the line before.
pub(super) type TagOf = fn(&[u8]) -> Option<TagPlace>;

/// One tag with its value.
struct TaggedField<'a> {
    tag: &'a str,
    /// Trimmed, all non-empty.
    lines: Vec<&'a str>,
}

/// The fields of a record, in their order.
pub(super) struct TaggedFields<'a>(Vec<TaggedField<'a>>);

impl<'a> TaggedFields<'a> {
    /// Takes a record apart; anything before the first tag is dropped.
    pub(super) fn parse(record: &'a str, tag_of: TagOf) -> TaggedFields<'a> {
        let mut fields: Vec<TaggedField<'a>> = Vec::new();
        for line in record.lines() {
            let (start, value) = match tag_of(line.as_bytes()) {
                Some(tag) => (line.get(tag.name), line.get(tag.value..).unwrap_or("")),
                None => (None, line),
            };
            if let Some(tag) = start {
                fields.push(TaggedField {
                    tag,
                    lines: Vec::new(),
                });
            }
            let value = value.trim();
            if let Some(field) = fields.last_mut().filter(|_| !value.is_empty()) {
                field.lines.push(value);
            }
        }
        TaggedFields(fields)
    }

    fn tagged<'t>(
        &self,
        tags: &'t [&'t str],
    ) -> impl Iterator<Item = &TaggedField<'a>> + use<'_, 'a, 't> {
        let wanted = move |field: &&TaggedField<'a>| {
            tags.iter().any(|tag| field.tag.eq_ignore_ascii_case(tag))
        };
        self.0.iter().filter(wanted)
    }

    /// The values under any of `tags` in the order of the record, each in one line.
    pub(super) fn values<'t>(
        &self,
        tags: &'t [&'t str],
    ) -> impl Iterator<Item = Cow<'a, str>> + use<'_, 'a, 't> {
        self.tagged(tags)
            .filter(|field| !field.lines.is_empty())
            .map(TaggedField::text)
    }

    /// The values under any of `tags` in the order of the record, each with its tag.
    pub(super) fn tagged_values<'t>(
        &self,
        tags: &'t [&'t str],
    ) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> + use<'_, 'a, 't> {
        self.tagged(tags)
            .filter(|field| !field.lines.is_empty())
            .map(|field| (field.tag, field.text()))
    }

    /// The lines of the values under any of `tags`, for values that are lists.
    pub(super) fn lines<'t>(
        &self,
        tags: &'t [&'t str],
    ) -> impl Iterator<Item = &'a str> + use<'_, 'a, 't> {
        self.tagged(tags)
            .flat_map(|field| field.lines.iter().copied())
    }

    /// The first value that says something, from one tag after the other.
    pub(super) fn first(&self, tags: &[&str]) -> Option<Cow<'a, str>> {
        tags.iter()
            .find_map(|tag| self.values(std::slice::from_ref(tag)).next())
    }

    /// All values of the first of `tags` that says something, each once.
    pub(super) fn joined(&self, tags: &[&str]) -> Option<Cow<'a, str>> {
        tags.iter().find_map(|tag| {
            let mut said = HashSet::new();
            let values = self.values(std::slice::from_ref(tag));
            let mut values: Vec<_> = values.filter(|value| said.insert(value.clone())).collect();
            match values.len() {
                0 => None,
                1 => values.pop(),
                _ => Some(Cow::Owned(values.join(" "))),
            }
        })
    }

    /// Whether any value under `tags` is one of `words`, without case, alone or in a list.
    pub(super) fn says(&self, tags: &[&str], words: &[&str]) -> bool {
        self.lines(tags)
            .flat_map(|line| line.split(';'))
            .any(|part| {
                let part = part.trim().trim_start_matches('*');
                words.iter().any(|word| part.eq_ignore_ascii_case(word))
            })
    }

    /// Keywords: one a line or a field, or several between semicolons. Stars mark the major
    /// headings and, after a slash, a heading's major part: `Colitis/*therapy`.
    pub(super) fn keywords(&self, tags: &[&str]) -> Vec<String> {
        let parts = self.lines(tags).flat_map(|line| line.split(';'));
        let heading = |part: &'a str| part.split_once("/*").map_or(part, |(heading, _)| heading);
        let words = parts.map(|part| heading(part.trim().trim_start_matches('*')).trim());
        words
            .filter(|word| !word.is_empty())
            .take(MAX_KEYWORDS)
            .map(str::to_owned)
            .collect()
    }
}

impl<'a> TaggedField<'a> {
    /// The value in one line.
    fn text(&self) -> Cow<'a, str> {
        match self.lines[..] {
            [line] => Cow::Borrowed(line),
            _ => Cow::Owned(self.lines.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x=` and the like.
    fn letters(line: &[u8]) -> Option<TagPlace> {
        (line.get(1) == Some(&b'=')).then_some(TagPlace {
            name: 0..1,
            value: 2,
        })
    }

    const RECORD: &str = "lost\nA= one\n two\nb=\nc=x; *y\n*z/*w\na=three\nd=three";

    fn check<'a>(found: impl IntoIterator<Item = Cow<'a, str>>, expected: &[&str]) {
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn values_go_on_until_the_next_tag() {
        let fields = TaggedFields::parse(RECORD, letters);
        check(fields.values(&["a", "d"]), &["one two", "three", "three"]);
        check(fields.values(&["b"]), &[]);
        check(
            fields.lines(&["A"]).map(Cow::from),
            &["one", "two", "three"],
        );
        assert_eq!(fields.keywords(&["c"]), ["x", "y", "z"]);
    }

    #[test]
    fn the_first_tag_that_says_something_wins() {
        let fields = TaggedFields::parse(RECORD, letters);
        check(fields.first(&["b", "d", "a"]), &["three"]);
        check(fields.joined(&["b", "a"]), &["one two three"]);
        check(fields.first(&["e"]), &[]);
        assert!(fields.says(&["c"], &["Y"]));
        assert!(!fields.says(&["c"], &["q"]));
    }
}
