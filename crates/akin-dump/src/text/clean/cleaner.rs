//! What is known in the middle of a text: where the reader is, and what is open.

pub(super) struct Cleaner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) out: String,
    /// White space was read and not yet written.
    pub(super) space: bool,
    /// The maths that is being read.
    pub(super) maths: Option<Maths>,
    /// A dollar was found that nothing closes: no later one opens maths either.
    pub(super) unclosed: bool,
    /// The same for `\(` and `\[`.
    pub(super) unclosed_bracket: bool,
    /// The same for environments of maths.
    pub(super) unclosed_environment: bool,
    /// See [`markup::last_closings`]; looked for once it is needed.
    pub(super) closings: Option<Box<[usize; 26]>>,
    /// Where braces open and close, in order of the former; looked for once it is needed.
    pub(super) braces: Option<Vec<(u32, u32)>>,
    /// The groups that are open and that something is done for, by where they close.
    pub(super) groups: Vec<(usize, AtClose)>,
    /// Where braces would hold an argument of a command that stays.
    pub(super) argument_at: usize,
    /// What is being raised or lowered.
    pub(super) scripts: Vec<Script>,
    /// Formulas in MathML that do not end or cannot be read.
    pub(super) unread_formulas: u8,
    /// TeX's quotes were opened.
    pub(super) in_quotes: bool,
    /// See [`clean_bibtex`].
    pub(super) is_bibtex: bool,
}

/// Where maths ends: what closes it, and how long that is.
#[derive(Clone, Copy)]
pub(super) struct Maths {
    pub(super) end: usize,
    pub(super) fence_bytes: usize,
}

/// What is done where a group closes.
#[derive(Debug, Clone, Copy)]
pub(super) enum AtClose {
    /// Its brace goes.
    Bare,
    /// It was a note.
    Note,
    /// It was raised or lowered.
    Script(ScriptKind),
    /// It was an argument of a command that stays.
    Argument,
}

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScriptKind {
    Raised,
    Lowered,
}

impl ScriptKind {
    /// What a tag of this name does.
    pub(super) fn of_tag(name: &str) -> Option<ScriptKind> {
        match name {
            _ if name.eq_ignore_ascii_case("sup") => Some(ScriptKind::Raised),
            _ if name.eq_ignore_ascii_case("sub") => Some(ScriptKind::Lowered),
            _ => None,
        }
    }
}

/// What is being raised or lowered.
pub(super) struct Script {
    pub(super) kind: ScriptKind,
    /// The text right before it.
    pub(super) after: Option<char>,
    /// Where it begins in what is written.
    pub(super) start: usize,
}
