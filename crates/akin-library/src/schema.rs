//! The tables of `papers.db`, and the format's version.
//!
//! | table | a row is | kept narrow because |
//! |---|---|---|
//! | `papers` | one paper: id, text hash, and what filters ask for | filters read all of it |
//! | `records` | the paper as JSON, under the paper's key, and of whose word it is if it is of one source | it is read for hits only |
//! | `record_hashes` | one record of a dump that has been taken in, current or superseded | a second ingest asks for every record |
//! | `aliases` | another id of a paper | — |
//! | `sources` | one of several records that a paper was merged from | only merged papers have any |
//! | `splits` | two ids that were taken apart by hand: never merged again | — |
//! | `pulls` | how far a feed has been pulled | — |
//! | `listings` | a paper stood in the list of a day | — |
//! | `spaces` | one model with one recipe: number of rows that count, which is active | — |
//! | `embeddings` | which row of a space holds which paper at which text hash | — |
//! | `dead_rows` | a row whose paper was replaced or removed, with its text's hash | read whole at every open |
//! | `state` | the one: how often records have changed, and the library's own number | read at every search by words |
//! | `ingests` | one run of `add`: when, of what, with which counts | — |
//! | `follows` | one question that is asked again and again, under a name | — |
//! | `subscribers` | somebody who gets digests by mail | — |
//! | `progress` | up to which paper a follow has been gone through for somebody | — |
//! | `digests` | a digest: prepared, and sent or not | — |
//! | `last_change`, `undo_…` | the last change, and papers as they were before it: see `undo.rs` | — |
//! | `shown` | an id that a sent digest showed under a follow | ids, because papers merge and change keys |
//!
//! Version 2 (0.1.0) adds title keys, merged records, notices and checksums of records, and an
//! index of embeddings by paper. Version 3 adds the collection of each record, local ids, and names
//! in the form that filters compare. Version 4 adds a random number of the library, and the
//! identity of its row file. Version 5 adds the last change, the texts of dead rows, and dates of
//! papers that are a year or a month. An older library is migrated when it is next opened for writing. Its
//! local ids have no collection until a dump claims them.

use rusqlite::Connection;

use super::columns::renew_columns;
use super::layout::Layout;
use akin_base::error::{Error, Result};
use akin_base::paper::{Paper, title_key};

/// The format version that this build writes.
pub const FORMAT_VERSION: i64 = 5;

/// "akin" in ASCII: tells a library from any other SQLite file.
const APPLICATION_ID: i64 = 0x616b_696e;

const TABLES: &str = "
CREATE TABLE papers (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    text_hash BLOB NOT NULL,
    date TEXT,                  -- YYYY-MM-DD, YYYY-MM or YYYY: published, else updated, else listed
    categories TEXT NOT NULL,   -- a line for every name that one is found by, as `categories.rs` writes them
    authors TEXT NOT NULL,      -- a line for each name, its words as `name.rs` writes them
    title_key INTEGER,          -- of the title's letters and digits
    notice TEXT                 -- withdrawn, retracted
);
CREATE INDEX papers_by_title ON papers(title_key);
CREATE TABLE records (
    paper INTEGER PRIMARY KEY REFERENCES papers(key) ON DELETE CASCADE,
    json TEXT NOT NULL,
    sum INTEGER NOT NULL,       -- CRC-32 of the JSON
    collection TEXT NOT NULL DEFAULT '',    -- of its one source; empty where that is not known
    authority TEXT NOT NULL DEFAULT 'export',
    restored INTEGER NOT NULL DEFAULT 0     -- the user says that it was not withdrawn
);
CREATE TABLE record_hashes (
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (paper, hash)
) WITHOUT ROWID;
CREATE TABLE aliases (
    alias TEXT PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX aliases_of ON aliases(paper);
CREATE TABLE sources (
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE,
    place INTEGER NOT NULL,         -- in the order of merging
    collection TEXT NOT NULL,
    authority TEXT NOT NULL,
    json TEXT NOT NULL,
    sum INTEGER NOT NULL,           -- CRC-32 of the JSON
    why TEXT NOT NULL,              -- empty for the first
    merged TEXT NOT NULL,           -- when
    PRIMARY KEY (paper, place)
) WITHOUT ROWID;
CREATE TABLE splits (
    a TEXT NOT NULL,                -- a < b
    b TEXT NOT NULL,
    PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE TABLE pulls (
    feed TEXT PRIMARY KEY,
    state TEXT NOT NULL             -- for the puller
) WITHOUT ROWID;
CREATE TABLE listings (
    date TEXT NOT NULL,
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE,
    PRIMARY KEY (date, paper)
) WITHOUT ROWID;
CREATE INDEX listings_of ON listings(paper);
CREATE TABLE spaces (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL UNIQUE,
    dim INTEGER NOT NULL,
    recipe TEXT NOT NULL,
    source TEXT NOT NULL,
    generation INTEGER NOT NULL,    -- of the row file
    n_rows INTEGER NOT NULL,        -- rows that count
    active INTEGER NOT NULL,
    rows_identity BLOB              -- of the row file; NULL where it has none
);
CREATE TABLE embeddings (
    space INTEGER NOT NULL REFERENCES spaces(key) ON DELETE CASCADE,
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE,
    row INTEGER NOT NULL,
    text_hash BLOB NOT NULL,
    PRIMARY KEY (paper, space)      -- the paper first: papers are removed, spaces hardly ever
) WITHOUT ROWID;
CREATE UNIQUE INDEX embeddings_by_row ON embeddings(space, row);
CREATE TABLE dead_rows (
    space INTEGER NOT NULL REFERENCES spaces(key) ON DELETE CASCADE,
    row INTEGER NOT NULL,
    text_hash BLOB,                 -- of its text; NULL for a row that died before version 5
    PRIMARY KEY (space, row)
) WITHOUT ROWID;
CREATE TABLE ingests (
    key INTEGER PRIMARY KEY,
    started TEXT NOT NULL,
    finished TEXT,
    dumps TEXT NOT NULL,            -- JSON array of names
    n_read INTEGER NOT NULL,
    n_stored INTEGER NOT NULL,
    n_changed INTEGER NOT NULL,
    n_unchanged INTEGER NOT NULL,
    n_rejected INTEGER NOT NULL,
    n_truncated INTEGER NOT NULL,
    n_merged INTEGER NOT NULL DEFAULT 0,
    n_deleted INTEGER NOT NULL DEFAULT 0
);
";

/// What version 2 has that version 1 had not; the rest is filled in from the records.
const FROM_1_TO_2: &str = "
ALTER TABLE papers ADD COLUMN title_key INTEGER;
ALTER TABLE records ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE papers ADD COLUMN notice TEXT;
CREATE INDEX papers_by_title ON papers(title_key);
CREATE TABLE sources (
    id TEXT PRIMARY KEY,
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    json TEXT NOT NULL,
    sum INTEGER NOT NULL,
    why TEXT NOT NULL,
    merged TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sources_of ON sources(paper, place);
CREATE TABLE splits (
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE TABLE pulls (
    feed TEXT PRIMARY KEY,
    state TEXT NOT NULL
) WITHOUT ROWID;
ALTER TABLE ingests ADD COLUMN n_merged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ingests ADD COLUMN n_deleted INTEGER NOT NULL DEFAULT 0;
DROP INDEX embeddings_by_row;
ALTER TABLE embeddings RENAME TO embeddings_of_1;
CREATE TABLE embeddings (
    space INTEGER NOT NULL REFERENCES spaces(key) ON DELETE CASCADE,
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE,
    row INTEGER NOT NULL,
    text_hash BLOB NOT NULL,
    PRIMARY KEY (paper, space)
) WITHOUT ROWID;
INSERT INTO embeddings (space, paper, row, text_hash)
    SELECT space, paper, row, text_hash FROM embeddings_of_1 ORDER BY paper, space;
DROP TABLE embeddings_of_1;
CREATE UNIQUE INDEX embeddings_by_row ON embeddings(space, row);
";

/// What version 3 has that version 2 had not; the columns of `papers` are made again.
const FROM_2_TO_3: &str = "
ALTER TABLE records ADD COLUMN collection TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN authority TEXT NOT NULL DEFAULT 'export';
ALTER TABLE records ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources RENAME TO sources_of_2;
DROP INDEX sources_of;
CREATE TABLE sources (
    paper INTEGER NOT NULL REFERENCES papers(key) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    collection TEXT NOT NULL,
    authority TEXT NOT NULL,
    json TEXT NOT NULL,
    sum INTEGER NOT NULL,
    why TEXT NOT NULL,
    merged TEXT NOT NULL,
    PRIMARY KEY (paper, place)
) WITHOUT ROWID;
INSERT OR IGNORE INTO sources (paper, place, collection, authority, json, sum, why, merged)
    SELECT paper, place, '', 'export', json, sum, why, merged FROM sources_of_2;
DROP TABLE sources_of_2;
";

/// What version 4 has in its `spaces` that earlier ones had not: row files of theirs have no identity.
const ROWS_IDENTITY: &str = "ALTER TABLE spaces ADD COLUMN rows_identity BLOB;";

/// What version 4 has in its `state` that version 2 and 3 had not.
const MARK_AND_NUMBER: &str = "
ALTER TABLE state ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE state SET mark = random(), number = random();
DROP TRIGGER record_inserted;
DROP TRIGGER record_updated;
DROP TRIGGER record_deleted;
";

/// What version 5 has in its `dead_rows` that earlier ones had not.
const TEXTS_OF_DEAD_ROWS: &str = "ALTER TABLE dead_rows ADD COLUMN text_hash BLOB;";

/// Finds the dead rows of a text.
const DEAD_ROWS_BY_TEXT: &str =
    "CREATE INDEX dead_rows_by_text ON dead_rows(text_hash) WHERE text_hash NOT NULL;";

/// Finds ids of collections by what they are without them.
const LOCAL_IDS: &str = "
CREATE INDEX papers_by_local_id ON papers(substr(id, instr(id, '#') + 1))
    WHERE substr(id, 1, 1) = '@';
CREATE INDEX aliases_by_local_id ON aliases(substr(alias, instr(alias, '#') + 1))
    WHERE substr(alias, 1, 1) = '@';
CREATE INDEX records_without_collection ON records(paper) WHERE collection = '';
";

/// What tells that papers have changed, in either.
const STATE: &str = "
CREATE INDEX record_sums ON records(paper, sum);
CREATE INDEX withdrawn ON papers(notice) WHERE notice = 'withdrawn';
CREATE TABLE state (
    changes INTEGER NOT NULL,   -- of records, counted by the triggers
    mark INTEGER NOT NULL,      -- drawn by chance at every change
    number INTEGER NOT NULL     -- the library's own, drawn by chance
);
INSERT INTO state (changes, mark, number) VALUES (1, random(), random());
";

/// Counts the changes of records.
const STATE_TRIGGERS: &str = "
CREATE TRIGGER record_inserted AFTER INSERT ON records
    BEGIN UPDATE state SET changes = changes + 1, mark = random(); END;
CREATE TRIGGER record_updated AFTER UPDATE ON records
    BEGIN UPDATE state SET changes = changes + 1, mark = random(); END;
CREATE TRIGGER record_deleted AFTER DELETE ON records
    BEGIN UPDATE state SET changes = changes + 1, mark = random(); END;
";

/// What digests need. Older libraries of this format lack these tables: a writer creates them, and
/// a reader takes a missing table for an empty one.
///
/// SQLite reuses the largest key once its paper is removed. The trigger lowers the marks to the
/// remaining keys, so that the next paper is above them.
const DIGESTS: &str = "
CREATE TABLE IF NOT EXISTS follows (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL,       -- for the caller
    created TEXT NOT NULL,
    after INTEGER NOT NULL          -- the largest key of a paper when it was created
);
CREATE TABLE IF NOT EXISTS subscribers (
    address TEXT PRIMARY KEY,
    definition TEXT NOT NULL,       -- for the caller
    created TEXT NOT NULL,
    after INTEGER NOT NULL          -- as of a follow
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (
    reader TEXT NOT NULL,           -- a subscriber's address; empty for the library's owner
    follow INTEGER NOT NULL REFERENCES follows(key) ON DELETE CASCADE,
    after INTEGER NOT NULL,         -- papers with keys up to this one have been gone through
    PRIMARY KEY (reader, follow)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digests (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    reader TEXT NOT NULL,
    prepared TEXT NOT NULL,
    sent TEXT,                      -- when; NULL while it is not
    body TEXT NOT NULL              -- for the caller
);
CREATE INDEX IF NOT EXISTS digests_of ON digests(reader, sent);
CREATE TABLE IF NOT EXISTS shown (
    follow INTEGER NOT NULL REFERENCES follows(key) ON DELETE CASCADE,
    reader TEXT NOT NULL,
    id TEXT NOT NULL,               -- every id that the paper had when it was shown
    digest INTEGER NOT NULL,
    PRIMARY KEY (follow, reader, id)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS last_paper_forgotten AFTER DELETE ON papers
    WHEN OLD.key > (SELECT coalesce(max(key), 0) FROM papers)
BEGIN
    UPDATE follows SET after = min(after, (SELECT coalesce(max(key), 0) FROM papers));
    UPDATE subscribers SET after = min(after, (SELECT coalesce(max(key), 0) FROM papers));
    UPDATE progress SET after = min(after, (SELECT coalesce(max(key), 0) FROM papers));
END;
";

/// The tables that keep the last change. Those named `undo_` are made like the tables that they keep
/// rows of: where a version adds columns to these, it makes those again.
const UNDO_TABLES: &str = "
CREATE TABLE last_change (
    command TEXT NOT NULL,          -- for the user
    names TEXT NOT NULL,            -- JSON array: dumps, or empty
    begun TEXT NOT NULL,
    finished INTEGER NOT NULL,      -- whether the command came to its end
    after INTEGER NOT NULL,         -- papers with larger keys are new
    n_touched INTEGER NOT NULL,     -- papers that are kept as they were
    is_kept INTEGER NOT NULL        -- 0 where there were too many of them
);
CREATE TABLE undo_papers AS SELECT * FROM papers WHERE 0;
CREATE TABLE undo_records AS SELECT * FROM records WHERE 0;
CREATE TABLE undo_record_hashes AS SELECT * FROM record_hashes WHERE 0;
CREATE TABLE undo_aliases AS SELECT * FROM aliases WHERE 0;
CREATE TABLE undo_sources AS SELECT * FROM sources WHERE 0;
CREATE TABLE undo_listings AS SELECT * FROM listings WHERE 0;
CREATE TABLE undo_splits AS SELECT * FROM splits WHERE 0;
CREATE TABLE undo_pulls (
    feed TEXT PRIMARY KEY,
    state TEXT                      -- NULL where the feed had not been pulled
) WITHOUT ROWID;
CREATE INDEX undo_papers_by_key ON undo_papers(key);
";

/// The format version of a database; 0 where nothing has been created in it yet.
///
/// # Errors
/// [`Error::LibraryNewer`], or [`Error::Damaged`] if the file is no library's database.
pub(super) fn version(db: &Connection, layout: &Layout) -> Result<i64> {
    let fail = layout.database_error();
    let ask = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = ask("user_version").map_err(&fail)?;
    if found > FORMAT_VERSION {
        return Err(Error::LibraryNewer {
            path: layout.root.clone(),
            found,
            supported: FORMAT_VERSION,
        });
    }
    let is_ours = match found {
        0 => {
            let sql = "SELECT count(*) = 0 FROM sqlite_schema";
            db.query_row(sql, [], |row| row.get(0)).map_err(&fail)?
        }
        _ => ask("application_id").map_err(&fail)? == APPLICATION_ID,
    };
    if !is_ours {
        let what = "it is not a library's database";
        return Err(Error::damaged(layout.database(), what));
    }
    Ok(found)
}

/// Brings a database to [`FORMAT_VERSION`]: creates the tables where there are none, adds what an
/// older version lacks. In one transaction with the version.
pub(super) fn bring_up(db: &mut Connection, layout: &Layout) -> Result<()> {
    let found = version(db, layout)?;
    if found == FORMAT_VERSION {
        return db.execute_batch(DIGESTS).map_err(layout.database_error());
    }
    let bring_up = |db: &mut Connection| {
        let tx = db.transaction()?;
        match found {
            0 => {
                tx.execute_batch(TABLES)?;
                tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            }
            1 => {
                tx.execute_batch(FROM_1_TO_2)?;
                fill_from_records(&tx)?;
            }
            _ => {}
        }
        if found < 2 {
            tx.execute_batch(STATE)?;
        }
        if matches!(found, 1 | 2) {
            tx.execute_batch(FROM_2_TO_3)?;
            renew_columns(&tx)?;
        }
        if found < 3 {
            tx.execute_batch(LOCAL_IDS)?;
        }
        if (1..4).contains(&found) {
            tx.execute_batch(ROWS_IDENTITY)?;
        }
        if matches!(found, 2 | 3) {
            tx.execute_batch(MARK_AND_NUMBER)?;
        }
        if found < 4 {
            tx.execute_batch(STATE_TRIGGERS)?;
        }
        if found > 0 {
            tx.execute_batch(TEXTS_OF_DEAD_ROWS)?;
        }
        tx.execute_batch(DEAD_ROWS_BY_TEXT)?;
        tx.execute_batch(UNDO_TABLES)?;
        tx.execute_batch(DIGESTS)?;
        tx.pragma_update(None, "user_version", FORMAT_VERSION)?;
        tx.commit()
    };
    bring_up(db).map_err(layout.database_error())
}

/// Computes what version 1 lacks from the papers' records: checksums, title keys, and record hashes
/// in the present form. What cannot be read is left to `check`.
fn fill_from_records(db: &Connection) -> rusqlite::Result<()> {
    let mut records = db.prepare("SELECT paper, json FROM records")?;
    let mut set = db.prepare("UPDATE papers SET title_key = ? WHERE key = ?")?;
    let mut sum = db.prepare("UPDATE records SET sum = ? WHERE paper = ?")?;
    let mut note = db.prepare("INSERT OR IGNORE INTO record_hashes (paper, hash) VALUES (?, ?)")?;
    let mut rows = records.query([])?;
    while let Some(row) = rows.next()? {
        let (key, json): (i64, String) = (row.get(0)?, row.get(1)?);
        sum.execute((crc32fast::hash(json.as_bytes()), key))?;
        if let Ok(paper) = serde_json::from_str::<Paper>(&json) {
            set.execute((title_key(&paper.title), key))?;
            note.execute((key, paper.record_hash().0))?;
        }
    }
    Ok(())
}
