//! What every command works with: where things are, how to print, whether to stop.
//!
//! In: the settings in effect (`settings.rs`). Out: libraries and models, opened.

use std::path::{Path, PathBuf};

use akin::encoder::hub::Hub;
use akin::encoder::{CrossEncoder, DeviceChoice, Encoder, Precision};
use akin::index::IndexOptions;
use akin::ingest;
use akin::library::{Library, LostCommits, Writer};
use akin::search::{Coverage, OpenLibrary};
use akin::space::{self, Origin};
use etcetera::BaseStrategy;

use super::args::RerankArgs;
use super::config_file::MailConfig;
use super::fault::Failure;
use super::settings::Settings;
use super::{folders, hub, layout, terminal};

/// What becomes of papers without an embedding in a search.
pub(super) const FOUND_BY_WORDS: &str = "are found by their words";

/// What becomes of them where words do not help.
pub(super) const LEFT_OUT: &str = "take no part";

/// The settings in effect.
#[derive(Debug)]
pub(super) struct Context {
    /// The library's folder.
    pub(super) library: PathBuf,
    /// Number of threads, if it was set.
    pub(super) threads: Option<usize>,
    /// Numbers to compute the model with, if they were set.
    pub(super) precision: Option<Precision>,
    /// What to compute the model on.
    pub(super) device: DeviceChoice,
    /// Whether output is for programs.
    pub(super) json: bool,
    /// Whether stderr stays silent except for errors.
    pub(super) quiet: bool,
    /// Whether stderr is to say more.
    pub(super) verbose: bool,
    /// How mail is sent, if it was set.
    pub(super) mail: Option<MailConfig>,
    /// Whether the network may not be used.
    pub(super) offline: bool,
    /// The hub of models, and its cache.
    pub(super) hub: Hub,
}

impl Context {
    /// What commands work with under these settings.
    pub(super) fn new(settings: &Settings) -> Result<Context, Failure> {
        let offline = settings.offline.value;
        Ok(Context {
            library: settings.library.value.clone(),
            threads: settings.threads.value,
            precision: settings.precision.value.map(Precision::from),
            device: settings.device.value.into(),
            json: settings.json.value,
            quiet: settings.quiet.value,
            verbose: settings.verbose.value > 0,
            mail: settings.mail(),
            offline,
            hub: hub::configured(folders::base()?.home_dir(), offline),
        })
    }

    /// The source of the hub's access token, if there is one.
    pub(super) fn hub_token(&self, file: Option<&Path>) -> Result<Option<String>, Failure> {
        hub::token(file, folders::base()?.home_dir())
    }

    /// Fails if the network may not be used, which `what` would need.
    pub(super) fn ensure_online(&self, what: &str) -> Result<(), Failure> {
        if self.offline {
            Err(Failure::usage(format!(
                "{what} uses the network, and --offline forbids that"
            )))
        } else {
            Ok(())
        }
    }

    /// The folder for files that can be rebuilt.
    pub(super) fn cache_dir() -> Result<PathBuf, Failure> {
        Ok(folders::base()?.cache_dir().join("akin"))
    }

    /// Opens the library for reading, and warns of what is lost or in use by others.
    pub(super) fn library(&self) -> Result<Library, Failure> {
        let library = Library::open(&self.library)?;
        if library.space().is_some()
            && let Err(doubt) = library.rows()
        {
            self.note(&format!("{doubt}; `akin check` says more"));
        }
        self.note_losses(library.lost_commits());
        Ok(library)
    }

    /// Opens a library with its indexes, and warns of those that cannot be used. `otherwise` says
    /// what becomes of papers that are not embedded yet.
    pub(super) fn open(&self, root: &Path, otherwise: &str) -> Result<OpenLibrary, Failure> {
        let opened = OpenLibrary::open(root)?;
        let coverage = opened.coverage()?;
        self.note_coverage(coverage, otherwise);
        for doubt in opened.index.doubts() {
            self.note(&format!(
                "{doubt}; it is not used until the next add rebuilds it"
            ));
        }
        self.note_losses(opened.library.lost_commits());
        if let Ok(lexical) = &opened.lexical
            && !ingest::has_all_words(&opened.library, lexical)?
        {
            self.note(
                "papers added or changed last are not found by their words until the next \
                 add or `akin check --repair`",
            );
        }
        if opened.index.lacks_background() && coverage.is_whole() {
            self.note("hits have no percentile until the next add or `akin check --repair`");
        }
        Ok(opened)
    }

    /// Warns of papers that are not embedded yet.
    pub(super) fn note_coverage(&self, coverage: Coverage, otherwise: &str) {
        if coverage.is_whole() {
            return;
        }
        let which = if coverage.n_embedded == 0 {
            "they"
        } else {
            "the others"
        };
        self.note(&format!(
            "{} are embedded; {which} {otherwise} until `akin embed-missing` embeds them",
            layout::share(coverage.n_embedded, coverage.n_papers)
        ));
    }

    /// Opens the library for writing, and warns of what it has lost. `holder` is the command, for
    /// others.
    pub(super) fn writer(&self, holder: &str) -> Result<Writer, Failure> {
        let writer = Writer::open(&self.library, holder)?;
        self.note_losses(writer.lost_commits());
        Ok(writer)
    }

    /// The same, but creates the library if there is none.
    pub(super) fn writer_of_any(&self, holder: &str) -> Result<Writer, Failure> {
        let writer = Writer::open_or_create(&self.library, holder)?;
        self.note_losses(writer.lost_commits());
        Ok(writer)
    }

    /// Warns of commits that are no longer there.
    fn note_losses(&self, lost: Option<LostCommits>) {
        if let Some(LostCommits::Rows(n)) = lost {
            self.note(&format!(
                "papers.db has lost the last {n} papers that were stored, or their embeddings: add their dumps again; `akin check` says more"
            ));
        }
    }

    /// How an index is built.
    pub(super) fn index_options(&self) -> IndexOptions {
        IndexOptions {
            threads: self.threads.unwrap_or(0),
            ..IndexOptions::default()
        }
    }

    /// Loads a model, and reports the device.
    pub(super) fn load(&self, origin: &Origin) -> Result<Encoder, Failure> {
        let origin = self.as_set(origin);
        let encoder = origin.load(self.threads, self.device)?;
        let may_have_gpu = cfg!(any(feature = "cuda", feature = "metal"));
        if let (true, Some(reason)) = (may_have_gpu, encoder.refused_by_gpu()) {
            self.note(&format!("computing on the CPU: {reason}"));
        }
        if let Some(other) = encoder.other_similarity() {
            let model = &encoder.recipe().model;
            self.note(&format!(
                "{model} is made for {other} similarity; akin compares by cosine similarity"
            ));
        }
        if self.verbose {
            self.note(&format!("computing with {}", encoder.describe_arithmetic()));
        }
        Ok(encoder)
    }

    /// A model at its present place, with the precision that was set.
    pub(super) fn as_set(&self, origin: &Origin) -> Origin {
        let at_hand = hub::at_hand(origin, &self.hub);
        Origin {
            precision: self.precision.unwrap_or(at_hand.precision),
            ..at_hand
        }
    }

    /// Loads the cross-encoder that reorders hits, if one is requested.
    pub(super) fn load_reranker(&self, args: &RerankArgs) -> Result<Option<CrossEncoder>, Failure> {
        let Some(model) = &args.reranker else {
            return Ok(None);
        };
        let source = hub::source(model, &self.hub)?;
        Ok(Some(CrossEncoder::load(&source, self.threads)?))
    }

    /// Loads the model of the space that a writer fills; `None` if there is none yet.
    pub(super) fn model_of(&self, writer: &Writer) -> Result<Option<(Encoder, Origin)>, Failure> {
        let Some(space) = writer.space() else {
            return Ok(None);
        };
        let origin = Origin::from_space(space)?;
        Ok(Some((self.load(&origin)?, origin)))
    }

    /// Loads the model that a library's embeddings were made with.
    pub(super) fn load_for(&self, library: &Library) -> Result<Encoder, Failure> {
        let encoder = self.load(&space::origin_of(library)?)?;
        space::ensure_same(library, &encoder)?;
        Ok(encoder)
    }

    /// Prints a note on stderr, unless --quiet is set.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            terminal::note(text);
        }
    }
}
