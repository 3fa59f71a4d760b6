//! The tags in a stream of XML bytes, without their meaning.
//!
//! In: bytes, in pieces of any size. Out: a [`XmlToken`] at the end of every tag. Comments, CDATA,
//! processing instructions and declarations, a DOCTYPE with its internal subset among them, are
//! passed over. Nothing is kept but a name, and nothing is an error. A `<` inside a tag, which XML
//! forbids, breaks it off and begins the next. Whether an element is well-formed is left to
//! `tree.rs`.

/// A longer name cannot be one of ours; the rest of it is dropped.
const MAX_NAME_BYTES: usize = 128;

/// What the scanned bytes end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum XmlToken {
    /// A start tag; `empty` if it is an end tag, too.
    Start { empty: bool },
    /// An end tag.
    End,
    /// `<?xml …?>`: a document begins.
    Declaration,
    /// Inside a comment, CDATA or an instruction, a `<` and a name: a tag, if the enclosing markup
    /// was meant to end before. The byte after the name is not yet used.
    Hidden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScanState {
    /// Outside markup.
    Text,
    /// After `<`.
    Open,
    /// In the name of a start tag.
    Name,
    /// Behind that name.
    Tag { quote: Option<u8>, slash: bool },
    /// In the name of an end tag.
    EndName,
    /// Behind that name.
    EndTag,
    /// After `<!`.
    Bang,
    /// After `<!--`, with this number of `-` just before.
    Comment(usize),
    /// After `<![CDATA[`, with this number of `]` just before.
    Cdata(usize),
    /// In the name of an instruction.
    Target,
    /// Behind that name.
    Instruction { declares: bool, mark: bool },
    /// After `<!` and a word.
    Doctype { quote: Option<u8> },
}

/// What becomes of one byte.
enum Scanned {
    /// It is used, and the markup goes on.
    On,
    /// It is used, and the markup ends with it.
    Done(Option<XmlToken>),
    /// It is not used.
    Before(Option<XmlToken>),
}

/// Scans a stream of bytes.
pub(super) struct Scanner {
    state: ScanState,
    /// The name in the last token, with its prefix.
    name: Vec<u8>,
    /// Bytes of the markup that were used.
    used: usize,
    /// In the internal subset of a DOCTYPE.
    in_subset: bool,
    /// The last bytes there, to find comments.
    tail: [u8; 4],
    /// A `<` and a part of a name just before, in a comment or the like.
    hidden: bool,
}

impl Scanner {
    pub(super) fn new() -> Scanner {
        Scanner {
            state: ScanState::Text,
            name: Vec::new(),
            used: 0,
            in_subset: false,
            tail: [0; 4],
            hidden: false,
        }
    }

    /// Whether the next byte is outside any markup.
    pub(super) fn is_between_tags(&self) -> bool {
        self.state == ScanState::Text
    }

    /// The name in the last token, with its prefix.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The same without its prefix.
    pub(super) fn local_name(&self) -> &[u8] {
        local(&self.name)
    }

    /// Length in bytes of the markup that ended last.
    pub(super) fn markup_bytes(&self) -> usize {
        self.used
    }

    /// Whether the next byte belongs to a comment.
    pub(super) fn is_in_comment(&self) -> bool {
        matches!(self.state, ScanState::Comment(_))
    }

    /// Takes the [hidden](XmlToken::Hidden) tag for a tag.
    pub(super) fn unhide(&mut self) {
        self.state = ScanState::Name;
        self.in_subset = false;
        self.used = 1 + self.name.len();
    }

    /// Scans on: either text up to the next `<`, or markup up to its end or that of `bytes`.
    /// Returns that number of bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, Option<XmlToken>) {
        let mut at = 0;
        if self.state == ScanState::Text {
            match bytes.iter().position(|&byte| byte == b'<') {
                Some(0) => {
                    self.state = ScanState::Open;
                    self.used = 0;
                    at = 1;
                }
                Some(text) => return (text, None),
                None => return (bytes.len(), None),
            }
        }
        while let Some(&byte) = bytes.get(at) {
            match self.step(byte) {
                Scanned::On => at += 1,
                Scanned::Done(token) => {
                    self.state = self.state_after();
                    self.used += at + 1;
                    return (at + 1, token);
                }
                Scanned::Before(token) => {
                    self.used += at;
                    return (at, token);
                }
            }
        }
        self.used += at;
        (at, None)
    }

    fn state_after(&self) -> ScanState {
        if self.in_subset {
            ScanState::Doctype { quote: None }
        } else {
            ScanState::Text
        }
    }

    fn step(&mut self, byte: u8) -> Scanned {
        match self.state {
            ScanState::Text | ScanState::Open => self.open(byte),
            ScanState::Name => self.start_name(byte),
            ScanState::Tag { quote, slash } => self.tag(byte, quote, slash),
            ScanState::EndName | ScanState::EndTag => self.end_tag(byte),
            ScanState::Bang => self.bang(byte),
            ScanState::Comment(count) => self.closing(byte, b'-', count),
            ScanState::Cdata(count) => self.closing(byte, b']', count),
            ScanState::Target => self.target(byte),
            ScanState::Instruction { declares, mark } => self.instruction(byte, declares, mark),
            ScanState::Doctype { quote } => self.doctype(byte, quote),
        }
    }

    fn open(&mut self, byte: u8) -> Scanned {
        self.name.clear();
        self.state = match byte {
            b'/' => ScanState::EndName,
            b'!' => ScanState::Bang,
            b'?' => ScanState::Target,
            b'<' => return self.broken_off(),
            byte if is_name_start(byte) => {
                self.name.push(byte);
                ScanState::Name
            }
            _ => return Scanned::Done(None),
        };
        Scanned::On
    }

    /// A `<` where none is allowed: the text before it is not a tag.
    fn broken_off(&mut self) -> Scanned {
        self.state = ScanState::Text;
        Scanned::Before(None)
    }

    fn start_name(&mut self, byte: u8) -> Scanned {
        if byte.is_ascii_whitespace() || byte == b'/' {
            self.state = ScanState::Tag {
                quote: None,
                slash: byte == b'/',
            };
            return Scanned::On;
        }
        match byte {
            b'>' => Scanned::Done(Some(XmlToken::Start { empty: false })),
            b'<' => self.broken_off(),
            _ => self.push(byte),
        }
    }

    fn push(&mut self, byte: u8) -> Scanned {
        if self.name.len() < MAX_NAME_BYTES {
            self.name.push(byte);
        }
        Scanned::On
    }

    fn tag(&mut self, byte: u8, quote: Option<u8>, slash: bool) -> Scanned {
        let (quote, slash) = match (byte, quote) {
            (b'<', _) => return self.broken_off(),
            (byte, Some(open)) => (Some(open).filter(|open| *open != byte), false),
            (b'>', None) => return Scanned::Done(Some(XmlToken::Start { empty: slash })),
            (b'"' | b'\'', None) => (Some(byte), false),
            (byte, None) => (None, byte == b'/'),
        };
        self.state = ScanState::Tag { quote, slash };
        Scanned::On
    }

    fn end_tag(&mut self, byte: u8) -> Scanned {
        match byte {
            b'>' => Scanned::Done(Some(XmlToken::End)),
            b'<' => self.broken_off(),
            _ if self.state == ScanState::EndTag => Scanned::On,
            byte if byte.is_ascii_whitespace() => {
                self.state = ScanState::EndTag;
                Scanned::On
            }
            byte => self.push(byte),
        }
    }

    fn bang(&mut self, byte: u8) -> Scanned {
        self.name.push(byte);
        let read: &[u8] = &self.name;
        if read == b"--" {
            self.state = ScanState::Comment(0);
        } else if read == b"[CDATA[" {
            self.state = ScanState::Cdata(0);
        } else if !b"--".starts_with(read) && !b"[CDATA[".starts_with(read) {
            self.state = ScanState::Doctype { quote: None };
            self.tail = [0; 4];
            return self.doctype(byte, None);
        }
        Scanned::On
    }

    /// In a comment or CDATA, which ends with two of `twice` and a `>`.
    fn closing(&mut self, byte: u8, twice: u8, count: usize) -> Scanned {
        if let Some(step) = self.find_hidden(byte) {
            return step;
        }
        if byte == b'>' && count >= 2 {
            return Scanned::Done(None);
        }
        let count = if byte == twice { count + 1 } else { 0 };
        self.state = match self.state {
            ScanState::Comment(_) => ScanState::Comment(count),
            _ => ScanState::Cdata(count),
        };
        Scanned::On
    }

    fn find_hidden(&mut self, byte: u8) -> Option<Scanned> {
        if byte == b'<' {
            self.name.clear();
            self.hidden = true;
        } else if self.hidden && is_name_byte(byte, self.name.is_empty()) {
            self.push(byte);
        } else if self.hidden {
            self.hidden = false;
            let ends = byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
            return (ends && !self.name.is_empty())
                .then_some(Scanned::Before(Some(XmlToken::Hidden)));
        }
        None
    }

    fn target(&mut self, byte: u8) -> Scanned {
        if byte.is_ascii_whitespace() || byte == b'?' {
            let declares = self.name == b"xml";
            self.state = ScanState::Instruction {
                declares,
                mark: byte == b'?',
            };
            return Scanned::On;
        }
        match byte {
            b'<' => self.broken_off(),
            _ => self.push(byte),
        }
    }

    fn instruction(&mut self, byte: u8, declares: bool, mark: bool) -> Scanned {
        if let Some(step) = self.find_hidden(byte) {
            return step;
        }
        if byte == b'>' && mark {
            return Scanned::Done(declares.then_some(XmlToken::Declaration));
        }
        self.state = ScanState::Instruction {
            declares,
            mark: byte == b'?',
        };
        Scanned::On
    }

    fn doctype(&mut self, byte: u8, quote: Option<u8>) -> Scanned {
        self.tail.rotate_left(1);
        self.tail[3] = byte;
        let quote = match (byte, quote) {
            (b'<', _) if !self.in_subset => return self.broken_off(),
            (byte, Some(open)) => Some(open).filter(|open| *open != byte),
            (b'>', None) if !self.in_subset => return Scanned::Done(None),
            (b'"' | b'\'', None) => Some(byte),
            (b'[' | b']', None) => {
                self.in_subset = byte == b'[';
                None
            }
            (_, None) if &self.tail == b"<!--" => {
                self.state = ScanState::Comment(0);
                self.tail = [0; 4];
                return Scanned::On;
            }
            (_, None) => None,
        };
        self.state = ScanState::Doctype { quote };
        Scanned::On
    }
}

/// A name without its prefix.
pub(super) fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b':').next().unwrap_or(name)
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | 0x80..)
}

fn is_name_byte(byte: u8, is_first: bool) -> bool {
    is_name_start(byte) || (!is_first && matches!(byte, b'0'..=b'9' | b'-' | b'.'))
}

/// The start tags in `bytes`: local names, and the tags verbatim.
pub(super) fn start_tags(bytes: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let mut scanner = Scanner::new();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let (used, token) = scanner.feed(&bytes[at..]);
            at += used;
            if matches!(token, Some(XmlToken::Start { .. })) {
                let name = String::from_utf8_lossy(scanner.local_name()).into_owned();
                return Some((name, &bytes[at - scanner.markup_bytes()..at]));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens in short: `+name`, `+name/`, `-name`, `?` for a declaration, `#name` for a hidden one.
    fn tokens(xml: &[u8], piece: usize) -> String {
        let mut scanner = Scanner::new();
        let mut found = Vec::new();
        let mut at = 0;
        while at < xml.len() {
            let end = xml.len().min(at + piece);
            let (used, token) = scanner.feed(&xml[at..end]);
            at += used;
            let name = String::from_utf8_lossy(scanner.name()).into_owned();
            found.extend(token.map(|token| match token {
                XmlToken::Start { empty: false } => format!("+{name}"),
                XmlToken::Start { empty: true } => format!("+{name}/"),
                XmlToken::End => format!("-{name}"),
                XmlToken::Declaration => "?".to_owned(),
                XmlToken::Hidden => format!("#{name}"),
            }));
        }
        found.join(" ")
    }

    fn check(xml: &str, expected: &str) {
        for piece in [1, 2, 7, 4096] {
            assert_eq!(tokens(xml.as_bytes(), piece), expected, "{xml} by {piece}");
        }
    }

    #[test]
    fn tags_are_found() {
        check("<a><b x='1'/>t</b ></a\n>", "+a +b/ -b -a");
        check("<x:a b=\"/>\" c='>'>", "+x:a");
        check("<a/><é/>", "+a/ +é/");
        check("<a b=/>", "+a/");
    }

    #[test]
    fn what_is_no_tag_is_passed_over() {
        check("<?xml version='1.0'?><!-- -- > --><a>", "? +a");
        check("<?xml-stylesheet href='a>b'?><a>", "+a");
        check("<![CDATA[ ]] > ]]]><a>", "+a");
        check("<a>1 < 2 && 3 <= 4</a>", "+a -a");
        check("<!DOCTYPE a PUBLIC \"-//X>//\" 'u'><a>", "+a");
        check(
            "<!DOCTYPE a [<!ENTITY b \"]><c>\"> <!-- isn't ]> --> <!ENTITY d 'e'>] ><a>",
            "+a",
        );
    }

    #[test]
    fn tags_in_comments_are_hidden() {
        check("<!-- <b> <c/ 1<2 --><a>", "#b #c +a");
        check("<![CDATA[<b x>]]><a>", "#b +a");
    }

    #[test]
    fn a_broken_tag_ends_where_the_next_begins() {
        check("<a b=\"1><c><d", "+c");
        check("<a <b></b </a>", "+b -a");
        check("<<a>", "+a");
        check("<!DOCTYPE a <b>", "+b");
    }

    #[test]
    fn start_tags_stand_as_they_are() {
        let tags: Vec<_> = start_tags(b"<?xml?><a:b c='d'> <e/></e>").collect();
        assert_eq!(
            tags,
            [
                ("b".to_owned(), &b"<a:b c='d'>"[..]),
                ("e".to_owned(), &b"<e/>"[..])
            ]
        );
    }
}
