//! A hub on this machine with one model, which fails on command and records the requests.
//!
//! Weights are kept as the hub keeps LFS files: the answer is a redirect with the file's sha256 and
//! size. The tokenizer is redirected within the hub; everything else is answered at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::server::{Answer, Asked, Server, Turn};

/// The model.
pub const NAME: &str = "tiny/bert-cls";
/// Where its branch `main` is.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// The token that opens it once it is gated.
pub const TOKEN: &str = "hf_open-sesame";

/// How one answer fails.
#[derive(Clone)]
pub enum Fault {
    /// A status and a header in its place.
    Status(u16, &'static str, &'static str),
    /// It ends after this number of bytes of its body.
    Cut(usize),
    /// Its body is sent byte by byte, with a pause before each.
    Slow(Duration),
    /// Other bytes of the same number.
    Wrong,
    /// The whole file in place of the requested part.
    Whole,
    /// Another part than the requested one.
    OtherPart,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// Where weights are redirected to.
    cdn: String,
    is_gated: bool,
    /// Target text, whether only for a file's bytes, and the fault; each happens once.
    faults: Vec<(String, bool, Fault)>,
}

/// The hub.
pub struct HubServer {
    /// `http://` and where it listens.
    pub address: String,
    server: Server,
    state: Arc<Mutex<State>>,
}

impl HubServer {
    /// A hub with the files of a folder, and with some that must not be fetched.
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
        let state = Arc::new(Mutex::new(State {
            files,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let server = Server::answering(move |asked| respond(&mut shared.lock().unwrap(), asked));
        HubServer {
            address: server.address(""),
            server,
            state,
        }
    }

    /// Redirects weights to the path `/cdn` behind this prefix instead of within the hub.
    pub fn redirect_to(&self, prefix: &str) {
        self.state.lock().unwrap().cdn = prefix.to_owned();
    }

    /// From now on every request needs the token.
    pub fn gate(&self) {
        self.state.lock().unwrap().is_gated = true;
    }

    /// The next answer to a request whose target contains `name` fails.
    pub fn spoil(&self, name: &str, fault: Fault) {
        self.push(name, false, fault);
    }

    /// The same, among requests for the bytes of a file.
    pub fn spoil_content(&self, name: &str, fault: Fault) {
        self.push(name, true, fault);
    }

    fn push(&self, name: &str, is_content: bool, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        state.faults.push((name.to_owned(), is_content, fault));
    }

    /// Number of faults that have not happened yet.
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

    /// The requests so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// The ranges of the weights that were requested so far.
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

/// What happens to a request.
fn respond(state: &mut State, asked: &Asked) -> Turn {
    let is_faulty = |(name, content, _): &(String, bool, Fault)| {
        asked.target.contains(name) && (!content || asked.wants_content())
    };
    let fault = match state.faults.iter().position(is_faulty) {
        Some(idx) => Some(state.faults.remove(idx).2),
        None => None,
    };
    match fault {
        Some(Fault::Status(status, name, value)) => {
            Turn::Answer(Answer::new(status, &[(name, value)], ""))
        }
        Some(Fault::Cut(after)) => Turn::Cut(route(state, asked, None), after),
        Some(Fault::Slow(pause)) => Turn::Slow(route(state, asked, None), pause),
        fault => Turn::Answer(route(state, asked, fault)),
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
        return Answer::new(status, &[("X-Error-Code", "GatedRepo")], "");
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
        None => Answer::new(404, &[("X-Error-Code", "RepoNotFound")], ""),
    }
}

/// What `/api/models` says.
fn listing(state: &State, revision: &str) -> Answer {
    if !["main", "refs%2Fpr%2F1", COMMIT].contains(&revision) {
        return Answer::new(404, &[("X-Error-Code", "RevisionNotFound")], "");
    }
    let siblings: Vec<_> = state
        .files
        .keys()
        .map(|name| serde_json::json!({ "rfilename": name }))
        .collect();
    let body = serde_json::json!({ "id": NAME, "sha": COMMIT, "siblings": siblings });
    Answer::new(
        200,
        &[("Content-Type", "application/json")],
        body.to_string(),
    )
}

fn resolve(state: &State, name: &str, asked: &Asked, fault: Option<Fault>) -> Answer {
    if name.ends_with(".safetensors") && !matches!(fault, Some(Fault::Whole)) {
        let bytes = &state.files[name];
        return Answer::new(
            302,
            &[
                ("Location", &format!("{}/cdn/{}", state.cdn, hex(bytes))),
                ("ETag", "\"of-the-redirect\""),
                ("X-Repo-Commit", COMMIT),
                ("X-Linked-ETag", &format!("\"{}\"", hex(bytes))),
                ("X-Linked-Size", &bytes.len().to_string()),
            ],
            "",
        );
    }
    if name == "tokenizer.json" {
        let location = format!("/api/resolve-cache/{name}");
        return Answer::new(307, &[("Location", &location)], "");
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

/// Bytes, or the requested part of them.
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
        return Answer::new(200, headers, bytes);
    };
    let (start, end) = range.split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let end = end.parse().map_or(n, |end: usize| (end + 1).min(n));
    if start >= n {
        let total = format!("bytes */{n}");
        let headers = [headers, &[("Content-Range", &total)]].concat();
        return Answer::new(416, &headers, "");
    }
    let mut body = bytes[start..end].to_vec();
    if matches!(fault, Some(Fault::Wrong)) {
        body.reverse();
    }
    let shown = start + usize::from(matches!(fault, Some(Fault::OtherPart)));
    let part = format!("bytes {shown}-{}/{n}", end - 1);
    Answer::new(206, &[headers, &[("Content-Range", &part)]].concat(), body)
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
        if path.is_dir() {
            read_files(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read(&path).unwrap());
        }
    }
}
