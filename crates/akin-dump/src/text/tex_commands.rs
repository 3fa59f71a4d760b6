//! TeX's commands in texts that are no TeX: titles, abstracts and names, outside maths.
//!
//! In: the name of a command, without its backslash. Out: what becomes of it ([`TexCommand`]),
//! `None` for those that stay (`\frac`, `\mathbb`): maths without dollars is common. Letters and
//! accents are for `tex.rs`, how an argument is read for `clean.rs`.

/// What becomes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TexCommand {
    /// It means these characters; the text after its name is a separate word.
    Symbol(&'static str),
    /// It means these characters, and TeX swallows the space after its name.
    Letter(&'static str),
    /// It is the name of a function, as written.
    Function,
    /// It changes the looks of its argument.
    Looks,
    /// It changes the looks of the rest of its group.
    Switch,
    /// Its argument is a superscript.
    Raised,
    /// Its argument is a subscript.
    Lowered,
    /// Its argument is maths.
    Maths,
    /// Its argument names something else: a work, a figure.
    Pointer,
    /// Its argument is a note.
    Note,
    /// It begins an item of a list, and may have a label.
    Item,
    /// The first of its two arguments goes, and the second one is text.
    Second,
    /// It is dropped, with this number of arguments.
    Nothing(usize),
    /// It separates the text on either side and is dropped with this number of arguments.
    Space(usize),
}

/// What becomes of the command of this name.
pub(crate) fn command(name: &str) -> Option<TexCommand> {
    use TexCommand::{
        Function, Item, Looks, Lowered, Maths, Note, Nothing, Pointer, Raised, Second, Space,
        Switch,
    };
    Some(match name {
        "emph" | "textit" | "textbf" | "textrm" | "textsc" | "textsf" | "texttt" | "textup"
        | "textsl" | "textmd" | "textnormal" | "textlf" | "textin" | "text" | "mbox" | "hbox"
        | "fbox" | "makebox" | "underline" | "uline" | "ul" | "sout" | "uppercase"
        | "lowercase" | "MakeUppercase" | "MakeLowercase" | "MakeTextUppercase" | "enquote"
        | "mkbibquote" | "mkbibemph" | "mkbibitalic" | "mkbibbold" | "url" | "path"
        | "nolinkurl" | "nocase" | "NoCaseChange" | "textls" | "acro" | "abbr" | "ce" | "num"
        | "si" | "unit" => Looks,
        "it" | "em" | "bf" | "rm" | "sc" | "sf" | "tt" | "sl" | "itshape" | "bfseries"
        | "scshape" | "slshape" | "upshape" | "mdseries" | "rmfamily" | "sffamily" | "ttfamily"
        | "normalfont" | "selectfont" | "tiny" | "scriptsize" | "footnotesize" | "small"
        | "normalsize" | "large" | "Large" | "boldmath" | "unboldmath" | "relax" | "protect"
        | "sloppy" => Switch,
        "textsuperscript" | "mkbibsuperscript" => Raised,
        "textsubscript" | "mkbibsubscript" => Lowered,
        "ensuremath" => Maths,
        "cite" | "citep" | "citet" | "citealp" | "citealt" | "citeauthor" | "citeyear"
        | "citeyearpar" | "citenum" | "Cite" | "Citep" | "Citet" | "parencite" | "Parencite"
        | "textcite" | "Textcite" | "autocite" | "Autocite" | "footcite" | "fullcite"
        | "onlinecite" | "ref" | "eqref" | "cref" | "Cref" | "autoref" | "pageref" | "nameref" => {
            Pointer
        }
        "footnote" => Note,
        "item" => Item,
        "href" | "texorpdfstring" | "textcolor" | "foreignlanguage" | "parbox" | "raisebox" => {
            Second
        }
        "label" | "thanks" | "index" | "nocite" | "color" | "footnotetext" | "phantom"
        | "hphantom" | "vphantom" | "selectlanguage" | "pagestyle" | "thispagestyle" => Nothing(1),
        "noindent" | "textcompwordmark" | "nobreakdash" | "nobreak" | "allowbreak" | "null"
        | "xspace" | "unskip" | "ignorespaces" | "centering" | "maketitle" | "footnotemark" => {
            Nothing(0)
        }
        "par" | "newline" | "linebreak" | "newpage" | "clearpage" | "pagebreak" | "quad"
        | "qquad" | "space" | "nobreakspace" | "enspace" | "thinspace" | "smallskip"
        | "medskip" | "bigskip" | "hfill" | "vfill" | "hfil" | "indent" | "break" | "newblock" => {
            Space(0)
        }
        "hspace" | "vspace" | "includegraphics" => Space(1),
        "log" | "ln" | "lg" | "exp" | "sin" | "cos" | "tan" | "cot" | "sinh" | "cosh" | "tanh"
        | "arcsin" | "arccos" | "arctan" | "max" | "min" | "sup" | "inf" | "lim" | "limsup"
        | "liminf" | "dim" | "ker" | "deg" | "det" | "gcd" | "arg" | "hom" | "Pr" | "mod" => {
            Function
        }
        _ => return text_symbol(name).or_else(|| symbol(name)),
    })
}

/// A symbol of text; after most of them TeX swallows a space.
fn text_symbol(name: &str) -> Option<TexCommand> {
    let meant = match name {
        "textless" => "<",
        "textgreater" => ">",
        "textbar" => "|",
        "textbardbl" => "‖",
        "textunderscore" => "_",
        "textbackslash" => "\\",
        "textbraceleft" => "{",
        "textbraceright" => "}",
        "textdollar" => "\\$",
        "textasciitilde" => "~",
        "textasciicircum" => "^",
        "textasciigrave" => "`",
        "textasciiacute" => "´",
        "textasciidieresis" => "¨",
        "textasciimacron" => "¯",
        "textasteriskcentered" => "*",
        "textquotesingle" => "'",
        "textquotedbl" => "\"",
        "textquoteleft" | "lq" | "grq" => "‘",
        "textquoteright" | "rq" => "’",
        "textquotedblleft" | "grqq" => "“",
        "textquotedblright" => "”",
        "quotesinglbase" | "glq" => "‚",
        "quotedblbase" | "glqq" => "„",
        "guillemotleft" | "guillemetleft" | "flqq" => "«",
        "guillemotright" | "guillemetright" | "frqq" => "»",
        "guilsinglleft" | "flq" => "‹",
        "guilsinglright" | "frq" => "›",
        "textendash" => "–",
        "textemdash" => "—",
        "textellipsis" => "…",
        "texthyphen" | "textnonbreakinghyphen" => "-",
        "textminus" => "−",
        "textexclamdown" => "¡",
        "textquestiondown" => "¿",
        "textdegree" => "°",
        "textcelsius" => "°C",
        "textregistered" => "®",
        "texttrademark" => "™",
        "textcopyright" => "©",
        "textbullet" => "•",
        "textperiodcentered" => "·",
        "textpm" => "±",
        "texttimes" => "×",
        "textdiv" => "÷",
        "textmu" => "µ",
        "textohm" => "Ω",
        "textangstrom" => "Å",
        "textsection" => "§",
        "textparagraph" => "¶",
        "textdagger" => "†",
        "textdaggerdbl" => "‡",
        "textperthousand" => "‰",
        "textnumero" => "№",
        "texteuro" => "€",
        "textsterling" => "£",
        "textyen" => "¥",
        "textcent" => "¢",
        "textonesuperior" => "¹",
        "texttwosuperior" => "²",
        "textthreesuperior" => "³",
        "textonehalf" => "½",
        "textonequarter" => "¼",
        "textthreequarters" => "¾",
        "textordfeminine" => "ª",
        "textordmasculine" => "º",
        "textlnot" => "¬",
        "textrightarrow" => "→",
        "textleftarrow" => "←",
        "textasciibreve" => "˘",
        "textasciicaron" => "ˇ",
        "textlangle" => "⟨",
        "textrangle" => "⟩",
        "cprime" => "ʹ",
        "cdprime" => "ʺ",
        "IJ" => "Ĳ",
        "ij" => "ĳ",
        "SS" => "ẞ",
        _ => {
            return name
                .strip_prefix("text")
                .and_then(greek)
                .map(TexCommand::Letter);
        }
    };
    Some(TexCommand::Letter(meant))
}

/// A symbol that authors write without dollars too.
fn symbol(name: &str) -> Option<TexCommand> {
    let meant = sign(name)
        .or_else(|| operator(name))
        .or_else(|| relation(name));
    meant.or_else(|| greek(name)).map(TexCommand::Symbol)
}

/// A sign of text, or a letter of maths.
fn sign(name: &str) -> Option<&'static str> {
    Some(match name {
        "ldots" | "dots" => "…",
        "cdots" => "⋯",
        "slash" => "/",
        "TeX" => "TeX",
        "LaTeX" => "LaTeX",
        "LaTeXe" => "LaTeX2e",
        "BibTeX" => "BibTeX",
        "copyright" => "©",
        "pounds" => "£",
        "euro" | "EUR" => "€",
        "S" => "§",
        "P" => "¶",
        "dag" | "dagger" => "†",
        "ddag" | "ddagger" => "‡",
        "degree" => "°",
        "celsius" => "°C",
        "micro" => "µ",
        "ohm" => "Ω",
        "angstrom" => "Å",
        "perthousand" | "permil" => "‰",
        "emptyset" | "varnothing" => "∅",
        "infty" => "∞",
        "ell" => "ℓ",
        "hbar" => "ℏ",
        "Re" => "ℜ",
        "Im" => "ℑ",
        "wp" => "℘",
        "aleph" => "ℵ",
        "prime" => "′",
        "angle" => "∠",
        "top" => "⊤",
        "triangle" => "△",
        "square" | "Box" => "□",
        "diamond" | "Diamond" => "◇",
        "sharp" => "♯",
        "flat" => "♭",
        "checkmark" => "✓",
        "arcmin" => "′",
        "arcsec" => "″",
        "sun" => "☉",
        _ => return None,
    })
}

/// What maths computes with.
fn operator(name: &str) -> Option<&'static str> {
    Some(match name {
        "pm" => "±",
        "mp" => "∓",
        "times" => "×",
        "div" => "÷",
        "cdot" => "·",
        "ast" => "*",
        "star" => "⋆",
        "circ" => "∘",
        "bullet" => "•",
        "cap" => "∩",
        "cup" => "∪",
        "bigcap" => "⋂",
        "bigcup" => "⋃",
        "vee" | "lor" => "∨",
        "wedge" | "land" => "∧",
        "oplus" => "⊕",
        "bigoplus" => "⨁",
        "ominus" => "⊖",
        "otimes" => "⊗",
        "odot" => "⊙",
        "oslash" => "⊘",
        "rtimes" => "⋊",
        "ltimes" => "⋉",
        "setminus" => "∖",
        "partial" => "∂",
        "nabla" => "∇",
        "forall" => "∀",
        "exists" => "∃",
        "neg" | "lnot" => "¬",
        "sum" => "∑",
        "prod" => "∏",
        "int" => "∫",
        _ => return None,
    })
}

/// What maths compares with, arrows and brackets among it.
fn relation(name: &str) -> Option<&'static str> {
    Some(match name {
        "leq" | "le" | "leqslant" => "≤",
        "geq" | "ge" | "geqslant" => "≥",
        "ll" => "≪",
        "gg" => "≫",
        "lesssim" => "≲",
        "gtrsim" => "≳",
        "neq" | "ne" => "≠",
        "equiv" => "≡",
        "sim" => "∼",
        "simeq" => "≃",
        "approx" => "≈",
        "cong" => "≅",
        "propto" => "∝",
        "in" => "∈",
        "ni" => "∋",
        "notin" => "∉",
        "subset" => "⊂",
        "supset" => "⊃",
        "subseteq" => "⊆",
        "supseteq" => "⊇",
        "to" | "rightarrow" | "longrightarrow" => "→",
        "leftarrow" | "longleftarrow" => "←",
        "leftrightarrow" => "↔",
        "uparrow" => "↑",
        "downarrow" => "↓",
        "hookrightarrow" => "↪",
        "mapsto" => "↦",
        "Rightarrow" | "implies" => "⇒",
        "Leftarrow" => "⇐",
        "Leftrightarrow" | "iff" => "⇔",
        "perp" | "bot" => "⊥",
        "parallel" => "∥",
        "mid" | "vert" => "|",
        "Vert" => "‖",
        "langle" => "⟨",
        "rangle" => "⟩",
        "lceil" => "⌈",
        "rceil" => "⌉",
        "lfloor" => "⌊",
        "rfloor" => "⌋",
        "models" => "⊨",
        "vdash" => "⊢",
        _ => return None,
    })
}

/// The Greek letter of this name: as a keyboard has it, whatever its form.
pub(crate) fn greek(name: &str) -> Option<&'static str> {
    Some(match name.strip_prefix("var").unwrap_or(name) {
        "alpha" => "α",
        "beta" => "β",
        "gamma" => "γ",
        "delta" => "δ",
        "epsilon" => "ε",
        "zeta" => "ζ",
        "eta" => "η",
        "theta" => "θ",
        "iota" => "ι",
        "kappa" => "κ",
        "lambda" => "λ",
        "mu" => "μ",
        "nu" => "ν",
        "xi" => "ξ",
        "omicron" => "ο",
        "pi" => "π",
        "rho" => "ρ",
        "sigma" => "σ",
        "tau" => "τ",
        "upsilon" => "υ",
        "phi" => "φ",
        "chi" => "χ",
        "psi" => "ψ",
        "omega" => "ω",
        "Gamma" => "Γ",
        "Delta" => "Δ",
        "Theta" => "Θ",
        "Lambda" => "Λ",
        "Xi" => "Ξ",
        "Pi" => "Π",
        "Sigma" => "Σ",
        "Upsilon" => "Υ",
        "Phi" => "Φ",
        "Psi" => "Ψ",
        "Omega" => "Ω",
        _ => return None,
    })
}

/// The character at this position of TeX's oldest fonts (OT1), which is mostly ASCII: `\char21` is
/// a dash.
pub(crate) fn character(code: u32) -> Option<char> {
    Some(match code {
        16 => 'ı',
        17 => 'ȷ',
        18 => '`',
        19 => '´',
        20 => 'ˇ',
        21 => '–',
        22 => '—',
        23 => '˚',
        24 => '¸',
        25 => 'ß',
        26 => 'æ',
        27 => 'œ',
        28 => 'ø',
        29 => 'Æ',
        30 => 'Œ',
        31 => 'Ø',
        33..=126 => char::from_u32(code)?,
        _ => return None,
    })
}

/// Environments whose text is maths.
const MATHS: [&str; 17] = [
    "align",
    "alignat",
    "aligned",
    "array",
    "bmatrix",
    "cases",
    "displaymath",
    "eqnarray",
    "equation",
    "flalign",
    "gather",
    "math",
    "matrix",
    "multline",
    "pmatrix",
    "split",
    "tabular",
];

/// Environments whose text is text.
const TEXTS: [&str; 26] = [
    "abstract",
    "center",
    "claim",
    "conjecture",
    "corollary",
    "defn",
    "definition",
    "description",
    "document",
    "enumerate",
    "example",
    "flushleft",
    "flushright",
    "itemize",
    "lemma",
    "problem",
    "proof",
    "prop",
    "proposition",
    "question",
    "quotation",
    "quote",
    "remark",
    "theorem",
    "thm",
    "verse",
];

/// The content of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    Maths,
    Text,
}

/// The content of the environment of this name.
pub(crate) fn environment(name: &str) -> Option<Environment> {
    let name = name.trim_end_matches('*');
    if MATHS.contains(&name) {
        return Some(Environment::Maths);
    }
    TEXTS.contains(&name).then_some(Environment::Text)
}

/// The name of the command at the start of a text.
pub(crate) fn command_name(text: &str) -> &str {
    let letters = text.bytes().skip(1).take_while(u8::is_ascii_alphabetic);
    text.get(1..1 + letters.count()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_by_their_names() {
        assert_eq!(command("emph"), Some(TexCommand::Looks));
        assert_eq!(command("it"), Some(TexCommand::Switch));
        assert_eq!(command("citep"), Some(TexCommand::Pointer));
        assert_eq!(command("textendash"), Some(TexCommand::Letter("–")));
        assert_eq!(command("textbeta"), Some(TexCommand::Letter("β")));
        assert_eq!(command("varepsilon"), Some(TexCommand::Symbol("ε")));
        assert_eq!(command("leq"), Some(TexCommand::Symbol("≤")));
        for unknown in ["frac", "mathbb", "hat", "left", "", "textfrac"] {
            assert_eq!(command(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn environments_hold_maths_or_text() {
        assert_eq!(environment("align*"), Some(Environment::Maths));
        assert_eq!(environment("itemize"), Some(Environment::Text));
        assert_eq!(environment("figure"), None);
    }

    #[test]
    fn numbers_of_characters_are_those_of_the_old_fonts() {
        assert_eq!(character(21), Some('–'));
        assert_eq!(character(0x41), Some('A'));
        assert_eq!(character(200), None);
    }
}
