//! A batch of texts as rows on a device, one a token.

use candle_core::{Device, Result, Tensor};

use crate::packed::PositionEncoding;

/// How the texts of a batch lie in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrangement {
    /// One text after another.
    Packed,
    /// Every text as long as the longest, filled up behind its end.
    Padded,
}

/// A batch of texts.
pub(super) struct Rows {
    /// Tokens of each text.
    pub(super) lengths: Vec<usize>,
    /// Rows of each text where they are padded: the tokens of the longest.
    pub(super) longest: usize,
    /// Token ids, `[rows]`, u32
    pub(super) ids: Tensor,
    /// The row of its position embedding of each token, `[rows]`, u32; where there are such.
    pub(super) positions: Option<Tensor>,
    /// The place of each token in its text, `[rows]`, u32
    pub(super) places: Tensor,
    /// The first row of each text, and the end of the last, `[texts + 1]`, u32
    pub(super) starts: Tensor,
}

impl Rows {
    /// Puts texts on a device.
    ///
    /// # Errors
    /// What the device says.
    pub(super) fn new(
        texts: &[&[u32]],
        places: PositionEncoding,
        arrangement: Arrangement,
        device: &Device,
    ) -> Result<Rows> {
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
        let rows_of = |length: usize| match arrangement {
            Arrangement::Packed => length,
            Arrangement::Padded => longest,
        };
        let mut starts = vec![0];
        for &length in &lengths {
            starts.push(starts[starts.len() - 1] + rows_of(length) as u32);
        }
        let mut ids = Vec::with_capacity(starts[lengths.len()] as usize);
        let (mut positions, mut offsets) = (Vec::new(), Vec::with_capacity(ids.capacity()));
        for text in texts {
            ids.extend_from_slice(text);
            ids.resize(ids.len() + rows_of(text.len()) - text.len(), 0);
            offsets.extend(0..rows_of(text.len()) as u32);
            if let PositionEncoding::Learned { first, padding } = places {
                positions.extend(positions_of(text, first, padding));
                positions.resize(ids.len(), 0);
            }
        }
        let n = ids.len();
        let tensor = |numbers: Vec<u32>| {
            let n = numbers.len();
            Tensor::from_vec(numbers, n, device)
        };
        let positions = (positions.len() == n).then(|| tensor(positions));
        Ok(Rows {
            lengths,
            longest,
            ids: tensor(ids)?,
            positions: positions.transpose()?,
            places: tensor(offsets)?,
            starts: tensor(starts)?,
        })
    }
}

/// The row of the position embeddings of each token.
fn positions_of(ids: &[u32], first: usize, padding: Option<u32>) -> impl Iterator<Item = u32> {
    let mut next = first as u32;
    ids.iter().map(move |id| {
        if padding == Some(*id) {
            return first as u32 - 1;
        }
        next += 1;
        next - 1
    })
}
