//! One session with a mail server: from the connection to the server's last word.
//!
//! ```text
//! greeting ──► EHLO ──► STARTTLS, handshake, EHLO ──► AUTH ──► MAIL, RCPT ──► DATA ──► message ──► 2xx
//! ```
//!
//! The words of the protocol are lettre's; the session is not. That of lettre 0.11.23 reads a first
//! line of any length, keeps its buffer when encryption begins, and takes 354 for success.
//!
//! Invariants: an answer is at most [`MAX_ANSWER_BYTES`] long and comes within [`TIMEOUT`],
//! whatever the server sends. Bytes that came before their request are not an answer, so nothing
//! sent unencrypted counts after STARTTLS. Each step continues only after its own codes.

use std::fmt::{self, Display};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Starttls};
use lettre::transport::smtp::extension::{
    ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo,
};
use lettre::transport::smtp::response::Response;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::error::Refusal;

/// How long a server is waited for at each step.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Minimum rate at which a server must accept a message, in bytes per second, in addition to that.
const SLOWEST_BYTES: u64 = 10_000;

/// The longest answer; the standard allows 512 bytes a line, and EHLO has the most lines.
const MAX_ANSWER_BYTES: usize = 32 << 10;

/// Challenges of one login.
const MAX_CHALLENGES: usize = 10;

/// What of a server's words is repeated.
const MAX_SHOWN_CHARS: usize = 300;

/// Why a session failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) reason: String,
    pub(super) refusal: Refusal,
}

impl Trouble {
    fn for_now(reason: impl Into<String>) -> Trouble {
        Trouble {
            reason: reason.into(),
            refusal: Refusal::ForNow,
        }
    }

    /// The same for a session that has not mentioned any message yet.
    fn of_server(self) -> Trouble {
        Trouble {
            refusal: Refusal::Server,
            ..self
        }
    }

    /// The same without anything that a server may have repeated from a login.
    fn without_secret(mut self, command: &str, mechanism: Mechanism) -> Trouble {
        let secret = command.split_whitespace().last().unwrap_or_default();
        if !secret.is_empty() && secret != mechanism.to_string() {
            self.reason = self.reason.replace(secret, "(secret)");
        }
        self
    }

    fn of_address(reason: String) -> Trouble {
        Trouble {
            reason,
            refusal: Refusal::Address,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::for_now(match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!(
                    "it did not finish this step in {} seconds",
                    TIMEOUT.as_secs()
                )
            }
            _ => error.to_string(),
        })
    }
}

impl From<lettre::transport::smtp::Error> for Trouble {
    fn from(error: lettre::transport::smtp::Error) -> Trouble {
        Trouble::for_now(error.to_string())
    }
}

type SmtpOutcome<T> = Result<T, Trouble>;

/// When the connection is encrypted.
#[derive(Debug, Clone)]
pub(super) enum Encryption {
    FromTheStart(Arc<ClientConfig>),
    AfterStartTls(Arc<ClientConfig>),
    Never,
}

/// What a session needs to know.
pub(super) struct Host<'a> {
    pub(super) name: &'a str,
    pub(super) port: u16,
    pub(super) encryption: &'a Encryption,
    pub(super) login: Option<&'a Credentials>,
}

/// Has a server take a message. Success is its word that it has it.
pub(super) fn send(host: &Host<'_>, envelope: &Envelope, message: &[u8]) -> SmtpOutcome<()> {
    let mut session = Session::begin(host).map_err(Trouble::of_server)?;
    if let Some(login) = host.login {
        session.log_in(login).map_err(Trouble::of_server)?;
    }
    session.hand_over(envelope, message)?;
    // It is taken, whatever comes now.
    let _ = session.say(&Quit.to_string());
    Ok(())
}

/// An answer: its code, and its lines.
#[derive(Debug, PartialEq)]
struct SmtpReply {
    code: u16,
    text: String,
}

impl SmtpReply {
    /// The answer if it has one of these codes, or any code of a hundred, such as 2 for 2xx.
    fn expect(self, codes: &[u16], step: &str) -> SmtpOutcome<SmtpReply> {
        if codes.contains(&self.code) || codes.contains(&(self.code / 100)) {
            return Ok(self);
        }
        let said = self.words();
        let (kind, refusal) = match self.code {
            400..=499 => ("transient error", Refusal::ForNow),
            500..=599 => ("permanent error", Refusal::Message),
            _ => ("unexpected answer", Refusal::ForNow),
        };
        Err(Trouble {
            reason: format!("{kind} ({}) at {step}: {said}", self.code),
            refusal,
        })
    }

    /// What it says, in one line.
    fn words(&self) -> String {
        let lines = self
            .text
            .lines()
            .map(|line| line.get(4..).unwrap_or_default().trim());
        let said = lines.collect::<Vec<_>>().join(" ");
        said.chars().take(MAX_SHOWN_CHARS).collect()
    }

    fn parsed(&self) -> SmtpOutcome<Response> {
        Ok(self.text.parse()?)
    }
}

struct Session {
    wire: Wire,
    info: ServerInfo,
}

impl Session {
    fn begin(host: &Host<'_>) -> SmtpOutcome<Session> {
        let mut wire = Wire::new(connected(host)?);
        if let Encryption::FromTheStart(config) = host.encryption {
            wire = wire.encrypted(host.name, config)?;
        }
        let mut session = Session {
            wire,
            info: ServerInfo::default(),
        };
        session.wire.answer()?.expect(&[2], "the greeting")?;
        session.greet()?;
        if let Encryption::AfterStartTls(config) = host.encryption {
            if !session.info.supports_feature(Extension::StartTls) {
                return Err(Trouble::for_now("STARTTLS is not supported on this server"));
            }
            session.ask(&Starttls.to_string(), &[220], "STARTTLS")?;
            session.wire = session.wire.encrypted(host.name, config)?;
            session.greet()?;
        }
        Ok(session)
    }

    fn greet(&mut self) -> SmtpOutcome<()> {
        let answer = self.ask(&Ehlo::new(ClientId::default()).to_string(), &[250], "EHLO")?;
        self.info = ServerInfo::from_response(&answer.parsed()?)?;
        Ok(())
    }

    fn log_in(&mut self, login: &Credentials) -> SmtpOutcome<()> {
        let known = self
            .info
            .get_auth_mechanism(&[Mechanism::Plain, Mechanism::Login]);
        let mechanism = known.ok_or_else(|| {
            Trouble::for_now("the server offers no login method that akin supports")
        })?;
        let mut command = Auth::new(mechanism, login.clone(), None)?;
        for _ in 0..MAX_CHALLENGES {
            let text = command.to_string();
            let answer = self.ask(&text, &[235, 334], "the login");
            let answer = answer.map_err(|trouble| trouble.without_secret(&text, mechanism))?;
            if answer.code == 235 {
                return Ok(());
            }
            command = Auth::new_from_response(mechanism, login.clone(), &answer.parsed()?)?;
        }
        Err(Trouble::for_now("the login does not end"))
    }

    fn hand_over(&mut self, envelope: &Envelope, message: &[u8]) -> SmtpOutcome<()> {
        let parameters = self.parameters(envelope, message)?;
        let from = Mail::new(envelope.from().cloned(), parameters);
        let taken = self.ask(&from.to_string(), &[250], "the sender's address");
        // Whatever it has against the sender, it has against every message of this run.
        taken.map_err(Trouble::of_server)?;
        for to in envelope.to() {
            let to = Rcpt::new(to.clone(), Vec::new());
            let taken = self.ask(&to.to_string(), &[250, 251, 252], "the reader's address");
            taken.map_err(|trouble| match trouble.refusal {
                Refusal::Message => Trouble::of_address(trouble.reason),
                _ => trouble,
            })?;
        }
        self.ask(&Data.to_string(), &[354], "DATA")?;
        self.wire.write(&stuffed(message))?;
        self.wire.answer()?.expect(&[2], "the message's end")?;
        Ok(())
    }

    /// The extensions that the server must support for this message.
    fn parameters(&self, envelope: &Envelope, message: &[u8]) -> SmtpOutcome<Vec<MailParameter>> {
        let mut parameters = Vec::new();
        let is_wide = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
        let knows_wide = self.info.supports_feature(Extension::SmtpUtfEight);
        if let (Some(to), false) = (envelope.to().iter().find(|to| is_wide(to)), knows_wide) {
            return Err(Trouble::of_address(format!(
                "the server takes plain ASCII addresses only (no SMTPUTF8), and {to} is not one"
            )));
        }
        match envelope.from().filter(|from| is_wide(from)) {
            Some(from) if !knows_wide => {
                return Err(Trouble::for_now(format!(
                    "the server takes plain ASCII addresses only (no SMTPUTF8), and the sender's, \
                     {from}, is not one"
                )));
            }
            Some(_) => parameters.push(MailParameter::SmtpUtfEight),
            None if envelope.to().iter().any(is_wide) => {
                parameters.push(MailParameter::SmtpUtfEight);
            }
            None => {}
        }
        if !message.is_ascii() {
            if !self.info.supports_feature(Extension::EightBitMime) {
                return Err(Trouble::for_now(
                    "the message is not plain ASCII, and the server takes nothing else (no 8BITMIME)",
                ));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }

    fn ask(&mut self, command: &str, codes: &[u16], step: &str) -> SmtpOutcome<SmtpReply> {
        self.say(command)?;
        self.wire.answer()?.expect(codes, step)
    }

    fn say(&mut self, command: &str) -> SmtpOutcome<()> {
        self.wire.write(command.as_bytes())
    }
}

/// The message as sent (dot-stuffed): a leading dot is doubled, and a single dot ends it.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            sent.push(b'.');
        }
        sent.extend_from_slice(line);
    }
    if !sent.ends_with(b"\r\n") {
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(b".\r\n");
    sent
}

fn connected(host: &Host<'_>) -> SmtpOutcome<TcpStream> {
    let addresses = (host.name, host.port).to_socket_addrs()?;
    let mut trouble = Trouble::for_now("the host has no address");
    let until = Instant::now() + TIMEOUT;
    for address in addresses {
        let rest = until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, rest) {
            Ok(stream) => return Ok(stream),
            Err(error) => trouble = Trouble::for_now(format!("Connection error: {error}")),
        }
    }
    Err(trouble)
}

/// Bytes to and from a server.
struct Wire {
    stream: Stream,
    /// Read, and not yet part of an answer.
    read: Vec<u8>,
}

enum Stream {
    Plain(Clocked),
    Encrypted(Box<StreamOwned<ClientConnection, Clocked>>),
}

impl Wire {
    fn new(stream: TcpStream) -> Wire {
        Wire {
            stream: Stream::Plain(Clocked {
                stream,
                until: Instant::now() + TIMEOUT,
            }),
            read: Vec::new(),
        }
    }

    /// The same connection, encrypted. What was read unencrypted is not an answer from the server
    /// at the other end of the encryption.
    fn encrypted(self, name: &str, config: &Arc<ClientConfig>) -> SmtpOutcome<Wire> {
        self.check_nothing_is_left()?;
        let Stream::Plain(mut stream) = self.stream else {
            return Ok(self);
        };
        let name = ServerName::try_from(name.to_owned());
        let name = name.map_err(|e| Trouble::for_now(format!("no encryption with {e}")))?;
        let connection = ClientConnection::new(Arc::clone(config), name);
        let mut connection = connection.map_err(|e| Trouble::for_now(e.to_string()))?;
        stream.until = Instant::now() + TIMEOUT;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(Wire {
            stream: Stream::Encrypted(Box::new(StreamOwned::new(connection, stream))),
            read: Vec::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> SmtpOutcome<()> {
        self.check_nothing_is_left()?;
        self.begin_step();
        self.clocked().until += Duration::from_secs(bytes.len() as u64 / SLOWEST_BYTES);
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).and_then(|()| stream.flush())?,
            Stream::Encrypted(stream) => stream.write_all(bytes).and_then(|()| stream.flush())?,
        }
        Ok(())
    }

    fn answer(&mut self) -> SmtpOutcome<SmtpReply> {
        self.begin_step();
        let stream: &mut dyn Read = match &mut self.stream {
            Stream::Plain(stream) => stream,
            Stream::Encrypted(stream) => stream,
        };
        answer(stream, &mut self.read)
    }

    fn check_nothing_is_left(&self) -> SmtpOutcome<()> {
        if self.read.is_empty() {
            Ok(())
        } else {
            Err(Trouble::for_now(
                "the server answered before it was asked; its answers may be forged on the way, \
                 so they are not trusted",
            ))
        }
    }

    fn begin_step(&mut self) {
        self.clocked().until = Instant::now() + TIMEOUT;
    }

    fn clocked(&mut self) -> &mut Clocked {
        match &mut self.stream {
            Stream::Plain(stream) => stream,
            Stream::Encrypted(stream) => &mut stream.sock,
        }
    }
}

/// Reads one answer; later bytes stay in `read`.
fn answer(stream: &mut dyn Read, read: &mut Vec<u8>) -> SmtpOutcome<SmtpReply> {
    let mut buffer = [0; 4096];
    loop {
        if let Some((answer, n_bytes)) = whole_answer(read)? {
            read.drain(..n_bytes);
            return Ok(answer);
        }
        if read.len() > MAX_ANSWER_BYTES {
            return Err(Trouble::for_now("its answer does not end"));
        }
        match stream.read(&mut buffer) {
            Ok(0) => {
                return Err(Trouble::for_now(
                    "incomplete response: the connection ended",
                ));
            }
            Ok(n) => read.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The answer at the start of bytes, and its length; `None` if it is incomplete.
fn whole_answer(bytes: &[u8]) -> SmtpOutcome<Option<(SmtpReply, usize)>> {
    let mut n_bytes = 0;
    let mut code = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let bad = || Trouble::for_now("its answer is not one of a mail server");
        if !line.ends_with(b"\n") {
            break;
        }
        n_bytes += line.len();
        let digits = line
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let this: u16 = digits
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(bad)?;
        if *code.get_or_insert(this) != this {
            return Err(bad());
        }
        match line[3] {
            b'-' => {}
            b' ' | b'\r' | b'\n' => {
                let text = String::from_utf8_lossy(&bytes[..n_bytes]).replace("\r\n", "\n");
                let text = text.replace('\n', "\r\n");
                return Ok(Some((SmtpReply { code: this, text }, n_bytes)));
            }
            _ => return Err(bad()),
        }
    }
    Ok(None)
}

/// A connection that is waited for until a moment, however little comes at a time.
struct Clocked {
    stream: TcpStream,
    until: Instant,
}

impl Clocked {
    fn rest(&self) -> io::Result<Duration> {
        let rest = self.until.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(rest)
        }
    }
}

impl Read for Clocked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.rest()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Clocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.rest()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> SmtpOutcome<(SmtpReply, Vec<u8>)> {
        let mut rest = Vec::new();
        let answer = answer(&mut &*bytes, &mut rest)?;
        Ok((answer, rest))
    }

    #[test]
    fn an_answer_is_all_of_its_lines_and_no_more() {
        let (answer, rest) =
            read(b"250-mail.test\r\n250-8BITMIME\r\n250 OK\r\n550 no\r\n").unwrap();
        assert_eq!(
            (answer.code, answer.words().as_str()),
            (250, "mail.test 8BITMIME OK")
        );
        assert_eq!(rest, b"550 no\r\n");
        assert_eq!(read(b"220\n").unwrap().0.code, 220);
        for bad in [
            &b"250-a\r\n251 b\r\n"[..],
            b"ok\r\n",
            b"2x0 a\r\n",
            b"2500\r\n",
            b"\r\n",
            b"250 a",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_answer_without_an_end_is_given_up() {
        let mut n_read = 0;
        struct Endless<'a>(&'a mut usize, &'a [u8]);
        impl Read for Endless<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let n = buffer.len().min(self.1.len());
                buffer[..n].copy_from_slice(&self.1[..n]);
                *self.0 += n;
                Ok(n)
            }
        }
        for bytes in [&[b'a'; 4096][..], &b"250-more\r\n".repeat(100)[..]] {
            let mut server = Endless(&mut n_read, bytes);
            let trouble = answer(&mut server, &mut Vec::new()).unwrap_err();
            assert_eq!(trouble.reason, "its answer does not end");
        }
        assert!(n_read < 3 * MAX_ANSWER_BYTES, "{n_read}");
    }

    #[test]
    fn each_step_goes_on_after_its_own_codes_only() {
        let check = |code: u16, codes: &[u16], expected: Option<Refusal>| {
            let text = format!("{code} words\r\n");
            let outcome = SmtpReply { code, text }.expect(codes, "a step");
            assert_eq!(
                outcome.err().map(|trouble| trouble.refusal),
                expected,
                "{code}"
            );
        };
        check(250, &[2], None);
        check(299, &[2], None);
        check(354, &[2], Some(Refusal::ForNow));
        check(150, &[2], Some(Refusal::ForNow));
        check(250, &[354], Some(Refusal::ForNow));
        check(451, &[250], Some(Refusal::ForNow));
        check(554, &[250], Some(Refusal::Message));
        check(600, &[250], Some(Refusal::ForNow));
        check(2, &[250], Some(Refusal::ForNow));
    }

    #[test]
    fn a_line_with_a_dot_ends_no_message() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b"), b"a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(stuffed(b"a\r\n"), b"a\r\n.\r\n");
    }
}
