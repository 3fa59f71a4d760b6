//! Embeds the papers of a dump and writes them as a NumPy array, the ids beside it.
//!
//!     cargo run --example embed_a_file -- tests/data/formats/generic.jsonl vectors.npy

#![expect(clippy::print_stdout, reason = "an example shows what it finds")]

use akin::dump::Source;
use akin::encoder::{DeviceChoice, Encoder, EncoderOptions, ModelSource, Precision};
use akin::ingest::{self, Dtype, EmbedOptions, Npy, VectorSink, VectorType};
use akin::progress::Unobserved;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).map(PathBuf::from);
    let (Some(dump), Some(output)) = (args.next(), args.next()) else {
        return Err("expected a dump and a file to write".into());
    };
    let options = EncoderOptions {
        precision: Precision::Auto,
        device: DeviceChoice::Auto,
        ..EncoderOptions::default()
    };
    let encoder = Encoder::load(&ModelSource::Bundled, &options)?;
    let vector_type = VectorType {
        fingerprint: encoder.recipe().fingerprint(),
        dim: encoder.dim(),
        dtype: Dtype::F32,
    };

    // The sink is made once the dump turns out to be readable; the file appears when it is whole.
    let report = ingest::embed(
        &encoder,
        &[Source::from_arg(&dump)],
        &mut |_format| Ok(Box::new(Npy::create(&output, vector_type)?) as Box<dyn VectorSink>),
        &EmbedOptions::default(),
        &Unobserved,
    )?;
    println!(
        "{} embedded, {} rejected",
        report.n_embedded, report.n_rejected
    );
    println!("ids in {}", Npy::ids_beside(Path::new(&output)).display());
    Ok(())
}
