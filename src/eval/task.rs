//! Judged queries, read from the files that the field keeps them in.
//!
//! Queries are JSON Lines (`_id` and `text`, as in BEIR), TREC topics (`<top>`, `<num>`,
//! `<title>`), or lines of an id, a tab and a text. Judgments are BEIR's three columns under a
//! header or TREC's four; a run has TREC's six. What a file is shows in its content. A byte order
//! mark before it is ignored.
//!
//! Files are read line by line, and no line or file of topics is read beyond a length: some have no end.
//!
//! Ids are taken literally, without surrounding white space. Anything that would count twice is
//! refused with file and line. That is a repeated query id, a document repeated under one query of
//! a run, or one judged again with another grade. So is a score that cannot be parsed as a number.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::metrics::Judgments;
use crate::dump::MAX_LINE_BYTES;
use crate::error::{Error, Result};
use crate::files;
use crate::index::lexical::MAX_QUESTION_BYTES;

/// What some programs put before UTF-8.
const BOM: &str = "\u{feff}";

/// The message for a file in another encoding.
const NOT_UTF8: &str = "it is not UTF-8 text; save the file as UTF-8";

/// Queries with judgments, and the path of the corpus.
#[derive(Debug, Clone)]
pub struct Task {
    /// The dump that the judgments are about.
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
    /// Its id; if documents are the queries, that of the document.
    pub id: String,
    /// Its text.
    pub text: String,
    /// At least one grade is above 0.
    pub judgments: Judgments,
}

/// A run: the scored documents of each query.
pub type Run = HashMap<String, Vec<(String, f32)>>;

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
    let mut file = BufReader::new(File::open(path).map_err(Error::read(path))?);
    let start = file.fill_buf().map_err(Error::read(path))?;
    let start = start.strip_prefix(BOM.as_bytes()).unwrap_or(start);
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    let first = first.copied();
    let mut met = HashSet::new();
    let mut once = |id: &str| {
        if met.insert(id.to_owned()) {
            Ok(id.to_owned())
        } else {
            Err(format!("the query {id:?} appears twice"))
        }
    };
    match first {
        Some(b'<') => read_topics(path, file, &mut once),
        Some(b'{') => lines_of(path, file, |line| {
            let query: QueryLine = serde_json::from_str(line).map_err(|e| e.to_string())?;
            let id = match query.id {
                serde_json::Value::String(id) => id,
                serde_json::Value::Number(id) => id.to_string(),
                _ => return Err("the id is neither text nor a number".to_owned()),
            };
            Ok((once(id.trim())?, asked(query.text)?))
        }),
        _ => lines_of(path, file, |line| {
            let (id, text) = line
                .split_once('\t')
                .ok_or("expected an id, a tab and a text")?;
            Ok((once(id.trim())?, asked(text.trim().to_owned())?))
        }),
    }
}

/// A query's text, unless it is longer than any question.
fn asked(text: String) -> Result<String, String> {
    if text.len() <= MAX_QUESTION_BYTES {
        Ok(text)
    } else {
        Err(format!(
            "the query's text is longer than {} KiB",
            MAX_QUESTION_BYTES >> 10
        ))
    }
}

/// TREC topics: `<num>` with or without `Number:`, and `<title>`, each to the next mark.
fn read_topics(
    path: &Path,
    file: impl Read,
    once: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<Vec<(String, String)>> {
    let bytes = files::read_whole(file).map_err(Error::read(path))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let (n_sound, bytes) = (e.utf8_error().valid_up_to(), e.as_bytes());
        let before = bytes[..n_sound].iter();
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        malformed(path, line, NOT_UTF8.to_owned())
    })?;
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
        let read = match (part("<num>", "Number:"), part("<title>", "Topic:")) {
            (Some(id), Some(title)) => once(&id).and_then(|id| Ok((id, asked(title)?))),
            _ => Err("a topic without <num> or <title>".to_owned()),
        };
        topics.push(read.map_err(|reason| malformed(path, line, reason))?);
        line += topic.matches('\n').count();
    }
    Ok(topics)
}

/// Judgments by query: `query, document, grade` with tabs, under a header; or TREC's `query, iteration,
/// document, grade`.
fn read_qrels(path: &Path) -> Result<HashMap<String, Judgments>> {
    let mut judged: HashMap<String, Judgments> = HashMap::new();
    let mut is_first = true;
    read_lines(path, |line| {
        if std::mem::take(&mut is_first) && line.starts_with("query-id") {
            return Ok(());
        }
        let by_tabs: Vec<&str> = line.split('\t').collect();
        let by_spaces: Vec<&str> = line.split_whitespace().collect();
        let (query, id, grade) = match (&by_tabs[..], &by_spaces[..]) {
            ([query, id, grade], _) => (query.trim(), *id, *grade),
            (_, [query, _, id, grade]) => (*query, *id, *grade),
            _ => return Err("expected a query, a document and a grade".to_owned()),
        };
        let id = document_id(id)?;
        let grade: i32 = grade
            .trim()
            .parse()
            .map_err(|e| format!("grade {grade:?}: {e}"))?;
        let of_query = judged.entry(query.to_owned()).or_default();
        match of_query.insert(id.clone(), grade) {
            Some(other) if other != grade => Err(format!(
                "the document {id:?} also has the grade {other} under the query {query:?}"
            )),
            _ => Ok(()),
        }
    })?;
    Ok(judged)
}

fn document_id(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the document's id is empty".to_owned()),
        id => Ok(id.to_owned()),
    }
}

/// Reads a TREC run: `query Q0 document rank score tag`, with tabs between them if ids hold spaces.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`] with file and line.
pub fn read_run(path: &Path) -> Result<Run> {
    let mut run = Run::new();
    let mut met: HashMap<String, HashSet<String>> = HashMap::new();
    read_lines(path, |line| {
        let by_tabs: Vec<&str> = line.split('\t').collect();
        let fields = match by_tabs.len() {
            5 | 6 => by_tabs,
            _ => line.split_whitespace().collect(),
        };
        let ([query, _, id, _, score] | [query, _, id, _, score, _]) = fields[..] else {
            return Err(format!(
                "expected query, Q0, document, rank, score and tag; found {} fields (ids with \
                 spaces need tabs between fields)",
                fields.len()
            ));
        };
        let (query, id, score) = (query.trim(), document_id(id)?, score.trim());
        let value: f32 = score
            .parse()
            .map_err(|_| format!("score {score:?}: expected a number"))?;
        if !value.is_finite() {
            return Err(format!("score {score:?}: expected a finite number"));
        }
        if !met.entry(query.to_owned()).or_default().insert(id.clone()) {
            return Err(format!(
                "the document {id:?} appears twice under the query {query:?}"
            ));
        }
        run.entry(query.to_owned()).or_default().push((id, value));
        Ok(())
    })?;
    Ok(run)
}

/// Parses every non-blank line of a file with `parse`; adds file and line to its errors.
fn read_lines<T>(path: &Path, parse: impl FnMut(&str) -> Result<T, String>) -> Result<Vec<T>> {
    let file = File::open(path).map_err(Error::read(path))?;
    lines_of(path, BufReader::new(file), parse)
}

/// The same of a file that is open.
fn lines_of<T>(
    path: &Path,
    mut file: impl BufRead,
    mut parse: impl FnMut(&str) -> Result<T, String>,
) -> Result<Vec<T>> {
    let mut parsed = Vec::new();
    let mut bytes = Vec::new();
    let mut at = 0;
    while next_line(&mut file, &mut bytes).map_err(Error::read(path))? {
        at += 1;
        let wrong = |reason: String| malformed(path, at, reason);
        if bytes.len() > MAX_LINE_BYTES {
            let n_mib = MAX_LINE_BYTES >> 20;
            return Err(wrong(format!("the line is longer than {n_mib} MiB")));
        }
        let line = std::str::from_utf8(&bytes).map_err(|_| wrong(NOT_UTF8.to_owned()))?;
        let line = match at {
            1 => line.strip_prefix(BOM).unwrap_or(line),
            _ => line,
        };
        if line.trim().is_empty() {
            continue;
        }
        parsed.push(parse(line).map_err(wrong)?);
    }
    Ok(parsed)
}

/// Reads a line, without its end, or as much of it as shows that it is too long; whether there was one.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    // Its end may be of two bytes.
    let most = MAX_LINE_BYTES as u64 + 2;
    let n_read = file.by_ref().take(most).read_until(b'\n', line)?;
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    Ok(n_read > 0)
}

fn malformed(path: &Path, line: usize, reason: String) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        line: line as u64,
        reason,
    }
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
        let id = str::to_owned;
        for text in [
            "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t0\n",
            "\u{feff}query-id\tcorpus-id\tscore\r\n1\ta\t2\r\n1\tb\t0\r\n",
            "1 0 a 2\n1 0 b 0\n",
            "\u{feff}1 0 a 2\n1 0 b 0\n1 0 a 2\n",
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
        let with_mark = "\u{feff}1\tQ0\ta b\t1\t0.5\ttag\n1 Q0 b 2 -2.5e-1\n";
        let run = read_run(written(with_mark).path()).unwrap();
        assert_eq!(run["1"], [(id("a b"), 0.5), (id("b"), -0.25)]);
    }

    #[test]
    fn what_would_count_twice_or_is_no_number_is_refused_with_its_line() {
        let check = |error: Result<()>, at: u64, what: &str| match error.unwrap_err() {
            Error::Malformed { line, reason, .. } => {
                assert!(line == at && reason.contains(what), "line {line}: {reason}");
            }
            other => panic!("{other}"),
        };
        let run = |text: &str| read_run(written(text).path()).map(drop);
        let twice = "q1 Q0 d1 1 3.0 t\nq2 Q0 d1 1 3.0 t\nq1 Q0 d2 2 2.5 t\nq1 Q0 d1 3 2.0 t\n";
        check(run(twice), 4, "\"d1\" appears twice under the query \"q1\"");
        for bad in ["nan", "NaN", "-nan", "inf", "-Infinity", "1e99", "x", ""] {
            check(
                run(&format!("q Q0 a 1 0.5 t\nq\tQ0\tb\t2\t{bad}\tt\n")),
                2,
                "score",
            );
        }
        let qrels = |text: &str| read_qrels(written(text).path()).map(drop);
        check(qrels("q 0 d 1\nq 0 d 2\n"), 2, "also has the grade 1");
        check(qrels("q\td\t1\nq\t \t1\n"), 2, "empty");
        let queries = |text: &str| read_queries(written(text).path()).map(drop);
        check(queries("1\ta\n2\tb\n1\tc\n"), 3, "twice");
        check(queries("{\"_id\": 1}\n{\"_id\": \"1\"}\n"), 2, "twice");
        let topic = "<top><num>1</num><title>a</title></top>\n";
        check(queries(&topic.repeat(2)), 2, "twice");
    }

    #[test]
    fn what_has_no_end_or_is_no_text_is_refused_with_its_line() {
        type Read = fn(&Path) -> Result<()>;
        let readers: [Read; 3] = [
            |path| read_queries(path).map(drop),
            |path| read_qrels(path).map(drop),
            |path| read_run(path).map(drop),
        ];
        let check = |bytes: &[u8], at: u64, what: &str| {
            for read in readers {
                let file = tempfile::NamedTempFile::new().unwrap();
                std::fs::write(file.path(), bytes).unwrap();
                match read(file.path()).unwrap_err() {
                    Error::Malformed { line, reason, .. } => {
                        assert!(line == at && reason.contains(what), "line {line}: {reason}");
                    }
                    other => panic!("{other}"),
                }
            }
        };
        check(b"\n\n\xff\xfe1\x00\t\n", 3, "save the file as UTF-8");
        let endless = [&b"\n"[..], &vec![0; MAX_LINE_BYTES + 10]].concat();
        check(&endless, 2, "longer than 8 MiB");
        for read in readers {
            if Path::new("/dev/zero").exists() {
                let error = read(Path::new("/dev/zero")).unwrap_err();
                assert!(error.to_string().contains("longer than 8 MiB"), "{error}");
            }
        }
        let topics = |bytes: &[u8]| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            read_queries(file.path()).unwrap_err().to_string()
        };
        let said = topics(b"<top>\n<num>1</num>\n<title>\xe9</title></top>\n");
        assert!(said.contains("line 3: it is not UTF-8 text"), "{said}");
        let long = vec![b'<'; (64 << 20) + 1];
        assert!(topics(&long).contains("cannot read"), "{}", topics(&long));
    }

    #[test]
    fn a_query_is_no_book() {
        let check = |head: &str, tail: &str| {
            let read = |n: usize| {
                read_queries(written(&[head, &"a ".repeat(n), "b", tail].concat()).path())
            };
            assert_eq!(read(MAX_QUESTION_BYTES / 2 - 1).unwrap().len(), 1);
            let said = read(MAX_QUESTION_BYTES).unwrap_err().to_string();
            assert!(
                said.contains("line 1: the query's text is longer than 64 KiB"),
                "{said}"
            );
        };
        check("1\t", "\n");
        check("{\"_id\":1,\"text\":\"", "\"}\n");
        check("<top><num>1</num><title>", "</title></top>");
    }
}
