//! Shared by all instruction sets: the form of a code, and the loops over single products.

/// The byte of a code that stands for the number zero.
pub(in super::super) const ZERO: u8 = 128;

/// Bytes that a code's length is a multiple of.
pub(in super::super) const BLOCK: usize = 64;

/// The three loops over one instruction set's `dot` and `prefetch`.
macro_rules! loops {
    ($(#[$features:meta])?) => {
        $(#[$features])?
        pub(super) fn listed(query: &[i8], codes: &[u8], nodes: &[u32], sums: &mut [i32]) {
            /// Nodes whose codes are on their way while one is compared.
            const AHEAD: usize = 3;
            let each_bytes = query.len();
            let code = |node: u32| &codes[node as usize * each_bytes..][..each_bytes];
            nodes.iter().take(AHEAD).for_each(|&node| prefetch(code(node)));
            for (i, (&node, sum)) in nodes.iter().zip(sums).enumerate() {
                if let Some(&next) = nodes.get(i + AHEAD) {
                    prefetch(code(next));
                }
                *sum = dot(code(node), query);
            }
        }

        $(#[$features])?
        pub(super) fn run(query: &[i8], codes: &[u8], sums: &mut [i32]) {
            /// Bytes ahead that are asked for.
            const AHEAD_BYTES: usize = 4096;
            let each = codes.chunks_exact(query.len());
            for (i, (code, sum)) in each.zip(sums).enumerate() {
                if let Some(next) = codes.get(i * query.len() + AHEAD_BYTES..) {
                    prefetch(&next[..query.len().min(next.len())]);
                }
                *sum = dot(code, query);
            }
        }

        $(#[$features])?
        pub(super) fn any_from(floor: i32, code: &[u8], queries: &[i8], offsets: &[i32]) -> bool {
            let mut each = queries.chunks_exact(code.len()).zip(offsets);
            each.any(|(query, offset)| dot(code, query) - offset >= floor)
        }
    };
}
pub(super) use loops;
