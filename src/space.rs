//! Where an encoder and a library meet: the space that a library's embeddings are in.
//!
//! The library keeps a space's recipe and the model's location as text that it does not interpret;
//! this module writes and reads that text. Invariant: an encoder whose fingerprint is not that of
//! the library's space never leaves this module together with that library.

use std::time::Instant;

use akin_base::hex::hex;
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::encoder::{DeviceChoice, Encoder, EncoderOptions, ModelSource, Precision, Recipe};
use crate::error::{Error, Result};
use crate::library::{Filter, Library, Space, Writer};

pub use crate::ingest::{Switched, switch};

/// What is needed to load the encoder of a space again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Where the model is.
    pub source: ModelSource,
    /// The token limit that was asked for; the model's own where `None`.
    pub max_tokens: Option<usize>,
    /// The dim that was asked for; the model's own where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dim: Option<usize>,
    /// The precision to compute with. A space remembers f32 or int8, as its embeddings were made;
    /// one of an older akin is f32.
    #[serde(default)]
    pub precision: Precision,
}

impl Origin {
    /// What a space remembers.
    ///
    /// # Errors
    /// [`Error::Model`] if a newer akin wrote something that this one cannot read.
    pub fn from_space(space: &Space) -> Result<Origin> {
        serde_json::from_str(&space.source).map_err(|e| Error::model(&space.name, e))
    }

    /// Loads the encoder.
    ///
    /// # Errors
    /// As [`Encoder::load`].
    pub fn load(&self, threads: Option<usize>, device: DeviceChoice) -> Result<Encoder> {
        let options = EncoderOptions {
            max_tokens: self.max_tokens,
            dim: self.dim,
            threads,
            precision: self.precision,
            device,
        };
        let start = Instant::now();
        let encoder = Encoder::load(&self.source, &options)?;
        debug!(
            source = %self.source,
            model = encoder.recipe().model,
            dim = encoder.dim(),
            arithmetic = encoder.describe_arithmetic(),
            seconds = start.elapsed().as_secs_f64(),
            "loaded the model"
        );
        Ok(encoder)
    }
}

/// What is needed to load the encoder that a library's embeddings were made with.
///
/// # Errors
/// [`Error::LibraryEmpty`] before the first paper, [`Error::NotEmbedded`] before the first
/// embedding; as [`Origin::from_space`].
pub fn origin_of(library: &Library) -> Result<Origin> {
    if let Some(space) = library.space() {
        return Origin::from_space(space);
    }
    Err(if library.passes_any(&Filter::default())? {
        Error::NotEmbedded {
            what: format!("the papers of {} are", library.path().display()),
        }
    } else {
        Error::LibraryEmpty {
            path: library.path().to_owned(),
        }
    })
}

/// Makes sure that an encoder is that of a library's space.
///
/// # Errors
/// [`Error::SpaceMismatch`] if it is not.
pub fn ensure_same(library: &Library, encoder: &Encoder) -> Result<()> {
    library
        .space()
        .map_or(Ok(()), |space| check_same(space, encoder))
}

/// Makes sure that the library's active space is this encoder's; creates it in a library that
/// has none yet.
///
/// # Errors
/// [`Error::SpaceMismatch`] if the library was embedded with another; as
/// [`Writer::create_space`].
pub fn adopt(writer: &mut Writer, encoder: &Encoder, origin: &Origin) -> Result<()> {
    if let Some(space) = writer.space() {
        return check_same(space, encoder);
    }
    writer.create_space(space_of(encoder, origin))
}

/// The space of an encoder's embeddings.
pub(crate) fn space_of(encoder: &Encoder, origin: &Origin) -> Space {
    let recipe = encoder.recipe();
    let origin = Origin {
        precision: encoder.precision(),
        ..origin.clone()
    };
    let fingerprint = recipe.fingerprint();
    let digits = hex(&fingerprint[..4]);
    Space {
        name: format!("{}-{digits}", folder_safe(&recipe.model)),
        fingerprint,
        dim: recipe.dim,
        recipe: serde_json::to_string(recipe).expect("a recipe is plain data"),
        source: serde_json::to_string(&origin).expect("an origin is plain data"),
    }
}

/// The recipe of a space.
///
/// # Errors
/// [`Error::Model`] if a newer akin wrote something that this one cannot read.
pub fn recipe_of(space: &Space) -> Result<Recipe> {
    serde_json::from_str(&space.recipe).map_err(|e| Error::model(&space.name, e))
}

fn check_same(space: &Space, encoder: &Encoder) -> Result<()> {
    if space.fingerprint == encoder.recipe().fingerprint() {
        return Ok(());
    }
    Err(Error::SpaceMismatch {
        stored: recipe_of(space)?.describe(),
        given: encoder.recipe().describe(),
    })
}

/// A model's name with nothing in it that a folder's name should not have.
fn folder_safe(name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || ".-_".contains(c) {
            c
        } else {
            '-'
        }
    };
    let cleaned: String = name.chars().map(safe).take(64).collect();
    cleaned.trim_start_matches('.').to_owned()
}
