//! What commas and "and" divide, to names.
//!
//! In: one part of a list, or all of it if no stronger mark divides it. Out: its names.
//! `Doe, Jane and Roe, Richard` has one comma in each part, so the family name comes first in all.
//! `Doe, Jane` is one name, because a word alone is not a full name; `Adam Smyth, Karl Marks` are
//! two.
//!
//! The part after a comma may belong to the name before it: `Jr.`, a degree, the years of a life, a
//! role in the work. Names of groups stay whole: `Food and Drug Administration`.

use akin_base::name::{self, begins_with_particle, is_group, is_group_word};

use super::one::{self, Name};
use super::order::Order;

/// What says "and" in other languages.
const OTHER_ANDS: [&str; 9] = [
    " und ", " et ", " y ", " e ", " en ", " i ", " og ", " och ", " и ",
];

/// Words between names, or before something that is not a name.
const WORDS_BETWEEN: [&str; 13] = [
    "and", "&", "for", "on", "und", "et", "y", "e", "en", "i", "og", "och", "и",
];

/// The text between two commas, with the suffix that a third one cut off.
#[derive(Debug, Clone, Copy)]
struct NamePiece<'a> {
    text: &'a str,
    suffix: &'a str,
}

/// The names of a part.
pub(super) fn names(part: &str, order: Order) -> Vec<Name> {
    let part = one::trim(part);
    if is_one_group(part, order) {
        return vec![whole(part)];
    }
    if !has_words_between(part) {
        return gathered(&pieces(part, order), order, false);
    }
    let part = without_behalf(part);
    let divided = divided(&part, order);
    let lists: Vec<Vec<NamePiece<'_>>> = divided
        .into_iter()
        .map(|list| pieces(list, order))
        .filter(|list| !list.is_empty())
        .collect();
    if let [list] = &lists[..] {
        return gathered(list, order, false);
    }
    // `Wei Du, Bo Li, and Ann Lee, Jo Roe` has a comma more.
    let is_list = lists.iter().all(|list| !is_family(list[0].text)) && part.contains(", and ");
    if !is_list && lists.iter().all(|list| are_halves(list, order)) {
        return lists.iter().map(|pair| turned(pair[0], pair[1])).collect();
    }
    // `Smith, Jones and Brown`: if one name is a single word, others are too.
    let mut lists_of_one = lists.iter().filter(|list| list.len() == 1);
    let has_word = lists_of_one.any(|list| is_word(list[0].text));
    lists
        .iter()
        .flat_map(|list| gathered(list, order, has_word))
        .collect()
}

/// Whether one comma in a part divides a name, and not two.
pub(super) fn is_turned(part: &str, order: Order) -> bool {
    are_halves(&pieces(part, order), order)
}

/// Whether a part is a list of full names in reading order.
pub(super) fn is_list(part: &str, order: Order) -> bool {
    let pieces = pieces(part, order);
    pieces.len() > 2 && !is_family(pieces[0].text) && !is_group(pieces[0].text)
}

/// Whether two pieces are the halves of one name.
fn are_halves(pieces: &[NamePiece<'_>], order: Order) -> bool {
    match *pieces {
        [family, given] => {
            let may_be = order != Order::Reading
                || is_family(family.text)
                || one::is_dotted_initials(given.text);
            may_be && is_one(family, given, Order::FamilyFirst)
        }
        _ => false,
    }
}

/// The one name that a part is known to be, in reading order.
pub(super) fn single(part: &str) -> Option<Name> {
    match pieces(part, Order::FamilyFirst)[..] {
        [] => None,
        [only] => Some(alone(only)),
        [family, given] => Some(turned(family, given)),
        [family, given, ref rest @ ..] => {
            let mut name = turned(family, given);
            for piece in rest {
                name.text = format!("{} {}", name.text, piece.text);
            }
            Some(name)
        }
    }
}

fn whole(text: &str) -> Name {
    Name {
        text: text.to_owned(),
        is_turned: false,
    }
}

/// A name that no comma divides.
fn alone(piece: NamePiece<'_>) -> Name {
    let is_torn = piece.text.contains('-') && piece.text.contains(". -");
    let is_whole = piece.suffix.is_empty() && !is_torn;
    Name {
        text: if is_whole {
            piece.text.to_owned()
        } else {
            joined([piece.text, piece.suffix])
        },
        is_turned: !piece.suffix.is_empty(),
    }
}

/// A name with a known family name, in reading order.
fn turned(family: NamePiece<'_>, given: NamePiece<'_>) -> Name {
    let (mut first, mut suffix) = (given.text, given.suffix);
    if let Some((rest, last)) = given.text.rsplit_once(' ')
        && suffix.is_empty()
        && name::is_suffix(last)
    {
        (first, suffix) = (rest, last);
    }
    Name {
        text: joined([first, family.text, family.suffix, suffix]),
        is_turned: true,
    }
}

fn joined<const N: usize>(parts: [&str; N]) -> String {
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ").replace(". -", ".-")
}

/// The parts between commas, without those that are not names.
fn pieces(list: &str, order: Order) -> Vec<NamePiece<'_>> {
    let mut pieces: Vec<NamePiece<'_>> = Vec::new();
    let is_catalogued = order != Order::Reading;
    for part in list.split(',') {
        let mut text = one::trim(without_et_al(without_and(one::trim(part))));
        if is_catalogued && !pieces.is_empty() && (one::is_years(text) || one::is_role(text)) {
            continue;
        }
        if is_catalogued {
            text = one::without_numbers(text);
        }
        if !text.contains(char::is_alphanumeric) || one::is_others(text) {
            continue;
        }
        let is_even = pieces.len().is_multiple_of(2);
        if let Some(last) = pieces.last_mut() {
            if name::is_suffix(text) && last.suffix.is_empty() {
                last.suffix = text;
                continue;
            }
            let is_full = is_even || !is_word(last.text) || !last.suffix.is_empty();
            if is_full && one::is_degree(text) {
                continue;
            }
        }
        pieces.push(NamePiece { text, suffix: "" });
    }
    pieces
}

/// Names from the parts between commas; some names `are_words`.
fn gathered(pieces: &[NamePiece<'_>], order: Order, are_words: bool) -> Vec<Name> {
    let is_lone = |piece: &NamePiece<'_>| is_word(piece.text) && !one::is_initials(piece.text);
    match *pieces {
        [] => return Vec::new(),
        [only] => return vec![alone(only)],
        _ if are_words && pieces.iter().all(is_lone) => {
            return pieces.iter().map(|piece| alone(*piece)).collect();
        }
        [one, other] => {
            return if is_one(one, other, order) {
                vec![turned(one, other)]
            } else {
                vec![alone(one), alone(other)]
            };
        }
        [family, given, third] if order == Order::FamilyFirst && is_family(family.text) => {
            // The third part is ambiguous; it stays with the name.
            let is_named = !is_group(given.text) && !is_group(third.text);
            if is_named && !third.text.contains(' ') && !one::is_initials(given.text) {
                let mut name = turned(family, given);
                name.text = format!("{} {}", name.text, third.text);
                return vec![name];
            }
        }
        _ => {}
    }
    let is_pair = |pair: &[NamePiece<'_>]| {
        let (family, given) = (pair[0].text, pair[1].text);
        !one::has_initials(family) && !is_group(family) && is_given(given) && !is_group(given)
    };
    let are_pairs = order != Order::Reading
        && pieces.len().is_multiple_of(2)
        && pieces.chunks_exact(2).all(is_pair);
    if are_pairs && pieces.chunks_exact(2).any(|pair| is_family(pair[0].text)) {
        let pairs = pieces.chunks_exact(2);
        return pairs.map(|pair| turned(pair[0], pair[1])).collect();
    }
    in_turn(pieces, order)
}

/// Names one after the other, some of them possibly in two pieces: `Doe, J. A., Roe, R.`, and
/// `Doe, Jane, Richard Roe`. Two lone words among full names are one in reading order:
/// `Ada Lee, Xuemin, Shen`.
fn in_turn(mut pieces: &[NamePiece<'_>], order: Order) -> Vec<Name> {
    let is_lone = |piece: &&NamePiece<'_>| {
        let text = piece.text;
        is_word(text) && !one::is_initials(text) && !is_ideographic(text)
    };
    let is_cut = |first: &str, second: &str| {
        let is_cut = match order {
            Order::Reading => is_word(first) && one::is_dotted_initials(second),
            _ if one::is_initials(second) => is_family(first),
            _ => is_word(second) && begins_with_particle(first),
        };
        is_cut && !one::is_initials(first) && !is_group(first)
    };
    let mut names = Vec::with_capacity(pieces.len());
    while let [first, rest @ ..] = pieces {
        let n_lone = match order {
            Order::Reading => 0,
            _ => pieces.iter().take_while(is_lone).count(),
        };
        let is_followed = matches!(pieces.get(n_lone), Some(next) if one::is_initials(next.text));
        let (taken, name) = match rest {
            [second, ..] if is_cut(first.text, second.text) => (2, turned(*first, *second)),
            [second, ..] if n_lone == 2 && !is_followed => {
                let is_at_start = names.is_empty();
                let (family, given) = if is_at_start {
                    (first, second)
                } else {
                    (second, first)
                };
                (2, turned(*family, *given))
            }
            _ => (1, alone(*first)),
        };
        names.push(name);
        pieces = &pieces[taken..];
        // A run of lone words of another length stays unchanged.
        for piece in &pieces[..n_lone.saturating_sub(taken).min(pieces.len())] {
            if is_followed {
                break;
            }
            names.push(alone(*piece));
            pieces = &pieces[1..];
        }
    }
    names
}

/// Whether two pieces are one name, the family name first, and not two.
fn is_one(first: NamePiece<'_>, second: NamePiece<'_>, order: Order) -> bool {
    let (family, given) = (first.text, second.text);
    let is_reading = order == Order::Reading;
    if is_reading && !is_word(family) && !family.starts_with(char::is_lowercase) {
        return false;
    }
    if is_group(given) || (is_group(family) && !is_word(family)) {
        return is_group_word(family) && !is_group(given);
    }
    if is_ideographic(family) && is_ideographic(given) {
        // A family name has one sign, and whole names have no spaces.
        return family.chars().count() == 1;
    }
    if one::has_initials(family) {
        return false;
    }
    if one::is_initials(given) {
        let is_cut = is_word(family) && !one::is_initials(family);
        return if is_reading {
            is_cut && one::is_dotted_initials(given)
        } else {
            true
        };
    }
    if is_word(family) {
        let is_apart = is_reading || (order == Order::Unknown && one::is_full(given));
        return !is_apart || is_word(given);
    }
    if family.starts_with(char::is_lowercase) && begins_with_particle(family) {
        return true;
    }
    if is_reading {
        return false;
    }
    if begins_with_particle(family) || (is_in_capitals(family) && !is_in_capitals(given)) {
        return true;
    }
    if is_in_order(family) {
        return false;
    }
    if one::is_full(given) {
        return false;
    }
    order == Order::FamilyFirst || is_word(given) || one::ends_in_one_initial(given)
}

fn is_word(text: &str) -> bool {
    !text.contains(' ')
}

/// Whether a piece can be a family name and no full name.
fn is_family(text: &str) -> bool {
    let is_short = is_word(text) || (begins_with_particle(text) && !one::has_initials(text));
    is_short && !is_ideographic(text)
}

/// Whether a piece can be given names and no full name.
fn is_given(text: &str) -> bool {
    (is_word(text) && !is_ideographic(text)) || one::is_initials(text) || one::ends_in_initial(text)
}

/// Whether words are a full name in reading order: `Ludwig van Beethoven`.
fn is_in_order(text: &str) -> bool {
    const INNER: [&str; 6] = ["ten", "ter", "van", "vom", "von", "zur"];
    text.split_whitespace()
        .skip(1)
        .any(|word| INNER.contains(&word))
}

/// Whether a word is a group's name in short: `UNESCO`.
fn is_acronym(word: &str) -> bool {
    word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_in_capitals(text: &str) -> bool {
    text.contains(char::is_uppercase) && !text.contains(char::is_lowercase)
}

/// Whether a text is Chinese, Japanese or Korean, where names have no spaces.
fn is_ideographic(text: &str) -> bool {
    let is_sign = |c: char| {
        matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
    };
    !text.is_empty() && text.chars().all(is_sign)
}

/// Whether there are words between names or after them that are not part of a name: "and", "for".
pub(super) fn has_words_between(part: &str) -> bool {
    part.split(' ').any(|word| {
        let is_likely = word.len() < 5 || word.ends_with(':');
        let bare = word.trim_end_matches(',');
        is_likely
            && (bare.ends_with(':')
                || WORDS_BETWEEN
                    .iter()
                    .any(|known| bare.eq_ignore_ascii_case(known)))
    })
}

/// What "and" divides, and in a list in reading order a collaboration's colon.
fn divided<'a>(part: &'a str, order: Order) -> Vec<&'a str> {
    let mut lists = vec![part];
    for mark in [" and ", " AND ", " & ", ": "] {
        if mark == ": " && order != Order::Reading && !is_group(part) {
            continue;
        }
        lists = lists.iter().flat_map(|list| list.split(mark)).collect();
    }
    if order == Order::Reading {
        return lists;
    }
    for mark in OTHER_ANDS {
        let divided = |list: &'a str| {
            if list.contains(mark) && are_divided(list, mark) {
                list.split(mark).collect()
            } else {
                vec![list]
            }
        };
        lists = lists.into_iter().flat_map(divided).collect();
    }
    lists
}

/// A piece without an "and" that lost one of its sides.
fn without_and(piece: &str) -> &str {
    if !piece.starts_with(['a', 'A', '&']) && !piece.ends_with(['d', 'D', '&']) {
        return piece;
    }
    let mut piece = piece;
    for word in ["and", "AND", "&"] {
        if piece == word {
            return "";
        }
        let before = piece
            .strip_prefix(word)
            .filter(|rest| rest.starts_with(' '));
        piece = before.unwrap_or(piece);
        let after = piece.strip_suffix(word).filter(|rest| rest.ends_with(' '));
        piece = after.unwrap_or(piece).trim();
    }
    piece
}

/// Whether there is an "and" of another language between names, and not in one: `Ortega y Gasset`.
fn are_divided(list: &str, mark: &str) -> bool {
    let mut parts = list.split(mark);
    if parts.all(|part| part.matches(',').count() == 1) {
        return true;
    }
    let is_full = |part: &str| part.contains(' ') && !is_group(part) && !one::is_others(part);
    let is_noble = list.contains(" von ") || list.contains(" zu ");
    matches!(mark, " und " | " et ") && !is_noble && list.split(mark).all(is_full)
}

/// A part without "on behalf of …" and "for the … Collaboration", up to the next comma.
fn without_behalf(part: &str) -> String {
    let bare: Vec<&str> = part.split(',').map(before_behalf).collect();
    bare.join(",")
}

fn before_behalf(piece: &str) -> &str {
    let lower = piece.to_ascii_lowercase();
    let found = ["on behalf of ", "for and on behalf of ", "for the "]
        .iter()
        .filter_map(|phrase| lower.find(phrase))
        .filter(|&at| at == 0 || lower.as_bytes()[at - 1] == b' ')
        .min();
    match found {
        // `Society for the Study of …` is a name by itself.
        Some(at) if !is_group(&piece[..at]) => &piece[..at],
        _ => piece,
    }
}

fn without_et_al(part: &str) -> &str {
    if !part.trim_end_matches('.').ends_with("al") {
        return part;
    }
    ["et al.", "et al", "et. al.", "et. al"]
        .iter()
        .find_map(|phrase| part.strip_suffix(phrase))
        .filter(|name| name.is_empty() || name.ends_with(' '))
        .unwrap_or(part)
}

/// Whether a part with commas or "and" in it is the name of one group.
fn is_one_group(part: &str, order: Order) -> bool {
    if order == Order::Reading || !is_group(part) || part.contains(": ") {
        return false;
    }
    let pieces: Vec<&str> = part.split(',').map(str::trim).collect();
    if pieces.iter().any(|piece| before_behalf(piece) != *piece) {
        return false;
    }
    match pieces[..] {
        [_] => is_one_body(part, order),
        // `Barnes and Noble, Inc.`
        [_, kind] if is_word(kind) && is_group(kind) => true,
        [group, of_it] if is_word(group) => is_acronym(group) && is_group(of_it),
        [group, of_it] => is_group(group) && is_of_it(of_it, order),
        [first, ..] => {
            let are_words = pieces[1..].iter().all(|piece| is_word(without_and(piece)));
            are_words && is_open(first) && part.contains("and ")
        }
        [] => false,
    }
}

/// Whether a piece names the part or the kind of a group: `Regional Office for Europe`, `Inc.`
fn is_of_it(piece: &str, order: Order) -> bool {
    const KINDS: [&str; 12] = [
        "ag", "bv", "co", "corp", "gmbh", "inc", "llc", "ltd", "nv", "plc", "sa", "usa",
    ];
    const UNITS: [&str; 11] = [
        "branch",
        "bureau",
        "committee",
        "country",
        "department",
        "dept",
        "division",
        "office",
        "regional",
        "section",
        "subcommittee",
    ];
    let lower = piece.to_ascii_lowercase();
    let letters: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let first = lower.split(' ').next().unwrap_or("");
    let is_unit = UNITS.contains(&first) || is_open(piece);
    let is_place = order == Order::FamilyFirst && !is_group(piece) && !one::has_initials(piece);
    KINDS.contains(&letters.as_str()) || is_unit || is_place
}

/// Whether a group's name goes on after it: `Institute of …`
fn is_open(name: &str) -> bool {
    let words: Vec<&str> = name.split_whitespace().collect();
    let goes_on = |pair: &[&str]| {
        is_group_word(pair[0].trim_matches(|c: char| !c.is_alphanumeric()))
            && matches!(
                pair[1],
                "of" | "for" | "on" | "in" | "de" | "du" | "des" | "für" | "para"
            )
    };
    words.windows(2).any(goes_on)
}

/// Whether "and" is inside the name of a group, which no comma divides.
fn is_one_body(part: &str, order: Order) -> bool {
    let halves = [" and ", " & "]
        .iter()
        .find_map(|mark| part.split_once(mark));
    let Some((left, right)) = halves else {
        return false;
    };
    match (is_group(left), is_group(right)) {
        (true, true) => false,
        (true, false) => !one::has_initials(right) && (is_open(left) || is_word(right)),
        (false, true) => {
            let is_named = right.to_ascii_lowercase().starts_with("the ");
            let is_element = order == Order::FamilyFirst;
            !is_named && !one::has_initials(left) && (is_word(left) || is_element)
        }
        (false, false) => false,
    }
}
