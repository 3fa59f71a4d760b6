//! The statements that store a batch, inside of a writer's transaction.
//!
//! In: an open transaction. Out: changed rows of it. Invariant: nothing here begins or commits.

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::batch::{Batch, Change, IngestCounts};
use super::columns::{Columns, store_columns};
use super::keys::{IngestKey, PaperKey};
use super::record;
use super::space::{ActiveSpace, Space};
use akin_base::paper::{Authority, Notice, TextHash, Votes};
use akin_base::vectors::{Identity, Row};

pub(super) fn insert_space(
    tx: &Transaction,
    space: &Space,
    (generation, identity): (i64, Identity),
    answers: bool,
) -> rusqlite::Result<()> {
    if answers {
        tx.execute("UPDATE spaces SET active = 0", [])?;
    }
    tx.execute(
        "INSERT INTO spaces (name, fingerprint, dim, recipe, source, generation, n_rows, active,
         rows_identity) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)",
        (
            &space.name,
            space.fingerprint,
            space.dim,
            &space.recipe,
            &space.source,
            generation,
            answers,
            identity,
        ),
    )?;
    Ok(())
}

/// Stores all of a batch but the numbers of its embeddings, whose rows follow the committed ones
/// and the `n_staged` of earlier batches of the transaction.
pub(super) fn store_batch(
    db: &Connection,
    active: Option<&ActiveSpace>,
    batch: &Batch,
    n_staged: usize,
) -> rusqlite::Result<()> {
    forget(db, &batch.removed)?;
    let mut next_row = active.map_or(0, |active| active.n_rows) + n_staged;
    for change in &batch.changes {
        let key = store_paper(db, change)?;
        if let (Some(active), true) = (active, change.wants_embedding) {
            let row = Row(u32::try_from(next_row).expect("fewer than 2^32 rows"));
            store_row(db, active.key, key, row, change.paper.text_hash())?;
            next_row += 1;
        }
    }
    for &(paper, date) in &batch.listings {
        store_listing(db, paper, date)?;
    }
    for (paper, votes) in &batch.votes {
        store_votes(db, *paper, votes)?;
    }
    for (one, other) in &batch.splits {
        let sql = "INSERT OR IGNORE INTO splits (a, b) VALUES (?, ?)";
        let pair = (one.min(other).as_str(), one.max(other).as_str());
        db.prepare_cached(sql)?.execute(pair)?;
    }
    Ok(())
}

/// Deletes papers, and marks their rows dead.
pub(super) fn forget(db: &Connection, keys: &[PaperKey]) -> rusqlite::Result<()> {
    for key in keys {
        kill_rows(db, *key)?;
        let mut delete = db.prepare_cached("DELETE FROM papers WHERE key = ?")?;
        delete.execute([key.0])?;
    }
    Ok(())
}

fn kill_rows(db: &Connection, key: PaperKey) -> rusqlite::Result<()> {
    let sql = "INSERT INTO dead_rows (space, row)
               SELECT space, row FROM embeddings WHERE paper = ?";
    db.prepare_cached(sql)?.execute([key.0])?;
    Ok(())
}

fn store_paper(db: &Connection, change: &Change) -> rusqlite::Result<PaperKey> {
    let paper = &change.paper;
    let (json, sum) = record::to_stored(paper);
    // It may go by the id of one that becomes part of it.
    for other in &change.absorbed {
        db.prepare_cached("UPDATE papers SET id = '@#' || key WHERE key = ?")?
            .execute([other.0])?;
    }
    let key = store_columns(db, change.key, Columns::new(paper))?;
    // A paper of one source says whose word it is; of several, `sources` does.
    let only = match &change.sources[..] {
        [only] => Some(only),
        _ => None,
    };
    let collection = only.map_or("", |source| &source.collection);
    let authority = only.map_or_else(Authority::default, |source| source.authority);
    db.prepare_cached(
        "INSERT OR REPLACE INTO records (paper, json, sum, collection, authority, restored)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute((
        key.0,
        json,
        sum,
        collection,
        authority.to_string(),
        change.is_restored,
    ))?;
    if change.forgets_earlier_records {
        db.prepare_cached("DELETE FROM record_hashes WHERE paper = ?")?
            .execute([key.0])?;
    }
    absorb(db, key, &change.absorbed)?;
    for hash in &change.record_hashes {
        db.prepare_cached("INSERT OR IGNORE INTO record_hashes (paper, hash) VALUES (?, ?)")?
            .execute((key.0, hash.0))?;
    }
    if change.key.is_some() {
        db.prepare_cached("DELETE FROM aliases WHERE paper = ?")?
            .execute([key.0])?;
    }
    for alias in &paper.aliases {
        db.prepare_cached("INSERT OR IGNORE INTO aliases (alias, paper) VALUES (?, ?)")?
            .execute((alias.as_str(), key.0))?;
    }
    for &date in &change.listed {
        store_listing(db, key, date)?;
    }
    store_sources(db, key, change)?;
    if paper.notice == Some(Notice::Withdrawn) {
        kill_rows(db, key)?;
        db.prepare_cached("DELETE FROM embeddings WHERE paper = ?")?
            .execute([key.0])?;
    }
    Ok(key)
}

/// Gives the records, listings and aliases of other papers to `key`, and deletes them.
fn absorb(db: &Connection, key: PaperKey, others: &[PaperKey]) -> rusqlite::Result<()> {
    for other in others {
        for sql in [
            "INSERT OR IGNORE INTO record_hashes (paper, hash)
             SELECT ?1, hash FROM record_hashes WHERE paper = ?2",
            "INSERT OR IGNORE INTO listings (date, paper)
             SELECT date, ?1 FROM listings WHERE paper = ?2",
            "UPDATE aliases SET paper = ?1 WHERE paper = ?2",
        ] {
            db.prepare_cached(sql)?.execute((key.0, other.0))?;
        }
    }
    forget(db, others)
}

/// Replaces the records that a paper was made from. A single one that equals the paper is not
/// stored twice.
fn store_sources(db: &Connection, key: PaperKey, change: &Change) -> rusqlite::Result<()> {
    if change.key.is_some() {
        db.prepare_cached("DELETE FROM sources WHERE paper = ?")?
            .execute([key.0])?;
    }
    if let [only] = &change.sources[..]
        && only.paper == change.paper
    {
        return Ok(());
    }
    for (place, source) in change.sources.iter().enumerate() {
        let (json, sum) = record::to_stored(&source.paper);
        let values = (
            key.0,
            place,
            &source.collection,
            source.authority.to_string(),
            json,
            sum,
            &source.why,
            &source.merged,
        );
        let sql =
            "INSERT INTO sources (paper, place, collection, authority, json, sum, why, merged)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        db.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

pub(super) fn store_row(
    db: &Connection,
    space: i64,
    key: PaperKey,
    row: Row,
    text_hash: TextHash,
) -> rusqlite::Result<()> {
    let old: Option<u32> = db
        .prepare_cached("SELECT row FROM embeddings WHERE space = ? AND paper = ?")?
        .query_row((space, key.0), |row| row.get(0))
        .optional()?;
    if let Some(old) = old {
        db.prepare_cached("INSERT INTO dead_rows (space, row) VALUES (?, ?)")?
            .execute((space, old))?;
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO embeddings (space, paper, row, text_hash) VALUES (?, ?, ?, ?)",
    )?
    .execute((space, key.0, row.0, text_hash.0))?;
    Ok(())
}

pub(super) fn store_counts(
    db: &Connection,
    key: IngestKey,
    counts: &IngestCounts,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE ingests SET n_read = ?, n_stored = ?, n_changed = ?, n_unchanged = ?,
         n_merged = ?, n_deleted = ?, n_rejected = ?, n_truncated = ? WHERE key = ?",
    )?
    .execute((
        counts.n_read,
        counts.n_stored,
        counts.n_changed,
        counts.n_unchanged,
        counts.n_merged,
        counts.n_deleted,
        counts.n_rejected,
        counts.n_truncated,
        key.0,
    ))?;
    Ok(())
}

/// Draws a random identity for a row file.
pub(super) fn draw_identity(db: &Connection) -> rusqlite::Result<Identity> {
    db.query_row("SELECT randomblob(16)", [], |row| row.get(0))
}

/// Records that the list of a day contained a paper.
fn store_listing(db: &Connection, paper: PaperKey, date: Date) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO listings (date, paper) VALUES (?, ?)")?
        .execute((date.to_string(), paper.0))?;
    Ok(())
}

/// Puts later votes into a paper's record. A damaged record is left for `check` to report.
fn store_votes(db: &Connection, key: PaperKey, votes: &Votes) -> rusqlite::Result<()> {
    let stored: Option<(String, u32)> = db
        .prepare_cached("SELECT json, sum FROM records WHERE paper = ?")?
        .query_row([key.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let paper = stored.and_then(|(json, sum)| record::parse(&json, sum).ok());
    let Some(mut paper) = paper else {
        return Ok(());
    };
    if paper.take_votes(votes) {
        let (json, sum) = record::to_stored(&paper);
        db.prepare_cached("UPDATE records SET json = ?, sum = ? WHERE paper = ?")?
            .execute((json, sum, key.0))?;
    }
    Ok(())
}
