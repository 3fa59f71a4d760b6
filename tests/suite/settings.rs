//! Settings: from flag, environment, file or default; `akin config`.

use serde_json::Value;

use crate::habits::{library, with};
use crate::sandbox::{Ran, Sandbox};

/// The settings, as `akin config list --json` says them: value, source and place by name.
fn listed(ran: &Ran, name: &str) -> (Value, String, String) {
    let rows = ran.json();
    let row = rows.iter().find(|row| row["setting"] == name).unwrap();
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    (row["value"].clone(), text("source"), text("place"))
}

#[test]
fn every_global_option_comes_from_flag_environment_file_or_default() {
    let sandbox = Sandbox::new();
    let list = ["config", "list", "--json"];
    let untouched = sandbox.akin(&list).exits(0);
    let rows = untouched.json();
    let options = sandbox.akin(&["help", "options"]).exits(0).stdout;
    assert_eq!(rows.len(), options.matches("[env: AKIN_").count());
    assert_eq!(rows.len(), 11);
    for row in &rows {
        let name = row["setting"].as_str().unwrap();
        assert!(options.contains(&format!("--{name}")), "{name}");
        let is_set = ["library", "json"].contains(&name);
        assert_eq!(row["source"] == "default", !is_set, "{row}");
    }
    assert_eq!(listed(&untouched, "library").1, "environment");
    assert_eq!(listed(&untouched, "precision").0, Value::Null);
    for (name, in_file, by_variable, flag) in [
        ("threads", "1", "2", "--threads=3"),
        ("precision", "\"f32\"", "int8", "--precision=auto"),
        ("device", "\"cpu\"", "auto", "--device=cpu"),
        ("offline", "true", "0", "--offline"),
        ("color", "\"always\"", "never", "--color=auto"),
        ("quiet", "true", "false", "--quiet"),
        ("verbose", "1", "2", "-v"),
        ("log", "\"text\"", "json", "--log=text"),
    ] {
        let variable = format!("AKIN_{}", name.to_uppercase());
        sandbox.file(
            "config/akin/config.toml",
            format!("# one\n{name} = {in_file}\n"),
        );
        let of = |args: &[&str], variables: &[(&str, &str)]| {
            listed(&with(&sandbox, args, variables).exits(0), name)
        };
        let (value, source, place) = of(&list, &[]);
        assert_eq!(value.to_string(), in_file, "{name}");
        assert!(
            source == "file" && place.ends_with("config.toml, line 2"),
            "{place}"
        );
        let (_, source, place) = of(&list, &[(&variable, by_variable)]);
        assert_eq!((source.as_str(), &place), ("environment", &variable));
        let flagged = [&list[..], &[flag]].concat();
        let (_, source, _) = of(&flagged, &[(&variable, by_variable)]);
        assert_eq!(source, "flag", "{name}");
        let wrong = with(&sandbox, &["status"], &[(&variable, "wrong")]).exits(2);
        assert!(
            wrong
                .stderr
                .contains(&format!("{variable}=wrong: expected ")),
            "{wrong:?}"
        );
        sandbox.file(
            "config/akin/config.toml",
            format!("\n\n{name} = \"wrong\"\n"),
        );
        let wrong = sandbox.akin(&["status"]).exits(2);
        let told = format!("config.toml, line 3: {name}: expected ");
        assert!(wrong.stderr.contains(&told), "{wrong:?}");
    }
    sandbox.file("config/akin/config.toml", "libary = \"/p\"\n");
    let wrong = sandbox.akin(&["status"]).exits(2);
    assert!(
        wrong.stderr.contains("line 1") && wrong.stderr.contains("library"),
        "{wrong:?}"
    );
}

#[test]
fn a_setting_of_the_environment_does_what_its_flag_does() {
    let sandbox = library();
    let search = ["search", "graphs"];
    let with = |args: &[&str], name: &str, value: &str| with(&sandbox, args, &[(name, value)]);
    let json = sandbox
        .akin(&["search", "graphs", "--json"])
        .exits(0)
        .stdout;
    assert_eq!(with(&search, "AKIN_JSON", "1").exits(0).stdout, json);
    let undone = with(&["search", "graphs", "--no-json"], "AKIN_JSON", "1").exits(0);
    assert_eq!(undone.stdout, sandbox.akin(&search).exits(0).stdout);
    assert!(
        with(&search, "AKIN_COLOR", "always")
            .stdout
            .contains("\u{1b}[")
    );
    let pulled = with(&["pull", "arxiv"], "AKIN_OFFLINE", "true").exits(2);
    assert!(pulled.stderr.contains("offline"), "{pulled:?}");
    assert!(
        with(&search, "AKIN_VERBOSE", "1")
            .stderr
            .contains("computing with")
    );
    assert!(
        with(&search, "AKIN_LOG", "json")
            .stderr
            .contains("\"level\"")
    );
    sandbox.akin(&["follow", "list"]).exits(1);
    assert!(
        with(&["follow", "list"], "AKIN_QUIET", "1")
            .exits(1)
            .stderr
            .is_empty()
    );
    let elsewhere = sandbox.path("elsewhere").display().to_string();
    assert!(
        with(&["status"], "AKIN_LIBRARY", &elsewhere)
            .exits(2)
            .stderr
            .contains(&elsewhere)
    );
    let int8 = with(&["search", "graphs", "-v"], "AKIN_PRECISION", "int8").exits(0);
    assert!(int8.stderr.contains("int8"), "{int8:?}");
    let file = sandbox.file("other.toml", "json = true\n");
    assert_eq!(with(&search, "AKIN_CONFIG", &file).exits(0).stdout, json);
    let gone = with(&search, "AKIN_CONFIG", "/nowhere/c.toml").exits(2);
    assert!(
        gone.stderr.contains("AKIN_CONFIG names /nowhere/c.toml"),
        "{gone:?}"
    );
}

#[test]
fn settings_are_read_and_written_and_comments_stay() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("config/akin/config.toml");
    let path = sandbox.akin(&["config", "path"]).exits(0).stdout;
    assert_eq!(path.trim_end(), file.display().to_string());
    sandbox.akin(&["config", "get", "threads"]).exits(1);
    sandbox.akin(&["config", "set", "threads", "4"]).exits(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "threads = 4\n");
    let text = "# mine\nthreads = 4 # of eight\n\n[mail]\nfrom = \"a@b.de\"\nhost = \"h\"\n";
    std::fs::write(&file, text).unwrap();
    for (name, value) in [("threads", "2"), ("offline", "yes"), ("mail.port", "25")] {
        sandbox.akin(&["config", "set", name, value]).exits(0);
    }
    let changed = std::fs::read_to_string(&file).unwrap();
    let expected = "# mine\nthreads = 2 # of eight\noffline = true\n\n[mail]\nfrom = \"a@b.de\"\nhost = \
                    \"h\"\nport = 25\n";
    assert_eq!(changed, expected);
    let get = |name: &str| sandbox.akin(&["config", "get", name]).exits(0).stdout;
    assert_eq!(
        (get("threads").as_str(), get("mail.host").as_str()),
        ("2\n", "h\n")
    );
    let table = sandbox.akin(&["config", "list"]).exits(0).stdout;
    let line = |name: &str| {
        table
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    assert!(line("threads").ends_with("config.toml, line 2"), "{table}");
    assert!(
        line("color").contains("auto") && line("color").ends_with("default"),
        "{table}"
    );
    assert!(line("mail.host").ends_with("line 7"), "{table}");
    for (args, told) in [
        (&["set", "threads", "many"][..], "whole number"),
        (&["set", "precision", "f64"], "one of f32"),
        (&["set", "mail.hots", "h"], "nothing was written"),
        (&["set", "colour", "auto"], "there is no setting"),
        (&["get", "colour"], "there is no setting"),
        (&["unset", "colour"], "there is no setting"),
    ] {
        let ran = sandbox.akin(&[&["config"], args].concat()).exits(2);
        assert!(ran.stderr.contains(told), "{args:?}: {ran:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    sandbox.akin(&["config", "unset", "offline"]).exits(0);
    sandbox.akin(&["config", "unset", "offline"]).exits(1);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("offline"));
}

#[cfg(unix)]
#[test]
fn the_file_of_settings_is_edited_and_checked() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("config/akin/config.toml");
    let editor = sandbox.file("editor.sh", "echo \"$1 = $2\" >> \"$3\"\n");
    let edit = |line: &str| {
        let editor = format!("sh {editor} {line}");
        with(
            &sandbox,
            &["config", "edit"],
            &[("VISUAL", &editor), ("EDITOR", "false")],
        )
    };
    edit("mail 3").exits(2);
    let begun = std::fs::read_to_string(&file).unwrap();
    assert!(
        begun.contains("# threads = 4") && begun.contains("# [mail]"),
        "{begun}"
    );
    std::fs::remove_file(&file).unwrap();
    edit("threads 2").exits(0);
    assert_eq!(
        sandbox.akin(&["config", "get", "threads"]).exits(0).stdout,
        "2\n"
    );
    let wrong = edit("threats 2").exits(2);
    assert!(
        wrong.stderr.contains("config.toml, line ") && wrong.stderr.contains("threats"),
        "{wrong:?}"
    );
    // What is wrong can be mended by the same command.
    std::fs::write(&file, "threads = \n").unwrap();
    sandbox.akin(&["status"]).exits(2);
    sandbox.akin(&["config", "path"]).exits(0);
    assert!(edit("quiet true").exits(2).stderr.contains("line 1"));
    let failed = with(
        &sandbox,
        &["config", "edit"],
        &[("VISUAL", ""), ("EDITOR", "false")],
    )
    .exits(2);
    assert!(failed.stderr.contains("\"false\" ended with"), "{failed:?}");
}
