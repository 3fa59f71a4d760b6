//! The settings of a run: each from the nearest place that says it.
//!
//! Precedence: flag, environment (`AKIN_…`), config file, default. In: the flags as given, the
//! environment, the file. Out: a value for every setting, with the place that it comes from. A value that
//! cannot be used is an error that names its variable, or its file and line, even if a flag is nearer.
//!
//! A setting has one row in [`SETTINGS`], and one field in [`Settings`]: another one needs both, and a line in
//! [`Settings::resolve`].

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;
use etcetera::BaseStrategy;

use super::args::{self, Color, Common, DeviceArg, LogFormat, PrecisionArg};
use super::config_file::{ConfigFile, MailConfig, ValueKind};
use super::fault::Failure;
use super::{folders, pager};

/// How much `verbose` can say.
const MOST_VERBOSE: u8 = 2;

/// What can be set.
pub(super) struct Setting {
    /// In the file, and after `--`.
    pub(super) name: &'static str,
    /// In the environment.
    pub(super) variable: &'static str,
    pub(super) kind: ValueKind,
    /// What holds where nothing is set, for people.
    pub(super) default: &'static str,
    /// What it says, in the template of the file.
    pub(super) about: &'static str,
    /// A value, as the template shows it.
    pub(super) example: &'static str,
    /// Says what is wrong with a value.
    pub(super) check: fn(&str) -> Result<(), String>,
}

/// Everything that can be set, in the order in which it is shown.
pub(super) const SETTINGS: [Setting; 11] = [
    Setting {
        name: "library",
        variable: "AKIN_LIBRARY",
        kind: ValueKind::Text,
        default: "akin/library in the user's data folder",
        about: "Folder of the library",
        example: "\"~/papers\"",
        check: |text| folder(text).map(drop),
    },
    Setting {
        name: "threads",
        variable: "AKIN_THREADS",
        kind: ValueKind::Number,
        default: "one a core",
        about: "Threads to compute with",
        example: "4",
        check: |text| args::threads(text).map(drop),
    },
    Setting {
        name: "precision",
        variable: "AKIN_PRECISION",
        kind: ValueKind::Text,
        default: "that of the library, auto for a new one",
        about: "Numbers to compute the model with: f32, int8, auto",
        example: "\"int8\"",
        check: |text| one_of::<PrecisionArg>(text).map(drop),
    },
    Setting {
        name: "device",
        variable: "AKIN_DEVICE",
        kind: ValueKind::Text,
        default: "auto",
        about: "What to compute the model on: auto, cpu, cuda, metal",
        example: "\"cpu\"",
        check: |text| one_of::<DeviceArg>(text).map(drop),
    },
    Setting {
        name: "json",
        variable: "AKIN_JSON",
        kind: ValueKind::Switch,
        default: "false",
        about: "Print JSON, one object a line",
        example: "true",
        check: |text| switch(text).map(drop),
    },
    Setting {
        name: "offline",
        variable: "AKIN_OFFLINE",
        kind: ValueKind::Switch,
        default: "false",
        about: "Use no network",
        example: "true",
        check: |text| switch(text).map(drop),
    },
    Setting {
        name: "color",
        variable: "AKIN_COLOR",
        kind: ValueKind::Text,
        default: "auto",
        about: "When to use colours: auto, always, never",
        example: "\"never\"",
        check: |text| one_of::<Color>(text).map(drop),
    },
    Setting {
        name: "pager",
        variable: "AKIN_PAGER",
        kind: ValueKind::Text,
        default: "PAGER, else less -FRX",
        about: "What shows long answers on a terminal; cat for nothing",
        example: "\"less -R\"",
        check: |text| pager_command(text).map(drop),
    },
    Setting {
        name: "quiet",
        variable: "AKIN_QUIET",
        kind: ValueKind::Switch,
        default: "false",
        about: "Print no progress and no notes",
        example: "true",
        check: |text| switch(text).map(drop),
    },
    Setting {
        name: "verbose",
        variable: "AKIN_VERBOSE",
        kind: ValueKind::Number,
        default: "0",
        about: "Say more: 1 about what is done and why, 2 logs every step",
        example: "1",
        check: |text| verbosity(text).map(drop),
    },
    Setting {
        name: "log",
        variable: "AKIN_LOG",
        kind: ValueKind::Text,
        default: "no log",
        about: "Log every step on stderr: text, json",
        example: "\"text\"",
        check: |text| one_of::<LogFormat>(text).map(drop),
    },
];

/// Where a value comes from, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetBy {
    Flag,
    Variable,
    /// A line of the file.
    File(usize),
    Default,
}

impl SetBy {
    /// The farther, the more gives way.
    fn distance(self) -> usize {
        match self {
            SetBy::Flag => 0,
            SetBy::Variable => 1,
            SetBy::File(_) => 2,
            SetBy::Default => 3,
        }
    }
}

/// A value with the place that it comes from.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) by: SetBy,
}

/// What holds in this run. What is `None` is set nowhere.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) library: Placed<PathBuf>,
    pub(super) threads: Placed<Option<usize>>,
    pub(super) precision: Placed<Option<PrecisionArg>>,
    pub(super) device: Placed<DeviceArg>,
    pub(super) json: Placed<bool>,
    pub(super) offline: Placed<bool>,
    pub(super) color: Placed<Color>,
    pub(super) pager: Placed<Option<String>>,
    pub(super) quiet: Placed<bool>,
    pub(super) verbose: Placed<u8>,
    pub(super) log: Placed<Option<LogFormat>>,
    pub(super) file: ConfigFile,
}

impl Settings {
    /// Joins flags, environment, file and defaults.
    pub(super) fn resolve(common: &Common) -> Result<Settings, Failure> {
        let file = ConfigFile::read()?;
        let variable = |name: &str| std::env::var_os(name);
        let default = folders::base()?.data_dir().join("akin/library");
        Settings::of(common, &variable, file, default)
    }

    fn of(
        common: &Common,
        variable: &dyn Fn(&str) -> Option<OsString>,
        file: ConfigFile,
        library: PathBuf,
    ) -> Result<Settings, Failure> {
        ensure_known(&file)?;
        let places = Places {
            variable,
            file: &file,
        };
        let no_pager = common.no_pager.then(|| pager::NONE.to_owned());
        let pager = common.pager.clone().or(no_pager);
        let verbose = (common.verbose > 0).then_some(common.verbose);
        let json = given(common.json, common.no_json);
        let offline = given(common.offline, common.no_offline);
        let quiet = given(common.quiet, common.no_quiet);
        let mut settings = Settings {
            library: places.folder(common.library.clone())?.or(library),
            threads: places.find("threads", common.threads, args::threads)?,
            precision: places.find("precision", common.precision, one_of)?,
            device: places
                .find("device", common.device, one_of)?
                .or(DeviceArg::Auto),
            json: places.find("json", json, switch)?.or(false),
            offline: places.find("offline", offline, switch)?.or(false),
            color: places.find("color", common.color, one_of)?.or(Color::Auto),
            pager: places.pager(pager)?,
            quiet: places.find("quiet", quiet, switch)?.or(false),
            verbose: places.find("verbose", verbose, verbosity)?.or(0),
            log: places.find("log", common.log, one_of)?,
            file: ConfigFile::default(),
        };
        settings.settle_verbosity()?;
        settings.file = file;
        Ok(settings)
    }

    /// Between `quiet` and `verbose` the nearer one holds.
    fn settle_verbosity(&mut self) -> Result<(), Failure> {
        if !self.quiet.value || self.verbose.value == 0 {
            return Ok(());
        }
        let (quiet, verbose) = (self.quiet.by, self.verbose.by);
        match quiet.distance().cmp(&verbose.distance()) {
            std::cmp::Ordering::Less => {
                self.verbose = Placed {
                    value: 0,
                    by: quiet,
                }
            }
            std::cmp::Ordering::Greater => {
                self.quiet = Placed {
                    value: false,
                    by: verbose,
                }
            }
            std::cmp::Ordering::Equal => {
                return Err(Failure::usage(match quiet {
                    SetBy::Variable => {
                        "AKIN_QUIET and AKIN_VERBOSE contradict each other".to_owned()
                    }
                    _ => "quiet and verbose contradict each other".to_owned(),
                }));
            }
        }
        Ok(())
    }

    /// How steps are logged, if they are.
    pub(super) fn log_format(&self) -> Option<LogFormat> {
        let by_verbosity = (self.verbose.value > 1).then_some(LogFormat::Text);
        self.log.value.or(by_verbosity)
    }

    /// How mail is sent, if it was set.
    pub(super) fn mail(&self) -> Option<MailConfig> {
        self.file.mail.clone()
    }

    /// Every setting with its value, as the environment would say it, and its place.
    pub(super) fn listed(&self) -> Vec<(&'static Setting, Option<String>, SetBy)> {
        let texts = [
            (
                Some(self.library.value.display().to_string()),
                self.library.by,
            ),
            (self.threads.value.map(|n| n.to_string()), self.threads.by),
            (self.precision.value.and_then(name_of), self.precision.by),
            (name_of(self.device.value), self.device.by),
            (Some(self.json.value.to_string()), self.json.by),
            (Some(self.offline.value.to_string()), self.offline.by),
            (name_of(self.color.value), self.color.by),
            (self.pager.value.clone(), self.pager.by),
            (Some(self.quiet.value.to_string()), self.quiet.by),
            (Some(self.verbose.value.to_string()), self.verbose.by),
            (self.log.value.and_then(name_of), self.log.by),
        ];
        let rows = SETTINGS.iter().zip(texts);
        rows.map(|(setting, (text, by))| (setting, text, by))
            .collect()
    }

    /// A place in words for people: a flag, a variable, a line of the file.
    pub(super) fn describe(&self, setting: &Setting, by: SetBy) -> String {
        match by {
            SetBy::Flag => format!("--{}", setting.name),
            SetBy::Variable => setting.variable.to_owned(),
            SetBy::File(line) => self.file.at(line),
            SetBy::Default => "default".to_owned(),
        }
    }
}

/// The setting of a name.
pub(super) fn named(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// A log that is asked for before anything else is known: errors about settings go to it, too.
pub(super) fn early_log(common: &Common) -> Option<LogFormat> {
    common.log.or_else(log_of_environment)
}

/// The log that the environment asks for.
pub(super) fn log_of_environment() -> Option<LogFormat> {
    let text = std::env::var("AKIN_LOG").ok()?;
    one_of(&text).ok()
}

/// Where settings are looked for after the flags.
struct Places<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    file: &'a ConfigFile,
}

impl Places<'_> {
    fn find<T>(
        &self,
        name: &str,
        flag: Option<T>,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<Placed<Option<T>>, Failure> {
        let setting = named(name).expect("every setting has a row");
        let variable = (self.variable)(setting.variable).filter(|text| !text.is_empty());
        let variable = variable.map(|text| {
            let text = text.to_string_lossy();
            let wrong = |reason| format!("{}={text}: {reason}", setting.variable);
            parse(&text).map_err(|reason| Failure::usage(wrong(reason)))
        });
        let variable = variable.transpose()?;
        let in_file = self.file.value(name).map(|value| {
            let wrong = |reason: String| {
                Failure::usage(format!("{}: {name}: {reason}", self.file.at(value.line)))
            };
            if value.kind != setting.kind {
                return Err(wrong(format!("expected {}", setting.kind.described())));
            }
            let parsed = parse(&value.text).map_err(wrong)?;
            Ok((parsed, SetBy::File(value.line)))
        });
        let in_file = in_file.transpose()?;
        let found = flag.map(|value| (value, SetBy::Flag));
        let found = found.or(variable.map(|value| (value, SetBy::Variable)));
        Ok(match found.or(in_file) {
            Some((value, by)) => Placed {
                value: Some(value),
                by,
            },
            None => Placed {
                value: None,
                by: SetBy::Default,
            },
        })
    }

    /// The pager: an empty variable says that there is none, as it does for other programs.
    fn pager(&self, flag: Option<String>) -> Result<Placed<Option<String>>, Failure> {
        let found = self.find("pager", flag, pager_command)?;
        let is_empty = (self.variable)("AKIN_PAGER").is_some_and(|text| text.is_empty());
        if found.by == SetBy::Flag || !is_empty {
            return Ok(found);
        }
        Ok(Placed {
            value: Some(pager::NONE.to_owned()),
            by: SetBy::Variable,
        })
    }

    /// The library: a variable that is not UTF-8 is a path all the same.
    fn folder(&self, flag: Option<PathBuf>) -> Result<Placed<Option<PathBuf>>, Failure> {
        let variable = (self.variable)("AKIN_LIBRARY").filter(|text| !text.is_empty());
        let mut found = self.find("library", flag, folder)?;
        if found.by == SetBy::Variable {
            found.value = variable.map(PathBuf::from);
        }
        Ok(found)
    }
}

impl<T> Placed<Option<T>> {
    fn or(self, default: T) -> Placed<T> {
        Placed {
            value: self.value.unwrap_or(default),
            by: self.by,
        }
    }
}

/// Fails at a name in the file that is not that of a setting.
fn ensure_known(file: &ConfigFile) -> Result<(), Failure> {
    for (name, line) in file.names() {
        if named(name).is_none() {
            let at = file.at(line);
            return Err(Failure::usage(format!("{at}: {}", unknown(name))));
        }
    }
    Ok(())
}

/// Fails at a value of the file that cannot be used.
pub(super) fn ensure_usable(file: &ConfigFile) -> Result<(), Failure> {
    ensure_known(file)?;
    let places = Places {
        variable: &|_| None,
        file,
    };
    for setting in &SETTINGS {
        places.find(setting.name, None, setting.check)?;
    }
    Ok(())
}

/// What is said about a name that is not that of a setting.
pub(super) fn unknown(name: &str) -> String {
    let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    format!(
        "there is no setting {name:?}; there are {}, and the part [mail]",
        names.join(", ")
    )
}

/// What a switch and its opposite say together.
fn given(on: bool, off: bool) -> Option<bool> {
    (on || off).then_some(on)
}

/// Parses a switch.
fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("expected true or false, 1 or 0".to_owned()),
    }
}

/// Parses a value that has a name.
fn one_of<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, true).map_err(|_| {
        let names: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|value| Some(value.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn name_of<T: ValueEnum>(value: T) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}

/// Parses the command of a pager.
fn pager_command(text: &str) -> Result<String, String> {
    if text.contains(['\n', '\0']) {
        return Err("expected a command in one line".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses how much to say.
fn verbosity(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(n) if n <= MOST_VERBOSE => Ok(n),
        _ => Err(format!("expected a whole number from 0 to {MOST_VERBOSE}")),
    }
}

/// Parses a folder; `~/` is the home folder, which a shell puts there elsewhere.
fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("expected a folder".to_owned());
    }
    match text.strip_prefix("~/") {
        Some(rest) => match folders::base() {
            Ok(base) => Ok(base.home_dir().join(rest)),
            Err(_) => Err("there is no home folder".to_owned()),
        },
        None => Ok(PathBuf::from(text)),
    }
}

#[cfg(test)]
mod tests;
