//! Mail: a digest to a message, and the message to a mail server (`smtp`).
//!
//! In: a [`Digest`], a [`Server`] to connect to, and the sender. Out: the bytes of the message, or
//! that the server has taken it. Headers, boundaries and dates depend on the digest alone: sent
//! twice, the same digest is the same message, byte for byte.
//!
//! Invariants: a password is never shown, stored or put into an error. It is sent over an encrypted
//! connection only, unless the server is this machine. Certificates are always verified.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::smtp::{self, Encryption, Host};
use super::{Digest, mail};
use crate::error::{Error, Refusal, Result};

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

/// A secret that must never be printed.
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
    /// Its port; the default one if `None`.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub security: Security,
    /// The account, if the server needs one.
    pub login: Option<Login>,
    /// Certificates in PEM that are trusted as well.
    pub roots: Option<Vec<u8>>,
}

/// A way to send digests.
pub struct Mailer {
    host: String,
    port: u16,
    encryption: Encryption,
    login: Option<Credentials>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailer({} to {}:{})", self.from, self.host, self.port)
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

    fn encryption(&self) -> Result<Encryption> {
        Ok(match self.security {
            Security::Plain => Encryption::Never,
            Security::Tls => Encryption::FromTheStart(self.tls()?),
            Security::StartTls => Encryption::AfterStartTls(self.tls()?),
        })
    }

    /// The TLS settings: the trusted certificates, and nothing else that could be set.
    fn tls(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(pem) = &self.roots {
            let bad = |e: String| bad_mail(format!("the certificates are not PEM: {e}"));
            let mut n_found = 0;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|e| bad(e.to_string()))?;
                roots.add(certificate).map_err(|e| bad(e.to_string()))?;
                n_found += 1;
            }
            if n_found == 0 {
                return Err(bad("there is none".to_owned()));
            }
        }
        let bad = |e| bad_mail(format!("no encryption with {}: {e}", self.host));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map_err(bad)?;
        let config = config.with_root_certificates(roots);
        Ok(Arc::new(config.with_no_client_auth()))
    }
}

impl Mailer {
    /// A way to send through a server; nothing is connected yet. `from` is `NAME <ADDRESS>` or
    /// an address.
    ///
    /// # Errors
    /// [`Error::BadMail`] with the reason.
    pub fn new(server: &Server, from: &str) -> Result<Mailer> {
        if server.security == Security::Plain && server.login.is_some() && !server.is_this_machine()
        {
            return Err(bad_mail(format!(
                "a password is not sent to {} over an unencrypted connection",
                server.host
            )));
        }
        let login = |Login { user, password }: &Login| {
            let Secret(password) = password.clone();
            Credentials::new(user.clone(), password)
        };
        Ok(Mailer {
            host: server.host.clone(),
            port: server.port(),
            encryption: server.encryption()?,
            login: server.login.as_ref().map(login),
            from: mailbox(from)?,
        })
    }

    /// Sends a digest to its reader.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the server does not accept it, or the reader's address is invalid.
    pub fn send(&self, digest: &Digest) -> Result<()> {
        let not_sent = |reason: String, refusal: Refusal| Error::NotSent {
            to: digest.reader.clone(),
            server: format!("{}:{}", self.host, self.port),
            reason,
            refusal,
        };
        let to = mailbox(&digest.reader);
        let to = to.map_err(|error| not_sent(error.to_string(), Refusal::Address))?;
        let message = message(digest, &self.from, to)?;
        let host = Host {
            name: &self.host,
            port: self.port,
            encryption: &self.encryption,
            login: self.login.as_ref(),
        };
        let sent = smtp::send(&host, message.envelope(), &message.formatted());
        sent.map_err(|trouble| not_sent(trouble.reason, trouble.refusal))
    }
}

/// The bytes of a digest's message, lines ended by CR LF.
///
/// # Errors
/// [`Error::BadMail`] if one of the addresses is invalid.
pub fn eml(digest: &Digest, from: &str) -> Result<Vec<u8>> {
    Ok(message(digest, &mailbox(from)?, mailbox(&digest.reader)?)?.formatted())
}

/// Returns the part of an address after the `@`.
///
/// # Errors
/// [`Error::BadMail`] if the address is invalid.
pub fn domain(address: &str) -> Result<String> {
    Ok(mailbox(address)?.email.domain().to_owned())
}

fn message(digest: &Digest, from: &Mailbox, to: Mailbox) -> Result<Message> {
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
        .to(to)
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
    parsed.map_err(|e| bad_mail(format!("invalid address {text:?}: {e}")))
}

fn bad_mail(reason: String) -> Error {
    Error::BadMail { reason }
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
        assert!(
            refused.contains("over an unencrypted connection"),
            "{refused}"
        );
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
