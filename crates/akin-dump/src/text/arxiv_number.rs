//! arXiv ids that became numbers: what is repaired, and what is left.
//!
//! An arXiv id since 2007 looks like a decimal number. A table that took it for one has dropped its
//! leading zero (`704.0001`) or its trailing zeros (`1505.0023` for `1505.00230`). It may also have
//! written it as a float (`1909.0896300000002`). The month in the id gives the number of digits:
//! four from 0704 to 1412, five since 1501. With it:
//!
//! | found | repaired |
//! |---|---|
//! | three digits of month, a month from 0704 to 0912 | the leading zero is put back |
//! | fewer digits than the month has | trailing zeros are put back |
//! | more digits, and the excess is a float's noise (`…00000002`, `…99999998`) | rounded |
//!
//! Each has one reading only, so no paper gets the id of another. Everything else stays unchanged:
//! four digits in a four-digit month are never touched, nor five in a five-digit one.

/// The excess digits of a float's noise, at least.
const MIN_NOISE_DIGITS: usize = 5;

/// The arXiv id that a spelling was before it became a number: `0907.2862` of `907.2862`. `None` if it
/// is intact or beyond repair.
pub fn repair(spelling: &str) -> Option<String> {
    let (month, number) = spelling.trim().split_once('.')?;
    if !is_digits(month) || !is_digits(number) {
        return None;
    }
    let month = match month.len() {
        3 => format!("0{month}"),
        4 => month.to_owned(),
        _ => return None,
    };
    let whole = with_digits(number, digits_of(&month)?)?;
    let id = format!("{month}.{whole}");
    let counted_from_one = whole.bytes().any(|b| b != b'0');
    (counted_from_one && id != spelling).then_some(id)
}

/// Number of digits in ids of this month; `None` before 0704 and for anything that is not a month.
fn digits_of(month: &str) -> Option<usize> {
    let value: u32 = month.parse().ok()?;
    let is_month = (1..=12).contains(&(value % 100));
    match value {
        704..=1412 if is_month => Some(4),
        1501..=9912 if is_month => Some(5),
        _ => None,
    }
}

fn with_digits(number: &str, digits: usize) -> Option<String> {
    if number.len() <= digits {
        return Some(format!("{number:0<digits$}"));
    }
    let (kept, noise) = number.split_at(digits);
    if noise.len() < MIN_NOISE_DIGITS {
        return None;
    }
    let run = &noise[..noise.len() - 2];
    if run.bytes().all(|b| b == b'0') {
        return Some(kept.to_owned());
    }
    let rounded = kept.parse::<u32>().ok()? + 1;
    let fits = run.bytes().all(|b| b == b'9') && rounded < 10_u32.pow(digits as u32);
    fits.then(|| format!("{rounded:0digits$}"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spelling: &str, expected: Option<&str>) {
        assert_eq!(repair(spelling).as_deref(), expected, "{spelling}");
    }

    #[test]
    fn lost_zeros_are_put_back() {
        check("704.0001", Some("0704.0001"));
        check("904.4", Some("0904.4000"));
        check("1109.414", Some("1109.4140"));
        check("1505.0023", Some("1505.00230"));
        check("1610.1", Some("1610.10000"));
    }

    #[test]
    fn float_noise_is_rounded_away() {
        check("1909.0896300000002", Some("1909.08963"));
        check("1712.0889399999999", Some("1712.08894"));
        check("1804.0009999999998", Some("1804.00100"));
        check("704.00010000000002", Some("0704.0001"));
    }

    #[test]
    fn whole_ids_stand() {
        for id in ["0704.0001", "1412.9999", "1501.00001", "hep-th/9901001"] {
            check(id, None);
        }
    }

    #[test]
    fn what_has_no_certain_reading_stands() {
        for id in [
            "703.1234",
            "112.1234",
            "1013.1234",
            "1407.55200",
            "1909.089634",
            "1909.08963123456",
            "1909.9999999999999",
            "1801",
            "1801.",
            ".5",
            "1801.00",
            "12.5",
            "1e5",
            "10.1000/182",
        ] {
            check(id, None);
        }
    }
}
