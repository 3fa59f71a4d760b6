//! Precedence, of every setting.

use std::path::Path;

use clap::Parser;

use super::*;
use crate::cli::config_file;

#[derive(Parser)]
struct OnlyCommon {
    #[command(flatten)]
    common: Common,
}

/// Two values of each setting, and one that it cannot have.
const VALUES: [(&str, [&str; 3], &str); 11] = [
    ("library", ["/a", "/b", "/c"], ""),
    ("threads", ["1", "2", "3"], "0"),
    ("precision", ["f32", "int8", "auto"], "f31"),
    ("device", ["cpu", "cuda", "metal"], "gpu"),
    ("json", ["true", "false", "true"], "ja"),
    ("offline", ["true", "false", "true"], "2"),
    ("color", ["always", "never", "auto"], "blue"),
    ("pager", ["less", "cat", "more"], "a\nb"),
    ("quiet", ["true", "false", "true"], "y"),
    ("verbose", ["1", "2", "0"], "3"),
    ("log", ["text", "json", "text"], "xml"),
];

/// What is resolved, as `listed` says it.
fn resolved(
    name: &str,
    flag: Option<&str>,
    variable: Option<&str>,
    file: Option<&str>,
) -> Result<(Option<String>, SetBy), String> {
    let setting = named(name).unwrap();
    let flag = flag.map(|value| match (setting.kind, value) {
        (ValueKind::Switch, "true") => format!("--{name}"),
        (ValueKind::Switch, _) => format!("--no-{name}"),
        (_, "1") if name == "verbose" => "-v".to_owned(),
        (_, "2") if name == "verbose" => "-vv".to_owned(),
        _ => format!("--{name}={value}"),
    });
    let args = std::iter::once("akin".to_owned()).chain(flag);
    let common = OnlyCommon::try_parse_from(args).unwrap().common;
    let file = file.map_or(String::new(), |value| match setting.kind {
        ValueKind::Text => format!("{name} = {value:?}\n"),
        _ => format!("\n{name} = {value}\n"),
    });
    let file = config_file::parse(Path::new("c.toml"), &file).map_err(|e| format!("{e:?}"))?;
    let of = |asked: &str| {
        let is_it = asked == setting.variable;
        variable.filter(|_| is_it).map(OsString::from)
    };
    let settings = Settings::of(&common, &of, file, PathBuf::from("/default"));
    let settings = settings.map_err(|e| match e {
        Failure::Usage(told) => told,
        other => panic!("{other:?}"),
    })?;
    let listed = settings.listed().into_iter();
    let (_, text, by) = listed.into_iter().find(|row| row.0.name == name).unwrap();
    Ok((text, by))
}

#[test]
fn every_setting_comes_from_the_nearest_place() {
    assert_eq!(
        VALUES.map(|row| row.0),
        SETTINGS.map(|setting| setting.name)
    );
    for (name, [a, b, c], _) in VALUES {
        let some = |text: &str| Some(text.to_owned());
        let flag = resolved(name, Some(a), Some(b), Some(c)).unwrap();
        assert_eq!(flag, (some(a), SetBy::Flag), "{name}");
        let variable = resolved(name, None, Some(b), Some(c)).unwrap();
        assert_eq!(variable, (some(b), SetBy::Variable), "{name}");
        let (text, by) = resolved(name, None, None, Some(c)).unwrap();
        assert_eq!(text, some(c), "{name}");
        assert!(matches!(by, SetBy::File(1 | 2)), "{name}: {by:?}");
        let (text, by) = resolved(name, None, Some(""), None).unwrap();
        if name == "pager" {
            assert_eq!((text, by), (some("cat"), SetBy::Variable));
        } else {
            assert_eq!(by, SetBy::Default, "{name}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_used_names_its_place_even_behind_a_flag() {
    for (name, [a, ..], bad) in VALUES {
        let setting = named(name).unwrap();
        if !bad.is_empty() {
            let told = resolved(name, Some(a), Some(bad), None).unwrap_err();
            assert!(told.starts_with(setting.variable), "{name}: {told}");
        }
        let file = if setting.kind == ValueKind::Switch {
            "\"true\""
        } else {
            bad
        };
        let told = resolved(name, Some(a), None, Some(file)).unwrap_err();
        assert!(
            told.contains("c.toml, line ") && told.contains(name),
            "{name}: {told}"
        );
    }
}

#[test]
fn precision_that_is_set_nowhere_stays_open() {
    assert_eq!(
        resolved("precision", None, None, None).unwrap(),
        (None, SetBy::Default)
    );
}

#[test]
fn the_nearer_of_quiet_and_verbose_holds() {
    let both = |args: &[&str], variables: &[(&str, &str)], file: &str| {
        let args = std::iter::once(&"akin").chain(args);
        let common = OnlyCommon::try_parse_from(args).unwrap().common;
        let file = config_file::parse(Path::new("c.toml"), file).unwrap();
        let of = |asked: &str| {
            let found = variables.iter().find(|(name, _)| *name == asked);
            found.map(|(_, value)| OsString::from(value))
        };
        let settings = Settings::of(&common, &of, file, PathBuf::new());
        settings.map(|it| (it.quiet.value, it.verbose.value)).ok()
    };
    assert_eq!(both(&["-v"], &[("AKIN_QUIET", "1")], ""), Some((false, 1)));
    assert_eq!(both(&["-q"], &[("AKIN_VERBOSE", "2")], ""), Some((true, 0)));
    assert_eq!(
        both(&[], &[("AKIN_VERBOSE", "1")], "quiet = true"),
        Some((false, 1))
    );
    assert_eq!(both(&["--no-quiet"], &[], "quiet = true"), Some((false, 0)));
    assert_eq!(
        both(&[], &[("AKIN_VERBOSE", "1"), ("AKIN_QUIET", "1")], ""),
        None
    );
    assert_eq!(both(&[], &[], "quiet = true\nverbose = 1\n"), None);
}
