//! Libraries of dumps in the cache folder: what `--in DUMP` searches.
//!
//! One library a dump and model, found by the dump's whole path. It mirrors the dump: when the file
//! changes (its size or its time), new papers are embedded and missing ones are deleted. Anything
//! in the cache folder can be deleted at any time.
//!
//! Invariants: a stamp says that the library holds all of the dump. A truncated dump gets none: it
//! is read again for every question, and every answer says so. What is written here is written
//! under a lock that others wait for. A damaged library is rebuilt.

use std::cell::Cell;
use std::fs::{File, Metadata, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use akin::Error;
use akin::dump::Source;
use akin::encoder::Encoder;
use akin::ingest::{self, IngestOptions, IngestReport};
use akin::library::Writer;
use akin::progress::Observer;
use akin::search::OpenLibrary;
use akin::space::Origin;

use super::args::ModelArgs;
use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::progress::Bar;
use super::{add, caches};

/// How often to check whether another process has finished.
const WAIT: Duration = Duration::from_millis(50);

/// A dump's library in the cache folder, up to date.
pub(super) struct Cached {
    pub(super) opened: OpenLibrary,
    /// The encoder of its space, if it had to be loaded already.
    loaded: Option<Encoder>,
}

impl Cached {
    /// The encoder of the library.
    pub(super) fn take_encoder(&mut self, context: &Context) -> Result<Encoder, Failure> {
        let loaded = self.loaded.take();
        loaded.map_or_else(|| context.load_for(&self.opened.library), Ok)
    }
}

/// Queries the library of a dump. It is created or updated first if need be, and rebuilt if it is
/// damaged. If the dump could not be read to its end, the answer is a failure.
pub(super) fn ask(
    dump: &Path,
    model: &ModelArgs,
    context: &Context,
    question: impl Fn(&mut Cached) -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    if dump == Path::new("-") {
        return Err(Failure::usage(
            "--in needs a file; `akin add -` reads a dump from stdin into a library",
        ));
    }
    let place = CachePlace::new(dump, model.origin(&context.hub)?)?;
    match place.ask(context, &question) {
        Err(Failure::Akin(error)) if place.is_of_damage(&error) => {
            context.note(&format!("rebuilding the cache: {error}"));
            place.discard(context)?;
            place.ask(context, &question)
        }
        outcome => outcome,
    }
}

/// Where the library of a dump is kept, and what it must hold.
struct CachePlace<'a> {
    dump: &'a Path,
    origin: Origin,
    root: PathBuf,
    /// The content of the stamp for a library that holds all of the dump.
    stamp: String,
    /// When the stamp was written of the library that was asked last; another stamp is of another
    /// library.
    stamped_at: Cell<Option<SystemTime>>,
}

impl CachePlace<'_> {
    fn new(dump: &Path, origin: Origin) -> Result<CachePlace<'_>, Failure> {
        let (_, stamp) = stamp(dump)?;
        let whole = dump.canonicalize().map_err(Error::read(dump))?;
        Ok(CachePlace {
            dump,
            root: root_of("dumps", &whole, &origin)?,
            origin,
            stamp,
            stamped_at: Cell::new(None),
        })
    }

    fn ask(
        &self,
        context: &Context,
        question: &impl Fn(&mut Cached) -> Result<Outcome, Failure>,
    ) -> Result<Outcome, Failure> {
        let (mut loaded, mut is_whole) = (None, true);
        self.stamped_at.set(self.stamp_time());
        let mut opened = self.current();
        if opened.is_none() {
            let _lock = self.lock(context)?;
            // Another process may have made it meanwhile.
            opened = self.current();
            if opened.is_none() {
                let encoder = context.load(&self.origin)?;
                is_whole = self.mirror(&encoder, context)?;
                loaded = Some(encoder);
                self.stamped_at.set(self.stamp_time());
            }
        }
        let opened = opened.map_or_else(|| context.open(&self.root), Ok)?;
        caches::note_use(&self.root, self.dump);
        let mut cached = Cached { opened, loaded };
        let outcome = question(&mut cached)?;
        Ok(if is_whole { outcome } else { Outcome::Failed })
    }

    /// The library, if it holds all of the dump as it is now and its indexes can be trusted.
    fn current(&self) -> Option<OpenLibrary> {
        let stamp = std::fs::read_to_string(self.stamp_path()).ok()?;
        let opened = (stamp == self.stamp).then(|| OpenLibrary::open(&self.root));
        let opened = opened?.ok()?;
        (opened.index.doubts().is_empty() && opened.lexical.is_ok()).then_some(opened)
    }

    fn stamp_path(&self) -> PathBuf {
        self.root.with_extension("stamp")
    }

    fn stamp_time(&self) -> Option<SystemTime> {
        self.stamp_path().metadata().ok()?.modified().ok()
    }

    /// Waits until nobody else writes to the library, and locks it.
    fn lock(&self, context: &Context) -> Result<File, Failure> {
        let path = self.root.with_extension("lock");
        let fail = || Error::write(&path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fail())?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(fail())?;
        wait(context, || match file.try_lock() {
            Ok(()) => Some(Ok(())),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => Some(Err(fail()(error))),
        })?;
        Ok(file)
    }

    /// Makes the library hold the dump's papers; returns whether the whole dump could be read. If
    /// not, the embeddings that were stored before stay.
    fn mirror(&self, encoder: &Encoder, context: &Context) -> Result<bool, Failure> {
        let bar = Bar::stoppable(context);
        let holder = "akin search --in";
        let mut writer = patient(context, || Writer::open_or_create(&self.root, holder))?;
        let options = IngestOptions {
            mirror: true,
            index: context.index_options(),
            ..IngestOptions::default()
        };
        let sources = [Source::from_arg(self.dump)];
        let mut report: IngestReport =
            ingest::run(&mut writer, encoder, &self.origin, &sources, &options, &bar)?;
        if report.stopped {
            return Err(Error::Interrupted.into());
        }
        if let Some((_, error)) = report.unused.failed.pop() {
            return Err(error.into());
        }
        add::complain(&report, add::n_shown(context), context);
        let path = self.stamp_path();
        if report.unused.has_unread() {
            // That of an earlier state of the dump may be the same, and is of no use any more.
            remove(&path)?;
            return Ok(false);
        }
        std::fs::write(&path, &self.stamp).map_err(Error::write(&path))?;
        Ok(true)
    }

    /// Whether an error says that the cached library differs from what was written.
    fn is_of_damage(&self, error: &Error) -> bool {
        match error {
            Error::Damaged { path, .. }
            | Error::Read { path, .. }
            | Error::NotALibrary { path }
            | Error::LibraryNewer { path, .. }
            | Error::LibraryOlder { path, .. }
            | Error::LibraryMissing { path }
            | Error::LexicalDoubt { path, .. } => path.starts_with(&self.root),
            Error::Database { path, source } => {
                path.starts_with(&self.root) && !source.to_string().contains("locked")
            }
            // The model's files have changed under their name.
            Error::SpaceMismatch { .. } => true,
            _ => false,
        }
    }

    /// Deletes the library, unless another one has been made since it was asked.
    fn discard(&self, context: &Context) -> Result<(), Failure> {
        let _lock = self.lock(context)?;
        if self.stamp_time() != self.stamped_at.get() {
            return Ok(());
        }
        remove(&self.stamp_path())?;
        if self.root.is_dir() {
            std::fs::remove_dir_all(&self.root)
                .map_err(|error| Error::write(&self.root)(error).into())
        } else {
            remove(&self.root)
        }
    }
}

/// Opens a library for writing once nobody else writes to it.
fn patient(context: &Context, open: impl Fn() -> Result<Writer, Error>) -> Result<Writer, Failure> {
    wait(context, || match open() {
        Err(Error::LibraryBusy { .. }) => None,
        opened => Some(opened),
    })
}

/// Tries until something comes of it, or the user asks to stop.
fn wait<T>(
    context: &Context,
    attempt: impl Fn() -> Option<Result<T, Error>>,
) -> Result<T, Failure> {
    let bar = Bar::stoppable(context);
    let mut is_told = false;
    loop {
        if let Some(outcome) = attempt() {
            return Ok(outcome?);
        }
        if bar.stop_requested() {
            return Err(Error::Interrupted.into());
        }
        if !is_told {
            context.note("another akin is writing to the cache of this dump; waiting");
            is_told = true;
        }
        std::thread::sleep(WAIT);
    }
}

/// What a dump is like, and a text that is another one once it has changed.
pub(super) fn stamp(dump: &Path) -> Result<(Metadata, String), Failure> {
    let meta = dump.metadata().map_err(Error::read(dump))?;
    let modified = meta.modified().map_err(Error::read(dump))?;
    let stamp = format!("{} {} {modified:?}", env!("CARGO_PKG_VERSION"), meta.len());
    Ok((meta, stamp))
}

/// Deletes a file, if it is there.
fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::write(path)(error).into())
        }
        _ => Ok(()),
    }
}

/// Where a library of this kind of a dump is kept.
pub(super) fn root_of(kind: &str, dump: &Path, origin: &Origin) -> Result<PathBuf, Failure> {
    let what = serde_json::to_string(&(dump, origin)).map_err(|e| Failure::usage(e.to_string()))?;
    let hash = blake3::hash(what.as_bytes()).to_hex();
    let stem = dump
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let name = format!(
        "{}-{}",
        stem.unwrap_or_default().replace('.', "-"),
        &hash[..16]
    );
    Ok(Context::cache_dir()?.join(kind).join(name))
}
