//! The TeX of a bibliography's fields to text.
//!
//! In: a title, an abstract, a name as it stands between a field's braces. Out: the same without
//! what only typesetting needs: braces that keep capitals or groups together, `\emph`, `\textit`
//! and the like, and with the letters and symbols that bibliographies write as commands. Maths,
//! commands that are not known and the braces after those are left as they stand; escapes
//! (`\&`, `\%`), ties and entities are for `clean.rs`.

use std::borrow::Cow;

use crate::dump::tex;

/// Commands that change the looks of what follows and nothing else.
const LOOKS: [&str; 36] = [
    "emph",
    "textit",
    "textbf",
    "textrm",
    "textsc",
    "textsf",
    "texttt",
    "textup",
    "textsl",
    "textmd",
    "textnormal",
    "text",
    "mbox",
    "hbox",
    "underline",
    "uppercase",
    "mkbibquote",
    "mkbibemph",
    "textsuperscript",
    "textsubscript",
    "url",
    "nocase",
    "it",
    "em",
    "bf",
    "rm",
    "sc",
    "sf",
    "tt",
    "sl",
    "itshape",
    "bfseries",
    "scshape",
    "upshape",
    "selectfont",
    "relax",
];

/// Commands that stand for a character, as reference managers write it.
const SYMBOLS: [(&str, &str); 30] = [
    ("textless", "<"),
    ("textgreater", ">"),
    ("textbar", "|"),
    ("textunderscore", "_"),
    ("textasciitilde", "~"),
    ("textasciicircum", "^"),
    ("textquoteleft", "‘"),
    ("textquoteright", "’"),
    ("textquotesingle", "'"),
    ("textquotedbl", "\""),
    ("textquotedblleft", "“"),
    ("textquotedblright", "”"),
    ("textendash", "–"),
    ("textemdash", "—"),
    ("textellipsis", "…"),
    ("ldots", "…"),
    ("dots", "…"),
    ("textdegree", "°"),
    ("degree", "°"),
    ("textregistered", "®"),
    ("texttrademark", "™"),
    ("textcopyright", "©"),
    ("textbullet", "•"),
    ("textperiodcentered", "·"),
    ("textpm", "±"),
    ("texttimes", "×"),
    ("textmu", "µ"),
    ("textsection", "§"),
    ("TeX", "TeX"),
    ("LaTeX", "LaTeX"),
];

/// Takes the markup off.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(['{', '}', '\\']) {
        return Cow::Borrowed(text);
    }
    let mut markup = Markup {
        text,
        at: 0,
        out: String::with_capacity(text.len()),
        braces: Vec::new(),
        after_command: false,
        is_unclosed: false,
    };
    markup.run();
    Cow::Owned(markup.out)
}

struct Markup<'a> {
    text: &'a str,
    at: usize,
    out: String,
    /// Of the braces that are open, which are kept.
    braces: Vec<bool>,
    /// A command that is not known ends here, or an argument of it.
    after_command: bool,
    /// A dollar was found that nothing closes.
    is_unclosed: bool,
}

impl Markup<'_> {
    fn run(&mut self) {
        while let Some(c) = self.text[self.at..].chars().next() {
            let after_command = std::mem::take(&mut self.after_command);
            match c {
                '$' => self.maths(),
                '{' => self.open(after_command),
                '}' => self.close(),
                '\\' => self.command(),
                other => {
                    self.out.push(other);
                    self.at += other.len_utf8();
                }
            }
        }
    }

    /// Copies maths as it stands.
    fn maths(&mut self) {
        let rest = &self.text[self.at..];
        let fence = if rest.starts_with("$$") { 2 } else { 1 };
        let end = (!self.is_unclosed)
            .then(|| rest[fence..].find(&rest[..fence]))
            .flatten();
        self.is_unclosed = end.is_none();
        let length = end.map_or(fence, |end| end + 2 * fence);
        self.out.push_str(&rest[..length]);
        self.at += length;
    }

    fn open(&mut self, after_command: bool) {
        if let Some((letter, used)) = tex::letter(&self.text[self.at..]) {
            self.out.push_str(&letter);
            self.at += used;
            return;
        }
        if after_command {
            self.out.push('{');
        }
        self.braces.push(after_command);
        self.at += 1;
    }

    fn close(&mut self) {
        self.at += 1;
        if self.braces.pop().unwrap_or(false) {
            self.out.push('}');
            self.after_command = true;
        }
    }

    fn command(&mut self) {
        let rest = &self.text[self.at..];
        if let Some((letter, used)) = tex::letter(rest) {
            self.out.push_str(&letter);
            self.at += used;
            return;
        }
        let letters = rest[1..].bytes().take_while(u8::is_ascii_alphabetic);
        let name = &rest[1..1 + letters.count()];
        if name.is_empty() {
            return self.escape();
        }
        self.at += 1 + name.len();
        if let Some((_, symbol)) = SYMBOLS.iter().find(|(known, _)| *known == name) {
            self.out.push_str(symbol);
            self.skip_space();
        } else if LOOKS.contains(&name) {
            self.skip_space();
        } else {
            self.out.push('\\');
            self.out.push_str(name);
            self.after_command = true;
        }
    }

    /// Passes over what TeX swallows after a command's name.
    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        if rest.starts_with("{}") {
            self.at += 2;
        } else if rest.starts_with(char::is_whitespace) {
            self.at += rest.len() - rest.trim_start().len();
        }
    }

    /// Copies an escaped character; of a brace, the brace.
    fn escape(&mut self) {
        let rest = &self.text[self.at..];
        let Some(next) = rest[1..].chars().next() else {
            self.out.push('\\');
            self.at += 1;
            return;
        };
        if !matches!(next, '{' | '}') {
            self.out.push('\\');
        }
        self.out.push(next);
        self.at += 1 + next.len_utf8();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text), expected, "{text}");
    }

    #[test]
    fn braces_that_keep_capitals_go() {
        check(
            "On {DNA} and {{RNA}} of {\\it E. coli}",
            "On DNA and RNA of E. coli",
        );
        check("{\\emph{In vivo}} \\textbf{x}", "In vivo x");
        check("plain", "plain");
    }

    #[test]
    fn letters_and_symbols_are_written_out() {
        check(
            r#"G{\"o}del, {S\o}ren, \v{S}im{\'{e}}n, {\"Uber}"#,
            "Gödel, Søren, Šimén, Über",
        );
        check(
            r"a {\textless} b\textendash c {\textquoteright}s",
            "a < b–c ’s",
        );
        check(r"{\&} 5\% \{x\} a{\_}b", r"\& 5\% {x} a\_b");
    }

    #[test]
    fn maths_and_unknown_commands_stay() {
        check(
            r"{$\mathbb{R}^{n}$} {and} $${x}$$",
            r"$\mathbb{R}^{n}$ and $${x}$$",
        );
        check(
            r"\cite{x} {\frac{1}{2}} \alpha {y}",
            r"\cite{x} \frac{1}{2} \alpha y",
        );
        check("$5 and {x}", "$5 and x");
    }

    #[test]
    fn odd_ends_do_not_trip() {
        check("{a", "a");
        check("a}", "a");
        check("a\\", "a\\");
        check("\\é{", "\\é");
        check("$", "$");
    }
}
