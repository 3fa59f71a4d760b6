//! Judged queries, read from the files that the field keeps them in.
//!
//! Queries are JSON Lines (`_id` and `text`, as BEIR has them), TREC topics (`<top>`, `<num>`,
//! `<title>`) or lines of an id, a tab and a text; judgments are BEIR's three columns under a header
//! or TREC's four; a run has TREC's six. What a file is shows in its content.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
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

/// Where the parts of a task are.
#[derive(Debug, Clone)]
pub struct TaskFiles {
    /// The dump.
    pub corpus: PathBuf,
    /// The queries.
    pub queries: PathBuf,
    /// The judgments.
    pub qrels: PathBuf,
}

impl TaskFiles {
    /// Those of a BEIR folder; `split` names the judgments.
    pub fn of_beir(folder: &Path, split: &str) -> TaskFiles {
        TaskFiles {
            corpus: folder.join("corpus.jsonl"),
            queries: folder.join("queries.jsonl"),
            qrels: folder.join("qrels").join(format!("{split}.tsv")),
        }
    }
}

/// One query and which papers are relevant to it.
#[derive(Debug, Clone)]
pub struct JudgedQuery {
    /// Its id; where papers are the queries, that of the paper.
    pub id: String,
    /// Its text.
    pub text: String,
    /// At least one of them above 0.
    pub judgments: Judgments,
}

/// A run: the scored papers of each query.
pub type Run = HashMap<String, Vec<(PaperId, f32)>>;

#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id", alias = "id", alias = "query_id")]
    id: serde_json::Value,
    #[serde(default, alias = "query", alias = "title")]
    text: String,
}

impl Task {
    /// Reads a task; queries without a relevant judgment are left out, as BEIR does.
    ///
    /// # Errors
    /// [`Error::Read`] if a file is missing, [`Error::Malformed`] with file and line.
    pub fn read(files: &TaskFiles) -> Result<Task> {
        files
            .corpus
            .metadata()
            .map_err(Error::read(&files.corpus))?;
        let mut judged = read_qrels(&files.qrels)?;
        let mut queries = Vec::new();
        for (id, text) in read_queries(&files.queries)? {
            let judgments = judged.remove(&id).unwrap_or_default();
            if judgments.values().any(|grade| *grade > 0) {
                queries.push(JudgedQuery {
                    id,
                    text,
                    judgments,
                });
            }
        }
        Ok(Task {
            corpus: files.corpus.clone(),
            queries,
        })
    }
}

/// Queries with their ids, in the order of the file.
fn read_queries(path: &Path) -> Result<Vec<(String, String)>> {
    let mut start = [0; 64];
    let mut file = File::open(path).map_err(Error::read(path))?;
    let n = file.read(&mut start).map_err(Error::read(path))?;
    match start[..n].iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'<') => read_topics(path),
        Some(b'{') => read_lines(path, |line| {
            let query: QueryLine = serde_json::from_str(line).map_err(|e| e.to_string())?;
            let id = match query.id {
                serde_json::Value::String(id) => id,
                serde_json::Value::Number(id) => id.to_string(),
                _ => return Err("the id is neither text nor a number".to_owned()),
            };
            Ok((id, query.text))
        }),
        _ => read_lines(path, |line| {
            let (id, text) = line
                .split_once('\t')
                .ok_or("an id, a tab and a text are wanted")?;
            Ok((id.trim().to_owned(), text.trim().to_owned()))
        }),
    }
}

/// TREC topics: `<num>` with or without `Number:`, and `<title>`, each to the next mark.
fn read_topics(path: &Path) -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(path).map_err(Error::read(path))?;
    let mut topics = Vec::new();
    let mut line = 1;
    let mut pieces = text.split("<top>");
    line += pieces
        .next()
        .map_or(0, |before| before.matches('\n').count());
    for topic in pieces {
        let part = |mark: &str, label: &str| {
            let (_, rest) = topic.split_once(mark)?;
            let part = rest.split('<').next()?.trim();
            let part = part.strip_prefix(label).unwrap_or(part).trim();
            (!part.is_empty()).then(|| part.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let (Some(id), Some(title)) = (part("<num>", "Number:"), part("<title>", "Topic:")) else {
            return Err(Error::Malformed {
                path: path.to_owned(),
                line: line as u64,
                reason: "a topic without <num> or <title>".to_owned(),
            });
        };
        topics.push((id, title));
        line += topic.matches('\n').count();
    }
    Ok(topics)
}

/// Judgments by query: `query, paper, grade` with tabs, under a header; or TREC's `query, iteration,
/// paper, grade`.
fn read_qrels(path: &Path) -> Result<HashMap<String, Judgments>> {
    let mut judged: HashMap<String, Judgments> = HashMap::new();
    let mut is_first = true;
    let lines = read_lines(path, |line| {
        if std::mem::take(&mut is_first) && line.starts_with("query-id") {
            return Ok(None);
        }
        let by_tabs: Vec<&str> = line.split('\t').collect();
        let by_spaces: Vec<&str> = line.split_whitespace().collect();
        let (query, paper, grade) = match (&by_tabs[..], &by_spaces[..]) {
            ([query, paper, grade], _) => (*query, *paper, *grade),
            (_, [query, _, paper, grade]) => (*query, *paper, *grade),
            _ => return Err("a query, a paper and a grade are wanted".to_owned()),
        };
        let paper = PaperId::parse(paper).ok_or("the paper's id is empty")?;
        let grade: i32 = grade
            .trim()
            .parse()
            .map_err(|e| format!("grade {grade:?}: {e}"))?;
        Ok(Some((query.to_owned(), paper, grade)))
    })?;
    for (query, paper, grade) in lines.into_iter().flatten() {
        judged.entry(query).or_default().insert(paper, grade);
    }
    Ok(judged)
}

/// Reads a TREC run: `query Q0 paper rank score tag`.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`] with file and line.
pub fn read_run(path: &Path) -> Result<Run> {
    let mut run = Run::new();
    let lines = read_lines(path, |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [query, _, paper, _, score, ..] = fields[..] else {
            return Err("query, Q0, paper, rank, score and tag are wanted".to_owned());
        };
        let paper = PaperId::parse(paper).ok_or("the paper's id is empty")?;
        let score: f32 = score.parse().map_err(|e| format!("score {score:?}: {e}"))?;
        Ok((query.to_owned(), paper, score))
    })?;
    for (query, paper, score) in lines {
        run.entry(query).or_default().push((paper, score));
    }
    Ok(run)
}

/// What `parse` makes of every line that is not blank; what it complains of gets file and line.
fn read_lines<T>(path: &Path, mut parse: impl FnMut(&str) -> Result<T, String>) -> Result<Vec<T>> {
    let file = File::open(path).map_err(Error::read(path))?;
    let mut parsed = Vec::new();
    for (idx, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(Error::read(path))?;
        if line.trim().is_empty() {
            continue;
        }
        parsed.push(parse(&line).map_err(|reason| Error::Malformed {
            path: path.to_owned(),
            line: idx as u64 + 1,
            reason,
        })?);
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn queries_are_read_in_every_form() {
        let expected = [
            ("1".to_owned(), "what is it".to_owned()),
            ("q2".to_owned(), "and".to_owned()),
        ];
        for text in [
            "{\"_id\": 1, \"text\": \"what is it\"}\n\n{\"_id\":\"q2\",\"text\":\"and\",\"metadata\":{}}\n",
            "1\twhat is it\nq2\tand\n",
            "<top>\n<num> Number: 1\n<title> Topic: what\nis it\n<desc> More </top>\n<top><num>q2</num><title>and</title></top>",
        ] {
            assert_eq!(
                read_queries(written(text).path()).unwrap(),
                expected,
                "{text}"
            );
        }
        for (text, line) in [
            ("<top>\n<num> 1\n</top>", 1),
            ("1\ta\nb\n", 2),
            ("{\"_id\":[]}", 1),
        ] {
            let error = read_queries(written(text).path()).unwrap_err();
            assert!(
                matches!(error, Error::Malformed { line: at, .. } if at == line),
                "{error:?}"
            );
        }
    }

    #[test]
    fn judgments_and_runs_are_read() {
        let id = |text| PaperId::parse(text).unwrap();
        for text in [
            "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t0\n",
            "1 0 a 2\n1 0 b 0\n",
        ] {
            let judged = read_qrels(written(text).path()).unwrap();
            assert_eq!(
                judged["1"],
                Judgments::from([(id("a"), 2), (id("b"), 0)]),
                "{text}"
            );
        }
        assert!(read_qrels(written("1 a\n").path()).is_err());
        let run = read_run(written("1 Q0 a 1 0.5 tag\n1 Q0 b 2 0.25 tag\n").path()).unwrap();
        assert_eq!(run["1"], [(id("a"), 0.5), (id("b"), 0.25)]);
        assert!(read_run(written("1 Q0 a 1 x tag\n").path()).is_err());
    }
}
