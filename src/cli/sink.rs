//! Where papers are written: a file that gets its name once it is whole, a pipe, or stdout.
//!
//! In: the format and the name that a person gave. Out: a [`PaperSink`] that takes papers. A file that is
//! not akin's own is replaced only with `--force` (`claim.rs`); one that is dropped before its end
//! leaves nothing.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use akin::Error;
use akin::export::{ExportFormat, PaperWriter};
use akin::files::{self, Unfinished};
use akin::paper::{Notice, Paper};

use super::claim::{Claim, OutputKind};
use super::context::Context;
use super::fault::Failure;
use super::{layout, terminal};

/// What papers are written to.
enum SinkTarget {
    /// A file without its name yet.
    File(Unfinished),
    /// stdout, a pipe or a device.
    Stream(BufWriter<Box<dyn Write + Send>>),
}

impl Write for SinkTarget {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            SinkTarget::File(file) => file.write(bytes),
            SinkTarget::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            SinkTarget::File(file) => file.flush(),
            SinkTarget::Stream(stream) => stream.flush(),
        }
    }
}

/// Takes papers.
pub(super) struct PaperSink {
    writer: PaperWriter<SinkTarget>,
    format: ExportFormat,
    /// `None` for stdout.
    path: Option<PathBuf>,
    n_retracted: u64,
    n_withdrawn: u64,
}

impl PaperSink {
    /// Begins to write to stdout. `header` is written as comment; in a format without comments it is
    /// said on stderr.
    pub(super) fn stdout(
        format: ExportFormat,
        header: &[String],
        context: &Context,
    ) -> Result<PaperSink, Failure> {
        if format.comment().is_none() {
            header.iter().for_each(|line| context.note(line));
        }
        let target = SinkTarget::Stream(BufWriter::new(terminal::data()));
        let writer = PaperWriter::new(format, target, header)?;
        Ok(PaperSink::of(writer, format, None))
    }

    /// Begins to write to a file that was claimed.
    pub(super) fn file(format: ExportFormat, path: &Path) -> Result<PaperSink, Failure> {
        let fail = || Error::write(path);
        let target = if files::is_special(path) {
            let out = terminal::Outside::open(path).map_err(fail())?;
            SinkTarget::Stream(BufWriter::new(Box::new(out)))
        } else {
            SinkTarget::File(Unfinished::begin(path).map_err(fail())?)
        };
        let writer = PaperWriter::new(format, target, &[]).map_err(fail())?;
        Ok(PaperSink::of(writer, format, Some(path.to_owned())))
    }

    fn of(
        writer: PaperWriter<SinkTarget>,
        format: ExportFormat,
        path: Option<PathBuf>,
    ) -> PaperSink {
        PaperSink {
            writer,
            format,
            path,
            n_retracted: 0,
            n_withdrawn: 0,
        }
    }

    /// Writes the next paper.
    pub(super) fn write(&mut self, paper: &Paper) -> Result<(), Failure> {
        self.n_retracted += u64::from(paper.notice == Some(Notice::Retracted));
        self.n_withdrawn += u64::from(paper.notice == Some(Notice::Withdrawn));
        let written = self.writer.write(paper);
        written.map_err(|error| self.failure(error))
    }

    /// Number of papers so far.
    pub(super) fn n_papers(&self) -> u64 {
        self.writer.n_papers()
    }

    /// Ends the file and gives it its name, and says what it holds.
    pub(super) fn finish(self, context: &Context) -> Result<(), Failure> {
        let n_papers = self.n_papers();
        let path = self.path.clone();
        let failure = |error| match &path {
            Some(path) => Failure::Akin(Error::write(path)(error)),
            None => Failure::Output(error),
        };
        if let SinkTarget::File(file) = self.writer.finish().map_err(failure)? {
            file.finish().map_err(failure)?;
        }
        for (n, what) in [
            (self.n_retracted, "retracted"),
            (self.n_withdrawn, "withdrawn"),
        ] {
            if n > 0 {
                let papers = layout::counted(n, "paper");
                context.note(&format!("{what}: {papers} among these"));
            }
        }
        if let Some(path) = &path {
            let papers = layout::counted(n_papers, "paper");
            let (format, path) = (self.format.name(), path.display());
            context.note(&format!("wrote {papers} to {path} ({format})"));
        }
        Ok(())
    }

    /// Ends what has no papers: stdout gets an empty list, and a file stays as it was.
    pub(super) fn finish_empty(self, context: &Context) -> Result<(), Failure> {
        match &self.path {
            Some(path) if !files::is_special(path) => {
                context.note(&format!("{} is not written", path.display()));
                Ok(())
            }
            _ => self.finish(context),
        }
    }

    fn failure(&self, error: io::Error) -> Failure {
        match &self.path {
            Some(path) => Failure::Akin(Error::write(path)(error)),
            None => Failure::Output(error),
        }
    }
}

/// Makes sure that a file may be written.
pub(super) fn claim(
    format: ExportFormat,
    path: &Path,
    force: bool,
    inputs: &[PathBuf],
    context: &Context,
) -> Result<(), Failure> {
    let claim = Claim {
        kind: OutputKind::Papers(format),
        force,
        inputs,
    };
    claim.check(path, context)
}
