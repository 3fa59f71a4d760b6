//! Takes embeddings as they are made, in a sink of one's own: here, the closest pair of a dump.
//!
//!     cargo run --example own_sink -- tests/data/formats/daily/2026-03-13.jsonl

#![expect(clippy::print_stdout, reason = "an example shows what it finds")]

use akin::dump::Source;
use akin::encoder::{Encoder, EncoderOptions, ModelSource};
use akin::ingest::{self, EmbedOptions, VectorSink};
use akin::progress::Unobserved;
use akin::vectors::dot;
use std::path::PathBuf;

/// Keeps the vectors that came, and prints the closest two at the end.
#[derive(Default)]
struct ClosestPair {
    ids: Vec<String>,
    vectors: Vec<Vec<f32>>,
    best: Option<(f32, String, String)>,
}

impl VectorSink for ClosestPair {
    fn put(&mut self, ids: &[String], vectors: &[Vec<f32>]) -> akin::Result<()> {
        for (id, vector) in ids.iter().zip(vectors) {
            for (other_id, other) in self.ids.iter().zip(&self.vectors) {
                // Vectors have length 1, so this is the cosine. A dump may have a paper twice.
                let similarity = dot(vector, other);
                let is_closer = self.best.as_ref().is_none_or(|best| best.0 < similarity);
                if id != other_id && is_closer {
                    self.best = Some((similarity, other_id.clone(), id.clone()));
                }
            }
            self.ids.push(id.clone());
            self.vectors.push(vector.clone());
        }
        Ok(())
    }

    fn finish(&mut self) -> akin::Result<()> {
        if let Some((similarity, one, other)) = &self.best {
            println!("{similarity:.3}  {one}  {other}");
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dump = std::env::args()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("expected a dump")?;
    let encoder = Encoder::load(&ModelSource::Bundled, &EncoderOptions::default())?;
    let sources = [Source::from_arg(dump)];
    let mut open_sink = |_| Ok(Box::new(ClosestPair::default()) as Box<dyn VectorSink>);
    ingest::embed(
        &encoder,
        &sources,
        &mut open_sink,
        &EmbedOptions::default(),
        &Unobserved,
    )?;
    Ok(())
}
