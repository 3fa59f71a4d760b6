//! Hashes of texts, by which equal ones are recognised.

use std::fmt;

use crate::hex::hex;

/// 16 bytes of a BLAKE3 hash, equal for equal text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextHash(pub [u8; 16]);

/// Hashes parts with their lengths, so that text moved from one part to the next changes the hash.
#[derive(Default)]
pub(super) struct PartsHasher(blake3::Hasher);

impl PartsHasher {
    pub(super) fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds a list; a missing text is an empty list.
    pub(super) fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        let mut n_texts = 0_u64;
        for text in texts {
            self.part(text.as_bytes());
            n_texts += 1;
        }
        self.0.update(&n_texts.to_le_bytes());
    }

    pub(super) fn finish(&self) -> TextHash {
        let mut short = [0; 16];
        short.copy_from_slice(&self.0.finalize().as_bytes()[..16]);
        TextHash(short)
    }
}

impl fmt::Display for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0))
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A hash of a title that ignores case, spacing and punctuation. Two other titles share it once in
/// 2^64.
pub fn title_key(title: &str) -> i64 {
    let hash = blake3::hash(letters_of(title).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(first)
}

/// The letters and digits of a text, in lower case.
pub fn letters_of(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    if text.is_ascii() {
        let of_ascii = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters.extend(of_ascii.map(|b| char::from(b.to_ascii_lowercase())));
    } else {
        let of_any = text.chars().filter(|c| c.is_alphanumeric());
        letters.extend(of_any.flat_map(char::to_lowercase));
    }
    letters
}
