//! Libraries of corpora in the cache folder: what `eval` searches.
//!
//! There is one library per dump, model, size and time of the file ([`akin::eval::build_corpus`]).
//! A file beside it holds the documents' ids and exists only if the library is complete. Those of
//! the same dump at other times are deleted. Anything in the cache folder can be deleted at any
//! time.

use std::path::{Path, PathBuf};

use akin::encoder::Encoder;
use akin::eval::{self, Corpus};
use akin::library::Library;
use akin::{Error, files};

use super::add;
use super::args::ModelArgs;
use super::cache::{root_of, stamp};
use super::context::Context;
use super::fault::Failure;
use super::progress::Bar;

/// A corpus with its library in the cache folder.
pub(super) struct CorpusLibrary {
    pub(super) root: PathBuf,
    pub(super) corpus: Corpus,
    /// The encoder of its space, if it had to be loaded already.
    loaded: Option<Encoder>,
}

impl CorpusLibrary {
    /// The encoder of the library, which is the one in this folder.
    pub(super) fn take_encoder(
        &mut self,
        library: &Library,
        context: &Context,
    ) -> Result<Encoder, Failure> {
        let loaded = self.loaded.take();
        loaded.map_or_else(|| context.load_for(library), Ok)
    }
}

/// A corpus with its library, made first if need be.
pub(super) fn corpus_of(
    dump: &Path,
    model: &ModelArgs,
    context: &Context,
) -> Result<CorpusLibrary, Failure> {
    let origin = context.as_set(&model.origin(&context.hub)?);
    let whole = dump.canonicalize().map_err(Error::read(dump))?;
    let (meta, stamp) = stamp(dump)?;
    if meta.is_dir() {
        return Err(Error::IsFolder {
            path: dump.to_owned(),
        }
        .into());
    }
    let of_dump = root_of("corpora", &[whole], &origin)?;
    let hash = blake3::hash(stamp.as_bytes()).to_hex();
    let root = of_dump.with_added_extension(&hash[..16]);
    let ids_path = root.with_added_extension("ids.json");
    if let Some(corpus) = whole_corpus(&root, &ids_path) {
        return Ok(CorpusLibrary {
            root,
            corpus,
            loaded: None,
        });
    }
    if ids_path.exists() || (root.exists() && Library::open(&root).is_err()) {
        // It was complete and is damaged, or its creation was interrupted.
        forget(&ids_path);
        forget(&root);
    }
    let encoder = context.load(&origin)?;
    let bar = Bar::stoppable(context);
    let model = (&encoder, &origin);
    let options = context.index_options();
    let (corpus, report) = eval::build_corpus(&root, dump, model, &options, &bar)?;
    add::complain(&report, add::n_shown(context), context);
    let ids = serde_json::to_vec(corpus.ids()).map_err(|e| Failure::usage(e.to_string()))?;
    files::replace(&ids_path, &ids).map_err(Error::write(&ids_path))?;
    forget_others(&of_dump, &root);
    Ok(CorpusLibrary {
        root,
        corpus,
        loaded: Some(encoder),
    })
}

/// A corpus whose library was built to its end.
fn whole_corpus(root: &Path, ids_path: &Path) -> Option<Corpus> {
    let ids: Vec<String> = serde_json::from_slice(&std::fs::read(ids_path).ok()?).ok()?;
    let n_rows = Library::open(root).ok()?.rows().ok()?.len();
    (n_rows == ids.len()).then(|| Corpus::new(ids))
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

/// Deletes what can be rebuilt; if it cannot be deleted, it stays.
fn forget(path: &Path) {
    let _ = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
}
