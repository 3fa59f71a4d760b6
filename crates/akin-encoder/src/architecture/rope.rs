//! Frequencies of rotary position embeddings (RoPE, Su et al. 2021).

use super::config::ModelConfig;
use akin_base::error::Result;

/// `base^(-2i / dim)`: by how much each pair of `dim` numbers turns from one position to the next.
pub(super) fn frequencies(base: f64, dim: usize) -> Vec<f64> {
    let exponent = |i: usize| -2.0 * i as f64 / dim as f64;
    (0..dim / 2).map(|i| base.powf(exponent(i))).collect()
}

/// The base that is set for layers of this kind: in `rope_parameters`, as transformers saves it since
/// its version 5, or under `key`. A scaling that is not known is refused.
pub(super) fn base(config: &ModelConfig<'_>, kind: &str, key: &str, default: f64) -> Result<f64> {
    if let Some(parameters) = config.part("rope_parameters") {
        let of_kind = parameters.part(kind).unwrap_or(parameters);
        of_kind.only("rope_type", "default".into())?;
        if of_kind.get("rope_theta").is_some() {
            return of_kind.number("rope_theta");
        }
    }
    config.number_or(key, default)
}

/// Refuses any scaling of the positions.
pub(super) fn refuse_scaling(config: &ModelConfig<'_>) -> Result<()> {
    match config.get("rope_scaling") {
        None => Ok(()),
        Some(_) => {
            let scaling = config.part("rope_scaling");
            let scaling = scaling.ok_or_else(|| config.wrong("rope_scaling is not an object"))?;
            scaling.only("rope_type", "default".into())?;
            scaling.only("type", "default".into())
        }
    }
}
