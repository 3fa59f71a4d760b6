//! `akin digest`: new papers for what is followed.

use std::cell::OnceCell;
use std::io::Write;
use std::path::{Path, PathBuf};

use akin::digest::{
    self, Delivery, Digest, DigestContext, DigestRequest, Earlier, Emphasis, FEED_DIGESTS,
    FeedFormat, Follow, Job, Mailer, Scheduler, Sending, Since, Subscriber,
};
use akin::encoder::Encoder;
use akin::library::{Library, StoredFollow, StoredSubscriber, Writer};
use akin::{Error, files};
use clap::{Args, ValueEnum};
use jiff::civil::{Date, Time};
use jiff::{Timestamp, Zoned};

use super::claim::{Claim, OutputKind};
use super::context::{Context, LEFT_OUT};
use super::fault::Failure;
use super::moment::{self, MomentArgs};
use super::outcome::Outcome;
use super::since::{SinceArg, since};
use super::{follow, layout, output, terminal};

/// Say what is new in what you follow, once
///
/// A paper is shown once under a follow, whatever is run again. One that several follows match is
/// under the one in which it ranks best. A digest that could not be sent is sent the next time. The
/// exit code is 0 also if nothing is new or no subscriber is due.
///
/// At most ten papers of a follow are shown, the best. A line counts the rest and has the command
/// that lists it.
///
/// Mail (--to smtp) goes through the server in part [mail] of akin/config.toml. Its keys are from,
/// host, port, security ("starttls", "tls", "none"), user and ca-file. The password comes from one
/// of password-file, password-env and password-command.
#[derive(Debug, Args)]
pub(super) struct DigestArgs {
    /// Only this follow; repeat for several
    #[arg(long, value_name = "FOLLOW")]
    follow: Vec<String>,
    /// From when on papers are new: last (the last digest), 7d, 2w, yesterday, "last week", 2026-03-14.
    /// A paper counts by the day of its list, else of its publication
    #[arg(long, value_name = "WHEN", default_value = "last", value_parser = since)]
    since: SinceArg,
    /// What to make of it
    #[arg(long, value_name = "FORM", default_value = "terminal")]
    to: Form,
    /// Write to this file instead of stdout; it appears when it is whole
    ///
    /// A digest that akin wrote there earlier is replaced. akin recognises it by its heading, a
    /// feed or a letter by akin's name in it. Any other file is refused.
    #[arg(short, long, value_name = "FILE", conflicts_with = "install")]
    output: Option<PathBuf>,
    /// Let --output replace a file that is not a digest from akin
    #[arg(long, requires = "output")]
    force: bool,
    /// Show the digest without marking it as shown: the next one shows the same papers
    #[arg(long)]
    dry_run: bool,
    /// Number of papers to show of each follow, 0 for all [default: what each follow says, else 10]
    #[arg(long, value_name = "N")]
    max: Option<usize>,
    /// Show the digests of a day again, or the last one; compare nothing, and note nothing
    #[arg(long, value_name = "DATE", num_args = 0..=1, default_missing_value = "last",
          value_parser = since, conflicts_with_all = ["since", "dry_run", "install", "even_if_empty"])]
    again: Option<SinceArg>,
    /// Number of rising papers to list
    #[arg(long, value_name = "N", default_value_t = 5)]
    trending: usize,
    /// Send to this subscriber only, whether it is time or not
    #[arg(long, value_name = "ADDRESS")]
    subscriber: Option<String>,
    /// Send mail that is empty, too
    #[arg(long)]
    even_if_empty: bool,
    /// Address at which the feed will be found, for feed readers
    #[arg(long, value_name = "URL")]
    feed_url: Option<String>,
    /// Print a schedule that runs this command every morning, and install nothing
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "this",
          require_equals = true)]
    install: Option<SchedulerArg>,
    /// With --install: when, of a day
    #[arg(long, value_name = "HH:MM", default_value = "07:00", value_parser = moment::time)]
    at: Time,
    /// With --install: pull this before, such as "arxiv --set cs"; repeat for several
    #[arg(long, value_name = "FEED")]
    pull: Vec<String>,
    #[command(flatten)]
    moment: MomentArgs,
}

/// Number of digests to search for those that a feed needs: most may have had nothing new.
const FEED_LOOKED_AT: usize = 40 * FEED_DIGESTS;

/// What to make of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Text for a terminal
    Terminal,
    /// A page
    Html,
    /// Markdown
    Md,
    /// One JSON object
    Json,
    /// A feed of the last digests, RSS 2.0
    Rss,
    /// A feed of the last digests, Atom
    Atom,
    /// A message, as mailers store it
    Eml,
    /// Mail to every subscriber whose time has come
    Smtp,
}

/// What has a machine do things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchedulerArg {
    /// What this machine has
    This,
    Cron,
    Systemd,
    Launchd,
}

pub(super) fn run(args: &DigestArgs, context: &Context) -> Result<Outcome, Failure> {
    match (args.install, &args.again, args.to) {
        (Some(scheduler), ..) => install(args, scheduler, context),
        (None, Some(_), Form::Smtp) => Err(Failure::usage(
            "--again shows a digest and sends none; --to eml writes a message",
        )),
        (None, Some(which), _) => once_more(args, which.earlier(args.moment.today()?)?, context),
        (None, None, Form::Smtp) => to_subscribers(args, context),
        (None, None, _) => to_reader(args, context),
    }
}

/// Writes what is new for one reader: the library's owner, or a subscriber.
fn to_reader(args: &DigestArgs, context: &Context) -> Result<Outcome, Failure> {
    check_output(args, context)?;
    let now = args.moment.now()?;
    let reader = args.subscriber.clone().unwrap_or_default();
    let form = form(args, context);
    let room = Composer::new(args, context);
    let subscriber = args.subscriber.as_ref();
    let subscriber = subscriber.map(|address| subscriber_of(address, context));
    let subscriber = subscriber.transpose()?;
    let mut newest = None;
    let mut send = |digest: &Digest| {
        newest = Some(digest.clone());
        let text = room.rendered(form, digest)?;
        if matches!(form, Form::Rss | Form::Atom) {
            // A feed's entry is a paper; there is no place for notes.
            digest.notes.iter().for_each(|note| context.note(note));
        }
        write_out(args.output.as_deref(), &text)
    };
    let compose = || {
        let names = match &subscriber {
            Some(subscriber) => room.follows_of(subscriber)?,
            None => args.follow.clone(),
        };
        room.compose(&names, &reader, &now)
    };
    if args.dry_run {
        send(&compose()?)?;
    } else {
        let mut writer = context.writer("akin digest")?;
        // This morning's page or letter is not replaced by an empty one.
        let is_kept = args.output.is_some() && !matches!(form, Form::Rss | Form::Atom);
        let if_empty = args.even_if_empty || !is_kept;
        let sending = Sending {
            now: now.timestamp(),
            if_empty,
            // Two pages do not make one, and in a file the second would replace the first.
            one_at_a_time: args.output.is_some() || !matches!(form, Form::Terminal | Form::Json),
        };
        let delivery = digest::deliver(&mut writer, &reader, &sending, compose, &mut send)?;
        if delivery == Delivery::SentWaiting {
            context.note(
                "this digest had been waiting; run the same command again for newer \
                 papers",
            );
        }
    }
    if let Some(path) = args.output.as_ref().filter(|_| newest.is_none()) {
        context.note(&format!("nothing new; {} is left as it is", path.display()));
    }
    Ok(Outcome::Done)
}

fn check_output(args: &DigestArgs, context: &Context) -> Result<(), Failure> {
    let Some(path) = &args.output else {
        return Ok(());
    };
    let claim = Claim {
        kind: OutputKind::Digest,
        force: args.force,
        inputs: &[],
    };
    claim.check(path, context)
}

fn form(args: &DigestArgs, context: &Context) -> Form {
    if context.json { Form::Json } else { args.to }
}

/// Writes digests that were sent once more.
fn once_more(args: &DigestArgs, which: Earlier, context: &Context) -> Result<Outcome, Failure> {
    check_output(args, context)?;
    let library = Library::open(&context.library)?;
    let reader = args.subscriber.as_deref().unwrap_or_default();
    let Some(digest) = digest::again(&library, reader, which, &args.follow, args.max)? else {
        context.note(&match which {
            Earlier::Last => "no digest with a paper was sent yet".to_owned(),
            Earlier::Day(day) => {
                format!(
                    "no digest with a paper was sent on {day}; --again alone shows the last one"
                )
            }
        });
        return Ok(Outcome::Partly);
    };
    let is_there = |name: &&String| digest.sections.iter().any(|s| s.follow == **name);
    if let Some(name) = args.follow.iter().find(|name| !is_there(name)) {
        let day = digest.made.date();
        return Err(Failure::usage(format!(
            "the digest of {day} has no follow {name:?}"
        )));
    }
    let room = Composer::new(args, context);
    let text = room.rendered(form(args, context), &digest)?;
    write_out(args.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}

/// Sends mail to every subscriber whose time has come. A failure for one does not affect the
/// others: it is reported, and the exit code shows it.
fn to_subscribers(args: &DigestArgs, context: &Context) -> Result<Outcome, Failure> {
    let now = args.moment.now()?.timestamp();
    let mut outcome = Outcome::Done;
    let due = due(args, now, context, &mut outcome)?;
    if due.is_empty() {
        if outcome == Outcome::Done {
            let are_there = !Library::open(&context.library)?.subscribers()?.is_empty();
            context.note(if are_there {
                "no subscriber is due; --subscriber ADDRESS sends anyway"
            } else {
                "nobody is subscribed: akin subscribe add ADDRESS"
            });
        }
        return Ok(outcome);
    }
    let room = Composer::new(args, context);
    let mut post = if args.dry_run {
        None
    } else {
        Some(Post {
            mailer: context.mailer()?,
            writer: context.writer("akin digest")?,
        })
    };
    let mut due = due.into_iter();
    for subscriber in due.by_ref() {
        match to_subscriber(&subscriber, &room, now, post.as_mut()) {
            Ok(()) => {}
            Err(fault) if fault.is_everybodys() => return Err(fault),
            Err(fault) => {
                fault.print_about(&subscriber.address);
                outcome = Outcome::Failed;
                if fault.is_of_mail_server() {
                    break;
                }
            }
        }
    }
    let rest: Vec<String> = due.map(|subscriber| subscriber.address).collect();
    if !rest.is_empty() {
        let rest = rest.join(", ");
        context.note(&format!(
            "the server was not tried again for {rest}; their digests are still due"
        ));
    }
    Ok(outcome)
}

/// What it takes to send mail.
struct Post {
    mailer: Mailer,
    writer: Writer,
}

/// Sends what waits for one subscriber, then what is new; without a post, reports what would be
/// sent.
fn to_subscriber(
    subscriber: &Subscriber,
    room: &Composer<'_>,
    now: Timestamp,
    post: Option<&mut Post>,
) -> Result<(), Failure> {
    let compose = || {
        let here = now.to_zoned(subscriber.zone()?);
        let names = room.follows_of(subscriber)?;
        room.compose(&names, &subscriber.address, &here)
    };
    let Some(Post { mailer, writer }) = post else {
        say(&subscriber.address, "would get", &compose()?)?;
        return Ok(());
    };
    let mut send = |digest: &Digest| {
        mailer.send(digest)?;
        // It is sent, whether anybody reads of it or not.
        let _ = say(&digest.reader, "was sent", digest);
        Ok(())
    };
    let sending = Sending {
        now,
        if_empty: room.args.even_if_empty,
        one_at_a_time: false,
    };
    digest::deliver(writer, &subscriber.address, &sending, compose, &mut send).map(drop)
}

fn say(address: &str, what: &str, digest: &Digest) -> std::io::Result<()> {
    writeln!(terminal::stdout(), "{address} {what}: {}", digest.title())
}

/// The subscribers that are due, or the named one. One whose subscription cannot be understood is
/// complained of.
fn due(
    args: &DigestArgs,
    now: Timestamp,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<Vec<Subscriber>, Failure> {
    if let Some(address) = &args.subscriber {
        return Ok(vec![subscriber_of(address, context)?]);
    }
    let if_due = |stored: &StoredSubscriber| -> Result<Option<Subscriber>, Error> {
        let subscriber = Subscriber::of_stored(stored)?;
        let last = stored.last_sent.as_ref().unwrap_or(&stored.created);
        let last = last.parse().unwrap_or(Timestamp::MIN);
        let is_due = stored.has_unsent || subscriber.is_due(now, last)?;
        Ok(is_due.then_some(subscriber))
    };
    let mut due = Vec::new();
    for stored in Library::open(&context.library)?.subscribers()? {
        match if_due(&stored) {
            Ok(subscriber) => due.extend(subscriber),
            Err(error) => {
                Failure::Akin(error).print_about(&stored.address);
                *outcome = Outcome::Failed;
            }
        }
    }
    Ok(due)
}

fn subscriber_of(address: &str, context: &Context) -> Result<Subscriber, Failure> {
    let subscribers = Library::open(&context.library)?.subscribers()?;
    let is_named = |stored: &&StoredSubscriber| stored.address == address;
    match subscribers.iter().find(is_named) {
        Some(stored) => Ok(Subscriber::of_stored(stored)?),
        None => Err(Failure::nothing(format!(
            "nobody is subscribed as {address:?}; akin subscribe list names who is"
        ))),
    }
}

/// What all readers' digests are made with. The model is loaded once, for the first digest that
/// needs it. The library is opened again for each reader: the digests that waited for a reader are
/// noted before the new one is composed.
struct Composer<'a> {
    args: &'a DigestArgs,
    context: &'a Context,
    encoder: OnceCell<Encoder>,
}

impl<'a> Composer<'a> {
    fn new(args: &'a DigestArgs, context: &'a Context) -> Composer<'a> {
        Composer {
            args,
            context,
            encoder: OnceCell::new(),
        }
    }

    /// The encoder, if one of these follows needs one.
    fn encoder_for(
        &self,
        follows: &[StoredFollow],
        library: &Library,
    ) -> Result<Option<&Encoder>, Failure> {
        // One that cannot be read is named by the digest.
        let wants = |stored| Follow::of_stored(stored).is_ok_and(|f| f.target().is_some());
        if !follows.iter().any(wants) {
            return Ok(None);
        }
        let encoder = match self.encoder.get() {
            Some(encoder) => encoder,
            None => {
                let loaded = self.context.load_for(library)?;
                self.encoder.get_or_init(|| loaded)
            }
        };
        Ok(Some(encoder))
    }

    /// The follows of a subscriber that there are; the others are named.
    fn follows_of(&self, subscriber: &Subscriber) -> Result<Vec<String>, Failure> {
        let library = Library::open(&self.context.library)?;
        let known = library.follows()?;
        let (names, gone): (Vec<String>, Vec<String>) = subscriber
            .follows
            .iter()
            .cloned()
            .partition(|name| known.iter().any(|follow| follow.name == *name));
        if !gone.is_empty() {
            self.context.note(&format!(
                "{} follows names that no longer exist: {}",
                subscriber.address,
                gone.join(", ")
            ));
        }
        if names.is_empty() && !gone.is_empty() {
            return Err(Failure::usage(format!(
                "{} follows nothing that exists",
                subscriber.address
            )));
        }
        Ok(names)
    }

    fn compose(&self, names: &[String], reader: &str, now: &Zoned) -> Result<Digest, Failure> {
        let opened = self.context.open(&self.context.library, LEFT_OUT)?;
        let follows = follow::named(names, &opened.library)?;
        if follows.is_empty() {
            return Err(Failure::nothing(
                "nothing is followed yet: akin follow add NAME QUERY",
            ));
        }
        let encoder = self.encoder_for(&follows, &opened.library)?;
        let indexes = opened.indexes();
        let desk = DigestContext::new(&indexes, encoder, now.date())?;
        let wanted = DigestRequest {
            reader,
            follows,
            since: self.args.since.since(now.date()),
            n_trending: self.args.trending,
            max: self.args.max,
            command: &self.command(reader, now.date()),
            now: now.timestamp(),
            time_zone: now.time_zone().clone(),
            domain: &self.context.mail_domain()?,
        };
        Ok(digest::compose(&desk, &wanted)?)
    }

    /// The command that shows the digest again. One that is not noted is composed again.
    fn command(&self, reader: &str, today: Date) -> String {
        let mut command = match (self.args.dry_run, self.args.since.since(today)) {
            (false, _) => format!("akin digest --again {today}"),
            (true, Since::Last) => "akin digest --dry-run".to_owned(),
            (true, Since::Day(day)) => format!("akin digest --dry-run --since {day}"),
        };
        if !reader.is_empty() {
            command += &format!(" --subscriber {reader}");
        }
        command
    }

    /// A digest in the requested form.
    fn rendered(&self, form: Form, digest: &Digest) -> Result<Vec<u8>, Error> {
        let text = match form {
            Form::Terminal | Form::Smtp => {
                let marks = match self.args.output {
                    Some(_) => Emphasis::default(),
                    None => output::MARKS,
                };
                digest::text(digest, layout::width(), marks)
            }
            Form::Html => digest::html(digest, ""),
            Form::Md => digest::markdown(digest),
            Form::Json => digest::json(digest),
            Form::Rss => self.feed(FeedFormat::Rss, digest)?,
            Form::Atom => self.feed(FeedFormat::Atom, digest)?,
            Form::Eml => return self.letter(digest),
        };
        Ok(text.into_bytes())
    }

    /// A feed of this digest and of those that were sent before; of one that is shown again alone.
    fn feed(&self, kind: FeedFormat, digest: &Digest) -> Result<String, Error> {
        let library = Library::open(&self.context.library)?;
        let mut digests = vec![digest.clone()];
        // One that is shown again is among those that were sent.
        let n_looked_at = if self.args.again.is_some() {
            0
        } else {
            FEED_LOOKED_AT
        };
        for stored in library.sent(&digest.reader, n_looked_at)? {
            let earlier = Digest::of_stored(&library, &stored)?;
            // A feed that is written every hour should not lose yesterday's papers by it.
            if digests.len() < FEED_DIGESTS && !earlier.is_empty() {
                digests.push(earlier);
            }
        }
        let address = self.args.feed_url.as_deref();
        Ok(digest::feed(kind, &digests, address))
    }

    /// A message; the library's owner writes to himself.
    fn letter(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let from = self.context.letter_from();
        let mut digest = digest.clone();
        if digest.reader.is_empty() {
            digest.reader.clone_from(&from);
        }
        digest::eml(&digest, &from)
    }
}

/// Writes to stdout, or to a file that appears under its name when it is whole.
fn write_out(path: Option<&Path>, bytes: &[u8]) -> Result<(), Error> {
    let Some(path) = path else {
        let mut out = terminal::stdout();
        let written = out.write_all(bytes).and_then(|()| out.flush());
        return written.map_err(Error::write("stdout"));
    };
    let written = if files::is_special(path) {
        terminal::Outside::open(path).and_then(|mut out| out.write_all(bytes))
    } else {
        files::replace(path, bytes)
    };
    written.map_err(Error::write(path))
}

/// Prints a schedule that runs this command every day.
fn install(
    args: &DigestArgs,
    scheduler: SchedulerArg,
    context: &Context,
) -> Result<Outcome, Failure> {
    let scheduler = match scheduler {
        SchedulerArg::Cron => Scheduler::Cron,
        SchedulerArg::Systemd => Scheduler::Systemd,
        SchedulerArg::Launchd => Scheduler::Launchd,
        SchedulerArg::This if cfg!(target_os = "macos") => Scheduler::Launchd,
        SchedulerArg::This if cfg!(target_os = "linux") => Scheduler::Systemd,
        SchedulerArg::This => Scheduler::Cron,
    };
    let program = std::env::current_exe().map_err(Error::read("akin"))?;
    let library = std::path::absolute(&context.library).map_err(Error::read(&context.library))?;
    let command = |words: Vec<String>| {
        let library = library.display().to_string();
        let mut command = vec![program.display().to_string()];
        command.extend(words);
        command.extend(["--quiet".to_owned(), "--library".to_owned(), library]);
        command
    };
    let pull = |feed: &String| {
        let words = std::iter::once("pull").chain(feed.split_whitespace());
        command(words.map(str::to_owned).collect())
    };
    let job = Job {
        before: args.pull.iter().map(pull).collect(),
        command: command(digest_words(args)?),
        at: args.at,
    };
    write!(terminal::stdout(), "{}", digest::job(scheduler, &job))?;
    Ok(Outcome::Done)
}

/// The arguments of this command that say what to write, and where.
fn digest_words(args: &DigestArgs) -> Result<Vec<String>, Failure> {
    let mut words = vec!["digest".to_owned()];
    let form = args.to.to_possible_value();
    let form = form.map(|value| value.get_name().to_owned());
    words.extend(["--to".to_owned(), form.unwrap_or_default()]);
    let mut named = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    args.follow.iter().for_each(|name| named("--follow", name));
    if let Some(max) = args.max {
        named("--max", &max.to_string());
    }
    if let Some(path) = &args.output {
        let path = std::path::absolute(path).map_err(Error::read(path))?;
        named("--output", &path.display().to_string());
    }
    if let Some(url) = &args.feed_url {
        named("--feed-url", url);
    }
    if let Some(address) = &args.subscriber {
        named("--subscriber", address);
    }
    Ok(words)
}
