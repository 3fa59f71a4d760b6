//! Writes the file of a segment.
//!
//! In: a segment in memory ([`Built`]). Out: a complete file on the disk, in the layout of
//! `format`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::build::Built;
use super::checked::FileSection;
use super::format::{Header, little_endian};
use super::span::Span;
use akin_base::error::{Error, Result};

/// Writes the segment of the rows in `span`, of `dim` numbers each, to `path`, and puts it on the
/// disk.
///
/// The file may be cut short if this fails: give it its name only afterwards.
///
/// # Errors
/// [`Error::Write`].
pub(super) fn create(
    path: &Path,
    space: &[u8; 32],
    dim: usize,
    span: Span,
    built: &Built,
) -> Result<()> {
    let header = header_of(space, dim, span, built);
    File::create(path)
        .and_then(|file| write(file, &header, built))
        .map_err(Error::write(path))
}

fn header_of(space: &[u8; 32], dim: usize, span: Span, built: &Built) -> Header {
    let small = |n: usize| u32::try_from(n).expect("counts of a segment fit 32 bits");
    let upper_room = built.graph().upper_room;
    let nodes_of = |level: &Vec<u32>| small(level.len() / upper_room);
    let levels = &built.skeleton.levels;
    Header {
        dim: small(dim),
        span,
        m: small(built.m),
        n_strays: small(built.strays.len()),
        n_clipped: small(built.clipped.len()),
        entry: built.skeleton.entry,
        geometry: built.geometry,
        space: *space,
        level_nodes: std::array::from_fn(|level| levels.get(level).map_or(0, nodes_of)),
    }
}

fn write(file: File, header: &Header, built: &Built) -> std::io::Result<()> {
    let layout = header.layout().expect("what fits memory can be counted");
    let upper = built.skeleton.levels.concat();
    let contents = [
        built.codes.bytes(),
        built.base.bytes(),
        bytemuck::cast_slice(&upper),
        bytemuck::cast_slice(&built.strays),
        bytemuck::cast_slice(&built.clipped),
    ];
    let mut out = Out {
        file: BufWriter::with_capacity(1 << 20, file),
        n_bytes: 0,
    };
    out.put(&header.encode())?;
    let mut sums = Vec::new();
    for (section, bytes) in layout.sections().into_iter().zip(contents) {
        out.put_section(section, bytes)?;
        sums.extend(bytes.chunks(section.block_bytes).map(crc32fast::hash));
    }
    let table = little_endian(&sums);
    out.fill_to(layout.table.start)?;
    out.put(&table)?;
    out.put(&crc32fast::hash(&table).to_le_bytes())?;
    out.file.flush()?;
    out.file.get_ref().sync_all()
}

/// A file that knows how far it has come.
struct Out {
    file: BufWriter<File>,
    n_bytes: usize,
}

impl Out {
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.n_bytes += bytes.len();
        self.file.write_all(bytes)
    }

    fn put_section(&mut self, section: &FileSection, bytes: &[u8]) -> std::io::Result<()> {
        assert_eq!(
            section.bytes.len(),
            bytes.len(),
            "the header counts what is written"
        );
        self.fill_to(section.bytes.start)?;
        self.put(bytes)
    }

    /// Fills up with zeros.
    fn fill_to(&mut self, end: usize) -> std::io::Result<()> {
        self.put(&vec![0; end - self.n_bytes])
    }
}
