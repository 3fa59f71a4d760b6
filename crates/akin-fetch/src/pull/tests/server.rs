//! A server on this machine that answers from a script and notes what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to one request.
pub(super) enum Turn {
    /// An answer.
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// An answer that ends after so many bytes of its body.
    Cut { body: String, after: usize },
    /// The connection is closed without a word.
    Close,
    /// Nothing, as long as the test lasts.
    Silence,
}

/// A success.
pub(super) fn ok(body: impl Into<Vec<u8>>) -> Turn {
    status(200, &[], body)
}

pub(super) fn status(
    status: u16,
    headers: &[(&'static str, &str)],
    body: impl Into<Vec<u8>>,
) -> Turn {
    Turn::Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect(),
        body: body.into(),
    }
}

/// The server. Requests behind the end of its script are refused the connection.
pub(super) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    agents: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers from a script.
    pub(super) fn start(script: impl IntoIterator<Item = Turn>) -> Server {
        let script: Vec<Turn> = script.into_iter().collect();
        let n_turns = script.len();
        let mut script = script.into_iter();
        Server::serve(n_turns, move |_| script.next().unwrap())
    }

    /// Answers every request, by its path and query, as `answer` does.
    pub(super) fn answering(answer: impl FnMut(&str) -> Turn + Send + 'static) -> Server {
        Server::serve(usize::MAX, answer)
    }

    fn serve(n_turns: usize, mut answer: impl FnMut(&str) -> Turn + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let agents = Arc::new(Mutex::new(Vec::new()));
        let notes = (asked.clone(), agents.clone());
        thread::spawn(move || {
            let mut silent = Vec::new();
            for _ in 0..n_turns {
                let (stream, _) = listener.accept().unwrap();
                let (target, agent) = request(&stream);
                let turn = answer(&target);
                notes.0.lock().unwrap().push(target);
                notes.1.lock().unwrap().push(agent);
                silent.extend(turn.take(stream));
            }
            drop(listener);
            // Held open, as a server that hangs does.
            while !silent.is_empty() {
                thread::park();
            }
        });
        Server {
            port,
            asked,
            agents,
        }
    }

    pub(super) fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What was asked for, in its order: path and query.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The queries of what was asked for, without what all requests for the set `cs` share.
    pub(super) fn queries(&self) -> Vec<String> {
        let all = "/oai?verb=ListRecords&";
        let asked = self.asked();
        let queries = asked.iter().map(|target| target.strip_prefix(all).unwrap());
        queries
            .map(|query| query.replace("metadataPrefix=arXiv&set=cs", "cs"))
            .map(|query| query.replace("resumptionToken=", "token="))
            .collect()
    }

    /// How those who asked called themselves.
    pub(super) fn agents(&self) -> Vec<String> {
        self.agents.lock().unwrap().clone()
    }
}

impl Turn {
    /// Answers; gives the connection back if it is to stay open.
    fn take(self, mut stream: TcpStream) -> Option<TcpStream> {
        match self {
            Turn::Close => None,
            Turn::Silence => Some(stream),
            Turn::Answer {
                status,
                headers,
                body,
            } => {
                let mut head = format!("HTTP/1.1 {status} Whatever\r\nConnection: close\r\n");
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                send(&mut stream, &head, body.len(), &body);
                None
            }
            Turn::Cut { body, after } => {
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
                send(&mut stream, head, body.len(), &body.as_bytes()[..after]);
                None
            }
        }
    }
}

/// Sends an answer that promises `length` bytes. A reader that has gone away is its own business.
fn send(stream: &mut TcpStream, head: &str, length: usize, body: &[u8]) {
    let head = format!("{head}Content-Length: {length}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
    let _ = stream.flush();
}

/// Reads a request: its target and its agent.
fn request(stream: &TcpStream) -> (String, String) {
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    let first = lines.next().unwrap();
    let target = first.split(' ').nth(1).unwrap().to_owned();
    let mut agent = String::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_lowercase().strip_prefix("user-agent:") {
            agent = value.trim().to_owned();
        }
    }
    (target, agent)
}
