//! A BEIR folder: `queries.jsonl` and `qrels/<split>.tsv`; its `corpus.jsonl` is a dump.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Judgments;
use crate::error::{Error, Result};
use crate::paper::PaperId;

/// Queries with judgments, and where the corpus is.
#[derive(Debug, Clone)]
pub struct Task {
    /// The dump that the judgments speak of.
    pub corpus: PathBuf,
    /// The judged queries, in the order of the file.
    pub queries: Vec<JudgedQuery>,
}

/// One query and which papers are relevant to it.
#[derive(Debug, Clone)]
pub struct JudgedQuery {
    /// Its id.
    pub id: String,
    /// Its text.
    pub text: String,
    /// At least one of them above 0.
    pub judgments: Judgments,
}

#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id")]
    id: String,
    text: String,
}

impl Task {
    /// Reads a BEIR folder; queries without a relevant judgment are left out, as BEIR does.
    ///
    /// # Errors
    /// [`Error::Read`] if a file is missing, [`Error::Malformed`] with file and line.
    pub fn read_beir(folder: &Path, split: &str) -> Result<Task> {
        let corpus = folder.join("corpus.jsonl");
        corpus.metadata().map_err(Error::read(&corpus))?;
        let mut judged = read_qrels(&folder.join("qrels").join(format!("{split}.tsv")))?;
        let path = folder.join("queries.jsonl");
        let mut queries = Vec::new();
        for_each_line(&path, |line| {
            let query: QueryLine = serde_json::from_str(line).map_err(|e| e.to_string())?;
            let judgments = judged.remove(&query.id).unwrap_or_default();
            if judgments.values().any(|grade| *grade > 0) {
                queries.push(JudgedQuery {
                    id: query.id,
                    text: query.text,
                    judgments,
                });
            }
            Ok(())
        })?;
        Ok(Task { corpus, queries })
    }
}

/// Judgments by query: `query-id <tab> corpus-id <tab> score`, under a header line.
fn read_qrels(path: &Path) -> Result<HashMap<String, Judgments>> {
    let mut judged: HashMap<String, Judgments> = HashMap::new();
    let mut is_header = true;
    for_each_line(path, |line| {
        if std::mem::take(&mut is_header) && line.starts_with("query-id") {
            return Ok(());
        }
        let mut fields = line.split('\t');
        let (Some(query), Some(paper), Some(grade)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err("three fields separated by tabs are wanted".to_owned());
        };
        let paper = PaperId::parse(paper).ok_or("the paper's id is empty")?;
        let grade = grade
            .trim()
            .parse()
            .map_err(|e| format!("grade {grade:?}: {e}"))?;
        judged
            .entry(query.to_owned())
            .or_default()
            .insert(paper, grade);
        Ok(())
    })?;
    Ok(judged)
}

/// Calls `take` with every line that is not blank; what it complains of gets file and line.
fn for_each_line(path: &Path, mut take: impl FnMut(&str) -> Result<(), String>) -> Result<()> {
    let file = File::open(path).map_err(Error::read(path))?;
    for (idx, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(Error::read(path))?;
        if line.trim().is_empty() {
            continue;
        }
        take(&line).map_err(|reason| Error::Malformed {
            path: path.to_owned(),
            line: idx as u64 + 1,
            reason,
        })?;
    }
    Ok(())
}
