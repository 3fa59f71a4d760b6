//! akin: semantic search over scientific papers, on the user's own machine.
//!
//! # The flow
//!
//! ```text
//! dump file ─► paper ─► passage ─► encoding ─► batch ─► embedding ─► library ─► index ─► hits
//!   dump       paper    paper      encoder     encoder  encoder      library    index    search
//! ```
//!
//! Two functions read from top to bottom as this line: [`ingest::run`], from dumps to an index,
//! and [`search::answer`], from a query to hits.
//!
//! ```no_run
//! use akin::dump::Source;
//! use akin::library::Writer;
//! use akin::progress::Unobserved;
//! use akin::search::{OpenLibrary, Query, Target};
//! use akin::encoder::{DeviceChoice, ModelSource, Precision};
//! use akin::{ingest, search, space};
//! use std::path::Path;
//!
//! # fn main() -> akin::Result<()> {
//! let origin = space::Origin {
//!     source: ModelSource::Bundled,
//!     max_tokens: None,
//!     dim: None,
//!     precision: Precision::Auto,
//! };
//! let encoder = origin.load(None, DeviceChoice::Auto)?;
//! let root = Path::new("papers");
//! let mut writer = Writer::open_or_create(root, "an example")?;
//! let dumps = [Source::from_arg(Path::new("2026-03-13.jsonl"))];
//! let report =
//!     ingest::run(&mut writer, &encoder, &origin, &dumps, &Default::default(), &Unobserved)?;
//! assert_eq!(report.counts.n_rejected, 0);
//!
//! let opened = OpenLibrary::open(root)?;
//! let target = Target::Text("how do fish swim in schools?".to_owned());
//! let query = Query { target, k: 10, ..Query::default() };
//! for hit in search::answer(&opened.indexes(), Some(&encoder), &query)?.hits {
//!     println!("{:.3} {} {}", hit.score, hit.paper.id, hit.paper.title);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms, and who may enter whom
//!
//! ```text
//! faces     the binary: main, cli                      use everything below
//! flows     check  digest  eval                        use the flows below them, and every engine
//!           ingest
//!           search  space
//! engines   dump  encoder  fetch  index  library       do not know one another
//! ground    akin-base: paper vectors error files …     knows nothing above
//! ```
//!
//! The ground and every engine are crates of their own in `crates/`, so the compiler enforces what
//! they may know. The encoder builds on one more, `akin-kernels`. Here they have the paths below.
//!
//! | room | what lives there | the only place that knows |
//! |---|---|---|
//! | [`paper`] | a paper, its id, its passage, its text hash | how ids are spelt |
//! | [`vectors`] | dot product, normalisation, the file of f16 rows | how a row is stored |
//! | [`dump`] | one file a format: bytes to papers | the formats of dumps |
//! | [`encoder`] | text to vectors; a question and a text to a score | candle, tokenizers |
//! | [`encoder::hub`], [`pull`] | models and new records over the network | HTTP, hf-hub, OAI-PMH |
//! | [`library`] | the folder on disk: papers, spaces, the lock | SQLite, fsync |
//! | [`index`] | nearest rows: exact scan, graph, segments; papers by their words | hnsw_rs, tantivy |
//! | [`space`] | the encoder of a library | what a space remembers |
//! | [`ingest`] | dumps into a library, or into vectors | the formats of vectors |
//! | [`search`] | a query to hits; related papers | ranking |
//! | [`digest`] | what is new in what is followed, what is rising, the papers of a day | mail, feeds |
//! | [`eval`] | judged queries and their metrics | — |
//! | [`check`] | what is wrong with a library, and its mending | — |
//! | [`step`] | the steps of writing, for the fault tests | — |
//! | [`categories`] | categories as they are compared and shown | what a code is |
//! | [`files`] | files that are replaced as a whole | — |
//! | [`caught`] | panics of other people's decoders, as errors | — |
//! | `text`, `name` | text and names of people as they are compared | — |
//!
//! The test `structure` parses the sources: no arrow runs up, and no files form a circle but a graph
//! and its segment. This library never prints, exits or reads the environment; what it does, step by
//! step, are events of `tracing`.
//!
//! # What is always true
//!
//! 1. Read = stored + changed + unchanged + merged + deleted + rejected, for every ingest, and the
//!    report says which and why.
//! 2. After a kill at any instant, the library opens and no committed paper is missing. At most one
//!    batch is embedded again, and the finished result is that of an undisturbed run.
//! 3. A text's vector does not depend on its neighbours in the batch, their order, the padding, or
//!    the number of threads.
//! 4. f32 equals sentence-transformers: cosine at least 0.99999 on every golden text.
//! 5. A damaged file is an error that names it, never a wrong answer; what is cheap is rebuilt.
//! 6. Two models never mix; two writers never interleave.
//! 7. Every spelling of one paper's id gives the same answer.
//! 8. No network, but for `pull`, for fetching a model, and for mail.
//!
//! # The words
//!
//! *Dump*: a source file. *Record*: one entry of a dump. *Collection*: the records that share ids of
//! their own. *Paper*: what the records of one work become. *Manuscript*: a draft of the user's own.
//! *Passage*: the text that is embedded. *Encoding*: token ids. *Batch*: what is computed or
//! committed together. *Pending*: a paper of a batch before the commit. *Embedding*: the vector of a
//! text; *dim*, its length. *Pooling*: from hidden states to one vector. *Space*: the embeddings of
//! one model with one recipe. *Row*: an embedding's place in its space; *generation*, a numbering of
//! rows. *Segment*: an immutable piece of an index; *manifest*, the list of them; *tail*, the rows
//! past the last. *Exact*: the full scan. *Similarity*: higher is closer (the cosine); *distance*:
//! lower is closer. *Percentile*: the rank of a similarity among random pairs of papers. *Candidate*:
//! a paper that an index found; *hit*, one that is returned. *Follow*: a query that is asked again
//! every day; *digest*, what is new under follows.

#[cfg(target_endian = "big")]
compile_error!("akin's files are little-endian and are read in place");

pub use akin_base::{
    Error, Result, categories, caught, error, files, paper, progress, step, vectors,
};
pub(crate) use akin_base::{name, text};
pub use akin_dump as dump;
pub use akin_fetch::pull;
pub use akin_index as index;
pub use akin_library as library;

pub mod check;
pub mod digest;
/// Text to vectors, from `akin-encoder`, and the models of the Hugging Face hub, from `akin-fetch`.
pub mod encoder {
    pub use akin_encoder::*;
    pub use akin_fetch::hub;
}
pub mod eval;
pub mod ingest;
pub mod search;
pub mod space;
