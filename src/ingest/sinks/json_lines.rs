//! JSON Lines: one object an embedding.

use half::f16;
use serde::Serialize;

use super::{Dtype, Output, VectorSink};
use crate::error::Result;

/// Significant digits that distinguish any two 16-bit floats.
const F16_DIGITS: usize = 5;

/// One JSON object a line: `{"id": …, "embedding": […]}`; 16-bit floats in the fewest digits that
/// are read back as the same ones.
pub struct JsonLines {
    out: Output,
    dtype: Dtype,
}

#[derive(Serialize)]
struct EmbeddingLine<'a> {
    id: &'a str,
    embedding: &'a [f32],
}

impl JsonLines {
    /// Writes to `out`.
    pub fn new(out: Output, dtype: Dtype) -> JsonLines {
        JsonLines { out, dtype }
    }
}

impl VectorSink for JsonLines {
    fn put(&mut self, ids: &[String], vectors: &[Vec<f32>]) -> Result<()> {
        let mut json = Vec::new();
        for (id, vector) in ids.iter().zip(vectors) {
            let rounded: Vec<f32>;
            let embedding = match self.dtype {
                Dtype::F32 => vector,
                Dtype::F16 => {
                    rounded = vector.iter().map(|x| shortest_f16(*x)).collect();
                    &rounded
                }
            };
            let line = EmbeddingLine { id, embedding };
            serde_json::to_writer(&mut json, &line).expect("ids and numbers are plain data");
            json.push(b'\n');
        }
        self.out.put(&json)
    }

    fn finish(&mut self) -> Result<()> {
        self.out.finish()
    }
}

/// The number of the fewest digits that rounds to the same 16-bit float as `x`.
fn shortest_f16(x: f32) -> f32 {
    let rounded = f16::from_f32(x);
    let written = |n_digits: usize| {
        let text = format!("{:.*e}", n_digits - 1, rounded.to_f32());
        text.parse().unwrap_or(rounded.to_f32())
    };
    (1..F16_DIGITS)
        .map(written)
        .find(|short| f16::from_f32(*short) == rounded)
        .unwrap_or_else(|| written(F16_DIGITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_is_read_back_from_what_is_written_of_it() {
        for bits in 0..=u16::MAX {
            let x = f16::from_bits(bits);
            if x.is_finite() {
                let text = serde_json::to_string(&shortest_f16(x.to_f32())).unwrap();
                let read: f64 = text.parse().unwrap();
                assert_eq!(f16::from_f64(read), x, "{text}");
            }
        }
        assert_eq!(shortest_f16(0.1).to_string(), "0.1");
        assert_eq!(shortest_f16(1.0 / 3.0).to_string(), "0.3333");
    }
}
