//! A graph over codes, in a file or still being built, as walks see it.
//!
//! In: slices of codes and lists ([`Graph`]), from `stored` or `build`. Out: a node's links and codes, by
//! number, after their file has verified them.
//!
//! Invariant: no link leads outside the graph, whatever the lists hold.

use super::checked::Damage;
use super::format::LEVELS;
use super::stored::StoredSegment;

/// A graph over codes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graph<'a> {
    /// Number of nodes.
    pub(super) n_nodes: u32,
    /// Shape `[n_nodes, code_bytes]`.
    pub(super) codes: &'a [u8],
    /// Links of level 0, shape `[n_nodes, room]`.
    pub(super) base: &'a [u32],
    /// Places in a list of level 0.
    pub(super) room: usize,
    /// Upper levels, level 1 first: (node, slot below, links) a slot, shape `[slots, upper_room]`.
    pub(super) levels: [&'a [u32]; LEVELS],
    /// Numbers in an upper node.
    pub(super) upper_room: usize,
    /// A slot of the highest level, or a node where there is but level 0.
    pub(super) entry: u32,
    /// The nodes that no walk reaches.
    pub(super) strays: &'a [u32],
    /// The file that all this is in, if it is in one.
    pub(super) stored: Option<&'a StoredSegment>,
}

impl<'a> Graph<'a> {
    /// Levels above level 0.
    pub(super) fn n_levels(&self) -> usize {
        self.levels
            .iter()
            .take_while(|level| !level.is_empty())
            .count()
    }

    /// Makes sure of a node's code.
    ///
    /// # Errors
    /// [`Damage`].
    #[inline]
    pub(super) fn check_code(&self, node: u32) -> Result<(), Damage> {
        self.stored.map_or(Ok(()), |stored| stored.check_code(node))
    }

    /// The links of a node at level 0, nearest first; the list ends at the first number that is not a node.
    ///
    /// # Errors
    /// [`Damage`].
    #[inline]
    pub(super) fn links(&self, node: u32) -> Result<&'a [u32], Damage> {
        if let Some(stored) = self.stored {
            stored.check_links(node)?;
        }
        Ok(self.room_of(node))
    }

    /// The room of a node's links, not verified: for prefetching only.
    #[inline]
    pub(super) fn room_of(&self, node: u32) -> &'a [u32] {
        &self.base[node as usize * self.room..][..self.room]
    }

    /// The nodes that no walk reaches.
    ///
    /// # Errors
    /// [`Damage`].
    pub(super) fn strays(&self) -> Result<&'a [u32], Damage> {
        if let Some(stored) = self.stored {
            stored.check_strays()?;
        }
        Ok(up_to_end(self.strays, self.n_nodes))
    }

    /// The record in a slot of an upper level (counted from 1): its node, its slot one level down (at level
    /// 1: the node), and the slots it links to.
    ///
    /// # Errors
    /// [`Damage`].
    pub(super) fn upper(&self, level: usize, slot: u32) -> Result<(u32, u32, &'a [u32]), Damage> {
        if let Some(stored) = self.stored {
            stored.check_slot(level, slot)?;
        }
        let record = &self.levels[level - 1][slot as usize * self.upper_room..][..self.upper_room];
        let below = match level {
            1 => self.n_nodes,
            _ => self.n_slots(level - 1),
        };
        let links = up_to_end(&record[2..], self.n_slots(level));
        Ok((
            record[0].min(self.n_nodes - 1),
            record[1].min(below - 1),
            links,
        ))
    }

    fn n_slots(&self, level: usize) -> u32 {
        (self.levels[level - 1].len() / self.upper_room) as u32
    }
}

/// The numbers of a list up to its end, which is the first that is not below `bound`.
#[inline]
fn up_to_end(list: &[u32], bound: u32) -> &[u32] {
    let end = list.iter().position(|&number| number >= bound);
    &list[..end.unwrap_or(list.len())]
}
