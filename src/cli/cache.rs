//! Libraries of dumps in the cache folder: what `--in DUMP` searches.
//!
//! One library for the dumps of a question and a model, found by the dumps' whole paths. It mirrors
//! them: when a file changes (its size or its time), new papers are embedded and missing ones are
//! deleted. Anything in the cache folder can be deleted at any time.
//!
//! Invariants: a stamp says that the library holds all of the dumps, embedded. A truncated dump gets none: it
//! is read again for every question, and every answer says so. What is written here is written
//! under a lock that others wait for. A damaged library is rebuilt.

use std::cell::Cell;
use std::fs::{File, Metadata, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use akin::Error;
use akin::dump::Source;
use akin::encoder::Encoder;
use akin::ingest::{self, IngestOptions};
use akin::library::Writer;
use akin::progress::Observer;
use akin::search::OpenLibrary;
use akin::space::Origin;

use super::args::{self, ModelArgs};
use super::context::{Context, FOUND_BY_WORDS};
use super::fault::Failure;
use super::outcome::Outcome;
use super::progress::Bar;
use super::{add, caches, claim};

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

/// From this number of papers on, embedding them takes a while.
const A_WHILE_PAPERS: usize = 100;

/// Shows a first answer from a library that is not embedded yet.
pub(super) type FirstAnswer<'a> = &'a dyn Fn(&OpenLibrary);

/// Queries the library of dumps. It is created or updated first if need be, and rebuilt if it is
/// damaged; `first` is called before many papers are embedded. If a dump could not be read to its
/// end, the answer is a failure.
pub(super) fn ask(
    dumps: &[PathBuf],
    model: &ModelArgs,
    context: &Context,
    first: FirstAnswer<'_>,
    question: impl Fn(&mut Cached) -> Result<Outcome, Failure>,
) -> Result<Outcome, Failure> {
    if dumps.iter().any(|dump| dump == Path::new("-")) {
        return Err(Failure::usage(
            "--in needs a file; `akin add -` reads a dump from stdin into a library",
        ));
    }
    let place = CachePlace::new(dumps, context.as_set(&model.origin(&context.hub)?))?;
    match place.ask(context, first, &question) {
        Err(Failure::Akin(error)) if place.is_of_damage(&error) => {
            context.note(&format!("rebuilding the cache: {error}"));
            place.discard(context)?;
            place.ask(context, first, &question)
        }
        outcome => outcome,
    }
}

/// Where the library of dumps is kept, and what it must hold.
struct CachePlace<'a> {
    dumps: &'a [PathBuf],
    /// The files and archive members that they consist of.
    sources: Vec<Source>,
    origin: Origin,
    root: PathBuf,
    /// The content of the stamp for a library that holds all of the dumps.
    stamp: String,
    /// When the stamp was written of the library that was asked last; another stamp is of another
    /// library.
    stamped_at: Cell<Option<SystemTime>>,
}

impl CachePlace<'_> {
    fn new(dumps: &[PathBuf], origin: Origin) -> Result<CachePlace<'_>, Failure> {
        let whole = |dump: &PathBuf| dump.canonicalize().map_err(Error::read(dump));
        let whole: Vec<PathBuf> = dumps.iter().map(whole).collect::<Result<_, _>>()?;
        let sources = args::sources(dumps);
        let mut files = claim::files_of(&sources);
        // Members of one archive are beside each other.
        files.dedup();
        let stamps = files.iter().map(|file| Ok(stamp(file)?.1));
        let stamps: Vec<String> = stamps.collect::<Result<_, Failure>>()?;
        Ok(CachePlace {
            dumps,
            sources,
            root: root_of("dumps", &whole, &origin)?,
            origin,
            stamp: stamps.join("\n"),
            stamped_at: Cell::new(None),
        })
    }

    fn ask(
        &self,
        context: &Context,
        first: FirstAnswer<'_>,
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
                let (encoder, whole) = self.mirror(first, context)?;
                (loaded, is_whole) = (Some(encoder), whole);
                self.stamped_at.set(self.stamp_time());
            }
        }
        let opened = opened.map_or_else(|| context.open(&self.root, FOUND_BY_WORDS), Ok)?;
        caches::note_use(&self.root, self.dumps);
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

    /// Makes the library hold the dumps' papers, embedded; returns the encoder, and whether the
    /// dumps could be read to their ends. If not, what was stored before stays.
    fn mirror(
        &self,
        first: FirstAnswer<'_>,
        context: &Context,
    ) -> Result<(Encoder, bool), Failure> {
        let bar = Bar::stoppable(context);
        let holder = "akin search --in";
        let mut writer = patient(context, || Writer::open_or_create(&self.root, holder))?;
        let options = IngestOptions {
            mirror: true,
            index: context.index_options(),
            ..IngestOptions::default()
        };
        let mut report = ingest::store(&mut writer, &self.sources, &options, &bar)?;
        if report.stopped {
            return Err(Error::Interrupted.into());
        }
        if let Some((_, error)) = report.unused.failed.pop() {
            self.leave_nothing(writer);
            return Err(error.into());
        }
        let n_missing = writer.unembedded()?.len();
        match OpenLibrary::open(&self.root) {
            Err(Error::LibraryEmpty { .. }) => {
                self.leave_nothing(writer);
                add::complain(&report, add::n_shown(context), context);
                return Err(self.without_papers().into());
            }
            opened if n_missing >= A_WHILE_PAPERS => first(&opened?),
            opened => drop(opened?),
        }
        let origin = self.origin_of(&writer)?;
        let encoder = context.load(&origin)?;
        let index = &options.index;
        ingest::embed_stored(&mut writer, &encoder, &origin, index, &mut report, &bar)?;
        if report.stopped {
            return Err(Error::Interrupted.into());
        }
        add::complain(&report, add::n_shown(context), context);
        let path = self.stamp_path();
        if report.unused.has_unread() {
            // That of an earlier state of the dump may be the same, and is of no use any more.
            remove(&path)?;
            return Ok((encoder, false));
        }
        std::fs::write(&path, &self.stamp).map_err(Error::write(&path))?;
        Ok((encoder, true))
    }

    /// Deletes a library without papers, which would be of no use. Its lock is held.
    fn leave_nothing(&self, writer: Writer) {
        drop(writer);
        if let Err(Error::LibraryEmpty { .. }) = OpenLibrary::open(&self.root) {
            // It is in the cache: what cannot be deleted now is deleted with it.
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }

    /// The model with the precision that the library was embedded with, if it was.
    fn origin_of(&self, writer: &Writer) -> Result<Origin, Failure> {
        let remembered = writer.space().map(Origin::from_space).transpose()?;
        Ok(Origin {
            precision: remembered.map_or(self.origin.precision, |origin| origin.precision),
            ..self.origin.clone()
        })
    }

    /// Says that the dumps hold no papers.
    fn without_papers(&self) -> Error {
        let names = self.dumps.iter().map(|dump| dump.display().to_string());
        Error::NoRecords {
            path: names.collect::<Vec<_>>().join(", ").into(),
            reason: "nothing there is a paper".to_owned(),
        }
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

/// Where a library of this kind of these dumps is kept.
pub(super) fn root_of(kind: &str, dumps: &[PathBuf], origin: &Origin) -> Result<PathBuf, Failure> {
    let what =
        serde_json::to_string(&(dumps, origin)).map_err(|e| Failure::usage(e.to_string()))?;
    let hash = blake3::hash(what.as_bytes()).to_hex();
    let stem = dumps
        .first()
        .and_then(|dump| dump.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned());
    let name = format!(
        "{}-{}",
        stem.unwrap_or_default().replace('.', "-"),
        &hash[..16]
    );
    Ok(Context::cache_dir()?.join(kind).join(name))
}
