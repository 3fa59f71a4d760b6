//! Libraries of dumps in the cache folder: what `--in DUMP` and `eval` search.
//!
//! One library a dump and model, found by the dump's whole path. It mirrors the dump: when the
//! file has changed since (its size or its time), what is new is embedded and what is gone is
//! forgotten. Anything in the cache folder can be deleted at any time.

use std::path::{Path, PathBuf};

use akin::Error;
use akin::dump::Source;
use akin::encoder::Encoder;
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
    let meta = dump.metadata().map_err(Error::read(dump))?;
    let whole = dump.canonicalize().map_err(Error::read(dump))?;
    let root = root_of(&whole, &origin)?;
    let modified = meta.modified().map_err(Error::read(dump))?;
    let stamp = format!("{} {} {modified:?}", env!("CARGO_PKG_VERSION"), meta.len());
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

/// Where the library of a dump is kept.
fn root_of(dump: &Path, origin: &Origin) -> Result<PathBuf, Fault> {
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
    Ok(Context::cache_dir()?.join("dumps").join(name))
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
