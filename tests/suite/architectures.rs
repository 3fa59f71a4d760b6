//! Every architecture and every module against sentence-transformers: tiny random checkpoints, made by
//! `scripts/tiny_encoders.py` together with the token ids and the vectors that they give.

use std::fs;

use akin::encoder::{DeviceChoice, Encoder, EncoderOptions, ModelSource, Precision, Role};
use akin::paper::{Paper, PaperId};
use akin::progress::Unobserved;
use serde::Deserialize;

use crate::sandbox::data;

/// How far a vector may be from the golden one, in its own lengths.
const DISTANCE_MAX: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    roles: Vec<String>,
    input_ids: Vec<Vec<u32>>,
    truncated: Vec<bool>,
    embeddings: Vec<Vec<f32>>,
    embeddings_16: Option<Vec<Vec<f32>>>,
}

fn encoder(name: &str, dim: Option<usize>) -> Encoder {
    encoder_on(name, dim, DeviceChoice::Cpu)
}

fn encoder_on(name: &str, dim: Option<usize>, device: DeviceChoice) -> Encoder {
    let options = EncoderOptions {
        dim,
        device,
        ..EncoderOptions::default()
    };
    Encoder::load(&ModelSource::Folder(data("models").join(name)), &options).unwrap()
}

/// The role of which the prompt is the one that the text was given; `None` where none is.
fn role(encoder: &Encoder, name: &str) -> Option<Role> {
    match name {
        "query" => Some(Role::Query),
        "passage" => Some(Role::Passage),
        "none" => [Role::Passage, Role::Query]
            .into_iter()
            .find(|role| encoder.recipe().prompt(*role).is_empty()),
        other => panic!("{other} is no role"),
    }
}

fn distance(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let length = |sum: f32| sum.sqrt();
    let apart = length(ours.iter().zip(theirs).map(|(a, b)| (a - b).powi(2)).sum());
    let long = length(theirs.iter().map(|b| b.powi(2)).sum());
    // A text without tokens is zeros in static embeddings.
    if long == 0.0 { apart } else { apart / long }
}

fn golden(name: &str) -> Golden {
    let path = data("models").join(name).join("golden.json");
    let golden: Golden = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert!(golden.texts.len() >= 14, "{name}");
    golden
}

fn check(name: &str) {
    let golden = golden(name);
    let whole = encoder(name, None);
    check_vectors(name, &golden, &whole, &golden.embeddings, DISTANCE_MAX);
    if let Some(short) = &golden.embeddings_16 {
        check_vectors(name, &golden, &encoder(name, Some(16)), short, DISTANCE_MAX);
    }
}

/// f16 has 11 bits, and the numbers of these checkpoints are large.
const GPU_DISTANCE_MAX: f32 = 5e-2;

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU and the feature cuda")]
fn every_architecture_on_a_gpu() {
    if let Err(error) = DeviceChoice::Cuda.describe()
        && akin_testing::require::missing("gpu", &error.to_string())
    {
        return;
    }
    for name in TESTED {
        let golden = golden(name);
        let encoder = encoder_on(name, None, DeviceChoice::Cuda);
        let computed_on = encoder.describe_arithmetic();
        assert!(!computed_on.contains("candle"), "{name}: {computed_on}");
        check_vectors(
            name,
            &golden,
            &encoder,
            &golden.embeddings,
            GPU_DISTANCE_MAX,
        );
    }
}

fn check_vectors(
    name: &str,
    golden: &Golden,
    encoder: &Encoder,
    expected: &[Vec<f32>],
    distance_max: f32,
) {
    let mut n_checked = 0;
    for (i, text) in golden.texts.iter().enumerate() {
        let Some(role) = role(encoder, &golden.roles[i]) else {
            continue;
        };
        let what = format!("{name}, {:?} of {text:?}", golden.roles[i]);
        let encoding = encoder.encode(&[text], role).unwrap().swap_remove(0);
        assert_eq!(encoding.ids, golden.input_ids[i], "{what}");
        assert_eq!(encoding.truncated, golden.truncated[i], "{what}");
        let embedded = encoder.embed(&[text], role, &Unobserved).unwrap();
        let vector = embedded.vectors[0].as_ref().unwrap();
        let distance = distance(vector, &expected[i]);
        assert!(distance <= distance_max, "{what}: {distance} away");
        n_checked += 1;
    }
    assert!(n_checked >= 10, "{name}: {n_checked} texts");
}

macro_rules! architectures {
    ($($test:ident: $folder:literal;)+) => {
        $(
            #[test]
            fn $test() {
                check($folder);
            }
        )+

        /// Folders that have a test.
        const TESTED: &[&str] = &[$($folder),+];
    };
}

architectures! {
    roberta: "tiny-roberta";
    xlm_roberta_with_prompts: "tiny-xlmr";
    distilbert_with_a_dense_module: "tiny-distilbert";
    mpnet: "tiny-mpnet";
    modernbert: "tiny-modernbert";
    nomicbert: "tiny-nomicbert";
    jinabert: "tiny-jinabert";
    gte: "tiny-gte";
    qwen3_at_both_dims: "tiny-qwen3";
    embeddinggemma: "tiny-embeddinggemma";
    model2vec: "tiny-model2vec";
    static_embedding: "tiny-static";
    a_layer_norm_behind_two_poolings: "tiny-layernorm";
    a_weighted_mean: "tiny-weightedmean";
}

#[test]
fn every_golden_folder_is_tested() {
    for entry in fs::read_dir(data("models")).unwrap() {
        let folder = entry.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let golden = fs::read_to_string(folder.path().join("golden.json"));
        if golden.is_ok_and(|golden| golden.contains("\"input_ids\"")) {
            assert!(TESTED.contains(&&*name), "{name} has no test");
        }
    }
}

#[test]
fn a_text_is_the_same_in_any_company() {
    for name in TESTED {
        let golden = golden(name);
        let encoder = encoder(name, None);
        let all = encoder
            .embed(&golden.texts, Role::Passage, &Unobserved)
            .unwrap();
        for (text, together) in golden.texts.iter().zip(&all.vectors) {
            let alone = encoder.embed(&[text], Role::Passage, &Unobserved).unwrap();
            assert_eq!(&alone.vectors[0], together, "{name}, {text:?}");
        }
    }
}

#[test]
fn int8_stays_close_where_it_is_asked_for() {
    for name in [
        "tiny-roberta",
        "tiny-mpnet",
        "tiny-modernbert",
        "tiny-qwen3",
    ] {
        let source = ModelSource::Folder(data("models").join(name));
        let texts = [
            "graph neural networks for molecules",
            "How do proteins fold?",
        ];
        let embed = |precision| {
            let options = EncoderOptions {
                precision,
                ..EncoderOptions::default()
            };
            let encoder = Encoder::load(&source, &options).unwrap();
            let embedded = encoder.embed(&texts, Role::Passage, &Unobserved).unwrap();
            embedded.vectors.into_iter().flatten().collect::<Vec<_>>()
        };
        let (rough, exact) = (embed(Precision::Int8), embed(Precision::F32));
        for (rough, exact) in rough.iter().zip(&exact) {
            let distance = distance(rough, exact);
            assert!(distance > 0.0 && distance < 0.3, "{name}: {distance}");
        }
    }
}

/// A copy of a model's folder under another name.
fn copied(name: &str, into: &std::path::Path) -> ModelSource {
    let source = data("models").join(name);
    for folder in ["", "1_Pooling"] {
        fs::create_dir_all(into.join(folder)).unwrap();
        for entry in fs::read_dir(source.join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() {
                fs::copy(entry.path(), into.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
    ModelSource::Folder(into.to_owned())
}

#[test]
fn specter_is_given_title_and_abstract_as_it_was_trained() {
    let dir = tempfile::tempdir().unwrap();
    let id = PaperId::parse("2401.00001").unwrap();
    let paper = Paper::new(id, "Fish", "How they swim.");
    let passage = |source| {
        let encoder = Encoder::load(&source, &EncoderOptions::default()).unwrap();
        encoder.recipe().passage_of(&paper)
    };
    let plain = passage(copied("tiny-bert-cls", &dir.path().join("plain")));
    assert_eq!(plain, "Fish. How they swim.");
    let specter = passage(copied("tiny-bert-cls", &dir.path().join("allenai-specter")));
    assert_eq!(specter, "Fish[SEP]How they swim.");
}

#[test]
fn texts_are_in_lower_case_where_the_folder_wants_it() {
    let dir = tempfile::tempdir().unwrap();
    let source = copied("tiny-roberta", dir.path());
    let ids = |text: &str| {
        let encoder = Encoder::load(&source, &EncoderOptions::default()).unwrap();
        encoder
            .encode(&[text], Role::Passage)
            .unwrap()
            .swap_remove(0)
            .ids
    };
    assert_ne!(ids("DARK Matter"), ids("dark matter"));
    let config = r#"{"max_seq_length": 64, "do_lower_case": true}"#;
    fs::write(dir.path().join("sentence_bert_config.json"), config).unwrap();
    assert_eq!(ids("DARK Matter"), ids("dark matter"));
}
