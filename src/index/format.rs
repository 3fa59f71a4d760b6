//! The layout of a graph file: where everything stands in it.
//!
//! In: the numbers of a graph ([`Header`]). Out: its first bytes, and the place of every section.
//! All numbers are little-endian:
//!
//! ```text
//! 0        8         12    16      20     24   28         32      36               64
//! ┌────────┬─────────┬─────┬───────┬──────┬────┬──────────┬───────┬── … ───────────┬─ …
//! │AKINGRAF│version  │dim  │first  │n_rows│m   │n_strays  │entry  │ zeros          │
//! └────────┴─────────┴─────┴───────┴──────┴────┴──────────┴───────┴── … ───────────┴─ …
//! 64                       96                                156                 HEADER_BYTES
//! ┌────────────────────────┬─────────────────────────────────┬── … ───────────────┐
//! │space, 32 bytes         │nodes of levels 1..=LEVELS, u32s │ zeros              │
//! └────────────────────────┴─────────────────────────────────┴── … ───────────────┘
//! ┌──────────────────────────────────────┬──────────────────────────────────────┐
//! │codes: n_rows × (dim × i8, scale f32) │links of level 0: n_rows × 2m × u32   │
//! ├──────────────────────────────────────┼──────────────────────────────────────┤
//! │upper nodes, level 1 first:           │strays: n_strays × u32                │
//! │  (node, slot below, m × slot) × u32  │                                      │
//! ├──────────────────────────────────────┴──────────────────────────────────────┤
//! │checksums: crc32 of the header and of each of the four sections              │
//! └─────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Each section begins at a multiple of [`ALIGNMENT`] and its checksum covers the zeros before the
//! next. A *node* is a row counted from `first`. At an upper level a node is known by its *slot*,
//! its place in that level's list; links there name slots of the same level, and `slot below` is
//! the same node's place one level down (at level 1: the node). `entry` is a slot of the highest
//! level. A list shorter than its room ends at the first [`NONE`]. *Strays* are the nodes that
//! no walk along level 0 can reach from the entry point: a search compares them one by one.
//!
//! Invariant: a header that [`Header::parse`] accepts encodes to the very bytes it came from, its
//! counts agree with one another, and its sections cannot overlap.

use std::ops::Range;

use super::quantize::code_bytes;
use super::span::Span;

const MAGIC: &[u8; 8] = b"AKINGRAF";
const VERSION: u32 = 1;
pub(super) const HEADER_BYTES: usize = 256;
pub(super) const ALIGNMENT: usize = 64;
pub(super) const SECTIONS: usize = 4;
const CHECKSUMS_BYTES: usize = 4 * (1 + SECTIONS);

/// Levels above level 0 that a graph can have.
pub(super) const LEVELS: usize = 15;

/// The largest `m` a graph can have.
pub(super) const M_MAX: usize = 128;

/// The end of a list of links that does not fill its room.
pub(super) const NONE: u32 = u32::MAX;

/// What stands in the first bytes of a file, and with that where everything else stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dim: u32,
    pub(super) span: Span,
    pub(super) m: u32,
    pub(super) n_strays: u32,
    pub(super) entry: u32,
    pub(super) space: [u8; 32],
    pub(super) level_nodes: [u32; LEVELS],
}

/// Where the sections of a file lie, in bytes.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) codes: Range<usize>,
    pub(super) base: Range<usize>,
    pub(super) upper: Range<usize>,
    pub(super) strays: Range<usize>,
    pub(super) checksums: Range<usize>,
}

impl Header {
    /// The first bytes of a file.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let numbers = [
            VERSION,
            self.dim,
            self.span.first,
            self.span.n_rows,
            self.m,
            self.n_strays,
            self.entry,
        ];
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..36].copy_from_slice(&little_endian(&numbers));
        bytes[64..96].copy_from_slice(&self.space);
        bytes[96..96 + 4 * LEVELS].copy_from_slice(&little_endian(&self.level_nodes));
        bytes
    }

    /// The header at the start of a file, or in words why there is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Header, String> {
        let bytes = bytes.get(..HEADER_BYTES).ok_or("it is too short")?;
        let number = |at: usize| u32_at(bytes, at);
        if &bytes[..8] != MAGIC || number(8) != VERSION {
            return Err(format!("it is no graph of format {VERSION}"));
        }
        let header = Header {
            dim: number(12),
            span: Span {
                first: number(16),
                n_rows: number(20),
            },
            m: number(24),
            n_strays: number(28),
            entry: number(32),
            space: bytes[64..96].try_into().expect("32 bytes"),
            level_nodes: std::array::from_fn(|level| number(96 + 4 * level)),
        };
        let whole = header.encode() == bytes && header.is_consistent();
        whole
            .then_some(header)
            .ok_or("its header contradicts itself".to_owned())
    }

    fn is_consistent(&self) -> bool {
        let mut sizes = vec![self.span.n_rows];
        sizes.extend(self.level_nodes);
        let top = sizes.iter().rev().find(|&&nodes| nodes > 0);
        (1..=M_MAX as u32).contains(&self.m)
            && sizes.is_sorted_by(|below, above| below >= above)
            && top.is_some_and(|&nodes| self.entry < nodes)
            && self.n_strays <= self.span.n_rows
    }

    /// Where the sections lie, unless their sizes are past all counting.
    pub(super) fn layout(&self) -> Option<Layout> {
        let [dim, m] = [self.dim, self.m].map(|x| x as usize);
        let n_rows = self.span.n_rows as usize;
        let n_upper = self
            .level_nodes
            .iter()
            .map(|&nodes| nodes as usize)
            .sum::<usize>();
        let mut end = HEADER_BYTES;
        let mut section = |n: usize, each_bytes: usize| {
            let start = end;
            end = start.checked_add(n.checked_mul(each_bytes)?)?;
            let data = start..end;
            end = end.checked_next_multiple_of(ALIGNMENT)?;
            Some(data)
        };
        Some(Layout {
            codes: section(n_rows, code_bytes(dim))?,
            base: section(n_rows, 8 * m)?,
            upper: section(n_upper, 4 * (2 + m))?,
            strays: section(self.n_strays as usize, 4)?,
            checksums: section(1, CHECKSUMS_BYTES)?,
        })
    }
}

impl Layout {
    /// The sections with the zeros after each: what the checksums are of.
    pub(super) fn padded(&self) -> [Range<usize>; SECTIONS] {
        [
            self.codes.start..self.base.start,
            self.base.start..self.upper.start,
            self.upper.start..self.strays.start,
            self.strays.start..self.checksums.start,
        ]
    }
}

/// The number that starts at this byte.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

/// The bytes of some numbers.
pub(super) fn little_endian(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}
