//! A mail server on loopback, of which faults can be asked: the state machine of `mailin`, TLS of
//! rustls with a certificate that is made on the spot.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mailin::response::{AUTH_OK, INVALID_CREDENTIALS, OK};
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing.
    None,
    /// The connection ends while the message comes.
    DroppedInData,
    /// The message is taken, and the connection ends before the server says so.
    DroppedAfterData,
    /// The message is refused for now.
    Later,
    /// The message is refused for good.
    Never,
}

/// A message that the server has taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) to: Vec<String>,
    pub(super) text: String,
    /// Whether it came over TLS.
    pub(super) is_encrypted: bool,
    /// The account that sent it.
    pub(super) user: Option<String>,
}

/// A running server.
pub(super) struct MailServer {
    pub(super) port: u16,
    /// The certificate that it shows, in PEM.
    pub(super) certificate: String,
    shared: Arc<Shared>,
}

struct Shared {
    trouble: Mutex<Trouble>,
    taken: Mutex<Vec<Taken>>,
    tls: Arc<ServerConfig>,
    /// Whether TLS begins with the first byte.
    is_wrapped: bool,
}

/// The name and the password of the one account.
pub(super) const ACCOUNT: (&str, &str) = ("ada", "correct horse");

impl MailServer {
    /// Starts one that speaks TLS after STARTTLS, or from the first byte.
    pub(super) fn start(is_wrapped: bool) -> MailServer {
        let names = vec!["localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let shared = Arc::new(Shared {
            trouble: Mutex::new(Trouble::None),
            taken: Mutex::default(),
            tls: Arc::new(tls),
            is_wrapped,
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = Arc::clone(&shared);
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        MailServer {
            port,
            certificate: made.cert.pem(),
            shared,
        }
    }

    /// Has something go wrong from now on.
    pub(super) fn trouble(&self, trouble: Trouble) {
        *self.shared.trouble.lock().unwrap() = trouble;
    }

    /// What it has taken so far.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }
}

/// One message in the making.
struct Desk {
    shared: Arc<Shared>,
    to: Vec<String>,
    text: Vec<u8>,
    user: Option<String>,
    is_encrypted: bool,
}

impl Handler for Desk {
    fn mail(&mut self, _: IpAddr, _: &str, _: &str) -> Response {
        self.to.clear();
        self.text.clear();
        OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.to.push(to.to_owned());
        OK
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        match *self.shared.trouble.lock().unwrap() {
            Trouble::Later => return Response::custom(451, "Try later".to_owned()),
            Trouble::Never => return Response::custom(554, "No thanks".to_owned()),
            _ => {}
        }
        self.shared.taken.lock().unwrap().push(Taken {
            to: self.to.clone(),
            text: String::from_utf8(self.text.clone()).unwrap(),
            is_encrypted: self.is_encrypted,
            user: self.user.clone(),
        });
        OK
    }

    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        if (user, password) != ACCOUNT {
            return INVALID_CREDENTIALS;
        }
        self.user = Some(user.to_owned());
        AUTH_OK
    }
}

impl Shared {
    fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut builder = SessionBuilder::new("mail.test");
        if !self.is_wrapped {
            builder.enable_start_tls();
        }
        builder.enable_auth(AuthMechanism::Plain);
        let desk = Desk {
            shared: Arc::clone(&self),
            to: Vec::new(),
            text: Vec::new(),
            user: None,
            is_encrypted: false,
        };
        let ip = stream.peer_addr().unwrap().ip();
        let mut desk = desk;
        if self.is_wrapped {
            desk.is_encrypted = true;
            let mut session = builder.build(ip, desk);
            session.tls_active();
            let greeting = session.greeting();
            let mut stream = self.encrypted(stream);
            let _ = greeting.write_to(&mut stream);
            self.talk(&mut session, stream);
            return;
        }
        let mut session = builder.build(ip, desk);
        let mut plain = &stream;
        let _ = session.greeting().write_to(&mut plain);
        if self.talk(&mut session, &stream) {
            // What is said from here on is said under TLS.
            let desk = Desk {
                shared: Arc::clone(&self),
                to: Vec::new(),
                text: Vec::new(),
                user: None,
                is_encrypted: true,
            };
            let mut session = builder.build(ip, desk);
            session.tls_active();
            let stream = self.encrypted(stream);
            self.talk(&mut session, stream);
        }
    }

    fn encrypted(&self, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
        let connection = ServerConnection::new(Arc::clone(&self.tls)).unwrap();
        StreamOwned::new(connection, stream)
    }

    /// Answers until the connection ends, or TLS is asked for.
    fn talk(&self, session: &mut Session<Desk>, stream: impl Read + Write) -> bool {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        let mut is_data = false;
        loop {
            line.clear();
            if !matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
                return false;
            }
            let trouble = *self.trouble.lock().unwrap();
            if is_data && trouble == Trouble::DroppedInData {
                return false;
            }
            let response = session.process(&line);
            let is_end = is_data && response.action != Action::NoReply;
            if is_end && trouble == Trouble::DroppedAfterData {
                return false;
            }
            is_data = response.code == 354 || (is_data && !is_end);
            let action = response.action.clone();
            if action != Action::NoReply && response.write_to(stream.get_mut()).is_err() {
                return false;
            }
            let _ = stream.get_mut().flush();
            match action {
                Action::Close => return false,
                Action::UpgradeTls => return true,
                _ => {}
            }
        }
    }
}
