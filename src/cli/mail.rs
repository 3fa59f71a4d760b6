//! How mail is sent, from `config.toml`; and the password, from wherever it is kept.
//!
//! ```toml
//! [mail]
//! from = "akin <ada@example.org>"
//! host = "mail.example.org"
//! port = 587                        # the usual one of `security`
//! security = "starttls"             # or "tls"; "none" on this very machine only, with a login
//! user = "ada"
//! password-file = "/home/ada/.mail-password"
//! # or password-env = "MAIL_PASSWORD", or password-command = "pass show mail"
//! ca-file = "/etc/ssl/our-own.pem"  # certificates that are trusted as well
//! ```

use std::path::Path;
use std::process::{Command, Stdio};

use akin::Error;
use akin::digest::{self, Login, Mailer, Secret, Security, Server};

use super::config_file::{MailConfig, SecurityConfig};
use super::context::Context;
use super::fault::Failure;

/// The part after the `@` if no domain is configured.
const NO_DOMAIN: &str = "localhost";

impl Context {
    /// A way to send mail.
    pub(super) fn mailer(&self) -> Result<Mailer, Failure> {
        self.ensure_online("mail")?;
        let config = self.mail_config()?;
        let roots = config.ca_file.as_ref();
        let roots = roots.map(|path| std::fs::read(path).map_err(Error::read(path)));
        let login = match &config.user {
            None => None,
            Some(user) => Some(Login {
                user: user.clone(),
                password: self.password(config)?,
            }),
        };
        let server = Server {
            host: config.host.clone(),
            port: config.port,
            security: match config.security {
                SecurityConfig::Starttls => Security::StartTls,
                SecurityConfig::Tls => Security::Tls,
                SecurityConfig::None => Security::Plain,
            },
            login,
            roots: roots.transpose()?,
        };
        Ok(Mailer::new(&server, &config.from)?)
    }

    /// Who a letter is from that is not sent: without settings, this program on this machine.
    pub(super) fn letter_from(&self) -> String {
        let from = self.mail.as_ref().map(|config| config.from.clone());
        from.unwrap_or_else(|| format!("akin <akin@{NO_DOMAIN}>"))
    }

    /// Fails if the settings do not allow mail to be sent; connects to nothing.
    pub(super) fn check_mail(&self) -> Result<(), Error> {
        digest::domain(&self.mail_config()?.from).map(drop)
    }

    /// The part after the `@` in the Message-IDs of this library.
    pub(super) fn mail_domain(&self) -> Result<String, Error> {
        match &self.mail {
            Some(config) => digest::domain(&config.from),
            None => Ok(NO_DOMAIN.to_owned()),
        }
    }

    fn mail_config(&self) -> Result<&MailConfig, Error> {
        self.mail.as_ref().ok_or_else(|| Error::BadMail {
            reason: "config.toml has no part [mail] that names a mail server".to_owned(),
        })
    }

    /// The password, without the end of its line.
    fn password(&self, config: &MailConfig) -> Result<Secret, Failure> {
        let named = (
            &config.password_file,
            &config.password_env,
            &config.password_command,
        );
        let text = match named {
            (Some(path), None, None) => {
                self.complain_of_readers(path);
                std::fs::read_to_string(path).map_err(Error::read(path))?
            }
            (None, Some(name), None) => std::env::var(name).map_err(|_| {
                Failure::usage(format!(
                    "the environment has no {name} to take a password from"
                ))
            })?,
            (None, None, Some(command)) => printed_by(command)?,
            _ => {
                return Err(Failure::usage(
                    "[mail] has a user and needs one of password-file, password-env and \
                     password-command",
                ));
            }
        };
        let password = text.lines().next().unwrap_or_default();
        if password.is_empty() {
            return Err(Failure::usage("the password for [mail] is empty"));
        }
        Ok(Secret(password.to_owned()))
    }

    #[cfg(unix)]
    fn complain_of_readers(&self, path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().map_or(0, |meta| meta.permissions().mode());
        if mode & 0o077 != 0 {
            let path = path.display();
            self.note(&format!(
                "others can read {path}; chmod 600 makes it private"
            ));
        }
    }

    #[cfg(not(unix))]
    fn complain_of_readers(&self, _: &Path) {}
}

/// What a command writes to stdout.
fn printed_by(command: &str) -> Result<String, Failure> {
    let mut shell = if cfg!(windows) {
        Command::new("cmd")
    } else {
        Command::new("sh")
    };
    shell.args([if cfg!(windows) { "/C" } else { "-c" }, command]);
    let output = shell
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|e| Failure::usage(format!("password-command: {e}")))?;
    if !output.status.success() {
        return Err(Failure::usage(format!(
            "password-command ended with {}",
            output.status
        )));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Failure::usage("password-command wrote something that is not text"))
}
