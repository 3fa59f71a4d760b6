//! HTML entities: `&amp;`, `&#39;`, `&#x27;` and the named ones that titles and abstracts hold.
//!
//! In: text that starts with `&`. Out: the character and the bytes it took. Unknown names stay
//! as they are: an ampersand in a text is more often an ampersand.

/// The names of U+00A0 to U+00FF, in order.
const LATIN1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf",
    "laquo", "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro",
    "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute",
    "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute",
    "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute",
    "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil",
    "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde",
    "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute", "ucirc",
    "uuml", "yacute", "thorn", "yuml",
];

/// The names of U+03B1 to U+03C9; capitalised, they name the letters 32 below.
const GREEK: [&str; 25] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigmaf", "sigma", "tau", "upsilon", "phi",
    "chi", "psi", "omega",
];

/// The rest of HTML 4's names, and those of SGML for marks that ASCII has.
const OTHERS: [(&str, char); 116] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("hellip", '…'),
    ("bull", '•'),
    ("prime", '′'),
    ("Prime", '″'),
    ("trade", '™'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("larr", '←'),
    ("rarr", '→'),
    ("harr", '↔'),
    ("infin", '∞'),
    ("le", '≤'),
    ("ge", '≥'),
    ("ne", '≠'),
    ("asymp", '≈'),
    ("sim", '∼'),
    ("minus", '−'),
    ("sum", '∑'),
    ("prod", '∏'),
    ("radic", '√'),
    ("isin", '∈'),
    ("part", '∂'),
    ("nabla", '∇'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Yuml", 'Ÿ'),
    ("equals", '='),
    ("euro", '€'),
    ("dagger", '†'),
    ("Dagger", '‡'),
    ("permil", '‰'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("oline", '‾'),
    ("frasl", '⁄'),
    ("image", 'ℑ'),
    ("weierp", '℘'),
    ("real", 'ℜ'),
    ("alefsym", 'ℵ'),
    ("uarr", '↑'),
    ("darr", '↓'),
    ("crarr", '↵'),
    ("lArr", '⇐'),
    ("uArr", '⇑'),
    ("rArr", '⇒'),
    ("dArr", '⇓'),
    ("hArr", '⇔'),
    ("forall", '∀'),
    ("exist", '∃'),
    ("empty", '∅'),
    ("notin", '∉'),
    ("ni", '∋'),
    ("lowast", '∗'),
    ("prop", '∝'),
    ("ang", '∠'),
    ("and", '∧'),
    ("or", '∨'),
    ("cap", '∩'),
    ("cup", '∪'),
    ("int", '∫'),
    ("there4", '∴'),
    ("cong", '≅'),
    ("equiv", '≡'),
    ("sub", '⊂'),
    ("sup", '⊃'),
    ("nsub", '⊄'),
    ("sube", '⊆'),
    ("supe", '⊇'),
    ("oplus", '⊕'),
    ("otimes", '⊗'),
    ("perp", '⊥'),
    ("sdot", '⋅'),
    ("lceil", '⌈'),
    ("rceil", '⌉'),
    ("lfloor", '⌊'),
    ("rfloor", '⌋'),
    ("lang", '⟨'),
    ("rang", '⟩'),
    ("loz", '◊'),
    ("fnof", 'ƒ'),
    ("circ", 'ˆ'),
    ("tilde", '˜'),
    ("thetasym", 'ϑ'),
    ("upsih", 'ϒ'),
    ("piv", 'ϖ'),
    ("hairsp", ' '),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("rsqb", ']'),
    ("percnt", '%'),
    ("plus", '+'),
    ("ast", '*'),
    ("num", '#'),
    ("sol", '/'),
    ("hyphen", '‐'),
    ("dash", '‐'),
    ("les", '⩽'),
    ("ges", '⩾'),
    ("ell", 'ℓ'),
];

/// No entity that is known here is longer, with its `&` and `;`.
const MAX_ENTITY_BYTES: usize = 12;

/// Resolves the entity at the start of `text`; `None` where there is none that is known.
pub(super) fn resolve(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    let window = &bytes[..bytes.len().min(MAX_ENTITY_BYTES)];
    let end = window.iter().position(|&b| b == b';')?;
    let name = text.get(1..end)?;
    let meant = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => named(name)?,
    };
    Some((meant, end + 1))
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    if let Ok(byte @ 0x80..=0x9F) = u8::try_from(code) {
        // As every browser reads them: meant is the character that Windows has there.
        return encoding_rs::WINDOWS_1252.decode(&[byte]).0.chars().next();
    }
    char::from_u32(code).filter(|&c| c != '\0')
}

fn named(name: &str) -> Option<char> {
    if let Some(&(_, meant)) = OTHERS.iter().find(|(known, _)| *known == name) {
        return Some(meant);
    }
    if let Some(at) = LATIN1.iter().position(|known| *known == name) {
        return char::from_u32(0xA0 + at as u32);
    }
    if let Some(letter) = greek(name) {
        return Some(letter);
    }
    let lower = name.to_ascii_lowercase();
    let capitalised = name.starts_with(|c: char| c.is_ascii_uppercase()) && name[1..] == lower[1..];
    let at = GREEK.iter().position(|known| *known == lower)?;
    (capitalised && lower != "sigmaf").then(|| char::from_u32(0x391 + at as u32))?
}

/// The small Greek letter of this name.
pub(super) fn greek(name: &str) -> Option<char> {
    let at = GREEK.iter().position(|known| *known == name)?;
    char::from_u32(0x3B1 + at as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(char, usize)>) {
        assert_eq!(resolve(text), expected, "{text}");
    }

    #[test]
    fn names_and_numbers_are_resolved() {
        check("&amp; B", Some(('&', 5)));
        check("&#39;s", Some(('\'', 5)));
        check("&#x1D4;", Some(('ǔ', 7)));
        check("&#64257;nite", Some(('ﬁ', 8)));
        check("&eacute;", Some(('é', 8)));
        check("&yuml;", Some(('ÿ', 6)));
        check("&nbsp;", Some(('\u{a0}', 6)));
        check("&omega;", Some(('ω', 7)));
        check("&Omega;", Some(('Ω', 7)));
        check("&mu;-calculus", Some(('μ', 4)));
        check("&#150;", Some(('–', 6)));
        check("&#x92;s", Some(('’', 6)));
        check("&sube;", Some(('⊆', 6)));
    }

    #[test]
    fn what_is_no_entity_is_left() {
        for text in [
            "&",
            "& B;",
            "&;",
            "&#;",
            "&#x;",
            "&#xD800;",
            "&#0;",
            "&#99999999999;",
            "&unknown;",
            "&OMEGA;",
            "&Sigmaf;",
            "&\u{e9};",
            "&averyveryverylongname;",
        ] {
            check(text, None);
        }
    }
}
