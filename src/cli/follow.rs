//! `akin follow`: saved queries.

use std::io::Write;
use std::path::{Path, PathBuf};

use akin::digest::{self, DEFAULT_MIN_PERCENTILE, DigestContext, Follow};
use akin::library::{Filter, Library, StoredFollow};
use akin::{Error, paper, search};
use clap::{Args, Subcommand};
use jiff::ToSpan;
use serde::{Deserialize, Serialize};

use super::context::{Context, LEFT_OUT};
use super::fault::Failure;
use super::moment::MomentArgs;
use super::outcome::Outcome;
use super::{layout, output, reading, terminal};

/// Days that `test` looks back.
const TEST_DAYS: i32 = 30;

/// Follow a subject, some papers or some authors; `akin digest` shows what is new
///
/// A new paper is found if it is closer to what you follow than 99.5 % of your library
/// (--closer-than), by meaning or by its words. `akin follow test NAME` shows what that would have
/// found in the last month.
#[derive(Debug, Args)]
pub(super) struct FollowArgs {
    #[command(subcommand)]
    command: FollowCommand,
}

#[derive(Debug, Subcommand)]
enum FollowCommand {
    /// Follow something under a name; papers that are in the library already are not new to it
    Add {
        /// The name, which heads its part of a digest
        name: String,
        #[command(flatten)]
        asked: FollowRequest,
        #[command(flatten)]
        moment: MomentArgs,
    },
    /// List the follows
    List,
    /// Show one follow
    Show {
        /// Its name
        name: String,
    },
    /// Show what it would have found last month, without changing anything
    Test {
        /// Its name
        name: String,
        /// Days to look back
        #[arg(long, value_name = "N", default_value_t = TEST_DAYS, value_parser = clap::value_parser!(i32).range(1..=36500))]
        days: i32,
        /// Try another share of the library
        #[arg(long, value_name = "PERCENT", alias = "min-percentile")]
        closer_than: Option<f64>,
        #[command(flatten)]
        moment: MomentArgs,
    },
    /// Change the given parts; papers shown before stay marked as shown
    Edit {
        /// Its name
        name: String,
        /// Another name
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        asked: FollowRequest,
    },
    /// Delete a follow, and forget what was shown
    Remove {
        /// The names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Write all follows, or these, as TOML
    Export {
        /// The names
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Read follows from TOML, as export writes it
    Import {
        /// The file; - is stdin
        file: PathBuf,
        /// Change follows of the same names; without it they are an error, and nothing is read
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        moment: MomentArgs,
    },
}

/// What is followed.
#[derive(Debug, Args)]
struct FollowRequest {
    /// What papers are to be about, as for `akin search`
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// A paper to be close to; repeat for several
    #[arg(long, value_name = "ID")]
    like: Vec<String>,
    /// A paper to be away from; repeat for several
    #[arg(long = "not", value_name = "ID")]
    unlike: Vec<String>,
    /// An author's name, by whole words: lee, "Ada Lee" or "A. Lee"; repeat for any of several
    #[arg(long, value_name = "NAME")]
    author: Vec<String>,
    /// A category (cs.CL, "Machine Learning") or archive (cs); repeat for any of several
    #[arg(long, value_name = "CODE")]
    category: Vec<String>,
    /// The share of the papers of the library, in percent, that a paper has to be closer than; the ten
    /// closest always are [default: 99.5]
    #[arg(long, value_name = "PERCENT", alias = "min-percentile")]
    closer_than: Option<f64>,
}

/// Follows as a file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FollowFile {
    #[serde(default)]
    follow: Vec<Follow>,
}

pub(super) fn run(args: &FollowArgs, context: &Context) -> Result<Outcome, Failure> {
    match &args.command {
        FollowCommand::Add {
            name,
            asked,
            moment,
        } => {
            let mut follow = Follow {
                name: name.clone(),
                ..Follow::default()
            };
            asked.put_into(&mut follow);
            add(&follow, moment, context)
        }
        FollowCommand::List => list(context),
        FollowCommand::Show { name } => show(name, context),
        FollowCommand::Test {
            name,
            days,
            closer_than,
            moment,
        } => test(name, *days, *closer_than, moment, context),
        FollowCommand::Edit {
            name,
            rename,
            asked,
        } => edit(name, rename.as_deref(), asked, context),
        FollowCommand::Remove { names } => remove(names, context),
        FollowCommand::Export { names } => export(names, context),
        FollowCommand::Import {
            file,
            replace,
            moment,
        } => import(file, *replace, moment, context),
    }
}

impl FollowRequest {
    /// Replaces the parts that are given.
    fn put_into(&self, follow: &mut Follow) {
        if !self.query.is_empty() {
            follow.query = Some(self.query.join(" "));
            follow.like.clear();
            follow.not.clear();
        }
        if !self.like.is_empty() {
            follow.query = None;
            follow.like.clone_from(&self.like);
        }
        for (given, kept) in [
            (&self.unlike, &mut follow.not),
            (&self.author, &mut follow.authors),
            (&self.category, &mut follow.categories),
        ] {
            if !given.is_empty() {
                kept.clone_from(given);
            }
        }
        follow.min_percentile = self.closer_than.or(follow.min_percentile);
    }
}

fn add(follow: &Follow, moment: &MomentArgs, context: &Context) -> Result<Outcome, Failure> {
    follow.check()?;
    let library = Library::open(&context.library)?;
    if is_there(follow, &library)? {
        context.note(&format!("{:?} is already followed, unchanged", follow.name));
        return Ok(Outcome::Done);
    }
    follow.check_papers(&library)?;
    advise(follow, &library, context)?;
    drop(library);
    let mut writer = context.writer("akin follow")?;
    let now = moment.now()?.timestamp();
    writer.add_follow(&follow.name, &follow.definition(), now)?;
    context.note(&format!(
        "papers that come from now on are new; akin follow test {:?} shows last month's",
        follow.name
    ));
    Ok(Outcome::Done)
}

/// Whether just this is followed: a command that was cut off after it had done it is run again.
fn is_there(follow: &Follow, library: &Library) -> Result<bool, Error> {
    let follows = library.follows()?;
    let stored = follows.iter().find(|stored| stored.name == follow.name);
    Ok(stored.is_some_and(|stored| Follow::of_stored(stored).is_ok_and(|other| other == *follow)))
}

/// Reports the parts of a follow that this library cannot answer, or has no papers for.
fn advise(follow: &Follow, library: &Library, context: &Context) -> Result<(), Failure> {
    if let Some(advice) = follow.share_is_too_small_for(library.status()?.n_papers) {
        context.note(&advice);
    }
    let filter = Filter {
        authors: follow.authors.clone(),
        categories: follow.categories.clone(),
        ..Filter::default()
    };
    if library.space().is_some()
        && let Some(advice) = search::nothing_passes(library, &filter)?
    {
        context.note(&format!("so far {advice}"));
    }
    Ok(())
}

fn list(context: &Context) -> Result<Outcome, Failure> {
    let follows = named(&[], &Library::open(&context.library)?)?;
    if follows.is_empty() {
        context.note("nothing is followed yet: akin follow add NAME QUERY");
        return Ok(Outcome::Partly);
    }
    let mut outcome = Outcome::Done;
    let mut out = terminal::stdout();
    for stored in &follows {
        match Follow::of_stored(stored) {
            Ok(follow) if context.json => layout::json_line(&mut out, &follow)?,
            Ok(follow) => writeln!(out, "{}  {}", follow.name, follow.about())?,
            Err(error) => {
                Failure::Akin(error).print();
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}

fn show(name: &str, context: &Context) -> Result<Outcome, Failure> {
    let stored = Library::open(&context.library)?.follow(name)?;
    let follow = Follow::of_stored(&stored)?;
    let mut out = terminal::stdout();
    if context.json {
        layout::json_line(&mut out, &follow)?;
        return Ok(Outcome::Done);
    }
    let percentile = follow.min_percentile.unwrap_or(DEFAULT_MIN_PERCENTILE);
    let closeness = follow.target().map(|_| format!("{percentile} %"));
    for (label, value) in [
        ("name", Some(follow.name.clone())),
        ("about", follow.query.clone()),
        ("like", joined(&follow.like)),
        ("not like", joined(&follow.not)),
        ("authors", joined(&follow.authors)),
        ("categories", joined_categories(&follow.categories)),
        ("closer than", closeness),
        ("since", Some(stored.created)),
    ] {
        if let Some(value) = value {
            writeln!(out, "{label:<12} {value}")?;
        }
    }
    Ok(Outcome::Done)
}

fn joined_categories(categories: &[String]) -> Option<String> {
    (!categories.is_empty()).then(|| akin::categories::joined(categories))
}

fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(", "))
}

fn test(
    name: &str,
    days: i32,
    closer_than: Option<f64>,
    moment: &MomentArgs,
    context: &Context,
) -> Result<Outcome, Failure> {
    let opened = context.open(&context.library, LEFT_OUT)?;
    let mut follow = Follow::of_stored(&opened.library.follow(name)?)?;
    follow.min_percentile = closer_than.or(follow.min_percentile);
    follow.check()?;
    advise(&follow, &opened.library, context)?;
    let encoder = follow.target().map(|_| context.load_for(&opened.library));
    let encoder = encoder.transpose()?;
    let indexes = opened.indexes();
    let desk = DigestContext::new(&indexes, encoder.as_ref())?;
    let today = moment.today()?;
    let first = today.saturating_sub((days - 1).days());
    let keys = opened.library.arrived_between(first, today)?;
    let n_new = keys.len();
    let found = digest::find(&desk, &follow, keys)?;
    found.notes.iter().for_each(|note| context.note(note));
    let mut out = terminal::stdout();
    for (place, found) in found.matches.iter().enumerate() {
        let entry = digest::entry(found);
        if context.json {
            let mut value = serde_json::to_value(&entry).expect("an entry is plain data");
            paper::show_ids(&mut value);
            layout::json_line(&mut out, &value)?;
        } else {
            output::entry(&mut out, place + 1, &entry)?
        }
    }
    out.flush()?;
    context.note(&format!(
        "{} of {} that came from {first} to {today}",
        layout::count(found.matches.len() as u64),
        layout::counted(n_new as u64, "paper"),
    ));
    Ok(if found.matches.is_empty() {
        Outcome::Partly
    } else {
        Outcome::Done
    })
}

fn edit(
    name: &str,
    rename: Option<&str>,
    asked: &FollowRequest,
    context: &Context,
) -> Result<Outcome, Failure> {
    let library = Library::open(&context.library)?;
    let stored = library.follow(name);
    if let (Err(Error::UnknownFollow { .. }), Some(rename)) = (&stored, rename)
        && let Ok(renamed) = library.follow(rename)
    {
        let mut follow = Follow::of_stored(&renamed)?;
        asked.put_into(&mut follow);
        if is_there(&follow, &library)? {
            context.note(&format!("{rename:?} is already its name"));
            return Ok(Outcome::Done);
        }
    }
    let stored = stored?;
    let mut follow = Follow::of_stored(&stored)?;
    asked.put_into(&mut follow);
    if let Some(rename) = rename {
        rename.clone_into(&mut follow.name);
    }
    follow.check()?;
    follow.check_papers(&library)?;
    advise(&follow, &library, context)?;
    drop(library);
    let mut writer = context.writer("akin follow")?;
    writer.change_follow(stored.key, &follow.name, &follow.definition())?;
    Ok(Outcome::Done)
}

fn remove(names: &[String], context: &Context) -> Result<Outcome, Failure> {
    let mut writer = context.writer("akin follow")?;
    let follows = Library::open(&context.library)?.follows()?;
    for name in names {
        match follows.iter().find(|stored| stored.name == *name) {
            Some(stored) => {
                writer.remove_follow(stored.key)?;
                writeln!(terminal::stdout(), "removed {}", stored.name)?;
            }
            // So it is after a removal that was cut off, too.
            None => context.note(&format!("nothing is followed as {name:?}")),
        }
    }
    Ok(Outcome::Done)
}

fn export(names: &[String], context: &Context) -> Result<Outcome, Failure> {
    let follows = stored(names, &Library::open(&context.library)?)?;
    let file = FollowFile {
        follow: follows.into_iter().map(|(_, follow)| follow).collect(),
    };
    let text = toml::to_string(&file).map_err(|e| Failure::usage(e.to_string()))?;
    write!(terminal::stdout(), "{text}")?;
    Ok(Outcome::Done)
}

/// Reads all of a file, or nothing of it.
fn import(
    path: &Path,
    replace: bool,
    moment: &MomentArgs,
    context: &Context,
) -> Result<Outcome, Failure> {
    let text = read(path)?;
    let file: FollowFile = toml::from_str(&text).map_err(|e| malformed(path, &text, &e))?;
    let library = Library::open(&context.library)?;
    let known = stored(&[], &library)?;
    let key_of = |name: &str| {
        let known = known.iter().find(|(stored, _)| stored.name == name);
        known.map(|(stored, _)| stored.key)
    };
    for (place, follow) in file.follow.iter().enumerate() {
        follow.check()?;
        follow.check_papers(&library)?;
        let is_twice = file.follow[..place]
            .iter()
            .any(|other| other.name == follow.name);
        let is_another = key_of(&follow.name).is_some() && !is_there(follow, &library)?;
        if is_twice || (!replace && is_another) {
            let reason = if is_twice {
                "the file contains it twice"
            } else {
                "a follow of this name exists; --replace changes it"
            };
            return Err(Failure::Akin(Error::BadFollow {
                name: follow.name.clone(),
                reason: reason.to_owned(),
            }));
        }
    }
    drop(library);
    let mut writer = context.writer("akin follow")?;
    let now = moment.now()?.timestamp();
    for follow in &file.follow {
        match key_of(&follow.name) {
            Some(key) => writer.change_follow(key, &follow.name, &follow.definition())?,
            None => writer.add_follow(&follow.name, &follow.definition(), now)?,
        }
    }
    let n = layout::counted(file.follow.len() as u64, "follow");
    context.note(&format!("{n} read"));
    Ok(Outcome::Done)
}

fn read(path: &Path) -> Result<String, Failure> {
    let file = (path.as_os_str() != "-").then_some(path);
    let name = file.unwrap_or(Path::new("stdin"));
    let bytes = reading::whole(file).map_err(Error::read(name))?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("{} is not UTF-8 text", path.display())))
}

fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or_default();
    Failure::Akin(Error::Malformed {
        path: path.to_owned(),
        line: before.matches('\n').count() as u64 + 1,
        reason: error.message().to_owned(),
    })
}

/// The follows of these names, or all, as the library has them.
pub(super) fn named(names: &[String], library: &Library) -> Result<Vec<StoredFollow>, Error> {
    if names.is_empty() {
        library.follows()
    } else {
        names.iter().map(|name| library.follow(name)).collect()
    }
}

/// The follows of these names, or all.
fn stored(names: &[String], library: &Library) -> Result<Vec<(StoredFollow, Follow)>, Error> {
    let whole = |stored: StoredFollow| {
        let follow = Follow::of_stored(&stored)?;
        Ok((stored, follow))
    };
    named(names, library)?.into_iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_is_what_is_imported() {
        let file = FollowFile {
            follow: vec![
                Follow {
                    name: "a \"quoted\" name".to_owned(),
                    query: Some("\"dark matter\" +relic".to_owned()),
                    min_percentile: Some(99.9),
                    ..Follow::default()
                },
                Follow {
                    name: "b".to_owned(),
                    authors: vec!["Erdős".to_owned()],
                    ..Follow::default()
                },
            ],
        };
        let text = toml::to_string(&file).unwrap();
        let again: FollowFile = toml::from_str(&text).unwrap();
        assert_eq!(again.follow, file.follow, "{text}");
    }

    #[test]
    fn a_file_that_is_wrong_says_where() {
        let text = "[[follow]]\nname = \"a\"\nquery = \"x\"\nauthor = \"y\"\n";
        let error = toml::from_str::<FollowFile>(text).unwrap_err();
        let Failure::Akin(error) = malformed(Path::new("f.toml"), text, &error) else {
            panic!("another fault");
        };
        let said = error.to_string();
        assert!(
            said.contains("f.toml, line 4") && said.contains("author"),
            "{said}"
        );
    }
}
