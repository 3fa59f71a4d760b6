//! Writes the graph file of a segment.
//!
//! In: the links of a graph ([`Links`]) and the rows they join. Out: a complete file on the disk,
//! in the layout of `format`. Codes are made again from the rows here rather than kept since the
//! graph was built: that is quick, and it spares their memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::format::{ALIGNMENT, Header, SECTIONS, little_endian};
use super::quantize::{code_bytes, quantize};
use super::span::Span;
use crate::error::{Error, Result};
use crate::vectors::{Row, RowFile};

/// The links of a graph as they were built, over nodes counted from 0.
#[derive(Debug)]
pub(super) struct Links {
    /// Links of a node at an upper level; twice as many at level 0.
    pub(super) m: usize,
    /// Level 0, shape `[n_rows, 2m]`, nearest first, short lists filled up with `NONE`.
    pub(super) base: Vec<u32>,
    /// The levels above, level 1 first.
    pub(super) levels: Vec<Level>,
    /// A slot of the highest level, or a node where there is but level 0.
    pub(super) entry: u32,
    /// Nodes that cannot be reached along level 0 from the entry point.
    pub(super) strays: Vec<u32>,
}

/// One upper level.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// The level's nodes, in order; a node's place in this list is its slot.
    pub(super) nodes: Vec<u32>,
    /// For each slot the same node's slot one level down; at level 1 the node itself.
    pub(super) below: Vec<u32>,
    /// For each slot its links as slots, shape `[slots, m]`, filled up with `NONE`.
    pub(super) links: Vec<u32>,
}

/// Writes the graph of the rows in `span` to `path`, and puts it on the disk.
///
/// The file may be cut short if this fails: give it its name only afterwards.
///
/// # Errors
/// [`Error::Write`], and [`Error::Damaged`] if a row cannot be read.
pub(super) fn create(
    path: &Path,
    space: &[u8; 32],
    rows: &RowFile,
    span: Span,
    links: &Links,
) -> Result<()> {
    let file = File::create(path).map_err(Error::write(path))?;
    let mut out = Sections::over(file);
    let write_error = Error::write;
    let header = header_of(space, rows, span, links);
    out.put(&header.encode()).map_err(write_error(path))?;
    out.end().map_err(write_error(path))?;
    let mut vector = vec![0.0; rows.dim()];
    let mut code = vec![0; code_bytes(rows.dim())];
    for row in span.rows() {
        rows.read_into(Row(row), &mut vector)?;
        quantize(&vector, &mut code);
        out.put(bytemuck::cast_slice(&code))
            .map_err(write_error(path))?;
    }
    out.end()
        .and_then(|()| put_links(&mut out, links))
        .and_then(|()| out.finish())
        .map_err(write_error(path))
}

fn header_of(space: &[u8; 32], rows: &RowFile, span: Span, links: &Links) -> Header {
    let small = |n: usize| u32::try_from(n).expect("counts of a segment fit 32 bits");
    let nodes_of = |level: usize| links.levels.get(level).map_or(0, |l| small(l.nodes.len()));
    Header {
        dim: small(rows.dim()),
        span,
        m: small(links.m),
        n_strays: small(links.strays.len()),
        entry: links.entry,
        space: *space,
        level_nodes: std::array::from_fn(nodes_of),
    }
}

/// The sections after the codes.
fn put_links(out: &mut Sections, links: &Links) -> std::io::Result<()> {
    for list in links.base.chunks(2 * links.m) {
        out.put(&little_endian(list))?;
    }
    out.end()?;
    for level in &links.levels {
        let heads = level.nodes.iter().zip(&level.below);
        for ((&node, &below), list) in heads.zip(level.links.chunks(links.m)) {
            out.put(&little_endian(&[node, below]))?;
            out.put(&little_endian(list))?;
        }
    }
    out.end()?;
    out.put(&little_endian(&links.strays))?;
    out.end()
}

/// Writes sections one after the other, aligned, and their checksums after the last.
struct Sections {
    file: BufWriter<File>,
    hasher: crc32fast::Hasher,
    n_bytes: usize,
    checksums: Vec<u32>,
}

impl Sections {
    fn over(file: File) -> Sections {
        Sections {
            file: BufWriter::with_capacity(1 << 20, file),
            hasher: crc32fast::Hasher::new(),
            n_bytes: 0,
            checksums: Vec::with_capacity(1 + SECTIONS),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hasher.update(bytes);
        self.n_bytes += bytes.len();
        self.file.write_all(bytes)
    }

    /// Ends a section: fills it up to the alignment and keeps its checksum.
    fn end(&mut self) -> std::io::Result<()> {
        let missing = self.n_bytes.next_multiple_of(ALIGNMENT) - self.n_bytes;
        self.put(&[0; ALIGNMENT][..missing])?;
        self.checksums
            .push(std::mem::take(&mut self.hasher).finalize());
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<()> {
        let checksums = little_endian(&self.checksums);
        self.put(&checksums)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}
