//! Tables: damage of every kind, and cells of every type.

use std::sync::Arc;
use std::time::Instant;

use akin_base::error::{Error, Result};
use arrow_array::builder::{ListBuilder, StringBuilder, StringViewBuilder, StructBuilder};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date64Array, DictionaryArray, Float32Array,
    Float64Array, Int8Array, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

use super::{gzip, open, papers, read};
use crate::frame::*;
use crate::record::*;
use crate::registry::*;
use crate::*;

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).expect("a table")
}

fn texts(ids: [&str; 2]) -> RecordBatch {
    let ids = StringArray::from(ids.to_vec());
    let words = StringArray::from(vec!["Some words.", "And some others."]);
    table(vec![("id", Arc::new(ids)), ("text", Arc::new(words))])
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).expect("memory");
    for batch in batches {
        writer.write(batch).expect("memory");
    }
    writer.into_inner().expect("memory")
}

pub(crate) fn two_batches() -> Vec<u8> {
    stream(&[texts(["a", "b"]), texts(["c", "d"])])
}

pub(crate) fn arrow_file_of_two() -> Vec<u8> {
    let batches = [texts(["a", "b"]), texts(["c", "d"])];
    let mut writer = FileWriter::try_new(Vec::new(), &batches[0].schema()).expect("memory");
    for batch in &batches {
        writer.write(batch).expect("memory");
    }
    writer.into_inner().expect("memory")
}

pub(crate) fn parquet_of_two() -> Vec<u8> {
    let mut bytes = Vec::new();
    let batch = texts(["a", "b"]);
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("memory");
    writer.write(&batch).expect("memory");
    writer.close().expect("memory");
    bytes
}

/// Number of papers that a dump gives, and whether it says that something is wrong.
fn outcome(bytes: &[u8]) -> (usize, bool) {
    let Ok(dump) = open("x", bytes) else {
        return (0, true);
    };
    let items: Vec<_> = dump.collect();
    let n_papers = items.iter().filter(|item| item.is_ok()).count();
    (n_papers, n_papers < items.len())
}

#[test]
fn a_stream_cut_anywhere_but_between_batches_says_so() {
    let whole = two_batches();
    assert_eq!(outcome(&whole), (4, false));
    let silent: Vec<usize> = (0..whole.len())
        .map(|end| outcome(&whole[..end]))
        .filter(|(_, is_wrong)| !is_wrong)
        .map(|(n_papers, _)| n_papers)
        .collect();
    assert_eq!(silent, [0, 2, 4]);
    for end in 0..gzip(&whole).len() {
        assert!(outcome(&gzip(&whole)[..end]).1, "{end} bytes of gzip");
    }
}

#[test]
fn an_arrow_file_cut_before_its_end_mark_says_so() {
    let whole = arrow_file_of_two();
    assert_eq!(
        open("x", &whole[..]).expect("a dump").format(),
        Format::ArrowFile
    );
    assert_eq!(outcome(&whole), (4, false));
    let end_mark = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
    let places = whole.windows(8).rposition(|bytes| bytes == end_mark);
    for end in 0..places.expect("an end mark") + 8 {
        assert!(outcome(&whole[..end]).1, "{end} bytes");
    }
}

#[test]
fn no_flipped_byte_is_worse_than_an_error() {
    let whole = two_batches();
    let n_wrong = (0..whole.len()).filter(|&at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        outcome(&bytes).1
    });
    assert!(n_wrong.count() > whole.len() / 10);
}

#[test]
fn a_damaged_parquet_file_is_an_error() {
    let whole = parquet_of_two();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.parquet");
    let outcome = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("a file");
        match Dump::open(&Source::File(path.clone()), &ReadOptions::default()) {
            Ok(dump) => dump.filter(Result::is_ok).count(),
            Err(_) => 0,
        }
    };
    assert_eq!(outcome(&whole), 2);
    for end in 0..whole.len() {
        assert_eq!(outcome(&whole[..end]), 0, "{end} bytes");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        assert!(outcome(&bytes) <= 2);
    }
}

#[test]
fn cells_of_every_type_are_read() {
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let mut codes = ListBuilder::new(StringBuilder::new());
    codes.extend([Some(vec![Some("cs.CL"), Some("cs.AI")])]);
    let name = Fields::from(vec![Field::new("name", DataType::Utf8, true)]);
    let mut people = ListBuilder::new(StructBuilder::from_fields(name, 1));
    let person = people.values();
    let field = person.field_builder::<StringBuilder>(0).expect("a name");
    field.append_value("Lovelace, Ada");
    person.append(true);
    people.append(true);
    let table = table(vec![
        ("PaperID", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("title", text("On X")),
        ("summary", text("We show X.")),
        ("categories", Arc::new(codes.finish())),
        ("authors", Arc::new(people.finish())),
        (
            "created",
            Arc::new(TimestampNanosecondArray::from(vec![-1])),
        ),
        ("updated", Arc::new(Date64Array::from(vec![86_400_000]))),
        ("upvotes", Arc::new(Int8Array::from(vec![7]))),
        ("venue", Arc::new(BooleanArray::from(vec![true]))),
        ("embedding", text("of no interest")),
    ]);
    let (_, papers) = papers("x", stream(&[table]));
    let paper = &papers[0];
    assert_eq!(paper.id.bare(), u64::MAX.to_string());
    assert_eq!(
        (paper.title.as_str(), paper.abstract_text.as_str()),
        ("On X", "We show X.")
    );
    assert_eq!(paper.categories, ["cs.CL", "cs.AI"]);
    assert_eq!(paper.authors, ["Ada Lovelace"]);
    let days = [paper.published, paper.updated].map(|day| day.expect("a day").to_string());
    assert_eq!(days, ["1969-12-31", "1970-01-02"]);
    assert_eq!((paper.upvotes, &paper.journal), (Some(7), &None));
}

#[test]
fn a_cell_that_is_too_long_is_rejected_and_the_rest_is_read() {
    let long = "x".repeat(MAX_LINE_BYTES + 1);
    let words = StringArray::from(vec![long.as_str(), "Some words."]);
    let ids = StringArray::from(vec!["a", "b"]);
    let table = table(vec![("id", Arc::new(ids)), ("text", Arc::new(words))]);
    let (_, items) = read("x", stream(&[table]));
    let first = items[0].as_ref().expect_err("too long");
    assert_eq!(first.to_string(), "row 1: longer than 8 MiB: skipped");
    assert!(items[1].is_ok() && items.len() == 2);
}

/// The papers of a table by their ids and titles, and rejections as they are shown.
#[track_caller]
fn check_rows(columns: Vec<(&str, ArrayRef)>, expected: &[&str]) {
    let shown: Vec<String> = match open("x", stream(&[table(columns)])) {
        Err(error) => vec![error.to_string()],
        Ok(dump) => dump
            .map(|item| match item {
                Ok(Item::Paper(record)) if record.paper.id.is_made() => record.paper.title,
                Ok(Item::Paper(record)) => {
                    let aliases = record.paper.aliases.iter().map(|id| format!(" {id}"));
                    record.paper.id.to_string() + &aliases.collect::<String>()
                }
                Ok(other) => format!("{other:?}"),
                Err(rejected) => rejected.to_string(),
            })
            .collect(),
    };
    assert_eq!(shown, expected);
}

fn strings(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

#[test]
fn a_table_with_titles_needs_no_ids() {
    let titles = || strings(&[Some("On X"), Some("On Y")]);
    check_rows(vec![("title", titles())], &["On X", "On Y"]);
    let ids = strings(&[Some("a"), None]);
    check_rows(vec![("title", titles()), ("id", ids)], &["a", "On Y"]);
    let texts = || strings(&[Some("On X."), Some("On Y.")]);
    check_rows(
        vec![("text", texts())],
        &["x cannot be read: no column is called `id` (its columns: text)"],
    );
    let ids = strings(&[Some("a"), None]);
    check_rows(
        vec![("abstract", texts()), ("id", ids)],
        &["a", "row 2: no id"],
    );
}

#[test]
fn ids_that_became_floats_are_ids() {
    let titles = || strings(&[Some("On X"), Some("On Y"), Some("On Z")]);
    let floats =
        |values: [Option<f64>; 3]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    check_rows(
        vec![
            ("title", titles()),
            ("id", floats([Some(95_000_001.0), None, Some(7.0)])),
            (
                "pmid",
                floats([Some(95_000_001.0), Some(f64::NAN), Some(7.5)]),
            ),
        ],
        &["95000001 pmid:95000001", "On Y", "7"],
    );
    let wrong = "row 2: the id is a number that is not whole, not text";
    let id = || floats([Some(17.0), Some(1.5), Some(704.0001)]);
    check_rows(
        vec![("title", titles()), ("id", id())],
        &["17", wrong, "0704.0001"],
    );
    let small: ArrayRef = Arc::new(Float32Array::from(vec![17.0, 18.0, 19.0]));
    check_rows(
        vec![("title", titles()), ("id", small)],
        &["17", "18", "19"],
    );
    let none = floats([Some(1.5), None, Some(0.25)]);
    let refused = "x cannot be read: the column `id` is of type Float64, not texts (Utf8, LargeUtf8, Utf8View, \
                   or a dictionary of them) or whole numbers";
    check_rows(vec![("title", titles()), ("id", none)], &[refused]);
}

#[test]
fn ids_in_bytes_are_text_or_rejected() {
    let titles = strings(&[Some("On X"), Some("On Y"), Some("On Z")]);
    let bytes: Vec<Option<&[u8]>> = vec![Some(b"2503.11731v2"), Some(b"\xFF\x00"), None];
    let ids: ArrayRef = Arc::new(BinaryArray::from(bytes));
    let wrong = "row 2: the id is bytes that are not UTF-8, not text";
    check_rows(
        vec![("title", titles), ("id", ids)],
        &["2503.11731", wrong, "On Z"],
    );
}

/// Two batches, compressed.
pub(crate) fn compressed_of_two(codec: CompressionType) -> Vec<u8> {
    let batches = [texts(["a", "b"]), texts(["c", "d"])].map(|batch| {
        // Buffers that do not shrink are not compressed.
        let words = "Some words. ".repeat(50);
        let words = StringArray::from(vec![words.as_str(), "And some others."]);
        let ids = batch.column(0).clone();
        table(vec![("id", ids), ("text", Arc::new(words))])
    });
    let options = IpcWriteOptions::default().try_with_compression(Some(codec));
    let options = options.expect("a codec that is built in");
    let schema = batches[0].schema();
    let writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options);
    let mut writer = writer.expect("memory");
    for batch in &batches {
        writer.write(batch).expect("memory");
    }
    writer.into_inner().expect("memory")
}

/// What lengths and counts are spoilt with.
const CLAIMS: [&[u8]; 7] = [
    &(1_u64 << 62).to_le_bytes(),
    &(1_u64 << 40).to_le_bytes(),
    &i64::MAX.to_le_bytes(),
    &(-2_i64).to_le_bytes(),
    &i32::MAX.to_le_bytes(),
    &[0xFF, 0xFF, 0xFF, 0xFF, 0x07],
    &[0, 0, 0, 0],
];

/// Every claim, at every `stride`-th place where it fits.
fn spoilt(whole: &[u8], stride: usize) -> impl Iterator<Item = Vec<u8>> {
    let places = (0..whole.len()).step_by(stride);
    let places = places.flat_map(|at| CLAIMS.map(|claim| (at, claim)));
    places.filter_map(|(at, claim)| {
        let mut bytes = whole.to_vec();
        let part = bytes.get_mut(at..at + claim.len())?;
        part.copy_from_slice(claim);
        Some(bytes)
    })
}

#[test]
fn no_claim_of_a_stream_is_believed() {
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let whole = compressed_of_two(codec);
        assert_eq!(outcome(&whole), (4, false));
        let n_wrong = spoilt(&whole, 1).filter(|bytes| outcome(bytes).1).count();
        assert!(n_wrong > whole.len(), "{n_wrong}");
    }
    for whole in [two_batches(), arrow_file_of_two()] {
        let n_wrong = spoilt(&whole, 1).filter(|bytes| outcome(bytes).1).count();
        assert!(n_wrong > whole.len(), "{n_wrong}");
    }
}

#[test]
fn a_batch_that_claims_too_much_ends_the_table_behind_the_batches_before_it() {
    let whole = compressed_of_two(CompressionType::ZSTD);
    // The length of the second batch's last buffer that did shrink.
    let length = (12 * 50 + 16_i64).to_le_bytes();
    let at = whole.windows(8).rposition(|bytes| bytes == length);
    let mut bytes = whole.clone();
    let at = at.expect("the length of the texts");
    bytes[at..at + 8].copy_from_slice(&(1_i64 << 62).to_le_bytes());
    let items: Vec<_> = open("x", bytes).expect("a dump").collect();
    assert!(items[0].is_ok() && items[1].is_ok() && items.len() == 3);
    let said = items[2].as_ref().expect_err("a claim").to_string();
    assert!(said.contains("claims to become 4611686018427"), "{said}");
}

#[test]
fn a_text_that_stands_a_million_times_in_a_row_is_not_copied() {
    let long = "x".repeat(1 << 20);
    let n = 1 << 20;
    let keys = Int8Array::from(vec![0; n]);
    let values: ArrayRef = Arc::new(StringArray::from(vec![long.as_str()]));
    let texts = DictionaryArray::new(keys, values);
    let field = Arc::new(Field::new_list_field(texts.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([n]);
    let authors = ListArray::new(field, offsets, Arc::new(texts), None);
    let table = table(vec![
        ("id", strings(&[Some("a")])),
        ("title", strings(&[Some("On X")])),
        ("authors", Arc::new(authors)),
    ]);
    let (_, items) = read("x", stream(&[table]));
    let said = items[0].as_ref().expect_err("too long").to_string();
    assert_eq!(said, "row 1: longer than 8 MiB: skipped");
}

#[test]
fn a_table_of_rows_without_bytes_ends() {
    let n = 1 << 40;
    let nulls: ArrayRef = Arc::new(NullArray::new(n));
    let table = table(vec![("id", nulls.clone()), ("title", nulls)]);
    let dump = open("x", stream(&[table])).expect("a dump");
    let last = dump.last().expect("rows").expect_err("no end");
    assert!(matches!(last.reason, Rejection::Bomb { .. }), "{last}");
}

/// What a Parquet file gives.
fn parquet_outcome(bytes: &[u8]) -> Result<Vec<Result<Item, Rejected>>, Error> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("a file");
    let source = Source::File(file.path().to_owned());
    Dump::open(&source, &ReadOptions::default()).map(Iterator::collect)
}

/// A Parquet file of texts and lists of them.
fn parquet(properties: WriterProperties, rows: &[(&str, &[&str])]) -> Vec<u8> {
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..rows.len()).map(|row| row.to_string()),
    ));
    let titles = StringArray::from_iter_values(rows.iter().map(|row| row.0));
    let mut authors = ListBuilder::new(StringBuilder::new());
    authors.extend(rows.iter().map(|row| Some(row.1.iter().map(Some))));
    let batch = table(vec![
        ("id", ids),
        ("title", Arc::new(titles)),
        ("authors", Arc::new(authors.finish())),
    ]);
    let mut bytes = Vec::new();
    let writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties));
    let mut writer = writer.expect("memory");
    writer.write(&batch).expect("memory");
    writer.close().expect("memory");
    bytes
}

/// Ways to write a Parquet file.
fn parquet_properties() -> Vec<WriterProperties> {
    let written = |codec, encoding: Option<Encoding>, version| {
        let builder = WriterProperties::builder()
            .set_compression(codec)
            .set_writer_version(version)
            .set_dictionary_enabled(encoding.is_none());
        match encoding {
            Some(encoding) => builder.set_encoding(encoding).build(),
            None => builder.build(),
        }
    };
    let (v1, v2) = (WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0);
    vec![
        written(Compression::SNAPPY, None, v1),
        written(Compression::GZIP(Default::default()), None, v2),
        written(
            Compression::ZSTD(Default::default()),
            Some(Encoding::PLAIN),
            v1,
        ),
        written(Compression::LZ4_RAW, Some(Encoding::DELTA_BYTE_ARRAY), v1),
        written(
            Compression::UNCOMPRESSED,
            Some(Encoding::DELTA_BYTE_ARRAY),
            v2,
        ),
        written(
            Compression::UNCOMPRESSED,
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
            v1,
        ),
    ]
}

const PARQUET_ROWS: [(&str, &[&str]); 3] = [
    ("On fish", &["Ada Lovelace", "Ada Mann"]),
    ("On fishing", &[]),
    ("On stars", &["Ada Lovelace"]),
];

#[test]
fn parquet_is_read_however_it_is_written() {
    for (n, properties) in parquet_properties().into_iter().enumerate() {
        let items = parquet_outcome(&parquet(properties, &PARQUET_ROWS)).expect("a dump");
        let papers = items.into_iter().map(|item| {
            let paper = item.expect("a record").into_paper().expect("a paper");
            (paper.title, paper.authors)
        });
        let expected = PARQUET_ROWS.map(|(title, authors)| {
            (
                title.to_owned(),
                authors
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect::<Vec<_>>(),
            )
        });
        assert_eq!(papers.collect::<Vec<_>>(), expected, "{n}");
    }
}

#[test]
fn no_claim_of_a_parquet_file_is_believed() {
    for properties in parquet_properties() {
        let whole = parquet(properties, &PARQUET_ROWS);
        let is_wrong = |bytes: &Vec<u8>| match parquet_outcome(bytes) {
            Ok(items) => items.iter().any(Result::is_err),
            Err(_) => true,
        };
        let n_wrong = spoilt(&whole, 7).filter(is_wrong).count();
        assert!(n_wrong > whole.len() / 20, "{n_wrong}");
    }
}

#[test]
fn texts_that_begin_as_the_one_before_are_counted_before_they_are_made() {
    let long = "x".repeat(1 << 20);
    let authors = vec![long.as_str(); 1 << 10];
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY)
        .build();
    let bytes = parquet(properties, &[("On X", &authors)]);
    assert!(bytes.len() < 3 << 20);
    let items = parquet_outcome(&bytes).expect("a dump");
    let said = items[0].as_ref().expect_err("too long").to_string();
    assert!(said.contains("claim to become"), "{said}");
}

#[test]
fn a_parquet_page_that_grows_beyond_its_claim_is_an_error() {
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::GZIP(Default::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let long = "x".repeat(200 << 20);
    let bytes = parquet(properties, &[(&long, &[])]);
    let items = parquet_outcome(&bytes).expect("a dump");
    let said = items[0].as_ref().expect_err("too long").to_string();
    assert!(said.contains("claim to become 209715"), "{said}");
}

#[test]
fn batches_that_grow_beyond_measure_end() {
    // Batches of a stream that become a lot and have no rows.
    let zeros = "\0".repeat(48 << 20);
    let words = StringArray::from(vec![zeros.as_str()]);
    let table = table(vec![
        ("id", strings(&[Some("a")])),
        ("text", Arc::new(words)),
    ]);
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD));
    let options = options.expect("a codec that is built in");
    let writer = StreamWriter::try_new_with_options(Vec::new(), &table.schema(), options);
    let mut writer = writer.expect("memory");
    for _ in 0..3 {
        writer.write(&table).expect("memory");
    }
    let bytes = writer.into_inner().expect("memory");
    assert!(bytes.len() < 64 << 10);
    let last = open("x", bytes).expect("a dump").last().expect("rows");
    let last = last.expect_err("no end");
    assert!(matches!(last.reason, Rejection::Bomb { .. }), "{last}");
}

#[test]
fn a_text_that_many_views_name_is_not_read_whole_for_each_of_them() {
    let text = "x".repeat(2 * MAX_LINE_BYTES);
    let mut views = StringViewBuilder::new();
    let block = views.append_block(text.as_bytes().into());
    let n = 10_000;
    // The builder checks each of them whole.
    let begun = Instant::now();
    for _ in 0..n {
        let all = u32::try_from(text.len()).expect("a length");
        views.try_append_view(block, 0, all).expect("a view");
    }
    let each_checked = begun.elapsed();
    let ids: Vec<String> = (0..n).map(|i| format!("p{i}")).collect();
    let ids = StringArray::from(ids);
    let views: ArrayRef = Arc::new(views.finish());
    let begun = Instant::now();
    let (_, items) = read(
        "x",
        stream(&[table(vec![("id", Arc::new(ids)), ("title", views)])]),
    );
    assert!(begun.elapsed() < each_checked / 2, "{:?}", begun.elapsed());
    let said = items[0].as_ref().expect_err("too long").to_string();
    assert_eq!(said, "row 1: longer than 8 MiB: skipped");
    assert_eq!(items.len(), n);
}

#[test]
fn texts_in_views_are_texts() {
    let texts = ["a", "A longer title of a paper"].map(Some);
    let views = || -> ArrayRef { Arc::new(StringViewArray::from(texts.to_vec())) };
    check_rows(
        vec![("id", views()), ("title", views())],
        &["a", "A longer title of a paper"],
    );
    let title = "A title with a broken \u{7f} in it";
    let titles: ArrayRef = Arc::new(StringViewArray::from(vec![title]));
    let bytes = stream(&[table(vec![("title", titles)])]);
    let bytes = bytes
        .iter()
        .map(|byte| if *byte == 0x7f { 0xff } else { *byte });
    let (_, found) = papers("x", bytes.collect::<Vec<u8>>());
    assert_eq!(found[0].title, "A title with a broken \u{fffd} in it");
}
