//! Compares a model's embeddings with golden ones from another program.
//!
//! A model's folder may have a `golden.json`: texts with the embeddings that another program computed.
//!
//! ```json
//! {"texts": ["…"], "embeddings": [[0.1, …]], "roles": ["query", "passage", "none"]}
//! ```
//!
//! A role says which prompt was put before a text; the default is `none`. In: a model and its options. Out:
//! the distance of its embeddings from the golden ones.
//!
//! Int8 distorts rare inputs most. In the bundled model, vectors of abstracts keep a cosine of 0.9995. An
//! empty text, which is only two special tokens, keeps 0.9982. Sums of bytes are exact, so these figures
//! are the same on every instruction set to the fifth digit. Guaranteed are [`LEAST_INT8`] for texts of
//! [`LONG_WORDS`] words or more, and [`LEAST_INT8_OF_ANY`] for all texts.

use serde::{Deserialize, Serialize};

use super::encoder::Encoder;
use super::options::{EncoderOptions, Role};
use super::source::{GOLDEN, ModelFiles, ModelSource};
use akin_base::error::{Error, Result};
use akin_base::progress::Observer;
use akin_base::vectors::{dot, normalize};

/// The least cosine of int8 to f32 vectors of abstracts, with the bundled model.
pub const LEAST_INT8: f32 = 0.999;

/// The least cosine of int8 to f32 vectors of any text, with the bundled model.
pub const LEAST_INT8_OF_ANY: f32 = 0.998;

/// Number of words from which a text counts as an abstract.
pub const LONG_WORDS: usize = 40;

/// What `golden.json` says.
#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    embeddings: Vec<Vec<f32>>,
}

/// The distance of a model's embeddings from its golden ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verification {
    /// The arithmetic, such as `int8, avx512+vnni`.
    pub arithmetic: String,
    /// Number of golden texts; 0 if the model has none.
    pub n_texts: usize,
    /// The least cosine between an embedding and the golden one; two zero vectors count as 1.
    pub least_cosine: f32,
    /// The text with the least cosine.
    pub least_text: String,
    /// The least cosine of a text of [`LONG_WORDS`] words or more, if there is one.
    pub least_cosine_of_long: Option<f32>,
    /// The largest difference of two numbers.
    pub largest_difference: f32,
}

/// Embeds a model's golden texts and compares the vectors.
///
/// # Errors
/// Those of [`Encoder::load`] and [`Encoder::embed`]; [`Error::Model`] if the golden embeddings do not fit
/// the model.
pub fn verify(
    source: &ModelSource,
    options: &EncoderOptions,
    observer: &dyn Observer,
) -> Result<Verification> {
    let files = source.read()?;
    let golden = Golden::from_files(&files)?;
    let name = files.name.clone();
    let encoder = Encoder::from_files(files, options)?;
    let mut verification = Verification {
        arithmetic: encoder.describe_arithmetic().to_owned(),
        n_texts: 0,
        least_cosine: 1.0,
        least_text: String::new(),
        least_cosine_of_long: None,
        largest_difference: 0.0,
    };
    let cases = golden.texts.iter().zip(&golden.embeddings).enumerate();
    for (i, (text, expected)) in cases {
        let named = golden.roles.get(i).map_or("none", String::as_str);
        let Some(role) = encoder.role_named(named) else {
            continue;
        };
        let embedded = encoder.embed(&[text], role, observer)?;
        let Some(Some(vector)) = embedded.vectors.into_iter().next() else {
            return Err(Error::Interrupted);
        };
        if vector.len() != expected.len() {
            let (ours, theirs) = (vector.len(), expected.len());
            let reason = format!("{GOLDEN}: an embedding has {theirs} numbers instead of {ours}");
            return Err(Error::model(&name, reason));
        }
        verification.n_texts += 1;
        verification.add(text, vector, expected.clone());
    }
    Ok(verification)
}

impl Golden {
    fn from_files(files: &ModelFiles) -> Result<Golden> {
        let wrong = |reason: String| Error::model(&files.name, format!("{GOLDEN}: {reason}"));
        let Some(bytes) = &files.golden else {
            return Ok(Golden {
                texts: Vec::new(),
                roles: Vec::new(),
                embeddings: Vec::new(),
            });
        };
        let golden: Golden = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
        if golden.texts.len() == golden.embeddings.len() {
            Ok(golden)
        } else {
            Err(wrong("it must have one embedding for each text".to_owned()))
        }
    }
}

impl Verification {
    fn add(&mut self, text: &str, mut ours: Vec<f32>, mut theirs: Vec<f32>) {
        let differences = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
        self.largest_difference = differences.fold(self.largest_difference, f32::max);
        let is_nothing = |vector: &[f32]| vector.iter().all(|x| *x == 0.0);
        if is_nothing(&ours) && is_nothing(&theirs) {
            return;
        }
        normalize(&mut ours);
        normalize(&mut theirs);
        let cosine = dot(&ours, &theirs);
        if cosine < self.least_cosine {
            self.least_cosine = cosine;
            text.clone_into(&mut self.least_text);
        }
        if text.split_whitespace().count() >= LONG_WORDS {
            let least = self.least_cosine_of_long.unwrap_or(1.0);
            self.least_cosine_of_long = Some(least.min(cosine));
        }
    }
}

impl Encoder {
    /// The role with the prompt that a golden text of this role name has; `None` if no role has that
    /// prompt.
    fn role_named(&self, name: &str) -> Option<Role> {
        match name {
            "query" => Some(Role::Query),
            "passage" => Some(Role::Passage),
            _ => [Role::Passage, Role::Query]
                .into_iter()
                .find(|role| self.recipe().prompt(*role).is_empty()),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "bundled-model")]
mod tests {
    use super::*;
    use crate::Precision;
    use akin_base::progress::Unobserved;

    #[test]
    fn the_bundled_model_computes_what_it_should_on_this_processor() {
        for (precision, least, least_of_long) in [
            (Precision::F32, 0.99999, 0.99999),
            (Precision::Int8, LEAST_INT8_OF_ANY, LEAST_INT8),
        ] {
            let options = EncoderOptions {
                precision,
                ..EncoderOptions::default()
            };
            let found = verify(&ModelSource::Bundled, &options, &Unobserved).unwrap();
            assert_eq!(found.n_texts, 12);
            assert!(found.least_cosine >= least, "{found:?}");
            assert!(
                found.least_cosine_of_long.unwrap() >= least_of_long,
                "{found:?}"
            );
            assert!(found.largest_difference > 0.0, "{found:?}");
        }
    }

    #[test]
    fn golden_embeddings_that_cannot_be_compared_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let source = akin_testing::data("models/tiny-static");
        let copied = [
            "modules.json",
            "0_StaticEmbedding/model.safetensors",
            "0_StaticEmbedding/tokenizer.json",
        ];
        std::fs::create_dir(dir.path().join("0_StaticEmbedding")).unwrap();
        for name in copied {
            std::fs::copy(source.join(name), dir.path().join(name)).unwrap();
        }
        let model = ModelSource::Folder(dir.path().to_owned());
        let verify = || verify(&model, &EncoderOptions::default(), &Unobserved);
        assert_eq!(verify().unwrap().n_texts, 0);
        for (json, words) in [
            (
                r#"{"texts": ["a"], "embeddings": []}"#,
                "one embedding for each",
            ),
            (
                r#"{"texts": ["a"], "embeddings": [[1, 2]]}"#,
                "2 numbers instead of 32",
            ),
            ("[]", "golden.json"),
        ] {
            std::fs::write(dir.path().join(GOLDEN), json).unwrap();
            let error = verify().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
