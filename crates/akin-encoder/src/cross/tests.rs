//! Cross-encoders against sentence-transformers, on tiny random checkpoints of every architecture, and
//! the folders that are refused.

use std::path::PathBuf;

use std::path::Path;

use super::*;
use serde::Deserialize;

const ALL: [&str; 4] = ["bert", "roberta", "xlmr", "modernbert"];

/// What sentence-transformers gave (`scripts/tiny_cross_encoders.py`).
#[derive(Deserialize)]
struct Golden {
    pairs: Vec<(String, String)>,
    logits: Vec<f32>,
    scores: Vec<f32>,
    truncated: Vec<bool>,
    #[serde(default)]
    cls_logits: Vec<f32>,
}

fn folder(name: &str) -> PathBuf {
    akin_testing::data(&format!("models/tiny-cross-{name}"))
}

fn golden(name: &str) -> Golden {
    serde_json::from_slice(&std::fs::read(folder(name).join("golden.json")).unwrap()).unwrap()
}

/// A copy of a folder, to be spoilt.
fn copy(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

/// Replaces a text in a file that must hold it.
fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    std::fs::write(&path, text.replace(from, to)).unwrap();
}

fn load(folder: &Path) -> akin_base::error::Result<CrossEncoder> {
    CrossEncoder::load(&ModelSource::Folder(folder.to_owned()), Some(1))
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() < 1e-4 * (1.0 + b.abs()),
            "{what}, pair {i}: {a}, not {b}"
        );
    }
}

/// Each pair alone, and whether it was cut.
fn scores_alone(model: &CrossEncoder, golden: &Golden) -> (Vec<f32>, Vec<bool>) {
    let alone = |(query, passage): &(String, String)| {
        let scored = model.score(query, &[passage]).unwrap();
        (scored.scores[0], scored.n_truncated == 1)
    };
    golden.pairs.iter().map(alone).unzip()
}

#[test]
fn scores_are_those_of_sentence_transformers() {
    for name in ALL {
        let (golden, model) = (
            golden(name),
            CrossEncoder::load(&ModelSource::Folder(folder(name)), Some(2)).unwrap(),
        );
        let (scores, truncated) = scores_alone(&model, &golden);
        assert_close(&scores, &golden.scores, name);
        assert_eq!(truncated, golden.truncated, "{name}");
        assert!(
            truncated.contains(&true) && truncated.contains(&false),
            "{name}"
        );
        assert_eq!(model.max_tokens(), 64, "{name}");
    }
}

#[test]
fn a_score_does_not_depend_on_what_else_is_scored() {
    for name in ALL {
        let (golden, model) = (
            golden(name),
            CrossEncoder::load(&ModelSource::Folder(folder(name)), Some(2)).unwrap(),
        );
        let query = "how do fish swim in schools";
        let passages: Vec<&str> = golden
            .pairs
            .iter()
            .map(|(_, passage)| &passage[..])
            .collect();
        let together = model.score(query, &passages).unwrap().scores;
        let alone = passages
            .iter()
            .map(|p| model.score(query, &[p]).unwrap().scores[0]);
        assert_close(&together, &alone.collect::<Vec<_>>(), name);
        let n_different = together.windows(2).filter(|two| two[0] != two[1]).count();
        assert!(n_different > passages.len() / 2, "{name}: {together:?}");
    }
}

#[test]
fn the_activation_is_the_one_that_is_named_in_any_of_three_places_or_else_sigmoid() {
    let golden_roberta = golden("roberta");
    let check = |change: &dyn Fn(&Path), expected: &[f32]| {
        let copy = copy("roberta");
        change(copy.path());
        let model = load(copy.path()).unwrap();
        assert_close(
            &scores_alone(&model, &golden_roberta).0,
            expected,
            "roberta",
        );
    };
    let sigmoid: Vec<f32> = golden_roberta
        .logits
        .iter()
        .map(|x| 1.0 / (1.0 + (-x).exp()))
        .collect();
    let key = "\"sbert_ce_default_activation_function\"";
    check(&|_| (), &golden_roberta.logits);
    check(
        &|copy| edit(copy, "config.json", key, "\"something_else\""),
        &sigmoid,
    );
    check(
        &|copy| edit(copy, "config.json", "linear.Identity", "activation.Sigmoid"),
        &sigmoid,
    );
    let newer = "\"sentence_transformers\": {\"activation_fn\": \"torch.nn.Sigmoid\"}, ";
    check(
        &|copy| edit(copy, "config.json", key, &(newer.to_owned() + key)),
        &sigmoid,
    );
    let newest = "{\"activation_fn\": \"torch.nn.modules.activation.Sigmoid\"}";
    let name = "config_sentence_transformers.json";
    check(
        &|copy| std::fs::write(copy.join(name), newest).unwrap(),
        &sigmoid,
    );
}

#[test]
fn modernbert_pools_as_its_config_says() {
    let golden = golden("modernbert");
    let copy = copy("modernbert");
    let pooling = |to: &str| format!("\"classifier_pooling\": {to:?}");
    edit(
        copy.path(),
        "config.json",
        &pooling("mean"),
        &pooling("cls"),
    );
    edit(
        copy.path(),
        "config.json",
        "activation.Sigmoid",
        "linear.Identity",
    );
    let model = load(copy.path()).unwrap();
    assert_close(&scores_alone(&model, &golden).0, &golden.cls_logits, "CLS");
    let differs = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-3;
    assert!(golden.logits.iter().zip(&golden.cls_logits).any(differs));
}

#[test]
fn where_the_tokenizer_gives_no_types_the_second_text_is_of_the_first_type() {
    let copy = copy("bert");
    let names = "\"model_input_names\": [\"input_ids\"], \"model_max_length\"";
    edit(
        copy.path(),
        "tokenizer_config.json",
        "\"model_max_length\"",
        names,
    );
    let (golden, model) = (golden("bert"), load(copy.path()).unwrap());
    let scores = scores_alone(&model, &golden).0;
    let differs = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-3;
    assert!(scores.iter().zip(&golden.scores).any(differs), "{scores:?}");
}

/// Loads a spoilt copy, which must be refused with these words.
fn refused(name: &str, spoil: impl Fn(&Path), expected: &[&str]) {
    let copy = copy(name);
    spoil(copy.path());
    let error = load(copy.path()).unwrap_err().to_string();
    for words in expected {
        assert!(
            error.contains(words),
            "{name}: {error:?} does not say {words:?}"
        );
    }
}

/// Renames a tensor to a name of the same length.
fn rename_tensor(folder: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let path = folder.join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(from.len()).position(|w| w == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("no tensor {from}"));
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn folders_that_cannot_be_used_are_refused_with_the_reason() {
    for name in ALL {
        let weights = |folder: &Path| folder.join("model.safetensors");
        let pickled = |folder: &Path| {
            std::fs::rename(weights(folder), folder.join("pytorch_model.bin")).unwrap();
        };
        refused(
            name,
            pickled,
            &["pickled", "pytorch_model.bin", "model.safetensors only"],
        );
        let cut = |folder: &Path| {
            let bytes = std::fs::read(weights(folder)).unwrap();
            std::fs::write(weights(folder), &bytes[..bytes.len() / 2]).unwrap();
        };
        refused(name, cut, &["model.safetensors"]);
        let absent = |file: &'static str| {
            move |folder: &Path| std::fs::remove_file(folder.join(file)).unwrap()
        };
        refused(
            name,
            absent("model.safetensors"),
            &["it has no model.safetensors"],
        );
        refused(
            name,
            absent("tokenizer.json"),
            &["it has no tokenizer.json"],
        );
        refused(name, absent("config.json"), &["it has no config.json"]);
        let two = |folder: &Path| {
            edit(
                folder,
                "config.json",
                "\"0\": \"LABEL_0\"",
                "\"0\": \"a\", \"1\": \"b\"",
            );
        };
        refused(name, two, &["2 labels", "one score"]);
        let unsaid = |folder: &Path| edit(folder, "config.json", "\"id2label\"", "\"nothing\"");
        refused(name, unsaid, &["2 labels"]);
        let other = |folder: &Path| {
            edit(
                folder,
                "config.json",
                "ForSequenceClassification",
                "ForTokenClassification",
            );
        };
        refused(
            name,
            other,
            &[
                "ForTokenClassification, which scores no pairs; known are: BertForSequence",
                "ModernBert",
            ],
        );
        let fewer = |folder: &Path| {
            let path = folder.join("config.json");
            let text = std::fs::read_to_string(&path).unwrap();
            let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
            config["vocab_size"] = 100.into();
            std::fs::write(&path, config.to_string()).unwrap();
        };
        refused(name, fewer, &["model.safetensors"]);
    }
}

#[test]
fn a_tensor_that_is_missing_is_named() {
    for (model, tensor) in [
        ("bert", "bert.pooler.dense.weight"),
        ("bert", "classifier.bias"),
        ("bert", "bert.encoder.layer.1.output.dense.weight"),
        ("roberta", "classifier.out_proj.weight"),
        ("xlmr", "roberta.encoder.layer.0.attention.self.key.bias"),
        ("modernbert", "head.norm.weight"),
        ("modernbert", "model.layers.1.attn_norm.weight"),
        ("modernbert", "classifier.bias"),
    ] {
        let other = "x".repeat(tensor.len());
        let prefixes = ["bert.", "roberta.", "model."];
        let named = prefixes
            .iter()
            .find_map(|prefix| tensor.strip_prefix(prefix));
        let named = named.unwrap_or(tensor);
        refused(
            model,
            |folder| rename_tensor(folder, tensor, &other),
            &[named],
        );
    }
}

#[test]
fn a_tokenizer_that_knows_more_tokens_than_the_table_is_refused() {
    for name in ALL {
        let more = |folder: &Path| {
            let path = folder.join("tokenizer.json");
            let mut json: serde_json::Value =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let added = json["added_tokens"].as_array_mut().unwrap();
            let mut token = added[0].clone();
            token["content"] = "<one more>".into();
            token["id"] = 331.into();
            added.push(token);
            std::fs::write(&path, json.to_string()).unwrap();
        };
        refused(name, more, &["its tokenizer knows", "embedding table"]);
    }
}

#[test]
fn settings_that_are_not_known_are_refused_by_name() {
    let edited = |from: &'static str, to: &'static str| {
        move |folder: &Path| edit(folder, "config.json", from, to)
    };
    let gelu = |key: &str, other: &str| {
        (
            format!("\"{key}\": \"gelu\""),
            format!("\"{key}\": \"{other}\""),
        )
    };
    let (from, to) = gelu("hidden_act", "maxout");
    refused(
        "bert",
        |f| edit(f, "config.json", &from, &to),
        &["hidden_act"],
    );
    let (from, to) = gelu("classifier_activation", "silu");
    refused(
        "modernbert",
        |f| edit(f, "config.json", &from, &to),
        &["silu"],
    );
    let norm_bias = edited("\"norm_bias\": false", "\"norm_bias\": true");
    refused("modernbert", norm_bias, &["norm_bias"]);
    refused(
        "roberta",
        edited("linear.Identity", "activation.Tanh"),
        &["\"Tanh\"", "Sigmoid"],
    );
    let relative = edited("\"absolute\"", "\"relative_key\"");
    refused("xlmr", relative, &["relative_key"]);
    let dense = |f: &Path| edit(f, "modules.json", "transformer.Transformer", "dense.Dense");
    refused("bert", dense, &["dense.Dense"]);
    let prompted = |f: &Path| {
        let name = "config_sentence_transformers.json";
        edit(
            f,
            name,
            "\"default_prompt_name\": null",
            "\"default_prompt_name\": \"a\"",
        );
        edit(
            f,
            name,
            "\"prompts\": {}",
            "\"prompts\": {\"a\": \"Rank: \"}",
        );
    };
    refused("bert", prompted, &["Rank: "]);
}
