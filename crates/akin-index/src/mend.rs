//! Links to the nodes that walks miss.
//!
//! In: the lists of level 0 and the nodes that walks for their own rows do not find. Out: lists with links
//! to them. Among many near-duplicates, a node can be pushed out of every list that it was in. Nodes near
//! it that walks do find link to it again, if their lists have room. If none has room, the nearest gives up
//! the link whose node most other lists lead to. A walk for the lost node's row passes those neighbours,
//! and so meets it.
//!
//! Invariant: a node that a list led to before is still led to by a list.

use rayon::prelude::*;

use super::attach::{BuildPlan, Chooser};
use super::codes::CodedQuery;
use super::format::NONE;
use super::hnsw::Skeleton;
use super::memory::Large;

/// Nodes near a lost one that are asked for room.
const ASKED: usize = 16;

/// Number of these that link to it, if they have room.
const HOSTS: usize = 3;

/// Links the `lost` nodes, whose queries `query_of` makes, into `base`, shape `[n_nodes, 2m]`.
/// Returns the nodes that a list gave up for them, in order.
pub(super) fn mend(
    plan: &BuildPlan,
    skeleton: &Skeleton,
    base: &mut Large,
    lost: &[u32],
    query_of: &(impl Fn(u32) -> CodedQuery + Sync),
) -> Vec<u32> {
    let room = 2 * plan.m;
    let graph = plan.graph(base.numbers(), room, skeleton);
    let start = || Chooser::new(plan);
    let near = |chooser: &mut Chooser, &node: &u32| {
        let mut near = chooser.near(&graph, query_of(node));
        near.retain(|&other| other != node);
        near.truncate(ASKED);
        near
    };
    let asked: Vec<Vec<u32>> = lost.par_iter().map_init(start, near).collect();
    let mut lists = LevelLists::new(base.numbers_mut(), room);
    let mut chooser = start();
    let mut given_up = Vec::new();
    for (&node, asked) in lost.iter().zip(&asked) {
        let mut hosts = Vec::new();
        for &host in asked {
            let list = lists.list(host);
            if list.len() < room && !list.contains(&node) && hosts.len() < HOSTS {
                hosts.push(host);
            }
        }
        for &host in &hosts {
            let longer = [lists.list(host), &[node]].concat();
            lists.set(host, &chooser.among(host, &longer));
        }
        if let ([], Some(&host)) = (hosts.as_slice(), asked.first())
            && let Some((list, link)) = lists.exchanged(host, node)
        {
            lists.set(host, &chooser.among(host, &list));
            given_up.push(link);
        }
    }
    given_up.sort_unstable();
    given_up.dedup();
    given_up
}

/// The lists of level 0, and the number of lists that lead to each node.
struct LevelLists<'a> {
    links: &'a mut [u32],
    room: usize,
    n_leading: Vec<u32>,
}

impl<'a> LevelLists<'a> {
    fn new(links: &'a mut [u32], room: usize) -> LevelLists<'a> {
        let mut n_leading = vec![0; links.len() / room];
        for &link in links.iter().filter(|&&link| link != NONE) {
            n_leading[link as usize] += 1;
        }
        LevelLists {
            links,
            room,
            n_leading,
        }
    }

    fn list(&self, node: u32) -> &[u32] {
        let list = &self.links[node as usize * self.room..][..self.room];
        let end = list.iter().position(|&link| link == NONE);
        &list[..end.unwrap_or(list.len())]
    }

    /// Replaces a list, which may have lost nodes that others lead to.
    fn set(&mut self, node: u32, list: &[u32]) {
        let place = &mut self.links[node as usize * self.room..][..self.room];
        for &link in place.iter().filter(|&&link| link != NONE) {
            self.n_leading[link as usize] -= 1;
        }
        place[..list.len()].copy_from_slice(list);
        place[list.len()..].fill(NONE);
        for &link in list {
            self.n_leading[link as usize] += 1;
        }
    }

    /// A host's list with `node` in the place of another, the one that most lists lead to, and
    /// which that was; `None` where there is none that another list leads to.
    fn exchanged(&self, host: u32, node: u32) -> Option<(Vec<u32>, u32)> {
        let mut list = self.list(host).to_vec();
        if list.contains(&node) {
            return None;
        }
        let leading = |link: u32| self.n_leading[link as usize];
        let places = (0..list.len()).filter(|&place| leading(list[place]) > 1);
        let place = places.max_by_key(|&place| (leading(list[place]), place))?;
        let given_up = std::mem::replace(&mut list[place], node);
        Some((list, given_up))
    }
}

#[cfg(test)]
mod tests {
    use super::super::IndexOptions;
    use super::super::attach::unfound;
    use super::super::build::build;
    use super::super::kernels::Isa;
    use super::super::span::Span;
    use super::super::testdata::{clustered, row_file};
    use super::*;
    use akin_base::progress::Unobserved;
    use akin_base::vectors::Row;

    const N: u32 = 3000;

    #[test]
    fn nodes_that_no_list_leads_to_are_found_again_and_no_other_is_lost() {
        let dir = tempfile::tempdir().expect("a folder");
        let rows = row_file(dir.path(), &clustered(N as usize, 24, 5));
        let span = Span {
            first: 0,
            n_rows: N,
        };
        let options = IndexOptions::eager();
        let mut built = build(&rows, span, &options, &Unobserved).expect("a segment");
        let plan = BuildPlan {
            codes: built.codes.bytes(),
            code_bytes: built.code_bytes,
            whole: 1.0 / (built.geometry.scale * built.geometry.scale),
            m: built.m,
            ef_construction: options.ef_construction,
            isa: Isa::detect(),
        };
        let query_of =
            |node| CodedQuery::new(&rows.vector(Row(node)).expect("a row"), &built.geometry);
        let room = 2 * plan.m;
        // Nodes of the upper levels are entered from above.
        let cut: Vec<u32> = (0..N)
            .filter(|node| node % 16 == 7 && node % 3 == 0)
            .collect();
        for list in built.base.numbers_mut().chunks_mut(room) {
            let mut kept: Vec<u32> = list.to_vec();
            kept.retain(|link| !cut.contains(link));
            kept.resize(room, NONE);
            list.copy_from_slice(&kept);
        }
        let base = &mut built.base;
        let all: Vec<u32> = (0..N).collect();
        let lost = |base: &Large| {
            let graph = plan.graph(base.numbers(), room, &built.skeleton);
            unfound(&plan, &graph, &all, query_of, &Unobserved).expect("no stop")
        };
        let before = lost(base);
        assert!(cut.iter().all(|node| before.contains(node)));
        let leading = |base: &Large| {
            let mut leading = vec![0_u32; N as usize];
            let links = base.numbers().iter().filter(|&&link| link != NONE);
            links.for_each(|&link| leading[link as usize] += 1);
            leading
        };
        let led_to = leading(base);
        mend(&plan, &built.skeleton, base, &before, &query_of);
        assert_eq!(lost(base), [0; 0]);
        for (node, (before, after)) in led_to.iter().zip(leading(base)).enumerate() {
            assert!(*before == 0 || after > 0, "{node} lost its last link");
        }
    }

    #[test]
    fn full_lists_give_up_the_link_that_most_others_lead_to() {
        // Two to a list; 0 is led to thrice, 1 twice, 2 once.
        let mut links = vec![1, 2, 0, NONE, 0, 1, 0, NONE, NONE, NONE];
        let lists = LevelLists::new(&mut links, 2);
        assert_eq!(lists.n_leading, [3, 2, 1, 0, 0]);
        assert_eq!(lists.exchanged(2, 4), Some((vec![4, 1], 0)));
        assert_eq!(lists.exchanged(0, 4), Some((vec![4, 2], 1)));
        assert_eq!(lists.exchanged(0, 2), None);
    }
}
