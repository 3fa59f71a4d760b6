//! The encoder: texts in, embeddings out, through tokenizer, body, pooling and head.
//!
//! In: a [`ModelSource`], then texts, or their token ids from [`Encoder::encode`]. Out: [`Embedded`], one
//! vector per text in the order of the texts.
//!
//! Invariant: batches are planned by length and computed in any order; the vectors do not depend on either.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;

use rayon::prelude::*;

use super::batch;
use super::body::Body;
use super::head::Head;
use super::options::{EncoderOptions, Precision, Role};
use super::recipe::Recipe;
use super::source::{BodyPlan, ModelFiles, ModelSource};
use super::tokenize::{Encoding, ModelInput, Tokenize, ensure_embedded, ensure_known};
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;
use akin_base::vectors;

/// Passages for calibration: real ones, of many fields (arXiv metadata, CC0).
pub(super) fn calibration_texts() -> Vec<&'static str> {
    include_str!("calibration.txt").lines().collect()
}

/// Percentile of the similarities of unrelated titles above which a pair counts as close.
const UNRELATED_PERCENTILE: usize = 99;

/// The outcome of [`Encoder::embed`].
#[derive(Debug, Default)]
pub struct Embedded {
    /// One embedding per text, shape `[dim]`, in the order of the texts. `None` if a stop was requested
    /// before the text was embedded.
    pub vectors: Vec<Option<Vec<f32>>>,
    /// Number of tokens computed, specials included.
    pub n_tokens: u64,
    /// For each text, whether it was cut to the token limit.
    pub truncated: Vec<bool>,
}

/// A sentence-embedding model, ready to embed.
#[derive(Debug)]
pub struct Encoder {
    recipe: Recipe,
    tokenizer: Tokenize,
    pub(super) body: Body,
    head: Head,
    similarity: Option<String>,
    positions: usize,
    pool: rayon::ThreadPool,
    unrelated: OnceLock<f32>,
}

impl Encoder {
    /// Loads a model.
    ///
    /// # Errors
    /// [`Error::Model`] names what is missing or wrong; [`Error::Read`] if a file cannot be read.
    pub fn load(source: &ModelSource, options: &EncoderOptions) -> Result<Encoder> {
        Encoder::from_files(source.read()?, options)
    }

    pub(super) fn from_files(files: ModelFiles, options: &EncoderOptions) -> Result<Encoder> {
        let recipe = Recipe::from_files(&files, options.max_tokens, options.dim)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads.unwrap_or(0))
            .thread_name(|n| format!("encoder-{n}"))
            .build()
            .map_err(|e| Error::Encode { source: e.into() })?;
        let input = match &files.body {
            BodyPlan::Transformer(_) => ModelInput::Texts,
            BodyPlan::Static(table) => ModelInput::Bags {
                drops_unknown: table.is_model2vec(),
            },
        };
        let tokenizer = || {
            let (name, json) = (&files.name, &files.tokenizer);
            Tokenize::load(name, json, input, recipe.max_tokens)
        };
        let sample = || tokenizer()?.encode_all("", &calibration_texts());
        let body = || Body::load(&files, options, recipe.max_tokens, sample);
        let (body, tokenizer) = pool.install(|| rayon::join(body, tokenizer));
        let (tokenizer, body) = (tokenizer?, body?);
        ensure_known(&files.name, &tokenizer, body.vocab_size())?;
        Ok(Encoder {
            recipe,
            tokenizer,
            body,
            head: files.head,
            similarity: files.similarity,
            positions: files.positions,
            pool,
            unrelated: OnceLock::new(),
        })
    }

    /// The model and its settings. Embeddings with the same recipe can be compared.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Describes the arithmetic, such as `int8, avx512+vnni`.
    pub fn describe_arithmetic(&self) -> &str {
        self.body.describe()
    }

    /// The precision that it computes with: f32 or int8. A GPU counts as f32.
    pub fn precision(&self) -> Precision {
        self.body.precision()
    }

    /// The similarity that the model card asks for, if it is not the cosine and embeddings are not scaled
    /// to length 1.
    pub fn other_similarity(&self) -> Option<&str> {
        let named = self.similarity.as_deref();
        named.filter(|name| !self.recipe.normalize && *name != "cosine")
    }

    /// Whether a GPU computes the embeddings.
    pub fn is_on_gpu(&self) -> bool {
        self.body.is_on_gpu()
    }

    /// Why no GPU computes the embeddings, if the device was chosen automatically.
    pub fn refused_by_gpu(&self) -> Option<&str> {
        self.body.refused()
    }

    /// Numbers in an embedding.
    pub fn dim(&self) -> usize {
        self.recipe.dim
    }

    /// The largest token limit that the model allows, specials included.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// Splits texts into token ids and cuts each to the token limit, specials included.
    ///
    /// # Errors
    /// [`Error::Encode`] if the tokenizer fails.
    pub fn encode(&self, texts: &[impl AsRef<str> + Sync], role: Role) -> Result<Vec<Encoding>> {
        let prompt = self.recipe.prompt(role);
        let encode = || {
            if self.recipe.lowers_case {
                let lower = texts.iter().map(|text| text.as_ref().to_lowercase());
                let lower: Vec<String> = lower.collect();
                self.tokenizer.encode_all(&prompt.to_lowercase(), &lower)
            } else {
                self.tokenizer.encode_all(prompt, texts)
            }
        };
        self.pool.install(encode)
    }

    /// Embeds texts in batches of similar length and reports each finished text to `observer`.
    ///
    /// # Errors
    /// [`Error::Encode`] if the arithmetic fails or its result is not finite.
    pub fn embed(
        &self,
        texts: &[impl AsRef<str> + Sync],
        role: Role,
        observer: &dyn Observer,
    ) -> Result<Embedded> {
        self.embed_encoded(&self.encode(texts, role)?, observer)
    }

    /// Embeds texts that [`encode`](Encoder::encode) has split, so that the next texts can be split
    /// meanwhile.
    ///
    /// # Errors
    /// As [`Encoder::embed`].
    pub fn embed_encoded(
        &self,
        encodings: &[Encoding],
        observer: &dyn Observer,
    ) -> Result<Embedded> {
        let lengths: Vec<usize> = encodings.iter().map(|e| e.ids.len()).collect();
        let batches = batch::plan(&lengths, self.body.budget_tokens());
        let n_lanes = self.body.lanes().min(batches.len());
        let batches = Mutex::new(batches.into_iter());
        let has_failed = AtomicBool::new(false);
        // Takes batches until there is none, a stop is requested, or another lane fails.
        let lane = || {
            let mut embedded = Vec::new();
            while !observer.stop_requested() && !has_failed.load(Ordering::Relaxed) {
                let next = batches
                    .lock()
                    .expect("nothing panics while it is held")
                    .next();
                let Some(batch) = next else { break };
                let vectors = self.embed_batch(encodings, &batch);
                has_failed.fetch_or(vectors.is_err(), Ordering::Relaxed);
                let vectors = vectors?;
                observer.advance(batch.len() as u64);
                embedded.extend(batch.into_iter().zip(vectors));
            }
            Ok(embedded)
        };
        let embedded = thread::scope(|scope| {
            let others: Vec<_> = (1..n_lanes).map(|_| scope.spawn(lane)).collect();
            let mut lanes = vec![lane()];
            let joined = |other: thread::ScopedJoinHandle<'_, _>| {
                other.join().unwrap_or_else(|panic| resume_unwind(panic))
            };
            lanes.extend(others.into_iter().map(joined));
            lanes.into_iter().collect::<Result<Vec<Vec<_>>>>()
        })?;
        let mut vectors = vec![None; encodings.len()];
        let mut n_tokens = 0;
        for (text_idx, vector) in embedded.into_iter().flatten() {
            n_tokens += lengths[text_idx] as u64;
            vectors[text_idx] = Some(vector);
        }
        Ok(Embedded {
            vectors,
            n_tokens,
            truncated: encodings.iter().map(|e| e.truncated).collect(),
        })
    }

    /// Embeds one query.
    ///
    /// # Errors
    /// As [`Encoder::embed`], and [`Error::EmptyQuery`].
    pub fn embed_query(&self, text: &str) -> Result<Vec<f32>> {
        if text.trim().is_empty() {
            return Err(Error::EmptyQuery);
        }
        let embedded = self.embed(&[text], Role::Query, &akin_base::progress::Unobserved)?;
        let vector = embedded.vectors.into_iter().next().flatten();
        Ok(vector.expect("an unobserved embedding is never stopped"))
    }

    /// The 99th percentile of the cosine between titles of unrelated papers in this model. Papers at or
    /// below it are not close. Computed once.
    ///
    /// # Errors
    /// As [`Encoder::embed`].
    pub fn unrelated_similarity(&self) -> Result<f32> {
        if let Some(known) = self.unrelated.get() {
            return Ok(*known);
        }
        let title = |text: &'static str| text.split_once(". ").map_or(text, |(title, _)| title);
        let titles: Vec<&str> = calibration_texts().into_iter().map(title).collect();
        let embedded = self.embed(&titles, Role::Passage, &akin_base::progress::Unobserved)?;
        let mut vectors: Vec<Vec<f32>> = embedded.vectors.into_iter().flatten().collect();
        vectors.iter_mut().for_each(|v| vectors::normalize(v));
        let mut similarities = Vec::new();
        for (i, a) in vectors.iter().enumerate() {
            similarities.extend(vectors[..i].iter().map(|b| vectors::dot(a, b)));
        }
        similarities.sort_by(f32::total_cmp);
        let place = similarities.len() * UNRELATED_PERCENTILE / 100;
        Ok(*self.unrelated.get_or_init(|| similarities[place]))
    }

    fn embed_batch(&self, encodings: &[Encoding], batch: &[usize]) -> Result<Vec<Vec<f32>>> {
        let ids: Vec<&[u32]> = batch.iter().map(|&i| &encodings[i].ids[..]).collect();
        ensure_embedded(ids.iter().copied(), self.body.vocab_size())?;
        let embed = || self.body.embed(&ids, &self.recipe.pooling);
        // The threads of the pool may be splitting the next texts: who feeds a GPU does not queue behind them.
        let pooled = if self.is_on_gpu() {
            embed()?
        } else {
            self.pool.install(embed)?
        };
        let finish = |vector| {
            let mut vector = self.head.apply(vector);
            vector.truncate(self.recipe.dim);
            vector
        };
        // What follows pooling is a product or two in some models, too much for the thread that feeds a GPU.
        let mut vectors: Vec<Vec<f32>> = if self.is_on_gpu() {
            pooled.into_par_iter().map(finish).collect()
        } else {
            pooled.into_iter().map(finish).collect()
        };
        for vector in &mut vectors {
            if self.recipe.normalize {
                vectors::normalize(vector);
            }
            if !vector.iter().all(|x| x.is_finite()) {
                let source = "the embedding holds numbers that are not finite".into();
                return Err(Error::Encode { source });
            }
        }
        Ok(vectors)
    }
}
