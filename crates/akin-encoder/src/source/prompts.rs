//! The prompts of queries and passages and the similarity of vectors: from the folder, else the defaults of
//! the model's family.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::folder::Folder;
use akin_base::error::Result;

/// The prompts of both roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prompts {
    pub(crate) query: String,
    pub(crate) passage: String,
}

#[derive(Default, Deserialize)]
struct SentenceTransformersConfig {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
    similarity_fn_name: Option<String>,
}

impl SentenceTransformersConfig {
    /// The first of these prompts that says something, else the default one, else none.
    fn prompt(&self, names: &[&str]) -> String {
        let named = names.iter().filter_map(|name| self.prompts.get(*name));
        let named = named.into_iter().find(|prompt| !prompt.is_empty());
        let default = || self.prompts.get(self.default_prompt_name.as_ref()?);
        named.or_else(default).cloned().unwrap_or_default()
    }
}

/// Model families that were trained with prompts which many of their folders lack: parts of the name, and
/// the prompts of queries and passages. The first match counts. From the model cards.
const FAMILIES: [(&[&str], &str, &str); 10] = [
    (&["e5", "instruct"], INSTRUCTED, ""),
    (&["e5-"], "query: ", "passage: "),
    (
        &["bge-", "-zh"],
        "为这个句子生成表示以用于检索相关文章：",
        "",
    ),
    (&["bge-", "-en"], REPRESENTED, ""),
    (&["mxbai-embed"], REPRESENTED, ""),
    (&["arctic-embed", "v2"], "query: ", ""),
    (&["arctic-embed"], REPRESENTED, ""),
    (&["nomic-embed-text"], "search_query: ", "search_document: "),
    (&["modernbert-embed"], "search_query: ", "search_document: "),
    (&["qwen3-embedding"], INSTRUCTED, ""),
];

const REPRESENTED: &str = "Represent this sentence for searching relevant passages: ";
const INSTRUCTED: &str = "Instruct: Given a web search query, retrieve relevant passages that answer \
                          the query\nQuery: ";

/// The similarity that the folder asks for, if it names one: `cosine`, `dot`, `euclidean` or `manhattan`.
pub(super) fn similarity(folder: &Folder) -> Result<Option<String>> {
    let config: Option<SentenceTransformersConfig> =
        folder.parse_if_there("config_sentence_transformers.json")?;
    Ok(config.and_then(|config| config.similarity_fn_name))
}

impl Prompts {
    /// The prompts of a folder, for a model of this name.
    pub(super) fn read(folder: &Folder, name: &str) -> Result<Prompts> {
        let config: Option<SentenceTransformersConfig> =
            folder.parse_if_there("config_sentence_transformers.json")?;
        let config = config.unwrap_or_default();
        // Newer versions list two empty prompts where there are none.
        if config.prompts.values().all(String::is_empty) {
            return Ok(Prompts::for_family(name));
        }
        Ok(Prompts {
            query: config.prompt(&["query"]),
            passage: config.prompt(&["document", "passage", "corpus"]),
        })
    }

    /// The prompts of the family that a name belongs to; empty if it belongs to none.
    fn for_family(name: &str) -> Prompts {
        let name = name.to_lowercase();
        let fits = |(parts, _, _): &&(&[&str], &str, &str)| parts.iter().all(|p| name.contains(p));
        let family = FAMILIES.iter().find(fits);
        family.map_or_else(Prompts::default, |(_, query, passage)| Prompts {
            query: (*query).to_owned(),
            passage: (*passage).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_their_names() {
        let check = |name: &str, query: &str, passage: &str| {
            let prompts = Prompts::for_family(name);
            assert_eq!(
                (&*prompts.query, &*prompts.passage),
                (query, passage),
                "{name}"
            );
        };
        check("intfloat/multilingual-e5-small", "query: ", "passage: ");
        check("e5-base-v2", "query: ", "passage: ");
        check("intfloat/multilingual-e5-large-instruct", INSTRUCTED, "");
        check("BAAI/bge-small-en-v1.5", REPRESENTED, "");
        check("BAAI/bge-m3", "", "");
        check(
            "nomic-ai/nomic-embed-text-v1.5",
            "search_query: ",
            "search_document: ",
        );
        check("Snowflake/snowflake-arctic-embed-m-v2.0", "query: ", "");
        check("all-MiniLM-L6-v2", "", "");
        check("thenlper/gte-small", "", "");
    }

    #[test]
    fn what_the_folder_says_goes_before_its_family() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder { path: dir.path() };
        let write = |json: &str| {
            std::fs::write(dir.path().join("config_sentence_transformers.json"), json).unwrap();
        };
        let read = || Prompts::read(&folder, "e5-small").unwrap();
        assert_eq!(read().query, "query: ");
        write(r#"{"prompts": {"query": "", "document": ""}}"#);
        assert_eq!(read().query, "query: ");
        write(r#"{"prompts": {"query": "find: ", "corpus": "text: "}}"#);
        let both = read();
        assert_eq!((&*both.query, &*both.passage), ("find: ", "text: "));
        write(r#"{"prompts": {"any": "say: "}, "default_prompt_name": "any"}"#);
        let both = read();
        assert_eq!((&*both.query, &*both.passage), ("say: ", "say: "));
    }
}
