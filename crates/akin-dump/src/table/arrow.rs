//! Arrow streams, and the stream inside an Arrow file: message by message, each checked before it is
//! decoded.
//!
//! In: bytes from front to end, which can come through a pipe. Out: batches of rows.
//!
//! Invariants: nothing that a message claims is allocated or sliced before it is checked against
//! the available bytes. A message's buffers lie in its body; their decoded size is bounded by the
//! body's length ([`grown_limit`]). A body is allocated as its bytes arrive. Views of texts are
//! decoded as views of bytes ([`unchecked`]): any number of them may name the same text, and each
//! would be checked whole.

use std::collections::HashMap;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_ipc::{Message, MessageHeader, root_as_message};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use super::batch::{BatchEnd, decoded, grown_limit, is_available};
use crate::source::bytes::Bytes;
use crate::source::expansion::Growth;

/// Every part of an Arrow stream or file is a multiple of this long.
const PART_BYTES: usize = 8;

/// An Arrow file is padded in front of its stream, to this at most.
const MAX_FILE_HEAD_BYTES: usize = 64;

/// The bytes before the length of a message, except in the oldest streams.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The head of a message, which names its buffers; a schema's head holds its writer's notes.
const MAX_HEAD_BYTES: usize = 64 << 20;

/// The body of a message: a batch, which is held whole.
const MAX_BODY_BYTES: usize = 4 << 30;

/// Bytes of a body that are allocated before any of them arrives.
const FIRST_BODY_BYTES: usize = 1 << 20;

/// The batches of a stream.
pub(super) struct ArrowBatches {
    input: BufReader<Bytes>,
    schema: SchemaRef,
    /// What is decoded: views of bytes for views of texts.
    decoded_schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// The stream is in a file, which is incomplete without its end mark.
    is_in_file: bool,
    n_read: u64,
    /// What all batches and dictionaries have become.
    growth: Growth,
}

impl ArrowBatches {
    /// Reads the schema of a stream.
    pub(super) fn begin(bytes: Bytes, is_in_file: bool) -> Result<ArrowBatches, BatchEnd> {
        let bytes = if is_in_file {
            stream_inside(bytes)?
        } else {
            bytes
        };
        let mut batches = ArrowBatches {
            input: BufReader::new(bytes),
            schema: SchemaRef::new(Schema::empty()),
            decoded_schema: SchemaRef::new(Schema::empty()),
            dictionaries: HashMap::new(),
            is_in_file,
            n_read: 0,
            growth: Growth::default(),
        };
        let Some(head) = batches.head()? else {
            return Err(BatchEnd::Cut);
        };
        let message = parsed(&head)?;
        let schema = message.header_as_schema();
        let schema = schema.ok_or_else(|| BatchEnd::unreadable("no Arrow schema at its start"))?;
        let _ = batches.body(&message)?;
        let schema = decoded(|| try_fb_to_schema(schema))?;
        batches.decoded_schema = Schema::new(unchecked_fields(schema.fields())).into();
        batches.schema = schema.into();
        Ok(batches)
    }

    /// The schema as the stream has it.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of the stream that were read.
    pub(super) fn n_read(&self) -> u64 {
        self.n_read
    }

    /// The next batch.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, BatchEnd> {
        while let Some(head) = self.head()? {
            let message = parsed(&head)?;
            let body = self.body(&message)?;
            match message.header_type() {
                MessageHeader::RecordBatch => return self.batch(&message, &body).map(Some),
                MessageHeader::DictionaryBatch => self.add_dictionary(&message, &body)?,
                other => {
                    let what = format!("a message of the kind {other:?} among the batches");
                    return Err(BatchEnd::Unreadable(what));
                }
            }
        }
        Ok(None)
    }

    fn batch(&mut self, message: &Message<'_>, body: &Buffer) -> Result<RecordBatch, BatchEnd> {
        let batch = message.header_as_record_batch().ok_or_else(no_head)?;
        self.note(check(&batch, body)?)?;
        let (schema, version) = (self.decoded_schema.clone(), message.version());
        decoded(|| {
            RecordBatchDecoder::try_new(body, batch, schema, &self.dictionaries, &version)?
                .read_record_batch()
        })
    }

    fn add_dictionary(&mut self, message: &Message<'_>, body: &Buffer) -> Result<(), BatchEnd> {
        let batch = message.header_as_dictionary_batch().ok_or_else(no_head)?;
        self.note(check(&batch.data().ok_or_else(no_head)?, body)?)?;
        let (schema, version) = (self.decoded_schema.clone(), message.version());
        decoded(|| read_dictionary(body, batch, &schema, &mut self.dictionaries, &version))?;
        // One that is added to is copied each time.
        let values = self.dictionaries.get(&batch.id());
        let n_bytes = values.map_or(0, |values| values.get_buffer_memory_size());
        self.note(n_bytes)
    }

    /// Counts the bytes that the input became.
    fn note(&mut self, n_bytes: usize) -> Result<(), BatchEnd> {
        Ok(self.growth.note(n_bytes as u64, self.n_read)?)
    }

    /// The head of the next message; `None` at the end of the stream.
    fn head(&mut self) -> Result<Option<Vec<u8>>, BatchEnd> {
        let mut start = [0; 4];
        if self.fill(&mut start)? == 0 {
            return if self.is_in_file {
                Err(BatchEnd::Cut)
            } else {
                Ok(None)
            };
        }
        if start == CONTINUATION {
            self.fill_all(&mut start)?;
        }
        let n_bytes = match i32::from_le_bytes(start) {
            0 => return self.ended().map(|()| None),
            n_bytes => usize::try_from(n_bytes).unwrap_or(usize::MAX),
        };
        if n_bytes > MAX_HEAD_BYTES {
            let what = format!("a message's head claims to be {n_bytes} bytes long");
            return Err(BatchEnd::Unreadable(what));
        }
        let mut head = Vec::new();
        let mut taken = self.input.by_ref().take(n_bytes as u64);
        let n = taken.read_to_end(&mut head).map_err(BatchEnd::Failed)?;
        self.n_read += n as u64;
        if n == n_bytes {
            Ok(Some(head))
        } else {
            Err(BatchEnd::Cut)
        }
    }

    /// The body of a message.
    fn body(&mut self, message: &Message<'_>) -> Result<Buffer, BatchEnd> {
        let n_bytes = usize::try_from(message.bodyLength()).unwrap_or(usize::MAX);
        if n_bytes > MAX_BODY_BYTES {
            let claimed = message.bodyLength();
            let what = format!("a batch claims to be {claimed} bytes long, and 4 GiB are read");
            return Err(BatchEnd::Unreadable(what));
        }
        let no_memory = |_| BatchEnd::no_memory(n_bytes);
        let first = n_bytes.min(FIRST_BODY_BYTES);
        let mut body = MutableBuffer::try_from_len_zeroed(first).map_err(no_memory)?;
        let mut n_filled = 0;
        loop {
            self.fill_all(&mut body.as_slice_mut()[n_filled..])?;
            n_filled = body.len();
            if n_filled == n_bytes {
                return Ok(body.into());
            }
            let longer = n_bytes.min(2 * n_filled);
            body.try_resize(longer, 0).map_err(no_memory)?;
        }
    }

    /// Whether the bytes end as well, now that the end mark was read. Behind the mark, a file has its
    /// index.
    fn ended(&mut self) -> Result<(), BatchEnd> {
        let n_more = io::copy(&mut self.input, &mut io::sink()).map_err(BatchEnd::Failed)?;
        if n_more == 0 || self.is_in_file {
            return Ok(());
        }
        let what = format!("{n_more} bytes follow the end of the Arrow stream");
        Err(BatchEnd::Unreadable(what))
    }

    /// Fills all of `part`, or nothing if the bytes are over.
    fn fill(&mut self, part: &mut [u8]) -> Result<usize, BatchEnd> {
        let is_over = loop {
            match io::BufRead::fill_buf(&mut self.input) {
                Ok(bytes) => break bytes.is_empty(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(BatchEnd::Failed(error)),
            }
        };
        if is_over {
            Ok(0)
        } else {
            self.fill_all(part).map(|()| part.len())
        }
    }

    fn fill_all(&mut self, part: &mut [u8]) -> Result<(), BatchEnd> {
        self.input.read_exact(part).map_err(BatchEnd::from_read)?;
        self.n_read += part.len() as u64;
        Ok(())
    }
}

/// The bytes of an Arrow file from its stream on: without the magic and the zeros behind it.
fn stream_inside(mut file: Bytes) -> Result<Bytes, BatchEnd> {
    let mut part = [0; PART_BYTES];
    file.read_exact(&mut part).map_err(BatchEnd::from_read)?;
    for _ in 0..MAX_FILE_HEAD_BYTES / PART_BYTES {
        file.read_exact(&mut part).map_err(BatchEnd::from_read)?;
        if part != [0; PART_BYTES] {
            break;
        }
    }
    Ok(Box::new(Cursor::new(part).chain(file)))
}

fn unchecked_fields(fields: &Fields) -> Fields {
    fields.iter().map(unchecked_field).collect()
}

fn unchecked_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(unchecked(field.data_type())))
}

/// A type with views of bytes for views of texts, which are laid out alike.
fn unchecked(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::BinaryView,
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(unchecked(values)))
        }
        DataType::List(field) => DataType::List(unchecked_field(field)),
        DataType::LargeList(field) => DataType::LargeList(unchecked_field(field)),
        DataType::ListView(field) => DataType::ListView(unchecked_field(field)),
        DataType::LargeListView(field) => DataType::LargeListView(unchecked_field(field)),
        DataType::FixedSizeList(field, n) => DataType::FixedSizeList(unchecked_field(field), *n),
        DataType::Struct(fields) => DataType::Struct(unchecked_fields(fields)),
        DataType::Map(field, is_sorted) => DataType::Map(unchecked_field(field), *is_sorted),
        DataType::RunEndEncoded(ends, values) => {
            DataType::RunEndEncoded(ends.clone(), unchecked_field(values))
        }
        DataType::Union(fields, mode) => {
            let fields = fields.iter();
            let fields = fields.map(|(id, field)| (id, unchecked_field(field)));
            DataType::Union(fields.collect(), *mode)
        }
        other => other.clone(),
    }
}

/// A message's head, with every offset in it verified.
fn parsed(head: &[u8]) -> Result<Message<'_>, BatchEnd> {
    root_as_message(head).map_err(|error| {
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default();
        BatchEnd::Unreadable(format!("the head of a message is damaged: {said}"))
    })
}

fn no_head() -> BatchEnd {
    BatchEnd::unreadable("a message lacks the head that it claims")
}

/// Checks what a batch claims against its body, and returns the number of bytes it becomes.
fn check(batch: &arrow_ipc::RecordBatch<'_>, body: &Buffer) -> Result<usize, BatchEnd> {
    let damaged = |what: String| Err(BatchEnd::Unreadable(what));
    if batch.length() < 0 {
        return damaged(format!("a batch claims {} rows", batch.length()));
    }
    for node in batch.nodes().iter().flatten() {
        let (n_rows, n_nulls) = (node.length(), node.null_count());
        if n_rows < 0 || n_nulls < 0 || n_nulls > n_rows {
            return damaged(format!(
                "a column claims {n_rows} rows, {n_nulls} of them null"
            ));
        }
    }
    let is_compressed = batch.compression().is_some();
    let mut n_grown: usize = 0;
    for buffer in batch.buffers().iter().flatten() {
        let (offset, length) = (buffer.offset(), buffer.length());
        let Some(bytes) = part(body, offset, length) else {
            let n_body = body.len();
            let what = format!("a buffer at {offset} of {length} bytes in {n_body}");
            return damaged(what);
        };
        let becomes = if is_compressed {
            grown(bytes)?
        } else {
            bytes.len()
        };
        n_grown = n_grown.saturating_add(becomes);
        if n_grown > grown_limit(body.len()) {
            let n_body = body.len();
            let what = format!("a batch of {n_body} bytes claims to become {n_grown}");
            return damaged(what);
        }
    }
    if is_compressed && !is_available(n_grown) {
        Err(BatchEnd::no_memory(n_grown))
    } else {
        Ok(n_grown)
    }
}

fn part(body: &Buffer, offset: i64, length: i64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    body.get(start..end)
}

/// Number of bytes that a compressed buffer claims to become.
fn grown(buffer: &[u8]) -> Result<usize, BatchEnd> {
    if buffer.is_empty() {
        return Ok(0);
    }
    let claimed = buffer
        .first_chunk::<8>()
        .map(|start| i64::from_le_bytes(*start));
    match claimed {
        // Data that did not shrink is stored uncompressed.
        Some(-1) => Ok(buffer.len() - 8),
        Some(claimed @ 0..) => Ok(usize::try_from(claimed).unwrap_or(usize::MAX)),
        _ => Err(BatchEnd::unreadable(
            "a compressed buffer without its length",
        )),
    }
}
