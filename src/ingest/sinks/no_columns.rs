//! Replaces the Arrow and Parquet sinks if akin is built without the feature `arrow`: they cannot
//! be created.

use std::path::Path;

use super::{Output, VectorSink, VectorType};
use crate::error::{Error, Result};

/// Cannot be made in this build.
pub enum ArrowStream {}

/// Cannot be made in this build.
pub enum ParquetFile {}

impl ArrowStream {
    /// Refuses.
    ///
    /// # Errors
    /// [`Error::NotBuilt`].
    pub fn new(_: Output, _: VectorType) -> Result<ArrowStream> {
        Err(Error::not_built("Arrow streams", "arrow"))
    }
}

impl ParquetFile {
    /// Refuses.
    ///
    /// # Errors
    /// [`Error::NotBuilt`].
    pub fn create(_: &Path, _: VectorType) -> Result<ParquetFile> {
        Err(Error::not_built("Parquet files", "arrow"))
    }
}

impl VectorSink for ArrowStream {
    fn put(&mut self, _: &[String], _: &[Vec<f32>]) -> Result<()> {
        match *self {}
    }

    fn finish(&mut self) -> Result<()> {
        match *self {}
    }
}

impl VectorSink for ParquetFile {
    fn put(&mut self, _: &[String], _: &[Vec<f32>]) -> Result<()> {
        match *self {}
    }

    fn finish(&mut self) -> Result<()> {
        match *self {}
    }
}
