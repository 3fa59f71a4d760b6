//! Mail servers, or somebody between, that say what no server should: nothing is believed that was not
//! asked for, nothing is waited for without end, and no digest is lost by it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::mail::{ADA, send, with_subscriber};
use crate::sandbox::Sandbox;

/// What a server says at a step; the steps are commands, the greeting is `""` and the message's end `.`.
#[derive(Debug, Clone)]
enum Say {
    Words(String),
    /// Over and over again.
    Endless(&'static str),
}

/// A server that says what it is told to, and as a sound one does where it is not told.
struct Scripted {
    port: u16,
    script: Arc<Mutex<Vec<(String, Say)>>>,
    /// Whose messages it has taken.
    taken: Arc<Mutex<Vec<String>>>,
    n_sessions: Arc<AtomicUsize>,
}

impl Scripted {
    fn start() -> Scripted {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Scripted {
            port: listener.local_addr().unwrap().port(),
            script: Arc::default(),
            taken: Arc::default(),
            n_sessions: Arc::default(),
        };
        let (script, taken) = (Arc::clone(&server.script), Arc::clone(&server.taken));
        let n_sessions = Arc::clone(&server.n_sessions);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                n_sessions.fetch_add(1, Ordering::Relaxed);
                let script = script.lock().unwrap().clone();
                let taken = Arc::clone(&taken);
                // Whoever hangs up ends it.
                std::thread::spawn(move || serve(&stream, &script, &taken).ok());
            }
        });
        server
    }

    /// Has it say something else where a step begins like this.
    fn says(&self, step: &str, say: Say) {
        self.script
            .lock()
            .unwrap()
            .insert(0, (step.to_owned(), say));
    }

    fn is_sound_again(&self) {
        self.script.lock().unwrap().clear();
    }

    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn configure(&self, sandbox: &Sandbox, security: &str) {
        let config = format!(
            "[mail]\nfrom = \"akin <bot@lab.example>\"\nhost = \"localhost\"\nport = {}\n\
             security = \"{security}\"\n",
            self.port
        );
        sandbox.file("config/akin/config.toml", config);
    }
}

fn serve(
    stream: &TcpStream,
    script: &[(String, Say)],
    taken: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut stream = stream;
    let (mut line, mut to) = (String::new(), String::new());
    loop {
        let step = line.trim_end();
        let words = match script.iter().find(|(start, _)| match start.is_empty() {
            true => step.is_empty(),
            false => step.starts_with(start.as_str()),
        }) {
            Some((_, Say::Words(words))) => words.clone(),
            Some((_, Say::Endless(words))) => loop {
                stream.write_all(words.repeat(4096 / words.len()).as_bytes())?;
            },
            None => sound(step).to_owned(),
        };
        stream.write_all(words.as_bytes())?;
        let is_data = words.starts_with("354") && step == "DATA";
        if step == "." && words.starts_with('2') {
            taken.lock().unwrap().push(to.clone());
        }
        if step.starts_with("RCPT") {
            to = step
                .trim_start_matches("RCPT TO:<")
                .trim_end_matches('>')
                .to_owned();
        }
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if !is_data || line == ".\r\n" {
                break;
            }
        }
    }
}

fn sound(step: &str) -> &'static str {
    match step.split(' ').next().unwrap() {
        "" => "220 mail.test\r\n",
        "EHLO" => "250-mail.test\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
        "DATA" => "354 go on\r\n",
        "STARTTLS" => "220 go\r\n",
        "QUIT" => "221 bye\r\n",
        _ => "250 OK\r\n",
    }
}

/// Fails in the way that is given, and sends what was kept to the same server once it is sound.
#[track_caller]
fn fails_and_is_kept(server: &Scripted, sandbox: &Sandbox, part: &str) {
    let begun = Instant::now();
    let failed = send(sandbox, "2026-03-14T07:00Z").exits(2);
    assert!(begun.elapsed() < Duration::from_secs(30), "{failed:?}");
    assert!(failed.stderr.contains(part), "{part}: {failed:?}");
    assert!(failed.stderr.contains("it is kept"), "{failed:?}");
    assert_eq!(server.taken(), [""; 0]);
    server.is_sound_again();
    server.configure(sandbox, "none");
    send(sandbox, "2026-03-14T07:10Z").exits(0);
    assert_eq!(server.taken(), [ADA]);
}

#[test]
fn a_server_that_does_not_come_to_an_end_is_given_up_at_every_step() {
    for (security, step, words) in [
        ("none", "", "a"),
        ("starttls", "", "a"),
        ("starttls", "EHLO", "250-more\r\n"),
        ("starttls", "STARTTLS", "220"),
        ("none", "RCPT", "250-x\r\n"),
        ("none", ".", "250 "),
    ] {
        let sandbox = with_subscriber();
        let server = Scripted::start();
        server.says(step, Say::Endless(words));
        server.configure(&sandbox, security);
        let part = match words {
            "a" | "220" | "250 " => "no",
            _ => "its answer does not end",
        };
        fails_and_is_kept(&server, &sandbox, part);
    }
}

#[test]
fn what_was_said_in_the_open_is_not_believed_under_encryption() {
    let sandbox = with_subscriber();
    let server = Scripted::start();
    server.says(
        "STARTTLS",
        Say::Words("220 go\r\n550 INJECTED\r\n".to_owned()),
    );
    server.configure(&sandbox, "starttls");
    fails_and_is_kept(&server, &sandbox, "answered before it was asked");
    // Nor is a second answer the answer to what comes next.
    let sandbox = with_subscriber();
    let server = Scripted::start();
    server.says(
        "RCPT",
        Say::Words("250 OK\r\n354 go\r\n250 sent\r\n".to_owned()),
    );
    server.configure(&sandbox, "none");
    fails_and_is_kept(&server, &sandbox, "answered before it was asked");
}

#[test]
fn an_answer_that_is_none_to_the_question_is_no_success() {
    for (step, words) in [
        ("", "354 hello\r\n"),
        ("EHLO", "150 wait\r\n"),
        ("MAIL", "354 go on\r\n"),
        ("RCPT", "334 more\r\n"),
        ("DATA", "250 OK\r\n"),
        (".", "354 go on\r\n"),
        (".", "150 wait\r\n"),
        (".", "999 what\r\n"),
    ] {
        let sandbox = with_subscriber();
        let server = Scripted::start();
        server.says(step, Say::Words(words.to_owned()));
        server.configure(&sandbox, "none");
        fails_and_is_kept(
            &server,
            &sandbox,
            &format!("unexpected answer ({})", &words[..3]),
        );
    }
}

/// A library with two subscribers, and a paper for both on the 15th.
fn with_second_subscriber(address: &str) -> Sandbox {
    let sandbox = with_subscriber();
    let who = ["subscribe", "add", address];
    let add = [&who[..], &["--follow", "bread", "--at", "07:00"]].concat();
    sandbox.akin_at("2026-03-13T08:00Z", &add).exits(0);
    sandbox.add_day(
        "2026-03-15",
        &[("2603.00006", "More", "More sourdough.", 0)],
    );
    sandbox
}

#[test]
fn an_address_that_is_refused_is_said_once_a_time_and_keeps_nobody_from_theirs() {
    let wide = "renée@example.org";
    for (address, refusal, part) in [
        (wide, None, "no SMTPUTF8"),
        (
            "aaa@example.org",
            Some("550 no such user\r\n"),
            "no such user",
        ),
        (
            "aaa@example.org",
            Some("553 mailbox name\r\n"),
            "mailbox name",
        ),
    ] {
        let sandbox = with_second_subscriber(address);
        let server = Scripted::start();
        if let Some(words) = refusal {
            server.says("RCPT TO:<aaa@", Say::Words(words.to_owned()));
        }
        server.configure(&sandbox, "none");
        let failed = send(&sandbox, "2026-03-15T07:00Z").exits(2);
        assert!(failed.stderr.contains(part), "{failed:?}");
        assert!(
            failed.stderr.contains("this digest is dropped"),
            "{failed:?}"
        );
        assert_eq!(server.taken(), [ADA]);
        let listed = sandbox.akin(&["subscribe", "list"]).exits(0).stdout;
        assert!(!listed.contains("waits to be sent"), "{listed}");
        // Its time has passed.
        let again = send(&sandbox, "2026-03-15T07:10Z").exits(0);
        assert!(again.stderr.contains("no subscriber is due"), "{again:?}");
        // When the next one comes, what was dropped is new again.
        server.is_sound_again();
        server.says(
            "EHLO",
            Say::Words("250-mail.test\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n".to_owned()),
        );
        let sent = send(&sandbox, "2026-03-16T07:00Z").exits(0);
        assert!(
            sent.stdout
                .contains(&format!("{address} was sent: 1 new paper")),
            "{sent:?}"
        );
    }
}

#[test]
fn a_server_that_takes_nothing_is_asked_once_and_every_digest_is_kept() {
    const BOB: &str = "bob@example.org";
    for (step, words) in [
        ("", "554 no mail today\r\n"),
        ("EHLO", "421 too busy\r\n"),
        ("", "hello\r\n"),
        ("MAIL", "550 not from you\r\n"),
        ("MAIL", "451 later\r\n"),
    ] {
        let sandbox = with_second_subscriber(BOB);
        let server = Scripted::start();
        server.says(step, Say::Words(words.to_owned()));
        server.configure(&sandbox, "none");
        let failed = send(&sandbox, "2026-03-15T07:00Z").exits(2);
        assert!(failed.stderr.contains("it is kept"), "{failed:?}");
        assert_eq!(server.n_sessions.load(Ordering::Relaxed), 1, "{words}");
        let is_named = failed
            .stderr
            .contains(&format!("not tried again for {BOB}"));
        assert!(is_named, "{failed:?}");
        server.is_sound_again();
        let sent = send(&sandbox, "2026-03-15T07:10Z").exits(0);
        assert_eq!(server.taken(), [ADA, BOB], "{sent:?}");
    }
}

#[test]
fn a_server_that_repeats_the_password_has_it_repeated_to_nobody() {
    const IN_BASE64: &str = "AGFkYQBjb3JyZWN0IGhvcnNl";
    let sandbox = with_subscriber();
    let server = Scripted::start();
    let greeting = "250-mail.test\r\n250 AUTH PLAIN\r\n";
    server.says("EHLO", Say::Words(greeting.to_owned()));
    let refusal = format!("535 no such login: AUTH PLAIN {IN_BASE64}\r\n");
    server.says("AUTH", Say::Words(refusal));
    server.configure(&sandbox, "none");
    let config = std::fs::read_to_string(sandbox.path("config/akin/config.toml")).unwrap();
    let login = "user = \"ada\"\npassword-command = \"printf 'correct horse'\"\n";
    sandbox.file("config/akin/config.toml", config + login);
    let failed = send(&sandbox, "2026-03-14T07:00Z").exits(2);
    assert!(
        failed.stderr.contains("no such login: AUTH PLAIN (secret)"),
        "{failed:?}"
    );
    assert!(!failed.stderr.contains(IN_BASE64), "{failed:?}");
}
