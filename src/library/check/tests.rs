//! What a check finds: harmed libraries, and whole ones.

use std::fs;
use std::path::PathBuf;

use super::super::testdata::{DIM, add, library_of, remove, vector};
use super::*;
use crate::progress::Unobserved;
use crate::vectors::RowWriter;

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
            let mut rows = RowWriter::create(&rows_path(writer), DIM).unwrap();
            for row in 0..8 {
                let whole = vector(&format!("p{row}"), 0);
                let row = if row == 2 { vec![x; DIM] } else { whole };
                rows.append(&row).unwrap();
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
        "INSERT INTO dead_rows VALUES (1, 4)",
        &["row_live_and_dead"],
    );
    check("DELETE FROM dead_rows", &["row_unclaimed"]);
    check("INSERT INTO dead_rows VALUES (1, 8)", &["row_past_end"]);
    check(
        "UPDATE embeddings SET row = 99 WHERE row = 4",
        &["row_past_end", "row_unclaimed"],
    );
    check(
        "DROP INDEX embeddings_by_row; UPDATE embeddings SET row = 3 WHERE row = 4",
        &["row_claimed_twice", "row_unclaimed"],
    );
    check(
        "DELETE FROM embeddings WHERE row = 4; INSERT INTO dead_rows VALUES (1, 4)",
        &["no_embedding"],
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
    check("INSERT INTO aliases VALUES ('x', 999)", &["dangling"]);
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
        "INSERT INTO dead_rows VALUES (1, 4)",
        "DELETE FROM dead_rows",
        "DELETE FROM dead_rows; INSERT INTO dead_rows VALUES (1, 8)",
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
