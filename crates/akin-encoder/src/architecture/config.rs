//! Reads a `config.json` one setting at a time; every error has the setting's name.

use serde_json::{Map, Value};

use akin_base::error::{Error, Result};
use akin_kernels::Activation;

/// The largest count: products of two are whole numbers.
const MAX_COUNT: usize = 1 << 31;

/// What a `config.json` says.
pub(super) struct ModelConfig<'a> {
    model: &'a str,
    values: Map<String, Value>,
}

impl<'a> ModelConfig<'a> {
    /// Parses the file of a model of this name.
    pub(super) fn parse(model: &'a str, bytes: &[u8]) -> Result<ModelConfig<'a>> {
        let values = serde_json::from_slice(bytes)
            .map_err(|e| Error::model(model, format!("config.json: {e}")))?;
        Ok(ModelConfig { model, values })
    }

    /// The configuration of a part of the file.
    pub(super) fn within(&self, values: &Map<String, Value>) -> ModelConfig<'a> {
        ModelConfig {
            model: self.model,
            values: values.clone(),
        }
    }

    /// An error about the file.
    pub(super) fn wrong(&self, reason: impl std::fmt::Display) -> Error {
        Error::model(self.model, format!("config.json: {reason}"))
    }

    /// The value of a setting; null counts as not set.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    fn required(&self, key: &str) -> Result<&Value> {
        self.get(key)
            .ok_or_else(|| self.wrong(format!("{key} is missing")))
    }

    /// A count from 1 on.
    pub(super) fn count(&self, key: &str) -> Result<usize> {
        self.count_within(key, MAX_COUNT)
    }

    /// A count from 1 to `most`: nothing is allocated by what a file alone says.
    pub(super) fn count_within(&self, key: &str, most: usize) -> Result<usize> {
        let value = self.required(key)?;
        let count = value.as_u64().and_then(|n| usize::try_from(n).ok());
        count.filter(|n| (1..=most).contains(n)).ok_or_else(|| {
            self.wrong(format!(
                "{key} is {value}, a count from 1 to {most} is wanted"
            ))
        })
    }

    /// A count, or the default.
    pub(super) fn count_or(&self, key: &str, default: usize) -> Result<usize> {
        match self.get(key) {
            Some(_) => self.count(key),
            None => Ok(default),
        }
    }

    /// A whole number from 0 on, or the default.
    pub(super) fn index_or(&self, key: &str, default: usize) -> Result<usize> {
        match self.get(key) {
            Some(value) if value.as_u64() == Some(0) => Ok(0),
            _ => self.count_or(key, default),
        }
    }

    /// A number above 0 that an f32 holds without underflow or overflow.
    pub(super) fn number(&self, key: &str) -> Result<f64> {
        let value = self.required(key)?;
        let holds = |x: &f64| (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(x);
        let number = value.as_f64().filter(holds);
        number.ok_or_else(|| {
            self.wrong(format!(
                "{key} is {value}, a number above 0 is wanted (1e-37 to 1e38)"
            ))
        })
    }

    /// A number above 0 and at most 1 (a share, or the epsilon of a norm), or the default.
    pub(super) fn fraction_or(&self, key: &str, default: f64) -> Result<f64> {
        let number = self.number_or(key, default)?;
        if number <= 1.0 {
            Ok(number)
        } else {
            let what = format!("{key} is {number}, a number above 0 and at most 1 is wanted");
            Err(self.wrong(what))
        }
    }

    /// A number above 0, or the default.
    pub(super) fn number_or(&self, key: &str, default: f64) -> Result<f64> {
        match self.get(key) {
            Some(_) => self.number(key),
            None => Ok(default),
        }
    }

    /// A text, where one is set.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>> {
        let text = |value: &'_ Value| {
            if value.is_string() {
                Ok(())
            } else {
                Err(self.wrong(format!("{key} is {value}, a text is wanted")))
            }
        };
        self.get(key).map(text).transpose()?;
        Ok(self.get(key).and_then(Value::as_str))
    }

    /// A flag, or the default.
    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.wrong(format!("{key} is {value}, true or false is wanted"))),
        }
    }

    /// A part with settings of its own, where there is one.
    pub(super) fn part(&self, key: &str) -> Option<ModelConfig<'a>> {
        let values = self.get(key).and_then(Value::as_object);
        values.map(|values| self.within(values))
    }

    /// Refuses a setting that is not what the computation here has.
    pub(super) fn only(&self, key: &str, known: Value) -> Result<()> {
        match self.get(key) {
            Some(value) if *value != known => {
                Err(self.wrong(format!("{key} is {value}; only {known} is known")))
            }
            _ => Ok(()),
        }
    }

    /// An exact quotient: the width of a head.
    pub(super) fn divided(&self, hidden: usize, heads: usize) -> Result<usize> {
        if hidden.is_multiple_of(heads) {
            Ok(hidden / heads)
        } else {
            Err(self.wrong(format!(
                "{heads} heads do not divide a hidden width of {hidden}"
            )))
        }
    }

    /// An activation by the name that transformers has for it.
    pub(super) fn activation(&self, key: &str, default: Activation) -> Result<Activation> {
        match self.text(key)? {
            None => Ok(default),
            Some("gelu") => Ok(Activation::Gelu),
            Some("gelu_new" | "gelu_pytorch_tanh" | "gelu_fast") => Ok(Activation::GeluTanh),
            Some("relu") => Ok(Activation::Relu),
            Some("silu" | "swish") => Ok(Activation::Silu),
            Some(other) => Err(self.wrong(format!(
                "{key} is {other:?}; known are: gelu, gelu_new, gelu_pytorch_tanh, relu, silu"
            ))),
        }
    }
}
