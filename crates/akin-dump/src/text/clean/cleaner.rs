//! The state in the middle of a text: the position, and what is open.

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
    /// See [`markup::last_closings`](crate::text::markup::last_closings); computed when it is needed.
    pub(super) closings: Option<Box<[usize; 26]>>,
    /// Positions of opening and closing braces, in order of the opening ones; computed when they
    /// are needed.
    pub(super) braces: Option<Vec<(u32, u32)>>,
    /// The open groups that need an action, by their closing position.
    pub(super) groups: Vec<(usize, AtClose)>,
    /// Where braces would hold an argument of a command that stays.
    pub(super) argument_at: usize,
    /// What is being raised or lowered.
    pub(super) scripts: Vec<Script>,
    /// Formulas in MathML that do not end or cannot be read.
    pub(super) unread_formulas: u8,
    /// TeX's quotes were opened.
    pub(super) in_quotes: bool,
    /// See [`clean_bibtex`](super::clean_bibtex).
    pub(super) is_bibtex: bool,
}

/// The end of maths: its closing mark, and the mark's length.
#[derive(Clone, Copy)]
pub(super) struct Maths {
    pub(super) end: usize,
    pub(super) fence_bytes: usize,
}

/// The action at the end of a group.
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

/// Position of a script: raised or lowered.
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
    /// Its beginning in the output.
    pub(super) start: usize,
}
