//! The encoder against sentence-transformers: vectors made by `scripts/golden.py`.

use std::fs;

use akin::encoder::{Encoder, EncoderOptions, ModelSource, Role};
use akin::progress::Unobserved;
use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::data;

/// The cosine that every golden text must reach.
const COSINE_MIN: f64 = 0.99999;

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(x, y)| f64::from(*x) * f64::from(*y))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn embed(encoder: &Encoder, texts: &[&str]) -> Vec<Vec<f32>> {
    let embedded = encoder.embed(texts, Role::Passage, &Unobserved).unwrap();
    embedded.vectors.into_iter().map(Option::unwrap).collect()
}

fn bundled(max_tokens: Option<usize>, threads: Option<usize>) -> Encoder {
    let options = EncoderOptions {
        max_tokens,
        threads,
        ..EncoderOptions::default()
    };
    Encoder::load(&ModelSource::Bundled, &options).unwrap()
}

/// Rows of an `.npy` file of f32, as NumPy's format 1.0 has them.
fn read_npy(bytes: &[u8], dim: usize) -> Vec<Vec<f32>> {
    let header_bytes = 10 + u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let numbers: Vec<f32> = bytes[header_bytes..]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    numbers.chunks_exact(dim).map(<[f32]>::to_vec).collect()
}

struct Golden {
    texts: Vec<Value>,
    embeddings: Vec<Vec<f32>>,
}

impl Golden {
    fn read() -> Golden {
        let folder = data("golden/all-MiniLM-L6-v2");
        let texts = fs::read(folder.join("texts.json")).unwrap();
        let golden = Golden {
            texts: serde_json::from_slice(&texts).unwrap(),
            embeddings: read_npy(&fs::read(folder.join("embeddings.npy")).unwrap(), 384),
        };
        assert!(golden.texts.len() >= 48 && golden.texts.len() == golden.embeddings.len());
        golden
    }

    fn texts(&self) -> Vec<&str> {
        self.texts
            .iter()
            .map(|text| text["text"].as_str().unwrap())
            .collect()
    }

    fn name(&self, idx: usize) -> &str {
        self.texts[idx]["name"].as_str().unwrap()
    }
}

#[test]
fn every_golden_text_has_the_vector_of_sentence_transformers() {
    let golden = Golden::read();
    let vectors = embed(&bundled(None, None), &golden.texts());
    for (idx, (ours, theirs)) in vectors.iter().zip(&golden.embeddings).enumerate() {
        let cosine = cosine(ours, theirs);
        assert!(cosine >= COSINE_MIN, "{}: {cosine}", golden.name(idx));
    }
}

#[test]
fn a_text_alone_equals_the_same_text_in_any_batch_on_any_number_of_threads() {
    let golden = Golden::read();
    let texts = golden.texts();
    let one = bundled(None, Some(1));
    let together = embed(&one, &texts);
    let mut reversed: Vec<&str> = texts.clone();
    reversed.reverse();
    let mut backwards = embed(&bundled(None, Some(3)), &reversed);
    backwards.reverse();
    for (idx, text) in texts.iter().enumerate() {
        let alone = &embed(&one, &[text])[0];
        for other in [&together[idx], &backwards[idx]] {
            let largest = alone
                .iter()
                .zip(other)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(
                largest <= 1e-5,
                "{}: differs by {largest}",
                golden.name(idx)
            );
        }
    }
}

#[test]
fn tokens_are_counted_and_cut_as_sentence_transformers_does() {
    #[derive(Deserialize)]
    struct Counts {
        before: usize,
        after: usize,
    }
    let golden = Golden::read();
    let counts = fs::read(data("golden/all-MiniLM-L6-v2/token_counts.json")).unwrap();
    let counts: Vec<Counts> = serde_json::from_slice(&counts).unwrap();
    let encodings = bundled(None, None)
        .encode(&golden.texts(), Role::Passage)
        .unwrap();
    assert!(counts.iter().any(|count| count.before > 256));
    for (idx, (encoding, count)) in encodings.iter().zip(&counts).enumerate() {
        assert_eq!(encoding.ids.len(), count.after, "{}", golden.name(idx));
        assert_eq!(
            encoding.truncated,
            count.before > 256,
            "{}",
            golden.name(idx)
        );
    }
}

#[test]
fn a_higher_limit_sees_more_of_a_long_text() {
    let text = "sentence after sentence about the same thing ".repeat(60);
    for (limit, seen) in [(None, 256), (Some(512), 422), (Some(16), 16)] {
        let encodings = bundled(limit, None)
            .encode(&[&text], Role::Passage)
            .unwrap();
        assert_eq!(encodings[0].ids.len(), seen);
        assert_eq!(encodings[0].truncated, seen != 422);
    }
    let options = EncoderOptions {
        max_tokens: Some(513),
        ..EncoderOptions::default()
    };
    let error = Encoder::load(&ModelSource::Bundled, &options).unwrap_err();
    assert!(error.to_string().contains("512 positions"), "{error}");
}

fn check_folder(name: &str) {
    #[derive(Deserialize)]
    struct Case {
        texts: Vec<String>,
        embeddings: Vec<Vec<f32>>,
    }
    let folder = data("models").join(name);
    let case: Case =
        serde_json::from_slice(&fs::read(folder.join("golden.json")).unwrap()).unwrap();
    let encoder = Encoder::load(&ModelSource::Folder(folder), &EncoderOptions::default()).unwrap();
    assert!(case.texts.len() >= 20);
    let texts: Vec<&str> = case.texts.iter().map(String::as_str).collect();
    for (idx, (ours, theirs)) in embed(&encoder, &texts)
        .iter()
        .zip(&case.embeddings)
        .enumerate()
    {
        let cosine = cosine(ours, theirs);
        assert!(cosine >= COSINE_MIN, "{name}, {:?}: {cosine}", texts[idx]);
        let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!(
            (length(ours) / length(theirs) - 1.0).abs() < 1e-3,
            "{name}, {:?}",
            texts[idx]
        );
    }
}

#[test]
fn any_folder_of_berts_shape_gives_the_vectors_of_sentence_transformers() {
    check_folder("tiny-bert-cls");
    check_folder("tiny-bert-legacy");
}

/// Copies a model's folder, lets `spoil` change it, and gives what loading it complains of.
fn complaint(spoil: impl Fn(&std::path::Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let source = data("models/tiny-bert-cls");
    fs::create_dir_all(dir.path().join("1_Pooling")).unwrap();
    for file in [
        "config.json",
        "modules.json",
        "tokenizer.json",
        "model.safetensors",
        "sentence_bert_config.json",
        "1_Pooling/config.json",
    ] {
        fs::copy(source.join(file), dir.path().join(file)).unwrap();
    }
    spoil(dir.path());
    let source = ModelSource::Folder(dir.path().to_owned());
    Encoder::load(&source, &EncoderOptions::default())
        .unwrap_err()
        .to_string()
}

fn replace(path: std::path::PathBuf, from: &str, to: &str) {
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_its_reason() {
    let weights = "model.safetensors";
    let cut = |dir: &std::path::Path| {
        let bytes = fs::read(dir.join(weights)).unwrap();
        fs::write(dir.join(weights), &bytes[..bytes.len() / 2]).unwrap();
    };
    let pickled = |dir: &std::path::Path| {
        fs::rename(dir.join(weights), dir.join("pytorch_model.bin")).unwrap();
    };
    for (complaint, expected) in [
        (complaint(cut), "model.safetensors"),
        (complaint(pickled), "pickled"),
        (
            complaint(|dir| fs::remove_file(dir.join("tokenizer.json")).unwrap()),
            "tokenizer.json",
        ),
        (
            complaint(|dir| replace(dir.join("config.json"), "\"bert\"", "\"t5\"")),
            "its architecture is \"t5\"; known are: bert, roberta",
        ),
        (
            complaint(|dir| replace(dir.join("config.json"), "\"bert\"", "\"mpnet\"")),
            "attention.attn.",
        ),
        (
            complaint(|dir| {
                replace(
                    dir.join("modules.json"),
                    "pooling.Pooling",
                    "word_embeddings.WordEmbeddings",
                )
            }),
            "\"WordEmbeddings\"",
        ),
        (
            complaint(|dir| replace(dir.join("modules.json"), "pooling.Pooling", "dense.Dense")),
            "in_features",
        ),
        (
            complaint(|dir| {
                fs::write(
                    dir.join("sentence_bert_config.json"),
                    r#"{"max_seq_length": 6000}"#,
                )
                .unwrap();
            }),
            "a limit of 6000 tokens",
        ),
        (
            complaint(|dir| {
                replace(
                    dir.join("config.json"),
                    "\"hidden_size\": 32",
                    "\"hidden_size\": 64",
                )
            }),
            "numbers instead of",
        ),
        (
            complaint(|dir| {
                replace(
                    dir.join("config.json"),
                    "\"num_attention_heads\": ",
                    "\"num_attention_heads\": 1",
                )
            }),
            "do not divide a hidden width of 32",
        ),
        (
            complaint(|dir| replace(dir.join("config.json"), "\"gelu\"", "\"cosine\"")),
            "hidden_act is \"cosine\"; known are",
        ),
        (
            complaint(|dir| {
                let bytes = fs::read(dir.join(weights)).unwrap();
                let found = bytes.windows(5).position(|w| w == b"query").unwrap();
                let mut bytes = bytes;
                bytes[found..found + 5].copy_from_slice(b"qwery");
                fs::write(dir.join(weights), bytes).unwrap();
            }),
            "query",
        ),
    ] {
        assert!(complaint.contains(expected), "{complaint}");
    }
    let nowhere = ModelSource::Folder("no/such/folder".into());
    let error = Encoder::load(&nowhere, &EncoderOptions::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("no/such/folder"), "{error}");
}
