//! Papers of a library that have no embedding, to embeddings.

use super::BATCH_RECORDS;
use super::encoding::embed_whole;
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::library::{Batch, Change, Ingest, Known, PaperKey, Writer};
use crate::progress::{Observer, Stage};

/// Embeds every paper that wants an embedding in the active space and has none; how many those
/// are. A paper whose record is damaged is left out. The index is not brought up.
///
/// # Errors
/// [`Error::SpaceMismatch`] if the space is not this encoder's; [`Error::Interrupted`] if the
/// observer asks to stop: what is embedded by then stays; as [`Encoder::embed`] and
/// [`Writer::commit`].
pub fn embed_missing(
    writer: &mut Writer,
    encoder: &Encoder,
    observer: &dyn Observer,
) -> Result<u64> {
    let missing = writer.unembedded()?;
    let run = writer.begin_ingest(&[])?;
    observer.begin(Stage::Embed, Some(missing.len() as u64));
    let mut n_embedded = 0;
    for keys in missing.chunks(BATCH_RECORDS) {
        let changes = keys
            .iter()
            .filter_map(|key| change_of(writer, *key).transpose());
        let batch = Batch {
            changes: changes.collect::<Result<_>>()?,
            ..Batch::default()
        };
        let vectors = embed_whole(encoder, &batch, observer)?;
        writer.commit(&batch, &vectors, (run, &Ingest::default()))?;
        n_embedded += vectors.len() as u64;
    }
    observer.end();
    writer.finish_ingest(run, &Ingest::default())?;
    Ok(n_embedded)
}

/// A paper as it is, to be embedded; `None` where its record is damaged.
fn change_of(writer: &Writer, key: PaperKey) -> Result<Option<Change>> {
    match writer.lookup().known(key) {
        Ok(Known { paper, sources, .. }) => Ok(Some(Change {
            key: Some(key),
            paper,
            record_hashes: Vec::new(),
            forgets_earlier_records: false,
            listed: Vec::new(),
            sources,
            absorbed: Vec::new(),
            wants_embedding: true,
        })),
        Err(Error::Damaged { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
