//! Tables: damage of every kind, and cells of every type.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, StructBuilder};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date64Array, Float32Array, Float64Array, Int8Array,
    RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;

use super::tests::{gzip, open, papers, read};
use super::*;

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

pub(super) fn two_batches() -> Vec<u8> {
    stream(&[texts(["a", "b"]), texts(["c", "d"])])
}

pub(super) fn arrow_file_of_two() -> Vec<u8> {
    let batches = [texts(["a", "b"]), texts(["c", "d"])];
    let mut writer = FileWriter::try_new(Vec::new(), &batches[0].schema()).expect("memory");
    for batch in &batches {
        writer.write(batch).expect("memory");
    }
    writer.into_inner().expect("memory")
}

pub(super) fn parquet_of_two() -> Vec<u8> {
    let mut bytes = Vec::new();
    let batch = texts(["a", "b"]);
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("memory");
    writer.write(&batch).expect("memory");
    writer.close().expect("memory");
    bytes
}

/// How many papers a dump gives, and whether it says that something is wrong.
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
    let wrong = "row 2: the id is bytes that are no UTF-8, not text";
    check_rows(
        vec![("title", titles), ("id", ids)],
        &["2503.11731", wrong, "On Z"],
    );
}
