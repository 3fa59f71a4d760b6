//! One paper: its id in normal form, what is known about it, and the text that is embedded.
//!
//! In: what a dump's reader found. Out: [`Paper`], [`PaperId`], the passage text and its
//! [`TextHash`].
//!
//! Invariants: every spelling of one id parses to one [`PaperId`]; the same title and abstract
//! give the same [`TextHash`] on every machine.

mod collection;
mod date;
mod hash;
mod id;
mod kind;
mod record;
mod spelling;
mod table;

pub use self::collection::{Authority, Collection};
pub use self::date::PartialDate;
pub use self::hash::{TextHash, letters_of, title_key};
pub use self::id::{PaperId, arxiv_version, collection_name, show_ids};
pub use self::kind::IdKind;
pub use self::record::{Notice, PASSAGE_RECIPE, Paper, RawText, Votes};
pub use self::spelling::without_end;
pub use self::table::TABLE_COLUMNS;
