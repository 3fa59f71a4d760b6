//! `akin add`: read, store, index and embed what is new or changed.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use akin::Error;
use akin::dump::{ReadOptions, Rejected, Source};
use akin::encoder::Encoder;
use akin::ingest::{self, Decision, IngestOptions, IngestReport, TakenVectors, Unused, VectorFile};
use akin::library::{Library, REJECTED_FILE, Writer};
use akin::space::Origin;
use clap::Args;
use serde_json::{Map, Value, json};

use super::args::{self, ModelArgs};
use super::claim::{self, Claim, OutputKind};
use super::context::Context;
use super::fault::{self, Failure};
use super::layout::{self, count};
use super::outcome::Outcome;
use super::progress::Bar;
use super::rejections::Rejections;
use super::terminal::{self, one_line};
use super::undo;

/// Rejections shown; the rest are counted.
const REJECTIONS_SHOWN: usize = 10;

/// Add papers from dumps to the library
///
/// What is new or changed is read, stored, indexed and embedded. All papers are found by their words as
/// soon as the dumps are read. Then they are embedded, the newest first; `akin search` answers
/// meanwhile. Formats are recognised from content: `akin help formats` lists them. A dump may be
/// compressed, in a .zip, or in a folder. What is already in the library is not embedded again, so an
/// interrupted run can be repeated. Records of one work become one paper.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Dump files, folders of them, .zip archives; - is stdin
    #[arg(required_unless_present = "vectors", value_name = "DUMP")]
    dumps: Vec<PathBuf>,
    /// Embed nothing: papers are found by their words until `akin embed-missing` or another add
    /// embeds them
    #[arg(long)]
    words_only: bool,
    /// Take embeddings from this file instead of computing them: what `akin embed` wrote elsewhere
    /// with the same model
    ///
    /// The file is .npy with its .ids.txt, Parquet, an Arrow stream or JSON Lines. A sample of the
    /// papers is embedded here and compared; a file of another model is refused. Papers that are in
    /// no such file are embedded as usual. Without a dump, the embeddings are of papers that are in
    /// the library already.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    vectors: Vec<PathBuf>,
    /// Take the dumps for this format instead of telling it from their content; --format is the
    /// same
    #[arg(long, alias = "format", value_name = "FORMAT", value_parser = args::dump_format())]
    dump_format: Option<String>,
    #[command(flatten)]
    columns: args::ColumnArgs,
    /// The year of the day on a saved page that gives none ("Aug 6"): the day its papers were listed
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1900..=2999))]
    year: Option<i16>,
    /// Name the collection that the records belong to [default: the dump's name, or its feed's]
    ///
    /// Ids of no public registry, such as row numbers and BibTeX keys, belong to their collection.
    /// A record that comes again in one collection replaces the earlier one; records of different
    /// collections are merged.
    #[arg(long, value_name = "NAME", value_parser = args::collection)]
    collection: Option<String>,
    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Say what became of every record, and why
    #[arg(long)]
    explain: bool,
    /// Fail with exit code 2 at the first record that is rejected; what was stored before it stays
    #[arg(long)]
    strict: bool,
    /// Where rejected records are listed [default: rejected.jsonl in the library]
    ///
    /// A list from an earlier run is replaced, or deleted if nothing is rejected; akin recognises
    /// it by its first line. Any other file is refused.
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Let --rejected replace a file that is not a list from akin
    #[arg(long, requires = "rejected")]
    force: bool,
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &AddArgs, context: &Context) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let bar = Bar::stoppable(context);
    let sources = args::sources(&args.dumps);
    ensure_there(&args.dumps, &sources)?;
    if let Some(path) = &args.rejected {
        let claim = Claim {
            kind: OutputKind::Rejections,
            force: args.force,
            inputs: &claim::files_of(&sources),
        };
        claim.check(path, context)?;
    }
    let listed = match (&args.rejected, args.dry_run) {
        (Some(path), _) => Some(path.clone()),
        (None, true) => None,
        (None, false) => Some(context.library.join(REJECTED_FILE)),
    };
    let rejections = Rejections::to(listed, args.rejected.is_none());
    let told = |decision: &Decision| explain(decision, context);
    let on_rejected = |dump: &str, rejected: &Rejected| rejections.note(dump, rejected);
    let options = IngestOptions {
        strict: args.strict,
        read: ReadOptions {
            year: args.year,
            collection: args.collection.clone(),
            ..args.columns.read_options(args.dump_format.as_deref())
        },
        index: context.index_options(),
        on_decision: args.explain.then_some(&told),
        on_rejected: Some(&on_rejected),
        ..IngestOptions::default()
    };
    let (report, n_missing) = if args.dry_run {
        rejections.begin();
        (rehearse(&sources, &options, &bar, context)?, 0)
    } else {
        let mut writer = context.writer_of_any("akin add")?;
        rejections.begin();
        let report = add(args, &mut writer, &sources, &options, &bar, context)?;
        undo::warn_if_unkept(&writer, context)?;
        (report, writer.unembedded()?.len() as u64)
    };
    complain(&report, n_shown(context), context);
    summarise(&report, n_missing, start, args.dry_run, context)?;
    if !sources.is_empty() && report.counts.n_read == 0 && report.unused.failed.is_empty() {
        context.note("the dumps hold no papers");
    }
    if let Some(path) = rejections.finish()? {
        context.note(&format!(
            "rejected records are listed in {}",
            path.display()
        ));
    }
    Ok(outcome(&report))
}

/// Fails if no dump is there: nothing is made for a name that is misspelt.
fn ensure_there(dumps: &[PathBuf], sources: &[Source]) -> Result<(), Failure> {
    let is_stdin = |dump: &PathBuf| dump.as_os_str() == "-";
    let named = dumps.iter().filter(|dump| !is_stdin(dump));
    let missing: Vec<_> = named
        .filter_map(|dump| Some((dump, dump.metadata().err()?)))
        .collect();
    if missing.len() == dumps.len()
        && let Some((dump, error)) = missing.into_iter().next()
    {
        return Err(Error::read(dump)(error).into());
    }
    if let (true, Some(dump)) = (sources.is_empty(), dumps.first()) {
        return Err(Failure::usage(format!(
            "there is no file in {}",
            dump.display()
        )));
    }
    Ok(())
}

/// Stores the papers of dumps, and embeds them unless that is to be left for later.
fn add(
    args: &AddArgs,
    writer: &mut Writer,
    sources: &[Source],
    options: &IngestOptions<'_>,
    bar: &Bar,
    context: &Context,
) -> Result<IngestReport, Failure> {
    if args.words_only && args.vectors.is_empty() {
        return Ok(ingest::store(writer, sources, options, bar)?);
    }
    let files = args.vectors.iter().map(|path| VectorFile::open(path));
    let files: Vec<VectorFile> = files.collect::<Result<_, _>>()?;
    let (encoder, origin) = encoder(writer, &args.model, context)?;
    if files.is_empty() {
        return Ok(ingest::run(
            writer, &encoder, &origin, sources, options, bar,
        )?);
    }
    for file in &files {
        file.ensure_is_of(&encoder)?;
    }
    let mut report = if sources.is_empty() {
        IngestReport::default()
    } else {
        ingest::store(writer, sources, options, bar)?
    };
    for file in &files {
        if !report.stopped {
            let taken = ingest::take_vectors(writer, &encoder, &origin, file, &mut report, bar);
            if taken.is_err() && !sources.is_empty() {
                context.note(&format!(
                    "the dumps are stored, without embeddings: {} read",
                    layout::counted(report.counts.n_read, "record")
                ));
            }
            let taken = taken?;
            tell_of_vectors(file, &taken, context);
        }
    }
    if args.words_only {
        ingest::build_index(writer, &options.index, bar)?;
    } else {
        ingest::embed_stored(writer, &encoder, &origin, &options.index, &mut report, bar)?;
    }
    Ok(report)
}

/// Says what became of the vectors of a file.
fn tell_of_vectors(file: &VectorFile, taken: &TakenVectors, context: &Context) {
    let name = file.path().display();
    context.note(&format!(
        "{name}: {} of {} taken",
        count(taken.n_stored),
        layout::counted(taken.n_read, "vector")
    ));
    if taken.n_known > 0 {
        context.note(&format!(
            "{name}: already embedded: {}",
            layout::counted(taken.n_known, "paper")
        ));
    }
    if taken.n_merged > 0 {
        context.note(&format!(
            "{name}: {} merged from records of other texts, so their vectors are not used",
            layout::counted(taken.n_merged, "paper")
        ));
    }
    if taken.n_unknown > 0 {
        let more = if taken.n_unknown > taken.unknown.len() as u64 {
            ", …"
        } else {
            ""
        };
        context.note(&format!(
            "{name}: {} of no paper in the library: {}{more}",
            layout::counted(taken.n_unknown, "vector"),
            taken.unknown.join(", ")
        ));
    }
}

/// The encoder for a library's papers: the requested one, else the library's own, else the default.
pub(super) fn encoder(
    writer: &Writer,
    model: &ModelArgs,
    context: &Context,
) -> Result<(Encoder, Origin), Failure> {
    let remembered = writer.space().map(Origin::from_space).transpose()?;
    let origin = match (model.asked(&context.hub)?, remembered) {
        // What is asked for is the library's own, or is refused.
        (Some(asked), Some(remembered)) => Origin {
            precision: remembered.precision,
            ..asked
        },
        (Some(asked), None) => asked,
        (None, Some(remembered)) => remembered,
        (None, None) => model.origin(&context.hub)?,
    };
    Ok((context.load(&origin)?, origin))
}

/// What an addition to the library, or to a new one, would change.
fn rehearse(
    sources: &[Source],
    options: &IngestOptions<'_>,
    bar: &Bar,
    context: &Context,
) -> Result<IngestReport, Failure> {
    let library = match Library::open(&context.library) {
        Err(Error::LibraryMissing { .. }) => None,
        opened => Some(opened?),
    };
    Ok(ingest::rehearse(library.as_ref(), sources, options, bar)?)
}

/// Prints what became of a record.
fn explain(decision: &Decision, context: &Context) {
    let words = match decision {
        Decision::Stored { id } => format!("stored     {id}"),
        Decision::KeptApart { id, given } => format!(
            "stored     {}: {given} is the id of another work",
            id.qualified()
        ),
        Decision::Changed { id } => format!("changed    {id}"),
        Decision::Unchanged { id } => format!("unchanged  {id}"),
        Decision::Merged { id, into, why } => format!("merged     {id} into {into}: {why}"),
        Decision::Deleted { id } => format!("deleted    {id}"),
        _ => return,
    };
    context.note(&words);
}

/// What a report means for the exit code.
pub(super) fn outcome(report: &IngestReport) -> Outcome {
    if report.stopped {
        Outcome::Interrupted
    } else if report.unused.has_unread() || found_nothing(&report.unused, report.counts.n_read) {
        Outcome::Failed
    } else if report.counts.n_rejected > 0 {
        Outcome::Partly
    } else {
        Outcome::Done
    }
}

/// Whether folders and archives were given, and no dump is in them.
pub(super) fn found_nothing(unused: &Unused, n_read: u64) -> bool {
    n_read == 0 && !unused.skipped.is_empty()
}

/// Number of rejections that a person is shown.
pub(super) fn n_shown(context: &Context) -> usize {
    if context.verbose {
        usize::MAX
    } else {
        REJECTIONS_SHOWN
    }
}

/// Reports on stderr what was rejected, where and why (at most `shown` records), what could not be
/// read, and what was decided.
pub(super) fn complain(report: &IngestReport, shown: usize, context: &Context) {
    complain_of_unused(
        &report.unused,
        report.counts.n_read,
        report.counts.n_rejected,
        shown,
        context,
    );
    complain_of_decisions(report, context);
    note_truncated(report.counts.n_truncated, context);
}

/// Reports the number of abstracts that the model did not see to their end, if any.
pub(super) fn note_truncated(n: u64, context: &Context) {
    if n > 0 {
        context.note(&format!(
            "{} longer than the model sees; --max-tokens sees more of {}",
            match n {
                1 => "1 abstract is".to_owned(),
                n => format!("{} abstracts are", count(n)),
            },
            if n == 1 { "it" } else { "them" }
        ));
    }
}

/// Reports on stderr which parts of the dumps could not be used, at most `shown` of the
/// `n_rejected` records.
pub(super) fn complain_of_unused(
    unused: &Unused,
    n_read: u64,
    n_rejected: u64,
    shown: usize,
    context: &Context,
) {
    let (cut, rejected): (Vec<_>, Vec<_>) = unused
        .rejected
        .iter()
        .partition(|(_, record)| record.reason.ends_the_dump());
    let n_shown = shown.min(rejected.len());
    for (name, rejected) in &rejected[..n_shown] {
        context.note(&format!("{name}, {rejected}"));
    }
    if context.verbose {
        for omission in &unused.ignored {
            context.note(&omission.to_string());
        }
    }
    for (name, day) in &unused.without_year {
        context.note(&format!(
            "{name} gives {day} without a year, so its papers are in no list; --year YEAR sets \
             the year"
        ));
    }
    let n_shown_skipped = shown.min(unused.skipped.len());
    for (_, error) in &unused.skipped[..n_shown_skipped] {
        context.note(&format!("skipped: {error}"));
    }
    let n_more_skipped = (unused.skipped.len() - n_shown_skipped) as u64;
    if n_more_skipped > 0 {
        context.note(&format!("{} more files skipped", count(n_more_skipped)));
    }
    let n_more = n_rejected - (n_shown + cut.len()) as u64;
    if n_more > 0 {
        context.note(&format!("{} more records rejected", count(n_more)));
    }
    let mut err = terminal::stderr();
    // If stderr cannot be written, nobody can be informed.
    for (name, cut) in cut {
        let _ = writeln!(err, "error: {}", one_line(&format!("{name}, {cut}")));
    }
    for (_, error) in &unused.failed {
        let _ = writeln!(err, "error: {}", one_line(&error.to_string()))
            .and_then(|()| fault::write_causes(error, &mut err));
        if let Some(hint) = fault::hint(error) {
            let _ = writeln!(err, "hint: {}", one_line(&hint));
        }
    }
    if found_nothing(unused, n_read) {
        let error = "error: there is no dump among the files that were given";
        let _ = writeln!(err, "{error}");
    }
}

/// Reports decisions about papers that the user may judge differently.
fn complain_of_decisions(report: &IngestReport, context: &Context) {
    let counts = &report.counts;
    match counts.n_kept_apart {
        0 => {}
        1 => context.note(
            "1 record has the id of a plainly different work, and is kept apart from it; \
             --explain names it",
        ),
        n => context.note(&format!(
            "{} records have the ids of plainly different works, and are kept apart from them; \
             --explain names them",
            count(n)
        )),
    }
    match counts.n_withdrawn {
        0 => {}
        1 => context.note(
            "1 paper says that it was withdrawn, so no search finds it; `akin status` names it, \
             `akin restore ID` undoes that",
        ),
        n => context.note(&format!(
            "{} papers say that they were withdrawn, so no search finds them; `akin status` names \
             them, `akin restore ID` undoes that",
            count(n)
        )),
    }
}

/// Describes what was left out of papers that were kept: `12 dates, 1 DOI`; `None` if nothing was.
pub(super) fn ignored(unused: &Unused) -> Option<String> {
    let parts = unused.n_ignored.iter();
    let parts = parts.map(|(part, n)| format!("{} {}", count(*n), part.named(*n)));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The same for programs.
pub(super) fn ignored_by_key(unused: &Unused) -> Map<String, Value> {
    let parts = unused.n_ignored.iter();
    parts
        .map(|(part, n)| (part.key().to_owned(), (*n).into()))
        .collect()
}

pub(super) fn summarise(
    report: &IngestReport,
    n_missing: u64,
    start: Instant,
    is_dry: bool,
    context: &Context,
) -> Result<(), Failure> {
    let counts = &report.counts;
    let seconds = start.elapsed().as_secs_f64();
    let mut out = terminal::stdout();
    if context.json {
        let summary = json!({
            "read": counts.n_read,
            "stored": counts.n_stored,
            "changed": counts.n_changed,
            "unchanged": counts.n_unchanged,
            "merged": counts.n_merged,
            "deleted": counts.n_deleted,
            "rejected": counts.n_rejected,
            "kept_apart": counts.n_kept_apart,
            "withdrawn": counts.n_withdrawn,
            "embedded": report.n_embedded,
            "taken": report.n_taken,
            "unembedded": n_missing,
            "truncated": counts.n_truncated,
            "ignored": ignored_by_key(&report.unused),
            "tokens": report.n_tokens,
            "encoder_idle": layout::rounded(report.encoding.idle_share(), 4),
            "failed": report.unused.failed.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "skipped": report.unused.skipped.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "complete": !report.stopped,
            "dry_run": is_dry,
            "seconds": layout::rounded(seconds, 3),
        });
        layout::json_line(&mut out, &summary)?;
        return Ok(());
    }
    let parts = [
        (counts.n_stored, "stored"),
        (counts.n_changed, "changed"),
        (counts.n_unchanged, "unchanged"),
        (counts.n_merged, "merged"),
        (counts.n_deleted, "deleted"),
        (counts.n_rejected, "rejected"),
    ];
    let parts = parts
        .map(|(n, what)| format!("{} {what}", count(n)))
        .join(", ");
    writeln!(out, "read {}: {parts}", count(counts.n_read))?;
    if let Some(parts) = ignored(&report.unused) {
        writeln!(out, "ignored inside kept records: {parts}")?;
    }
    if is_dry {
        let rate = counts.n_read as f64 / seconds;
        writeln!(
            out,
            "read in {seconds:.1} s ({rate:.0} records/s); nothing was written"
        )?;
        return Ok(());
    }
    if report.n_embedded > 0 || n_missing == 0 {
        write_embedded(&mut out, report.n_embedded, seconds)?;
    }
    if context.verbose && report.n_embedded > 0 {
        let idle = 100.0 * report.encoding.idle_share();
        context.note(&format!(
            "the model waited for work {idle:.1} % of that time"
        ));
    }
    if report.stopped {
        writeln!(
            out,
            "interrupted; all of this is kept. Run the same command again to go on"
        )?;
    }
    if n_missing > 0 {
        writeln!(
            out,
            "not embedded yet: {}, found by their words; `akin embed-missing` embeds them",
            layout::counted(n_missing, "paper")
        )?;
    }
    Ok(())
}

/// The number of papers that were embedded, and the rate.
pub(super) fn write_embedded(
    out: &mut impl Write,
    n_embedded: u64,
    seconds: f64,
) -> std::io::Result<()> {
    if n_embedded == 0 {
        return writeln!(out, "nothing new to embed");
    }
    let rate = layout::rate(n_embedded as f64 / seconds);
    let n = count(n_embedded);
    writeln!(out, "embedded {n} in {seconds:.1} s ({rate} papers/s)")
}
