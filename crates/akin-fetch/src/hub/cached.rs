//! A model in the cache, in the layout that the hub's tools share.
//!
//! ```text
//! models--org--name/
//!   refs/main                     the commit that a branch or a tag was at
//!   blobs/<etag>                  the files, each once
//!   snapshots/<commit>/<file>     links to them
//!   .no_exist/<commit>/<file>     empty: the hub said that there is no such file
//! ```
//!
//! A snapshot without `modules.json` may be an incomplete one of another tool, and would be loaded
//! with the wrong pooling. So it counts as complete only if the hub is known to have no such file.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use hf_hub::Repo;
use serde::Deserialize;
use walkdir::WalkDir;

use super::id::{COMMIT_DIGITS, FEWEST_COMMIT_DIGITS, HubId};
use super::select;
use super::snapshot::{Snapshot, SnapshotFile};
use akin_base::error::{Error, Result};
use akin_base::files::{self, sha256_of_link};
use akin_base::hex::is_hex;

/// Prefix of a model's folder.
const PREFIX: &str = "models--";
/// The depth to which a snapshot's folders are searched.
const MAX_DEPTH: usize = 4;

/// One model in the cache.
pub(super) struct CachedRepo {
    folder: PathBuf,
}

/// A module in `modules.json`, as far as its files are concerned.
#[derive(Deserialize)]
struct CachedModule {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    class: String,
}

/// The index of sharded weights.
#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

/// The names of the models in a cache, sorted.
pub(super) fn names(cache: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = entries(cache)?
        .iter()
        .filter_map(|entry| entry.strip_prefix(PREFIX))
        .map(|name| name.replacen("--", "/", 1))
        .collect();
    names.sort();
    Ok(names)
}

impl CachedRepo {
    pub(super) fn new(cache: &Path, name: &str) -> CachedRepo {
        let repo = Repo::model(name.to_owned());
        CachedRepo {
            folder: cache.join(repo.folder_name()),
        }
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    pub(super) fn snapshot_folder(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// The commit of an id's revision, if the cache knows it.
    pub(super) fn commit_of(&self, id: &HubId) -> Result<Option<String>> {
        let revision = id.revision();
        if let Some(commit) = self.reference(revision)? {
            return Ok(Some(commit));
        }
        if revision.len() < FEWEST_COMMIT_DIGITS || !is_hex(revision, revision.len()) {
            return Ok(None);
        }
        let mut commits = self.commits()?;
        commits.retain(|commit| commit.starts_with(revision));
        match &commits[..] {
            [] => Ok(None),
            [commit] => Ok(Some(commit.clone())),
            _ => Err(Error::model(
                id,
                format!(
                    "several commits in the cache begin with these digits: {}",
                    commits.join(", ")
                ),
            )),
        }
    }

    /// The commit of a branch or a tag when it was fetched.
    fn reference(&self, revision: &str) -> Result<Option<String>> {
        let path = self.folder.join("refs").join(revision);
        // A branch `a` and one `a/b` were not there at the same time.
        let no_file = [
            ErrorKind::NotFound,
            ErrorKind::NotADirectory,
            ErrorKind::IsADirectory,
        ];
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if no_file.contains(&error.kind()) => return Ok(None),
            Err(error) => return Err(Error::read(path)(error)),
        };
        match text.trim() {
            commit if is_hex(commit, COMMIT_DIGITS) => Ok(Some(commit.to_owned())),
            other => Err(Error::damaged(path, format!("{other:?} is not a commit"))),
        }
    }

    /// Branches and tags with their commits; unreadable ones are left out.
    pub(super) fn references(&self) -> Result<Vec<(String, String)>> {
        let root = self.folder.join("refs");
        let files = files_below(&root, usize::MAX);
        let names = files.into_iter().map(|(name, _)| name);
        let read = |name: String| Some((name.clone(), self.reference(&name).ok()??));
        Ok(names.filter_map(read).collect())
    }

    /// The commits with any files, sorted.
    pub(super) fn commits(&self) -> Result<Vec<String>> {
        let mut commits = entries(&self.folder.join("snapshots"))?;
        commits.retain(|name| is_hex(name, COMMIT_DIGITS));
        commits.sort();
        Ok(commits)
    }

    /// The files of a commit in the cache, and the missing ones.
    pub(super) fn snapshot(&self, id: HubId, commit: &str) -> Result<Option<Snapshot>> {
        let folder = self.snapshot_folder(commit);
        if !folder.is_dir() {
            return Ok(None);
        }
        let files: Vec<SnapshotFile> = files_below(&folder, MAX_DEPTH)
            .into_iter()
            .map(|(name, n_bytes)| SnapshotFile {
                sha256: sha256_of_link(&folder.join(&name)),
                name,
                n_bytes,
            })
            .collect();
        let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
        Ok(Some(Snapshot {
            missing: self.missing(commit, &folder, &names),
            id,
            commit: commit.to_owned(),
            folder,
            files,
        }))
    }

    /// The required files that a snapshot lacks.
    fn missing(&self, commit: &str, folder: &Path, names: &[String]) -> Vec<String> {
        let mut needed = select::lacking(names);
        let mut unreadable = Vec::new();
        let has = |name: &String| names.contains(name);
        if let Some(index) = select::index_of_shards(names) {
            match read_json::<ShardIndex>(&folder.join(&index)) {
                Some(shards) => {
                    let body = &index[..index.rfind('/').map_or(0, |slash| slash + 1)];
                    let shards = shards.weight_map.into_values();
                    needed.extend(shards.map(|shard| format!("{body}{shard}")));
                }
                None => unreadable.push(index),
            }
        }
        let modules = select::MODULES.to_owned();
        match read_json::<Vec<CachedModule>>(&folder.join(&modules)) {
            Some(listed) => needed.extend(listed.iter().filter_map(CachedModule::config)),
            None if has(&modules) => unreadable.push(modules),
            None if self.absent(commit, &modules).exists() => {}
            None => needed.push(modules),
        }
        needed.retain(|name| !has(name));
        needed.append(&mut unreadable);
        needed.sort();
        needed.dedup();
        needed
    }

    /// The file that records that the hub has no such file.
    fn absent(&self, commit: &str, name: &str) -> PathBuf {
        self.folder.join(".no_exist").join(commit).join(name)
    }

    /// Records that the hub has no such file.
    pub(super) fn note_absent(&self, commit: &str, name: &str) -> Result<()> {
        replace(&self.absent(commit, name), "")
    }

    /// Records the commit of a branch or a tag.
    pub(super) fn set_reference(&self, revision: &str, commit: &str) -> Result<()> {
        replace(&self.folder.join("refs").join(revision), commit)
    }
}

impl CachedModule {
    /// The settings file that a module of this kind requires.
    fn config(&self) -> Option<String> {
        let class = self.class.rsplit('.').next().unwrap_or_default();
        let has_settings = matches!(class, "Pooling" | "Dense") && !self.path.is_empty();
        has_settings.then(|| format!("{}/config.json", self.path.trim_end_matches('/')))
    }
}

/// The files below a folder with their sizes in bytes, by name, without dangling links.
fn files_below(folder: &Path, max_depth: usize) -> Vec<(String, u64)> {
    let walk = WalkDir::new(folder)
        .follow_links(true)
        .max_depth(max_depth)
        .sort_by_file_name();
    let entries = walk.into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .filter_map(|entry| {
            let name = entry.path().strip_prefix(folder).ok()?;
            let parts: Option<Vec<&str>> = name.iter().map(|part| part.to_str()).collect();
            Some((parts?.join("/"), entry.metadata().ok()?.len()))
        })
        .collect()
}

/// The names in a folder; none if there is no folder.
fn entries(folder: &Path) -> Result<Vec<String>> {
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::read(folder)(error)),
    };
    let name = |entry: io::Result<std::fs::DirEntry>| Ok(entry?.file_name().into_string().ok());
    let names: io::Result<Vec<Option<String>>> = listed.map(name).collect();
    Ok(names
        .map_err(Error::read(folder))?
        .into_iter()
        .flatten()
        .collect())
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Replaces a small file atomically.
fn replace(path: &Path, content: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(Error::write(folder))?;
    files::replace(path, content.as_bytes()).map_err(Error::write(path))
}
