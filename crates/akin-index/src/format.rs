//! The layout of a segment's file.
//!
//! In: the numbers of a segment ([`Header`]). Out: the file's first bytes, and the place of every section.
//! All numbers are little-endian:
//!
//! ```text
//! 0        8        12   16     20      24  28        32     36     40     44      48        52
//! ┌────────┬────────┬────┬──────┬───────┬───┬─────────┬──────┬──────┬──────┬───────┬─────────┬─ …
//! │AKINSEGM│version │dim │first │n_rows │m  │n_strays │entry │scale │error │length │n_clipped│ 0
//! └────────┴────────┴────┴──────┴───────┴───┴─────────┴──────┴──────┴──────┴───────┴─────────┴─ …
//! 64                       96                                156                 252
//! ┌────────────────────────┬─────────────────────────────────┬── … ──────────────┬──────┐
//! │space, 32 bytes         │nodes of levels 1..=LEVELS, u32s │ zeros             │crc32 │
//! └────────────────────────┴─────────────────────────────────┴── … ──────────────┴──────┘
//! ┌──────────────────────────────────────┬──────────────────────────────────────┐
//! │codes: n_rows × code_bytes            │links of level 0: n_rows × 2m × u32   │
//! ├──────────────────────────────────────┼──────────────────────────────────────┤
//! │upper nodes, level 1 first:           │strays: n_strays × u32                │
//! │  (node, slot below, 2m × slot) × u32 │clipped: n_clipped × u32              │
//! ├──────────────────────────────────────┴──────────────────────────────────────┤
//! │table: a crc32 for each block of each section, and last the table's own      │
//! └─────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A *node* is a row counted from `first`. `scale`, `error` and `length` are the codes' [`Geometry`], as
//! f32. A segment whose `m` is 0 has codes only: it is scanned, not walked. At an upper level a node is
//! known by its *slot*, its place in that level's list. Links there name slots of the same level; `slot
//! below` is the same node's place one level down (at level 1: the node). `entry` is a slot of the highest
//! level. A list shorter than its room ends at the first [`NONE`]. *Strays* are the nodes that no walk
//! along level 0 reaches from the entry point, or that a walk for their own row misses. A search compares
//! them one by one. *Clipped* are the nodes whose codes do not hold their rows, in order.
//!
//! Each section begins at a multiple of [`ALIGNMENT`], with zeros before it. A block holds
//! [`CODES_A_BLOCK`] codes, [`LISTS_A_BLOCK`] lists of links or upper nodes, or as many strays or clipped
//! nodes as fit [`ALIGNMENT`] bytes. Its checksum covers its bytes, but not the zeros between sections.
//!
//! Invariant: a header that [`Header::parse`] accepts encodes to the very bytes it came from, its
//! counts agree with one another, and its sections cannot overlap.

use super::checked::FileSection;
use super::codes::{Geometry, code_bytes};
use super::span::Span;

const MAGIC: &[u8; 8] = b"AKINSEGM";
const VERSION: u32 = 2;
pub(super) const HEADER_BYTES: usize = 256;
pub(super) const ALIGNMENT: usize = 64;
const HEADER_SUM: usize = HEADER_BYTES - 4;

/// Levels above level 0 that a graph can have.
pub(super) const LEVELS: usize = 15;

/// The largest `m` a graph can have.
pub(super) const M_MAX: usize = 128;

/// Rows of the largest segment: a walk keeps two marks beside the number of a node.
pub(super) const ROWS_MAX: u32 = 1 << 30;

/// The end of a list of links that does not fill its room.
pub(super) const NONE: u32 = u32::MAX;

/// Codes that share a checksum.
pub(super) const CODES_A_BLOCK: usize = 8;

/// Lists of links that share a checksum.
pub(super) const LISTS_A_BLOCK: usize = 32;

/// The first bytes of a file; they determine the place of everything else.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub(super) dim: u32,
    pub(super) span: Span,
    pub(super) m: u32,
    pub(super) n_strays: u32,
    pub(super) n_clipped: u32,
    pub(super) entry: u32,
    pub(super) geometry: Geometry,
    pub(super) space: [u8; 32],
    pub(super) level_nodes: [u32; LEVELS],
}

/// Where the sections of a file lie.
#[derive(Debug, Clone)]
pub(super) struct SectionLayout {
    pub(super) codes: FileSection,
    pub(super) base: FileSection,
    pub(super) upper: FileSection,
    pub(super) strays: FileSection,
    pub(super) clipped: FileSection,
    /// The blocks' checksums; the table's own follows.
    pub(super) table: std::ops::Range<usize>,
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
            self.geometry.scale.to_bits(),
            self.geometry.error.to_bits(),
            self.geometry.length.to_bits(),
            self.n_clipped,
        ];
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..52].copy_from_slice(&little_endian(&numbers));
        bytes[64..96].copy_from_slice(&self.space);
        bytes[96..96 + 4 * LEVELS].copy_from_slice(&little_endian(&self.level_nodes));
        let sum = crc32fast::hash(&bytes[..HEADER_SUM]);
        bytes[HEADER_SUM..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Parses the header at the start of a file; the error says why there is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Header, String> {
        let bytes = bytes.get(..HEADER_BYTES).ok_or("it is too short")?;
        let number = |at: usize| u32_at(bytes, at);
        if &bytes[..8] != MAGIC || number(8) != VERSION {
            return Err(format!("it is not a segment of format {VERSION}"));
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
            geometry: Geometry {
                scale: f32::from_bits(number(36)),
                error: f32::from_bits(number(40)),
                length: f32::from_bits(number(44)),
            },
            n_clipped: number(48),
            space: bytes[64..96].try_into().expect("32 bytes"),
            level_nodes: std::array::from_fn(|level| number(96 + 4 * level)),
        };
        let whole = header.encode() == bytes && header.is_consistent();
        whole
            .then_some(header)
            .ok_or("its header does not match its checksum".to_owned())
    }

    fn is_consistent(&self) -> bool {
        let mut sizes = vec![self.span.n_rows];
        sizes.extend(self.level_nodes);
        let top = sizes.iter().rev().find(|&&nodes| nodes > 0);
        let Geometry {
            scale,
            error,
            length,
        } = self.geometry;
        self.m <= M_MAX as u32
            && self.span.n_rows <= ROWS_MAX
            && sizes.is_sorted_by(|below, above| below >= above)
            && top.is_some_and(|&nodes| self.entry < nodes)
            && self.n_strays <= self.span.n_rows
            && self.n_clipped <= self.span.n_rows
            && [scale, error, length]
                .iter()
                .all(|x| x.is_finite() && *x >= 0.0)
    }

    /// Numbers in an upper node.
    pub(super) fn upper_room(&self) -> usize {
        2 + 2 * self.m as usize
    }

    /// Where the sections lie, unless their sizes are past all counting.
    pub(super) fn layout(&self) -> Option<SectionLayout> {
        let n_rows = self.span.n_rows as usize;
        let n_upper = self.level_nodes.iter().map(|&nodes| nodes as usize).sum();
        let mut end = HEADER_BYTES;
        let mut first_block = 0;
        let mut section = |n: usize, each_bytes: usize, a_block: usize| {
            let start = end.checked_next_multiple_of(ALIGNMENT)?;
            end = start.checked_add(n.checked_mul(each_bytes)?)?;
            let section = FileSection {
                bytes: start..end,
                block_bytes: each_bytes.max(1) * a_block,
                first_block,
            };
            first_block += section.n_blocks();
            Some(section)
        };
        let codes = section(n_rows, code_bytes(self.dim as usize), CODES_A_BLOCK)?;
        let base = section(n_rows, 8 * self.m as usize, LISTS_A_BLOCK)?;
        let upper = section(n_upper, 4 * self.upper_room(), LISTS_A_BLOCK)?;
        let strays = section(self.n_strays as usize, 4, ALIGNMENT / 4)?;
        let clipped = section(self.n_clipped as usize, 4, ALIGNMENT / 4)?;
        let n_blocks = clipped.first_block + clipped.n_blocks();
        let table = section(n_blocks, 4, 1)?.bytes;
        Some(SectionLayout {
            codes,
            base,
            upper,
            strays,
            clipped,
            table,
        })
    }
}

impl SectionLayout {
    /// The sections that have checksums, in their order.
    pub(super) fn sections(&self) -> [&FileSection; 5] {
        let SectionLayout {
            codes,
            base,
            upper,
            strays,
            clipped,
            ..
        } = self;
        [codes, base, upper, strays, clipped]
    }

    /// Bytes of the whole file: the table's own checksum is last.
    pub(super) fn file_bytes(&self) -> usize {
        self.table.end + 4
    }
}

/// The number that starts at this byte.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

/// The bytes of some numbers.
pub(super) fn little_endian(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}
