//! An answer of OAI-PMH: what steers the reading of a list, without the papers.
//!
//! In: the bytes of an answer. Out: an [`OaiPage`], or the fault. The records are left to the crate
//! akin-dump; here their headers are read, the resumption token, and errors. An answer is complete
//! only if its outermost element is closed, since a connection can end unnoticed. Elements are
//! those of version 2.0 of the protocol (openarchives.org, 2002).

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::state::ResumptionToken;
use crate::clock::day_of;

/// The contents of an answer.
#[derive(Debug, Default)]
pub(super) struct OaiPage {
    /// The day of the answer in UTC, if given.
    pub(super) answered: Option<Date>,
    /// The first error.
    pub(super) error: Option<OaiError>,
    pub(super) n_records: u64,
    /// The days of its records' datestamps, in order.
    pub(super) datestamps: Vec<Date>,
    /// Asks for the next page; `None` on the last.
    pub(super) token: Option<ResumptionToken>,
    /// The number of records of the whole list.
    pub(super) n_listed: Option<u64>,
    /// A hash of the records' ids and datestamps; empty without records. (The bytes differ by the
    /// time of the answer.)
    pub(super) fingerprint: String,
}

/// An error of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OaiError {
    pub(super) code: String,
    pub(super) words: String,
}

/// Parses an answer.
///
/// # Errors
/// The fault.
pub(super) fn parse(bytes: &[u8]) -> Result<OaiPage, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut xml = Reader::from_str(&text);
    let mut parser = Parser::default();
    loop {
        let position = xml.buffer_position();
        let event = xml.read_event();
        let event = event.map_err(|error| format!("broken XML at byte {position}: {error}"))?;
        match event {
            Event::Start(element) => parser.start(&element)?,
            Event::Empty(element) => {
                parser.start(&element)?;
                parser.end();
            }
            Event::End(_) => parser.end(),
            Event::Text(text) => parser.text.push_str(&text),
            Event::CData(text) => parser.text.push_str(&text),
            Event::GeneralRef(entity) => parser.text.push_str(&resolved(&entity)),
            Event::Eof => break,
            _ => {}
        }
    }
    parser.finish()
}

/// The characters of an entity; an unknown one stays as it is.
fn resolved(entity: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return c.to_string();
    }
    match resolve_predefined_entity(entity) {
        Some(text) => text.to_owned(),
        None => format!("&{};", &**entity),
    }
}

/// The relevant elements; their parents tell whether one is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OaiTag {
    Root,
    ResponseDate,
    Error,
    List,
    Record,
    Header,
    Identifier,
    Datestamp,
    Token,
    Other,
}

impl OaiTag {
    /// The element with this name, without its prefix.
    fn named(name: &str) -> OaiTag {
        match name {
            "OAI-PMH" => OaiTag::Root,
            "responseDate" => OaiTag::ResponseDate,
            "error" => OaiTag::Error,
            "ListRecords" => OaiTag::List,
            "record" => OaiTag::Record,
            "header" => OaiTag::Header,
            "identifier" => OaiTag::Identifier,
            "datestamp" => OaiTag::Datestamp,
            "resumptionToken" => OaiTag::Token,
            _ => OaiTag::Other,
        }
    }
}

/// Follows the elements.
#[derive(Default)]
struct Parser {
    page: OaiPage,
    /// The open elements, outermost first.
    path: Vec<OaiTag>,
    /// The text since the last tag.
    text: String,
    /// The attributes of the token or the error that is open.
    attributes: HashMap<String, String>,
    has_list: bool,
    is_closed: bool,
    hasher: blake3::Hasher,
}

impl Parser {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let name = element.local_name();
        let tag = OaiTag::named(name.as_ref());
        if self.path.is_empty() && tag != OaiTag::Root {
            return Err(format!(
                "it is not an answer of OAI-PMH but <{}>",
                name.as_ref()
            ));
        }
        self.path.push(tag);
        self.text.clear();
        match self.path[..] {
            [_, OaiTag::List] => self.has_list = true,
            [_, OaiTag::List, OaiTag::Record] => self.page.n_records += 1,
            [_, OaiTag::Error] | [_, OaiTag::List, OaiTag::Token] => {
                self.attributes = attributes(element)
            }
            [_, OaiTag::List, OaiTag::Record, OaiTag::Header] => {
                // Deleted is another content than not deleted.
                let status = attributes(element).remove("status");
                self.note(&status.unwrap_or_default());
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        match self.path[..] {
            [_, OaiTag::ResponseDate] => {
                let moment: Option<Timestamp> = text.parse().ok();
                self.page.answered = moment.map(day_of);
            }
            [_, OaiTag::Error] => self.take_error(text),
            [
                _,
                OaiTag::List,
                OaiTag::Record,
                OaiTag::Header,
                OaiTag::Identifier,
            ] => self.note(text),
            [
                _,
                OaiTag::List,
                OaiTag::Record,
                OaiTag::Header,
                OaiTag::Datestamp,
            ] => {
                self.note(text);
                let day = text.get(..10).and_then(|day| day.parse().ok());
                self.page.datestamps.extend::<Option<Date>>(day);
            }
            [_, OaiTag::List, OaiTag::Token] => self.take_token(text),
            _ => {}
        }
        self.path.pop();
        self.is_closed |= self.path.is_empty();
    }

    fn take_error(&mut self, text: &str) {
        let code = self.attributes.remove("code").unwrap_or_default();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.page.error.get_or_insert(OaiError { code, words });
    }

    fn take_token(&mut self, text: &str) {
        let number = |text: String| text.parse().ok();
        self.page.n_listed = self.attributes.remove("completeListSize").and_then(number);
        let expires = self.attributes.remove("expirationDate");
        self.page.token = (!text.is_empty()).then(|| ResumptionToken {
            text: text.to_owned(),
            expires: expires.and_then(|moment| moment.parse().ok()),
        });
    }

    /// Makes a text part of the fingerprint.
    fn note(&mut self, text: &str) {
        self.hasher.update(text.as_bytes());
        self.hasher.update(b"\n");
    }

    fn finish(mut self) -> Result<OaiPage, String> {
        if !self.is_closed {
            return Err(match self.path.first() {
                Some(_) => "broken XML: it ends in the middle".to_owned(),
                None => "it is empty".to_owned(),
            });
        }
        if !self.has_list && self.page.error.is_none() {
            return Err("it holds neither records nor an error".to_owned());
        }
        if self.page.n_records > 0 {
            self.page.fingerprint = self.hasher.finalize().to_hex().to_string();
        }
        Ok(self.page)
    }
}

/// An element's attributes by name, without broken ones.
fn attributes(element: &BytesStart<'_>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for attribute in element.attributes().flatten() {
        let name = attribute.key.local_name().as_ref().to_owned();
        let value = quick_xml::escape::unescape(&attribute.value).unwrap_or_default();
        found.insert(name, value.trim().to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn answer(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\">\
             <responseDate>2026-11-20T23:10:01Z</responseDate>{inside}</OAI-PMH>"
        )
    }

    fn record(id: &str, datestamp: &str) -> String {
        format!(
            "<record><header><identifier>{id}</identifier><datestamp>{datestamp}</datestamp>\
             </header><metadata><dc><identifier>other</identifier><datestamp>1999-01-01\
             </datestamp></dc></metadata></record>"
        )
    }

    #[test]
    fn headers_and_token_are_read() {
        let inside = format!(
            "<ListRecords>{}{}<resumptionToken cursor=\"0\" completeListSize=\"1090\" \
             expirationDate=\"2026-11-21T00:00:00Z\">\n a&amp;b&#61;1|1001 </resumptionToken>\
             </ListRecords>",
            record("oai:arXiv.org:0704.0002", "2026-11-19"),
            record("oai:arXiv.org:0704.0003", "2026-11-20T10:00:00Z"),
        );
        let page = parse(answer(&inside).as_bytes()).unwrap();
        assert_eq!(page.answered, Some(date(2026, 11, 20)));
        assert_eq!(page.n_records, 2);
        assert_eq!(page.datestamps, [date(2026, 11, 19), date(2026, 11, 20)]);
        assert_eq!(page.n_listed, Some(1090));
        let token = page.token.unwrap();
        assert_eq!(token.text, "a&b=1|1001");
        assert_eq!(token.expires, "2026-11-21T00:00:00Z".parse().ok());
        assert_eq!(page.error, None);
    }

    #[test]
    fn the_fingerprint_is_of_the_records_alone() {
        let fingerprint = |id: &str, day: &str, rest: &str| {
            let inside = format!("<ListRecords>{}{rest}</ListRecords>", record(id, day));
            parse(answer(&inside).as_bytes()).unwrap().fingerprint
        };
        let one = fingerprint("a", "2026-11-19", "");
        let token = "<resumptionToken>t</resumptionToken>";
        assert_eq!(one, fingerprint("a", "2026-11-19", token));
        assert_ne!(one, fingerprint("b", "2026-11-19", ""));
        assert_ne!(one, fingerprint("a", "2026-11-20", ""));
        let none = parse(answer("<ListRecords/>").as_bytes()).unwrap();
        assert_eq!(none.fingerprint, "");
    }

    #[test]
    fn an_empty_token_ends_the_list() {
        for token in [
            "<resumptionToken/>",
            "<resumptionToken cursor=\"5\"> </resumptionToken>",
        ] {
            let inside = format!("<ListRecords>{}{token}</ListRecords>", record("a", "x"));
            let page = parse(answer(&inside).as_bytes()).unwrap();
            assert_eq!(page.token, None);
            assert_eq!(page.datestamps, []);
        }
    }

    #[test]
    fn errors_are_read() {
        let inside = "<error code=\"badArgument\">The set\n is unknown</error><error code=\"x\"/>";
        let page = parse(answer(inside).as_bytes()).unwrap();
        let error = page.error.unwrap();
        assert_eq!(
            (&*error.code, &*error.words),
            ("badArgument", "The set is unknown")
        );
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let check = |bytes: &str, expected: &str| {
            let reason = parse(bytes.as_bytes()).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        };
        let whole = answer(&format!("<ListRecords>{}</ListRecords>", record("a", "x")));
        check(&whole[..whole.len() - 1], "broken XML at byte");
        check(
            &whole[..whole.len() - "</OAI-PMH>".len()],
            "ends in the middle",
        );
        check(&whole.replace("</header>", "</head>"), "broken XML at byte");
        check(
            "<!DOCTYPE html><html><body>busy<br></body></html>",
            "but <html>",
        );
        check("", "it is empty");
        check(&answer("<ListSets/>"), "neither records nor an error");
    }
}
