//! Whole numbers in Parquet's delta encoding (`DELTA_BINARY_PACKED`): their count and their sum,
//! before the `parquet` crate makes a list of them.
//!
//! In: bytes that begin with such numbers. Out: their sum, and where they end. Allocates nothing.
//!
//! From <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use super::thrift::Compact;

/// Count and sum of packed numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// Of those that are positive.
    pub(super) sum: u64,
    /// Bytes that they take.
    pub(super) n_bytes: usize,
}

/// Adds packed numbers up, which may be no more than `most`. `None` if they are, or break off.
pub(super) fn sum(bytes: &[u8], most: u64) -> Option<Packed> {
    let mut head = Compact::new(bytes);
    let block_len = head.unsigned()?;
    let n_miniblocks = head.unsigned()?;
    let n_values = head.unsigned()?;
    let mut value = head.integer()?;
    if n_values > most || n_miniblocks == 0 || n_miniblocks > bytes.len() as u64 {
        return None;
    }
    let miniblock_len = usize::try_from(block_len / n_miniblocks).ok()?;
    let positive = |value: i64| u64::try_from(value).unwrap_or(0);
    let mut total = positive(value);
    let mut n_left = n_values.saturating_sub(1);
    let mut at = bytes.len() - head.n_left();
    while n_left > 0 {
        let mut block = Compact::new(bytes.get(at..)?);
        let least = block.integer()?;
        at = bytes.len() - block.n_left();
        let widths = bytes
            .get(at..)?
            .get(..usize::try_from(n_miniblocks).ok()?)?;
        at += widths.len();
        for width in widths {
            if n_left == 0 {
                break;
            }
            let n_bits = usize::from(*width).checked_mul(miniblock_len)?;
            let packed = bytes.get(at..)?;
            let n_here = n_left.min(miniblock_len as u64);
            if *width > 64 || n_here == 0 {
                return None;
            }
            for idx in 0..n_here {
                let difference = bits(packed, idx as usize * usize::from(*width), *width)?;
                value = value.wrapping_add(least).wrapping_add(difference as i64);
                // The values are of 32 bits.
                value = i64::from(value as i32);
                total = total.saturating_add(positive(value));
            }
            n_left -= n_here;
            at = at.checked_add(n_bits / 8)?;
        }
    }
    Some(Packed {
        sum: total,
        n_bytes: at,
    })
}

/// A number of `width` bits, which begins at a bit.
fn bits(bytes: &[u8], at: usize, width: u8) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let last = bytes.get((at + usize::from(width) - 1) / 8);
    last?;
    let window = &bytes[at / 8..];
    let mut chunk = [0; 16];
    let n = window.len().min(16);
    chunk[..n].copy_from_slice(&window[..n]);
    let number = u128::from_le_bytes(chunk) >> (at % 8);
    let mask = u128::MAX >> (128 - u32::from(width));
    Some((number & mask) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_up() {
        // 128 to a block, 4 miniblocks: 1, 2, 3, 4, 5, as in the format's own example.
        let same = [0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0, b'x'];
        let packed = Packed {
            sum: 15,
            n_bytes: 10,
        };
        assert_eq!(sum(&same, 5), Some(packed));
        assert_eq!(sum(&same, 4), None);
        assert_eq!(sum(&same[..9], 5), None);
        // 7, 5, 3, 1, 2, 3, 4, 5: the smallest difference is -2, the others take two bits.
        let mut two_bits = vec![0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0];
        two_bits.extend([0b1100_0000, 0b0011_1111]);
        two_bits.extend([0; 6]);
        let packed = Packed {
            sum: 30,
            n_bytes: 18,
        };
        assert_eq!(sum(&two_bits, 8), Some(packed));
    }

    #[test]
    fn no_count_is_believed() {
        assert_eq!(
            sum(&[0x80, 0x01, 4, 0xFF, 0xFF, 0xFF, 0x7F, 2], 1 << 20),
            None
        );
        assert_eq!(sum(&[0x80, 0x01, 0, 1, 2], 8), None);
        assert_eq!(sum(&[0, 1, 8, 2, 2, 0, 0], 8), None);
        assert_eq!(sum(&[], 8), None);
    }
}
