//! What is new for a reader's follows.
//!
//! ```text
//! follows ──► papers not yet shown ──► close enough ──► explained ──► under one follow each ──┐
//! `follow`    library                  `threshold`      `news`        `assign`                ├──► `Digest`
//! recent papers ──► votes that fade, or topics that grow `trending` ──────────────────────────┘      │
//!                                                                                                    ▼
//!                           sent ◄── stdout, a file, or a mail server ◄── text, HTML, feed… ◄── prepared
//!                           library          `send`                          `render`           library
//! ```
//!
//! In: a library with its indexes, the follows of one *reader* (the library's owner, or a
//! subscriber), and the current time, always as an argument. Out: a [`Digest`] that is stored
//! before it is sent and marked sent afterwards, in the transaction that notes what it showed.
//! `again.rs` reads a sent digest again. `estimate.rs` says how much a follow would find in a week.
//! `daily.rs` is separate: the papers of a day, without a reader. `schedule.rs` writes the schedule
//! for a digest every morning.
//!
//! Invariants:
//! - A paper is shown once per follow and reader, however often commands are repeated. This holds
//!   under any of its ids, and for duplicates of it.
//! - A digest shows at most some papers of a follow, the best, and counts the rest. The rest is part of
//!   the stored digest, and not noted as shown.
//! - A prepared digest is sent unchanged, with the same Message-ID however often it is tried. A
//!   kill after the receiver has accepted a digest and before the transaction notes it has the
//!   digest sent again, with the same Message-ID. It is never lost.
//! - The same library and the same moment give the same digest, byte for byte.

mod again;
mod assign;
mod context;
mod daily;
mod entry;
mod estimate;
mod follow;
mod news;
mod render;
mod schedule;
mod send;
mod smtp;
mod subscriber;
mod threshold;
mod trending;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use self::assign::Matched;
use crate::error::{Error, Refusal, Result};
use crate::library::{Library, PaperKey, StoredFollow, Writer};

pub use self::again::{Earlier, again};
pub use self::context::DigestContext;
pub use self::daily::{DayPaper, Days, days, last_day};
pub use self::entry::{Brief, Digest, Entry, Riser, Section};
pub use self::estimate::{Estimate, estimate};
pub use self::follow::{DEFAULT_MAX, DEFAULT_MIN_PERCENTILE, Follow};
pub use self::news::{FollowMatch, FollowNews, entry, find};
pub use self::render::mail::Letter;
pub use self::render::{
    Emphasis, FeedFormat, entry_text, feed, full_byline, html, json, mail, markdown, text,
};
pub use self::schedule::{Job, Scheduler, job};
pub use self::send::{Login, Mailer, Secret, Security, Server, domain, eml};
pub use self::subscriber::{Subscriber, Weekdays};
pub use self::trending::{HALF_LIFE_DAYS, Rising, Trend, TrendBy, TrendOptions, trending};

/// Number of digests with something new in a feed.
pub const FEED_DIGESTS: usize = 30;

/// From when on papers are new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Since the follow's last digest, or since it was made.
    Last,
    /// From this day on, by the first list with the paper, or else its date.
    Day(Date),
}

/// What a digest should contain.
#[derive(Debug)]
pub struct DigestRequest<'a> {
    /// Whose it is: a subscriber's address, or empty for the library's owner.
    pub reader: &'a str,
    /// The follows, in their order of appearance.
    pub follows: Vec<StoredFollow>,
    /// From when on papers are new.
    pub since: Since,
    /// Number of rising papers to list; 0 for none.
    pub n_trending: usize,
    /// Number of papers to show of each follow, 0 for all; what each follow says if `None`.
    pub max: Option<usize>,
    /// The command that shows the digest again, without options that choose a part of it.
    pub command: &'a str,
    /// The present moment.
    pub now: Timestamp,
    /// The reader's time zone.
    pub time_zone: TimeZone,
    /// The part after the `@` of its Message-ID.
    pub domain: &'a str,
}

/// Composes a digest: looks, and changes nothing.
///
/// # Errors
/// What the search fails with. A follow that cannot be asked is in the digest's notes.
pub fn compose(desk: &DigestContext<'_>, wanted: &DigestRequest<'_>) -> Result<Digest> {
    let library = desk.library();
    let made = wanted.now.to_zoned(wanted.time_zone.clone());
    let mut notes = Vec::new();
    let mut sections = Vec::with_capacity(wanted.follows.len());
    let mut matched = Vec::with_capacity(wanted.follows.len());
    let arrived = match wanted.since {
        Since::Last => Vec::new(),
        Since::Day(day) => library.arrived_between(day, made.date())?,
    };
    for stored in &wanted.follows {
        let follow = match Follow::of_stored(stored) {
            Ok(follow) => follow,
            Err(error) => {
                notes.push(error.to_string());
                continue;
            }
        };
        let (section, found) = compare(desk, wanted, (stored, &follow), &arrived)?;
        for note in found.notes {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        sections.push(section);
        matched.push(Matched {
            entries: found.matches.iter().map(news::entry).collect(),
            max: wanted.max.or(follow.max).unwrap_or(DEFAULT_MAX),
            follow: follow.name,
        });
    }
    for (section, assigned) in sections.iter_mut().zip(assign::assign(&matched)) {
        section.entries = assigned.shown;
        section.more = assigned.rest;
    }
    let trending = match wanted.n_trending {
        0 => Vec::new(),
        n => trending::risers(desk, made.date(), n)?,
    };
    let mut digest = Digest {
        reader: wanted.reader.to_owned(),
        message_id: String::new(),
        made,
        sections,
        trending,
        notes,
        command: wanted.command.to_owned(),
    };
    let hash = blake3::hash(digest.body().as_bytes()).to_hex();
    let second = wanted.now.as_second();
    digest.message_id = format!("{second}.{}@{}", &hash[..24], wanted.domain);
    Ok(digest)
}

/// What is new under one follow, and its section of a digest, still without papers.
fn compare(
    desk: &DigestContext<'_>,
    wanted: &DigestRequest<'_>,
    (stored, follow): (&StoredFollow, &Follow),
    arrived: &[PaperKey],
) -> Result<(Section, FollowNews)> {
    let library = desk.library();
    // Before the papers are read: what is stored meanwhile is new the next time.
    let last = library.last_key()?;
    let keys = not_yet_shown(library, wanted, stored, arrived)?;
    let n_new = keys.len();
    let mut is_done = wanted.since == Since::Last;
    let found = match news::find(desk, follow, keys) {
        // One follow that cannot be answered does not block the others. Its papers are new once
        // it can be answered.
        Err(error) if is_of_one_follow(&error) => {
            is_done = false;
            FollowNews {
                notes: vec![format!("{}: {error}", follow.name)],
                ..FollowNews::default()
            }
        }
        found => found?,
    };
    // Papers that are shown are noted one by one; the others are compared again.
    is_done &= !found.is_partial;
    let section = Section {
        follow: follow.name.clone(),
        about: follow.about(),
        n_new,
        entries: Vec::new(),
        more: Vec::new(),
        follow_key: stored.key.0,
        up_to: is_done.then_some(last.0),
    };
    Ok((section, found))
}

/// The papers that are new to a follow: the arrived ones, or those since its last digest.
fn not_yet_shown(
    library: &Library,
    wanted: &DigestRequest<'_>,
    stored: &StoredFollow,
    arrived: &[PaperKey],
) -> Result<Vec<PaperKey>> {
    let mut keys = match wanted.since {
        Since::Last => library.stored_after(library.gone_through(wanted.reader, stored.key)?)?,
        Since::Day(_) => arrived.to_vec(),
    };
    let shown = library.shown(wanted.reader, stored.key)?;
    keys.retain(|key| !shown.contains(key));
    Ok(keys)
}

/// Whether an error comes from a follow's own query.
fn is_of_one_follow(error: &Error) -> bool {
    matches!(
        error,
        Error::UnknownPaper { .. }
            | Error::AmbiguousId { .. }
            | Error::NoDirection
            | Error::EmptyQuery
            | Error::LongQuery { .. }
            | Error::LexicalDoubt { .. }
    )
}

/// How digests are sent.
#[derive(Debug, Clone, Copy)]
pub struct Sending {
    /// The present moment.
    pub now: Timestamp,
    /// Whether a digest with nothing new is sent.
    pub if_empty: bool,
    /// Whether new papers have to wait for a waiting digest, because only one can be sent.
    pub one_at_a_time: bool,
}

/// What became of a digest on its way.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// It was sent, and the papers in it are noted.
    Sent,
    /// Nothing was new, so nothing was sent; the compared papers are noted.
    Empty,
    /// A waiting digest was sent; new papers come next time.
    SentWaiting,
}

/// Sends the digests that wait for a reader, and then what is new. A digest is stored, passed to
/// `send`, and marked sent in one transaction with what it showed. If `send` fails, the digest
/// waits. If it fails for good, the digest is dropped and its papers are new again at once. If the
/// reader's address is refused, they are new at the time of the next digest.
///
/// `compose` returns the digest of what is new.
///
/// # Errors
/// What `compose`, `send` and the library fail with.
pub fn deliver<E: From<Error>>(
    writer: &mut Writer,
    reader: &str,
    sending: &Sending,
    compose: impl FnOnce() -> std::result::Result<Digest, E>,
    send: &mut dyn FnMut(&Digest) -> Result<()>,
) -> std::result::Result<Delivery, E> {
    let now = sending.now;
    let waiting = {
        let library = Library::open(writer.path())?;
        match library.unsent(reader)? {
            Some(stored) => Some((stored.key, Digest::of_stored(&library, &stored)?)),
            None => None,
        }
    };
    let mut delivery = Delivery::Empty;
    if let Some((key, digest)) = waiting {
        hand_over(writer, key, &digest, now, send)?;
        if sending.one_at_a_time {
            return Ok(Delivery::SentWaiting);
        }
        delivery = Delivery::Sent;
    }
    let digest = compose()?;
    let key = writer.prepare_digest(reader, &digest.body(), now)?;
    if digest.is_empty() && !sending.if_empty {
        writer.mark_sent(key, reader, &digest.shown(), now)?;
        return Ok(delivery);
    }
    hand_over(writer, key, &digest, now, send)?;
    Ok(Delivery::Sent)
}

fn hand_over(
    writer: &mut Writer,
    key: crate::library::DigestKey,
    digest: &Digest,
    now: Timestamp,
    send: &mut dyn FnMut(&Digest) -> Result<()>,
) -> Result<()> {
    match send(digest) {
        Ok(()) => {
            crate::step::reached(crate::step::Step::DigestTaken);
            writer.mark_sent(key, &digest.reader, &digest.shown(), now)
        }
        Err(error) => {
            if let Error::NotSent { refusal, .. } = &error {
                match refusal {
                    Refusal::Server | Refusal::ForNow => {}
                    Refusal::Message => writer.drop_digest(key)?,
                    Refusal::Address => {
                        let nothing = digest.without_papers().body();
                        writer.set_digest_aside(key, &nothing, now)?;
                    }
                }
            }
            Err(error)
        }
    }
}
