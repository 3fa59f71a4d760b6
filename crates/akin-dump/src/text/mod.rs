//! Text in records, cleaned: a reader should see what its author meant.
//!
//! `clean.rs` undoes TeX (`tex.rs`, `tex_commands.rs`), markup (`markup.rs`, `entities.rs`) and
//! headings (`heads.rs`). `names.rs` reads people, `dates.rs` days, `withdrawn.rs` notices,
//! `prose.rs` and `literal.rs` lists, `whole_number.rs` and `arxiv_number.rs` ids that became
//! numbers.

pub(crate) mod arxiv_number;
pub(crate) mod clean;
pub(crate) mod dates;
pub(crate) mod entities;
pub(crate) mod heads;
pub(crate) mod literal;
pub(crate) mod markup;
pub(crate) mod names;
pub(crate) mod prose;
pub(crate) mod tex;
pub(crate) mod tex_commands;
pub(crate) mod whole_number;
pub(crate) mod withdrawn;
