//! Spoilt files of every kind through whole commands, under a limit of memory: the program never dies,
//! says what is wrong, ends soon, and stores what is good beside them.
//!
//! By default a few hundred; `AKIN_FAULTS=full` tries many, and `AKIN_FUZZ_SEED` others.

use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::{Sandbox, data, is_full, papers, tiny_model};
use akin_testing::Dice;

/// The address space that a command may have, in KiB: half of it is what the program and its allocator
/// take at once.
const MEMORY_KIB: u64 = 3_000_000;

/// The longest that a command may take: files have a few kilobytes.
const LONGEST: Duration = Duration::from_secs(60);

/// A file that is spoilt, and what is done with it.
struct Case {
    name: String,
    bytes: Vec<u8>,
    use_of: Use,
}

#[derive(Clone, Copy)]
enum Use {
    Dump,
    Draft,
    Follows,
    Queries,
    /// A file of a folder of `tests/data/models`.
    Model(&'static str),
}

/// What lengths and counts are spoilt with.
const CLAIMS: &[&[u8]] = &[
    &[0],
    &[0xFF],
    &[0x7F],
    &[0, 0, 0, 0],
    &[0xFF, 0xFF, 0xFF, 0x7F],
    &[0xFF, 0xFF, 0xFF, 0xFF],
    &[0xFF, 0xFF, 0xFF, 0xFF, 0x07],
    &[0, 0, 0, 0, 2, 0, 0, 0],
    &[0, 0, 0, 0, 0, 1, 0, 0],
    &[0, 0, 0, 0, 0, 0, 0, 0x40],
    &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    b"1000000000",
    b"4611686018427387904",
    b"-1",
    b"1e308",
    b"null",
    b"[",
    b"{",
    b"\"",
    b"<",
    b"\\",
];

/// Spoils some bytes.
fn spoilt(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..[1, 1, 1, 2, 3, 8][dice.below(6)] {
        if bytes.is_empty() {
            break;
        }
        let n = bytes.len();
        let at = dice.below(n);
        let some = |dice: &mut Dice, most: usize| (at + 1 + dice.below(most)).min(n);
        match dice.below(8) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 | 2 => {
                let claim = CLAIMS[dice.below(CLAIMS.len())];
                let end = (at + claim.len()).min(n);
                bytes.splice(at..end, claim.iter().copied());
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..some(dice, 64))),
            5 => {
                let piece = bytes[at..some(dice, 200)].repeat([1, 2, 10, 300][dice.below(4)]);
                bytes.splice(at..at, piece);
            }
            6 => {
                let claim = CLAIMS[dice.below(CLAIMS.len())];
                bytes.splice(at..at, claim.iter().copied());
            }
            _ => {
                let from = dice.below(n);
                let piece = bytes[from..(from + 1 + dice.below(64)).min(n)].to_vec();
                let end = (at + piece.len()).min(n);
                bytes.splice(at..end, piece);
            }
        }
    }
    bytes
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Dumps of every format and every compression.
fn dumps() -> Vec<(String, Vec<u8>)> {
    let mut dumps: Vec<(String, Vec<u8>)> = ["seeds", "formats", "formats/daily"]
        .iter()
        .flat_map(|folder| files_in(&data(folder)))
        .map(|path| (name_of(&path), std::fs::read(&path).unwrap()))
        .collect();
    #[cfg(feature = "arrow")]
    dumps.extend(tables::all());
    let plain = papers(&[
        ("x1", "On fish", "Fish swim in schools."),
        ("x2", "On stars", "Stars are of gas."),
    ]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    dumps.push(("x.jsonl.gz".to_owned(), gzip.finish().unwrap()));
    let zstd = zstd::encode_all(plain.as_bytes(), 3).unwrap();
    dumps.push(("x.jsonl.zst".to_owned(), zstd));
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(plain.as_bytes()).unwrap();
    dumps.push(("x.jsonl.bz2".to_owned(), bzip2.finish().unwrap()));
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(plain.as_bytes()).unwrap();
    dumps.push(("x.jsonl.xz".to_owned(), xz.finish().unwrap()));
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a/x.jsonl", "y.jsonl"] {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        zip.write_all(plain.as_bytes()).unwrap();
    }
    dumps.push(("x.zip".to_owned(), zip.finish().unwrap().into_inner()));
    dumps
}

#[cfg(feature = "arrow")]
mod tables {
    //! Tables, compressed in every way.

    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{Compression, Encoding};
    use parquet::file::properties::{WriterProperties, WriterVersion};

    fn batch() -> RecordBatch {
        let long = "Fish swim in schools. ".repeat(20);
        let titles = StringArray::from(vec!["On fish", "On fishing", "On stars"]);
        let texts = StringArray::from(vec![long.as_str(), "Some words.", "Others."]);
        let mut authors = ListBuilder::new(StringBuilder::new());
        authors.extend([
            Some(vec![Some("Ada Mann"), Some("Bo Lee")]),
            None,
            Some(vec![]),
        ]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(UInt64Array::from(vec![1, 2, 3]))),
            ("title", Arc::new(titles)),
            ("abstract", Arc::new(texts)),
            ("authors", Arc::new(authors.finish())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    pub(super) fn all() -> Vec<(String, Vec<u8>)> {
        let batch = batch();
        let mut all = Vec::new();
        for codec in [
            None,
            Some(CompressionType::LZ4_FRAME),
            Some(CompressionType::ZSTD),
        ] {
            let options = IpcWriteOptions::default();
            let options = options.try_with_compression(codec).unwrap();
            let stream =
                StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options.clone());
            let mut stream = stream.unwrap();
            stream.write(&batch).unwrap();
            stream.write(&batch).unwrap();
            all.push(("x.arrows".to_owned(), stream.into_inner().unwrap()));
            let file = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options);
            let mut file = file.unwrap();
            file.write(&batch).unwrap();
            all.push(("x.arrow".to_owned(), file.into_inner().unwrap()));
        }
        for (codec, encoding, version) in [
            (Compression::SNAPPY, None, WriterVersion::PARQUET_1_0),
            (
                Compression::ZSTD(Default::default()),
                None,
                WriterVersion::PARQUET_2_0,
            ),
            (
                Compression::GZIP(Default::default()),
                Some(Encoding::PLAIN),
                WriterVersion::PARQUET_1_0,
            ),
            (
                Compression::LZ4_RAW,
                Some(Encoding::PLAIN),
                WriterVersion::PARQUET_2_0,
            ),
        ] {
            let properties = WriterProperties::builder()
                .set_compression(codec)
                .set_writer_version(version)
                .set_dictionary_enabled(encoding.is_none());
            let properties = match encoding {
                Some(encoding) => properties.set_encoding(encoding),
                None => properties,
            };
            let mut bytes = Vec::new();
            let properties = Some(properties.build());
            let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), properties).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            all.push(("x.parquet".to_owned(), bytes));
        }
        all
    }
}

/// A draft of each kind.
const DRAFTS: [&str; 3] = [
    "\\documentclass{a}\\newcommand{\\sys}{Akin}\\title{On \\emph{fish} and \\sys{}}\
     \\begin{document}\\begin{abstract}Fish~\\cite{a} swim in $n$ schools.\\end{abstract}",
    "---\ntitle: \"On fish\"\nabstract: |\n  Fish swim.\n---\n\n# Introduction\n\nNot this.\n",
    "On fish\n\nAda Mann\n\nAbstract\nFish swim in schools, as is well-\nknown.\n\n1 Introduction\n",
];

const FOLLOWS: &str = "[[follow]]\nname = \"fish\"\nquery = \"how fish swim\"\n\
                       categories = [\"cs.CL\"]\nauthors = [\"Ada Mann\"]\nmin-percentile = 99.0\n";

const QUERIES: &str =
    "{\"_id\": \"q1\", \"text\": \"fish\"}\n{\"_id\": \"q2\", \"text\": \"stars\"}\n";

/// Models, of each kind one.
const MODELS: [&str; 6] = [
    "tiny-bert-cls",
    "tiny-xlmr",
    "tiny-static",
    "tiny-model2vec",
    "tiny-qwen3",
    "tiny-layernorm",
];

fn cases() -> Vec<Case> {
    let case = |name: &str, bytes: &[u8], use_of| Case {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
        use_of,
    };
    let mut cases: Vec<Case> = dumps()
        .iter()
        .map(|(name, bytes)| case(name, bytes, Use::Dump))
        .collect();
    cases.extend(DRAFTS.map(|text| case("draft.txt", text.as_bytes(), Use::Draft)));
    cases.push(case("follows.toml", FOLLOWS.as_bytes(), Use::Follows));
    cases.push(case("queries.jsonl", QUERIES.as_bytes(), Use::Queries));
    for model in MODELS {
        let folder = data("models").join(model);
        let inner = ["1_Pooling", "2_Dense", "2_LayerNorm", "0_StaticEmbedding"];
        let mut paths = files_in(&folder);
        for inner in inner.map(|inner| folder.join(inner)) {
            if inner.is_dir() {
                paths.extend(files_in(&inner));
            }
        }
        for path in paths {
            let name = path.strip_prefix(&folder).unwrap().display().to_string();
            let bytes = std::fs::read(&path).unwrap();
            cases.push(case(&name, &bytes, Use::Model(model)));
        }
    }
    cases
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copied(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}

/// What was wrong with a command that was given a spoilt file.
fn wrong(
    (name, spoilt, use_of): (&str, &[u8], Use),
    is_sound: bool,
    dice: &mut Dice,
) -> Option<String> {
    let sandbox = Sandbox::new();
    let good = sandbox.file(
        "good.jsonl",
        papers(&[
            ("g1", "On ants", "Ants walk."),
            ("g2", "On bees", "Bees fly."),
        ]),
    );
    let model = match use_of {
        Use::Model(model) => {
            let folder = sandbox.path("model");
            copied(&data("models").join(model), &folder);
            sandbox.file(&format!("model/{name}"), spoilt);
            folder.display().to_string()
        }
        _ => tiny_model(),
    };
    let bad = sandbox.file(&format!("bad-{}", name.replace('/', "-")), spoilt);
    let vectors = sandbox.path("v.jsonl").display().to_string();
    let model = ["--model", &model];
    let needs_library = matches!(use_of, Use::Draft | Use::Follows | Use::Queries);
    if needs_library {
        sandbox.add(&[&good]);
    }
    let args: Vec<&str> = match use_of {
        Use::Dump => match dice.below(5) {
            0 => vec!["add", "--dry-run", &good, &bad],
            1 => vec!["embed", &good, &bad, "-o", &vectors],
            2 if !name.ends_with(".zip") => vec!["search", "fish", "--in", &bad],
            _ => vec!["add", "--json", &good, &bad],
        },
        Use::Draft => match dice.below(2) {
            0 => vec!["related", "--file", &bad],
            _ => vec!["related", "--file", &bad, "--in", &good],
        },
        Use::Follows => vec!["follow", "import", &bad],
        Use::Queries => vec!["search", "--file", &bad],
        Use::Model(_) => vec!["embed", &good, "-o", &vectors],
    };
    let takes_model = matches!(use_of, Use::Dump | Use::Model(_));
    let args = [&args[..], if takes_model { &model } else { &[] }].concat();
    let begun = Instant::now();
    let output = limited(sandbox.command(&args));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code();
    let ended = code.is_some_and(|code| (0..=2).contains(&code));
    let is_lost = || {
        let stores = args[0] == "add" && args[1] != "--dry-run";
        stores && sandbox.akin(&["show", "g2"]).code != Some(0)
    };
    let why = match () {
        () if begun.elapsed() >= LONGEST => "took too long".to_owned(),
        () if !ended => format!("code {code:?}, signal {:?}", output.status.signal()),
        () if said.contains("panicked") => "a panic".to_owned(),
        () if code == Some(2) && said.trim().is_empty() => "failed without a word".to_owned(),
        () if is_sound && code == Some(2) => "a sound file is refused".to_owned(),
        () if is_lost() => "the good papers are lost".to_owned(),
        () => return None,
    };
    let kept = std::env::temp_dir().join(format!("akin-spoilt-{}", name.replace('/', "-")));
    std::fs::write(&kept, spoilt).unwrap();
    Some(format!(
        "{why}: {args:?}, kept as {}\n{said}",
        kept.display()
    ))
}

/// Runs a command with limited memory and time.
fn limited(command: Command) -> Output {
    let mut limited = Command::new("timeout");
    let seconds = LONGEST.as_secs().to_string();
    let script = format!("ulimit -v {MEMORY_KIB} && exec \"$@\"");
    limited.args(["-k", "1", &seconds, "sh", "-c", &script, "akin"]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.stdin(Stdio::null()).process_group(0);
    limited.output().unwrap()
}

#[test]
fn no_spoilt_file_ends_the_program_or_costs_what_is_good() {
    let cases = cases();
    let n_runs = if is_full() { 20_000 } else { 250 };
    let seed = std::env::var("AKIN_FUZZ_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!(
        "{n_runs} runs over {} files, AKIN_FUZZ_SEED={seed}",
        cases.len()
    );
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let faults: Vec<String> = std::thread::scope(|scope| {
        let run = |thread: usize| {
            let mut dice = Dice::new(seed * 1000 + thread as u64);
            let mut faults = Vec::new();
            for _ in 0..n_runs / n_threads {
                // Of a kind of file as often as of another, however many there are.
                let Case {
                    name,
                    bytes,
                    use_of,
                } = loop {
                    let case = &cases[dice.below(cases.len())];
                    let is_model = matches!(case.use_of, Use::Model(_));
                    if is_model == (dice.below(3) == 0) {
                        break case;
                    }
                };
                let spoilt = spoilt(bytes, &mut dice);
                faults.extend(wrong((name, &spoilt, *use_of), false, &mut dice));
            }
            faults
        };
        let threads: Vec<_> = (0..n_threads)
            .map(|t| scope.spawn(move || run(t)))
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    });
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn what_is_not_spoilt_is_used() {
    let mut dice = Dice::new(1);
    for Case {
        name,
        bytes,
        use_of,
    } in cases()
    {
        let found = wrong((&name, &bytes, use_of), true, &mut dice);
        assert_eq!(found, None, "{name}");
    }
}
