//! A segment's file, mapped and read in place: codes, and their graph if there is one.
//!
//! In: a file of the layout in `format` (`freeze` writes it). Out: codes to scan and a [`Graph`]
//! to walk, verified block by block as they are read (`checked`).
//!
//! Invariants: a file is complete when it gets its name and never changes after. A [`StoredSegment`] has
//! the space, span and dim that were asked for. No read leaves its section, whatever the bytes say.

use std::ops::Range;
use std::path::Path;

use super::checked::{self, Checked, Damage};
use super::codes::{Geometry, code_bytes};
use super::format::{CODES_A_BLOCK, Header, LEVELS, LISTS_A_BLOCK, SectionLayout};
use super::graph::Graph;
use super::span::Span;

/// A segment's file, mapped.
#[derive(Debug)]
pub(super) struct StoredSegment {
    file: Checked,
    header: Header,
    layout: SectionLayout,
    /// Upper nodes before those of each level, level 1 first, and after the last.
    upper_starts: [usize; LEVELS + 1],
}

impl StoredSegment {
    /// Opens the segment of the rows in `span` of `space`, `dim` numbers each. Only the header and the
    /// table of checksums are read.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub(super) fn open(
        path: &Path,
        space: &[u8; 32],
        span: Span,
        dim: usize,
    ) -> Result<StoredSegment, String> {
        let stored = StoredSegment::map(path)?;
        if stored.header.space != *space {
            return Err("it belongs to another space".to_owned());
        }
        if stored.header.span != span || stored.header.dim as usize != dim {
            return Err("it is of other rows than the manifest says".to_owned());
        }
        Ok(stored)
    }

    /// Maps a file whose header, length and table agree.
    fn map(path: &Path) -> Result<StoredSegment, String> {
        let map = checked::map(path)?;
        let header = Header::parse(&map)?;
        let layout = header.layout().ok_or("its sizes are past counting")?;
        if layout.file_bytes() != map.len() {
            return Err(format!("its length is not {} bytes", layout.file_bytes()));
        }
        let (table, sum) = map[layout.table.start..].split_at(layout.table.len());
        if crc32fast::hash(table).to_le_bytes() != sum {
            return Err("its table of checksums is damaged".to_owned());
        }
        let mut upper_starts = [0; LEVELS + 1];
        for level in 0..LEVELS {
            upper_starts[level + 1] = upper_starts[level] + header.level_nodes[level] as usize;
        }
        Ok(StoredSegment {
            file: Checked::new(map, layout.table.clone()),
            header,
            layout,
            upper_starts,
        })
    }

    /// Reads every byte.
    ///
    /// # Errors
    /// Which part of the file is damaged.
    pub(super) fn verify(&self) -> Result<(), String> {
        let names = ["codes", "links", "upper levels", "strays", "clipped nodes"];
        for (section, name) in self.layout.sections().into_iter().zip(names) {
            let held = self.file.blocks(section, 0..section.n_blocks());
            held.map_err(|Damage| format!("its {name} do not match their checksums"))?;
        }
        Ok(())
    }

    /// Whether it can be walked; otherwise it has codes only.
    pub(super) fn has_links(&self) -> bool {
        self.header.m > 0
    }

    /// Bytes of the file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file.len() as u64
    }

    /// The geometry of its codes, which bounds the error of similarities.
    pub(super) fn geometry(&self) -> &Geometry {
        &self.header.geometry
    }

    /// The codes of some nodes, one after the other.
    ///
    /// # Errors
    /// [`Damage`] if some of them are not those that were written.
    pub(super) fn codes(&self, nodes: Range<u32>) -> Result<&[u8], Damage> {
        let [start, end] = [nodes.start, nodes.end].map(|node| node as usize);
        let blocks = start / CODES_A_BLOCK..end.div_ceil(CODES_A_BLOCK);
        self.file.blocks(&self.layout.codes, blocks)?;
        let each_bytes = code_bytes(self.header.dim as usize);
        Ok(&self.file.bytes(&self.layout.codes)[start * each_bytes..end * each_bytes])
    }

    /// The nodes whose codes do not hold their rows, in order.
    ///
    /// # Errors
    /// [`Damage`].
    pub(super) fn clipped(&self) -> Result<&[u32], Damage> {
        let section = &self.layout.clipped;
        self.file.blocks(section, 0..section.n_blocks())?;
        Ok(bytemuck::cast_slice(self.file.bytes(section)))
    }

    /// The graph of the segment; it has this file verify a node before it reads it.
    pub(super) fn graph(&self) -> Graph<'_> {
        let numbers = |section| bytemuck::cast_slice::<u8, u32>(self.file.bytes(section));
        let upper_room = self.header.upper_room();
        let upper = numbers(&self.layout.upper);
        let level = |level: usize| {
            let [start, end] = [level, level + 1].map(|l| self.upper_starts[l] * upper_room);
            &upper[start..end]
        };
        Graph {
            codes: self.file.bytes(&self.layout.codes),
            n_nodes: self.header.span.n_rows,
            base: numbers(&self.layout.base),
            room: 2 * self.header.m as usize,
            levels: std::array::from_fn(level),
            upper_room,
            entry: self.header.entry,
            strays: numbers(&self.layout.strays),
            stored: Some(self),
        }
    }

    /// Makes sure of a node's code.
    ///
    /// # Errors
    /// [`Damage`].
    #[inline]
    pub(super) fn check_code(&self, node: u32) -> Result<(), Damage> {
        let block = node as usize / CODES_A_BLOCK;
        self.file.block(&self.layout.codes, block)
    }

    /// Makes sure of a node's links at level 0.
    ///
    /// # Errors
    /// [`Damage`].
    #[inline]
    pub(super) fn check_links(&self, node: u32) -> Result<(), Damage> {
        let block = node as usize / LISTS_A_BLOCK;
        self.file.block(&self.layout.base, block)
    }

    /// Makes sure of a slot of an upper level, which is counted from 1.
    ///
    /// # Errors
    /// [`Damage`].
    pub(super) fn check_slot(&self, level: usize, slot: u32) -> Result<(), Damage> {
        let number = self.upper_starts[level - 1] + slot as usize;
        self.file.block(&self.layout.upper, number / LISTS_A_BLOCK)
    }

    /// Makes sure of the list of strays.
    ///
    /// # Errors
    /// [`Damage`].
    pub(super) fn check_strays(&self) -> Result<(), Damage> {
        let section = &self.layout.strays;
        self.file.blocks(section, 0..section.n_blocks())
    }
}

#[cfg(test)]
mod tests {
    use super::super::codes::CodedQuery;
    use super::super::freeze::create;
    use super::super::kernels::Isa;
    use super::super::testdata::{clustered, row_file};
    use super::super::walk::{Limits, WalkScratch};
    use super::super::{IndexOptions, build};
    use super::*;
    use akin_base::progress::Unobserved;
    use akin_base::vectors::{Row, RowFile};

    const SPACE: [u8; 32] = [3; 32];

    /// Builds and writes the segment of `n_rows` rows after the first ten.
    fn written(dir: &Path, n_rows: u32) -> (std::path::PathBuf, RowFile, build::Built) {
        let rows = row_file(dir, &clustered(n_rows as usize + 10, 8, 21));
        let span = Span { first: 10, n_rows };
        let options = IndexOptions {
            m: 4,
            ef_construction: 20,
            threads: 1,
            ..IndexOptions::eager()
        };
        let built = build::build(&rows, span, &options, &Unobserved).unwrap();
        let path = dir.join("a.segment");
        create(&path, &SPACE, 8, span, &built).unwrap();
        (path, rows, built)
    }

    #[test]
    fn a_graph_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _, built) = written(dir.path(), 700);
        let span = Span {
            first: 10,
            n_rows: 700,
        };
        let stored = StoredSegment::open(&path, &SPACE, span, 8).unwrap();
        stored.verify().unwrap();
        let (read, made) = (stored.graph(), built.graph());
        assert!(read.n_levels() >= 2, "the test wants a graph with levels");
        assert_eq!(read.levels, made.levels);
        assert_eq!((read.codes, read.base), (made.codes, made.base));
        assert_eq!((read.entry, read.strays), (made.entry, made.strays));
        assert_eq!(*stored.geometry(), built.geometry);
        assert_eq!(stored.clipped().unwrap(), built.clipped);
        assert_eq!(stored.codes(3..9).unwrap(), &made.codes[3 * 64..9 * 64]);
    }

    #[test]
    fn every_flipped_bit_is_found_or_harmless() {
        let dir = tempfile::tempdir().unwrap();
        let (path, _, built) = written(dir.path(), 60);
        let good = std::fs::read(&path).unwrap();
        let mut n_harmless = 0;
        for bit in 0..8 * good.len() {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bad).unwrap();
            let Ok(stored) = StoredSegment::map(&path) else {
                continue;
            };
            if stored.verify().is_ok() {
                let (read, made) = (stored.graph(), built.graph());
                assert_eq!(
                    (read.codes, read.base),
                    (made.codes, made.base),
                    "bit {bit}"
                );
                assert_eq!(
                    (read.levels, read.strays),
                    (made.levels, made.strays),
                    "bit {bit}"
                );
                assert_eq!(stored.clipped().unwrap(), built.clipped, "bit {bit}");
                n_harmless += 1;
            }
        }
        // The zeros between sections.
        assert!(n_harmless < 8 * 5 * 64, "{n_harmless} bits were not missed");
    }

    #[test]
    fn damage_that_no_checksum_stops_misleads_no_walk_outside() {
        let dir = tempfile::tempdir().unwrap();
        let (path, rows, _) = written(dir.path(), 200);
        let good = std::fs::read(&path).unwrap();
        let vector = rows.vector(Row(77)).unwrap();
        let mut n_walked = 0;
        for bit in (0..8 * good.len()).step_by(97) {
            let mut bad = good.clone();
            for byte in [bit / 8, bit / 8 + 1, bit / 8 + 2, bit / 8 + 3] {
                bad[byte.min(good.len() - 1)] ^= 1 << (bit % 8);
            }
            std::fs::write(&path, bad).unwrap();
            let Ok(stored) = StoredSegment::map(&path) else {
                continue;
            };
            let query = CodedQuery::new(&vector, stored.geometry());
            let graph = Graph {
                stored: None,
                ..stored.graph()
            };
            let mut scratch = WalkScratch::default();
            let limits = Limits::new(300);
            scratch
                .walk(&graph, &query, Isa::detect(), &limits, |_| true)
                .unwrap();
            assert!(scratch.found().all(|(node, _)| node < 200), "bit {bit}");
            n_walked += 1;
        }
        assert!(n_walked > 300, "only {n_walked} files were walked");
    }
}
