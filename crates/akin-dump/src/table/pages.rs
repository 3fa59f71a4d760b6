//! The pages of a Parquet file, each checked before it is decoded.
//!
//! In: a file, and one row group of it. Out: a [`FileReader`] for the `parquet` crate. Its pages
//! lie in the file, become no longer than their bytes allow, and claim no more values than they can
//! hold.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type as SchemaType;

use super::batch::{BatchEnd, grown_limit, is_available};
use super::delta;
use super::thrift::{Compact, STRUCT};
use crate::source::expansion::Growth;

/// How much of a page's head is read at first, and at most: it may hold statistics.
const PAGE_HEAD_BYTES: [usize; 2] = [1 << 10, 16 << 20];

/// Values of a column that repeats that a row group may have, however few bytes they come from.
const FREE_VALUES: u64 = 1 << 20;

/// Maximum number of values per byte of a column, beyond those: one per bit.
const VALUES_PER_BYTE: u64 = 8;

/// What a byte of gzip, and one of LZ4, can become.
const MAX_GZIP_RATIO: u64 = 1032;
const MAX_LZ4_RATIO: u64 = 255;

/// A page whose decoder takes no limit may become this long.
const UNLIMITED_BYTES: u64 = 1 << 30;

/// A file with one row group, whose pages are checked.
pub(super) struct CheckedGroup {
    pub(super) file: Arc<File>,
    pub(super) n_bytes: u64,
    pub(super) metadata: ParquetMetaData,
    /// What all pages of the file have become.
    pub(super) growth: Arc<Mutex<Growth>>,
}

impl FileReader for CheckedGroup {
    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    fn num_row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    fn get_row_group(&self, i: usize) -> Result<Box<dyn RowGroupReader + '_>, ParquetError> {
        Ok(Box::new(Columned {
            file: self,
            metadata: self.metadata.row_group(i),
        }))
    }

    fn get_row_iter(&self, _: Option<SchemaType>) -> Result<RowIter<'_>, ParquetError> {
        Err(ParquetError::NYI("rows are read as batches".to_owned()))
    }
}

/// The row group.
struct Columned<'a> {
    file: &'a CheckedGroup,
    metadata: &'a RowGroupMetaData,
}

impl RowGroupReader for Columned<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.metadata
    }

    fn num_columns(&self) -> usize {
        self.metadata.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>, ParquetError> {
        let chunk = self.metadata.column(i);
        let n_rows = usize::try_from(self.metadata.num_rows())?;
        Ok(Box::new(Pages::of(self.file, chunk, n_rows)?))
    }

    fn get_column_bloom_filter(&self, _: usize) -> Option<&parquet::bloom_filter::Sbbf> {
        None
    }

    fn get_row_iter(&self, _: Option<SchemaType>) -> Result<RowIter<'_>, ParquetError> {
        Err(ParquetError::NYI("rows are read as batches".to_owned()))
    }
}

/// The pages of a column in a row group, each checked before it is decoded.
struct Pages {
    inner: SerializedPageReader<File>,
    file: Arc<File>,
    compression: Compression,
    /// How deep its values lie in lists, and the number of parents that may be null.
    max_levels: [i16; 2],
    /// Where the next page begins, and where the last one ends.
    at: u64,
    end: u64,
    /// The bytes that were read, what they became, and the number of values.
    n_read: u64,
    n_grown: u64,
    n_values: u64,
    n_file_bytes: u64,
    growth: Arc<Mutex<Growth>>,
}

impl Pages {
    fn of(
        group: &CheckedGroup,
        chunk: &ColumnChunkMetaData,
        n_rows: usize,
    ) -> Result<Pages, ParquetError> {
        let (file, n_bytes) = (group.file.clone(), group.n_bytes);
        let (at, length) = chunk.byte_range();
        let end = at.checked_add(length).filter(|end| *end <= n_bytes);
        let Some(end) = end else {
            let what = format!("a column at {at} of {length} bytes in a file of {n_bytes}");
            return Err(ParquetError::General(what));
        };
        let column = chunk.column_descr();
        Ok(Pages {
            inner: SerializedPageReader::new(file.clone(), chunk, n_rows, None)?,
            file,
            compression: chunk.compression(),
            max_levels: [column.max_rep_level(), column.max_def_level()],
            at,
            end,
            n_read: 0,
            n_grown: 0,
            n_values: 0,
            n_file_bytes: n_bytes,
            growth: group.growth.clone(),
        })
    }

    /// Checks the head of the next page, and steps over it. Those of other kinds than data and
    /// dictionaries are stepped over by the `parquet` crate as well.
    fn check_next(&mut self) -> Result<(), ParquetError> {
        while self.at < self.end {
            let head = PageHead::read(&self.file, self.at, self.end)?;
            let start = self.at + head.n_bytes;
            let page_end = start
                .checked_add(head.n_stored)
                .filter(|end| *end <= self.end);
            let page_end = page_end.ok_or_else(|| {
                wrong(format!(
                    "a page of {} bytes at {} ends after its column",
                    head.n_stored, self.at
                ))
            })?;
            self.at = page_end;
            if !head.is_skipped() {
                return self.check(&head, start);
            }
        }
        Ok(())
    }

    fn check(&mut self, head: &PageHead, start: u64) -> Result<(), ParquetError> {
        self.n_read += head.n_stored;
        self.grow(head.n_grown)?;
        self.n_values += head.n_values;
        let n_values = match head.is_dictionary() {
            true => head.n_values.saturating_sub(head.n_grown * VALUES_PER_BYTE),
            false if self.max_levels[0] > 0 => self
                .n_values
                .saturating_sub(FREE_VALUES + self.n_grown * VALUES_PER_BYTE),
            false => 0,
        };
        if n_values > 0 {
            let n = head.n_values;
            return Err(wrong(format!(
                "a page of {} bytes claims {n} values",
                head.n_grown
            )));
        }
        let needed = usize::try_from(head.n_grown)?;
        if !is_available(needed) {
            return Err(wrong(BatchEnd::no_memory(needed).to_string()));
        }
        self.check_unlimited(head, start)
    }

    /// Counts the decoded size of a page.
    fn grow(&mut self, n_bytes: u64) -> Result<(), ParquetError> {
        self.n_grown = self.n_grown.saturating_add(n_bytes);
        let (n_read, n_grown) = (usize::try_from(self.n_read)?, self.n_grown);
        if n_grown > grown_limit(n_read) as u64 {
            let what = format!(
                "pages of {n_read} bytes claim to become {n_grown}, which is more than is read at \
                 once: write the file with smaller row groups, or uncompressed"
            );
            return Err(wrong(what));
        }
        let mut growth = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = growth.note(n_bytes, self.n_file_bytes);
        noted.map_err(|bomb| wrong(bomb.to_string()))
    }

    /// Decodes a page and discards it, if its decoder takes no limit and it may be a large one.
    fn check_unlimited(&self, head: &PageHead, start: u64) -> Result<(), ParquetError> {
        let too_long = |_| wrong("a page becomes longer than it claims".to_owned());
        match self.compression {
            Compression::GZIP(_) if head.n_stored > UNLIMITED_BYTES / MAX_GZIP_RATIO / 16 => {
                let mut file = self.file.try_clone()?;
                file.seek(SeekFrom::Start(start))?;
                let plain = MultiGzDecoder::new(io::BufReader::new(file.take(head.n_stored)));
                let n = io::copy(&mut plain.take(head.n_grown + 1), &mut io::sink())?;
                (n <= head.n_grown)
                    .then_some(())
                    .ok_or(())
                    .map_err(too_long)
            }
            Compression::LZ4 => {
                let is_short = head.n_stored <= UNLIMITED_BYTES / MAX_LZ4_RATIO;
                is_short.then_some(()).ok_or(()).map_err(too_long)
            }
            _ => Ok(()),
        }
    }

    /// Checks the counts inside a page against its length, if its encoding has counts. Those are
    /// lengths of texts as differences, which the decoder turns into lists, and prefixes shared
    /// with the previous text.
    fn check_inside(&mut self, page: &Page) -> Result<(), ParquetError> {
        let has_beginnings = match page.encoding() {
            Encoding::DELTA_BYTE_ARRAY => true,
            Encoding::DELTA_LENGTH_BYTE_ARRAY => false,
            _ => return Ok(()),
        };
        let broken = || wrong("the lengths of a page's texts break off".to_owned());
        let values = values_of(page, self.max_levels).ok_or_else(broken)?;
        let n_values = u64::from(page.num_values());
        let lengths = delta::sum(values, n_values).ok_or_else(broken)?;
        if !has_beginnings {
            return Ok(());
        }
        let rest = values.get(lengths.n_bytes..).ok_or_else(broken)?;
        delta::sum(rest, n_values).ok_or_else(broken)?;
        self.grow(lengths.sum)
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        self.check_next()?;
        let page = self.inner.get_next_page()?;
        if let Some(page) = &page {
            self.check_inside(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.check_next()?;
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool, ParquetError> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for Pages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// The values of a page, behind the levels that say which are null and which lists they are in.
fn values_of(page: &Page, max_levels: [i16; 2]) -> Option<&[u8]> {
    let (bytes, encodings) = match page {
        Page::DataPage {
            buf,
            rep_level_encoding,
            def_level_encoding,
            ..
        } => (buf, [*rep_level_encoding, *def_level_encoding]),
        Page::DataPageV2 {
            buf,
            rep_levels_byte_len,
            def_levels_byte_len,
            ..
        } => {
            let n_levels = u64::from(*rep_levels_byte_len) + u64::from(*def_levels_byte_len);
            return buf.get(usize::try_from(n_levels).ok()?..);
        }
        Page::DictionaryPage { buf, .. } => return Some(buf),
    };
    let mut rest = bytes.as_ref();
    for (encoding, max_level) in encodings.into_iter().zip(max_levels) {
        // Levels of another encoding are of files that have no differences.
        if max_level > 0 && encoding == Encoding::RLE {
            let (length, behind) = rest.split_first_chunk::<4>()?;
            let length = i32::from_le_bytes(*length);
            rest = behind.get(usize::try_from(length).ok()?..)?;
        }
    }
    Some(rest)
}

/// The part of a page's head that is examined.
#[derive(Default)]
struct PageHead {
    kind: i32,
    /// Bytes of the head itself.
    n_bytes: u64,
    /// Bytes of the page as stored.
    n_stored: u64,
    /// Bytes that it claims to become.
    n_grown: u64,
    n_values: u64,
}

impl PageHead {
    const DICTIONARY: i32 = 2;
    const INDEX: i32 = 1;

    fn is_dictionary(&self) -> bool {
        self.kind == PageHead::DICTIONARY
    }

    /// The page has no values.
    fn is_skipped(&self) -> bool {
        self.kind == PageHead::INDEX
    }

    fn read(mut file: &File, at: u64, end: u64) -> Result<PageHead, ParquetError> {
        for most in PAGE_HEAD_BYTES {
            file.seek(SeekFrom::Start(at))?;
            let mut bytes = Vec::new();
            let n_there = (end - at).min(most as u64);
            file.take(n_there).read_to_end(&mut bytes)?;
            if let Some(head) = PageHead::parse(&bytes) {
                return Ok(head);
            }
        }
        Err(wrong(format!("the head of the page at {at} is damaged")))
    }

    fn parse(bytes: &[u8]) -> Option<PageHead> {
        let mut compact = Compact::new(bytes);
        let mut head = PageHead::default();
        let counted = |number: i64| u64::try_from(number as i32).ok();
        compact.fields(|fields, number, kind| {
            match number {
                1 => head.kind = fields.integer()? as i32,
                2 => head.n_grown = counted(fields.integer()?)?,
                3 => head.n_stored = counted(fields.integer()?)?,
                5 | 7 | 8 if kind == STRUCT => fields.fields(|inner, number, kind| {
                    match number {
                        1 => head.n_values = counted(inner.integer()?)?,
                        _ => inner.skip(kind)?,
                    }
                    Some(())
                })?,
                _ => fields.skip(kind)?,
            }
            Some(())
        })?;
        head.n_bytes = (bytes.len() - compact.n_left()) as u64;
        Some(head)
    }
}

fn wrong(what: String) -> ParquetError {
    ParquetError::General(what)
}
