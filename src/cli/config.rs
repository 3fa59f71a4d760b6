//! `akin config`: the settings, where each comes from, and the file that keeps them.

mod edit;
mod template;

use std::io::Write;

use akin::Error;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use toml_edit::DocumentMut;

use super::args::Common;
use super::config_file::{self, ValueKind};
use super::fault::Failure;
use super::outcome::Outcome;
use super::settings::{self, SetBy, Setting, Settings};
use super::{layout, terminal};

/// Show and change settings, and say where each comes from
///
/// A setting is taken from the nearest place that has it. The order is flag, environment (AKIN_THREADS),
/// config file, default.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// List every setting, its value, and where it comes from
    List,
    /// Print the value of one setting; exits with 1 if it is set nowhere
    Get {
        /// Its name, such as library
        #[arg(value_name = "SETTING")]
        name: String,
    },
    /// Write a setting into the file; comments in it stay
    Set {
        /// Its name, such as threads; mail.host and the like for mail
        #[arg(value_name = "SETTING")]
        name: String,
        /// Its value
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Take a setting out of the file
    Unset {
        /// Its name
        #[arg(value_name = "SETTING")]
        name: String,
    },
    /// Open the file in $VISUAL or $EDITOR, and check it afterwards
    ///
    /// A file that is not there yet is begun with every setting in it, as comments.
    Edit,
    /// Print the path of the file
    Path,
}

/// Runs it. The flags are part of what is listed.
pub(super) fn run(args: &ConfigArgs, common: &Common) -> Result<Outcome, Failure> {
    match &args.command {
        ConfigCommand::List => list(&Settings::resolve(common)?),
        ConfigCommand::Get { name } => get(name, &Settings::resolve(common)?),
        ConfigCommand::Set { name, value } => set(name, value),
        ConfigCommand::Unset { name } => unset(name),
        ConfigCommand::Edit => edit::run(),
        ConfigCommand::Path => {
            writeln!(terminal::stdout(), "{}", config_file::place()?.0.display())?;
            Ok(Outcome::Done)
        }
    }
}

fn list(settings: &Settings) -> Result<Outcome, Failure> {
    let mut out = terminal::stdout();
    let file = &settings.file;
    let mut rows = Vec::new();
    for (setting, text, by) in settings.listed() {
        let value = text
            .clone()
            .map_or(Value::Null, |text| as_json(setting.kind, text));
        let shown = text.unwrap_or_else(|| setting.default.to_owned());
        rows.push((
            setting.name.to_owned(),
            shown,
            value,
            by,
            settings.describe(setting, by),
        ));
    }
    for (name, value) in &file.mail_lines {
        let text = value.text.clone();
        let json = as_json(value.kind, text.clone());
        rows.push((
            name.clone(),
            text,
            json,
            SetBy::File(value.line),
            file.at(value.line),
        ));
    }
    if settings.json.value {
        for (name, _, value, by, place) in rows {
            let source = match by {
                SetBy::Flag => "flag",
                SetBy::Variable => "environment",
                SetBy::File(_) => "file",
                SetBy::Default => "default",
            };
            let row = json!({"setting": name, "value": value, "source": source, "place": place});
            layout::json_line(&mut out, &row)?;
        }
        return Ok(Outcome::Done);
    }
    let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let names = widest(&mut rows.iter().map(|row| row.0.len()));
    let values = widest(&mut rows.iter().map(|row| row.1.chars().count()));
    for (name, shown, _, _, place) in &rows {
        writeln!(out, "{name:<names$}  {shown:<values$}  {place}")?;
    }
    Ok(Outcome::Done)
}

/// A value as JSON has it.
fn as_json(kind: ValueKind, text: String) -> Value {
    match kind {
        ValueKind::Text => Value::String(text),
        ValueKind::Number | ValueKind::Switch => text.parse().unwrap_or(Value::String(text)),
    }
}

fn get(name: &str, settings: &Settings) -> Result<Outcome, Failure> {
    let mut mail = settings.file.mail_lines.iter();
    let mail = mail
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.text.clone());
    let listed = settings.listed().into_iter();
    let mut listed = listed.filter(|(setting, ..)| setting.name == name);
    let text = match (listed.next(), mail) {
        (Some((_, text, _)), _) => text,
        (None, Some(text)) => Some(text),
        (None, None) if name.starts_with("mail.") => None,
        (None, None) => return Err(Failure::usage(settings::unknown(name))),
    };
    let Some(text) = text else {
        return Ok(Outcome::Partly);
    };
    writeln!(terminal::stdout(), "{text}")?;
    Ok(Outcome::Done)
}

/// Writes a value into the file.
fn set(name: &str, value: &str) -> Result<Outcome, Failure> {
    let parsed = match settings::named(name) {
        Some(setting) => checked(setting, value)?,
        None if name.starts_with("mail.") => match value.parse::<u16>() {
            Ok(port) if name == "mail.port" => toml_edit::value(i64::from(port)),
            _ => toml_edit::value(value),
        },
        None => return Err(Failure::usage(settings::unknown(name))),
    };
    change(|document| {
        let (table, key) = place_of(document, name);
        match table.get_mut(key).and_then(|item| item.as_value_mut()) {
            // What is said beside it stays.
            Some(old) => {
                let decor = old.decor().clone();
                *old = parsed.clone().into_value().unwrap_or_else(|_| value.into());
                *old.decor_mut() = decor;
            }
            None => drop(table.insert(key, parsed.clone())),
        }
    })
}

/// A value of the kind that the setting has.
fn checked(setting: &Setting, value: &str) -> Result<toml_edit::Item, Failure> {
    let wrong = |reason| Failure::usage(format!("{} {value}: {reason}", setting.name));
    (setting.check)(value).map_err(wrong)?;
    Ok(match (setting.kind, value.parse::<i64>()) {
        (ValueKind::Number, Ok(number)) => toml_edit::value(number),
        (ValueKind::Switch, _) => {
            let off = ["false", "0", "no", "off"];
            toml_edit::value(!off.contains(&value.trim().to_lowercase().as_str()))
        }
        _ => toml_edit::value(value),
    })
}

/// Takes a value out of the file.
fn unset(name: &str) -> Result<Outcome, Failure> {
    if settings::named(name).is_none() && !name.starts_with("mail.") {
        return Err(Failure::usage(settings::unknown(name)));
    }
    let mut was_there = false;
    change(|document| {
        let (table, key) = place_of(document, name);
        was_there = table.remove(key).is_some();
        if table.is_empty() && name.starts_with("mail.") {
            document.remove("mail");
        }
    })?;
    Ok(if was_there {
        Outcome::Done
    } else {
        Outcome::Partly
    })
}

/// The table and the key of a setting; `mail.host` is in the part `[mail]`.
fn place_of<'a, 'b>(
    document: &'a mut DocumentMut,
    name: &'b str,
) -> (&'a mut dyn toml_edit::TableLike, &'b str) {
    let Some((part, key)) = name.split_once('.') else {
        return (document.as_table_mut(), name);
    };
    let table = document.entry(part).or_insert_with(toml_edit::table);
    if !table.is_table_like() {
        *table = toml_edit::table();
    }
    let table = table.as_table_like_mut().expect("it is a table");
    (table, key)
}

/// Changes the file, unless it would then be wrong.
fn change(act: impl FnOnce(&mut DocumentMut)) -> Result<Outcome, Failure> {
    let (path, _) = config_file::place()?;
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(Error::read(&path)(e).into()),
    };
    config_file::parse(&path, &text)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|e: toml_edit::TomlError| Failure::usage(format!("{}: {e}", path.display())))?;
    act(&mut document);
    let changed = document.to_string();
    config_file::parse(&path, &changed).map_err(|fault| match fault {
        Failure::Usage(reason) => Failure::usage(format!(
            "nothing was written: {reason}; `akin config edit` changes several settings at once"
        )),
        other => other,
    })?;
    if changed != text {
        config_file::write(&path, &changed)?;
    }
    Ok(Outcome::Done)
}
