//! Bytes as hexadecimal digits, in lower case.

use std::fmt::Write;

/// Writes two digits a byte.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Whether a text is `n_digits` digits as [`hex`] writes them, and nothing else.
pub fn is_hex(text: &str, n_digits: usize) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == n_digits && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_in_order_and_recognised() {
        let digits = hex([0x00, 0x0f, 0xa5, 0xff]);
        assert_eq!(digits, "000fa5ff");
        assert!(is_hex(&digits, 8));
        assert!(!is_hex(&digits, 9) && !is_hex("000FA5FF", 8) && !is_hex("000fa5fg", 8));
    }
}
