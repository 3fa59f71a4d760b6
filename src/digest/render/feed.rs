//! Digests as a feed: RSS 2.0, or Atom (RFC 4287).
//!
//! A feed reader comes when it likes, so a feed has all entries of several digests, newest first.
//! An entry's id depends on its follow and its paper and is the same in every feed. Papers that a
//! digest only counts are one entry a follow.

use akin_base::hex::hex;
use atom_syndication as atom;
use jiff::Zoned;
use jiff::fmt::rfc2822;

use super::html;
use crate::digest::{Digest, Entry, Section};

/// Which kind of feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedFormat {
    /// RSS 2.0.
    Rss,
    /// Atom.
    Atom,
}

/// The site of a feed without an address: the specification requires one.
const NO_SITE: &str = "http://localhost/";

/// One entry of a feed: a paper, or the number of further ones.
struct FeedItem<'a> {
    id: String,
    title: String,
    url: Option<&'a str>,
    html: String,
    authors: &'a [String],
    categories: Vec<&'a String>,
    made: &'a Zoned,
}

impl<'a> FeedItem<'a> {
    fn of_entry(digest: &'a Digest, section: &'a Section, entry: &'a Entry) -> FeedItem<'a> {
        let follows = std::iter::once(&section.follow).chain(&entry.also_in);
        FeedItem {
            id: id_of(section, entry),
            title: entry.brief.title.clone(),
            url: entry.brief.url.as_deref(),
            html: html::entry(entry),
            authors: &entry.authors,
            categories: follows.chain(&entry.categories).collect(),
            made: &digest.made,
        }
    }

    /// The papers of a section that are only counted, if there are any.
    fn of_rest(digest: &'a Digest, section: &'a Section) -> Option<FeedItem<'a>> {
        let (n_more, command) = digest.rest(section)?;
        Some(FeedItem {
            id: urn(&["rest", &section.follow, &digest.message_id]),
            title: format!("{}: {n_more}", section.follow),
            url: None,
            html: html::rest(&n_more, &command),
            authors: &[],
            categories: vec![&section.follow],
            made: &digest.made,
        })
    }
}

/// Renders digests, newest first, as a feed; `address` is the feed's own address, if it is known.
pub fn feed(kind: FeedFormat, digests: &[Digest], address: Option<&str>) -> String {
    let mut items: Vec<FeedItem<'_>> = Vec::new();
    for digest in digests {
        for section in &digest.sections {
            let entries = section.entries.iter();
            items.extend(entries.map(|entry| FeedItem::of_entry(digest, section, entry)));
            items.extend(FeedItem::of_rest(digest, section));
        }
    }
    let made = digests.first().map(|digest| &digest.made);
    match kind {
        FeedFormat::Rss => rss(&items, made, address),
        FeedFormat::Atom => atom(&items, made, address),
    }
}

fn rss(items: &[FeedItem<'_>], made: Option<&Zoned>, address: Option<&str>) -> String {
    let item = |item: &FeedItem<'_>| rss::Item {
        title: Some(plain(&item.title)),
        link: item.url.map(str::to_owned),
        description: Some(plain(&item.html)),
        categories: categories(item)
            .map(|name| rss::Category { name, domain: None })
            .collect(),
        guid: Some(rss::Guid {
            value: item.id.clone(),
            permalink: false,
        }),
        pub_date: rfc2822::to_string(item.made).ok(),
        ..rss::Item::default()
    };
    let mut channel = rss::Channel {
        title: "akin".to_owned(),
        link: address.unwrap_or(NO_SITE).to_owned(),
        description: "New papers in what I follow".to_owned(),
        last_build_date: made.and_then(|made| rfc2822::to_string(made).ok()),
        generator: Some("akin".to_owned()),
        items: items.iter().map(item).collect(),
        ..rss::Channel::default()
    };
    if let Some(address) = address {
        own_address(&mut channel, address);
    }
    channel.to_string() + "\n"
}

/// States the feed's own address, in the element that RSS borrows from Atom.
fn own_address(channel: &mut rss::Channel, address: &str) {
    let link = rss::extension::Extension {
        name: "atom:link".to_owned(),
        attrs: [
            ("href", address),
            ("rel", "self"),
            ("type", "application/rss+xml"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..rss::extension::Extension::default()
    };
    let links = [("link".to_owned(), vec![link])].into();
    channel.extensions.insert("atom".to_owned(), links);
    let atom = "http://www.w3.org/2005/Atom".to_owned();
    channel.namespaces.insert("atom".to_owned(), atom);
}

fn atom(items: &[FeedItem<'_>], made: Option<&Zoned>, address: Option<&str>) -> String {
    let entry = |item: &FeedItem<'_>| atom::Entry {
        title: atom::Text::plain(plain(&item.title)),
        id: item.id.clone(),
        updated: moment(Some(item.made)),
        authors: item.authors.iter().map(|name| person(name)).collect(),
        categories: categories(item)
            .map(|term| atom::Category {
                term,
                ..atom::Category::default()
            })
            .collect(),
        links: item
            .url
            .map(|url| link(url, "alternate"))
            .into_iter()
            .collect(),
        content: Some(atom::Content {
            value: Some(plain(&item.html)),
            content_type: Some("html".to_owned()),
            ..atom::Content::default()
        }),
        ..atom::Entry::default()
    };
    let feed = atom::Feed {
        title: atom::Text::plain("akin"),
        subtitle: Some(atom::Text::plain("New papers in what I follow")),
        id: urn(&["feed", address.unwrap_or_default()]),
        updated: moment(made),
        authors: vec![person("akin")],
        links: address.iter().map(|url| link(url, "self")).collect(),
        generator: Some(atom::Generator {
            value: "akin".to_owned(),
            ..atom::Generator::default()
        }),
        entries: items.iter().map(entry).collect(),
        ..atom::Feed::default()
    };
    feed.to_string() + "\n"
}

fn categories<'a>(item: &'a FeedItem<'_>) -> impl Iterator<Item = String> + 'a {
    item.categories.iter().map(|name| plain(name))
}

fn person(name: &str) -> atom::Person {
    atom::Person {
        name: plain(name),
        ..atom::Person::default()
    }
}

fn link(url: &str, rel: &str) -> atom::Link {
    atom::Link {
        href: url.to_owned(),
        rel: rel.to_owned(),
        ..atom::Link::default()
    }
}

/// The time as Atom writes it; the epoch if there is none.
fn moment(made: Option<&Zoned>) -> atom::FixedDateTime {
    let text = made.map(|made| made.timestamp().to_string());
    let parsed = text.and_then(|text| text.parse().ok());
    parsed.unwrap_or_default()
}

/// Without the characters that XML 1.0 has no way to write.
fn plain(text: &str) -> String {
    let may_stand = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let is_character = |c: &char| !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars()
        .filter(may_stand)
        .filter(is_character)
        .collect()
}

fn id_of(section: &Section, entry: &Entry) -> String {
    urn(&["entry", &section.follow, entry.brief.id.as_str()])
}

/// A UUID (RFC 9562, version 8) made of texts, as a URN.
fn urn(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(bytes);
    let (a, b, c, d, e) = (
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    );
    format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_and_tells_its_parts_apart() {
        let id = urn(&["entry", "a", "b"]);
        assert_eq!(id.len(), "urn:uuid:".len() + 36);
        assert_eq!(id.as_bytes()["urn:uuid:".len() + 14], b'8');
        assert_eq!(id, urn(&["entry", "a", "b"]));
        assert_ne!(id, urn(&["entry", "ab", ""]));
    }

    #[test]
    fn a_feed_without_entries_is_one() {
        for kind in [FeedFormat::Rss, FeedFormat::Atom] {
            let text = feed(kind, &[], None);
            assert!(text.contains("<title>akin</title>"), "{text}");
        }
    }
}
