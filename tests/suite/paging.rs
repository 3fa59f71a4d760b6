//! Long answers go through a pager on a terminal, and nowhere else.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use crate::sandbox::Sandbox;
use crate::terminal::terminal;

/// A library whose answer is longer than 24 rows.
fn library() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines = std::fs::read_to_string(akin_testing::data("arxiv-1000.jsonl")).unwrap();
    let some: Vec<&str> = lines.lines().take(60).collect();
    sandbox.add(&[&sandbox.file("d.jsonl", some.join("\n"))]);
    sandbox
}

/// What is seen on a terminal of 24 rows and 80 columns, and the exit code.
fn seen(sandbox: &Sandbox, args: &[&str], pager: Option<&str>) -> (String, Option<i32>) {
    let (mut ours, theirs): (File, OwnedFd) = terminal();
    let size = libc::winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    resize(&theirs, &size);
    let mut command = sandbox.command(args);
    command
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .env_remove("PAGER");
    command.env_remove("AKIN_PAGER").env_remove("LESS");
    command.envs(pager.map(|pager| ("AKIN_PAGER", pager)));
    command.stdin(Stdio::from(theirs.try_clone().unwrap()));
    command.stdout(Stdio::from(theirs.try_clone().unwrap()));
    command.stderr(Stdio::from(theirs));
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = ours.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..n]);
    }
    let code = child.wait().unwrap().code();
    (
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n"),
        code,
    )
}

#[expect(unsafe_code, reason = "only the system sizes terminals")]
fn resize(terminal: &OwnedFd, size: &libc::winsize) {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open, and the size is read for the time of the call.
    let done = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, size) };
    assert_eq!(done, 0);
}

/// A pager that shows what it gets between marks.
const MARKS: &str = "echo '<<'; cat; echo '>>'";

#[test]
fn an_answer_longer_than_the_screen_is_paged_with_its_colours() {
    let sandbox = library();
    let args = ["search", "stars", "-k", "20"];
    let (paged, code) = seen(&sandbox, &args, Some(MARKS));
    assert!(
        paged.contains("<<\n") && paged.trim_end().ends_with(">>"),
        "{paged}"
    );
    assert!(paged.contains("\u{1b}[1m     "), "{paged:?}");
    assert_eq!(code, Some(0));
    let (plain, _) = seen(
        &sandbox,
        &[&args[..], &["--no-pager"]].concat(),
        Some(MARKS),
    );
    assert!(!plain.contains("<<"), "{plain}");
    let between = paged
        .split("<<\n")
        .nth(1)
        .unwrap()
        .split(">>")
        .next()
        .unwrap();
    assert!(plain.ends_with(between), "{plain:?}\n{between:?}");
    let (off, _) = seen(&sandbox, &args, Some(""));
    assert_eq!(off, plain);

    let (help, code) = seen(&sandbox, &["help", "search"], Some(MARKS));
    assert!(help.contains("<<") && help.contains("--since"), "{help}");
    assert_eq!(code, Some(0));
}

#[test]
fn nothing_short_and_nothing_for_programs_is_paged() {
    let sandbox = library();
    for args in [
        &["search", "stars", "-k", "1"][..],
        &["search", "stars", "-k", "20", "--json"],
        &["status"],
    ] {
        let (shown, code) = seen(&sandbox, args, Some(MARKS));
        assert!(!shown.contains("<<"), "{args:?}: {shown}");
        assert_eq!(code, Some(0));
    }
    let mut command = sandbox.command(&["search", "stars", "-k", "20"]);
    let output = command.env("AKIN_PAGER", MARKS).output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains("<<"));
}

#[test]
fn a_pager_that_is_left_ends_the_command_quietly() {
    let sandbox = library();
    let (shown, code) = seen(
        &sandbox,
        &["search", "stars", "-k", "30", "--explain"],
        Some("head -n 3"),
    );
    assert!(
        !shown.to_lowercase().contains("error") && !shown.contains("panick"),
        "{shown}"
    );
    assert_eq!(code, Some(0));
}

#[test]
fn a_pager_that_is_not_there_loses_nothing() {
    let sandbox = library();
    let args = ["search", "stars", "-k", "20"];
    let (shown, code) = seen(&sandbox, &args, Some("no-such-pager-anywhere"));
    let (plain, _) = seen(&sandbox, &args, Some("cat"));
    assert!(shown.contains("cannot be started"), "{shown}");
    assert!(shown.ends_with(&plain), "{shown:?}\n{plain:?}");
    assert_eq!(code, Some(0));
}

#[test]
fn the_pager_can_be_set_in_the_config() {
    let sandbox = library();
    sandbox.file(
        "config/akin/config.toml",
        "pager = \"echo configured; cat\"\n",
    );
    let (shown, _) = seen(&sandbox, &["search", "stars", "-k", "20"], None);
    assert!(shown.contains("configured"), "{shown}");
}
