//! The forward pass of any [`Shape`] on a device: candle computes the matrix products, [`Operations`] the
//! rest.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Device, Result, Tensor};

use super::choice::ChosenDevice;
use super::composed::Composed;
use super::kernels::Kernels;
use super::load::{DeviceLayer, DeviceNorms, DeviceWeights, Linear};
use super::operations::{Normalisation, Operations};
use super::outlook::DevicePattern;
use super::queue::Queue;
use super::rows::{Arrangement, Rows};
use crate::packed::{Shape, Tensors};
use crate::pooling::{Pooling, PoolingMode};
use crate::tensors::Reason;

/// Largest number of tokens to compute together; larger products are not faster.
const MOST_TOKENS: usize = 65_536;

/// Smallest number of tokens to compute together; a batch that does not fit is halved.
const FEWEST_TOKENS: usize = 2048;

/// The part of the free memory that a batch may take: one is computed while the next is put on the device.
const SHARE_OF_MEMORY: usize = 4;

/// Tokens of the texts that our kernels are checked with: within and beyond a tile of attention.
const PROBE_TOKENS: [usize; 3] = [5, 64, 150];

/// How their vectors are pooled: tokens at either end, and all.
const PROBE_MODES: [PoolingMode; 3] = [PoolingMode::Cls, PoolingMode::LastToken, PoolingMode::Mean];

/// How close vectors of the same text are at least that differ by rounding to f16.
const LEAST_COSINE: f32 = 0.999;

/// The same of bf16.
const LEAST_COSINE_BF16: f32 = 0.99;

/// An encoder body with its weights on a device.
pub(crate) struct DeviceBody {
    shape: Shape,
    device: Device,
    weights: DeviceWeights,
    operations: Box<dyn Operations>,
    queue: Queue,
    dtype: DType,
    /// Why candle's operations are used instead of our own kernels.
    refused: Option<String>,
    /// Before the weights were put there.
    free_bytes: Option<usize>,
    budget_tokens: AtomicUsize,
}

impl DeviceBody {
    /// Puts a checkpoint's tensors on a device.
    ///
    /// # Errors
    /// Names the tensor that is missing or of the wrong size, or gives the device's error.
    pub(crate) fn new(
        shape: Shape,
        tensors: &Tensors<'_>,
        to: &ChosenDevice,
    ) -> std::result::Result<DeviceBody, Reason> {
        let dtype = to.dtype_for(&shape);
        let free_bytes = to.free_bytes();
        let queue = Queue::new(&to.device);
        let weights = queue.put(|| DeviceWeights::load(&shape, tensors, &to.device, dtype))?;
        let kernels = Kernels::for_shape(&shape, dtype).filter(|_| to.has_kernels);
        let operations: Box<dyn Operations> = match kernels {
            Some(kernels) => Box::new(kernels),
            None => Box::new(Composed),
        };
        let token_bytes = token_bytes(&shape, operations.arrangement());
        Ok(DeviceBody {
            budget_tokens: budget_tokens(free_bytes, token_bytes).into(),
            free_bytes,
            dtype,
            refused: None,
            device: to.device.clone(),
            weights,
            operations,
            queue,
            shape,
        })
    }

    /// Checks our own kernels, if they are to be used: embeds a few texts with them and with candle's
    /// operations. If the vectors differ, or a kernel does not run on this device, the body uses candle's.
    ///
    /// # Errors
    /// The device's error, if candle's operations fail too.
    pub(crate) fn checked(mut self) -> Result<DeviceBody> {
        if !self.is_fused() {
            return Ok(self);
        }
        let ours = self.probe();
        let kernels = std::mem::replace(&mut self.operations, Box::new(Composed));
        let theirs = self.probe()?;
        let least = match self.dtype {
            DType::BF16 => LEAST_COSINE_BF16,
            _ => LEAST_COSINE,
        };
        let refused = match ours {
            Err(error) => Some(error.to_string()),
            Ok(ours) => {
                let cosines = ours.iter().zip(&theirs).map(|(a, b)| cosine(a, b));
                let is_close = |cosine: &f32| *cosine >= least;
                let off = cosines.into_iter().find(|cosine| !is_close(cosine));
                off.map(|cosine| format!("a cosine of {cosine} to candle's vectors"))
            }
        };
        if refused.is_none() {
            self.operations = kernels;
        } else {
            let token_bytes = token_bytes(&self.shape, Arrangement::Padded);
            self.budget_tokens = budget_tokens(self.free_bytes, token_bytes).into();
        }
        self.refused = refused;
        Ok(self)
    }

    /// The vectors of a few texts of token ids as they come, one of each text and mode.
    fn probe(&self) -> Result<Vec<Vec<f32>>> {
        let text = |n: usize| -> Vec<u32> {
            let ids = (0..n.min(self.shape.positions)).map(|i| (i + 1) * 7919 % self.shape.vocab);
            ids.map(|id| id as u32).collect()
        };
        let texts = PROBE_TOKENS.map(text);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let vectors = self.embed_batch(&texts, &Pooling::several(&PROBE_MODES))?;
        let of_modes = vectors
            .iter()
            .flat_map(|vector| vector.chunks_exact(self.shape.hidden));
        Ok(of_modes.map(<[f32]>::to_vec).collect())
    }

    /// Whether our own kernels stand between its products.
    pub(super) fn is_fused(&self) -> bool {
        self.operations.arrangement() == Arrangement::Packed
    }

    /// The shape it has.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The numbers that it computes with, such as `f16`, and why by candle's operations, where our own kernels
    /// were to be used.
    pub(crate) fn describe(&self) -> String {
        let numbers = format!("{:?}", self.dtype).to_lowercase();
        match &self.refused {
            Some(reason) => format!("{numbers} by candle's operations ({reason})"),
            None => numbers,
        }
    }

    /// The best number of tokens to compute together.
    pub(crate) fn budget_tokens(&self) -> usize {
        self.budget_tokens.load(Ordering::Relaxed)
    }

    /// One pooled vector per text, `[modes * hidden]`. If the batch does not fit the device's memory, its
    /// halves are computed one after another, and later batches are smaller.
    ///
    /// # Errors
    /// The device's error; out of memory, if even a single text does not fit.
    pub(crate) fn embed(&self, texts: &[&[u32]], pooling: &Pooling) -> Result<Vec<Vec<f32>>> {
        match self.embed_batch(texts, pooling) {
            Err(error) if is_out_of_memory(&error) => {
                let n_tokens: usize = texts.iter().map(|ids| ids.len()).sum();
                let smaller = (n_tokens / 2).max(FEWEST_TOKENS);
                self.budget_tokens.fetch_min(smaller, Ordering::Relaxed);
                // What another batch holds is free behind it.
                self.queue.drain()?;
                if texts.len() == 1 {
                    return self.embed_batch(texts, pooling);
                }
                let (first, last) = texts.split_at(texts.len() / 2);
                let mut vectors = self.embed(first, pooling)?;
                vectors.append(&mut self.embed(last, pooling)?);
                Ok(vectors)
            }
            embedded => embedded,
        }
    }

    fn embed_batch(&self, texts: &[&[u32]], pooling: &Pooling) -> Result<Vec<Vec<f32>>> {
        if texts.iter().all(|ids| ids.is_empty()) {
            let dim = pooling.modes().len() * self.shape.hidden;
            return Ok(vec![vec![0.0; dim]; texts.len()]);
        }
        let arrangement = self.operations.arrangement();
        let rows = Rows::new(texts, self.shape.places, arrangement, &self.device)?;
        self.queue.run(|| {
            let states = self.forward(&rows)?;
            self.operations.pool(&states, &rows, pooling)
        })
    }

    /// Hidden states `[rows, hidden]`.
    fn forward(&self, rows: &Rows) -> Result<Tensor> {
        let weights = &self.weights;
        let mut states = weights.words.index_select(&rows.ids, 0)?;
        if let (Some(table), Some(positions)) = (&weights.positions, &rows.positions) {
            states = (states + table.index_select(positions, 0)?)?;
        }
        let normalised = |states: Tensor, norm| match norm {
            None => Ok(states),
            norm => {
                let to = Normalisation {
                    norm,
                    ..Normalisation::default()
                };
                self.operations.normalise(&states, to)
            }
        };
        states = normalised(states, weights.embedding_norm.as_ref())?;
        for (layer, &kind) in weights.layers.iter().zip(&self.shape.kind_of) {
            let outlook = &weights.outlooks[kind];
            let input = normalised(states.clone(), layer.attention.before.as_ref())?;
            let context = self.attend(layer, outlook, &input, rows)?;
            states = self.join(states, &context, &layer.attention_out, &layer.attention)?;
            let input = normalised(states.clone(), layer.feed_forward.before.as_ref())?;
            let wide = input.matmul(&layer.widen.weight)?;
            let bias = layer.widen.bias.as_ref();
            let inner = self.operations.activate(&self.shape, wide, bias)?;
            states = self.join(states, &inner, &layer.narrow, &layer.feed_forward)?;
        }
        normalised(states, weights.last_norm.as_ref())
    }

    fn attend(
        &self,
        layer: &DeviceLayer,
        outlook: &DevicePattern,
        input: &Tensor,
        rows: &Rows,
    ) -> Result<Tensor> {
        let fused = input.matmul(&layer.fused.weight)?;
        self.operations
            .attend(&self.shape, layer, outlook, fused, rows)
    }

    /// The end of a block: `after(states + branch(map(inner)))`.
    fn join(
        &self,
        states: Tensor,
        inner: &Tensor,
        map: &Linear,
        around: &DeviceNorms,
    ) -> Result<Tensor> {
        let to = Normalisation {
            bias: map.bias.as_ref(),
            branch: around.branch.as_ref(),
            added: Some(&states),
            norm: around.after.as_ref(),
        };
        self.operations.normalise(&inner.matmul(&map.weight)?, to)
    }
}

/// What a token takes of a device's memory while a layer is computed, about.
fn token_bytes(shape: &Shape, arrangement: Arrangement) -> usize {
    let heads = shape.heads + 2 * shape.key_heads;
    let states = 5 * shape.hidden + (heads + shape.heads) * shape.head_dim;
    let inner = shape.intermediate * if shape.gate.is_some() { 3 } else { 2 };
    let scores = match arrangement {
        Arrangement::Packed => 0,
        // In f32, in 16 bits, and what each step makes of them.
        Arrangement::Padded => 6 * shape.heads * shape.positions,
    };
    2 * (states + inner + scores)
}

/// The number of tokens to compute together.
fn budget_tokens(free_bytes: Option<usize>, token_bytes: usize) -> usize {
    let fitting = free_bytes.map_or(MOST_TOKENS / 2, |free| free / SHARE_OF_MEMORY / token_bytes);
    fitting.clamp(FEWEST_TOKENS, MOST_TOKENS)
}

/// The cosine similarity; not a number where a vector holds such.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

/// Whether a device said that it has no room.
fn is_out_of_memory(error: &candle_core::Error) -> bool {
    let words = error.to_string().to_lowercase();
    let said = ["out of memory", "out_of_memory", "alloc_failed"];
    said.iter().any(|said| words.contains(said))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{device_and_packed, files_of, on_cpu};
    use super::*;
    use akin_kernels::Isas;

    #[test]
    fn a_batch_is_as_large_as_the_memory_lets_it() {
        assert_eq!(budget_tokens(Some(140 << 30), 12_000), MOST_TOKENS);
        assert_eq!(budget_tokens(Some(1 << 30), 12_000), 22_369);
        assert_eq!(budget_tokens(Some(0), 12_000), FEWEST_TOKENS);
    }

    /// Candle's operations, with something wrong.
    #[derive(Clone, Copy)]
    enum Faulty {
        /// There is room for two texts.
        Small,
        /// They pass for kernels of our own, and all vectors are of this number.
        Wrong(f32),
    }

    impl Operations for Faulty {
        fn arrangement(&self) -> Arrangement {
            match self {
                Faulty::Small => Arrangement::Padded,
                Faulty::Wrong(_) => Arrangement::Packed,
            }
        }

        fn normalise(&self, rows: &Tensor, to: Normalisation<'_>) -> Result<Tensor> {
            Composed.normalise(rows, to)
        }

        fn activate(&self, shape: &Shape, wide: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
            Composed.activate(shape, wide, bias)
        }

        fn attend(
            &self,
            shape: &Shape,
            layer: &DeviceLayer,
            outlook: &DevicePattern,
            fused: Tensor,
            rows: &Rows,
        ) -> Result<Tensor> {
            match self {
                Faulty::Small if rows.lengths.len() > 2 => {
                    candle_core::bail!("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")")
                }
                Faulty::Small => Composed.attend(shape, layer, outlook, fused, rows),
                Faulty::Wrong(_) => fused.narrow(1, 0, shape.hidden)?.contiguous(),
            }
        }

        fn pool(&self, states: &Tensor, rows: &Rows, pooling: &Pooling) -> Result<Tensor> {
            match self {
                Faulty::Small => Composed.pool(states, rows, pooling),
                Faulty::Wrong(number) => {
                    let dims = (rows.lengths.len(), states.dim(1)?);
                    Tensor::full(*number, dims, states.device())
                }
            }
        }
    }

    fn body() -> DeviceBody {
        let files = files_of("tiny-bert-cls");
        device_and_packed(&files, &on_cpu(DType::F32, false), Isas::scalar()).0
    }

    #[test]
    fn kernels_that_are_wrong_on_a_device_are_not_used() {
        for wrong in [1.0, f32::NAN] {
            let mut body = body();
            let plain = body.probe().unwrap();
            body.operations = Box::new(Faulty::Wrong(wrong));
            assert_ne!(body.probe().unwrap(), plain);
            let checked = body.checked().unwrap();
            assert_eq!(checked.probe().unwrap(), plain);
            let described = checked.describe();
            assert!(
                described.starts_with("f32 by candle's operations ("),
                "{described}"
            );
        }
        assert_eq!(body().checked().unwrap().describe(), "f32");
    }

    #[test]
    fn a_batch_that_finds_no_room_is_halved_until_it_does() {
        let mut body = body();
        let texts: Vec<Vec<u32>> = (1..10)
            .map(|n| (0..n).map(|i| 5 + i * n).collect())
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let pooling = Pooling::new(PoolingMode::Mean);
        let expected = body.embed(&texts, &pooling).unwrap();
        body.operations = Box::new(Faulty::Small);
        assert!(body.budget_tokens() > FEWEST_TOKENS);
        let found = body.embed(&texts, &pooling).unwrap();
        assert_eq!(body.budget_tokens(), FEWEST_TOKENS);
        let pairs = found.iter().flatten().zip(expected.iter().flatten());
        assert_eq!(found.len(), 9);
        for (a, b) in pairs {
            assert!((a - b).abs() < 1e-4, "{a}, not {b}");
        }
    }

    #[test]
    fn what_a_device_says_of_its_memory_is_understood() {
        let of = |words: &str| is_out_of_memory(&candle_core::Error::Msg(words.to_owned()));
        assert!(of(
            "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"
        ));
        assert!(of("Out of memory"));
        assert!(of("CublasError(CUBLAS_STATUS_ALLOC_FAILED)"));
        assert!(!of("CUBLAS_STATUS_NOT_INITIALIZED"));
    }
}
