//! Plans which sequences are computed together: groups that a worker takes through the body, and blocks of
//! a group that attend together.
//!
//! In: the tokens of each sequence. Out: ranges of whole sequences; each is in exactly one.

use std::ops::Range;

/// Smallest number of tokens of a group, if there are enough for each thread. More tokens mean that the
/// weights are read less often; fewer mean that more of the rows stay in a core's cache.
const GROUP_TOKENS: usize = 512;

/// Tokens that go through attention together, at least: their wide rows stay in the cache.
const BLOCK_TOKENS: usize = 128;

/// The tokens of sequences, one sequence after another.
#[derive(Clone, Copy)]
pub(super) struct Sequences<'a> {
    pub(super) ids: &'a [u32],
    /// The type of each token; all are of type 0 where it is empty.
    pub(super) types: &'a [u32],
    /// Tokens of each sequence.
    pub(super) lengths: &'a [usize],
}

impl Sequences<'_> {
    /// Those of a group.
    pub(super) fn in_group(&self, group: &Group) -> Sequences<'_> {
        Sequences {
            ids: &self.ids[group.tokens.clone()],
            types: self.types.get(group.tokens.clone()).unwrap_or_default(),
            lengths: &self.lengths[group.sequences.clone()],
        }
    }
}

/// Whole sequences that one worker takes through the body.
pub(super) struct Group {
    pub(super) sequences: Range<usize>,
    pub(super) tokens: Range<usize>,
}

/// Sequences of a group that go through attention together.
pub(super) struct AttentionBlock<'a> {
    pub(super) lengths: &'a [usize],
    /// The first token, counted in the group.
    pub(super) first: usize,
}

impl AttentionBlock<'_> {
    pub(super) fn n_tokens(&self) -> usize {
        self.lengths.iter().sum()
    }
}

/// Cuts a group into blocks of at least [`BLOCK_TOKENS`], but for the last.
pub(super) fn blocks(lengths: &[usize]) -> Vec<AttentionBlock<'_>> {
    let mut blocks = Vec::new();
    let (mut from, mut first, mut tokens) = (0, 0, 0);
    for (i, &length) in lengths.iter().enumerate() {
        tokens += length;
        if tokens >= BLOCK_TOKENS || i + 1 == lengths.len() {
            let lengths = &lengths[from..=i];
            blocks.push(AttentionBlock { lengths, first });
            (from, first, tokens) = (i + 1, first + tokens, 0);
        }
    }
    blocks
}

/// Cuts a batch into groups of whole sequences, of about equal size and a multiple of the threads.
pub(super) fn group(lengths: &[usize], threads: usize) -> Vec<Group> {
    let total: usize = lengths.iter().sum();
    let rounds = total.div_ceil(GROUP_TOKENS * threads).max(1);
    let share = total.div_ceil(rounds * threads);
    // Below a few dozen tokens a product is no faster for having fewer rows.
    let enough = share.max(32);
    let mut groups: Vec<Group> = Vec::new();
    let mut at = 0;
    for (sequence, &length) in lengths.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if group.tokens.len() + length / 2 < enough => {
                group.sequences.end = sequence + 1;
                group.tokens.end = at + length;
            }
            _ => groups.push(Group {
                sequences: sequence..sequence + 1,
                tokens: at..at + length,
            }),
        }
        at += length;
    }
    groups
}
