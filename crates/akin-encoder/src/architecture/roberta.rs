//! RoBERTa (Liu et al. 2019), XLM-RoBERTa and CamemBERT: BERT whose positions are counted from behind the
//! id of the padding.

use super::bert;
use super::config::ModelConfig;
use crate::packed::{PositionEncoding, Shape};
use akin_base::error::Result;

pub(super) fn shape(config: &ModelConfig<'_>) -> Result<Shape> {
    counted_from_padding(
        config,
        bert::shape(config)?,
        config.index_or("pad_token_id", 1)?,
    )
}

/// The same shape with positions that begin behind those of the padding.
pub(super) fn counted_from_padding(
    config: &ModelConfig<'_>,
    shape: Shape,
    padding: usize,
) -> Result<Shape> {
    let first = padding + 1;
    let positions = shape.positions.checked_sub(first).filter(|n| *n > 0);
    let positions = positions.ok_or_else(|| {
        config.wrong(format!(
            "of {} positions, {first} come before the first",
            shape.positions
        ))
    })?;
    Ok(Shape {
        positions,
        places: PositionEncoding::Learned {
            first,
            padding: u32::try_from(padding).ok(),
        },
        ..shape
    })
}
