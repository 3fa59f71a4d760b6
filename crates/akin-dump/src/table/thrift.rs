//! The parts of Thrift's compact protocol that are needed to check Parquet's footer and page heads
//! before they are decoded.
//!
//! Reads in place and allocates nothing: a field is taken or [skipped](Compact::skip). `None` means that
//! the bytes break off, are nested too deep, or are none of Thrift.

/// Maximum nesting depth of values.
const MAX_DEPTH: u32 = 32;

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Bytes that are being read.
pub(super) struct Compact<'a> {
    rest: &'a [u8],
    depth: u32,
}

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Compact<'a> {
        Compact {
            rest: bytes,
            depth: 0,
        }
    }

    /// Bytes that are left.
    pub(super) fn n_left(&self) -> usize {
        self.rest.len()
    }

    /// Reads a struct: `take` is called with the number and the type of each field, and must take or skip
    /// it.
    pub(super) fn fields(
        &mut self,
        mut take: impl FnMut(&mut Self, i64, u8) -> Option<()>,
    ) -> Option<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut number = 0;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0F;
            if kind == STOP {
                self.depth -= 1;
                return Some(());
            }
            number = match head >> 4 {
                0 => self.integer()?,
                delta => number + i64::from(delta),
            };
            take(self, number, kind)?;
        }
    }

    /// Reads the head of a list: the number of values that follow, at most one per remaining byte,
    /// and their type.
    pub(super) fn list(&mut self) -> Option<(usize, u8)> {
        let head = self.byte()?;
        let n_values = match head >> 4 {
            15 => self.unsigned()?,
            few => u64::from(few),
        };
        let n_values = usize::try_from(n_values).ok()?;
        (n_values <= self.rest.len()).then_some((n_values, head & 0x0F))
    }

    /// Reads a whole number.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads a whole number that has no sign.
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Steps over a field of a type.
    pub(super) fn skip(&mut self, kind: u8) -> Option<()> {
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.advance(1),
            I16..=I64 => self.unsigned().map(|_| ()),
            DOUBLE => self.advance(8),
            UUID => self.advance(16),
            BINARY => {
                let n_bytes = self.unsigned()?;
                self.advance(usize::try_from(n_bytes).ok()?)
            }
            STRUCT => self.fields(|inner, _, kind| inner.skip(kind)),
            LIST | SET => {
                let (n_values, kind) = self.list()?;
                self.skip_all(n_values, &[kind])
            }
            MAP => {
                let n_pairs = usize::try_from(self.unsigned()?).ok()?;
                if n_pairs == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                if n_pairs > self.rest.len() {
                    return None;
                }
                self.skip_all(n_pairs, &[kinds >> 4, kinds & 0x0F])
            }
            _ => None,
        }
    }

    /// Steps over `n` values of each of these types, as in a list.
    fn skip_all(&mut self, n: usize, kinds: &[u8]) -> Option<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        for _ in 0..n {
            for kind in kinds {
                match *kind {
                    TRUE | FALSE => self.advance(1)?,
                    other => self.skip(other)?,
                }
            }
        }
        self.depth -= 1;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn advance(&mut self, n_bytes: usize) -> Option<()> {
        self.rest = self.rest.get(n_bytes..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_or_stepped_over() {
        // 1: 150; 2: a list of two texts; 20: a struct of one truth; stop.
        let bytes = [
            0x15, 0xAC, 0x02, 0x19, 0x28, 0x01, b'a', 0x00, 0x0C, 0x28, 0x11, 0x00, 0x00,
        ];
        let mut taken = Vec::new();
        let mut compact = Compact::new(&bytes);
        let whole = compact.fields(|fields, number, kind| match number {
            1 => {
                taken.push(fields.integer()?);
                Some(())
            }
            _ => {
                taken.push(number);
                fields.skip(kind)
            }
        });
        assert_eq!((whole, compact.n_left()), (Some(()), 0));
        assert_eq!(taken, [150, 2, 20]);
        for end in 0..bytes.len() {
            let mut cut = Compact::new(&bytes[..end]);
            assert_eq!(cut.skip(STRUCT), None, "{end} bytes");
        }
    }

    #[test]
    fn no_count_is_longer_than_the_bytes_and_no_nest_is_too_deep() {
        assert_eq!(Compact::new(&[0xFC, 0xFF, 0xFF, 0x7F, 0]).list(), None);
        assert_eq!(Compact::new(&[0x1C; 100_000]).skip(STRUCT), None);
        assert_eq!(Compact::new(&[0x19; 100_000]).skip(LIST), None);
        assert_eq!(Compact::new(&[0x15; 11]).unsigned(), Some(0x15));
        assert_eq!(Compact::new(&[0xFF; 11]).unsigned(), None);
    }
}
