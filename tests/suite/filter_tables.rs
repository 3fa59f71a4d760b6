//! `akin embed` between Arrow streams and Parquet files.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, StringViewArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::sandbox::{Ran, Sandbox, tiny_model};

const DIM: usize = 32;

/// Runs `akin embed` with the tiny model, and gives stdout as bytes.
fn embed(sandbox: &Sandbox, args: &[&str], stdin: &[u8]) -> (Vec<u8>, Ran) {
    let model = tiny_model();
    let args = [&["embed", "--model", &model], args].concat();
    let mut output = sandbox.piped(&args, stdin);
    let stdout = std::mem::take(&mut output.stdout);
    (stdout, Ran::of(output))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

/// Ids and texts `t{i}`.
fn texts(range: std::ops::Range<usize>) -> RecordBatch {
    let ids = range.clone().map(|i| format!("t{i}"));
    let words = range.map(|i| format!("Text number {i}."));
    let column = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    batch(vec![
        ("id", column(ids.collect())),
        ("text", column(words.collect())),
    ])
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches
        .iter()
        .for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn file(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default()
        .try_with_compression(compression)
        .unwrap();
    let schema = batches[0].schema();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    batches
        .iter()
        .for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn parquet(batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batches[0].schema(), None).unwrap();
    batches
        .iter()
        .for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
    bytes
}

/// Ids and vectors as they were written.
type Rows = Vec<(String, Vec<f32>)>;

fn rows(batches: impl IntoIterator<Item = RecordBatch>) -> Rows {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["id", "embedding"]);
        let lists = batch.column(1).as_fixed_size_list();
        for row in 0..batch.num_rows() {
            let list = lists.value(row);
            let vector = match list.data_type() {
                DataType::Float16 => {
                    let halves = list.as_primitive::<Float16Type>().values().iter();
                    halves.map(|x| x.to_f32()).collect()
                }
                _ => list.as_primitive::<Float32Type>().values().to_vec(),
            };
            rows.push((
                batch.column(0).as_string::<i32>().value(row).to_owned(),
                vector,
            ));
        }
    }
    rows
}

fn rows_of_stream(bytes: &[u8]) -> Rows {
    rows(
        StreamReader::try_new(bytes, None)
            .unwrap()
            .map(Result::unwrap),
    )
}

fn rows_of_parquet(path: &std::path::Path) -> Rows {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap());
    rows(builder.unwrap().build().unwrap().map(Result::unwrap))
}

fn rows_of_json(ran: &[u8]) -> Rows {
    let row = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let numbers = value["embedding"].as_array().unwrap().iter();
        let vector = numbers.map(|x| x.as_f64().unwrap() as f32).collect();
        (value["id"].as_str().unwrap().to_owned(), vector)
    };
    std::str::from_utf8(ran).unwrap().lines().map(row).collect()
}

#[test]
fn an_arrow_stream_goes_in_and_one_comes_out_in_order() {
    let sandbox = Sandbox::new();
    let input = stream(&[texts(0..300), texts(300..301), texts(301..700)]);
    let (stdout, ran) = embed(&sandbox, &["-", "--verbose"], &input);
    let ran = ran.exits(0);
    let found = rows_of_stream(&stdout);
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let expected: Vec<String> = (0..700).map(|i| format!("t{i}")).collect();
    assert_eq!(ids, expected, "{ran:?}");
    assert!(found.iter().all(|(_, vector)| vector.len() == DIM));
    assert!(stdout.ends_with(&[255, 255, 255, 255, 0, 0, 0, 0]));
}

#[test]
fn the_same_vectors_come_out_in_every_format_and_type() {
    let sandbox = Sandbox::new();
    let input = stream(&[texts(0..50)]);
    for dtype in ["f32", "f16"] {
        let args = ["-", "--dtype", dtype];
        let arrow = rows_of_stream(&embed(&sandbox, &args, &input).0);
        assert_eq!(arrow.len(), 50);
        let json = embed(
            &sandbox,
            &[&args[..], &["--format", "jsonl"]].concat(),
            &input,
        )
        .0;
        let halves = |rows: &Rows| -> Vec<half::f16> {
            let numbers = rows.iter().flat_map(|(_, vector)| vector);
            numbers.map(|x| half::f16::from_f32(*x)).collect()
        };
        let json = rows_of_json(&json);
        assert_eq!(halves(&json), halves(&arrow));
        assert_eq!(json == arrow, dtype == "f32");
        for name in ["v.parquet", "v.arrows"] {
            let path = sandbox.path(name);
            let to = path.display().to_string();
            embed(&sandbox, &[&args[..], &["-o", &to]].concat(), &input)
                .1
                .exits(0);
            let written = match name {
                "v.parquet" => rows_of_parquet(&path),
                _ => rows_of_stream(&std::fs::read(path).unwrap()),
            };
            assert_eq!(written, arrow, "{name} {dtype}");
        }
    }
}

#[test]
fn texts_and_ids_are_read_in_every_type_that_holds_them() {
    let sandbox = Sandbox::new();
    let words = ["One.", "Two.", "One."];
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![7, 8, -9]));
    let plain: ArrayRef = Arc::new(StringArray::from(words.to_vec()));
    let input = stream(&[batch(vec![("id", ids.clone()), ("text", plain)])]);
    let expected = rows_of_stream(&embed(&sandbox, &["-"], &input).0);
    assert_eq!(
        expected.iter().map(|(id, _)| id).collect::<Vec<_>>(),
        ["7", "8", "-9"]
    );
    let dictionary: DictionaryArray<Int32Type> = words.into_iter().collect();
    let columns: [ArrayRef; 3] = [
        Arc::new(LargeStringArray::from(words.to_vec())),
        Arc::new(StringViewArray::from(words.to_vec())),
        Arc::new(dictionary),
    ];
    for text in columns {
        let kind = text.data_type().to_string();
        let table = [batch(vec![("Text", text), ("_id", ids.clone())])];
        let inputs = [
            ("stream", stream(&table)),
            ("file", file(&table, None)),
            ("lz4", file(&table, Some(CompressionType::LZ4_FRAME))),
            ("zstd", file(&table, Some(CompressionType::ZSTD))),
            ("parquet", parquet(&table)),
        ];
        for (name, bytes) in inputs {
            let dump = sandbox.file(name, bytes);
            let (stdout, ran) = embed(&sandbox, &[&dump, "--format", "arrow"], b"");
            assert_eq!(
                rows_of_stream(&stdout),
                expected,
                "{kind} in {name}: {ran:?}"
            );
        }
    }
}

#[test]
fn what_akin_writes_has_no_text_and_says_so() {
    let sandbox = Sandbox::new();
    let to = sandbox.path("v.parquet").display().to_string();
    embed(&sandbox, &["-", "-o", &to], &stream(&[texts(0..3)]))
        .1
        .exits(0);
    let ran = embed(&sandbox, &[&to], b"").1.exits(2);
    assert!(ran.stderr.contains("`title` or `text`"), "{ran:?}");
}

/// A table that cannot be read at all.
#[track_caller]
fn check_refused(columns: Vec<(&str, ArrayRef)>, says: &[&str]) {
    let sandbox = Sandbox::new();
    let table = [batch(columns)];
    for (name, bytes) in [("t.arrows", stream(&table)), ("t.parquet", parquet(&table))] {
        let dump = sandbox.file(name, bytes);
        let (stdout, ran) = embed(&sandbox, &[&dump], b"");
        let ran = ran.exits(2);
        assert!(stdout.is_empty() && ran.stderr.contains(name), "{ran:?}");
        assert!(
            says.iter().all(|part| ran.stderr.contains(part)),
            "{says:?}: {ran:?}"
        );
    }
}

#[test]
fn columns_that_are_missing_or_of_a_wrong_type_are_named() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let float: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
    let whole: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let blob: ArrayRef = Arc::new(arrow_array::BinaryArray::from_vec(vec![b"x"]));
    check_refused(vec![("text", text.clone())], &["`id`", "its columns: text"]);
    check_refused(
        vec![("id", text.clone()), ("body", text.clone())],
        &["`text`", "id, body"],
    );
    check_refused(
        vec![("id", float), ("text", text.clone())],
        &["`id`", "Float64"],
    );
    check_refused(
        vec![("id", text.clone()), ("text", whole)],
        &["`text`", "Int64"],
    );
    check_refused(vec![("id", text), ("Text", blob)], &["`Text`", "Binary"]);
}

#[test]
fn null_and_empty_rows_are_rejected_by_their_number() {
    let ids = StringArray::from(vec![Some("a"), Some("b"), None, Some("d"), Some("e")]);
    let words = StringArray::from(vec![
        Some("One."),
        None,
        Some("Two."),
        Some(" "),
        Some("3."),
    ]);
    let table = [batch(vec![
        ("id", Arc::new(ids)),
        ("text", Arc::new(words)),
    ])];
    let sandbox = Sandbox::new();
    for (name, bytes) in [("t.arrows", stream(&table)), ("t.parquet", parquet(&table))] {
        let dump = sandbox.file(name, bytes);
        let (stdout, ran) = embed(&sandbox, &[&dump], b"");
        let ran = ran.exits(1);
        let ids: Vec<String> = rows_of_any(&stdout).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["a", "e"]);
        for says in ["row 2: empty", "row 3: no id", "row 4: empty"] {
            assert!(ran.stderr.contains(&format!("{name}, {says}")), "{ran:?}");
        }
        let ran = embed(&sandbox, &[&dump, "--strict"], b"").1.exits(2);
        assert!(ran.stderr.contains("row 2 (id \"b\")"), "{ran:?}");
    }
}

fn rows_of_any(stdout: &[u8]) -> Rows {
    if stdout.starts_with(b"{") {
        rows_of_json(stdout)
    } else {
        rows_of_stream(stdout)
    }
}

#[test]
fn a_stream_that_is_cut_gives_what_came_before_and_fails() {
    let sandbox = Sandbox::new();
    let whole = stream(&[texts(0..300), texts(300..600)]);
    let (stdout, ran) = embed(&sandbox, &["-"], &whole[..whole.len() - 1000]);
    let ran = ran.exits(2);
    assert_eq!(rows_of_stream(&stdout).len(), 300);
    let says = "error: standard input, row 301: the dump is cut off here";
    assert!(ran.stderr.contains(says), "{ran:?}");
    let to = sandbox.path("kept.parquet");
    let args = ["-", "-o", &to.display().to_string()];
    embed(&sandbox, &args, &whole[..whole.len() - 1000])
        .1
        .exits(2);
    assert_eq!(rows_of_parquet(&to).len(), 300);

    let begun = sandbox.file("begun.arrows", &whole[..100]);
    let ran = embed(&sandbox, &[&begun], b"").1.exits(2);
    assert!(ran.stderr.contains("begun.arrows is damaged"), "{ran:?}");
    let whole = parquet(&[texts(0..300)]);
    let cut = sandbox.file("cut.parquet", &whole[..whole.len() - 9]);
    let ran = embed(&sandbox, &[&cut], b"").1.exits(2);
    assert!(ran.stderr.contains("cut.parquet is damaged"), "{ran:?}");
}

#[test]
fn two_streams_after_one_another_are_not_taken_for_one() {
    let two = [stream(&[texts(0..2)]), stream(&[texts(2..4)])].concat();
    let (stdout, ran) = embed(&Sandbox::new(), &["-"], &two);
    assert_eq!(rows_of_stream(&stdout).len(), 2);
    assert!(
        ran.exits(2)
            .stderr
            .contains("follow the end of the Arrow stream")
    );
}

#[test]
fn a_stream_without_rows_gives_one() {
    let (stdout, ran) = embed(&Sandbox::new(), &["-"], &stream(&[texts(0..0)]));
    ran.exits(0);
    let reader = StreamReader::try_new(&stdout[..], None).unwrap();
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let embedding = DataType::FixedSizeList(item, DIM as i32);
    let fields = vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("embedding", embedding, false),
    ];
    assert_eq!(*reader.schema(), Schema::new(fields));
    assert_eq!(reader.count(), 0);
}

#[test]
fn parquet_through_a_pipe_is_refused_with_what_to_do() {
    let (stdout, ran) = embed(&Sandbox::new(), &["-"], &parquet(&[texts(0..2)]));
    let ran = ran.exits(2);
    assert!(
        stdout.is_empty() && ran.stderr.contains("name a file"),
        "{ran:?}"
    );
}

#[test]
fn a_table_of_papers_is_a_dump_like_any_other() {
    let sandbox = Sandbox::new();
    let column = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let days: ArrayRef = Arc::new(arrow_array::Date32Array::from(vec![20_454]));
    let names = vec![Some(vec![Some("Ada Lovelace"), Some("Kurt Gödel")])];
    let mut lists =
        arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
    lists.extend(names);
    let table = batch(vec![
        ("id", column("arXiv:2503.11731v2")),
        ("title", column("On X")),
        ("abstract", column("We show X.")),
        ("authors", Arc::new(lists.finish())),
        ("published", days),
    ]);
    let dump = sandbox.file("papers.parquet", parquet(&[table]));
    sandbox.add(&[&dump]);
    let shown = &sandbox
        .akin(&["show", "2503.11731", "--json"])
        .exits(0)
        .json()[0];
    assert_eq!(
        shown["authors"],
        serde_json::json!(["Ada Lovelace", "Kurt Gödel"])
    );
    assert_eq!(shown["published"], "2026-01-01");
}
