//! Opens a library and asks it a question.
//!
//!     akin add --library papers tests/data/formats/daily
//!     cargo run --example open_and_search -- papers "humanoid robots that assist people"

#![expect(clippy::print_stdout, reason = "an example shows what it finds")]

use akin::encoder::{DeviceChoice, Precision};
use akin::index::{Index, lexical::Lexical};
use akin::library::Library;
use akin::search::{self, Indexes, Query, Target};
use akin::space;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(root), Some(question)) = (args.next(), args.next()) else {
        return Err("expected a library and a question".into());
    };
    let library = Library::open(Path::new(&root))?;
    let (Some(mark), Some(folder)) = (library.index_mark(), library.index_dir()) else {
        return Err("the library holds no papers".into());
    };

    // The model that the library was embedded with: two models never mix.
    let origin = space::origin_of(&library)?;
    let encoder = origin.load(None, Precision::Auto, DeviceChoice::Auto)?;

    // What is damaged of an index is not believed; its papers are compared one by one instead.
    let index = Index::open(&folder, &mark, library.rows()?);
    let lexical = Lexical::open(&library.lexical_dir(), library.number()?);
    let indexes = Indexes {
        library: &library,
        index: &index,
        lexical: lexical.as_ref().map_err(String::clone),
    };
    let query = Query {
        target: Target::Text(question),
        k: 3,
        ..Query::default()
    };
    for hit in search::answer(&indexes, Some(&encoder), &query)?.hits {
        println!("{:.3}  {}  {}", hit.score, hit.paper.id, hit.paper.title);
    }
    Ok(())
}
