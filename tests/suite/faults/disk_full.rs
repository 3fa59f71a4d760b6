//! A disk that is full at some point: the error says so, what was committed stays, and the same
//! command goes on once there is room.
//!
//! The disk is a small tmpfs in a mount namespace of the test's own, which needs Linux and the right
//! to make one; where there is none, the test says that it was skipped.

use std::process::Command;

use super::{State, is_full, state};
use crate::sandbox::{Sandbox, data, tiny_model};
use akin_testing::require::missing;

/// Sizes of the disk in KiB: from one that cannot hold a library to one that holds all of it.
fn sizes() -> Vec<u32> {
    let step = if is_full() { 40 } else { 700 };
    (60..4200).step_by(step).collect()
}

/// What happens on the disk; the library is copied out at the end.
const SCRIPT: &str = r#"
set -u
mount -t tmpfs -o size="$SIZE"k none "$DISK" || exit 99
"$AKIN" add "$DUMP" --model "$MODEL" --library "$DISK/library" --threads 1 > "$OUT/first" 2>&1
echo $? > "$OUT/first-exit"
mount -o remount,size=64m "$DISK" || exit 99
if [ -e "$DISK/library/papers.db" ]; then
    "$AKIN" check --json --library "$DISK/library" > "$OUT/check" 2>&1
    echo $? > "$OUT/check-exit"
fi
"$AKIN" add "$DUMP" --model "$MODEL" --library "$DISK/library" --threads 1 > "$OUT/again" 2>&1
echo $? > "$OUT/again-exit"
cp -r "$DISK/library" "$OUT/library"
"#;

/// Makes a namespace in which a disk may be mounted, as root or as a user that has leave to.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["-m"], &["-r", "-m"]];
    ways.into_iter().find(|flags| {
        let probe = "mount -t tmpfs none /mnt && umount /mnt";
        let mut command = Command::new("unshare");
        let output = command.args(*flags).args(["sh", "-c", probe]).output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// Fills the disk; whether it was too small.
fn was_full(flags: &[&str], size: u32, expected: &State) -> bool {
    let sandbox = Sandbox::new();
    let (disk, out) = (sandbox.path("disk"), sandbox.path("out"));
    for folder in [&disk, &out] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let mut command = Command::new("unshare");
    command
        .args(flags)
        .args(["sh", "-c", SCRIPT])
        .env("SIZE", size.to_string())
        .env("AKIN", env!("CARGO_BIN_EXE_akin"))
        .env("DUMP", data("arxiv-1000.jsonl"))
        .env("MODEL", tiny_model())
        .env("DISK", &disk)
        .env("OUT", &out)
        .env("HOME", sandbox.path("home"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{size} KiB: {output:?}");
    let said = |name: &str| std::fs::read_to_string(out.join(name)).unwrap_or_default();
    let code = |name: &str| said(name).trim().to_owned();
    let is_full = code("first-exit") != "0";
    if is_full {
        assert_eq!(code("first-exit"), "2", "{size} KiB: {}", said("first"));
        let words = said("first");
        assert!(words.contains("disk is full"), "{size} KiB: {words}");
    }
    // What was cut off may have left something behind, and nothing may be damaged.
    let check = said("check");
    for kind in ["row_", "record", "database", "rows", "dangling"] {
        let kind = format!("\"kind\":\"{kind}");
        assert!(!check.contains(&kind), "{size} KiB: {check}");
    }
    assert_eq!(code("again-exit"), "0", "{size} KiB: {}", said("again"));
    assert!(state(&out.join("library")) == *expected, "{size} KiB");
    is_full
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(flags) = namespace() else {
        missing("mount-namespace", "no mount namespace can be made here");
        return;
    };
    let undisturbed = Sandbox::new();
    undisturbed.add(&[&data("arxiv-1000.jsonl").display().to_string()]);
    let expected = state(&undisturbed.library());
    let sizes = sizes();
    let n_full = sizes
        .iter()
        .filter(|size| was_full(flags, **size, &expected))
        .count();
    println!(
        "{n_full} of {} disks were too small: nothing committed was lost",
        sizes.len()
    );
    assert!(
        n_full > 0 && n_full < sizes.len(),
        "{n_full} of {}",
        sizes.len()
    );
}
