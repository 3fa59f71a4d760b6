//! One name: what is trimmed off, which parts are not a name, and trailing initials.
//!
//! In: a name that commas no longer divide. Out: the name in reading order. In `Fanning E.` and
//! `van der Berg JP` the initials are moved to the front unless something in the list speaks
//! against it. `Weinan E` is in its right order.

use crate::text::clean::clean;
use akin_base::name::{self, begins_with_particle, is_group, is_particle};

/// A name of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    /// A comma showed which part is the family name.
    pub(super) is_turned: bool,
}

/// Letters of initials in one word without full stops, at most.
const MAX_INITIALS: usize = 3;
/// The same if an index is known to write them.
const MAX_INDEXED_INITIALS: usize = 4;

/// Degrees, which are not part of a name.
const DEGREES: [&str; 18] = [
    "bsc", "dds", "dphil", "drph", "dsc", "dvm", "edd", "facp", "facs", "frcp", "frcs", "jd",
    "mbbs", "md", "mph", "msc", "phd", "rn",
];

/// Bytes of the shortest word that a full stop ends and does not shorten.
const MIN_WORD_BYTES: usize = 5;

/// Bytes of the longest degree: `D. Phil.`
const MAX_DEGREE_BYTES: usize = 8;

/// What catalogues say of a person after the name: standing and part in the work.
const ROLES: [&str; 31] = [
    "aut",
    "author",
    "baron",
    "compiler",
    "contributor",
    "creator",
    "ctb",
    "dame",
    "dr",
    "ed",
    "editor",
    "eds",
    "edt",
    "fellow",
    "graduate student member",
    "ieee",
    "illustrator",
    "issuing body",
    "joint author",
    "life fellow",
    "life senior member",
    "member",
    "mr",
    "mrs",
    "ms",
    "prof",
    "professor",
    "senior member",
    "sir",
    "student member",
    "translator",
];

/// Words in place of a name.
const NOBODY: [&str; 18] = [
    "anon",
    "anonymous",
    "author unknown",
    "et al",
    "et alii",
    "n/a",
    "nan",
    "no author",
    "no author name available",
    "no author names available",
    "no authors",
    "no authors listed",
    "none",
    "not available",
    "null",
    "others",
    "unknown",
    "various",
];

/// Length in bytes of the longest of them in brackets.
const MAX_NOBODY_BYTES: usize = 28;

/// Strips the marks of lists and of footnotes around a name.
pub(super) fn trim(part: &str) -> &str {
    let is_mark = |c: char| {
        matches!(
            c,
            ',' | ';' | ':' | '*' | '†' | '‡' | '§' | '¶' | '∗' | '¹' | '²' | '³' | '\u{2070}'
                ..='\u{2079}'
        ) || c.is_whitespace()
    };
    part.trim_matches(is_mark)
}

/// Whether a word is initials with full stops: `J.`, `J.-P.`, `Yu.A.`
pub(super) fn is_dotted(word: &str) -> bool {
    let is_atom = |atom: &str| {
        let mut letters = atom.chars();
        let is_begun = letters.next().is_some_and(char::is_uppercase);
        is_begun && letters.next().is_none_or(char::is_lowercase) && letters.next().is_none()
    };
    let mut atoms = word.split(['.', '-', '\u{2010}', '\u{2011}']);
    word.ends_with('.')
        && atoms.all(|atom| atom.is_empty() || is_atom(atom))
        && !name::is_suffix(word)
        && word != "St."
}

/// Whether a word is initials without full stops: `J`, `JP`, `J-P`.
pub(super) fn is_bare(word: &str, max_letters: usize) -> bool {
    let is_known = |c: char| c.is_uppercase() || name::is_hyphen(c);
    word.starts_with(char::is_uppercase)
        && word.chars().all(is_known)
        && word.chars().filter(|c| c.is_uppercase()).count() <= max_letters
        && !name::is_suffix(word)
}

/// Whether a part is initials only: `A. J.`, `J.-P.`, `JP`.
pub(super) fn is_initials(part: &str) -> bool {
    let is_known = |word| is_dotted(word) || is_bare(word, MAX_INITIALS);
    part.split_whitespace().all(is_known) && !part.trim().is_empty()
}

/// The same, one full stop at least among them.
pub(super) fn is_dotted_initials(part: &str) -> bool {
    let is_known = |word| is_dotted(word) || is_bare(word, 1);
    part.split_whitespace().all(is_known) && part.split_whitespace().any(is_dotted)
}

/// Whether a part has initials besides other words.
pub(super) fn has_initials(part: &str) -> bool {
    part.contains(' ')
        && part
            .split_whitespace()
            .any(|word| is_dotted(word) || is_bare(word, 1))
}

/// Whether words end in an initial, as given names do: `Gabriel J.`
pub(super) fn ends_in_initial(part: &str) -> bool {
    let last = part.split_whitespace().next_back().unwrap_or("");
    part.contains(' ') && (is_dotted(last) || is_bare(last, 1))
}

/// Whether words end in one initial with a full stop, as the given names of a long family name do:
/// `García Márquez, Gabriel J.`
pub(super) fn ends_in_one_initial(part: &str) -> bool {
    let mut words = part.split_whitespace().rev();
    let is_ended = words.next().is_some_and(is_dotted);
    is_ended
        && words.clone().next().is_some()
        && !words.any(|word| is_dotted(word) || is_bare(word, 1))
}

/// Whether words are a full name, as far as initials tell: `Arun K. Pujari`, `O. P. Aslam`, but not
/// `F. Scott`.
pub(super) fn is_full(part: &str) -> bool {
    let words: Vec<&str> = part.split_whitespace().collect();
    let is_initial = |word: &&&str| is_dotted(word) || is_bare(word, 1);
    let n_leading = words.iter().take_while(is_initial).count();
    let n_initials = words.iter().filter(is_initial).count();
    let ends_in_name = words.last().is_some_and(|word| !is_initial(&word));
    ends_in_name && (n_leading > 1 || n_initials > n_leading)
}

/// Whether a part is a degree: `M.D.`, `PhD`.
pub(super) fn is_degree(part: &str) -> bool {
    if part.len() > MAX_DEGREE_BYTES {
        return false;
    }
    let letters = part.bytes().filter(u8::is_ascii_alphanumeric);
    let letters = letters.map(|byte| byte.to_ascii_lowercase());
    let found = DEGREES.binary_search_by(|known| known.bytes().cmp(letters.clone()));
    found.is_ok()
}

/// Whether a part is somebody's profession or role in the work.
pub(super) fn is_role(part: &str) -> bool {
    let bare = part.trim_matches(['.', '[', ']']).to_ascii_lowercase();
    ROLES.binary_search(&bare.as_str()).is_ok()
}

/// Whether a name only says that there is none, or no more.
pub(super) fn is_nobody(name: &str) -> bool {
    // Most of all names are longer, or begin with other letters.
    const FIRST: [char; 13] = [
        'a', 'e', 'n', 'o', 'u', 'v', 'A', 'E', 'N', 'O', 'U', 'V', '[',
    ];
    if name.len() > MAX_NOBODY_BYTES || !name.starts_with(FIRST) {
        return false;
    }
    let bare = name.trim_matches(['[', ']', '.', ' ']);
    let bare = bare.to_ascii_lowercase();
    NOBODY.binary_search(&bare.as_str()).is_ok()
}

/// Whether a part says that there are more: `others`, `et al.`, `3 others`.
pub(super) fn is_others(part: &str) -> bool {
    // Most of all names begin with other letters.
    if !part.starts_with(['a', 'e', 'm', 'o', 'A', 'E', 'O']) && !part.starts_with(is_digit) {
        return false;
    }
    let bare = part.trim_end_matches('.').to_ascii_lowercase();
    let mut words = bare.split_whitespace().peekable();
    words.next_if(|word| *word == "and");
    let is_counted = words
        .next_if(|word| word.bytes().all(|b| b.is_ascii_digit()))
        .is_some();
    let rest: Vec<&str> = words.collect();
    match rest[..] {
        ["others"] | ["etc"] | ["et", "al"] | ["et.", "al"] | ["etal"] | ["et", "alii"] => true,
        ["more"] | ["other", "authors"] | ["more", "authors"] => is_counted,
        _ => false,
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Whether a part is the years of a life, as catalogues add them: `1860-1943`, `1960-`,
/// `b. 1960`, `active 16th century`.
pub(super) fn is_years(part: &str) -> bool {
    if !part.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    const WORDS: [&str; 13] = [
        "active",
        "approximately",
        "b",
        "born",
        "c",
        "ca",
        "cent",
        "century",
        "circa",
        "d",
        "died",
        "fl",
        "or",
    ];
    let mut n_years = 0;
    let mut is_part = |word: &str| {
        let word = word.to_ascii_lowercase();
        let digits = word.trim_start_matches(['b', 'c', 'd', 'a']);
        let is_year = (3..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let is_century = ["st", "nd", "rd", "th"].iter().any(|end| {
            digits
                .strip_suffix(end)
                .is_some_and(|n| n.parse::<u8>().is_ok())
        });
        let is_time = word.starts_with("cent");
        n_years += usize::from(is_year || is_time);
        is_year || is_century || WORDS.contains(&word.as_str())
    };
    let mut words = part
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.all(&mut is_part) && n_years > 0
}

/// A name without its suffixes that are not part of it: years, the numbers of footnotes, a full
/// stop.
pub(super) fn without_numbers(part: &str) -> &str {
    let mut bare = part;
    while bare.ends_with(['-', '\u{2013}', '.', ']', ')']) || bare.ends_with(is_digit) {
        let (rest, last) = bare.rsplit_once(' ').unwrap_or(("", bare));
        let is_number = last.chars().all(is_digit) && (rest.is_empty() || !is_group(rest));
        let are_years = !rest.is_empty() && last.contains(['-', '\u{2013}']) && is_years(last);
        if is_number || are_years {
            bare = trim(rest);
            continue;
        }
        let word = last.strip_suffix('.').unwrap_or("");
        // `Chas.` is short for a name.
        let ends = word.len() >= MIN_WORD_BYTES && word.chars().all(char::is_alphabetic);
        return if ends { &bare[..bare.len() - 1] } else { bare };
    }
    bare
}

/// A name with its initials after the family name.
struct Behind<'a> {
    family: Vec<&'a str>,
    initials: Vec<&'a str>,
    /// `Berg J van der`.
    particles: Vec<&'a str>,
    suffix: &'a str,
}

impl<'a> Behind<'a> {
    fn new(name: &'a str, max_letters: usize) -> Option<Behind<'a>> {
        let is_initials = |word: &str| is_dotted(word) || is_bare(word, max_letters);
        let last = name.rsplit(' ').next().unwrap_or("");
        if !is_initials(last) && !is_particle(last) && !name::is_suffix(last) {
            return None;
        }
        let mut words: Vec<&str> = name.split_whitespace().collect();
        let suffix = words.pop_if(|word| name::is_suffix(word)).unwrap_or("");
        let n_from_end = |words: &[&str], is: &dyn Fn(&str) -> bool| {
            words.iter().rev().take_while(|word| is(word)).count()
        };
        let n_particles = n_from_end(&words, &is_particle);
        let particles = words.split_off(words.len() - n_particles);
        let n_initials = n_from_end(&words, &is_initials);
        let initials = words.split_off(words.len() - n_initials);
        let has_initial = words.iter().any(|word| is_dotted(word) || is_bare(word, 1));
        if initials.is_empty() || words.is_empty() || has_initial || is_group(name) {
            return None;
        }
        let behind = Behind {
            family: words,
            initials,
            particles,
            suffix,
        };
        // `JOHN DOE` may be a name in capitals.
        let has_small = behind.family.iter().any(|w| w.contains(char::is_lowercase));
        let is_indexed = max_letters == MAX_INDEXED_INITIALS
            && behind
                .initials
                .iter()
                .all(|word| is_dotted(word) || is_bare(word, 2));
        (has_small || is_indexed || behind.are_single()).then_some(behind)
    }

    /// Whether no other reading is likely: `Fanning E.`, but not `Gabriel José G.`
    fn is_sure(&self) -> bool {
        let is_family = self.family.len() == 1 || begins_with_particle(&self.family.join(" "));
        is_family && self.initials.iter().all(|word| is_dotted(word))
    }

    /// Whether the initials are single letters, or can be no short name: `JP`, but not `LI`.
    fn are_initials(&self) -> bool {
        self.are_single()
            || !self
                .initials
                .iter()
                .any(|word| word.contains(['A', 'E', 'I', 'O', 'U']))
    }

    fn are_single(&self) -> bool {
        let is_single = |word: &&str| is_dotted(word) || is_bare(word, 1);
        self.initials.iter().all(is_single)
    }

    fn turned(&self) -> String {
        let parts = [&self.initials, &self.particles, &self.family];
        let mut words: Vec<&str> = parts.into_iter().flatten().copied().collect();
        if let Some(last) = words.last_mut() {
            // `Raja. K`
            *last = last.trim_end_matches('.');
        }
        words.extend(Some(self.suffix).filter(|suffix| !suffix.is_empty()));
        words.join(" ").replace(". -", ".-")
    }
}

/// Puts trailing initials first in the names of a list. In an index this holds for all names; in
/// another list for none, if one of its names is in reading order.
///
/// Initials without full stops may be a short name. Several of them in a list, or letters that are
/// not a word, show that they are initials.
pub(super) fn initials_first(mut names: Vec<Name>, is_index: bool) -> Vec<String> {
    let max_letters = if is_index {
        MAX_INDEXED_INITIALS
    } else {
        MAX_INITIALS
    };
    let is_behind = |name: &Name| !name.is_turned && Behind::new(&name.text, max_letters).is_some();
    if let [before @ .., last] = &mut names[..]
        && let Some(bare) = without_stop(&last.text)
        && (before.is_empty() || before.iter().any(is_behind))
    {
        last.text = bare;
    }
    let n_behind = names.iter().filter(|name| is_behind(name)).count();
    if n_behind == 0 {
        return names.into_iter().map(|name| name.text).collect();
    }
    let is_in_order = |name: &Name| {
        let is_whole = name.text.contains(' ') && !is_group(&name.text);
        !name.is_turned && is_whole && !is_behind(name)
    };
    let has_order = names.iter().any(is_in_order);
    let has_comma = names.iter().any(|name| name.is_turned);
    let turned = |name: Name| {
        let behind = if name.is_turned {
            None
        } else {
            Behind::new(&name.text, max_letters)
        };
        let is_likely = |behind: &Behind<'_>| {
            if has_comma {
                behind.are_single()
            } else {
                n_behind > 1 || behind.are_initials()
            }
        };
        let is_turned = |behind: &Behind<'_>| {
            is_index || (!has_order && (behind.is_sure() || is_likely(behind)))
        };
        match behind.filter(is_turned) {
            Some(behind) => behind.turned(),
            None => name.text,
        }
    };
    names.into_iter().map(turned).collect()
}

/// A name without the full stop that ends its list: `Roe RA.`
fn without_stop(name: &str) -> Option<String> {
    let (rest, last) = name.rsplit_once(' ')?;
    let bare = last.strip_suffix('.')?;
    let is_run = name::is_capital_run(bare) && !rest.contains('.');
    is_run.then(|| format!("{rest} {bare}"))
}

/// Cleans a single name: removes the comma of the list that it was cut from.
pub(crate) fn single(name: &str) -> Option<String> {
    let cleaned = clean(name);
    let name = trim(&cleaned);
    name.contains(char::is_alphanumeric)
        .then(|| name.to_owned())
}

/// Joins the parts of a name, such as given name, family name and suffix.
pub(crate) fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .collect();
    single(&words.join(" ")).map(|name| name.replace(". -", ".-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order() {
        assert!(DEGREES.is_sorted() && ROLES.is_sorted() && NOBODY.is_sorted());
    }

    #[test]
    fn years_are_told_from_names() {
        for years in [
            "1960-",
            "1860-1943",
            "-1943",
            "1860–1943",
            "b. 1960",
            "1860?-1943",
            "ca. 1500-1560",
            "fl. 1592",
            "active 16th century",
            "[1960-]",
            "1960",
            "d. 1943",
            "approximately 1500",
        ] {
            assert!(is_years(years), "{years}");
        }
        for other in ["Mia", "3rd", "", "CUPID-0", "Apollo 1961", "12", "b", "or"] {
            assert!(!is_years(other), "{other}");
        }
    }

    #[test]
    fn what_follows_a_name_goes() {
        let check = |name: &str, expected: &str| assert_eq!(without_numbers(name), expected);
        check("Mia Ek 1960-", "Mia Ek");
        check("Mia Ek-Roe", "Mia Ek-Roe");
        check("Mia Ek 1", "Mia Ek");
        check("2", "");
        check("Fish Study Group 7", "Fish Study Group 7");
        check("CUPID-0", "CUPID-0");
        check("Mia Eklund.", "Mia Eklund");
        check("Ek M.", "Ek M.");
        check("Ek Jr.", "Ek Jr.");
        check("Acme Inc.", "Acme Inc.");
    }

    #[test]
    fn initials_are_told_from_names() {
        for initials in [
            "J.", "J. P.", "J.-P.", "JP", "J", "Yu. A.", "J P", "S-H", "A. S",
        ] {
            assert!(is_initials(initials), "{initials}");
        }
        for other in ["Jo", "Jr.", "II", "St.", "DUPONT", "", "J. Doe", "de", "王"] {
            assert!(!is_initials(other), "{other}");
        }
    }
}
