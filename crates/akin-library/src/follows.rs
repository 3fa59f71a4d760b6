//! Follows, their readers, and the papers that each reader has been shown.
//!
//! ```text
//! no digest ──► prepared ──────────────► sent
//!                  │   one transaction:   what it showed is noted, under every id it had;
//!                  │                      the follows' marks move to the papers gone through
//!                  └──► dropped          refused for good: nothing of it was shown
//! ```
//!
//! A *reader* is a subscriber's address, or empty for the library's owner. Definitions of follows
//! and bodies of digests are the caller's text, which the library only stores.
//!
//! Invariants: papers of a sent digest are recorded under all their ids, so they are still
//! recognised after a merge or under a new id. A reader has at most one unsent digest.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::keys::PaperKey;
use super::read::Library;
use super::write::Writer;
use akin_base::error::{Error, Result};
use akin_base::paper::PaperId;
use akin_base::step::{self, Step};

/// A follow's key in the database: it stays the same when the follow is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FollowKey(pub i64);

/// A digest's key in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DigestKey(pub i64);

/// A follow as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFollow {
    /// Its key.
    pub key: FollowKey,
    /// Its name.
    pub name: String,
    /// Its definition, for the caller.
    pub definition: String,
    /// When it was created, in UTC.
    pub created: String,
}

/// A subscriber as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSubscriber {
    /// The address that digests are sent to.
    pub address: String,
    /// Its definition, for the caller.
    pub definition: String,
    /// When it was created, in UTC.
    pub created: String,
    /// When the last digest was sent, in UTC.
    pub last_sent: Option<String>,
    /// Whether a digest waits to be sent.
    pub has_unsent: bool,
}

/// A digest as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDigest {
    /// Its key.
    pub key: DigestKey,
    /// Its content, for the caller.
    pub body: String,
    /// When it was sent, in UTC.
    pub sent: Option<String>,
}

/// The papers that a digest showed under one follow.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The follow.
    pub follow: FollowKey,
    /// The last paper examined for it, if all papers up to that one were.
    pub up_to: Option<PaperKey>,
    /// Every id of the papers that were shown.
    pub ids: Vec<&'a PaperId>,
}

impl Library {
    /// Every follow, in the order of their names.
    ///
    /// # Errors
    /// [`Error::Database`], as for every query here.
    pub fn follows(&self) -> Result<Vec<StoredFollow>> {
        if !self.has_digests()? {
            return Ok(Vec::new());
        }
        let list = || {
            let sql = "SELECT key, name, definition, created FROM follows ORDER BY name";
            let mut statement = self.db.prepare(sql)?;
            let follows = statement.query_map([], |row| {
                Ok(StoredFollow {
                    key: FollowKey(row.get(0)?),
                    name: row.get(1)?,
                    definition: row.get(2)?,
                    created: row.get(3)?,
                })
            })?;
            follows.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// The follow of this name.
    ///
    /// # Errors
    /// [`Error::UnknownFollow`].
    pub fn follow(&self, name: &str) -> Result<StoredFollow> {
        let mut follows = self.follows()?;
        match follows.iter().position(|follow| follow.name == name) {
            Some(at) => Ok(follows.swap_remove(at)),
            None => Err(Error::UnknownFollow {
                name: name.to_owned(),
                known: follows.into_iter().map(|follow| follow.name).collect(),
            }),
        }
    }

    /// Every subscriber, in the order of their addresses.
    ///
    /// # Errors
    /// As [`Library::follows`].
    pub fn subscribers(&self) -> Result<Vec<StoredSubscriber>> {
        if !self.has_digests()? {
            return Ok(Vec::new());
        }
        let list = || {
            let sql = "SELECT address, definition, created,
                 (SELECT max(sent) FROM digests WHERE reader = address),
                 EXISTS (SELECT 1 FROM digests WHERE reader = address AND sent IS NULL)
                 FROM subscribers ORDER BY address";
            let mut statement = self.db.prepare(sql)?;
            let subscribers = statement.query_map([], |row| {
                Ok(StoredSubscriber {
                    address: row.get(0)?,
                    definition: row.get(1)?,
                    created: row.get(2)?,
                    last_sent: row.get(3)?,
                    has_unsent: row.get(4)?,
                })
            })?;
            subscribers.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// The last paper examined for a follow and a reader. Before the first digest it is the last
    /// paper stored when the follow or the subscription began, whichever was later.
    ///
    /// # Errors
    /// As [`Library::follows`].
    pub fn gone_through(&self, reader: &str, follow: FollowKey) -> Result<PaperKey> {
        let sql = "SELECT coalesce((SELECT after FROM progress WHERE reader = ?1 AND follow = ?2),
             (SELECT max(after) FROM (SELECT after FROM follows WHERE key = ?2
              UNION ALL SELECT after FROM subscribers WHERE address = ?1)), 0)";
        let ask = || {
            let mut statement = self.db.prepare_cached(sql)?;
            statement.query_row((reader, follow.0), |row| row.get(0))
        };
        let key = ask().map_err(self.layout.database_error())?;
        Ok(PaperKey(key))
    }

    /// The papers that a follow has shown to a reader, found by any of their present ids.
    ///
    /// # Errors
    /// As [`Library::follows`].
    pub fn shown(&self, reader: &str, follow: FollowKey) -> Result<HashSet<PaperKey>> {
        let sql = "SELECT papers.key FROM shown JOIN papers ON papers.id = shown.id
             WHERE shown.follow = ?1 AND shown.reader = ?2
             UNION SELECT aliases.paper FROM shown JOIN aliases ON aliases.alias = shown.id
             WHERE shown.follow = ?1 AND shown.reader = ?2";
        let list = || {
            let mut statement = self.db.prepare_cached(sql)?;
            let keys = statement.query_map((follow.0, reader), |row| row.get(0))?;
            keys.map(|key| key.map(PaperKey)).collect()
        };
        let keys: rusqlite::Result<_> = list();
        keys.map_err(self.layout.database_error())
    }

    /// A reader's unsent digest.
    ///
    /// # Errors
    /// As [`Library::follows`].
    pub fn unsent(&self, reader: &str) -> Result<Option<StoredDigest>> {
        let found = self.digests(reader, "sent IS NULL", 1)?;
        Ok(found.into_iter().next())
    }

    /// The last `n` digests sent to a reader, newest first.
    ///
    /// # Errors
    /// As [`Library::follows`].
    pub fn sent(&self, reader: &str, n: usize) -> Result<Vec<StoredDigest>> {
        self.digests(reader, "sent IS NOT NULL", n)
    }

    /// The digests sent to a reader that were prepared between two moments, newest first.
    ///
    /// # Errors
    /// As [`Library::follows`].
    pub fn sent_of(
        &self,
        reader: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<StoredDigest>> {
        // Moments as they are stored, in UTC, sort as texts.
        let condition = format!("sent IS NOT NULL AND prepared BETWEEN '{from}' AND '{to}'");
        self.digests(reader, &condition, i64::MAX as usize)
    }

    fn digests(&self, reader: &str, condition: &str, n: usize) -> Result<Vec<StoredDigest>> {
        if !self.has_digests()? {
            return Ok(Vec::new());
        }
        let list = || {
            let sql = format!(
                "SELECT key, body, sent FROM digests WHERE reader = ? AND {condition}
                 ORDER BY key DESC LIMIT ?"
            );
            let mut statement = self.db.prepare(&sql)?;
            let digests = statement.query_map((reader, n as i64), |row| {
                Ok(StoredDigest {
                    key: DigestKey(row.get(0)?),
                    body: row.get(1)?,
                    sent: row.get(2)?,
                })
            })?;
            digests.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    /// Whether a writer has created the tables of this file; until then there are no follows.
    fn has_digests(&self) -> Result<bool> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'shown'";
        let n = self.db.query_row(sql, [], |row| row.get::<_, i64>(0));
        Ok(n.map_err(self.layout.database_error())? > 0)
    }
}

impl Writer {
    /// Stores a follow under a new name. Papers stored before are not new to it.
    ///
    /// # Errors
    /// [`Error::BadFollow`] if the name is taken; [`Error::Database`], as for every change here.
    pub fn add_follow(&mut self, name: &str, definition: &str, now: Timestamp) -> Result<()> {
        let sql = "INSERT INTO follows (name, definition, created, after) VALUES
             (?, ?, ?, (SELECT coalesce(max(key), 0) FROM papers)) ON CONFLICT DO NOTHING";
        let n = self.change(|db| db.execute(sql, (name, definition, now.to_string())))?;
        match n {
            0 => Err(Error::BadFollow {
                name: name.to_owned(),
                reason: "there is one of this name: `akin follow edit` changes it".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Changes the name or the definition of a follow. Papers that it has shown stay shown.
    ///
    /// # Errors
    /// [`Error::BadFollow`] if another one has the name.
    pub fn change_follow(&mut self, key: FollowKey, name: &str, definition: &str) -> Result<()> {
        let taken = "SELECT EXISTS (SELECT 1 FROM follows WHERE name = ? AND key <> ?)";
        let is_taken = self.db.query_row(taken, (name, key.0), |row| row.get(0));
        if is_taken.map_err(self.layout.database_error())? {
            return Err(Error::BadFollow {
                name: name.to_owned(),
                reason: "there is one of this name: `akin follow edit` changes it".to_owned(),
            });
        }
        let sql = "UPDATE follows SET name = ?, definition = ? WHERE key = ?";
        self.change(|db| db.execute(sql, (name, definition, key.0)))?;
        Ok(())
    }

    /// Removes a follow and its record of shown papers.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn remove_follow(&mut self, key: FollowKey) -> Result<()> {
        self.change(|db| db.execute("DELETE FROM follows WHERE key = ?", [key.0]))?;
        Ok(())
    }

    /// Stores or changes a subscriber. Papers stored before are not new to a new one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn put_subscriber(
        &mut self,
        address: &str,
        definition: &str,
        now: Timestamp,
    ) -> Result<()> {
        let sql = "INSERT INTO subscribers (address, definition, created, after) VALUES
             (?, ?, ?, (SELECT coalesce(max(key), 0) FROM papers))
             ON CONFLICT (address) DO UPDATE SET definition = excluded.definition";
        self.change(|db| db.execute(sql, (address, definition, now.to_string())))?;
        Ok(())
    }

    /// Removes a subscriber with all digests; returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn remove_subscriber(&mut self, address: &str) -> Result<bool> {
        self.change(|db| {
            for table in ["digests", "shown", "progress"] {
                let sql = format!("DELETE FROM {table} WHERE reader = ?");
                db.execute(&sql, [address])?;
            }
            db.execute("DELETE FROM subscribers WHERE address = ?", [address])
        })
        .map(|n| n > 0)
    }

    /// Stores a digest before it is sent. It waits until it is [sent](Writer::mark_sent) or
    /// [dropped](Writer::drop_digest).
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn prepare_digest(
        &mut self,
        reader: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<DigestKey> {
        let key = self.change(|db| {
            let unsent = "SELECT key FROM digests WHERE reader = ? AND sent IS NULL";
            let unsent: Option<i64> = db
                .query_row(unsent, [reader], |row| row.get(0))
                .optional()?;
            assert!(unsent.is_none(), "one digest waits at a time");
            let sql = "INSERT INTO digests (reader, prepared, body) VALUES (?, ?, ?)";
            db.execute(sql, (reader, now.to_string(), body))?;
            Ok(db.last_insert_rowid())
        })?;
        Ok(DigestKey(key))
    }

    /// Records that a digest was sent, and the papers that it showed.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn mark_sent(
        &mut self,
        digest: DigestKey,
        reader: &str,
        shown: &[Shown<'_>],
        now: Timestamp,
    ) -> Result<()> {
        self.change(|db| {
            let sql = "UPDATE digests SET sent = ? WHERE key = ? AND sent IS NULL";
            db.execute(sql, (now.to_string(), digest.0))?;
            shown
                .iter()
                .try_for_each(|shown| note_shown(db, digest, reader, shown))
        })
    }

    /// Removes a digest that will not be sent.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn drop_digest(&mut self, digest: DigestKey) -> Result<()> {
        let sql = "DELETE FROM digests WHERE key = ? AND sent IS NULL";
        self.change(|db| db.execute(sql, [digest.0]))?;
        Ok(())
    }

    /// Closes an unsent digest with another body, without recording the papers that it showed.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub fn set_digest_aside(
        &mut self,
        digest: DigestKey,
        body: &str,
        now: Timestamp,
    ) -> Result<()> {
        let sql = "UPDATE digests SET sent = ?, body = ? WHERE key = ? AND sent IS NULL";
        self.change(|db| db.execute(sql, (now.to_string(), body, digest.0)))?;
        Ok(())
    }

    fn change<T>(&mut self, change: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let fail = self.layout.database_error();
        let tx = self.db.transaction().map_err(&fail)?;
        let outcome = change(&tx).map_err(&fail)?;
        tx.commit().map_err(&fail)?;
        step::reached(Step::Committed);
        Ok(outcome)
    }
}

/// Records nothing for a follow that was removed since the digest was prepared.
fn note_shown(
    db: &Connection,
    digest: DigestKey,
    reader: &str,
    shown: &Shown<'_>,
) -> rusqlite::Result<()> {
    let mut note = db.prepare_cached(
        "INSERT OR IGNORE INTO shown (follow, reader, id, digest) SELECT ?1, ?2, ?3, ?4
         WHERE EXISTS (SELECT 1 FROM follows WHERE key = ?1)",
    )?;
    for id in &shown.ids {
        note.execute((shown.follow.0, reader, id.as_str(), digest.0))?;
    }
    if let Some(up_to) = shown.up_to {
        // Papers that went meanwhile took the marks back.
        db.prepare_cached(
            "INSERT INTO progress (reader, follow, after)
             SELECT ?1, ?2, min(?3, (SELECT coalesce(max(key), 0) FROM papers))
             WHERE EXISTS (SELECT 1 FROM follows WHERE key = ?2)
             ON CONFLICT DO UPDATE SET after = max(after, excluded.after)",
        )?
        .execute((reader, shown.follow.0, up_to.0))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testdata::{add, library_of, remove};
    use super::*;

    fn now() -> Timestamp {
        "2026-03-14T07:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_a_sent_digest_showed_is_known_and_what_a_dropped_one_did_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 2);
        writer.add_follow("a", "{}", now()).unwrap();
        assert!(writer.add_follow("a", "{}", now()).is_err());
        add(&mut writer, "p2", 0);
        add(&mut writer, "p3", 0);
        let open = || Library::open(dir.path()).unwrap();
        let follow = open().follow("a").unwrap().key;
        let after = open().gone_through("", follow).unwrap();
        let new = open().stored_after(after).unwrap();
        assert_eq!(new.len(), 2);

        let dropped = writer.prepare_digest("", "x", now()).unwrap();
        assert_eq!(open().unsent("").unwrap().unwrap().body, "x");
        writer.drop_digest(dropped).unwrap();
        assert_eq!(open().unsent("").unwrap(), None);

        let key = writer.prepare_digest("", "y", now()).unwrap();
        let id = PaperId::parse("p2").unwrap();
        let shown = Shown {
            follow,
            up_to: Some(new[1]),
            ids: vec![&id],
        };
        writer.mark_sent(key, "", &[shown], now()).unwrap();
        let library = open();
        assert_eq!(library.shown("", follow).unwrap(), HashSet::from([new[0]]));
        assert!(library.shown("b@example.org", follow).unwrap().is_empty());
        assert_eq!(library.gone_through("", follow).unwrap(), new[1]);
        assert_eq!(
            library.gone_through("b@example.org", follow).unwrap(),
            after
        );
        assert_eq!(library.sent("", 9).unwrap().len(), 1);
    }

    #[test]
    fn a_paper_that_gets_the_key_of_one_that_went_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = library_of(dir.path(), 3);
        writer.add_follow("a", "{}", now()).unwrap();
        remove(&mut writer, &["p2"]);
        add(&mut writer, "p9", 0);
        let library = Library::open(dir.path()).unwrap();
        let follow = library.follow("a").unwrap().key;
        let after = library.gone_through("", follow).unwrap();
        let new = library.stored_after(after).unwrap();
        assert_eq!(new, [library.find("p9").unwrap().key]);
    }

    #[test]
    fn a_library_from_before_there_were_follows_has_none_and_gets_them() {
        let dir = tempfile::tempdir().unwrap();
        let writer = library_of(dir.path(), 1);
        writer
            .db
            .execute_batch(
                "DROP TRIGGER last_paper_forgotten; DROP TABLE shown; DROP TABLE digests;
                 DROP TABLE progress; DROP TABLE subscribers; DROP TABLE follows;",
            )
            .unwrap();
        drop(writer);
        let library = Library::open(dir.path()).unwrap();
        assert_eq!(library.follows().unwrap(), []);
        assert_eq!(library.subscribers().unwrap(), []);
        assert_eq!(library.unsent("").unwrap(), None);
        assert!(library.follow("a").is_err());
        drop(library);
        let mut writer = Writer::open(dir.path(), "a test").unwrap();
        writer.add_follow("a", "{}", now()).unwrap();
        assert_eq!(
            Library::open(dir.path()).unwrap().follows().unwrap().len(),
            1
        );
    }
}
