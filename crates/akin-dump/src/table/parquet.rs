//! Parquet files: row group by row group, whose pages are checked before they are decoded.
//!
//! In: a file, which is read from its end. Out: batches of rows.
//!
//! Invariants: the footer's counts are checked against its bytes ([`check_footer`]) before the
//! `parquet` crate allocates by them. What a page claims is checked too (`pages.rs`), against the
//! file and against what its bytes can become. Texts are views into the pages, so that a text that
//! occurs once in the file is held once, however many rows have it.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use akin_base::error::{Error, Result};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Compression, Type};
use parquet::file::metadata::{FileMetaData, ParquetMetaData};
use parquet::file::reader::FileReader;
use parquet::schema::types::ColumnDescriptor;

use super::batch::{BatchEnd, decoded, unfit};
use super::cells::ReadColumns;
use super::footer::{TOO_DEEP, check_footer};
use super::pages::CheckedGroup;
use crate::source::expansion::Growth;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 256;

/// The longest value of a fixed length.
const MAX_FIXED_BYTES: i32 = 64 << 10;

/// The rows of a file.
pub(super) struct ParquetBatches {
    file: Arc<File>,
    n_bytes: u64,
    metadata: ParquetMetaData,
    levels: FieldLevels,
    /// The row group that comes next.
    next_group: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// What all pages have become: several row groups may name the same ones.
    growth: Arc<Mutex<Growth>>,
}

impl ParquetBatches {
    /// Reads the footer of a file and chooses its columns, some of them possibly `set`.
    pub(super) fn begin(
        path: &Path,
        set: &[(String, String)],
    ) -> Result<(ReadColumns, ParquetBatches)> {
        let damaged =
            |what: String| Error::damaged(path, format!("not a whole Parquet file: {what}"));
        let mut file = File::open(path).map_err(Error::read(path))?;
        let n_bytes = file.metadata().map_err(Error::read(path))?.len();
        check_footer(&mut file, n_bytes)
            .map_err(Error::read(path))?
            .map_err(|what| match what.as_str() {
                TOO_DEEP => unfit(path)(what),
                _ => damaged(what),
            })?;
        let options = ArrowReaderOptions::new();
        let loaded = decoded(|| ArrowReaderMetadata::load(&file, options));
        let loaded = loaded.map_err(|end| damaged(end.to_string()))?;
        let columns = ReadColumns::choose(loaded.schema(), set).map_err(unfit(path))?;
        let mask = ProjectionMask::roots(loaded.parquet_schema(), columns.indices());
        if let Some(reason) = undecoded(loaded.metadata(), &mask) {
            return Err(unfit(path)(reason));
        }
        let views = as_views(loaded.schema().fields());
        let schema = loaded.parquet_schema();
        let levels = decoded(|| parquet_to_arrow_field_levels(schema, mask, Some(&views)));
        let levels = levels.map_err(|end| damaged(end.to_string()))?;
        // The places of the columns among those that are left.
        let mut indices: Vec<usize> = columns.indices().collect();
        indices.sort_unstable();
        let left: Fields = indices.iter().map(|idx| views[*idx].clone()).collect();
        let left = Schema::new(left);
        let columns = ReadColumns::choose(&left, set).map_err(unfit(path))?;
        let batches = ParquetBatches {
            file: Arc::new(file),
            n_bytes,
            metadata: loaded.metadata().as_ref().clone(),
            levels,
            next_group: 0,
            reader: None,
            growth: Arc::default(),
        };
        Ok((columns, batches))
    }

    /// The length of the file.
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Number of rows that the file claims.
    pub(super) fn n_rows(&self) -> u64 {
        u64::try_from(self.metadata.file_metadata().num_rows()).unwrap_or(0)
    }

    /// The next batch.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, BatchEnd> {
        loop {
            if let Some(reader) = &mut self.reader
                && let Some(batch) = decoded(|| reader.next().transpose())?
            {
                return Ok(Some(batch));
            }
            if self.next_group >= self.metadata.num_row_groups() {
                return Ok(None);
            }
            let group = CheckedGroup {
                file: self.file.clone(),
                n_bytes: self.n_bytes,
                metadata: alone(&self.metadata, self.next_group),
                growth: self.growth.clone(),
            };
            self.next_group += 1;
            let group: Arc<dyn FileReader> = Arc::new(group);
            let levels = &self.levels;
            let reader = decoded(|| {
                ParquetRecordBatchReader::try_new_with_row_groups(levels, &group, BATCH_ROWS, None)
            })?;
            self.reader = Some(reader);
        }
    }
}

/// The message for a file that holds only one row group; without its writer's notes, which may be
/// long.
fn alone(metadata: &ParquetMetaData, group: usize) -> ParquetMetaData {
    let group = metadata.row_group(group).clone();
    let file = metadata.file_metadata();
    let (version, n_rows) = (file.version(), group.num_rows());
    let file = FileMetaData::new(version, n_rows, None, None, file.schema_descr_ptr(), None);
    ParquetMetaData::new(file, vec![group])
}

/// The columns with texts and bytes as views of their pages.
fn as_views(fields: &Fields) -> Fields {
    let viewed = |field: &FieldRef| -> FieldRef {
        let data_type = as_view(field.data_type());
        Arc::new(Field::clone(field).with_data_type(data_type))
    };
    fields.iter().map(viewed).collect()
}

fn as_view(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| -> FieldRef {
        Arc::new(Field::clone(field).with_data_type(as_view(field.data_type())))
    };
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, values) => as_view(values),
        DataType::List(field) => DataType::List(inner(field)),
        DataType::LargeList(field) => DataType::LargeList(inner(field)),
        DataType::FixedSizeList(field, n) => DataType::FixedSizeList(inner(field), *n),
        DataType::Struct(fields) => DataType::Struct(as_views(fields)),
        other => other.clone(),
    }
}

/// Describes the first column that should be read but cannot be decoded here: its compression is
/// not supported, or its values are too long.
fn undecoded(metadata: &ParquetMetaData, mask: &ProjectionMask) -> Option<String> {
    let leaves = metadata.file_metadata().schema_descr().columns().iter();
    let mut leaves = leaves
        .enumerate()
        .filter(|(idx, _)| mask.leaf_included(*idx));
    let is_long = |leaf: &ColumnDescriptor| {
        leaf.physical_type() == Type::FIXED_LEN_BYTE_ARRAY
            && !(0..=MAX_FIXED_BYTES).contains(&leaf.type_length())
    };
    if let Some((_, leaf)) = leaves.find(|(_, leaf)| is_long(leaf)) {
        let (column, n) = (leaf.path().string(), leaf.type_length());
        return Some(format!(
            "each value of the column `{column}` is {n} bytes long"
        ));
    }
    let groups = metadata.row_groups().iter();
    let chunks = groups.flat_map(|group| group.columns().iter().enumerate());
    let mut read = chunks.filter(|(leaf_idx, _)| mask.leaf_included(*leaf_idx));
    let (_, chunk) = read.find(|(_, chunk)| !is_decoded(chunk.compression()))?;
    let (column, how) = (chunk.column_path().string(), chunk.compression());
    Some(format!("the column `{column}` is compressed with {how}"))
}

fn is_decoded(compression: Compression) -> bool {
    matches!(
        compression,
        Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::GZIP(_)
            | Compression::LZ4
            | Compression::LZ4_RAW
            | Compression::ZSTD(_)
    )
}
