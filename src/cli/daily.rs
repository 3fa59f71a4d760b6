//! `akin daily`: the papers of a day, a week or a month.

use std::io::Write;

use akin::digest::{self, Days, Follow};
use akin::library::{Day, Library};
use akin::search::{self, Query};
use clap::Args;
use jiff::ToSpan;
use jiff::civil::{Date, ISOWeekDate, Weekday};

use super::args::whole_day;
use super::context::{Context, LEFT_OUT};
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
    /// The day [default: the last one that has a list]
    #[arg(long, value_name = "DATE", group = "days", value_parser = whole_day)]
    date: Option<Date>,
    /// The week: 2026-W11, or any day of it
    #[arg(long, value_name = "WEEK", group = "days", value_parser = week)]
    week: Option<FirstAndLast>,
    /// The month: 2026-03
    #[arg(long, value_name = "MONTH", group = "days", value_parser = month)]
    month: Option<FirstAndLast>,
    /// Go by the day of publication instead of the day of the list
    #[arg(long)]
    published: bool,
    /// Put the papers first that are closest to this follow
    #[arg(long, value_name = "FOLLOW")]
    like: Option<String>,
    /// Number of papers to show
    #[arg(short, value_name = "N", default_value_t = 50, value_parser = args::at_least_one)]
    k: usize,
    #[command(flatten)]
    moment: MomentArgs,
}

/// A first and a last day.
type FirstAndLast = (Date, Date);

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
    let days = match (args.date, args.week.or(args.month)) {
        (Some(date), _) => Some((date, date)),
        (None, Some(days)) => Some(days),
        (None, None) => {
            let last = digest::last_day(&library, by, args.moment.today()?)?;
            last.map(|last| (last, last))
        }
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
    let days = digest::days(&library, by, days, near.as_deref())?;
    show(&days, args, context)?;
    Ok(if days.papers.is_empty() {
        Outcome::Partly
    } else {
        Outcome::Done
    })
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

/// Parses `2026-W11`, or a day of that week.
fn week(text: &str) -> Result<FirstAndLast, String> {
    let wanted = || format!("invalid week {text:?}: use 2026-W11, or a day of it");
    let monday = match text.split_once("-W").or_else(|| text.split_once("-w")) {
        Some((year, number)) => {
            let (year, number) = (year.parse().ok(), number.parse().ok());
            let numbers = year.zip(number).ok_or_else(wanted)?;
            let day = ISOWeekDate::new(numbers.0, numbers.1, Weekday::Monday);
            day.map_err(|_| wanted())?.date()
        }
        None => {
            let day: Date = text.parse().map_err(|_| wanted())?;
            let since = i32::from(day.weekday().to_monday_zero_offset());
            day.saturating_sub(since.days())
        }
    };
    Ok((monday, monday.saturating_add(6.days())))
}

/// Parses `2026-03`.
fn month(text: &str) -> Result<FirstAndLast, String> {
    let first: Result<Date, _> = format!("{text}-01").parse();
    let first = first.map_err(|_| format!("invalid month {text:?}: use 2026-03"))?;
    Ok((first, first.last_of_month()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_months_have_their_days() {
        let days = |first: &str, last: &str| Ok((first.parse().unwrap(), last.parse().unwrap()));
        for text in [
            "2026-W11",
            "2026-w11",
            "2026-03-09",
            "2026-03-12",
            "2026-03-15",
        ] {
            assert_eq!(week(text), days("2026-03-09", "2026-03-15"), "{text}");
        }
        assert_eq!(week("2026-W01"), days("2025-12-29", "2026-01-04"));
        assert_eq!(month("2024-02"), days("2024-02-01", "2024-02-29"));
        for bad in ["", "11", "2026-W54", "2026-W", "W11"] {
            assert!(week(bad).is_err(), "{bad}");
        }
        for bad in ["", "2026", "2026-13", "March"] {
            assert!(month(bad).is_err(), "{bad}");
        }
    }
}
