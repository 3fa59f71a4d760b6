//! Libraries of dumps in the cache folder: what `--in DUMP` and `eval` search.
//!
//! For `--in`, one library a dump and model, found by the dump's whole path. It mirrors the dump: when
//! the file has changed since (its size or its time), what is new is embedded and what is gone is
//! forgotten.
//!
//! For `eval`, one library a dump, model, size and time of the file ([`akin::eval::build_corpus`]), with
//! the documents' ids in a file beside it, which is there when the library is whole. Those of the same
//! dump at other times are deleted.
//!
//! Anything in the cache folder can be deleted at any time.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use akin::Error;
use akin::dump::Source;
use akin::encoder::Encoder;
use akin::eval::{self, Corpus};
use akin::files;
use akin::ingest::{self, IngestOptions};
use akin::library::{Library, Writer};
use akin::space::Origin;

use super::add;
use super::args::ModelArgs;
use super::context::Context;
use super::fault::Fault;
use super::progress::Bar;

/// A dump's library in the cache folder, up to date.
pub(super) struct Cached {
    pub(super) root: PathBuf,
    /// The encoder of its space, if it had to be loaded already.
    loaded: Option<Encoder>,
}

impl Cached {
    /// The encoder of the library, which is the one in this folder.
    pub(super) fn encoder(self, library: &Library, context: &Context) -> Result<Encoder, Fault> {
        self.loaded.map_or_else(|| context.load_for(library), Ok)
    }
}

/// The library of a dump, made or brought up to date first if need be.
pub(super) fn library_of(
    dump: &Path,
    model: &ModelArgs,
    context: &Context,
) -> Result<Cached, Fault> {
    let origin = model.origin(&context.hub)?;
    if dump == Path::new("-") {
        return Err(Fault::usage(
            "--in wants a file; `akin add -` reads a dump from stdin into a library",
        ));
    }
    let (_, stamp) = stamp(dump)?;
    let whole = dump.canonicalize().map_err(Error::read(dump))?;
    let root = root_of("dumps", &whole, &origin)?;
    let stamp_path = root.with_extension("stamp");
    let is_current = std::fs::read_to_string(&stamp_path).is_ok_and(|old| old == stamp);
    if is_current && Library::open(&root).is_ok_and(|library| library.space().is_some()) {
        return Ok(Cached { root, loaded: None });
    }
    let loaded = context.load(&origin)?;
    mirror(dump, &root, &origin, &loaded, context)?;
    std::fs::write(&stamp_path, stamp).map_err(Error::write(&stamp_path))?;
    Ok(Cached {
        root,
        loaded: Some(loaded),
    })
}

/// A corpus with its library in the cache folder, made first if need be.
pub(super) fn corpus_of(
    dump: &Path,
    model: &ModelArgs,
    context: &Context,
) -> Result<(Cached, Corpus), Fault> {
    let origin = model.origin(&context.hub)?;
    let whole = dump.canonicalize().map_err(Error::read(dump))?;
    let (meta, stamp) = stamp(dump)?;
    if meta.is_dir() {
        return Err(Error::IsFolder {
            path: dump.to_owned(),
        }
        .into());
    }
    let of_dump = root_of("corpora", &whole, &origin)?;
    let hash = blake3::hash(stamp.as_bytes()).to_hex();
    let root = of_dump.with_added_extension(&hash[..16]);
    let ids_path = root.with_added_extension("ids.json");
    if let Some(corpus) = whole_corpus(&root, &ids_path) {
        return Ok((Cached { root, loaded: None }, corpus));
    }
    if ids_path.exists() || (root.exists() && Library::open(&root).is_err()) {
        // It was whole and is not, or never came to be a library.
        forget(&ids_path);
        forget(&root);
    }
    let encoder = context.load(&origin)?;
    let bar = Bar::stoppable(context);
    let model = (&encoder, &origin);
    let options = context.index_options();
    let (corpus, report) = eval::build_corpus(&root, dump, model, &options, &bar)?;
    add::complain(&report, add::n_shown(context), context);
    let ids = serde_json::to_vec(corpus.ids()).map_err(|e| Fault::usage(e.to_string()))?;
    files::replace(&ids_path, &ids).map_err(Error::write(&ids_path))?;
    forget_others(&of_dump, &root);
    let loaded = Some(encoder);
    Ok((Cached { root, loaded }, corpus))
}

/// A corpus whose library was built to its end.
fn whole_corpus(root: &Path, ids_path: &Path) -> Option<Corpus> {
    let ids: Vec<String> = serde_json::from_slice(&std::fs::read(ids_path).ok()?).ok()?;
    let n_rows = Library::open(root).ok()?.rows().ok()?.len();
    (n_rows == ids.len()).then(|| Corpus::of(ids))
}

/// Deletes the corpora of the same dump as it was at other times.
fn forget_others(of_dump: &Path, root: &Path) {
    let beside = of_dump.parent().map(std::fs::read_dir);
    let (Some(Ok(beside)), Some(name)) = (beside, of_dump.file_name()) else {
        return;
    };
    let name = name.to_string_lossy();
    let kept = root.file_name().unwrap_or_default().to_string_lossy();
    for path in beside.flatten().map(|entry| entry.path()) {
        let other = path.file_name().unwrap_or_default().to_string_lossy();
        if other.starts_with(&format!("{name}.")) && !other.starts_with(&*kept) {
            forget(&path);
        }
    }
}

/// Deletes what can be made again; where it cannot be deleted, it stays.
fn forget(path: &Path) {
    let _ = match path.is_dir() {
        true => std::fs::remove_dir_all(path),
        false => std::fs::remove_file(path),
    };
}

/// What a dump is like, and a text that is another one once it has changed.
fn stamp(dump: &Path) -> Result<(Metadata, String), Fault> {
    let meta = dump.metadata().map_err(Error::read(dump))?;
    let modified = meta.modified().map_err(Error::read(dump))?;
    let stamp = format!("{} {} {modified:?}", env!("CARGO_PKG_VERSION"), meta.len());
    Ok((meta, stamp))
}

/// Where the libraries of a dump are kept that are of this kind.
fn root_of(kind: &str, dump: &Path, origin: &Origin) -> Result<PathBuf, Fault> {
    let what = serde_json::to_string(&(dump, origin)).map_err(|e| Fault::usage(e.to_string()))?;
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

/// Makes the library of a dump hold what the dump holds.
fn mirror(
    dump: &Path,
    root: &Path,
    origin: &Origin,
    encoder: &Encoder,
    context: &Context,
) -> Result<(), Fault> {
    let bar = Bar::stoppable(context);
    let mut writer = Writer::open_or_create(root, "akin search --in")?;
    let options = IngestOptions {
        mirror: true,
        index: context.index_options(),
        ..IngestOptions::default()
    };
    let sources = [Source::from_arg(dump)];
    let mut report = ingest::run(&mut writer, encoder, origin, &sources, &options, &bar)?;
    if report.stopped {
        return Err(Error::Interrupted.into());
    }
    if let Some((_, error)) = report.failed.pop() {
        return Err(error.into());
    }
    add::complain(&report, add::n_shown(context), context);
    Ok(())
}
