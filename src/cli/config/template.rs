//! The file that `akin config edit` begins: every setting, as a comment.

use crate::cli::settings::SETTINGS;

/// How mail is sent, as comments.
const MAIL: &str = "\
# How mail is sent, for `akin digest --to smtp`.
# [mail]
# from = \"akin <you@example.org>\"
# host = \"mail.example.org\"
# security = \"starttls\"  # or \"tls\"; \"none\" on this very machine only
# user = \"you\"
# password-file = \"/home/you/.mail-password\"  # or password-env, password-command
";

/// The text of the file. It sets nothing.
pub(super) fn text() -> String {
    let mut text =
        "# Settings of akin. A flag, or a variable such as AKIN_THREADS, comes before this file.\n\
                    # `akin config list` shows what holds, and why.\n\n"
            .to_owned();
    for setting in &SETTINGS {
        let (name, about, default) = (setting.name, setting.about, setting.default);
        text.push_str(&format!(
            "# {about} [default: {default}]\n# {name} = {}\n\n",
            setting.example
        ));
    }
    text.push_str(MAIL);
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::config_file;

    #[test]
    fn the_template_sets_nothing_and_each_of_its_lines_could() {
        let template = text();
        let file = config_file::parse(Path::new("c.toml"), &template).unwrap();
        assert_eq!(file.names().count(), 0);
        let is_assignment = |line: &&str| line.contains(" = ") || line.starts_with("# [");
        let lines = template.lines().filter(is_assignment);
        let uncommented: Vec<&str> = lines.filter_map(|line| line.strip_prefix("# ")).collect();
        let file = config_file::parse(Path::new("c.toml"), &uncommented.join("\n")).unwrap();
        for setting in &SETTINGS {
            let value = file.value(setting.name).unwrap();
            assert_eq!(value.kind, setting.kind, "{}", setting.name);
            (setting.check)(&value.text).unwrap();
        }
        assert!(file.mail.is_some());
    }
}
