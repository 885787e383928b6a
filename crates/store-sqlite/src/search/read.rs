//! Finding the messages that hold a text.

use std::collections::{BTreeMap, btree_map::Entry};

use branchwork_core::{
    limits::SEARCH_HITS_MAX,
    store::{Hit, Search, search},
};
use rusqlite::Connection;

use super::{
    grams,
    hits::Hits,
    index::time_of,
    range::{Part, Range, ranges, stretch},
    scan,
};
use crate::{
    error::Answer,
    key::{OpKey, StretchNo},
    query::ops::read_one,
};

/// The messages that hold the text, newest first.
pub(crate) fn read(db: &Connection, search: &Search) -> Answer<Vec<Hit>> {
    let mut hits = Hits::new(search.limit.min(SEARCH_HITS_MAX));
    if search.limit == 0 || search.text.is_empty() {
        return Ok(hits.into_vec());
    }
    let part = match grams::question(&search.text) {
        None => Part::Whole,
        Some(question) => {
            by_index(db, search, &question, &mut hits)?;
            Part::Missing
        }
    };
    scan::read(db, search, &ranges(db, search.session, part)?, &mut hits)?;
    Ok(hits.into_vec())
}

/// How many ops a search would look at, as the index does not have them: counted up to `enough`.
pub(crate) fn missing(db: &Connection, search: &Search, enough: u32) -> Answer<u32> {
    if search.limit == 0 || grams::question(&search.text).is_none() {
        return Ok(0);
    }
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM op WHERE key >= ?1 AND key < ?2 LIMIT ?3)",
    )?;
    let mut count = 0;
    for range in ranges(db, search.session, Part::Missing)? {
        let (from, to) = range.keys();
        let here: u32 = statement.query_row((from, to, enough), |row| row.get(0))?;
        count = here.saturating_add(count);
        if count >= enough {
            break;
        }
    }
    Ok(count)
}

/// Looks at what may be a hit, the newest first, until there are enough.
fn by_index(db: &Connection, search: &Search, question: &str, hits: &mut Hits) -> Answer<()> {
    let mut statement = db.prepare_cached(
        "SELECT d.no, d.key FROM search_text t JOIN search_doc d ON d.no = t.rowid
         WHERE t.search_text MATCH ?1 ORDER BY t.rowid DESC",
    )?;
    let mut stretches: BTreeMap<StretchNo, Option<Range>> = BTreeMap::new();
    let mut rows = statement.query([question])?;
    while let Some(row) = rows.next()? {
        let (no, key): (i64, OpKey) = (row.get(0)?, row.get(1)?);
        if !hits.wants(time_of(no)) {
            break;
        }
        let known = match stretches.entry(key.stretch()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(stretch(db, key.stretch())?),
        };
        let is_wanted = |range: &&mut Range| search.session.is_none_or(|id| id == range.session);
        let Some(range) = known.as_mut().filter(is_wanted) else { continue };
        let Some(op) = read_one(db, key)? else { continue };
        if let Some(hit) = search::hit(search, range.session, range.branch, &op) {
            hits.add(range.id, hit);
        }
    }
    Ok(())
}
