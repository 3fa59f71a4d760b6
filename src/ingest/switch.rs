//! Another model for a library: its space is filled beside the active one, and then becomes active.

use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::index::{self, IndexOptions};
use crate::ingest::missing::embed_missing;
use crate::library::{Library, Writer};
use crate::progress::Observer;
use crate::space::{Origin, space_of};

/// The result of a [`switch`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switched {
    /// Papers that were embedded for it.
    pub n_embedded: u64,
    /// Papers that had an embedding already.
    pub n_kept: u64,
    /// Papers that have none, because their records cannot be read.
    pub n_left: u64,
    /// Whether the space answered before.
    pub was_active: bool,
}

/// Makes an encoder's space the active one, once all papers have an embedding in it and its index
/// is built. Until then the other space answers; it stays as it is.
///
/// # Errors
/// [`Error::Interrupted`] if the observer asks to stop: what is embedded by then is kept for the next
/// time; as [`embed_missing`] and [`index::update`].
pub fn switch(
    writer: &mut Writer,
    encoder: &Encoder,
    origin: &Origin,
    options: &IndexOptions,
    observer: &dyn Observer,
) -> Result<Switched> {
    let fingerprint = encoder.recipe().fingerprint();
    let was_active = writer
        .space()
        .is_some_and(|space| space.fingerprint == fingerprint);
    if !was_active && !writer.turn_to(&fingerprint)? {
        writer.create_space_beside(space_of(encoder, origin))?;
    }
    let filled = embed_missing(writer, encoder, observer)?;
    if filled.stopped {
        return Err(Error::Interrupted);
    }
    let n_embedded = filled.n_embedded;
    let n_left = writer.unembedded()?.len() as u64;
    let filled = writer.space_rows()?;
    if !filled.rows.is_empty() {
        index::update(
            &filled.index_dir,
            &filled.index_mark,
            &filled.rows,
            options,
            observer,
        )?;
    }
    writer.activate()?;
    let spaces = Library::open(writer.path())?.spaces()?;
    let answering = spaces.iter().find(|space| space.is_active);
    let n_papers = answering.map_or(0, |space| space.n_papers);
    Ok(Switched {
        n_embedded,
        n_kept: n_papers.saturating_sub(n_embedded),
        n_left,
        was_active,
    })
}
