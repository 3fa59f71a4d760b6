//! Text in UTF-16 as UTF-8, piece by piece.
//!
//! Invariants: the BOM is dropped. Invalid UTF-16 becomes U+FFFD. Text that ends inside a character
//! ends with an error, like any truncated text.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding};

use super::bytes::Bytes;

/// Bytes decoded at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Decodes the bytes that are read through it.
pub(crate) struct Utf16 {
    inner: Bytes,
    decoder: Decoder,
    /// Bytes in UTF-16; those from `read` to `filled` are still to be decoded.
    input: Box<[u8]>,
    read: usize,
    filled: usize,
    n_in: u64,
    /// Text in UTF-8; the part from `given` on has not been passed on yet.
    output: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Utf16 {
    pub(crate) fn new(inner: Bytes, encoding: &'static Encoding) -> Utf16 {
        Utf16 {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: vec![0; PIECE_BYTES].into_boxed_slice(),
            read: 0,
            filled: 0,
            n_in: 0,
            output: Vec::new(),
            given: 0,
            ended: false,
        }
    }

    /// Decodes the next piece.
    fn advance(&mut self) -> io::Result<()> {
        if self.read == self.filled {
            self.read = 0;
            self.filled = 0;
            self.filled = self.inner.read(&mut self.input)?;
            self.n_in += self.filled as u64;
            self.ended = self.filled == 0;
            if self.ended && !self.n_in.is_multiple_of(2) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.output.resize(PIECE_BYTES, 0);
        self.given = 0;
        let piece = &self.input[self.read..self.filled];
        let (result, n_read, n_written, _) =
            self.decoder
                .decode_to_utf8(piece, &mut self.output, self.ended);
        self.read += n_read;
        self.output.truncate(n_written);
        // More than one piece of output can only be left of one of input while it is not the last.
        debug_assert!(!self.ended || result == CoderResult::InputEmpty);
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() {
            if self.ended {
                return Ok(0);
            }
            self.advance()?;
        }
        let n = buf.len().min(self.output.len() - self.given);
        buf[..n].copy_from_slice(&self.output[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_16BE, UTF_16LE};

    use super::*;

    fn decoded(bytes: Vec<u8>, encoding: &'static Encoding) -> Option<String> {
        let mut text = String::new();
        let mut reader = Utf16::new(Box::new(io::Cursor::new(bytes)), encoding);
        reader.read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn check(text: &str) {
        let units = || text.encode_utf16();
        let little = units().flat_map(u16::to_le_bytes);
        let little: Vec<u8> = [0xFF, 0xFE].into_iter().chain(little).collect();
        let big = units().flat_map(u16::to_be_bytes);
        let big: Vec<u8> = [0xFE, 0xFF].into_iter().chain(big).collect();
        assert!(decoded(little.clone(), UTF_16LE).as_deref() == Some(text));
        assert!(decoded(big, UTF_16BE).as_deref() == Some(text));
        assert_eq!(decoded(little[..little.len() - 1].to_vec(), UTF_16LE), None);
    }

    #[test]
    fn text_is_decoded_in_either_order() {
        check("a");
        check("title,abstract\r\nÉtude,方程 😀\r\n");
        check(&"方😀x".repeat(PIECE_BYTES));
    }
}
