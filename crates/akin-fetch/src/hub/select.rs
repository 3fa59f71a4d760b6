//! Selects the files of a repository that make a sentence-transformers model.
//!
//! A model is a body (`config.json`, `tokenizer.json`, weights) and modules after it, in folders
//! `1_…`, `2_…`. The body is in the repository's root, or in a folder `0_…` of old repositories.
//! Weights are safetensors, whole or sharded. Pickled files and files for other programs are left
//! out.

/// The list of modules, in order.
pub(super) const MODULES: &str = "modules.json";
/// The weights.
const WEIGHTS: &str = "model.safetensors";
/// The index of sharded weights.
const WEIGHTS_INDEX: &str = "model.safetensors.index.json";
/// The body's settings.
const CONFIG: &str = "config.json";
/// The body's tokenizer.
const TOKENIZER: &str = "tokenizer.json";

/// Files of a body or a module other than weights.
const SETTINGS: &[&str] = &[
    MODULES,
    CONFIG,
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
];
/// Texts about a model, for people.
const TEXTS: &[&str] = &[
    "LICENSE",
    "LICENSE.md",
    "LICENSE.txt",
    "NOTICE",
    "README.md",
];
/// Suffixes of pickled weights.
const PICKLED: &[&str] = &[".bin", ".ckpt", ".pkl", ".pt", ".pth"];

/// The files of a repository to fetch. `modules.json` comes last, so that an incomplete model is
/// never mistaken for one without modules.
///
/// # Errors
/// The reason why the model cannot be used: its weights are pickled, or a file is missing.
pub(super) fn wanted(names: &[String]) -> Result<Vec<String>, String> {
    let body = body_folder(names);
    if !has_weights(names, body) {
        return Err(no_weights(names, body));
    }
    if let Some(lacking) = lacking(names).first() {
        return Err(format!("it has no {lacking}"));
    }
    for folder in module_folders(names) {
        if pickled(names, folder).is_some() && !has_weights(names, folder) {
            return Err(no_weights(names, folder));
        }
    }
    let mut wanted: Vec<String> = names
        .iter()
        .filter(|name| is_wanted(name, names))
        .cloned()
        .collect();
    wanted.sort_by_key(|name| (name == MODULES, name.clone()));
    wanted.dedup();
    Ok(wanted)
}

/// The required files that are not among these.
pub(super) fn lacking(names: &[String]) -> Vec<String> {
    let body = body_folder(names);
    let mut lacking = Vec::new();
    for needed in [CONFIG, TOKENIZER] {
        if !has(names, body, needed) {
            lacking.push(format!("{body}{needed}"));
        }
    }
    if !has_weights(names, body) {
        lacking.push(format!("{body}{WEIGHTS}"));
    }
    lacking
}

/// The index of sharded weights, if they are used because there is no single file.
pub(super) fn index_of_shards(names: &[String]) -> Option<String> {
    let body = body_folder(names);
    let is_sharded = !has(names, body, WEIGHTS) && has(names, body, WEIGHTS_INDEX);
    is_sharded.then(|| format!("{body}{WEIGHTS_INDEX}"))
}

/// Whether a file is a text for people, and optional.
pub(super) fn is_text(name: &str) -> bool {
    TEXTS.contains(&name)
}

/// `0_Transformer/`, or nothing for the root.
fn body_folder(names: &[String]) -> &str {
    let has_any = |folder: &str| has_weights(names, folder) || pickled(names, folder).is_some();
    if has_any("") {
        return "";
    }
    let mut folders = module_folders(names);
    folders.retain(|folder| folder.starts_with("0_") && has_any(folder));
    folders.first().copied().unwrap_or_default()
}

/// The folders of modules, each with its `/`.
fn module_folders(names: &[String]) -> Vec<&str> {
    let mut folders: Vec<&str> = names
        .iter()
        .map(|name| parts(name).0)
        .filter(|folder| is_module_folder(folder))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

/// Whether this is a folder like `1_Pooling/`.
fn is_module_folder(folder: &str) -> bool {
    let Some((number, _)) = folder.split_once('_') else {
        return false;
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && folder.matches('/').count() == 1
}

/// The folder of a file with its `/`, and its name there.
fn parts(name: &str) -> (&str, &str) {
    name.split_at(name.rfind('/').map_or(0, |slash| slash + 1))
}

fn has(names: &[String], folder: &str, wanted: &str) -> bool {
    names.iter().any(|name| parts(name) == (folder, wanted))
}

fn has_weights(names: &[String], folder: &str) -> bool {
    has(names, folder, WEIGHTS) || has(names, folder, WEIGHTS_INDEX)
}

/// The pickled file in this folder that is most likely its weights.
fn pickled<'a>(names: &'a [String], folder: &str) -> Option<&'a str> {
    let mut found: Vec<&str> = names
        .iter()
        .filter(|name| parts(name).0 == folder)
        .map(String::as_str)
        .filter(|name| PICKLED.iter().any(|end| name.ends_with(end)))
        .filter(|name| parts(name).1 != "training_args.bin")
        .collect();
    found.sort_by_key(|name| (!name.contains("pytorch_model"), *name));
    found.first().copied()
}

fn no_weights(names: &[String], folder: &str) -> String {
    match pickled(names, folder) {
        Some(name) => format!(
            "its weights are pickled ({name}), which can run any code when they are read; akin \
             reads model.safetensors only, and nothing was fetched"
        ),
        None => format!("it has no {folder}{WEIGHTS}; nothing was fetched"),
    }
}

fn is_wanted(name: &str, names: &[String]) -> bool {
    let (folder, file) = parts(name);
    if folder.is_empty() && is_text(file) {
        return true;
    }
    if !folder.is_empty() && !is_module_folder(folder) {
        return false;
    }
    let is_whole = has(names, folder, WEIGHTS);
    let is_of_shards = file == WEIGHTS_INDEX || is_shard(file);
    SETTINGS.contains(&file) || file == WEIGHTS || (!is_whole && is_of_shards)
}

/// Whether this is a file like `model-00001-of-00002.safetensors`.
fn is_shard(file: &str) -> bool {
    let number = file.strip_prefix("model-");
    let number = number.and_then(|rest| rest.strip_suffix(".safetensors"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    number
        .and_then(|number| number.split_once("-of-"))
        .is_some_and(|(part, of)| is_digits(part) && is_digits(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn of_a_repository_with_everything_only_the_model_is_fetched() {
        let all = names(&[
            ".gitattributes",
            "1_Pooling/config.json",
            "2_Dense/config.json",
            "2_Dense/model.safetensors",
            "2_Dense/pytorch_model.bin",
            "README.md",
            "config.json",
            "config_sentence_transformers.json",
            "flax_model.msgpack",
            "model.safetensors",
            "modeling_custom.py",
            "modules.json",
            "onnx/config.json",
            "onnx/model.onnx",
            "openvino/openvino_model.bin",
            "pytorch_model.bin",
            "rust_model.ot",
            "sentence_bert_config.json",
            "special_tokens_map.json",
            "tf_model.h5",
            "tokenizer.json",
            "tokenizer_config.json",
            "train_script.py",
            "training_args.bin",
            "vocab.txt",
        ]);
        let expected = [
            "1_Pooling/config.json",
            "2_Dense/config.json",
            "2_Dense/model.safetensors",
            "README.md",
            "config.json",
            "config_sentence_transformers.json",
            "model.safetensors",
            "sentence_bert_config.json",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "modules.json",
        ];
        assert_eq!(wanted(&all).unwrap(), expected);
    }

    #[test]
    fn shards_are_fetched_where_there_is_no_whole_file() {
        let mut all = names(&[
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "pytorch_model-00001-of-00002.bin",
            "tokenizer.json",
        ]);
        let found = wanted(&all).unwrap();
        assert_eq!(found.len(), 5, "{found:?}");
        assert_eq!(
            index_of_shards(&all).as_deref(),
            Some("model.safetensors.index.json")
        );
        all.push("model.safetensors".to_owned());
        let found = wanted(&all).unwrap();
        assert_eq!(
            found,
            ["config.json", "model.safetensors", "tokenizer.json"]
        );
        assert_eq!(index_of_shards(&all), None);
    }

    #[test]
    fn an_old_body_is_in_a_folder_of_its_own() {
        let all = names(&[
            "0_Transformer/config.json",
            "0_Transformer/model.safetensors",
            "0_Transformer/tokenizer.json",
            "1_Pooling/config.json",
            "config.json",
            "modules.json",
        ]);
        assert_eq!(wanted(&all).unwrap().len(), 6);
        let without = &all[..2];
        assert_eq!(lacking(without), ["0_Transformer/tokenizer.json"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        for (files, reason) in [
            (
                &["config.json", "pytorch_model.bin", "tokenizer.json"][..],
                "pickled (pytorch_model.bin)",
            ),
            (
                &["0_BERT/config.json", "0_BERT/pytorch_model.bin"],
                "pickled (0_BERT/pytorch_model.bin)",
            ),
            (
                &[
                    "2_Dense/config.json",
                    "2_Dense/pytorch_model.bin",
                    "config.json",
                    "model.safetensors",
                    "tokenizer.json",
                ],
                "pickled (2_Dense/pytorch_model.bin)",
            ),
            (
                &["README.md", "model.Q4_K_M.gguf"],
                "it has no model.safetensors",
            ),
            (
                &["config.json", "model.safetensors", "vocab.txt"],
                "it has no tokenizer.json",
            ),
            (
                &["model.safetensors", "tokenizer.json"],
                "it has no config.json",
            ),
            (&[], "it has no model.safetensors"),
        ] {
            let found = wanted(&names(files)).unwrap_err();
            assert!(found.contains(reason), "{files:?}: {found}");
        }
    }
}
