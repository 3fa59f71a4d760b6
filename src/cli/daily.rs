//! `akin daily`: the papers of a day, a week or a month.

use std::io::Write;

use akin::digest::{self, Days, Follow};
use akin::library::{Day, Library};
use akin::search::{self, Query};
use clap::Args;
use jiff::civil::Date;

use super::context::{Context, LEFT_OUT};
use super::dates::{self, DateArg, DaySpan};
use super::fault::Failure;
use super::moment::MomentArgs;
use super::outcome::Outcome;
use super::{args, layout, output, terminal};

/// List the papers of a day, a week or a month
///
/// The day is that of the list with the paper: a feed's day, or the day in a dump's name. It is not
/// the day of publication. Papers are ordered by upvotes, then comments, if the community ranked
/// them; otherwise the newest come first.
#[derive(Debug, Args)]
pub(super) struct DailyArgs {
    /// The day, or several: 2026-03-14, yesterday, "last monday", "last week", 2026-03 [default: the
    /// last one that has a list]
    #[arg(value_name = "DATE", group = "days", value_parser = dates::date)]
    day: Option<DateArg>,
    /// The day or days, too
    #[arg(long, value_name = "DATE", group = "days", value_parser = dates::date)]
    date: Option<DateArg>,
    /// The week: 2026-W11, "last week", or any day of it
    #[arg(long, value_name = "WEEK", group = "days", value_parser = dates::date)]
    week: Option<DateArg>,
    /// The month: 2026-03, "last month", or any day of it
    #[arg(long, value_name = "MONTH", group = "days", value_parser = dates::date)]
    month: Option<DateArg>,
    /// Go by the day of publication instead of the day of the list
    #[arg(long)]
    published: bool,
    /// Put the papers first that are closest to this follow
    #[arg(long, value_name = "FOLLOW")]
    like: Option<String>,
    /// Number of papers to show
    #[arg(short, long = "limit", visible_short_alias = 'n', visible_alias = "top", value_name = "N",
          default_value_t = 50, value_parser = args::at_least_one)]
    k: usize,
    #[command(flatten)]
    moment: MomentArgs,
}

pub(super) fn run(args: &DailyArgs, context: &Context) -> Result<Outcome, Failure> {
    let by = if args.published {
        Day::Dated
    } else {
        Day::Listed
    };
    let (library, near) = match &args.like {
        None => (context.library()?, None),
        Some(name) => {
            let (library, vector) = vector_of(name, context)?;
            (library, Some(vector))
        }
    };
    let today = args.moment.today()?;
    let days = match asked(args, today)? {
        Some(days) => Some(days),
        None => digest::last_day(&library, by, today)?.map(DaySpan::day),
    };
    let Some(days) = days else {
        context.note(match by {
            Day::Listed => {
                "no paper was listed on a day; --published goes by the day of publication"
            }
            Day::Dated => "no paper has a date",
        });
        return Ok(Outcome::Partly);
    };
    let days = digest::days(&library, by, (days.first, days.last), near.as_deref())?;
    show(&days, args, context)?;
    Ok(if days.papers.is_empty() {
        Outcome::Partly
    } else {
        Outcome::Done
    })
}

/// The days that were asked for.
fn asked(args: &DailyArgs, today: Date) -> Result<Option<DaySpan>, Failure> {
    let within = |date: &DateArg, of: fn(Date) -> DaySpan, what| {
        let days = date.days(today);
        let whole = of(days.first);
        let is_one = whole.has(days);
        let several = || {
            let (typed, DaySpan { first, last }) = (date.typed(), days);
            format!("{typed:?} is not of one {what}: it is {first} to {last}")
        };
        is_one
            .then_some(whole)
            .ok_or_else(|| Failure::usage(several()))
    };
    match (
        args.day.as_ref().or(args.date.as_ref()),
        &args.week,
        &args.month,
    ) {
        (Some(date), ..) => Ok(Some(date.days(today))),
        (_, Some(week), _) => within(week, DaySpan::week_of, "week").map(Some),
        (.., Some(month)) => within(month, DaySpan::month_of, "month").map(Some),
        _ => Ok(None),
    }
}

/// The library, and the vector that a follow looks for in it.
fn vector_of(name: &str, context: &Context) -> Result<(Library, Vec<f32>), Failure> {
    let opened = context.open(&context.library, LEFT_OUT)?;
    let follow = Follow::of_stored(&opened.library.follow(name)?)?;
    let target = follow.target().ok_or_else(|| {
        Failure::usage(format!(
            "{name:?} follows no text and no papers: nothing is close to it"
        ))
    })?;
    let encoder = follow
        .query
        .is_some()
        .then(|| context.load_for(&opened.library));
    let encoder = encoder.transpose()?;
    let query = Query {
        target,
        k: 1,
        ..Query::default()
    };
    let indexes = opened.indexes();
    let answer = search::answer(&indexes, encoder.as_ref(), &query)?;
    let vector = answer.vector.ok_or_else(|| {
        Failure::usage(format!(
            "{name:?} has nothing but conditions: nothing is close to it"
        ))
    })?;
    Ok((opened.library, vector))
}

fn show(days: &Days, args: &DailyArgs, context: &Context) -> Result<(), Failure> {
    let mut out = terminal::stdout();
    if !context.json {
        output::days(&mut out, days)?;
    }
    for (place, paper) in days.papers.iter().take(args.k).enumerate() {
        if context.json {
            layout::json_line(&mut out, &output::JsonDayPaper::new(place + 1, paper))?
        } else {
            output::day_paper(&mut out, place + 1, paper)?
        }
    }
    out.flush()?;
    let n_left = days.papers.len().saturating_sub(args.k);
    if n_left > 0 {
        context.note(&format!(
            "{n_left} more; -k {} shows them all",
            days.papers.len()
        ));
    }
    if days.papers.is_empty() {
        let beside = [("before", days.previous), ("after", days.next)];
        let beside: Vec<String> = beside
            .iter()
            .filter_map(|(side, day)| day.map(|day| format!("the next day {side} is {day}")))
            .collect();
        context.note(&format!(
            "nothing then; {}",
            if beside.is_empty() {
                "--published goes by the day of publication".to_owned()
            } else {
                beside.join(", ")
            }
        ));
    }
    Ok(())
}
