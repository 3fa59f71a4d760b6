//! Mail to subscribers, through a server on loopback.

use akin::library::Writer;

use super::bakery;
use super::mail_server::{ACCOUNT, MailServer, Trouble};
use crate::sandbox::{Ran, Sandbox};

pub(super) const ADA: &str = "ada@example.org";

/// A bakery with a subscriber, before anything new came.
pub(super) fn with_subscriber() -> Sandbox {
    let sandbox = bakery();
    sandbox
        .akin_at(
            "2026-03-13T08:00Z",
            &[
                "subscribe",
                "add",
                ADA,
                "--follow",
                "bread",
                "--at",
                "07:00",
            ],
        )
        .exits(0);
    sandbox.add_day(
        "2026-03-14",
        &[("2603.00005", "Dough — ø", "Sourdough again.", 0)],
    );
    sandbox
}

fn configure(sandbox: &Sandbox, server: &MailServer, security: &str, password: &str) {
    let ca = sandbox.file("ca.pem", &server.certificate);
    let secret = sandbox.file("secret", format!("{password}\n"));
    let config = format!(
        "[mail]\nfrom = \"akin <bot@lab.example>\"\nhost = \"localhost\"\nport = {}\n\
         security = \"{security}\"\nuser = \"{}\"\npassword-file = '{secret}'\nca-file = '{ca}'\n",
        server.port, ACCOUNT.0,
    );
    sandbox.file("config/akin/config.toml", config);
}

pub(super) fn send(sandbox: &Sandbox, now: &str) -> Ran {
    sandbox.akin_at(now, &["digest", "--to", "smtp"])
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    let line = message.lines().find(|line| line.starts_with(&start));
    &line.unwrap_or_else(|| panic!("no {name}: {message}"))[start.len()..]
}

#[test]
fn subscribers_get_mail_once_when_it_is_time_over_an_encrypted_connection() {
    for (security, is_wrapped) in [("starttls", false), ("tls", true)] {
        let sandbox = with_subscriber();
        let server = MailServer::start(is_wrapped);
        configure(&sandbox, &server, security, ACCOUNT.1);
        let early = send(&sandbox, "2026-03-14T06:59Z").exits(0);
        assert!(early.stderr.contains("no subscriber is due"), "{early:?}");
        let sent = send(&sandbox, "2026-03-14T07:00Z").exits(0);
        assert_eq!(
            sent.stdout,
            "ada@example.org was sent: 1 new paper, 2026-03-14\n"
        );
        send(&sandbox, "2026-03-14T07:30Z").exits(0);
        send(&sandbox, "2026-03-15T07:30Z").exits(0);
        let taken = server.taken();
        assert_eq!(taken.len(), 1, "{taken:?}");
        assert_eq!(taken[0].to, [ADA]);
        assert!(taken[0].is_encrypted, "{security}");
        assert_eq!(taken[0].user.as_deref(), Some(ACCOUNT.0));
        let message = &taken[0].text;
        assert_eq!(header(message, "From"), "akin <bot@lab.example>");
        assert_eq!(header(message, "Subject"), "akin: 1 new paper, 2026-03-14");
        assert_eq!(header(message, "Date"), "Sat, 14 Mar 2026 07:00:00 +0000");
        assert!(
            header(message, "Message-ID").ends_with("@lab.example>"),
            "{message}"
        );
        assert_eq!(
            header(message, "List-Unsubscribe"),
            "<mailto:bot@lab.example?subject=unsubscribe>"
        );
        assert!(header(message, "Content-Type").starts_with("multipart/alternative"));
        assert!(message.contains("text/plain; charset=utf-8") && message.contains("text/html"));
        assert!(
            message.contains("https://arxiv.org/abs/2603.00005"),
            "{message}"
        );
        assert!(
            message.lines().all(|line| line.len() <= 998),
            "RFC 5322, 2.1.1"
        );
    }
}

#[test]
fn what_fails_for_now_is_sent_again_as_it_was() {
    for trouble in [
        Trouble::Later,
        Trouble::DroppedInData,
        Trouble::DroppedAfterData,
    ] {
        let sandbox = with_subscriber();
        let server = MailServer::start(false);
        configure(&sandbox, &server, "starttls", ACCOUNT.1);
        server.trouble(trouble);
        let failed = send(&sandbox, "2026-03-14T07:00Z").exits(2);
        assert!(
            failed.stderr.contains("it is kept"),
            "{trouble:?}: {failed:?}"
        );
        let listed = sandbox.akin(&["subscribe", "list"]).exits(0).stdout;
        assert!(
            listed.contains("one digest waits to be sent again"),
            "{listed}"
        );
        server.trouble(Trouble::None);
        sandbox.add_day(
            "2026-03-15",
            &[("2603.00006", "More", "More sourdough.", 0)],
        );
        // Not its time, but it waits; and what came since comes with it.
        let sent = send(&sandbox, "2026-03-14T07:10Z").exits(0);
        assert_eq!(sent.stdout.lines().count(), 2, "{sent:?}");
        send(&sandbox, "2026-03-14T07:20Z").exits(0);
        let taken = server.taken();
        let ids: Vec<&str> = taken
            .iter()
            .map(|taken| header(&taken.text, "Message-ID"))
            .collect();
        match trouble {
            // The server has it and could not say so: whoever compares Message-IDs drops the second.
            Trouble::DroppedAfterData => {
                assert_eq!((ids.len(), ids[0]), (3, ids[1]), "{ids:?}");
                assert_eq!(taken[0].text, taken[1].text);
            }
            _ => assert_eq!(ids.len(), 2, "{trouble:?}: {ids:?}"),
        }
        assert_ne!(ids.last(), ids.first());
    }
}

#[test]
fn what_is_refused_for_good_is_new_again() {
    let sandbox = with_subscriber();
    let server = MailServer::start(false);
    configure(&sandbox, &server, "starttls", ACCOUNT.1);
    server.trouble(Trouble::Never);
    let failed = send(&sandbox, "2026-03-14T07:00Z").exits(2);
    assert!(failed.stderr.contains("No thanks"), "{failed:?}");
    server.trouble(Trouble::None);
    send(&sandbox, "2026-03-14T07:10Z").exits(0);
    send(&sandbox, "2026-03-14T07:20Z").exits(0);
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    assert!(taken[0].text.contains("2603.00005"));
}

#[test]
fn a_refused_login_says_so_and_never_the_password() {
    let sandbox = with_subscriber();
    let server = MailServer::start(false);
    let wrong = "battery staple";
    configure(&sandbox, &server, "starttls", wrong);
    let args = ["digest", "--to", "smtp", "--verbose"];
    let failed = sandbox.akin_at("2026-03-14T07:00Z", &args).exits(2);
    assert!(failed.stderr.contains("Invalid credentials"), "{failed:?}");
    assert!(server.taken().is_empty());
    let said = format!("{}{}", failed.stdout, failed.stderr);
    assert!(
        !said.contains(wrong) && !said.contains("YmF0dGVyeSBzdGFwbGU"),
        "{said}"
    );
    for file in walk(&sandbox.library()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes
            .windows(wrong.len())
            .any(|window| window == wrong.as_bytes());
        assert!(!found, "{} has the password", file.display());
    }
    configure(&sandbox, &server, "starttls", ACCOUNT.1);
    send(&sandbox, "2026-03-14T07:10Z").exits(0);
    assert_eq!(server.taken().len(), 1);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(walk(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_and_no_login_goes_in_the_open() {
    let sandbox = with_subscriber();
    let (server, other) = (MailServer::start(false), MailServer::start(false));
    configure(&sandbox, &server, "starttls", ACCOUNT.1);
    sandbox.file("ca.pem", &other.certificate);
    let failed = send(&sandbox, "2026-03-14T07:00Z").exits(2);
    assert!(failed.stderr.contains("certificate"), "{failed:?}");
    assert!(server.taken().is_empty());
    let open = "[mail]\nfrom = \"bot@lab.example\"\nhost = \"mail.example\"\nsecurity = \"none\"\n\
                user = \"ada\"\npassword-env = \"HOME\"\n";
    sandbox.file("config/akin/config.toml", open);
    let refused = send(&sandbox, "2026-03-14T07:00Z").exits(2);
    assert!(
        refused.stderr.contains("over an unencrypted connection"),
        "{refused:?}"
    );
}

#[test]
fn a_password_comes_from_the_environment_or_a_command_too() {
    let server = MailServer::start(false);
    for (line, is_enough) in [
        ("password-env = \"MAIL_SECRET\"", true),
        ("password-command = \"printf 'correct horse'\"", true),
        ("password-command = \"exit 3\"", false),
        ("password-env = \"NO_SUCH_VARIABLE\"", false),
        ("", false),
    ] {
        let sandbox = with_subscriber();
        let ca = sandbox.file("ca.pem", &server.certificate);
        let config = format!(
            "[mail]\nfrom = \"bot@lab.example\"\nhost = \"localhost\"\nport = {}\nuser = \"ada\"\n\
             ca-file = '{ca}'\n{line}\n",
            server.port
        );
        sandbox.file("config/akin/config.toml", config);
        let args = ["digest", "--to", "smtp", "--now", "2026-03-14T07:00Z"];
        let ran = Ran::of(
            sandbox
                .command(&args)
                .env("MAIL_SECRET", ACCOUNT.1)
                .output()
                .unwrap(),
        );
        ran.exits(if is_enough { 0 } else { 2 });
    }
    assert_eq!(server.taken().len(), 2);
}

#[test]
fn each_subscriber_has_follows_and_times_of_their_own() {
    let sandbox = with_subscriber();
    sandbox
        .akin_at(
            "2026-03-14T06:00Z",
            &["follow", "add", "all", "--author", "ada"],
        )
        .exits(0);
    let add = |address: &str, args: &[&str]| {
        let mut all = vec!["subscribe", "add", address];
        all.extend(args);
        sandbox.akin_at("2026-03-14T06:00Z", &all)
    };
    add("bob@example.org", &["--at", "09:00", "--days", "mon-fri"]).exits(0);
    add("nobody", &[]).exits(2);
    assert!(
        add("c@example.org", &["--follow", "wine"])
            .exits(1)
            .stderr
            .contains("wine")
    );
    sandbox.add_day("2026-03-16", &[("2603.00007", "Iron", "Steel again.", 0)]);
    let server = MailServer::start(false);
    configure(&sandbox, &server, "starttls", ACCOUNT.1);
    // A Sunday; then a Monday.
    send(&sandbox, "2026-03-15T10:00Z").exits(0);
    let plan = sandbox.akin_at(
        "2026-03-16T10:00Z",
        &["digest", "--to", "smtp", "--dry-run"],
    );
    assert!(
        plan.stdout
            .contains("bob@example.org would get: 1 new paper"),
        "{plan:?}"
    );
    send(&sandbox, "2026-03-16T10:00Z").exits(0);
    let taken = server.taken();
    let to: Vec<&str> = taken.iter().map(|taken| taken.to[0].as_str()).collect();
    assert_eq!(to, [ADA, "bob@example.org"]);
    assert!(taken[1].text.contains("2603.00007") && !taken[1].text.contains("2603.00005"));
    let listed = sandbox.akin(&["subscribe", "list"]).exits(0).stdout;
    assert!(
        listed.contains("ada@example.org  bread  daily 07:00 UTC  last 2026-03-16T10"),
        "{listed}"
    );
    sandbox.akin(&["subscribe", "remove", ADA]).exits(0);
    let again = sandbox.akin(&["subscribe", "remove", ADA]).exits(1);
    assert!(again.stderr.contains("nobody is subscribed"), "{again:?}");
}

#[test]
fn what_fails_for_one_subscriber_keeps_no_other_from_their_mail() {
    let sandbox = with_subscriber();
    let now = "2026-03-14T06:00Z";
    for (args, code) in [
        (&["follow", "add", "temp", "steel"][..], 0),
        (
            &["subscribe", "add", "aaa@example.org", "--follow", "temp"],
            0,
        ),
        (
            &[
                "subscribe",
                "add",
                "abc@example.org",
                "--follow",
                "temp",
                "--follow",
                "bread",
            ],
            0,
        ),
        (&["subscribe", "add", "zoe@example.org"], 0),
        (&["follow", "remove", "temp"], 0),
    ] {
        // `follow remove` takes no moment.
        let ran = match args.contains(&"remove") {
            true => sandbox.akin(args),
            false => sandbox.akin_at(now, args),
        };
        ran.exits(code);
    }
    // Written by an akin on a machine with other time zones, and by a later one.
    let mut writer = Writer::open(&sandbox.library(), "the test").unwrap();
    let moment = now.parse().unwrap();
    let zone = "{\"address\":\"aab@example.org\",\"follows\":[],\"at\":\"07:00:00\",\"days\":\"daily\",\
        \"time_zone\":\"Mars/Base\"}";
    for (address, definition) in [
        ("aab@example.org", zone),
        ("aac@example.org", "{\"new\":1}"),
    ] {
        writer.put_subscriber(address, definition, moment).unwrap();
    }
    drop(writer);
    sandbox.add_day(
        "2026-03-14b",
        &[("2603.00006", "More", "More sourdough.", 0)],
    );
    let server = MailServer::start(false);
    configure(&sandbox, &server, "starttls", ACCOUNT.1);

    let ran = send(&sandbox, "2026-03-14T07:30Z").exits(2);
    let taken = server.taken();
    let mut to: Vec<&str> = taken.iter().map(|taken| taken.to[0].as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["abc@example.org", ADA, "zoe@example.org"], "{ran:?}");
    for part in [
        "aaa@example.org follows nothing that exists",
        "the subscription of aab@example.org: the time zone \"Mars/Base\" is not known",
        "the subscription of aac@example.org: it cannot be read",
        "abc@example.org follows names that no longer exist: temp",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    // The next morning it is said again, and nobody gets a thing twice.
    send(&sandbox, "2026-03-15T07:30Z").exits(2);
    assert_eq!(server.taken().len(), 3);
}

#[test]
fn mail_that_waits_is_sent_also_where_nothing_new_can_be_composed() {
    let sandbox = with_subscriber();
    let server = MailServer::start(false);
    configure(&sandbox, &server, "starttls", ACCOUNT.1);
    server.trouble(Trouble::Later);
    send(&sandbox, "2026-03-14T07:00Z").exits(2);
    server.trouble(Trouble::None);
    sandbox.akin(&["follow", "remove", "bread"]).exits(0);
    let ran = send(&sandbox, "2026-03-14T07:10Z").exits(2);
    assert!(
        ran.stderr.contains("follows nothing that exists"),
        "{ran:?}"
    );
    assert_eq!(server.taken().len(), 1);
    assert!(server.taken()[0].text.contains("2603.00005"));
}

#[test]
fn without_settings_letters_are_written_and_a_subscription_says_that_it_is_not_sent() {
    let sandbox = with_subscriber();
    let letter = sandbox
        .akin_at("2026-03-14T07:00Z", &["digest", "--to", "eml", "--dry-run"])
        .exits(0)
        .stdout;
    for (name, value) in [
        ("From", "akin <akin@localhost>"),
        ("To", "akin <akin@localhost>"),
    ] {
        assert_eq!(header(&letter, name).trim(), value);
    }
    let to_ada = ["digest", "--to", "eml", "--subscriber", ADA];
    let letter = sandbox
        .akin_at("2026-03-14T07:00Z", &to_ada)
        .exits(0)
        .stdout;
    assert_eq!(header(&letter, "To").trim(), ADA);
    let add = ["subscribe", "add", "bob@example.org"];
    let told = sandbox.akin(&add).exits(0).stderr;
    assert!(
        told.contains("no mail can be sent") && told.contains("[mail]"),
        "{told}"
    );
    sandbox.file(
        "config/akin/config.toml",
        "[mail]\nfrom = \"a@b.example\"\nhost = \"h\"\n",
    );
    assert_eq!(sandbox.akin(&add).exits(0).stderr, "");
}
