//! The frozen graph of one segment, mapped and read in place.
//!
//! In: a graph file (see `format`; `freeze` writes it). Out: the codes and links of its nodes, by
//! number.
//!
//! Invariants: a file is complete when it gets its name and never changes after; [`Graph::open`]
//! accepts exactly the bytes that were written, for the space, span and dim that were written;
//! and whatever the bytes say, no read leaves its section and no link leads outside the graph.

#![expect(unsafe_code, reason = "graph files are mapped into memory")]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use super::format::{HEADER_BYTES, Header, LEVELS, Layout, little_endian, u32_at};
use super::quantize::code_bytes;
use super::span::Span;

/// A graph file, mapped.
#[derive(Debug)]
pub(super) struct Graph {
    map: Mmap,
    header: Header,
    layout: Layout,
    /// Upper nodes before those of each level, level 1 first, and after the last.
    upper_starts: [usize; LEVELS + 1],
    n_levels: usize,
}

impl Graph {
    /// Opens the graph of the rows in `span` of `space`, of which each has `dim` numbers, and
    /// verifies its checksums: every byte is read.
    ///
    /// # Errors
    /// In words, what speaks against the file.
    pub(super) fn open(
        path: &Path,
        space: &[u8; 32],
        span: Span,
        dim: usize,
    ) -> Result<Graph, String> {
        let graph = Graph::map(path)?;
        if graph.header.space != *space {
            return Err("it belongs to another space".to_owned());
        }
        if graph.header.span != span || graph.dim() != dim {
            return Err("it is of other rows than the manifest says".to_owned());
        }
        graph.verify()?;
        Ok(graph)
    }

    /// Maps a file whose header and length agree.
    fn map(path: &Path) -> Result<Graph, String> {
        let file = File::open(path).map_err(|e| format!("it cannot be opened ({e})"))?;
        // SAFETY: a graph file is written under another name and never changed once it has its
        // own (module invariant); it is replaced or deleted as a whole, which leaves a mapping
        // as it was.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| format!("it cannot be mapped ({e})"))?;
        let header = Header::parse(&map)?;
        let layout = header.layout().ok_or("its sizes are past counting")?;
        if layout.checksums.end != map.len() {
            return Err(format!("it has not {} bytes", layout.checksums.end));
        }
        let mut upper_starts = [0; LEVELS + 1];
        for level in 0..LEVELS {
            upper_starts[level + 1] = upper_starts[level] + header.level_nodes[level] as usize;
        }
        Ok(Graph {
            map,
            n_levels: header
                .level_nodes
                .iter()
                .filter(|&&nodes| nodes > 0)
                .count(),
            header,
            layout,
            upper_starts,
        })
    }

    fn verify(&self) -> Result<(), String> {
        let mut found = vec![crc32fast::hash(&self.map[..HEADER_BYTES])];
        let sections = self.layout.padded();
        found.extend(sections.map(|section| crc32fast::hash(&self.map[section])));
        let stored = &self.map[self.layout.checksums.clone()];
        let holds = stored == little_endian(&found);
        holds
            .then_some(())
            .ok_or("its checksums do not hold".to_owned())
    }

    /// Numbers in a row.
    pub(super) fn dim(&self) -> usize {
        self.header.dim as usize
    }

    /// How many rows the graph joins.
    pub(super) fn n_nodes(&self) -> usize {
        self.header.span.n_rows as usize
    }

    /// Bytes of the file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Levels above level 0.
    pub(super) fn n_levels(&self) -> usize {
        self.n_levels
    }

    /// A slot of the highest level, or a node where there is but level 0.
    pub(super) fn entry(&self) -> u32 {
        self.header.entry
    }

    /// The code of a node, shape `[dim + 4]`.
    pub(super) fn code(&self, node: u32) -> &[i8] {
        let each_bytes = code_bytes(self.dim());
        let codes = &self.map[self.layout.codes.clone()];
        let start = node as usize * each_bytes;
        bytemuck::cast_slice(&codes[start..start + each_bytes])
    }

    /// The nodes that a node is linked with at level 0, nearest first.
    pub(super) fn links(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let each_bytes = 8 * self.header.m as usize;
        let base = &self.map[self.layout.base.clone()];
        let start = node as usize * each_bytes;
        list_of(&base[start..start + each_bytes], self.header.span.n_rows)
    }

    /// The nodes that no walk reaches.
    pub(super) fn strays(&self) -> impl Iterator<Item = u32> + '_ {
        list_of(
            &self.map[self.layout.strays.clone()],
            self.header.span.n_rows,
        )
    }

    /// The node in a slot of an upper level, which is counted from 1.
    pub(super) fn upper_node(&self, level: usize, slot: u32) -> u32 {
        u32_at(self.upper(level, slot), 0).min(self.header.span.n_rows - 1)
    }

    /// The slot, or at level 1 the node, that is the same node one level down.
    pub(super) fn slot_below(&self, level: usize, slot: u32) -> u32 {
        u32_at(self.upper(level, slot), 4).min(self.n_slots(level - 1) - 1)
    }

    /// The slots that a slot is linked with.
    pub(super) fn upper_links(&self, level: usize, slot: u32) -> impl Iterator<Item = u32> + '_ {
        list_of(&self.upper(level, slot)[8..], self.n_slots(level))
    }

    fn n_slots(&self, level: usize) -> u32 {
        match level {
            0 => self.header.span.n_rows,
            _ => self.header.level_nodes[level - 1],
        }
    }

    fn upper(&self, level: usize, slot: u32) -> &[u8] {
        let each_bytes = 4 * (2 + self.header.m as usize);
        let start = (self.upper_starts[level - 1] + slot as usize) * each_bytes;
        &self.map[self.layout.upper.clone()][start..start + each_bytes]
    }
}

/// The numbers of a list up to its end, which is the first that is not below `bound`.
fn list_of(bytes: &[u8], bound: u32) -> impl Iterator<Item = u32> + '_ {
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers = numbers.iter().map(|&number| u32::from_le_bytes(number));
    numbers.take_while(move |&number| number < bound)
}

#[cfg(test)]
mod tests {
    use super::super::IndexOptions;
    use super::super::format::NONE;
    use super::super::freeze::{Links, create};
    use super::super::quantize::quantize;
    use super::super::testdata::{clustered, row_file};
    use super::super::{hnsw, walk};
    use super::*;
    use crate::progress::Unobserved;
    use crate::vectors::{Row, RowFile};

    const SPACE: [u8; 32] = [3; 32];

    /// Builds and writes the graph of `n_rows` rows after the first ten.
    fn written(dir: &Path, n_rows: u32) -> (std::path::PathBuf, RowFile, Links) {
        let rows = row_file(dir, &clustered(n_rows as usize + 10, 8, 21));
        let span = Span { first: 10, n_rows };
        let options = IndexOptions {
            m: 4,
            ef_construction: 20,
            threads: 1,
            ..IndexOptions::eager()
        };
        let links = hnsw::build(&rows, span, &options, &Unobserved).unwrap();
        let path = dir.join("a.graph");
        create(&path, &SPACE, &rows, span, &links).unwrap();
        (path, rows, links)
    }

    fn listed(room: &[u32]) -> Vec<u32> {
        room.iter()
            .copied()
            .take_while(|&link| link != NONE)
            .collect()
    }

    #[test]
    fn a_graph_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let (path, rows, links) = written(dir.path(), 700);
        let span = Span {
            first: 10,
            n_rows: 700,
        };
        let graph = Graph::open(&path, &SPACE, span, 8).unwrap();
        assert!(graph.n_levels() >= 2, "the test wants a graph with levels");
        assert_eq!(graph.n_levels(), links.levels.len());
        let mut code = vec![0; code_bytes(8)];
        for node in 0..700 {
            let room = &links.base[node as usize * 8..][..8];
            assert_eq!(graph.links(node).collect::<Vec<_>>(), listed(room));
            quantize(&rows.vector(Row(10 + node)).unwrap(), &mut code);
            assert_eq!(graph.code(node), code);
        }
        for (below, level) in links.levels.iter().enumerate() {
            for slot in 0..level.nodes.len() as u32 {
                let room = &level.links[slot as usize * 4..][..4];
                let read = graph.upper_links(below + 1, slot).collect::<Vec<_>>();
                assert_eq!(read, listed(room));
                assert_eq!(
                    graph.upper_node(below + 1, slot),
                    level.nodes[slot as usize]
                );
                assert_eq!(
                    graph.slot_below(below + 1, slot),
                    level.below[slot as usize]
                );
            }
        }
        assert_eq!(graph.strays().collect::<Vec<_>>(), links.strays);
    }

    #[test]
    fn damage_that_no_checksum_stops_misleads_no_walk_outside() {
        let dir = tempfile::tempdir().unwrap();
        let (path, rows, _) = written(dir.path(), 200);
        let good = std::fs::read(&path).unwrap();
        let mut query = vec![0; code_bytes(8)];
        quantize(&rows.vector(Row(77)).unwrap(), &mut query);
        let mut n_walked = 0;
        for bit in (0..8 * good.len()).step_by(97) {
            let mut bad = good.clone();
            for byte in [bit / 8, bit / 8 + 1, bit / 8 + 2, bit / 8 + 3] {
                bad[byte.min(good.len() - 1)] ^= 1 << (bit % 8);
            }
            std::fs::write(&path, bad).unwrap();
            let Ok(graph) = Graph::map(&path) else {
                continue;
            };
            let found = walk::nearest(&graph, &query, 300, usize::MAX, |_| true).unwrap();
            assert!(found.iter().all(|&node| node < 200), "bit {bit}");
            n_walked += 1;
        }
        assert!(n_walked > 300, "only {n_walked} files were walked");
    }
}
