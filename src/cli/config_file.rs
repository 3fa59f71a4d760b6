//! The user's `config.toml`: one value a setting, each with its line, and how mail is sent.
//!
//! In: the file that `AKIN_CONFIG` names, else `akin/config.toml` in the user's config folder. Out: the
//! values as text, for `settings.rs` to parse as it parses variables. A file that is not there sets nothing.
//! A key that akin does not know is an error, never passed over.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use akin::{Error, files};
use etcetera::BaseStrategy;
use serde::Deserialize;
use toml_edit::{Document, Item, Value};

use super::fault::Failure;
use super::folders;

/// The variable that names another file.
pub(super) const CONFIG_VARIABLE: &str = "AKIN_CONFIG";

/// The part of the file about mail.
const MAIL: &str = "mail";

/// What the file sets.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    /// The file, if it is there.
    pub(super) path: PathBuf,
    /// Settings by name, with their lines.
    values: BTreeMap<String, FileValue>,
    /// The mail settings.
    pub(super) mail: Option<MailConfig>,
    /// The lines of the mail settings: name, value, line.
    pub(super) mail_lines: Vec<(String, FileValue)>,
}

/// A value of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileValue {
    /// As the environment would say it.
    pub(super) text: String,
    pub(super) kind: ValueKind,
    /// From 1 on.
    pub(super) line: usize,
}

/// Which kind of value TOML has there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Text,
    Number,
    Switch,
}

impl ValueKind {
    /// A value of this kind, with its article.
    pub(super) fn described(self) -> &'static str {
        match self {
            ValueKind::Text => "a text in quotation marks",
            ValueKind::Number => "a whole number",
            ValueKind::Switch => "true or false",
        }
    }
}

/// The mail settings of `config.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MailConfig {
    pub(super) from: String,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) security: SecurityConfig,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) password_env: Option<String>,
    pub(super) password_command: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SecurityConfig {
    #[default]
    Starttls,
    Tls,
    None,
}

/// The file's part about mail alone.
#[derive(Deserialize)]
struct MailPart {
    mail: Option<MailConfig>,
}

impl ConfigFile {
    /// Reads the user's file.
    pub(super) fn read() -> Result<ConfigFile, Failure> {
        let (path, is_named) = place()?;
        match std::fs::read_to_string(&path) {
            Ok(text) => parse(&path, &text),
            Err(e) if e.kind() == ErrorKind::NotFound && !is_named => Ok(ConfigFile {
                path,
                ..ConfigFile::default()
            }),
            Err(e) if e.kind() == ErrorKind::NotFound => Err(Failure::usage(format!(
                "{CONFIG_VARIABLE} names {}, which does not exist; `akin config edit` creates it",
                path.display()
            ))),
            Err(e) => Err(Error::read(&path)(e).into()),
        }
    }

    /// The value of a setting.
    pub(super) fn value(&self, name: &str) -> Option<&FileValue> {
        self.values.get(name)
    }

    /// The names of the settings that it has.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.line))
    }

    /// A place in the file, for messages.
    pub(super) fn at(&self, line: usize) -> String {
        at(&self.path, line)
    }
}

/// The path of the file, and whether the environment names it.
pub(super) fn place() -> Result<(PathBuf, bool), Failure> {
    if let Some(named) = std::env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty()) {
        return Ok((named.into(), true));
    }
    Ok((
        folders::base()?.config_dir().join("akin/config.toml"),
        false,
    ))
}

/// Reads the text of a file. `path` is for messages.
pub(super) fn parse(path: &Path, text: &str) -> Result<ConfigFile, Failure> {
    let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let wrong = |at: usize, what: &str| {
        Failure::usage(format!("{}: {}", self::at(path, line_of(at)), what.trim()))
    };
    let document = Document::parse(text).map_err(|e| {
        let at = e.span().map_or(0, |span| span.start);
        wrong(at, e.message())
    })?;
    let mut file = ConfigFile {
        path: path.to_owned(),
        ..ConfigFile::default()
    };
    for (name, item) in document.iter() {
        let at = document.key(name).and_then(|key| key.span());
        let at = at.or_else(|| item.span()).map_or(0, |span| span.start);
        if name == MAIL {
            let table = item.as_table_like();
            let table = table.ok_or_else(|| wrong(at, "mail: expected a part [mail]"))?;
            for (name, item) in table.iter() {
                let line = line_of(item.span().map_or(at, |span| span.start));
                let value = value_of(item, line);
                file.mail_lines
                    .extend(value.map(|value| (format!("{MAIL}.{name}"), value)));
            }
            continue;
        }
        let value = value_of(item, line_of(at));
        let value = value.ok_or_else(|| {
            wrong(
                at,
                &format!("{name}: expected a text, a number, true or false"),
            )
        })?;
        file.values.insert(name.to_owned(), value);
    }
    let part: MailPart = toml::from_str(text).map_err(|e| {
        let at = e.span().map_or(0, |span| span.start);
        wrong(at, &format!("[mail]: {}", e.message()))
    })?;
    file.mail = part.mail;
    Ok(file)
}

/// Writes the file, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    }
    files::replace(path, text.as_bytes()).map_err(Error::write(path))?;
    Ok(())
}

/// A plain value as text.
fn value_of(item: &Item, line: usize) -> Option<FileValue> {
    let (text, kind) = match item.as_value()? {
        Value::String(text) => (text.value().clone(), ValueKind::Text),
        Value::Integer(number) => (number.value().to_string(), ValueKind::Number),
        Value::Boolean(switch) => (switch.value().to_string(), ValueKind::Switch),
        _ => return None,
    };
    Some(FileValue { text, kind, line })
}

fn at(path: &Path, line: usize) -> String {
    format!("{}, line {line}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match parse(Path::new("c.toml"), text) {
            Err(Failure::Usage(told)) => told,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_value_has_its_text_its_kind_and_its_line() {
        let file = parse(
            Path::new("c.toml"),
            "# mine\nthreads = 4\n\nlibrary = \"/p\"\njson = true\n",
        )
        .unwrap();
        let of = |name: &str| {
            let value = file.value(name).unwrap();
            (value.text.as_str(), value.kind, value.line)
        };
        assert_eq!(of("threads"), ("4", ValueKind::Number, 2));
        assert_eq!(of("library"), ("/p", ValueKind::Text, 4));
        assert_eq!(of("json"), ("true", ValueKind::Switch, 5));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert!(told("threads = 4\nlibrary = \n").starts_with("c.toml, line 2: "));
        assert!(told("\nthreads = [4]\n").starts_with("c.toml, line 2: threads: "));
        let unknown = told("[mail]\nfrom = \"a@b.de\"\nhost = \"h\"\nhots = \"h\"\n");
        assert!(
            unknown.starts_with("c.toml, line 4: ") && unknown.contains("hots"),
            "{unknown}"
        );
    }
}
