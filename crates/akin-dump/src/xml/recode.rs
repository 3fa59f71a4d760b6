//! A document in another encoding than UTF-8, as UTF-8.
//!
//! In: bytes. Out: the same, or decoded as the XML declaration at their start says. Documents that
//! declare UTF-8, ASCII or nothing pass unchanged, and so do those with a BOM. So does a readable
//! declaration of UTF-16: real UTF-16 is not ASCII at its start, so it was decoded before.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::source::bytes::Bytes;

/// A declaration ends within this number of bytes.
const MAX_DECLARATION_BYTES: usize = 256;

/// Bytes that are decoded at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Reads UTF-8.
pub(super) struct Recoded {
    inner: Bytes,
    state: RecodeState,
    /// What failed after the first bytes.
    failed: Option<io::Error>,
}

enum RecodeState {
    /// Nothing was read.
    Unknown,
    /// UTF-8, and the bytes that were read to recognise it.
    Plain(io::Cursor<Vec<u8>>),
    Other(Box<Decoding>),
}

struct Decoding {
    decoder: Decoder,
    raw: Vec<u8>,
    decoded: io::Cursor<Vec<u8>>,
    ended: bool,
}

impl Recoded {
    pub(super) fn new(inner: Bytes) -> Recoded {
        Recoded {
            inner,
            state: RecodeState::Unknown,
            failed: None,
        }
    }

    /// Reads as far as a declaration can go, and decides.
    fn look(&mut self) -> RecodeState {
        let mut start = Vec::new();
        let limit = MAX_DECLARATION_BYTES as u64;
        let outcome = self.inner.by_ref().take(limit).read_to_end(&mut start);
        self.failed = outcome.err();
        let Some(encoding) = declared(&start) else {
            return RecodeState::Plain(io::Cursor::new(start));
        };
        RecodeState::Other(Box::new(Decoding {
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: start,
            decoded: io::Cursor::default(),
            ended: false,
        }))
    }
}

impl Read for Recoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if matches!(self.state, RecodeState::Unknown) {
            self.state = self.look();
        }
        let n = match &mut self.state {
            RecodeState::Unknown => 0,
            RecodeState::Plain(start) => start.read(out)?,
            RecodeState::Other(decoding) => decoding.read_decoded(out)?,
        };
        if n > 0 || out.is_empty() {
            return Ok(n);
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match &mut self.state {
            RecodeState::Other(decoding) => decoding.read(&mut self.inner, out),
            _ => self.inner.read(out),
        }
    }
}

impl Decoding {
    /// What is decoded of the bytes that are here.
    fn read_decoded(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.decoded.position() == self.decoded.get_ref().len() as u64 && !self.raw.is_empty() {
            self.decode();
        }
        self.decoded.read(out)
    }

    fn read(&mut self, inner: &mut Bytes, out: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            self.raw.resize(CHUNK_BYTES, 0);
            let outcome = inner.read(&mut self.raw);
            self.raw.truncate(*outcome.as_ref().unwrap_or(&0));
            self.ended = outcome? == 0;
            self.decode();
            let n = self.decoded.read(out)?;
            if n > 0 {
                return Ok(n);
            }
        }
        Ok(0)
    }

    fn decode(&mut self) {
        let mut text = std::mem::take(&mut self.decoded).into_inner();
        let needed = self.decoder.max_utf8_buffer_length(self.raw.len());
        text.clear();
        text.resize(needed.unwrap_or(4 * CHUNK_BYTES), 0);
        let (result, used, written, _) = self
            .decoder
            .decode_to_utf8(&self.raw, &mut text, self.ended);
        text.truncate(written);
        self.raw.drain(..used);
        debug_assert_eq!(result, CoderResult::InputEmpty);
        self.decoded = io::Cursor::new(text);
    }
}

/// The encoding that the declaration at the start of a document names, if it must be decoded.
fn declared(start: &[u8]) -> Option<&'static Encoding> {
    let start = start.trim_ascii_start();
    let rest = start.strip_prefix(b"<?xml")?;
    let end = rest.windows(2).position(|pair| pair == b"?>")?;
    let declaration = &rest[..end];
    let at = declaration
        .windows(8)
        .position(|word| word == b"encoding")?;
    let value = declaration[at + 8..].trim_ascii_start();
    let value = value.strip_prefix(b"=")?.trim_ascii_start();
    let quote = *value.first().filter(|quote| b"\"'".contains(quote))?;
    let label = value[1..].split(|&byte| byte == quote).next()?;
    if [&b"us-ascii"[..], b"ascii"]
        .iter()
        .any(|ascii| label.eq_ignore_ascii_case(ascii))
    {
        return None;
    }
    Encoding::for_label_no_replacement(label)
        .filter(|encoding| ![UTF_8, UTF_16LE, UTF_16BE].contains(encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let mut text = String::new();
        let mut recoded = Recoded::new(Box::new(io::Cursor::new(bytes.to_vec())));
        recoded.read_to_string(&mut text).expect("UTF-8");
        assert_eq!(text, expected);
    }

    #[test]
    fn what_declares_another_encoding_is_decoded() {
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>";
        check(
            latin,
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>é</a>",
        );
        let cyrillic = b"\n<?xml version='1.0' encoding = 'koi8-r' ?>\xc1";
        check(cyrillic, "\n<?xml version='1.0' encoding = 'koi8-r' ?>а");
        let japanese = b"<?xml version='1.0' encoding='Shift_JIS'?>\x83\x41";
        check(japanese, "<?xml version='1.0' encoding='Shift_JIS'?>ア");
    }

    #[test]
    fn what_declares_none_goes_through() {
        for text in [
            "",
            "<a>é</a>",
            "\u{feff}<?xml version='1.0' encoding='latin1'?>é",
            "<?xml version='1.0' encoding='UTF-8'?>é",
            "<?xml version='1.0' encoding='utf-16'?>é",
            "<?xml version='1.0' encoding='us-ascii'?>é",
            "<?xml version='1.0' encoding='unheard-of'?>é",
            "<?xml version='1.0' encoding",
        ] {
            check(text.as_bytes(), text);
        }
    }

    #[test]
    fn a_failure_is_met_after_what_came_before() {
        struct FailsOnce(bool);
        impl Read for FailsOnce {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    Ok(0)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                }
            }
        }
        for start in ["<a>", "<?xml version='1.0' encoding='latin1'?><a>"] {
            let broken = io::Cursor::new(start).chain(FailsOnce(false));
            let mut text = Vec::new();
            let outcome = Recoded::new(Box::new(broken)).read_to_end(&mut text);
            assert!(outcome.is_err());
            assert_eq!(text, start.as_bytes());
        }
    }

    #[test]
    fn long_documents_are_decoded_in_pieces() {
        let mut bytes = b"<?xml version='1.0' encoding='latin1'?>".to_vec();
        let head = bytes.len();
        bytes.extend(std::iter::repeat_n(0xe9, 3 * CHUNK_BYTES));
        let expected =
            String::from_utf8_lossy(&bytes[..head]).into_owned() + &"é".repeat(3 * CHUNK_BYTES);
        check(&bytes, &expected);
    }
}
