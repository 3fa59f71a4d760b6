//! How a failure is reported to a person: what failed, what caused it, and what to do about it.

use std::error::Error as _;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use akin::Error;
use akin::dump::KNOWN_FORMATS;
use akin::error::Refusal;

use super::terminal::{self, RED, one_line};

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// An error of the library.
    Akin(Error),
    /// The command was misused.
    Usage(String),
    /// stdout could not be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Akin(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

impl Failure {
    pub(super) fn usage(text: impl Into<String>) -> Failure {
        Failure::Usage(text.into())
    }

    /// Whether the reader of stdout went away, which does not count as a failure:
    /// `akin search … | head`.
    pub(super) fn is_closed_pipe(&self) -> bool {
        match self {
            Failure::Output(error) => error.kind() == ErrorKind::BrokenPipe,
            Failure::Akin(Error::Write { source, .. }) => source.kind() == ErrorKind::BrokenPipe,
            _ => false,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Akin(Error::Interrupted) => ExitCode::from(130),
            Failure::Akin(
                Error::UnknownPaper { .. }
                | Error::AmbiguousId { .. }
                | Error::UnknownFollow { .. },
            ) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }

    /// Whether it also stops a command from doing the same for others: an interruption, an output
    /// that cannot be written, an unusable library.
    pub(super) fn is_everybodys(&self) -> bool {
        match self {
            Failure::Akin(error) => matches!(
                error,
                Error::Interrupted
                    | Error::Database { .. }
                    | Error::LibraryBusy { .. }
                    | Error::LibraryMissing { .. }
                    | Error::Write { .. }
            ),
            Failure::Usage(_) => false,
            Failure::Output(_) => true,
        }
    }

    /// Whether a mail server takes nothing from anybody now.
    pub(super) fn is_of_mail_server(&self) -> bool {
        let Failure::Akin(Error::NotSent { refusal, .. }) = self else {
            return false;
        };
        *refusal == Refusal::Server
    }

    /// Prints message, causes and hint to stderr.
    pub(super) fn print(&self) {
        let mut err = terminal::stderr();
        // If stderr cannot be written, nobody can be informed.
        let _ = self.write(&mut err, None);
    }

    /// The same, about somebody or something that the message may not name.
    pub(super) fn print_about(&self, whom: &str) {
        let _ = self.write(&mut terminal::stderr(), Some(whom));
    }

    fn write(&self, err: &mut impl Write, about: Option<&str>) -> io::Result<()> {
        let one_line = |text: &str| match about.filter(|whom| !text.contains(whom)) {
            Some(whom) => one_line(&format!("{whom}: {text}")),
            None => one_line(text),
        };
        match self {
            Failure::Usage(text) => writeln!(err, "{RED}error:{RED:#} {}", one_line(text)),
            Failure::Output(e) => writeln!(err, "{RED}error:{RED:#} cannot write to stdout: {e}"),
            Failure::Akin(error) => {
                writeln!(err, "{RED}error:{RED:#} {}", one_line(&error.to_string()))?;
                write_causes(error, err)?;
                match hint(error) {
                    Some(hint) => writeln!(err, "hint: {}", terminal::one_line(&hint)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The sources of an error, outermost first, each once.
pub(super) fn write_causes(error: &Error, err: &mut impl Write) -> io::Result<()> {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !said.contains(&text) {
            writeln!(err, "caused by: {}", one_line(&text))?;
        }
        said = text;
        source = cause.source();
    }
    Ok(())
}

/// What to do about a file whose format is not recognised.
fn of_unknown_format() -> String {
    format!(
        "--dump-format NAME insists on a format, --column title=NAME names the column of titles; known \
         formats: {}",
        *KNOWN_FORMATS
    )
}

/// What the user can do.
pub(super) fn hint(error: &Error) -> Option<String> {
    hint_of_file(error)
        .or_else(|| hint_of_network(error))
        .or_else(|| hint_of_library(error))
}

/// What to do about a file or a dump.
fn hint_of_file(error: &Error) -> Option<String> {
    Some(match error {
        Error::Read { path, source }
            if source.kind() == ErrorKind::NotFound && is_of_a_library(path) =>
        {
            "`akin check --repair` rebuilds it".to_owned()
        }
        Error::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
            "check the name; `akin add -` reads a dump from stdin".to_owned()
        }
        Error::Read { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            "you may not read it; check its permissions".to_owned()
        }
        Error::Write { source, .. } if source.kind() == ErrorKind::StorageFull => {
            "the disk is full; what was committed or fetched is safe. Free some space and run the \
             same command again"
                .to_owned()
        }
        Error::Database { source, .. } if source.to_string().contains("disk I/O error") => {
            "the disk may be full or broken, or a file may not be larger here (`ulimit -f`); what \
             was committed is safe. Fix this and run the same command again"
                .to_owned()
        }
        Error::Write { source, .. } if source.kind() == ErrorKind::FileTooLarge => {
            "a file may not be larger here: see `ulimit -f`; what was committed is safe".to_owned()
        }
        Error::Write { source, .. }
            if matches!(
                source.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            "you may not write there; --library DIR names another folder for papers, and \
             HF_HUB_CACHE one for models"
                .to_owned()
        }
        Error::Write { source, .. }
            if matches!(
                source.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
            ) =>
        {
            "check the name and its folder, which must be there".to_owned()
        }
        Error::Write { .. } => {
            "check the disk and the permissions there; what was committed is safe. Fix this and run \
             the same command again"
                .to_owned()
        }
        Error::BadVectors { .. } => {
            "`akin embed` with the library's model writes such a file; `akin status` names the model"
                .to_owned()
        }
        Error::NotEmbedded { .. } => {
            "`akin embed-missing` embeds them; `akin search` finds papers by their words until then"
                .to_owned()
        }
        Error::Damaged { path, .. } if is_of_a_library(path) => {
            "`akin check` says what is damaged, with which papers, and what to do".to_owned()
        }
        Error::NoRecords { .. } => {
            "the format is recognised from the content; --dump-format FORMAT sets it".to_owned()
        }
        Error::UnknownFormat { .. } => of_unknown_format(),
        Error::IsFolder { path } => {
            let path = path.display();
            format!("name one file in it; `akin add {path}` reads all of them into a library")
        }
        Error::LibraryMissing { .. } | Error::LibraryEmpty { .. } => {
            "`akin add DUMP` makes one; `akin search --in DUMP QUERY` needs none".to_owned()
        }
        Error::NotALibrary { .. } => "name a new or an empty folder with --library DIR".to_owned(),
        _ => return None,
    })
}

/// What to do about a server, a model or a device.
fn hint_of_network(error: &Error) -> Option<String> {
    Some(match error {
        Error::Unreachable { .. } => {
            "what was added is kept; run the same command again later to continue".to_owned()
        }
        Error::BadAnswer { .. } => {
            "run the same command again later, or with --restart to begin the list again".to_owned()
        }
        Error::Device { .. } => {
            "--device cpu computes on the CPU; --device auto takes a GPU only where there is one"
                .to_owned()
        }
        Error::ModelMissing { id, .. } => format!("akin model fetch {id}"),
        Error::UnknownModel { .. } => {
            "check the name; a model of the hub is org/name or org/name@revision".to_owned()
        }
        Error::ModelDenied { .. } => {
            "check the name; if the model is gated, accept its conditions on its page at the hub, \
             then give your token with HF_TOKEN or --token-file FILE"
                .to_owned()
        }
        Error::WrongBytes { .. } => "it was removed; run the same command again".to_owned(),
        Error::Offline { .. } => "leave out --offline and unset HF_HUB_OFFLINE".to_owned(),
        _ => return None,
    })
}

/// What to do about a library, a query or a follow.
fn hint_of_library(error: &Error) -> Option<String> {
    Some(match error {
        Error::NotASource { .. } => "akin show --sources ID lists them".to_owned(),
        Error::LibraryOlder { .. } => {
            "akin compact brings it up to date; nothing is embedded again".to_owned()
        }
        Error::LibraryNewer { .. } => "update akin, or name another library".to_owned(),
        Error::LibraryBusy { .. } => "wait until it is done; searching works meanwhile".to_owned(),
        Error::SpaceMismatch { .. } => {
            "leave out --model, --max-tokens and --dim to use the library's own; `akin model use \
             MODEL` changes it"
                .to_owned()
        }
        Error::UnknownPaper { .. } => {
            "ids look like 2503.11731, hep-th/9901001 or 10.1103/PhysRevD.76.013009; `akin \
             search` finds papers by what they say"
                .to_owned()
        }
        Error::EmptyQuery => {
            "say what you look for: akin search \"graph neural networks\"".to_owned()
        }
        Error::LongQuery { .. } => "for a text this long, use akin search --file FILE".to_owned(),
        Error::UnknownFollow { .. } => "akin follow list names them".to_owned(),
        Error::BadMail { .. } => {
            "akin/config.toml in your config folder says how, in its part [mail]: from, host, \
             security, user, password-file"
                .to_owned()
        }
        Error::BadSubscription { address, .. } => {
            format!("run akin subscribe add {address} again, with its options")
        }
        Error::NotSent { refusal, .. } => match refusal {
            Refusal::Server | Refusal::ForNow => {
                "it is kept; run the same command again later to send it"
            }
            Refusal::Message => "its papers are new again: fix this and run the same command again",
            Refusal::Address => {
                "this digest is dropped, and its papers are new again in the next one; `akin \
                 subscribe remove ADDRESS` ends that"
            }
        }
        .to_owned(),
        Error::NoDirection => {
            "name other papers, or give those after --not less weight with --not-weight".to_owned()
        }
        Error::LexicalDoubt { .. } => {
            "an add that is running indexes them first; `akin check --repair` does it as well, and \
             --dense finds papers without"
                .to_owned()
        }
        Error::NotBuilt { feature, .. } => {
            format!("cargo install --path . --features {feature}")
        }
        Error::DimTooLarge { dim, .. } => format!("--dim takes 1 to {dim}"),
        Error::Interrupted => "run the same command again to go on".to_owned(),
        _ => return None,
    })
}

/// Whether a file is one that `akin check` looks at.
fn is_of_a_library(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "f16" || e == "db")
}
