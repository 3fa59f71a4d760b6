//! The elements of a stream of XML that are records, as the bytes they have there.
//!
//! In: bytes of one or several documents. Out: one [`Framed`] a record, and its surroundings. Only
//! tags are examined (`scan.rs`), so a record that is broken inside does not spoil others. A record
//! is bad if the next record begins, or its container ends, before it has ended; reading goes on
//! there. One record is held at a time, of at most [`MAX_LINE_BYTES`] (`keep.rs`); `rules.rs` knows
//! which elements are records.

use std::io::{self, BufRead, BufReader};

use super::around::Enclosing;
use super::keep::{Keep, bad};
use super::recode::Recoded;
use super::rules::{self, Rules};
use super::scan::{Scanner, XmlToken, local};
use crate::frame::{Frame, Framed, MAX_LINE_BYTES};
use crate::record::DumpContext;
use crate::reject::Unit;
use crate::source::bytes::Bytes;

const BUFFER_BYTES: usize = 128 << 10;

/// Cuts a stream into records.
pub(super) struct Elements {
    input: BufReader<Recoded>,
    rules: &'static Rules,
    scanner: Scanner,
    around: Enclosing,
    /// The start tag of the next record.
    next: Option<Next>,
    /// A start tag; only its name was read.
    begun: Vec<u8>,
    record: u64,
    ended: bool,
}

/// A start tag of a record.
struct Next {
    /// With its prefix.
    name: Vec<u8>,
    tag: Vec<u8>,
    empty: bool,
}

impl Frame for Elements {
    fn next_chunk(&mut self, buffer: &mut Vec<u8>) -> Framed {
        buffer.clear();
        if self.ended {
            return Framed::End;
        }
        let chunk = self.advance(buffer).unwrap_or_else(Framed::Failed);
        self.ended = matches!(chunk, Framed::End | Framed::Failed(_) | Framed::Unfinished);
        if !matches!(chunk, Framed::End) {
            self.record += 1;
        }
        chunk
    }

    fn place(&self) -> (u64, Unit) {
        (self.record, Unit::Record)
    }

    fn set_context(&self, context: &mut DumpContext) {
        context.around.clear();
        context.around.push_str(self.around.text());
    }
}

impl Elements {
    pub(super) fn new(rules: &'static Rules, bytes: Bytes) -> Elements {
        Elements {
            input: BufReader::with_capacity(BUFFER_BYTES, Recoded::new(bytes)),
            rules,
            scanner: Scanner::new(),
            around: Enclosing::default(),
            next: None,
            begun: Vec::new(),
            record: 0,
            ended: false,
        }
    }

    /// Reads up to the end of the next record.
    fn advance(&mut self, buffer: &mut Vec<u8>) -> io::Result<Framed> {
        let mut keep = Keep::tags();
        buffer.append(&mut self.begun);
        loop {
            if let Some(next) = self.next.take() {
                buffer.clone_from(&next.tag);
                return self.capture(buffer, &next);
            }
            let Some(token) = self.token(buffer, &mut keep)? else {
                buffer.clear();
                return Ok(if self.around.is_empty() {
                    Framed::End
                } else {
                    Framed::Unfinished
                });
            };
            let tag = self.last_tag(buffer);
            match token {
                XmlToken::Start { empty } if self.is_record(tag) => {
                    self.next = Some(self.start(tag, empty));
                }
                XmlToken::Start { empty: false } if self.is_meta() => {
                    let start = self.start(tag, false);
                    self.read_meta(&start)?;
                }
                XmlToken::Declaration if !self.around.is_empty() => {
                    self.around.leave_all();
                    buffer.clear();
                    return Ok(bad("a document is cut off, and the next begins"));
                }
                XmlToken::End
                    if self.is_whole_record() && !self.around.holds(self.scanner.name()) =>
                {
                    return Ok(bad("a record ends here whose start tag is broken"));
                }
                // Comments hold records that were taken out; CDATA never does.
                XmlToken::Hidden if !self.scanner.is_in_comment() && self.is_whole_record() => {
                    *buffer = self.unhide();
                }
                XmlToken::Start { empty: false } => self.around.enter(self.scanner.name(), tag),
                XmlToken::End => self.around.leave(self.scanner.name()),
                XmlToken::Start { .. } | XmlToken::Declaration | XmlToken::Hidden => {}
            }
        }
    }

    /// Reads the rest of a record, whose start tag is in `buffer`.
    fn capture(&mut self, buffer: &mut Vec<u8>, start: &Next) -> io::Result<Framed> {
        if start.empty {
            return Ok(Framed::Record);
        }
        let mut keep = Keep::all();
        let mut depth = 1_usize;
        // Elements inside with names of those outside, as `volume` in a paper.
        let mut inner = 0_usize;
        loop {
            let Some(token) = self.token(buffer, &mut keep)? else {
                buffer.truncate(MAX_LINE_BYTES);
                return Ok(Framed::Unfinished);
            };
            let is_same = self.scanner.name() == start.name;
            let is_around = self.around.holds(self.scanner.name());
            if self.breaks_off(token, start, inner, buffer) {
                self.end_early(token, buffer);
                return Ok(keep.broken());
            }
            match token {
                XmlToken::Start { empty: false } if is_same => depth += 1,
                XmlToken::End if is_same => depth -= 1,
                XmlToken::Start { empty: false } if is_around => inner += 1,
                XmlToken::End if is_around => inner -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(keep.whole(buffer));
            }
        }
    }

    /// Whether a token shows that the record which `start` begins was not ended.
    fn breaks_off(&self, token: XmlToken, start: &Next, inner: usize, buffer: &[u8]) -> bool {
        let name = self.scanner.name();
        let is_same = name == start.name;
        let is_around = self.around.holds(name);
        match token {
            XmlToken::Declaration => true,
            XmlToken::Hidden => is_same || self.is_whole_record(),
            XmlToken::Start { .. } if is_same => !(self.rules.is_foreign)(self.last_tag(buffer)),
            XmlToken::Start { .. } => {
                (self.is_whole_record() && local(&start.name) != self.scanner.local_name())
                    || (is_around && rules::is_root(self.scanner.local_name()))
            }
            XmlToken::End => is_around && inner == 0 && !is_same,
        }
    }

    /// Goes on outside the record with the token that broke it off.
    fn end_early(&mut self, token: XmlToken, buffer: &mut Vec<u8>) {
        let tag = self.last_tag(buffer).to_vec();
        match token {
            XmlToken::Declaration => self.around.leave_all(),
            XmlToken::End => self.around.leave(self.scanner.name()),
            XmlToken::Hidden => {
                self.begun = self.unhide();
                return;
            }
            XmlToken::Start { empty } if rules::is_root(self.scanner.local_name()) => {
                self.around.leave_all();
                if !empty {
                    self.around.enter(self.scanner.name(), &tag);
                }
            }
            XmlToken::Start { empty } => self.next = Some(self.start(&tag, empty)),
        }
        buffer.truncate(buffer.len() - tag.len());
    }

    /// Takes a hidden tag for one; returns the text that was read of it.
    fn unhide(&mut self) -> Vec<u8> {
        self.scanner.unhide();
        [b"<", self.scanner.name()].concat()
    }

    /// Reads the `meta` of a volume; an unfinished one is dropped.
    fn read_meta(&mut self, start: &Next) -> io::Result<()> {
        let mut meta = start.tag.clone();
        if let Framed::Record = self.capture(&mut meta, start)? {
            self.around.set_meta(meta);
        }
        Ok(())
    }

    /// Reads up to the end of the next tag; `None` if the bytes end.
    fn token(&mut self, buffer: &mut Vec<u8>, keep: &mut Keep) -> io::Result<Option<XmlToken>> {
        loop {
            let bytes = match self.input.fill_buf() {
                Ok([]) => return Ok(None),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let is_between = self.scanner.is_between_tags();
            let begins = is_between && bytes[0] == b'<';
            let (used, token) = self.scanner.feed(bytes);
            if begins {
                keep.begin(buffer);
            }
            keep.add(&bytes[..used], is_between && !begins, buffer);
            self.input.consume(used);
            if token.is_some() {
                return Ok(token);
            }
        }
    }

    /// The tag that was read last, which ends `buffer`.
    fn last_tag<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        let at = buffer.len().saturating_sub(self.scanner.markup_bytes());
        &buffer[at..]
    }

    /// Whether the last tag, outside records, begins one.
    fn is_record(&self, tag: &[u8]) -> bool {
        let name = self.scanner.local_name();
        self.rules.is_record(name, self.around.parent()) && !(self.rules.is_foreign)(tag)
    }

    fn is_whole_record(&self) -> bool {
        (self.rules.is_whole_record)(self.scanner.local_name())
    }

    fn is_meta(&self) -> bool {
        let name = self.scanner.local_name();
        (self.rules.is_meta)(name, self.around.parent())
    }

    fn start(&self, tag: &[u8], empty: bool) -> Next {
        Next {
            name: self.scanner.name().to_vec(),
            tag: tag.to_vec(),
            empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Format;
    use crate::reject::Rejection;
    use crate::tests::Drip;
    use crate::xml::sniff::tests::rules_of;

    /// Records, verbatim, with `around|` before, `!` for a bad one and `?` for a cut.
    fn read_all(format: Format, xml: &str, drip: usize) -> Vec<String> {
        let bytes = Drip(io::Cursor::new(xml.as_bytes().to_vec()), drip);
        let mut elements = Elements::new(rules_of(format), Box::new(bytes));
        let mut buffer = Vec::new();
        let mut read = Vec::new();
        let mut context = DumpContext::default();
        loop {
            let text = match elements.next_chunk(&mut buffer) {
                Framed::End => return read,
                Framed::Record => String::from_utf8_lossy(&buffer).into_owned(),
                Framed::Bad(Rejection::TooLong { .. }) => "too long".to_owned(),
                Framed::Bad(_) => "!".to_owned(),
                Framed::Failed(_) | Framed::Unfinished => "?".to_owned(),
            };
            elements.set_context(&mut context);
            let around = match &*context.around {
                "" => String::new(),
                around => format!("{around}|"),
            };
            read.push(around + &text);
            assert_eq!(elements.place(), (read.len() as u64, Unit::Record));
        }
    }

    fn check(format: Format, xml: &str, expected: &[&str]) {
        for drip in [1, 5, 1 << 20] {
            assert_eq!(read_all(format, xml, drip), expected, "{xml} by {drip}");
        }
    }

    #[test]
    fn records_are_cut_out() {
        check(
            Format::ArxivOai,
            "<?xml version='1.0'?>\r\n<OAI-PMH><ListRecords><record>1</record>\n\
             <o:record xmlns:o='u'><a/></o:record > <record/><resumptionToken>x</resumptionToken>\
             </ListRecords></OAI-PMH>\n",
            &[
                "<record>1</record>",
                "<o:record xmlns:o='u'><a/></o:record >",
                "<record/>",
            ],
        );
        check(
            Format::ArxivAtom,
            "<feed><entry>1</entry></feed>junk",
            &["<entry>1</entry>"],
        );
        check(
            Format::ArxivOai,
            "<OAI-PMH><error code='x'>no</error></OAI-PMH>",
            &[],
        );
        check(
            Format::ArxivOai,
            "<record>1</record><record>2</record>",
            &["<record>1</record>", "<record>2</record>"],
        );
    }

    #[test]
    fn what_looks_like_a_record_is_told_from_one() {
        check(
            Format::ArxivOai,
            "<l><!-- <record>0</record> --><record><![CDATA[</record>]]><!-- </record> --></record></l>",
            &["<record><![CDATA[</record>]]><!-- </record> --></record>"],
        );
        check(
            Format::ArxivOai,
            "<!DOCTYPE l [<!ENTITY a '<record>0</record>'><!ENTITY b '&a;&a;'>]>\
             <l><record>&b;</record></l>",
            &["<record>&b;</record>"],
        );
        let marc = "<record><record xmlns='http://www.loc.gov/MARC21/slim'>1</record></record>";
        check(Format::ArxivOai, marc, &[marc]);
        check(
            Format::PubmedXml,
            "<PubmedArticle><MedlineCitation><PMID>1</PMID></MedlineCitation></PubmedArticle>\
             <DeleteCitation><PMID>2</PMID>\n<PMID>3</PMID></DeleteCitation><PMID>4</PMID>",
            &[
                "<PubmedArticle><MedlineCitation><PMID>1</PMID></MedlineCitation></PubmedArticle>",
                "<PMID>2</PMID>",
                "<PMID>3</PMID>",
            ],
        );
    }

    #[test]
    fn a_broken_record_spoils_no_other() {
        for broken in [
            "<record><a>",
            "<record><a b='1></a>",
            "<record><!-- ",
            "<record><![CDATA[ ",
            "<record><?x ",
        ] {
            let xml = format!("<l>{broken}<record>2</record><record>3</record></l>");
            let expected = ["!", "<record>2</record>", "<record>3</record>"];
            check(Format::ArxivOai, &xml, &expected);
        }
        check(
            Format::ArxivOai,
            "<l><record><a></record><record/></l>",
            &["<record><a></record>", "<record/>"],
        );
        check(
            Format::ArxivOai,
            "<l><record>1</l><l><record>2</record></l>",
            &["!", "<record>2</record>"],
        );
        check(
            Format::ArxivOai,
            "<l><record><a <record x='1'>2</record></l>",
            &["!", "<record x='1'>2</record>"],
        );
        check(
            Format::ArxivOai,
            "<l><record>1</record><![CDATA[<record>2</record><record>3</record></l>",
            &[
                "<record>1</record>",
                "<record>2</record>",
                "<record>3</record>",
            ],
        );
    }

    #[test]
    fn a_record_whose_start_tag_is_broken_is_missed() {
        check(
            Format::AclAnthology,
            "<volume id='P18'><pa<per id='1'><title/></paper><paper id='2'/></volume>",
            &[
                "<volume id='P18'></volume>|!",
                "<volume id='P18'></volume>|<paper id='2'/>",
            ],
        );
    }

    #[test]
    fn what_is_cut_says_so() {
        check(
            Format::ArxivAtom,
            "<feed><entry>1</entry><entry>2",
            &["<entry>1</entry>", "?"],
        );
        check(
            Format::ArxivAtom,
            "<feed><entry>1</entry>\n",
            &["<entry>1</entry>", "?"],
        );
        check(
            Format::ArxivAtom,
            "<feed><entry>1</entry><entr",
            &["<entry>1</entry>", "?"],
        );
        check(
            Format::ArxivAtom,
            "<?xml version='1.0'?><feed><?xml version='1.0'?><feed><entry>1\
             <?xml version='1.0'?><feed><entry>2</entry></feed>",
            &["!", "!", "<entry>2</entry>"],
        );
        check(
            Format::ArxivAtom,
            "<feed><entry>1<feed><entry>2</entry></feed>",
            &["!", "<entry>2</entry>"],
        );
    }

    #[test]
    fn what_stands_around_papers_is_kept() {
        check(
            Format::AclAnthology,
            "<collection id='C18'><volume id='1'><meta><year>2018</year></meta>\
             <frontmatter><url>x</url></frontmatter><paper id='1'><volume>3</volume></paper></volume>\
             <volume id='2'><paper id='1'/><paper id='2'></volume><event/></collection>",
            &[
                "<collection id='C18'><volume id='1'><meta><year>2018</year></meta></volume></collection>|\
                 <paper id='1'><volume>3</volume></paper>",
                "<collection id='C18'><volume id='2'></volume></collection>|<paper id='1'/>",
                "<collection id='C18'></collection>|!",
            ],
        );
        check(
            Format::AclAnthology,
            "<volume id='P18'><meta><year>2018<paper id='1001'>1</paper></volume>",
            &["<volume id='P18'></volume>|<paper id='1001'>1</paper>"],
        );
    }

    #[test]
    fn a_record_that_is_too_long_is_skipped() {
        let long = "x".repeat(MAX_LINE_BYTES);
        let elements = "<b c='d'/>".repeat(MAX_LINE_BYTES / 10 + 1);
        for inside in [
            long.clone(),
            elements,
            format!("<!-- {long} -->"),
            format!("<{long}>"),
        ] {
            let xml =
                format!("<l><record>1</record><record>{inside}</record><record>3</record></l>");
            let read = read_all(Format::ArxivOai, &xml, 1 << 20);
            assert_eq!(
                read,
                ["<record>1</record>", "too long", "<record>3</record>"]
            );
        }
        let xml = format!("<l><record>{long}<record>3</record></l>");
        let read = read_all(Format::ArxivOai, &xml, 1 << 20);
        assert_eq!(read, ["too long", "<record>3</record>"]);
    }
}
