//! What reading a model gives: the shape of its body, the bytes of its files, its settings.

use std::sync::Arc;

use super::prompts::Prompts;
use crate::head::Head;
use crate::packed::Shape;
use crate::pooling::Pooling;
use crate::static_table::StaticTable;
use crate::tensors::TensorBytes;

/// A text of static embeddings may have so many tokens: as many as there are.
pub(crate) const UNLIMITED_TOKENS: usize = 1 << 20;

/// What makes hidden states, or vectors, of token ids.
pub(crate) enum BodyPlan {
    /// A transformer of this shape.
    Transformer(Box<Shape>),
    /// One vector a token.
    Static(StaticTable),
}

/// What a model's folder holds.
pub(crate) struct ModelFiles {
    pub(crate) name: String,
    pub(crate) revision: Option<String>,
    pub(crate) body: BodyPlan,
    pub(crate) tokenizer: TensorBytes,
    pub(crate) weights: Arc<TensorBytes>,
    pub(crate) int8_calibration: Option<TensorBytes>,
    /// Texts with the embeddings that another program gave them.
    pub(crate) golden: Option<TensorBytes>,
    pub(crate) weights_sha256: String,
    pub(crate) tokenizer_sha256: String,
    pub(crate) pooling: Pooling,
    /// What becomes of the pooled vector before it is scaled to length 1.
    pub(crate) head: Head,
    pub(crate) normalize: bool,
    pub(crate) prompts: Prompts,
    /// How the folder wants vectors to be compared, where it says.
    pub(crate) similarity: Option<String>,
    /// Whether texts are to be in lower case before the tokenizer sees them.
    pub(crate) lowers_case: bool,
    /// Stands between title and abstract, in families that were trained so.
    pub(crate) separator: Option<String>,
    pub(crate) max_tokens: usize,
    pub(crate) positions: usize,
    /// Numbers of a finished vector.
    pub(crate) dim: usize,
}
