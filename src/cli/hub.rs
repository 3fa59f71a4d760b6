//! Models by name: the environment of the Hugging Face hub, and what `--model` means.
//!
//! The variables are those of the hub's own tools: `HF_HUB_CACHE`, `HF_HOME`, `HF_ENDPOINT`,
//! `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`. A token is read when something is fetched, and
//! never shown.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use akin::Error;
use akin::encoder::ModelSource;
use akin::encoder::hub::{HUB_ENDPOINT, Hub, HubId};
use akin::space::Origin;

use super::fault::Failure;

/// What `--model` calls the bundled model.
const BUNDLED: &str = "bundled";

/// The hub and its cache, from the environment, without an access token.
pub(super) fn configured(home: &Path, offline: bool) -> Hub {
    let endpoint = variable("HF_ENDPOINT").and_then(|url| url.into_string().ok());
    Hub {
        endpoint: endpoint.unwrap_or_else(|| HUB_ENDPOINT.to_owned()),
        offline: offline || is_true("HF_HUB_OFFLINE"),
        obeys_proxy_settings: true,
        ..Hub::new(cache(home))
    }
}

/// The folder in which the hub's tools keep models.
fn cache(home: &Path) -> PathBuf {
    match variable("HF_HUB_CACHE") {
        Some(cache) => cache.into(),
        None => hf_home(home).join("hub"),
    }
}

/// The folder in which the hub's tools keep everything.
fn hf_home(home: &Path) -> PathBuf {
    if let Some(folder) = variable("HF_HOME") {
        return folder.into();
    }
    let caches = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.filter(|folder| folder.is_absolute());
    caches
        .unwrap_or_else(|| home.join(".cache"))
        .join("huggingface")
}

/// The access token: from the given file, else from the environment, else from where the hub's
/// tools keep it.
pub(super) fn token(file: Option<&Path>, home: &Path) -> Result<Option<String>, Failure> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(Error::read(path))?;
        let none = || Failure::usage(format!("there is no token in {}", path.display()));
        return stripped(&text).map(Some).ok_or_else(none);
    }
    if let Some(token) = variable("HF_TOKEN").and_then(|token| token.into_string().ok()) {
        return Ok(stripped(&token));
    }
    let path = variable("HF_TOKEN_PATH").map(PathBuf::from);
    let path = path.unwrap_or_else(|| hf_home(home).join("token"));
    Ok(std::fs::read_to_string(path)
        .ok()
        .and_then(|text| stripped(&text)))
}

/// What `--model` means: the bundled model, a folder that exists or is given as a path, or a cached
/// model of the hub.
pub(super) fn source(model: &Path, hub: &Hub) -> Result<ModelSource, Failure> {
    if model == Path::new(BUNDLED) {
        return Ok(ModelSource::Bundled);
    }
    let is_path = model.is_absolute() || model.starts_with(".") || model.starts_with("..");
    if is_path || model.is_dir() {
        let whole = model.canonicalize().unwrap_or_else(|_| model.to_owned());
        return Ok(ModelSource::Folder(whole));
    }
    let text = model.to_string_lossy();
    let id: HubId = text.parse().map_err(|_| {
        Error::model(
            &text,
            "there is no such folder, and it is not an id of the hub: org/name or org/name@revision",
        )
    })?;
    let Some(snapshot) = hub.find(&id)? else {
        return Err(Failure::from(Error::ModelMissing {
            id: id.to_string(),
            reason: format!(
                "there is no such folder, and none in the cache {}",
                hub.cache.display()
            ),
        }));
    };
    Ok(ModelSource::Hub {
        id: id.name().to_owned(),
        commit: snapshot.commit,
        folder: snapshot.folder,
    })
}

/// The same model at its present place, if the cache has moved since it was noted.
pub(super) fn at_hand(origin: &Origin, hub: &Hub) -> Origin {
    let mut origin = origin.clone();
    if let ModelSource::Hub { id, commit, folder } = &mut origin.source
        && !folder.is_dir()
        && let Ok(id) = HubId::new(id, Some(commit))
        && let Ok(Some(snapshot)) = hub.find(&id)
    {
        *folder = snapshot.folder;
    }
    origin
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| value != OsStr::new(""))
}

/// Whether a variable is set to yes, as the hub's tools read it.
fn is_true(name: &str) -> bool {
    let value = variable(name).and_then(|value| value.into_string().ok());
    let value = value.unwrap_or_default().to_lowercase();
    ["1", "true", "yes", "on"].contains(&value.trim())
}

/// A token without the blanks around it.
fn stripped(text: &str) -> Option<String> {
    let token = text.trim();
    (!token.is_empty()).then(|| token.to_owned())
}
