//! An HTTP server on this machine that answers from a script and records the requests.
//!
//! In: one [`Turn`] a request. Out: what was asked, in order. One request a connection; answers are
//! sent side by side, each in a thread of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The path and the query.
    pub target: String,
    /// The header `Range`.
    pub range: Option<String>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `User-Agent`.
    pub agent: Option<String>,
}

impl Asked {
    /// Whether it asks for a file's bytes, not only for its headers.
    pub fn wants_content(&self) -> bool {
        let range = self.range.as_ref();
        range.is_some_and(|range| range != "bytes=0-0")
    }
}

/// An answer before it is sent.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, but for `Connection` and `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer with this status and these headers.
    pub fn new(status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Answer {
            status,
            headers: headers.iter().map(owned).collect(),
            body: body.into(),
        }
    }
}

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Turn {
    /// It is answered.
    Answer(Answer),
    /// The answer ends after this number of bytes of its body.
    Cut(Answer, usize),
    /// The body is sent byte by byte, with a pause before each.
    Slow(Answer, Duration),
    /// The connection is closed without an answer.
    Close,
    /// The connection stays open without an answer, as long as the test lasts.
    Silence,
}

/// A success.
pub fn ok(body: impl Into<Vec<u8>>) -> Turn {
    status(200, &[], body)
}

/// An answer with this status and these headers.
pub fn status(status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Turn {
    Turn::Answer(Answer::new(status, headers, body))
}

/// A success that ends after this number of bytes of its body.
pub fn cut(body: impl Into<Vec<u8>>, after: usize) -> Turn {
    Turn::Cut(Answer::new(200, &[], body), after)
}

/// The server. Once its script has ended it refuses connections.
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers from a script.
    pub fn start(script: impl IntoIterator<Item = Turn>) -> Server {
        let script: Vec<Turn> = script.into_iter().collect();
        let n_turns = script.len();
        let mut script = script.into_iter();
        Server::serve(n_turns, move |_| script.next().unwrap())
    }

    /// Answers every request as `answer` does.
    pub fn answering(answer: impl FnMut(&Asked) -> Turn + Send + 'static) -> Server {
        Server::serve(usize::MAX, answer)
    }

    fn serve(n_turns: usize, mut answer: impl FnMut(&Asked) -> Turn + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&asked);
        thread::spawn(move || {
            let mut n_taken = 0;
            while n_taken < n_turns {
                let (stream, _) = listener.accept().unwrap();
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                n_taken += 1;
                record.lock().unwrap().push(request.clone());
                let turn = answer(&request);
                thread::spawn(move || turn.take(stream));
            }
        });
        Server { port, asked }
    }

    /// The address of a path.
    pub fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The path and query of each request so far.
    pub fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }
}

impl Turn {
    fn take(self, mut stream: TcpStream) {
        match self {
            Turn::Close => {}
            Turn::Silence => loop {
                // Held open, as a server that hangs does.
                thread::park();
            },
            Turn::Answer(answer) => {
                send_head(&mut stream, &answer);
                let _ = stream.write_all(&answer.body);
            }
            Turn::Cut(answer, after) => {
                send_head(&mut stream, &answer);
                let _ = stream.write_all(&answer.body[..after.min(answer.body.len())]);
            }
            Turn::Slow(answer, pause) => {
                send_head(&mut stream, &answer);
                for byte in &answer.body {
                    thread::sleep(pause);
                    if stream.write_all(&[*byte]).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Sends the head of an answer. A reader that has gone away does not matter, here and below.
fn send_head(stream: &mut TcpStream, answer: &Answer) {
    let (status, n_bytes) = (answer.status, answer.body.len());
    let mut head = format!("HTTP/1.1 {status} Whatever\r\nConnection: close\r\n");
    head.push_str(&format!("Content-Length: {n_bytes}\r\n"));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
}

/// Reads a request; `None` if the connection is closed first.
fn read_request(stream: &TcpStream) -> Option<Asked> {
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
            "user-agent" => asked.agent = value,
            _ => {}
        }
    }
    Some(asked)
}
