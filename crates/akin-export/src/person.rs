//! Names of authors in their parts: what bibliographies sort by.
//!
//! In: a name in reading order. Out: given name, particle, family name and suffix, or the whole of a
//! name that has no such parts. The parts in reading order are the name again.

use akin_base::name::{begins_with_particle, is_group, is_particle, is_suffix};

/// Bytes of the longest word that a full stop shortens, the full stop among them.
const MAX_SHORTENED_BYTES: usize = 5;

/// A name in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PersonName<'a> {
    /// That of a group, or of one word.
    Whole(&'a str),
    /// That of a person.
    Parts {
        given: &'a str,
        /// `van der`, or empty.
        particle: &'a str,
        family: &'a str,
        /// `Jr.`, or empty.
        suffix: &'a str,
    },
}

impl<'a> PersonName<'a> {
    pub(crate) fn of(name: &'a str) -> PersonName<'a> {
        let whole = PersonName::Whole(name);
        let is_plain = |c: char| c.is_alphanumeric() || !c.is_ascii() || " .-'’".contains(c);
        if is_group(name)
            || name.contains(is_east_asian)
            || !name.chars().all(is_plain)
            || name.contains("  ")
        {
            return whole;
        }
        // A full stop after a whole word is a slip, which readers mend if the name is turned round.
        let is_slip = |word: &str| word.ends_with('.') && word.len() > MAX_SHORTENED_BYTES;
        if name.split(' ').any(is_slip) {
            return whole;
        }
        let (bare, suffix) = match name.rsplit_once(' ') {
            Some((rest, last)) if is_suffix(last) => (rest, last),
            _ => (name, ""),
        };
        let starts: Vec<usize> = bare.match_indices(' ').map(|(at, _)| at + 1).collect();
        let Some(&last) = starts.last() else {
            return whole;
        };
        if is_initials(&bare[last..]) {
            // Which part is the family name cannot be said.
            return whole;
        }
        // The first particle that is not the given name begins the family name.
        let start = starts.iter().copied().find(|&at| {
            let word = word_at(bare, at);
            // One capital is an initial, even if it is a particle in small letters.
            let may_begin = word.len() > 1 && begins_with_particle(&bare[at..]);
            at < last && (is_particle(word) || may_begin)
        });
        let start = start.unwrap_or(last);
        let mut family = start;
        while family < last && is_particle(word_at(bare, family)) {
            family += word_at(bare, family).len() + 1;
        }
        PersonName::Parts {
            given: bare[..start].trim_end(),
            particle: bare[start..family].trim_end(),
            family: &bare[family..],
            suffix,
        }
    }
}

/// Whether a character is of a script in which the family name comes first.
fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

fn word_at(text: &str, at: usize) -> &str {
    text[at..].split(' ').next().unwrap_or_default()
}

/// Whether a word is nothing but initials: `J.`, `J.-P.`, `JP`.
pub(crate) fn is_initials(word: &str) -> bool {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
    word.contains('.') || (letters.len() < 4 && letters.iter().all(|c| c.is_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: [&str; 4]) {
        let [given, particle, family, suffix] = expected;
        let parts = PersonName::Parts {
            given,
            particle,
            family,
            suffix,
        };
        assert_eq!(PersonName::of(name), parts);
    }

    #[test]
    fn a_name_has_its_parts() {
        check("Ada Lovelace", ["Ada", "", "Lovelace", ""]);
        check("Ludwig van Beethoven", ["Ludwig", "van", "Beethoven", ""]);
        check("Jan van der Berg", ["Jan", "van der", "Berg", ""]);
        check(
            "Martin Luther King Jr.",
            ["Martin Luther", "", "King", "Jr."],
        );
        check("J.-P. O'Neil III", ["J.-P.", "", "O'Neil", "III"]);
        check("Juana Inés de la Cruz", ["Juana Inés", "de la", "Cruz", ""]);
        check("Ana De Souza", ["Ana", "", "De Souza", ""]);
        check(
            "Hernando A del Portillo",
            ["Hernando A", "del", "Portillo", ""],
        );
    }

    #[test]
    fn what_has_no_parts_stays_whole() {
        for name in [
            "Plato",
            "The Moss Group",
            "World Health Organization",
            "Barnes and Noble, Inc.",
            "Weinan E",
            "Lovelace A.",
            "ATLAS/CMS",
            "王 小明",
        ] {
            assert_eq!(PersonName::of(name), PersonName::Whole(name));
        }
    }
}
