//! The index of searches, as the writer keeps it.

use branchwork_core::store::StoreError;
use rusqlite::{Connection, Row};

use super::{
    grams,
    range::{Part, Range, ranges},
};
use crate::{
    error::{Answer, Failure},
    key::OpKey,
    query::ops::{Origin, decode, select_ops},
    schema,
};

/// Ops that one transaction takes into the index, so that commits do not wait for long.
const BATCH_OPS: usize = 1_000;

/// Bytes of text that one transaction takes into the index, but for the last message.
const BATCH_BYTES: usize = 1024 * 1024;

/// How far the time of a message is shifted in its number in the index.
const NUMBER_BITS: u32 = 4;

/// The latest time that fits: some thousand years from now.
const TIME_MAX: i64 = i64::MAX >> NUMBER_BITS;

/// Takes some of what is missing into the index.
pub(crate) fn extend(db: &mut Connection) -> Answer<()> {
    let transaction = schema::begin(db)?;
    let mut batch = Batch::default();
    for range in ranges(&transaction, None, Part::Missing)? {
        batch.fill(&transaction, &range)?;
        if batch.is_full() {
            break;
        }
    }
    Ok(transaction.commit()?)
}

/// Empties the index.
pub(crate) fn clear(db: &Connection) -> Answer<()> {
    Ok(db.execute_batch(
        "INSERT INTO search_text (search_text) VALUES ('delete-all');
         DELETE FROM search_doc;
         DELETE FROM search_mark;",
    )?)
}

/// What one transaction took in.
#[derive(Default)]
struct Batch {
    ops: usize,
    bytes: usize,
    /// The time and the number of the last message.
    last: Option<(i64, i64)>,
}

impl Batch {
    const fn is_full(&self) -> bool {
        self.ops >= BATCH_OPS || self.bytes >= BATCH_BYTES
    }

    /// Takes in what lies in `range`, as far as it fits.
    fn fill(&mut self, db: &Connection, range: &Range) -> Answer<()> {
        let origin = range.origin(db)?;
        let mut statement =
            db.prepare_cached(select_ops!("key >= ?1 AND key < ?2 ORDER BY key"))?;
        let mut rows = statement.query(range.keys())?;
        let mut places = range.from;
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            self.take(db, origin, row)?;
            self.ops += 1;
            places = row.get::<_, OpKey>(0)?.place() + 1;
        }
        db.prepare_cached(
            "INSERT INTO search_mark (stretch, places) VALUES (?1, ?2)
             ON CONFLICT (stretch) DO UPDATE SET places = excluded.places",
        )?
        .execute((range.stretch, places))?;
        Ok(())
    }

    /// Takes one op in; `row` has the columns of [`select_ops`].
    fn take(&mut self, db: &Connection, origin: Origin, row: &Row<'_>) -> Answer<()> {
        let op = match decode(db, origin, row) {
            // What cannot be read cannot be found either; `verify` tells of it.
            Err(Failure::Refused(StoreError::Corrupt { .. })) => return Ok(()),
            op => op?,
        };
        match op.kind.as_message() {
            Some(message) => self.add(db, row.get(0)?, message.at.as_micros(), &message.text()),
            None => Ok(()),
        }
    }

    fn add(&mut self, db: &Connection, key: OpKey, at: i64, text: &str) -> Answer<()> {
        let no = self.free_number(db, at)?;
        let text = grams::indexed(text);
        self.bytes += text.len();
        db.prepare_cached("INSERT INTO search_text (rowid, text) VALUES (?1, ?2)")?
            .execute((no, text))?;
        db.prepare_cached("INSERT INTO search_doc (no, key) VALUES (?1, ?2)")?
            .execute((no, key))?;
        Ok(())
    }

    /// A number that is free, never below that of the time: so a message is never older than its
    /// number says.
    fn free_number(&mut self, db: &Connection, at: i64) -> Answer<i64> {
        let mut no = match self.last {
            Some((last, no)) if last == at => no + 1,
            _ => at.clamp(-TIME_MAX, TIME_MAX - 1) << NUMBER_BITS,
        };
        let mut statement = db.prepare_cached("SELECT 1 FROM search_doc WHERE no = ?1")?;
        while statement.exists([no])? {
            no += 1;
        }
        self.last = Some((at, no));
        Ok(no)
    }
}

/// The time that a number in the index is of: no message with it or a lower one is newer.
pub(super) const fn time_of(no: i64) -> i64 {
    no >> NUMBER_BITS
}
