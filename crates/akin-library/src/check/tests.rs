//! What a check finds: harmed libraries, and whole ones.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::testdata::{DIM, add, library_of, remove, vector};
use super::*;
use akin_base::progress::Unobserved;
use akin_base::vectors::RowWriter;

fn findings(root: &Path) -> Findings {
    Library::open(root).unwrap().check(&Unobserved).unwrap()
}

/// What is found after something was done to a library of eight papers whose first was
/// removed.
fn found_after(harm: impl FnOnce(&mut Writer)) -> Vec<Finding> {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = library_of(dir.path(), 8);
    remove(&mut writer, &["p0"]);
    harm(&mut writer);
    drop(writer);
    findings(dir.path()).list
}

fn kinds_of(found: &[Finding]) -> Vec<String> {
    let kind = |finding: &Finding| {
        let json = serde_json::to_value(finding).unwrap();
        json["kind"].as_str().unwrap().to_owned()
    };
    found.iter().map(kind).collect()
}

fn rows_path(writer: &Writer) -> PathBuf {
    writer.layout.rows("test", 0)
}

#[test]
fn a_whole_library_has_no_findings() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = library_of(dir.path(), 8);
    add(&mut writer, "p3", 1);
    remove(&mut writer, &["p0"]);
    let found = findings(dir.path());
    assert_eq!(found.list, []);
    assert_eq!((found.n_papers, found.n_rows_read), (7, 7));
    assert_eq!(found.n_dead_rows, 2);
    assert_eq!(found.reclaimable_bytes, 2 * stride_bytes(DIM) as u64);
}

#[test]
fn bytes_past_the_count_can_be_reclaimed_and_are_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let writer = library_of(dir.path(), 0);
    let mut bytes = fs::read(rows_path(&writer)).unwrap();
    assert_eq!(bytes.len(), HEADER_BYTES);
    bytes.extend([1; 1000]);
    fs::write(rows_path(&writer), bytes).unwrap();
    let found = findings(dir.path());
    assert_eq!((found.reclaimable_bytes, found.list), (1000, Vec::new()));
}

#[test]
fn a_flipped_bit_is_found_at_its_row_and_paper() {
    let found = found_after(|writer| {
        let mut bytes = fs::read(rows_path(writer)).unwrap();
        // Row 0 is dead: nobody reads it.
        for row in [0, 5] {
            bytes[HEADER_BYTES + row * stride_bytes(DIM) + 3] ^= 1;
        }
        fs::write(rows_path(writer), bytes).unwrap();
    });
    assert_eq!(kinds_of(&found), ["row_damaged"], "{found:?}");
    assert_eq!(found[0].row, Some(Row(5)));
    let said = found[0].to_string();
    for part in ["vectors-0.f16: row 5, of paper p5, ", "akin check --repair"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_row_that_is_no_embedding_is_found() {
    let check = |x: f32, kind: &str| {
        let found = found_after(|writer| {
            let active = writer.space.clone().unwrap();
            let old = active.open_rows(&writer.layout).unwrap();
            let owners: Vec<_> = (0..8)
                .map(|row| old.owner(Row(row)).unwrap().unwrap())
                .collect();
            let identity = active.identity.unwrap();
            let mut rows = RowWriter::create(&rows_path(writer), DIM, identity).unwrap();
            for (row, owner) in owners.into_iter().enumerate() {
                let whole = vector(&format!("p{row}"), 0);
                let row = if row == 2 { vec![x; DIM] } else { whole };
                rows.append(&row, owner).unwrap();
            }
            rows.sync().unwrap();
        });
        assert_eq!(kinds_of(&found), [kind], "{x}: {found:?}");
        assert_eq!(found[0].row, Some(Row(2)));
    };
    check(f32::NAN, "row_not_finite");
    check(f32::NEG_INFINITY, "row_not_finite");
    check(0.0, "row_length");
    check(0.26, "row_length");
    check(0.24, "row_length");
}

#[test]
fn a_row_file_that_is_short_or_gone_is_found() {
    let found = found_after(|writer| {
        let bytes = fs::read(rows_path(writer)).unwrap();
        fs::write(rows_path(writer), &bytes[..bytes.len() - 1]).unwrap();
    });
    assert_eq!(kinds_of(&found), ["rows", "row_missing"], "{found:?}");
    assert_eq!(found[1].row, Some(Row(7)));
    let found = found_after(|writer| fs::remove_file(rows_path(writer)).unwrap());
    assert_eq!(kinds_of(&found), ["rows"], "{found:?}");
}

#[test]
fn what_the_tables_say_of_rows_and_papers_must_agree() {
    let check = |sql: &str, kinds: &[&str]| {
        let found = found_after(|writer| {
            let free = "PRAGMA foreign_keys = OFF;".to_owned();
            writer.db.execute_batch(&(free + sql)).unwrap();
        });
        assert_eq!(kinds_of(&found), kinds, "{sql}: {found:?}");
    };
    check(
        "INSERT INTO dead_rows (space, row) VALUES (1, 4)",
        &["row_live_and_dead"],
    );
    check("DELETE FROM dead_rows", &["row_unclaimed"]);
    check(
        "INSERT INTO dead_rows (space, row) VALUES (1, 8)",
        &["row_past_end"],
    );
    check(
        "UPDATE embeddings SET row = 99 WHERE row = 4",
        &["row_past_end", "row_unclaimed"],
    );
    check(
        "DROP INDEX embeddings_by_row; UPDATE embeddings SET row = 3 WHERE row = 4",
        &["row_claimed_twice", "row_unclaimed"],
    );
    check(
        "DELETE FROM embeddings WHERE row = 4; INSERT INTO dead_rows (space, row) VALUES (1, 4)",
        &[],
    );
    check("UPDATE records SET json = '{' WHERE paper = 4", &["record"]);
    check(
        "UPDATE records SET json = replace(json, 'Text', 'Test') WHERE paper = 4",
        &["record"],
    );
    for column in ["date", "categories", "authors", "title_key", "notice"] {
        let sql = format!("UPDATE papers SET {column} = '2' WHERE key = 4");
        check(&sql, &["column"]);
    }
    check(
        "UPDATE embeddings SET text_hash = zeroblob(16) WHERE paper = 4",
        &["row_outdated"],
    );
    check("DELETE FROM records WHERE paper = 4", &["record"]);
    check(
        "INSERT INTO aliases (alias, paper) VALUES ('x', 999)",
        &["dangling"],
    );
}

#[test]
fn columns_are_made_of_their_records_anew() {
    let found = found_after(|writer| {
        let sql = "UPDATE papers SET authors = 'x', id = 'other' WHERE key = 4;
                   UPDATE papers SET text_hash = zeroblob(16) WHERE key = 5;
                   UPDATE records SET json = '{' WHERE paper = 6;
                   UPDATE papers SET date = '1900-01-01' WHERE key = 6";
        writer.db.execute_batch(sql).unwrap();
        assert_eq!(writer.renew_columns().unwrap(), 2);
        assert_eq!(writer.renew_columns().unwrap(), 0);
    });
    // A record that is damaged says nothing about its columns.
    assert_eq!(kinds_of(&found), ["record"], "{found:?}");
}

#[test]
fn what_compact_is_said_to_mend_it_mends() {
    for sql in [
        "INSERT INTO dead_rows (space, row) VALUES (1, 4)",
        "DELETE FROM dead_rows",
        "DELETE FROM dead_rows; INSERT INTO dead_rows (space, row) VALUES (1, 8)",
    ] {
        let found = found_after(|writer| {
            writer.db.execute_batch(sql).unwrap();
            let library = Library::open(writer.path()).unwrap();
            let said = &library.check(&Unobserved).unwrap().list[0].to_string();
            assert!(said.contains("akin compact"), "{sql}: {said}");
            drop(library);
            writer.compact(&Unobserved).unwrap();
        });
        assert_eq!(found, [], "{sql}");
    }
}

#[test]
fn a_damaged_page_of_the_database_is_found() {
    let dir = tempfile::tempdir().unwrap();
    drop(library_of(dir.path(), 200));
    let path = dir.path().join("papers.db");
    let mut bytes = fs::read(&path).unwrap();
    // Before it are the roots of the tables, without which it cannot be opened.
    let most = bytes.len() / 5 * 4;
    bytes[most..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let found = findings(dir.path()).list;
    assert!(
        kinds_of(&found).contains(&"database".to_owned()),
        "{found:?}"
    );
}

#[test]
fn leftovers_are_found_unless_somebody_is_writing() {
    let dir = tempfile::tempdir().unwrap();
    let writer = library_of(dir.path(), 3);
    fs::write(dir.path().join("spaces/test/vectors-5.f16"), "").unwrap();
    fs::write(dir.path().join("notes.txt"), "").unwrap();
    let found = findings(dir.path());
    assert_eq!(kinds_of(&found.list), ["stranger"]);
    assert!(found.writer.unwrap().contains("a test"));
    let found = writer.check(&Unobserved).unwrap();
    assert_eq!(kinds_of(&found.list), ["stranger", "leftover"]);
    drop(writer);
    let found = findings(dir.path());
    assert_eq!(kinds_of(&found.list), ["stranger", "leftover"]);
    assert_eq!(found.writer, None);
}

#[test]
fn rows_of_another_library_are_found_when_it_is_opened_and_by_a_check() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let writer = library_of(dir.path(), 8);
    let stranger = library_of(other.path(), 9);
    fs::copy(rows_path(&stranger), dir.path().join("copy")).unwrap();
    fs::rename(dir.path().join("copy"), rows_path(&writer)).unwrap();
    drop(writer);
    let library = Library::open(dir.path()).unwrap();
    let said = library.rows().unwrap_err().to_string();
    assert!(
        said.contains("vectors-0.f16") && said.contains("another's place"),
        "{said}"
    );
    let found = library.check(&Unobserved).unwrap().list;
    assert_eq!(kinds_of(&found)[0], "rows", "{found:?}");
    // The same the other way round: the database is the stranger.
    fs::remove_file(dir.path().join("papers.db-wal")).ok();
    stranger
        .db
        .execute("VACUUM INTO ?", [dir.path().join("x").to_str().unwrap()])
        .unwrap();
    let own = library_of(&dir.path().join("third"), 9);
    drop(own);
    let root = dir.path().join("third");
    fs::rename(dir.path().join("x"), root.join("papers.db")).unwrap();
    assert!(Library::open(&root).unwrap().rows().is_err());
}

#[test]
fn a_row_that_was_made_of_another_text_is_found_and_its_paper_embedded_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = library_of(dir.path(), 8);
    // As where an older copy of the database meets rows that were written since.
    let swap =
        "UPDATE embeddings SET row = 99 WHERE row = 2; UPDATE embeddings SET row = 2 WHERE row = 5;
                UPDATE embeddings SET row = 5 WHERE row = 99;";
    writer.db.execute_batch(swap).unwrap();
    let found = findings(dir.path()).list;
    assert_eq!(kinds_of(&found), ["row_outdated"; 2], "{found:?}");
    assert_eq!(writer.salvage(&Unobserved).unwrap(), 2);
    assert_eq!(writer.unembedded().unwrap().len(), 2);
}

#[test]
fn commits_that_the_database_has_lost_are_found_and_then_taken_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let writer = library_of(dir.path(), 8);
    let lose = "DELETE FROM papers WHERE id IN ('p6', 'p7'); UPDATE spaces SET n_rows = 6;";
    writer.db.execute_batch(lose).unwrap();
    drop(writer);
    let library = Library::open(dir.path()).unwrap();
    assert_eq!(library.lost_commits(), Some(LostCommits::Rows(2)));
    let found = library.check(&Unobserved).unwrap().list;
    assert_eq!(kinds_of(&found), ["commits_lost"], "{found:?}");
    let said = found[0].to_string();
    assert!(
        said.contains("papers.db: it has lost commits: 2 stored embeddings"),
        "{said}"
    );
    let mut writer = Writer::open(dir.path(), "a test").unwrap();
    assert_eq!(writer.lost_commits(), Some(LostCommits::Rows(2)));
    assert_eq!(
        writer.forget_lost_commits().unwrap(),
        Some(LostCommits::Rows(2))
    );
    assert_eq!(writer.forget_lost_commits().unwrap(), None);
    assert_eq!(findings(dir.path()).list, []);
    add(&mut writer, "p6", 0);
    assert_eq!(findings(dir.path()).list, []);
}

#[test]
fn a_reader_beside_a_writer_never_takes_its_commits_for_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = library_of(dir.path(), 3);
    const N_NEW: usize = 80;
    let n_added = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while n_added.load(Ordering::Relaxed) < N_NEW {
                let library = Library::open(dir.path()).unwrap();
                assert_eq!(library.lost_commits(), None);
                // The writer goes on while the reader looks at what it saw.
                let then = n_added.load(Ordering::Relaxed) + 2;
                while n_added.load(Ordering::Relaxed) < then.min(N_NEW) {
                    std::thread::yield_now();
                }
                let found = library.check(&Unobserved).unwrap();
                let faults = found.list.iter().filter(|finding| !finding.is_orphan());
                assert_eq!(faults.count(), 0, "{:?}", found.list);
            }
        });
        for i in 0..N_NEW {
            add(&mut writer, &format!("new{i}"), 0);
            n_added.fetch_add(1, Ordering::Relaxed);
        }
        reader.join().unwrap();
    });
}

#[test]
fn an_emptied_database_is_refused_where_there_are_files_of_a_library() {
    let dir = tempfile::tempdir().unwrap();
    drop(library_of(dir.path(), 3));
    for extension in ["db-wal", "db-shm"] {
        fs::remove_file(dir.path().join("papers").with_extension(extension)).ok();
    }
    fs::write(dir.path().join("papers.db"), "").unwrap();
    let said = [
        Library::open(dir.path()).unwrap_err().to_string(),
        Writer::open_or_create(dir.path(), "a test")
            .unwrap_err()
            .to_string(),
        Writer::open(dir.path(), "a test").unwrap_err().to_string(),
    ];
    for said in said {
        assert!(
            said.contains("papers.db") && said.contains("it is empty"),
            "{said}"
        );
    }
    assert_eq!(fs::metadata(dir.path().join("papers.db")).unwrap().len(), 0);
    // What creating a library may leave when it is killed is no reason to refuse.
    let begun = tempfile::tempdir().unwrap();
    for name in ["lock", "papers.db"] {
        fs::write(begun.path().join(name), "").unwrap();
    }
    drop(library_of(begun.path(), 1));
    // Nor is another program's database one of ours.
    let foreign = tempfile::tempdir().unwrap();
    let db = rusqlite::Connection::open(foreign.path().join("papers.db")).unwrap();
    db.execute_batch("CREATE TABLE recipes (name TEXT)")
        .unwrap();
    let said = Writer::open_or_create(foreign.path(), "a test")
        .unwrap_err()
        .to_string();
    assert!(said.contains("not a library's database"), "{said}");
}
