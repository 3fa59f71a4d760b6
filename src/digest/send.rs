//! Mail: a digest to a message, and the message to a mail server. Alone knows lettre.
//!
//! In: a [`Digest`], a [`Server`] to speak to, who it is from. Out: the bytes of the message, or that
//! the server has taken it. Headers, boundaries and dates are made of the digest alone, so the same
//! digest is the same message, byte for byte, however often it is sent.
//!
//! Invariants: a password is never shown, stored or put into an error; it is not sent over a
//! connection that is not encrypted, but to this very machine; certificates are always verified.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};

use super::{Digest, mail};
use crate::error::{Error, Result};

/// How long a server is waited for.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte.
    Tls,
    /// From STARTTLS on, which the server must know.
    StartTls,
    /// Not at all.
    Plain,
}

/// Something that nobody is to read.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Who says that he may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name of the account.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// A mail server, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port; the usual one where `None`.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub security: Security,
    /// The account, if it wants one.
    pub login: Option<Login>,
    /// Certificates in PEM that are trusted as well.
    pub roots: Option<Vec<u8>>,
}

/// A way to send digests.
pub struct Mailer {
    transport: SmtpTransport,
    server: String,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailer({} to {})", self.from, self.server)
    }
}

impl Server {
    fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Tls => 465,
            Security::StartTls => 587,
            Security::Plain => 25,
        })
    }

    fn is_this_machine(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    fn tls(&self) -> Result<Tls> {
        if self.security == Security::Plain {
            return Ok(Tls::None);
        }
        let mut parameters = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.roots {
            let bad = |e| bad_mail(format!("the certificates are not PEM: {e}"));
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(bad)?);
        }
        let bad = |e| bad_mail(format!("no encryption with {}: {e}", self.host));
        let parameters = parameters.build_rustls().map_err(bad)?;
        Ok(match self.security {
            Security::Tls => Tls::Wrapper(parameters),
            _ => Tls::Required(parameters),
        })
    }
}

impl Mailer {
    /// A way to send through a server; nothing is connected yet. `from` is `NAME <ADDRESS>` or
    /// an address.
    ///
    /// # Errors
    /// [`Error::BadMail`] with what is wrong.
    pub fn new(server: &Server, from: &str) -> Result<Mailer> {
        if server.security == Security::Plain && server.login.is_some() && !server.is_this_machine()
        {
            return Err(bad_mail(format!(
                "a password is not sent to {} over a connection that is not encrypted",
                server.host
            )));
        }
        let mut transport = SmtpTransport::builder_dangerous(&server.host)
            .port(server.port())
            .timeout(Some(TIMEOUT))
            .tls(server.tls()?);
        if let Some(login) = &server.login {
            let Secret(password) = login.password.clone();
            transport = transport.credentials(Credentials::new(login.user.clone(), password));
        }
        Ok(Mailer {
            transport: transport.build(),
            server: format!("{}:{}", server.host, server.port()),
            from: mailbox(from)?,
        })
    }

    /// Sends a digest to its reader.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the server does not take it; [`Error::BadMail`] if the reader's address
    /// is none.
    pub fn send(&self, digest: &Digest) -> Result<()> {
        let message = message(digest, &self.from)?;
        self.transport
            .send(&message)
            .map(drop)
            .map_err(|e| Error::NotSent {
                to: digest.reader.clone(),
                server: self.server.clone(),
                reason: in_words(&e),
                is_permanent: e.is_permanent(),
            })
    }
}

/// The bytes of a digest's message, lines ended by CR LF.
///
/// # Errors
/// [`Error::BadMail`] if one of the addresses is none.
pub fn eml(digest: &Digest, from: &str) -> Result<Vec<u8>> {
    Ok(message(digest, &mailbox(from)?)?.formatted())
}

/// What stands behind the `@` of an address.
///
/// # Errors
/// [`Error::BadMail`] if it is no address.
pub fn domain(address: &str) -> Result<String> {
    Ok(mailbox(address)?.email.domain().to_owned())
}

fn message(digest: &Digest, from: &Mailbox) -> Result<Message> {
    let letter = mail(digest, from.email.as_ref());
    let raw = |name: &'static str, value: String| {
        HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
    };
    let domain = from.email.domain();
    let boundary = blake3::hash(digest.message_id.as_bytes()).to_hex();
    let part = |kind, text| SinglePart::builder().header(kind).body(text);
    let parts = MultiPart::alternative()
        .boundary(format!("akin-{}", &boundary[..32]))
        .singlepart(part(ContentType::TEXT_PLAIN, letter.text))
        .singlepart(part(ContentType::TEXT_HTML, letter.html));
    Message::builder()
        .from(from.clone())
        .to(mailbox(&digest.reader)?)
        .subject(letter.subject)
        .date(SystemTime::from(digest.made.timestamp()))
        .message_id(Some(format!("<{}>", digest.message_id)))
        .raw_header(raw("List-Id", format!("akin digest <akin.{domain}>")))
        .raw_header(raw("List-Unsubscribe", letter.unsubscribe))
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()))
        .multipart(parts)
        .map_err(|e| bad_mail(e.to_string()))
}

fn mailbox(text: &str) -> Result<Mailbox> {
    let parsed = text.parse::<Mailbox>();
    parsed.map_err(|e| bad_mail(format!("{text:?} is no address: {e}")))
}

fn bad_mail(reason: String) -> Error {
    Error::BadMail { reason }
}

/// An error with what caused it.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !words.contains(&text) {
            words += ": ";
            words += &text;
        }
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, security: Security) -> Server {
        Server {
            host: host.to_owned(),
            port: None,
            security,
            login: Some(Login {
                user: "ada".to_owned(),
                password: Secret("tiger".to_owned()),
            }),
            roots: None,
        }
    }

    #[test]
    fn a_password_is_not_sent_in_the_open_and_never_shown() {
        let open = |host: &str| Mailer::new(&server(host, Security::Plain), "a@example.org");
        let refused = open("mail.example.org").unwrap_err().to_string();
        assert!(refused.contains("not encrypted"), "{refused}");
        assert!(open("127.0.0.1").is_ok() && open("localhost").is_ok());
        let shown = format!("{:?}", server("x", Security::Tls));
        assert!(!shown.contains("tiger"), "{shown}");
    }

    #[test]
    fn what_is_no_address_is_named() {
        let error = Mailer::new(&server("x", Security::Tls), "ada at home").unwrap_err();
        assert!(error.to_string().contains("ada at home"), "{error}");
        assert_eq!(domain("Ada <ada@example.org>").unwrap(), "example.org");
    }
}
