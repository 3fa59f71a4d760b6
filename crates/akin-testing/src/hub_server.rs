//! A hub on this machine with one model, which misbehaves as it is told to and notes what it was
//! asked.
//!
//! Weights are kept as the hub keeps LFS files: the answer is a redirect that says the file's
//! sha256 and size. The tokenizer is redirected within the hub, everything else answered at once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// The model.
pub const NAME: &str = "tiny/bert-cls";
/// Where its branch `main` is.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// The token that opens it once it is gated.
pub const TOKEN: &str = "hf_open-sesame";

/// What goes wrong with one answer.
#[derive(Clone)]
pub enum Fault {
    /// A status and a header instead of it.
    Status(u16, &'static str, &'static str),
    /// It ends after so many bytes of its body.
    Cut(usize),
    /// Its body comes byte by byte, with a pause before each.
    Slow(Duration),
    /// Bytes of the same number that are others.
    Wrong,
    /// The whole file, whatever part was asked for.
    Whole,
    /// Another part than the one that was asked for.
    OtherPart,
}

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The path and the query.
    pub target: String,
    /// The header `Range`.
    pub range: Option<String>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
}

impl Asked {
    /// Whether a file's bytes are wanted, and not what there is to say of it.
    pub fn wants_content(&self) -> bool {
        self.range
            .as_ref()
            .is_some_and(|range| range != "bytes=0-0")
    }
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Where weights are redirected to.
    cdn: String,
    is_gated: bool,
    /// For requests whose target contains the text; of their kind, each once.
    faults: Vec<(String, bool, Fault)>,
    asked: Vec<Asked>,
}

/// The hub.
pub struct HubServer {
    /// `http://` and where it listens.
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl HubServer {
    /// A hub with the files of a folder, and with some that nobody should fetch.
    pub fn start(folder: &Path) -> HubServer {
        let mut files = BTreeMap::new();
        read_files(folder, "", &mut files);
        for name in ["pytorch_model.bin", "onnx/model.onnx", ".gitattributes"] {
            files.insert(name.to_owned(), b"not wanted".to_vec());
        }
        HubServer::with(files)
    }

    /// A hub with these files.
    pub fn with(files: BTreeMap<String, Vec<u8>>) -> HubServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            files,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&shared);
                thread::spawn(move || answer(stream.unwrap(), &state));
            }
        });
        HubServer { address, state }
    }

    /// Redirects weights to the path `/cdn` behind this prefix instead of within the hub.
    pub fn redirect_to(&self, prefix: &str) {
        self.state.lock().unwrap().cdn = prefix.to_owned();
    }

    /// From now on only those who have the token get anything.
    pub fn gate(&self) {
        self.state.lock().unwrap().is_gated = true;
    }

    /// The next answer about something of this name goes wrong.
    pub fn spoil(&self, name: &str, fault: Fault) {
        self.push(name, false, fault);
    }

    /// The next answer with the bytes of a file of this name goes wrong.
    pub fn spoil_content(&self, name: &str, fault: Fault) {
        self.push(name, true, fault);
    }

    fn push(&self, name: &str, is_content: bool, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        state.faults.push((name.to_owned(), is_content, fault));
    }

    /// How much that was to go wrong has not.
    pub fn n_unspoilt(&self) -> usize {
        self.state.lock().unwrap().faults.len()
    }

    /// The file's sha256, in hex.
    pub fn sha256(&self, name: &str) -> String {
        hex(&self.state.lock().unwrap().files[name])
    }

    /// The size of a file.
    pub fn n_bytes(&self, name: &str) -> u64 {
        self.state.lock().unwrap().files[name].len() as u64
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// The parts of the weights that were asked for so far.
    pub fn parts_of_weights(&self) -> Vec<String> {
        let asked = self.asked();
        let content = asked.iter().filter(|asked| asked.wants_content());
        let weights = content.filter(|asked| asked.target.contains("/resolve/"));
        weights
            .filter(|asked| asked.target.ends_with("model.safetensors"))
            .map(|asked| asked.range.clone().unwrap())
            .collect()
    }
}

/// An answer before it is sent.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn status(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Answer {
            status,
            headers: headers.iter().map(owned).collect(),
            body: Vec::new(),
        }
    }
}

fn answer(stream: TcpStream, state: &Mutex<State>) {
    let Some(asked) = request(&stream) else {
        return;
    };
    let (answer, fault) = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        respond(&mut state, &asked)
    };
    send(stream, &answer, fault);
}

/// The answer to a request, and what goes wrong while it is sent.
fn respond(state: &mut State, asked: &Asked) -> (Answer, Option<Fault>) {
    let is_faulty = |(name, content, _): &(String, bool, Fault)| {
        asked.target.contains(name) && (!content || asked.wants_content())
    };
    let fault = match state.faults.iter().position(is_faulty) {
        Some(idx) => Some(state.faults.remove(idx).2),
        None => None,
    };
    match fault {
        Some(Fault::Status(status, name, value)) => {
            (Answer::status(status, &[(name, value)]), None)
        }
        Some(fault @ (Fault::Cut(_) | Fault::Slow(_))) => (route(state, asked, None), Some(fault)),
        fault => (route(state, asked, fault), None),
    }
}

fn route(state: &State, asked: &Asked, fault: Option<Fault>) -> Answer {
    let target = &asked.target;
    if let Some(sha256) = target.strip_prefix("/cdn/") {
        let file = state.files.values().find(|bytes| hex(bytes) == sha256);
        return content(file.unwrap(), &[], asked, fault);
    }
    let is_open = asked.authorization == Some(format!("Bearer {TOKEN}"));
    if state.is_gated && !is_open {
        let status = if asked.authorization.is_some() {
            403
        } else {
            401
        };
        return Answer::status(status, &[("X-Error-Code", "GatedRepo")]);
    }
    if let Some(revision) = target.strip_prefix(&format!("/api/models/{NAME}/revision/")) {
        return listing(state, revision);
    }
    if let Some(name) = target.strip_prefix("/api/resolve-cache/") {
        return file(state, name, asked, fault);
    }
    let resolved = target.strip_prefix(&format!("/{NAME}/resolve/{COMMIT}/"));
    match resolved.filter(|name| state.files.contains_key(*name)) {
        Some(name) => resolve(state, name, asked, fault),
        None => Answer::status(404, &[("X-Error-Code", "RepoNotFound")]),
    }
}

/// What `/api/models` says.
fn listing(state: &State, revision: &str) -> Answer {
    if !["main", "refs%2Fpr%2F1", COMMIT].contains(&revision) {
        return Answer::status(404, &[("X-Error-Code", "RevisionNotFound")]);
    }
    let siblings: Vec<_> = state
        .files
        .keys()
        .map(|name| serde_json::json!({ "rfilename": name }))
        .collect();
    let body = serde_json::json!({ "id": NAME, "sha": COMMIT, "siblings": siblings });
    Answer {
        body: body.to_string().into_bytes(),
        ..Answer::status(200, &[("Content-Type", "application/json")])
    }
}

fn resolve(state: &State, name: &str, asked: &Asked, fault: Option<Fault>) -> Answer {
    if name.ends_with(".safetensors") && !matches!(fault, Some(Fault::Whole)) {
        let bytes = &state.files[name];
        return Answer::status(
            302,
            &[
                ("Location", &format!("{}/cdn/{}", state.cdn, hex(bytes))),
                ("ETag", "\"of-the-redirect\""),
                ("X-Repo-Commit", COMMIT),
                ("X-Linked-ETag", &format!("\"{}\"", hex(bytes))),
                ("X-Linked-Size", &bytes.len().to_string()),
            ],
        );
    }
    if name == "tokenizer.json" {
        let location = format!("/api/resolve-cache/{name}");
        return Answer::status(307, &[("Location", &location)]);
    }
    file(state, name, asked, fault)
}

/// A file that is kept in git: its ETag is its 40 hex digits there.
fn file(state: &State, name: &str, asked: &Asked, fault: Option<Fault>) -> Answer {
    let bytes = &state.files[name];
    let etag = format!("\"{}\"", &hex(bytes)[..40]);
    let headers = [("ETag", etag.as_str()), ("X-Repo-Commit", COMMIT)];
    content(bytes, &headers, asked, fault)
}

/// Bytes, or the part of them that is asked for.
fn content(
    bytes: &[u8],
    headers: &[(&'static str, &str)],
    asked: &Asked,
    fault: Option<Fault>,
) -> Answer {
    let n = bytes.len();
    let range = asked
        .range
        .as_ref()
        .filter(|_| !matches!(fault, Some(Fault::Whole)));
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) else {
        return Answer {
            body: bytes.to_vec(),
            ..Answer::status(200, headers)
        };
    };
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let end = end.parse().map_or(n, |end: usize| (end + 1).min(n));
    if start >= n {
        let total = format!("bytes */{n}");
        return Answer::status(416, &[headers, &[("Content-Range", &total)]].concat());
    }
    let mut body = bytes[start..end].to_vec();
    if matches!(fault, Some(Fault::Wrong)) {
        body.reverse();
    }
    let shown = start + usize::from(matches!(fault, Some(Fault::OtherPart)));
    let part = format!("bytes {shown}-{}/{n}", end - 1);
    Answer {
        body,
        ..Answer::status(206, &[headers, &[("Content-Range", &part)]].concat())
    }
}

/// Sends an answer. A reader that has gone away is its own business.
fn send(mut stream: TcpStream, answer: &Answer, fault: Option<Fault>) {
    let length = answer.body.len();
    let mut head = format!(
        "HTTP/1.1 {} Whatever\r\nConnection: close\r\nContent-Length: {length}\r\n",
        answer.status
    );
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    match fault {
        Some(Fault::Cut(n)) => drop(stream.write_all(&answer.body[..n.min(length)])),
        Some(Fault::Slow(pause)) => {
            for byte in &answer.body {
                thread::sleep(pause);
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
            }
        }
        _ => drop(stream.write_all(&answer.body)),
    }
    let _ = stream.flush();
}

/// Reads a request; none where the connection is closed without a word.
fn request(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut asked = Asked {
        target: first.split(' ').nth(1)?.to_owned(),
        ..Asked::default()
    };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        let value = Some(value.trim().to_owned());
        match name.to_lowercase().as_str() {
            "range" => asked.range = value,
            "authorization" => asked.authorization = value,
            _ => {}
        }
    }
    Some(asked)
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_files(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = format!("{prefix}{name}");
        match path.is_dir() {
            true => read_files(&path, &format!("{name}/"), files),
            false => drop(files.insert(name, std::fs::read(&path).unwrap())),
        }
    }
}
