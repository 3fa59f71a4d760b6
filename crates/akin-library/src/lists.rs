//! Papers by day: by the lists that contained them, and by their dates.
//!
//! The day of a list is not the day of publication; both are stored. A paper in no list *arrives*
//! on its own date, any other on the day of its first list.

use jiff::civil::Date;
use rusqlite::params;

use super::filter::Filter;
use super::keys::PaperKey;
use super::read::Library;
use akin_base::error::Result;
use akin_base::paper::PartialDate;

/// Which day a paper belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Day {
    /// The day of a list that contained it.
    #[default]
    Listed,
    /// Its date: published, else updated, else first listed.
    Dated,
}

/// Holds for a paper whose date lies within the days `?1` to `?2`, whatever day of it is meant.
const IS_WITHIN: &str = "date || substr('-01-01', length(date) - 3) >= ?1
    AND CASE length(date) WHEN 4 THEN date || '-12-31'
        WHEN 7 THEN date(date || '-01', '+1 month', '-1 day') ELSE date END <= ?2";

impl Library {
    /// The papers of the days `first` to `last`, each with its first day among them, ordered by day
    /// and then by key. Withdrawn papers are left out, and so are papers that are dated with a year
    /// or a month that is not wholly among them.
    ///
    /// # Errors
    /// [`Error::Database`](akin_base::Error::Database), as all questions here.
    pub fn papers_of_days(
        &self,
        by: Day,
        first: Date,
        last: Date,
    ) -> Result<Vec<(PaperKey, Date)>> {
        let dated = format!(
            "SELECT key, date FROM papers
             WHERE {IS_WITHIN} AND notice IS NOT 'withdrawn' ORDER BY date, key"
        );
        let sql = match by {
            Day::Listed => {
                "SELECT listings.paper, min(listings.date) AS day FROM listings
                 JOIN papers ON papers.key = listings.paper
                 WHERE listings.date BETWEEN ? AND ? AND notice IS NOT 'withdrawn'
                 GROUP BY listings.paper ORDER BY day, listings.paper"
            }
            Day::Dated => &dated,
        };
        let list = || {
            let mut statement = self.db.prepare_cached(sql)?;
            let days = params![first.to_string(), last.to_string()];
            let found = statement.query_map(days, |row| Ok((row.get(0)?, row.get(1)?)))?;
            found.collect::<rusqlite::Result<Vec<(i64, String)>>>()
        };
        let found = list().map_err(self.layout.database_error())?;
        let first = |day: &str| day.parse().map(PartialDate::first).ok();
        let day = |(key, day): (i64, String)| Some((PaperKey(key), first(&day)?));
        Ok(found.into_iter().filter_map(day).collect())
    }

    /// The last day before `date` that has any paper; a date that is a year or a month is of no day.
    ///
    /// # Errors
    /// As [`Library::papers_of_days`].
    pub fn day_before(&self, by: Day, date: Date) -> Result<Option<Date>> {
        self.day_beside(
            match by {
                Day::Listed => "SELECT max(date) FROM listings WHERE date < ?",
                Day::Dated => "SELECT max(date) FROM papers WHERE date < ? AND length(date) = 10",
            },
            date,
        )
    }

    /// The first day after `date` that has any paper.
    ///
    /// # Errors
    /// As [`Library::papers_of_days`].
    pub fn day_after(&self, by: Day, date: Date) -> Result<Option<Date>> {
        self.day_beside(
            match by {
                Day::Listed => "SELECT min(date) FROM listings WHERE date > ?",
                Day::Dated => "SELECT min(date) FROM papers WHERE date > ? AND length(date) = 10",
            },
            date,
        )
    }

    /// The papers that arrived from `first` to `last`: first listed then, or dated then and in no
    /// list. Ordered by key; withdrawn papers are left out.
    ///
    /// # Errors
    /// As [`Library::papers_of_days`].
    pub fn arrived_between(&self, first: Date, last: Date) -> Result<Vec<PaperKey>> {
        let sql = format!(
            "SELECT key FROM papers WHERE notice IS NOT 'withdrawn' AND
             key IN (SELECT paper FROM listings WHERE date BETWEEN ?1 AND ?2)
             AND NOT EXISTS (SELECT 1 FROM listings WHERE paper = key AND date < ?1)
             UNION SELECT key FROM papers WHERE notice IS NOT 'withdrawn' AND
             {IS_WITHIN} AND NOT EXISTS (SELECT 1 FROM listings WHERE paper = key)
             ORDER BY key"
        );
        self.keys(&sql, params![first.to_string(), last.to_string()])
    }

    /// The papers with larger keys than this one, in order. Withdrawn papers are left out.
    ///
    /// # Errors
    /// As [`Library::papers_of_days`].
    pub fn stored_after(&self, key: PaperKey) -> Result<Vec<PaperKey>> {
        let sql = "SELECT key FROM papers WHERE key > ? AND notice IS NOT 'withdrawn' ORDER BY key";
        self.keys(sql, [key.0])
    }

    /// The largest key of a paper; 0 if there are no papers.
    ///
    /// # Errors
    /// As [`Library::papers_of_days`].
    pub fn last_key(&self) -> Result<PaperKey> {
        let sql = "SELECT coalesce(max(key), 0) FROM papers";
        let last = self.db.query_row(sql, [], |row| row.get(0));
        last.map(PaperKey).map_err(self.layout.database_error())
    }

    /// The papers that pass a filter, ordered by key.
    ///
    /// # Errors
    /// As [`Library::papers_of_days`].
    pub fn passing(&self, filter: &Filter) -> Result<Vec<PaperKey>> {
        let (condition, values) = filter.sql();
        let sql = format!(
            "SELECT key FROM papers WHERE notice IS NOT 'withdrawn' AND {condition} ORDER BY key"
        );
        self.keys(&sql, rusqlite::params_from_iter(values))
    }

    fn keys(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<PaperKey>> {
        let list = || {
            let mut statement = self.db.prepare(sql)?;
            let keys = statement.query_map(params, |row| row.get(0).map(PaperKey))?;
            keys.collect::<rusqlite::Result<_>>()
        };
        list().map_err(self.layout.database_error())
    }

    fn day_beside(&self, sql: &str, date: Date) -> Result<Option<Date>> {
        let ask = || {
            let mut statement = self.db.prepare_cached(sql)?;
            statement.query_row([date.to_string()], |row| row.get::<_, Option<String>>(0))
        };
        let found = ask().map_err(self.layout.database_error())?;
        Ok(found.and_then(|day| day.parse().ok()))
    }
}
