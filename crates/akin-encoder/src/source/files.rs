//! The result of reading a model: the shape of its body, the bytes of its files, its settings.

use std::sync::Arc;

use super::prompts::Prompts;
use crate::head::Head;
use crate::packed::Shape;
use crate::pooling::Pooling;
use crate::static_table::StaticTable;
use crate::tensors::TensorBytes;

/// Token limit of models without a limit, such as static embeddings.
pub(crate) const UNLIMITED_TOKENS: usize = 1 << 20;

/// How token ids become hidden states or vectors.
pub(crate) enum BodyPlan {
    /// A transformer of this shape.
    Transformer(Box<Shape>),
    /// One vector per token.
    Static(StaticTable),
}

/// The contents of a model's folder.
pub(crate) struct ModelFiles {
    pub(crate) name: String,
    pub(crate) revision: Option<String>,
    pub(crate) body: BodyPlan,
    pub(crate) tokenizer: TensorBytes,
    pub(crate) weights: Arc<TensorBytes>,
    pub(crate) int8_calibration: Option<TensorBytes>,
    /// Texts with the embeddings that another program computed.
    pub(crate) golden: Option<TensorBytes>,
    pub(crate) weights_sha256: String,
    pub(crate) tokenizer_sha256: String,
    pub(crate) pooling: Pooling,
    /// The modules between pooling and scaling to length 1.
    pub(crate) head: Head,
    pub(crate) normalize: bool,
    pub(crate) prompts: Prompts,
    /// The similarity that the folder asks for, if it names one.
    pub(crate) similarity: Option<String>,
    /// Whether texts are put in lower case before the tokenizer sees them.
    pub(crate) lowers_case: bool,
    /// The separator between title and abstract, for families that were trained with one.
    pub(crate) separator: Option<String>,
    pub(crate) max_tokens: usize,
    pub(crate) positions: usize,
    /// Numbers in an embedding.
    pub(crate) dim: usize,
}
