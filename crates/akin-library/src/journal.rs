//! What the last change found: papers as they were before it first touched them.
//!
//! In: the key of a paper that is about to be changed or removed, inside of the transaction that does
//! it. Out: copies of its rows in the tables named `undo_`, which `undo.rs` puts back.
//!
//! Invariants: nothing here begins or commits. A paper is kept once in a change, and new papers of the
//! change are not kept at all.

use rusqlite::{Connection, OptionalExtension};

use super::keys::PaperKey;

/// Papers that were there before, and are kept as they were, at most.
const MOST_TOUCHED: u64 = 50_000;

/// The tables of what belongs to a paper, each with the column of its key. Embeddings are not among
/// them: they are found by their text.
pub(super) const KEPT: [(&str, &str); 6] = [
    ("papers", "key"),
    ("records", "paper"),
    ("record_hashes", "paper"),
    ("aliases", "paper"),
    ("sources", "paper"),
    ("listings", "paper"),
];

/// Keeps a paper as it is, before it is first touched by the present change.
pub(super) fn keep(db: &Connection, key: PaperKey) -> rusqlite::Result<()> {
    let sql = "SELECT n_touched FROM last_change WHERE is_kept AND after >= ?1
        AND NOT EXISTS (SELECT 1 FROM undo_papers WHERE key = ?1)";
    let is_first = db.prepare_cached(sql)?.query_row([key.0], |row| row.get(0));
    let Some(n_touched) = is_first.optional()? else {
        return Ok(());
    };
    let n_touched: u64 = n_touched;
    if n_touched >= MOST_TOUCHED {
        clear(db)?;
        db.execute("UPDATE last_change SET is_kept = 0", [])?;
        return Ok(());
    }
    for (table, column) in KEPT {
        let sql = format!("INSERT INTO undo_{table} SELECT * FROM {table} WHERE {column} = ?");
        db.prepare_cached(&sql)?.execute([key.0])?;
    }
    db.prepare_cached("UPDATE last_change SET n_touched = n_touched + 1")?
        .execute([])?;
    Ok(())
}

/// Keeps a pair of ids that is about to be split, if it is not yet.
pub(super) fn keep_split(db: &Connection, pair: (&str, &str)) -> rusqlite::Result<()> {
    let sql = "INSERT INTO undo_splits (a, b) SELECT ?1, ?2
        WHERE NOT EXISTS (SELECT 1 FROM splits WHERE a = ?1 AND b = ?2)";
    db.prepare_cached(sql)?.execute(pair)?;
    Ok(())
}

/// Keeps how far a feed has been pulled.
pub(super) fn keep_pull(db: &Connection, feed: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO undo_pulls (feed, state)
        SELECT ?1, (SELECT state FROM pulls WHERE feed = ?1)";
    db.prepare_cached(sql)?.execute([feed])?;
    Ok(())
}

/// Forgets the last change: it can no longer be taken back.
pub(super) fn forget_change(db: &Connection) -> rusqlite::Result<()> {
    clear(db)?;
    db.execute("DELETE FROM last_change", [])?;
    Ok(())
}

/// Empties what is kept, inside of a transaction.
fn clear(db: &Connection) -> rusqlite::Result<()> {
    let tables = KEPT.iter().map(|(table, _)| *table);
    for table in tables.chain(["splits", "pulls"]) {
        db.execute(&format!("DELETE FROM undo_{table}"), [])?;
    }
    Ok(())
}
