//! `akin subscribe`: who gets which digests by mail, and when.

use std::io::Write;

use akin::digest::{self, Subscriber, Weekdays};
use akin::library::Library;
use clap::{Args, Subcommand};
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::context::Context;
use super::fault::Failure;
use super::moment::{self, MomentArgs};
use super::outcome::Outcome;
use super::{layout, terminal};

/// Have digests mailed: who gets which follows, and when
///
/// `akin digest --to smtp` mails to everybody whose time has come since the last mail; run it as
/// often as you like, from cron or a timer (`akin digest --install`). Mail is configured in
/// config.toml, see `akin digest --help`.
#[derive(Debug, Args)]
pub(super) struct SubscribeArgs {
    #[command(subcommand)]
    command: SubscribeCommand,
}

#[derive(Debug, Subcommand)]
enum SubscribeCommand {
    /// Subscribe an address, or change its subscription
    Add {
        /// Where digests are sent
        address: String,
        /// A follow; repeat for several [default: all there are]
        #[arg(long, value_name = "FOLLOW")]
        follow: Vec<String>,
        /// From when on, of a day
        #[arg(long, value_name = "HH:MM", default_value = "07:00", value_parser = moment::time)]
        at: Time,
        /// On which days: daily, mon-fri, mon,thu
        #[arg(long, value_name = "DAYS", default_value = "daily")]
        days: Weekdays,
        #[command(flatten)]
        moment: MomentArgs,
    },
    /// List the subscribers
    List,
    /// Send no more to these
    Remove {
        /// The addresses
        #[arg(required = true, value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
}

pub(super) fn run(args: &SubscribeArgs, context: &Context) -> Result<Outcome, Failure> {
    match &args.command {
        SubscribeCommand::Add {
            address,
            follow,
            at,
            days,
            moment,
        } => {
            let subscriber = Subscriber {
                address: address.clone(),
                follows: follow.clone(),
                at: *at,
                days: *days,
                time_zone: zone_name(&moment.zone()?)?,
            };
            add(&subscriber, moment, context)
        }
        SubscribeCommand::List => list(context),
        SubscribeCommand::Remove { addresses } => remove(addresses, context),
    }
}

fn add(
    subscriber: &Subscriber,
    moment: &MomentArgs,
    context: &Context,
) -> Result<Outcome, Failure> {
    digest::domain(&subscriber.address).map_err(|_| {
        Failure::usage(format!(
            "{:?} is not a mail address: expected one such as you@example.org",
            subscriber.address
        ))
    })?;
    let library = Library::open(&context.library)?;
    for name in &subscriber.follows {
        library.follow(name)?;
    }
    drop(library);
    let mut writer = context.writer("akin subscribe")?;
    let now = moment.now()?.timestamp();
    writer.put_subscriber(&subscriber.address, &subscriber.definition(), now)?;
    if let Err(error) = context.check_mail() {
        context.note(&format!(
            "{} is subscribed, but {error}; akin digest --help says how",
            subscriber.address
        ));
    }
    Ok(Outcome::Done)
}

fn list(context: &Context) -> Result<Outcome, Failure> {
    let subscribers = Library::open(&context.library)?.subscribers()?;
    let mut outcome = Outcome::Done;
    let mut out = terminal::stdout();
    for stored in &subscribers {
        let subscriber = match Subscriber::of_stored(stored) {
            Ok(subscriber) => subscriber,
            Err(error) => {
                Failure::Akin(error).print();
                outcome = Outcome::Failed;
                continue;
            }
        };
        if context.json {
            layout::json_line(&mut out, &subscriber)?;
            continue;
        }
        let Subscriber {
            address,
            follows,
            at,
            days,
            time_zone,
        } = subscriber;
        let follows = if follows.is_empty() {
            "everything".to_owned()
        } else {
            follows.join(", ")
        };
        let last = stored.last_sent.as_deref().unwrap_or("never");
        let (hour, minute) = (at.hour(), at.minute());
        write!(
            out,
            "{address}  {follows}  {days} {hour:02}:{minute:02} {time_zone}  last {last}"
        )?;
        let waiting = if stored.has_unsent {
            "  one digest waits to be sent again"
        } else {
            ""
        };
        writeln!(out, "{waiting}")?;
    }
    if subscribers.is_empty() {
        context.note("nobody is subscribed: akin subscribe add ADDRESS");
        return Ok(Outcome::Partly);
    }
    Ok(outcome)
}

fn remove(addresses: &[String], context: &Context) -> Result<Outcome, Failure> {
    let mut writer = context.writer("akin subscribe")?;
    let mut outcome = Outcome::Done;
    for address in addresses {
        if writer.remove_subscriber(address)? {
            writeln!(terminal::stdout(), "removed {address}")?
        } else {
            // So it is after a removal that was cut off, too.
            context.note(&format!("nobody is subscribed as {address:?}"));
            outcome = Outcome::Partly;
        }
    }
    Ok(outcome)
}

/// The name under which a time zone is known on other machines, too.
fn zone_name(zone: &TimeZone) -> Result<String, Failure> {
    let name = zone.iana_name().map(str::to_owned);
    name.ok_or_else(|| {
        Failure::usage("this machine's time zone has no name; --time-zone Europe/Berlin gives one")
    })
}
