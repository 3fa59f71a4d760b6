//! Large arrays for building: memory in huge pages where the system has them.
//!
//! Building a graph reads nodes from all over hundreds of megabytes. With pages of 4 KiB, most of that time
//! goes to finding pages.

use memmap2::MmapMut;

/// An array of 32-bit numbers, or of four times as many bytes.
#[derive(Debug)]
pub(super) enum Large {
    Mapped(MmapMut, usize),
    /// Where nothing can be mapped.
    Plain(Vec<u32>),
}

impl Large {
    /// `n` numbers, all of them `number`.
    pub(super) fn filled(number: u32, n: usize) -> Large {
        let mut large = match MmapMut::map_anon((4 * n).max(1)) {
            Ok(map) => {
                // Not to have huge pages is slower, not wrong.
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Large::Mapped(map, n)
            }
            Err(_) => return Large::Plain(vec![number; n]),
        };
        if number != 0 {
            large.numbers_mut().fill(number);
        }
        large
    }

    pub(super) fn numbers(&self) -> &[u32] {
        match self {
            Large::Mapped(map, n) => bytemuck::cast_slice(&map[..4 * n]),
            Large::Plain(numbers) => numbers,
        }
    }

    pub(super) fn numbers_mut(&mut self) -> &mut [u32] {
        match self {
            Large::Mapped(map, n) => bytemuck::cast_slice_mut(&mut map[..4 * *n]),
            Large::Plain(numbers) => numbers,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self.numbers())
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(self.numbers_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bytes_are_the_same_memory() {
        for mut large in [Large::filled(7, 3), Large::Plain(vec![7; 3])] {
            large.bytes_mut()[4] = 9;
            assert_eq!(large.numbers(), [7, 9, 7]);
            assert_eq!(large.bytes().len(), 12);
        }
        assert_eq!(Large::filled(7, 0).numbers(), [0u32; 0]);
    }
}
