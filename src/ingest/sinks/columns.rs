//! Arrow streams and Parquet files: a column of ids and a column of vectors.
//!
//! Schema of both: `id: Utf8`, `embedding: FixedSizeList<Float32 or Float16>[dim]`, nothing null.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use akin_base::hex::hex;
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, RecordBatch, StringArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use half::f16;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::{Dtype, Output, SPACE_KEY, VectorSink, VectorType, WRITER};
use crate::error::{Error, Result};

/// Rows of a Parquet row group, which is held in memory until it is full.
const ROW_GROUP_ROWS: usize = 16 << 10;

/// Schema key for the writing program.
const WRITTEN_BY: &str = "written-by";

/// An Arrow IPC stream: a record batch a batch.
pub struct ArrowStream {
    columns: SinkColumns,
    name: PathBuf,
    writer: StreamWriter<Output>,
}

impl ArrowStream {
    /// Begins a stream in `out`.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn new(out: Output, vector_type: VectorType) -> Result<ArrowStream> {
        let columns = SinkColumns::new(vector_type);
        let name = out.name().to_owned();
        // In a pipe the reader expects this exact schema; a file names its writer.
        let writer = if out.is_file() {
            StreamWriter::try_new(out, &signed(&columns.schema, vector_type))
        } else {
            StreamWriter::try_new(out, &columns.schema)
        };
        let writer = writer.map_err(arrow_fault).map_err(Error::write(&name))?;
        Ok(ArrowStream {
            columns,
            name,
            writer,
        })
    }
}

/// A schema that names its writer and the space of its vectors.
fn signed(schema: &Schema, vector_type: VectorType) -> Schema {
    let writer = (WRITTEN_BY.to_owned(), WRITER.to_owned());
    let space = (SPACE_KEY.to_owned(), hex(vector_type.fingerprint));
    schema
        .clone()
        .with_metadata(std::collections::HashMap::from([writer, space]))
}

impl VectorSink for ArrowStream {
    fn put(&mut self, ids: &[String], vectors: &[Vec<f32>]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let batch = self.columns.batch(ids, vectors);
        self.writer
            .write(&batch)
            .map_err(arrow_fault)
            .and_then(|()| self.writer.get_mut().flush_stream())
            .map_err(Error::write(&self.name))
    }

    fn finish(&mut self) -> Result<()> {
        let ended = self.writer.finish().map_err(arrow_fault);
        ended.map_err(Error::write(&self.name))?;
        self.writer.get_mut().finish()
    }
}

/// A Parquet file (zstd), in row groups of a bounded size; it appears under its name only when
/// whole.
pub struct ParquetFile {
    columns: SinkColumns,
    path: PathBuf,
    writer: ArrowWriter<Output>,
}

impl ParquetFile {
    /// Begins `path`.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path, vector_type: VectorType) -> Result<ParquetFile> {
        let columns = SinkColumns::new(vector_type);
        let out = Output::file(path)?;
        let writer =
            ArrowWriter::try_new(out, columns.schema.clone(), Some(properties(vector_type)));
        Ok(ParquetFile {
            columns,
            path: path.to_owned(),
            writer: writer.map_err(parquet_fault).map_err(Error::write(path))?,
        })
    }
}

impl VectorSink for ParquetFile {
    fn put(&mut self, ids: &[String], vectors: &[Vec<f32>]) -> Result<()> {
        let batch = self.columns.batch(ids, vectors);
        let written = self.writer.write(&batch).map_err(parquet_fault);
        written.map_err(Error::write(&self.path))
    }

    fn finish(&mut self) -> Result<()> {
        let ended = self.writer.finish().map_err(parquet_fault);
        ended.map_err(Error::write(&self.path))?;
        self.writer.inner_mut().finish()
    }
}

/// How Parquet is written. Numbers of embeddings do not repeat, and their extremes tell nothing.
fn properties(vector_type: VectorType) -> WriterProperties {
    let numbers = ColumnPath::new(["embedding", "list", "item"].map(str::to_owned).to_vec());
    let level = ZstdLevel::try_new(1).expect("zstd has a level 1");
    WriterProperties::builder()
        .set_created_by(WRITER.to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            SPACE_KEY.to_owned(),
            hex(vector_type.fingerprint),
        )]))
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_column_dictionary_enabled(numbers.clone(), false)
        .set_column_statistics_enabled(numbers, EnabledStatistics::None)
        .build()
}

/// The two columns.
struct SinkColumns {
    schema: SchemaRef,
    item: Arc<Field>,
    vector_type: VectorType,
}

impl SinkColumns {
    fn new(vector_type: VectorType) -> SinkColumns {
        let number = match vector_type.dtype {
            Dtype::F32 => DataType::Float32,
            Dtype::F16 => DataType::Float16,
        };
        let item = Arc::new(Field::new("item", number, false));
        let list = DataType::FixedSizeList(item.clone(), list_size(vector_type));
        let fields = vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("embedding", list, false),
        ];
        SinkColumns {
            schema: Arc::new(Schema::new(fields)),
            item,
            vector_type,
        }
    }

    fn batch(&self, ids: &[String], vectors: &[Vec<f32>]) -> RecordBatch {
        let numbers = vectors.iter().flatten();
        let numbers: ArrayRef = match self.vector_type.dtype {
            Dtype::F32 => Arc::new(Float32Array::from_iter_values(numbers.copied())),
            Dtype::F16 => {
                let rounded = numbers.map(|x| f16::from_f32(*x));
                Arc::new(Float16Array::from_iter_values(rounded))
            }
        };
        let size = list_size(self.vector_type);
        let embeddings = FixedSizeListArray::new(self.item.clone(), size, numbers, None);
        let ids = StringArray::from_iter_values(ids);
        RecordBatch::try_new(
            self.schema.clone(),
            vec![Arc::new(ids), Arc::new(embeddings)],
        )
        .expect("as many ids as vectors, each of the sink's dim")
    }
}

fn list_size(vector_type: VectorType) -> i32 {
    i32::try_from(vector_type.dim).expect("a dim fits 31 bits")
}

/// The system's own error, if there is one.
fn arrow_fault(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    }
}

/// The system's own error, if there is one.
fn parquet_fault(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
