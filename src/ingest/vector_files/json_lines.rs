//! Vectors in JSON Lines: `{"id": …, "embedding": […]}`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use super::taker::{Take, bad};
use crate::error::{Error, Result};

#[derive(Deserialize)]
struct Line {
    id: String,
    embedding: Vec<f32>,
}

pub(super) fn each(path: &Path, take: Take<'_>) -> Result<()> {
    let file = File::open(path).map_err(Error::read(path))?;
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(Error::read(path))?;
        if line.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&line).map_err(|e| {
            let place = number + 1;
            bad(
                path,
                &format!("line {place} is not an id with its embedding: {e}"),
            )
        })?;
        if !take(&line.id, line.embedding)? {
            return Ok(());
        }
    }
    Ok(())
}
