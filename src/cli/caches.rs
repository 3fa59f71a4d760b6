//! `akin cache`: what the cache folder keeps, and giving it back.
//!
//! ```text
//! CACHE/
//!   dumps/NAME/      a library of a dump that `--in` searches (`cache.rs`)
//!   corpora/NAME/    a library of a dump that `eval` measures (`corpora.rs`)
//!   …/NAME.dump      which dumps it is of, with a NUL between them; written at every use
//! ```
//!
//! Invariants: all that is deleted can be made again from its dump. A library is deleted under its
//! lock, so never while it is written. Who is asking it has its files open, and keeps them.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use akin::Error;
use akin::library::{Library, Writer};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::context::Context;
use super::dates::{self, DateArg};
use super::fault::Failure;
use super::layout::{self, bytes, count, counted};
use super::outcome::Outcome;
use super::{moment, terminal};

/// The folders of caches, and what uses each.
const KINDS: [(&str, &str); 2] = [("dumps", "search"), ("corpora", "eval")];

/// Dumps that `check` names.
const DUMPS_NAMED: usize = 3;

/// List and clean what is kept of dumps that --in searched
///
/// Dumps that `eval` measured are kept too. A cache holds the embeddings of a dump. It is made again when the dump is asked the next time.
#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// List the caches with their dumps, their sizes and the days of their last use
    List,
    /// Delete caches: those whose dump is gone, or those that are named
    Clean {
        /// Delete the caches of these dumps
        #[arg(value_name = "DUMP", conflicts_with_all = ["all", "older_than"])]
        dumps: Vec<PathBuf>,
        /// Delete those that were last used before this day: 30d, "3 months", 2026-10
        #[arg(long, value_name = "DATE", value_parser = dates::date, conflicts_with = "all")]
        older_than: Option<DateArg>,
        /// Delete all caches
        #[arg(long)]
        all: bool,
        /// Say what would be deleted, and delete nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// One cache.
pub(super) struct DumpCache {
    /// What uses it: `search` or `eval`.
    used_by: &'static str,
    root: PathBuf,
    /// The paths of its dumps; none if they were not noted.
    dumps: Vec<PathBuf>,
    bytes: u64,
    used: Option<SystemTime>,
}

impl DumpCache {
    /// Whether one of its dumps is no longer there.
    fn is_orphan(&self) -> bool {
        self.dumps.is_empty() || self.dumps.iter().any(|dump| !dump.exists())
    }

    fn name(&self) -> String {
        if self.dumps.is_empty() {
            return format!("{} (of a dump that was not noted)", self.root.display());
        }
        let names: Vec<String> = self.dumps.iter().map(|d| d.display().to_string()).collect();
        let gone = if self.is_orphan() { " (gone)" } else { "" };
        format!("{}{gone}", names.join(", "))
    }

    fn last_day(&self) -> Option<Date> {
        let used = Timestamp::try_from(self.used?).ok()?;
        Some(used.to_zoned(TimeZone::system()).date())
    }

    fn n_papers(&self) -> Option<u64> {
        let library = Library::open(&self.root).ok()?;
        Some(library.status().ok()?.n_papers)
    }
}

/// Notes which dumps a cache is of, and that it is used. A cache without a note is as good.
pub(super) fn note_use(root: &Path, dumps: &[impl AsRef<Path>]) {
    let whole = dumps.iter().map(|dump| dump.as_ref().canonicalize());
    if let Ok(whole) = whole.collect::<io::Result<Vec<PathBuf>>>() {
        let bytes = whole.iter().map(|dump| dump.as_os_str().as_encoded_bytes());
        let _ = fs::write(note_of(root), bytes.collect::<Vec<_>>().join(&0));
    }
}

fn note_of(root: &Path) -> PathBuf {
    root.with_added_extension("dump")
}

pub(super) fn run(args: &CacheArgs, context: &Context) -> Result<Outcome, Failure> {
    match &args.command {
        CacheCommand::List => list(context),
        CacheCommand::Clean {
            dumps,
            older_than,
            all,
            dry_run,
        } => {
            let before = older_than.as_ref();
            let before = before.map(|date| date.days(moment::today_here()).first);
            let mut caches = found()?;
            if dumps.is_empty() {
                caches.retain(|cache| match before {
                    Some(before) => cache.last_day().is_none_or(|used| used < before),
                    None => *all || cache.is_orphan(),
                });
            } else {
                caches = of_dumps(caches, dumps)?;
            }
            clean(&caches, *dry_run, context)
        }
    }
}

/// Every cache, by the names of their folders.
pub(super) fn found() -> Result<Vec<DumpCache>, Failure> {
    let mut caches = Vec::new();
    for (folder, used_by) in KINDS {
        let folder = Context::cache_dir()?.join(folder);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::read(&folder)(error).into()),
        };
        for entry in entries {
            let root = entry.map_err(Error::read(&folder))?.path();
            if root.is_dir() {
                caches.push(DumpCache::new(root, used_by));
            }
        }
    }
    caches.sort_by(|a, b| a.root.cmp(&b.root));
    Ok(caches)
}

impl DumpCache {
    fn new(root: PathBuf, used_by: &'static str) -> DumpCache {
        let note = note_of(&root);
        let written = fs::read_to_string(&note).ok();
        let modified = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
        DumpCache {
            used_by,
            dumps: written
                .map(|paths| paths.split('\0').map(PathBuf::from).collect())
                .unwrap_or_default(),
            bytes: size(&root),
            used: modified(&note).or_else(|| modified(&root)),
            root,
        }
    }
}

/// Bytes of all files in a folder; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of_entry = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.map(of_entry).sum()
}

fn list(context: &Context) -> Result<Outcome, Failure> {
    let caches = found()?;
    let mut out = terminal::stdout();
    for cache in &caches {
        let (n_papers, used) = (cache.n_papers(), cache.last_day());
        if context.json {
            let json = json!({
                "dumps": cache.dumps,
                "is_gone": cache.is_orphan(),
                "used_by": cache.used_by,
                "papers": n_papers,
                "bytes": cache.bytes,
                "used": used.map(|day| day.to_string()),
                "folder": cache.root,
            });
            layout::json_line(&mut out, &json)?;
            continue;
        }
        let papers = n_papers.map_or_else(|| "cannot be read".to_owned(), |n| counted(n, "paper"));
        let used = used.map(|day| day.to_string()).unwrap_or_default();
        let size = bytes(cache.bytes);
        let by = cache.used_by;
        writeln!(
            out,
            "{by:<6}  {used:<10}  {size:>8}  {papers:>12}  {}",
            cache.name()
        )?;
    }
    out.flush()?;
    let total = caches.iter().map(|cache| cache.bytes).sum();
    let folder = Context::cache_dir()?;
    context.note(&format!(
        "{} of {} in {}",
        counted(caches.len() as u64, "cache"),
        bytes(total),
        folder.display()
    ));
    Ok(Outcome::Done)
}

/// The caches of the dumps that are named, each of which has one.
fn of_dumps(caches: Vec<DumpCache>, dumps: &[PathBuf]) -> Result<Vec<DumpCache>, Failure> {
    let whole = |dump: &PathBuf| {
        let absolute = || std::path::absolute(dump).unwrap_or_else(|_| dump.clone());
        dump.canonicalize().unwrap_or_else(|_| absolute())
    };
    let named: Vec<PathBuf> = dumps.iter().map(whole).collect();
    for (dump, typed) in named.iter().zip(dumps) {
        if !caches.iter().any(|cache| cache.dumps.contains(dump)) {
            return Err(Failure::usage(format!(
                "there is no cache of {}; `akin cache list` names them",
                typed.display()
            )));
        }
    }
    let is_named = |cache: &DumpCache| cache.dumps.iter().any(|dump| named.contains(dump));
    Ok(caches.into_iter().filter(is_named).collect())
}

fn clean(caches: &[DumpCache], is_dry: bool, context: &Context) -> Result<Outcome, Failure> {
    let mut out = terminal::stdout();
    let (mut n_deleted, mut n_bytes, mut n_busy) = (0, 0, 0);
    for cache in caches {
        if !is_dry && !delete(cache)? {
            n_busy += 1;
            context.note(&format!(
                "another akin is writing to the cache of {}",
                cache.name()
            ));
            continue;
        }
        n_deleted += 1;
        n_bytes += cache.bytes;
        if context.json {
            let json = json!({ "deleted": cache.root, "dumps": cache.dumps, "bytes": cache.bytes });
            layout::json_line(&mut out, &json)?;
        } else {
            let verb = if is_dry { "would delete" } else { "deleted" };
            writeln!(out, "{verb} {} ({})", cache.name(), bytes(cache.bytes))?;
        }
    }
    out.flush()?;
    context.note(&match (n_deleted, is_dry) {
        (0, _) if n_busy > 0 => "nothing was deleted".to_owned(),
        (0, _) => "there is nothing to delete; --all deletes every cache".to_owned(),
        (n, true) => format!(
            "{} of {} would be freed",
            counted(n, "cache"),
            bytes(n_bytes)
        ),
        (n, false) => format!("{} of {} freed", counted(n, "cache"), bytes(n_bytes)),
    });
    Ok(if n_busy > 0 {
        Outcome::Partly
    } else {
        Outcome::Done
    })
}

/// Deletes a cache; returns whether nobody was writing to it.
fn delete(cache: &DumpCache) -> Result<bool, Failure> {
    let root = &cache.root;
    let path = root.with_extension("lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::write(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(Error::write(&path)(error).into()),
    }
    // The library's own lock, for those that know of no other. A damaged library has no writer.
    let writer = Writer::open(root, "akin cache clean");
    if matches!(writer, Err(Error::LibraryBusy { .. })) {
        return Ok(false);
    }
    // What says that it is whole goes first, and the note of its dump last.
    let beside = [
        root.with_extension("stamp"),
        root.with_added_extension("ids.json"),
    ];
    beside.iter().try_for_each(|path| forget(path))?;
    fs::remove_dir_all(root).map_err(Error::write(root))?;
    drop(writer);
    forget(&note_of(root))?;
    // Who waits for the lock meanwhile makes the library again, and is alone in it by its own lock.
    forget(&path)?;
    Ok(true)
}

fn forget(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::write(path)(error).into())
        }
        _ => Ok(()),
    }
}

/// What the caches hold, in a line for `check`; `None` if there are none.
pub(super) fn summary() -> Result<Option<String>, Failure> {
    let caches = found()?;
    if caches.is_empty() {
        return Ok(None);
    }
    let total = caches.iter().map(|cache| cache.bytes).sum();
    let known = caches.iter().flat_map(|cache| &cache.dumps);
    let known = known.filter_map(|dump| dump.file_name());
    let mut names: Vec<String> = known
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.dedup();
    let n_more = names.len().saturating_sub(DUMPS_NAMED);
    names.truncate(DUMPS_NAMED);
    if n_more > 0 {
        names.push(format!("{} more", count(n_more as u64)));
    }
    let of = if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    };
    let n = caches.len() as u64;
    let mut said = format!("{} of dumps{of}: {}", count(n), bytes(total));
    let n_gone = caches.iter().filter(|cache| cache.is_orphan()).count();
    if n_gone > 0 {
        let gone = count(n_gone as u64);
        said += &format!("; the dumps of {gone} are gone, `akin cache clean` deletes these");
    }
    Ok(Some(said))
}
