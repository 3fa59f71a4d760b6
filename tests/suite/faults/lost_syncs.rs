//! A disk that keeps only what was synced.
//!
//! Beside the library that the work writes (the *live* image) stands what would be left of it if the
//! power failed now (the *durable* image): of every file the bytes of its last sync, of every folder
//! the names of its last sync. It is kept whenever something is synced or a step is reached. The
//! database syncs its own files at every commit; they are taken as they are when a step is reached.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use akin::step::{self, Event, Step};

use super::{State, check, is_full, n_embedded, process_for, state};

/// Images that are tried where not all are.
const N_TRIED: usize = 10;

/// What is on the disk.
#[derive(Default)]
struct Disk {
    /// Bytes by the file's number: a file that is renamed keeps them.
    bytes: BTreeMap<u64, Vec<u8>>,
    /// The names of each folder that was synced, with the numbers of what is a file.
    names: BTreeMap<PathBuf, BTreeMap<PathBuf, Option<u64>>>,
    /// The database's files, as they were at the last commit.
    database: BTreeMap<PathBuf, Vec<u8>>,
    n_images: usize,
}

impl Disk {
    fn note(&mut self, root: &Path, event: Event<'_>) {
        match event {
            Event::Synced(path) if path.is_dir() => {
                if path == root {
                    self.note_database(root);
                }
                let names = entries_of(path).into_iter();
                let names = names.map(|path| {
                    let number = path.is_file().then(|| number_of(&path));
                    (path, number)
                });
                self.names.insert(path.to_owned(), names.collect());
            }
            Event::Synced(path) => {
                self.bytes
                    .insert(number_of(path), std::fs::read(path).unwrap());
            }
            Event::Reached(Step::Staged) => {}
            Event::Reached(_) => self.note_database(root),
        }
    }

    fn note_database(&mut self, root: &Path) {
        let files = entries_of(root).into_iter();
        let of_database = files.filter(|path| is_of_database(path));
        let read = of_database.map(|path| (path.clone(), std::fs::read(&path).unwrap()));
        self.database = read.collect();
    }

    /// Whether the names of all folders down to a path are on the disk.
    fn leads_to(&self, root: &Path, path: &Path) -> bool {
        let mut above = path.ancestors().take_while(|above| *above != root);
        above.all(|above| {
            let names = above.parent().and_then(|folder| self.names.get(folder));
            names.is_some_and(|names| names.contains_key(above))
        })
    }

    /// Writes what would be left to a folder of its own.
    fn keep(&mut self, root: &Path, images: &Path) {
        let image = images.join(format!("{:03}", self.n_images));
        self.n_images += 1;
        let write = |path: &Path, bytes: &[u8]| {
            let kept = image.join(path.strip_prefix(root).unwrap());
            std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
            std::fs::write(kept, bytes).unwrap();
        };
        for (path, number) in self.names.values().flatten() {
            let name = path.file_name().unwrap().to_string_lossy();
            if let Some(number) = number
                && !name.starts_with("papers.db")
                && self.leads_to(root, path)
            {
                // A name without synced bytes is an empty file.
                write(path, self.bytes.get(number).map_or(&[][..], Vec::as_slice));
            }
        }
        for (path, bytes) in &self.database {
            write(path, bytes);
        }
    }
}

fn entries_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn number_of(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().ino()
}

fn is_of_database(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    // The index of the log is made anew from the log.
    name.starts_with("papers.db") && !name.ends_with("-shm")
}

/// Has the durable image written to a folder of its own at every event.
pub(super) fn keep_images(root: &Path, images: &Path) {
    let (root, images) = (root.to_owned(), images.to_owned());
    let disk = Mutex::new(Disk::default());
    step::watch(move |event| {
        let mut disk = disk.lock().unwrap();
        disk.note(&root, event);
        disk.keep(&root, &images);
        if let Event::Reached(Step::Committed) = event {
            let committed = images.join(format!("{:03}.committed", disk.n_images - 1));
            let papers: Vec<String> = state(&root).into_keys().collect();
            std::fs::write(committed, papers.join("\n")).unwrap();
        }
    });
}

/// What stands in the list beside an image.
fn listed(images: &Path, image: usize) -> Option<Vec<String>> {
    let list = std::fs::read_to_string(images.join(format!("{image:03}.committed"))).ok()?;
    Some(list.lines().map(str::to_owned).collect())
}

#[test]
fn a_disk_that_keeps_only_what_was_synced_keeps_all_that_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (root, images) = (folder.path().join("library"), folder.path().join("images"));
    std::fs::create_dir_all(&images).unwrap();
    n_embedded(&process_for(&root, &format!("images {}", images.display())));
    let expected = state(&root);
    let entries = std::fs::read_dir(&images).unwrap();
    let n_images = entries
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count();
    assert!(n_images > 40, "{n_images} images");
    let every = if is_full() {
        1
    } else {
        n_images.div_ceil(N_TRIED)
    };
    let mut committed = Vec::new();
    let mut n_tried = 0;
    for image in 0..n_images {
        committed = listed(&images, image).unwrap_or(committed);
        if image % every != 0 && image + 1 < n_images {
            continue;
        }
        let what = format!("image {image} of {n_images}");
        let left = images.join(format!("{image:03}"));
        let kept: State = state(&left);
        let names: Vec<&String> = kept.keys().collect();
        assert_eq!(
            names,
            committed.iter().collect::<Vec<_>>(),
            "{what}: what is kept"
        );
        check(&left, &what);
        n_embedded(&process_for(&left, "none"));
        assert!(state(&left) == expected, "{what}: the end");
        check(&left, &what);
        n_tried += 1;
    }
    println!("{n_tried} of {n_images} losses of power: nothing committed was lost");
}
