//! Opens a library and asks it a question.
//!
//!     akin add --library papers tests/data/formats/daily
//!     cargo run --example open_and_search -- papers "humanoid robots that assist people"

#![expect(clippy::print_stdout, reason = "an example shows what it finds")]

use std::path::Path;

use akin::encoder::{DeviceChoice, Precision};
use akin::search::{self, OpenLibrary, Query, Target};
use akin::space;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(root), Some(question)) = (args.next(), args.next()) else {
        return Err("expected a library and a question".into());
    };
    let opened = OpenLibrary::open(Path::new(&root))?;

    // The question goes through the model that embedded the papers: two models never mix.
    let origin = space::origin_of(&opened.library)?;
    let encoder = origin.load(None, DeviceChoice::Auto)?;

    let query = Query {
        target: Target::Text(question),
        k: 3,
        ..Query::default()
    };
    for hit in search::answer(&opened.indexes(), Some(&encoder), &query)?.hits {
        println!("{:.3}  {}  {}", hit.score, hit.paper.id, hit.paper.title);
    }
    Ok(())
}
