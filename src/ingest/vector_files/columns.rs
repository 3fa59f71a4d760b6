//! Vectors in Arrow streams and Parquet files: a column `id` and a column `embedding`.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, DataType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::taker::{Take, bad};
use crate::error::{Error, Result};
use crate::ingest::sinks::SPACE_KEY;

/// Rows of a Parquet file that are decoded at a time.
const BATCH_ROWS: usize = 1024;

type Builder = ParquetRecordBatchReaderBuilder<File>;

fn builder(path: &Path) -> Result<Builder> {
    let file = File::open(path).map_err(Error::read(path))?;
    Builder::try_new(file).map_err(|e: ParquetError| bad(path, &e.to_string()))
}

fn stream(path: &Path) -> Result<StreamReader<std::io::BufReader<File>>> {
    let file = File::open(path).map_err(Error::read(path))?;
    StreamReader::try_new_buffered(file, None).map_err(|e| bad(path, &e.to_string()))
}

pub(super) fn fingerprint_of_parquet(path: &Path) -> Result<Option<String>> {
    let builder = builder(path)?;
    let pairs = builder.metadata().file_metadata().key_value_metadata();
    let found = pairs
        .into_iter()
        .flatten()
        .find(|pair| pair.key == SPACE_KEY);
    Ok(found.and_then(|pair| pair.value.clone()))
}

pub(super) fn fingerprint_of_stream(path: &Path) -> Result<Option<String>> {
    Ok(stream(path)?.schema().metadata().get(SPACE_KEY).cloned())
}

pub(super) fn each_of_parquet(path: &Path, take: Take<'_>) -> Result<()> {
    let reader = builder(path)?.with_batch_size(BATCH_ROWS).build();
    each(path, reader.map_err(|e| bad(path, &e.to_string()))?, take)
}

pub(super) fn each_of_stream(path: &Path, take: Take<'_>) -> Result<()> {
    each(path, stream(path)?, take)
}

fn each(
    path: &Path,
    batches: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
    take: Take<'_>,
) -> Result<()> {
    for batch in batches {
        let batch = batch.map_err(|e| bad(path, &e.to_string()))?;
        let column = |name: &str| {
            let found = batch.column_by_name(name);
            found.ok_or_else(|| bad(path, &format!("it has no column {name:?}")))
        };
        let (ids, vectors) = (column("id")?, column("embedding")?);
        for row in 0..batch.num_rows() {
            let id = id(ids, row).ok_or_else(|| bad(path, "an id is not a text"))?;
            let vector = vector(vectors, row).ok_or_else(|| {
                bad(
                    path,
                    &format!("the embedding of {id:?} is not a list of floats"),
                )
            })?;
            if !take(&id, vector)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn id(ids: &ArrayRef, row: usize) -> Option<String> {
    if ids.is_null(row) {
        return None;
    }
    Some(match ids.data_type() {
        DataType::Utf8 => ids.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => ids.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => ids.as_string_view().value(row).to_owned(),
        _ => return None,
    })
}

fn vector(vectors: &ArrayRef, row: usize) -> Option<Vec<f32>> {
    if vectors.is_null(row) {
        return None;
    }
    let numbers = match vectors.data_type() {
        DataType::FixedSizeList(..) => vectors.as_fixed_size_list().value(row),
        DataType::List(_) => vectors.as_list::<i32>().value(row),
        DataType::LargeList(_) => vectors.as_list::<i64>().value(row),
        _ => return None,
    };
    if numbers.null_count() > 0 {
        return None;
    }
    Some(match numbers.data_type() {
        DataType::Float16 => {
            let numbers = numbers.as_primitive::<Float16Type>().values();
            numbers.iter().map(|x| x.to_f32()).collect()
        }
        DataType::Float32 => numbers.as_primitive::<Float32Type>().values().to_vec(),
        DataType::Float64 => {
            let numbers = numbers.as_primitive::<Float64Type>().values();
            numbers.iter().map(|x| *x as f32).collect()
        }
        _ => return None,
    })
}
