//! A mapped file; its bytes are verified when they are first read.
//!
//! The file's sections are cut into blocks, and a table has a checksum for each. A reader asks for a block
//! before it reads it ([`Checked::block`]); a mapping verifies each block once. So opening a file costs the
//! same at any size, a search verifies only the blocks that it touches, and no damaged byte is used.

#![expect(unsafe_code, reason = "files are mapped into memory")]

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use akin_base::vectors::MarkSet;

/// Some bytes differ from those that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage;

/// A part of a file, cut into blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileSection {
    /// Its bytes in the file.
    pub(super) bytes: Range<usize>,
    /// Bytes of a block; the last may have fewer.
    pub(super) block_bytes: usize,
    /// Blocks in the sections before it.
    pub(super) first_block: usize,
}

impl FileSection {
    pub(super) fn n_blocks(&self) -> usize {
        self.bytes.len().div_ceil(self.block_bytes)
    }
}

/// A mapped file with a table of its blocks' checksums.
#[derive(Debug)]
pub(super) struct Checked {
    map: Mmap,
    /// Where the table is, a little-endian crc32 a block.
    table: Range<usize>,
    verified: MarkSet,
}

/// Maps a file that is never changed once it has its name.
///
/// # Errors
/// Why the file cannot be used.
pub(super) fn map(path: &Path) -> Result<Mmap, String> {
    let file = File::open(path).map_err(|e| format!("it cannot be opened ({e})"))?;
    // SAFETY: a segment's file is written under another name and never changed once it has its
    // own; it is replaced or deleted as a whole, which leaves a mapping as it was.
    unsafe { Mmap::map(&file) }.map_err(|e| format!("it cannot be mapped ({e})"))
}

impl Checked {
    /// A file with its table at `table`; the caller has verified the table.
    pub(super) fn new(map: Mmap, table: Range<usize>) -> Checked {
        Checked {
            map,
            verified: MarkSet::none(table.len() / 4),
            table,
        }
    }

    /// All bytes of a section; a block may be read after [`Checked::block`] has verified it.
    pub(super) fn bytes(&self, section: &FileSection) -> &[u8] {
        &self.map[section.bytes.clone()]
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// Makes sure that a block of a section holds what was written.
    ///
    /// # Errors
    /// [`Damage`] if it does not.
    #[inline]
    pub(super) fn block(&self, section: &FileSection, block: usize) -> Result<(), Damage> {
        if self.verified.has(section.first_block + block) {
            return Ok(());
        }
        self.verify(section, block)
    }

    /// Makes sure of a range of blocks.
    ///
    /// # Errors
    /// [`Damage`] if one of them does not hold what was written.
    pub(super) fn blocks(&self, section: &FileSection, blocks: Range<usize>) -> Result<(), Damage> {
        blocks
            .into_iter()
            .try_for_each(|block| self.block(section, block))
    }

    #[cold]
    fn verify(&self, section: &FileSection, block: usize) -> Result<(), Damage> {
        let number = section.first_block + block;
        let start = section.bytes.start + block * section.block_bytes;
        let end = section.bytes.end.min(start + section.block_bytes);
        let stored = &self.map[self.table.clone()][4 * number..][..4];
        if crc32fast::hash(&self.map[start..end]).to_le_bytes() != stored {
            return Err(Damage);
        }
        self.verified.set(number);
        Ok(())
    }
}
