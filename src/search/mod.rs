//! From a query to hits.
//!
//! ```text
//!        ┌──► embedding ──► nearest rows ──┐
//! text ──┤                                 ├──► one order ──► papers ──► hits
//!        └──► words ──────► BM25 ──────────┘    `ranking`     library
//! papers, draft ──► centroid and words of these ──► the same
//! ```
//!
//! A cross-encoder can reorder the first hits ([`answer_reranked`], `rerank`).
//!
//! [`answer()`] reads from top to bottom: `asked` understands the target and `ranking` runs the
//! stages. Each stage has a file: `hybrid` (candidates), `order` (scores), `choose` (hits).
//!
//! In: a library with its [`Indexes`] and a [`Query`]. Out: an [`Answer`]: papers, best first, with
//! the cosine similarity of the stored embeddings. A paper without an embedding is found by its
//! words; `imputed` says what its meaning counts beside those of others.
//!
//! Invariants: min(k, papers that pass the filter and may be returned) hits. Equal scores are
//! ordered by paper id. Related papers never include a given paper. Duplicates of a given paper are
//! left out and counted; those of a better hit are folded into it, unless they are requested.

mod above;
mod answer;
mod asked;
mod choose;
mod closeness;
mod explain;
mod facets;
mod far;
mod fusion;
mod hybrid;
mod imputed;
mod indexes;
mod nothing;
mod order;
mod preference;
mod query;
mod questioned;
mod ranking;
mod related;
mod request;
mod rerank;
mod spelling;
mod work;

pub use self::above::{Above, Close};
pub use self::answer::{Answer, FoundBy, Hit};
pub use self::asked::{Asked, Weighed, Weight, answer};
pub use self::explain::{Explanation, explain};
pub use self::facets::Facets;
pub use self::indexes::{Coverage, Indexes, OpenLibrary};
pub use self::nothing::of_filter as nothing_passes;
pub use self::query::{Matching, Query, Rocchio, Target};
pub use self::ranking::similar;
pub use self::rerank::{RERANK_DEPTH, answer_reranked, rerank};
pub use self::spelling::UnknownWord;
pub use self::work::DUPLICATE_SIMILARITY;
pub(crate) use self::work::Work;
