//! How to run akin every morning: text for the machine's own scheduler, for a person to install.
//!
//! In: commands and a time of day. Out: a cron line, a systemd timer or a launchd plist. Nothing is
//! installed, and no file is touched. If a machine sleeps at that time, the job runs on waking,
//! except with cron, which skips it.

use std::fmt::Write as _;

use jiff::civil::Time;

/// The scheduler of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// A line for `crontab -e`.
    Cron,
    /// A service and its timer, for the user's systemd.
    Systemd,
    /// A property list for launchd, of macOS.
    Launchd,
}

/// What to run every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Commands that are run before, each as its arguments. If one fails, the others still run:
    /// waiting mail does not depend on a feed.
    pub before: Vec<Vec<String>>,
    /// The command to run, as its arguments.
    pub command: Vec<String>,
    /// When, in the machine's time zone.
    pub at: Time,
}

/// The scheduler's text for a job, with comments on where it goes.
pub fn job(scheduler: Scheduler, job: &Job) -> String {
    match scheduler {
        Scheduler::Cron => cron(job),
        Scheduler::Systemd => systemd(job),
        Scheduler::Launchd => launchd(job),
    }
}

fn cron(job: &Job) -> String {
    // To cron a percent sign is the end of the line.
    let command = shell(job).replace('%', "\\%");
    let (hour, minute) = (job.at.hour(), job.at.minute());
    format!("# add this line with `crontab -e`\n{minute} {hour} * * * {command}\n")
}

fn systemd(job: &Job) -> String {
    let mut text = String::from(
        "# ~/.config/systemd/user/akin-digest.service\n[Unit]\nDescription=What is new in what I \
         follow\n\n[Service]\nType=oneshot\n",
    );
    // After a dash, a failure is logged, and the next command is run.
    let before = job.before.iter().map(|command| ("-", command));
    for (may_fail, command) in before.chain([("", &job.command)]) {
        let words: Vec<String> = command.iter().map(|word| systemd_word(word)).collect();
        let _ = writeln!(text, "ExecStart={may_fail}{}", words.join(" "));
    }
    let (hour, minute) = (job.at.hour(), job.at.minute());
    let _ = write!(
        text,
        "\n# ~/.config/systemd/user/akin-digest.timer\n[Unit]\nDescription=What is new, every \
         morning\n\n[Timer]\nOnCalendar=*-*-* {hour:02}:{minute:02}:00\nPersistent=true\n\n\
         [Install]\nWantedBy=timers.target\n\n# then: systemctl --user enable --now \
         akin-digest.timer\n",
    );
    text
}

fn launchd(job: &Job) -> String {
    let words = ["/bin/sh".to_owned(), "-c".to_owned(), shell(job)];
    let words: String = words
        .iter()
        .map(|word| format!("    <string>{}</string>\n", xml(word)))
        .collect();
    let (hour, minute) = (job.at.hour(), job.at.minute());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST \
         1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<!-- \
         ~/Library/LaunchAgents/akin.digest.plist, then: launchctl load that file -->\n<plist \
         version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>akin.digest</string>\n  \
         <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n  \
         <key>StartCalendarInterval</key>\n  <dict>\n    <key>Hour</key>\n    \
         <integer>{hour}</integer>\n    <key>Minute</key>\n    <integer>{minute}</integer>\n  \
         </dict>\n</dict>\n</plist>\n"
    )
}

fn shell(job: &Job) -> String {
    let command = |words: &Vec<String>| {
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        words.join(" ")
    };
    let commands = job.before.iter().chain([&job.command]).map(command);
    commands.collect::<Vec<String>>().join("; ")
}

fn is_plain(word: &str) -> bool {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    !word.is_empty() && word.chars().all(may_stand)
}

/// A word as a POSIX shell reads it.
pub(super) fn shell_word(word: &str) -> String {
    if is_plain(word) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn systemd_word(word: &str) -> String {
    // Percent and dollar signs mean something also between quotes.
    let word = word.replace('%', "%%").replace('$', "$$");
    if is_plain(&word) {
        word
    } else {
        format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
    }
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(scheduler: Scheduler) -> String {
        let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect();
        let todo = Job {
            before: vec![words(&["/usr/bin/akin", "pull", "hf-daily"])],
            command: words(&[
                "/usr/bin/akin",
                "digest",
                "--library",
                "/my papers/100% \"a\" & it's $b",
            ]),
            at: "07:05".parse().unwrap(),
        };
        job(scheduler, &todo)
    }

    #[test]
    fn words_reach_the_program_as_they_are() {
        let cron = text(Scheduler::Cron);
        let line = cron.lines().nth(1).unwrap();
        assert_eq!(
            line,
            r#"5 7 * * * /usr/bin/akin pull hf-daily; /usr/bin/akin digest --library '/my papers/100\% "a" & it'\''s $b'"#
        );
        let systemd = text(Scheduler::Systemd);
        assert!(
            systemd
                .contains("ExecStart=-/usr/bin/akin pull hf-daily\nExecStart=/usr/bin/akin digest"),
            "{systemd}"
        );
        let quoted = r#"--library "/my papers/100%% \"a\" & it's $$b""#;
        assert!(systemd.contains(quoted), "{systemd}");
        assert!(systemd.contains("OnCalendar=*-*-* 07:05:00\n"), "{systemd}");
        let launchd = text(Scheduler::Launchd);
        assert!(launchd.contains("hf-daily; /usr/bin/akin"), "{launchd}");
        assert!(launchd.contains("<integer>7</integer>"), "{launchd}");
    }
}
